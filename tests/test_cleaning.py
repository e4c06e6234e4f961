import unicodedata

import pandas as pd
import pytest

from wyf_utils import bench
from wyf_utils.core import paths
from wyf_utils.core.errors import BadInput, CorruptData
from wyf_utils.data import cleaning, signs, song_files
from wyf_utils.text import bundled_e5


def song(**changes):
    base = {
        "id": 1,
        "title": "봄",
        "artist": "가수",
        "album": "앨범",
        "genres": "GN0100",
        "genre": "발라드",
        "year": 2020,
        "lyric": "가나다\n라마바",
    }
    return base | changes


def table(*songs):
    return pd.DataFrame(
        [
            song(**{"id": i, "title": f"노래 {i}", "lyric": f"가사 {i}"} | s)
            for i, s in enumerate(songs)
        ]
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("   \n", "is empty"),
        ("🙏👀 !!", "no words"),
        ("?!...", "no words"),
        ("가" * 25_000, "25,000 characters; shorten it"),
        ("I am so tired today", "no Korean"),
        ("今日は疲れた", "no Korean"),
        ("\ud83d 힘들다", "broken characters; type it again"),
        (b"\xb1\xe2\xbb\xdd".decode(errors="surrogateescape"), "broken characters"),
        ("힘들\udcb4다", "broken characters"),
    ],
)
def test_a_sentence_that_cannot_be_read_says_why(text, says):
    with pytest.raises(BadInput, match=says):
        cleaning.check_sentence(text)


def test_a_readable_sentence_comes_back_tidied():
    assert cleaning.check_sentence("  오늘은   좀\u200b 힘드네 ㅠㅠ ") == "오늘은 좀 힘드네 ㅠㅠ"
    assert cleaning.check_sentence("ㅋㅋㅋ") == "ㅋㅋㅋ"


def half_width(letters):
    return "".join(
        unicodedata.lookup(f"HALFWIDTH {unicodedata.name(c)}") if c.strip() else c for c in letters
    )


@pytest.mark.parametrize(
    ("letters", "sentence"),
    [
        ("ㅅㅡㄹㅍㅓ", "슬퍼"),
        ("ㅎㅣㅁㄷㅡㄹㄷㅏ ㅁㅏㄶㅇㅣ", "힘들다 많이"),
        ("ㄲㅗㅊㅇㅣ ㅇㅖㅃㅓㅆㄷㅏ", "꽃이 예뻤다"),
        ("ㅋㅋㅋ", "ㅋㅋㅋ"),
        ("ㅂㅏㅃ", "바ㅃ"),  # no final
    ],
)
def test_half_width_letters_are_composed(letters, sentence):
    assert cleaning.check_sentence(half_width(letters)) == sentence
    assert cleaning.check_sentence(f"오늘 {half_width(letters)}!") == f"오늘 {sentence}!"


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_a_sentence_in_any_unicode_form_is_the_same(form):
    for text in ("ㅋㅋㅋ", "ㅠㅠ", "오늘 너무 슬퍼 ㅠㅠ", "ㄳ ㅎㅎ 꽃길", "밟았다 ㅇㅇ"):
        assert cleaning.check_sentence(unicodedata.normalize(form, text)) == text
    old = "\u1112\u119e\u11ab 글"  # a syllable of the fifteenth century has no one character
    assert cleaning.normalise_text(unicodedata.normalize(form, old)) == old


def test_full_stops_go_and_ellipses_numbers_and_questions_stay():
    assert (
        cleaning.without_full_stops("비가 왔다. 그래서 3.5km를 걸었다.")
        == "비가 왔다 그래서 3.5km를 걸었다"
    )
    assert cleaning.without_full_stops("글쎄... 모르겠다..") == "글쎄... 모르겠다.."
    assert (
        cleaning.without_full_stops("왜? 정말!") == "왜? 정말!"
        and cleaning.without_full_stops(".") == "."
    )


def test_group_key_ignores_spaces_signs_and_width():
    assert cleaning.group_key("오늘은, 좋다!") == cleaning.group_key("오늘은좋다") == "오늘은좋다"
    assert cleaning.group_key("ＡＢＣ") == "abc"


