"""Every score, its intervals, its baselines, and the verdict on a comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist
from scipy.stats import pearsonr

from . import emotions


def confusion(true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """How often each emotion (row) was answered with each (column), (6, 6)."""
    return np.bincount(true * emotions.N + predicted, minlength=emotions.N**2).reshape(
        emotions.N, emotions.N
    )


def label_scores(tables: np.ndarray) -> dict[str, np.ndarray]:
    """Every score of labels out of confusion tables (..., 6, 6), all at once: a bootstrap asks for thousands. {score: (...)}.

    The same numbers as scikit-learn's, many times as fast. Means are over the emotions that occur, and an emotion that is never answered
    has precision 0; kappa is 0 where one side never varies.
    """
    share = tables / tables.sum((-2, -1), keepdims=True)
    meant, given, hits = share.sum(-1), share.sum(-2), np.diagonal(share, axis1=-2, axis2=-1)
    occurs, right, chance = meant > 0, hits.sum(-1), (meant * given).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = np.where(occurs, 2 * hits / (meant + given), 0)
        precision = np.where(given > 0, hits / given, 0)
        recall = np.where(occurs, hits / meant, 0)
        kappas = np.where(
            (occurs.sum(-1) == 1) | ((given > 0).sum(-1) == 1), 0, (right - chance) / (1 - chance)
        )
    kinds = occurs.sum(-1)
    return {
        "macro_f1": f1.sum(-1) / kinds,
        "micro_f1": right,
        "weighted_f1": (meant * f1).sum(-1),
        "weighted_precision": (meant * precision).sum(-1),
        "precision": (precision * occurs).sum(-1) / kinds,
        "recall": recall.sum(-1) / kinds,
        "kappa": kappas,
    }


def _score(name: str, true: np.ndarray, predicted: np.ndarray) -> float:
    return float(label_scores(confusion(true, predicted))[name])


def macro_f1(true: np.ndarray, predicted: np.ndarray) -> float:
    """Mean F1 of the emotions that occur in `true`, each weighing the same."""
    return _score("macro_f1", true, predicted)


def micro_f1(true: np.ndarray, predicted: np.ndarray) -> float:
    """F1 over all decisions; with one label a text it equals accuracy."""
    return _score("micro_f1", true, predicted)


def weighted_f1(true: np.ndarray, predicted: np.ndarray) -> float:
    """F1 of the emotions weighted by how often they occur, the average of 2022."""
    return _score("weighted_f1", true, predicted)


def weighted_precision(true: np.ndarray, predicted: np.ndarray) -> float:
    """Precision of the emotions weighted by how often they occur. Recall weighted so is `micro_f1`."""
    return _score("weighted_precision", true, predicted)


def macro_precision(true: np.ndarray, predicted: np.ndarray) -> float:
    """Mean precision of the emotions that occur in `true`; 0 for one that is never answered."""
    return _score("precision", true, predicted)


def macro_recall(true: np.ndarray, predicted: np.ndarray) -> float:
    """Mean recall of the emotions that occur in `true`, the balanced accuracy."""
    return _score("recall", true, predicted)


def kappa(true: np.ndarray, predicted: np.ndarray) -> float:
    """Cohen's kappa: agreement beyond chance, 0 where one side never varies."""
    return _score("kappa", true, predicted)


def brier(true: np.ndarray, probabilities: np.ndarray) -> float:
    """Brier score (1950) of six probabilities: mean squared distance to the true emotion, 0 (best) to 2."""
    return float(((probabilities - np.eye(emotions.N)[true]) ** 2).sum(1).mean())


# Confidence -----------------------------------------------------------------------------------------


def reliability(true: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Confidence beside accuracy, in bins of equal width over the largest probability.

    Returns
    -------
    DataFrame
        One row a bin that holds texts: confidence and accuracy (means), n.
    """
    table = pd.DataFrame(
        {"confidence": probabilities.max(1), "accuracy": probabilities.argmax(1) == true}
    )
    grouped = table.groupby(np.minimum((table["confidence"] * bins).astype(int), bins - 1))
    return grouped.agg(
        confidence=("confidence", "mean"), accuracy=("accuracy", "mean"), n=("accuracy", "size")
    )


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
    hits, answered, meant = (
        ((true == emotion) & (predicted == emotion)).sum(),
        (predicted == emotion).sum(),
        (true == emotion).sum(),
    )
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
    return {name: float(np.mean(hits)) for name, hits in agreement_rows(true, predicted).items()}


def agreement_rows(true: np.ndarray, predicted: np.ndarray) -> dict[str, np.ndarray]:
    """Hits of the five measures song by song: {measure: mask (n,)}."""
    one, two, three = (_shared(true, predicted, k) for k in (1, 2, 3))
    return {
        "top1": one == 1,
        "top2": two == 2,
        "top3": three == 3,
        "less_strict_top1": two >= 1,
        "less_strict_top2": three >= 2,
    }


# Baselines ------------------------------------------------------------------------------------------


def majority(labels: np.ndarray, n: int) -> np.ndarray:
    """Answer that never listens: how often each emotion is the label, for every song alike.

    Its largest emotion is the most frequent one, and its two and three largest are the most frequent two and three.

    Parameters
    ----------
    labels
        Emotion ids that may be known: of the training part, or of all songs where nothing was trained.
    n
        Songs to answer for.

    Returns
    -------
    ndarray of shape (n, 6)
    """
    return np.tile(np.bincount(labels, minlength=emotions.N) / len(labels), (n, 1))


def prior_sampling(vectors: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Answers drawn at random from the known vectors (m, 6): right proportions, no listening; (n, 6)."""
    return vectors[np.random.default_rng(seed).integers(0, len(vectors), n)]


def shuffled(answers: np.ndarray, seed: int) -> np.ndarray:
    """Return the same labels or vectors in random order: what learns from them, or is compared with them, finds no link to the song."""
    return np.random.default_rng(seed).permutation(answers)


# Intervals ------------------------------------------------------------------------------------------


# How vectors lie on the sphere ----------------------------------------------------------------------


def alignment(first: np.ndarray, second: np.ndarray) -> float:
    """Mean squared distance of two views' vectors (n, dim) on the unit sphere (Wang and Isola 2020): 0 where views of a song are one point."""
    unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (first, second)]
    return float(((unit[0] - unit[1]) ** 2).sum(1).mean())


def uniformity(vectors: np.ndarray) -> float:
    """Log mean of exp(-2 distance**2) over pairs of vectors (n, dim) on the unit sphere (Wang and Isola 2020).

    0 where all vectors are one point (collapsed), about -4 where they are spread evenly over many dimensions.
    """
    return float(
        np.log(
            np.exp(
                -2 * pdist(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), "sqeuclidean")
            ).mean()
        )
    )
