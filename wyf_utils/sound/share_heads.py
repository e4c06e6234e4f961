"""Heads that predict shares of listeners: features of a song to what people felt.

Unlike the classifiers of `heads`, they learn from shares, which keep how much listeners agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from ..core.errors import BadInput

#: Penalties that ridge regression chooses from, by leaving one song out.
_PENALTIES = 10.0 ** np.arange(1, 6, 0.5)
_COMPONENTS = 20


class SoftLogistic(RegressorMixin, BaseEstimator):
    """Multinomial logistic regression on soft targets: each song counts for all its emotions.

    The penalty grows with the number of features, so that one strength suits all of them.
    """

    def __init__(self, strength: float = 0.3):
        self.strength = strength

    def fit(self, features: np.ndarray, shares: np.ndarray) -> SoftLogistic:
        """Fit features (n, dim), standardised, to shares (n, k), each row of which counts 1."""
        n, k = shares.shape
        total = shares.sum(1, keepdims=True)
        soft = np.divide(shares, total, out=np.full(shares.shape, 1 / k), where=total > 0)
        model = LogisticRegression(C=1 / (self.strength * features.shape[1]), max_iter=500)
        repeated, labels = np.repeat(features, k, axis=0), np.tile(np.arange(k), n)
        self.model_ = model.fit(repeated, labels, sample_weight=soft.ravel())
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Predict soft targets (n, k); rows sum to 1."""
        return self.model_.predict_proba(features)


def _ridge() -> RegressorMixin:
    return RidgeCV(_PENALTIES, alpha_per_target=True)


def _forest(seed: int) -> RegressorMixin:
    return ExtraTreesRegressor(200, min_samples_leaf=3, max_features=0.3, random_state=seed)


#: Unfitted heads by name; what comes before the last one standardises.
HEADS: dict[str, Callable[[int], Pipeline]] = {
    "ridge": lambda _: make_pipeline(StandardScaler(), _ridge()),
    "soft": lambda _: make_pipeline(StandardScaler(), SoftLogistic()),
    "pca": lambda seed: make_pipeline(
        StandardScaler(), PCA(_COMPONENTS, random_state=seed), _ridge()
    ),
    "forest": lambda seed: make_pipeline(StandardScaler(), _forest(seed)),
    "svr": lambda _: make_pipeline(
        StandardScaler(), MultiOutputRegressor(SVR(C=0.3, epsilon=0.05))
    ),
}


def fit_shares(name: str, features: np.ndarray, shares: np.ndarray, seed: int) -> Pipeline:
    """Fit a head of `HEADS`; its `predict` gives shares (n, k).

    Parameters
    ----------
    features, shares
        Features (n, dim) and shares of listeners (n, k), 0 to 1.

    Raises
    ------
    BadInput
        If the name is unknown, or if there are fewer songs than components.
    """
    if name not in HEADS:
        raise BadInput(
            f"There is no head '{name}'; choose one of: {', '.join(HEADS)}.",
            f"'{name}'이라는 예측기는 없어요. 다음 중에서 골라 주세요: {', '.join(HEADS)}.",
        )
    if len(features) <= _COMPONENTS:
        raise BadInput(
            f"{len(features)} songs are too few to learn shares from; bring more than "
            f"{_COMPONENTS}.",
            f"곡 {len(features)}개로는 배울 수 없어요. {_COMPONENTS}개보다 많아야 해요.",
        )
    return HEADS[name](seed).fit(features, shares)


def average(predictions: Sequence[np.ndarray]) -> np.ndarray:
    """Average predictions (n, k) of several heads, each scaled to sum 1 a song."""
    clipped = [np.clip(shares, 1e-3, None) for shares in predictions]
    return np.mean([shares / shares.sum(1, keepdims=True) for shares in clipped], axis=0)
