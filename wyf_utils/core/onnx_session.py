"""Sessions of ONNX Runtime for exported models."""

from __future__ import annotations

from pathlib import Path

import onnxruntime

from .context import context


def open_session(model: Path) -> onnxruntime.InferenceSession:
    """Open an exported model on the CPU, with the threads of the context."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = context().threads
    options.log_severity_level = 3
    # fused, the sum and the normalisation take four times as long as the two apart
    return onnxruntime.InferenceSession(
        str(model),
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=["SkipLayerNormFusion"],
    )
