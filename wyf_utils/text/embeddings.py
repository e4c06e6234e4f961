"""Encoders with their tokenizers, and mean-pooled embeddings of texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from ..core.errors import BadInput
from ..core.runtime import progress
from .prediction import BATCH_TOKENS, by_length, pad_batch


@dataclass
class Encoder:
    """A transformer, its tokenizer, and the prefix that it expects before a text."""

    name: str
    tokenizer: PreTrainedTokenizerFast
    model: torch.nn.Module
    prefix: str = ""

    @property
    def dim(self) -> int:
        """Embedding dimension."""
        return self.model.config.hidden_size


def mean_pool(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Average hidden states over the tokens that are not padding.

    Parameters
    ----------
    hidden
        Hidden states (batch, tokens, dim).
    mask
        Attention mask (batch, tokens).

    Returns
    -------
    Tensor of shape (batch, dim)
    """
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)


def _batches(
    encoder: Encoder, texts: Sequence[str], max_length: int, desc: str
) -> Iterator[tuple[list[int], dict[str, torch.Tensor]]]:
    """Yield the row numbers and the encoded texts of each batch, all of similar length."""
    if not len(texts):
        raise BadInput("There is no text to embed; pass at least one.")
    max_length = min(max_length, encoder.tokenizer.model_max_length)
    device = next(encoder.model.parameters()).device
    prefixed = [encoder.prefix + text for text in texts]
    ids = encoder.tokenizer(prefixed, truncation=True, max_length=max_length)["input_ids"]
    batches = by_length([len(row) for row in ids], max(1, BATCH_TOKENS // max_length))
    for rows in progress(batches, desc=desc) if desc else batches:
        padded = pad_batch([ids[i] for i in rows], encoder.tokenizer.pad_token_id)
        inputs = (torch.from_numpy(part).to(device) for part in padded)
        yield rows, dict(zip(("input_ids", "attention_mask"), inputs, strict=True))


@torch.inference_mode()
def embed(
    encoder: Encoder, texts: Sequence[str], max_length: int = 128, desc: str = ""
) -> np.ndarray:
    """Embed texts by mean pooling of the last layer, scaled to unit length.

    Parameters
    ----------
    max_length
        Tokens after which a text is truncated; at most the encoder's number of positions.
    desc
        Label of the progress bar; without one no bar is shown.

    Returns
    -------
    ndarray of shape (n, dim), float32

    Raises
    ------
    BadInput
        If there is no text.
    """
    vectors = np.empty((len(texts), encoder.dim), np.float32)
    for rows, inputs in _batches(encoder, texts, max_length, desc):
        hidden = encoder.model(**inputs).last_hidden_state  # (batch, tokens, dim)
        pooled = mean_pool(hidden, inputs["attention_mask"])
        vectors[rows] = torch.nn.functional.normalize(pooled, dim=-1).cpu().numpy()
    return vectors


@torch.inference_mode()
def embed_layers(
    encoder: Encoder, texts: Sequence[str], max_length: int = 128, desc: str = ""
) -> np.ndarray:
    """Embed texts by mean pooling at five evenly spaced depths, concatenated and not scaled.

    The first depth is the token embeddings, the fifth the last layer. Lower layers carry lexical
    and syntactic features, higher ones semantic features (Tenney et al. 2019, BERT Rediscovers
    the Classical NLP Pipeline).

    Parameters
    ----------
    max_length, desc
        As for `embed`.

    Returns
    -------
    ndarray of shape (n, 5 * dim), float32

    Raises
    ------
    BadInput
        If there is no text.
    """
    depths = np.linspace(0, encoder.model.config.num_hidden_layers, 5).round().astype(int)
    vectors = np.empty((len(texts), len(depths) * encoder.dim), np.float32)
    for rows, inputs in _batches(encoder, texts, max_length, desc):
        hidden = encoder.model(**inputs, output_hidden_states=True).hidden_states
        pooled = [mean_pool(hidden[depth], inputs["attention_mask"]) for depth in depths]
        vectors[rows] = torch.cat(pooled, dim=-1).cpu().numpy()
    return vectors
