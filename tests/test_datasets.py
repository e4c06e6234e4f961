import dataclasses
import hashlib
import json
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from wyf_utils.core import emotions, paths
from wyf_utils.core.errors import BadInput, CorruptData, MissingData, Unreachable
from wyf_utils.data import (
    cleaning,
    lexicons,
    registry,
    song_files,
    splits,
    tables,
    text_corpora,
    validation,
)
from wyf_utils.text import bundled_e5

HEADER = "번호,연령,성별,상황키워드,신체질환,감정_대분류,감정_소분류,사람문장1"


@pytest.fixture
def tiny(data, monkeypatch):
    """A registry of one small file, and its content."""
    content = b"1\thello\t1\n"
    remote = registry.Remote(
        "kote_val",
        "val.tsv",
        hashlib.sha256(content).hexdigest(),
        "a/b",
        "c" * 40,
        "MIT",
        "nobody (2026)",
    )
    monkeypatch.setattr(registry, "REGISTRY", {"kote_val": remote})
    return remote, content


def put_in_mirror(folder, remote, content, monkeypatch):
    path = folder / remote.place
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    monkeypatch.setenv("WYF_MIRROR", str(folder))


# The registry


def test_registry_is_pinned_and_cited():
    assert {
        "kote_val",
        "kote_test",
        "goemotions_train",
        "chatbot",
        "va_kor",
        "lyric_vectors_2022",
        "mel_vectors_2022",
    } <= set(registry.REGISTRY)
    for remote in registry.REGISTRY.values():
        assert re.fullmatch("[0-9a-f]{64}|git:[0-9a-f]{40}", remote.sha256)
        assert len(remote.commit) == 40
        assert remote.commit in remote.url and remote.licence and remote.citation
    assert len({r.sha256 for r in registry.REGISTRY.values()}) == len(registry.REGISTRY)


def test_a_file_known_by_its_git_blob(tiny, tmp_path, monkeypatch):
    remote, content = tiny
    blob = subprocess.run(
        ["git", "hash-object", "--stdin"], input=content, capture_output=True, check=True
    ).stdout.decode()
    known = dataclasses.replace(remote, sha256=f"git:{blob.strip()}")
    monkeypatch.setattr(registry, "REGISTRY", {"kote_val": known})
    put_in_mirror(tmp_path / "mirror", known, content, monkeypatch)
    assert registry.fetch()["state"].tolist() == ["here"]
    assert registry.checked_path(known) == known.local
    known.local.write_bytes(content + b"x")
    with pytest.raises(CorruptData, match="another sha256 than the registry; delete the file"):
        registry.checked_path(known)
    known.local.unlink()
    (tmp_path / "mirror" / known.place).write_bytes(content + b"x")
    with pytest.raises(CorruptData, match="thrown away; run `wyf data fetch` again"):
        registry.fetch()
    assert not known.local.exists()


def test_an_optional_file_is_fetched_by_name_alone(tiny, tmp_path, monkeypatch):
    remote, content = tiny
    put_in_mirror(tmp_path / "mirror", remote, content, monkeypatch)
    monkeypatch.setattr(registry, "OPTIONAL", ("kote_val",))
    assert registry.fetch()["state"].tolist() == ["missing"]
    assert registry.fetch(["kote_val"])["state"].tolist() == ["here"]


def test_fetch_from_a_mirror_then_read_nothing_twice(tiny, tmp_path, monkeypatch):
    remote, content = tiny
    put_in_mirror(tmp_path / "mirror", remote, content, monkeypatch)
    assert registry.status()["state"].tolist() == ["missing"]
    assert registry.fetch()["state"].tolist() == ["here"]
    assert remote.local.read_bytes() == content
    (tmp_path / "mirror" / remote.place).unlink()
    registry.fetch()  # already here: the mirror is not asked
    assert validation.validate("open")["ok"].all()


