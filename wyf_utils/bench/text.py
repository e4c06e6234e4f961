"""Time the reading of sentences, fine-tuning and continued pre-training."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import torch
from transformers import (
    AutoTokenizer,
    BertConfig,
    DataCollatorForLanguageModeling,
    DataCollatorWithPadding,
    PreTrainedModel,
    TextClassificationPipeline,
)
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.trainer_pt_utils import LengthGroupedSampler

from ..core import emotions, metrics, onnx_session, runtime
from ..core.paths import profile_folder
from ..data import song_files, text_corpora
from ..music import catalogue
from ..text import (
    bundled_e5,
    classifier,
    embeddings,
    emotion_model,
    encoders,
    finetuning,
    language_models,
    masking,
    onnx_model,
    onnx_tracing,
    prediction,
    training,
)
from .timing import compare


def embedding() -> None:
    """Time the encoder on sentences one by one and in batches of like length."""
    texts = text_corpora.utterances("sample")[0]["text"].tolist()[:128]
    encoder = encoders.load(bundled_e5.BUNDLED, texts)

    @torch.inference_mode()
    def one_by_one() -> None:
        for text in texts:
            encoder.model(**encoder.tokenizer(encoder.prefix + text, return_tensors="pt"))

    calls = {
        "one text at a time": one_by_one,
        "batches of like length": lambda: embeddings.embed(encoder, texts),
    }
    compare("encoder, 128 sentences", calls, times=3)


class _AsPipeline(PreTrainedModel):
    """The classifier's weights under the interface of transformers' `pipeline`."""

    config_class = BertConfig
    _supports_sdpa = True  # as the encoder inside does

    def __init__(self, model: emotion_model.EmotionModel):
        super().__init__(BertConfig(**model.encoder.config.to_dict() | {"num_labels": emotions.N}))
        self.emotions = model

    def forward(self, input_ids, attention_mask, **_):
        """Wrap the logits for the pipeline."""
        return SequenceClassifierOutput(logits=self.emotions(input_ids, attention_mask)["logits"])


def pipeline(folder: Path) -> Callable[[str], object]:
    """Build a call of transformers' pipeline, prefix included, from a saved classifier."""
    reference = classifier.load(folder)
    model, tokenizer = _AsPipeline(reference.model).eval(), AutoTokenizer.from_pretrained(folder)
    call = TextClassificationPipeline(model=model, tokenizer=tokenizer)
    return lambda text: call(reference.prefix + text)


def classification() -> None:
    """Time transformers' pipeline, one text a call as in 2022, and `predict` on the same weights.

    The weights are those of the default run.
    """
    parts = catalogue.sentences("sample", 0)
    entry = finetuning.trained(parts["train"], parts["dev"], finetuning.Recipe(), 0)
    reference, fast = classifier.load(entry.path), onnx_model.load_onnx(entry.path)
    sentences = pd.concat([part["text"] for part in parts.values()])
    texts = sentences.sample(2000, random_state=0).tolist()
    pipe = pipeline(entry.path)

    def one_by_one() -> None:
        for text in texts:
            pipe(text)

    calls = {
        "transformers pipeline, one text a call": one_by_one,
        "predict, torch": lambda: reference.predict(texts),
        "predict, ONNX eight-bit": lambda: fast.predict(texts),
    }
    compare("2,000 sentences to six probabilities", calls, times=3, untimed=0)
    turns = itertools.cycle(texts)
    calls = {
        "transformers pipeline": lambda: pipe(next(turns)),
        "predict, ONNX eight-bit": lambda: fast.predict([next(turns)]),
    }
    compare("one sentence to six probabilities", calls, times=8, in_a_row=20)
    _print_agreement(reference, fast, texts, parts["test"])
    _by_own_tools(entry.path, reference, fast, texts, parts["test"])


