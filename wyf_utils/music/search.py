"""Exact cosine search in memory."""

from __future__ import annotations

import numpy as np

from ..core.errors import BadInput
from ..core.vectors import normalise

#: Songs in a block; a power of two that fits the CPU's vector registers.
BLOCK = 128


def no_song_left() -> BadInput:
    """Error for filters that no song passes."""
    return BadInput(
        "No song passes the filters; allow an earlier year, another genre, or songs already heard.",
        "조건에 맞는 노래가 없어요. 발매 연도를 낮추거나, 다른 장르를 고르거나, "
        "들은 노래도 넣어 주세요.",
    )


class Index:
    """Unit vectors, transposed to (d, n) and padded to whole blocks.

    The k-th largest of the block maxima is reached by at least k songs. The search therefore
    looks only into blocks whose maximum reaches it, and stays exact.

    Parameters
    ----------
    vectors
        Any vectors (n, d), none of them zero.

    Raises
    ------
    BadInput
        If there is no vector, or one has no direction.
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

    def _cosines(self, query: np.ndarray, keep: np.ndarray | None) -> np.ndarray:
        """Cosines of a query (d,) to all songs, (padded,); -inf for padding and filtered songs."""
        cosines = normalise(query) @ self.matrix
        cosines[self.n :] = -np.inf
        if keep is not None:
            cosines[: self.n][~keep] = -np.inf
        return cosines

    def _available(self, k: int, keep: np.ndarray | None) -> int:
        """Limit k to the number of songs that pass the filters."""
        if k < 1:
            raise BadInput(f"{k} songs were asked for; ask for at least one.")
        available = self.n if keep is None else int(keep.sum())
        if not available:
            raise no_song_left()
        return min(k, available)

    def cosines(self, query: np.ndarray) -> np.ndarray:
        """Cosines of a query (d,) to all songs, (n,), float32."""
        return self._cosines(query, None)[: self.n]

    def nearest(
        self, query: np.ndarray, k: int, keep: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the k rows with the largest cosine to a query, exactly.

        Parameters
        ----------
        query
            Vector of shape (d,).
        k
            Number of rows; all rows where there are fewer.
        keep
            Mask (n,) of the songs that pass the filters; all by default.

        Returns
        -------
        rows : ndarray of shape (k,)
            Largest cosine first; equal cosines by lower row.
        cosines : ndarray of shape (k,), float32

        Raises
        ------
        BadInput
            If the query has no direction, k is below one, or no song passes the filters.
        """
        k = self._available(k, keep)
        return _largest(self._cosines(query, keep), k)

    def within_margin(
        self, query: np.ndarray, k: int, margin: float, keep: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find all rows whose cosine is at most `margin` below the k-th largest.

        Parameters and errors are those of `nearest`.

        Returns
        -------
        rows : ndarray of shape (m,)
            In ascending order; m is at least k.
        cosines : ndarray of shape (m,), float32
        """
        k = self._available(k, keep)
        cosines = self._cosines(query, keep)
        threshold = _largest(cosines, k)[1][-1] - margin
        rows = np.flatnonzero(cosines >= threshold)
        return rows, cosines[rows]


def _largest(cosines: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the k largest of padded cosines: places, ties by lower place, and values."""
    grid = cosines.reshape(BLOCK, -1)  # a block is a column, so that maxima run along memory
    maxima = grid.max(axis=0)
    if k < len(maxima):
        bound = np.partition(maxima, -k)[-k]
        (columns,) = (maxima >= bound).nonzero()
        down, across = (grid.take(columns, axis=1) >= bound).nonzero()
        rows = down * grid.shape[1] + columns[across]
    else:
        rows = np.flatnonzero(cosines >= np.partition(cosines, -k)[-k])
    rows = rows[(-cosines[rows]).argsort(kind="stable")[:k]]
    return rows, cosines[rows]