def test_wrong_hash_is_corrupt_and_leaves_nothing(tiny, tmp_path, monkeypatch):
    remote, _ = tiny
    put_in_mirror(tmp_path / "mirror", remote, b"something else", monkeypatch)
    with pytest.raises(
        CorruptData,
        match="another sha256 than the registry and was thrown away; run `wyf data fetch`",
    ):
        registry.fetch()
    assert not [p for p in remote.local.parent.rglob("*") if p.is_file()]


def test_unreachable_says_what_to_check(tiny, tmp_path, monkeypatch):
    remote, _ = tiny
    monkeypatch.setenv("WYF_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(Unreachable, match="could not be fetched .* check the folder in WYF_MIRROR"):
        registry.fetch()
    monkeypatch.delenv("WYF_MIRROR")
    monkeypatch.setattr(registry.Remote, "url", property(lambda self: "http://127.0.0.1:9/nothing"))
    with pytest.raises(Unreachable, match="check the network, or name a folder in WYF_MIRROR"):
        registry.fetch()
    assert not [p for p in remote.local.parent.rglob("*") if p.is_file()]


def test_missing_and_altered_files_are_two_errors(tiny):
    remote, content = tiny
    with pytest.raises(MissingData, match="not here yet; run `wyf data fetch kote_val`"):
        registry.checked_path(remote)
    remote.local.parent.mkdir(parents=True)
    remote.local.write_bytes(content + b"!")
    with pytest.raises(CorruptData, match="another sha256 .* delete the file"):
        registry.checked_path(remote)
    assert validation.validate("open")["ok"].tolist() == [False]


def test_unknown_public_file():
    with pytest.raises(BadInput, match="There is no public file 'kote'; choose from"):
        registry.fetch(["kote"])


# Reading


def write(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.write_text(text, encoding=encoding)
    return path


def test_csv_with_bom_crlf_and_quotes(tmp_path):
    path = write(tmp_path, "a.csv", '\ufefftext,x\r\n"안녕, 하세요",1\r\n')
    assert tables.read_table(path, ["text"])["text"].tolist() == ["안녕, 하세요"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "text,label\n하나,기쁨\n둘,기쁨,셋\n",
            r"a.csv, row 3: 3 fields where 2 belong; correct the row",
        ),
        ("text,label\n하나\n", r"row 2: 1 fields where 2 belong"),
        ("text,other\n하나,기쁨\n", "lacks the column label"),
        ("text,label\n", "has no rows"),
        ("", "has no rows|lacks the column"),
        (
            'text,label\n"하나,기쁨\n',
            "a.csv, line 2: .*; correct the quotes there, or get the whole file again",
        ),
    ],
)
def test_malformed_csv_names_file_row_and_remedy(tmp_path, text, says):
    with pytest.raises(CorruptData, match=says):
        tables.read_table(write(tmp_path, "a.csv", text), ["text", "label"])


@pytest.mark.parametrize("ending", ["\n", "\n  \n", ",,\r\n\r\n", "\n\n\n둘,슬픔,2\n"])
def test_a_blank_line_is_nothing(tmp_path, ending):
    path = write(tmp_path, "a.csv", f"\ntext,label,x\n하나,기쁨,1\n{ending}")
    table = tables.read_table(path, ["text", "label"])
    assert table["text"].tolist() == ["하나", "둘"][: 1 + ("둘" in ending)]
    assert list(table.index) == list(range(len(table)))


def test_headers_and_labels_of_a_mac_are_composed(data):
    root = aihub_folder(data)
    for name in ("sentiment_dialogue", "single_turn"):
        sheet = pd.read_excel(root / f"{name}.xlsx", dtype=str, keep_default_na=False)
        sheet.columns = sheet.columns.str.normalize("NFD") + " "
        sheet = sheet.apply(lambda column: column.str.normalize("NFD"))
        sheet.to_csv(root / f"{name}.csv", index=False)
        expected = text_corpora.utterances("wyf")[0]
        sheet.to_excel(root / f"{name}.xlsx", index=False)
        assert text_corpora.utterances("wyf")[0].equals(expected)  # the csv is read first
        (root / f"{name}.csv").unlink()
        assert text_corpora.utterances("wyf")[0].equals(expected)


