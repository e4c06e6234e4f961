"""Sentence to six probabilities: baselines, fine-tuning by the Hugging Face Trainer, prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.isotonic import IsotonicRegression
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedTokenizerBase

from ..core import artifacts, emotions
from ..core.errors import BadInput, CorruptData, MissingData
from ..core.files import read_json
from ..core.runtime import device, progress
from ..core.vectors import apply_temperature
from ..data.cleaning import without_full_stops
from . import embeddings, encoders
from .emotion_model import EmotionModel

TARGETS = list(emotions.EN)
#: Beside the weights: recipe, seed, curve, calibration.
CARD = "recipe.json"


# Baselines ------------------------------------------------------------------------------------------


# Fine-tuning ----------------------------------------------------------------------------------------


# Calibration ----------------------------------------------------------------------------------------


def calibrate(probabilities: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Temperature scaling (Guo et al. 2017, On Calibration of Modern Neural Networks) and where the model is not sure.

    Parameters
    ----------
    probabilities, true
        Of the dev part: (n, 6), and emotion ids (n,).

    Returns
    -------
    dict
        temperature: divides the logits so that the true emotions are most likely; unsure_below: the confidence under which an
        answer is right less than once in three times (isotonic regression; 0 where there is none).
    """

    def surprise(temperature: float) -> float:
        return float(
            -np.log(
                apply_temperature(probabilities, temperature)[np.arange(len(true)), true] + 1e-9
            ).mean()
        )

    temperature = float(minimize_scalar(surprise, bounds=(0.2, 5.0), method="bounded").x)
    calibrated = apply_temperature(probabilities, temperature)
    confidence, right = calibrated.max(1), calibrated.argmax(1) == true
    doubtful = confidence[IsotonicRegression().fit_transform(confidence, right) < 1 / 3]
    return {
        "temperature": temperature,
        "unsure_below": float(doubtful.max()) if len(doubtful) else 0.0,
    }


# Prediction -----------------------------------------------------------------------------------------


def has_words(texts: Sequence[str]) -> np.ndarray:
    """Mask of texts that hold a letter or a digit; blanks, bare signs and missing values have nothing to read."""
    return np.array([isinstance(t, str) and any(c.isalnum() for c in t) for t in texts])


@dataclass
class Classifier:
    """A trained model that turns texts into six probabilities."""

    model: EmotionModel
    tokenizer: PreTrainedTokenizerBase
    prefix: str
    max_length: int
    curve: list[dict] = field(default_factory=list)
    temperature: float = 1.0
    unsure_below: float = 0.0

    @torch.inference_mode()
    def logits(self, input_ids: np.ndarray, attention_mask: np.ndarray) -> np.ndarray:
        """Logits (batch, 6) of encoded texts, (batch, tokens) each."""
        where = next(self.model.parameters()).device
        return (
            self.model(*(torch.from_numpy(x).to(where) for x in (input_ids, attention_mask)))[
                "logits"
            ]
            .float()
            .cpu()
            .numpy()
        )

    def predict(self, texts: Sequence[str], batch_size: int = 32, desc: str = "") -> np.ndarray:
        """Calibrated probabilities of the six emotions.

        Parameters
        ----------
        texts
            Texts, read without full stops, as in training; one longer than `max_length` tokens is read in windows, whose mean it gets.
        desc
            What the progress bar says; none is shown where this is empty.

        Returns
        -------
        ndarray of shape (n, 6), float32
            Rows sum to 1; the row of a text that is not `readable` is nan, and the others are as without it.
        """
        good = has_words(texts)
        if not good.any():
            raise BadInput("There is no text to classify; pass at least one with words.")
        windows = self.tokenizer(
            [
                self.prefix + without_full_stops(t)
                for t, kept in zip(texts, good, strict=True)
                if kept
            ],
            truncation=True,
            max_length=self.max_length,
            return_overflowing_tokens=True,
        )
        ids, owners = windows["input_ids"], np.array(windows["overflow_to_sample_mapping"])
        probabilities = np.empty((len(ids), emotions.N), np.float32)
        batches = embeddings.by_length([len(i) for i in ids], batch_size)
        for batch in progress(batches, desc=desc) if desc else batches:
            inputs = self.tokenizer.pad({"input_ids": [ids[i] for i in batch]}, return_tensors="np")
            probabilities[batch] = softmax(
                self.logits(inputs["input_ids"], inputs["attention_mask"]), axis=1
            )
        sums = np.zeros((good.sum(), emotions.N), np.float32)
        np.add.at(sums, owners, probabilities)
        answers = np.full((len(texts), emotions.N), np.nan, np.float32)
        answers[good] = apply_temperature(sums / np.bincount(owners)[:, None], self.temperature)
        return answers


