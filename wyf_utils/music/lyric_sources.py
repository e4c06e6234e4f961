"""Lyric providers: the user's own files, and LRCLIB (https://lrclib.net).

`lyric_table.collect` queries a provider song by song. Answers of LRCLIB are cached under
`data/cache/lyrics/`, from where an interrupted run continues.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Hashable
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from wyf_utils import __version__

from ..core import artifacts, files
from ..core.errors import BadInput, CorruptData, MissingData, Unreachable, WyfError
from ..core.paths import cache_folder, relative
from ..data import tables
from ..data.cleaning import SECTION, group_key, normalise_text, unescape_names
from .encodings import as_korean, decode

#: Contact page in the User-Agent, which LRCLIB requests of its clients.
PAGE = "https://github.com/What-s-Your-Feeling/main_project"
STATES = ("found", "missing", "instrumental", "failed", "unasked")

#: Length limit of a lyric: characters of a tag, bytes of a file.
LONGEST = 100_000

_TIME = r"\s*\d{1,3}:\d{2}(?::\d{2})?(?:[.:,]\d{1,3})?\s*"
_TAG = (  # of any name in small letters, or a usual one
    rf"(?!(?i:{SECTION}))[a-z][a-z\d_-]*|#"
    r"|(?i:ar|al|ti|au|lr|by|re|ver?|la|id|tool|offset|length|total|language|encoding)"
)
_LRC = re.compile(rf"\[{_TIME}\]|<{_TIME}>|^[ \t]*\[(?:{_TAG})[ \t]*:.*\][ \t]*$", re.M)


@dataclass(frozen=True)
class Song:
    """Query for a lyric; `duration` in seconds, 0 where it is unknown."""

    id: Hashable
    title: str
    artist: str
    album: str = ""
    duration: int = 0


class Answer(NamedTuple):
    """One of `STATES`, with the lyric if found, else the reason if there is one."""

    state: str
    lyric: str = ""
    reason: str = ""


class Provider(Protocol):
    """Source of lyrics."""

    def key(self, song: Song) -> Hashable:
        """Return a key that is equal for songs with the same answer."""

    def ask(self, song: Song) -> Answer:
        """Look up a song; BadInput if the query is incomplete, another WyfError on failure."""


def strip_timestamps(text: str) -> str:
    """Strip LRC time stamps and tags from a lyric, and collapse spaces and blank lines.

    Section headings stay.
    """
    text = _LRC.sub("", "\n".join(text.splitlines()))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return normalise_text(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)))


def read_text(path: Path) -> str:
    """Read the lyric of a .txt or .lrc file without time stamps.

    Raises
    ------
    CorruptData
        If it is not Korean text by `decode`, is longer than `LONGEST`, or cannot be read.
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
    text = decode(data)
    if text is None:
        raise CorruptData(f"{name} is not Korean text in UTF-8 or cp949; save it as UTF-8.")
    return strip_timestamps(as_korean(text))


def _check_names(song: Song) -> None:
    if not (song.title and song.artist):
        raise BadInput(f"its {'artist' if song.title else 'title'} is blank; fill it in")


def _fold(name: str) -> str:
    """Reduce a name to letters and digits: file names cannot hold every other character."""
    return group_key(name) or normalise_text(name).casefold()


