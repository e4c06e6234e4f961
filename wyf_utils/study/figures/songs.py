"""Figures of songs: search time, reach and hubs, paths, reasons."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ...core import emotions
from ...core.language import emotion_names, pick
from .style import ACCENT, BASELINE, GRID, HATCH_2022, INK, SIZES


def feelings(sentences: Sequence[str], vectors: np.ndarray, lang: str, title: str) -> Figure:
    """Emotion probabilities of sentences as a grid of bars."""
    figure, axes = plt.subplots(
        2, (len(sentences) + 1) // 2, figsize=(10.4, 5.2), sharex=True, sharey=True
    )
    for ax, sentence, vector in zip(axes.flat, sentences, vectors, strict=True):
        bars = ax.barh(range(emotions.N), vector, color=emotions.COLOURS)
        ax.bar_label(bars, [f"{v:.2f}" for v in vector], padding=3, fontsize=8.5)
        ax.set_title(sentence, fontsize=9.5, fontweight="normal")
        ax.set(yticks=range(emotions.N), yticklabels=emotion_names(lang), xlim=(0, 1.15))
    axes.flat[0].invert_yaxis()
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    return figure


def search_time(times: pd.DataFrame, lang: str, title: str) -> Figure:
    """Search time against catalogue size on logarithmic axes (table of `recommender_evaluation.time_search`)."""
    figure, axes = plt.subplots()
    labels = {
        "loop": pick(
            lang,
            "scikit-learn, 곡마다 한 번 (2022, 외삽)",
            "scikit-learn, one call a song (2022, extrapolated)",
        ),
        "sklearn": pick(lang, "scikit-learn, 한 번에", "scikit-learn, one call in all"),
        "expression_2022": pick(
            lang, "전체 계산과 정렬 (2022)", "whole expression and full sort (2022)"
        ),
        "faiss": "faiss, IndexFlatIP",
        "wyf": "WYF",
    }
    songs = times.index.get_level_values("songs")
    for column, label in labels.items():
        if column in times:
            axes.plot(
                songs,
                times[column],
                marker="o",
                ms=4,
                label=label,
                ls="--" if "2022" in label else "-",
                lw=2.4 if column == "wyf" else 1.5,
            )
    axes.set(
        xscale="log",
        yscale="log",
        title=title,
        xlabel=pick(lang, "곡 수", "songs"),
        ylabel=pick(lang, "밀리초", "milliseconds"),
    )
    axes.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,g}"))
    axes.grid(which="major")
    axes.legend(loc="upper left", fontsize=8.5)
    axes.set_ylim(top=axes.get_ylim()[1] * 300)  # room for the legend
    return figure


def reach_and_hubs(
    reached: dict[str, np.ndarray],
    rows: dict[str, np.ndarray],
    labels: dict[str, tuple[str, str]],
    lang: str,
    title: str,
) -> Figure:
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
    left.hlines(
        np.arange(emotions.N - 1) + 0.5,
        0,
        1,
        transform=left.get_yaxis_transform(),
        color=GRID,
        lw=0.8,
    )  # between the emotions
    for place, (name, counts) in enumerate(reached.items()):
        dot, line = _recommender_style(name, ours=place == len(reached) - 1)
        at = np.arange(emotions.N) + (place - (len(reached) - 1) / 2) * step
        dots = left.scatter(counts, at, **dot)
        for count, y in zip(counts, at, strict=True):
            left.annotate(
                f"{count:,.0f}",
                (count, y),
                xytext=(7, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        times = np.sort(np.bincount(rows[name].ravel()))[::-1]
        times = times[times > 0]
        handles.append((*right.plot(np.arange(1, len(times) + 1), times, lw=2, **line), dots))
    left.set(
        xscale="log",
        yticks=range(emotions.N),
        yticklabels=emotion_names(lang),
        xlabel=pick(lang, "서로 다른 노래 수", "different songs"),
    )
    left.set_ylim(emotions.N - 0.5, -0.5)
    left.set_xlim(1, left.get_xlim()[1] * 4)
    left.tick_params(axis="y", length=0)
    right.set(
        xscale="log",
        yscale="log",
        xlabel=pick(lang, "노래 (자주 나온 순서)", "songs, most frequent first"),
        ylabel=pick(lang, "나온 횟수", "times answered"),
    )
    right.grid(which="major")
    for ax in (left.xaxis, right.xaxis, right.yaxis):
        ax.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
    figure.legend(
        handles,
        [pick(lang, *labels[name]) for name in reached],
        loc="outside lower center",
        ncols=len(reached),
        handlelength=3.2,
        columnspacing=3,
    )
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    return figure


def _recommender_style(name: str, *, ours: bool) -> tuple[dict, dict]:
    """Dots and line of a recommender, one colour in both panels: 2022 hatched and dashed, ours dark, what lies between light."""
    if name == "2022":
        return {"s": 62, "facecolor": "white", "edgecolor": "#7A7A7A", "hatch": HATCH_2022 * 2}, {
            "color": "#7A7A7A",
            "ls": "--",
        }
    colour = ACCENT if ours else "#F2A71B"
    return {"s": 44, "color": colour, "lw": 0, "marker": "o" if ours else "D"}, {
        "color": colour,
        "ls": "-",
    }


def emotion_path(
    songs: Sequence[str], vectors: np.ndarray, aims: np.ndarray, lang: str, title: str
) -> Figure:
    """Songs of a path from left to right: emotions of each (k, 6) as a wide stacked bar, and what is wished for there (k, 6) as a thin one, as on the page."""
    figure, axes = plt.subplots(figsize=(SIZES["page"][0] + 1.2, SIZES["page"][1] + 0.6))
    at = np.arange(len(songs))
    for offset, width, values, alpha in (
        (-0.34, 0.14, aims / aims.sum(axis=1, keepdims=True), 0.55),
        (0.07, 0.6, vectors, 1.0),
    ):
        bottom = np.zeros(len(songs))
        for emotion in emotions.EMOTIONS:
            share = values[:, emotion.id]
            axes.bar(
                at + offset,
                share,
                width,
                bottom=bottom,
                color=emotion.colour,
                alpha=alpha,
                label=emotion_names(lang)[emotion.id] if alpha == 1 else None,
            )
            bottom += share
    axes.set(
        title=title,
        xticks=at,
        xticklabels=[
            f"{i + 1}. {song if len(song) <= 14 else song[:13] + '…'}"
            for i, song in enumerate(songs)
        ],
        ylim=(0, 1),
    )
    kinds = pick(
        lang,
        "가는 막대: 바라는 기분, 넓은 막대: 고른 노래",
        "thin: the feeling wished for; wide: the song chosen",
    )
    axes.set_ylabel(f"{pick(lang, '감정 비율', 'emotions')}\n{kinds}", linespacing=1.6)
    axes.tick_params(axis="x", rotation=20)
    axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def why(
    words: pd.DataFrame, feeling: np.ndarray, song: str, vector: np.ndarray, lang: str, title: str
) -> Figure:
    """Why a song was chosen: how much each word moved the emotion (table of `explanation.moving_words`), and both vectors side by side."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.4, 4.2))
    shown = words.sort_values("place")
    emotion = int(words["emotion"].iloc[0])
    bars = left.barh(
        range(len(shown)),
        shown["effect"],
        color=[emotions.COLOURS[emotion] if e > 0 else BASELINE for e in shown["effect"]],
    )
    left.bar_label(bars, [f"{e:+.2f}" for e in shown["effect"]], padding=4, fontsize=9)
    left.set(
        yticks=range(len(shown)),
        yticklabels=shown["word"],
        xlabel=pick(lang, f"{emotions.KO[emotion]}에 준 영향", f"effect on {emotions.EN[emotion]}"),
    )
    left.axvline(0, color=INK, lw=0.8)
    left.margins(x=0.2)
    left.invert_yaxis()
    at = np.arange(emotions.N)
    for offset, values, alpha, label in (
        (-0.2, feeling, 1.0, pick(lang, "문장", "sentence")),
        (0.2, vector, 0.5, song),
    ):
        right.barh(at + offset, values, 0.38, color=emotions.COLOURS, alpha=alpha, label=label)
    right.set(yticks=at, yticklabels=emotion_names(lang), xlim=(0, 1))
    right.invert_yaxis()
    right.legend(
        handles=[
            mpl.patches.Patch(color=INK, alpha=alpha, label=label)
            for alpha, label in ((1.0, pick(lang, "문장", "sentence")), (0.5, song))
        ]
    )
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    return figure
