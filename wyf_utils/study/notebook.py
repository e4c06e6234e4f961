"""Interface of the notebooks: open one, show figures, record headline numbers, play sound."""

from __future__ import annotations

import base64
import html
import io
import logging
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from IPython.display import HTML
from matplotlib.figure import Figure

from ..core import artifacts
from ..core.files import read_json, write_json
from ..core.language import LANGUAGES
from ..core.paths import PROFILES, ROOT, profile_folder, run_folder
from ..core.runtime import device, seed_everything, set_threads
from ..data import text_corpora
from . import figures

_QUIET = (
    "matplotlib", "fontTools", "transformers", "numba", "papermill", "urllib3", "httpx",
    "filelock", "torch", "faiss",
)  # fmt: skip
RESULTS, MANIFEST = "results.json", "manifest.json"


def _plain(value):
    """Numbers of JSON types, rounded to six decimals."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return int(value) if isinstance(value, int | np.integer) else round(float(value), 6)


@dataclass(repr=False)
class Notebook:
    """Open notebook: its run, its parameters, and where it writes.

    Attributes
    ----------
    stem : str
        File name without ending, such as `02_model_comparison`.
    run, profile : str
        Names of the run and of the data profile.
    parameters : dict
        All parameters of the run, as in the parameters cell.
    out : Path
        Folder of the run: figures/, results.json and the music database go there.
    rng : numpy.random.Generator
        Generator seeded with the run's seed.
    data : str
        Fingerprint of the data that the figures show; `uses` sets it.
    """

    stem: str
    run: str
    profile: str
    parameters: dict
    out: Path
    rng: np.random.Generator
    data: str = ""

    @property
    def is_sample(self) -> bool:
        """Whether results rest on sample data, which the figures then state."""
        return self.profile == "sample"

    def uses(self, *data) -> None:
        """Add data (tables, arrays) to the fingerprint of the following figures."""
        self.data = artifacts.fingerprint(self.data, *data)

    def figure(
        self,
        name: str,
        drawing: figures.Drawing,
        *,
        corpus: str = "",
        names: Iterable[str] = (),
        **values,
    ) -> Figure:
        """Draw a figure in both languages, save it with a row in the manifest, return the Korean.

        Its words stand in `figures/words.yaml` under the notebook's number and the name.

        Parameters
        ----------
        name
            Name after the notebook's number, such as `emotion_distribution`.
        drawing
            What a builder of `figures` returns.
        corpus
            Corpus that the figure shows. It is part of the file's name unless it is the first one
            of the profile.
        names
            Labels that are data and have no words.
        **values
            Values of the placeholders in the words.
        """
        entry = f"{self.stem[:2]}_{name}"
        is_first = corpus in ("", text_corpora.corpora(self.profile)[0])
        full = entry if is_first else f"{entry}_{corpus}"
        options = {"corpus": corpus, "names": list(names), "is_sample": self.is_sample}
        words = {lang: figures.Words(entry, lang, values, **options) for lang in LANGUAGES}
        drawn = figures.save(drawing, words, self.out / "figures", full)
        path = self.out / "figures" / MANIFEST
        manifest = read_json(path)
        manifest[full] = {
            "notebook": self.stem,
            "run": self.run,
            "profile": self.profile,
            "parameters": self.parameters,
            "data": self.data[:16],
            "caption": {lang: words[lang]("caption") for lang in LANGUAGES},
            "alt": {lang: words[lang].alt() for lang in LANGUAGES},
        }
        write_json(path, manifest)
        return drawn["ko"]

    def record(self, results: dict) -> pd.DataFrame:
        """Write headline numbers to the run's results.json and return them as a table.

        Parameters
        ----------
        results
            {`measure/model`: number, or {"mean", "low", "high", "n"}}.
        """
        path = self.out / RESULTS
        everything = read_json(path)
        recorded = {k: _plain(v) for k, v in results.items()}
        everything.setdefault(self.run, {})[self.stem] = recorded
        write_json(path, everything)
        rows = {k: v if isinstance(v, dict) else {"mean": v} for k, v in recorded.items()}
        table = pd.DataFrame(rows).T.reindex(columns=["mean", "low", "high", "n"])
        return table.astype(object).fillna("")

    def provenance(self) -> None:
        """Print how many artefacts came from the cache."""
        print(artifacts.describe_used())

    def __repr__(self) -> str:
        return f"notebook {self.stem}, run {self.run}, profile {self.profile}"

    def _repr_markdown_(self) -> str:
        packages = ("torch", "transformers", "scikit-learn", "pandas")
        versions = ", ".join(f"{name} {version(name)}" for name in packages)
        lines = [
            f"**Run** `{self.run}` on profile `{self.profile}` ({PROFILES[self.profile]}), "
            f"{date.today():%Y-%m-%d}, code {_commit()}.",
            f"**Machine** {device()}, {set_threads()} threads, "
            f"Python {platform.python_version()}; {versions}.",
        ]
        if self.is_sample:
            lines.append(
                "**Trust** Sample data (예시 자료): the numbers show that the method works, "
                "not how people feel."
            )
        return "  \n".join(lines)


def committed(run: str, stem: str) -> dict:
    """Headline numbers of a notebook in a committed run; empty where there are none.

    They are read from `figures/results.json`.
    """
    return read_json(ROOT / "figures" / RESULTS).get(run, {}).get(stem, {})


def listen(sound: np.ndarray, rate: int, title: str, seconds: float = 12) -> HTML:
    """Player of the first seconds of a sound, small enough for a notebook's file.

    Parameters
    ----------
    sound
        Samples in -1 to 1.
    rate
        Samples per second.
    """
    file = io.BytesIO()
    soundfile.write(file, sound[: int(seconds * rate)], rate, format="OGG", subtype="VORBIS")
    data = base64.b64encode(file.getvalue()).decode()
    return HTML(
        f"<figure><figcaption>{html.escape(title)}</figcaption>"
        f'<audio controls src="data:audio/ogg;base64,{data}"></audio></figure>'
    )


def _commit() -> str:
    """Short hash of the current commit, or `unknown` outside git."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        result = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=5, check=False
        )
    except OSError:
        return "unknown"
    return result.stdout.strip() or "unknown"


def open_notebook(stem: str, *, run: str, profile: str, seed: int, **parameters) -> Notebook:
    """Open a notebook: set style, fonts, seeds, threads and loggers, and make its folders.

    Parameters
    ----------
    stem
        File name of the notebook without its ending.
    run
        Name of the run, a key of `notebooks/runs.yaml`.
    profile
        Data profile: sample, open or wyf.
    seed
        Seed of all random numbers, except for seeds that an experiment sets itself.
    **parameters
        The other parameters of the notebook, kept with its figures.
    """
    profile_folder(profile)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    set_threads()
    figures.set_style()
    out = run_folder(run)
    (out / "figures").mkdir(parents=True, exist_ok=True)
    everything = {"run": run, "profile": profile, "seed": seed, **parameters}
    return Notebook(stem, run, profile, everything, out, seed_everything(seed))
