"""The Streamlit page of `make app`.

Typed words and names of songs are shown by `st.text`, which renders neither HTML nor Markdown.
"""

from __future__ import annotations

import mimetypes
from dataclasses import replace
from pathlib import Path

import streamlit as st

from ..core import emotions, language
from ..core.context import context
from ..core.errors import WyfError
from ..music import feedback, recommender
from ..music.database import MusicDatabase
from ..music.recommender import SongQuery
from ..text import safety
from . import feeling, first_screen, loading, markup
from .credits import CREDITS, song_address

#: Run that is shown first.
RUN = context().run
LANGUAGES = {"ko": "한국어", "en": "English"}
state = st.session_state


def say(ko: str, en: str) -> str:
    """Pick a text by the language of the page."""
    return language.pick(state.get("lang", "ko"), ko, en)


def current_run() -> str:
    """Return the run whose songs are shown."""
    return state.get("catalogue") or RUN


def filter_key(name: str) -> str:
    """Return the key of a filter whose choices belong to one catalogue."""
    return name if current_run() == RUN else f"{name}-{current_run()}"


def show_error(error: WyfError) -> None:
    """Show an error, one sentence with its remedy."""
    st.error(say(error.ko or str(error), str(error)), icon=":material/error:")


def keep_choices() -> None:
    """Keep choices when the language changes; the browser knows them by their labels only."""
    for key in ("mode", "to", "catalogue"):
        if key in state:
            state[key] = state[key]


def head() -> None:
    """Show the choice of language and the question."""
    st.segmented_control(
        "언어 · Language",
        list(LANGUAGES),
        format_func=LANGUAGES.get,
        default="ko",
        required=True,
        key="lang",
        label_visibility="collapsed",
        bind="query-params",
        on_change=keep_choices,
    )
    st.title(say("오늘의 기분은 어떤가요?", "How do you feel today?"), anchor=False)


def forget_answer() -> None:
    """Forget the answer out of another catalogue; keep the sentence, which is asked again."""
    for name in ("answer", "asked", "why"):
        state.pop(name, None)


def choose_catalogue() -> None:
    """Show the choice of catalogue where there is more than one."""
    runs = loading.catalogues(RUN)
    if state.get("catalogue", RUN) not in runs:  # its database has gone
        state.pop("catalogue")
        forget_answer()
    if len(runs) > 1:
        names = {run: markup.catalogue_name(run, state.lang) for run in runs}
        st.selectbox(
            say("어느 노래에서 고를까요?", "From which songs?"),
            runs,
            format_func=names.get,
            key="catalogue",
            on_change=forget_answer,
        )


def send(sentence: str) -> None:
    """Ask for songs for a sentence, as if nothing had been asked before."""
    state.update(sentence=sentence, turn=0, named=None)


def send_example(sentence: str) -> None:
    """Put a sentence into the box and send it."""
    state.typed = sentence
    send(sentence)


def ask() -> None:
    """Show the box for a sentence; a sent one stays until another is sent."""
    with st.form("question", border=False):
        st.text_area(
            say("지금 기분을 한국어로 적어 주세요", "Type in Korean how you feel"),
            placeholder=say(
                "예: 면접에서 또 떨어져서 너무 속상해",
                "For example: 면접에서 또 떨어져서 너무 속상해",
            ),
            height=100,
            key="typed",
        )
        sent = st.form_submit_button(
            say("노래 찾기", "Find songs"),
            type="primary",
            help=say("Ctrl+Enter로도 보낼 수 있어요", "Ctrl+Enter sends it, too"),
        )
    if sent:
        send(state.typed)


def ask_query(songs: MusicDatabase) -> tuple[SongQuery, bool]:
    """Show mode and filters; return the query, and whether songs looked up are left out."""
    mode, to = ask_mode()
    with st.expander(say("검색 조건", "Filters"), icon=":material/tune:", key="filters"):
        filters, fresh = ask_filters(songs)
    seed = feeling.daily_seed(state.turn)
    return SongQuery(mode=mode, target_emotion=to, seed=seed, **filters), fresh


def ask_mode() -> tuple[str, int]:
    """Show the modes; return the chosen one, and the emotion at the end of a path."""
    modes = {mode: say(*names) for mode, names in recommender.MODES.items()}
    mode = st.segmented_control(
        say("어떤 노래를 들을까요?", "Which songs?"),
        list(modes),
        format_func=modes.get,
        default="match",
        required=True,
        key="mode",
    )
    st.caption(say(*markup.MODES[mode]))
    if mode != "path":
        return mode, 0
    names = language.emotion_names(state.lang)
    to = st.selectbox(
        say("바라는 기분", "To which feeling?"),
        range(emotions.N),
        format_func=names.__getitem__,
        key="to",
    )
    return mode, to


