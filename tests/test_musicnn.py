"""MusiCNN beside TensorFlow, listeners' answers, the experiment on real songs, and the adaptor."""

import functools
import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from wyf_utils.core import metrics
from wyf_utils.core.errors import BadInput, CorruptData, MissingData
from wyf_utils.core.paths import ROOT
from wyf_utils.data import emotify, registry
from wyf_utils.sound import adaptor, checkpoints, composer, mel, musicnn, share_heads
from wyf_utils.study import hearing, hearing_adaptor, hearing_networks

REFERENCE = json.loads((ROOT / "tests/data/musicnn_reference.json").read_text(encoding="utf-8"))


def chord():
    time = np.arange(480_000) / 16_000
    tones = ((0.2, 220), (0.15, 277.18), (0.1, 329.63), (0.05, 1760))
    return sum(a * np.sin(2 * np.pi * f * time) for a, f in tones)


def noise():
    sound = np.random.default_rng(0).normal(0, 0.02, 480_000)
    sound[::8000] += 0.8  # two clicks a second
    return sound


def composed():
    return composer.render(*composer.compose(np.eye(6)[0], 0), 0)


@functools.cache
def heard(name):
    return musicnn.hear({"chord": chord, "noise": noise, "composed": composed}[name]())


@pytest.mark.parametrize("name", REFERENCE["sounds"])
def test_tags_and_embeddings_are_those_of_tensorflow(name):
    true, ours = REFERENCE["sounds"][name], heard(name)
    assert np.abs(ours.tags - true["tags"]).max() < 1e-3
    song = ours.song()
    for part, layer in (
        (song.embedding[0], "embedding"),
        (song.pooled[0, :, 0], "max_pool"),
        (song.pooled[0, :, 1], "mean_pool"),
    ):
        size = np.abs(true[layer]).max()
        assert np.abs(part - true[layer]).max() < 1e-3 * max(size, 1), layer


def test_shapes_and_names():
    ours = heard("chord")
    assert ours.tags.shape == (10, 50) and ours.embedding.shape == (10, 200)
    assert ours.pooled.shape == (10, 753, 2) and len(set(musicnn.TAGS)) == 50
    shares = musicnn.tags(noise()[:48_000])
    assert set(shares) == set(musicnn.TAGS)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


