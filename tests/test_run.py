import json
import os
import shutil
import sys

import jupytext
import nbformat
import pytest

from wyf_utils.app import loading
from wyf_utils.core import paths
from wyf_utils.core.errors import BadInput, BadParameter, MissingData, WyfError
from wyf_utils.core.files import read_json
from wyf_utils.music import feedback, library
from wyf_utils.study import notebook, run_times, runner

SCRIPT = """# %% tags=["parameters"]
{parameters}

# %%
from pathlib import Path
import os
Path(os.environ["WYF_OUT"], "seen.txt").write_text(f"{{seed}} {{rate}}")
{body}
"""


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A notebooks folder with one small notebook, and the runs that the test writes."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    monkeypatch.setattr(runner, "NOTEBOOKS", notebooks)
    monkeypatch.setattr(runner, "FIGURES", tmp_path / "figures")

    def furnish(runs="", parameters="seed = 0\nrate = 0.1\nnames = ['a']", body="", stem="09_try"):
        nbformat.write(
            jupytext.reads(SCRIPT.format(parameters=parameters, body=body), fmt="py:percent"),
            notebooks / f"{stem}.ipynb",
        )
        (notebooks / "runs.yaml").write_text(runs)
        return tmp_path

    return furnish


@pytest.mark.parametrize(
    ("runs", "says"),
    [
        ("a: {09_try: {sed: 1}}", "09_try has no parameter 'sed'; it has: seed, rate, names"),
        ("a: {09_try: {seed: '1'}}", "'seed' is str .'1'. where int belongs"),
        ("a: {09_try: {seed: true}}", "'seed' is bool"),
        ("a: {09_try: {seed: 1.5}}", "'seed' is float"),
        ("a: {09_try: {rate: true}}", "'rate' is bool"),
        ("a: {09_try: {names: b}}", "'names' is str .* where list belongs"),
        (
            "a: {10_other: {}}",
            "names the notebook '10_other', which does not exist; there are: 09_try",
        ),
        ("b: {}", "no run 'a'; choose one of: b"),
        ("a: [", "no valid YAML"),
        ("", "must give each run its notebooks"),
        ("a:", "must give each run its notebooks"),
    ],
)
def test_a_wrong_run_is_refused_before_a_kernel_starts(house, runs, says):
    folder = house(runs)
    with pytest.raises(BadParameter, match=says):
        runner.run("a", folder / "out")
    assert not (folder / "out").exists()


def test_an_integer_may_stand_for_a_real_number(house):
    house("a: {09_try: {rate: 1}}")
    assert runner.plan("a") == {"09_try": {"rate": 1}}


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ("seed = int('3')", "'seed' is no literal"),
        ("import os", "must hold assignments only"),
        ("for i in []: pass", "assignments only"),
    ],
)
def test_the_parameters_cell_holds_literals_only(house, parameters, says):
    house("a: {09_try: {}}", parameters=parameters)
    with pytest.raises(BadParameter, match=says):
        runner.plan("a")


def test_a_missing_tag_is_named(house):
    folder = house("a: {09_try: {}}")
    path = folder / "notebooks" / "09_try.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].metadata.pop("tags")
    nbformat.write(notebook, path)
    with pytest.raises(BadParameter, match="0 cells are tagged `parameters`"):
        runner.plan("a")


def test_twins_that_differ_are_refused(house):
    folder = house("a: {09_try: {}}")
    runner.sync()
    script = folder / "notebooks" / "09_try.py"
    script.write_text(
        script.read_text(encoding="utf-8").replace("seed = 0", "seed = 1"), encoding="utf-8"
    )
    with pytest.raises(BadParameter, match=r"09_try.ipynb and 09_try.py differ; run `make sync`"):
        runner.run("a", folder / "out")


