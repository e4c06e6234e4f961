"""Logistic regression on n-gram counts, kept as plain arrays: fitted in seconds, no torch."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline

from ..core import artifacts, emotions, metrics
from ..core.context import context
from ..core.errors import CorruptData
from ..core.files import read_json, write_json
from . import words


def letters(text: str) -> str:
    """Decompose Hangul syllables into letters (jamo), so that 슬퍼 and 슬프다 share a stem."""
    return unicodedata.normalize("NFD", text.lower())


#: Settings of TF-IDF by the unit that is counted.
UNITS = {
    "characters": {"analyzer": "char_wb", "ngram_range": (1, 4)},
    "letters": {"analyzer": "char_wb", "ngram_range": (2, 6), "preprocessor": letters},
    "morphemes": {
        "analyzer": "word", "ngram_range": (1, 3), "preprocessor": words.morphemes,
        "token_pattern": r"\S+",
    },
}  # fmt: skip
#: Units that the reader counts; chosen on dev writers.
READER = ("letters", "morphemes")
#: Inverse regularisation strengths that are tried.
STRENGTHS = (1, 10)
VOCABULARY, WEIGHTS = "ngrams.json", "ngrams.npz"


def vectorizer(units: Sequence[str], **settings) -> FeatureUnion:
    """Make TF-IDF of n-grams of several units, side by side.

    Parameters
    ----------
    units
        Names in `UNITS`.
    **settings
        Further settings of scikit-learn's `TfidfVectorizer`.
    """
    return FeatureUnion(
        [(unit, TfidfVectorizer(**UNITS[unit], sublinear_tf=True, **settings)) for unit in units]
    )


def best_on_dev(
    heads: Sequence[ClassifierMixin], train_rows, train: pd.DataFrame, dev_rows, dev: pd.DataFrame
) -> ClassifierMixin:
    """Fit heads and choose the one with the best dev macro-F1."""
    true = dev["emotion"].to_numpy()
    fitted = joblib.Parallel(n_jobs=context().threads)(
        joblib.delayed(head.fit)(train_rows, train["emotion"]) for head in heads
    )
    return max(fitted, key=lambda head: metrics.macro_f1(true, head.predict(dev_rows)))


def fit(
    train: pd.DataFrame,
    dev: pd.DataFrame | None = None,
    units: Sequence[str] = READER,
    *,
    balanced: bool = False,
) -> Pipeline:
    """Fit a logistic regression on TF-IDF of n-grams.

    Parameters
    ----------
    train, dev
        Tables with text and emotion. The inverse regularisation strength C is chosen on `dev` by
        macro-F1; without it C is the largest of `STRENGTHS`.
    units
        Names in `UNITS`.
    balanced
        Whether class weights are balanced, which helps macro-F1 and costs accuracy.
    """
    grams = vectorizer(units, min_df=2)
    rows = grams.fit_transform(train["text"])
    weights = "balanced" if balanced else None
    heads = [LogisticRegression(C=c, max_iter=2000, class_weight=weights) for c in STRENGTHS]
    if dev is None:
        return make_pipeline(grams, heads[-1].fit(rows, train["emotion"]))
    return make_pipeline(grams, best_on_dev(heads, rows, train, grams.transform(dev["text"]), dev))


def trained(
    train: pd.DataFrame, dev: pd.DataFrame, units: Sequence[str] = READER, *, balanced: bool = False
) -> artifacts.Entry:
    """Return the model of `fit` from the cache."""
    return artifacts.get_or_create(
        "ngrams",
        lambda folder: save(fit(train, dev, units, balanced=balanced), folder),
        parameters={"units": list(units), "balanced": balanced},
        data=artifacts.fingerprint(train[["text", "emotion"]], dev[["text", "emotion"]]),
    )


def class_probabilities(model: Pipeline, rows) -> np.ndarray:
    """Predict probabilities (n, 6) of texts or vectors; an emotion without training rows has 0."""
    probabilities = np.zeros((len(rows), emotions.N))
    probabilities[:, model.classes_] = model.predict_proba(rows)
    return probabilities


def save(model: Pipeline, folder: Path) -> None:
    """Save a fitted model as lists of n-grams and arrays; nothing is pickled."""
    counts, head = dict(model[0].transformer_list), model[-1]
    grams = {unit: each.get_feature_names_out().tolist() for unit, each in counts.items()}
    write_json(folder / VOCABULARY, grams)
    np.savez(
        folder / WEIGHTS,
        **{f"idf_{unit}": each.idf_.astype(np.float32) for unit, each in counts.items()},
        coef=head.coef_.astype(np.float32),
        intercept=head.intercept_.astype(np.float32),
        classes=head.classes_,
    )


def load(folder: Path) -> Pipeline:
    """Load a model saved by `save`.

    Raises
    ------
    CorruptData
        If a file is missing or damaged.
    """
    head = LogisticRegression()
    try:
        grams = read_json(folder / VOCABULARY)
        counts = FeatureUnion([(unit, _counter(unit, list_)) for unit, list_ in grams.items()])
        with np.load(folder / WEIGHTS, allow_pickle=False) as arrays:
            for unit, each in counts.transformer_list:
                each.idf_ = arrays[f"idf_{unit}"]
            head.coef_, head.intercept_ = arrays["coef"], arrays["intercept"]
            head.classes_ = arrays["classes"]
    except (OSError, KeyError, ValueError) as error:
        raise CorruptData(
            f"The model in {folder.name} is damaged; delete that folder and run `make run`.",
            f"{folder.name} 폴더의 모델이 손상되었어요. 지우고 `make run`을 실행해 주세요.",
        ) from error
    return make_pipeline(counts, head)


def _counter(unit: str, grams: list[str]) -> TfidfVectorizer:
    """TF-IDF of one unit with a known vocabulary, without weights."""
    return TfidfVectorizer(**UNITS[unit], sublinear_tf=True, vocabulary=grams)
