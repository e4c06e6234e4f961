import io
import tarfile

import numpy as np
import pytest
import soundfile

from wyf_utils import composer, emotions, mel, mel_models
from wyf_utils.errors import BadInput, CorruptData, MissingData


@pytest.fixture(scope="module")
def pieces():
    """Three composed pieces of every emotion, as mels (18, 48, 1876), with their emotions."""
    made, ids = [], np.repeat(range(6), 3)
    for seed, emotion in enumerate(ids):
        midi, cues = composer.compose(np.eye(6)[emotion], seed)
        made.append(mel.from_sound(composer.render(midi, cues, seed)))
    return np.stack(made), ids


def test_thirty_seconds_make_the_arena_form(pieces):
    mels, _ = pieces
    assert mels.shape[1:] == (48, 1876) and mels.dtype == np.float32
    assert mels.min() >= mel.FLOOR - 1e-3 and np.isfinite(mels).all()
    assert mel.from_sound(np.zeros(480_000)).max() == pytest.approx(mel.FLOOR), "silence is the floor"


def test_a_tone_lands_in_its_band():
    time = np.arange(480_000) / mel.SAMPLE_RATE
    spectrum = mel.from_sound(0.1 * np.sin(2 * np.pi * 1000 * time)).mean(1)
    assert abs(mel.band_centres()[spectrum.argmax()] - 1000) < 80


def test_ten_times_the_amplitude_is_twenty_decibels():
    sound = np.random.default_rng(0).normal(0, 0.01, 480_000)
    assert np.allclose(mel.from_sound(10 * sound) - mel.from_sound(sound), 20, atol=0.1)


def test_composer_is_seeded_and_no_two_songs_are_alike():
    weights = np.eye(6)[0]
    one, same, other = (composer.render(*composer.compose(weights, s), s) for s in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert one.shape == (480_000,) and one.dtype == np.float32 and np.abs(one).max() <= 1


def test_cues_follow_the_literature():
    joy, tension, peace, sadness, anger, _ = (composer.Cues(*row) for row in composer.CUES)
    assert joy.tempo > 120 > 80 > peace.tempo > sadness.tempo
    assert joy.minor == peace.minor == 0 and sadness.minor == anger.minor == 1
    assert tension.dissonance > 0.5 and tension.irregularity > 0.5
    assert anger.loudness > joy.loudness > sadness.loudness
    half = composer.blend(np.array([0.5, 0, 0, 0.5, 0, 0]), np.random.default_rng(0), spread=0)
    assert half.tempo == pytest.approx((joy.tempo + sadness.tempo) / 2)


def test_composed_emotions_can_be_heard(pieces):
    mels, ids = pieces
    features = mel.statistics(mels)
    loud = mels.mean((1, 2))
    assert loud[ids == 4].min() > loud[ids == 3].max(), "anger is louder than sadness"
    first, rest = np.arange(len(ids)) % 3 == 0, np.arange(len(ids)) % 3 != 0
    answers = mel_models.head_probabilities(mel_models.head("linear", features[rest], ids[rest], 0), features[first]).argmax(1)
    assert (answers == ids[first]).mean() >= 0.5, "six unheard pieces: chance is one"


def test_sung_emotions_contradict_the_stated_share():
    first, second, ids = np.zeros(4000, int), np.full(4000, -1), np.arange(4000)
    weights = mel.sung_emotions(first, second, ids, 0.25, seed=0)
    assert (weights.argmax(1) != 0).mean() == pytest.approx(0.25, abs=0.03)
    assert np.array_equal(mel.sung_emotions(first, second, ids, 0.0, 0), np.tile(np.eye(6)[0], (4000, 1)))
    assert np.array_equal(weights[:10], mel.sung_emotions(first[:10], second[:10], ids[:10], 0.25, 0)), "a song's draw is its own"


def bad_files(folder):
    good = np.full((48, 1876), -50, np.float32)
    holes = good.copy()
    holes[3, 3] = np.nan
    arrays = {1: good, 2: good[:, :900], 3: holes, 4: good.astype(np.int16)}
    for song, array in arrays.items():
        path = mel.path_of(folder, song)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, array)
    np.save(mel.path_of(folder, 5), np.array([{"a": 1}], dtype=object), allow_pickle=True)
    whole = mel.path_of(folder, 1).read_bytes()
    mel.path_of(folder, 6).write_bytes(whole[:1000])
    mel.path_of(folder, 7).write_bytes(b"")
    np.save(mel.path_of(folder, 9), np.full_like(good, mel.FLOOR))
    return folder


