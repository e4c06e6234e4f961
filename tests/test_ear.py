"""The head learned from listeners, its rules for anger and neutral, and what the ear hears."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile

from wyf_utils.core import emotions
from wyf_utils.core.errors import BadInput, CorruptData, MissingData
from wyf_utils.core.paths import ROOT
from wyf_utils.data import emotify
from wyf_utils.sound import audio_files, ear, musicnn
from wyf_utils.study import learn_ear

REFERENCE = ROOT / "data" / "reference"
ANGER, NEUTRAL, TENSION = (emotions.EN.index(name) for name in ("anger", "neutral", "tension"))


@pytest.fixture(scope="module")
def head():
    return ear.load_head()


@pytest.fixture(scope="module")
def tags():
    return pd.read_csv(REFERENCE / "ear_tags.csv")


@pytest.fixture
def answers():
    try:
        return emotify.load()
    except MissingData as error:
        pytest.skip(f"the 160 songs of Emotify are not here, so that nothing is refitted: {error}")


def odds_of(**probabilities):
    """Log-odds (1, 50) of a song with some tags; spaces in their names are underscores."""
    shares = np.full((1, 50), 0.02)
    for name, value in probabilities.items():
        shares[0, musicnn.TAGS.index(name.replace("_", " "))] = value
    return musicnn.log_odds(shares)


def tone(seconds, level=0.3, pitch=440.0):
    return level * np.sin(np.arange(int(seconds * 16_000)) * 2 * np.pi * pitch / 16_000)


# The committed head


def test_the_head_is_whole_and_has_a_card(head):
    assert head.weights.shape == (50, 4) and head.bias.shape == (4,)
    assert np.isfinite(head.weights).all() and np.isfinite(head.bias).all()
    assert 0.1 < head.temperature < 5 and ear.FELT == emotify.HEARD
    found = json.loads((REFERENCE / "ear.json").read_text(encoding="utf-8"))
    assert found["emotions"] == list(emotify.SIX)
    card = found["card"]
    assert {"learned from", "licence", "out of fold", "in sample", "never says", "limits"} <= set(
        card
    )
    for name in ("r/tags_soft@mean", "kappa/tags_soft"):
        score = card["out of fold"][name]
        assert 0.2 < score["low"] < score["mean"] < score["high"] < 0.9 and score["n"] == 160
    assert "anger" in card["never says"] and "neutral" in card["never says"]


def test_no_emotion_swallows_the_songs_that_it_learned_from(head, tags):
    assert tags.shape == (160, 51) and np.isfinite(tags.to_numpy()).all()
    vectors = head.emotion_vectors(tags[list(musicnn.TAGS)].to_numpy())
    counts = np.bincount(vectors.argmax(1), minlength=6)
    assert counts.max() < 80 and (counts[list(ear.FELT)] >= 10).all()


def test_learning_again_gives_the_same_numbers(head, tags, answers):
    again = learn_ear.learn_head(learn_ear.experiment(answers, tags))
    assert np.abs(again.weights - head.weights).max() < 1e-4
    assert np.abs(again.bias - head.bias).max() < 1e-3
    assert abs(again.temperature - head.temperature) < 1e-2


def test_the_tags_are_those_of_the_songs(tags, answers):
    for row in (0, 75, 159):
        waveform = audio_files.read_excerpt(answers.songs["path"][row])
        odds = musicnn.log_odds(musicnn.hear(waveform).song().tags)
        assert tags["id"][row] == answers.songs["id"][row]
        assert np.abs(odds - tags.loc[row, list(musicnn.TAGS)].to_numpy(float)).max() < 0.05


# Learning


@pytest.fixture
def crowd():
    """Forty songs of ten listeners, of whom nearly all feel joy, or sadness, as one tag says."""
    rng = np.random.default_rng(0)
    kinds = np.arange(40) % 2
    chance = np.full((40, 9), 0.05)
    chance[kinds == 0, emotify.GEMS.index("joyful_activation")] = 0.9
    chance[kinds == 1, emotify.GEMS.index("sadness")] = 0.9
    marks = (rng.random((40, 10, 9)) < chance[:, None]).reshape(-1, 9).astype(int)
    answers = pd.DataFrame(marks, columns=list(emotify.GEMS))
    answers.insert(0, "id", np.repeat(np.arange(40), 10))
    songs = pd.DataFrame({"id": np.arange(40), "artist": "", "album": ""})
    odds = rng.normal(-3, 0.3, (40, 50))
    odds[:, musicnn.TAGS.index("happy")] += 3 * (kinds == 0)
    tags = pd.DataFrame(odds, columns=list(musicnn.TAGS))
    tags.insert(0, "id", songs["id"])
    return emotify.Emotify(songs, answers), tags


def test_a_head_is_learned_written_and_read(crowd, tmp_path):
    found = learn_ear.experiment(*crowd)
    head = learn_ear.learn_head(found)
    card = learn_ear.card(found, head)
    assert card["in sample"]["kappa"] > 0.9
    learn_ear.write(head, card, tmp_path / "ear.json")
    again = ear.load_head(tmp_path / "ear.json")
    assert np.array_equal(again.weights, head.weights) and np.array_equal(again.bias, head.bias)
    assert again.temperature == head.temperature
    assert ear.fingerprint(again) == ear.fingerprint(head)
    happy, other = (found.features["tags"][kind::2] for kind in (0, 1))
    assert (head.felt(happy)[:, 0] > 0.5).all() and (head.felt(other)[:, 3] > 0.5).all()


def test_tags_of_other_songs_are_refused(crowd):
    answers, tags = crowd
    with pytest.raises(BadInput, match="The tags are of other songs than the answers") as refused:
        learn_ear.experiment(answers, tags[::-1])
    assert refused.value.ko


def test_the_temperature_undoes_doubt_and_boldness():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 4))
    true = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.eye(4)[[rng.choice(4, p=row) for row in true]]
    for heat in (0.5, 1, 2):
        said = np.exp(logits * heat) / np.exp(logits * heat).sum(1, keepdims=True)
        assert abs(learn_ear.temperature(labels, [said]) - heat) < 0.1 * heat


# Six emotions out of four


def test_vectors_sum_to_one_and_doubt_is_neutral(head):
    flat = ear.Head(np.zeros((50, 4)), np.zeros(4), 1.0)
    (vector,) = flat.emotion_vectors(odds_of(mellow=0.5))
    assert np.allclose(vector, [0.2, 0.2, 0.2, 0.2, 0, 0.2])
    sure = ear.Head(np.zeros((50, 4)), np.array([0, 0, 50.0, 0]), 1.0)
    assert np.allclose(sure.emotion_vectors(odds_of()), np.eye(6)[[2]], atol=1e-4)
    odds = np.random.default_rng(0).normal(-3, 3, (500, 50))
    vectors = head.emotion_vectors(odds)
    assert vectors.shape == (500, 6) and vectors.dtype == np.float32
    assert np.allclose(vectors.sum(1), 1, atol=1e-5) and (vectors >= 0).all()
    assert not (vectors.argmax(1) == NEUTRAL).any()


def test_metal_is_angry_and_soft_music_is_not(head):
    metal = odds_of(metal=0.8, heavy_metal=0.6, rock=0.4, hard_rock=0.3)
    for soft in (
        odds_of(ambient=0.7, chillout=0.3),
        odds_of(sad=0.6, acoustic=0.4),
        odds_of(dance=0.8, happy=0.3),
    ):
        assert ear.angry_share(soft)[0] < 0.2 < 0.6 < ear.angry_share(metal)[0] <= 1
    vector = head.emotion_vectors(metal)[0]
    assert vector[ANGER] > vector[TENSION]
    assert set(ear.PLACES) <= set(musicnn.TAGS)
    assert (np.abs(np.array(list(ear.PLACES.values()))) <= 1).all()
    (valence, arousal), _ = ear.places(np.vstack([odds_of(happy=0.9), metal]))
    assert valence > 0 < arousal


@pytest.mark.parametrize(
    "break_it",
    [
        lambda found: found.pop("bias"),
        lambda found: found["weights"].pop("rock"),
        lambda found: found["weights"].update(rock=[0, 0, 0, float("nan")]),
        lambda found: found["weights"].update(rock=[0, 0]),
        lambda found: found.update(temperature=0),
        lambda found: found.update(weights=3),
    ],
)
def test_a_broken_head_is_named(tmp_path, break_it):
    found = json.loads((REFERENCE / "ear.json").read_text(encoding="utf-8"))
    break_it(found)
    (tmp_path / "bad.json").write_text(json.dumps(found))
    with pytest.raises(CorruptData, match="bad.json is no head of the ear; restore it") as error:
        ear.load_head(tmp_path / "bad.json")
    assert error.value.ko
    with pytest.raises(CorruptData, match="none.json is no head of the ear"):
        ear.load_head(tmp_path / "none.json")


# Sounds


def test_a_sound_has_an_emotion_vector(tmp_path, head):
    vector, fault = ear.hear_waveform(tone(4), head)
    assert fault == "" and np.isclose(vector.sum(), 1, atol=1e-5)
    soundfile.write(tmp_path / "a.wav", tone(4), 16_000, subtype="FLOAT")
    assert np.allclose(ear.hear_file(tmp_path / "a.wav").emotion_vector, vector, atol=1e-4)


@pytest.mark.parametrize(
    ("waveform", "reason"),
    [
        (np.zeros(32_000), "is silent throughout"),
        (tone(2, level=5e-4), "is silent throughout"),
        (tone(0.6), "lasts 0.6 s, and the ear needs a second"),
        (np.zeros(0), "lasts 0.0 s, and the ear needs a second"),
        (np.full(32_000, np.nan), "is no row of finite samples"),
        (np.zeros((2, 32_000)), "is no row of finite samples"),
    ],
)
def test_what_cannot_be_heard_has_a_reason(waveform, reason):
    vector, fault = ear.hear_waveform(waveform)
    assert np.isnan(vector).all() and vector.shape == (6,) and fault == reason


def test_files_that_cannot_be_read_have_a_reason(tmp_path):
    (tmp_path / "a.mp3").write_text("no sound at all")
    assert ear.hear_file(tmp_path / "a.mp3").fault.startswith("is no sound")
    assert ear.hear_file(tmp_path / "b.mp3").fault.startswith("is missing")
    soundfile.write(tmp_path / "c.wav", tone(0.5), 16_000)
    vector, fault = ear.hear_file(tmp_path / "c.wav")
    assert np.isnan(vector).all() and fault.startswith("lasts 0.5 s")


def test_a_short_file_is_heard_without_its_padding(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(4), 16_000)
    assert len(audio_files.read_excerpt(tmp_path / "a.wav")) == 64_000
    assert len(audio_files.read_waveform(tmp_path / "a.wav")) == 480_000


def test_the_ear_loads_no_torch(tmp_path):
    musicnn.exported()  # torch writes the graph once
    soundfile.write(tmp_path / "a.wav", tone(2), 16_000)
    code = (
        "import sys; from pathlib import Path; from wyf_utils.sound import ear; "
        f"print(ear.hear_file(Path({str(tmp_path / 'a.wav')!r})).fault, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "False", done.stderr
