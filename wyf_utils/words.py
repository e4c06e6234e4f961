"""Korean content words (kiwipiepy)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

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
