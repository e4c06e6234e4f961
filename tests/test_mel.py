import io
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wyf_utils.core import emotions
from wyf_utils.core.errors import BadInput, CorruptData, MissingData
from wyf_utils.sound import (
    audio_files,
    composed,
    composer,
    dataset,
    heads,
    mel,
    mel_files,
    musicnn,
    network_training,
    networks,
    simclr,
)


@pytest.fixture(scope="module")
def pieces():
    """Three composed pieces of every emotion, as mels (18, 48, 1876), with their emotions."""
    made, ids = [], np.repeat(range(6), 3)
    for seed, emotion in enumerate(ids):
        midi, cues = composer.compose(np.eye(6)[emotion], seed)
        made.append(mel.from_waveform(composer.render(midi, cues, seed)))
    return np.stack(made), ids


def test_thirty_seconds_make_the_arena_form(pieces):
    mels, _ = pieces
    assert mels.shape[1:] == (48, 1876) and mels.dtype == np.float32
    assert mels.min() >= mel.FLOOR - 1e-3 and np.isfinite(mels).all()
    assert mel.from_waveform(np.zeros(480_000)).max() == pytest.approx(mel.FLOOR), (
        "silence is the floor"
    )


def test_a_tone_lands_in_its_band():
    time = np.arange(480_000) / mel.SAMPLE_RATE
    spectrum = mel.from_waveform(0.1 * np.sin(2 * np.pi * 1000 * time)).mean(1)
    assert abs(mel.band_centres()[spectrum.argmax()] - 1000) < 80


def test_ten_times_the_amplitude_is_twenty_decibels():
    sound = np.random.default_rng(0).normal(0, 0.01, 480_000)
    assert np.allclose(mel.from_waveform(10 * sound) - mel.from_waveform(sound), 20, atol=0.1)


def test_composer_is_seeded_and_no_two_songs_are_alike():
    weights = np.eye(6)[0]
    one, same, other = (composer.render(*composer.compose(weights, s), s) for s in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert one.shape == (480_000,) and one.dtype == np.float32 and np.abs(one).max() <= 1


def test_songs_of_other_seeds_are_other_songs():
    vector = np.eye(6)[0]
    notes = [
        [(n.start, n.pitch) for n in composer.compose(vector, seed)[0].instruments[0].notes]
        for seed in ([0, 6], [1, 5], [0, 6])
    ]
    assert notes[0] == notes[2] != notes[1], "seed + id would be 6 for both"
    one, other = (composed.composed_waveform(song, vector, seed) for seed, song in ((0, 6), (1, 5)))
    assert not np.array_equal(one, other)
    streams = [
        composer._generator([seed, song], stream).integers(2**63)
        for seed in range(8)
        for song in (0, 1, 2, 6, 7, 707_987, 707_988)
        for stream in (composer._PIECE, composer._SOUND, *map(ord, "ivcb"))
    ]
    assert len(set(streams)) == len(streams)


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
    features = mel.mel_statistics(mels)
    loud = mels.mean((1, 2))
    assert loud[ids == 4].min() > loud[ids == 3].max(), "anger is louder than sadness"
    first, rest = np.arange(len(ids)) % 3 == 0, np.arange(len(ids)) % 3 != 0
    answers = (
        heads.fit_head("linear", features[rest], ids[rest], 0)
        .probabilities(features[first])
        .argmax(1)
    )
    assert (answers == ids[first]).mean() >= 0.5, "six unheard pieces: chance is one"


def test_sung_emotions_contradict_the_stated_share():
    first, second, ids = np.zeros(4000, int), np.full(4000, -1), np.arange(4000)
    weights = composed.composition_targets(first, second, ids, 0.25, seed=0)
    assert (weights.argmax(1) != 0).mean() == pytest.approx(0.25, abs=0.03)
    assert np.array_equal(
        composed.composition_targets(first, second, ids, 0.0, 0), np.tile(np.eye(6)[0], (4000, 1))
    )
    assert np.array_equal(
        weights[:10], composed.composition_targets(first[:10], second[:10], ids[:10], 0.25, 0)
    ), "a song's draw is its own"


def bad_files(folder):
    good = np.full((48, 1876), -50, np.float32)
    holes = good.copy()
    holes[3, 3] = np.nan
    arrays = {1: good, 2: good[:, :900], 3: holes, 4: good.astype(np.int16)}
    for song, array in arrays.items():
        path = mel_files.path_of(folder, song)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, array)
    np.save(mel_files.path_of(folder, 5), np.array([{"a": 1}], dtype=object), allow_pickle=True)
    whole = mel_files.path_of(folder, 1).read_bytes()
    mel_files.path_of(folder, 6).write_bytes(whole[:1000])
    mel_files.path_of(folder, 7).write_bytes(b"")
    np.save(mel_files.path_of(folder, 9), np.full_like(good, mel.FLOOR))
    return folder


