"""Charts of several notebooks: bars, scores with intervals, histograms, planes, tables."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from ...core import artifacts, emotions, intervals
from .style import ACCENT, BASELINE, GRID, HATCH_2022, INK, SIZES, builder, heading
from .words import Words

#: Colours of the verdicts of `intervals.verdict`.
VERDICT_COLOURS = {"better": "#4FA36C", "worse": "#D1453B", "no difference": "#7A7A7A"}

_EMOTION_COLOURS = {emotion.en: emotion.colour for emotion in emotions.EMOTIONS}


@builder
def emotion_bars(words: Words, shares: Sequence[float], shares_2022: Sequence[float]) -> Figure:
    """Draw the shares of the six emotions as bars, with those of 2022 hatched below each."""
    figure, axes = plt.subplots()
    at = np.arange(emotions.N)
    bars = axes.barh(at - 0.2, shares, 0.38, color=emotions.COLOURS)
    axes.bar_label(bars, [f"{share:.1%}" for share in shares], padding=4)
    style = {"color": "white", "edgecolor": BASELINE, "hatch": HATCH_2022, "label": "2022"}
    bars = axes.barh(at + 0.2, shares_2022, 0.38, **style)
    axes.bar_label(bars, [f"{share:.1%}" for share in shares_2022], padding=4, color="#7A7A7A")
    axes.legend(loc="lower right")
    axes.set(yticks=at, yticklabels=words.emotions, title=words("title"), xlabel=words("x"))
    axes.invert_yaxis()
    axes.margins(x=0.14)
    axes.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    return figure


def _score_rows(
    axes: plt.Axes, scores: dict[str, float | dict], baselines: Sequence[str], **text
) -> None:
    """Draw scores as bars with their intervals: emotions in their colours, baselines grey."""
    for at, (name, score) in enumerate(scores.items()):
        mean = end = score["mean"] if isinstance(score, dict) else score
        colour = BASELINE if name in baselines else _EMOTION_COLOURS.get(name, ACCENT)
        axes.barh(at, mean, 0.66, color=colour)
        if isinstance(score, dict):
            ends = [score["low"], score["high"]]
            axes.plot(ends, [at, at], color=INK, lw=1.4, solid_capstyle="butt")
            end = max(mean, score["high"])
        axes.text(end + 0.012, at, f"{mean:.3f}", va="center", **text)


@builder
def score_bars(
    words: Words,
    scores: dict[str, float | dict],
    *,
    baselines: Sequence[str] = (),
    counts: dict[str, int] | None = None,
) -> Figure:
    """Draw scores of models or emotions as bars with their intervals.

    Parameters
    ----------
    scores
        {name: score, or {mean, low, high}}.
    baselines
        Names that are drawn grey.
    counts
        Number of texts of each name, shown in brackets.
    """
    figure, axes = plt.subplots(figsize=(SIZES["page"][0], 1.3 + 0.42 * len(scores)))
    _score_rows(axes, scores, baselines)
    labels = [words.label(name) + (f" ({counts[name]})" if counts else "") for name in scores]
    axes.set(yticks=range(len(scores)), yticklabels=labels, title=words("title"), xlabel=words("x"))
    axes.set_xlim(0, min(1.08, axes.get_xlim()[1] * 1.12))
    axes.invert_yaxis()
    return figure


@builder
def grouped_scores(
    words: Words, ours: dict[str, Sequence[float]], published: dict[str, Sequence[float]]
) -> Figure:
    """Draw F1, precision and recall of each model as bars, with those of 2022 hatched below."""
    rows = [(words.label(name), scores, None) for name, scores in ours.items()]
    rows += [(f"{name} (2022)", scores, HATCH_2022) for name, scores in published.items()]
    figure, axes = plt.subplots(figsize=(SIZES["page"][0], 1.4 + 0.62 * len(rows)))
    measures = (("f1", ACCENT), ("precision", "#7FA8C4"), ("recall", "#C5D8E5"))
    for at, (_, scores, hatch) in enumerate(rows):
        for place, (score, (measure, colour)) in enumerate(zip(scores, measures, strict=True)):
            y = at + (place - 1) * 0.26
            label = words.label(measure) if at == 0 else None
            style = {"color": colour, "edgecolor": "white", "hatch": hatch, "lw": 0}
            axes.barh(y, score, 0.24, label=label, **style)
            axes.text(score + 0.006, y, f"{score:.3f}", va="center", fontsize=7.5)
    labels = [name for name, *_ in rows]
    axes.set(yticks=range(len(rows)), yticklabels=labels, title=words("title"), xlabel=words("x"))
    axes.set_xlim(0, min(1.0, axes.get_xlim()[1] * 1.06))
    axes.invert_yaxis()
    axes.legend(ncols=3, loc="upper right", bbox_to_anchor=(1, 1.0))
    return figure


@builder
def confusion(words: Words, true: np.ndarray, predicted: np.ndarray) -> Figure:
    """Draw a confusion matrix: shares of each true emotion (row), with counts in brackets."""
    counts = np.zeros((emotions.N, emotions.N), int)
    np.add.at(counts, (true, predicted), 1)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    cells = zip(shares.flat, counts.flat, strict=True)
    texts = np.reshape([f"{share:.0%}\n({count})" for share, count in cells], counts.shape)
    figure, axes = plt.subplots(figsize=SIZES["tall"])
    _percentages(
        axes, shares, words.emotions, annot=texts, fmt="", vmax=1, annot_kws={"fontsize": 9}
    )
    axes.set(title=words("title"), xlabel=words("x"), ylabel=words("y"))
    return figure


def _percentages(axes: plt.Axes, table, labels: Sequence[str], **options) -> None:
    """Draw a square table of percentages in shades of blue."""
    style = {"cmap": "Blues", "vmin": 0, "square": True, "cbar": False}
    sns.heatmap(table, ax=axes, xticklabels=labels, yticklabels=labels, **style, **options)
    axes.tick_params(axis="y", rotation=0)


@builder
def heatmaps(words: Words, tables: dict[str, pd.DataFrame]) -> Figure:
    """Draw square tables of percentages side by side: {panel: table}."""
    figure, axes = plt.subplots(1, len(tables), figsize=(4.2 * len(tables), 4.0), squeeze=False)
    for ax, (panel, table) in zip(axes[0], tables.items(), strict=True):
        labels = [words.label(column) for column in table.columns]
        _percentages(ax, table, labels, annot=True, fmt=".1f", vmax=100)
        ax.set_title(words.label(panel), fontweight="normal")
    heading(figure, words)
    return figure


@builder
def word_bars(words: Words, counts: dict[int, pd.Series]) -> Figure:
    """Draw the frequent words of each emotion as bars: {emotion id: counts by word}."""
    figure, axes = plt.subplots(2, 3, figsize=(SIZES["page"][0] * 1.25, 6.2))
    for ax, emotion in zip(axes.flat, emotions.EMOTIONS, strict=True):
        of_emotion = counts.get(emotion.id, pd.Series(dtype=int))
        ax.barh(of_emotion.index, of_emotion.to_numpy(), 0.7, color=emotion.colour)
        ax.set_title(words.emotions[emotion.id])
        ax.invert_yaxis()
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(4, integer=True))
    heading(figure, words)
    figure.supxlabel(words("x"), fontsize="medium")
    return figure


@builder
def histograms(
    words: Words,
    samples: dict[str, np.ndarray],
    bins: np.ndarray,
    means: dict[str, float] | None = None,
) -> Figure:
    """Draw the densities of samples over each other, with their means in the legend if given."""
    figure, axes = plt.subplots()
    for name, sample in samples.items():
        label = words.label(name) + (f" ({means[name]:.0f})" if means else "")
        axes.hist(sample, bins=bins, alpha=0.55, density=True, label=label)
    axes.set(title=words("title"), xlabel=words("x"), ylabel=words("density"))
    axes.legend(title=words("legend") if means else "")
    return figure


@builder
def scatters(words: Words, pairs: dict[str, tuple[np.ndarray, np.ndarray, str]]) -> Figure:
    """Draw scatter plots side by side: {panel: (x, y, note)}."""
    figure, axes = plt.subplots(1, len(pairs), figsize=(4.3 * len(pairs), 4.2), squeeze=False)
    for ax, (panel, (x, y, note)) in zip(axes[0], pairs.items(), strict=True):
        ax.scatter(x, y, s=12, alpha=0.45, lw=0, color=ACCENT)
        ax.set(xlabel=words("x"), ylabel=words("y"))
        ax.set_title(f"{words.label(panel)}: {note}", fontweight="normal")
    heading(figure, words)
    return figure


@builder
def curves(
    words: Words,
    lines: dict[str | tuple, Sequence[tuple[float, float]]],
    majority: float | None = None,
) -> Figure:
    """Draw one line of points (x, y) for each run, and the score of the majority if given.

    Every other line is dashed and on top, so that equal lines both show.
    """
    figure, axes = plt.subplots()
    for place, (name, points) in enumerate(lines.items()):
        dashes = {"ls": ("-", "--")[place % 2], "zorder": 2 + place % 2}
        label = words.label(name)
        axes.plot(*zip(*points, strict=True), marker="o", ms=3, label=label, **dashes)
    if majority is not None:
        axes.axhline(majority, color=INK, ls="--", lw=1, label=words("majority"))
    axes.set(title=words("title"), xlabel=words("x"), ylabel=words("y"))
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    axes.grid(axis="y")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


@builder
def table(words: Words, content: dict) -> Figure:
    """Draw a published table {columns, rows, source}, hatched because it is not ours."""
    columns, rows = content["columns"], content["rows"]
    size = (max(SIZES["page"][0], 0.72 * len(columns) + 1.6), 1.5 + 0.34 * len(rows))
    figure, axes = plt.subplots(figsize=size)
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
    axes.set_title(words("title"))
    figure.text(0.02, 0.01, content["source"], fontsize=8, color="#7A7A7A")
    return figure


def umap_plane(vectors: np.ndarray, seed: int) -> np.ndarray:
    """Compute UMAP coordinates (n, 2) of vectors, or take them from the cache.

    They differ between platforms, therefore they are kept.
    """

    def compute() -> np.ndarray:
        import umap  # slow to import, and only needed where nothing is kept

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="n_jobs value")  # a fixed seed is one thread
            neighbours = min(15, len(vectors) - 1)
            mapping = umap.UMAP(n_neighbors=neighbours, random_state=seed, n_jobs=1)
            return mapping.fit_transform(vectors)

    data = artifacts.fingerprint(vectors)
    return artifacts.cached_array("umap", compute, parameters={"seed": seed}, data=data)


@builder
def stacked_shares(words: Words, shares: dict[str, np.ndarray]) -> Figure:
    """Draw the shares of the six emotions as stacked bars: {row: shares (6,)}."""
    figure, axes = plt.subplots(figsize=(SIZES["page"][0], 1.6 + 0.6 * len(shares)))
    left, rows = np.zeros(len(shares)), np.arange(len(shares))
    style = {"ha": "center", "va": "center", "color": "white", "fontweight": "semibold"}
    for emotion in emotions.EMOTIONS:
        values = np.array([row[emotion.id] for row in shares.values()])
        name = words.emotions[emotion.id]
        axes.barh(rows, values, 0.62, left=left, color=emotion.colour, label=name)
        for row, (value, start) in enumerate(zip(values, left, strict=True)):
            if value >= 0.04:
                axes.text(start + value / 2, row, f"{value:.0%}", **style)
        left += values
    labels = [words.label(name) for name in shares]
    axes.set(title=words("title"), yticks=rows, yticklabels=labels, xlim=(0, 1))
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    figure.legend(ncols=6, loc="outside lower center", columnspacing=1, handlelength=1)
    return figure


def _panels(count: int, rows: int, height: float, row_height: float):
    """Make panels side by side that share their rows."""
    size = (2.2 + 3.4 * count, height + row_height * rows)
    figure, axes = plt.subplots(1, count, figsize=size, sharey=True, squeeze=False)
    return figure, axes[0]


@builder
def scores_beside(
    words: Words, panels: dict[str, dict[str, dict]], baselines: Sequence[str] = ()
) -> Figure:
    """Draw scores with their intervals, the same models in every panel, baselines grey."""
    models = list(next(iter(panels.values())))
    figure, axes = _panels(len(panels), len(models), 1.6, 0.38)
    for ax, (panel, scores) in zip(axes, panels.items(), strict=True):
        _score_rows(ax, {model: scores[model] for model in models}, baselines, fontsize=9)
        ax.set_xlim(0, max(score["high"] for score in scores.values()) * 1.28)
        ax.set_title(words.label(panel), fontweight="normal", loc="center", fontsize=10.5)
        ax.set_xlabel(words("x"))
    axes[0].set_yticks(range(len(models)), [words.label(model) for model in models])
    axes[0].invert_yaxis()
    heading(figure, words)
    return figure


@builder
def differences(
    words: Words, panels: dict[str, dict[str, dict]], published: float | None = None
) -> Figure:
    """Draw paired differences with their intervals about zero, in the colours of their verdicts.

    Parameters
    ----------
    panels
        {panel: {model: {mean, low, high}}}, the same models in every panel.
    published
        Difference published in 2022, a line beside zero.
    """
    models = list(next(iter(panels.values())))
    figure, axes = _panels(len(panels), len(models), 1.9, 0.36)
    for ax, (panel, of_model) in zip(axes, panels.items(), strict=True):
        ax.axvline(0, color=INK, lw=1)
        if published is not None:
            ax.axvline(published, color="#7A7A7A", lw=1.2, ls=":", label=words.label("published"))
        for at, model in enumerate(models):
            difference = of_model[model]
            colour = VERDICT_COLOURS[intervals.verdict(difference)]
            ends = [difference["low"], difference["high"]]
            ax.plot(ends, [at, at], color=colour, lw=2.2, solid_capstyle="butt")
            ax.plot(difference["mean"], at, "o", color=colour, ms=6)
        ax.set_title(words.label(panel), fontweight="normal", loc="center", fontsize=10.5)
        ax.set_xlabel(words("x"))
        ax.margins(x=0.12)
        ax.grid(axis="x")
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(5))
    axes[0].set_yticks(range(len(models)), [words.label(model) for model in models])
    axes[0].set_ylim(len(models) - 0.4, -0.6)
    if published is not None:
        lines = axes[0].get_legend_handles_labels()
        figure.legend(*lines, loc="outside lower right", fontsize=9)
    heading(figure, words)
    return figure
