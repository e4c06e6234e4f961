"""Rules that clean utterances and the song catalogue, one named function each.

A rule takes a table and returns the rows that it keeps (perhaps with a corrected column). `apply_rules`
runs them in order and keeps a ledger: what came in, what went out, and examples of what was dropped.
"""

from __future__ import annotations

import functools
import html
import re
import unicodedata
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer

from ..core.errors import BadInput, CorruptData

MAX_TOKENS = 512
MAX_SENTENCE = 1000
RELEASED_FROM = 2015

#: Main genres whose songs have no lyrics in the 2022 catalogue (classical, jazz, new age, world music ...).
GENRES_WITHOUT_LYRICS = frozenset(
    f"GN{n}00" for n in (11, 16, 17, 18, 19, 20, 21, 22, 23, 24, 26, 27, 28, 29, 30)
)  # fmt: skip

_SECTION = r"(?:pre[- ]?chorus|verse|chorus|bridge|hook|intro|outro|refrain|interlude|rap|narration|repeat|후렴|간주|[1-4]절)"
_BRACKETED_SECTION = re.compile(
    rf"[\[(<{{【]\s*{_SECTION}\s*(?:x?\s*\d+)?\s*(?:[:\-][^\])>}}】\n]{{0,20}})?[\])>}}】]\s*:?",
    re.IGNORECASE,
)
_SECTION_LINE = re.compile(rf"^\s*{_SECTION}\s*\d*\s*[:.)]?\s*$", re.IGNORECASE | re.MULTILINE)
_CALENDAR_DAY = re.compile(r"\d{1,2}\s*월\s*\d{1,2}\s*일")
_FULL_STOP = re.compile(r"(?<![.\d])\.(?=\s|$)")
_HANGUL = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]")
_HANGUL_WORD = re.compile(r"[가-힣]{2,}|[가-힣].*[가-힣]")

Rule = Callable[[pd.DataFrame], pd.DataFrame]
CountTokens = Callable[[Sequence[str]], list[int]]


def normalise_text(text: str) -> str:
    """Unicode in composed form (NFC), control characters gone, runs of blanks folded."""
    text = "".join(
        c
        for c in unicodedata.normalize("NFC", str(text))
        if c in "\n\t" or unicodedata.category(c)[0] != "C"
    )
    return re.sub(r"[ \t]+", " ", text).strip()


