import json
import re
import threading
import unicodedata
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from wyf_utils.cli import app
from wyf_utils.core.errors import BadInput, CorruptData, MissingData, Unreachable
from wyf_utils.data import song_files, tables
from wyf_utils.music import lyric_sources, lyric_table

FOUND = {
    "id": 1,
    "trackName": "t",
    "artistName": "a",
    "albumName": "b",
    "duration": 200,
    "instrumental": False,
    "plainLyrics": "하나\n둘",
    "syncedLyrics": None,
}
MISSING = {"code": 404, "name": "TrackNotFound", "message": "Failed to find specified track"}


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self):
        self.now, self.slept = 1000.0, []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        self.slept.append(seconds)


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(lyric_sources, "time", made)
    return made


class Server(ThreadingHTTPServer):
    """Speaks the documented answers; `script` holds the faults that a title meets, one a
    request."""

    daemon_threads = True

    def __init__(self, clock):
        super().__init__(("127.0.0.1", 0), Handler)
        self.clock, self.script, self.asked, self.agents, self.lines, self.times = (
            clock,
            {},
            [],
            set(),
            [],
            [],
        )
        self.stuck = threading.Event()

    def handle_error(self, request, client_address):
        """A client that hung up is part of the tests."""

    def titles(self):
        return [a["track_name"] for a in self.asked]


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def say(self, status, body, **headers):
        body = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        for name, value in {"Content_Length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        server, url = self.server, urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(url.query, encoding="utf-8", errors="strict").items()}
        server.asked.append(query)
        server.lines.append(self.path)
        server.times.append(server.clock.now)
        server.agents.add(self.headers["User-Agent"])
        title = query["track_name"]
        fault = server.script[title].pop(0) if server.script.get(title) else None
        if fault == "late":
            server.stuck.wait(5)
        if fault == "drop":
            self.close_connection = True
        elif fault == "half":
            self.say(200, b'{"instrumental": fal', Content_Length=500)
            self.close_connection = True
        elif fault == "broken":
            self.say(200, b'{"instrumental": false, "plainLy')
        elif fault == "page":
            self.say(404, b"<html>not here</html>")
        elif isinstance(fault, tuple):
            self.say(fault[0], MISSING, **({"Retry_After": fault[1]} if fault[1] else {}))
        elif isinstance(fault, dict | list):
            self.say(200, fault)
        elif url.path != "/api/get" or title.startswith("없는"):
            self.say(404, MISSING)
        elif title.startswith("연주"):
            self.say(200, {**FOUND, "instrumental": True, "plainLyrics": None})
        else:
            self.say(200, {**FOUND, "plainLyrics": f"{title}의 노랫말\n둘째 줄"})


@pytest.fixture
def server(clock, tmp_path, monkeypatch):
    monkeypatch.setenv("WYF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server(clock) as made:
        threading.Thread(
            target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        yield made
        made.stuck.set()
        made.shutdown()


def lrclib(server, **options):
    return lyric_sources.Lrclib(
        f"http://127.0.0.1:{server.server_port}/", **{"timeout": 5, **options}
    )


def table(*titles, artist="가수", **columns):
    return pd.DataFrame(
        {"id": range(1, len(titles) + 1), "title": titles, "artist": artist, **columns}
    )


def adds_up(counts, songs):
    assert counts.index.tolist() == list(lyric_sources.STATES)
    assert counts["songs"].sum() == len(songs)
    return counts["songs"].to_dict()


# Text


@pytest.mark.parametrize(
    ("text", "is_"),
    [
        (
            "[ar:아이유]\n[ti:밤편지]\n[00:12.34]이 밤\n[00:15.10][01:15.10] 그날의\n",
            "이 밤\n그날의",
        ),
        ("[00:01.00]하나\r\n[00:02.00]\r\n[00:03:50]<00:03.50>둘 <00:03.90>셋", "하나\n\n둘 셋"),
        (
            "[후렴] 사랑\n[Verse: 1] 이별 [2:30 AM]\n\n\n\n12:30의 약속",
            "[후렴] 사랑\n[Verse: 1] 이별 [2:30 AM]\n\n12:30의 약속",
        ),
        ("탭\t하나\r둘\x00", "탭 하나\n둘"),
        ("[offset:+200]\n[100:00]\n", ""),
        ("[00:12.00]오늘 [00:12.50]밤 [00:13.00]비가 와", "오늘 밤 비가 와"),
        (
            "[00:12.00]오[00:12.50]늘 <00:13.00>밤 [00:14,00]\n[01:02:03.45] 비 [00:15]",
            "오늘 밤\n비",
        ),
        ("[awlrc:QUJDRA==]\n[total:03:12]\n[ver:v1.0]\n[language:ko]\n밤", "밤"),
        ("[x-source_2: a]\n[Language: ko]\n[ar:가][kana:ga]\n밤", "밤"),
        (
            "[verse: 밤]\n[hook: 낮]\n[Jin: 너]\n[a] b:]",
            "[verse: 밤]\n[hook: 낮]\n[Jin: 너]\n[a] b:]",
        ),
    ],
)
def test_time_stamps_and_tags_go_and_headings_stay(text, is_):
    assert lyric_sources.strip_timestamps(text) == is_


# Files

FOREIGN = "今天下雨了，我很想你".encode("gbk")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
def test_korean_files(tmp_path, encoding):
    (tmp_path / "a.lrc").write_bytes("[ti:밤편지]\r\n[00:01.00]이 밤 뷁".encode(encoding))
    assert lyric_sources.read_text(tmp_path / "a.lrc") == "이 밤 뷁"
    (tmp_path / "b.txt").write_bytes("".encode(encoding))
    assert lyric_sources.read_text(tmp_path / "b.txt") == ""


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gbk", "今天下雨了，我很想你"),
        ("gbk", "大家好 你好吗"),
        ("gb18030", "明天会更好"),
        ("big5", "明天會更好"),
        ("euc_jp", "夜の雨が静かに降る"),
        ("euc_jp", "東京の空"),
        ("shift_jis", "今日はとても寒い"),
        ("koi8-r", "МОСКВА НОЧЬЮ"),
        ("latin-1", "CORAÇÃO"),
        ("utf-16-le", "이 밤 그날의 반딧불을"),
    ],
)
def test_files_that_are_not_korean_text(tmp_path, encoding, text):
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    with pytest.raises(CorruptData, match="a.txt is not Korean text"):
        lyric_sources.read_text(tmp_path / "a.txt")


def put(folder, **files):
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def test_a_folder_by_id_and_by_names(tmp_path):
    folder = put(
        tmp_path / "mine",
        **{
            "아이유 - 밤편지.lrc": "\ufeff[ar:아이유]\n[00:01.00]이 밤\n",
            "아이유 - 밤편지.txt": "이 밤 그날의",
            "표 - 딱지.lrc": "\ufeff[ti:딱지]\n[00:01.00]말\n",
            "3.txt": "번호로",
            "AC-DC - T.N.T..TXT": "oi",
            "가 - 나 - 다.txt": "줄표",
            "빈 - 곡.txt": "[00:01.00]\n",
            "._아이유 - 좋은 날.txt": b"\x00\x05\x16\x07",
            "표지.jpg": b"\xff",
        },
    )
    songs = pd.DataFrame(
        [
            (1, "밤편지", "아이유"),
            (2, "밤편지", "아이유"),
            (3, "", None),
            (4, "T.N.T.", "AC/DC"),
            (5, "나 - 다", "가"),
            (6, "다", "가 - 나"),
            (7, "곡", "빈"),
            (8, "좋은 날", "아이유"),
            (9, None, "누구"),
            (10, "좋은 날", " "),
            (11, "딱지", "표"),
        ],
        columns=["id", "title", "artist"],
    )
    found, counts = lyric_table.collect(songs, lyric_sources.LocalLyrics(folder))
    assert dict(found.itertuples(index=False)) == {
        1: "이 밤 그날의",
        2: "이 밤 그날의",
        3: "번호로",
        4: "oi",
        5: "줄표",
        6: "줄표",
        11: "말",
    }
    assert adds_up(counts, songs) == {
        "found": 7,
        "missing": 2,
        "instrumental": 0,
        "failed": 0,
        "unasked": 2,
    }
    assert counts.loc["missing", "which"] == [
        "빈 - 곡 (7): its lyric is blank",
        "아이유 - 좋은 날 (8)",
    ]
    assert counts.loc["unasked", "which"] == [
        "누구 - ? (9): its title is blank; fill it in",
        "? - 좋은 날 (10): its artist is blank; fill it in",
    ]


def test_names_decomposed_as_on_a_mac_are_the_same_names(tmp_path):
    folder = put(
        tmp_path / "mac",
        **{unicodedata.normalize("NFD", "임산호 - 돌담은 구멍으로 선다.txt"): "돌담"},
    )
    found, _ = lyric_table.collect(
        table("돌담은 구멍으로 선다", artist="임산호"), lyric_sources.LocalLyrics(folder)
    )
    assert found["lyric"].tolist() == ["돌담"]


def test_a_foreign_file_fails_alone_with_its_remedy(tmp_path):
    folder = put(
        tmp_path / "mine",
        **{
            "가수 - 하나.txt": "하나",
            "가수 - 둘.txt": FOREIGN,
            "가수 - 셋.txt": "둘이서".encode("cp949"),
        },
    )
    provider = lyric_sources.LocalLyrics(folder)
    with pytest.raises(
        CorruptData, match=r"둘.txt is not Korean text in UTF-8 or cp949; save it as UTF-8"
    ):
        provider.ask(lyric_sources.Song(2, "둘", "가수"))
    songs = table("하나", "둘", "셋")
    found, counts = lyric_table.collect(songs, provider)
    assert found["lyric"].tolist() == ["하나", "둘이서"]
    assert adds_up(counts, songs)["failed"] == 1
    (why,) = counts.loc["failed", "which"]
    assert why.startswith("가수 - 둘 (2): ") and "save it as UTF-8" in why


def test_two_different_lyrics_for_one_song_are_not_guessed_at(tmp_path):
    folder = put(
        tmp_path / "mine",
        **{
            "가수 - 사랑.txt": "하나",
            "가수 - 사랑!.txt": "둘",
            "가수 - 꿈.txt": "같은",
            "가수 - 꿈?.lrc": "[00:01.00]같은",
        },
    )
    found, counts = lyric_table.collect(table("사랑", "꿈"), lyric_sources.LocalLyrics(folder))
    assert found["lyric"].tolist() == ["같은"]
    assert (
        "Several lyrics claim this song" in counts.loc["failed", "which"][0]
        and "사랑!.txt" in counts.loc["failed", "which"][0]
    )


@pytest.mark.parametrize("ending", ["tsv", "csv"])
def test_a_table(tmp_path, ending):
    mark = "\t" if ending == "tsv" else ","
    rows = [
        ("lyric", "title", "artist"),
        ('"하나\n""둘"""', "노래", "가수"),
        ("셋\\n넷", "Song", "Singer"),
        ("", "빈 곡", "가수"),
    ]
    path = tmp_path / f"mine.{ending}"
    path.write_text("\ufeff" + "".join(mark.join(r) + "\n" for r in rows), encoding="utf-8")
    found, counts = lyric_table.collect(
        table("노래", "SONG", "빈 곡", artist=["가수", "singer", "가수"]),
        lyric_sources.LocalLyrics(path),
    )
    assert (
        found["lyric"].tolist() == ['하나\n"둘"', "셋\n넷"] and counts.loc["missing", "songs"] == 1
    )


def test_what_is_no_source_says_so(tmp_path):
    with pytest.raises(
        MissingData, match="nowhere is missing; name a folder of .txt and .lrc files, or a table"
    ):
        lyric_sources.LocalLyrics(tmp_path / "nowhere")
    with pytest.raises(MissingData, match="has no .txt or .lrc file"):
        lyric_sources.LocalLyrics(put(tmp_path / "empty"))
    (tmp_path / "old.csv").write_text("title,artist,lyric\n노래,가수,말\n", encoding="cp949")
    with pytest.raises(CorruptData, match="old.csv is not UTF-8 .*; save it as UTF-8"):
        lyric_sources.LocalLyrics(tmp_path / "old.csv")
    with pytest.raises(BadInput, match="lack the column artist"):
        lyric_table.collect(pd.DataFrame({"id": [1], "title": ["가"]}), None)
    for bad in ({"base": "lrclib.net"}, {"tries": 0}):
        with pytest.raises(BadInput):
            lyric_sources.Lrclib(**bad)


# LRCLIB


def test_each_documented_answer_is_kept_and_nothing_is_asked_twice(server):
    songs = pd.concat(
        [
            table("밤편지", "없는 노래", "연주곡", "밤편지", "BAM", "bam", ""),
            table("밤편지", artist="다른 가수"),
        ],
        ignore_index=True,
    )
    songs["id"] = range(1, 9)
    first = lyric_table.collect(songs, lrclib(server))
    assert dict(first[0].itertuples(index=False))[1] == "밤편지의 노랫말\n둘째 줄"
    assert adds_up(first[1], songs) == {
        "found": 5,
        "missing": 1,
        "instrumental": 1,
        "failed": 0,
        "unasked": 1,
    }
    assert server.titles() == ["밤편지", "없는 노래", "연주곡", "BAM", "밤편지"]
    again = lyric_table.collect(songs, lrclib(server))
    pd.testing.assert_frame_equal(again[0], first[0])
    pd.testing.assert_frame_equal(again[1], first[1])
    assert len(server.asked) == 5
    assert server.agents == {
        f"WYF v{lyric_sources.__version__} ({lyric_sources.PAGE})"
    } and lyric_sources.PAGE.startswith("https://")


def test_a_forced_refresh_asks_again(server, monkeypatch):
    lyric_table.collect(table("없는 노래"), lrclib(server))
    monkeypatch.setenv("FRESH", "1")
    monkeypatch.setenv("WYF_RUN_STARTED", "4e9")
    lyric_table.collect(table("없는 노래"), lrclib(server))
    assert len(server.asked) == 2


def test_korean_is_percent_encoded_and_duration_is_sent_where_it_is_known(server):
    songs = table(
        "밤 & 편지?", "둘", "셋", artist="아이유, 10CM", album="달", duration=["231.6", None, 4000]
    )
    lyric_table.collect(songs, lrclib(server))
    assert server.lines[0].isascii() and "%EB%B0%A4" in server.lines[0]
    assert server.asked[0] == {
        "track_name": "밤 & 편지?",
        "artist_name": "아이유, 10CM",
        "duration": "232",
    }
    assert all("duration" not in a for a in server.asked[1:])
    lyric_table.collect(songs, lrclib(server, by_album=True))
    assert server.asked[3]["album_name"] == "달"


def test_names_in_html_are_asked_for_as_people_write_them(server):
    lyric_table.collect(table("Rock &amp; Roll"), lrclib(server))
    assert server.titles() == ["Rock & Roll"]


def test_html_entities_in_lyrics(server):
    words = "I&#39;m 사랑 &amp; 이별\n&lt;3\nDon&amp;#39;t"
    synced = "[00:01.00] I&#x27;m &quot;나&quot;"
    server.script = {
        "하나": [{**FOUND, "plainLyrics": words}],
        "둘": [{**FOUND, "plainLyrics": None, "syncedLyrics": synced}],
    }
    found, _ = lyric_table.collect(table("하나", "둘"), lrclib(server))
    assert found["lyric"].tolist() == ["I'm 사랑 & 이별\n<3\nDon't", 'I\'m "나"']


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (403, "refused the request .HTTP 403.; try again later"),
        (401, "refused the request .HTTP 401."),
        (451, "refused the request .HTTP 451."),
        (422, "refused this song .HTTP 422.; check its names"),
    ],
)
def test_a_refusal_is_told_with_its_status(server, status, says):
    server.script["하나"] = [(status, "")]
    _, counts = lyric_table.collect(table("하나"), lrclib(server))
    assert re.search(says, counts.loc["failed", "which"][0]) and len(server.asked) == 1


