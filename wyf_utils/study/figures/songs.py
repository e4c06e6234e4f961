"""Figures of songs: feelings, search time, reach and hubs, paths, reasons."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ...core import emotions
from .style import ACCENT, BASELINE, GRID, HATCH_2022, INK, SIZES, builder, heading
from .words import Words


@builder
def feelings(words: Words, sentences: Sequence[str], vectors: np.ndarray) -> Figure:
    """Draw the emotion probabilities (n, 6) of sentences as a grid of bars."""
    columns = (len(sentences) + 1) // 2
    figure, axes = plt.subplots(2, columns, figsize=(10.4, 5.2), sharex=True, sharey=True)
    for ax, sentence, vector in zip(axes.flat, sentences, vectors, strict=True):
        bars = ax.barh(range(emotions.N), vector, color=emotions.COLOURS)
        ax.bar_label(bars, [f"{v:.2f}" for v in vector], padding=3, fontsize=8.5)
        ax.set_title(sentence, fontsize=9.5, fontweight="normal")
        ax.set(yticks=range(emotions.N), yticklabels=words.emotions, xlim=(0, 1.15))
    axes.flat[0].invert_yaxis()
    heading(figure, words)
    return figure


@builder
def search_time(words: Words, times: pd.DataFrame) -> Figure:
    """Draw search time against catalogue size (table of `recommender_evaluation.time_search`)."""
    figure, axes = plt.subplots()
    songs = times.index.get_level_values("songs")
    for method in ("loop", "sklearn", "expression_2022", "faiss", "wyf"):
        if method in times:
            dashes = "--" if method in ("loop", "expression_2022") else "-"  # methods of 2022
            style = {"marker": "o", "ms": 4, "ls": dashes, "lw": 2.4 if method == "wyf" else 1.5}
            axes.plot(songs, times[method], label=words.label(method), **style)
    axes.set(xscale="log", yscale="log")
    axes.set(title=words("title"), xlabel=words("x"), ylabel=words("y"))
    axes.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,g}"))
    axes.grid(which="major")
    axes.legend(loc="upper left", fontsize=8.5)
    axes.set_ylim(top=axes.get_ylim()[1] * 300)  # room for the legend
    return figure


@builder
def reach_and_hubs(
    words: Words, reached: dict[str, np.ndarray], rows: dict[str, np.ndarray]
) -> Figure:
    """Draw how many songs each emotion reaches, and how often each song is recommended.

    On a logarithmic axis the length of a bar means nothing, therefore songs are dots.

    Parameters
    ----------
    reached
        {recommender: songs of each emotion (6,)}; the last is ours.
    rows
        {recommender: rows of recommended songs (m, k)}.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.4, 4.8))
    between = np.arange(emotions.N - 1) + 0.5
    left.hlines(between, 0, 1, transform=left.get_yaxis_transform(), color=GRID, lw=0.8)
    step, handles = 0.8 / len(reached), []
    count_style = {"textcoords": "offset points", "va": "center", "fontsize": 8}
    for place, (name, counts) in enumerate(reached.items()):
        dot, line = _recommender_style(name, is_ours=place == len(reached) - 1)
        at = np.arange(emotions.N) + (place - (len(reached) - 1) / 2) * step
        dots = left.scatter(counts, at, **dot)
        for count, y in zip(counts, at, strict=True):
            left.annotate(f"{count:,.0f}", (count, y), xytext=(7, 0), **count_style)
        times = np.sort(np.bincount(rows[name].ravel()))[::-1]
        times = times[times > 0]
        handles.append((*right.plot(np.arange(1, len(times) + 1), times, lw=2, **line), dots))
    left.set(xscale="log", xlabel=words("x"))
    left.set(yticks=range(emotions.N), yticklabels=words.emotions)
    left.set_ylim(emotions.N - 0.5, -0.5)
    left.set_xlim(1, left.get_xlim()[1] * 4)
    left.tick_params(axis="y", length=0)
    right.set(xscale="log", yscale="log", xlabel=words("x_songs"), ylabel=words("y"))
    right.grid(which="major")
    for axis in (left.xaxis, right.xaxis, right.yaxis):
        axis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
    labels = [words.label(name) for name in reached]
    style = {"ncols": len(reached), "handlelength": 3.2, "columnspacing": 3}
    figure.legend(handles, labels, loc="outside lower center", **style)
    heading(figure, words)
    return figure


