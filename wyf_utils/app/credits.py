"""Where the songs of a profile are, and what they owe to whom, for page and terminal."""

from __future__ import annotations

from ..core.paths import JAMENDO

#: Address of a song by its number.
_ADDRESSES = {JAMENDO: "https://www.jamendo.com/track/{}"}
#: Source and licence of the songs, Korean and English.
CREDITS = {
    JAMENDO: (
        "출처: jamendo.com의 노래와 태그, MTG-Jamendo(Bogdanov 외 2019)에서. 태그와 이름은 "
        "CC BY-NC-SA 4.0, 노래는 저마다 정한 크리에이티브 커먼즈 이용허락을 따라요(노래의 쪽에 "
        "적혀 있어요).",
        "Source: songs and tags of jamendo.com, from MTG-Jamendo (Bogdanov et al. 2019). Tags and "
        "names are CC BY-NC-SA 4.0; each song has a Creative Commons licence of its own, which its "
        "page states.",
    ),
}


def song_address(profile: str, song: int) -> str:
    """Return the address of a song; blank where songs of its profile have none."""
    return _ADDRESSES[profile].format(int(song)) if profile in _ADDRESSES else ""