def test_torch_and_onnx_hear_the_same():
    import torch

    from wyf_utils.sound import musicnn_network

    model = musicnn_network.load(checkpoints.read_checkpoint(*musicnn.checkpoint_files()))
    cut = musicnn.patches(musicnn.log_mel(noise()[:96_000]))
    with torch.inference_mode():
        found = model(torch.from_numpy(cut))
    for ours, theirs in zip(musicnn.hear_patches(cut), found, strict=True):
        assert np.allclose(ours, theirs.numpy(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("samples", [600, 16_000, 47_500])
def test_a_second_of_sound_is_repeated_to_a_patch(samples):
    assert musicnn.hear(noise()[:samples]).tags.shape == (1, 50)


def test_silence_clipped_and_loud_sound_have_tags():
    for sound in (np.zeros(48_000), np.sign(chord()[:48_000]), 30 * chord()[:48_000]):
        assert np.isfinite(musicnn.hear(sound).tags).all()


@pytest.mark.parametrize("sound", [np.full(16_000, np.nan), np.zeros(0), np.zeros((2, 16_000))])
def test_what_is_no_sound_is_refused(sound):
    with pytest.raises(BadInput, match="no row of finite samples") as refused:
        musicnn.log_mel(sound)
    assert refused.value.ko


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """An installed package musicnn that a test may break."""
    folder = tmp_path / "musicnn"
    shutil.copytree(musicnn.checkpoint_files()[0].parent, folder / "MSD_musicnn")
    (folder / "__init__.py").write_text("raise ImportError('its imports are of 2019')")
    monkeypatch.syspath_prepend(tmp_path)
    return folder / "MSD_musicnn"


def test_the_wheel_s_code_is_not_imported(wheel):
    assert musicnn.checkpoint_files()[0].parent == wheel
    assert "musicnn" not in sys.modules


def test_a_truncated_checkpoint_or_another_version_is_named(wheel):
    values = wheel / ".data-00000-of-00001"
    values.write_bytes(values.read_bytes()[:-1])
    with pytest.raises(CorruptData, match=r"MSD_musicnn .* not that of 0.1.0; run `pip install"):
        musicnn.checkpoint_files()


def test_a_wheel_without_the_checkpoint_is_named(wheel, monkeypatch):
    (wheel / ".index").unlink()
    with pytest.raises(MissingData, match=r"needs the package musicnn==0.1.0 with its checkpoint"):
        musicnn.checkpoint_files()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingData, match="run `pip install .* --no-deps musicnn==0.1.0`") as lacks:
        musicnn.checkpoint_files()
    assert "musicnn==0.1.0" in lacks.value.ko


@pytest.mark.parametrize("cut", [0, 100, 4000])
def test_a_cut_table_or_cut_values_are_named(tmp_path, cut):
    index, values = musicnn.checkpoint_files()
    short = tmp_path / "short"
    short.write_bytes(index.read_bytes()[:cut])
    with pytest.raises(CorruptData, match="no whole one of TensorFlow; get both files again"):
        checkpoints.read_checkpoint(short, values)
    short.write_bytes(values.read_bytes()[: 2000 * cut])
    with pytest.raises(CorruptData, match="no whole one of TensorFlow"):
        checkpoints.read_checkpoint(index, short)


def test_a_checkpoint_has_its_names_and_shapes():
    weights = checkpoints.read_checkpoint(*musicnn.checkpoint_files())
    assert weights["conv2d/kernel"].shape == (7, 38, 1, 204)
    assert weights["dense_1/kernel"].shape == (200, 50) and weights["beta1_power"].shape == ()


def test_hearing_loads_no_torch():
    musicnn.exported()  # torch writes the graph once
    code = (
        "import sys, numpy; from wyf_utils.sound import musicnn; "
        "musicnn.hear(numpy.zeros(16000)); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "False", done.stderr


def test_songs_are_heard_once(tmp_path):
    import soundfile

    paths = [tmp_path / f"{name}.wav" for name in ("a", "b")]
    for path, sound in zip(paths, (chord(), noise()), strict=True):
        soundfile.write(path, sound[:160_000], 16_000)
    songs = musicnn.hear_songs(paths)
    assert songs.tags.shape == (2, 50) and songs.pooled.shape == (2, 753, 2)
    minute = musicnn.hear_songs(paths[:1], 0, 60)
    assert minute.tags.shape == (1, 50) and not np.allclose(minute.tags, songs.tags[:1])
    again = musicnn.hear_songs(paths)
    assert all(np.array_equal(a, b) for a, b in zip(songs, again, strict=True))
    with pytest.raises(MissingData, match="c.wav is missing"):
        musicnn.hear_songs([*paths, tmp_path / "c.wav"])


# Emotify

HEADER = (
    "track id, genre, amazement, solemnity, tenderness, nostalgia, calmness, power, "
    "joyful_activation, tension, sadness, mood, liked, disliked, age, gender, mother tongue"
)
#: Two songs: of the first, one listener marks calmness and tenderness, one joy and power, one
#: amazement alone; of the second, one sadness and one tension and nostalgia.
ROWS = """1,classical,0,0,1,0,1,0,0,0,0,3,1,0,21,1,English
1,classical,0,0,0,0,0,1,1,0,0,3,0,1,41,1,Dutch
1,classical,1,0,0,0,0,0,0,0,0,3,0,1,41,1,Dutch
303,pop,0,0,0,0,0,0,0,0,1,3,0,0,24,1,English
303,pop,0,0,0,1,0,0,0,1,0,3,0,0,32,0,Spanish"""
PLACES = ("classical/1.mp3", "pop/3.mp3")


def answered(folder, rows=ROWS, header=HEADER, places=PLACES):
    """A folder as of the whole Emotify; its sounds are no sounds, which nobody hears here."""
    for place in places:
        path = folder / "emotifymusic" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (folder / "data.csv").write_text(f"{header}\n{rows}\n", encoding="utf-8")
    return folder


def test_shares_of_listeners(tmp_path):
    found = emotify.load(answered(tmp_path))
    songs = found.songs
    assert songs["id"].tolist() == [1, 303] and songs["listeners"].tolist() == [3, 2]
    assert songs["genre"].tolist() == ["classical", "pop"] and songs["number"].tolist() == [1, 3]
    assert found.shares()[:, emotify.GEMS.index("power")].tolist() == [1 / 3, 0]
    third = 1 / 3
    assert np.allclose(found.six(), [[third, 0, third, 0, 0, 0], [0, 0.5, 0, 1, 0, 0]])
    assert np.allclose(found.targets().sum(1), 1)
    assert np.allclose(found.cost()["listeners"], 1 / 5)
    assert np.allclose(found.cost()["marks"], 2 / 8)
    half = found.six(np.array([True, False, False, False, False]))
    assert half[0, 2] == 1 and np.isnan(half[1]).all()


def test_a_song_without_a_mapped_emotion_is_neutral(tmp_path):
    rows = "1,classical,1,0,0,0,0,1,0,0,0,3,1,0,21,1,English"
    found = emotify.load(answered(tmp_path, rows, places=PLACES[:1]))
    assert found.targets().tolist() == [[0, 0, 0, 0, 0, 1]]


def test_the_map_has_each_gems_emotion_once():
    mapped = [name for names in emotify.SIX.values() for name in names]
    assert sorted([*mapped, *emotify.UNMAPPED]) == sorted(emotify.GEMS)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"places": PLACES[:1]}, MissingData, r"answers for track 303 and .* no pop/3.mp3; put it"),
        ({"places": (*PLACES, "rock/2.mp3")}, CorruptData, r"no answer for track 102, rock/2.mp3"),
        ({"header": HEADER.replace("mood", "anger")}, CorruptData, "'anger', which is no emotion"),
        ({"header": HEADER.replace("power", "might")}, CorruptData, "lacks the column power"),
        ({"rows": ROWS.replace("1,classical,1,0", "1,classical,2,0")}, CorruptData, "amazement is"),
        ({"rows": ROWS + "\n401,pop" + ",0" * 15}, CorruptData, "track id 401"),
    ],
)
def test_bad_answers_are_named(tmp_path, change, error, says):
    with pytest.raises(error, match=says):
        emotify.load(answered(tmp_path, **change))


