"""Lyric vector and mel vector to one song vector: the catalogue's own leaning taken out, then a weighted mean."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq, minimize

from ..core import emotions
from ..core.errors import BadInput
from ..core.vectors import apply_temperature, normalise

#: Songs that a flat prior counts for: the mean of a handful of songs says little of how a model leans.
PSEUDO_COUNT = 30
#: Lowest temperature that `temperature` gives: less would make emotions out of noise.
MIN_TEMPERATURE = 0.1
#: How strongly `learn_weights` pulls the six weights to their mean, since a rare emotion has few songs.
RIDGE = 0.02


def fuse(lyric: np.ndarray, mel: np.ndarray, mel_weight: float | np.ndarray) -> np.ndarray:
    """Weighted mean of two emotion vectors, row by row.

    Parameters
    ----------
    lyric, mel
        Emotion vectors, (n, 6), rows sum to 1. A row of nan in one (no lyric, no usable sound) leaves the other alone.
    mel_weight
        Weight of the mel vector between 0 and 1, one for all or one for each emotion (6,). The published vectors of 2022 are
        the mean with 0.5.

    Returns
    -------
    ndarray of shape (n, 6), float32
        Rows sum to 1; nan where a song has neither.
    """
    weight = np.asarray(mel_weight, float)
    if weight.shape not in ((), (emotions.N,)) or not ((weight >= 0) & (weight <= 1)).all():
        raise BadInput(
            f"The mel weight is {mel_weight}; choose one between 0 and 1, or one for each of the six emotions."
        )
    if lyric.shape != mel.shape:
        raise BadInput(
            f"Lyric vectors {lyric.shape} and mel vectors {mel.shape} must have one shape; align them by song."
        )
    fused = (1 - weight) * lyric + weight * mel
    fused = np.where(np.isnan(mel), lyric, np.where(np.isnan(lyric), mel, fused))
    return (fused / fused.sum(axis=1, keepdims=True)).astype(np.float32)


def class_prior(vectors: np.ndarray) -> np.ndarray:
    """How a catalogue's vectors lean: their mean (6,), with `FLAT_SONGS` songs without leaning among them; rows of nan do not count."""
    known = vectors[np.isfinite(vectors).all(axis=1)]
    return (known.sum(axis=0, dtype=float) + PSEUDO_COUNT / emotions.N) / (
        len(known) + PSEUDO_COUNT
    )


def correct_prior(vectors: np.ndarray, leaning: np.ndarray) -> np.ndarray:
    """Emotion vectors as they would be if no emotion were more common than another.

    Posteriors are moved to another prior by their ratio (Saerens, Latinne and Decaestecker 2002, Adjusting the outputs of a
    classifier to new a priori probabilities, eq. 4): divided by the old prior, here the mean over the catalogue, and scaled to sum
    to 1. A song then stands for the emotion that it has more of than other songs do.

    Parameters
    ----------
    vectors
        Emotion vectors (n, 6), rows sum to 1 or are nan.
    leaning
        Prior (6,), all above 0, from `prior`.
    """
    moved = vectors / leaning
    return (moved / moved.sum(axis=1, keepdims=True)).astype(np.float32)


def matching_temperature(vectors: np.ndarray, like: np.ndarray) -> float:
    """Temperature (`vectors.tempered`) with which vectors (n, 6) are as sure as others (m, 6): the means of their largest probabilities agree.

    A network that learned from soft labels, seldom right, is hardly sure of anything: a weighted mean with its vectors would only make
    the others flat, whatever they say. Between `COLDEST` and 1.
    """
    aim = np.nanmean(like.max(axis=1))

    def missing(degrees: float) -> float:
        return float(np.nanmean(apply_temperature(vectors, degrees).max(axis=1)) - aim)

    if missing(1.0) >= 0:
        return 1.0
    return (
        MIN_TEMPERATURE
        if missing(MIN_TEMPERATURE) <= 0
        else float(brentq(missing, MIN_TEMPERATURE, 1.0, xtol=1e-4))
    )


def learn_weights(lyric: np.ndarray, mel: np.ndarray, intents: np.ndarray) -> np.ndarray:
    """Mel weight of each emotion under which the fused vectors lie nearest to what songs were meant for.

    Parameters
    ----------
    lyric, mel
        Emotion vectors (n, 6) of songs by models that were not trained on them.
    intents
        Mask (n, 6) of the emotions that each song was written for.

    Returns
    -------
    ndarray of shape (6,)
        Between 0 and 1; the mean cosine is largest, as songs are searched by cosine.
    """
    meant = normalise(intents)

    def distance(weights: np.ndarray) -> float:
        fused = normalise(fuse(lyric, mel, np.clip(weights, 0, 1)))
        return float(
            1
            - (fused * meant).sum(axis=1).mean()
            + RIDGE * np.square(weights - weights.mean()).sum()
        )

    return minimize(
        distance, np.full(emotions.N, 0.3), method="Powell", bounds=[(0, 1)] * emotions.N
    ).x
