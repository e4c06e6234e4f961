"""SimCLR on mel: embeddings learned without labels."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from ..core import artifacts
from ..core.metrics import alignment, uniformity
from ..core.runtime import device, mixed_precision, progress
from . import mel
from .dataset import MelDataset
from .mel import BANDS, FRAMES, standardise
from .network_training import BATCH, CROP, WINDOWS, _windows, _with_weights, shuffled_batches
from .networks import DIM, MelEncoder, _convolutions


def augment(views: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Views for SimCLR out of standardised crops (batch, 48, frames): gain, pitch shift, a frequency and a time mask, noise.

    The gain is small (2 dB either way), since loudness tells emotions apart. The pitch shift moves up to two bands; the bands that
    come in at the edge repeat the outermost one, so that no high sound turns up as a low one. Masks hold the mean of the view.
    """
    n, _, frames = views.shape
    draw = torch.rand((7, n, 1), generator=generator)
    bands, times = torch.arange(BANDS), torch.arange(frames)
    views = views + 0.08 * (draw[0] - 0.5).unsqueeze(2)
    source = (bands + (5 * draw[1]).long() - 2).clamp(0, BANDS - 1)  # (n, 48)
    views = views.gather(1, source.unsqueeze(2).expand(-1, -1, frames))
    width, start = 8 * draw[2], (BANDS - 8) * draw[3]
    length, begin = frames / 8 * draw[4], frames * 7 / 8 * draw[5]
    masked = ((bands >= start) & (bands < start + width)).unsqueeze(2) | (
        (times >= begin) & (times < begin + length)
    ).unsqueeze(1)
    views = torch.where(masked, views.mean((1, 2), keepdim=True), views)
    return views + 0.05 * draw[6].unsqueeze(2) * torch.randn(
        views.shape, generator=generator
    )  # up to 2.5 dB


def _view(
    material: MelDataset, rows: np.ndarray, rng: np.random.Generator, generator: torch.Generator
) -> torch.Tensor:
    """One augmented random crop of each song."""
    return augment(material.crops(rows, rng.integers(0, FRAMES - CROP + 1, len(rows))), generator)


def nt_xent(first: torch.Tensor, second: torch.Tensor, temperature: float = 0.2) -> torch.Tensor:
    """NT-Xent loss of SimCLR (Chen et al. 2020, eq. 1) of two views, each (batch, dim)."""
    vectors = functional.normalize(torch.cat([first, second]), dim=1)  # (2 batch, dim)
    similarity = vectors @ vectors.T / temperature
    similarity.fill_diagonal_(-math.inf)
    partner = torch.arange(len(vectors), device=vectors.device).roll(len(first))
    return functional.cross_entropy(similarity, partner)


def simclr_encoder() -> nn.Sequential:
    """`MelEncoder` whose vectors are centred and scaled, with fresh weights: all its numbers are positive, so that uncentred vectors would point one way."""
    return nn.Sequential(MelEncoder(), nn.BatchNorm1d(DIM, affine=False)).to(device())


def train_simclr(material: MelDataset, *, epochs: int, seed: int, folder: Path) -> None:
    """Train a `simclr_encoder` without labels: two augmented views of a song shall be neighbours (Chen et al. 2020).

    Parameters
    ----------
    folder
        Receives model.safetensors and curve.npz (loss of each epoch, and chance: the loss of vectors that are all one point).
    """
    torch.manual_seed(seed)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    where = device()
    encoder = simclr_encoder()
    projector = nn.Sequential(nn.Linear(DIM, 128), nn.ReLU(), nn.Linear(128, 64)).to(where)
    optimizer = torch.optim.AdamW(
        [*encoder.parameters(), *projector.parameters()], lr=1e-3, weight_decay=1e-4
    )
    rows, curve = material.rows("train"), []
    for _ in progress(range(epochs), desc=f"train SimCLR, seed {seed}"):
        encoder.train()
        losses = []
        for batch in shuffled_batches(rows, BATCH, rng):
            with torch.autocast(where, torch.bfloat16, enabled=mixed_precision()):
                views = [
                    projector(encoder(_view(material, batch, rng, generator).to(where))).float()
                    for _ in range(2)
                ]
            loss = nt_xent(*views)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append((loss.item(), math.log(max(2 * len(batch) - 1, 1))))
        curve.append(np.mean(losses, axis=0))
    save_file(
        {k: v.cpu().contiguous() for k, v in encoder.state_dict().items()},
        folder / "model.safetensors",
    )
    np.savez(
        folder / "curve.npz",
        **dict(zip(("loss", "chance"), np.array(curve, np.float32).T, strict=True)),
    )


def trained_simclr(material: MelDataset, *, epochs: int, seed: int) -> artifacts.Entry:
    """`train_simclr` through the cache."""
    return artifacts.get_or_create(
        "simclr",
        lambda folder: train_simclr(material, epochs=epochs, seed=seed, folder=folder),
        parameters={
            "epochs": epochs,
            "seed": seed,
            "crop": CROP,
            "batch": BATCH,
            "bfloat16": mixed_precision(),
        },
        data=material.key,
        code=[
            MelDataset,
            train_simclr,
            simclr_encoder,
            _convolutions,
            MelEncoder,
            augment,
            _view,
            nt_xent,
            shuffled_batches,
            standardise,
            mel.batch,
            mel.add_noise,
        ],
    )


def load_simclr(entry: artifacts.Entry) -> nn.Sequential:
    """Load an encoder kept by `train_simclr`; raises CorruptData if its weights are damaged."""
    return _with_weights(simclr_encoder(), entry.path).eval()


@torch.inference_mode()
def embed(entry: artifacts.Entry, material: MelDataset) -> np.ndarray:
    """SimCLR vectors (n, 512) of all songs: the mean over evenly spaced crops."""
    encoder = load_simclr(entry)
    found = np.zeros((len(material.mels), DIM), np.float32)
    for rows in mel.batches(len(found)):
        for start in _windows(WINDOWS):
            found[rows] += (
                encoder(material.crops(rows, np.full(len(rows), start)).to(device())).cpu().numpy()
                / WINDOWS
            )
    return found


@torch.inference_mode()
def alignment_and_uniformity(
    entry: artifacts.Entry, material: MelDataset, part: str, seed: int
) -> dict[str, float]:
    """Alignment and uniformity (Wang and Isola 2020) of a part's SimCLR vectors, over two augmented views of each song."""
    encoder, rows = load_simclr(entry), material.rows(part)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    one, two = (
        np.concatenate(
            [
                encoder(_view(material, rows[places], rng, generator).to(device())).cpu().numpy()
                for places in mel.batches(len(rows))
            ]
        )
        for _ in range(2)
    )
    return {"alignment": alignment(one, two), "uniformity": uniformity(one)}