def test_escapes_of_xlsx_are_characters(tmp_path):
    cells = {
        "첫 줄_x000D_\n둘째_x000d_셋째": "첫 줄\n둘째\n셋째",
        "가_x0009_나_x000B_다": "가\t나\n다",
        "_x005F_x000D_": "_x000D_",
        "_xD83D_ _x12_ __x": "_xD83D_ _x12_ __x",
        "": None,
    }
    path = tmp_path / "a.xlsx"
    pd.DataFrame({"te_x0078_t_x000D_": list(cells)}).to_excel(path, index=False)
    assert tables.read_table(path, ["text"])["text"].tolist() == list(cells.values())[:-1]


def test_cp949_is_named(tmp_path):
    with pytest.raises(CorruptData, match="not UTF-8 .*cp949.*; save it as UTF-8"):
        tables.read_table(write(tmp_path, "a.csv", "text\n안녕\n", "cp949"), ["text"])


def aihub_folder(data):
    """The wyf profile with xlsx files as AI Hub gives them: answers of the system, blank
    cells, a stray count table without names."""
    root = data / "raw" / "wyf"
    root.mkdir()
    names = [*HEADER.split(","), "시스템응답1", "사람문장2", "시스템응답2"]
    rows = [
        (i, "청년", "여성", "일상", "만성질환 무", "기쁨", label, text, "축하드려요.", None, None)
        for i, (label, text) in enumerate(
            (
                ("기쁨", "합격 전화를 받았다"),
                ("느긋 ", "바람이 참 좋다"),
                ("가난한, 불우한", "라면도 떨어졌다"),
            ),
            1,
        )
    ]
    pd.DataFrame(rows, columns=names).to_excel(root / "sentiment_dialogue.xlsx", index=False)
    single = [
        ("Sentence", "Emotion", None, None, "공포", 5468),
        ("깜짝이야 진짜", "놀람", None, None, "놀람", 5898),
        ("세 시에 만나자", "중립", *[None] * 4),
    ]
    pd.DataFrame(single).to_excel(root / "single_turn.xlsx", index=False, header=False)
    return root


def test_aihub_xlsx_and_sample_csv_read_alike(data):
    aihub_folder(data)
    table, ledger = text_corpora.utterances("wyf")
    assert table["emotion"].tolist() == [0, 2, 3, 1, 5]
    assert table["label"].tolist() == ["기쁨", "느긋", "가난한, 불우한", "놀람", "중립"]
    assert np.allclose(table[list(emotions.EN)].sum(axis=1), 1)
    assert ledger["dropped"].sum() == 0


def test_xlsx_with_a_shifted_header(data):
    root = aihub_folder(data)
    pd.DataFrame([["표 1", ""], ["Sentence", "Emotion"], ["깜짝이야", "놀람"]]).to_excel(
        root / "single_turn.xlsx", index=False, header=False
    )
    with pytest.raises(
        CorruptData,
        match="single_turn.xlsx lacks the column Sentence, Emotion; its first row must hold "
        "the names",
    ):
        text_corpora.utterances("wyf")


