"""Comparison of text models on one split: baselines, fine-tuned encoders, errors and costs."""

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
from ..text import (
    classifier,
    encoders,
    finetuning,
    lexicon,
    linear_models,
    ngrams,
    onnx_model,
    reader,
)
from ..text.finetuning import Recipe

SCORES = {
    "macro_f1": metrics.macro_f1,
    "micro_f1": metrics.micro_f1,
    "weighted_f1": metrics.weighted_f1,
    "weighted_precision": metrics.weighted_precision,  # weighted recall equals micro_f1
    "precision": metrics.macro_precision,
    "recall": metrics.macro_recall,
    "kappa": metrics.kappa,
}


@dataclass
class Comparison:
    """Predictions of every model on one test part.

    Attributes
    ----------
    parts : dict
        Tables train, dev, test.
    answers : dict
        {model: [emotion ids (n,), one array a seed]}.
    probabilities : dict
        {fine-tuned model: [(n, 6), one array a seed]}.
    fast : dict
        {fine-tuned model: [(n, 6) by ONNX Runtime, one array a seed]}.
    entries : dict
        {fine-tuned model: [its cache entries]}.
    thresholds : dict
        {reader: [confidence below which its answers are unreliable, one a seed]}.
    seconds : dict
        {model: seconds to train it, the mean over seeds}.
    missing : dict
        {model: error message of its loading}.
    """

    parts: dict[str, pd.DataFrame]
    answers: dict[str, list[np.ndarray]] = field(default_factory=dict)
    probabilities: dict[str, list[np.ndarray]] = field(default_factory=dict)
    fast: dict[str, list[np.ndarray]] = field(default_factory=dict)
    entries: dict[str, list[artifacts.Entry]] = field(default_factory=dict)
    thresholds: dict[str, list[float]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def true(self) -> np.ndarray:
        """Emotion ids of the test part, (n,)."""
        return self.parts["test"]["emotion"].to_numpy()

    def scores(self, seed: int) -> dict[str, dict[str, float]]:
        """Compute every score of every model: {`score/model`: {mean, low, high, n}}."""
        return {
            f"{name}/{model}": intervals.interval(self.true, answers, score, seed=seed)
            for name, score in SCORES.items()
            for model, answers in self.answers.items()
        }

    def against(self, seed: int) -> dict[str, dict[str, float]]:
        """Compute paired differences in macro-F1: {`a-b`: {mean, low, high, n}}.

        The pairs are the fine-tuned E5 and every other model, n-grams and TF-IDF, and what the
        recommender reads with and each of its parts.
        """
        true, answers = self.true, self.answers
        pairs = [("e5_finetuned", m) for m in answers if m not in ("e5_finetuned", "reader")]
        pairs += [("ngrams", "tfidf"), ("reader", "ngrams"), ("reader", "e5_finetuned")]
        return {
            f"{a}-{b}": intervals.paired_difference(true, answers[a], answers[b], seed=seed)
            for a, b in pairs
            if a in answers and b in answers
        }

    def only(self, rows: np.ndarray) -> Comparison:
        """Restrict the comparison to some test texts, by a mask (n,)."""
        test = self.parts["test"][rows].reset_index(drop=True)
        outputs = {
            name: {
                model: [array[rows] for array in arrays]
                for model, arrays in getattr(self, name).items()
            }
            for name in ("answers", "probabilities", "fast")
        }
        return replace(self, parts=self.parts | {"test": test}, **outputs)

    def _add_probabilities(self, model: str, probabilities: list[np.ndarray]) -> None:
        self.probabilities[model] = probabilities
        self.answers[model] = [p.argmax(1) for p in probabilities]

    @contextmanager
    def _timed(self, model: str):
        start = time.perf_counter()
        yield
        self.seconds[model] = time.perf_counter() - start


def baselines(
    parts: dict[str, pd.DataFrame],
    encoder: str,
    seeds: Sequence[int],
    subset: pd.DataFrame | None = None,
) -> Comparison:
    """Compare the majority, shuffled labels, the lexicon, TF-IDF and a linear probe.

    TF-IDF is trained with and without class weights. The linear probe reads the frozen encoder.

    Parameters
    ----------
    parts
        Tables train, dev, test.
    encoder, seeds
        Name for `encoders.load`, and seeds of the shuffled labels.
    subset
        Training texts of the linear probe; all by default.
    """
    result = Comparison(parts)
    train, dev, test = parts.values()
    prior = train[list(emotions.EN)].mean().to_numpy()
    result.answers["majority"] = [linear_models.majority(train, len(test))]
    result.answers["shuffled"] = [linear_models.shuffled(train, len(test), seed) for seed in seeds]
    with result._timed("lexicon"):
        scores = lexicon.scores(test["text"], lexicons.read_lexicon(), prior)
        result.answers["lexicon"] = [scores.argmax(1)]
    for name, units, balanced in (
        ("tfidf", ["characters"], True),
        ("tfidf_unweighted", ["characters"], False),
        ("ngrams", ngrams.READER, False),
    ):
        with result._timed(name):
            model = ngrams.load(ngrams.trained(train, dev, units, balanced=balanced).path)
            result.answers[name] = [model.predict(test["text"])]
    used = len(artifacts.USED)
    with result._timed("e5_frozen"):
        subset = train if subset is None else subset
        train_rows, dev_rows, test_rows = (
            linear_models.sentence_vectors(encoder, part["text"], f"embed {name}")
            for name, part in (("train", subset), ("dev", dev), ("test", test))
        )
        model = linear_models.linear_probe(train_rows, subset, dev_rows, dev)
        result.answers["e5_frozen"] = [model.predict(test_rows)]
    # Reused vectors cost what they cost when they were made.
    reused = (entry for entry in artifacts.USED[used:] if entry.reused)
    result.seconds["e5_frozen"] += sum(entry.seconds for entry in reused)
    return result


def add_fine_tuned(
    comparison: Comparison,
    name: str,
    recipe: Recipe,
    seeds: Sequence[int],
    subset: pd.DataFrame | None = None,
    tracker: str = "none",
) -> None:
    """Fine-tune an encoder once a seed and add its predictions.

    If the encoder cannot be loaded, the reason is added to `missing`.

    Parameters
    ----------
    recipe, tracker
        As for `finetuning.trained`.
    subset
        Training texts; all by default.
    """
    train, dev, test = comparison.parts.values()
    subset = train if subset is None else subset
    try:
        entries = [finetuning.trained(subset, dev, recipe, seed, tracker) for seed in seeds]
    except (MissingData, CorruptData) as error:
        comparison.missing[name] = str(error)
        return
    add_trained(comparison, name, entries, test["text"])
    comparison.seconds[name] = float(np.mean([entry.seconds for entry in entries]))


def add_reader(comparison: Comparison, name: str, neural: str) -> None:
    """Pool a fine-tuned model, read by ONNX Runtime, with n-grams, once a seed, and add it."""
    train, dev, test = comparison.parts.values()
    entries = [reader.fitted(train, dev, entry) for entry in comparison.entries[neural]]
    texts = test["text"].tolist()
    loaded = [reader.load(entry.path, onnx_model.load_onnx) for entry in entries]
    counted = ngrams.class_probabilities(loaded[0].ngrams, texts)  # the same for all seeds
    comparison.fast[neural] = [model.neural.predict(texts) for model in loaded]
    pairs = zip(loaded, comparison.fast[neural], strict=True)
    pooled = [reader.pool([counted, votes], model.exponents) for model, votes in pairs]
    comparison._add_probabilities(name, pooled)
    comparison.thresholds[name] = [model.unsure_below for model in loaded]
    seconds = float(np.mean([entry.seconds for entry in entries]))
    comparison.seconds[name] = comparison.seconds[neural] + seconds


def add_trained(
    comparison: Comparison, name: str, entries: Sequence[artifacts.Entry], texts: pd.Series
) -> None:
    """Add the predictions of trained models on the test texts."""
    comparison.entries[name] = list(entries)
    probabilities = [classifier.cached_probabilities(entry, texts) for entry in entries]
    comparison._add_probabilities(name, probabilities)


def add_from_elsewhere(
    found: dict[str, Comparison],
    sources: dict[str, dict[str, pd.DataFrame]],
    joint: dict[str, pd.DataFrame],
    recipes: dict[str, Recipe],
    seeds: Sequence[int],
) -> None:
    """Add to each corpus the readers of the other sources, and those of all sources together.

    Each is added as `reader_<source>`: a fine-tuned encoder pooled with n-grams.

    Parameters
    ----------
    found
        Comparisons by corpus.
    sources, joint
        Tables train and dev of each source, and of `balanced`.
    recipes
        Recipe of each source; all together are trained by that of the first.
    """
    parts_of = sources | {"together": joint}
    recipes = recipes | {"together": next(iter(recipes.values()))}
    for source, parts in parts_of.items():
        train, dev = parts["train"], parts["dev"]
        entries = [finetuning.trained(train, dev, recipes[source], seed) for seed in seeds]
        readers = [reader.load(reader.fitted(train, dev, entry).path) for entry in entries]
        for corpus, comparison in found.items():
            if source != corpus:
                texts = comparison.parts["test"]["text"].tolist()
                answers = [model.predict(texts) for model in readers]
                comparison._add_probabilities(f"reader_{source}", answers)


def errors(comparison: Comparison, model: str, n: int, seed: int) -> pd.DataFrame:
    """Draw test texts that a model gets wrong, each with its most similar training text.

    Returns
    -------
    DataFrame
        text, label (the source's own), meant, answered, sure (probability of the answer, if the
        model has one), and the training text with the most similar character n-grams and its
        emotion. If that emotion is the answered one, the surface may have misled the model.
    """
    answered, true = comparison.answers[model][0], comparison.true
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(answered != true))[:n]
    test, train = comparison.parts["test"].iloc[rows], comparison.parts["train"]
    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=2, sublinear_tf=True)
    similarities = grams.fit_transform(train["text"]) @ grams.transform(test["text"]).T
    nearest = train.iloc[np.asarray(similarities.argmax(0)).ravel()]
    columns = {
        "text": test["text"].to_numpy(),
        "label": test["label"].to_numpy(),
        "meant": [emotions.KO[i] for i in true[rows]],
        "answered": [emotions.KO[i] for i in answered[rows]],
    }
    if model in comparison.probabilities:
        columns["sure"] = comparison.probabilities[model][0][rows].max(1).round(2)
    columns["most alike in training"] = nearest["text"].to_numpy()
    columns["its emotion"] = [emotions.KO[i] for i in nearest["emotion"]]
    return pd.DataFrame(columns)


def cost(comparison: Comparison) -> pd.DataFrame:
    """Tabulate each model's millions of weights, seconds to train, megabytes and macro-F1."""
    rows = {}
    for model, seconds in comparison.seconds.items():
        weights, megabytes = np.nan, np.nan
        if model in comparison.entries:
            path = comparison.entries[model][0].path
            weights = encoders.parameter_count(classifier.load(path).model)["all"] / 1e6
            megabytes = (path / "model.safetensors").stat().st_size / 1e6
        score = np.mean([metrics.macro_f1(comparison.true, a) for a in comparison.answers[model]])
        rows[model] = (weights, seconds, megabytes, score)
    columns = ["million weights", "seconds to make", "MB of weights", "macro-F1"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.rename_axis("model").round(3)
