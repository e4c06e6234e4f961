"""The trained classifier for daily use: ONNX Runtime with eight-bit weights and sums, nearly the same answers several times faster.

Whole-tensor eight-bit inputs, the usual way, would change every eighth answer: a few channels of E5's activations are up to a thousand
times as large as the others. So the largest channels, about an eighth, stay exact (after Dettmers et al. 2022, LLM.int8()), the scale of the rest is shared
with the weights (SmoothQuant, Xiao et al. 2023), and every token has its own: one scale for a whole batch would be a quarter faster, and change twice
as many answers. Torch stays the reference (`classifier.load`).
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
from transformers import PretrainedConfig

from . import cache, classifier
from .errors import BadInput
from .settings import THREADS, device

#: Channels whose largest input times largest weight is so many times the median one stay exact.
LARGE = 2
#: Who bears the unlike sizes of channels: 0 the inputs alone, so that weights are even, 1 the weights alone.
SMOOTH = 0.25
#: Weights are rounded to -LEVELS .. LEVELS. A CPU without VNNI adds pairs of products in 16 bits, which 127 overflows now and then: 112 seldom does;
#: 64 never would, at a greater loss by rounding.
LEVELS = 112


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


def _session(model: str | bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _eight_bit(x: str, weight: np.ndarray, values: np.ndarray, product: str) -> tuple[list, list]:
    """Nodes and constants of `product` = x @ weight in eight-bit sums.

    It is round(x * shrink / size) @ round(weight / shrink) * size + x[large] @ weight[large]: the `large` channels stay exact and are shrunk to nothing
    in the rest; `size` is what the rest of a token has as its largest value.

    Parameters
    ----------
    x
        Name of the input.
    weight
        Weights (in, out).
    values
        What the input may be, (..., in): which channels are large hardly depends on what is read.
    product
        Name of the output.
    """
    from onnx.helper import make_node
    from onnx.numpy_helper import from_array

    largest, widest = np.abs(values).reshape(-1, len(weight)).max(0).clip(1e-3), np.abs(weight).max(1).clip(1e-3)
    share = largest * widest
    large = np.flatnonzero(share >= min(LARGE * np.median(share), share.max()))
    shrink = widest ** (1 - SMOOTH) / largest**SMOOTH
    stretched = weight / shrink[:, None]
    shrink[large], stretched[large] = 0, 0
    scale = np.abs(stretched).max(0).clip(1e-9) / LEVELS
    parts = {"shrink": shrink, "rounded": np.rint(stretched / scale).astype(np.int8), "scale": scale, "large": large, "exact": weight[large]}
    rest, absolute, size, unit, whole, sums, few, kept = (f"{product}.{step}" for step in ("rest", "abs", "size", "unit", "whole", "sums", "few", "kept"))
    constant = {part: f"{product}.{part}" for part in parts}
    nodes = [
        make_node("Mul", [x, constant["shrink"]], [rest]),
        make_node("Abs", [rest], [absolute]),
        make_node("ReduceMax", [absolute], [size], axes=[-1]),
        make_node("Div", [rest, size], [unit]),
        make_node("DynamicQuantizeMatMul", [unit, constant["rounded"], constant["scale"]], [whole], domain="com.microsoft"),
        make_node("Mul", [whole, size], [sums]),
        make_node("Gather", [x, constant["large"]], [few], axis=-1),
        make_node("MatMul", [few, constant["exact"]], [kept]),
        make_node("Add", [sums, kept], [product]),
    ]
    return nodes, [from_array(array, constant[part]) for part, array in parts.items()]


def _rounded(path: Path, config: PretrainedConfig):
    """Exported graph, an `OnnxModel`, with attention, normalisation and activation as one node each, and its products with weights by `_eight_bit`."""
    import onnx
    from onnx import helper, numpy_helper
    from onnxruntime.transformers.fusion_options import FusionOptions
    from onnxruntime.transformers.optimizer import optimize_model

    options = FusionOptions("bert")
    options.use_multi_head_attention = True  # leaves the products with weights outside, where they can be rounded
    options.use_raw_attention_mask()  # the other form counts on padding behind the text
    graph = optimize_model(str(path), "bert", config.num_attention_heads, config.hidden_size, options)
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.model.graph.initializer}
    readers: dict[str, list[onnx.NodeProto]] = {}  # query, key and value read the same input and become one product
    for node in graph.get_nodes_by_op_type("MatMul"):
        if node.input[1] in weights:
            readers.setdefault(node.input[0], []).append(node)
    watched = onnx.ModelProto()
    watched.CopyFrom(graph.model)
    watched.graph.output.extend(helper.make_tensor_value_info(x, onnx.TensorProto.FLOAT, None) for x in readers)
    tokens = np.random.default_rng(0).integers(0, config.vocab_size, (64, 32))
    seen = _session(watched.SerializeToString()).run(list(readers), {"input_ids": tokens, "attention_mask": np.ones_like(tokens)})
    for (x, products), values in zip(readers.items(), seen, strict=True):
        outputs = [node.output[0] for node in products]
        whole = outputs[0] if len(outputs) == 1 else f"{x}.products"
        nodes, constants = _eight_bit(x, np.concatenate([weights[node.input[1]] for node in products], axis=1), values, whole)
        if len(outputs) > 1:
            constants.append(numpy_helper.from_array(np.array([weights[node.input[1]].shape[1] for node in products]), f"{x}.widths"))
            nodes.append(helper.make_node("Split", [whole, f"{x}.widths"], outputs, axis=-1))
        graph.remove_nodes(products)
        graph.add_nodes(nodes)
        for constant in constants:
            graph.add_initializer(constant)
    graph.prune_graph()
    graph.topological_sort()
    if not any(used.domain == "com.microsoft" for used in graph.model.opset_import):
        graph.model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return graph


def export(model: Path, folder: Path) -> None:
    """Export a model saved by `classifier.fine_tune` to `folder/model.onnx`, its encoder in eight bits.

    Raises
    ------
    BadInput
        If the encoder has a part that ONNX does not know; torch still reads it.
    """
    loaded = classifier.load(model).model.cpu()
    loaded.encoder.set_attn_implementation("eager")  # plain operations, which the optimizer knows
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
    logging.disable(logging.WARNING)  # the optimizer tells every step
    try:
        _rounded(path, loaded.encoder.config).save_model_to_file(str(folder / "model.onnx"))
    finally:
        logging.disable(logging.NOTSET)
    path.unlink()


def exported(model: Path) -> cache.Entry:
    """Exported model from the cache, exported first where it is not there yet."""
    with (model / "model.safetensors").open("rb") as file:
        weights = hashlib.file_digest(file, "sha256").hexdigest()
    parameters = {"large": LARGE, "smooth": SMOOTH, "levels": LEVELS}
    return cache.folder("onnx", lambda folder: export(model, folder), parameters=parameters, data=weights, code=[export, _rounded, _eight_bit, _Logits])


def load_onnx(model: Path) -> OnnxClassifier:
    """Load a model saved by `classifier.fine_tune` into ONNX Runtime.

    Parameters
    ----------
    model
        Its folder.

    Raises
    ------
    MissingData, CorruptData
        As `classifier.load`.
    BadInput
        If it cannot be exported.
    """
    fields = classifier.reader(model)
    return OnnxClassifier(_session(str(exported(model).path / "model.onnx")), **fields)


def load(model: Path) -> classifier.Classifier:
    """Load a model for daily use: ONNX Runtime on a CPU, torch on a GPU."""
    return load_onnx(model) if device() == "cpu" else classifier.load(model)