#: Songs of `bad_files` and the step that drops each; 8 is not there.
FALLS = {
    2: "drop_other_shape", 3: "drop_no_numbers", 4: "drop_integers", 5: "drop_pickled",
    6: "drop_broken", 7: "drop_broken", 8: "drop_missing", 9: "drop_silence",
}  # fmt: skip


@pytest.mark.parametrize(
    ("song", "says"),
    [
        (2, r"shape \(48, 900\) where \(48, 1876\)"),
        (3, "no numbers"),
        (4, "type int16"),
        (5, "is pickled, not a whole .npy of plain numbers"),
        (6, "not a whole .npy"),
        (7, "not a whole .npy"),
        (8, "is missing"),
        (9, "silent throughout"),
    ],
)
def test_an_unusable_mel_is_named(tmp_path, song, says):
    dropped = mel_files.read_mels(bad_files(tmp_path), [1, song])[1]
    assert re.fullmatch(rf"{FALLS[song]}: arena_mel/0/{song}.npy .*{says}.*", dropped[song])


def test_unusable_mels_are_set_aside_and_the_rest_kept(tmp_path):
    mels, dropped, changed = mel_files.read_mels(bad_files(tmp_path), list(range(1, 10)))
    assert mels.shape == (1, 48, 1876) and mels.dtype == np.float32 and changed == []
    assert {song: why.split(":")[0] for song, why in dropped.items()} == FALLS
    ledger = mel_files.ledger(dropped, changed, 9)
    assert ledger["step"].tolist() == list(mel_files.STEPS) and ledger["rows_out"].iloc[-1] == 1
    assert (ledger["rows_in"] - ledger["dropped"] == ledger["rows_out"]).all()
    assert ledger.set_index("step").loc["shift_level", "changed"] == 1
    assert ledger.set_index("step").loc["drop_integers", "examples"] == [
        "arena_mel/0/4.npy has type int16 where float32 belongs"
    ]
    with pytest.raises(BadInput, match="None of 2 songs has a usable mel"):
        mel_files.read_mels(tmp_path, [2, 3])


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
    bad = {
        song: mel_files.path_of(bad_files(tmp_path / "files"), song).read_bytes()
        for song in (1, 2, 3, 4, 5, 6, 7, 9)
    }
    turned = np.asfortranarray(np.random.default_rng(0).normal(-50, 9, (48, 1876)))
    folder = archives(tmp_path / "tars", bad | {707_988: npy(turned)})
    mels, dropped, _ = mel_files.read_mels(folder, [707_988, *range(1, 10), 9000])
    assert (
        np.array_equal(mels[0], turned.astype(np.float32))
        and (mels[1] == -50).all()
        and len(mels) == 2
    )
    assert {song: why.split(":")[0] for song, why in dropped.items()} == FALLS | {
        9000: "drop_missing"
    }
    assert (
        sorted(p.name for p in tmp_path.rglob("*.txt")) == []
        and not (folder / "arena_mel").exists()
    )
    archives(folder, {1: npy(turned)})  # other archives, another index
    assert np.array_equal(mel_files.read_mels(folder, [1])[0][0], turned.astype(np.float32))
    np.save(mel_files.path_of(bad_files(folder), 1), np.full((48, 1876), -20, np.float32))
    assert (mel_files.read_mels(folder, [1])[0] == -20).all(), "a folder wins over archives"


