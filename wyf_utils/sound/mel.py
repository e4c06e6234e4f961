"""Mel spectrograms of (48, 1876): from sound files, from the sample's composer, from Kakao Arena's files.

The settings are those of Kakao Arena's `arena_mel` (Essentia): 16 kHz, frame 512, hop 256, Hann, 48 Slaney bands of
unit triangle area, power, decibels. Thirty seconds make 1,876 frames.
"""

from __future__ import annotations

import hashlib
import io
import mmap
import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import joblib
import librosa
import numpy as np
import pandas as pd
import soundfile

from ..core import artifacts
from ..core.errors import BadInput, CorruptData, MissingData
from ..core.settings import THREADS, cache_folder, progress, relative
from . import composer

BANDS, FRAMES = 48, 1876
SAMPLE_RATE, N_FFT, HOP = 16_000, 512, 256  # Hz, samples, samples
FLOOR = -100.0  # dB; what silence is
IN_MEMORY = 1e9  # bytes of mels that are held in memory; more are mapped from a file

#: Why a mel is set aside: the steps of `ledger` in the order of the checks.
STEPS = {
    "drop_missing": "Drop songs that have no mel.",
    "drop_pickled": "Drop pickled files: unpickling one would run what stands in it.",
    "drop_broken": "Drop files that are no whole .npy, most of them cut off.",
    "drop_other_shape": "Drop mels of another shape than 48 bands by 1,876 frames; 54 songs of 2022 fell here.",
    "drop_integers": "Drop mels of whole numbers where decibels belong.",
    "drop_no_numbers": "Drop mels with values that are no numbers.",
    "drop_no_sound": "Drop sound files that libsndfile does not read, or that hold nothing.",
    "drop_silence": "Drop mels that stay at the floor: nothing is heard.",
    "mix_to_mono": "Mix sound files of several channels down to one.",
    "resample": "Resample sound files to 16 kHz.",
    "take_the_start": "Take sound files shorter than 50 s from their start instead of seconds 20 to 50.",
    "pad": "Pad sound files shorter than 30 s with silence.",
    "shift_level": "Add 100 dB, so that silence is zero, as in 2022: done where models read a mel; the values here stay as they are.",
}
#: Seconds of a song that its mel covers, as in Kakao Arena.
START, SECONDS = 20, 30
#: Spectrum bins under each mel band, (48,), at least one.
_BINS = np.maximum((librosa.filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=BANDS) > 0).sum(1), 1).astype(np.float32)
_ARCHIVED = re.compile(r"(?:.*/)?arena_mel/\d+/(\d{1,9})\.npy")


def from_sound(sound: np.ndarray) -> np.ndarray:
    """Mel spectrogram in decibels.

    Parameters
    ----------
    sound
        Mono samples at 16 kHz, shape (480000,) for 30 s.

    Returns
    -------
    ndarray of shape (48, frames), float32
        Decibels relative to 1, at least `FLOOR`.
    """
    power = librosa.feature.melspectrogram(
        y=np.asarray(sound, np.float32), sr=SAMPLE_RATE, n_fft=N_FFT, hop_length=HOP, window="hann", n_mels=BANDS,
        htk=False, norm="slaney", power=2.0, center=True,
    )  # fmt: skip
    return librosa.power_to_db(power, ref=1.0, amin=10 ** (FLOOR / 10), top_db=None).astype(np.float32)


def band_centres() -> np.ndarray:
    """Centre of each mel band in hertz, shape (48,)."""
    return librosa.mel_frequencies(BANDS + 2, fmin=0, fmax=SAMPLE_RATE / 2, htk=False)[1:-1]


