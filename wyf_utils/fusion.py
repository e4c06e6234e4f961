"""Lyric vector and mel vector to one song vector."""

from __future__ import annotations

import numpy as np

from .errors import BadInput


def fuse(lyric: np.ndarray, mel: np.ndarray, mel_weight: float) -> np.ndarray:
    """Weighted mean of two emotion vectors, row by row.

    Parameters
    ----------
    lyric, mel
        Emotion vectors, (n, 6), rows sum to 1. A row of nan in one (no lyric, no usable sound) leaves the other alone.
    mel_weight
        Weight of the mel vector between 0 and 1. The published vectors of 2022 are the mean with 0.5.

    Returns
    -------
    ndarray of shape (n, 6), float32
    """
    if not 0 <= mel_weight <= 1:
        raise BadInput(f"The mel weight is {mel_weight}; choose one between 0 and 1.")
    if lyric.shape != mel.shape:
        raise BadInput(f"Lyric vectors {lyric.shape} and mel vectors {mel.shape} must have one shape; align them by song.")
    fused = (1 - mel_weight) * lyric + mel_weight * mel
    fused = np.where(np.isnan(mel), lyric, np.where(np.isnan(lyric), mel, fused))
    return (fused / fused.sum(axis=1, keepdims=True)).astype(np.float32)
