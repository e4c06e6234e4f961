"""The music database and its feedback: several processes, damage, full disks."""

import errno
import re
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest

from wyf_utils.core.errors import BadInput, CorruptData, DiskFull, MissingData, WyfError
from wyf_utils.core.paths import ROOT
from wyf_utils.music import database, recommender
from wyf_utils.music.database import MusicDatabase
from wyf_utils.music.feedback import NAME, Feedback, of_run


def make(n=50, seed=0, **provenance):
    rng = np.random.default_rng(seed)
    songs = pd.DataFrame(
        {
            "id": np.arange(n) * 3,
            "title": [f"노래 {i}" for i in range(n)],
            "artist": [f"가수 {i % 7}" for i in range(n)],
            "album": "앨범",
            "genre": [("발라드", "댄스")[i % 2] for i in range(n)],
            "year": 2015 + np.arange(n) % 9,
            "text": [f"첫 줄 {i}\n둘째 줄" for i in range(n)],
        }
    )
    lyric, mel, fused = (rng.dirichlet(np.ones(6), n).astype(np.float32) for _ in range(3))
    embedding = rng.normal(size=(n, database.EMBEDDING)).astype(np.float32)
    lyric[1], embedding[1], mel[2] = np.nan, np.nan, np.nan
    return MusicDatabase(
        songs, lyric, mel, fused, embedding, {"run": "test", "model": "m", **provenance}
    )


@pytest.fixture
def path(tmp_path):
    path = tmp_path / database.NAME
    assert database.build(path, make())
    return path


def test_words_against_sound_stand_beside_a_song():
    music = make(profile="sample")
    music.lyric[:4], music.mel[:4] = np.eye(6)[3], np.eye(6)[[0, 3, 0, 4]]
    music.lyric[1], music.mel[2] = np.nan, np.nan
    found = music.told_and_heard
    assert found[:4].tolist() == [[3, 0], [-1, -1], [-1, -1], [3, 4]]
    query = recommender.SongQuery(k=10, min_year=0)
    vectors = recommender.query_vectors(np.eye(6)[3] * 0.9 + 0.02, query)
    answered = recommender.search(vectors, music, query)
    assert answered[["told", "heard"]].to_numpy().tolist() == found[answered["row"]].tolist()
    assert (make(profile="open").told_and_heard == -1).all(), "published vectors say nothing"


def test_database_gives_back_what_it_got(path):
    music, read = make(), database.read(path)
    plain = read.songs.drop(columns=["path", "tags"])
    assert plain.to_dict("list") == music.songs.to_dict("list")
    assert set(read.songs["path"]) == set(read.songs["tags"]) == {""}
    for name in ("lyric", "mel", "fused"):
        assert np.array_equal(getattr(read, name), getattr(music, name), equal_nan=True)
    known = read.has_lyric
    assert not known[1] and known.sum() == 49 and not read.has_sound[2]
    assert (
        np.allclose(np.linalg.norm(read.embedding[known], axis=1), 1, atol=1e-6)
        and np.isnan(read.embedding[1]).all()
    )
    assert (
        read.provenance["run"] == "test"
        and read.provenance["version"] == database.VERSION
        and read.provenance["time"]
    )
    assert read.rows([6, 999, 0]).tolist() == [2, 0]


def test_rows_are_ordered_by_id_and_embeddings_may_be_absent(tmp_path):
    music = make()
    turned = MusicDatabase(
        music.songs[::-1].reset_index(drop=True),
        music.lyric[::-1],
        music.mel[::-1],
        music.fused[::-1],
        np.empty((50, 0)),
    )
    database.build(tmp_path / "a.duckdb", turned)
    read = database.read(tmp_path / "a.duckdb")
    assert read.songs["id"].tolist() == music.songs["id"].tolist() and np.array_equal(
        read.fused, music.fused
    )
    assert read.embedding.shape == (50, 0) and read.themes.shape == (50, 0)


