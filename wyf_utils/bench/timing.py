"""Time calls in turns and print their medians."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from ..study.recommender_evaluation import timed_in_turns


def compare(
    title: str,
    calls: dict[str, Callable[[], object]],
    times: int = 5,
    in_a_row: int = 1,
    untimed: int = 1,
) -> None:
    """Time calls by `timed_in_turns` and print medians and ratios to the first."""
    seconds = timed_in_turns(calls, times, in_a_row, untimed)
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    first = next(iter(medians.values()))
    print(f"\n{title}")
    for name, median in medians.items():
        print(f"  {name:<44} {1000 * median:10.2f} ms   {first / median:7.2f} x", flush=True)
