import os
import re
import shutil
import subprocess
import sys

import huggingface_hub.constants
import pytest
import test_own_music
from test_checkpoints import kcbert
from typer.testing import CliRunner

import wyf_utils
from wyf_utils import cli
from wyf_utils.core.paths import ROOT

TOO_LONG = "가" * 25_000


def wyf(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "wyf_utils", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.fixture
def here(capsys, monkeypatch, tmp_path):
    """The command line in this process, with its own cache and hub login.

    Returns exit code, output and errors.
    """

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["wyf", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capsys.readouterr()

    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("WYF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return call


#: What a user may type wrongly, and words of the sentence that answers.
BAD_INPUT = [
    (("feel", ""), "The sentence is empty"),
    (("feel", "   "), "The sentence is empty"),
    (("feel", "🙏👀"), "has no words"),
    (("feel", TOO_LONG), "25,000 characters; shorten it to 20,000"),
    (("feel", "I feel tired"), "reads Korean only"),
    (
        ("feel", "졸리다", "--run", "never"),
        "The run 'never' has built no music database yet; run `make run RUN=never`",
    ),
    (("feel", "졸리다", "--run", "../.."), "'../..' is no name of a run; take letters"),
    (("feedback", "export", "x.csv", "--run", "a/b"), "'a/b' is no name of a run"),
    (("build", "--music", "tests", "--run", ".."), "'..' is no name of a run"),
    (("catalogue", "radio"), "There is no catalogue 'radio'; choose one of: jamendo"),
    (("run", "../.."), "'../..' is no name of a run"),
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
        "There is no corpus 'never' in profile 'sample'; it has: sample",
    ),
    (
        ("train", "--encoder", "/no/such/folder"),
        "The encoder '/no/such/folder' cannot be loaded",
    ),
]


def is_one_sentence(code, output, errors, says):
    assert code == 1 and output == ""
    assert errors.startswith("wyf: ") and says in errors
    assert len(errors.strip().splitlines()) == 1


@pytest.mark.parametrize(("arguments", "says"), BAD_INPUT)
def test_bad_input_is_one_sentence_and_a_nonzero_exit(here, arguments, says):
    is_one_sentence(*here(*arguments), says)


@pytest.mark.parametrize(
    "arguments",
    [
        ("feel", ""),
        ("feel", "졸리다", "--run", "never"),
        ("run", "never"),
        ("train", "--encoder", "/no/such/folder"),
    ],
)
def test_no_import_writes_anything_beside_that_sentence(arguments):
    """Each set of imports has a process of its own: a warning comes once in a process."""
    done = wyf(*arguments)
    is_one_sentence(done.returncode, done.stdout, done.stderr, dict(BAD_INPUT)[arguments])


def test_usage_errors_and_help(here):
    assert here("sing")[0] == 2
    code, output, _ = here("--help")
    assert code == 0
    for verb in (
        "feel",
        "build",
        "catalogue",
        "run",
        "train",
        "models",
        "publish",
        "data",
        "sync",
        "readme",
    ):
        assert verb in output


def test_every_command_has_one_sentence_of_help():
    apps = [cli.app, *(group.typer_instance for group in cli.app.registered_groups)]
    commands = [command for each in apps for command in each.registered_commands]
    assert len(commands) == 15
    for command in commands:
        assert re.fullmatch(r"[A-Z][^\n.]+(\.json[^\n.]*)?\.", command.callback.__doc__)


def test_an_import_changes_no_environment_variable_and_loads_nothing_heavy():
    code = """
import os, sys
before = dict(os.environ)
import wyf_utils.cli
assert dict(os.environ) == before
print(*{"numpy", "pandas", "torch"} & set(sys.modules))
from wyf_utils import set_openmp_waiting
os.environ["GOMP_SPINCOUNT"] = "1"
set_openmp_waiting()
print(os.environ["OMP_WAIT_POLICY"], os.environ["GOMP_SPINCOUNT"])
"""
    plain = {k: v for k, v in os.environ.items() if k not in wyf_utils.OPENMP}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=plain,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "\nPASSIVE 1\n"


@pytest.mark.parametrize("encoding", ["cp949", "latin-1", "ascii:strict", "cp949:strict"])
def test_a_terminal_without_the_signs_gets_plain_ones(encoding):
    code = """
import sys
from wyf_utils import cli
def app(**_):
    sys.stdout.write("█▌ “I’m” … →\\xa0— 😭\\n")
    print("██", file=sys.stderr)
    from wyf_utils.core.runtime import progress
    bar = progress(total=4, desc="한 – 두")
    bar.n = 3
    bar.refresh()
cli.app = app
cli.main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    output, errors = (text.decode(encoding.split(":")[0]) for text in (done.stdout, done.stderr))
    signs = "## “I’m” … → - ?" if "cp949" in encoding else '## "I\'m" ... -> - ?'
    assert output.replace("\xa0", " ").strip() == signs
    assert errors.startswith("##") and "###" in errors and "█" not in errors


NUMBA = """
import os, sys
from wyf_utils import cli
def app(**_):
    import tiny
    print(os.environ.get("NUMBA_CACHE_DIR", "default"), tiny.one())
cli.app = app
cli.main()
"""
CACHED = """
import numba
@numba.njit(cache=True)
def one():
    return 1
"""


@pytest.mark.parametrize(
    ("beside", "home", "chosen"),
    [(False, False, ""), (True, False, "default"), (False, True, "default"), (False, False, "own")],
)
def test_numba_has_a_temporary_cache_only_where_it_can_write_no_other(
    tmp_path, beside, home, chosen
):
    """A file where a folder belongs is no place to write, for root either."""
    for name in ("librosa", "umap", "pynndescent", "tiny"):
        package = tmp_path / "packages" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(CACHED)
        if not beside:
            (package / "__pycache__").touch()
    (tmp_path / "temporary").mkdir()
    place = tmp_path / "home"
    if home:
        place.mkdir()
    else:
        place.touch()
    plain = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    own = {"NUMBA_CACHE_DIR": str(tmp_path / "own")} if chosen == "own" else {}
    done = subprocess.run(
        [sys.executable, "-c", NUMBA],
        cwd=ROOT,
        env={
            **plain,
            **own,
            "HOME": str(place),
            "XDG_CACHE_HOME": str(place / "cache"),
            "TMPDIR": str(tmp_path / "temporary"),
            "PYTHONPATH": str(tmp_path / "packages"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    start = chosen and (own.get("NUMBA_CACHE_DIR") or chosen)
    start = start or str(tmp_path / "temporary" / "wyf-numba-")
    assert done.stdout.startswith(start) and done.stdout.endswith(" 1\n"), done.stderr
    assert not list((tmp_path / "temporary").iterdir())  # removed at the end


def test_status_and_validate(here, tmp_path, monkeypatch):
    (tmp_path / "raw" / "open").mkdir(parents=True)
    monkeypatch.setenv("WYF_DATA", str(tmp_path))
    code, output, _ = here("data", "status")
    assert code == 0 and "kote_val" in output and "missing" in output
    done = wyf("data", "validate", "open")
    assert done.returncode == 1 and "run `wyf data fetch kote_val`" in done.stdout


def test_a_model_is_trained_listed_and_described(
    here, tmp_path, small_data, sample_sentences, monkeypatch
):
    monkeypatch.setenv("WYF_DATA", str(small_data))
    (tmp_path / "tiny").mkdir()
    kcbert(tmp_path / "tiny", sample_sentences["text"].tolist()[:200])
    options = ["--epochs", "1", "--batch-size", "32", "--frozen-layers", "1", "--seed", "3"]
    arguments = ("train", "--encoder", str(tmp_path / "tiny"), *options)
    code, output, _ = here(*arguments)
    scores = r"dev  macro-F1 0\.\d{3}, micro-F1 0\.\d{3}, epoch 1\n"
    key = re.fullmatch(rf"classifier (\w{{16}}): made now in .*\n{scores}", output)[1]
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


def test_own_music_is_built_and_asked_beside_the_run_in_wyf_out(made, tmp_path, monkeypatch):
    out, folder = tmp_path / "out", tmp_path / "mine"
    shutil.copytree(made / "made", out)
    monkeypatch.setenv("WYF_OUT", str(out))
    song = test_own_music.sound(folder / "a.mp3")
    test_own_music.tagged(song, 1, TIT2="밤편지", USLT=test_own_music.LYRIC)
    done = CliRunner().invoke(cli.app, ["build", "--music", str(folder)])
    assert done.exit_code == 0, done.exception
    assert (out / "music" / "music.duckdb").is_file()
    done = CliRunner().invoke(cli.app, ["feel", "눈물이 난다", "--run", "music", "--k", "1"])
    assert done.exit_code == 0 and "1. 밤편지" in done.output, done.exception
