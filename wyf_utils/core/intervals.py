"""Scores with their intervals, and what a difference is worth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import emotions
from .metrics import agreement_rows, label_scores, macro_f1

Score = Callable[[np.ndarray, np.ndarray], float]


def interval(
    true: np.ndarray,
    answers: list[np.ndarray],
    score: Score,
    *,
    times: int = 300,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, float]:
    """Mean score over seeds, with a percentile bootstrap over rows and seeds.

    Parameters
    ----------
    true
        Emotion ids (n,) or vectors (n, 6).
    answers
        A model's answers to the same rows, one array a seed.
    score
        Function of true and answered rows.

    Returns
    -------
    dict
        mean, low, high, and n (rows).
    """
    rng = np.random.default_rng(seed)

    def mean_score(rows: np.ndarray, seeds: np.ndarray) -> float:
        return float(np.mean([score(true[rows], answers[i][rows]) for i in seeds]))

    n, m = len(true), len(answers)
    draws = [mean_score(rng.integers(0, n, n), rng.integers(0, m, m)) for _ in range(times)]
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return {
        "mean": mean_score(np.arange(n), np.arange(m)),
        "low": float(low),
        "high": float(high),
        "n": n,
    }


def paired_difference(
    true: np.ndarray,
    ours: list[np.ndarray],
    theirs: list[np.ndarray],
    score: Score = macro_f1,
    *,
    times: int = 300,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, float]:
    """Difference of two models' scores on the same rows, by a bootstrap over rows, the same for both, and seeds, drawn for each.

    Parameters
    ----------
    true
        Emotion ids, shape (n,).
    ours, theirs
        Predictions of each model, one array a seed.

    Returns
    -------
    dict
        mean, low, high of `score(ours) - score(theirs)`, and n (rows).
    """
    rng = np.random.default_rng(seed)

    def mean_difference(rows: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
        return float(
            np.mean([score(true[rows], ours[i][rows]) for i in a])
            - np.mean([score(true[rows], theirs[j][rows]) for j in b])
        )

    everything = np.arange(len(true))
    draws = [
        mean_difference(
            rng.integers(0, len(true), len(true)),
            rng.integers(0, len(ours), len(ours)),
            rng.integers(0, len(theirs), len(theirs)),
        )
        for _ in range(times)
    ]
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    mean = mean_difference(everything, np.arange(len(ours)), np.arange(len(theirs)))
    return {"mean": mean, "low": float(low), "high": float(high), "n": len(true)}


#: Scores of songs' vectors against the true ones, as `song_scores` gives them. Brier is the better the smaller.
SONG_SCORES = (
    "top1",
    "top2",
    "top3",
    "less_strict_top1",
    "less_strict_top2",
    "macro_f1",
    "balanced_accuracy",
    "kappa",
    "brier",
)


def _drawn(true: np.ndarray, predicted: np.ndarray, draws: np.ndarray) -> dict[str, np.ndarray]:
    """Every one of `SONG_SCORES` for each draw of songs: how often each song is drawn (draws, n) -> {score: (draws,)}.

    All draws are counted by one matrix product, some hundred times faster than scoring each draw by itself.
    """
    ids, answered = true.argmax(1), predicted.argmax(1)
    rows = agreement_rows(true, predicted) | {
        "brier": ((predicted - np.eye(emotions.N)[ids]) ** 2).sum(1)
    }
    scores = {name: draws @ values / draws.sum(1) for name, values in rows.items()}
    cells = np.zeros((len(true), emotions.N**2))
    cells[np.arange(len(true)), emotions.N * ids + answered] = 1
    labels = label_scores((draws @ cells).reshape(-1, emotions.N, emotions.N))
    scores |= {
        "macro_f1": labels["macro_f1"],
        "balanced_accuracy": labels["recall"],
        "kappa": labels["kappa"],
    }
    return {name: scores[name] for name in SONG_SCORES}


def song_scores(
    true: np.ndarray,
    ours: list[np.ndarray],
    theirs: list[np.ndarray] | None = None,
    *,
    times: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, dict[str, float]]:
    """Every one of `SONG_SCORES`, or its paired difference to another model, with a percentile bootstrap over songs and seeds.

    Parameters
    ----------
    true
        True vectors (n, 6).
    ours
        A model's vectors (n, 6) for the same songs, one array a seed.
    theirs
        The other model's; left out for the scores themselves.

    Returns
    -------
    dict
        {score: {mean, low, high, n}}; of `theirs`, the mean of ours - theirs.
    """
    rng = np.random.default_rng(seed)
    n = len(true)
    songs = np.concatenate(
        [np.ones((1, n)), rng.multinomial(n, np.full(n, 1 / n), times)]
    )  # the first "draw" is the songs themselves

    def mean_over_seeds(answers: list[np.ndarray]) -> dict[str, np.ndarray]:
        m = len(answers)
        weights = np.concatenate(
            [np.full((1, m), 1 / m), rng.multinomial(m, np.full(m, 1 / m), times) / m]
        )  # (draws, seeds)
        each = [_drawn(true, given, songs) for given in answers]
        return {
            name: (weights * np.stack([scores[name] for scores in each], axis=1)).sum(1)
            for name in SONG_SCORES
        }

    values = mean_over_seeds(ours)
    if theirs is not None:
        other = mean_over_seeds(theirs)
        values = {name: values[name] - other[name] for name in SONG_SCORES}
    found = {}
    for name, drawn in values.items():
        low, high = np.quantile(drawn[1:], [(1 - level) / 2, (1 + level) / 2])
        found[name] = {
            "mean": float(drawn[0]),
            "low": float(min(low, drawn[0])),
            "high": float(max(high, drawn[0])),
            "n": n,
        }
    return found


def verdict(difference: dict[str, float]) -> str:
    """Verdict on a difference: better, worse, or no difference where the interval holds zero as it is shown, to three decimals."""
    if round(difference["low"], 3) > 0:
        return "better"
    return "worse" if round(difference["high"], 3) < 0 else "no difference"


def show(value: float | dict[str, float], digits: int = 3) -> str:
    """Return a number, with its interval where it has one, as text."""
    if isinstance(value, dict):
        return f"{value['mean']:.{digits}f} [{value['low']:.{digits}f}, {value['high']:.{digits}f}]"
    return f"{value:.{digits}f}"
