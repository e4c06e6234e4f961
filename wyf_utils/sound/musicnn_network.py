"""MusiCNN as a torch network: weights out of the checkpoint, layers, and export to ONNX.

Pons and Serra (2019), musicnn: Pre-trained convolutional neural networks for music audio tagging,
arXiv:1909.06654. A patch of 187 frames and 96 bands goes through convolutions that are tall
(timbre) or long (rhythm), three residual ones over time, pooling over time, and two dense layers.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

#: Sizes of the layers: filters over bands, over time, of each residual layer, embedding, tags.
TIMBRAL, TEMPORAL, MIDDLE, DENSE, TAGS = 204, 51, 64, 200, 50
#: Bands under the timbral filters, and frames under the temporal ones.
TALL, LONG = (38, 67), (128, 64, 32)
#: Channels that are pooled over time.
CHANNELS = 2 * TIMBRAL + 3 * TEMPORAL + 3 * MIDDLE
_WIDE = 7  # frames under timbral and residual filters
_EPSILON = 1e-3  # of the batch normalisations


class _Affine(nn.Module):
    """Multiply channels, the second dimension, by a scale and add a shift."""

    def __init__(self, channels: int):
        super().__init__()
        self.scale, self.shift = (nn.Parameter(torch.zeros(channels)) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shape = (-1, *[1] * (x.ndim - 2))
        return x * self.scale.view(shape) + self.shift.view(shape)


class MusiCNN(nn.Module):
    """MusiCNN for prediction; batch normalisations are scales and shifts.

    The largest value over the bands is taken before ReLU and normalisation, not after. Filters
    whose scale is negative have their sign turned (`load`), so that the result is the same.
    """

    def __init__(self):
        super().__init__()
        self.input = _Affine(1)
        self.timbral = nn.ModuleList(nn.Conv1d(tall, TIMBRAL, _WIDE, padding=3) for tall in TALL)
        self.temporal = nn.ModuleList(nn.Conv1d(1, TEMPORAL, long) for long in LONG)
        filters = [TIMBRAL] * len(TALL) + [TEMPORAL] * len(LONG)
        self.signs = nn.ParameterList(nn.Parameter(torch.ones(n, 1)) for n in filters)
        self.front = nn.ModuleList(_Affine(n) for n in filters)
        sizes = [sum(filters), MIDDLE, MIDDLE]
        self.middle = nn.ModuleList(nn.Conv1d(n, MIDDLE, _WIDE, padding=3) for n in sizes)
        self.after = nn.ModuleList(_Affine(MIDDLE) for _ in sizes)
        self.pooled = _Affine(2 * CHANNELS)
        self.dense = nn.Linear(2 * CHANNELS, DENSE)
        self.embedding = _Affine(DENSE)
        self.tags = nn.Linear(DENSE, TAGS)

    def forward(self, patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Compute tags (n, 50), embedding (n, 200) and pooled channels (n, 753, 2).

        Patches are (n, frames, 96); pooled channels are the maximum and the mean over time.
        """
        x = self.input(patches[:, None])[:, 0].transpose(1, 2)  # (n, bands, frames)
        heard = [*self._tall(x), *self._long(x)]
        front = torch.cat(
            [
                affine(F.relu(sign * largest))
                for affine, sign, largest in zip(self.front, self.signs, heard, strict=True)
            ],
            dim=1,
        )
        layers, before = [front], front
        for number, (convolution, affine) in enumerate(zip(self.middle, self.after, strict=True)):
            after = affine(F.relu(convolution(before)))
            before = before + after if number else after
            layers.append(before)
        channels = torch.cat(layers, dim=1)  # (n, 753, frames)
        pooled = torch.stack([channels.amax(2), channels.mean(2)], dim=2)
        dense = F.relu(self.dense(self.pooled(pooled.flatten(1))))
        embedding = self.embedding(dense)
        return torch.sigmoid(self.tags(embedding)), embedding, pooled

    def _tall(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Slide the timbral filters over bands and frames; largest over bands (n, 204, frames)."""
        found = []
        for tall, convolution in zip(TALL, self.timbral, strict=True):
            places = x.shape[1] - tall + 1
            shifted = torch.stack([x[:, i : i + tall] for i in range(places)], dim=1)
            heard = convolution(shifted.flatten(0, 1))
            found.append(heard.unflatten(0, (-1, places)).amax(1))
        return found

    def _long(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Slide the temporal filters over each band; largest over bands (n, 51, frames)."""
        bands, found = x.shape[1], []
        for long, convolution in zip(LONG, self.temporal, strict=True):
            left = (long - 1) // 2  # TensorFlow pads an even filter by one more at the end
            heard = convolution(F.pad(x, (left, long - 1 - left)).flatten(0, 1)[:, None])
            found.append(heard.unflatten(0, (-1, bands)).amax(1))
        return found


def load(weights: Mapping[str, np.ndarray]) -> MusiCNN:
    """Build MusiCNN from the tensors of its checkpoint, in evaluation mode.

    `weights` are {name: array} from `checkpoints.read_checkpoint`; filters are (frames, bands, in,
    out).
    """
    model, norm = MusiCNN().eval().requires_grad_(False), 0

    def normalise(affine: _Affine) -> None:
        nonlocal norm
        layer = f"batch_normalization{f'_{norm}' if norm else ''}"
        gamma, beta, mean, variance = (
            torch.tensor(weights[f"{layer}/{name}"])
            for name in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        affine.scale.copy_(gamma / torch.sqrt(variance + _EPSILON))
        affine.shift.copy_(beta - mean * affine.scale)
        norm += 1

    normalise(model.input)
    for number, filters in enumerate([*model.timbral, *model.temporal, *model.middle]):
        layer = f"conv2d{f'_{number}' if number else ''}"
        kernel, bias = (torch.tensor(weights[f"{layer}/{part}"]) for part in ("kernel", "bias"))
        kernel = kernel[:, :, 0].permute(2, 1, 0)
        if number < len(model.front):
            normalise(model.front[number])
            sign = torch.where(model.front[number].scale < 0, -1.0, 1.0)[:, None]
            model.signs[number].copy_(sign)
            kernel, bias = kernel * sign[..., None], bias * sign[:, 0]
        else:
            normalise(model.after[number - len(model.front)])
        filters.weight.copy_(kernel.reshape(filters.weight.shape))
        filters.bias.copy_(bias)
    layers = ("dense", model.dense, model.pooled), ("dense_1", model.tags, model.embedding)
    for layer, dense, affine in layers:
        normalise(affine)
        dense.weight.copy_(torch.tensor(weights[f"{layer}/kernel"]).T)
        dense.bias.copy_(torch.tensor(weights[f"{layer}/bias"]))
    return model


def export(model: MusiCNN, path: Path) -> None:
    """Export MusiCNN to ONNX in 32 bits, for any number of patches and frames."""
    free = {0: "patches"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing tells every Python number that it fixes
        torch.onnx.export(
            model,
            (torch.zeros(2, 187, 96),),
            str(path),
            input_names=["patches"],
            output_names=["tags", "embedding", "pooled"],
            dynamic_axes={name: free for name in ("patches", "tags", "embedding", "pooled")},
            opset_version=17,
            dynamo=False,
        )