def test_a_second_build_changes_nothing_and_another_does(path):
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert not database.build(path, make())
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert (
        database.build(path, make(model="other"))
        and database.read(path).provenance["model"] == "other"
    )
    assert database.build(path, make(seed=1)) and list(path.parent.iterdir()) == [path]


def test_a_database_that_was_changed_by_hand_is_built_anew(path):
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE songs SET title = '다른 노래' WHERE id = 0")
    assert database.build(path, make()) and database.read(path).songs["title"][0] == "노래 0"


def broken(**change):
    return replace(make(), **change)


def test_a_failed_build_keeps_the_old_database(path):
    before, music = path.read_bytes(), make()
    holes = music.fused.copy()
    holes[7] = np.nan
    for wrong, says in (
        (broken(fused=holes), "Song 21 has no usable vector"),
        (broken(fused=music.fused * 0), "Song 0 has no usable"),
        (broken(fused=music.fused[:9]), r"shape \(9, 6\)"),
        (broken(embedding=music.embedding[:, :7]), r"embedding vectors have shape \(50, 7\)"),
        (broken(songs=music.songs.assign(id=1)), "share an id"),
        (broken(songs=music.songs.assign(title=None)), "A song has no title"),
        (
            MusicDatabase(music.songs[:0], *(np.empty((0, w)) for w in (6, 6, 6, 0))),
            "no song to store",
        ),
    ):
        with pytest.raises(BadInput, match=says):
            database.build(path, wrong)
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_absent_damaged_foreign_and_old_databases(tmp_path, path):
    with pytest.raises(MissingData, match="no music database yet; run `make run`"):
        database.read(tmp_path / "none.duckdb")
    for name, content in (
        ("a.duckdb", b"not a database" * 500),
        ("b.duckdb", path.read_bytes()[:9000]),
        ("c.duckdb", b""),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CorruptData, match=f"{name} is damaged or no music database; delete it"):
            database.read(tmp_path / name)
    with duckdb.connect(str(tmp_path / "d.duckdb")) as connection:
        connection.execute("CREATE TABLE other (x INT)")
    with pytest.raises(CorruptData, match="no music database"):
        database.read(tmp_path / "d.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE provenance SET value = '1' WHERE name = 'version'")
    with pytest.raises(CorruptData, match="has version 1, not 2; delete it and run"):
        database.read(path)
    assert database.build(path, make()), "an old database is built anew"


