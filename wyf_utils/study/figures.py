"""Style, palette, named sizes, and every figure that is drawn twice or more.

A figure is a builder: a function of the language ("ko" or "en") that returns a matplotlib figure. `save` calls it
for both languages and writes PNG and SVG. A missing glyph is an error.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import font_manager
from matplotlib.figure import Figure

from ..core import artifacts, emotions, metrics
from ..core.artifacts import replacing_file
from ..core.errors import BadInput, MissingData

LANGUAGES = ("ko", "en")
#: Named sizes in inches; a slide (16:9) has text of 18 pt or more.
SIZES = {"page": (7.2, 4.2), "tall": (7.2, 6.4), "slide": (13.33, 7.5)}
INK, GRID, BASELINE, ACCENT = "#2B2B2B", "#E3E3E3", "#B5B5B5", "#2F6690"
#: Hatch of everything that was published in 2022 and is not ours.
HATCH_2022 = "////"

Builder = Callable[[str], Figure]


def font_path(weight: str = "") -> Path:
    """Path of NanumGothic (weight "", "Bold", "ExtraBold", "Light") out of koreanize-matplotlib, which is not imported."""
    spec = importlib.util.find_spec("koreanize_matplotlib")
    if spec is None:
        raise MissingData("The Korean font is missing; install koreanize-matplotlib.")
    return Path(next(iter(spec.submodule_search_locations))) / "fonts" / f"NanumGothic{weight}.ttf"


def set_style(size: str = "page") -> None:
    """Set fonts, colours and text sizes for one of the named sizes."""
    if size not in SIZES:
        raise BadInput(f"There is no figure size '{size}'; choose one of: {', '.join(SIZES)}.")
    for weight in ("", "Bold"):
        font_manager.fontManager.addfont(str(font_path(weight)))
    text = 18 if size == "slide" else 10
    mpl.rcParams.update(
        {
            "font.family": "NanumGothic",
            "axes.unicode_minus": False,
            "font.size": text,
            "axes.titlesize": text * 1.15,
            "axes.titleweight": "semibold",
            "axes.titlelocation": "left",
            "axes.titlepad": text * 0.9,
            "axes.labelsize": text,
            "xtick.labelsize": text * 0.95,
            "ytick.labelsize": text * 0.95,
            "legend.fontsize": text * 0.9,
            "legend.frameon": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "axes.grid": False,
            "grid.color": GRID,
            "figure.figsize": SIZES[size],
            "figure.dpi": 110,
            "savefig.dpi": 160,
            "figure.constrained_layout.use": True,
            "svg.fonttype": "path",
            "svg.hashsalt": "wyf",
            "axes.prop_cycle": mpl.cycler(color=["#2F6690", "#D1453B", "#4FA36C", "#F2A71B", "#8E5BA6", "#8C8C8C"]),
        }
    )


def pick(lang: str, ko: str, en: str) -> str:
    """Return the wording of a language."""
    return ko if lang == "ko" else en


def names(lang: str) -> tuple[str, ...]:
    """Names of the six emotions in a language, in order."""
    return emotions.KO if lang == "ko" else emotions.EN


def save(builder: Builder, folder: Path, name: str) -> dict[str, Figure]:
    """Draw a figure in both languages and save it as PNG and SVG.

    Parameters
    ----------
    builder
        Function of the language that returns the figure.
    folder
        Where the four files go.
    name
        `<notebook number>_<name>`; the endings are `.ko.png`, `.en.svg` and so on.

    Returns
    -------
    dict
        The figures by language, still open for showing.

    Raises
    ------
    MissingData
        If the font lacks a glyph that the figure needs.
    """
    drawn = {}
    for lang in LANGUAGES:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            figure = builder(lang)
            for ending, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
                with replacing_file(folder / f"{name}.{lang}.{ending}") as path:
                    figure.savefig(path, format=ending, metadata=metadata)
        for warning in caught:
            if "Glyph" in str(warning.message) and "missing" in str(warning.message):
                plt.close("all")
                raise MissingData(f"Figure {name}: {warning.message}; use a character that NanumGothic has.")
        drawn[lang] = figure
        plt.close(figure)
    return drawn


# Figures --------------------------------------------------------------------------------------------


def emotion_bars(counts: Sequence[float], lang: str, title: str, xlabel: str, *, percent: bool = False, beside: Sequence[float] | None = None) -> Figure:
    """Horizontal bars of the six emotions in their colours, with numbers; optionally 2022 hatched beside."""
    figure, axes = plt.subplots()
    counts = np.asarray(counts, float)
    at = np.arange(emotions.N)
    height = 0.72 if beside is None else 0.38
    form = (lambda v: f"{v:.1%}") if percent else (lambda v: f"{v:,.0f}")
    bars = axes.barh(at - (0 if beside is None else 0.2), counts, height, color=emotions.COLOURS)
    axes.bar_label(bars, [form(v) for v in counts], padding=4)
    if beside is not None:
        other = axes.barh(at + 0.2, beside, height, color="white", edgecolor=BASELINE, hatch=HATCH_2022, label="2022")
        axes.bar_label(other, [form(v) for v in beside], padding=4, color="#7A7A7A")
        axes.legend(loc="lower right")
    axes.set(yticks=at, yticklabels=names(lang), title=title, xlabel=xlabel)
    axes.invert_yaxis()
    axes.margins(x=0.14)
    axes.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1) if percent else mpl.ticker.StrMethodFormatter("{x:,.0f}"))
    return figure


def pipeline(ledger: pd.DataFrame, labels: dict[str, tuple[str, str]], lang: str, title: str) -> Figure:
    """Rows that remain after each cleaning step, as a falling row of bars with what was dropped."""
    figure, axes = plt.subplots(figsize=(SIZES["page"][0], 0.9 + 0.42 * (len(ledger) + 1)))
    steps = [pick(lang, "모은 자료", "collected"), *(pick(lang, *labels.get(s, (s, s))) for s in ledger["step"])]
    left = [int(ledger["rows_in"].iloc[0]), *ledger["rows_out"].astype(int)]
    dropped = [0, *ledger["dropped"].astype(int)]
    changed = [0, *ledger["changed"].astype(int)]
    at = np.arange(len(steps))
    axes.barh(at, left, 0.66, color=ACCENT)
    axes.barh(at, dropped, 0.66, left=left, color="#E8B7B2")
    for row, (kept, lost, corrected) in enumerate(zip(left, dropped, changed, strict=True)):
        text = f"{kept:,}"
        text += f"  (-{lost:,})" if lost else ""
        text += pick(lang, f"  ({corrected:,}개 고침)", f"  ({corrected:,} corrected)") if corrected and not lost else ""
        axes.text(kept + lost + 0.01 * left[0], row, text, va="center")
    axes.set(yticks=at, yticklabels=steps, title=title, xlabel=pick(lang, "남은 행 수", "rows left"))
    axes.invert_yaxis()
    axes.margins(x=0.2)
    return figure


def score_bars(
    scores: dict[str, float | dict],
    labels: dict[str, tuple[str, str]],
    lang: str,
    title: str,
    xlabel: str,
    *,
    colours: dict[str, str] | None = None,
    line: tuple[float, str] | None = None,
) -> Figure:
    """Scores of models as bars with their intervals, baselines in a colour of their own."""
    figure, axes = plt.subplots(figsize=(SIZES["page"][0], 1.3 + 0.42 * len(scores)))
    for at, (name, value) in enumerate(scores.items()):
        mean = edge = value["mean"] if isinstance(value, dict) else value
        axes.barh(at, mean, 0.66, color=(colours or {}).get(name, ACCENT))
        if isinstance(value, dict):
            axes.plot([value["low"], value["high"]], [at, at], color=INK, lw=1.4, solid_capstyle="butt")
            edge = max(mean, value["high"])
        axes.text(edge + 0.012, at, f"{mean:.3f}", va="center")
    if line:
        axes.axvline(line[0], color=INK, ls="--", lw=1)
        axes.text(line[0], -0.75, f" {line[1]}", va="center", fontsize="small")
    axes.set(yticks=range(len(scores)), yticklabels=[pick(lang, *labels.get(k, (k, k))) for k in scores], title=title, xlabel=xlabel)
    axes.set_xlim(0, min(1.08, axes.get_xlim()[1] * 1.12))
    axes.invert_yaxis()
    return figure


def grouped_scores(
    ours: dict[str, Sequence[float]], published: dict[str, Sequence[float]], labels: dict[str, tuple[str, str]], lang: str, title: str, xlabel: str
) -> Figure:
    """F1, precision and recall of each model as three bars; those published in 2022 hatched below ours."""
    rows = [(pick(lang, *labels.get(k, (k, k))), v, False) for k, v in ours.items()] + [(f"{k} (2022)", v, True) for k, v in published.items()]
    figure, axes = plt.subplots(figsize=(SIZES["page"][0], 1.4 + 0.62 * len(rows)))
    scores = ((pick(lang, "F1", "F1"), ACCENT), (pick(lang, "정밀도", "precision"), "#7FA8C4"), (pick(lang, "재현율", "recall"), "#C5D8E5"))
    for at, (_, values, old) in enumerate(rows):
        for place, (value, (name, colour)) in enumerate(zip(values, scores, strict=True)):
            y = at + (place - 1) * 0.26
            axes.barh(y, value, 0.24, color=colour, edgecolor="white", hatch=HATCH_2022 if old else None, lw=0, label=name if at == 0 else None)
            axes.text(value + 0.006, y, f"{value:.3f}", va="center", fontsize=7.5)
    axes.set(yticks=range(len(rows)), yticklabels=[r[0] for r in rows], title=title, xlabel=xlabel)
    axes.set_xlim(0, min(1.0, axes.get_xlim()[1] * 1.06))
    axes.invert_yaxis()
    axes.legend(ncols=3, loc="upper right", bbox_to_anchor=(1, 1.0))
    return figure


def confusion(true: np.ndarray, predicted: np.ndarray, lang: str, title: str) -> Figure:
    """Row-normalised confusion matrix, with counts in brackets."""
    counts = np.zeros((emotions.N, emotions.N), int)
    np.add.at(counts, (true, predicted), 1)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure, axes = plt.subplots(figsize=SIZES["tall"])
    text = np.array([[f"{s:.0%}\n({c})" for s, c in zip(a, b, strict=True)] for a, b in zip(share, counts, strict=True)])
    sns.heatmap(share, annot=text, fmt="", cmap="Blues", vmin=0, vmax=1, square=True, cbar=False, ax=axes,
                xticklabels=names(lang), yticklabels=names(lang), annot_kws={"fontsize": 9})  # fmt: skip
    axes.set(title=title, xlabel=pick(lang, "예측", "answered"), ylabel=pick(lang, "실제 감정", "true emotion"))
    axes.tick_params(axis="y", rotation=0)
    return figure


def flow(labels: pd.DataFrame, lang: str, title: str) -> Figure:
    """Flow of the source's labels (left) into the six emotions (right); a band is as thick as its texts are many.

    Parameters
    ----------
    labels
        One row a label: columns label, emotion (id), n.
    """
    table = labels.sort_values(["emotion", "n"], ascending=[True, False]).reset_index(drop=True)
    share, totals = table["n"] / table["n"].sum(), table.groupby("emotion")["n"].sum() / table["n"].sum()
    inches = 1.8 + 0.2 * len(table)
    left, left_height = _slots(share.to_numpy(), 1 / len(table))  # a rare label still has room for its name
    right, right_height = _slots(totals.to_numpy(), 0.7 / inches)
    right += (left_height - right_height) / 2
    figure, axes = plt.subplots(figsize=(SIZES["page"][0], inches))
    t = np.linspace(0, 1, 40)
    ease = 3 * t**2 - 2 * t**3
    starts = dict(zip(totals.index, right - totals.to_numpy() / 2, strict=True))
    for row, middle, part in zip(table.itertuples(), left, share, strict=True):
        upper = middle - part / 2 + (starts[row.emotion] - middle + part / 2) * ease
        axes.fill_between(t, -upper, -upper - part, color=emotions.COLOURS[row.emotion], alpha=0.45, lw=0)
        axes.text(-0.015, -middle, f"{row.label} {row.n:,}", ha="right", va="center", fontsize=8)
        starts[row.emotion] += part
    for (emotion, part), middle in zip(totals.items(), right, strict=True):
        axes.add_patch(plt.Rectangle((1, -middle - part / 2), 0.025, part, color=emotions.COLOURS[emotion], lw=0))
        axes.text(1.04, -middle, f"{names(lang)[emotion]}\n{part * table['n'].sum():,.0f} ({part:.0%})", ha="left", va="center")
    height = max(left_height, right_height)
    axes.set(title=title, xlim=(-0.32, 1.25), ylim=(-left_height / 2 - height / 2 - 0.01, -left_height / 2 + height / 2 + 0.01))
    axes.axis("off")
    return figure


def _slots(shares: np.ndarray, least: float, gap: float = 0.004) -> tuple[np.ndarray, float]:
    """Middles of slots from the top down, each at least `least` high, and their height together."""
    heights = np.maximum(shares, least) + gap
    return np.cumsum(heights) - heights / 2, float(heights.sum())


def word_cloud(labels: pd.DataFrame, lang: str, title: str, seed: int) -> Figure:
    """Cloud of the source's labels, as large as they are frequent, in the colour of their emotion (table as for `flow`)."""
    from wordcloud import WordCloud

    colour = {row.label: emotions.COLOURS[row.emotion] for row in labels.itertuples()}
    cloud = WordCloud(
        font_path=str(font_path("Bold")), width=1400, height=760, background_color="white", random_state=seed, relative_scaling=0.4,
        color_func=lambda word, **_: colour[word],
    ).generate_from_frequencies(dict(zip(labels["label"], labels["n"], strict=True)))  # fmt: skip
    figure, axes = plt.subplots()
    axes.imshow(cloud, interpolation="bilinear")
    axes.set_title(title)
    axes.axis("off")
    handles = [plt.Line2D([], [], marker="s", ls="", color=e.colour, label=names(lang)[e.id]) for e in emotions.EMOTIONS]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=6, columnspacing=1, handletextpad=0.2)
    return figure


