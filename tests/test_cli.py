import re
import subprocess
import sys

import huggingface_hub.constants
import pytest
from test_checkpoints import kcbert

from wyf_utils import cli
from wyf_utils.core.paths import ROOT

TOO_LONG = "가" * 20_000


def wyf(*arguments, **environment):
    import os

    return subprocess.run(
        [sys.executable, "-m", "wyf_utils", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("feel", ""), "The sentence is empty"),
        (("feel", "   "), "The sentence is empty"),
        (("feel", "😭😭"), "has no words"),
        (("feel", TOO_LONG), "20,000 characters; shorten it to 1,000"),
        (("feel", "I feel tired"), "reads Korean only"),
        (
            ("feel", "졸리다", "--run", "never"),
            "The run 'never' has built no music database yet; run `make run RUN=never`",
        ),
        (("run", "never"), "There is no run 'never'; choose one of: default, smoke, open, full"),
        (("data", "fetch", "never"), "There is no public file 'never'"),
        (("data", "validate", "never"), "There is no profile 'never'"),
        (
            ("build", "--music", "/no/such/folder"),
            "There is no folder /no/such/folder; name the one that holds your music",
        ),
        (
            ("publish", "never", "--repo", "me/feelings"),
            "There is no trained model 'never'; `wyf models` lists them",
        ),
        (
            ("publish", "tests", "--repo", "me/feelings"),
            "tests is no trained model: it lacks config.json",
        ),
        (
            ("train", "--corpus", "never"),
            "There is no corpus 'never' in profile 'sample'; it has: aihub",
        ),
        (
            ("train", "--encoder", "/no/such/folder"),
            "The encoder '/no/such/folder' cannot be loaded",
        ),
    ],
)
def test_bad_input_is_one_sentence_and_a_nonzero_exit(arguments, says):
    done = wyf(*arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("wyf: ") and says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and done.stdout == ""


def test_usage_errors_and_help():
    assert wyf("sing").returncode == 2
    done = wyf("--help")
    assert done.returncode == 0
    for verb in ("feel", "build", "run", "train", "models", "publish", "data", "sync", "readme"):
        assert verb in done.stdout


def test_status_and_validate(tmp_path):
    (tmp_path / "raw" / "open").mkdir(parents=True)
    done = wyf("data", "status", WYF_DATA=str(tmp_path))
    assert done.returncode == 0 and "kote_val" in done.stdout and "missing" in done.stdout
    done = wyf("data", "validate", "open", WYF_DATA=str(tmp_path))
    assert done.returncode == 1 and "run `wyf data fetch kote_val`" in done.stdout


@pytest.fixture
def here(capsys, monkeypatch, tmp_path):
    """The command line in this process, with a cache and a hub login of its own; returns exit code, output, errors."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["wyf", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capsys.readouterr()

    monkeypatch.setenv("WYF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return call


def test_a_model_is_trained_listed_and_described(here, tmp_path, sample_sentences, monkeypatch):
    (tmp_path / "tiny").mkdir()
    kcbert(tmp_path / "tiny", sample_sentences["text"].tolist()[:200])
    arguments = (
        "train",
        "--encoder",
        str(tmp_path / "tiny"),
        "--epochs",
        "1",
        "--batch-size",
        "32",
        "--frozen-layers",
        "1",
        "--seed",
        "3",
    )
    code, made, _ = here(*arguments)
    key = re.fullmatch(
        r"classifier (\w{16}): made now in .*\ndev  macro-F1 0\.\d{3}, micro-F1 0\.\d{3}, epoch 1\n",
        made,
    )[1]
    assert code == 0 and f"classifier {key}: from cache" in here(*arguments)[1]
    assert re.search(rf"{key} +\S+/tiny +3 +0\.\d+ +20", here("models")[1])
    request = ("publish", key[:6], "--repo", "me/feelings", "--revision", "v1")
    code, described, _ = here(*request, "--dry-run", "--public")
    assert code == 0 and described.startswith(
        "would be sent to me/feelings (public, tag v1)\n  README.md"
    )
    assert here(*request) == (
        1,
        "",
        "wyf: There is no token of the Hugging Face hub; set HF_TOKEN or run `hf auth login`.\n",
    )
    monkeypatch.setenv("HF_TOKEN", "secret-token")
    assert here(*request) == (
        1,
        "",
        "wyf: The hub cannot be reached (ConnectError); check the network and publish again.\n",
    )
