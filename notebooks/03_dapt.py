# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 03 · Does continued pre-training help? (도메인 적응 사전학습, DAPT)
#
# | | |
# |---|---|
# | **Question** | How far apart are lyrics, talk and emotion sentences, and does reading more of them before fine-tuning help? |
# | **Reads** | the sentences of 01, everyday talk, the songs' lyrics |
# | **Writes** | pre-trained encoders (cache), figures `03_*`, the section `03_dapt` of `results.json` |
# | **Before, after** | 02 fixes the protocol; nothing depends on this notebook |
# | **Time** | about six minutes on 2 CPU cores, seconds from the cache |
#
# 2022 claimed a gain from DAPT, but its encoder was frozen, so that nothing could adapt, and validation sentences stood in the
# corpus. Here the whole encoder trains and held-out sentences are kept out.

# %% tags=["parameters"]
run = "default"
profile = "sample"
seed = 0
seeds = [0, 1, 2]
max_sentences = 900
max_texts = 800
epochs = 2
pretrain_epochs = 1.0

# %%
import numpy as np
import pandas as pd

from wyf_utils import catalogue, classifier, cleaning, dapt, datasets, encoders, figures, metrics
from wyf_utils.figures import pick
from wyf_utils.notebook import open_notebook

nb = open_notebook(
    "03_dapt",
    run=run,
    profile=profile,
    seed=seed,
    seeds=seeds,
    max_sentences=max_sentences,
    max_texts=max_texts,
    epochs=epochs,
    pretrain_epochs=pretrain_epochs,
)
nb

# %%
sentences, _ = datasets.utterances(profile)
songs, _ = datasets.songs(profile, encoders.count_tokens)
domains = {
    "conversation": datasets.conversation(profile)["text"].tolist(),
    "emotion": sentences["text"].tolist(),
    "lyrics": list(dict.fromkeys(line for lyric in songs["lyric"] for line in lyric.splitlines())),
}
nb.uses(*map(list, domains.values()))
pd.DataFrame({name: {"texts": len(texts), "characters a text": np.mean([len(t) for t in texts])} for name, texts in domains.items()}).T.round(1)

# %% [markdown]
# ## How far apart are the domains? (도메인 사이의 거리)
#
# Left, after Gururangan et al. (2020): the share of the most frequent content words, stop words excluded. Right, as in 2022:
# Jaccard over all distinct sub-word ids, which grows with corpus size and saturates.

# %%
words, vocabularies = dapt.shared_words(domains)
pieces, _ = dapt.shared_pieces(domains)
size = len(vocabularies["lyrics"])
print(f"{size:,} most frequent content words of each domain (10,000 in the paper; the smallest domain sets the number)")
NAMES = {"conversation": ("일상 대화", "conversation"), "emotion": ("감정 문장", "emotion"), "lyrics": ("가사", "lyrics")}
nb.figure(
    lambda lang: figures.heatmaps(
        {
            pick(lang, f"자주 쓰는 낱말 {size:,}개", f"{size:,} most frequent words"): words,
            pick(lang, "서브워드 전체 (2022년 방식)", "all sub-words (as in 2022)"): pieces,
        },
        NAMES,
        lang,
        pick(lang, "어휘가 얼마나 겹치나 (%)", "Shared vocabulary (%)") + nb.mark(lang),
    ),
    "vocabulary_overlap",
    caption={"ko": "두 도메인이 함께 쓰는 어휘의 비율, 두 가지 방식", "en": "Vocabulary that two domains share, counted in two ways"},
)

# %%
nb.figure(
    lambda lang: figures.venn3(vocabularies, NAMES, lang, pick(lang, "세 도메인의 어휘", "Vocabulary of the three domains") + nb.mark(lang)),
    "vocabulary_venn",
    caption={"ko": "자주 쓰는 낱말의 벤 다이어그램(전체에 대한 %)", "en": "Venn diagram of the most frequent words (% of all)"},
)

# %% [markdown]
# 2022 published Jaccard indices of sub-words in two versions that disagree: the slide's axes are in another order than its notebook's.

# %%
published = datasets.published()["vocabulary_jaccard"]
ours = {f"{a}-{b}": pieces.loc[a, b] for a, b in (("conversation", "emotion"), ("conversation", "lyrics"), ("emotion", "lyrics"))}
pd.DataFrame({"ours": ours, "2022, slide": published["slide"], "2022, notebook": published["notebook"]}).round(1)

