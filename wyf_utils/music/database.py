"""The music database: songs, vectors and provenance in one DuckDB file.

The file is written beside its place, swapped in, and never changed afterwards, so that a reader
sees either the old songs or the new ones. Likes and skips are kept apart, by `feedback`.
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
from ..core.errors import BadInput, CorruptData, MissingData, WyfError
from ..core.files import replacing_file, write_error
from ..core.vectors import normalise
from . import fusion
from .search import Index

VERSION = "2"
NAME = "music.duckdb"
#: Dimension of a lyric's text embedding by multilingual-e5-small.
EMBEDDING = 384
_SONG_COLUMNS = ["id", "title", "artist", "album", "genre", "year", "path", "text", "tags"]
_VECTORS = {"lyric": emotions.N, "mel": emotions.N, "fused": emotions.N, "embedding": EMBEDDING}


@dataclass(frozen=True)
class MusicDatabase:
    """Songs and vectors, row by row.

    Attributes
    ----------
    songs : DataFrame
        Columns id, title, artist, album, genre, year (0 for unknown), path (file of a person's
        own music, else blank), text (lyric, blank for unknown), tags (that people gave, those
        that say no mood in brackets; blank for none).
    lyric, mel : ndarray of shape (n, 6), float32
        Emotion vectors; nan where there is no lyric, no usable sound.
    fused : ndarray of shape (n, 6), float32
        Vectors of the search, from `fusion.fuse`.
    embedding : ndarray of shape (n, 384), float32
        Text embeddings of the lyrics, unit length; nan where there is no lyric. (n, 0) where
        no song has one.
    provenance : dict
        Run, profile, models and weights as text; that of a file also has version, content,
        data and time.
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
        """Mask (n,) of the songs scored by their lyric."""
        return np.isfinite(self.lyric[:, 0])

    @property
    def has_sound(self) -> np.ndarray:
        """Mask (n,) of the songs scored by their sound."""
        return np.isfinite(self.mel[:, 0])

    @cached_property
    def basis(self) -> np.ndarray:
        """Basis of each song's score, (n,): "both", "lyric", "sound", or else "tags"."""
        heard = np.where(self.has_lyric, "both", "sound")
        return np.where(self.has_sound, heard, np.where(self.has_lyric, "lyric", "tags"))

    @cached_property
    def told_and_heard(self) -> np.ndarray:
        """Largest emotions of each song's words and sound where they contradict each other, (n, 2).

        -1 elsewhere, and in the open profile: the sound vectors published in 2022 say nothing of
        the sound (notebook 04).
        """
        pairs = np.stack([np.nan_to_num(v).argmax(axis=1) for v in (self.lyric, self.mel)], axis=1)
        shown = fusion.contradict(self.lyric, self.mel) & (self.provenance.get("profile") != "open")
        return np.where(shown[:, None], pairs, -1)

    @cached_property
    def index(self) -> Index:
        """Search index over the fused vectors."""
        return Index(self.fused)

    @cached_property
    def artist_codes(self) -> np.ndarray:
        """Number of each song's artist, (n,); -1 for unknown."""
        return pd.factorize(self.songs["artist"].where(self.songs["artist"] != ""))[0]

    @cached_property
    def genre_codes(self) -> np.ndarray:
        """Number of each song's genre, (n,); -1 for unknown."""
        return pd.factorize(self.songs["genre"].where(self.songs["genre"] != ""))[0]

    @cached_property
    def themes(self) -> np.ndarray:
        """Centred embeddings of unit length, (n, d); 0 where there is no lyric.

        E5 vectors lie in a narrow cone: without centring, all lyrics are similar.
        """
        themes = np.zeros_like(self.embedding)
        if not self.embedding.shape[1]:
            return themes
        known = np.isfinite(self.embedding).all(axis=1)
        if known.sum() > 1:
            centred = self.embedding[known] - self.embedding[known].mean(axis=0)
            lengths = np.linalg.norm(centred, axis=1, keepdims=True)
            themes[known] = centred / np.maximum(lengths, 1e-6)
        return themes

    def part(self, mask: np.ndarray) -> MusicDatabase:
        """Select the songs of a mask (n,)."""
        vectors = {name: getattr(self, name)[mask] for name in _VECTORS}
        songs = self.songs[mask].reset_index(drop=True)
        return MusicDatabase(songs, **vectors, provenance=self.provenance)

    def rows(self, ids) -> np.ndarray:
        """Row numbers of song ids; unknown ids are left out."""
        rows = self._ids.get_indexer(list(ids))
        return rows[rows >= 0]

    @cached_property
    def _ids(self) -> pd.Index:
        return pd.Index(self.songs["id"])


