import csv
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import test_checkpoints as tiny
import torch
import transformers

from wyf_utils.core import artifacts
from wyf_utils.core.errors import BadInput
from wyf_utils.core.paths import ROOT
from wyf_utils.data import song_files, text_corpora
from wyf_utils.data.cleaning import near_duplicates, without_full_stops
from wyf_utils.study import adaptation, domain_distance
from wyf_utils.text import (
    bundled_e5,
    encoders,
    finetuning,
    masking,
    pretraining,
    pretraining_corpora,
)

SMALL = pretraining.Pretraining(steps=3, head_steps=2, batch_size=4, max_length=48)

# How far apart ------------------------------------------------------------------------------------


def test_shared_words_cut_every_domain_to_the_smallest():
    counts = domain_distance.word_counts(
        {"a": ["사과 배 포도 수박 딸기"], "b": ["사과 배 기차"], "c": ["바다 하늘 구름"]}
    )
    shares, vocabularies = domain_distance.shared_words(counts)
    assert {len(v) for v in vocabularies.values()} == {3}
    assert np.allclose(np.diag(shares), 100) and np.allclose(shares, shares.T)
    assert shares.loc["a", "b"] > 0 == shares.loc["a", "c"]


def test_stop_words_are_no_vocabulary():
    counts = domain_distance.word_counts({"a": ["나는 그리고 오늘은 산에 갔다"]})["a"]
    assert "산" in counts and not {"나", "그리고", "은", "에"} & set(counts)


def test_shared_pieces_leave_the_prefix_out():
    shares, sets = domain_distance.shared_pieces({"a": ["사과"], "b": ["기차"]})
    assert shares.loc["a", "b"] == 0 and not sets["a"] & set(bundled_e5.token_ids([""])[0])


def test_the_venn_of_2022_decides_between_its_two_tables():
    published = song_files.published_2022()["vocabulary_jaccard"]
    assert sum(domain_distance.VENN_2022.values()) == 100
    for pair, notebook in published["notebook"].items():
        derived = domain_distance.venn_jaccard(domain_distance.VENN_2022, *pair.split("-"))
        assert derived == pytest.approx(notebook, abs=0.6) and abs(derived - notebook) < abs(
            derived - published["slide"][pair]
        )


def test_venn_shares_are_of_the_union():
    shares = domain_distance.venn_shares({"a": {1, 2, 3}, "b": {2, 3, 4}, "c": {3, 5}})
    assert shares == {("a",): 20, ("a", "b"): 20, ("a", "b", "c"): 20, ("b",): 20, ("c",): 20}
    assert domain_distance.venn_jaccard(shares, "a", "b") == pytest.approx(50)


@pytest.fixture(scope="module")
def domains():
    return {
        "talk": text_corpora.conversation("sample")["text"].tolist()[:300],
        "unrelated": text_corpora.unrelated("sample")["text"].tolist()[:300],
    }


def test_divergence_stands_above_what_sampling_gives_and_does_not_saturate(domains):
    table = domain_distance.unigram_distance(domains, 0)
    assert np.allclose(table, table.T) and (np.diag(table) > 0).all()
    assert 100 > table.loc["talk", "unrelated"] > np.diag(table).max() + 3
    apart = domain_distance.unigram_distance(
        {"a": ["사과 배 사과 배"] * 9, "b": ["기차 바다 기차 바다"] * 9}, 0
    )
    assert apart.loc["a", "b"] == pytest.approx(100)
    assert (domain_distance.unigram_distance(domains, 0) == table).all(axis=None)


def test_a_classifier_tells_domains_apart_but_not_two_samples_of_one(domains):
    table = domain_distance.two_sample_accuracy(domains, 0)
    assert table.loc["talk", "unrelated"] > 80 and (np.diag(table) < 62).all()


# Corpora and guards -------------------------------------------------------------------------------


