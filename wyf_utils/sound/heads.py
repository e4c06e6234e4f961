"""Shallow heads on embeddings: from embedding to six probabilities."""

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
from ..core.errors import BadInput
from ..core.runtime import THREADS
from .dataset import MelDataset


def _members(seed: int) -> dict[str, ClassifierMixin]:
    """Heads of the appendix's table that vote in max voting."""
    return {
        "knn": KNeighborsClassifier(7),
        "svm": SVC(C=3, class_weight="balanced"),
        "mlp": MLPClassifier(
            (128, 64),
            alpha=0.1,
            learning_rate_init=0.003,
            tol=1e-3,
            max_iter=500,
            random_state=seed,
        ),
        "tree": DecisionTreeClassifier(max_depth=6, class_weight="balanced", random_state=seed),
        "forest": RandomForestClassifier(
            200, class_weight="balanced_subsample", n_jobs=THREADS, random_state=seed
        ),
    }


def _xgboost(seed: int) -> ClassifierMixin:
    from xgboost import XGBClassifier

    return XGBClassifier(
        n_estimators=60,
        max_depth=3,
        learning_rate=0.2,
        colsample_bytree=0.3,
        n_jobs=THREADS,
        random_state=seed,
    )


#: Heads by name: linear, the 64 units of 2022, and the table of the appendix.
HEADS: dict[str, Callable[[int], ClassifierMixin]] = {
    "linear": lambda _: LogisticRegression(C=0.1, max_iter=2000, class_weight="balanced"),
    "dense": lambda seed: MLPClassifier(
        (64,), alpha=0.1, learning_rate_init=0.003, tol=1e-3, max_iter=1000, random_state=seed
    ),
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
        Standardises vectors and classifies them into places of `seen`.
    seen : ndarray
        Emotion ids that occurred in training.
    """

    pipeline: Pipeline
    seen: np.ndarray

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Probabilities (n, 6); emotions that the head has never seen get 0.

        A support vector machine gives the softmax of its margins, voting the shares of its votes.
        """
        last = self.pipeline[-1]
        if isinstance(last, VotingClassifier):
            votes = self.pipeline.transform(vectors)  # (n, members), places of `seen`
            given = (votes[:, :, None] == np.arange(len(self.seen))).mean(1)
        elif isinstance(last, SVC):
            margins = self.pipeline.decision_function(vectors)
            given = softmax(
                margins if margins.ndim == 2 else np.stack([-margins, margins], axis=1), axis=1
            )
        else:
            given = self.pipeline.predict_proba(vectors)
        found = np.zeros((len(vectors), emotions.N))
        found[:, self.seen] = given
        return found


def head(name: str, vectors: np.ndarray, labels: np.ndarray, seed: int) -> Head:
    """Fit a shallow classifier of `HEADS` on vectors.

    Parameters
    ----------
    name
        One of `HEADS`.
    vectors, labels
        (n, dim) and emotion ids (n,).
    seed
        Seed of what is random in it.
    """
    if name not in HEADS:
        raise BadInput(f"There is no head '{name}'; choose one of: {', '.join(HEADS)}.")
    seen, places = np.unique(labels, return_inverse=True)
    classifier = (
        HEADS[name](seed) if len(seen) > 1 else DummyClassifier()
    )  # with one emotion there is nothing to tell apart
    if isinstance(classifier, KNeighborsClassifier | VotingClassifier) and len(vectors) < 7:
        raise BadInput(
            f"{len(vectors)} songs are too few for the seven neighbours of '{name}'; take another head."
        )
    return Head(make_pipeline(StandardScaler(), classifier).fit(vectors, places), seen)


def head_answers(
    name: str, vectors: list[np.ndarray], labels: np.ndarray, material: MelDataset, seeds: list[int]
) -> list[np.ndarray]:
    """Answers (n, 6) to the test part by a head fitted on the training part, one a seed; `vectors` of all songs, one array a seed."""
    rows, test = material.rows("train"), material.rows("test")
    return [
        head(name, x[rows], labels[rows], seed).probabilities(x[test])
        for x, seed in zip(vectors, seeds, strict=True)
    ]


def dense_curve(
    vectors: np.ndarray, labels: np.ndarray, material: MelDataset, *, epochs: int, seed: int
) -> dict[str, list[float]]:
    """Loss and accuracy of the 64-unit dense head on training and dev part, epoch by epoch: the curves of the second experiment of 2022."""
    rows, dev = material.rows("train"), material.rows("dev")
    scaled = StandardScaler().fit(vectors[rows]).transform(vectors)
    dense = HEADS["dense"](seed)
    curve: dict[str, list[float]] = {"loss": [], "accuracy": [], "dev_accuracy": []}
    for _ in range(epochs):
        dense.partial_fit(scaled[rows], labels[rows], classes=np.unique(labels[rows]))
        curve["loss"].append(float(dense.loss_))
        curve["accuracy"].append(float(dense.score(scaled[rows], labels[rows])))
        curve["dev_accuracy"].append(float(np.mean(dense.predict(scaled[dev]) == labels[dev])))
    return curve
