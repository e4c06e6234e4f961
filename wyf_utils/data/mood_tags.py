"""Mood and theme tags of MTG-Jamendo: which of the six emotions each says.

A tag's shares are own judgement, and so is its place on the plane of valence and arousal (Russell
1980, A circumplex model of affect). The places check the shares: a tag's largest emotion must lie
in its quarter of the plane. Anger shares the quarter of tension; neutral lies around the origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..core import emotions


class Mood(NamedTuple):
    """What a tag says: shares of the six that sum to 1; valence and arousal, -1 to 1."""

    shares: dict[str, float]
    place: tuple[float, float]


#: Tags that say a mood. A second emotion has a share where songs of the tag often have it too.
#: `heavy` is the one tag of anger: loud and unpleasant, no listener has confirmed it. `background`
#: is the one of neutral: music that is not to be noticed.
MOODS = {
    "happy": Mood({"joy": 1.0}, (0.9, 0.5)),
    "fun": Mood({"joy": 1.0}, (0.8, 0.6)),
    "funny": Mood({"joy": 1.0}, (0.6, 0.5)),
    "party": Mood({"joy": 1.0}, (0.7, 0.9)),
    "upbeat": Mood({"joy": 1.0}, (0.7, 0.7)),
    "positive": Mood({"joy": 0.8, "peace": 0.2}, (0.8, 0.3)),
    "uplifting": Mood({"joy": 0.8, "peace": 0.2}, (0.7, 0.4)),
    "groovy": Mood({"joy": 0.8, "peace": 0.2}, (0.5, 0.4)),
    "energetic": Mood({"joy": 0.8, "tension": 0.2}, (0.4, 0.9)),
    "motivational": Mood({"joy": 0.8, "tension": 0.2}, (0.6, 0.6)),
    "sexy": Mood({"joy": 0.8, "tension": 0.2}, (0.5, 0.5)),
    "inspiring": Mood({"joy": 0.7, "peace": 0.3}, (0.6, 0.3)),
    "hopeful": Mood({"joy": 0.7, "peace": 0.2, "sadness": 0.1}, (0.6, 0.1)),
    "horror": Mood({"tension": 1.0}, (-0.8, 0.8)),
    "action": Mood({"tension": 0.8, "joy": 0.2}, (-0.1, 0.9)),
    "dramatic": Mood({"tension": 0.7, "sadness": 0.3}, (-0.3, 0.7)),
    "dark": Mood({"tension": 0.6, "sadness": 0.4}, (-0.6, 0.2)),
    "heavy": Mood({"anger": 0.7, "tension": 0.3}, (-0.4, 0.8)),
    "calm": Mood({"peace": 1.0}, (0.5, -0.8)),
    "relaxing": Mood({"peace": 1.0}, (0.6, -0.7)),
    "meditative": Mood({"peace": 1.0}, (0.4, -0.8)),
    "ambiental": Mood({"peace": 1.0}, (0.1, -0.7)),
    "soundscape": Mood({"peace": 1.0}, (0.1, -0.6)),
    "soft": Mood({"peace": 0.8, "sadness": 0.2}, (0.3, -0.6)),
    "dream": Mood({"peace": 0.8, "sadness": 0.2}, (0.4, -0.4)),
    "mellow": Mood({"peace": 0.7, "sadness": 0.3}, (0.2, -0.6)),
    "romantic": Mood({"peace": 0.5, "joy": 0.3, "sadness": 0.2}, (0.6, -0.1)),
    "sad": Mood({"sadness": 1.0}, (-0.8, -0.4)),
    "melancholic": Mood({"sadness": 0.8, "peace": 0.2}, (-0.5, -0.5)),
    "emotional": Mood({"sadness": 0.5, "peace": 0.3, "joy": 0.2}, (-0.1, -0.1)),
    "background": Mood({"neutral": 0.6, "peace": 0.4}, (0.1, -0.1)),
}
#: Tags that say no mood, by the reason.
ASIDE = {
    "what the music is for": (
        "advertising", "children", "commercial", "corporate", "documentary", "drama", "film",
        "game", "movie", "sport", "trailer",
    ),
    "an occasion, a season or a scene": (
        "adventure", "christmas", "holiday", "nature", "space", "summer", "travel",
    ),
    "how it is made": ("ballad", "deep", "fast", "melodic", "retro", "slow"),
    # As in the map of Emotify: strong and triumphant is no anger, and nothing else of the six.
    "power, which is none of the six": ("epic", "powerful"),
    "goes with joy, peace and sadness alike": ("cool", "love"),
}  # fmt: skip
#: Every mood and theme tag of the source.
KNOWN = frozenset(MOODS).union(*ASIDE.values())
#: Weight of the mean song, in tags: a song of one tag is half as that tag says.
PRIOR_COUNT = 1.0


def shares(tag: str) -> np.ndarray:
    """Return the shares (6,) of the emotions that a mood tag says; they sum to 1."""
    return np.array([MOODS[tag].shares.get(name, 0.0) for name in emotions.EN])


def main_emotion(tag: str) -> str:
    """Return the English name of a mood tag's largest emotion."""
    return emotions.EN[int(shares(tag).argmax())]


def emotion_vectors(tags: Sequence[Sequence[str]]) -> np.ndarray:
    """Average the shares of each song's tags, smoothed towards the mean song.

    The mean song counts as `PRIOR_COUNT` tags, so that no vector is one-hot, and the more tags
    agree, the surer a vector is. Smoothed towards equal shares instead, a rare emotion would grow
    where the class prior is divided out.

    Parameters
    ----------
    tags
        Mood tags of n songs, each at least one of `MOODS`.

    Returns
    -------
    ndarray of shape (n, 6), float32
        Rows sum to 1.
    """
    table = {tag: shares(tag) for tag in MOODS}
    sums = np.array([sum(table[tag] for tag in song) for song in tags]).reshape(-1, emotions.N)
    counts = np.array([[len(song)] for song in tags], float).reshape(-1, 1)
    mean = (sums / counts).mean(axis=0)
    return ((sums + PRIOR_COUNT * mean) / (counts + PRIOR_COUNT)).astype(np.float32)
