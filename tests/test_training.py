import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from test_checkpoints import kcbert

from wyf_utils import catalogue, classifier
from wyf_utils.cache import read_json
from wyf_utils.errors import BadInput
from wyf_utils.settings import ROOT


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, sample_sentences):
    """Folder of a tiny encoder."""
    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    kcbert(folder, sample_sentences["text"].tolist()[:200])
    return folder


@pytest.fixture
def fine_tuned(tiny, sample_sentences, tmp_path, monkeypatch):
    """Train the tiny encoder for two epochs under a tracker whose files all fall under tmp_path; returns the curve."""

    def train(tracker):
        few = sample_sentences.groupby("emotion").head(8).reset_index(drop=True)
        recipe = classifier.Recipe(encoder=str(tiny), epochs=2, batch_size=8, frozen_layers=1)
        classifier.fine_tune(few, few, recipe, 0, tmp_path / "model", tmp_path / "work", tracker)
        return [row["eval_macro_f1"] for row in classifier.read_card(tmp_path / "model")["curve"] if "eval_macro_f1" in row]

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "events"))
    return train


# Trackers -------------------------------------------------------------------------------------------


def test_tensorboard_gets_the_curve(fine_tuned, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    curve = fine_tuned("tensorboard")
    (file,) = tmp_path.rglob("events.out.tfevents.*")
    events = accumulator.EventAccumulator(str(file)).Reload()
    assert [event.value for event in events.Scalars("eval/macro_f1")] == pytest.approx(curve) and len(curve) == 2


def test_wandb_offline_writes_a_run_and_asks_for_no_account_and_no_network(fine_tuned, tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setattr("builtins.input", None)
    fine_tuned("wandb")
    wandb.teardown()  # all is written when its service has ended
    (file,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    assert b"eval/macro_f1" in file.read_bytes()


def test_an_unknown_tracker_is_refused(fine_tuned):
    with pytest.raises(BadInput, match="no tracker 'paper'; choose one of: none, tensorboard, wandb"):
        fine_tuned("paper")


# Several processes ----------------------------------------------------------------------------------


@pytest.mark.skipif(not (torch.distributed.is_available() and torch.distributed.is_gloo_available()), reason="this torch has no gloo")
def test_two_processes_train_one_model(tiny, tmp_path):
    launch = ("--multi_gpu", "--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0")
    train = ("train", "--encoder", str(tiny), "--epochs", "2", "--batch-size", "32", "--frozen-layers", "1")
    runs = [
        subprocess.run(
            [sys.executable, "-m", "accelerate.commands.launch", *launch, "-m", "wyf_utils", *train], cwd=ROOT, env={**os.environ, "WYF_CACHE": str(tmp_path)},
            capture_output=True, text=True, timeout=300, check=False,
        ) for _ in range(2)
    ]  # fmt: skip
    assert [run.returncode for run in runs] == [0, 0], runs[0].stderr
    (entry,) = (tmp_path / "classifier").iterdir()
    assert not [*(tmp_path / "unfinished").iterdir()]
    for run, origin in zip(runs, ("made now", "from cache"), strict=True):
        assert run.stdout.startswith(f"classifier {entry.name}: {origin}") and run.stdout.count("\n") == 2, "only the main process tells"
    known, model = read_json(entry / "entry.json"), classifier.load(entry)
    assert known["parameters"]["processes"] == 2 and known["about"] == {"profile": "sample", "corpus": "aihub"}
    assert np.isfinite(model.predict(["눈물이 멈추지 않아"])).all()
    assert model.curve[-1]["step"] == 2 * (len(catalogue.sentences("sample", 0)["train"]) // 64), "each process reads its half"
