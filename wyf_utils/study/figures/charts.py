"""Charts that every room draws: bars, scores with intervals, histograms, planes, tables."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from ...core import artifacts, emotions, intervals
from ...core.language import emotion_names, pick
from .style import ACCENT, BASELINE, GRID, HATCH_2022, INK, SIZES


def emotion_bars(
    counts: Sequence[float],
    lang: str,
    title: str,
    xlabel: str,
    *,
    percent: bool = False,
    beside: Sequence[float] | None = None,
) -> Figure:
    """Horizontal bars of the six emotions in their colours, with numbers; optionally 2022 hatched beside."""
    figure, axes = plt.subplots()
    counts = np.asarray(counts, float)
    at = np.arange(emotions.N)
    height = 0.72 if beside is None else 0.38
    form = (lambda v: f"{v:.1%}") if percent else (lambda v: f"{v:,.0f}")
    bars = axes.barh(at - (0 if beside is None else 0.2), counts, height, color=emotions.COLOURS)
    axes.bar_label(bars, [form(v) for v in counts], padding=4)
    if beside is not None:
        other = axes.barh(
            at + 0.2,
            beside,
            height,
            color="white",
            edgecolor=BASELINE,
            hatch=HATCH_2022,
            label="2022",
        )
        axes.bar_label(other, [form(v) for v in beside], padding=4, color="#7A7A7A")
        axes.legend(loc="lower right")
    axes.set(yticks=at, yticklabels=emotion_names(lang), title=title, xlabel=xlabel)
    axes.invert_yaxis()
    axes.margins(x=0.14)
    axes.xaxis.set_major_formatter(
        mpl.ticker.PercentFormatter(1) if percent else mpl.ticker.StrMethodFormatter("{x:,.0f}")
    )
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
            axes.plot(
                [value["low"], value["high"]], [at, at], color=INK, lw=1.4, solid_capstyle="butt"
            )
            edge = max(mean, value["high"])
        axes.text(edge + 0.012, at, f"{mean:.3f}", va="center")
    if line:
        axes.axvline(line[0], color=INK, ls="--", lw=1)
        axes.text(line[0], -0.75, f" {line[1]}", va="center", fontsize="small")
    axes.set(
        yticks=range(len(scores)),
        yticklabels=[pick(lang, *labels.get(k, (k, k))) for k in scores],
        title=title,
        xlabel=xlabel,
    )
    axes.set_xlim(0, min(1.08, axes.get_xlim()[1] * 1.12))
    axes.invert_yaxis()
    return figure


def grouped_scores(
    ours: dict[str, Sequence[float]],
    published: dict[str, Sequence[float]],
    labels: dict[str, tuple[str, str]],
    lang: str,
    title: str,
    xlabel: str,
) -> Figure:
    """F1, precision and recall of each model as three bars; those published in 2022 hatched below ours."""
    rows = [(pick(lang, *labels.get(k, (k, k))), v, False) for k, v in ours.items()] + [
        (f"{k} (2022)", v, True) for k, v in published.items()
    ]
    figure, axes = plt.subplots(figsize=(SIZES["page"][0], 1.4 + 0.62 * len(rows)))
    scores = (
        (pick(lang, "F1", "F1"), ACCENT),
        (pick(lang, "정밀도", "precision"), "#7FA8C4"),
        (pick(lang, "재현율", "recall"), "#C5D8E5"),
    )
    for at, (_, values, old) in enumerate(rows):
        for place, (value, (name, colour)) in enumerate(zip(values, scores, strict=True)):
            y = at + (place - 1) * 0.26
            axes.barh(
                y,
                value,
                0.24,
                color=colour,
                edgecolor="white",
                hatch=HATCH_2022 if old else None,
                lw=0,
                label=name if at == 0 else None,
            )
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
    text = np.array(
        [
            [f"{s:.0%}\n({c})" for s, c in zip(a, b, strict=True)]
            for a, b in zip(share, counts, strict=True)
        ]
    )
    sns.heatmap(share, annot=text, fmt="", cmap="Blues", vmin=0, vmax=1, square=True, cbar=False, ax=axes,
                xticklabels=emotion_names(lang), yticklabels=emotion_names(lang), annot_kws={"fontsize": 9})  # fmt: skip
    axes.set(
        title=title,
        xlabel=pick(lang, "예측", "answered"),
        ylabel=pick(lang, "실제 감정", "true emotion"),
    )
    axes.tick_params(axis="y", rotation=0)
    return figure


def word_bars(words: dict[int, pd.Series], lang: str, title: str) -> Figure:
    """Most frequent content words of each emotion, as small bars: {emotion id: counts by word}."""
    figure, axes = plt.subplots(2, 3, figsize=(SIZES["page"][0] * 1.25, 6.2))
    for ax, emotion in zip(axes.flat, emotions.EMOTIONS, strict=True):
        counts = words.get(emotion.id, pd.Series(dtype=int))
        ax.barh(counts.index, counts.to_numpy(), 0.7, color=emotion.colour)
        ax.set_title(emotion_names(lang)[emotion.id])
        ax.invert_yaxis()
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(4, integer=True))
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    figure.supxlabel(pick(lang, "낱말이 나온 글의 수", "texts with the word"), fontsize="medium")
    return figure


def histograms(
    values: dict[str, np.ndarray],
    lang: str,
    title: str,
    xlabel: str,
    bins: np.ndarray | int = 60,
    legend: str = "",
) -> Figure:
    """Overlaid densities of several samples."""
    figure, axes = plt.subplots()
    for name, sample in values.items():
        axes.hist(sample, bins=bins, alpha=0.55, density=True, label=name)
    axes.set(title=title, xlabel=xlabel, ylabel=pick(lang, "밀도", "density"))
    if len(values) > 1:
        axes.legend(title=legend)
    return figure


def scatters(
    pairs: dict[str, tuple[np.ndarray, np.ndarray, str]], title: str, axes_names: tuple[str, str]
) -> Figure:
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
                label=f"{emotion_names(lang)[emotion.id]} ({chosen.sum()})",
                rasterized=len(points) > 2000,
            )
    axes.set(title=title, xticks=[], yticks=[], xlabel=note)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def curves(
    lines: dict[str, Sequence[tuple[float, float]]],
    title: str,
    xlabel: str,
    ylabel: str,
    *,
    line: tuple[float, str] | None = None,
) -> Figure:
    """One line a run, as points (x, y), with an optional baseline."""
    figure, axes = plt.subplots()
    for place, (name, points) in enumerate(
        lines.items()
    ):  # every other line is dashed and on top, so that equal ones both show
        axes.plot(
            *zip(*points, strict=True),
            marker="o",
            ms=3,
            ls=("-", "--")[place % 2],
            zorder=2 + place % 2,
            label=name,
        )
    if line:
        axes.axhline(line[0], color=INK, ls="--", lw=1, label=line[1])
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    axes.grid(axis="y")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def table(content: dict, title: str) -> Figure:
    """Published table, hatched as everything that is not ours: {columns, rows, source}."""
    columns, rows = content["columns"], content["rows"]
    figure, axes = plt.subplots(
        figsize=(max(SIZES["page"][0], 0.72 * len(columns) + 1.6), 1.5 + 0.34 * len(rows))
    )
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


def heatmaps(
    tables: dict[str, pd.DataFrame], labels: dict[str, tuple[str, str]], lang: str, title: str
) -> Figure:
    """Square tables of percentages side by side."""
    figure, axes = plt.subplots(1, len(tables), figsize=(4.2 * len(tables), 4.0), squeeze=False)
    for ax, (name, table) in zip(axes[0], tables.items(), strict=True):
        ticks = [pick(lang, *labels[c]) for c in table.columns]
        sns.heatmap(
            table,
            annot=True,
            fmt=".1f",
            cmap="Blues",
            vmin=0,
            vmax=100,
            square=True,
            cbar=False,
            ax=ax,
            xticklabels=ticks,
            yticklabels=ticks,
        )
        ax.set_title(name, fontweight="normal")
        ax.tick_params(axis="y", rotation=0)
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    return figure


def umap_plane(vectors: np.ndarray, seed: int) -> np.ndarray:
    """UMAP coordinates (n, 2) of vectors, from the cache: they differ between platforms, so that they are kept."""

    def make(folder: Path) -> None:
        import umap  # slow to import, and only needed where nothing is kept

        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", message="n_jobs value"
            )  # a fixed seed means one thread, as we want
            points = umap.UMAP(
                n_neighbors=min(15, len(vectors) - 1), random_state=seed, n_jobs=1
            ).fit_transform(vectors)
        np.save(folder / "points.npy", points, allow_pickle=False)

    entry = artifacts.folder(
        "umap",
        make,
        parameters={"seed": seed},
        data=artifacts.fingerprint(vectors),
        code=[umap_plane],
    )
    return np.load(entry.path / "points.npy", allow_pickle=False)


def stacked_shares(
    shares: dict[str, np.ndarray], labels: dict[str, tuple[str, str]], lang: str, title: str
) -> Figure:
    """Horizontal stacked bars of the six emotions, one bar a kind of vector."""
    figure, axes = plt.subplots(figsize=(SIZES["page"][0], 1.6 + 0.6 * len(shares)))
    left = np.zeros(len(shares))
    rows = np.arange(len(shares))
    for emotion in emotions.EMOTIONS:
        values = np.array([s[emotion.id] for s in shares.values()])
        axes.barh(
            rows,
            values,
            0.62,
            left=left,
            color=emotion.colour,
            label=emotion_names(lang)[emotion.id],
        )
        for row, (value, start) in enumerate(zip(values, left, strict=True)):
            if value >= 0.04:
                axes.text(
                    start + value / 2,
                    row,
                    f"{value:.0%}",
                    ha="center",
                    va="center",
                    color="white",
                    fontweight="semibold",
                )
        left += values
    axes.set(
        title=title, yticks=rows, yticklabels=[pick(lang, *labels[k]) for k in shares], xlim=(0, 1)
    )
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    figure.legend(ncols=6, loc="outside lower center", columnspacing=1, handlelength=1)
    return figure


def scores_beside(
    panels: dict[str, dict[str, float | dict]],
    labels: dict[str, tuple[str, str]],
    lang: str,
    title: str,
    xlabel: str,
    baselines: Sequence[str] = (),
) -> Figure:
    """Scores with their intervals, the same models in every panel; baselines grey."""
    rows = list(next(iter(panels.values())))
    figure, axes = plt.subplots(
        1,
        len(panels),
        figsize=(2.2 + 3.4 * len(panels), 1.6 + 0.38 * len(rows)),
        sharey=True,
        squeeze=False,
    )
    for ax, (name, scores) in zip(axes[0], panels.items(), strict=True):
        for at, model in enumerate(rows):
            value = scores[model]
            ax.barh(at, value["mean"], 0.66, color=BASELINE if model in baselines else ACCENT)
            ax.plot(
                [value["low"], value["high"]], [at, at], color=INK, lw=1.4, solid_capstyle="butt"
            )
            ax.text(
                max(value["mean"], value["high"]) + 0.012,
                at,
                f"{value['mean']:.3f}",
                va="center",
                fontsize=9,
            )
        ax.set_xlim(0, max(v["high"] for v in scores.values()) * 1.28)
        ax.set_title(name, fontweight="normal", loc="center", fontsize=10.5)
        ax.set_xlabel(xlabel)
    axes[0][0].set_yticks(range(len(rows)), [pick(lang, *labels[model]) for model in rows])
    axes[0][0].invert_yaxis()
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    return figure


#: Colours of the verdicts of `intervals.verdict`.
VERDICT_COLOURS = {"better": "#4FA36C", "worse": "#D1453B", "no difference": "#7A7A7A"}


def differences(
    panels: dict[str, dict[str, dict]],
    labels: dict[str, tuple[str, str]],
    lang: str,
    title: str,
    xlabel: str,
    *,
    marked: tuple[float, str] | None = None,
) -> Figure:
    """Paired differences with their intervals about zero, in the colour of their verdict (`intervals.verdict`); no difference is grey.

    Parameters
    ----------
    panels
        {title: {model: {mean, low, high}}}, the same models in every panel.
    marked
        Value and wording of a line beside zero, published in 2022.
    """
    rows = list(next(iter(panels.values())))
    figure, axes = plt.subplots(
        1,
        len(panels),
        figsize=(2.2 + 3.4 * len(panels), 1.9 + 0.36 * len(rows)),
        sharey=True,
        squeeze=False,
    )
    for ax, (name, found) in zip(axes[0], panels.items(), strict=True):
        ax.axvline(0, color=INK, lw=1)
        if marked:
            ax.axvline(marked[0], color="#7A7A7A", lw=1.2, ls=":", label=marked[1])
        for at, model in enumerate(rows):
            value = found[model]
            colour = VERDICT_COLOURS[intervals.verdict(value)]
            ax.plot(
                [value["low"], value["high"]], [at, at], color=colour, lw=2.2, solid_capstyle="butt"
            )
            ax.plot(value["mean"], at, "o", color=colour, ms=6)
        ax.set_title(name, fontweight="normal", loc="center", fontsize=10.5)
        ax.set_xlabel(xlabel)
        ax.margins(x=0.12)
        ax.grid(axis="x")
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(5))
    axes[0][0].set_yticks(range(len(rows)), [pick(lang, *labels[model]) for model in rows])
    axes[0][0].set_ylim(len(rows) - 0.4, -0.6)
    if marked:
        figure.legend(
            *axes[0][0].get_legend_handles_labels(), loc="outside lower right", fontsize=9
        )
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    return figure
