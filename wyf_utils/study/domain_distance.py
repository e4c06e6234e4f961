"""Distances between domains: shared words, sub-words, divergence, a two-sample classifier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy.spatial.distance import jensenshannon
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from ..core import artifacts
from ..data.splits import shuffled_copy
from ..text import bundled_e5, embeddings, encoders
from ..text.bundled_e5 import BUNDLED
from ..text.words import content_words

#: Shares of the union of sub-word ids in percent, by the domains that hold them, as of 2022.
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
    """Count the content words of each domain; stop words are excluded."""
    return {
        name: Counter(word for words in content_words(texts) for word in words)
        for name, texts in domains.items()
    }


def shared_words(counts: dict[str, Counter]) -> tuple[pd.DataFrame, dict[str, set[str]]]:
    """Compare the most frequent words of each two domains (Gururangan et al. 2020, figure 2).

    Every domain's vocabulary is cut to the same size: that of the smallest domain, at most 10,000
    words. Words of equal frequency are ordered by the alphabet.

    Parameters
    ----------
    counts
        As from `word_counts`.

    Returns
    -------
    shares : DataFrame
        Share of common words in percent, (domains, domains), symmetric.
    vocabularies : dict
        Words of each domain.
    """
    size = min(10_000, *map(len, counts.values()))
    vocabularies = {
        name: set(sorted(count, key=lambda word: (-count[word], word))[:size])
        for name, count in counts.items()
    }
    return _pairs(vocabularies, lambda a, b: len(a & b) / size), vocabularies


def shared_pieces(domains: dict[str, Sequence[str]]) -> tuple[pd.DataFrame, dict[str, set[int]]]:
    """Compute the Jaccard index, in percent, of the distinct sub-word ids of each two domains.

    This is the measure of 2022. It saturates: long texts use nearly the whole vocabulary.
    """
    vocabularies = {
        name: {i for ids in _pieces(texts) for i in ids} for name, texts in domains.items()
    }
    return _pairs(vocabularies, lambda a, b: len(a & b) / len(a | b)), vocabularies


def _pieces(texts: Sequence[str]) -> list[list[int]]:
    """Ids of the bundled encoder's full vocabulary for each text, without prefix and specials."""
    start = len(bundled_e5.token_ids([""])[0]) - 1  # <s> and prefix; </s> is last
    return [ids[start:-1] for ids in bundled_e5.token_ids(texts)]


def _pairs(vocabularies: dict[str, set], share: Callable[[set, set], float]) -> pd.DataFrame:
    names = list(vocabularies)
    values = [[100 * share(vocabularies[a], vocabularies[b]) for b in names] for a in names]
    return pd.DataFrame(values, index=names, columns=names)


def venn_shares(sets: dict[str, set]) -> dict[tuple[str, ...], float]:
    """Compute the share of the union in percent of every region of a Venn diagram, by set names."""
    counts = Counter(
        tuple(name for name, members in sets.items() if element in members)
        for element in set.union(*sets.values())
    )
    return {names: 100 * n / counts.total() for names, n in counts.items()}


def venn_jaccard(shares: dict[tuple[str, ...], float], a: str, b: str) -> float:
    """Compute the Jaccard index of two sets in percent from the shares of a Venn diagram."""
    both = sum(share for names, share in shares.items() if a in names and b in names)
    return 100 * both / sum(share for names, share in shares.items() if a in names or b in names)


def unigram_distance(domains: dict[str, Sequence[str]], seed: int) -> pd.DataFrame:
    """Compute the Jensen-Shannon divergence of sub-word frequencies of each two domains.

    The divergence of two samples grows as they shrink. Every pair is therefore compared on equally
    many sub-words, half of the smallest domain's. The diagonal compares two samples of one domain.

    Returns
    -------
    DataFrame
        Percent of a bit, (domains, domains): 0 for equal frequencies, 100 for no common sub-word.
    """
    streams = {
        name: [i for ids in shuffled_copy(_pieces(texts), seed) for i in ids]
        for name, texts in domains.items()
    }
    size = min(map(len, streams.values())) // 2
    table = pd.DataFrame(index=list(domains), columns=list(domains), dtype=float)
    for a, ours in streams.items():
        for b, theirs in streams.items():
            counts = [Counter(ours[:size]), Counter(theirs[-size:] if a == b else theirs[:size])]
            ids = sorted(counts[0] | counts[1])
            p, q = ([count[i] for i in ids] for count in counts)
            table.loc[a, b] = 100 * jensenshannon(p, q, base=2) ** 2  # scipy gives the square root
    return table


def two_sample_accuracy(domains: dict[str, Sequence[str]], seed: int) -> pd.DataFrame:
    """Run a classifier two-sample test on each two domains (Lopez-Paz and Oquab 2017).

    A logistic regression on TF-IDF of character 1- to 3-grams is five-fold cross-validated on
    equally many texts of both: half of the smallest domain's, at most 400. The diagonal compares
    two samples of one domain.

    Returns
    -------
    DataFrame
        Accuracy in percent, (domains, domains); 50 is chance.
    """
    texts = {name: shuffled_copy(list(part), seed) for name, part in domains.items()}
    size = min(400, min(map(len, texts.values())) // 2)
    table = pd.DataFrame(index=list(domains), columns=list(domains), dtype=float)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    for row, (a, ours) in enumerate(texts.items()):
        for b, theirs in list(texts.items())[row:]:
            model = make_pipeline(
                TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3), sublinear_tf=True),
                LogisticRegression(C=10),
            )
            both = ours[:size] + (theirs[size : 2 * size] if a == b else theirs[:size])
            accuracies = cross_val_score(model, both, np.repeat([0, 1], size), cv=folds)
            table.loc[a, b] = table.loc[b, a] = 100 * accuracies.mean()
    return table


def pca_plane(
    domains: dict[str, Sequence[str]], seed: int, each: int = 120
) -> tuple[np.ndarray, np.ndarray]:
    """Project texts' embeddings by the bundled encoder on their first two principal components.

    Parameters
    ----------
    each
        Texts drawn of each domain, at most.

    Returns
    -------
    points : ndarray of shape (n, 2)
    names : ndarray of shape (n,)
        Domain of each point.
    """
    parts = {name: shuffled_copy(list(texts), seed)[:each] for name, texts in domains.items()}
    texts = [text for part in parts.values() for text in part]

    def compute() -> np.ndarray:
        return embeddings.embed(encoders.load(BUNDLED, texts), texts, max_length=64)

    vectors = artifacts.cached_array(
        "vectors",
        compute,
        parameters={"encoder": BUNDLED},
        data=artifacts.fingerprint(texts),
    )
    points = PCA(2, svd_solver="full").fit_transform(vectors)
    return points, np.repeat(list(parts), [len(part) for part in parts.values()])
