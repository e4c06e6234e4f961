"""Figures of sound: mel, training, what listeners and models hear, before and after embedding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from ...core import emotions, intervals
from .style import ACCENT, BASELINE, HATCH_2022, INK, builder, heading
from .words import Words

Points = Sequence[tuple[float, float]]


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
def training(
    words: Words, panels: dict[str, dict[tuple, Points]], majority: dict[str, float]
) -> Figure:
    """Draw training curves side by side: training parts solid, dev parts dashed.

    Parameters
    ----------
    panels
        {panel: {(model, part): points (epoch, value)}}.
    majority
        Score of the majority in panels that have one, a thin line; these have a legend.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(4.1 * len(panels), 4.4), squeeze=False)
    colours = ("#2B6C99", "#E08A3C", "#4FA36C")
    for ax, (panel, lines) in zip(axes[0], panels.items(), strict=True):
        models = list(dict.fromkeys(model for model, _ in lines))
        for (model, part), points in lines.items():
            style = {"color": colours[models.index(model)], "ls": "-" if part == "train" else "--"}
            label = f"{words.label(model)}, {words.label(part)}"
            ax.plot(*zip(*points, strict=True), marker="o", ms=3, label=label, **style)
        if panel in majority:
            ax.axhline(majority[panel], color=INK, ls=":", lw=1.2, label=words("majority"))
            ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), fontsize=8.5)
        ax.set_title(words.label(panel), fontweight="normal", fontsize=10.5)
        ax.set_xlabel(words("x"))
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
        ax.grid(axis="y")
    heading(figure, words)
    return figure


@builder
def hearing(words: Words, scores: dict[str, dict[str, dict]], baselines: Sequence[str]) -> Figure:
    """Draw how far each model hears what listeners felt, beside what listeners agree on.

    Parameters
    ----------
    scores
        {model: {measure: {mean, low, high}}} with the measures mean (r), kappa and the names of
        emotions (r), of which a baseline may lack some; `human` becomes a line.
    baselines
        Names that are drawn grey.
    """
    models = [model for model in scores if model != "human"]
    figure, axes = plt.subplots(
        1, 2, figsize=(10.6, 1.9 + 0.42 * len(models)), sharey=True, width_ratios=(1.5, 1)
    )
    felt = [e for e in emotions.EMOTIONS if e.en in scores["human"]]
    box = {"boxstyle": "round,pad=0.12", "fc": "white", "ec": "none"}  # hides the line behind
    for ax, measure in zip(axes, ("mean", "kappa"), strict=True):
        for at, model in enumerate(models):
            score = scores[model].get(measure, {"mean": 0.0, "low": 0.0, "high": 0.0})
            ax.barh(at, score["mean"], 0.62, color=BASELINE if model in baselines else ACCENT)
            ax.plot([score["low"], score["high"]], [at, at], color=INK, lw=1.4)
            end = max(score["high"], score["mean"], 0) + 0.015
            if measure == "mean":
                values = [scores[model][e.en]["mean"] for e in felt if e.en in scores[model]]
                dots = {"color": [e.colour for e in felt][: len(values)], "zorder": 3}
                ax.scatter(values, [at] * len(values), s=34, edgecolor="white", lw=0.8, **dots)
                end = max([end, *(value + 0.03 for value in values)])
            ax.text(end, at, f"{score['mean']:.2f}", va="center", fontsize=9, bbox=box)
        ceiling = scores["human"][measure]["mean"]
        ax.axvline(ceiling, color="#D1453B", ls="--", lw=1.4)
        note = words("human") + f" {ceiling:.2f}"
        ax.text(ceiling, -0.75, note, ha="center", fontsize=9, color="#D1453B", bbox=box)
        ax.set(xlabel=words.label(measure))
        ax.set_xlim(min(0, ax.get_xlim()[0]), max(ax.get_xlim()[1], ceiling + 0.06))
    axes[0].set_yticks(range(len(models)), [words.label(model) for model in models])
    axes[0].set_ylim(len(models) - 0.5, -1.1)
    figure.legend(handles=_emotion_dots(words, felt), loc="outside lower center", ncols=len(felt))
    heading(figure, words)
    return figure


def _emotion_dots(words: Words, shown: Iterable[emotions.Emotion]) -> list[mpl.lines.Line2D]:
    """Handles of a legend, a dot an emotion."""
    return [
        mpl.lines.Line2D([], [], color=e.colour, marker="o", ls="", label=words.emotions[e.id])
        for e in shown
    ]


