"""Korean content words (kiwipiepy)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import pandas as pd
from kiwipiepy import Kiwi
from kiwipiepy.utils import Stopwords

#: Tags of content words: common and proper nouns, roots, verbs, adjectives, adverbs, interjections.
CONTENT_TAGS = ("NNG", "NNP", "XR", "VV", "VA", "MAG", "IC")


@lru_cache(maxsize=1)
def _kiwi() -> tuple[Kiwi, Stopwords]:
    return Kiwi(num_workers=2), Stopwords()


def content_words(texts: Sequence[str]) -> list[list[str]]:
    """Content words of each text in dictionary form, stop words excluded."""
    kiwi, stopwords = _kiwi()
    found = []
    for tokens in kiwi.tokenize(list(texts), stopwords=stopwords):
        kept = (t for t in tokens if t.tag.split("-")[0] in CONTENT_TAGS)
        found.append([t.form + "다" if t.tag.startswith("V") else t.form for t in kept])
    return found


def frequent_by_emotion(
    texts: Sequence[str], ids: Sequence[int], size: int
) -> dict[int, pd.Series]:
    """Content words that mark an emotion: in many of its texts, and in more than in texts at large.

    Words are ranked by n * log(share in the emotion / share in all texts), n being the emotion's texts that hold the word.

    Parameters
    ----------
    texts, ids
        Texts and the emotion id of each.
    size
        Words kept of each emotion.

    Returns
    -------
    dict
        Emotion id to a Series: word to the number of the emotion's texts that hold it, largest first.
    """
    everywhere, within, total = Counter(), {}, Counter(ids)
    for words, emotion in zip(content_words(texts), ids, strict=True):
        held = {word for word in words if len(word) > 1}
        everywhere.update(held)
        within.setdefault(emotion, Counter()).update(held)
    frequent = {}
    for emotion, counts in within.items():
        mark = {
            w: n * math.log(n / total[emotion] * len(texts) / everywhere[w])
            for w, n in counts.items()
        }
        leading = sorted(mark, key=lambda w: (-mark[w], w))[:size]
        frequent[int(emotion)] = pd.Series({w: counts[w] for w in leading}, dtype=int).sort_values(
            ascending=False, kind="stable"
        )
    return frequent
