"""Fill the results tables of README.md and README.ko.md from `figures/results.json`."""

from __future__ import annotations

from ..core import emotions
from ..core.errors import CorruptData
from ..core.files import read_json, replacing_file
from ..core.intervals import format_score, verdict
from ..core.paths import ROOT
from .figures.words import shared_labels
from .notebook import RESULTS

START, END = "<!-- results -->", "<!-- /results -->"

_EDA, _TEXT, _DAPT = "01_eda", "02_model_comparison", "03_dapt"
_SOUND, _SONGS = "04_mel_cnn_vs_embedding", "05_recommender_demo"
_CLASSIFIERS = (
    "majority lexicon tfidf tfidf_unweighted ngrams e5_frozen e5_finetuned "
    "reader e5_tfidf e5_tfidf_adjusted e5_tfidf_ensemble e5_sample"
)
_CLASSIFIER_PAIRS = (
    "e5_finetuned-tfidf e5_finetuned-e5_frozen e5_tfidf-tfidf e5_tfidf_adjusted-tfidf"
)
_SOUND_MODELS = (
    "majority cnn shallow shallow_corrected simclr_linear simclr_dense statistics_linear mel_2022"
)
_SOUND_PAIRS = (
    "cnn-majority shallow_corrected-majority simclr_linear-majority shuffled-majority "
    "cnn-prior simclr_linear-prior shallow-prior shallow_corrected-prior "
    "cnn-shuffled shallow_corrected-shuffled"
)
_FUSION_PAIRS = (
    "fused-half fused-half_corrected fused-lyric_corrected ours-half ours-half_corrected ours-fused"
)


def _on(corpus: str, models: str) -> str:
    """Name the results of models on a corpus other than the run's first."""
    return " ".join(f"{model}@{corpus}" for model in models.split())


