import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from wyf_utils.core import intervals, language
from wyf_utils.core.errors import BadInput, MissingData
from wyf_utils.core.files import read_json
from wyf_utils.study import figures
from wyf_utils.study.notebook import open_notebook


@pytest.fixture(autouse=True)
def style():
    figures.set_style()


def titled(text):
    def build(lang):
        figure, axes = plt.subplots()
        axes.set_title(text)
        axes.plot([-1, 1])
        return figure

    return build


def test_a_figure_is_saved_in_two_languages_and_two_forms(tmp_path):
    figures.save(
        lambda lang: figures.emotion_bars(
            np.arange(6), lang, language.pick(lang, "감정", "Emotions"), "n"
        ),
        tmp_path,
        "01_x",
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "01_x.en.png",
        "01_x.en.svg",
        "01_x.ko.png",
        "01_x.ko.svg",
    ]
    korean, english = (
        np.asarray(Image.open(tmp_path / f"01_x.{lang}.png").convert("L")) for lang in ("ko", "en")
    )
    assert korean.std() > 10 and (korean.shape != english.shape or (korean != english).any())


def test_a_missing_glyph_is_an_error_and_negative_numbers_are_not(tmp_path):
    figures.save(titled("음수 -1"), tmp_path, "01_fine")
    with pytest.raises(
        MissingData, match="Figure 01_broken: Glyph .* use a character that NanumGothic has"
    ):
        figures.save(titled("𓀀"), tmp_path, "01_broken")


def test_svg_is_the_same_twice(tmp_path):
    for name in ("a", "b"):
        figures.save(titled("같다"), tmp_path, name)
    assert (tmp_path / "a.ko.svg").read_bytes() == (tmp_path / "b.ko.svg").read_bytes()


def test_slide_text_is_large_and_sizes_are_named():
    figures.set_style("slide")
    assert plt.rcParams["font.size"] >= 18 and tuple(plt.rcParams["figure.figsize"]) == (13.33, 7.5)
    with pytest.raises(BadInput, match="no figure size 'poster'; choose one of: page"):
        figures.set_style("poster")


