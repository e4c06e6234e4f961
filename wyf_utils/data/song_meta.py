"""Read song_meta.json, which has 707,989 records in 2022, by DuckDB."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from ..core.errors import CorruptData, MissingData
from ..core.paths import relative

#: Fields of a record in the file.
FIELDS = (
    *("id", "song_name", "artist_name_basket"),
    *("album_name", "song_gn_gnr_basket", "issue_date"),
)

_SOURCE = "read_json_objects(?, format = 'array')"
_FIELDS = ", ".join(f"'$.{field}'" for field in (*FIELDS, "album_id"))
#: JSON of each field of a record, which is parsed once; NULL for a missing field.
_PARTS = f"""
    SELECT parts[1] AS id, parts[2] AS song_name, parts[3] AS artist_name_basket,
        parts[4] AS album_name, parts[5] AS song_gn_gnr_basket, parts[6] AS issue_date,
        parts[7] AS album_id
    FROM (SELECT json_extract(json, [{_FIELDS}]) AS parts FROM {_SOURCE})
"""
_COLUMNS = """
    TRY_CAST(parts.id AS BIGINT) AS id,
    coalesce(song_name ->> '$', '') AS title,
    coalesce(array_to_string(list_filter(
        TRY_CAST(artist_name_basket AS VARCHAR[]), lambda x: x <> ''), ', '), '') AS artist,
    coalesce(album_name ->> '$', '') AS album,
    coalesce(array_to_string(TRY_CAST(song_gn_gnr_basket AS VARCHAR[]), ','), '') AS genres,
    coalesce(TRY_CAST(lpad(issue_date ->> '$', 8, '0')[:4] AS INTEGER), 0) AS year,
    coalesce(album_id ->> '$', '') AS album_id,
    coalesce(issue_date ->> '$', '') AS release
"""
_WELL_FORMED = """
    json_type(parts.id) IN ('UBIGINT', 'BIGINT')
    AND coalesce(json_type(artist_name_basket), 'NULL') IN ('ARRAY', 'NULL')
    AND coalesce(json_type(song_gn_gnr_basket), 'NULL') IN ('ARRAY', 'NULL')
    AND coalesce(list_has_all(['VARCHAR', 'NULL'], json_type(artist_name_basket, '$[*]')), true)
    AND coalesce(list_has_all(['VARCHAR'], json_type(song_gn_gnr_basket, '$[*]')), true)
"""


def read_json(path: Path):
    """Parse a JSON file.

    Raises
    ------
    MissingData, CorruptData
        If the file is missing, truncated or malformed, or not UTF-8.
    """
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as error:
        remedy = "restore it, or put it there as data/README.md describes"
        raise MissingData(f"{relative(path)} is missing; {remedy}.") from error
    except UnicodeDecodeError as error:
        raise CorruptData(f"{relative(path)} is not UTF-8; save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        problem = f"breaks off or is malformed at line {error.lineno}"
        raise CorruptData(f"{relative(path)} {problem}; get the whole file again.") from error


def read_genres(path: Path) -> dict[str, str]:
    """Read genre_gn_all.json, the names of the genre codes."""
    genres = read_json(path)
    if not isinstance(genres, dict):
        raise CorruptData(f"{relative(path)} must be one object; get the whole file again.")
    return genres


def read_song_meta(path: Path, required: Sequence[str] = FIELDS) -> pd.DataFrame:
    """Read the songs of song_meta.json as they stand.

    Parameters
    ----------
    required
        Fields that every record must have; the others of `FIELDS` may be missing.

    Returns
    -------
    DataFrame
        Columns id, title, artist (names joined by commas), album, genres (codes joined by
        commas), year (0 for unknown), album_id, release (YYYYMMDD); text blank for unknown.

    Raises
    ------
    MissingData, CorruptData
        If the file is missing or malformed, a record has another form, or an id is repeated.
        The message names the record, counted from 0.
    """
    if not path.is_file():
        read_json(path)
    present = "".join(f" AND parts.{field} IS NOT NULL" for field in required)
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")  # it would print into notebooks
        try:
            songs = connection.execute(
                f"SELECT {_COLUMNS}, coalesce({_WELL_FORMED}{present}, false) AS well_formed "
                f"FROM ({_PARTS}) AS parts",
                [str(path)],
            ).df()
        except duckdb.Error as error:
            read_json(path)  # names the line of most faults
            raise CorruptData(
                f"{relative(path)} must be a list of songs; get the whole file again."
            ) from error
        well_formed = songs.pop("well_formed")
        if not well_formed.all():
            number = int(np.argmin(well_formed))
            (record,) = connection.execute(
                f"SELECT json FROM {_SOURCE} LIMIT 1 OFFSET {number}", [str(path)]
            ).fetchone()
            fault = _fault(json.loads(record), required)
            raise CorruptData(f"{relative(path)}, record {number}: {fault}.")
    if songs.empty:
        read_json(path)
        raise CorruptData(f"{relative(path)} must be a list of songs; get the whole file again.")
    check_unique(songs["id"], f"{relative(path)}, record", "give each song its own")
    return songs


def _fault(record: object, required: Sequence[str]) -> str:
    """Name the fault of a malformed record, and its remedy."""
    if not isinstance(record, dict):
        return "is no song; get the whole file again"
    if lacking := [field for field in required if field not in record]:
        return f"lacks {', '.join(lacking)}; add it"
    return (
        "the id must be a whole number, artist_name_basket and song_gn_gnr_basket "
        "lists of texts; correct it"
    )


def check_unique(ids: pd.Series, place: str, remedy: str, first: int = 0) -> None:
    """Refuse a repeated id; `place` is file and word for its rows, counted from `first`."""
    for row in np.flatnonzero(ids.duplicated()):
        problem = f"the {ids.name} {ids[row]} stands twice"
        raise CorruptData(f"{place} {row + first}: {problem}; {remedy}.")
