"""The results tables of README.md and README.ko.md, filled from `figures/results.json`."""

from __future__ import annotations

from ..core import emotions
from ..core.errors import CorruptData
from ..core.files import read_json, replacing_file
from ..core.intervals import show, verdict
from ..core.paths import ROOT
from . import audio_benchmark, comparison
from .notebook import RESULTS

START, END = "<!-- results -->", "<!-- /results -->"
_MODELS = (
    "majority",
    "lexicon",
    "tfidf",
    "tfidf_unweighted",
    "e5_frozen",
    "e5_finetuned",
    "e5_tfidf",
    "e5_tfidf_adjusted",
    "e5_tfidf_ensemble",
    "e5_sample",
)
_PAIRS = (
    "e5_finetuned-tfidf",
    "e5_finetuned-e5_frozen",
    "e5_tfidf-tfidf",
    "e5_tfidf_adjusted-tfidf",
)
_HEARING = (
    "majority",
    "cnn",
    "shallow",
    "shallow_corrected",
    "simclr_linear",
    "simclr_dense",
    "statistics_linear",
    "mel_2022",
)
_ROWS = (
    (
        "01_eda",
        "kappa",
        "Readers agree on the sample, kappa",
        ("readers", "lyrics_readers", "lines_readers", "care_readers"),
    ),
    (
        "01_eda",
        "map_agreement",
        "Map of 2022 and readers agree, share",
        ("sentiment_dialogue", "single_turn", "surprise", "disgust", "worried"),
    ),
    ("02_model_comparison", "macro_f1", "Six emotions from a sentence, macro-F1", _MODELS),
    ("02_model_comparison", "micro_f1", "Six emotions from a sentence, micro-F1", _MODELS),
    (
        "02_model_comparison",
        "macro_f1_difference",
        "Six emotions from a sentence, difference in macro-F1",
        _PAIRS,
    ),
    (
        "02_model_comparison",
        "macro_f1",
        "The hard corpus (stories), macro-F1",
        tuple(f"{model}@stories" for model in _MODELS),
    ),
    (
        "02_model_comparison",
        "macro_f1_difference",
        "The hard corpus (stories), difference in macro-F1",
        tuple(f"{pair}@stories" for pair in _PAIRS),
    ),
    (
        "02_model_comparison",
        "macro_f1",
        "GoEmotions-Korean, macro-F1",
        tuple(f"{model}@goemotions" for model in _MODELS),
    ),
    (
        "02_model_comparison",
        "macro_f1_difference",
        "GoEmotions-Korean, difference in macro-F1",
        tuple(f"{pair}@goemotions" for pair in _PAIRS),
    ),
    *(
        (
            "02_model_comparison",
            f"f1_{emotion}",
            f"Six emotions from a sentence, F1 of {emotion}",
            ("e5_finetuned",),
        )
        for emotion in emotions.EN
    ),
    *(
        (
            "02_model_comparison",
            f"f1_{emotion}",
            f"GoEmotions-Korean, F1 of {emotion}",
            ("e5_finetuned@goemotions",),
        )
        for emotion in emotions.EN
    ),
    ("02_model_comparison", "ece", "Expected calibration error", ("raw", "calibrated")),
    (
        "03_dapt",
        "macro_f1",
        "After continued pre-training, macro-F1",
        ("majority", "shuffled", "none", "tapt", "lyrics"),
    ),
    (
        "03_dapt",
        "macro_f1_difference",
        "After continued pre-training, difference in macro-F1",
        ("tapt-none", "lyrics-none", "unrelated-none"),
    ),
    (
        "04_mel_cnn_vs_embedding",
        "kappa_intent",
        "What a lyric was written for, kappa",
        ("lyric_label", "lyric_label_corrected"),
    ),
    (
        "04_mel_cnn_vs_embedding",
        "top1",
        "Song emotion from its sound (majority: of the training songs), Top-1",
        _HEARING,
    ),
    ("04_mel_cnn_vs_embedding", "kappa", "Song emotion from its sound, kappa", _HEARING),
    (
        "04_mel_cnn_vs_embedding",
        "kappa",
        "Agreement with the lyric labels of who knows what was composed, kappa",
        ("composer", "cnn@composer"),
    ),
    (
        "04_mel_cnn_vs_embedding",
        "macro_f1_difference",
        "Song emotion from its sound, difference in macro-F1",
        (
            "cnn-majority",
            "shallow_corrected-majority",
            "simclr_linear-majority",
            "shuffled-majority",
            "cnn-prior",
            "simclr_linear-prior",
            "shallow-prior",
            "shallow_corrected-prior",
            "cnn-shuffled",
            "shallow_corrected-shuffled",
        ),
    ),
    (
        "04_mel_cnn_vs_embedding",
        "kappa_composer",
        "Composer's own emotion from the sound, kappa",
        ("cnn", "shallow_corrected", "cnn@composer", "statistics_linear@composer"),
    ),
    (
        "05_recommender_demo",
        "top1",
        "Sound agrees with lyrics (majority: of these very songs), Top-1",
        ("majority", "mel"),
    ),
    ("05_recommender_demo", "kappa", "Sound agrees with lyrics, kappa", ("majority", "mel")),
    (
        "05_recommender_demo",
        "fit",
        "Answers whose song was meant for the feeling",
        ("random", "half", "half_corrected", "lyric", "lyric_corrected", "fused", "ours"),
    ),
    (
        "05_recommender_demo",
        "fit_difference",
        "Answers whose song was meant for the feeling, difference",
        (
            "fused-half",
            "fused-half_corrected",
            "fused-lyric_corrected",
            "ours-half",
            "ours-half_corrected",
            "ours-fused",
        ),
    ),
    (
        "05_recommender_demo",
        "coverage",
        "Share of the catalogue ever answered, confident feelings",
        ("random", "2022", "cosine_top5", "ours"),
    ),
    (
        "05_recommender_demo",
        "coverage_read",
        "Share of the catalogue ever answered, feelings as read",
        ("random", "2022", "cosine_top5", "ours"),
    ),
    (
        "05_recommender_demo",
        "songs_per_emotion_min",
        "Different songs answered, fewest of an emotion",
        ("2022", "cosine_top5", "ours"),
    ),
    ("05_recommender_demo", "cosine_drop", "Cosine lost against the exact best", ("ours",)),
    (
        "05_recommender_demo",
        "intent_cosine_difference",
        "Fused vectors nearer to what songs were written for",
        ("fused-half", "fused-lyric_corrected", "fused-half_corrected"),
    ),
)
_RUNS = (("default", "sample data"), ("open", "KOTE; vectors of 2022"))
#: Names in `results.json` as the table says them.
_NAMES = {model: english for model, (_, english) in (comparison.LABELS | audio_benchmark.LABELS).items()} | {
    "readers": "typed sentences", "lyrics_readers": "lyrics", "lines_readers": "couplets", "care_readers": "words of danger",
    "sentiment_dialogue": "sentiment dialogue", "single_turn": "single turns", "surprise": "놀람 (to 긴장)", "disgust": "혐오 (to 분노)",
    "worried": "걱정스러운 (to 슬픔)", "raw": "before temperature scaling", "calibrated": "after temperature scaling",
    "none": "no further pre-training", "tapt": "on the task's own sentences", "lyrics": "on lyrics", "unrelated": "on recipes and rules",
    "composer": "the composer's emotion itself", "cnn@composer": "CNN taught by the composer",
    "statistics_linear@composer": "statistics + linear, taught by the composer",
    "mel_2022": "mel vectors of 2022", "mel": "sound", "lyric": "by lyrics alone", "half": "half lyrics, half sound", "fused": "fused vectors",
    "lyric_corrected": "corrected lyrics", "half_corrected": "half-half, both corrected", "prior": "prior sampling",
    "lyric_label": "lyrics read by the classifier", "lyric_label_corrected": "lyrics read by the classifier, corrected",
    "random": "at random", "2022": "2022: half-half, top 5",
    "cosine_top5": "fused vectors, top 5", "ours": "WYF",
}  # fmt: skip

