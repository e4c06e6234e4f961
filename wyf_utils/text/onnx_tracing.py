"""Export of any classifier to ONNX by torch's tracing, with eight-bit weights by blocks."""

from __future__ import annotations

import warnings
from pathlib import Path

import onnx
import torch
from torch import nn

from ..core.errors import BadInput


class _Logits(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids, attention_mask)["logits"]


def trace(model: nn.Module, name: str, path: Path) -> None:
    """Export any classifier in 32 bits to `path`, by torch's tracing.

    Raises
    ------
    BadInput
        If the encoder has a part that ONNX does not know.
    """
    model.encoder.set_attn_implementation("eager")
    ids = torch.full((2, 8), 5)
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0  # with nothing to mask, the trace would leave the mask out
    free = {0: "batch", 1: "tokens"}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tracing tells every Python number that it fixes
            torch.onnx.export(
                _Logits(model).eval(),
                (ids, mask),
                str(path),
                input_names=["input_ids", "attention_mask"],
                output_names=["logits"],
                dynamic_axes={"input_ids": free, "attention_mask": free, "logits": {0: "batch"}},
                opset_version=17,
                dynamo=False,
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        raise BadInput(
            f"The model in {name} cannot be exported ({type(error).__name__}); "
            "use `classifier.load`, which reads it by torch."
        ) from error


def quantize_blocks(path: Path) -> onnx.ModelProto:
    """Quantise the weights of an exported model to eight bits, by blocks of 32."""
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    quantizer = MatMulNBitsQuantizer(
        onnx.load(path), bits=8, block_size=32, is_symmetric=True, accuracy_level=4
    )
    quantizer.process()
    return quantizer.model.model
