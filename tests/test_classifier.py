import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from test_checkpoints import kcbert
from transformers import BertConfig, BertModel

from wyf_utils.core import artifacts, emotions, metrics, vectors
from wyf_utils.core.errors import BadInput, CorruptData, MissingData
from wyf_utils.data import splits
from wyf_utils.text import (
    bundled_e5,
    classifier,
    emotion_model,
    encoders,
    finetuning,
    linear_models,
    ngrams,
    prediction,
    training,
)

RECIPE = finetuning.Recipe(epochs=4, frozen_layers=10, learning_rate=2e-4, patience=4)


@pytest.fixture(scope="module")
def parts():
    """Three clearly different kinds of sentence, so that a small run can learn them."""
    kinds = {
        0: (
            "합격했다 신난다",
            "생일 선물 받아서 행복해",
            "드디어 이겼다 최고야",
            "너무 기뻐서 소리 질렀어",
        ),
        3: (
            "눈물이 멈추지 않아",
            "할머니가 돌아가셨다",
            "이별하고 매일 운다",
            "너무 외롭고 슬프다",
        ),
        4: (
            "진짜 열받네 짜증 나",
            "새치기하는 인간 혐오스럽다",
            "거짓말에 화가 치민다",
            "사과도 없이 무시해서 분노했다",
        ),
    }
    rows = [(f"{text} {i}", e) for e, texts in kinds.items() for i in range(12) for text in texts]
    table = pd.DataFrame(rows, columns=["text", "emotion"]).assign(source="made")
    table[list(emotions.EN)] = np.eye(6)[table["emotion"]]
    return splits.split(table, 0)


@pytest.fixture(scope="module")
def entry(parts):
    return finetuning.trained(parts["train"], parts["dev"], RECIPE, 0)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, parts):
    """Recipe of a tiny encoder, for tests of how it is trained and not of what it learns."""
    torch.manual_seed(0)
    kcbert(folder := tmp_path_factory.mktemp("tiny"), parts["train"]["text"].tolist())
    return finetuning.Recipe(encoder=str(folder), epochs=1, frozen_layers=0)


def test_fine_tuning_learns_and_beats_the_majority(parts, entry):
    true = parts["test"]["emotion"].to_numpy()
    probabilities = classifier.load(entry.path).predict(parts["test"]["text"].tolist())
    assert probabilities.shape == (len(true), 6) and np.allclose(probabilities.sum(1), 1, atol=1e-5)
    assert (
        metrics.macro_f1(true, probabilities.argmax(1))
        > 0.8
        > metrics.macro_f1(true, linear_models.majority(parts["train"], len(true)))
    )


def test_training_is_seeded_and_cached(parts, entry):
    again = finetuning.trained(parts["train"], parts["dev"], RECIPE, 0)
    assert again.reused and again.path == entry.path
    other = finetuning.trained(parts["train"], parts["dev"], RECIPE, 1)
    assert not other.reused and other.key != entry.key
    assert entry in artifacts.USED


def test_prediction_does_not_depend_on_order_or_company(parts, entry):
    model = classifier.load(entry.path)
    texts = [
        "눈물이 나",
        "합격했다 정말 신난다 오늘은 온 가족이 모여서 잔치를 하기로 했다",
        "짜증 나",
    ]
    together = model.predict(texts)
    assert np.allclose(model.predict(texts[::-1])[::-1], together, atol=1e-5)
    assert np.allclose(np.concatenate([model.predict([t]) for t in texts]), together, atol=1e-5)


def test_a_long_text_is_read_to_its_end(entry):
    model = classifier.load(entry.path)
    sad, glad = (
        "눈물이 멈추지 않아 이별하고 매일 운다 " * 8,
        "합격했다 신난다 너무 기뻐서 소리 질렀어 " * 8,
    )
    both = model.predict([sad + glad, sad, glad])
    assert both[1].argmax() == 3 and both[2].argmax() == 0
    assert both[0, 0] > both[1, 0] + 0.04, "the end of the text counts"
    assert np.allclose(both.sum(1), 1, atol=1e-5)


class _Recorder(prediction.Classifier):
    """A classifier whose probabilities depend on the token ids alone; `model` lists the windows."""

    def logits(self, input_ids, attention_mask):
        for ids, mask in zip(input_ids, attention_mask, strict=True):
            self.model.append(ids[mask == 1].tolist())
        return np.log(self.probabilities(self.model[-len(input_ids) :]))

    @staticmethod
    def probabilities(windows):
        return np.stack([np.eye(6)[sum(ids) % 6] * 0.4 + 0.1 for ids in windows])


