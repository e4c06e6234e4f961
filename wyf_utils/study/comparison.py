"""Models of emotion from text, judged on one split: baselines, fine-tuned encoders, their errors and their cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer

from ..core import artifacts, emotions, intervals, metrics
from ..core.errors import CorruptData, MissingData
from ..data import lexicons
from ..text import classifier, encoders, finetuning, lexicon, linear_models
from ..text.finetuning import Recipe

SCORES = {
    "macro_f1": metrics.macro_f1,
    "micro_f1": metrics.micro_f1,
    "weighted_f1": metrics.weighted_f1,
    "weighted_precision": metrics.weighted_precision,  # recall weighted so is micro_f1
    "precision": metrics.macro_precision,
    "recall": metrics.macro_recall,
    "kappa": metrics.kappa,
}
#: Names of models, Korean and English.
LABELS = {
    "majority": ("최빈 감정", "majority"),
    "shuffled": ("섞은 라벨", "shuffled labels"),
    "lexicon": ("감성어 사전", "lexicon"),
    "tfidf": ("글자 TF-IDF", "character TF-IDF"),
    "tfidf_unweighted": ("글자 TF-IDF, 가중치 없이", "TF-IDF, no class weights"),
    "e5_frozen": ("E5 (가중치 고정)", "E5 frozen"),
    "tfidf_e5_frozen": ("TF-IDF + E5 (가중치 고정)", "TF-IDF + E5 frozen"),
    "e5_finetuned": ("E5 미세조정", "E5 fine-tuned"),
    "e5_tfidf": ("E5 미세조정 + TF-IDF", "E5 fine-tuned + TF-IDF"),
    "e5_tfidf_adjusted": ("E5 + TF-IDF, 비율 보정", "E5 + TF-IDF, adjusted"),
    "e5_tfidf_ensemble": ("E5 + TF-IDF, 시드 평균", "E5 + TF-IDF, seeds together"),
    "e5_sample": ("E5, 예시 자료로 학습", "E5 trained on the sample"),
    "tfidf_sample": ("TF-IDF, 예시 자료로 학습", "TF-IDF trained on the sample"),
}
#: The five configurations that were compared in 2022, named as there. The names tell optimiser and rate; what they leave out
#: (the rate of adamw_hf_t, the patience of most) is taken from the final model: 1e-6. adamw_hf is no longer in transformers: torch's AdamW.
SWEEP_2022 = {
    "adafactor_lr6_p5": {"optimizer": "adafactor", "learning_rate": 1e-6, "patience": 5},
    "adafactor_lr1e_6": {"optimizer": "adafactor", "learning_rate": 1e-6, "patience": 3},
    "adafactor_lr5e_6": {"optimizer": "adafactor", "learning_rate": 5e-6, "patience": 3},
    "adamw_torch_lr6": {"optimizer": "adamw_torch", "learning_rate": 1e-6, "patience": 3},
    "adamw_hf_t": {"optimizer": "adamw_torch", "learning_rate": 1e-6, "patience": 5},
}


@dataclass
class Comparison:
    """What every model answers to one test part.

    Attributes
    ----------
    parts : dict
        Tables train, dev, test.
    answers : dict
        {model: [emotion ids (n,), one array a seed]}.
    probabilities : dict
        {fine-tuned model: [(n, 6), one array a seed]}.
    entries : dict
        {fine-tuned model: [its cached trainings]}.
    seconds : dict
        {model: seconds to make it, the mean over seeds}.
    missing : dict
        {candidate: why it could not be had}.
    """

    parts: dict[str, pd.DataFrame]
    answers: dict[str, list[np.ndarray]] = field(default_factory=dict)
    probabilities: dict[str, list[np.ndarray]] = field(default_factory=dict)
    entries: dict[str, list[artifacts.Entry]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def true(self) -> np.ndarray:
        """Emotion ids of the test part, (n,)."""
        return self.parts["test"]["emotion"].to_numpy()

    def scores(self, seed: int) -> dict[str, dict[str, float]]:
        """Every score of every model with its interval: {`measure/model`: {mean, low, high, n}}."""
        return {
            f"{name}/{model}": intervals.interval(self.true, answers, score, seed=seed)
            for name, score in SCORES.items()
            for model, answers in self.answers.items()
        }

    def against(
        self, seed: int, ours: str = "e5_finetuned", rival: str = "tfidf"
    ) -> dict[str, dict[str, float]]:
        """Paired differences in macro-F1, of a model to every other, and of every blend to a rival: {`a-b`: {mean, low, high, n}}."""
        pairs = [(ours, m) for m in self.answers if m != ours] + [
            (m, rival) for m in self.answers if m.startswith("e5_tfidf")
        ]
        return {
            f"{a}-{b}": intervals.paired_difference(
                self.true, self.answers[a], self.answers[b], seed=seed
            )
            for a, b in pairs
        }

    def only(self, rows: np.ndarray) -> Comparison:
        """Judge the same models on some of the test texts, a mask (n,)."""
        test = self.parts["test"][rows].reset_index(drop=True)
        answers, probabilities = (
            {m: [a[rows] for a in each] for m, each in of.items()}
            for of in (self.answers, self.probabilities)
        )
        return replace(
            self, parts=self.parts | {"test": test}, answers=answers, probabilities=probabilities
        )

    @contextmanager
    def _timed(self, model: str):
        start = time.perf_counter()
        yield
        self.seconds[model] = time.perf_counter() - start


def baselines(
    parts: dict[str, pd.DataFrame],
    encoder: str,
    seeds: Sequence[int],
    fewer: pd.DataFrame | None = None,
) -> Comparison:
    """Compare models that need no fine-tuning: majority, shuffled labels, the lexicon, character TF-IDF with and without class weights, the frozen encoder.

    Parameters
    ----------
    parts
        Tables train, dev, test.
    encoder
        Name for `encoders.load`.
    seeds
        Seeds of the shuffled labels.
    fewer
        Training texts of the frozen encoder, where it shall read fewer than all.
    """
    found = Comparison(parts)
    train, dev, test = parts.values()
    prior = train[classifier.TARGETS].mean().to_numpy()
    found.answers["majority"] = [linear_models.majority(train, len(test))]
    found.answers["shuffled"] = [linear_models.shuffled(train, len(test), seed) for seed in seeds]
    with found._timed("lexicon"):
        found.answers["lexicon"] = [
            lexicon.scores(test["text"], lexicons.read_lexicon(), prior).argmax(1)
        ]
    with found._timed("tfidf"):
        found.answers["tfidf"] = [linear_models.tfidf(train, dev).predict(test["text"])]
    with found._timed("tfidf_unweighted"):
        found.answers["tfidf_unweighted"] = [
            linear_models.tfidf(train, dev, balanced=False).predict(test["text"])
        ]
    before = len(artifacts.USED)
    with found._timed("e5_frozen"):
        read = train if fewer is None else fewer
        rows = [
            linear_models.sentence_vectors(encoder, part["text"], f"embed {name}")
            for name, part in (("train", read), ("dev", dev), ("test", test))
        ]
        found.answers["e5_frozen"] = [
            linear_models.linear_probe(rows[0], read, rows[1], dev).predict(rows[2])
        ]
    found.seconds["e5_frozen"] += sum(
        vectors.seconds for vectors in artifacts.USED[before:] if vectors.reused
    )
    return found


def add_fine_tuned(
    found: Comparison,
    name: str,
    recipe: Recipe,
    seeds: Sequence[int],
    fewer: pd.DataFrame | None = None,
    tracker: str = "none",
) -> None:
    """Fine-tune an encoder once a seed and add its answers; one that cannot be had leaves its reason.

    Parameters
    ----------
    found
        Comparison that receives the answers.
    name
        Name of the model in the table.
    recipe, seeds, tracker
        How to train.
    fewer
        Training texts, where it shall read fewer than all.
    """
    train, dev, test = found.parts.values()
    try:
        entries = [
            finetuning.trained(train if fewer is None else fewer, dev, recipe, seed, tracker)
            for seed in seeds
        ]
    except (MissingData, CorruptData) as error:
        found.missing[name] = str(error)
        return
    add_trained(found, name, entries, test["text"])
    found.seconds[name] = float(np.mean([entry.seconds for entry in entries]))


def add_trained(
    found: Comparison, name: str, entries: Sequence[artifacts.Entry], texts: pd.Series
) -> None:
    """Add what trained models answer to the test texts."""
    found.entries[name] = list(entries)
    found.probabilities[name] = [classifier.cached_probabilities(entry, texts) for entry in entries]
    found.answers[name] = [p.argmax(1) for p in found.probabilities[name]]


def add_blend(found: Comparison, name: str, neural: str) -> None:
    """Add the weighted mean of a fine-tuned model and character TF-IDF, once a seed, and the same adjusted for rare emotions.

    The two read different things: the encoder meaning, the character counts spelling, slang and signs. The weight is chosen on dev by macro- plus
    micro-F1. `<name>_adjusted` divides by (class share) ** strength (logit adjustment, Menon et al. 2021), both chosen on dev by macro-F1: it
    answers rare emotions more often, at the cost of accuracy. `<name>_ensemble` is the mean over the seeds, one answer.
    """
    train, dev, test = found.parts.values()
    true = dev["emotion"].to_numpy()
    share = np.bincount(train["emotion"], minlength=emotions.N) / len(train)
    grid = [
        (weight, strength)
        for strength in np.arange(0, 0.6, 0.1)
        for weight in (0.0, 0.2, 0.35, 0.5, 0.65)
    ]

    def blend(read: np.ndarray, counted: np.ndarray, weight: float, strength: float) -> np.ndarray:
        adjusted = ((1 - weight) * read + weight * counted) / np.where(
            share > 0, share, 1
        ) ** strength
        return adjusted / adjusted.sum(axis=1, keepdims=True)

    with found._timed(name):
        model = linear_models.tfidf(train, dev, balanced=False)
        on_dev, on_test = (linear_models.predict_six(model, part["text"]) for part in (dev, test))
        found.probabilities |= {name: [], f"{name}_adjusted": []}
        for entry, answered in zip(found.entries[neural], found.probabilities[neural], strict=True):
            read = classifier.cached_probabilities(entry, dev["text"])
            tried = {place: blend(read, on_dev, *place).argmax(1) for place in grid}
            macro = {place: metrics.macro_f1(true, given) for place, given in tried.items()}
            plain = max(
                grid[:5], key=lambda place: macro[place] + metrics.micro_f1(true, tried[place])
            )
            found.probabilities[name].append(blend(answered, on_test, *plain))
            found.probabilities[f"{name}_adjusted"].append(
                blend(answered, on_test, *max(grid, key=macro.get))
            )
    found.probabilities[f"{name}_ensemble"] = [np.mean(found.probabilities[name], axis=0)]
    for each in (name, f"{name}_adjusted", f"{name}_ensemble"):
        found.answers[each] = [p.argmax(1) for p in found.probabilities[each]]
    found.seconds[name] += found.seconds[neural]


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
    parts
        Tables train and dev; dev stays whole.
    tests
        {name: table} to score.
    encoder
        Encoder whose vectors are read, not trained.
    shares
        Shares of the training sentences, drawn at random, each holding the smaller ones.

    Returns
    -------
    DataFrame
        Columns model (tfidf, e5_frozen, tfidf_e5_frozen: their mean), test, n (training sentences), and macro_f1 with its
        interval (mean, low, high, n).
    """
    train, dev, scores = parts["train"], parts["dev"], []
    vectors = {
        name: linear_models.sentence_vectors(encoder, part["text"], f"embed {name}")
        for name, part in {"train": train, "dev": dev, **tests}.items()
    }
    order = np.random.default_rng(seed).permutation(len(train))
    for share in shares:
        drawn = np.sort(order[: round(share * len(train))])
        few = train.iloc[drawn]
        counted, frozen = (
            linear_models.tfidf(few, dev),
            linear_models.linear_probe(vectors["train"][drawn], few, vectors["dev"], dev),
        )
        for name, test in tests.items():
            read = {
                "tfidf": linear_models.predict_six(counted, test["text"]),
                "e5_frozen": linear_models.predict_six(frozen, vectors[name]),
            }
            read["tfidf_e5_frozen"] = (read["tfidf"] + read["e5_frozen"]) / 2
            true = test["emotion"].to_numpy()
            scores += [
                (
                    model,
                    name,
                    len(few),
                    intervals.interval(true, [p.argmax(1)], metrics.macro_f1, seed=seed),
                )
                for model, p in read.items()
            ]
    return pd.DataFrame(scores, columns=["model", "test", "n", "macro_f1"])


