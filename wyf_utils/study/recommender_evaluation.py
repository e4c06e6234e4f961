"""Measure a recommender over many feelings: coverage, diversity, relevance, repeats and time."""

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

#: Songs that the loop of scikit-learn calls is timed on; its time grows in proportion to songs.
LOOPED = 300


def confident_feelings(each: int, seed: int) -> np.ndarray:
    """Simulate confident feelings: a largest probability uniform in 0.8 to 0.99.

    A flat Dirichlet spreads the rest over the other emotions.

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
        shares = rng.dirichlet(np.ones(emotions.N - 1), each)
        block[:, np.arange(emotions.N) != emotion] = shares * (1 - top)[:, None]
        block[:, emotion] = top
    return feelings


def top_cosine(feelings: np.ndarray, vectors: np.ndarray, k: int) -> np.ndarray:
    """Find the rows (m, k) of the k best songs by cosine, as in 2022.

    Computed in float64, since songs of 2022 lie so close that float32 swaps a few.
    """
    songs = vectors.astype(float) / np.linalg.norm(vectors.astype(float), axis=1, keepdims=True)
    queries = feelings / np.linalg.norm(feelings, axis=1, keepdims=True)
    blocks = []
    for start in progress(range(0, len(queries), 100), desc="top cosine"):
        cosines = queries[start : start + 100] @ songs.T  # (100, n)
        best = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(cosines, best, axis=1), axis=1, kind="stable")
        blocks.append(np.take_along_axis(best, order, axis=1))
    return np.concatenate(blocks)


def recommended_rows(
    feelings: np.ndarray, music: MusicDatabase, query: SongQuery | None = None, first_seed: int = 0
) -> np.ndarray:
    """Recommend songs to each feeling, with a seed of its own, and return their rows (m, k)."""
    query = query or SongQuery()
    return np.stack(
        [
            recommend(feeling, music, replace(query, seed=first_seed + i))["row"].to_numpy()
            for i, feeling in enumerate(progress(feelings, desc="answer feelings"))
        ]
    )


def random_rows(n: int, m: int, k: int, seed: int) -> np.ndarray:
    """Draw k different songs out of n for each of m feelings: rows (m, k)."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.choice(n, k, replace=False, shuffle=False) for _ in range(m)])


def coverage(rows: np.ndarray, n: int) -> float:
    """Compute coverage: the share of n songs that are in at least one answer (m, k)."""
    return len(np.unique(rows)) / n


def songs_per_emotion(feelings: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Count the different songs (6,) recommended to the feelings of each emotion."""
    main = feelings.argmax(1)
    return np.array([len(np.unique(rows[main == emotion])) for emotion in range(emotions.N)])


def gini(rows: np.ndarray, n: int) -> float:
    """Compute the Gini coefficient of how often each of n songs is recommended: 0 if evenly."""
    counts = np.sort(np.bincount(rows.ravel(), minlength=n))
    return float((2 * np.arange(1, n + 1) - n - 1) @ counts / (n * counts.sum()))


def hubness(rows: np.ndarray, n: int) -> float:
    """Compute the skewness of how often each of n songs is recommended: 0 without hubs.

    This is the k-occurrence of Radovanovic, Nanopoulos and Ivanovic (2010).
    """
    return float(skew(np.bincount(rows.ravel(), minlength=n)))


def diversity(music: MusicDatabase, rows: np.ndarray) -> float:
    """Compute intra-list diversity: 1 less the mean similarity of two songs of an answer.

    Similarity counts artist, genre and the topic of the lyrics (`song_similarity`).
    """
    i, j = np.triu_indices(rows.shape[1], 1)
    similarity = [song_similarity(music, answer, answer)[i, j].mean() for answer in rows]
    return float(1 - np.mean(similarity))


def calibration_divergence(feelings: np.ndarray, vectors: np.ndarray, rows: np.ndarray) -> float:
    """Compute the mean KL divergence in nats from each feeling to its answer's mean vector.

    Both are smoothed by 0.01 of a uniform distribution (Steck 2018, Calibrated Recommendations).
    """
    feeling, answer = (
        0.99 * v + 0.01 / emotions.N for v in (feelings, vectors[rows].mean(axis=1))
    )  # without smoothing, a zero would make it infinite
    return float((feeling * np.log(feeling / answer)).sum(axis=1).mean())


def relevance(feelings: np.ndarray, vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Compute the mean cosine (m,) of each answer's songs to its feeling."""
    return np.einsum("md,mkd->m", normalise(feelings), normalise(vectors)[rows]) / rows.shape[1]


def mean_cosine(intents: np.ndarray, vectors: np.ndarray) -> float:
    """Compute the mean cosine of song vectors (n, 6) to the mask (n, 6) of intended emotions."""
    return float((normalise(intents) * normalise(vectors)).sum(axis=1).mean())


def hit_counts(feelings: np.ndarray, intents: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Count the hits and the recommendations of each song: (n, 2).

    A hit is a recommendation to a feeling whose main emotion the song was written for.

    Parameters
    ----------
    intents
        Mask (n, 6) of the emotions that songs were written for.
    rows
        Answers (m, k) to the feelings (m, 6).
    """
    hits = intents[rows, feelings.argmax(1)[:, None]].ravel()
    songs, n = rows.ravel(), len(intents)
    counts = [np.bincount(songs, hits, minlength=n), np.bincount(songs, minlength=n)]
    return np.stack(counts, axis=1)


def hit_rate(_, counts: np.ndarray) -> float:
    """Compute the share of hits of `hit_counts`; a score for `intervals.interval` over songs."""
    hits, recommendations = counts.sum(0)
    return float(hits / max(recommendations, 1))


def repeat_rate(one: np.ndarray, other: np.ndarray) -> float:
    """Compute the share of an answer's songs (m, k) that the next answer repeats."""
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(one, other, strict=True)]))


