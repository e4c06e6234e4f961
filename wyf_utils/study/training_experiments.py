"""Experiments with the training part: learning curve, the configurations of 2022, joint sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ..core import artifacts, emotions, intervals, metrics
from ..core.files import read_json, write_json
from ..core.runtime import progress
from ..text import encoders, finetuning, linear_models, ngrams
from ..text.finetuning import Recipe
from ..text.prediction import read_card

#: Configurations of 2022, named as there. Values that the names leave out are the final model's.
#: transformers no longer has adamw_hf, so torch's AdamW stands in.
SWEEP_2022 = {
    "adafactor_lr6_p5": {"optimizer": "adafactor", "learning_rate": 1e-6, "patience": 5},
    "adafactor_lr1e_6": {"optimizer": "adafactor", "learning_rate": 1e-6, "patience": 3},
    "adafactor_lr5e_6": {"optimizer": "adafactor", "learning_rate": 5e-6, "patience": 3},
    "adamw_torch_lr6": {"optimizer": "adamw_torch", "learning_rate": 1e-6, "patience": 3},
    "adamw_hf_t": {"optimizer": "adamw_torch", "learning_rate": 1e-6, "patience": 5},
}


def fewer(train: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    """Draw at most `most` training texts of every emotion (0 for all), in their old order."""
    if not most:
        return train
    drawn = train.sample(frac=1, random_state=seed).groupby("emotion").head(most)
    return drawn.sort_index().reset_index(drop=True)


def balanced(
    sources: dict[str, dict[str, pd.DataFrame]], most: int, seed: int
) -> dict[str, pd.DataFrame]:
    """Join the train and dev parts of several sources, each drawn down to a common size.

    Parameters
    ----------
    sources
        Tables train and dev by source.
    most
        Training texts of a source; a sixth of them from its dev part.
    """
    columns = ["text", "emotion", "labels", "source", *emotions.EN]
    return {
        name: pd.concat(
            [_sample(parts[name], n, seed).reindex(columns=columns) for parts in sources.values()],
            ignore_index=True,
        )
        for name, n in (("train", most), ("dev", most // 6))
    }


def learning_curve(
    parts: dict[str, pd.DataFrame],
    tests: dict[str, pd.DataFrame],
    encoder: str,
    seed: int,
    shares: Sequence[float] = (1 / 8, 1 / 4, 1 / 2, 1),
) -> pd.DataFrame:
    """Train on growing shares of the training sentences and score each model on several test parts.

    Parameters
    ----------
    parts, tests
        Tables train and dev (always whole), and tables to score by name.
    encoder
        Name for `encoders.load`; it stays frozen.
    shares
        Shares of the training sentences, drawn at random and nested.

    Returns
    -------
    DataFrame
        Columns model (tfidf, e5_frozen, and tfidf_e5_frozen: their mean), test, n (training
        sentences), and macro_f1 with its interval (mean, low, high, n).
    """
    train, dev = parts["train"], parts["dev"]
    order = np.random.default_rng(seed).permutation(len(train))
    drawn = [np.sort(order[: round(share * len(train))]) for share in shares]

    def make(folder: Path) -> None:
        # the tests together, as the baselines have embedded them
        together = pd.concat([test["text"] for test in tests.values()], ignore_index=True)
        vectors = {
            name: linear_models.sentence_vectors(encoder, texts, f"embed {name}")
            for name, texts in {
                "train": train["text"],
                "dev": dev["text"],
                "tests": together,
            }.items()
        }
        ends = np.cumsum([len(test) for test in tests.values()])[:-1]
        vectors |= zip(tests, np.split(vectors.pop("tests"), ends), strict=True)
        scored = [
            row
            for part in progress(drawn, desc="learning curve")
            for row in _learned(train.iloc[part], vectors["train"][part], dev, tests, vectors, seed)
        ]
        write_json(folder / "scores.json", {"rows": scored})

    entry = artifacts.get_or_create(
        "learning_curve",
        make,
        parameters={"encoder": encoder, "content": encoders.content(encoder), "seed": seed},
        data=artifacts.fingerprint(*drawn, train, dev, *tests.values()),
    )
    rows = read_json(entry.path / "scores.json")["rows"]
    return pd.DataFrame(rows, columns=["model", "test", "n", "macro_f1"])


def _learned(
    few: pd.DataFrame,
    few_vectors: np.ndarray,
    dev: pd.DataFrame,
    tests: dict[str, pd.DataFrame],
    vectors: dict[str, np.ndarray],
    seed: int,
) -> list[tuple[str, str, int, dict[str, float]]]:
    """Train both models of the learning curve on a few sentences and score them and their mean."""
    tfidf = ngrams.fit(few, dev, ["characters"])
    probe = linear_models.linear_probe(few_vectors, few, vectors["dev"], dev)
    rows = []
    for name, test in tests.items():
        probabilities = {
            "tfidf": ngrams.class_probabilities(tfidf, test["text"]),
            "e5_frozen": ngrams.class_probabilities(probe, vectors[name]),
        }
        probabilities["tfidf_e5_frozen"] = sum(probabilities.values()) / 2
        for model, p in probabilities.items():
            true = test["emotion"].to_numpy()
            score = intervals.interval(true, [p.argmax(1)], metrics.macro_f1, seed=seed)
            rows.append((model, name, len(few), score))
    return rows


def sweep(
    parts: dict[str, pd.DataFrame], recipe: Recipe, seed: int, *, texts: int, factor: float
) -> dict[str, list[dict]]:
    """Train with the five configurations of 2022 and return their logs of dev scores.

    Parameters
    ----------
    texts
        Training texts of each; 0 for all. Half as many dev texts are scored five times.
    factor
        Multiplier of the learning rates: 1e-6 has no effect within a few dozen steps.
    """
    train, dev = _sample(parts["train"], texts, seed), _sample(parts["dev"], texts // 2, seed)
    steps = len(train) * recipe.epochs / recipe.batch_size
    recipe = replace(recipe, eval_steps=max(1, round(steps / 5)))
    logs = {}
    for name, chosen in SWEEP_2022.items():
        rate = chosen["learning_rate"] * factor
        own = replace(recipe, **chosen | {"learning_rate": rate})
        curve = read_card(finetuning.trained(train, dev, own, seed).path)["curve"]
        logs[name] = [row for row in curve if "eval_micro_f1" in row]
    return logs


def _sample(table: pd.DataFrame, n: int, seed: int) -> pd.DataFrame:
    if not 0 < n < len(table):
        return table
    return table.sample(n, random_state=seed).reset_index(drop=True)
