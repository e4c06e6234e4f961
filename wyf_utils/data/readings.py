"""Load and check the labels that blind readers (annotators) gave to the sample's texts.

A reader sees a text and the label definitions, but no other label and no file name.
`data/README.md` describes the writers and the readers.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..core import emotions, metrics
from ..core.errors import CorruptData
from ..core.paths import relative
from .cleaning import couplets, strip_sections
from .tables import emotion_ids, find, number_column, read_table, text_column

READERS = ("reader_1", "reader_2", "reader_3")
#: Kinds of `care.csv`: whether the writer of such a sentence is at risk.
CARE_KINDS = {
    **dict.fromkeys(("direct", "indirect", "slang", "typo", "farewell", "plan"), True),
    **dict.fromkeys(("blank", "exaggeration", "fiction", "things", "grief", "news"), False),
    **dict.fromkeys(("everyday", "wish"), False),
}
#: Writer of the texts from before writers were recorded.
UNRECORDED = "earlier"
_PAIR = list(READERS[:2])
_EMOTION = {name: number for number, name in enumerate(emotions.EN)}


def text_hash(text: str) -> str:
    """Compute the first twelve hexadecimal digits of a text's sha256, which tie a label to it."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def file_versions(*paths: Path) -> tuple[tuple[int, ...], ...]:
    """Get modification time (ns) and size (bytes) of files as a cache key, empty where missing."""
    stats = (path.stat() if path.is_file() else None for path in paths)
    return tuple((stat.st_mtime_ns, stat.st_size) if stat else () for stat in stats)


