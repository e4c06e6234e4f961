"""Baselines: majority, shuffled labels, TF-IDF, and a linear probe on a frozen encoder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ..core import artifacts, runtime
from . import embeddings, encoders
from .ngrams import best_on_dev


def majority(train: pd.DataFrame, n: int) -> np.ndarray:
    """Predict the most frequent emotion of the training part, n times."""
    return np.full(n, train["emotion"].mode()[0])


def shuffled(train: pd.DataFrame, n: int, seed: int) -> np.ndarray:
    """Draw n emotions from the training labels at random."""
    return np.random.default_rng(seed).choice(train["emotion"].to_numpy(), n)


def sentence_vectors(encoder: str, texts: Sequence[str], desc: str) -> np.ndarray:
    """Embed texts by a frozen encoder at five depths, (n, 5 * dim), from the cache if possible."""
    texts = list(texts)

    def compute() -> np.ndarray:
        loaded = encoders.load(encoder, texts=texts)
        with torch.autocast(runtime.device(), torch.bfloat16, enabled=runtime.mixed_precision()):
            vectors = embeddings.embed_layers(loaded, texts, max_length=64, desc=desc)
        return vectors.astype(np.float16)

    vectors = artifacts.cached_array(
        "vectors",
        compute,
        parameters={
            "encoder": encoder,
            "content": encoders.content(encoder),
            "bfloat16": runtime.mixed_precision(),
        },
        data=artifacts.fingerprint(texts),
    )
    return vectors.astype(np.float32)


def linear_probe(
    train_rows: np.ndarray, train: pd.DataFrame, dev_rows: np.ndarray, dev: pd.DataFrame
) -> Pipeline:
    """Fit a logistic regression on standardised embeddings.

    The inverse regularisation strength C is chosen on `dev` by macro-F1.

    Parameters
    ----------
    train_rows, dev_rows
        `sentence_vectors` (n, 5 * dim) of the parts.
    """
    heads = [
        make_pipeline(
            StandardScaler(), LogisticRegression(C=c, max_iter=1000, class_weight="balanced")
        )
        for c in (0.001, 0.003, 0.01, 0.03)
    ]
    return best_on_dev(heads, train_rows, train, dev_rows, dev)
