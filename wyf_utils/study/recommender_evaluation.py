"""How good a recommender is over many feelings: how much of the catalogue it reaches, how alike its answers are, how well they fit."""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import skew
from sklearn.metrics.pairwise import cosine_similarity
from threadpoolctl import threadpool_limits

from ..core import emotions
from ..core.runtime import progress
from ..core.vectors import normalise
from ..music.database import MusicDatabase
from ..music.recommender import SongQuery, recommend, song_similarity
from ..music.search import Index


def confident_feelings(each: int, seed: int) -> np.ndarray:
    """Simulated confident feelings: top probability uniform in 0.8 to 0.99, the rest spread by a flat Dirichlet.

    Returns
    -------
    ndarray of shape (6 * each, 6)
        `each` feelings of every emotion in turn; rows sum to 1.
    """
    rng = np.random.default_rng(seed)
    feelings = np.empty((emotions.N * each, emotions.N))
    for emotion in range(emotions.N):
        block = feelings[emotion * each : (emotion + 1) * each]
        top = rng.uniform(0.8, 0.99, each)
        block[:, np.arange(emotions.N) != emotion] = (
            rng.dirichlet(np.ones(emotions.N - 1), each) * (1 - top)[:, None]
        )
        block[:, emotion] = top
    return feelings


def top_cosine(feelings: np.ndarray, vectors: np.ndarray, k: int) -> np.ndarray:
    """Rows of the k best songs by plain cosine in float64, as in 2022: (m, k). Songs of 2022 lie so close that float32 swaps a few."""
    songs = vectors.astype(float) / np.linalg.norm(vectors.astype(float), axis=1, keepdims=True)
    wishes = feelings / np.linalg.norm(feelings, axis=1, keepdims=True)
    found = []
    for start in progress(range(0, len(wishes), 100), desc="top cosine"):
        cosines = wishes[start : start + 100] @ songs.T  # (100, n)
        best = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(cosines, best, axis=1), axis=1, kind="stable")
        found.append(np.take_along_axis(best, order, axis=1))
    return np.concatenate(found)


def recommended_rows(
    feelings: np.ndarray, music: MusicDatabase, wish: SongQuery | None = None, first_seed: int = 0
) -> np.ndarray:
    """Rows that `recommend` answers to each feeling, every one with a seed of its own: (m, k)."""
    wish = wish or SongQuery()
    return np.stack(
        [
            recommend(f, music, replace(wish, seed=first_seed + i))["row"].to_numpy()
            for i, f in enumerate(progress(feelings, desc="answer feelings"))
        ]
    )


def random_rows(n: int, m: int, k: int, seed: int) -> np.ndarray:
    """Rows of k different songs out of n, drawn anew for each of m feelings: (m, k)."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.choice(n, k, replace=False, shuffle=False) for _ in range(m)])


def coverage(rows: np.ndarray, n: int) -> float:
    """Coverage: share of n songs that stand in at least one answer (m, k)."""
    return len(np.unique(rows)) / n


def songs_per_emotion(feelings: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Different songs answered to the feelings of each emotion, (6,)."""
    return np.array(
        [len(np.unique(rows[feelings.argmax(1) == emotion])) for emotion in range(emotions.N)]
    )


def gini(rows: np.ndarray, n: int) -> float:
    """Gini coefficient of how often each of n songs is answered: 0 all alike, 1 always the same."""
    counts = np.sort(np.bincount(rows.ravel(), minlength=n))
    return float((2 * np.arange(1, n + 1) - n - 1) @ counts / (n * counts.sum()))


def hubness(rows: np.ndarray, n: int) -> float:
    """Skewness of the k-occurrence, how often a song is among the answers (Radovanovic, Nanopoulos and Ivanovic 2010); 0 without hubs."""
    return float(skew(np.bincount(rows.ravel(), minlength=n)))


