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
# # 04 · What the sound says: mel CNN against embedding (멜 CNN과 임베딩)
#
# | | |
# |---|---|
# | **Question** | Can a model hear the emotion that the lyrics tell, better than always giving the most frequent answer? |
# | **Reads** | the songs of 01 with their mels, the lyric vectors of the classifier of 02 |
# | **Writes** | trained mel models (cache), figures `04_*`, the section `04_mel_cnn_vs_embedding` of `results.json` |
# | **Before, after** | 02 trains the classifier; 05 corrects the lyric vectors with the CNN of this notebook |
# | **Time** | about five minutes on 2 CPU cores, seconds from the cache |
#
# In 2022 raw mel "did not learn" and SimCLR vectors "reached 78 %". Always answering 슬픔 reaches 78.4 % on those songs, so that every
# number here stands beside the majority.

# %% tags=["parameters"]
run = "default"
profile = "sample"
seed = 0
seeds = [0, 1, 2]
max_sentences = 0
encoder = "bundled/multilingual-e5-small"
text_epochs = 3
learning_rate = 1e-4
frozen_layers = 6
max_songs = 0
mel_epochs = 12
simclr_epochs = 20

# %%
import numpy as np
import pandas as pd

from wyf_utils import catalogue, classifier, datasets, emotions, figures, mel, mel_models, metrics
from wyf_utils.figures import pick
from wyf_utils.notebook import open_notebook

nb = open_notebook(
    "04_mel_cnn_vs_embedding",
    run=run,
    profile=profile,
    seed=seed,
    seeds=seeds,
    max_sentences=max_sentences,
    encoder=encoder,
    text_epochs=text_epochs,
    learning_rate=learning_rate,
    frozen_layers=frozen_layers,
    max_songs=max_songs,
    mel_epochs=mel_epochs,
    simclr_epochs=simclr_epochs,
)
nb

# %% [markdown]
# ## Songs, lyric vectors, mels
#
# The lyric vector (가사 벡터) of a song is the mean over its stanzas. It is the label here. Artists are kept apart: whoever sings in the training part sings
# nowhere else. The sample's sound is composed for the emotion its author had in mind, and contradicts it in a quarter of the songs.

# %%
recipe = classifier.Recipe(encoder=encoder, epochs=text_epochs, learning_rate=learning_rate, frozen_layers=frozen_layers)
songs = catalogue.open_catalogue(profile, recipe, seed, limit=max_sentences, max_songs=max_songs)
nb.uses(songs.lyric, songs.mels)
train, dev, test = (songs.part(name) for name in ("train", "dev", "test"))
labels = songs.lyric.argmax(1)
pd.DataFrame(
    {name: np.bincount(labels[mask], minlength=emotions.N) for name, mask in (("train", train), ("dev", dev), ("test", test))}, index=list(emotions.KO)
).T

# %% [markdown]
# **How are the lyrics laid out?** UMAP of the lyric vectors, coloured by the largest emotion.

# %%
points = figures.umap_plane(songs.lyric, seed)
nb.figure(
    lambda lang: figures.plane(points, labels, lang, pick(lang, "가사의 감정 벡터 (UMAP)", "Emotion vectors of lyrics (UMAP)") + nb.mark(lang)),
    "lyric_embedding",
    caption={"ko": "가사 감정 벡터의 UMAP, 가장 큰 감정의 색", "en": "UMAP of the lyrics' emotion vectors, coloured by the largest emotion"},
)

# %% [markdown]
# ## The measures (측정 방법)
#
# 2022 made four measures beside plain accuracy (Top-1). A tile is coloured where the model's emotion is among the true ones.

# %%
nb.figure(
    figures.measure_tiles,
    "measures",
    caption={"ko": "2022년에 만든 네 가지 측정 방법", "en": "The four measures made in 2022, one hit each"},
)

# %% [markdown]
# ## First experiment: CNN on raw mel (첫 번째 실험)

# %%
entries = [mel_models.trained_cnn(songs.mels[train], songs.lyric[train], songs.mels[dev], songs.lyric[dev], epochs=mel_epochs, seed=s) for s in seeds]
cnn = [mel_models.predict_cnn(mel_models.load_cnn(entry.path), songs.mels[test]) for entry in entries]
curves = [mel_models.curve(entry) for entry in entries]

# %%
majority_line = float(np.mean(labels[dev] == np.bincount(labels[train]).argmax()))
nb.figure(
    lambda lang: figures.curves(
        {pick(lang, f"시드 {s}", f"seed {s}"): c["dev_accuracy"] for s, c in zip(seeds, curves, strict=True)},
        lang,
        pick(lang, "멜 CNN: 검증 정확도", "CNN on mel: dev accuracy") + nb.mark(lang),
        pick(lang, "정확도", "accuracy"),
        line=(majority_line, pick(lang, "최빈값", "majority")),
    ),
    "first_accuracy",
    caption={"ko": "에포크마다 검증 정확도와 최빈 감정 기준선", "en": "Dev accuracy after each epoch with the majority line"},
)

