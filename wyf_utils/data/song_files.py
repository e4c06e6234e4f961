"""Load song catalogues, lyrics and their labels, and split songs into parts."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from ..core import emotions
from ..core.errors import BadInput, CorruptData, MissingData
from ..core.paths import data_folder, profile_folder, relative
from . import readings
from .cleaning import apply_rules, song_rules
from .registry import REGISTRY, checked_path
from .splits import split
from .tables import find, number_column, read_table

_SONG_FIELDS = (
    *("id", "song_name", "artist_name_basket"),
    *("album_name", "song_gn_gnr_basket", "issue_date"),
)


def read_json(path: Path, hook: Callable[[dict], object] | None = None):
    """Parse a JSON file, passing each object in it through `hook`.

    Raises
    ------
    MissingData, CorruptData
        If the file is missing, truncated or malformed, or not UTF-8.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return json.loads(text, object_hook=hook)
    except FileNotFoundError as error:
        remedy = "restore it, or put it there as data/README.md describes"
        raise MissingData(f"{relative(path)} is missing; {remedy}.") from error
    except UnicodeDecodeError as error:
        raise CorruptData(f"{relative(path)} is not UTF-8; save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        problem = f"breaks off or is malformed at line {error.lineno}"
        raise CorruptData(f"{relative(path)} {problem}; get the whole file again.") from error


def parse_song(record: dict) -> tuple | dict:
    """Convert a record to (id, title, artist, album, genres, year), or return it if malformed.

    As the hook of `read_json` it spares the memory of the whole records.
    """
    try:
        number, title, artists, album, genres, date = (record[field] for field in _SONG_FIELDS)
        has_lists = isinstance(artists, list | None) and isinstance(genres, list | None)
        if not (isinstance(number, int) and has_lists):
            return record
        year = str(date).zfill(8)[:4]
        return (
            number,
            "" if title is None else str(title),
            ", ".join(filter(None, artists or ())),
            "" if album is None else str(album),
            tuple(map(sys.intern, genres or ())),
            int(year) if year.isdecimal() else 0,
        )
    except (KeyError, TypeError):
        return record


def _fault(record: object) -> str:
    """Name the fault of a malformed record of song_meta.json, and its remedy."""
    if not isinstance(record, dict):
        return "is no song; get the whole file again"
    if lacking := [field for field in _SONG_FIELDS if field not in record]:
        return f"lacks {', '.join(lacking)}; add it"
    return (
        "the id must be a whole number, artist_name_basket and song_gn_gnr_basket "
        "lists of texts; correct it"
    )


def check_songs(songs: object, genre_names: object, path: Path) -> None:
    """Refuse songs that are not a list of `parse_song` tuples with unique ids.

    Raises
    ------
    CorruptData
        If a record is malformed, an id is repeated, or the genres are no object. The message
        names the record of song_meta.json, counted from 0.
    """
    if not (isinstance(songs, list) and songs and isinstance(genre_names, dict)):
        raise CorruptData(
            f"{relative(path)} must be a list of songs, and genre_gn_all.json one object; "
            "get the whole files again."
        )
    for number, song in enumerate(songs):
        if not isinstance(song, tuple):
            raise CorruptData(f"{relative(path)}, record {number}: {_fault(song)}.")
    ids = pd.Series([song[0] for song in songs], name="id")
    _check_unique(ids, f"{relative(path)}, record", "give each song its own")


def _check_unique(ids: pd.Series, place: str, remedy: str, first: int = 0) -> None:
    """Refuse a repeated id; `place` is file and word for its rows, counted from `first`."""
    for row in np.flatnonzero(ids.duplicated()):
        problem = f"the {ids.name} {ids[row]} stands twice"
        raise CorruptData(f"{place} {row + first}: {problem}; {remedy}.")


def _read_lyrics(root: Path) -> pd.Series:
    """Load lyrics.tsv as it stands, by song id; a line break is a backslash and n."""
    path = find(root, "lyrics", (".tsv",))
    table = read_table(path, ["song_id", "lyric"])
    ids = number_column(table["song_id"], path, whole=True)
    _check_unique(ids, f"{relative(path)}, row", "keep one of its lyrics", first=2)
    return table.set_index(ids)["lyric"]


def read_catalogue(root: Path) -> pd.DataFrame:
    """Load songs with metadata and lyrics from a folder, before cleaning.

    Parameters
    ----------
    root
        Folder with song_meta.json, genre_gn_all.json and lyrics.tsv.

    Returns
    -------
    DataFrame
        Columns id, title, artist, album, genres, genre, year, lyric. One row for each song; the
        lyric is blank where there is none.
    """
    path = find(root, "song_meta", (".json",))
    songs = read_json(path, parse_song)
    genre_names = read_json(find(root, "genre_gn_all", (".json",)))
    check_songs(songs, genre_names, path)
    table = pd.DataFrame(songs, columns=["id", "title", "artist", "album", "genres", "year"])
    first_codes = [codes[0] if codes else "" for codes in table["genres"]]
    table.insert(5, "genre", [genre_names.get(code, code) for code in first_codes])
    lyrics = _read_lyrics(root).str.replace("\\n", "\n")
    return table.assign(lyric=table["id"].map(lyrics).fillna(""))


def songs(profile: str, count_tokens) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Load the song catalogue with lyrics, and clean it by the rules of 2022.

    Parameters
    ----------
    profile
        sample or wyf; the open profile has song vectors but no songs.
    count_tokens
        Function from lyrics to their numbers of tokens.

    Returns
    -------
    table : DataFrame
        Columns id, title, artist, album, genres, genre, year, lyric, tokens.
    ledger : DataFrame
        Effect of each rule, from `cleaning.apply_rules`.
    """
    if profile == "open":
        remedy = "use `song_vectors`, or the sample or wyf profile"
        raise BadInput(f"The open profile has no lyrics; {remedy}.")
    catalogue = read_catalogue(profile_folder(profile))
    return apply_rules(catalogue, song_rules(count_tokens), show="title")


def lyric_intent(profile: str) -> pd.DataFrame:
    """Load the emotions that the author of each sample lyric intended.

    They are the targets of the composed sound and of evaluation. Only the models of notebook 04
    that say so are trained on them.

    Returns
    -------
    DataFrame
        Columns id, first (emotion id), second (emotion id or -1).
    """
    path = find(profile_folder(profile), "lyric_intent", (".csv",))
    columns = ["id", "first", "second"]
    table = read_table(path, columns)
    mapping = {name: number for number, name in enumerate(emotions.KO)} | {"": -1}
    ids = readings.label_ids(table, columns[1:], mapping, path)
    return ids.assign(id=number_column(table["id"], path, whole=True))[columns]


def lyric_readings() -> pd.DataFrame:
    """Load writer and blind readers' emotions of each sample lyric: see `readings.read_lyrics`."""
    root = profile_folder("sample")
    files = (root / name for name in ("lyrics.tsv", "lyric_readings.csv", "writers.csv"))
    return _read_once(root, readings.file_versions(*files)).copy()


@functools.lru_cache(maxsize=1)
def _read_once(root: Path, versions: tuple) -> pd.DataFrame:  # noqa: ARG001, versions are a key
    return readings.read_lyrics(root, _read_lyrics(root))


def lyric_lines() -> pd.DataFrame:
    """Load the sample's couplets with blind readers' emotions: see `readings.read_lines`."""
    root = profile_folder("sample")
    return readings.read_lines(root, _read_lyrics(root))


def vectors_2022() -> tuple[np.ndarray, np.ndarray]:
    """Load the song vectors published in 2022, of the lyrics and of the mel spectrograms.

    Returns
    -------
    lyric, mel : ndarray of shape (42839, 6)
        float64; rows sum to 1.
    """
    paths = (checked_path(REGISTRY[f"{kind}_vectors_2022"]) for kind in ("lyric", "mel"))
    lyric, mel = (np.load(path, allow_pickle=False) for path in paths)
    return lyric, mel


def published_2022() -> dict:
    """Load the numbers published in 2022 from `data/reference/published_2022.json`."""
    return read_json(data_folder() / "reference" / "published_2022.json")


def split_songs(
    songs: pd.DataFrame, profile: str, seed: int, *, parts: int, by: str
) -> dict[str, pd.DataFrame]:
    """Split songs into train, dev and test by artist, in the sample by the lyric's writer.

    Sample lyrics of unrecorded writers are all in the train part. Parameters as for `split`.
    """
    if profile != "sample":
        return split(songs, seed, groups=songs["artist"], parts=parts, by=by)
    writers = lyric_readings().set_index("id")["writer"]
    groups = songs["id"].map(writers).fillna(songs["artist"])
    unrecorded = groups == readings.UNRECORDED
    split_parts = split(songs[~unrecorded], seed, groups=groups[~unrecorded], parts=parts, by=by)
    train = pd.concat([songs[unrecorded], split_parts["train"]], ignore_index=True)
    return split_parts | {"train": train}
