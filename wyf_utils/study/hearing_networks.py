"""Networks on raw mel in the folds of `hearing`: CNN and ResNet50 by answers, SimCLR without."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from ..core import artifacts
from ..core.runtime import mixed_precision, progress
from ..sound import network_training, networks, simclr
from ..sound.dataset import MelDataset
from .hearing import FOLDS, HearingExperiment, folds

#: Folds of a fold's training songs, one of which says when training is best.
_DEV = 6


def add_network(
    experiment: HearingExperiment, mels: np.ndarray, network: str, *, epochs: int
) -> None:
    """Predict the shares of listeners by a network of `networks.NETWORKS`, named as it is.

    It is trained anew for each fold of each repeat, on the songs that the heads learn from; a
    sixth of them, whole groups, chooses the epoch. Weights are not kept.

    Parameters
    ----------
    experiment
        Receives the predictions, (n, 6) a repeat.
    mels
        Mels (n, 48, 1876) of its songs in decibels.
    """
    experiment.answers[network] = [
        artifacts.cached_array(
            "hearing_network",
            lambda seed=seed: _out_of_fold(experiment, mels, network, epochs, seed),
            parameters={
                "network": network, "epochs": epochs, "seed": seed, "bfloat16": mixed_precision(),
            },
            data=artifacts.fingerprint(mels, experiment.emotify.targets(), experiment.groups),
        )
        for seed in experiment.seeds
    ]  # fmt: skip


def _out_of_fold(
    experiment: HearingExperiment, mels: np.ndarray, network: str, epochs: int, seed: int
) -> np.ndarray:
    targets, predicted = experiment.emotify.targets(), np.zeros_like(experiment.six)
    held_out = folds(experiment.labels, experiment.groups, FOLDS, seed)
    for test in progress(held_out, desc=f"hear by {network}"):
        dataset = MelDataset(mels, _parts(experiment, test, seed))
        with tempfile.TemporaryDirectory() as folder:
            options = {"epochs": epochs, "seed": seed, "folder": Path(folder)}
            network_training.train(network, dataset, targets, **options)
            model = networks.network(network, dataset)
            model = network_training.load_weights(model, Path(folder))
        predicted[test] = network_training.predict(model, dataset, test)
    return predicted


def _parts(experiment: HearingExperiment, test: np.ndarray, seed: int) -> np.ndarray:
    """Parts (n,) of a fold: its held-out songs, and a sixth of the others as dev."""
    parts = np.full(len(experiment.labels), "train")
    rest = np.delete(np.arange(len(parts)), test)
    dev = folds(experiment.labels[rest], experiment.groups[rest], _DEV, seed)[0]
    parts[test], parts[rest[dev]] = "test", "dev"
    return parts


def simclr_features(mels: np.ndarray, *, epochs: int, seed: int) -> np.ndarray:
    """Learn SimCLR embeddings (n, 512) from the sound of all songs, and of no answer.

    The held-out songs are heard in learning, which flatters it.
    """
    dataset = MelDataset(mels, np.full(len(mels), "train"))
    return simclr.embed(simclr.trained_simclr(dataset, epochs=epochs, seed=seed), dataset)
