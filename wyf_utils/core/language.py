"""Korean and English: which of two texts is shown."""

from __future__ import annotations

from . import emotions

LANGUAGES = ("ko", "en")


def pick(lang: str, ko: str, en: str) -> str:
    """Return the wording of a language."""
    return ko if lang == "ko" else en


def emotion_names(lang: str) -> tuple[str, ...]:
    """Names of the six emotions in a language, in order."""
    return emotions.KO if lang == "ko" else emotions.EN
