"""Prediction of six emotion probabilities from texts, and its calibration, without torch."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.isotonic import IsotonicRegression
from tokenizers import Encoding, Tokenizer

from ..core import emotions
from ..core.errors import BadInput, CorruptData, MissingData
from ..core.files import read_json
from ..core.runtime import progress
from ..core.vectors import apply_temperature
from ..data.cleaning import without_full_stops

#: File beside the weights with the recipe, seed, learning curve and calibration.
CARD = "recipe.json"
#: Most tokens of a batch: threads wait for each other less often in a larger one.
BATCH_TOKENS = 8192


def calibrate(probabilities: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Fit a temperature, and the confidence below which answers are unreliable.

    The temperature minimises the negative log-likelihood (Guo et al. 2017, On Calibration of
    Modern Neural Networks).

    Parameters
    ----------
    probabilities
        Probabilities of the dev part (n, 6).
    true
        Emotion ids (n,).

    Returns
    -------
    dict
        temperature: divisor of the logits, 0.2 to 5. unsure_below: see `unsure_threshold`.
    """
    rows = np.arange(len(true))

    def negative_log_likelihood(temperature: float) -> float:
        likelihoods = apply_temperature(probabilities, temperature)[rows, true]
        return float(-np.log(likelihoods + 1e-9).mean())

    optimum = minimize_scalar(negative_log_likelihood, bounds=(0.2, 5.0), method="bounded")
    temperature = float(optimum.x)
    calibrated = apply_temperature(probabilities, temperature)
    return {"temperature": temperature, "unsure_below": unsure_threshold(calibrated, true)}


def unsure_threshold(probabilities: np.ndarray, true: np.ndarray) -> float:
    """Find the confidence below which answers are unreliable.

    Parameters
    ----------
    probabilities
        Calibrated probabilities of the dev part (n, 6).
    true
        Emotion ids (n,).

    Returns
    -------
    float
        Largest confidence at which isotonic regression expects less than one answer in three to
        be right, or 0.
    """
    confidence, right = probabilities.max(1), probabilities.argmax(1) == true
    doubtful = confidence[IsotonicRegression().fit_transform(confidence, right) < 1 / 3]
    return float(doubtful.max()) if len(doubtful) else 0.0


def has_words(texts: Sequence[str]) -> np.ndarray:
    """Mark the texts (n,) with a letter or a digit; missing values have none."""
    return np.array([isinstance(t, str) and any(c.isalnum() for c in t) for t in texts])


class TextPredictor:
    """Predicts six emotion probabilities from texts; a class of its own says how."""

    def predict(self, texts: Sequence[str], desc: str = "") -> np.ndarray:
        """Predict calibrated probabilities of the six emotions.

        Parameters
        ----------
        desc
            Label of the progress bar; without one no bar is shown.

        Returns
        -------
        ndarray of shape (n, 6), float32
            Rows sum to 1; the row of a text without words (see `has_words`) is nan.

        Raises
        ------
        BadInput
            If no text has words.
        """
        readable = has_words(texts)
        if not readable.any():
            raise BadInput("There is no text to classify; pass at least one with words.")
        probabilities = np.full((len(texts), emotions.N), np.nan, np.float32)
        probabilities[readable] = self._predict(list(itertools.compress(texts, readable)), desc)
        return probabilities

    def _predict(self, texts: list[str], desc: str) -> np.ndarray:
        """Predict the probabilities (n, 6) of texts with words."""
        raise NotImplementedError


