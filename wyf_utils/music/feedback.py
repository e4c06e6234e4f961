"""Likes, skips and looked-up songs of a run, in one SQLite file under `data/feedback`.

The file is apart from the music database, which can then be replaced under its readers, and
apart from runs and cache, which `make clean` removes. In SQLite's WAL mode readers never wait
and writers queue. Sentences are not kept, and no data leaves the machine.
"""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock

from ..core.errors import BadInput, CorruptData, DiskFull, WyfError
from ..core.files import replacing_file
from ..core.paths import data_folder, relative, run_folder

#: Name of the file that earlier versions kept beside the music database.
NAME = "feedback.sqlite"
VERDICTS = ("like", "skip", "heard")
COLUMNS = ["time", "song", "verdict", "feeling"]
#: SQLite's application_id and user_version of a feedback file.
_APPLICATION, _VERSION = 0x57594631, 1
#: Seconds that a writer waits for another.
_PATIENCE = 10.0


class Feedback:
    """Feedback in one file, which the first `add` creates for its owner alone (mode 0600).

    Any number of processes and threads may share the file. All methods raise CorruptData where
    it is damaged or not WYF's, and WyfError where it cannot be opened.

    Parameters
    ----------
    path
        Place of the file.
    """

    def __init__(self, path: Path):
        self.path = path

    @contextmanager
    def _open(self, create: bool = False) -> Iterator[sqlite3.Connection]:
        name = relative(self.path)
        try:
            if create:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with closing(
                sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)
            ) as connection:
                _check_format(connection, name)
                if create:  # SQLite lets everyone read a new file; its WAL takes the same mode
                    self.path.chmod(0o600)
                yield connection
        except (sqlite3.OperationalError, OSError) as error:
            raise _open_error(self.path, error) from error
        except sqlite3.DatabaseError as error:
            raise CorruptData(
                f"{name} is damaged or no feedback file; move it away, and likes begin anew.",
                f"{name} 파일이 손상되었어요. 다른 곳으로 옮기면 좋아요를 처음부터 다시 모아요.",
            ) from error

    def add(self, song: int, verdict: str, feeling: np.ndarray | None = None) -> None:
        """Add a verdict on a song, with the emotion vector (6,) of the answer.

        Raises
        ------
        BadInput
            If there is no such verdict.
        NoRoom
            If the disk is full.
        WyfError
            If another process holds the file for more than ten seconds.
        """
        if verdict not in VERDICTS:
            raise BadInput(
                f"There is no verdict '{verdict}'; choose one of: {', '.join(VERDICTS)}."
            )
        vector = json.dumps(None if feeling is None else [round(float(p), 4) for p in feeling])
        row = (time.time(), int(song), verdict, vector)
        with self._open(create=True) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("BEGIN IMMEDIATE")  # wait here, not in the middle
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS feedback "
                "(time REAL, song INTEGER, verdict TEXT, feeling TEXT)"
            )
            connection.execute("INSERT INTO feedback VALUES (?, ?, ?, ?)", row)
            connection.execute("COMMIT")

    def rows(self) -> pd.DataFrame:
        """Read all rows, oldest first: time (s since 1970), song, verdict, feeling (JSON)."""
        rows = []
        if self.path.is_file():
            with self._open() as connection:
                tables = "SELECT 1 FROM sqlite_master WHERE name = 'feedback'"
                if connection.execute(tables).fetchone():
                    rows = connection.execute("SELECT * FROM feedback ORDER BY rowid").fetchall()
        return pd.DataFrame(rows, columns=COLUMNS)

    def songs(self, verdict: str) -> list[int]:
        """Read the song ids with a verdict, oldest first; a later like or skip replaces one."""
        rows = self.rows()
        if verdict != "heard":
            rows = rows[rows["verdict"] != "heard"].drop_duplicates("song", keep="last")
        return rows.loc[rows["verdict"] == verdict, "song"].drop_duplicates().tolist()

    def export(self, path: Path) -> int:
        """Write all rows to a CSV file and return their number."""
        rows = self.rows()
        with replacing_file(path) as work:
            rows.to_csv(work, index=False)
        return len(rows)

    def delete(self) -> int:
        """Delete all rows, overwrite them on the disk and return their number."""
        count = len(self.rows())
        if count:
            with self._open() as connection:
                connection.execute("PRAGMA secure_delete = ON")  # overwrite, not only unlink
                connection.execute("DELETE FROM feedback")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return count


def of_run(run: str) -> Feedback:
    """Open the feedback of a run, `data/feedback/<run>.sqlite`.

    The file of an earlier version, beside the run's music database, is moved there first.

    Raises
    ------
    WyfError
        If the old file cannot be moved.
    """
    feedback = Feedback(data_folder() / "feedback" / f"{run}.sqlite")
    old = run_folder(run) / NAME
    if old.is_file() and not feedback.path.exists():
        _move(old, feedback.path)
    return feedback


def _move(old: Path, new: Path) -> None:
    """Move a feedback file, unless another process has just moved it."""
    try:
        with FileLock(old.with_name(f".{NAME}.lock")):  # SQLite must not meet one file twice
            if new.exists() or not old.is_file():
                return
            with (
                contextlib.suppress(sqlite3.Error),  # its first reader reports a damaged file
                closing(sqlite3.connect(old)) as connection,
            ):
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # rows of a broken process
            new.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with replacing_file(new) as work:
                shutil.copyfile(old, work)
                work.chmod(0o600)
            old.unlink()
    except OSError as error:
        raise _open_error(new, error) from error


def _check_format(connection: sqlite3.Connection, name: str) -> None:
    """Raise CorruptData for a database of another application or version."""
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    # After the tables: another process may be creating both right now.
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != _APPLICATION and (application or tables):
        raise CorruptData(
            f"{name} is no feedback file of WYF; move it away.",
            f"{name} 파일은 WYF의 것이 아니에요. 다른 곳으로 옮겨 주세요.",
        )
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, _VERSION):
        raise CorruptData(
            f"{name} has version {version}, not {_VERSION}; update WYF, or move the file away.",
            f"{name} 파일의 판({version})이 지금 판({_VERSION})과 달라요. WYF를 갱신하거나 "
            "파일을 옮겨 주세요.",
        )


def _open_error(path: Path, error: sqlite3.OperationalError | OSError) -> WyfError:
    """Name the cause and the remedy of a file that cannot be opened or written."""
    name, words = relative(path), str(error)
    if isinstance(error, OSError):
        words = f"{type(error).__name__}: {error.strerror}"
    if "locked" in words or "busy" in words:
        return WyfError(
            f"{name} is being written by another process; try again in a moment.",
            f"다른 곳에서 {name} 파일을 쓰고 있어요. 잠시 뒤 다시 눌러 주세요.",
        )
    if "disk is full" in words or getattr(error, "errno", None) == errno.ENOSPC:
        return DiskFull(
            f"The disk has no room for {name}; make some, and give the verdict again.",
            f"디스크에 {name} 파일을 쓸 자리가 없어요. 비운 뒤 다시 눌러 주세요.",
        )
    return WyfError(
        f"{name} cannot be opened ({words}); check that the folder is there and may be written to.",
        f"{name} 파일을 열 수 없어요({words}). 폴더가 있고 쓸 수 있는지 확인해 주세요.",
    )
