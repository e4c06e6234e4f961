"""What sound files gave, kept by content in one SQLite file."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import CorruptData
from ..core.paths import relative


class FeatureStore:
    """What files gave, by kind and key, as JSON in one SQLite file.

    Raises
    ------
    CorruptData
        If the file is damaged, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=60)
        with self._said():
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS memory (kind TEXT, key TEXT, value TEXT, PRIMARY KEY (kind, key))"
            )

    def __enter__(self) -> FeatureStore:
        return self

    def __exit__(self, *_) -> None:
        self._connection.close()

    @contextmanager
    def _said(self):
        try:
            yield
        except sqlite3.Error as error:
            raise CorruptData(
                f"{relative(self._path)} cannot be used ({error}); free some space or delete it, and build again."
            ) from error

    def get(self, kind: str, key: str):
        """Value under a key, None where there is none."""
        with self._said():
            row = self._connection.execute(
                "SELECT value FROM memory WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
        return json.loads(row[0]) if row else None

    def keep(self, kind: str, values: dict) -> None:
        """Keep values by key, all or none of them."""
        rows = [(kind, key, json.dumps(value, ensure_ascii=False)) for key, value in values.items()]
        with self._said(), self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO memory VALUES (?, ?, ?)", rows)

    def digest(self, path: Path) -> str:
        """Hex sha256 of a file, which is read only where its size or its time of change is another than last time."""
        status = path.stat()
        state = [status.st_size, status.st_mtime_ns]
        known = self.get("file", str(path))
        if known and known[:2] == state:
            return known[2]
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self.keep("file", {str(path): [*state, digest]})
        return digest


def _digest(path: Path, memory: FeatureStore) -> str:
    """Digest of a file, blank where it cannot be opened."""
    try:
        return memory.digest(path)
    except (OSError, UnicodeEncodeError):
        return ""
