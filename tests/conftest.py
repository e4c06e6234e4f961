"""Tests write into temporary folders only; the cache is shared within one session."""

import os
from pathlib import Path

import matplotlib
import pytest

matplotlib.use("Agg")
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory):
    """Keep the tests' cache apart from the user's, and forget a mirror and a forced refresh."""
    os.environ["WYF_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    for name in ("FRESH", "WYF_MIRROR", "WYF_DATA", "WYF_OUT", "WYF_PROGRESS", "WYF_RUN_STARTED"):
        os.environ.pop(name, None)
    yield
    os.environ.pop("WYF_CACHE", None)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """An empty data folder that the package takes for its own."""
    folder = tmp_path / "data"
    (folder / "raw").mkdir(parents=True)
    monkeypatch.setenv("WYF_DATA", str(folder))
    return folder


@pytest.fixture(scope="session")
def sample_sentences():
    from wyf_utils import datasets

    return datasets.utterances("sample")[0]
