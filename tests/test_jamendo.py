"""Real songs with tags that people gave: the table of tags, the files, the catalogue, the page."""

import dataclasses
import hashlib

import duckdb
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from test_songs import make
from typer.testing import CliRunner

from wyf_utils import cli
from wyf_utils.app import feeling, loading, markup, terminal
from wyf_utils.app.credits import CREDITS, song_address
from wyf_utils.core import emotions
from wyf_utils.core.errors import BadInput, CorruptData, DiskFull, MissingData, Unreachable
from wyf_utils.core.paths import JAMENDO, ROOT, run_folder
from wyf_utils.data import jamendo, mood_tags, registry
from wyf_utils.data.mood_tags import ASIDE, MOODS
from wyf_utils.music import database, feedback, fusion
from wyf_utils.music import jamendo as catalogue
from wyf_utils.music.recommender import SongQuery

SAD = "오늘 너무 슬퍼 슬퍼"
HEADER = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\t"
NAMES_HEADER = "\t".join(jamendo.NAME_COLUMNS)


def row(song, *tags, artist=87, duration="212.7"):
    tags = "\t".join(f"mood/theme---{tag}" if "---" not in tag else tag for tag in tags)
    identifiers = f"track_{song:07}\tartist_{artist:06}\talbum_000149"
    return f"{identifiers}\t{song % 100}/{song}.mp3\t{duration}\t{tags}"


ROWS = [
    row(948, "background"),
    row(950, "film"),
    row(2263, "melancholic", "film", "sad", artist=320),
    row(3346, "calm", "melodic", artist=517),
]
#: Moods of a catalogue in which every emotion has songs by many artists.
MANY = [
    row(10_000 + i, *tags, artist=i % 40)
    for i, tags in enumerate(
        60 * [("happy",)] + 40 * [("calm",)] + 30 * [("sad", "melancholic")] + 20 * [("dark",)]
        + 6 * [("heavy",)] + 8 * [("background",)] + 20 * [("film",)]
    )
]  # fmt: skip


