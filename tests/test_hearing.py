import re

import numpy as np
import pandas as pd
import pytest

from wyf_utils.core import intervals
from wyf_utils.music import catalogue
from wyf_utils.sound import dataset
from wyf_utils.study import audio_benchmark
from wyf_utils.text import bundled_e5, finetuning


@pytest.fixture(scope="module")
def heard():
    """Predictions for joy and anger, which differ in loudness and in the couplets' first number."""
    rng = np.random.default_rng(0)
    ids = np.arange(60) % 2 * 4
    mels = (rng.normal(-70, 3, (60, 48, 1876)) + 4 * ids[:, None, None]).astype(np.float32)
    couplets = rng.normal(size=(60, 3, 4)).astype(np.float32)
    couplets[:, :, 0] += ids[:, None]
    parts = np.array([("train", "train", "dev", "test")[i // 2 % 4] for i in range(60)])
    found = audio_benchmark.AudioBenchmark(dataset.MelDataset(mels, parts, couplets), [0, 1])
    targets = 0.8 * np.eye(6)[ids] + 0.2 * np.eye(6)[5]
    found.add_network("lyric_cnn", "lyric_cnn", targets, 2)
    plain = found.mel_dataset.statistics()
    found.add_heads("statistics", [plain], targets, ["linear", "dense"], "@composer")
    found.add_heads(
        "statistics",
        [found.mel_dataset.noisy(-60).statistics()],
        targets,
        ["linear"],
        "@composer_-60dB",
    )
    found.add_baselines(targets, plain)
    return found, targets


def test_every_model_answers_every_test_song(heard):
    found, _ = heard
    names = [
        "lyric_cnn",
        "statistics_linear@composer",
        "statistics_dense@composer",
        "statistics_linear@composer_-60dB",
        "majority",
        "prior",
        "shuffled",
    ]
    assert list(found.answers) == names
    assert [len(v) for v in found.answers.values()] == [2, 2, 2, 2, 1, 2, 2]
    for given in found.answers.values():
        assert all(
            v.shape == (len(found.test), 6) and np.allclose(v.sum(1), 1, atol=1e-4) for v in given
        )
    assert len(found.curves["lyric_cnn"]) == 2 and len(found.curves["lyric_cnn"][0]["loss"]) == 2


def test_scores_and_paired_differences_have_their_names(heard):
    found, targets = heard
    scores = found.scores(targets, found.answers, 0, "_composer")
    assert len(scores) == len(found.answers) * len(intervals.SONG_SCORES)
    assert all(re.fullmatch(r"[a-z0-9_]+/[A-Za-z0-9_@./-]+", name) for name in scores)
    assert (
        scores["kappa_composer/statistics_linear@composer"]["mean"] > 0.9
        and scores["kappa_composer/majority"]["mean"] == 0
    )
    assert list(audio_benchmark.table(scores).columns) == [
        f"{score}_composer" for score in intervals.SONG_SCORES
    ]
    differences = found.differences(
        targets,
        [
            ("statistics_linear@composer", "majority"),
            ("statistics_linear@composer_-60dB", "statistics_linear@composer"),
        ],
        0,
    )
    assert (
        next(iter(differences)) == "kappa_difference/statistics_linear@composer-majority"
        and len(differences) == 4
    )
    words = {"better": "yes", "worse": "no", "no difference": "nothing"}
    told = audio_benchmark.verdicts(
        differences,
        {"kappa_difference/statistics_linear@composer-majority": ("is it heard?", words)},
    )
    assert told.iloc[0][["question", "it is", "in words"]].tolist() == [
        "is it heard?",
        "better",
        "yes",
    ]


def test_failures_are_those_that_the_model_is_most_sure_of(heard):
    found, targets = heard
    sure = np.random.default_rng(0).dirichlet(np.ones(6), len(found.test))
    found.answers["guess"] = [sure]
    failures = found.failures("guess", targets, 3)
    del found.answers["guess"]
    assert (
        len(failures) == 3
        and (failures["meant"] != failures["answered"]).all()
        and set(failures["row"]) <= set(found.test)
    )
    wrong = np.sort(sure.max(1)[sure.argmax(1) != targets[found.test].argmax(1)])[::-1]
    assert (
        failures["row"].map(dict(zip(found.test, sure.max(1), strict=True))).tolist()
        == wrong[:3].tolist()
    )


def test_a_network_that_answers_the_majority_agrees_as_much_as_the_majority():
    rng = np.random.default_rng(0)
    lyric = np.eye(6)[np.where(rng.random(4000) < 0.784, 3, rng.integers(0, 6, 4000))]
    sound = np.tile([0.1, 0.1, 0.1, 0.5, 0.1, 0.1], (4000, 1))
    found = audio_benchmark.agreement_2022(lyric, sound, 0)
    assert found["top1/mel_2022"] == found["top1/majority_2022"]
    assert found["kappa/mel_2022"]["mean"] == 0
    assert found["top1/prior_2022"]["mean"] < found["top1/majority_2022"]["mean"] - 0.1
    macro_f1 = [found[f"macro_f1/{name}_2022"]["mean"] for name in ("shuffled", "majority")]
    assert macro_f1[0] == pytest.approx(macro_f1[1])


def test_lyrics_become_rows_of_couplet_vectors():
    vectors = catalogue.couplet_vectors(
        bundled_e5.BUNDLED,
        pd.Series(["바람이 분다\n" * 9, "안녕", "비가 온다\n" * 80]),
        np.array([True, True, False]),
    )
    assert vectors.shape == (3, 24, 384)
    assert (vectors != 0).any(2).sum(1).tolist() == [5, 1, 24], (
        "two lines a couplet, 24 couplets at most"
    )
    known = vectors[:2][(vectors[:2] != 0).any(2)]
    assert np.allclose(known.mean(0), 0, atol=1e-4) and abs(vectors[2].mean(0)).max() > 0.1, (
        "standardised on the known lyrics alone"
    )


def test_a_profile_without_sound_has_nothing_to_hear():
    assert catalogue.open_catalogue("open", finetuning.Recipe(), 0) is None
