"""Diagrams: architectures, the first design, the measures of 2022."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from ...core import emotions
from ...core.language import emotion_names, pick
from .style import INK, SIZES


def boxes(
    items: Sequence[tuple[float, float, str, str]],
    arrows: Sequence[tuple[int, int]],
    title: str,
    size: tuple[float, float] = (9.6, 4.6),
) -> Figure:
    """Diagram of boxes and arrows.

    Parameters
    ----------
    items
        Centre x, centre y, text, colour of each box, in units of boxes' places.
    arrows
        Pairs of box numbers.
    """
    figure, axes = plt.subplots(figsize=size)
    for x, y, text, colour in items:
        axes.text(x, y, text, ha="center", va="center", fontsize=10, linespacing=1.35,
                  bbox={"boxstyle": "round,pad=0.55", "fc": colour, "ec": INK, "lw": 0.8}, zorder=3)  # fmt: skip
    axes.set(title=title)
    axes.axis("off")
    xs, ys = [i[0] for i in items], [i[1] for i in items]
    axes.set_xlim(min(xs) - 0.75, max(xs) + 0.75)
    axes.set_ylim(min(ys) - 0.6, max(ys) + 0.6)
    figure.canvas.draw()
    patches = [text.get_bbox_patch() for text in axes.texts]
    for start, end in arrows:
        axes.annotate("", xy=items[end][:2], xytext=items[start][:2], zorder=2,
                      arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.1, "shrinkA": 0, "shrinkB": 0,
                                  "patchA": patches[start], "patchB": patches[end]})  # fmt: skip
    return figure


def measure_tiles(lang: str) -> Figure:
    """Explain the four measures of 2022 with one hit each: true emotions above, the model's below."""
    examples = (
        ("Top-2", (0, 3), (3, 0), pick(lang, "순서 없이 둘 다 같다", "the same two, in any order")),
        (
            "Top-3",
            (0, 3, 4),
            (4, 0, 3),
            pick(lang, "순서 없이 셋 다 같다", "the same three, in any order"),
        ),
        (
            "Less-strict Top-1",
            (0, 3),
            (3, 1),
            pick(lang, "둘 중 하나 이상 같다", "at least one of two"),
        ),
        (
            "Less-strict Top-2",
            (0, 3, 4),
            (4, 2, 0),
            pick(lang, "셋 중 둘 이상 같다", "at least two of three"),
        ),
    )
    figure, axes = plt.subplots(2, 2, figsize=SIZES["page"])
    for ax, (name, true, answer, rule) in zip(axes.flat, examples, strict=True):
        for row, (who, vector) in enumerate(
            ((pick(lang, "정답", "true"), true), (pick(lang, "모델", "model"), answer))
        ):
            ax.text(-0.25, -row, who, ha="right", va="center")
            for column, emotion in enumerate(vector):
                hit = emotion in true and emotion in answer
                ax.add_patch(
                    plt.Rectangle(
                        (column, -row - 0.4),
                        0.94,
                        0.8,
                        facecolor=emotions.COLOURS[emotion] if hit else "white",
                        edgecolor=INK,
                        lw=0.8,
                    )
                )
                ax.text(
                    column + 0.47,
                    -row,
                    emotion_names(lang)[emotion],
                    ha="center",
                    va="center",
                    color="white" if hit else INK,
                    fontweight="semibold" if hit else "normal",
                )
        ax.set(xlim=(-0.9, 3), ylim=(-1.5, 0.55))
        ax.set_title(f"{name}: {rule}", fontsize=10)
        ax.axis("off")
    return figure


_SOFT = {
    "text": "#DCE8F2",
    "sound": "#EFE2F3",
    "store": "#E7F1E9",
    "answer": "#FCEBCB",
    "model": "#F3F3F3",
}


