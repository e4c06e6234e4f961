"""Artefacts: costly results kept by parameters, data and the code that makes them.

An artefact is a folder under `data/cache/<kind>/<key>/`. It is made beside its place and renamed.
`FRESH=1` makes every artefact once more.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from .code_digest import code_digest
from .context import context
from .errors import WyfError
from .files import read_json, replacing_folder
from .paths import cache_folder, relative
from .runtime import processes


@dataclass(frozen=True)
class Entry:
    """One artefact: its folder, whether it was reused, and the seconds that making it took."""

    kind: str
    key: str
    path: Path
    reused: bool
    seconds: float
    made: str

    def __str__(self) -> str:
        origin = f"from cache, made {self.made}" if self.reused else "made now"
        return f"{self.kind} {self.key}: {origin} in {self.seconds:.1f} s"


#: Artefacts that this process asked for, in order.
USED: list[Entry] = []


def fingerprint(*values) -> str:
    """Hash tables, arrays, texts and plain values to 64 hex digits (sha256)."""
    digest = hashlib.sha256()
    for value in values:
        if isinstance(value, pd.DataFrame | pd.Series):
            digest.update(pd.util.hash_pandas_object(value, index=False).to_numpy().tobytes())
        elif isinstance(value, np.ndarray):
            digest.update(f"{value.shape}{value.dtype}".encode())
            digest.update(np.ascontiguousarray(value))
        else:
            text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
            digest.update(text.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def get_or_create(
    kind: str,
    make: Callable[..., None],
    *,
    parameters: dict,
    data: str,
    resumable: bool = False,
    about: dict | None = None,
    code: Callable | None = None,
) -> Entry:
    """Return the artefact with this content; make it where it does not exist yet.

    The key is a hash of `parameters`, `data` and the code that `make` can reach
    (`code_digest`). Processes that ask for the same artefact at the same time make it once.

    Parameters
    ----------
    kind
        Name of the folder under `data/cache/`.
    make
        Called with an empty folder, which it fills.
    parameters
        Everything that changes the result, as plain values.
    data
        `fingerprint` of the input data.
    resumable
        Call `make` with a second folder as well, which survives an interruption. Processes
        of one `accelerate launch` then make the artefact together.
    about
        Notes for entry.json that do not change the key.
    code
        Function whose reachable code enters the key; `make` by default.
    """
    group = processes() if resumable else None
    if group and group.num_processes > 1:
        parameters = {**parameters, "processes": group.num_processes}
    key = fingerprint(parameters, data, code_digest(code or make))[:16]
    path = cache_folder() / kind / key
    known = _known(path)
    if group and group.num_processes > 1:
        from accelerate.utils import broadcast_object_list

        (known,) = broadcast_object_list([known])  # the main process decides for all
    if known:
        return _used(kind, key, path, known, reused=True)
    if group and group.num_processes > 1:
        known = _make_together(path, make, parameters, data, about, group)
    else:
        with _making(path):
            if known := _known(path):  # another process has made it meanwhile
                return _used(kind, key, path, known, reused=True)
            with replacing_folder(path) as folder:
                known = _make(folder, make, parameters, data, about, path if resumable else None)
    if not group or group.is_main_process:
        shutil.rmtree(_unfinished(path), ignore_errors=True)
    return _used(kind, key, path, known, reused=False)


@contextmanager
def _making(path: Path) -> Iterator[None]:
    """Hold the lock of an artefact, after removing what killed processes have left of its kind."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        lock = FileLock(path.with_name(f".{path.name}.lock"))
        lock.acquire()
    except OSError as error:
        raise WyfError(
            f"The cache {relative(path.parent.parent)} cannot be written ({error.strerror}); set "
            "WYF_CACHE to a folder that can."
        ) from error
    try:
        yield
    finally:
        lock.release()


@functools.cache
def _sweep(kind: Path) -> None:
    """Remove unfinished artefacts whose lock is free, once in a process."""
    for folder in kind.glob(".*.*/"):
        key = folder.name.split(".")[1]
        with contextlib.suppress(Timeout), FileLock(kind / f".{key}.lock", blocking=False):
            shutil.rmtree(folder, ignore_errors=True)


def cached_array(
    kind: str, compute: Callable[[], np.ndarray], *, parameters: dict, data: str
) -> np.ndarray:
    """Return an array from the cache; compute it where it is not there yet.

    The arguments are those of `get_or_create`, with the code that `compute` can reach.
    """

    def make(folder: Path) -> None:
        np.save(folder / "array.npy", compute(), allow_pickle=False)

    entry = get_or_create(kind, make, parameters=parameters, data=data, code=compute)
    return np.load(entry.path / "array.npy", allow_pickle=False)


def describe_used() -> str:
    """Say in one line how many artefacts came from the cache and what the others took."""
    used = list(dict.fromkeys(USED))
    made = [entry for entry in used if not entry.reused]
    parts = []
    if count := len(used) - len(made):
        parts.append(f"{count} artefact{'s' * (count > 1)} from the cache")
    if made:
        parts.append(f"{len(made)} made now in {sum(e.seconds for e in made) / 60:.1f} min")
    return (", ".join(parts) or "No artefacts were needed") + "."


def is_stale(seconds_since_1970: float) -> bool:
    """Whether something made at that time is to be made again (`FRESH=1`)."""
    return seconds_since_1970 < context().fresh_since


def _known(path: Path) -> dict:
    """Content of entry.json of a whole artefact; empty where it is to be made."""
    known = read_json(path / "entry.json")
    return {} if known and is_stale(known["time"]) else known


def _used(kind: str, key: str, path: Path, known: dict, *, reused: bool) -> Entry:
    USED.append(Entry(kind, key, path, reused, known["seconds"], known["made"]))
    return USED[-1]


def _unfinished(path: Path) -> Path:
    return cache_folder() / "unfinished" / f"{path.parent.name}-{path.name}"


def _make(folder: Path, make: Callable, parameters: dict, data: str, about, resume: Path | None):
    """Fill a folder and write its entry.json."""
    start = time.perf_counter()
    make(folder, _unfinished(resume)) if resume else make(folder)
    known = {
        "seconds": time.perf_counter() - start,
        "made": time.strftime("%Y-%m-%d %H:%M"),
        "time": time.time(),
        "parameters": parameters,
        "data": data,
        "about": about or {},
    }
    text = json.dumps(known, ensure_ascii=False, indent=1, default=str)
    (folder / "entry.json").write_text(text, encoding="utf-8")
    return known


def _make_together(path: Path, make: Callable, parameters: dict, data: str, about, group) -> dict:
    """Make an artefact in all processes of a group; the main one keeps it."""
    main = group.is_main_process
    with (
        _making(path) if main else contextlib.nullcontext(),
        replacing_folder(path) if main else tempfile.TemporaryDirectory() as folder,
    ):
        known = _make(Path(folder), make, parameters, data, about, path)
    group.wait_for_everyone()  # until all have read the last checkpoint
    return known
