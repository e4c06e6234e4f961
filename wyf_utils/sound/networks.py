"""Models of songs: networks on raw mel and on the lyric's couplets, SimCLR vectors, and shallow heads on any vectors."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import nn
from transformers import ResNetConfig, ResNetForImageClassification

from ..core import emotions
from ..core.errors import BadInput
from ..core.runtime import device
from . import mel
from .dataset import MelDataset
from .mel import BANDS

DIM = 512


# Networks -------------------------------------------------------------------------------------------


def _convolutions(channels: tuple[int, ...]) -> nn.Sequential:
    """3 x 3 convolutions that halve bands and time at each block."""
    blocks = []
    for before, after in itertools.pairwise(channels):
        blocks += [
            nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        ]
    return nn.Sequential(*blocks)


class MelEncoder(nn.Module):
    """Four convolution blocks and a mean over time and bands: (batch, 48, frames) -> (batch, 512)."""

    dim = DIM

    def __init__(self):
        super().__init__()
        self.blocks = _convolutions((1, 32, 64, 128, DIM))

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """Vectors of standardised mels."""
        return self.blocks(mels.unsqueeze(1)).mean((2, 3))  # (batch, 1, 48, frames) -> (batch, 512)


class MelRNN(nn.Module):
    """GRU over time, five frames (80 ms) a step, mean of both directions: (batch, 48, frames) -> (batch, 128)."""

    dim = 128

    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool1d(5)
        self.rnn = nn.GRU(BANDS, 64, batch_first=True, bidirectional=True)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """Vectors of standardised mels."""
        steps, _ = self.rnn(
            self.pool(mels).transpose(1, 2)
        )  # (batch, 48, frames) -> (batch, frames / 5, 128)
        return steps.mean(1)


class MelCNNRNN(nn.Module):
    """Three convolution blocks, then a GRU over what is left of time: (batch, 48, frames) -> (batch, 128)."""

    dim = 128

    def __init__(self):
        super().__init__()
        self.blocks = _convolutions((1, 32, 64, 128))
        self.rnn = nn.GRU(128 * BANDS // 8, 64, batch_first=True, bidirectional=True)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """Vectors of standardised mels."""
        steps, _ = self.rnn(
            self.blocks(mels.unsqueeze(1)).flatten(1, 2).transpose(1, 2)
        )  # (batch, frames / 8, 128 * 6) -> (batch, frames / 8, 128)
        return steps.mean(1)


class MelStatistics(nn.Module):
    """Mean, deviation and mean absolute difference over time of each band, centred and scaled: (batch, 48, frames) -> (batch, 144)."""

    dim = 3 * BANDS

    def __init__(self):
        super().__init__()
        self.scale = nn.BatchNorm1d(self.dim, affine=False)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """Vectors of standardised mels."""
        found = torch.from_numpy(
            mel.mel_statistics(mels.cpu().numpy())
        )  # nothing before this is learned
        return self.scale(found.to(mels.device))


class CoupletCNN(nn.Module):
    """Convolution over neighbouring couplets and the largest answer of each filter: (batch, couplets, dim) -> (batch, 128)."""

    dim = 128

    def __init__(self, width: int):
        super().__init__()
        self.convolution = nn.Conv1d(width, self.dim, 3, padding=1)

    def forward(self, couplets: torch.Tensor) -> torch.Tensor:
        """Vectors of lyrics."""
        heard = self.convolution(couplets.transpose(1, 2)).relu()  # (batch, 128, couplets)
        return heard.masked_fill(_empty(couplets).unsqueeze(1), 0).amax(2)


class CoupletRNN(nn.Module):
    """GRU over the couplets, mean of both directions over those there are: (batch, couplets, dim) -> (batch, 128)."""

    dim = 128

    def __init__(self, width: int):
        super().__init__()
        self.rnn = nn.GRU(width, 64, batch_first=True, bidirectional=True)

    def forward(self, couplets: torch.Tensor) -> torch.Tensor:
        """Vectors of lyrics."""
        lengths = (~_empty(couplets)).sum(1).clamp(min=1)
        packed = nn.utils.rnn.pack_padded_sequence(
            couplets, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        steps, _ = nn.utils.rnn.pad_packed_sequence(
            self.rnn(packed)[0], batch_first=True
        )  # (batch, couplets, 128), zeros behind the last
        return steps.sum(1) / lengths.unsqueeze(1)


def _empty(couplets: torch.Tensor) -> torch.Tensor:
    """Mask of the places behind a lyric's last couplet, (batch, couplets)."""
    return (couplets == 0).all(2)


class ResNet50(nn.Module):
    """ResNet50 of one channel (He et al. 2016: bottlenecks 3-4-6-3), from scratch, by transformers; logits of standardised mels."""

    def __init__(self):
        super().__init__()
        config = ResNetConfig(
            num_channels=1, depths=[3, 4, 6, 3], layer_type="bottleneck", num_labels=emotions.N
        )
        self.network = ResNetForImageClassification(config).to(memory_format=torch.channels_last)

    def forward(self, mels: torch.Tensor, _) -> torch.Tensor:
        """Logits (batch, 6) of standardised mels (batch, 48, frames)."""
        return self.network(mels.unsqueeze(1)).logits


class EmotionNet(nn.Module):
    """Encoders of sound, of lyrics, or of both side by side, then dropout and a linear layer to six logits."""

    def __init__(self, sound: nn.Module | None = None, lyric: nn.Module | None = None):
        super().__init__()
        self.sound, self.lyric = sound, lyric
        dim = sum(encoder.dim for encoder in (sound, lyric) if encoder is not None)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(dim, emotions.N))

    def forward(self, mels: torch.Tensor | None, couplets: torch.Tensor | None) -> torch.Tensor:
        """Logits (batch, 6)."""
        vectors = [
            encoder(given)
            for encoder, given in ((self.sound, mels), (self.lyric, couplets))
            if encoder is not None
        ]
        return self.head(torch.cat(vectors, dim=1))


#: Networks by name, made for couplet vectors of a width. `both` joins the two as the 2017 table of the appendix does.
NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "cnn": lambda _: EmotionNet(sound=MelEncoder()),
    "resnet50": lambda _: ResNet50(),
    "shallow": lambda _: EmotionNet(sound=MelStatistics()),
    "rnn": lambda _: EmotionNet(sound=MelRNN()),
    "cnn_rnn": lambda _: EmotionNet(sound=MelCNNRNN()),
    "lyric_cnn": lambda width: EmotionNet(lyric=CoupletCNN(width)),
    "lyric_rnn": lambda width: EmotionNet(lyric=CoupletRNN(width)),
    "both": lambda width: EmotionNet(sound=MelCNNRNN(), lyric=CoupletCNN(width)),
}

#: The network that hears songs for the recommender: of those taught corrected labels in notebook 04, the best on dev songs of the sample.
CHOSEN = "shallow"


def network(name: str, material: MelDataset) -> nn.Module:
    """Return a network of `NETWORKS` with fresh weights, on the device in use."""
    if name not in NETWORKS:
        raise BadInput(f"There is no network '{name}'; choose one of: {', '.join(NETWORKS)}.")
    return NETWORKS[name](0 if material.couplets is None else material.couplets.shape[2]).to(
        device()
    )


# SimCLR ---------------------------------------------------------------------------------------------


# Shallow heads --------------------------------------------------------------------------------------
