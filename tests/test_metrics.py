import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sklearn_metrics

from wyf_utils.core import intervals, metrics

vectors = arrays(
    np.float64, st.tuples(st.integers(1, 12), st.just(6)), elements=st.floats(0, 1, width=32)
)


def loop_agreement(true, predicted):
    """The measures as facts tell them, song by song."""
    hits = dict.fromkeys(("top1", "top2", "top3", "less_strict_top1", "less_strict_top2"), 0)
    for t, p in zip(true, predicted, strict=True):
        rank_t, rank_p = (sorted(range(6), key=lambda i, v=v: (-v[i], i)) for v in (t, p))
        hits["top1"] += rank_t[0] == rank_p[0]
        hits["top2"] += set(rank_t[:2]) == set(rank_p[:2])
        hits["top3"] += set(rank_t[:3]) == set(rank_p[:3])
        hits["less_strict_top1"] += len(set(rank_t[:2]) & set(rank_p[:2])) >= 1
        hits["less_strict_top2"] += len(set(rank_t[:3]) & set(rank_p[:3])) >= 2
    return {name: count / len(true) for name, count in hits.items()}


@settings(max_examples=60, deadline=None)
@given(vectors, st.randoms(use_true_random=False))
def test_agreement_equals_a_plain_loop(true, random):
    predicted = np.array([[random.random() for _ in range(6)] for _ in true])
    means = {k: hits.mean() for k, hits in metrics.agreement_rows(true, predicted).items()}
    assert means == pytest.approx(loop_agreement(true, predicted))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 5), st.integers(0, 5), st.integers(1, 40), st.integers(0, 999))
def test_scores_of_labels_equal_those_of_scikit_learn(highest, answered, n, seed):
    rng = np.random.default_rng(seed)
    true, predicted = rng.integers(0, highest + 1, n), rng.integers(0, answered + 1, n)
    occurring = {"labels": np.unique(true), "average": "macro", "zero_division": 0}
    assert metrics.macro_f1(true, predicted) == pytest.approx(
        sklearn_metrics.f1_score(true, predicted, **occurring)
    )
    assert metrics.macro_precision(true, predicted) == pytest.approx(
        sklearn_metrics.precision_score(true, predicted, **occurring)
    )
    assert metrics.macro_recall(true, predicted) == pytest.approx(
        sklearn_metrics.recall_score(true, predicted, **occurring)
    )
    assert metrics.weighted_f1(true, predicted) == pytest.approx(
        sklearn_metrics.f1_score(true, predicted, average="weighted", zero_division=0)
    )
    weighted = {"average": "weighted", "zero_division": 0}
    assert metrics.weighted_precision(true, predicted) == pytest.approx(
        sklearn_metrics.precision_score(true, predicted, **weighted)
    )
    assert metrics.micro_f1(true, predicted) == pytest.approx(
        sklearn_metrics.recall_score(true, predicted, **weighted)
    )
    assert metrics.micro_f1(true, predicted) == pytest.approx(
        sklearn_metrics.accuracy_score(true, predicted)
    )
    if len(set(true)) > 1 and len(set(predicted)) > 1:
        assert metrics.kappa(true, predicted) == pytest.approx(
            sklearn_metrics.cohen_kappa_score(true, predicted)
        )


def test_majority_answers_have_no_kappa_and_low_macro_f1():
    true, majority = np.array([3] * 78 + [0] * 22), np.full(100, 3)
    assert metrics.micro_f1(true, majority) == 0.78
    assert metrics.kappa(true, majority) == 0
    assert metrics.macro_f1(true, majority) == pytest.approx(0.438, abs=1e-3)


def test_macro_f1_counts_only_emotions_that_occur():
    assert metrics.macro_f1(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 5])) == pytest.approx(
        (1 + 2 / 3) / 2
    )


def test_bootstrap_covers_the_score_and_narrows_with_rows():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 2, 2000)
    predicted = np.where(rng.random(2000) < 0.8, true, 1 - true)
    wide = intervals.interval(true[:100], [predicted[:100]], metrics.micro_f1)
    narrow = intervals.interval(true, [predicted], metrics.micro_f1)
    assert narrow["low"] < 0.8 < narrow["high"]
    assert narrow["high"] - narrow["low"] < (wide["high"] - wide["low"]) / 2
    unlucky = np.where(rng.random(2000) < 0.5, true, 1 - true)
    both = intervals.interval(true, [predicted, unlucky], metrics.micro_f1)
    assert both["mean"] == pytest.approx((narrow["mean"] + metrics.micro_f1(true, unlucky)) / 2)
    assert both["high"] - both["low"] > narrow["high"] - narrow["low"], (
        "seeds that differ widen the interval"
    )


def test_paired_difference_and_its_verdict():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 6, 600)

    def answers(right):
        return np.where(rng.random(600) < right, true, rng.integers(0, 6, 600))

    good, also_good, bad = answers(0.7), answers(0.7), answers(0.3)
    better = intervals.paired_difference(true, [good], [bad])
    assert intervals.verdict(better) == "better" and better["low"] < better["mean"] < better["high"]
    assert intervals.verdict(intervals.paired_difference(true, [bad], [good])) == "worse"
    assert (
        intervals.verdict(intervals.paired_difference(true, [good, also_good], [also_good, good]))
        == "no difference"
    )
    assert intervals.paired_difference(true, [good], [good])["high"] == 0