def python(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_only_a_full_disk_asks_for_room(path, monkeypatch):
    before = path.read_bytes()
    no_space = 'Failed to commit: Could not write file "a": No space left on device'
    denied, read_only = "Permission denied", "IO Error: Cannot open file: Read-only"
    room = "(No space left on device); make room on the disk"
    for error, kind, says in (
        (OSError(errno.ENOSPC, "No space left on device"), DiskFull, room),
        (duckdb.TransactionException(no_space), DiskFull, room),
        (PermissionError(errno.EACCES, denied), WyfError, f"({denied}); check"),
        (OSError("odd"), WyfError, "(odd); check that its folder"),
        (duckdb.IOException(read_only), WyfError, "(Read-only); check that its folder"),
    ):

        def failing(*_, error=error):
            raise error

        monkeypatch.setattr(database, "_write", failing)
        with pytest.raises(WyfError, match=re.escape(says)) as raised:
            database.build(path, make(seed=7))
        assert type(raised.value) is kind and str(raised.value).endswith("Nothing was lost.")
        assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_grow_leaves_the_old_database(path):
    before = path.read_bytes()
    limited = python(
        """
        import resource, sys
        sys.path.insert(0, "tests")
        from pathlib import Path
        from test_songs import make
        from wyf_utils.music import database
        from wyf_utils.core.errors import WyfError
        music = make(3000, seed=5)
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        try:
            database.build(Path(sys.argv[1]), music)
        except WyfError as error:
            print(error)
        """,
        path,
    )
    said, errors = limited.communicate(timeout=60)
    assert "(File too large)" in said and "Nothing was lost." in said, errors
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_readers_see_the_old_songs_or_the_new_while_it_is_rebuilt(path):
    reader = """
        import sys
        from pathlib import Path
        from wyf_utils.music import database
        seen = set()
        for _ in range(25):
            music = database.read(Path(sys.argv[1]))
            assert music.fused.shape == (int(music.provenance["songs"]), 6) == (len(music), 6)
            seen.add(len(music))
        print(sorted(seen))
    """
    database.build(path, make(40, songs=40))
    readers = [python(reader, path) for _ in range(3)]
    for n in (60, 80, 40) * 4:
        database.build(path, make(n, songs=n))
    for process in readers:
        said, errors = process.communicate(timeout=90)
        assert process.returncode == 0 and set(map(int, said.strip("[]\n").split(", "))) <= {
            40,
            60,
            80,
        }, errors


# Feedback


def test_feedback_is_kept_exported_and_deleted(tmp_path):
    kept = Feedback(tmp_path / "runs" / NAME)
    assert (
        kept.rows().empty
        and kept.songs("like") == []
        and kept.delete() == 0
        and not kept.path.exists()
    )
    kept.add(3, "like", np.eye(6)[0])
    kept.add(4, "skip")
    kept.add(3, "heard")
    kept.add(5, "like")
    kept.add(5, "skip")
    assert kept.songs("like") == [3] and kept.songs("skip") == [4, 5] and kept.songs("heard") == [3]
    assert kept.export(tmp_path / "mine.csv") == 5
    exported = pd.read_csv(tmp_path / "mine.csv")
    assert exported["verdict"].tolist() == ["like", "skip", "heard", "like", "skip"] and exported[
        "feeling"
    ][0].startswith("[1.0, 0.0")
    assert (
        kept.delete() == 5
        and kept.rows().empty
        and b"like" not in kept.path.read_bytes().split(b"CREATE TABLE")[0]
    )
    with pytest.raises(BadInput, match="no verdict 'love'; choose one of: like, skip, heard"):
        kept.add(1, "love")


def test_damaged_foreign_and_newer_feedback(tmp_path):
    path = tmp_path / NAME
    path.write_bytes(b"no database" * 900)
    with pytest.raises(CorruptData, match="damaged or no feedback file; move it away"):
        Feedback(path).rows()
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (x)")
    with pytest.raises(CorruptData, match="no feedback file of WYF"):
        Feedback(path).add(1, "like")
    path.unlink()
    Feedback(path).add(1, "like")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 9")
    with pytest.raises(CorruptData, match="version 9, not 1; update WYF"):
        Feedback(path).songs("like")


def test_two_writers_take_turns_and_one_that_waits_too_long_is_told(tmp_path, monkeypatch):
    path = tmp_path / NAME
    writer = """
        import sys
        from pathlib import Path
        from wyf_utils.music.feedback import Feedback
        kept = Feedback(Path(sys.argv[1]))
        for i in range(40):
            kept.add(1000 * int(sys.argv[2]) + i, "like")
            assert 1000 * int(sys.argv[2]) + i in kept.songs("like")
    """
    writers = [python(writer, path, i) for i in range(3)]
    for process in writers:
        assert process.wait(timeout=90) == 0, process.stderr.read()
        process.communicate()
    assert sorted(Feedback(path).songs("like")) == [
        1000 * w + i for w in range(3) for i in range(40)
    ]
    monkeypatch.setattr("wyf_utils.music.feedback._PATIENCE", 0.2)
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(WyfError, match="being written by another process; try again"):
            Feedback(path).add(1, "like")
        assert len(Feedback(path).songs("like")) == 120, "readers do not wait"
        connection.execute("ROLLBACK")


def test_a_full_disk_and_a_missing_folder_are_told(tmp_path, monkeypatch):
    path = tmp_path / NAME
    Feedback(path).add(1, "like")

    class Full(sqlite3.Connection):
        def execute(self, sql, *rest):
            if sql.startswith("INSERT"):
                raise sqlite3.OperationalError("database or disk is full")
            return super().execute(sql, *rest)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, **k, factory=Full))
    with pytest.raises(DiskFull, match=f"no room for {NAME}; make some"):
        Feedback(path).add(2, "like")
    Full.execute = lambda *_: (_ for _ in ()).throw(sqlite3.OperationalError("disk I/O error"))
    with pytest.raises(WyfError, match=rf"{NAME} cannot be opened \(disk I/O error\); check"):
        Feedback(path).add(2, "like")
    monkeypatch.undo()
    assert Feedback(path).songs("like") == [1]
    with pytest.raises(WyfError, match=r"b.sqlite cannot be opened \(FileExistsError: File exists"):
        Feedback(path / "b.sqlite").add(1, "like")


