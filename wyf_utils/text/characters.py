"""Character n-gram classifier, kept as plain arrays: fitted in seconds, read in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from ..core import emotions, metrics
from ..core.context import context
from ..core.errors import CorruptData
from ..core.files import read_json, write_json

#: Character 1- to 4-grams within words.
GRAMS = {"analyzer": "char_wb", "ngram_range": (1, 4), "sublinear_tf": True}
VOCABULARY, WEIGHTS = "characters.json", "characters.npz"


def best_on_dev(
    heads: Sequence[ClassifierMixin], train_rows, train: pd.DataFrame, dev_rows, dev: pd.DataFrame
) -> ClassifierMixin:
    """Fit heads and choose the one with the best dev macro-F1."""
    true = dev["emotion"].to_numpy()
    fitted = joblib.Parallel(n_jobs=context().threads)(
        joblib.delayed(head.fit)(train_rows, train["emotion"]) for head in heads
    )
    return max(fitted, key=lambda head: metrics.macro_f1(true, head.predict(dev_rows)))


def tfidf(train: pd.DataFrame, dev: pd.DataFrame, *, balanced: bool = True) -> Pipeline:
    """Fit a logistic regression on TF-IDF of character 1- to 4-grams.

    The inverse regularisation strength C is chosen on `dev` by macro-F1.

    Parameters
    ----------
    balanced
        Whether class weights are balanced, which helps macro-F1 and costs accuracy.
    """
    grams = TfidfVectorizer(**GRAMS, min_df=2)
    rows = grams.fit_transform(train["text"])
    weights = "balanced" if balanced else None
    heads = [LogisticRegression(C=c, max_iter=2000, class_weight=weights) for c in (0.1, 1, 10)]
    return make_pipeline(grams, best_on_dev(heads, rows, train, grams.transform(dev["text"]), dev))


def predict_six(model: Pipeline, rows) -> np.ndarray:
    """Predict probabilities (n, 6) of texts or vectors; an emotion without training rows has 0."""
    probabilities = np.zeros((len(rows), emotions.N))
    probabilities[:, model.classes_] = model.predict_proba(rows)
    return probabilities


def fit(train: pd.DataFrame, dev: pd.DataFrame) -> Pipeline:
    """Fit TF-IDF of character n-grams and a logistic regression without class weights."""
    return tfidf(train, dev, balanced=False)


def save(model: Pipeline, folder: Path) -> None:
    """Save a fitted model as a list of n-grams and arrays; nothing is pickled."""
    grams, head = model[0], model[-1]
    write_json(folder / VOCABULARY, {"grams": grams.get_feature_names_out().tolist()})
    np.savez_compressed(
        folder / WEIGHTS,
        idf=grams.idf_.astype(np.float32),
        coef=head.coef_.astype(np.float32),
        intercept=head.intercept_.astype(np.float32),
        classes=head.classes_,
    )


def load(folder: Path, settings: dict | None = None) -> Pipeline:
    """Load a model saved by `save`.

    Parameters
    ----------
    settings
        Of the TF-IDF; `GRAMS` by default.

    Raises
    ------
    CorruptData
        If a file is missing or damaged.
    """
    try:
        grams = read_json(folder / VOCABULARY)["grams"]
        with np.load(folder / WEIGHTS, allow_pickle=False) as arrays:
            idf, coef, intercept, classes = (
                arrays[name] for name in ("idf", "coef", "intercept", "classes")
            )
        vectorizer = TfidfVectorizer(**(settings or GRAMS), vocabulary=grams)
        vectorizer.idf_ = idf
    except (OSError, KeyError, ValueError) as error:
        raise CorruptData(
            f"The model in {folder.name} is damaged; delete that folder and run `make run`.",
            f"{folder.name} 폴더의 모델이 손상되었어요. 지우고 `make run`을 실행해 주세요.",
        ) from error
    head = LogisticRegression()
    head.coef_, head.intercept_, head.classes_ = coef, intercept, classes
    return make_pipeline(vectorizer, head)