#: Rows of the table: notebook, measure, question, and models separated by spaces.
_ROWS = (
    (_EDA, "kappa", "Readers agree on the sample, kappa",
     "readers lyrics_readers lines_readers care_readers"),
    (_EDA, "map_agreement", "Map of 2022 and readers agree, share",
     "sentiment_dialogue single_turn surprise disgust worried"),
    (_TEXT, "macro_f1", "Six emotions from a sentence, macro-F1", _CLASSIFIERS),
    (_TEXT, "micro_f1", "Six emotions from a sentence, micro-F1", _CLASSIFIERS),
    (_TEXT, "macro_f1_difference", "Six emotions from a sentence, difference in macro-F1",
     _CLASSIFIER_PAIRS),
    (_TEXT, "macro_f1", "The hard corpus (stories), macro-F1", _on("stories", _CLASSIFIERS)),
    (_TEXT, "macro_f1_difference", "The hard corpus (stories), difference in macro-F1",
     _on("stories", _CLASSIFIER_PAIRS)),
    (_TEXT, "macro_f1", "GoEmotions-Korean, macro-F1", _on("goemotions", _CLASSIFIERS)),
    (_TEXT, "macro_f1_difference", "GoEmotions-Korean, difference in macro-F1",
     _on("goemotions", _CLASSIFIER_PAIRS)),
    *((_TEXT, f"f1_{emotion}", f"Six emotions from a sentence, F1 of {emotion}", "e5_finetuned")
      for emotion in emotions.EN),
    *((_TEXT, f"f1_{emotion}", f"GoEmotions-Korean, F1 of {emotion}", "e5_finetuned@goemotions")
      for emotion in emotions.EN),
    (_TEXT, "ece", "Expected calibration error", "raw calibrated"),
    (_DAPT, "macro_f1", "After continued pre-training, macro-F1",
     "majority shuffled none tapt lyrics"),
    (_DAPT, "macro_f1_difference", "After continued pre-training, difference in macro-F1",
     "tapt-none lyrics-none unrelated-none"),
    (_SOUND, "kappa_intent", "What a lyric was written for, kappa",
     "lyric_label lyric_label_corrected"),
    (_SOUND, "top1", "Song emotion from its sound (majority: of the training songs), Top-1",
     _SOUND_MODELS),
    (_SOUND, "kappa", "Song emotion from its sound, kappa", _SOUND_MODELS),
    (_SOUND, "kappa", "Agreement with the lyric labels of who knows what was composed, kappa",
     "composer cnn@composer"),
    (_SOUND, "macro_f1_difference", "Song emotion from its sound, difference in macro-F1",
     _SOUND_PAIRS),
    (_SOUND, "kappa_composer", "Composer's own emotion from the sound, kappa",
     "cnn shallow_corrected cnn@composer statistics_linear@composer"),
    (_SONGS, "top1", "Sound agrees with lyrics (majority: of these very songs), Top-1",
     "majority mel"),
    (_SONGS, "kappa", "Sound agrees with lyrics, kappa", "majority mel"),
    (_SONGS, "fit", "Answers whose song was meant for the feeling",
     "random half half_corrected lyric lyric_corrected fused ours"),
    (_SONGS, "fit_difference", "Answers whose song was meant for the feeling, difference",
     _FUSION_PAIRS),
    (_SONGS, "coverage", "Share of the catalogue ever answered, confident feelings",
     "random 2022 cosine_top5 ours"),
    (_SONGS, "coverage_read", "Share of the catalogue ever answered, feelings as read",
     "random 2022 cosine_top5 ours"),
    (_SONGS, "songs_per_emotion_min", "Different songs answered, fewest of an emotion",
     "2022 cosine_top5 ours"),
    (_SONGS, "cosine_drop", "Cosine lost against the exact best", "ours"),
    (_SONGS, "reasons", "The word that moved the reading is the one that readers underlined",
     "random top_word"),
    (_SONGS, "recall", "People at risk found, on writers not learned from",
     "care care_direct care_as_risk"),
    (_SONGS, "false_alarm", "Harmless sentences answered as if at risk",
     "care_harmless ordinary ordinary_as_risk"),
    (_SONGS, "intent_cosine_difference", "Fused vectors nearer to what songs were written for",
     "fused-half fused-lyric_corrected fused-half_corrected"),
)  # fmt: skip
_RUNS = (("default", "sample data"), ("open", "KOTE; vectors of 2022"))
#: English names in `results.json` that no figure shows.
_NAMES = {
    "readers": "typed sentences", "lyrics_readers": "lyrics", "lines_readers": "couplets",
    "care_readers": "words of danger", "sentiment_dialogue": "sentiment dialogue",
    "single_turn": "single turns", "surprise": "놀람 (to 긴장)", "disgust": "혐오 (to 분노)",
    "worried": "걱정스러운 (to 슬픔)", "raw": "before temperature scaling",
    "calibrated": "after temperature scaling", "none": "no further pre-training",
    "tapt": "on the task's own sentences", "lyrics": "on lyrics",
    "unrelated": "on recipes and rules", "composer": "the composer's emotion itself",
    "cnn@composer": "CNN taught by the composer",
    "statistics_linear@composer": "statistics + linear, taught by the composer",
    "mel_2022": "mel vectors of 2022", "mel": "sound", "lyric": "by lyrics alone",
    "half": "half lyrics, half sound", "fused": "fused vectors",
    "lyric_corrected": "corrected lyrics", "half_corrected": "half-half, both corrected",
    "prior": "prior sampling", "lyric_label": "lyrics read by the classifier",
    "lyric_label_corrected": "lyrics read by the classifier, corrected", "random": "at random",
    "top_word": "WYF, by occlusion",
    "care": "by either answer", "care_direct": "direct words, by either answer",
    "care_as_risk": "by the helpline on top", "care_harmless": "look-alikes, by either answer",
    "ordinary": "ordinary sentences, by either answer",
    "ordinary_as_risk": "ordinary sentences, by the helpline on top",
    "2022": "2022: half-half, top 5", "cosine_top5": "fused vectors, top 5", "ours": "WYF",
}  # fmt: skip

