"""Normalisation of texts, and the rules that clean utterances and the song catalogue.

A rule takes a table and returns the remaining rows, perhaps with a corrected column. `apply_rules`
runs rules in order and records rows in, rows out and examples of dropped rows in a ledger.
The first paragraph of a rule's docstring is its reason in the ledger.
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
from .signs import spell

MAX_TOKENS = 512
MAX_SENTENCE = 20_000
RELEASED_FROM = 2015

#: Main genres without lyrics in the catalogue of 2022, such as classical, jazz and new age.
GENRES_WITHOUT_LYRICS = frozenset(f"GN{n}00" for n in (11, *range(16, 25), *range(26, 31)))

#: Songs of one artist named by a day that make a series, such as 130 birthday songs of 2022.
_CALENDAR_SERIES = 5

#: Pattern of a section word.
SECTION = (
    r"(?:(?:pre|post)[- ]?chorus|verse|chorus|bridge|hook|intro|outro|refrain|interlude|rap"
    r"|narration|repeat|(?:프리|포스트)?\s?코러스|벌스|브[릿리]지|훅|인트로|아[웃우]트로|랩"
    r"|[내나]레이션|후렴구?|간주\s?중?|[1-4]절)"
)
_HEADING = rf"\s*{SECTION}\s*(?:x?\s*\d+)?\s*"
_BRACKETED_SECTION = re.compile(
    # Square brackets may name singers, other brackets are used for backing vocals too.
    rf"(?:\[{_HEADING}(?:[:,(\-–—][^\]\n]*)?\]"
    rf"|[\[(<{{【]{_HEADING}(?:[:\-][^\])>}}】\n]{{0,20}})?[\])>}}】])\s*:?",
    re.IGNORECASE,
)
_SECTION_LINE = re.compile(rf"^\s*{SECTION}\s*\d*\s*[:.)]?\s*$", re.IGNORECASE | re.MULTILINE)
_CALENDAR_DAY = re.compile(r"\d{1,2}\s*월\s*\d{1,2}\s*일")
_FULL_STOP = re.compile(r"(?<![.\d])\.(?=\s|$)")
_HANGUL = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]")
_HANGUL_WORD = re.compile(r"[가-힣]{2,}|[가-힣].*[가-힣]")
_FILLER = re.compile("[\u3164\uffa0]")
_HALF_WIDTH = re.compile(r"[\uffa1-\uffdc]+")
_SYLLABLE_AND_INITIAL = re.compile(r"([가-힣])([\u1100-\u1112])")
_OLD_JAMO = r"[\u1113-\u1160\u1176-\u11a7\u11c3-\u11ff]"
#: Modern jamo that are not part of an old syllable.
_LONE_JAMO = re.compile(
    rf"(?<!{_OLD_JAMO})[\u1100-\u1112\u1161-\u1175\u11a8-\u11c2]+(?!{_OLD_JAMO})"
)
_JAMO_KIND = re.compile("CHOSEONG|JUNGSEONG|JONGSEONG")

Rule = Callable[[pd.DataFrame], pd.DataFrame]
CountTokens = Callable[[Sequence[str]], list[int]]


def normalise_text(text: str) -> str:
    """Normalise to Unicode NFC, remove control characters and fold runs of blanks and tabs.

    Hangul fillers are blanks. Half-width Hangul letters become syllables. Jamo outside a syllable
    become letters, such as ㅋ after NFKD.
    """
    characters = _FILLER.sub(" ", str(text))
    characters = _HALF_WIDTH.sub(lambda run: _compose(run[0]), characters)
    characters = unicodedata.normalize("NFC", characters)
    characters = _LONE_JAMO.sub(lambda run: "".join(map(_letter, run[0])), characters)
    text = "".join(c for c in characters if c in "\n\t" or unicodedata.category(c)[0] != "C")
    return re.sub(r"[ \t]+", " ", text).strip()


def _compose(half_width: str) -> str:
    """Compose half-width Hangul letters, whose consonants NFKC takes for initials only."""
    text = unicodedata.normalize("NFKC", half_width)
    return _SYLLABLE_AND_INITIAL.sub(lambda pair: _with_final(*pair.groups()), text)


def _with_final(syllable: str, initial: str) -> str:
    """Append a consonant to a syllable as its final, if it has none yet and may have this one."""
    final = unicodedata.lookup(unicodedata.name(initial).replace("CHOSEONG", "JONGSEONG"))
    composed = unicodedata.normalize("NFC", syllable + final)
    return composed if len(composed) == 1 else syllable + initial  # ㄸ, ㅃ and ㅉ are no finals


def _letter(jamo: str) -> str:
    """Convert a jamo to the letter that stands alone."""
    return unicodedata.lookup(_JAMO_KIND.sub("LETTER", unicodedata.name(jamo)))


def unescape_names(text: str) -> str:
    """Replace HTML entities by characters, also those that were escaped several times."""
    while (plain := html.unescape(text)) != text:
        text = plain
    return text


def group_key(text: str) -> str:
    """Reduce a text to letters and digits in NFKC and lower case, the key of equal texts."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", str(text)).lower())


