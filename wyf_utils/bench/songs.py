"""Time the search for songs, and a sentence's way to songs."""

from __future__ import annotations

import itertools

import numpy as np

from ..app import feeling, loading
from ..core.errors import WyfError
from ..core.files import read_json
from ..core.paths import cache_folder
from ..data import text_corpora
from ..music import recommender
from ..study.recommender_evaluation import LOOPED, time_search, timed_in_turns
from ..text import reader
from .catalogue import SONGS
from .text import pipeline

#: Songs since 2015 in the catalogue of 2022.
SONGS_2015 = 42_839
_PROGRAMS = {
    "expression_2022": "2022: norms, product, full sort",
    "loop": "scikit-learn, one call a song *",
    "sklearn": "scikit-learn, one call in all",
    "faiss": "faiss-cpu, IndexFlatIP",
    "wyf": "wyf",
}


def search() -> None:
    """Time one search on one thread by every program, at the sizes of 2022's catalogues."""
    times = time_search(((SONGS_2015, 6), (SONGS, 6), (SONGS, 128)), seed=0)
    for (songs, dim), row in times.iterrows():
        same = "identical songs" if row["same"] else "DIFFERENT SONGS"
        print(f"\nsearch, {songs:,} x {dim}, one thread, {same}")
        for column, name in _PROGRAMS.items():
            if column in row:
                ratio = row["expression_2022"] / row[column]
                print(f"  {name:<44} {row[column]:10.3f} ms   {ratio:7.1f} x")
    missing = "" if "faiss" in times else "; faiss is not installed (pip install faiss-cpu)"
    print(f"  * timed on {LOOPED} songs and extrapolated{missing}")


def recommendation() -> None:
    """Time the page's way from a sentence to songs, beside one pipeline call on the sentence."""
    try:
        folder = cache_folder() / "reader" / loading.open_songs().provenance["model"]
    except WyfError as error:
        print(f"\nfeeling to songs: not timed. {error}")
        return
    key = read_json(folder / reader.CARD).get("neural")
    if not key:
        print("\nfeeling to songs: not timed. The default run has no encoder; run `make run`.")
        return
    pipe = pipeline(cache_folder() / "classifier" / key)
    sample = text_corpora.utterances("sample")[0]["text"].sample(300, random_state=0)
    texts, seeds = itertools.cycle(sample), itertools.count()

    def answer() -> None:
        feeling.answer(next(texts), query=recommender.SongQuery(seed=next(seeds)))

    calls = {
        "transformers pipeline, the sentence alone": lambda: pipe(next(texts)),
        "feeling.answer, songs included": answer,
    }
    print("\nfeeling to songs, default run")
    first = None
    for name, seconds in timed_in_turns(calls, times=10, in_a_row=20).items():
        p50, p95 = 1000 * np.percentile(seconds, [50, 95])
        first = first or p50
        print(
            f"  {name:<44} p50 {p50:7.2f} ms   p95 {p95:7.2f} ms   "
            f"p50 / pipeline {p50 / first:5.2f}   p95 / p50 {p95 / p50:5.2f}"
        )
