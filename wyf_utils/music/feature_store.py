"""Features of sound files by content, in one SQLite file."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import CorruptData, DiskFull
from ..core.paths import relative


class FeatureStore:
    """Values by kind and key, as JSON in one SQLite file.

    Raises
    ------
    CorruptData
        If the file is damaged, or cannot be written.
    NoRoom
        If the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=60)
        with self._named_errors():
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS memory "
                "(kind TEXT, key TEXT, value TEXT, PRIMARY KEY (kind, key))"
            )

    def __enter__(self) -> FeatureStore:
        return self

    def __exit__(self, *_) -> None:
        self._connection.close()

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            name = relative(self._path)
            if "disk is full" in str(error):
                raise DiskFull(
                    f"{name} cannot grow; make room on the disk and build again."
                ) from error
            raise CorruptData(
                f"{name} cannot be used ({error}); delete it and build again."
            ) from error

    def get(self, kind: str, key: str):
        """Value of a key, None where there is none."""
        with self._named_errors():
            row = self._connection.execute(
                "SELECT value FROM memory WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
        return json.loads(row[0]) if row else None

    def keep(self, kind: str, values: dict) -> None:
        """Store values by key, all or none of them."""
        rows = [(kind, key, json.dumps(value, ensure_ascii=False)) for key, value in values.items()]
        with self._named_errors(), self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO memory VALUES (?, ?, ?)", rows)

    def digest(self, path: Path) -> str:
        """Hash a file (sha256, 64 hex digits); blank where it cannot be opened.

        A file whose size, time of modification and time of change (which no program can set) are
        as before is not read again.
        """
        try:
            status = path.stat()
            state = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
            known = self.get("file", str(path))
            if known and known[:-1] == state:
                return known[-1]
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            self.keep("file", {str(path): [*state, digest]})
        except (OSError, UnicodeEncodeError):  # a name that is not UTF-8
            return ""
        return digest