def over_time(seconds: np.ndarray, values: np.ndarray, lang: str, title: str, ylabel: str) -> Figure:
    """One value a frame over time."""
    figure, axes = plt.subplots()
    axes.plot(seconds, values, lw=0.7, color=ACCENT)
    axes.set(title=title, xlabel=pick(lang, "초", "seconds"), ylabel=ylabel)
    return figure


def mel_picture(mel: np.ndarray, seconds: np.ndarray, hertz: np.ndarray, lang: str, title: str) -> Figure:
    """Mel spectrogram (bands, frames) in decibels, with its times (frames,) and band centres (bands,)."""
    figure, axes = plt.subplots()
    image = axes.pcolormesh(seconds, np.arange(len(hertz)), mel, cmap="magma", shading="nearest", rasterized=True)
    ticks = range(0, len(hertz), 8)
    axes.set(
        title=title,
        xlabel=pick(lang, "초", "seconds"),
        ylabel=pick(lang, "헤르츠", "hertz"),
        yticks=ticks,
        yticklabels=[f"{hertz[i]:,.0f}" for i in ticks],
    )
    figure.colorbar(image, label="dB")
    return figure


def word_bars(words: dict[int, pd.Series], lang: str, title: str) -> Figure:
    """Most frequent content words of each emotion, as small bars: {emotion id: counts by word}."""
    figure, axes = plt.subplots(2, 3, figsize=(SIZES["page"][0] * 1.25, 6.2))
    for ax, emotion in zip(axes.flat, emotions.EMOTIONS, strict=True):
        counts = words.get(emotion.id, pd.Series(dtype=int))
        ax.barh(counts.index, counts.to_numpy(), 0.7, color=emotion.colour)
        ax.set_title(names(lang)[emotion.id])
        ax.invert_yaxis()
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(4, integer=True))
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    figure.supxlabel(pick(lang, "낱말이 나온 글의 수", "texts with the word"), fontsize="medium")
    return figure


