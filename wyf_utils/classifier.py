"""Sentence to six probabilities: baselines, fine-tuning by the Hugging Face Trainer, prediction."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import transformers
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, DataCollatorWithPadding, PrinterCallback, TrainerCallback, TrainingArguments

from . import cache, emotions, encoders, metrics
from .cleaning import without_full_stops
from .encoders import BUNDLED, Encoder, mean_pool
from .errors import BadInput, CorruptData, MissingData
from .settings import device, progress

TARGETS = list(emotions.EN)


# Baselines ------------------------------------------------------------------------------------------


def majority(train: pd.DataFrame, n: int) -> np.ndarray:
    """Most frequent emotion of the training part, n times."""
    return np.full(n, train["emotion"].mode()[0])


def shuffled(train: pd.DataFrame, n: int, seed: int) -> np.ndarray:
    """N emotions drawn from the training part's labels at random: right proportions, no reading."""
    return np.random.default_rng(seed).choice(train["emotion"].to_numpy(), n)


def _best_on_dev(make, train_rows, train: pd.DataFrame, dev_rows, dev: pd.DataFrame) -> Pipeline:
    """Fit a pipeline for several strengths of regularisation and keep the one with the best dev macro-F1."""
    true = dev["emotion"].to_numpy()
    fitted = [make(strength).fit(train_rows, train["emotion"]) for strength in (0.1, 1, 10)]
    return max(fitted, key=lambda model: metrics.macro_f1(true, model.predict(dev_rows)))


def tfidf(train: pd.DataFrame, dev: pd.DataFrame) -> Pipeline:
    """Character 1- to 4-grams, TF-IDF and a class-balanced logistic regression; its strength is chosen on `dev`."""

    def make(strength: float) -> Pipeline:
        vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), min_df=2, sublinear_tf=True)
        return make_pipeline(vectors, LogisticRegression(C=strength, max_iter=2000, class_weight="balanced"))

    return _best_on_dev(make, train["text"], train, dev["text"], dev)


def frozen(encoder: str, parts: dict[str, pd.DataFrame]) -> np.ndarray:
    """Answers to the test part by a logistic regression on the vectors of an encoder that is not trained."""

    def make(folder: Path) -> None:
        loaded = encoders.load(encoder, texts=parts["train"]["text"].tolist())
        vectors = {name: encoders.embed(loaded, part["text"].tolist(), max_length=64, desc=f"embed {name}") for name, part in parts.items()}
        np.savez(folder / "vectors.npz", **vectors)

    data = cache.fingerprint(*(part["text"] for part in parts.values()))
    entry = cache.folder("vectors", make, parameters={"encoder": encoder}, data=data, code=[encoders])

    def head(strength: float) -> Pipeline:
        return make_pipeline(StandardScaler(), LogisticRegression(C=strength / 100, max_iter=3000, class_weight="balanced"))

    with np.load(entry.path / "vectors.npz", allow_pickle=False) as vectors:
        return _best_on_dev(head, vectors["train"], parts["train"], vectors["dev"], parts["dev"]).predict(vectors["test"])


# Fine-tuning ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recipe:
    """How an encoder is fine-tuned.

    Attributes
    ----------
    encoder : str
        Name for `encoders.load`, or the folder of a model kept by `dapt`.
    epochs, batch_size, learning_rate, weight_decay, warmup, optimizer
        As in transformers' `TrainingArguments`; warmup is a share of all steps.
    frozen_layers : int
        Embeddings and this many lower layers stay as they are; 0 trains everything.
    balance : float
        Class weights are (class share) ** -balance, with mean 1 over the training texts.
    max_length : int
        Tokens read of each text.
    patience : int
        Epochs without a better dev macro-F1 before training stops.
    """

    encoder: str = BUNDLED
    epochs: float = 4
    batch_size: int = 16
    learning_rate: float = 1e-4
    head_learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.1
    optimizer: str = "adamw_torch"
    frozen_layers: int = 6
    balance: float = 0.2
    max_length: int = 64
    patience: int = 2


