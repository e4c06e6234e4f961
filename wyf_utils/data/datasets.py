"""Registry of public files (url, sha256, licence, citation) and loaders that return tables.

The loaders are the same for every profile: a profile is a folder that holds files in the formats of the
real sources. Downloading (`fetch`) is separate from checking (`validate`) and from reading.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pooch
from sklearn.model_selection import StratifiedGroupKFold

from ..core import emotions
from ..core.errors import BadInput, CorruptData, MissingData, Unreachable, WyfError
from ..core.settings import data_folder, profile_folder, progress, relative
from . import readings
from .cleaning import UTTERANCE_RULES, apply_rules, group_key, song_rules, tidy
from .tables import emotion_ids, find, number_column, read_table, text_column

logging.getLogger("pooch").setLevel(logging.WARNING)  # the progress bar tells what pooch would

# Registry -------------------------------------------------------------------------------------------

_KOTE = ("searle-j/KOTE", "cafd2c3f54a6f4b25ac74eaa02a2e76c3ef8c977", "MIT",
         "Jeon, Lee and Kim (2022), User Guide for KOTE: Korean Online Comments Emotions Dataset, arXiv:2205.05300")  # fmt: skip
_GOEMOTIONS = ("monologg/GoEmotions-Korean", "e708cb1af26140ed1f3724d53d88717b77c26e0e", "Apache-2.0",
               "Park (2020), GoEmotions-Korean, a machine translation of Demszky et al. (2020), GoEmotions, ACL")  # fmt: skip
_CHATBOT = ("songys/Chatbot_data", "4cf20d13fc46f5037fd1c531cd566e2dd9f72974", "MIT",
            "Song (2018), Chatbot_data_for_Korean v1.0")  # fmt: skip
_VAKOR = ("smbslt3/VA-KOR", "a14d5cd4fb40f53dbe24c2b000f62b49bcbb534a", "MIT",
          "Lee et al. (2022), Emotion Evaluator: Expanding the Affective Lexicon with Neural Network Model")  # fmt: skip
_WYF = ("What-s-Your-Feeling/main_project", "5da2719d4a1066f67807dc880b6d41518ae6ff40", "none stated; fetched for comparison, not redistributed",
        "WYF team (2022), published song vectors of 42,839 songs")  # fmt: skip


@dataclass(frozen=True)
class Remote:
    """One public file, pinned to a commit and a sha256."""

    name: str
    path: str
    sha256: str
    repo: str
    commit: str
    licence: str
    citation: str

    @property
    def url(self) -> str:
        """Address of the file at its commit."""
        return f"https://raw.githubusercontent.com/{self.repo}/{self.commit}/{self.path}"

    @property
    def place(self) -> str:
        """Where the file lies under the `open` folder and in a mirror."""
        return f"{self.repo}/{self.commit}/{self.path}"

    @property
    def local(self) -> Path:
        """Where the file lies on this machine once fetched."""
        return data_folder() / "raw" / "open" / self.place


REGISTRY = {
    name: Remote(name, path, sha256, *source)
    for name, path, sha256, source in (
        ("kote_val", "val.tsv", "c7d686ee1d63be7f57ec939f372ebdc4ada8eac1c9eeeeac207774976ab69a6e", _KOTE),
        ("kote_test", "test.tsv", "8d8e11c5adf374f552cfbe6f2d7b9967e7335cc86c205beeefb6fd8c6ed9deb0", _KOTE),
        ("goemotions_train", "data/train.tsv", "1e2ae5688f0c24ce14319f660fde0bb66aaf566bbc80b9503642c4304b89ad68", _GOEMOTIONS),
        ("goemotions_dev", "data/dev.tsv", "baa90064989b56d283618d855194b53bbdad7aab3a8a79488d054d28ad21649b", _GOEMOTIONS),
        ("goemotions_test", "data/test.tsv", "6ea2446467a22336389e80db7525ae6857c9128c61419c56f73a7bae2ecf455d", _GOEMOTIONS),
        ("goemotions_labels", "data/label.txt", "45c3ef86782d2a4d7fedcd6d8c111aa0d0e94720689bd164fac94fefb4495a89", _GOEMOTIONS),
        ("chatbot", "ChatbotData.csv", "287eb129695b577321c80ad397bb3c2279164d4ca577874d129fd3db5b30afe2", _CHATBOT),
        ("va_kor", "VA_KOR_concat.csv", "d3d1fd121ea8bc06c397b553a5ce4ec9ab373cb559669af83bfa99332112e345", _VAKOR),
        ("lyric_vectors_2022", "Deploy/recsys_data/2015lyric.npy", "5b60e66535fdfaaaa281bed3a5c868216b22a46e9c30aacfa13d115b1185212d", _WYF),
        ("mel_vectors_2022", "Deploy/recsys_data/2015mel.npy", "1183bc952d096ebe224483b3e1a5fe531f739068e0bed4e25446ea4104570da2", _WYF),
    )
}  # fmt: skip


def _mirror_download(url: str, output_file: str, pooch_instance) -> None:  # noqa: ARG001, pooch's signature
    """Copy a file from the folder that `WYF_MIRROR` names, as a pooch downloader."""
    mirror = Path(os.environ["WYF_MIRROR"])
    source = mirror / url.removeprefix("https://raw.githubusercontent.com/")
    if not source.is_file():
        raise FileNotFoundError(f"no such file in the mirror: {source.relative_to(mirror)}")
    shutil.copyfile(source, output_file)


def fetch(names: list[str] | None = None, *, timeout: float = 30) -> pd.DataFrame:
    """Fetch public files that are not here yet into `data/raw/open`.

    Parameters
    ----------
    names
        Keys of `REGISTRY`; all of them by default.
    timeout
        Seconds to wait for a server.

    Returns
    -------
    DataFrame
        The state of every file, as `status` gives it.

    Raises
    ------
    Unreachable
        If a file can be had neither from its address nor from the mirror.
    CorruptData
        If what arrived, or what lies there already, has another sha256. A partial download never stays.
    """
    use_mirror = bool(os.environ.get("WYF_MIRROR"))
    downloader = _mirror_download if use_mirror else pooch.HTTPDownloader(timeout=timeout)
    wanted = [_registered(name) for name in names or REGISTRY]
    for remote in progress(wanted, desc="fetch"):
        if remote.local.is_file():
            _check(remote)
            continue
        try:
            pooch.retrieve(remote.url, remote.sha256, fname=remote.local.name, path=remote.local.parent, downloader=downloader)
        except ValueError as error:
            raise CorruptData(
                f"What arrived for '{remote.name}' has another sha256 than the registry and was thrown away; run `wyf data fetch` again, or correct the mirror."
            ) from error
        except OSError as error:  # requests' errors and a missing mirror file are both OSErrors
            remedy = "check the folder in WYF_MIRROR" if use_mirror else "check the network, or name a folder in WYF_MIRROR"
            raise Unreachable(f"'{remote.name}' could not be fetched ({type(error).__name__}); {remedy}.") from error
    return status()


def _registered(name: str) -> Remote:
    if name not in REGISTRY:
        raise BadInput(f"There is no public file '{name}'; choose from: {', '.join(REGISTRY)}.")
    return REGISTRY[name]


def _check(remote: Remote) -> Path:
    """Path of a fetched file whose sha256 is right."""
    if not remote.local.is_file():
        raise MissingData(f"'{remote.name}' is not here yet; run `wyf data fetch {remote.name}`.")
    if pooch.file_hash(str(remote.local)) != remote.sha256:
        raise CorruptData(
            f"'{remote.name}' ({relative(remote.local)}) has another sha256 than the registry; delete the file and run `wyf data fetch {remote.name}`."
        )
    return remote.local


def status() -> pd.DataFrame:
    """Table of the public files: whether each is here, its size in MB, its licence and source. Nothing is read."""
    rows = [
        (r.name, "here" if r.local.is_file() else "missing", r.local.stat().st_size / 1e6 if r.local.is_file() else np.nan, r.licence, r.repo)
        for r in REGISTRY.values()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["file", "state", "MB", "licence", "source"]).round({"MB": 2})


def validate(profile: str = "open") -> pd.DataFrame:
    """Read every file of a profile and say which pass; the lexicon and the intents of the lyrics belong to the sample.

    Returns
    -------
    DataFrame
        Columns file, ok, message; one row a file (open) or a table (sample, wyf).
    """
    if profile == "open":
        checks = {name: lambda r=remote: _check(r) for name, remote in REGISTRY.items()}
    else:
        root = profile_folder(profile)
        checks = {loader.__name__: lambda f=loader: f(root) for loader in (_read_dialogue, _read_single_turn, _read_conversation, read_catalogue)}
        checks["unrelated"] = lambda: unrelated(profile)
        if profile == "sample":
            checks |= {
                "stories": lambda: _read_stories(root),
                "readings": lambda: _all_read(root),
                "lyric_intent": lambda: lyric_intent(profile),
                "lyric_readings": lyric_readings,
                "lyric_lines": lyric_lines,
                "care": care_sentences,
                "lexicon": read_lexicon,
            }
    rows = []
    for name, check in checks.items():
        try:
            check()
            rows.append((name.removeprefix("_read_").removeprefix("read_"), True, "as it should be"))
        except WyfError as error:
            rows.append((name.removeprefix("_read_").removeprefix("read_"), False, str(error)))
    return pd.DataFrame(rows, columns=["file", "ok", "message"])


def _all_read(root: Path) -> None:
    """Refuse a sentence of the sample that no two readers have read."""
    for file, table in _read_sentences(root).items():
        for row in np.flatnonzero(table["writer"].eq("")):
            raise CorruptData(f"{relative(root)}/{file}.csv, row {row}: nobody has read the sentence; add its reading to readings.csv.")


# Files ----------------------------------------------------------------------------------------------


def _labelled(texts: pd.Series, labels: list[list[str]], mapping: dict[str, int], source: str, path: Path, first: int = 2) -> pd.DataFrame:
    """Table of utterances with soft targets from the mapped labels of each text; `label` is the first that says its emotion."""
    targets = np.zeros((len(texts), emotions.N))
    for row, names in enumerate(labels):
        targets[row] = emotions.share(emotion_ids([n for n in names if n not in emotions.UNMAPPED], mapping, path, row + first))
    table = pd.DataFrame(targets, columns=list(emotions.EN))
    table.insert(0, "text", texts.to_numpy())
    table.insert(1, "emotion", [emotions.hard(t) for t in targets])
    shown = (next((n for n in names if mapping.get(n) == e), names[0] if names else "") for names, e in zip(labels, table["emotion"], strict=True))
    table.insert(2, "label", list(shown))
    table.insert(3, "labels", ["|".join(names) for names in labels])
    return table.assign(source=source)


def _read_dialogue(root: Path) -> pd.DataFrame:
    path = find(root, "sentiment_dialogue", (".csv", ".xlsx"))
    table = read_table(path, ["감정_소분류", "사람문장1"])
    labels = [[x.strip()] for x in table["감정_소분류"]]
    return _labelled(text_column(table, "사람문장1", path), labels, emotions.SENTIMENT_DIALOGUE, "sentiment_dialogue", path)


def _read_single_turn(root: Path) -> pd.DataFrame:
    path = find(root, "single_turn", (".csv", ".xlsx"))
    table = read_table(path, ["Sentence", "Emotion"])
    labels = [[x.strip()] for x in table["Emotion"]]
    return _labelled(text_column(table, "Sentence", path), labels, emotions.SINGLE_TURN, "single_turn", path)


def _read_stories(root: Path) -> pd.DataFrame:
    path = find(root, "stories", (".csv",))
    table = read_table(path, ["label", "text"])
    labels = [[x.strip()] for x in table["label"]]
    return _labelled(text_column(table, "text", path), labels, emotions.SENTIMENT_DIALOGUE | emotions.SINGLE_TURN, "stories", path)


def _read_sentences(root: Path) -> dict[str, pd.DataFrame]:
    """Files of sentences of a profile that has them, by name, with their readers' emotions where they were read."""
    tables = {"sentiment_dialogue": _read_dialogue(root), "single_turn": _read_single_turn(root)}
    if (root / "stories.csv").is_file():
        tables["stories"] = _read_stories(root)
    return readings.read_sentences(root, tables)


