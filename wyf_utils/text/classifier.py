"""Sentence to six probabilities: baselines, fine-tuning by the Hugging Face Trainer, prediction."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, DataCollatorWithPadding, PreTrainedTokenizerBase

from ..core import artifacts, emotions, metrics
from ..core.artifacts import read_json, write_json
from ..core.errors import BadInput, CorruptData, MissingData
from ..core.settings import THREADS, device, progress
from ..data.cleaning import without_full_stops
from . import encoders, training
from .encoders import BUNDLED, Encoder, mean_pool

TARGETS = list(emotions.EN)
#: Beside the weights: recipe, seed, curve, calibration.
CARD = "recipe.json"


# Baselines ------------------------------------------------------------------------------------------


def majority(train: pd.DataFrame, n: int) -> np.ndarray:
    """Most frequent emotion of the training part, n times."""
    return np.full(n, train["emotion"].mode()[0])


def shuffled(train: pd.DataFrame, n: int, seed: int) -> np.ndarray:
    """N emotions drawn from the training part's labels at random: right proportions, no reading."""
    return np.random.default_rng(seed).choice(train["emotion"].to_numpy(), n)


def _best_on_dev(heads: Sequence[ClassifierMixin], train_rows, train: pd.DataFrame, dev_rows, dev: pd.DataFrame) -> ClassifierMixin:
    """Fit heads and keep the one with the best dev macro-F1."""
    true = dev["emotion"].to_numpy()
    fitted = joblib.Parallel(n_jobs=THREADS)(joblib.delayed(head.fit)(train_rows, train["emotion"]) for head in heads)
    return max(fitted, key=lambda head: metrics.macro_f1(true, head.predict(dev_rows)))


def tfidf(train: pd.DataFrame, dev: pd.DataFrame, *, balanced: bool = True) -> Pipeline:
    """Character 1- to 4-grams, TF-IDF and a logistic regression; its strength is chosen on `dev`.

    Parameters
    ----------
    balanced
        Whether rare emotions weigh as much as frequent ones, which helps macro-F1 and costs accuracy.
    """
    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), min_df=2, sublinear_tf=True)
    rows = grams.fit_transform(train["text"])
    heads = [LogisticRegression(C=strength, max_iter=2000, class_weight="balanced" if balanced else None) for strength in (0.1, 1, 10)]
    return make_pipeline(grams, _best_on_dev(heads, rows, train, grams.transform(dev["text"]), dev))


def six_probabilities(model: Pipeline, rows) -> np.ndarray:
    """Probabilities (n, 6) by a fitted model of scikit-learn, of texts or vectors; an emotion that it never saw has 0."""
    probabilities = np.zeros((len(rows), emotions.N))
    probabilities[:, model.classes_] = model.predict_proba(rows)
    return probabilities


def sentence_vectors(encoder: str, texts: Sequence[str], desc: str) -> np.ndarray:
    """Vectors (n, 5 * dim) of texts by an encoder that is not trained, from five of its depths; from the cache."""
    texts = list(texts)

    def make(folder: Path) -> None:
        vectors = encoders.embed_layers(encoders.load(encoder, texts=texts), texts, max_length=64, desc=desc)
        np.save(folder / "vectors.npy", vectors.astype(np.float16), allow_pickle=False)

    key = {"encoder": encoder, "content": encoders.content(encoder)}
    entry = artifacts.folder("vectors", make, parameters=key, data=artifacts.fingerprint(texts), code=[sentence_vectors, encoders])
    return np.load(entry.path / "vectors.npy", allow_pickle=False).astype(np.float32)


def frozen(train_rows: np.ndarray, train: pd.DataFrame, dev_rows: np.ndarray, dev: pd.DataFrame) -> Pipeline:
    """Fit a logistic regression on `sentence_vectors` of the training part; its strength is chosen on `dev`."""
    strengths = (0.001, 0.003, 0.01, 0.03)
    heads = [make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000, class_weight="balanced")) for strength in strengths]
    return _best_on_dev(heads, train_rows, train, dev_rows, dev)


