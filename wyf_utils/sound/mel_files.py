"""Mels of many songs, from a folder arena_mel, its archives, or audio files."""

from __future__ import annotations

import io
import re
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..core import artifacts
from ..core.errors import BadInput, CorruptData, MissingData
from ..core.paths import cache_folder, relative
from ..core.runtime import progress
from .audio_files import conversions, read_waveform
from .mel import BANDS, FLOOR, FRAMES, from_waveform

IN_MEMORY = 1e9  # bytes of mels that are held in memory; more are mapped from a file

#: Steps of `ledger` in the order of the checks, with their reasons.
STEPS = {
    "drop_missing": "Drop songs that have no mel.",
    "drop_pickled": "Drop pickled files: unpickling one would run the code in it.",
    "drop_broken": "Drop files that are no whole .npy, most of them cut off.",
    "drop_other_shape": "Drop mels of another shape than 48 bands by 1,876 frames; "
    "54 songs of 2022 fell here.",
    "drop_integers": "Drop mels of whole numbers where decibels belong.",
    "drop_no_numbers": "Drop mels with values that are no numbers.",
    "drop_no_sound": "Drop sound files that libsndfile does not read, or that hold nothing.",
    "drop_silence": "Drop mels that stay at the floor: they are silent.",
    "mix_to_mono": "Mix sound files of several channels down to one.",
    "resample": "Resample sound files to 16 kHz.",
    "take_the_start": "Take sound files shorter than 50 s from their start "
    "instead of seconds 20 to 50.",
    "pad": "Pad sound files shorter than 30 s with silence.",
    "shift_level": "Add 100 dB, so that silence is zero, as in 2022: done where models read a "
    "mel; the values here stay as they are.",
}


def path_of(folder: Path, song: int) -> Path:
    """Return the path of a song's mel, as in Kakao Arena: `arena_mel/{id//1000}/{id}.npy`."""
    return folder / "arena_mel" / str(song // 1000) / f"{song}.npy"


def mel_fault(mel: np.ndarray) -> tuple[str, str]:
    """Return the step of `STEPS` that drops a mel and the reason, both empty for a usable mel."""
    if mel.shape != (BANDS, FRAMES):
        return "drop_other_shape", f"has shape {mel.shape} where ({BANDS}, {FRAMES}) belongs"
    if not np.issubdtype(mel.dtype, np.floating):
        return "drop_integers", f"has type {mel.dtype} where float32 belongs"
    if not np.isfinite(mel).all():
        return "drop_no_numbers", "holds values that are no numbers"
    if mel.max() < FLOOR + 1e-3:
        return "drop_silence", "is silent throughout"
    return "", ""


class _Reading(NamedTuple):
    """Mel of a song with its conversions, or the step that drops it and the reason."""

    mel: np.ndarray | None
    step: str = ""
    reason: str = ""
    changes: Sequence[str] = ()


_Reader = Callable[[int], _Reading]  # of a song id


def _parse_npy(data: bytes | None) -> _Reading:
    """Parse the bytes of an .npy file without unpickling."""
    if data is None:
        return _Reading(None, "drop_missing", "is missing")
    try:
        mel = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, MemoryError) as error:
        starts_as_pickle = data.startswith(b"\x80")
        if starts_as_pickle or "Object arrays" in str(error):
            return _Reading(None, "drop_pickled", "is pickled, not a whole .npy of plain numbers")
        return _Reading(None, "drop_broken", "is not a whole .npy of plain numbers")
    step, reason = mel_fault(mel)
    return _Reading(None if step else np.ascontiguousarray(mel, np.float32), step, reason)


def _npy_reader(read_bytes: Callable[[int], bytes | None]) -> _Reader:
    def read(song: int) -> _Reading:
        reading = _parse_npy(read_bytes(song))
        name = path_of(Path(), song).as_posix()
        return reading._replace(reason=f"{name} {reading.reason}")

    return read


def _audio_reader(files: dict[str, Path]) -> _Reader:
    """Extract mels from audio files, {song id as text: file}."""

    def read(song: int) -> _Reading:
        path = files.get(str(song))
        if path is None:
            return _Reading(None, "drop_missing", f"audio has no file {song}")
        try:
            mel = from_waveform(read_waveform(path))
        except CorruptData as error:
            step = "drop_no_numbers" if "no numbers" in str(error) else "drop_no_sound"
            return _Reading(None, step, str(error))
        step, reason = mel_fault(mel)
        if step:
            return _Reading(None, step, f"{path.name} {reason}")
        return _Reading(mel, changes=conversions(path))

    return read


_ARCHIVED = re.compile(r"(?:.*/)?arena_mel/\d+/(\d{1,9})\.npy")


def _index(archive: Path) -> np.ndarray:
    """List song id, offset and bytes (n, 3) of the mels in a tar; links are ignored."""
    places = []
    broken = CorruptData(
        f"{relative(archive)} breaks off or is no tar archive; get that archive again."
    )
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


