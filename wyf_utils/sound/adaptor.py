"""An adaptor through which MusiCNN hears mels of 48 bands, such as Kakao Arena's, without audio.

Two linear steps, learned from sounds whose 48 and 96 bands are both known. The first computes each
of the 96 bands from all 48 in five frames. What it cannot know, it smooths, and MusiCNN hears the
smoothness; the second step corrects that in the embedding.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core import artifacts
from ..core.errors import BadInput, CorruptData
from ..core.files import replacing_file
from ..core.paths import data_folder, relative
from ..core.runtime import progress
from . import mel, musicnn

#: Frames before and after that a band is computed from.
_AROUND = 2
_INPUTS = mel.BANDS * (2 * _AROUND + 1) + 1
#: Weights of the ridge penalties: of the bands, relative to the mean square of the inputs, and of
#: the correction, in patches.
_BAND_PENALTY, _EMBEDDING_PENALTY = 1e-5, 300
_SONGS = 10  # that it needs at least to learn
_SHAPES = {"bands": (_INPUTS, 96), "correction": (201, 200), "output": (201, 50)}


@dataclass(frozen=True)
class Adaptor:
    """A learned adaptor.

    Attributes
    ----------
    bands : ndarray of shape (241, 96)
        Weights from 48 bands in five frames, and a constant, to 96 bands.
    correction : ndarray of shape (201, 200)
        Weights from a patch's embedding and a constant to what is added to it.
    output : ndarray of shape (201, 50)
        Last layer of MusiCNN: from an embedding and a constant to the log-odds of tags.
    """

    bands: np.ndarray
    correction: np.ndarray
    output: np.ndarray

    def log_mel(self, decibels: np.ndarray) -> np.ndarray:
        """Compute MusiCNN's spectrogram (frames, 96) from a mel (48, frames) in decibels."""
        return np.maximum(_neighbours(decibels) @ self.bands, 0).astype(np.float32)

    def hear(self, decibels: np.ndarray) -> musicnn.Heard:
        """Hear a mel (48, frames) in decibels, patch by patch; `pooled` is not corrected.

        Raises
        ------
        BadInput
            If it has another number of bands or values that are no numbers.
        """
        heard = musicnn.hear_patches(musicnn.patches(self.log_mel(_checked(decibels))))
        embedding = heard.embedding + _with_one(heard.embedding) @ self.correction
        tags = 1 / (1 + np.exp(-_with_one(embedding) @ self.output))
        return musicnn.Heard(tags.astype(np.float32), embedding.astype(np.float32), heard.pooled)

    def save(self, path: Path) -> None:
        """Write the adaptor to an .npz file of plain arrays."""
        with replacing_file(path) as work, work.open("wb") as file:
            np.savez(file, **{name: np.float32(getattr(self, name)) for name in _SHAPES})


def adaptor_path() -> Path:
    """Return the place of the learned adaptor, `data/reference/adaptor.npz`."""
    return data_folder() / "reference" / "adaptor.npz"


def load(path: Path | None = None) -> Adaptor:
    """Read an adaptor from a file of `Adaptor.save`, by default that of `adaptor_path`.

    Raises
    ------
    CorruptData
        If the file is no such adaptor.
    """
    path = path or adaptor_path()
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in _SHAPES}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise _no_adaptor(path) from error
    if any(found[name].shape != shape for name, shape in _SHAPES.items()):
        raise _no_adaptor(path)
    return Adaptor(**found)


def _no_adaptor(path: Path) -> CorruptData:
    return CorruptData(
        f"{relative(path)} is no adaptor; restore it with `git checkout`, or learn it again.",
        f"{relative(path)} 파일은 어댑터가 아니에요. `git checkout`으로 되돌리거나 다시 학습해 "
        "주세요.",
    )


def hear_mels(mels: np.ndarray) -> musicnn.SongFeatures:
    """Hear mels (n, 48, 1876) in decibels by the learned adaptor, or take that from the cache.

    Errors as for `load` and `Adaptor.hear`.
    """
    found = load()

    def compute() -> np.ndarray:
        songs = (found.hear(mels[row]) for row in progress(range(len(mels)), desc="hear mels"))
        return musicnn.SongFeatures.of(songs).rows()

    data = artifacts.fingerprint(mel.fingerprint(mels), *(getattr(found, n) for n in _SHAPES))
    rows = artifacts.cached_array("heard_mels", compute, parameters={"n": len(mels)}, data=data)
    return musicnn.SongFeatures.from_rows(rows)


