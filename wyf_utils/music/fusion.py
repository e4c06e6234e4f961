"""Fusion of lyric and sound vectors: prior correction, temperature, weighted mean."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq, minimize

from ..core import emotions
from ..core.errors import BadInput
from ..core.vectors import apply_temperature, normalise

#: Pseudo-count of the flat prior in `class_prior`, in songs: a few songs estimate no prior.
PSEUDO_COUNT = 30
#: Lowest result of `matching_temperature`: a lower one would amplify noise.
MIN_TEMPERATURE = 0.1
#: Ridge penalty of `learn_weights` towards the mean weight: a rare emotion has few songs.
RIDGE = 0.02

#: Probability above which lyric and sound are sure enough to contradict each other.
SURE = 0.5


def contradict(lyric: np.ndarray, sound: np.ndarray) -> np.ndarray:
    """Tell which songs' words and sound contradict each other, a mask (n,).

    They do where the largest emotions of their vectors (n, 6) differ and both exceed `SURE`; where
    one is nan, they do not.
    """
    lyric, sound = np.nan_to_num(lyric), np.nan_to_num(sound)
    sure = np.minimum(lyric.max(axis=1), sound.max(axis=1)) > SURE
    return sure & (lyric.argmax(axis=1) != sound.argmax(axis=1))


def fuse(lyric: np.ndarray, sound: np.ndarray, sound_weight: float | np.ndarray) -> np.ndarray:
    """Average lyric and sound vectors with a weight, row by row.

    Parameters
    ----------
    lyric, sound
        Emotion vectors (n, 6), rows sum to 1. Where one row is nan (no lyric, no usable
        sound), the other is taken.
    sound_weight
        Weight of the sound vector, 0 to 1, one for all emotions or one for each (6,). The
        vectors published in 2022 used 0.5.

    Returns
    -------
    ndarray of shape (n, 6), float32
        Rows sum to 1; nan where a song has neither vector.

    Raises
    ------
    BadInput
        If a weight is outside 0 to 1, or the shapes differ.
    """
    weight = np.asarray(sound_weight, float)
    if weight.shape not in ((), (emotions.N,)) or not ((weight >= 0) & (weight <= 1)).all():
        raise BadInput(
            f"The weight of the sound is {sound_weight}; choose one between 0 and 1, or one for "
            "each of the six emotions."
        )
    if lyric.shape != sound.shape:
        raise BadInput(
            f"Lyric vectors {lyric.shape} and sound vectors {sound.shape} must have one shape; "
            "align them by song."
        )
    fused = (1 - weight) * lyric + weight * sound
    fused = np.where(np.isnan(sound), lyric, np.where(np.isnan(lyric), sound, fused))
    return (fused / fused.sum(axis=1, keepdims=True)).astype(np.float32)


def class_prior(vectors: np.ndarray) -> np.ndarray:
    """Estimate the class prior (6,) of a catalogue: its mean vector, smoothed by `PSEUDO_COUNT`.

    Rows of nan are left out.
    """
    known = vectors[np.isfinite(vectors).all(axis=1)]
    total = known.sum(axis=0, dtype=float) + PSEUDO_COUNT / emotions.N
    return total / (len(known) + PSEUDO_COUNT)


def correct_prior(vectors: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Correct emotion vectors to a flat class prior.

    Each vector is divided by the old prior and scaled to sum to 1 (Saerens, Latinne and
    Decaestecker 2002, Adjusting the outputs of a classifier to new a priori probabilities,
    eq. 4). The largest emotion is then the one that exceeds the catalogue's mean most.

    Parameters
    ----------
    vectors
        Emotion vectors (n, 6), rows sum to 1 or are nan.
    prior
        Old class prior (6,), all above 0, from `class_prior`.
    """
    ratios = vectors / prior
    return (ratios / ratios.sum(axis=1, keepdims=True)).astype(np.float32)


def matching_temperature(vectors: np.ndarray, like: np.ndarray) -> float:
    """Find the temperature that matches the mean confidence of vectors to that of others.

    Confidence is the largest probability of a vector. A network trained on soft targets has
    low confidence, and its vectors would flatten a weighted mean.

    Parameters
    ----------
    vectors
        Emotion vectors (n, 6) to which the temperature will be applied.
    like
        Emotion vectors (m, 6) of the wanted confidence.

    Returns
    -------
    float
        `MIN_TEMPERATURE` to 1, for `vectors.apply_temperature`.
    """
    target = np.nanmean(like.max(axis=1))

    def difference(temperature: float) -> float:
        confidence = np.nanmean(apply_temperature(vectors, temperature).max(axis=1))
        return float(confidence - target)

    if difference(1.0) >= 0:
        return 1.0
    if difference(MIN_TEMPERATURE) <= 0:
        return MIN_TEMPERATURE
    return float(brentq(difference, MIN_TEMPERATURE, 1.0, xtol=1e-4))


def learn_weights(lyric: np.ndarray, sound: np.ndarray, intents: np.ndarray) -> np.ndarray:
    """Learn the sound weight of each emotion that maximises the cosine to intended emotions.

    The objective is the mean cosine, as in the search, with a ridge penalty (`RIDGE`).

    Parameters
    ----------
    lyric, sound
        Held-out emotion vectors (n, 6).
    intents
        Mask (n, 6) of the emotions that each song was written for.

    Returns
    -------
    ndarray of shape (6,)
        Between 0 and 1.
    """
    targets = normalise(intents)

    def loss(weights: np.ndarray) -> float:
        fused = normalise(fuse(lyric, sound, np.clip(weights, 0, 1)))
        cosine = (fused * targets).sum(axis=1).mean()
        return float(1 - cosine + RIDGE * np.square(weights - weights.mean()).sum())

    start, bounds = np.full(emotions.N, 0.3), [(0, 1)] * emotions.N
    return minimize(loss, start, method="Powell", bounds=bounds).x
