"""Can a machine hear the feeling? Models of real songs beside what listeners answered (Emotify).

Each song is answered from folds that hold neither it nor another of its artist or album. A model
is a kind of features and a head, such as `tags_soft`.
"""

from __future__ import annotations

import math
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
    paths: Sequence[Path],
    start: int = audio_files.START,
    length: int = audio_files.SECONDS,
    snr: float = math.inf,
) -> dict[str, np.ndarray]:
    """Extract features of sound files, or return them from the cache.

    Parameters
    ----------
    paths
        Files (n) as for `audio_files.read_waveform`, whose errors apply.
    start, length
        Excerpt in seconds; by default that of own music and of Kakao Arena's mels.
    snr
        Decibels of signal to white noise, added to each waveform.

    Returns
    -------
    dict
        mel_statistics (n, 144), tags (n, 50; log-odds), embedding (n, 200), pooled (n, 1506).
    """
    paths = list(paths)

    def make(folder: Path) -> None:
        found: dict[str, list[np.ndarray]] = {}
        for row, path in enumerate(progress(paths, desc="hear songs")):
            waveform = add_noise(audio_files.read_waveform(path, start, length), snr, row)
            for name, values in _features(waveform).items():
                found.setdefault(name, []).append(values)
        for name, rows in found.items():
            np.save(folder / f"{name}.npy", np.stack(rows), allow_pickle=False)

    excerpt = {"n": len(paths), "start": start, "length": length, "snr": snr}
    data = artifacts.fingerprint([musicnn.file_hash(path) for path in paths])
    made = artifacts.get_or_create("hearing_features", make, parameters=excerpt, data=data)
    return {file.stem: np.load(file, allow_pickle=False) for file in made.path.glob("*.npy")}


def _features(waveform: np.ndarray) -> dict[str, np.ndarray]:
    """Features of one waveform, one row each."""
    heard = musicnn.hear(waveform).song()
    return {
        "mel_statistics": mel.mel_statistics(mel.from_waveform(waveform)[None])[0],
        "tags": musicnn.log_odds(heard.tags)[0],
        "embedding": heard.embedding[0],
        "pooled": heard.pooled.ravel(),
    }


def add_noise(waveform: np.ndarray, snr: float, seed: int) -> np.ndarray:
    """Add white noise to a waveform (samples,) at a signal-to-noise ratio in decibels."""
    if math.isinf(snr):
        return waveform
    deviation = np.sqrt(np.mean(np.square(waveform))) * 10 ** (-snr / 20)
    noise = np.random.default_rng(seed).standard_normal(len(waveform), np.float32)
    return waveform + deviation * noise


def song_mels(paths: Sequence[Path]) -> np.ndarray:
    """Extract mels (n, 48, 1876) in decibels, or take them from the cache; errors as above."""

    def compute() -> np.ndarray:
        sounds = map(audio_files.read_waveform, progress(paths, desc="mel"))
        return np.stack([mel.from_waveform(sound) for sound in sounds])

    data = artifacts.fingerprint([musicnn.file_hash(path) for path in paths])
    return artifacts.cached_array("mels", compute, parameters={"n": len(paths)}, data=data)


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
        *,
        targets: np.ndarray | None = None,
        heard: dict[str, np.ndarray] | None = None,
        mark: str = "",
    ) -> None:
        """Predict by models, named kind_head.

        Parameters
        ----------
        models
            Such as `tags_soft`.
        targets
            Shares (n, 6) to learn from in place of the listeners', such as those of a few.
        heard
            Features of the held-out songs in place of `features`, such as those through an
            adaptor; the heads still learn from `features`.
        mark
            End of the names of the answers.
        """
        everything = np.arange(len(self.six))
        for model in progress(list(models), desc="hear"):
            self.answers[f"{model}{mark}"] = [
                self._out_of_fold((model,), everything, FOLDS, seed, targets, heard)
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
        targets: np.ndarray | None = None,
        heard: dict[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Predict rows from folds among them: (rows, 6)."""
        targets = self.six if targets is None else targets
        predicted = np.zeros((len(rows), emotions.N))
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
    ranks, listeners = _listener_ranks(emotify, seed)
    return emotify.six(ranks < listeners // 2), emotify.six(ranks >= listeners // 2)


def few_listeners(emotify: Emotify, number: int, seed: int) -> np.ndarray:
    """Compute the shares (n, 6) of at most `number` random listeners of each song."""
    return emotify.six(_listener_ranks(emotify, seed)[0] < number)


def _listener_ranks(emotify: Emotify, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Number the listeners of each song from 0 in random order; and how many the song has."""
    answers = emotify.answers["id"]
    order = pd.Series(np.random.default_rng(seed).random(len(answers)), index=answers.index)
    ranks = order.groupby(answers).rank(method="first") - 1
    return ranks.to_numpy(), answers.map(answers.value_counts()).to_numpy()


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


def by_model(scores: Scores, models: Iterable[str]) -> dict[str, Scores]:
    """Regroup scores by model: {model: {mean, joy, tension, peace, sadness (r), kappa: score}}.

    A measure that a model lacks is left out.
    """
    names = {name: f"r/{{}}@{name}" for name in _CORRELATIONS} | {"kappa": "kappa/{}"}
    return {
        model: {
            name: scores[key.format(model)]
            for name, key in names.items()
            if key.format(model) in scores
        }
        for model in models
    }


def table(scores: Scores, models: Iterable[str], digits: int = 2) -> pd.DataFrame:
    """Tabulate models: r of each emotion and their mean, kappa, macro-F1, as text."""
    names = {f"r {name}": f"r/{{}}@{name}" for name in _CORRELATIONS}
    names |= {name: f"{name}/{{}}" for name in ("kappa", "macro_f1")}
    rows = {
        model: {
            column: intervals.format_score(scores[key.format(model)], digits)
            for column, key in names.items()
            if key.format(model) in scores
        }
        for model in models
    }
    return pd.DataFrame(rows).T.reindex(columns=list(names)).fillna("")
