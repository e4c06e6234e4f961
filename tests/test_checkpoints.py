"""Checkpoints of every kind that the comparison names, tiny and made here: nothing is fetched."""

import json
import pickle
from pathlib import Path

import huggingface_hub.constants
import numpy as np
import onnx
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers.convert_slow_tokenizer import import_protobuf

from wyf_utils.core import emotions
from wyf_utils.core.errors import BadInput, CorruptData, MissingData
from wyf_utils.core.paths import ROOT
from wyf_utils.data import text_corpora
from wyf_utils.text import bundled_e5, classifier, embeddings, encoders, finetuning, onnx_model

BERT_ORDER = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
KLUE_ORDER = ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"]
KOBERT_ORDER = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]"]
SIZE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 48,
}
TRUSTED = """
from transformers import BertConfig, BertModel
class Config(BertConfig):
    model_type = "strange"
class Model(BertModel):
    config_class = Config
"""
RAN = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(
        transformers.dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules")
    )


@pytest.fixture(scope="module")
def table(sample_sentences):
    few = sample_sentences.groupby("emotion").head(8).reset_index(drop=True)
    return few.assign(**dict(zip(emotions.EN, np.eye(6)[few["emotion"]].T, strict=True)))


@pytest.fixture(scope="module")
def texts():
    return text_corpora.stories()["text"].tolist()[:200]


def _json(path: Path, **content) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _word_pieces(folder: Path, texts: list[str], special: list[str], **config) -> int:
    """Write vocab.txt as published; the number of pieces."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(
        texts,
        trainers.WordPieceTrainer(vocab_size=900, special_tokens=special, show_progress=False),
    )
    vocabulary = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    _json(folder / "tokenizer_config.json", do_lower_case=False, **config)
    return len(vocabulary)


def _bytes(folder: Path, texts: list[str], **config) -> int:
    """Write a byte-level BPE as tokenizer.json alone; the number of pieces."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = (
        pre_tokenizers.ByteLevel(add_prefix_space=False),
        decoders.ByteLevel(),
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=900,
            special_tokens=BERT_ORDER,
            initial_alphabet=alphabet,
            show_progress=False,
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    _json(folder / "tokenizer_config.json", **config)
    return tokenizer.get_vocab_size()


def _sentence_pieces(file: Path, texts: list[str], kind: str = "UNIGRAM") -> list[str]:
    """Write a SentencePiece model with KoBERT's special tokens before sorted pieces; the pieces."""
    if kind == "UNIGRAM":
        trained, trainer = (
            Tokenizer(models.Unigram()),
            trainers.UnigramTrainer(vocab_size=900, show_progress=False),
        )
    else:
        trained, trainer = (
            Tokenizer(models.BPE()),
            trainers.BpeTrainer(vocab_size=900, show_progress=False),
        )
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.train_from_iterator(texts, trainer)
    model = json.loads(trained.to_str())["model"]
    scores = (
        dict(model["vocab"])
        if kind == "UNIGRAM"
        else dict.fromkeys(model["vocab"], -1e3)
        | {"".join(p): -i for i, p in enumerate(model["merges"])}
    )
    proto = import_protobuf().ModelProto()
    proto.trainer_spec.model_type = proto.trainer_spec.ModelType.Value(kind)
    for piece in KOBERT_ORDER:
        proto.pieces.add(piece=piece, score=0, type=2 if piece == "[UNK]" else 3)
    for piece, score in sorted(scores.items()):
        proto.pieces.add(piece=piece, score=score)
    file.write_bytes(proto.SerializeToString())
    return [piece.piece for piece in proto.pieces]


def kcbert(folder: Path, texts: list[str]) -> None:
    size = _word_pieces(folder, texts, BERT_ORDER, model_max_length=300)
    transformers.BertForMaskedLM(transformers.BertConfig(vocab_size=size, **SIZE)).save_pretrained(
        folder
    )


def kcelectra(folder: Path, texts: list[str]) -> None:
    size = _word_pieces(folder, texts, BERT_ORDER, tokenizer_class="ElectraTokenizer")
    transformers.ElectraForPreTraining(
        transformers.ElectraConfig(vocab_size=size, embedding_size=16, **SIZE)
    ).save_pretrained(folder)


