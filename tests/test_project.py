"""What a stranger relies on: one list of dependencies, and a README that is up to date."""

import itertools
import re
import subprocess
import sys
import tomllib

import importlinter.cli
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from wyf_utils.core.paths import ROOT
from wyf_utils.study import report

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
DECLARED = [Requirement(r) for r in sum(EXTRAS.values(), PROJECT["dependencies"])]
READMES = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.ko.md")]
#: Endings of committed text files.
TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".lock", ".json", ".csv", ".tsv", ".ipynb", ""}


def locked():
    """Versions of `requirements.lock`, by name, one for each environment."""
    pins = {}
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if line and line[0] not in "#- ":
            pin = Requirement(line.removesuffix("\\"))
            pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    return pins


def test_the_lock_pins_every_dependency_exactly():
    pins = locked()
    for pin in itertools.chain(*pins.values()):
        assert [s.operator for s in pin.specifier] == ["=="], pin
    assert "torch" not in pins, "its build depends on the graphics card: the Makefile installs it"
    for requirement in DECLARED:
        if requirement.name == "torch":
            assert str(requirement.specifier) == "==2.13.0"
            continue
        for pin in pins[canonicalize_name(requirement.name)]:
            (version,) = pin.specifier
            assert requirement.specifier.contains(version.version), requirement.name


def test_conda_users_install_the_same_project():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    (extras,) = (re.fullmatch(r"-e \.\[(.+)\]", line)[1].split(",") for line in pip)
    assert set(extras) <= set(EXTRAS)
    python = next(d for d in environment["dependencies"] if str(d).startswith("python="))
    allowed = Requirement(f"python{PROJECT['requires-python']}").specifier
    assert allowed.contains(python.removeprefix("python=") + ".0")


def test_every_dependency_has_its_reason_in_the_readme():
    for requirement in DECLARED:
        row = rf"^\|.* ?`{re.escape(requirement.name)}`.* \| .{{10,}}"
        assert re.search(row, READMES[0], re.MULTILINE), requirement.name


def test_the_readme_s_table_and_commands_are_true():
    assert report.fill(check=True) == "README.md and README.ko.md are up to date."
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):.*##", makefile, re.MULTILINE))
    for text in READMES:
        assert set(re.findall(r"\bmake ([a-z]+)", text)) <= targets
        for picture in re.findall(r"\]\((figures/[^)]+)\)", text):
            assert (ROOT / picture).is_file(), picture


def test_imports_go_one_way():
    """The contracts are in pyproject.toml, under tool.importlinter."""
    status = importlinter.cli.lint_imports(str(ROOT / "pyproject.toml"))
    assert status == importlinter.cli.EXIT_STATUS_SUCCESS


def test_every_package_is_installed():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in (ROOT / "wyf_utils").rglob("__init__.py")
    }
    assert set(pyproject["tool"]["setuptools"]["packages"]) == packages


@pytest.mark.parametrize("module", ["wyf_utils.music.fusion", "wyf_utils.app.page"])
def test_arithmetic_and_the_page_load_no_torch(module):
    code = f"import sys, {module}; print(*({{'torch', 'seaborn'}} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and done.stdout.strip() == "", done.stdout + done.stderr


def test_nothing_committed_names_a_machine_or_a_secret():
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for path in map(ROOT.joinpath, files):
        if path.is_file() and path.suffix in TEXT and path.name != "test_project.py":
            text = path.read_text(encoding="utf-8")
            secret = re.search(r"hf_[A-Za-z0-9]{20,}|/(?:root|home)/[a-z]", text)
            assert not secret, f"{path.name}: {secret.group()}"
