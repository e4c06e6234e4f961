"""Characters and encoder pooled: saved as plain arrays, calibrated, quick."""

import numpy as np
import pandas as pd
import pytest
from conftest import KINDS

from wyf_utils.core import emotions, files
from wyf_utils.core.errors import BadInput, CorruptData, MissingData
from wyf_utils.data import splits
from wyf_utils.text import characters, explanation, reader


@pytest.fixture(scope="module")
def parts():
    rows = [(f"{text} {i}", e) for e, texts in KINDS.items() for i in range(12) for text in texts]
    return splits.split(pd.DataFrame(rows, columns=["text", "emotion"]).assign(source="made"), 0)


@pytest.fixture(scope="module")
def model(parts):
    return reader.fitted(parts["train"], parts["dev"], None)


def test_saved_characters_answer_as_before(parts, tmp_path):
    fitted = characters.fit(parts["train"], parts["dev"])
    characters.save(fitted, tmp_path)
    texts = [*parts["test"]["text"], "처음 보는 말", "abc 123"]
    before, after = (characters.predict_six(m, texts) for m in (fitted, characters.load(tmp_path)))
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


def test_the_pool_is_the_geometric_mean(model):
    alone = reader.load(model.path)
    pooled = reader.Reader(alone.characters, _Sad(), alone.sharpness)
    text = ["새치기하는 인간 혐오스럽다"]
    one = reader.Reader(alone.characters, None, alone.sharpness).predict(text)[0]
    expected = np.sqrt(np.maximum(one, reader.FLOOR) * _Sad().predict(text)[0])
    assert np.allclose(pooled.predict(text)[0], expected / expected.sum(), atol=1e-4)


def test_a_damaged_or_lost_reader_is_named(model, parts, tmp_path):
    with pytest.raises(MissingData, match="is gone from the cache; run `make run`"):
        reader.load(tmp_path)
    card = files.read_json(model.path / reader.CARD)
    files.write_json(tmp_path / reader.CARD, card | {"neural": "0" * 16})
    with pytest.raises(MissingData, match="is gone from the cache"):
        reader.load(tmp_path)
    files.write_json(tmp_path / reader.CARD, card)
    (tmp_path / characters.VOCABULARY).write_text('{"grams": ["가"]}')
    (tmp_path / characters.WEIGHTS).write_bytes(b"no arrays")
    with pytest.raises(CorruptData, match="is damaged; delete that folder"):
        reader.load(tmp_path)


def test_the_top_word_is_the_one_that_says_it(model):
    words = explanation.word_attributions(
        "월요일에 새치기하는 인간 너무 혐오스럽다", reader.load(model.path)
    )
    assert words["word"].iloc[0] in ("새치기하는", "혐오스럽다") and words["effect"].iloc[0] > 0
    sad = explanation.word_attributions("눈물이 나는데 신난다", reader.load(model.path), emotion=3)
    assert sad["emotion"].eq(3).all() and sad["word"].iloc[0] == "눈물이"