#: What README.ko.md says in short.
_KOREAN = (
    ("02_model_comparison", "macro_f1/majority", "문장의 감정, macro-F1: 최빈 감정만 답할 때"),
    ("02_model_comparison", "macro_f1/tfidf", "문장의 감정, macro-F1: 글자 TF-IDF"),
    ("02_model_comparison", "macro_f1/e5_finetuned", "문장의 감정, macro-F1: E5 미세조정"),
    (
        "02_model_comparison",
        "macro_f1_difference/e5_finetuned-tfidf",
        "E5 미세조정과 글자 TF-IDF의 차이",
    ),
    (
        "04_mel_cnn_vs_embedding",
        "top1/majority",
        "소리로 맞힌 가사의 감정, Top-1: 학습한 노래의 최빈 감정만 답할 때",
    ),
    (
        "04_mel_cnn_vs_embedding",
        "top1/shallow_corrected",
        "소리로 맞힌 가사의 감정, Top-1: WYF의 얕은 신경망",
    ),
    ("04_mel_cnn_vs_embedding", "top1/mel_2022", "소리로 맞힌 가사의 감정, Top-1: 2022년 멜 벡터"),
    (
        "04_mel_cnn_vs_embedding",
        "kappa/shallow_corrected",
        "우연을 뺀 일치도(카파): WYF의 얕은 신경망",
    ),
    ("04_mel_cnn_vs_embedding", "kappa/mel_2022", "우연을 뺀 일치도(카파): 2022년 멜 벡터"),
    ("05_recommender_demo", "coverage/2022", "한 번이라도 추천된 노래의 비율: 2022년 방식"),
    ("05_recommender_demo", "coverage/ours", "한 번이라도 추천된 노래의 비율: WYF"),
)
_VERDICTS_KO = {"better": "높음", "worse": "낮음", "no difference": "차이를 보이지 못함"}
_VERDICTS_EN = {word: word for word in _VERDICTS_KO}


