"""List and find trained classifiers in the cache, with their scores on the dev split."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from ..core.errors import BadInput, MissingData
from ..core.files import read_json
from ..core.paths import cache_folder
from ..text import prediction


def _entries() -> list[Path]:
    return list((cache_folder() / "classifier").glob("[!.]*"))


def models() -> pd.DataFrame:
    """List the trained models in the cache, the newest first.

    Models of older code are left out and counted in a warning.

    Returns
    -------
    DataFrame
        Columns key, encoder, seed, dev macro-F1, made.

    Raises
    ------
    MissingData
        If there is none.
    """
    rows, older = [], 0
    for path in _entries():
        try:
            score = dev_scores(path)["eval_macro_f1"]
        except MissingData:
            older += 1
            continue
        entry = read_json(path / "entry.json")
        parameters = entry["parameters"]
        rows.append((path.name, parameters["encoder"], parameters["seed"], score, entry["made"]))
    if older:
        logging.getLogger(__name__).warning(
            "Models of older code, which nothing reads any more, are left out: %d; "
            "`wyf train` trains them anew.",
            older,
        )
    if not rows:
        raise MissingData(
            "There is no trained model in the cache yet; run `wyf train` or `make run`."
        )
    table = pd.DataFrame(rows, columns=["key", "encoder", "seed", "dev macro-F1", "made"])
    return table.sort_values("made", ascending=False).round(3)


def find(model: str) -> Path:
    """Find the folder of a trained model: the folder itself, or the beginning of a key.

    Raises
    ------
    MissingData
        If there is no such model.
    BadInput
        If several keys begin so.
    """
    if Path(model).is_dir():
        return Path(model)
    paths = sorted(path for path in _entries() if path.name.startswith(model))
    if not paths:
        raise MissingData(f"There is no trained model '{model}'; `wyf models` lists them.")
    if len(paths) > 1:
        keys = ", ".join(path.name for path in paths)
        raise BadInput(f"'{model}' begins several keys ({keys}); write more of one.")
    return paths[0]


def evaluations(model: Path) -> list[dict]:
    """Read the evaluations on dev of a training: epoch, eval_loss, eval_macro_f1, eval_micro_f1."""
    return [row for row in prediction.read_card(model)["curve"] if "eval_macro_f1" in row]


def dev_scores(model: Path) -> dict[str, float]:
    """Read the evaluation on dev whose weights were kept, the best by macro-F1."""
    return max(evaluations(model), key=lambda row: row["eval_macro_f1"])