def _check(songs: pd.DataFrame, music: MusicDatabase) -> None:
    """Raise BadInput where songs or vectors cannot be stored."""
    if songs.empty:
        raise BadInput("There is no song to store; give at least one.")
    for name, width in _VECTORS.items():
        shape = getattr(music, name).shape
        if shape != (len(songs), width) and (name, *shape) != ("embedding", len(songs), 0):
            raise BadInput(
                f"The {name} vectors have shape {shape} where ({len(songs)}, {width}) belongs; "
                "align them with the songs."
            )
    with np.errstate(invalid="ignore"):
        unusable = ~np.isfinite(music.fused).all(axis=1) | (music.fused.sum(axis=1) <= 0)
    if unusable.any():
        song = songs["id"].iloc[int(np.argmax(unusable))]
        raise BadInput(f"Song {song} has no usable vector; drop it first.")
    if songs["id"].duplicated().any():
        raise BadInput("Two songs share an id; give each its own.")
    if songs.isna().any().any():
        column = songs.columns[songs.isna().any()][0]
        raise BadInput(f"A song has no {column}; leave text blank and an unknown year 0.")


def _prepared(music: MusicDatabase) -> MusicDatabase:
    """Music in the order of its ids, with the columns and types of a stored one."""
    songs = music.songs.reindex(columns=_SONG_COLUMNS)
    songs = songs.assign(**{name: songs[name].fillna("") for name in ("path", "text", "tags")})
    _check(songs, music)
    order = np.argsort(songs["id"].to_numpy(), kind="stable")
    vectors = {name: np.array(getattr(music, name), np.float32)[order] for name in _VECTORS}
    for values in vectors.values():
        values[~np.isfinite(values).all(axis=1)] = np.nan
    if vectors["embedding"].shape[1]:
        known = np.isfinite(vectors["embedding"][:, 0])
        vectors["embedding"][known] = normalise(vectors["embedding"][known])
    provenance = {name: str(value) for name, value in music.provenance.items()}
    songs = _typed(songs.iloc[order].reset_index(drop=True))
    return MusicDatabase(songs, **vectors, provenance=provenance)


def _typed(songs: pd.DataFrame) -> pd.DataFrame:
    """Cast columns to the same types before writing and after reading, for equal fingerprints."""
    types = {name: "int64" if name in ("id", "year") else "str" for name in _SONG_COLUMNS}
    return songs.astype(types)


def _fingerprint(music: MusicDatabase) -> str:
    return artifacts.fingerprint(music.songs, *(getattr(music, name) for name in _VECTORS))


def build(path: Path, music: MusicDatabase) -> bool:
    """Write a music database and swap it into its place.

    Parameters
    ----------
    music
        Songs with at least id, title, artist, album, genre and year. Fused vectors must be
        usable; rows of the others may be nan.

    Returns
    -------
    bool
        Whether the file was written. One with the same songs, vectors and provenance is kept.

    Raises
    ------
    BadInput
        If songs and vectors do not fit each other, or a song has no usable vector.
    NoRoom
        If the disk is full; the old database stays.
    WyfError
        If the file cannot be written for another reason; the old database stays.
    """
    music = _prepared(music)
    data = _fingerprint(music)
    content = artifacts.fingerprint(VERSION, data, music.provenance)
    if _content(path) == content:
        return False
    origin = {"version": VERSION, "data": data, "content": content}
    origin = music.provenance | origin | {"time": time.strftime("%Y-%m-%d %H:%M:%S")}
    try:
        with replacing_file(path) as work, _tidied(work):
            _write(work, music, origin)
    except (
        duckdb.IOException,
        duckdb.TransactionException,
        duckdb.FatalException,
        OSError,
    ) as error:
        raise write_error(path, error) from error
    return True


def _content(path: Path) -> str:
    """Content fingerprint of an intact database; blank for every other file."""
    try:
        music = read(path)
    except (MissingData, CorruptData):
        return ""
    intact = music.provenance.get("data") == _fingerprint(music)
    return music.provenance["content"] if intact else ""


