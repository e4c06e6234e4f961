"""The page without a browser: what stands on it, and what it says where something is amiss."""

import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile
from streamlit.testing.v1 import AppTest
from test_songs import make

from wyf_utils.app import markup
from wyf_utils.core import emotions
from wyf_utils.core.paths import ROOT
from wyf_utils.music import database, feedback, quick
from wyf_utils.text import safety

SAD = "오늘 너무 슬퍼 슬퍼"


def opened():
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=300).run()


def press(at, label):
    next(b for b in at.button if b.label == label).click()
    return at.run()


def ask(at, sentence, button="노래 찾기"):
    at.text_area(key="typed").input(sentence)
    return press(at, button)


def choose(at, key, value):
    at.segmented_control(key=key).set_value(value)
    return at.run()


def texts(at):
    return [t.value for t in at.text]


def titles(at):
    return [t.split(". ", 1)[1] for t in texts(at) if t[:1].isdigit()]


def pictures(at):
    return [h.proto.body for h in at.get("html")]


def test_a_sentence_is_answered_with_songs_and_reasons(here):
    at = opened()
    assert at.title[0].value == "오늘의 기분은 어떤가요?" and not titles(at)
    ask(at, SAD)
    assert not at.exception and not at.error and len(titles(at)) == 5
    assert f"“{SAD}”" in texts(at) and any(
        t.startswith("기분을 움직인 말: ‘슬퍼’ 슬픔 +") for t in texts(at)
    )
    assert (
        sum(t.startswith("가수 ") and " · 20" in t for t in texts(at)) == 5
        and sum(t.startswith("♪ ") for t in texts(at)) == 5
    )
    assert sum(c.value.startswith("지금 기분과 닮은 정도 0.") for c in at.caption) == 5
    bars = next(p for p in pictures(at) if "wyf-bars" in p and "<style>" not in p)
    assert all(name in bars for name in emotions.KO) and all(
        colour in bars for colour in emotions.COLOURS
    )


def test_the_first_screen_has_feelings_to_press(here):
    at = opened()
    assert any("적은 문장에서 여섯 감정을 읽고" in t and "곡이고" in t for t in texts(at))
    examples = [b for b in at.button if b.key.startswith("example-")]
    assert len(examples) == 6
    press(at, examples[3].label)
    assert at.text_area(key="typed").value == examples[3].label and len(titles(at)) == 5
    assert not [b for b in at.button if (b.key or "").startswith("example-")], "they make room"
    typed = texts(ask(opened(), SAD))
    assert not any("적은 문장에서 여섯 감정을 읽고" in t for t in typed), "at once"


def test_english_by_a_switch(here):
    at = ask(opened(), SAD)
    found = titles(at)
    choose(at, "lang", "en")
    assert at.title[0].value == "How do you feel today?" and titles(at) == found, "the same songs"
    labels = (
        [b.label for b in at.button]
        + [c.value for c in at.caption]
        + [s.value for s in at.subheader]
        + [e.label for e in at.expander]
    )
    assert not any("가" <= letter <= "힣" for label in labels for letter in label)
    at = ask(at, "", "Find songs")
    assert at.error[0].value == "The sentence is empty; type in Korean how you feel."


@pytest.mark.parametrize(
    ("sentence", "says"),
    [
        ("", "빈 문장이에요."),
        ("   ", "빈 문장이에요."),
        ("슬퍼" * 12_500, "문장이 25,000자예요. 20,000자 안으로 줄여 주세요."),
        ("🙏👀", "기호나 이모지만 있고"),
        ("I feel tired", "한국어로 적어 주세요."),
    ],
)
def test_bad_input_is_one_sentence_with_the_remedy(here, sentence, says):
    at = ask(opened(), sentence)
    assert not at.exception and len(at.error) == 1 and says in at.error[0].value and not titles(at)
    assert len(titles(ask(at, SAD))) == 5, "and the page goes on"


