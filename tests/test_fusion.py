import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyf_utils.core import vectors
from wyf_utils.core.errors import BadInput
from wyf_utils.music import fusion


def drawn(n=9, seed=0):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(6), n), rng.dirichlet(np.ones(6), n)


def test_half_half_is_the_mean_of_2022():
    lyric, mel = drawn()
    assert np.allclose(fusion.fuse(lyric, mel, 0.5), (lyric + mel) / 2, atol=1e-6)
    assert np.allclose(fusion.fuse(lyric, mel, 0.0), lyric, atol=1e-6)
    assert np.allclose(
        fusion.fuse(lyric, mel, np.full(6, 0.3)), fusion.fuse(lyric, mel, 0.3)
    ) and np.allclose(fusion.fuse(lyric, mel, 0.3).sum(1), 1)


def test_a_song_without_sound_is_its_lyric_and_the_other_way_round():
    lyric, mel = np.eye(6)[:2], np.eye(6)[2:4]
    mel[0], lyric[1] = np.nan, np.nan
    assert fusion.fuse(lyric, mel, np.linspace(0, 1, 6)).argmax(1).tolist() == [0, 3]
    for wrong in (1.5, np.nan, np.full(5, 0.5)):
        with pytest.raises(BadInput, match="between 0 and 1"):
            fusion.fuse(lyric, mel, wrong)
    with pytest.raises(BadInput, match="must have one shape"):
        fusion.fuse(lyric, mel[:1], 0.5)


@given(st.integers(0, 1000))
def test_the_prior_goes_and_its_order_within_an_emotion_stays(seed):
    vectors = np.random.default_rng(seed).dirichlet([1, 1, 1, 30, 1, 1], 400)  # a sad catalogue
    corrected = fusion.correct_prior(vectors, fusion.class_prior(vectors))
    assert np.allclose(corrected.sum(1), 1, atol=1e-5) and np.allclose(
        fusion.correct_prior(vectors, np.full(6, 1 / 6)), vectors, atol=1e-6
    )
    assert (vectors.argmax(1) == 3).mean() > 0.95 > (corrected.argmax(1) == 3).mean() + 0.3
    ratio = np.log(corrected[:, 0] / corrected[:, 3]) - np.log(vectors[:, 0] / vectors[:, 3])
    assert np.ptp(ratio) < 1e-2, "the same for every song: odds move, their order does not"


def test_the_prior_of_few_songs_is_flat_and_songs_without_vectors_do_not_count():
    sad = np.tile(np.eye(6)[3], (3, 1))
    assert fusion.class_prior(sad)[3] < 0.3 < 0.9 < fusion.class_prior(np.tile(sad, (500, 1)))[3]
    holes = np.concatenate([sad, np.full((40, 6), np.nan)])
    assert (
        np.allclose(fusion.class_prior(holes), fusion.class_prior(sad))
        and np.isnan(fusion.correct_prior(holes, fusion.class_prior(holes))[5]).all()
    )


def test_weights_are_learned_for_each_emotion():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 6, 600)
    noise = rng.dirichlet(np.ones(6), (2, 600))
    lyric, mel = 0.5 * noise[0], 0.5 * noise[1]
    by_sound = np.isin(truth, (1, 4))  # sound knows tension and anger, lyrics the rest
    np.add.at(mel, (np.flatnonzero(by_sound), truth[by_sound]), 0.5)
    np.add.at(lyric, (np.flatnonzero(~by_sound), truth[~by_sound]), 0.5)
    mel[~by_sound] *= 2
    lyric[by_sound] *= 2
    weights = fusion.learn_weights(lyric, mel, np.eye(6, dtype=bool)[truth])
    assert ((weights >= 0) & (weights <= 1)).all() and weights[[1, 4]].min() > weights[
        [0, 2, 3, 5]
    ].max() + 0.2


def test_sharpened_vectors_are_as_sure_as_others_and_say_the_same():
    rng = np.random.default_rng(0)
    flat, sure = rng.dirichlet(np.full(6, 30), 300), rng.dirichlet(np.full(6, 3), 200)
    flat[7] = np.nan
    temperature = fusion.matching_temperature(flat, sure)
    sharp = vectors.apply_temperature(flat, temperature)
    assert fusion.MIN_TEMPERATURE < temperature < 1 and np.nanmean(sharp.max(1)) == pytest.approx(
        sure.max(1).mean(), abs=1e-3
    )
    known = np.delete(np.arange(300), 7)
    assert np.allclose(sharp[known].sum(1), 1, atol=1e-5) and np.isnan(sharp[7]).all()
    assert (sharp[known].argsort(1) == flat[known].argsort(1)).all()
    assert fusion.matching_temperature(sure, flat[known]) == 1, "nothing is made flatter"
    assert fusion.matching_temperature(np.full((5, 6), 1 / 6), sure) == fusion.MIN_TEMPERATURE, (
        "vectors that say nothing"
    )
