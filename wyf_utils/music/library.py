"""A music database of a person's own files: lyrics by a run's lyric reader, sound by the ear.

Features are kept by file content in `data/cache/own_music/memory.sqlite`: a build reads new and
changed files only, and continues after an interruption. Nothing is written into the folder.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from ..core import artifacts, emotions
from ..core.code_digest import code_digest
from ..core.errors import BadInput, CorruptData, MissingData
from ..core.paths import OWN_MUSIC, cache_folder, run_folder
from ..core.runtime import progress
from ..data.cleaning import drop_without_words, strip_sections
from ..sound import ear, musicnn
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
STATES = (
    "found", "songs", "copies", "unreadable", "without lyrics", "without sound", "misnamed",
    "contradicting",
)  # fmt: skip
#: Weight of the sound beside the lyric, by what each is worth: Cohen's kappa with people is 0.38
#: for the ear on real songs and 0.78 for lyric readers on writers that they do not know.
SOUND_WEIGHT = round(0.38 / (0.38 + 0.78), 2)
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


def lyric_model(run: str) -> tuple[dict[str, str], Path]:
    """Find a run's provenance and the folder of its lyric reader.

    Raises
    ------
    MissingData
        If the run has not been made, has no lyric reader, or that has left the cache.
    """
    path = run_folder(run) / database.NAME
    remedy = f"run `make run RUN={run}`"
    if not path.is_file():
        raise MissingData(
            f"The run '{run}' has built no music database yet; {remedy}.",
            f"'{run}' 실행에 아직 노래 데이터베이스가 없어요. `make run RUN={run}`을 실행해 "
            "주세요.",
        )
    provenance = database.read(path).provenance
    if not provenance.get("lyric_model"):
        raise MissingData(
            f"The run '{run}' names no lyric reader; choose another by --run, or {remedy} to make "
            "it anew.",
            f"'{run}' 실행에 가사를 읽는 모델이 없어요. --run으로 다른 실행을 고르거나 "
            f"`make run RUN={run}`을 실행해 주세요.",
        )
    folder = cache_folder() / "lyric_reader" / provenance["lyric_model"]
    if not folder.is_dir():
        raise MissingData(
            f"The lyric reader of the run '{run}' is gone from the cache; {remedy}.",
            f"'{run}' 실행의 가사 모델이 캐시에 없어요. `make run RUN={run}`을 실행해 주세요.",
        )
    return provenance, folder


def open_ear() -> tuple[ear.Head | None, str]:
    """Open the ear.

    Returns
    -------
    head : Head or None
        None where MusiCNN or the head is not whole.
    fault : str
        Why there is none, and what to do; blank where there is one.
    """
    try:
        musicnn.exported()
        return ear.load_head(), ""
    except (MissingData, CorruptData) as error:
        return None, f"{str(error).removesuffix('.')}; songs are scored by lyrics alone"


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
            if one.format and not one.format.startswith(FORMATS[file.path.suffix.lower()]):
                account["misnamed"].append(f"{file.name} holds {one.format}")
            rows.append(_song_row(file, one, memory))
    if not rows:
        raise BadInput(
            f"None of {len(files)} files can be read as music, the first: "
            f"{account['unreadable'][0]}; name a folder of mp3, m4a, flac, ogg or wav files."
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


def contradictions(names: pd.Series, lyric: np.ndarray, sound: np.ndarray) -> list[str]:
    """Describe the songs whose words and sound contradict each other (`fusion.contradict`).

    Parameters
    ----------
    names
        Names of the files (n,).
    lyric, sound
        Emotion vectors (n, 6), nan where there is none.
    """
    return [
        f"{names.iloc[i]}: its words {emotions.EN[lyric[i].argmax()]}, "
        f"its sound {emotions.EN[sound[i].argmax()]}"
        for i in np.flatnonzero(fusion.contradict(lyric, sound))
    ]


def _fuse(lyric: np.ndarray, sound: np.ndarray) -> np.ndarray:
    """Fuse vectors without their class priors among these songs, by `SOUND_WEIGHT`."""
    corrected = (fusion.correct_prior(v, fusion.class_prior(v)) for v in (lyric, sound))
    return fusion.fuse(*corrected, SOUND_WEIGHT)


def build(
    folder: Path, run: str = "default", *, provider: lyric_sources.Provider | None = None
) -> tuple[Path, pd.DataFrame]:
    """Build the music database of the run `music` from a person's own files.

    Parameters
    ----------
    folder
        Folder of sound files (`library_files.FORMATS`), in subfolders too.
    run
        Run whose lyric reader scores the lyrics; that of a quick first answer will do.
    provider
        Source of the lyrics that neither a tag nor a text beside the file gives; none by
        default.

    Returns
    -------
    path : Path
        The database.
    account : DataFrame
        Columns files (how many) and which (names with reasons), indexed by `STATES`; "unread
        folders" where a folder cannot be opened; "no ear" where MusiCNN is not installed, and
        songs are scored by lyrics alone.

    Raises
    ------
    MissingData
        If the folder has no music, or the run no lyric reader.
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
    files, unread = find_files(folder.resolve())
    provenance, text_model = lyric_model(run)
    head, deaf = open_ear()
    with FeatureStore(cache_folder() / "own_music" / "memory.sqlite") as memory:
        songs, account = collect_songs(files, extract_features(files, head, memory), memory)
        if unread:
            account["unread folders"] = unread
        if deaf:
            account["no ear"] = [deaf]
        if provider:
            songs, account["lyrics failed"] = ask_online(songs, provider)
        songs = only_korean(songs)
        texts = songs["text"].tolist()
        lyric, embedding = read_lyrics(texts, text_model, memory), embed_lyrics(texts, memory)
    sound = np.array(songs["mel"].tolist(), np.float32)
    scored = enter_basis(account, songs, np.isfinite(lyric[:, 0]), np.isfinite(sound[:, 0]))
    if not scored.any():
        raise _nothing_scored(account, deaf)
    songs, lyric, sound, embedding = (part[scored] for part in (songs, lyric, sound, embedding))
    account["contradicting"] = contradictions(songs["name"], lyric, sound)
    origin = {"run": OWN_MUSIC, "profile": "own music", "scored by": run}
    origin |= {name: provenance[name] for name in ("model", "lyric_model")}
    origin |= {"ear": ear.fingerprint(head)[:16] if head else "", "sound_weight": SOUND_WEIGHT}
    fused = _fuse(lyric, sound)
    database.build(path, database.MusicDatabase(songs, lyric, sound, fused, embedding, origin))
    return path, pd.DataFrame({"files": {k: len(v) for k, v in account.items()}, "which": account})


def _nothing_scored(account: dict[str, list[str]], deaf: str) -> BadInput:
    first = account["unreadable"][0]
    ear_too = f" ({deaf.partition('; songs are')[0]})" if deaf else ""
    return BadInput(
        f"None of {len(account['found'])} files can be scored, the first: {first}; add lyrics, or "
        f"files that can be read as sound{ear_too}.",
        f"파일 {len(account['found'])}개 가운데 점수를 낼 수 있는 곡이 없어요. 첫째: {first}. "
        "가사나 들을 수 있는 소리 파일을 더해 주세요.",
    )
