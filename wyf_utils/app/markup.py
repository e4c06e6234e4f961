"""Parts of the page apart from Streamlit: reasons, links, and bars as HTML.

The HTML holds no typed word and no name of a song; an address in it is escaped.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote_plus

import numpy as np

from ..core import emotions
from ..core.emotions import Emotion
from ..core.language import emotion_names, pick
from ..core.paths import JAMENDO, OWN_MUSIC
from ..core.vectors import normalise
from .credits import song_address
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
    "tags": ("사람들이 붙인 태그로 감정을 정했어요.", "Scored by tags that people gave."),
}
#: Names of the catalogues, Korean and English; another run has its own name.
_CATALOGUES = {
    "default": ("예시 노래", "Sample songs"),
    JAMENDO: ("실제 노래 (Jamendo)", "Real songs (Jamendo)"),
    OWN_MUSIC: ("내 음악", "My music"),
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

#: Style of the page, as an HTML element.
_CSS = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
STYLE = f"<style>{_CSS}</style>"


def emotion_name(emotion: Emotion, lang: str) -> str:
    """Return the name of an emotion in a language."""
    return pick(lang, emotion.ko, emotion.en)


def are_invented(profile: str) -> bool:
    """Whether the songs of a profile were invented, so that no search finds them."""
    return profile == "sample"


def catalogue_name(run: str, lang: str) -> str:
    """Return the name of the catalogue of a run in a language."""
    return pick(lang, *_CATALOGUES.get(run, (run, run)))


def address_link(address: str) -> str:
    """Write an address as an HTML link that opens a new tab, which knows nothing of this one."""
    escaped = html.escape(address)
    return f'<a href="{escaped}" target="_blank" rel="noopener noreferrer">{escaped}</a>'


def listen_link(given: Answer, song) -> str:
    """Return where a song of an answer is heard or looked for; blank where it cannot be."""
    if are_invented(given.profile):
        return ""
    return song_address(given.profile, song.id) or search_link(song.title, song.artist)


def search_link(title: str, artist: str) -> str:
    """Return the address of a search for a song; blank for one that has only a number."""
    if not artist and re.fullmatch(r"#\d+", title):
        return ""
    return SEARCH + quote_plus(f"{artist} {title}".strip())


def song_details(artist: str, genre: str, year: int) -> str:
    """Join artist, genre and year of a song, where known."""
    return " · ".join(str(part) for part in (artist, genre, year) if part)


def shared_emotions(query_vector: np.ndarray, vector: np.ndarray) -> list[tuple[Emotion, float]]:
    """Find the one or two emotions that make vectors (6,) alike, with their shares of it."""
    parts = normalise(query_vector) * normalise(vector)
    largest = [i for i in np.argsort(-parts)[:2] if parts[i] > 0.1 * parts.sum()]
    return [(emotions.EMOTIONS[i], float(parts[i])) for i in largest]


def song_reason(given: Answer, number: int, lang: str) -> str:
    """Say why a song (number from 0) was answered: its cosine, shared emotions and basis."""
    song = given.songs.iloc[number]
    shared = shared_emotions(given.query_vectors[song["step"]], given.vectors[number])
    alike = ", ".join(f"{emotion_name(emotion, lang)} {part:.2f}" for emotion, part in shared)
    compared = pick(lang, *(_CALM if given.is_calm else _COMPARED[given.query.mode]))
    cosine, basis = f"{song['cosine']:.2f}", pick(lang, *_BASIS[song["basis"]])
    reason = pick(lang, f"{compared} 닮은 정도 {cosine}", f"Cosine {cosine} to {compared}")
    return f"{reason} ({alike}). {basis}{contradiction(song, lang)}".strip()


def contradiction(song, lang: str) -> str:
    """Say where a song's words tell one emotion and its sound another; blank elsewhere."""
    if song["told"] < 0:
        return ""
    told, heard = (emotion_name(emotions.EMOTIONS[song[name]], lang) for name in ("told", "heard"))
    return pick(
        lang,
        f"가사는 {told}, 소리는 {heard} 쪽이에요.",
        f"Its words say {told}, its sound {heard}.",
    )


def emotion_bars(vector: np.ndarray, lang: str, beside: np.ndarray | None = None) -> str:
    """Draw six probabilities as bars, thick for one vector (6,), thin for another beside it."""
    rows = []
    for emotion, value in zip(emotions.EMOTIONS, vector, strict=True):
        bars, number = _bar(emotion, value), f"{value:.2f}"
        if beside is not None:
            bars += _bar(emotion, beside[emotion.id], thin=True)
            number += f"<br>{beside[emotion.id]:.2f}"
        name = emotion_name(emotion, lang)
        rows.append(f'<div>{name}</div><div>{bars}</div><div class="wyf-number">{number}</div>')
    return f'<div class="wyf-bars">{"".join(rows)}</div>'


def path_steps(query_vectors: np.ndarray, vectors: np.ndarray, lang: str) -> str:
    """Draw the steps of a path as columns: narrow for the target, wide for the song.

    Parameters
    ----------
    query_vectors, vectors
        What was searched for and the songs' vectors, one a step, (k, 6).
    lang
        ko or en.
    """
    names = emotion_names(lang)
    columns = []
    for step, (target, vector) in enumerate(zip(query_vectors, vectors, strict=False), start=1):
        pair = _stack(target, "wyf-aim") + _stack(vector)
        columns.append(
            f'<div class="wyf-step"><div class="wyf-pair">{pair}</div>'
            f"{step}<br>{names[target.argmax()]}</div>"
        )
    legend = "".join(
        f'<span><i style="background:{e.colour}"></i>{emotion_name(e, lang)}</span>'
        for e in emotions.EMOTIONS
    )
    return f'<div class="wyf-path">{"".join(columns)}</div><div class="wyf-legend">{legend}</div>'


def _bar(emotion: Emotion, value: float, *, thin: bool = False) -> str:
    kind = ' class="wyf-thin"' if thin else ""
    style = f"width:{100 * value:.1f}%;background:{emotion.colour}"
    return f'<div class="wyf-track"><div{kind} style="{style}"></div></div>'


def _stack(vector: np.ndarray, kind: str = "") -> str:
    shares = vector / vector.sum()
    parts = "".join(
        f'<div style="height:{100 * share:.1f}%;background:{e.colour}"></div>'
        for e, share in zip(emotions.EMOTIONS, shares, strict=True)
    )
    return f'<div class="wyf-stack {kind}">{parts}</div>'


def moved_words(words: Sequence, lang: str) -> str:
    """List the three words that raised the emotion most, as text."""
    strong = [row for row in words if row.effect > 0.1][:3]
    return ", ".join(
        f"‘{row.word}’ {emotion_names(lang)[row.emotion]} +{row.effect:.1f}" for row in strong
    )