@pytest.mark.parametrize("prefix", [bundled_e5.E5_PREFIX, ""])
def test_every_window_has_the_prefix_and_weighs_its_text_tokens(prefix):
    long = "눈물이 멈추지 않아 이별하고 매일 운다 " * 5 + "그래도 합격했다"
    tokenizer = encoders.load(bundled_e5.BUNDLED, [long]).tokenizer
    model = _Recorder([], tokenizer.backend_tokenizer, tokenizer.pad_token_id, prefix, 16)
    answer = model.predict([long])[0]
    start, end = tokenizer(prefix)["input_ids"][:-1], tokenizer.sep_token_id
    windows = model.model
    parts = [ids[len(start) : -1] for ids in windows]
    assert all(ids[: len(start)] == start and ids[-1] == end for ids in windows)
    text = tokenizer(long, add_special_tokens=False)["input_ids"]
    assert sorted(parts) == sorted(
        text[i : i + 15 - len(start)] for i in range(0, len(text), 15 - len(start))
    )
    lengths = [len(part) for part in parts]
    assert len(set(lengths)) == 2, "the last window is shorter"
    assert np.allclose(answer, lengths @ model.probabilities(windows) / sum(lengths), atol=1e-5)


def test_a_text_of_one_window_is_encoded_whole(sample_sentences):
    texts = sample_sentences["text"].head(40).tolist()
    tokenizer = encoders.load(bundled_e5.BUNDLED, texts).tokenizer
    whole = [tokenizer(bundled_e5.E5_PREFIX + text)["input_ids"] for text in texts]
    longest = max(map(len, whole))
    pad, prefix = tokenizer.pad_token_id, bundled_e5.E5_PREFIX
    model = _Recorder([], tokenizer.backend_tokenizer, pad, prefix, longest)
    answers = model.predict(texts)
    assert sorted(model.model) == sorted(whole)
    expected = vectors.apply_temperature(model.probabilities(whole), 1.0)
    assert np.allclose(answers, expected, atol=1e-6)


def test_full_stops_change_no_answer(entry):
    model = classifier.load(entry.path)
    assert np.allclose(*(model.predict([t]) for t in ("눈물이 나. 슬프다.", "눈물이 나 슬프다")))


def test_frozen_layers_stay_and_the_others_move(parts, entry):
    before = encoders.load(bundled_e5.BUNDLED, parts["train"]["text"].tolist()).model.state_dict()
    after = classifier.load(entry.path).model.encoder.state_dict()
    assert torch.equal(
        before["embeddings.word_embeddings.weight"], after["embeddings.word_embeddings.weight"]
    )
    assert torch.equal(
        before["encoder.layer.9.output.dense.weight"], after["encoder.layer.9.output.dense.weight"]
    )
    assert not torch.equal(
        before["encoder.layer.11.output.dense.weight"],
        after["encoder.layer.11.output.dense.weight"],
    )


def test_baselines(parts):
    train, n = parts["train"], 500
    assert set(linear_models.majority(train, n)) == {train["emotion"].mode()[0]}
    drawn = np.bincount(linear_models.shuffled(train, 5000, 0), minlength=6) / 5000
    assert np.allclose(drawn, np.bincount(train["emotion"], minlength=6) / len(train), atol=0.03)
    test = parts["test"]
    assert (
        metrics.macro_f1(
            test["emotion"].to_numpy(),
            ngrams.fit(train, parts["dev"]).predict(test["text"]),
        )
        > 0.8
    )


def test_class_weights_have_mean_one_and_favour_the_rare():
    targets = np.eye(6)[[0] * 90 + [1] * 10]
    weights = vectors.class_weights(targets, 0.5)
    assert weights[1] / weights[0] == pytest.approx(3)
    assert (targets.mean(0) * weights).sum() == pytest.approx(1)
    assert weights[2:].tolist() == [0] * 4


def test_a_damaged_or_absent_model_is_named(tmp_path, entry):
    with pytest.raises(MissingData, match="no trained model"):
        classifier.load(tmp_path)
    for file in entry.path.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(CorruptData, match="are damaged; delete that folder"):
        classifier.load(tmp_path)


def test_bad_requests(parts, entry):
    with pytest.raises(BadInput, match="no text to classify"):
        classifier.load(entry.path).predict([])
    one = parts["train"][parts["train"]["emotion"] == 0]
    with pytest.raises(BadInput, match="a single emotion"):
        finetuning.trained(one, parts["dev"], RECIPE, 5)
    with pytest.raises(BadInput, match="no optimizer 'sgd'"):
        finetuning.trained(parts["train"], parts["dev"], finetuning.Recipe(optimizer="sgd"), 0)


