import json
import shutil
import socket
from types import SimpleNamespace
from unittest.mock import create_autospec

import huggingface_hub
import numpy as np
import pytest
import torch
import yaml
from huggingface_hub.errors import HfHubHTTPError, HTTPError
from test_checkpoints import kcbert

from wyf_utils.core import emotions
from wyf_utils.core.errors import BadInput, MissingData, Unreachable
from wyf_utils.core.files import read_json, write_json
from wyf_utils.core.paths import cache_folder
from wyf_utils.study import hub as hub_module
from wyf_utils.study import model_card, trained_models
from wyf_utils.text import classifier, finetuning
from wyf_utils.text.bundled_e5 import BUNDLED

RECIPE = {"epochs": 2, "batch_size": 8, "frozen_layers": 1}


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WYF_CACHE", str(tmp_path_factory.mktemp("own_cache")))
        yield


@pytest.fixture(scope="module")
def entries(tmp_path_factory, sample_sentences):
    """Two trainings of a tiny encoder in a local folder."""
    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    kcbert(folder, sample_sentences["text"].tolist()[:200])
    few = sample_sentences.groupby("emotion").head(8).reset_index(drop=True)
    return [
        finetuning.trained(few, few, finetuning.Recipe(encoder=str(folder), **RECIPE), seed)
        for seed in (0, 1)
    ]


@pytest.fixture
def model(entries, tmp_path):
    """A copy of the first that a test may change."""
    folder = tmp_path / "model"
    folder.mkdir()
    for file in entries[0].path.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture
def hub(monkeypatch):
    """A hub that takes everything, in the place of the client."""
    hub = create_autospec(huggingface_hub.HfApi, instance=True)
    hub.create_repo.return_value = "https://hub.test/me/feelings"
    hub.model_info.return_value = SimpleNamespace(private=True)
    hub.list_repo_refs.return_value = SimpleNamespace(tags=[SimpleNamespace(name="v0")])
    hub.create_commit.return_value = SimpleNamespace(oid="abc")
    monkeypatch.setenv("HF_TOKEN", "secret-token")
    monkeypatch.setattr(hub_module, "HfApi", lambda: hub)
    return hub


def change(model, **changes):
    card = read_json(model / "recipe.json")
    write_json(model / "recipe.json", card | {"recipe": card["recipe"] | changes})


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_models_are_listed_with_their_scores(entries):
    table = trained_models.models().set_index("key")
    assert set(table.index) == {entry.key for entry in entries}
    assert (
        table.loc[entries[1].key, "seed"] == 1
        and table.loc[entries[1].key, "made"] == entries[1].made
    )
    scores = [
        row["eval_macro_f1"]
        for row in read_json(entries[1].path / "recipe.json")["curve"]
        if "eval_macro_f1" in row
    ]
    assert len(scores) == 2 and table.loc[entries[1].key, "dev macro-F1"] == pytest.approx(
        max(scores), abs=6e-4
    )


def test_a_model_is_found_by_folder_or_by_the_beginning_of_its_key(entries, tmp_path, monkeypatch):
    assert (
        trained_models.find(str(entries[0].path))
        == trained_models.find(entries[0].key)
        == trained_models.find(entries[0].key[:8])
        == entries[0].path
    )
    with pytest.raises(MissingData, match="no trained model 'never'; `wyf models`"):
        trained_models.find("never")
    for key in ("aa1", "aa2"):
        (tmp_path / "classifier" / key).mkdir(parents=True)
    monkeypatch.setenv("WYF_CACHE", str(tmp_path))
    with pytest.raises(BadInput, match=r"'aa' begins several keys \(aa1, aa2\)"):
        trained_models.find("aa")


def test_an_empty_cache_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("WYF_CACHE", str(tmp_path))
    with pytest.raises(MissingData, match="run `wyf train` or `make run`"):
        trained_models.models()


