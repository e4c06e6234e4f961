"""A music database of a person's own files: tags, lyrics and sound, scored by the models of a run.

What a file gave is kept by its content in one SQLite file under `data/cache/own_music/`: only new and changed files are
read again, and an interrupted build goes on where it stopped. The folder itself is only read, and nothing outside it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from ..core import artifacts, emotions, vectors
from ..core.errors import BadInput, MissingData
from ..core.paths import OWN_MUSIC, cache_folder, run_folder
from ..core.runtime import progress
from ..data.cleaning import couplets, drop_without_words, strip_sections
from ..sound import networks
from ..text import bundled_e5, classifier, embeddings, encoders, onnx_model
from . import database, fusion, lyric_sources, lyric_table, tags
from .feature_store import FeatureStore
from .library_files import (
    BATCH,
    FORMATS,
    FileFeatures,
    MusicFile,
    _fingerprint,
    extract_features,
    find_files,
    lyric_beside,
)

#: Rows of the account of a build. Each file found is a song, a copy of one, or unreadable.
STATES = ("found", "songs", "copies", "unreadable", "without lyrics", "without sound", "misnamed")
#: Vector of a song without lyric or sound.
NO_VECTOR = [float("nan")] * emotions.N


# The folder -----------------------------------------------------------------------------------------


# What has been read ---------------------------------------------------------------------------------


# Hearing and reading --------------------------------------------------------------------------------


def _remembered(
    memory: FeatureStore,
    kind: str,
    texts: list[str],
    make: Callable[[list[str]], np.ndarray],
    width: int,
    desc: str,
) -> np.ndarray:
    """Vectors (n, width) of texts, nan for a blank one; what is not in memory is made, `BATCH` at a time."""
    keys = [artifacts.fingerprint(text) for text in texts]
    new = list(
        {
            key: text
            for key, text in zip(keys, texts, strict=True)
            if text and memory.get(kind, key) is None
        }.items()
    )
    with progress(total=len(new), desc=desc) as bar:
        for start in range(0, len(new), BATCH):
            batch = dict(new[start : start + BATCH])
            memory.keep(kind, dict(zip(batch, make(list(batch.values())).tolist(), strict=True)))
            bar.update(len(batch))
    nothing = [np.nan] * width
    return np.array(
        [memory.get(kind, key) if text else nothing for key, text in zip(keys, texts, strict=True)],
        np.float32,
    )


def read_lyrics(texts: list[str], model: Path, memory: FeatureStore) -> np.ndarray:
    """Emotion vectors (n, 6) of lyrics, the mean over their couplets, by the text classifier in a folder; nan for a blank lyric."""
    reader = functools.cache(lambda: onnx_model.load(model))  # not loaded where all is known

    def make(batch: list[str]) -> np.ndarray:
        return classifier.read_lyrics(reader(), [couplets(text) for text in batch])

    kind = (
        f"lyric {_fingerprint(model.name, *classifier.READING, onnx_model, couplets, read_lyrics)}"
    )
    return _remembered(memory, kind, texts, make, emotions.N, "read the lyrics")


def embed_lyrics(texts: list[str], memory: FeatureStore) -> np.ndarray:
    """Text embeddings (n, 384) of lyrics, what they are about; nan for a blank lyric."""
    encoder = functools.cache(lambda: encoders.load(bundled_e5.BUNDLED, texts))

    def make(batch: list[str]) -> np.ndarray:
        return embeddings.embed(encoder(), [text.replace("\n", " ") for text in batch])

    return _remembered(
        memory,
        f"embedding {_fingerprint(bundled_e5.BUNDLED, encoders)}",
        texts,
        make,
        database.EMBEDDING,
        "embed the lyrics",
    )


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
        raise MissingData(
            f"The run '{run}' has built no music database yet; run `make run RUN={run}`."
        )
    provenance = database.read(path).provenance
    if "mel_model" not in provenance:
        raise MissingData(
            f"The run '{run}' names no model of sound; choose another by --run, or run `make run RUN={run}` to make it anew."
        )
    text, sound = (
        cache_folder() / "classifier" / provenance["model"],
        cache_folder() / f"mel_{networks.CHOSEN}" / provenance["mel_model"],
    )
    if not (text.is_dir() and sound.is_dir()):
        raise MissingData(
            f"A model of the run '{run}' is gone from the cache; run `make run RUN={run}`."
        )
    return provenance, text, sound


def gather(
    files: list[MusicFile], heard: list[FileFeatures], memory: FeatureStore
) -> tuple[pd.DataFrame, dict[str, list[str]]]:
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
            text, doubt = (known.lyric, "") if known.lyric else lyric_beside(file, memory)
            names = {
                name: getattr(known, name)
                for name in ("title", "artist", "album", "genre", "year", "duration")
            }
            row = {
                "id": int(one.digest[:13], 16),
                **names,
                "path": str(file.path),
                "text": text,
                "mel": one.mel or NO_VECTOR,
            }
            rows.append({**row, "name": file.name, "fault": one.fault, "doubt": doubt})
    if not rows:
        raise BadInput(
            f"None of {len(files)} files can be read as music, the first: {account['unreadable'][0]}; name a folder of mp3, flac, ogg or wav files."
        )
    return pd.DataFrame(rows), account


def ask_online(
    songs: pd.DataFrame, provider: lyric_sources.Provider
) -> tuple[pd.DataFrame, list[str]]:
    """Songs with the lyrics that they lack, as far as a provider has them, and the names and reasons of those it failed for."""
    asked = songs.loc[songs["text"] == "", ["name", "title", "artist", "album", "duration"]].rename(
        columns={"name": "id"}
    )
    found, counts = lyric_table.collect(asked, provider)
    answers = songs["name"].map(found.drop_duplicates("id").set_index("id")["lyric"]).fillna("")
    return songs.assign(text=songs["text"].where(songs["text"] != "", answers)), counts.loc[
        "failed", "which"
    ]


def only_korean(songs: pd.DataFrame) -> pd.DataFrame:
    """Songs with lyrics without section words; one that is not Korean is left blank, since the classifier has nothing to read there."""
    songs = songs.assign(text=songs["text"].map(strip_sections))
    korean = songs.index.isin(drop_without_words(songs).index)
    return songs.assign(
        text=songs["text"].where(korean, ""),
        doubt=songs["doubt"].mask((songs["text"] != "") & ~korean, "its lyric is not Korean"),
    )


def settle(
    account: dict[str, list[str]], songs: pd.DataFrame, has_lyric: np.ndarray, has_sound: np.ndarray
) -> np.ndarray:
    """Enter into the account what each song is scored by, and return the mask (n,) of those that can be scored."""
    reasons = (
        songs["name"]
        + (" " + songs["fault"]).where(~has_sound, "")
        + (": " + songs["doubt"]).where(songs["doubt"] != "", "")
    )
    scored = has_lyric | has_sound
    account["songs"] = songs.loc[scored, "name"].tolist()
    account["unreadable"] += (
        reasons[~scored] + "; it has no lyric that can be read either"
    ).tolist()
    account["without lyrics"] = reasons[scored & ~has_lyric].tolist()
    account["without sound"] = reasons[scored & ~has_sound].tolist()
    return scored


def build(
    folder: Path,
    run: str = "default",
    *,
    provider: lyric_sources.Provider | None = None,
    out: Path | None = None,
) -> tuple[Path, pd.DataFrame]:
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
        raise BadInput(
            f"The run '{run}' is the one that is built here; name the run whose models score the songs, for example --run default."
        )
    files = find_files(folder.resolve())
    provenance, text_model, sound_model = models(run)
    with FeatureStore(cache_folder() / "own_music" / "memory.sqlite") as memory:
        songs, account = gather(files, extract_features(files, sound_model, memory), memory)
        if provider:
            songs, account["lyrics failed"] = ask_online(songs, provider)
        songs = only_korean(songs)
        texts = songs["text"].tolist()
        lyric, embedding = read_lyrics(texts, text_model, memory), embed_lyrics(texts, memory)
    sound = np.array(songs["mel"].tolist(), np.float32)
    scored = settle(account, songs, np.isfinite(lyric[:, 0]), np.isfinite(sound[:, 0]))
    if not scored.any():
        raise BadInput(
            f"None of {len(files)} files can be scored, the first: {account['unreadable'][0]}; add lyrics, or files that can be read as sound."
        )
    lyric, sound = lyric[scored], sound[scored]
    weights, (temperature,) = (
        np.array(json.loads(provenance["mel_weights"])),
        json.loads(provenance["mel_temperature"]),
    )
    corrected_lyric, corrected_sound = (
        fusion.correct_prior(vectors, fusion.class_prior(vectors)) for vectors in (lyric, sound)
    )
    fused = fusion.fuse(
        corrected_lyric, vectors.apply_temperature(corrected_sound, temperature), weights
    )
    origin = {"run": OWN_MUSIC, "profile": "own music", "scored by": run}
    origin |= {
        name: provenance[name] for name in ("model", "mel_model", "mel_temperature", "mel_weights")
    }
    database.build(
        path, database.MusicDatabase(songs[scored], lyric, sound, fused, embedding[scored], origin)
    )
    return path, pd.DataFrame({"files": {k: len(v) for k, v in account.items()}, "which": account})