# Fine-tuning ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recipe:
    """How an encoder is fine-tuned.

    Attributes
    ----------
    encoder : str
        Name for `encoders.load`, or the folder of a model kept by `dapt`.
    revision : str
        Commit or tag on the hub; the newest by default.
    epochs, batch_size, learning_rate, weight_decay, warmup, optimizer
        As in transformers' `TrainingArguments`: batch_size is that of each process, warmup a share of all steps.
    frozen_layers : int
        Embeddings and this many lower layers stay as they are; 0 trains everything.
    accumulation : int
        Batches whose gradients are added up before a step.
    layer_decay : float
        Each layer's rate is this times that of the layer above.
    balance : float
        Class weights are (class share) ** -balance, with mean 1 over the training texts.
    auxiliary : float
        Weight of a second task that is dropped after training: telling all labels of the source (binary cross-entropy,
        summed over them). Six emotions say less of a text than its own labels do.
    focal : float
        Gamma of the focal loss (Lin et al. 2017); 0 is cross-entropy.
    label_smoothing : float
        Share of every target that is spread over all six emotions.
    max_length : int
        Tokens read of each text.
    patience : int
        Evaluations without a better dev macro-F1 before training stops.
    eval_steps : int
        Steps between evaluations on dev; 0 for one an epoch.
    """

    encoder: str = BUNDLED
    revision: str = ""
    epochs: float = 2
    batch_size: int = 16
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


