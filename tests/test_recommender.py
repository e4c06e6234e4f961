from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wyf_utils.core import emotions
from wyf_utils.core.errors import BadInput
from wyf_utils.music import database, recommender
from wyf_utils.music.database import MusicDatabase
from wyf_utils.music.recommender import SongQuery, query_vectors, recommend, search
from wyf_utils.study import recommender_evaluation as evaluation


def make(n=800, seed=0, artists=60):
    rng = np.random.default_rng(seed)
    songs = pd.DataFrame({"id": np.arange(n) + 100, "title": [f"노래 {i}" for i in range(n)]})
    songs["artist"] = [f"가수 {i}" for i in rng.integers(0, artists, n)]
    songs["album"] = ""
    songs["genre"] = rng.choice(["발라드", "댄스", "인디음악", ""], n)
    songs["year"] = rng.choice([0, 2009, 2015, 2020], n)
    vectors = rng.dirichlet(np.full(6, 0.6), n).astype(np.float32)
    embedding = rng.normal(size=(n, database.EMBEDDING)).astype(np.float32) + 3
    return MusicDatabase(songs, vectors, vectors, vectors, embedding)


@pytest.fixture(scope="module")
def music():
    return make()


SAD = np.array([0.02, 0.05, 0.05, 0.8, 0.05, 0.03])


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(recommender.MODES)),
    st.integers(1, 12),
    st.integers(0, 9999),
    st.integers(0, 5),
)
def test_every_answer_fits_differs_and_keeps_to_the_filters(mode, k, seed, to):
    music = make()
    heard = frozenset(range(100, 200))
    query = SongQuery(
        mode=mode,
        k=k,
        seed=seed,
        target_emotion=to,
        exclude_artists=("가수 1", "가수 2"),
        exclude_ids=heard,
    )
    answer = recommend(SAD, music, query)
    assert len(answer) == k and answer["row"].is_unique
    assert (
        not answer["artist"].isin(["가수 1", "가수 2"]).any()
        and not set(answer["id"]) & heard
        and (answer["year"].isin([0]) | (answer["year"] >= 2015)).all()
    )
    keep = recommender.filter_mask(music, query)
    for aim, part in zip(
        recommender.query_vectors(SAD, query), (p for _, p in answer.groupby("step")), strict=True
    ):
        best = music.index.nearest(aim, k, keep)[1]
        assert (part["cosine"] >= best[-1] - recommender.RELEVANCE_MARGIN[mode] - 1e-5).all()
    assert answer.equals(recommend(SAD, music, query)), "the same seed, the same songs"


def test_two_sentences_of_one_emotion_get_other_songs(music):
    query = SongQuery(seed=1)
    vectors = query_vectors(SAD, query)
    first, again, other = (
        search(vectors, music, query, sentence=sentence)
        for sentence in ("눈물이 나", "눈물이 나", "너무 슬퍼")
    )
    assert first.equals(again) and set(first["id"]) != set(other["id"])


def test_another_seed_brings_other_songs_that_fit_as_well(music):
    answers = [recommend(SAD, music, SongQuery(seed=seed)) for seed in range(30)]
    best = music.index.nearest(SAD, 5)[1].mean()
    assert len(set().union(*(a["id"] for a in answers))) > 15
    assert all(best - a["cosine"].mean() < 0.05 for a in answers)


def test_one_artist_does_not_fill_an_answer(music):
    same = replace(
        music,
        songs=music.songs.assign(
            artist=np.where(np.arange(len(music)) % 10 < 8, "다작 가수", music.songs["artist"])
        ),
    )
    for seed in range(20):
        assert (recommend(SAD, same, SongQuery(seed=seed))["artist"] == "다작 가수").sum() <= 2
        assert (
            recommend(SAD, same, SongQuery(mode="wide", seed=seed))["artist"] == "다작 가수"
        ).sum() <= 1
    only = replace(music, songs=music.songs.assign(artist="다작 가수"))
    assert len(recommend(SAD, only)) == 5, "better the same artist than no song"
    assert len(recommend(SAD, replace(music, songs=music.songs.assign(artist="", genre="")))) == 5