def compare(
    feelings: np.ndarray,
    music: MusicDatabase,
    answers: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> pd.DataFrame:
    """Compute every measure of several recommenders on the same feelings.

    Parameters
    ----------
    answers
        {name: (searched vectors (n, 6), rows (m, k), rows of the next answers (m', k))}. The next
        answers are to every (m // m')-th feeling.

    Returns
    -------
    DataFrame
        One row a measure, one column a recommender. cosine_drop is the mean cosine lost against
        the exact best k in the searched vectors, cosine_drop_max that of the worst emotion.
        diversity is there only where artists are known.
    """
    return pd.DataFrame({name: _measures(feelings, music, *rest) for name, rest in answers.items()})


def _measures(
    feelings: np.ndarray,
    music: MusicDatabase,
    vectors: np.ndarray,
    rows: np.ndarray,
    next_rows: np.ndarray,
) -> dict[str, float]:
    n, main = len(music), feelings.argmax(1)
    cosine = relevance(feelings, vectors, rows)
    drop = relevance(feelings, vectors, top_cosine(feelings, vectors, rows.shape[1])) - cosine
    songs = songs_per_emotion(feelings, rows)
    measures = {"coverage": coverage(rows, n), "songs_per_emotion_min": songs.min()}
    measures |= {f"songs_{emotion}": songs[i] for i, emotion in enumerate(emotions.EN)}
    measures |= {"gini": gini(rows, n), "hubness": hubness(rows, n)}
    if (music.artist_codes >= 0).any():
        measures["diversity"] = diversity(music, rows[:: max(1, len(rows) // 600)])
    answered_again = rows[:: max(1, len(rows) // len(next_rows))][: len(next_rows)]
    return measures | {
        "divergence": calibration_divergence(feelings, vectors, rows),
        "cosine": cosine.mean(),
        "cosine_drop": drop.mean(),
        "cosine_drop_max": max(drop[main == emotion].mean() for emotion in range(emotions.N)),
        "repeats": repeat_rate(answered_again, next_rows),
    }


def time_search(
    sizes: Sequence[tuple[int, int]], seed: int, times: int = 3, k: int = 5
) -> pd.DataFrame:
    """Time one search by several programs over the same random vectors, on one thread.

    Parameters
    ----------
    sizes
        Songs and dimensions of each catalogue; vectors are drawn from a flat Dirichlet.
    times
        Turns of `timed_in_turns`, whose median is returned.

    Returns
    -------
    DataFrame
        Milliseconds, index (songs, dim). Columns: loop (one scikit-learn call a song, the first way
        of 2022, extrapolated from `LOOPED` songs), expression_2022 (norms, product and full sort at
        every request), sklearn (one call in all, full sort), wyf, and faiss (`IndexFlatIP`) where
        it is installed. wyf and faiss keep vectors of unit length. same: whether all answers hold
        the same songs.
    """
    rng = np.random.default_rng(seed)
    rows = {}
    with threadpool_limits(1):
        for songs, dim in progress(sizes, desc="time searches"):
            vectors = rng.standard_exponential((songs, dim), dtype=np.float32)
            vectors /= vectors.sum(axis=1, keepdims=True)
            rows[songs, dim] = _time_one_size(vectors, times, k)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["songs", "dim"])


def _time_one_size(vectors: np.ndarray, times: int, k: int) -> dict[str, float | bool]:
    calls = _searches(vectors, vectors[len(vectors) // 2], k)
    answers = [set(np.asarray(call()).ravel().tolist()) for call in calls.values()]  # warms up
    few = min(LOOPED, len(vectors))

    def loop() -> None:
        for i in range(few):
            cosine_similarity(vectors[:1], vectors[i : i + 1])

    seconds = timed_in_turns({"loop": loop}, 1) | timed_in_turns(calls, times)
    milliseconds = {name: 1000 * statistics.median(each) for name, each in seconds.items()}
    milliseconds["loop"] *= len(vectors) / few
    return milliseconds | {"same": all(answer == answers[0] for answer in answers)}


def _searches(
    vectors: np.ndarray, query: np.ndarray, k: int
) -> dict[str, Callable[[], np.ndarray]]:
    """Prepare, for each program, a call that returns the k rows nearest to a query."""

    def expression_2022() -> np.ndarray:
        similarity = vectors @ query / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(query))
        return np.argsort(-similarity)[:k]

    index = Index(vectors)
    calls = {
        "expression_2022": expression_2022,
        "sklearn": lambda: np.argsort(-cosine_similarity(query[None], vectors)[0])[:k],
        "wyf": lambda: index.within_margin(query, k, 0.0)[0],  # what `recommend` calls
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
    """Time calls in seconds, in turns (A A A B B B A A A ...), so that a drift hurts all alike.

    A turn is `in_a_row` calls after `untimed` ones, which fill caches and start threads.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(times):
        for name, call in calls.items():
            for place in range(untimed + in_a_row):
                start = time.perf_counter()
                call()
                if place >= untimed:
                    seconds[name].append(time.perf_counter() - start)
    return seconds
