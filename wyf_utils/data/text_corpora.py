"""Load sentences of each profile: labelled corpora, everyday conversation and control texts.

A profile is a folder with files in the formats of the real sources, so that all profiles share
these functions. `registry.fetch` downloads files, and `validation.validate` checks them.
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
from .registry import REGISTRY, checked_path
from .tables import emotion_ids, find, read_table, text_column

# `registry.fetch` shows a progress bar instead of pooch's messages.
logging.getLogger("pooch").setLevel(logging.WARNING)


def _labelled(
    texts: pd.Series,
    labels: list[list[str]],
    mapping: dict[str, int],
    source: str,
    path: Path,
    first: int = 2,
) -> pd.DataFrame:
    """Build a table of texts with soft targets; `label` is the first label of its emotion."""
    targets = np.zeros((len(texts), emotions.N))
    for number, names in enumerate(labels):
        mapped = [name for name in names if name not in emotions.UNMAPPED]
        targets[number] = emotions.label_shares(emotion_ids(mapped, mapping, path, number + first))
    hard = [emotions.hard_label(target) for target in targets]
    main_labels = [
        next((name for name in names if mapping.get(name) == emotion), names[0] if names else "")
        for names, emotion in zip(labels, hard, strict=True)
    ]
    columns = {
        "text": texts.to_numpy(),
        "emotion": hard,
        "label": main_labels,
        "labels": ["|".join(names) for names in labels],
    }
    table = pd.DataFrame(targets, columns=list(emotions.EN))
    return pd.concat([pd.DataFrame(columns), table], axis=1).assign(source=source)


def _read_labelled(path: Path, text: str, label: str, mapping: dict[str, int]) -> pd.DataFrame:
    """Read a file with one label in each row."""
    table = read_table(path, [text, label])
    labels = [[name.strip()] for name in table[label]]
    return _labelled(text_column(table, text, path), labels, mapping, path.stem, path)


def _read_dialogue(root: Path) -> pd.DataFrame:
    path = find(root, "sentiment_dialogue", (".csv", ".xlsx"))
    return _read_labelled(path, "사람문장1", "감정_소분류", emotions.SENTIMENT_DIALOGUE)


def _read_single_turn(root: Path) -> pd.DataFrame:
    path = find(root, "single_turn", (".csv", ".xlsx"))
    return _read_labelled(path, "Sentence", "Emotion", emotions.SINGLE_TURN)


def _read_stories(root: Path) -> pd.DataFrame:
    path = find(root, "stories", (".csv",))
    mapping = emotions.SENTIMENT_DIALOGUE | emotions.SINGLE_TURN
    return _read_labelled(path, "text", "label", mapping)


def _read_sentences(root: Path) -> dict[str, pd.DataFrame]:
    """Read the sentences of a profile by file name, with the readers' emotions if it has them."""
    tables = {"sentiment_dialogue": _read_dialogue(root), "single_turn": _read_single_turn(root)}
    if (root / "stories.csv").is_file():
        tables["stories"] = _read_stories(root)
    return readings.read_sentences(root, tables)


def _read_kote(part: str) -> pd.DataFrame:
    path = checked_path(REGISTRY[f"kote_{part}"])
    table = read_table(path, ["id", "text", "labels"], header=False)
    return _numbered(path, table, emotions.KOTE_LABELS, emotions.KOTE, f"kote_{part}")


def _read_goemotions(part: str) -> pd.DataFrame:
    path = checked_path(REGISTRY[f"goemotions_{part}"])
    names = checked_path(REGISTRY["goemotions_labels"]).read_text(encoding="utf-8").split()
    table = read_table(path, ["text", "labels"], header=False, quotes=False)
    return _numbered(path, table, names, emotions.GOEMOTIONS, f"goemotions_{part}")


def _numbered(
    path: Path, table: pd.DataFrame, names: Sequence[str], mapping: dict[str, int], source: str
) -> pd.DataFrame:
    """Label the texts of a file without header, whose labels are numbers parted by commas."""
    by_number = {str(number): name for number, name in enumerate(names)}
    # `_labelled` refuses an unknown number.
    labels = [[by_number.get(n, n) for n in numbers.split(",")] for numbers in table["labels"]]
    texts = text_column(table, "text", path, first=1)
    return _labelled(texts, labels, mapping, source, path, first=1)


