"""The reader of sentences and lyrics: n-grams and fine-tuned encoder, pooled and calibrated.

On sentences of writers that neither has seen, the two err apart. Their probabilities are pooled
as a weighted product (logarithmic opinion pool, Genest and Zidek 1986).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn.pipeline import Pipeline

from ..core import artifacts
from ..core.errors import MissingData
from ..core.files import read_json, write_json
from ..core.paths import cache_folder
from . import ngrams
from .prediction import Classifier, TextPredictor, unsure_threshold

CARD = "reader.json"
#: Smallest probability that enters the product.
FLOOR = 1e-6


@dataclass
class Reader(TextPredictor):
    """Reads texts as six probabilities.

    Attributes
    ----------
    ngrams : Pipeline
        N-gram model (`ngrams.fit`).
    neural : Classifier or None
        Fine-tuned encoder; without one the n-grams read alone.
    exponents : tuple of float
        Weight of each model's log-probabilities, from `pool_exponents`.
    unsure_below : float
        Confidence below which an answer is unreliable, from `prediction.unsure_threshold`.
    """

    ngrams: Pipeline
    neural: Classifier | None
    exponents: tuple[float, ...] = (1.0, 1.0)
    unsure_below: float = 0.0

    def _predict(self, texts: list[str], desc: str) -> np.ndarray:
        """Pool the probabilities (n, 6) of texts with words."""
        votes = [ngrams.class_probabilities(self.ngrams, texts)]
        if self.neural is not None:
            votes.append(self.neural.predict(texts, desc=desc))
        return pool(votes, self.exponents)


def pool(votes: Sequence[np.ndarray], exponents: Sequence[float]) -> np.ndarray:
    """Multiply probabilities (n, 6) raised to their exponents, and scale rows to sum 1."""
    pairs = zip(votes, exponents, strict=False)
    return softmax(sum(e * np.log(np.maximum(vote, FLOOR)) for vote, e in pairs), axis=1)


def pool_exponents(votes: Sequence[np.ndarray], true: np.ndarray) -> tuple[float, ...]:
    """Find the exponents of `pool` that minimise the negative log-likelihood.

    For one model alone this is temperature scaling (Guo et al. 2017).

    Parameters
    ----------
    votes
        Probabilities of the dev part (n, 6), one array a model.
    true
        Emotion ids (n,).
    """
    rows = np.arange(len(true))

    def negative_log_likelihood(exponents: np.ndarray) -> float:
        return float(-np.log(pool(votes, exponents)[rows, true] + 1e-9).mean())

    start = np.full(len(votes), 1 / len(votes))
    bounds = [(0.05, 5.0)] * len(votes)
    found = minimize(negative_log_likelihood, start, bounds=bounds, method="L-BFGS-B")
    return tuple(round(float(exponent), 4) for exponent in found.x)


def fitted(
    train: pd.DataFrame, dev: pd.DataFrame, neural: artifacts.Entry | None
) -> artifacts.Entry:
    """Return a reader from the cache: fit the n-grams, then pool and calibrate on dev.

    Parameters
    ----------
    train, dev
        Tables with text and emotion.
    neural
        Fine-tuned encoder (`finetuning.trained`) of the same parts, or None for n-grams alone.
    """
    counted = ngrams.trained(train, dev)
    parameters = {"ngrams": counted.key, "neural": neural.key if neural else ""}

    def make(folder: Path) -> None:
        card = parameters | {"exponents": [], "unsure_below": 0.0}
        write_json(folder / CARD, card)
        made, true, texts = load(folder), dev["emotion"].to_numpy(), dev["text"].tolist()
        votes = [ngrams.class_probabilities(made.ngrams, texts)]
        votes += [made.neural.predict(texts)] if neural else []
        exponents = pool_exponents(votes, true)
        unsure_below = unsure_threshold(pool(votes, exponents), true)
        write_json(folder / CARD, card | {"exponents": exponents, "unsure_below": unsure_below})

    data = artifacts.fingerprint(dev[["text", "emotion"]])
    return artifacts.get_or_create("reader", make, parameters=parameters, data=data)


def load(folder: Path, open_neural: Callable[[Path], Classifier] | None = None) -> Reader:
    """Load a reader from its folder.

    Parameters
    ----------
    open_neural
        Loads the fine-tuned encoder from its folder; `onnx_model.load` by default.

    Raises
    ------
    MissingData
        If the reader or its encoder is not in the cache.
    CorruptData
        If a file is damaged.
    """
    card = read_json(folder / CARD)
    counted = cache_folder() / "ngrams" / card.get("ngrams", "")
    neural = cache_folder() / "classifier" / card["neural"] if card.get("neural") else None
    if not card or not all(part.is_dir() for part in (counted, neural) if part):
        raise MissingData(
            f"The reader {folder.name} is gone from the cache; run `make run`.",
            "문장을 읽는 모델이 캐시에 없어요. `make run`을 실행해 주세요.",
        )
    if neural and open_neural is None:
        from .onnx_model import load as open_neural
    return Reader(
        ngrams=ngrams.load(counted),
        neural=open_neural(neural) if neural else None,
        exponents=tuple(card["exponents"]),
        unsure_below=card["unsure_below"],
    )
