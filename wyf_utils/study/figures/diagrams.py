"""Diagrams: architectures, the first design, the measures of 2022."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from ...core import emotions
from .style import INK, SIZES, builder
from .words import Words

#: Colours of boxes by what they hold.
_COLOURS = {
    "text": "#DCE8F2",
    "sound": "#EFE2F3",
    "store": "#E7F1E9",
    "answer": "#FCEBCB",
    "model": "#F3F3F3",
}


def _diagram(
    words: Words,
    boxes: dict[str, tuple[float, float, str]],
    arrows: Sequence[tuple[str, str]],
    size: tuple[float, float] = (9.6, 4.6),
) -> Figure:
    """Draw boxes and arrows.

    Parameters
    ----------
    boxes
        {name: (centre x, centre y, kind)}, in units of boxes' places; the name is its label.
    arrows
        Pairs of boxes' names.
    """
    figure, axes = plt.subplots(figsize=size)
    texts = {}
    for name, (x, y, kind) in boxes.items():
        box = {"boxstyle": "round,pad=0.55", "fc": _COLOURS[kind], "ec": INK, "lw": 0.8}
        style = {"ha": "center", "va": "center", "fontsize": 10, "linespacing": 1.35}
        texts[name] = axes.text(x, y, words.label(name), bbox=box, zorder=3, **style)
    axes.set(title=words("title"))
    axes.axis("off")
    xs, ys, _ = zip(*boxes.values(), strict=True)
    axes.set_xlim(min(xs) - 0.75, max(xs) + 0.75)
    axes.set_ylim(min(ys) - 0.6, max(ys) + 0.6)
    figure.canvas.draw()
    for start, end in arrows:
        style = {"arrowstyle": "-|>", "color": INK, "lw": 1.1, "shrinkA": 0, "shrinkB": 0}
        ends = {"patchA": texts[start].get_bbox_patch(), "patchB": texts[end].get_bbox_patch()}
        place = {"xy": boxes[end][:2], "xytext": boxes[start][:2], "zorder": 2}
        axes.annotate("", **place, arrowprops=style | ends)
    return figure


@builder
def measure_tiles(words: Words) -> Figure:
    """Draw a hit of each of the four measures of 2022: true emotions above, the model's below."""
    examples = {
        "top2": ((0, 3), (3, 0)),
        "top3": ((0, 3, 4), (4, 0, 3)),
        "less_strict_top1": ((0, 3), (3, 1)),
        "less_strict_top2": ((0, 3, 4), (4, 2, 0)),
    }
    figure, axes = plt.subplots(2, 2, figsize=SIZES["page"])
    for ax, (measure, (true, answer)) in zip(axes.flat, examples.items(), strict=True):
        for row, (name, vector) in enumerate((("true", true), ("model", answer))):
            ax.text(-0.25, -row, words.label(name), ha="right", va="center")
            for column, emotion in enumerate(vector):
                _tile(ax, row, column, emotion, words, is_hit=emotion in true and emotion in answer)
        ax.set(xlim=(-0.9, 3), ylim=(-1.5, 0.55))
        ax.set_title(f"{words.label(measure)}: {words.label(f'{measure}_rule')}", fontsize=10)
        ax.axis("off")
    return figure


def _tile(
    axes: plt.Axes, row: int, column: int, emotion: int, words: Words, *, is_hit: bool
) -> None:
    """Draw a tile with the name of an emotion, in its colour if it is a hit."""
    face = emotions.COLOURS[emotion] if is_hit else "white"
    tile = plt.Rectangle((column, -row - 0.4), 0.94, 0.8, facecolor=face, edgecolor=INK, lw=0.8)
    axes.add_patch(tile)
    style = {"color": "white", "fontweight": "semibold"} if is_hit else {"color": INK}
    place = {"ha": "center", "va": "center"}
    axes.text(column + 0.47, -row, words.emotions[emotion], **place, **style)


