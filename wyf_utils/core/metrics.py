"""Scores of labels, probabilities and embeddings, and baselines to compare them with.

Macro averages are over the emotions that occur in the true labels. They differ from scikit-learn's
default `average="macro"`, which also counts, with F1 0, emotions that are only predicted.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist
from scipy.stats import pearsonr

from . import emotions


def confusion(true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Count true (rows) against predicted (columns) emotions, shape (6, 6)."""
    n = emotions.N
    return np.bincount(true * n + predicted, minlength=n**2).reshape(n, n)


def label_scores(tables: np.ndarray) -> dict[str, np.ndarray]:
    """Compute label scores from confusion tables, vectorised over tables for the bootstrap.

    Macro averages are over the emotions that occur in the true labels: scikit-learn's with
    `labels=np.unique(true)`. Precision is 0 for an emotion that is never predicted. Kappa is 0
    where the true or the predicted labels are all the same.

    Parameters
    ----------
    tables
        Counts or weights of shape (..., 6, 6): true emotions in rows, predicted ones in columns.

    Returns
    -------
    dict
        {score: array of shape (...)}.
    """
    share = tables / tables.sum((-2, -1), keepdims=True)
    true, predicted = share.sum(-1), share.sum(-2)
    hits = np.diagonal(share, axis1=-2, axis2=-1)
    occurs = true > 0
    classes = occurs.sum(-1)
    accuracy, chance = hits.sum(-1), (true * predicted).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = np.where(occurs, 2 * hits / (true + predicted), 0)
        precision = np.where(predicted > 0, hits / predicted, 0)
        recall = np.where(occurs, hits / true, 0)
        constant = (classes == 1) | ((predicted > 0).sum(-1) == 1)
        kappas = np.where(constant, 0, (accuracy - chance) / (1 - chance))
    return {
        "macro_f1": f1.sum(-1) / classes,
        "micro_f1": accuracy,
        "weighted_f1": (true * f1).sum(-1),
        "weighted_precision": (true * precision).sum(-1),
        "macro_precision": (precision * occurs).sum(-1) / classes,
        "macro_recall": recall.sum(-1) / classes,
        "kappa": kappas,
    }


def _score(name: str, true: np.ndarray, predicted: np.ndarray) -> float:
    return float(label_scores(confusion(true, predicted))[name])


def macro_f1(true: np.ndarray, predicted: np.ndarray) -> float:
    """Average F1 over the emotions that occur in `true`, with equal weights.

    It differs from scikit-learn's macro average over all labels, true or predicted. There an
    emotion that is only predicted counts with F1 0. Here it only lowers the recall of others.
    """
    return _score("macro_f1", true, predicted)


def micro_f1(true: np.ndarray, predicted: np.ndarray) -> float:
    """Compute micro-F1, which equals accuracy with one label a text."""
    return _score("micro_f1", true, predicted)


def weighted_f1(true: np.ndarray, predicted: np.ndarray) -> float:
    """Average F1 weighted by the frequency of each true emotion, the score of 2022."""
    return _score("weighted_f1", true, predicted)


def weighted_precision(true: np.ndarray, predicted: np.ndarray) -> float:
    """Average precision weighted by the frequency of each true emotion.

    The same average of recall is `micro_f1`.
    """
    return _score("weighted_precision", true, predicted)


def macro_precision(true: np.ndarray, predicted: np.ndarray) -> float:
    """Average precision over the emotions that occur in `true`; 0 for one never predicted."""
    return _score("macro_precision", true, predicted)


def macro_recall(true: np.ndarray, predicted: np.ndarray) -> float:
    """Average recall over the emotions that occur in `true` (balanced accuracy)."""
    return _score("macro_recall", true, predicted)


def kappa(true: np.ndarray, predicted: np.ndarray) -> float:
    """Compute Cohen's kappa (1960); 0 where either side has one label only."""
    return _score("kappa", true, predicted)


def class_f1(true: np.ndarray, predicted: np.ndarray, emotion: int) -> float:
    """Compute the F1 of one emotion; 0 where it is neither true nor predicted."""
    is_true, is_predicted = true == emotion, predicted == emotion
    total = is_true.sum() + is_predicted.sum()
    return float(2 * (is_true & is_predicted).sum() / total) if total else 0.0