def diversity(music: MusicDatabase, rows: np.ndarray) -> float:
    """Intra-list diversity: 1 less the mean likeness of two songs of an answer (artist, genre, what the lyrics are about)."""
    i, j = np.triu_indices(rows.shape[1], 1)
    return float(
        1 - np.mean([song_similarity(music, answer, answer)[i, j].mean() for answer in rows])
    )


def calibration_divergence(feelings: np.ndarray, vectors: np.ndarray, rows: np.ndarray) -> float:
    """Calibration: mean KL divergence in nats from the wish to the mean vector of its answer (Steck 2018, Calibrated Recommendations)."""
    wish, given = (
        0.99 * v + 0.01 / emotions.N for v in (feelings, vectors[rows].mean(axis=1))
    )  # a zero would make it infinite
    return float((wish * np.log(wish / given)).sum(axis=1).mean())


def relevance(feelings: np.ndarray, vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Mean cosine of each answer to its feeling, (m,)."""
    return np.einsum("md,mkd->m", normalise(feelings), normalise(vectors)[rows]) / rows.shape[1]


def mean_cosine(intents: np.ndarray, vectors: np.ndarray) -> float:
    """Mean cosine of songs' vectors (n, 6) to what they were written for, a mask (n, 6)."""
    return float((normalise(intents) * normalise(vectors)).sum(axis=1).mean())


def hit_counts(feelings: np.ndarray, intents: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """How often each song was answered to a feeling whose main emotion it was written for, and how often at all: (n, 2).

    Parameters
    ----------
    intents
        Mask (n, 6) of what songs were written for.
    rows
        Answers (m, k) to the feelings (m, 6).
    """
    hits = intents[rows, feelings.argmax(1)[:, None]]
    return np.stack(
        [
            np.bincount(rows.ravel(), weights, minlength=len(intents))
            for weights in (hits.ravel(), None)
        ],
        axis=1,
    )


def hit_rate(_, tallies: np.ndarray) -> float:
    """Share of answers whose song was written for the feeling's main emotion, of a `tally`; a score for `intervals.interval`, which draws songs."""
    hits, answers = tallies.sum(0)
    return float(hits / max(answers, 1))


def repeat_rate(one: np.ndarray, other: np.ndarray) -> float:
    """Repeat rate: share of an answer's songs (m, k) that the next answer to the same feeling brings again."""
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(one, other, strict=True)]))


