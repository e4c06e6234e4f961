"""Emotion by a lexicon (감성어 사전) without a model, the initial design of 2022."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..core import emotions
from .words import content_words


def scores(texts: Sequence[str], lexicon: pd.DataFrame, otherwise: np.ndarray) -> np.ndarray:
    """Average the emotion weights of the lexicon terms in each text.

    A term matches a content word or a written word; a term in 하다 also matches by its root.

    Parameters
    ----------
    lexicon
        Weights of the six emotions, indexed by term.
    otherwise
        Vector (6,) for a text without terms, such as the class prior.

    Returns
    -------
    ndarray of shape (n, 6)
        Rows sum to 1.
    """
    weights = dict(zip(lexicon.index, lexicon.to_numpy(), strict=True))
    weights |= {
        term[:-2]: row
        for term, row in weights.items()
        if term.endswith("하다") and len(term) > 3 and term[:-2] not in weights
    }
    vectors = np.zeros((len(texts), emotions.N))
    for i, (text, words) in enumerate(zip(texts, content_words(texts), strict=True)):
        rows = [weights[word] for word in {*words, *text.split()} if word in weights]
        vectors[i] = np.mean(rows, axis=0) if rows else otherwise
    return vectors


def valence_arousal(lexicon: pd.DataFrame) -> pd.DataFrame:
    """Derive valence and arousal of each term from its six weights, in -1 to 1.

    Signs follow the circumplex (Russell 1980): joy and peace are pleasant; joy, tension and anger
    are aroused; peace and sadness are not. Neutral is 0 on both axes.
    """
    joy, tension, peace, sadness, anger, _ = (lexicon[name] for name in emotions.EN)
    valence = joy + peace - sadness - anger - tension
    arousal = joy + tension + anger - peace - sadness
    return pd.DataFrame({"valence": valence, "arousal": arousal})
