"""What the page shows of an answer, apart from Streamlit: reasons, links, and pictures as HTML that holds no word of a person or a song."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote_plus

import numpy as np

from ..core import emotions
from ..core.emotions import Emotion
from ..core.language import emotion_names, pick
from ..core.vectors import normalise
from .feeling import Answer

#: Where a song is looked for: an ordinary address, opened only when a person follows it.
SEARCH = "https://www.youtube.com/results?search_query="

#: What each mode does, Korean and English.
MODES = {
    "match": ("지금 기분과 닮은 노래를 들려 드려요.", "Songs that feel as you do."),
    "path": (
        "지금 기분에서 바라는 기분까지 한 걸음씩 데려가요.",
        "Songs that lead, step by step, from this feeling to another.",
    ),
    "opposite": ("지금 기분의 반대편에 있는 노래예요.", "Songs of the opposite feeling."),
    "wide": (
        "조금 더 넓게, 서로 다른 노래를 찾아요.",
        "A wider circle of songs, each unlike the others.",
    ),
}
#: What a cosine on a card compares the song with.
_COMPARED = {
    "match": ("지금 기분과", "this feeling"),
    "path": ("이 걸음에서 바라는 기분과", "the feeling of this step"),
    "opposite": ("반대편 기분과", "the opposite feeling"),
    "wide": ("지금 기분과", "this feeling"),
}
_CALM = ("담담하고 편안한 기분과", "a plain, calm mood")
#: What is said of a song by what it was scored by.
_BASIS = {
    "both": ("", ""),
    "lyric": ("소리 없이 가사만으로 감정을 정했어요.", "Scored by its lyric alone."),
    "sound": ("가사 없이 소리만으로 감정을 정했어요.", "Scored by its sound alone."),
}
#: What is said of the songs of a profile.
PROFILES = {
    "sample": (
        "이 노래들은 WYF를 시험하려고 지어낸 예시라서 검색해도 나오지 않아요.",
        "These songs were invented to try WYF out, so that no search finds them.",
    ),
    "open": (
        "2022년에 공개된 노래 벡터에는 제목이 없어서 번호로 보여 드려요.",
        "The song vectors of 2022 have no titles, so that songs are shown by number.",
    ),
}

#: Greys are half transparent and text takes the page's own colour, for light and dark alike.
STYLE = """<style>
.wyf-bars { display: grid; grid-template-columns: max-content 1fr 2.6rem; gap: .3rem .7rem; align-items: center; }
.wyf-track { background: rgba(128,128,128,.22); border-radius: .3rem; overflow: hidden; }
.wyf-track div { height: .85rem; border-radius: .3rem; }
.wyf-track div.wyf-thin { height: .4rem; margin-top: .1rem; opacity: .65; }
.wyf-number { text-align: right; font-variant-numeric: tabular-nums; }
.wyf-path { display: flex; gap: .5rem; }
.wyf-step { flex: 1; min-width: 0; text-align: center; font-size: .85rem; }
.wyf-pair { display: flex; gap: .15rem; height: 7rem; margin-bottom: .25rem; }
.wyf-stack { display: flex; flex-direction: column-reverse; flex: 2; border-radius: .25rem; overflow: hidden; }
.wyf-stack.wyf-aim { flex: 1; opacity: .65; }
.wyf-legend { display: flex; flex-wrap: wrap; gap: .2rem .9rem; margin-top: .5rem; font-size: .85rem; }
.wyf-legend i { display: inline-block; width: .75rem; height: .75rem; border-radius: .2rem; margin-right: .3rem; }
[class*="st-key-title-"] p, [class*="st-key-title-"] [data-testid="stText"] { font-weight: 600; font-size: 1.1rem; }
[data-testid="stMainBlockContainer"] { padding-top: 3.5rem; }
[data-testid="stMainBlockContainer"] :is(p, h1, h2, h3) { word-break: keep-all; overflow-wrap: anywhere; }
[data-testid="stText"] { white-space: pre-wrap; overflow-wrap: anywhere; }
[data-testid="stCaptionContainer"] { color: inherit; opacity: .8; }
[role="radiogroup"] button[aria-checked="true"] { color: inherit !important; font-weight: 600; }
h1 { font-size: clamp(1.8rem, 6vw, 2.5rem) !important; }
[data-testid="InputInstructions"] { display: none; }
</style>"""


def emotion_name(emotion: Emotion, lang: str) -> str:
    """Name of an emotion in a language."""
    return pick(lang, emotion.ko, emotion.en)


def are_invented(profile: str) -> bool:
    """Whether the songs of a profile exist nowhere, so that no search finds them."""
    return profile == "sample"


def search_link(title: str, artist: str) -> str:
    """Address of a search for a song; blank for one that has only a number."""
    return (
        ""
        if not artist and re.fullmatch(r"#\d+", title)
        else SEARCH + quote_plus(f"{artist} {title}".strip())
    )


def song_details(artist: str, genre: str, year: int) -> str:
    """What is known of a song beside its title."""
    return " · ".join(str(part) for part in (artist, genre, year) if part)


def shared_text(aim: np.ndarray, vector: np.ndarray) -> list[tuple[Emotion, float]]:
    """At most two emotions that make two vectors (6,) alike, each with its part of their cosine, the largest first."""
    parts = normalise(aim) * normalise(vector)
    return [
        (emotions.EMOTIONS[i], float(parts[i]))
        for i in np.argsort(-parts)[:2]
        if parts[i] > 0.1 * parts.sum()
    ]


def song_reason(given: Answer, number: int, lang: str) -> str:
    """Why the song with a number (from 0) was answered: how alike it is to what was searched for, and in which emotions."""
    song = given.songs.iloc[number]
    alike = ", ".join(
        f"{emotion_name(emotion, lang)} {part:.2f}"
        for emotion, part in shared_text(given.query_vectors[song["step"]], given.vectors[number])
    )
    compared, basis = (
        pick(lang, *(_CALM if given.is_calm else _COMPARED[given.query.mode])),
        pick(lang, *_BASIS[song["basis"]]),
    )
    reason = pick(
        lang,
        f"{compared} 닮은 정도 {song['cosine']:.2f}",
        f"Cosine {song['cosine']:.2f} to {compared}",
    )
    return f"{reason} ({alike}). {basis}".strip()


def emotion_bars(vector: np.ndarray, lang: str, beside: np.ndarray | None = None) -> str:
    """Six emotions as bars, thick for one vector (6,) and thin for another beside it."""
    rows = []
    for emotion, value in zip(emotions.EMOTIONS, vector, strict=True):
        tracks = (
            _bar(emotion, value)
            if beside is None
            else _bar(emotion, value) + _bar(emotion, beside[emotion.id], thin=True)
        )
        number = f"{value:.2f}" if beside is None else f"{value:.2f}<br>{beside[emotion.id]:.2f}"
        rows.append(
            f'<div>{emotion_name(emotion, lang)}</div><div>{tracks}</div><div class="wyf-number">{number}</div>'
        )
    return f'<div class="wyf-bars">{"".join(rows)}</div>'


def _bar(emotion: Emotion, value: float, *, thin: bool = False) -> str:
    kind = ' class="wyf-thin"' if thin else ""
    return f'<div class="wyf-track"><div{kind} style="width:{100 * value:.1f}%;background:{emotion.colour}"></div></div>'


def path_steps(aims: np.ndarray, vectors: np.ndarray, lang: str) -> str:
    """The steps of a path as columns: narrow for the feeling that is wished for, wide for the song that was chosen.

    Parameters
    ----------
    aims
        Vectors that were searched for, (k, 6).
    vectors
        Vectors of the songs, one a step, (k, 6).
    lang
        ko or en.
    """
    columns = "".join(
        f'<div class="wyf-step"><div class="wyf-pair">{_stack(aim, "wyf-aim")}{_stack(vector)}</div>{i}<br>{emotion_names(lang)[aim.argmax()]}</div>'
        for i, (aim, vector) in enumerate(zip(aims, vectors, strict=False), start=1)
    )
    legend = "".join(
        f'<span><i style="background:{e.colour}"></i>{emotion_name(e, lang)}</span>'
        for e in emotions.EMOTIONS
    )
    return f'<div class="wyf-path">{columns}</div><div class="wyf-legend">{legend}</div>'


def _stack(vector: np.ndarray, kind: str = "") -> str:
    shares = vector / vector.sum()
    parts = "".join(
        f'<div style="height:{100 * share:.1f}%;background:{e.colour}"></div>'
        for e, share in zip(emotions.EMOTIONS, shares, strict=True)
    )
    return f'<div class="wyf-stack {kind}">{parts}</div>'


def moved_words(words: Sequence, lang: str) -> str:
    """Words that moved the emotion that was read, the strongest three, as text."""
    strong = [row for row in words if row.effect > 0.01][:3]
    return ", ".join(
        f"‘{row.word}’ {emotion_names(lang)[row.emotion]} +{row.effect:.2f}" for row in strong
    )
