"""Every score, its intervals, its baselines, and the verdict on a comparison."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score, recall_score

from . import emotions

Score = Callable[[np.ndarray, np.ndarray], float]


def macro_f1(true: np.ndarray, predicted: np.ndarray) -> float:
    """Mean F1 of the emotions that occur in `true`, each weighing the same."""
    return float(f1_score(true, predicted, average="macro", labels=np.unique(true), zero_division=0))


def micro_f1(true: np.ndarray, predicted: np.ndarray) -> float:
    """F1 over all decisions; with one label a text it equals accuracy."""
    return float(accuracy_score(true, predicted))


def kappa(true: np.ndarray, predicted: np.ndarray) -> float:
    """Cohen's kappa: agreement beyond chance, 0 where one side never varies."""
    if len(np.unique(true)) == 1 or len(np.unique(predicted)) == 1:
        return 0.0
    return float(cohen_kappa_score(true, predicted))


def balanced_accuracy(true: np.ndarray, predicted: np.ndarray) -> float:
    """Mean recall of the emotions that occur in `true`."""
    return float(recall_score(true, predicted, average="macro", labels=np.unique(true), zero_division=0))


def per_class_f1(true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """F1 of each emotion, shape (6,); nan for an emotion that does not occur in `true`."""
    scores = f1_score(true, predicted, average=None, labels=range(emotions.N), zero_division=0)
    return np.where(np.isin(np.arange(emotions.N), true), scores, np.nan)


# The measures of 2022 -------------------------------------------------------------------------------


def _leading(vectors: np.ndarray, k: int) -> np.ndarray:
    """Mask of the k largest emotions of each row, shape (n, 6); ties go to the lower id."""
    order = np.argsort(-vectors, axis=1, kind="stable")[:, :k]
    mask = np.zeros(vectors.shape, bool)
    np.put_along_axis(mask, order, True, axis=1)
    return mask


def _shared(true: np.ndarray, predicted: np.ndarray, k: int) -> np.ndarray:
    """Number of emotions that the k largest of two vectors share, shape (n,)."""
    return (_leading(true, k) & _leading(predicted, k)).sum(axis=1)


def agreement(true: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Agreement of emotion vectors by the five measures of 2022.

    Parameters
    ----------
    true, predicted
        Vectors of shape (n, 6).

    Returns
    -------
    dict
        top1: the largest emotion is the same. top2, top3: the two (three) largest are the same set.
        less_strict_top1: the two largest share at least one. less_strict_top2: the three largest share at least two.
    """
    return {
        "top1": float(np.mean(_shared(true, predicted, 1) == 1)),
        "top2": float(np.mean(_shared(true, predicted, 2) == 2)),
        "top3": float(np.mean(_shared(true, predicted, 3) == 3)),
        "less_strict_top1": float(np.mean(_shared(true, predicted, 2) >= 1)),
        "less_strict_top2": float(np.mean(_shared(true, predicted, 3) >= 2)),
    }


# Intervals ------------------------------------------------------------------------------------------


def seed_interval(values: list[float], level: float = 0.95) -> dict[str, float]:
    """Mean over seeds with a Student t interval.

    Returns
    -------
    dict
        mean, low, high, n. With one value the interval is that value.
    """
    values = np.asarray(values, float)
    mean, n = float(values.mean()), len(values)
    half = float(stats.t.ppf((1 + level) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
    return {"mean": mean, "low": mean - half, "high": mean + half, "n": n}


def bootstrap_interval(true: np.ndarray, predicted: np.ndarray, score: Score, *, times: int = 500, seed: int = 0, level: float = 0.95) -> dict[str, float]:
    """Score of one set of predictions with a percentile bootstrap over its rows.

    Returns
    -------
    dict
        mean (the score itself), low, high, n (rows).
    """
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, len(true), (times, len(true)))
    scores = [score(true[r], predicted[r]) for r in rows]
    low, high = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])
    return {"mean": score(true, predicted), "low": float(low), "high": float(high), "n": len(true)}


def paired_difference(
    true: np.ndarray,
    ours: list[np.ndarray],
    theirs: list[np.ndarray],
    score: Score = macro_f1,
    *,
    times: int = 500,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, float]:
    """Difference of two models' scores on the same rows, by a paired bootstrap over rows and seeds.

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
        return float(np.mean([score(true[rows], ours[i][rows]) for i in a]) - np.mean([score(true[rows], theirs[j][rows]) for j in b]))

    everything = np.arange(len(true))
    draws = [
        mean_difference(rng.integers(0, len(true), len(true)), rng.integers(0, len(ours), len(ours)), rng.integers(0, len(theirs), len(theirs)))
        for _ in range(times)
    ]
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    mean = mean_difference(everything, np.arange(len(ours)), np.arange(len(theirs)))
    return {"mean": mean, "low": float(low), "high": float(high), "n": len(true)}


def verdict(difference: dict[str, float]) -> str:
    """Verdict on a difference: better, worse, or no difference where the interval holds zero."""
    if difference["low"] > 0:
        return "better"
    return "worse" if difference["high"] < 0 else "no difference"


def show(value: float | dict[str, float], digits: int = 3) -> str:
    """Return a number, with its interval where it has one, as text."""
    if isinstance(value, dict):
        return f"{value['mean']:.{digits}f} [{value['low']:.{digits}f}, {value['high']:.{digits}f}]"
    return f"{value:.{digits}f}"