@pytest.mark.parametrize("damage", ["header", "data", "boundary", "middle", "empty", "text"])
def test_a_damaged_archive_is_named(tmp_path, damage):
    whole = (
        archives(tmp_path, {s: npy(np.zeros((48, 1876), np.float32)) for s in (2, 4, 6)})
        / "arena_mel_0.tar"
    ).read_bytes()
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
    with pytest.raises(
        CorruptData, match="arena_mel_0.tar breaks off or is no tar archive; get that archive again"
    ):
        mel_files.read_mels(tmp_path, [2])


def test_neither_folder_nor_archives(tmp_path):
    with pytest.raises(
        MissingData, match="neither a folder arena_mel nor archives arena_mel_0.tar"
    ):
        mel_files.read_mels(tmp_path, [1])


def test_many_mels_are_mapped_from_a_file(tmp_path, monkeypatch):
    folder = bad_files(tmp_path)
    plain = mel_files.read_mels(folder, [1, 2, 1])[0]
    monkeypatch.setattr(mel_files, "IN_MEMORY", 0)
    mapped = mel_files.read_mels(folder, [1, 2, 1])[0]
    assert (
        isinstance(mapped, np.memmap)
        and not isinstance(plain, np.memmap)
        and np.array_equal(plain, mapped)
    )


def test_arena_path():
    assert mel_files.path_of(Path("x"), 707_988).as_posix() == "x/arena_mel/707/707988.npy"


def write_sound(path, rate=16_000, channels=1, seconds=60.0, late=0.1):
    """A tone of 440 Hz, and of 1,760 Hz from second 20 on."""
    time = np.arange(int(rate * seconds)) / rate
    sound = np.where(
        time < 20, 0.1 * np.sin(2 * np.pi * 440 * time), late * np.sin(2 * np.pi * 1760 * time)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.stack([sound] * channels, axis=1), rate)
    return path


@pytest.mark.parametrize(
    ("rate", "channels", "ending"),
    [(16_000, 1, "wav"), (44_100, 2, "flac"), (8_000, 1, "wav"), (22_050, 2, "ogg")],
)
def test_seconds_20_to_50_of_a_sound_file(tmp_path, rate, channels, ending):
    path = write_sound(tmp_path / f"7.{ending}", rate, channels)
    waveform = audio_files.read_waveform(path)
    assert waveform.shape == (480_000,) and waveform.dtype == np.float32
    spectrum = mel.from_waveform(waveform).mean(1)
    assert abs(mel.band_centres()[spectrum.argmax()] - 1760) < 150, (
        "the second part is what is heard"
    )
    steps = {c.split(":")[0] for c in audio_files.conversions(path)}
    assert steps == ({"resample"} if rate != 16_000 else set()) | (
        {"mix_to_mono"} if channels > 1 else set()
    )


def test_short_songs_are_taken_from_their_start_and_padded(tmp_path):
    path = write_sound(tmp_path / "7.wav", seconds=40)
    assert audio_files.conversions(path) == ["take_the_start: 7.wav lasts 40.0 s"]
    assert audio_files.read_waveform(path)[: 19 * 16_000].std() > 0.05
    path = write_sound(tmp_path / "8.wav", seconds=12.5)
    assert audio_files.conversions(path) == [
        "take_the_start: 8.wav lasts 12.5 s",
        "pad: 8.wav lacks 17.5 s",
    ]
    waveform = audio_files.read_waveform(path)
    assert len(waveform) == 480_000 and not waveform[int(12.5 * 16_000) :].any()


def bad_sounds(folder):
    for song, rate, channels in ((1, 16_000, 1), (2, 8_000, 2)):
        write_sound(folder / "audio" / f"{song}.wav", rate, channels)
    write_sound(folder / "audio" / "3.wav", seconds=5)
    (folder / "audio" / "4.wav").write_bytes(b"")
    (folder / "audio" / "5.wav").write_text("이건 노래가 아니다 " * 99, encoding="utf-8")
    soundfile.write(folder / "audio" / "6.wav", np.zeros(0), 16_000)
    soundfile.write(
        folder / "audio" / "7.wav", np.full(800_000, np.nan, np.float32), 16_000, subtype="FLOAT"
    )
    soundfile.write(folder / "audio" / "8.wav", np.zeros(800_000), 16_000)
    return folder