def write(path, rows, header=HEADER, end="\r\n", mark=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(mark + end.join([header, *rows]) + end, encoding="utf-8", newline="")
    return path


@pytest.fixture
def tags(data):
    """The tags in a folder of one's own."""
    return write(data / "raw" / "jamendo" / "autotagging_moodtheme.tsv", ROWS)


@pytest.fixture
def beside(here, data):
    """A run with invented songs, and beside it the catalogue of real ones."""
    write(data / "raw" / "jamendo" / "autotagging_moodtheme.tsv", MANY)
    for part in ("reference", "sample"):
        (data / part).symlink_to(ROOT / "data" / part)
    catalogue.build()
    return here


# The table of tags


@pytest.mark.parametrize("tag", MOODS)
def test_a_tag_s_emotion_lies_in_its_quarter_of_the_plane(tag):
    shares, (valence, arousal) = mood_tags.shares(tag), MOODS[tag].place
    assert shares.sum() == pytest.approx(1) and (np.sort(shares)[-1] > np.sort(shares)[-2])
    assert abs(valence) <= 1 and abs(arousal) <= 1
    quarter = {
        "joy": valence > 0 and arousal > 0,
        "tension": valence < 0 < arousal,
        "anger": valence < 0 < arousal,
        "peace": arousal < 0 < valence,
        "sadness": valence < 0 and arousal < 0,
        "neutral": np.hypot(valence, arousal) < 0.3,
    }
    assert quarter[mood_tags.main_emotion(tag)]


def test_every_tag_has_one_place_and_every_emotion_a_tag():
    aside = [tag for group in ASIDE.values() for tag in group]
    assert len(mood_tags.KNOWN) == len(MOODS) + len(aside) == 59
    assert {mood_tags.main_emotion(tag) for tag in MOODS} == set(emotions.EN)


def test_more_tags_that_agree_make_a_vector_surer_and_none_is_one_hot():
    songs = [["sad"], ["sad", "melancholic"], ["sad", "happy"], *20 * [["happy"]]]
    one, two, both, *_ = mood_tags.emotion_vectors(songs)
    assert np.allclose([one.sum(), two.sum(), both.sum()], 1)
    assert one[3] < two[3] < 0.9 and two[0] < one[0]
    assert 0.3 < both[3] < one[3] and 0.3 < both[0] < 0.7


#: Songs of each mood tag in the source.
COUNTS = {
    "happy": 1657, "energetic": 1357, "relaxing": 1350, "emotional": 1271, "dark": 1202,
    "dream": 951, "inspiring": 877, "sad": 749, "meditative": 742, "uplifting": 693,
    "motivational": 635, "romantic": 627, "positive": 539, "background": 496, "soundscape": 480,
    "fun": 480, "soft": 465, "ambiental": 460, "calm": 457, "upbeat": 444, "melancholic": 441,
    "action": 407, "dramatic": 317, "party": 266, "hopeful": 216, "funny": 203, "groovy": 194,
    "horror": 158, "heavy": 156, "mellow": 154, "sexy": 122,
}  # fmt: skip


def test_without_the_prior_a_song_of_one_tag_keeps_its_emotion():
    songs = [[tag] for tag, count in COUNTS.items() for _ in range(count)]
    vectors = mood_tags.emotion_vectors(songs)
    fused = fusion.correct_prior(vectors, fusion.class_prior(vectors))
    found = {song[0]: emotions.EN[i] for song, i in zip(songs, fused.argmax(1), strict=True)}
    assert found == {tag: mood_tags.main_emotion(tag) for tag in MOODS}
    assert fused.max() < 0.97


# The files


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_tags_are_read_as_the_source_writes_them(tmp_path, end, mark):
    path = write(tmp_path / "a.tsv", [*ROWS[:2], "", *ROWS[2:]], end=end, mark=mark)
    songs, doubled, unknown = jamendo.read_tags(path)
    assert songs["id"].tolist() == [948, 950, 2263, 3346] and not doubled and not unknown
    assert songs["moods"].tolist() == [("background",), (), ("melancholic", "sad"), ("calm",)]
    assert songs["others"].tolist() == [(), ("film",), ("film",), ("melodic",)]
    assert songs["title"][2] == "Jamendo 2263" and songs["artist"][2] == "artist 320"
    assert songs["album"][2] == "album 149" and set(songs["genre"]) == {""}


def test_genres_and_instruments_where_the_source_has_them(tmp_path):
    rows = [row(7, "genre---rock", "sad", "instrument---piano", "genre---pop")]
    songs, _, unknown = jamendo.read_tags(write(tmp_path / "a.tsv", rows))
    assert songs["genre"].tolist() == ["rock"] and not unknown
    assert songs["others"][0] == ("pop", "piano") and songs["moods"][0] == ("sad",)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("track_0000001\tartist_000001\talbum_1\t1/1.mp3\t9.0", "row 6: 5 fields where 6 or more"),
        ("track_0000001", "row 6: 1 fields where 6 or more belong; correct the row"),
        (row(1, "sad").replace("track_0000001", "1"), "'1' is no track number such as track_"),
        (row(1, "sad", duration="long"), "row 6: the duration 'long' is no number of seconds"),
        (row(1, "sad", duration="-3"), "the duration '-3' is no"),
        (row(1, "sad", duration="nan"), "the duration 'nan' is no"),
        (row(1, "sad", duration=""), "the duration '' is no"),
    ],
)
def test_a_malformed_row_is_one_sentence_in_both_languages(tmp_path, bad, says):
    with pytest.raises(CorruptData, match=says) as error:
        jamendo.read_tags(write(tmp_path / "a.tsv", [*ROWS, bad]))
    assert "a.tsv" in str(error.value) and "다시 받아 주세요" in error.value.ko
    assert "\n" not in f"{error.value}{error.value.ko}"