def count_shared_texts(texts: Sequence[str], others: Sequence[str]) -> int:
    """Count the distinct texts, by `group_key`, that occur in both collections."""
    return len(set(map(group_key, texts)) & set(map(group_key, others)))


def near_duplicates(
    texts: Sequence[str], held_out: Sequence[str], threshold: float = 0.8
) -> np.ndarray:
    """Mask the texts (n,) that are similar to a held-out text.

    Similar means a Jaccard index of `threshold` or more between sets of character trigrams.
    """
    keys = [f"  {group_key(text)} " for text in [*texts, *held_out]]
    vectorizer = CountVectorizer(analyzer="char", ngram_range=(3, 3), binary=True)
    trigrams = vectorizer.fit_transform(keys).astype(np.float32)
    sizes = np.asarray(trigrams.sum(1)).ravel()
    n = len(texts)
    ours, theirs = trigrams[:n], trigrams[n:].T
    mask = np.zeros(n, bool)
    for start in range(0, n, 500):
        shared = (ours[start : start + 500] @ theirs).tocoo()
        rows = shared.row + start
        jaccard = shared.data / (sizes[rows] + sizes[n + shared.col] - shared.data)
        mask[rows[jaccard >= threshold]] = True
    return mask


def check_sentence(text: str) -> str:
    """Normalise a typed sentence and validate it.

    Raises
    ------
    BadInput
        If it is blank, has lone surrogates, is longer than `MAX_SENTENCE` characters, or is
        without letters or Hangul. Emoji with a clear meaning (`signs.spell`) count as words.
    """
    if not isinstance(text, str) or not text.strip():
        raise BadInput(
            "The sentence is empty; type in Korean how you feel.",
            "빈 문장이에요. 지금 기분을 한국어로 적어 주세요.",
        )
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise BadInput(
            "The sentence has broken characters; type it again, in a terminal set to UTF-8.",
            "깨진 글자가 있어요. 문장을 다시 적어 주세요.",
        )
    text = normalise_text(text)
    if len(text) > MAX_SENTENCE:
        raise BadInput(
            f"The sentence has {len(text):,} characters; shorten it to {MAX_SENTENCE:,}.",
            f"문장이 {len(text):,}자예요. {MAX_SENTENCE:,}자 안으로 줄여 주세요.",
        )
    words = spell(text)
    if not any(c.isalpha() for c in words):
        raise BadInput(
            "The sentence has no words, only signs or emoji; add a few words in Korean.",
            "기호나 이모지만 있고 낱말이 없어요. 한국어로 몇 마디 덧붙여 주세요.",
        )
    if not _HANGUL.search(words):
        raise BadInput(
            "The sentence has no Korean; WYF reads Korean only, so type it in Korean.",
            "한국어가 보이지 않아요. WYF는 한국어만 읽으니 한국어로 적어 주세요.",
        )
    return text


def without_full_stops(text: str) -> str:
    """Remove single full stops; ellipses stay.

    Final full stops are a habit of the writer, and lyrics have none. A classifier trained with
    full stops predicts for every lyric the emotion whose writers omit them.
    """
    return re.sub(r"\s+", " ", _FULL_STOP.sub(" ", text)).strip() or text


