"""Shallow classifiers ("heads") on features of songs: embeddings or band statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from ..core import emotions
from ..core.context import context
from ..core.errors import BadInput
from .dataset import MelDataset

_NEIGHBOURS = 7


def _mlp(units: tuple[int, ...], max_iter: int, seed: int) -> MLPClassifier:
    return MLPClassifier(
        units, alpha=0.1, learning_rate_init=0.003, tol=1e-3, max_iter=max_iter, random_state=seed
    )


def _members(seed: int) -> dict[str, ClassifierMixin]:
    """Classifiers of the appendix's table; "voting" takes the majority of them."""
    return {
        "knn": KNeighborsClassifier(_NEIGHBOURS),
        "svm": SVC(C=3, class_weight="balanced"),
        "mlp": _mlp((128, 64), 500, seed),
        "tree": DecisionTreeClassifier(max_depth=6, class_weight="balanced", random_state=seed),
        "forest": RandomForestClassifier(
            200, class_weight="balanced_subsample", n_jobs=context().threads, random_state=seed
        ),
    }


def _xgboost(seed: int) -> ClassifierMixin:
    from xgboost import XGBClassifier

    return XGBClassifier(
        n_estimators=60, max_depth=3, learning_rate=0.2, colsample_bytree=0.3,
        n_jobs=context().threads, random_state=seed,
    )  # fmt: skip


#: Unfitted classifiers by name; "dense" has the 64 units of 2022.
HEADS: dict[str, Callable[[int], ClassifierMixin]] = {
    "linear": lambda _: LogisticRegression(C=0.1, max_iter=2000, class_weight="balanced"),
    "dense": lambda seed: _mlp((64,), 1000, seed),
    **{name: lambda seed, name=name: _members(seed)[name] for name in _members(0)},
    "voting": lambda seed: VotingClassifier(list(_members(seed).items()), voting="hard"),
    "xgboost": _xgboost,
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
        """Predict emotion vectors (n, 6); emotions absent from training get 0.

        A support vector machine gives the softmax of its margins, voting the shares of votes.
        """
        classifier = self.pipeline[-1]
        if isinstance(classifier, VotingClassifier):
            votes = self.pipeline.transform(features)  # (n, members), indices of `seen`
            shares = (votes[:, :, None] == np.arange(len(self.seen))).mean(1)
        elif isinstance(classifier, SVC):
            margins = self.pipeline.decision_function(features)
            if margins.ndim == 1:  # two emotions
                margins = np.stack([-margins, margins], axis=1)
            shares = softmax(margins, axis=1)
        else:
            shares = self.pipeline.predict_proba(features)
        emotion_vectors = np.zeros((len(features), emotions.N))
        emotion_vectors[:, self.seen] = shares
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
        If the name is unknown, or if there are fewer songs than neighbours to look up.
    """
    if name not in HEADS:
        raise BadInput(f"There is no head '{name}'; choose one of: {', '.join(HEADS)}.")
    seen, indices = np.unique(labels, return_inverse=True)
    classifier = HEADS[name](seed) if len(seen) > 1 else DummyClassifier()  # one class only
    looks_up = isinstance(classifier, KNeighborsClassifier | VotingClassifier)
    if looks_up and len(features) < _NEIGHBOURS:
        raise BadInput(
            f"{len(features)} songs are too few for the seven neighbours of '{name}'; "
            "take another head."
        )
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
