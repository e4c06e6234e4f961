"""Sound files of a folder: search, tags, emotion vectors of the sound, lyrics beside them."""

from __future__ import annotations

import functools
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import joblib
import numpy as np

from ..core import artifacts
from ..core.code_digest import code_digest
from ..core.context import context
from ..core.errors import CorruptData, MissingData, WyfError
from ..core.paths import relative
from ..core.runtime import progress
from ..data.cleaning import normalise_text
from ..sound import audio_files, ear, ffmpeg_files, musicnn
from . import lyric_sources, tags
from .audio_digest import audio_digest
from .feature_store import FeatureStore

#: Endings of sound files, each with the format that its content should have.
FORMATS = {
    ".mp3": "MP3", ".flac": "FLAC", ".ogg": "OGG", ".oga": "OGG", ".opus": "OGG",
    ".wav": "WAV", ".aif": "AIFF", ".aiff": "AIFF", ".m4a": "MP4", ".aac": "AAC", ".wma": "ASF",
    ".ape": "APE", ".wv": "WV", ".mpc": "MPC",
}  # fmt: skip

#: Files whose patches are in memory at once, 720 kB each.
BATCH = 16
#: Why a file has no emotion vector where there is no ear.
NOT_HEARD = "is not heard"


@dataclass(frozen=True)
class MusicFile:
    """A sound file, its name within the folder, and the text beside it."""

    path: Path
    name: str
    text: Path | None


