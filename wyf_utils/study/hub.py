"""Publish a trained classifier with its model card on the Hugging Face hub."""

from __future__ import annotations

import json
import re
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, HTTPError

from ..core.errors import BadInput, MissingData, Unreachable
from ..core.files import read_json
from ..core.paths import relative
from ..text import prediction
from .model_card import base_encoder, is_repository, model_card

#: Files of a trained model; all of them are published, beside the card.
FILES = (
    "config.json",
    "model.safetensors",
    prediction.CARD,
    "tokenizer.json",
    "tokenizer_config.json",
)
_LOCAL_PATH = re.compile(r"(?:[A-Za-z]:|~\w*)?[\\/]+[^\\/]+[\\/]|file:")


def publish(
    model: Path, repo: str, *, revision: str = "", private: bool = True, dry_run: bool = False
) -> str:
    """Publish a trained model with its card, in one commit.

    The token is that of the hub's client: `HF_TOKEN`, or the one saved by `hf auth login`.

    Parameters
    ----------
    model
        Folder of a model saved by `finetuning.fine_tune`; it is not changed.
    repo
        OWNER/NAME; created where it does not exist.
    revision
        Tag of this version; none by default.
    private
        Whether only its owner may see it.
    dry_run
        List the files and the card without using the network.

    Returns
    -------
    str
        List of the published files, as text for a terminal.

    Raises
    ------
    BadInput
        If the repository or tag has no valid name, the tag is taken, the repository is public but
        should be private, or the token may not write there.
    MissingData
        If the folder holds no model, or there is no token.
    Unreachable
        If the hub cannot be reached or fails.
    """
    if not is_repository(repo):
        raise BadInput(f"'{repo}' is no name of a repository; write OWNER/NAME.")
    if revision and not re.fullmatch(r"\w[\w.-]*", revision, re.ASCII):
        raise BadInput(
            f"'{revision}' is no name of a tag; take letters, digits, dots and hyphens, "
            "such as v1.0."
        )
    files = _files(model, repo, revision)
    sizes = {
        name: content.stat().st_size if isinstance(content, Path) else len(content)
        for name, content in files.items()
    }
    lines = "\n".join(f"  {name:<24}{size:>14,} bytes" for name, size in sizes.items())
    tag = f", tag {revision}" if revision else ""
    if dry_run:
        access = "private" if private else "public"
        card = files["README.md"].decode()
        return f"would be sent to {repo} ({access}{tag})\n{lines}\n\n{card}"
    if not get_token():
        raise MissingData(
            "There is no token of the Hugging Face hub; set HF_TOKEN or run `hf auth login`."
        )
    page, is_private = _upload(files, repo, revision, private)
    return f"published at {page} ({'private' if is_private else 'public'}{tag})\n{lines}"


def _upload(
    files: dict[str, bytes | Path], repo: str, revision: str, private: bool
) -> tuple[str, bool]:
    """Commit files to a repository and return its address and whether it is private."""
    try:
        return _commit(HfApi(), files, repo, revision, private)
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise BadInput(
                f"The hub does not let this token write to {repo} (HTTP {status}); "
                "take one with write access, or an owner that is yours."
            ) from error
        raise Unreachable(
            f"The hub could not take {repo} (HTTP {status}); try again later."
        ) from error
    except (HTTPError, OSError, RuntimeError) as error:  # the upload of weights raises RuntimeError
        raise Unreachable(
            f"The hub cannot be reached ({type(error).__name__}); "
            "check the network and publish again."
        ) from error


def _commit(
    api: HfApi, files: dict[str, bytes | Path], repo: str, revision: str, private: bool
) -> tuple[str, bool]:
    page = api.create_repo(repo, private=private, exist_ok=True)
    is_private = api.model_info(repo).private
    if private and not is_private:
        raise BadInput(f"{repo} is public already; pass --public, or choose another repository.")
    if revision in [ref.name for ref in api.list_repo_refs(repo).tags]:
        raise BadInput(f"{repo} has a tag '{revision}' already; choose another.")
    operations = [CommitOperationAdd(name, content) for name, content in files.items()]
    message = f"WYF classifier {revision}".strip()
    commit = api.create_commit(repo, operations, commit_message=message)
    if revision:
        api.create_tag(repo, tag=revision, revision=commit.oid)
    return page, is_private


def _files(model: Path, repo: str, revision: str) -> dict[str, bytes | Path]:
    """Collect the card and the files of a model, without paths of this machine."""
    if missing := [name for name in FILES if not (model / name).is_file()]:
        raise MissingData(
            f"{relative(model)} is no trained model: it lacks {', '.join(missing)}; "
            "`wyf models` lists those in the cache."
        )
    files = {"README.md": model_card(model, repo, revision).encode()}
    files |= {name: model / name for name in FILES}
    for name in ("config.json", prediction.CARD, "tokenizer_config.json"):
        content = read_json(model / name)
        if name == prediction.CARD and not base_encoder(content["recipe"]["encoder"])[0]:
            content["recipe"]["encoder"] = ""
        content = json.dumps(_without_paths(content), ensure_ascii=False, indent=1)
        files[name] = content.encode()
    return files


def _without_paths(value):
    """Blank the texts of a JSON value that are paths of this machine."""
    if isinstance(value, dict):
        return {name: _without_paths(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_paths(each) for each in value]
    return "" if isinstance(value, str) and _LOCAL_PATH.match(value) else value