def _read_kote(part: str) -> pd.DataFrame:
    path = _check(REGISTRY[f"kote_{part}"])
    return _numbered(path, read_table(path, ["id", "text", "labels"], header=False), emotions.KOTE_LABELS, emotions.KOTE, f"kote_{part}")


def _read_goemotions(part: str) -> pd.DataFrame:
    path = _check(REGISTRY[f"goemotions_{part}"])
    names = _check(REGISTRY["goemotions_labels"]).read_text(encoding="utf-8").split()
    return _numbered(path, read_table(path, ["text", "labels"], header=False, quotes=False), names, emotions.GOEMOTIONS, f"goemotions_{part}")


def _numbered(path: Path, table: pd.DataFrame, names: Sequence[str], mapping: dict[str, int], source: str) -> pd.DataFrame:
    """Utterances of a file without header whose labels are numbers of names, several with commas between."""
    numbers = {str(i): name for i, name in enumerate(names)}
    labels = [[numbers.get(i, i) for i in ids.split(",")] for ids in table["labels"]]  # one that is no number of a name is refused below
    return _labelled(text_column(table, "text", path, first=1), labels, mapping, source, path, first=1)


def _read_conversation(root: Path) -> pd.DataFrame:
    path = find(root, "conversation", (".csv", ".xlsx"))
    return pd.DataFrame({"text": text_column(read_table(path, ["text"]), "text", path), "source": "conversation"})