class LocalLyrics:
    """Lyrics in files of the user.

    Parameters
    ----------
    source
        Folder with `<artist> - <title>.txt`, the same as .lrc, or `<id>.txt`, in subfolders too.
        A .txt takes precedence over an .lrc of the same name. Or a .csv, .tsv or .xlsx table with
        the columns title, artist, lyric, where a line break may be a backslash and n.

    Raises
    ------
    MissingData
        If there is no such folder or table, or the folder has no such file.
    CorruptData
        If the table cannot be read. An unreadable file of a folder raises only in `ask`.
    """

    def __init__(self, source: str | Path) -> None:
        source = Path(source)
        #: Files or lyrics by song id (text) or by folded (artist, title).
        self._places: dict[Hashable, list[Path | str]] = {}
        if source.is_file():
            table = tables.read_table(source, ["title", "artist", "lyric"])
            for title, artist, lyric in table.itertuples(index=False):
                self._add(
                    (_fold(artist), _fold(title)), strip_timestamps(lyric.replace("\\n", "\n"))
                )
        elif source.is_dir():
            self._add_folder(source)
        else:
            remedy = "name a folder of .txt and .lrc files, or a table with title, artist, lyric"
            raise MissingData(f"{relative(source)} is missing; {remedy}.")

    def _add_folder(self, folder: Path) -> None:
        visible = (path for path in folder.rglob("*") if not path.name.startswith("."))
        paths = [p for p in visible if p.suffix.lower() in (".txt", ".lrc") and p.is_file()]
        if not paths:
            remedy = "put them there as `artist - title.txt`"
            raise MissingData(f"{relative(folder)} has no .txt or .lrc file; {remedy}.")
        paths.sort(key=lambda path: (path.suffix.lower(), path))  # .txt last, to replace the .lrc
        for path in {path.with_suffix(""): path for path in paths}.values():
            self._add(normalise_text(path.stem), path)
            parts = path.stem.split(" - ")
            for cut in range(1, len(parts)):  # both names may contain a dash
                artist, title = " - ".join(parts[:cut]), " - ".join(parts[cut:])
                self._add((_fold(artist), _fold(title)), path)

    def _add(self, key: Hashable, place: Path | str) -> None:
        places = self._places.setdefault(key, [])
        if place not in places:
            places.append(place)

    def key(self, song: Song) -> Hashable:
        """Return the song, whose id and names both count."""
        return song

    def ask(self, song: Song) -> Answer:
        """Look up a lyric by the song's id, else by its names.

        Raises
        ------
        BadInput
            If title or artist is blank.
        CorruptData
            If `read_text` refuses the file, or several lyrics fit the song.
        """
        places = self._places.get(str(song.id))
        if not places:
            _check_names(song)
            places = self._places.get((_fold(song.artist), _fold(song.title)))
        if not places:
            return Answer("missing")
        lyrics = {place if isinstance(place, str) else read_text(place) for place in places}
        lyrics -= {""}
        if len(lyrics) > 1:
            names = ", ".join(relative(place) for place in places if isinstance(place, Path))
            names = names or f"{len(lyrics)} rows of the table"
            raise CorruptData(f"Several lyrics claim this song ({names}); leave one.")
        if not lyrics:
            return Answer("missing", reason="its lyric is blank")
        return Answer("found", lyrics.pop())


