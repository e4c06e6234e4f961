import numpy as np
import pytest
import torch

from wyf_utils import cache, classifier, dapt, encoders
from wyf_utils.errors import BadInput


def test_shared_words_cut_every_domain_to_the_smallest():
    domains = {"a": ["사과 배 포도 수박 딸기"], "b": ["사과 배 기차"], "c": ["바다 하늘 구름"]}
    shares, vocabularies = dapt.shared_words(domains)
    assert {len(v) for v in vocabularies.values()} == {3}
    assert np.allclose(np.diag(shares), 100) and np.allclose(shares, shares.T)
    assert shares.loc["a", "b"] > 0 == shares.loc["a", "c"]


def test_a_planted_held_out_sentence_is_removed():
    held_out = ["오늘 면접에서 떨어져서 집에 오는 길에 한참을 울었다", "고양이가 창가에서 잔다"]
    corpus = ["전혀 다른 이야기를 하고 있는 문장이다", "오늘 면접에서 떨어져서 집에 오는 길에 한참을 울었다ㅠ", "고양이가 창가에서 잔다.", "고양이는 밤에 운다"]
    kept, removed = dapt.without_held_out(corpus, held_out)
    assert kept == [corpus[0], corpus[3]] and removed == 2


@pytest.fixture(scope="module")
def adapted(sample_sentences):
    texts = sample_sentences["text"].tolist()
    return texts, dapt.pretrained(texts[:96], texts[96:128], epochs=2.0, seed=0)


def test_pretraining_moves_the_whole_encoder_and_lowers_the_loss(adapted):
    texts, entry = adapted
    before = encoders.load(encoders.BUNDLED, texts[:96]).model.state_dict()
    after = encoders.load(f"dapt/{entry.key}").model.state_dict()
    assert before.keys() == after.keys()
    moved = [name for name in before if not torch.equal(before[name], after[name])]
    assert {"embeddings.word_embeddings.weight", "encoder.layer.0.output.dense.weight", "encoder.layer.11.output.dense.weight"} <= set(moved)
    loss = dapt.losses(entry)
    assert loss["after"] < loss["before"]


def test_an_adapted_encoder_keeps_its_prefix_and_can_be_fine_tuned(adapted, sample_sentences, tmp_path):
    encoder = encoders.load(f"dapt/{adapted[1].key}")
    assert encoder.prefix == encoders.E5_PREFIX
    few = sample_sentences.groupby("emotion").head(8)
    classifier.fine_tune(few, few, classifier.Recipe(encoder=f"dapt/{adapted[1].key}", epochs=1, frozen_layers=11), 0, tmp_path)
    assert classifier.load(tmp_path).predict(["오늘은 쉬는 날이다"]).shape == (1, 6)


def test_a_corpus_shorter_than_a_batch_is_named(sample_sentences):
    made = len(cache.USED)
    with pytest.raises(BadInput, match="has 3 texts, fewer than one batch of 32"):
        dapt.pretrained(["가", "나", "다"], ["라"], epochs=1.0, seed=0)
    assert len(cache.USED) == made
