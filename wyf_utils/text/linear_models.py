"""Baselines: majority, shuffled labels, TF-IDF, and a linear probe on a frozen encoder."""

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
from sklearn.preprocessing import StandardScaler

from ..core import artifacts, emotions, metrics
from ..core.runtime import THREADS
from . import embeddings, encoders


def majority(train: pd.DataFrame, n: int) -> np.ndarray:
    """Most frequent emotion of the training part, n times."""
    return np.full(n, train["emotion"].mode()[0])


def shuffled(train: pd.DataFrame, n: int, seed: int) -> np.ndarray:
    """N emotions drawn from the training part's labels at random: right proportions, no reading."""
    return np.random.default_rng(seed).choice(train["emotion"].to_numpy(), n)


def _best_on_dev(
    heads: Sequence[ClassifierMixin], train_rows, train: pd.DataFrame, dev_rows, dev: pd.DataFrame
) -> ClassifierMixin:
    """Fit heads and keep the one with the best dev macro-F1."""
    true = dev["emotion"].to_numpy()
    fitted = joblib.Parallel(n_jobs=THREADS)(
        joblib.delayed(head.fit)(train_rows, train["emotion"]) for head in heads
    )
    return max(fitted, key=lambda head: metrics.macro_f1(true, head.predict(dev_rows)))


def tfidf(train: pd.DataFrame, dev: pd.DataFrame, *, balanced: bool = True) -> Pipeline:
    """Character 1- to 4-grams, TF-IDF and a logistic regression; its strength is chosen on `dev`.

    Parameters
    ----------
    balanced
        Whether rare emotions weigh as much as frequent ones, which helps macro-F1 and costs accuracy.
    """
    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), min_df=2, sublinear_tf=True)
    rows = grams.fit_transform(train["text"])
    heads = [
        LogisticRegression(C=strength, max_iter=2000, class_weight="balanced" if balanced else None)
        for strength in (0.1, 1, 10)
    ]
    return make_pipeline(grams, _best_on_dev(heads, rows, train, grams.transform(dev["text"]), dev))


def predict_six(model: Pipeline, rows) -> np.ndarray:
    """Probabilities (n, 6) by a fitted model of scikit-learn, of texts or vectors; an emotion that it never saw has 0."""
    probabilities = np.zeros((len(rows), emotions.N))
    probabilities[:, model.classes_] = model.predict_proba(rows)
    return probabilities


def sentence_vectors(encoder: str, texts: Sequence[str], desc: str) -> np.ndarray:
    """Vectors (n, 5 * dim) of texts by an encoder that is not trained, from five of its depths; from the cache."""
    texts = list(texts)

    def make(folder: Path) -> None:
        vectors = embeddings.embed_layers(
            encoders.load(encoder, texts=texts), texts, max_length=64, desc=desc
        )
        np.save(folder / "vectors.npy", vectors.astype(np.float16), allow_pickle=False)

    key = {"encoder": encoder, "content": encoders.content(encoder)}
    entry = artifacts.get_or_create(
        "vectors",
        make,
        parameters=key,
        data=artifacts.fingerprint(texts),
        code=[sentence_vectors, encoders],
    )
    return np.load(entry.path / "vectors.npy", allow_pickle=False).astype(np.float32)


def linear_probe(
    train_rows: np.ndarray, train: pd.DataFrame, dev_rows: np.ndarray, dev: pd.DataFrame
) -> Pipeline:
    """Fit a logistic regression on `sentence_vectors` of the training part; its strength is chosen on `dev`."""
    strengths = (0.001, 0.003, 0.01, 0.03)
    heads = [
        make_pipeline(
            StandardScaler(), LogisticRegression(C=strength, max_iter=1000, class_weight="balanced")
        )
        for strength in strengths
    ]
    return _best_on_dev(heads, train_rows, train, dev_rows, dev)