@builder
def hearing_hypotheses(
    words: Words,
    panels: dict[str, dict[str, dict[str, dict]]],
    pairs: dict[str, dict],
    ceiling: float,
) -> Figure:
    """Draw what noise, few listeners and features do to the correlation with listeners.

    Parameters
    ----------
    panels
        {panel: {model: {step: {mean, low, high}}}}, steps from left to right.
    pairs
        {pair of models: difference {mean, low, high}}, the last panel, about zero.
    ceiling
        r of one half of the listeners with the other.
    """
    figure, axes = plt.subplots(1, len(panels) + 1, figsize=(12.4, 4.2))
    for ax, (panel, lines) in zip(axes, panels.items(), strict=False):
        for place, (model, steps) in enumerate(lines.items()):
            means, low, high = np.array(
                [[step[name] for step in steps.values()] for name in ("mean", "low", "high")]
            )
            at = np.arange(len(steps)) + 0.06 * place
            style = {"color": (ACCENT, "#E08A3C")[place], "marker": "o", "ms": 4, "capsize": 2}
            ax.errorbar(at, means, [means - low, high - means], label=words.label(model), **style)
        ax.axhline(ceiling, color="#D1453B", ls="--", lw=1.2, label=words("human"))
        labels = [words.label(step) for step in steps]
        ax.set(xticks=range(len(steps)), xticklabels=labels, xlabel=words.label(f"{panel}_steps"))
        ax.set(ylim=(0, max(ceiling + 0.15, 0.8)), ylabel=words("y") if ax is axes[0] else "")
        ax.set_title(words.label(panel), fontweight="normal", fontsize=10.5)
        ax.grid(axis="y")
    axes[0].legend(loc="lower left", fontsize=8.5)
    last = axes[-1]
    last.axvline(0, color=INK, lw=1)
    for at, (name, difference) in enumerate(pairs.items()):
        colour = "#4FA36C" if intervals.verdict(difference) == "better" else "#7A7A7A"
        last.plot([difference["low"], difference["high"]], [at, at], color=colour, lw=2)
        last.plot(difference["mean"], at, "o", color=colour)
        last.text(difference["mean"], at - 0.18, words.label(name), ha="center", fontsize=8.5)
    last.margins(x=0.35)  # room for the names
    last.set(yticks=[], ylim=(len(pairs) - 0.4, -0.6), xlabel=words.label("features_steps"))
    last.set_title(words.label("features"), fontweight="normal", fontsize=10.5)
    heading(figure, words)
    return figure


@builder
def planes(words: Words, panels: dict[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Draw planes of songs side by side: {panel: points (n, 2) and their emotion ids (n,)}."""
    figure, axes = plt.subplots(1, len(panels), figsize=(4.9 * len(panels), 4.9), squeeze=False)
    for ax, (panel, (points, ids)) in zip(axes[0], panels.items(), strict=True):
        for emotion in emotions.EMOTIONS:
            rows = ids == emotion.id
            ax.scatter(*points[rows].T, color=emotion.colour, s=20, alpha=0.8, lw=0)
        ax.set(xticks=[], yticks=[])
        ax.set_title(words.label(panel), fontweight="normal", fontsize=10.5)
    dots = _emotion_dots(words, emotions.EMOTIONS)
    figure.legend(handles=dots, loc="outside lower center", ncols=6, columnspacing=1)
    heading(figure, words)
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
    lines = (
        [scores[2] for scores in ours.values()],
        [(published_majority or {}).get(m) if m in published else None for m in ours],
    )
    kinds = (
        ("before", "#9DBAD0", None), ("after", ACCENT, None),
        ("before_2022", "white", ".."), ("after_2022", "white", HATCH_2022),
    )  # fmt: skip
    for place, (kind, colour, hatch) in enumerate(kinds):
        values = [(*scores[:2], *published.get(m, missing))[place] for m, scores in ours.items()]
        style = {"color": colour, "edgecolor": BASELINE if hatch else colour, "hatch": hatch}
        left = at + (place - 1.5) * width
        axes.bar(left, values, width * 0.94, label=words.label(kind), **style)
        for x, value, line in zip(left, values, lines[place // 2], strict=True):
            if np.isfinite(value):
                crossed = line is not None and value - 0.01 < line < value + 0.06
                foot = (line if crossed else value) + 0.012
                axes.text(x, foot, f"{value:.0%}", ha="center", fontsize=8)
    note = {"rotation": 90, "ha": "center", "va": "bottom", "fontsize": 8, "color": "#7A7A7A"}
    for row, measure in enumerate(ours):
        if measure not in published:
            axes.text(row + width, 0.02, words.label("not_published"), **note)
    _majority_lines(axes, lines[0], -1, words("majority"), "-")
    _majority_lines(axes, lines[1], 1, words.label("majority_2022"), (0, (3, 1)))
    names = [words.label(measure) for measure in ours]
    axes.set(title=words("title"), xticks=at, xticklabels=names, ylim=(0, 1.12))
    axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.1)}
    axes.legend(ncols=3, columnspacing=1.5, handlelength=2, **place)
    return figure


def _majority_lines(
    axes: plt.Axes, lines: list[float | None], side: int, label: str, dashes: str | tuple
) -> None:
    """Draw the majority of each measure over the left (-1) or right (1) pair of its bars."""
    style = {"color": "#D1453B", "lw": 1.8, "ls": dashes, "solid_capstyle": "butt"}
    shown = [(row, value) for row, value in enumerate(lines) if value is not None]
    for number, (row, value) in enumerate(shown):
        ends = sorted((row + side * 0.42, row + side * 0.02))
        axes.plot(ends, [value, value], label=label if number == 0 else None, **style)
