"""Trained classifiers by name: list them, describe one in a model card, publish it on the Hugging Face hub."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pandas as pd
from huggingface_hub import CommitOperationAdd, HfApi, ModelCardData, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError
from huggingface_hub.utils import validate_repo_id

from ..core import emotions
from ..core.errors import BadInput, MissingData, Unreachable
from ..core.files import read_json
from ..core.paths import PROFILES, cache_folder, relative
from ..data import registry
from ..text import classifier
from ..text.bundled_e5 import BUNDLED
from ..text.encoders import CANDIDATES

#: What a trained model consists of, and all that is published beside its card.
FILES = (
    "config.json",
    "model.safetensors",
    classifier.CARD,
    "tokenizer.json",
    "tokenizer_config.json",
)
UNKNOWN = "not known"
_LOCAL_PATH = re.compile(r"(?:[A-Za-z]:|~\w*)?[\\/]+[^\\/]+[\\/]|file:")


# The cache ------------------------------------------------------------------------------------------


def models() -> pd.DataFrame:
    """Trained models in the cache, the newest first: key, encoder, seed, dev macro-F1, made. Those of older code are left out, and counted in a warning."""
    rows, older = [], 0
    for path in (cache_folder() / "classifier").glob("[!.]*"):
        try:
            score = dev_scores(path)["eval_macro_f1"]
        except MissingData:
            older += 1
            continue
        entry = read_json(path / "entry.json")
        rows.append(
            (
                path.name,
                entry["parameters"]["encoder"],
                entry["parameters"]["seed"],
                score,
                entry["made"],
            )
        )
    if older:
        logging.getLogger(__name__).warning(
            "Models of older code, which nothing reads any more, are left out: %d; `wyf train` trains them anew.",
            older,
        )
    if not rows:
        raise MissingData(
            "There is no trained model in the cache yet; run `wyf train` or `make run`."
        )
    return (
        pd.DataFrame(rows, columns=["key", "encoder", "seed", "dev macro-F1", "made"])
        .sort_values("made", ascending=False)
        .round(3)
    )


def find(model: str) -> Path:
    """Folder of a trained model, from the folder itself or from the beginning of a key in the cache.

    Raises
    ------
    MissingData
        If there is no such model.
    BadInput
        If several keys begin so.
    """
    if Path(model).is_dir():
        return Path(model)
    found = sorted(
        path
        for path in (cache_folder() / "classifier").glob("[!.]*")
        if path.name.startswith(model)
    )
    if not found:
        raise MissingData(f"There is no trained model '{model}'; `wyf models` lists them.")
    if len(found) > 1:
        raise BadInput(
            f"'{model}' begins several keys ({', '.join(path.name for path in found)}); write more of one."
        )
    return found[0]


def dev_scores(model: Path) -> dict[str, float]:
    """Evaluation on dev whose weights were kept: epoch, eval_loss, eval_macro_f1, eval_micro_f1."""
    return max(_evaluations(classifier.read_card(model)), key=lambda row: row["eval_macro_f1"])


def _evaluations(card: dict) -> list[dict]:
    return [row for row in card["curve"] if "eval_macro_f1" in row]


# The card -------------------------------------------------------------------------------------------

_CARD = """---
{header}
---

# WYF: six emotions from a Korean sentence