def test_an_xlsx_that_is_none(data):
    root = aihub_folder(data)
    whole = (root / "single_turn.xlsx").read_bytes()
    for broken in (whole[: len(whole) // 2], b"PK\x03\x04 no archive", b""):
        (root / "single_turn.xlsx").write_bytes(broken)
        with pytest.raises(
            CorruptData, match="single_turn.xlsx cannot be read .* whole .xlsx file"
        ):
            text_corpora.utterances("wyf")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{}", "must be a list of songs"),
        ("[]", "must be a list of songs"),
        ("", "breaks off or is malformed at line 1"),
        ("[1, 2]", "record 0: is no song"),
        ('[{"id": 1}]', "record 0: lacks song_name, artist_name_basket, .*; add it"),
    ],
)
def test_song_metadata_of_another_form(data, content, says):
    write(kakao_folder(data), "song_meta.json", content)
    with pytest.raises(CorruptData, match=f"song_meta.json.* {says}"):
        song_files.songs("wyf", tokens)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "일곱"},
        {"id": 7.5},
        {"id": None},
        {"artist_name_basket": "온도"},
        {"artist_name_basket": [3]},
        {"song_gn_gnr_basket": {}},
    ],
)
def test_a_song_with_a_field_of_another_type(data, changes):
    kakao_folder(data, **changes)
    with pytest.raises(
        CorruptData,
        match="song_meta.json, record 0: the id must be a whole number, .* lists of texts; "
        "correct it",
    ):
        song_files.songs("wyf", tokens)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("7\t가사\n칠\t가사\n", "row 3: song_id '칠' is no whole number; correct it"),
        ("7\t가사\n7\t또 가사\n", "row 3: the song_id 7 stands twice; keep one of its lyrics"),
        ('7\t"가사\n8\t가사\n', r"line \d: .*; correct the quotes there"),
    ],
)
def test_malformed_lyrics_name_the_row(data, rows, says):
    write(kakao_folder(data), "lyrics.tsv", "song_id\tlyric\n" + rows)
    with pytest.raises(CorruptData, match=f"lyrics.tsv, {says}"):
        song_files.songs("wyf", tokens)


def test_unknown_label_names_file_and_row(data):
    root = aihub_folder(data)
    (root / "single_turn.xlsx").unlink()
    write(root, "single_turn.csv", "Sentence,Emotion\n깜짝이야,놀람\n배고파,배고픔\n")
    with pytest.raises(CorruptData, match="single_turn.csv, row 3: The label '배고픔' is unknown"):
        text_corpora.utterances("wyf")


def test_blank_text_names_its_row(data):
    root = aihub_folder(data)
    (root / "single_turn.xlsx").unlink()
    write(root, "single_turn.csv", "Sentence,Emotion\n깜짝이야,놀람\n  ,놀람\n")
    with pytest.raises(CorruptData, match="row 3: Sentence is blank"):
        text_corpora.utterances("wyf")


def tokens(texts):
    return [len(text) for text in texts]


def kakao_folder(data, **changes):
    root = data / "raw" / "wyf"
    root.mkdir(exist_ok=True)
    record = {
        "id": 7,
        "album_id": 1,
        "album_name": "첫눈 &amp; 끝눈",
        "artist_id_basket": [3],
        "artist_name_basket": ["온도"],
        "song_name": "It&#39;s 봄",
        "song_gn_gnr_basket": ["GN0100"],
        "song_gn_dtl_gnr_basket": ["GN0101"],
        "issue_date": "20180000",
    }
    write(
        root,
        "song_meta.json",
        json.dumps(
            [record | changes, record | {"id": 8, "song_name": "봄 (Inst.)"}], ensure_ascii=False
        ),
    )
    write(root, "genre_gn_all.json", json.dumps({"GN0100": "발라드"}, ensure_ascii=False))
    write(
        root,
        "lyrics.tsv",
        "id\tsong_id\tsong_name\tlyric\tartist\tgenre\talbum\talbum_id\trelease\n"
        "0\t7\t봄\t[Verse]\\n눈이 녹는다\\n봄이 온다\t온도\t발라드\t눈\t1\t20180000\n",
    )
    return root


def test_kakao_metadata_with_entities_and_zero_dates(data):
    kakao_folder(data)
    table, ledger = song_files.songs("wyf", tokens)
    assert table[["id", "title", "artist", "album", "genre", "year"]].iloc[0].tolist() == [
        7,
        "It's 봄",
        "온도",
        "첫눈 & 끝눈",
        "발라드",
        2018,
    ]
    assert table["lyric"].iloc[0] == "눈이 녹는다\n봄이 온다"
    assert ledger.set_index("step").loc["drop_instrumental", "dropped"] == 1


