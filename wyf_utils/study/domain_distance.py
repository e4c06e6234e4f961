"""How far apart domains are: words, sub-words, divergence, a classifier that tells them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial.distance import jensenshannon
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from ..core import artifacts
from ..data.splits import _shuffled
from ..text import bundled_e5, embeddings, encoders
from ..text.bundled_e5 import BUNDLED
from ..text.words import content_words

#: Published in 2022: shares of the union of sub-word ids in percent, by the domains that hold them; and micro-F1 before and after DAPT.
VENN_2022 = {
    ("conversation", "emotion", "lyrics"): 54,
    ("conversation", "lyrics"): 17,
    ("conversation",): 10,
    ("conversation", "emotion"): 7,
    ("lyrics",): 7,
    ("emotion", "lyrics"): 3,
    ("emotion",): 2,
}


def word_counts(domains: dict[str, Sequence[str]]) -> dict[str, Counter]:
    """How often each content word stands in the texts of each domain; stop words are excluded."""
    return {
        name: Counter(word for words in content_words(texts) for word in words)
        for name, texts in domains.items()
    }


def shared_words(
    counts: dict[str, Counter], size: int = 10_000
) -> tuple[pd.DataFrame, dict[str, set[str]]]:
    """Share of the most frequent words that two domains have in common (Gururangan et al. 2020, figure 2).

    Parameters
    ----------
    counts
        Of `word_counts`.
    size
        Words of each vocabulary. Every domain is cut to the smallest of them, so that shares compare; ties go by the alphabet.

    Returns
    -------
    shares : DataFrame
        Symmetric, in percent.
    vocabularies : dict
        Words of each domain, of the same number.
    """
    size = min(size, *map(len, counts.values()))
    vocabularies = {
        name: set(sorted(counted, key=lambda word: (-counted[word], word))[:size])
        for name, counted in counts.items()
    }
    return _pairs(vocabularies, lambda a, b: len(a & b) / size), vocabularies


def shared_pieces(domains: dict[str, Sequence[str]]) -> tuple[pd.DataFrame, dict[str, set[int]]]:
    """Jaccard index of all distinct sub-word ids of two domains, in percent: the way of 2022, which saturates."""
    vocabularies = {
        name: {i for ids in _pieces(texts) for i in ids} for name, texts in domains.items()
    }
    return _pairs(vocabularies, lambda a, b: len(a & b) / len(a | b)), vocabularies


def _pieces(texts: Sequence[str]) -> list[list[int]]:
    """Ids of the bundled encoder's full vocabulary for each text, without prefix and special tokens."""
    frame = len(bundled_e5.token_ids([""])[0]) - 1  # <s> and prefix; </s> stands behind the text
    return [ids[frame:-1] for ids in bundled_e5.token_ids(texts)]


def _pairs(vocabularies: dict[str, set], share) -> pd.DataFrame:
    names = list(vocabularies)
    values = [[100 * share(vocabularies[a], vocabularies[b]) for b in names] for a in names]
    return pd.DataFrame(values, index=names, columns=names)


def venn_shares(sets: dict[str, set]) -> dict[tuple[str, ...], float]:
    """Share of the union in percent, by the names of the sets that hold an element."""
    held: Counter = Counter()
    for element in set.union(*sets.values()):
        held[tuple(name for name, members in sets.items() if element in members)] += 1
    return {names: 100 * n / held.total() for names, n in held.items()}


def venn_jaccard(shares: dict[tuple[str, ...], float], a: str, b: str) -> float:
    """Jaccard index of two sets in percent, from the shares of a Venn diagram."""
    both = sum(share for names, share in shares.items() if a in names and b in names)
    return 100 * both / sum(share for names, share in shares.items() if a in names or b in names)


def unigram_distance(domains: dict[str, Sequence[str]], seed: int) -> pd.DataFrame:
    """Jensen-Shannon divergence of the sub-words' frequencies, in percent of a bit: 0 for the same text, 100 for nothing in common.

    The divergence of two samples grows as they shrink. So every pair is compared over the same number of sub-words, half of
    the smallest domain's, and on the diagonal stands what two samples of one domain give: the floor, not zero.
    """
    streams = {
        name: [i for ids in _shuffled(_pieces(texts), seed) for i in ids]
        for name, texts in domains.items()
    }
    size = min(map(len, streams.values())) // 2
    table = pd.DataFrame(index=list(domains), columns=list(domains), dtype=float)
    for a, ours in streams.items():
        for b, theirs in streams.items():
            counts = [Counter(ours[:size]), Counter(theirs[-size:] if a == b else theirs[:size])]
            every = sorted(counts[0] | counts[1])
            table.loc[a, b] = (
                100
                * jensenshannon(*([counted[i] for i in every] for counted in counts), base=2) ** 2
            )
    return table


def two_sample_accuracy(
    domains: dict[str, Sequence[str]], seed: int, most: int = 400
) -> pd.DataFrame:
    """Accuracy in percent of a classifier that tells two domains apart, five-fold cross-validated (classifier two-sample test, Lopez-Paz and Oquab 2017).

    Character 1- to 3-grams, TF-IDF and logistic regression, on as many texts of each: half of the smallest domain's, `most` at
    the most. 50 is a guess; on the diagonal two samples of the same domain are to be told apart.
    """
    texts = {name: _shuffled(list(each), seed) for name, each in domains.items()}
    size = min(most, min(map(len, texts.values())) // 2)
    table = pd.DataFrame(index=list(domains), columns=list(domains), dtype=float)
    for row, (a, ours) in enumerate(texts.items()):
        for b, theirs in list(texts.items())[row:]:
            model = make_pipeline(
                TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3), sublinear_tf=True),
                LogisticRegression(C=10),
            )
            both = ours[:size] + (theirs[size : 2 * size] if a == b else theirs[:size])
            folds = StratifiedKFold(5, shuffle=True, random_state=seed)
            table.loc[a, b] = table.loc[b, a] = (
                100 * cross_val_score(model, both, np.repeat([0, 1], size), cv=folds).mean()
            )
    return table


def pca_plane(
    domains: dict[str, Sequence[str]], seed: int, each: int = 120
) -> tuple[np.ndarray, np.ndarray]:
    """Texts of each domain as points: their vectors by the bundled encoder, on the first two principal components.

    Returns
    -------
    points : ndarray of shape (domains x each, 2)
    names : ndarray of shape (domains x each,)
        Domain of each point.
    """
    texts = {name: _shuffled(list(some), seed)[:each] for name, some in domains.items()}
    flat = [text for some in texts.values() for text in some]

    def make(folder: Path) -> None:
        np.save(
            folder / "vectors.npy",
            embeddings.embed(encoders.load(BUNDLED, flat), flat, max_length=64),
            allow_pickle=False,
        )

    entry = artifacts.folder(
        "vectors",
        make,
        parameters={"encoder": BUNDLED},
        data=artifacts.fingerprint(flat),
        code=[encoders],
    )
    points = PCA(2, svd_solver="full").fit_transform(
        np.load(entry.path / "vectors.npy", allow_pickle=False)
    )
    return points, np.repeat(list(texts), [len(some) for some in texts.values()])
