"""Mel spectrograms of (48, 1876): from sound files, from the sample's composer, from Kakao Arena's files.

The settings are those of Kakao Arena's `arena_mel` (Essentia): 16 kHz, frame 512, hop 256, Hann, 48 Slaney bands of
unit triangle area, power, decibels. Thirty seconds make 1,876 frames.
"""

from __future__ import annotations

import hashlib
import mmap

import librosa
import numpy as np

BANDS, FRAMES = 48, 1876
SAMPLE_RATE, N_FFT, HOP = 16_000, 512, 256  # Hz, samples, samples
FLOOR = -100.0  # dB; what silence is

#: Spectrum bins under each mel band, (48,), at least one.
_BINS = np.maximum(
    (librosa.filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=BANDS) > 0).sum(1), 1
).astype(np.float32)


def from_waveform(sound: np.ndarray) -> np.ndarray:
    """Mel spectrogram in decibels.

    Parameters
    ----------
    sound
        Mono samples at 16 kHz, shape (480000,) for 30 s.

    Returns
    -------
    ndarray of shape (48, frames), float32
        Decibels relative to 1, at least `FLOOR`.
    """
    power = librosa.feature.melspectrogram(
        y=np.asarray(sound, np.float32), sr=SAMPLE_RATE, n_fft=N_FFT, hop_length=HOP, window="hann", n_mels=BANDS,
        htk=False, norm="slaney", power=2.0, center=True,
    )  # fmt: skip
    return librosa.power_to_db(power, ref=1.0, amin=10 ** (FLOOR / 10), top_db=None).astype(
        np.float32
    )


def band_centres() -> np.ndarray:
    """Centre of each mel band in hertz, shape (48,)."""
    return librosa.mel_frequencies(BANDS + 2, fmin=0, fmax=SAMPLE_RATE / 2, htk=False)[1:-1]


# A user's own sound files ----------------------------------------------------------------------------


# Many mels ------------------------------------------------------------------------------------------


def _forget(mels: np.ndarray) -> None:
    """Give the pages of mapped mels back to the system, so that memory holds a batch and not all that was ever read."""
    if isinstance(mels, np.memmap) and hasattr(mmap, "MADV_DONTNEED"):
        mels._mmap.madvise(mmap.MADV_DONTNEED)


def batch(
    mels: np.ndarray, rows: np.ndarray, starts: np.ndarray | None = None, frames: int = FRAMES
) -> np.ndarray:
    """Stretches of some mels, copied; of mapped mels nothing else stays in memory.

    Parameters
    ----------
    mels
        All mels, (n, 48, 1876), decibels.
    rows
        Which of them, (batch,).
    starts
        First frame of each, (batch,); the beginning by default.
    frames
        Length of the stretches.

    Returns
    -------
    ndarray of shape (batch, 48, frames), float32, decibels
    """
    starts = np.zeros(len(rows), int) if starts is None else starts
    out = np.empty((len(rows), BANDS, frames), np.float32)
    for place, (row, start) in enumerate(zip(rows, starts, strict=True)):
        out[place] = mels[row, :, start : start + frames]
    _forget(mels)
    return out


def batches(n: int, size: int = 64) -> list[np.ndarray]:
    """Row numbers of n mels in order, `size` at a time."""
    return [np.arange(i, min(i + size, n)) for i in range(0, n, size)]


def fingerprint(mels: np.ndarray) -> str:
    """Return the sha256 of mels, read in batches."""
    digest = hashlib.sha256(str(mels.shape).encode())
    for rows in batches(len(mels)):
        digest.update(batch(mels, rows))
    return digest.hexdigest()


def add_noise(mels: np.ndarray, snr: float, rng: np.random.Generator) -> np.ndarray:
    """White noise added to mels (n, 48, frames) at a signal-to-noise ratio in decibels over the whole of each mel.

    Noise adds to power. The power of white noise in one frame of a band is the mean over the `_BINS` bins of that band, so it follows a gamma distribution.
    """
    power = 10 ** (mels / 10)
    level = power.mean((1, 2), keepdims=True) * 10 ** (-snr / 10)
    noise = (
        level * rng.standard_gamma(_BINS[:, None], mels.shape).astype(np.float32) / _BINS[:, None]
    )
    return (10 * np.log10(power + noise)).astype(np.float32)


def standardise(mels: np.ndarray) -> np.ndarray:
    """Shift by 100 dB as in 2022 and scale: -100 to 0 dB become about -1 to 1."""
    return (mels - FLOOR) / 50 - 1


def mel_statistics(mels: np.ndarray) -> np.ndarray:
    """Mean, deviation and mean absolute difference over time of each band: (n, 48, frames) -> (n, 144)."""
    return np.concatenate(
        [mels.mean(2), mels.std(2), np.abs(np.diff(mels, axis=2)).mean(2)], axis=1
    )


# The sample's sound ---------------------------------------------------------------------------------