def test_emotify_is_fetched_under_one_name(data):
    songs = [name for name in registry.REGISTRY if name.startswith("emotify_")]
    assert len(songs) == 161
    table = registry.status().set_index("file")
    assert table.loc["emotify", "state"] == "missing" and "emotify_pop_1" not in table.index
    with pytest.raises(MissingData, match="'emotify_answers' is not here yet; .* fetch emotify`"):
        emotify.load()
    with pytest.raises(MissingData, match="data.csv is missing; put Emotify's data.csv there"):
        emotify.load(data)


# The experiment


@pytest.fixture(scope="module")
def crowd():
    """Sixty songs of twelve listeners each, whose features tell joy from sadness."""
    rng = np.random.default_rng(0)
    kinds, n = np.arange(60) % 3, 60  # joy, sadness, and songs on which nobody agrees
    chance = np.full((n, 9), 0.05)
    chance[kinds == 0, emotify.GEMS.index("joyful_activation")] = 0.9
    chance[kinds == 1, emotify.GEMS.index("nostalgia")] = 0.9
    chance[kinds == 2] = 0.3
    marks = rng.random((n, 12, 9)) < chance[:, None]
    answers = pd.DataFrame(marks.reshape(-1, 9).astype(int), columns=list(emotify.GEMS))
    answers.insert(0, "id", np.repeat(np.arange(1, n + 1), 12))
    songs = pd.DataFrame({"id": np.arange(1, n + 1), "artist": "", "album": ""})
    songs.loc[:1, "artist"], songs.loc[1:2, "album"] = "A", "B"
    features = {"tags": np.eye(3)[kinds] + rng.normal(0, 0.3, (n, 3))}
    features["noise"] = rng.normal(size=(n, 30))
    features["tags"] = np.hstack([features["tags"], rng.normal(size=(n, 27))])
    return hearing.HearingExperiment(emotify.Emotify(songs, answers), features, seeds=(0,))


def test_songs_of_an_artist_or_an_album_are_one_group(crowd):
    assert len(set(crowd.groups[:3])) == 1 and len(set(crowd.groups)) == 58
    parts = hearing.folds(crowd.labels, crowd.groups, 10, 0)
    assert sorted(np.concatenate(parts)) == list(range(60))
    assert sum(len({0, 1, 2} & set(part)) > 0 for part in parts) == 1


