"""The committed notebooks, and the smoke run of all five on temporary copies."""

import json
import re

import jupytext
import nbformat
import numpy as np
import pytest

from wyf_utils.core import language
from wyf_utils.core.files import read_json
from wyf_utils.core.paths import ROOT
from wyf_utils.study import runner

STEMS = [
    "01_eda",
    "02_model_comparison",
    "03_dapt",
    "04_mel_cnn_vs_embedding",
    "05_recommender_demo",
]
HOME = re.compile(r"/(?:root|home|Users|work|tmp|opt|usr|var)/|[A-Z]:\\\\Users|site-packages")


@pytest.fixture(params=STEMS)
def committed(request):
    return request.param, nbformat.read(ROOT / "notebooks" / f"{request.param}.ipynb", as_version=4)


def outputs(notebook):
    return json.dumps(
        [c.get("outputs", []) for c in notebook.cells if c.cell_type == "code"], ensure_ascii=False
    )


def test_the_five_notebooks_are_there():
    assert runner.stems() == STEMS


def test_executed_without_error_or_absolute_path(committed):
    stem, notebook = committed
    code = [c for c in notebook.cells if c.cell_type == "code"]
    counts = [c.execution_count for c in code]
    assert counts == list(range(1, len(code) + 1)), (
        f"{stem} was not executed in one go; run `make publish`"
    )
    text = outputs(notebook)
    assert '"output_type": "error"' not in text
    assert not HOME.search(text), f"{stem} shows a path of one machine: {HOME.search(text).group()}"
    assert '"name": "stderr"' not in text, f"{stem} shows a warning or a progress bar"


def test_matches_its_twin(committed):
    stem, notebook = committed
    script = jupytext.read(runner.twin(stem))
    assert [(c.cell_type, c.source) for c in notebook.cells] == [
        (c.cell_type, c.source) for c in script.cells
    ], f"{stem} differs from its .py; run `make sync`"


def test_form_of_a_notebook(committed):
    stem, notebook = committed
    card = notebook.cells[0].source
    assert card.startswith(f"# {stem[:2]} · ") and all(
        f"**{row}**" in card for row in ("Question", "Reads", "Writes", "Before, after", "Time")
    )
    declared = runner.declared_parameters(notebook, stem)
    assert declared["run"] == "default" and declared["profile"] == "sample"
    code = [c.source for c in notebook.cells if c.cell_type == "code"]
    assert max(len(c.splitlines()) for c in code) <= 30
    assert "nb.record(" in code[-1]
    assert not any("class " in line[:6] for c in code for line in c.splitlines())


def test_prose_types_no_scores(committed):
    _, notebook = committed
    prose = " ".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    assert not re.search(r"\b0\.\d{2,}", prose), (
        "a score in prose is displayed from its value, never typed"
    )


def test_published_figures_have_rows_and_both_languages():
    for folder in (
        figures_folder
        for figures_folder in (ROOT / "figures", ROOT / "figures" / "open")
        if figures_folder.is_dir()
    ):
        manifest = read_json(folder / "manifest.json")
        files = {p.name for p in folder.glob("[0-9]*.*")}
        assert files == {
            f"{name}.{lang}.{ending}"
            for name in manifest
            for lang in language.LANGUAGES
            for ending in ("png", "svg")
        }
        for row in manifest.values():
            assert row["notebook"] in STEMS and row["data"] is not None
            assert all(
                row[text][lang] for text in ("caption", "alt") for lang in language.LANGUAGES
            )


def numbers(value):
    return (
        [value] if not isinstance(value, dict) else [value[k] for k in ("mean", "low", "high", "n")]
    )


def check_results(section, stems):
    assert set(section) - {"run"} == set(stems)
    for stem, results in section.items():
        for name, value in results.items():
            assert re.fullmatch(r"[a-z0-9_]+/[A-Za-z0-9_@./-]+", name), f"{stem}: {name}"
            assert all(np.isfinite(numbers(value))), f"{stem}: {name}"
            if isinstance(value, dict):
                assert value["low"] <= value["mean"] <= value["high"]


