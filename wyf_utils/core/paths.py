"""Folders of the project, its profiles and its runs."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import BadInput, MissingData

ROOT = Path(__file__).resolve().parents[2]

PROFILES = {
    "sample": "sample data written for this project",
    "open": "public corpora with a licence",
    "wyf": "the sources of 2022, put under data/raw/wyf by the user",
}

#: The run that answers from a person's own music.
OWN_MUSIC = "music"


def data_folder() -> Path:
    """Folder with sample/, reference/, raw/ and cache/ (`WYF_DATA` names another)."""
    return Path(os.environ.get("WYF_DATA", ROOT / "data"))


def cache_folder() -> Path:
    """Folder of everything that can be made again (`WYF_CACHE` names another)."""
    return Path(os.environ.get("WYF_CACHE", data_folder() / "cache"))


def run_folder(run: str) -> Path:
    """Folder that a run writes to (`WYF_OUT` names another)."""
    return Path(os.environ.get("WYF_OUT", ROOT / "runs" / run))


def profile_folder(profile: str) -> Path:
    """Root folder of a profile.

    Raises
    ------
    BadInput
        If there is no such profile.
    MissingData
        If its folder is not there.
    """
    if profile not in PROFILES:
        raise BadInput(f"There is no profile '{profile}'; choose one of: {', '.join(PROFILES)}.")
    folder = data_folder() / ("sample" if profile == "sample" else f"raw/{profile}")
    if not folder.is_dir():
        remedy = {
            "sample": "restore it with `git checkout data/sample`",
            "open": "run `wyf data fetch`",
            "wyf": "create it and put the sources there as data/README.md describes",
        }[profile]
        raise MissingData(
            f"The folder of profile '{profile}' is missing ({relative(folder)}); {remedy}."
        )
    return folder


def relative(path: str | os.PathLike) -> str:
    """Path as shown to people: relative to the project, or only its name where it lies elsewhere."""
    path = Path(path)
    try:
        return path.resolve().relative_to(ROOT).as_posix()
    except ValueError:
        return path.name
