"""A music database of a person's own files, scored by the models of a run.

Features are kept by file content in `data/cache/own_music/memory.sqlite`: a build reads new and
changed files only, and continues after an interruption. Nothing is written into the folder.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from ..core import artifacts, emotions
from ..core.code_digest import code_digest
from ..core.errors import BadInput, MissingData
from ..core.paths import OWN_MUSIC, cache_folder, run_folder
from ..core.runtime import progress
from ..core.vectors import apply_temperature
from ..data.cleaning import drop_without_words, strip_sections
from ..sound import networks
from ..text import bundled_e5, embeddings, encoders, lyric_reader
from . import database, fusion, lyric_sources, lyric_table, tags
from .feature_store import FeatureStore
from .library_files import (
    BATCH,
    FORMATS,
    FileFeatures,
    MusicFile,
    extract_features,
    find_files,
    lyric_beside,
)

#: Rows of a build's account. Each file found is a song, a copy of one, or unreadable.
STATES = ("found", "songs", "copies", "unreadable", "without lyrics", "without sound", "misnamed")
#: Vector of a song without usable sound.
NO_VECTOR = [float("nan")] * emotions.N


def _remembered(
    memory: FeatureStore,
    kind: str,
    texts: list[str],
    make: Callable[[list[str]], np.ndarray],
    width: int,
    desc: str,
) -> np.ndarray:
    """Vectors (n, width) of texts, nan for blank ones; unknown ones are made, `BATCH` at a time."""
    keys = [artifacts.fingerprint(text) for text in texts]
    new = {
        key: text
        for key, text in zip(keys, texts, strict=True)
        if text and memory.get(kind, key) is None
    }
    rest = list(new.items())
    with progress(total=len(rest), desc=desc) as bar:
        for start in range(0, len(rest), BATCH):
            batch = dict(rest[start : start + BATCH])
            memory.keep(kind, dict(zip(batch, make(list(batch.values())).tolist(), strict=True)))
            bar.update(len(batch))
    blank = [np.nan] * width
    rows = zip(keys, texts, strict=True)
    return np.array([memory.get(kind, key) if text else blank for key, text in rows], np.float32)


def read_lyrics(texts: list[str], model: Path, memory: FeatureStore) -> np.ndarray:
    """Predict emotion vectors (n, 6) of lyrics by a lyric reader; nan for a blank lyric."""
    loaded = functools.cache(lambda: lyric_reader.load(model))  # for new lyrics only
    kind = f"lyric {artifacts.fingerprint(model.name, code_digest(read_lyrics))[:16]}"
    return _remembered(
        memory, kind, texts, lambda batch: loaded().predict(batch), emotions.N, "read the lyrics"
    )


def embed_lyrics(texts: list[str], memory: FeatureStore) -> np.ndarray:
    """Embed lyrics, (n, 384); nan for a blank lyric."""
    encoder = functools.cache(lambda: encoders.load(bundled_e5.BUNDLED, texts))

    def make(batch: list[str]) -> np.ndarray:
        return embeddings.embed(encoder(), [text.replace("\n", " ") for text in batch])

    kind = f"embedding {code_digest(embed_lyrics)[:16]}"
    return _remembered(memory, kind, texts, make, database.EMBEDDING, "embed the lyrics")


def models(run: str) -> tuple[dict[str, str], Path, Path]:
    """Find a run's provenance and the folders of its lyric reader and mel network.

    Raises
    ------
    MissingData
        If the run has not been made, has no mel network, or a model has left the cache.
    """
    path = run_folder(run) / database.NAME
    remedy = f"run `make run RUN={run}`"
    if not path.is_file():
        raise MissingData(f"The run '{run}' has built no music database yet; {remedy}.")
    provenance = database.read(path).provenance
    if "mel_model" not in provenance:
        raise MissingData(
            f"The run '{run}' names no model of sound; choose another by --run, or {remedy} to "
            "make it anew."
        )
    text = cache_folder() / "lyric_reader" / provenance.get("lyric_model", "")
    sound = cache_folder() / f"mel_{networks.CHOSEN}" / provenance["mel_model"]
    if not provenance.get("lyric_model") or not (text.is_dir() and sound.is_dir()):
        raise MissingData(f"A model of the run '{run}' is gone from the cache; {remedy}.")
    return provenance, text, sound


def collect_songs(
    files: list[MusicFile], features: list[FileFeatures], memory: FeatureStore
) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Gather the songs of files, one for each audio content, and the account of the others.

    A song's id is the start of the digest of its audio without tags. It stays when a tag, the
    file name or the lyric is corrected, and with it the likes and skips. Files that differ in
    tags only are copies of one song.

    Returns
    -------
    songs : DataFrame
        Columns id, title, artist, album, genre, year, duration (s), path, text (lyric, blank
        for none), mel (six numbers, nan for none); and for the account name, fault (why there
        is no sound) and doubt (why there is no lyric).
    account : dict
        Names with reasons, by `STATES`.
    """
    rows, account, first = [], {state: [] for state in STATES}, {}
    for file, one in zip(files, features, strict=True):
        account["found"].append(file.name)
        if not one.is_music:
            reasons = "; ".join(filter(None, (one.fault, one.tag_fault)))
            account["unreadable"].append(f"{file.name} {reasons}")
        elif one.audio in first:
            account["copies"].append(f"{file.name} is {first[one.audio]}")
        else:
            first[one.audio] = file.name
            if one.format and not one.format.startswith(FORMATS[file.path.suffix.lower()] or "?"):
                account["misnamed"].append(f"{file.name} holds {one.format}")
            rows.append(_song_row(file, one, memory))
    if not rows:
        raise BadInput(
            f"None of {len(files)} files can be read as music, the first: "
            f"{account['unreadable'][0]}; name a folder of mp3, flac, ogg or wav files."
        )
    return pd.DataFrame(rows), account