def histograms(values: dict[str, np.ndarray], lang: str, title: str, xlabel: str, bins: np.ndarray | int = 60, legend: str = "") -> Figure:
    """Overlaid densities of several samples."""
    figure, axes = plt.subplots()
    for name, sample in values.items():
        axes.hist(sample, bins=bins, alpha=0.55, density=True, label=name)
    axes.set(title=title, xlabel=xlabel, ylabel=pick(lang, "밀도", "density"))
    if len(values) > 1:
        axes.legend(title=legend)
    return figure


def scatters(pairs: dict[str, tuple[np.ndarray, np.ndarray, str]], title: str, axes_names: tuple[str, str]) -> Figure:
    """Scatter plots side by side: {name: (x, y, note)}."""
    figure, axes = plt.subplots(1, len(pairs), figsize=(4.3 * len(pairs), 4.2), squeeze=False)
    for ax, (name, (x, y, note)) in zip(axes[0], pairs.items(), strict=True):
        ax.scatter(x, y, s=12, alpha=0.45, lw=0, color=ACCENT)
        ax.set(xlabel=axes_names[0], ylabel=axes_names[1])
        ax.set_title(f"{name}: {note}", fontweight="normal")
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    return figure


def plane(points: np.ndarray, ids: np.ndarray, lang: str, title: str, note: str = "") -> Figure:
    """Points in the plane (n, 2), coloured by emotion."""
    figure, axes = plt.subplots(figsize=SIZES["tall"])
    for emotion in emotions.EMOTIONS:
        chosen = ids == emotion.id
        if chosen.any():
            axes.scatter(
                *points[chosen].T,
                s=26,
                color=emotion.colour,
                alpha=0.8,
                lw=0,
                label=f"{names(lang)[emotion.id]} ({chosen.sum()})",
                rasterized=len(points) > 2000,
            )
    axes.set(title=title, xticks=[], yticks=[], xlabel=note)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def curves(lines: dict[str, Sequence[tuple[float, float]]], title: str, xlabel: str, ylabel: str, *, line: tuple[float, str] | None = None) -> Figure:
    """One line a run, as points (x, y), with an optional baseline."""
    figure, axes = plt.subplots()
    for place, (name, points) in enumerate(lines.items()):  # every other line is dashed and on top, so that equal ones both show
        axes.plot(*zip(*points, strict=True), marker="o", ms=3, ls=("-", "--")[place % 2], zorder=2 + place % 2, label=name)
    if line:
        axes.axhline(line[0], color=INK, ls="--", lw=1, label=line[1])
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    axes.grid(axis="y")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def learning_curves(table: pd.DataFrame, tests: dict[str, str], labels: dict[str, tuple[str, str]], lang: str, title: str) -> Figure:
    """Macro-F1 against the number of training sentences, one panel a test part and one line a model, with 95 % bars.

    Parameters
    ----------
    table
        As `comparison.learning_curve` gives it.
    tests
        {name of a test part: title of its panel}.
    labels
        Korean and English names of the models.
    """
    figure, axes = plt.subplots(1, len(tests), figsize=(4.6 * len(tests), 4.4), sharey=True, squeeze=False)
    sizes = sorted(table["n"].unique())
    colours = dict(zip(table["model"].unique(), ("#7A7A7A", "#4FA36C", "#8E5BA6", "#D1453B"), strict=False))
    for ax, (test, heading) in zip(axes[0], tests.items(), strict=True):
        for place, (model, rows) in enumerate(table[table["test"] == test].groupby("model", sort=False)):
            at = rows["n"] * 1.03 ** (place - 1.5)  # beside each other, so that the bars of models do not cover one another
            mean = np.array([score["mean"] for score in rows["macro_f1"]])
            ends = np.array([(score["mean"] - score["low"], score["high"] - score["mean"]) for score in rows["macro_f1"]]).T
            ax.errorbar(at, mean, ends, color=colours[model], marker="o", ms=4, lw=1.6, elinewidth=1, label=pick(lang, *labels[model]))
        ax.set(xscale="log", ylim=(0, 1), xlabel=pick(lang, "학습 문장 수", "training sentences"))
        ax.set_xticks(sizes, [f"{n:,}" for n in sizes])
        ax.minorticks_off()
        ax.set_title(heading, fontweight="normal", fontsize=10)
        ax.grid(axis="y")
    axes[0, 0].set_ylabel("macro-F1")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(colours))
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    return figure


def reliability(tables: dict[str, tuple[pd.DataFrame, str]], lang: str, title: str) -> Figure:
    """Accuracy against confidence, side by side, with the line of a calibrated model: {name: (table of `metrics.reliability`, ECE)}."""
    figure, axes = plt.subplots(1, len(tables), figsize=(4.1 * len(tables), 4.3), sharey=True)
    for ax, (name, (table, ece)) in zip(axes, tables.items(), strict=True):
        ax.plot([0, 1], [0, 1], ls="--", lw=1, color=INK)
        ax.bar(table["confidence"], table["accuracy"], width=0.07, color=ACCENT)
        _counts_in_bars(ax, table)
        ax.set(xlim=(0, 1), ylim=(0, 1.05), xlabel=pick(lang, "확신도 (막대 안의 수는 글 수)", "confidence (in the bars: texts)"))
        ax.set_title(f"{name}, ECE {ece}", fontweight="normal", fontsize=10)
    axes[0].set_ylabel(pick(lang, "정확도", "accuracy"))
    figure.get_layout_engine().set(wspace=0.06)
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    return figure


def _counts_in_bars(ax: plt.Axes, table: pd.DataFrame) -> None:
    """Write how many texts a bar stands for at its foot, where the diagonal does not pass: with six emotions no confidence is below a sixth."""
    turned = table["n"].max() > 999  # four digits are wider than a bar
    room = 0.11 if turned else 0.06  # a lower bar has its count on top
    for row in table.itertuples():
        inside = row.accuracy >= room
        style = {"color": "white" if inside else INK, "rotation": 90 if turned else 0, "fontsize": 7.5}
        ax.text(row.confidence, 0.015 + (0 if inside else row.accuracy), f"{row.n:,}", ha="center", va="bottom", **style)


