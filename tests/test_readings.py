"""Labels by reading: what the loader makes of them, and how it refuses what does not belong
together."""

import csv

import numpy as np
import pandas as pd
import pytest

from wyf_utils.core import emotions, paths
from wyf_utils.core.errors import CorruptData
from wyf_utils.data import readings, song_files, splits, text_corpora, validation

TEXTS = {
    "sentiment_dialogue": [("놀람", "안도", "휴 살았다"), ("", "기쁨", "합격했어 신난다")],
    "single_turn": [("", "놀람", "선물이라니 깜짝이야"), ("", "혐오", "길에 또 쓰레기")],
    "stories": [("", "중립", "버스가 세 시에 온다")],
}
WRITERS = (
    "writer,wrote,age,gender,region,work,temper\n"
    "a,sentences,20,여성,서울,학생,밝다\n"
    "b,sentences,60,남성,부산,기사,차분하다\n"
)


def write(path, head, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])


@pytest.fixture
def folder(data):
    """A sample folder of five sentences with their readings, as a list of rows that a test
    may change and put back."""
    root = data / "sample"
    root.mkdir()
    write(
        root / "sentiment_dialogue.csv",
        ["감정_소분류", "사람문장1"],
        [(label, text) for _, label, text in TEXTS["sentiment_dialogue"]],
    )
    write(
        root / "single_turn.csv",
        ["Sentence", "Emotion"],
        [(text, label) for _, label, text in TEXTS["single_turn"]],
    )
    write(
        root / "stories.csv",
        ["label", "text"],
        [(label, text) for _, label, text in TEXTS["stories"]],
    )
    (root / "writers.csv").write_text(WRITERS, encoding="utf-8")
    hashed = {
        (file, row): readings.text_hash(text)
        for file, rows in TEXTS.items()
        for row, (_, _, text) in enumerate(rows)
    }
    rows = [
        [
            "sentiment_dialogue",
            0,
            "a",
            "peace",
            "peace",
            "",
            "peace",
            "",
            hashed["sentiment_dialogue", 0],
        ],
        [
            "sentiment_dialogue",
            1,
            "b",
            "joy",
            "joy",
            "",
            "joy",
            "",
            hashed["sentiment_dialogue", 1],
        ],
        [
            "single_turn",
            0,
            "a",
            "joy",
            "tension",
            "joy",
            "joy",
            "contrast",
            hashed["single_turn", 0],
        ],
        [
            "single_turn",
            1,
            "b",
            "anger",
            "sadness",
            "neutral",
            "neutral",
            "",
            hashed["single_turn", 1],
        ],
        [
            "stories",
            0,
            readings.UNRECORDED,
            "neutral",
            "neutral",
            "",
            "neutral",
            "",
            hashed["stories", 0],
        ],
    ]

    def put():
        write(
            root / "readings.csv",
            ["file", "row", "writer", *readings.READERS, "emotion", "form", "sha"],
            rows,
        )

    put()
    return root, rows, put


def test_readers_overrule_the_map_and_share_the_target(folder):
    table, _ = text_corpora.utterances("sample")
    found = table.set_index("text")
    happy = found.loc["선물이라니 깜짝이야"]
    assert (happy["emotion"], happy["mapped"], happy["label"]) == (0, 1, "놀람"), (
        "놀람 is tension by the map, joy to two readers of three"
    )
    assert happy[list(emotions.EN)].tolist() == pytest.approx([2 / 3, 1 / 3, 0, 0, 0, 0])
    assert happy["form"] == "contrast" and happy["writer"] == "a" and happy["clear"]
    torn = found.loc["길에 또 쓰레기"]
    assert not torn["clear"] and sorted(torn[list(emotions.EN)]) == pytest.approx(
        [0, 0, 0, 1 / 3, 1 / 3, 1 / 3]
    )
    assert text_corpora.stories()["text"].tolist() == ["버스가 세 시에 온다"]


