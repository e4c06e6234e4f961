"""Labels by reading: what blind readers say of the sample's sentences, lyrics, couplets and words of danger.

A reader sees a text and the definitions of the labels, never the writer's label, the file or another reader.
`data/README.md` says who wrote and who read.
"""

from __future__ import annotations

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
}
#: Hand of the texts whose writers were not kept apart.
UNRECORDED = "earlier"
_EMOTION = {e.en: e.id for e in emotions.EMOTIONS}


def text_hash(text: str) -> str:
    """First twelve hexadecimal digits of a text's sha256: a reading is of this text and no other."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def writers(root: Path) -> pd.DataFrame:
    """Who wrote the texts of a folder: columns writer, wrote (sentences, lyrics or care), age, gender, region, work, temper."""
    path = find(root, "writers", (".csv",))
    table = read_table(path, ["writer", "wrote", "age", "gender", "region", "work", "temper"])
    _once(table["writer"], path, "describe each writer once")
    return table


def read_sentences(root: Path, tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Give sentences the emotion that blind readers found, where they were read.

    Parameters
    ----------
    root
        Folder of a profile. Without readings.csv the tables come back with the label maps' emotions.
    tables
        {file: table} with text, emotion and the six soft targets, one row a row of the file.

    Returns
    -------
    dict
        The same tables, with further columns: writer, mapped (emotion id by the label map), clear (whether two readers agree),
        form (what makes the sentence hard to read, or blank). Targets are shares of the readers; `emotion` is what two readers
        say, else what the third says.

    Raises
    ------
    CorruptData
        If a reading has no sentence, or not its text; if a sentence is read twice, a label is unknown, two readers differ and
        no third decides, or the writers are not those of writers.csv. The message names file and row.
    """
    if not (root / "readings.csv").is_file():
        return tables
    path = find(root, "readings", (".csv",))
    read = read_table(path, ["file", "row", "writer", *READERS, "emotion", "form", "sha"])
    read["row"] = number_column(read["row"], path, whole=True)
    _check_places(read, tables, path)
    _once(read["file"] + ", row " + read["row"].astype(str), path, "keep one of its readings")
    _check_writers(read["writer"], root, "sentences", path)
    found = _shares(read, path)
    told = {}
    for file, table in tables.items():
        mine = (read["file"] == file).to_numpy()
        rows = read.loc[mine, "row"].to_numpy()
        full = table.assign(
            writer="", mapped=table["emotion"], clear=table["emotion"] >= 0, form=""
        )
        full.loc[rows, list(emotions.EN)] = found[mine]
        full.loc[rows, "emotion"] = read.loc[mine, "emotion"].map(_EMOTION).to_numpy()
        full.loc[rows, "clear"] = found[mine].max(axis=1) > 1 / 2
        full.loc[rows, ["writer", "form"]] = read.loc[mine, ["writer", "form"]].to_numpy()
        told[file] = full
    return told


def _once(keys: pd.Series, path: Path, remedy: str) -> None:
    """Refuse a key that stands twice."""
    for row in np.flatnonzero(keys.duplicated()):
        raise CorruptData(
            f"{relative(path)}, row {row + 2}: '{keys.iloc[row]}' stands twice; {remedy}."
        )


def _check_places(read: pd.DataFrame, tables: dict[str, pd.DataFrame], path: Path) -> None:
    """Refuse a reading of a row that is not there, or whose text is another by now."""
    texts = {file: table["text"].tolist() for file, table in tables.items()}
    for number, (file, row, sha) in enumerate(
        zip(read["file"], read["row"], read["sha"], strict=True), start=2
    ):
        if file not in texts:
            raise CorruptData(
                f"{relative(path)}, row {number}: there is no file '{file}' to read; choose from: {', '.join(texts)}."
            )
        if not 0 <= row < len(texts[file]):
            raise CorruptData(
                f"{relative(path)}, row {number}: {file}.csv has no row {row} (counted from 0); delete the reading, or restore the sentence."
            )
        if text_hash(texts[file][row]) != sha:
            raise CorruptData(
                f"{relative(path)}, row {number}: the text of {file}.csv, row {row} has changed since it was read; have it read anew."
            )


