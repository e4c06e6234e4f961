"""`make bench`: parts of the project timed side by side in one run, with their ratios."""

from __future__ import annotations

import itertools
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from transformers import (
    BertConfig,
    DataCollatorForLanguageModeling,
    DataCollatorWithPadding,
    PreTrainedModel,
    TextClassificationPipeline,
)
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.trainer_pt_utils import LengthGroupedSampler

from .app import feeling
from .core import emotions, metrics, runtime
from .core.errors import WyfError
from .core.paths import cache_folder, profile_folder
from .core.runtime import THREADS, set_threads
from .data import cleaning, song_files, text_corpora
from .music import catalogue, recommender
from .sound import composer, dataset, mel, network_training, networks
from .study import recommender_evaluation
from .text import (
    bundled_e5,
    classifier,
    embeddings,
    emotion_model,
    encoders,
    finetuning,
    masking,
    onnx_model,
    pretraining,
    training,
)

#: Songs, songs since 2015 and lyrics that the catalogue of 2022 had, and what cleaning as many may take.
SONGS, SONGS_2015, LYRICS, SECONDS, GIGABYTES = 707_989, 42_839, 145_636, 60, 2.0


def compare(
    title: str,
    calls: dict[str, Callable[[], object]],
    times: int = 5,
    in_a_row: int = 1,
    untimed: int = 1,
) -> None:
    """Time calls by `evaluation.in_turn` and print medians and ratios to the first."""
    medians = {
        name: statistics.median(seconds)
        for name, seconds in recommender_evaluation.timed_in_turns(
            calls, times, in_a_row, untimed
        ).items()
    }
    first = next(iter(medians.values()))
    print(f"\n{title}")
    for name, median in medians.items():
        print(f"  {name:<44} {1000 * median:10.2f} ms   {first / median:7.2f} x", flush=True)


def _search() -> None:
    """One search on one thread by every program, at the sizes of 2022's catalogues."""
    times = recommender_evaluation.time_search(((SONGS_2015, 6), (SONGS, 6), (SONGS, 128)), seed=0)
    names = {
        "expression_2022": "2022: norms, product, full sort", "loop": "scikit-learn, one call a song *", "sklearn": "scikit-learn, one call in all",
        "faiss": "faiss-cpu, IndexFlatIP", "wyf": "wyf",
    }  # fmt: skip
    for (songs, dim), row in times.iterrows():
        print(
            f"\nsearch, {songs:,} x {dim}, one thread, {'identical songs' if row['same'] else 'DIFFERENT SONGS'}"
        )
        for column, name in names.items():
            if column in row:
                print(
                    f"  {name:<44} {row[column]:10.3f} ms   {row['expression_2022'] / row[column]:7.1f} x"
                )
    print(
        f"  * timed on {recommender_evaluation.LOOPED} songs and extrapolated"
        + ("" if "faiss" in times else "; faiss is not installed (pip install faiss-cpu)")
    )


def _embedding() -> None:
    texts = text_corpora.utterances("sample")[0]["text"].tolist()[:128]
    encoder = encoders.load(bundled_e5.BUNDLED, texts)

    @torch.inference_mode()
    def one_by_one():
        for text in texts:
            encoder.model(**encoder.tokenizer(encoder.prefix + text, return_tensors="pt"))

    compare(
        "encoder, 128 sentences",
        {
            "one text at a time": one_by_one,
            "batches of like length": lambda: embeddings.embed(encoder, texts),
        },
        3,
    )


class _AsPipeline(PreTrainedModel):
    """The classifier's weights under the interface that transformers' `pipeline` wants."""

    config_class = BertConfig
    _supports_sdpa = True  # as the encoder inside does

    def __init__(self, model: emotion_model.EmotionModel):
        super().__init__(BertConfig(**model.encoder.config.to_dict() | {"num_labels": emotions.N}))
        self.emotions = model

    def forward(self, input_ids, attention_mask, **_):
        """Logits as the pipeline reads them."""
        return SequenceClassifierOutput(logits=self.emotions(input_ids, attention_mask)["logits"])


def _pipeline(reference: classifier.Classifier) -> TextClassificationPipeline:
    return TextClassificationPipeline(
        model=_AsPipeline(reference.model).eval(), tokenizer=reference.tokenizer
    )


