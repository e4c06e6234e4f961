"""Predictions of the audio models for held-out artists and their scores, for notebook 04."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..core import emotions, intervals, metrics
from ..sound import heads, network_training
from ..sound.dataset import MelDataset

Scores = dict[str, dict[str, float]]


@dataclass
class AudioBenchmark:
    """Emotion vectors that models predict for the test songs.

    Attributes
    ----------
    mel_dataset : MelDataset
        Songs and their parts.
    seeds : sequence of int
        Seeds that every model is trained with.
    answers : dict
        {model: [emotion vectors of the test songs (n, 6), one array a seed]}.
    curves : dict
        {network: [scores of each epoch, one dict a seed]}.
    """

    mel_dataset: MelDataset
    seeds: Sequence[int]
    answers: dict[str, list[np.ndarray]] = field(default_factory=dict)
    curves: dict[str, list[dict[str, np.ndarray]]] = field(default_factory=dict)

    @property
    def test(self) -> np.ndarray:
        """Row numbers of the test songs."""
        return self.mel_dataset.rows("test")

    def add_network(
        self, model: str, name: str, targets: np.ndarray, epochs: int, snr: float = np.inf
    ) -> None:
        """Train a network of `networks.NETWORKS` on targets (n, 6) of all songs, as `model`.

        Noise of `snr` decibels is added in training and test.
        """
        self.answers[model], self.curves[model] = network_training.train_and_predict(
            name, self.mel_dataset.noisy(snr), targets, epochs=epochs, seeds=self.seeds
        )

    def add_heads(
        self,
        family: str,
        features: Sequence[np.ndarray],
        targets: np.ndarray,
        names: Iterable[str] = heads.HEADS,
        mark: str = "",
    ) -> None:
        """Fit heads on the largest emotion of targets (n, 6), each as `{family}_{head}{mark}`.

        `features` (n, dim) are those of all songs, one array a seed or one for all seeds.
        """
        features = features if len(features) > 1 else list(features) * len(self.seeds)
        for name in names:
            self.answers[f"{family}_{name}{mark}"] = heads.fit_and_predict(
                name, features, targets.argmax(1), self.mel_dataset, self.seeds
            )

    def add_baselines(self, targets: np.ndarray, features: np.ndarray, mark: str = "") -> None:
        """Add majority, prior sampling, and a linear head on features with shuffled labels."""
        train, n = self.mel_dataset.rows("train"), len(self.test)
        labels = targets.argmax(1)
        self.answers[f"majority{mark}"] = [metrics.majority(labels[train], n)]
        self.answers[f"prior{mark}"] = [
            metrics.prior_sampling(targets[train], n, seed) for seed in self.seeds
        ]
        fitted = [
            heads.fit_head("linear", features[train], metrics.shuffled(labels[train], seed), seed)
            for seed in self.seeds
        ]
        self.answers[f"shuffled{mark}"] = [h.probabilities(features[self.test]) for h in fitted]

    def scores(
        self, targets: np.ndarray, models: Iterable[str], seed: int, suffix: str = ""
    ) -> Scores:
        """Score models on the test songs against targets (n, 6) of all songs.

        Returns
        -------
        dict
            {score and suffix/model: {mean, low, high, n}} with bootstrap intervals.
        """
        true = targets[self.test]
        return {
            f"{score}{suffix}/{model}": value
            for model in models
            for score, value in intervals.song_scores(true, self.answers[model], seed=seed).items()
        }

    def differences(
        self, targets: np.ndarray, pairs: Iterable[tuple[str, str]], seed: int, suffix: str = ""
    ) -> Scores:
        """Compare pairs of models in kappa and macro-F1 by a paired bootstrap.

        Returns
        -------
        dict
            {score and suffix_difference/ours-theirs: {mean, low, high, n}}.
        """
        true, differences = targets[self.test], {}
        for ours, theirs in pairs:
            answers = self.answers[ours], self.answers[theirs]
            scores = intervals.song_scores(true, *answers, seed=seed)
            for score in ("kappa", "macro_f1"):
                differences[f"{score}{suffix}_difference/{ours}-{theirs}"] = scores[score]
        return differences

    def failures(self, model: str, targets: np.ndarray, n: int) -> pd.DataFrame:
        """List the n wrong predictions of a model's first seed with the highest probability.

        Returns
        -------
        DataFrame
            row, meant, answered (Korean names) and sure (the probability).
        """
        predicted, true = self.answers[model][0], targets[self.test].argmax(1)
        wrong = np.flatnonzero(predicted.argmax(1) != true)
        wrong = wrong[np.argsort(-predicted.max(1)[wrong], kind="stable")][:n]
        return pd.DataFrame(
            {
                "row": self.test[wrong],
                "meant": [emotions.KO[i] for i in true[wrong]],
                "answered": [emotions.KO[i] for i in predicted[wrong].argmax(1)],
                "sure": predicted[wrong].max(1).round(2),
            }
        )


def table(scores: Scores, digits: int = 2) -> pd.DataFrame:
    """Tabulate scores and their intervals as text: models in rows, measures in columns."""
    rows: dict[str, dict[str, str]] = {}
    for name, value in scores.items():
        measure, model = name.split("/")
        rows.setdefault(model, {})[measure] = intervals.format_score(value, digits)
    return pd.DataFrame(rows).T


def verdicts(differences: Scores, questions: dict[str, tuple[str, dict[str, str]]]) -> pd.DataFrame:
    """Answer questions from paired differences.

    Parameters
    ----------
    differences
        From `AudioBenchmark.differences`.
    questions
        {name of a difference: (question, {verdict of `intervals.verdict`: answer in words})}.
    """
    rows = []
    for name, (question, words) in questions.items():
        verdict = intervals.verdict(differences[name])
        rows.append((question, intervals.format_score(differences[name]), verdict, words[verdict]))
    return pd.DataFrame(rows, columns=["question", "difference in kappa", "it is", "in words"])


def agreement_2022(lyric: np.ndarray, mel: np.ndarray, seed: int) -> Scores:
    """Score the mel vectors of 2022 and baselines against its lyric vectors, both (n, 6).

    The training songs of 2022 are unknown: all songs are scored, and baselines use all labels.
    """
    answers = {
        "mel_2022": mel,
        "majority_2022": metrics.majority(lyric.argmax(1), len(lyric)),
        "prior_2022": metrics.prior_sampling(lyric, len(lyric), seed),
        "shuffled_2022": metrics.shuffled(mel, seed),
    }
    return {
        f"{score}/{model}": value
        for model, vectors in answers.items()
        for score, value in intervals.song_scores(lyric, [vectors], times=200, seed=seed).items()
    }
