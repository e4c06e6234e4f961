"""The initial design of 2022: emotion by a lexicon (감성어 사전), with no model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..core import emotions
from .words import content_words


def scores(texts: Sequence[str], lexicon: pd.DataFrame, otherwise: np.ndarray) -> np.ndarray:
    """Emotion vectors by the lexicon: the mean weights of the terms that a text holds.

    Terms are met as content words, as written words, or, where a term ends in 하다, by its root.

    Parameters
    ----------
    otherwise
        Vector (6,) of a text without any term, for instance the emotions' shares in training.

    Returns
    -------
    ndarray of shape (n, 6)
        Rows sum to 1.
    """
    weights = {term: row for term, row in zip(lexicon.index, lexicon.to_numpy(), strict=True)}
    weights |= {
        term[:-2]: row
        for term, row in weights.items()
        if term.endswith("하다") and len(term) > 3 and term[:-2] not in weights
    }
    vectors = np.zeros((len(texts), emotions.N))
    for row, (text, words) in enumerate(zip(texts, content_words(texts), strict=True)):
        found = [weights[word] for word in {*words, *text.split()} if word in weights]
        vectors[row] = np.mean(found, axis=0) if found else otherwise
    return vectors


def affect(lexicon: pd.DataFrame) -> pd.DataFrame:
    """Valence and arousal of each term, as the six weights imply them, in -1 to 1.

    Signs follow the circumplex (Russell 1980): joy and peace are pleasant; joy, tension and anger are aroused, peace
    and sadness are not; neutral is 0 on both.
    """
    valence = (
        lexicon["joy"]
        + lexicon["peace"]
        - lexicon["sadness"]
        - lexicon["anger"]
        - lexicon["tension"]
    )
    arousal = (
        lexicon["joy"]
        + lexicon["tension"]
        + lexicon["anger"]
        - lexicon["peace"]
        - lexicon["sadness"]
    )
    return pd.DataFrame({"valence": valence, "arousal": arousal})