#: Songs of `bad_files` and the step that drops each; 8 is not there.
FALLS = {
    2: "drop_other_shape", 3: "drop_no_numbers", 4: "drop_integers", 5: "drop_pickled",
    6: "drop_broken", 7: "drop_broken", 8: "drop_missing", 9: "drop_silence",
}  # fmt: skip


@pytest.mark.parametrize(
    ("song", "error", "says"),
    [
        (2, CorruptData, r"shape \(48, 900\) where \(48, 1876\)"),
        (3, CorruptData, "no numbers"),
        (4, CorruptData, "type int16"),
        (5, CorruptData, "is pickled, not a whole .npy of plain numbers"),
        (6, CorruptData, "not a whole .npy"),
        (7, CorruptData, "not a whole .npy"),
        (8, MissingData, "is missing; extract it again from the arena_mel archives"),
        (9, CorruptData, "silent throughout"),
    ],
)
def test_an_unusable_mel_is_named(tmp_path, song, error, says):
    with pytest.raises(error, match=says):
        mel.read(mel.path_of(bad_files(tmp_path), song))


def test_unusable_mels_are_set_aside_and_the_rest_kept(tmp_path):
    mels, dropped = mel.read_many(bad_files(tmp_path), list(range(1, 10)))
    assert mels.shape == (1, 48, 1876) and mels.dtype == np.float32
    assert {song: why.split(":")[0] for song, why in dropped.items()} == FALLS
    ledger = mel.ledger(dropped, 9)
    assert ledger["step"].tolist() == list(mel.STEPS) and ledger["rows_out"].iloc[-1] == 1
    assert (ledger["rows_in"] - ledger["dropped"] == ledger["rows_out"]).all()
    assert ledger.set_index("step").loc["drop_integers", "examples"] == ["arena_mel/0/4.npy has type int16 where float32 belongs"]
    with pytest.raises(BadInput, match="None of 2 songs has a usable mel"):
        mel.read_many(tmp_path, [2, 3])


def archives(folder, files):
    """Two tars as Kakao Arena gives them from {id: bytes}, with what an attacker might add."""
    folder.mkdir(exist_ok=True)
    for number in range(2):
        with tarfile.open(folder / f"arena_mel_{number}.tar", "w") as tar:
            for song in [s for s in files if s % 2 == number]:
                member = tarfile.TarInfo(f"arena_mel/{song // 1000}/{song}.npy")
                member.size = len(files[song])
                tar.addfile(member, io.BytesIO(files[song]))
            link = tarfile.TarInfo(f"arena_mel/9/{9000 + number}.npy")
            link.type, link.linkname = tarfile.SYMTYPE, "../../../etc/passwd"
            tar.addfile(link)
            tar.addfile(tarfile.TarInfo("../../outside.txt"))
    return folder


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_mels_are_read_straight_from_the_archives(tmp_path):
    bad = {song: mel.path_of(bad_files(tmp_path / "files"), song).read_bytes() for song in (1, 2, 3, 4, 5, 6, 7, 9)}
    turned = np.asfortranarray(np.random.default_rng(0).normal(-50, 9, (48, 1876)))
    folder = archives(tmp_path / "tars", bad | {707_988: npy(turned)})
    mels, dropped = mel.read_many(folder, [707_988, *range(1, 10), 9000])
    assert np.array_equal(mels[0], turned.astype(np.float32)) and (mels[1] == -50).all() and len(mels) == 2
    assert {song: why.split(":")[0] for song, why in dropped.items()} == FALLS | {9000: "drop_missing"}
    assert sorted(p.name for p in tmp_path.rglob("*.txt")) == [] and not (folder / "arena_mel").exists()
    archives(folder, {1: npy(turned)})  # other archives, another index
    assert np.array_equal(mel.read_many(folder, [1])[0][0], turned.astype(np.float32))
    np.save(mel.path_of(bad_files(folder), 1), np.full((48, 1876), -20, np.float32))
    assert (mel.read_many(folder, [1])[0] == -20).all(), "a folder wins over archives"