def cost(table: pd.DataFrame, labels: dict[str, tuple[str, str]], lang: str, title: str) -> Figure:
    """Score of each model against the seconds to make it (table of `comparison.cost`); a hollow dot is a model whose weights are not counted."""
    figure, axes = plt.subplots(figsize=(SIZES["page"][0], SIZES["page"][1] + 0.4))
    x, y, weights = table["seconds to make"], table["macro-F1"], table["million weights"]
    counted = weights.notna()
    label = pick(lang, "가중치를 세지 않음", "weights not counted")
    axes.scatter(x[~counted], y[~counted], s=34, facecolor="white", edgecolor=ACCENT, lw=1.4, zorder=3, label=label)
    if counted.any():
        most = pick(lang, f"가장 큰 점 {100 * weights.max():,.0f}만 개", f"largest: {weights.max():,.0f} million")
        label = f"{pick(lang, '점의 크기는 가중치 수', 'as large as the weights are many')} ({most})"
        axes.scatter(x[counted], y[counted], s=40 + 6 * weights[counted], color=ACCENT, alpha=0.8, lw=0, label=label)
    for place, row in enumerate(table.sort_values("macro-F1", ascending=False).itertuples()):
        name, slow = pick(lang, *labels.get(row.Index, (row.Index, row.Index))), row[2] > table["seconds to make"].max() / 10
        side = {"xytext": (-9 if slow else 9, -11 if place % 2 else 5), "ha": "right" if slow else "left"}  # clear of each other and of the edge
        axes.annotate(name, (row[2], row[4]), textcoords="offset points", **side)
    axes.set(xscale="log", title=title, xlabel=pick(lang, "만드는 데 걸린 시간 (초)", "seconds to make"), ylabel="macro-F1")
    axes.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,g}"))
    axes.margins(x=0.25, y=0.15)
    axes.grid(axis="y")
    axes.legend(ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.14), columnspacing=1.5, handletextpad=0.4)
    return figure


def table(content: dict, title: str) -> Figure:
    """Published table, hatched as everything that is not ours: {columns, rows, source}."""
    columns, rows = content["columns"], content["rows"]
    figure, axes = plt.subplots(figsize=(max(SIZES["page"][0], 0.72 * len(columns) + 1.6), 1.5 + 0.34 * len(rows)))
    axes.axis("off")
    drawn = axes.table(cellText=rows, colLabels=columns, loc="center", cellLoc="center")
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(9.5)
    drawn.scale(1, 1.45)
    drawn.auto_set_column_width(range(len(columns)))
    for (row, column), cell in drawn.get_celld().items():
        cell.set_edgecolor(GRID)
        if row == 0 or column == 0:
            cell.set_text_props(fontweight="semibold")
        if row > 0 and column > 0:
            cell.set(hatch="///", facecolor="white", edgecolor="#E9E9E9")
    axes.set_title(title)
    figure.text(0.02, 0.01, content["source"], fontsize=8, color="#7A7A7A")
    return figure


def boxes(items: Sequence[tuple[float, float, str, str]], arrows: Sequence[tuple[int, int]], title: str, size: tuple[float, float] = (9.6, 4.6)) -> Figure:
    """Diagram of boxes and arrows.

    Parameters
    ----------
    items
        Centre x, centre y, text, colour of each box, in units of boxes' places.
    arrows
        Pairs of box numbers.
    """
    figure, axes = plt.subplots(figsize=size)
    for x, y, text, colour in items:
        axes.text(x, y, text, ha="center", va="center", fontsize=10, linespacing=1.35,
                  bbox={"boxstyle": "round,pad=0.55", "fc": colour, "ec": INK, "lw": 0.8}, zorder=3)  # fmt: skip
    axes.set(title=title)
    axes.axis("off")
    xs, ys = [i[0] for i in items], [i[1] for i in items]
    axes.set_xlim(min(xs) - 0.75, max(xs) + 0.75)
    axes.set_ylim(min(ys) - 0.6, max(ys) + 0.6)
    figure.canvas.draw()
    patches = [text.get_bbox_patch() for text in axes.texts]
    for start, end in arrows:
        axes.annotate("", xy=items[end][:2], xytext=items[start][:2], zorder=2,
                      arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.1, "shrinkA": 0, "shrinkB": 0,
                                  "patchA": patches[start], "patchB": patches[end]})  # fmt: skip
    return figure


def heatmaps(tables: dict[str, pd.DataFrame], labels: dict[str, tuple[str, str]], lang: str, title: str) -> Figure:
    """Square tables of percentages side by side."""
    figure, axes = plt.subplots(1, len(tables), figsize=(4.2 * len(tables), 4.0), squeeze=False)
    for ax, (name, table) in zip(axes[0], tables.items(), strict=True):
        ticks = [pick(lang, *labels[c]) for c in table.columns]
        sns.heatmap(table, annot=True, fmt=".1f", cmap="Blues", vmin=0, vmax=100, square=True, cbar=False, ax=ax, xticklabels=ticks, yticklabels=ticks)
        ax.set_title(name, fontweight="normal")
        ax.tick_params(axis="y", rotation=0)
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    return figure


def umap_plane(vectors: np.ndarray, seed: int) -> np.ndarray:
    """UMAP coordinates (n, 2) of vectors, from the cache: they differ between platforms, so that they are kept."""

    def make(folder: Path) -> None:
        import umap  # slow to import, and only needed where nothing is kept

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="n_jobs value")  # a fixed seed means one thread, as we want
            points = umap.UMAP(n_neighbors=min(15, len(vectors) - 1), random_state=seed, n_jobs=1).fit_transform(vectors)
        np.save(folder / "points.npy", points, allow_pickle=False)

    entry = artifacts.folder("umap", make, parameters={"seed": seed}, data=artifacts.fingerprint(vectors), code=[umap_plane])
    return np.load(entry.path / "points.npy", allow_pickle=False)


def measure_tiles(lang: str) -> Figure:
    """Explain the four measures of 2022 with one hit each: true emotions above, the model's below."""
    examples = (
        ("Top-2", (0, 3), (3, 0), pick(lang, "순서 없이 둘 다 같다", "the same two, in any order")),
        ("Top-3", (0, 3, 4), (4, 0, 3), pick(lang, "순서 없이 셋 다 같다", "the same three, in any order")),
        ("Less-strict Top-1", (0, 3), (3, 1), pick(lang, "둘 중 하나 이상 같다", "at least one of two")),
        ("Less-strict Top-2", (0, 3, 4), (4, 2, 0), pick(lang, "셋 중 둘 이상 같다", "at least two of three")),
    )
    figure, axes = plt.subplots(2, 2, figsize=SIZES["page"])
    for ax, (name, true, answer, rule) in zip(axes.flat, examples, strict=True):
        for row, (who, vector) in enumerate(((pick(lang, "정답", "true"), true), (pick(lang, "모델", "model"), answer))):
            ax.text(-0.25, -row, who, ha="right", va="center")
            for column, emotion in enumerate(vector):
                hit = emotion in true and emotion in answer
                ax.add_patch(plt.Rectangle((column, -row - 0.4), 0.94, 0.8, facecolor=emotions.COLOURS[emotion] if hit else "white", edgecolor=INK, lw=0.8))
                ax.text(
                    column + 0.47,
                    -row,
                    names(lang)[emotion],
                    ha="center",
                    va="center",
                    color="white" if hit else INK,
                    fontweight="semibold" if hit else "normal",
                )
        ax.set(xlim=(-0.9, 3), ylim=(-1.5, 0.55))
        ax.set_title(f"{name}: {rule}", fontsize=10)
        ax.axis("off")
    return figure