@builder
def architecture(words: Words) -> Figure:
    """Draw the way from sentence, lyrics and sound to the list of songs, with shapes."""
    boxes = {
        "sentence": (0, 2, "text"),
        "lyrics": (0, 1, "text"),
        "mel": (0, 0, "sound"),
        "language_model": (1.2, 1.5, "model"),
        "mel_model": (1.2, 0, "model"),
        "v1": (2.4, 2, "text"),
        "v2": (2.4, 1, "text"),
        "v3": (2.4, 0, "sound"),
        "fusion": (3.4, 0.5, "model"),
        "database": (4.65, 0.5, "store"),
        "recommender": (4.65, 2, "answer"),
        "songs": (5.7, 2, "answer"),
    }
    arrows = (
        ("sentence", "language_model"), ("lyrics", "language_model"), ("mel", "mel_model"),
        ("language_model", "v1"), ("language_model", "v2"), ("mel_model", "v3"),
        ("v2", "fusion"), ("v3", "fusion"), ("fusion", "database"),
        ("database", "recommender"), ("v1", "recommender"), ("recommender", "songs"),
    )  # fmt: skip
    return _diagram(words, boxes, arrows)


@builder
def architecture_text(words: Words) -> Figure:
    """Draw the way of sentence and lyric through the language model, with shapes."""
    boxes = {
        "sentence": (0, 1, "text"),
        "couplets": (0, 0, "text"),
        "tokens": (1.3, 0.5, "model"),
        "encoder": (2.4, 0.5, "model"),
        "mean": (3.5, 0.5, "model"),
        "layer": (4.7, 0.5, "model"),
        "v1": (5.9, 1, "text"),
        "v2": (5.9, 0, "text"),
    }
    arrows = (
        ("sentence", "tokens"), ("couplets", "tokens"), ("tokens", "encoder"), ("encoder", "mean"),
        ("mean", "layer"), ("layer", "v1"), ("layer", "v2"),
    )  # fmt: skip
    return _diagram(words, boxes, arrows, size=(10.8, 3.2))


@builder
def architecture_mel(words: Words) -> Figure:
    """Draw the way of sound to its vector, with shapes."""
    boxes = {
        "sound": (0, 0, "sound"),
        "mel": (1.2, 0, "sound"),
        "musicnn": (2.4, 0, "model"),
        "head": (3.6, 0, "model"),
        "v3": (4.7, 0, "sound"),
        "mel_48": (0, 1, "sound"),
        "adaptor": (1.2, 1, "model"),
        "target": (3.6, 1, "text"),
    }
    arrows = (
        ("sound", "mel"), ("mel", "musicnn"), ("musicnn", "head"), ("head", "v3"),
        ("mel_48", "adaptor"), ("adaptor", "mel"), ("target", "head"),
    )  # fmt: skip
    return _diagram(words, boxes, arrows, size=(10.8, 3.2))


@builder
def architecture_recommender(words: Words) -> Figure:
    """Draw the way from v1, v2 and v3 to the list: prior, weights, search, diversity."""
    boxes = {
        "v2_v3": (0, 1, "text"),
        "correction": (1.1, 1, "model"),
        "weighted_mean": (2.4, 1, "model"),
        "database": (3.7, 1, "store"),
        "v1": (0, 0, "text"),
        "mode": (1.1, 0, "answer"),
        "search": (2.4, 0, "answer"),
        "diversity": (3.7, 0, "answer"),
        "songs": (4.9, 0, "answer"),
    }
    arrows = (
        ("v2_v3", "correction"), ("correction", "weighted_mean"), ("weighted_mean", "database"),
        ("database", "search"), ("v1", "mode"), ("mode", "search"), ("search", "diversity"),
        ("diversity", "songs"),
    )  # fmt: skip
    return _diagram(words, boxes, arrows, size=(10.8, 3.6))


@builder
def initial_design(words: Words) -> Figure:
    """Draw the first plan of 2022: lexicons and KoBERT, a filter, songs."""
    boxes = {
        "sentence": (0, 0.5, "text"),
        "lexicons": (1.2, 1, "model"),
        "kobert": (1.2, 0, "model"),
        "vector": (2.4, 0.5, "text"),
        "filter": (3.5, 0.5, "answer"),
        "songs": (4.5, 0.5, "answer"),
    }
    arrows = (
        ("sentence", "lexicons"), ("sentence", "kobert"), ("lexicons", "vector"),
        ("kobert", "vector"), ("vector", "filter"), ("filter", "songs"),
    )  # fmt: skip
    return _diagram(words, boxes, arrows, size=(9.6, 2.8))
