"""The numbers on the data cards are those of the files."""

import csv
import json
import re
from collections import Counter

from wyf_utils import emotions
from wyf_utils.settings import ROOT

CARD = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
SAMPLE = ROOT / "data" / "sample"


def rows(name, delimiter=","):
    with (SAMPLE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def counts_after(words):
    found = re.search(re.escape(words) + r"[^\n]*?: ((?:[가-힣]{2} \d+(?:, )?)+)", CARD.replace("\n  ", " "))
    return {name: int(n) for name, n in re.findall(r"([가-힣]{2}) (\d+)", found.group(1))}


def test_rows_of_every_file():
    for name, delimiter in (
        ("sentiment_dialogue.csv", ","),
        ("single_turn.csv", ","),
        ("conversation.csv", ","),
        ("lyric_intent.csv", ","),
        ("lexicon.csv", ","),
        ("lyrics.tsv", "\t"),
    ):
        line = next(row for row in CARD.splitlines() if row.startswith(f"| `{name}`"))
        assert f"| {len(rows(name, delimiter)):,} |" in line, name
    songs = json.loads((SAMPLE / "song_meta.json").read_text(encoding="utf-8"))
    assert f"| {len(songs)} songs |" in CARD


def test_counts_by_emotion():
    labels = [emotions.SENTIMENT_DIALOGUE[r["감정_소분류"]] for r in rows("sentiment_dialogue.csv")]
    labels += [emotions.SINGLE_TURN[r["Emotion"]] for r in rows("single_turn.csv")]
    assert counts_after("Counts by emotion") == {emotions.KO[e]: n for e, n in Counter(labels).items()}
    assert counts_after("Intended emotion") == Counter(r["first"] for r in rows("lyric_intent.csv"))
    per_label = Counter(r["감정_소분류"] for r in rows("sentiment_dialogue.csv")).values()
    assert f"{min(per_label)} to {max(per_label)} sentences each" in CARD
