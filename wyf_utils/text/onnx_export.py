"""Export of a trained classifier to ONNX with eight-bit weights and inputs.

One scale for a whole input would change nearly every fifth answer: a few channels of E5's
activations are up to a thousand times as large as the others. Four steps prevent that:

- weights take over the unequal sizes of channels (SmoothQuant, Xiao et al. 2023);
- the first feed-forward product has a scale per token;
- the neurons with the largest values stay exact (after LLM.int8(), Dettmers et al. 2022);
- weights are fitted to rounded inputs and rounded by their covariance (GPTQ, Frantar et al. 2023).

Other scales are fixed by calibration sentences, so an answer does not depend on its batch.

`make bench` times this graph beside those of ONNX Runtime's own quantisers: its dynamic one is as
fast and changes more than one answer in twenty, its block-wise one changes as few and takes nearly
twice as long.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from ..data.cleaning import without_full_stops
from . import classifier, encoders, onnx_tracing, prediction

#: SmoothQuant's alpha: 0 leaves unequal channels to the inputs, 1 to the weights.
SMOOTH, SMOOTH_BY_TOKEN = 0.8, 0.6
#: Weights are rounded to -LEVELS .. LEVELS. A CPU without VNNI adds pairs of products in 16 bit,
#: which 127 overflows now and then and 112 seldom.
LEVELS = 112
#: Share of neurons, those with the largest values, that stay exact.
EXACT = 1 / 12
#: Model types whose layers `_eight_bit` can write.
FAMILIES = {"bert", "electra", "roberta", "xlm-roberta"}


@dataclass
class _Product:
    """Linear layer with weights in eight bits.

    `x @ weight + bias` is about
    `round((x - centre) * stretch / step + zero) @ whole * step * scale + bias`.
    """

    centre: np.ndarray
    stretch: np.ndarray
    step: np.float32
    zero: np.uint8
    whole: np.ndarray
    scale: np.ndarray
    bias: np.ndarray


def _product(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    stretched: bool = True,
    by_token: bool = False,
) -> _Product:
    """Quantise a linear layer, fitted to its calibration inputs.

    Parameters
    ----------
    x
        Inputs (tokens, in).
    weight, bias
        (in, out) and (out,).
    stretched
        Whether the layer before can take over the centre and the stretch of channels.
    by_token
        Scale each token by its largest value.
    """
    centre, stretch = np.zeros(len(weight), np.float32), np.ones(len(weight), np.float32)
    if stretched:
        centre = x.mean(0)
        largest, widest = np.abs(x - centre).max(0).clip(1e-3), np.abs(weight).max(1).clip(1e-3)
        smooth = SMOOTH_BY_TOKEN if by_token else SMOOTH
        stretch = widest ** (1 - smooth) / largest**smooth
    inputs, target = (x - centre) * stretch, weight / stretch[:, None]
    size = np.abs(inputs).max(1, keepdims=True) if by_token else 1
    low, high = min((inputs / size).min(), 0), max((inputs / size).max(), 0)
    step = np.float32((high - low) / 255)
    zero = np.rint(-low / step)
    read = (np.clip(np.rint(inputs / size / step) + zero, 0, 255) - zero) * step * size
    seen = torch.from_numpy(read)
    square = (seen.T @ seen / len(x)).double()
    little = (
        1e-4 * square.trace() / len(square) * torch.eye(len(square), dtype=torch.double)
    )  # directions that no sentence shows keep their weights
    lower = torch.linalg.cholesky(square + little)
    best = torch.cholesky_solve(
        (seen.T @ torch.from_numpy(inputs) / len(x) + little) @ torch.from_numpy(target).double(),
        lower,
    )
    scale = best.abs().amax(0).clamp(1e-9) / LEVELS
    whole = _rounded(best / scale, torch.cholesky_inverse(lower))
    scale = scale.float().numpy()
    bias = bias + centre @ weight + inputs.mean(0) @ target - read.mean(0) @ (whole * scale)
    return _Product(centre, stretch, step, np.uint8(zero), whole, scale, bias.astype(np.float32))


def _rounded(weight: torch.Tensor, inverse: torch.Tensor) -> np.ndarray:
    """Round weights (in, out) to integers row by row (GPTQ).

    Later rows compensate each row's rounding error. `inverse` is the inverse of the inputs'
    second moments.
    """
    upper = torch.linalg.cholesky(inverse, upper=True).float()
    weight = weight.float()
    whole = torch.empty_like(weight)
    for i, row in enumerate(weight):
        whole[i] = row.round().clamp(-LEVELS, LEVELS)
        weight[i + 1 :].addr_(upper[i, i + 1 :] / upper[i, i], row - whole[i], alpha=-1)
    return whole.to(torch.int8).numpy()


def _affine(*layers: nn.Linear) -> tuple[np.ndarray, np.ndarray]:
    """Concatenate weights (in, out) and biases (out,) of linear layers with one input."""
    return tuple(
        np.concatenate([part(layer).detach().numpy() for layer in layers], axis=-1)
        for part in (lambda la: la.weight.T, lambda la: la.bias)
    )


def _inputs(
    model: prediction.Classifier, products: list[nn.Linear], texts: list[str]
) -> list[np.ndarray]:
    """Collect the inputs (tokens, in) of linear layers while the model reads texts."""
    seen, words = [[] for _ in products], None
    hooks = [
        layer.register_forward_pre_hook(lambda _, x, there=there: there.append(x[0][words].numpy()))
        for layer, there in zip(products, seen, strict=True)
    ]
    _, windows, _ = model.windows([without_full_stops(text) for text in texts])
    for start in range(0, len(windows), 32):
        ids, mask = prediction.pad_batch(windows[start : start + 32], model.pad)
        words = torch.from_numpy(mask).bool()
        model.logits(ids, mask)
    for hook in hooks:
        hook.remove()
    return [np.concatenate(there) for there in seen]


class _Graph:
    """An ONNX graph under construction."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def add(self, op: str, *inputs: str | np.ndarray, **attributes) -> str:
        """Add a node and return the name of its output; inputs are names or constants."""
        output = f"{op}_{len(self.nodes)}"
        names = [x if isinstance(x, str) else f"{output}.{i}" for i, x in enumerate(inputs)]
        self.constants += [
            numpy_helper.from_array(np.ascontiguousarray(x), name)
            for x, name in zip(inputs, names, strict=True)
            if x is not name
        ]
        domain = "" if onnx.defs.has(op) else "com.microsoft"
        self.nodes.append(helper.make_node(op, names, [output], domain=domain, **attributes))
        return output

    def product(self, x: str, by: _Product, bias: str | np.ndarray = "") -> str:
        """Multiply `x`, centred and stretched already, by the weights of `by`."""
        whole = self.add("QuantizeLinear", x, by.step, by.zero)
        return self.add(
            "MatMulIntegerToFloat", whole, by.whole, by.step, by.scale, by.zero, "", bias
        )

    def model(self, output: str) -> onnx.ModelProto:
        """Close the graph from token ids and attention mask to `output`."""
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
            for name in ("input_ids", "attention_mask")
        ]
        self.nodes.append(helper.make_node("Identity", [output], ["logits"]))
        outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", None])]
        graph = helper.make_graph(self.nodes, "classifier", inputs, outputs, self.constants)
        opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def _normal(layer: nn.LayerNorm, by: _Product | None) -> tuple[np.ndarray, np.ndarray]:
    """Fold the centre and stretch of the next product into a normalisation: gain, shift."""
    gain, shift = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    return (gain, shift) if by is None else (gain * by.stretch, (shift - by.centre) * by.stretch)