def path_of(folder: Path, song: int) -> Path:
    """Place of a song's mel, as in Kakao Arena: `arena_mel/{id//1000}/{id}.npy`."""
    return folder / "arena_mel" / str(song // 1000) / f"{song}.npy"


def _fault(mel: np.ndarray) -> tuple[str, str]:
    """Step that drops a mel and what is wrong with it; nothing where it is sound."""
    if mel.shape != (BANDS, FRAMES):
        return "drop_other_shape", f"has shape {mel.shape} where ({BANDS}, {FRAMES}) belongs"
    if not np.issubdtype(mel.dtype, np.floating):
        return "drop_integers", f"has type {mel.dtype} where float32 belongs"
    if not np.isfinite(mel).all():
        return "drop_no_numbers", "holds values that are no numbers"
    if mel.max() < FLOOR + 1e-3:
        return "drop_silence", "is silent throughout"
    return "", ""


def _examine(data: bytes | None) -> tuple[np.ndarray | None, str, str]:
    """Mel in the bytes of an .npy file, or else the step that drops it and what is wrong."""
    if data is None:
        return None, "drop_missing", "is missing"
    try:
        mel = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, MemoryError) as error:
        if "Object arrays" in str(error) or data.startswith(b"\x80"):  # the first byte of a bare pickle
            return None, "drop_pickled", "is pickled, not a whole .npy of plain numbers"
        return None, "drop_broken", "is not a whole .npy of plain numbers"
    step, wrong = _fault(mel)
    return None if step else np.ascontiguousarray(mel, np.float32), step, wrong


def read(path: Path) -> np.ndarray:
    """Read one mel file and check it.

    Returns
    -------
    ndarray of shape (48, 1876), float32

    Raises
    ------
    MissingData
        If the file is not there.
    CorruptData
        If one of the other `STEPS` drops it. It is never unpickled.
    """
    mel, step, wrong = _examine(path.read_bytes() if path.is_file() else None)
    if step:
        error = MissingData if step == "drop_missing" else CorruptData
        raise error(f"{relative(path)} {wrong}; extract it again from the arena_mel archives, or drop the song.")
    return mel


def _index(archive: Path) -> np.ndarray:
    """Place of each mel in a tar, (n, 3): song id, offset, bytes. Nothing is extracted; links and other names are left aside."""
    places = []
    broken = CorruptData(f"{relative(archive)} breaks off or is no tar archive; get that archive again.")
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                tar.members = []  # else all headers stay in memory
                if member.isreg() and (name := _ARCHIVED.fullmatch(member.name)):
                    places.append((int(name[1]), member.offset_data, member.size))
            tar.fileobj.seek(tar.offset)
            if tar.fileobj.read(512) != bytes(512):  # a whole tar ends in zeros
                raise broken
    except (tarfile.TarError, EOFError) as error:
        raise broken from error
    return np.array(places, np.int64).reshape(-1, 3)


def _archived(archives: list[Path], songs: list[int]) -> Callable[[int], bytes | None]:
    """Reader of songs' bytes straight from the arena_mel archives, whose index is kept in the cache."""

    def make(folder: Path) -> None:
        for number, archive in enumerate(progress(archives, desc="index arena_mel archives")):
            np.save(folder / f"{number}.npy", _index(archive), allow_pickle=False)

    states = [(a.name, a.stat().st_size, a.stat().st_mtime_ns) for a in archives]
    entry = artifacts.folder("mel_index", make, parameters={}, data=artifacts.fingerprint(states), code=[_index])
    wanted, places = set(songs), {}
    for number, archive in enumerate(archives):
        for song, offset, size in np.load(entry.path / f"{number}.npy", allow_pickle=False).tolist():
            if song in wanted:
                places[song] = archive, offset, size

    def get(song: int) -> bytes | None:
        if song not in places:
            return None
        archive, offset, size = places[song]
        with archive.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    return get


# A user's own sound files ----------------------------------------------------------------------------