def _recommender_style(name: str, *, is_ours: bool) -> tuple[dict, dict]:
    """Styles of a recommender's dots and line, of one colour: 2022 hatched and dashed."""
    if name == "2022":
        dot = {"s": 62, "facecolor": "white", "edgecolor": "#7A7A7A", "hatch": HATCH_2022 * 2}
        return dot, {"color": "#7A7A7A", "ls": "--"}
    colour, marker = (ACCENT, "o") if is_ours else ("#F2A71B", "D")
    dot = {"s": 44, "color": colour, "lw": 0, "marker": marker}
    return dot, {"color": colour, "ls": "-"}


@builder
def emotion_path(
    words: Words, songs: Sequence[str], vectors: np.ndarray, aims: np.ndarray
) -> Figure:
    """Draw the emotions of a path's songs (k, 6) as wide bars, and its aims (k, 6) as thin ones."""
    figure, axes = plt.subplots(figsize=(SIZES["page"][0] + 1.2, SIZES["page"][1] + 0.6))
    at = np.arange(len(songs))
    for offset, width, values, alpha in (
        (-0.34, 0.14, aims / aims.sum(axis=1, keepdims=True), 0.55),
        (0.07, 0.6, vectors, 1.0),
    ):
        bottom = np.zeros(len(songs))
        for emotion in emotions.EMOTIONS:
            share = values[:, emotion.id]
            label = words.emotions[emotion.id] if alpha == 1 else None
            style = {"color": emotion.colour, "alpha": alpha, "label": label}
            axes.bar(at + offset, share, width, bottom=bottom, **style)
            bottom += share
    titles = [song if len(song) <= 14 else song[:13] + "…" for song in songs]
    numbered = [f"{number}. {title}" for number, title in enumerate(titles, 1)]
    axes.set(title=words("title"), xticks=at, xticklabels=numbered, ylim=(0, 1))
    axes.set_ylabel(words("y"), linespacing=1.6)
    axes.tick_params(axis="x", rotation=20)
    axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


@builder
def why(
    words: Words, effects: pd.DataFrame, feeling: np.ndarray, song: str, vector: np.ndarray
) -> Figure:
    """Draw how much each word moved the emotion, and the emotions of sentence and song.

    Parameters
    ----------
    effects
        Table of `explanation.moving_words`.
    feeling, vector
        Emotions of the sentence and of the song, (6,).
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.4, 4.2))
    shown = effects.sort_values("place")
    emotion = int(effects["emotion"].iloc[0])
    colours = [emotions.COLOURS[emotion] if e > 0 else BASELINE for e in shown["effect"]]
    bars = left.barh(range(len(shown)), shown["effect"], color=colours)
    left.bar_label(bars, [f"{e:+.2f}" for e in shown["effect"]], padding=4, fontsize=9)
    left.set(yticks=range(len(shown)), yticklabels=shown["word"])
    left.set_xlabel(words("x", emotion=words.emotions[emotion]))
    left.axvline(0, color=INK, lw=0.8)
    left.margins(x=0.2)
    left.invert_yaxis()
    at, handles = np.arange(emotions.N), []
    for offset, values, alpha, label in (
        (-0.2, feeling, 1.0, words.label("sentence")),
        (0.2, vector, 0.5, song),
    ):
        right.barh(at + offset, values, 0.38, color=emotions.COLOURS, alpha=alpha)
        handles.append(mpl.patches.Patch(color=INK, alpha=alpha, label=label))
    right.set(yticks=at, yticklabels=words.emotions, xlim=(0, 1))
    right.invert_yaxis()
    right.legend(handles=handles)
    heading(figure, words)
    return figure
