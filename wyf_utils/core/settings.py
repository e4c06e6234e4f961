"""Folders, profiles, seeds, threads and progress: what every other module shares."""

from __future__ import annotations

import functools
import os
import random
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from .errors import BadInput, MissingData

ROOT = Path(__file__).resolve().parents[2]
PROFILES = {
    "sample": "sample data written for this project",
    "open": "public corpora with a licence",
    "wyf": "the sources of 2022, put under data/raw/wyf by the user",
}

#: The run that answers from a person's own music.
OWN_MUSIC = "music"


def _threads() -> int:
    asked = os.environ.get("WYF_THREADS", "2")
    if not (asked.isdigit() and int(asked) > 0):
        raise BadInput(f"WYF_THREADS is '{asked}' where a positive whole number belongs; correct it or unset it.")
    return int(asked)


#: Threads that torch uses, fixed so that timings and results can be compared (`WYF_THREADS` names another number).
THREADS = _threads()


def data_folder() -> Path:
    """Folder with sample/, reference/, raw/ and cache/ (`WYF_DATA` names another)."""
    return Path(os.environ.get("WYF_DATA", ROOT / "data"))


def cache_folder() -> Path:
    """Folder of everything that can be made again (`WYF_CACHE` names another)."""
    return Path(os.environ.get("WYF_CACHE", data_folder() / "cache"))


def run_folder(run: str) -> Path:
    """Folder that a run writes to (`WYF_OUT` names another)."""
    return Path(os.environ.get("WYF_OUT", ROOT / "runs" / run))


def profile_folder(profile: str) -> Path:
    """Root folder of a profile.

    Raises
    ------
    BadInput
        If there is no such profile.
    MissingData
        If its folder is not there.
    """
    if profile not in PROFILES:
        raise BadInput(f"There is no profile '{profile}'; choose one of: {', '.join(PROFILES)}.")
    folder = data_folder() / ("sample" if profile == "sample" else f"raw/{profile}")
    if not folder.is_dir():
        remedy = {
            "sample": "restore it with `git checkout data/sample`",
            "open": "run `wyf data fetch`",
            "wyf": "create it and put the sources there as data/README.md describes",
        }[profile]
        raise MissingData(f"The folder of profile '{profile}' is missing ({relative(folder)}); {remedy}.")
    return folder


def relative(path: str | os.PathLike) -> str:
    """Path as shown to people: relative to the project, or only its name where it lies elsewhere."""
    path = Path(path)
    try:
        return path.resolve().relative_to(ROOT).as_posix()
    except ValueError:
        return path.name


def seed_everything(seed: int) -> np.random.Generator:
    """Seed Python, NumPy and torch, and return a fresh generator with that seed."""
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    return np.random.default_rng(seed)


def device() -> str:
    """Device that models run on: a GPU where there is one."""
    import torch

    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


def processes():
    """Processes that train together under `accelerate launch`, as accelerate's `PartialState`: one by itself otherwise."""
    from accelerate import PartialState

    return PartialState(cpu=device() == "cpu")


@functools.lru_cache
def _progress_stream(log: str):
    return Path(log).open("a", encoding="utf-8", buffering=1) if log else sys.stderr


def progress(iterable=None, desc: str = "", total: int | None = None) -> tqdm:
    """Progress bar that goes to the runner's log during a run, else to standard error.

    A run's notebooks are kept, so the moving bar must not end up in their outputs.
    """
    log = os.environ.get("WYF_PROGRESS", "")
    return tqdm(
        iterable,
        desc=desc,
        total=total,
        file=_progress_stream(log),
        mininterval=5 if log else 0.5,
        ncols=88,
        leave=bool(log),
    )


def set_threads() -> int:
    """Pin torch to `THREADS` threads and return that number."""
    import torch

    torch.set_num_threads(THREADS)
    return THREADS