def test_a_second_run_leaves_no_figure_of_the_first(house):
    draw = """
import json
from wyf_utils.core.files import write_json
figures = Path(os.environ["WYF_OUT"]) / "figures"
figures.mkdir(exist_ok=True)
(figures / f"09_{seed}.ko.png").write_bytes(b"png")
path = figures / "manifest.json"
manifest = json.loads(path.read_text()) if path.exists() else {}
write_json(path, manifest | {f"09_{seed}": {"notebook": "09_try"}})
"""
    folder = house("a: {09_try: {seed: 1}}\nb: {09_try: {seed: 2}}", body=draw)
    runner.run("a", folder / "out")
    runner.run("b", folder / "out")
    assert [p.name for p in (folder / "out" / "figures").glob("*.png")] == ["09_2.ko.png"]
    assert list(read_json(folder / "out" / "figures" / "manifest.json")) == ["09_2"]


def test_a_run_injects_its_parameters_and_leaves_the_source_alone(house):
    folder = house("a: {09_try: {seed: 7}}")
    source = (folder / "notebooks" / "09_try.ipynb").read_bytes()
    out = runner.run("a", folder / "out")
    assert (out / "seen.txt").read_text() == "7 0.1"
    assert (folder / "notebooks" / "09_try.ipynb").read_bytes() == source
    executed = nbformat.read(out / "notebooks" / "09_try.ipynb", as_version=4)
    assert "papermill" not in executed.metadata and str(folder) not in nbformat.writes(executed)
    assert "WYF_OUT" not in os.environ


@pytest.mark.parametrize("folder", ["{proj}", "out {seed}", "{", "{{0}}"])
def test_braces_in_a_folder_s_name_stay(house, monkeypatch, folder):
    root = house("a: {09_try: {seed: 3}}")
    place = root / folder
    shutil.move(root / "notebooks", place / "notebooks")
    monkeypatch.setattr(runner, "NOTEBOOKS", place / "notebooks")
    runner.run("a", place / folder)
    assert (place / folder / "seen.txt").read_text() == "3 0.1"
    assert (place / folder / "notebooks" / "09_try.ipynb").is_file()
    assert [path.name for path in root.iterdir()] == [folder]


