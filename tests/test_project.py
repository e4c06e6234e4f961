"""What a stranger relies on: one list of dependencies, commands that exist, a README that is up to date."""

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
README = (ROOT / "README.md").read_text(encoding="utf-8")
LOCK = {
    canonicalize_name(r.name): r
    for r in (
        Requirement(line)
        for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
        if line and line[0] not in "#-"
    )
}


def declared():
    return [
        Requirement(r)
        for r in sum(PROJECT["optional-dependencies"].values(), PROJECT["dependencies"])
    ]


def test_the_lock_pins_every_dependency_exactly():
    for requirement in declared():
        locked = LOCK[canonicalize_name(requirement.name)]
        (pin,) = locked.specifier
        assert pin.operator == "==" and requirement.specifier.contains(pin.version), (
            requirement.name
        )
    assert str(LOCK["torch"].specifier) == "==2.13.0"
    assert all(
        len(r.specifier) == 1 and next(iter(r.specifier)).operator == "==" for r in LOCK.values()
    )


def test_conda_users_install_the_same_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert pip == ["-r requirements.lock", "-e ."]
    python = next(d for d in environment["dependencies"] if str(d).startswith("python="))
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(
        python.removeprefix("python=") + ".0"
    )


def test_every_dependency_has_its_reason_in_the_readme():
    for requirement in declared():
        assert re.search(
            rf"^\|.* ?`{re.escape(requirement.name)}`.* \| .{{10,}}", README, re.MULTILINE
        ), requirement.name


def test_the_readme_s_table_and_commands_are_true():
    assert report.fill(check=True) == "README.md and README.ko.md are up to date."
    targets = set(
        re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    for text in (README, (ROOT / "README.ko.md").read_text(encoding="utf-8")):
        assert set(re.findall(r"\bmake ([a-z]+)", text)) <= targets
        for picture in re.findall(r"\]\((figures/[^)]+)\)", text):
            assert (ROOT / picture).is_file(), picture


def test_imports_go_one_way():
    """The contracts stand in pyproject.toml, under tool.importlinter."""
    assert importlinter.cli.lint_imports(str(ROOT / "pyproject.toml")) == importlinter.cli.EXIT_STATUS_SUCCESS


@pytest.mark.parametrize("module", ["wyf_utils.music.fusion", "wyf_utils.app.page"])
def test_arithmetic_and_the_page_load_no_torch(module):
    code = f"import sys, {module}; print(*({{'torch', 'seaborn'}} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert found.stdout.strip() == "", found.stdout + found.stderr


def test_nothing_committed_names_a_machine_or_a_secret():
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    for name in filter(None, files):
        path = ROOT / name
        if (
            path.is_file()
            and path.suffix
            in (
                ".py",
                ".md",
                ".toml",
                ".yml",
                ".yaml",
                ".lock",
                ".json",
                ".csv",
                ".tsv",
                ".ipynb",
                "",
            )
            and name != "tests/test_project.py"
        ):
            found = re.search(
                r"hf_[A-Za-z0-9]{20,}|/(?:root|home)/[a-z]", path.read_text(encoding="utf-8")
            )
            assert not found, f"{name}: {found.group()}"
