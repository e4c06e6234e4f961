"""Run the notebooks of a named run of `runs.yaml`, their parameters checked first."""

from __future__ import annotations

import ast
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jupytext
import nbformat
import papermill
import yaml
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from .. import OPENMP
from ..core.errors import BadParameter, MissingData, WyfError
from ..core.files import read_json, replacing_file, write_json
from ..core.paths import ROOT, relative, run_folder
from ..core.runtime import numba_cache
from ..data import registry
from ..music import database
from . import run_times
from .notebook import MANIFEST, RESULTS

NOTEBOOKS = ROOT / "notebooks"
FIGURES = ROOT / "figures"


def stems() -> list[str]:
    """List the notebooks' names without their ending, in order."""
    return sorted(path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def twin(stem: str) -> Path:
    """Locate a notebook's percent script."""
    return NOTEBOOKS / f"{stem}.py"


def read_runs() -> dict[str, dict]:
    """Read the named runs of `runs.yaml`: {run: {notebook stem: {parameter: value}}}."""
    path = NOTEBOOKS / "runs.yaml"
    name = relative(path)
    try:
        runs = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingData(f"{name} is missing; restore it with `git checkout`.") from error
    except yaml.YAMLError as error:
        fault = str(error).splitlines()[0]
        raise BadParameter(f"{name} is no valid YAML ({fault}); correct it.") from error
    if not isinstance(runs, dict) or not all(isinstance(v, dict) for v in runs.values()):
        raise BadParameter(
            f"{name} must give each run its notebooks, as in `smoke: {{01_eda: {{}}}}`; correct it."
        )
    return runs


def declared_parameters(notebook: nbformat.NotebookNode, stem: str) -> dict:
    """Read the parameters of a notebook with their default values.

    Raises
    ------
    BadParameter
        If no cell or several cells are tagged `parameters`, or it holds more than assignments of
        literals.
    """
    tagged = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise BadParameter(
            f"{stem}: {len(tagged)} cells are tagged `parameters` where one must be; "
            "tag the cell in JupyterLab."
        )
    values = {}
    for statement in ast.parse(tagged[0].source).body:
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
            raise BadParameter(
                f"{stem}: the parameters cell must hold assignments only; "
                "move the rest to the next cell."
            )
        name = statement.targets[0].id
        try:
            values[name] = ast.literal_eval(statement.value)
        except ValueError as error:
            raise BadParameter(
                f"{stem}: '{name}' is no literal; derive it in the next cell."
            ) from error
    return values


def _same_type(value, default) -> bool:
    if isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(default)


def _check_parameters(parameters: dict, declared: dict, stem: str) -> None:
    """Check that a notebook declares each parameter, with the same type.

    Raises
    ------
    BadParameter
        With the parameter's name and its remedy.
    """
    for name, value in parameters.items():
        if name not in declared:
            raise BadParameter(f"{stem} has no parameter '{name}'; it has: {', '.join(declared)}.")
        if not _same_type(value, declared[name]):
            wanted, actual = type(declared[name]).__name__, type(value).__name__
            raise BadParameter(
                f"{stem}: '{name}' is {actual} ({value!r}) where {wanted} belongs; "
                "correct it in runs.yaml."
            )


def _check_twin(notebook: nbformat.NotebookNode, stem: str) -> None:
    """Refuse a notebook that differs from its script, whose edits would be lost."""
    if not twin(stem).is_file():
        return
    cells, script_cells = (
        [(cell.cell_type, cell.source) for cell in document.cells]
        for document in (notebook, jupytext.read(twin(stem)))
    )
    if cells != script_cells:
        raise BadParameter(
            f"{stem}.ipynb and {stem}.py differ; "
            "run `make sync`, which keeps the younger of the two."
        )


def plan(run: str) -> dict[str, dict]:
    """Check the notebooks and parameters of a run and return them.

    Raises
    ------
    BadParameter
        If the run, a notebook or a parameter does not exist.
    """
    runs = read_runs()
    if run not in runs:
        names = ", ".join(name for name in runs if not name.startswith("_"))
        raise BadParameter(f"There is no run '{run}'; choose one of: {names}.")
    notebooks = {stem: parameters or {} for stem, parameters in runs[run].items()}
    for stem, parameters in notebooks.items():
        if stem not in stems():
            raise BadParameter(
                f"Run '{run}' names the notebook '{stem}', which does not exist; "
                f"there are: {', '.join(stems())}."
            )
        notebook = nbformat.read(NOTEBOOKS / f"{stem}.ipynb", as_version=4)
        _check_twin(notebook, stem)
        _check_parameters(parameters, declared_parameters(notebook, stem), stem)
    return notebooks


class _OwnKernel(AsyncKernelManager):
    """Kernel of this environment's Python, whatever kernels Jupyter finds."""

    kernel_spec = KernelSpec(display_name="Python 3", language="python")

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """Return the command of the kernel; braces in its paths stay, unlike in a template."""
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", self.connection_file]
        return command + (extra_arguments or [])


class _Progress:
    """Copies a run's progress log to standard error while its notebooks run."""

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


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Set environment variables, which kernels inherit, until the block ends."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def run(name: str, out: Path | None = None) -> Path:
    """Run the notebooks of a named run, after fetching the public files that it needs.

    Parameters
    ----------
    name
        Key of `runs.yaml`.
    out
        Folder for notebooks/, figures/, results.json and the music database; `runs/<name>` by
        default.

    Returns
    -------
    Path
        That folder. A failed notebook stays there for reading.

    Raises
    ------
    BadInput
        If the name is not one plain folder name.
    BadParameter
        Before any kernel starts, if the run, a notebook or a parameter is wrong.
    WyfError
        If a notebook fails.
    """
    default = run_folder(name)
    notebooks = plan(name)
    if any(parameters.get("profile") == "open" for parameters in notebooks.values()):
        registry.fetch()
    out = (out or default).resolve()
    try:
        (out / "notebooks").mkdir(parents=True, exist_ok=True)
        (out / "progress.log").touch()
    except OSError as error:
        raise WyfError(
            f"{relative(out)} cannot be written ({error.strerror}); name another folder by --out."
        ) from error
    log, was_empty = out / "progress.log", run_times.starts_from_nothing()
    first_answer = run_times.seconds_of_first_answer(out / database.NAME)
    start = time.time()
    inherited = {variable: os.environ.get(variable, value) for variable, value in OPENMP.items()}
    inherited |= numba_cache()
    started = str(time.time())
    with (
        _environment(WYF_OUT=str(out), WYF_PROGRESS=str(log), WYF_RUN_STARTED=started, **inherited),
        _Progress(log),
    ):
        expected = read_json(FIGURES / RESULTS).get(name, {}).get("run", {})
        minutes: dict[str, float] = {}
        for number, (stem, parameters) in enumerate(notebooks.items(), start=1):
            title = f"[{number}/{len(notebooks)}] {stem}"
            left = run_times.time_left(expected, list(notebooks), minutes)
            print(f"{title}: running{left}", file=sys.stderr, flush=True)
            minutes[stem] = _run_one(stem, parameters, out, title) / 60
    if was_empty:
        times = {f"minutes/{name}": round((time.time() - start) / 60, 1)} | first_answer
        times |= {f"minutes/{stem}": round(spent, 2) for stem, spent in minutes.items()}
        results = read_json(out / RESULTS)
        write_json(out / RESULTS, results | {name: results.get(name, {}) | {"run": times}})
    return out


def _run_one(stem: str, parameters: dict, out: Path, title: str) -> float:
    """Execute one notebook into the run's folder and return its seconds."""
    start = time.perf_counter()
    target = out / "notebooks" / f"{stem}.ipynb"
    _clear_figures(out / "figures", stem)
    try:
        papermill.execute_notebook(
            _escape_braces(NOTEBOOKS / f"{stem}.ipynb"),
            _escape_braces(target),
            parameters=parameters,
            kernel_name="python3",
            language="python",
            cwd=NOTEBOOKS,
            progress_bar=False,
            log_output=False,
            kernel_manager_class=_OwnKernel,
            # it warns of every local TCP kernel, and calls a late end of one an error
            extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
        )
    except DeadKernelError as error:
        raise WyfError(
            f"The kernel of {stem} died, perhaps for want of memory; "
            "close other programs, or run a smaller run."
        ) from error
    except PapermillExecutionError as error:
        raise WyfError(
            f"{stem} failed with {error.ename}: {error.evalue} "
            f"(the notebook is kept at {relative(target)})."
        ) from error
    _tidy(target)
    seconds = time.perf_counter() - start
    print(f"{title}: done in {seconds:.0f} s", file=sys.stderr, flush=True)
    return seconds


def _escape_braces(path: Path) -> str:
    """Escape a path for papermill, which fills parameters in between braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _clear_figures(folder: Path, stem: str) -> None:
    """Remove a notebook's figures of an earlier run, which its code may no longer draw."""
    manifest = read_json(folder / MANIFEST)
    for name in [name for name, row in manifest.items() if row["notebook"] == stem]:
        for path in folder.glob(f"{name}.*"):
            path.unlink()
        manifest.pop(name)
    if manifest or (folder / MANIFEST).is_file():
        write_json(folder / MANIFEST, manifest)


def _tidy(path: Path) -> None:
    """Remove from an executed notebook its timings, machine paths and empty tags."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if not cell.metadata.get("tags", True):
            cell.metadata.pop("tags")
    with replacing_file(path) as work:
        nbformat.write(notebook, work)


def _pictures(folder: Path) -> list[Path]:
    return [*folder.glob("[0-9][0-9]_*.png"), *folder.glob("[0-9][0-9]_*.svg")]


def publish(name: str, out: Path) -> None:
    """Copy the results of a run to their committed places.

    The default run gives the executed notebooks and the figures. Another run gives its figures, in
    `figures/<run>/`, and its section of results.json.
    """
    figures = FIGURES if name == "default" else FIGURES / name
    figures.mkdir(parents=True, exist_ok=True)
    for old in _pictures(figures):
        old.unlink()
    for path in _pictures(out / "figures"):
        shutil.copyfile(path, figures / path.name)
    write_json(figures / MANIFEST, read_json(out / "figures" / MANIFEST))
    results = read_json(FIGURES / RESULTS)
    times = {k: v for k, v in results.get(name, {}).items() if k == "run"}  # of a run from nothing
    results[name] = times | read_json(out / RESULTS).get(name, {})
    write_json(FIGURES / RESULTS, results)
    if name == "default":
        for path in (out / "notebooks").glob("*.ipynb"):
            shutil.copyfile(path, NOTEBOOKS / path.name)


def sync() -> list[str]:
    """Bring each notebook and its percent script together; the younger file wins, outputs stay.

    Returns
    -------
    list of str
        One line a notebook.
    """
    files = [*NOTEBOOKS.glob("[0-9]*_*.py"), *NOTEBOOKS.glob("[0-9]*_*.ipynb")]
    return [_sync_one(stem) for stem in sorted({path.stem for path in files})]


def _sync_one(stem: str) -> str:
    script, notebook = twin(stem), NOTEBOOKS / f"{stem}.ipynb"
    if notebook.is_file() and not (
        script.is_file() and script.stat().st_mtime > notebook.stat().st_mtime
    ):
        content = nbformat.read(notebook, as_version=4)
        with replacing_file(script) as work:
            work.write_text(jupytext.writes(content, fmt="py:percent"), encoding="utf-8")
        return f"{stem}: notebook to script"
    content = jupytext.read(script)
    if notebook.is_file():
        content = jupytext.combine.combine_inputs_with_outputs(
            content, nbformat.read(notebook, as_version=4), fmt="py:percent"
        )
    with replacing_file(notebook) as work:
        nbformat.write(content, work)
    return f"{stem}: script to notebook"