def test_other_faults_of_a_file_are_one_sentence(tmp_path):
    path = write(tmp_path / "a.tsv", ROWS, header="TRACK_ID\tTAGS")
    with pytest.raises(CorruptData, match="lacks the column ARTIST_ID, ALBUM_ID, PATH, DURATION"):
        jamendo.read_tags(path)
    path = write(tmp_path / "b.tsv", [])
    with pytest.raises(CorruptData, match="b.tsv has no songs; get the whole file again"):
        jamendo.read_tags(path)
    (tmp_path / "c.tsv").write_bytes(f"{HEADER}\n{row(1, '슬픔')}".encode("cp949"))
    with pytest.raises(CorruptData, match="c.tsv is not UTF-8"):
        jamendo.read_tags(tmp_path / "c.tsv")


def test_unknown_tags_and_doubled_tracks_are_counted(tmp_path):
    rows = [*ROWS, row(948, "sad"), row(5, "gloomy", "sad", "sad"), row(6, "gloomy", "vars---x")]
    songs, doubled, unknown = jamendo.read_tags(write(tmp_path / "a.tsv", rows))
    assert doubled == ["track 948 in row 6"] and songs["moods"][0] == ("background",)
    assert unknown == {"mood/theme---gloomy": 2, "vars---x": 1}
    assert songs["moods"].tolist()[-2:] == [("sad",), ()]


def test_names_hold_quotes_and_a_malformed_one_costs_itself_only(tmp_path):
    def name(song, title, *more, date="2008-11-04"):
        about = ("artist_000320", "album_000363", title, *more, "A &amp; B", "앨범", date, "url")
        return "\t".join((f"track_{song:07}", *about))

    rows = [
        name(1, 'He said "go'),
        name(2, "둘", ""),
        name(3, "\x1b[31m붉은\u202e 노래", date=""),
        name(4, " "),
        name(5, "다섯", date="0000-00-00"),
        "track_0000006\tartist_000001",
    ]
    path = write(tmp_path / "raw.meta.tsv", rows, header=NAMES_HEADER)
    names = jamendo.read_names(path)
    assert names["title"].to_dict() == {1: 'He said "go', 3: "[31m붉은 노래", 5: "다섯"}
    assert names["artist"][1] == "A & B" and names["year"].to_dict() == {1: 2008, 3: 0, 5: 0}
    with pytest.raises(CorruptData, match="lacks the column TRACK_NAME, ARTIST_NAME"):
        jamendo.read_names(write(tmp_path / "b.tsv", ROWS))


def test_a_song_without_a_name_keeps_its_number(tags):
    names = ["track_0002263\tartist_000320\talbum_000363\t비 오는 날\t\t앨범\t2005-01-02\turl"]
    write(tags.with_name(jamendo.NAME_FILE), names, header=NAMES_HEADER)
    found = jamendo.load()
    named = found.songs.set_index("id")
    assert named.loc[2263, ["title", "artist", "year"]].tolist() == [
        "비 오는 날",
        "artist 320",
        2005,
    ]
    assert named.loc[948, ["title", "year"]].tolist() == ["Jamendo 948", 0]
    assert found.unnamed == ["track 948", "track 950", "track 3346"] and not found.nameless


def test_a_folder_of_one_s_own_without_tags(tags):
    tags.unlink()
    with pytest.raises(MissingData, match="holds neither autotagging.tsv nor autotagging_mood"):
        jamendo.load()