def read_sound(path: Path) -> tuple[np.ndarray, list[str]]:
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
        raise MissingData(f"{relative(path)} is missing; put the sound file there, or drop the song.")
    try:
        with soundfile.SoundFile(path) as file:
            rate, length, channels = file.samplerate, file.frames, file.channels
            late = length >= (START + SECONDS) * rate
            file.seek(START * rate if late else 0)
            sound = file.read(SECONDS * rate, dtype="float32", always_2d=True).mean(1)
    except (soundfile.LibsndfileError, ValueError) as error:
        raise CorruptData(f"{relative(path)} is no sound that libsndfile reads; convert it, or drop the song.") from error
    if not len(sound):
        raise CorruptData(f"{relative(path)} is no sound: it holds no samples; get it again, or drop the song.")
    if not np.isfinite(sound).all():
        raise CorruptData(f"{relative(path)} holds values that are no numbers; get it again, or drop the song.")
    seconds = length / rate
    changes = {
        "mix_to_mono": f"has {channels} channels" if channels > 1 else "",
        "resample": f"has {rate:,} Hz" if rate != SAMPLE_RATE else "",
        "take_the_start": "" if late else f"lasts {seconds:.1f} s",
        "pad": f"lacks {SECONDS - seconds:.1f} s" if seconds < SECONDS else "",
    }
    if rate != SAMPLE_RATE:
        sound = librosa.resample(sound, orig_sr=rate, target_sr=SAMPLE_RATE)
    return librosa.util.fix_length(sound, size=SECONDS * SAMPLE_RATE), [f"{step}: {path.name} {how}" for step, how in changes.items() if how]


#: Gives a song's mel, or else the step that drops it and what is wrong; and what was changed.
_Reader = Callable[[int], tuple[np.ndarray | None, str, str, list[str]]]


def _stored(get: Callable[[int], bytes | None]) -> _Reader:
    """Reader of mels in the bytes of .npy files."""

    def read_one(song: int):
        mel, step, wrong = _examine(get(song))
        return mel, step, f"{path_of(Path(), song).as_posix()} {wrong}", []

    return read_one


def _heard(files: dict[str, Path]) -> _Reader:
    """Reader of mels made from sound files, {song id as text: file}."""

    def get(song: int):
        if str(song) not in files:
            return None, "drop_missing", f"audio has no file {song}", []
        try:
            sound, changes = read_sound(files[str(song)])
        except CorruptData as error:
            step = "drop_no_numbers" if "no numbers" in str(error) else "drop_no_sound"
            return None, step, str(error), []
        made = from_sound(sound)
        step, wrong = _fault(made)
        return (None, step, f"{files[str(song)].name} {wrong}", []) if step else (made, "", "", changes)

    return get


def _source(folder: Path, songs: list[int]) -> _Reader:
    """Reader of songs' mels: from the folder `arena_mel` where there is one, else from the archives, else from the sound files in `audio`."""
    if (folder / "arena_mel").is_dir():
        return _stored(lambda song: path_of(folder, song).read_bytes() if path_of(folder, song).is_file() else None)
    if archives := sorted(folder.glob("arena_mel_*.tar")):
        return _stored(_archived(archives, songs))
    if (folder / "audio").is_dir():
        return _heard({path.stem: path for path in sorted((folder / "audio").iterdir()) if path.is_file()})
    raise MissingData(
        f"{relative(folder)} has neither a folder arena_mel nor archives arena_mel_0.tar to arena_mel_39.tar nor a folder audio with sound files named "
        "by song id; put one of them there."
    )


# Many mels ------------------------------------------------------------------------------------------