class EmotionModel(nn.Module):
    """Encoder, mean pooling, standardised dimensions, dropout, and a linear layer to six logits.

    Mean-pooled vectors of contrastive encoders such as E5 lie in a narrow cone. Without standardising, the head
    sees nearly the same vector for every text and training stays at the majority for hundreds of steps.
    """

    def __init__(self, encoder: nn.Module, class_weights: torch.Tensor | None = None):
        super().__init__()
        self.encoder = encoder
        self.standardise = nn.BatchNorm1d(encoder.config.hidden_size, affine=False)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(encoder.config.hidden_size, emotions.N)
        self.register_buffer("class_weights", torch.ones(emotions.N) if class_weights is None else class_weights)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor | None = None) -> dict:
        """Logits (batch, 6), and the weighted cross-entropy against soft labels (batch, 6) where given."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state  # (batch, tokens, dim)
        logits = self.head(self.dropout(self.standardise(mean_pool(hidden, attention_mask))))  # (batch, 6)
        if labels is None:
            return {"logits": logits}
        weighted = labels * self.class_weights  # (batch, 6)
        loss = -(weighted * logits.log_softmax(-1)).sum(-1).mean()
        return {"loss": loss, "logits": logits}


def class_weights(targets: np.ndarray, balance: float) -> torch.Tensor:
    """Weight of each emotion, (share) ** -balance, with mean 1 over the texts; absent emotions weigh 0."""
    share = targets.mean(axis=0)
    weights = np.where(share > 0, np.maximum(share, 1e-9) ** -balance, 0)
    return torch.tensor(weights / (weights * share).sum(), dtype=torch.float32)


def freeze(encoder: nn.Module, layers: int) -> None:
    """Stop gradients in the embeddings and in the lowest `layers` layers."""
    if layers:
        for module in (encoder.embeddings, *encoder.encoder.layer[:layers]):
            module.requires_grad_(False)


class Trainer(transformers.Trainer):
    """Trainer that leaves the last training texts out where they do not fill a batch, but never a dev text."""

    def get_eval_dataloader(self, eval_dataset=None):
        """Dev texts in batches, the last one included."""
        drop, self.args.dataloader_drop_last = self.args.dataloader_drop_last, False
        try:
            return super().get_eval_dataloader(eval_dataset)
        finally:
            self.args.dataloader_drop_last = drop


class _Curve(TrainerCallback):
    """Keeps the evaluation log, and moves the progress bar."""

    def __init__(self, bar):
        self.bar = bar
        self.rows: list[dict] = []

    def on_step_end(self, args, state, control, **kwargs):  # noqa: ARG002, Trainer's signature
        self.bar.total = state.max_steps
        self.bar.update(1)

    def on_log(self, args, state, control, logs=None, **kwargs):  # noqa: ARG002, Trainer's signature
        self.rows.append({"step": state.global_step, "epoch": round(state.epoch or 0, 3), **(logs or {})})


class _Patience(TrainerCallback):
    """Stops after `patience` evaluations without a better score, and keeps the best weights in memory."""

    def __init__(self, patience: int):
        self.patience, self.best, self.waited, self.state = patience, -1.0, 0, None

    def on_evaluate(self, args, state, control, model=None, metrics=None, **kwargs):  # noqa: ARG002, Trainer's signature
        score = metrics["eval_macro_f1"]
        if score > self.best:
            self.best, self.waited = score, 0
            self.state = {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}
        else:
            self.waited += 1
            control.should_training_stop = self.waited >= self.patience


def _encode(encoder: Encoder, texts: pd.Series, targets: np.ndarray, max_length: int) -> list[dict]:
    """Trainer's rows: input_ids, attention_mask, labels (soft), length."""
    inputs = encoder.tokenizer([encoder.prefix + t for t in texts], truncation=True, max_length=max_length)
    targets = targets.astype(np.float32)
    return [
        {"input_ids": ids, "attention_mask": mask, "labels": target, "length": len(ids)}
        for ids, mask, target in zip(inputs["input_ids"], inputs["attention_mask"], targets, strict=True)
    ]


