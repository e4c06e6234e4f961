"""Read names and lyric of a music file from its tags or its file name."""

from __future__ import annotations

import contextlib
import os
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import mutagen
from mutagen.id3 import ID3, Frame, ID3FileType
from mutagen.mp4 import MP4Tags

from ..data.cleaning import normalise_text
from .encodings import as_korean
from .lyric_sources import LONGEST, strip_timestamps

#: Keys of each field in ID3v2 (mutagen reads ID3v1 as such), in Vorbis comments and in MP4.
FIELDS = {
    "title": (("TIT2",), ("title",), ("©nam",)),
    "artist": (("TPE1",), ("artist",), ("©ART",)),
    "album": (("TALB",), ("album",), ("©alb",)),
    "genre": (("TCON",), ("genre",), ("©gen",)),
    "date": (("TDRC",), ("date", "year"), ("©day",)),
    "lyric": (
        ("USLT", "TXXX:LYRICS", "TXXX:UNSYNCEDLYRICS", "TXXX:UNSYNCED LYRICS"),
        ("lyrics", "unsyncedlyrics", "unsynced lyrics"),
        ("©lyr",),
    ),
}

_HANGUL = re.compile("[가-힣]")
_TRACK_NUMBER = re.compile(r"^\d{1,3}\s*(?:\.|-|\))\s+(?=\S)")


@dataclass(frozen=True)
class Tags:
    """Metadata of a music file; blank (0 for numbers) where it is unknown.

    Attributes
    ----------
    year : int
        Year of release.
    duration : int
        Seconds.
    lyric : str
        Without time stamps.
    """

    title: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""
    year: int = 0
    duration: int = 0
    lyric: str = ""


def read(path: Path) -> Tags:
    """Read ID3v2, ID3v1, Vorbis or MP4 tags; they are blank if absent or broken."""
    file = _open(path)
    if file is None:
        return Tags()
    values = {field: _values(file.tags, keys) for field, keys in FIELDS.items()}
    names = {
        field: normalise_text(", ".join(values[field]))
        for field in ("title", "artist", "album", "genre")
    }
    year = re.search(r"(?<!\d)(?:19|20)\d{2}", " ".join(values["date"]))
    lyrics = [text for text in map(strip_timestamps, values["lyric"]) if len(text) <= LONGEST]
    return Tags(
        **names,
        year=int(year[0]) if year else 0,
        duration=round(getattr(file.info, "length", 0) or 0),
        lyric=max(lyrics, key=lambda text: (count_hangul(text), bool(text)), default=""),
    )


def _open(path: Path) -> mutagen.FileType | None:
    """Open a file by name and content, else by content (its name may be wrong), else as ID3."""
    for reader in (mutagen.File, _by_content, ID3FileType):
        # mutagen raises many kinds of errors on broken files.
        with contextlib.suppress(Exception):
            if (file := reader(path)) is not None:
                return file
    return None


def _by_content(path: Path) -> mutagen.FileType | None:
    with os.fdopen(os.open(path, os.O_RDONLY), "rb") as file:  # has no name for mutagen to judge by
        return mutagen.File(file)


def count_hangul(text: str) -> int:
    """Count the Hangul syllables of a text."""
    return len(_HANGUL.findall(text))


def _values(tags, keys: tuple[tuple[str, ...], ...]) -> list[str]:
    """List all values of a field, wrongly decoded Korean repaired."""
    if tags is None:
        return []
    frames, comments, atoms = keys
    if isinstance(tags, ID3):
        frames = [frame for key in frames for frame in tags.getall(key)]
        texts = [text for frame in frames for text in _frame_texts(frame)]
    else:
        keys = atoms if isinstance(tags, MP4Tags) else comments
        values = (tags.get(key) for key in keys)
        # an APE value may be binary or a link
        texts = [text for value in values if isinstance(value, Iterable) for text in value]
    return [as_korean(str(text)) for text in texts]


def _frame_texts(frame: Frame) -> list[str]:
    texts = frame.genres if frame.FrameID == "TCON" else frame.text
    return [texts] if isinstance(texts, str) else texts


def parse_file_name(stem: str) -> tuple[str, str]:
    """Split a stem `Artist - Title`, perhaps with a track number, or take it all as the title.

    Returns
    -------
    artist, title : str
    """
    stem = _TRACK_NUMBER.sub("", normalise_text(re.sub(r"[_\n]", " ", stem)))
    artist, _, title = (part.strip() for part in stem.partition(" - "))
    return (artist, title) if artist and title else ("", stem)


def fill_from_file_name(tags: Tags, stem: str) -> Tags:
    """Fill a blank title, and then a blank artist too, from the file name."""
    if tags.title:
        return tags
    artist, title = parse_file_name(stem)
    return replace(tags, title=title, artist=tags.artist or artist)


def stem_key(name: str) -> str:
    """Normalise a file name to pair sound with text: NFC stem in lower case."""
    return unicodedata.normalize("NFC", Path(name).stem).casefold()