def _song_row(file: MusicFile, features: FileFeatures, memory: FeatureStore) -> dict:
    """Row of a song for `collect_songs`; a tag goes first, unless only the text is Korean."""
    names = tags.fill_from_file_name(features.tags, file.path.stem)
    text, doubt = names.lyric, ""
    if not tags.count_hangul(names.lyric):
        beside, doubt = lyric_beside(file, memory)
        text = beside if tags.count_hangul(beside) else names.lyric or beside
    return {
        "id": int(features.audio[:13], 16),
        **{
            name: getattr(names, name)
            for name in ("title", "artist", "album", "genre", "year", "duration")
        },
        "path": str(file.path),
        "text": text,
        "mel": features.mel or NO_VECTOR,
        "name": file.name,
        "fault": features.fault,
        "doubt": features.tag_fault or doubt,
    }


def ask_online(
    songs: pd.DataFrame, provider: lyric_sources.Provider
) -> tuple[pd.DataFrame, list[str]]:
    """Ask a provider for missing lyrics.

    Returns
    -------
    songs : DataFrame
        Songs with the lyrics that the provider has.
    failed : list of str
        Names and reasons of the songs that it failed for.
    """
    asked = songs.loc[songs["text"] == "", ["name", "title", "artist", "album", "duration"]]
    lyrics, counts = lyric_table.collect(asked.rename(columns={"name": "id"}), provider)
    lyrics = lyrics.drop_duplicates("id").set_index("id")["lyric"]
    answers = songs["name"].map(lyrics).fillna("")
    songs = songs.assign(text=songs["text"].where(songs["text"] != "", answers))
    return songs, counts.loc["failed", "which"]


def only_korean(songs: pd.DataFrame) -> pd.DataFrame:
    """Remove section words from lyrics, and blank those that are not Korean."""
    songs = songs.assign(text=songs["text"].map(strip_sections))
    korean = songs.index.isin(drop_without_words(songs).index)
    foreign = (songs["text"] != "") & ~korean
    return songs.assign(
        text=songs["text"].where(korean, ""),
        doubt=songs["doubt"].mask(foreign, "its lyric is not Korean"),
    )