@pytest.mark.parametrize(
    ("rule", "changes", "kept"),
    [
        (cleaning.drop_genres_without_lyrics, {"genres": "GN1600"}, False),
        (cleaning.drop_genres_without_lyrics, {"genres": "GN1600,GN0100"}, True),
        (cleaning.drop_genres_without_lyrics, {"genres": ""}, True),
        (cleaning.drop_instrumental, {"title": "봄날 (Inst.)"}, False),
        (cleaning.drop_instrumental, {"title": "봄날 INST"}, False),
        (cleaning.drop_instrumental, {"title": "Instinct"}, True),
        (cleaning.drop_instrumental, {"title": "Instagram 계정"}, True),
        (cleaning.drop_spoken, {"title": "대사 - 골목에서"}, False),
        (cleaning.drop_spoken, {"title": "첫 만남 (대사)"}, False),
        (cleaning.drop_spoken, {"title": "대사관 앞에서"}, True),
        (cleaning.drop_without_lyric, {"lyric": "  "}, False),
        (cleaning.remove_section_words, {"lyric": "[Intro]\n간주"}, False),
        (cleaning.drop_unnamed_artists, {"artist": "Various Artists"}, False),
        (cleaning.drop_unnamed_artists, {"artist": "V.A."}, False),
        (cleaning.drop_unnamed_artists, {"artist": " "}, False),
        (cleaning.drop_unnamed_artists, {"artist": "Vanilla"}, True),
        (cleaning.keep_recent, {"year": 2014}, False),
        (cleaning.keep_recent, {"year": 2015}, True),
    ],
)
def test_song_rule(rule, changes, kept):
    assert len(rule(table(changes))) == kept


def test_html_entities_of_the_catalogue():
    assert cleaning.unescape_html(table({"title": "Don&#39;t Go", "artist": "A &amp; B"}))[
        ["title", "artist"]
    ].iloc[0].tolist() == ["Don't Go", "A & B"]


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("I&amp;#39;m", "I'm"),
        ("&amp;amp;lt;3 &quot;봄&quot;", '<3 "봄"'),
        ("R&amp;amp;B & 소울", "R&B & 소울"),
    ],
)
def test_entities_escaped_more_than_once(title, plain):
    assert cleaning.unescape_html(table({"title": title, "artist": title}))[
        ["title", "artist"]
    ].iloc[0].tolist() == [plain, plain]


def test_section_words_go_and_lines_stay():
    lyric = "[Verse 1]\n비가 온다\n(Chorus) 우산을 편다\nHook:\n2절\n\n우리의 bridge 위에서"
    assert cleaning.strip_sections(lyric) == "비가 온다\n우산을 편다\n우리의 bridge 위에서"


def test_words_that_only_look_like_section_marks_stay():
    for line in ("(hooked on you)", "(bridge over water)", "(intro of my life)", "[랩소디]"):
        assert cleaning.strip_sections(line) == line
    for mark in ("[Verse 2]", "(Hook)", "[Chorus: 온도]", "<Bridge>", "[Hook x2]", "【후렴】"):
        assert cleaning.strip_sections(f"{mark}\n가사") == "가사"


@pytest.mark.parametrize(
    "mark",
    [
        "[Verse 1: RM, SUGA & j-hope, Jin]",
        "[Chorus: Jung Kook (BTS), Jin & everybody else who sings]",
        "[Verse 2 (RM)]",
        "[Post-Chorus – 지민]",
        "[코러스]",
        "[프리 코러스: 뷔]",
        "<브릿지>",
        "(벌스 2)",
        "아웃트로",
    ],
)
def test_section_words_with_singers_and_in_korean_go(mark):
    assert cleaning.strip_sections(f"{mark}\n가사") == "가사"


def test_near_duplicates_are_those_of_held_out_texts():
    mask = cleaning.near_duplicates(
        ["오늘 날씨가 정말 좋아서 걸었다!", "전혀 다른 이야기"], ["오늘 날씨가 정말 좋아서 걸었다"]
    )
    assert mask.tolist() == [True, False]


def test_repeated_songs_by_lyric_or_title():
    songs = table(
        {"lyric": "같은 가사"},
        {"lyric": "같은  가사!"},
        {"title": "노래 0", "lyric": "다른 가사"},
        {"artist": "다른 가수", "lyric": "같은 가사"},
    )
    assert cleaning.drop_repeated_songs(songs)["id"].tolist() == [0, 3]


def test_songs_without_a_title_are_not_the_same_song():
    assert len(cleaning.drop_repeated_songs(table({"title": ""}, {"title": ""}))) == 2