def learn(waveforms: Iterable[np.ndarray]) -> Adaptor:
    """Learn an adaptor from sounds by ridge regression.

    Parameters
    ----------
    waveforms
        Mono samples at 16 kHz, -1 to 1, shape (samples,) each; at least ten. Their mels are kept
        in memory, 0.4 MB for 30 s.

    Raises
    ------
    BadInput
        If there are fewer than ten.
    """
    moments, products, mels, truths = 0, 0, [], []
    for waveform in waveforms:
        decibels, frames = mel.from_waveform(waveform), musicnn.log_mel(waveform)
        x = _neighbours(decibels).astype(float)
        moments, products = moments + x.T @ x, products + x.T @ frames
        mels.append(decibels)
        truths.append(musicnn.hear_patches(musicnn.patches(frames)).embedding)
    if len(mels) < _SONGS:
        raise BadInput(
            f"{len(mels)} sounds are too few to learn an adaptor from; bring at least {_SONGS}.",
            f"소리 {len(mels)}개로는 어댑터를 배울 수 없어요. {_SONGS}개 이상 필요해요.",
        )
    penalty = _BAND_PENALTY * np.trace(moments) / _INPUTS
    bands = np.linalg.solve(moments + penalty * np.eye(_INPUTS), products)
    weights = musicnn.weights()
    output = np.vstack([weights["dense_1/kernel"], weights["dense_1/bias"]])
    plain = Adaptor(bands, np.zeros((201, 200)), output)
    heard = np.concatenate([plain.hear(decibels).embedding for decibels in mels])
    return Adaptor(bands, _correct(heard, np.concatenate(truths)), output)


def cosines(adaptor: Adaptor, waveforms: Iterable[np.ndarray]) -> np.ndarray:
    """Compare the embeddings of sounds (n) through 48 bands with the true ones: cosines (n,)."""
    found = []
    for waveform in waveforms:
        ours = adaptor.hear(mel.from_waveform(waveform)).song().embedding[0]
        true = musicnn.embedding(waveform)
        found.append(cosine(ours, true))
    return np.array(found)


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    """Compute the cosine of two embeddings (dim,)."""
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def _correct(heard: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Regress what is wrong with embeddings (n, 200) on themselves, standardised: (201, 200)."""
    mean, deviation = heard.mean(0), heard.std(0) + 1e-6
    x, wrong = (heard - mean) / deviation, true - heard
    weights = np.linalg.solve(
        x.T @ x + _EMBEDDING_PENALTY * np.eye(x.shape[1]), x.T @ (wrong - wrong.mean(0))
    )
    weights = weights / deviation[:, None]
    return np.vstack([weights, wrong.mean(0) - mean @ weights])


def _neighbours(decibels: np.ndarray) -> np.ndarray:
    """Collect the 48 bands of each frame and its neighbours, and a one: (frames, 241)."""
    power = np.log10(10_000 * 10 ** (np.asarray(decibels, np.float32) / 10) + 1).T
    padded = np.pad(power, ((_AROUND, _AROUND), (0, 0)), mode="edge")
    shifted = [padded[i : i + len(power)] for i in range(2 * _AROUND + 1)]
    return _with_one(np.concatenate(shifted, axis=1))


def _with_one(x: np.ndarray) -> np.ndarray:
    return np.hstack([x, np.ones((len(x), 1), x.dtype)])


def _checked(decibels: np.ndarray) -> np.ndarray:
    if decibels.ndim != 2 or len(decibels) != mel.BANDS or not np.isfinite(decibels).all():
        raise BadInput(
            f"The mel has the shape {decibels.shape} or values that are no numbers where "
            f"({mel.BANDS}, frames) of decibels belong; extract it again.",
            "멜의 모양이나 값이 맞지 않아요. 다시 추출해 주세요.",
        )
    return decibels
