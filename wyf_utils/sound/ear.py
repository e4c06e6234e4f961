"""The ear: a sound to six emotion probabilities, by MusiCNN's tags and a head of 50 x 4 numbers.

The head learned joy, tension, peace and sadness from what listeners of real songs felt (Emotify;
`study.learn_ear` writes it). Listeners had no words for anger and neutral. Both are given by rule:

- Neutral takes the ear's doubt: a fifth of the entropy of the four. A song of which the ear knows
  nothing is flat over five emotions, so that neutral is never the largest of all.
- Anger takes a share of tension. A song's tags have places on the plane of valence and arousal
  (Russell 1980). Anger and tension lie in one quarter of it, loud and unpleasant. The farther in
  that quarter the song is, the more of its tension is anger.

No listener has confirmed the rule of anger. It hears metal and punk, and no quiet anger.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from ..core import artifacts, emotions
from ..core.errors import CorruptData, WyfError
from ..core.paths import data_folder, relative
from . import audio_files, musicnn
from .mel import SAMPLE_RATE

#: Emotions of the head, ids in the order of its columns.
FELT = tuple(emotions.EN.index(name) for name in ("joy", "tension", "peace", "sadness"))
#: Valence and arousal of tags, -1 to 1, by judgement. Decades, voices and names of scenes that go
#: with every emotion have no place.
PLACES = {
    "heavy metal": (-0.8, 0.9), "metal": (-0.8, 0.9), "punk": (-0.5, 0.9),
    "hard rock": (-0.4, 0.8), "alternative rock": (-0.2, 0.5), "rock": (-0.1, 0.5),
    "classic rock": (0.2, 0.5), "progressive rock": (-0.1, 0.4), "hip-hop": (-0.1, 0.5),
    "party": (0.7, 0.8), "dance": (0.6, 0.8), "house": (0.5, 0.7), "electro": (0.2, 0.6),
    "happy": (0.9, 0.5), "funk": (0.6, 0.6), "catchy": (0.6, 0.5), "pop": (0.4, 0.3),
    "country": (0.3, 0.1), "soul": (0.3, 0.0), "jazz": (0.3, -0.1), "blues": (-0.3, -0.1),
    "folk": (0.1, -0.4), "acoustic": (0.1, -0.5), "beautiful": (0.5, -0.5),
    "easy listening": (0.4, -0.5), "mellow": (0.2, -0.7), "chillout": (0.4, -0.7),
    "chill": (0.4, -0.7), "ambient": (0.1, -0.8), "sad": (-0.8, -0.5),
}  # fmt: skip
#: Share of tension that is anger, for each unit of the geometric mean of unpleasantness and
#: arousal: metal has about 0.8, loud rock 0.2, dance 0.
ANGER = 1.5
#: Largest sample of a sound that counts as silent, 60 dB under full scale.
_SILENCE = 1e-3
_TAGS, _SHAPE = len(musicnn.TAGS), (len(musicnn.TAGS), len(FELT))


@dataclass(frozen=True)
class Head:
    """Multinomial logistic regression from tags to what listeners felt.

    Attributes
    ----------
    weights : ndarray of shape (50, 4)
        From log-odds of `musicnn.TAGS` to logits of `FELT`.
    bias : ndarray of shape (4,)
        Logits of a song whose tags all have even odds.
    temperature : float
        What logits are divided by, above 0.
    """

    weights: np.ndarray
    bias: np.ndarray
    temperature: float

    def felt(self, odds: np.ndarray) -> np.ndarray:
        """Predict joy, tension, peace and sadness (n, 4) of log-odds (n, 50); rows sum to 1."""
        return softmax((odds @ self.weights + self.bias) / self.temperature, axis=1)

    def emotion_vectors(self, odds: np.ndarray) -> np.ndarray:
        """Predict emotion vectors (n, 6), float32, of log-odds (n, 50); rows sum to 1."""
        felt = self.felt(odds)
        doubt = -(felt * np.log(np.maximum(felt, 1e-12))).sum(1) / np.log(len(FELT))
        vectors = np.zeros((len(odds), emotions.N))
        vectors[:, FELT] = felt
        anger, tension = (emotions.EN.index(name) for name in ("anger", "tension"))
        vectors[:, anger] = angry_share(odds) * vectors[:, tension]
        vectors[:, tension] -= vectors[:, anger]
        neutral = doubt[:, None] / (len(FELT) + 1)
        vectors *= 1 - neutral
        vectors[:, emotions.EN.index("neutral")] = neutral[:, 0]
        return vectors.astype(np.float32)


class EarReading(NamedTuple):
    """Emotion vector (6,) of a sound, and the reason where it is nan; blank elsewhere."""

    emotion_vector: np.ndarray
    fault: str


def places(odds: np.ndarray) -> np.ndarray:
    """Average the places of a song's tags by their probabilities.

    Parameters
    ----------
    odds
        Log-odds of tags (n, 50).

    Returns
    -------
    ndarray of shape (n, 2)
        Valence and arousal, -1 to 1.
    """
    columns = [musicnn.TAGS.index(name) for name in PLACES]
    shares = 1 / (1 + np.exp(-odds[:, columns]))
    return shares @ np.array(list(PLACES.values())) / shares.sum(1, keepdims=True)


def angry_share(odds: np.ndarray) -> np.ndarray:
    """Estimate the share of tension that is anger, (n,), 0 to 1, of log-odds (n, 50)."""
    valence, arousal = places(odds).T
    return np.clip(ANGER * np.sqrt(np.maximum(-valence, 0) * np.maximum(arousal, 0)), 0, 1)


def head_path() -> Path:
    """Return the place of the head, `data/reference/ear.json`."""
    return data_folder() / "reference" / "ear.json"


def load_head(path: Path | None = None) -> Head:
    """Read the head from a file of `study.learn_ear`.

    Raises
    ------
    CorruptData
        If it is missing or no such head.
    """
    path = path or head_path()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        head = Head(
            np.array([found["weights"][name] for name in musicnn.TAGS], float),
            np.array(found["bias"], float),
            float(found["temperature"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _no_head(path) from error
    numbers = np.concatenate([head.weights.ravel(), head.bias.ravel(), [head.temperature]])
    fits = head.weights.shape == _SHAPE and head.bias.shape == _SHAPE[1:] and head.temperature > 0
    if not fits or not np.isfinite(numbers).all():
        raise _no_head(path)
    return head


def _no_head(path: Path) -> CorruptData:
    return CorruptData(
        f"{relative(path)} is no head of the ear; restore it with `git checkout`.",
        f"{relative(path)} 파일은 귀의 예측기가 아니에요. `git checkout`으로 되돌려 주세요.",
    )


def fingerprint(head: Head) -> str:
    """Hash the numbers of a head (64 hex digits)."""
    return artifacts.fingerprint(head.weights, head.bias, head.temperature)


def sound_fault(waveform: np.ndarray) -> str:
    """Say why a waveform at 16 kHz (samples,) cannot be heard; blank where it can."""
    if waveform.ndim != 1 or not np.isfinite(waveform).all():
        return "is no row of finite samples"
    if len(waveform) < SAMPLE_RATE:
        return f"lasts {len(waveform) / SAMPLE_RATE:.1f} s, and the ear needs a second"
    return "is silent throughout" if np.abs(waveform).max() < _SILENCE else ""


def hear_patches(cut: np.ndarray, head: Head) -> np.ndarray:
    """Hear patches (n, 187, 96) of one song: its emotion vector (6,), float32."""
    return head.emotion_vectors(musicnn.log_odds(musicnn.hear_patches(cut).song().tags))[0]


def hear_waveform(waveform: np.ndarray, head: Head | None = None) -> EarReading:
    """Hear a waveform.

    Parameters
    ----------
    waveform
        Mono samples at 16 kHz, -1 to 1, shape (samples,).
    head
        By default that of `load_head`.

    Returns
    -------
    EarReading
        nan, with the reason, of silence, of less than a second, and of values that are no numbers.

    Raises
    ------
    MissingData
        If the package musicnn is not installed.
    CorruptData
        If its checkpoint or the head is not whole.
    """
    waveform = np.asarray(waveform, np.float32)
    if fault := sound_fault(waveform):
        return EarReading(np.full(emotions.N, np.nan, np.float32), fault)
    cut = musicnn.patches(musicnn.log_mel(waveform))
    return EarReading(hear_patches(cut, head or load_head()), "")


def hear_file(path: Path, head: Head | None = None) -> EarReading:
    """Hear seconds 20 to 50 of a sound file, of a shorter one its start.

    Parameters
    ----------
    path
        File as for `audio_files.read_excerpt`.
    head
        By default that of `load_head`.

    Returns
    -------
    EarReading
        As from `hear_waveform`, whose errors apply; nan also where the file cannot be read.
    """
    try:
        waveform = audio_files.read_excerpt(path)
    except WyfError as error:
        return EarReading(np.full(emotions.N, np.nan, np.float32), _reason(error, path))
    return hear_waveform(waveform, head)


def _reason(error: WyfError, path: Path) -> str:
    return str(error).removeprefix(f"{relative(path)} ").removesuffix(".")