def couplets(lyric: str) -> list[str]:
    """Join the lines of a lyric in pairs, as long as the training sentences.

    Both have a median of 35 characters in the sample. In groups of four lines, longer than most
    training sentences, three songs in five were classified as anger.
    """
    lines = [line for line in lyric.splitlines() if line.strip()]
    return [" ".join(lines[i : i + 2]) for i in range(0, len(lines), 2)]


# Rules for utterances


def drop_unmapped(table: pd.DataFrame) -> pd.DataFrame:
    """Drop texts without one clear emotion: no mapped label, or a tie between two."""
    return table[table["emotion"] >= 0]


def drop_without_words(table: pd.DataFrame) -> pd.DataFrame:
    """Drop texts with fewer than two Hangul syllables, too few for a Korean model."""
    return table[table["text"].str.contains(_HANGUL_WORD)]


def drop_repeated_texts(table: pd.DataFrame) -> pd.DataFrame:
    """Drop texts with the same letters as an earlier one, so that no two splits share a text."""
    return table[~table["text"].map(group_key).duplicated()]


def remove_full_stops(table: pd.DataFrame) -> pd.DataFrame:
    """Remove single full stops, a habit of the writer that a model may mistake for an emotion."""
    return table.assign(text=table["text"].map(without_full_stops))


UTTERANCE_RULES: tuple[Rule, ...] = (
    drop_without_words,
    remove_full_stops,
    drop_repeated_texts,
    drop_unmapped,
)


# Rules for songs


def unescape_html(songs: pd.DataFrame) -> pd.DataFrame:
    """Replace HTML entities such as `&#39;` in names by characters; the catalogue was scraped."""
    names = ["title", "artist", "album"]
    return songs.assign(**{name: songs[name].map(unescape_names) for name in names})


def drop_genres_without_lyrics(songs: pd.DataFrame) -> pd.DataFrame:
    """Drop songs whose main genres are all without lyrics."""
    main = songs["genres"].str.split(",")
    return songs[[codes == [""] or not GENRES_WITHOUT_LYRICS.issuperset(codes) for codes in main]]


def drop_instrumental(songs: pd.DataFrame) -> pd.DataFrame:
    """Drop instrumental versions, by the word "inst" in the title."""
    return songs[~songs["title"].str.contains(r"\binst(?:\.|rumental)?\b", case=False)]


def drop_spoken(songs: pd.DataFrame) -> pd.DataFrame:
    """Drop spoken tracks (대사) of film and drama albums."""
    return songs[~songs["title"].str.contains(r"(?<![가-힣])대사(?![가-힣])")]


def drop_without_lyric(songs: pd.DataFrame) -> pd.DataFrame:
    """Drop songs without a lyric, or whose lyric has no letter."""
    return songs[songs["lyric"].str.contains(r"[^\W\d_]")]


def remove_section_words(songs: pd.DataFrame) -> pd.DataFrame:
    """Remove section words (Verse, Chorus, Bridge, Hook, Intro, Outro ...); they have no emotion.

    A song without any other words is dropped.
    """
    songs = songs.assign(lyric=songs["lyric"].map(strip_sections))
    return songs[songs["lyric"] != ""]


def strip_sections(lyric: str) -> str:
    """Remove section words and blank lines from a lyric."""
    lyric = _SECTION_LINE.sub("", _BRACKETED_SECTION.sub("", lyric))
    return "\n".join(line.strip() for line in lyric.splitlines() if line.strip())


def count_by_words(texts: Sequence[str], count_tokens: CountTokens) -> list[int]:
    """Count the tokens of each text, tokenizing each distinct word once.

    The sum over words is exact for a tokenizer that splits at blanks.
    """
    # The tokenizer splits at other kinds of blank itself.
    rows = [text.replace("\n", " ") for text in texts]
    words = list({word for text in rows for word in text.split(" ")})
    special_tokens, *counts = count_tokens(["", *words])  # with the encoder's prefix
    tokens = {word: count - special_tokens for word, count in zip(words, counts, strict=True)}
    return [special_tokens + sum(map(tokens.__getitem__, text.split(" "))) for text in rows]