LABELS = {"a": ("가", "a"), "b": ("나", "b"), "c": ("다", "c")}
LEDGER = pd.DataFrame(
    {
        "step": ["a", "b"],
        "rows_in": [10, 8],
        "rows_out": [8, 8],
        "dropped": [2, 0],
        "changed": [0, 3],
    }
)
INTERVAL = {"mean": 0.5, "low": 0.4, "high": 0.6, "n": 3}
SOURCES = pd.DataFrame(
    {
        "label": [f"이름 {i}" for i in range(20)],
        "emotion": np.arange(20) % 6,
        "n": [400, *range(1, 20)],
    }
)
RELIABILITY = pd.DataFrame({"confidence": [0.3, 0.8], "accuracy": [0.2, 0.9], "n": [5, 9]})
COSTS = pd.DataFrame(
    {"million weights": [np.nan, 23], "seconds": [2, 90], "MB": [1, 90], "macro-F1": [0.3, 0.4]},
    index=["a", "b"],
)
TIMES = pd.DataFrame(
    {
        "loop": [9.0, 90],
        "sklearn": [1, 2],
        "expression_2022": [1, 3],
        "faiss": [0.1, 0.2],
        "wyf": [0.01, 0.02],
    },
    index=pd.MultiIndex.from_tuples([(1000, 6), (10_000, 6)], names=["songs", "dim"]),
)
REACHED = {
    "2022": np.array([10, 8, 10, 2180, 6, 10]),
    "top": np.arange(1, 7),
    "ours": np.array([1200, 218, 2709, 8447, 825, 294]),
}
REACH_LABELS = {
    "2022": ("2022", "2022"),
    "top": ("코사인 상위 5곡", "cosine top 5"),
    "ours": ("이 연구", "ours"),
}
MOVED = pd.DataFrame(
    {
        "word": ["면접에서", "또", "속상해"],
        "place": [0, 1, 2],
        "emotion": 3,
        "effect": [0.1, -0.05, 0.4],
    }
)
BEFORE_AFTER = {"Top-1": (0.2, 0.4, 0.3), "Top-2": (0.2, 0.3, 0.3)}
DIFFERENCES = {
    name: {"mean": low + 0.02, "low": low, "high": low + 0.04}
    for name, low in (("a", 0.0004), ("b", 0.001), ("c", -0.05))
}
BUILDERS = {
    "flow": lambda lang: figures.flow(SOURCES, lang, "t"),
    "word_cloud": lambda lang: figures.word_cloud(SOURCES, lang, "t", 0),
    "word_bars": lambda lang: figures.word_bars({0: pd.Series({"바람": 3, "커피": 1})}, lang, "t"),
    "histograms": lambda lang: figures.histograms(
        {"a": np.arange(9), "b": np.arange(5)}, lang, "t", "x"
    ),
    "scatters": lambda lang: figures.scatters(
        {"a": (np.arange(3), np.arange(3), "r = 1")}, "t", ("x", "y")
    ),
    "over_time": lambda lang: figures.over_time(np.arange(5), np.arange(5), lang, "t", "dB"),
    "mel_picture": lambda lang: figures.mel_picture(
        np.random.default_rng(0).normal(size=(48, 20)), np.arange(20), np.arange(48), lang, "t"
    ),
    "grouped_scores": lambda lang: figures.grouped_scores(
        {"a": (0.5, 0.6, 0.4)}, {"KoBERT": (0.6, 0.6, 0.6)}, LABELS, lang, "t", "x"
    ),
    "reliability": lambda lang: figures.reliability(
        {"a": (RELIABILITY, "0.1"), "b": (RELIABILITY, "0.1")}, lang, "t"
    ),
    "cost": lambda lang: figures.cost(
        COSTS.rename(columns={"seconds": "seconds to make"}), LABELS, lang, "t"
    ),
    "table": lambda lang: figures.table(
        {"columns": ["x", "A"], "rows": [["y", 1.0], ["z", 2.0]], "source": "2022"}, "t"
    ),
    "pipeline": lambda lang: figures.pipeline(LEDGER, LABELS, lang, "t"),
    "score_bars": lambda lang: figures.score_bars(
        {"a": INTERVAL, "b": 0.3}, LABELS, lang, "t", "x", line=(0.4, "m")
    ),
    "confusion": lambda lang: figures.confusion(
        np.array([0, 1, 2]), np.array([0, 1, 1]), lang, "t"
    ),
    "plane": lambda lang: figures.plane(
        np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 6, lang, "t"
    ),
    "curves": lambda lang: figures.curves(
        {"s": [(1, 0.1), (2, 0.2)]}, "t", "x", "y", line=(0.1, "m")
    ),
    "heatmaps": lambda lang: figures.heatmaps(
        {"w": pd.DataFrame(np.eye(3) * 100, index=list("abc"), columns=list("abc"))},
        LABELS,
        lang,
        "t",
    ),
    "measure_tiles": figures.measure_tiles,
    "before_after": lambda lang: figures.before_after(
        BEFORE_AFTER, {"Top-1": (0.4, 0.78)}, lang, "t", ("a", "b"), {"Top-1": 0.784, "Top-2": 0.19}
    ),
    "differences": lambda lang: figures.differences({"KOTE": DIFFERENCES}, LABELS, lang, "t", "x"),
    "stacked_shares": lambda lang: figures.stacked_shares(
        {"a": np.full(6, 1 / 6)}, LABELS, lang, "t"
    ),
    "feelings": lambda lang: figures.feelings(["가", "나"], np.eye(6)[:2], lang, "t"),
    "search_time": lambda lang: figures.search_time(TIMES, lang, "t"),
    "reach_and_hubs": lambda lang: figures.reach_and_hubs(
        REACHED, {k: np.arange(40).reshape(8, 5) % 7 for k in REACHED}, REACH_LABELS, lang, "t"
    ),
    "emotion_path": lambda lang: figures.emotion_path(
        ["아주 긴 노래 제목이 여기에 있다"] * 6, np.full((6, 6), 1 / 6), np.eye(6), lang, "t"
    ),
    "why": lambda lang: figures.why(MOVED, np.eye(6)[3], "노래", np.full(6, 1 / 6), lang, "t"),
    "architecture_text": figures.architecture_text,
    "architecture_mel": figures.architecture_mel,
    "architecture_recommender": figures.architecture_recommender,
    "architecture": figures.architecture,
    "initial_design": figures.initial_design,
}


def check_inside(build):
    """Nothing that a figure draws reaches over its frame, in either language."""
    for lang in language.LANGUAGES:
        figure = build(lang)
        figure.canvas.draw()
        width, height = figure.get_size_inches()
        box = figure.get_tightbbox()  # inches
        assert (
            box.x0 > -0.05 and box.y0 > -0.05 and box.x1 < width + 0.05 and box.y1 < height + 0.05
        ), (lang, box)
        plt.close(figure)


@pytest.mark.parametrize("name", BUILDERS)
def test_everything_drawn_stays_inside_the_figure(name):
    check_inside(BUILDERS[name])


