"""How far apart domains are, and continued pre-training of an encoder on a domain (DAPT, TAPT).

After Gururangan et al. (2020), Don't Stop Pretraining, ACL.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch
from transformers import BertForMaskedLM, DataCollatorForLanguageModeling

from . import cache, encoders, training
from .cleaning import near_duplicates
from .encoders import BUNDLED
from .errors import BadInput
from .settings import device
from .words import content_words

# Words --------------------------------------------------------------------------------------------


def frequent_words(texts: Sequence[str], size: int) -> set[str]:
    """Return the `size` most frequent content words (all where there are fewer); ties by the alphabet."""
    counts = Counter(word for words in content_words(texts) for word in words)
    return {word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:size]}


def shared_words(domains: dict[str, Sequence[str]], size: int = 10_000) -> tuple[pd.DataFrame, dict[str, set[str]]]:
    """Share of the most frequent words that two domains have in common (Gururangan et al. 2020, figure 2).

    Parameters
    ----------
    domains
        Texts of each domain.
    size
        Words of each vocabulary. Every domain is cut to the smallest of them, so that shares compare.

    Returns
    -------
    shares : DataFrame
        Symmetric, in percent.
    vocabularies : dict
        Words of each domain.
    """
    vocabularies = {name: frequent_words(texts, size) for name, texts in domains.items()}
    smallest = min(len(v) for v in vocabularies.values())
    if smallest < size:
        vocabularies = {name: frequent_words(texts, smallest) for name, texts in domains.items()}
    return _pairs(vocabularies, lambda a, b: len(a & b) / smallest), vocabularies


def shared_pieces(domains: dict[str, Sequence[str]]) -> tuple[pd.DataFrame, dict[str, set[int]]]:
    """Jaccard index of all distinct sub-word ids of two domains, in percent: the way of 2022, which saturates."""
    vocabularies = {name: {i for ids in encoders.token_ids(texts) for i in ids} for name, texts in domains.items()}
    return _pairs(vocabularies, lambda a, b: len(a & b) / len(a | b)), vocabularies


def _pairs(vocabularies: dict[str, set], share) -> pd.DataFrame:
    names = list(vocabularies)
    values = [[100 * share(vocabularies[a], vocabularies[b]) for b in names] for a in names]
    return pd.DataFrame(values, index=names, columns=names)


# Guards ---------------------------------------------------------------------------------------------


def without_held_out(texts: Sequence[str], held_out: Sequence[str], threshold: float = 0.8) -> tuple[list[str], int]:
    """Texts that may enter pre-training, and how many were removed as (near) duplicates of held-out texts."""
    mask = near_duplicates(texts, held_out, threshold)
    return [t for t, removed in zip(texts, mask, strict=True) if not removed], int(mask.sum())


# Continued pre-training -----------------------------------------------------------------------------


def _masked_lm(encoder: encoders.Encoder) -> BertForMaskedLM:
    """Encoder with a masked-LM head tied to its input embeddings; the bundled encoder brings none of its own."""
    model = BertForMaskedLM(encoder.model.config)
    model.bert.load_state_dict(encoder.model.state_dict(), strict=True)
    model.tie_weights()
    return model


@torch.inference_mode()
def mlm_loss(model: BertForMaskedLM, collator: DataCollatorForLanguageModeling, rows: list[dict], seed: int = 0) -> float:
    """Mean masked-LM loss (nats a masked token) of encoded texts, with masks fixed by the seed."""
    model.eval()
    torch.manual_seed(seed)
    total, tokens = 0.0, 0
    for start in range(0, len(rows), 32):
        batch = {k: v.to(model.device) for k, v in collator(rows[start : start + 32]).items()}
        masked = int((batch["labels"] != -100).sum())
        if masked:
            total += model(**batch).loss.item() * masked
            tokens += masked
    return total / tokens if tokens else math.nan


def pretrain(
    texts: Sequence[str],
    held_out: Sequence[str],
    *,
    epochs: float,
    seed: int,
    folder: Path,
    work: Path,
    learning_rate: float = 1e-4,
    share: float = 0.15,
    max_length: int = 48,
) -> None:
    """Continue masked-LM training of the bundled encoder, all of it trainable, and keep the encoder.

    The fresh head is first warmed up for a third of the steps with the encoder frozen; otherwise its noise would
    damage what the encoder knows.

    Parameters
    ----------
    texts
        Training texts: never labels, ids, or held-out sentences.
    held_out
        Other texts of the same domain, for the loss before and after.
    epochs, seed, learning_rate, share, max_length
        How to train; `share` of the tokens is masked anew in every pass.
    folder
        Receives the encoder, its tokenizer and loss.json (warmed head before, and after).
    work
        Folder of the checkpoints, from which a training that was stopped goes on.
    """
    if len(texts) < 32:
        raise BadInput(f"The corpus has {len(texts)} texts, fewer than one batch of 32; take a larger one.")
    torch.manual_seed(seed)
    encoder = encoders.load(BUNDLED, texts=list(texts))
    model = _masked_lm(encoder).to(device())
    collator = DataCollatorForLanguageModeling(encoder.tokenizer, mlm_probability=share)
    rows, test_rows = (training.rows(encoder, part, max_length) for part in (texts, held_out))
    settings = {"collator": collator, "seed": seed, "batch_size": 32, "warmup_steps": 0.1, "weight_decay": 0.01}
    model.bert.requires_grad_(False)
    training.fit(model, rows, folder=work / "head", desc="warm up the LM head", epochs=epochs / 3, learning_rate=1e-3, **settings)
    before = mlm_loss(model, collator, test_rows)
    model.requires_grad_(True)
    training.fit(model, rows, folder=work / "all", desc="continue pre-training", epochs=epochs, learning_rate=learning_rate, **settings)
    after = mlm_loss(model, collator, test_rows)
    model.bert.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    (folder / "loss.json").write_text(json.dumps({"before": before, "after": after}), encoding="utf-8")


def pretrained(texts: Sequence[str], held_out: Sequence[str], *, epochs: float, seed: int) -> cache.Entry:
    """Return the encoder of `pretrain` from the cache; its name for `encoders.load` is `dapt/<key>`."""
    return cache.folder(
        "dapt",
        lambda folder, work: pretrain(texts, held_out, epochs=epochs, seed=seed, folder=folder, work=work),
        parameters={"epochs": epochs, "seed": seed, "bfloat16": training.mixed_precision()},
        data=cache.fingerprint(list(texts), list(held_out)),
        code=[pretrain, _masked_lm, mlm_loss, training, encoders],
        resumable=True,
    )


def losses(entry: cache.Entry) -> dict[str, float]:
    """Masked-LM loss on held-out text (nats a masked token) before and after continued pre-training."""
    return json.loads((entry.path / "loss.json").read_text(encoding="utf-8"))