def compare(
    feelings: np.ndarray,
    music: MusicDatabase,
    answers: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> pd.DataFrame:
    """Every measure of several recommenders on the same feelings.

    Parameters
    ----------
    answers
        {name: (vectors that were searched (n, 6), rows (m, k), rows of the next answer (m', k) to the same feelings, or to
        every so-manieth of them)}.

    Returns
    -------
    DataFrame
        One row a measure, one column a recommender. cosine_drop is the mean cosine that is lost against the exact best k in the
        vectors that were searched, cosine_drop_max the largest such mean of an emotion. diversity stands only where artists are known.
    """
    n, columns = len(music), {}
    for name, (vectors, rows, again) in answers.items():
        best = top_cosine(feelings, vectors, rows.shape[1])
        drop = relevance(feelings, vectors, best) - relevance(feelings, vectors, rows)
        each = songs_per_emotion(feelings, rows)
        columns[name] = {
            "coverage": coverage(rows, n),
            "songs_per_emotion_min": each.min(),
            **{f"songs_{emotion}": count for emotion, count in zip(emotions.EN, each, strict=True)},
            "gini": gini(rows, n),
            "hubness": hubness(rows, n),
            **(
                {"diversity": diversity(music, rows[:: max(1, len(rows) // 600)])}
                if (music.artist_codes >= 0).any()
                else {}
            ),
            "divergence": calibration_divergence(feelings, vectors, rows),
            "cosine": relevance(feelings, vectors, rows).mean(),
            "cosine_drop": drop.mean(),
            "cosine_drop_max": max(
                drop[feelings.argmax(1) == emotion].mean() for emotion in range(emotions.N)
            ),
            "repeats": repeat_rate(rows[:: max(1, len(rows) // len(again))][: len(again)], again),
        }
    return pd.DataFrame(columns)


# Time -------------------------------------------------------------------------------------------------

#: Songs of which one scikit-learn call each is timed; more only take in proportion.
LOOPED = 300


def time_search(
    sizes: Sequence[tuple[int, int]], seed: int, times: int = 5, k: int = 5
) -> pd.DataFrame:
    """Milliseconds of one search by several programs over the same random vectors, all on one thread.

    Parameters
    ----------
    sizes
        Songs and dimensions of each catalogue; vectors are drawn from a flat Dirichlet.
    times
        Turns of `in_turn`; medians are given.

    Returns
    -------
    DataFrame
        Index (songs, dim). Columns loop (one scikit-learn call a song, the first way of 2022: timed on `LOOPED` songs and extrapolated),
        expression_2022 (norms, product and full sort at every request), sklearn (one call in all, full sort), faiss (`IndexFlatIP`; absent
        where faiss is not installed), wyf; and same, whether all answers hold the same songs. faiss and wyf keep vectors of unit length.
    """
    rng = np.random.default_rng(seed)
    rows = {}
    with threadpool_limits(1):
        for songs, dim in progress(sizes, desc="time searches"):
            vectors = rng.standard_exponential((songs, dim), dtype=np.float32)
            vectors /= vectors.sum(axis=1, keepdims=True)
            calls = _searches(vectors, vectors[songs // 2], k)
            found = [
                set(np.asarray(call()).ravel().tolist()) for call in calls.values()
            ]  # the first call warms up
            few = min(LOOPED, songs)
            looped = timed_in_turns(
                {
                    "loop": lambda v=vectors, few=few: [
                        cosine_similarity(v[:1], v[i : i + 1]) for i in range(few)
                    ]
                },
                1,
            )
            taken = {
                name: statistics.median(seconds)
                for name, seconds in (looped | timed_in_turns(calls, times)).items()
            }
            taken["loop"] *= songs / few
            rows[songs, dim] = {
                **{name: 1000 * seconds for name, seconds in taken.items()},
                "same": all(f == found[0] for f in found),
            }
    return (
        pd.DataFrame(rows)
        .T.rename_axis(["songs", "dim"])
        .astype({name: float for name in taken} | {"same": bool})
    )


def _searches(
    vectors: np.ndarray, query: np.ndarray, k: int
) -> dict[str, Callable[[], np.ndarray]]:
    """Calls that return the k rows nearest to a query, by program."""

    def expression_2022() -> np.ndarray:
        similarity = vectors @ query / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(query))
        return np.argsort(-similarity)[:k]

    index = Index(vectors)
    calls = {
        "expression_2022": expression_2022,
        "sklearn": lambda: np.argsort(-cosine_similarity(query[None], vectors)[0])[:k],
        "wyf": lambda: index.within_margin(query, k, 0.0)[
            0
        ],  # as `recommend` searches, which lets songs in that are nearly as near
    }
    if importlib.util.find_spec("faiss"):
        import faiss

        faiss.omp_set_num_threads(1)
        flat = faiss.IndexFlatIP(vectors.shape[1])
        flat.add(normalise(vectors))
        unit = normalise(query)[None]
        calls["faiss"] = lambda: flat.search(unit, k)[1]
    return calls


def timed_in_turns(
    calls: dict[str, Callable], times: int, in_a_row: int = 5, untimed: int = 1
) -> dict[str, list[float]]:
    """Seconds of calls made in turns (A A A B B B A A A ...), so that a drifting machine hurts all alike.

    A turn is several calls in a row, the first untimed: none pays for what another left in the caches or for its threads.
    """
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(times):
        for name, call in calls.items():
            for place in range(untimed + in_a_row):
                start = time.perf_counter()
                call()
                if place >= untimed:
                    taken[name].append(time.perf_counter() - start)
    return taken
