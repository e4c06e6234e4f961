"""Lyrics for a catalogue of one's own: from files that the user has, or from LRCLIB (https://lrclib.net).

`collect` asks a provider song by song. A song that fails is counted with its reason and costs no other song anything;
what LRCLIB has answered is kept under `data/cache/lyrics/`, so that a broken run goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from wyf_utils import __version__

from ..core import artifacts, files
from ..core.errors import BadInput, CorruptData, MissingData, Unreachable
from ..core.paths import cache_folder, relative
from ..data import tables
from ..data.cleaning import group_key, normalise_text

#: Page that stands in the User-Agent, as LRCLIB asks of its users.
PAGE = "https://github.com/What-s-Your-Feeling/main_project"
STATES = ("found", "missing", "instrumental", "failed", "unasked")

_TIME = r"\d{1,3}:\d{2}(?:[.:]\d{1,3})?"
_LRC = re.compile(
    rf"^[ \t]*(?:\[{_TIME}\][ \t]*)+|<{_TIME}>|^[ \t]*\[(?:ar|al|ti|au|lr|by|re|ve|la|id|tool|offset|length|#):.*\][ \t]*$",
    re.I | re.M,
)


@dataclass(frozen=True)
class Song:
    """What a provider may be asked by; `duration` in seconds, 0 where it is not known."""

    id: Hashable
    title: str
    artist: str
    album: str = ""
    duration: int = 0


class Answer(NamedTuple):
    """One of `STATES`, with the lyric of a song that was found or the reason why there is none."""

    state: str
    lyric: str = ""
    reason: str = ""


class Provider(Protocol):
    """Where lyrics come from."""

    def key(self, song: Song) -> Hashable:
        """What the answer depends on: songs with the same key are asked for once."""

    def ask(self, song: Song) -> Answer:
        """Answer for a song; BadInput where it cannot be asked for, another WyfError where asking fails."""


def plain(text: str) -> str:
    """Lyric without LRC time stamps and tags, one blank line at most between stanzas; section headings stay."""
    text = _LRC.sub("", "\n".join(text.splitlines()))
    return normalise_text(
        re.sub(r"\n{3,}", "\n\n", "\n".join(" ".join(line.split()) for line in text.split("\n")))
    )


def _check_names(song: Song) -> None:
    if not (song.title and song.artist):
        raise BadInput(f"its {'artist' if song.title else 'title'} is blank; fill it in")


# Files ----------------------------------------------------------------------------------------------


def _fold(name: str) -> str:
    """Form under which names are compared: letters and digits only, so that what a file name cannot hold does not matter."""
    return group_key(name) or normalise_text(name).casefold()


class LocalLyrics:
    """Lyrics that the user has.

    Parameters
    ----------
    source
        Folder with `<artist> - <title>.txt`, the same as .lrc, or `<id>.txt`, in subfolders too; of a .txt and an .lrc of one name the .txt is read.
        Or a .csv, .tsv or .xlsx table with the columns title, artist, lyric (line breaks as they are, or as a literal backslash and n).

    Raises
    ------
    MissingData
        If there is no such folder or table, or the folder has no such file.
    CorruptData
        If the table cannot be read. A single file that cannot is an error only once its song is asked for.
    """

    def __init__(self, source: str | Path) -> None:
        source = Path(source)
        #: Names of a song, or its id, to the files or lyrics that claim it.
        self._places: dict[Hashable, list[Path | str]] = {}
        if source.is_file():
            table = tables.read_table(source, ["title", "artist", "lyric"])
            for title, artist, lyric in table.itertuples(index=False):
                self._add((_fold(artist), _fold(title)), plain(lyric.replace("\\n", "\n")))
            return
        if not source.is_dir():
            raise MissingData(
                f"{relative(source)} is missing; name a folder of .txt and .lrc files, or a table with title, artist, lyric."
            )
        files = [
            p
            for p in source.rglob("*")
            if p.suffix.lower() in (".txt", ".lrc") and not p.name.startswith(".") and p.is_file()
        ]
        if not files:
            raise MissingData(
                f"{relative(source)} has no .txt or .lrc file; put them there as `artist - title.txt`."
            )
        for path in {
            p.with_suffix(""): p for p in sorted(files, key=lambda p: (p.suffix.lower(), p))
        }.values():  # .txt comes last and stays
            self._add(normalise_text(path.stem), path)
            parts = path.stem.split(" - ")
            for cut in range(1, len(parts)):  # both names may hold a dash themselves
                self._add((_fold(" - ".join(parts[:cut])), _fold(" - ".join(parts[cut:]))), path)

    def _add(self, key: Hashable, place: Path | str) -> None:
        places = self._places.setdefault(key, [])
        if place not in places:
            places.append(place)

    def key(self, song: Song) -> Hashable:
        """The song itself: reading a file twice costs nothing."""
        return song

    def ask(self, song: Song) -> Answer:
        """Lyric under the song's id, else under its names.

        Raises
        ------
        BadInput
            If title or artist is blank.
        CorruptData
            If the file is not UTF-8 or cannot be read, or if several claim the song.
        """
        places = self._places.get(str(song.id))
        if not places:
            _check_names(song)
            places = self._places.get((_fold(song.artist), _fold(song.title)))
        if not places:
            return Answer("missing")
        texts = {
            text
            for place in places
            if (text := place if isinstance(place, str) else self._read(place))
        }
        if len(texts) > 1:
            names = (
                ", ".join(relative(p) for p in places if isinstance(p, Path))
                or f"{len(texts)} rows of the table"
            )
            raise CorruptData(f"Several lyrics claim this song ({names}); leave one.")
        return (
            Answer("found", texts.pop())
            if texts
            else Answer("missing", reason="its lyric is blank")
        )

    @staticmethod
    def _read(path: Path) -> str:
        try:
            return plain(path.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError as error:
            raise CorruptData(
                f"{relative(path)} is not UTF-8 (perhaps cp949); save it as UTF-8."
            ) from error
        except OSError as error:
            raise CorruptData(
                f"{relative(path)} cannot be read ({type(error).__name__}); check the file."
            ) from error


# LRCLIB ---------------------------------------------------------------------------------------------


def _understood(answer: object) -> Answer | None:
    """A documented answer of LRCLIB; anything else is None."""
    if not isinstance(answer, dict):
        return None
    if not isinstance(answer.get("instrumental"), bool):
        return Answer("missing") if answer.get("name") == "TrackNotFound" else None
    if answer["instrumental"]:
        return Answer("instrumental")
    text = answer.get("plainLyrics") or answer.get("syncedLyrics") or ""
    if not ("plainLyrics" in answer and isinstance(text, str)):
        return None
    return (
        Answer("found", plain(text))
        if plain(text)
        else Answer("missing", reason="LRCLIB knows the song without a lyric")
    )


class Lrclib:
    """Lyrics of the public LRCLIB, asked politely: one request at a time, with a pause after each.

    Timeouts, broken connections, 429, 5xx and broken JSON are asked again after an exponential pause. The loop is our own, because urllib3's `Retry`
    sees neither a body that breaks off nor broken JSON, and asks for the second time without any pause.

    Parameters
    ----------
    base
        Address of the server.
    seconds
        Pause between two requests at least.
    timeout
        Seconds to wait for the server.
    tries
        Requests for one song at most; then it has failed, is not cached, and is asked for again in the next run.
    backoff
        Seconds before the second try, doubled before each further one. A longer `Retry-After` goes first.
    patience
        Longest `Retry-After` that is waited for, in seconds. A server that wants more is not asked again by this object.
    give_up
        After this many failed songs in a row the server is taken for down and not asked again by this object.
    by_album
        Whether the album is sent too. LRCLIB then compares its name exactly, which hides songs known from another release.
    """

    def __init__(
        self,
        base: str = "https://lrclib.net",
        *,
        seconds: float = 0.5,
        timeout: float = 15,
        tries: int = 4,
        backoff: float = 1,
        patience: float = 120,
        give_up: int = 10,
        by_album: bool = False,
    ) -> None:
        if not base.startswith(("http://", "https://")):
            raise BadInput(f"'{base}' is no address of a server; it begins with https://.")
        if tries < 1:
            raise BadInput(f"{tries} tries ask nothing; choose 1 or more.")
        self.base, self.seconds, self.timeout, self.tries = (
            base.rstrip("/"),
            seconds,
            timeout,
            tries,
        )
        self.backoff, self.patience, self.give_up, self.by_album = (
            backoff,
            patience,
            give_up,
            by_album,
        )
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"WYF v{__version__} ({PAGE})"
        self._next, self._failed, self._closed = 0.0, 0, ""

    def _parameters(self, song: Song) -> dict[str, str]:
        parameters = {"track_name": song.title, "artist_name": song.artist}
        if self.by_album and song.album:
            parameters["album_name"] = song.album
        if 1 <= song.duration <= 3600:  # LRCLIB refuses others
            parameters["duration"] = str(song.duration)
        return parameters

    def key(self, song: Song) -> Hashable:
        """What is sent, in lower case: LRCLIB does not tell cases apart."""
        return tuple((name, value.casefold()) for name, value in self._parameters(song).items())

    def ask(self, song: Song) -> Answer:
        """Answer from the cache, else from the server.

        Raises
        ------
        BadInput
            If title or artist is blank.
        Unreachable
            If the server gave no documented answer.
        """
        _check_names(song)
        path = (
            cache_folder()
            / "lyrics"
            / f"{artifacts.fingerprint(self.base, self.key(song))[:32]}.json"
        )
        with contextlib.suppress(
            OSError, ValueError
        ):  # what is not there, or not whole, is asked for
            if path.stat().st_mtime >= artifacts._fresh_since() and (
                known := _understood(json.loads(path.read_text(encoding="utf-8")))
            ):
                return known
        if self._closed:
            raise Unreachable(self._closed)
        try:
            content, answer = self._fetch(self._parameters(song))
        except Unreachable as error:
            self._failed += 1
            if self._failed >= self.give_up:
                self._closed = (
                    self._closed
                    or f"{self.base} failed for {self._failed} songs in a row and was not asked; run it again later. Last: {error}"
                )
            raise
        self._failed = 0
        with files.replacing_file(path) as work:
            work.write_text(json.dumps(content), encoding="utf-8")
        return answer

    def _fetch(self, parameters: dict[str, str]) -> tuple[object, Answer]:
        """Documented answer of the server, as it came and as understood."""
        for attempt in range(self.tries):
            time.sleep(max(0.0, self._next - time.monotonic()))
            pause = self.backoff * 2**attempt
            try:
                response = self._session.get(
                    f"{self.base}/api/get", params=parameters, timeout=self.timeout
                )
                content = response.json() if response.status_code in (200, 404) else None
                if answer := _understood(content):
                    pause = 0
                    return content, answer
                problem = f"HTTP {response.status_code}" + (
                    ", but not as LRCLIB answers" if response.status_code in (200, 404) else ""
                )
                if 400 <= response.status_code < 500 and response.status_code not in (404, 429):
                    raise Unreachable(
                        f"{self.base} refuses this song ({problem}); check its names."
                    )
                pause = max(pause, self._wanted_pause(response))
            except (
                requests.RequestException,
                ValueError,
                RecursionError,
            ) as error:  # broken JSON is a ValueError
                problem = type(error).__name__
            finally:
                self._next = time.monotonic() + max(pause, self.seconds)
        raise Unreachable(
            f"{self.base} gave no answer in {self.tries} tries ({problem}); run it again later."
        )

    def _wanted_pause(self, response: requests.Response) -> float:
        """Seconds that the server's Retry-After asks for, 0 without one."""
        try:
            wanted = Retry().get_retry_after(response.raw) or 0
        except InvalidHeader:
            return 0
        if wanted > self.patience:
            self._closed = (
                f"{self.base} asks for a pause of {wanted:.0f} s; run it again after that."
            )
            raise Unreachable(self._closed)
        return wanted


# Catalogue ------------------------------------------------------------------------------------------