def test_counting_by_words_is_exact():
    lyrics = song_files.read_catalogue(paths.profile_folder("sample"))["lyric"].tolist()
    odd = [
        "",
        " ",
        "\n\n가\u3000나",
        "a\u00a0b ▁c",
        "ﷺ ㈜ ㎏ ½",
        "´ \u0301e",
        "ᄒ\u1161\u11ab 글",
        "<s> </s>",
        "\u200b \x1c가\x1f나",
        "query: query:",
        "ㅋㅋ\tㅠㅠ 😭",
    ]
    assert cleaning.count_by_words(
        lyrics + odd, bundled_e5.count_tokens
    ) == bundled_e5.count_tokens(lyrics + odd)
    special_tokens = bundled_e5.count_tokens([""])[0]
    for text, count in zip(lyrics + odd, bundled_e5.count_tokens(lyrics + odd), strict=True):
        assert count <= special_tokens + len(cleaning._spaced(text)) + 1, text


def test_a_catalogue_of_the_form_of_2022_gives_every_rule_work(tmp_path):
    bench.write_catalogue(tmp_path, songs=3000, lyrics=1200)
    songs, ledger = cleaning.apply_rules(
        song_files.read_catalogue(tmp_path),
        cleaning.song_rules(bundled_e5.count_tokens),
        show="title",
    )
    assert ledger["rows_in"][0] == 3000 and 100 < len(songs) < 600
    assert ((ledger["dropped"] > 0) | (ledger["changed"] > 0)).all()


def test_a_series_of_calendar_days_goes_but_one_date_stays():
    series = table(
        *({"title": f"{m}월 {m}일 축하"} for m in range(1, 6)),
        {"artist": "다른 가수", "title": "9월 9일"},
    )
    assert cleaning.drop_calendar_series(series)["title"].tolist() == ["9월 9일"]


def test_ledger_accounts_for_every_row():
    songs = table(
        {"title": "가 (Inst.)"},
        {"title": "대사"},
        {"year": 1999},
        {},
        {"lyric": "너무 긴 가사 " * 100},
    )
    kept, ledger = cleaning.apply_rules(
        songs,
        cleaning.song_rules(lambda texts: [600 if "긴" in t else 5 for t in texts]),
        show="title",
    )
    assert kept["id"].tolist() == [3]
    assert (ledger["rows_in"] - ledger["dropped"] == ledger["rows_out"]).all()
    assert (ledger["rows_in"].iloc[1:].to_numpy() == ledger["rows_out"].iloc[:-1].to_numpy()).all()
    assert ledger.set_index("step")["dropped"][lambda s: s > 0].to_dict() == {
        "drop_instrumental": 1,
        "drop_spoken": 1,
        "drop_long": 1,
        "keep_recent": 1,
    }
    assert ledger.set_index("step").loc["drop_instrumental", "examples"] == ["가 (Inst.)"]
    assert ledger["reason"].str.len().gt(20).all()


def test_nothing_left_is_an_error():
    with pytest.raises(CorruptData, match="left no row"):
        cleaning.apply_rules(table({"year": 1990}), [cleaning.keep_recent], show="title")


def test_a_tab_parts_words():
    assert (
        cleaning.normalise_text("눈물이\t나\x00요 \t 정말\n둘째 줄") == "눈물이 나요 정말\n둘째 줄"
    )


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("😭😭", "슬퍼"),
        ("❤️", "기분 좋아"),
        ("😡👿!!", "화나"),
        ("👍🏽", "기분 좋아"),
        ("😂 ㅠㅠ", "웃겨 슬퍼"),
        ("ㅜㅜ..", "슬퍼"),
        ("ㅡㅡ", "화나"),
        ("ㅋㅋㅋㅋ", "웃겨"),
        ("ㅠㅠ 시험 망했어", "ㅠㅠ 시험 망했어"),
        ("😭 배고파", "😭 배고파"),
        ("!!", "!!"),
        ("🙏", "🙏"),
    ],
)
def test_signs_alone_are_read_by_what_they_mean(sentence, words):
    assert signs.spell(sentence) == words
    assert (sentence in ("!!", "🙏")) or cleaning.check_sentence(sentence)


def test_no_sign_has_two_meanings():
    every = "".join(signs.MEANINGS.values())
    assert len(every) == len(set(every))
