"""Time and memory of reading and cleaning a catalogue of 2022's size."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ..core.paths import profile_folder
from ..data import cleaning, song_files, song_meta

#: Songs and lyrics of the catalogue of 2022.
SONGS, LYRICS = 707_989, 145_636


def write_catalogue(folder: Path, songs: int = SONGS, lyrics: int = LYRICS) -> None:
    """Write song_meta.json, genre_gn_all.json and lyrics.tsv in the form of 2022.

    Words are random. The shares of songs that each cleaning rule removes are those of 2022.
    """
    rng = np.random.default_rng(0)
    words = _words(rng)
    columns, rows = _songs(rng, words, songs, lyrics)
    _write_songs(folder / "song_meta.json", columns)
    genres = json.dumps({code: code for code in np.unique(columns["genre"])})
    (folder / "genre_gn_all.json").write_text(genres, encoding="utf-8")
    _write_lyrics(folder / "lyrics.tsv", rng, words, columns, rows)


def _words(rng: np.random.Generator) -> np.ndarray:
    """Make words from the first half of one sample word and the second half of another."""
    sample = song_files.read_catalogue(profile_folder("sample"))["lyric"]
    known = sorted({word for lyric in sample for word in lyric.split()})
    pairs = rng.choice(known, (400_000, 2))
    return np.array([a[: (len(a) + 1) // 2] + b[len(b) // 2 :] for a, b in pairs])


def _draw(rng: np.random.Generator, words: np.ndarray, count: int) -> np.ndarray:
    """Draw words of which a few are frequent and most are rare."""
    return words[(len(words) * rng.random(count) ** 4).astype(int)]


def _songs(
    rng: np.random.Generator, words: np.ndarray, songs: int, lyrics: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Draw the columns of songs, and the rows of those with a lyric."""
    silent = rng.random(songs) < 0.25
    silent_genres = rng.choice(sorted(cleaning.GENRES_WITHOUT_LYRICS), songs)
    sung_genres = rng.choice([f"GN{n:02}00" for n in range(1, 11)], songs)
    suffixes = ["", "", " (Inst.)", " (대사)", " &amp; &#39;", None]
    suffix = rng.choice(suffixes, songs, p=[0.45, 0.45, 0.05, 0.005, 0.04, 0.005])
    date = 10_000 * rng.integers(2005, 2021, songs)
    date += 100 * rng.integers(0, 13, songs)
    date += rng.integers(0, 29, songs)
    names = words[rng.integers(len(words), size=(songs, 3))]
    artist = np.where(rng.random(songs) < 0.03, "Various Artists", _draw(rng, words, songs))
    rows = np.sort(rng.permutation(np.flatnonzero(~silent))[:lyrics])
    copies, originals = rows[50::50], rows[49:-1:50]
    names[copies], artist[copies] = names[originals], artist[originals]
    # a series of calendar days by one artist, which one rule removes
    artist[:130] = "하루 생일"
    suffix[:130] = [f" {1 + n // 28}월 {1 + n % 28}일" for n in range(130)]
    genre = np.where(silent, silent_genres, sung_genres)
    return {"genre": genre, "suffix": suffix, "date": date, "names": names, "artist": artist}, rows


def _write_songs(path: Path, columns: dict[str, np.ndarray]) -> None:
    with path.open("w", encoding="utf-8") as file:
        rows = zip(*columns.values(), strict=True)
        for i, (genre, suffix, date, names, artist) in enumerate(rows):
            record = {
                "song_gn_dtl_gnr_basket": [genre[:-1] + "1"],
                "issue_date": str(date),
                "album_name": " ".join(names[:2]),
                "album_id": i // 9,
                "artist_id_basket": [i // 30],
                "song_name": None if suffix is None else f"{names[2]} {names[0]}{suffix}",
                "song_gn_gnr_basket": [genre],
                "artist_name_basket": [artist],
                "id": i,
            }
            file.write(("[" if i == 0 else ", ") + json.dumps(record, ensure_ascii=False))
        file.write("]")


def _write_lyrics(
    path: Path,
    rng: np.random.Generator,
    words: np.ndarray,
    columns: dict[str, np.ndarray],
    rows: np.ndarray,
) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("id\tsong_id\tsong_name\tlyric\tartist\tgenre\talbum\talbum_id\trelease\n")
        for n, song in enumerate(rows):
            text = _draw(rng, words, int(rng.lognormal(4.6, 0.5)) + 8)
            lines = "\\n".join(" ".join(text[k : k + 5]) for k in range(0, len(text), 5))
            section = "[Verse 1]" if song % 4 == 0 else ""
            artist, date = columns["artist"][song], columns["date"][song]
            file.write(f"{n}\t{song}\t\t{section}{lines}\t{artist}\t\t\t{song // 9}\t{date}\n")


def clean_catalogue(folder: str) -> None:
    """Read and clean a catalogue, and print seconds and peak memory of each step."""
    from ..text import bundled_e5  # loads torch, which `write_catalogue` needs not

    start = time.perf_counter()

    def report(step: str) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        seconds = time.perf_counter() - start
        print(f"  {step:<44} {seconds:10.1f} s  {peak:6.2f} GB", flush=True)

    print("\ncatalogue of 2022's size, seconds and peak memory so far")
    report("imports")
    song_meta.read_song_meta(Path(folder) / "song_meta.json")
    report("song_meta.json")
    catalogue = song_files.read_catalogue(Path(folder))
    report("song_meta.json again, with genres and lyrics")
    rules = cleaning.song_rules(bundled_e5.count_tokens)
    songs, ledger = cleaning.apply_rules(catalogue, rules, show="title")
    report(f"cleaned, {ledger['rows_in'][0]:,} songs to {len(songs):,}")


def clean() -> None:
    """Clean a catalogue of 2022's size in a process of its own, whose memory is measured."""
    with tempfile.TemporaryDirectory() as folder:
        write_catalogue(Path(folder))
        code = f"from wyf_utils.bench.catalogue import clean_catalogue as c; c({folder!r})"
        subprocess.run([sys.executable, "-c", code], check=True)
