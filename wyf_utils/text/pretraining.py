"""How far apart domains are, and continued pre-training of an encoder on a domain (DAPT, TAPT).

After Gururangan et al. (2020), Don't Stop Pretraining, ACL. A pre-training is a chain of stages: each reads one domain, starts from
the encoder that the stage before it kept, and is trained once, however many chains go through it.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from torch import nn
from torch.nn import functional
from transformers import (
    AutoModelForMaskedLM,
    BertForMaskedLM,
    ElectraForPreTraining,
    PreTrainedModel,
)

from ..core import artifacts, runtime
from ..core.errors import BadInput
from ..core.files import read_json, write_json
from ..core.runtime import device
from ..data.cleaning import near_duplicates, without_full_stops
from ..data.splits import _shuffled
from . import bundled_e5, embeddings, encoders, training
from .bundled_e5 import BUNDLED, E5_PREFIX
from .embeddings import Encoder
from .masking import MlmCollator, ReplacedTokenCollator, frequencies, language_model_rows

# How far apart ------------------------------------------------------------------------------------


# Corpora and guards -------------------------------------------------------------------------------


def without_held_out(
    texts: Sequence[str], held_out: Sequence[str], threshold: float = 0.8
) -> tuple[list[str], int]:
    """Texts that may enter pre-training, and how many were removed as (near) duplicates of held-out texts."""
    mask = near_duplicates(texts, held_out, threshold)
    return [t for t, removed in zip(texts, mask, strict=True) if not removed], int(mask.sum())


@dataclass(frozen=True)
class Corpora:
    """What is read, and what never is.

    Attributes
    ----------
    train, held_out : dict
        Texts of each domain: for pre-training, and for the loss before and after it.
    kept_out : list
        Texts that must not enter: of every held-out part, of the lyrics that are scored, and all of `held_out`.
    ledger : DataFrame
        One row a domain: texts, drawn, removed, read, held out.
    """

    train: dict[str, list[str]]
    held_out: dict[str, list[str]]
    kept_out: list[str]
    ledger: pd.DataFrame

    def leaks(self) -> dict[str, int]:
        """Texts of each domain that are, exactly or nearly, among those kept out: none, if `corpora` did its work."""
        return {
            name: without_held_out(texts, self.kept_out)[1] for name, texts in self.train.items()
        }


def corpora(
    domains: dict[str, Sequence[str]],
    apart: dict[str, Sequence[str]],
    kept_out: Sequence[str],
    *,
    limit: int,
    held_out: int,
    seed: int,
) -> Corpora:
    """Draw the texts of each domain, and keep out everything that is scored later.

    Parameters
    ----------
    domains
        Texts that may be read, each domain's: the text alone, without labels and ids.
    apart
        Other texts of a domain, from which its held-out texts are drawn; a domain without gives up some of its own.
    kept_out
        Sentences of every validation and test part, and lines of the lyrics that are scored.
    limit
        Texts drawn of each domain; 0 for all.
    held_out
        Texts of each domain for the loss before and after.
    seed
        Seed of the draws.
    """
    mine = {
        name: list(dict.fromkeys(map(without_full_stops, texts))) for name, texts in domains.items()
    }
    held = {}
    for name, texts in mine.items():
        other = list(dict.fromkeys(map(without_full_stops, apart.get(name, []))))
        held[name] = _shuffled(other or texts, seed)[: min(held_out, len(other) or len(texts) // 5)]
        if not other:
            mine[name] = [text for text in texts if text not in set(held[name])]
    kept_out = [
        *map(without_full_stops, kept_out),
        *(text for texts in held.values() for text in texts),
    ]
    train, rows = {}, {}
    for name, texts in mine.items():
        chosen = np.sort(
            np.random.default_rng(seed).permutation(len(texts))[: limit or None]
        )  # in their own order: lines of a song stay neighbours
        train[name], removed = without_held_out([texts[i] for i in chosen], kept_out)
        rows[name] = {
            "texts": len(domains[name]),
            "drawn": len(chosen),
            "removed": removed,
            "read": len(train[name]),
            "held out": len(held[name]),
        }
    return Corpora(train, held, kept_out, pd.DataFrame(rows).T)


# Rows and masks -----------------------------------------------------------------------------------


# Language models ----------------------------------------------------------------------------------


class Objective(nn.Module):
    """A checkpoint with its own head, and the loss over the tokens that are asked for.

    The head reads only those (about one in seven), which spares most of the softmax over the vocabulary. Its decoder is the input embeddings
    themselves, as its family ties them. A discriminator is asked of every token whether it was replaced.
    """

    _keys_to_ignore_on_save = (
        None  # Trainer looks for it where a checkpoint holds fewer weights than the model
    )

    def __init__(self, model: PreTrainedModel):
        super().__init__()
        self.model = model
        self.detects = hasattr(model, "discriminator_predictions")

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
    ) -> dict:
        """Mean loss in nats over the tokens whose label is not -100; all arguments (rows, tokens)."""
        hidden = self.model.base_model(
            input_ids=input_ids, attention_mask=attention_mask
        ).last_hidden_state  # (rows, tokens, dim)
        asked = labels != -100
        if self.detects:
            logits = self.model.discriminator_predictions(hidden)[asked]  # (asked,)
            return {
                "loss": functional.binary_cross_entropy_with_logits(
                    logits.float(), labels[asked].float()
                )
            }
        return {"loss": functional.cross_entropy(self._head(hidden[asked]).float(), labels[asked])}

    def _head(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits (asked, vocabulary) of vectors (asked, dim), by the head of the checkpoint's family."""
        for name in ("cls", "lm_head"):  # BERT; RoBERTa
            if hasattr(self.model, name):
                return getattr(self.model, name)(hidden)
        if hasattr(self.model, "generator_predictions"):  # ELECTRA's generator
            return self.model.generator_lm_head(self.model.generator_predictions(hidden))
        return self.model.decoder(self.model.head(hidden))  # ModernBERT

    def state_dict(self, *args, **kwargs) -> dict[str, torch.Tensor]:
        """Weights, each once: safetensors refuses the decoder beside the embeddings that it is."""
        kept, places = {}, set()
        for name, tensor in super().state_dict(*args, **kwargs).items():
            if tensor.data_ptr() not in places or not tensor.numel():
                kept[name] = tensor
            places.add(tensor.data_ptr())
        return kept


