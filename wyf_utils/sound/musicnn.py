"""MusiCNN, a pretrained ear: tags and embeddings of a waveform, without TensorFlow and torch.

The wheel of `musicnn` (ISC; Pons and Serra 2019) contains the network trained on the Million Song
Dataset as a TensorFlow checkpoint, so no network connection is needed. Its code is not imported.
The checkpoint becomes an ONNX graph, once, by torch (`musicnn_network`); ONNX Runtime hears.

The wheel rounds mel spectrograms to 16 bits, which overflow where a band is loud; here they keep
32 bits.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import librosa
import numpy as np
import onnxruntime

from ..core import artifacts
from ..core.errors import BadInput, CorruptData, MissingData
from ..core.onnx_session import open_session
from ..core.runtime import progress
from .audio_files import SECONDS, START, read_waveform
from .checkpoints import read_checkpoint
from .mel import HOP, N_FFT, SAMPLE_RATE

BUNDLED = "bundled/musicnn"
#: Bands of a patch and its frames, three seconds.
BANDS, PATCH = 96, 187
#: Names of the tags, in the order of the network's outputs.
TAGS = (
    "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s",
    "alternative rock", "jazz", "beautiful", "metal", "chillout", "male vocalists", "classic rock",
    "soul", "indie rock", "mellow", "electronica", "80s", "folk", "90s", "chill", "instrumental",
    "punk", "oldies", "blues", "hard rock", "ambient", "acoustic", "experimental",
    "female vocalist", "guitar", "hip-hop", "70s", "party", "country", "easy listening", "sexy",
    "catchy", "funk", "electro", "heavy metal", "progressive rock", "60s", "rnb", "indie pop",
    "sad", "house", "happy",
)  # fmt: skip
_VERSION = "0.1.0"
_REINSTALL = f"`pip install --force-reinstall --no-deps musicnn=={_VERSION}`"
#: Files of the checkpoint and their sha256.
_FILES = {
    ".index": "87f3e0f3550c8d3bafc840374003e5c8af5eeb5ecf6add61af09a7822d3282c8",
    ".data-00000-of-00001": "8579734ee6388f799ed0def4bbd0d1fdcbeaf213ef2a9dc860917bd76a303de6",
}
#: Patches heard at once; more take memory and no less time.
_BATCH = 10


class Heard(NamedTuple):
    """What MusiCNN hears, of n patches or of n songs.

    Attributes
    ----------
    tags : ndarray of shape (n, 50)
        Probabilities of `TAGS`; a sound may have several.
    embedding : ndarray of shape (n, 200)
        Last layer before the tags.
    pooled : ndarray of shape (n, 753, 2)
        Maximum and mean over time of all channels of the front and the middle.
    """

    tags: np.ndarray
    embedding: np.ndarray
    pooled: np.ndarray

    def song(self) -> Heard:
        """Average patches to one song, n = 1; of tags the log-odds are averaged."""
        odds = log_odds(self.tags).mean(0, keepdims=True)
        means = (part.mean(0, keepdims=True) for part in self[1:])
        return Heard((1 / (1 + np.exp(-odds))).astype(np.float32), *means)


class SongFeatures(NamedTuple):
    """What heads read of n songs.

    Attributes
    ----------
    tag_odds : ndarray of shape (n, 50), float32
        Log-odds of `TAGS`.
    embedding : ndarray of shape (n, 200), float32
        Last layer before the tags.
    """

    tag_odds: np.ndarray
    embedding: np.ndarray

    @classmethod
    def of(cls, songs: Iterable[Heard]) -> SongFeatures:
        """Collect what was heard of songs, patch by patch."""
        rows = [heard.song() for heard in songs]
        odds = log_odds(np.concatenate([song.tags for song in rows])).astype(np.float32)
        return cls(odds, np.concatenate([song.embedding for song in rows]))

    @classmethod
    def from_rows(cls, rows: np.ndarray) -> SongFeatures:
        """Split rows (n, 250) as from `rows`."""
        return cls(rows[:, : len(TAGS)], rows[:, len(TAGS) :])

    def rows(self) -> np.ndarray:
        """Put both side by side, (n, 250), to be saved."""
        return np.hstack(self)


def log_odds(tags: np.ndarray) -> np.ndarray:
    """Turn probabilities of tags (n, 50) into log-odds, which spread the rare ones."""
    shares = np.clip(np.asarray(tags, float), 1e-6, 1 - 1e-6)
    return np.log(shares / (1 - shares))


def log_mel(waveform: np.ndarray) -> np.ndarray:
    """Extract the log-mel spectrogram that MusiCNN was trained on.

    Parameters
    ----------
    waveform
        Mono samples at 16 kHz, -1 to 1, shape (samples,).

    Returns
    -------
    ndarray of shape (frames, 96), float32
        log10(10000 power + 1), from 0; a frame every 16 ms.

    Raises
    ------
    BadInput
        If there are no samples, or if one is not finite.
    """
    waveform = np.asarray(waveform, np.float32)
    if waveform.ndim != 1 or not len(waveform) or not np.isfinite(waveform).all():
        raise BadInput(
            "The sound is no row of finite samples; mix it to mono and read the file again.",
            "소리에 숫자가 아닌 값이 있거나 비어 있어요. 파일을 다시 읽어 주세요.",
        )
    power = librosa.feature.melspectrogram(
        y=waveform, sr=SAMPLE_RATE, n_fft=N_FFT, hop_length=HOP, n_mels=BANDS
    )
    return np.log10(10_000 * power + 1).T.astype(np.float32)


def patches(frames: np.ndarray) -> np.ndarray:
    """Cut a log-mel spectrogram (frames, 96) into patches (n, 187, 96), one after another.

    What is left at the end is dropped; a shorter sound is repeated to one patch.
    """
    if len(frames) < PATCH:
        frames = np.resize(frames, (PATCH, BANDS))
    n = len(frames) // PATCH
    return frames[: n * PATCH].reshape(n, PATCH, BANDS)


def hear_patches(cut: np.ndarray) -> Heard:
    """Hear patches (n, 187, 96) of a log-mel spectrogram.

    Raises
    ------
    MissingData
        If the package musicnn or its checkpoint is not installed.
    CorruptData
        If it is not that of musicnn 0.1.0.
    """
    session = _session()
    found = [
        session.run(None, {"patches": np.ascontiguousarray(cut[i : i + _BATCH], np.float32)})
        for i in range(0, len(cut), _BATCH)
    ]
    return Heard(*(np.concatenate(part) for part in zip(*found, strict=True)))


def hear(waveform: np.ndarray) -> Heard:
    """Hear a waveform patch by patch; errors as for `log_mel` and `hear_patches`.

    Parameters
    ----------
    waveform
        Mono samples at 16 kHz, -1 to 1, shape (samples,). Thirty seconds make ten patches.
    """
    return hear_patches(patches(log_mel(waveform)))


def tags(waveform: np.ndarray) -> dict[str, float]:
    """Name the tags of a song with their probabilities, the most probable first."""
    (shares,) = hear(waveform).song().tags
    return {TAGS[i]: float(shares[i]) for i in np.argsort(-shares, kind="stable")}


def embedding(waveform: np.ndarray) -> np.ndarray:
    """Embed a song as the mean embedding (200,) of its patches."""
    return hear(waveform).song().embedding[0]


def hear_songs(paths: Iterable[Path], start: int = START, length: int = SECONDS) -> Heard:
    """Hear an excerpt of each sound file, or return what was heard from the cache.

    Parameters
    ----------
    paths
        Files (n) as for `audio_files.read_waveform`, whose errors apply.
    start, length
        First second of the excerpts and their length in seconds.

    Returns
    -------
    Heard
        One row a song, the mean of its patches.
    """
    paths = list(paths)

    def make(folder: Path) -> None:
        files = progress(paths, desc="hear songs")
        songs = [hear(read_waveform(path, start, length)).song() for path in files]
        for name, rows in zip(Heard._fields, zip(*songs, strict=True), strict=True):
            np.save(folder / f"{name}.npy", np.concatenate(rows), allow_pickle=False)

    sums = [file_hash(path) for path in paths if path.is_file()]  # a missing one is named by `make`
    data = artifacts.fingerprint(sums, _FILES)
    excerpt = {"n": len(paths), "start": start, "length": length}
    made = artifacts.get_or_create("musicnn_songs", make, parameters=excerpt, data=data)
    return Heard(*(np.load(made.path / f"{n}.npy", allow_pickle=False) for n in Heard._fields))


def checkpoint_files() -> tuple[Path, Path]:
    """Find the checkpoint in the installed package, which is not imported: index and values.

    Raises
    ------
    MissingData
        If the package or the checkpoint is not installed.
    CorruptData
        If it is of another version or not whole.
    """
    spec = importlib.util.find_spec("musicnn")
    folders = list(spec.submodule_search_locations or []) if spec else []
    files = [Path(folder) / "MSD_musicnn" / name for folder in folders[:1] for name in _FILES]
    if not files or not all(file.is_file() for file in files):
        raise MissingData(
            f"{BUNDLED} needs the package musicnn=={_VERSION} with its checkpoint MSD_musicnn; "
            f"run {_REINSTALL}.",
            f"{BUNDLED}에는 musicnn=={_VERSION} 패키지와 그 안의 MSD_musicnn이 필요해요. "
            f"{_REINSTALL}을 실행해 주세요.",
        )
    if [file_hash(file) for file in files] != list(_FILES.values()):
        raise CorruptData(
            f"The checkpoint MSD_musicnn of musicnn {_installed()} is not that of {_VERSION}; "
            f"run {_REINSTALL}.",
            f"musicnn {_installed()}의 MSD_musicnn이 {_VERSION}의 것과 달라요. "
            f"{_REINSTALL}을 실행해 주세요.",
        )
    return files[0], files[1]


def _installed() -> str:
    try:
        return importlib.metadata.version("musicnn")
    except importlib.metadata.PackageNotFoundError:
        return "(no version)"


def file_hash(path: Path) -> str:
    """Hash the content of a file (sha256, 64 hex digits)."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weights() -> dict[str, np.ndarray]:
    """Read the tensors of the checkpoint by their names; errors as for `checkpoint_files`."""
    return read_checkpoint(*checkpoint_files())


def exported() -> artifacts.Entry:
    """Return the ONNX graph of MusiCNN from the cache; torch writes it the first time."""
    checkpoint_files()  # its errors come before torch is loaded

    def make(folder: Path) -> None:
        from . import musicnn_network

        musicnn_network.export(musicnn_network.load(weights()), folder / "model.onnx")

    return artifacts.get_or_create(
        "musicnn", make, parameters={}, data=artifacts.fingerprint(_FILES)
    )


@functools.lru_cache(maxsize=1)
def _session() -> onnxruntime.InferenceSession:
    """Open the exported graph, once in a process."""
    return open_session(exported().path / "model.onnx")
