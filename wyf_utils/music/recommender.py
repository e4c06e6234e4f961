"""From a feeling to songs that fit, differ, and are others tomorrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

#: How far below the k-th best cosine a song may lie and still count as fitting.
RELEVANCE_MARGIN = {"match": 0.05, "path": 0.05, "opposite": 0.05, "wide": 0.15}
#: Songs drawn by the seed from those that fit; the answer is chosen from them.
POOL_SIZE = 24
#: What a drawn song is worth: chance (0 to 1, by the seed), less how far below the best it fits (1 is the slack), less how much it
#: resembles the most alike of those chosen before it (0 to 1), and how much it resembles what was liked and skipped (-1 to 1).
RELEVANCE_WEIGHT, FEEDBACK_WEIGHT = 0.25, 1.0
DIVERSITY_WEIGHT = {"match": 1.0, "path": 1.0, "opposite": 1.0, "wide": 2.0}
#: Times as many are looked at to find enough artists.
_OVERSAMPLING = 10
#: Songs of one artist in an answer.
MAX_PER_ARTIST = {"match": 2, "path": 2, "opposite": 2, "wide": 1}
#: What makes two songs alike: the same artist, the same genre, lyrics about the same. Sums to 1.
SIMILARITY_WEIGHTS = {"artist": 0.4, "genre": 0.2, "theme": 0.4}
#: Likes and skips that count, the newest.
MAX_FEEDBACK = 50

#: The emotion across the circle of valence and arousal (Russell 1980, A circumplex model of affect), as shares of the six.
#: Tension and anger (unpleasant, aroused) both face peace; no emotion faces none.
_OPPOSITE = np.zeros((emotions.N, emotions.N))
for _from, _to in ((0, (3,)), (1, (2,)), (2, (1, 4)), (3, (0,)), (4, (2,)), (5, (5,))):
    _OPPOSITE[_from, list(_to)] = 1 / len(_to)


@dataclass(frozen=True)
class SongQuery:
    """What a person wants of the answer.

    Attributes
    ----------
    mode : str
        match (공감): songs of this feeling. path (전환): from this feeling step by step to another, one song a step; meeting a mood
        before changing it is the iso principle of music therapy (Altshuler 1948). opposite (반대): songs of the opposite feeling.
        wide (탐색): a wider circle, as different as possible.
    to : int
        Emotion id that a path leads to; joy by default.
    k : int
        How many songs; fewer where the filters leave fewer.
    seed : int
        Another seed, other songs that fit as well.
    since : int
        Year of the oldest release; a song of unknown year (0) passes.
    genre : str
        Only this genre; all where it is blank.
    without_artists : tuple of str
        Artists that are left out.
    heard : frozenset of int
        Ids of songs that are left out.
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
                f"There is no emotion {self.target_emotion}; choose one of: {', '.join(emotions.EN)}."
            )


def query_vectors(feeling: np.ndarray, query: SongQuery) -> np.ndarray:
    """Vectors that are searched for: one for all songs (1, 6), or one a song (k, 6) on a path.

    The steps of a path are equal angles on the arc between the two (spherical interpolation), since songs are compared by angle.
    """
    feeling = normalise(feeling)
    if query.mode == "opposite":
        return normalise(feeling @ _OPPOSITE)[None]
    if query.mode != "path":
        return feeling[None]
    goal = np.eye(emotions.N, dtype=np.float32)[query.target_emotion]
    angle = np.arccos(np.clip(feeling @ goal, 0, 1))
    if angle < 1e-3:
        return np.tile(goal, (query.k, 1))
    steps = np.linspace(0, 1, query.k)[:, None]
    return (
        (np.sin((1 - steps) * angle) * feeling + np.sin(steps * angle) * goal) / np.sin(angle)
    ).astype(np.float32)


