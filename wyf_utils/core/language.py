"""Choice between the Korean and the English wording of a text."""

from __future__ import annotations

from . import emotions

LANGUAGES = ("ko", "en")


def pick(lang: str, ko: str, en: str) -> str:
    """Return the wording in a language."""
    return ko if lang == "ko" else en


def emotion_names(lang: str) -> tuple[str, ...]:
    """Return the names of the six emotions in a language, in order."""
    return emotions.KO if lang == "ko" else emotions.EN
