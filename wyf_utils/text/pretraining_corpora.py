"""Corpora of continued pre-training, without texts that are scored later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..data.cleaning import near_duplicates, without_full_stops
from ..data.splits import shuffled_copy


def without_held_out(texts: Sequence[str], held_out: Sequence[str]) -> tuple[list[str], int]:
    """Remove near duplicates of held-out texts.

    Returns
    -------
    texts : list
        The other texts.
    removed : int
        Number of near duplicates, as by `near_duplicates`.
    """
    mask = near_duplicates(texts, held_out)
    return [t for t, removed in zip(texts, mask, strict=True) if not removed], int(mask.sum())


@dataclass(frozen=True)
class Corpora:
    """Training and held-out texts of each domain.

    Attributes
    ----------
    train, held_out : dict
        Texts of each domain: for pre-training, and for the loss before and after it.
    kept_out : list
        Texts that must not be trained on: held-out parts, scored lyrics, and all of `held_out`.
    ledger : DataFrame
        One row a domain: texts, drawn, removed, read, held out.
    """

    train: dict[str, list[str]]
    held_out: dict[str, list[str]]
    kept_out: list[str]
    ledger: pd.DataFrame

    def leaks(self) -> dict[str, int]:
        """Count the training texts of each domain that are near duplicates of `kept_out`."""
        return {
            name: without_held_out(texts, self.kept_out)[1] for name, texts in self.train.items()
        }


def corpora(
    domains: dict[str, Sequence[str]],
    pools: dict[str, Sequence[str]],
    kept_out: Sequence[str],
    *,
    limit: int,
    held_out: int,
    seed: int,
) -> Corpora:
    """Draw the texts of each domain, without near duplicates of texts that are scored later.

    Parameters
    ----------
    domains
        Training texts of each domain, without labels and ids.
    pools
        Other texts of a domain, from which its held-out texts are drawn. A domain without a pool
        gives up to a fifth of its own texts.
    kept_out
        Sentences of every validation and test part, and lines of the scored lyrics.
    limit
        Texts drawn of each domain; 0 for all.
    held_out
        Held-out texts of each domain.
    """
    unique = {name: _unique(texts) for name, texts in domains.items()}
    held = {}
    for name, texts in unique.items():
        pool = _unique(pools.get(name, []))
        size = min(held_out, len(pool) or len(texts) // 5)
        held[name] = shuffled_copy(pool or texts, seed)[:size]
        if not pool:
            own = set(held[name])
            unique[name] = [text for text in texts if text not in own]
    kept_out = [*map(without_full_stops, kept_out), *(t for part in held.values() for t in part)]
    train, rows = {}, {}
    for name, texts in unique.items():
        order = np.random.default_rng(seed).permutation(len(texts))
        chosen = np.sort(order[: limit or None])  # neighbouring lines of a song stay neighbours
        train[name], removed = without_held_out([texts[i] for i in chosen], kept_out)
        rows[name] = {
            "texts": len(domains[name]),
            "drawn": len(chosen),
            "removed": removed,
            "read": len(train[name]),
            "held out": len(held[name]),
        }
    return Corpora(train, held, kept_out, pd.DataFrame(rows).T)


def _unique(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(map(without_full_stops, texts)))