def test_only_synced_lyrics_or_none(server):
    server.script = {
        "줄": [{**FOUND, "plainLyrics": None, "syncedLyrics": "[00:01.00] 하나\n[00:02.00] 둘"}],
        "빈": [{**FOUND, "plainLyrics": None}],
        "TrackNotFound": [{**FOUND, "name": "TrackNotFound"}],
    }
    found, counts = lyric_table.collect(table("줄", "빈", "TrackNotFound"), lrclib(server))
    assert (
        found["lyric"].tolist() == ["하나\n둘"] * 2
        and "without a lyric" in counts.loc["missing", "which"][0]
    )


@pytest.mark.parametrize(
    "fault",
    [
        "drop",
        "half",
        "broken",
        "page",
        (500, ""),
        (503, ""),
        (429, ""),
        (429, "soon"),
        {"name": "Error"},
        [1],
        {**FOUND, "plainLyrics": 7},
        {"instrumental": None, "plainLyrics": "말"},
        {"instrumental": False},
    ],
    ids=str,
)
def test_a_fault_is_asked_again_after_a_doubling_pause(server, clock, fault):
    server.script["둘"] = [fault] * 3
    found, _ = lyric_table.collect(
        table("하나", "둘", "셋"), lrclib(server, tries=4, backoff=1, seconds=0.5)
    )
    assert found["id"].tolist() == [1, 2, 3] and server.titles() == [
        "하나",
        "둘",
        "둘",
        "둘",
        "둘",
        "셋",
    ]
    assert [b - a for a, b in zip(server.times, server.times[1:], strict=False)] == [
        0.5,
        1,
        2,
        4,
        0.5,
    ]


