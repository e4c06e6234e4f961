"""Every score, its intervals, its baselines, and the verdict on a comparison."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import pearsonr
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score, precision_score, recall_score

Score = Callable[[np.ndarray, np.ndarray], float]


def macro_f1(true: np.ndarray, predicted: np.ndarray) -> float:
    """Mean F1 of the emotions that occur in `true`, each weighing the same."""
    return float(f1_score(true, predicted, average="macro", labels=np.unique(true), zero_division=0))


def micro_f1(true: np.ndarray, predicted: np.ndarray) -> float:
    """F1 over all decisions; with one label a text it equals accuracy."""
    return float(accuracy_score(true, predicted))


def weighted_f1(true: np.ndarray, predicted: np.ndarray) -> float:
    """F1 of the emotions weighted by how often they occur, the average of 2022."""
    return float(f1_score(true, predicted, average="weighted", zero_division=0))


def macro_precision(true: np.ndarray, predicted: np.ndarray) -> float:
    """Mean precision of the emotions that occur in `true`; 0 for one that is never answered."""
    return float(precision_score(true, predicted, average="macro", labels=np.unique(true), zero_division=0))


def macro_recall(true: np.ndarray, predicted: np.ndarray) -> float:
    """Mean recall of the emotions that occur in `true`, the balanced accuracy."""
    return float(recall_score(true, predicted, average="macro", labels=np.unique(true), zero_division=0))


def kappa(true: np.ndarray, predicted: np.ndarray) -> float:
    """Cohen's kappa: agreement beyond chance, 0 where one side never varies."""
    if len(np.unique(true)) == 1 or len(np.unique(predicted)) == 1:
        return 0.0
    return float(cohen_kappa_score(true, predicted))


# Confidence -----------------------------------------------------------------------------------------


def reliability(true: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Confidence beside accuracy, in bins of equal width over the largest probability.

    Returns
    -------
    DataFrame
        One row a bin that holds texts: confidence and accuracy (means), n.
    """
    table = pd.DataFrame({"confidence": probabilities.max(1), "accuracy": probabilities.argmax(1) == true})
    grouped = table.groupby(np.minimum((table["confidence"] * bins).astype(int), bins - 1))
    return grouped.agg(confidence=("confidence", "mean"), accuracy=("accuracy", "mean"), n=("accuracy", "size"))


def calibration_error(true: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error (Guo et al. 2017): the mean gap between confidence and accuracy, weighted by texts."""
    table = reliability(true, probabilities, bins)
    return float(np.average((table["confidence"] - table["accuracy"]).abs(), weights=table["n"]))


def correlation(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Pearson's correlation with its 95 % interval (Fisher's transformation)."""
    found = pearsonr(x, y)
    low, high = found.confidence_interval(0.95)
    return {"mean": float(found.statistic), "low": float(low), "high": float(high), "n": len(x)}


def f1_of(true: np.ndarray, predicted: np.ndarray, emotion: int) -> float:
    """F1 of one emotion; 0 where it is neither true nor answered."""
    hits, answered, meant = ((true == emotion) & (predicted == emotion)).sum(), (predicted == emotion).sum(), (true == emotion).sum()
    return float(2 * hits / (answered + meant)) if answered + meant else 0.0


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


def interval(true: np.ndarray, answers: list[np.ndarray], score: Score, *, times: int = 300, seed: int = 0, level: float = 0.95) -> dict[str, float]:
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
    return {"mean": mean_score(np.arange(n), np.arange(m)), "low": float(low), "high": float(high), "n": n}


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
