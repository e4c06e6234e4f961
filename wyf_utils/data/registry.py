"""Registry of public files: address, sha256, licence and citation; fetching and checking them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pooch

from ..core.errors import BadInput, CorruptData, MissingData, Unreachable
from ..core.paths import data_folder, relative
from ..core.runtime import progress

_KOTE = ("searle-j/KOTE", "cafd2c3f54a6f4b25ac74eaa02a2e76c3ef8c977", "MIT",
         "Jeon, Lee and Kim (2022), User Guide for KOTE: Korean Online Comments Emotions Dataset, arXiv:2205.05300")  # fmt: skip

_GOEMOTIONS = ("monologg/GoEmotions-Korean", "e708cb1af26140ed1f3724d53d88717b77c26e0e", "Apache-2.0",
               "Park (2020), GoEmotions-Korean, a machine translation of Demszky et al. (2020), GoEmotions, ACL")  # fmt: skip

_CHATBOT = ("songys/Chatbot_data", "4cf20d13fc46f5037fd1c531cd566e2dd9f72974", "MIT",
            "Song (2018), Chatbot_data_for_Korean v1.0")  # fmt: skip

_VAKOR = ("smbslt3/VA-KOR", "a14d5cd4fb40f53dbe24c2b000f62b49bcbb534a", "MIT",
          "Lee et al. (2022), Emotion Evaluator: Expanding the Affective Lexicon with Neural Network Model")  # fmt: skip

_WYF = ("What-s-Your-Feeling/main_project", "5da2719d4a1066f67807dc880b6d41518ae6ff40", "none stated; fetched for comparison, not redistributed",
        "WYF team (2022), published song vectors of 42,839 songs")  # fmt: skip


@dataclass(frozen=True)
class Remote:
    """One public file, pinned to a commit and a sha256."""

    name: str
    path: str
    sha256: str
    repo: str
    commit: str
    licence: str
    citation: str

    @property
    def url(self) -> str:
        """Address of the file at its commit."""
        return f"https://raw.githubusercontent.com/{self.repo}/{self.commit}/{self.path}"

    @property
    def place(self) -> str:
        """Where the file lies under the `open` folder and in a mirror."""
        return f"{self.repo}/{self.commit}/{self.path}"

    @property
    def local(self) -> Path:
        """Where the file lies on this machine once fetched."""
        return data_folder() / "raw" / "open" / self.place


REGISTRY = {
    name: Remote(name, path, sha256, *source)
    for name, path, sha256, source in (
        ("kote_val", "val.tsv", "c7d686ee1d63be7f57ec939f372ebdc4ada8eac1c9eeeeac207774976ab69a6e", _KOTE),
        ("kote_test", "test.tsv", "8d8e11c5adf374f552cfbe6f2d7b9967e7335cc86c205beeefb6fd8c6ed9deb0", _KOTE),
        ("goemotions_train", "data/train.tsv", "1e2ae5688f0c24ce14319f660fde0bb66aaf566bbc80b9503642c4304b89ad68", _GOEMOTIONS),
        ("goemotions_dev", "data/dev.tsv", "baa90064989b56d283618d855194b53bbdad7aab3a8a79488d054d28ad21649b", _GOEMOTIONS),
        ("goemotions_test", "data/test.tsv", "6ea2446467a22336389e80db7525ae6857c9128c61419c56f73a7bae2ecf455d", _GOEMOTIONS),
        ("goemotions_labels", "data/label.txt", "45c3ef86782d2a4d7fedcd6d8c111aa0d0e94720689bd164fac94fefb4495a89", _GOEMOTIONS),
        ("chatbot", "ChatbotData.csv", "287eb129695b577321c80ad397bb3c2279164d4ca577874d129fd3db5b30afe2", _CHATBOT),
        ("va_kor", "VA_KOR_concat.csv", "d3d1fd121ea8bc06c397b553a5ce4ec9ab373cb559669af83bfa99332112e345", _VAKOR),
        ("lyric_vectors_2022", "Deploy/recsys_data/2015lyric.npy", "5b60e66535fdfaaaa281bed3a5c868216b22a46e9c30aacfa13d115b1185212d", _WYF),
        ("mel_vectors_2022", "Deploy/recsys_data/2015mel.npy", "1183bc952d096ebe224483b3e1a5fe531f739068e0bed4e25446ea4104570da2", _WYF),
    )
}  # fmt: skip


def _mirror_download(url: str, output_file: str, pooch_instance) -> None:  # noqa: ARG001, pooch's signature
    """Copy a file from the folder that `WYF_MIRROR` names, as a pooch downloader."""
    mirror = Path(os.environ["WYF_MIRROR"])
    source = mirror / url.removeprefix("https://raw.githubusercontent.com/")
    if not source.is_file():
        raise FileNotFoundError(f"no such file in the mirror: {source.relative_to(mirror)}")
    shutil.copyfile(source, output_file)


def fetch(names: list[str] | None = None, *, timeout: float = 30) -> pd.DataFrame:
    """Fetch public files that are not here yet into `data/raw/open`.

    Parameters
    ----------
    names
        Keys of `REGISTRY`; all of them by default.
    timeout
        Seconds to wait for a server.

    Returns
    -------
    DataFrame
        The state of every file, as `status` gives it.

    Raises
    ------
    Unreachable
        If a file can be had neither from its address nor from the mirror.
    CorruptData
        If what arrived, or what lies there already, has another sha256. A partial download never stays.
    """
    use_mirror = bool(os.environ.get("WYF_MIRROR"))
    downloader = _mirror_download if use_mirror else pooch.HTTPDownloader(timeout=timeout)
    wanted = [_registered(name) for name in names or REGISTRY]
    for remote in progress(wanted, desc="fetch"):
        if remote.local.is_file():
            _check(remote)
            continue
        try:
            pooch.retrieve(
                remote.url,
                remote.sha256,
                fname=remote.local.name,
                path=remote.local.parent,
                downloader=downloader,
            )
        except ValueError as error:
            raise CorruptData(
                f"What arrived for '{remote.name}' has another sha256 than the registry and was thrown away; run `wyf data fetch` again, or correct the mirror."
            ) from error
        except OSError as error:  # requests' errors and a missing mirror file are both OSErrors
            remedy = (
                "check the folder in WYF_MIRROR"
                if use_mirror
                else "check the network, or name a folder in WYF_MIRROR"
            )
            raise Unreachable(
                f"'{remote.name}' could not be fetched ({type(error).__name__}); {remedy}."
            ) from error
    return status()


def _registered(name: str) -> Remote:
    if name not in REGISTRY:
        raise BadInput(f"There is no public file '{name}'; choose from: {', '.join(REGISTRY)}.")
    return REGISTRY[name]


def _check(remote: Remote) -> Path:
    """Path of a fetched file whose sha256 is right."""
    if not remote.local.is_file():
        raise MissingData(f"'{remote.name}' is not here yet; run `wyf data fetch {remote.name}`.")
    if pooch.file_hash(str(remote.local)) != remote.sha256:
        raise CorruptData(
            f"'{remote.name}' ({relative(remote.local)}) has another sha256 than the registry; delete the file and run `wyf data fetch {remote.name}`."
        )
    return remote.local


def status() -> pd.DataFrame:
    """Table of the public files: whether each is here, its size in MB, its licence and source. Nothing is read."""
    rows = [
        (r.name, "here" if r.local.is_file() else "missing", r.local.stat().st_size / 1e6 if r.local.is_file() else np.nan, r.licence, r.repo)
        for r in REGISTRY.values()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["file", "state", "MB", "licence", "source"]).round({"MB": 2})