def sweep(
    parts: dict[str, pd.DataFrame], recipe: Recipe, seed: int, *, texts: int, factor: float
) -> dict[str, list[dict]]:
    """Train with the five configurations of 2022 and return their logs.

    Parameters
    ----------
    recipe
        What the configurations leave out.
    texts
        Training texts of each; 0 for all. Half as many dev texts are scored, every few steps.
    factor
        Times the rates of 2022: a rate of 1e-6 over a few dozen steps would move nothing.
    """
    train, dev = (
        _sample(parts[name], n, seed) for name, n in (("train", texts), ("dev", texts // 2))
    )
    steps = len(train) * recipe.epochs / recipe.batch_size
    logs = {}
    for name, chosen in SWEEP_2022.items():
        rate = chosen["learning_rate"] * factor
        entry = finetuning.trained(
            train,
            dev,
            replace(
                recipe, **chosen | {"learning_rate": rate}, eval_steps=max(1, round(steps / 5))
            ),
            seed,
        )
        logs[name] = [
            row for row in classifier.read_card(entry.path)["curve"] if "eval_micro_f1" in row
        ]
    return logs


def _sample(table: pd.DataFrame, n: int, seed: int) -> pd.DataFrame:
    return (
        table.sample(n, random_state=seed).reset_index(drop=True) if 0 < n < len(table) else table
    )


def fewer(train: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    """Draw at most so many training texts of every emotion (0 for all), in their old order."""
    if not most:
        return train
    return (
        train.sample(frac=1, random_state=seed)
        .groupby("emotion")
        .head(most)
        .sort_index()
        .reset_index(drop=True)
    )


def errors(found: Comparison, model: str, n: int, seed: int) -> pd.DataFrame:
    """Test texts that a model gets wrong, with what may explain it.

    Returns
    -------
    DataFrame
        text, label (in the source's words), meant, answered, sure (probability of the answer, where the model gives one), and the
        training text that is most alike in characters with its emotion: where that is the answered one, the training texts led astray.
    """
    answered, true = found.answers[model][0], found.true
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(answered != true))[:n]
    test, train = found.parts["test"].iloc[rows], found.parts["train"]
    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=2, sublinear_tf=True)
    nearest = np.asarray(
        (grams.fit_transform(train["text"]) @ grams.transform(test["text"]).T).argmax(0)
    ).ravel()
    table = pd.DataFrame(
        {
            "text": test["text"].to_numpy(),
            "label": test["label"].to_numpy(),
            "meant": [emotions.KO[i] for i in true[rows]],
        }
    )
    table["answered"] = [emotions.KO[i] for i in answered[rows]]
    if model in found.probabilities:
        table["sure"] = found.probabilities[model][0][rows].max(1).round(2)
    table["most alike in training"] = train["text"].iloc[nearest].to_numpy()
    table["its emotion"] = [emotions.KO[i] for i in train["emotion"].iloc[nearest]]
    return table


def cost(found: Comparison) -> pd.DataFrame:
    """Return what models cost beside what they score: millions of weights, seconds to make, megabytes, macro-F1."""
    rows = []
    for model, seconds in found.seconds.items():
        weights, megabytes = np.nan, np.nan
        if model in found.entries:
            path = found.entries[model][0].path
            weights = encoders.parameter_count(classifier.load(path).model)["all"] / 1e6
            megabytes = (path / "model.safetensors").stat().st_size / 1e6
        score = np.mean([metrics.macro_f1(found.true, a) for a in found.answers[model]])
        rows.append((model, weights, seconds, megabytes, score))
    return (
        pd.DataFrame(
            rows,
            columns=["model", "million weights", "seconds to make", "MB of weights", "macro-F1"],
        )
        .set_index("model")
        .round(3)
    )