def _check_writers(names: pd.Series, root: Path, wrote: str, path: Path) -> None:
    """Refuse a text by nobody of writers.csv, and a writer there who has no text."""
    known = writers(root)
    known = set(known.loc[known["wrote"] == wrote, "writer"])
    for row in np.flatnonzero(~names.isin(known | {UNRECORDED})):
        raise CorruptData(
            f"{relative(path)}, row {row + 2}: the writer '{names.iloc[row]}' is not in writers.csv; describe that hand there."
        )
    if silent := sorted(known - set(names)):
        raise CorruptData(
            f"{relative(path)}: the writer '{silent[0]}' of writers.csv has no text; add it, or delete that writer."
        )


def _shares(read: pd.DataFrame, path: Path) -> np.ndarray:
    """Share of the readers for each emotion, (n, 6); a third reader is asked where the two differ."""
    shares = np.zeros((len(read), emotions.N))
    for number, labels in enumerate(read[list(READERS)].itertuples(index=False), start=2):
        told = emotion_ids([name for name in labels if name], _EMOTION, path, number)
        if not labels[0] or not labels[1] or (bool(labels[2]) == (labels[0] == labels[1])):
            raise CorruptData(
                f"{relative(path)}, row {number}: two readers are needed, and a third where they differ; correct the row."
            )
        shares[number - 2] = emotions.label_shares(told)
        decided = (
            emotions.EN[told[-1]]
            if (answer := emotions.hard_label(shares[number - 2])) < 0
            else emotions.EN[answer]
        )
        if read["emotion"].iloc[number - 2] != decided:
            raise CorruptData(
                f"{relative(path)}, row {number}: the readers say '{decided}'; correct the emotion."
            )
    return shares


def sentence_pairs(root: Path) -> pd.DataFrame:
    """Answers of the first two readers to each sentence, ids: columns file, first, second."""
    read = read_table(find(root, "readings", (".csv",)), ["file", *READERS[:2]])
    return pd.DataFrame(
        {
            "file": read["file"],
            "first": read["reader_1"].map(_EMOTION),
            "second": read["reader_2"].map(_EMOTION),
        }
    )


def read_lyrics(root: Path, lyrics: pd.Series) -> pd.DataFrame:
    """What two blind readers hear in each lyric of a folder.

    Parameters
    ----------
    lyrics
        Lyrics as they stand in lyrics.tsv, by song id.

    Returns
    -------
    DataFrame
        Columns id, writer, and by reader (reader_1, reader_2) the emotion ids `<reader>_first` and `<reader>_second`, -1 for none.
    """
    path = find(root, "lyric_readings", (".csv",))
    columns = [f"{reader}_{place}" for reader in READERS[:2] for place in ("first", "second")]
    table = read_table(path, ["id", "writer", *columns, "sha"])
    table["id"] = number_column(table["id"], path, whole=True)
    _once(table["id"].astype(str), path, "keep one of the readings")
    for row, (song, sha) in enumerate(zip(table["id"], table["sha"], strict=True), start=2):
        if song not in lyrics.index:
            raise CorruptData(
                f"{relative(path)}, row {row}: lyrics.tsv has no song {song}; delete the reading, or restore the lyric."
            )
        if text_hash(lyrics[song]) != sha:
            raise CorruptData(
                f"{relative(path)}, row {row}: the lyric of song {song} has changed since it was read; have it read anew."
            )
    _check_writers(table["writer"], root, "lyrics", path)
    ids = [
        emotion_ids(names, _EMOTION | {"": -1}, path, row)
        for row, names in enumerate(table[columns].itertuples(index=False), start=2)
    ]
    return table[["id", "writer"]].join(pd.DataFrame(ids, columns=columns))


