"""Emotion lexicons."""

from __future__ import annotations

import pandas as pd

from ..core import emotions
from ..core.errors import CorruptData
from ..core.paths import profile_folder, relative
from .registry import REGISTRY, checked_path
from .tables import find, number_column, read_table, text_column


def read_lexicon() -> pd.DataFrame:
    """Read the project's own lexicon, `data/sample/lexicon.csv`.

    Returns
    -------
    DataFrame
        Index term, six columns of weights named in English; rows sum to 1.

    Raises
    ------
    MissingData, CorruptData
        If the file does not exist, a weight is no number, or a row does not sum to 1.
    """
    path = find(profile_folder("sample"), "lexicon", (".csv",))
    table = read_table(path, ["term", *emotions.EN]).set_index("term")
    try:
        weights = table.astype(float)
    except ValueError as error:
        raise CorruptData(
            f"{relative(path)}: a weight is no number ({error}); correct it."
        ) from error
    wrong = weights.index[(weights.sum(axis=1) - 1).abs() > 0.01]
    if len(wrong):
        raise CorruptData(
            f"{relative(path)}: the weights of '{wrong[0]}' do not sum to 1; correct them."
        )
    return weights


def valence_arousal_norms() -> pd.DataFrame:
    """Read VA-KOR: Korean words with human ratings of valence and arousal from four studies.

    Returns
    -------
    DataFrame
        Columns study, term, valence and arousal (-3 to 3); one row a term of a study.
    """
    path = checked_path(REGISTRY["va_kor"])
    table = read_table(path, ["source", "word", "V", "A"])
    values = {
        "term": text_column(table, "word", path),
        "valence": number_column(table["V"], path),
        "arousal": number_column(table["A"], path),
    }
    return pd.DataFrame({"study": table["source"], **values})
