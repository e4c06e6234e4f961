"""What is lost when songs are heard through 48 bands: the adaptor on songs it has not learned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.model_selection import GroupKFold

from ..core import artifacts
from ..core.runtime import progress
from ..sound import adaptor, audio_files, mel, musicnn


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
    true = musicnn.hear_songs(paths, start, length).embedding

    def sound(row: int) -> np.ndarray:
        return audio_files.read_waveform(paths[row], start, length)

    def compute() -> np.ndarray:
        found = np.zeros((len(paths), 51))
        for train, test in GroupKFold(number).split(paths, groups=groups):
            learned = adaptor.learn(map(sound, progress(train, desc="learn the adaptor")))
            for row in test:
                song = learned.hear(mel.from_waveform(sound(row))).song()
                ours = song.embedding[0]
                norms = np.linalg.norm(ours) * np.linalg.norm(true[row])
                found[row] = [ours @ true[row] / norms, *musicnn.log_odds(song.tags)[0]]
        return found

    data = artifacts.fingerprint(true, np.asarray(groups))
    settings = {"folds": number, "start": start, "length": length}
    found = artifacts.cached_array("adapted", compute, parameters=settings, data=data)
    return found[:, 0], found[:, 1:]
