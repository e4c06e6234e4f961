"""Reading of csv, tsv and xlsx tables as text, with errors that name the file and the row."""

from __future__ import annotations

import csv
import re
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..core import emotions
from ..core.errors import CorruptData, MissingData
from ..core.paths import relative
from .cleaning import normalise_text

#: Escape of a character in xlsx; surrogates are left, as half a character is none.
_XLSX_ESCAPE = re.compile(r"_x(?![Dd][89A-Fa-f])([\dA-Fa-f]{4})_")
_LINE_BREAK = re.compile(r"\r\n?|[\v\f]")


def find(root: Path, stem: str, endings: tuple[str, ...]) -> Path:
    """Find the first existing file of a folder with the stem and one of the endings.

    Raises
    ------
    MissingData
        If there is none; the message names the first ending.
    """
    for ending in endings:
        if (root / f"{stem}{ending}").is_file():
            return root / f"{stem}{ending}"
    raise MissingData(
        f"{relative(root)}/{stem}{endings[0]} is missing; put it there as data/README.md describes."
    )


def read_table(
    path: Path, columns: list[str], header: bool = True, quotes: bool = True
) -> pd.DataFrame:
    """Read columns of a csv, tsv or xlsx file as text in Unicode NFC with plain line breaks.

    Blank rows are skipped and not counted.

    Parameters
    ----------
    path
        File ending in .csv, .tsv or .xlsx; csv and tsv are UTF-8, with or without a BOM.
    columns
        Required columns; the others, such as AI Hub's stray count table, are ignored.
    header
        Whether the first row of a csv or tsv names the columns; otherwise `columns` names all.
    quotes
        Whether double quotes enclose fields of a csv or tsv; otherwise they are plain characters.

    Raises
    ------
    CorruptData
        If the encoding, a row or a column is wrong, or there is no row.
    """
    name = relative(path)
    try:
        if path.suffix.lower() == ".xlsx":
            table = _read_sheet(path, columns)
        else:
            table = _read_delimited(path, columns, header, quotes)
    except UnicodeDecodeError as error:
        raise CorruptData(f"{name} is not UTF-8 (perhaps cp949); save it as UTF-8.") from error
    except (zipfile.BadZipFile, ValueError, OSError, KeyError) as error:
        raise CorruptData(
            f"{name} cannot be read ({error}); check that it is a whole {path.suffix} file."
        ) from error
    if table.empty:
        raise CorruptData(f"{name} has no rows; put the data there.")
    return table


def _compose(cell: str) -> str:
    """Compose a cell to NFC, as Macs write NFD, and break its lines by line feeds alone."""
    return unicodedata.normalize("NFC", _LINE_BREAK.sub("\n", cell))


def _is_blank(row: Sequence[str]) -> bool:
    return not any(cell.strip() for cell in row)


def _unescape(cell: str) -> str:
    return _XLSX_ESCAPE.sub(lambda code: chr(int(code[1], 16)), cell)


def _read_sheet(path: Path, columns: list[str]) -> pd.DataFrame:
    """Read the first sheet of an xlsx file, which escapes control characters as in _x000D_."""
    sheet = pd.read_excel(path, dtype=str, keep_default_na=False).astype(str).map(_unescape)
    sheet.columns = [normalise_text(_unescape(str(column))) for column in sheet.columns]
    _require_columns(columns, sheet.columns, relative(path))
    blank = np.array([_is_blank(row) for row in sheet.to_numpy()], bool)
    return sheet.loc[~blank, columns].map(_compose).reset_index(drop=True)


def _read_delimited(path: Path, columns: list[str], header: bool, quotes: bool) -> pd.DataFrame:
    name = relative(path)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    quoting = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True, quoting=quoting)
        try:
            rows_with_text = (row for row in reader if not _is_blank(row))
            names = list(map(normalise_text, next(rows_with_text, []))) if header else columns
            _require_columns(columns, names, name)
            places = [names.index(column) for column in columns]
            cells: list[list[str]] = [[] for _ in columns]
            for number, row in enumerate(rows_with_text, start=2 if header else 1):
                if len(row) != len(names):
                    raise CorruptData(
                        f"{name}, row {number}: {len(row)} fields where {len(names)} belong; "
                        "correct the row."
                    )
                for column, place in zip(cells, places, strict=True):
                    column.append(_compose(row[place]))
        except csv.Error as error:
            raise CorruptData(
                f"{name}, line {reader.line_num}: {error}; correct the quotes there, "
                "or get the whole file again."
            ) from error
    return pd.DataFrame(dict(zip(columns, cells, strict=True)), dtype="str")


def _require_columns(columns: list[str], names: Sequence[str], file: str) -> None:
    """Raise `CorruptData` if a column is not among the names of a file."""
    if lacking := [c for c in columns if c not in names]:
        raise CorruptData(
            f"{file} lacks the column {', '.join(lacking)}; its first row must hold the names."
        )


def number_column(column: pd.Series, path: Path, whole: bool = False) -> pd.Series:
    """Convert texts to floats, or ints if `whole`; another cell raises `CorruptData`."""
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = np.flatnonzero(numbers.isna() | (whole & (numbers % 1 != 0)))
    if len(wrong):
        row, kind = wrong[0], "whole number" if whole else "number"
        raise CorruptData(
            f"{relative(path)}, row {row + 2}: {column.name} '{column.iloc[row]}' is no {kind}; "
            "correct it."
        )
    return numbers.astype(int if whole else float)


def text_column(table: pd.DataFrame, column: str, path: Path, first: int = 2) -> pd.Series:
    """Normalise texts, of which the first is in row `first`; a blank one raises `CorruptData`."""
    texts = table[column].map(normalise_text)
    blank = np.flatnonzero(texts == "")
    if len(blank):
        raise CorruptData(
            f"{relative(path)}, row {blank[0] + first}: {column} is blank; "
            "fill it in or delete the row."
        )
    return texts


def emotion_ids(names: Sequence[str], mapping: dict[str, int], path: Path, row: int) -> list[int]:
    """Map the labels of a row to emotion ids; an unknown label raises `CorruptData`."""
    try:
        return [emotions.to_id(name, mapping) for name in names]
    except CorruptData as error:
        raise CorruptData(f"{relative(path)}, row {row}: {error}") from error