def test_modes_and_the_path(here):
    at = ask(opened(), SAD)
    match = titles(at)
    choose(at, "mode", "path")
    at.selectbox(key="to").set_value(2).run()
    drawn = next(p for p in pictures(at) if "wyf-path" in p and "<style>" not in p)
    assert drawn.count("wyf-step") == 5 and "5<br>평화" in drawn and "1<br>슬픔" in drawn
    assert len(titles(at)) == 5 and titles(at) != match
    assert sum(c.value.startswith("이 걸음에서 바라는 기분과") for c in at.caption) == 5
    choose(at, "lang", "en")
    assert at.session_state["mode"] == "path" and at.session_state["to"] == 2, (
        "what was chosen stays"
    )
    choose(at, "lang", "ko")
    choose(at, "mode", "opposite")
    assert not any("wyf-step" in p and "<style>" not in p for p in pictures(at)) and not set(
        titles(at)
    ) & set(match)
    choose(at, "mode", "match")
    assert titles(at) == match, "the day's seed"
    press(at, "다른 노래")
    assert titles(at) != match and len(titles(at)) == 5


def test_likes_and_skips_are_kept_and_leave_the_list_alone(here):
    at = ask(opened(), SAD)
    first = titles(at)
    press(at, "좋아요")
    next(
        b
        for b in at.button
        if b.label == "넘기기" and b.key == [c.key for c in at.button if c.label == "넘기기"][1]
    ).click().run()
    assert (
        titles(at) == first
        and [b.label for b in at.button].count("좋아요 눌렀어요") == 1
        and [b.label for b in at.button].count("넘겼어요") == 1
    )
    kept = feedback.of_run("default")
    assert len(kept.songs("like")) == len(kept.songs("skip")) == 1
    again = ask(opened(), SAD)  # a reload
    assert first[1] not in titles(again), "a skipped song does not come again"
    assert "좋아요 눌렀어요" in [b.label for b in again.button] or first[0] not in titles(again)


def test_filters(here):
    at = ask(opened(), SAD)
    at.number_input(key="since").set_value(2100).run()
    assert len(at.error) == 1 and "조건에 맞는 노래가 없어요" in at.error[0].value
    at.number_input(key="since").set_value(2020).run()
    at.selectbox(key="genre").set_value("댄스").run()
    at.slider(key="k").set_value(3).run()
    about = [t for t in texts(at) if " · 댄스 · 202" in t]
    assert not at.error and len(titles(at)) == len(about) == 3
    artist = about[0].split(" · ")[0]
    at.multiselect(key="without").set_value([artist]).run()
    assert len(titles(at)) == 3 and not any(t.startswith(f"{artist} ·") for t in texts(at))


def test_a_song_that_was_looked_up_can_be_left_out(here):
    assert not ask(opened(), SAD).toggle, "no song of the sample can be looked up"
    database.build(here / database.NAME, make(400, profile="wyf"))
    at = ask(opened(), SAD)
    song = int(at.session_state["answer"].songs["id"][0])
    feedback.of_run("default").add(song, "heard")
    at.toggle(key="fresh").set_value(True).run()
    assert song not in at.session_state["answer"].songs["id"].tolist() and len(titles(at)) == 5


def test_only_songs_that_exist_can_be_looked_up(here):
    def searches(at):
        return [
            link
            for link in at.get("link_button")
            if link.proto.url.startswith(f"{markup.SEARCH}%EA%B0%80%EC%88%98")
        ]

    assert not searches(ask(opened(), SAD))
    database.build(here / database.NAME, make(400, profile="wyf"))
    assert len(searches(ask(opened(), SAD))) == 5


def test_the_helpline_stands_before_everything_else(here):
    at = ask(opened(), "슬퍼 그냥 죽고 싶어")
    assert at.warning[0].value == safety.HELPLINE["ko"]
    order = [e.type for e in at.main]
    assert order.index("warning") < order.index("subheader") and "tel:109" in [
        link.proto.url for link in at.get("link_button")
    ]
    assert not ask(at, "배고파 죽겠다 슬퍼").warning


def test_where_it_is_not_sure_it_asks_and_takes_the_answer(here):
    at = ask(opened(), "그냥 그래")
    assert at.info[0].value.endswith("어느 쪽에 더 가까운가요?")
    press(at, "긴장")
    assert (
        not at.info
        and at.session_state["answer"].emotion_vector.argmax() == 1
        and at.session_state["answer"].sure
    )
    assert ask(at, "그냥 그래").info, "another sentence is asked about anew"


