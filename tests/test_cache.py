import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest

from wyf_utils.core import artifacts, code_digest, files
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