def ask_filters(songs: MusicDatabase) -> tuple[dict, bool]:
    """Show the filters; return fields of `SongQuery`, and whether songs looked up are left out."""
    k = st.slider(say("노래 수", "How many songs"), 1, 10, 5, key="k")
    since = st.number_input(
        say("발매 연도(이후)", "Released from"),
        1900,
        2100,
        max(1900, feeling.default_min_year(songs)),
        key=filter_key("since"),
    )
    genre = st.selectbox(
        say("장르", "Genre"),
        sorted(set(songs.songs["genre"]) - {""}),
        index=None,
        placeholder=say("모든 장르", "All genres"),
        key=filter_key("genre"),
    )
    met = set(state.answer.songs["artist"]) - {""} if "answer" in state else set()
    without = st.multiselect(
        say("빼고 싶은 가수", "Leave out these artists"),
        sorted(met | set(state.get(filter_key("without"), []))),
        key=filter_key("without"),
        accept_new_options=True,
        placeholder=say("고르거나 이름을 적어 주세요", "Choose, or type a name"),
    )
    fresh = not markup.are_invented(songs.provenance["profile"]) and st.toggle(
        say("찾아 들은 노래 빼기", "Leave out songs I looked up"), key=filter_key("fresh")
    )
    filters = {"k": k, "min_year": since, "genre": genre or "", "exclude_artists": tuple(without)}
    return filters, fresh


def current_answer(query: SongQuery, fresh: bool) -> feeling.Answer:
    """Answer the sentence; keep the answer while sentence and query stay, so likes move nothing."""
    run = current_run()
    asked = (run, state.sentence, query, fresh, state.named)
    if state.get("asked") != asked:
        heard = frozenset(feedback.of_run(run).songs("heard")) if fresh else frozenset()
        state.pop("why", None)
        with st.spinner(say("어울리는 노래를 찾고 있어요…", "Looking for songs…")):
            state.answer = feeling.answer(
                state.sentence, run, replace(query, exclude_ids=heard), state.named
            )
        state.asked = asked
    return state.answer


def show_feeling(given: feeling.Answer) -> None:
    """Show the helpline first where it is needed, then the sentence and its emotions."""
    if given.helpline:
        text = say(given.helpline["ko"], given.helpline["en"])
        if given.care == safety.RISK:
            st.warning(text, icon=":material/call:")
            call = say("109에 전화하기", "Call 109")
            st.link_button(call, "tel:109", type="primary", icon=":material/call:")
        else:
            st.caption(text)
    st.subheader(say("이렇게 읽었어요", "What was read"), anchor=False)
    st.text(f"“{given.sentence}”")
    st.html(markup.emotion_bars(given.emotion_vector, state.lang))
    if given.message["ko"]:
        st.info(say(given.message["ko"], given.message["en"]))
    if given.question:
        with st.container(horizontal=True):
            for emotion in given.question:
                st.button(
                    markup.emotion_name(emotions.EMOTIONS[emotion], state.lang),
                    key=f"named-{emotion}",
                    on_click=state.update,
                    args=({"named": emotion},),
                )


def judge(song: int, verdict: str) -> None:
    """Keep a verdict on a song; keep the error where that fails."""
    try:
        feedback.of_run(current_run()).add(song, verdict, state.answer.emotion_vector)
    except WyfError as error:
        state.fault = error


def verdicts(song, link: str, liked: bool, skipped: bool) -> None:
    """Show search, like and skip of a song; no search where `link` is blank."""
    with st.container(horizontal=True):
        if link:
            st.link_button(
                say("찾아 듣기", "Look it up"),
                link,
                key=f"look-{song.id}",
                icon=":material/search:",
                on_click=judge,
                args=(song.id, "heard"),
            )
        st.button(
            say("좋아요 눌렀어요", "Liked") if liked else say("좋아요", "Like"),
            key=f"like-{song.id}",
            icon=":material/favorite:",
            type="primary" if liked else "secondary",
            disabled=liked,
            on_click=judge,
            args=(song.id, "like"),
        )
        st.button(
            say("넘겼어요", "Skipped") if skipped else say("넘기기", "Skip"),
            key=f"skip-{song.id}",
            icon=":material/skip_next:",
            disabled=skipped,
            on_click=judge,
            args=(song.id, "skip"),
        )