def test_temperature_softens_what_is_too_sure_and_changes_no_answer():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 6, 4000)
    logits = rng.normal(0, 1, (4000, 6)) + 1.5 * np.eye(6)[true]
    honest = np.exp(logits * 1.5) / np.exp(logits * 1.5).sum(1, keepdims=True)
    sure = vectors.apply_temperature(honest, 1 / 3)
    found = prediction.calibrate(sure, true)
    assert found["temperature"] == pytest.approx(3, rel=0.1)
    again = vectors.apply_temperature(sure, found["temperature"])
    assert (again.argmax(1) == honest.argmax(1)).all() and np.allclose(again.sum(1), 1, atol=1e-5)
    low = again.max(1) <= found["unsure_below"]
    right = again.argmax(1) == true
    assert 0 < low.mean() < 0.5 and right[low].mean() < 1 / 3 < right[~low].mean()


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": "adafactor"},
        {"focal": 2.0},
        {"label_smoothing": 0.1},
        {"layer_decay": 0.8},
        {"accumulation": 2},
    ],
)
def test_every_way_to_train_changes_the_model(parts, tiny, change, tmp_path):
    few = parts["train"].groupby("emotion").head(24)
    models = []
    for name, recipe in (("base", tiny), ("changed", dataclasses.replace(tiny, **change))):
        finetuning.fine_tune(few, few, recipe, 0, tmp_path / name)
        models.append(
            classifier.load(tmp_path / name).model.encoder.encoder.layer[0].output.dense.weight
        )
    assert torch.isfinite(models[1]).all() and not torch.equal(*models)


def test_a_training_that_was_stopped_goes_on_from_its_checkpoint(parts, tiny, monkeypatch):
    recipe = dataclasses.replace(tiny, epochs=2, batch_size=16, patience=2)
    few = parts["train"].groupby("emotion").head(16)
    steps = []
    on_step_end = training._Bar.on_step_end

    def stop_in_the_second_epoch(self, args, state, control, **kwargs):
        steps.append(state.global_step)
        if len(steps) == 4:
            raise KeyboardInterrupt
        on_step_end(self, args, state, control, **kwargs)

    monkeypatch.setattr(training._Bar, "on_step_end", stop_in_the_second_epoch)
    with pytest.raises(KeyboardInterrupt):
        finetuning.trained(few, parts["dev"], recipe, 7)
    entry = finetuning.trained(few, parts["dev"], recipe, 7)
    assert steps == [1, 2, 3, 4, 4, 5, 6], "the first epoch is not trained again"
    assert len([row for row in classifier.load(entry.path).curve if "eval_macro_f1" in row]) == 2
    assert not list((artifacts.cache_folder() / "unfinished").glob("classifier-*"))


def test_the_source_s_labels_are_a_second_task_that_is_not_saved(parts, tiny, tmp_path):
    few = (
        parts["train"]
        .groupby("emotion")
        .head(24)
        .assign(labels=lambda t: t["text"].str.split().str[0] + "|" + t["emotion"].astype(str))
    )
    names = finetuning._label_names(few)
    rows = finetuning._rows(encoders.load(bundled_e5.BUNDLED, few["text"].tolist()), few, names, 64)
    told = np.array([row["labels"][6:] for row in rows])
    assert told.shape[1] == len(names) and (told.sum(1) == 2).all()
    assert all(told[i, names.index(str(e))] for i, e in enumerate(few["emotion"]))
    for name, recipe in (("told", tiny), ("plain", dataclasses.replace(tiny, auxiliary=0.0))):
        finetuning.fine_tune(few, few.iloc[:20], recipe, 0, tmp_path / name)
    told, plain = (
        classifier.load(tmp_path / name).model.state_dict() for name in ("told", "plain")
    )
    assert told.keys() == plain.keys()
    assert not torch.equal(
        told["encoder.encoder.layer.1.output.dense.weight"],
        plain["encoder.encoder.layer.1.output.dense.weight"],
    )


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_the_focal_loss_weighs_hard_texts_more(gamma):
    """Lin et al. 2017, eq. 5: -(1 - p) ** gamma * log p for a hard label."""
    config = BertConfig(
        vocab_size=8,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
    )
    model = emotion_model.EmotionModel(BertModel(config, add_pooling_layer=False), focal=gamma)
    model.eval()
    ids = torch.tensor([[1, 2], [3, 4]])
    labels = torch.eye(6)[[0, 4]]
    out = model(ids, torch.ones_like(ids), labels=labels)
    p = out["logits"].softmax(-1)[torch.arange(2), torch.tensor([0, 4])]
    assert torch.isclose(out["loss"], (-((1 - p) ** gamma) * p.log()).mean(), atol=1e-6)
    assert out["loss"] > 0
