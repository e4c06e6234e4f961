"""Costly artefacts kept by content: parameters, data and the code that makes them.

An entry is a folder under `data/cache/<kind>/<key>/`. It is written beside its place and renamed, so
that a broken run leaves nothing half-made. `FRESH=1` makes every entry once more.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd

from .files import read_json, replacing_folder
from .paths import cache_folder
from .runtime import processes

_PROCESS_START = time.time()


@dataclass(frozen=True)
class Entry:
    """One cached artefact: its folder, whether it was reused, and what it cost to make."""

    kind: str
    key: str
    path: Path
    reused: bool
    seconds: float
    made: str

    def __str__(self) -> str:
        origin = f"from cache, made {self.made}" if self.reused else "made now"
        return f"{self.kind} {self.key}: {origin} in {self.seconds:.1f} s"


#: Entries asked for in this process, in order.
USED: list[Entry] = []


def fingerprint(*things) -> str:
    """Return the sha256 of tables, arrays, texts and plain values, as 64 hex digits."""
    digest = hashlib.sha256()
    for thing in things:
        if isinstance(thing, pd.DataFrame | pd.Series):
            digest.update(pd.util.hash_pandas_object(thing, index=False).to_numpy().tobytes())
        elif isinstance(thing, np.ndarray):
            digest.update(f"{thing.shape}{thing.dtype}".encode())
            digest.update(np.ascontiguousarray(thing))
        else:
            digest.update(
                json.dumps(thing, sort_keys=True, ensure_ascii=False, default=str).encode()
            )
        digest.update(b"\0")
    return digest.hexdigest()


def _fresh_since() -> float:
    """Entries older than this are made again: the start of the run where `FRESH` is set, else never."""
    if os.environ.get("FRESH", "") in ("", "0"):
        return 0.0
    return float(os.environ.get("WYF_RUN_STARTED", _PROCESS_START))


def get_or_create(
    kind: str,
    make: Callable[..., None],
    *,
    parameters: dict,
    data: str,
    code: Sequence[ModuleType | Callable],
    resumable: bool = False,
    about: dict | None = None,
) -> Entry:
    """Return the entry with this content, making it when it is not there yet.

    Parameters
    ----------
    kind
        Name of the artefact, the folder under `data/cache/`.
    make
        Called with an empty folder, which it fills.
    parameters
        All that changes the result, as plain values.
    data
        `fingerprint` of the data that goes in.
    code
        Modules or functions whose source makes the result: a change of theirs is another entry.
    resumable
        Whether `make` is also given a second folder, which stays when it is interrupted: what it leaves there it finds
        again the next time. Processes that were launched together make such an entry together: all work in that second
        folder, and the main one keeps what it made. Their number is one of the parameters.
    about
        What shall be known of the entry but changes nothing, kept in its entry.json.

    Returns
    -------
    Entry
        Folder and origin; also appended to `USED`.
    """
    group = processes() if resumable else None
    if group and group.num_processes > 1:
        parameters = {**parameters, "processes": group.num_processes}
    key = fingerprint(parameters, data, [inspect.getsource(c) for c in code])[:16]
    path = cache_folder() / kind / key
    known = read_json(path / "entry.json")
    if known and known["time"] < _fresh_since():
        known = {}
    if group:
        from accelerate.utils import broadcast_object_list

        (known,) = broadcast_object_list([known])  # the main process decides for all
    if known:
        entry = Entry(kind, key, path, True, known["seconds"], known["made"])
        USED.append(entry)
        return entry
    start = time.perf_counter()
    unfinished = cache_folder() / "unfinished" / f"{kind}-{key}"
    main = not group or group.is_main_process
    with replacing_folder(path) if main else tempfile.TemporaryDirectory() as work:
        make(Path(work), unfinished) if resumable else make(work)
        seconds = time.perf_counter() - start
        made = time.strftime("%Y-%m-%d %H:%M")
        known = {
            "seconds": seconds,
            "made": made,
            "time": time.time(),
            "parameters": parameters,
            "data": data,
            "about": about or {},
        }
        Path(work, "entry.json").write_text(
            json.dumps(known, ensure_ascii=False, indent=1, default=str), encoding="utf-8"
        )
    if group:
        group.wait_for_everyone()  # until all have read the last checkpoint and the entry is in its place
    if main:
        shutil.rmtree(unfinished, ignore_errors=True)
    entry = Entry(kind, key, path, False, seconds, made)
    USED.append(entry)
    return entry


def origins() -> pd.DataFrame:
    """Table of the entries used in this process: what came from the cache and what was made now."""
    rows = [
        (e.kind, e.key, "cache" if e.reused else "made now", e.made, round(e.seconds, 1))
        for e in dict.fromkeys(USED)
    ]
    return pd.DataFrame(rows, columns=["artefact", "key", "origin", "made", "seconds to make"])