def card(given: feeling.Answer, number: int, liked: bool, skipped: bool):
    """Show a song; return the place for its lyric line, which is found later."""
    song = next(given.songs.iloc[[number]].itertuples())
    with st.container(border=True, key=f"card-{number}", gap="xsmall"):
        with st.container(key=f"title-{number}", gap=None):
            st.text(f"{number + 1}. {song.title}")
        if about := markup.song_details(song.artist, song.genre, song.year):
            st.text(about)
        if address := song_address(given.profile, song.id):
            st.html(markup.address_link(address))
        line = st.empty()
        st.caption(markup.song_reason(given, number, state.lang))
        if song.tags:
            st.text(say(f"사람들이 붙인 태그: {song.tags}", f"Tags that people gave: {song.tags}"))
        if song.path:
            play(Path(song.path))
        verdicts(song, markup.listen_link(given, song), liked, skipped)
        with st.expander(say("감정 나란히 보기", "Both vectors side by side")):
            st.caption(
                say("굵은 막대는 문장, 가는 막대는 노래", "Thick: the sentence; thin: the song")
            )
            st.html(
                markup.emotion_bars(given.emotion_vector, state.lang, beside=given.vectors[number])
            )
    return line


def play(path: Path) -> None:
    """Play a person's own file."""
    if path.is_file():
        st.audio(path, format=mimetypes.guess_type(path.name)[0] or "audio/mpeg")
    else:
        st.caption(
            say(
                "음악 파일이 제자리에 없어요. `wyf build`로 다시 읽어 주세요.",
                "The sound file has gone; run `wyf build` to read the folder again.",
            )
        )


def show_path(given: feeling.Answer) -> None:
    """Show the steps of a path beside the songs chosen for them."""
    st.html(markup.path_steps(given.query_vectors[given.songs["step"]], given.vectors, state.lang))
    st.caption(
        say(
            "가는 막대는 바라는 기분, 넓은 막대는 고른 노래",
            "Thin: the feeling wished for; wide: the song chosen",
        )
    )


def show_songs(given: feeling.Answer) -> None:
    """Show the path and the cards; reasons, which take longer, fill their places last."""
    st.subheader(say("어울리는 노래", "Songs for it"), anchor=False)
    if given.profile in markup.PROFILES:
        st.caption(say(*markup.PROFILES[given.profile]))
    if given.query.mode == "path":
        show_path(given)
    words = st.empty()
    kept = feedback.of_run(current_run())
    liked, skipped = set(kept.songs("like")), set(kept.songs("skip"))
    lines = [
        card(given, i, song in liked, song in skipped) for i, song in enumerate(given.songs["id"])
    ]
    st.button(
        say("다른 노래", "Other songs"),
        icon=":material/refresh:",
        key="other",
        on_click=state.update,
        args=({"turn": state.turn + 1},),
    )
    st.caption(
        say(
            "좋아요와 넘기기는 그때 읽은 여섯 감정과 함께 이 컴퓨터에만 남고, "
            "다음 추천부터 반영돼요. 적은 문장은 남기지 않아요.",
            "Likes and skips stay on this machine, each with the six emotions read at the time, "
            "and count from the next answer on. Sentences are not kept.",
        )
    )
    if "why" not in state:
        with st.spinner(say("이유를 찾고 있어요…", "Looking for the reasons…")):
            state.why = feeling.explain(given, current_run())
    if moved := markup.moved_words(state.why.words.itertuples(), state.lang):
        words.text(say(f"기분을 움직인 말: {moved}", f"What moved it: {moved}"))
    for line, lyric in zip(lines, state.why.lines, strict=True):
        if lyric:
            line.text(f"♪ {lyric}")
    if given.profile in CREDITS:
        st.caption(say(*CREDITS[given.profile]))


def main() -> None:
    """Draw the page."""
    st.set_page_config(page_title="WYF · 오늘의 기분은 어떤가요?", layout="centered")
    st.html(markup.STYLE)
    head()
    try:
        choose_catalogue()
        with st.spinner(say("노래와 모델을 여는 중이에요…", "Opening songs and model…")):
            songs = feeling.open_songs(current_run())
            feeling.open_reader(songs, current_run())
        for name, start in (("turn", 0), ("named", None)):
            state.setdefault(name, start)
        above = st.container()
        ask()
        if "sentence" not in state:
            with above:
                first_screen.say_what_it_does(len(songs), state.lang)
            first_screen.show_examples(state.lang, send_example)
        query, fresh = ask_query(songs)
        if fault := state.pop("fault", None):
            show_error(fault)
        if "sentence" in state:
            given = current_answer(query, fresh)
            show_feeling(given)
            show_songs(given)
    except WyfError as error:
        show_error(error)