def _stored(lang: str) -> str:
    """What the music database holds of each song (`database.MusicDatabase`)."""
    ko = "음악 DB, N곡\nv2, v3, 결합 (N, 6)씩\n가사 임베딩 (N, 384)"
    return pick(
        lang, ko, "music database, N songs\nv2, v3, fused: (N, 6) each\nlyric embedding (N, 384)"
    )


def architecture(lang: str) -> Figure:
    """Sentence, lyrics and sound to the list of songs, with the shapes on the way."""
    items = (
        (0, 2, pick(lang, "사용자 문장", "sentence"), _SOFT["text"]),
        (0, 1, pick(lang, "가사", "lyrics"), _SOFT["text"]),
        (0, 0, pick(lang, "멜 (48, 1876)", "mel (48, 1876)"), _SOFT["sound"]),
        (
            1.2,
            1.5,
            pick(lang, "언어 모델\n(미세조정한 인코더)", "language model\n(fine-tuned encoder)"),
            _SOFT["model"],
        ),
        (
            1.2,
            0,
            pick(lang, "멜 모델\n(얕은 신경망)", "mel model\n(shallow network)"),
            _SOFT["model"],
        ),
        (2.4, 2, pick(lang, "v1 (1, 6)\n문장의 감정", "v1 (1, 6)\nof the sentence"), _SOFT["text"]),
        (2.4, 1, pick(lang, "v2 (1, 6)\n가사의 감정", "v2 (1, 6)\nof the lyrics"), _SOFT["text"]),
        (2.4, 0, pick(lang, "v3 (1, 6)\n소리의 감정", "v3 (1, 6)\nof the sound"), _SOFT["sound"]),
        (3.4, 0.5, pick(lang, "보정, 결합\nv2 + v3", "correct, fuse\nv2 + v3"), _SOFT["model"]),
        (4.65, 0.5, _stored(lang), _SOFT["store"]),
        (4.65, 2, pick(lang, "추천기\n코사인 유사도", "recommender\ncosine"), _SOFT["answer"]),
        (5.7, 2, pick(lang, "추천 노래", "songs"), _SOFT["answer"]),
    )
    arrows = (
        (0, 3),
        (1, 3),
        (2, 4),
        (3, 5),
        (3, 6),
        (4, 7),
        (6, 8),
        (7, 8),
        (8, 9),
        (9, 10),
        (5, 10),
        (10, 11),
    )
    return boxes(items, arrows, pick(lang, "전체 구조", "Architecture"))


def architecture_text(lang: str) -> Figure:
    """Sentence and lyric through the same language model, with the shapes on the way."""
    items = (
        (0, 1, pick(lang, "사용자 문장", "sentence"), _SOFT["text"]),
        (0, 0, pick(lang, "가사, 두 줄씩", "lyric, two lines at a time"), _SOFT["text"]),
        (1.3, 0.5, pick(lang, "토큰 (1, T)", "tokens (1, T)"), _SOFT["model"]),
        (2.4, 0.5, pick(lang, "인코더\n(1, T, 384)", "encoder\n(1, T, 384)"), _SOFT["model"]),
        (
            3.5,
            0.5,
            pick(lang, "평균, 표준화\n(1, 384)", "mean, standardise\n(1, 384)"),
            _SOFT["model"],
        ),
        (
            4.7,
            0.5,
            pick(lang, "선형층, 온도 조절\n(1, 6)", "linear layer,\ntemperature (1, 6)"),
            _SOFT["model"],
        ),
        (5.9, 1, pick(lang, "v1 (1, 6)\n문장의 감정", "v1 (1, 6)\nof the sentence"), _SOFT["text"]),
        (
            5.9,
            0,
            pick(lang, "v2 (1, 6)\n두 줄씩 읽은 평균", "v2 (1, 6)\nmean of couplets"),
            _SOFT["text"],
        ),
    )
    return boxes(
        items,
        ((0, 2), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (5, 7)),
        pick(lang, "구조: 글", "Architecture: text"),
        size=(10.8, 3.2),
    )