def fine_tune(train: pd.DataFrame, dev: pd.DataFrame, recipe: Recipe, seed: int, path: Path) -> None:
    """Fine-tune an encoder and save the model with the best dev macro-F1.

    Parameters
    ----------
    train, dev
        Tables with text, emotion and the six soft targets.
    recipe
        How to train.
    seed
        Seed of the head's weights, the dropout and the order of the texts.
    path
        Folder that receives model.safetensors, config.json, tokenizer files and recipe.json.
    """
    if train["emotion"].nunique() < 2:
        raise BadInput("The training part holds a single emotion; give it at least two.")
    torch.manual_seed(seed)
    encoder = encoders.load(recipe.encoder, texts=train["text"].tolist())
    freeze(encoder.model, recipe.frozen_layers)
    targets = train[TARGETS].to_numpy()
    model = EmotionModel(encoder.model, class_weights(targets, recipe.balance))
    bar = progress(desc=f"fine-tune, seed {seed}")
    curve, patience = _Curve(bar), _Patience(recipe.patience)
    with tempfile.TemporaryDirectory() as work:
        arguments = TrainingArguments(
            output_dir=work,
            num_train_epochs=recipe.epochs,
            per_device_train_batch_size=recipe.batch_size,
            per_device_eval_batch_size=64,
            warmup_steps=recipe.warmup,
            train_sampling_strategy="group_by_length",
            eval_strategy="epoch",
            save_strategy="no",
            dataloader_drop_last=len(train) > recipe.batch_size,  # a last batch of one text has no deviation
            logging_strategy="epoch",
            report_to="none",
            disable_tqdm=True,
            seed=seed,
            use_cpu=device() == "cpu",
            dataloader_pin_memory=device() == "cuda",
            bf16=device() == "cuda",
        )
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=_encode(encoder, train["text"], targets, recipe.max_length),
            eval_dataset=_encode(encoder, dev["text"], dev[TARGETS].to_numpy(), recipe.max_length),
            data_collator=DataCollatorWithPadding(encoder.tokenizer),
            compute_metrics=_dev_scores,
            optimizers=(_optimizer(model, recipe), None),
            callbacks=[curve, patience],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    bar.close()
    model.load_state_dict(patience.state)
    _save(model, encoder, recipe, curve.rows, path)