def modes(folder):
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}


def test_feedback_is_for_its_owner_only_and_survives_make_clean(tmp_path):
    kept = of_run("default")
    assert kept.path == tmp_path / "data" / "feedback" / "default.sqlite" and kept.rows().empty
    kept.add(1, "like")
    with sqlite3.connect(kept.path) as connection:
        connection.execute("SELECT count(*) FROM feedback").fetchone()
        kept.add(2, "like")  # while another reads, the WAL stays
        assert modes(kept.path.parent) == {
            "feedback": 0o700,
            "default.sqlite": 0o600,
            "default.sqlite-wal": 0o600,
            "default.sqlite-shm": 0o600,
        }
    command = ["make", "--dry-run", "clean"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    recipe = done.stdout
    assert "data/cache" in recipe and not re.search("data(?!/cache)|feedback", recipe)
    assert "data/feedback/" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()


def test_an_old_file_beside_the_music_database_is_moved_once(tmp_path, monkeypatch):
    run = tmp_path / "run"
    monkeypatch.setenv("WYF_OUT", str(run))
    begun = Feedback(tmp_path / "begun" / NAME)
    begun.add(1, "like")
    run.mkdir()
    with sqlite3.connect(begun.path) as connection:  # as a process that broke off leaves it
        connection.execute("SELECT count(*) FROM feedback").fetchone()
        begun.add(2, "like")
        for part in begun.path.parent.iterdir():
            shutil.copy(part, run)
    assert (run / f"{NAME}-wal").stat().st_size
    (run / NAME).chmod(0o644)

    def like(song):
        of_run("default").add(song, "like")

    with ThreadPoolExecutor(8) as people:
        list(people.map(like, range(3, 40)))
    kept = of_run("default")
    assert sorted(kept.songs("like")) == list(range(1, 40)) and kept.songs("like")[:2] == [1, 2]
    assert not (run / NAME).exists() and modes(kept.path.parent)["default.sqlite"] == 0o600
    Feedback(run / NAME).add(99, "like")
    assert 99 not in of_run("default").songs("like"), "what is kept is not replaced"
    kept.path.unlink()
    (run / NAME).write_bytes(b"no database" * 900)
    with pytest.raises(CorruptData, match="default.sqlite is damaged or no feedback file"):
        of_run("default").rows()


def test_a_database_open_elsewhere_is_not_called_damaged(path):
    hold = (
        f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('open', flush=True); input()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(WyfError, match="open in another program; close it there") as error:
            database.read(path)
        assert not isinstance(error.value, CorruptData) and "delete" not in str(error.value)
    finally:
        other.communicate("\n")
    assert len(database.read(path))


def test_a_database_that_may_not_be_read_is_not_called_damaged(path, monkeypatch):
    def refused(*_, **__):
        raise duckdb.IOException(f'IO Error: Cannot open file "{path}": Permission denied')

    monkeypatch.setattr(database.duckdb, "connect", refused)
    with pytest.raises(WyfError, match="may not be read") as error:
        database.read(path)
    assert not isinstance(error.value, CorruptData)
