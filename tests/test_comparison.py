"""The comparison of models: who answers what, at what cost, and wrong where."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from test_checkpoints import kcbert

from wyf_utils.core import metrics
from wyf_utils.data import splits
from wyf_utils.study import comparison, training_experiments
from wyf_utils.text import bundled_e5, finetuning


@pytest.fixture(scope="module")
def found(sample_sentences):
    parts = splits.split(sample_sentences.groupby("emotion").head(45), 0)
    found = comparison.baselines(parts, bundled_e5.BUNDLED, [0, 1])
    recipe = finetuning.Recipe(epochs=1, frozen_layers=11)
    comparison.add_fine_tuned(found, "e5_finetuned", recipe, [0, 1])
    comparison.add_fine_tuned(
        found, "nowhere", dataclasses.replace(recipe, encoder="no/such-folder-or-name"), [0]
    )
    return found


def test_every_model_answers_every_test_text(found):
    named = {
        "majority",
        "shuffled",
        "lexicon",
        "tfidf",
        "tfidf_unweighted",
        "ngrams",
        "e5_frozen",
        "e5_finetuned",
    }
    assert set(found.answers) == named
    assert {len(a) for answers in found.answers.values() for a in answers} == {len(found.true)}
    assert [len(found.answers[m]) for m in ("majority", "shuffled", "e5_finetuned")] == [1, 2, 2]


def test_a_candidate_that_cannot_be_had_says_why_and_stops_nothing(found):
    assert (
        "nowhere" not in found.answers
        and "'no/such-folder-or-name' cannot be loaded" in found.missing["nowhere"]
    )


def test_scores_and_differences_carry_intervals(found):
    scores = found.scores(0)
    assert set(scores) == {
        f"{score}/{model}" for score in comparison.SCORES for model in found.answers
    }
    assert scores["micro_f1/majority"]["mean"] == pytest.approx(
        metrics.micro_f1(found.true, found.answers["majority"][0])
    )
    assert all(v["low"] <= v["high"] for v in scores.values())
    pairs = found.against(0)
    assert "e5_finetuned-e5_finetuned" not in pairs and {
        "e5_finetuned-majority",
        "ngrams-tfidf",
    } < set(pairs)
    assert pairs["e5_finetuned-majority"]["mean"] == pytest.approx(
        scores["macro_f1/e5_finetuned"]["mean"] - scores["macro_f1/majority"]["mean"]
    )


def test_some_of_the_test_texts_alone(found):
    rows = np.arange(len(found.true)) % 2 == 0
    half = found.only(rows)
    assert (half.true == found.true[rows]).all() and len(half.parts["train"]) == len(
        found.parts["train"]
    )
    assert all(
        (a == b[rows]).all()
        for model in found.answers
        for a, b in zip(half.answers[model], found.answers[model], strict=True)
    )
    assert (
        len(half.probabilities["e5_finetuned"][0])
        == rows.sum()
        < len(found.probabilities["e5_finetuned"][0])
    )


def test_the_learning_curve_grows_by_nested_shares(found):
    tests = {"unseen": found.parts["test"], "hard": found.parts["dev"]}
    table = training_experiments.learning_curve(
        found.parts, tests, bundled_e5.BUNDLED, 0, shares=(0.5, 1.0)
    )
    assert set(table["model"]) == {"tfidf", "e5_frozen", "tfidf_e5_frozen"} and set(
        table["test"]
    ) == set(tests)
    assert sorted(table["n"].unique()) == [
        round(len(found.parts["train"]) / 2),
        len(found.parts["train"]),
    ]
    whole = table[
        (table["n"] == len(found.parts["train"])) & (table["test"] == "unseen")
    ].set_index("model")["macro_f1"]
    for model, baseline in (("tfidf", "tfidf_unweighted"), ("e5_frozen", "e5_frozen")):
        assert whole[model]["mean"] == pytest.approx(
            metrics.macro_f1(found.true, found.answers[baseline][0])
        ), "all of the training part is the baseline itself"


def test_errors_are_errors(found):
    table = comparison.errors(found, "e5_finetuned", 10, 0)
    assert (
        len(table) == 10
        and (table["meant"] != table["answered"]).all()
        and table["sure"].between(0, 1).all()
    )
    assert table["most alike in training"].isin(found.parts["train"]["text"]).all()


def test_cost_counts_weights_and_seconds(found):
    table = comparison.cost(found)
    assert (
        table.loc["e5_finetuned", "million weights"] > 20
        and table.loc["tfidf", "seconds to make"] > 0
    )


def test_fewer_bounds_every_emotion_and_keeps_the_order():
    train = pd.DataFrame({"text": [str(i) for i in range(100)], "emotion": [0] * 90 + [2] * 10})
    few = training_experiments.fewer(train, 20, 0)
    assert few["emotion"].value_counts().to_dict() == {0: 20, 2: 10} and np.all(
        np.diff(few["text"].astype(int)) > 0
    )
    assert training_experiments.fewer(train, 0, 0) is train


def test_the_sweep_is_that_of_2022_and_logs_every_step(found, tmp_path):
    torch.manual_seed(0)
    kcbert(tmp_path, found.parts["train"]["text"].tolist())
    logs = training_experiments.sweep(
        found.parts,
        finetuning.Recipe(encoder=str(tmp_path), epochs=1, frozen_layers=1, batch_size=8),
        0,
        texts=48,
        factor=100.0,
    )
    assert set(logs) == {
        "adafactor_lr6_p5",
        "adafactor_lr1e_6",
        "adafactor_lr5e_6",
        "adamw_torch_lr6",
        "adamw_hf_t",
    }
    assert all(
        len(log) >= 2 and {"step", "eval_loss", "eval_micro_f1"} <= set(log[0])
        for log in logs.values()
    )


def test_readers_of_other_sources_answer_and_learn_together(found, tmp_path):
    """Two sources, cut from the sample, and a tiny encoder."""
    train, dev = found.parts["train"], found.parts["dev"]
    kcbert(tmp_path, train["text"].tolist())
    recipe = finetuning.Recipe(encoder=str(tmp_path), epochs=1, frozen_layers=0)
    halves = {
        name: {"train": train.iloc[start::2], "dev": dev.iloc[start::2]}
        for name, start in (("a", 0), ("b", 1))
    }
    joint = training_experiments.balanced(halves, 30, 0)
    assert joint["train"]["text"].nunique() == 60 and len(joint["dev"]) == 10
    of_a = joint["train"]["text"].isin(halves["a"]["train"]["text"])
    assert of_a.sum() == 30, "as many of each"
    alone = comparison.Comparison(halves["a"] | {"test": found.parts["test"]})
    recipes = dict.fromkeys(halves, recipe)
    comparison.add_from_elsewhere({"a": alone}, halves, joint, recipes, [0])
    assert set(alone.answers) == {"reader_b", "reader_together"}, "not its own"
    assert all(len(answers) == 1 for answers in alone.answers.values())
    assert len(alone.answers["reader_b"][0]) == len(found.true)
