"""Registry of public files with sha256, licence and citation; their download and verification."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pooch

from ..core.context import context
from ..core.errors import BadInput, CorruptData, MissingData, Unreachable
from ..core.paths import data_folder, relative
from ..core.runtime import progress
from .emotify_files import SONGS

_GITHUB = "https://raw.githubusercontent.com/"

# Repository, commit, licence and citation of each source.
_KOTE = (
    "searle-j/KOTE", "cafd2c3f54a6f4b25ac74eaa02a2e76c3ef8c977", "MIT",
    "Jeon, Lee and Kim (2022), User Guide for KOTE: Korean Online Comments Emotions Dataset, "
    "arXiv:2205.05300",
)  # fmt: skip
_GOEMOTIONS = (
    "monologg/GoEmotions-Korean", "e708cb1af26140ed1f3724d53d88717b77c26e0e", "Apache-2.0",
    "Park (2020), GoEmotions-Korean, a machine translation of Demszky et al. (2020), "
    "GoEmotions, ACL",
)  # fmt: skip
_CHATBOT = (
    "songys/Chatbot_data", "4cf20d13fc46f5037fd1c531cd566e2dd9f72974", "MIT",
    "Song (2018), Chatbot_data_for_Korean v1.0",
)  # fmt: skip
_VAKOR = (
    "smbslt3/VA-KOR", "a14d5cd4fb40f53dbe24c2b000f62b49bcbb534a", "MIT",
    "Lee et al. (2022), Emotion Evaluator: Expanding the Affective Lexicon with "
    "Neural Network Model",
)  # fmt: skip
_WYF = (
    "What-s-Your-Feeling/main_project", "5da2719d4a1066f67807dc880b6d41518ae6ff40",
    "none stated; fetched for comparison, not redistributed",
    "WYF team (2022), published song vectors of 42,839 songs",
)  # fmt: skip
_EMOTIFY = (
    "sergi-andreu/ProjectMusicInformatics", "474daaaf11ed93e6ba42e098df3410b327c9fa9e",
    "answers for research; songs CC BY-NC-SA (Magnatune)",
    "Aljanaki, Wiering and Veltkamp (2016), Studying emotion induced by music through a "
    "crowdsourcing game, Information Processing and Management 52",
)  # fmt: skip
_JAMENDO = (
    "MTG/mtg-jamendo-dataset", "1b4fa8c32e076c73b5175c1703ae805b4109309d",
    "metadata CC BY-NC-SA 4.0; songs Creative Commons, each its own",
    "Bogdanov, Won, Tovstogan, Porter and Serra (2019), The MTG-Jamendo Dataset for Automatic "
    "Music Tagging, Machine Learning for Music Discovery Workshop, ICML",
)  # fmt: skip


@dataclass(frozen=True)
class Remote:
    """One public file, pinned to a commit and a sha256.

    Of a file that was too large to be had when it was registered, the sha256 is unknown; the id of
    its git blob, after `git:`, takes its place.
    """

    name: str
    path: str
    sha256: str
    repo: str
    commit: str
    licence: str
    citation: str

    @property
    def url(self) -> str:
        """Download address of the file at its commit."""
        return f"{_GITHUB}{self.place}"

    @property
    def place(self) -> str:
        """Path of the file inside `data/raw/open` and inside a mirror."""
        return f"{self.repo}/{self.commit}/{self.path}"

    @property
    def local(self) -> Path:
        """Path of the file on this machine once fetched."""
        return data_folder() / "raw" / "open" / self.place


REGISTRY = {
    name: Remote(name, path, sha256, *source)
    for name, source, path, sha256 in (
        ("kote_train", _KOTE, "train.tsv", "git:6d61184517c834417796ca6a1bde99b52620a2c5"),
        ("kote_val", _KOTE, "val.tsv",
         "c7d686ee1d63be7f57ec939f372ebdc4ada8eac1c9eeeeac207774976ab69a6e"),
        ("kote_test", _KOTE, "test.tsv",
         "8d8e11c5adf374f552cfbe6f2d7b9967e7335cc86c205beeefb6fd8c6ed9deb0"),
        ("goemotions_train", _GOEMOTIONS, "data/train.tsv",
         "1e2ae5688f0c24ce14319f660fde0bb66aaf566bbc80b9503642c4304b89ad68"),
        ("goemotions_dev", _GOEMOTIONS, "data/dev.tsv",
         "baa90064989b56d283618d855194b53bbdad7aab3a8a79488d054d28ad21649b"),
        ("goemotions_test", _GOEMOTIONS, "data/test.tsv",
         "6ea2446467a22336389e80db7525ae6857c9128c61419c56f73a7bae2ecf455d"),
        ("goemotions_labels", _GOEMOTIONS, "data/label.txt",
         "45c3ef86782d2a4d7fedcd6d8c111aa0d0e94720689bd164fac94fefb4495a89"),
        ("chatbot", _CHATBOT, "ChatbotData.csv",
         "287eb129695b577321c80ad397bb3c2279164d4ca577874d129fd3db5b30afe2"),
        ("va_kor", _VAKOR, "VA_KOR_concat.csv",
         "d3d1fd121ea8bc06c397b553a5ce4ec9ab373cb559669af83bfa99332112e345"),
        ("lyric_vectors_2022", _WYF, "Deploy/recsys_data/2015lyric.npy",
         "5b60e66535fdfaaaa281bed3a5c868216b22a46e9c30aacfa13d115b1185212d"),
        ("mel_vectors_2022", _WYF, "Deploy/recsys_data/2015mel.npy",
         "1183bc952d096ebe224483b3e1a5fe531f739068e0bed4e25446ea4104570da2"),
        ("emotify_answers", _EMOTIFY, "data/data.csv",
         "32229d7329e1245af3f9bd2e7005f51e1c8582ae1e48b9afa5cacb8cdcb65d71"),
        *((f"emotify_{genre}_{number}", _EMOTIFY, f"data/emotifymusic/{genre}/{number}.mp3", sha256)
          for genre, number, sha256 in SONGS),
        ("jamendo_tags", _JAMENDO, "data/autotagging_moodtheme.tsv",
         "c920e97252586f3e570fa89c4708adcd45a1924dc0e3d3460ac65788257865a8"),
        ("jamendo_names", _JAMENDO, "data/raw.meta.tsv",
         "git:b04c274789a6de3c0f8d40ef69aa5699e48d5e4f"),
    )
}  # fmt: skip
#: Files that are fetched only where they are asked for by name, and used where they are.
OPTIONAL = ("kote_train", "jamendo_names")
#: Files that are fetched and listed under one name: all that start with it.
GROUPS = ("emotify",)


def _copy_from_mirror(url: str, output_file: str, _pooch) -> None:
    """Copy a file from the mirror, as a downloader of pooch."""
    mirror = context().mirror
    source = mirror / url.removeprefix(_GITHUB)
    if not source.is_file():
        raise FileNotFoundError(f"no such file in the mirror: {source.relative_to(mirror)}")
    shutil.copyfile(source, output_file)


def fetch(names: list[str] | None = None) -> pd.DataFrame:
    """Download public files that are not in `data/raw/open` yet, and verify the others.

    Parameters
    ----------
    names
        Keys of `REGISTRY` or names of `GROUPS`; all but the `OPTIONAL` ones by default.

    Returns
    -------
    DataFrame
        The table of `status`.

    Raises
    ------
    BadInput
        If a name is not in `REGISTRY`.
    Unreachable
        If a download or a copy from the mirror fails.
    CorruptData
        If a file has another sha256. Downloads with another sha256 are deleted.
    """
    names = names or [name for name in REGISTRY if name not in OPTIONAL]
    names = [file for name in names for file in _members(name) or [name]]
    if unknown := [name for name in names if name not in REGISTRY]:
        choice = dict.fromkeys(_group(name) or name for name in REGISTRY)
        raise BadInput(f"There is no public file '{unknown[0]}'; choose from: {', '.join(choice)}.")
    pooch.get_logger().setLevel("WARNING")  # a line for each of 160 songs says less than the bar
    for name in progress(names, desc="fetch"):
        if REGISTRY[name].local.is_file():
            checked_path(REGISTRY[name])
        else:
            _download(REGISTRY[name])
    return status()


def _download(remote: Remote) -> None:
    mirror = context().mirror
    try:
        path = pooch.retrieve(
            remote.url,
            None if remote.sha256.startswith("git:") else remote.sha256,
            fname=remote.local.name,
            path=remote.local.parent,
            downloader=_copy_from_mirror if mirror else pooch.HTTPDownloader(timeout=30),
        )
        if _hash(Path(path), remote) != remote.sha256:
            Path(path).unlink()
            raise ValueError("its git blob differs")
    except ValueError as error:
        raise CorruptData(
            f"What arrived for '{remote.name}' has another sha256 than the registry and was "
            "thrown away; run `wyf data fetch` again, or correct the mirror."
        ) from error
    except OSError as error:  # errors of requests, too, are OSErrors
        place = "the folder in WYF_MIRROR"
        if not mirror:
            place = "the network, or name a folder in WYF_MIRROR"
        raise Unreachable(
            f"'{remote.name}' could not be fetched ({type(error).__name__}); check {place}."
        ) from error


def checked_path(remote: Remote) -> Path:
    """Verify the sha256 of a fetched file and return its path.

    Raises
    ------
    MissingData
        If the file is not fetched yet.
    CorruptData
        If its sha256 differs from the registry.
    """
    if not remote.local.is_file():
        name = _group(remote.name) or remote.name
        raise MissingData(f"'{remote.name}' is not here yet; run `wyf data fetch {name}`.")
    if _hash(remote.local, remote) != remote.sha256:
        raise CorruptData(
            f"'{remote.name}' ({relative(remote.local)}) has another sha256 than the registry; "
            f"delete the file and run `wyf data fetch {remote.name}`."
        )
    return remote.local


def _hash(path: Path, remote: Remote) -> str:
    """Hash a file as the registry does: sha256, or the id of its git blob after `git:`."""
    if not remote.sha256.startswith("git:"):
        return pooch.file_hash(str(path))
    header = f"blob {path.stat().st_size}\0".encode()
    return f"git:{hashlib.sha1(header + path.read_bytes(), usedforsecurity=False).hexdigest()}"


def status() -> pd.DataFrame:
    """List the public files: state (here or missing), size in MB, licence, source repository.

    A group of `GROUPS` has one row, and its state says how many of its files are here.
    """
    rows = []
    for name, files in listed().items():
        sizes = [file.local.stat().st_size / 1e6 for file in files if file.local.is_file()]
        state = f"{len(sizes)} of {len(files)} here"
        if len(sizes) in (0, len(files)):
            state = "here" if sizes else "missing"
        megabytes = sum(sizes) if sizes else np.nan
        rows.append((name, state, megabytes, files[0].licence, files[0].repo))
    return pd.DataFrame(rows, columns=["file", "state", "MB", "licence", "source"]).round({"MB": 2})


def listed() -> dict[str, list[Remote]]:
    """Files of the registry by the name under which they are fetched and listed."""
    names = dict.fromkeys(_group(name) or name for name in REGISTRY)
    return {name: [REGISTRY[file] for file in _members(name) or [name]] for name in names}


def _group(name: str) -> str:
    """Group of a file; blank for a file of its own."""
    return next((group for group in GROUPS if name.startswith(f"{group}_")), "")


def _members(group: str) -> list[str]:
    """List the files of a group; none for a name that is no group."""
    return [name for name in REGISTRY if group in GROUPS and _group(name) == group]
