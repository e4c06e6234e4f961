"""Networks on mels and on embeddings of the lyric's couplets."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import nn
from transformers import ResNetConfig, ResNetForImageClassification

from ..core import emotions
from ..core.errors import BadInput
from ..core.runtime import device
from .dataset import MelDataset
from .mel import BANDS

#: Dimension of a `MelEncoder` embedding.
DIM = 512


def convolution_stack(channels: tuple[int, ...]) -> nn.Sequential:
    """Stack 3 x 3 convolutions, each of which halves bands and frames.

    `channels` are those of the input and of each layer. A mel (batch, channels[0], 48, frames)
    becomes (batch, channels[-1], 48 / 2^layers, frames / 2^layers), rounded up.
    """
    layers = []
    for before, after in itertools.pairwise(channels):
        convolution = nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers)


class MelEncoder(nn.Module):
    """Four convolutions and mean pooling: (batch, 48, frames) -> (batch, 512)."""

    dim = DIM

    def __init__(self):
        super().__init__()
        self.blocks = convolution_stack((1, 32, 64, 128, DIM))

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """Embed standardised mels."""
        return self.blocks(mels.unsqueeze(1)).mean((2, 3))


class MelRNN(nn.Module):
    """Bidirectional GRU over steps of five frames (80 ms), mean-pooled.

    Mels (batch, 48, frames) become embeddings (batch, 128).
    """

    dim = 128

    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool1d(5)
        self.rnn = nn.GRU(BANDS, 64, batch_first=True, bidirectional=True)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """Embed standardised mels."""
        steps, _ = self.rnn(self.pool(mels).transpose(1, 2))  # (batch, frames / 5, 128)
        return steps.mean(1)


class MelCNNRNN(nn.Module):
    """Three convolutions, then a bidirectional GRU over time, mean-pooled.

    Mels (batch, 48, frames) become embeddings (batch, 128).
    """

    dim = 128

    def __init__(self):
        super().__init__()
        self.blocks = convolution_stack((1, 32, 64, 128))
        self.rnn = nn.GRU(128 * BANDS // 8, 64, batch_first=True, bidirectional=True)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """Embed standardised mels."""
        maps = self.blocks(mels.unsqueeze(1))  # (batch, 128, 6, frames / 8)
        steps, _ = self.rnn(maps.flatten(1, 2).transpose(1, 2))  # (batch, frames / 8, 128)
        return steps.mean(1)


class CoupletCNN(nn.Module):
    """Convolution over three couplets and max pooling: (batch, couplets, dim) -> (batch, 128)."""

    dim = 128

    def __init__(self, width: int):
        super().__init__()
        self.convolution = nn.Conv1d(width, self.dim, 3, padding=1)

    def forward(self, couplets: torch.Tensor) -> torch.Tensor:
        """Embed lyrics."""
        maps = self.convolution(couplets.transpose(1, 2)).relu()  # (batch, 128, couplets)
        return maps.masked_fill(_padding(couplets).unsqueeze(1), 0).amax(2)


class CoupletRNN(nn.Module):
    """Bidirectional GRU over couplets, mean-pooled: (batch, couplets, dim) -> (batch, 128)."""

    dim = 128

    def __init__(self, width: int):
        super().__init__()
        self.rnn = nn.GRU(width, 64, batch_first=True, bidirectional=True)

    def forward(self, couplets: torch.Tensor) -> torch.Tensor:
        """Embed lyrics."""
        lengths = (~_padding(couplets)).sum(1).clamp(min=1)
        packed = nn.utils.rnn.pack_padded_sequence(
            couplets, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        # (batch, couplets, 128), zeros after the last couplet
        steps, _ = nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return steps.sum(1) / lengths.unsqueeze(1)


def _padding(couplets: torch.Tensor) -> torch.Tensor:
    """Mask (batch, couplets) of the zeros after a lyric's last couplet."""
    return (couplets == 0).all(2)


class ResNet50(nn.Module):
    """ResNet50 of one input channel, untrained (He et al. 2016: bottlenecks 3-4-6-3)."""

    def __init__(self):
        super().__init__()
        config = ResNetConfig(
            num_channels=1, depths=[3, 4, 6, 3], layer_type="bottleneck", num_labels=emotions.N
        )
        self.network = ResNetForImageClassification(config).to(memory_format=torch.channels_last)

    def forward(self, mels: torch.Tensor, _) -> torch.Tensor:
        """Compute logits (batch, 6) of standardised mels (batch, 48, frames)."""
        return self.network(mels.unsqueeze(1)).logits


class EmotionNet(nn.Module):
    """Encoders of mel, couplets or both (concatenated), then dropout and a linear layer."""

    def __init__(self, sound: nn.Module | None = None, lyric: nn.Module | None = None):
        super().__init__()
        self.sound, self.lyric = sound, lyric
        dim = sum(encoder.dim for encoder in (sound, lyric) if encoder is not None)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(dim, emotions.N))

    def forward(self, mels: torch.Tensor | None, couplets: torch.Tensor | None) -> torch.Tensor:
        """Compute logits (batch, 6) of standardised mels and couplets."""
        encoders = ((self.sound, mels), (self.lyric, couplets))
        embeddings = [encoder(x) for encoder, x in encoders if encoder is not None]
        return self.head(torch.cat(embeddings, dim=1))


#: Networks by name; the argument is the dimension of a couplet. `both` is that of the 2017 table.
NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "cnn": lambda _: EmotionNet(sound=MelEncoder()),
    "resnet50": lambda _: ResNet50(),
    "rnn": lambda _: EmotionNet(sound=MelRNN()),
    "cnn_rnn": lambda _: EmotionNet(sound=MelCNNRNN()),
    "lyric_cnn": lambda width: EmotionNet(lyric=CoupletCNN(width)),
    "lyric_rnn": lambda width: EmotionNet(lyric=CoupletRNN(width)),
    "both": lambda width: EmotionNet(sound=MelCNNRNN(), lyric=CoupletCNN(width)),
}


def network(name: str, dataset: MelDataset) -> nn.Module:
    """Build an untrained network of `NETWORKS` for a dataset, on the device in use.

    Raises
    ------
    BadInput
        If the name is unknown.
    """
    if name not in NETWORKS:
        raise BadInput(f"There is no network '{name}'; choose one of: {', '.join(NETWORKS)}.")
    width = 0 if dataset.couplets is None else dataset.couplets.shape[2]
    return NETWORKS[name](width).to(device())