# %% [markdown]
# ## Continued pre-training (추가 사전학습)
#
# Masked language modelling, 15 % of the tokens, every layer trainable. The bundled encoder has no language-model head: a new one is warmed up
# first with the encoder frozen; it keeps learning afterwards, so that a falling loss is not the encoder's doing alone. Held-out sentences, and near
# duplicates of them, never enter.

# %%
parts = catalogue.sentences(profile, seed, max_sentences)
held_out = pd.concat([parts["dev"], parts["test"]])["text"].tolist()
corpora, removed = {}, {}
for name, texts in {"tapt": parts["train"]["text"].tolist(), "lyrics": domains["lyrics"]}.items():
    drawn = nb.rng.permutation(texts)[: max_texts or None].tolist()
    corpora[name], removed[name] = dapt.without_held_out(drawn, held_out)
    assert not cleaning.near_duplicates(corpora[name], held_out).any()
pd.DataFrame({"texts": {k: len(v) for k, v in corpora.items()}, "removed as held-out duplicates": removed})

# %%
encoders_of, losses = {"none": encoders.BUNDLED}, {}
for name, texts in corpora.items():
    cut = max(len(texts) // 10, 16)
    entry = dapt.pretrained(texts[cut:], texts[:cut], epochs=pretrain_epochs, seed=seed)
    encoders_of[name] = f"dapt/{entry.key}"
    losses[name] = dapt.losses(entry)
    print(entry)
pd.DataFrame(losses).T.rename(columns={"before": "loss before (warmed head)", "after": "loss after"}).round(3)

# %% [markdown]
# ## Does it help? (도움이 되는가)
#
# Every condition is fine-tuned in the same way on the same few sentences, with the same seeds, and scored on the same test sentences.

# %%
true = parts["test"]["emotion"].to_numpy()
answers = {}
for name, encoder in encoders_of.items():
    recipe = classifier.Recipe(encoder=encoder, epochs=epochs, frozen_layers=6)
    entries = [classifier.trained(parts["train"], parts["dev"], recipe, s) for s in seeds]
    answers[name] = [classifier.predicted(entry, parts["test"]["text"]).argmax(1) for entry in entries]
answers["shuffled"] = [classifier.shuffled(parts["train"], len(true), s) for s in seeds]
answers["majority"] = [classifier.majority(parts["train"], len(true))]
scores = {name: metrics.interval(true, given, metrics.macro_f1, seed=seed) for name, given in answers.items()}

# %%
CONDITIONS = {
    "none": ("없음", "none"),
    "tapt": ("과제 문장 (TAPT)", "task sentences (TAPT)"),
    "lyrics": ("가사", "lyrics"),
    "shuffled": ("섞은 라벨", "shuffled labels"),
    "majority": ("최빈 감정", "majority"),
}
nb.figure(
    lambda lang: figures.score_bars(
        scores,
        CONDITIONS,
        lang,
        pick(lang, "추가 사전학습한 뒤의 macro-F1", "Macro-F1 after continued pre-training") + nb.mark(lang),
        "macro-F1",
        colours=dict.fromkeys(("majority", "shuffled"), figures.BASELINE),
    ),
    "dapt",
    caption={"ko": "조건별 macro-F1과 95 % 구간", "en": "Macro-F1 of each condition with 95 % intervals"},
)

# %%
against = {name: metrics.paired_difference(true, given, answers["none"], seed=seed) for name, given in answers.items() if name in corpora}
pd.DataFrame([(name, metrics.show(d), metrics.verdict(d)) for name, d in against.items()], columns=["condition", "macro-F1 against none", "it is"])

# %% [markdown]
# ## What came from the cache

# %%
nb.provenance()

# %% [markdown]
# ## Headline numbers

# %%
results = {f"macro_f1/{name}": value for name, value in scores.items()}
results |= {f"macro_f1_difference/{name}-none": d for name, d in against.items()}
results |= {f"mlm_loss_{when}/{name}": value for name, loss in losses.items() for when, value in loss.items()}
results |= {f"shared_words/{a}-{b}": float(words.loc[a, b]) for a, b in (("conversation", "emotion"), ("conversation", "lyrics"), ("emotion", "lyrics"))}
nb.record(results)
