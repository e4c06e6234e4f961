"""Style, palette and named sizes of the figures, and how a figure is drawn and saved.

A builder takes data and returns a drawing: a function of `Words` that returns a matplotlib figure.
`save` calls it for both languages and writes PNG and SVG. A missing glyph is an error.
"""

from __future__ import annotations

import functools
import importlib.util
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib import font_manager
from matplotlib.figure import Figure

from ...core.errors import BadInput, MissingData
from ...core.files import replacing_file
from .words import Words

#: Named sizes in inches; a slide (16:9) has text of 18 pt or more.
SIZES = {"page": (7.2, 4.2), "tall": (7.2, 6.4), "slide": (13.33, 7.5)}
INK, GRID, BASELINE, ACCENT = "#2B2B2B", "#E3E3E3", "#B5B5B5", "#2F6690"
#: Hatch of results that were published in 2022.
HATCH_2022 = "////"

Drawing = Callable[[Words], Figure]
_Data = ParamSpec("_Data")


def builder(draw: Callable[Concatenate[Words, _Data], Figure]) -> Callable[_Data, Drawing]:
    """Turn a function of words and data into one of the data that returns a drawing."""

    @functools.wraps(draw)
    def prepare(*data: _Data.args, **options: _Data.kwargs) -> Drawing:
        return lambda words: draw(words, *data, **options)

    return prepare


def heading(figure: Figure, words: Words) -> None:
    """Write the title over all panels of a figure."""
    figure.suptitle(words("title"), fontweight="semibold", ha="left", x=0.02)


def font_path(weight: str = "") -> Path:
    """Path of NanumGothic in a weight ("", "Bold", "ExtraBold", "Light").

    The file is part of koreanize-matplotlib, which is not imported.
    """
    spec = importlib.util.find_spec("koreanize_matplotlib")
    if spec is None:
        raise MissingData("The Korean font is missing; install koreanize-matplotlib.")
    return Path(next(iter(spec.submodule_search_locations))) / "fonts" / f"NanumGothic{weight}.ttf"


def set_style(size: str = "page") -> None:
    """Set fonts, colours and text sizes for one of the named sizes."""
    if size not in SIZES:
        raise BadInput(f"There is no figure size '{size}'; choose one of: {', '.join(SIZES)}.")
    for weight in ("", "Bold"):
        font_manager.fontManager.addfont(str(font_path(weight)))
    text = 18 if size == "slide" else 10
    mpl.rcParams.update(
        {
            "font.family": "NanumGothic",
            "axes.unicode_minus": False,
            "font.size": text,
            "axes.titlesize": text * 1.15,
            "axes.titleweight": "semibold",
            "axes.titlelocation": "left",
            "axes.titlepad": text * 0.9,
            "axes.labelsize": text,
            "xtick.labelsize": text * 0.95,
            "ytick.labelsize": text * 0.95,
            "legend.fontsize": text * 0.9,
            "legend.frameon": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "axes.grid": False,
            "grid.color": GRID,
            "figure.figsize": SIZES[size],
            "figure.dpi": 110,
            "savefig.dpi": 160,
            "figure.constrained_layout.use": True,
            "svg.fonttype": "path",
            "svg.hashsalt": "wyf",
            "axes.prop_cycle": mpl.cycler(
                color=["#2F6690", "#D1453B", "#4FA36C", "#F2A71B", "#8E5BA6", "#8C8C8C"]
            ),
        }
    )


def save(drawing: Drawing, words: dict[str, Words], folder: Path, name: str) -> dict[str, Figure]:
    """Draw a figure in every language and save it as PNG and SVG.

    Parameters
    ----------
    drawing
        What a builder returns.
    words
        {language: words of the figure}.
    folder
        Where the files go.
    name
        `<notebook number>_<name>`; the endings are `.ko.png`, `.en.svg` and so on.

    Returns
    -------
    dict
        The figures by language, closed in pyplot but still usable.

    Raises
    ------
    MissingData
        If the font lacks a glyph that the figure needs.
    """
    drawn = {}
    for lang, words_of_lang in words.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            figure = drawing(words_of_lang)
            for ending, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
                with replacing_file(folder / f"{name}.{lang}.{ending}") as path:
                    figure.savefig(path, format=ending, metadata=metadata)
        for warning in caught:
            if "Glyph" in str(warning.message) and "missing" in str(warning.message):
                plt.close("all")
                raise MissingData(
                    f"Figure {name}: {warning.message}; use a character that NanumGothic has."
                )
        drawn[lang] = figure
        plt.close(figure)
    return drawn
