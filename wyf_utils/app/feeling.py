"""A typed sentence to an answer: the vector, what is said, and the songs, from a run's model and music database."""

from __future__ import annotations

import itertools
import os
import threading
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from ..core import emotions
from ..core.errors import MissingData, WyfError
from ..core.paths import OWN_MUSIC, cache_folder, run_folder
from ..data.cleaning import RELEASED_FROM, check_sentence
from ..music import database, feedback, recommender
from ..music.database import MusicDatabase
from ..music.recommender import SongQuery
from ..text import bundled_e5, classifier, embeddings, encoders, explanation, onnx_model, safety

_LOADING = threading.Lock()  # a page's threads wait for one loading instead of loading each

#: What is said of a song that was not scored by both its lyric and its sound.
BASIS = {
    "both": "",
    "lyric": "  가사만으로 (by its lyric alone)",
    "sound": "  소리만으로 (by its sound alone)",
}

#: What is said where no emotion was read, of songs half at peace, half without emotion.
_PLAIN = {
    "ko": "뚜렷한 감정이 읽히지 않아서, 담담하고 편안한 노래를 골랐어요.",
    "en": "No clear emotion was read, so these songs are plain and calm.",
}
#: The same in the modes that go on from the little that was read instead.
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


@dataclass(frozen=True)
class Answer:
    """What a sentence is answered with.

    Attributes
    ----------
    sentence : str
        As it was read.
    feeling : ndarray of shape (6,)
        Its six probabilities.
    query : SongQuery
        What was asked for.
    aims : ndarray of shape (1, 6) or (k, 6)
        Unit vectors that were searched for: one for all songs, or one a step on a path.
    sure : bool
        Whether the classifier is right at least once in three times where it is this confident, or its question was answered.
    said : dict
        What is said beside the songs, by language (ko, en): that the model is not sure, with one question, or that no emotion was
        read; blank where there is nothing to say.
    helpline : dict or None
        By language: the helpline, to be shown before everything else, where the sentence has words of self-harm.
    songs : DataFrame
        As `recommender.recommend` gives it.
    vectors : ndarray of shape (k, 6)
        The songs' fused vectors, to be shown beside the feeling.
    profile : str
        Data profile of the songs.
    """

    sentence: str
    emotion_vector: np.ndarray
    query: SongQuery
    query_vectors: np.ndarray
    sure: bool
    said: dict[str, str]
    helpline: dict[str, str] | None
    songs: pd.DataFrame
    vectors: np.ndarray
    profile: str

    @property
    def question(self) -> tuple[int, ...]:
        """Emotion ids between which the one question asks; none where the classifier is sure."""
        return () if self.sure else _two_largest(self.emotion_vector)

    @property
    def is_calm(self) -> bool:
        """Whether no emotion was read, so that plain, calm songs were searched for instead of the feeling's own."""
        return _is_calm(self.emotion_vector, self.query)


def _is_neutral(vector: np.ndarray) -> bool:
    return bool(vector.argmax() == emotions.EN.index("neutral"))


def _is_calm(vector: np.ndarray, query: SongQuery) -> bool:
    return _is_neutral(vector) and query.mode not in _UNCLEAR


def _two_largest(vector: np.ndarray) -> tuple[int, ...]:
    return tuple(np.argsort(-vector)[:2].tolist())


def open_songs(run: str = "default") -> MusicDatabase:
    """Songs of a run, loaded once per process and again when the file has been swapped.

    Raises
    ------
    MissingData
        If the run has built no music database.
    CorruptData
        If it is damaged, foreign, or of another version.
    """
    path = run_folder(run) / database.NAME
    if not path.is_file():
        remedy = "wyf build --music FOLDER" if run == OWN_MUSIC else f"make run RUN={run}"
        raise MissingData(
            f"The run '{run}' has built no music database yet; run `{remedy}`.",
            f"'{run}' 실행에 아직 노래 데이터베이스가 없어요. `{remedy}` 명령을 실행해 주세요.",
        )
    state = path.stat()
    with _LOADING:
        return _music(path, (state.st_ino, state.st_mtime_ns))


