"""The initial design of 2022: emotion by a lexicon (감성어 사전), with no model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from . import emotions
from .datasets import read_table
from .errors import CorruptData
from .settings import data_folder, relative
from .words import content_words


def read() -> pd.DataFrame:
    """Read the project's own lexicon, `data/sample/lexicon.csv`.

    Returns
    -------
    DataFrame
        Index term, six columns of weights named in English; rows sum to 1.

    Raises
    ------
    CorruptData
        If a weight is no number, or a row does not sum to 1.
    """
    path = data_folder() / "sample" / "lexicon.csv"
    table = read_table(path, ["term", *emotions.EN]).set_index("term")
    try:
        weights = table.astype(float)
    except ValueError as error:
        raise CorruptData(f"{relative(path)}: a weight is no number ({error}); correct it.") from error
    wrong = weights.index[(weights.sum(axis=1) - 1).abs() > 0.01]
    if len(wrong):
        raise CorruptData(f"{relative(path)}: the weights of '{wrong[0]}' do not sum to 1; correct them.")
    return weights


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
    weights |= {term[:-2]: row for term, row in weights.items() if term.endswith("하다") and len(term) > 3 and term[:-2] not in weights}
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
    valence = lexicon["joy"] + lexicon["peace"] - lexicon["sadness"] - lexicon["anger"] - lexicon["tension"]
    arousal = lexicon["joy"] + lexicon["tension"] + lexicon["anger"] - lexicon["peace"] - lexicon["sadness"]
    return pd.DataFrame({"valence": valence, "arousal": arousal})