def _read_chatbot() -> pd.DataFrame:
    path = _check(REGISTRY["chatbot"])
    table = read_table(path, ["Q", "A", "label"])
    everyday = table[table["label"] == "0"]
    texts = pd.concat([everyday["Q"], everyday["A"]], ignore_index=True).map(tidy)
    return pd.DataFrame({"text": texts[texts != ""].drop_duplicates().to_numpy(), "source": "chatbot"})


def _unique(ids: pd.Series, place: str, remedy: str, first: int = 0) -> None:
    """Refuse an id that stands twice; `place` is the file and what it calls its rows, counted from `first`."""
    for row in np.flatnonzero(ids.duplicated()):
        raise CorruptData(f"{place} {row + first}: the {ids.name} {ids[row]} stands twice; {remedy}.")


def read_json(path: Path, hook: Callable[[dict], object] | None = None):
    """Content of a JSON file, each object in it turned into what `hook` makes of it.

    Raises
    ------
    MissingData, CorruptData
        If the file is not there, breaks off, or is not UTF-8.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return json.loads(text, object_hook=hook)
    except FileNotFoundError as error:
        raise MissingData(f"{relative(path)} is missing; restore it, or put it there as data/README.md describes.") from error
    except UnicodeDecodeError as error:
        raise CorruptData(f"{relative(path)} is not UTF-8; save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise CorruptData(f"{relative(path)} breaks off or is malformed at line {error.lineno}; get the whole file again.") from error


_SONG_FIELDS = ("id", "song_name", "artist_name_basket", "album_name", "song_gn_gnr_basket", "issue_date")


def song_row(record: dict) -> tuple | dict:
    """Columns id, title, artist, album, genres, year of one record, taken while the file is parsed to spare memory; a malformed record stays as it is."""
    try:
        number, title, artists, album, genres, date = (record[field] for field in _SONG_FIELDS)
        if not (isinstance(number, int) and isinstance(artists, list | None) and isinstance(genres, list | None)):
            return record
        year = str(date).zfill(8)[:4]
        return (
            number,
            "" if title is None else str(title),
            ", ".join(filter(None, artists or ())),
            "" if album is None else str(album),
            tuple(map(sys.intern, genres or ())),
            int(year) if year.isdecimal() else 0,
        )
    except (KeyError, TypeError):
        return record


def _fault(record: object) -> str:
    """What keeps a record of song_meta.json from being read, and the remedy."""
    if not isinstance(record, dict):
        return "is no song; get the whole file again"
    if lacking := [field for field in _SONG_FIELDS if field not in record]:
        return f"lacks {', '.join(lacking)}; add it"
    return "the id must be a whole number, artist_name_basket and song_gn_gnr_basket lists of texts; correct it"


def check_songs(songs: object, genre_names: object, path: Path) -> None:
    """Refuse what is no list of rows as `song_row` gives them, or no object of genres; the message names the record of song_meta.json."""
    if not (isinstance(songs, list) and songs and isinstance(genre_names, dict)):
        raise CorruptData(f"{relative(path)} must be a list of songs, and genre_gn_all.json one object; get the whole files again.")
    for number, song in enumerate(songs):
        if not isinstance(song, tuple):
            raise CorruptData(f"{relative(path)}, record {number}: {_fault(song)}.")


def read_catalogue(root: Path) -> pd.DataFrame:
    """Songs with metadata and lyrics as they stand in a profile's files, before cleaning.

    Parameters
    ----------
    root
        Folder with song_meta.json, genre_gn_all.json and lyrics.tsv.

    Returns
    -------
    DataFrame
        Columns id, title, artist, album, genres, genre, year, lyric; one row a song, lyric blank where none is known.
    """
    path, lyrics_path = find(root, "song_meta", (".json",)), find(root, "lyrics", (".tsv",))
    songs, genre_names = read_json(path, song_row), read_json(find(root, "genre_gn_all", (".json",)))
    check_songs(songs, genre_names, path)
    table = pd.DataFrame(songs, columns=["id", "title", "artist", "album", "genres", "year"])
    table.insert(5, "genre", [genre_names.get(codes[0], codes[0]) if codes else "" for codes in table["genres"]])
    lyrics = read_table(lyrics_path, ["song_id", "lyric"])
    lyrics["song_id"] = number_column(lyrics["song_id"], lyrics_path, whole=True)
    _unique(table["id"], f"{relative(path)}, record", "give each song its own")
    _unique(lyrics["song_id"], f"{relative(lyrics_path)}, row", "keep one of its lyrics", first=2)
    lyric = lyrics.set_index("song_id")["lyric"].str.replace("\\n", "\n")
    return table.assign(lyric=table["id"].map(lyric).fillna(""))


def read_lexicon() -> pd.DataFrame:
    """Read the project's own lexicon, `data/sample/lexicon.csv`.

    Returns
    -------
    DataFrame
        Index term, six columns of weights named in English; rows sum to 1.

    Raises
    ------
    MissingData, CorruptData
        If the file is not there, a weight is no number, or a row does not sum to 1.
    """
    path = find(profile_folder("sample"), "lexicon", (".csv",))
    table = read_table(path, ["term", *emotions.EN]).set_index("term")
    try:
        weights = table.astype(float)
    except ValueError as error:
        raise CorruptData(f"{relative(path)}: a weight is no number ({error}); correct it.") from error
    wrong = weights.index[(weights.sum(axis=1) - 1).abs() > 0.01]
    if len(wrong):
        raise CorruptData(f"{relative(path)}: the weights of '{wrong[0]}' do not sum to 1; correct them.")
    return weights


def va_kor() -> pd.DataFrame:
    """Korean words with the valence and arousal that people gave them (VA-KOR, four studies).

    Returns
    -------
    DataFrame
        Columns study, term, valence, arousal, both from -3 to 3; one row a term of a study.
    """
    path = _check(REGISTRY["va_kor"])
    table = read_table(path, ["source", "word", "V", "A"])
    values = {"term": text_column(table, "word", path), "valence": number_column(table["V"], path), "arousal": number_column(table["A"], path)}
    return pd.DataFrame({"study": table["source"], **values})


# Tables ---------------------------------------------------------------------------------------------


#: Labelled corpora of the open profile and their parts; of texts that stand twice the first is kept, so held-out parts of GoEmotions come first.
CORPORA = {"kote": (_read_kote, ("val", "test")), "goemotions": (_read_goemotions, ("test", "dev", "train"))}


def corpora(profile: str) -> tuple[str, ...]:
    """Names of a profile's collections of labelled sentences, the first the one that is meant by default."""
    return tuple(CORPORA) if profile == "open" else ("aihub",)