def drop_long(songs: pd.DataFrame, count_tokens: CountTokens) -> pd.DataFrame:
    """Drop lyrics over 512 tokens, mostly medleys and scripts; the encoder's limit in 2022."""
    special_tokens = count_tokens([""])[0]
    # A token has at least one character, or marks the start of a word.
    most = [special_tokens + len(text) + 1 for text in map(_spaced, songs["lyric"])]
    unsure = np.array(most) > MAX_TOKENS
    counts = count_by_words(songs.loc[unsure, "lyric"].tolist(), count_tokens)
    return songs.drop(index=songs.index[unsure][np.array(counts, int) > MAX_TOKENS])


def _spaced(text: str) -> str:
    """Normalise to NFKC, as tokenizers do, with one more blank for each word."""
    return unicodedata.normalize("NFKC", text).replace(" ", "  ").replace("\n", "  ")


def drop_repeated_songs(songs: pd.DataFrame) -> pd.DataFrame:
    """Drop songs that repeat the artist and lyric, or artist and title, of an earlier one."""
    artist, title, lyric = (songs[column].map(group_key) for column in ("artist", "title", "lyric"))
    same_lyric = (artist + "/" + lyric).duplicated()
    # Songs without a title do not share one.
    same_title = (artist + "/" + title).duplicated() & (title != "")
    return songs[~(same_lyric | same_title)]


def drop_unnamed_artists(songs: pd.DataFrame) -> pd.DataFrame:
    """Drop songs by Various Artists or without artist: splits and answers are grouped by artist."""
    artist = songs["artist"].str.strip()
    return songs[(artist != "") & ~artist.str.fullmatch(r"various artists?|v\.?a\.?", case=False)]


def drop_calendar_series(songs: pd.DataFrame) -> pd.DataFrame:
    """Drop series of one song per calendar day (the 130 birthday songs of 2022) of one artist."""
    day = songs["title"].str.contains(_CALENDAR_DAY)
    songs_per_artist = day.groupby(songs["artist"]).transform("sum")
    return songs[~(day & (songs_per_artist >= _CALENDAR_SERIES))]


def keep_recent(songs: pd.DataFrame) -> pd.DataFrame:
    """Keep songs released in 2015 or later: users of 2022 found older answers out of date."""
    return songs[songs["year"] >= RELEASED_FROM]


def song_rules(count_tokens: CountTokens) -> tuple[Rule, ...]:
    """List the rules of the song catalogue in the order of 2022.

    Parameters
    ----------
    count_tokens
        Counts the tokens of each text by the encoder's tokenizer, which splits at blanks.
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
    """Apply rules in order and record each in a ledger.

    Parameters
    ----------
    table
        Rows to clean, with a unique index.
    show
        Column to take examples of dropped rows from.

    Returns
    -------
    kept : DataFrame
        Remaining rows, re-indexed.
    ledger : DataFrame
        One row a rule: step, reason, rows_in, rows_out, dropped, changed, examples.

    Raises
    ------
    CorruptData
        If no row remains.
    """
    steps = []
    for rule in rules:
        before, table = table, rule(table)
        steps.append(_ledger_row(rule, before, table, show))
    if table.empty:
        raise CorruptData(
            "Cleaning left no row; look at the ledger's rules and at the source files."
        )
    columns = ["step", "reason", "rows_in", "rows_out", "dropped", "changed", "examples"]
    return table.reset_index(drop=True), pd.DataFrame(steps, columns=columns)


def _ledger_row(rule: Rule, before: pd.DataFrame, after: pd.DataFrame, show: str) -> tuple:
    function = rule.func if isinstance(rule, functools.partial) else rule
    kept = before.index.isin(after.index)
    dropped = before.index[~kept]
    changed = np.zeros(len(after), bool)
    for column in before.columns.intersection(after.columns):  # a copy of all would double lyrics
        changed |= before.loc[kept, column].ne(after[column]).to_numpy(bool)
    examples = [str(x).split("\n")[0][:40] for x in before.loc[dropped, show].head(3)]
    reason = " ".join(function.__doc__.split("\n\n")[0].split())
    counts = len(before), len(after), len(dropped), int(changed.sum())
    return function.__name__, reason, *counts, examples
