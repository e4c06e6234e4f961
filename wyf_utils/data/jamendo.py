"""MTG-Jamendo: real songs, the tags that people gave them, and their names.

Bogdanov et al. (2019). Tags were chosen by those who uploaded the songs to jamendo.com. Files are
separated by tabs without quoting: names hold single quotation marks.
"""

from __future__ import annotations

import html
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..core.errors import CorruptData, MissingData, Unreachable
from ..core.paths import JAMENDO, data_folder, relative
from . import registry
from .cleaning import normalise_text
from .mood_tags import KNOWN, MOODS
from .registry import REGISTRY, checked_path

#: Columns of the tags; the last one goes on to the end of the row.
TAG_COLUMNS = ("TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS")
NAME_COLUMNS = (
    "TRACK_ID", "ARTIST_ID", "ALBUM_ID", "TRACK_NAME", "ARTIST_NAME", "ALBUM_NAME", "RELEASEDATE",
    "URL",
)  # fmt: skip
#: Files of tags in a folder of one's own; the first has genres and instruments, too.
TAG_FILES = ("autotagging.tsv", "autotagging_moodtheme.tsv")
NAME_FILE = "raw.meta.tsv"
_TRACK = re.compile(r"track_(\d{1,9})")
_MOOD, _GENRE, _INSTRUMENT = "mood/theme", "genre", "instrument"


@dataclass(frozen=True)
class TaggedSongs:
    """Songs with tags, and what was not as it should be.

    Attributes
    ----------
    songs : DataFrame
        Columns id (Jamendo's number), title, artist, album, genre (blank for unknown), year (0 for
        unknown), moods (tuple of `MOODS`, perhaps empty), others (tuple of the other tags).
    doubled : list of str
        Tracks that stood there before; the first row of each is taken.
    unknown : dict
        Unknown tags, which are left aside, with the number of their songs.
    unnamed : list of str
        Tracks without a name, which keep their numbers.
    nameless : str
        Why no song has a name; blank where some have.
    """

    songs: pd.DataFrame
    doubled: list[str]
    unknown: dict[str, int]
    unnamed: list[str]
    nameless: str


def own_folder() -> Path:
    """Return the folder for a person's own copy of the data set, data/raw/jamendo."""
    return data_folder() / "raw" / JAMENDO


def fetch() -> str:
    """Fetch the tags and, where they can be had, the names; nothing where `own_folder` is.

    Returns
    -------
    str
        Why there are no names; blank where there are.

    Raises
    ------
    Unreachable, CorruptData
        If the tags cannot be fetched whole.
    """
    if own_folder().is_dir():
        return ""
    registry.fetch(["jamendo_tags"])
    try:
        registry.fetch(["jamendo_names"])
    except (Unreachable, CorruptData) as error:
        return str(error)
    return ""


def load(reason: str = "") -> TaggedSongs:
    """Read the songs out of `own_folder`, or where there is none, out of the registry's files.

    Parameters
    ----------
    reason
        Why there are no names, from `fetch`.

    Raises
    ------
    MissingData
        If there are no tags.
    CorruptData
        If a file is no table of MTG-Jamendo, or a row of the tags is malformed.
    """
    tags, names = _files()
    songs, doubled, unknown = read_tags(tags)
    named = read_names(names) if names else pd.DataFrame(columns=["title"])
    unnamed = [f"track {song}" for song in songs["id"][~songs["id"].isin(named.index)]]
    nameless = "" if names else reason or f"{NAME_FILE} is not there"
    for column in named:
        found = songs["id"].map(named[column])
        known = found.notna() & (found != "")
        songs[column] = found.where(known, songs[column])
    return TaggedSongs(songs.astype({"year": int}), doubled, unknown, unnamed, nameless)