def _attention(
    graph: _Graph, x: str, by: _Product, layer: nn.Module, mixed: np.ndarray, mask: str, heads: int
) -> str:
    """Add a layer's attention to its input `x`, which is centred and stretched for `by`.

    `mixed` are the calibration inputs (tokens, dim) of its output layer.
    """
    out = _product(mixed, *_affine(layer.attention.output.dense))
    # attention gives means of values, so the values can bear what the output layer needs
    same = np.ones(2 * len(out.stretch), np.float32)
    stretch, centre = np.concatenate([same, out.stretch]), np.concatenate([0 * same, out.centre])
    whole = graph.add("QuantizeLinear", x, by.step, by.zero)
    bias, scale = (by.bias - centre) * stretch, by.scale * stretch
    mixture = graph.add(
        "QAttention", whole, by.whole, bias, by.step, scale, mask, by.zero, num_heads=heads
    )
    return graph.add(
        "Add",
        graph.product(mixture, out, out.bias + by.centre),
        graph.add("Mul", x, 1 / by.stretch),
    )


def _feed_forward(
    graph: _Graph, x: str, by: _Product, layer: nn.Module, neurons: np.ndarray
) -> str:
    """Add a layer's feed-forward part to its input `x`, centred and stretched for `by`.

    `neurons` are the calibration inputs (tokens, dim) of its output layer.
    """
    (weight, bias), (back, back_bias) = (
        _affine(layer.intermediate.dense),
        _affine(layer.output.dense),
    )
    largest = np.abs(neurons).max(0)
    exact, rest = np.split(np.argsort(-largest), [round(EXACT * len(largest))])
    few = graph.add("MatMul", x, weight[:, exact] / by.stretch[:, None])
    few = graph.add(
        "MatMul", graph.add("BiasGelu", few, (bias + by.centre @ weight)[exact]), back[exact]
    )
    size = graph.add("ReduceMax", graph.add("Abs", x), np.array([-1]))
    many = graph.product(
        graph.add("Div", x, size), replace(by, whole=by.whole[:, rest], scale=by.scale[rest])
    )
    many = graph.add("BiasGelu", graph.add("Mul", many, size), by.bias[rest])
    down = _product(neurons[:, rest], back[rest], back_bias, stretched=False)
    return graph.add(
        "Sum",
        graph.product(many, down, down.bias + by.centre),
        few,
        graph.add("Mul", x, 1 / by.stretch),
    )


