import errno
import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from wyf_utils.core import artifacts, code_digest, files
from wyf_utils.core.errors import BadInput, DiskFull, WyfError
from wyf_utils.core.paths import ROOT


def make(folder):
    (folder / "value.txt").write_text("made")


def ask(**changes):
    arguments = {"parameters": {"a": 1}, "data": "d"} | changes
    return artifacts.get_or_create("thing", arguments.pop("make", make), **arguments)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("WYF_CACHE", str(tmp_path))
    return tmp_path


def test_same_content_is_made_once():
    first, second = ask(), ask()
    assert not first.reused and second.reused and first.path == second.path
    assert "made now" in str(first) and "from cache" in str(second)


def other_make(folder):
    (folder / "value.txt").write_text("made otherwise")


@pytest.mark.parametrize("change", [{"parameters": {"a": 2}}, {"data": "e"}, {"make": other_make}])
def test_parameters_data_and_code_each_make_another_entry(change):
    assert ask().path != ask(**change).path


SCALES = """
    from wyf_utils.core.errors import BadInput
    from wyf_utils.core.runtime import progress
    from wyf_utils.core import vectors
    RATE = 2
    def scale(x):
        "Multiply by the rate."
        if x < 0:
            raise BadInput("negative")
        return RATE * x
    def outer():
        def make(folder):
            # a comment
            for x in progress([1], desc="scale"):
                scale(x)
            vectors.normalise([1.0])
        return make
"""


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("Multiply by", "Scale by", True),
        ("# a comment", "# another", True),
        ('desc="scale"', 'desc="other words"', True),
        ('"negative"', '"below zero"', True),
        ("def scale(x):", "def scale(x: int) -> int:", True),
        ("RATE = 2", "RATE = 3", False),
        ("RATE * x", "RATE + x", False),
        ("progress([1]", "progress([2]", False),
        ("vectors.normalise([1.0])", "vectors.class_weights([1.0], 0.5)", False),
    ],
)
def test_the_key_knows_constants_and_not_docstrings(old, new, same, tmp_path, monkeypatch):
    def digest(name, source):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
        return code_digest.code_digest(__import__(name).outer())

    assert old in SCALES
    monkeypatch.syspath_prepend(tmp_path)
    stem = f"digest_{abs(hash((old, new)))}"
    first, second = digest(f"{stem}_a", SCALES), digest(f"{stem}_b", SCALES.replace(old, new))
    assert (first == second) == same