def test_committed_results_hold_default_and_open():
    results = read_json(ROOT / "figures" / "results.json")
    check_results(results["default"], STEMS)
    check_results(results["open"], list(runner.read_runs()["open"]))
    for section in (results["default"], results["open"]):
        difference = section["02_model_comparison"]["macro_f1_difference/e5_finetuned-tfidf"]
        assert difference["n"] > 500, "the comparison that the README tells of"


def test_open_results_say_what_2022_s_song_vectors_are():
    demo = read_json(ROOT / "figures" / "results.json")["open"]["05_recommender_demo"]
    assert demo["rows/songs"] == 42_839
    assert demo["top1/majority"] == pytest.approx(0.7840, abs=5e-5)
    assert demo["top1/mel"] == pytest.approx(0.7847, abs=5e-5)
    assert demo["kappa/mel"] == pytest.approx(0.008, abs=5e-4)


def test_open_results_put_2022_s_mel_beside_its_baselines():
    heard = read_json(ROOT / "figures" / "results.json")["open"]["04_mel_cnn_vs_embedding"]
    assert heard["top1/mel_2022"]["mean"] == pytest.approx(0.7847, abs=5e-5)
    assert heard["top1/majority_2022"]["mean"] == pytest.approx(0.7840, abs=5e-5)
    assert heard["kappa/mel_2022"]["mean"] == pytest.approx(0.008, abs=5e-4)
    less_strict = [heard[f"less_strict_top1/{name}_2022"]["mean"] for name in ("mel", "majority")]
    assert less_strict[0] < less_strict[1], "never listening scores higher"


def test_real_songs_are_heard_beyond_chance_and_below_listeners():
    heard = read_json(ROOT / "figures" / "results.json")["open"]["04_mel_cnn_vs_embedding"]
    assert heard["rows/emotify"] == 160
    assert heard["r/tags_soft@mean"]["low"] > heard["r/tags_soft_shuffled@mean"]["high"]
    assert heard["kappa/tags_soft"]["mean"] < heard["kappa/human"]["mean"]
    assert heard["r_difference/tags_soft-cnn"]["low"] > 0, "features first"
    assert heard["cosine/adaptor"] > 0.9


def test_the_sample_s_sound_is_heard():
    heard = read_json(ROOT / "figures" / "results.json")["default"]["04_mel_cnn_vs_embedding"]
    models = ("cnn", "resnet50", "simclr_linear", "statistics_linear", "musicnn_linear")
    best = max(heard[f"kappa/{m}"]["mean"] for m in models)
    assert best > heard["kappa/shuffled"]["mean"]
    assert best >= min(0.25, 0.7 * heard["kappa/composer"]["mean"]), (
        "lyric labels teach hearing as far as sound can know them"
    )
    assert heard["kappa_composer/composed_ear"]["low"] > 0.6, "the ear that 05 uses"
    assert heard["uniformity/simclr"] < -0.5, "not collapsed"


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    return runner.run("smoke", tmp_path_factory.mktemp("smoke"))


@pytest.mark.slow
def test_smoke_run_of_all_five(smoke):
    check_results(read_json(smoke / "results.json")["smoke"], STEMS)
    for stem in STEMS:
        executed = nbformat.read(smoke / "notebooks" / f"{stem}.ipynb", as_version=4)
        assert not HOME.search(outputs(executed)) and '"name": "stderr"' not in outputs(executed)
    manifest = read_json(smoke / "figures" / "manifest.json")
    for stem in STEMS:
        assert sum(row["notebook"] == stem for row in manifest.values()) >= 2
    assert len(list((smoke / "figures").glob("*.png"))) == 2 * len(manifest)


@pytest.mark.slow
def test_a_feeling_is_answered_from_the_smoke_run(smoke, monkeypatch):
    from wyf_utils.app import feeling, terminal
    from wyf_utils.core import emotions

    monkeypatch.setenv("WYF_OUT", str(smoke))
    vector = feeling.answer("면접에서 또 떨어져서 너무 속상해", "smoke").emotion_vector
    assert vector.shape == (6,) and vector.sum() == pytest.approx(1, abs=1e-5)
    answer = feeling.answer("면접에서 또 떨어져서 너무 속상해", "smoke")
    text = terminal.as_text(answer, "smoke", feeling.explain(answer, "smoke"))
    assert (
        all(name in text for name in emotions.KO)
        and len(re.findall(r"^  \d\. .+cosine", text, re.MULTILINE)) == 5
    )