def test_a_folder_of_sound_files_becomes_mels_and_a_ledger(tmp_path):
    mels, dropped, changed = mel_files.read_mels(bad_sounds(tmp_path), list(range(1, 10)))
    assert mels.shape == (3, 48, 1876) and np.isfinite(mels).all()
    expected = {
        4: "drop_no_sound",
        5: "drop_no_sound",
        6: "drop_no_sound",
        7: "drop_no_numbers",
        8: "drop_silence",
        9: "drop_missing",
    }
    assert {song: why.split(":")[0] for song, why in dropped.items()} == expected
    ledger = mel_files.ledger(dropped, changed, 9).set_index("step")
    assert (
        ledger.loc["pad", "examples"] == ["3.wav lacks 25.0 s"]
        and ledger.loc["resample", "changed"] == ledger.loc["mix_to_mono", "changed"] == 1
    )
    assert ledger["rows_out"].iloc[-1] == 3


@pytest.mark.parametrize(
    ("song", "error", "says"),
    [
        (4, CorruptData, "4.wav is no sound that libsndfile reads, nor ffmpeg; convert it"),
        (5, CorruptData, "5.wav is no sound that libsndfile reads"),
        (6, CorruptData, "6.wav is no sound: it holds no samples"),
        (7, CorruptData, "7.wav holds values that are no numbers"),
        (9, MissingData, "9.wav is missing; put the sound file there"),
    ],
)
def test_an_unusable_sound_file_is_named(tmp_path, song, error, says):
    with pytest.raises(error, match=says):
        audio_files.read_waveform(bad_sounds(tmp_path) / "audio" / f"{song}.wav")


def test_our_mel_is_essentia_s():
    essentia = pytest.importorskip(
        "essentia.standard",
        reason="essentia is not installed; `pip install --pre essentia` and run this test again",
    )
    sound = composer.render(*composer.compose(np.eye(6)[0], 0), 0)
    windowing, spectrum = (
        essentia.Windowing(type="hann", normalized=False),
        essentia.Spectrum(size=mel.N_FFT),
    )
    bands = essentia.MelBands(
        numberBands=mel.BANDS, sampleRate=mel.SAMPLE_RATE,
        highFrequencyBound=mel.SAMPLE_RATE / 2, inputSize=mel.N_FFT // 2 + 1,
        weighting="linear", warpingFormula="slaneyMel", normalize="unit_tri", type="power",
    )  # fmt: skip
    frames = essentia.FrameGenerator(
        sound, frameSize=mel.N_FFT, hopSize=mel.HOP, startFromZero=False
    )
    theirs = (
        10 * np.log10(np.maximum([bands(spectrum(windowing(frame))) for frame in frames], 1e-10)).T
    )
    ours = mel.from_waveform(sound)
    count = min(theirs.shape[1], ours.shape[1])
    assert np.corrcoef(theirs[:, :count].ravel(), ours[:, :count].ravel())[0, 1] >= 0.998


def test_a_batch_of_mapped_mels_leaves_memory(tmp_path):
    status = Path("/proc/self/status")
    if not status.is_file():
        pytest.skip("memory is read from /proc, which only Linux has")

    def resident():
        return int(re.search(r"VmRSS:\s+(\d+)", status.read_text())[1]) / 1024  # MB

    mapped = np.memmap(
        tmp_path / "mels", np.float32, "w+", shape=(1500, 48, 1876)
    )  # 540 MB that take no room on the disk
    before, highest = resident(), 0
    for rows in mel.batches(len(mapped)):
        assert mel.batch(mapped, rows).shape == (len(rows), 48, 1876)
        highest = max(highest, resident())
    assert highest - before < 150, "a batch of 64 mels is 23 MB"
    assert mel.fingerprint(mapped[:64]) == mel.fingerprint(np.zeros((64, 48, 1876), np.float32))


