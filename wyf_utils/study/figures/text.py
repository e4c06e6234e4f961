"""Figures of text: cleaning, label maps, word clouds, learning curves, calibration, cost."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from ...core import emotions
from .style import ACCENT, INK, SIZES, builder, font_path, heading
from .words import Words


@builder
def pipeline(words: Words, ledger: pd.DataFrame) -> Figure:
    """Draw the rows that remain after each cleaning step, and those that it dropped."""
    figure, axes = plt.subplots(figsize=(SIZES["page"][0], 0.9 + 0.42 * (len(ledger) + 1)))
    steps = [words("collected"), *map(words.label, ledger["step"])]
    left = [int(ledger["rows_in"].iloc[0]), *ledger["rows_out"].astype(int)]
    dropped = [0, *ledger["dropped"].astype(int)]
    changed = [0, *ledger["changed"].astype(int)]
    at = np.arange(len(steps))
    axes.barh(at, left, 0.66, color=ACCENT)
    axes.barh(at, dropped, 0.66, left=left, color="#E8B7B2")
    for row, (rows, lost, corrected) in enumerate(zip(left, dropped, changed, strict=True)):
        text = f"{rows:,}"
        if lost:
            text += f"  (-{lost:,})"
        elif corrected:
            text += f"  ({words('corrected', n=corrected)})"
        axes.text(rows + lost + 0.01 * left[0], row, text, va="center")
    axes.set(yticks=at, yticklabels=steps, title=words("title"), xlabel=words("x"))
    axes.invert_yaxis()
    axes.margins(x=0.2)
    return figure


@builder
def flow(words: Words, labels: pd.DataFrame) -> Figure:
    """Draw how the source's labels (left) flow into the six emotions (right).

    A band is as thick as its number of texts.

    Parameters
    ----------
    labels
        One row a label: columns label, emotion (id), n.
    """
    table = labels.sort_values(["emotion", "n"], ascending=[True, False]).reset_index(drop=True)
    share = table["n"] / table["n"].sum()
    totals = table.groupby("emotion")["n"].sum() / table["n"].sum()
    inches = 1.8 + 0.2 * len(table)
    # a rare label still has room for its name
    left, left_height = _slots(share.to_numpy(), 1 / len(table))
    right, right_height = _slots(totals.to_numpy(), 0.7 / inches)
    right += (left_height - right_height) / 2
    figure, axes = plt.subplots(figsize=(SIZES["page"][0], inches))
    t = np.linspace(0, 1, 40)
    ease = 3 * t**2 - 2 * t**3
    starts = dict(zip(totals.index, right - totals.to_numpy() / 2, strict=True))
    for row, middle, part in zip(table.itertuples(), left, share, strict=True):
        upper = middle - part / 2 + (starts[row.emotion] - middle + part / 2) * ease
        colour = emotions.COLOURS[row.emotion]
        axes.fill_between(t, -upper, -upper - part, color=colour, alpha=0.45, lw=0)
        axes.text(-0.015, -middle, f"{row.label} {row.n:,}", ha="right", va="center", fontsize=8)
        starts[row.emotion] += part
    for (emotion, part), middle in zip(totals.items(), right, strict=True):
        corner, colour = (1, -middle - part / 2), emotions.COLOURS[emotion]
        axes.add_patch(plt.Rectangle(corner, 0.025, part, color=colour, lw=0))
        count = f"{part * table['n'].sum():,.0f} ({part:.0%})"
        name = f"{words.emotions[emotion]}\n{count}"
        axes.text(1.04, -middle, name, ha="left", va="center")
    height = max(left_height, right_height)
    low, high = -left_height / 2 - height / 2 - 0.01, -left_height / 2 + height / 2 + 0.01
    axes.set(title=words("title"), xlim=(-0.32, 1.25), ylim=(low, high))
    axes.axis("off")
    return figure


def _slots(shares: np.ndarray, least: float, gap: float = 0.004) -> tuple[np.ndarray, float]:
    """Middles of slots from the top down, each at least `least` high, and their total height."""
    heights = np.maximum(shares, least) + gap
    return np.cumsum(heights) - heights / 2, float(heights.sum())


@builder
def word_cloud(words: Words, labels: pd.DataFrame, seed: int) -> Figure:
    """Draw the source's labels as a cloud, sized by frequency (table as for `flow`)."""
    from wordcloud import WordCloud

    colour = {row.label: emotions.COLOURS[row.emotion] for row in labels.itertuples()}
    size = {"width": 1400, "height": 760, "relative_scaling": 0.4}
    style = {"font_path": str(font_path("Bold")), "background_color": "white"}
    cloud = WordCloud(
        **size, **style, random_state=seed, color_func=lambda word, **_: colour[word]
    ).generate_from_frequencies(dict(zip(labels["label"], labels["n"], strict=True)))
    figure, axes = plt.subplots()
    axes.imshow(cloud, interpolation="bilinear")
    axes.set_title(words("title"))
    axes.axis("off")
    handles = [
        plt.Line2D([], [], marker="s", ls="", color=colour, label=name)
        for name, colour in zip(words.emotions, emotions.COLOURS, strict=True)
    ]
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0)}
    axes.legend(handles=handles, ncols=6, columnspacing=1, handletextpad=0.2, **place)
    return figure


