"""Fine-tuning of an encoder to six emotions with the Hugging Face Trainer."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file
from torch import nn
from transformers import DataCollatorWithPadding

from ..core import artifacts, emotions, metrics, runtime
from ..core.errors import BadInput
from ..core.files import write_json
from ..core.runtime import device
from ..core.vectors import class_weights
from . import encoders, frozen_layers, training
from .bundled_e5 import BUNDLED
from .classifier import predict
from .embeddings import Encoder
from .emotion_model import EmotionModel
from .prediction import CARD, calibrate

TARGETS = list(emotions.EN)


@dataclass(frozen=True)
class Recipe:
    """How an encoder is fine-tuned.

    Attributes
    ----------
    encoder : str
        Name for `encoders.load`.
    revision : str
        Commit or tag on the hub; the newest by default.
    epochs, batch_size, learning_rate, weight_decay, warmup, optimizer
        As in transformers' `TrainingArguments`; warmup is a share of all steps.
    frozen_layers : int
        Number of lower layers that are not trained, nor the embeddings; 0 trains everything.
    accumulation : int
        Batches whose gradients are summed before a step.
    layer_decay : float
        Factor between the learning rates of a layer and of the layer above.
    balance : float
        Power of `vectors.class_weights`.
    auxiliary : float
        Weight of an auxiliary task: the source's own labels (binary cross-entropy, summed).
    focal : float
        Gamma of the focal loss (Lin et al. 2017); 0 is cross-entropy.
    label_smoothing : float
        Share of each target that is spread over all six emotions.
    max_length : int
        Tokens read of each text.
    patience : int
        Evaluations without a better dev macro-F1 before early stopping.
    eval_steps : int
        Steps between evaluations on dev; 0 for one per epoch.
    """

    encoder: str = BUNDLED
    revision: str = ""
    epochs: float = 3
    batch_size: int = 32
    learning_rate: float = 2e-4
    head_learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.1
    optimizer: str = "adamw_torch"
    frozen_layers: int = 8
    accumulation: int = 1
    layer_decay: float = 1.0
    balance: float = 0.0
    auxiliary: float = 0.25
    focal: float = 0.0
    label_smoothing: float = 0.0
    max_length: int = 64
    patience: int = 2
    eval_steps: int = 0


def freeze(encoder: nn.Module, layers: int) -> None:
    """Freeze the embeddings and the lowest layers: no gradients, no dropout."""
    if layers:
        for module in (encoder.embeddings, *encoders.layers(encoder)[:layers]):
            module.requires_grad_(False)
            for dropout in (part for part in module.modules() if isinstance(part, nn.Dropout)):
                dropout.p = 0.0


def fine_tune(
    train: pd.DataFrame,
    dev: pd.DataFrame,
    recipe: Recipe,
    seed: int,
    path: Path,
    work: Path | None = None,
    tracker: str = "none",
) -> None:
    """Fine-tune an encoder, keep the epoch with the best dev macro-F1, calibrate and save it.

    Parameters
    ----------
    train, dev
        Tables with text, emotion and the six soft targets.
    recipe
        How to train.
    seed
        Seed of the head's weights, of dropout and of the batches.
    path
        Folder that receives model.safetensors, config.json, tokenizer files and recipe.json.
    work
        Folder of checkpoints, from which an interrupted training resumes; none by default.
    tracker
        As for `training.fit`.
    """
    if train["emotion"].nunique() < 2:
        raise BadInput("The training part holds a single emotion; give it at least two.")
    torch.manual_seed(seed)
    encoder = encoders.load(
        recipe.encoder, texts=train["text"].tolist(), revision=recipe.revision or None
    )
    recipe = replace(recipe, max_length=min(recipe.max_length, encoder.tokenizer.model_max_length))
    freeze(encoder.model, recipe.frozen_layers)
    names = _label_names(train) if recipe.auxiliary else []
    model = _new_model(encoder, train, recipe, len(names))
    parts = {"train": train, "dev": dev}
    rows = {name: _rows(encoder, part, names, recipe.max_length) for name, part in parts.items()}
    curve = _train(model, encoder, rows, recipe, seed, work, tracker)
    _save(model, encoder, path)
    card = {"recipe": asdict(recipe), "seed": seed, "curve": curve}
    uncalibrated = {"temperature": 1.0, "unsure_below": 0.0}
    write_json(path / CARD, card | uncalibrated)  # `predict` reads it
    probabilities = predict(path, dev["text"].tolist())
    write_json(path / CARD, card | calibrate(probabilities, dev["emotion"].to_numpy()))


def _new_model(
    encoder: Encoder, train: pd.DataFrame, recipe: Recipe, n_labels: int
) -> EmotionModel:
    """Put new heads on an encoder: for the six emotions and `n_labels` labels of the source."""
    weights = torch.from_numpy(class_weights(train[TARGETS].to_numpy(), recipe.balance))
    return EmotionModel(
        encoder.model, weights, n_labels, recipe.auxiliary, recipe.focal, recipe.label_smoothing
    )


def _train(
    model: EmotionModel,
    encoder: Encoder,
    rows: dict[str, list[dict]],
    recipe: Recipe,
    seed: int,
    work: Path | None,
    tracker: str,
) -> list[dict]:
    """Train on the rows of train to the best macro-F1 on those of dev; return Trainer's log."""
    optimizer = _optimizer(model, recipe)
    with ExitStack() as stack:
        collator = _split_off_frozen(stack, encoder, recipe.frozen_layers, rows)
        temporary = stack.enter_context(tempfile.TemporaryDirectory())
        return training.fit(
            model,
            rows["train"],
            dev=rows["dev"],
            collator=collator,
            folder=work or Path(temporary),
            desc=f"fine-tune, seed {seed}",
            seed=seed,
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
            gradient_accumulation_steps=recipe.accumulation,
            warmup_steps=recipe.warmup,
            patience=recipe.patience,
            eval_steps=recipe.eval_steps,
            optimizer=optimizer,
            scores=_dev_scores,
            tracker=tracker,
        )


