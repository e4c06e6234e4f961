"""Figures of sound: mel, curves over time, before and after a correction."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from ...core.language import pick
from .style import ACCENT, BASELINE, HATCH_2022, INK


def over_time(
    seconds: np.ndarray, values: np.ndarray, lang: str, title: str, ylabel: str
) -> Figure:
    """One value a frame over time."""
    figure, axes = plt.subplots()
    axes.plot(seconds, values, lw=0.7, color=ACCENT)
    axes.set(title=title, xlabel=pick(lang, "초", "seconds"), ylabel=ylabel)
    return figure


def mel_picture(
    mel: np.ndarray, seconds: np.ndarray, hertz: np.ndarray, lang: str, title: str
) -> Figure:
    """Mel spectrogram (bands, frames) in decibels, with its times (frames,) and band centres (bands,)."""
    figure, axes = plt.subplots()
    image = axes.pcolormesh(
        seconds, np.arange(len(hertz)), mel, cmap="magma", shading="nearest", rasterized=True
    )
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
        values = [
            (ours[m][place] if place < 2 else published.get(m, (np.nan, np.nan))[place - 2])
            for m in ours
        ]
        bars = axes.bar(
            at + (place - 1.5) * width,
            values,
            width * 0.94,
            color=colour,
            edgecolor=BASELINE if hatch else colour,
            hatch=hatch,
            label=label,
        )
        dark = label == labels[1]
        box = {"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none"} if hatch else None
        texts = [f"{v:.0%}" if np.isfinite(v) else "" for v in values]
        axes.bar_label(
            bars, texts, label_type="center", fontsize=8, color="white" if dark else INK, bbox=box
        )  # clear of the majority lines
    for row in (row for row, measure in enumerate(ours) if measure not in published):
        axes.text(
            row + width,
            0.02,
            pick(lang, "2022: 발표 안 함", "2022: not published"),
            rotation=90,
            ha="center",
            va="bottom",
            fontsize=8,
            color="#7A7A7A",
        )
    _majority_lines(
        axes,
        {row: values[2] for row, values in enumerate(ours.values())},
        -1,
        pick(lang, "최빈 감정", "majority"),
        "-",
    )
    known = {row: (published_majority or {}).get(m) for row, m in enumerate(ours) if m in published}
    known = {row: value for row, value in known.items() if value is not None}
    _majority_lines(
        axes,
        known,
        1,
        pick(lang, "최빈 감정 (2022 라벨)", "majority (labels of 2022)"),
        (0, (3, 1)),
    )
    axes.set(title=title, xticks=at, xticklabels=list(ours), ylim=(0, 1.12))
    axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    axes.legend(
        ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.1), columnspacing=1.5, handlelength=2
    )
    return figure


def _majority_lines(
    axes: plt.Axes, lines: dict[int, float], side: int, label: str, style: str | tuple
) -> None:
    """Draw {number of a measure: majority} over the left (-1) or right (1) pair of its bars."""
    for number, (row, value) in enumerate(lines.items()):
        ends = sorted((row + side * 0.42, row + side * 0.02))
        axes.plot(
            ends,
            [value, value],
            color="#D1453B",
            lw=1.8,
            ls=style,
            solid_capstyle="butt",
            label=label if number == 0 else None,
        )