def test_a_timeout_is_asked_again(server):
    server.script["둘"] = ["late"]
    found, _ = lyric_table.collect(table("하나", "둘", "셋"), lrclib(server, timeout=0.2))
    assert found["id"].tolist() == [1, 2, 3] and server.titles().count("둘") == 2


def test_the_rate_is_kept_and_the_cache_needs_no_pause(server, clock):
    songs = table(*"가나다라")
    lyric_table.collect(songs, lrclib(server, seconds=2))
    assert [b - a for a, b in zip(server.times, server.times[1:], strict=False)] == [2, 2, 2]
    clock.slept.clear()
    lyric_table.collect(songs, lrclib(server, seconds=2))
    assert clock.slept == []


def test_retry_after_is_honoured_even_by_the_next_song(server):
    server.script = {"둘": [(429, 30)], "셋": [(503, 20)]}
    _, counts = lyric_table.collect(table("하나", "둘", "셋", "넷"), lrclib(server, tries=1))
    assert counts["songs"].to_dict() == {
        "found": 2,
        "missing": 0,
        "instrumental": 0,
        "failed": 2,
        "unasked": 0,
    }
    assert [b - a for a, b in zip(server.times, server.times[1:], strict=False)] == [0.5, 30, 20]
    server.script["다섯"] = [(429, 30)]
    lyric_table.collect(table("다섯"), lrclib(server))
    assert server.times[-1] - server.times[-2] == 30


