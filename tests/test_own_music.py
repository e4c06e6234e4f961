import dataclasses
import errno
import os
import struct
import unicodedata
from pathlib import Path

import mutagen
import numpy as np
import pandas as pd
import pytest
import soundfile
from mutagen import apev2, id3
from mutagen.mp4 import MP4
from test_sound_files import encode
from typer.testing import CliRunner

from wyf_utils.app import loading
from wyf_utils.cli import app
from wyf_utils.core import paths
from wyf_utils.core.errors import (
    BadInput,
    CorruptData,
    DiskFull,
    MissingData,
    Unreachable,
    WyfError,
)
from wyf_utils.music import (
    audio_digest,
    database,
    encodings,
    feature_store,
    feedback,
    library,
    library_files,
    lyric_sources,
    tags,
)
from wyf_utils.music.recommender import SongQuery, recommend
from wyf_utils.sound import audio_files, ear, musicnn
from wyf_utils.text import bundled_e5, encoders, reader

LYRIC = "눈물이 멈추지 않아\n이별하고 매일 운다"
RATE = 22_050


def sound(path, pitch=440.0, seconds=1.5, **options):
    """A file with one tone, in the format that its ending names."""
    t = np.arange(int(seconds * RATE)) / RATE
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * pitch * t), RATE, **options)
    return path


def tagged(path, encoding=3, **frames):
    """Sound file with ID3v2 frames."""
    found = mutagen.File(path)
    if found.tags is None:
        found.add_tags()
    for name, text in frames.items():
        found.tags.add(
            id3.USLT(encoding=encoding, lang="kor", desc="", text=text)
            if name == "USLT"
            else getattr(id3, name)(encoding=encoding, text=text)
        )
    found.save()
    return path


def commented(path, **comments):
    found = mutagen.File(path)
    found.update({name: [text] for name, text in comments.items()})
    found.save()
    return path


def id3v1(path, title, artist, album="", year="1999"):
    fields = [text.encode("cp949")[:30].ljust(30, b"\0") for text in (title, artist, album)]
    with path.open("ab") as file:
        file.write(b"TAG" + b"".join(fields) + year.encode() + bytes(30) + b"\xff")
    return path


def m4a(path, **atoms):
    """An MP4 file without sound that can be decoded: just what a tag needs."""

    def atom(kind, *parts):
        data = b"".join(parts)
        return struct.pack(">I4s", 8 + len(data), kind) + data

    handler = atom(b"hdlr", bytes(8), b"soun", bytes(13))
    header = atom(b"mdhd", bytes(12), struct.pack(">II", 1000, 180_000), bytes(4))
    path.write_bytes(
        atom(b"ftyp", b"M4A \0\0\0\0M4A mp42isom")
        + atom(b"moov", atom(b"trak", atom(b"mdia", header, handler)))
        + atom(b"mdat", path.name.encode().ljust(64))
    )
    found = MP4(path)
    found.add_tags()
    found.tags.update({f"©{name}": [text] for name, text in atoms.items()})
    found.save()
    return path


# Tags


@pytest.mark.parametrize("ending", ["mp3", "wav", "aiff"])
@pytest.mark.parametrize("encoding", [1, 3], ids=["utf-16", "utf-8"])
def test_id3v2(tmp_path, ending, encoding):
    path = sound(tmp_path / f"a.{ending}")
    tagged(
        path,
        encoding,
        TIT2="밤편지",
        TPE1="아이유",
        TALB="팔레트",
        TCON="발라드",
        TDRC="2017-03-24",
        USLT=f"[00:01.00]{LYRIC}",
    )
    assert tags.read(path) == tags.Tags("밤편지", "아이유", "팔레트", "발라드", 2017, 2, LYRIC)


@pytest.mark.parametrize("ending", ["flac", "ogg"])
@pytest.mark.parametrize("field", ["LYRICS", "UNSYNCEDLYRICS"])
def test_vorbis_comments(tmp_path, ending, field):
    path = commented(
        sound(tmp_path / f"a.{ending}"),
        TITLE="밤편지",
        ARTIST="아이유",
        ALBUM="팔레트",
        GENRE="발라드",
        DATE="20170324",
        **{field: LYRIC},
    )
    assert tags.read(path) == tags.Tags("밤편지", "아이유", "팔레트", "발라드", 2017, 2, LYRIC)


def test_mp4_atoms(tmp_path):
    path = m4a(
        tmp_path / "a.m4a",
        nam="밤편지",
        ART="아이유",
        alb="팔레트",
        gen="발라드",
        day="2017",
        lyr=LYRIC,
    )
    assert tags.read(path) == tags.Tags("밤편지", "아이유", "팔레트", "발라드", 2017, 180, LYRIC)