def test_the_control_is_large_varied_and_of_no_other_domain(monkeypatch, tmp_path):
    texts = text_corpora.unrelated("sample")["text"].tolist()
    assert len(texts) >= 300 and len(set(texts)) == len(texts)
    for i in range(0, len(texts), 60):
        assert not near_duplicates(texts[i : i + 60], texts[:i] + texts[i + 60 :], 0.5).any()
    others = [
        *text_corpora.conversation("sample")["text"],
        *text_corpora.utterances("sample")[0]["text"],
    ]
    assert not near_duplicates(texts, others, 0.5).any()
    (tmp_path / "sample").symlink_to(ROOT / "data" / "sample")
    (tmp_path / "raw" / "open").mkdir(parents=True)
    monkeypatch.setenv("WYF_DATA", str(tmp_path))
    assert text_corpora.unrelated("open")["text"].tolist() == texts, (
        "a profile without a file of its own takes the sample's"
    )


def test_a_planted_held_out_sentence_is_removed():
    held_out = ["오늘 면접에서 떨어져서 집에 오는 길에 한참을 울었다", "고양이가 창가에서 잔다"]
    corpus = [
        "전혀 다른 이야기를 하고 있는 문장이다",
        "오늘 면접에서 떨어져서 집에 오는 길에 한참을 울었다ㅠ",
        "고양이가 창가에서 잔다.",
        "고양이는 밤에 운다",
    ]
    kept, removed = pretraining_corpora.without_held_out(corpus, held_out)
    assert kept == [corpus[0], corpus[3]] and removed == 2


def test_corpora_keep_out_what_is_scored_and_count_it(sample_sentences):
    texts = sample_sentences["text"].tolist()
    test, train, other = texts[:40], texts[40:140], texts[140:240]
    planted = [*train, test[0], test[1] + "!", test[2]]
    found = pretraining_corpora.corpora(
        {"emotion": planted, "talk": other},
        {"emotion": test[20:]},
        test,
        limit=0,
        held_out=10,
        seed=0,
    )
    assert not {*test[:3], test[1] + "!"} & set(found.train["emotion"])
    assert found.ledger.loc["emotion", ["drawn", "removed"]].tolist() == [
        103,
        3,
    ] and found.leaks() == {"emotion": 0, "talk": 0}
    assert set(found.held_out["emotion"]) <= set(test[20:]) and len(found.held_out["talk"]) == 10
    assert not set(found.train["talk"]) & set(found.held_out["talk"])
    leaky = replace(found, train={"emotion": [*found.train["emotion"], test[5]]})
    assert leaky.leaks() == {"emotion": 1}, "the assertion of the notebook looks for itself"
    assert (
        len(
            pretraining_corpora.corpora(
                {"talk": other}, {}, test, limit=30, held_out=10, seed=0
            ).train["talk"]
        )
        == 30
    )