def read_many(folder: Path, songs: list[int]) -> tuple[np.ndarray, dict[int, str], list[str]]:
    """Read the mels of songs, setting aside those that cannot be used.

    Parameters
    ----------
    folder
        Holds the folder `arena_mel` or the archives `arena_mel_*.tar` as Kakao Arena gives them, which are read in place; or a folder `audio`
        with a user's own sound files, `{song id}.flac` and the like, which are read by `read_sound`.
    songs
        Song ids.

    Returns
    -------
    mels : ndarray of shape (kept, 48, 1876), float32
        In the order of `songs`, without those in `dropped`. More than `IN_MEMORY` bytes are mapped from a file that goes with the array.
    dropped : dict
        Song id to the step that dropped it and the reason, "step: reason".
    changed : list of str
        What was done to sound files that are kept, "step: how".

    Raises
    ------
    MissingData
        If there are no mels at all.
    CorruptData
        If an archive is damaged.
    BadInput
        If no song has a usable mel.
    """
    get, dropped, changed = _source(folder, songs), {}, []
    cache_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=cache_folder()) as file:
        for song in songs:
            mel, step, wrong, changes = get(song)
            changed += changes
            if step:
                dropped[song] = f"{step}: {wrong}"
            else:
                file.write(mel)
        if len(dropped) == len(songs):
            raise BadInput(f"None of {len(songs)} songs has a usable mel under {relative(folder)}; look at the first: {next(iter(dropped.values()), '')}.")
        shape = (len(songs) - len(dropped), BANDS, FRAMES)
        if file.tell() > IN_MEMORY:
            return np.memmap(file, np.float32, "r+", shape=shape), dropped, changed
        file.seek(0)
        return np.fromfile(file, np.float32).reshape(shape), dropped, changed


def _forget(mels: np.ndarray) -> None:
    """Give the pages of mapped mels back to the system, so that memory holds a batch and not all that was ever read."""
    if isinstance(mels, np.memmap) and hasattr(mmap, "MADV_DONTNEED"):
        mels._mmap.madvise(mmap.MADV_DONTNEED)


def batch(mels: np.ndarray, rows: np.ndarray, starts: np.ndarray | None = None, frames: int = FRAMES) -> np.ndarray:
    """Stretches of some mels, copied; of mapped mels nothing else stays in memory.

    Parameters
    ----------
    mels
        All mels, (n, 48, 1876), decibels.
    rows
        Which of them, (batch,).
    starts
        First frame of each, (batch,); the beginning by default.
    frames
        Length of the stretches.

    Returns
    -------
    ndarray of shape (batch, 48, frames), float32, decibels
    """
    starts = np.zeros(len(rows), int) if starts is None else starts
    out = np.empty((len(rows), BANDS, frames), np.float32)
    for place, (row, start) in enumerate(zip(rows, starts, strict=True)):
        out[place] = mels[row, :, start : start + frames]
    _forget(mels)
    return out


def batches(n: int, size: int = 64) -> list[np.ndarray]:
    """Row numbers of n mels in order, `size` at a time."""
    return [np.arange(i, min(i + size, n)) for i in range(0, n, size)]


def fingerprint(mels: np.ndarray) -> str:
    """Return the sha256 of mels, read in batches."""
    digest = hashlib.sha256(str(mels.shape).encode())
    for rows in batches(len(mels)):
        digest.update(batch(mels, rows))
    return digest.hexdigest()


def with_noise(mels: np.ndarray, snr: float, rng: np.random.Generator) -> np.ndarray:
    """White noise added to mels (n, 48, frames) at a signal-to-noise ratio in decibels over the whole of each mel.

    Noise adds to power. The power of white noise in one frame of a band is the mean over the `_BINS` bins of that band, so it follows a gamma distribution.
    """
    power = 10 ** (mels / 10)
    level = power.mean((1, 2), keepdims=True) * 10 ** (-snr / 10)
    noise = level * rng.standard_gamma(_BINS[:, None], mels.shape).astype(np.float32) / _BINS[:, None]
    return (10 * np.log10(power + noise)).astype(np.float32)


def ledger(dropped: dict[int, str], changed: list[str], total: int) -> pd.DataFrame:
    """Account of the mels that were set aside and of what was done to the others, in the form of `cleaning.apply_rules`.

    Parameters
    ----------
    dropped, changed
        As `read_many` gives them.
    total
        Songs that were asked for.

    Returns
    -------
    DataFrame
        One row for each of `STEPS`: step, reason, rows_in, rows_out, dropped, changed, examples.
    """
    rows = []
    for step, reason in STEPS.items():
        examples = [why.removeprefix(f"{step}: ") for why in (*dropped.values(), *changed) if why.startswith(f"{step}: ")]
        fell = len(examples) if step.startswith("drop_") else 0
        rows.append((step, reason, total, total - fell, fell, len(examples) - fell, examples[:3]))
        total -= fell
    table = pd.DataFrame(rows, columns=["step", "reason", "rows_in", "rows_out", "dropped", "changed", "examples"])
    table.loc[table["step"] == "shift_level", "changed"] = total
    return table