def find_files(folder: Path) -> tuple[list[MusicFile], list[str]]:
    """Find the sound files of a folder and its subfolders.

    Hidden files and links are left out, so that nothing outside the folder is read.

    Returns
    -------
    files : list of MusicFile
        Sorted by name.
    unread : list of str
        Folders that cannot be opened, each with its reason.

    Raises
    ------
    MissingData
        If there is no such folder, or no sound file in it.
    """
    if not folder.is_dir():
        raise MissingData(f"There is no folder {folder}; name the one that holds your music.")
    files, unread = [], []

    def note(error: OSError) -> None:
        name = _printable(Path(error.filename), folder)
        unread.append(f"{name} cannot be opened ({error.strerror}); check its rights")

    for place, folders, names in os.walk(folder, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = [Path(place, name) for name in sorted(names) if not name.startswith(".")]
        paths = [path for path in paths if _is_regular(path)]
        texts = {
            tags.stem_key(path.name): path
            for ending in (".lrc", ".txt")  # a .txt replaces an .lrc
            for path in paths
            if path.suffix.lower() == ending
        }
        files += [
            MusicFile(path, _printable(path, folder), texts.get(tags.stem_key(path.name)))
            for path in paths
            if path.suffix.lower() in FORMATS
        ]
    if not files:
        endings, closed = ", ".join(FORMATS), f", and {unread[0]}" if unread else ""
        raise MissingData(
            f"{relative(folder)} holds no music ({endings}){closed}; name a folder that does."
        )
    return files, unread


def _is_regular(path: Path) -> bool:
    """Whether a path is no link and no device; True where that cannot be found out."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return True  # is reported as a file that cannot be opened


def _printable(path: Path, folder: Path) -> str:
    """Name within the folder in one line, without control characters and bytes outside UTF-8."""
    name = os.fsencode(path.relative_to(folder).as_posix()).decode(errors="replace")
    return normalise_text(name).replace("\n", " ")


@dataclass(frozen=True)
class FileFeatures:
    """Features of one sound file.

    Attributes
    ----------
    audio : str
        Digest of the audio without tags, or of the whole file where that fails; blank for a
        file that cannot be opened.
    tags : Tags
        Names and lyric.
    tag_fault : str
        Why there are no tags; blank where they could be read.
    mel : list of float or None
        Emotion vector of the sound, six numbers.
    fault : str
        Why there is no emotion vector.
    format : str
        Format of the content, as of `audio_files.describe`; blank where it cannot be read.
    """

    audio: str
    tags: tags.Tags
    tag_fault: str
    mel: list[float] | None
    fault: str
    format: str

    @property
    def is_music(self) -> bool:
        """Whether the file has a usable sound or tags."""
        return self.mel is not None or self.fault == NOT_HEARD or self.tags != tags.Tags()


#: Features of a file that cannot be opened.
_UNOPENED = FileFeatures(
    "", tags.Tags(), "", None, "cannot be opened; check its rights, and that its name is UTF-8", ""
)


def extract_features(
    files: list[MusicFile], head: ear.Head | None, memory: FeatureStore
) -> list[FileFeatures]:
    """Read the tags of sound files and predict their emotion vectors by the ear.

    Parameters
    ----------
    head
        Head of the ear; None where MusiCNN is not installed, and no sound is heard.
    memory
        Features of earlier builds; only new or changed files are read.
    """
    # What could not be heard is heard once it can: with another head, MusiCNN or PyAV installed.
    model = ear.fingerprint(head) if head else "no ear", ffmpeg_files.available()
    kind = f"features {artifacts.fingerprint(model, code_digest(_examine_batch))[:16]}"
    features = []
    bar = progress(total=len(files), desc="hear the music")
    with bar, joblib.Parallel(n_jobs=context().threads, prefer="threads") as workers:
        for start in range(0, len(files), BATCH):
            batch = [file.path for file in files[start : start + BATCH]]
            digests = [memory.digest(path) for path in batch]
            new = {
                digest: path
                for digest, path in zip(digests, batch, strict=True)
                if digest and memory.get(kind, digest) is None
            }
            values = _examine_batch(list(new.values()), head, workers)
            memory.keep(kind, dict(zip(new, values, strict=True)))
            features += [_recalled(digest, memory.get(kind, digest)) for digest in digests]
            bar.update(len(batch))
    return features


def _recalled(digest: str, values: dict | None) -> FileFeatures:
    """Features from their JSON values; a file without a digest has none."""
    if values is None:
        return _UNOPENED
    audio, names = values["audio"] or digest, tags.Tags(**values["tags"])
    return FileFeatures(**(values | {"audio": audio, "tags": names}))


def _examine_batch(
    paths: list[Path], head: ear.Head | None, workers: joblib.Parallel
) -> list[dict]:
    """Features of files as JSON values, emotion vectors included."""
    with _silent_stderr():
        examined = workers(joblib.delayed(_examine)(path, head is not None) for path in paths)
    return [
        values if cut is None else values | {"mel": ear.hear_patches(cut, head).tolist()}
        for values, cut in examined
    ]


def _examine(path: Path, hears: bool) -> tuple[dict, np.ndarray | None]:
    """Features of a file as JSON values without emotion vector, and its patches if usable.

    Raises nothing: a file that breaks its parser or decoder costs no other file.
    """
    values = {"audio": "", "tags": asdict(tags.Tags()), "tag_fault": ""}
    values |= {"mel": None, "fault": "" if hears else NOT_HEARD, "format": ""}
    try:
        values["tags"] = asdict(tags.read(path))
    except Exception as error:
        values["tag_fault"] = f"its tags cannot be read ({type(error).__name__})"
    cut = None
    try:
        values["audio"] = audio_digest(path)
        if not path.stat().st_size:
            raise CorruptData("is empty; get it again")
        waveform = audio_files.read_excerpt(path)
        values["format"] = audio_files.describe(path).format
        values["fault"] = ear.sound_fault(waveform) or values["fault"]
        if not values["fault"]:
            cut = musicnn.patches(musicnn.log_mel(waveform))
    except WyfError as error:
        values["fault"] = str(error).removeprefix(f"{relative(path)} ").removesuffix(".")
    except Exception as error:
        values["fault"] = f"cannot be heard ({type(error).__name__}); convert it"
    return values, cut


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Drop the warnings of mpg123, which writes to the terminal in C."""
    sys.stderr.flush()
    terminal, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(null)


@functools.cache
def _text_kind() -> str:
    return f"text {code_digest(lyric_sources.read_text)[:16]}"


def lyric_beside(file: MusicFile, memory: FeatureStore) -> tuple[str, str]:
    """Read the lyric in the text beside a sound file.

    Returns
    -------
    lyric, fault : str
        The lyric, or why it cannot be read; both blank where there is no text.
    """
    if file.text is None:
        return "", ""
    digest = memory.digest(file.text)
    lyric = memory.get(_text_kind(), digest)
    if lyric is None:
        try:
            lyric = lyric_sources.read_text(file.text)
        except WyfError as error:
            return "", str(error)
        except Exception as error:
            return "", f"its text cannot be read ({type(error).__name__})"
        memory.keep(_text_kind(), {digest: lyric} if digest else {})
    return lyric, ""