def architecture_mel(lang: str) -> Figure:
    """Sound through the mel model, with the shapes on the way."""
    items = (
        (0, 0, pick(lang, "소리\n20초에서 50초", "sound\nseconds 20 to 50"), _SOFT["sound"]),
        (1.2, 0, pick(lang, "멜 (48, 1876)\n데시벨", "mel (48, 1876)\ndecibels"), _SOFT["sound"]),
        (
            2.4,
            0,
            pick(
                lang,
                "대역별 통계량 (1, 144)\n선형층",
                "statistics of bands\n(1, 144), linear layer",
            ),
            _SOFT["model"],
        ),
        (3.5, 0, pick(lang, "v3 (1, 6)\n소리의 감정", "v3 (1, 6)\nof the sound"), _SOFT["sound"]),
        (
            3.5,
            1,
            pick(lang, "학습: 보정한 v2\n(가사의 감정)", "learns: corrected v2\n(of the lyrics)"),
            _SOFT["text"],
        ),
    )
    return boxes(
        items,
        ((0, 1), (1, 2), (2, 3), (4, 2)),
        pick(lang, "구조: 소리", "Architecture: sound"),
        size=(9.6, 3.2),
    )


def architecture_recommender(lang: str) -> Figure:
    """From v1, v2 and v3 to the list: prior, weights, search, near-equals, diversity."""
    items = (
        (0, 1, pick(lang, "v2 (가사)\nv3 (소리)", "v2 (lyrics)\nv3 (sound)"), _SOFT["text"]),
        (
            1.1,
            1,
            pick(
                lang, "쏠림을 빼고\n소리의 확신도를 맞춤", "take the prior out,\nsharpen the sound"
            ),
            _SOFT["model"],
        ),
        (
            2.4,
            1,
            pick(lang, "감정마다 가중 평균", "weighted mean,\none weight an emotion"),
            _SOFT["model"],
        ),
        (3.7, 1, _stored(lang), _SOFT["store"]),
        (0, 0, pick(lang, "v1 (1, 6)\n문장", "v1 (1, 6)\nsentence"), _SOFT["text"]),
        (
            1.1,
            0,
            pick(lang, "공감, 전환,\n반대, 탐색", "match, path,\nopposite, wide"),
            _SOFT["answer"],
        ),
        (
            2.4,
            0,
            pick(
                lang,
                "정확한 코사인: 가장\n잘 맞는 곡에 가까운 곡",
                "exact cosine,\nall that fit nearly as well",
            ),
            _SOFT["answer"],
        ),
        (3.7, 0, pick(lang, "시드, MMR,\n좋아요", "seed, MMR,\nlikes"), _SOFT["answer"]),
        (4.9, 0, pick(lang, "추천 노래와 까닭", "songs and reasons"), _SOFT["answer"]),
    )
    arrows = ((0, 1), (1, 2), (2, 3), (3, 6), (4, 5), (5, 6), (6, 7), (7, 8))
    return boxes(
        items, arrows, pick(lang, "구조: 추천기", "Architecture: recommender"), size=(10.8, 3.6)
    )


def initial_design(lang: str) -> Figure:
    """Show the first plan of 2022: lexicons and KoBERT, a filter, songs."""
    items = (
        (0, 0.5, pick(lang, "사용자 문장", "sentence"), _SOFT["text"]),
        (1.2, 1, pick(lang, "감성어 사전", "sentiment lexicons"), _SOFT["model"]),
        (1.2, 0, "KoBERT", _SOFT["model"]),
        (2.4, 0.5, pick(lang, "감정 벡터", "emotion vector"), _SOFT["text"]),
        (3.5, 0.5, pick(lang, "필터링", "filter"), _SOFT["answer"]),
        (4.5, 0.5, pick(lang, "노래", "songs"), _SOFT["answer"]),
    )
    return boxes(
        items,
        ((0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (4, 5)),
        pick(lang, "초기 설계 (2022)", "Initial design (2022)"),
        size=(9.6, 2.8),
    )