def read_sentences(root: Path, tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Replace the label maps' emotions of sentences by those of blind readers.

    Parameters
    ----------
    root
        Folder of a profile. Without readings.csv the tables are returned unchanged.
    tables
        Tables by file name, with text, emotion and the six soft targets, one row for each row of
        the file.

    Returns
    -------
    dict
        The same tables with four further columns: writer, mapped (emotion id by the label map),
        clear (whether two readers agree) and form (what makes the sentence hard, or blank).
        Soft targets are shares of the readers. `emotion` is the label of two readers, else that of
        the third.

    Raises
    ------
    CorruptData
        If a label has no sentence or the text has changed, a sentence is labelled twice, a label
        is unknown, the third reader is missing or superfluous, or the writers differ from
        writers.csv. The message names file and row.
    """
    path = root / "readings.csv"
    if not path.is_file():
        return tables
    labels = _read_once(path, file_versions(path))
    labels = labels.assign(row=number_column(labels["row"], path, whole=True))
    _check_sentences(labels, tables, path)
    places = labels["file"] + ", row " + labels["row"].astype(str)
    _check_unique(places, path, "keep one of its readings")
    _check_writers(labels["writer"], root, "sentences", path)
    shares = _reader_shares(labels, path)
    result = {}
    for file, table in tables.items():
        mask = (labels["file"] == file).to_numpy()
        part = labels[mask]
        rows = part["row"].to_numpy()
        mapped = table["emotion"]
        labelled = table.assign(writer="", mapped=mapped, clear=mapped >= 0, form="")
        labelled.loc[rows, list(emotions.EN)] = shares[mask]
        labelled.loc[rows, "emotion"] = part["emotion"].map(_EMOTION).to_numpy()
        labelled.loc[rows, "clear"] = shares[mask].max(axis=1) > 1 / 2
        labelled.loc[rows, ["writer", "form"]] = part[["writer", "form"]].to_numpy()
        result[file] = labelled
    return result


@functools.lru_cache(maxsize=1)
def _read_once(path: Path, versions: tuple) -> pd.DataFrame:  # noqa: ARG001, versions are a key
    return read_table(path, ["file", "row", "writer", *READERS, "emotion", "form", "sha"])


def _fault(path: Path, row: int, text: str) -> CorruptData:
    return CorruptData(f"{relative(path)}, row {row}: {text}")


def _check_unique(keys: pd.Series, path: Path, remedy: str) -> None:
    """Refuse a key that stands in two rows."""
    for row in np.flatnonzero(keys.duplicated()):
        raise _fault(path, row + 2, f"'{keys.iloc[row]}' stands twice; {remedy}.")


def _check_sentences(labels: pd.DataFrame, tables: dict[str, pd.DataFrame], path: Path) -> None:
    """Refuse a label whose sentence is absent or has another text by now."""
    texts = {file: table["text"].tolist() for file, table in tables.items()}
    places = labels[["file", "row", "sha"]].itertuples(index=False)
    for number, (file, row, sha) in enumerate(places, start=2):
        if file not in texts:
            files = ", ".join(texts)
            raise _fault(path, number, f"there is no file '{file}' to read; choose from: {files}.")
        if not 0 <= row < len(texts[file]):
            problem = f"{file}.csv has no row {row} (counted from 0)"
            raise _fault(path, number, f"{problem}; delete the reading, or restore the sentence.")
        if text_hash(texts[file][row]) != sha:
            problem = f"the text of {file}.csv, row {row} has changed since it was read"
            raise _fault(path, number, f"{problem}; have it read anew.")


def _check_writers(names: pd.Series, root: Path, wrote: str, path: Path) -> None:
    """Refuse a writer who is not in writers.csv, and one of writers.csv without a text."""
    source = find(root, "writers", (".csv",))
    table = read_table(source, ["writer", "wrote", "age", "gender", "region", "work", "temper"])
    _check_unique(table["writer"], source, "describe each writer once")
    writers = set(table.loc[table["wrote"] == wrote, "writer"])
    for row in np.flatnonzero(~names.isin(writers | {UNRECORDED})):
        problem = f"the writer '{names.iloc[row]}' is not in writers.csv"
        raise _fault(path, row + 2, f"{problem}; describe that hand there.")
    if idle := sorted(writers - set(names)):
        raise CorruptData(
            f"{relative(path)}: the writer '{idle[0]}' of writers.csv has no text; "
            "add it, or delete that writer."
        )


def _reader_shares(labels: pd.DataFrame, path: Path) -> np.ndarray:
    """Compute the share of readers for each emotion, (n, 6), and check the decided emotion."""
    shares = np.zeros((len(labels), emotions.N))
    rows = labels[[*READERS, "emotion"]].itertuples(index=False)
    for number, (first, second, third, emotion) in enumerate(rows):
        row = number + 2
        names = [name for name in (first, second, third) if name]
        ids = emotion_ids(names, _EMOTION, path, row)
        if not first or not second or bool(third) == (first == second):
            problem = "two readers are needed, and a third where they differ"
            raise _fault(path, row, f"{problem}; correct the row.")
        shares[number] = emotions.label_shares(ids)
        majority = emotions.hard_label(shares[number])
        decided = emotions.EN[ids[-1] if majority < 0 else majority]
        if emotion != decided:
            raise _fault(path, row, f"the readers say '{decided}'; correct the emotion.")
    return shares


def sentence_pairs(root: Path) -> pd.DataFrame:
    """Get the labels of the first two readers of each sentence: file, first, second (ids)."""
    path = find(root, "readings", (".csv",))
    labels = _read_once(path, file_versions(path))
    first, second = (labels[reader].map(_EMOTION) for reader in _PAIR)
    return pd.DataFrame({"file": labels["file"], "first": first, "second": second})


def label_ids(
    table: pd.DataFrame, columns: list[str], mapping: dict[str, int], path: Path
) -> pd.DataFrame:
    """Map columns of labels to emotion ids; an unknown label is an error that names its row."""
    rows = table[columns].itertuples(index=False)
    ids = [emotion_ids(names, mapping, path, row) for row, names in enumerate(rows, start=2)]
    return pd.DataFrame(ids, columns=columns)


def read_lyrics(root: Path, lyrics: pd.Series) -> pd.DataFrame:
    """Load the emotions that two blind readers gave to each lyric of a folder.

    Parameters
    ----------
    lyrics
        Lyrics as they stand in lyrics.tsv, by song id.

    Returns
    -------
    DataFrame
        Columns id, writer, and for reader_1 and reader_2 the emotion ids `<reader>_first` and
        `<reader>_second`; -1 stands for no emotion.

    Raises
    ------
    CorruptData
        If a lyric is absent, changed or labelled twice, or a label or a writer is unknown.
    """
    path = find(root, "lyric_readings", (".csv",))
    columns = [f"{reader}_{place}" for reader in _PAIR for place in ("first", "second")]
    table = read_table(path, ["id", "writer", *columns, "sha"])
    table["id"] = number_column(table["id"], path, whole=True)
    _check_unique(table["id"].astype(str), path, "keep one of the readings")
    for row, (song, sha) in enumerate(zip(table["id"], table["sha"], strict=True), start=2):
        if song not in lyrics.index:
            problem = f"lyrics.tsv has no song {song}"
            raise _fault(path, row, f"{problem}; delete the reading, or restore the lyric.")
        if text_hash(lyrics[song]) != sha:
            problem = f"the lyric of song {song} has changed since it was read"
            raise _fault(path, row, f"{problem}; have it read anew.")
    _check_writers(table["writer"], root, "lyrics", path)
    return table[["id", "writer"]].join(label_ids(table, columns, _EMOTION | {"": -1}, path))


def read_lines(root: Path, lyrics: pd.Series) -> pd.DataFrame:
    """Load the couplets of lyrics, each labelled out of context by two blind readers.

    Parameters
    ----------
    lyrics
        Lyrics as they stand in lyrics.tsv, by song id.

    Returns
    -------
    DataFrame
        Columns id, line (number of the couplet in its lyric, from 0), text, and the emotion ids
        reader_1 and reader_2.

    Raises
    ------
    CorruptData
        If a couplet is labelled twice or is not in its lyric, or a label is unknown.
    """
    path = find(root, "lyric_lines", (".csv",))
    table = read_table(path, ["id", "line", "text", *_PAIR])
    for column in ("id", "line"):
        table[column] = number_column(table[column], path, whole=True)
    places = table["id"].astype(str) + ", couplet " + table["line"].astype(str)
    _check_unique(places, path, "keep one of the readings")
    songs = table["id"][table["id"].isin(lyrics.index)].unique()
    texts = {song: couplets(strip_sections(lyrics[song].replace("\\n", "\n"))) for song in songs}
    rows = table[["id", "line", "text"]].itertuples(index=False)
    for row, (song, line, text) in enumerate(rows, start=2):
        if not 0 <= line < len(texts.get(song, ())) or texts[song][line] != text:
            problem = f"couplet {line} of song {song} is not this text in lyrics.tsv"
            raise _fault(path, row, f"{problem}; have it read anew.")
    table[_PAIR] = label_ids(table, _PAIR, _EMOTION, path)
    return table


def read_care(root: Path) -> pd.DataFrame:
    """Load sentences of people at risk, and harmless ones in similar words.

    Returns
    -------
    DataFrame
        Columns text, writer, kind (of `CARE_KINDS`), part (train or test; no writer is in both),
        at_risk (by the kind), and reader_1 and reader_2 (whether each judges the writer at risk).

    Raises
    ------
    CorruptData
        If a text is blank or repeated, a value is unknown, or a writer is in both parts.
    """
    path = find(root, "care", (".csv",))
    table = read_table(path, ["text", "writer", "kind", "part", *_PAIR])
    table["text"] = text_column(table, "text", path)
    _check_unique(table["text"], path, "keep one of them")
    allowed = {"kind": list(CARE_KINDS), "part": ["train", "test"]}
    allowed |= {reader: ["at_risk", "harmless"] for reader in _PAIR}
    for column, values in allowed.items():
        for row in np.flatnonzero(~table[column].isin(values)):
            problem = f"{column} '{table[column].iloc[row]}' is unknown"
            raise _fault(path, row + 2, f"{problem}; correct it to one of: {', '.join(values)}.")
    _check_writers(table["writer"], root, "care", path)
    for row in np.flatnonzero(table.groupby("writer")["part"].transform("nunique") > 1):
        problem = f"the writer '{table['writer'].iloc[row]}' stands in train and in test"
        raise _fault(path, row + 2, f"{problem}; keep each in one part.")
    judgements = {reader: table[reader] == "at_risk" for reader in _PAIR}
    return table.assign(at_risk=table["kind"].map(CARE_KINDS).astype(bool), **judgements)


def read_underlined(root: Path) -> pd.DataFrame:
    """Load the word of each sentence that two blind readers underlined as naming the feeling.

    Returns
    -------
    DataFrame
        Columns text, reader_1, reader_2 (words as they stand in the text).

    Raises
    ------
    CorruptData
        If a text is blank or repeated, or a word does not stand in it.
    """
    path = find(root, "underlined", (".csv",))
    table = read_table(path, ["text", *_PAIR])
    table["text"] = text_column(table, "text", path)
    _check_unique(table["text"], path, "keep one of them")
    for row, (text, *words) in enumerate(table.itertuples(index=False), start=2):
        if strange := [word for word in words if word not in text.split()]:
            problem = f"'{strange[0]}' is no word of the sentence"
            raise _fault(path, row, f"{problem}; copy it as it stands there.")
    return table


def agreement(
    first: Sequence[int], second: Sequence[int], names: Sequence[str] = emotions.EN
) -> dict[str, float]:
    """Compute Cohen's kappa of two readers, over all labels and for each against the rest.

    Parameters
    ----------
    first, second
        Label ids of the same texts.
    names
        Names of the label ids.

    Returns
    -------
    dict
        Kappa under "all", and under its name that of each label that either reader gave.
    """
    first, second = np.asarray(first), np.asarray(second)
    kappas = {"all": metrics.kappa(first, second)}
    for label, name in enumerate(names):
        in_first, in_second = first == label, second == label
        if (in_first | in_second).any():
            kappas[name] = metrics.kappa(in_first.astype(int), in_second.astype(int))
    return kappas