def reliability(true: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Bin texts by confidence, the largest probability, in ten bins of equal width.

    Returns
    -------
    DataFrame
        One row a bin that is not empty: mean confidence, accuracy, and n texts.
    """
    correct = probabilities.argmax(1) == true
    table = pd.DataFrame({"confidence": probabilities.max(1), "accuracy": correct, "n": 1})
    bin_numbers = np.minimum((table["confidence"] * 10).astype(int), 9)
    return table.groupby(bin_numbers).agg({"confidence": "mean", "accuracy": "mean", "n": "size"})


def calibration_error(true: np.ndarray, probabilities: np.ndarray) -> float:
    """Compute the expected calibration error (Guo et al. 2017) from `reliability`."""
    table = reliability(true, probabilities)
    return float(np.average((table["confidence"] - table["accuracy"]).abs(), weights=table["n"]))


def correlation(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Compute Pearson's correlation with its 95 % interval by Fisher's transformation.

    Returns
    -------
    dict
        mean (the correlation), low, high, and n (pairs).
    """
    result = pearsonr(x, y)
    low, high = result.confidence_interval(0.95)
    return {"mean": float(result.statistic), "low": float(low), "high": float(high), "n": len(x)}


def _top_k_mask(vectors: np.ndarray, k: int) -> np.ndarray:
    """Mask the k largest emotions of each row, shape (n, 6); ties go to the lower id."""
    order = np.argsort(-vectors, axis=1, kind="stable")[:, :k]
    mask = np.zeros(vectors.shape, bool)
    np.put_along_axis(mask, order, True, axis=1)
    return mask


def agreement_rows(true: np.ndarray, predicted: np.ndarray) -> dict[str, np.ndarray]:
    """Compare the largest emotions of two vectors row by row, by the five measures of 2022.

    Parameters
    ----------
    true, predicted
        Emotion vectors of shape (n, 6).

    Returns
    -------
    dict
        {measure: mask of shape (n,)}. top1, top2, top3: the 1, 2 or 3 largest are the same set.
        less_strict_top1: the 2 largest share at least one. less_strict_top2: the 3 largest share
        at least two.
    """
    one, two, three = (
        (_top_k_mask(true, k) & _top_k_mask(predicted, k)).sum(axis=1) for k in (1, 2, 3)
    )
    return {
        "top1": one == 1,
        "top2": two == 2,
        "top3": three == 3,
        "less_strict_top1": two >= 1,
        "less_strict_top2": three >= 2,
    }


def majority(labels: np.ndarray, n: int) -> np.ndarray:
    """Predict the class prior of `labels` for each of n songs (majority baseline).

    Its largest emotion is the most frequent one, and so on for the second and the third.

    Returns
    -------
    ndarray of shape (n, 6)
    """
    return np.tile(np.bincount(labels, minlength=emotions.N) / len(labels), (n, 1))


def prior_sampling(vectors: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Draw n vectors (n, 6) at random from vectors (m, 6), a baseline blind to the songs."""
    return vectors[np.random.default_rng(seed).integers(0, len(vectors), n)]


def shuffled(answers: np.ndarray, seed: int) -> np.ndarray:
    """Permute labels or vectors over the songs, a control without any link to them."""
    return np.random.default_rng(seed).permutation(answers)


def _unit_rows(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def alignment(first: np.ndarray, second: np.ndarray) -> float:
    """Average the squared distance of two views' embeddings (n, dim) on the unit sphere.

    0 (best) where the views of each song coincide (Wang and Isola 2020).
    """
    return float(((_unit_rows(first) - _unit_rows(second)) ** 2).sum(1).mean())


def uniformity(vectors: np.ndarray) -> float:
    """Compute log mean exp(-2 distance**2) over pairs of embeddings (n, dim) on the unit sphere.

    0 where all coincide (collapse), near -4 where they spread evenly (Wang and Isola 2020).
    """
    return float(np.log(np.exp(-2 * pdist(_unit_rows(vectors), "sqeuclidean")).mean()))
