"""Figures of domains: shared words, texts on a plane, losses of pre-training."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from .style import ACCENT, BASELINE, HATCH_2022, SIZES, builder, heading
from .words import Words

#: Colours of the text domains, the same in every figure.
DOMAIN_COLOURS = {
    "conversation": "#2F6690",
    "emotion": "#D1453B",
    "lyrics": "#4FA36C",
    "unrelated": "#F2A71B",
}


@builder
def venns(
    words: Words,
    panels: dict[str, tuple[dict[tuple[str, ...], float], bool]],
    sets: Sequence[str],
) -> Figure:
    """Draw Venn diagrams of the same three sets side by side, in percent of the union.

    Areas are not to scale.

    Parameters
    ----------
    panels
        {panel: (shares by the names of the sets that hold an element, whether it was published
        in 2022 and is hatched)}.
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
    for ax, (panel, (shares, is_of_2022)) in zip(axes[0], panels.items(), strict=True):
        for name, (x, y) in centres.items():
            style = {"fc": DOMAIN_COLOURS[name], "ec": "none"}
            if is_of_2022:
                style = {"fc": "white", "ec": BASELINE, "hatch": HATCH_2022}
            ax.add_patch(plt.Circle((x, y), 0.98, alpha=0.35, lw=1, **style))
            if is_of_2022:
                ax.add_patch(plt.Circle((x, y), 0.98, fc="none", ec="#7A7A7A", lw=1))
            style = {"ha": "center", "va": "center", "fontweight": "semibold"}
            ax.text(x * 1.75, 1.48 if y > 0 else -1.8, words.label(name), **style)
        box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"} if is_of_2022 else None
        by_sets = {frozenset(names): share for names, share in shares.items()}
        for names, (x, y) in places.items():
            share = by_sets.get(frozenset(names), 0)
            ax.text(x, y, f"{share:.0f}%", ha="center", va="center", bbox=box)
        ax.text(0, 2, words.label(panel), ha="center", va="center")
        ax.set(xlim=(-1.75, 1.75), ylim=(-2, 2.3), aspect="equal")
        ax.axis("off")
    heading(figure, words)
    return figure


@builder
def domain_plane(words: Words, points: np.ndarray, domains: np.ndarray, task: str) -> Figure:
    """Draw texts of several domains as points (n, 2), each domain with an ellipse.

    The ellipse holds about two thirds of the texts. It is solid for the domain of the task.

    Parameters
    ----------
    domains
        Domain of each point, (n,).
    task
        Domain of fine-tuning, also with another corpus after an @; the others are of pre-training.
    """
    figure, axes = plt.subplots(figsize=SIZES["tall"])
    for name in dict.fromkeys(domains):
        texts, colour = points[domains == name], DOMAIN_COLOURS.get(name, "#8E5BA6")
        is_task = name.split("@")[0] == task
        kind = words.label("task" if is_task else "pre-training")
        label = f"{words.label(name)} ({kind})".replace("\n", " ")
        axes.scatter(*texts.T, s=16, color=colour, alpha=0.55, lw=0, label=label)
        values, vectors = np.linalg.eigh(np.cov(texts.T))
        width, height = 2 * np.sqrt(2.28 * values)  # two thirds of a normal cloud
        angle = np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0]))
        style = {"lw": 2.6, "ls": "-"} if is_task else {"lw": 1.6, "ls": "--"}
        style |= {"fc": "none", "ec": colour}
        ellipse = mpl.patches.Ellipse(texts.mean(0), width, height, angle=angle, **style)
        axes.add_patch(ellipse)
    axes.set(title=words("title"), xticks=[], yticks=[], xlabel=words("x"))
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.06)}
    axes.legend(ncols=2, columnspacing=1.5, handletextpad=0.2, **place)
    return figure


@builder
def losses(words: Words, before: dict[str, float], after: dict[str, dict[str, float]]) -> Figure:
    """Draw the masked-LM loss on held-out texts before and after pre-training.

    There is one panel for each domain and one arrow for each condition.

    Parameters
    ----------
    before
        {domain: loss}, the same for every condition.
    after
        {condition: {domain: loss}}.
    """
    size = (2.0 + 2.15 * len(before), 1.7 + 0.36 * len(after))
    figure, axes = plt.subplots(1, len(before), figsize=size, sharey=True, squeeze=False)
    box = {"boxstyle": "round,pad=0.05", "fc": "white", "ec": "none"}
    for ax, (domain, start) in zip(axes[0], before.items(), strict=True):
        ax.axvline(start, color=BASELINE, lw=1.4)
        ends = [of_domain[domain] for of_domain in after.values()]
        for row, end in enumerate(ends):
            arrow = {"arrowstyle": "-|>", "color": ACCENT if end <= start else "#D1453B"}
            arrow |= {"lw": 1.6, "shrinkA": 0, "shrinkB": 0}
            ax.annotate("", xy=(end, row), xytext=(start, row), arrowprops=arrow)
            style = {"ha": "center", "va": "bottom", "fontsize": 8, "bbox": box}
            ax.text(end, row - 0.2, f"{end:.2f}", **style)
        low, high = min(*ends, start), max(*ends, start)
        room = max(0.3 * (high - low), 0.05)
        ax.set(xlim=(low - room, high + room), ylim=(len(after) - 0.5, -0.8))
        title = words.label(domain, "domains")
        ax.set_title(title, fontweight="normal", loc="center", fontsize=10.5)
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(3))
    labels = [words.label(condition, "conditions") for condition in after]
    axes[0][0].set_yticks(range(len(after)), labels)
    heading(figure, words)
    figure.supxlabel(words("x"), fontsize="medium")
    return figure
