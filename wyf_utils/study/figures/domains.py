"""Figures of domains: shared words, texts on a plane, losses of pre-training."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from ...core.language import pick
from .style import ACCENT, BASELINE, HATCH_2022, SIZES

#: Colours of the text domains, the same in every figure.
DOMAIN_COLOURS = {
    "conversation": "#2F6690",
    "emotion": "#D1453B",
    "lyrics": "#4FA36C",
    "unrelated": "#F2A71B",
}


def venns(
    panels: dict[str, tuple[dict[tuple[str, ...], float], bool]],
    sets: Sequence[str],
    labels: dict[str, tuple[str, str]],
    lang: str,
    title: str,
) -> Figure:
    """Venn diagrams of the same three sets side by side; areas are not to scale, numbers are percent of the union.

    Parameters
    ----------
    panels
        {title: (shares by the names of the sets that hold an element, whether it was published in 2022 and is hatched)}.
    sets
        Names of the three sets: upper left, upper right, below.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(3.5 * len(panels), 4.4), squeeze=False)
    a, b, c = sets
    centres = {a: (-0.55, 0.32), b: (0.55, 0.32), c: (0, -0.63)}
    places = {
        (a,): (-0.98, 0.55), (b,): (0.98, 0.55), (c,): (0, -1.15),
        (a, b): (0, 0.78), (a, c): (-0.64, -0.3), (b, c): (0.64, -0.3), (a, b, c): (0, 0.02),
    }  # fmt: skip
    for ax, (name, (shares, old)) in zip(axes[0], panels.items(), strict=True):
        for each, (x, y) in centres.items():
            colour = (
                {"fc": "white", "ec": BASELINE, "hatch": HATCH_2022}
                if old
                else {"fc": DOMAIN_COLOURS[each], "ec": "none"}
            )
            ax.add_patch(plt.Circle((x, y), 0.98, alpha=0.35, lw=1, **colour))
            if old:
                ax.add_patch(plt.Circle((x, y), 0.98, fc="none", ec="#7A7A7A", lw=1))
            ax.text(
                x * 1.75,
                1.48 if y > 0 else -1.8,
                pick(lang, *labels[each]),
                ha="center",
                va="center",
                fontweight="semibold",
            )
        box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"} if old else None
        for held, (x, y) in places.items():
            share = next((s for names_, s in shares.items() if set(names_) == set(held)), 0)
            ax.text(x, y, f"{share:.0f}%", ha="center", va="center", bbox=box)
        ax.text(0, 2, name, ha="center", va="center")
        ax.set(xlim=(-1.75, 1.75), ylim=(-2, 2.3), aspect="equal")
        ax.axis("off")
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    return figure


def domain_plane(
    points: np.ndarray,
    domains: np.ndarray,
    task: str,
    labels: dict[str, tuple[str, str]],
    lang: str,
    title: str,
    note: str,
) -> Figure:
    """Texts of several domains as points (n, 2); an ellipse holds about two in three of a domain's, the task's is drawn in full.

    Parameters
    ----------
    domains
        Domain of each point, (n,).
    task
        The domain that is fine-tuned on, also with another corpus behind an @; the others are pre-trained on.
    """
    figure, axes = plt.subplots(figsize=SIZES["tall"])
    for name in dict.fromkeys(domains):
        mine, colour, is_task = (
            points[domains == name],
            DOMAIN_COLOURS.get(name, "#8E5BA6"),
            name.split("@")[0] == task,
        )
        kind = pick(lang, "과제", "task") if is_task else pick(lang, "사전학습", "pre-training")
        axes.scatter(
            *mine.T,
            s=16,
            color=colour,
            alpha=0.55,
            lw=0,
            label=f"{pick(lang, *labels[name])} ({kind})".replace("\n", " "),
        )
        values, vectors = np.linalg.eigh(np.cov(mine.T))
        width, height = 2 * np.sqrt(2.28 * values)  # two thirds of a normal cloud
        angle = np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0]))
        axes.add_patch(
            mpl.patches.Ellipse(
                mine.mean(0),
                width,
                height,
                angle=angle,
                fc="none",
                ec=colour,
                lw=2.6 if is_task else 1.6,
                ls="-" if is_task else "--",
            )
        )
    axes.set(title=title, xticks=[], yticks=[], xlabel=note)
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.06),
        ncols=2,
        columnspacing=1.5,
        handletextpad=0.2,
    )
    return figure


def losses(
    before: dict[str, float],
    after: dict[str, dict[str, float]],
    conditions: dict[str, tuple[str, str]],
    domains: dict[str, tuple[str, str]],
    lang: str,
    title: str,
) -> Figure:
    """Masked-LM loss on held-out texts before and after, one panel a domain, one arrow a condition.

    Parameters
    ----------
    before
        {domain: loss}, the same for every condition.
    after
        {condition: {domain: loss}}.
    """
    figure, axes = plt.subplots(
        1,
        len(before),
        figsize=(2.0 + 2.15 * len(before), 1.7 + 0.36 * len(after)),
        sharey=True,
        squeeze=False,
    )
    rows = range(len(after))
    for ax, (domain, start) in zip(axes[0], before.items(), strict=True):
        ax.axvline(start, color=BASELINE, lw=1.4)
        for row, found in zip(rows, after.values(), strict=True):
            end = found[domain]
            ax.annotate(
                "",
                xy=(end, row),
                xytext=(start, row),
                arrowprops={
                    "arrowstyle": "-|>",
                    "color": ACCENT if end <= start else "#D1453B",
                    "lw": 1.6,
                    "shrinkA": 0,
                    "shrinkB": 0,
                },
            )
            ax.text(
                end,
                row - 0.2,
                f"{end:.2f}",
                ha="center",
                va="bottom",
                fontsize=8,
                bbox={"boxstyle": "round,pad=0.05", "fc": "white", "ec": "none"},
            )
        ends = [found[domain] for found in after.values()] + [start]
        room = max(0.3 * (max(ends) - min(ends)), 0.05)
        ax.set(xlim=(min(ends) - room, max(ends) + room), ylim=(len(after) - 0.5, -0.8))
        ax.set_title(pick(lang, *domains[domain]), fontweight="normal", loc="center", fontsize=10.5)
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(3))
    axes[0][0].set_yticks(rows, [pick(lang, *conditions[name]) for name in after])
    figure.suptitle(title, fontweight="semibold", ha="left", x=0.02)
    figure.supxlabel(
        pick(
            lang,
            "가린 토큰 하나의 손실 (nat); 세로선은 추가 사전학습 전",
            "loss in nats a masked token; the line stands before pre-training",
        ),
        fontsize="medium",
    )
    return figure
