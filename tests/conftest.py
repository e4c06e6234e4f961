"""Tests write into temporary folders only; the cache is shared within one session."""

import csv
import os
from pathlib import Path

import matplotlib
import pytest

import wyf_utils

matplotlib.use("Agg")
wyf_utils.set_openmp_waiting()  # before a test imports torch
if "PYTEST_XDIST_WORKER" in os.environ:  # one thread a worker, in its kernels and processes too
    os.environ.update(OMP_NUM_THREADS="1", WYF_THREADS="1")
ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items):
    """Begin with the files that hold slow tests, and in them with these.

    No worker is then left with a slow one when the other has finished.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    order = {path: number for number, path in enumerate(dict.fromkeys(i.path for i in items))}
    items.sort(
        key=lambda item: (
            item.path not in slow,
            order[item.path],
            item.get_closest_marker("slow") is None,
        )
    )


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory):
    """Keep the tests' cache apart from the user's, and forget a mirror and a forced refresh.

    Workers have a cache each. They share only the detector of danger, which takes twenty seconds.
    """
    cache = tmp_path_factory.mktemp("cache")
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = tmp_path_factory.getbasetemp().parent / "safety"
        shared.mkdir(exist_ok=True)
        (cache / "safety").symlink_to(shared)
    os.environ["WYF_CACHE"] = str(cache)
    for name in ("FRESH", "WYF_MIRROR", "WYF_DATA", "WYF_OUT", "WYF_PROGRESS", "WYF_RUN_STARTED"):
        os.environ.pop(name, None)
    yield
    os.environ.pop("WYF_CACHE", None)


@pytest.fixture(autouse=True)
def _feedback(tmp_path, monkeypatch):
    """Keep the tests' likes and skips apart from the user's, and each test's from the others'."""
    monkeypatch.setattr("wyf_utils.music.feedback.data_folder", lambda: tmp_path / "data")


@pytest.fixture
def data(tmp_path, monkeypatch):
    """An empty data folder that the package takes for its own."""
    folder = tmp_path / "data"
    (folder / "raw").mkdir(parents=True)
    monkeypatch.setenv("WYF_DATA", str(folder))
    return folder


@pytest.fixture(scope="session")
def sample_sentences():
    from wyf_utils.data import text_corpora

    return text_corpora.utterances("sample")[0]


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    """A data folder whose sample is every fortieth sentence, labelled by its writer alone.

    For trainings in which something else than what is learned matters.
    """
    sample = tmp_path_factory.mktemp("small_data") / "sample"
    sample.mkdir()
    for name in ("sentiment_dialogue.csv", "single_turn.csv"):
        with (ROOT / "data" / "sample" / name).open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        with (sample / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows[::40]])
    return sample.parent


KINDS = {
    0: (
        "합격했다 신난다",
        "생일 선물 받아서 행복해",
        "드디어 이겼다 최고야",
        "너무 기뻐서 소리 질렀어",
    ),
    3: ("눈물이 멈추지 않아", "할머니가 돌아가셨다", "이별하고 매일 운다", "너무 외롭고 슬프다"),
    4: (
        "진짜 열받네 짜증 나",
        "새치기하는 인간 혐오스럽다",
        "거짓말에 화가 치민다",
        "사과도 없이 무시해서 분노했다",
    ),
}


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """Folder of a run whose model is tiny and really trained: it tells joy, sadness and
    anger in `KINDS`; its songs are made up."""
    import numpy as np
    import pandas as pd
    from test_checkpoints import kcbert
    from test_songs import make

    from wyf_utils.core import emotions
    from wyf_utils.data import splits
    from wyf_utils.music import database
    from wyf_utils.text import finetuning, reader

    rows = [(f"{text} {i}", e) for e, texts in KINDS.items() for i in range(12) for text in texts]
    table = pd.DataFrame(rows, columns=["text", "emotion"]).assign(source="made")
    table[list(emotions.EN)] = np.eye(emotions.N)[table["emotion"]]
    kcbert(tiny := tmp_path_factory.mktemp("tiny"), table["text"].tolist())
    parts = splits.split(table, 0)
    recipe = finetuning.Recipe(
        encoder=str(tiny), epochs=12, frozen_layers=0, learning_rate=3e-3, patience=12
    )
    neural = finetuning.trained(parts["train"], parts["dev"], recipe, 0)
    model = reader.fitted(parts["train"], parts["dev"], neural)
    folder = tmp_path_factory.mktemp("small_run")
    database.build(folder / database.NAME, make(400, profile="sample", model=model.key))
    return folder


@pytest.fixture(scope="session")
def made(tmp_path_factory, sample_sentences):
    """Folder of runs with one that has a tiny text model and an untrained mel model."""
    import numpy as np
    import pandas as pd
    from test_checkpoints import kcbert

    from wyf_utils.music import catalogue, database
    from wyf_utils.text import finetuning, lyric_reader, reader

    runs, tiny = tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("tiny")
    kcbert(tiny, sample_sentences["text"].tolist()[:200])
    parts = catalogue.sentences("sample", seed=0, limit=300)
    recipe = finetuning.Recipe(encoder=str(tiny), epochs=1, frozen_layers=1)
    neural = finetuning.trained(parts["train"], parts["dev"], recipe, 0)
    model = reader.fitted(parts["train"], parts["dev"], neural)
    songs = pd.DataFrame(
        {"id": [0], "title": "노래", "artist": "가수", "album": "", "genre": "", "year": 2020}
    )
    flat = np.full((1, 6), 1 / 6, np.float32)
    origin = {
        "run": "made",
        "profile": "sample",
        "model": model.key,
        "lyric_model": lyric_reader.fitted(model).key,
        "ear": "composed",
        "mel_weights": str([0.3] * 6),
        "mel_temperature": "[0.5]",
    }
    database.build(
        runs / "made" / database.NAME,
        database.MusicDatabase(songs, flat, flat, flat, flat[:, :0], origin),
    )
    return runs


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A run with a small music database, and a reader in the place of the model."""
    from test_feeling import Reader
    from test_songs import make

    from wyf_utils.app import feeling
    from wyf_utils.music import database

    monkeypatch.setenv("WYF_OUT", str(tmp_path))
    database.build(tmp_path / database.NAME, make(400, profile="sample"))
    monkeypatch.setattr(feeling, "open_reader", lambda songs, run="default": Reader())
    return tmp_path