@builder
def learning_curves(words: Words, table: pd.DataFrame) -> Figure:
    """Draw macro-F1 with its 95 % interval against the number of training sentences.

    There is one panel for each test part and one line for each model.

    Parameters
    ----------
    table
        As `training_experiments.learning_curve` returns it.
    """
    tests, sizes = table["test"].unique(), sorted(table["n"].unique())
    size = (4.6 * len(tests), 4.4)
    figure, axes = plt.subplots(1, len(tests), figsize=size, sharey=True, squeeze=False)
    shades = ("#7A7A7A", "#4FA36C", "#8E5BA6", "#D1453B")
    colours = dict(zip(table["model"].unique(), shades, strict=False))
    for ax, test in zip(axes[0], tests, strict=True):
        models = table[table["test"] == test].groupby("model", sort=False)
        for place, (model, rows) in enumerate(models):
            # beside each other, so that intervals of models do not cover one another
            at = rows["n"] * 1.03 ** (place - 1.5)
            mean, low, high = (
                np.array([score[key] for score in rows["macro_f1"]])
                for key in ("mean", "low", "high")
            )
            style = {"color": colours[model], "marker": "o", "ms": 4, "lw": 1.6, "elinewidth": 1}
            ax.errorbar(at, mean, (mean - low, high - mean), label=words.label(model), **style)
        ax.set(xscale="log", ylim=(0, 1), xlabel=words("x"))
        ax.set_xticks(sizes, [f"{n:,}" for n in sizes])
        ax.minorticks_off()
        ax.set_title(words.label(test), fontweight="normal", fontsize=10)
        ax.grid(axis="y")
    axes[0, 0].set_ylabel(words("y"))
    lines = axes[0, 0].get_legend_handles_labels()
    figure.legend(*lines, loc="outside lower center", ncols=len(colours))
    heading(figure, words)
    return figure


@builder
def reliability(words: Words, tables: dict[str, tuple[pd.DataFrame, str]]) -> Figure:
    """Draw accuracy against confidence, with the line of a calibrated model.

    Parameters
    ----------
    tables
        {panel: (table of `metrics.reliability`, expected calibration error as text)}.
    """
    figure, axes = plt.subplots(1, len(tables), figsize=(4.1 * len(tables), 4.3), sharey=True)
    for ax, (panel, (table, ece)) in zip(axes, tables.items(), strict=True):
        ax.plot([0, 1], [0, 1], ls="--", lw=1, color=INK)
        ax.bar(table["confidence"], table["accuracy"], width=0.07, color=ACCENT)
        _counts_in_bars(ax, table)
        ax.set(xlim=(0, 1), ylim=(0, 1.05), xlabel=words("x"))
        ax.set_title(f"{words.label(panel)}, ECE {ece}", fontweight="normal", fontsize=10)
    axes[0].set_ylabel(words("y"))
    figure.get_layout_engine().set(wspace=0.06)
    heading(figure, words)
    return figure


def _counts_in_bars(ax: plt.Axes, table: pd.DataFrame) -> None:
    """Write the number of texts at the foot of each bar, where the diagonal does not pass.

    With six emotions no confidence is below a sixth.
    """
    is_turned = table["n"].max() > 999  # four digits are wider than a bar
    room = 0.11 if is_turned else 0.06  # a lower bar has its count on top
    style = {"ha": "center", "va": "bottom", "fontsize": 7.5, "rotation": 90 if is_turned else 0}
    for row in table.itertuples():
        inside = row.accuracy >= room
        foot, colour = (0, "white") if inside else (row.accuracy, INK)
        ax.text(row.confidence, 0.015 + foot, f"{row.n:,}", color=colour, **style)


@builder
def cost(words: Words, table: pd.DataFrame) -> Figure:
    """Draw the score of each model against the seconds to make it (table of `comparison.cost`).

    A hollow dot is a model whose weights are not counted.
    """
    figure, axes = plt.subplots(figsize=(SIZES["page"][0], SIZES["page"][1] + 0.4))
    x, y, weights = table["seconds to make"], table["macro-F1"], table["million weights"]
    counted = weights.notna()
    hollow = {"s": 34, "facecolor": "white", "edgecolor": ACCENT, "lw": 1.4, "zorder": 3}
    axes.scatter(x[~counted], y[~counted], label=words.label("hollow"), **hollow)
    if counted.any():
        most = weights.max()
        label = words.label("filled", millions=most, ten_thousands=100 * most)
        style = {"s": 40 + 6 * weights[counted], "color": ACCENT, "alpha": 0.8, "lw": 0}
        axes.scatter(x[counted], y[counted], label=label, **style)
    axes.set(xscale="log", title=words("title"), xlabel=words("x"), ylabel=words("y"))
    axes.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,g}"))
    axes.margins(x=0.25, y=0.15)
    axes.grid(axis="y")
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.14)}
    axes.legend(ncols=2, columnspacing=1.5, handletextpad=0.4, **place)
    _name_points(axes, [words.label(model) for model in table.index], x, y)
    return figure


def _name_points(axes: plt.Axes, names: list[str], x: pd.Series, y: pd.Series) -> None:
    """Write names beside points, from the top down, where they cover no other name and no point.

    Points in the right tenth of the (logarithmic) axis have their names on the left.
    """
    axes.figure.canvas.draw()  # gives names and points their places in pixels
    points = axes.transData.transform(np.column_stack([x, y]))
    taken = [Bbox.from_bounds(px - 5, py - 5, 10, 10) for px, py in points]
    for row in np.argsort(-y.to_numpy(), kind="stable"):
        place = (x.iloc[row], y.iloc[row])
        aside, side = (-9, "right") if place[0] > x.max() / 10 else (9, "left")
        name = axes.annotate(names[row], place, (aside, 0), textcoords="offset points", ha=side)
        for lift in (5, -11, 18, -24, 31, -37):
            name.xyann = (aside, lift)
            box = name.get_window_extent()
            if not any(box.overlaps(other) for other in taken):
                break
        taken.append(box)
