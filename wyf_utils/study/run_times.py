"""Times of a run: whether it starts from nothing, how long its first answer took, what is left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..core.context import context
from ..core.paths import cache_folder
from ..music import database


def starts_from_nothing() -> bool:
    """Tell whether no classifier is in the cache, or all is made anew (`FRESH=1`)."""
    return context().fresh_since > 0 or not any((cache_folder() / "classifier").glob("*/"))


def seconds_of_first_answer(songs: Path) -> dict[str, float]:
    """Read how long the quick music database took from the start of its process.

    The notebooks replace that database; of theirs nothing is read.
    """
    made = database.read(songs).provenance if songs.is_file() else {}
    seconds = made.get("seconds") if made.get("made") == "quick" else None
    return {"seconds/first_answer": float(seconds)} if seconds else {}


def time_left(expected: dict[str, float], stems: Sequence[str], minutes: dict[str, float]) -> str:
    """Say how long the rest of a run takes.

    Parameters
    ----------
    expected
        Committed minutes of its notebooks, as `minutes/<stem>`.
    stems
        Notebooks of the run.
    minutes
        Minutes of those that are done; they tell how fast this machine is.

    Returns
    -------
    str
        Words after "running"; blank where nothing is known.
    """
    of = {stem: expected.get(f"minutes/{stem}", 0) for stem in stems}
    known = sum(of[stem] for stem in minutes)
    rest = sum(value for stem, value in of.items() if stem not in minutes)
    if not rest:
        return ""
    left = rest * (sum(minutes.values()) / known if known else 1)
    return f", about {max(1, round(left))} min left"