def test_without_readings_the_map_speaks(folder):
    root, _, _ = folder
    (root / "readings.csv").unlink()
    table, _ = text_corpora.utterances("sample")
    assert (
        table.set_index("text").loc["선물이라니 깜짝이야", "emotion"] == 1 and "writer" not in table
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda rows: rows[2].__setitem__(1, 7),
            r"readings.csv, row 4: single_turn.csv has no row 7 \(counted from 0\); delete "
            r"the reading",
        ),
        (
            lambda rows: rows[2].__setitem__(0, "single"),
            "row 4: there is no file 'single' to read; choose from",
        ),
        (lambda rows: rows[3].__setitem__(4, "grief"), "row 5: The label 'grief' is unknown"),
        (
            lambda rows: rows.append(list(rows[0])),
            "row 7: 'sentiment_dialogue, row 0' stands twice; keep one",
        ),
        (
            lambda rows: rows[0].__setitem__(8, "0" * 12),
            "row 2: the text of sentiment_dialogue.csv, row 0 has changed since it was "
            "read; have it read anew",
        ),
        (
            lambda rows: [row.__setitem__(2, "a") for row in rows[:4]],
            "the writer 'b' of writers.csv has no text; add it, or delete that writer",
        ),
        (
            lambda rows: rows[0].__setitem__(2, "z"),
            "row 2: the writer 'z' is not in writers.csv; describe that hand there",
        ),
        (
            lambda rows: rows[2].__setitem__(5, ""),
            "row 4: two readers are needed, and a third where they differ",
        ),
        (
            lambda rows: rows[0].__setitem__(6, "joy"),
            "row 2: the readers say 'peace'; correct the emotion",
        ),
    ],
)
def test_a_reading_that_does_not_belong_names_file_and_row(folder, change, says):
    _, rows, put = folder
    change(rows)
    put()
    with pytest.raises(CorruptData, match=says):
        text_corpora.utterances("sample")
    checked = validation.validate("sample").set_index("file")
    assert not checked.loc["readings", "ok"] and checked.loc["stories", "ok"]


def test_a_sentence_that_nobody_read_is_found(folder):
    _, rows, put = folder
    del rows[4]
    put()
    text_corpora.utterances("sample")
    message = validation.validate("sample").set_index("file").loc["readings", "message"]
    assert "stories.csv, row 0: nobody has read the sentence" in message


def test_a_text_that_was_changed_after_reading_is_found(folder):
    root, _, _ = folder
    write(root / "stories.csv", ["label", "text"], [("중립", "버스가 네 시에 온다")])
    with pytest.raises(
        CorruptData, match="the text of stories.csv, row 0 has changed since it was read"
    ):
        text_corpora.stories()


LYRICS = pd.Series(
    ["[후렴]\\n오늘은 좋은 날\\n춤을 추자\\n다시 한번\\n소리쳐", "혼자 걷는 길\\n눈물이 나"],
    index=[7, 9],
)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("8,l,joy,,joy,,x", "row 2: lyrics.tsv has no song 8; delete the reading"),
        ("7,l,joy,,joy,,x", "row 2: the lyric of song 7 has changed since it was read"),
        (f"7,m,joy,,joy,,{readings.text_hash(LYRICS[7])}", "the writer 'm' is not in writers.csv"),
        (
            f"7,l,joy,bliss,joy,,{readings.text_hash(LYRICS[7])}",
            "row 2: The label 'bliss' is unknown",
        ),
    ],
)
def test_lyric_readings_that_do_not_belong(tmp_path, row, says):
    (tmp_path / "writers.csv").write_text(
        WRITERS.splitlines()[0] + "\nl,lyrics,30,여성,서울,작사가,밝다\n", encoding="utf-8"
    )
    (tmp_path / "lyric_readings.csv").write_text(
        f"id,writer,reader_1_first,reader_1_second,reader_2_first,reader_2_second,sha\n{row}\n",
        encoding="utf-8",
    )
    with pytest.raises(CorruptData, match=says):
        readings.read_lyrics(tmp_path, LYRICS)


