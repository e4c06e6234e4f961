"""Files that are replaced in one step, and JSON."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import CorruptData


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder; put it in the place of `path` when the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield work
        old = path.with_name(f".{path.name}.old-{os.getpid()}")
        if path.exists():
            path.rename(old)
        try:
            work.rename(path)
        except OSError:
            if not path.exists():  # another process has put the same content there meanwhile
                raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """Yield a path to write to; put the file in the place of `path` when the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield work
        work.replace(path)
    finally:
        work.unlink(missing_ok=True)


def read_json(path: Path) -> dict:
    """Read a JSON object; an absent file is an empty one."""
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise CorruptData(
            f"{path.name} is malformed; restore it with `git checkout`, or delete it."
        ) from error


def write_json(path: Path, content: dict) -> None:
    """Write a JSON object, replacing the old file in one step."""
    with replacing_file(path) as work:
        work.write_text(
            json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n",
            encoding="utf-8",
        )
