"""The reader of sentences and lyrics: characters and fine-tuned encoder, pooled and calibrated.

On sentences of writers that neither has seen, the two err apart. Their calibrated probabilities
are pooled by the geometric mean (logarithmic opinion pool, Genest and Zidek 1986).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import softmax
from sklearn.pipeline import Pipeline

from ..core import artifacts
from ..core.errors import MissingData
from ..core.files import read_json, write_json
from ..core.paths import cache_folder
from ..core.vectors import apply_temperature
from . import characters
from .characters import predict_six
from .prediction import Classifier, calibrate, predict_readable

CARD = "reader.json"
#: Smallest probability that enters the geometric mean.
FLOOR = 1e-6


@dataclass
class Reader:
    """Reads texts as six probabilities.

    Attributes
    ----------
    characters : Pipeline
        Character n-gram model.
    neural : Classifier or None
        Fine-tuned encoder; without one the characters read alone.
    sharpness : float
        Temperature of the characters before pooling.
    temperature, unsure_below : float
        Calibration of the pool, from `prediction.calibrate`.
    """

    characters: Pipeline
    neural: Classifier | None
    sharpness: float = 1.0
    temperature: float = 1.0
    unsure_below: float = 0.0

    def predict(self, texts: Sequence[str], desc: str = "") -> np.ndarray:
        """Predict calibrated probabilities (n, 6), float32.

        Parameters
        ----------
        desc
            Label of the progress bar of the encoder; without one no bar is shown.

        Returns
        -------
        ndarray of shape (n, 6), float32
            Rows sum to 1; the row of a text without words is nan.

        Raises
        ------
        BadInput
            If no text has words.
        """
        return predict_readable(texts, lambda readable: self._predict(readable, desc))

    def _predict(self, texts: list[str], desc: str) -> np.ndarray:
        """Pool the probabilities (n, 6) of texts with words."""
        votes = [apply_temperature(predict_six(self.characters, texts), self.sharpness)]
        if self.neural is not None:
            votes.append(self.neural.predict(texts, desc=desc))
        logs = np.mean([np.log(np.maximum(vote, FLOOR)) for vote in votes], axis=0)
        return apply_temperature(softmax(logs, axis=1), self.temperature)


def fitted(
    train: pd.DataFrame, dev: pd.DataFrame, neural: artifacts.Entry | None
) -> artifacts.Entry:
    """Return a reader from the cache: fit the characters, pool them, calibrate the pool on dev.

    Parameters
    ----------
    train, dev
        Tables with text and emotion.
    neural
        Fine-tuned encoder (`finetuning.trained`) of the same parts, or None for characters alone.
    """

    def make(folder: Path) -> None:
        characters.save(characters.fit(train, dev), folder)
        true, texts = dev["emotion"].to_numpy(), dev["text"].tolist()
        alone = predict_six(characters.load(folder), texts)
        card = {"neural": neural.key if neural else ""}
        card["sharpness"] = calibrate(alone, true)["temperature"]
        write_json(folder / CARD, card | {"temperature": 1.0, "unsure_below": 0.0})
        write_json(folder / CARD, card | calibrate(load(folder).predict(texts), true))

    parts = (train[["text", "emotion"]], dev[["text", "emotion"]])
    parameters = {"neural": neural.key if neural else ""}
    data = artifacts.fingerprint(*parts)
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
    neural = cache_folder() / "classifier" / card["neural"] if card.get("neural") else None
    if not card or (neural and not neural.is_dir()):
        raise MissingData(
            f"The reader {folder.name} is gone from the cache; run `make run`.",
            "문장을 읽는 모델이 캐시에 없어요. `make run`을 실행해 주세요.",
        )
    if neural and open_neural is None:
        from .onnx_model import load as open_neural
    return Reader(
        characters=characters.load(folder),
        neural=open_neural(neural) if neural else None,
        **{name: card[name] for name in ("sharpness", "temperature", "unsure_below")},
    )
