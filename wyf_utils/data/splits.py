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
    """Stratified train, dev and test parts in which no group crosses.

    Parameters
    ----------
    table
        Rows with the column `by`.
    seed
        Seed of the shuffle.
    groups
        What must stay together; by default what one writer wrote where writers are known, else the same normalised text.
    parts
        One part of this many is the test set, one more of the rest is dev.
    by
        Column to stratify by.

    Returns
    -------
    dict
        Tables `train`, `dev`, `test`. KOTE's own test file and GoEmotions' own dev and test files are those parts.
    """
    if groups is None:
        groups = table["writer"] if "writer" in table else table["text"].map(group_key)
    groups = groups.set_axis(table.index)
    rest, test = _hold_out("test", table, groups, seed, parts, by)
    train, dev = _hold_out("dev", rest, groups.loc[rest.index], seed + 1, parts, by)
    return {
        name: part.reset_index(drop=True)
        for name, part in (("train", train), ("dev", dev), ("test", test))
    }


def _hold_out(
    part: str, table: pd.DataFrame, groups: pd.Series, seed: int, parts: int, by: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rest and held-out part: the corpus's own where it has one, else a stratified draw."""
    official = (
        table["source"].isin([f"{corpus}_{part}" for corpus in CORPORA])
        if "source" in table
        else pd.Series(False, index=table.index)
    )
    if official.any():
        return table[~official & ~groups.isin(groups[official])], table[official]
    folds = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="The least populated class"
        )  # a rare emotion is spread as far as it goes
        keep, held = next(folds.split(table, table[by], groups))
    return table.iloc[keep], table.iloc[held]


def _shuffled(items: Sequence, seed: int) -> list:
    return [items[i] for i in np.random.default_rng(seed).permutation(len(items))]