def test_a_server_that_wants_hours_is_left_alone_and_the_cache_still_answers(server):
    lyric_table.collect(table("다섯"), lrclib(server))
    server.script["둘"] = [(429, 3600)]
    songs = table("하나", "둘", "셋", "넷", "다섯")
    found, counts = lyric_table.collect(songs, lrclib(server, patience=60))
    assert found["id"].tolist() == [1, 5] and server.titles() == ["다섯", "하나", "둘"]
    assert (
        adds_up(counts, songs)["failed"] == 3
        and "asks for a pause of 3600 s; run it again" in counts.loc["failed", "which"][2]
    )


def test_a_server_that_is_down_is_given_up_on(server):
    server.script = {str(n): [(500, "")] * 9 for n in range(10)} | {"0": []}
    songs = table(*map(str, range(10)))
    found, counts = lyric_table.collect(songs, lrclib(server, tries=2, give_up=3))
    assert (
        found["id"].tolist() == [1]
        and len(server.asked) == 1 + 3 * 2
        and adds_up(counts, songs)["failed"] == 9
    )
    assert "failed for 3 songs in a row and was not asked" in counts.loc["failed", "which"][-1]
    server.script = {}
    assert len(lyric_table.collect(songs, lrclib(server))[0]) == 10


def test_failures_that_are_not_in_a_row_do_not_add_up(server):
    server.script = {t: [(500, "")] for t in "나라바"}
    found, counts = lyric_table.collect(
        table(*"가나다라마바사"), lrclib(server, tries=1, give_up=2)
    )
    assert found["id"].tolist() == [1, 3, 5, 7] and counts.loc["failed", "songs"] == 3


