"""Arithmetic of emotion vectors: length, temperature, class weights."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import softmax

from .errors import BadInput


def normalise(vectors: np.ndarray) -> np.ndarray:
    """Vector, or rows, of unit length, float32.

    Raises
    ------
    BadInput
        If a row is zero or no number, which has no direction.
    """
    vectors = np.asarray(vectors, np.float32)
    if (
        vectors.ndim == 1
    ):  # one query: a search of a small catalogue takes less than numpy's general way
        lengths = math.sqrt(np.vdot(vectors, vectors))
        directed = 0 < lengths < math.inf
    else:
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        directed = np.isfinite(lengths).all() and (lengths > 0).all()
    if not directed:
        raise BadInput(
            "A vector has no direction (it is zero or no number); leave it out, or type another sentence."
        )
    return vectors / lengths


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (n, 6) softened (temperature above 1) or sharpened (below 1), rows summing to 1."""
    logits = np.log(np.maximum(probabilities, 1e-9)) / temperature
    return softmax(logits, axis=1).astype(np.float32)


def class_weights(targets: np.ndarray, balance: float) -> np.ndarray:
    """Scale class weights by inverse frequency to a power.

    Parameters
    ----------
    targets
        Shares of the six emotions (n, 6).
    balance
        Power: 0 weighs all emotions alike, 1 makes rare ones as heavy as frequent ones.

    Returns
    -------
    ndarray of shape (6,), float32
        Mean 1 over the targets; an emotion that is absent weighs 0.
    """
    share = targets.mean(axis=0)
    weights = np.where(share > 0, np.maximum(share, 1e-9) ** -balance, 0)
    return (weights / (weights * share).sum()).astype(np.float32)
