"""Audio files as mono waveforms: 30 s at 16 kHz."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import librosa
import numpy as np
import soundfile

from ..core.errors import CorruptData, MissingData
from ..core.paths import relative
from . import ffmpeg_files
from .mel import SAMPLE_RATE

#: First second and length of the excerpt, as in Kakao Arena's mels.
START, SECONDS = 20, 30
#: Sample rates and channels that are read; a broken header names others.
RATES, CHANNELS = (8_000, 192_000), 8


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
        File of any format that libsndfile or ffmpeg reads, 8 to 192 kHz, up to eight channels.
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
        If neither can read it; if it is a playlist, a video or protected (DRM); if its rate or
        channels are others; if it is empty, or if a sample is not finite.
    """
    name = relative(path)
    if not path.is_file():
        raise MissingData(
            f"{name} is missing; put the sound file there, or drop the song.",
            f"{name} 파일이 없어요. 소리 파일을 넣거나 곡을 빼 주세요.",
        )
    waveform, rate = _decoded(path, start, length)
    if not len(waveform):
        raise CorruptData(
            f"{name} is no sound: it holds no samples; get it again, or drop the song.",
            f"{name} 파일에 소리가 없어요. 다시 구하거나 빼 주세요.",
        )
    if not np.isfinite(waveform).all():
        raise CorruptData(
            f"{name} holds values that are no numbers; get it again, or drop the song.",
            f"{name} 파일에 숫자가 아닌 값이 있어요. 다시 구하거나 빼 주세요.",
        )
    if rate != SAMPLE_RATE:
        waveform = librosa.resample(waveform, orig_sr=rate, target_sr=SAMPLE_RATE)
    return waveform


class Description(NamedTuple):
    """Format in libsndfile's names or ffmpeg's, channels, sample rate in hertz, and seconds."""

    format: str
    channels: int
    rate: int
    seconds: float


def describe(path: Path) -> Description:
    """Describe a readable sound file; errors as for `read_excerpt`."""
    try:
        info = None if ffmpeg_files.owns(path) else soundfile.info(path)
    except soundfile.LibsndfileError:
        info = None
    if info is None:
        return Description(*ffmpeg_files.describe(path))
    return Description(info.format, info.channels, info.samplerate, info.frames / info.samplerate)


def _decoded(path: Path, start: int, length: int) -> tuple[np.ndarray, int]:
    """Decode an excerpt, mixed to mono: samples and their rate."""
    if not ffmpeg_files.owns(path):
        try:
            return _decoded_by_libsndfile(path, start, length)
        except (soundfile.LibsndfileError, ValueError):
            pass
    found = Description(*ffmpeg_files.describe(path))
    _check_size(path, found.channels, found.rate)
    waveform, rate = ffmpeg_files.read_start(path, start + length)
    first = start * rate if len(waveform) >= (start + length) * rate else 0
    return waveform[first : first + length * rate], rate


def _decoded_by_libsndfile(path: Path, start: int, length: int) -> tuple[np.ndarray, int]:
    with soundfile.SoundFile(path) as file:
        rate = file.samplerate
        _check_size(path, file.channels, rate)
        covers = file.frames >= (start + length) * rate
        file.seek(start * rate if covers else 0)
        return file.read(length * rate, dtype="float32", always_2d=True).mean(1), rate


def _check_size(path: Path, channels: int, rate: int) -> None:
    """Raise `CorruptData` for a number of channels or a sample rate that no music has."""
    name, (low, high) = relative(path), RATES
    if not 1 <= channels <= CHANNELS:
        raise CorruptData(
            f"{name} has {channels} channels, and at most {CHANNELS} are read; convert it, or drop "
            "the song.",
            f"{name} 파일의 채널이 {channels}개예요. {CHANNELS}개까지 읽어요. 변환하거나 빼 "
            "주세요.",
        )
    if not low <= rate <= high:
        raise CorruptData(
            f"{name} has {rate:,} Hz, and {low:,} to {high:,} Hz are read; convert it, or drop the "
            "song.",
            f"{name} 파일은 {rate:,} Hz예요. {low:,} Hz부터 {high:,} Hz까지 읽어요. 변환하거나 빼 "
            "주세요.",
        )


def conversions(path: Path) -> list[str]:
    """List the conversions that `read_waveform` applies to a readable file.

    Returns
    -------
    list of str
        "step: file name and reason"; the steps are the last ones of `mel_files.STEPS`.
    """
    _, channels, rate, seconds = describe(path)
    reasons = {
        "mix_to_mono": f"has {channels} channels" if channels > 1 else "",
        "resample": f"has {rate:,} Hz" if rate != SAMPLE_RATE else "",
        "take_the_start": f"lasts {seconds:.1f} s" if seconds < START + SECONDS else "",
        "pad": f"lacks {SECONDS - seconds:.1f} s" if seconds < SECONDS else "",
    }
    return [f"{step}: {path.name} {reason}" for step, reason in reasons.items() if reason]
