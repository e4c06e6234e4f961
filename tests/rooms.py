"""Draw the rooms of the package and the imports between them, for the README (`make rooms`)."""

import collections

import grimp
import matplotlib

from wyf_utils.core.paths import ROOT

matplotlib.use("Agg")

#: Place of each room in the picture: column, row.
PLACES = {
    "core": (0, 1), "data": (1, 1), "text": (2, 2), "sound": (2, 0), "music": (3, 1),
    "app": (4, 2), "study": (4, 0),
}  # fmt: skip


def imports() -> dict[tuple[str, str], int]:
    """Count imports between modules of two rooms: {(importing, imported): n}."""
    graph, counts = grimp.build_graph("wyf_utils"), collections.Counter()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            rooms = tuple(name.split(".")[1] for name in (module, imported) if "." in name)
            if len(rooms) == 2 and rooms[0] != rooms[1] and set(rooms) <= PLACES.keys():
                counts[rooms] += 1
    return dict(counts)


def draw(counts: dict[tuple[str, str], int]):
    """Draw rooms as boxes and imports as arrows, the wider the more."""
    import matplotlib.pyplot as plt

    from wyf_utils.study.figures.style import ACCENT, INK, set_style

    set_style()
    figure, axes = plt.subplots(figsize=(8.4, 3.6))
    for (room, imported), n in counts.items():
        start, end = ((1.9 * PLACES[name][0], 1.1 * PLACES[name][1]) for name in (room, imported))
        straight = abs(PLACES[room][0] - PLACES[imported][0]) == 1
        bend = 0 if straight else 0.22 if start[1] > 1.1 else -0.22
        arrow = {
            "arrowstyle": "-|>", "color": ACCENT, "lw": 0.5 + n / 14, "alpha": 0.55,
            "shrinkA": 30, "shrinkB": 32, "connectionstyle": f"arc3,rad={bend}",
        }  # fmt: skip
        axes.annotate("", end, start, arrowprops=arrow)
    sizes = {room: len(list((ROOT / "wyf_utils" / room).rglob("[a-z]*.py"))) for room in PLACES}
    for room, (column, row) in PLACES.items():
        box = {"boxstyle": "round,pad=0.5", "fc": "#F3F6F9", "ec": INK, "lw": 1}
        text = f"{room}\n{sizes[room]} modules"
        axes.text(1.9 * column, 1.1 * row, text, ha="center", va="center", bbox=box)
    axes.set(xlim=(-0.8, 8.4), ylim=(-0.7, 2.9))
    axes.axis("off")
    return figure


if __name__ == "__main__":
    picture = draw(imports())
    for ending in ("png", "svg"):
        picture.savefig(ROOT / "figures" / f"rooms.en.{ending}")
