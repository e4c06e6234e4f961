"""Registry of public files (url, sha256, licence, citation) and loaders that return tables.

The loaders are the same for every profile: a profile is a folder that holds files in the formats of the
real sources. Downloading (`fetch`) is separate from checking (`validate`) and from reading.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..core import emotions
from ..core.errors import BadInput
from ..core.paths import profile_folder
from . import readings
from .cleaning import UTTERANCE_RULES, apply_rules, normalise_text
from .registry import REGISTRY, _check
from .tables import emotion_ids, find, read_table, text_column

logging.getLogger("pooch").setLevel(logging.WARNING)  # the progress bar tells what pooch would

# Registry -------------------------------------------------------------------------------------------


# Files ----------------------------------------------------------------------------------------------


def _labelled(
    texts: pd.Series,
    labels: list[list[str]],
    mapping: dict[str, int],
    source: str,
    path: Path,
    first: int = 2,
) -> pd.DataFrame:
    """Table of utterances with soft targets from the mapped labels of each text; `label` is the first that says its emotion."""
    targets = np.zeros((len(texts), emotions.N))
    for row, names in enumerate(labels):
        targets[row] = emotions.label_shares(
            emotion_ids(
                [n for n in names if n not in emotions.UNMAPPED], mapping, path, row + first
            )
        )
    table = pd.DataFrame(targets, columns=list(emotions.EN))
    table.insert(0, "text", texts.to_numpy())
    table.insert(1, "emotion", [emotions.hard_label(t) for t in targets])
    shown = (
        next((n for n in names if mapping.get(n) == e), names[0] if names else "")
        for names, e in zip(labels, table["emotion"], strict=True)
    )
    table.insert(2, "label", list(shown))
    table.insert(3, "labels", ["|".join(names) for names in labels])
    return table.assign(source=source)


def _read_dialogue(root: Path) -> pd.DataFrame:
    path = find(root, "sentiment_dialogue", (".csv", ".xlsx"))
    table = read_table(path, ["감정_소분류", "사람문장1"])
    labels = [[x.strip()] for x in table["감정_소분류"]]
    return _labelled(
        text_column(table, "사람문장1", path),
        labels,
        emotions.SENTIMENT_DIALOGUE,
        "sentiment_dialogue",
        path,
    )


def _read_single_turn(root: Path) -> pd.DataFrame:
    path = find(root, "single_turn", (".csv", ".xlsx"))
    table = read_table(path, ["Sentence", "Emotion"])
    labels = [[x.strip()] for x in table["Emotion"]]
    return _labelled(
        text_column(table, "Sentence", path), labels, emotions.SINGLE_TURN, "single_turn", path
    )


def _read_stories(root: Path) -> pd.DataFrame:
    path = find(root, "stories", (".csv",))
    table = read_table(path, ["label", "text"])
    labels = [[x.strip()] for x in table["label"]]
    return _labelled(
        text_column(table, "text", path),
        labels,
        emotions.SENTIMENT_DIALOGUE | emotions.SINGLE_TURN,
        "stories",
        path,
    )


def _read_sentences(root: Path) -> dict[str, pd.DataFrame]:
    """Files of sentences of a profile that has them, by name, with their readers' emotions where they were read."""
    tables = {"sentiment_dialogue": _read_dialogue(root), "single_turn": _read_single_turn(root)}
    if (root / "stories.csv").is_file():
        tables["stories"] = _read_stories(root)
    return readings.read_sentences(root, tables)


def _read_kote(part: str) -> pd.DataFrame:
    path = _check(REGISTRY[f"kote_{part}"])
    return _numbered(
        path,
        read_table(path, ["id", "text", "labels"], header=False),
        emotions.KOTE_LABELS,
        emotions.KOTE,
        f"kote_{part}",
    )


def _read_goemotions(part: str) -> pd.DataFrame:
    path = _check(REGISTRY[f"goemotions_{part}"])
    names = _check(REGISTRY["goemotions_labels"]).read_text(encoding="utf-8").split()
    return _numbered(
        path,
        read_table(path, ["text", "labels"], header=False, quotes=False),
        names,
        emotions.GOEMOTIONS,
        f"goemotions_{part}",
    )