def kcelectra_2023(folder: Path, texts: list[str]) -> None:
    size = _bytes(folder, texts, do_lower_case=False, model_max_length=512)
    transformers.ElectraForPreTraining(
        transformers.ElectraConfig(vocab_size=size, embedding_size=32, **SIZE)
    ).save_pretrained(folder)


def klue_roberta(folder: Path, texts: list[str]) -> None:
    size = _word_pieces(
        folder,
        texts,
        KLUE_ORDER,
        tokenizer_class="BertTokenizer",
        bos_token="[CLS]",
        eos_token="[SEP]",
        model_max_length=512,
    )
    config = transformers.RobertaConfig(
        vocab_size=size, pad_token_id=1, type_vocab_size=1, tokenizer_class="BertTokenizer", **SIZE
    )
    transformers.RobertaForMaskedLM(config).save_pretrained(folder)


def kobert(folder: Path, texts: list[str]) -> None:
    size = len(_sentence_pieces(folder / "tokenizer_78b3253a26.model", texts))
    transformers.BertModel(
        transformers.BertConfig(vocab_size=size, pad_token_id=1, **SIZE)
    ).save_pretrained(folder)
    _json(
        folder / "tokenizer_config.json",
        tokenizer_class="KoBertTokenizer",
        auto_map={"AutoTokenizer": ["tokenization_kobert.KoBertTokenizer", None]},
    )
    (folder / "tokenization_kobert.py").write_text(RAN)


def ax_encoder(folder: Path, texts: list[str]) -> None:
    names = {f"{role}_token": f"[{role.upper()}]" for role in ("pad", "unk", "cls", "sep", "mask")}
    size = _bytes(
        folder, texts, tokenizer_class="PreTrainedTokenizerFast", model_max_length=16384, **names
    )
    config = transformers.ModernBertConfig(
        vocab_size=size, pad_token_id=0, cls_token_id=2, sep_token_id=3, local_attention=8, **SIZE
    )
    transformers.ModernBertForMaskedLM(config).bfloat16().save_pretrained(folder)
    _edit(folder, reference_compile=True, attn_implementation="flash_attention_2")


def _edit(folder: Path, **changes) -> None:
    path = folder / "config.json"
    _json(path, **(json.loads(path.read_text(encoding="utf-8")) | changes))


KINDS = [kcbert, kcelectra, kcelectra_2023, klue_roberta, kobert, ax_encoder]


@pytest.fixture(scope="module")
def published(tmp_path_factory, texts):
    """One folder of each kind, as it lies on the hub."""
    torch.manual_seed(0)
    folders = {}
    for make in KINDS:
        folders[make.__name__] = tmp_path_factory.mktemp(make.__name__)
        make(folders[make.__name__], texts)
    return folders


