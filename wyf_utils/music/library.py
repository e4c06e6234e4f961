"""A music database of a person's own files: tags, lyrics and sound, scored by the models of a run.

What a file gave is kept by its content in one SQLite file under `data/cache/own_music/`: only new and changed files are
read again, and an interrupted build goes on where it stopped. The folder itself is only read, and nothing outside it.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import soundfile
from torch import nn

from ..core import artifacts, emotions
from ..core.errors import BadInput, CorruptData, MissingData, WyfError
from ..core.settings import OWN_MUSIC, THREADS, cache_folder, device, progress, relative, run_folder
from ..data.cleaning import couplets, drop_without_words, strip_sections, tidy
from ..sound import mel, networks
from ..text import classifier, encoders, onnx_model
from . import database, fusion, lyric_sources, tags

#: Endings of sound files with the format that belongs to each in libsndfile, blank where it reads no such files.
FORMATS = {
    ".mp3": "MP3", ".flac": "FLAC", ".ogg": "OGG", ".oga": "OGG", ".opus": "OGG", ".wav": "WAV", ".aif": "AIFF", ".aiff": "AIFF",
    ".m4a": "", ".aac": "", ".wma": "", ".ape": "", ".wv": "", ".mpc": "",
}  # fmt: skip
#: Rows of the account of a build. Each file found is a song, a copy of one, or unreadable.
STATES = ("found", "songs", "copies", "unreadable", "without lyrics", "without sound", "misnamed")
#: Vector of a song without lyric or sound.
NOTHING = [float("nan")] * emotions.N
BATCH = 16  # files whose mels are held at once, 360 kB each


# The folder -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MusicFile:
    """A sound file, its name within the folder, and the text beside it."""

    path: Path
    name: str
    text: Path | None


def find(folder: Path) -> list[MusicFile]:
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
        texts = {tags.same_stem(path.name): path for ending in (".lrc", ".txt") for path in plain if path.suffix.lower() == ending}  # .txt goes first
        files += [MusicFile(path, _shown(path, folder), texts.get(tags.same_stem(path.name))) for path in plain if path.suffix.lower() in FORMATS]
    if not files:
        raise MissingData(f"{relative(folder)} holds no music ({', '.join(FORMATS)}); name a folder that does.")
    return files


def _shown(path: Path, folder: Path) -> str:
    """Name of a file within a folder that can be printed: a name need not be UTF-8, and may hold control characters."""
    return tidy(os.fsencode(path.relative_to(folder).as_posix()).decode(errors="replace"))


# What has been read ---------------------------------------------------------------------------------


class Memory:
    """What files gave, by kind and key, as JSON in one SQLite file.

    Raises
    ------
    CorruptData
        If the file is damaged, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=60)
        with self._said():
            self._connection.execute("CREATE TABLE IF NOT EXISTS memory (kind TEXT, key TEXT, value TEXT, PRIMARY KEY (kind, key))")

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *_) -> None:
        self._connection.close()

    @contextmanager
    def _said(self):
        try:
            yield
        except sqlite3.Error as error:
            raise CorruptData(f"{relative(self._path)} cannot be used ({error}); free some space or delete it, and build again.") from error

    def get(self, kind: str, key: str):
        """Value under a key, None where there is none."""
        with self._said():
            row = self._connection.execute("SELECT value FROM memory WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return json.loads(row[0]) if row else None

    def keep(self, kind: str, values: dict) -> None:
        """Keep values by key, all or none of them."""
        rows = [(kind, key, json.dumps(value, ensure_ascii=False)) for key, value in values.items()]
        with self._said(), self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO memory VALUES (?, ?, ?)", rows)

    def digest(self, path: Path) -> str:
        """Hex sha256 of a file, which is read only where its size or its time of change is another than last time."""
        status = path.stat()
        state = [status.st_size, status.st_mtime_ns]
        known = self.get("file", str(path))
        if known and known[:2] == state:
            return known[2]
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self.keep("file", {str(path): [*state, digest]})
        return digest


# Hearing and reading --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heard:
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
        made = mel.from_sound(mel.read_sound(path)[0])
        about["format"] = soundfile.info(path).format
    except WyfError as error:
        return about | {"fault": str(error).removeprefix(f"{relative(path)} ")}, None
    except Exception as error:  # whatever a decoder makes of a broken file, it costs this file only
        return about | {"fault": f"cannot be heard ({type(error).__name__}); convert it"}, None
    about["fault"] = mel._fault(made)[1]
    return about, None if about["fault"] else made


def _sound_vectors(model: nn.Module, mels: list[np.ndarray]) -> list[list[float]]:
    """Emotion vectors of mels, six numbers each."""
    material = networks.Material(np.stack(mels), np.full(len(mels), "test"))
    return networks.predict(model, material, np.arange(len(mels))).tolist()


def hear(files: list[MusicFile], model: Path, memory: Memory) -> list[Heard]:
    """Tags and emotion vectors of sound files, by the mel model in a folder; only what is not in memory is read."""
    kind = f"heard {_fingerprint(model.name, tags, mel.read_sound, mel.from_sound, networks.predict, _examine)}"
    network, heard = networks._with_weights(networks.NETWORKS[networks.CHOSEN](0).to(device()), model).eval(), []
    bar = progress(total=len(files), desc="hear the music")
    with bar, joblib.Parallel(n_jobs=THREADS, prefer="threads") as workers:
        for start in range(0, len(files), BATCH):
            batch = files[start : start + BATCH]
            digests = [_digest(file.path, memory) for file in batch]
            new = {digest: file.path for digest, file in zip(digests, batch, strict=True) if digest and memory.get(kind, digest) is None}
            with _without_notes():
                examined = workers(joblib.delayed(_examine)(path) for path in new.values())
            if mels := [sound for _, sound in examined if sound is not None]:
                vectors = iter(_sound_vectors(network, mels))
                examined = [(about | {"mel": next(vectors)} if sound is not None else about, sound) for about, sound in examined]
            memory.keep(kind, {digest: about for digest, (about, _) in zip(new, examined, strict=True)})
            heard += [_recalled(digest, memory.get(kind, digest) if digest else None) for digest in digests]
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


def _digest(path: Path, memory: Memory) -> str:
    """Digest of a file, blank where it cannot be opened."""
    try:
        return memory.digest(path)
    except (OSError, UnicodeEncodeError):
        return ""


def _recalled(digest: str, about: dict | None) -> Heard:
    if about is None:
        return Heard("", tags.Tags(), None, "cannot be opened; check its rights, and that its name is UTF-8", "")
    return Heard(digest, **(about | {"tags": tags.Tags(**about["tags"])}))


def _remembered(memory: Memory, kind: str, texts: list[str], make: Callable[[list[str]], np.ndarray], width: int, desc: str) -> np.ndarray:
    """Vectors (n, width) of texts, nan for a blank one; what is not in memory is made, `BATCH` at a time."""
    keys = [artifacts.fingerprint(text) for text in texts]
    new = list({key: text for key, text in zip(keys, texts, strict=True) if text and memory.get(kind, key) is None}.items())
    with progress(total=len(new), desc=desc) as bar:
        for start in range(0, len(new), BATCH):
            batch = dict(new[start : start + BATCH])
            memory.keep(kind, dict(zip(batch, make(list(batch.values())).tolist(), strict=True)))
            bar.update(len(batch))
    nothing = [np.nan] * width
    return np.array([memory.get(kind, key) if text else nothing for key, text in zip(keys, texts, strict=True)], np.float32)


def read_lyrics(texts: list[str], model: Path, memory: Memory) -> np.ndarray:
    """Emotion vectors (n, 6) of lyrics, the mean over their couplets, by the text classifier in a folder; nan for a blank lyric."""
    reader = functools.cache(lambda: onnx_model.load(model))  # not loaded where all is known

    def make(batch: list[str]) -> np.ndarray:
        return classifier.read_lyrics(reader(), [couplets(text) for text in batch])

    kind = f"lyric {_fingerprint(model.name, *classifier.READING, onnx_model, couplets, read_lyrics)}"
    return _remembered(memory, kind, texts, make, emotions.N, "read the lyrics")


def embed_lyrics(texts: list[str], memory: Memory) -> np.ndarray:
    """Text embeddings (n, 384) of lyrics, what they are about; nan for a blank lyric."""
    encoder = functools.cache(lambda: encoders.load(encoders.BUNDLED, texts))

    def make(batch: list[str]) -> np.ndarray:
        return encoders.embed(encoder(), [text.replace("\n", " ") for text in batch])

    return _remembered(memory, f"embedding {_fingerprint(encoders.BUNDLED, encoders)}", texts, make, database.EMBEDDING, "embed the lyrics")


def text_beside(file: MusicFile, memory: Memory) -> tuple[str, str]:
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


# The database ---------------------------------------------------------------------------------------


def models(run: str) -> tuple[dict[str, str], Path, Path]:
    """Provenance of a run's music database, the folder of its text classifier, and that of its mel model.

    Raises
    ------
    MissingData
        If the run has not been made, has no model of sound, or a model has left the cache.
    """
    path = run_folder(run) / database.NAME
    if not path.is_file():
        raise MissingData(f"The run '{run}' has built no music database yet; run `make run RUN={run}`.")
    provenance = database.read(path).provenance
    if "mel_model" not in provenance:
        raise MissingData(f"The run '{run}' names no model of sound; choose another by --run, or run `make run RUN={run}` to make it anew.")
    text, sound = cache_folder() / "classifier" / provenance["model"], cache_folder() / f"mel_{networks.CHOSEN}" / provenance["mel_model"]
    if not (text.is_dir() and sound.is_dir()):
        raise MissingData(f"A model of the run '{run}' is gone from the cache; run `make run RUN={run}`.")
    return provenance, text, sound


def gather(files: list[MusicFile], heard: list[Heard], memory: Memory) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Songs of the files, one for each content, and the account of what is none.

    Returns
    -------
    songs : DataFrame
        Columns id (from the content), title, artist, album, genre, year, duration, path, text (the lyric, blank where there is none), mel (six numbers, nan
        where there is no sound); for the account name, fault (why there is no sound) and doubt (why there is no lyric).
    account : dict
        Names, with reasons, by `STATES`.
    """
    rows, account, first = [], {state: [] for state in STATES}, {}
    for file, one in zip(files, heard, strict=True):
        account["found"].append(file.name)
        if not one.is_music:
            account["unreadable"].append(f"{file.name} {one.fault}")
        elif one.digest in first:
            account["copies"].append(f"{file.name} is {first[one.digest]}")
        else:
            first[one.digest] = file.name
            if one.format and not one.format.startswith(FORMATS[file.path.suffix.lower()] or "?"):
                account["misnamed"].append(f"{file.name} holds {one.format}")
            known = tags.named(one.tags, file.path.stem)
            text, doubt = (known.lyric, "") if known.lyric else text_beside(file, memory)
            names = {name: getattr(known, name) for name in ("title", "artist", "album", "genre", "year", "duration")}
            row = {"id": int(one.digest[:13], 16), **names, "path": str(file.path), "text": text, "mel": one.mel or NOTHING}
            rows.append({**row, "name": file.name, "fault": one.fault, "doubt": doubt})
    if not rows:
        raise BadInput(f"None of {len(files)} files can be read as music, the first: {account['unreadable'][0]}; name a folder of mp3, flac, ogg or wav files.")
    return pd.DataFrame(rows), account


def ask_online(songs: pd.DataFrame, provider: lyric_sources.Provider) -> tuple[pd.DataFrame, list[str]]:
    """Songs with the lyrics that they lack, as far as a provider has them, and the names and reasons of those it failed for."""
    asked = songs.loc[songs["text"] == "", ["name", "title", "artist", "album", "duration"]].rename(columns={"name": "id"})
    found, counts = lyric_sources.collect(asked, provider)
    answers = songs["name"].map(found.drop_duplicates("id").set_index("id")["lyric"]).fillna("")
    return songs.assign(text=songs["text"].where(songs["text"] != "", answers)), counts.loc["failed", "which"]


def only_korean(songs: pd.DataFrame) -> pd.DataFrame:
    """Songs with lyrics without section words; one that is not Korean is left blank, since the classifier has nothing to read there."""
    songs = songs.assign(text=songs["text"].map(strip_sections))
    korean = songs.index.isin(drop_without_words(songs).index)
    return songs.assign(text=songs["text"].where(korean, ""), doubt=songs["doubt"].mask((songs["text"] != "") & ~korean, "its lyric is not Korean"))


def settle(account: dict[str, list[str]], songs: pd.DataFrame, has_lyric: np.ndarray, has_sound: np.ndarray) -> np.ndarray:
    """Enter into the account what each song is scored by, and return the mask (n,) of those that can be scored."""
    reasons = songs["name"] + (" " + songs["fault"]).where(~has_sound, "") + (": " + songs["doubt"]).where(songs["doubt"] != "", "")
    scored = has_lyric | has_sound
    account["songs"] = songs.loc[scored, "name"].tolist()
    account["unreadable"] += (reasons[~scored] + "; it has no lyric that can be read either").tolist()
    account["without lyrics"] = reasons[scored & ~has_lyric].tolist()
    account["without sound"] = reasons[scored & ~has_sound].tolist()
    return scored


def build(folder: Path, run: str = "default", *, provider: lyric_sources.Provider | None = None, out: Path | None = None) -> tuple[Path, pd.DataFrame]:
    """Make the music database of a person's own files.

    Parameters
    ----------
    folder
        Folder of mp3, flac, ogg or wav files, in subfolders too.
    run
        Run whose models and weights score the songs.
    provider
        Who is asked for the lyrics that neither a tag nor a text beside the file gives; nobody by default.
    out
        Folder of the database; that of the run `music` by default.

    Returns
    -------
    path : Path
        The database.
    account : DataFrame
        One row for each of `STATES`, which is its index: files (how many) and which (names, with reasons).

    Raises
    ------
    MissingData
        If the folder has no music, or the run no models.
    BadInput
        If no file can be scored, or the run is the one that is built.
    NoRoom
        If the disk is full; the old database stays.
    """
    path = (out or run_folder(OWN_MUSIC)) / database.NAME
    if path == run_folder(run) / database.NAME:
        raise BadInput(f"The run '{run}' is the one that is built here; name the run whose models score the songs, for example --run default.")
    files = find(folder.resolve())
    provenance, text_model, sound_model = models(run)
    with Memory(cache_folder() / "own_music" / "memory.sqlite") as memory:
        songs, account = gather(files, hear(files, sound_model, memory), memory)
        if provider:
            songs, account["lyrics failed"] = ask_online(songs, provider)
        songs = only_korean(songs)
        texts = songs["text"].tolist()
        lyric, embedding = read_lyrics(texts, text_model, memory), embed_lyrics(texts, memory)
    sound = np.array(songs["mel"].tolist(), np.float32)
    scored = settle(account, songs, np.isfinite(lyric[:, 0]), np.isfinite(sound[:, 0]))
    if not scored.any():
        raise BadInput(f"None of {len(files)} files can be scored, the first: {account['unreadable'][0]}; add lyrics, or files that can be read as sound.")
    lyric, sound = lyric[scored], sound[scored]
    weights, (temperature,) = np.array(json.loads(provenance["mel_weights"])), json.loads(provenance["mel_temperature"])
    corrected_lyric, corrected_sound = (fusion.correct(vectors, fusion.prior(vectors)) for vectors in (lyric, sound))
    fused = fusion.fuse(corrected_lyric, classifier.tempered(corrected_sound, temperature), weights)
    origin = {"run": OWN_MUSIC, "profile": "own music", "scored by": run}
    origin |= {name: provenance[name] for name in ("model", "mel_model", "mel_temperature", "mel_weights")}
    database.build(path, database.MusicDatabase(songs[scored], lyric, sound, fused, embedding[scored], origin))
    return path, pd.DataFrame({"files": {k: len(v) for k, v in account.items()}, "which": account})
