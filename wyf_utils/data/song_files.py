"""Song catalogues, lyrics and what is known of them."""

from __future__ import annotations

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
from .registry import REGISTRY, _check
from .splits import split
from .tables import emotion_ids, find, number_column, read_table


def _unique(ids: pd.Series, place: str, remedy: str, first: int = 0) -> None:
    """Refuse an id that stands twice; `place` is the file and what it calls its rows, counted from `first`."""
    for row in np.flatnonzero(ids.duplicated()):
        raise CorruptData(
            f"{place} {row + first}: the {ids.name} {ids[row]} stands twice; {remedy}."
        )


def read_json(path: Path, hook: Callable[[dict], object] | None = None):
    """Content of a JSON file, each object in it turned into what `hook` makes of it.

    Raises
    ------
    MissingData, CorruptData
        If the file is not there, breaks off, or is not UTF-8.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return json.loads(text, object_hook=hook)
    except FileNotFoundError as error:
        raise MissingData(
            f"{relative(path)} is missing; restore it, or put it there as data/README.md describes."
        ) from error
    except UnicodeDecodeError as error:
        raise CorruptData(f"{relative(path)} is not UTF-8; save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise CorruptData(
            f"{relative(path)} breaks off or is malformed at line {error.lineno}; get the whole file again."
        ) from error


_SONG_FIELDS = (
    "id",
    "song_name",
    "artist_name_basket",
    "album_name",
    "song_gn_gnr_basket",
    "issue_date",
)


def parse_song(record: dict) -> tuple | dict:
    """Columns id, title, artist, album, genres, year of one record, taken while the file is parsed to spare memory; a malformed record stays as it is."""
    try:
        number, title, artists, album, genres, date = (record[field] for field in _SONG_FIELDS)
        if not (
            isinstance(number, int)
            and isinstance(artists, list | None)
            and isinstance(genres, list | None)
        ):
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
    """What keeps a record of song_meta.json from being read, and the remedy."""
    if not isinstance(record, dict):
        return "is no song; get the whole file again"
    if lacking := [field for field in _SONG_FIELDS if field not in record]:
        return f"lacks {', '.join(lacking)}; add it"
    return "the id must be a whole number, artist_name_basket and song_gn_gnr_basket lists of texts; correct it"


def check_songs(songs: object, genre_names: object, path: Path) -> None:
    """Refuse what is no list of rows as `song_row` gives them, or no object of genres; the message names the record of song_meta.json."""
    if not (isinstance(songs, list) and songs and isinstance(genre_names, dict)):
        raise CorruptData(
            f"{relative(path)} must be a list of songs, and genre_gn_all.json one object; get the whole files again."
        )
    for number, song in enumerate(songs):
        if not isinstance(song, tuple):
            raise CorruptData(f"{relative(path)}, record {number}: {_fault(song)}.")


def read_catalogue(root: Path) -> pd.DataFrame:
    """Songs with metadata and lyrics as they stand in a profile's files, before cleaning.

    Parameters
    ----------
    root
        Folder with song_meta.json, genre_gn_all.json and lyrics.tsv.

    Returns
    -------
    DataFrame
        Columns id, title, artist, album, genres, genre, year, lyric; one row a song, lyric blank where none is known.
    """
    path, lyrics_path = find(root, "song_meta", (".json",)), find(root, "lyrics", (".tsv",))
    songs, genre_names = (
        read_json(path, parse_song),
        read_json(find(root, "genre_gn_all", (".json",))),
    )
    check_songs(songs, genre_names, path)
    table = pd.DataFrame(songs, columns=["id", "title", "artist", "album", "genres", "year"])
    table.insert(
        5,
        "genre",
        [genre_names.get(codes[0], codes[0]) if codes else "" for codes in table["genres"]],
    )
    lyrics = read_table(lyrics_path, ["song_id", "lyric"])
    lyrics["song_id"] = number_column(lyrics["song_id"], lyrics_path, whole=True)
    _unique(table["id"], f"{relative(path)}, record", "give each song its own")
    _unique(lyrics["song_id"], f"{relative(lyrics_path)}, row", "keep one of its lyrics", first=2)
    lyric = lyrics.set_index("song_id")["lyric"].str.replace("\\n", "\n")
    return table.assign(lyric=table["id"].map(lyric).fillna(""))


def songs(profile: str, count_tokens) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Song catalogue with lyrics, cleaned by the rules of 2022.

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
        What each rule did.
    """
    if profile == "open":
        raise BadInput(
            "The open profile has no lyrics; use `song_vectors`, or the sample or wyf profile."
        )
    return apply_rules(
        read_catalogue(profile_folder(profile)), song_rules(count_tokens), show="title"
    )


