"""A typed sentence to an answer: the vector and the songs, from a run's model and music database."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from . import classifier, database, emotions, inference, recommender
from .cleaning import check_sentence
from .database import MusicDatabase
from .errors import MissingData
from .settings import cache_folder, run_folder


@lru_cache(maxsize=2)
def _open(run: str) -> tuple[classifier.Classifier, MusicDatabase]:
    """Model and songs of a run, loaded once per process."""
    path = run_folder(run) / database.NAME
    if not path.is_file():
        raise MissingData(f"The run '{run}' has built no music database yet; run `make run RUN={run}`.")
    music = database.read(path)
    model = cache_folder() / "classifier" / music.provenance["model"]
    if not model.is_dir():
        raise MissingData(f"The model of the run '{run}' is gone from the cache; run `make run RUN={run}`.")
    return inference.load(model), music


def feel(sentence: str, run: str = "default") -> np.ndarray:
    """Six probabilities of a typed sentence, shape (6,), by the model of a run.

    Raises
    ------
    BadInput
        If the sentence cannot be read.
    MissingData
        If the run has not been made.
    """
    return _open(run)[0].predict([check_sentence(sentence)])[0]


def answer(sentence: str, run: str = "default", k: int = 5) -> str:
    """Return the vector and the k songs for a sentence, as text for a terminal."""
    vector = feel(sentence, run)
    music = _open(run)[1]
    songs = recommender.recommend(vector, music, k)
    lines = [f"“{sentence}”", ""]
    lines += [f"  {e.ko} {e.en:<8} {p:5.2f}  {'█' * round(24 * p)}" for e, p in zip(emotions.EMOTIONS, vector, strict=True)]
    if vector.max() <= _open(run)[0].unsure_below:
        lines += [
            "",
            "  확신이 낮습니다: 이만큼 불확실한 답은 세 번에 한 번도 맞지 않았습니다.",
            "  (Not sure: on dev, answers this unsure were right less than once in three times.)",
        ]
    lines += ["", f"  {len(songs)} songs ({music.provenance['profile']} profile, run {run})"]
    for number, song in enumerate(songs.itertuples(), start=1):
        details = ", ".join(str(x) for x in (song.artist, song.genre, song.year or "") if x)
        lines.append(f"  {number}. {song.title}" + (f" ({details})" if details else "") + f"  cosine {song.cosine:.3f}")
    return "\n".join(lines)
