"""Random seeds, threads, devices, precision and progress bars."""

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
    value = os.environ.get("WYF_THREADS", "2")
    if not (value.isdigit() and int(value) > 0):
        raise BadInput(
            f"WYF_THREADS is '{value}' where a positive whole number belongs; "
            "correct it or unset it."
        )
    return int(value)


#: Threads of torch, fixed to make timings and results comparable (overridden by `WYF_THREADS`).
THREADS = _threads()


def set_threads() -> int:
    """Limit torch to `THREADS` threads and return that number."""
    import torch

    torch.set_num_threads(THREADS)
    return THREADS


def seed_everything(seed: int) -> np.random.Generator:
    """Seed Python, NumPy and torch, and return a new generator with that seed."""
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    return np.random.default_rng(seed)


def device() -> str:
    """Name the torch device of models: cuda or mps if available, else cpu."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def mixed_precision() -> bool:
    """Tell whether training runs in bfloat16: on cuda, or on a CPU with AVX512-BF16."""
    import torch

    name = device()
    return name == "cuda" or (name == "cpu" and torch.cpu._is_avx512_bf16_supported())


def processes():
    """Return accelerate's `PartialState`: the processes of `accelerate launch`, or one."""
    from accelerate import PartialState

    return PartialState(cpu=device() == "cpu")


@functools.lru_cache
def _progress_stream(log: str):
    # A run saves its notebooks, so a moving bar must not end up in their outputs.
    return Path(log).open("a", encoding="utf-8", buffering=1) if log else sys.stderr


def progress(iterable=None, desc: str = "", total: int | None = None) -> tqdm:
    """Create a progress bar that writes to the log in `WYF_PROGRESS`, else to standard error."""
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
