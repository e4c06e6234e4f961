import numpy as np
import pytest

from wyf_utils.core import emotions
from wyf_utils.core.errors import CorruptData
from wyf_utils.data import lexicons
from wyf_utils.text import lexicon, words


def test_content_words_are_in_dictionary_form_without_stop_words():
    found = words.content_words(["어제 산 사과를 맛있게 먹었다", "그것은 그냥 좋은 노래다"])
    assert {"사과", "먹다", "맛있다"} <= set(found[0])
    assert "노래" in found[1] and "그것" not in found[1]


def test_the_lexicon_is_large_and_sums_to_one():
    table = lexicons.read_lexicon()
    assert len(table) >= 400 and table.index.is_unique
    assert set(table.to_numpy().argmax(1)) == set(range(6))


def test_scores_are_the_mean_of_the_terms_found():
    table = lexicons.read_lexicon()
    nothing = np.full(emotions.N, 1 / 6)
    vectors = lexicon.scores(
        ["눈물이 난다", "짜증 나", "그 사람은 저쪽으로 걸어간다 쿵짝"], table, nothing
    )
    assert vectors[0].argmax() == 3 and vectors[1].argmax() == 4
    assert np.allclose(vectors.sum(1), 1, atol=0.01)
    assert np.array_equal(lexicon.scores(["뷁뷁"], table, nothing)[0], nothing), (
        "no term: what the caller says"
    )


def test_a_broken_lexicon_is_named(data):
    (data / "sample").mkdir()
    path = data / "sample" / "lexicon.csv"
    path.write_text(
        "term,joy,tension,peace,sadness,anger,neutral\n눈물,0,0,0,0.5,0,0\n", encoding="utf-8"
    )
    with pytest.raises(CorruptData, match="'눈물' do not sum to 1"):
        lexicons.read_lexicon()
    path.write_text(
        "term,joy,tension,peace,sadness,anger,neutral\n눈물,0,0,0,x,0,0\n", encoding="utf-8"
    )
    with pytest.raises(CorruptData, match="a weight is no number"):
        lexicons.read_lexicon()