def enter_basis(
    account: dict[str, list[str]], songs: pd.DataFrame, has_lyric: np.ndarray, has_sound: np.ndarray
) -> np.ndarray:
    """Enter each song's basis into the account and return the mask (n,) of scorable songs."""
    reasons = (
        songs["name"]
        + (" " + songs["fault"]).where(~has_sound, "")
        + (": " + songs["doubt"]).where(songs["doubt"] != "", "")
    )
    scored = has_lyric | has_sound
    unreadable = reasons[~scored] + "; it has no lyric that can be read either"
    account["songs"] = songs.loc[scored, "name"].tolist()
    account["unreadable"] += unreadable.tolist()
    account["without lyrics"] = reasons[scored & ~has_lyric].tolist()
    account["without sound"] = reasons[scored & ~has_sound].tolist()
    return scored


def _fuse(lyric: np.ndarray, mel: np.ndarray, provenance: dict[str, str]) -> np.ndarray:
    """Fuse vectors by a run's temperature and weights, and the class priors of these songs."""
    (temperature,) = json.loads(provenance["mel_temperature"])
    weights = np.array(json.loads(provenance["mel_weights"]))
    lyric, mel = (
        fusion.correct_prior(vectors, fusion.class_prior(vectors)) for vectors in (lyric, mel)
    )
    return fusion.fuse(lyric, apply_temperature(mel, temperature), weights)


def build(
    folder: Path, run: str = "default", *, provider: lyric_sources.Provider | None = None
) -> tuple[Path, pd.DataFrame]:
    """Build the music database of the run `music` from a person's own files.

    Parameters
    ----------
    folder
        Folder of mp3, flac, ogg or wav files, in subfolders too.
    run
        Run whose models and weights score the songs.
    provider
        Source of the lyrics that neither a tag nor a text beside the file gives; none by
        default.

    Returns
    -------
    path : Path
        The database.
    account : DataFrame
        Columns files (how many) and which (names with reasons), indexed by `STATES`.

    Raises
    ------
    MissingData
        If the folder has no music, or the run no models.
    BadInput
        If no file can be scored, or the run is the one that is built.
    NoRoom
        If the disk is full; the old database stays.
    """
    path = run_folder(OWN_MUSIC) / database.NAME
    if path == run_folder(run) / database.NAME:
        raise BadInput(
            f"The run '{run}' is the one that is built here; name the run whose models score the "
            "songs, for example --run default."
        )
    files = find_files(folder.resolve())
    provenance, text_model, sound_model = models(run)
    with FeatureStore(cache_folder() / "own_music" / "memory.sqlite") as memory:
        songs, account = collect_songs(files, extract_features(files, sound_model, memory), memory)
        if provider:
            songs, account["lyrics failed"] = ask_online(songs, provider)
        songs = only_korean(songs)
        texts = songs["text"].tolist()
        lyric, embedding = read_lyrics(texts, text_model, memory), embed_lyrics(texts, memory)
    mel = np.array(songs["mel"].tolist(), np.float32)
    scored = enter_basis(account, songs, np.isfinite(lyric[:, 0]), np.isfinite(mel[:, 0]))
    if not scored.any():
        raise BadInput(
            f"None of {len(files)} files can be scored, the first: {account['unreadable'][0]}; add "
            "lyrics, or files that can be read as sound."
        )
    songs, lyric, mel, embedding = songs[scored], lyric[scored], mel[scored], embedding[scored]
    origin = {"run": OWN_MUSIC, "profile": "own music", "scored by": run}
    for name in ("model", "lyric_model", "mel_model", "mel_temperature", "mel_weights"):
        origin[name] = provenance[name]
    fused = _fuse(lyric, mel, provenance)
    database.build(path, database.MusicDatabase(songs, lyric, mel, fused, embedding, origin))
    return path, pd.DataFrame({"files": {k: len(v) for k, v in account.items()}, "which": account})
