import duckdb
import numpy as np
import pandas as pd
import pytest

from wyf_utils import database, fusion, recommender
from wyf_utils.errors import BadInput, CorruptData, MissingData


@pytest.fixture
def music(tmp_path):
    rng = np.random.default_rng(0)
    songs = pd.DataFrame({"id": range(50), "title": [f"노래 {i}" for i in range(50)], "artist": "가수", "album": "앨범", "genre": "발라드", "year": 2020})
    lyric, mel = rng.dirichlet(np.ones(6), 50).astype(np.float32), rng.dirichlet(np.ones(6), 50).astype(np.float32)
    fused = fusion.fuse(lyric, mel, 0.5)
    path = tmp_path / database.NAME
    database.build(path, songs, lyric, mel, fused, {"run": "test", "model": "m"})
    return path, songs, lyric, mel, fused


def test_database_gives_back_what_it_got(music):
    path, songs, lyric, mel, fused = music
    read = database.read(path)
    pd.testing.assert_frame_equal(read.songs, songs, check_dtype=False)
    assert np.array_equal(read.lyric, lyric) and np.array_equal(read.mel, mel) and np.array_equal(read.fused, fused)
    assert read.provenance == {"version": "1", "run": "test", "model": "m"}


def test_a_failed_build_keeps_the_old_database(music):
    path, songs, lyric, mel, fused = music
    before = path.read_bytes()
    holes = fused.copy()
    holes[7] = np.nan
    for vectors, table, says in (
        (holes, songs, "Song 7 has no usable vector"),
        (fused * 0, songs, "Song 0 has no usable"),
        (fused[:9], songs, r"shape \(9, 6\)"),
    ):
        with pytest.raises(BadInput, match=says):
            database.build(path, table, lyric, mel, vectors, {})
    with pytest.raises(BadInput, match="share an id"):
        database.build(path, songs.assign(id=1), lyric, mel, fused, {})
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_absent_damaged_foreign_and_old_databases(tmp_path, music):
    with pytest.raises(MissingData, match="no music database yet; run `make run`"):
        database.read(tmp_path / "none.duckdb")
    (tmp_path / "a.duckdb").write_bytes(b"not a database" * 500)
    with pytest.raises(CorruptData, match="a.duckdb is damaged or no music database; delete it"):
        database.read(tmp_path / "a.duckdb")
    with duckdb.connect(str(tmp_path / "b.duckdb")) as connection:
        connection.execute("CREATE TABLE other (x INT)")
    with pytest.raises(CorruptData, match="no music database"):
        database.read(tmp_path / "b.duckdb")
    with duckdb.connect(str(music[0])) as connection:
        connection.execute("UPDATE provenance SET value = '0' WHERE name = 'version'")
    with pytest.raises(CorruptData, match="has version 0, not 1"):
        database.read(music[0])


def test_half_half_is_the_mean_of_2022():
    rng = np.random.default_rng(0)
    lyric, mel = rng.dirichlet(np.ones(6), 9), rng.dirichlet(np.ones(6), 9)
    assert np.allclose(fusion.fuse(lyric, mel, 0.5), (lyric + mel) / 2, atol=1e-6)
    assert np.allclose(fusion.fuse(lyric, mel, 0.0), lyric, atol=1e-6)
    assert np.allclose(fusion.fuse(lyric, mel, 0.3).sum(1), 1)


def test_a_song_without_sound_is_its_lyric_and_the_other_way_round():
    lyric, mel = np.eye(6)[:2], np.eye(6)[2:4]
    mel[0], lyric[1] = np.nan, np.nan
    assert fusion.fuse(lyric, mel, 0.5).argmax(1).tolist() == [0, 3]
    with pytest.raises(BadInput, match="between 0 and 1"):
        fusion.fuse(lyric, mel, 1.5)
    with pytest.raises(BadInput, match="must have one shape"):
        fusion.fuse(lyric, mel[:1], 0.5)


def test_search_is_exact():
    rng = np.random.default_rng(1)
    vectors = rng.dirichlet(np.ones(6), 3000)
    units = recommender.normalise(vectors)
    for query in rng.dirichlet(np.ones(6), 20):
        rows, cosines = recommender.search(query, units, 7)
        exact = vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
        assert np.allclose(np.sort(exact)[::-1][:7], exact[rows], atol=1e-6)
        assert np.allclose(exact[rows], cosines, atol=1e-5) and (np.diff(cosines) <= 0).all()


def test_search_orders_ties_by_row_and_gives_no_more_than_there_is():
    units = recommender.normalise(np.tile(np.eye(6)[0], (5, 1)))
    assert recommender.search(np.eye(6)[0], units, 3)[0].tolist() == [0, 1, 2]
    assert len(recommender.search(np.eye(6)[0], units, 99)[0]) == 5


@pytest.mark.parametrize("query", [np.zeros(6), np.full(6, np.nan)])
def test_a_feeling_without_direction(query):
    with pytest.raises(BadInput, match="no direction"):
        recommender.search(query, recommender.normalise(np.eye(6)), 1)
    with pytest.raises(BadInput, match="at least one"):
        recommender.search(np.ones(6), recommender.normalise(np.eye(6)), 0)


def test_recommend_gives_songs_with_their_cosine(music):
    read = database.read(music[0])
    answer = recommender.recommend(read.fused[17], read, 5)
    assert answer["id"].iloc[0] == 17 and answer["cosine"].iloc[0] == pytest.approx(1, abs=1e-6)
    assert list(answer.columns) == ["id", "title", "artist", "album", "genre", "year", "cosine"]


def test_confident_feelings_and_coverage():
    feelings = recommender.confident_feelings(40, 0)
    assert np.allclose(feelings.sum(1), 1) and np.array_equal(feelings.argmax(1), np.repeat(range(6), 40))
    assert feelings.max(1).min() >= 0.8 and feelings.max(1).max() <= 0.99
    reached = recommender.coverage(feelings, np.eye(6), 1)
    assert reached == {"share": 1.0, "songs_per_emotion": [1] * 6}
    few = recommender.coverage(feelings, np.concatenate([np.eye(6)[:1], np.full((99, 6), 1 / 6)]), 1)
    assert few["songs_per_emotion"][0] == 1 and few["share"] < 0.1