def test_labels_and_ids_never_enter(sample_sentences):
    """What a model reads is the text column and nothing else: no line of a file, no label,
    no number."""
    texts = sample_sentences["text"].tolist()[:120]
    found = pretraining_corpora.corpora({"emotion": texts}, {}, [], limit=0, held_out=10, seed=0)
    assert set(found.train["emotion"]) <= set(map(without_full_stops, texts))
    encoder = encoders.load(bundled_e5.BUNDLED, texts)
    seen = [
        encoder.tokenizer.decode(row["input_ids"])
        for row in masking.language_model_rows(encoder, found.train["emotion"], 128)
    ]
    plain = [
        encoder.tokenizer.decode(encoder.tokenizer(encoder.prefix + t)["input_ids"])
        for t in found.train["emotion"]
    ]
    assert seen == plain
    with (ROOT / "data" / "sample" / "sentiment_dialogue.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        lines = {",".join(row) for row in csv.reader(file)}
    assert not lines & set(found.train["emotion"])


def test_artists_are_read_or_scored_never_both(monkeypatch):
    lines, scored = adaptation.lyrics("sample", 0)
    songs, _ = song_files.songs("sample", bundled_e5.count_tokens)
    artists = set(songs.set_index("id").loc[scored["id"], "artist"])
    others = songs[~songs["artist"].isin(artists)]
    assert set(lines) <= {line for lyric in others["lyric"] for line in lyric.splitlines()}
    assert scored["emotion"].between(0, 5).all() and scored["emotion"].nunique() == 6
    assert all(
        " ".join(pairs).split() == lyric.split()
        for pairs, lyric in zip(scored["couplets"], scored["lyric"], strict=True)
    )
    assert len(adaptation.lyrics("sample", 0, limit=9)[1]) == 9
    own = songs[:1].assign(artist="다른 가수", lyric="다른 노래")
    both = pd.concat([own, songs[songs["artist"].isin(artists)]])
    load = {"sample": (songs, None), "wyf": (both, None)}
    monkeypatch.setattr(song_files, "songs", lambda profile, _: load[profile])
    assert adaptation.lyrics("wyf", 0)[0] == ["다른 노래"]


# Rows and masks -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bundled(sample_sentences):
    return encoders.load(bundled_e5.BUNDLED, sample_sentences["text"].tolist()[:400])


def tokens(encoder, rows):
    return [
        i
        for row in rows
        for i, word in zip(row["input_ids"], row["words"], strict=True)
        if word >= 0
    ]


def test_rows_lose_nothing_and_packing_fills_them(bundled, sample_sentences):
    texts = sample_sentences["text"].tolist()[:60]
    plain = bundled.tokenizer(texts, add_special_tokens=False)["input_ids"]
    for pack in (False, True):
        rows = masking.language_model_rows(bundled, texts, 96, pack=pack)
        assert tokens(bundled, rows) == [i for ids in plain if len(ids) > 1 for i in ids]
        assert all(
            row["length"]
            == len(row["input_ids"])
            == len(row["words"])
            == sum(row["attention_mask"])
            <= 96
            for row in rows
        )
    assert len(rows) < 0.5 * len(texts)
    ends = sum(row["input_ids"].count(bundled.tokenizer.sep_token_id) for row in rows)
    assert ends >= len(texts), "every text is closed"


def test_lines_of_one_character_and_of_five_thousand(bundled):
    long = "오늘은 하늘이 맑고 바람이 분다 " * 300
    rows = masking.language_model_rows(bundled, ["아", "", long], 32)
    assert (
        len(long) > 5000
        and tokens(bundled, rows) == bundled.tokenizer(long, add_special_tokens=False)["input_ids"]
    )
    assert (
        all(2 < row["length"] <= 32 for row in rows)
        and masking.language_model_rows(bundled, ["아", ""], 32) == []
    )
    (frame,) = {row["length"] - len(tokens(bundled, [row])) for row in rows}
    texts = [long[:end] for end in range(60, 160)]
    encoded = bundled.tokenizer(texts, add_special_tokens=False)["input_ids"]
    text, plain = next(pair for pair in zip(texts, encoded, strict=True) if len(pair[1]) % 10 == 1)
    for pack in (False, True):  # the last token is alone
        rows = masking.language_model_rows(bundled, [text], 10 + frame, pack=pack)
        assert tokens(bundled, rows) == plain and rows[-1]["length"] == 2 + frame
    assert masking.token_counts([], 5).tolist() == [0] * 5
    with pytest.raises(BadInput, match="A row of 5 tokens has no room for text"):
        masking.language_model_rows(bundled, [long], 5)


@pytest.mark.parametrize("share", [0.15, 0.4])
@pytest.mark.parametrize("whole_words", [False, True])
def test_masks_hide_the_share_anew_and_never_the_frame(
    bundled, sample_sentences, share, whole_words
):
    rows = masking.language_model_rows(
        bundled, sample_sentences["text"].tolist()[:200], 48, pack=True
    )
    masker = masking.MlmCollator(bundled.tokenizer, share, whole_words)
    torch.manual_seed(0)
    batch, again = masker(rows), masker(rows)
    words = torch.tensor(
        [row["words"] + [-1] * (batch["labels"].shape[1] - row["length"]) for row in rows]
    )
    asked = batch["labels"] != -100
    assert not (asked & (words < 0)).any() and asked.any(1).all()
    assert asked.sum() / (words >= 0).sum() == pytest.approx(share, abs=0.02)
    assert (asked != (again["labels"] != -100)).any(), "dynamic: another mask each time"
    ids = torch.tensor(
        [
            row["input_ids"] + [bundled.tokenizer.pad_token_id] * (words.shape[1] - row["length"])
            for row in rows
        ]
    )
    assert torch.equal(torch.where(asked, batch["labels"], batch["input_ids"]), ids)
    hidden = (batch["input_ids"][asked] == bundled.tokenizer.mask_token_id).float().mean()
    assert hidden == pytest.approx(0.8, abs=0.05)
    together = [
        len({bool(a) for a, w in zip(asked[r], words[r], strict=True) if w == word}) == 1
        for r in range(20)
        for word in set(words[r].tolist()) - {-1}
    ]
    assert all(together) == whole_words


def test_a_row_of_two_tokens_has_one_to_guess(bundled):
    rows = masking.language_model_rows(bundled, ["비 눈", "밤 낮"], 48)
    assert (
        len(rows) == 2
        and ((masking.MlmCollator(bundled.tokenizer)(rows)["labels"] != -100).sum(1) == 1).all()
    )


def test_a_tokenizer_without_a_mask_is_refused(bundled):
    plain = transformers.PreTrainedTokenizerFast(
        tokenizer_object=bundled.tokenizer.backend_tokenizer, pad_token="<pad>"
    )
    with pytest.raises(BadInput, match="has no mask token"):
        masking.MlmCollator(plain)


# Language models ----------------------------------------------------------------------------------


def generator(folder, texts):
    size = tiny._word_pieces(folder, texts, tiny.BERT_ORDER, tokenizer_class="ElectraTokenizer")
    transformers.ElectraForMaskedLM(
        transformers.ElectraConfig(vocab_size=size, embedding_size=16, **tiny.SIZE)
    ).save_pretrained(folder)


KINDS = {
    make.__name__: make
    for make in (
        tiny.kcbert,
        tiny.kcelectra,
        tiny.klue_roberta,
        tiny.ax_encoder,
        tiny.kobert,
        generator,
    )
}
WITH_HEAD = [name for name in KINDS if name != "kobert"]


@pytest.fixture(scope="module")
def texts(sample_sentences):
    return sample_sentences["text"].tolist()[:200]


@pytest.fixture(scope="module")
def published(tmp_path_factory, texts):
    torch.manual_seed(0)
    folders = {}
    for name, make in KINDS.items():
        folders[name] = tmp_path_factory.mktemp(name)
        make(folders[name], texts)
    return folders


@pytest.fixture(scope="module")
def small(texts):
    """Two domains of the sample, with held-out texts."""
    return pretraining_corpora.corpora(
        {"emotion": texts[:90], "talk": texts[100:190]},
        {"emotion": texts[90:100]},
        texts[190:],
        limit=0,
        held_out=8,
        seed=0,
    )


@pytest.mark.parametrize("kind", [name for name in WITH_HEAD if name != "kcelectra"])
def test_the_loss_is_the_checkpoint_s_own_over_hidden_tokens_only(published, texts, kind):
    encoder, objective = pretraining.language_model(str(published[kind]))
    torch.manual_seed(1)
    batch = masking.MlmCollator(encoder.tokenizer)(
        masking.language_model_rows(encoder, texts[:12], 40)
    )
    objective.eval()
    with torch.no_grad():
        assert objective(**batch)["loss"].item() == pytest.approx(
            objective.model(**batch).loss.item(), rel=1e-4
        )
    tied = objective.model.get_output_embeddings().weight
    assert tied.data_ptr() == objective.model.get_input_embeddings().weight.data_ptr(), (
        "the decoder is the input embeddings"
    )


def test_a_discriminator_is_asked_which_tokens_were_replaced(published, texts):
    encoder, objective = pretraining.language_model(str(published["kcelectra"]))
    assert objective.detects
    rows = masking.language_model_rows(encoder, texts[:60], 40)
    replacer = masking.ReplacedTokenCollator(
        encoder.tokenizer, 0.15, frequencies=masking.token_counts(rows, len(encoder.tokenizer))
    )
    torch.manual_seed(0)
    batch = replacer(rows)
    ids = torch.tensor(
        [
            row["input_ids"]
            + [encoder.tokenizer.pad_token_id] * (batch["labels"].shape[1] - row["length"])
            for row in rows
        ]
    )
    assert torch.equal(batch["labels"] == 1, batch["input_ids"] != ids)
    assert 0.08 < (batch["labels"] == 1).sum() / (batch["labels"] >= 0).sum() < 0.16, (
        "a draw may be the true token"
    )
    special = torch.isin(ids, torch.tensor(encoder.tokenizer.all_special_ids))
    assert (batch["labels"][special] == -100).all()
    assert set(batch["input_ids"][batch["labels"] == 1].tolist()) <= set(ids.flatten().tolist())
    assert np.isfinite(objective(**batch)["loss"].item())


@pytest.mark.parametrize("kind", WITH_HEAD)
def test_hub_checkpoints_go_on_with_their_own_head(published, small, kind):
    start = pretraining.base_encoder(small, SMALL, 0, str(published[kind]))
    end = pretraining.stage(start, "talk", small, SMALL, 0)
    before = encoders.load(str(published[kind])).model.state_dict()
    assert all(
        torch.equal(before[name], weight)
        for name, weight in adaptation.encoder_weights(start).items()
    ), "nothing to warm up"
    assert (
        adaptation.changed_share(start, end) > 0.9
        and pretraining.card(end)["before"] == pretraining.card(start)["after"]
    )
    assert encoders.load(f"dapt/{end.key}").prefix == ""


def test_a_checkpoint_without_a_head_is_refused(published, small):
    made = len(artifacts.USED)
    with pytest.raises(
        BadInput,
        match="has no language-model head .* take one that was saved with its head, or "
        "bundled/multilingual-e5-small",
    ):
        pretraining.base_encoder(small, SMALL, 0, str(published["kobert"]))
    assert len(artifacts.USED) == made


# Stages -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def start(small):
    return pretraining.base_encoder(small, SMALL, 0)


@pytest.fixture(scope="module")
def chains(start, small):
    plan = {
        "none": (),
        "tapt": ("emotion",),
        "both": ("emotion", "talk"),
        "frozen_2022": ("emotion", "talk"),
    }
    return adaptation.adapted(
        start, plan, small, replace(SMALL, steps=24), 0
    )  # typed sentences are short: few hidden tokens a step


def test_the_warmed_base_is_the_bundled_encoder_bit_for_bit(start, small):
    everything = [t for part in (*small.train.values(), *small.held_out.values()) for t in part]
    before = encoders.load(bundled_e5.BUNDLED, everything).model.state_dict()
    after = adaptation.encoder_weights(start)
    assert before.keys() == after.keys() and all(
        torch.equal(before[name], after[name]) for name in before
    )
    _, objective = pretraining.language_model(f"dapt/{start.key}")
    assert (
        objective.model.cls.predictions.decoder.weight.data_ptr()
        == objective.model.bert.embeddings.word_embeddings.weight.data_ptr()
    )
    assert all(
        loss < np.log(len(after["embeddings.word_embeddings.weight"]))
        for loss in pretraining.card(start)["after"].values()
    ), "better than a guess"


@pytest.mark.slow
def test_the_frozen_recipe_leaves_every_bit_and_the_others_do_not(chains, start):
    assert adaptation.changed_share(start, chains["frozen_2022"][-1]) == 0
    assert (
        adaptation.changed_share(start, chains["tapt"][-1])
        == adaptation.changed_share(start, chains["both"][-1])
        == 1
    )
    weights = {
        name: pretraining.language_model(f"dapt/{chain[-1].key}")[1].model.cls.predictions.bias
        for name, chain in chains.items()
    }
    assert not torch.equal(weights["frozen_2022"], weights["none"]), (
        "its head learns, which is why its loss falls"
    )
    loss = pretraining.card(chains["tapt"][-1])
    assert loss["after"]["emotion"] < loss["before"]["emotion"] and set(loss["after"]) == {
        "emotion",
        "talk",
    }


def test_only_a_new_head_learns_at_its_own_rate(published, start, monkeypatch):
    rates = {}
    monkeypatch.setattr(
        pretraining.training,
        "fit",
        lambda model, rows, *, optimizer, **_: rates.update(
            {len(g["params"]): g["lr"] for g in optimizer.param_groups}
        ),
    )
    for name, new in ((f"dapt/{start.key}", True), (str(published["kcbert"]), False)):
        encoder, objective = pretraining.language_model(name)
        rates.clear()
        pretraining._train(
            objective,
            encoder,
            [{"length": 9}] * 4,
            SMALL,
            0,
            artifacts.cache_folder() / "none",
            "",
            frozen=False,
        )
        head = (
            len(list(objective.model.cls.parameters())) - 1
        )  # the decoder counts with the encoder
        assert rates.pop(head) == (SMALL.head_learning_rate if new else SMALL.learning_rate)
        assert list(rates.values()) == [SMALL.learning_rate]


@pytest.mark.slow
def test_a_stage_that_conditions_share_is_trained_once(chains, start):
    assert (
        chains["none"] == [start]
        and chains["tapt"][1] is chains["both"][1]
        and len(chains["both"]) == 3
    )
    assert chains["both"][1].key != chains["frozen_2022"][1].key
    assert (
        pretraining.card(chains["both"][2])["before"]
        == pretraining.card(chains["both"][1])["after"]
    )


def test_gradients_are_added_up(start, small):
    one, two = (
        pretraining.stage(start, "talk", small, replace(SMALL, steps=2, accumulation=n), 0)
        for n in (1, 2)
    )
    assert one.key != two.key and pretraining.card(two)["tokens"] == pytest.approx(
        2 * pretraining.card(one)["tokens"]
    )


def test_conditions_begin_with_none_and_are_known():
    assert set(adaptation.plan()) == set(adaptation.CONDITIONS) and adaptation.plan()[
        "lyrics_conversation_emotion"
    ] == ("lyrics", "conversation", "emotion")
    two = adaptation.plan(["none", "tapt", "lyrics"], ["", "@b"])
    assert two["tapt@b"] == ("emotion@b",) and two["lyrics@b"] == ("lyrics",) and len(two) == 6
    with pytest.raises(
        BadInput,
        match="The conditions are none, dapt; begin with none, and choose the others from: "
        "tapt, conversation",
    ):
        adaptation.plan(["none", "dapt"])
    with pytest.raises(BadInput, match="begin with none"):
        adaptation.plan(["tapt"])


def test_a_corpus_shorter_than_a_batch_is_named(start, small):
    made = len(artifacts.USED)
    with pytest.raises(
        BadInput,
        match="The corpus fills [1-3] rows of 48 tokens, fewer than one batch of 4; take a "
        "larger one",
    ):
        pretraining.stage(
            start,
            "talk",
            replace(small, train={"talk": ["비가 온다", "꽃이 핀다 " * 12]}),
            SMALL,
            0,
        )
    assert len(artifacts.USED) == made


def test_a_domain_without_held_out_text_is_named(start, small):
    with pytest.raises(
        BadInput,
        match="A loss is not a number: the training ran away, or a domain has no held-out text",
    ):
        pretraining.stage(start, "talk", replace(small, held_out={"talk": []}), SMALL, 0)


def test_a_sign_that_the_cut_vocabulary_lost_is_named(start, small):
    known = encoders.load(f"dapt/{start.key}")
    assert pretraining.lost_symbols(known, small.train["talk"]) == []
    assert pretraining.lost_symbols(known, ["눈이 온다 ☃ 𓀀"]) == ["☃"], (
        "the whole vocabulary does not know the hieroglyph either"
    )
    with pytest.raises(
        BadInput,
        match="The vocabulary was cut to other texts and lost 1 signs of the corpora .such "
        "as '☃'.; make the base from all",
    ):
        pretraining.stage(
            start,
            "talk",
            replace(small, train={"talk": [*small.train["talk"], "눈이 온다 ☃"]}),
            SMALL,
            0,
        )


def test_an_interrupted_stage_goes_on_from_its_last_good_checkpoint(
    published, small, tmp_path, monkeypatch
):
    recipe = replace(SMALL, steps=8, save_steps=2)
    monkeypatch.setenv("WYF_CACHE", str(tmp_path))
    start = pretraining.base_encoder(small, recipe, 0, str(published["kcbert"]))
    call, sizes = masking.MlmCollator.__call__, []

    def counting(self, batch, stop=99):
        sizes.append(len(batch))
        if len(sizes) > stop:
            raise KeyboardInterrupt
        return call(self, batch)

    with monkeypatch.context() as patched:
        patched.setattr(
            masking.MlmCollator, "__call__", lambda self, batch: counting(self, batch, 5)
        )
        with pytest.raises(KeyboardInterrupt):
            pretraining.stage(start, "talk", small, recipe, 0)
    (unfinished,) = (tmp_path / "unfinished").iterdir()
    assert [p.name for p in unfinished.glob("checkpoint-*")] == ["checkpoint-4"]
    broken = unfinished / "checkpoint-6"  # as left by a stop in the middle of saving
    broken.mkdir()
    (broken / "model.safetensors").write_bytes(
        (unfinished / "checkpoint-4" / "model.safetensors").read_bytes()[:1000]
    )
    assert len(list((tmp_path / "dapt").glob("[!.]*"))) == 1, "no half-made stage"
    sizes.clear()
    with monkeypatch.context() as patched:
        patched.setattr(masking.MlmCollator, "__call__", counting)
        end = pretraining.stage(start, "talk", small, recipe, 0)
    assert sizes.count(recipe.batch_size) <= 5, "four steps were left, and one batch is drawn ahead"
    assert adaptation.changed_share(start, end) > 0.9 and not list(
        (tmp_path / "unfinished").iterdir()
    )


# The experiment -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_condition_answers_sentences_and_lyrics_the_same_every_time(chains, sample_sentences):
    few = sample_sentences.groupby("emotion").head(4).reset_index(drop=True)
    scored = pd.DataFrame(
        {"couplets": [["비가 온다 눈물이 난다", "그래도 웃자"], ["!!", "신난다 춤을 추자"]]}
    )
    recipe = finetuning.Recipe(epochs=1, frozen_layers=11, max_length=32)
    end = chains["both"][-1]
    found = adaptation.fine_tuned(end, few, few, few["text"][:5], scored, recipe, [0, 1])
    assert [a.shape for a in found.sentences] == [(5,)] * 2 and [a.shape for a in found.lyrics] == [
        (2,)
    ] * 2
    again = adaptation.fine_tuned(end, few, few, few["text"][:5], scored, recipe, [0, 1])
    assert [e.key for e in again.entries] == [e.key for e in found.entries] and all(
        e.reused for e in again.entries
    )
    assert np.array_equal(np.stack(again.lyrics), np.stack(found.lyrics))
    spent = adaptation.minutes(chains["both"], found)
    assert (
        spent["pre-training"] == pytest.approx(sum(e.seconds for e in chains["both"][1:]) / 60)
        and spent["fine-tuning"] > 0
    )


@pytest.mark.slow
def test_an_adapted_encoder_keeps_its_prefix(chains):
    assert encoders.load(f"dapt/{chains['both'][-1].key}").prefix == bundled_e5.E5_PREFIX


def test_points_of_the_plane_belong_to_their_domain(domains):
    points, names = domain_distance.pca_plane(domains, 0, each=12)
    assert points.shape == (24, 2) and list(names) == ["talk"] * 12 + ["unrelated"] * 12
    assert np.ptp(points[:, 0]) >= np.ptp(points[:, 1]) * 0.5