def group_key(text: str) -> str:
    """Form under which two texts count as the same: compatibility-folded, letters and digits only, lower case."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", str(text)).lower())


def same_texts(texts: Sequence[str], others: Sequence[str]) -> int:
    """Number of different texts (by `group_key`) that stand in both collections."""
    return len(set(map(group_key, texts)) & set(map(group_key, others)))


def near_duplicates(
    texts: Sequence[str], held_out: Sequence[str], threshold: float = 0.8
) -> np.ndarray:
    """Mask of texts whose character trigrams have a Jaccard index of `threshold` or more with a held-out text."""
    keys = [f"  {group_key(t)} " for t in [*texts, *held_out]]
    grams = (
        CountVectorizer(analyzer="char", ngram_range=(3, 3), binary=True)
        .fit_transform(keys)
        .astype(np.float32)
    )
    ours, theirs = grams[: len(texts)], grams[len(texts) :]
    size_ours, size_theirs = np.asarray(ours.sum(1)).ravel(), np.asarray(theirs.sum(1)).ravel()
    mask = np.zeros(len(texts), bool)
    for start in range(0, len(texts), 500):
        shared = (ours[start : start + 500] @ theirs.T).tocoo()
        jaccard = shared.data / (
            size_ours[shared.row + start] + size_theirs[shared.col] - shared.data
        )
        mask[shared.row[jaccard >= threshold] + start] = True
    return mask


def check_sentence(text: str) -> str:
    """Return a typed sentence, tidied, or say why it cannot be read.

    Raises
    ------
    BadInput
        If it is blank, longer than `MAX_SENTENCE` characters, has no letters, or has no Korean.
    """
    if not isinstance(text, str) or not text.strip():
        raise BadInput(
            "The sentence is empty; type in Korean how you feel.",
            "빈 문장이에요. 지금 기분을 한국어로 적어 주세요.",
        )
    text = normalise_text(text)
    if len(text) > MAX_SENTENCE:
        raise BadInput(
            f"The sentence has {len(text):,} characters; shorten it to {MAX_SENTENCE:,}.",
            f"문장이 {len(text):,}자예요. {MAX_SENTENCE:,}자 안으로 줄여 주세요.",
        )
    if not any(c.isalpha() for c in text):
        raise BadInput(
            "The sentence has no words, only signs or emoji; add a few words in Korean.",
            "기호나 이모지만 있고 낱말이 없어요. 한국어로 몇 마디 덧붙여 주세요.",
        )
    if not _HANGUL.search(text):
        raise BadInput(
            "The sentence has no Korean; WYF reads Korean only, so type it in Korean.",
            "한국어가 보이지 않아요. WYF는 한국어만 읽으니 한국어로 적어 주세요.",
        )
    return text


def without_full_stops(text: str) -> str:
    """Text without single full stops; an ellipsis stays.

    Whether a sentence ends in one is a habit of the writer, not a feeling, and lyrics have none: a model that reads them
    takes every lyric for the emotion whose authors left them out.
    """
    return re.sub(r"\s+", " ", _FULL_STOP.sub(" ", text)).strip() or text


def couplets(lyric: str) -> list[str]:
    """Lyric in pairs of lines, each read at once: as long as the sentences that the classifier learned from.

    Two lines of the sample have 35 characters, its sentences have as many (medians). Four lines, longer
    than most that it has seen, were taken for anger in three songs of five.
    """
    lines = [line for line in lyric.splitlines() if line.strip()]
    return [" ".join(lines[i : i + 2]) for i in range(0, len(lines), 2)]


# Utterances -----------------------------------------------------------------------------------------


def drop_unmapped(table: pd.DataFrame) -> pd.DataFrame:
    """Drop texts without one clear emotion: no mapped label, or a tie between two."""
    return table[table["emotion"] >= 0]


def drop_without_words(table: pd.DataFrame) -> pd.DataFrame:
    """Drop texts with fewer than two Hangul syllables: a model of Korean has nothing to read there."""
    return table[table["text"].str.contains(_HANGUL_WORD)]


def drop_repeated_texts(table: pd.DataFrame) -> pd.DataFrame:
    """Drop texts that stand in the table already (same letters), so that no split shares a text."""
    return table[~table["text"].map(group_key).duplicated()]


def remove_full_stops(table: pd.DataFrame) -> pd.DataFrame:
    """Remove single full stops, a habit of the writer that a model would mistake for a feeling."""
    return table.assign(text=table["text"].map(without_full_stops))


UTTERANCE_RULES: tuple[Rule, ...] = (
    drop_without_words,
    remove_full_stops,
    drop_repeated_texts,
    drop_unmapped,
)


# Songs ----------------------------------------------------------------------------------------------


def unescape_html(songs: pd.DataFrame) -> pd.DataFrame:
    """Turn HTML entities such as `&#39;` in names into characters; the catalogue was scraped."""
    names = ["title", "artist", "album"]
    return songs.assign(**{c: songs[c].map(html.unescape) for c in names})


def drop_genres_without_lyrics(songs: pd.DataFrame) -> pd.DataFrame:
    """Drop songs whose every main genre is one without lyrics."""
    return songs[[not g or not set(g) <= GENRES_WITHOUT_LYRICS for g in songs["genres"]]]


def drop_instrumental(songs: pd.DataFrame) -> pd.DataFrame:
    """Drop instrumental versions, known by "inst" as a word of the title."""
    return songs[~songs["title"].str.contains(r"\binst(?:\.|rumental)?\b", case=False)]


def drop_spoken(songs: pd.DataFrame) -> pd.DataFrame:
    """Drop spoken tracks (대사) of film and drama albums."""
    return songs[~songs["title"].str.contains(r"(?<![가-힣])대사(?![가-힣])")]


def drop_without_lyric(songs: pd.DataFrame) -> pd.DataFrame:
    """Drop songs for which no lyric is known, or none with a letter in it."""
    return songs[songs["lyric"].str.contains(r"[^\W\d_]")]


def remove_section_words(songs: pd.DataFrame) -> pd.DataFrame:
    """Remove section words (Verse, Chorus, Bridge, Hook, Intro, Outro ...); they carry no emotion."""
    songs = songs.assign(lyric=songs["lyric"].map(strip_sections))
    return songs[songs["lyric"] != ""]  # section words alone are no lyric


def strip_sections(lyric: str) -> str:
    """Lyric without section marks and blank lines."""
    lyric = _SECTION_LINE.sub("", _BRACKETED_SECTION.sub("", lyric))
    return "\n".join(line.strip() for line in lyric.splitlines() if line.strip())


def count_by_words(texts: Sequence[str], count_tokens: CountTokens) -> list[int]:
    """Number of tokens of each text, with each distinct word tokenized once.

    A tokenizer that splits at blanks gives a text the tokens of its words, whatever stands beside them, so the sum is exact.
    """
    frame = count_tokens([""])[0]  # special tokens and the encoder's prefix

    @functools.cache
    def tokens(word: str) -> int:
        return count_tokens([word])[0] - frame

    return [
        frame + sum(map(tokens, text.replace("\n", " ").split(" "))) for text in texts
    ]  # rarer blanks are left to the tokenizer


def drop_long(songs: pd.DataFrame, count_tokens: CountTokens) -> pd.DataFrame:
    """Drop lyrics of more than `MAX_TOKENS` tokens, mostly medleys and scripts; it was the encoder's limit in 2022."""
    songs = songs.assign(tokens=count_by_words(songs["lyric"].tolist(), count_tokens))
    return songs[songs["tokens"] <= MAX_TOKENS]


