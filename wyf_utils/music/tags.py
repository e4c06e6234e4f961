"""What a person's music file says of itself: names and lyric from its tags, its file name, and the text beside it."""

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

#: Longest text that is taken for a lyric: characters of a tag, bytes of a file.
LONGEST = 100_000

#: Where each field stands in ID3v2 frames (ID3v1 is read as such), in Vorbis comments, and in MP4 atoms.
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
    """Names of a song and what else its file tells; blank (0 for numbers) where it does not.

    Attributes
    ----------
    year : int
        Of the release.
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
    """Tags of a sound file: ID3v2, ID3v1, Vorbis comments or MP4 atoms. A file without them, or a broken one, has blank tags."""
    found = _open(path)
    if found is None:
        return Tags()
    values = {field: _values(found.tags, keys) for field, keys in FIELDS.items()}
    names = {
        field: normalise_text(", ".join(values[field]))
        for field in ("title", "artist", "album", "genre")
    }
    year = re.search(r"(?<!\d)(?:19|20)\d{2}", " ".join(values["date"]))
    lyric = next((text for text in map(plain, values["lyric"]) if text), "")
    seconds = getattr(found.info, "length", 0) or 0
    return Tags(
        **names,
        year=int(year[0]) if year else 0,
        duration=round(seconds),
        lyric=lyric if len(lyric) <= LONGEST else "",
    )


def _open(path: Path) -> mutagen.FileType | None:
    """File as mutagen knows it by name and content, else by content alone (its name may be wrong), else its ID3 tag alone (its sound may be broken)."""
    for reader in (mutagen.File, _by_content, ID3FileType):
        with contextlib.suppress(
            Exception
        ):  # whatever a parser makes of a broken file, it costs this file's tags only
            if (found := reader(path)) is not None:
                return found
    return None


def _by_content(path: Path) -> mutagen.FileType | None:
    with open(os.open(path, os.O_RDONLY), "rb") as file:  # noqa: PTH123, a file without a name, by which mutagen would judge it
        return mutagen.File(file)


def _values(tags, keys: tuple[tuple[str, ...], ...]) -> list[str]:
    """All values of a field."""
    if tags is None:
        return []
    frames, comments, atoms = keys
    if isinstance(tags, ID3):
        return [
            text for key in frames for frame in tags.getall(key) for text in _frame_texts(frame)
        ]
    return [
        str(text)
        for key in (atoms if isinstance(tags, MP4Tags) else comments)
        for text in tags.get(key, ())
    ]


def _frame_texts(frame: Frame) -> list[str]:
    texts = frame.genres if frame.FrameID == "TCON" else frame.text
    texts = [texts] if isinstance(texts, str) else [str(text) for text in texts]
    return [as_korean(text) for text in texts] if frame.encoding == Encoding.LATIN1 else texts


def as_korean(text: str) -> str:
    """Text of a tag that is said to be Latin-1, but whose bytes are cp949, as Korean programs have long written them.

    It stays as it is unless its bytes are valid cp949, give Hangul, and stand in pairs: `Åsa` would be valid by itself.
    """
    try:
        data = text.encode("latin-1")
    except UnicodeEncodeError:
        return text
    for data_or_cut in (data, data[:-1]):  # ID3v1 cuts at 30 bytes, perhaps within a character
        with contextlib.suppress(UnicodeDecodeError):
            korean = data_or_cut.decode("cp949")
            return korean if _WIDE.search(data) and _HANGUL.search(korean) else text
    return text


def from_name(stem: str) -> tuple[str, str]:
    """Artist and title in a file name without its ending: `Artist - Title`, perhaps after a track number, else the title alone."""
    stem = _TRACK_NUMBER.sub("", normalise_text(stem.replace("_", " ")))
    artist, dash, title = stem.partition(" - ")
    return (
        (artist.strip(), title.strip()) if dash and artist.strip() and title.strip() else ("", stem)
    )


def named(tags: Tags, stem: str) -> Tags:
    """Tags whose blank title, and then a blank artist too, are taken from the file name."""
    if tags.title:
        return tags
    artist, title = from_name(stem)
    return replace(tags, title=title, artist=tags.artist or artist)


def same_stem(name: str) -> str:
    """Form under which a text lies beside a sound file of the same name: without its ending, composed, in lower case."""
    return unicodedata.normalize("NFC", Path(name).stem).casefold()


def read_text(path: Path) -> str:
    """Lyric in a .txt or .lrc file, UTF-8, UTF-16 with its mark, or cp949, without time stamps.

    Raises
    ------
    CorruptData
        If it is none of these, longer than `LONGEST`, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except OSError as error:
        raise CorruptData(
            f"{relative(path)} cannot be read ({type(error).__name__}); check the file."
        ) from error
    if len(data) > LONGEST:
        raise CorruptData(
            f"{relative(path)} is too long for a lyric; shorten it to {LONGEST:,} bytes."
        )
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp949"):
        with contextlib.suppress(UnicodeDecodeError):
            return plain(data.decode(encoding))
    raise CorruptData(f"{relative(path)} is neither UTF-8 nor cp949; save it as UTF-8.")
