"""The numbers on the data cards are those of the files."""

import csv
import json
import re
from collections import Counter

from wyf_utils.core import emotions
from wyf_utils.core.paths import ROOT
from wyf_utils.data import song_files, text_corpora

CARD = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
SAMPLE = ROOT / "data" / "sample"
FILES = (
    *("sentiment_dialogue", "single_turn", "stories", "readings", "writers", "conversation"),
    *("lyric_intent", "lyric_readings", "lyric_lines", "care", "lexicon", "unrelated"),
)


def rows(name, delimiter=","):
    with (SAMPLE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def counts_after(words):
    found = re.search(
        re.escape(words) + r"[^\n]*?: ((?:[가-힣]{2} (?:\d[\d,]*\d|\d)(?:, )?)+)",
        CARD.replace("\n  ", " "),
    )
    return {
        name: int(n.replace(",", ""))
        for name, n in re.findall(r"([가-힣]{2}) (\d[\d,]*\d|\d)", found.group(1))
    }


def test_rows_of_every_file():
    for name, delimiter in [(f"{name}.csv", ",") for name in FILES] + [("lyrics.tsv", "\t")]:
        line = next(row for row in CARD.splitlines() if row.startswith(f"| `{name}`"))
        assert f"| {len(rows(name, delimiter)):,} |" in line, name
    songs = json.loads((SAMPLE / "song_meta.json").read_text(encoding="utf-8"))
    assert f"| {len(songs):,} songs |" in CARD


def test_counts_by_emotion():
    read = Counter(row["emotion"] for row in rows("readings.csv") if row["file"] != "stories")
    assert counts_after("Typed sentences by reading") == {
        e.ko: read[e.en] for e in emotions.EMOTIONS
    }
    assert counts_after("Intended emotion") == Counter(r["first"] for r in rows("lyric_intent.csv"))
    per_label = Counter(r["감정_소분류"] for r in rows("sentiment_dialogue.csv")).values()
    assert f"{min(per_label)} to {max(per_label):,} sentences each" in CARD


def test_agreement_of_the_readers():
    from wyf_utils.data import readings

    pairs = text_corpora.reader_pairs()
    lyric, lines, care = (
        song_files.lyric_readings(),
        song_files.lyric_lines(),
        text_corpora.care_sentences(),
    )
    for words, first, second in (
        (
            "typed sentences",
            pairs["first"][pairs["file"] != "stories"],
            pairs["second"][pairs["file"] != "stories"],
        ),
        (
            "stories",
            pairs["first"][pairs["file"] == "stories"],
            pairs["second"][pairs["file"] == "stories"],
        ),
        ("lyrics", lyric["reader_1_first"], lyric["reader_2_first"]),
        ("couplets", lines["reader_1"], lines["reader_2"]),
        ("words of danger", care["reader_1"], care["reader_2"]),
    ):
        assert f"{words} {readings.agreement(first, second)['all']:.2f}" in CARD.replace(
            "\n  ", " "
        ), words


def test_hands():
    hands = Counter(row["wrote"] for row in rows("writers.csv"))
    assert (
        f"{hands['sentences']} wrote sentences, {hands['lyrics']} lyrics, {hands['care']} "
        f"words of danger" in CARD.replace("\n  ", " ")
    )
    hard = [row for row in rows("readings.csv") if row["form"]]
    assert f"{len(hard):,} sentences" in CARD and len(hard) >= 0.1 * (
        len(rows("sentiment_dialogue.csv")) + len(rows("single_turn.csv"))
    )