def _reading() -> None:
    """Sentences by transformers' pipeline, one text a call as in 2022, and by `predict`, on the weights of the default run."""
    parts = catalogue.sentences("sample", 0)
    entry = finetuning.trained(parts["train"], parts["dev"], finetuning.Recipe(), 0)
    reference, fast = classifier.load(entry.path), onnx_model.load_onnx(entry.path)
    texts = (
        pd.concat([part["text"] for part in parts.values()]).sample(2000, random_state=0).tolist()
    )
    pipe = _pipeline(reference)

    def one_by_one() -> None:
        for text in texts:
            pipe(reference.prefix + text)

    compare(
        "2,000 sentences to six probabilities",
        {
            "transformers pipeline, one text a call": one_by_one,
            "predict, torch": lambda: reference.predict(texts),
            "predict, ONNX eight-bit": lambda: fast.predict(texts),
        },
        times=3,
        untimed=0,
    )
    turns = itertools.cycle(texts)
    compare(
        "one sentence to six probabilities",
        {
            "transformers pipeline": lambda: pipe(reference.prefix + next(turns)),
            "predict, ONNX eight-bit": lambda: fast.predict([next(turns)]),
        },
        times=8,
        in_a_row=20,
    )
    true, test = parts["test"]["emotion"].to_numpy(), parts["test"]["text"].tolist()
    exact, eight_bit = (model.predict([*texts, *test]).argmax(1) for model in (reference, fast))
    same, f1 = (
        exact == eight_bit,
        [metrics.macro_f1(true, answers[len(texts) :]) for answers in (exact, eight_bit)],
    )
    print(
        f"  macro-F1 {f1[0]:.4f} by torch, {f1[1]:.4f} in eight bits; the same answers to {same[: len(texts)].mean():.1%} of these sentences "
        f"and {same[len(texts) :].mean():.1%} of the test part"
    )


def _feeling() -> None:
    """A sentence to songs as a page asks for it, reasons not included, beside one pipeline call that only reads the sentence."""
    try:
        model = cache_folder() / "classifier" / feeling.open_songs().provenance["model"]
    except WyfError as error:
        print(f"\nfeeling to songs: not timed. {error}")
        return
    reference = classifier.load(model)
    pipe, texts = (
        _pipeline(reference),
        itertools.cycle(text_corpora.utterances("sample")[0]["text"].sample(300, random_state=0)),
    )
    seeds = itertools.count()
    calls = {
        "transformers pipeline, the sentence alone": lambda: pipe(reference.prefix + next(texts)),
        "feeling.answer, songs included": lambda: feeling.answer(
            next(texts), query=recommender.SongQuery(seed=next(seeds))
        ),
    }
    print("\nfeeling to songs, default run")
    first = None
    for name, seconds in recommender_evaluation.timed_in_turns(
        calls, times=10, in_a_row=20
    ).items():
        p50, p95 = 1000 * np.percentile(seconds, [50, 95])
        first = first or p50
        print(
            f"  {name:<44} p50 {p50:7.2f} ms   p95 {p95:7.2f} ms   p50 / pipeline {p50 / first:5.2f}   p95 / p50 {p95 / p50:5.2f}"
        )


def _fine_tuning() -> None:
    """One epoch over the default run's training part, with batches of like length and with batches as they come."""
    train = catalogue.sentences("sample", 0)["train"]
    encoder = encoders.load(bundled_e5.BUNDLED, train["text"].tolist())
    rows = [
        row | {"labels": np.full(emotions.N, 1 / emotions.N, np.float32)}
        for row in training.rows(encoder, train["text"], 64)
    ]
    model, collator = (
        emotion_model.EmotionModel(encoder.model),
        DataCollatorWithPadding(encoder.tokenizer),
    )
    finetuning.freeze(model.encoder, finetuning.Recipe.frozen_layers)

    def fit(strategy: str) -> None:
        with tempfile.TemporaryDirectory() as work:
            never = len(rows)  # no checkpoint: training alone is timed
            training.fit(
                model,
                rows,
                collator=collator,
                folder=Path(work),
                desc=strategy,
                seed=0,
                epochs=1,
                batch_size=16,
                sampling=strategy,
                eval_steps=never,
            )

    lengths = [row["length"] for row in rows]
    orders = (
        np.random.default_rng(0).permutation(len(rows)),
        list(LengthGroupedSampler(16, lengths=lengths, generator=torch.Generator().manual_seed(0))),
    )
    padded = [
        sum(
            16 * max(lengths[i] for i in order[start : start + 16])
            for start in range(0, len(rows) - 15, 16)
        )
        for order in orders
    ]
    compare(
        f"fine-tuning on {len(rows):,} sentences, {padded[0] / padded[1]:.2f} times the tokens where batches come as they are",
        {
            "batches as they come": lambda: fit("random"),
            "batches of like length": lambda: fit("group_by_length"),
        },
        times=3,
        untimed=0,
    )