def test_what_can_be_heard_is_heard_and_nothing_else(crowd, monkeypatch):
    monkeypatch.setattr(hearing, "_HALVES", 3)
    crowd.add(["tags_soft", "noise_ridge"])
    others = metrics.shuffled(crowd.six, 0)
    crowd.add(["tags_soft"], targets=others, mark="_shuffled")
    crowd.add_majority()
    crowd.choose([("tags_soft",), ("noise_ridge",)])
    assert crowd.choices["tags_soft"] >= 9, "chosen inside the folds, ten of them"
    scores = crowd.scores()
    assert scores["r/tags_soft@joy"]["mean"] > 0.7 > 0.4 > scores["r/noise_ridge@joy"]["mean"]
    assert scores["r/chosen@mean"]["low"] < scores["r/chosen@mean"]["mean"]
    assert scores["kappa/tags_soft"]["mean"] > 0.3 > scores["kappa/tags_soft_shuffled"]["mean"]
    assert scores["kappa/majority"]["mean"] <= 0 and "r/majority@mean" not in scores
    assert scores["r/human@joy"]["mean"] > 0.8 and 0 < scores["kappa/human"]["mean"] < 1
    difference = crowd.differences([("tags_soft", "noise_ridge")])
    assert difference["r_difference/tags_soft-noise_ridge"]["low"] > 0
    told = hearing.table(scores, ["majority", "human"])
    assert told.loc["majority", "r joy"] == "" and told.loc["human", "r mean"]


def test_scores_are_regrouped_by_model():
    scores = {"r/a@joy": 1, "r/a@mean": 2, "kappa/a": 3, "kappa/majority": 4, "top1/a": 5}
    assert hearing.by_model(scores, ["a", "majority"]) == {
        "a": {"joy": 1, "mean": 2, "kappa": 3},
        "majority": {"kappa": 4},
    }


def test_few_listeners_are_some_of_all(crowd):
    one = hearing.few_listeners(crowd.emotify, 1, 0)
    assert set(np.unique(one)) <= {0, 1}, "one listener marked an emotion or did not"
    assert np.allclose(hearing.few_listeners(crowd.emotify, 12, 0), crowd.six)
    four = [hearing.few_listeners(crowd.emotify, 4, seed) for seed in range(30)]
    assert np.abs(np.mean(four, axis=0) - crowd.six).max() < 0.2


def test_noise_has_the_stated_ratio():
    sound = np.sin(np.arange(160_000) / 5).astype(np.float32)
    noise = hearing.add_noise(sound, 20, 0) - sound
    assert 10 * np.log10((sound**2).mean() / (noise**2).mean()) == pytest.approx(20, abs=0.1)
    assert hearing.add_noise(sound, np.inf, 0) is sound


def test_networks_hear_the_folds_songs(crowd):
    rng = np.random.default_rng(0)
    mels = rng.normal(-60, 5, (60, 48, 1876)).astype(np.float32)
    mels[np.arange(60) % 3 == 0] += 20  # joyful songs are loud
    hearing_networks.add_network(crowd, mels, "cnn", epochs=2)
    (found,) = crowd.answers["cnn"]
    assert found.shape == (60, 6) and np.allclose(found.sum(1), 1, atol=1e-4)
    for test in hearing.folds(crowd.labels, crowd.groups, 10, 0):
        parts = hearing_networks._parts(crowd, test, 0)
        assert (parts[test] == "test").all() and (parts == "test").sum() == len(test)
        assert not set(crowd.groups[parts == "dev"]) & set(crowd.groups[parts == "train"])
    assert hearing_networks.simclr_features(mels[:40], epochs=1, seed=0).shape == (40, 512)


def test_halves_share_no_listener(crowd):
    first, second = hearing.halves(crowd.emotify, 0)
    assert np.allclose((first + second) / 2, crowd.six), "twelve listeners, six in each half"
    assert not np.array_equal(first, hearing.halves(crowd.emotify, 1)[0])


@pytest.mark.parametrize("name", share_heads.HEADS)
def test_heads_learn_shares(name):
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(4), 60)
    x = np.hstack([np.log(shares), rng.normal(size=(60, 26))])
    found = share_heads.fit_shares(name, x[:50], shares[:50], 0).predict(x[50:])
    assert found.shape == (10, 4) and np.corrcoef(found.ravel(), shares[50:].ravel())[0, 1] > 0.3


