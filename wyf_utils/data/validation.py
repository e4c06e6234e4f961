"""Validation of every file of a profile."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from ..core.errors import CorruptData, WyfError
from ..core.paths import profile_folder, relative
from . import registry
from .lexicons import read_lexicon
from .song_files import lyric_intent, lyric_lines, lyric_readings, read_catalogue
from .text_corpora import (
    _read_conversation,
    _read_dialogue,
    _read_sentences,
    _read_single_turn,
    _read_stories,
    care_sentences,
    underlined_words,
    unrelated,
)


def validate(profile: str = "open") -> pd.DataFrame:
    """Read every file of a profile and report those with errors.

    Returns
    -------
    DataFrame
        Columns file, ok, message; one row a file (open) or a table (sample, wyf).
    """
    if profile == "open":
        checks = {
            name: partial(_check_files, files)
            for name, files in registry.listed().items()
            if name not in registry.OPTIONAL or files[0].local.is_file()
        }
    else:
        checks = _table_checks(profile)
    rows = []
    for name, check in checks.items():
        try:
            check()
            rows.append((name, True, "as it should be"))
        except WyfError as error:
            rows.append((name, False, str(error)))
    return pd.DataFrame(rows, columns=["file", "ok", "message"])


def _check_files(files: list[registry.Remote]) -> None:
    for file in files:
        registry.checked_path(file)


def _table_checks(profile: str) -> dict:
    """Return functions that read each table of the sample or wyf profile."""
    root = profile_folder(profile)
    checks = {
        "dialogue": partial(_read_dialogue, root),
        "single_turn": partial(_read_single_turn, root),
        "conversation": partial(_read_conversation, root),
        "catalogue": partial(read_catalogue, root),
        "unrelated": partial(unrelated, profile),
    }
    if profile == "sample":
        checks |= {
            "stories": partial(_read_stories, root),
            "readings": partial(_check_readings, root),
            "lyric_intent": partial(lyric_intent, profile),
            "lyric_readings": lyric_readings,
            "lyric_lines": lyric_lines,
            "care": care_sentences,
            "underlined": underlined_words,
            "lexicon": read_lexicon,
        }
    return checks


def _check_readings(root: Path) -> None:
    """Raise `CorruptData` for a sentence of the sample without a row in readings.csv."""
    for file, table in _read_sentences(root).items():
        for row in np.flatnonzero(table["writer"].eq("")):
            raise CorruptData(
                f"{relative(root)}/{file}.csv, row {row}: nobody has read the sentence; "
                "add its reading to readings.csv."
            )