def before_after(
    ours: dict[str, tuple[float, float, float]],
    published: dict[str, tuple[float, float]],
    lang: str,
    title: str,
    labels: tuple[str, str],
    published_majority: dict[str, float] | None = None,
) -> Figure:
    """Each measure before and after embedding, with its majority line; 2022 hatched beside, or a note where 2022 published nothing.

    Parameters
    ----------
    ours
        {measure: (before, after, majority)}.
    published
        {measure: (before, after)} of 2022.
    labels
        What before and after stand for.
    published_majority
        {measure: majority among the labels of 2022}, a line of its own over the hatched bars; one that is missing or has no bars is left out.
    """
    figure, axes = plt.subplots(figsize=(8.6, 4.7))
    at, width = np.arange(len(ours)), 0.2
    styles = (
        (0, labels[0], "#9DBAD0", None), (1, labels[1], ACCENT, None),
        (2, pick(lang, "2022년 발표, 전", "published 2022, before"), "white", ".."),
        (3, pick(lang, "2022년 발표, 후", "published 2022, after"), "white", HATCH_2022),
    )  # fmt: skip
    for place, label, colour, hatch in styles:
        values = [(ours[m][place] if place < 2 else published.get(m, (np.nan, np.nan))[place - 2]) for m in ours]
        bars = axes.bar(at + (place - 1.5) * width, values, width * 0.94, color=colour, edgecolor=BASELINE if hatch else colour, hatch=hatch, label=label)
        dark = label == labels[1]
        box = {"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none"} if hatch else None
        texts = [f"{v:.0%}" if np.isfinite(v) else "" for v in values]
        axes.bar_label(bars, texts, label_type="center", fontsize=8, color="white" if dark else INK, bbox=box)  # clear of the majority lines
    for row in (row for row, measure in enumerate(ours) if measure not in published):
        axes.text(row + width, 0.02, pick(lang, "2022: 발표 안 함", "2022: not published"), rotation=90, ha="center", va="bottom", fontsize=8, color="#7A7A7A")
    _majority_lines(axes, {row: values[2] for row, values in enumerate(ours.values())}, -1, pick(lang, "최빈 감정", "majority"), "-")
    known = {row: (published_majority or {}).get(m) for row, m in enumerate(ours) if m in published}
    known = {row: value for row, value in known.items() if value is not None}
    _majority_lines(axes, known, 1, pick(lang, "최빈 감정 (2022 라벨)", "majority (labels of 2022)"), (0, (3, 1)))
    axes.set(title=title, xticks=at, xticklabels=list(ours), ylim=(0, 1.12))
    axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    axes.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.1), columnspacing=1.5, handlelength=2)
    return figure


def _majority_lines(axes: plt.Axes, lines: dict[int, float], side: int, label: str, style: str | tuple) -> None:
    """Draw {number of a measure: majority} over the left (-1) or right (1) pair of its bars."""
    for number, (row, value) in enumerate(lines.items()):
        ends = sorted((row + side * 0.42, row + side * 0.02))
        axes.plot(ends, [value, value], color="#D1453B", lw=1.8, ls=style, solid_capstyle="butt", label=label if number == 0 else None)


def stacked_shares(shares: dict[str, np.ndarray], labels: dict[str, tuple[str, str]], lang: str, title: str) -> Figure:
    """Horizontal stacked bars of the six emotions, one bar a kind of vector."""
    figure, axes = plt.subplots(figsize=(SIZES["page"][0], 1.6 + 0.6 * len(shares)))
    left = np.zeros(len(shares))
    rows = np.arange(len(shares))
    for emotion in emotions.EMOTIONS:
        values = np.array([s[emotion.id] for s in shares.values()])
        axes.barh(rows, values, 0.62, left=left, color=emotion.colour, label=names(lang)[emotion.id])
        for row, (value, start) in enumerate(zip(values, left, strict=True)):
            if value >= 0.04:
                axes.text(start + value / 2, row, f"{value:.0%}", ha="center", va="center", color="white", fontweight="semibold")
        left += values
    axes.set(title=title, yticks=rows, yticklabels=[pick(lang, *labels[k]) for k in shares], xlim=(0, 1))
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    figure.legend(ncols=6, loc="outside lower center", columnspacing=1, handlelength=1)
    return figure


def feelings(sentences: Sequence[str], vectors: np.ndarray, lang: str, title: str) -> Figure:
    """Emotion probabilities of sentences as a grid of bars."""
    figure, axes = plt.subplots(2, (len(sentences) + 1) // 2, figsize=(10.4, 5.2), sharex=True, sharey=True)
    for ax, sentence, vector in zip(axes.flat, sentences, vectors, strict=True):
        bars = ax.barh(range(emotions.N), vector, color=emotions.COLOURS)
        ax.bar_label(bars, [f"{v:.2f}" for v in vector], padding=3, fontsize=8.5)
        ax.set_title(sentence, fontsize=9.5, fontweight="normal")
        ax.set(yticks=range(emotions.N), yticklabels=names(lang), xlim=(0, 1.15))
    axes.flat[0].invert_yaxis()
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    return figure


def search_time(times: pd.DataFrame, lang: str, title: str) -> Figure:
    """Search time against catalogue size on logarithmic axes (table of `evaluation.time_search`)."""
    figure, axes = plt.subplots()
    labels = {
        "loop": pick(lang, "scikit-learn, 곡마다 한 번 (2022, 외삽)", "scikit-learn, one call a song (2022, extrapolated)"),
        "sklearn": pick(lang, "scikit-learn, 한 번에", "scikit-learn, one call in all"),
        "expression_2022": pick(lang, "전체 계산과 정렬 (2022)", "whole expression and full sort (2022)"),
        "faiss": "faiss, IndexFlatIP",
        "wyf": "WYF",
    }
    songs = times.index.get_level_values("songs")
    for column, label in labels.items():
        if column in times:
            axes.plot(songs, times[column], marker="o", ms=4, label=label, ls="--" if "2022" in label else "-", lw=2.4 if column == "wyf" else 1.5)
    axes.set(xscale="log", yscale="log", title=title, xlabel=pick(lang, "곡 수", "songs"), ylabel=pick(lang, "밀리초", "milliseconds"))
    axes.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,g}"))
    axes.grid(which="major")
    axes.legend(loc="upper left", fontsize=8.5)
    axes.set_ylim(top=axes.get_ylim()[1] * 300)  # room for the legend
    return figure


