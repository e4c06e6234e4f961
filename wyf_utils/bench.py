"""`make bench`: parts of the project timed side by side in one run, with their ratios."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from . import cleaning, composer, datasets, encoders, mel, recommender
from .settings import THREADS, set_threads


def compare(title: str, calls: dict[str, Callable[[], object]], times: int = 7) -> None:
    """Time calls in turn (A B A B ...), so that a drifting machine hurts all alike, and print medians and ratios to the first."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()  # warm-up
    for _ in range(times):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            taken[name].append(time.perf_counter() - start)
    first = statistics.median(next(iter(taken.values())))
    print(f"\n{title}")
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        print(f"  {name:<44} {1000 * median:10.2f} ms   {first / median:7.1f} x")


def _search() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.dirichlet(np.ones(6), 42_839).astype(np.float32)
    units, query = recommender.normalise(vectors), vectors[0]

    def expression_2022():
        similarity = vectors @ query / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(query))
        return np.argsort(-similarity)[:5]

    compare("search, 42,839 x 6", {"norms, product and full sort per request": expression_2022, "wyf search": lambda: recommender.search(query, units, 5)}, 21)


def _embedding() -> None:
    texts = datasets.utterances("sample")[0]["text"].tolist()[:128]
    encoder = encoders.load(encoders.BUNDLED, texts)

    @torch.inference_mode()
    def one_by_one():
        for text in texts:
            encoder.model(**encoder.tokenizer(encoder.prefix + text, return_tensors="pt"))

    compare("encoder, 128 sentences", {"one text at a time": one_by_one, "batches of like length": lambda: encoders.embed(encoder, texts)}, 3)


def _sound() -> None:
    midi, cues = composer.compose(np.eye(6)[0], 0)
    sound = composer.render(midi, cues, 0)
    compare(
        "sound of one song (30 s)", {"compose and render": lambda: composer.render(*composer.compose(np.eye(6)[0], 0), 0), "mel": lambda: mel.from_sound(sound)}
    )


def _cleaning() -> None:
    songs = datasets.read_catalogue(datasets.profile_folder("sample"))
    rules = cleaning.song_rules(encoders.count_tokens)
    compare(f"catalogue cleaning, {len(songs)} songs", {"all rules": lambda: cleaning.apply_rules(songs, rules, "title")})


def main() -> None:
    """Run every comparison."""
    set_threads()
    print(f"{THREADS} threads for torch; medians; x is the ratio to the first row of each block")
    for part in (_search, _embedding, _sound, _cleaning):
        part()


if __name__ == "__main__":
    main()
