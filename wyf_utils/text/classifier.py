"""A fine-tuned classifier in torch: the reference for its ONNX export, and for training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel

from ..core import artifacts
from ..core.errors import CorruptData
from ..core.runtime import device, mixed_precision
from . import encoders
from .emotion_model import EmotionModel
from .prediction import Classifier, classifier_fields


@dataclass
class TorchClassifier(Classifier):
    """A `Classifier` whose model is an `EmotionModel`."""

    @torch.inference_mode()
    def logits(self, input_ids: np.ndarray, attention_mask: np.ndarray) -> np.ndarray:
        """Compute logits (batch, 6) from token ids and attention mask, (batch, tokens) each."""
        where = next(self.model.parameters()).device
        inputs = (torch.from_numpy(x).to(where) for x in (input_ids, attention_mask))
        return self.model(*inputs)["logits"].float().cpu().numpy()


def load(path: Path) -> TorchClassifier:
    """Load a model saved by `fine_tune` into torch.

    Raises
    ------
    MissingData
        If the folder holds no model, or one that older code saved.
    CorruptData
        If its weights cannot be read.
    """
    fields = classifier_fields(path)
    encoder = AutoModel.from_config(AutoConfig.from_pretrained(path))
    model = EmotionModel(encoders.without_pooler(encoder))
    try:
        model.load_state_dict(load_file(path / "model.safetensors"))
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise CorruptData(
            f"The weights in {path.name} are damaged; delete that folder and run `make run`.",
            f"{path.name} 폴더의 모델이 손상되었어요. 그 폴더를 지우고 `make run`을 실행해 주세요.",
        ) from error
    return TorchClassifier(model.eval().to(device()), **fields)


def predict(path: Path, texts: Sequence[str], desc: str = "") -> np.ndarray:
    """Predict probabilities (n, 6) by a saved model, in the precision of training."""
    with torch.autocast(device(), torch.bfloat16, enabled=mixed_precision()):
        return load(path).predict(texts, desc=desc)


def cached_probabilities(model: artifacts.Entry, texts: pd.Series) -> np.ndarray:
    """Predict probabilities (n, 6) of texts by a cached model, from the cache if possible."""

    def compute() -> np.ndarray:
        return predict(model.path, texts.tolist(), desc="read the test part")

    return artifacts.cached_array(
        "predictions",
        compute,
        parameters={"model": model.key, "bfloat16": mixed_precision()},
        data=artifacts.fingerprint(texts),
    )