def test_cp949_in_id3v1_even_cut_within_a_character_and_in_id3v2_that_says_latin_1(tmp_path):
    old = tags.read(
        id3v1(sound(tmp_path / "a.mp3"), "비처럼 음악처럼 비처럼 음악처럼", "김현식", "비처럼")
    )
    assert (old.title, old.artist, old.album, old.year) == (
        "비처럼 음악처럼 비처럼 음악처",
        "김현식",
        "비처럼",
        1999,
    )
    path = tagged(
        sound(tmp_path / "b.mp3"),
        0,
        TIT2="뷁의 밤".encode("cp949").decode("latin-1"),
        USLT=LYRIC.encode("cp949").decode("latin-1"),
    )
    assert tags.read(path).title == "뷁의 밤" and tags.read(path).lyric == LYRIC
    both = tags.read(
        id3v1(tagged(sound(tmp_path / "c.mp3"), 1, TIT2="새 제목"), "옛 제목", "옛 가수")
    )
    assert (both.title, both.artist) == ("새 제목", "옛 가수")


@pytest.mark.parametrize(
    "name",
    [
        "Beyoncé",
        "Åsa",
        "Björk",
        "Motörhead",
        "Sigur Rós",
        "Café del Mar",
        "naïve",
        "Queen",
        "",
        "“”",
        "CORAÇÃO",
        "MAÇÃ",
        "AÇÕES DO CORAÇÃO",
        "Çünkü",
        "GÖÇÜ",
        "«Été»",
        "ÇA VA À LA MAISON DE L'ÉTÉ É",
    ],
)
def test_latin_names_stay(name):
    assert encodings.as_korean(name) == name
    if not name.isascii() and name != "“”":  # nor is its UTF-8 taken for cp949
        assert encodings.as_korean(name.encode().decode("latin-1")) == name


@pytest.mark.parametrize(
    "name",
    [
        "부활",
        "겨울비",
        "키",
        "쿨",
        "MC몽",
        "TV는 사랑을 싣고",
        "Spring Day (봄날)",
        "사랑(愛)",
        "뷁의 밤",
    ],
)
def test_korean_names_read_as_latin_1_are_repaired(tmp_path, name):
    cp949, utf8 = (name.encode(encoding).decode("latin-1") for encoding in ("cp949", "utf-8"))
    assert encodings.as_korean(cp949) == encodings.as_korean(utf8) == name
    for encoding, title in ((0, utf8), (0, cp949), (1, cp949), (3, cp949), (3, utf8)):
        path = tagged(sound(tmp_path / "a.mp3"), encoding, TIT2=title)
        assert tags.read(path).title == name
    assert tags.read(commented(sound(tmp_path / "a.flac"), title=cp949)).title == name
    assert tags.read(m4a(tmp_path / "a.m4a", nam=cp949)).title == name


def test_bytes_of_utf_8_read_as_cp1252_or_cut_at_30_bytes():
    assert encodings.as_korean("ì‚¬ëž‘") == "사랑"
    title = "비처럼 음악처럼 비처럼"
    for encoding in ("utf-8", "cp949"):
        cut = (title + " 음악처럼").encode(encoding)[:30]
        assert encodings.as_korean(cut.decode("latin-1")) == cut.decode(encoding, errors="ignore")
    half = title.encode("cp949")[:-1].decode("latin-1")
    assert encodings.as_korean(half) == half, "no letter is dropped elsewhere"


@pytest.mark.parametrize("languages", [("kor", "eng"), ("eng", "kor"), ("eng", "XXX")])
def test_the_korean_lyric_of_several(tmp_path, languages):
    texts = {"eng": "tears will not stop, and every day I cry again"}
    path = tagged(sound(tmp_path / "a.mp3"))
    found = mutagen.File(path)
    for language in languages:
        text = texts.get(language, LYRIC)
        found.tags.add(id3.USLT(encoding=3, lang=language, desc="", text=text))
    found.save()
    assert tags.read(path).lyric == LYRIC
    path = sound(tmp_path / "a.flac")
    found = mutagen.File(path)
    found["LYRICS"] = [texts.get(language, LYRIC) for language in languages]
    found["UNSYNCEDLYRICS"] = "[00:01.00]"
    found.save()
    assert tags.read(path).lyric == LYRIC
    found["LYRICS"] = ["", "tears", "가" * 100_001]
    found.save()
    assert tags.read(path).lyric == "tears"


@pytest.mark.parametrize(
    ("stem", "names"),
    [
        ("아이유 - 밤편지", ("아이유", "밤편지")),
        ("01. 아이유 - 밤편지", ("아이유", "밤편지")),
        ("03 - 밤편지", ("", "밤편지")),
        ("아이유_-_밤편지", ("아이유", "밤편지")),
        ("가 - 나 - 다", ("가", "나 - 다")),
        ("밤편지", ("", "밤편지")),
        ("24-7", ("", "24-7")),
        ("7 rings", ("", "7 rings")),
        (" - 밤편지", ("", "- 밤편지")),
        (unicodedata.normalize("NFD", "아이유 - 밤편지"), ("아이유", "밤편지")),
    ],
)
def test_names_from_the_file_name(stem, names):
    assert tags.parse_file_name(stem) == names


def test_a_blank_title_comes_from_the_file_name_and_a_tagged_artist_stays():
    assert tags.fill_from_file_name(tags.Tags(artist="아이유"), "IU - 밤편지") == tags.Tags(
        "밤편지", "아이유"
    )
    assert tags.fill_from_file_name(tags.Tags("밤편지"), "IU - x") == tags.Tags("밤편지")