def _head(graph: _Graph, model: nn.Module, x: str) -> str:
    """Add mean pooling, standardising and the linear head; return the name of the logits."""
    head, standard = model.head, model.standardise
    slope = head.weight / torch.sqrt(standard.running_var + standard.eps)
    kept = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    pooled = graph.add(
        "Squeeze",
        graph.add("MatMul", graph.add("Unsqueeze", kept, np.array([1])), x),
        np.array([1]),
    )
    pooled = graph.add("Div", pooled, graph.add("ReduceSum", kept, np.array([1])))
    bias = head.bias - slope @ standard.running_mean
    return graph.add("Gemm", pooled, slope.numpy(), bias.numpy(), transB=1)


def _layer_inputs(
    model: prediction.Classifier, layers: nn.ModuleList, sentences: list[str]
) -> list[list[np.ndarray]]:
    """Collect the calibration inputs of each layer's four products, in the order of a pass."""
    products = [
        part
        for layer in layers
        for part in (
            layer.attention.self.query,
            layer.attention.output.dense,
            layer.intermediate.dense,
            layer.output.dense,
        )
    ]
    read = _inputs(model, products, sentences)
    return [read[i : i + 4] for i in range(0, len(read), 4)]


def _embed(graph: _Graph, embeddings: nn.Module, by: _Product, eps: float) -> str:
    """Add the embeddings, centred and stretched for the first layer's product `by`."""
    # RoBERTa's positions start behind the id of its padding
    start = getattr(embeddings, "padding_idx", -1) + 1
    positions = embeddings.position_embeddings.weight[start:]
    places = (positions + embeddings.token_type_embeddings.weight[0]).numpy()
    length = graph.add("Shape", "input_ids", start=1)
    places = graph.add("Slice", places, np.array([0]), length, np.array([0]))
    words = graph.add("Gather", embeddings.word_embeddings.weight.numpy(), "input_ids")
    total = graph.add("Add", words, places)
    return graph.add("LayerNormalization", total, *_normal(embeddings.LayerNorm, by), epsilon=eps)


@torch.no_grad()
def _eight_bit(model: prediction.Classifier, sentences: list[str]) -> onnx.ModelProto:
    """Build the graph of a classifier whose encoder is one of `FAMILIES`."""
    encoder = model.model.encoder
    layers, n_heads = encoders.layers(encoder), encoder.config.num_attention_heads
    eps = encoder.config.layer_norm_eps
    read = _layer_inputs(model, layers, sentences)
    attentions = [layer.attention.self for layer in layers]
    attended = [
        _product(x, *_affine(heads.query, heads.key, heads.value))
        for heads, (x, *_) in zip(attentions, read, strict=True)
    ]
    graph = _Graph()
    x = _embed(graph, encoder.embeddings, attended[0], eps)
    mask = graph.add("Cast", "attention_mask", to=TensorProto.INT32)
    for layer, here, after, (_, mixed, middle, neurons) in zip(
        layers, attended, [*attended[1:], None], read, strict=True
    ):
        total = _attention(graph, x, here, layer, mixed, mask, n_heads)
        up = _product(middle, *_affine(layer.intermediate.dense), by_token=True)
        normal = _normal(layer.attention.output.LayerNorm, up)
        x = graph.add("LayerNormalization", total, *normal, epsilon=eps)
        total = _feed_forward(graph, x, up, layer, neurons)
        normal = _normal(layer.output.LayerNorm, after)
        x = graph.add("LayerNormalization", total, *normal, epsilon=eps)
    return graph.model(_head(graph, model.model, x))


def export(model: Path, folder: Path, sentences: list[str]) -> None:
    """Export a model saved by `finetuning.fine_tune` to `folder/model.onnx`, in eight bits.

    Parameters
    ----------
    sentences
        Calibration sentences.

    Raises
    ------
    BadInput
        If the encoder has a part that ONNX does not know; torch still reads it.
    """
    loaded = classifier.load(model)
    loaded.model.cpu()
    config = loaded.model.encoder.config
    plain = (
        config.model_type in FAMILIES
        and config.hidden_act == "gelu"
        and not hasattr(loaded.model.encoder, "embeddings_project")
    )
    if plain:
        exported = _eight_bit(loaded, sentences)
    else:
        full = folder / "full.onnx"
        onnx_tracing.trace(loaded.model, model.name, full)
        exported = onnx_tracing.quantize_blocks(full)
        full.unlink()
    onnx.save(exported, folder / "model.onnx")