def _indexes(archives: list[Path]) -> list[np.ndarray]:
    """Return `_index` of each archive from the cache."""

    def make(folder: Path) -> None:
        for number, archive in enumerate(progress(archives, desc="index arena_mel archives")):
            np.save(folder / f"{number}.npy", _index(archive), allow_pickle=False)

    states = [(a.name, a.stat().st_size, a.stat().st_mtime_ns) for a in archives]
    data = artifacts.fingerprint(states)
    folder = artifacts.get_or_create("mel_index", make, parameters={}, data=data).path
    return [np.load(folder / f"{i}.npy", allow_pickle=False) for i in range(len(archives))]


def _archive_reader(archives: list[Path], songs: list[int]) -> _Reader:
    """Read mels in place from arena_mel archives; nothing is extracted."""
    wanted, places = set(songs), {}
    for archive, index in zip(archives, _indexes(archives), strict=True):
        for song, offset, size in index.tolist():
            if song in wanted:
                places[song] = archive, offset, size

    def read_bytes(song: int) -> bytes | None:
        if song not in places:
            return None
        archive, offset, size = places[song]
        with archive.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    return _npy_reader(read_bytes)


def _folder_reader(folder: Path) -> _Reader:
    def read_bytes(song: int) -> bytes | None:
        path = path_of(folder, song)
        return path.read_bytes() if path.is_file() else None

    return _npy_reader(read_bytes)


def _reader(folder: Path, songs: list[int]) -> _Reader:
    """Choose the source of mels: the folder arena_mel, else archives, else audio files."""
    if (folder / "arena_mel").is_dir():
        return _folder_reader(folder)
    if archives := sorted(folder.glob("arena_mel_*.tar")):
        return _archive_reader(archives, songs)
    if (folder / "audio").is_dir():
        paths = sorted((folder / "audio").iterdir())
        return _audio_reader({path.stem: path for path in paths if path.is_file()})
    raise MissingData(
        f"{relative(folder)} has neither a folder arena_mel nor archives arena_mel_0.tar to "
        "arena_mel_39.tar nor a folder audio with sound files named by song id; put one of them "
        "there."
    )


def read_mels(folder: Path, songs: list[int]) -> tuple[np.ndarray, dict[int, str], list[str]]:
    """Read the usable mels of songs.

    Parameters
    ----------
    folder
        Holds the folder `arena_mel` or the archives `arena_mel_*.tar` of Kakao Arena, or a
        folder `audio` of a user's own files, `{song id}.flac` and the like.
    songs
        Song ids.

    Returns
    -------
    mels : ndarray of shape (n, 48, 1876), float32
        Decibels, in the order of `songs` without those in `dropped`. More than `IN_MEMORY`
        bytes are mapped from a temporary file.
    dropped : dict
        Song id to "step: reason".
    changed : list of str
        Conversions of the audio files that were used, "step: reason".

    Raises
    ------
    MissingData
        If the folder has no source of mels.
    CorruptData
        If an archive is damaged.
    BadInput
        If no song has a usable mel.
    """
    read, dropped, changed = _reader(folder, songs), {}, []
    cache_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=cache_folder()) as file:
        for song in songs:
            reading = read(song)
            changed += reading.changes
            if reading.step:
                dropped[song] = f"{reading.step}: {reading.reason}"
            else:
                file.write(reading.mel)
        if len(dropped) == len(songs):
            raise BadInput(
                f"None of {len(songs)} songs has a usable mel under {relative(folder)}; "
                f"look at the first: {next(iter(dropped.values()), '')}."
            )
        shape = (len(songs) - len(dropped), BANDS, FRAMES)
        if file.tell() > IN_MEMORY:
            return np.memmap(file, np.float32, "r+", shape=shape), dropped, changed
        file.seek(0)
        return np.fromfile(file, np.float32).reshape(shape), dropped, changed


def ledger(dropped: dict[int, str], changed: list[str], total: int) -> pd.DataFrame:
    """Tabulate dropped and converted songs by step, in the form of `cleaning.apply_rules`.

    Parameters
    ----------
    dropped, changed
        From `read_mels`.
    total
        Number of songs that were passed to it.

    Returns
    -------
    DataFrame
        A row for each of `STEPS`: step, reason, rows_in, rows_out, dropped, changed, examples.
    """
    rows = []
    for step, reason in STEPS.items():
        prefix = f"{step}: "
        notes = [note for note in (*dropped.values(), *changed) if note.startswith(prefix)]
        fell = len(notes) if step.startswith("drop_") else 0
        examples = [note.removeprefix(prefix) for note in notes[:3]]
        rows.append((step, reason, total, total - fell, fell, len(notes) - fell, examples))
        total -= fell
    columns = ["step", "reason", "rows_in", "rows_out", "dropped", "changed", "examples"]
    table = pd.DataFrame(rows, columns=columns)
    table.loc[table["step"] == "shift_level", "changed"] = total
    return table
