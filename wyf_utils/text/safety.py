"""Detection of sentences of people at risk of suicide or self-harm, and what is shown to them.

Direct wordings are rules, which nothing overrides. Everything else is judged by three linear
models, on characters, letters and morphemes, taught on the training half of `care.csv` and on
ordinary sentences. It is no diagnosis: it misses people, and it troubles some who only exaggerate.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.pipeline import Pipeline, make_pipeline

from ..core import artifacts
from ..core.files import read_json, write_json
from ..core.paths import profile_folder
from ..core.runtime import progress
from ..data import splits, text_corpora
from ..data.cleaning import normalise_text
from . import ngrams

#: 109 is the suicide-prevention line of the Ministry of Health and Welfare, 1388 the youth line.
HELPLINE = {
    "ko": "많이 힘드신 것 같아요. 혼자 견디지 않으셔도 됩니다. 자살예방 상담전화 109에서 24시간 "
    "이야기를 들어 드려요. 청소년이라면 1388에서도 언제든 이야기할 수 있어요.",
    "en": "This sounds very hard, and you need not bear it alone. In Korea the suicide-prevention "
    "line 109 listens day and night, and 1388 is there for the young.",
}
#: One quiet line where a sentence is heavy without words of danger.
QUIET_LINE = {
    "ko": "많이 지친 하루였나 봐요. 누군가에게 털어놓고 싶다면 109에서 24시간 들어 드려요.",
    "en": "It seems to be a heavy day. If you would like to talk, 109 listens day and night.",
}
RISK, DISTRESS = "risk", "distress"
TEXTS = {RISK: HELPLINE, DISTRESS: QUIET_LINE}

_BETWEEN = r"[\W_ㅋㅎㅠㅜ]*"
#: Direct wordings. Signs may stand between their parts, but another word never ends in the first.
_DIRECT = (
    rf"(?<!\w)(?:죽|뒤지|디지)고{_BETWEEN}(?:만|도|는)?{_BETWEEN}(?:싶|시퍼|시프|십[다어]|파)(?!지)",
    rf"(?<!\w)(?:그냥|확|콱|이대로|다|나도|나)?{_BETWEEN}죽어{_BETWEEN}(?:버리고|버릴)"
    rf"{_BETWEEN}(?:싶|까|래|거|게)",
    rf"(?<!\w)(?:자살|ㅈㅅ|자해){_BETWEEN}(?:을|를|도)?{_BETWEEN}또?{_BETWEEN}"
    r"(?:하고|할|했|하려|해버|생각|충동|계획|시도|마렵)",
    rf"(?<!\w)목숨{_BETWEEN}(?:을|도)?{_BETWEEN}(?:고만|그만|이만)?{_BETWEEN}"
    r"(?:끊|버리)(?:고|을|어|려|자)",
    rf"(?<!\w)(?:나|저|제|내|자신|스스로|몸){_BETWEEN}(?:를|을|몸을|자신을)?{_BETWEEN}"
    rf"(?:해치|해하)고{_BETWEEN}(?:싶|시퍼|십)",
    rf"(?<!\w)그만{_BETWEEN}살고{_BETWEEN}(?:싶|시퍼|십)",
    rf"^(?:나|난|이제|정말|진짜|그냥|더|더는|너무)?{_BETWEEN}살기{_BETWEEN}(?:가|도)?{_BETWEEN}싫",
    rf"(?<!\w)죽는{_BETWEEN}(?:게|것이){_BETWEEN}(?:소원|낫|나을|나아|편)",
    rf"(?<!\w)죽으면{_BETWEEN}(?:다|차라리)?{_BETWEEN}편(?:하|할|해|안)",
    rf"(?<!\w)죽을{_BETWEEN}(?:란다|랍니다|생각(?:만|을|도|이|뿐))",
    rf"(?<!\w)극단적인?{_BETWEEN}선택{_BETWEEN}(?:을|도)?{_BETWEEN}(?:하고|할|하려)",
    rf"(?<!\w)(?:손목|팔){_BETWEEN}(?:을|를)?{_BETWEEN}(?:그었|그어|긋고)",
    rf"(?<!\w)유서{_BETWEEN}(?:를|도|까지)?{_BETWEEN}(?:썼|써|쓰고|쓸|남겼|남기|적었)",
)
_DIRECT_PATTERN = re.compile("|".join(_DIRECT))
_LETTERS_APART = re.compile(r"(?<!\S)\S(?: \S){3,}(?!\S)")
_CLAUSE_END = re.compile(r"[.!?\n…~]+")

#: Units that are counted (`ngrams.UNITS`), one model each.
UNITS = ("characters", "letters", "morphemes")
#: Ordinary sentences in training, and the weight of one beside a sentence of `care.csv`.
ORDINARY, WEIGHT = 6000, 0.1
#: Ordinary sentences that only set thresholds.
UNSEEN = 2000
#: Largest shares above the threshold of a level: of harmless look-alikes, out of fold by writer,
#: and of ordinary sentences.
FALSE_ALARMS = {RISK: (0.02, 0.005), DISTRESS: (0.05, 0.03)}
#: Fewest characters of a clause that is judged alone.
CLAUSE = 5
CARD = "safety.json"


def is_direct(sentence: str) -> bool:
    """Detect direct wordings of a wish to die or of self-harm."""
    text = _LETTERS_APART.sub(lambda run: run[0].replace(" ", ""), normalise_text(sentence))
    return bool(_DIRECT_PATTERN.search(text))


@dataclass(frozen=True, eq=False)
class RiskDetector:
    """Judge of sentences: risk, distress or neither.

    Attributes
    ----------
    models : tuple of Pipeline
        TF-IDF and logistic regression, one for each of `UNITS`.
    risk, distress : float
        Lowest scores of both levels.
    """

    models: tuple[Pipeline, ...]
    risk: float
    distress: float

    def level(self, sentence: str) -> str:
        """Judge a sentence: `RISK`, `DISTRESS`, or blank for neither."""
        return RISK if is_direct(sentence) else self.levels([sentence])[0]

    def levels(self, sentences: Sequence[str]) -> list[str]:
        """Judge many sentences at once, as `level` does."""
        scores = _scores(self.models, sentences)
        scores = np.where([is_direct(sentence) for sentence in sentences], np.inf, scores)
        above = [scores >= self.risk, scores >= self.distress]
        return np.select(above, [RISK, DISTRESS], "").tolist()


def _scores(models: Sequence[Pipeline], sentences: Sequence[str]) -> np.ndarray:
    """Compute log-odds of risk, (n,), the mean of all models.

    The highest score of the whole and of its clauses counts, so that nothing harmless hides what
    stands beside it.
    """
    clauses = [
        [sentence, *(c for c in _CLAUSE_END.split(sentence) if CLAUSE <= len(c) < len(sentence))]
        for sentence in sentences
    ]
    texts = [clause for row in clauses for clause in row]
    scores = np.mean([model.decision_function(texts) for model in models], axis=0)
    starts = np.cumsum([0, *map(len, clauses[:-1])])
    return np.maximum.reduceat(scores, starts)


def _fit(care: pd.DataFrame, ordinary: Sequence[str]) -> tuple[Pipeline, ...]:
    """Fit all models on sentences of `care.csv` and on ordinary ones."""
    texts = [*care["text"], *ordinary]
    at_risk = np.concatenate([care["at_risk"], np.zeros(len(ordinary), bool)])
    weights = np.where(np.arange(len(texts)) < len(care), 1.0, WEIGHT)
    models = []
    for unit in UNITS:
        model = make_pipeline(
            ngrams.vectorizer([unit], min_df=2), LogisticRegression(C=30, solver="liblinear")
        )
        models.append(model.fit(texts, at_risk, logisticregression__sample_weight=weights))
    return tuple(models)


def trained() -> artifacts.Entry:
    """Return the detector of the sample's `care.csv` from the cache, fitted where it is new."""
    root = profile_folder("sample")
    names = ("care.csv", "sentiment_dialogue.csv", "single_turn.csv", "readings.csv")
    data = artifacts.fingerprint(
        [hashlib.sha256((root / name).read_bytes()).hexdigest() for name in names]
    )

    def make(folder: Path) -> None:
        care = text_corpora.care_sentences()
        care = care[care["part"] == "train"].reset_index(drop=True)
        ordinary = splits.split(text_corpora.utterances("sample")[0], 0)["train"]["text"]
        ordinary = ordinary.sample(ORDINARY + UNSEEN, random_state=0).tolist()
        ordinary, unseen = ordinary[:ORDINARY], ordinary[ORDINARY:]
        scores, calm = np.empty(len(care)), np.zeros(UNSEEN)
        folds = list(LeaveOneGroupOut().split(care, groups=care["writer"]))
        for rest, held_out in progress(folds, desc="learn words of danger"):
            models = _fit(care.iloc[rest], ordinary)
            scores[held_out] = _scores(models, care["text"].iloc[held_out].tolist())
            calm += _scores(models, unseen) / len(folds)
        # A writer of harmless sentences alone has kinds that the other folds do not know.
        mixed = care.groupby("writer")["at_risk"].transform("any")
        harmless = scores[(mixed & ~care["at_risk"]).to_numpy()]
        card = {
            level: float(max(np.quantile(harmless, 1 - alike), np.quantile(calm, 1 - other)))
            for level, (alike, other) in FALSE_ALARMS.items()
        }
        for name, model in zip(UNITS, _fit(care, ordinary), strict=True):
            (folder / name).mkdir()
            ngrams.save(model, folder / name)
        write_json(folder / CARD, card)

    return artifacts.get_or_create("safety", make, parameters={}, data=data)


def load(folder: Path) -> RiskDetector:
    """Load a detector from the folder of `trained`."""
    models = tuple(ngrams.load(folder / unit) for unit in UNITS)
    return RiskDetector(models, **read_json(folder / CARD))