def test_answers_are_more_diverse_than_the_plain_best():
    music = make(artists=6)
    plain = [music.index.nearest(f, 5)[0] for f in evaluation.confident_feelings(10, 0)]
    for mode in ("match", "wide"):
        ours = evaluation.recommended_rows(
            evaluation.confident_feelings(10, 0), music, SongQuery(mode=mode)
        )
        assert 1 - evaluation.diversity(music, ours) < 0.7 * (
            1 - evaluation.diversity(music, np.stack(plain))
        ), "a third less alike, at least"


def test_a_path_leads_from_here_to_there_in_even_steps(music):
    query = SongQuery(mode="path", target_emotion=emotions.EN.index("joy"), k=6)
    aims = recommender.query_vectors(SAD, query)
    angles = np.arccos(np.clip((aims[:-1] * aims[1:]).sum(1), -1, 1))
    assert np.allclose(np.linalg.norm(aims, axis=1), 1, atol=1e-5) and np.ptp(angles) < 1e-3
    assert aims[0].argmax() == 3 and aims[-1].argmax() == 0
    answer = recommend(SAD, music, query)
    joy, sadness = music.fused[answer["row"], 0], music.fused[answer["row"], 3]
    assert (
        answer["step"].tolist() == list(range(6))
        and (joy[-2:].mean() > joy[:2].mean() + 0.3)
        and (sadness[-2:].mean() < sadness[:2].mean() - 0.3)
    )
    assert recommender.query_vectors(np.eye(6)[0], query).argmax(1).tolist() == [0] * 6, (
        "already there"
    )
    assert len(recommend(SAD, music, replace(query, k=1))) == 1


@pytest.mark.parametrize(
    ("felt", "faced"),
    [
        ("sadness", "joy"),
        ("joy", "sadness"),
        ("tension", "peace"),
        ("anger", "peace"),
        ("neutral", "neutral"),
    ],
)
def test_the_opposite_lies_across_the_circle(music, felt, faced):
    feeling = 0.94 * np.eye(6)[emotions.EN.index(felt)] + 0.01
    answer = recommend(feeling, music, SongQuery(mode="opposite"))
    assert (music.fused[answer["row"]].argmax(1) == emotions.EN.index(faced)).all()


def test_a_skip_keeps_a_song_away_and_moves_its_like_down_and_a_like_moves_its_like_up():
    music = make(2000, artists=9)
    plain = [recommend(SAD, music, SongQuery(seed=s)) for s in range(40)]
    favourite = pd.concat(plain)["artist"].mode()[0]
    theirs = music.songs.loc[music.songs["artist"] == favourite, "id"].tolist()
    answered = pd.concat(plain).loc[lambda t: t["artist"] == favourite, "id"].iloc[0]
    share = {}
    for name, verdicts in (
        ("plain", {}),
        ("liked", {"liked": [answered]}),
        ("skipped", {"skipped": [answered]}),
    ):
        given = pd.concat([recommend(SAD, music, SongQuery(seed=s), **verdicts) for s in range(40)])
        share[name] = given["id"].isin(set(theirs) - {answered}).mean()
        assert name != "skipped" or answered not in set(given["id"])
        assert given["cosine"].min() >= music.index.nearest(SAD, 5)[1][-1] - 0.06, (
            "a like never brings a song that does not fit"
        )
    assert share["liked"] > share["plain"] > share["skipped"]
    assert recommend(SAD, music, liked=[999_999], skipped=[888_888]).equals(
        recommend(SAD, music)
    ), "verdicts on songs that are gone"


