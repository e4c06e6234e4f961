"""Explanation of an answer: word attributions, and the lyric lines nearest to the sentence.

The nearest lines illustrate the songs; they do not take part in choosing them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import logit

from .prediction import has_words
from .reader import Reader

#: Most parts of a sentence that are occluded; in a longer one neighbouring words form a part.
PARTS = 40
#: Characters of a sentence beyond which no word is explained: each part costs a whole reading.
LONGEST = 1000
#: Most lines of a lyric that are compared.
LINES = 60


@dataclass(frozen=True)
class Explanation:
    """Why these songs.

    Attributes
    ----------
    words : DataFrame
        Table of `word_attributions`.
    lines : list of str
        Nearest lyric line of each song; blank where there is no lyric.
    """

    words: pd.DataFrame
    lines: list[str]


def word_attributions(sentence: str, model: Reader, emotion: int | None = None) -> pd.DataFrame:
    """Attribute an emotion to words by occlusion.

    The effect of a word is the drop in the emotion's log-odds without it (Zeiler and Fergus
    2014; for text Li et al. 2016, arXiv:1612.08220). Probabilities near 1 would hide it.

    Parameters
    ----------
    emotion
        Emotion id; the sentence's largest probability by default.

    Returns
    -------
    DataFrame
        Largest effect first, empty for one word or more than `LONGEST` characters. Columns: word;
        place (from 0); emotion (id); effect (in nats); before and after (probability with and
        without the word).
    """
    words, parts = sentence.split(), []
    if words and len(sentence) <= LONGEST:
        parts = [" ".join(part) for part in np.array_split(words, min(len(words), PARTS))]
    without = [" ".join(parts[:i] + parts[i + 1 :]) for i in range(len(parts))]
    places = np.flatnonzero(has_words(without))
    if len(parts) < 2 or not len(places):
        return pd.DataFrame(columns=["word", "place", "emotion", "effect", "before", "after"])
    whole, *others = model.predict([sentence, *(without[i] for i in places)])
    emotion = int(whole.argmax()) if emotion is None else emotion
    before, after = whole[emotion], np.array(others)[:, emotion]
    table = pd.DataFrame(
        {
            "word": [parts[i] for i in places],
            "place": places,
            "emotion": emotion,
            "effect": _log_odds(before) - _log_odds(after),
            "before": before,
            "after": after,
        }
    )
    return table.sort_values("effect", ascending=False, kind="stable", ignore_index=True)


def _log_odds(probability: np.ndarray) -> np.ndarray:
    return logit(np.clip(np.asarray(probability, float), 1e-6, 1 - 1e-6))


def nearest_lines(sentence: str, lyrics: Sequence[str], encoder: Callable) -> list[str]:
    """Find the line of each lyric with the largest cosine similarity to the sentence.

    Parameters
    ----------
    lyrics
        Lyrics, lines separated by newlines.
    encoder
        Loads the encoder; called only if there is a lyric.

    Returns
    -------
    list of str
        One line for each lyric; blank for a blank lyric.
    """
    stripped = [[line.strip() for line in lyric.splitlines() if line.strip()] for lyric in lyrics]
    songs = [list(dict.fromkeys(lines))[:LINES] for lines in stripped]
    flat = [line for lines in songs for line in lines]
    if not flat:
        return [""] * len(songs)
    from . import embeddings

    vectors = embeddings.embed(encoder(), [sentence, *flat], max_length=64)
    ends = np.cumsum([len(lines) for lines in songs])
    cosines = np.split(vectors[1:] @ vectors[0], ends[:-1])
    return [
        lines[int(similarities.argmax())] if lines else ""
        for lines, similarities in zip(songs, cosines, strict=True)
    ]