def reach_and_hubs(reached: dict[str, np.ndarray], rows: dict[str, np.ndarray], labels: dict[str, tuple[str, str]], lang: str, title: str) -> Figure:
    """Different songs answered to each emotion, and how often each song is answered, most frequent first.

    On a logarithmic axis the length of a bar says nothing, so that the songs of an emotion are dots.

    Parameters
    ----------
    reached
        {recommender: songs of each emotion (6,)}; the last is ours.
    rows
        {recommender: answered rows (m, k)}.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.4, 4.8))
    step, handles = 0.8 / len(reached), []
    left.hlines(np.arange(emotions.N - 1) + 0.5, 0, 1, transform=left.get_yaxis_transform(), color=GRID, lw=0.8)  # between the emotions
    for place, (name, counts) in enumerate(reached.items()):
        dot, line = _recommender_style(name, ours=place == len(reached) - 1)
        at = np.arange(emotions.N) + (place - (len(reached) - 1) / 2) * step
        dots = left.scatter(counts, at, **dot)
        for count, y in zip(counts, at, strict=True):
            left.annotate(f"{count:,.0f}", (count, y), xytext=(7, 0), textcoords="offset points", va="center", fontsize=8)
        times = np.sort(np.bincount(rows[name].ravel()))[::-1]
        times = times[times > 0]
        handles.append((*right.plot(np.arange(1, len(times) + 1), times, lw=2, **line), dots))
    left.set(xscale="log", yticks=range(emotions.N), yticklabels=names(lang), xlabel=pick(lang, "서로 다른 노래 수", "different songs"))
    left.set_ylim(emotions.N - 0.5, -0.5)
    left.set_xlim(1, left.get_xlim()[1] * 4)
    left.tick_params(axis="y", length=0)
    right.set(
        xscale="log", yscale="log", xlabel=pick(lang, "노래 (자주 나온 순서)", "songs, most frequent first"), ylabel=pick(lang, "나온 횟수", "times answered")
    )
    right.grid(which="major")
    for ax in (left.xaxis, right.xaxis, right.yaxis):
        ax.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
    figure.legend(handles, [pick(lang, *labels[name]) for name in reached], loc="outside lower center", ncols=len(reached), handlelength=3.2, columnspacing=3)
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    return figure


def _recommender_style(name: str, *, ours: bool) -> tuple[dict, dict]:
    """Dots and line of a recommender, one colour in both panels: 2022 hatched and dashed, ours dark, what lies between light."""
    if name == "2022":
        return {"s": 62, "facecolor": "white", "edgecolor": "#7A7A7A", "hatch": HATCH_2022 * 2}, {"color": "#7A7A7A", "ls": "--"}
    colour = ACCENT if ours else "#F2A71B"
    return {"s": 44, "color": colour, "lw": 0, "marker": "o" if ours else "D"}, {"color": colour, "ls": "-"}


def emotion_path(songs: Sequence[str], vectors: np.ndarray, aims: np.ndarray, lang: str, title: str) -> Figure:
    """Songs of a path from left to right: emotions of each (k, 6) as a wide stacked bar, and what is wished for there (k, 6) as a thin one, as on the page."""
    figure, axes = plt.subplots(figsize=(SIZES["page"][0] + 1.2, SIZES["page"][1] + 0.6))
    at = np.arange(len(songs))
    for offset, width, values, alpha in ((-0.34, 0.14, aims / aims.sum(axis=1, keepdims=True), 0.55), (0.07, 0.6, vectors, 1.0)):
        bottom = np.zeros(len(songs))
        for emotion in emotions.EMOTIONS:
            share = values[:, emotion.id]
            axes.bar(at + offset, share, width, bottom=bottom, color=emotion.colour, alpha=alpha, label=names(lang)[emotion.id] if alpha == 1 else None)
            bottom += share
    axes.set(
        title=title,
        xticks=at,
        xticklabels=[f"{i + 1}. {song if len(song) <= 14 else song[:13] + '…'}" for i, song in enumerate(songs)],
        ylim=(0, 1),
    )
    kinds = pick(lang, "가는 막대: 바라는 기분, 넓은 막대: 고른 노래", "thin: the feeling wished for; wide: the song chosen")
    axes.set_ylabel(f"{pick(lang, '감정 비율', 'emotions')}\n{kinds}", linespacing=1.6)
    axes.tick_params(axis="x", rotation=20)
    axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def why(words: pd.DataFrame, feeling: np.ndarray, song: str, vector: np.ndarray, lang: str, title: str) -> Figure:
    """Why a song was chosen: how much each word moved the emotion (table of `explanation.moving_words`), and both vectors side by side."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.4, 4.2))
    shown = words.sort_values("place")
    emotion = int(words["emotion"].iloc[0])
    bars = left.barh(range(len(shown)), shown["effect"], color=[emotions.COLOURS[emotion] if e > 0 else BASELINE for e in shown["effect"]])
    left.bar_label(bars, [f"{e:+.2f}" for e in shown["effect"]], padding=4, fontsize=9)
    left.set(yticks=range(len(shown)), yticklabels=shown["word"], xlabel=pick(lang, f"{emotions.KO[emotion]}에 준 영향", f"effect on {emotions.EN[emotion]}"))
    left.axvline(0, color=INK, lw=0.8)
    left.margins(x=0.2)
    left.invert_yaxis()
    at = np.arange(emotions.N)
    for offset, values, alpha, label in ((-0.2, feeling, 1.0, pick(lang, "문장", "sentence")), (0.2, vector, 0.5, song)):
        right.barh(at + offset, values, 0.38, color=emotions.COLOURS, alpha=alpha, label=label)
    right.set(yticks=at, yticklabels=names(lang), xlim=(0, 1))
    right.invert_yaxis()
    right.legend(handles=[mpl.patches.Patch(color=INK, alpha=alpha, label=label) for alpha, label in ((1.0, pick(lang, "문장", "sentence")), (0.5, song))])
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    return figure


_SOFT = {"text": "#DCE8F2", "sound": "#EFE2F3", "store": "#E7F1E9", "answer": "#FCEBCB", "model": "#F3F3F3"}


def _stored(lang: str) -> str:
    """What the music database holds of each song (`database.MusicDatabase`)."""
    ko = "음악 DB, N곡\nv2, v3, 결합 (N, 6)씩\n가사 임베딩 (N, 384)"
    return pick(lang, ko, "music database, N songs\nv2, v3, fused: (N, 6) each\nlyric embedding (N, 384)")


def architecture(lang: str) -> Figure:
    """Sentence, lyrics and sound to the list of songs, with the shapes on the way."""
    items = (
        (0, 2, pick(lang, "사용자 문장", "sentence"), _SOFT["text"]),
        (0, 1, pick(lang, "가사", "lyrics"), _SOFT["text"]),
        (0, 0, pick(lang, "멜 (48, 1876)", "mel (48, 1876)"), _SOFT["sound"]),
        (1.2, 1.5, pick(lang, "언어 모델\n(미세조정한 인코더)", "language model\n(fine-tuned encoder)"), _SOFT["model"]),
        (1.2, 0, pick(lang, "멜 모델\n(얕은 신경망)", "mel model\n(shallow network)"), _SOFT["model"]),
        (2.4, 2, pick(lang, "v1 (1, 6)\n문장의 감정", "v1 (1, 6)\nof the sentence"), _SOFT["text"]),
        (2.4, 1, pick(lang, "v2 (1, 6)\n가사의 감정", "v2 (1, 6)\nof the lyrics"), _SOFT["text"]),
        (2.4, 0, pick(lang, "v3 (1, 6)\n소리의 감정", "v3 (1, 6)\nof the sound"), _SOFT["sound"]),
        (3.4, 0.5, pick(lang, "보정, 결합\nv2 + v3", "correct, fuse\nv2 + v3"), _SOFT["model"]),
        (4.65, 0.5, _stored(lang), _SOFT["store"]),
        (4.65, 2, pick(lang, "추천기\n코사인 유사도", "recommender\ncosine"), _SOFT["answer"]),
        (5.7, 2, pick(lang, "추천 노래", "songs"), _SOFT["answer"]),
    )
    arrows = ((0, 3), (1, 3), (2, 4), (3, 5), (3, 6), (4, 7), (6, 8), (7, 8), (8, 9), (9, 10), (5, 10), (10, 11))
    return boxes(items, arrows, pick(lang, "전체 구조", "Architecture"))


