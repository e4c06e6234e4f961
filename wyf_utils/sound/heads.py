"""Shallow classifiers ("heads") on features of songs: embeddings or band statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ..core import emotions
from ..core.errors import BadInput
from .dataset import MelDataset

#: Folds of `out_of_fold`.
FOLDS = 5
#: Unfitted classifiers by name; "dense" has the 64 units of 2022.
HEADS: dict[str, Callable[[int], ClassifierMixin]] = {
    "linear": lambda _: LogisticRegression(C=0.1, max_iter=2000, class_weight="balanced"),
    "dense": lambda seed: MLPClassifier(
        (64,), alpha=0.1, learning_rate_init=0.003, tol=1e-3, max_iter=1000, random_state=seed
    ),
}


@dataclass(frozen=True)
class Head:
    """A fitted shallow classifier.

    Attributes
    ----------
    pipeline : Pipeline
        Standardises features and classifies them into indices of `seen`.
    seen : ndarray
        Emotion ids that occurred in training.
    """

    pipeline: Pipeline
    seen: np.ndarray

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Predict emotion vectors (n, 6); emotions absent from training get 0."""
        emotion_vectors = np.zeros((len(features), emotions.N))
        emotion_vectors[:, self.seen] = self.pipeline.predict_proba(features)
        return emotion_vectors


def fit_head(name: str, features: np.ndarray, labels: np.ndarray, seed: int) -> Head:
    """Fit a shallow classifier of `HEADS`.

    Parameters
    ----------
    features, labels
        Features (n, dim) and emotion ids (n,).

    Raises
    ------
    BadInput
        If the name is unknown.
    """
    if name not in HEADS:
        raise BadInput(f"There is no head '{name}'; choose one of: {', '.join(HEADS)}.")
    seen, indices = np.unique(labels, return_inverse=True)
    classifier = HEADS[name](seed) if len(seen) > 1 else DummyClassifier()  # one class only
    return Head(make_pipeline(StandardScaler(), classifier).fit(features, indices), seen)


def fit_and_predict(
    name: str, features: list[np.ndarray], labels: np.ndarray, dataset: MelDataset, seeds: list[int]
) -> list[np.ndarray]:
    """Fit a head on the training part and predict the test part, once a seed.

    Parameters
    ----------
    features
        Features (n, dim) of all songs, one array a seed.
    labels
        Emotion ids (n,) of all songs.

    Returns
    -------
    list of ndarray of shape (test songs, 6)
    """
    train, test = dataset.rows("train"), dataset.rows("test")
    return [
        fit_head(name, x[train], labels[train], seed).probabilities(x[test])
        for x, seed in zip(features, seeds, strict=True)
    ]


def out_of_fold(
    name: str, features: np.ndarray, labels: np.ndarray, groups: np.ndarray, seed: int
) -> np.ndarray:
    """Predict emotion vectors (n, 6) of songs by heads that have seen nobody of their group.

    Parameters
    ----------
    name
        Head of `HEADS`.
    features, labels, groups
        Features (n, dim), emotion ids (n,) and artists (n,), of whom there are at least two.
    """
    vectors = np.zeros((len(labels), emotions.N), np.float32)
    for train, rest in GroupKFold(min(FOLDS, len(set(groups)))).split(labels, groups=groups):
        head = fit_head(name, features[train], labels[train], seed)
        vectors[rest] = head.probabilities(features[rest])
    return vectors


def dense_curve(
    features: np.ndarray, labels: np.ndarray, dataset: MelDataset, *, epochs: int, seed: int
) -> dict[str, list[float]]:
    """Train the 64-unit dense head epoch by epoch, as in the second experiment of 2022.

    Returns
    -------
    dict
        loss, accuracy and dev_accuracy of each epoch.
    """
    train, dev = dataset.rows("train"), dataset.rows("dev")
    scaled = StandardScaler().fit(features[train]).transform(features)
    dense = HEADS["dense"](seed)
    curve: dict[str, list[float]] = {"loss": [], "accuracy": [], "dev_accuracy": []}
    for _ in range(epochs):
        dense.partial_fit(scaled[train], labels[train], classes=np.unique(labels[train]))
        curve["loss"].append(float(dense.loss_))
        curve["accuracy"].append(float(dense.score(scaled[train], labels[train])))
        curve["dev_accuracy"].append(float(np.mean(dense.predict(scaled[dev]) == labels[dev])))
    return curve
