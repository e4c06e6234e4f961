"""Files that are replaced in one step, and JSON."""

from __future__ import annotations

import errno
import functools
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import BadInput, CorruptData, DiskFull, WyfError
from .paths import relative

_REFUSALS = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EISDIR,
}  # fmt: skip


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder; put it in the place of `path` when the block succeeds.

    Raises
    ------
    WyfError
        From `write_error`; the old folder stays.
    """
    work = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with _named_write_errors(path):
        work.mkdir(parents=True)  # unlike tempfile's, readable by all whom the umask lets
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
    """Yield a path to write to; put the file in the place of `path` when the block succeeds.

    A link keeps pointing to its file, which is replaced beside itself. What a killed process
    has left there is removed.

    Raises
    ------
    BadInput
        If `path` is a folder.
    WyfError
        From `write_error`; the old file stays.
    """
    if path.is_dir():
        raise BadInput(f"{relative(path)} is a folder; name a file.")
    with _named_write_errors(path):
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        work = target.with_name(f".{os.getpid()}.{target.name}")
        try:
            yield work
            work.replace(target)
        finally:
            work.unlink(missing_ok=True)


@functools.cache
def _sweep(folder: Path) -> None:
    """Remove the unfinished files of ended processes, once in a process."""
    for old in folder.glob(".*.*"):
        number = old.name.split(".")[1]
        if number.isdigit() and old.is_file() and not _is_running(int(number)):
            old.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    if os.name == "nt":  # where signal 0 would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # of another user
    return True


@contextmanager
def _named_write_errors(path: Path) -> Iterator[None]:
    """Turn what the system refuses in the folder of `path` into a `WyfError`."""
    try:
        yield
    except OSError as error:
        place = error.filename
        here = place is None or path.resolve().parent in (Path(place), *Path(place).parents)
        if here and error.errno in _REFUSALS | {errno.ENOSPC, errno.EDQUOT}:
            raise write_error(path, error) from error
        raise


def write_error(path: Path, error: Exception) -> WyfError:
    """Name the cause of a failed write and the remedy: `DiskFull` where the disk is full."""
    name = relative(path)
    words = getattr(error, "strerror", None) or str(error).split("\n")[0].split(": ")[-1][:80]
    full = os.strerror(errno.ENOSPC)  # DuckDB gives the words of the system, but no errno
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or full in str(error):
        return DiskFull(
            f"{name} could not be written to its end ({words}); make room on the disk and try "
            "again. Nothing was lost.",
            f"{name} 파일을 끝까지 쓸 수 없었어요({words}). 디스크를 비우고 다시 해 주세요. 잃은 "
            "것은 없어요.",
        )
    return WyfError(
        f"{name} could not be written ({words}); check that its folder may be written to, or name "
        "another. Nothing was lost.",
        f"{name} 파일을 쓸 수 없었어요({words}). 폴더에 쓸 수 있는지 확인해 주세요. 잃은 것은 "
        "없어요.",
    )


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
