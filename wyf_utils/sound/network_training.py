"""Training of the networks on mel, and what they answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ..core import artifacts, emotions
from ..core.errors import CorruptData
from ..core.metrics import macro_f1
from ..core.runtime import mixed_precision, progress
from ..core.vectors import class_weights
from . import mel
from .dataset import CROP, MelDataset
from .mel import FRAMES, standardise
from .networks import (
    CoupletCNN,
    CoupletRNN,
    EmotionNet,
    MelCNNRNN,
    MelEncoder,
    MelRNN,
    MelStatistics,
    ResNet50,
    _convolutions,
    _empty,
    network,
)

#: Crops, evenly spaced, whose answers are averaged for a song; fewer while training, where only the best epoch is sought.
WINDOWS, DEV_WINDOWS = 4, 2

BATCH = 32


def _logits(
    model: nn.Module, material: MelDataset, rows: np.ndarray, starts: np.ndarray, seed: int = 0
) -> torch.Tensor:
    """Logits (batch, 6), float32, of one crop of each song and of its lyric."""
    where = next(model.parameters()).device
    listens = not (isinstance(model, EmotionNet) and model.sound is None)
    mels = material.crops(rows, starts, seed).to(where) if listens else None
    couplets = (
        None if material.couplets is None else torch.from_numpy(material.couplets[rows]).to(where)
    )
    with torch.autocast(where.type, torch.bfloat16, enabled=mixed_precision()):
        return model(mels, couplets).float()


def shuffled_batches(rows: np.ndarray, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Rows in random order in batches; a last one too small for batch statistics is joined to the one before."""
    order = rng.permutation(rows)
    batches = [order[i : i + size] for i in range(0, len(order), size)]
    if len(batches) > 1 and len(batches[-1]) < size // 2:
        batches[-2:] = [np.concatenate(batches[-2:])]
    return batches


