"""Models of mel spectrograms: a CNN on raw mel, SimCLR vectors, and shallow heads on any vectors."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional

from . import cache, emotions
from .classifier import class_weights
from .mel import BANDS, standardise
from .metrics import macro_f1
from .settings import device, progress

CROP = 469  # frames, 7.5 s
DIM = 512


class MelEncoder(nn.Module):
    """Four convolution blocks and a mean over time and bands: (batch, 48, frames) -> (batch, 512)."""

    def __init__(self, width: int = 32):
        super().__init__()
        channels = (1, width, 2 * width, 4 * width, DIM)
        blocks = []
        for before, after in itertools.pairwise(channels):
            blocks += [nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        self.blocks = nn.Sequential(*blocks)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """Vectors of standardised mels."""
        return self.blocks(mels.unsqueeze(1)).mean((2, 3))  # (batch, 1, 48, frames) -> (batch, 512)


class MelCNN(nn.Module):
    """`MelEncoder` with dropout and a linear layer to six logits: the first experiment of 2022, small."""

    def __init__(self):
        super().__init__()
        self.encoder = MelEncoder()
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(DIM, emotions.N))

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """Logits (batch, 6) of standardised mels (batch, 48, frames)."""
        return self.head(self.encoder(mels))


def random_crops(mels: torch.Tensor, frames: int, generator: torch.Generator) -> torch.Tensor:
    """One random stretch of each mel: (batch, 48, all) -> (batch, 48, frames)."""
    starts = torch.randint(0, mels.shape[2] - frames + 1, (len(mels),), generator=generator)
    return torch.stack([mel[:, s : s + frames] for mel, s in zip(mels, starts, strict=True)])


def augment(mels: torch.Tensor, frames: int, generator: torch.Generator) -> torch.Tensor:
    """One view for SimCLR: crop, gain, pitch shift by rolling bands, a frequency and a time mask, noise."""
    views = random_crops(mels, frames, generator)
    n = len(views)
    draw = torch.rand((n, 6), generator=generator)
    views = views + 0.3 * (draw[:, 0, None, None] - 0.5)  # gain of +-7.5 dB
    for row, view in enumerate(views):
        view.copy_(view.roll(int(5 * draw[row, 1]) - 2, dims=0))
        band, start = int(8 * draw[row, 2]), int((BANDS - 8) * draw[row, 3])
        view[start : start + band] = -1
        long, begin = int(frames / 8 * draw[row, 4]), int(frames * 7 / 8 * draw[row, 5])
        view[:, begin : begin + long] = -1
    return views + 0.05 * torch.randn(views.shape, generator=generator)


def nt_xent(first: torch.Tensor, second: torch.Tensor, temperature: float = 0.2) -> torch.Tensor:
    """NT-Xent loss of SimCLR (Chen et al. 2020, eq. 1) of two views, each (batch, dim)."""
    vectors = functional.normalize(torch.cat([first, second]), dim=1)  # (2 batch, dim)
    similarity = vectors @ vectors.T / temperature
    similarity.fill_diagonal_(-math.inf)
    partner = torch.arange(len(vectors), device=vectors.device).roll(len(first))
    return functional.cross_entropy(similarity, partner)


def _loader_order(n: int, batch_size: int, generator: torch.Generator) -> list[torch.Tensor]:
    """Shuffled batches; a last one too small for batch statistics is joined to the one before."""
    batches = list(torch.randperm(n, generator=generator).split(batch_size))
    if len(batches) > 1 and len(batches[-1]) < batch_size // 2:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def train_cnn(mels: np.ndarray, targets: np.ndarray, dev: np.ndarray, dev_targets: np.ndarray, *, epochs: int, seed: int, folder: Path) -> None:
    """Train a `MelCNN` on soft labels and keep the weights with the best dev macro-F1.

    Parameters
    ----------
    mels, dev
        Mels in decibels, (n, 48, 1876).
    targets, dev_targets
        Emotion vectors, (n, 6); rows sum to 1.
    epochs, seed
        How long, and from which weights and crops.
    folder
        Receives model.safetensors and curve.npz (loss, dev_loss, dev_accuracy, dev_macro_f1 per epoch).
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    where = device()
    model = MelCNN().to(where)
    x, y = torch.from_numpy(standardise(mels)), torch.from_numpy(targets.astype(np.float32))
    weights = class_weights(targets, 0.5).to(where)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    steps = epochs * len(_loader_order(len(x), 32, torch.Generator()))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    best, rows = -1.0, []
    for _ in progress(range(epochs), desc=f"train CNN on mel, seed {seed}"):
        model.train()
        losses = []
        for batch in _loader_order(len(x), 32, generator):
            logits = model(random_crops(x[batch], CROP, generator).to(where))
            loss = -(y[batch].to(where) * weights * logits.log_softmax(-1)).sum(-1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        probabilities = predict_cnn(model, dev)
        true = dev_targets.argmax(1)
        score = macro_f1(true, probabilities.argmax(1))
        dev_loss = -(dev_targets * np.log(probabilities + 1e-9)).sum(1).mean()
        rows.append((np.mean(losses), dev_loss, np.mean(true == probabilities.argmax(1)), score))
        if score > best:
            best = score
            state = {k: v.detach().cpu().clone().contiguous() for k, v in model.state_dict().items()}
    save_file(state, folder / "model.safetensors")
    columns = np.array(rows, np.float32).T
    np.savez(folder / "curve.npz", **dict(zip(("loss", "dev_loss", "dev_accuracy", "dev_macro_f1"), columns, strict=True)))


@torch.inference_mode()
def predict_cnn(model: MelCNN, mels: np.ndarray, batch_size: int = 32) -> np.ndarray:
    """Probabilities (n, 6) of whole mels (n, 48, 1876)."""
    model.eval()
    where = next(model.parameters()).device
    parts = [model(torch.from_numpy(standardise(part)).to(where)).softmax(-1).cpu() for part in _slices(mels, batch_size)]
    return torch.cat(parts).numpy()


def _slices(mels: np.ndarray, batch_size: int) -> list[np.ndarray]:
    return [mels[i : i + batch_size] for i in range(0, len(mels), batch_size)]


def load_cnn(folder: Path) -> MelCNN:
    """Load a model kept by `train_cnn`."""
    model = MelCNN()
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.to(device()).eval()


def curve(entry: cache.Entry) -> dict[str, np.ndarray]:
    """What a model's training kept of each epoch, by name."""
    with np.load(entry.path / "curve.npz", allow_pickle=False) as kept:
        return dict(kept)


def trained_cnn(mels, targets, dev, dev_targets, *, epochs: int, seed: int) -> cache.Entry:
    """`train_cnn` through the cache."""
    return cache.folder(
        "mel_cnn",
        lambda folder: train_cnn(mels, targets, dev, dev_targets, epochs=epochs, seed=seed, folder=folder),
        parameters={"epochs": epochs, "seed": seed, "crop": CROP},
        data=cache.fingerprint(mels, targets, dev, dev_targets),
        code=[train_cnn, predict_cnn, MelCNN, MelEncoder, random_crops, standardise, _loader_order],
    )


def train_simclr(mels: np.ndarray, *, epochs: int, seed: int, folder: Path) -> None:
    """Train a `MelEncoder` without labels: two augmented views of a song shall be neighbours (Chen et al. 2020)."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    where = device()
    encoder = MelEncoder().to(where)
    projector = nn.Sequential(nn.Linear(DIM, 128), nn.ReLU(), nn.Linear(128, 64)).to(where)
    x = torch.from_numpy(standardise(mels))
    optimizer = torch.optim.AdamW([*encoder.parameters(), *projector.parameters()], lr=1e-3, weight_decay=1e-4)
    losses = []
    for _ in progress(range(epochs), desc=f"train SimCLR, seed {seed}"):
        encoder.train()
        batch_losses = []
        for batch in _loader_order(len(x), 64, generator):
            views = [projector(encoder(augment(x[batch], CROP, generator).to(where))) for _ in range(2)]
            loss = nt_xent(*views)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            batch_losses.append(loss.item())
        losses.append(np.mean(batch_losses))
    save_file({k: v.cpu().contiguous() for k, v in encoder.state_dict().items()}, folder / "model.safetensors")
    np.savez(folder / "curve.npz", loss=np.array(losses, np.float32))


def trained_simclr(mels: np.ndarray, *, epochs: int, seed: int) -> cache.Entry:
    """`train_simclr` through the cache."""
    return cache.folder(
        "simclr",
        lambda folder: train_simclr(mels, epochs=epochs, seed=seed, folder=folder),
        parameters={"epochs": epochs, "seed": seed, "crop": CROP},
        data=cache.fingerprint(mels),
        code=[train_simclr, MelEncoder, augment, nt_xent, random_crops, standardise, _loader_order],
    )


@torch.inference_mode()
def embed(folder: Path, mels: np.ndarray, batch_size: int = 32) -> np.ndarray:
    """SimCLR vectors (n, 512) of whole mels (n, 48, 1876), by an encoder kept by `train_simclr`."""
    encoder = MelEncoder()
    encoder.load_state_dict(load_file(folder / "model.safetensors"))
    encoder.eval().to(device())
    parts = [encoder(torch.from_numpy(standardise(part)).to(device())).cpu() for part in _slices(mels, batch_size)]
    return torch.cat(parts).numpy()


def head(kind: str, vectors: np.ndarray, labels: np.ndarray, seed: int) -> Pipeline:
    """Shallow classifier on vectors, fitted.

    Parameters
    ----------
    kind
        `linear` (class-balanced logistic regression) or `dense` (64 hidden units, the head of 2022).
    vectors, labels
        (n, dim) and emotion ids (n,).
    seed
        Seed of the dense head's weights.
    """
    if len(np.unique(labels)) == 1:  # nothing to tell apart: the answer is that emotion
        return make_pipeline(DummyClassifier()).fit(vectors, labels)
    heads = {
        "linear": LogisticRegression(C=0.1, max_iter=2000, class_weight="balanced"),
        "dense": MLPClassifier((64,), alpha=0.1, learning_rate_init=0.003, tol=1e-3, max_iter=1000, random_state=seed),
    }
    return make_pipeline(StandardScaler(), heads[kind]).fit(vectors, labels)


def head_probabilities(fitted: Pipeline, vectors: np.ndarray) -> np.ndarray:
    """Probabilities (n, 6); emotions that the head has never seen get 0."""
    probabilities = np.zeros((len(vectors), emotions.N))
    probabilities[:, fitted.classes_] = fitted.predict_proba(vectors)
    return probabilities
