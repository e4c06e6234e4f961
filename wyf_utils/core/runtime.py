"""Random seeds, threads, devices, precision, numba's cache, progress bars and terminals."""

from __future__ import annotations

import atexit
import codecs
import contextlib
import functools
import importlib.util
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from .context import context

if TYPE_CHECKING:
    import numpy as np

#: Packages that keep compiled functions in numba's cache.
_NUMBA_USERS = ("librosa", "umap", "pynndescent")
_PLAIN_SIGNS = {
    **dict.fromkeys("▏▎▍▌▋▊▉█", "#"),
    **dict.fromkeys("“”", '"'),
    **dict.fromkeys("‘’", "'"),
    **{"→": "->", "…": "...", "–": "-", "—": "-", "·": "-", "\xa0": " "},
}


def set_threads() -> int:
    """Limit torch to the threads of the context and return their number."""
    import torch

    torch.set_num_threads(context().threads)
    return context().threads


def seed_everything(seed: int) -> np.random.Generator:
    """Seed Python, NumPy and torch, and return a new generator with that seed."""
    import numpy as np
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


def numba_cache() -> dict[str, str]:
    """Return the variable that gives numba a temporary cache, or nothing where it needs none.

    numba caches beside a package, else in the user's cache folder. Where both are read-only, the
    packages that use its cache cannot be imported. Set the variable before their import.
    """
    if os.environ.get("NUMBA_CACHE_DIR") or _is_writable(_user_cache() / "numba"):
        return {}
    specs = filter(None, map(importlib.util.find_spec, _NUMBA_USERS))
    if all(_is_writable(Path(spec.origin).with_name("__pycache__")) for spec in specs):
        return {}
    with contextlib.suppress(OSError):  # without a temporary folder, numba itself complains
        folder = tempfile.mkdtemp(prefix="wyf-numba-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return {"NUMBA_CACHE_DIR": folder}
    return {}


def _user_cache() -> Path:
    """Return the folder in which numba makes its own, by system."""
    try:
        home = Path.home()
    except RuntimeError:  # an account without a home
        return Path(os.devnull)  # nothing can be written below it
    if sys.platform == "darwin":
        return home / "Library" / "Caches"
    name, default = "XDG_CACHE_HOME", home / ".cache"
    if os.name == "nt":
        name, default = "LOCALAPPDATA", home / "AppData" / "Local"
    return Path(os.environ.get(name, default))


def _is_writable(folder: Path) -> bool:
    """Try to write a file in a folder, or where it is missing, in the nearest one above it."""
    try:
        while not folder.exists():
            folder = folder.parent
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def print_plain_signs() -> None:
    """Let standard output and error replace the signs that their encoding lacks.

    A bar of █ becomes one of #, and a character without a plain form becomes a question mark.
    """
    codecs.register_error("plain_signs", _plain_signs)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="plain_signs")


def _plain_signs(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(_PLAIN_SIGNS.get(sign, "?") for sign in signs), error.end


@functools.lru_cache
def _progress_stream(log: Path | None):
    # A run saves its notebooks, so a moving bar must not end up in their outputs.
    return log.open("a", encoding="utf-8", buffering=1) if log else sys.stderr


def progress(iterable=None, desc: str = "", total: int | None = None) -> tqdm:
    """Create a progress bar that writes to the progress log, else to standard error."""
    log = context().progress_log
    return tqdm(
        iterable,
        desc=desc,
        total=total,
        file=_progress_stream(log),
        mininterval=5 if log else 0.5,
        ncols=88,
        leave=bool(log),
    )
