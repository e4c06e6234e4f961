"""Grouped, seeded splits into training, dev and test parts."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from .cleaning import group_key
from .text_corpora import CORPORA


def split(
    table: pd.DataFrame,
    seed: int,
    groups: pd.Series | None = None,
    parts: int = 5,
    by: str = "emotion",
) -> dict[str, pd.DataFrame]:
    """Split rows into train, dev and test parts, stratified, with each group in one part.

    Official parts of a corpus are kept: KOTE's test file, and GoEmotions' dev and test files.

    Parameters
    ----------
    table
        Rows with the column `by`.
    groups
        Group of each row; by default its writer if the table has writers, else its `group_key`.
    parts
        The test part is one of this many folds, the dev part one of as many folds of the rest.
    by
        Column to stratify by.

    Returns
    -------
    dict
        Tables `train`, `dev` and `test`, re-indexed.
    """
    if groups is None:
        groups = table["writer"] if "writer" in table else table["text"].map(group_key)
    groups = groups.set_axis(table.index)
    rest, test = _hold_out("test", table, groups, seed, parts, by)
    train, dev = _hold_out("dev", rest, groups.loc[rest.index], seed + 1, parts, by)
    tables = {"train": train, "dev": dev, "test": test}
    return {name: rows.reset_index(drop=True) for name, rows in tables.items()}


def _hold_out(
    part: str, table: pd.DataFrame, groups: pd.Series, seed: int, parts: int, by: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split off a held-out part: the corpus's official one if it exists, else one fold."""
    if "source" in table:
        official = table["source"].isin([f"{corpus}_{part}" for corpus in CORPORA])
        if official.any():
            return table[~official & ~groups.isin(groups[official])], table[official]
    folds = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # An emotion with fewer texts than folds is missing in some folds.
        warnings.filterwarnings("ignore", message="The least populated class")
        rest, held_out = next(folds.split(table, table[by], groups))
    return table.iloc[rest], table.iloc[held_out]


def shuffled_copy(items: Sequence, seed: int) -> list:
    """Copy items into a list in random order."""
    return [items[i] for i in np.random.default_rng(seed).permutation(len(items))]