def language_model(name: str, texts: Sequence[str] | None = None) -> tuple[Encoder, Objective]:
    """Load an encoder together with a head for continued pre-training.

    The bundled encoder brings no head: it gets a new one, which must be warmed up (`base`). Every other checkpoint keeps its own: that of
    a masked language model, or, for an ELECTRA that was published as a discriminator, the one that detects replaced tokens.

    Parameters
    ----------
    name, texts
        As for `encoders.load`.

    Raises
    ------
    BadInput
        If a checkpoint has no such head, or one of a family that is not known here.
    """
    encoder = encoders.load(name, texts)
    config = encoder.model.config
    if name == BUNDLED:
        model = BertForMaskedLM(config)
        model.bert.load_state_dict(encoder.model.state_dict(), strict=True)
        model.tie_weights()
        return encoder, Objective(model)
    kind = (
        ElectraForPreTraining
        if "ElectraForPreTraining" in (config.architectures or ())
        else AutoModelForMaskedLM
    )
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
            f"The encoder '{name}' ({config.model_type}) is of a family without a language-model head; take another, or {BUNDLED}."
        ) from error
    if missing := sorted(report["missing_keys"]):
        raise BadInput(
            f"The checkpoint '{name}' has no language-model head ({missing[0]} is missing), so that it would guess at random; "
            f"take one that was saved with its head, or {BUNDLED}, whose head is trained here first."
        )
    return encoder, Objective(model)


def lost_symbols(encoder: Encoder, texts: Sequence[str]) -> list[str]:
    """Signs that the whole vocabulary of the bundled encoder knows, and the cut one does not."""
    if encoder.prefix != E5_PREFIX:
        return []  # only the bundled encoder's vocabulary is ever cut
    encoded = encoder.tokenizer(list(texts), add_special_tokens=False, return_offsets_mapping=True)
    unknown = set()
    for text, ids, places in zip(
        texts, encoded["input_ids"], encoded["offset_mapping"], strict=True
    ):
        unknown.update(
            *(
                text[a:b]
                for i, (a, b) in zip(ids, places, strict=True)
                if i == encoder.tokenizer.unk_token_id
            )
        )
    known = (
        zip(sorted(unknown), bundled_e5.token_ids(sorted(unknown)), strict=True) if unknown else ()
    )
    return [
        sign
        for sign, ids in known
        if encoder.tokenizer.convert_tokens_to_ids("<unk>") not in ids and not sign.isspace()
    ]


@torch.inference_mode()
def mlm_loss(objective: Objective, masker: MlmCollator, rows: list[dict], seed: int = 0) -> float:
    """Mean loss (nats a token asked for) of rows, whose masks the seed fixes; nan where there is no row."""
    objective.eval()
    total, tokens = 0.0, 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for batch in embeddings.by_length([row["length"] for row in rows], 32):
            inputs = masker([rows[i] for i in batch])
            asked = int((inputs["labels"] != -100).sum())
            where = objective.model.device
            total += (
                objective(**{name: tensor.to(where) for name, tensor in inputs.items()})[
                    "loss"
                ].item()
                * asked
            )
            tokens += asked
    return total / tokens if tokens else math.nan


