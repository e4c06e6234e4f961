"""The experiment on domain-adaptive pre-training: conditions, chains, answers."""

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
from ..text import bundled_e5, classifier, encoders, finetuning
from ..text.pretraining import Corpora, Pretraining, stage

#: What is pre-trained on, in order, before the same fine-tuning. `frozen_2022` is the order of 2022 with its fault: the encoder stays frozen.
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

MICRO_F1_2022 = {"before": 0.726, "after": 0.734}


def lyrics(profile: str, seed: int, limit: int = 0) -> tuple[list[str], pd.DataFrame]:
    """Lines of lyrics to read, and lyrics of other artists to be scored.

    The sample's lyrics alone have an emotion that their author had in mind, so that they are scored whatever the profile;
    the open profile, which has none, also reads the sample's. Songs of an artist, and of a lyric's writer, are read or scored, never both.

    Parameters
    ----------
    limit
        Lyrics that are scored; 0 for all, a third of those whose writers are known.

    Returns
    -------
    lines : list
        Different lines of the lyrics to read.
    scored : DataFrame
        Columns id, lyric, emotion (the author's first intent), couplets (list of texts of two lines).
    """
    songs, _ = song_files.songs("sample", bundled_e5.count_tokens)
    songs = songs.merge(
        song_files.lyric_intent("sample").rename(columns={"first": "emotion"}), on="id"
    )
    parts = song_files.split_songs(songs, "sample", seed, parts=3, by="emotion")
    scored = parts["test"]
    scored = scored.sample(limit, random_state=seed) if 0 < limit < len(scored) else scored
    read = (
        song_files.songs(profile, bundled_e5.count_tokens)[0]
        if profile == "wyf"
        else pd.concat([parts["train"], parts["dev"]])
    )
    lines = list(dict.fromkeys(line for lyric in read["lyric"] for line in lyric.splitlines()))
    return lines, scored.assign(couplets=scored["lyric"].map(couplets))[
        ["id", "lyric", "emotion", "couplets"]
    ]


def plan(
    names: Sequence[str] = tuple(CONDITIONS), suffixes: Sequence[str] = ("",)
) -> dict[str, tuple[str, ...]]:
    """Domains of each condition, for one or more task corpora: each has its own task sentences (the domain `emotion` with its suffix), the rest is shared.

    Raises
    ------
    BadInput
        If there is no such condition, or `none`, which the others are compared with, is not the first.
    """
    unknown = [name for name in names if name not in CONDITIONS]
    if unknown or list(names)[:1] != ["none"]:
        raise BadInput(
            f"The conditions are {', '.join(names)}; begin with none, and choose the others from: {', '.join(list(CONDITIONS)[1:])}."
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
    """Entries of every condition's chain, `start` first; a stage that two conditions share is one entry."""
    known: dict[tuple, artifacts.Entry] = {}
    chains = {}
    for name, path in conditions.items():
        frozen, chain = name.startswith("frozen"), [start]
        for length, domain in enumerate(path, start=1):
            place = (frozen, *path[:length])
            if place not in known:
                known[place] = stage(chain[-1], domain, texts, recipe, seed, frozen=frozen)
            chain.append(known[place])
        chains[name] = chain
    return chains


def encoder_weights(entry: artifacts.Entry) -> dict[str, torch.Tensor]:
    """Weights of a stage's encoder, without its head."""
    return encoders.load(f"dapt/{entry.key}").model.state_dict()


def changed_share(start: artifacts.Entry, end: artifacts.Entry) -> float:
    """Share of the encoder's tensors that differ in any bit between two stages."""
    before, after = encoder_weights(start), encoder_weights(end)
    return float(np.mean([not torch.equal(before[name], after[name]) for name in before]))


@dataclass(frozen=True)
class Answers:
    """What the fine-tuned models of a condition answer, one array a seed.

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
    """Fine-tune the encoder of a stage once a seed, in the same way for every condition, and let it answer.

    Parameters
    ----------
    train, dev
        Tables for `finetuning.trained`.
    texts
        Test sentences.
    scored
        Lyrics of `lyrics`.
    """
    recipe = replace(recipe, encoder=f"dapt/{encoder.key}")
    entries = [finetuning.trained(train, dev, recipe, seed) for seed in seeds]
    found = [_answered(entry, texts, scored) for entry in entries]
    return Answers(entries, [sentences for sentences, _ in found], [lyric for _, lyric in found])


def _answered(
    model: artifacts.Entry, texts: pd.Series, scored: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Emotion ids of sentences, and of lyrics by the mean over their couplets, from the cache."""

    def make(folder: Path) -> None:
        with torch.autocast(
            device(), torch.bfloat16, enabled=runtime.mixed_precision()
        ):  # as it was trained
            reader = classifier.load(model.path)
            sentences = reader.predict(texts.tolist(), desc="read the test part")
            songs = classifier.read_lyrics(reader, scored["couplets"], desc="read lyrics")
        np.savez(folder / "answers.npz", sentences=sentences.argmax(1), lyrics=songs.argmax(1))

    entry = artifacts.folder(
        "dapt_answers",
        make,
        parameters={"model": model.key, "bfloat16": runtime.mixed_precision()},
        data=artifacts.fingerprint(texts, scored["couplets"].tolist()),
        code=[_answered, *classifier.READING],
    )
    with np.load(entry.path / "answers.npz", allow_pickle=False) as kept:
        return kept["sentences"], kept["lyrics"]


def minutes(chain: Sequence[artifacts.Entry], answers: Answers) -> dict[str, float]:
    """Minutes that a condition took to make: its stages (those it shares included) and its fine-tunings."""
    return {
        "pre-training": sum(entry.seconds for entry in chain[1:]) / 60,
        "fine-tuning": sum(entry.seconds for entry in answers.entries) / 60,
    }