def _optimizer(model: EmotionModel, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW or Adafactor with a learning rate of its own for the new head."""
    groups = [
        {"params": [p for p in model.encoder.parameters() if p.requires_grad], "lr": recipe.learning_rate},
        {"params": list(model.head.parameters()), "lr": recipe.head_learning_rate},
    ]
    groups = [g for g in groups if g["params"]]
    if recipe.optimizer == "adamw_torch":
        return torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
    if recipe.optimizer == "adafactor":
        return torch.optim.Adafactor(groups, weight_decay=recipe.weight_decay)
    raise BadInput(f"There is no optimizer '{recipe.optimizer}'; choose adamw_torch or adafactor.")


def _dev_scores(prediction) -> dict[str, float]:
    logits, targets = prediction
    true, predicted = targets.argmax(-1), logits.argmax(-1)
    return {"macro_f1": metrics.macro_f1(true, predicted), "micro_f1": metrics.micro_f1(true, predicted)}


def _save(model: EmotionModel, encoder: Encoder, recipe: Recipe, curve: list[dict], path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, path / "model.safetensors")
    encoder.model.config.save_pretrained(path)
    encoder.tokenizer.save_pretrained(path)
    card = {"recipe": asdict(recipe), "curve": curve}
    (path / "recipe.json").write_text(json.dumps(card, indent=1), encoding="utf-8")


def trained(train: pd.DataFrame, dev: pd.DataFrame, recipe: Recipe, seed: int) -> cache.Entry:
    """Fine-tuned model from the cache, trained first where it is not there yet."""
    columns = ["text", "emotion", *TARGETS]
    return cache.folder(
        "classifier",
        lambda path: fine_tune(train, dev, recipe, seed, path),
        parameters={**asdict(recipe), "seed": seed},
        data=cache.fingerprint(train[columns], dev[columns]),
        code=[fine_tune, EmotionModel, class_weights, _optimizer, _encode, _Patience, _dev_scores, freeze, encoders],
    )


# Prediction -----------------------------------------------------------------------------------------


@dataclass
class Classifier:
    """A trained model that turns texts into six probabilities."""

    model: EmotionModel
    tokenizer: object
    prefix: str
    max_length: int
    curve: list[dict] = field(default_factory=list)

    @torch.inference_mode()
    def predict(self, texts: Sequence[str], batch_size: int = 32, desc: str = "") -> np.ndarray:
        """Probabilities of the six emotions.

        Parameters
        ----------
        texts
            Texts, read without full stops, as in training; one longer than `max_length` tokens is read in windows, whose mean it gets.
        desc
            What the progress bar says; none is shown where this is empty.

        Returns
        -------
        ndarray of shape (n, 6), float32
            Rows sum to 1.
        """
        if not len(texts):
            raise BadInput("There is no text to classify; pass at least one.")
        windows = self.tokenizer(
            [self.prefix + without_full_stops(t) for t in texts], truncation=True, max_length=self.max_length, return_overflowing_tokens=True
        )
        ids, owners = windows["input_ids"], np.array(windows["overflow_to_sample_mapping"])
        probabilities = np.empty((len(ids), emotions.N), np.float32)
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))  # batches of like length waste no padding
        batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        where = next(self.model.parameters()).device
        for batch in progress(batches, desc=desc) if desc else batches:
            inputs = self.tokenizer.pad({"input_ids": [ids[i] for i in batch]}, return_tensors="pt").to(where)
            logits = self.model(inputs["input_ids"], inputs["attention_mask"])["logits"]
            probabilities[batch] = logits.softmax(-1).cpu().numpy()
        sums = np.zeros((len(texts), emotions.N), np.float32)
        np.add.at(sums, owners, probabilities)
        return sums / np.bincount(owners, minlength=len(texts))[:, None]


def load(path: Path) -> Classifier:
    """Load a model saved by `fine_tune`.

    Raises
    ------
    MissingData
        If the folder holds no model.
    CorruptData
        If its weights cannot be read.
    """
    if not (path / "recipe.json").is_file():
        raise MissingData(f"There is no trained model in {path.name}; run `make run` to train one.")
    card = json.loads((path / "recipe.json").read_text(encoding="utf-8"))
    config = AutoConfig.from_pretrained(path)
    model = EmotionModel(encoders.without_pooler(AutoModel.from_config(config)))
    try:
        model.load_state_dict(load_file(path / "model.safetensors"))
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise CorruptData(f"The weights in {path.name} are damaged; delete that folder and run `make run`.") from error
    tokenizer = AutoTokenizer.from_pretrained(path)
    return Classifier(model.eval().to(device()), tokenizer, config.text_prefix, card["recipe"]["max_length"], card["curve"])


def predicted(model: cache.Entry, texts: pd.Series) -> np.ndarray:
    """Probabilities (n, 6) of texts by a trained model, from the cache."""

    def make(folder: Path) -> None:
        probabilities = load(model.path).predict(texts.tolist(), desc="read the test part")
        np.save(folder / "probabilities.npy", probabilities, allow_pickle=False)

    entry = cache.folder("predictions", make, parameters={"model": model.key}, data=cache.fingerprint(texts), code=[Classifier, EmotionModel])
    return np.load(entry.path / "probabilities.npy", allow_pickle=False)