class EmotionModel(nn.Module):
    """Encoder, mean pooling, standardised dimensions, dropout, and a linear layer to six logits.

    In training a second linear layer tells the source's own labels; it is not saved.

    Mean-pooled vectors of contrastive encoders such as E5 lie in a narrow cone. Without standardising, the head
    sees nearly the same vector for every text and training stays at the majority for hundreds of steps.
    """

    def __init__(
        self,
        encoder: nn.Module,
        class_weights: torch.Tensor | None = None,
        labels: int = 0,
        auxiliary: float = 0.0,
        focal: float = 0.0,
        label_smoothing: float = 0.0,
    ):
        super().__init__()
        self.auxiliary, self.focal, self.label_smoothing = auxiliary, focal, label_smoothing
        self.encoder = encoder
        self.standardise = nn.BatchNorm1d(encoder.config.hidden_size, affine=False)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(encoder.config.hidden_size, emotions.N)
        self.labels_head = nn.Linear(encoder.config.hidden_size, labels) if labels else None
        self.register_buffer("class_weights", torch.ones(emotions.N) if class_weights is None else class_weights)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor | None = None) -> dict:
        """Logits (batch, 6), and the loss against soft targets of the emotions and of the source's labels (batch, 6 + labels)."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state  # (batch, tokens, dim)
        pooled = self.dropout(self.standardise(mean_pool(hidden, attention_mask)))  # (batch, dim)
        logits = self.head(pooled)  # (batch, 6)
        if labels is None:
            return {"logits": logits}
        targets = labels[:, : emotions.N] * (1 - self.label_smoothing) + self.label_smoothing / emotions.N
        logs = logits.float().log_softmax(-1)  # (batch, 6)
        loss = -(targets * self.class_weights * (1 - logs.exp()) ** self.focal * logs).sum(-1).mean()
        if self.labels_head is not None:
            told, true = self.labels_head(pooled).float(), labels[:, emotions.N :]  # (batch, labels)
            loss = loss + self.auxiliary * nn.functional.binary_cross_entropy_with_logits(told, true, reduction="none").sum(-1).mean()
        return {"loss": loss, "logits": logits}


def class_weights(targets: np.ndarray, balance: float) -> torch.Tensor:
    """Weight of each emotion, (share) ** -balance, with mean 1 over the texts; absent emotions weigh 0."""
    share = targets.mean(axis=0)
    weights = np.where(share > 0, np.maximum(share, 1e-9) ** -balance, 0)
    return torch.tensor(weights / (weights * share).sum(), dtype=torch.float32)


def freeze(encoder: nn.Module, layers: int) -> None:
    """Stop gradients in the embeddings and in the lowest `layers` layers, and their dropout: what learns nothing need not be disturbed."""
    if layers:
        for module in (encoder.embeddings, *encoders.layers(encoder)[:layers]):
            module.requires_grad_(False)
            for dropout in (part for part in module.modules() if isinstance(part, nn.Dropout)):
                dropout.p = 0.0


def fine_tune(train: pd.DataFrame, dev: pd.DataFrame, recipe: Recipe, seed: int, path: Path, work: Path | None = None, tracker: str = "none") -> None:
    """Fine-tune an encoder, keep the epoch with the best dev macro-F1, calibrate it on dev and save it.

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
    work
        Folder of the checkpoints; a training that was stopped goes on from there. By default nothing is kept.
    tracker
        As for `training.fit`.
    """
    if train["emotion"].nunique() < 2:
        raise BadInput("The training part holds a single emotion; give it at least two.")
    torch.manual_seed(seed)
    encoder = encoders.load(recipe.encoder, texts=train["text"].tolist(), revision=recipe.revision or None)
    recipe = replace(recipe, max_length=min(recipe.max_length, encoder.tokenizer.model_max_length))
    freeze(encoder.model, recipe.frozen_layers)
    names = _label_names(train) if recipe.auxiliary else []
    model = EmotionModel(
        encoder.model, class_weights(train[TARGETS].to_numpy(), recipe.balance), len(names), recipe.auxiliary, recipe.focal, recipe.label_smoothing
    )
    with tempfile.TemporaryDirectory() as temporary:
        curve = training.fit(
            model,
            _rows(encoder, train, names, recipe.max_length),
            dev=_rows(encoder, dev, names, recipe.max_length),
            collator=DataCollatorWithPadding(encoder.tokenizer),
            folder=work or Path(temporary),
            desc=f"fine-tune, seed {seed}",
            seed=seed,
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
            gradient_accumulation_steps=recipe.accumulation,
            warmup_steps=recipe.warmup,
            patience=recipe.patience,
            eval_steps=recipe.eval_steps,
            optimizer=_optimizer(model, recipe),
            scores=_dev_scores,
            tracker=tracker,
        )
    path.mkdir(parents=True, exist_ok=True)
    model.labels_head = None
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, path / "model.safetensors")
    encoder.model.config.save_pretrained(path)
    encoder.tokenizer.save_pretrained(path)
    card = {"recipe": asdict(recipe), "seed": seed, "curve": curve, "temperature": 1.0, "unsure_below": 0.0}
    write_json(path / CARD, card)
    write_json(path / CARD, card | calibrate(load(path).predict(dev["text"].tolist()), dev["emotion"].to_numpy()))


def _label_names(table: pd.DataFrame) -> list[str]:
    """Labels of the source that stand in a table, sorted; none where it has no column `labels`."""
    return sorted({name for labels in table.get("labels", ()) for name in labels.split("|")})


def _rows(encoder: Encoder, table: pd.DataFrame, names: list[str], max_length: int) -> list[dict]:
    """Trainer's rows with the targets of the emotions (6,) and of the source's labels (len(names),)."""
    targets = table[TARGETS].to_numpy(np.float32)
    if names:
        told = table["labels"].str.get_dummies("|").reindex(columns=names, fill_value=0)
        targets = np.concatenate([targets, told.to_numpy(np.float32)], axis=1)
    return [row | {"labels": target} for row, target in zip(training.rows(encoder, table["text"], max_length), targets, strict=True)]


def _optimizer(model: EmotionModel, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW or Adafactor; rates fall from the top layer down, and the new head has its own."""
    layers = model.encoder.config.num_hidden_layers
    heads = [parameter for head in (model.head, model.labels_head) if head is not None for parameter in head.parameters()]
    groups = [{"params": heads, "lr": recipe.head_learning_rate}]
    for name, parameter in model.encoder.named_parameters():
        if parameter.requires_grad:
            depth = re.search(r"layers?\.(\d+)\.", name)
            below_top = layers - 1 - int(depth[1]) if depth else layers if "embeddings" in name else 0
            groups.append({"params": [parameter], "lr": recipe.learning_rate * recipe.layer_decay**below_top})
    if recipe.optimizer == "adamw_torch":
        return torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
    if recipe.optimizer == "adafactor":
        return torch.optim.Adafactor(groups, weight_decay=recipe.weight_decay)
    raise BadInput(f"There is no optimizer '{recipe.optimizer}'; choose adamw_torch or adafactor.")