def test_what_failed_is_named_not_kept_and_asked_in_the_next_run(server):
    server.script = {"둘": [(500, "")] * 3, "셋": [(400, "")], "없는 것": [(500, "")] * 3}
    songs = table("하나", "둘", "셋", "없는 것", "둘")
    _, counts = lyric_table.collect(songs, lrclib(server, tries=3))
    assert adds_up(counts, songs) == {
        "found": 1,
        "missing": 0,
        "instrumental": 0,
        "failed": 4,
        "unasked": 0,
    }
    assert server.titles() == [
        "하나",
        *["둘"] * 3,
        "셋",
        *["없는 것"] * 3,
    ]  # a refusal is not repeated, a failed song not asked once more in one run
    assert [w.split(" (")[0] for w in counts.loc["failed", "which"]] == [
        "가수 - 둘",
        "가수 - 셋",
        "가수 - 없는 것",
        "가수 - 둘",
    ]
    assert (
        "no answer in 3 tries (HTTP 500); run it again later" in counts.loc["failed", "which"][0]
        and "refused this song (HTTP 400); check its names" in counts.loc["failed", "which"][1]
    )
    _, counts = lyric_table.collect(songs, lrclib(server))
    assert adds_up(counts, songs) == {
        "found": 4,
        "missing": 1,
        "instrumental": 0,
        "failed": 0,
        "unasked": 0,
    }
    assert server.titles()[8:] == ["둘", "셋", "없는 것"]


def test_nobody_listens(server):
    server.shutdown()
    server.server_close()
    with pytest.raises(
        Unreachable, match=r"no answer in 2 tries \(ConnectionError\); run it again later"
    ):
        lrclib(server, tries=2).ask(lyric_sources.Song(1, "하나", "가수"))


