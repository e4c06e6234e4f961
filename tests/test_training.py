import subprocess
import sys

import numpy as np
import pytest
import torch
from test_checkpoints import kcbert

from wyf_utils.core.errors import BadInput
from wyf_utils.core.files import read_json
from wyf_utils.core.paths import ROOT
from wyf_utils.music import catalogue
from wyf_utils.text import classifier, encoders, finetuning, prediction


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, sample_sentences):
    """Folder of a tiny encoder."""
    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    kcbert(folder, sample_sentences["text"].tolist()[:200])
    return folder


@pytest.fixture
def trained(tiny, sample_sentences, tmp_path, monkeypatch):
    """Train the tiny encoder for two epochs under a tracker, all of whose files fall under
    tmp_path."""

    def train(tracker, seed=0):
        few = sample_sentences.groupby("emotion").head(8).reset_index(drop=True)
        return finetuning.trained(
            few,
            few,
            finetuning.Recipe(encoder=str(tiny), epochs=2, batch_size=8, frozen_layers=1),
            seed,
            tracker,
        )

    monkeypatch.chdir(tmp_path)
    for name, value in {
        "HOME": tmp_path,
        "WYF_CACHE": tmp_path / "cache",
        "WANDB_DIR": "",
        "TENSORBOARD_LOGGING_DIR": "",
    }.items():
        monkeypatch.setenv(name, str(value))
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    return train


def test_the_recipe_s_revision_is_asked_of_the_hub(tiny, sample_sentences, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        encoders,
        "snapshot_download",
        lambda name, **options: asked.append((name, options["revision"])) or str(tiny),
    )
    few = sample_sentences.groupby("emotion").head(8).reset_index(drop=True)
    for revision in ("v2021", ""):
        recipe = finetuning.Recipe(
            encoder="beomi/KcELECTRA-base",
            revision=revision,
            epochs=1,
            batch_size=8,
            frozen_layers=1,
        )
        finetuning.fine_tune(few, few, recipe, 0, tmp_path)
    assert asked == [("beomi/KcELECTRA-base", "v2021"), ("beomi/KcELECTRA-base", None)]


# Trackers -----------------------------------------------------------------------------------------


def test_tensorboard_keeps_the_curve_of_every_training(trained, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for seed in (0, 1):
        entry = trained("tensorboard", seed)
        (file,) = (tmp_path / "cache" / "logs" / f"classifier-{entry.key}").iterdir()
        curve = [
            row["eval_macro_f1"]
            for row in prediction.read_card(entry.path)["curve"]
            if "eval_macro_f1" in row
        ]
        told = [
            event.value
            for event in accumulator.EventAccumulator(str(file)).Reload().Scalars("eval/macro_f1")
        ]
        assert told == pytest.approx(curve) and len(curve) == 2
    assert not [*(tmp_path / "cache" / "unfinished").iterdir()]


@pytest.mark.parametrize("own", [False, True])
def test_wandb_offline_keeps_a_run_of_every_training_and_asks_for_no_account_and_no_network(
    trained, tmp_path, monkeypatch, own
):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("builtins.input", None)
    if own:
        monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    names = [f"classifier-{trained('wandb', seed).key}" for seed in (0, 1)]
    wandb.teardown()  # all is written when its service has ended
    files = sorted(tmp_path.rglob("run-*.wandb"), key=lambda file: file.stat().st_ctime)
    assert [file.parents[2] for file in files] == [
        tmp_path if own else tmp_path / "cache" / "logs" / name for name in names
    ]
    assert all(
        words in file.read_bytes()
        for file, name in zip(files, names, strict=True)
        for words in (b"eval/macro_f1", name.encode())
    )


def test_wandb_without_an_account_is_refused(trained):
    pytest.importorskip("wandb")
    with pytest.raises(BadInput, match="run `wandb login`, or set WANDB_MODE=offline"):
        trained("wandb")


def test_a_tracker_that_is_unknown_or_not_installed_is_refused(trained, monkeypatch):
    with pytest.raises(
        BadInput, match="no tracker 'paper'; choose one of: none, tensorboard, wandb"
    ):
        trained("paper")
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(BadInput, match="'tensorboard' is not installed; run `pip install"):
        trained("tensorboard")


# Several processes --------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(
    not (torch.distributed.is_available() and torch.distributed.is_gloo_available()),
    reason="this torch has no gloo",
)
def test_two_processes_train_one_model(tiny, small_data, tmp_path, monkeypatch):
    monkeypatch.setenv("WYF_DATA", str(small_data))
    monkeypatch.setenv("WYF_CACHE", str(tmp_path))
    launch = (
        "--multi_gpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
        "--mixed_precision",
        "no",
        "--dynamo_backend",
        "no",
        "--main_process_port",
        "0",
    )
    train = (
        "train",
        "--encoder",
        str(tiny),
        "--epochs",
        "2",
        "--batch-size",
        "32",
        "--frozen-layers",
        "1",
    )
    runs = [
        subprocess.run(
            [
                sys.executable,
                "-m",
                "accelerate.commands.launch",
                *launch,
                "-m",
                "wyf_utils",
                *train,
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        for _ in range(2)
    ]
    assert [run.returncode for run in runs] == [0, 0], runs[0].stderr
    (entry,) = (tmp_path / "classifier").glob("[!.]*")
    assert not [*(tmp_path / "unfinished").iterdir()]
    for run, origin in zip(runs, ("made now", "from cache"), strict=True):
        assert (
            run.stdout.startswith(f"classifier {entry.name}: {origin}")
            and run.stdout.count("\n") == 2
        ), "only the main process tells"
    known, model = read_json(entry / "entry.json"), classifier.load(entry)
    assert known["parameters"]["processes"] == 2 and known["about"] == {
        "profile": "sample",
        "corpus": "sample",
    }
    assert np.isfinite(model.predict(["눈물이 멈추지 않아"])).all()
    assert model.curve[-1]["step"] == 2 * (len(catalogue.sentences("sample", 0)["train"]) // 64), (
        "each process reads its half"
    )