#: Rows of the short Korean table: notebook, name in `results.json`, question.
_KOREAN = (
    (_TEXT, "macro_f1/majority", "문장의 감정, macro-F1: 최빈 감정만 답할 때"),
    (_TEXT, "macro_f1/tfidf", "문장의 감정, macro-F1: 글자 TF-IDF"),
    (_TEXT, "macro_f1/e5_finetuned", "문장의 감정, macro-F1: E5 미세조정"),
    (_TEXT, "macro_f1_difference/e5_finetuned-tfidf", "E5 미세조정과 글자 TF-IDF의 차이"),
    (_TEXT, "macro_f1/reader", "문장의 감정, macro-F1: WYF가 답할 때 쓰는 모델(글자와 E5)"),
    (_TEXT, "macro_f1/reader@stories", "어려운 이야기 문장, macro-F1: WYF가 답할 때 쓰는 모델"),
    (_SOUND, "top1/majority", "소리로 맞힌 가사의 감정, Top-1: 학습한 노래의 최빈 감정만 답할 때"),
    (_SOUND, "top1/shallow_corrected", "소리로 맞힌 가사의 감정, Top-1: WYF의 얕은 신경망"),
    (_SOUND, "top1/mel_2022", "소리로 맞힌 가사의 감정, Top-1: 2022년 멜 벡터"),
    (_SOUND, "kappa/shallow_corrected", "우연을 뺀 일치도(카파): WYF의 얕은 신경망"),
    (_SOUND, "kappa/mel_2022", "우연을 뺀 일치도(카파): 2022년 멜 벡터"),
    (_SONGS, "recall/care", "위험 신호를 찾은 비율(배우지 않은 글쓴이)"),
    (_SONGS, "false_alarm/care_harmless", "비슷하지만 위험하지 않은 말을 위험으로 본 비율"),
    (_SONGS, "coverage/2022", "한 번이라도 추천된 노래의 비율: 2022년 방식"),
    (_SONGS, "coverage/ours", "한 번이라도 추천된 노래의 비율: WYF"),
)
_VERDICTS_KO = {"better": "높음", "worse": "낮음", "no difference": "차이를 보이지 못함"}
_VERDICTS_EN = {word: word for word in _VERDICTS_KO}


def _cell(measure: str, value: float | dict | None, verdicts: dict[str, str]) -> str:
    """Format a number with its interval, and a difference with its verdict."""
    if value is None:
        return ""
    if measure.endswith("_difference"):
        return f"{format_score(value)} {verdicts[verdict(value)]}"
    return format_score(value)


def _name(model: str) -> str:
    """Name a model, or two that are compared."""
    parts = model.removesuffix("@goemotions").removesuffix("@stories").split("-")
    names = shared_labels("text_models", "en") | shared_labels("audio_models", "en") | _NAMES
    return " against ".join(names.get(part, part) for part in parts)


def table(results: dict) -> str:
    """Format the headline numbers as Markdown: one row a number, one column a run."""
    runs = " | ".join(f"`{run}` ({data})" for run, data in _RUNS)
    lines = [f"| Question | Model | {runs} |", "|---|---|" + "---|" * len(_RUNS)]
    for stem, measure, question, models in _ROWS:
        for model in models.split():
            name = f"{measure}/{model}"
            values = [results.get(run, {}).get(stem, {}).get(name) for run, _ in _RUNS]
            if any(value is not None for value in values):
                cells = " | ".join(_cell(measure, value, _VERDICTS_EN) for value in values)
                lines.append(f"| {question} | {_name(model)} | {cells} |")
    return "\n".join(lines)


def highlights(results: dict) -> str:
    """Format a few headline numbers as Markdown, in Korean."""
    lines = ["| | 예시 자료(`default`) | 공개 자료(`open`) |", "|---|---|---|"]
    for stem, name, question in _KOREAN:
        values = [results.get(run, {}).get(stem, {}).get(name) for run, _ in _RUNS]
        measure = name.split("/")[0]
        cells = " | ".join(_cell(measure, value, _VERDICTS_KO) for value in values)
        lines.append(f"| {question} | {cells} |")
    return "\n".join(lines)


def fill(*, check: bool = False) -> str:
    """Write the tables between their marks in README.md and README.ko.md, or only check them.

    Returns
    -------
    str
        One sentence: which files were filled.

    Raises
    ------
    CorruptData
        If the marks are gone, or with `check` if a table is out of date.
    """
    results, filled = read_json(ROOT / "figures" / RESULTS), []
    for name, content in (("README.md", table(results)), ("README.ko.md", highlights(results))):
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        if START not in text or END not in text:
            raise CorruptData(
                f"{name} lacks the marks {START} and {END}; "
                f"restore them with `git checkout {name}`."
            )
        before, rest = text.split(START, 1)
        fresh = f"{before}{START}\n{content}\n{END}{rest.split(END, 1)[1]}"
        if fresh == text:
            continue
        if check:
            raise CorruptData(f"The results table of {name} is out of date; run `wyf readme`.")
        with replacing_file(path) as work:
            work.write_text(fresh, encoding="utf-8")
        filled.append(name)
    if not filled:
        return "README.md and README.ko.md are up to date."
    return f"{' and '.join(filled)}: results table filled."
