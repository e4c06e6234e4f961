"""Encoders with a head for continued pre-training: masked tokens or replaced tokens."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional
from transformers import (
    AutoModelForMaskedLM,
    BertForMaskedLM,
    ElectraForPreTraining,
    PreTrainedModel,
)

from ..core.errors import BadInput
from . import bundled_e5, encoders
from .bundled_e5 import BUNDLED, E5_PREFIX
from .embeddings import Encoder


class Objective(nn.Module):
    """A checkpoint with its own head, and the loss over the selected tokens.

    The head computes logits of the selected tokens only (about one in seven), which saves most of
    the softmax over the vocabulary. Its decoder is tied to the input embeddings. A discriminator
    computes one logit for every ordinary token: whether it was replaced.
    """

    #: Trainer looks for this where a checkpoint holds fewer weights than the model.
    _keys_to_ignore_on_save = None

    def __init__(self, model: PreTrainedModel):
        super().__init__()
        self.model = model
        self.detects = hasattr(model, "discriminator_predictions")

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
    ) -> dict:
        """Mean loss in nats over the tokens with a label other than -100; inputs (rows, tokens)."""
        outputs = self.model.base_model(input_ids=input_ids, attention_mask=attention_mask)
        hidden = outputs.last_hidden_state  # (rows, tokens, dim)
        mask = labels != -100
        targets = labels[mask]  # (selected,)
        if self.detects:
            logits = self.model.discriminator_predictions(hidden)[mask].float()  # (selected,)
            loss = functional.binary_cross_entropy_with_logits(logits, targets.float())
        else:
            loss = functional.cross_entropy(self._logits(hidden[mask]).float(), targets)
        return {"loss": loss}

    def _logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits (selected, vocabulary) of vectors (selected, dim), by the head of the family."""
        for name in ("cls", "lm_head"):  # BERT; RoBERTa
            if hasattr(self.model, name):
                return getattr(self.model, name)(hidden)
        if hasattr(self.model, "generator_predictions"):  # ELECTRA's generator
            return self.model.generator_lm_head(self.model.generator_predictions(hidden))
        return self.model.decoder(self.model.head(hidden))  # ModernBERT

    def state_dict(self, *args, **kwargs) -> dict[str, torch.Tensor]:
        """Weights without tied copies: safetensors refuses tensors that share memory."""
        weights, pointers = {}, set()
        for name, tensor in super().state_dict(*args, **kwargs).items():
            if tensor.data_ptr() not in pointers or not tensor.numel():
                weights[name] = tensor
            pointers.add(tensor.data_ptr())
        return weights


def language_model(name: str, texts: Sequence[str] | None = None) -> tuple[Encoder, Objective]:
    """Load an encoder together with a head for continued pre-training.

    The bundled encoder has no head: it gets a new one, which `pretraining.base_encoder` warms up.
    Other checkpoints keep their own head: for masked language modelling, or for replaced-token
    detection in an ELECTRA discriminator.

    Parameters
    ----------
    name, texts
        As for `encoders.load`.

    Raises
    ------
    BadInput
        If the checkpoint has no such head, or its family has none.
    """
    encoder = encoders.load(name, texts)
    config = encoder.model.config
    if name == BUNDLED:
        model = BertForMaskedLM(config)
        model.bert.load_state_dict(encoder.model.state_dict(), strict=True)
        model.tie_weights()
        return encoder, Objective(model)
    discriminator = "ElectraForPreTraining" in (config.architectures or ())
    kind = ElectraForPreTraining if discriminator else AutoModelForMaskedLM
    try:
        model, report = kind.from_pretrained(
            encoder.model.name_or_path,
            config=config,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except ValueError as error:  # a family without a masked language model
        raise BadInput(
            f"The encoder '{name}' ({config.model_type}) is of a family without a language-model "
            f"head; take another, or {BUNDLED}."
        ) from error
    if missing := sorted(report["missing_keys"]):
        raise BadInput(
            f"The checkpoint '{name}' has no language-model head ({missing[0]} is missing), so "
            f"that it would guess at random; take one that was saved with its head, or {BUNDLED}, "
            "whose head is trained here first."
        )
    return encoder, Objective(model)


def lost_symbols(encoder: Encoder, texts: Sequence[str]) -> list[str]:
    """List the characters that the bundled encoder's cut vocabulary lost."""
    if encoder.prefix != E5_PREFIX:
        return []  # only the bundled encoder's vocabulary is ever cut
    encoded = encoder.tokenizer(list(texts), add_special_tokens=False, return_offsets_mapping=True)
    unk, unknown = encoder.tokenizer.unk_token_id, set()
    rows = zip(texts, encoded["input_ids"], encoded["offset_mapping"], strict=True)
    for text, ids, offsets in rows:
        for i, (start, end) in zip(ids, offsets, strict=True):
            if i == unk:
                unknown.update(text[start:end])
    if not unknown:
        return []
    symbols = sorted(unknown)
    full = zip(symbols, bundled_e5.token_ids(symbols), strict=True)
    return [symbol for symbol, ids in full if unk not in ids and not symbol.isspace()]