# %%
nb.figure(
    lambda lang: figures.curves(
        {
            pick(lang, f"시드 {s} {ko}", f"seed {s} {en}"): c[key]
            for s, c in zip(seeds, curves, strict=True)
            for key, ko, en in (("loss", "학습", "train"), ("dev_loss", "검증", "dev"))
        },
        lang,
        pick(lang, "멜 CNN: 손실", "CNN on mel: loss") + nb.mark(lang),
        pick(lang, "손실 (학습은 감정 가중)", "loss (training is class-weighted)"),
    ),
    "first_loss",
    caption={"ko": "에포크마다 학습과 검증 손실", "en": "Training and dev loss after each epoch"},
)

# %% [markdown]
# ## Second experiment: vectors first, a shallow head after (두 번째 실험)
#
# SimCLR learns vectors from unlabelled mel; a 64-unit dense head (2022) and a linear head read them. Simple statistics of each band with the same linear
# head are the control that any learned vector must beat.

# %%
simclr = [mel_models.trained_simclr(songs.mels[train], epochs=simclr_epochs, seed=s) for s in seeds]
answers = {"cnn": cnn, "simclr_dense": [], "simclr_linear": [], "statistics_linear": []}
for s, entry in zip(seeds, simclr, strict=True):
    vectors = mel_models.embed(entry.path, songs.mels)
    for kind in ("dense", "linear"):
        head = mel_models.head(kind, vectors[train], labels[train], s)
        answers[f"simclr_{kind}"].append(mel_models.head_probabilities(head, vectors[test]))
plain = mel.statistics(songs.mels)
answers["statistics_linear"].append(mel_models.head_probabilities(mel_models.head("linear", plain[train], labels[train], seed), plain[test]))

# %%
answers["majority"] = [np.tile(songs.lyric[train].mean(0), (test.sum(), 1))]
shuffled = [np.random.default_rng(s).permutation(songs.lyric[train]) for s in seeds]
answers["shuffled"] = [order[np.random.default_rng(s).integers(0, len(order), test.sum())] for s, order in zip(seeds, shuffled, strict=True)]

# %% [markdown]
# ## Scores against the lyric vectors (점수)

# %%
true, truth = songs.lyric[test], labels[test]


def scores(vectors):
    hard = vectors.argmax(1)
    return {**metrics.agreement(true, vectors), "macro_f1": metrics.macro_f1(truth, hard), "kappa": metrics.kappa(truth, hard)}


table = {model: pd.DataFrame([scores(v) for v in given]) for model, given in answers.items()}
results = {f"{measure}/{model}": metrics.seed_interval(rows[measure].tolist()) for model, rows in table.items() for measure in rows}
pd.DataFrame({model: rows.mean() for model, rows in table.items()}).T.round(3)

# %%
best = max((m for m in answers if m not in ("majority", "shuffled", "cnn")), key=lambda m: table[m]["macro_f1"].mean())
MEASURES = {"top1": "Top-1", "top2": "Top-2", "top3": "Top-3", "less_strict_top1": "Less-strict Top-1", "less_strict_top2": "Less-strict Top-2"}
nb.figure(
    lambda lang: figures.before_after(
        {name: (table["cnn"][key].mean(), table[best][key].mean(), table["majority"][key].mean()) for key, name in MEASURES.items()},
        {MEASURES[key]: tuple(pair) for key, pair in datasets.published()["mel_before_after"].items()},
        lang,
        pick(lang, "임베딩 전과 후", "Before and after embedding") + nb.mark(lang),
        (pick(lang, "멜 CNN", "CNN on mel"), best.replace("_", ", ")),
    ),
    "before_after",
    caption={
        "ko": "임베딩 전(CNN)과 후, 막대마다 최빈값 기준선. 빗금은 2022년 발표 값(다른 노래).",
        "en": "Before (CNN) and after embedding, with the majority line on each pair. Hatched: published in 2022 on other songs.",
    },
)

# %% [markdown]
# ## Verdict (판정)
#
# The paired bootstrap compares macro-F1 with the majority answer on the same test songs.

# %%
majority = [np.full(len(truth), np.bincount(labels[train]).argmax())]
against = {m: metrics.paired_difference(truth, [v.argmax(1) for v in given], majority, seed=seed) for m, given in answers.items() if m != "majority"}
pd.DataFrame([(m, metrics.show(d), metrics.verdict(d)) for m, d in against.items()], columns=["model", "macro-F1 against majority", "it is"])

# %% [markdown]
# **What could be reached at most?** For the sample it is known what each piece was composed for. Where that disagrees with the lyric's label, no ear can be right.

# %%
if songs.sung is not None:
    composed = songs.sung[test].argmax(1)
    results |= {
        "kappa/ceiling": metrics.kappa(truth, composed),
        "kappa_composed/cnn": metrics.seed_interval([metrics.kappa(composed, v.argmax(1)) for v in cnn]),
    }
    print(f"kappa of the composer's emotion with the lyric labels, the ceiling: {results['kappa/ceiling']:.3f}")
    print(f"kappa of the CNN with the composer's emotion: {metrics.show(results['kappa_composed/cnn'])}")

# %% [markdown]
# ## What came from the cache

# %%
nb.provenance()

# %% [markdown]
# ## Headline numbers

# %%
results |= {f"macro_f1_difference/{m}-majority": d for m, d in against.items()}
results |= {"rows/songs": len(labels), "rows/test": int(test.sum())}
nb.record(results)