def read_card(path: Path) -> dict:
    """Recipe, curve and calibration of a model saved by `fine_tune`.

    Raises
    ------
    MissingData
        If the folder holds no model.
    """
    if not (path / CARD).is_file():
        raise MissingData(
            f"There is no trained model in {path.name}; run `make run` to train one.",
            f"{path.name} 폴더에 학습된 모델이 없어요. `make run`을 실행해 주세요.",
        )
    card = read_json(path / CARD)
    if not {"recipe", "curve", "temperature", "unsure_below"} <= card.keys():
        raise MissingData(
            f"The model in {path.name} was made by older code; run `make run` to train it anew.",
            f"{path.name} 폴더의 모델은 예전 코드로 만든 것이에요. `make run`으로 다시 학습해 주세요.",
        )
    return card


def classifier_fields(path: Path) -> dict:
    """All fields of a `Classifier` but its model, from the folder of a model saved by `fine_tune`."""
    card = read_card(path)
    return {
        "tokenizer": AutoTokenizer.from_pretrained(path),
        "prefix": AutoConfig.from_pretrained(path).text_prefix,
        "max_length": card["recipe"]["max_length"],
        **{name: card[name] for name in ("curve", "temperature", "unsure_below")},
    }


def load(path: Path) -> Classifier:
    """Load a model saved by `fine_tune` into torch.

    Raises
    ------
    MissingData
        If the folder holds no model.
    CorruptData
        If its weights cannot be read.
    """
    fields = classifier_fields(path)
    model = EmotionModel(
        encoders.without_pooler(AutoModel.from_config(AutoConfig.from_pretrained(path)))
    )
    try:
        model.load_state_dict(load_file(path / "model.safetensors"))
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise CorruptData(
            f"The weights in {path.name} are damaged; delete that folder and run `make run`.",
            f"{path.name} 폴더의 모델이 손상되었어요. 그 폴더를 지우고 `make run`을 실행해 주세요.",
        ) from error
    return Classifier(model.eval().to(device()), **fields)


def read_lyrics(model: Classifier, lyrics: Sequence[Sequence[str]], desc: str = "") -> np.ndarray:
    """Probabilities (n, 6) of lyrics, each a list of couplets: the mean over those that can be read."""
    found = model.predict([couplet for lyric in lyrics for couplet in lyric], desc=desc)
    ends = np.cumsum([len(lyric) for lyric in lyrics])[:-1]
    return np.stack([np.nanmean(part, axis=0) for part in np.split(found, ends)])


#: All that stands between weights and answers, so that a change of any is another cache entry.
READING = [Classifier, EmotionModel, apply_temperature, has_words, without_full_stops, read_lyrics]


def cached_probabilities(model: artifacts.Entry, texts: pd.Series) -> np.ndarray:
    """Probabilities (n, 6) of texts by a trained model, from the cache."""

    def make(folder: Path) -> None:
        probabilities = load(model.path).predict(texts.tolist(), desc="read the test part")
        np.save(folder / "probabilities.npy", probabilities, allow_pickle=False)

    entry = artifacts.folder(
        "predictions",
        make,
        parameters={"model": model.key},
        data=artifacts.fingerprint(texts),
        code=READING,
    )
    return np.load(entry.path / "probabilities.npy", allow_pickle=False)
