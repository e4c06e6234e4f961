"""Continued pre-training of an encoder on a domain (DAPT, TAPT; Gururangan et al. 2020).

A pre-training is a chain of stages. Each stage trains on one domain and starts from the encoder of
the stage before it. Chains with the same first stages share their cache entries.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from ..core import artifacts, runtime
from ..core.errors import BadInput
from ..core.files import read_json, write_json
from ..core.runtime import device
from . import encoders, training
from .bundled_e5 import BUNDLED
from .embeddings import Encoder
from .language_models import Objective, language_model, lost_symbols
from .masking import MlmCollator, ReplacedTokenCollator, language_model_rows, token_counts
from .prediction import by_length
from .pretraining_corpora import Corpora

#: File beside a stage's weights: its domain and sizes, and held-out losses before and after.
CARD = "stage.json"
#: Share of tokens that are masked when losses are compared, whatever share training masks.
EVALUATION_SHARE = 0.15


@dataclass(frozen=True)
class Pretraining:
    """Hyperparameters of a stage.

    Attributes
    ----------
    steps : int
        Optimizer steps of each stage, whatever the size of its corpus.
    head_steps, head_share
        Warm-up of the bundled encoder's new head: its steps, and the share of tokens to mask. The
        share is larger than in training, since a step costs nearly the same.
    batch_size, accumulation : int
        Rows of a batch, and batches whose gradients are added up before a step.
    learning_rate, head_learning_rate : float
        Learning rates of the encoder, and of a new head.
    share, whole_words
        As for `MlmCollator`.
    max_length, pack
        As for `language_model_rows`.
    save_steps : int
        Steps between checkpoints, from which an interrupted stage resumes.
    """

    steps: int = 24
    head_steps: int = 40
    head_share: float = 0.4
    batch_size: int = 16
    accumulation: int = 1
    learning_rate: float = 1e-4
    head_learning_rate: float = 1e-3
    share: float = 0.15
    whole_words: bool = False
    max_length: int = 64
    pack: bool = True
    save_steps: int = 100


def base_encoder(
    texts: Corpora, recipe: Pretraining, seed: int, encoder: str = BUNDLED
) -> artifacts.Entry:
    """Return the cache entry from which every chain starts: an unchanged encoder with a head.

    The bundled encoder's vocabulary is cut to all corpora together, so that stages can be chained.
    Its new head is warmed up on all corpora while the encoder is frozen. Otherwise gradients of a
    random head would damage the encoder.

    Parameters
    ----------
    encoder
        Name for `language_model`.
    """
    parts = (*texts.train.values(), *texts.held_out.values())
    vocabulary = [text for part in parts for text in part]

    def make(folder: Path, work: Path) -> None:
        torch.manual_seed(seed)
        loaded, objective = language_model(encoder, vocabulary)
        counts = {}
        if encoder == BUNDLED:
            counts = _warm_up(objective, loaded, texts, recipe, seed, work)
        _save(objective, loaded, texts, recipe, counts, folder)

    parameters = {"encoder": encoder, "content": encoders.content(encoder)}
    return _cached(make, (texts.train, texts.held_out), recipe, seed, parameters)


def stage(
    before: artifacts.Entry,
    domain: str,
    texts: Corpora,
    recipe: Pretraining,
    seed: int,
    *,
    frozen: bool = False,
) -> artifacts.Entry:
    """Return the cache entry of an earlier stage's encoder, further trained on a domain.

    The name of the encoder for `encoders.load` is `dapt/<key>`. An interrupted stage resumes from
    its last good checkpoint; its later masks differ from those of an uninterrupted run.

    Parameters
    ----------
    before
        Entry of `base_encoder` or `stage`.
    domain
        Name of the corpus to train on.
    frozen
        Whether the encoder with its embeddings is frozen and only the head learns, as in 2022.

    Raises
    ------
    BadInput
        If the corpus does not fill a batch, holds characters that the cut vocabulary lacks, or a
        held-out loss is not a number.
    """

    def make(folder: Path, work: Path) -> None:
        torch.manual_seed(seed)
        encoder, objective = language_model(f"dapt/{before.key}")
        corpus = texts.train[domain]
        held_out = [text for part in texts.held_out.values() for text in part]
        if lost := lost_symbols(encoder, [*corpus, *held_out]):
            raise BadInput(
                f"The vocabulary was cut to other texts and lost {len(lost)} signs of the corpora "
                f"(such as '{lost[0]}'); make the base from all corpora that are read later."
            )
        rows = language_model_rows(encoder, corpus, recipe.max_length, pack=recipe.pack)
        desc = f"pre-train on {domain}"
        counts = _train(objective, encoder, rows, recipe, seed, work, desc, frozen=frozen)
        counts |= {"domain": domain, "texts": len(corpus), "before": card(before)["after"]}
        _save(objective, encoder, texts, recipe, counts, folder)

    parameters = {"before": before.key, "frozen": frozen}
    return _cached(make, (texts.train[domain], texts.held_out), recipe, seed, parameters)


def card(entry: artifacts.Entry) -> dict:
    """Read a stage's domain and sizes, and its held-out losses before and after."""
    return read_json(entry.path / CARD)


def _cached(
    make: Callable[[Path, Path], None],
    data: tuple,
    recipe: Pretraining,
    seed: int,
    parameters: dict,
) -> artifacts.Entry:
    shared = {**asdict(recipe), "seed": seed, "bfloat16": runtime.mixed_precision()}
    return artifacts.get_or_create(
        "dapt",
        make,
        parameters=shared | parameters,
        data=artifacts.fingerprint(*data),
        resumable=True,
    )


