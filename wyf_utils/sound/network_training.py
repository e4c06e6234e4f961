"""Training of the networks on mel, and their predictions."""

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
from .mel import FRAMES
from .networks import EmotionNet, network

#: Crops of a song that a prediction averages; fewer on dev songs after each epoch.
WINDOWS, DEV_WINDOWS = 4, 2

BATCH = 32


def _logits(
    model: nn.Module, dataset: MelDataset, rows: np.ndarray, starts: np.ndarray, seed: int = 0
) -> torch.Tensor:
    """Compute logits (batch, 6), float32, of one crop and the couplets of each song."""
    place = next(model.parameters()).device
    mels, couplets = None, None
    if not (isinstance(model, EmotionNet) and model.sound is None):
        mels = dataset.crops(rows, starts, seed).to(place)
    if dataset.couplets is not None:
        couplets = torch.from_numpy(dataset.couplets[rows]).to(place)
    with torch.autocast(place.type, torch.bfloat16, enabled=mixed_precision()):
        return model(mels, couplets).float()


def shuffled_batches(rows: np.ndarray, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Split rows at random into batches; a last one under half the size joins its neighbour.

    A small batch would make batch statistics unreliable.
    """
    order = rng.permutation(rows)
    batches = [order[i : i + size] for i in range(0, len(order), size)]
    if len(batches) > 1 and len(batches[-1]) < size // 2:
        batches[-2:] = [np.concatenate(batches[-2:])]
    return batches


def train(
    name: str, dataset: MelDataset, targets: np.ndarray, *, epochs: int, seed: int, folder: Path
) -> None:
    """Train a network on random crops and save the weights of the best dev macro-F1.

    The loss is a cross-entropy with soft targets and class weights of inverse root frequency.

    Parameters
    ----------
    name
        One of `NETWORKS`.
    targets
        Soft or one-hot emotion vectors (n, 6) of all songs.
    folder
        Receives model.safetensors and curve.npz: loss, accuracy, dev_loss, dev_accuracy and
        dev_macro_f1 of each epoch.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_rows = dataset.rows("train")
    model = network(name, dataset)
    place = next(model.parameters()).device
    weights = torch.from_numpy(class_weights(targets[train_rows], 0.5)).to(place)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    steps = epochs * len(shuffled_batches(train_rows, BATCH, np.random.default_rng(0)))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    best, curve = -1.0, []
    for epoch in progress(range(epochs), desc=f"train {name}, seed {seed}"):
        model.train()
        losses, hits = [], []
        for rows in shuffled_batches(train_rows, BATCH, rng):
            starts = rng.integers(0, FRAMES - CROP + 1, len(rows))
            logits = _logits(model, dataset, rows, starts, seed + epoch)
            y = torch.from_numpy(targets[rows].astype(np.float32)).to(place)
            loss = -(y * weights * logits.log_softmax(-1)).sum(-1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            hits += (logits.argmax(1) == y.argmax(1)).tolist()
        scores = {"loss": np.mean(losses), "accuracy": np.mean(hits)}
        scores |= _dev_scores(model, dataset, targets)
        curve.append(scores)
        if scores["dev_macro_f1"] > best:
            best, state = scores["dev_macro_f1"], copy_weights(model)
    save_training(folder, state, curve)


def _dev_scores(model: nn.Module, dataset: MelDataset, targets: np.ndarray) -> dict[str, float]:
    rows = dataset.rows("dev")
    emotion_vectors = predict(model, dataset, rows, DEV_WINDOWS)
    true, predicted = targets[rows].argmax(1), emotion_vectors.argmax(1)
    return {
        "dev_loss": -(targets[rows] * np.log(emotion_vectors + 1e-9)).sum(1).mean(),
        "dev_accuracy": np.mean(true == predicted),
        "dev_macro_f1": macro_f1(true, predicted),
    }


def copy_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """Copy the weights of a model to the CPU."""
    return {k: v.detach().cpu().clone().contiguous() for k, v in model.state_dict().items()}


def save_training(
    folder: Path, weights: dict[str, torch.Tensor], curve: list[dict[str, float]]
) -> None:
    """Save weights to model.safetensors and the scores of each epoch to curve.npz."""
    save_file(weights, folder / "model.safetensors")
    columns = {k: np.array([scores[k] for scores in curve], np.float32) for k in curve[0]}
    np.savez(folder / "curve.npz", **columns)


def window_starts(count: int) -> np.ndarray:
    """Return the first frames of evenly spaced crops: middles of equal parts of the range."""
    return np.linspace(0, FRAMES - CROP, 2 * count + 1).astype(int)[1::2]


@torch.inference_mode()
def predict(
    model: nn.Module, dataset: MelDataset, rows: np.ndarray, windows: int = WINDOWS
) -> np.ndarray:
    """Predict emotion vectors (rows, 6): the mean probabilities over evenly spaced crops."""
    model.eval()
    emotion_vectors = np.zeros((len(rows), emotions.N), np.float32)
    for places in mel.batches(len(rows)):
        for start in window_starts(windows):
            logits = _logits(model, dataset, rows[places], np.full(len(places), start))
            emotion_vectors[places] += logits.softmax(-1).cpu().numpy() / windows
    return emotion_vectors


def trained(
    name: str, dataset: MelDataset, targets: np.ndarray, *, epochs: int, seed: int
) -> artifacts.Entry:
    """Return the result of `train` from the cache."""
    return artifacts.get_or_create(
        f"mel_{name}",
        lambda folder: train(name, dataset, targets, epochs=epochs, seed=seed, folder=folder),
        parameters={"epochs": epochs, "seed": seed, "bfloat16": mixed_precision()},
        data=artifacts.fingerprint(dataset.key, targets),
    )


def load(name: str, entry: artifacts.Entry, dataset: MelDataset) -> nn.Module:
    """Load a network saved by `train`; raises CorruptData if its weights are damaged."""
    return load_weights(network(name, dataset), entry.path).eval()


def load_weights(model: nn.Module, folder: Path) -> nn.Module:
    """Load model.safetensors of a folder into a model and return it.

    Raises
    ------
    CorruptData
        If the weights are damaged or belong to another model.
    """
    try:
        model.load_state_dict(load_file(folder / "model.safetensors"))
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise CorruptData(
            f"The weights in {folder.parent.name}/{folder.name} are damaged; "
            "delete that folder and run again."
        ) from error
    return model


def train_and_predict(
    name: str, dataset: MelDataset, targets: np.ndarray, *, epochs: int, seeds: list[int]
) -> tuple[list[np.ndarray], list[dict[str, np.ndarray]]]:
    """Train a network once a seed and predict the test part.

    Returns
    -------
    emotion_vectors : list of ndarray of shape (test songs, 6)
    curves : list of dict
        `training_curve` of each seed.
    """
    entries = [trained(name, dataset, targets, epochs=epochs, seed=seed) for seed in seeds]
    test = dataset.rows("test")
    emotion_vectors = [predict(load(name, entry, dataset), dataset, test) for entry in entries]
    return emotion_vectors, [training_curve(entry) for entry in entries]


def training_curve(entry: artifacts.Entry) -> dict[str, np.ndarray]:
    """Load the scores of each epoch of a training, by name."""
    with np.load(entry.path / "curve.npz", allow_pickle=False) as curve:
        return dict(curve)
