"""Measure word attributions on sentences whose word of feeling two readers have underlined."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..core import intervals
from ..core.runtime import progress
from ..text.explanation import word_attributions
from ..text.reader import Reader


def attribute(underlined: pd.DataFrame, model: Reader) -> pd.DataFrame:
    """Find the word with the largest effect in each sentence.

    Parameters
    ----------
    underlined
        Columns text, reader_1, reader_2.

    Returns
    -------
    DataFrame
        `underlined` with the columns top (the word), effect (nats), agrees (whether either reader
        underlined it), lowers (whether the emotion's probability falls without it) and random
        (the chance that a random word of the sentence agrees).
    """
    rows = []
    for text, *readers in progress(
        underlined[["text", "reader_1", "reader_2"]].itertuples(index=False),
        desc="attribute words",
        total=len(underlined),
    ):
        first = word_attributions(text, model).iloc[0]
        words = text.split()
        chance = float(np.mean([word in readers for word in words]))
        lowers = bool(first["after"] < first["before"])
        rows.append((first["word"], first["effect"], first["word"] in readers, lowers, chance))
    columns = ["top", "effect", "agrees", "lowers", "random"]
    return pd.concat([underlined, pd.DataFrame(rows, columns=columns)], axis=1)


def results(attributed: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Compute the shares of a table of `attribute`, with intervals over sentences.

    Returns
    -------
    dict
        reasons/top_word, reasons/lowers and reasons/random.
    """
    columns = {"top_word": "agrees", "lowers": "lowers", "random": "random"}
    return {
        f"reasons/{name}": intervals.share(attributed[column]) for name, column in columns.items()
    }
