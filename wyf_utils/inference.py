"""The trained classifier for daily use: ONNX Runtime with eight-bit weights, the same answers several times faster.

Weights are kept in blocks of 32 with a scale each. Whole-tensor eight-bit activations, the usual way, would change every
eighth answer: E5's activations have outliers. Torch stays the reference (`classifier.load`).
"""

from __future__ import annotations

import hashlib
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from . import cache, classifier
from .errors import BadInput
from .settings import THREADS, device

BLOCK = 32  # weights that share a scale


@dataclass
class OnnxClassifier(classifier.Classifier):
    """A `Classifier` whose logits come from ONNX Runtime; `model` is the session."""

    def logits(self, input_ids: np.ndarray, attention_mask: np.ndarray) -> np.ndarray:
        """Logits (batch, 6) of encoded texts, (batch, tokens) each."""
        return self.model.run(None, {"input_ids": input_ids, "attention_mask": attention_mask})[0]


class _Logits(torch.nn.Module):
    def __init__(self, model: torch.nn.Module):
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids, attention_mask)["logits"]


def export(model: Path, folder: Path) -> None:
    """Export a model saved by `classifier.fine_tune` to `folder/model.onnx`, weights in eight bits.

    Raises
    ------
    BadInput
        If the encoder has a part that ONNX does not know; torch still reads it.
    """
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    logging.getLogger("onnxruntime.quantization").setLevel(logging.ERROR)
    logging.getLogger("onnxruntime.quantization.matmul_nbits_quantizer").setLevel(logging.ERROR)
    loaded = classifier.load(model).model.cpu()
    loaded.encoder.set_attn_implementation("eager")  # plain operations, which the quantizer can see
    ids = torch.full((2, 8), 5)
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0  # with nothing to mask, the trace would leave the mask out
    path = folder / "full.onnx"
    free = {0: "batch", 1: "tokens"}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tracing tells every Python number that it fixes
            torch.onnx.export(
                _Logits(loaded).eval(), (ids, mask), str(path), input_names=["input_ids", "attention_mask"], output_names=["logits"],
                dynamic_axes={"input_ids": free, "attention_mask": free, "logits": {0: "batch"}}, opset_version=17, dynamo=False,
            )  # fmt: skip
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        raise BadInput(f"The model in {model.name} cannot be exported ({type(error).__name__}); use `classifier.load`, which reads it by torch.") from error
    quantizer = MatMulNBitsQuantizer(onnx.load(path), bits=8, block_size=BLOCK, is_symmetric=True, accuracy_level=4)
    quantizer.process()
    quantizer.model.save_model_to_file(str(folder / "model.onnx"))
    path.unlink()


def exported(model: Path) -> cache.Entry:
    """Exported model from the cache, exported first where it is not there yet."""
    with (model / "model.safetensors").open("rb") as file:
        weights = hashlib.file_digest(file, "sha256").hexdigest()
    return cache.folder("onnx", lambda folder: export(model, folder), parameters={"block": BLOCK}, data=weights, code=[export, _Logits])


def load_onnx(model: Path, threads: int = THREADS) -> OnnxClassifier:
    """Load a model saved by `classifier.fine_tune` into ONNX Runtime.

    Parameters
    ----------
    model
        Its folder.
    threads
        Threads of one prediction.

    Raises
    ------
    MissingData, CorruptData
        As `classifier.load`.
    BadInput
        If it cannot be exported.
    """
    fields = classifier.reader(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(exported(model).path / "model.onnx"), options, providers=["CPUExecutionProvider"])
    return OnnxClassifier(session, **fields)


def load(model: Path) -> classifier.Classifier:
    """Load a model for daily use: ONNX Runtime on a CPU, torch on a GPU."""
    return load_onnx(model) if device() == "cpu" else classifier.load(model)
