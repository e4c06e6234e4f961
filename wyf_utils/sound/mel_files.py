"""Mels of many songs: from Kakao Arena, from its archives, from sound files; what is set aside and why."""

from __future__ import annotations

import io
import re
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from ..core import artifacts
from ..core.errors import BadInput, CorruptData, MissingData
from ..core.paths import cache_folder, relative
from ..core.runtime import progress
from .audio_files import read_waveform
from .mel import BANDS, FLOOR, FRAMES, from_waveform

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

_ARCHIVED = re.compile(r"(?:.*/)?arena_mel/\d+/(\d{1,9})\.npy")


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
        if "Object arrays" in str(error) or data.startswith(
            b"\x80"
        ):  # the first byte of a bare pickle
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
        raise error(
            f"{relative(path)} {wrong}; extract it again from the arena_mel archives, or drop the song."
        )
    return mel


def _index(archive: Path) -> np.ndarray:
    """Place of each mel in a tar, (n, 3): song id, offset, bytes. Nothing is extracted; links and other names are left aside."""
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


def _archived(archives: list[Path], songs: list[int]) -> Callable[[int], bytes | None]:
    """Reader of songs' bytes straight from the arena_mel archives, whose index is kept in the cache."""

    def make(folder: Path) -> None:
        for number, archive in enumerate(progress(archives, desc="index arena_mel archives")):
            np.save(folder / f"{number}.npy", _index(archive), allow_pickle=False)

    states = [(a.name, a.stat().st_size, a.stat().st_mtime_ns) for a in archives]
    entry = artifacts.get_or_create(
        "mel_index", make, parameters={}, data=artifacts.fingerprint(states), code=[_index]
    )
    wanted, places = set(songs), {}
    for number, archive in enumerate(archives):
        for song, offset, size in np.load(
            entry.path / f"{number}.npy", allow_pickle=False
        ).tolist():
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
            sound, changes = read_waveform(files[str(song)])
        except CorruptData as error:
            step = "drop_no_numbers" if "no numbers" in str(error) else "drop_no_sound"
            return None, step, str(error), []
        made = from_waveform(sound)
        step, wrong = _fault(made)
        return (
            (None, step, f"{files[str(song)].name} {wrong}", [])
            if step
            else (made, "", "", changes)
        )

    return get


def _source(folder: Path, songs: list[int]) -> _Reader:
    """Reader of songs' mels: from the folder `arena_mel` where there is one, else from the archives, else from the sound files in `audio`."""
    if (folder / "arena_mel").is_dir():
        return _stored(
            lambda song: (
                path_of(folder, song).read_bytes() if path_of(folder, song).is_file() else None
            )
        )
    if archives := sorted(folder.glob("arena_mel_*.tar")):
        return _stored(_archived(archives, songs))
    if (folder / "audio").is_dir():
        return _heard(
            {path.stem: path for path in sorted((folder / "audio").iterdir()) if path.is_file()}
        )
    raise MissingData(
        f"{relative(folder)} has neither a folder arena_mel nor archives arena_mel_0.tar to arena_mel_39.tar nor a folder audio with sound files named "
        "by song id; put one of them there."
    )


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
            raise BadInput(
                f"None of {len(songs)} songs has a usable mel under {relative(folder)}; look at the first: {next(iter(dropped.values()), '')}."
            )
        shape = (len(songs) - len(dropped), BANDS, FRAMES)
        if file.tell() > IN_MEMORY:
            return np.memmap(file, np.float32, "r+", shape=shape), dropped, changed
        file.seek(0)
        return np.fromfile(file, np.float32).reshape(shape), dropped, changed


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
        examples = [
            why.removeprefix(f"{step}: ")
            for why in (*dropped.values(), *changed)
            if why.startswith(f"{step}: ")
        ]
        fell = len(examples) if step.startswith("drop_") else 0
        rows.append((step, reason, total, total - fell, fell, len(examples) - fell, examples[:3]))
        total -= fell
    table = pd.DataFrame(
        rows, columns=["step", "reason", "rows_in", "rows_out", "dropped", "changed", "examples"]
    )
    table.loc[table["step"] == "shift_level", "changed"] = total
    return table
