"""Exact cosine search in memory."""

from __future__ import annotations

import numpy as np

from ..core.errors import BadInput
from ..core.vectors import normalise

#: Songs of which the largest cosine is kept together; a power of two that fits the CPU's vectors.
BLOCK = 128


def no_song_left() -> BadInput:
    """What is said where the filters leave no song."""
    return BadInput(
        "No song passes the filters; allow an earlier year, another genre, or songs already heard.",
        "조건에 맞는 노래가 없어요. 발매 연도를 낮추거나, 다른 장르를 고르거나, 들은 노래도 넣어 주세요.",
    )


class Index:
    """Vectors of unit length, stored so that one query reads them once: transposed, (d, n), padded to whole blocks.

    The largest cosine of each block is a lower bound for the search: the k-th largest of these bounds is reached by at least
    k songs, so that only blocks which reach it are looked into. Nothing is approximated.

    Parameters
    ----------
    vectors
        Any vectors (n, d), none of them zero.
    """

    def __init__(self, vectors: np.ndarray):
        units = normalise(vectors)
        self.n, dim = units.shape
        if not self.n:
            raise BadInput(
                "There is no song to search; build the music database from at least one."
            )
        self.matrix = np.zeros((dim, -(-self.n // BLOCK) * BLOCK), np.float32)
        self.matrix[:, : self.n] = units.T

    def _cosines(self, queries: np.ndarray, keep: np.ndarray | None = None) -> np.ndarray:
        """Cosines of unit queries (..., d) to all songs, (..., padded); -inf where a song is left out."""
        cosines = queries @ self.matrix
        cosines[..., self.n :] = -np.inf
        if keep is not None:
            cosines[..., : self.n][..., ~keep] = -np.inf
        return cosines

    def _available(self, k: int, keep: np.ndarray | None) -> int:
        if k < 1:
            raise BadInput(f"{k} songs were asked for; ask for at least one.")
        available = self.n if keep is None else int(keep.sum())
        if not available:
            raise no_song_left()
        return min(k, available)

    def cosines(self, query: np.ndarray) -> np.ndarray:
        """Cosines of a query (d,) to all songs, (n,), float32."""
        return self._cosines(normalise(query))[: self.n]

    def nearest(
        self, query: np.ndarray, k: int, keep: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows with the largest cosine to a query, exactly.

        Parameters
        ----------
        query
            Vector of shape (d,).
        k
            How many rows; all of them where there are fewer.
        keep
            Mask (n,) of the songs that may be answered; all by default.

        Returns
        -------
        rows : ndarray of shape (k,)
            Best first; equal cosines by lower row.
        cosines : ndarray of shape (k,), float32

        Raises
        ------
        BadInput
            If the query has no direction, k is below one, or no song may be answered.
        """
        k = self._available(k, keep)
        return _largest(self._cosines(normalise(query), keep), k)

    def within_margin(
        self, query: np.ndarray, k: int, slack: float, keep: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows whose cosine is at most `slack` below the k-th largest, and their cosines, by row: songs that fit nearly as well."""
        k = self._available(k, keep)
        cosines = self._cosines(normalise(query), keep)
        border = _largest(cosines, k)[1][-1] - slack
        rows = np.flatnonzero(cosines >= border)
        return rows, cosines[rows]


def _largest(cosines: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of the k largest of padded cosines, best first, ties by lower place, and their values."""
    grid = cosines.reshape(BLOCK, -1)  # a block is a column: maxima then run along memory
    tops = grid.max(axis=0)
    if k < len(tops):
        border = np.partition(tops, -k)[-k]
        (columns,) = (tops >= border).nonzero()
        down, across = (grid.take(columns, axis=1) >= border).nonzero()
        rows = down * grid.shape[1] + columns[across]
    else:
        rows = np.flatnonzero(cosines >= np.partition(cosines, -k)[-k])
    rows = rows[(-cosines[rows]).argsort(kind="stable")[:k]]
    return rows, cosines[rows]