def test_show():
    assert intervals.format_score(0.12345) == "0.123"
    assert (
        intervals.format_score({"mean": 0.5, "low": 0.4, "high": 0.6, "n": 3})
        == "0.500 [0.400, 0.600]"
    )


def test_calibration_error_of_a_model_that_is_always_sure():
    true = np.array([0, 1, 2, 3])
    sure = np.eye(6)[[0, 0, 0, 0]]
    assert metrics.calibration_error(true, sure) == pytest.approx(0.75)
    assert metrics.calibration_error(true, np.eye(6)[true]) == 0
    table = metrics.reliability(true, sure)
    assert table["n"].tolist() == [4] and table["accuracy"].tolist() == [0.25]


def test_precision_recall_and_weighted_f1_by_hand():
    true, answered = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    assert metrics.macro_precision(true, answered) == pytest.approx((1 + 1 / 2) / 2)
    assert metrics.macro_recall(true, answered) == pytest.approx((2 / 3 + 1) / 2)
    assert metrics.weighted_f1(true, answered) == pytest.approx(0.75 * 0.8 + 0.25 * 2 / 3)
    by_class = [metrics.class_f1(true, answered, e) for e in (0, 1, 2)]
    assert by_class == pytest.approx([0.8, 2 / 3, 0])


def test_correlation_interval_holds_its_mean():
    x = np.random.default_rng(0).normal(size=200)
    found = metrics.correlation(x, x + np.random.default_rng(1).normal(size=200))
    assert (
        found["low"] < found["mean"] < found["high"]
        and 0.5 < found["mean"] < 0.85
        and found["n"] == 200
    )


@settings(max_examples=30, deadline=None)
@given(vectors, st.randoms(use_true_random=False))
def test_song_scores_equal_the_plain_scores(true, random):
    answers = [np.array([[random.random() for _ in range(6)] for _ in true]) for _ in range(2)]
    found = intervals.song_scores(true, answers, times=5)
    ids = true.argmax(1)
    assert set(found) == set(intervals.SONG_SCORES)
    for name, plain in (
        ("macro_f1", metrics.macro_f1),
        ("balanced_accuracy", metrics.macro_recall),
        ("kappa", metrics.kappa),
    ):
        assert found[name]["mean"] == pytest.approx(
            np.mean([plain(ids, a.argmax(1)) for a in answers])
        ), name
    assert found["brier"]["mean"] == pytest.approx(
        np.mean([((a - np.eye(6)[ids]) ** 2).sum(1).mean() for a in answers])
    )
    for name, value in loop_agreement(true, answers[0]).items():
        assert intervals.song_scores(true, answers[:1], times=5)[name]["mean"] == pytest.approx(
            value
        )
    assert all(v["low"] <= v["mean"] <= v["high"] and v["n"] == len(true) for v in found.values())


def test_song_scores_agree_with_the_bootstrap_of_single_scores():
    rng = np.random.default_rng(0)
    true = rng.dirichlet(np.ones(6), 300)
    ours, theirs = ([true + scale * rng.random((300, 6)) for _ in range(3)] for scale in (0.3, 2.0))
    one, other = (
        intervals.song_scores(true, ours)["kappa"],
        intervals.interval(true, ours, lambda t, a: metrics.kappa(t.argmax(1), a.argmax(1))),
    )
    assert [one[k] for k in ("mean", "low", "high")] == pytest.approx(
        [other[k] for k in ("mean", "low", "high")], abs=0.02
    )
    difference = intervals.song_scores(true, ours, theirs)["kappa"]
    assert difference["mean"] == pytest.approx(
        one["mean"] - intervals.song_scores(true, theirs)["kappa"]["mean"]
    )
    assert intervals.verdict(difference) == "better"
    assert intervals.song_scores(true, ours, ours)["kappa"]["mean"] == 0


def test_baselines_of_songs():
    labels = np.array([3, 3, 3, 0, 0, 4])
    most = metrics.majority(labels, 2)
    assert most.shape == (2, 6) and most[0].tolist() == pytest.approx(
        [1 / 3, 0, 0, 1 / 2, 1 / 6, 0]
    )
    known = np.eye(6)[labels]
    drawn = metrics.prior_sampling(known, 4000, 0)
    assert drawn.mean(0) == pytest.approx(most[0], abs=0.03)
    assert np.array_equal(np.sort(metrics.shuffled(labels, 0)), np.sort(labels))
    assert metrics.kappa(
        np.tile(labels, 500), metrics.shuffled(np.tile(labels, 500), 1)
    ) == pytest.approx(0, abs=0.05)


def test_alignment_and_uniformity_by_hand():
    assert metrics.alignment(np.eye(3), 2 * np.eye(3)) == 0
    assert metrics.alignment(np.eye(2), np.eye(2)[::-1]) == pytest.approx(2)
    assert metrics.uniformity(np.ones((5, 3))) == pytest.approx(0), "collapsed"
    assert metrics.uniformity(np.eye(2)) == pytest.approx(-4)
