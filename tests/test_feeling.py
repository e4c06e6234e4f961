"""A sentence to an answer, with a reader that knows a few words."""

from datetime import date

import numpy as np
import pytest
from test_songs import make
from typer.testing import CliRunner

from wyf_utils import cli
from wyf_utils.app import feeling, loading, markup, terminal
from wyf_utils.core import emotions
from wyf_utils.core.errors import BadInput, MissingData
from wyf_utils.music import database, feedback
from wyf_utils.music.recommender import SongQuery, query_vectors
from wyf_utils.text import bundled_e5, encoders, explanation

WORDS = {"신나": 0, "불안": 1, "편안": 2, "슬퍼": 3, "화나": 4, "회의": 5}


class Reader:
    """Six probabilities by counting words; of two minds where there is none."""

    unsure_below = 0.3
    calls = 0

    def predict(self, texts, desc=""):
        self.calls += 1
        counts = np.array(
            [[sum(word in part for part in text.split()) for word in WORDS] for text in texts],
            float,
        )
        return (np.exp(2 * counts) / np.exp(2 * counts).sum(1, keepdims=True)).astype(np.float32)


def test_an_answer_holds_what_a_page_needs(here):
    answer = feeling.answer("오늘 너무 슬퍼 슬퍼", query=SongQuery(seed=1))
    assert (
        answer.emotion_vector.argmax() == 3
        and answer.sure
        and answer.message == {"ko": "", "en": ""}
        and answer.helpline is None
    )
    assert answer.vectors.shape == (5, 6) and len(answer.songs) == 5 and answer.profile == "sample"
    assert {
        "id",
        "title",
        "artist",
        "genre",
        "year",
        "path",
        "text",
        "row",
        "cosine",
        "step",
    } <= set(answer.songs)
    text = terminal.as_text(answer)
    assert (
        all(name in text for name in emotions.KO)
        and text.count("cosine") == 5
        and "공감 match, seed 1" in text
    )


def test_not_sure_asks_one_question_and_neutral_says_what_it_does(here):
    unsure = feeling.answer("그냥 그래")
    assert (
        not unsure.sure
        and unsure.message["ko"].endswith("어느 쪽에 더 가까운가요?")
        and unsure.message["ko"].count("?") == 1
    )
    assert "기쁨, 긴장 가운데" in unsure.message["ko"] and unsure.message["en"].endswith(
        "closer to joy or to tension?"
    )
    neutral = feeling.answer("회의 회의 회의")
    assert (
        neutral.sure
        and "뚜렷한 감정이 읽히지 않아서" in neutral.message["ko"]
        and len(neutral.songs) == 5
    )
    assert neutral.songs["cosine"].min() > 0.5 and neutral.vectors[:, [2, 5]].sum(1).mean() > 0.5


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("match", "plain and calm"),
        ("wide", "plain and calm"),
        ("path", "starts from a plain"),
        ("opposite", "its opposite is"),
    ],
)
def test_what_is_said_of_a_neutral_sentence_is_true_of_its_songs(here, mode, says):
    answer = feeling.answer("회의 회의 회의", query=SongQuery(mode=mode, seed=1))
    assert (
        answer.message["en"].startswith("No clear emotion was read")
        and says in answer.message["en"]
        and answer.message["ko"]
    )
    calm = np.array([0, 0, 0.5, 0, 0, 0.5])
    assert (
        answer.is_calm == ("calm" in says)
        and ("a plain, calm mood" in markup.song_reason(answer, 0, "en")) == answer.is_calm
    )
    assert np.allclose(
        answer.query_vectors,
        query_vectors(calm if "calm" in says else answer.emotion_vector, answer.query),
        atol=1e-6,
    )
    assert answer.query_vectors[0].argmax() in (2, 5), (
        "neither tension nor anger is across from no emotion"
    )


def test_no_turn_of_today_is_a_day_to_come():
    assert (
        feeling.daily_seed() == date.today().toordinal()
        and feeling.daily_seed(1) - feeling.daily_seed() > 1000 * 366
    )
    assert len({feeling.daily_seed(turn) for turn in range(50)}) == 50


def test_the_helpline_comes_first(here):
    answer = feeling.answer("슬퍼서 그냥 죽고 싶어")
    assert "109" in terminal.as_text(answer).splitlines()[0] and answer.helpline is not None
    assert feeling.answer("배고파 죽겠다 슬퍼").helpline is None


def test_likes_and_skips_change_the_next_answer(here):
    first = feeling.answer("슬퍼", query=SongQuery(seed=3))
    feedback.of_run("default").add(first.songs["id"][0], "skip", first.emotion_vector)
    assert (
        first.songs["id"][0]
        not in feeling.answer("슬퍼", query=SongQuery(seed=3)).songs["id"].tolist()
    )


