"""Folders of the project, its data profiles and its runs."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .context import ROOT, context
from .errors import BadInput, MissingData

PROFILES = {
    "sample": "sample data written for this project",
    "open": "public corpora with a licence",
    "wyf": "the sources of 2022, put under data/raw/wyf by the user",
}

#: The run that recommends from the user's own music.
OWN_MUSIC = "music"
#: The run that recommends from the real songs of MTG-Jamendo; their profile has the same name.
JAMENDO = "jamendo"


def data_folder() -> Path:
    """Return the folder with sample/, reference/, raw/ and feedback/."""
    return context().data


def cache_folder() -> Path:
    """Return the folder of everything that can be computed again."""
    return context().cache


def run_folder(run: str) -> Path:
    """Return the output folder of a run (overridden by `WYF_OUT`).

    The user's own music and the songs of Jamendo have subfolders of `WYF_OUT`, beside the run whose
    models they use.

    Raises
    ------
    BadInput
        If the name is not one plain folder name.
    """
    if not re.fullmatch(r"\w[\w.-]*", run):
        raise BadInput(
            f"{run!r} is no name of a run; take letters, digits, dots and hyphens.",
            f"{run!r}은(는) 실행 이름으로 쓸 수 없어요. 글자, 숫자, 점, 붙임표로 적어 주세요.",
        )
    out = context().out
    if out is None:
        return ROOT / "runs" / run
    return out / run if run in (OWN_MUSIC, JAMENDO) else out


def profile_folder(profile: str) -> Path:
    """Return the root folder of a profile.

    Raises
    ------
    BadInput
        If the profile is unknown.
    MissingData
        If its folder does not exist.
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
    """Format a path relative to the project; outside the project, as its file name."""
    path = Path(path)
    try:
        return path.resolve().relative_to(ROOT).as_posix()
    except ValueError:
        return path.name