def _dev_scores(prediction) -> dict[str, float]:
    logits, targets = prediction
    true, predicted = targets[:, : emotions.N].argmax(-1), logits.argmax(-1)
    return {"macro_f1": metrics.macro_f1(true, predicted), "micro_f1": metrics.micro_f1(true, predicted)}


def trained(train: pd.DataFrame, dev: pd.DataFrame, recipe: Recipe, seed: int, tracker: str = "none") -> artifacts.Entry:
    """Fine-tuned model from the cache, trained first where it is not there yet."""
    columns = [c for c in ("text", "emotion", "labels", *TARGETS) if c in train]
    return artifacts.folder(
        "classifier",
        lambda path, work: fine_tune(train, dev, recipe, seed, path, work, tracker),
        parameters={**asdict(recipe), "content": encoders.content(recipe.encoder), "seed": seed, "bfloat16": training.mixed_precision()},
        data=artifacts.fingerprint(train[columns], dev[columns]),
        code=[fine_tune, EmotionModel, class_weights, freeze, _optimizer, _rows, _label_names, _dev_scores, calibrate, training, encoders],
        resumable=True,
        about=train.attrs,
    )


# Calibration ----------------------------------------------------------------------------------------


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (n, 6) softened (temperature above 1) or sharpened (below 1), rows summing to 1."""
    logits = np.log(np.maximum(probabilities, 1e-9)) / temperature
    return softmax(logits, axis=1).astype(np.float32)


def calibrate(probabilities: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Temperature scaling (Guo et al. 2017, On Calibration of Modern Neural Networks) and where the model is not sure.

    Parameters
    ----------
    probabilities, true
        Of the dev part: (n, 6), and emotion ids (n,).

    Returns
    -------
    dict
        temperature: divides the logits so that the true emotions are most likely; unsure_below: the confidence under which an
        answer is right less than once in three times (isotonic regression; 0 where there is none).
    """

    def surprise(temperature: float) -> float:
        return float(-np.log(tempered(probabilities, temperature)[np.arange(len(true)), true] + 1e-9).mean())

    temperature = float(minimize_scalar(surprise, bounds=(0.2, 5.0), method="bounded").x)
    calibrated = tempered(probabilities, temperature)
    confidence, right = calibrated.max(1), calibrated.argmax(1) == true
    doubtful = confidence[IsotonicRegression().fit_transform(confidence, right) < 1 / 3]
    return {"temperature": temperature, "unsure_below": float(doubtful.max()) if len(doubtful) else 0.0}


# Prediction -----------------------------------------------------------------------------------------


def readable(texts: Sequence[str]) -> np.ndarray:
    """Mask of texts that hold a letter or a digit; blanks, bare signs and missing values have nothing to read."""
    return np.array([isinstance(t, str) and any(c.isalnum() for c in t) for t in texts])


@dataclass
class Classifier:
    """A trained model that turns texts into six probabilities."""

    model: EmotionModel
    tokenizer: PreTrainedTokenizerBase
    prefix: str
    max_length: int
    curve: list[dict] = field(default_factory=list)
    temperature: float = 1.0
    unsure_below: float = 0.0

    @torch.inference_mode()
    def logits(self, input_ids: np.ndarray, attention_mask: np.ndarray) -> np.ndarray:
        """Logits (batch, 6) of encoded texts, (batch, tokens) each."""
        where = next(self.model.parameters()).device
        return self.model(*(torch.from_numpy(x).to(where) for x in (input_ids, attention_mask)))["logits"].float().cpu().numpy()

    def predict(self, texts: Sequence[str], batch_size: int = 32, desc: str = "") -> np.ndarray:
        """Calibrated probabilities of the six emotions.

        Parameters
        ----------
        texts
            Texts, read without full stops, as in training; one longer than `max_length` tokens is read in windows, whose mean it gets.
        desc
            What the progress bar says; none is shown where this is empty.

        Returns
        -------
        ndarray of shape (n, 6), float32
            Rows sum to 1; the row of a text that is not `readable` is nan, and the others are as without it.
        """
        good = readable(texts)
        if not good.any():
            raise BadInput("There is no text to classify; pass at least one with words.")
        windows = self.tokenizer(
            [self.prefix + without_full_stops(t) for t, kept in zip(texts, good, strict=True) if kept],
            truncation=True,
            max_length=self.max_length,
            return_overflowing_tokens=True,
        )
        ids, owners = windows["input_ids"], np.array(windows["overflow_to_sample_mapping"])
        probabilities = np.empty((len(ids), emotions.N), np.float32)
        batches = encoders.by_length([len(i) for i in ids], batch_size)
        for batch in progress(batches, desc=desc) if desc else batches:
            inputs = self.tokenizer.pad({"input_ids": [ids[i] for i in batch]}, return_tensors="np")
            probabilities[batch] = softmax(self.logits(inputs["input_ids"], inputs["attention_mask"]), axis=1)
        sums = np.zeros((good.sum(), emotions.N), np.float32)
        np.add.at(sums, owners, probabilities)
        answers = np.full((len(texts), emotions.N), np.nan, np.float32)
        answers[good] = tempered(sums / np.bincount(owners)[:, None], self.temperature)
        return answers


