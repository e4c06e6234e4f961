"""The trained classifier in ONNX Runtime, for daily use: no torch, several times as fast."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core import artifacts
from ..core.onnx_session import open_session
from ..core.runtime import device
from ..data import text_corpora
from . import prediction

#: Sentences of the sample from which the ranges of the eight-bit inputs are taken.
CALIBRATION_SENTENCES = 300


@dataclass
class OnnxClassifier(prediction.Classifier):
    """A `Classifier` whose logits come from ONNX Runtime; `model` is the session."""

    def logits(self, input_ids: np.ndarray, attention_mask: np.ndarray) -> np.ndarray:
        """Compute logits (batch, 6) of token ids and masks (batch, tokens)."""
        return self.model.run(None, {"input_ids": input_ids, "attention_mask": attention_mask})[0]


def exported(model: Path) -> artifacts.Entry:
    """Return the exported model of a folder saved by `finetuning.fine_tune`, from the cache."""
    with (model / "model.safetensors").open("rb") as file:
        weights = hashlib.file_digest(file, "sha256").hexdigest()
    table = text_corpora.utterances("sample")[0]
    sentences = table["text"].sample(CALIBRATION_SENTENCES, random_state=0).tolist()

    def make(folder: Path) -> None:
        from .onnx_export import export

        export(model, folder, sentences)

    data = artifacts.fingerprint(weights, sentences)
    return artifacts.get_or_create("onnx", make, parameters={}, data=data)


def load_onnx(model: Path) -> OnnxClassifier:
    """Load a model saved by `finetuning.fine_tune` into ONNX Runtime; export it first if needed.

    Raises
    ------
    MissingData, CorruptData
        As `classifier.load`.
    BadInput
        If it cannot be exported.
    """
    fields = prediction.classifier_fields(model)
    return OnnxClassifier(open_session(exported(model).path / "model.onnx"), **fields)


def load(model: Path) -> prediction.Classifier:
    """Load a model for reading many texts: ONNX Runtime on a CPU, torch on a GPU."""
    if device() == "cpu":
        return load_onnx(model)
    from . import classifier

    return classifier.load(model)
