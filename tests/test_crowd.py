"""Two hundred requests from eight people at once, as the page's threads ask them."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import KINDS

from wyf_utils.app import feeling
from wyf_utils.music import feedback
from wyf_utils.music.recommender import SongQuery

PEOPLE, REQUESTS = 8, 25
SENTENCES = [text for texts in KINDS.values() for text in texts]
MODES = ("match", "path", "opposite", "wide")


def memory():
    """Resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def request(person, number):
    """The sentence and query of a person's request: everyone asks in an order of their own."""
    place = person * 7 + number
    return SENTENCES[place % len(SENTENCES)], SongQuery(
        mode=MODES[place % 4], seed=place % 5, k=1 + place % 6
    )


@pytest.mark.skipif(
    not Path("/proc/self/statm").exists(),
    reason="memory is read from /proc, which this system lacks",
)
def test_a_crowd_gets_its_own_answers_in_steady_memory(small_run, tmp_path, monkeypatch):
    monkeypatch.setenv("WYF_OUT", str(tmp_path))
    shutil.copy(small_run / "music.duckdb", tmp_path)
    alone = {
        asked: feeling.answer(asked[0], query=asked[1])
        for asked in {request(p, n) for p in range(PEOPLE) for n in range(REQUESTS)}
    }
    feelings = {sentence: answer.emotion_vector for (sentence, _), answer in alone.items()}
    assert len({f.argmax() for f in feelings.values()}) == 3, (
        "answers that are all alike would prove nothing"
    )
    before = memory()

    def ask(person):
        answers = []
        for number in range(REQUESTS):
            sentence, query = request(person, number)
            answers.append(feeling.answer(sentence, query=query))
            if number % 5 == 0:
                feedback.of_run("default").add(
                    10_000 + person, "like", answers[-1].emotion_vector
                )  # no song of the catalogue: answers stay as they are
        return answers

    with ThreadPoolExecutor(PEOPLE) as crowd:
        everyone = list(crowd.map(ask, range(PEOPLE)))
    for person, answers in enumerate(everyone):
        for number, answer in enumerate(answers):
            expected = alone[request(person, number)]
            assert (answer.sentence, answer.query) == request(person, number)
            assert (
                np.allclose(answer.emotion_vector, expected.emotion_vector, atol=1e-5)
                and answer.songs["id"].tolist() == expected.songs["id"].tolist()
            )
    assert memory() - before < 60
    assert len(feedback.of_run("default").rows()) == PEOPLE * 5, "no like is lost"