def test_heads_and_features_that_are_not_there(crowd):
    with pytest.raises(BadInput, match="no head 'knn'; choose one of: ridge, soft"):
        share_heads.fit_shares("knn", np.eye(30), np.eye(30), 0)
    with pytest.raises(BadInput, match="20 songs are too few to learn shares"):
        share_heads.fit_shares("ridge", np.eye(20), np.eye(20), 0)
    with pytest.raises(BadInput, match="no features 'smell' for the model 'smell_soft'"):
        crowd.add(["smell_soft"])


# The adaptor


@functools.cache
def short_pieces():
    pieces = [composer.render(*composer.compose(np.eye(6)[i], i), i) for i in range(5)]
    return [half for piece in pieces for half in (piece[:48_000], piece[240_000:288_000])]


@functools.cache
def learned():
    return adaptor.learn(short_pieces())


def test_the_adaptor_hears_through_48_bands():
    found = learned()
    heard = found.hear(mel.from_waveform(short_pieces()[0]))
    assert heard.tags.shape == (1, 50) and heard.embedding.shape == (1, 200)
    assert ((heard.tags >= 0) & (heard.tags <= 1)).all()
    bare = adaptor.Adaptor(found.bands, np.zeros((201, 200)), found.output)
    ours, theirs = (adaptor.cosines(one, short_pieces()[::2]).mean() for one in (found, bare))
    assert ours > max(theirs, 0.8), "the correction helps where it was learned"


def test_the_output_layer_is_musicnn_s():
    true = heard("noise")
    odds = np.hstack([true.embedding, np.ones((10, 1))]) @ learned().output
    assert np.abs(1 / (1 + np.exp(-odds)) - true.tags).max() < 1e-4


def test_the_learned_adaptor_hears_composed_sound():
    pieces = [composer.render(*composer.compose(np.eye(6)[i], 9), 9) for i in (0, 3, 4)]
    mels = np.stack([mel.from_waveform(piece) for piece in pieces])
    found = adaptor.hear_mels(mels)
    assert found.tag_odds.shape == (3, 50)
    for row, piece in enumerate(pieces):  # learned on real songs alone
        assert adaptor.cosine(found.embedding[row], musicnn.embedding(piece)) > 0.8


def test_the_adaptor_is_saved_as_plain_arrays(tmp_path):
    learned().save(tmp_path / "adaptor.npz")
    again = adaptor.load(tmp_path / "adaptor.npz")
    assert np.allclose(again.bands, learned().bands, atol=1e-6)
    (tmp_path / "bad.npz").write_bytes((tmp_path / "adaptor.npz").read_bytes()[:1000])
    np.savez(tmp_path / "other.npz", bands=np.zeros(3), correction=np.zeros(3), output=np.zeros(3))
    for name in ("bad.npz", "other.npz", "none.npz"):
        with pytest.raises(CorruptData, match=f"{name} is no adaptor; restore it"):
            adaptor.load(tmp_path / name)


def test_too_few_sounds_and_strange_mels():
    with pytest.raises(BadInput, match="2 sounds are too few to learn an adaptor from"):
        adaptor.learn(short_pieces()[:2])
    for strange in (np.zeros((96, 300)), np.full((48, 300), np.nan), np.zeros(48)):
        with pytest.raises(BadInput, match="decibels belong; extract it again"):
            learned().hear(strange)


def test_heads_learned_from_true_features_hear_others(crowd):
    crowd.add(["tags_soft"], heard={"tags": crowd.features["noise"]}, mark="_adapted")
    assert hearing.mean_correlation(crowd.six, crowd.answers["tags_soft_adapted"][0]) < 0.4


def test_files_are_heard_through_96_and_48_bands(tmp_path):
    import soundfile

    paths = [tmp_path / f"{number}.wav" for number in range(20)]
    for path, sound in zip(paths, [*short_pieces(), *short_pieces()], strict=True):
        soundfile.write(path, 0.9 * sound, 16_000)
    found = hearing.song_features(paths[:2], length=3)
    assert {name: rows.shape for name, rows in found.items()} == {
        "mel_statistics": (2, 144), "tags": (2, 50), "embedding": (2, 200), "pooled": (2, 1506),
    }  # fmt: skip
    cosine, tags = hearing_adaptor.adapted(paths, np.arange(20) % 10, 2, start=0, length=3)
    assert cosine.shape == (20,) and tags.shape == (20, 50) and 0.3 < cosine.mean() < 1
