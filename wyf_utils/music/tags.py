"""Read names and lyric of a music file from its tags, its file name, or the text beside it."""

from __future__ import annotations

import contextlib
import os
import re
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path

import mutagen
from mutagen.id3 import ID3, Encoding, Frame, ID3FileType
from mutagen.mp4 import MP4Tags

from ..core.errors import CorruptData
from ..core.paths import relative
from ..data.cleaning import normalise_text
from .lyric_sources import plain

#: Length limit of a lyric: characters of a tag, bytes of a file.
LONGEST = 100_000

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
_WIDE = re.compile(rb"[\xa1-\xfe]{2}")
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
    lyric = next((text for text in map(plain, values["lyric"]) if text), "")
    return Tags(
        **names,
        year=int(year[0]) if year else 0,
        duration=round(getattr(file.info, "length", 0) or 0),
        lyric=lyric if len(lyric) <= LONGEST else "",
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


def _values(tags, keys: tuple[tuple[str, ...], ...]) -> list[str]:
    """List all values of a field."""
    if tags is None:
        return []
    frames, comments, atoms = keys
    if isinstance(tags, ID3):
        found = [frame for key in frames for frame in tags.getall(key)]
        return [text for frame in found for text in _frame_texts(frame)]
    keys = atoms if isinstance(tags, MP4Tags) else comments
    return [str(text) for key in keys for text in tags.get(key, ())]


def _frame_texts(frame: Frame) -> list[str]:
    texts = frame.genres if frame.FrameID == "TCON" else frame.text
    texts = [texts] if isinstance(texts, str) else [str(text) for text in texts]
    return [as_korean(text) for text in texts] if frame.encoding == Encoding.LATIN1 else texts


def as_korean(text: str) -> str:
    """Decode the cp949 that old Korean programs wrote into tags marked as Latin-1.

    Text stays as it is unless its bytes are valid cp949 with Hangul, and two bytes from 0xA1 to
    0xFE stand in a row. The last condition spares names such as `Åsa`, which are valid cp949.
    """
    try:
        data = text.encode("latin-1")
    except UnicodeEncodeError:
        return text
    for part in (data, data[:-1]):  # ID3v1 cuts at 30 bytes, perhaps within a character
        with contextlib.suppress(UnicodeDecodeError):
            korean = part.decode("cp949")
            return korean if _WIDE.search(data) and _HANGUL.search(korean) else text
    return text


def from_name(stem: str) -> tuple[str, str]:
    """Split a stem `Artist - Title`, perhaps with a track number, or take it all as the title.

    Returns
    -------
    artist, title : str
    """
    stem = _TRACK_NUMBER.sub("", normalise_text(stem.replace("_", " ")))
    artist, _, title = (part.strip() for part in stem.partition(" - "))
    return (artist, title) if artist and title else ("", stem)


def named(tags: Tags, stem: str) -> Tags:
    """Fill a blank title, and then a blank artist too, from the file name."""
    if tags.title:
        return tags
    artist, title = from_name(stem)
    return replace(tags, title=title, artist=tags.artist or artist)


def same_stem(name: str) -> str:
    """Normalise a file name to pair sound with text: NFC stem in lower case."""
    return unicodedata.normalize("NFC", Path(name).stem).casefold()


def read_text(path: Path) -> str:
    """Read the lyric of a .txt or .lrc file without time stamps.

    The encoding is UTF-8, UTF-16 with a byte-order mark, or cp949.

    Raises
    ------
    CorruptData
        If the encoding is another, the file is longer than `LONGEST`, or it cannot be read.
    """
    name = relative(path)
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except OSError as error:
        kind = type(error).__name__
        raise CorruptData(f"{name} cannot be read ({kind}); check the file.") from error
    if len(data) > LONGEST:
        raise CorruptData(f"{name} is too long for a lyric; shorten it to {LONGEST:,} bytes.")
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp949"):
        with contextlib.suppress(UnicodeDecodeError):
            return plain(data.decode(encoding))
    raise CorruptData(f"{name} is neither UTF-8 nor cp949; save it as UTF-8.")
