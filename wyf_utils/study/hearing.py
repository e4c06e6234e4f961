"""Can a machine hear the feeling? Models of real songs beside what listeners answered (Emotify).

Every model answers each song once a repeat, from folds that hold neither the song nor another of
its artist or album. A model is a kind of features and a head, such as `tags_soft`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from ..core import artifacts, emotions, intervals, metrics
from ..core.errors import BadInput
from ..core.runtime import progress
from ..data.emotify import HEARD, Emotify
from ..sound import audio_files, mel, musicnn, share_heads

Scores = dict[str, dict[str, float]]

#: Seconds of a song that Emotify's listeners heard.
MINUTE = 60
#: Folds of a repeat, and folds inside the training songs of one, in which a model is chosen.
FOLDS, INNER = 10, 5
#: Halves of listeners that the human ceiling is an average of.
_HALVES = 20
#: Models that `choose` takes the best of, each the average of one or more.
CANDIDATES = (
    ("tags_soft",),
    ("tags_ridge",),
    ("tags_pca",),
    ("embedding_soft",),
    ("embedding_pca",),
    ("tags_soft", "tags_ridge"),
    ("tags_soft", "tags_forest"),
    ("tags_soft", "embedding_soft"),
    ("tags_soft", "mel_statistics_soft"),
)


def song_features(
    paths: Sequence[Path], start: int = 0, length: int = MINUTE
) -> dict[str, np.ndarray]:
    """Extract features of sound files, or return them from the cache.

    Parameters
    ----------
    paths
        Files (n) as for `audio_files.read_waveform`, whose errors apply.
    start, length
        Excerpt in seconds; by default the minute that Emotify's listeners heard.

    Returns
    -------
    dict
        mel_statistics (n, 144), tags (n, 50; log-odds), embedding (n, 200), pooled (n, 1506).
    """

    def compute() -> np.ndarray:
        sounds = (audio_files.read_waveform(path, start, length) for path in paths)
        mels = progress(map(mel.from_waveform, sounds), "mel", len(paths))
        return np.concatenate([mel.mel_statistics(one[None]) for one in mels])

    heard = musicnn.hear_songs(paths, start, length)
    data = artifacts.fingerprint(heard.embedding)  # the same songs sound the same
    return {
        "mel_statistics": artifacts.cached_array("mels", compute, parameters={}, data=data),
        "tags": musicnn.log_odds(heard.tags),
        "embedding": heard.embedding,
        "pooled": heard.pooled.reshape(len(paths), -1),
    }


def song_groups(songs: pd.DataFrame) -> np.ndarray:
    """Number the songs (n,) so that two with an artist or an album in common have one number.

    Blank artists and albums have nothing in common.
    """
    keys = [
        np.where(
            songs[name] == "", songs.index.map(lambda i: f"song {i}"), f"{name} " + songs[name]
        )
        for name in ("artist", "album")
    ]
    codes = np.concatenate(keys)
    places = np.unique(codes, return_inverse=True)[1].reshape(2, -1)
    n = len(songs)
    member = csr_matrix((np.ones(2 * n), (np.tile(np.arange(n), 2), places.ravel())))
    return connected_components(member @ member.T, directed=False)[1]


def folds(labels: np.ndarray, groups: np.ndarray, number: int, seed: int) -> list[np.ndarray]:
    """Split songs into folds: the held-out rows of each, stratified, no group in two."""
    splitter = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    return [test for _, test in splitter.split(labels, labels, groups)]


@dataclass
class HearingExperiment:
    """Out-of-fold predictions of the shares of listeners.

    Attributes
    ----------
    emotify : Emotify
        Songs and answers.
    features : dict
        {kind: features (n, dim)} of the songs, as from `song_features`.
    seeds : sequence of int
        A repeat of the folds for each.
    answers : dict
        {model: [predictions (n, 6), one array a repeat]}; anger and neutral are 0.
    choices : Counter
        How often `choose` took each of its candidates.
    """

    emotify: Emotify
    features: dict[str, np.ndarray]
    seeds: Sequence[int] = (0, 1)
    answers: dict[str, list[np.ndarray]] = field(default_factory=dict)
    choices: Counter = field(default_factory=Counter)

    def __post_init__(self):
        self.six = self.emotify.six()
        self.labels = self.six.argmax(1)
        self.groups = song_groups(self.emotify.songs)

    def add(
        self,
        models: Iterable[str],
        shuffled: bool = False,
        heard: dict[str, np.ndarray] | None = None,
        mark: str = "",
    ) -> None:
        """Predict by models, named kind_head.

        Parameters
        ----------
        models
            Such as `tags_soft`.
        shuffled
            Learn from the shares of other songs, as `{model}_shuffled`.
        heard
            Features of the held-out songs in place of `features`, such as those through an
            adaptor; the heads still learn from `features`.
        mark
            End of the names of the answers.
        """
        for model in progress(list(models), desc="hear"):
            self.answers[f"{model}_shuffled" if shuffled else f"{model}{mark}"] = [
                self._out_of_fold((model,), np.arange(len(self.six)), FOLDS, seed, shuffled, heard)
                for seed in self.seeds
            ]

    def add_majority(self) -> None:
        """Predict the shares of labels among the training songs."""
        self.answers["majority"] = [self._majority(seed) for seed in self.seeds]

    def choose(self, candidates: Sequence[tuple[str, ...]] = CANDIDATES) -> None:
        """Predict each fold by the model that is best inside its training songs, as `chosen`.

        Best is the largest mean correlation over `INNER` folds. The held-out songs have no part
        in the choice, so that `chosen` is not flattered by it.
        """
        self.answers["chosen"] = []
        for seed in progress(self.seeds, desc="choose"):
            predicted = np.zeros_like(self.six)
            for test in folds(self.labels, self.groups, FOLDS, seed):
                train = np.setdiff1d(np.arange(len(self.six)), test)
                inner = [self._out_of_fold(c, train, INNER, seed) for c in candidates]
                worth = [mean_correlation(self.six[train], found) for found in inner]
                best = candidates[int(np.argmax(worth))]
                self.choices["+".join(best)] += 1
                predicted[test] = self._predict(best, train, test, self.six, seed)
            self.answers["chosen"].append(predicted)

    def scores(self, seed: int = 0) -> Scores:
        """Score all models and the listeners, with 95 % bootstrap intervals over songs and repeats.

        Returns
        -------
        dict
            {name: {mean, low, high, n}}: r/<model>@<emotion> for joy, tension, peace, sadness and
            their mean (not for the majority, which does not vary), kappa, macro_f1 and the
            other `intervals.SONG_SCORES` of the emotion with the largest share; the same of
            `human`, one half of the listeners beside the other.
        """
        found: Scores = {}
        for model, answers in self.answers.items():
            for name, value in intervals.song_scores(self.six, answers, seed=seed).items():
                found[f"{name}/{model}"] = value
            if model != "majority":
                found |= _correlations(model, self.six, answers, seed)
        return found | self._human(seed)

    def differences(self, pairs: Iterable[tuple[str, str]], seed: int = 0) -> Scores:
        """Compare pairs of models by a paired bootstrap.

        Returns
        -------
        dict
            {r_difference/ours-theirs and kappa_difference/ours-theirs: {mean, low, high, n}}; r is
            the mean over the four emotions.
        """
        found: Scores = {}
        for ours, theirs in pairs:
            both = self.answers[ours], self.answers[theirs]
            found[f"r_difference/{ours}-{theirs}"] = intervals.paired_difference(
                self.six, *both, mean_correlation, seed=seed
            )
            scores = intervals.song_scores(self.six, *both, seed=seed)
            found[f"kappa_difference/{ours}-{theirs}"] = scores["kappa"]
        return found

    def _human(self, seed: int) -> Scores:
        """Score one random half of each song's listeners beside the other half."""
        pairs = [np.stack(halves(self.emotify, seed + i), axis=1) for i in range(_HALVES)]
        found = {
            f"r/human@{name}": intervals.interval(
                self.six, pairs, lambda _, pair, s=score: s(pair[:, 0], pair[:, 1]), seed=seed
            )
            for name, score in _CORRELATIONS.items()
        }
        for name, score in (("kappa", metrics.kappa), ("macro_f1", metrics.macro_f1)):
            found[f"{name}/human"] = intervals.interval(
                self.six,
                pairs,
                lambda _, pair, s=score: s(pair[:, 0].argmax(1), pair[:, 1].argmax(1)),
                seed=seed,
            )
        return found

    def _majority(self, seed: int) -> np.ndarray:
        predicted = np.zeros_like(self.six)
        for test in folds(self.labels, self.groups, FOLDS, seed):
            predicted[test] = metrics.majority(np.delete(self.labels, test), len(test))
        return predicted

    def _out_of_fold(
        self,
        models: tuple[str, ...],
        rows: np.ndarray,
        number: int,
        seed: int,
        shuffled: bool = False,
        heard: dict[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Predict rows from folds among them: (rows, 6)."""
        targets, predicted = self.six, np.zeros((len(rows), emotions.N))
        if shuffled:
            targets = metrics.shuffled(self.six, seed)
        for test in folds(self.labels[rows], self.groups[rows], number, seed):
            train = np.delete(rows, test)
            predicted[test] = self._predict(models, train, rows[test], targets, seed, heard)
        return predicted

    def _predict(
        self,
        models: tuple[str, ...],
        train: np.ndarray,
        test: np.ndarray,
        targets: np.ndarray,
        seed: int,
        heard: dict[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Fit models on some songs and average what they predict for others: (test, 6)."""
        found = []
        for model in models:
            kind, _, head = model.rpartition("_")
            if kind not in self.features:
                raise BadInput(
                    f"There are no features '{kind}' for the model '{model}'; choose from: "
                    f"{', '.join(self.features)}.",
                    f"'{model}' 모델의 특징 '{kind}'이 없어요. 다음 중에서 골라 주세요: "
                    f"{', '.join(self.features)}.",
                )
            x = self.features[kind]
            fitted = share_heads.fit_shares(head, x[train], targets[train][:, HEARD], seed)
            found.append(fitted.predict((heard or self.features)[kind][test]))
        predicted = np.zeros((len(test), emotions.N))
        predicted[:, HEARD] = found[0] if len(found) == 1 else share_heads.average(found)
        return predicted


def halves(emotify: Emotify, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split the listeners of each song into two random halves: their shares, (n, 6) each."""
    rng = np.random.default_rng(seed)
    order = pd.Series(rng.random(len(emotify.answers)), index=emotify.answers.index)
    ranks = order.groupby(emotify.answers["id"]).rank(method="first")
    first = (
        ranks <= emotify.answers["id"].map(emotify.answers["id"].value_counts()) // 2
    ).to_numpy()
    return emotify.six(first), emotify.six(~first)


def _correlation(emotion: int):
    def score(true: np.ndarray, predicted: np.ndarray) -> float:
        x, y = true[:, emotion], predicted[:, emotion]
        return float(np.corrcoef(x, y)[0, 1]) if x.std() > 0 and y.std() > 0 else 0.0

    return score


def mean_correlation(true: np.ndarray, predicted: np.ndarray) -> float:
    """Average Pearson's r of shares (n, 6) over joy, tension, peace and sadness; 0 if constant."""
    return float(np.mean([_correlation(emotion)(true, predicted) for emotion in HEARD]))


_CORRELATIONS = {emotions.EN[e]: _correlation(e) for e in HEARD} | {"mean": mean_correlation}


def _correlations(model: str, six: np.ndarray, answers: list[np.ndarray], seed: int) -> Scores:
    return {
        f"r/{model}@{name}": intervals.interval(six, answers, score, seed=seed)
        for name, score in _CORRELATIONS.items()
    }


def table(scores: Scores, digits: int = 2) -> pd.DataFrame:
    """Tabulate the models: r of each emotion and their mean, kappa and macro-F1 as text."""
    rows: dict[str, dict[str, str]] = {}
    for name, value in scores.items():
        measure, model = name.split("/")
        model, _, emotion = model.partition("@")
        if measure in ("r", "kappa", "macro_f1"):
            column = f"r {emotion}" if emotion else measure
            rows.setdefault(model, {})[column] = intervals.format_score(value, digits)
    columns = [f"r {name}" for name in _CORRELATIONS] + ["kappa", "macro_f1"]
    return pd.DataFrame(rows).T.reindex(columns=columns).fillna("")
