"""Describe a trained classifier in a model card for the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import ModelCardData
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from ..core import emotions
from ..core.files import read_json
from ..core.paths import PROFILES, cache_folder
from ..data import registry
from ..text import prediction
from ..text.bundled_e5 import BUNDLED
from ..text.encoders import CANDIDATES
from .trained_models import dev_scores, evaluations

UNKNOWN = "not known"
_CARD = """---
{header}
---

# WYF: six emotions from a Korean sentence

{origin}, fine-tuned by the research repository WYF (What's Your Feeling?).
Token vectors are averaged and standardised, and a linear layer gives six logits.
`AutoModel` does not read these weights; the last section does.

## Emotions, in the order of the output

{emotions}

## Data

{data}

## Recipe

{recipe}

## Scores on the dev split

The dev split chose the weights and calibrated them, so these scores are optimistic.
This card has no scores on a test split.

{scores}

## Calibration

Logits are divided by a temperature of {temperature:.3f}, chosen on dev.
Up to a confidence of {unsure_below:.3f}, answers on dev were right less than once in three times:
take such an answer as "not sure".

## Licence

Code: MIT. Base encoder: {licence}; the weights derive from it.
The data has terms of its own, above.

## Limits

- {limit}
- It reads Korean only. Six emotions are a coarse choice, and how labels map to them is debatable;
  peace and neutral are rare in training.
- It was made for choosing songs and for research. It says nothing reliable about a person:
  judge, screen or diagnose nobody by it.

## Use

With the repository's package `wyf` installed:

```python
from pathlib import Path

from huggingface_hub import snapshot_download
from wyf_utils.text import classifier

model = classifier.load(Path(snapshot_download({where})))
model.predict(["면접에서 또 떨어져서 너무 속상해"])  # (1, 6), rows sum to 1
```
"""
_SAMPLE = (
    "sentences written for this project: the scores show that the method works, "
    "and prove nothing about people."
)
_LIMITS = {
    "sample": f"It was trained on {_SAMPLE}",
    "": f"What it was trained on is {UNKNOWN}; perhaps on {_SAMPLE}",
}
_OTHER_LIMIT = (
    "It knows the style of its corpus; on other texts it does worse than the scores above."
)


def model_card(model: Path, repo: str = "OWNER/NAME", revision: str = "") -> str:
    """Write the model card (README.md) of a model saved by `finetuning.fine_tune`.

    Parameters
    ----------
    model
        Its folder; fields that it lacks are "not known".
    repo, revision
        Repository and tag, for the lines that load it.

    Raises
    ------
    MissingData
        If the folder holds no model, or one of older code that nothing reads any more.
    """
    card, entry = prediction.read_card(model), read_json(model / "entry.json")
    about, encoder = entry.get("about", {}), card["recipe"]["encoder"]
    base, licence = base_encoder(encoder)
    if base:
        origin = f"[{base}](https://huggingface.co/{base})"
    else:
        origin = f"An encoder whose origin is {UNKNOWN} (a local folder)"
    if encoder.startswith("dapt/"):
        origin += ", after continued pre-training on a domain"
    header = ModelCardData(
        language="ko",
        license=licence.lower() if licence in ("MIT", "Apache-2.0") else "unknown",
        base_model=base or None,
        library_name="wyf",
        pipeline_tag="text-classification",
        tags=["emotion", "korean", "music", "wyf"],
    )
    labels = [(emotion.id, emotion.ko, emotion.en) for emotion in emotions.EMOTIONS]
    return _CARD.format(
        header=header.to_yaml(),
        origin=origin,
        emotions=_table(("Column", "Korean", "English"), *labels),
        data=_data(about, entry.get("data", UNKNOWN)),
        recipe=_recipe(card, entry),
        scores=_scores(model),
        temperature=card["temperature"],
        unsure_below=card["unsure_below"],
        licence=licence or UNKNOWN,
        limit=_LIMITS.get(about.get("profile", ""), _OTHER_LIMIT),
        where=f'"{repo}"' + (f', revision="{revision}"' if revision else ""),
    )


def base_encoder(encoder: str) -> tuple[str, str]:
    """Find the hub's name and the licence of the encoder that a model was fine-tuned from.

    Both are blank where they are not known, as for a local folder.
    """
    while encoder.startswith("dapt/"):  # stage by stage back to where pre-training began
        stage = read_json(cache_folder() / encoder / "entry.json").get("parameters", {})
        encoder = stage.get("encoder") or (f"dapt/{stage['before']}" if stage.get("before") else "")
    if encoder == BUNDLED:
        return "intfloat/multilingual-e5-small", "MIT"
    if not is_repository(encoder) or Path(encoder).exists():
        return "", ""
    licences = {candidate.name: candidate.licence for candidate in CANDIDATES.values()}
    return encoder, licences.get(encoder, "")


def is_repository(name: str) -> bool:
    """Tell whether a name is a valid OWNER/NAME of the hub."""
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return "/" in name


def _data(about: dict, fingerprint: str) -> str:
    """Format profile, corpus and licence of the training sentences."""
    profile, corpus = about.get("profile"), about.get("corpus")
    terms = {
        "sample": "MIT, in the repository",
        "wyf": "AI Hub, whose terms do not let it be passed on",
        None: UNKNOWN,
    }
    public = dict.fromkeys(
        f"{remote.repo} ({remote.licence}): {remote.citation}"
        for name, remote in registry.REGISTRY.items()
        if name.startswith(f"{corpus}_")
    )
    return _table(
        ("Data", ""),
        ("Profile", f"`{profile}`, {PROFILES[profile]}" if profile else UNKNOWN),
        ("Corpus", f"`{corpus}`" if corpus else UNKNOWN),
        ("Licence and source", terms.get(profile) or "; ".join(public)),
        ("Sha256 of the train and dev splits", fingerprint),
    )


def _recipe(card: dict, entry: dict) -> str:
    """Format the hyperparameters, seed, precision and date of a training."""
    fields = card["recipe"] | {
        "seed": card.get("seed", UNKNOWN),
        "bfloat16": entry.get("parameters", {}).get("bfloat16", UNKNOWN),
        "made": entry.get("made", UNKNOWN),
    }
    rows = [(name, v) for name, v in fields.items() if name != "encoder" and v != ""]
    return _table(("Field", "Value"), *rows)


def _scores(model: Path) -> str:
    """Format the first, the kept and the last evaluation on dev."""
    rows = evaluations(model)
    columns = ("eval_loss", "eval_macro_f1", "eval_micro_f1")
    shown = {"first": rows[0], "kept": dev_scores(model), "last": rows[-1]}
    return _table(
        (f"Of {len(rows)}", "Epoch", "Loss (second task included)", "Macro-F1", "Micro-F1"),
        *(
            (name, f"{row['epoch']:g}", *(f"{row[column]:.3f}" for column in columns))
            for name, row in shown.items()
        ),
    )


def _table(*rows: tuple) -> str:
    """Format rows as Markdown, the first as the head."""
    head, *body = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join([head, "|" + " --- |" * len(rows[0]), *body])
