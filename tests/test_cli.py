import subprocess
import sys

import pytest

from wyf_utils.settings import ROOT

TOO_LONG = "가" * 20_000


def wyf(*arguments, **environment):
    import os

    return subprocess.run(
        [sys.executable, "-m", "wyf_utils", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, env={**os.environ, **environment}, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("feel", ""), "The sentence is empty"),
        (("feel", "   "), "The sentence is empty"),
        (("feel", "😭😭"), "has no words"),
        (("feel", TOO_LONG), "20,000 characters; shorten it to 1,000"),
        (("feel", "I feel tired"), "reads Korean only"),
        (("feel", "졸리다", "--run", "never"), "The run 'never' has built no music database yet; run `make run RUN=never`"),
        (("run", "never"), "There is no run 'never'; choose one of: default, smoke, open, full"),
        (("data", "fetch", "never"), "There is no public file 'never'"),
        (("data", "validate", "never"), "There is no profile 'never'"),
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
    for verb in ("feel", "run", "data", "sync", "readme"):
        assert verb in done.stdout


def test_status_and_validate(tmp_path):
    (tmp_path / "raw" / "open").mkdir(parents=True)
    done = wyf("data", "status", WYF_DATA=str(tmp_path))
    assert done.returncode == 0 and "kote_val" in done.stdout and "missing" in done.stdout
    done = wyf("data", "validate", "open", WYF_DATA=str(tmp_path))
    assert done.returncode == 1 and "run `wyf data fetch kote_val`" in done.stdout