def lyric_intent(profile: str) -> pd.DataFrame:
    """Emotion that the author of each sample lyric had in mind.

    It composes the sample's sound and serves evaluation. No model learns from it but those of notebook 04 that say so.

    Returns
    -------
    DataFrame
        Columns id, first (emotion id), second (emotion id or -1).
    """
    path = find(profile_folder(profile), "lyric_intent", (".csv",))
    table = read_table(path, ["id", "first", "second"])
    ids = {**{e.ko: e.id for e in emotions.EMOTIONS}, "": -1}
    meant = [
        emotion_ids(names, ids, path, row)
        for row, names in enumerate(zip(table["first"], table["second"], strict=True), start=2)
    ]
    return pd.DataFrame(meant, columns=["first", "second"]).assign(
        id=number_column(table["id"], path, whole=True)
    )[["id", "first", "second"]]


def _written_lyrics() -> pd.Series:
    """Lyrics of the sample as they stand in lyrics.tsv, by song id."""
    path = find(profile_folder("sample"), "lyrics", (".tsv",))
    table = read_table(path, ["song_id", "lyric"])
    return table.set_index(number_column(table["song_id"], path, whole=True))["lyric"]


def lyric_readings() -> pd.DataFrame:
    """First and second emotion that two blind readers hear in each lyric of the sample, and who wrote it: see `readings.read_lyrics`."""
    return readings.read_lyrics(profile_folder("sample"), _written_lyrics())


def lyric_lines() -> pd.DataFrame:
    """Couplets of the sample's lyrics, each read alone by two blind readers: see `readings.read_lines`."""
    return readings.read_lines(profile_folder("sample"), _written_lyrics())


def vectors_2022() -> tuple[np.ndarray, np.ndarray]:
    """Song vectors published in 2022: from lyrics and from mel, float64 of shape (42839, 6), rows sum to 1."""
    lyric, mel = (
        np.load(_check(REGISTRY[f"{kind}_vectors_2022"]), allow_pickle=False)
        for kind in ("lyric", "mel")
    )
    return lyric, mel


def published_2022() -> dict:
    """Numbers published in 2022, to be drawn beside ours: `data/reference/published_2022.json`."""
    return read_json(data_folder() / "reference" / "published_2022.json")


def split_songs(
    songs: pd.DataFrame, profile: str, seed: int, *, parts: int, by: str
) -> dict[str, pd.DataFrame]:
    """Train, dev and test songs, in which neither an artist nor, in the sample, the writer of a lyric crosses.

    Lyrics of the sample whose writers were not kept apart are trained on, never scored. Parameters as for `split`.
    """
    if profile != "sample":
        return split(songs, seed, groups=songs["artist"], parts=parts, by=by)
    hands = songs["id"].map(lyric_readings().set_index("id")["writer"]).fillna(songs["artist"])
    old = hands == readings.UNRECORDED
    found = split(songs[~old], seed, groups=hands[~old], parts=parts, by=by)
    return found | {"train": pd.concat([songs[old], found["train"]], ignore_index=True)}
