"""What stands behind an answer: the words that moved the emotion, and each song's lyric line nearest to the sentence, which had no part in the choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import embeddings
from .classifier import Classifier, has_words

#: Parts that a sentence is read without, one at a time; of a longer one neighbouring words are taken together.
PARTS = 40
#: Lines of a lyric that are looked at.
LINES = 60


@dataclass(frozen=True)
class Explanation:
    """Why these songs.

    Attributes
    ----------
    words : DataFrame
        As `moving_words` gives it.
    lines : list of str
        Of each song the lyric line nearest to the sentence; blank where there is no lyric.
    """

    words: pd.DataFrame
    lines: list[str]


def word_attributions(sentence: str, model: Classifier) -> pd.DataFrame:
    """Words by how much they moved the emotion that was read (occlusion: Zeiler and Fergus 2014; for text Li et al. 2016, arXiv:1612.08220).

    The sentence is read once more without each word; the effect of a word is the probability that goes when it goes.

    Returns
    -------
    DataFrame
        Columns word, place (from 0), emotion (id of the largest probability of the whole sentence), effect (-1 to 1), and before and after
        (that emotion's probability with and without the word); largest effect first. Empty for a sentence of one word.
    """
    words = sentence.split()
    parts = (
        [" ".join(part) for part in np.array_split(words, min(len(words), PARTS))] if words else []
    )
    without = [" ".join(parts[:i] + parts[i + 1 :]) for i in range(len(parts))]
    kept = np.flatnonzero(has_words(without))
    columns = ["word", "place", "emotion", "effect", "before", "after"]
    if len(parts) < 2 or not len(kept):
        return pd.DataFrame(columns=columns)
    whole, *others = model.predict([sentence, *(without[i] for i in kept)])
    emotion = int(whole.argmax())
    after = np.array(others)[:, emotion]
    table = pd.DataFrame(
        {
            "word": [parts[i] for i in kept],
            "place": kept,
            "emotion": emotion,
            "effect": whole[emotion] - after,
            "before": whole[emotion],
            "after": after,
        }
    )
    return table.sort_values("effect", ascending=False, kind="stable", ignore_index=True)[columns]


def nearest_lines(
    sentence: str, lyrics: Sequence[str], encoder: Callable[[], embeddings.Encoder]
) -> list[str]:
    """Of each lyric the line whose embedding is nearest to the sentence's; blank for a blank lyric.

    Parameters
    ----------
    lyrics
        Lyrics, a line a line.
    encoder
        Gives the encoder; asked only where there is a lyric.
    """
    split = [
        list(dict.fromkeys(line.strip() for line in lyric.splitlines() if line.strip()))[:LINES]
        for lyric in lyrics
    ]
    flat = [line for lines in split for line in lines]
    if not flat:
        return [""] * len(split)
    vectors = embeddings.embed(encoder(), [sentence, *flat], max_length=64)
    cosines = vectors[1:] @ vectors[0]
    ends = np.cumsum([len(lines) for lines in split])
    return [
        lines[int(part.argmax())] if lines else ""
        for lines, part in zip(split, np.split(cosines, ends[:-1]), strict=True)
    ]