@lru_cache(maxsize=2)
def _music(path: Path, state: tuple[int, int]) -> MusicDatabase:  # noqa: ARG001, a swapped file is another state
    loaded = database.read(path)
    loaded.index.cosines(np.ones(emotions.N))  # made here, not under the first request
    return loaded


def open_classifier(run: str = "default") -> classifier.Classifier:
    """Classifier of a run, loaded once per process."""
    origin = open_songs(run).provenance
    model, trained = cache_folder() / "classifier" / origin["model"], origin.get("scored by", run)
    if not model.is_dir():
        raise MissingData(
            f"The model of the run '{run}' is gone from the cache; run `make run RUN={trained}`.",
            f"'{run}' 실행의 모델이 캐시에 없어요. `make run RUN={trained}`을 실행해 주세요.",
        )
    with _LOADING:
        return _reader(model)


@lru_cache(maxsize=2)
def _reader(model: Path) -> classifier.Classifier:
    loaded = onnx_model.load(model)
    loaded.predict(
        ["오늘의 기분"]
    )  # the first reading sets the tokenizer up, which two threads must not do at once
    return loaded


def _encoder() -> embeddings.Encoder:
    with _LOADING:
        return _loaded_encoder()


@lru_cache(maxsize=1)
def _loaded_encoder() -> embeddings.Encoder:
    loaded = encoders.load(bundled_e5.BUNDLED, [])
    explanation.nearest_lines(
        "오늘의 기분", ["오늘의 기분"], lambda: loaded
    )  # as in `_reader`, and in the way in which it is asked
    return loaded


def default_min_year(songs: MusicDatabase) -> int:
    """Year of the oldest release that is asked for by default; one's own music is welcome whatever its age."""
    return 0 if (songs.songs["path"] != "").any() else RELEASED_FROM


def daily_seed(turn: int = 0) -> int:
    """Seed of the day: the same sentence brings the same songs today, and others tomorrow; with every further turn others again."""
    return (
        date.today().toordinal() + 1_000_000 * turn
    )  # days do not reach a million: no turn of today is a day to come


def feel(sentence: str, run: str = "default") -> np.ndarray:
    """Six probabilities of a typed sentence, shape (6,), by the model of a run.

    Raises
    ------
    BadInput
        If the sentence cannot be read.
    MissingData
        If the run has not been made.
    """
    return open_classifier(run).predict([check_sentence(sentence)])[0]


def answer(
    sentence: str, run: str = "default", query: SongQuery | None = None, closer: int | None = None
) -> Answer:
    """Answer a sentence with what is felt in it and songs for it, by the likes and skips kept on this machine.

    Where no emotion is read (neutral is the largest), the answer says so, and songs of the feeling itself (match, wide) are half without
    emotion, half at peace.

    Parameters
    ----------
    sentence
        How a person feels.
    run
        Whose model and songs answer.
    query
        Mode, filters and seed; the defaults with the seed of the day where it is left out.
    closer
        Emotion id that the person named when asked; it counts as much as the sentence.

    Raises
    ------
    BadInput
        If the sentence cannot be read, or no song passes the query's filters.
    MissingData, CorruptData
        If the run has not been made, or its files are damaged.
    """
    sentence, query, songs = (
        check_sentence(sentence),
        query or SongQuery(seed=daily_seed()),
        open_songs(run),
    )
    vector, kept = feel(sentence, run), feedback.of_run(run)
    sure = closer is not None or bool(vector.max() > open_classifier(run).unsure_below)
    if closer is not None:
        vector = ((vector + np.eye(emotions.N)[closer]) / 2).astype(vector.dtype)
    wished = np.array([0, 0, 0.5, 0, 0, 0.5]) if _is_calm(vector, query) else vector
    chosen = recommender.recommend(wished, songs, query, kept.songs("like"), kept.songs("skip"))
    return Answer(
        sentence,
        vector,
        query,
        recommender.query_vectors(wished, query),
        sure,
        _said(vector, sure, query.mode),
        safety.HELPLINE if safety.is_at_risk(sentence) else None,
        chosen,
        songs.fused[chosen["row"]],
        songs.provenance["profile"],
    )


