"""Runs a named run: the notebooks of `runs.yaml` through papermill, parameters checked first."""

from __future__ import annotations

import ast
import os
import shutil
import sys
import threading
import time
from pathlib import Path

import jupytext
import nbformat
import papermill
import yaml
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from ..core.errors import BadParameter, MissingData, WyfError
from ..core.files import read_json, replacing_file, write_json
from ..core.paths import ROOT, relative, run_folder
from ..data import registry
from .notebook import MANIFEST, RESULTS

NOTEBOOKS = ROOT / "notebooks"
FIGURES = ROOT / "figures"
KERNEL = "python3"


def stems() -> list[str]:
    """Names of the notebooks in their order."""
    return sorted(path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def read_runs(path: Path | None = None) -> dict[str, dict]:
    """Return the named runs of `runs.yaml`: {run: {notebook stem: {parameter: value}}}."""
    path = path or NOTEBOOKS / "runs.yaml"
    try:
        runs = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingData(
            f"{relative(path)} is missing; restore it with `git checkout`."
        ) from error
    except yaml.YAMLError as error:
        raise BadParameter(
            f"{relative(path)} is no valid YAML ({str(error).splitlines()[0]}); correct it."
        ) from error
    if not isinstance(runs, dict) or not all(isinstance(v, dict) for v in runs.values()):
        raise BadParameter(
            f"{relative(path)} must give each run its notebooks, as in `smoke: {{01_eda: {{}}}}`; correct it."
        )
    return runs


def declared_parameters(notebook: nbformat.NotebookNode, stem: str) -> dict:
    """Parameters of a notebook with their default values.

    Raises
    ------
    BadParameter
        If no cell, or more than one, is tagged `parameters`, or if it holds more than assignments of literals.
    """
    tagged = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise BadParameter(
            f"{stem}: {len(tagged)} cells are tagged `parameters` where one must be; tag the cell in JupyterLab."
        )
    values = {}
    for statement in ast.parse(tagged[0].source).body:
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
            raise BadParameter(
                f"{stem}: the parameters cell must hold assignments only; move the rest to the next cell."
            )
        try:
            values[statement.targets[0].id] = ast.literal_eval(statement.value)
        except ValueError as error:
            raise BadParameter(
                f"{stem}: '{statement.targets[0].id}' is no literal; derive it in the next cell."
            ) from error
    return values


def _same_type(value, default) -> bool:
    if isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(default)


def check_parameters(parameters: dict, declared: dict, stem: str) -> None:
    """Refuse a parameter that the notebook lacks, or one of another type.

    Raises
    ------
    BadParameter
        With the name, and what would be right.
    """
    for name, value in parameters.items():
        if name not in declared:
            raise BadParameter(f"{stem} has no parameter '{name}'; it has: {', '.join(declared)}.")
        if not _same_type(value, declared[name]):
            wanted, got = type(declared[name]).__name__, type(value).__name__
            raise BadParameter(
                f"{stem}: '{name}' is {got} ({value!r}) where {wanted} belongs; correct it in runs.yaml."
            )


def _check_twin(notebook: nbformat.NotebookNode, stem: str) -> None:
    """Refuse a notebook that differs from its script: an edit of one would be lost."""
    if twin(stem).is_file():
        script = jupytext.read(twin(stem))
        if [(c.cell_type, c.source) for c in script.cells] != [
            (c.cell_type, c.source) for c in notebook.cells
        ]:
            raise BadParameter(
                f"{stem}.ipynb and {stem}.py differ; run `make sync`, which keeps the younger of the two."
            )


def plan(run: str) -> dict[str, dict]:
    """Notebooks of a run with their parameters, all checked.

    Raises
    ------
    BadParameter
        If the run, a notebook or a parameter does not exist.
    """
    runs = read_runs()
    if run not in runs:
        raise BadParameter(
            f"There is no run '{run}'; choose one of: {', '.join(k for k in runs if not k.startswith('_'))}."
        )
    known = stems()
    checked = {}
    for stem, parameters in runs[run].items():
        if stem not in known:
            raise BadParameter(
                f"Run '{run}' names the notebook '{stem}', which does not exist; there are: {', '.join(known)}."
            )
        notebook = nbformat.read(NOTEBOOKS / f"{stem}.ipynb", as_version=4)
        _check_twin(notebook, stem)
        declared = declared_parameters(notebook, stem)
        check_parameters(parameters or {}, declared, stem)
        checked[stem] = parameters or {}
    return checked


class _Progress:
    """Passes the lines of a run's progress log on to standard error while its notebooks run."""

    def __init__(self, path: Path):
        self.path = path
        self.done = threading.Event()
        path.write_text("", encoding="utf-8")
        self.thread = threading.Thread(target=self._follow, daemon=True)

    def _follow(self) -> None:
        with self.path.open(encoding="utf-8", errors="replace") as log:
            while True:
                last_round = self.done.is_set()
                text = log.read()
                if text:
                    sys.stderr.write(text)
                    sys.stderr.flush()
                elif last_round:
                    return
                else:
                    time.sleep(0.5)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join(timeout=5)


def run(name: str, out: Path | None = None) -> Path:
    """Run the notebooks of a named run; public files that it needs are fetched first.

    Parameters
    ----------
    name
        Key of `runs.yaml`.
    out
        Folder for notebooks/, figures/, results.json and the music database; `runs/<name>` by default.

    Returns
    -------
    Path
        That folder. A failed notebook is kept there for reading.

    Raises
    ------
    BadParameter
        Before any kernel starts, if the plan is wrong.
    WyfError
        If a notebook fails.
    """
    notebooks = plan(name)
    if any(parameters.get("profile") == "open" for parameters in notebooks.values()):
        registry.fetch()
    out = (out or run_folder(name)).resolve()
    (out / "notebooks").mkdir(parents=True, exist_ok=True)
    log = out / "progress.log"
    environment = {
        "WYF_OUT": str(out),
        "WYF_PROGRESS": str(log),
        "WYF_RUN_STARTED": str(time.time()),
    }
    before = {key: os.environ.get(key) for key in environment}
    os.environ.update(environment)  # kernels inherit them
    try:
        with _Progress(log):
            for number, (stem, parameters) in enumerate(notebooks.items(), start=1):
                _run_one(stem, parameters, out, f"[{number}/{len(notebooks)}] {stem}")
    finally:
        for key, value in before.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value
    return out


def _run_one(stem: str, parameters: dict, out: Path, title: str) -> None:
    print(f"{title}: running", file=sys.stderr, flush=True)
    start = time.perf_counter()
    target = out / "notebooks" / f"{stem}.ipynb"
    _clear_figures(out / "figures", stem)
    try:
        papermill.execute_notebook(
            NOTEBOOKS / f"{stem}.ipynb", target, parameters=parameters, kernel_name=KERNEL, language="python", cwd=NOTEBOOKS,
            progress_bar=False, log_output=False,
            extra_arguments=["--IPKernelApp.log_level=CRITICAL"],  # it warns of every local TCP kernel, and calls a late end of one an error
        )  # fmt: skip
    except DeadKernelError as error:
        raise WyfError(
            f"The kernel of {stem} died, perhaps for want of memory; close other programs, or run a smaller run."
        ) from error
    except PapermillExecutionError as error:
        raise WyfError(
            f"{stem} failed with {error.ename}: {error.evalue} (the notebook is kept at {relative(target)})."
        ) from error
    tidy(target)
    print(f"{title}: done in {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)


def _clear_figures(folder: Path, stem: str) -> None:
    """Remove what an earlier run of this notebook drew, so that no figure outlives the code that made it."""
    manifest = read_json(folder / MANIFEST)
    for name in [name for name, row in manifest.items() if row["notebook"] == stem]:
        for path in folder.glob(f"{name}.*"):
            path.unlink()
        manifest.pop(name)
    if manifest or (folder / MANIFEST).is_file():
        write_json(folder / MANIFEST, manifest)


def tidy(path: Path) -> None:
    """Take out of an executed notebook what depends on the machine and the moment, or stands for nothing."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if not cell.metadata.get("tags", True):
            cell.metadata.pop("tags")
    with replacing_file(path) as work:
        nbformat.write(notebook, work)


def publish(name: str, out: Path) -> None:
    """Put the results of a run in their committed places.

    The default run gives the executed notebooks and the figures; another run gives its figures (in
    `figures/<run>/`) and its section of results.json.
    """
    figures = FIGURES if name == "default" else FIGURES / name
    figures.mkdir(parents=True, exist_ok=True)
    for old in [*figures.glob("*.png"), *figures.glob("*.svg")]:
        old.unlink()
    for path in [*(out / "figures").glob("*.png"), *(out / "figures").glob("*.svg")]:
        shutil.copyfile(path, figures / path.name)
    write_json(figures / MANIFEST, read_json(out / "figures" / MANIFEST))
    results = read_json(FIGURES / RESULTS)
    results[name] = read_json(out / RESULTS).get(name, {})
    write_json(FIGURES / RESULTS, results)
    if name == "default":
        for path in (out / "notebooks").glob("*.ipynb"):
            shutil.copyfile(path, NOTEBOOKS / path.name)


def twin(stem: str) -> Path:
    """Path of a notebook's percent script."""
    return NOTEBOOKS / f"{stem}.py"


def sync() -> list[str]:
    """Bring each notebook and its percent script together; the younger file wins, outputs stay.

    Returns
    -------
    list of str
        One line a notebook.
    """
    lines = []
    for stem in sorted(
        {p.stem for p in [*NOTEBOOKS.glob("[0-9]*_*.py"), *NOTEBOOKS.glob("[0-9]*_*.ipynb")]}
    ):
        script, notebook = twin(stem), NOTEBOOKS / f"{stem}.ipynb"
        if not notebook.is_file() or (
            script.is_file() and script.stat().st_mtime > notebook.stat().st_mtime
        ):
            fresh = jupytext.read(script)
            if notebook.is_file():
                fresh = jupytext.combine.combine_inputs_with_outputs(
                    fresh, nbformat.read(notebook, as_version=4), fmt="py:percent"
                )
            with replacing_file(notebook) as work:
                nbformat.write(fresh, work)
            lines.append(f"{stem}: script to notebook")
        else:
            content = nbformat.read(notebook, as_version=4)
            with replacing_file(script) as work:
                work.write_text(jupytext.writes(content, fmt="py:percent"), encoding="utf-8")
            lines.append(f"{stem}: notebook to script")
    return lines
