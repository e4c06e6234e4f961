"""What the page shows before anybody has typed: what it does, and feelings to press."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ..core.language import pick

#: One of each emotion, as people type.
EXAMPLES = (
    "드디어 취직했어, 너무 기뻐",
    "내일 발표라 자꾸 떨려",
    "차 한 잔 하니까 마음이 편안해",
    "친구가 멀리 이사 가서 허전해",
    "약속을 또 어겨서 진짜 화나",
    "그냥 그런 하루였어",
)


def say_what_it_does(songs: int, lang: str) -> None:
    """Say in two lines what the page does, and from how many songs it answers."""
    st.text(
        pick(
            lang,
            "적은 문장에서 여섯 감정을 읽고, 감정이 닮은 노래를 찾아 드려요.\n"
            f"노래는 {songs:,}곡이고, 적은 문장은 이 컴퓨터를 떠나지 않아요.",
            "Six emotions are read in your sentence, and songs of like emotions are found.\n"
            f"There are {songs:,} songs, and your sentence does not leave this machine.",
        )
    )


def show_examples(lang: str, send: Callable[[str], None]) -> None:
    """Show feelings to press in place of typing; `send` takes the pressed one."""
    st.caption(pick(lang, "이렇게 적어 보세요", "For example"))
    with st.container(horizontal=True):
        for number, sentence in enumerate(EXAMPLES):
            st.button(sentence, key=f"example-{number}", on_click=send, args=(sentence,))