def _files() -> tuple[Path, Path | None]:
    """Find the tags, and the names where they are."""
    own = own_folder()
    if not own.is_dir():
        names = REGISTRY["jamendo_names"]
        found = checked_path(names) if names.local.is_file() else None
        return checked_path(REGISTRY["jamendo_tags"]), found
    tags = [own / name for name in TAG_FILES if (own / name).is_file()]
    if not tags:
        raise MissingData(
            f"{relative(own)} holds neither {' nor '.join(TAG_FILES)}; put one there, or delete "
            "the folder.",
            f"{relative(own)} 폴더에 {', '.join(TAG_FILES)} 파일이 없어요. 하나를 넣거나 폴더를 "
            "지워 주세요.",
        )
    names = own / NAME_FILE
    return tags[0], names if names.is_file() else None


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of each row that is not blank, below the first.

    Raises
    ------
    CorruptData
        If the file is not UTF-8 or lacks a column.
    """
    name = relative(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise CorruptData(
            f"{name} is not UTF-8; get the whole file again.",
            f"{name} 파일이 UTF-8이 아니에요. 파일을 다시 받아 주세요.",
        ) from error
    found = lines[0].strip().split("\t")
    if lacking := [column for column in columns if column not in found]:
        raise CorruptData(
            f"{name} lacks the column {', '.join(lacking)}; its first row must hold "
            f"{', '.join(columns)}.",
            f"{name} 파일에 {', '.join(lacking)} 열이 없어요. 첫 줄에 {', '.join(columns)} 열이 "
            "있어야 해요.",
        )
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            yield number, line.split("\t")


def read_tags(path: Path) -> tuple[pd.DataFrame, list[str], dict[str, int]]:
    """Read a table of tags; songs are named by their numbers.

    Returns
    -------
    songs, doubled, unknown
        As in `TaggedSongs`.

    Raises
    ------
    CorruptData
        If a row has too few fields, no track number, or no duration.
    """
    songs: dict[int, dict] = {}
    doubled, unknown = [], Counter()
    for number, cells in _rows(path, TAG_COLUMNS):
        place = f"{relative(path)}, row {number}"
        if len(cells) < len(TAG_COLUMNS):
            raise _bad_row(place, f"{len(cells)} fields where {len(TAG_COLUMNS)} or more belong")
        track, artist, album, _, duration, *tags = (cell.strip() for cell in cells)
        if not (found := _TRACK.fullmatch(track)):
            raise _bad_row(place, f"'{track}' is no track number such as track_0000948")
        if not _is_duration(duration):
            raise _bad_row(place, f"the duration '{duration}' is no number of seconds")
        if (song := int(found[1])) in songs:
            doubled.append(f"track {song} in row {number}")
        else:
            songs[song] = _song(song, artist, album, dict.fromkeys(filter(None, tags)), unknown)
    if not songs:
        raise CorruptData(
            f"{relative(path)} has no songs; get the whole file again.",
            f"{relative(path)} 파일에 노래가 없어요. 파일을 다시 받아 주세요.",
        )
    return pd.DataFrame(songs.values()), doubled, dict(unknown.most_common())


def _is_duration(text: str) -> bool:
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False


def _bad_row(place: str, fault: str) -> CorruptData:
    return CorruptData(
        f"{place}: {fault}; correct the row, or get the whole file again.",
        f"{place}: 형식에 맞지 않아요({fault}). 그 줄을 고치거나 파일을 다시 받아 주세요.",
    )


def _song(song: int, artist: str, album: str, tags: dict[str, None], unknown: Counter) -> dict:
    """Row of a song named by numbers; tags that the table does not know are counted."""
    of_kind: dict[str, list[str]] = {_MOOD: [], _GENRE: [], _INSTRUMENT: []}
    for tag in tags:
        kind, _, name = tag.partition("---")
        if not name or kind not in of_kind or (kind == _MOOD and name not in KNOWN):
            unknown[normalise_text(tag)] += 1
        else:
            of_kind[kind].append(normalise_text(name))
    moods = tuple(name for name in of_kind[_MOOD] if name in MOODS)
    themes = [name for name in of_kind[_MOOD] if name not in MOODS]
    others = [*themes, *of_kind[_GENRE][1:], *of_kind[_INSTRUMENT]]
    return {
        "id": song,
        "title": f"Jamendo {song}",
        "artist": _numbered(artist),
        "album": _numbered(album),
        "genre": next(iter(of_kind[_GENRE]), ""),
        "year": 0,
        "moods": moods,
        "others": tuple(others),
    }


def _numbered(identifier: str) -> str:
    """Write artist_000087 as artist 87; blank where there is no number."""
    kind, _, number = identifier.partition("_")
    return f"{kind} {int(number)}" if kind.isalpha() and number.isdecimal() else ""


def read_names(path: Path) -> pd.DataFrame:
    """Read the names of tracks; malformed rows are left out, and their songs keep numbers.

    Returns
    -------
    DataFrame
        Columns title, artist, album, year (0 for unknown), indexed by Jamendo's number.

    Raises
    ------
    CorruptData
        If the file is not UTF-8 or lacks a column.
    """
    rows = {}
    for _, cells in _rows(path, NAME_COLUMNS):
        found = _TRACK.fullmatch(cells[0].strip())
        if found and len(cells) == len(NAME_COLUMNS) and cells[3].strip():
            year = re.match(r"(?:19|20)\d{2}(?=-)", cells[6].strip())
            names = [" ".join(normalise_text(html.unescape(cell)).split()) for cell in cells[3:6]]
            rows.setdefault(int(found[1]), (*names, int(year[0]) if year else 0))
    return pd.DataFrame.from_dict(
        rows, orient="index", columns=["title", "artist", "album", "year"]
    )
