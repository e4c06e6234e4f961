"""The classifier through ONNX Runtime answers as torch does."""

import numpy as np
import pytest
import torch
from test_checkpoints import kcbert

from wyf_utils.core.errors import BadInput, CorruptData, DiskFull, MissingData
from wyf_utils.data import splits
from wyf_utils.text import classifier, finetuning, onnx_export, onnx_model


@pytest.fixture(scope="module")
def model(sample_sentences):
    """A model trained for one short epoch on real sample sentences."""
    few = sample_sentences.groupby("emotion").head(40)
    parts = splits.split(few, 0)
    return finetuning.trained(
        parts["train"], parts["dev"], finetuning.Recipe(epochs=2, frozen_layers=10), 3
    ).path


@pytest.fixture
def tiny(tmp_path, sample_sentences):
    """A trained model of two small layers, whose export takes no time."""
    torch.manual_seed(0)
    few = sample_sentences.groupby("emotion").head(8)
    (tmp_path / "encoder").mkdir()
    kcbert(tmp_path / "encoder", few["text"].tolist())
    recipe = finetuning.Recipe(encoder=str(tmp_path / "encoder"), epochs=1, frozen_layers=0)
    finetuning.fine_tune(few, few, recipe, 0, tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.fixture(scope="module")
def texts(sample_sentences):
    return sample_sentences["text"].sample(300, random_state=1).tolist()


def test_eight_bits_give_the_same_answers(model, texts):
    reference, fast = (
        classifier.load(model).predict(texts),
        onnx_model.load_onnx(model).predict(texts),
    )
    ranked = np.sort(reference, axis=1)
    clear = ranked[:, -1] - ranked[:, -2] > 0.05  # this little model is often of two minds
    assert clear.mean() > 0.2 and (reference.argmax(1) == fast.argmax(1))[clear].mean() >= 0.98
    assert np.abs(reference - fast).max() < 0.1 and np.abs(reference - fast).mean() < 0.005
    assert np.allclose(fast.sum(1), 1, atol=1e-5)
    assert len(set(reference.argmax(1))) > 1, (
        "a model that always answers the same would prove nothing"
    )


def test_padding_and_company_change_nothing(model, texts):
    fast = onnx_model.load_onnx(model)
    together = fast.predict(texts[:40])
    assert np.allclose(np.concatenate([fast.predict([t]) for t in texts[:40]]), together, atol=1e-4)


def test_weights_fit_the_rounded_inputs_they_get():
    random = np.random.default_rng(0)
    sizes = np.geomspace(
        1, 300, 32, dtype=np.float32
    )  # one channel is as large as all others together, as in E5
    x = (random.normal(size=(2000, 8)) @ random.normal(size=(8, 32)) * sizes + 3).astype(np.float32)
    weight, bias = (
        (random.normal(size=(32, 16)) / sizes[:, None]).astype(np.float32),
        random.normal(size=16).astype(np.float32),
    )
    by = onnx_export._product(x, weight, bias)
    whole = np.clip(np.rint((x - by.centre) * by.stretch / by.step) + by.zero, 0, 255) - by.zero
    found, true = (
        whole @ by.whole.astype(np.float32) * by.step * by.scale + by.bias,
        x @ weight + bias,
    )
    plain, scale = np.rint(x / (np.ptp(x) / 255)) * (np.ptp(x) / 255), np.abs(weight).max(0) / 127
    usual = plain @ (np.rint(weight / scale) * scale) + bias
    assert (
        np.abs(found - true).mean() < 0.1 * np.abs(usual - true).mean()
        and np.abs((found - true).mean(0)).max() < 0.01
    )


def test_exported_once(model):
    first = onnx_model.exported(model)
    assert onnx_model.exported(model).reused and onnx_model.exported(model).path == first.path
    assert (first.path / "model.onnx").stat().st_size < 0.5 * (
        model / "model.safetensors"
    ).stat().st_size


def test_an_interrupted_export_leaves_nothing(tiny, monkeypatch, tmp_path):
    monkeypatch.setenv("WYF_CACHE", str(cache := tmp_path / "cache"))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(onnx_export.onnx, "save", full)
    with pytest.raises(DiskFull, match="No space left"):
        onnx_model.load_onnx(tiny)
    left = [p for p in cache.rglob("*") if p.is_file() and p.suffix != ".lock"]
    assert not left


@pytest.mark.parametrize("load", [classifier.load, onnx_model.load_onnx])
def test_bad_rows_are_marked_and_the_rest_returned(model, load):
    loaded = load(model)
    good = ["오늘 정말 신난다", "ㅋㅋㅋ 웃겨 haha 123", "너무 슬퍼 " * 500]
    mixed = loaded.predict([good[0], "", None, float("nan"), "🎉🎉", good[1], "...", good[2]])
    assert np.isnan(mixed[[1, 2, 3, 4, 6]]).all()
    assert np.allclose(mixed[[0, 5, 7]], loaded.predict(good), atol=0.02)
    with pytest.raises(BadInput, match="no text to classify"):
        loaded.predict(["", None])


def test_damaged_and_absent_models_are_named(model, tmp_path):
    with pytest.raises(MissingData, match="no trained model"):
        onnx_model.load_onnx(tmp_path)
    for file in model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"short")
    with pytest.raises(CorruptData, match="are damaged"):
        onnx_model.load_onnx(tmp_path)
