"""Fill the results tables of README.md and README.ko.md from `figures/results.json`."""

from __future__ import annotations

import re

from ..core.errors import CorruptData
from ..core.files import read_json, replacing_file
from ..core.intervals import format_score, verdict
from ..core.paths import ROOT
from .figures.words import all_words, shared_labels
from .notebook import RESULTS

START, END = "<!-- results -->", "<!-- /results -->"

_EDA, _TEXT, _DAPT = "01_eda", "02_model_comparison", "03_dapt"
_SOUND, _SONGS = "04_mel_cnn_vs_embedding", "05_recommender_demo"
_CLASSIFIERS = "majority lexicon tfidf ngrams e5_frozen e5_finetuned reader"
_ELSEWHERE = "reader_sample reader_goemotions reader_kote reader_together"
_HEARD = "human tags_soft mel_statistics_soft simclr_soft cnn tags_soft_shuffled"


def _on(corpus: str, models: str) -> str:
    """Name the results of models on a corpus other than the run's first."""
    return " ".join(f"{model}@{corpus}" for model in models.split())


#: Rows of the table: notebook, measure, question, and models separated by spaces.
_ROWS = (
    (_TEXT, "macro_f1", "Stories, the hard corpus, macro-F1", _on("stories", _CLASSIFIERS)),
    (_TEXT, "macro_f1", "Sentences (`default`: of unseen writers; `open`: KOTE), macro-F1",
     f"{_CLASSIFIERS} {_ELSEWHERE}"),
    (_TEXT, "macro_f1", "GoEmotions-Korean, macro-F1",
     _on("goemotions", f"{_CLASSIFIERS} {_ELSEWHERE}")),
    (_TEXT, "macro_f1_difference", "Sentences, difference in macro-F1",
     "e5_finetuned-e5_frozen reader-ngrams reader-e5_finetuned"),
    (_TEXT, "f1_peace", "Sentences, F1 of peace", "reader"),
    (_TEXT, "f1_neutral", "Sentences, F1 of neutral", "reader"),
    (_TEXT, "ece", "Sentences, expected calibration error", "raw calibrated reader"),
    (_DAPT, "macro_f1_difference", "After continued pre-training, difference in macro-F1",
     "tapt-none lyrics-none unrelated-none"),
    (_SOUND, "kappa", "Lyrics, agreement with their readers, kappa",
     "lyrics_read_by_couplets lyrics_read"),
    (_SOUND, "r", "160 real songs, r with what listeners felt", _on("mean", _HEARD)),
    (_SOUND, "kappa", "Mel vectors of 2022 against its lyrics, kappa", "mel_2022"),
    (_SOUND, "kappa_composer", "Composed sound against what it was composed for, kappa",
     "composed_ear real_ear cnn@composer"),
    (_SONGS, "fit", "Answers whose song was meant for the feeling",
     "random half lyric_corrected fused ours"),
    (_SONGS, "coverage", "Share of the catalogue ever answered", "random 2022 ours"),
    (_SONGS, "reasons", "The word that moved the reading is the one that readers underlined",
     "random top_word"),
    (_SONGS, "recall", "People at risk found, on writers not learned from",
     "care care_direct care_as_risk"),
    (_SONGS, "false_alarm", "Harmless sentences answered as if at risk",
     "care_harmless ordinary ordinary_as_risk"),
    ("run", "seconds", "Seconds from `make run` to the first answer, installed", "first_answer"),
    ("run", "minutes", "Minutes of the whole run on two cores, from nothing", "default open"),
)  # fmt: skip
_RUNS = (("default", "sample data"), ("open", "KOTE; vectors of 2022"))
#: English names in `results.json` that no figure shows.
_NAMES = {
    "raw": "E5 fine-tuned, before temperature scaling",
    "calibrated": "E5 fine-tuned, after it", "none": "no further pre-training",
    "tapt": "on the task's own sentences", "lyrics": "on lyrics",
    "unrelated": "on recipes and rules",
    "composed_ear": "MusiCNN and a head taught by composed songs, out of fold",
    "real_ear": "MusiCNN and the head taught by real listeners",
    "cnn@composer": "CNN on raw mel", "mel_2022": "2022",
    "half": "half lyrics, half sound",
    "fused": "fused vectors", "lyric_corrected": "corrected lyrics",
    "lyrics_read_by_couplets": "by the sentence reader, couplet by couplet",
    "lyrics_read": "with n-grams taught on other writers' lyrics", "random": "at random",
    "top_word": "WYF, by occlusion",
    "care": "by either answer", "care_direct": "direct words, by either answer",
    "care_as_risk": "by the helpline on top", "care_harmless": "look-alikes, by either answer",
    "ordinary": "ordinary sentences, by either answer",
    "ordinary_as_risk": "ordinary sentences, by the helpline on top",
    "2022": "2022: half-half, top 5", "ours": "WYF", "first_answer": "WYF", "default": "",
    "open": "",
}  # fmt: skip

#: Rows of the short Korean table: notebook, name in `results.json`, question.
_KOREAN = (
    (_TEXT, "macro_f1/majority", "문장의 감정, macro-F1: 최빈 감정만 답할 때"),
    (_TEXT, "macro_f1/tfidf", "문장의 감정, macro-F1: 글자 TF-IDF"),
    (_TEXT, "macro_f1/e5_finetuned", "문장의 감정, macro-F1: E5 미세조정"),
    (_TEXT, "macro_f1_difference/e5_finetuned-tfidf", "E5 미세조정과 글자 TF-IDF의 차이"),
    (_TEXT, "macro_f1/ngrams", "문장의 감정, macro-F1: 자모와 형태소 TF-IDF"),
    (_TEXT, "macro_f1/reader", "문장의 감정, macro-F1: WYF가 답할 때 쓰는 모델(자모·형태소와 E5)"),
    (_TEXT, "macro_f1/reader@stories", "어려운 이야기 문장, macro-F1: WYF가 답할 때 쓰는 모델"),
    (_SOUND, "kappa/lyrics_read", "가사의 감정, 읽은 사람과의 일치도(카파)"),
    (
        _SOUND,
        "r/human@mean",
        "실제 노래 160곡, 사람이 느낀 감정과의 상관: 사람끼리",
    ),
    (_SOUND, "r/tags_soft@mean", "실제 노래에서의 상관: WYF의 귀(MusiCNN)"),
    (_SOUND, "r/cnn@mean", "실제 노래에서의 상관: 멜 CNN"),
    (_SOUND, "top1/majority_2022", "2022년 노래의 가사 감정, Top-1: 최빈 감정만 답할 때"),
    (_SOUND, "top1/mel_2022", "2022년 노래의 가사 감정, Top-1: 2022년 멜 벡터"),
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
    parts = re.sub("@(goemotions|stories|mean)$", "", model).split("-")
    heard = {name: text["en"] for name, text in all_words()["04_hearing"]["labels"].items()}
    heard["human"] = "half of the listeners with the other half"
    names = heard | shared_labels("text_models", "en") | _NAMES
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