def test_batches_hold_the_stretches_that_were_asked_for():
    mels = np.arange(3 * 48 * 1876, dtype=np.float32).reshape(3, 48, 1876)
    rows, starts = np.array([2, 0]), np.array([5, 1000])
    assert np.array_equal(
        mel.batch(mels, rows, starts, 7), np.stack([mels[2, :, 5:12], mels[0, :, 1000:1007]])
    )
    assert [len(rows) for rows in mel.batches(10, 4)] == [4, 4, 2]


def test_noise_has_the_stated_level():
    quiet = np.full((2, 48, 1876), -40, np.float32)
    noisy = mel.add_noise(quiet, 0, np.random.default_rng(0))
    added = 10 ** (noisy / 10) - 10 ** (quiet / 10)
    assert added.mean() == pytest.approx(1e-4, rel=0.02), (
        "at 0 dB the noise has the power of the sound"
    )
    assert np.allclose(mel.add_noise(quiet, 80, np.random.default_rng(0)), quiet, atol=0.01)


def test_interrupted_composing_goes_on(monkeypatch):
    ids, emotion_vectors = np.array([1, 2, 3]), np.eye(6)[:3]
    events = []

    def one(song, emotion_vector, seed, synthesis, folder):
        path = composed.heard_path(folder, song)
        if path.is_file():
            return
        if song == 3 and len(events) == 2:
            events.append("interrupted")
            raise KeyboardInterrupt
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.full(250, song, np.float32))
        events.append(song)

    monkeypatch.setattr(composed, "_compose_one", one)
    monkeypatch.setenv("WYF_THREADS", "1")
    with pytest.raises(KeyboardInterrupt):
        composed.composed_songs(ids, emotion_vectors, 9)
    entry = composed.composed_songs(ids, emotion_vectors, 9)
    assert events == [1, 2, "interrupted", 3] and not entry.reused
    assert composed.composed_songs(ids, emotion_vectors, 9).reused
    heard = composed.heard_songs(entry.path, ids)
    assert heard.tag_odds.shape == (3, 50) and heard.embedding.shape == (3, 200)
    assert heard.embedding[:, 0].tolist() == [1, 2, 3]


def test_a_composed_song_is_heard_as_its_waveform_is(tmp_path):
    composed._compose_one(5, np.eye(6)[0], 0, "pretty_midi", tmp_path)
    waveform = composed.composed_waveform(5, np.eye(6)[0], 0)
    found = composed.heard_songs(tmp_path, [5])
    patches = musicnn.patches(musicnn.log_mel(waveform))[[2, 7]]
    heard = musicnn.hear_patches(patches).embedding.mean(0)
    assert np.allclose(found.embedding[0], heard, atol=1e-4)
    saved = np.load(mel_files.path_of(tmp_path, 5))
    assert np.allclose(saved, mel.from_waveform(waveform), atol=1e-4)


def test_a_section_comes_back_and_tension_swells(monkeypatch):
    sections, starts, write = {}, [], composer._Section.write

    def recording(section, start, progression):
        melody = section.parts["melody"].notes
        before = len(melody)
        write(section, start, progression)
        notes = [(round(n.start - start, 3), n.pitch) for n in melody[before:]]
        notes = [note for note in notes if note[0] > 0.5]  # none sounds before second 0
        sections.setdefault(section.letter, []).append(notes)
        starts.append(start)

    monkeypatch.setattr(composer._Section, "write", recording)
    midi, cues = composer.compose(np.eye(6)[1], 3)
    assert max(map(len, sections.values())) > 1 and all(
        again == first[: len(again)] for first, *rest in sections.values() for again in rest
    )  # the end is cut
    assert sections["c"][0] != sections["v"][0] and cues.crescendo > 5
    chords = midi.instruments[1].notes
    first, last = (
        np.mean([n.velocity for n in chords if lo <= n.start < hi]) for lo, hi in ((0, 0.5), (4, 8))
    )
    assert last > first, "the level rises in each section"
    for seed in range(20):
        starts.clear()
        midi, _ = composer.compose(np.eye(6)[1], seed)
        chords = midi.instruments[1].notes
        openings = {n.velocity for n in chords if min(abs(n.start - s) for s in starts) < 1e-6}
        assert openings == {min(n.velocity for n in chords)}, "each section starts softly"
    calm, even = composer.compose(np.eye(6)[2], 3)
    assert even.crescendo < 3 and len({n.velocity for n in calm.instruments[1].notes}) <= 4