def test_the_kernel_is_always_this_environment_s_python(house, monkeypatch, tmp_path):
    kernel = tmp_path / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    other = {"argv": ["false"], "display_name": "other", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(other | {"env": {"SEED": "other"}}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("PATH", str(tmp_path))
    body = (
        "import sys\n"
        f"assert sys.executable == {sys.executable!r} and 'SEED' not in os.environ\n"
        'assert Path.cwd().name == "notebooks"'
    )
    runner.run("a", house("a: {09_try: {}}", body=body) / "out")


def test_kernels_sleep_while_they_wait_and_the_process_keeps_its_environment(house, monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    body = (
        'assert (os.environ["OMP_WAIT_POLICY"], os.environ["GOMP_SPINCOUNT"]) == ("PASSIVE", "7")'
    )
    runner.run("a", house("a: {09_try: {}}", body=body) / "out")
    assert "OMP_WAIT_POLICY" not in os.environ and os.environ["GOMP_SPINCOUNT"] == "7"


@pytest.mark.parametrize("name", ["../..", "..", ".", "", "a/b", "a\\b", "/tmp", "a\n"])
def test_a_run_s_name_is_one_folder_name(house, name, monkeypatch, tmp_path):
    folder = house("a: {09_try: {}}")
    for call in (
        lambda: paths.run_folder(name),
        lambda: runner.run(name),
        lambda: runner.run(name, folder / "out"),
        lambda: loading.open_songs(name),
        lambda: feedback.of_run(name),
        lambda: library.build(folder, name),
        lambda: notebook.open_notebook("09_try", run=name, profile="sample", seed=0),
    ):
        with pytest.raises(BadInput, match="is no name of a run; take letters, digits") as error:
            call()
        assert "실행 이름" in error.value.ko and "\n" not in str(error.value)
    monkeypatch.setenv("WYF_OUT", str(tmp_path))
    with pytest.raises(BadInput, match="is no name of a run"):
        paths.run_folder(name)


def test_one_s_own_music_stands_beside_the_run_in_wyf_out(tmp_path, monkeypatch):
    assert paths.run_folder("music") == paths.ROOT / "runs" / "music"
    monkeypatch.setenv("WYF_OUT", str(tmp_path))
    assert paths.run_folder("default") == tmp_path
    assert paths.run_folder("music") == tmp_path / "music"
    assert paths.run_folder("jamendo") == tmp_path / "jamendo"
    with pytest.raises(MissingData, match="The run 'default' has built no music database yet"):
        (tmp_path / "a.wav").touch()
        library.build(tmp_path)


def test_a_failed_notebook_is_kept_and_named(house):
    folder = house("a: {09_try: {}}", body="raise ValueError('no such luck')")
    with pytest.raises(
        WyfError, match="09_try failed with ValueError: no such luck .the notebook is kept at"
    ):
        runner.run("a", folder / "out")
    assert "no such luck" in (folder / "out" / "notebooks" / "09_try.ipynb").read_text()


RECORD = """
import json
out = Path(os.environ["WYF_OUT"])
(out / "figures").mkdir(exist_ok=True)
(out / "figures" / "09_x.ko.png").write_bytes(b"png")
(out / "figures" / "manifest.json").write_text(json.dumps({"09_x": {"run": "r"}}))
(out / "results.json").write_text(json.dumps({"RUN": {"09_try": {"macro_f1/x": seed}}}))
"""


def test_publish_puts_the_default_run_in_place_and_another_beside_it(house, monkeypatch):
    monkeypatch.setattr(run_times, "starts_from_nothing", lambda: True)
    folder = house(
        "default: {09_try: {}}\nopen: {09_try: {seed: 5}}", body=RECORD.replace("RUN", "default")
    )
    runner.publish("default", runner.run("default", folder / "out"))
    assert (folder / "figures" / "09_x.ko.png").read_bytes() == b"png"
    executed = nbformat.read(folder / "notebooks" / "09_try.ipynb", as_version=4)
    assert [c.execution_count for c in executed.cells] == [1, 2]
    house("open: {09_try: {seed: 5}}", body=RECORD.replace("RUN", "open"))
    runner.publish("open", runner.run("open", folder / "out2"))
    results = read_json(folder / "figures" / "results.json")
    times = {name: section.pop("run") for name, section in results.items()}
    assert set(times["open"]) == {"minutes/open", "minutes/09_try"}
    assert results == {
        "default": {"09_try": {"macro_f1/x": 0}},
        "open": {"09_try": {"macro_f1/x": 5}},
    }
    assert (folder / "figures" / "open" / "09_x.ko.png").exists()


def test_sync_writes_the_younger_of_the_twins_over_the_older(house):
    folder = house("default: {09_try: {}}")
    document, script = folder / "notebooks" / "09_try.ipynb", folder / "notebooks" / "09_try.py"
    assert runner.sync() == ["09_try: notebook to script"]
    text = script.read_text(encoding="utf-8")
    assert '# %% tags=["parameters"]' in text
    script.write_text(text.replace("seed = 0", "seed = 4"), encoding="utf-8")
    os.utime(script, (document.stat().st_mtime + 5,) * 2)
    assert runner.sync() == ["09_try: script to notebook"]
    assert "seed = 4" in nbformat.read(document, as_version=4).cells[0].source


def test_the_time_left_follows_this_machine():
    expected, stems = {"minutes/01_x": 2, "minutes/02_y": 4, "minutes/a": 6}, ["01_x", "02_y"]
    assert run_times.time_left(expected, stems, {}) == ", about 6 min left"
    assert run_times.time_left(expected, stems, {"01_x": 4.0}) == ", about 8 min left"
    assert run_times.time_left({}, stems, {}) == ""
