"""Experiment on domain-adaptive pre-training: conditions, chains of stages, predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ..core import artifacts, runtime
from ..core.errors import BadInput
from ..core.runtime import device
from ..data import song_files
from ..data.cleaning import couplets
from ..text import bundled_e5, classifier, encoders, finetuning, prediction
from ..text.pretraining import Pretraining, stage
from ..text.pretraining_corpora import Corpora

#: Domains of pre-training, in order, of each condition. `frozen_2022` freezes the encoder, the
#: fault of 2022.
CONDITIONS: dict[str, tuple[str, ...]] = {
    "none": (),
    "tapt": ("emotion",),
    "conversation": ("conversation",),
    "lyrics": ("lyrics",),
    "unrelated": ("unrelated",),
    "lyrics_conversation_emotion": ("lyrics", "conversation", "emotion"),
    "conversation_lyrics_emotion": ("conversation", "lyrics", "emotion"),
    "frozen_2022": ("lyrics", "conversation", "emotion"),
}

#: Micro-F1 before and after DAPT, published in 2022.
MICRO_F1_2022 = {"before": 0.726, "after": 0.734}


def lyrics(profile: str, seed: int, limit: int = 0) -> tuple[list[str], pd.DataFrame]:
    """Draw lines of lyrics to train on, and lyrics of other artists to score.

    Only the sample's lyrics have an emotion that their author intended, so every profile scores
    those. Profile `wyf` trains on its own lyrics, the others on the rest of the sample's. No artist
    is in both parts, and within the sample no lyricist.

    Parameters
    ----------
    limit
        Lyrics to score; 0 for all, a third of the lyrics with a known writer.

    Returns
    -------
    lines : list
        Distinct lines to train on.
    scored : DataFrame
        Columns id, lyric, emotion (the author's first intent), couplets (list of texts of two
        lines).
    """
    songs, _ = song_files.songs("sample", bundled_e5.count_tokens)
    intent = song_files.lyric_intent("sample").rename(columns={"first": "emotion"})
    songs = songs.merge(intent, on="id")
    parts = song_files.split_songs(songs, "sample", seed, parts=3, by="emotion")
    scored = parts["test"]
    if 0 < limit < len(scored):
        scored = scored.sample(limit, random_state=seed)
    if profile == "wyf":
        train, _ = song_files.songs(profile, bundled_e5.count_tokens)
        train = train[~train["artist"].isin(parts["test"]["artist"])]
    else:
        train = pd.concat([parts["train"], parts["dev"]])
    lines = list(dict.fromkeys(line for lyric in train["lyric"] for line in lyric.splitlines()))
    scored = scored.assign(couplets=scored["lyric"].map(couplets))
    return lines, scored[["id", "lyric", "emotion", "couplets"]]


def plan(
    names: Sequence[str] = tuple(CONDITIONS), suffixes: Sequence[str] = ("",)
) -> dict[str, tuple[str, ...]]:
    """List the domains of each condition for one or more task corpora.

    Each task corpus has a domain `emotion` with its suffix. The other domains are shared.

    Raises
    ------
    BadInput
        If a condition is unknown, or the first is not `none`, the reference of the others.
    """
    unknown = [name for name in names if name not in CONDITIONS]
    if unknown or list(names)[:1] != ["none"]:
        raise BadInput(
            f"The conditions are {', '.join(names)}; begin with none, and choose the others from: "
            f"{', '.join(list(CONDITIONS)[1:])}."
        )
    return {
        f"{name}{suffix}": tuple(
            f"{domain}{suffix}" if domain == "emotion" else domain for domain in CONDITIONS[name]
        )
        for suffix in suffixes
        for name in names
    }


def adapted(
    start: artifacts.Entry,
    conditions: dict[str, tuple[str, ...]],
    texts: Corpora,
    recipe: Pretraining,
    seed: int,
) -> dict[str, list[artifacts.Entry]]:
    """Train every condition's chain of stages: its entries, `start` first.

    A stage that two conditions share is trained once, and is one entry.
    """
    stages: dict[tuple, artifacts.Entry] = {}
    chains = {}
    for name, path in conditions.items():
        frozen, chain = name.startswith("frozen"), [start]
        for length, domain in enumerate(path, start=1):
            place = (frozen, *path[:length])
            if place not in stages:
                stages[place] = stage(chain[-1], domain, texts, recipe, seed, frozen=frozen)
            chain.append(stages[place])
        chains[name] = chain
    return chains


def encoder_weights(entry: artifacts.Entry) -> dict[str, torch.Tensor]:
    """Load the weights of a stage's encoder, without its head."""
    return encoders.load(f"dapt/{entry.key}").model.state_dict()


def changed_share(start: artifacts.Entry, end: artifacts.Entry) -> float:
    """Compute the share of the encoder's tensors that differ in any bit between two stages."""
    before, after = encoder_weights(start), encoder_weights(end)
    return float(np.mean([not torch.equal(before[name], after[name]) for name in before]))


@dataclass(frozen=True)
class Answers:
    """Predictions of a condition's fine-tuned models, one array a seed.

    Attributes
    ----------
    entries : list
        The trained models.
    sentences, lyrics : list
        Emotion ids (n,) of the test sentences, and of the scored lyrics.
    """

    entries: list[artifacts.Entry]
    sentences: list[np.ndarray]
    lyrics: list[np.ndarray]


def fine_tuned(
    encoder: artifacts.Entry,
    train: pd.DataFrame,
    dev: pd.DataFrame,
    texts: pd.Series,
    scored: pd.DataFrame,
    recipe: finetuning.Recipe,
    seeds: Sequence[int],
) -> Answers:
    """Fine-tune a stage's encoder once a seed, and predict test sentences and lyrics.

    Parameters
    ----------
    train, dev
        Tables for `finetuning.trained`.
    texts
        Test sentences.
    scored
        Table of scored lyrics, as from `lyrics`.
    """
    recipe = replace(recipe, encoder=f"dapt/{encoder.key}")
    entries = [finetuning.trained(train, dev, recipe, seed) for seed in seeds]
    predictions = [_predict(entry, texts, scored) for entry in entries]
    return Answers(entries, *([p[i] for p in predictions] for i in range(2)))


def _predict(
    model: artifacts.Entry, texts: pd.Series, scored: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Emotion ids of sentences, and of lyrics by the mean over their couplets, from the cache."""

    def make(folder: Path) -> None:
        # The precision of training.
        with torch.autocast(device(), torch.bfloat16, enabled=runtime.mixed_precision()):
            reader = classifier.load(model.path)
            sentences = reader.predict(texts.tolist(), desc="read the test part")
            songs = prediction.read_lyrics(reader, scored["couplets"], desc="read lyrics")
        np.savez(folder / "answers.npz", sentences=sentences.argmax(1), lyrics=songs.argmax(1))

    entry = artifacts.get_or_create(
        "dapt_answers",
        make,
        parameters={"model": model.key, "bfloat16": runtime.mixed_precision()},
        data=artifacts.fingerprint(texts, scored["couplets"].tolist()),
    )
    with np.load(entry.path / "answers.npz", allow_pickle=False) as arrays:
        return arrays["sentences"], arrays["lyrics"]


def minutes(chain: Sequence[artifacts.Entry], answers: Answers) -> dict[str, float]:
    """Sum a condition's minutes of pre-training (shared stages included) and of fine-tuning."""
    return {
        "pre-training": sum(entry.seconds for entry in chain[1:]) / 60,
        "fine-tuning": sum(entry.seconds for entry in answers.entries) / 60,
    }