def test_songs_are_loaded_once_and_again_when_they_are_swapped(here, monkeypatch):
    read, times = database.read, []
    monkeypatch.setattr(database, "read", lambda path: times.append(path) or read(path))
    for _ in range(3):
        feeling.answer("슬퍼")
    assert len(times) == 1
    database.build(here / database.NAME, make(410, seed=4, profile="sample"))
    times.clear()
    feeling.answer("신나")
    assert len(feeling.open_songs()) == 410 and len(times) == 1


def test_bad_input_has_a_remedy(here, monkeypatch):
    for sentence in ("", "hello", "!!"):
        with pytest.raises(BadInput):
            feeling.answer(sentence)
    monkeypatch.setenv("WYF_OUT", str(here / "nowhere"))
    with pytest.raises(
        MissingData, match="has built no music database yet; run `make run RUN=mine`"
    ):
        feeling.answer("슬퍼", "mine")


def test_a_lost_model_names_the_run_that_trains_it():
    songs = make(40, profile="own music", **{"scored by": "default"})
    with pytest.raises(MissingData, match="gone from the cache; run `make run RUN=default`"):
        feeling.open_reader(songs, "music")


def test_the_top_word_moved_the_emotion():
    sentence = "어제는 신나 신나 했는데 오늘은 왠지 슬퍼 그리고 슬퍼요 또 슬퍼서"
    reader = Reader()
    words = explanation.word_attributions(sentence, reader)
    assert reader.calls == 1, "one batch"
    assert (
        words["emotion"].eq(3).all()
        and words["word"][0].startswith("슬퍼")
        and words["effect"].is_monotonic_decreasing
    )
    without = " ".join(w for i, w in enumerate(sentence.split()) if i != words["place"][0])
    assert (
        reader.predict([without])[0, 3] == pytest.approx(words["after"][0])
        and words["after"][0] < words["before"][0]
    )
    assert words.loc[words["word"] == "신나", "effect"].max() < 0, (
        "a word may speak against the emotion"
    )
    assert explanation.word_attributions("슬퍼", reader).empty
    long = explanation.word_attributions("아주 " * 300 + "슬퍼", reader)
    assert len(long) == explanation.PARTS and long["word"][0].endswith("슬퍼")
    assert explanation.word_attributions("아주 " * 400 + "슬퍼", reader).empty


def test_the_nearest_line_of_each_lyric():
    lyrics = [
        "아침에 밥을 먹고\n비가 와서 마음이 젖는다\n자동차를 닦는다",
        "",
        "셋을 세면\n하나 둘",
    ]
    found = explanation.nearest_lines(
        "비가 내려서 마음이 축축해", lyrics, lambda: encoders.load(bundled_e5.BUNDLED, [])
    )
    assert (
        found[0] == "비가 와서 마음이 젖는다"
        and found[1] == ""
        and found[2] in ("셋을 세면", "하나 둘")
    )

    def never():
        raise AssertionError("no lyric, no encoder")

    assert explanation.nearest_lines("비", ["", ""], never) == ["", ""]


def test_the_first_request_finds_the_encoder_s_tokenizer_set_up():
    loading._encoder.cache_clear()
    ready = loading.open_encoder().tokenizer.backend_tokenizer
    before = ready.truncation, ready.padding
    explanation.nearest_lines("비가 내려", ["비가 와서 마음이 젖는다"], loading.open_encoder)
    assert before == (ready.truncation, ready.padding) and before[0], "threads share it"


def test_the_command_line(here, monkeypatch):
    call = CliRunner().invoke
    done = call(
        cli.app,
        [
            "feel",
            "너무 슬퍼",
            "--mode",
            "path",
            "--to",
            "기쁨",
            "--k",
            "4",
            "--seed",
            "2",
            "--genre",
            "댄스",
            "--since",
            "2016",
        ],
    )
    assert (
        done.exit_code == 0
        and done.stdout.count("cosine") == 4
        and "전환 path, seed 2" in done.stdout
        and "발라드" not in done.stdout
    )
    assert isinstance(call(cli.app, ["feel", "슬퍼", "--to", "hope"]).exception, BadInput)
    assert (
        call(cli.app, ["feel", "슬퍼", "--genre", "재즈"])
        .exception.args[0]
        .startswith("There is no genre '재즈'")
    )
    feedback.of_run("default").add(3, "like")
    out = here / "mine.csv"
    assert (
        "1 rows written to mine.csv" in call(cli.app, ["feedback", "export", str(out)]).stdout
        and "like" in out.read_text()
    )
    assert (
        call(cli.app, ["feedback", "delete"], input="n\n").exit_code == 1
        and len(feedback.of_run("default").rows()) == 1
    )
    assert (
        "1 rows deleted" in call(cli.app, ["feedback", "delete", "--yes"]).stdout
        and feedback.of_run("default").rows().empty
    )


def test_emoji_alone_are_answered(here):
    answer = feeling.answer("😭😭")
    assert answer.emotion_vector.argmax() == 3 and answer.sentence == "😭😭"