@pytest.fixture
def mirror(data, tmp_path, monkeypatch):
    """A mirror with small files in the places of the registry's; the names come when called."""
    tags = write(tmp_path / "tags.tsv", ROWS).read_bytes()
    named = ["track_0002263\tartist_000320\talbum_000363\t비\t가수\t앨범\t2005-01-02\turl"]
    names = write(tmp_path / "names.tsv", named, header=NAMES_HEADER).read_bytes()
    files = dict(registry.REGISTRY)
    for name, content in (("jamendo_tags", tags), ("jamendo_names", names)):
        sha256 = hashlib.sha256(content).hexdigest()
        files[name] = dataclasses.replace(files[name], sha256=sha256)
    for module in (registry, jamendo, catalogue):
        monkeypatch.setattr(module, "REGISTRY", files)
    monkeypatch.setenv("WYF_MIRROR", str(tmp_path / "mirror"))

    def put(name, content):
        path = tmp_path / "mirror" / files[name].place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    put("jamendo_tags", tags)
    return lambda content=names: put("jamendo_names", content)


def test_the_names_are_taken_where_they_can_be_had(mirror, tmp_path, monkeypatch):
    reason = jamendo.fetch()
    assert "'jamendo_names' could not be fetched" in reason
    found = jamendo.load(reason)
    assert found.nameless == reason and found.songs["title"][2] == "Jamendo 2263"
    mirror(b"another")
    assert "thrown away" in jamendo.fetch()
    mirror()
    assert jamendo.fetch() == "" and jamendo.load().songs["title"][2] == "비"
    monkeypatch.setenv("WYF_MIRROR", str(tmp_path / "nowhere"))
    assert jamendo.fetch() == "", "what is here is not fetched again"


