"""Emotify: real songs and what listeners felt, in nine GEMS emotions, as shares of listeners.

Aljanaki, Wiering and Veltkamp (2016). A listener marked up to three of the nine emotions of the
Geneva Emotional Music Scale for a minute of a song.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import mutagen
import numpy as np
import pandas as pd

from ..core import emotions
from ..core.errors import CorruptData, MissingData
from ..core.paths import data_folder, relative
from .emotify_files import GENRES, SONGS
from .registry import REGISTRY, checked_path
from .tables import number_column, read_table

#: The nine emotions, columns of data.csv in its order.
GEMS = (
    "amazement", "solemnity", "tenderness", "nostalgia", "calmness", "power", "joyful_activation",
    "tension", "sadness",
)  # fmt: skip
#: GEMS emotions of each of the six. Anger and neutral have none: the listeners had no such words.
SIX = {
    "joy": ("joyful_activation",),
    "tension": ("tension",),
    "peace": ("calmness", "tenderness"),
    "sadness": ("sadness", "nostalgia"),
}
#: Emotions that listeners answered, as ids of the six.
HEARD = tuple(emotions.EN.index(name) for name in SIX)
#: GEMS emotions without a place among the six. Power (strong, triumphant) is no anger and keeps a
#: place of its own; amazement and solemnity go with joy, peace and sadness alike.
UNMAPPED = ("power", "amazement", "solemnity")
#: Columns of data.csv that are no emotion of the song.
_ABOUT = ("track id", "genre", "mood", "liked", "disliked", "age", "gender", "mother tongue")
#: Songs of each genre in the whole data set.
_EACH = 100


@dataclass(frozen=True)
class Emotify:
    """Songs with listeners' answers.

    Attributes
    ----------
    songs : DataFrame
        Columns id (1 to 400), genre, number (in its genre), path, artist, album (blank without
        tags), listeners.
    answers : DataFrame
        A row for each listener of a song: id, and `GEMS` as 0 or 1.
    """

    songs: pd.DataFrame
    answers: pd.DataFrame

    def shares(self) -> np.ndarray:
        """Compute the shares of listeners who marked each GEMS emotion: (n, 9), 0 to 1."""
        return self._means(self.answers[list(GEMS)].to_numpy(float), self.answers["id"])

    def six(self, listeners: np.ndarray | None = None) -> np.ndarray:
        """Compute the shares of listeners who marked an emotion of each of the six.

        Parameters
        ----------
        listeners
            Mask of the rows of `answers` that count; all by default.

        Returns
        -------
        ndarray of shape (n, 6)
            0 to 1, by `SIX`: a listener who marks calmness and tenderness counts once for peace.
            Rows do not sum to 1, anger and neutral are 0; NaN for a song without a listener.
        """
        rows = self.answers if listeners is None else self.answers[listeners]
        marks = np.zeros((len(rows), emotions.N))
        for emotion, names in zip(HEARD, SIX.values(), strict=True):
            marks[:, emotion] = rows[list(names)].max(axis=1)
        return self._means(marks, rows["id"])

    def targets(self) -> np.ndarray:
        """Scale `six` to soft targets (n, 6) that sum to 1.

        A song for which nobody marked a mapped emotion is neutral.
        """
        six = self.six()
        six[six.sum(1) == 0, emotions.EN.index("neutral")] = 1
        return six / six.sum(1, keepdims=True)

    def cost(self) -> dict[str, float]:
        """Measure what the map leaves out: shares of the marks, and of listeners, without a place.

        Returns
        -------
        dict
            marks: share of all marks that are of `UNMAPPED`; listeners: share of the answers
            without a mapped emotion.
        """
        marks = self.answers[list(GEMS)]
        mapped = [name for names in SIX.values() for name in names]
        lost = marks[list(UNMAPPED)].to_numpy().sum() / max(marks.to_numpy().sum(), 1)
        return {"marks": float(lost), "listeners": float((marks[mapped].max(axis=1) == 0).mean())}

    def _means(self, values: np.ndarray, ids: pd.Series) -> np.ndarray:
        means = pd.DataFrame(values, index=ids.to_numpy()).groupby(level=0).mean()
        return np.array(means.reindex(self.songs["id"]))


def load(folder: Path | None = None) -> Emotify:
    """Load the songs and answers of Emotify.

    Parameters
    ----------
    folder
        Folder with data.csv and songs as `<genre>/<number>.mp3`, there or in emotifymusic/, of all
        400 songs or some. By default data/raw/emotify, or where there is none, the 160 songs of
        the registry.

    Raises
    ------
    MissingData
        If a file is missing, or if a song of data.csv has none.
    CorruptData
        If data.csv has another column or value than Emotify's, or lacks a song that has a file.
    """
    own = data_folder() / "raw" / "emotify"
    if folder is None and not own.is_dir():
        table = read_answers(checked_path(REGISTRY["emotify_answers"]))
        paths = {
            _id(genre, number): checked_path(REGISTRY[f"emotify_{genre}_{number}"])
            for genre, number, _ in SONGS
        }
        table = table[table["id"].isin(paths)]  # 240 more songs have answers and no file there
    else:
        folder = folder or own
        table, paths = read_answers(folder / "data.csv"), _files(folder)
    _check_same(set(table["id"]), paths, folder)
    return Emotify(_songs(paths, table), table.reset_index(drop=True))


def read_answers(path: Path) -> pd.DataFrame:
    """Read data.csv: id and `GEMS` as 0 or 1, a row for each listener of a song.

    Raises
    ------
    MissingData
        If it is missing.
    CorruptData
        If a column is unknown or lacking, or a cell is no such number.
    """
    name = relative(path)
    if not path.is_file():
        raise MissingData(
            f"{name} is missing; put Emotify's data.csv there, or run `wyf data fetch emotify`.",
            f"{name} 파일이 없어요. Emotify의 data.csv를 넣거나 `wyf data fetch emotify`를 실행해 "
            "주세요.",
        )
    table = read_table(path, ["track id", *GEMS])
    _check_columns(path)
    answers = pd.DataFrame({"id": number_column(table["track id"], path, whole=True)})
    for column in GEMS:
        marks = number_column(table[column], path, whole=True)
        wrong = np.flatnonzero(~marks.isin((0, 1)))
        if len(wrong):
            raise CorruptData(
                f"{name}, row {wrong[0] + 2}: {column} is {marks.iloc[wrong[0]]} where 0 or 1 "
                "belongs; correct it.",
                f"{name} {wrong[0] + 2}행: {column} 값은 0이나 1이어야 해요.",
            )
        answers[column] = marks
    outside = answers.loc[~answers["id"].between(1, _EACH * len(GENRES)), "id"]
    if len(outside):
        raise CorruptData(
            f"{name} has the track id {outside.iloc[0]}, and Emotify's go from 1 to "
            f"{_EACH * len(GENRES)}; correct it.",
            f"{name}의 track id {outside.iloc[0]}은(는) 1부터 {_EACH * len(GENRES)} 사이가 "
            "아니에요.",
        )
    return answers


def _check_columns(path: Path) -> None:
    """Raise `CorruptData` for a column that Emotify does not have."""
    name = relative(path)
    first = path.read_text(encoding="utf-8-sig").partition("\n")[0]
    unknown = [c.strip() for c in first.split(",") if c.strip() not in (*_ABOUT, *GEMS)]
    if unknown:
        raise CorruptData(
            f"{name} has the column '{unknown[0]}', which is no emotion of Emotify; delete it, or "
            f"name it as one of: {', '.join(GEMS)}.",
            f"{name}의 '{unknown[0]}' 열은 Emotify의 감정이 아니에요. 지우거나 이름을 고쳐 주세요.",
        )


def _id(genre: str, number: int) -> int:
    return _EACH * GENRES.index(genre) + number


def _place(song: int) -> tuple[str, int]:
    """Genre and number of a track id."""
    return GENRES[(song - 1) // _EACH], (song - 1) % _EACH + 1


def _files(folder: Path) -> dict[int, Path]:
    """Find the songs of a folder by track id."""
    root = folder / "emotifymusic" if (folder / "emotifymusic").is_dir() else folder
    return {
        _id(genre, int(path.stem)): path
        for genre in GENRES
        for path in sorted((root / genre).glob("*.mp3"))
        if path.stem.isdigit() and 1 <= int(path.stem) <= _EACH
    }


def _check_same(answered: set[int], paths: dict[int, Path], folder: Path | None) -> None:
    """Raise an error for the first song without a file or without an answer."""
    for song in sorted(answered - set(paths)):
        genre, number = _place(song)
        place = f"{genre}/{number}.mp3"
        raise MissingData(
            f"data.csv has answers for track {song} and {relative(folder)} no {place}; put it "
            f"there, or delete the rows of the track.",
            f"data.csv에 {song}번 곡의 답이 있는데 {place} 파일이 없어요. 파일을 넣거나 그 곡의 "
            "행을 지워 주세요.",
        )
    for song in sorted(set(paths) - answered):
        genre, number = _place(song)
        raise CorruptData(
            f"data.csv has no answer for track {song}, {genre}/{number}.mp3; add its rows, or take "
            "the file away.",
            f"data.csv에 {song}번 곡({genre}/{number}.mp3)의 답이 없어요. 행을 더하거나 파일을 "
            "빼 주세요.",
        )
    if not paths:
        raise MissingData(
            "data.csv names no song; put Emotify's data.csv and songs there.",
            "data.csv에 곡이 없어요. Emotify의 data.csv와 곡을 넣어 주세요.",
        )


def _songs(paths: dict[int, Path], answers: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the songs in the order of their ids, with artist and album out of the tags."""
    rows = []
    for song in sorted(paths):
        genre, number = _place(song)
        artist, album = _artist_and_album(paths[song])
        rows.append((song, genre, number, paths[song], artist, album))
    songs = pd.DataFrame(rows, columns=["id", "genre", "number", "path", "artist", "album"])
    return songs.assign(listeners=songs["id"].map(answers["id"].value_counts()))


def _artist_and_album(path: Path) -> tuple[str, str]:
    try:
        tags = mutagen.File(path, easy=True)
    except mutagen.MutagenError:
        tags = None
    values = [((tags or {}).get(name) or [""])[0].strip() for name in ("artist", "album")]
    return values[0], values[1]