def drop_repeated_songs(songs: pd.DataFrame) -> pd.DataFrame:
    """Drop a song that stands in the catalogue already under another id (same artist and lyric, or artist and title)."""
    artist, title, lyric = (songs[column].map(group_key) for column in ("artist", "title", "lyric"))
    same_title = (artist + "/" + title).duplicated() & (
        title != ""
    )  # a missing title is no common one
    return songs[~((artist + "/" + lyric).duplicated() | same_title)]


def drop_unnamed_artists(songs: pd.DataFrame) -> pd.DataFrame:
    """Drop songs by Various Artists or by nobody: artists are what keeps splits and answers apart."""
    artist = songs["artist"].str.strip()
    return songs[(artist != "") & ~artist.str.fullmatch(r"various artists?|v\.?a\.?", case=False)]


def drop_calendar_series(songs: pd.DataFrame, at_least: int = 5) -> pd.DataFrame:
    """Drop series of one song per calendar day (the 130 birthday songs of 2022) of one artist."""
    day = songs["title"].str.contains(_CALENDAR_DAY)
    return songs[~(day & (day.groupby(songs["artist"]).transform("sum") >= at_least))]


def keep_recent(songs: pd.DataFrame, year: int = RELEASED_FROM) -> pd.DataFrame:
    """Keep songs released in or after a year: users of 2022 found older answers out of date."""
    return songs[songs["year"] >= year]


def song_rules(count_tokens: CountTokens) -> tuple[Rule, ...]:
    """Rules of the song catalogue in the order of 2022.

    Parameters
    ----------
    count_tokens
        Number of tokens of each text under the encoder that will read it, which splits at blanks.
    """
    return (
        unescape_html,
        drop_genres_without_lyrics,
        drop_instrumental,
        drop_spoken,
        drop_without_lyric,
        remove_section_words,
        functools.partial(drop_long, count_tokens=count_tokens),
        drop_repeated_songs,
        drop_unnamed_artists,
        drop_calendar_series,
        keep_recent,
    )


def apply_rules(
    table: pd.DataFrame, rules: Sequence[Rule], show: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Apply rules in order and keep account of them.

    Parameters
    ----------
    table
        Rows to clean, with a unique index.
    rules
        Functions from table to table that drop rows or correct columns.
    show
        Column whose values serve as examples of dropped rows.

    Returns
    -------
    kept : DataFrame
        Remaining rows, re-indexed.
    ledger : DataFrame
        One row a rule: step, reason, rows_in, rows_out, dropped, changed, examples.

    Raises
    ------
    CorruptData
        If nothing is left.
    """
    steps = []
    for rule in rules:
        function = rule.func if isinstance(rule, functools.partial) else rule
        before, table = table, rule(table)
        lost = before.index[~before.index.isin(table.index)]
        stayed = before.loc[table.index]
        changed = np.zeros(len(table), bool)
        for column in before.columns.intersection(table.columns):
            changed |= stayed[column].to_numpy() != table[column].to_numpy()
        examples = [str(x).split("\n")[0][:40] for x in before.loc[lost, show].head(3)]
        reason = " ".join(function.__doc__.split("\n\n")[0].split())
        steps.append(
            (
                function.__name__,
                reason,
                len(before),
                len(table),
                len(lost),
                int(changed.sum()),
                examples,
            )
        )
    if table.empty:
        raise CorruptData(
            "Cleaning left no row; look at the ledger's rules and at the source files."
        )
    columns = ["step", "reason", "rows_in", "rows_out", "dropped", "changed", "examples"]
    return table.reset_index(drop=True), pd.DataFrame(steps, columns=columns)
