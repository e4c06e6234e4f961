import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wyf_utils.core.errors import BadInput
from wyf_utils.core.vectors import normalise
from wyf_utils.music.search import BLOCK, Index


def argsort(index, query, k, keep=None):
    """The plain way: every cosine, one full stable sort."""
    cosines = index.cosines(query).copy()
    if keep is not None:
        cosines[~keep] = -np.inf
    return np.argsort(-cosines, kind="stable")[:k]


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 4 * BLOCK),
    st.integers(1, 9),
    st.integers(1, 40),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
def test_search_is_a_plain_argsort(n, dim, k, seed, coarse):
    rng = np.random.default_rng(seed)
    vectors = (
        rng.normal(size=(n, dim)) if not coarse else rng.integers(1, 3, (n, dim)).astype(float)
    )  # coarse vectors tie
    index, query, keep = Index(vectors), rng.normal(size=dim) + 1e-3, rng.random(n) < 0.7
    rows, cosines = index.nearest(query, k)
    assert rows.tolist() == argsort(index, query, k).tolist() and np.array_equal(
        cosines, index.cosines(query)[rows]
    )
    if keep.any():
        assert (
            index.nearest(query, k, keep)[0].tolist()
            == argsort(index, query, min(k, keep.sum()), keep).tolist()
        )
    near, near_cosines = index.within_margin(query, k, 0.05)
    assert set(rows) <= set(near) and near_cosines.min() >= cosines[-1] - 0.05 - 1e-6
    assert len(near) == (index.cosines(query) >= cosines[-1] - np.float32(0.05)).sum()


def test_search_is_exact_cosine():
    rng = np.random.default_rng(1)
    vectors, queries = rng.dirichlet(np.ones(6), 5000), rng.dirichlet(np.ones(6), 70)
    index = Index(vectors)
    for query in queries:
        rows, found = index.nearest(query, 7)
        exact = vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
        assert np.allclose(np.sort(exact)[::-1][:7], exact[rows], atol=1e-6) and np.allclose(
            exact[rows], found, atol=1e-5
        )


def test_ties_by_row_and_no_more_than_there_is():
    index = Index(np.tile(np.eye(6)[0], (500, 1)))
    assert index.nearest(np.eye(6)[0], 3)[0].tolist() == [0, 1, 2]
    assert len(index.nearest(np.eye(6)[0], 9999)[0]) == 500


@pytest.mark.parametrize("query", [np.zeros(6), np.full(6, np.nan)])
def test_what_cannot_be_searched(query):
    with pytest.raises(BadInput, match="no direction"):
        Index(np.eye(6)).nearest(query, 1)
    with pytest.raises(BadInput, match="no direction"):
        Index(np.stack([np.ones(6), query]))
    with pytest.raises(BadInput, match="at least one"):
        Index(np.eye(6)).nearest(np.ones(6), 0)
    with pytest.raises(BadInput, match="No song passes the filters; allow"):
        Index(np.eye(6)).nearest(np.ones(6), 1, np.zeros(6, bool))
    with pytest.raises(BadInput, match="no song to search"):
        Index(np.empty((0, 6)))
    assert np.allclose(np.linalg.norm(normalise(np.ones(6))), 1)