@pytest.mark.parametrize("damage", ["header", "data", "boundary", "middle", "empty", "text"])
def test_a_damaged_archive_is_named(tmp_path, damage):
    whole = (archives(tmp_path, {s: npy(np.zeros((48, 1876), np.float32)) for s in (2, 4, 6)}) / "arena_mel_0.tar").read_bytes()
    record = 512 + -(-len(npy(np.zeros((48, 1876), np.float32))) // 512) * 512
    (tmp_path / "arena_mel_0.tar").write_bytes(
        {
            "header": whole[: record + 100],
            "data": whole[: 2 * record - 5000],
            "boundary": whole[: 2 * record],
            "middle": whole[:record] + b"?" * 512 + whole[record + 512 :],
            "empty": b"",
            "text": b"no archive" * 100,
        }[damage]
    )
    with pytest.raises(CorruptData, match="arena_mel_0.tar breaks off or is no tar archive; get that archive again"):
        mel.read_many(tmp_path, [2])


def test_neither_folder_nor_archives(tmp_path):
    with pytest.raises(MissingData, match="neither a folder arena_mel nor archives arena_mel_0.tar"):
        mel.read_many(tmp_path, [1])


def test_many_mels_are_mapped_from_a_file(tmp_path, monkeypatch):
    folder = bad_files(tmp_path)
    plain = mel.read_many(folder, [1, 2, 1])[0]
    monkeypatch.setattr(mel, "IN_MEMORY", 0)
    mapped = mel.read_many(folder, [1, 2, 1])[0]
    assert isinstance(mapped, np.memmap) and not isinstance(plain, np.memmap) and np.array_equal(plain, mapped)


def test_arena_path():
    from pathlib import Path

    assert mel.path_of(Path("x"), 707_988).as_posix() == "x/arena_mel/707/707988.npy"


def test_cnn_learns_to_hear_loudness(tmp_path):
    rng = np.random.default_rng(0)
    ids = np.arange(48) % 2 * 4
    mels = (rng.normal(-70, 3, (48, 48, 1876)) + 8 * ids[:, None, None]).astype(np.float32)
    targets = np.eye(6)[ids]
    mel_models.train_cnn(mels[:32], targets[:32], mels[32:], targets[32:], epochs=6, seed=0, folder=tmp_path)
    probabilities = mel_models.predict_cnn(mel_models.load_cnn(tmp_path), mels[32:])
    assert np.allclose(probabilities.sum(1), 1, atol=1e-5)
    assert (probabilities.argmax(1) == ids[32:]).mean() > 0.8


def test_nt_xent_prefers_views_that_belong_together():
    import torch

    views = torch.eye(8)
    assert mel_models.nt_xent(views, views) < mel_models.nt_xent(views, views.roll(1, 0))
    n = 4
    same = torch.ones(n, 3)
    assert mel_models.nt_xent(same, same).item() == pytest.approx(np.log(2 * n - 1), rel=1e-5), "collapsed vectors: chance among 2n - 1"


def test_heads_never_answer_an_emotion_they_have_not_seen():
    rng = np.random.default_rng(0)
    labels = np.array([0, 3] * 10)
    x = rng.normal(size=(20, 4)) + labels[:, None]
    for kind in ("linear", "dense"):
        probabilities = mel_models.head_probabilities(mel_models.head(kind, x, labels, 0), x)
        assert probabilities[:, [1, 2, 4, 5]].max() == 0 and np.allclose(probabilities.sum(1), 1)
    alone = mel_models.head_probabilities(mel_models.head("dense", x, np.full(20, 2), 0), x)
    assert np.array_equal(alone, np.tile(np.eye(emotions.N)[2], (20, 1)))


def test_composed_sound_is_playable(tmp_path):
    midi, cues = composer.compose(np.eye(6)[2], 0)
    soundfile.write(tmp_path / "a.wav", composer.render(midi, cues, 0), mel.SAMPLE_RATE)
    sound, rate = soundfile.read(tmp_path / "a.wav")
    assert rate == 16_000 and len(sound) == 480_000