def filter_mask(
    music: MusicDatabase, query: SongQuery, skipped: Sequence[int] = ()
) -> np.ndarray | None:
    """Mask (n,) of the songs that the filters leave; None where that is all of them.

    Raises
    ------
    BadInput
        If the genre is unknown, or nothing is left.
    """
    years = music.songs["year"].to_numpy()
    mask = (years >= query.min_year) | (years == 0)
    if query.genre:
        mask &= _named(music.songs["genre"], music.genre_codes, [query.genre], "genre")
    if query.exclude_artists:
        mask &= ~_named(music.songs["artist"], music.artist_codes, query.exclude_artists, "artist")
    mask[music.rows([*query.exclude_ids, *skipped])] = False
    if not mask.any():
        raise no_song_left()
    return None if mask.all() else mask


def _named(names: pd.Series, codes: np.ndarray, wanted: Sequence[str], what: str) -> np.ndarray:
    """Mask of the songs whose artist or genre is wanted; an unknown genre is an error, an unknown artist is nobody's."""
    known = names[names != ""].unique()  # in the order of their codes
    places = np.flatnonzero(np.isin(known, list(wanted)))
    if what == "genre" and not len(places):
        genres = ", ".join(sorted(known)[:40])
        raise BadInput(
            f"There is no genre '{wanted[0]}'; choose one of: {genres or 'none is known here'}.",
            f"'{wanted[0]}'(이)라는 장르가 없어요. 이 가운데서 골라 주세요: {genres or '알려진 장르가 없어요'}.",
        )
    return np.isin(codes, places)


def song_similarity(music: MusicDatabase, these: np.ndarray, those: np.ndarray) -> np.ndarray:
    """How much songs resemble each other, 0 to 1: rows (a,) and (b,) to (a, b)."""
    same = {
        name: codes[these][:, None] == codes[those]
        for name, codes in (("artist", music.artist_codes), ("genre", music.genre_codes))
    }
    same["artist"] &= (music.artist_codes[these] >= 0)[:, None]  # nobody is not one artist
    same["genre"] &= (music.genre_codes[these] >= 0)[:, None]
    theme = np.clip(music.themes[these] @ music.themes[those].T, 0, 1)
    return (
        SIMILARITY_WEIGHTS["artist"] * same["artist"]
        + SIMILARITY_WEIGHTS["genre"] * same["genre"]
        + SIMILARITY_WEIGHTS["theme"] * theme
    )


def feedback_score(
    music: MusicDatabase, rows: np.ndarray, liked: Sequence[int], skipped: Sequence[int]
) -> np.ndarray:
    """How much songs resemble those liked, less how much those skipped: by the most alike of each, -1 to 1, shape (len(rows),)."""
    value = np.zeros(len(rows))
    for sign, ids in ((1, liked), (-1, skipped)):
        known = music.rows(ids[-MAX_FEEDBACK:])
        if len(known):
            value += sign * song_similarity(music, rows, known).max(axis=1)
    return value


def recommend(
    feeling: np.ndarray,
    music: MusicDatabase,
    query: SongQuery | None = None,
    liked: Sequence[int] = (),
    skipped: Sequence[int] = (),
) -> pd.DataFrame:
    """Songs for a feeling.

    First relevance: songs whose cosine to what is wished lies at most `SLACK` below the k-th best fit. Of these a few are drawn by the
    seed, and of the few those are chosen that fit well and resemble each other least (maximal marginal relevance, Carbonell and
    Goldstein 1998, with a chance for each, so that songs which fit about as well take turns), no more than `PER_ARTIST` of one artist where there are others.

    A skipped song is not answered again, and songs like it move down among those that fit; songs like a liked one move up (`TASTE`). A
    like never brings a song that does not fit.

    Parameters
    ----------
    feeling
        Emotion vector of shape (6,).
    music
        An opened music database.
    query
        Mode, filters, number of songs and seed; a plain match by default.
    liked, skipped
        Ids of songs, oldest first, as `feedback.Feedback.songs` gives them.

    Returns
    -------
    DataFrame
        The songs' columns, `row` in the database, `basis` (both, lyric or sound), `cosine` to what was searched for, and `step` from 0 (all 0 but on a path).

    Raises
    ------
    BadInput
        If the feeling has no direction, the genre is unknown, or no song passes the filters.
    """
    query = query or SongQuery()
    keep = filter_mask(music, query, skipped)
    rng = np.random.default_rng(query.seed)
    aims = query_vectors(feeling, query)
    chosen: list[int] = []
    picked: list[tuple[float, int]] = []
    for step, aim in enumerate(aims):
        for row, cosine in list(_choose(music, aim, query, keep, rng, chosen, (liked, skipped))):
            chosen.append(row)
            picked.append((cosine, step))
    table = music.songs.iloc[chosen].assign(
        row=chosen,
        basis=music.basis[chosen],
        cosine=[c for c, _ in picked],
        step=[s for _, s in picked],
    )
    return table.reset_index(drop=True)


