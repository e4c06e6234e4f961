"""The trained classifier for daily use: ONNX Runtime with eight-bit weights and sums, the same answers several times faster.

Whole-tensor eight-bit inputs, the usual way, would change every eighth answer: a few channels of E5's activations are up to a thousand
times as large as the others. So the largest channels stay exact (after Dettmers et al. 2022, LLM.int8()), the scale of the rest is shared
with the weights (SmoothQuant, Xiao et al. 2023), and every token has its own. Torch stays the reference (`classifier.load`).
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

#: One in so many inputs of a linear layer stays exact.
EXACT = 16


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


class _Linear(torch.nn.Module):
    """Linear layer in the form that survives eight bits: the same sums, split into `rounded` and the large channels.

    Parameters
    ----------
    layer
        Layer with weights (out, in).
    largest
        Largest absolute value that each input channel took, (in,).
    widest
        Largest absolute weight of each input channel, over all layers that read the same input, (in,).
    """

    def __init__(self, layer: torch.nn.Linear, largest: torch.Tensor, widest: torch.Tensor):
        super().__init__()
        weight = layer.weight.detach()
        smooth = (largest.clamp(min=1e-3) / widest.clamp(min=1e-3)).sqrt()
        large = (largest * widest).topk(max(1, len(largest) // EXACT)).indices.sort().values
        shrink, rounded = 1 / smooth, weight * smooth
        shrink[large], rounded[:, large] = 0, 0
        for name, tensor in {"large": large, "shrink": shrink, "exact": weight[:, large].T.contiguous(), "rounded": rounded.T.contiguous()}.items():
            self.register_buffer(name, tensor)
        self.register_buffer("bias", torch.zeros(len(weight)) if layer.bias is None else layer.bias.detach())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rest = x * self.shrink
        size = rest.abs().amax(-1, keepdim=True)  # of each token
        return (rest / size) @ self.rounded * size + x[..., self.large] @ self.exact + self.bias


@torch.no_grad()
def _prepare(model: classifier.EmotionModel) -> None:
    """Put `_Linear` in the place of the encoder's linear layers, by the values that random tokens bring about: large channels are so whatever is read."""
    layers = {name: module for name, module in model.encoder.named_modules() if isinstance(module, torch.nn.Linear)}
    largest: dict[str, torch.Tensor] = {}
    readers: dict[int, list[str]] = {}  # layers by their input: query, key and value share one
    inputs: list[torch.Tensor] = []  # kept, so that no later one takes the place of an earlier

    def look(name: str, x: torch.Tensor) -> None:
        largest[name] = x.abs().flatten(0, -2).amax(0)
        readers.setdefault(x.data_ptr(), []).append(name)
        inputs.append(x)

    hooks = [module.register_forward_pre_hook(lambda _, given, name=name: look(name, given[0])) for name, module in layers.items()]
    tokens = torch.randint(model.encoder.config.vocab_size, (64, 32), generator=torch.Generator().manual_seed(0))
    model(tokens, torch.ones_like(tokens))
    for hook in hooks:
        hook.remove()
    for names in readers.values():
        widest = torch.stack([layers[name].weight.abs().amax(0) for name in names]).amax(0)
        for name in names:
            parent, _, own = name.rpartition(".")
            setattr(model.encoder.get_submodule(parent), own, _Linear(layers[name], largest[name], widest))


def export(model: Path, folder: Path) -> None:
    """Export a model saved by `classifier.fine_tune` to `folder/model.onnx`, its encoder in eight bits.

    Raises
    ------
    BadInput
        If the encoder has a part that ONNX does not know; torch still reads it.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    loaded = classifier.load(model).model.cpu()
    loaded.encoder.set_attn_implementation("eager")  # plain operations, which the quantizer can see
    _prepare(loaded)
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
    graph = onnx.load(path).graph
    weights = {tensor.name for tensor in graph.initializer if tensor.name.endswith(".rounded")}
    chosen = [node.name for node in graph.node if node.op_type == "MatMul" and node.input[1] in weights]
    logging.disable(logging.WARNING)  # it advises a preparation that has just been made
    try:
        quantize_dynamic(path, folder / "model.onnx", nodes_to_quantize=chosen, per_channel=True, weight_type=QuantType.QInt8)
    finally:
        logging.disable(logging.NOTSET)
    path.unlink()


def exported(model: Path) -> cache.Entry:
    """Exported model from the cache, exported first where it is not there yet."""
    with (model / "model.safetensors").open("rb") as file:
        weights = hashlib.file_digest(file, "sha256").hexdigest()
    return cache.folder("onnx", lambda folder: export(model, folder), parameters={"exact": EXACT}, data=weights, code=[export, _prepare, _Linear, _Logits])


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
