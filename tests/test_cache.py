import json

import numpy as np
import pandas as pd
import pytest

from wyf_utils.core import artifacts, files


def make(folder):
    (folder / "value.txt").write_text("made")


def ask(**changes):
    arguments = {"parameters": {"a": 1}, "data": "d", "code": [make]} | changes
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


@pytest.mark.parametrize(
    "change", [{"parameters": {"a": 2}}, {"data": "e"}, {"code": [other_make]}]
)
def test_parameters_data_and_code_each_make_another_entry(change):
    assert ask().path != ask(**change).path


def test_a_broken_make_leaves_nothing_and_keeps_the_old(own_cache, monkeypatch):
    kept = ask()

    def broken(folder):
        (folder / "value.txt").write_text("half")
        raise OSError("disk full")

    monkeypatch.setenv("FRESH", "1")
    monkeypatch.setenv("WYF_RUN_STARTED", "9e12")
    with pytest.raises(OSError, match="disk full"):
        ask(make=broken)
    assert (kept.path / "value.txt").read_text() == "made"
    assert sorted(p.name for p in (own_cache / "thing").iterdir()) == [kept.key]


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