def test_words_are_text_never_html(here):
    music = make(400, profile="sample")
    evil = "<img src=x onerror=alert(1)> :red[**굵게**]"
    database.build(
        here / database.NAME,
        database.MusicDatabase(
            music.songs.assign(title=evil, artist=evil, text=evil),
            *music_vectors(music),
            {"run": "test", "profile": "sample", "model": "m"},
        ),
    )
    sentence = "슬퍼 <script>alert(1)</script>"
    at = ask(opened(), sentence)
    assert f"“{sentence}”" in texts(at) and titles(at) == [evil] * 5 and f"♪ {evil}" in texts(at)
    elsewhere = pictures(at) + [m.value for m in at.markdown] + [c.value for c in at.caption]
    assert not any("<script" in text or "<img" in text or "굵게" in text for text in elsewhere)


def music_vectors(music):
    return music.lyric, music.mel, music.fused, music.embedding


def test_one_s_own_music_is_played_and_a_lost_file_named(here):
    music = make(400)
    soundfile.write(here / "a.wav", np.zeros(2205), 22050)
    paths = np.where(np.arange(400) % 2, str(here / "a.wav"), str(here / "gone.wav"))
    songs = music.songs.assign(path=paths, year=1999)
    database.build(
        here / database.NAME,
        database.MusicDatabase(
            songs, *music_vectors(music), {"run": "music", "profile": "own music", "model": "m"}
        ),
    )
    at = opened()
    at.slider(key="k").set_value(10).run()
    ask(at, SAD)
    players, lost = at.get("audio"), [c for c in at.caption if "제자리에 없어요" in c.value]
    assert len(players) + len(lost) == 10 and players and lost and not at.exception


def test_no_run_yet_and_damaged_files(here, monkeypatch):
    at = ask(opened(), SAD)
    likes = feedback.of_run("default").path
    likes.parent.mkdir(parents=True)
    likes.write_bytes(b"junk" * 300)
    press(at, "좋아요")
    assert not at.exception and "default.sqlite 파일이 손상되었어요" in at.error[0].value
    likes.unlink()
    (here / database.NAME).write_bytes(b"junk" * 300)
    assert "music.duckdb 파일이 손상되었거나" in opened().error[0].value
    shutil.rmtree(here)
    built = []

    def build(path, run):
        built.append(run)
        database.build(path, make(400, profile="sample"))

    monkeypatch.setattr(quick, "build", build)
    at = opened()
    assert not at.exception and not at.error and built == ["default"], "a first database is built"


def test_what_a_card_says():
    assert (
        markup.search_link("노래 & <b>", "가수")
        == markup.SEARCH + "%EA%B0%80%EC%88%98+%EB%85%B8%EB%9E%98+%26+%3Cb%3E"
    )
    assert markup.search_link("#17203", "") == ""
    assert (
        markup.song_details("가수", "", 2020) == "가수 · 2020"
        and markup.song_details("", "", 0) == ""
    )
    alike = markup.shared_emotions(
        np.array([0, 0.1, 0, 0.9, 0, 0]), np.array([0.5, 0, 0, 0.5, 0, 0])
    )
    assert [e.en for e, _ in alike] == ["sadness"] and alike[0][1] == pytest.approx(
        np.sqrt(0.5) * 0.9 / np.hypot(0.1, 0.9)
    )
    words = pd.DataFrame({"word": ["가", "나"], "emotion": 3, "effect": [0.2, -0.1]})
    assert markup.moved_words(words.itertuples(), "en") == "‘가’ sadness +0.2"
    differ, agree = {"told": 3, "heard": 0}, {"told": -1, "heard": -1}
    assert markup.contradiction(differ, "ko") == "가사는 슬픔, 소리는 기쁨 쪽이에요."
    assert markup.contradiction(differ, "en") == "Its words say sadness, its sound joy."
    assert markup.contradiction(agree, "ko") == ""
