"""Sound files of a folder: found, their tags read, their sound turned into emotion vectors."""

from __future__ import annotations

import inspect
import os
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import joblib
import numpy as np
import soundfile
from torch import nn

from ..core import artifacts
from ..core.errors import CorruptData, MissingData, WyfError
from ..core.paths import relative
from ..core.runtime import THREADS, device, progress
from ..data.cleaning import normalise_text
from ..sound import audio_files, dataset, mel, mel_files, network_training, networks
from . import lyric_sources, tags
from .feature_store import FeatureStore, _digest

#: Endings of sound files with the format that belongs to each in libsndfile, blank where it reads no such files.
FORMATS = {
    ".mp3": "MP3", ".flac": "FLAC", ".ogg": "OGG", ".oga": "OGG", ".opus": "OGG", ".wav": "WAV", ".aif": "AIFF", ".aiff": "AIFF",
    ".m4a": "", ".aac": "", ".wma": "", ".ape": "", ".wv": "", ".mpc": "",
}  # fmt: skip

BATCH = 16  # files whose mels are held at once, 360 kB each


@dataclass(frozen=True)
class MusicFile:
    """A sound file, its name within the folder, and the text beside it."""

    path: Path
    name: str
    text: Path | None


def find_files(folder: Path) -> list[MusicFile]:
    """Sound files of a folder and its subfolders by name; hidden ones are left aside.

    Links are not followed: what they lead to within the folder is found in its own place, and nothing outside is read.

    Raises
    ------
    MissingData
        If there is no such folder, or no sound file in it.
    """
    if not folder.is_dir():
        raise MissingData(f"There is no folder {folder}; name the one that holds your music.")
    files = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        plain = [Path(place, name) for name in sorted(names) if not name.startswith(".")]
        plain = [path for path in plain if path.is_file() and not path.is_symlink()]
        texts = {
            tags.same_stem(path.name): path
            for ending in (".lrc", ".txt")
            for path in plain
            if path.suffix.lower() == ending
        }  # .txt goes first
        files += [
            MusicFile(path, _shown(path, folder), texts.get(tags.same_stem(path.name)))
            for path in plain
            if path.suffix.lower() in FORMATS
        ]
    if not files:
        raise MissingData(
            f"{relative(folder)} holds no music ({', '.join(FORMATS)}); name a folder that does."
        )
    return files


def _shown(path: Path, folder: Path) -> str:
    """Name of a file within a folder that can be printed: a name need not be UTF-8, and may hold control characters."""
    return normalise_text(os.fsencode(path.relative_to(folder).as_posix()).decode(errors="replace"))


@dataclass(frozen=True)
class FileFeatures:
    """What one sound file gave: names, emotion vector of its sound (6,) or else why there is none, and its format, blank where it is no sound."""

    digest: str
    tags: tags.Tags
    mel: list[float] | None
    fault: str
    format: str

    @property
    def is_music(self) -> bool:
        """Whether it is a sound file at all: heard, or at least tagged."""
        return self.mel is not None or self.tags != tags.Tags()


def _examine(path: Path) -> tuple[dict, np.ndarray | None]:
    """Tags, fault and format of a file as plain values, and its mel (48, 1876) where it can be heard."""
    about = {"tags": asdict(tags.read(path)), "mel": None, "fault": "", "format": ""}
    try:
        if not path.stat().st_size:
            raise CorruptData("is empty; get it again")
        made = mel.from_waveform(audio_files.read_waveform(path)[0])
        about["format"] = soundfile.info(path).format
    except WyfError as error:
        return about | {"fault": str(error).removeprefix(f"{relative(path)} ")}, None
    except Exception as error:  # whatever a decoder makes of a broken file, it costs this file only
        return about | {"fault": f"cannot be heard ({type(error).__name__}); convert it"}, None
    about["fault"] = mel_files._fault(made)[1]
    return about, None if about["fault"] else made


def _sound_vectors(model: nn.Module, mels: list[np.ndarray]) -> list[list[float]]:
    """Emotion vectors of mels, six numbers each."""
    material = dataset.MelDataset(np.stack(mels), np.full(len(mels), "test"))
    return network_training.predict(model, material, np.arange(len(mels))).tolist()


def extract_features(
    files: list[MusicFile], model: Path, memory: FeatureStore
) -> list[FileFeatures]:
    """Tags and emotion vectors of sound files, by the mel model in a folder; only what is not in memory is read."""
    kind = f"heard {_fingerprint(model.name, tags, audio_files.read_waveform, mel.from_waveform, network_training.predict, _examine)}"
    network, heard = (
        network_training._with_weights(
            networks.NETWORKS[networks.CHOSEN](0).to(device()), model
        ).eval(),
        [],
    )
    bar = progress(total=len(files), desc="hear the music")
    with bar, joblib.Parallel(n_jobs=THREADS, prefer="threads") as workers:
        for start in range(0, len(files), BATCH):
            batch = files[start : start + BATCH]
            digests = [_digest(file.path, memory) for file in batch]
            new = {
                digest: file.path
                for digest, file in zip(digests, batch, strict=True)
                if digest and memory.get(kind, digest) is None
            }
            with _without_notes():
                examined = workers(joblib.delayed(_examine)(path) for path in new.values())
            if mels := [sound for _, sound in examined if sound is not None]:
                vectors = iter(_sound_vectors(network, mels))
                examined = [
                    (about | {"mel": next(vectors)} if sound is not None else about, sound)
                    for about, sound in examined
                ]
            memory.keep(
                kind, {digest: about for digest, (about, _) in zip(new, examined, strict=True)}
            )
            heard += [
                _recalled(digest, memory.get(kind, digest) if digest else None)
                for digest in digests
            ]
            bar.update(len(batch))
    return heard


@contextmanager
def _without_notes():
    """Keep what mpg123 says of every odd frame, straight to the terminal, out of the progress bar."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _fingerprint(model: str, *code) -> str:
    """What a result depends on beside its file: the model (its name) and the code."""
    return artifacts.fingerprint(model, [inspect.getsource(part) for part in code])[:16]


def _recalled(digest: str, about: dict | None) -> FileFeatures:
    if about is None:
        return FileFeatures(
            "",
            tags.Tags(),
            None,
            "cannot be opened; check its rights, and that its name is UTF-8",
            "",
        )
    return FileFeatures(digest, **(about | {"tags": tags.Tags(**about["tags"])}))


def lyric_beside(file: MusicFile, memory: FeatureStore) -> tuple[str, str]:
    """Lyric in the text beside a sound file, or else why it cannot be read; both blank where there is no text."""
    if file.text is None:
        return "", ""
    kind = f"text {_fingerprint('', tags.read_text, lyric_sources.plain)}"
    digest = _digest(file.text, memory)
    known = memory.get(kind, digest) if digest else None
    if known is None:
        try:
            known = tags.read_text(file.text)
        except CorruptData as error:
            return "", str(error)
        memory.keep(kind, {digest: known} if digest else {})
    return known, ""