def _choose(
    music,
    aim: np.ndarray,
    query: SongQuery,
    keep: np.ndarray | None,
    rng,
    before: list[int],
    verdicts: tuple,
) -> Iterator[tuple[int, float]]:
    """Rows and cosines of the songs for one aim: all of a plain answer, or the one of a path's step, beside those chosen `before`."""
    count = 1 if query.mode == "path" else query.k
    rows, cosines = music.index.near(aim, count + len(before), RELEVANCE_MARGIN[query.mode], keep)
    if before:
        fresh = ~np.isin(rows, before)
        rows, cosines = rows[fresh], cosines[fresh]
    drawn = _draw(
        music.artist_codes[rows], max(POOL_SIZE, 2 * count), MAX_PER_ARTIST[query.mode], rng
    )
    rows, cosines = rows[drawn], cosines[drawn]
    if len(rows):
        worth = (
            rng.random(len(rows))
            - RELEVANCE_WEIGHT * (cosines.max() - cosines) / RELEVANCE_MARGIN[query.mode]
            + FEEDBACK_WEIGHT * feedback_score(music, rows, *verdicts)
        )
        yield from _diverse(music, rows, cosines, worth, query, before, count)


def _draw(artists: np.ndarray, size: int, each: int, rng: np.random.Generator) -> np.ndarray:
    """Places of `size` songs drawn at random, more than `each` of one artist only where there are not enough others."""
    drawn = rng.choice(len(artists), min(len(artists), _OVERSAMPLING * size), replace=False)
    if len(drawn) <= size:
        return drawn
    order = np.argsort(artists[drawn], kind="stable")
    same = artists[drawn][order]
    starts = np.flatnonzero(np.r_[True, same[1:] != same[:-1]])
    turn = np.empty(len(drawn), int)
    turn[order] = np.arange(len(drawn)) - np.repeat(
        starts, np.diff(np.r_[starts, len(drawn)])
    )  # how many of the artist came before
    extra = (turn >= each) & (artists[drawn] >= 0)
    return drawn[np.argsort(extra, kind="stable")][:size]


def _diverse(
    music,
    rows: np.ndarray,
    cosines: np.ndarray,
    worth: np.ndarray,
    query: SongQuery,
    before: list[int],
    count: int,
) -> Iterator[tuple[int, float]]:
    """Choose by maximal marginal relevance: each song by its worth less its likeness to the most alike of those chosen."""
    artists = music.artist_codes[rows]
    often = (music.artist_codes[before][None] == artists[:, None]).sum(
        axis=1
    )  # songs of the same artist so far
    likeness = (
        song_similarity(music, rows, np.array(before)).max(axis=1)
        if before
        else np.zeros(len(rows))
    )
    left = np.ones(len(rows), bool)
    for _ in range(min(count, len(rows))):
        too_often = (often >= MAX_PER_ARTIST[query.mode]) & (
            artists >= 0
        )  # only where nothing else is left
        best = int(
            np.argmax(
                np.where(
                    left, worth - DIVERSITY_WEIGHT[query.mode] * likeness - 10 * too_often, -np.inf
                )
            )
        )
        left[best] = False
        often += artists == artists[best]
        likeness = np.maximum(likeness, song_similarity(music, rows, rows[best : best + 1])[:, 0])
        yield int(rows[best]), float(cosines[best])
