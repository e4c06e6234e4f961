"""Bootstrap intervals of scores and of their differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import emotions
from .metrics import agreement_rows, label_scores, macro_f1

Score = Callable[[np.ndarray, np.ndarray], float]

_LEVEL = 0.95
_BOUNDS = ((1 - _LEVEL) / 2, (1 + _LEVEL) / 2)
_DRAWS = 300


def interval(
    true: np.ndarray, answers: list[np.ndarray], score: Score, *, seed: int = 0
) -> dict[str, float]:
    """Average a score over seeds, with a 95 % percentile bootstrap over rows and seeds.

    Parameters
    ----------
    true
        Emotion ids (n,) or vectors (n, 6).
    answers
        A model's predictions for the same rows, one array a seed.
    score
        Function of true and predicted rows.

    Returns
    -------
    dict
        mean, low, high, and n (rows).
    """

    def mean_score(rows: np.ndarray, seeds: np.ndarray) -> float:
        return np.mean([score(true[rows], answers[i][rows]) for i in seeds])

    return _bootstrap(mean_score, (len(true), len(answers)), seed)


def share(values: np.ndarray) -> dict[str, float]:
    """Average rows of 0 to 1, such as hits (n,), with a 95 % percentile bootstrap over rows."""
    values = np.asarray(values, float)
    return interval(values, [values], lambda true, _: float(true.mean()))


def paired_difference(
    true: np.ndarray,
    ours: list[np.ndarray],
    theirs: list[np.ndarray],
    score: Score = macro_f1,
    *,
    seed: int = 0,
) -> dict[str, float]:
    """Estimate the difference of two models' scores, with a 95 % paired bootstrap.

    Each draw takes the same rows for both models, and seeds for each model.

    Parameters
    ----------
    true
        Emotion ids (n,) or vectors (n, 6).
    ours, theirs
        Predictions of each model, one array a seed.

    Returns
    -------
    dict
        mean, low, high of `score(ours) - score(theirs)`, and n (rows).
    """

    def mean_difference(rows: np.ndarray, our_seeds: np.ndarray, their_seeds: np.ndarray) -> float:
        our_scores = [score(true[rows], ours[i][rows]) for i in our_seeds]
        their_scores = [score(true[rows], theirs[i][rows]) for i in their_seeds]
        return np.mean(our_scores) - np.mean(their_scores)

    return _bootstrap(mean_difference, (len(true), len(ours), len(theirs)), seed)


def _bootstrap(
    statistic: Callable[..., float], sizes: tuple[int, ...], seed: int
) -> dict[str, float]:
    """Resample a statistic of one index array for each size; the first size is the rows."""
    rng = np.random.default_rng(seed)
    draws = [
        float(statistic(*(rng.integers(0, size, size) for size in sizes))) for _ in range(_DRAWS)
    ]
    low, high = np.quantile(draws, _BOUNDS)
    mean = float(statistic(*map(np.arange, sizes)))
    return {"mean": mean, "low": float(low), "high": float(high), "n": sizes[0]}


_AGREEMENT = ("top1", "top2", "top3", "less_strict_top1", "less_strict_top2")

#: Scores that `song_scores` computes. A smaller Brier score is better.
SONG_SCORES = (*_AGREEMENT, "macro_f1", "balanced_accuracy", "kappa", "brier")


def _scores_of_draws(
    true: np.ndarray, predicted: np.ndarray, draws: np.ndarray
) -> dict[str, np.ndarray]:
    """Compute `SONG_SCORES` of draws, counts (draws, n) of each song, as {score: (draws,)}.

    One matrix product counts all draws, some hundred times faster than a loop over them.
    """
    ids, classes = true.argmax(1), np.eye(emotions.N)
    rows = agreement_rows(true, predicted) | {"brier": ((predicted - classes[ids]) ** 2).sum(1)}
    scores = {name: draws @ values / draws.sum(1) for name, values in rows.items()}
    cells = np.zeros((len(true), emotions.N**2))
    cells[np.arange(len(true)), emotions.N * ids + predicted.argmax(1)] = 1
    labels = label_scores((draws @ cells).reshape(-1, emotions.N, emotions.N))
    scores |= labels | {"balanced_accuracy": labels["macro_recall"]}
    return {name: scores[name] for name in SONG_SCORES}


def song_scores(
    true: np.ndarray,
    ours: list[np.ndarray],
    theirs: list[np.ndarray] | None = None,
    *,
    times: int = 1000,
    seed: int = 0,
) -> dict[str, dict[str, float]]:
    """Compute `SONG_SCORES`, with a 95 % percentile bootstrap over songs and seeds.

    Parameters
    ----------
    true
        True vectors (n, 6).
    ours
        A model's vectors (n, 6) for the same songs, one array a seed.
    theirs
        Another model's vectors, for the paired differences ours - theirs instead of the scores.
    times
        Number of draws.

    Returns
    -------
    dict
        {score: {mean, low, high, n}}.
    """
    rng = np.random.default_rng(seed)
    n = len(true)
    # The first draw is the songs themselves.
    songs = np.concatenate([np.ones((1, n)), rng.multinomial(n, np.full(n, 1 / n), times)])

    def mean_over_seeds(answers: list[np.ndarray]) -> dict[str, np.ndarray]:
        m = len(answers)
        uniform = np.full(m, 1 / m)
        weights = np.concatenate([uniform[None], rng.multinomial(m, uniform, times) / m])
        by_seed = [_scores_of_draws(true, predicted, songs) for predicted in answers]
        return {
            name: (weights * np.stack([scores[name] for scores in by_seed], axis=1)).sum(1)
            for name in SONG_SCORES
        }

    values = mean_over_seeds(ours)
    if theirs is not None:
        other = mean_over_seeds(theirs)
        values = {name: values[name] - other[name] for name in SONG_SCORES}
    result = {}
    for name, draws in values.items():
        mean = float(draws[0])
        low, high = np.quantile(draws[1:], _BOUNDS)
        result[name] = {
            "mean": mean,
            "low": float(min(low, mean)),
            "high": float(max(high, mean)),
            "n": n,
        }
    return result


def verdict(difference: dict[str, float]) -> str:
    """Judge a difference as better, worse or no difference, by its interval at three decimals."""
    if round(difference["low"], 3) > 0:
        return "better"
    return "worse" if round(difference["high"], 3) < 0 else "no difference"


def format_score(value: float | dict[str, float], digits: int = 3) -> str:
    """Format a number, with its interval if it has one."""
    if isinstance(value, dict):
        return f"{value['mean']:.{digits}f} [{value['low']:.{digits}f}, {value['high']:.{digits}f}]"
    return f"{value:.{digits}f}"