@contextmanager
def _tidied(work: Path) -> Iterator[None]:
    """Remove the files that DuckDB leaves beside an unfinished one."""
    try:
        yield
    finally:
        for ending in (".wal", ".tmp"):
            Path(f"{work}{ending}").unlink(missing_ok=True)


def _write(work: Path, music: MusicDatabase, provenance: dict[str, str]) -> None:
    vectors = {name: getattr(music, name) for name in _VECTORS}
    if not music.embedding.shape[1]:
        vectors["embedding"] = np.full((len(music), EMBEDDING), np.nan, np.float32)
    columns = {
        name: [vector if np.isfinite(vector[0]) else None for vector in values]
        for name, values in vectors.items()
    }
    names, values = list(provenance), list(provenance.values())
    casts = ", ".join(f"{name}::FLOAT[{width}] AS {name}" for name, width in _VECTORS.items())
    with duckdb.connect(str(work)) as connection:
        connection.register("song_table", music.songs)
        connection.register("vector_table", pd.DataFrame({"id": music.songs["id"]} | columns))
        connection.register("provenance_table", pd.DataFrame({"name": names, "value": values}))
        connection.execute("CREATE TABLE songs AS SELECT * FROM song_table ORDER BY id")
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
    WyfError
        If another program holds it, or it may not be read.
    """
    if not path.is_file():
        raise MissingData(
            "There is no music database yet; run `make run` to build it.",
            "아직 노래 데이터베이스가 없어요. `make run`으로 만들어 주세요.",
        )
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            provenance = dict(connection.execute("SELECT name, value FROM provenance").fetchall())
            if (version := provenance.get("version")) != VERSION:
                raise CorruptData(
                    f"{path.name} has version {version}, not {VERSION}; delete it and run "
                    "`make run`.",
                    f"{path.name} 파일의 판({version})이 지금 판({VERSION})과 달라요. 지우고 "
                    "`make run`으로 다시 만들어 주세요.",
                )
            songs = _typed(_songs(connection))
            vectors = {name: _vectors(connection, name, len(songs)) for name in _VECTORS}
    except (duckdb.Error, ValueError, KeyError) as error:
        if "Could not set lock" in str(error):
            raise WyfError(
                f"{path.name} is open in another program; close it there and try again.",
                f"다른 프로그램이 {path.name} 파일을 열고 있어요. 닫고 다시 해 주세요.",
            ) from error
        if "Cannot open file" in str(error):
            raise WyfError(
                f"{path.name} may not be read; give your account the right to read it.",
                f"{path.name} 파일을 읽을 권한이 없어요. 읽기 권한을 확인해 주세요.",
            ) from error
        raise CorruptData(
            f"{path.name} is damaged or no music database; delete it and run `make run`.",
            f"{path.name} 파일이 손상되었거나 노래 데이터베이스가 아니에요. 지우고 "
            "`make run`으로 다시 만들어 주세요.",
        ) from error
    if np.isnan(vectors["embedding"]).all():
        vectors["embedding"] = vectors["embedding"][:, :0]
    return MusicDatabase(songs, **vectors, provenance=provenance)


def _songs(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Read the songs; those of a database that was built before there were tags have none."""
    table = connection.execute("SELECT * FROM songs ORDER BY id").df()
    if "tags" not in table:
        table = table.assign(tags="")
    return table[_SONG_COLUMNS]


def _vectors(connection: duckdb.DuckDBPyConnection, name: str, n: int) -> np.ndarray:
    """Read a column of vectors, (n, width), nan where it is NULL."""
    known = connection.execute(
        f"SELECT {name} IS NOT NULL AS known FROM vectors ORDER BY id"
    ).fetchnumpy()["known"]
    # Unnested, because lists would become Python objects.
    rows = f"SELECT {name} FROM vectors WHERE {name} IS NOT NULL ORDER BY id"
    flat = connection.execute(f"SELECT unnest({name}) AS x FROM ({rows})").fetchnumpy()["x"]
    values = np.full((n, _VECTORS[name]), np.nan, np.float32)
    values[np.asarray(known, bool)] = np.asarray(flat, np.float32).reshape(-1, _VECTORS[name])
    return values
