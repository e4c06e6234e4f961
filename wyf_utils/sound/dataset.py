"""Mels, couplet embeddings and split of a set of songs, as the models read them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from ..core import artifacts
from . import mel

#: Frames of a crop, the input of a network: 3.8 s.
CROP = 235


@dataclass(frozen=True)
class MelDataset:
    """Mels of songs, the embeddings of their couplets, and their parts of the split.

    Attributes
    ----------
    mels : ndarray of shape (n, 48, 1876), float32
        Decibels; may be mapped from a file, and is read in batches only.
    parts : ndarray of shape (n,)
        "train", "dev" or "test".
    couplets : ndarray of shape (n, couplets, dim), float32, optional
        Embeddings of the lyric's couplets, zeros after the last one.
    snr : float
        Signal-to-noise ratio in decibels of white noise added to the mels; infinite for none.
    """

    mels: np.ndarray
    parts: np.ndarray
    couplets: np.ndarray | None = None
    snr: float = math.inf

    def rows(self, part: str) -> np.ndarray:
        """Return the row numbers of a part."""
        return np.flatnonzero(self.parts == part)

    @cached_property
    def key(self) -> str:
        """Fingerprint of all attributes."""
        mels = mel.fingerprint(self.mels)
        return artifacts.fingerprint(mels, self.parts, self.couplets, self.snr)

    def noisy(self, snr: float) -> MelDataset:
        """Return the same songs with white noise at a signal-to-noise ratio in decibels."""
        return replace(self, snr=snr)

    def crops(self, rows: np.ndarray, starts: np.ndarray, seed: int = 0) -> torch.Tensor:
        """Cut standardised crops of songs from their first frames on: (batch, 48, `CROP`)."""
        mels = self._add_noise(mel.batch(self.mels, rows, starts, CROP), [seed, *rows, *starts])
        return torch.from_numpy(mel.standardise(mels))

    def statistics(self) -> np.ndarray:
        """Compute `mel.mel_statistics` of all songs in batches: (n, 144)."""
        batches = mel.batches(len(self.mels))
        return np.concatenate(
            [mel.mel_statistics(self._add_noise(mel.batch(self.mels, r), r)) for r in batches]
        )

    def _add_noise(self, mels: np.ndarray, seed: list[int] | np.ndarray) -> np.ndarray:
        if math.isinf(self.snr):
            return mels
        return mel.add_noise(mels, self.snr, np.random.default_rng(seed))
