"""Composed waveforms of the sample catalogue, their mels, and what MusiCNN hears in them."""

from __future__ import annotations

import shutil
from pathlib import Path

import joblib
import numpy as np

from ..core import artifacts, files
from ..core.context import context
from ..core.runtime import progress
from . import composer, musicnn
from .mel import from_waveform
from .mel_files import path_of

#: Patches of three seconds that MusiCNN hears. Pieces are even: two of ten tell the emotion nearly
#: as well (kappa 0.86) as all do (0.93), in a fifth of the time.
_PATCHES = (2, 7)


def composition_targets(
    first: np.ndarray, second: np.ndarray, ids: np.ndarray, contradiction: float, seed: int
) -> np.ndarray:
    """Draw the emotion vector that each song is composed for.

    Parameters
    ----------
    first, second
        Ids (n,) of the emotions that the lyric's author intended; `second` is -1 for none.
    ids
        Song ids (n,). A draw depends on the seed and the song's own id only.
    contradiction
        Share of songs, 0 to 1, composed for another emotion than `first`.

    Returns
    -------
    ndarray of shape (n, 6)
    """
    targets = np.stack([composer.mixture(a, b) for a, b in zip(first, second, strict=True)])
    for row, song in enumerate(ids):
        rng = np.random.default_rng([seed, int(song)])
        if rng.random() < contradiction:
            other = rng.choice([e for e in range(targets.shape[1]) if e != first[row]])
            targets[row] = composer.mixture(int(other), -1)
    return targets


def composed_waveform(
    song: int, emotion_vector: np.ndarray, seed: int, synthesis: str = "pretty_midi"
) -> np.ndarray:
    """Compose and render a song for an emotion vector (6,): waveform (480000,) at 16 kHz.

    Songs of different ids or seeds share no random numbers.
    """
    midi, cues = composer.compose(emotion_vector, [seed, song])
    return composer.render(midi, cues, [seed, song], synthesis)


def heard_path(folder: Path, song: int) -> Path:
    """Return the path of what MusiCNN heard in a composed song, (250,): tag odds, embedding."""
    return folder / "heard" / f"{song}.npy"


def _compose_one(
    song: int, emotion_vector: np.ndarray, seed: int, synthesis: str, folder: Path
) -> None:
    path = heard_path(folder, song)
    if path.is_file():  # composed before an interruption; it is written last
        return
    waveform = composed_waveform(song, emotion_vector, seed, synthesis)
    with files.replacing_file(path_of(folder, song)) as work:
        np.save(work, from_waveform(waveform), allow_pickle=False)
    patches = musicnn.patches(musicnn.log_mel(waveform))[list(_PATCHES)]
    features = musicnn.SongFeatures.of([musicnn.hear_patches(patches)])
    with files.replacing_file(path) as work:
        np.save(work, features.rows()[0], allow_pickle=False)


def composed_songs(
    ids: np.ndarray, emotion_vectors: np.ndarray, seed: int, synthesis: str = "pretty_midi"
) -> artifacts.Entry:
    """Compose songs, save their mels and hear them, or return that from the cache.

    Resumes where it was interrupted.

    Parameters
    ----------
    ids, emotion_vectors
        Song ids (n,) and the vectors (n, 6) that the songs are composed for.
    synthesis
        One of `composer.SYNTHESES`.

    Raises
    ------
    MissingData
        If the package musicnn is not installed.
    """

    def make(folder: Path, unfinished: Path) -> None:
        musicnn.exported()  # once, before processes share it
        jobs = (
            joblib.delayed(_compose_one)(int(song), vector, seed, synthesis, unfinished)
            for song, vector in zip(ids, emotion_vectors, strict=True)
        )
        done = joblib.Parallel(n_jobs=context().threads, return_as="generator_unordered")(jobs)
        for _ in progress(done, desc="compose and hear", total=len(ids)):
            pass
        shutil.copytree(unfinished, folder, dirs_exist_ok=True)

    return artifacts.get_or_create(
        "composed",
        make,
        parameters={"seed": seed, "synthesis": synthesis},
        data=artifacts.fingerprint(np.asarray(ids), np.asarray(emotion_vectors)),
        resumable=True,
    )


def heard_songs(folder: Path, ids: np.ndarray) -> musicnn.SongFeatures:
    """Load what MusiCNN heard in composed songs (n,)."""
    rows = [np.load(heard_path(folder, song), allow_pickle=False) for song in ids]
    return musicnn.SongFeatures.from_rows(np.stack(rows))
