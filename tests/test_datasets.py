import hashlib
import json

import numpy as np
import pandas as pd
import pytest

from wyf_utils import cleaning, datasets, emotions, settings
from wyf_utils.errors import BadInput, CorruptData, MissingData, Unreachable

HEADER = "번호,연령,성별,상황키워드,신체질환,감정_대분류,감정_소분류,사람문장1"


@pytest.fixture
def tiny(data, monkeypatch):
    """A registry of one small file, and its content."""
    content = b"1\thello\t1\n"
    remote = datasets.Remote("kote_val", "val.tsv", hashlib.sha256(content).hexdigest(), "a/b", "c" * 40, "MIT", "nobody (2026)")
    monkeypatch.setattr(datasets, "REGISTRY", {"kote_val": remote})
    return remote, content


def put_in_mirror(folder, remote, content, monkeypatch):
    path = folder / remote.place
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    monkeypatch.setenv("WYF_MIRROR", str(folder))


# The registry


def test_registry_is_pinned_and_cited():
    assert {"kote_val", "kote_test", "goemotions_train", "chatbot", "va_kor", "lyric_vectors_2022", "mel_vectors_2022"} <= set(datasets.REGISTRY)
    for remote in datasets.REGISTRY.values():
        assert len(remote.sha256) == 64 and len(remote.commit) == 40
        assert remote.commit in remote.url and remote.licence and remote.citation
    assert len({r.sha256 for r in datasets.REGISTRY.values()}) == len(datasets.REGISTRY)


def test_fetch_from_a_mirror_then_read_nothing_twice(tiny, tmp_path, monkeypatch):
    remote, content = tiny
    put_in_mirror(tmp_path / "mirror", remote, content, monkeypatch)
    assert datasets.status()["state"].tolist() == ["missing"]
    assert datasets.fetch()["state"].tolist() == ["here"]
    assert remote.local.read_bytes() == content
    (tmp_path / "mirror" / remote.place).unlink()
    datasets.fetch()  # already here: the mirror is not asked
    assert datasets.validate("open")["ok"].all()


def test_wrong_hash_is_corrupt_and_leaves_nothing(tiny, tmp_path, monkeypatch):
    remote, _ = tiny
    put_in_mirror(tmp_path / "mirror", remote, b"something else", monkeypatch)
    with pytest.raises(CorruptData, match="another sha256 than the registry and was thrown away; run `wyf data fetch`"):
        datasets.fetch()
    assert not [p for p in remote.local.parent.rglob("*") if p.is_file()]


