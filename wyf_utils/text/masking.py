"""Rows of tokens, masks and collators for continued pre-training."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from transformers import PreTrainedTokenizerFast

from ..core.errors import BadInput
from .embeddings import Encoder


def language_model_rows(
    encoder: Encoder, texts: Sequence[str], max_length: int, *, pack: bool = False
) -> list[dict]:
    """Split texts into rows of at most `max_length` tokens.

    A text longer than a row continues in the next row, where at least two of its tokens stand.

    Parameters
    ----------
    texts
        A text of one token is left out: it has no context to predict from.
    max_length
        Tokens of a row, with prefix and special tokens; the tokenizer's own limit is kept as well.
    pack
        Whether short texts share a row, with a separator between them.

    Returns
    -------
    list of dict
        input_ids, attention_mask, length, and `words`: the word number of each token, or -1 for
        tokens that are never masked.

    Raises
    ------
    BadInput
        If a row has room for fewer than three tokens of text.
    """
    tokenizer, prefix = encoder.tokenizer, []
    if encoder.prefix:
        prefix = tokenizer(encoder.prefix, add_special_tokens=False)["input_ids"]
    start = [tokenizer.cls_token_id, *prefix]
    room = min(max_length, tokenizer.model_max_length) - len(start) - 1
    if room < 3:
        raise BadInput(
            f"A row of {max_length} tokens has no room for text; take at least {len(start) + 4}."
        )
    # The empty text is there because tokenizers fail on an empty list.
    encoded = tokenizer([*texts, ""], add_special_tokens=False)
    rows: list[tuple[list[int], list[int]]] = []
    for number, ids in enumerate(encoded["input_ids"]):
        words = encoded.word_ids(number)
        starts = list(range(0, len(ids), room)) if len(ids) > 1 else []
        if starts and len(ids) - starts[-1] == 1:
            starts[-1] -= 1  # a token alone has no context
        for first, end in itertools.pairwise([*starts, len(ids)]):
            piece, piece_words = ids[first:end], words[first:end]
            if pack and rows and len(rows[-1][0]) + 1 + len(piece) <= room:
                row_ids, row_words = rows[-1]
                offset = max(row_words) + 1
                row_ids += [tokenizer.sep_token_id, *piece]
                row_words += [-1, *(offset + word for word in piece_words)]
            else:
                rows.append((piece, piece_words))
    return [
        {
            "input_ids": [*start, *ids, tokenizer.sep_token_id],
            "attention_mask": [1] * (len(start) + len(ids) + 1),
            "words": [*[-1] * len(start), *words, -1],
            "length": len(start) + len(ids) + 1,
        }
        for ids, words in rows
    ]


@dataclass
class MlmCollator:
    """Collator that draws a new mask at every pass (dynamic masking, Liu et al. 2019).

    Of the selected tokens, 80 % become the mask token, 10 % a random token and 10 % stay
    (Devlin et al. 2019). Prefix and special tokens are never selected. Every row has at least one
    selected token.

    Attributes
    ----------
    share : float
        Share of tokens, or of words, to select: 0.15 in BERT, 0.4 in Wettig et al. (2023).
    whole_words : bool
        Whether all tokens of a word are selected together.
    """

    tokenizer: PreTrainedTokenizerFast
    share: float = 0.15
    whole_words: bool = False

    def __post_init__(self):
        if self.tokenizer.mask_token_id is None:
            raise BadInput(
                "The tokenizer has no mask token, so that nothing can be hidden from its model; "
                "take an encoder that has one."
            )
        special = set(self.tokenizer.all_special_ids)
        self.ordinary = torch.tensor([i for i in range(len(self.tokenizer)) if i not in special])

    def select(self, words: torch.Tensor) -> torch.Tensor:
        """Draw the mask of the tokens to predict from word numbers, both (rows, tokens)."""
        uniform = torch.rand(words.shape)
        positions = torch.arange(words.shape[1])
        units = words if self.whole_words else torch.where(words >= 0, positions, -1)
        mask = torch.zeros(words.shape, dtype=torch.bool)
        for i, (row, chances) in enumerate(zip(units, uniform, strict=True)):
            distinct = row[row >= 0].unique()
            # Rounding up or down at random keeps the expected share.
            count = max(1, int(self.share * len(distinct) + chances[-1]))
            selected = distinct[chances[: len(distinct)].argsort()[:count]]
            mask[i] = torch.isin(row, selected)
        return mask

    def corrupt(self, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Corrupt the selected tokens; labels are their true ids, and -100 elsewhere."""
        uniform = torch.rand(ids.shape)
        random = self.ordinary[torch.randint(len(self.ordinary), ids.shape)]
        corrupted = torch.where(mask & (uniform < 0.8), self.tokenizer.mask_token_id, ids)
        corrupted = torch.where(mask & (uniform >= 0.9), random, corrupted)
        return corrupted, torch.where(mask, ids, -100)

    def __call__(self, batch: list[dict]) -> dict[str, torch.Tensor]:
        """Pad a batch and corrupt it: input_ids, attention_mask and labels, each (rows, tokens)."""
        width = max(len(row["input_ids"]) for row in batch)
        fill = {"input_ids": self.tokenizer.pad_token_id, "attention_mask": 0, "words": -1}
        padded = {
            name: torch.tensor([row[name] + [blank] * (width - len(row[name])) for row in batch])
            for name, blank in fill.items()
        }
        ids, labels = self.corrupt(padded["input_ids"], self.select(padded["words"]))
        return {"input_ids": ids, "attention_mask": padded["attention_mask"], "labels": labels}


@dataclass
class ReplacedTokenCollator(MlmCollator):
    """Collator for ELECTRA's discriminator, which detects replaced tokens.

    Replacements are drawn from the unigram distribution of tokens (Clark et al. 2020, section 3.2).
    Published Korean discriminators come without their trained generator.

    Attributes
    ----------
    frequencies : Tensor
        Count of each token id in the corpus, (vocabulary,).
    """

    frequencies: torch.Tensor = field(kw_only=True)

    def corrupt(self, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Replace the selected tokens; labels: 1 replaced, 0 true, -100 special."""
        weights = self.frequencies[self.ordinary]
        draws = torch.multinomial(weights, ids.numel(), replacement=True)
        replaced = torch.where(mask, self.ordinary[draws].view(ids.shape), ids)
        return replaced, torch.where(torch.isin(ids, self.ordinary), (replaced != ids).long(), -100)


def token_counts(rows: list[dict], size: int) -> torch.Tensor:
    """Count each id of a vocabulary of `size` in the maskable positions of rows, (size,)."""
    pairs = ((row["input_ids"], row["words"]) for row in rows)
    ids = [i for pair in pairs for i, word in zip(*pair, strict=True) if word >= 0]
    return torch.bincount(torch.tensor(ids, dtype=torch.long), minlength=size).float()