def test_an_interrupted_run_goes_on_where_it_stopped(server, clock, monkeypatch, tmp_path):
    songs = table(*"가나다라마")
    provider = lrclib(server)
    get = provider._session.get

    def interrupted(*arguments, **options):
        answer = get(*arguments, **options)
        if options["params"]["track_name"] == "다":
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(provider._session, "get", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lyric_table.collect(songs, provider)
    assert server.titles() == ["가", "나", "다"]
    found, _ = lyric_table.collect(songs, lrclib(server))
    assert found["id"].tolist() == [1, 2, 3, 4, 5] and server.titles() == [
        "가",
        "나",
        "다",
        "다",
        "라",
        "마",
    ]


def test_an_interrupted_or_torn_cache_file_is_asked_for_again(server, monkeypatch, tmp_path):
    write = lyric_sources.Path.write_text

    def torn(path, text, **options):
        write(path, text[:9], **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", torn)
    with pytest.raises(KeyboardInterrupt):
        lyric_table.collect(table("가"), lrclib(server))
    monkeypatch.undo()
    monkeypatch.setenv("WYF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert list((tmp_path / "cache" / "lyrics").iterdir()) == []
    lyric_table.collect(table("가"), lrclib(server, seconds=0))
    (kept,) = (tmp_path / "cache" / "lyrics").iterdir()
    kept.write_text('{"instrumental": fa')
    assert len(lyric_table.collect(table("가"), lrclib(server, seconds=0))[0]) == 1
    assert len(server.asked) == 3


FAULTS = st.sampled_from(
    ["drop", "half", "broken", "page", (500, ""), (429, 3), (400, ""), {"name": "Error"}]
)
TITLES = st.sampled_from(["하나", "둘", "셋", "없는 하나", "없는 둘", "연주 하나", "", None])


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    titles=st.lists(TITLES, max_size=8),
    faults=st.dictionaries(TITLES.filter(bool), st.lists(FAULTS, max_size=4)),
    give_up=st.integers(1, 4),
)
def test_every_song_is_counted_once_and_two_runs_are_enough(
    server, tmp_path, monkeypatch, titles, faults, give_up
):
    monkeypatch.setenv("WYF_CACHE", str(tmp_path / uuid.uuid4().hex))
    server.asked.clear()
    songs = table(*titles)
    server.script = {title: list(met) for title, met in faults.items()}
    found, counts = lyric_table.collect(songs, lrclib(server, tries=3, give_up=give_up))
    assert adds_up(counts, songs)["found"] == len(found)
    assert all(server.titles().count(t) <= 3 for t in titles)
    assert counts.loc["unasked", "songs"] == sum(not t for t in titles)
    server.script, before = {}, len(server.asked)
    found, counts = lyric_table.collect(songs, lrclib(server))
    settled = {"found": "하나둘셋", "missing": "없", "instrumental": "연"}
    expected = {
        state: sum(bool(t) and t[0] in first for t in titles) for state, first in settled.items()
    }
    assert adds_up(counts, songs) == {
        **expected,
        "failed": 0,
        "unasked": sum(not t for t in titles),
    }
    assert len(server.asked) - before <= len({t for t in titles if t})


# The catalogue


def catalogue(folder, *titles):
    folder.mkdir()
    songs = [
        {
            "id": n,
            "song_name": title,
            "artist_name_basket": ["가수"],
            "album_name": "앨범",
            "album_id": 7,
            "song_gn_gnr_basket": ["GN0100"],
            "issue_date": "20200102",
        }
        for n, title in enumerate(titles, 11)
    ]
    (folder / "song_meta.json").write_text(json.dumps(songs), encoding="utf-8")
    (folder / "genre_gn_all.json").write_text(json.dumps({"GN0100": "발라드"}), encoding="utf-8")
    return folder


def test_the_written_file_is_read_back_as_it_was(tmp_path):
    root = catalogue(tmp_path / "root", "하나", "둘", "셋")
    words = {11: '"따옴표"\n\n\\ 그리고, 쉼표', 13: "셋"}
    lyric_table.write_tsv(
        lyric_table.read_songs(root),
        pd.DataFrame(words.items(), columns=["id", "lyric"]),
        root / "lyrics.tsv",
    )
    assert song_files.read_catalogue(root).set_index("id")["lyric"].to_dict() == {**words, 12: ""}
    rows = tables.read_table(root / "lyrics.tsv", list(lyric_table.COLUMNS))
    assert rows.iloc[1].tolist() == [
        "1",
        "13",
        "셋",
        "셋",
        "가수",
        "발라드",
        "앨범",
        "7",
        "20200102",
    ]
    assert (root / "lyrics.tsv").read_text(encoding="utf-8").count("\n") == 3


def test_no_lyric_at_all_is_a_file_of_names_only(tmp_path):
    songs = table("하나")
    lyric_table.write_tsv(
        songs,
        lyric_table.collect(
            songs, lyric_sources.LocalLyrics(put(tmp_path / "none", **{"a.txt": ""}))
        )[0],
        tmp_path / "lyrics.tsv",
    )
    assert (tmp_path / "lyrics.tsv").read_text() == "\t".join(lyric_table.COLUMNS) + "\n"


def test_a_broken_write_leaves_the_old_file(tmp_path, monkeypatch):
    (tmp_path / "lyrics.tsv").write_text("old")

    def full(table, path, **options):
        path.write_text("half")
        raise OSError("no space left")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OSError):
        lyric_table.write_tsv(
            table("하나"), pd.DataFrame({"id": [1], "lyric": ["말"]}), tmp_path / "lyrics.tsv"
        )
    assert (tmp_path / "lyrics.tsv").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_fill_keeps_what_is_there_and_asks_for_the_rest(tmp_path):
    root = catalogue(tmp_path / "root", "하나", "둘", "셋")
    out, counts = lyric_table.fill(
        root, lyric_sources.LocalLyrics(put(tmp_path / "none", **{"a.txt": ""}))
    )
    assert counts.loc["missing", "songs"] == 3 and not out.exists()
    out, counts = lyric_table.fill(
        root, lyric_sources.LocalLyrics(put(tmp_path / "one", **{"가수 - 둘.txt": "처음"}))
    )
    assert out == root / "lyrics.tsv" and counts["songs"].tolist() == [1, 2, 0, 0, 0]
    before = out.read_bytes()
    _, counts = lyric_table.fill(
        root,
        lyric_sources.LocalLyrics(put(tmp_path / "two", **{"가수 - 둘.txt": "다른", "a.txt": ""})),
    )
    assert counts["songs"].sum() == 2 and out.read_bytes() == before
    with out.open("a", encoding="utf-8") as file:
        file.write("1\t11\t하나\t\t가수\t\t\t\t\n")
    lyric_table.fill(
        root, lyric_sources.LocalLyrics(put(tmp_path / "three", **{"11.txt": "나중\n말"}))
    )
    assert song_files.read_catalogue(root)["lyric"].tolist() == ["나중\n말", "처음", ""]
    assert tables.read_table(out, ["id", "song_id"]).to_numpy().tolist() == [
        ["0", "12"],
        ["1", "11"],
    ]


@pytest.mark.parametrize(
    "header", ["\t".join(lyric_table.COLUMNS) + "\n", "lyric\tsong_id\n\n", ""]
)
def test_a_table_of_names_only_is_filled(tmp_path, header):
    root = catalogue(tmp_path / "root", "하나")
    (root / "lyrics.tsv").write_text(header, encoding="utf-8-sig")
    provider = lyric_sources.LocalLyrics(put(tmp_path / "one", **{"11.txt": "처음"}))
    out, counts = lyric_table.fill(root, provider)
    assert counts.loc["found", "songs"] == 1
    assert tables.read_table(out, ["song_id", "lyric"]).to_numpy().tolist() == [["11", "처음"]]


def test_names_of_other_columns_are_not_overwritten(tmp_path):
    root = catalogue(tmp_path / "root", "하나")
    (root / "lyrics.tsv").write_text("name,words\n", encoding="utf-8")
    provider = lyric_sources.LocalLyrics(put(tmp_path / "one", **{"11.txt": "처음"}))
    with pytest.raises(CorruptData, match="lacks the column song_id, lyric"):
        lyric_table.fill(root, provider)


@pytest.mark.parametrize(("ending", "mark"), [("csv", ","), ("CSV", ","), ("TSV", "\t")])
def test_the_ending_names_the_delimiter(tmp_path, ending, mark):
    root, out = catalogue(tmp_path / "root", "하나", "둘"), tmp_path / f"lyrics.{ending}"
    one = lyric_sources.LocalLyrics(put(tmp_path / "one", **{"11.txt": 'a, "b"\n다'}))
    assert lyric_table.fill(root, one, out)[1].loc["found", "songs"] == 1
    assert out.read_text(encoding="utf-8").startswith(mark.join(lyric_table.COLUMNS) + "\n")
    two = lyric_sources.LocalLyrics(put(tmp_path / "two", **{"12.txt": "둘"}))
    assert lyric_table.fill(root, two, out)[1]["songs"].sum() == 1
    rows = tables.read_table(out, ["song_id", "lyric"]).to_numpy().tolist()
    assert rows == [["11", 'a, "b"\\n다'], ["12", "둘"]]
    with pytest.raises(BadInput, match="lyrics.xlsx is neither .tsv nor .csv"):
        lyric_table.fill(root, two, tmp_path / "lyrics.xlsx")


@pytest.mark.parametrize(
    ("records", "says"),
    [
        ("[", "breaks off or is malformed"),
        ("{}", "must be a list of songs"),
        ('[{"id": 1, "song_name": "가"}]', "record 0: lacks artist_name_basket"),
        (
            '[{"id": 1, "song_name": "가", "artist_name_basket": []}, '
            '{"id": 1, "song_name": "나", "artist_name_basket": []}]',
            "the id 1 stands twice",
        ),
    ],
)
def test_bad_metadata_is_named(tmp_path, records, says):
    (tmp_path / "song_meta.json").write_text(records, encoding="utf-8")
    with pytest.raises(CorruptData, match=f"song_meta.json.*{says}"):
        lyric_table.read_songs(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"artist_name_basket": "온도"},
        {"artist_name_basket": [3]},
        {"id": "일곱"},
        {"song_gn_gnr_basket": {}},
    ],
)
def test_metadata_is_as_strict_as_that_of_a_catalogue(tmp_path, changes):
    (tmp_path / "song_meta.json").write_text(
        json.dumps([{"id": 1, "song_name": "하나", "artist_name_basket": ["가수"]} | changes]),
        encoding="utf-8",
    )
    with pytest.raises(
        CorruptData,
        match="song_meta.json, record 0: the id must be a whole number, artist_name_basket "
        ".* lists of texts; correct it",
    ):
        lyric_table.read_songs(tmp_path)


