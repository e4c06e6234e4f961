"""An encoder with its tokenizer, and the embeddings of texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import BatchEncoding, PreTrainedTokenizerFast

from ..core.errors import BadInput
from ..core.runtime import progress


@dataclass
class Encoder:
    """A tokenizer with its model, and what the pair needs to know."""

    name: str
    tokenizer: PreTrainedTokenizerFast
    model: torch.nn.Module
    prefix: str = ""

    @property
    def dim(self) -> int:
        """Length of a token's vector."""
        return self.model.config.hidden_size


def mean_pool(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean over the tokens that are not padding: (batch, tokens, dim), (batch, tokens) -> (batch, dim)."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)


def by_length(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Rows in batches of like length, which waste no padding."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


def _batches(
    encoder: Encoder, texts: Sequence[str], batch_size: int, max_length: int, desc: str
) -> Iterator[tuple[list[int], BatchEncoding]]:
    """Rows of texts of like length, and what the encoder reads of them."""
    if not len(texts):
        raise BadInput("There is no text to embed; pass at least one.")
    max_length = min(max_length, encoder.tokenizer.model_max_length)
    device = next(encoder.model.parameters()).device
    batches = by_length([len(t) for t in texts], batch_size)
    for batch in progress(batches, desc=desc) if desc else batches:
        prefixed = [encoder.prefix + texts[i] for i in batch]
        yield (
            batch,
            encoder.tokenizer(
                prefixed, padding=True, truncation=True, max_length=max_length, return_tensors="pt"
            ).to(device),
        )


@torch.inference_mode()
def embed(
    encoder: Encoder,
    texts: Sequence[str],
    batch_size: int = 32,
    max_length: int = 128,
    desc: str = "",
) -> np.ndarray:
    """Mean-pooled vectors of unit length.

    Parameters
    ----------
    texts
        Any number of texts; each is cut at `max_length` tokens, or at those that the encoder has positions for.
    desc
        What the progress bar says; none is shown where this is empty.

    Returns
    -------
    ndarray of shape (n, dim), float32
    """
    vectors = np.empty((len(texts), encoder.dim), np.float32)
    for batch, inputs in _batches(encoder, texts, batch_size, max_length, desc):
        hidden = encoder.model(**inputs).last_hidden_state  # (batch, tokens, dim)
        vectors[batch] = (
            torch.nn.functional.normalize(mean_pool(hidden, inputs["attention_mask"]), dim=-1)
            .cpu()
            .numpy()
        )
    return vectors


@torch.inference_mode()
def embed_layers(
    encoder: Encoder,
    texts: Sequence[str],
    batch_size: int = 32,
    max_length: int = 128,
    desc: str = "",
) -> np.ndarray:
    """Mean-pooled hidden states of five depths, from the token embeddings to the last layer, side by side.

    A linear model reads more from several layers than from the last: the lowest keeps the words, the highest what they say together
    (Tenney et al. 2019, BERT Rediscovers the Classical NLP Pipeline).

    Parameters
    ----------
    texts, batch_size, max_length, desc
        As for `embed`.

    Returns
    -------
    ndarray of shape (n, 5 * dim), float32
    """
    depths = np.linspace(0, encoder.model.config.num_hidden_layers, 5).round().astype(int)
    vectors = np.empty((len(texts), len(depths) * encoder.dim), np.float32)
    for batch, inputs in _batches(encoder, texts, batch_size, max_length, desc):
        hidden = encoder.model(**inputs, output_hidden_states=True).hidden_states
        vectors[batch] = (
            torch.cat(
                [mean_pool(hidden[depth], inputs["attention_mask"]) for depth in depths], dim=-1
            )
            .cpu()
            .numpy()
        )
    return vectors