def utterances(profile: str, corpus: str = "") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Labelled sentences of a profile, cleaned.

    Parameters
    ----------
    profile
        sample and wyf hold the two AI Hub corpora, open holds KOTE and GoEmotions.
    corpus
        Open profile only: kote (the default) or goemotions.

    Returns
    -------
    table : DataFrame
        Columns text, emotion (id 0-5), label (in the source's words), labels (all of them, parted by |), six soft targets named in
        English (each row sums to 1), source; where people read the sentences also those of `readings.read_sentences`.
    ledger : DataFrame
        What cleaning did, from `cleaning.apply_rules`.
    """
    root = profile_folder(profile)
    if corpus and corpus not in corpora(profile):
        raise BadInput(f"There is no corpus '{corpus}' in profile '{profile}'; it has: {', '.join(corpora(profile))}.")
    if profile == "open":
        read, names = CORPORA[corpus or "kote"]
        parts = [read(name) for name in names]
    else:
        tables = _read_sentences(root)
        parts = [tables[name] for name in ("sentiment_dialogue", "single_turn")]
    return apply_rules(pd.concat(parts, ignore_index=True), UTTERANCE_RULES, show="text")


def stories() -> pd.DataFrame:
    """Small stories of the sample, its hard corpus, which no model learns from: columns as `utterances`, texts that two readers agree on."""
    table, _ = apply_rules(_read_sentences(profile_folder("sample"))["stories"], UTTERANCE_RULES, show="text")
    return table[table["clear"]].reset_index(drop=True)


def conversation(profile: str) -> pd.DataFrame:
    """Everyday talk without emotion labels: columns text, source."""
    root = profile_folder(profile)
    return _read_chatbot() if profile == "open" else _read_conversation(root)


def songs(profile: str, count_tokens) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Song catalogue with lyrics, cleaned by the rules of 2022.

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
        What each rule did.
    """
    if profile == "open":
        raise BadInput("The open profile has no lyrics; use `song_vectors`, or the sample or wyf profile.")
    return apply_rules(read_catalogue(profile_folder(profile)), song_rules(count_tokens), show="title")


def lyric_intent(profile: str) -> pd.DataFrame:
    """Emotion that the author of each sample lyric had in mind.

    It composes the sample's sound and serves evaluation. No model learns from it but those of notebook 04 that say so.

    Returns
    -------
    DataFrame
        Columns id, first (emotion id), second (emotion id or -1).
    """
    path = find(profile_folder(profile), "lyric_intent", (".csv",))
    table = read_table(path, ["id", "first", "second"])
    ids = {**{e.ko: e.id for e in emotions.EMOTIONS}, "": -1}
    meant = [emotion_ids(names, ids, path, row) for row, names in enumerate(zip(table["first"], table["second"], strict=True), start=2)]
    return pd.DataFrame(meant, columns=["first", "second"]).assign(id=number_column(table["id"], path, whole=True))[["id", "first", "second"]]


def reader_pairs() -> pd.DataFrame:
    """Answers of the first two readers to every sentence of the sample: see `readings.sentence_pairs`."""
    return readings.sentence_pairs(profile_folder("sample"))


def _written_lyrics() -> pd.Series:
    """Lyrics of the sample as they stand in lyrics.tsv, by song id."""
    path = find(profile_folder("sample"), "lyrics", (".tsv",))
    table = read_table(path, ["song_id", "lyric"])
    return table.set_index(number_column(table["song_id"], path, whole=True))["lyric"]


def lyric_readings() -> pd.DataFrame:
    """First and second emotion that two blind readers hear in each lyric of the sample, and who wrote it: see `readings.read_lyrics`."""
    return readings.read_lyrics(profile_folder("sample"), _written_lyrics())


def lyric_lines() -> pd.DataFrame:
    """Couplets of the sample's lyrics, each read alone by two blind readers: see `readings.read_lines`."""
    return readings.read_lines(profile_folder("sample"), _written_lyrics())


def care_sentences() -> pd.DataFrame:
    """Sentences of people at risk and harmless look-alikes of the sample: see `readings.read_care`."""
    return readings.read_care(profile_folder("sample"))


def song_vectors() -> tuple[np.ndarray, np.ndarray]:
    """Song vectors published in 2022: from lyrics and from mel, float64 of shape (42839, 6), rows sum to 1."""
    lyric, mel = (np.load(_check(REGISTRY[f"{kind}_vectors_2022"]), allow_pickle=False) for kind in ("lyric", "mel"))
    return lyric, mel


def published() -> dict:
    """Numbers published in 2022, to be drawn beside ours: `data/reference/published_2022.json`."""
    return read_json(data_folder() / "reference" / "published_2022.json")


def unrelated(profile: str) -> pd.DataFrame:
    """Procedural Korean (recipes, house rules) far from talk, feelings and songs, the control of notebook 03: columns text, source.

    It is written for this project: a profile whose folder lacks `unrelated.csv` (open, wyf) takes the sample's file.
    """
    root = profile_folder(profile)
    path = find(root if (root / "unrelated.csv").is_file() else profile_folder("sample"), "unrelated", (".csv",))
    return pd.DataFrame({"text": text_column(read_table(path, ["text"]), "text", path), "source": "unrelated"})


# Splits ---------------------------------------------------------------------------------------------


def split(table: pd.DataFrame, seed: int, groups: pd.Series | None = None, parts: int = 5, by: str = "emotion") -> dict[str, pd.DataFrame]:
    """Stratified train, dev and test parts in which no group crosses.

    Parameters
    ----------
    table
        Rows with the column `by`.
    seed
        Seed of the shuffle.
    groups
        What must stay together; by default what one writer wrote where writers are known, else the same normalised text.
    parts
        One part of this many is the test set, one more of the rest is dev.
    by
        Column to stratify by.

    Returns
    -------
    dict
        Tables `train`, `dev`, `test`. KOTE's own test file and GoEmotions' own dev and test files are those parts.
    """
    if groups is None:
        groups = table["writer"] if "writer" in table else table["text"].map(group_key)
    groups = groups.set_axis(table.index)
    rest, test = _hold_out("test", table, groups, seed, parts, by)
    train, dev = _hold_out("dev", rest, groups.loc[rest.index], seed + 1, parts, by)
    return {name: part.reset_index(drop=True) for name, part in (("train", train), ("dev", dev), ("test", test))}


def split_songs(songs: pd.DataFrame, profile: str, seed: int, *, parts: int, by: str) -> dict[str, pd.DataFrame]:
    """Train, dev and test songs, in which neither an artist nor, in the sample, the writer of a lyric crosses.

    Lyrics of the sample whose writers were not kept apart are trained on, never scored. Parameters as for `split`.
    """
    if profile != "sample":
        return split(songs, seed, groups=songs["artist"], parts=parts, by=by)
    hands = songs["id"].map(lyric_readings().set_index("id")["writer"]).fillna(songs["artist"])
    old = hands == readings.UNRECORDED
    found = split(songs[~old], seed, groups=hands[~old], parts=parts, by=by)
    return found | {"train": pd.concat([songs[old], found["train"]], ignore_index=True)}


def _hold_out(part: str, table: pd.DataFrame, groups: pd.Series, seed: int, parts: int, by: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rest and held-out part: the corpus's own where it has one, else a stratified draw."""
    official = table["source"].isin([f"{corpus}_{part}" for corpus in CORPORA]) if "source" in table else pd.Series(False, index=table.index)
    if official.any():
        return table[~official & ~groups.isin(groups[official])], table[official]
    folds = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")  # a rare emotion is spread as far as it goes
        keep, held = next(folds.split(table, table[by], groups))
    return table.iloc[keep], table.iloc[held]
