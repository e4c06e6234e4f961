"""Arithmetic of emotion vectors: normalisation, temperature, class weights."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import softmax

from .errors import BadInput


def normalise(vectors: np.ndarray) -> np.ndarray:
    """Scale a vector (dim,) or the rows of (n, dim) to unit L2 norm, as float32.

    Raises
    ------
    BadInput
        If a norm is zero or not finite.
    """
    vectors = np.asarray(vectors, np.float32)
    if vectors.ndim == 1:  # vdot is faster than norm, which matters for a search with one query
        norms = math.sqrt(np.vdot(vectors, vectors))
        valid = 0 < norms < math.inf
    else:
        norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
        valid = np.isfinite(norms).all() and (norms > 0).all()
    if not valid:
        raise BadInput(
            "A vector has no direction (it is zero or no number); leave it out, "
            "or type another sentence."
        )
    return vectors / norms


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Soften (temperature above 1) or sharpen (below 1) probabilities (n, 6), as float32.

    The logits are log probabilities divided by the temperature (Guo et al. 2017).
    """
    logits = np.log(np.maximum(probabilities, 1e-9)) / temperature
    return softmax(logits, axis=1).astype(np.float32)


def class_weights(targets: np.ndarray, balance: float) -> np.ndarray:
    """Scale class weights by inverse frequency to a power.

    Parameters
    ----------
    targets
        Soft targets (n, 6).
    balance
        The power: 0 gives equal weights, 1 gives each class the same total weight.

    Returns
    -------
    ndarray of shape (6,), float32
        Mean 1 over the targets; 0 for a class without targets.
    """
    share = targets.mean(axis=0)
    weights = np.where(share > 0, np.maximum(share, 1e-9) ** -balance, 0)
    return (weights / (weights * share).sum()).astype(np.float32)
