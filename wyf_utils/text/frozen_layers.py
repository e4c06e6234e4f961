"""Hidden states of an encoder's frozen lower layers, computed once before training.

Layers that do not learn give the same hidden states in every epoch. Training then runs the upper
layers alone, which takes a third of the time for a third of the layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from ..core import artifacts
from ..core.runtime import device, mixed_precision, progress
from . import encoders
from .embeddings import Encoder
from .prediction import BATCH_TOKENS, by_length, pad_batch

#: Bytes of hidden states that are kept in memory; a larger corpus runs all layers in every epoch.
MOST_BYTES = 4e9


#: Hidden states of the last texts, by encoder, depth and token ids.
_LAST: dict[tuple, list[np.ndarray]] = {}


class _GivenHiddenStates(nn.Module):
    """Stands in the place of the embeddings and hands hidden states on."""

    def forward(self, *_, inputs_embeds: torch.Tensor, **__) -> torch.Tensor:
        """Return the hidden states (batch, tokens, dim) as they are."""
        return inputs_embeds


def fits_in_memory(model: nn.Module, rows: Sequence[dict]) -> bool:
    """Whether the hidden states of all rows take at most `MOST_BYTES` in float16."""
    tokens = sum(len(row["input_ids"]) for row in rows)
    return 2 * tokens * model.config.hidden_size <= MOST_BYTES


def add_hidden_states(encoder: Encoder, depth: int, rows: Sequence[dict]) -> None:
    """Add the hidden states below layer `depth` to each row, as `hidden` (tokens, dim), float16.

    The last result stays in memory: other seeds read the same texts.

    Parameters
    ----------
    encoder
        Encoder with all its layers.
    depth
        Number of frozen layers, at least 1.
    rows
        Rows with input_ids.
    """
    key = (encoder.name, depth, artifacts.fingerprint([row["input_ids"] for row in rows]))
    if key not in _LAST:
        _LAST.clear()
        _LAST[key] = _hidden_states(encoder, depth, [row["input_ids"] for row in rows])
    for row, states in zip(rows, _LAST[key], strict=True):
        row["hidden"] = states


@torch.inference_mode()
def _hidden_states(encoder: Encoder, depth: int, ids: Sequence[list[int]]) -> list[np.ndarray]:
    """Run the layers up to `depth`, whose input is kept, in the precision of training."""
    model, pad = encoder.model.eval(), encoder.tokenizer.pad_token_id
    where, every = next(model.parameters()).device, [None] * len(ids)
    lengths = [len(row) for row in ids]
    batches = by_length(lengths, max(1, BATCH_TOKENS // max(lengths)))
    with (
        _only(model, slice(depth + 1)),
        torch.autocast(device(), torch.bfloat16, enabled=mixed_precision()),
    ):
        for batch in progress(batches, desc="run the frozen layers"):
            padded, mask = (
                torch.from_numpy(part).to(where) for part in pad_batch([ids[i] for i in batch], pad)
            )
            outputs = model(input_ids=padded, attention_mask=mask, output_hidden_states=True)
            hidden = outputs.hidden_states[depth].half().cpu().numpy()
            for states, i in zip(hidden, batch, strict=True):
                every[i] = states[: len(ids[i])].copy()
    return every


@contextmanager
def _only(model: nn.Module, rows: slice) -> Iterator[None]:
    """Let an encoder have only some of its layers inside the block."""
    layers = encoders.layers(model)
    name = next(name for name, module in model.named_modules() if module is layers)
    parent, attribute = model.get_submodule(name.rpartition(".")[0]), name.rpartition(".")[2]
    setattr(parent, attribute, nn.ModuleList(list(layers)[rows]))
    try:
        yield
    finally:
        setattr(parent, attribute, layers)


@contextmanager
def upper_layers(model: nn.Module, depth: int) -> Iterator[None]:
    """Let an encoder take hidden states (as inputs_embeds) into layer `depth` inside the block."""
    embeddings = model.embeddings
    with _only(model, slice(depth, None)):
        model.embeddings = _GivenHiddenStates()
        try:
            yield
        finally:
            model.embeddings = embeddings


class HiddenStatesCollator:
    """Pads rows with hidden states to a batch: hidden, attention_mask and labels."""

    def __call__(self, rows: Sequence[dict]) -> dict[str, torch.Tensor]:
        """Pad the hidden states with zeros."""
        states = [torch.from_numpy(row["hidden"]).float() for row in rows]
        ones = [torch.ones(len(s), dtype=torch.long) for s in states]
        return {
            "hidden": nn.utils.rnn.pad_sequence(states, batch_first=True),
            "attention_mask": nn.utils.rnn.pad_sequence(ones, batch_first=True),
            "labels": torch.from_numpy(np.stack([row["labels"] for row in rows])),
        }


def can_split(model: nn.Module) -> bool:
    """Whether the layers can run apart from the embeddings: these have the layers' own width."""
    return hasattr(model, "embeddings") and not hasattr(model, "embeddings_project")
