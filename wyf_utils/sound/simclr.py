"""SimCLR on mel: embeddings learned without labels (Chen et al. 2020)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..core import artifacts
from ..core.metrics import alignment, uniformity
from ..core.runtime import device, mixed_precision, progress
from . import mel
from .dataset import MelDataset
from .mel import BANDS, FRAMES
from .network_training import (
    BATCH,
    CROP,
    WINDOWS,
    copy_weights,
    load_weights,
    save_training,
    shuffled_batches,
    window_starts,
)
from .networks import DIM, MelEncoder

TEMPERATURE = 0.2


def augment(views: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Augment standardised crops (batch, 48, frames): gain, pitch shift, masks, noise.

    The gain is small (2 dB either way), since loudness tells emotions apart. The pitch shift
    moves up to two bands and repeats the outermost one, so that high bands do not turn up as
    low ones. A frequency and a time mask hold the mean of the view.
    """
    n, _, frames = views.shape
    draw = torch.rand((7, n, 1), generator=generator)
    bands, times = torch.arange(BANDS), torch.arange(frames)
    views = views + 0.08 * (draw[0] - 0.5).unsqueeze(2)
    source = (bands + (5 * draw[1]).long() - 2).clamp(0, BANDS - 1)  # (n, 48)
    views = views.gather(1, source.unsqueeze(2).expand(-1, -1, frames))
    low, width = (BANDS - 8) * draw[3], 8 * draw[2]
    first, length = frames * 7 / 8 * draw[5], frames / 8 * draw[4]
    masked_bands = (bands >= low) & (bands < low + width)
    masked_times = (times >= first) & (times < first + length)
    masked = masked_bands.unsqueeze(2) | masked_times.unsqueeze(1)
    views = torch.where(masked, views.mean((1, 2), keepdim=True), views)
    noise = torch.randn(views.shape, generator=generator)
    return views + 0.05 * draw[6].unsqueeze(2) * noise  # up to 2.5 dB


def _view(
    dataset: MelDataset, rows: np.ndarray, rng: np.random.Generator, generator: torch.Generator
) -> torch.Tensor:
    """Augment one random crop of each song."""
    crops = dataset.crops(rows, rng.integers(0, FRAMES - CROP + 1, len(rows)))
    return augment(crops, generator).to(device())


def nt_xent(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Compute the NT-Xent loss (Chen et al. 2020, eq. 1) of two views, each (batch, dim)."""
    embeddings = functional.normalize(torch.cat([first, second]), dim=1)  # (2 batch, dim)
    similarity = embeddings @ embeddings.T / TEMPERATURE
    similarity.fill_diagonal_(-math.inf)
    partner = torch.arange(len(embeddings), device=embeddings.device).roll(len(first))
    return functional.cross_entropy(similarity, partner)


def simclr_encoder() -> nn.Sequential:
    """Build an untrained `MelEncoder` with batch normalisation.

    The outputs of a `MelEncoder` are positive; uncentred, they would all point one way.
    """
    return nn.Sequential(MelEncoder(), nn.BatchNorm1d(DIM, affine=False)).to(device())


def train_simclr(dataset: MelDataset, *, epochs: int, seed: int, folder: Path) -> None:
    """Train a `simclr_encoder` with a projection head on two augmented views of each song.

    Parameters
    ----------
    folder
        Receives model.safetensors and curve.npz: loss of each epoch, and chance, the loss of
        collapsed embeddings.
    """
    torch.manual_seed(seed)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    encoder = simclr_encoder()
    projector = nn.Sequential(nn.Linear(DIM, 128), nn.ReLU(), nn.Linear(128, 64)).to(device())
    parameters = [*encoder.parameters(), *projector.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=1e-4)
    train_rows, curve = dataset.rows("train"), []
    for _ in progress(range(epochs), desc=f"train SimCLR, seed {seed}"):
        encoder.train()
        losses, chances = [], []
        for rows in shuffled_batches(train_rows, BATCH, rng):
            with torch.autocast(device(), torch.bfloat16, enabled=mixed_precision()):
                first, second = (
                    projector(encoder(_view(dataset, rows, rng, generator))).float()
                    for _ in range(2)
                )
            loss = nt_xent(first, second)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            chances.append(math.log(max(2 * len(rows) - 1, 1)))
        curve.append({"loss": np.mean(losses), "chance": np.mean(chances)})
    save_training(folder, copy_weights(encoder), curve)


def trained_simclr(dataset: MelDataset, *, epochs: int, seed: int) -> artifacts.Entry:
    """Return the result of `train_simclr` from the cache."""
    return artifacts.get_or_create(
        "simclr",
        lambda folder: train_simclr(dataset, epochs=epochs, seed=seed, folder=folder),
        parameters={"epochs": epochs, "seed": seed, "bfloat16": mixed_precision()},
        data=dataset.key,
    )


def load_simclr(entry: artifacts.Entry) -> nn.Sequential:
    """Load an encoder saved by `train_simclr`; raises CorruptData if its weights are damaged."""
    return load_weights(simclr_encoder(), entry.path).eval()


@torch.inference_mode()
def embed(entry: artifacts.Entry, dataset: MelDataset) -> np.ndarray:
    """Compute SimCLR embeddings (n, 512) of all songs: means over evenly spaced crops."""
    encoder = load_simclr(entry)
    embeddings = np.zeros((len(dataset.mels), DIM), np.float32)
    for rows in mel.batches(len(embeddings)):
        for start in window_starts(WINDOWS):
            crops = dataset.crops(rows, np.full(len(rows), start)).to(device())
            embeddings[rows] += encoder(crops).cpu().numpy() / WINDOWS
    return embeddings


@torch.inference_mode()
def alignment_and_uniformity(
    entry: artifacts.Entry, dataset: MelDataset, part: str, seed: int
) -> dict[str, float]:
    """Compute alignment and uniformity (Wang and Isola 2020) of a part's SimCLR embeddings.

    Alignment compares two augmented views of each song.
    """
    encoder, part_rows = load_simclr(entry), dataset.rows(part)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    batches = [part_rows[places] for places in mel.batches(len(part_rows))]
    first, second = (
        np.concatenate(
            [encoder(_view(dataset, rows, rng, generator)).cpu().numpy() for rows in batches]
        )
        for _ in range(2)
    )
    return {"alignment": alignment(first, second), "uniformity": uniformity(first)}
