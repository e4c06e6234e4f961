"""Meaning of sentences that consist of signs alone: emoji, ㅠㅠ, ㅡㅡ."""

from __future__ import annotations

import re

#: Everyday words, each with the emoji or letters that stand for it. Emoji that may mean several
#: feelings (🙏 👀 💀 🔥) are left out.
MEANINGS = {
    "기분 좋아": "😀😃😄😁😆😊🙂😍🤩😘😗😚😙😋😛😜😝🤗🥰🥳😎🤤😻"
    "😸😺🎉🎊👍👏🙌✌💯❤🧡💛💚💙💜💖💗💓💕💞💘💝♥☺",
    "웃겨": "😂🤣😹ㅋㅎ",
    "슬퍼": "😢😭😿😞😔😟🙁☹😥😓🥺💔🥲ㅠㅜ",
    "화나": "😠😡🤬👿💢😤😾👎🖕ㅡ",
    "불안해": "😨😰😱😧😦😖😬🫣🙀",
    "편안해": "😌🧘🍵🌿☕🛀",
    "그냥 그래": "😐😑😶🫥",
}
_WORDS = {sign: words for words, signs in MEANINGS.items() for sign in signs}
_MODIFIERS = re.compile("[\ufe0e\ufe0f\u200d🏻-🏿♀♂]")


def spell(sentence: str) -> str:
    """Spell a sentence of signs alone in words, each meaning once; others stay as they are."""
    signs = [c for c in _MODIFIERS.sub("", sentence) if c.isalpha() or not c.isascii()]
    signs = [c for c in signs if not c.isspace()]
    if not signs or not all(c in _WORDS for c in signs):
        return sentence
    return " ".join(dict.fromkeys(_WORDS[c] for c in signs))
