"""Figures of text: cleaning, label maps, word clouds, learning curves, calibration, cost."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ...core import emotions
from ...core.language import emotion_names, pick
from .style import ACCENT, INK, SIZES, font_path


def pipeline(
    ledger: pd.DataFrame, labels: dict[str, tuple[str, str]], lang: str, title: str
) -> Figure:
    """Rows that remain after each cleaning step, as a falling row of bars with what was dropped."""
    figure, axes = plt.subplots(figsize=(SIZES["page"][0], 0.9 + 0.42 * (len(ledger) + 1)))
    steps = [
        pick(lang, "모은 자료", "collected"),
        *(pick(lang, *labels.get(s, (s, s))) for s in ledger["step"]),
    ]
    left = [int(ledger["rows_in"].iloc[0]), *ledger["rows_out"].astype(int)]
    dropped = [0, *ledger["dropped"].astype(int)]
    changed = [0, *ledger["changed"].astype(int)]
    at = np.arange(len(steps))
    axes.barh(at, left, 0.66, color=ACCENT)
    axes.barh(at, dropped, 0.66, left=left, color="#E8B7B2")
    for row, (kept, lost, corrected) in enumerate(zip(left, dropped, changed, strict=True)):
        text = f"{kept:,}"
        text += f"  (-{lost:,})" if lost else ""
        text += (
            pick(lang, f"  ({corrected:,}개 고침)", f"  ({corrected:,} corrected)")
            if corrected and not lost
            else ""
        )
        axes.text(kept + lost + 0.01 * left[0], row, text, va="center")
    axes.set(
        yticks=at, yticklabels=steps, title=title, xlabel=pick(lang, "남은 행 수", "rows left")
    )
    axes.invert_yaxis()
    axes.margins(x=0.2)
    return figure


def flow(labels: pd.DataFrame, lang: str, title: str) -> Figure:
    """Flow of the source's labels (left) into the six emotions (right); a band is as thick as its texts are many.

    Parameters
    ----------
    labels
        One row a label: columns label, emotion (id), n.
    """
    table = labels.sort_values(["emotion", "n"], ascending=[True, False]).reset_index(drop=True)
    share, totals = (
        table["n"] / table["n"].sum(),
        table.groupby("emotion")["n"].sum() / table["n"].sum(),
    )
    inches = 1.8 + 0.2 * len(table)
    left, left_height = _slots(
        share.to_numpy(), 1 / len(table)
    )  # a rare label still has room for its name
    right, right_height = _slots(totals.to_numpy(), 0.7 / inches)
    right += (left_height - right_height) / 2
    figure, axes = plt.subplots(figsize=(SIZES["page"][0], inches))
    t = np.linspace(0, 1, 40)
    ease = 3 * t**2 - 2 * t**3
    starts = dict(zip(totals.index, right - totals.to_numpy() / 2, strict=True))
    for row, middle, part in zip(table.itertuples(), left, share, strict=True):
        upper = middle - part / 2 + (starts[row.emotion] - middle + part / 2) * ease
        axes.fill_between(
            t, -upper, -upper - part, color=emotions.COLOURS[row.emotion], alpha=0.45, lw=0
        )
        axes.text(-0.015, -middle, f"{row.label} {row.n:,}", ha="right", va="center", fontsize=8)
        starts[row.emotion] += part
    for (emotion, part), middle in zip(totals.items(), right, strict=True):
        axes.add_patch(
            plt.Rectangle(
                (1, -middle - part / 2), 0.025, part, color=emotions.COLOURS[emotion], lw=0
            )
        )
        axes.text(
            1.04,
            -middle,
            f"{emotion_names(lang)[emotion]}\n{part * table['n'].sum():,.0f} ({part:.0%})",
            ha="left",
            va="center",
        )
    height = max(left_height, right_height)
    axes.set(
        title=title,
        xlim=(-0.32, 1.25),
        ylim=(-left_height / 2 - height / 2 - 0.01, -left_height / 2 + height / 2 + 0.01),
    )
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
    handles = [
        plt.Line2D([], [], marker="s", ls="", color=e.colour, label=emotion_names(lang)[e.id])
        for e in emotions.EMOTIONS
    ]
    axes.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        ncols=6,
        columnspacing=1,
        handletextpad=0.2,
    )
    return figure


def learning_curves(
    table: pd.DataFrame,
    tests: dict[str, str],
    labels: dict[str, tuple[str, str]],
    lang: str,
    title: str,
) -> Figure:
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
    figure, axes = plt.subplots(
        1, len(tests), figsize=(4.6 * len(tests), 4.4), sharey=True, squeeze=False
    )
    sizes = sorted(table["n"].unique())
    colours = dict(
        zip(table["model"].unique(), ("#7A7A7A", "#4FA36C", "#8E5BA6", "#D1453B"), strict=False)
    )
    for ax, (test, heading) in zip(axes[0], tests.items(), strict=True):
        for place, (model, rows) in enumerate(
            table[table["test"] == test].groupby("model", sort=False)
        ):
            at = rows["n"] * 1.03 ** (
                place - 1.5
            )  # beside each other, so that the bars of models do not cover one another
            mean = np.array([score["mean"] for score in rows["macro_f1"]])
            ends = np.array(
                [
                    (score["mean"] - score["low"], score["high"] - score["mean"])
                    for score in rows["macro_f1"]
                ]
            ).T
            ax.errorbar(
                at,
                mean,
                ends,
                color=colours[model],
                marker="o",
                ms=4,
                lw=1.6,
                elinewidth=1,
                label=pick(lang, *labels[model]),
            )
        ax.set(xscale="log", ylim=(0, 1), xlabel=pick(lang, "학습 문장 수", "training sentences"))
        ax.set_xticks(sizes, [f"{n:,}" for n in sizes])
        ax.minorticks_off()
        ax.set_title(heading, fontweight="normal", fontsize=10)
        ax.grid(axis="y")
    axes[0, 0].set_ylabel("macro-F1")
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(colours)
    )
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    return figure


def reliability(tables: dict[str, tuple[pd.DataFrame, str]], lang: str, title: str) -> Figure:
    """Accuracy against confidence, side by side, with the line of a calibrated model: {name: (table of `metrics.reliability`, ECE)}."""
    figure, axes = plt.subplots(1, len(tables), figsize=(4.1 * len(tables), 4.3), sharey=True)
    for ax, (name, (table, ece)) in zip(axes, tables.items(), strict=True):
        ax.plot([0, 1], [0, 1], ls="--", lw=1, color=INK)
        ax.bar(table["confidence"], table["accuracy"], width=0.07, color=ACCENT)
        _counts_in_bars(ax, table)
        ax.set(
            xlim=(0, 1),
            ylim=(0, 1.05),
            xlabel=pick(lang, "확신도 (막대 안의 수는 글 수)", "confidence (in the bars: texts)"),
        )
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
        style = {
            "color": "white" if inside else INK,
            "rotation": 90 if turned else 0,
            "fontsize": 7.5,
        }
        ax.text(
            row.confidence,
            0.015 + (0 if inside else row.accuracy),
            f"{row.n:,}",
            ha="center",
            va="bottom",
            **style,
        )


def cost(table: pd.DataFrame, labels: dict[str, tuple[str, str]], lang: str, title: str) -> Figure:
    """Score of each model against the seconds to make it (table of `comparison.cost`); a hollow dot is a model whose weights are not counted."""
    figure, axes = plt.subplots(figsize=(SIZES["page"][0], SIZES["page"][1] + 0.4))
    x, y, weights = table["seconds to make"], table["macro-F1"], table["million weights"]
    counted = weights.notna()
    label = pick(lang, "가중치를 세지 않음", "weights not counted")
    axes.scatter(
        x[~counted],
        y[~counted],
        s=34,
        facecolor="white",
        edgecolor=ACCENT,
        lw=1.4,
        zorder=3,
        label=label,
    )
    if counted.any():
        most = pick(
            lang,
            f"가장 큰 점 {100 * weights.max():,.0f}만 개",
            f"largest: {weights.max():,.0f} million",
        )
        label = (
            f"{pick(lang, '점의 크기는 가중치 수', 'as large as the weights are many')} ({most})"
        )
        axes.scatter(
            x[counted],
            y[counted],
            s=40 + 6 * weights[counted],
            color=ACCENT,
            alpha=0.8,
            lw=0,
            label=label,
        )
    for place, row in enumerate(table.sort_values("macro-F1", ascending=False).itertuples()):
        name, slow = (
            pick(lang, *labels.get(row.Index, (row.Index, row.Index))),
            row[2] > table["seconds to make"].max() / 10,
        )
        side = {
            "xytext": (-9 if slow else 9, -11 if place % 2 else 5),
            "ha": "right" if slow else "left",
        }  # clear of each other and of the edge
        axes.annotate(name, (row[2], row[4]), textcoords="offset points", **side)
    axes.set(
        xscale="log",
        title=title,
        xlabel=pick(lang, "만드는 데 걸린 시간 (초)", "seconds to make"),
        ylabel="macro-F1",
    )
    axes.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,g}"))
    axes.margins(x=0.25, y=0.15)
    axes.grid(axis="y")
    axes.legend(
        ncols=2,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.14),
        columnspacing=1.5,
        handletextpad=0.4,
    )
    return figure