def architecture_text(lang: str) -> Figure:
    """Sentence and lyric through the same language model, with the shapes on the way."""
    items = (
        (0, 1, pick(lang, "사용자 문장", "sentence"), _SOFT["text"]),
        (0, 0, pick(lang, "가사, 두 줄씩", "lyric, two lines at a time"), _SOFT["text"]),
        (1.3, 0.5, pick(lang, "토큰 (1, T)", "tokens (1, T)"), _SOFT["model"]),
        (2.4, 0.5, pick(lang, "인코더\n(1, T, 384)", "encoder\n(1, T, 384)"), _SOFT["model"]),
        (3.5, 0.5, pick(lang, "평균, 표준화\n(1, 384)", "mean, standardise\n(1, 384)"), _SOFT["model"]),
        (4.7, 0.5, pick(lang, "선형층, 온도 조절\n(1, 6)", "linear layer,\ntemperature (1, 6)"), _SOFT["model"]),
        (5.9, 1, pick(lang, "v1 (1, 6)\n문장의 감정", "v1 (1, 6)\nof the sentence"), _SOFT["text"]),
        (5.9, 0, pick(lang, "v2 (1, 6)\n두 줄씩 읽은 평균", "v2 (1, 6)\nmean of couplets"), _SOFT["text"]),
    )
    return boxes(items, ((0, 2), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (5, 7)), pick(lang, "구조: 글", "Architecture: text"), size=(10.8, 3.2))


def architecture_mel(lang: str) -> Figure:
    """Sound through the mel model, with the shapes on the way."""
    items = (
        (0, 0, pick(lang, "소리\n20초에서 50초", "sound\nseconds 20 to 50"), _SOFT["sound"]),
        (1.2, 0, pick(lang, "멜 (48, 1876)\n데시벨", "mel (48, 1876)\ndecibels"), _SOFT["sound"]),
        (2.4, 0, pick(lang, "대역별 통계량 (1, 144)\n선형층", "statistics of bands\n(1, 144), linear layer"), _SOFT["model"]),
        (3.5, 0, pick(lang, "v3 (1, 6)\n소리의 감정", "v3 (1, 6)\nof the sound"), _SOFT["sound"]),
        (3.5, 1, pick(lang, "학습: 보정한 v2\n(가사의 감정)", "learns: corrected v2\n(of the lyrics)"), _SOFT["text"]),
    )
    return boxes(items, ((0, 1), (1, 2), (2, 3), (4, 2)), pick(lang, "구조: 소리", "Architecture: sound"), size=(9.6, 3.2))


def architecture_recommender(lang: str) -> Figure:
    """From v1, v2 and v3 to the list: prior, weights, search, near-equals, diversity."""
    items = (
        (0, 1, pick(lang, "v2 (가사)\nv3 (소리)", "v2 (lyrics)\nv3 (sound)"), _SOFT["text"]),
        (1.1, 1, pick(lang, "쏠림을 빼고\n소리의 확신도를 맞춤", "take the prior out,\nsharpen the sound"), _SOFT["model"]),
        (2.4, 1, pick(lang, "감정마다 가중 평균", "weighted mean,\none weight an emotion"), _SOFT["model"]),
        (3.7, 1, _stored(lang), _SOFT["store"]),
        (0, 0, pick(lang, "v1 (1, 6)\n문장", "v1 (1, 6)\nsentence"), _SOFT["text"]),
        (1.1, 0, pick(lang, "공감, 전환,\n반대, 탐색", "match, path,\nopposite, wide"), _SOFT["answer"]),
        (2.4, 0, pick(lang, "정확한 코사인: 가장\n잘 맞는 곡에 가까운 곡", "exact cosine,\nall that fit nearly as well"), _SOFT["answer"]),
        (3.7, 0, pick(lang, "시드, MMR,\n좋아요", "seed, MMR,\nlikes"), _SOFT["answer"]),
        (4.9, 0, pick(lang, "추천 노래와 까닭", "songs and reasons"), _SOFT["answer"]),
    )
    arrows = ((0, 1), (1, 2), (2, 3), (3, 6), (4, 5), (5, 6), (6, 7), (7, 8))
    return boxes(items, arrows, pick(lang, "구조: 추천기", "Architecture: recommender"), size=(10.8, 3.6))


