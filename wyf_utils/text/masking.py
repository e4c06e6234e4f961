"""Rows and masks for masked language modelling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerFast

from ..core.errors import BadInput
from .embeddings import Encoder


def language_model_rows(
    encoder: Encoder, texts: Sequence[str], max_length: int, *, pack: bool = False
) -> list[dict]:
    """Rows for the language model. Nothing is cut off: a text that is longer than a row goes on in the next.

    Parameters
    ----------
    texts
        One of fewer than two tokens is left out: there is nothing to guess it from.
    max_length
        Tokens of a row at the most, prefix and special tokens included.
    pack
        Whether short texts share a row, each closed by the separator, as many as find room.

    Returns
    -------
    list of dict
        input_ids, attention_mask, length, and `words`: the number of the word that a token belongs to, -1 for what is never masked.
    """
    tokenizer = encoder.tokenizer
    start = [
        tokenizer.cls_token_id,
        *(
            tokenizer(encoder.prefix, add_special_tokens=False)["input_ids"]
            if encoder.prefix
            else []
        ),
    ]
    encoded = tokenizer(
        [*texts, ""], add_special_tokens=False
    )  # of no text at all it makes no table
    room = min(max_length, tokenizer.model_max_length) - len(start) - 1
    if room < 2:
        raise BadInput(
            f"A row of {max_length} tokens has no room for text; take at least {len(start) + 3}."
        )
    made: list[tuple[list[int], list[int]]] = []
    for number, ids in enumerate(encoded["input_ids"]):
        words = encoded.word_ids(number)
        for at in range(0, len(ids) if len(ids) > 1 else 0, room):
            piece, of = ids[at : at + room], words[at : at + room]
            if pack and made and len(made[-1][0]) + 1 + len(piece) <= room:
                before, numbers = made[-1]
                offset = max(numbers) + 1
                made[-1] = (
                    [*before, tokenizer.sep_token_id, *piece],
                    [*numbers, -1, *(offset + w for w in of)],
                )
            elif len(piece) > 1:
                made.append((list(piece), list(of)))
    return [
        {
            "input_ids": [*start, *ids, tokenizer.sep_token_id],
            "attention_mask": [1] * (len(start) + len(ids) + 1),
            "words": [*[-1] * len(start), *words, -1],
            "length": len(start) + len(ids) + 1,
        }
        for ids, words in made
    ]


@dataclass
class MlmCollator:
    """Collator that hides tokens anew every time a row is seen (dynamic masking, Liu et al. 2019).

    Of what is chosen, 80 % become the mask, 10 % a random piece, 10 % stay (Devlin et al. 2019). Prefix and special tokens are
    never chosen; at least one token of a row is.

    Attributes
    ----------
    share : float
        Share of the tokens, or words, that are chosen: 0.15 in BERT, 0.4 in Wettig et al. (2023).
    whole_words : bool
        Whether all pieces of a word are chosen together.
    """

    tokenizer: PreTrainedTokenizerFast
    share: float = 0.15
    whole_words: bool = False

    def __post_init__(self):
        if self.tokenizer.mask_token_id is None:
            raise BadInput(
                "The tokenizer has no mask token, so that nothing can be hidden from its model; take an encoder that has one."
            )
        special = set(self.tokenizer.all_special_ids)
        self.ordinary = torch.tensor([i for i in range(len(self.tokenizer)) if i not in special])

    def chosen(self, words: torch.Tensor) -> torch.Tensor:
        """Mask (rows, tokens) of the tokens to be guessed, from the word numbers (rows, tokens)."""
        chances = torch.rand(words.shape)
        mask = torch.zeros(words.shape, dtype=torch.bool)
        for row, (numbers, chance) in enumerate(zip(words, chances, strict=True)):
            units = (
                numbers
                if self.whole_words
                else torch.where(numbers >= 0, torch.arange(len(numbers)), -1)
            )
            distinct = units[units >= 0].unique()
            wanted = max(
                1, int(self.share * len(distinct) + chance[-1])
            )  # rounded up or down at random, so that the share holds on average
            picked = distinct[chance[: len(distinct)].argsort()[:wanted]]
            mask[row] = torch.isin(units, picked)
        return mask

    def hide(self, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids with chosen tokens hidden, and labels: the true id where one was chosen, else -100."""
        fate = torch.rand(ids.shape)
        random = self.ordinary[torch.randint(len(self.ordinary), ids.shape)]
        hidden = torch.where(mask & (fate < 0.8), self.tokenizer.mask_token_id, ids)
        return torch.where(mask & (fate >= 0.9), random, hidden), torch.where(mask, ids, -100)

    def __call__(self, batch: list[dict]) -> dict[str, torch.Tensor]:
        """Padded input_ids, attention_mask and labels, each (rows, tokens)."""
        width = max(len(row["input_ids"]) for row in batch)
        fill = {"input_ids": self.tokenizer.pad_token_id, "attention_mask": 0, "words": -1}
        padded = {
            name: torch.tensor([row[name] + [blank] * (width - len(row[name])) for row in batch])
            for name, blank in fill.items()
        }
        ids, labels = self.hide(padded["input_ids"], self.chosen(padded["words"]))
        return {"input_ids": ids, "attention_mask": padded["attention_mask"], "labels": labels}


@dataclass
class ReplacedTokenCollator(MlmCollator):
    """Collator for ELECTRA's discriminator: chosen tokens are replaced by draws from how frequent pieces are.

    That is the unigram generator of Clark et al. (2020, section 3.2): published Korean discriminators come without their generator.
    """

    frequencies: torch.Tensor | None = None

    def hide(self, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids with chosen tokens replaced, and labels: 1 where a token is not the true one, 0 where it is, -100 for special tokens."""
        weights = (
            torch.ones(len(self.ordinary))
            if self.frequencies is None
            else self.frequencies[self.ordinary]
        )
        drawn = self.ordinary[torch.multinomial(weights, ids.numel(), replacement=True)].view(
            ids.shape
        )
        replaced = torch.where(mask, drawn, ids)
        return replaced, torch.where(torch.isin(ids, self.ordinary), (replaced != ids).long(), -100)


def frequencies(rows: list[dict], size: int) -> torch.Tensor:
    """How often each id of a vocabulary of `size` stands in rows where it may be masked, (size,)."""
    ids = [
        i
        for row in rows
        for i, word in zip(row["input_ids"], row["words"], strict=True)
        if word >= 0
    ]
    return torch.bincount(torch.tensor(ids), minlength=size).float()