def test_a_difference_has_the_colour_of_its_verdict():
    axes = figures.differences({"KOTE": DIFFERENCES}, LABELS, "en", "t", "x").axes[0]
    means = [line.get_color() for line in axes.lines if line.get_marker() == "o"]
    assert means == [
        figures.VERDICT_COLOURS[intervals.verdict(found)] for found in DIFFERENCES.values()
    ]
    assert len(set(means)) == 3, "0.0004 is shown as 0.000, which leaves nothing out"


def test_the_majority_of_2022_is_drawn_over_its_bars_alone():
    def lines(*given):
        axes = figures.before_after(
            BEFORE_AFTER, {"Top-1": (0.4, 0.78)}, "en", "t", ("a", "b"), *given
        ).axes[0]
        assert [text.get_text() for text in axes.texts].count("2022: not published") == 1, (
            "2022 has no Top-2"
        )
        return [line.get_ydata()[0] for line in axes.lines]

    assert lines() == [0.3, 0.3]
    assert lines({"Top-1": 0.784, "Top-2": 0.19}) == [0.3, 0.3, 0.784]


def test_weights_that_are_not_counted_are_hollow_dots():
    hollow, filled = (
        figures.cost(COSTS.rename(columns={"seconds": "seconds to make"}), LABELS, "en", "t")
        .axes[0]
        .collections
    )
    assert (
        len(hollow.get_offsets()) == len(filled.get_offsets()) == 1
        and (hollow.get_facecolor() == 1).all()
    )
    assert filled.get_sizes()[0] > hollow.get_sizes()[0] and "23 million" in filled.get_label()


def test_counts_lie_off_the_diagonal_and_inside_bars_that_have_room():
    table = pd.DataFrame(
        {"confidence": [0.2, 0.35, 0.8], "accuracy": [0.0, 0.3, 0.9], "n": [1, 186, 9]}
    )
    for given in (table, table.assign(n=table["n"] * 10)):
        figure = figures.reliability({"a": (given, "0.1"), "b": (given, "0.1")}, "en", "t")
        figure.canvas.draw()
        axes = figure.axes[0]
        for text, row in zip(axes.texts, given.itertuples(), strict=True):
            box = text.get_window_extent().transformed(axes.transData.inverted())
            assert box.y1 < box.x0, "under the line of x = y"
            assert text.get_color() != "white" or (box.y1 < row.accuracy and box.width < 0.07)


def test_recommenders_look_the_same_in_both_panels():
    figure = figures.reach_and_hubs(
        REACHED, {k: np.arange(40).reshape(8, 5) % 7 for k in REACHED}, REACH_LABELS, "en", "t"
    )
    left, right = figure.axes
    dots, lines = left.collections[1:], right.lines
    coloured = [
        mpl.colors.to_hex((d.get_edgecolor() if d.get_hatch() else d.get_facecolor())[0])
        for d in dots
    ]
    assert (
        coloured == [mpl.colors.to_hex(line.get_color()) for line in lines]
        and len(set(coloured)) == 3
    )
    assert (
        [bool(d.get_hatch()) for d in dots]
        == [line.get_linestyle() == "--" for line in lines]
        == [True, False, False]
    )
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        en for _, en in REACH_LABELS.values()
    ]


def test_a_notebook_keeps_figures_manifest_and_results(tmp_path, monkeypatch):
    monkeypatch.setenv("WYF_OUT", str(tmp_path))
    nb = open_notebook("09_try", run="trial", profile="sample", seed=3, extra=1)
    nb.uses(np.arange(3))
    nb.figure(titled("그림"), "one", caption={"ko": "그림 하나", "en": "One figure"})
    nb.record({"macro_f1/tfidf": np.float64(0.5), "macro_f1/e5": INTERVAL, "rows/x": np.int64(3)})
    row = read_json(tmp_path / "figures" / "manifest.json")["09_one"]
    assert (
        row["notebook"] == "09_try"
        and row["run"] == "trial"
        and row["parameters"] == {"run": "trial", "profile": "sample", "seed": 3, "extra": 1}
    )
    assert row["caption"]["ko"] == row["alt"]["ko"] == "그림 하나" and len(row["data"]) == 16
    assert read_json(tmp_path / "results.json") == {
        "trial": {"09_try": {"macro_f1/tfidf": 0.5, "macro_f1/e5": INTERVAL, "rows/x": 3}}
    }
    assert "Sample data" in nb._repr_markdown_() and nb.mark("ko") == " (예시 자료)"
