"""The sample's composed sounds and their mels."""

from __future__ import annotations

import shutil
from pathlib import Path

import joblib
import numpy as np

from ..core import artifacts, files
from ..core.runtime import THREADS, progress
from . import composer
from .mel import BANDS, FLOOR, HOP, N_FFT, SAMPLE_RATE, from_waveform
from .mel_files import path_of


def composition_targets(
    first: np.ndarray, second: np.ndarray, ids: np.ndarray, contradiction: float, seed: int
) -> np.ndarray:
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


def composed_waveform(
    song: int, weights: np.ndarray, seed: int, synthesis: str = "pretty_midi"
) -> np.ndarray:
    """Sound of one composed song, mono at 16 kHz: its id and the emotion vector (6,) it is composed for."""
    return composer.render(*composer.compose(weights, seed + song), seed + song, synthesis)


def _compose_one(song: int, weights: np.ndarray, seed: int, synthesis: str, folder: Path) -> None:
    path = path_of(folder, song)
    if not path.is_file():  # composed before an interruption
        with files.replacing_file(path) as work:
            np.save(
                work,
                from_waveform(composed_waveform(song, weights, seed, synthesis)),
                allow_pickle=False,
            )


def composed_mels(
    ids: np.ndarray, weights: np.ndarray, seed: int, synthesis: str = "pretty_midi"
) -> artifacts.Entry:
    """Folder with the mels of composed songs, from the cache or composed now on all threads; what was interrupted goes on.

    Parameters
    ----------
    ids, weights
        Song ids (n,) and the emotion vectors (n, 6) that their sound is composed for.
    seed
        Seed of the composer; each song adds its id.
    synthesis
        One of `composer.SYNTHESES`.
    """

    def make(folder: Path, unfinished: Path) -> None:
        jobs = (
            joblib.delayed(_compose_one)(int(i), w, seed, synthesis, unfinished)
            for i, w in zip(ids, weights, strict=True)
        )
        done = joblib.Parallel(n_jobs=THREADS, return_as="generator_unordered")(jobs)
        for _ in progress(done, desc="compose and extract mel", total=len(ids)):
            pass
        shutil.copytree(unfinished, folder, dirs_exist_ok=True)

    return artifacts.get_or_create(
        "arena_mel",
        make,
        parameters={
            "seed": seed,
            "synthesis": synthesis,
            "rate": SAMPLE_RATE,
            "frame": N_FFT,
            "hop": HOP,
            "bands": BANDS,
            "floor": FLOOR,
        },
        data=artifacts.fingerprint(np.asarray(ids), np.asarray(weights)),
        code=[composer, from_waveform, composed_waveform],
        resumable=True,
    )