def test_without_the_tags_there_is_no_catalogue(mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("WYF_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(Unreachable, match="'jamendo_tags' could not be fetched"):
        catalogue.build()


# The catalogue


@pytest.fixture
def out(tmp_path, monkeypatch):
    monkeypatch.setenv("WYF_OUT", str(tmp_path / "out"))
    return run_folder(JAMENDO) / database.NAME


def test_songs_that_say_a_mood_are_the_catalogue(tags, out):
    path, account = catalogue.build()
    assert path == out == out.parent.parent / "jamendo" / database.NAME
    assert account["songs"].to_dict() == {
        "found": 4, "songs": 3, "without mood": 1, "doubled": 0, "unknown tags": 0, "unnamed": 4,
    }  # fmt: skip
    assert account.loc["without mood", "which"] == ["track 950"]
    assert account.loc["unnamed", "which"] == ["raw.meta.tsv is not there"]
    music = database.read(path)
    assert music.songs["id"].tolist() == [948, 2263, 3346] and set(music.basis) == {"tags"}
    assert music.songs["tags"].tolist() == [
        "background", "melancholic, sad (film)", "calm (melodic)",
    ]  # fmt: skip
    assert [emotions.EN[i] for i in music.fused.argmax(1)] == ["neutral", "sadness", "peace"]
    assert np.allclose(music.fused.sum(1), 1) and music.embedding.shape == (3, 0)
    assert music.provenance["basis"] == "tags that people gave"
    assert "CC BY-NC-SA 4.0" in music.provenance["licence"]
    assert music.provenance["source"].startswith("MTG/mtg-jamendo-dataset at 1b4fa8c")
    before = path.stat().st_mtime_ns
    catalogue.build()
    assert path.stat().st_mtime_ns == before, "the same songs are not written again"


def test_a_failed_or_interrupted_build_leaves_the_old_songs(tags, out, monkeypatch):
    catalogue.build()
    before = out.read_bytes()
    write(tags, [*ROWS, row(1, "sad", duration="?")])
    with pytest.raises(CorruptData):
        catalogue.build()
    write(tags, [row(1, "film")])
    with pytest.raises(BadInput, match="None of 1 songs has a tag that says a mood") as error:
        catalogue.build()
    assert "기분을 말하는 태그" in error.value.ko
    write(tags, [*ROWS, row(1, "sad")])
    for error, caught in ((KeyboardInterrupt, KeyboardInterrupt), (OSError(28, "full"), DiskFull)):

        def interrupted(work, *_, error=error):
            work.write_bytes(b"half")
            raise error

        with monkeypatch.context() as patch, pytest.raises(caught):
            patch.setattr(database, "_write", interrupted)
            catalogue.build()
    assert out.read_bytes() == before and list(out.parent.iterdir()) == [out]
    catalogue.build()
    assert len(database.read(out)) == 4


def test_a_database_from_before_there_were_tags_is_read(tmp_path):
    path = tmp_path / database.NAME
    database.build(path, make())
    with duckdb.connect(str(path)) as connection:
        connection.execute("ALTER TABLE songs DROP COLUMN tags")
    assert set(database.read(path).songs["tags"]) == {""}
    with duckdb.connect(str(path)) as connection:
        connection.execute("ALTER TABLE songs DROP COLUMN title")
    with pytest.raises(CorruptData, match="damaged or no music database"):
        database.read(path)


# Answers


@pytest.mark.parametrize("mode", ["match", "path", "opposite", "wide"])
def test_answers_need_no_lyric_and_no_embedding(beside, mode):
    answer = feeling.answer(SAD, JAMENDO, SongQuery(mode=mode, seed=1, min_year=2015))
    assert len(answer.songs) == 5 and answer.profile == JAMENDO
    assert set(answer.songs["basis"]) == {"tags"} and answer.songs["artist"].nunique() > 2
    if mode == "match":
        assert answer.songs["tags"].eq("sad, melancholic").all()
    assert feeling.default_min_year(feeling.open_songs(JAMENDO)) == 0
    assert feeling.default_min_year(feeling.open_songs()) == 2015


def test_the_terminal_names_address_tags_source_and_licence(beside):
    text = terminal.as_text(feeling.answer(SAD, JAMENDO), JAMENDO)
    assert text.count("https://www.jamendo.com/track/10") == 5
    assert text.count("사람들이 붙인 태그 (tags that people gave): sad, melancholic") == 5
    assert all(text.count(words) == 1 for words in CREDITS[JAMENDO])
    plain = terminal.as_text(feeling.answer(SAD))
    assert "http" not in plain and "태그" not in plain


def test_the_default_run_s_reader_reads_the_sentence(beside, monkeypatch):
    opened = []
    monkeypatch.setattr(loading, "_reader", lambda model: opened.append(model.name))
    monkeypatch.setattr(loading, "_reader_folder", lambda songs: beside / songs.provenance["model"])
    (beside / "m").mkdir()
    loading.open_reader(feeling.open_songs(JAMENDO), JAMENDO)
    assert opened == ["m"], "the model of the songs beside"


def test_the_command(tags, out):
    done = CliRunner().invoke(cli.app, ["catalogue", "jamendo"])
    assert done.exit_code == 0, done.exception
    assert "without mood" in done.output and "unnamed  raw.meta.tsv is not there" in done.output
    assert "wyf feel --run jamendo" in done.output and out.is_file()
    failed = CliRunner().invoke(cli.app, ["catalogue", "radio"]).exception
    assert isinstance(failed, BadInput) and "choose one of: jamendo" in str(failed) and failed.ko
    out.unlink()
    with pytest.raises(MissingData, match="run `wyf catalogue jamendo`"):
        feeling.open_songs(JAMENDO)


# The page


def test_an_address_is_escaped_and_opens_a_tab_of_its_own():
    link = markup.address_link('https://x/?a=1&b="><script>alert(1)</script>')
    assert "<script" not in link and link.count('"') == 6 and "&amp;b=&quot;&gt;&lt;script" in link
    assert 'target="_blank" rel="noopener noreferrer"' in link
    assert song_address(JAMENDO, 948) == "https://www.jamendo.com/track/948"
    assert song_address("sample", 948) == "" and song_address("open", 1) == ""
    with pytest.raises(ValueError, match="invalid literal"):
        song_address(JAMENDO, '1"><script>')


def opened():
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=600).run()


def asked(at):
    at.text_area(key="typed").input(SAD)
    next(b for b in at.button if b.label == "노래 찾기").click()
    return at.run()


def titles(at):
    return [t.value.split(". ", 1)[1] for t in at.text if t.value[:1].isdigit()]


def links(at):
    return [h.proto.body for h in at.get("html") if "<a href" in h.proto.body]


def test_catalogues_are_those_that_are_there(beside):
    assert loading.catalogues("default") == ["default", JAMENDO]
    assert loading.catalogues(JAMENDO) == [JAMENDO, "default"]
    assert loading.catalogues("open") == ["open", JAMENDO], "WYF_OUT is the folder of both"
    database.build(run_folder("music") / database.NAME, make(40))
    assert loading.catalogues("default") == ["default", JAMENDO, "music"]


def test_one_catalogue_needs_no_choice(here):
    assert not [s for s in opened().selectbox if s.key == "catalogue"]


def test_the_page_changes_catalogue_and_mixes_no_cards(beside):
    at = asked(opened())
    invented = titles(at)
    assert len(invented) == 5 and all(t.startswith("노래 ") for t in invented) and not links(at)
    box = at.selectbox(key="catalogue")
    assert box.options == ["예시 노래", "실제 노래 (Jamendo)"]
    box.set_value(JAMENDO).run()
    assert not at.exception and len(titles(at)) == 5
    assert all(t.startswith("Jamendo 10") for t in titles(at)) and len(links(at)) == 5
    texts = [t.value for t in at.text]
    assert texts.count("사람들이 붙인 태그: sad, melancholic") == 5
    assert at.number_input(key="since-jamendo").value == 1900, "all years"
    assert not set(at.multiselect(key="without-jamendo").options) & {f"가수 {i}" for i in range(7)}
    captions = [c.value for c in at.caption]
    assert captions.count(CREDITS[JAMENDO][0]) == 1
    assert sum("사람들이 붙인 태그로" in c for c in captions) == 5
    listen = [link.proto.url for link in at.get("link_button")]
    assert sum(url.startswith("https://www.jamendo.com/track/10") for url in listen) == 5
    found = titles(at)
    at.segmented_control(key="lang").set_value("en").run()
    assert titles(at) == found and at.selectbox(key="catalogue").value == JAMENDO
    at.segmented_control(key="lang").set_value("ko").run()
    next(b for b in at.button if b.label == "좋아요").click().run()
    assert len(feedback.of_run(JAMENDO).rows()) == 1 and feedback.of_run("default").rows().empty
    at.selectbox(key="catalogue").set_value("default").run()
    assert titles(at) == invented and not links(at)
    assert CREDITS[JAMENDO][0] not in [c.value for c in at.caption]


def test_a_catalogue_that_goes_away_gives_way_to_the_first(beside):
    at = asked(opened())
    at.selectbox(key="catalogue").set_value(JAMENDO).run()
    (beside / "jamendo" / database.NAME).unlink()
    at.run()
    assert not at.exception and not at.error and all(t.startswith("노래 ") for t in titles(at))


def test_names_and_tags_on_the_page_are_text(beside, data):
    evil = "<img src=x onerror=alert(1)> :red[**굵게**]"
    rows = [row(i, "sad", f"instrument---{evil}", artist=i) for i in range(1, 9)]
    write(data / "raw" / "jamendo" / "autotagging.tsv", rows)
    names = [f"track_{i:07}\ta\tb\t{evil}\t{evil}\tc\t2010-01-01\turl" for i in range(1, 9)]
    write(data / "raw" / "jamendo" / jamendo.NAME_FILE, names, header=NAMES_HEADER)
    catalogue.build()
    at = asked(opened())
    at.selectbox(key="catalogue").set_value(JAMENDO).run()
    assert titles(at) == [evil] * 5
    elsewhere = [h.proto.body for h in at.get("html")] + [c.value for c in at.caption]
    assert not any("<img" in text or "굵게" in text for text in elsewhere)