def initial_design(lang: str) -> Figure:
    """Show the first plan of 2022: lexicons and KoBERT, a filter, songs."""
    items = (
        (0, 0.5, pick(lang, "사용자 문장", "sentence"), _SOFT["text"]),
        (1.2, 1, pick(lang, "감성어 사전", "sentiment lexicons"), _SOFT["model"]),
        (1.2, 0, "KoBERT", _SOFT["model"]),
        (2.4, 0.5, pick(lang, "감정 벡터", "emotion vector"), _SOFT["text"]),
        (3.5, 0.5, pick(lang, "필터링", "filter"), _SOFT["answer"]),
        (4.5, 0.5, pick(lang, "노래", "songs"), _SOFT["answer"]),
    )
    return boxes(items, ((0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (4, 5)), pick(lang, "초기 설계 (2022)", "Initial design (2022)"), size=(9.6, 2.8))


# Continued pre-training -----------------------------------------------------------------------------

#: Colours of the text domains, the same in every figure.
DOMAIN_COLOURS = {"conversation": "#2F6690", "emotion": "#D1453B", "lyrics": "#4FA36C", "unrelated": "#F2A71B"}


def venns(
    panels: dict[str, tuple[dict[tuple[str, ...], float], bool]], sets: Sequence[str], labels: dict[str, tuple[str, str]], lang: str, title: str
) -> Figure:
    """Venn diagrams of the same three sets side by side; areas are not to scale, numbers are percent of the union.

    Parameters
    ----------
    panels
        {title: (shares by the names of the sets that hold an element, whether it was published in 2022 and is hatched)}.
    sets
        Names of the three sets: upper left, upper right, below.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(3.5 * len(panels), 4.4), squeeze=False)
    a, b, c = sets
    centres = {a: (-0.55, 0.32), b: (0.55, 0.32), c: (0, -0.63)}
    places = {
        (a,): (-0.98, 0.55), (b,): (0.98, 0.55), (c,): (0, -1.15),
        (a, b): (0, 0.78), (a, c): (-0.64, -0.3), (b, c): (0.64, -0.3), (a, b, c): (0, 0.02),
    }  # fmt: skip
    for ax, (name, (shares, old)) in zip(axes[0], panels.items(), strict=True):
        for each, (x, y) in centres.items():
            colour = {"fc": "white", "ec": BASELINE, "hatch": HATCH_2022} if old else {"fc": DOMAIN_COLOURS[each], "ec": "none"}
            ax.add_patch(plt.Circle((x, y), 0.98, alpha=0.35, lw=1, **colour))
            if old:
                ax.add_patch(plt.Circle((x, y), 0.98, fc="none", ec="#7A7A7A", lw=1))
            ax.text(x * 1.75, 1.48 if y > 0 else -1.8, pick(lang, *labels[each]), ha="center", va="center", fontweight="semibold")
        box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"} if old else None
        for held, (x, y) in places.items():
            share = next((s for names_, s in shares.items() if set(names_) == set(held)), 0)
            ax.text(x, y, f"{share:.0f}%", ha="center", va="center", bbox=box)
        ax.text(0, 2, name, ha="center", va="center")
        ax.set(xlim=(-1.75, 1.75), ylim=(-2, 2.3), aspect="equal")
        ax.axis("off")
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    return figure


def domain_plane(points: np.ndarray, domains: np.ndarray, task: str, labels: dict[str, tuple[str, str]], lang: str, title: str, note: str) -> Figure:
    """Texts of several domains as points (n, 2); an ellipse holds about two in three of a domain's, the task's is drawn in full.

    Parameters
    ----------
    domains
        Domain of each point, (n,).
    task
        The domain that is fine-tuned on, also with another corpus behind an @; the others are pre-trained on.
    """
    figure, axes = plt.subplots(figsize=SIZES["tall"])
    for name in dict.fromkeys(domains):
        mine, colour, is_task = points[domains == name], DOMAIN_COLOURS.get(name, "#8E5BA6"), name.split("@")[0] == task
        kind = pick(lang, "과제", "task") if is_task else pick(lang, "사전학습", "pre-training")
        axes.scatter(*mine.T, s=16, color=colour, alpha=0.55, lw=0, label=f"{pick(lang, *labels[name])} ({kind})".replace("\n", " "))
        values, vectors = np.linalg.eigh(np.cov(mine.T))
        width, height = 2 * np.sqrt(2.28 * values)  # two thirds of a normal cloud
        angle = np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0]))
        axes.add_patch(
            mpl.patches.Ellipse(mine.mean(0), width, height, angle=angle, fc="none", ec=colour, lw=2.6 if is_task else 1.6, ls="-" if is_task else "--")
        )
    axes.set(title=title, xticks=[], yticks=[], xlabel=note)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=2, columnspacing=1.5, handletextpad=0.2)
    return figure


def losses(
    before: dict[str, float],
    after: dict[str, dict[str, float]],
    conditions: dict[str, tuple[str, str]],
    domains: dict[str, tuple[str, str]],
    lang: str,
    title: str,
) -> Figure:
    """Masked-LM loss on held-out texts before and after, one panel a domain, one arrow a condition.

    Parameters
    ----------
    before
        {domain: loss}, the same for every condition.
    after
        {condition: {domain: loss}}.
    """
    figure, axes = plt.subplots(1, len(before), figsize=(2.0 + 2.15 * len(before), 1.7 + 0.36 * len(after)), sharey=True, squeeze=False)
    rows = range(len(after))
    for ax, (domain, start) in zip(axes[0], before.items(), strict=True):
        ax.axvline(start, color=BASELINE, lw=1.4)
        for row, found in zip(rows, after.values(), strict=True):
            end = found[domain]
            ax.annotate(
                "",
                xy=(end, row),
                xytext=(start, row),
                arrowprops={"arrowstyle": "-|>", "color": ACCENT if end <= start else "#D1453B", "lw": 1.6, "shrinkA": 0, "shrinkB": 0},
            )
            ax.text(end, row - 0.2, f"{end:.2f}", ha="center", va="bottom", fontsize=8, bbox={"boxstyle": "round,pad=0.05", "fc": "white", "ec": "none"})
        ends = [found[domain] for found in after.values()] + [start]
        room = max(0.3 * (max(ends) - min(ends)), 0.05)
        ax.set(xlim=(min(ends) - room, max(ends) + room), ylim=(len(after) - 0.5, -0.8))
        ax.set_title(pick(lang, *domains[domain]), fontweight="normal", loc="center", fontsize=10.5)
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(3))
    axes[0][0].set_yticks(rows, [pick(lang, *conditions[name]) for name in after])
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    figure.supxlabel(
        pick(lang, "가린 토큰 하나의 손실 (nat); 세로선은 추가 사전학습 전", "loss in nats a masked token; the line stands before pre-training"),
        fontsize="medium",
    )
    return figure


def scores_beside(
    panels: dict[str, dict[str, float | dict]], labels: dict[str, tuple[str, str]], lang: str, title: str, xlabel: str, baselines: Sequence[str] = ()
) -> Figure:
    """Scores with their intervals, the same models in every panel; baselines grey."""
    rows = list(next(iter(panels.values())))
    figure, axes = plt.subplots(1, len(panels), figsize=(2.2 + 3.4 * len(panels), 1.6 + 0.38 * len(rows)), sharey=True, squeeze=False)
    for ax, (name, scores) in zip(axes[0], panels.items(), strict=True):
        for at, model in enumerate(rows):
            value = scores[model]
            ax.barh(at, value["mean"], 0.66, color=BASELINE if model in baselines else ACCENT)
            ax.plot([value["low"], value["high"]], [at, at], color=INK, lw=1.4, solid_capstyle="butt")
            ax.text(max(value["mean"], value["high"]) + 0.012, at, f"{value['mean']:.3f}", va="center", fontsize=9)
        ax.set_xlim(0, max(v["high"] for v in scores.values()) * 1.28)
        ax.set_title(name, fontweight="normal", loc="center", fontsize=10.5)
        ax.set_xlabel(xlabel)
    axes[0][0].set_yticks(range(len(rows)), [pick(lang, *labels[model]) for model in rows])
    axes[0][0].invert_yaxis()
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    return figure


#: Colours of the verdicts of `metrics.verdict`.
VERDICT_COLOURS = {"better": "#4FA36C", "worse": "#D1453B", "no difference": "#7A7A7A"}


def differences(
    panels: dict[str, dict[str, dict]], labels: dict[str, tuple[str, str]], lang: str, title: str, xlabel: str, *, marked: tuple[float, str] | None = None
) -> Figure:
    """Paired differences with their intervals about zero, in the colour of their verdict (`metrics.verdict`); no difference is grey.

    Parameters
    ----------
    panels
        {title: {model: {mean, low, high}}}, the same models in every panel.
    marked
        Value and wording of a line beside zero, published in 2022.
    """
    rows = list(next(iter(panels.values())))
    figure, axes = plt.subplots(1, len(panels), figsize=(2.2 + 3.4 * len(panels), 1.9 + 0.36 * len(rows)), sharey=True, squeeze=False)
    for ax, (name, found) in zip(axes[0], panels.items(), strict=True):
        ax.axvline(0, color=INK, lw=1)
        if marked:
            ax.axvline(marked[0], color="#7A7A7A", lw=1.2, ls=":", label=marked[1])
        for at, model in enumerate(rows):
            value = found[model]
            colour = VERDICT_COLOURS[metrics.verdict(value)]
            ax.plot([value["low"], value["high"]], [at, at], color=colour, lw=2.2, solid_capstyle="butt")
            ax.plot(value["mean"], at, "o", color=colour, ms=6)
        ax.set_title(name, fontweight="normal", loc="center", fontsize=10.5)
        ax.set_xlabel(xlabel)
        ax.margins(x=0.12)
        ax.grid(axis="x")
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(5))
    axes[0][0].set_yticks(range(len(rows)), [pick(lang, *labels[model]) for model in rows])
    axes[0][0].set_ylim(len(rows) - 0.4, -0.6)
    if marked:
        figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower right", fontsize=9)
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    return figure
