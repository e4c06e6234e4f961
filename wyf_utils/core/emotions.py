"""The six emotions: their order, names, colours, and the label maps of every source.

An emotion vector has six columns in the order of `EMOTIONS`, the order of the song vectors of 2022.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .errors import CorruptData


class Emotion(NamedTuple):
    """One of the six emotions: column number, English and Korean name, colour."""

    id: int
    en: str
    ko: str
    colour: str


EMOTIONS = (
    Emotion(0, "joy", "기쁨", "#F2A71B"),
    Emotion(1, "tension", "긴장", "#8E5BA6"),
    Emotion(2, "peace", "평화", "#4FA36C"),
    Emotion(3, "sadness", "슬픔", "#3C78B4"),
    Emotion(4, "anger", "분노", "#D1453B"),
    Emotion(5, "neutral", "중립", "#8C8C8C"),
)
EN = tuple(e.en for e in EMOTIONS)
KO = tuple(e.ko for e in EMOTIONS)
COLOURS = tuple(e.colour for e in EMOTIONS)
N = len(EMOTIONS)


def _label_map(groups: dict[str, str]) -> dict[str, int]:
    """Turn {emotion: "label; label"} into {label: emotion id}."""
    ids = {name: e.id for e in EMOTIONS for name in (e.en, e.ko)}
    return {
        label.strip(): ids[name] for name, labels in groups.items() for label in labels.split(";")
    }


#: AI Hub 감성 대화 말뭉치, 감정_소분류 (58 values), as mapped in 2022.
#: Debatable: 걱정스러운 is sadness although 불안 is tension; 부끄러운 may be tension too.
SENTIMENT_DIALOGUE = _label_map(
    {
        "기쁨": "감사하는; 기쁨; 만족스러운; 신뢰하는; 신이 난; 자신하는; 흥분",
        "긴장": "남의 시선을 의식하는; 당혹스러운; 당황; 두려운; 불안; 스트레스 받는; 안달하는; "
        "조심스러운; 초조한; 취약한; 혼란스러운",
        "평화": "느긋; 안도; 편안한",
        "슬픔": "가난한, 불우한; 걱정스러운; 고립된; 괴로워하는; 낙담한; 눈물이 나는; 마비된; "
        "버려진; 부끄러운; 비통한; 상처; 슬픔; 실망한; 억울한; 염세적인; 외로운; 우울한; 좌절한; "
        "죄책감의; 충격 받은; 한심한; 회의적인; 후회되는; 희생된",
        "분노": "구역질 나는; 노여워하는; 방어적인; 배신당한; 분노; 성가신; 악의적인; 열등감; "
        "질투하는; 짜증내는; 툴툴대는; 혐오스러운; 환멸을 느끼는",
    }
)

#: AI Hub 단발성 대화 (7 values), as mapped in 2022. Debatable: 놀람 may be joy.
SINGLE_TURN = _label_map(
    {"기쁨": "행복", "긴장": "공포; 놀람", "슬픔": "슬픔", "분노": "분노; 혐오", "중립": "중립"}
)

#: GoEmotions (28 values), but for the two in `UNMAPPED`.
GOEMOTIONS = _label_map(
    {
        "joy": "admiration; amusement; approval; caring; desire; excitement; gratitude; joy; love; "
        "optimism; pride",
        "tension": "confusion; embarrassment; fear; nervousness; surprise",
        "peace": "relief",
        "sadness": "disappointment; grief; remorse; sadness",
        "anger": "anger; annoyance; disapproval; disgust",
        "neutral": "neutral",
    }
)

#: KOTE's 44 labels in the order of its label ids (https://github.com/searle-j/KOTE).
KOTE_LABELS = (
    "불평/불만", "환영/호의", "감동/감탄", "지긋지긋", "고마움", "슬픔", "화남/분노", "존경",
    "기대감", "우쭐댐/무시함", "안타까움/실망", "비장함", "의심/불신", "뿌듯함", "편안/쾌적",
    "신기함/관심", "아껴주는", "부끄러움", "공포/무서움", "절망", "한심함", "역겨움/징그러움",
    "짜증", "어이없음", "없음", "패배/자기혐오", "귀찮음", "힘듦/지침", "즐거움/신남", "깨달음",
    "죄책감", "증오/혐오", "흐뭇함(귀여움/예쁨)", "당황/난처", "경악", "부담/안_내킴", "서러움",
    "재미없음", "불쌍함/연민", "놀람", "행복", "불안/걱정", "기쁨", "안심/신뢰",
)  # fmt: skip

#: KOTE labels to six, by the meaning of each emotion, but for the three in `UNMAPPED`.
KOTE = _label_map(
    {
        "기쁨": "환영/호의; 감동/감탄; 고마움; 존경; 기대감; 뿌듯함; 아껴주는; 즐거움/신남; "
        "흐뭇함(귀여움/예쁨); 행복; 기쁨",
        "긴장": "공포/무서움; 당황/난처; 경악; 부담/안_내킴; 놀람; 불안/걱정",
        "평화": "편안/쾌적; 안심/신뢰",
        "슬픔": "슬픔; 안타까움/실망; 부끄러움; 절망; 패배/자기혐오; 힘듦/지침; 죄책감; 서러움; "
        "불쌍함/연민",
        "분노": "불평/불만; 지긋지긋; 화남/분노; 우쭐댐/무시함; 의심/불신; 한심함; "
        "역겨움/징그러움; 짜증; 어이없음; 귀찮음; 증오/혐오; 재미없음",
        "중립": "없음",
    }
)

#: Labels of GoEmotions and KOTE that fit none of the six emotions.
UNMAPPED = frozenset({"curiosity", "realization", "비장함", "신기함/관심", "깨달음"})


def to_id(label: str, mapping: dict[str, int]) -> int:
    """Map a source label, surrounding blanks ignored, to its emotion id.

    Raises
    ------
    CorruptData
        If the label is not in the map.
    """
    label = str(label).strip()
    if label not in mapping:
        raise CorruptData(
            f"The label '{label}' is unknown; correct it to one of: {', '.join(mapping)}."
        )
    return mapping[label]


def label_shares(ids: list[int]) -> np.ndarray:
    """Compute the share of each emotion among the labels of one text.

    Returns
    -------
    ndarray of shape (6,)
        Sums to 1, or all zero where `ids` is empty.
    """
    counts = np.bincount(ids, minlength=N).astype(float)
    return counts / max(counts.sum(), 1)


def hard_label(target: np.ndarray) -> int:
    """Find the emotion with the largest share; -1 where two tie or all shares are zero."""
    best = np.flatnonzero(target == target.max())
    return int(best[0]) if target.max() > 0 and len(best) == 1 else -1