# Stages -------------------------------------------------------------------------------------------

#: In a stage's folder, beside the weights: what was read, and the loss on held-out texts of every domain before and after.
CARD = "stage.json"
#: Share of the tokens that are hidden where losses are compared, whatever the training hides.
ASKED = 0.15


@dataclass(frozen=True)
class Pretraining:
    """How a stage is trained.

    Attributes
    ----------
    steps : int
        Of each stage, whatever the size of its corpus: every condition spends the same on a domain.
    head_steps, head_share
        Steps of the new head of the bundled encoder, which is frozen meanwhile, and the share of tokens that are hidden from it: more than
        later, since a step costs the same however many are asked for.
    batch_size, accumulation, learning_rate, head_learning_rate
        Rows of a batch, batches whose gradients are added up before a step, and the rates of the encoder and of a head that is new.
    share, whole_words
        As for `Masker`.
    max_length, pack
        As for `rows`.
    save_steps : int
        Steps between checkpoints, from which a stage that was stopped goes on.
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


def base(texts: Corpora, recipe: Pretraining, seed: int, encoder: str = BUNDLED) -> artifacts.Entry:
    """Return the encoder that every stage starts from, from the cache: its head is ready, itself untouched.

    The bundled encoder's vocabulary is cut to all corpora together, so that stages can be chained, and its new head is warmed up on all of them while
    the encoder is frozen; otherwise the head's noise would damage what the encoder knows. The head starts from what the pieces' frequencies alone
    foretell: they are its bias, and its other logits begin small.

    Parameters
    ----------
    encoder
        Name for `language_model`.
    """
    everything = [
        text for each in (*texts.train.values(), *texts.held_out.values()) for text in each
    ]

    def make(folder: Path, work: Path) -> None:
        torch.manual_seed(seed)
        loaded, objective = language_model(encoder, everything)
        counts = {}
        if encoder == BUNDLED:
            read = language_model_rows(
                loaded,
                [text for each in texts.train.values() for text in each],
                recipe.max_length,
                pack=recipe.pack,
            )
            often = frequencies(read, len(loaded.tokenizer))
            with torch.no_grad():
                head = objective.model.cls.predictions
                head.bias.copy_(((often + 0.1) / (often + 0.1).sum()).log())
                head.transform.LayerNorm.weight.mul_(0.2)
            objective.model.config.new_head = True  # kept with the weights
            warm = replace(recipe, steps=recipe.head_steps, share=recipe.head_share)
            counts = _train(
                objective, loaded, read, warm, seed, work, "warm up the LM head", frozen=True
            )
        _keep(
            objective,
            loaded,
            folder,
            {"after": _losses(objective, loaded, texts.held_out, recipe)} | counts,
        )

    return artifacts.get_or_create(
        "dapt",
        make,
        parameters={
            **asdict(recipe),
            "encoder": encoder,
            "content": encoders.content(encoder),
            "seed": seed,
            "bfloat16": runtime.mixed_precision(),
        },
        data=artifacts.fingerprint(texts.train, texts.held_out),
        code=[base, *_CODE],
        resumable=True,
    )


def stage(
    before: artifacts.Entry,
    domain: str,
    texts: Corpora,
    recipe: Pretraining,
    seed: int,
    *,
    frozen: bool = False,
) -> artifacts.Entry:
    """Return the encoder of an earlier stage after reading a domain, from the cache; its name for `encoders.load` is `dapt/<key>`.

    One that was stopped goes on from its last good checkpoint; the masks that follow are others than in one go, since the next batch is drawn ahead.

    Parameters
    ----------
    before
        Entry of `base` or `stage`.
    domain
        Which of the corpora to read.
    frozen
        Whether the encoder, embeddings included, stays as it is and only the head learns: the fault of 2022.

    Raises
    ------
    BadInput
        If the corpus does not fill a batch, or holds signs that the vocabulary lost.
    """

    def make(folder: Path, work: Path) -> None:
        torch.manual_seed(seed)
        encoder, objective = language_model(f"dapt/{before.key}")
        lost = lost_symbols(
            encoder, [*texts.train[domain], *(t for each in texts.held_out.values() for t in each)]
        )
        if lost:
            raise BadInput(
                f"The vocabulary was cut to other texts and lost {len(lost)} signs of the corpora (such as '{lost[0]}'); "
                f"make the base from all corpora that are read later."
            )
        read = language_model_rows(
            encoder, texts.train[domain], recipe.max_length, pack=recipe.pack
        )
        counts = _train(
            objective, encoder, read, recipe, seed, work, f"pre-train on {domain}", frozen=frozen
        )
        counts |= {
            "domain": domain,
            "texts": len(texts.train[domain]),
            "before": card(before)["after"],
        }
        _keep(
            objective,
            encoder,
            folder,
            counts | {"after": _losses(objective, encoder, texts.held_out, recipe)},
        )

    return artifacts.get_or_create(
        "dapt",
        make,
        parameters={
            **asdict(recipe),
            "before": before.key,
            "seed": seed,
            "frozen": frozen,
            "bfloat16": runtime.mixed_precision(),
        },
        data=artifacts.fingerprint(texts.train[domain], texts.held_out),
        code=[stage, *_CODE],
        resumable=True,
    )


def _train(
    objective: Objective,
    encoder: Encoder,
    read: list[dict],
    recipe: Pretraining,
    seed: int,
    work: Path,
    desc: str,
    *,
    frozen: bool,
) -> dict:
    """Train a language model, from the last good checkpoint where there is one; what it read."""
    if len(read) < recipe.batch_size:
        raise BadInput(
            f"The corpus fills {len(read)} rows of {recipe.max_length} tokens, fewer than one batch of {recipe.batch_size}; take a larger one."
        )
    objective.model.base_model.requires_grad_(
        not frozen
    )  # the decoder is the embeddings, and stands still with them
    inside = list(objective.model.base_model.parameters())
    known = set(map(id, inside))
    groups = [
        {"params": [p for p in inside if p.requires_grad], "lr": recipe.learning_rate},
        {
            "params": [p for p in objective.parameters() if id(p) not in known],
            "lr": recipe.head_learning_rate if _head_is_new(objective) else recipe.learning_rate,
        },
    ]
    _drop_broken(work)
    training.fit(
        objective.to(device()),
        read,
        collator=_masker(objective, encoder, read, recipe.share, recipe.whole_words),
        folder=work,
        desc=desc,
        seed=seed,
        epochs=1,
        max_steps=recipe.steps,
        batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.accumulation,
        optimizer=torch.optim.AdamW(
            [group for group in groups if group["params"]], weight_decay=0.01, fused=True
        ),
        warmup_steps=0.1,
        eval_steps=recipe.save_steps,
        remove_unused_columns=False,
    )
    seen = recipe.steps * recipe.batch_size * recipe.accumulation
    return {
        "rows": len(read),
        "passes": seen / len(read),
        "tokens": sum(row["length"] for row in read) / len(read) * seen,
    }


def _head_is_new(objective: Objective) -> bool:
    """Whether the head was made here: it then learns at a rate of its own, so that the encoder can move slowly."""
    return getattr(objective.model.config, "new_head", False)


def _masker(
    objective: Objective, encoder: Encoder, read: list[dict], share: float, whole_words: bool
) -> MlmCollator:
    if objective.detects:
        return ReplacedTokenCollator(
            encoder.tokenizer, share, whole_words, frequencies(read, len(encoder.tokenizer))
        )
    return MlmCollator(encoder.tokenizer, share, whole_words)


def _drop_broken(work: Path) -> None:
    """Remove checkpoints that were being written when the training was stopped, so that it goes on from the last good one."""
    for path in work.glob("checkpoint-*"):
        try:
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))  # written last
            with safe_open(path / "model.safetensors", "pt") as file:
                file.keys()
            torch.load(path / "optimizer.pt", mmap=True, weights_only=True)
        except (OSError, ValueError, RuntimeError, SafetensorError):
            shutil.rmtree(path)


def _losses(
    objective: Objective, encoder: Encoder, held_out: dict[str, list[str]], recipe: Pretraining
) -> dict[str, float]:
    """Loss on held-out texts of each domain; each text stands alone, as the classifier will read it."""
    found = {}
    for name, texts in held_out.items():
        read = language_model_rows(encoder, texts, recipe.max_length)
        with torch.autocast(
            device(), torch.bfloat16, enabled=runtime.mixed_precision()
        ):  # as it was trained
            found[name] = mlm_loss(objective, _masker(objective, encoder, read, ASKED, False), read)
    if any(map(math.isnan, found.values())):
        raise BadInput(
            "A loss is not a number: the training ran away, or a domain has no held-out text; lower the learning rate, or hold texts out."
        )
    return found


def _keep(objective: Objective, encoder: Encoder, folder: Path, found: dict) -> None:
    objective.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    write_json(folder / CARD, found)


_CODE = [
    language_model_rows,
    MlmCollator,
    ReplacedTokenCollator,
    frequencies,
    Objective,
    language_model,
    mlm_loss,
    _train,
    _losses,
    _head_is_new,
    training,
    encoders,
]


def card(entry: artifacts.Entry) -> dict:
    """What a stage read, and its losses on held-out texts of every domain before and after."""
    return read_json(entry.path / CARD)


# The experiment -----------------------------------------------------------------------------------