def _said(vector: np.ndarray, sure: bool, mode: str) -> dict[str, str]:
    """What is said beside the songs."""
    if not sure:
        first, second = (emotions.EMOTIONS[i] for i in _two_largest(vector))
        return {
            "ko": f"이 문장만으로는 기분을 잘 모르겠어요. {first.ko}{_and(first.ko)} {second.ko} 가운데 어느 쪽에 더 가까운가요?",
            "en": f"I am not sure what you feel from this alone. Is it closer to {first.en} or to {second.en}?",
        }
    return _UNCLEAR.get(mode, _PLAIN) if _is_neutral(vector) else {"ko": "", "en": ""}


def _and(word: str) -> str:
    """Particle for "and": 과 after a final consonant, else 와."""
    return "과" if (ord(word[-1]) - ord("가")) % 28 else "와"


def explain(given: Answer, run: str = "default") -> explanation.Explanation:
    """Why these songs: the words that moved the emotion, and of each song the lyric line nearest to the sentence.

    It reads the sentence once without each word and embeds the answered songs' lines, which takes longer than the answer.
    """
    words = explanation.word_attributions(given.sentence, open_classifier(run))
    return explanation.Explanation(
        words, explanation.nearest_lines(given.sentence, given.songs["text"].tolist(), _encoder)
    )


def input_box(run: str = "default"):
    """Box to type a feeling into, for a live notebook: songs for it, and others with every press. A note in an executed one."""
    from IPython.display import Markdown

    if os.environ.get("WYF_RUN_STARTED"):
        return Markdown("*Here stands a box to type into when this notebook runs live.*")
    import ipywidgets

    typed = ipywidgets.Text(placeholder="오늘의 기분은 어떤가요?", layout={"width": "60%"})
    mode = ipywidgets.Dropdown(
        options=[(" ".join(names), mode) for mode, names in recommender.MODES.items()]
    )
    press, shown = ipywidgets.Button(description="노래 찾기"), ipywidgets.Output()
    seeds = map(daily_seed, itertools.count())

    def respond(_) -> None:
        shown.clear_output(wait=True)
        with shown:
            try:
                print(
                    as_text(
                        answer(typed.value, run, SongQuery(mode=mode.value, seed=next(seeds))), run
                    )
                )
            except WyfError as error:
                print(error)

    press.on_click(respond)
    return ipywidgets.VBox([ipywidgets.HBox([typed, mode, press]), shown])


def as_text(given: Answer, run: str = "default", why: explanation.Explanation | None = None) -> str:
    """Write an answer as text for a terminal, the helpline first."""
    lines = [given.helpline["ko"], f"({given.helpline['en']})", ""] if given.helpline else []
    lines += [f"“{given.sentence}”", ""]
    lines += [
        f"  {e.ko} {e.en:<8} {p:5.2f}  {'█' * round(24 * p)}"
        for e, p in zip(emotions.EMOTIONS, given.emotion_vector, strict=True)
    ]
    if given.said["ko"]:
        lines += ["", f"  {given.said['ko']}", f"  ({given.said['en']})"]
    if why is not None and len(why.words):
        moved = why.words.head(3)
        lines += [
            "",
            "  "
            + ", ".join(
                f"'{row.word}' → {emotions.KO[row.emotion]} {row.effect:+.2f}"
                for row in moved.itertuples()
            ),
        ]
    lines += [
        "",
        f"  {len(given.songs)} songs ({given.profile} profile, run {run}, {' '.join(recommender.MODES[given.query.mode])}, seed {given.query.seed})",
    ]
    for number, song in enumerate(given.songs.itertuples(), start=1):
        details = ", ".join(str(x) for x in (song.artist, song.genre, song.year or "") if x)
        lines.append(
            f"  {number}. {song.title}"
            + (f" ({details})" if details else "")
            + f"  cosine {song.cosine:.3f}{BASIS[song.basis]}"
        )
        if why is not None and why.lines[number - 1]:
            lines.append(f"     “{why.lines[number - 1]}”")
    return "\n".join(lines)