@pytest.fixture
def bert(published, tmp_path):
    """A copy of the BERT checkpoint that a test may spoil."""
    for file in published["kcbert"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


# Every kind, from the hub's files to answers ------------------------------------------------------


@pytest.mark.parametrize("kind", [make.__name__ for make in KINDS])
def test_every_kind_is_fine_tuned_saved_and_answers_as_before(
    published, table, texts, kind, tmp_path, monkeypatch
):
    before = {}

    def remembered(probabilities, true):
        before["dev"] = probabilities
        return {"temperature": 1.0, "unsure_below": 0.0}

    monkeypatch.setattr(finetuning, "calibrate", remembered)
    for module in (finetuning.training, classifier):
        monkeypatch.setattr(module, "mixed_precision", lambda: False)
    recipe = finetuning.Recipe(
        encoder=str(published[kind]), epochs=1, batch_size=8, frozen_layers=1, max_length=512
    )
    finetuning.fine_tune(table, table, recipe, 0, tmp_path / "model")
    model = classifier.load(tmp_path / "model")
    assert np.allclose(model.predict(table["text"].tolist()), before["dev"], atol=1e-5)
    assert np.ptp(before["dev"][:, 0]) > 1e-4, "different texts get different answers"
    assert model.max_length <= SIZE["max_position_embeddings"]
    assert np.allclose(model.predict(["아 " * 300, texts[0]]).sum(1), 1, atol=1e-5), (
        "a text longer than the positions is read"
    )
    exported = onnx_model.load_onnx(tmp_path / "model")
    assert np.allclose(exported.predict(table["text"].tolist()), before["dev"], atol=0.02), (
        "ONNX Runtime answers as torch"
    )
    nodes = {
        node.op_type
        for node in onnx.load(
            onnx_model.exported(tmp_path / "model").path / "model.onnx"
        ).graph.node
    }
    assert nodes & {"QAttention", "MatMulNBits"}, "its weights have eight bits"
    assert [model.tokenizer.encode(t).ids for t in texts[:50]] == [
        encoders.load(str(published[kind])).tokenizer(t)["input_ids"] for t in texts[:50]
    ]


@pytest.mark.parametrize("kind", [make.__name__ for make in KINDS])
def test_every_kind_is_read_whole_and_its_padding_changes_nothing(published, texts, kind):
    encoder = encoders.load(str(published[kind]))
    tokenizer, model = encoder.tokenizer, encoder.model
    assert (
        tokenizer.cls_token,
        tokenizer.sep_token,
        tokenizer.pad_token,
        tokenizer.unk_token,
        tokenizer.mask_token,
    ) == (
        "[CLS]",
        "[SEP]",
        "[PAD]",
        "[UNK]",
        "[MASK]",
    )
    encoded = tokenizer(texts, padding=True)
    assert set(encoded) == {"input_ids", "attention_mask"}
    ids = [
        i
        for row, mask in zip(encoded["input_ids"], encoded["attention_mask"], strict=True)
        for i, m in zip(row, mask, strict=True)
        if m
    ]
    assert ids.count(tokenizer.cls_token_id) == ids.count(tokenizer.sep_token_id) == len(texts)
    assert ids.count(tokenizer.unk_token_id) < len(ids) / 50
    assert (
        encoder.prefix == ""
        and next(model.parameters()).dtype == torch.float32
        and getattr(model, "pooler", None) is None
    )
    long, short = "오늘은 친구와 만나서 밥을 먹고 노래를 들으며 아주 오래 걸었다 " * 20, "짧다"
    together = embeddings.embed(encoder, [short, long], max_length=4096)
    assert np.isfinite(together).all() and np.allclose(
        together[0], embeddings.embed(encoder, [short])[0], atol=1e-5
    )
    weights = load_file(published[kind] / "model.safetensors")
    embedding = next(
        tensor
        for name, tensor in weights.items()
        if name.endswith(("word_embeddings.weight", "tok_embeddings.weight"))
    )
    assert torch.equal(model.get_input_embeddings().weight, embedding.float())


def test_roberta_s_positions_begin_after_its_padding(published):
    encoder = encoders.load(str(published["klue_roberta"]))
    assert (encoder.tokenizer.cls_token_id, encoder.tokenizer.pad_token_id) == (0, 1)
    assert encoder.tokenizer.model_max_length == SIZE["max_position_embeddings"] - 2
    assert (
        encoders.load(str(published["kcbert"])).tokenizer.model_max_length
        == SIZE["max_position_embeddings"]
    )
    inputs = encoder.tokenizer("가 " * 99, truncation=True, return_tensors="pt")
    assert (
        inputs["input_ids"].shape[1] == 46
        and encoder.model(**inputs).last_hidden_state.isfinite().all()
    )


def test_a_byte_level_tokenizer_is_not_taken_for_word_pieces(published, texts):
    folder = published["kcelectra_2023"]
    as_filed = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert encoders.load(str(folder)).tokenizer(texts)["input_ids"] == [
        e.ids for e in as_filed.encode_batch(texts)
    ]


def test_flash_attention_that_a_config_asks_for_is_not_needed(published):
    assert encoders.load(str(published["ax_encoder"])).model.config._attn_implementation in (
        "sdpa",
        "eager",
    )


@pytest.mark.parametrize(
    "name, prefix", [("my-e5-small", bundled_e5.E5_PREFIX), ("kcbert-base5", "")]
)
def test_only_e5_gets_its_prefix(published, tmp_path, name, prefix):
    (tmp_path / name).symlink_to(published["kcbert"])
    encoder = encoders.load(str(tmp_path / name))
    assert encoder.prefix == encoder.model.config.text_prefix == prefix


# SentencePiece ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["UNIGRAM", "BPE"])
def test_sentencepiece_keeps_its_order_folds_and_spells(texts, kind, tmp_path):
    pieces = _sentence_pieces(tmp_path / "kobert.spiece", texts, kind)
    tokenizer = encoders._sentencepiece(tmp_path / "kobert.spiece")
    assert [tokenizer.id_to_token(i) for i in range(len(pieces))] == pieces
    encoded = tokenizer.encode("  시속   ２\u03010으로 ")
    assert (encoded.ids[0], encoded.ids[-1]) == (2, 3)
    assert "".join(encoded.tokens[1:-1]) == "▁시속▁20으로"
    assert len(tokenizer.encode(texts[0]).tokens) < len(texts[0]) + 2, "syllables are merged"


def test_a_vocabulary_beside_the_model_gives_the_ids(texts, tmp_path):
    pieces = _sentence_pieces(tmp_path / "a.model", texts)
    turned = [*pieces[:5], *pieces[:4:-1]]
    before = encoders._sentencepiece(tmp_path / "a.model").encode(texts[0])
    (tmp_path / "vocab.txt").write_text("\n".join(turned) + "\n", encoding="utf-8")
    after = encoders._sentencepiece(tmp_path / "a.model").encode(texts[0])
    assert (
        after.tokens == before.tokens
        and after.ids == [turned.index(t) for t in after.tokens] != before.ids
    )


@pytest.mark.parametrize("spoil", ["truncate", "rename"])
def test_a_spoiled_sentencepiece_model_is_named(published, texts, tmp_path, spoil):
    for file in published["kobert"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    file = tmp_path / "tokenizer_78b3253a26.model"
    whole = file.read_bytes()
    file.write_bytes(
        whole[: len(whole) // 2 + 1] if spoil == "truncate" else whole.replace(b"[MASK]", b"[MUSK]")
    )
    with pytest.raises(CorruptData, match=f"{tmp_path.name}' cannot be read"):
        encoders.load(str(tmp_path))


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize("model_type, error", [("bert", None), ("strange", BadInput)])
def test_code_of_a_checkpoint_runs_only_when_trusted(bert, model_type, error):
    (bert / "modeling.py").write_text(RAN + TRUSTED)
    _json(bert / "tokenizer_config.json", tokenizer_class="BertTokenizer")
    _edit(
        bert,
        model_type=model_type,
        auto_map={"AutoConfig": "modeling.Config", "AutoModel": "modeling.Model"},
    )
    if error:
        with pytest.raises(
            error, match="code of its own; read that code and pass trust_remote_code=True"
        ):
            encoders.load(str(bert))
    else:
        assert type(encoders.load(str(bert)).model) is transformers.BertModel
    assert not [*bert.rglob("ran")]
    encoders.load(str(bert), trust_remote_code=True)
    assert [*bert.rglob("ran")], "the file would have told"


def test_a_tokenizer_s_code_is_not_run(published, tmp_path):
    encoders.load(str(published["kobert"]))
    assert not [*published["kobert"].rglob("ran"), *tmp_path.rglob("ran")]


class _Malicious:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (Path.touch, (self.marker,))


def test_pickled_weights_are_never_opened(bert):
    (bert / "model.safetensors").unlink()
    marker = bert / "unpickled"
    (bert / "pytorch_model.bin").write_bytes(pickle.dumps(_Malicious(marker)))
    with pytest.raises(
        MissingData,
        match=r"has no safetensors; pickled weights .* are never read: convert them once",
    ):
        encoders.load(str(bert))
    assert not marker.exists()
    pickle.loads((bert / "pytorch_model.bin").read_bytes())
    assert marker.exists(), "the pickle would have told"


def test_safetensors_are_taken_where_a_pickle_lies_beside_them(bert):
    (bert / "pytorch_model.bin").write_bytes(pickle.dumps(_Malicious(bert / "unpickled")))
    encoders.load(str(bert))
    assert not (bert / "unpickled").exists()


@pytest.mark.parametrize(
    "part, file",
    [
        ("config.json", "config.json"),
        ("safetensors", "model.safetensors"),
        ("tokenizer", "vocab.txt"),
    ],
)
def test_what_a_folder_lacks_is_named(bert, part, file):
    (bert / file).unlink()
    with pytest.raises(MissingData, match=f"{bert.name}' has no {part}; "):
        encoders.load(str(bert))


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_a_truncated_file_is_named(bert, file):
    whole = (bert / file).read_bytes()
    (bert / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        CorruptData,
        match=rf"{bert.name}' cannot be read \(\w+\); .* delete the folder and fetch or save "
        rf"it again",
    ):
        encoders.load(str(bert))


@pytest.mark.parametrize("damage", [lambda whole: whole[:5000], lambda _: b"{}"])
def test_a_damaged_tokenizer_is_named(published, tmp_path, damage):
    for file in published["ax_encoder"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "tokenizer.json").write_bytes(damage((tmp_path / "tokenizer.json").read_bytes()))
    with pytest.raises(CorruptData, match=f"{tmp_path.name}' cannot be read"):
        encoders.load(str(tmp_path))


def test_a_head_for_other_labels_does_not_matter(bert):
    config = transformers.BertConfig.from_pretrained(bert, num_labels=44)
    model = transformers.BertForSequenceClassification(config)
    model.save_pretrained(bert)
    loaded = encoders.load(str(bert)).model
    assert torch.equal(
        loaded.encoder.layer[1].output.dense.weight, model.bert.encoder.layer[1].output.dense.weight
    )


@pytest.mark.parametrize("keep", ["not layer.1.", "nothing"])
def test_no_weight_stays_random(bert, keep):
    weights = load_file(bert / "model.safetensors")
    kept = (
        {k: v for k, v in weights.items() if ".layer.1." not in k}
        if keep == "not layer.1."
        else {"other": torch.zeros(1)}
    )
    save_file(kept, bert / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        CorruptData,
        match=rf"The weights of '.*{bert.name}' lack \d+ tensors of its architecture \(bert: ",
    ):
        encoders.load(str(bert))


def test_weights_of_another_size_or_kind_are_refused(bert, published):
    _edit(bert, hidden_size=64)
    with pytest.raises(CorruptData, match="cannot be read"):
        encoders.load(str(bert))
    (bert / "config.json").write_bytes((published["klue_roberta"] / "config.json").read_bytes())
    with pytest.raises(CorruptData, match="lack"):
        encoders.load(str(bert))


def test_a_tokenizer_with_more_pieces_than_vectors_is_refused(bert):
    with (bert / "vocab.txt").open("a", encoding="utf-8") as file:
        file.write("".join(f"덤{i}\n" for i in range(9)))
    with pytest.raises(CorruptData, match="does not fit its weights"):
        encoders.load(str(bert))


@pytest.mark.parametrize("name", ["klue/no-such-encoder", "/no/such/folder", "no such name"])
def test_a_name_that_cannot_be_reached(name):
    with pytest.raises(
        MissingData,
        match=rf"'{name}' cannot be loaded \(\w+\); check the name and the network, .* or use "
        rf"{bundled_e5.BUNDLED}",
    ):
        encoders.load(name)


def test_the_hub_is_asked_for_safe_files_of_one_revision(monkeypatch, published):
    asked = []
    monkeypatch.setattr(
        encoders,
        "snapshot_download",
        lambda name, **options: asked.append((name, options)) or str(published["kcelectra"]),
    )
    candidate = encoders.CANDIDATES["kcelectra"]
    encoder = encoders.load(candidate.name, revision=candidate.revision)
    encoders.load(candidate.name, trust_remote_code=True)
    assert (
        encoder.name == asked[0][0] == "beomi/KcELECTRA-base" and asked[0][1]["revision"] == "v2021"
    )
    assert not {"*.bin", "*.py", "*.pt", "*.pkl"} & set(asked[0][1]["allow_patterns"])
    assert "*.py" in asked[1][1]["allow_patterns"]


# The comparison -----------------------------------------------------------------------------------


def test_candidates_cover_what_2022_published():
    published = json.loads(
        (ROOT / "data/reference/published_2022.json").read_text(encoding="utf-8")
    )["model_scores"]
    assert [*encoders.CANDIDATES] == [
        "kcbert",
        "kcelectra",
        "kcelectra_2022",
        "klue_roberta_large",
        "klue_roberta_base",
        "kobert",
        "ax_encoder",
    ]
    assert {key for key, c in encoders.CANDIDATES.items() if c.used_2022} == {
        name.lower().replace("-", "_") for name in published
    }


def test_parameters_are_counted(published):
    model = encoders.load(str(published["kcbert"])).model
    counts = encoders.parameter_count(model)
    assert counts["all"] == counts["trainable"] == sum(p.numel() for p in model.parameters())
    finetuning.freeze(model, 1)
    embeddings, layer = (
        sum(p.numel() for p in m.parameters()) for m in (model.embeddings, model.encoder.layer[0])
    )
    assert encoders.parameter_count(model) == {
        "all": counts["all"],
        "trainable": counts["all"] - embeddings - layer,
    }