def test_the_command(tmp_path, server, monkeypatch):
    root = catalogue(tmp_path / "root", "하나", "없는 것", "둘", "")
    runner = CliRunner()
    for arguments in ((), ("--online", "--from", str(root))):
        assert isinstance(runner.invoke(app, ["lyrics", str(root), *arguments]).exception, BadInput)
    assert isinstance(
        runner.invoke(app, ["lyrics", str(tmp_path / "no"), "--online"]).exception, MissingData
    )
    folder = put(tmp_path / "mine", **{"가수 - 하나.txt": "내 것", "가수 - 둘.txt": FOREIGN})
    done = runner.invoke(app, ["lyrics", str(root), "--from", str(folder)])
    assert (
        done.exit_code == 1
        and "failed  가수 - 둘 (13): 가수 - 둘.txt is not Korean text" in done.output
        and "lyrics  lyrics.tsv" in done.output
    )
    made = lrclib(server)
    monkeypatch.setattr(lyric_sources, "Lrclib", lambda: made)
    done = runner.invoke(app, ["lyrics", str(root), "--online"])
    assert (
        done.exit_code == 0
        and server.titles() == ["없는 것", "둘"]
        and "unasked  가수 - ? (14): its title is blank" in done.output
    )
    assert song_files.read_catalogue(root)["lyric"].tolist() == [
        "내 것",
        "",
        "둘의 노랫말\n둘째 줄",
        "",
    ]


def test_a_table_of_song_id_and_lyric_is_enough_and_null_artists_are_blank(tmp_path):
    records = [
        {"id": 1, "song_name": "하나", "artist_name_basket": [None]},
        {"id": 2, "song_name": "둘", "artist_name_basket": ["가수"]},
    ]
    (tmp_path / "song_meta.json").write_text(json.dumps(records), encoding="utf-8")
    (tmp_path / "lyrics.tsv").write_text("song_id\tlyric\n1\t이미 있는 가사\n", encoding="utf-8")
    assert lyric_table.read_songs(tmp_path)["artist"].tolist() == ["", "가수"]
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "2.txt").write_text("새로 찾은 가사", encoding="utf-8")
    out, counts = lyric_table.fill(tmp_path, lyric_sources.LocalLyrics(tmp_path / "own"))
    assert counts.loc["found", "songs"] == 1
    table = pd.read_csv(out, sep="\t", dtype=str, keep_default_na=False)
    assert table.set_index("song_id")["lyric"].to_dict() == {
        "1": "이미 있는 가사",
        "2": "새로 찾은 가사",
    }
