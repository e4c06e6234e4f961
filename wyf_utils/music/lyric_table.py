"""The lyrics of a catalogue: asked for song by song, written to lyrics.tsv."""

from __future__ import annotations

import html
from collections.abc import Hashable
from pathlib import Path

import pandas as pd

from ..core import files
from ..core.errors import BadInput, CorruptData, WyfError
from ..core.paths import relative
from ..core.runtime import progress
from ..data import song_files, tables
from ..data.cleaning import normalise_text
from .lyric_sources import STATES, Answer, Provider, Song

COLUMNS = ("id", "song_id", "song_name", "lyric", "artist", "genre", "album", "album_id", "release")


def collect(songs: pd.DataFrame, provider: Provider) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ask a provider for the lyric of every song.

    Parameters
    ----------
    songs
        Columns id, title, artist, and perhaps album and duration in seconds; a duration that is no number counts as unknown.
    provider
        `LocalLyrics`, `Lrclib`, or another.

    Returns
    -------
    lyrics : DataFrame
        Columns id, lyric; the songs that were found.
    counts : DataFrame
        One row for each of `STATES`, which is its index: songs (how many; they add up to all) and which (names and reasons, of all but the found).

    Raises
    ------
    BadInput
        If a column is lacking.
    """
    lacking = {"id", "title", "artist"} - set(songs.columns)
    if lacking:
        raise BadInput(f"The songs lack the column {', '.join(sorted(lacking))}; add it.")
    names = {
        c: [
            normalise_text(html.unescape(str(v)))
            for v in songs[c].astype(object).where(songs[c].notna(), "")
        ]
        for c in ("title", "artist", "album")
        if c in songs
    }
    if "duration" in songs:
        names["duration"] = (
            pd.to_numeric(songs["duration"], errors="coerce")
            .clip(0, 1e6)
            .fillna(0)
            .round()
            .astype(int)
            .tolist()
        )
    known: dict[Hashable, Answer] = {}
    found, which = [], {state: [] for state in STATES}
    for number, identity in enumerate(progress(songs["id"].tolist(), desc="lyrics")):
        song = Song(identity, **{name: values[number] for name, values in names.items()})
        key = provider.key(song)
        if key not in known:
            try:
                known[key] = provider.ask(song)
            except WyfError as error:
                known[key] = Answer(
                    "unasked" if isinstance(error, BadInput) else "failed", reason=str(error)
                )
        answer = known[key]
        found += [(identity, answer.lyric)] if answer.state == "found" else []
        which[answer.state].append(
            f"{song.artist or '?'} - {song.title or '?'} ({identity})"
            + (f": {answer.reason}" if answer.reason else "")
        )
    counts = pd.DataFrame(
        {
            "songs": [len(which[s]) for s in STATES],
            "which": [which[s] if s != "found" else [] for s in STATES],
        },
        index=list(STATES),
    )
    return pd.DataFrame(found, columns=["id", "lyric"]), counts


def write_tsv(
    songs: pd.DataFrame, lyrics: pd.DataFrame, path: Path, there: pd.DataFrame | None = None
) -> None:
    """Write lyrics in the format of lyrics.tsv, whole or not at all.

    Parameters
    ----------
    songs
        Columns id, title, artist, and perhaps genre, album, album_id, release, which are blank otherwise.
    lyrics
        Columns id, lyric, as `collect` returns them.
    path
        File to write or replace.
    there
        Rows of such a file that go first; one of a song in `lyrics` is left out.
    """
    table = lyrics.merge(
        songs.drop(columns="lyric", errors="ignore"), on="id", how="left", validate="many_to_one"
    )
    table = table.rename(columns={"id": "song_id", "title": "song_name"}).reindex(
        columns=list(COLUMNS)
    )
    table["lyric"] = ["\\n".join(lyric.splitlines()) for lyric in table["lyric"]]
    if there is not None:
        table = pd.concat(
            [there[~there["song_id"].isin(table["song_id"].astype(str))], table], ignore_index=True
        )
    table["id"] = range(len(table))
    with files.replacing_file(Path(path)) as work:
        table.to_csv(work, sep="\t", index=False, lineterminator="\n")


#: Fields that a song may lack as long as its lyric is only looked for.
_OPTIONAL = dict.fromkeys(("album_name", "album_id", "song_gn_gnr_basket", "issue_date"))


def _row(record: dict) -> tuple | dict:
    """Columns of one record as `song_files.song_row` takes them, with album_id and release."""
    record = _OPTIONAL | record
    row = song_files.parse_song(record)
    return (
        (*row, str(record["album_id"] or ""), str(record["issue_date"] or ""))
        if isinstance(row, tuple)
        else row
    )


def read_songs(folder: Path) -> pd.DataFrame:
    """Songs of a folder with song_meta.json, which needs no lyrics yet, unlike `song_files.read_catalogue`.

    Returns
    -------
    DataFrame
        Columns id, title, artist, genre (names where genre_gn_all.json is there, else codes), album, album_id, release.

    Raises
    ------
    MissingData, CorruptData
        If the file is not there, breaks off, or a song lacks its id, song_name or artist_name_basket, or has a field of another type.
    """
    path = Path(folder) / "song_meta.json"
    songs = song_files.read_json(path, _row)
    genres = (
        song_files.read_json(path.with_name("genre_gn_all.json"))
        if path.with_name("genre_gn_all.json").is_file()
        else {}
    )
    song_files.check_songs(songs, genres, path)
    table = pd.DataFrame(
        songs, columns=["id", "title", "artist", "album", "genre", "year", "album_id", "release"]
    )
    table["genre"] = [
        ", ".join(genres.get(code, code) for code in codes) for codes in table["genre"]
    ]
    if table["id"].duplicated().any():
        raise CorruptData(
            f"{relative(path)}: the id {table.loc[table['id'].duplicated(), 'id'].iloc[0]} stands twice; give each song its own."
        )
    return table[["id", "title", "artist", "genre", "album", "album_id", "release"]]


def _read_tsv(path: Path) -> pd.DataFrame:
    """Lyrics table as it stands; columns beside song_id and lyric may be absent and are blank then."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        names = file.readline().rstrip("\r\n").split("\t")
    return tables.read_table(
        path, [c for c in COLUMNS if c in ("song_id", "lyric") or c in names]
    ).reindex(columns=list(COLUMNS), fill_value="")


def fill(folder: Path, provider: Provider, out: Path | None = None) -> tuple[Path, pd.DataFrame]:
    """Collect the lyrics that a catalogue does not have yet, and add them to its lyrics.tsv.

    Parameters
    ----------
    folder
        Folder with song_meta.json.
    provider
        Where the lyrics come from.
    out
        File to write; lyrics.tsv in the folder by default. Lyrics that stand there already are kept and not asked for.

    Returns
    -------
    out : Path
        The file, which is touched only where a lyric was found.
    counts : DataFrame
        From `collect`, for the songs that were asked for.
    """
    out = Path(out or Path(folder) / "lyrics.tsv")
    songs = read_songs(folder)
    there = _read_tsv(out) if out.is_file() else pd.DataFrame(columns=list(COLUMNS))
    lyrics, counts = collect(
        songs[~songs["id"].astype(str).isin(there.loc[there["lyric"] != "", "song_id"])], provider
    )
    if len(lyrics):
        write_tsv(songs, lyrics, out, there)
    return out, counts