def _numbered(
    path: Path, table: pd.DataFrame, names: Sequence[str], mapping: dict[str, int], source: str
) -> pd.DataFrame:
    """Utterances of a file without header whose labels are numbers of names, several with commas between."""
    numbers = {str(i): name for i, name in enumerate(names)}
    labels = [
        [numbers.get(i, i) for i in ids.split(",")] for ids in table["labels"]
    ]  # one that is no number of a name is refused below
    return _labelled(
        text_column(table, "text", path, first=1), labels, mapping, source, path, first=1
    )


def _read_conversation(root: Path) -> pd.DataFrame:
    path = find(root, "conversation", (".csv", ".xlsx"))
    return pd.DataFrame(
        {"text": text_column(read_table(path, ["text"]), "text", path), "source": "conversation"}
    )


def _read_chatbot() -> pd.DataFrame:
    path = _check(REGISTRY["chatbot"])
    table = read_table(path, ["Q", "A", "label"])
    everyday = table[table["label"] == "0"]
    texts = pd.concat([everyday["Q"], everyday["A"]], ignore_index=True).map(normalise_text)
    return pd.DataFrame(
        {"text": texts[texts != ""].drop_duplicates().to_numpy(), "source": "chatbot"}
    )


# Tables ---------------------------------------------------------------------------------------------


#: Labelled corpora of the open profile and their parts; of texts that stand twice the first is kept, so held-out parts of GoEmotions come first.
CORPORA = {
    "kote": (_read_kote, ("val", "test")),
    "goemotions": (_read_goemotions, ("test", "dev", "train")),
}


def corpora(profile: str) -> tuple[str, ...]:
    """Names of a profile's collections of labelled sentences, the first the one that is meant by default."""
    return tuple(CORPORA) if profile == "open" else ("aihub",)


def utterances(profile: str, corpus: str = "") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Labelled sentences of a profile, cleaned.

    Parameters
    ----------
    profile
        sample and wyf hold the two AI Hub corpora, open holds KOTE and GoEmotions.
    corpus
        Open profile only: kote (the default) or goemotions.

    Returns
    -------
    table : DataFrame
        Columns text, emotion (id 0-5), label (in the source's words), labels (all of them, parted by |), six soft targets named in
        English (each row sums to 1), source; where people read the sentences also those of `readings.read_sentences`.
    ledger : DataFrame
        What cleaning did, from `cleaning.apply_rules`.
    """
    root = profile_folder(profile)
    if corpus and corpus not in corpora(profile):
        raise BadInput(
            f"There is no corpus '{corpus}' in profile '{profile}'; it has: {', '.join(corpora(profile))}."
        )
    if profile == "open":
        read, names = CORPORA[corpus or "kote"]
        parts = [read(name) for name in names]
    else:
        tables = _read_sentences(root)
        parts = [tables[name] for name in ("sentiment_dialogue", "single_turn")]
    return apply_rules(pd.concat(parts, ignore_index=True), UTTERANCE_RULES, show="text")


def stories() -> pd.DataFrame:
    """Small stories of the sample, its hard corpus, which no model learns from: columns as `utterances`, texts that two readers agree on."""
    table, _ = apply_rules(
        _read_sentences(profile_folder("sample"))["stories"], UTTERANCE_RULES, show="text"
    )
    return table[table["clear"]].reset_index(drop=True)


def conversation(profile: str) -> pd.DataFrame:
    """Everyday talk without emotion labels: columns text, source."""
    root = profile_folder(profile)
    return _read_chatbot() if profile == "open" else _read_conversation(root)


def reader_pairs() -> pd.DataFrame:
    """Answers of the first two readers to every sentence of the sample: see `readings.sentence_pairs`."""
    return readings.sentence_pairs(profile_folder("sample"))


def care_sentences() -> pd.DataFrame:
    """Sentences of people at risk and harmless look-alikes of the sample: see `readings.read_care`."""
    return readings.read_care(profile_folder("sample"))


def unrelated(profile: str) -> pd.DataFrame:
    """Procedural Korean (recipes, house rules) far from talk, feelings and songs, the control of notebook 03: columns text, source.

    It is written for this project: a profile whose folder lacks `unrelated.csv` (open, wyf) takes the sample's file.
    """
    root = profile_folder(profile)
    path = find(
        root if (root / "unrelated.csv").is_file() else profile_folder("sample"),
        "unrelated",
        (".csv",),
    )
    return pd.DataFrame(
        {"text": text_column(read_table(path, ["text"]), "text", path), "source": "unrelated"}
    )


# Splits ---------------------------------------------------------------------------------------------
