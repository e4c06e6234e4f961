"""Mel spectrograms (48, 1876): extraction, batches, noise and statistics.

The settings are those of Kakao Arena's `arena_mel`, made with Essentia: 16 kHz, frame 512,
hop 256, Hann window, 48 Slaney bands of unit triangle area, power in decibels. Thirty seconds
make 1,876 frames.
"""

from __future__ import annotations

import hashlib
import mmap

import librosa
import numpy as np

BANDS, FRAMES = 48, 1876
SAMPLE_RATE, N_FFT, HOP = 16_000, 512, 256  # Hz, samples, samples
FLOOR = -100.0  # dB, the level of silence

#: Spectrum bins under each mel band, (48,), at least one.
_BINS = np.maximum(
    (librosa.filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=BANDS) > 0).sum(1), 1
).astype(np.float32)


def from_waveform(waveform: np.ndarray) -> np.ndarray:
    """Extract the mel spectrogram of a waveform.

    Parameters
    ----------
    waveform
        Mono samples at 16 kHz, -1 to 1, shape (480000,) for 30 s.

    Returns
    -------
    ndarray of shape (48, frames), float32
        Decibels relative to 1, at least `FLOOR`.
    """
    power = librosa.feature.melspectrogram(
        y=np.asarray(waveform, np.float32), sr=SAMPLE_RATE, n_fft=N_FFT, hop_length=HOP,
        window="hann", n_mels=BANDS, htk=False, norm="slaney", power=2.0, center=True,
    )  # fmt: skip
    decibels = librosa.power_to_db(power, ref=1.0, amin=10 ** (FLOOR / 10), top_db=None)
    return decibels.astype(np.float32)


def band_centres() -> np.ndarray:
    """Compute the centre of each mel band in hertz, shape (48,)."""
    return librosa.mel_frequencies(BANDS + 2, fmin=0, fmax=SAMPLE_RATE / 2, htk=False)[1:-1]


def batch(
    mels: np.ndarray, rows: np.ndarray, starts: np.ndarray | None = None, frames: int = FRAMES
) -> np.ndarray:
    """Copy excerpts of some mels; a mapped file leaves only the copy in memory.

    Parameters
    ----------
    mels
        Mels (n, 48, 1876) in decibels.
    rows
        Row numbers (batch,).
    starts
        First frame of each excerpt, (batch,); frame 0 by default.
    frames
        Length of the excerpts.

    Returns
    -------
    ndarray of shape (batch, 48, frames), float32
    """
    starts = np.zeros(len(rows), int) if starts is None else starts
    excerpts = np.empty((len(rows), BANDS, frames), np.float32)
    for place, (row, start) in enumerate(zip(rows, starts, strict=True)):
        excerpts[place] = mels[row, :, start : start + frames]
    _release_pages(mels)
    return excerpts


def _release_pages(mels: np.ndarray) -> None:
    """Return the pages of a mapped file to the system; otherwise all that was read stays."""
    if isinstance(mels, np.memmap) and hasattr(mmap, "MADV_DONTNEED"):
        mels._mmap.madvise(mmap.MADV_DONTNEED)


def batches(n: int, size: int = 64) -> list[np.ndarray]:
    """Split the row numbers 0 to n - 1 into batches, in order."""
    return [np.arange(i, min(i + size, n)) for i in range(0, n, size)]


def fingerprint(mels: np.ndarray) -> str:
    """Hash mels in batches (sha256, 64 hex digits)."""
    digest = hashlib.sha256(str(mels.shape).encode())
    for rows in batches(len(mels)):
        digest.update(batch(mels, rows))
    return digest.hexdigest()


def add_noise(mels: np.ndarray, snr: float, rng: np.random.Generator) -> np.ndarray:
    """Add white noise to mels (n, 48, frames) at a signal-to-noise ratio in decibels.

    The ratio is that of the mean powers of a whole mel. Powers add up. White noise has
    exponentially distributed power in a bin, and a band is the mean of its bins. The noise of
    a band thus follows a gamma distribution whose shape is the number of bins.
    """
    power = 10 ** (mels / 10)
    level = power.mean((1, 2), keepdims=True) * 10 ** (-snr / 10)
    bins = _BINS[:, None]
    noise = level * rng.standard_gamma(bins, mels.shape).astype(np.float32) / bins
    return (10 * np.log10(power + noise)).astype(np.float32)


def standardise(mels: np.ndarray) -> np.ndarray:
    """Scale decibels linearly: -100 to 0 dB become -1 to 1."""
    return (mels - FLOOR) / 50 - 1


def mel_statistics(mels: np.ndarray) -> np.ndarray:
    """Compute mean, deviation and mean absolute difference over time of each band.

    Mels (n, 48, frames) become statistics (n, 144).
    """
    differences = np.abs(np.diff(mels, axis=2)).mean(2)
    return np.concatenate([mels.mean(2), mels.std(2), differences], axis=1)
