"""The music database: songs, their vectors and where these come from, in one DuckDB file.

The file is built beside its place and swapped in, and never written to afterwards: a reader sees the old songs or the new
ones. What people like is kept apart, by `feedback`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from ..core import artifacts, emotions
from ..core.errors import BadInput, CorruptData, MissingData, NoRoom
from ..core.files import replacing_file
from ..core.vectors import normalise
from .search import Index

VERSION = "2"
NAME = "music.duckdb"
#: Length of a lyric's text embedding: that of multilingual-e5-small.
EMBEDDING = 384
_SONG_COLUMNS = ["id", "title", "artist", "album", "genre", "year", "path", "text"]
_VECTORS = {"lyric": emotions.N, "mel": emotions.N, "fused": emotions.N, "embedding": EMBEDDING}


@dataclass(frozen=True)
class MusicDatabase:
    """Songs and vectors, row by row the same song.

    Attributes
    ----------
    songs : DataFrame
        Columns id, title, artist, album, genre, year (0 where it is unknown), path (file of a person's own music, else blank),
        text (lines of the lyric, blank where none is known).
    lyric, mel : ndarray of shape (n, 6), float32
        Emotion vectors; nan where there is no lyric, no usable sound.
    fused : ndarray of shape (n, 6), float32
        What is searched: made of both by `fusion`.
    embedding : ndarray of shape (n, 384), float32
        Text embedding of the lyric, of unit length; nan where there is no lyric. (n, 0) where no song has one.
    provenance : dict
        Run, profile, model, weights and so on, as text; a file's also has version, content, data and time.
    """

    songs: pd.DataFrame
    lyric: np.ndarray
    mel: np.ndarray
    fused: np.ndarray
    embedding: np.ndarray
    provenance: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.songs)

    @property
    def has_lyric(self) -> np.ndarray:
        """Mask (n,) of the songs that were scored by their lyric."""
        return np.isfinite(self.lyric[:, 0])

    @property
    def has_sound(self) -> np.ndarray:
        """Mask (n,) of the songs that were scored by their sound."""
        return np.isfinite(self.mel[:, 0])

    @cached_property
    def basis(self) -> np.ndarray:
        """What each song was scored by, (n,): "both", "lyric" alone or "sound" alone."""
        return np.where(~self.has_sound, "lyric", np.where(self.has_lyric, "both", "sound"))

    @cached_property
    def index(self) -> Index:
        """Search over the fused vectors, made once."""
        return Index(self.fused)

    @cached_property
    def artist_codes(self) -> np.ndarray:
        """Number of each song's artist, (n,); -1 where it is unknown."""
        return pd.factorize(self.songs["artist"].where(self.songs["artist"] != ""))[0]

    @cached_property
    def genre_codes(self) -> np.ndarray:
        """Number of each song's genre, (n,); -1 where it is unknown."""
        return pd.factorize(self.songs["genre"].where(self.songs["genre"] != ""))[0]

    @cached_property
    def themes(self) -> np.ndarray:
        """What each lyric is about, apart from what all are about: centred embeddings of unit length; 0 where there is no lyric.

        Vectors of E5 lie in a narrow cone; without centring every lyric resembles every other.
        """
        themes = np.zeros_like(self.embedding)
        known = (
            np.isfinite(self.embedding).all(axis=1)
            if self.embedding.shape[1]
            else np.zeros(len(self), bool)
        )
        if known.sum() > 1:
            centred = self.embedding[known] - self.embedding[known].mean(axis=0)
            themes[known] = centred / np.maximum(
                np.linalg.norm(centred, axis=1, keepdims=True), 1e-6
            )
        return themes

    def part(self, mask: np.ndarray) -> MusicDatabase:
        """Only the songs of a mask (n,)."""
        vectors = {name: getattr(self, name)[mask] for name in _VECTORS}
        return MusicDatabase(
            self.songs[mask].reset_index(drop=True), **vectors, provenance=self.provenance
        )

    def rows(self, ids) -> np.ndarray:
        """Rows of songs by their ids; ids that are not here are left out."""
        found = self._places.get_indexer(list(ids))
        return found[found >= 0]

    @cached_property
    def _places(self) -> pd.Index:
        return pd.Index(self.songs["id"])


def _checked(music: MusicDatabase) -> MusicDatabase:
    """Music in the order of its ids with all columns, or what keeps it from being stored."""
    songs = music.songs.reindex(columns=_SONG_COLUMNS)
    songs = songs.assign(path=songs["path"].fillna(""), text=songs["text"].fillna(""))
    if songs.empty:
        raise BadInput("There is no song to store; give at least one.")
    for name, width in _VECTORS.items():
        vectors = getattr(music, name)
        if vectors.shape != (len(songs), width) and not (
            name == "embedding" and vectors.shape == (len(songs), 0)
        ):
            raise BadInput(
                f"The {name} vectors have shape {vectors.shape} where ({len(songs)}, {width}) belongs; align them with the songs."
            )
    with np.errstate(invalid="ignore"):
        unusable = ~np.isfinite(music.fused).all(axis=1) | (music.fused.sum(axis=1) <= 0)
    if unusable.any():
        raise BadInput(
            f"Song {songs['id'].iloc[int(np.argmax(unusable))]} has no usable vector; drop it first."
        )
    if songs["id"].duplicated().any():
        raise BadInput("Two songs share an id; give each its own.")
    if songs.isna().any().any():
        raise BadInput(
            f"A song has no {songs.columns[songs.isna().any()][0]}; leave text blank and an unknown year 0."
        )
    order = np.argsort(songs["id"].to_numpy(), kind="stable")
    vectors = {name: np.array(getattr(music, name), np.float32)[order] for name in _VECTORS}
    for values in vectors.values():
        values[~np.isfinite(values).all(axis=1)] = np.nan
    if vectors["embedding"].shape[1]:
        known = np.isfinite(vectors["embedding"][:, 0])
        vectors["embedding"][known] = normalise(vectors["embedding"][known])
    return MusicDatabase(
        _typed(songs.iloc[order].reset_index(drop=True)),
        **vectors,
        provenance={k: str(v) for k, v in music.provenance.items()},
    )


def _typed(songs: pd.DataFrame) -> pd.DataFrame:
    """Songs with the same types before and after they are stored, for the same fingerprint."""
    return songs.astype(
        {column: "int64" if column in ("id", "year") else "str" for column in _SONG_COLUMNS}
    )


def build(path: Path, music: MusicDatabase) -> bool:
    """Write a music database beside its place and swap it in when it is whole.

    Parameters
    ----------
    path
        Place of the database file.
    music
        Songs with at least id, title, artist, album, genre, year; the fused vectors must be usable, the others may hold rows of nan.

    Returns
    -------
    bool
        Whether the file was written; one with the same songs, vectors and provenance is left alone.

    Raises
    ------
    BadInput
        If songs and vectors do not fit each other, or a song has no usable vector.
    NoRoom
        If the disk is full; the old database stays.
    """
    music = _checked(music)
    data = artifacts.fingerprint(music.songs, music.lyric, music.mel, music.fused, music.embedding)
    content = artifacts.fingerprint(VERSION, data, music.provenance)
    if _content(path) == content:
        return False
    origin = {
        **music.provenance,
        "version": VERSION,
        "data": data,
        "content": content,
        "time": time.strftime("%Y-%m-%d %H:%M:%S"),
    }
    try:
        with replacing_file(path) as work, _tidied(work):
            _write(work, music, origin)
    except (
        duckdb.IOException,
        duckdb.TransactionException,
        duckdb.FatalException,
        OSError,
    ) as error:
        raise NoRoom(
            f"{path.name} could not be written to its end ({_first_words(error)}); make room on the disk and build again. Nothing was lost."
        ) from error
    return True


def _content(path: Path) -> str:
    """Fingerprint of what a whole and readable database holds; blank for every other file."""
    try:
        music = read(path)
    except (MissingData, CorruptData):
        return ""
    data = artifacts.fingerprint(music.songs, music.lyric, music.mel, music.fused, music.embedding)
    return music.provenance["content"] if music.provenance.get("data") == data else ""


@contextmanager
def _tidied(work: Path) -> Iterator[None]:
    """Remove what DuckDB may leave beside a file that it could not finish."""
    try:
        yield
    finally:
        for ending in (".wal", ".tmp"):
            Path(f"{work}{ending}").unlink(missing_ok=True)


def _first_words(error: Exception) -> str:
    return str(error).splitlines()[0].split(": ")[-1][:80] or type(error).__name__


def _write(work: Path, music: MusicDatabase, provenance: dict[str, str]) -> None:
    embedding = (
        music.embedding
        if music.embedding.shape[1]
        else np.full((len(music), EMBEDDING), np.nan, np.float32)
    )
    rows = {name: embedding if name == "embedding" else getattr(music, name) for name in _VECTORS}
    vectors = {
        name: [v if np.isfinite(v[0]) else None for v in values] for name, values in rows.items()
    }
    with duckdb.connect(str(work)) as connection:
        connection.register("song_table", music.songs)
        connection.register("vector_table", pd.DataFrame({"id": music.songs["id"]} | vectors))
        connection.register(
            "provenance_table",
            pd.DataFrame({"name": list(provenance), "value": list(provenance.values())}),
        )
        connection.execute("CREATE TABLE songs AS SELECT * FROM song_table ORDER BY id")
        casts = ", ".join(f"{name}::FLOAT[{width}] AS {name}" for name, width in _VECTORS.items())
        connection.execute(
            f"CREATE TABLE vectors AS SELECT id, {casts} FROM vector_table ORDER BY id"
        )
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
        raise MissingData(
            "There is no music database yet; run `make run` to build it.",
            "아직 노래 데이터베이스가 없어요. `make run`으로 만들어 주세요.",
        )
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            provenance = dict(connection.execute("SELECT name, value FROM provenance").fetchall())
            if provenance.get("version") != VERSION:
                raise CorruptData(
                    f"{path.name} has version {provenance.get('version')}, not {VERSION}; delete it and run `make run`.",
                    f"{path.name} 파일의 판({provenance.get('version')})이 지금 판({VERSION})과 달라요. 지우고 `make run`으로 다시 만들어 주세요.",
                )
            songs = _typed(
                connection.execute(f"SELECT {', '.join(_SONG_COLUMNS)} FROM songs ORDER BY id").df()
            )
            vectors = {
                name: _vectors(connection, name, width, len(songs))
                for name, width in _VECTORS.items()
            }
    except (duckdb.Error, ValueError) as error:
        raise CorruptData(
            f"{path.name} is damaged or no music database; delete it and run `make run`.",
            f"{path.name} 파일이 손상되었거나 노래 데이터베이스가 아니에요. 지우고 `make run`으로 다시 만들어 주세요.",
        ) from error
    if np.isnan(vectors["embedding"]).all():
        vectors["embedding"] = vectors["embedding"][:, :0]
    return MusicDatabase(songs, **vectors, provenance=provenance)


def _vectors(connection: duckdb.DuckDBPyConnection, name: str, width: int, n: int) -> np.ndarray:
    """Vectors (n, width) of a column; nan where it is NULL. Unnested, since lists would become Python objects."""
    known = connection.execute(
        f"SELECT {name} IS NOT NULL AS known FROM vectors ORDER BY id"
    ).fetchnumpy()["known"]
    flat = connection.execute(
        f"SELECT unnest({name}) AS x FROM (SELECT {name} FROM vectors WHERE {name} IS NOT NULL ORDER BY id)"
    ).fetchnumpy()["x"]
    values = np.full((n, width), np.nan, np.float32)
    values[np.asarray(known, bool)] = np.asarray(flat, np.float32).reshape(-1, width)
    return values