def by_length(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Group row numbers into batches of similar length, which need little padding."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


def pad_batch(ids: Sequence[list[int]], pad: int) -> tuple[np.ndarray, np.ndarray]:
    """Pad token ids to one length: ids and attention mask, (batch, tokens) each, int64."""
    lengths = np.array([len(row) for row in ids])
    mask = np.arange(lengths.max()) < lengths[:, None]
    padded = np.full(mask.shape, pad, np.int64)
    padded[mask] = list(itertools.chain.from_iterable(ids))
    return padded, mask.astype(np.int64)


@dataclass
class Classifier(TextPredictor):
    """A fine-tuned model that predicts six emotion probabilities from texts.

    Attributes
    ----------
    model
        Network or session that `logits` runs.
    tokenizer : tokenizers.Tokenizer
        Without truncation and padding.
    pad : int
        Token id of the padding.
    prefix : str
        Text that the encoder expects in front of every text.
    max_length : int
        Tokens of a window.
    curve : list of dict
        Training log: step, loss and dev scores.
    temperature, unsure_below : float
        From `calibrate`.
    """

    model: Any
    tokenizer: Tokenizer
    pad: int
    prefix: str
    max_length: int
    curve: list[dict] = field(default_factory=list)
    temperature: float = 1.0
    unsure_below: float = 0.0

    def logits(self, input_ids: np.ndarray, attention_mask: np.ndarray) -> np.ndarray:
        """Compute logits (batch, 6) from token ids and attention mask, (batch, tokens) each."""
        raise NotImplementedError

    def _predict(self, texts: list[str], desc: str) -> np.ndarray:
        """Predict the probabilities (n, 6) of texts with words.

        Full stops are removed, as in training. A text longer than `max_length` tokens is read in
        windows, each with the encoder's prefix. Their probabilities are averaged with weights
        proportional to their text tokens.
        """
        rows, windows, weights = self.windows([without_full_stops(text) for text in texts])
        probabilities = np.empty((len(windows), emotions.N), np.float32)
        batches = by_length([len(ids) for ids in windows], max(1, BATCH_TOKENS // self.max_length))
        for batch in progress(batches, desc=desc) if desc else batches:
            logits = self.logits(*pad_batch([windows[i] for i in batch], self.pad))
            probabilities[batch] = softmax(logits, axis=1)
        means = np.zeros((len(texts), emotions.N))
        np.add.at(means, rows, probabilities * weights[:, None])
        return apply_temperature(means, self.temperature)

    def windows(self, texts: Sequence[str]) -> tuple[list[int], list[list[int]], np.ndarray]:
        """Cut texts into windows: row of the text, token ids, and weight within the text."""
        encodings = self.tokenizer.encode_batch([self.prefix + text for text in texts])
        rows, windows, weights = [], [], []
        for row, encoding in enumerate(encodings):
            for ids, weight in self._cut(encoding):
                rows.append(row)
                windows.append(ids)
                weights.append(weight)
        return rows, windows, np.array(weights)

    def _cut(self, encoding: Encoding) -> list[tuple[list[int], float]]:
        """Cut one text into windows: token ids, and share of the text's tokens."""
        ids = encoding.ids
        if len(ids) <= self.max_length:
            return [(ids, 1.0)]
        # in characters, a special token ends at 0 and a token of the prefix within the prefix
        ends = np.array(encoding.offsets)[:, 1]
        inside = np.flatnonzero(ends > len(self.prefix.rstrip()))
        first, last = inside[0], inside[-1] + 1
        before, tokens, after = ids[:first], ids[first:last], ids[last:]
        size = self.max_length - len(before) - len(after)
        parts = [tokens[i : i + size] for i in range(0, len(tokens), size)]
        return [(before + part + after, len(part) / len(tokens)) for part in parts]


def read_card(path: Path) -> dict:
    """Read the recipe, learning curve and calibration of a model saved by `fine_tune`.

    Raises
    ------
    MissingData
        If the folder holds no model, or one that older code saved.
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
            f"{path.name} 폴더의 모델은 예전 코드로 만든 것이에요. "
            f"`make run`으로 다시 학습해 주세요.",
        )
    return card


def classifier_fields(path: Path) -> dict:
    """Read all fields of a `Classifier` except its model, from the folder of a saved model.

    Raises
    ------
    MissingData
        If the folder holds no model, or one that older code saved.
    CorruptData
        If its tokenizer cannot be read.
    """
    card, config = read_card(path), read_json(path / "config.json")
    try:
        tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
    except Exception as error:  # the library raises a bare Exception
        raise CorruptData(
            f"The tokenizer in {path.name} is damaged; delete that folder and run `make run`.",
            f"{path.name} 폴더의 모델이 손상되었어요. 그 폴더를 지우고 `make run`을 실행해 주세요.",
        ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return {
        "tokenizer": tokenizer,
        "pad": config["pad_token_id"],
        "prefix": config["text_prefix"],
        "max_length": card["recipe"]["max_length"],
        **{name: card[name] for name in ("curve", "temperature", "unsure_below")},
    }


def read_lyrics(model: Classifier, lyrics: Sequence[Sequence[str]], desc: str = "") -> np.ndarray:
    """Average the probabilities of each lyric's couplets, (n, 6), without unreadable couplets."""
    probabilities = model.predict([couplet for lyric in lyrics for couplet in lyric], desc=desc)
    ends = np.cumsum([len(lyric) for lyric in lyrics])[:-1]
    return np.stack([np.nanmean(part, axis=0) for part in np.split(probabilities, ends)])