def _by_own_tools(
    model: Path,
    reference: prediction.Classifier,
    fast: prediction.Classifier,
    texts: list[str],
    test: pd.DataFrame,
) -> None:
    """Time the hand-written eight-bit graph beside those of ONNX Runtime's own quantisers."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    fields = prediction.classifier_fields(model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        full, dynamic, blocks = (folder / f"{kind}.onnx" for kind in ("full", "dynamic", "blocks"))
        onnx_tracing.trace(classifier.load(model).model.cpu(), model.name, full)
        quantize_dynamic(full, dynamic, weight_type=QuantType.QInt8, per_channel=True)
        onnx.save(onnx_tracing.quantize_blocks(full), blocks)
        others = {
            path.stem: onnx_model.OnnxClassifier(onnx_session.open_session(path), **fields)
            for path in (full, dynamic, blocks)
        }
        turns = itertools.cycle(texts)
        calls = {"the hand-written graph": lambda: fast.predict([next(turns)])} | {
            f"ONNX Runtime, {kind}": lambda other=other: other.predict([next(turns)])
            for kind, other in others.items()
        }
        compare("one sentence, eight bits by hand and by ONNX Runtime", calls, times=8, in_a_row=20)
        for kind, other in others.items():
            print(f"  {kind}:")
            _print_agreement(reference, other, texts, test)


def _print_agreement(
    reference: prediction.Classifier,
    fast: prediction.Classifier,
    texts: list[str],
    test: pd.DataFrame,
) -> None:
    """Print macro-F1 on the test part, and how often two classifiers answer the same."""
    true, n = test["emotion"].to_numpy(), len(texts)
    exact, eight_bit = (
        model.predict([*texts, *test["text"]]).argmax(1) for model in (reference, fast)
    )
    f1, f1_eight_bit = (metrics.macro_f1(true, answers[n:]) for answers in (exact, eight_bit))
    same = exact == eight_bit
    print(
        f"  macro-F1 {f1:.4f} by torch, {f1_eight_bit:.4f} in eight bits; the same answers to "
        f"{same[:n].mean():.1%} of these sentences and {same[n:].mean():.1%} of the test part"
    )


def fine_tuning() -> None:
    """Time an epoch on the default run's training part, in random batches and by length."""
    train = catalogue.sentences("sample", 0)["train"]
    encoder = encoders.load(bundled_e5.BUNDLED, train["text"].tolist())
    labels = {"labels": np.full(emotions.N, 1 / emotions.N, np.float32)}
    rows = [row | labels for row in training.encode_rows(encoder, train["text"], 64)]
    model = emotion_model.EmotionModel(encoder.model)
    collator = DataCollatorWithPadding(encoder.tokenizer)
    finetuning.freeze(model.encoder, finetuning.Recipe.frozen_layers)

    def fit(sampling: str) -> None:
        with tempfile.TemporaryDirectory() as work:
            training.fit(
                model,
                rows,
                collator=collator,
                folder=Path(work),
                desc=sampling,
                seed=0,
                epochs=1,
                batch_size=16,
                sampling=sampling,
                eval_steps=len(rows),  # no checkpoint, since only training is timed
            )

    lengths = [row["length"] for row in rows]
    generator = torch.Generator().manual_seed(0)
    by_length = list(LengthGroupedSampler(16, lengths=lengths, generator=generator))
    shuffled = np.random.default_rng(0).permutation(len(rows))
    ratio = _padded_tokens(lengths, shuffled) / _padded_tokens(lengths, by_length)
    compare(
        f"fine-tuning on {len(rows):,} sentences, "
        f"{ratio:.2f} times the tokens where batches come as they are",
        {
            "batches as they come": lambda: fit("random"),
            "batches of like length": lambda: fit("group_by_length"),
        },
        times=3,
        untimed=0,
    )


def _padded_tokens(lengths: Sequence[int], order: Sequence[int], size: int = 16) -> int:
    """Count the tokens of whole batches in an order, padding included."""
    starts = range(0, len(lengths) - size + 1, size)
    return sum(size * max(lengths[i] for i in order[start : start + size]) for start in starts)


def pre_training() -> None:
    """Time continued pre-training: a plain padded loop, and our rows, head and precision."""
    texts = _mixed_texts()
    encoder, objective = language_models.language_model(bundled_e5.BUNDLED, texts)
    optimizer = torch.optim.AdamW(objective.parameters(), lr=1e-5, fused=True)
    plain_masker = DataCollatorForLanguageModeling(encoder.tokenizer, mlm_probability=0.15)

    def train(batches: list[dict], model: torch.nn.Module, low: bool) -> None:
        for batch in batches:
            with torch.autocast("cpu", torch.bfloat16, enabled=low):
                loss = model(**batch)["loss"]
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

    def padded(low: bool = False) -> None:
        fields = ("input_ids", "attention_mask")
        rows = [{k: row[k] for k in fields} for row in training.encode_rows(encoder, texts, 64)]
        batches = [plain_masker(rows[i : i + 16]) for i in range(0, len(rows), 16)]
        train(batches, objective.model, low)

    def ours(pack: bool) -> None:
        rows = masking.language_model_rows(encoder, texts, 64, pack=pack)
        masker = masking.MlmCollator(encoder.tokenizer)
        places = embeddings.by_length([row["length"] for row in rows], 16)
        batches = [masker([rows[i] for i in batch]) for batch in places]
        train(batches, objective, runtime.mixed_precision())

    precision = "float32, all that this CPU multiplies in hardware"
    if runtime.mixed_precision():
        precision = "bfloat16"
    calls = {
        "padded as they come, head on every token": padded,
        f"the same in {precision}": lambda: padded(runtime.mixed_precision()),
        "rows of like length, head on hidden tokens": lambda: ours(False),
        "lines packed into rows, head on hidden tokens": lambda: ours(True),
    }
    compare(f"masked-LM training on {len(texts)} lines", calls, times=3)


def _mixed_texts() -> list[str]:
    """Draw as many lines of conversation, lyrics and sentences, in random order."""
    rng = np.random.default_rng(0)
    lyrics = song_files.read_catalogue(profile_folder("sample"))["lyric"]
    pools = (
        text_corpora.conversation("sample")["text"],
        [line for lyric in lyrics for line in lyric.splitlines() if line],
        text_corpora.utterances("sample")[0]["text"],
    )
    drawn = [rng.choice(pool, 64, replace=False) for pool in pools]
    return rng.permutation(np.concatenate(drawn)).tolist()