def _sound() -> None:
    """Composing, mel extraction and batches of mapped mels, beside their budgets."""
    sound = composer.render(*composer.compose(np.eye(6)[0], 0), 0)
    pieces = itertools.count()

    def compose() -> None:
        seed = next(pieces)
        mel.from_waveform(composer.render(*composer.compose(np.eye(6)[seed % 6], seed), seed))

    def seconds(call: Callable[[], object], times: int) -> float:
        return statistics.mean(recommender_evaluation.timed_in_turns({"": call}, 1, times)[""])

    print("\nsound of the sample")
    one, extraction = seconds(compose, 12), seconds(lambda: mel.from_waveform(sound), 20)
    print(f"  {'compose, render and mel, 400 songs on two cores':<48} {200 * one:8.0f} s   of 120")
    print(
        f"  {'mel extraction, times real time per core':<48} {composer.SECONDS / extraction:8.0f} x   at least 60",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        mels = np.memmap(
            Path(folder) / "mels", np.float32, "w+", shape=(1000, mel.BANDS, mel.FRAMES)
        )
        songs, rng = dataset.MelDataset(mels, np.full(1000, "train")), np.random.default_rng(0)
        batches = network_training.shuffled_batches(
            songs.rows("train"), network_training.BATCH, rng
        )[:8]
        model = networks.network("cnn", songs)
        starts = [
            rng.integers(0, mel.FRAMES - network_training.CROP, len(batch)) for batch in batches
        ]

        def load() -> None:
            for batch, first in zip(batches, starts, strict=True):
                songs.crops(batch, first)

        def train() -> None:
            for batch, first in zip(batches, starts, strict=True):
                network_training._logits(model, songs, batch, first).square().mean().backward()

        compare(
            f"{len(batches)} batches of {network_training.BATCH} mapped mels",
            {"load and train the small CNN": train, "load alone": load},
            times=5,
        )


def write_catalogue(folder: Path, songs: int = SONGS, lyrics: int = LYRICS) -> None:
    """Write song_meta.json, genre_gn_all.json and lyrics.tsv in the form of 2022: random words, its shares of what cleaning removes."""
    rng = np.random.default_rng(0)
    known = sorted(
        {
            w
            for lyric in song_files.read_catalogue(profile_folder("sample"))["lyric"]
            for w in lyric.split()
        }
    )
    words = np.array(
        [a[: (len(a) + 1) // 2] + b[len(b) // 2 :] for a, b in rng.choice(known, (400_000, 2))]
    )

    def often(count: int) -> np.ndarray:
        """Places of words, of which some come often and most are rare."""
        return (len(words) * rng.random(count) ** 4).astype(int)

    silent = rng.random(songs) < 0.25
    genres = np.where(
        silent,
        rng.choice(sorted(cleaning.GENRES_WITHOUT_LYRICS), songs),
        rng.choice([f"GN{n:02}00" for n in range(1, 11)], songs),
    )
    mark = rng.choice(
        ["", "", " (Inst.)", " (대사)", " &amp; &#39;", None],
        songs,
        p=[0.45, 0.45, 0.05, 0.005, 0.04, 0.005],
    )
    dates = (
        10_000 * rng.integers(2005, 2021, songs)
        + 100 * rng.integers(0, 13, songs)
        + rng.integers(0, 29, songs)
    )
    names = words[rng.integers(len(words), size=(songs, 3))]
    artists = np.where(rng.random(songs) < 0.03, "Various Artists", words[often(songs)])
    written = np.sort(rng.permutation(np.flatnonzero(~silent))[:lyrics])
    names[written[50::50]], artists[written[50::50]] = (
        names[written[49:-1:50]],
        artists[written[49:-1:50]],
    )
    artists[:130], mark[:130] = (
        "하루 생일",
        [f" {1 + n // 28}월 {1 + n % 28}일" for n in range(130)],
    )
    with (folder / "song_meta.json").open("w", encoding="utf-8") as file:
        for i in range(songs):
            record = {
                "song_gn_dtl_gnr_basket": [genres[i][:-1] + "1"], "issue_date": str(dates[i]), "album_name": " ".join(names[i, :2]), "album_id": i // 9,
                "artist_id_basket": [i // 30], "song_name": None if mark[i] is None else f"{names[i, 2]} {names[i, 0]}{mark[i]}",
                "song_gn_gnr_basket": [genres[i]], "artist_name_basket": [artists[i]], "id": i,
            }  # fmt: skip
            file.write(("[" if i == 0 else ", ") + json.dumps(record, ensure_ascii=False))
        file.write("]")
    (folder / "genre_gn_all.json").write_text(
        json.dumps({code: code for code in np.unique(genres)}), encoding="utf-8"
    )
    with (folder / "lyrics.tsv").open("w", encoding="utf-8") as file:
        file.write("id\tsong_id\tsong_name\tlyric\tartist\tgenre\talbum\talbum_id\trelease\n")
        for row, i in enumerate(written):
            text = words[often(int(rng.lognormal(4.6, 0.5)) + 8)]
            lines = "\\n".join(" ".join(text[k : k + 5]) for k in range(0, len(text), 5))
            file.write(
                f"{row}\t{i}\t\t{'[Verse 1]' if i % 4 == 0 else ''}{lines}\t{artists[i]}\t\t\t{i // 9}\t{dates[i]}\n"
            )


def clean_catalogue(folder: str) -> None:
    """Read and clean a catalogue, and print its seconds and peak memory beside the budget."""
    start = time.perf_counter()
    songs, ledger = cleaning.apply_rules(
        song_files.read_catalogue(Path(folder)),
        cleaning.song_rules(bundled_e5.count_tokens),
        show="title",
    )
    seconds, peak = (
        time.perf_counter() - start,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    )
    print(f"\ncatalogue of 2022's size, {ledger['rows_in'][0]:,} songs to {len(songs):,}")
    print(
        f"  {'read and clean':<44} {seconds:10.1f} s  of {SECONDS}\n  {'peak memory':<44} {peak:10.2f} GB of {GIGABYTES}",
        flush=True,
    )


def _catalogue() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_catalogue(Path(folder))
        subprocess.run(
            [
                sys.executable,
                "-c",
                f"from wyf_utils import bench; bench.clean_catalogue({folder!r})",
            ],
            check=True,
        )


def _pretraining() -> None:
    """Continued pre-training on the same texts and weights: a plain padded loop, and the rows, head and precision of `dapt`."""
    rng = np.random.default_rng(0)
    talk, songs = (
        text_corpora.conversation("sample")["text"],
        song_files.read_catalogue(profile_folder("sample"))["lyric"],
    )
    lines = [line for lyric in songs for line in lyric.splitlines() if line]
    pools = (talk, lines, text_corpora.utterances("sample")[0]["text"])
    texts = rng.permutation(
        np.concatenate([rng.choice(pool, 64, replace=False) for pool in pools])
    ).tolist()
    encoder, objective = pretraining.language_model(bundled_e5.BUNDLED, texts)
    optimizer = torch.optim.AdamW(objective.parameters(), lr=1e-5, fused=True)
    as_published = DataCollatorForLanguageModeling(encoder.tokenizer, mlm_probability=0.15)

    def train(batches: list[dict], model: torch.nn.Module, low: bool) -> None:
        for batch in batches:
            with torch.autocast("cpu", torch.bfloat16, enabled=low):
                loss = model(**batch)["loss"]
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

    def padded(low: bool = False) -> None:
        rows = [
            {k: row[k] for k in ("input_ids", "attention_mask")}
            for row in training.rows(encoder, texts, 64)
        ]
        train(
            [as_published(rows[i : i + 16]) for i in range(0, len(rows), 16)], objective.model, low
        )

    def ours(pack: bool) -> None:
        rows = masking.language_model_rows(encoder, texts, 64, pack=pack)
        masker = masking.MlmCollator(encoder.tokenizer)
        train(
            [
                masker([rows[i] for i in batch])
                for batch in embeddings.by_length([row["length"] for row in rows], 16)
            ],
            objective,
            runtime.mixed_precision(),
        )

    low = (
        "bfloat16"
        if runtime.mixed_precision()
        else "float32, all that this CPU multiplies in hardware"
    )
    compare(
        f"masked-LM training on {len(texts)} lines",
        {
            "padded as they come, head on every token": padded,
            f"the same in {low}": lambda: padded(runtime.mixed_precision()),
            "rows of like length, head on hidden tokens": lambda: ours(False),
            "lines packed into rows, head on hidden tokens": lambda: ours(True),
        },
        times=3,
    )


def main() -> None:
    """Run every comparison."""
    set_threads()
    print(f"{THREADS} threads for torch; medians; x is the ratio to the first row of each block")
    for part in (
        _catalogue,
        _search,
        _embedding,
        _reading,
        _feeling,
        _fine_tuning,
        _pretraining,
        _sound,
    ):
        part()


if __name__ == "__main__":
    main()
