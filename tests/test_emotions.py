import numpy as np
import pytest

from wyf_utils.core import emotions
from wyf_utils.core.errors import CorruptData


def test_order_is_that_of_the_published_vectors():
    assert emotions.KO == ("기쁨", "긴장", "평화", "슬픔", "분노", "중립")
    assert emotions.EN == ("joy", "tension", "peace", "sadness", "anger", "neutral")
    assert [e.id for e in emotions.EMOTIONS] == list(range(6))


def test_sentiment_dialogue_has_all_58_labels_in_the_proportions_of_2022():
    counts = np.bincount(list(emotions.SENTIMENT_DIALOGUE.values()), minlength=6)
    assert counts.tolist() == [7, 11, 3, 24, 13, 0]
    assert emotions.SENTIMENT_DIALOGUE["가난한, 불우한"] == 3


@pytest.mark.parametrize(
    ("label", "name"),
    [("행복", "기쁨"), ("공포", "긴장"), ("놀람", "긴장"), ("혐오", "분노"), ("중립", "중립")],
)
def test_single_turn(label, name):
    assert emotions.KO[emotions.SINGLE_TURN[label]] == name
    assert len(emotions.SINGLE_TURN) == 7


def test_goemotions_and_kote_cover_all_but_the_unmapped():
    assert len(emotions.GOEMOTIONS) == 26
    assert len(set(emotions.KOTE_LABELS)) == 44
    assert set(emotions.KOTE_LABELS) - set(emotions.KOTE) == {"비장함", "신기함/관심", "깨달음"}


def test_unknown_label_names_itself_and_the_remedy():
    with pytest.raises(CorruptData, match="'배고픔' is unknown; correct it to one of"):
        emotions.to_id("배고픔", emotions.SINGLE_TURN)


def test_share_and_hard():
    target = emotions.label_shares([0, 0, 4])
    assert target.tolist() == [2 / 3, 0, 0, 0, 1 / 3, 0]
    assert emotions.hard_label(target) == 0
    assert emotions.hard_label(emotions.label_shares([0, 4])) == -1, "a tie has no hard label"
    assert emotions.hard_label(emotions.label_shares([])) == -1