def test_a_synthesis_that_is_not_there():
    piece = composer.compose(np.eye(6)[2], 0)
    with pytest.raises(
        BadInput, match="no synthesis 'organ'; choose one of: pretty_midi, fluidsynth"
    ):
        composer.render(*piece, 0, "organ")
    try:
        import fluidsynth  # noqa: F401, the package needs a library of the system
    except ImportError:
        with pytest.raises(MissingData, match="FluidSynth is not installed; install its library"):
            composer.render(*piece, 0, "fluidsynth")
    else:
        assert composer.render(*piece, 0, "fluidsynth").shape == (480_000,)


def material(n=48, couplets=None):
    """Songs of joy and anger, which are louder; parts in the ratio 4:1:1."""
    rng = np.random.default_rng(0)
    ids = np.arange(n) % 2 * 4
    mels = (rng.normal(-70, 3, (n, 48, 1876)) + 8 * ids[:, None, None]).astype(np.float32)
    parts = np.array(
        [("train", "train", "train", "train", "dev", "test")[i // 2 % 6] for i in range(n)]
    )
    return dataset.MelDataset(mels, parts, couplets), np.eye(6)[ids]


def test_cnn_learns_to_hear_loudness():
    songs, targets = material()
    entry = network_training.trained("cnn", songs, targets, epochs=6, seed=0)
    test = songs.rows("test")
    probabilities = network_training.predict(
        network_training.load("cnn", entry, songs), songs, test
    )
    assert np.allclose(probabilities.sum(1), 1, atol=1e-5)
    assert (probabilities.argmax(1) == targets[test].argmax(1)).mean() > 0.8
    assert set(network_training.training_curve(entry)) == {
        "loss",
        "accuracy",
        "dev_loss",
        "dev_accuracy",
        "dev_macro_f1",
    }
    assert network_training.trained("cnn", songs, targets, epochs=6, seed=0).reused
    assert not network_training.trained("cnn", songs.noisy(0), targets, epochs=1, seed=0).reused, (
        "noise is another entry"
    )
    (entry.path / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(
        CorruptData, match=r"weights in mel_cnn/\w+ are damaged; delete that folder"
    ):
        network_training.load("cnn", entry, songs)


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_every_network_gives_six_logits_and_gradients(name):
    import torch

    couplets = np.random.default_rng(0).normal(size=(48, 5, 8)).astype(np.float32)
    couplets[:, 3:] = 0
    songs, _ = material(couplets=couplets)
    model = networks.network(name, songs)
    logits = network_training._logits(model, songs, np.arange(2), np.zeros(2, int))
    assert logits.shape == (2, 6) and logits.dtype == torch.float32
    logits.square().mean().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_resnet50_is_the_published_one():
    songs, _ = material(6)
    model = networks.network("resnet50", songs)
    config = model.network.config
    assert (
        config.depths == [3, 4, 6, 3]
        and config.layer_type == "bottleneck"
        and config.num_channels == 1
    )
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(23.5e6, rel=0.01)
    with pytest.raises(BadInput, match="no network 'vgg'; choose one of: cnn, resnet50"):
        networks.network("vgg", songs)


def test_what_stands_behind_the_last_couplet_is_not_read():
    import torch

    short = torch.randn(2, 3, 8)
    long = torch.cat([short, torch.zeros(2, 2, 8)], dim=1)
    for reader in (networks.CoupletCNN(8), networks.CoupletRNN(8)):
        assert torch.allclose(reader(short), reader(long), atol=1e-6) and reader(long).shape == (
            2,
            128,
        )
        assert torch.isfinite(reader(torch.zeros(2, 3, 8))).all(), "a lyric without couplets"


def test_views_keep_the_song_apart_from_small_changes():
    import torch

    ramp = torch.linspace(-1, 1, 48)[None, :, None].expand(
        3000, 48, 40
    )  # a band's height is its level
    views = simclr.augment(ramp, torch.Generator().manual_seed(0))
    low, high = views[:, 1].median(1).values, views[:, -2].median(1).values
    assert low.quantile(0.9) < -0.8 and high.quantile(0.1) > 0.8, (
        "a shifted band never wraps around to the other end"
    )
    gain = (
        simclr.augment(torch.zeros(300, 48, 40), torch.Generator().manual_seed(0))
        .flatten(1)
        .median(1)
        .values
    )
    assert gain.abs().max() * 50 < 2.5, "decibels: loudness stays a cue"
    assert not torch.equal(views[0], views[1])


def test_simclr_vectors_and_how_they_lie(tmp_path):
    songs, _ = material(60)
    entry = simclr.trained_simclr(songs, epochs=2, seed=0)
    vectors = simclr.embed(entry, songs)
    assert vectors.shape == (60, 512) and vectors.std(0).max() > 0
    lies = simclr.alignment_and_uniformity(entry, songs, "test", 0)
    assert 0 <= lies["alignment"] <= 4 and lies["uniformity"] <= 0
    assert set(network_training.training_curve(entry)) == {"loss", "chance"}
    (entry.path / "model.safetensors").write_bytes(b"")
    with pytest.raises(CorruptData, match="weights in simclr"):
        simclr.embed(entry, songs)


def test_nt_xent_prefers_views_that_belong_together():
    import torch

    views = torch.eye(8)
    assert simclr.nt_xent(views, views) < simclr.nt_xent(views, views.roll(1, 0))
    n = 4
    same = torch.ones(n, 3)
    assert simclr.nt_xent(same, same).item() == pytest.approx(np.log(2 * n - 1), rel=1e-5), (
        "collapsed vectors: chance among 2n - 1"
    )


@pytest.mark.parametrize("name", heads.HEADS)
def test_heads_learn_and_never_answer_an_emotion_they_have_not_seen(name):
    rng = np.random.default_rng(0)
    labels = np.array([0, 3, 4] * 10 + [5])  # an emotion with one song breaks nothing
    x = rng.normal(size=(31, 4)) + 3 * labels[:, None]
    probabilities = heads.fit_head(name, x, labels, 0).probabilities(x)
    assert probabilities[:, [1, 2]].max() == 0 and np.allclose(probabilities.sum(1), 1)
    assert (probabilities.argmax(1) == labels).mean() > 0.7
    two = heads.fit_head(name, x[:20] + labels[:20, None], labels[:20] // 3 * 3, 0).probabilities(x)
    assert two[:, [1, 2, 4, 5]].max() == 0 and np.allclose(two.sum(1), 1)
    alone = heads.fit_head(name, x, np.full(31, 2), 0).probabilities(x)
    assert np.array_equal(alone, np.tile(np.eye(emotions.N)[2], (31, 1)))


def test_heads_out_of_fold_have_seen_nobody_of_the_group():
    rng = np.random.default_rng(0)
    labels, groups = np.arange(60) % 2 * 4, np.arange(60) // 6
    x = rng.normal(size=(60, 4)) + labels[:, None]
    found = heads.out_of_fold("linear", x, labels, groups, 0)
    assert found.shape == (60, 6) and (found.argmax(1) == labels).mean() > 0.9
    told = np.eye(10)[groups]  # tells the artist, and nothing about the emotion
    noise = rng.permutation(labels)
    assert (heads.out_of_fold("linear", told, noise, groups, 0).argmax(1) == noise).mean() < 0.7


def test_a_head_that_is_not_there():
    with pytest.raises(BadInput, match="no head 'bayes'; choose one of: linear, dense"):
        heads.fit_head("bayes", np.eye(3), np.arange(3), 0)


def test_the_dense_head_s_curve():
    songs, targets = material()
    curve = heads.dense_curve(songs.statistics(), targets.argmax(1), songs, epochs=5, seed=0)
    assert {len(values) for values in curve.values()} == {5} and curve["loss"][-1] < curve["loss"][
        0
    ]


def test_composed_sound_is_playable(tmp_path):
    midi, cues = composer.compose(np.eye(6)[2], 0)
    soundfile.write(tmp_path / "a.wav", composer.render(midi, cues, 0), mel.SAMPLE_RATE)
    sound, rate = soundfile.read(tmp_path / "a.wav")
    assert rate == 16_000 and len(sound) == 480_000
