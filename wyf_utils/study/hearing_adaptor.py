"""What is lost when songs are heard through 48 bands: the adaptor on songs it has not learned."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sklearn.model_selection import GroupKFold

from ..core import artifacts
from ..core.runtime import progress
from ..sound import adaptor, audio_files, mel, musicnn
from . import hearing


def adapted(
    paths: Sequence[Path],
    groups: np.ndarray,
    number: int = 4,
    start: int = audio_files.START,
    length: int = audio_files.SECONDS,
) -> tuple[np.ndarray, np.ndarray]:
    """Hear each song through an adaptor learned from the songs of other folds.

    Parameters
    ----------
    paths
        Sound files (n) as for `audio_files.read_waveform`, whose errors apply.
    groups
        Numbers (n,), as from `hearing.song_groups`; no group is in two folds.
    number
        Number of folds.
    start, length
        Excerpt in seconds.

    Returns
    -------
    cosine : ndarray of shape (n,)
        Cosine of the song's 200-dimensional embedding with the one of its 96 bands.
    tags : ndarray of shape (n, 50)
        Log-odds of the tags, for `HearingExperiment.add(heard=...)`.
    """
    paths = list(paths)
    read = functools.partial(audio_files.read_waveform, start=start, length=length)
    true = hearing.song_features(paths, start, length)["embedding"]
    found = artifacts.cached_array(
        "adapted",
        lambda: _out_of_fold(paths, groups, number, true, read),
        parameters={"folds": number},
        data=artifacts.fingerprint(true, np.asarray(groups), start, length),
    )
    return found[:, 0], found[:, 1:]


def _out_of_fold(
    paths: list[Path], groups: np.ndarray, number: int, true: np.ndarray, read: Callable
) -> np.ndarray:
    """Compute the cosine and the log-odds of each song, side by side: (n, 51)."""
    found = np.zeros((len(paths), 1 + len(musicnn.TAGS)))
    for train, test in GroupKFold(number).split(paths, groups=groups):
        rows = progress(train, desc="learn the adaptor")
        learned = adaptor.learn(read(paths[row]) for row in rows)
        for row in test:
            song = learned.hear(mel.from_waveform(read(paths[row]))).song()
            found[row, 0] = adaptor.cosine(song.embedding[0], true[row])
            found[row, 1:] = musicnn.log_odds(song.tags)[0]
    return found
