"""A first music database in a minute: lyrics read by n-grams alone, sounds not analysed.

The notebooks replace it by the whole one. Until then every answer rests on lyrics.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil

from ..core import emotions
from ..core.runtime import progress
from ..data import song_files
from ..text import bundled_e5, lyric_reader, reader
from . import catalogue, database, fusion
from .database import MusicDatabase


def score_by_lyrics(seed: int = 0) -> MusicDatabase:
    """Score the sample's songs by their lyrics, with an n-gram model fitted here."""
    parts = catalogue.sentences("sample", seed)
    model = reader.fitted(parts["train"], parts["dev"], None)
    songs, _ = song_files.songs("sample", bundled_e5.count_tokens)
    reads_lyrics = lyric_reader.fitted(model)
    lyric = catalogue.lyric_vectors(reads_lyrics, songs["lyric"])
    unknown = np.full((len(songs), emotions.N), np.nan, np.float32)
    return MusicDatabase(
        songs=songs.assign(text=songs["lyric"]),
        lyric=lyric,
        mel=unknown,
        fused=fusion.correct_prior(lyric, fusion.class_prior(lyric)),
        embedding=np.empty((len(songs), 0), np.float32),
        provenance={
            "profile": "sample",
            "model": model.key,
            "lyric_model": reads_lyrics.key,
            "made": "quick",
        },
    )


def build(path: Path, run: str = "default") -> None:
    """Build the quick music database at `path`; two processes at once build the same."""
    with progress(desc="read the sample's lyrics", total=1) as bar:
        songs = score_by_lyrics()
        bar.update()
    seconds = time.time() - psutil.Process().create_time()
    provenance = {**songs.provenance, "run": run, "seconds": f"{seconds:.0f}"}
    database.build(path, replace(songs, provenance=provenance))