def train(
    name: str, material: MelDataset, targets: np.ndarray, *, epochs: int, seed: int, folder: Path
) -> None:
    """Train a network on random crops of the training songs and keep the weights with the best dev macro-F1.

    Parameters
    ----------
    name
        One of `NETWORKS`.
    targets
        Emotion vectors of all songs, (n, 6), rows sum to 1: soft labels, or hard ones from `hard_labels`.
    epochs, seed
        How long, and from which weights and crops.
    folder
        Receives model.safetensors and curve.npz (loss, accuracy, dev_loss, dev_accuracy, dev_macro_f1 of each epoch).
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    rows, dev = material.rows("train"), material.rows("dev")
    model = network(name, material)
    where = next(model.parameters()).device
    weights = torch.from_numpy(class_weights(targets[rows], 0.5)).to(where)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    steps = epochs * len(shuffled_batches(rows, BATCH, np.random.default_rng(0)))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    best, curve = -1.0, []
    for epoch in progress(range(epochs), desc=f"train {name}, seed {seed}"):
        model.train()
        losses, hits = [], []
        for batch in shuffled_batches(rows, BATCH, rng):
            logits = _logits(
                model, material, batch, rng.integers(0, FRAMES - CROP + 1, len(batch)), seed + epoch
            )
            y = torch.from_numpy(targets[batch].astype(np.float32)).to(where)
            loss = -(y * weights * logits.log_softmax(-1)).sum(-1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            hits += (logits.argmax(1) == y.argmax(1)).tolist()
        probabilities = predict(model, material, dev, DEV_WINDOWS)
        true = targets[dev].argmax(1)
        score = macro_f1(true, probabilities.argmax(1))
        dev_loss = -(targets[dev] * np.log(probabilities + 1e-9)).sum(1).mean()
        curve.append(
            (
                np.mean(losses),
                np.mean(hits),
                dev_loss,
                np.mean(true == probabilities.argmax(1)),
                score,
            )
        )
        if score > best:
            best = score
            state = {
                k: v.detach().cpu().clone().contiguous() for k, v in model.state_dict().items()
            }
    save_file(state, folder / "model.safetensors")
    columns = np.array(curve, np.float32).T
    np.savez(
        folder / "curve.npz",
        **dict(
            zip(
                ("loss", "accuracy", "dev_loss", "dev_accuracy", "dev_macro_f1"),
                columns,
                strict=True,
            )
        ),
    )


def _windows(count: int) -> np.ndarray:
    """Starts of evenly spaced crops: the middles of equal parts of what can be a start."""
    return np.linspace(0, FRAMES - CROP, 2 * count + 1).astype(int)[1::2]


@torch.inference_mode()
def predict(
    model: nn.Module, material: MelDataset, rows: np.ndarray, windows: int = WINDOWS
) -> np.ndarray:
    """Probabilities (len(rows), 6): the mean over evenly spaced crops of each song."""
    model.eval()
    found = np.zeros((len(rows), emotions.N), np.float32)
    for places in mel.batches(len(rows)):
        for start in _windows(windows):
            found[places] += (
                _logits(model, material, rows[places], np.full(len(places), start))
                .softmax(-1)
                .cpu()
                .numpy()
                / windows
            )
    return found


def one_hot_labels(vectors: np.ndarray) -> np.ndarray:
    """Vectors that give all to the largest emotion, (n, 6)."""
    return np.eye(emotions.N, dtype=np.float32)[vectors.argmax(1)]


#: All that makes the weights and answers of a network, so that a change of any is another cache entry.
_NETWORK_CODE = [
    MelDataset, _convolutions, MelEncoder, MelRNN, MelCNNRNN, MelStatistics, CoupletCNN, CoupletRNN, _empty, ResNet50, EmotionNet, network, _logits,
    shuffled_batches, train, _windows, predict, class_weights, macro_f1, standardise, mel.batch, mel.add_noise, mel.batches, mel.mel_statistics,
]  # fmt: skip


def trained(
    name: str, material: MelDataset, targets: np.ndarray, *, epochs: int, seed: int
) -> artifacts.Entry:
    """`train` through the cache."""
    return artifacts.get_or_create(
        f"mel_{name}",
        lambda folder: train(name, material, targets, epochs=epochs, seed=seed, folder=folder),
        parameters={
            "epochs": epochs,
            "seed": seed,
            "crop": CROP,
            "batch": BATCH,
            "windows": DEV_WINDOWS,
            "bfloat16": mixed_precision(),
        },
        data=artifacts.fingerprint(material.key, targets),
        code=_NETWORK_CODE,
    )


def load(name: str, entry: artifacts.Entry, material: MelDataset) -> nn.Module:
    """Load a network kept by `train`.

    Raises
    ------
    CorruptData
        If its weights are damaged.
    """
    return _with_weights(network(name, material), entry.path).eval()


def _with_weights(model: nn.Module, folder: Path) -> nn.Module:
    try:
        model.load_state_dict(load_file(folder / "model.safetensors"))
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise CorruptData(
            f"The weights in {folder.parent.name}/{folder.name} are damaged; delete that folder and run again."
        ) from error
    return model


def trained_answers(
    name: str, material: MelDataset, targets: np.ndarray, *, epochs: int, seeds: list[int]
) -> tuple[list[np.ndarray], list[dict]]:
    """Answers of a network to the test songs, one array (n, 6) a seed, and the curves of its trainings."""
    found = [trained(name, material, targets, epochs=epochs, seed=seed) for seed in seeds]
    return [
        predict(load(name, entry, material), material, material.rows("test")) for entry in found
    ], [training_curve(entry) for entry in found]


def training_curve(entry: artifacts.Entry) -> dict[str, np.ndarray]:
    """What a model's training kept of each epoch, by name."""
    with np.load(entry.path / "curve.npz", allow_pickle=False) as kept:
        return dict(kept)