def _cell(measure: str, value: float | dict | None, words: dict[str, str]) -> str:
    """Number with its interval, and for a difference what `words` calls its verdict."""
    if value is None:
        return ""
    return (
        f"{show(value)} {words[verdict(value)]}" if measure.endswith("_difference") else show(value)
    )


def _name(model: str) -> str:
    """Name of a model, or of two that are compared."""
    return " against ".join(
        _NAMES.get(part, part)
        for part in model.removesuffix("@goemotions").removesuffix("@stories").split("-")
    )


def table(results: dict) -> str:
    """Markdown table of the headline numbers: one row a number, one column a run."""
    lines = [
        "| Question | Model | " + " | ".join(f"`{run}` ({data})" for run, data in _RUNS) + " |",
        "|---|---|" + "---|" * len(_RUNS),
    ]
    for stem, measure, question, models in _ROWS:
        for model in models:
            values = [
                results.get(run, {}).get(stem, {}).get(f"{measure}/{model}") for run, _ in _RUNS
            ]
            if any(v is not None for v in values):
                lines.append(
                    f"| {question} | {_name(model)} | "
                    + " | ".join(_cell(measure, v, _VERDICTS_EN) for v in values)
                    + " |"
                )
    return "\n".join(lines)


def highlights(results: dict) -> str:
    """Markdown table of a few numbers, in Korean."""
    lines = ["| | 예시 자료(`default`) | 공개 자료(`open`) |", "|---|---|---|"]
    for stem, name, question in _KOREAN:
        cells = [
            _cell(name.split("/")[0], results.get(run, {}).get(stem, {}).get(name), _VERDICTS_KO)
            for run, _ in _RUNS
        ]
        lines.append(f"| {question} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def fill(*, check: bool = False) -> str:
    """Put the tables between their marks in README.md and README.ko.md, or only say whether they stand there.

    Raises
    ------
    CorruptData
        If the marks are gone, or with `check` if the table is out of date.
    """
    results, stale = read_json(ROOT / "figures" / RESULTS), []
    for name, made in (("README.md", table), ("README.ko.md", highlights)):
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        if START not in text or END not in text:
            raise CorruptData(
                f"{name} lacks the marks {START} and {END}; restore them with `git checkout {name}`."
            )
        before, rest = text.split(START, 1)
        fresh = f"{before}{START}\n{made(results)}\n{END}{rest.split(END, 1)[1]}"
        if fresh == text:
            continue
        if check:
            raise CorruptData(f"The results table of {name} is out of date; run `wyf readme`.")
        with replacing_file(path) as work:
            work.write_text(fresh, encoding="utf-8")
        stale.append(name)
    return (
        f"{' and '.join(stale)}: results table filled."
        if stale
        else "README.md and README.ko.md are up to date."
    )