def test_kakao_metadata_with_lists_and_nulls(data):
    root = kakao_folder(
        data,
        song_name=None,
        album_name=None,
        artist_name_basket=["온도", None, "습도"],
        song_gn_gnr_basket=["GN0100", "GN1600"],
        issue_date=None,
    )
    (root / "song_meta.json").write_text(
        "\ufeff" + (root / "song_meta.json").read_text(encoding="utf-8"), encoding="utf-8"
    )
    song = song_files.read_catalogue(root).iloc[0]
    assert song[["title", "artist", "album", "genres", "genre", "year"]].tolist() == [
        "",
        "온도, 습도",
        "",
        "GN0100,GN1600",
        "발라드",
        0,
    ]
    kakao_folder(data, artist_name_basket=None, song_gn_gnr_basket=[], issue_date="00000000")
    assert song_files.read_catalogue(root).iloc[0][
        ["artist", "genres", "genre", "year"]
    ].tolist() == ["", "", "", 0]


def test_json_cut_in_the_middle_or_in_another_encoding_and_ids_twice(data):
    root = kakao_folder(data, id=8)
    with pytest.raises(
        CorruptData, match="song_meta.json, record 1: the id 8 stands twice; give each song its own"
    ):
        song_files.songs("wyf", tokens)
    whole = (root / "song_meta.json").read_text(encoding="utf-8")
    write(root, "song_meta.json", whole[: len(whole) // 2])
    with pytest.raises(
        CorruptData,
        match=r"song_meta.json breaks off or is malformed at line 1; get the whole file again",
    ):
        song_files.songs("wyf", tokens)
    write(root, "song_meta.json", whole, "cp949")
    with pytest.raises(CorruptData, match=r"song_meta.json is not UTF-8; save it as UTF-8"):
        song_files.songs("wyf", tokens)


def test_missing_profile_folder_and_unknown_profile(data):
    with pytest.raises(
        MissingData, match=r"profile 'wyf' is missing .* create it and put the sources there"
    ):
        text_corpora.utterances("wyf")
    with pytest.raises(MissingData, match="run `wyf data fetch`"):
        paths.profile_folder("open")
    with pytest.raises(BadInput, match="no profile 'real'; choose one of: sample, open, wyf"):
        text_corpora.utterances("real")


# Public corpora


@pytest.fixture
def public(data, monkeypatch):
    """Write files of the open profile and take them for the checked ones:
    public(goemotions_test="..."), a name in `REGISTRY` each."""
    root = data / "raw" / "open"
    root.mkdir()
    for module in (text_corpora, lexicons):
        monkeypatch.setattr(
            module, "checked_path", lambda remote: root / f"{remote.name}{remote.path[-4:]}"
        )

    def put(**files):
        for name, text in files.items():
            write(root, name + registry.REGISTRY[name].path[-4:], text)

    return put


GOEMOTIONS = {
    "goemotions_labels": "admiration\nanger\ncuriosity\nneutral",
    "goemotions_train": '"정말" 멋진 일이야\t0\n이건 너무해\t1\n궁금한 일이야\t2\n둘 다 '
    "맞아요\t0,1\n시험에 나온 글!\t0\n개발에 나온 글\t1\n",
    "goemotions_dev": "개발에 나온 글\t1\n시험에 나온 글\t0\n",
    "goemotions_test": "시험에 나온 글\t0\n그런 날도 있지\t3\n",
}


def test_goemotions_keeps_its_own_parts(public):
    public(**GOEMOTIONS)
    table, ledger = text_corpora.utterances("open", "goemotions")
    assert ledger.set_index("step")["dropped"].to_dict() == {
        "drop_without_words": 0,
        "remove_full_stops": 0,
        "drop_repeated_texts": 3,
        "drop_unmapped": 2,
    }
    parts = splits.split(table, 0)
    assert {name: part["text"].tolist() for name, part in parts.items()} == {
        "train": ['"정말" 멋진 일이야', "이건 너무해"],
        "dev": ["개발에 나온 글"],
        "test": ["시험에 나온 글", "그런 날도 있지"],
    }
    assert parts["test"]["emotion"].tolist() == [0, 5]


def test_split_takes_held_out_texts_from_the_other_official_parts():
    rows = [
        ("가나", "test"),
        ("가나!", "dev"),
        ("다라", "dev"),
        ("가 나", "train"),
        ("다라.", "train"),
        ("마바", "train"),
    ]
    table = pd.DataFrame(
        {
            "text": [t for t, _ in rows],
            "emotion": 0,
            "source": [f"goemotions_{part}" for _, part in rows],
        }
    )
    assert {name: part["text"].tolist() for name, part in splits.split(table, 0).items()} == {
        "train": ["마바"],
        "dev": ["다라"],
        "test": ["가나"],
    }


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("글만 있다", "row 2: 1 fields where 2 belong; correct the row"),
        ("글\t4", "row 2: The label '4' is unknown; correct it"),
        ("글\t-1", "row 2: The label '-1' is unknown"),
        ("글\t", "row 2: The label '' is unknown"),
        (" \t1", "row 2: text is blank; fill it in or delete the row"),
    ],
)
def test_malformed_goemotions_name_the_row(public, row, says):
    public(**GOEMOTIONS | {"goemotions_dev": f"멀쩡한 글\t1\n{row}\n"})
    with pytest.raises(CorruptData, match=f"goemotions_dev.tsv, {says}"):
        text_corpora.utterances("open", "goemotions")


