"""Pre-trained encoders by name: the bundled E5, the Hugging Face hub, or a local folder.

A name on the hub is downloaded into a folder first. Only safetensors are read, and code of a
checkpoint runs only when it is trusted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HTTPError
from tokenizers import Regex as TokenizerRegex
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from ..core.errors import BadInput, CorruptData, MissingData
from ..core.paths import cache_folder
from .bundled_e5 import BUNDLED, E5_PREFIX, load_bundled
from .embeddings import Encoder

transformers_logging.set_verbosity_error()  # `load` raises where transformers warns about weights
transformers_logging.disable_progress_bar()


@dataclass(frozen=True)
class Candidate:
    """An encoder of the comparison.

    Attributes
    ----------
    name, revision : str
        On the Hugging Face hub, for `load`.
    family : str
        Architecture and kind of tokenizer.
    millions : int
        Parameters in millions, embeddings included.
    licence : str
        Licence on its hub page.
    used_2022 : bool
        Whether the team of 2022 published a score of it.
    """

    name: str
    family: str
    millions: int
    licence: str
    used_2022: bool
    revision: str = "main"


_BERT, _ELECTRA, _ROBERTA = "BERT, WordPiece", "ELECTRA, WordPiece", "RoBERTa, WordPiece"
#: Encoders by short name. Both KcELECTRA are pickles on the hub and must be converted first.
CANDIDATES = {
    "kcbert": Candidate("beomi/kcbert-base", _BERT, 109, "Apache-2.0", True),
    # the branch `main` holds the model of 2023
    "kcelectra": Candidate("beomi/KcELECTRA-base", _ELECTRA, 124, "MIT", True, "v2021"),
    "kcelectra_2022": Candidate("beomi/KcELECTRA-base-v2022", _ELECTRA, 127, "MIT", False),
    "klue_roberta_large": Candidate("klue/roberta-large", _ROBERTA, 337, "see its page", True),
    "klue_roberta_base": Candidate("klue/roberta-base", _ROBERTA, 111, "see its page", False),
    "kobert": Candidate("monologg/kobert", "BERT, SentencePiece", 92, "Apache-2.0", True),
    "ax_encoder": Candidate("skt/A.X-Encoder-base", "ModernBERT", 149, "Apache-2.0", False),
}


def load(
    name: str,
    texts: Sequence[str] | None = None,
    *,
    revision: str | None = None,
    trust_remote_code: bool = False,
) -> Encoder:
    """Load an encoder by name.

    Parameters
    ----------
    name
        `bundled/multilingual-e5-small`, `dapt/<key>` for an encoder pre-trained further here, a
        name on the Hugging Face hub, or a local folder.
    texts
        Bundled encoder only: see `bundled_e5.load_bundled`.
    revision
        Commit or tag on the hub.
    trust_remote_code
        Whether code of the checkpoint may run.

    Returns
    -------
    Encoder
        With the model in evaluation mode.

    Raises
    ------
    MissingData
        If the bundled file is not installed, the hub cannot be reached, or the folder lacks its
        config, safetensors or tokenizer.
    BadInput
        If it can only be loaded by its own code, which is not trusted.
    CorruptData
        If its files are damaged or do not fit each other.
    """
    if name == BUNDLED:
        return load_bundled(texts)
    folder = _folder(name, revision, trust_remote_code)
    for part, (patterns, remedy) in _PARTS.items():
        if not any(any(folder.glob(pattern)) for pattern in patterns):
            raise MissingData(f"The encoder '{name}' has no {part}; {remedy}.")
    tokenizer, model, missing = _read(name, folder, trust_remote_code)
    _check_fit(name, tokenizer, model, missing)
    # one segment only, and ModernBERT has no segment ids
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    tokenizer.model_max_length = min(tokenizer.model_max_length, _positions(model))
    if not hasattr(model.config, "text_prefix"):  # saved with the weights of earlier loads
        is_e5 = re.search(r"\be5\b", Path(name).name.lower())
        model.config.text_prefix = E5_PREFIX if is_e5 else ""
    return Encoder(name, tokenizer, without_pooler(model).eval(), model.config.text_prefix)


def content(name: str) -> str:
    """Hash the weights and tokenizer in a local folder, for cache keys; "" for other names."""
    suffixes = (".safetensors", ".json", ".model", ".txt")
    files = sorted(file for file in Path(name).glob("*") if file.suffix in suffixes)
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest() if files else ""


def without_pooler(model: torch.nn.Module) -> torch.nn.Module:
    """Remove the pooler, which mean pooling does not use and whose weights may be random."""
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    return model


def parameter_count(model: torch.nn.Module) -> dict[str, int]:
    """Count the parameters that are trainable, and all."""
    counts = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return {"trainable": sum(n for n, grad in counts if grad), "all": sum(n for n, _ in counts)}


def layers(model: torch.nn.Module) -> torch.nn.ModuleList:
    """Transformer layers of an encoder of any family, lowest first."""
    depth = model.config.num_hidden_layers
    lists = ((n, m) for n, m in model.named_modules() if isinstance(m, torch.nn.ModuleList))
    return next(m for n, m in lists if n.endswith(("layer", "layers")) and len(m) == depth)


#: Parts of a folder: file patterns of which one must match, and the remedy.
_PARTS = {
    "config.json": (["config.json"], "save the model there with `save_pretrained`"),
    "safetensors": (
        ["*.safetensors"],
        "pickled weights (pytorch_model.bin) can run code and are never read: convert them once "
        "with `transformers.AutoModel.from_pretrained(...).save_pretrained(folder)`, "
        "and name that folder",
    ),
    "tokenizer": (
        ["tokenizer.json", "vocab.txt", "vocab.json", "*.model", "*.spiece"],
        "put its tokenizer.json, vocab.txt or SentencePiece model beside the weights",
    ),
}
#: Names of special tokens, for tokenizers that do not declare them.
_SPECIAL = {
    "unk_token": ("[UNK]", "<unk>"),
    "pad_token": ("[PAD]", "<pad>"),
    "cls_token": ("[CLS]", "<s>"),
    "sep_token": ("[SEP]", "</s>"),
    "mask_token": ("[MASK]", "<mask>"),
}


def _folder(name: str, revision: str | None, trust_remote_code: bool) -> Path:
    """Find the folder of an encoder in the cache or locally, or download it without pickles."""
    for folder in (cache_folder() / name, Path(name)):
        if folder.is_dir():
            return folder
    patterns = ["*.json", "*.txt", "*.model", "*.spiece", "*.safetensors"]
    patterns += ["*.py"] * trust_remote_code
    try:
        folder = snapshot_download(
            name, revision=revision, allow_patterns=patterns, ignore_patterns="*/*"
        )
    except (OSError, ValueError, HTTPError) as error:
        raise MissingData(
            f"The encoder '{name}' cannot be loaded ({type(error).__name__}); check the name and "
            f"the network, give a local folder with safetensors, or use {BUNDLED}."
        ) from error
    return Path(folder)


def _read(
    name: str, folder: Path, trust_remote_code: bool
) -> tuple[PreTrainedTokenizerFast, torch.nn.Module, list[str]]:
    """Read the tokenizer, the model, and the names of weights that the files lack."""
    try:
        config = AutoConfig.from_pretrained(
            folder,
            trust_remote_code=trust_remote_code,
            attn_implementation=None,  # chosen for this machine, whatever the file asks for
        )
        tokenizer = _tokenizer(folder, config.model_type, trust_remote_code)
        model, report = AutoModel.from_pretrained(
            folder,
            config=config,
            trust_remote_code=trust_remote_code,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except Exception as error:  # damaged files raise errors of many types
        if "trust_remote_code" in str(error):
            raise BadInput(
                f"The encoder '{name}' wants to run code of its own; read that code and pass "
                f"trust_remote_code=True, or choose another."
            ) from error
        raise CorruptData(
            f"The encoder '{name}' cannot be read ({type(error).__name__}); its files are damaged "
            f"or of an unknown architecture: delete the folder and fetch or save it again."
        ) from error
    return tokenizer, model, sorted(report["missing_keys"])


def _check_fit(
    name: str, tokenizer: PreTrainedTokenizerFast, model: torch.nn.Module, missing: list[str]
) -> None:
    """Refuse weights that would stay random, and a tokenizer that does not fit the weights."""
    missing = [key for key in missing if not key.startswith("pooler.")]
    if missing:
        raise CorruptData(
            f"The weights of '{name}' lack {len(missing)} tensors of its architecture "
            f"({model.config.model_type}: {missing[0]}), which would stay random; "
            f"take the folder of an encoder, whose config.json fits its weights."
        )
    ids = tokenizer.get_vocab().values()
    vectors = model.get_input_embeddings().num_embeddings
    if tokenizer.pad_token_id is None or max(ids) >= vectors:
        raise CorruptData(
            f"The tokenizer of '{name}' does not fit its weights (no padding token, or more pieces "
            f"than vectors); put the right one beside them."
        )


def _tokenizer(folder: Path, family: str, trust_remote_code: bool) -> PreTrainedTokenizerFast:
    """Load the tokenizer that the files describe.

    `AutoTokenizer` builds a WordPiece tokenizer for every BERT and ELECTRA. That is wrong for
    KoBERT (SentencePiece) and for KcELECTRA since 2023 (byte-level BPE).
    """
    sentencepiece = sorted([*folder.glob("*.model"), *folder.glob("*.spiece")])
    if (folder / "tokenizer.json").is_file():
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    elif family == "bert" and sentencepiece:
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=_sentencepiece(sentencepiece[0]))
    else:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=trust_remote_code)
    pieces = tokenizer.get_vocab()
    special = {
        role: next((n for n in names if n in pieces), None)
        for role, names in _SPECIAL.items()
        if getattr(tokenizer, role) is None
    }
    tokenizer.add_special_tokens({role: name for role, name in special.items() if name})
    return tokenizer


def _sentencepiece(file: Path) -> Tokenizer:
    """Convert KoBERT's SentencePiece model; ids follow vocab.txt beside it, else the model.

    As in the tokenizers published with KoBERT, accents are stripped and spaces become single.
    """
    proto = _model_proto(file)
    scores = {piece.piece: piece.score for piece in proto.pieces}
    pieces, vocabulary = list(scores), file.with_name("vocab.txt")
    if vocabulary.is_file():
        pieces = vocabulary.read_text(encoding="utf-8").rstrip("\n").split("\n")
    ids = {piece: i for i, piece in enumerate(pieces)}
    absent = [names[0] for names in _SPECIAL.values() if names[0] not in ids]
    if absent:
        raise ValueError(f"{file.name} has no {', '.join(absent)}")
    if proto.trainer_spec.model_type == proto.trainer_spec.BPE:
        model = models.BPE(ids, _merges(scores, ids), unk_token="[UNK]", fuse_unk=True)
    else:
        scored = [(piece, scores.get(piece, 0.0)) for piece in pieces]
        model = models.Unigram(scored, unk_id=ids["[UNK]"], byte_fallback=False)
    tokenizer = Tokenizer(model)
    charsmap = proto.normalizer_spec.precompiled_charsmap
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Replace("``", '"'), normalizers.Replace("''", '"'),
        normalizers.NFKD(), normalizers.StripAccents(), normalizers.NFC(),
        *([normalizers.Precompiled(charsmap)] if charsmap else []),
        normalizers.Replace(TokenizerRegex(r"\s+"), " "), normalizers.Strip(),
    ])  # fmt: skip
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, ids[name]) for name in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def _model_proto(file: Path):
    """Parse a SentencePiece model."""
    from google.protobuf.message import DecodeError
    from transformers.convert_slow_tokenizer import import_protobuf

    try:
        return import_protobuf().ModelProto.FromString(file.read_bytes())
    except DecodeError as error:
        raise ValueError(f"{file.name} is no SentencePiece model") from error


def _merges(scores: dict[str, float], ids: dict[str, int]) -> list[tuple[str, str]]:
    """List the merges of a BPE model, best piece first."""
    pieces = sorted(scores, key=scores.get, reverse=True)
    splits = ((p, p[:i], p[i:]) for p in pieces for i in range(1, len(p)))
    return [(left, right) for p, left, right in splits if {p, left, right} <= ids.keys()]


def _positions(model: torch.nn.Module) -> int:
    """Longest input of an encoder in tokens; RoBERTa's positions start after its padding id."""
    padding = getattr(getattr(model.embeddings, "position_embeddings", None), "padding_idx", None)
    return model.config.max_position_embeddings - (0 if padding is None else padding + 1)