def read_lines(root: Path, lyrics: pd.Series) -> pd.DataFrame:
    """Couplets of the lyrics, each read alone by two blind readers.

    Parameters
    ----------
    lyrics
        Lyrics as they stand in lyrics.tsv, by song id.

    Returns
    -------
    DataFrame
        Columns id, line (which couplet of the lyric, from 0), text, reader_1, reader_2 (emotion ids).
    """
    path = find(root, "lyric_lines", (".csv",))
    table = read_table(path, ["id", "line", "text", *READERS[:2]])
    table["id"], table["line"] = (
        number_column(table[column], path, whole=True) for column in ("id", "line")
    )
    _once(
        table["id"].astype(str) + ", couplet " + table["line"].astype(str),
        path,
        "keep one of the readings",
    )
    parted = {
        song: couplets(strip_sections(lyrics[song].replace("\\n", "\n")))
        for song in table["id"].unique()
        if song in lyrics.index
    }
    for row, (song, line, text) in enumerate(
        table[["id", "line", "text"]].itertuples(index=False), start=2
    ):
        if not 0 <= line < len(parted.get(song, ())) or parted[song][line] != text:
            raise CorruptData(
                f"{relative(path)}, row {row}: couplet {line} of song {song} is not this text in lyrics.tsv; have it read anew."
            )
    for reader in READERS[:2]:
        table[reader] = [
            emotion_ids([name], _EMOTION, path, row)[0]
            for row, name in enumerate(table[reader], start=2)
        ]
    return table


def read_care(root: Path) -> pd.DataFrame:
    """Sentences of people at risk, and harmless ones that look alike.

    Returns
    -------
    DataFrame
        Columns text, writer, kind (of `CARE_KINDS`), part (train or test; no writer stands in both), at_risk (as written),
        reader_1, reader_2 (whether each reader takes the writer for being at risk).
    """
    path = find(root, "care", (".csv",))
    table = read_table(path, ["text", "writer", "kind", "part", *READERS[:2]])
    table["text"] = text_column(table, "text", path)
    _once(table["text"], path, "keep one of them")
    allowed = {
        "kind": list(CARE_KINDS),
        "part": ["train", "test"],
        "reader_1": ["at_risk", "harmless"],
        "reader_2": ["at_risk", "harmless"],
    }
    for column, names in allowed.items():
        for row in np.flatnonzero(~table[column].isin(names)):
            raise CorruptData(
                f"{relative(path)}, row {row + 2}: {column} '{table[column].iloc[row]}' is unknown; correct it to one of: {', '.join(names)}."
            )
    _check_writers(table["writer"], root, "care", path)
    for row in np.flatnonzero(
        table["writer"].isin(
            set(table["writer"][table["part"] == "train"])
            & set(table["writer"][table["part"] == "test"])
        )
    ):
        raise CorruptData(
            f"{relative(path)}, row {row + 2}: the writer '{table['writer'].iloc[row]}' stands in train and in test; keep each in one part."
        )
    readers = {reader: table[reader] == "at_risk" for reader in READERS[:2]}
    return table.assign(at_risk=table["kind"].map(CARE_KINDS).astype(bool), **readers)


def agreement(
    first: Sequence[int], second: Sequence[int], names: Sequence[str] = emotions.EN
) -> dict[str, float]:
    """Cohen's kappa of two readers, over all labels and for each against the rest.

    Parameters
    ----------
    first, second
        Label ids of the same texts.
    names
        Names of the label ids.

    Returns
    -------
    dict
        {"all": kappa, name: kappa of this label against the others}; a label that neither reader gave has none.
    """
    first, second = np.asarray(first), np.asarray(second)
    found = {"all": metrics.kappa(first, second)}
    for label, name in enumerate(names):
        if ((first == label) | (second == label)).any():
            found[name] = metrics.kappa((first == label).astype(int), (second == label).astype(int))
    return found