def test_texts_that_are_no_lyric(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xff\x00\x81")
    with pytest.raises(
        CorruptData, match="a.txt is not Korean text in UTF-8 or cp949; save it as UTF-8"
    ):
        lyric_sources.read_text(tmp_path / "a.txt")
    (tmp_path / "a.txt").write_text("가" * lyric_sources.LONGEST)
    with pytest.raises(CorruptData, match="too long for a lyric"):
        lyric_sources.read_text(tmp_path / "a.txt")
    with pytest.raises(CorruptData, match=r"none.txt cannot be read \(FileNotFoundError\)"):
        lyric_sources.read_text(tmp_path / "none.txt")


# The folder


def test_only_the_folder_is_read(tmp_path):
    folder, outside = tmp_path / "music", tmp_path / "outside"
    for path in ("b.MP3", "a/한.flac", "a/.hidden.mp3", ".trash/x.mp3", "cover.jpg", "._b.mp3"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    outside.mkdir()
    for name in ("x.mp3", "b.txt", "한.txt"):
        (outside / name).touch()
    (folder / "link.mp3").symlink_to(outside / "x.mp3")
    (folder / "linked").symlink_to(outside)
    (folder / "b.txt").symlink_to(outside / "b.txt")
    (folder / "loop").symlink_to(folder)
    (folder / "a" / unicodedata.normalize("NFD", "한.LRC")).touch()
    os.mkfifo(folder / "pipe.mp3")
    files, unread = library_files.find_files(folder)
    assert not unread and [(file.name, file.text and file.text.suffix) for file in files] == [
        ("b.MP3", None),
        ("a/한.flac", ".LRC"),
    ]


def test_no_folder_and_no_music(tmp_path):
    with pytest.raises(
        MissingData, match="There is no folder .*nowhere; name the one that holds your music"
    ):
        library_files.find_files(tmp_path / "nowhere")
    (tmp_path / "note.txt").touch()
    with pytest.raises(
        MissingData, match=r"holds no music \(.mp3, .flac.*\); name a folder that does"
    ):
        library_files.find_files(tmp_path)


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.mp3").touch()
    closed, scandir = {"b"}, os.scandir

    def guarded(path):
        if Path(path).name in closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    files, unread = library_files.find_files(tmp_path)
    assert [file.name for file in files] == ["a/x.mp3"]
    assert unread == ["b cannot be opened (Permission denied); check its rights"]
    closed.add("a")
    with pytest.raises(
        MissingData, match=r"holds no music .*, and a cannot be opened \(Permission"
    ):
        library_files.find_files(tmp_path)


def test_a_name_that_is_not_utf_8_or_holds_escapes_can_be_printed(tmp_path):
    (tmp_path / os.fsdecode("밤.mp3".encode("cp949"))).touch()
    (tmp_path / "a\x1b[31m.mp3").touch()
    names = [file.name for file in library_files.find_files(tmp_path)[0]]
    assert (
        names[0] == "a[31m.mp3"
        and names[1].endswith(".mp3")
        and "�" in names[1]
        and "\n".join(names).encode()
    )


# The database


@pytest.fixture(scope="module")
def encoder():
    return encoders.load(bundled_e5.BUNDLED, [])


@pytest.fixture
def build(made, encoder, tmp_path, monkeypatch):
    """`library.build` with runs and a memory of its own."""
    monkeypatch.setattr(
        library, "run_folder", lambda run: (made if run == "made" else tmp_path / "runs") / run
    )
    monkeypatch.setattr(library.encoders, "load", lambda *_: encoder)
    memory = feature_store.FeatureStore
    monkeypatch.setattr(library, "FeatureStore", lambda path: memory(tmp_path / path.name))

    def call(folder, **options):
        path, account = library.build(folder, "made", **options)
        return database.read(path), account

    call.path = tmp_path / "runs" / paths.OWN_MUSIC / database.NAME
    return call


@pytest.fixture
def heard(monkeypatch):
    """Names of the files that are opened to be heard."""
    names, examine = [], library_files._examine
    monkeypatch.setattr(
        library_files,
        "_examine",
        lambda path, hears: (names.append(path.name), examine(path, hears))[1],
    )
    return names


def state_of(folder):
    return {
        path.relative_to(folder): (path.lstat().st_mtime_ns, path.is_file() and path.read_bytes())
        for path in folder.rglob("*")
    }


@pytest.fixture
def mixed(tmp_path):
    """A folder as people have them, faults included."""
    folder = tmp_path / "music"
    tagged(
        sound(folder / "발라드" / "a.mp3"), 1, TIT2="밤편지", TPE1="아이유", TDRC="2017", USLT=LYRIC
    )
    commented(sound(folder / "b.flac", 300), title="소리만", artist="악단")
    sound(folder / "가수 - 곁.ogg", 500)
    (folder / "가수 - 곁.lrc").write_text(f"[00:01.00]{LYRIC}\n세 번째 줄", encoding="utf-8")
    m4a(folder / "d.m4a", nam="가사만", lyr="오늘 정말 신난다\n최고로 행복한 하루")
    m4a(folder / "e.m4a", nam="아무것도 없음")
    tagged(
        sound(folder / "f.mp3", 600),
        3,
        TIT2="Yesterday",
        TPE1="The Beatles",
        USLT="all my troubles seemed so far away",
    )
    sound(folder / "g.wav", 700).rename(folder / "g.mp3")
    (folder / "text.mp3").write_text("소리가 아닌 글입니다 " * 200, encoding="utf-8")
    (folder / "text.txt").write_text(LYRIC, encoding="utf-8")
    (folder / "empty.flac").touch()
    (folder / "cut.flac").write_bytes((folder / "b.flac").read_bytes()[:200])
    soundfile.write(folder / "silent.wav", np.zeros(RATE), RATE)
    (folder / "copy.mp3").write_bytes((folder / "발라드" / "a.mp3").read_bytes())
    return folder


def test_a_mixed_folder(build, mixed):
    before = state_of(mixed)
    music, account = build(mixed)
    assert state_of(mixed) == before, "nothing is written into the folder"
    songs = music.songs.set_index("title")
    assert set(songs.index) == {"밤편지", "소리만", "곁", "가사만", "Yesterday", "g"}
    assert (
        songs.loc["밤편지", ["artist", "year", "text"]].tolist() == ["아이유", 2017, LYRIC]
        and songs.loc["곁", "artist"] == "가수"
    )
    assert songs.loc["곁", "text"] == LYRIC + "\n세 번째 줄" and songs.loc["밤편지", "path"] == str(
        mixed / "copy.mp3"
    )
    basis = pd.DataFrame(
        {"lyric": music.has_lyric, "sound": music.has_sound}, index=music.songs["title"]
    )
    assert basis.index[basis["lyric"] & basis["sound"]].tolist() == [
        t for t in music.songs["title"] if t in ("밤편지", "곁")
    ]
    assert set(basis.index[~basis["lyric"]]) == {"소리만", "Yesterday", "g"} and basis.index[
        ~basis["sound"]
    ].tolist() == ["가사만"]
    assert account.index.tolist() == list(library.STATES)
    assert account["files"].drop("contradicting").to_dict() == {
        "found": 12,
        "songs": 6,
        "copies": 1,
        "unreadable": 5,
        "without lyrics": 3,
        "without sound": 1,
        "misnamed": 1,
    }
    which = account["which"]
    assert which["copies"] == ["발라드/a.mp3 is copy.mp3"] and which["misnamed"] == [
        "g.mp3 holds WAV"
    ]
    assert (
        "f.mp3: its lyric is not Korean" in which["without lyrics"]
        and "b.flac" in which["without lyrics"]
    )
    assert which["without sound"][0].startswith("d.m4a ")
    assert "empty.flac is empty; get it again" in which["unreadable"]
    assert sorted(name.split()[0] for name in which["unreadable"]) == [
        "cut.flac",
        "e.m4a",
        "empty.flac",
        "silent.wav",
        "text.mp3",
    ]


def test_only_what_is_new_or_changed_is_read_again(build, mixed, heard, monkeypatch):
    build(mixed)
    first = build.path.read_bytes()
    assert len(heard) == 11, "a copy is heard once"
    heard.clear()
    digested, digest = [], feature_store.hashlib.file_digest
    monkeypatch.setattr(
        feature_store.hashlib,
        "file_digest",
        lambda file, kind: (digested.append(Path(file.name).name), digest(file, kind))[1],
    )
    with monkeypatch.context() as patch:
        patch.setattr(reader, "load", None)  # no lyric is read either
        build(mixed)
    models = {"model.safetensors", *(path.name for path in musicnn.checkpoint_files())}
    assert heard == [] and set(digested) <= models and build.path.read_bytes() == first
    (mixed / "b.flac").rename(mixed / "moved.flac")
    os.utime(mixed / "g.mp3")
    tagged(mixed / "f.mp3", 3, USLT=LYRIC)
    (mixed / "가수 - 곁.lrc").write_text("오늘은 기뻐서 소리 질렀어", encoding="utf-8")
    (mixed / "d.m4a").unlink()
    music, account = build(mixed)
    assert heard == ["f.mp3"] and sorted({*digested} - models) == [
        "f.mp3",
        "g.mp3",
        "moved.flac",
        "가수 - 곁.lrc",
    ]
    texts = music.songs.set_index("title")["text"]
    assert (
        texts["Yesterday"] == LYRIC
        and texts["곁"] == "오늘은 기뻐서 소리 질렀어"
        and "가사만" not in texts
    )
    assert account["files"]["songs"] == 5 and "moved.flac" in account["which"]["without lyrics"]


def test_an_interrupted_build_goes_on(build, mixed, heard, monkeypatch):
    monkeypatch.setattr(library_files, "BATCH", 2)
    files = [file.path for file in library_files.find_files(mixed)[0]]
    digest = feature_store.FeatureStore.digest

    def interrupted(memory, path):
        if path == files[7]:
            raise KeyboardInterrupt
        return digest(memory, path)

    with monkeypatch.context() as patch:
        patch.setattr(feature_store.FeatureStore, "digest", interrupted)
        with pytest.raises(KeyboardInterrupt):
            build(mixed)
    assert not build.path.exists() and heard == [path.name for path in files[:6]]
    music, _ = build(mixed)
    assert len(music) == 6 and sorted(heard) == sorted({path.name for path in files} - {"a.mp3"}), (
        "each once"
    )


def test_a_full_disk_or_a_damaged_memory_leaves_the_old_database(
    build, mixed, tmp_path, monkeypatch
):
    build(mixed)
    before = build.path.read_bytes()
    (mixed / "b.flac").unlink()

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(database, "_write", full)
        with pytest.raises(DiskFull, match="make room on the disk and try again"):
            build(mixed)
    limit = build.path.parent.parent / "full.sqlite"
    with feature_store.FeatureStore(limit) as memory:
        memory._connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(DiskFull, match="full.sqlite cannot grow; make room on the disk"):
            memory.keep("kind", {"key": "x" * 100_000})
    (tmp_path / "memory.sqlite").write_bytes(b"no database " * 500)
    with pytest.raises(
        CorruptData,
        match=r"memory.sqlite cannot be used \(file is not a database\); delete it and build",
    ):
        build(mixed)
    assert build.path.read_bytes() == before
    (tmp_path / "memory.sqlite").unlink()
    assert len(build(mixed)[0]) == 5


def test_nothing_usable_is_one_error(build, tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    (folder / "text.mp3").write_text("글")
    with pytest.raises(
        BadInput,
        match="None of 1 files can be read as music, the first: text.mp3 is no sound .*; name a",
    ):
        build(folder)
    m4a(folder / "a.m4a", nam="노래")
    with pytest.raises(
        BadInput,
        match="None of 2 files can be scored, the first: text.mp3 .*; add lyrics, or files that",
    ):
        build(folder)
    assert not build.path.exists()


def test_a_text_that_cannot_be_read_is_said_and_the_sound_counts(build, tmp_path):
    sound(tmp_path / "music" / "a.wav")
    (tmp_path / "music" / "a.txt").write_bytes(b"\xff\x00\x81")
    music, account = build(tmp_path / "music")
    assert music.basis.tolist() == ["sound"]
    assert account["which"]["without lyrics"] == [
        "a.wav: a.txt is not Korean text in UTF-8 or cp949; save it as UTF-8."
    ]


def test_whatever_a_file_does_to_its_decoder_the_rest_is_built(build, tmp_path, monkeypatch):
    folder = tmp_path / "music"
    sound(folder / "good.wav")
    sound(folder / "odd.wav", 300)
    sound(folder / "cp949.wav", 500).rename(folder / os.fsdecode("밤.wav".encode("cp949")))
    read_sound = audio_files.read_excerpt

    def failing(path):
        if path.name == "odd.wav":
            raise ZeroDivisionError
        return read_sound(path)

    monkeypatch.setattr(audio_files, "read_excerpt", failing)
    music, account = build(folder)
    assert music.songs["title"].tolist() == ["good"]
    odd_name, odd = account["which"]["unreadable"]
    assert odd.startswith(
        "odd.wav cannot be heard (ZeroDivisionError); convert it; it has no lyric"
    )
    assert odd_name.endswith(".wav cannot be opened; check its rights, and that its name is UTF-8")


def test_a_run_without_a_lyric_reader(build, made, mixed, tmp_path, monkeypatch):
    with pytest.raises(
        MissingData,
        match="The run 'never' has built no music database yet; run `make run RUN=never`",
    ):
        library.build(mixed, "never")
    with pytest.raises(BadInput, match="The run 'music' is the one that is built here"):
        library.build(mixed, paths.OWN_MUSIC)
    kept = database.read(made / "made" / database.NAME)
    for lacking, says in (
        ({}, "names no lyric reader; choose another by --run"),
        ({"model": "x", "lyric_model": "z"}, "is gone from the cache"),
    ):
        database.build(
            tmp_path / "runs" / "other" / database.NAME,
            dataclasses.replace(kept, provenance={"run": "other", **lacking}),
        )
        with pytest.raises(MissingData, match=says):
            library.build(mixed, "other")


def test_a_run_needs_no_model_of_sound(build, made, mixed, tmp_path):
    """The quick first answer has none."""
    kept = database.read(made / "made" / database.NAME)
    origin = {name: kept.provenance[name] for name in ("model", "lyric_model")}
    quick = dataclasses.replace(kept, provenance={"run": "quick", **origin})
    database.build(tmp_path / "runs" / "quick" / database.NAME, quick)
    path, account = library.build(mixed, "quick")
    assert account.loc["songs", "files"] == 6
    assert database.read(path).provenance["sound_weight"] == "0.33"


def test_without_the_wheel_songs_are_scored_by_lyrics_alone(build, mixed, heard, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda _: None)
        music, account = build(mixed)
        (says,) = account.loc["no ear", "which"]
        assert "run `pip install --force-reinstall --no-deps musicnn==0.1.0`; songs are" in says
        assert set(music.basis) == {"lyric"} and set(music.songs["title"]) >= {"밤편지", "곁"}
        assert "발라드/a.mp3 is copy.mp3" in account.loc["copies", "which"]
        (mixed / "가수 - 곁.lrc").rename(mixed / "g.lrc")  # beside a sound without tags
        assert "g" in set(build(mixed)[0].songs["title"])
        lonely = mixed / "b"
        sound(lonely / "a.wav")
        with pytest.raises(BadInput, match=r"None of 1 files can be scored.*--no-deps musicnn=="):
            build(lonely)
    heard.clear()
    music, account = build(mixed)
    assert "no ear" not in account.index and len(heard) > 5, "it hears once it can"
    assert music.has_sound.sum() > 3


def test_other_kinds_of_sound_are_songs_and_what_is_none_is_named(build, tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    retagged(encode(folder / "a.m4a", "aac"), "노래")
    encode(folder / "b.wma", "wmav2")
    encode(folder / "c.aac", "aac").rename(folder / "c.mp3")
    encode(tmp_path / "v.mp4", "aac", video=True).rename(folder / "video.mp3")
    (folder / "list.m4a").write_text("#EXTM3U\nhttp://localhost/a.mp3\n")
    protected = encode(folder / "drm.m4a", "aac", seconds=3)
    protected.write_bytes(protected.read_bytes().replace(b"mp4a", b"drms", 1))
    music, account = build(folder)
    assert set(music.songs["title"]) == {"노래", "b", "c"} and set(music.basis) == {"sound"}
    which = account["which"]
    assert which["misnamed"] == ["c.mp3 holds AAC"]
    assert sorted(line.partition(";")[0] for line in which["unreadable"]) == [
        "drm.m4a is protected (DRM) and cannot be heard",
        "list.m4a is a playlist and holds no sound",
        "video.mp3 is a video",
    ]


def test_another_head_hears_anew(build, mixed, heard, monkeypatch):
    before, _ = build(mixed)
    heard.clear()
    head = ear.load_head()
    monkeypatch.setattr(ear, "load_head", lambda: dataclasses.replace(head, temperature=2.0))
    after, _ = build(mixed)
    assert len(heard) == 11 and before.provenance["ear"] != after.provenance["ear"]
    assert np.nanmax(before.mel) > np.nanmax(after.mel)


def test_words_and_sound_that_contradict_each_other_are_named():
    sad, gay = np.full(6, 0.08), np.full(6, 0.08)
    sad[3], gay[0] = 0.6, 0.6
    unsure, none = np.full(6, 1 / 6), np.full(6, np.nan)
    names = pd.Series(list("abcd"))
    found = library.contradictions(
        names, np.array([sad, sad, sad, none]), np.array([gay, sad, unsure, gay])
    )
    assert found == ["a: its words sadness, its sound joy"]


def test_a_file_that_breaks_a_parser_costs_itself_only(build, tmp_path, monkeypatch):
    folder = tmp_path / "music"
    sound(folder / "good.wav")
    for pitch, name in ((300, "tags"), (500, "text")):
        sound(folder / f"{name}.wav", pitch)
        (folder / f"{name}.txt").write_text(f"{LYRIC} {name}", encoding="utf-8")
    (folder / "binary.ape").write_bytes(b"no sound " * 500)
    frames = apev2.APEv2()
    frames["Title"], frames["Lyrics"] = "밤편지", apev2.APEValue(b"\x00\xff", apev2.BINARY)
    frames.save(folder / "binary.ape")
    assert tags.read(folder / "binary.ape") == tags.Tags(title="밤편지")
    (folder / "gone.mp3").touch()
    read, read_text, lstat = tags.read, lyric_sources.read_text, Path.lstat

    def failing(name, error, function):
        def call(path, **options):
            if path.name == name:
                raise error
            return function(path, **options)

        return call

    monkeypatch.setattr(tags, "read", failing("tags.wav", RecursionError(), read))
    monkeypatch.setattr(lyric_sources, "read_text", failing("text.txt", MemoryError(), read_text))
    monkeypatch.setattr(Path, "lstat", failing("gone.mp3", PermissionError(), lstat))
    monkeypatch.setattr(Path, "stat", failing("gone.mp3", PermissionError(), Path.stat))
    music, account = build(folder)
    basis = dict(zip(music.songs["title"], music.basis, strict=True))
    assert basis == {"good": "sound", "tags": "both", "text": "sound"}
    which = account["which"]
    assert which["without lyrics"][1:] == ["text.wav: its text cannot be read (MemoryError)"]
    assert which["unreadable"][0].startswith("gone.mp3 cannot be opened; check its rights")
    (binary,) = (line for line in which["unreadable"] if line.startswith("binary.ape"))
    assert "binary.ape is no sound that libsndfile reads" in binary


def test_tags_that_cannot_be_read_are_a_reason(build, tmp_path, monkeypatch):
    sound(tmp_path / "music" / "a.wav")
    (tmp_path / "music" / "b.mp3").write_text("글")

    def failing(path):
        raise TypeError

    monkeypatch.setattr(tags, "read", failing)
    which = build(tmp_path / "music")[1]["which"]
    assert which["without lyrics"] == ["a.wav: its tags cannot be read (TypeError)"]
    assert which["unreadable"][0].startswith("b.mp3 is no sound")
    assert which["unreadable"][0].endswith("; its tags cannot be read (TypeError)")


def test_a_file_that_cannot_be_written_is_called_by_its_own_name(build, mixed, monkeypatch):
    def refused(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(database, "_write", refused)
    says = r"music.duckdb could not be written \(Permission denied\); check"
    with pytest.raises(WyfError, match=says) as error:
        build(mixed)
    assert not isinstance(error.value, DiskFull) and "make room" not in str(error.value)


# A song's id


def retagged(path, title):
    """Sound file with another title, and a lyric of its length."""
    found = mutagen.File(path)
    if found.tags is None:
        found.add_tags()
    if isinstance(found.tags, id3.ID3):
        found.tags.add(id3.TIT2(encoding=3, text=title))
        found.tags.add(id3.USLT(encoding=3, lang="kor", desc="", text=title))
    else:
        key = "©nam" if isinstance(found, MP4) else "title"
        found[key] = title
    found.save()
    return path


def audio_file(path, pitch):
    """A sound file of any format, or what looks like one."""
    if path.suffix == ".m4a":
        path.write_bytes(m4a(path, nam="옛 제목").read_bytes().replace(b"a.m4a", b"%d" % pitch))
    elif path.suffix == ".ape":
        start = struct.pack("<4sH2xI", b"MAC ", 3990, 52).ljust(52, b"\0")
        header = struct.pack("<HHIIIHHI", 1000, 0, 73728, 1, 1, 16, 2, 44100)
        path.write_bytes(start + header + str(pitch).encode() * 900)
    elif path.suffix == ".opus":
        wave = 0.3 * np.sin(np.arange(48_000) * pitch / 7000)
        soundfile.write(path, wave, 48_000, format="OGG", subtype="OPUS")
    else:
        sound(path, pitch)
    return path


@pytest.mark.parametrize("ending", ["mp3", "flac", "ogg", "opus", "wav", "aiff", "m4a", "ape"])
def test_tags_leave_the_digest_of_the_audio(tmp_path, ending):
    path = audio_file(tmp_path / f"a.{ending}", 440)
    digests = {audio_digest.audio_digest(path)}
    for title in ("새 제목", "긴 제목 " * 30_000, "짧은 제목"):
        before = path.read_bytes()
        digests.add(audio_digest.audio_digest(retagged(path, title)))
        assert path.read_bytes() != before
    if ending == "mp3":
        digests.add(audio_digest.audio_digest(id3v1(path, "제목", "가수")))
    assert len(digests) == 1
    assert audio_digest.audio_digest(audio_file(path, 300)) not in digests


HEADS = [
    *(b"", b"ID3", b"ID3\x04\x00\x10\x7f\x7f\x7f\x7f", b"fLaC", b"fLaC\x00", b"OggS", b"RIFF"),
    *(b"RIFF....WAVEdata\xff\xff\xff\xff", b"FORM....AIFFSSND", b"\x00\x00\x00\x00ftyp"),
    *(b"\x00\x00\x00\x01ftyp", audio_digest._ASF),
]


@pytest.mark.parametrize("head", HEADS)
def test_broken_files_have_digests_of_their_own(tmp_path, head):
    digests = set()
    for rest in (b"", b"\x00" * 40, b"\xff" * 40, b"TAG" + bytes(125), b"APETAGEX" + b"\xff" * 24):
        (tmp_path / "a").write_bytes(head + rest)
        digests.add(audio_digest.audio_digest(tmp_path / "a"))
    assert len(digests) == 5


def test_a_corrected_tag_keeps_the_song_and_its_likes(build, mixed):
    before = build(mixed)[0].songs.set_index("title")
    kept = feedback.of_run(paths.OWN_MUSIC)
    kept.add(before.loc["Yesterday", "id"], "like")
    kept.add(before.loc["가사만", "id"], "skip")
    tagged(mixed / "f.mp3", TIT2="예스터데이", USLT=LYRIC)
    commented(mixed / "b.flac", title="소리")
    tagged(mixed / "copy.mp3", TIT2="밤 편지")
    retagged(mixed / "d.m4a", "고친 제목")
    (mixed / "가수 - 곁.ogg").rename(mixed / "곁.ogg")
    music, account = build(mixed)
    after = music.songs.set_index("title")
    names = {
        "Yesterday": "예스터데이",
        "소리만": "소리",
        "밤편지": "밤 편지",
        "가사만": "고친 제목",
    }
    for old in before.index:
        assert before.loc[old, "id"] == after.loc[names.get(old, old), "id"]
    assert account["which"]["copies"] == ["발라드/a.mp3 is copy.mp3"], "but for a tag"
    assert kept.songs("like") == [after.loc["예스터데이", "id"]]
    answer = recommend(music.fused[0], music, SongQuery(k=9, min_year=0), (), kept.songs("skip"))
    assert len(answer) == 5 and "고친 제목" not in set(answer["title"])


class Asked:
    """A provider that knows one song and fails for another."""

    def __init__(self):
        self.titles = []

    def key(self, song):
        return song

    def ask(self, song):
        self.titles.append(song.title)
        if song.title == "아무것도 없음":
            raise BadInput("its artist is blank; fill it in")
        if song.title == "Yesterday":
            raise Unreachable("lrclib.net gave no answer; run it again later.")
        return (
            lyric_sources.Answer("found", LYRIC)
            if song.title == "소리만"
            else lyric_sources.Answer("missing")
        )


def test_only_songs_without_a_lyric_are_asked_for(build, mixed):
    tagged(mixed / "f.mp3", USLT="")
    music, account = build(mixed, provider=(asked := Asked()))
    assert sorted(asked.titles) == ["Yesterday", "g", "silent", "소리만", "아무것도 없음"]
    assert music.songs.set_index("title").loc["소리만", "text"] == LYRIC
    assert account["which"]["lyrics failed"] == [
        "The Beatles - Yesterday (f.mp3): lrclib.net gave no answer; run it again later."
    ]


def test_a_song_is_searched_by_what_is_known_of_it(build, mixed):
    music, _ = build(mixed)
    assert np.isfinite(music.fused).all() and np.allclose(music.fused.sum(1), 1, atol=1e-5)
    assert (
        np.isnan(music.lyric[~music.has_lyric]).all()
        and np.isnan(music.mel[~music.has_sound]).all()
    )
    assert (
        np.isfinite(music.embedding[music.has_lyric]).all()
        and np.isnan(music.embedding[~music.has_lyric]).all()
    )
    assert (
        music.provenance["run"] == paths.OWN_MUSIC
        and music.provenance["scored by"] == "made"
        and music.provenance["model"]
    )


def test_the_command_and_its_answer(build, made, mixed, tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "run_folder", library.run_folder)
    runner = CliRunner()
    done = runner.invoke(app, ["build", "--music", str(mixed), "--run", "made"])
    assert done.exit_code == 0, done.exception
    assert (
        "unreadable  text.mp3 is no sound" in done.output
        and "without sound  d.m4a" in done.output
        and "misnamed  g.mp3 holds WAV" in done.output
    )
    assert "music   music.duckdb" in done.output and "wyf feel --run music" in done.output
    answered = runner.invoke(app, ["feel", "눈물이 난다", "--run", paths.OWN_MUSIC, "--k", "6"])
    assert answered.exit_code == 0, answered.exception
    lines = {
        line.split(". ")[1].split("  ")[0]: line
        for line in answered.output.splitlines()
        if ". " in line[:6]
    }
    assert set(lines) == {
        "밤편지 (아이유, 2017)",
        "곁 (가수)",
        "가사만",
        "소리만 (악단)",
        "Yesterday (The Beatles)",
        "g",
    }
    assert (
        "alone" not in lines["곁 (가수)"]
        and "by its lyric alone" in lines["가사만"]
        and "by its sound alone" in lines["소리만 (악단)"]
    )
    assert "(own music profile, run music" in answered.output


def test_a_korean_text_goes_before_a_foreign_tag(build, tmp_path):
    folder = tmp_path / "music"
    tagged(sound(folder / "a.mp3"), TIT2="a", USLT="I am lonely tonight and nobody calls")
    (folder / "a.lrc").write_text(f"[00:12.00]{LYRIC}")
    tagged(sound(folder / "b.mp3", pitch=500), TIT2="b", USLT=LYRIC)
    (folder / "b.lrc").write_text("[00:12.00]내일은 비가 그칠까")
    tagged(sound(folder / "c.mp3", pitch=600), TIT2="c", USLT="I am lonely")
    (folder / "c.txt").write_text("Nobody calls")
    music, account = build(folder)
    texts = dict(zip(music.songs["title"], music.songs["text"], strict=True))
    assert texts["a"] == texts["b"] == LYRIC and texts["c"] == ""
    assert account.loc["without lyrics", "which"] == ["c.mp3: its lyric is not Korean"]


def test_a_text_changed_under_its_old_size_and_time_is_read_anew(build, tmp_path):
    folder = tmp_path / "music"
    sound(folder / "a.mp3")
    text = folder / "a.txt"
    text.write_text("눈물이 멈추지 않아")
    before = text.stat()
    build(folder)
    text.write_text("웃음이 멈추지 않아")
    os.utime(text, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert text.stat().st_size == before.st_size
    music, _ = build(folder)
    assert music.songs["text"].tolist() == ["웃음이 멈추지 않아"]


def test_names_that_break_lines_or_are_as_long_as_names_can_be(build, tmp_path):
    folder = tmp_path / "music"
    tagged(sound(folder / "a\nb.mp3"), TIT2="줄", USLT=LYRIC)
    tagged(sound(folder / ("가" * 83 + "xx.mp3"), pitch=500), TIT2="긴", USLT=LYRIC)
    (folder / ("가" * 83 + "xx.txt")).write_text("내일은 비가 그칠까")
    (folder / "c.mp3").write_bytes(b"no sound")
    music, account = build(folder)
    assert sorted(music.songs["title"]) == ["긴", "줄"] and account.loc["unreadable", "files"] == 1
    assert not any("\n" in name for names in account["which"] for name in names)
