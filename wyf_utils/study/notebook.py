"""What a notebook calls: open it, show a figure, record its numbers, say what came from the cache."""

from __future__ import annotations

import base64
import html
import io
import logging
import platform
import subprocess
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from IPython.display import HTML

from ..core import artifacts, language
from ..core.files import read_json, write_json
from ..core.paths import PROFILES, ROOT, profile_folder, run_folder
from ..core.runtime import device, seed_everything, set_threads
from . import figures

_QUIET = (
    "matplotlib",
    "fontTools",
    "transformers",
    "numba",
    "papermill",
    "urllib3",
    "httpx",
    "filelock",
    "torch",
    "faiss",
)
RESULTS, MANIFEST = "results.json", "manifest.json"


def _plain(value):
    """Numbers as JSON knows them, rounded to six digits after the point."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return int(value) if isinstance(value, int | np.integer) else round(float(value), 6)


@dataclass(repr=False)
class Notebook:
    """What an opened notebook knows about itself, and where it writes.

    Attributes
    ----------
    stem : str
        File name without ending, such as `02_model_comparison`.
    run, profile : str
        Names of the run and of the data profile.
    parameters : dict
        All parameters of the run, as given in the parameters cell.
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
    def number(self) -> str:
        """Number of the notebook, the prefix of its figures."""
        return self.stem[:2]

    @property
    def is_sample(self) -> bool:
        """Whether results rest on sample data, which must then be said."""
        return self.profile == "sample"

    def mark(self, lang: str) -> str:
        """Words that mark sample data in a figure's title; empty for real data."""
        return language.pick(lang, " (예시 자료)", " (sample data)") if self.is_sample else ""

    def uses(self, *data) -> None:
        """Remember the data (tables, arrays) that the following figures show."""
        self.data = artifacts.fingerprint(self.data, *data)

    def figure(
        self,
        builder: figures.Builder,
        name: str,
        *,
        caption: dict[str, str],
        alt: dict[str, str] | None = None,
    ):
        """Draw a figure in both languages, keep its files and its row in the manifest, and show it in Korean.

        Parameters
        ----------
        builder
            Function of the language that returns a matplotlib figure.
        name
            Name after the notebook's number, such as `emotion_distribution`.
        caption, alt
            Texts by language; alt is the caption where it is left out.
        """
        full = f"{self.number}_{name}"
        drawn = figures.save(builder, self.out / "figures", full)
        path = self.out / "figures" / MANIFEST
        manifest = read_json(path)
        manifest[full] = {
            "notebook": self.stem,
            "run": self.run,
            "profile": self.profile,
            "parameters": self.parameters,
            "data": self.data[:16],
            "caption": caption,
            "alt": alt or caption,
        }
        write_json(path, manifest)
        return drawn["ko"]

    def record(self, results: dict) -> pd.DataFrame:
        """Record the headline numbers by name in the run's results.json, and show them.

        Parameters
        ----------
        results
            {`measure/model`: number, or {"mean", "low", "high", "n"}}.
        """
        path = self.out / RESULTS
        everything = read_json(path)
        everything.setdefault(self.run, {})[self.stem] = {k: _plain(v) for k, v in results.items()}
        write_json(path, everything)
        shown = {
            k: v if isinstance(v, dict) else {"mean": v}
            for k, v in everything[self.run][self.stem].items()
        }
        return (
            pd.DataFrame(shown)
            .T.reindex(columns=["mean", "low", "high", "n"])
            .astype(object)
            .fillna("")
        )

    def provenance(self) -> pd.DataFrame:
        """Table of the artefacts used, and whether each came from the cache."""
        return artifacts.origins()

    def __repr__(self) -> str:
        return f"notebook {self.stem}, run {self.run}, profile {self.profile}"

    def _repr_markdown_(self) -> str:
        versions = ", ".join(
            f"{name} {version(name)}"
            for name in ("torch", "transformers", "scikit-learn", "pandas")
        )
        lines = [
            f"**Run** `{self.run}` on profile `{self.profile}` ({PROFILES[self.profile]}), {date.today():%Y-%m-%d}, code {_commit()}.",
            f"**Machine** {device()}, {set_threads()} threads, Python {platform.python_version()}; {versions}.",
        ]
        if self.is_sample:
            lines.append(
                "**Trust** Sample data (예시 자료): the numbers show that the method works, not how people feel."
            )
        return "  \n".join(lines)


def committed(run: str, stem: str) -> dict:
    """Headline numbers of a notebook in a committed run, from `figures/results.json`; empty where there are none."""
    return read_json(ROOT / "figures" / RESULTS).get(run, {}).get(stem, {})


def listen(sound: np.ndarray, rate: int, title: str, seconds: float = 12) -> HTML:
    """Player of the first seconds of a sound (samples in -1 to 1 at `rate` hertz), small enough to be kept in a notebook."""
    file = io.BytesIO()
    soundfile.write(file, sound[: int(seconds * rate)], rate, format="OGG", subtype="VORBIS")
    data = base64.b64encode(file.getvalue()).decode()
    return HTML(
        f'<figure><figcaption>{html.escape(title)}</figcaption><audio controls src="data:audio/ogg;base64,{data}"></audio></figure>'
    )


def _commit() -> str:
    """Short name of the commit that the code stands at, or `unknown` outside git."""
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except OSError:
        return "unknown"
    return asked.stdout.strip() or "unknown"


def open_notebook(stem: str, *, run: str, profile: str, seed: int, **parameters) -> Notebook:
    """Open a notebook: style, fonts, seeds, threads, loggers, and its folders.

    Parameters
    ----------
    stem
        File name of the notebook without its ending.
    run
        Name of the run, a key of `notebooks/runs.yaml`.
    profile
        Data profile: sample, open or wyf.
    seed
        Seed of everything random outside the seeds that an experiment names itself.
    **parameters
        The remaining parameters of the notebook, kept with its figures.
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
