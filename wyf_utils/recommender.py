"""From an emotion vector to songs: exact cosine search."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
from sklearn.metrics.pairwise import cosine_similarity
from threadpoolctl import threadpool_limits

from . import emotions
from .database import MusicDatabase
from .errors import BadInput
from .settings import progress


def normalise(vectors: np.ndarray) -> np.ndarray:
    """Rows of unit length, float32."""
    vectors = np.asarray(vectors, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def search(query: np.ndarray, units: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows with the largest cosine to a query, exactly.

    Parameters
    ----------
    query
        Emotion vector of shape (6,).
    units
        Vectors of unit length, (n, 6), as `normalise` gives them.
    k
        How many rows; all of them where there are fewer.

    Returns
    -------
    rows : ndarray of shape (k,)
        Best first; equal cosines by lower row.
    cosines : ndarray of shape (k,), float32
    """
    if k < 1:
        raise BadInput(f"{k} songs were asked for; ask for at least one.")
    query = np.asarray(query, np.float32)
    length = float(np.linalg.norm(query))
    if not np.isfinite(length) or length == 0:
        raise BadInput("The feeling has no direction (its vector is zero or no number); type another sentence.")
    cosines = units @ (query / length)  # (n,)
    k = min(k, len(cosines))
    threshold = np.partition(cosines, -k)[-k]
    candidates = np.flatnonzero(cosines >= threshold)  # all ties at the border, so that the order is fixed
    rows = candidates[np.lexsort((candidates, -cosines[candidates]))][:k]
    return rows, cosines[rows]


def recommend(feeling: np.ndarray, music: MusicDatabase, k: int = 5) -> pd.DataFrame:
    """Return the k songs that are closest to a feeling.

    Parameters
    ----------
    feeling
        Emotion vector of shape (6,).
    music
        An opened music database.

    Returns
    -------
    DataFrame
        The songs' columns and `cosine`, best first.
    """
    rows, cosines = search(feeling, music.units, k)
    return music.songs.iloc[rows].assign(cosine=cosines).reset_index(drop=True)


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
        block[:, np.arange(emotions.N) != emotion] = rng.dirichlet(np.ones(emotions.N - 1), each) * (1 - top)[:, None]
        block[:, emotion] = top
    return feelings


def coverage(feelings: np.ndarray, vectors: np.ndarray, k: int) -> dict:
    """How much of a catalogue the answers to many feelings reach.

    Returns
    -------
    dict
        share: part of the catalogue that was answered at least once; songs_per_emotion: different songs answered to the
        feelings of each emotion, a list of six.
    """
    units = normalise(vectors)
    answered = np.stack([search(f, units, k)[0] for f in progress(feelings, desc="answer simulated feelings")])  # (feelings, k)
    groups = [np.unique(answered[feelings.argmax(1) == e]) for e in range(emotions.N)]
    return {"share": len(np.unique(answered)) / len(vectors), "songs_per_emotion": [len(g) for g in groups]}


def fit(feelings: np.ndarray, vectors: np.ndarray, intents: np.ndarray, k: int) -> float:
    """Share of the answers to feelings whose song was meant for the feeling's main emotion.

    Parameters
    ----------
    feelings
        Emotion vectors (m, 6).
    vectors
        Song vectors (n, 6) that are searched.
    intents
        Mask (n, 6) of the emotions that each song was written for.
    """
    units = normalise(vectors)
    return float(np.mean([intents[search(f, units, k)[0], f.argmax()].mean() for f in progress(feelings, desc="score answers")]))


def time_search(vectors: np.ndarray, query: np.ndarray, *, seed: int, sizes: tuple[int, ...] = (100, 300, 1_000, 3_000, 10_000, 40_000)) -> pd.DataFrame:
    """Seconds of one search by catalogue size, one thread: one scikit-learn call a song (2022), one in all, and `search`.

    `search` finds the songs' vectors at unit length already, as the music database keeps them; the others do not.

    Parameters
    ----------
    vectors
        Song vectors (n, 6); catalogues of other sizes are drawn from them with replacement.
    query
        Emotion vector of shape (6,).

    Returns
    -------
    DataFrame
        Index songs, columns loop, whole, ours; medians. The loop is timed up to 1,000 songs, since it only grows in proportion.
    """
    rng = np.random.default_rng(seed)
    rows = {}
    for size in progress(sizes, desc="time searches"):
        drawn = vectors[rng.integers(0, len(vectors), size)].astype(np.float32)
        units, wish = normalise(drawn), query[None].astype(np.float32)
        calls = {
            "loop": (lambda d=drawn, w=wish: [cosine_similarity(w, song[None]) for song in d]) if size <= 1_000 else None,
            "whole": lambda d=drawn, w=wish: np.argsort(-cosine_similarity(w, d)[0])[:5],
            "ours": lambda u=units: search(query, u, 5),
        }
        with threadpool_limits(1):
            rows[size] = {name: _median_seconds(call, 3 if name == "loop" else 21) if call else np.nan for name, call in calls.items()}
    return pd.DataFrame(rows).T.rename_axis("songs")


def _median_seconds(call, times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))
