"""Mels, couplets and the parts of a split."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from ..core import artifacts
from . import mel
from .mel import standardise

#: Frames that a network reads at once, 3.8 s.
CROP = 235


@dataclass(frozen=True)
class MelDataset:
    """What the models read of each song, and which part it belongs to.

    Attributes
    ----------
    mels : ndarray of shape (n, 48, 1876), float32
        Decibels; may be mapped from a file, and is then only ever read in batches.
    parts : ndarray of shape (n,)
        "train", "dev" or "test".
    couplets : ndarray of shape (n, couplets, dim), float32
        Vectors of the lyric's couplets, zeros behind the last; empty where no model reads lyrics.
    snr : float
        Signal-to-noise ratio in decibels of white noise that is added to the mels; infinite for none.
    """

    mels: np.ndarray
    parts: np.ndarray
    couplets: np.ndarray | None = None
    snr: float = math.inf

    def rows(self, part: str) -> np.ndarray:
        """Row numbers of a part."""
        return np.flatnonzero(self.parts == part)

    @cached_property
    def key(self) -> str:
        """Fingerprint of all that is read."""
        return artifacts.fingerprint(
            mel.fingerprint(self.mels), self.parts, self.couplets, self.snr
        )

    def noisy(self, snr: float) -> MelDataset:
        """The same songs with white noise at a signal-to-noise ratio in decibels."""
        return replace(self, snr=snr)

    def crops(self, rows: np.ndarray, starts: np.ndarray, seed: int = 0) -> torch.Tensor:
        """Standardised stretches of `CROP` frames from the given first frames on: (batch, 48, CROP)."""
        mels = mel.batch(self.mels, rows, starts, CROP)
        if math.isfinite(self.snr):
            mels = mel.add_noise(mels, self.snr, np.random.default_rng([seed, *rows, *starts]))
        return torch.from_numpy(standardise(mels))

    def statistics(self) -> np.ndarray:
        """`mel.statistics` of every song, read in batches: (n, 144)."""
        found = []
        for rows in mel.batches(len(self.mels)):
            mels = mel.batch(self.mels, rows)
            found.append(
                mel.mel_statistics(
                    mel.add_noise(mels, self.snr, np.random.default_rng(rows))
                    if math.isfinite(self.snr)
                    else mels
                )
            )
        return np.concatenate(found)