def test_kote_label_of_no_name(public):
    public(kote_val="1\t좋은 글\t0,44\n", kote_test="2\t다른 글\t1\n")
    with pytest.raises(CorruptData, match="kote_val.tsv, row 1: The label '44' is unknown"):
        text_corpora.utterances("open")


@pytest.mark.parametrize(
    ("profile", "corpus", "has"),
    [("open", "goemotion", "kote, goemotions"), ("sample", "kote", "sample")],
)
def test_unknown_corpus(public, profile, corpus, has):
    paths.data_folder().joinpath("sample").mkdir()
    with pytest.raises(
        BadInput, match=f"no corpus '{corpus}' in profile '{profile}'; it has: {has}."
    ):
        text_corpora.utterances(profile, corpus)


def test_va_kor_has_one_row_a_term_of_a_study(public):
    public(
        va_kor="\ufeffsource,word,V,A\n민경환,갈등,-1.5,1\n이윤형,갈등,-0.5,2\n이윤형,감동,2,0.5\n"
    )
    assert lexicons.valence_arousal_norms().to_numpy().tolist() == [
        ["민경환", "갈등", -1.5, 1.0],
        ["이윤형", "갈등", -0.5, 2.0],
        ["이윤형", "감동", 2.0, 0.5],
    ]
    public(va_kor="source,word,V,A\n민경환,갈등,-1.5,1\n이윤형,감동,2,높음\n")
    with pytest.raises(CorruptData, match="va_kor.csv, row 3: A '높음' is no number; correct it"):
        lexicons.valence_arousal_norms()


# The sample


def test_sample_is_whole_and_balanced_as_said(sample_sentences):
    assert len(sample_sentences) >= 9000
    assert np.bincount(sample_sentences["emotion"], minlength=6).min() >= 1000, (
        "no emotion is rare among typed sentences"
    )
    assert sample_sentences["text"].str.len().median() <= 26
    assert (
        set(text_corpora.stories()["source"]) == {"stories"} and len(text_corpora.stories()) >= 2200
    )
    assert validation.validate("sample").set_index("file")["ok"].all()
    assert len(text_corpora.conversation("sample")) >= 200


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (
            "lexicon",
            "term,joy,tension,peace,sadness,anger,neutral\n눈물,0,0,0,0.5,0,0\n",
            "lexicon.csv: the weights of '눈물' do not sum to 1",
        ),
        (
            "lyric_intent",
            "id,first,second\n890,기쁨,\n팔,분노,\n",
            "lyric_intent.csv, row 3: id '팔' is no whole number",
        ),
        (
            "lyric_intent",
            "id,first,second\n890,기쁨,x\n",
            "lyric_intent.csv, row 2: The label 'x' is unknown",
        ),
        ("unrelated", "text\n \n", "unrelated.csv has no rows; put the data there"),
    ],
)
def test_a_fault_in_a_file_of_the_project_itself_is_reported(data, name, text, says):
    shutil.copytree(paths.ROOT / "data" / "sample", data / "sample")
    write(data / "sample", f"{name}.csv", text)
    table = validation.validate("sample").set_index("file")
    assert table.index[~table["ok"]].tolist() == [name] and says in table.loc[name, "message"]


