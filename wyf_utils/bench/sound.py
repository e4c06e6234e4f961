"""Time composing, mel extraction, hearing by MusiCNN and batches of mapped mels."""

from __future__ import annotations

import itertools
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..sound import composer, dataset, mel, musicnn, network_training, networks
from ..study.recommender_evaluation import timed_in_turns
from .timing import compare


def _seconds(call: Callable[[], object], times: int) -> float:
    return statistics.mean(timed_in_turns({"": call}, 1, times)[""])


def composing() -> None:
    """Time composing and mel extraction, beside their budgets."""
    waveform = composer.render(*composer.compose(np.eye(6)[0], 0), 0)
    seeds = itertools.count()

    def compose() -> None:
        seed = next(seeds)
        mel.from_waveform(composer.render(*composer.compose(np.eye(6)[seed % 6], seed), seed))

    print("\nsound of the sample")
    one, extraction = _seconds(compose, 12), _seconds(lambda: mel.from_waveform(waveform), 20)
    speed = composer.SECONDS / extraction
    print(f"  {'compose, render and mel, 400 songs on two cores':<48} {200 * one:8.0f} s   of 120")
    print(
        f"  {'mel extraction, times real time per core':<48} {speed:8.0f} x   at least 60",
        flush=True,
    )


def hearing() -> None:
    """Time MusiCNN on 30 s of sound beside the mel spectrogram alone, and its songs a second."""
    waveform = composer.render(*composer.compose(np.eye(6)[0], 0), 0)
    calls = {
        "librosa's mel spectrogram alone": lambda: mel.from_waveform(waveform),
        "MusiCNN's log-mel spectrogram": lambda: musicnn.log_mel(waveform),
        "MusiCNN, from the waveform to tags": lambda: musicnn.hear(waveform),
    }
    compare("hear a song of 30 s", calls)
    speed = 1 / _seconds(calls["MusiCNN, from the waveform to tags"], 5)
    print(f"  {'MusiCNN, songs a second':<48} {speed:8.1f}     at least 2", flush=True)


def mel_batches() -> None:
    """Time loading batches of mapped mels, alone and with training."""
    with tempfile.TemporaryDirectory() as folder:
        shape = (1000, mel.BANDS, mel.FRAMES)
        mels = np.memmap(Path(folder) / "mels", np.float32, "w+", shape=shape)
        songs, rng = dataset.MelDataset(mels, np.full(1000, "train")), np.random.default_rng(0)
        size, crop = network_training.BATCH, network_training.CROP
        batches = network_training.shuffled_batches(songs.rows("train"), size, rng)[:8]
        model = networks.network("cnn", songs)
        starts = [rng.integers(0, mel.FRAMES - crop, len(batch)) for batch in batches]

        def load() -> None:
            for batch, first in zip(batches, starts, strict=True):
                songs.crops(batch, first)

        def train() -> None:
            for batch, first in zip(batches, starts, strict=True):
                network_training._logits(model, songs, batch, first).square().mean().backward()

        calls = {"load and train the small CNN": train, "load alone": load}
        compare(f"{len(batches)} batches of {size} mapped mels", calls)
