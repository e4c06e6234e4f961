"""The reader of lyrics: n-grams of whole lyrics, pooled with the sentence reader on couplets.

A reader of sentences takes many songs of joy for anger: singers shout in both. N-grams taught on
lyrics tell them apart. A lyric that they were taught on is answered by a model that has seen
nothing of its writer (stacking, Wolpert 1992), so that no answer repeats a label.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline

from ..core import artifacts, emotions
from ..core.context import context
from ..core.errors import MissingData
from ..core.files import read_json, write_json
from ..core.paths import cache_folder
from ..data import song_files
from ..data.cleaning import couplets
from ..data.readings import text_hash
from . import ngrams, reader
from .prediction import Classifier, TextPredictor, read_lyrics

CARD, OUT_OF_FOLD, VOTES = "lyric_reader.json", "out_of_fold.json", "votes.npy"
FOLDS = 6


@dataclass
class LyricReader(TextPredictor):
    """Reads lyrics, lines separated by newlines, as six probabilities.

    Attributes
    ----------
    sentences : Reader
        Reads the couplets.
    ngrams : Pipeline
        N-gram model of whole lyrics.
    exponents : tuple of float
        Weights of n-grams and couplets, from `reader.pool_exponents`.
    taught : dict
        `readings.text_hash` of each lyric that `ngrams` was taught on, to its emotion vector
        (6,) out of fold.
    """

    sentences: reader.Reader
    ngrams: Pipeline
    exponents: tuple[float, ...]
    taught: dict[str, np.ndarray]

    def _predict(self, lyrics: list[str], desc: str) -> np.ndarray:
        vectors = {lyric: self.taught.get(text_hash(lyric)) for lyric in lyrics}
        if new := [lyric for lyric, vector in vectors.items() if vector is None]:
            whole = ngrams.class_probabilities(self.ngrams, new)
            votes = [whole, _by_couplets(self.sentences, new, desc)]
            vectors |= zip(new, reader.pool(votes, self.exponents), strict=True)
        return np.stack([vectors[lyric] for lyric in lyrics])


def _by_couplets(sentences: reader.Reader, lyrics: Sequence[str], desc: str) -> np.ndarray:
    """Average the probabilities of each lyric's couplets, (n, 6)."""
    return read_lyrics(sentences, [couplets(lyric) for lyric in lyrics], desc=desc)


def labelled_lyrics() -> pd.DataFrame:
    """Load the sample's lyrics on whose first emotion two blind readers agree.

    Returns
    -------
    DataFrame
        Columns id, text, emotion (id) and writer.
    """
    table = song_files.lyric_readings()
    table = table[table["reader_1_first"] == table["reader_2_first"]]
    table = table.assign(text=table["id"].map(song_files.sample_lyrics()))
    table = table.rename(columns={"reader_1_first": "emotion"}).drop_duplicates("text")
    return table[["id", "text", "emotion", "writer"]].reset_index(drop=True)


def out_of_fold(lyrics: pd.DataFrame) -> np.ndarray:
    """Predict probabilities (n, 6) of each lyric by n-grams taught on other writers."""

    def fold(rest: np.ndarray, held_out: np.ndarray) -> np.ndarray:
        model = ngrams.fit(lyrics.iloc[rest])
        return ngrams.class_probabilities(model, lyrics["text"].iloc[held_out])

    writers = lyrics["writer"]
    folds = list(GroupKFold(min(FOLDS, writers.nunique())).split(lyrics, groups=writers))
    jobs = (joblib.delayed(fold)(*rows) for rows in folds)
    votes = np.empty((len(lyrics), emotions.N))
    found = joblib.Parallel(n_jobs=context().threads, prefer="threads")(jobs)
    for (_, held_out), vote in zip(folds, found, strict=True):
        votes[held_out] = vote
    return votes


def _taught(lyrics: pd.DataFrame) -> artifacts.Entry:
    """Return n-grams taught on all labelled lyrics, and their votes out of fold, from the cache."""

    def make(folder: Path) -> None:
        ngrams.save(ngrams.fit(lyrics), folder)
        np.save(folder / VOTES, out_of_fold(lyrics).astype(np.float32), allow_pickle=False)

    data = artifacts.fingerprint(lyrics)
    return artifacts.get_or_create("lyric_ngrams", make, parameters={"folds": FOLDS}, data=data)


def fitted(sentences: artifacts.Entry) -> artifacts.Entry:
    """Return the lyric reader on top of a sentence reader (`reader.fitted`) from the cache."""
    lyrics = labelled_lyrics()
    taught = _taught(lyrics)

    def make(folder: Path) -> None:
        couplet_votes = _by_couplets(reader.load(sentences.path), lyrics["text"], "read lyrics")
        votes = [np.load(taught.path / VOTES, allow_pickle=False), couplet_votes]
        exponents = reader.pool_exponents(votes, lyrics["emotion"].to_numpy())
        vectors = reader.pool(votes, exponents).astype(np.float32)
        hashes = lyrics["text"].map(text_hash)
        write_json(folder / OUT_OF_FOLD, dict(zip(hashes, vectors.tolist(), strict=True)))
        np.save(folder / VOTES, couplet_votes, allow_pickle=False)
        write_json(folder / CARD, parameters | {"exponents": exponents})

    parameters = {"reader": sentences.key, "ngrams": taught.key}
    data = artifacts.fingerprint(lyrics)
    return artifacts.get_or_create("lyric_reader", make, parameters=parameters, data=data)


def held_out_answers(model: artifacts.Entry) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Load the answers to the labelled lyrics, each by models that have not seen its writer.

    Parameters
    ----------
    model
        From `fitted`.

    Returns
    -------
    lyrics : DataFrame
        Table of `labelled_lyrics`.
    answers : dict
        Emotion vectors (n, 6): "couplets" by the sentence reader, "ngrams", and "pooled".
    """
    lyrics = labelled_lyrics()
    loaded = load(model.path)
    votes = {
        "couplets": np.load(model.path / VOTES, allow_pickle=False),
        "ngrams": np.load(_taught(lyrics).path / VOTES, allow_pickle=False),
    }
    return lyrics, votes | {"pooled": loaded.predict(lyrics["text"].tolist())}


def load(folder: Path, open_neural: Callable[[Path], Classifier] | None = None) -> LyricReader:
    """Load a lyric reader from its folder.

    Parameters
    ----------
    open_neural
        As for `reader.load`.

    Raises
    ------
    MissingData
        If the lyric reader, or a model that it reads with, is not in the cache.
    CorruptData
        If a file is damaged.
    """
    card, vectors = read_json(folder / CARD), read_json(folder / OUT_OF_FOLD)
    if not card or not vectors:
        raise MissingData(
            f"The lyric reader {folder.name} is gone from the cache; run `make run`.",
            "가사를 읽는 모델이 캐시에 없어요. `make run`을 실행해 주세요.",
        )
    sentences = reader.load(cache_folder() / "reader" / card["reader"], open_neural)
    counted = ngrams.load(cache_folder() / "lyric_ngrams" / card["ngrams"])
    taught = {lyric: np.array(vector, np.float32) for lyric, vector in vectors.items()}
    return LyricReader(sentences, counted, tuple(card["exponents"]), taught)
