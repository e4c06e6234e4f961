"""One call to the Hugging Face Trainer, shared by fine-tuning and continued pre-training."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch
import transformers
from transformers import EarlyStoppingCallback, PrinterCallback, TrainerCallback, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from ..core.errors import BadInput
from ..core.paths import cache_folder
from ..core.runtime import device, mixed_precision, processes, progress
from .embeddings import Encoder

TRACKERS = ("none", "tensorboard", "wandb")


def encode_rows(encoder: Encoder, texts: Sequence[str], max_length: int) -> list[dict]:
    """Trainer's rows of texts: input_ids, attention_mask, length."""
    inputs = encoder.tokenizer(
        [encoder.prefix + t for t in texts], truncation=True, max_length=max_length
    )
    return [
        {"input_ids": ids, "attention_mask": mask, "length": len(ids)}
        for ids, mask in zip(inputs["input_ids"], inputs["attention_mask"], strict=True)
    ]


class _Trainer(transformers.Trainer):
    """Trainer that drops an incomplete last batch in training, but never in evaluation."""

    def get_eval_dataloader(self, eval_dataset=None):
        """Dev texts in batches, the last one included."""
        drop, self.args.dataloader_drop_last = self.args.dataloader_drop_last, False
        try:
            return super().get_eval_dataloader(eval_dataset)
        finally:
            self.args.dataloader_drop_last = drop


class _Bar(TrainerCallback):
    """Moves the progress bar."""

    def __init__(self, bar):
        self.bar = bar

    def on_step_end(self, args, state, control, **kwargs):  # noqa: ARG002, Trainer's signature
        """Show the step that has just been made."""
        self.bar.total = state.max_steps
        self.bar.update(state.global_step - self.bar.n)


@contextmanager
def _tracked(tracker: str, training: str) -> Iterator[None]:
    """Let a tracker follow a training inside the block; its log outlives the checkpoints."""
    if tracker not in TRACKERS:
        raise BadInput(f"There is no tracker '{tracker}'; choose one of: {', '.join(TRACKERS)}.")
    if tracker != "none" and not importlib.util.find_spec(tracker):
        raise BadInput(
            f"The tracker '{tracker}' is not installed; run `pip install -e '.[trackers]'`."
        )
    logs = cache_folder() / "logs" / training
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(logs)  # nowhere else does Trainer's callback look
    if tracker != "wandb":
        yield
        return
    import wandb

    logs.mkdir(parents=True, exist_ok=True)
    where = {
        "project": os.environ.get("WANDB_PROJECT", "wyf"),
        "dir": os.environ.get("WANDB_DIR") or logs,
    }
    try:
        with wandb.init(name=training, **where) if processes().is_main_process else nullcontext():
            yield
    except wandb.errors.UsageError as error:
        raise BadInput(
            "Weights & Biases knows no account here; run `wandb login`, or set WANDB_MODE=offline."
        ) from error


def _evaluation(has_dev: bool, eval_steps: int) -> dict:
    """When Trainer evaluates and saves, every `eval_steps` or (0) epoch, and what is kept."""
    when = "steps" if eval_steps else "epoch"
    return {
        "eval_strategy": when if has_dev else "no",
        "eval_steps": eval_steps or None,
        "save_strategy": when,
        "save_steps": eval_steps or 500,
        "save_total_limit": 1,
        "load_best_model_at_end": has_dev,
        "metric_for_best_model": "macro_f1" if has_dev else None,
        "logging_strategy": "epoch",
    }


def _machine() -> dict:
    """Trainer's settings for this machine; our own bar stands in for its bars."""
    return {
        "use_cpu": device() == "cpu",
        "dataloader_pin_memory": device() == "cuda",
        "bf16": mixed_precision(),
        "disable_tqdm": True,
    }


def fit(
    model: torch.nn.Module,
    train: list[dict],
    *,
    collator,
    folder: Path,
    desc: str,
    seed: int,
    epochs: float,
    batch_size: int,
    dev: list[dict] | None = None,
    scores: Callable | None = None,
    patience: int = 0,
    eval_steps: int = 0,
    optimizer: torch.optim.Optimizer | None = None,
    sampling: str = "group_by_length",
    tracker: str = "none",
    **arguments,
) -> list[dict]:
    """Train a model in batches of similar length; resume from the last checkpoint.

    Parameters
    ----------
    train, dev
        Rows of `encode_rows`, with labels where the model needs them.
    folder
        Folder of the checkpoints, one after each evaluation.
    scores
        Function from Trainer's predictions to dev scores; `macro_f1` selects the weights.
    patience
        Evaluations without a better dev score before early stopping.
    eval_steps
        Steps between evaluations; 0 for one per epoch.
    optimizer
        AdamW by default; its schedule is linear after the warm-up.
    sampling
        group_by_length makes batches of similar length, which need little padding; or random.
    tracker
        none, tensorboard or wandb. The log goes to `data/cache/logs` (wandb: to `WANDB_DIR`).
    **arguments
        Further fields of transformers' `TrainingArguments`.

    Returns
    -------
    list of dict
        Trainer's log: step, epoch, loss, dev scores.
    """
    folder.mkdir(parents=True, exist_ok=True)
    bar = progress(desc=desc)
    chosen = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=epochs,
        per_device_train_batch_size=batch_size,
        per_device_eval_batch_size=64,
        train_sampling_strategy=sampling,
        dataloader_drop_last=len(train) > batch_size,  # a last batch of one text has no deviation
        report_to=tracker,
        seed=seed,
        **_evaluation(bool(dev), eval_steps),
        **_machine(),
        **arguments,
    )
    callbacks = [_Bar(bar)] + ([EarlyStoppingCallback(patience)] if dev and patience else [])
    with _tracked(tracker, folder.name):
        trainer = _Trainer(
            model=model,
            args=chosen,
            train_dataset=train,
            eval_dataset=dev,
            data_collator=collator,
            compute_metrics=scores,
            optimizers=(optimizer, None),
            callbacks=callbacks,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train(resume_from_checkpoint=get_last_checkpoint(str(folder)))
    bar.close()
    return trainer.state.log_history