@dataclass(eq=False)
class Lrclib:
    """Lyrics of the public LRCLIB: one request at a time, with a pause after each.

    Timeouts, broken connections, 429, 5xx and broken JSON are retried with exponential backoff.
    `urllib3.util.Retry` cannot do it: it sees neither a truncated body nor broken JSON, and its
    pause does not extend to the next song.

    Parameters
    ----------
    base
        Address of the server.
    seconds
        Shortest pause between two requests.
    timeout
        Seconds to wait for the server.
    tries
        Most requests for one song. A failed song is not cached.
    backoff
        Seconds before the second try, doubled before each further one, unless the server's
        `Retry-After` is longer.
    patience
        Longest `Retry-After` to wait for, in seconds. A longer one ends all requests.
    give_up
        Number of failed songs in a row that ends all requests.
    by_album
        Whether to send the album. LRCLIB then requires its exact name.

    Raises
    ------
    BadInput
        If `base` is no address or `tries` is below 1.
    """

    base: str = "https://lrclib.net"
    _: KW_ONLY
    seconds: float = 0.5
    timeout: float = 15
    tries: int = 4
    backoff: float = 1
    patience: float = 120
    give_up: int = 10
    by_album: bool = False

    def __post_init__(self) -> None:
        if not self.base.startswith(("http://", "https://")):
            raise BadInput(f"'{self.base}' is no address of a server; it begins with https://.")
        if self.tries < 1:
            raise BadInput(f"{self.tries} tries ask nothing; choose 1 or more.")
        self.base = self.base.rstrip("/")
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"WYF v{__version__} ({PAGE})"
        self._next = 0.0  # earliest monotonic time of the next request
        self._failed = 0  # failed songs in a row
        self._closed = ""  # reason why no further request is sent

    def _parameters(self, song: Song) -> dict[str, str]:
        parameters = {"track_name": song.title, "artist_name": song.artist}
        if self.by_album and song.album:
            parameters["album_name"] = song.album
        if 1 <= song.duration <= 3600:  # LRCLIB refuses others
            parameters["duration"] = str(song.duration)
        return parameters

    def key(self, song: Song) -> Hashable:
        """Return the request's parameters in lower case: LRCLIB ignores case."""
        return tuple((name, value.casefold()) for name, value in self._parameters(song).items())

    def ask(self, song: Song) -> Answer:
        """Look up a song in the cache, else on the server.

        Raises
        ------
        BadInput
            If title or artist is blank.
        Unreachable
            If the server gave no documented answer.
        """
        _check_names(song)
        key = artifacts.fingerprint(self.base, self.key(song))[:32]
        path = cache_folder() / "lyrics" / f"{key}.json"
        if answer := _cached_answer(path):
            return answer
        if self._closed:
            raise Unreachable(self._closed)
        try:
            content, answer = self._fetch(self._parameters(song))
        except Unreachable as error:
            self._failed += 1
            if self._failed >= self.give_up and not self._closed:
                self._closed = (
                    f"{self.base} failed for {self._failed} songs in a row and was not asked; "
                    f"run it again later. Last: {error}"
                )
            raise
        self._failed = 0
        with contextlib.suppress(WyfError), files.replacing_file(path) as work:
            work.write_text(json.dumps(content), encoding="utf-8")  # else the next run asks again
        return answer

    def _fetch(self, parameters: dict[str, str]) -> tuple[object, Answer]:
        """Request a song until the server gives a documented answer; return it raw and parsed."""
        url = f"{self.base}/api/get"
        for attempt in range(self.tries):
            time.sleep(max(0.0, self._next - time.monotonic()))
            pause = self.backoff * 2**attempt
            try:
                response = self._session.get(url, params=parameters, timeout=self.timeout)
                status = response.status_code
                problem = f"HTTP {status}"
                if status in (200, 404):
                    content = response.json()
                    if answer := _parse(content):
                        pause = 0
                        return content, answer
                    problem += ", but not as LRCLIB answers"
                elif 400 <= status < 500 and status != 429:
                    what, remedy = "the request", "try again later"
                    if status in (400, 422):
                        what, remedy = "this song", "check its names"
                    raise Unreachable(f"{self.base} refused {what} ({problem}); {remedy}.")
                pause = max(pause, self._retry_after(response))
            except (requests.RequestException, ValueError, RecursionError) as error:
                problem = type(error).__name__  # broken JSON is a ValueError
            finally:
                self._next = time.monotonic() + max(pause, self.seconds)
        outcome = f"{self.base} gave no answer in {self.tries} tries ({problem})"
        raise Unreachable(f"{outcome}; run it again later.")

    def _retry_after(self, response: requests.Response) -> float:
        """Parse the server's Retry-After, in seconds; 0 without one."""
        try:
            seconds = Retry().get_retry_after(response.raw) or 0
        except InvalidHeader:
            return 0
        if seconds > self.patience:
            request = f"{self.base} asks for a pause of {seconds:.0f} s"
            self._closed = f"{request}; run it again after that."
            raise Unreachable(self._closed)
        return seconds


def _parse(content: object) -> Answer | None:
    """Parse a documented answer of LRCLIB; other content gives None."""
    if not isinstance(content, dict):
        return None
    if not isinstance(content.get("instrumental"), bool):
        return Answer("missing") if content.get("name") == "TrackNotFound" else None
    if content["instrumental"]:
        return Answer("instrumental")
    lyric = content.get("plainLyrics") or content.get("syncedLyrics") or ""
    if "plainLyrics" not in content or not isinstance(lyric, str):
        return None
    if lyric := strip_timestamps(unescape_names(lyric)):
        return Answer("found", lyric)
    return Answer("missing", reason="LRCLIB knows the song without a lyric")


def _cached_answer(path: Path) -> Answer | None:
    """Read a cached answer; None if it is absent, broken or older than a forced refresh."""
    with contextlib.suppress(OSError, ValueError):
        if not artifacts.is_stale(path.stat().st_mtime):
            return _parse(json.loads(path.read_text(encoding="utf-8")))
    return None
