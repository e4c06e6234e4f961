"""What a person liked, skipped and heard: a small SQLite file beside the music database.

DuckDB lets one process in while it writes. Likes are written while several processes read songs, so they stand in a file of
their own: SQLite in WAL mode has readers that never wait and writers that queue. The songs' file is then never written to
after it is built, and can be swapped under its readers. Sentences are not kept, and nothing leaves the machine.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from ..core.errors import BadInput, CorruptData, NoRoom, WyfError
from ..core.files import replacing_file
from ..core.paths import run_folder

NAME = "feedback.sqlite"
VERDICTS = ("like", "skip", "heard")
COLUMNS = ["time", "song", "verdict", "feeling"]
#: Marks the file as WYF's own (SQLite's application_id), and its version.
_OURS, _VERSION = 0x57594631, 1
#: Seconds that a writer waits for another.
_PATIENCE = 10.0


class Feedback:
    """Feedback kept in one file, which the first `add` creates; any number of processes and threads may share it.

    Parameters
    ----------
    path
        Place of the file.
    """

    def __init__(self, path: Path):
        self.path = path

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(
                sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)
            ) as connection:
                tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
                mark = connection.execute("PRAGMA application_id").fetchone()[
                    0
                ]  # after the tables: another may be creating both right now
                if mark != _OURS and (mark or tables):
                    raise CorruptData(
                        f"{self.path.name} is no feedback file of WYF; move it away.",
                        f"{self.path.name} 파일은 WYF의 것이 아니에요. 다른 곳으로 옮겨 주세요.",
                    )
                if (version := connection.execute("PRAGMA user_version").fetchone()[0]) not in (
                    0,
                    _VERSION,
                ):
                    raise CorruptData(
                        f"{self.path.name} has version {version}, not {_VERSION}; update WYF, or move the file away.",
                        f"{self.path.name} 파일의 판({version})이 지금 판({_VERSION})과 달라요. WYF를 갱신하거나 파일을 옮겨 주세요.",
                    )
                yield connection
        except sqlite3.OperationalError as error:
            raise _told(self.path.name, error) from error
        except sqlite3.DatabaseError as error:
            raise CorruptData(
                f"{self.path.name} is damaged or no feedback file; move it away, and likes begin anew.",
                f"{self.path.name} 파일이 손상되었어요. 다른 곳으로 옮기면 좋아요를 처음부터 다시 모아요.",
            ) from error

    def add(self, song: int, verdict: str, feeling: np.ndarray | None = None) -> None:
        """Keep a verdict (like, skip or heard) on a song, with the feeling (6,) it was answered to.

        Raises
        ------
        BadInput
            If there is no such verdict.
        NoRoom, CorruptData, WyfError
            If the disk is full, the file is not ours, or another process holds it for more than ten seconds.
        """
        if verdict not in VERDICTS:
            raise BadInput(
                f"There is no verdict '{verdict}'; choose one of: {', '.join(VERDICTS)}."
            )
        told = json.dumps(None if feeling is None else [round(float(p), 4) for p in feeling])
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("BEGIN IMMEDIATE")  # wait here, not in the middle
            connection.execute(f"PRAGMA application_id = {_OURS}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS feedback (time REAL, song INTEGER, verdict TEXT, feeling TEXT)"
            )
            connection.execute(
                "INSERT INTO feedback VALUES (?, ?, ?, ?)", (time.time(), int(song), verdict, told)
            )
            connection.execute("COMMIT")

    def rows(self) -> pd.DataFrame:
        """Everything that is kept, oldest first: time (seconds since 1970), song, verdict, feeling (JSON)."""
        if not self.path.is_file():
            return pd.DataFrame(columns=COLUMNS)
        with self._open() as connection:
            if not connection.execute(
                "SELECT 1 FROM sqlite_master WHERE name = 'feedback'"
            ).fetchone():
                return pd.DataFrame(columns=COLUMNS)
            return pd.DataFrame(
                connection.execute("SELECT * FROM feedback ORDER BY rowid").fetchall(),
                columns=COLUMNS,
            )

    def songs(self, verdict: str) -> list[int]:
        """Ids of the songs with a verdict, oldest first; of like and skip on the same song the last counts."""
        rows = self.rows()
        if verdict != "heard":
            rows = rows[rows["verdict"] != "heard"].drop_duplicates("song", keep="last")
        return rows.loc[rows["verdict"] == verdict, "song"].drop_duplicates().tolist()

    def export(self, path: Path) -> int:
        """Write everything to a CSV file, and return the number of rows."""
        rows = self.rows()
        with replacing_file(path) as work:
            rows.to_csv(work, index=False)
        return len(rows)

    def delete(self) -> int:
        """Forget everything, on the disk too, and return the number of rows."""
        count = len(self.rows())
        if count:
            with self._open() as connection:
                connection.execute("PRAGMA secure_delete = ON")  # overwrite, not only unlink
                connection.execute("DELETE FROM feedback")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return count


def of_run(run: str) -> Feedback:
    """Feedback of a run, beside its music database."""
    return Feedback(run_folder(run) / NAME)


def _told(name: str, error: sqlite3.OperationalError) -> WyfError:
    """Turn SQLite's words into a sentence with the remedy."""
    words = str(error)
    if "locked" in words or "busy" in words:
        return WyfError(
            f"{name} is being written by another process; try again in a moment.",
            f"다른 곳에서 {name} 파일을 쓰고 있어요. 잠시 뒤 다시 눌러 주세요.",
        )
    if "full" in words or "I/O" in words:
        return NoRoom(
            f"The disk has no room for {name}; make some, and give the verdict again.",
            f"디스크에 {name} 파일을 쓸 자리가 없어요. 비운 뒤 다시 눌러 주세요.",
        )
    return WyfError(
        f"{name} cannot be opened ({words}); check that the folder is there and may be written to.",
        f"{name} 파일을 열 수 없어요({words}). 폴더가 있고 쓸 수 있는지 확인해 주세요.",
    )
