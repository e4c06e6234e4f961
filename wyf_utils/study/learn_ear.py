"""Learn the ear from Emotify's songs and listeners: `python -m wyf_utils.study.learn_ear`.

It writes `data/reference/ear.json` (the head and its card), `ear_tags.csv`, what MusiCNN heard in
the songs, and `adaptor.npz`, through which it hears mels of 48 bands. Tags are rounded before
anything is learned from them, so that whoever has the listeners' answers learns the same numbers
from the committed tags.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from ..core import emotions, metrics
from ..core.errors import BadInput
from ..core.files import replacing_file
from ..core.runtime import progress
from ..data import emotify
from ..sound import adaptor, audio_files, ear, musicnn, share_heads
from ..text.prediction import calibrate
from .hearing import HearingExperiment

MODEL = "tags_soft"
#: Decimals of the tags' log-odds, and of the head's numbers.
_TAG_DECIMALS, _DECIMALS = 3, 6
_SOURCE = (
    "160 songs of Emotify (Aljanaki, Wiering and Veltkamp 2016; sergi-andreu/"
    "ProjectMusicInformatics at 474daaa), seconds 20 to 50, and the shares of their listeners who "
    "marked joy, tension, peace and sadness"
)
_LICENCE = (
    "answers for research use, and so is this head; songs CC BY-NC-SA (Magnatune); neither songs "
    "nor answers are here; MusiCNN ISC"
)
_NEVER = (
    "Listeners had no words for anger and neutral. Anger is a share of tension by the song's tags, "
    "neutral a share of doubt and never the largest; both by rule (sound/ear.py), which no "
    "listener has confirmed. Of the tags' places, arousal goes with the listeners, valence does "
    "not: anger is heard in metal and punk, and hardly elsewhere."
)
_LIMITS = (
    "Western classical, rock, electronic and pop music of one label; no Korean song. Half of the "
    "listeners agree with the other half by kappa/human."
)


def tags_path() -> Path:
    """Return the place of the tags, `data/reference/ear_tags.csv`."""
    return ear.head_path().with_name("ear_tags.csv")


def hear_songs(answers: emotify.Emotify) -> pd.DataFrame:
    """Hear the songs as a person's own files are heard.

    Returns
    -------
    DataFrame
        A row a song: id, and the log-odds of `musicnn.TAGS`, rounded.
    """
    songs = answers.songs
    heard = musicnn.hear_songs(songs["path"], audio_files.START, audio_files.SECONDS)
    odds = np.round(musicnn.log_odds(heard.tags), _TAG_DECIMALS)
    table = pd.DataFrame(odds, columns=list(musicnn.TAGS))
    table.insert(0, "id", songs["id"].to_numpy())
    return table


def experiment(answers: emotify.Emotify, tags: pd.DataFrame) -> HearingExperiment:
    """Predict the shares of listeners out of fold, from tags as of `hear_songs`.

    Raises
    ------
    BadInput
        If tags and answers are of different songs.
    """
    if tags["id"].tolist() != answers.songs["id"].tolist():
        raise BadInput(
            "The tags are of other songs than the answers; hear the songs again.",
            "태그의 곡과 답의 곡이 달라요. 곡을 다시 들어 주세요.",
        )
    found = HearingExperiment(answers, {"tags": tags[list(musicnn.TAGS)].to_numpy(float)})
    found.add([MODEL])
    return found


def learn_head(found: HearingExperiment) -> ear.Head:
    """Fit the head on all songs; its temperature comes from the predictions out of fold.

    The standardisation of the tags is folded into weights and bias.
    """
    odds, felt = found.features["tags"], list(ear.FELT)
    scaler, soft = share_heads.fit_shares("soft", odds, found.six[:, felt], 0)
    weights = (soft.model_.coef_ / scaler.scale_).T
    bias = soft.model_.intercept_ - scaler.mean_ @ weights
    return ear.Head(
        np.round(weights, _DECIMALS),
        np.round(bias - bias.mean(), _DECIMALS),
        round(temperature(found.six[:, felt], [a[:, felt] for a in found.answers[MODEL]]), 3),
    )


def temperature(shares: np.ndarray, predicted: list[np.ndarray]) -> float:
    """Calibrate predictions (n, 4), an array a repeat, to the emotion that most listeners felt.

    Returns
    -------
    float
        The temperature of the lowest negative log-likelihood (Guo et al. 2017). Shares of
        listeners are flatter than a label; a lyric's vector is calibrated to labels too.
    """
    labels = np.tile(shares.argmax(1), len(predicted))
    return calibrate(np.concatenate(predicted), labels)["temperature"]


def card(found: HearingExperiment, head: ear.Head) -> dict:
    """Describe a head: its origin, its scores out of fold with 95 % intervals, and its limits."""
    scores = found.scores()
    names = [f"r/{MODEL}@{name}" for name in (*emotify.SIX, "mean")]
    names += [f"kappa/{MODEL}", "r/human@mean", "kappa/human"]
    listeners = found.six
    vectors = head.felt(found.features["tags"])
    valence, arousal = ear.places(found.features["tags"]).T
    felt = {name: listeners[:, emotions.EN.index(name)] for name in emotify.SIX}
    pleasant = felt["joy"] + felt["peace"] - felt["tension"] - felt["sadness"]
    awake = felt["joy"] + felt["tension"] - felt["peace"] - felt["sadness"]
    inside = metrics.kappa(listeners.argmax(1), np.array(ear.FELT)[vectors.argmax(1)])
    return {
        "what": "multinomial logistic regression on the log-odds of MusiCNN's 50 tags",
        "learned from": _SOURCE,
        "licence": _LICENCE,
        "out of fold": {name: _rounded(scores[name]) for name in names},
        "in sample": {"kappa": round(float(inside), 2)},
        "places": {
            "r of valence and listeners": round(float(np.corrcoef(valence, pleasant)[0, 1]), 2),
            "r of arousal and listeners": round(float(np.corrcoef(arousal, awake)[0, 1]), 2),
        },
        "never says": _NEVER,
        "limits": _LIMITS,
    }


def _rounded(score: dict[str, float]) -> dict[str, float]:
    rounded = {name: round(float(score[name]), 2) for name in ("mean", "low", "high")}
    return rounded | {"n": int(score["n"])}


def write(head: ear.Head, about: dict, path: Path) -> None:
    """Write a head and its card as JSON, a line a tag."""
    weights = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(row)}"
        for name, row in zip(musicnn.TAGS, head.weights.tolist(), strict=True)
    )
    described = json.dumps(about, indent=1, ensure_ascii=False).replace("\n", "\n ")
    text = (
        f'{{\n "card": {described},\n'
        f' "emotions": {json.dumps([emotions.EN[i] for i in ear.FELT])},\n'
        f' "temperature": {head.temperature},\n "bias": {json.dumps(head.bias.tolist())},\n'
        f' "weights": {{\n{weights}\n }}\n}}\n'
    )
    with replacing_file(path) as work:
        work.write_text(text, encoding="utf-8")


def main() -> None:
    """Hear Emotify's songs, learn head and adaptor, and write the three files."""
    answers = emotify.load()
    tags = hear_songs(answers)
    found = experiment(answers, tags)
    head = learn_head(found)
    with replacing_file(tags_path()) as work:
        tags.to_csv(work, index=False, float_format=f"%.{_TAG_DECIMALS}f", lineterminator="\n")
    write(head, card(found, head), ear.head_path())
    paths = progress(answers.songs["path"].tolist(), desc="learn the adaptor")
    adaptor.learn(map(audio_files.read_waveform, paths)).save(adaptor.adaptor_path())


if __name__ == "__main__":
    main()
