"""Collect the lyrics of a catalogue from a provider, and write them to lyrics.tsv."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Hashable
from pathlib import Path

import pandas as pd

from ..core import files
from ..core.errors import BadInput, WyfError
from ..core.paths import relative
from ..core.runtime import progress
from ..data import song_meta, tables
from ..data.cleaning import normalise_text, unescape_names
from .lyric_sources import STATES, Answer, Provider, Song

COLUMNS = ("id", "song_id", "song_name", "lyric", "artist", "genre", "album", "album_id", "release")
_DELIMITERS = {".tsv": "\t", ".csv": ","}


def collect(songs: pd.DataFrame, provider: Provider) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Query a provider for the lyric of each song; a failed song does not stop the others.

    Parameters
    ----------
    songs
        Columns id, title, artist, and optionally album and duration (seconds; unknown if it is no
        number).
    provider
        `LocalLyrics`, `Lrclib`, or another.

    Returns
    -------
    lyrics : DataFrame
        Columns id, lyric; the songs that were found.
    counts : DataFrame
        Index `STATES`, columns songs (their number) and which (names and reasons; empty for the
        found).

    Raises
    ------
    BadInput
        If a column is missing.
    """
    if lacking := {"id", "title", "artist"} - set(songs.columns):
        raise BadInput(f"The songs lack the column {', '.join(sorted(lacking))}; add it.")
    answers: dict[Hashable, Answer] = {}
    lyrics, which = [], {state: [] for state in STATES}
    for song in progress(_queries(songs), desc="lyrics"):
        key = provider.key(song)
        if key not in answers:
            answers[key] = _ask(provider, song)
        state, lyric, reason = answers[key]
        name = f"{song.artist or '?'} - {song.title or '?'} ({song.id})"
        which[state].append(f"{name}: {reason}" if reason else name)
        if state == "found":
            lyrics.append((song.id, lyric))
    numbers = [len(names) for names in which.values()]
    names = list((which | {"found": []}).values())
    counts = pd.DataFrame({"songs": numbers, "which": names}, index=list(STATES))
    return pd.DataFrame(lyrics, columns=["id", "lyric"]), counts


def _queries(songs: pd.DataFrame) -> list[Song]:
    """Convert a table of songs to queries with normalised names."""
    fields = {"id": songs["id"].tolist()}
    for column in ("title", "artist", "album"):
        if column in songs:
            names = songs[column].astype(object).where(songs[column].notna(), "")
            fields[column] = [normalise_text(unescape_names(str(name))) for name in names]
    if "duration" in songs:
        seconds = pd.to_numeric(songs["duration"], errors="coerce").clip(0, 1e6).fillna(0)
        fields["duration"] = seconds.round().astype(int).tolist()
    rows = zip(*fields.values(), strict=True)
    return [Song(**dict(zip(fields, row, strict=True))) for row in rows]


def _ask(provider: Provider, song: Song) -> Answer:
    try:
        return provider.ask(song)
    except BadInput as error:
        return Answer("unasked", reason=str(error))
    except WyfError as error:
        return Answer("failed", reason=str(error))


def write_tsv(
    songs: pd.DataFrame, lyrics: pd.DataFrame, path: Path, existing: pd.DataFrame | None = None
) -> None:
    """Write lyrics in the columns of lyrics.tsv, replacing the file in one step.

    Parameters
    ----------
    songs
        Columns id, title, artist, and optionally genre, album, album_id, release.
    lyrics
        Columns id, lyric, as `collect` returns them.
    path
        File to write or replace, .tsv or .csv.
    existing
        Rows of lyrics.tsv to write first, except those of songs in `lyrics`.
    """
    songs = songs.drop(columns="lyric", errors="ignore")
    table = lyrics.merge(songs, on="id", how="left", validate="many_to_one")
    table = table.rename(columns={"id": "song_id", "title": "song_name"})
    table = table.reindex(columns=list(COLUMNS))
    table["lyric"] = ["\\n".join(lyric.splitlines()) for lyric in table["lyric"]]
    if existing is not None:
        replaced = existing["song_id"].isin(table["song_id"].astype(str))
        table = pd.concat([existing[~replaced], table], ignore_index=True)
    table["id"] = range(len(table))
    with files.replacing_file(path) as work:
        table.to_csv(work, sep=_DELIMITERS[path.suffix.lower()], index=False, lineterminator="\n")


def read_songs(folder: Path) -> pd.DataFrame:
    """Load the songs of song_meta.json, which need no lyrics as in `song_files.read_catalogue`.

    Returns
    -------
    DataFrame
        Columns id, title, artist, genre, album, album_id, release. Genres are names where
        genre_gn_all.json has them, else codes.

    Raises
    ------
    MissingData, CorruptData
        If the file is missing or malformed, an id is repeated, a song lacks id, song_name or
        artist_name_basket, or a field has another type.
    """
    path = Path(folder) / "song_meta.json"
    songs = song_meta.read_song_meta(path, ("id", "song_name", "artist_name_basket"))
    genre_path = path.with_name("genre_gn_all.json")
    names = song_meta.read_genres(genre_path) if genre_path.is_file() else {}
    genres = [[names.get(code, code) for code in row.split(",")] for row in songs["genres"]]
    songs = songs.assign(genre=[", ".join(row) for row in genres])
    return songs[["id", "title", "artist", "genre", "album", "album_id", "release"]]


def _read_lyrics(path: Path) -> pd.DataFrame:
    """Read a file of `write_tsv`; columns other than song_id and lyric are blank if absent."""
    required = {"song_id", "lyric"}
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = filter(any, csv.reader(file, delimiter=_DELIMITERS[path.suffix.lower()]))
        names: list[str] = []
        with contextlib.suppress(csv.Error):  # `read_table` names the line
            names = next(rows, list(COLUMNS))
            if required.issubset(names) and next(rows, None) is None:
                return pd.DataFrame(columns=list(COLUMNS))
    columns = [column for column in COLUMNS if column in required.union(names)]
    return tables.read_table(path, columns).reindex(columns=list(COLUMNS), fill_value="")


def fill(folder: Path, provider: Provider, out: Path | None = None) -> tuple[Path, pd.DataFrame]:
    """Collect the missing lyrics of a catalogue, and add them to its lyrics.tsv.

    Parameters
    ----------
    folder
        Folder with song_meta.json.
    provider
        Source of the lyrics.
    out
        File to write, .tsv or .csv, by default lyrics.tsv in the folder. Its lyrics are kept and
        not queried.

    Returns
    -------
    out : Path
        The file; it is not written if no lyric was found.
    counts : DataFrame
        From `collect`, for the queried songs.

    Raises
    ------
    BadInput
        If the file has another ending.
    """
    out = Path(out or Path(folder) / "lyrics.tsv")
    if out.suffix.lower() not in _DELIMITERS:
        raise BadInput(f"{relative(out)} is neither .tsv nor .csv; choose one of these endings.")
    songs = read_songs(folder)
    existing = _read_lyrics(out) if out.is_file() else pd.DataFrame(columns=list(COLUMNS))
    complete = existing.loc[existing["lyric"] != "", "song_id"]
    lyrics, counts = collect(songs[~songs["id"].astype(str).isin(complete)], provider)
    if len(lyrics):
        write_tsv(songs, lyrics, out, existing)
    return out, counts
