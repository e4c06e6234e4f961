"""Figures of sound: mel spectrogram, values over time, before and after embedding."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from .style import ACCENT, BASELINE, HATCH_2022, INK, builder
from .words import Words


@builder
def over_time(words: Words, seconds: np.ndarray, values: np.ndarray) -> Figure:
    """Draw one value of each frame over time."""
    figure, axes = plt.subplots()
    axes.plot(seconds, values, lw=0.7, color=ACCENT)
    axes.set(title=words("title"), xlabel=words("seconds"), ylabel=words("y"))
    return figure


@builder
def mel_picture(words: Words, mel: np.ndarray, seconds: np.ndarray, hertz: np.ndarray) -> Figure:
    """Draw a mel spectrogram (bands, frames) in decibels.

    Parameters
    ----------
    seconds, hertz
        Times of the frames (frames,) and centres of the bands (bands,).
    """
    figure, axes = plt.subplots()
    style = {"cmap": "magma", "shading": "nearest", "rasterized": True}
    image = axes.pcolormesh(seconds, np.arange(len(hertz)), mel, **style)
    ticks = range(0, len(hertz), 8)
    axes.set(title=words("title"), xlabel=words("seconds"), ylabel=words("y"))
    axes.set(yticks=ticks, yticklabels=[f"{hertz[i]:,.0f}" for i in ticks])
    figure.colorbar(image, label="dB")
    return figure


@builder
def before_after(
    words: Words,
    ours: dict[str, tuple[float, float, float]],
    published: dict[str, tuple[float, float]],
    published_majority: dict[str, float] | None = None,
) -> Figure:
    """Draw each measure before and after embedding, beside those of 2022, with majority lines.

    Parameters
    ----------
    ours
        {measure: (before, after, majority)}.
    published
        {measure: (before, after)} of 2022; a measure that is missing has a note instead of bars.
    published_majority
        {measure: majority among the labels of 2022}, drawn over the bars of 2022.
    """
    figure, axes = plt.subplots(figsize=(8.6, 4.7))
    at, width = np.arange(len(ours)), 0.2
    missing = (np.nan, np.nan)
    kinds = (
        ("before", "#9DBAD0", None), ("after", ACCENT, None),
        ("before_2022", "white", ".."), ("after_2022", "white", HATCH_2022),
    )  # fmt: skip
    for place, (kind, colour, hatch) in enumerate(kinds):
        values = [(*scores[:2], *published.get(m, missing))[place] for m, scores in ours.items()]
        style = {"color": colour, "edgecolor": BASELINE if hatch else colour, "hatch": hatch}
        left = at + (place - 1.5) * width
        bars = axes.bar(left, values, width * 0.94, label=words.label(kind), **style)
        box = {"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none"} if hatch else None
        texts = [f"{value:.0%}" if np.isfinite(value) else "" for value in values]
        # in the middle of the bar, clear of the majority lines
        style = {"color": "white" if kind == "after" else INK, "bbox": box, "fontsize": 8}
        axes.bar_label(bars, texts, label_type="center", **style)
    note = {"rotation": 90, "ha": "center", "va": "bottom", "fontsize": 8, "color": "#7A7A7A"}
    for row, measure in enumerate(ours):
        if measure not in published:
            axes.text(row + width, 0.02, words.label("not_published"), **note)
    majorities = {row: scores[2] for row, scores in enumerate(ours.values())}
    _majority_lines(axes, majorities, -1, words("majority"), "-")
    majorities = {
        row: published_majority[measure]
        for row, measure in enumerate(ours)
        if measure in published and measure in (published_majority or {})
    }
    _majority_lines(axes, majorities, 1, words.label("majority_2022"), (0, (3, 1)))
    names = [words.label(measure) for measure in ours]
    axes.set(title=words("title"), xticks=at, xticklabels=names, ylim=(0, 1.12))
    axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.1)}
    axes.legend(ncols=3, columnspacing=1.5, handlelength=2, **place)
    return figure


def _majority_lines(
    axes: plt.Axes, lines: dict[int, float], side: int, label: str, dashes: str | tuple
) -> None:
    """Draw {number of a measure: majority} over the left (-1) or right (1) pair of its bars."""
    style = {"color": "#D1453B", "lw": 1.8, "ls": dashes, "solid_capstyle": "butt"}
    for number, (row, value) in enumerate(lines.items()):
        ends = sorted((row + side * 0.42, row + side * 0.02))
        axes.plot(ends, [value, value], label=label if number == 0 else None, **style)