def standardise(mels: np.ndarray) -> np.ndarray:
    """Shift by 100 dB as in 2022 and scale: -100 to 0 dB become about -1 to 1."""
    return (mels - FLOOR) / 50 - 1


def statistics(mels: np.ndarray) -> np.ndarray:
    """Mean, deviation and mean absolute difference over time of each band: (n, 48, frames) -> (n, 144)."""
    return np.concatenate([mels.mean(2), mels.std(2), np.abs(np.diff(mels, axis=2)).mean(2)], axis=1)


# The sample's sound ---------------------------------------------------------------------------------


def sung_emotions(first: np.ndarray, second: np.ndarray, ids: np.ndarray, contradiction: float, seed: int) -> np.ndarray:
    """Emotion vector that each song's sound is composed for.

    Parameters
    ----------
    first, second
        Emotion ids of the lyric's intent, second -1 where there is none.
    ids
        Song ids; a song's draw depends on its id alone, not on its neighbours.
    contradiction
        Share of songs whose sound says something else than the lyric.
    seed
        Seed of the draws.

    Returns
    -------
    ndarray of shape (n, 6)
    """
    weights = np.stack([composer.mixture(a, b) for a, b in zip(first, second, strict=True)])
    for row, song in enumerate(ids):
        rng = np.random.default_rng([seed, int(song)])
        if rng.random() < contradiction:
            other = rng.choice([e for e in range(weights.shape[1]) if e != first[row]])
            weights[row] = composer.mixture(int(other), -1)
    return weights


def composed_sound(song: int, weights: np.ndarray, seed: int, synthesis: str = "pretty_midi") -> np.ndarray:
    """Sound of one composed song, mono at 16 kHz: its id and the emotion vector (6,) it is composed for."""
    return composer.render(*composer.compose(weights, seed + song), seed + song, synthesis)


def _compose_one(song: int, weights: np.ndarray, seed: int, synthesis: str, folder: Path) -> None:
    path = path_of(folder, song)
    if not path.is_file():  # composed before an interruption
        with artifacts.replacing_file(path) as work:
            np.save(work, from_sound(composed_sound(song, weights, seed, synthesis)), allow_pickle=False)


def composed(ids: np.ndarray, weights: np.ndarray, seed: int, synthesis: str = "pretty_midi") -> artifacts.Entry:
    """Folder with the mels of composed songs, from the cache or composed now on all threads; what was interrupted goes on.

    Parameters
    ----------
    ids, weights
        Song ids (n,) and the emotion vectors (n, 6) that their sound is composed for.
    seed
        Seed of the composer; each song adds its id.
    synthesis
        One of `composer.SYNTHESES`.
    """

    def make(folder: Path, unfinished: Path) -> None:
        jobs = (joblib.delayed(_compose_one)(int(i), w, seed, synthesis, unfinished) for i, w in zip(ids, weights, strict=True))
        done = joblib.Parallel(n_jobs=THREADS, return_as="generator_unordered")(jobs)
        for _ in progress(done, desc="compose and extract mel", total=len(ids)):
            pass
        shutil.copytree(unfinished, folder, dirs_exist_ok=True)

    return artifacts.folder(
        "arena_mel",
        make,
        parameters={"seed": seed, "synthesis": synthesis, "rate": SAMPLE_RATE, "frame": N_FFT, "hop": HOP, "bands": BANDS, "floor": FLOOR},
        data=artifacts.fingerprint(np.asarray(ids), np.asarray(weights)),
        code=[composer, from_sound, composed_sound],
        resumable=True,
    )