def test_unreachable_says_what_to_check(tiny, tmp_path, monkeypatch):
    remote, _ = tiny
    monkeypatch.setenv("WYF_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(Unreachable, match="could not be fetched .* check the folder in WYF_MIRROR"):
        datasets.fetch()
    monkeypatch.delenv("WYF_MIRROR")
    monkeypatch.setattr(datasets.Remote, "url", property(lambda self: "http://127.0.0.1:9/nothing"))
    with pytest.raises(Unreachable, match="check the network, or name a folder in WYF_MIRROR"):
        datasets.fetch(timeout=2)
    assert not [p for p in remote.local.parent.rglob("*") if p.is_file()]


def test_missing_and_altered_files_are_two_errors(tiny):
    remote, content = tiny
    with pytest.raises(MissingData, match="not here yet; run `wyf data fetch kote_val`"):
        datasets._check(remote)
    remote.local.parent.mkdir(parents=True)
    remote.local.write_bytes(content + b"!")
    with pytest.raises(CorruptData, match="another sha256 .* delete the file"):
        datasets._check(remote)
    assert datasets.validate("open")["ok"].tolist() == [False]


def test_unknown_public_file():
    with pytest.raises(BadInput, match="There is no public file 'kote'; choose from"):
        datasets.fetch(["kote"])


# Reading


def write(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.write_text(text, encoding=encoding)
    return path


def test_csv_with_bom_crlf_and_quotes(tmp_path):
    path = write(tmp_path, "a.csv", '\ufefftext,x\r\n"안녕, 하세요",1\r\n')
    assert datasets.read_table(path, ["text"])["text"].tolist() == ["안녕, 하세요"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("text,label\n하나,기쁨\n둘,기쁨,셋\n", r"a.csv, row 3: 3 fields where 2 belong; correct the row"),
        ("text,label\n하나\n", r"row 2: 1 fields where 2 belong"),
        ("text,other\n하나,기쁨\n", "lacks the column label"),
        ("text,label\n", "has no rows"),
        ("", "has no rows|lacks the column"),
        ('text,label\n"하나,기쁨\n', "cannot be read"),
    ],
)
def test_malformed_csv_names_file_row_and_remedy(tmp_path, text, says):
    with pytest.raises(CorruptData, match=says):
        datasets.read_table(write(tmp_path, "a.csv", text), ["text", "label"])


def test_cp949_is_named(tmp_path):
    with pytest.raises(CorruptData, match="not UTF-8 .*cp949.*; save it as UTF-8"):
        datasets.read_table(write(tmp_path, "a.csv", "text\n안녕\n", "cp949"), ["text"])


def aihub_folder(data):
    """The wyf profile with xlsx files as AI Hub gives them, stray count columns included."""
    root = data / "raw" / "wyf"
    root.mkdir()
    names = HEADER.split(",")
    rows = [
        (i, "청년", "여성", "일상", "만성질환 무", "기쁨", label, text)
        for i, (label, text) in enumerate((("기쁨", "합격 전화를 받았다"), ("느긋", "바람이 참 좋다"), ("분노", "또 새치기야?")), 1)
    ]
    pd.DataFrame(rows, columns=names).to_excel(root / "sentiment_dialogue.xlsx", index=False)
    single = pd.DataFrame({"Sentence": ["깜짝이야 진짜", "세 시에 만나자"], "Emotion": ["놀람", "중립"], "Unnamed: 2": ["", "합계"], "공포": ["5468", ""]})
    single.to_excel(root / "single_turn.xlsx", index=False)
    return root


def test_aihub_xlsx_and_sample_csv_read_alike(data):
    aihub_folder(data)
    table, ledger = datasets.utterances("wyf")
    assert table["emotion"].tolist() == [0, 2, 4, 1, 5]
    assert table["label"].tolist() == ["기쁨", "느긋", "분노", "놀람", "중립"]
    assert np.allclose(table[list(emotions.EN)].sum(axis=1), 1)
    assert ledger["dropped"].sum() == 0


def test_xlsx_with_a_shifted_header(data):
    root = aihub_folder(data)
    pd.DataFrame([["표 1", ""], ["Sentence", "Emotion"], ["깜짝이야", "놀람"]]).to_excel(root / "single_turn.xlsx", index=False, header=False)
    with pytest.raises(CorruptData, match="single_turn.xlsx lacks the column Sentence, Emotion; its first row must hold the names"):
        datasets.utterances("wyf")


def test_an_xlsx_that_is_none(data):
    root = aihub_folder(data)
    whole = (root / "single_turn.xlsx").read_bytes()
    for broken in (whole[: len(whole) // 2], b"PK\x03\x04 no archive", b""):
        (root / "single_turn.xlsx").write_bytes(broken)
        with pytest.raises(CorruptData, match="single_turn.xlsx cannot be read .* whole .xlsx file"):
            datasets.utterances("wyf")


@pytest.mark.parametrize("content", ["{}", "[]", "[1, 2]", '[{"id": 1}]'])
def test_song_metadata_of_another_form(data, content):
    root = kakao_folder(data)
    write(root, "song_meta.json", content)
    with pytest.raises(CorruptData, match=r"song_meta.json(, record 0: lacks| must be a list of songs)"):
        datasets.songs("wyf", len)


def test_unknown_label_names_file_and_row(data):
    root = aihub_folder(data)
    (root / "single_turn.xlsx").unlink()
    write(root, "single_turn.csv", "Sentence,Emotion\n깜짝이야,놀람\n배고파,배고픔\n")
    with pytest.raises(CorruptData, match="single_turn.csv, row 3: The label '배고픔' is unknown"):
        datasets.utterances("wyf")


def test_blank_text_names_its_row(data):
    root = aihub_folder(data)
    (root / "single_turn.xlsx").unlink()
    write(root, "single_turn.csv", "Sentence,Emotion\n깜짝이야,놀람\n  ,놀람\n")
    with pytest.raises(CorruptData, match="row 3: Sentence is blank"):
        datasets.utterances("wyf")


def kakao_folder(data, **changes):
    root = data / "raw" / "wyf"
    root.mkdir(exist_ok=True)
    record = {
        "id": 7, "album_id": 1, "album_name": "첫눈 &amp; 끝눈", "artist_id_basket": [3], "artist_name_basket": ["온도"], "song_name": "It&#39;s 봄",
        "song_gn_gnr_basket": ["GN0100"], "song_gn_dtl_gnr_basket": ["GN0101"], "issue_date": "20180000",
    }  # fmt: skip
    write(root, "song_meta.json", json.dumps([record | changes, record | {"id": 8, "song_name": "봄 (Inst.)"}], ensure_ascii=False))
    write(root, "genre_gn_all.json", json.dumps({"GN0100": "발라드"}, ensure_ascii=False))
    write(
        root,
        "lyrics.tsv",
        "id\tsong_id\tsong_name\tlyric\tartist\tgenre\talbum\talbum_id\trelease\n0\t7\t봄\t[Verse]\\n눈이 녹는다\\n봄이 온다\t온도\t발라드\t눈\t1\t20180000\n",
    )
    return root


def test_kakao_metadata_with_entities_and_zero_dates(data):
    kakao_folder(data)
    table, ledger = datasets.songs("wyf", lambda texts: [len(t) for t in texts])
    assert table[["id", "title", "artist", "album", "genre", "year", "month"]].iloc[0].tolist() == [7, "It's 봄", "온도", "첫눈 & 끝눈", "발라드", 2018, 0]
    assert table["lyric"].iloc[0] == "눈이 녹는다\n봄이 온다"
    assert ledger.set_index("step").loc["drop_instrumental", "dropped"] == 1


def test_json_cut_in_the_middle_and_ids_twice(data):
    root = kakao_folder(data, id=8)
    with pytest.raises(CorruptData, match="the id 8 stands twice; give each song its own"):
        datasets.songs("wyf", len)
    whole = (root / "song_meta.json").read_text(encoding="utf-8")
    write(root, "song_meta.json", whole[: len(whole) // 2])
    with pytest.raises(CorruptData, match=r"song_meta.json breaks off or is malformed at line 1; get the whole file again"):
        datasets.songs("wyf", len)


def test_missing_profile_folder_and_unknown_profile(data):
    with pytest.raises(MissingData, match=r"profile 'wyf' is missing .* create it and put the sources there"):
        datasets.utterances("wyf")
    with pytest.raises(MissingData, match="run `wyf data fetch`"):
        settings.profile_folder("open")
    with pytest.raises(BadInput, match="no profile 'real'; choose one of: sample, open, wyf"):
        datasets.utterances("real")


# The sample


def test_sample_is_whole_and_balanced_as_said(sample_sentences):
    assert len(sample_sentences) >= 400
    assert set(sample_sentences["emotion"]) == set(range(6))
    assert sample_sentences["emotion"].value_counts().idxmax() == 3
    assert datasets.validate("sample")["ok"].all()
    assert len(datasets.conversation("sample")) >= 200


def test_sample_songs_survive_cleaning():
    table, ledger = datasets.songs("sample", lambda texts: [len(t) // 2 for t in texts])
    assert len(table) >= 60
    assert (ledger.set_index("step")["dropped"].drop(["unescape_html", "remove_section_words"]) > 0).all(), "every rule has something to remove"
    assert set(table["id"]) <= set(datasets.lyric_intent("sample")["id"])
    assert not table["lyric"].str.contains(r"\[(?:Verse|Chorus|Hook)", regex=True).any()


def test_no_emotion_label_stands_in_the_song_files():
    from wyf_utils.settings import data_folder

    keys = set().union(*(r.keys() for r in json.loads((data_folder() / "sample" / "song_meta.json").read_text(encoding="utf-8"))))
    assert keys == {
        "id",
        "album_id",
        "album_name",
        "artist_id_basket",
        "artist_name_basket",
        "song_name",
        "song_gn_gnr_basket",
        "song_gn_dtl_gnr_basket",
        "issue_date",
    }


# Splits


def test_split_is_stratified_grouped_and_seeded(sample_sentences):
    table = pd.concat([sample_sentences, sample_sentences.head(200).assign(text=sample_sentences["text"].head(200) + "!!")], ignore_index=True)
    parts = datasets.split(table, 0)
    assert sum(map(len, parts.values())) == len(table)
    for a, b in (("train", "dev"), ("train", "test"), ("dev", "test")):
        assert datasets.shared_texts(parts[a], parts[b]) == 0
    share = [np.bincount(p["emotion"], minlength=6) / len(p) for p in parts.values()]
    assert np.allclose(share[0], share[2], atol=0.03)
    again, other = datasets.split(table, 0), datasets.split(table, 1)
    assert again["test"].equals(parts["test"]) and not other["test"].equals(parts["test"])


def test_official_kote_test_file_is_the_test_part():
    rows = [("가나다", 0, "kote_val"), ("라마바", 4, "kote_val"), ("같은 글", 0, "kote_val"), ("같은글!", 0, "kote_test"), ("사아자", 4, "kote_test")]
    table = pd.DataFrame(rows * 1, columns=["text", "emotion", "source"])
    table = pd.concat([table, *(pd.DataFrame({"text": [f"글{i}", f"문{i}"], "emotion": [0, 4], "source": "kote_val"}) for i in range(10))], ignore_index=True)
    parts = datasets.split(table, 0)
    assert set(parts["test"]["source"]) == {"kote_test"} and len(parts["test"]) == 2
    assert "같은 글" not in set(parts["train"]["text"]) | set(parts["dev"]["text"])
    assert cleaning.group_key("같은 글") == cleaning.group_key("같은글!")
