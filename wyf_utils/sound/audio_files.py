"""Audio files as mono waveforms: 30 s at 16 kHz."""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import soundfile

from ..core.errors import CorruptData, MissingData
from ..core.paths import relative
from .mel import SAMPLE_RATE

#: First second and length of the excerpt, as in Kakao Arena's mels.
START, SECONDS = 20, 30


def read_waveform(path: Path, start: int = START, length: int = SECONDS) -> np.ndarray:
    """Read an excerpt as from `read_excerpt`, whose parameters and errors apply, at full length.

    Returns
    -------
    ndarray of shape (16000 * length,), float32
        Waveform; full scale is -1 to 1. A shorter file is padded with zeros.
    """
    waveform = read_excerpt(path, start, length)
    return librosa.util.fix_length(waveform, size=length * SAMPLE_RATE)


def read_excerpt(path: Path, start: int = START, length: int = SECONDS) -> np.ndarray:
    """Read seconds 20 to 50 of an audio file, mixed to mono and resampled to 16 kHz.

    A file that ends before the excerpt is read from its start.

    Parameters
    ----------
    path
        File of any format, sample rate and number of channels that libsndfile reads.
    start, length
        Another excerpt: its first second and its length in seconds.

    Returns
    -------
    ndarray of shape (samples,), float32
        Waveform of at most `length` seconds; full scale is -1 to 1.

    Raises
    ------
    MissingData
        If the file does not exist.
    CorruptData
        If libsndfile cannot read it, if it is empty, or if a sample is not finite.
    """
    name = relative(path)
    if not path.is_file():
        raise MissingData(f"{name} is missing; put the sound file there, or drop the song.")
    try:
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            covers = file.frames >= (start + length) * rate
            file.seek(start * rate if covers else 0)
            waveform = file.read(length * rate, dtype="float32", always_2d=True).mean(1)
    except (soundfile.LibsndfileError, ValueError) as error:
        raise CorruptData(
            f"{name} is no sound that libsndfile reads; convert it, or drop the song."
        ) from error
    if not len(waveform):
        raise CorruptData(
            f"{name} is no sound: it holds no samples; get it again, or drop the song."
        )
    if not np.isfinite(waveform).all():
        raise CorruptData(
            f"{name} holds values that are no numbers; get it again, or drop the song."
        )
    if rate != SAMPLE_RATE:
        waveform = librosa.resample(waveform, orig_sr=rate, target_sr=SAMPLE_RATE)
    return waveform


def conversions(path: Path) -> list[str]:
    """List the conversions that `read_waveform` applies to a readable file.

    Returns
    -------
    list of str
        "step: file name and reason"; the steps are the last ones of `mel_files.STEPS`.
    """
    info = soundfile.info(path)
    seconds = info.frames / info.samplerate
    reasons = {
        "mix_to_mono": f"has {info.channels} channels" if info.channels > 1 else "",
        "resample": f"has {info.samplerate:,} Hz" if info.samplerate != SAMPLE_RATE else "",
        "take_the_start": (
            "" if _covers_excerpt(info.frames, info.samplerate) else f"lasts {seconds:.1f} s"
        ),
        "pad": f"lacks {SECONDS - seconds:.1f} s" if seconds < SECONDS else "",
    }
    return [f"{step}: {path.name} {reason}" for step, reason in reasons.items() if reason]


def _covers_excerpt(frames: int, rate: int) -> bool:
    return frames >= (START + SECONDS) * rate