def test_bad_wishes(music):
    for wrong, says in (
        ({"mode": "sing"}, "no mode 'sing'; choose one of: match, path"),
        ({"k": 0}, "0 songs were asked for"),
        ({"target_emotion": 6}, "no emotion 6"),
    ):
        with pytest.raises(BadInput, match=says):
            SongQuery(**wrong)
    with pytest.raises(BadInput, match="no genre '재즈'; choose one of: 댄스, 발라드"):
        recommend(SAD, music, SongQuery(genre="재즈"))
    with pytest.raises(BadInput, match="No song passes the filters"):
        recommend(
            SAD,
            music,
            SongQuery(
                min_year=2999,
                exclude_ids=frozenset(music.songs.loc[music.songs["year"] == 0, "id"]),
            ),
        )
    for feeling in (np.zeros(6), np.full(6, np.nan)):
        with pytest.raises(BadInput, match="no direction"):
            recommend(feeling, music)
    assert (recommend(SAD, music, SongQuery(genre="댄스"))["genre"] == "댄스").all()
    assert len(recommend(SAD, music, SongQuery(k=5000, min_year=0))) == 800, "more than there is"


def test_the_measures_on_answers_that_are_known():
    rows = np.array([[0, 1], [0, 1], [0, 2]])
    assert evaluation.coverage(rows, 10) == 0.3 and evaluation.gini(
        np.arange(10).reshape(5, 2), 10
    ) == pytest.approx(0)
    assert (
        evaluation.gini(np.zeros((9, 1), int), 10) == pytest.approx(0.9)
        and evaluation.hubness(rows, 10) > 1
    )
    assert (
        evaluation.repeat_rate(rows, rows) == 1
        and evaluation.repeat_rate(rows[:1], rows[2:]) == 0.5
    )
    feelings = np.eye(6)[[0, 0, 3]]
    assert evaluation.songs_per_emotion(feelings, rows).tolist() == [2, 0, 0, 2, 0, 0]
    vectors = np.eye(6)[[0, 1, 3]]
    tally = evaluation.hit_counts(feelings, vectors > 0, rows)
    assert tally.tolist() == [[2, 3], [0, 2], [1, 1]] and evaluation.hit_rate(
        None, tally
    ) == pytest.approx(3 / 6)
    assert np.allclose(evaluation.relevance(feelings, vectors, rows), [0.5, 0.5, 0.5])
    perfect = evaluation.calibration_divergence(feelings, vectors, np.array([[0], [0], [2]]))
    assert (
        perfect == pytest.approx(0, abs=1e-6)
        and evaluation.calibration_divergence(feelings, vectors, rows) > 0.1
    )


def test_confident_feelings_are_those_of_the_fact_sheet(music):
    feelings = evaluation.confident_feelings(40, 0)
    assert np.allclose(feelings.sum(1), 1) and np.array_equal(
        feelings.argmax(1), np.repeat(range(6), 40)
    )
    assert feelings.max(1).min() >= 0.8 and feelings.max(1).max() <= 0.99
    ours, best = (
        evaluation.recommended_rows(feelings, music),
        evaluation.top_cosine(feelings, music.fused, 5),
    )
    table = evaluation.compare(
        feelings, music, {"best": (music.fused, best, best), "ours": (music.fused, ours, ours)}
    )
    assert table.loc["coverage", "ours"] > 1.5 * table.loc["coverage", "best"] and table.loc[
        "cosine_drop", "best"
    ] == pytest.approx(0, abs=1e-6)
    assert (
        0 < table.loc["cosine_drop_max", "ours"] < 0.05
        and table.loc["gini", "ours"] < table.loc["gini", "best"]
    )


def test_songs_at_random_differ_within_an_answer_and_reach_most(music):
    rows = evaluation.random_rows(len(music), 300, 5, 0)
    assert rows.shape == (300, 5) and all(len(set(answer)) == 5 for answer in rows.tolist())
    assert evaluation.coverage(rows, len(music)) == pytest.approx(
        1 - (1 - 5 / len(music)) ** 300, abs=0.03
    )
    assert np.array_equal(
        rows, evaluation.random_rows(len(music), 300, 5, 0)
    ) and not np.array_equal(rows, evaluation.random_rows(len(music), 300, 5, 1))


def test_searches_are_timed_beside_each_other_and_agree():
    times = evaluation.time_search(((300, 6), (2000, 9)), seed=0, times=2)
    assert (
        times.index.tolist() == [(300, 6), (2000, 9)]
        and (times.drop(columns="same") > 0).all().all()
        and times["same"].all()
    )
    assert {"loop", "expression_2022", "sklearn", "wyf"} <= set(times.columns)
