"""What every mel model answers to the songs of unheard artists, and how that is scored: the experiments of notebook 04."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..core import emotions, intervals, metrics
from ..sound import heads, network_training
from ..sound.dataset import MelDataset

_HEADS = {
    "linear": ("선형", "linear"), "dense": ("64 유닛", "64 units"), "knn": ("최근접 이웃", "nearest neighbours"), "svm": ("SVM", "SVM"), "mlp": ("MLP", "MLP"),
    "tree": ("결정 트리", "decision tree"), "forest": ("랜덤 포레스트", "random forest"), "voting": ("다수결", "max voting"), "xgboost": ("XGBoost", "XGBoost"),
}  # fmt: skip
#: Names of models in figures, Korean and English.
LABELS = {
    "cnn": ("CNN, 확률 라벨", "CNN, soft labels"), "cnn_hard": ("CNN, 단일 라벨", "CNN, hard labels"),
    "cnn_corrected": ("CNN, 보정한 라벨", "CNN, corrected labels"),
    "shallow": ("얕은 신경망, 확률 라벨", "shallow network, soft labels"),
    "shallow_corrected": ("얕은 신경망, 보정한 라벨", "shallow network, corrected labels"),
    "resnet50": ("ResNet50, 확률 라벨", "ResNet50, soft labels"), "resnet50_hard": ("ResNet50, 단일 라벨", "ResNet50, hard labels"),
    **{f"simclr_{head}": (f"SimCLR + {ko}", f"SimCLR + {en}") for head, (ko, en) in _HEADS.items()},
    **{f"statistics_{head}": (f"통계량 + {ko}", f"statistics + {en}") for head, (ko, en) in _HEADS.items()},
    "majority": ("최빈 감정", "majority"), "prior": ("비율대로 뽑기", "prior sampling"), "shuffled": ("섞은 라벨", "shuffled labels"),
}  # fmt: skip


@dataclass
class AudioBenchmark:
    """Answers of models to the test songs.

    Attributes
    ----------
    material : Material
        Songs and their parts.
    seeds : sequence of int
        Every model is trained once a seed.
    answers : dict
        {model: [vectors of the test songs (n, 6), one array a seed]}.
    curves : dict
        {network: [what its training kept of each epoch, one a seed]}.
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
        """Train a network of `networks.NETWORKS` on targets (all songs, 6), with noise at `snr` decibels in training and test, and add it as `model`."""
        heard = self.mel_dataset.noisy(snr)
        self.answers[model], self.curves[model] = network_training.answers(
            name, heard, targets, epochs=epochs, seeds=self.seeds
        )

    def add_heads(
        self,
        family: str,
        vectors: Sequence[np.ndarray],
        targets: np.ndarray,
        heads: Iterable[str] = heads.HEADS,
        mark: str = "",
    ) -> None:
        """Fit heads on vectors of all songs (one array a seed, or one for all seeds) and add each as `{family}_{head}{mark}`."""
        vectors = vectors if len(vectors) > 1 else list(vectors) * len(self.seeds)
        for head in heads:
            self.answers[f"{family}_{head}{mark}"] = heads.head_answers(
                head, vectors, targets.argmax(1), self.mel_dataset, self.seeds
            )

    def add_baselines(self, targets: np.ndarray, vectors: np.ndarray, mark: str = "") -> None:
        """Add what never listens: majority, prior sampling, and a linear head on `vectors` that learned shuffled labels."""
        train, n = self.mel_dataset.rows("train"), len(self.test)
        labels = targets.argmax(1)
        self.answers[f"majority{mark}"] = [metrics.majority(labels[train], n)]
        self.answers[f"prior{mark}"] = [
            metrics.prior_sampling(targets[train], n, seed) for seed in self.seeds
        ]
        heads = [
            heads.head("linear", vectors[train], metrics.shuffled(labels[train], seed), seed)
            for seed in self.seeds
        ]
        self.answers[f"shuffled{mark}"] = [head.probabilities(vectors[self.test]) for head in heads]

    def scores(
        self, targets: np.ndarray, models: Iterable[str], seed: int, suffix: str = ""
    ) -> dict[str, dict[str, float]]:
        """Every score of models against targets (all songs, 6): {`score{suffix}/model`: {mean, low, high, n}}."""
        true = targets[self.test]
        return {
            f"{score}{suffix}/{model}": v
            for model in models
            for score, v in intervals.song_scores(true, self.answers[model], seed=seed).items()
        }

    def differences(
        self, targets: np.ndarray, pairs: Iterable[tuple[str, str]], seed: int, suffix: str = ""
    ) -> dict[str, dict[str, float]]:
        """Paired differences of models in kappa and macro-F1: {`score{suffix}_difference/ours-theirs`: {mean, low, high, n}}."""
        true, found = targets[self.test], {}
        for ours, theirs in pairs:
            scores = intervals.song_scores(
                true, self.answers[ours], self.answers[theirs], seed=seed
            )
            found |= {
                f"{score}{suffix}_difference/{ours}-{theirs}": scores[score]
                for score in ("kappa", "macro_f1")
            }
        return found

    def failures(self, model: str, targets: np.ndarray, n: int) -> pd.DataFrame:
        """Test songs that a model (its first seed) is most sure of and wrong: row, meant, answered, sure."""
        given, true = self.answers[model][0], targets[self.test].argmax(1)
        wrong = np.flatnonzero(given.argmax(1) != true)
        wrong = wrong[np.argsort(-given.max(1)[wrong], kind="stable")][:n]
        return pd.DataFrame(
            {
                "row": self.test[wrong],
                "meant": [emotions.KO[i] for i in true[wrong]],
                "answered": [emotions.KO[i] for i in given[wrong].argmax(1)],
                "sure": given[wrong].max(1).round(2),
            }
        )


def table(scores: dict[str, dict[str, float]], digits: int = 2) -> pd.DataFrame:
    """Scores by model (rows) and measure (columns), with their intervals as text."""
    shown: dict[str, dict[str, str]] = {}
    for name, value in scores.items():
        measure, model = name.split("/")
        shown.setdefault(model, {})[measure] = intervals.show(value, digits)
    return pd.DataFrame(shown).T


def verdicts(
    differences: dict[str, dict[str, float]], questions: dict[str, tuple[str, dict[str, str]]]
) -> pd.DataFrame:
    """Answer questions from paired differences.

    Parameters
    ----------
    differences
        From `Hearing.differences`.
    questions
        {name of a difference: (question, {verdict of `intervals.verdict`: answer in words})}.
    """
    rows = [
        (
            q,
            intervals.show(differences[n]),
            intervals.verdict(differences[n]),
            words[intervals.verdict(differences[n])],
        )
        for n, (q, words) in questions.items()
    ]
    return pd.DataFrame(rows, columns=["question", "difference in kappa", "it is", "in words"])


def agreement_2022(lyric: np.ndarray, sound: np.ndarray, seed: int) -> dict[str, dict[str, float]]:
    """Score the mel vectors published in 2022 against its lyric vectors, both (n, 6), with their baselines.

    Which songs its network learned from is not known: all songs are scored, and the baselines know all of them.
    """
    answers = {
        "mel_2022": sound,
        "majority": metrics.majority(lyric.argmax(1), len(lyric)),
        "prior": metrics.prior_sampling(lyric, len(lyric), seed),
        "shuffled": metrics.shuffled(sound, seed),
    }
    return {
        f"{score}/{model}": v
        for model, given in answers.items()
        for score, v in intervals.song_scores(lyric, [given], times=200, seed=seed).items()
    }
