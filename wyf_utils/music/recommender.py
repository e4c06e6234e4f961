"""Recommendation: relevant songs, drawn by a seed and chosen for diversity."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..core import emotions
from ..core.errors import BadInput
from ..core.vectors import normalise
from ..data.cleaning import RELEASED_FROM
from .database import MusicDatabase
from .search import no_song_left

#: Modes of an answer, Korean and English.
MODES = {
    "match": ("공감", "match"),
    "path": ("전환", "path"),
    "opposite": ("반대", "opposite"),
    "wide": ("탐색", "wide"),
}

#: Margin below the k-th largest cosine within which a song is relevant.
RELEVANCE_MARGIN = {"match": 0.05, "path": 0.05, "opposite": 0.05, "wide": 0.15}
#: Relevant songs drawn by the seed; the answer is chosen from them.
POOL_SIZE = 24
#: Weights of relevance (0 to 1) and feedback (-1 to 1) against a random term (0 to 1).
RELEVANCE_WEIGHT, FEEDBACK_WEIGHT = 0.25, 1.0
#: Weight of the similarity (0 to 1) to the most similar song chosen before.
DIVERSITY_WEIGHT = {"match": 1.0, "path": 1.0, "opposite": 1.0, "wide": 2.0}
#: Songs drawn for each place in the pool, to find enough artists.
_OVERSAMPLING = 10
#: Most songs of one artist in an answer.
MAX_PER_ARTIST = {"match": 2, "path": 2, "opposite": 2, "wide": 1}
#: Shares of the same artist, the same genre and the lyrics' themes in similarity; sum to 1.
SIMILARITY_WEIGHTS = {"artist": 0.4, "genre": 0.2, "theme": 0.4}
#: Newest likes and skips that count.
MAX_FEEDBACK = 50

#: Opposite emotion across the circle of valence and arousal (Russell 1980, A circumplex model
#: of affect), as shares of the six. Tension and anger are both opposite to peace.
_OPPOSITE = np.zeros((emotions.N, emotions.N))
for _from, _to in ((0, (3,)), (1, (2,)), (2, (1, 4)), (3, (0,)), (4, (2,)), (5, (5,))):
    _OPPOSITE[_from, list(_to)] = 1 / len(_to)


@dataclass(frozen=True)
class SongQuery:
    """Mode, filters and seed of a recommendation.

    Attributes
    ----------
    mode : str
        match (공감): songs of this feeling. path (전환): one song a step from this feeling to
        `target_emotion`; meeting a mood before changing it is the iso principle of music
        therapy (Altshuler 1948). opposite (반대): songs of the opposite feeling. wide (탐색):
        a larger margin and more diversity.
    target_emotion : int
        Emotion id at the end of a path; joy by default.
    k : int
        Number of songs; fewer where the filters leave fewer.
    seed : int
        Seed of the draw among relevant songs.
    min_year : int
        Year of the oldest release; songs of unknown year (0) pass.
    genre : str
        The only genre; blank for all.
    exclude_artists : tuple of str
        Artists to leave out.
    exclude_ids : frozenset of int
        Song ids to leave out.

    Raises
    ------
    BadInput
        If there is no such mode or emotion, or `k` is below 1.
    """

    mode: str = "match"
    target_emotion: int = 0
    k: int = 5
    seed: int = 0
    min_year: int = RELEASED_FROM
    genre: str = ""
    exclude_artists: tuple[str, ...] = ()
    exclude_ids: frozenset[int] = frozenset()

    def __post_init__(self):
        if self.mode not in MODES:
            raise BadInput(f"There is no mode '{self.mode}'; choose one of: {', '.join(MODES)}.")
        if self.k < 1:
            raise BadInput(f"{self.k} songs were asked for; ask for at least one.")
        if not 0 <= self.target_emotion < emotions.N:
            raise BadInput(
                f"There is no emotion {self.target_emotion}; choose one of: "
                f"{', '.join(emotions.EN)}."
            )


def query_vectors(feeling: np.ndarray, query: SongQuery) -> np.ndarray:
    """Compute the search vectors of a query: (1, 6), or (k, 6) with one vector a step on a path.

    The steps of a path are equal angles on the arc to the target emotion (spherical
    interpolation), because songs are compared by angle.
    """
    feeling = normalise(feeling)
    if query.mode == "opposite":
        return normalise(feeling @ _OPPOSITE)[None]
    if query.mode != "path":
        return feeling[None]
    target = np.eye(emotions.N, dtype=np.float32)[query.target_emotion]
    angle = np.arccos(np.clip(feeling @ target, 0, 1))
    if angle < 1e-3:
        return np.tile(target, (query.k, 1))
    steps = np.linspace(0, 1, query.k)[:, None]
    arc = np.sin((1 - steps) * angle) * feeling + np.sin(steps * angle) * target
    return (arc / np.sin(angle)).astype(np.float32)


def filter_mask(
    music: MusicDatabase, query: SongQuery, skipped: Sequence[int] = ()
) -> np.ndarray | None:
    """Mask (n,) of the songs that pass a query's filters; None where all pass.

    Raises
    ------
    BadInput
        If the genre is unknown, or no song passes.
    """
    years = music.songs["year"].to_numpy()
    mask = (years >= query.min_year) | (years == 0)
    if query.genre:
        genres = _codes(music.songs["genre"], [query.genre])
        if not len(genres):
            raise _unknown_genre(query.genre, music.songs["genre"])
        mask &= np.isin(music.genre_codes, genres)
    if query.exclude_artists:
        artists = _codes(music.songs["artist"], query.exclude_artists)
        mask &= ~np.isin(music.artist_codes, artists)
    mask[music.rows([*query.exclude_ids, *skipped])] = False
    if not mask.any():
        raise no_song_left()
    return None if mask.all() else mask


def _codes(column: pd.Series, names: Sequence[str]) -> np.ndarray:
    """Codes of names in `MusicDatabase.artist_codes` or `genre_codes`; unknown names have none."""
    known = column[column != ""].unique()  # in the order of the codes
    return np.flatnonzero(np.isin(known, list(names)))


def _unknown_genre(genre: str, column: pd.Series) -> BadInput:
    genres = ", ".join(sorted(column[column != ""].unique())[:40])
    return BadInput(
        f"There is no genre '{genre}'; choose one of: {genres or 'none is known here'}.",
        f"'{genre}'(이)라는 장르가 없어요. 이 가운데서 골라 주세요: "
        f"{genres or '알려진 장르가 없어요'}.",
    )


def song_similarity(music: MusicDatabase, these: np.ndarray, those: np.ndarray) -> np.ndarray:
    """Compute the similarity of songs, 0 to 1: rows (a,) and (b,) to a matrix (a, b)."""
    artist, genre = (
        (codes[these][:, None] == codes[those]) & (codes[these] >= 0)[:, None]  # -1 is unknown
        for codes in (music.artist_codes, music.genre_codes)
    )
    theme = np.clip(music.themes[these] @ music.themes[those].T, 0, 1)
    return (
        SIMILARITY_WEIGHTS["artist"] * artist
        + SIMILARITY_WEIGHTS["genre"] * genre
        + SIMILARITY_WEIGHTS["theme"] * theme
    )


def feedback_score(
    music: MusicDatabase, rows: np.ndarray, liked: Sequence[int], skipped: Sequence[int]
) -> np.ndarray:
    """Score songs by similarity to the most similar liked song, less that to a skipped one.

    Returns
    -------
    ndarray of shape (len(rows),)
        Between -1 and 1.
    """
    score = np.zeros(len(rows))
    for sign, ids in ((1, liked), (-1, skipped)):
        known = music.rows(ids[-MAX_FEEDBACK:])
        if len(known):
            score += sign * song_similarity(music, rows, known).max(axis=1)
    return score


def recommend(
    feeling: np.ndarray,
    music: MusicDatabase,
    query: SongQuery | None = None,
    liked: Sequence[int] = (),
    skipped: Sequence[int] = (),
) -> pd.DataFrame:
    """Recommend songs for a feeling: `search` by its `query_vectors`.

    Parameters
    ----------
    feeling
        Emotion vector of shape (6,).
    query
        Mode, filters, number of songs and seed; a plain match by default.
    """
    query = query or SongQuery()
    return search(query_vectors(feeling, query), music, query, liked, skipped)


def search(
    vectors: np.ndarray,
    music: MusicDatabase,
    query: SongQuery,
    liked: Sequence[int] = (),
    skipped: Sequence[int] = (),
    sentence: str = "",
) -> pd.DataFrame:
    """Search songs for query vectors.

    Relevant songs are those within `RELEVANCE_MARGIN` of the k-th largest cosine. The seed
    draws a pool of them, and maximal marginal relevance (Carbonell and Goldstein 1998) chooses
    from the pool. A random term lets songs of like relevance take turns. An artist has at most
    `MAX_PER_ARTIST` songs where there are others.

    A skipped song is left out. Songs similar to it score lower among the relevant songs, and
    songs similar to a liked one score higher (`FEEDBACK_WEIGHT`). Feedback never makes a song
    relevant.

    Parameters
    ----------
    vectors
        Result of `query_vectors`, (1, 6) or (k, 6).
    query
        Mode, filters, number of songs and seed.
    liked, skipped
        Song ids, oldest first, from `feedback.Feedback.songs`.
    sentence
        What was typed: it enters the seed, so that two sentences of one emotion get other songs.

    Returns
    -------
    DataFrame
        Columns of the songs, `row` in the database, `basis` (both, lyric or sound), `cosine`
        to the query vector, `step` of a path from 0 (0 for all songs of other modes), and `told`
        and `heard`, emotion ids of words and sound that contradict each other, else -1.

    Raises
    ------
    BadInput
        If a vector has no direction, the genre is unknown, or no song passes the filters.
    """
    keep = filter_mask(music, query, skipped)
    said = [zlib.crc32(sentence.encode())] if sentence else []
    rng = np.random.default_rng([query.seed, *said])
    chosen: list[int] = []
    cosines: list[float] = []
    steps: list[int] = []
    for step, vector in enumerate(vectors):
        for row, cosine in _choose(music, vector, query, keep, rng, chosen, (liked, skipped)):
            chosen.append(row)
            cosines.append(cosine)
            steps.append(step)
    table = music.songs.iloc[chosen].assign(
        row=chosen, basis=music.basis[chosen], cosine=cosines, step=steps
    )
    table[["told", "heard"]] = music.told_and_heard[chosen]
    return table.reset_index(drop=True)


def _choose(
    music: MusicDatabase,
    vector: np.ndarray,
    query: SongQuery,
    keep: np.ndarray | None,
    rng: np.random.Generator,
    before: list[int],
    feedback: tuple[Sequence[int], Sequence[int]],
) -> list[tuple[int, float]]:
    """Choose rows and cosines for one search vector: k songs, or one song for a path's step."""
    count = 1 if query.mode == "path" else query.k
    margin = RELEVANCE_MARGIN[query.mode]
    rows, cosines = music.index.within_margin(vector, count + len(before), margin, keep)
    if before:
        fresh = ~np.isin(rows, before)
        rows, cosines = rows[fresh], cosines[fresh]
    pool_size = max(POOL_SIZE, 2 * count)
    pool = _draw(music.artist_codes[rows], pool_size, MAX_PER_ARTIST[query.mode], rng)
    rows, cosines = rows[pool], cosines[pool]
    if not len(rows):
        return []
    scores = (
        rng.random(len(rows))
        - RELEVANCE_WEIGHT * (cosines.max() - cosines) / margin
        + FEEDBACK_WEIGHT * feedback_score(music, rows, *feedback)
    )
    places = _diverse(music, rows, scores, query, before, count)
    return [(int(rows[place]), float(cosines[place])) for place in places]