def _warm_up(
    objective: Objective,
    encoder: Encoder,
    texts: Corpora,
    recipe: Pretraining,
    seed: int,
    work: Path,
) -> dict:
    """Train the bundled encoder's new head on all corpora, with the encoder frozen."""
    corpus = [text for part in texts.train.values() for text in part]
    rows = language_model_rows(encoder, corpus, recipe.max_length, pack=recipe.pack)
    counts = token_counts(rows, len(encoder.tokenizer)) + 0.1  # pseudo-count
    with torch.no_grad():
        # The head starts from the unigram log-probabilities: its other logits begin small.
        head = objective.model.cls.predictions
        head.bias.copy_((counts / counts.sum()).log())
        head.transform.LayerNorm.weight.mul_(0.2)
    objective.model.config.new_head = True  # saved with the weights
    recipe = replace(recipe, steps=recipe.head_steps, share=recipe.head_share)
    desc = "warm up the LM head"
    return _train(objective, encoder, rows, recipe, seed, work, desc, frozen=True)


def _train(
    objective: Objective,
    encoder: Encoder,
    rows: list[dict],
    recipe: Pretraining,
    seed: int,
    work: Path,
    desc: str,
    *,
    frozen: bool,
) -> dict:
    """Train a language model, from its last good checkpoint if any; return its data's sizes."""
    if len(rows) < recipe.batch_size:
        raise BadInput(
            f"The corpus fills {len(rows)} rows of {recipe.max_length} tokens, fewer than one "
            f"batch of {recipe.batch_size}; take a larger one."
        )
    optimizer = _optimizer(objective.to(device()), recipe, frozen=frozen)
    _drop_broken(work)
    training.fit(
        objective,
        rows,
        collator=_collator(objective, encoder, rows, recipe.share, recipe.whole_words),
        folder=work,
        desc=desc,
        seed=seed,
        epochs=1,
        max_steps=recipe.steps,
        batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.accumulation,
        optimizer=optimizer,
        warmup_steps=0.1,
        eval_steps=recipe.save_steps,
        remove_unused_columns=False,
    )
    seen = recipe.steps * recipe.batch_size * recipe.accumulation
    return {
        "rows": len(rows),
        "passes": seen / len(rows),
        "tokens": sum(row["length"] for row in rows) / len(rows) * seen,
    }


def _optimizer(objective: Objective, recipe: Pretraining, *, frozen: bool) -> torch.optim.AdamW:
    """AdamW for encoder and head, or for the head alone where the encoder is frozen."""
    encoder = objective.model.base_model
    encoder.requires_grad_(not frozen)  # the tied decoder is frozen with the embeddings
    of_encoder = set(map(id, encoder.parameters()))
    head = [p for p in objective.parameters() if id(p) not in of_encoder]
    new_head = getattr(objective.model.config, "new_head", False)
    rate = recipe.head_learning_rate if new_head else recipe.learning_rate
    groups = [{"params": head, "lr": rate}]
    if not frozen:
        groups.insert(0, {"params": list(encoder.parameters()), "lr": recipe.learning_rate})
    return torch.optim.AdamW(groups, weight_decay=0.01, fused=True)


def _collator(
    objective: Objective, encoder: Encoder, rows: list[dict], share: float, whole_words: bool
) -> MlmCollator:
    tokenizer = encoder.tokenizer
    if not objective.detects:
        return MlmCollator(tokenizer, share, whole_words)
    counts = token_counts(rows, len(tokenizer))
    return ReplacedTokenCollator(tokenizer, share, whole_words, frequencies=counts)


def _drop_broken(work: Path) -> None:
    """Remove checkpoints whose writing was interrupted."""
    for path in work.glob("checkpoint-*"):
        try:
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))  # written last
            with safe_open(path / "model.safetensors", "pt") as file:
                file.keys()
            torch.load(path / "optimizer.pt", mmap=True, weights_only=True)
        except (OSError, ValueError, RuntimeError, SafetensorError):
            shutil.rmtree(path)


@torch.inference_mode()
def _mean_loss(objective: Objective, collator: MlmCollator, rows: list[dict]) -> float:
    """Mean loss of rows in nats a selected token, with fixed masks; nan where there is no row."""
    objective.eval()
    where, total, tokens = objective.model.device, 0.0, 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for batch in by_length([row["length"] for row in rows], 32):
            inputs = collator([rows[i] for i in batch])
            selected = int((inputs["labels"] != -100).sum())
            outputs = objective(**{name: tensor.to(where) for name, tensor in inputs.items()})
            total += outputs["loss"].item() * selected
            tokens += selected
    return total / tokens if tokens else math.nan


def _losses(
    objective: Objective, encoder: Encoder, texts: Corpora, recipe: Pretraining
) -> dict[str, float]:
    """Loss on held-out texts of each domain; texts are not packed, as in classification."""
    losses = {}
    for name, held_out in texts.held_out.items():
        rows = language_model_rows(encoder, held_out, recipe.max_length)
        collator = _collator(objective, encoder, rows, EVALUATION_SHARE, False)
        # The precision of training.
        with torch.autocast(device(), torch.bfloat16, enabled=runtime.mixed_precision()):
            losses[name] = _mean_loss(objective, collator, rows)
    if any(map(math.isnan, losses.values())):
        raise BadInput(
            "A loss is not a number: the training ran away, or a domain has no held-out text; "
            "lower the learning rate, or hold texts out."
        )
    return losses


def _save(
    objective: Objective,
    encoder: Encoder,
    texts: Corpora,
    recipe: Pretraining,
    counts: dict,
    folder: Path,
) -> None:
    """Save a stage with its held-out losses."""
    losses = _losses(objective, encoder, texts, recipe)
    objective.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    write_json(folder / CARD, counts | {"after": losses})
