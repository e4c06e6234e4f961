"""Tables as they stand in files: read as text, checked, each fault named with its file and row."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..core import emotions
from ..core.errors import CorruptData, MissingData
from ..core.paths import relative
from .cleaning import normalise_text


def find(root: Path, stem: str, endings: tuple[str, ...]) -> Path:
    """Path of the first file of a folder that has the name and one of the endings; none is an error that names the first."""
    for ending in endings:
        if (root / f"{stem}{ending}").is_file():
            return root / f"{stem}{ending}"
    raise MissingData(
        f"{relative(root)}/{stem}{endings[0]} is missing; put it there as data/README.md describes."
    )


def read_table(
    path: Path, columns: list[str], header: bool = True, quotes: bool = True
) -> pd.DataFrame:
    """Read columns of a csv, tsv or xlsx file as text.

    Parameters
    ----------
    path
        File ending in .csv, .tsv or .xlsx; text files are UTF-8, with or without a byte-order mark.
    columns
        Columns that must be there and are returned; others, such as AI Hub's stray count table, are left.
    header
        Whether the first row names the columns; otherwise `columns` names them all.
    quotes
        Whether a field of a text file may stand in double quotes; otherwise they are signs like others.

    Raises
    ------
    CorruptData
        If the encoding, a row or a column is wrong; the message names file and row.
    """
    name = relative(path)
    try:
        if path.suffix == ".xlsx":
            whole = pd.read_excel(
                path, dtype=str, keep_default_na=False, header=0 if header else None
            )
            table = whole[_all_there(columns, whole.columns, name)]
        else:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = csv.reader(
                    file,
                    delimiter="\t" if path.suffix == ".tsv" else ",",
                    strict=True,
                    quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
                )
                names = next(rows, []) if header else columns
                places = [names.index(c) for c in _all_there(columns, names, name)]
                kept = []
                for number, row in enumerate(rows, start=2 if header else 1):
                    if len(row) != len(names):
                        raise CorruptData(
                            f"{name}, row {number}: {len(row)} fields where {len(names)} belong; correct the row."
                        )
                    kept.append([row[place] for place in places])
            table = pd.DataFrame(kept, columns=columns, dtype=object)
    except UnicodeDecodeError as error:
        raise CorruptData(f"{name} is not UTF-8 (perhaps cp949); save it as UTF-8.") from error
    except csv.Error as error:
        raise CorruptData(
            f"{name}, line {rows.line_num}: {error}; correct the quotes there, or get the whole file again."
        ) from error
    except (zipfile.BadZipFile, ValueError, OSError, KeyError) as error:
        raise CorruptData(
            f"{name} cannot be read ({error}); check that it is a whole {path.suffix} file."
        ) from error
    if table.empty:
        raise CorruptData(f"{name} has no rows; put the data there.")
    return table.astype(str)


def _all_there(columns: list[str], names: Sequence[str], file: str) -> list[str]:
    """Columns, each of which must be among the names of a file."""
    if lacking := [c for c in columns if c not in names]:
        raise CorruptData(
            f"{file} lacks the column {', '.join(lacking)}; its first row must hold the names."
        )
    return columns


def number_column(column: pd.Series, path: Path, whole: bool = False) -> pd.Series:
    """Numbers that a column of texts holds; a cell with none is an error that names its row."""
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = np.flatnonzero(numbers.isna() | (whole & (numbers % 1 != 0)))
    if len(wrong):
        raise CorruptData(
            f"{relative(path)}, row {wrong[0] + 2}: {column.name} '{column.iloc[wrong[0]]}' is no {'whole ' if whole else ''}number; correct it."
        )
    return numbers.astype(int if whole else float)


def text_column(table: pd.DataFrame, column: str, path: Path, first: int = 2) -> pd.Series:
    """Tidied texts of a column; a blank one is an error that names its row."""
    texts = table[column].map(normalise_text)
    blank = np.flatnonzero(texts == "")
    if len(blank):
        raise CorruptData(
            f"{relative(path)}, row {blank[0] + first}: {column} is blank; fill it in or delete the row."
        )
    return texts


def emotion_ids(names: Sequence[str], mapping: dict[str, int], path: Path, row: int) -> list[int]:
    """Emotion ids of the labels of a row; an unknown one is an error that names the row."""
    try:
        return [emotions.to_id(name, mapping) for name in names]
    except CorruptData as error:
        raise CorruptData(f"{relative(path)}, row {row}: {error}") from error
