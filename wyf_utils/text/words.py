"""Korean morphemes and content words (kiwipiepy)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import pandas as pd
from kiwipiepy import Kiwi
from kiwipiepy.utils import Stopwords

#: Common and proper nouns, roots, verbs, adjectives, adverbs, interjections.
_CONTENT_TAGS = ("NNG", "NNP", "XR", "VV", "VA", "MAG", "IC")


@lru_cache(maxsize=1)
def _kiwi() -> tuple[Kiwi, Stopwords]:
    return Kiwi(num_workers=2), Stopwords()


def content_words(texts: Sequence[str]) -> list[list[str]]:
    """Extract the content words of each text in dictionary form, without stop words."""
    kiwi, stopwords = _kiwi()
    rows = []
    for tokens in kiwi.tokenize(list(texts), stopwords=stopwords):
        content = (t for t in tokens if t.tag.split("-")[0] in _CONTENT_TAGS)
        rows.append([t.form + "다" if t.tag.startswith("V") else t.form for t in content])
    return rows


@lru_cache(maxsize=50_000)
def morphemes(text: str) -> str:
    """Analyse a text into morphemes with their tags, joined by blanks, as in 죽/VV 고/EC."""
    kiwi, _ = _kiwi()
    return " ".join(f"{token.form}/{token.tag}" for token in kiwi.tokenize(text))


def frequent_by_emotion(
    texts: Sequence[str], ids: Sequence[int], size: int
) -> dict[int, pd.Series]:
    """Rank content words by how frequent in and typical of an emotion they are.

    The rank is n * log(share in the emotion / share in all texts), where n is the number of the
    emotion's texts with the word. Words of one syllable are left out.

    Parameters
    ----------
    ids
        Emotion id of each text.
    size
        Number of words for each emotion.

    Returns
    -------
    dict
        Emotion id to a Series from word to n, largest first.
    """
    overall, by_emotion, totals = Counter(), {}, Counter(ids)
    for words, emotion in zip(content_words(texts), ids, strict=True):
        distinct = {word for word in words if len(word) > 1}
        overall.update(distinct)
        by_emotion.setdefault(emotion, Counter()).update(distinct)
    frequent = {}
    for emotion, counts in by_emotion.items():
        rank = {
            w: n * math.log(n / totals[emotion] * len(texts) / overall[w])
            for w, n in counts.items()
        }
        leading = sorted(rank, key=lambda w: (-rank[w], w))[:size]
        series = pd.Series({w: counts[w] for w in leading}, dtype=int)
        frequent[int(emotion)] = series.sort_values(ascending=False, kind="stable")
    return frequent
