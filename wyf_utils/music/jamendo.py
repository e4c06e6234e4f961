"""The music database of MTG-Jamendo: real songs, scored by the tags that people gave them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ..core import emotions
from ..core.errors import BadInput
from ..core.paths import JAMENDO, run_folder
from ..data import jamendo, mood_tags
from ..data.registry import REGISTRY
from . import database, fusion

#: Rows of a build's account. Each song found is in the catalogue, or says no mood.
STATES = ("found", "songs", "without mood", "doubled", "unknown tags", "unnamed")


def build() -> tuple[Path, pd.DataFrame]:
    """Build the music database of the run `jamendo`.

    Songs without a tag that says a mood are left out. There is no lyric, no sound and no
    embedding: the fused vectors are those of the tags without their class prior.

    Returns
    -------
    path : Path
        The database.
    account : DataFrame
        Columns songs (how many) and which (names with reasons), indexed by `STATES`; for unknown
        tags, how many tags.

    Raises
    ------
    Unreachable, MissingData, CorruptData
        If the tags are not there or not whole; the old database stays.
    BadInput
        If no song has a tag that says a mood; the old database stays.
    NoRoom
        If the disk is full; the old database stays.
    """
    found = jamendo.load(jamendo.fetch())
    has_mood = found.songs["moods"].map(bool)
    songs = found.songs[has_mood].reset_index(drop=True)
    if songs.empty:
        raise BadInput(
            f"None of {len(found.songs):,} songs has a tag that says a mood, such as "
            "mood/theme---happy; get the whole file again.",
            f"노래 {len(found.songs):,}곡 가운데 기분을 말하는 태그가 붙은 곡이 없어요. 파일을 "
            "다시 받아 주세요.",
        )
    vectors = mood_tags.emotion_vectors(songs["moods"].tolist())
    unknown = np.full((len(songs), emotions.N), np.nan, np.float32)
    music = database.MusicDatabase(
        songs=songs.assign(tags=[_shown(song) for song in songs.itertuples()]),
        lyric=unknown,
        mel=unknown,
        fused=fusion.correct_prior(vectors, fusion.class_prior(vectors)),
        embedding=np.empty((len(songs), 0), np.float32),
        provenance=_provenance(),
    )
    path = run_folder(JAMENDO) / database.NAME
    database.build(path, music)
    return path, _account(found, has_mood)


def _shown(song) -> str:
    """Write a song's tags, those that say no mood in brackets."""
    others = f" ({', '.join(song.others)})" if song.others else ""
    return ", ".join(song.moods) + others


def _provenance() -> dict[str, str]:
    source = REGISTRY["jamendo_tags"]
    return {
        "run": JAMENDO,
        "profile": JAMENDO,
        "basis": "tags that people gave",
        "source": f"{source.repo} at {source.commit[:7]}; {source.citation}",
        "licence": source.licence,
    }


def _account(found: jamendo.TaggedSongs, has_mood: pd.Series) -> pd.DataFrame:
    ids = found.songs["id"].map("track {}".format)
    which = {
        "found": ids.tolist(),
        "songs": ids[has_mood].tolist(),
        "without mood": ids[~has_mood].tolist(),
        "doubled": found.doubled,
        "unknown tags": [f"{tag}: {count:,}" for tag, count in found.unknown.items()],
        "unnamed": [found.nameless] if found.nameless else found.unnamed,
    }
    counts = {state: len(names) for state, names in which.items()}
    counts["unnamed"] = len(found.unnamed)
    return pd.DataFrame({"songs": counts, "which": which})
