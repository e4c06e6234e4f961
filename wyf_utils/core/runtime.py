"""Folders, profiles, seeds, threads and progress: what every other module shares."""

from __future__ import annotations

import functools
import os
import random
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from .errors import BadInput


def _threads() -> int:
    asked = os.environ.get("WYF_THREADS", "2")
    if not (asked.isdigit() and int(asked) > 0):
        raise BadInput(
            f"WYF_THREADS is '{asked}' where a positive whole number belongs; correct it or unset it."
        )
    return int(asked)


#: Threads that torch uses, fixed so that timings and results can be compared (`WYF_THREADS` names another number).
THREADS = _threads()


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

    return (
        "cuda"
        if torch.cuda.is_available()
        else "mps"
        if torch.backends.mps.is_available()
        else "cpu"
    )


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


def mixed_precision() -> bool:
    """Whether training runs in bfloat16: on a GPU, and on a CPU that multiplies it in hardware."""
    import torch

    return device() == "cuda" or (device() == "cpu" and torch.cpu._is_avx512_bf16_supported())
