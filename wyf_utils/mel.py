"""Mel spectrograms of (48, 1876): from sound, from the sample's composer, from Kakao Arena's files.

The settings are those of Kakao Arena's `arena_mel` (Essentia): 16 kHz, frame 512, hop 256, Hann, 48 Slaney bands of
unit triangle area, power, decibels. Thirty seconds make 1,876 frames.
"""

from __future__ import annotations

from pathlib import Path

import joblib
import librosa
import numpy as np

from . import cache, composer
from .errors import BadInput, CorruptData, MissingData
from .settings import THREADS, progress, relative

BANDS, FRAMES = 48, 1876
SAMPLE_RATE, N_FFT, HOP = 16_000, 512, 256  # Hz, samples, samples
FLOOR = -100.0  # dB; what silence is


def from_sound(sound: np.ndarray) -> np.ndarray:
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
    return librosa.power_to_db(power, ref=1.0, amin=10 ** (FLOOR / 10), top_db=None).astype(np.float32)


def band_centres() -> np.ndarray:
    """Centre of each mel band in hertz, shape (48,)."""
    return librosa.mel_frequencies(BANDS + 2, fmin=0, fmax=SAMPLE_RATE / 2, htk=False)[1:-1]


def path_of(folder: Path, song: int) -> Path:
    """Place of a song's mel, as in Kakao Arena: `arena_mel/{id//1000}/{id}.npy`."""
    return folder / "arena_mel" / str(song // 1000) / f"{song}.npy"


def read(path: Path) -> np.ndarray:
    """Read one mel file and check it.

    Returns
    -------
    ndarray of shape (48, 1876), float32

    Raises
    ------
    MissingData
        If the file is not there.
    CorruptData
        If it is truncated or pickled (it is never unpickled), has another shape or type, or holds values that are no numbers.
    """
    name = relative(path)
    if not path.is_file():
        raise MissingData(f"{name} is missing; extract the arena_mel archives, or drop the song.")
    try:
        mel = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise CorruptData(f"{name} is not a whole .npy of plain numbers; extract it again, or drop the song.") from error
    if mel.shape != (BANDS, FRAMES):
        raise CorruptData(f"{name} has shape {mel.shape} where ({BANDS}, {FRAMES}) belongs; drop the song.")
    if not np.issubdtype(mel.dtype, np.floating):
        raise CorruptData(f"{name} has type {mel.dtype} where float32 belongs; drop the song.")
    if not np.isfinite(mel).all():
        raise CorruptData(f"{name} holds values that are no numbers; drop the song.")
    return mel.astype(np.float32)


def read_many(folder: Path, songs: list[int]) -> tuple[np.ndarray, dict[int, str]]:
    """Read the mels of songs, setting aside those that cannot be used.

    Returns
    -------
    mels : ndarray of shape (kept, 48, 1876), float32
        In the order of `songs`, without those in `dropped`.
    dropped : dict
        Song id to the reason.
    """
    kept, dropped = [], {}
    for song in songs:
        try:
            kept.append(read(path_of(folder, song)))
        except (MissingData, CorruptData) as error:
            dropped[song] = str(error)
    if not kept:
        raise BadInput(f"None of {len(songs)} songs has a usable mel under {relative(folder)}; look at the first: {next(iter(dropped.values()), '')}")
    return np.stack(kept), dropped


def standardise(mels: np.ndarray) -> np.ndarray:
    """Shift by 100 dB as in 2022 and scale: -100 to 0 dB become about -1 to 1."""
    return (mels - FLOOR) / 50 - 1


def statistics(mels: np.ndarray) -> np.ndarray:
    """Mean, deviation and mean absolute difference over time of each band: (n, 48, frames) -> (n, 144)."""
    return np.concatenate([mels.mean(2), mels.std(2), np.abs(np.diff(mels, axis=2)).mean(2)], axis=1)


# The sample's sound ---------------------------------------------------------------------------------


def sung_emotions(first: np.ndarray, second: np.ndarray, ids: np.ndarray, contradiction: float, seed: int) -> np.ndarray:
    """Emotion vector that each song's sound is composed for.

    Parameters
    ----------
    first, second
        Emotion ids of the lyric's intent, second -1 where there is none.
    ids
        Song ids; a song's draw depends on its id alone, not on its neighbours.
    contradiction
        Share of songs whose sound says something else than the lyric.
    seed
        Seed of the draws.

    Returns
    -------
    ndarray of shape (n, 6)
    """
    weights = np.stack([composer.mixture(a, b) for a, b in zip(first, second, strict=True)])
    for row, song in enumerate(ids):
        rng = np.random.default_rng([seed, int(song)])
        if rng.random() < contradiction:
            other = rng.choice([e for e in range(weights.shape[1]) if e != first[row]])
            weights[row] = composer.mixture(int(other), -1)
    return weights


def _compose_one(song: int, weights: np.ndarray, seed: int, folder: Path) -> int:
    midi, cues = composer.compose(weights, seed + song)
    path = path_of(folder, song)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, from_sound(composer.render(midi, cues, seed + song)), allow_pickle=False)
    return song


def composed(ids: np.ndarray, weights: np.ndarray, seed: int) -> cache.Entry:
    """Folder with the mels of composed songs, from the cache or composed now on all threads.

    Parameters
    ----------
    ids, weights
        Song ids (n,) and the emotion vectors (n, 6) that their sound is composed for.
    seed
        Seed of the composer; each song adds its id.
    """

    def make(folder: Path) -> None:
        jobs = (joblib.delayed(_compose_one)(int(i), w, seed, folder) for i, w in zip(ids, weights, strict=True))
        done = joblib.Parallel(n_jobs=THREADS, return_as="generator_unordered")(jobs)
        for _ in progress(done, desc="compose and extract mel", total=len(ids)):
            pass

    return cache.folder(
        "arena_mel",
        make,
        parameters={"seed": seed, "rate": SAMPLE_RATE, "frame": N_FFT, "hop": HOP, "bands": BANDS, "floor": FLOOR},
        data=cache.fingerprint(np.asarray(ids), np.asarray(weights)),
        code=[composer, from_sound],
    )