def _save(model: EmotionModel, encoder: Encoder, path: Path) -> None:
    """Save weights, config and tokenizer, without the head of the source's own labels."""
    path.mkdir(parents=True, exist_ok=True)
    model.labels_head = None
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, path / "model.safetensors")
    encoder.model.config.save_pretrained(path)
    encoder.tokenizer.save_pretrained(path)


def _split_off_frozen(
    stack: ExitStack, encoder: Encoder, depth: int, rows: dict[str, list[dict]]
) -> Callable:
    """Run the frozen layers once where that is possible; return the collator of the rows."""
    every = [row for part in rows.values() for row in part]
    can_split = depth and frozen_layers.can_split(encoder.model)
    if not can_split or not frozen_layers.fits_in_memory(encoder.model, every):
        return DataCollatorWithPadding(encoder.tokenizer)
    encoder.model.to(device())
    frozen_layers.add_hidden_states(encoder, depth, every)
    stack.enter_context(frozen_layers.upper_layers(encoder.model, depth))
    return frozen_layers.HiddenStatesCollator()


def _label_names(table: pd.DataFrame) -> list[str]:
    """Sort the source's own labels in a table; none where it has no column `labels`."""
    return sorted({name for labels in table.get("labels", ()) for name in labels.split("|")})


def _rows(encoder: Encoder, table: pd.DataFrame, names: list[str], max_length: int) -> list[dict]:
    """Encode texts with soft targets of the six emotions and of the source's own labels."""
    targets = table[TARGETS].to_numpy(np.float32)
    if names:
        told = table["labels"].str.get_dummies("|").reindex(columns=names, fill_value=0)
        targets = np.concatenate([targets, told.to_numpy(np.float32)], axis=1)
    return [
        row | {"labels": target}
        for row, target in zip(
            training.encode_rows(encoder, table["text"], max_length), targets, strict=True
        )
    ]


def _optimizer(model: EmotionModel, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW or Adafactor; rates fall from the top layer down, and the new head has its own."""
    layers = model.encoder.config.num_hidden_layers
    heads = [
        parameter
        for head in (model.head, model.labels_head)
        if head is not None
        for parameter in head.parameters()
    ]
    groups = [{"params": heads, "lr": recipe.head_learning_rate}]
    for name, parameter in model.encoder.named_parameters():
        if parameter.requires_grad:
            depth = re.search(r"layers?\.(\d+)\.", name)
            below_top = (
                layers - 1 - int(depth[1]) if depth else layers if "embeddings" in name else 0
            )
            groups.append(
                {"params": [parameter], "lr": recipe.learning_rate * recipe.layer_decay**below_top}
            )
    if recipe.optimizer == "adamw_torch":
        return torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
    if recipe.optimizer == "adafactor":
        return torch.optim.Adafactor(groups, weight_decay=recipe.weight_decay)
    raise BadInput(f"There is no optimizer '{recipe.optimizer}'; choose adamw_torch or adafactor.")


def _dev_scores(prediction) -> dict[str, float]:
    logits, targets = prediction
    true, predicted = targets[:, : emotions.N].argmax(-1), logits.argmax(-1)
    return {
        "macro_f1": metrics.macro_f1(true, predicted),
        "micro_f1": metrics.micro_f1(true, predicted),
    }


def trained(
    train: pd.DataFrame, dev: pd.DataFrame, recipe: Recipe, seed: int, tracker: str = "none"
) -> artifacts.Entry:
    """Fine-tuned model from the cache, trained first where it is not there yet."""
    columns = [c for c in ("text", "emotion", "labels", *TARGETS) if c in train]
    return artifacts.get_or_create(
        "classifier",
        lambda path, work: fine_tune(train, dev, recipe, seed, path, work, tracker),
        parameters={
            **asdict(recipe),
            "content": encoders.content(recipe.encoder),
            "seed": seed,
            "bfloat16": runtime.mixed_precision(),
        },
        data=artifacts.fingerprint(train[columns], dev[columns]),
        resumable=True,
        about=train.attrs,
    )
