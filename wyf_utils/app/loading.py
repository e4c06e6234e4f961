"""What an answer needs, loaded once per process: songs, reader, encoder."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..core import emotions
from ..core.errors import MissingData
from ..core.paths import JAMENDO, OWN_MUSIC, cache_folder, run_folder
from ..music import database
from ..music.database import MusicDatabase
from ..text import onnx_model, reader, safety
from ..text.reader import Reader

#: Run that answers in a fresh clone.
QUICK_RUN = "default"
#: Commands that build the songs of a run that `make run` does not make.
_BUILDERS = {OWN_MUSIC: "wyf build --music FOLDER", JAMENDO: "wyf catalogue jamendo"}
_LOADING = threading.Lock()  # threads of a page wait for one loading instead of loading each


def open_songs(run: str = "default") -> MusicDatabase:
    """Open the music database of a run; open it again where the file has been swapped.

    Before the default run has been made, a quick database is built (`music.quick`).

    Raises
    ------
    MissingData
        If another run has built no music database.
    CorruptData
        If it is damaged, foreign, or of another version.
    """
    path = run_folder(run) / database.NAME
    if run == QUICK_RUN:
        _build_quick_where_lacking(path, run)
    if not path.is_file():
        remedy = _BUILDERS.get(run, f"make run RUN={run}")
        raise MissingData(
            f"The run '{run}' has built no music database yet; run `{remedy}`.",
            f"'{run}' 실행에 아직 노래 데이터베이스가 없어요. `{remedy}` 명령을 실행해 주세요.",
        )
    with _LOADING:
        return _open(path)


def catalogues(first: str) -> list[str]:
    """List the runs whose songs can be asked: `first`, the default run, Jamendo, own music.

    Runs that share a folder, which `WYF_OUT` lets them, are one.
    """
    runs = {run_folder(first): first}
    for run in (QUICK_RUN, JAMENDO, OWN_MUSIC):
        if (run_folder(run) / database.NAME).is_file():
            runs.setdefault(run_folder(run), run)
    return list(runs.values())


def _build_quick_where_lacking(path: Path, run: str) -> None:
    """Build the quick database where there is none, or where its reader has left the cache."""
    with _LOADING:
        if path.is_file():
            songs = _open(path)
            if songs.provenance.get("made") != "quick" or _reader_folder(songs).is_dir():
                return
        from ..music import quick  # torch loads here

        quick.build(path, run)


def _open(path: Path) -> MusicDatabase:
    state = path.stat()
    return _songs(path, (state.st_ino, state.st_mtime_ns))


def _reader_folder(songs: MusicDatabase) -> Path:
    return cache_folder() / "reader" / songs.provenance["model"]


def open_reader(songs: MusicDatabase, run: str = "default") -> Reader:
    """Open the reader of the songs' lyrics; the default run's for songs that no reader has scored.

    Raises
    ------
    MissingData
        If it is not in the cache any more.
    """
    if not songs.provenance.get("model"):
        songs, run = open_songs(QUICK_RUN), QUICK_RUN
    model, trained = _reader_folder(songs), songs.provenance.get("scored by", run)
    if not model.is_dir():
        raise MissingData(
            f"The model of the run '{run}' is gone from the cache; run `make run RUN={trained}`.",
            f"'{run}' 실행의 모델이 캐시에 없어요. `make run RUN={trained}`을 실행해 주세요.",
        )
    with _LOADING:
        return _reader(model)


def open_detector() -> safety.RiskDetector:
    """Open the detector of people at risk; it is fitted first where it is new."""
    with _LOADING:
        return _detector()


def open_encoder():
    """Open the bundled encoder, a `text.embeddings.Encoder`; torch loads here."""
    with _LOADING:
        return _encoder()


@lru_cache(maxsize=4)  # the catalogues that a page may switch between
def _songs(path: Path, state: tuple[int, int]) -> MusicDatabase:  # noqa: ARG001, state marks a swap
    songs = database.read(path)
    songs.index.cosines(np.ones(emotions.N))  # builds the index before the first request
    return songs


@lru_cache(maxsize=2)
def _reader(model: Path) -> Reader:
    loaded = reader.load(model, onnx_model.load_onnx)
    loaded.predict(["오늘의 기분"])  # sets the tokenizer up, which two threads must not do at once
    return loaded


@lru_cache(maxsize=1)
def _detector() -> safety.RiskDetector:
    loaded = safety.load(safety.trained().path)
    loaded.level("오늘의 기분")  # loads the analyser of morphemes
    return loaded


@lru_cache(maxsize=1)
def _encoder():
    from ..text import bundled_e5, encoders, explanation

    loaded = encoders.load(bundled_e5.BUNDLED, [])
    explanation.nearest_lines("오늘의 기분", ["오늘의 기분"], lambda: loaded)  # as in `_reader`
    return loaded
