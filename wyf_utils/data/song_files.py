"""Load song catalogues, lyrics and their labels, and split songs into parts."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pandas as pd

from ..core import emotions
from ..core.errors import BadInput
from ..core.paths import data_folder, profile_folder, relative
from . import readings
from .cleaning import apply_rules, song_rules, strip_sections
from .registry import REGISTRY, checked_path
from .song_meta import check_unique, read_genres, read_json, read_song_meta
from .splits import split
from .tables import find, number_column, read_table


def _read_lyrics(root: Path) -> pd.Series:
    """Load lyrics.tsv as it stands, by song id; a line break is a backslash and n."""
    path = find(root, "lyrics", (".tsv",))
    table = read_table(path, ["song_id", "lyric"])
    ids = number_column(table["song_id"], path, whole=True)
    check_unique(ids, f"{relative(path)}, row", "keep one of its lyrics", first=2)
    return table.set_index(ids)["lyric"]


def read_catalogue(root: Path) -> pd.DataFrame:
    """Load songs with metadata and lyrics from a folder, before cleaning.

    Parameters
    ----------
    root
        Folder with song_meta.json, genre_gn_all.json and lyrics.tsv.

    Returns
    -------
    DataFrame
        Columns id, title, artist, album, genres (codes joined by commas), genre, year, lyric. One
        row for each song; the lyric is blank where there is none.
    """
    table = read_song_meta(find(root, "song_meta", (".json",)))
    names = read_genres(find(root, "genre_gn_all", (".json",)))
    main = table["genres"].str.split(",").str[0]
    table.insert(5, "genre", main.map(lambda code: names.get(code, code)))
    lyrics = _read_lyrics(root).str.replace("\\n", "\n")
    table = table.drop(columns=["album_id", "release"])
    return table.assign(lyric=lyrics.reindex(table["id"], fill_value="").array)


def songs(profile: str, count_tokens) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Load the song catalogue with lyrics, and clean it by the rules of 2022.

    Parameters
    ----------
    profile
        sample or wyf; the open profile has song vectors but no songs.
    count_tokens
        Function from lyrics to their numbers of tokens.

    Returns
    -------
    table : DataFrame
        Columns id, title, artist, album, genres, genre, year, lyric, tokens.
    ledger : DataFrame
        Effect of each rule, from `cleaning.apply_rules`.
    """
    if profile == "open":
        remedy = "use `song_vectors`, or the sample or wyf profile"
        raise BadInput(f"The open profile has no lyrics; {remedy}.")
    catalogue = read_catalogue(profile_folder(profile))
    return apply_rules(catalogue, song_rules(count_tokens), show="title")


def lyric_intent(profile: str) -> pd.DataFrame:
    """Load the emotions that the author of each sample lyric intended.

    They are the targets of the composed sound and of evaluation. Only the models of notebook 04
    that say so are trained on them.

    Returns
    -------
    DataFrame
        Columns id, first (emotion id), second (emotion id or -1).
    """
    path = find(profile_folder(profile), "lyric_intent", (".csv",))
    columns = ["id", "first", "second"]
    table = read_table(path, columns)
    mapping = {name: number for number, name in enumerate(emotions.KO)} | {"": -1}
    ids = readings.label_ids(table, columns[1:], mapping, path)
    return ids.assign(id=number_column(table["id"], path, whole=True))[columns]


def lyric_readings() -> pd.DataFrame:
    """Load writer and blind readers' emotions of each sample lyric: see `readings.read_lyrics`."""
    root = profile_folder("sample")
    files = (root / name for name in ("lyrics.tsv", "lyric_readings.csv", "writers.csv"))
    return _read_once(root, readings.file_versions(*files)).copy()


@functools.lru_cache(maxsize=1)
def _read_once(root: Path, versions: tuple) -> pd.DataFrame:  # noqa: ARG001, versions are a key
    return readings.read_lyrics(root, _read_lyrics(root))


def sample_lyrics() -> pd.Series:
    """Load the sample's lyrics without section words, by song id."""
    return _read_lyrics(profile_folder("sample")).str.replace("\\n", "\n").map(strip_sections)


def lyric_lines() -> pd.DataFrame:
    """Load the sample's couplets with blind readers' emotions: see `readings.read_lines`."""
    root = profile_folder("sample")
    return readings.read_lines(root, _read_lyrics(root))


def vectors_2022() -> tuple[np.ndarray, np.ndarray]:
    """Load the song vectors published in 2022, of the lyrics and of the mel spectrograms.

    Returns
    -------
    lyric, mel : ndarray of shape (42839, 6)
        float64; rows sum to 1.
    """
    paths = (checked_path(REGISTRY[f"{kind}_vectors_2022"]) for kind in ("lyric", "mel"))
    lyric, mel = (np.load(path, allow_pickle=False) for path in paths)
    return lyric, mel


def published_2022() -> dict:
    """Load the numbers published in 2022 from `data/reference/published_2022.json`."""
    return read_json(data_folder() / "reference" / "published_2022.json")


def split_songs(
    songs: pd.DataFrame, profile: str, seed: int, *, parts: int, by: str
) -> dict[str, pd.DataFrame]:
    """Split songs into train, dev and test by artist, in the sample by the lyric's writer.

    Sample lyrics of unrecorded writers are all in the train part. Parameters as for `split`.
    """
    if profile != "sample":
        return split(songs, seed, groups=songs["artist"], parts=parts, by=by)
    writers = lyric_readings().set_index("id")["writer"]
    groups = songs["id"].map(writers).fillna(songs["artist"])
    unrecorded = groups == readings.UNRECORDED
    split_parts = split(songs[~unrecorded], seed, groups=groups[~unrecorded], parts=parts, by=by)
    train = pd.concat([songs[unrecorded], split_parts["train"]], ignore_index=True)
    return split_parts | {"train": train}
