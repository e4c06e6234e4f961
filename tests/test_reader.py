"""N-grams and encoder pooled: saved as plain arrays, calibrated, quick."""

import numpy as np
import pandas as pd
import pytest
from conftest import KINDS

from wyf_utils.core import emotions, files, metrics
from wyf_utils.core.errors import BadInput, CorruptData, MissingData
from wyf_utils.data import splits
from wyf_utils.text import explanation, lyric_reader, ngrams, reader


@pytest.fixture(scope="module")
def parts():
    rows = [(f"{text} {i}", e) for e, texts in KINDS.items() for i in range(12) for text in texts]
    return splits.split(pd.DataFrame(rows, columns=["text", "emotion"]).assign(source="made"), 0)


@pytest.fixture(scope="module")
def model(parts):
    return reader.fitted(parts["train"], parts["dev"], None)


def test_saved_ngrams_answer_as_before(parts, tmp_path):
    fitted = ngrams.fit(parts["train"], parts["dev"])
    ngrams.save(fitted, tmp_path)
    texts = [*parts["test"]["text"], "처음 보는 말", "abc 123"]
    before, after = (ngrams.class_probabilities(m, texts) for m in (fitted, ngrams.load(tmp_path)))
    assert np.allclose(before, after, atol=1e-5)
    assert not list(tmp_path.glob("*.pkl"))


def test_a_reader_without_an_encoder(model, parts):
    loaded = reader.load(model.path)
    probabilities = loaded.predict(["눈물이 멈추지 않아", "ㅋㅋ!!" * 0, "합격했다 신난다"])
    assert probabilities[0].argmax() == 3 and probabilities[2].argmax() == 0
    assert np.isnan(probabilities[1]).all() and np.allclose(probabilities[[0, 2]].sum(1), 1)
    with pytest.raises(BadInput, match="There is no text to classify"):
        loaded.predict(["", "!!"])


class _Sad:
    """An encoder that reads sadness everywhere."""

    def predict(self, texts, desc=""):
        return np.tile(np.eye(emotions.N, dtype=np.float32)[3] * 0.95 + 0.01, (len(texts), 1))


def test_the_pool_is_a_weighted_product(model):
    alone = reader.load(model.path)
    text = ["새치기하는 인간 혐오스럽다"]
    pooled = reader.Reader(alone.ngrams, _Sad(), (0.5, 1.5)).predict(text)[0]
    one = reader.Reader(alone.ngrams, None, (1.0,)).predict(text)[0]
    expected = np.maximum(one, reader.FLOOR) ** 0.5 * _Sad().predict(text)[0] ** 1.5
    assert np.allclose(pooled, expected / expected.sum(), atol=1e-4)


def test_the_exponents_favour_the_model_that_is_right():
    rng = np.random.default_rng(0)
    true = rng.integers(0, emotions.N, 400)
    good = np.where(np.eye(emotions.N)[true], 0.7, 0.06)
    guess = rng.dirichlet(np.ones(emotions.N), 400)
    first, second = reader.pool_exponents([good, guess], true)
    assert first > 5 * second
    assert reader.pool_exponents([guess, good], true)[0] < first


def test_letters_find_the_stem_that_syllables_hide():
    shared = set(ngrams.letters("슬퍼")) & set(ngrams.letters("슬프다"))
    assert len(shared) >= 4 and ngrams.letters("A") == "a"


def test_a_damaged_or_lost_reader_is_named(model, parts, tmp_path):
    with pytest.raises(MissingData, match="is gone from the cache; run `make run`"):
        reader.load(tmp_path)
    card = files.read_json(model.path / reader.CARD)
    files.write_json(tmp_path / reader.CARD, card | {"neural": "0" * 16})
    with pytest.raises(MissingData, match="is gone from the cache"):
        reader.load(tmp_path)
    files.write_json(tmp_path / reader.CARD, card)
    (tmp_path / ngrams.VOCABULARY).write_text('{"letters": ["가"]}')
    (tmp_path / ngrams.WEIGHTS).write_bytes(b"no arrays")
    with pytest.raises(CorruptData, match="is damaged; delete that folder"):
        ngrams.load(tmp_path)


def test_the_top_word_is_the_one_that_says_it(model):
    words = explanation.word_attributions(
        "월요일에 새치기하는 인간 너무 혐오스럽다", reader.load(model.path)
    )
    assert words["word"].iloc[0] in ("새치기하는", "혐오스럽다") and words["effect"].iloc[0] > 0
    sad = explanation.word_attributions("눈물이 나는데 신난다", reader.load(model.path), emotion=3)
    assert sad["emotion"].eq(3).all() and sad["word"].iloc[0] == "눈물이"


def test_a_lyric_is_never_answered_by_a_model_of_its_writer():
    """Each writer has words and a favourite emotion of his own, which only he could teach."""
    rng = np.random.default_rng(0)
    writers = np.repeat(np.arange(6), 8)
    words = np.array([[f"w{writer}x{i}" for i in range(4)] for writer in range(6)])
    texts = [" ".join(rng.choice(words[writer], 6)) for writer in writers]
    lyrics = pd.DataFrame({"text": texts, "emotion": writers, "writer": writers})
    votes = lyric_reader.out_of_fold(lyrics)
    assert (votes.argmax(1) != writers).all()
    own = ngrams.class_probabilities(ngrams.fit(lyrics), texts)
    assert (own.argmax(1) == writers).all()


@pytest.fixture(scope="module")
def lyrics(model):
    return lyric_reader.fitted(model)


def test_lyrics_are_read_as_their_readers_do(lyrics):
    table = lyric_reader.labelled_lyrics()
    answers = lyric_reader.load(lyrics.path).predict(table["text"].tolist()).argmax(1)
    assert metrics.kappa(table["emotion"].to_numpy(), answers) > 0.6
    assert metrics.kappa(table["emotion"].to_numpy(), np.roll(answers, 1)) < 0.2


def test_a_new_lyric_is_read_by_both_models(lyrics):
    loaded = lyric_reader.load(lyrics.path)
    new = "오늘도 너를 기다려\n눈물이 흘러내려\n돌아와 줘 제발"
    sad, nothing = loaded.predict([new, "..."])
    assert sad.argmax() == 3 and sad.sum() == pytest.approx(1, abs=1e-5) and np.isnan(nothing).all()
    taught = lyric_reader.labelled_lyrics()["text"].iloc[0]
    stored = loaded.predict([taught])[0]
    loaded.taught.clear()
    assert not np.allclose(loaded.predict([taught])[0], stored, atol=1e-3)


def test_a_lost_lyric_reader_is_named(lyrics, tmp_path):
    with pytest.raises(MissingData, match="lyric reader .* is gone from the cache; run `make run`"):
        lyric_reader.load(tmp_path)
