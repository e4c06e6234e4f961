"""Settings of a process: folders, threads and progress, read from the environment here alone.

Seeds are arguments of the functions that draw random numbers, and never a setting.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from .errors import BadInput

ROOT = Path(__file__).resolve().parents[2]
_PROCESS_START = time.time()


@dataclass(frozen=True)
class Context:
    """Settings of a process.

    Attributes
    ----------
    data : Path
        Folder with sample/, reference/, raw/ and feedback/ (`WYF_DATA`).
    cache : Path
        Folder of everything that can be computed again (`WYF_CACHE`).
    out : Path or None
        Output folder in place of `runs/<run>` (`WYF_OUT`).
    mirror : Path or None
        Folder that replaces the network for public files (`WYF_MIRROR`).
    run : str
        Run that the page shows (`WYF_RUN`).
    threads : int
        Threads of torch and workers of joblib, fixed for comparable timings (`WYF_THREADS`).
    progress_log : Path or None
        File for progress bars in place of standard error (`WYF_PROGRESS`).
    in_run : bool
        Whether a run of notebooks is executed (`WYF_RUN_STARTED`).
    fresh_since : float
        Artefacts made before this time, in seconds since 1970, are made again (`FRESH=1`).
    """

    data: Path
    cache: Path
    out: Path | None
    mirror: Path | None
    run: str
    threads: int
    progress_log: Path | None
    in_run: bool
    fresh_since: float


def context() -> Context:
    """Read the settings from the environment.

    Raises
    ------
    BadInput
        If `WYF_THREADS` is no positive whole number.
    """
    values = os.environ
    data = Path(values.get("WYF_DATA", ROOT / "data"))
    threads = values.get("WYF_THREADS", "2")
    if not (threads.isdigit() and int(threads) > 0):
        raise BadInput(
            f"WYF_THREADS is '{threads}' where a positive whole number belongs; "
            "correct it or unset it."
        )
    started = values.get("WYF_RUN_STARTED", "")
    is_fresh = values.get("FRESH", "") not in ("", "0")
    return Context(
        data=data,
        cache=Path(values.get("WYF_CACHE", data / "cache")),
        out=_path(values.get("WYF_OUT")),
        mirror=_path(values.get("WYF_MIRROR")),
        run=values.get("WYF_RUN", "default"),
        threads=int(threads),
        progress_log=_path(values.get("WYF_PROGRESS")),
        in_run=bool(started),
        fresh_since=float(started or _PROCESS_START) if is_fresh else 0.0,
    )


def _path(value: str | None) -> Path | None:
    return Path(value) if value else None