def test_a_model_of_older_code_is_left_out_of_the_list(entries, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("WYF_CACHE", str(tmp_path))
    for entry in entries:
        shutil.copytree(entry.path, tmp_path / "classifier" / entry.key)
    older = tmp_path / "classifier" / entries[0].key / "recipe.json"
    write_json(
        older, {name: value for name, value in read_json(older).items() if name != "temperature"}
    )
    assert trained_models.models()["key"].tolist() == [entries[1].key]
    assert "older code, which nothing reads any more, are left out: 1;" in caplog.text


def test_the_card_tells_what_is_known_and_what_is_not(entries):
    card = model_card.model_card(entries[0].path)
    _, header, body = card.split("---\n", 2)
    assert yaml.safe_load(header) | {"tags": []} == {
        "language": "ko",
        "license": "unknown",
        "library_name": "wyf",
        "pipeline_tag": "text-classification",
        "tags": [],
    }
    places = [body.index(f"| {e.id} | {e.ko} | {e.en} |") for e in emotions.EMOTIONS]
    assert places == sorted(places)
    known = json.loads((entries[0].path / "entry.json").read_text(encoding="utf-8"))
    assert "from wyf_utils.text import classifier\n" in body
    assert (
        known["data"] in body
        and f"| made | {known['made']} |" in body
        and "| batch_size | 8 |" in body
        and "| seed | 0 |" in body
    )
    kept = trained_models.dev_scores(entries[0].path)
    assert (
        f"| kept | {kept['epoch']:g} | {kept['eval_loss']:.3f} | {kept['eval_macro_f1']:.3f} |"
        in body
    )
    calibration = read_json(entries[0].path / "recipe.json")
    assert (
        f"temperature of {calibration['temperature']:.3f}" in body
        and f"confidence of {calibration['unsure_below']:.3f}" in body
    )
    for what in ("| Profile |", "| Corpus |", "| Licence and source |"):
        assert f"{what} not known |" in body
    assert (
        "What it was trained on is not known; perhaps" in body
        and 'snapshot_download("OWNER/NAME")' in body
    )


@pytest.mark.parametrize(
    ("about", "says"),
    [
        (
            {"profile": "sample", "corpus": "sample"},
            (
                "`sample`, sample data written",
                "`sample`",
                "MIT, in the repository",
                "prove nothing about people",
            ),
        ),
        (
            {"profile": "open", "corpus": "kote"},
            (
                "`open`, public corpora",
                "searle-j/KOTE (MIT): Jeon, Lee and Kim (2022)",
                "style of its corpus",
            ),
        ),
        (
            {"profile": "wyf", "corpus": "aihub"},
            ("`wyf`, the sources of 2022", "AI Hub, whose terms", "style of its corpus"),
        ),
    ],
)
def test_the_card_tells_the_data_s_terms_and_limits(model, about, says):
    (model / "entry.json").write_text(
        json.dumps(read_json(model / "entry.json") | {"about": about})
    )
    card = model_card.model_card(model)
    assert (
        all(words in card for words in says)
        and "not known" not in card.split("## Data")[1].split("## Recipe")[0]
    )
    assert ("about people" in card) == (about["profile"] == "sample")


@pytest.mark.parametrize(
    ("encoder", "base", "tag", "says"),
    [
        (BUNDLED, "intfloat/multilingual-e5-small", "mit", "Base encoder: MIT"),
        ("dapt/stage", "intfloat/multilingual-e5-small", "mit", "after continued pre-training"),
        ("dapt/gone", None, "unknown", "Base encoder: not known"),
        ("beomi/kcbert-base", "beomi/kcbert-base", "apache-2.0", "Base encoder: Apache-2.0"),
        ("klue/roberta-base", "klue/roberta-base", "unknown", "Base encoder: see its page"),
        ("someone/encoder", "someone/encoder", "unknown", "Base encoder: not known"),
        ("/data/jane/encoder", None, "unknown", "Base encoder: not known"),
    ],
)
def test_the_base_encoder_and_its_licence_are_named(model, encoder, base, tag, says):
    for key, parameters in (("base", {"encoder": BUNDLED}), ("stage", {"before": "base"})):
        write_json(cache_folder() / "dapt" / key / "entry.json", {"parameters": parameters})
    change(model, encoder=encoder)
    card = model_card.model_card(model)
    header = yaml.safe_load(card.split("---\n")[1])
    assert (
        header.get("base_model") == base
        and header["license"] == tag
        and says in card
        and "jane" not in card
    )


def test_a_model_of_older_code_is_refused(model):
    card = read_json(model / "recipe.json")
    del card["temperature"]
    write_json(model / "recipe.json", card)
    with pytest.raises(MissingData, match="made by older code; run `make run`"):
        model_card.model_card(model)


def test_a_dry_run_lists_all_that_would_go_and_touches_no_network(model, hub, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(socket, "socket", None)
    said = hub_module.publish(model, "me/feelings", revision="v1", dry_run=True)
    listed = said.split("\n\n")[0].splitlines()
    assert listed[0] == "would be sent to me/feelings (private, tag v1)"
    assert [line.split()[0] for line in listed[1:]] == ["README.md", *hub_module.FILES]
    assert f" {(model / 'model.safetensors').stat().st_size:,} bytes" in listed[3]
    assert 'snapshot_download("me/feelings", revision="v1")' in said and not hub.method_calls


def test_what_is_sent_is_a_whole_model_without_paths_of_this_machine(model, hub, tmp_path):
    (model / "notes.txt").write_text("private")
    config = read_json(model / "config.json")
    write_json(
        model / "config.json",
        config
        | {"_name_or_path": "/data/jane/encoder", "auto_map": {"AutoModel": "C:\\jane\\code--a.B"}},
    )
    before = contents(model)
    assert hub_module.publish(model, "me/feelings", revision="v1").startswith(
        "published at https://hub.test/me/feelings (private, tag v1)\n  README.md"
    )
    hub.create_repo.assert_called_once_with("me/feelings", private=True, exist_ok=True)
    (repo, operations), _ = hub.create_commit.call_args
    assert repo == "me/feelings" and [o.path_in_repo for o in operations] == [
        "README.md",
        *hub_module.FILES,
    ]
    hub.create_tag.assert_called_once_with("me/feelings", tag="v1", revision="abc")
    assert contents(model) == before
    received = tmp_path / "received"
    received.mkdir()
    for operation in operations:
        with operation.as_file() as file:
            (received / operation.path_in_repo).write_bytes(file.read())
    texts = ["눈물이 멈추지 않아", "합격했다 신난다"]
    assert np.array_equal(
        classifier.load(received).predict(texts), classifier.load(model).predict(texts)
    )
    sent = b"".join(contents(received).values())
    for secret in (str(tmp_path), "tiny", "jane", "private\n", "secret-token"):
        assert secret.encode() not in sent
    assert "not known (a local folder)" in model_card.model_card(received), (
        "what came back can be described again"
    )


def test_without_a_tag_and_for_everyone(model, hub):
    hub.model_info.return_value.private = False
    assert "me/feelings (public)\n" in hub_module.publish(model, "me/feelings", private=False)
    assert hub.create_repo.call_args.kwargs["private"] is False and not hub.create_tag.called


def refused(status):
    return HfHubHTTPError(
        "refused", response=SimpleNamespace(status_code=status, headers={}, request=None)
    )


@pytest.mark.parametrize("step", ["create_repo", "create_commit", "create_tag"])
@pytest.mark.parametrize(
    ("failure", "error", "says"),
    [
        (refused(401), BadInput, r"does not let this token write to me/feelings \(HTTP 401\)"),
        (refused(403), BadInput, r"does not let this token write to me/feelings \(HTTP 403\)"),
        (refused(500), Unreachable, r"could not take me/feelings \(HTTP 500\); try again later"),
        (HTTPError("no route"), Unreachable, r"cannot be reached \(HTTPError\)"),
        (RuntimeError("upload broke off"), Unreachable, r"cannot be reached \(RuntimeError\)"),
    ],
)
def test_a_failed_upload_is_one_sentence_and_leaves_the_model_as_it_was(
    model, hub, step, failure, error, says
):
    getattr(hub, step).side_effect = failure
    before = contents(model)
    with pytest.raises(error, match=says) as raised:
        hub_module.publish(model, "me/feelings", revision="v1")
    assert contents(model) == before and "secret-token" not in str(raised.value)


@pytest.mark.parametrize(
    ("revision", "private", "says"),
    [("", False, "is public already; pass --public"), ("v0", True, "has a tag 'v0' already")],
)
def test_nothing_is_sent_to_where_it_should_not_go(model, hub, revision, private, says):
    hub.model_info.return_value.private = private
    with pytest.raises(BadInput, match=says):
        hub_module.publish(model, "me/feelings", revision=revision)
    assert not hub.create_commit.called and not hub.create_tag.called


@pytest.mark.parametrize(
    "repo", ["feelings", "", "/feelings", "me/feel/ings", "me/feel ings", "나/느낌", "me/a--b"]
)
def test_a_repository_has_an_owner_and_a_name(model, hub, repo):
    with pytest.raises(BadInput, match="is no name of a repository; write OWNER/NAME"):
        hub_module.publish(model, repo)
    assert not hub.method_calls


def test_other_bad_requests(model, hub, tmp_path, monkeypatch):
    with pytest.raises(BadInput, match="'v 1' is no name of a tag"):
        hub_module.publish(model, "me/feelings", revision="v 1")
    with pytest.raises(
        MissingData,
        match="is no trained model: it lacks config.json, model.safetensors, recipe.json",
    ):
        hub_module.publish(tmp_path, "me/feelings")
    (model / "tokenizer.json").unlink()
    with pytest.raises(MissingData, match="it lacks tokenizer.json;"):
        hub_module.publish(model, "me/feelings", dry_run=True)
    assert not hub.method_calls