def test_two_processes_make_an_artefact_once(own_cache):
    code = textwrap.dedent("""
        import time
        from wyf_utils.core import artifacts
        def make(folder):
            time.sleep(1)
            (folder / "value.txt").write_text("made")
        print(artifacts.get_or_create("thing", make, parameters={}, data="").reused)
    """)
    (own_cache / "both.py").write_text(code)
    started = [
        subprocess.Popen([sys.executable, own_cache / "both.py"], cwd=ROOT, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    assert sorted(p.communicate()[0].strip() for p in started) == [b"False", b"True"]


def fragile_make(folder):
    (folder / "value.txt").write_text("half" if "BREAK" in os.environ else "made")
    if "BREAK" in os.environ:
        raise OSError("disk full")


def test_a_broken_make_leaves_nothing_and_keeps_the_old(own_cache, monkeypatch):
    kept = ask(make=fragile_make)
    monkeypatch.setenv("FRESH", "1")
    monkeypatch.setenv("WYF_RUN_STARTED", "9e12")
    monkeypatch.setenv("BREAK", "1")
    with pytest.raises(OSError, match="disk full"):
        ask(make=fragile_make)
    assert (kept.path / "value.txt").read_text() == "made"
    left = {p.name for p in (own_cache / "thing").iterdir()}
    assert left == {kept.key, f".{kept.key}.lock"}


def test_fresh_makes_again_once_a_run(monkeypatch):
    ask()
    monkeypatch.setenv("FRESH", "1")
    known = json.loads((ask().path / "entry.json").read_text())
    monkeypatch.setenv("WYF_RUN_STARTED", str(known["time"] + 1e-6))
    assert not ask().reused, "older than the run: made again"
    monkeypatch.setenv("WYF_RUN_STARTED", str(known["time"] - 1))
    assert ask().reused, "made within the run: kept"


def test_fingerprint_sees_values_shape_and_order():
    a = np.arange(6)
    prints = [
        artifacts.fingerprint(x)
        for x in (
            a,
            a.reshape(2, 3),
            a[::-1],
            a.astype(float),
            [1, 2],
            [2, 1],
            pd.DataFrame({"x": [1]}),
            pd.DataFrame({"x": [2]}),
        )
    ]
    assert len(set(prints)) == len(prints)
    assert artifacts.fingerprint(a.copy()) == artifacts.fingerprint(a)


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "results.json"
    path.write_text("old")
    with pytest.raises(RuntimeError), files.replacing_file(path) as work:
        work.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_link_is_kept_and_its_file_replaced(tmp_path):
    (disk := tmp_path / "disk").mkdir()
    (disk / "lyrics.tsv").write_text("old")
    link = tmp_path / "lyrics.tsv"
    link.symlink_to(disk / "lyrics.tsv")
    with files.replacing_file(link) as work:
        work.write_text("new")
    assert link.is_symlink() and (disk / "lyrics.tsv").read_text() == "new"
    assert [path.name for path in disk.iterdir()] == ["lyrics.tsv"]


def test_a_folder_is_no_file_to_write(tmp_path):
    with pytest.raises(BadInput, match=f"{tmp_path.name} is a folder; name a file"):
        files.write_json(tmp_path, {})


@pytest.mark.parametrize(
    ("number", "kind", "says"),
    [
        (errno.EROFS, WyfError, "Read-only file system"),
        (errno.EACCES, WyfError, "check that its folder may be written to"),
        (errno.ENOSPC, DiskFull, "make room on the disk"),
    ],
)
def test_what_cannot_be_written_is_one_sentence(tmp_path, monkeypatch, number, kind, says):
    def refuse(path, *_):
        raise OSError(number, os.strerror(number), str(path))

    (path := tmp_path / "a.json").write_text("old")
    monkeypatch.setattr(files.Path, "replace", refuse)
    with pytest.raises(kind, match=says) as error:
        files.write_json(path, {})
    assert type(error.value) is kind and path.read_text() == "old" and "\n" not in str(error.value)


def test_an_error_elsewhere_is_not_called_one_of_writing(tmp_path):
    (elsewhere := tmp_path / "elsewhere").mkdir()
    with pytest.raises(IsADirectoryError), files.replacing_file(tmp_path / "to" / "a") as work:
        work.write_text(elsewhere.read_text())


def test_a_cache_that_cannot_be_written_names_the_remedy(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("WYF_CACHE", str(tmp_path / "file"))
    with pytest.raises(WyfError, match="cannot be written .*; set WYF_CACHE to a folder that can"):
        ask()


KILLED = """
    import os, signal
    from pathlib import Path
    from wyf_utils.core import artifacts, files
    def make(folder):
        (folder / "half").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)
    def killed(path):
        with files.replacing_file(path) as work:
            work.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    if os.fork():
        os.wait()
        killed(Path(os.environ["WYF_CACHE"]) / "a.json")
    artifacts.get_or_create("thing", make, parameters={}, data="", code=files.read_json)
"""


def test_what_a_killed_process_left_is_swept(own_cache):
    subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED)], cwd=ROOT, check=False)
    assert list((own_cache / "thing").glob(".*.*/half")) and list(own_cache.glob(".*.a.json"))
    artifacts._sweep.cache_clear()
    entry = ask()
    files.write_json(own_cache / "a.json", {})
    assert not list((own_cache / "thing").glob(".*.*/")), "another key's remains, too"
    assert [path.name for path in own_cache.iterdir() if path.is_file()] == ["a.json"]
    umask = os.umask(0o077)
    os.umask(umask)
    assert entry.path.stat().st_mode & 0o777 == 0o777 & ~umask
    assert (entry.path / "entry.json").stat().st_mode & 0o777 == 0o666 & ~umask


def test_what_is_being_made_elsewhere_is_not_swept(own_cache):
    work = own_cache / "thing" / ".0123.abcd"
    work.mkdir(parents=True)
    artifacts._sweep.cache_clear()
    with FileLock(own_cache / "thing" / ".0123.lock"):
        ask()
        assert work.is_dir()
