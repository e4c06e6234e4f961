"""Sound files of a person: thirty seconds, mono, 16 kHz."""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import soundfile

from ..core.errors import CorruptData, MissingData
from ..core.paths import relative
from .mel import SAMPLE_RATE

#: Seconds of a song that its mel covers, as in Kakao Arena.
START, SECONDS = 20, 30


def read_waveform(path: Path) -> tuple[np.ndarray, list[str]]:
    """Read 30 s of a sound file as the mels of Kakao Arena were cut: seconds 20 to 50, mono, 16 kHz.

    Parameters
    ----------
    path
        File of any format that libsndfile reads (wav, flac, ogg, mp3, aiff, ...), at any rate, with any number of channels.

    Returns
    -------
    sound : ndarray of shape (480000,), float32
    changes : list of str
        What had to be done to it, "step: how", with the last of `STEPS`: a song shorter than 50 s is taken from its start, one shorter than 30 s padded.

    Raises
    ------
    MissingData
        If the file is not there.
    CorruptData
        If it is no sound, empty, or holds values that are no numbers.
    """
    if not path.is_file():
        raise MissingData(
            f"{relative(path)} is missing; put the sound file there, or drop the song."
        )
    try:
        with soundfile.SoundFile(path) as file:
            rate, length, channels = file.samplerate, file.frames, file.channels
            late = length >= (START + SECONDS) * rate
            file.seek(START * rate if late else 0)
            sound = file.read(SECONDS * rate, dtype="float32", always_2d=True).mean(1)
    except (soundfile.LibsndfileError, ValueError) as error:
        raise CorruptData(
            f"{relative(path)} is no sound that libsndfile reads; convert it, or drop the song."
        ) from error
    if not len(sound):
        raise CorruptData(
            f"{relative(path)} is no sound: it holds no samples; get it again, or drop the song."
        )
    if not np.isfinite(sound).all():
        raise CorruptData(
            f"{relative(path)} holds values that are no numbers; get it again, or drop the song."
        )
    seconds = length / rate
    changes = {
        "mix_to_mono": f"has {channels} channels" if channels > 1 else "",
        "resample": f"has {rate:,} Hz" if rate != SAMPLE_RATE else "",
        "take_the_start": "" if late else f"lasts {seconds:.1f} s",
        "pad": f"lacks {SECONDS - seconds:.1f} s" if seconds < SECONDS else "",
    }
    if rate != SAMPLE_RATE:
        sound = librosa.resample(sound, orig_sr=rate, target_sr=SAMPLE_RATE)
    return librosa.util.fix_length(sound, size=SECONDS * SAMPLE_RATE), [
        f"{step}: {path.name} {how}" for step, how in changes.items() if how
    ]