def test_sample_songs_survive_cleaning():
    table, ledger = song_files.songs("sample", bundled_e5.count_tokens)
    assert len(table) >= 800
    assert (
        ledger.set_index("step")["dropped"].drop(["unescape_html", "remove_section_words"]) > 0
    ).all(), "every rule has something to remove"
    assert set(table["id"]) <= set(song_files.lyric_intent("sample")["id"])
    assert not table["lyric"].str.contains(r"\[(?:Verse|Chorus|Hook)", regex=True).any()


def test_no_emotion_label_stands_in_the_song_files():
    from wyf_utils.core.paths import data_folder

    keys = set().union(
        *(
            r.keys()
            for r in json.loads(
                (data_folder() / "sample" / "song_meta.json").read_text(encoding="utf-8")
            )
        )
    )
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
    table = pd.concat(
        [
            sample_sentences,
            sample_sentences.head(200).assign(text=sample_sentences["text"].head(200) + "!!"),
        ],
        ignore_index=True,
    )
    table = table.drop(
        columns="writer"
    )  # a corpus whose writers nobody knows: the same text stays together
    parts = splits.split(table, 0)
    assert sum(map(len, parts.values())) == len(table)
    for a, b in (("train", "dev"), ("train", "test"), ("dev", "test")):
        assert cleaning.count_shared_texts(parts[a]["text"], parts[b]["text"]) == 0
    share = [np.bincount(p["emotion"], minlength=6) / len(p) for p in parts.values()]
    assert np.allclose(share[0], share[2], atol=0.04)
    few = table.sample(2000, random_state=0)
    one, again, other = (splits.split(few, seed)["test"] for seed in (0, 0, 1))
    assert again.equals(one) and not other.equals(one)


def test_official_kote_test_file_is_the_test_part():
    rows = [
        ("가나다", 0, "kote_val"),
        ("라마바", 4, "kote_val"),
        ("같은 글", 0, "kote_val"),
        ("같은글!", 0, "kote_test"),
        ("사아자", 4, "kote_test"),
    ]
    table = pd.DataFrame(rows * 1, columns=["text", "emotion", "source"])
    table = pd.concat(
        [
            table,
            *(
                pd.DataFrame(
                    {"text": [f"글{i}", f"문{i}"], "emotion": [0, 4], "source": "kote_val"}
                )
                for i in range(10)
            ),
        ],
        ignore_index=True,
    )
    parts = splits.split(table, 0)
    assert set(parts["test"]["source"]) == {"kote_test"} and len(parts["test"]) == 2
    assert "같은 글" not in set(parts["train"]["text"]) | set(parts["dev"]["text"])
    assert cleaning.group_key("같은 글") == cleaning.group_key("같은글!")


def test_the_label_shown_is_one_that_says_the_emotion(public):
    names = emotions.KOTE_LABELS
    sad, angry = names.index("슬픔"), names.index("화남/분노")
    public(
        kote_val=f"1\t정말 속상한 글\t{angry},{sad},{names.index('절망')}\n",
        kote_test=f"2\t다른 글이다\t{angry}\n",
    )
    table, _ = text_corpora.utterances("open")
    assert table["label"].tolist()[0] in ("슬픔", "절망") and table["emotion"].tolist() == [3, 4]
