"""From a typed sentence to an answer: emotion vector, message, songs and reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from ..core import emotions
from ..core.paths import JAMENDO
from ..data.cleaning import RELEASED_FROM, check_sentence
from ..data.signs import spell
from ..music import feedback, recommender
from ..music.database import MusicDatabase
from ..music.recommender import SongQuery
from ..text import explanation, safety
from .loading import open_detector, open_encoder, open_reader, open_songs

NEUTRAL = emotions.EN.index("neutral")
#: Target of a neutral sentence in the modes match and wide: half peace, half neutral.
CALM = np.eye(emotions.N)[[emotions.EN.index("peace"), NEUTRAL]].mean(axis=0)

_CALM = {
    "ko": "뚜렷한 감정이 읽히지 않아서, 담담하고 편안한 노래를 골랐어요.",
    "en": "No clear emotion was read, so these songs are plain and calm.",
}
#: Messages to a neutral sentence in the modes that start from the sentence itself.
_UNCLEAR = {
    "path": {
        "ko": "뚜렷한 감정이 읽히지 않아서, 담담한 기분에서 출발해요.",
        "en": "No clear emotion was read, so the path starts from a plain mood.",
    },
    "opposite": {
        "ko": "뚜렷한 감정이 읽히지 않아서, 그 반대편도 뚜렷하지 않아요.",
        "en": "No clear emotion was read, so its opposite is not clear either.",
    },
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Answer to a sentence.

    Attributes
    ----------
    sentence : str
        The sentence as it was read.
    emotion_vector : ndarray of shape (6,)
        Its six probabilities.
    named : int or None
        Emotion id that the person named when asked.
    query : SongQuery
        Mode, filters and seed.
    query_vectors : ndarray of shape (1, 6) or (k, 6)
        Unit vectors that were searched for: one for all songs, or one per step of a path.
    sure : bool
        Whether the confidence is above the reader's threshold, or an emotion was named.
    message : dict
        Text beside the songs by language (ko, en); blank where there is nothing to say.
    care : str
        Level of danger by `safety.RiskDetector`: risk, distress, or blank.
    songs : DataFrame
        As `recommender.recommend` returns it.
    vectors : ndarray of shape (k, 6)
        Fused vectors of the songs.
    profile : str
        Data profile of the songs.
    """

    sentence: str
    emotion_vector: np.ndarray
    named: int | None
    query: SongQuery
    query_vectors: np.ndarray
    sure: bool
    message: dict[str, str]
    care: str
    songs: pd.DataFrame
    vectors: np.ndarray
    profile: str

    @property
    def question(self) -> tuple[int, ...]:
        """Emotion ids between which the one question asks; none where the reader is sure."""
        return () if self.sure else _two_largest(self.emotion_vector)

    @property
    def helpline(self) -> dict[str, str] | None:
        """Text by language that stands before everything else; None where there is no danger."""
        return safety.TEXTS.get(self.care)

    @property
    def is_calm(self) -> bool:
        """Whether calm songs were searched for because no emotion was read."""
        return _is_calm(self.emotion_vector, self.query)


def default_min_year(songs: MusicDatabase) -> int:
    """Year of the oldest release by default; 0 (all years) for one's own music and Jamendo."""
    every = songs.provenance.get("profile") == JAMENDO or (songs.songs["path"] != "").any()
    return 0 if every else RELEASED_FROM


def daily_seed(turn: int = 0) -> int:
    """Seed of the day: the same songs today, others tomorrow, others with every further turn."""
    return date.today().toordinal() + 1_000_000 * turn  # day numbers stay below a million


def answer(
    sentence: str, run: str = "default", query: SongQuery | None = None, named: int | None = None
) -> Answer:
    """Answer a sentence with its emotions and songs, weighted by the likes kept on this machine.

    Parameters
    ----------
    sentence
        How a person feels.
    run
        Run whose reader and songs answer.
    query
        Mode, filters and seed; by default a match with the seed of the day and the years of
        `default_min_year`.
    named
        Emotion id that the person named when asked; it weighs as much as the sentence.

    Raises
    ------
    BadInput
        If the sentence cannot be read, or no song passes the filters.
    MissingData, CorruptData
        If the run has not been made, or its files are damaged.
    """
    sentence, songs = check_sentence(sentence), open_songs(run)
    query = query or SongQuery(seed=daily_seed(), min_year=default_min_year(songs))
    care, reader = open_detector().level(sentence), open_reader(songs, run)
    vector = reader.predict([spell(sentence)])[0]
    sure = named is not None or bool(vector.max() > reader.unsure_below)
    if named is not None:
        vector = ((vector + np.eye(emotions.N)[named]) / 2).astype(vector.dtype)
    target = CALM if _is_calm(vector, query) else vector
    query_vectors = recommender.query_vectors(target, query)
    kept = feedback.of_run(run)
    chosen = recommender.search(
        query_vectors, songs, query, kept.songs("like"), kept.songs("skip"), sentence
    )
    return Answer(
        sentence=sentence,
        emotion_vector=vector,
        named=named,
        query=query,
        query_vectors=query_vectors,
        sure=sure,
        message=_message(vector, sure, query.mode),
        care=care,
        songs=chosen,
        vectors=songs.fused[chosen["row"]],
        profile=songs.provenance["profile"],
    )


def explain(given: Answer, run: str = "default") -> explanation.Explanation:
    """Explain an answer: words that moved the emotion, and the lyric line nearest to the sentence.

    It reads the sentence once without each word and embeds the lyrics' lines, which takes longer
    than the answer. The words are those of the named emotion where one was named.
    """
    reader = open_reader(open_songs(run), run)
    sentence, lyrics = spell(given.sentence), given.songs["text"].tolist()
    words = explanation.word_attributions(sentence, reader, given.named)
    lines = explanation.nearest_lines(sentence, lyrics, open_encoder)
    return explanation.Explanation(words, lines)


def _is_calm(vector: np.ndarray, query: SongQuery) -> bool:
    return vector.argmax() == NEUTRAL and query.mode not in _UNCLEAR


def _two_largest(vector: np.ndarray) -> tuple[int, ...]:
    return tuple(np.argsort(-vector)[:2].tolist())


def _message(vector: np.ndarray, sure: bool, mode: str) -> dict[str, str]:
    if not sure:
        first, second = (emotions.EMOTIONS[i] for i in _two_largest(vector))
        return {
            "ko": f"이 문장만으로는 기분을 잘 모르겠어요. {first.ko}, {second.ko} 가운데 "
            "어느 쪽에 더 가까운가요?",
            "en": "I am not sure what you feel from this alone. "
            f"Is it closer to {first.en} or to {second.en}?",
        }
    return _UNCLEAR.get(mode, _CALM) if vector.argmax() == NEUTRAL else {"ko": "", "en": ""}
