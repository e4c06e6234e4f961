"""Reads every file of a profile and says which pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ..core.errors import CorruptData, WyfError
from ..core.paths import profile_folder, relative
from .lexicons import read_lexicon
from .registry import REGISTRY, _check
from .song_files import lyric_intent, lyric_lines, lyric_readings, read_catalogue
from .text_corpora import (
    _read_conversation,
    _read_dialogue,
    _read_sentences,
    _read_single_turn,
    _read_stories,
    care_sentences,
    unrelated,
)


def validate(profile: str = "open") -> pd.DataFrame:
    """Read every file of a profile and say which pass; the lexicon and the intents of the lyrics belong to the sample.

    Returns
    -------
    DataFrame
        Columns file, ok, message; one row a file (open) or a table (sample, wyf).
    """
    if profile == "open":
        checks = {name: lambda r=remote: _check(r) for name, remote in REGISTRY.items()}
    else:
        root = profile_folder(profile)
        checks = {
            loader.__name__: lambda f=loader: f(root)
            for loader in (_read_dialogue, _read_single_turn, _read_conversation, read_catalogue)
        }
        checks["unrelated"] = lambda: unrelated(profile)
        if profile == "sample":
            checks |= {
                "stories": lambda: _read_stories(root),
                "readings": lambda: _all_read(root),
                "lyric_intent": lambda: lyric_intent(profile),
                "lyric_readings": lyric_readings,
                "lyric_lines": lyric_lines,
                "care": care_sentences,
                "lexicon": read_lexicon,
            }
    rows = []
    for name, check in checks.items():
        try:
            check()
            rows.append(
                (name.removeprefix("_read_").removeprefix("read_"), True, "as it should be")
            )
        except WyfError as error:
            rows.append((name.removeprefix("_read_").removeprefix("read_"), False, str(error)))
    return pd.DataFrame(rows, columns=["file", "ok", "message"])


def _all_read(root: Path) -> None:
    """Refuse a sentence of the sample that no two readers have read."""
    for file, table in _read_sentences(root).items():
        for row in np.flatnonzero(table["writer"].eq("")):
            raise CorruptData(
                f"{relative(root)}/{file}.csv, row {row}: nobody has read the sentence; add its reading to readings.csv."
            )