def _read_texts(path: Path) -> pd.DataFrame:
    """Read a file of texts without labels."""
    texts = text_column(read_table(path, ["text"]), "text", path)
    return pd.DataFrame({"text": texts, "source": path.stem})


def _read_conversation(root: Path) -> pd.DataFrame:
    return _read_texts(find(root, "conversation", (".csv", ".xlsx")))


def _read_chatbot() -> pd.DataFrame:
    table = read_table(checked_path(REGISTRY["chatbot"]), ["Q", "A", "label"])
    everyday = table[table["label"] == "0"]
    texts = pd.concat([everyday["Q"], everyday["A"]], ignore_index=True).map(normalise_text)
    texts = texts[texts != ""].drop_duplicates()
    return pd.DataFrame({"text": texts.to_numpy(), "source": "chatbot"})


#: Labelled corpora of the open profile and their parts. Cleaning keeps the first of equal texts,
#: so the held-out parts of GoEmotions come first.
CORPORA = {
    "kote": (_read_kote, ("val", "test")),
    "goemotions": (_read_goemotions, ("test", "dev", "train")),
}


def corpora(profile: str) -> tuple[str, ...]:
    """List the labelled corpora of a profile, the default first."""
    own = {"sample": ("sample",), "wyf": ("aihub",)}
    return own.get(profile, tuple(CORPORA))


def utterances(profile: str, corpus: str = "") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Load the labelled sentences of a profile, and clean them.

    Parameters
    ----------
    profile
        open (KOTE and GoEmotions), wyf (two corpora of AI Hub) or sample (synthetic sentences in
        the formats of AI Hub).
    corpus
        Open profile only: kote (the default) or goemotions. KOTE's train.tsv, which is fetched by
        name alone, is read where it is there, beside val.tsv.

    Returns
    -------
    table : DataFrame
        Columns text, emotion (id 0-5), label (name in the source), labels (all names, parted by
        |), six soft targets by English name (each row sums to 1), source. Sentences with readers
        have the columns of `readings.read_sentences` too.
    ledger : DataFrame
        Effect of each rule, from `cleaning.apply_rules`.

    Raises
    ------
    BadInput
        If the profile has no such corpus.
    """
    root = profile_folder(profile)
    names = corpora(profile)
    if corpus and corpus not in names:
        raise BadInput(
            f"There is no corpus '{corpus}' in profile '{profile}'; it has: {', '.join(names)}."
        )
    if profile == "open":
        read, parts = CORPORA[corpus or "kote"]
        if corpus != "goemotions" and REGISTRY["kote_train"].local.is_file():
            parts = ("train", *parts)
        tables = [read(part) for part in parts]
    else:
        sentences = _read_sentences(root)
        tables = [sentences["sentiment_dialogue"], sentences["single_turn"]]
    return apply_rules(pd.concat(tables, ignore_index=True), UTTERANCE_RULES, show="text")


def stories() -> pd.DataFrame:
    """Load the sample's stories, a hard test corpus, with columns as in `utterances`.

    No model is trained on them. Stories without two agreeing readers are left out.
    """
    sentences = _read_sentences(profile_folder("sample"))["stories"]
    table, _ = apply_rules(sentences, UTTERANCE_RULES, show="text")
    return table[table["clear"]].reset_index(drop=True)


def conversation(profile: str) -> pd.DataFrame:
    """Load everyday conversation without emotion labels: columns text, source."""
    root = profile_folder(profile)
    return _read_chatbot() if profile == "open" else _read_conversation(root)


def reader_pairs() -> pd.DataFrame:
    """Load both readers' labels of the sample's sentences: see `readings.sentence_pairs`."""
    return readings.sentence_pairs(profile_folder("sample"))


def care_sentences() -> pd.DataFrame:
    """Load the sample's sentences of people at risk: see `readings.read_care`."""
    return readings.read_care(profile_folder("sample"))


def underlined_words() -> pd.DataFrame:
    """Load the sample's underlined words of feeling: see `readings.read_underlined`."""
    return readings.read_underlined(profile_folder("sample"))


def unrelated(profile: str) -> pd.DataFrame:
    """Load procedural Korean (recipes, house rules), the control of notebook 03.

    Profiles without `unrelated.csv` (open, wyf) use the file of the sample.

    Returns
    -------
    DataFrame
        Columns text, source.
    """
    root = profile_folder(profile)
    has_file = (root / "unrelated.csv").is_file()
    return _read_texts(find(root if has_file else profile_folder("sample"), "unrelated", (".csv",)))