def test_lines_are_couplets_of_their_song(tmp_path):
    path = tmp_path / "lyric_lines.csv"
    path.write_text(
        "id,line,text,reader_1,reader_2\n7,1,다시 한번 소리쳐,joy,tension\n", encoding="utf-8"
    )
    table = readings.read_lines(tmp_path, LYRICS)
    assert table[["id", "line", "reader_1", "reader_2"]].to_numpy().tolist() == [[7, 1, 0, 1]]
    for row in (
        "7,2,다시 한번 소리쳐,joy,joy",
        "7,1,다시 한번,joy,joy",
        "8,0,다시 한번 소리쳐,joy,joy",
    ):
        path.write_text(f"id,line,text,reader_1,reader_2\n{row}\n", encoding="utf-8")
        with pytest.raises(
            CorruptData,
            match="row 2: couplet . of song . is not this text in lyrics.tsv; have it read anew",
        ):
            readings.read_lines(tmp_path, LYRICS)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            ["힘들다,c,sad,train,at_risk,at_risk"],
            "row 2: kind 'sad' is unknown; correct it to one of: direct",
        ),
        (["힘들다,c,direct,dev,at_risk,at_risk"], "row 2: part 'dev' is unknown"),
        (["힘들다,c,direct,train,at_risk,maybe"], "row 2: reader_2 'maybe' is unknown"),
        (
            ["힘들다,c,direct,train,at_risk,at_risk", "또 힘들다,c,direct,test,at_risk,at_risk"],
            "row 2: the writer 'c' stands in train and in test",
        ),
        (["힘들다,c,direct,train,at_risk,at_risk"] * 2, "row 3: '힘들다' stands twice"),
    ],
)
def test_words_of_danger_that_do_not_belong(tmp_path, rows, says):
    (tmp_path / "writers.csv").write_text(
        WRITERS.splitlines()[0] + "\nc,care,30,여성,서울,교사,차분하다\n", encoding="utf-8"
    )
    (tmp_path / "care.csv").write_text(
        "\n".join(["text,writer,kind,part,reader_1,reader_2", *rows]) + "\n", encoding="utf-8"
    )
    with pytest.raises(CorruptData, match=says):
        readings.read_care(tmp_path)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["너무 슬퍼,슬퍼,슬픔"], "row 2: '슬픔' is no word of the sentence"),
        (["너무 슬퍼,슬퍼,슬퍼"] * 2, "row 3: '너무 슬퍼' stands twice"),
        ([",슬퍼,슬퍼"], "row 2: text is blank"),
    ],
)
def test_underlined_words_that_do_not_belong(tmp_path, rows, says):
    text = "\n".join(["text,reader_1,reader_2", *rows]) + "\n"
    (tmp_path / "underlined.csv").write_text(text, encoding="utf-8")
    with pytest.raises(CorruptData, match=says):
        readings.read_underlined(tmp_path)


def test_underlined_sentences_are_of_writers_that_nothing_learns_from(sample_sentences):
    underlined = text_corpora.underlined_words()
    held_out = splits.split(sample_sentences, 0)["test"]["text"]
    assert len(underlined) == 200 and underlined["text"].isin(held_out).all()
    same = (underlined["reader_1"] == underlined["reader_2"]).mean()
    assert f"200 | the word that names the feeling; both readers mark the same in {same:.0%}" in (
        (paths.ROOT / "data" / "README.md").read_text(encoding="utf-8")
    )


def test_agreement_is_cohen_s_kappa():
    from sklearn.metrics import cohen_kappa_score

    rng = np.random.default_rng(0)
    first = rng.integers(0, 6, 200)
    second = np.where(rng.random(200) < 0.7, first, rng.integers(0, 6, 200))
    found = readings.agreement(first, second)
    assert found["all"] == pytest.approx(cohen_kappa_score(first, second))
    assert found["peace"] == pytest.approx(cohen_kappa_score(first == 2, second == 2))


# The sample itself


def test_no_writer_crosses_the_parts():
    from wyf_utils.music import catalogue

    parts = catalogue.sentences("sample", 0)
    hands = {name: set(part["writer"]) for name, part in parts.items()}
    assert (
        not hands["train"] & hands["dev"]
        and not hands["train"] & hands["test"]
        and not hands["dev"] & hands["test"]
    )
    assert min(map(len, hands.values())) >= 3 and all(
        set(part["emotion"]) == set(range(6)) for part in parts.values()
    )
    assert parts["test"]["clear"].all() and parts["dev"]["clear"].all()


def test_no_lyric_writer_and_no_artist_crosses_the_parts():
    from wyf_utils.music import catalogue
    from wyf_utils.text import bundled_e5

    songs, _ = song_files.songs("sample", bundled_e5.count_tokens)
    part = catalogue.artist_parts(songs, "sample", 0)
    hand = songs["id"].map(song_files.lyric_readings().set_index("id")["writer"])
    assert set(part) == {"train", "dev", "test"} and set(part[hand == readings.UNRECORDED]) == {
        "train"
    }
    known = hand != readings.UNRECORDED
    assert (pd.Series(part[known]).groupby(hand[known].to_numpy()).nunique() == 1).all()
    assert (pd.Series(part).groupby(songs["artist"].to_numpy()).nunique() == 1).all()


def test_every_writer_writes_every_emotion_and_no_one_most():
    table, _ = text_corpora.utterances("sample")
    assert (
        table["writer"].nunique() >= 16
        and table["writer"].value_counts(normalize=True).max() <= 0.1
    )
    assert (table.groupby("writer")["emotion"].nunique() == emotions.N).all()
    assert (table["form"] != "").mean() >= 0.1


def test_words_of_danger_are_halved_between_other_writers():
    care = text_corpora.care_sentences()
    assert care["at_risk"].sum() >= 300 and (~care["at_risk"]).sum() >= 300
    assert care.groupby("at_risk")["writer"].nunique().min() >= 6
    assert care["part"].value_counts(normalize=True).between(0.4, 0.6).all()
