"""The music database: songs, their emotion vectors and where these come from, in one DuckDB file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from . import emotions
from .cache import replacing_file
from .errors import BadInput, CorruptData, MissingData

VERSION = "1"
NAME = "music.duckdb"
_SONG_COLUMNS = ["id", "title", "artist", "album", "genre", "year"]
_VECTORS = ("lyric", "mel", "fused")


@dataclass(frozen=True)
class MusicDatabase:
    """Songs and vectors as read from a database file, row by row the same song.

    Attributes
    ----------
    songs : DataFrame
        Columns id, title, artist, album, genre, year.
    lyric, mel, fused : ndarray of shape (n, 6), float32
        Emotion vectors; nan where there is none.
    provenance : dict
        Run, profile, model, data hash and time, as text.
    """

    songs: pd.DataFrame
    lyric: np.ndarray
    mel: np.ndarray
    fused: np.ndarray
    provenance: dict[str, str]

    @cached_property
    def units(self) -> np.ndarray:
        """Fused vectors scaled to unit length, (n, 6), made once."""
        return self.fused / np.linalg.norm(self.fused, axis=1, keepdims=True)


def build(path: Path, songs: pd.DataFrame, lyric: np.ndarray, mel: np.ndarray, fused: np.ndarray, provenance: dict[str, str]) -> None:
    """Write a music database beside its place and swap it in when it is whole.

    Parameters
    ----------
    path
        Place of the database file.
    songs
        Table with at least id, title, artist, album, genre, year.
    lyric, mel, fused
        Emotion vectors in the order of `songs`, (n, 6).
    provenance
        Where the vectors come from; `version` is added.
    """
    for name, vectors in zip(_VECTORS, (lyric, mel, fused), strict=True):
        if vectors.shape != (len(songs), emotions.N):
            raise BadInput(f"The {name} vectors have shape {vectors.shape} where ({len(songs)}, {emotions.N}) belongs; align them with the songs.")
    unusable = ~np.isfinite(fused).all(axis=1) | (fused.sum(axis=1) <= 0)
    if unusable.any():
        raise BadInput(f"Song {songs['id'].iloc[int(np.argmax(unusable))]} has no usable vector; drop it first.")
    if songs["id"].duplicated().any():
        raise BadInput("Two songs share an id; give each its own.")
    song_table = songs[_SONG_COLUMNS]
    vector_table = pd.DataFrame({"id": songs["id"].to_numpy()} | {k: list(v.astype(np.float32)) for k, v in zip(_VECTORS, (lyric, mel, fused), strict=True)})
    provenance_table = pd.DataFrame({"name": ["version", *provenance], "value": [VERSION, *map(str, provenance.values())]})
    with replacing_file(path) as work, duckdb.connect(str(work)) as connection:
        for name, table in (("song_table", song_table), ("vector_table", vector_table), ("provenance_table", provenance_table)):
            connection.register(name, table)
        connection.execute("CREATE TABLE songs AS SELECT * FROM song_table")
        casts = ", ".join(f"{v}::FLOAT[{emotions.N}] AS {v}" for v in _VECTORS)
        connection.execute(f"CREATE TABLE vectors AS SELECT id, {casts} FROM vector_table")
        connection.execute("CREATE TABLE provenance AS SELECT * FROM provenance_table")


def read(path: Path) -> MusicDatabase:
    """Read a whole music database into memory.

    Raises
    ------
    MissingData
        If there is no file.
    CorruptData
        If it is damaged, no music database, or of another version.
    """
    if not path.is_file():
        raise MissingData("There is no music database yet; run `make run` to build it.")
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            provenance = dict(connection.execute("SELECT name, value FROM provenance").fetchall())
            table = connection.execute("SELECT * FROM songs JOIN vectors USING (id) ORDER BY id").df()
    except duckdb.Error as error:
        raise CorruptData(f"{path.name} is damaged or no music database; delete it and run `make run`.") from error
    if provenance.get("version") != VERSION:
        raise CorruptData(f"{path.name} has version {provenance.get('version')}, not {VERSION}; delete it and run `make run`.")
    vectors = {v: np.stack([np.asarray(x, np.float32) for x in table[v]]) for v in _VECTORS}
    return MusicDatabase(table[_SONG_COLUMNS], **vectors, provenance=provenance)