def _draw(artists: np.ndarray, size: int, each: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `size` places, more than `each` of an artist only where there are too few others."""
    places = rng.choice(len(artists), min(len(artists), _OVERSAMPLING * size), replace=False)
    if len(places) <= size:
        return places
    order = np.argsort(artists[places], kind="stable")
    grouped = artists[places][order]
    starts = np.flatnonzero(np.r_[True, grouped[1:] != grouped[:-1]])
    counts = np.diff(np.r_[starts, len(places)])
    earlier = np.empty(len(places), int)  # places of the same artist drawn before
    earlier[order] = np.arange(len(places)) - np.repeat(starts, counts)
    surplus = (earlier >= each) & (artists[places] >= 0)
    return places[np.argsort(surplus, kind="stable")][:size]


def _diverse(
    music: MusicDatabase,
    rows: np.ndarray,
    scores: np.ndarray,
    query: SongQuery,
    before: list[int],
    count: int,
) -> list[int]:
    """Choose places by maximal marginal relevance: score less similarity to the songs chosen."""
    artists = music.artist_codes[rows]
    songs_of_artist = (music.artist_codes[before][None] == artists[:, None]).sum(axis=1)
    similarity = np.zeros(len(rows))
    if before:
        similarity = song_similarity(music, rows, np.array(before)).max(axis=1)
    left = np.ones(len(rows), bool)
    places: list[int] = []
    for _ in range(min(count, len(rows))):
        # A penalty instead of a filter: an artist fills an answer only where no other is left.
        surplus = (songs_of_artist >= MAX_PER_ARTIST[query.mode]) & (artists >= 0)
        values = scores - DIVERSITY_WEIGHT[query.mode] * similarity - 10 * surplus
        best = int(np.argmax(np.where(left, values, -np.inf)))
        left[best] = False
        places.append(best)
        songs_of_artist += artists == artists[best]
        newest = song_similarity(music, rows, rows[best : best + 1])[:, 0]
        similarity = np.maximum(similarity, newest)
    return places