def read_card(path: Path) -> dict:
    """Recipe, curve and calibration of a model saved by `fine_tune`.

    Raises
    ------
    MissingData
        If the folder holds no model.
    """
    if not (path / CARD).is_file():
        raise MissingData(
            f"There is no trained model in {path.name}; run `make run` to train one.", f"{path.name} 폴더에 학습된 모델이 없어요. `make run`을 실행해 주세요."
        )
    card = read_json(path / CARD)
    if not {"recipe", "curve", "temperature", "unsure_below"} <= card.keys():
        raise MissingData(
            f"The model in {path.name} was made by older code; run `make run` to train it anew.",
            f"{path.name} 폴더의 모델은 예전 코드로 만든 것이에요. `make run`으로 다시 학습해 주세요.",
        )
    return card


def reader(path: Path) -> dict:
    """All fields of a `Classifier` but its model, from the folder of a model saved by `fine_tune`."""
    card = read_card(path)
    return {
        "tokenizer": AutoTokenizer.from_pretrained(path),
        "prefix": AutoConfig.from_pretrained(path).text_prefix,
        "max_length": card["recipe"]["max_length"],
        **{name: card[name] for name in ("curve", "temperature", "unsure_below")},
    }


def load(path: Path) -> Classifier:
    """Load a model saved by `fine_tune` into torch.

    Raises
    ------
    MissingData
        If the folder holds no model.
    CorruptData
        If its weights cannot be read.
    """
    fields = reader(path)
    model = EmotionModel(encoders.without_pooler(AutoModel.from_config(AutoConfig.from_pretrained(path))))
    try:
        model.load_state_dict(load_file(path / "model.safetensors"))
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise CorruptData(
            f"The weights in {path.name} are damaged; delete that folder and run `make run`.",
            f"{path.name} 폴더의 모델이 손상되었어요. 그 폴더를 지우고 `make run`을 실행해 주세요.",
        ) from error
    return Classifier(model.eval().to(device()), **fields)


def read_lyrics(model: Classifier, lyrics: Sequence[Sequence[str]], desc: str = "") -> np.ndarray:
    """Probabilities (n, 6) of lyrics, each a list of couplets: the mean over those that can be read."""
    found = model.predict([couplet for lyric in lyrics for couplet in lyric], desc=desc)
    ends = np.cumsum([len(lyric) for lyric in lyrics])[:-1]
    return np.stack([np.nanmean(part, axis=0) for part in np.split(found, ends)])


#: All that stands between weights and answers, so that a change of any is another cache entry.
READING = [Classifier, EmotionModel, tempered, readable, without_full_stops, read_lyrics]


def predicted(model: artifacts.Entry, texts: pd.Series) -> np.ndarray:
    """Probabilities (n, 6) of texts by a trained model, from the cache."""

    def make(folder: Path) -> None:
        probabilities = load(model.path).predict(texts.tolist(), desc="read the test part")
        np.save(folder / "probabilities.npy", probabilities, allow_pickle=False)

    entry = artifacts.folder("predictions", make, parameters={"model": model.key}, data=artifacts.fingerprint(texts), code=READING)
    return np.load(entry.path / "probabilities.npy", allow_pickle=False)