{origin}, fine-tuned by the research repository WYF (What's Your Feeling?). Token vectors are averaged and standardised, and a linear layer gives six logits.
`AutoModel` does not read these weights; the last section does.

## Emotions, in the order of the output

{emotions}

## Data

{data}

## Recipe

{recipe}

## Scores on the dev split

The dev split chose the weights and calibrated them, so its scores are kinder than those on a test split, which this card does not know.

{scores}

## Calibration

Logits are divided by a temperature of {temperature:.3f}, chosen on dev. Up to a confidence of {unsure_below:.3f}, answers on dev were right less than once
in three times: take such an answer as "not sure".

## Licence

Code: MIT. Base encoder: {licence}; the weights derive from it. The data has terms of its own, above.

## Limits

- {limit}
- It reads Korean only. Six emotions are a coarse choice, and how labels map to them is debatable; peace and neutral are rare in training.
- It was made for choosing songs and for research. It says nothing reliable about a person: judge, screen or diagnose nobody by it.

## Use

With the repository's package `wyf` installed:

```python
from pathlib import Path

from huggingface_hub import snapshot_download
from wyf_utils import classifier

model = classifier.load(Path(snapshot_download({where})))
model.predict(["면접에서 또 떨어져서 너무 속상해"])  # (1, 6), rows sum to 1
```
"""
_SAMPLE_LIMIT = "sentences written for this project: the scores show that the method works, and prove nothing about people."
_LIMITS = {
    "sample": f"It was trained on {_SAMPLE_LIMIT}",
    "": f"What it was trained on is {UNKNOWN}; perhaps on {_SAMPLE_LIMIT}",
}


def model_card(model: Path, repo: str = "OWNER/NAME", revision: str = "") -> str:
    """Model card (README.md) of a model saved by `finetuning.fine_tune`; what is not known is said to be so.

    Parameters
    ----------
    model
        Its folder.
    repo, revision
        Where it can be had, for the lines that load it.

    Raises
    ------
    MissingData
        If the folder holds no model, or one of older code that nothing reads any more.
    """
    card, entry = classifier.read_card(model), read_json(model / "entry.json")
    recipe, about, evaluations = card["recipe"], entry.get("about", {}), _evaluations(card)
    encoder = recipe["encoder"]
    base, licence = _base(encoder)
    header = ModelCardData(
        language="ko",
        license=licence.lower() if licence in ("MIT", "Apache-2.0") else "unknown",
        base_model=base or None,
        library_name="wyf",
        pipeline_tag="text-classification",
        tags=["emotion", "korean", "music", "wyf"],
    )
    details = {
        "seed": card.get("seed", UNKNOWN),
        "bfloat16": entry.get("parameters", {}).get("bfloat16", UNKNOWN),
        "made": entry.get("made", UNKNOWN),
    }
    shown = {"first": evaluations[0], "kept": dev_scores(model), "last": evaluations[-1]}
    return _CARD.format(
        header=header.to_yaml(),
        origin=(
            f"[{base}](https://huggingface.co/{base})"
            if base
            else f"An encoder whose origin is {UNKNOWN} (a local folder)"
        )
        + (", after continued pre-training on a domain" if encoder.startswith("dapt/") else ""),
        emotions=_table(
            ("Column", "Korean", "English"), *((e.id, e.ko, e.en) for e in emotions.EMOTIONS)
        ),
        data=_data(about, entry.get("data", UNKNOWN)),
        recipe=_table(
            ("Field", "Value"),
            *(
                (name, value)
                for name, value in {**recipe, **details}.items()
                if name != "encoder" and value != ""
            ),
        ),
        scores=_table(
            (
                f"Of {len(evaluations)}",
                "Epoch",
                "Loss (second task included)",
                "Macro-F1",
                "Micro-F1",
            ),
            *(
                (
                    name,
                    f"{e['epoch']:g}",
                    *(
                        f"{e[score]:.3f}"
                        for score in ("eval_loss", "eval_macro_f1", "eval_micro_f1")
                    ),
                )
                for name, e in shown.items()
            ),
        ),
        temperature=card["temperature"],
        unsure_below=card["unsure_below"],
        licence=licence or UNKNOWN,
        limit=_LIMITS.get(
            about.get("profile", ""),
            "It knows the style of its corpus; on other texts it does worse than the scores above.",
        ),
        where=f'"{repo}"' + (f', revision="{revision}"' if revision else ""),
    )


def _base(encoder: str) -> tuple[str, str]:
    """Name on the hub and licence of what a model was fine-tuned from; blank where it is not known, as for a local folder."""
    while encoder.startswith("dapt/"):  # stage by stage back to where pre-training began
        known = read_json(cache_folder() / encoder / "entry.json").get("parameters", {})
        encoder = known.get("encoder") or (f"dapt/{known['before']}" if known.get("before") else "")
    if encoder == BUNDLED:
        return "intfloat/multilingual-e5-small", "MIT"
    licences = {candidate.name: candidate.licence for candidate in CANDIDATES.values()}
    return (
        (encoder, licences.get(encoder, ""))
        if _on_hub(encoder) and not Path(encoder).exists()
        else ("", "")
    )


def _on_hub(name: str) -> bool:
    """Whether a name is one that a repository can have, with its owner."""
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return "/" in name


def _data(about: dict, fingerprint: str) -> str:
    """Table of what is known of the sentences that a model learned from."""
    profile, corpus = about.get("profile"), about.get("corpus")
    terms = {
        "sample": "MIT, in the repository",
        "wyf": "AI Hub, whose terms do not let it be passed on",
        None: UNKNOWN,
    }
    public = dict.fromkeys(
        f"{r.repo} ({r.licence}): {r.citation}"
        for name, r in registry.REGISTRY.items()
        if name.startswith(f"{corpus}_")
    )
    return _table(
        ("Data", ""),
        ("Profile", f"`{profile}`, {PROFILES[profile]}" if profile else UNKNOWN),
        ("Corpus", f"`{corpus}`" if corpus else UNKNOWN),
        ("Licence and source", terms.get(profile) or "; ".join(public)),
        ("Sha256 of the train and dev splits", fingerprint),
    )


def _table(*rows: tuple) -> str:
    """Markdown of rows, the first of them the head."""
    head, *body = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join([head, "|" + " --- |" * len(rows[0]), *body])


# The hub --------------------------------------------------------------------------------------------


def publish(
    model: Path, repo: str, *, revision: str = "", private: bool = True, dry_run: bool = False
) -> str:
    """Publish a trained model with its card on the Hugging Face hub, in one commit.

    The token is the hub's own affair: `HF_TOKEN`, or what `hf auth login` keeps.

    Parameters
    ----------
    model
        Folder of a model saved by `finetuning.fine_tune`; nothing in it is changed.
    repo
        OWNER/NAME; made where it is not there yet.
    revision
        Tag of this version; none by default.
    private
        Whether only its owner may see it.
    dry_run
        Only say what would be sent; the network is not touched.

    Returns
    -------
    str
        What was sent, or would be, as text for a terminal.

    Raises
    ------
    BadInput
        If the repository or tag has no proper name, the tag is taken, the repository is public already but should be private,
        or the token may not write there.
    MissingData
        If the folder holds no model, or there is no token.
    Unreachable
        If the hub cannot be reached or fails.
    """
    if not _on_hub(repo):
        raise BadInput(f"'{repo}' is no name of a repository; write OWNER/NAME.")
    if revision and not re.fullmatch(r"\w[\w.-]*", revision, re.ASCII):
        raise BadInput(
            f"'{revision}' is no name of a tag; take letters, digits, dots and hyphens, such as v1.0."
        )
    files = _files(model, repo, revision)
    sizes = {
        name: content.stat().st_size if isinstance(content, Path) else len(content)
        for name, content in files.items()
    }
    listed = "\n".join(f"  {name:<24}{size:>14,} bytes" for name, size in sizes.items())
    tag = f", tag {revision}" if revision else ""
    if dry_run:
        return f"would be sent to {repo} ({'private' if private else 'public'}{tag})\n{listed}\n\n{files['README.md'].decode()}"
    if not get_token():
        raise MissingData(
            "There is no token of the Hugging Face hub; set HF_TOKEN or run `hf auth login`."
        )
    api = HfApi()
    try:
        page = api.create_repo(repo, private=private, exist_ok=True)
        is_private = api.model_info(repo).private
        if private and not is_private:
            raise BadInput(
                f"{repo} is public already; pass --public, or choose another repository."
            )
        if revision in [ref.name for ref in api.list_repo_refs(repo).tags]:
            raise BadInput(f"{repo} has a tag '{revision}' already; choose another.")
        operations = [CommitOperationAdd(name, content) for name, content in files.items()]
        commit = api.create_commit(
            repo, operations, commit_message=f"WYF classifier {revision}".strip()
        )
        if revision:
            api.create_tag(repo, tag=revision, revision=commit.oid)
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise BadInput(
                f"The hub does not let this token write to {repo} (HTTP {status}); take one with write access, or an owner that is yours."
            ) from error
        raise Unreachable(
            f"The hub could not take {repo} (HTTP {status}); try again later."
        ) from error
    except (HTTPError, OSError, RuntimeError) as error:  # the upload of weights raises RuntimeError
        raise Unreachable(
            f"The hub cannot be reached ({type(error).__name__}); check the network and publish again."
        ) from error
    return f"published at {page} ({'private' if is_private else 'public'}{tag})\n{listed}"


def _files(model: Path, repo: str, revision: str) -> dict[str, bytes | Path]:
    """What is published: the card, and the files of a model without paths of this machine."""
    if lacking := [name for name in FILES if not (model / name).is_file()]:
        raise MissingData(
            f"{relative(model)} is no trained model: it lacks {', '.join(lacking)}; `wyf models` lists those in the cache."
        )
    files = {
        "README.md": model_card(model, repo, revision).encode(),
        **{name: model / name for name in FILES},
    }
    settings = {
        name: read_json(model / name)
        for name in ("config.json", classifier.CARD, "tokenizer_config.json")
    }
    recipe = settings[classifier.CARD]["recipe"]
    if not _base(recipe["encoder"])[0]:
        recipe["encoder"] = ""
    return files | {
        name: json.dumps(_without_paths(content), ensure_ascii=False, indent=1).encode()
        for name, content in settings.items()
    }


def _without_paths(value):
    """JSON value in which the texts that are paths of this machine are blank."""
    if isinstance(value, dict):
        return {name: _without_paths(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_paths(each) for each in value]
    return "" if isinstance(value, str) and _LOCAL_PATH.match(value) else value
