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
# # 02 · Which model reads feelings best (모델 비교)
#
# | | |
# |---|---|
# | **Question** | Does a fine-tuned encoder read emotion better than counting characters, on the same split, over several seeds? |
# | **Reads** | the labelled sentences of 01 |
# | **Writes** | trained classifiers (cache), figures `02_*`, the section `02_model_comparison` of `results.json` |
# | **Before, after** | 01 shows the data; 04 and 05 use the classifier trained here |
# | **Time** | about eight minutes on 2 CPU cores, seconds from the cache |

# %% tags=["parameters"]
run = "default"
profile = "sample"
seed = 0
seeds = [0, 1, 2]
max_sentences = 0
encoder = "bundled/multilingual-e5-small"
epochs = 3
learning_rate = 1e-4
frozen_layers = 6

# %%
import numpy as np
import pandas as pd

from wyf_utils import catalogue, classifier, datasets, emotions, figures, lexicon, metrics
from wyf_utils.figures import pick
from wyf_utils.notebook import open_notebook

nb = open_notebook(
    "02_model_comparison",
    run=run,
    profile=profile,
    seed=seed,
    seeds=seeds,
    max_sentences=max_sentences,
    encoder=encoder,
    epochs=epochs,
    learning_rate=learning_rate,
    frozen_layers=frozen_layers,
)
nb

# %% [markdown]
# ## Protocol (실험 방법)
#
# One split, stratified, in which the same text never crosses. Early stopping looks at the dev part only. Every model answers the same
# test sentences, once per seed; every model that has something to choose chooses it on the dev part. KOTE trains on its val file and keeps its own test
# file; texts whose labels tie between two emotions have no answer and are left out of both (the ledger of 01 counts them).

# %%
parts = catalogue.sentences(profile, seed, max_sentences)
nb.uses(*parts.values())
true = parts["test"]["emotion"].to_numpy()
pd.DataFrame({name: np.bincount(part["emotion"], minlength=emotions.N) for name, part in parts.items()}, index=list(emotions.KO)).T.assign(
    all=lambda t: t.sum(axis=1)
)

# %% [markdown]
# ## Baselines (기준선)
#
# Always the most frequent emotion (최빈 감정); labels drawn at random in the right proportions; the lexicon (감성어 사전), which was the initial design of
# 2022; characters counted (TF-IDF) with logistic regression; the encoder as it comes, frozen, with logistic regression on its vectors.

# %%
n = len(true)
answers = {
    "majority": [classifier.majority(parts["train"], n)],
    "shuffled": [classifier.shuffled(parts["train"], n, s) for s in seeds],
    "lexicon": [lexicon.scores(parts["test"]["text"], lexicon.read(), parts["train"][classifier.TARGETS].mean().to_numpy()).argmax(1)],
    "tfidf": [classifier.tfidf(parts["train"], parts["dev"]).predict(parts["test"]["text"])],
    "e5_frozen": [classifier.frozen(encoder, parts)],
}

# %% [markdown]
# ## Fine-tuning (미세조정)
#
# The upper layers and a new head learn from the training sentences; one model a seed.

# %%
recipe = classifier.Recipe(encoder=encoder, epochs=epochs, learning_rate=learning_rate, frozen_layers=frozen_layers)
models, vectors = [], []
for s in seeds:
    entry = classifier.trained(parts["train"], parts["dev"], recipe, s)
    models.append(classifier.load(entry.path))
    vectors.append(classifier.predicted(entry, parts["test"]["text"]))
    print(entry)
answers["e5_finetuned"] = [v.argmax(1) for v in vectors]

# %%
curves = {f"seed {s}": np.array([row["eval_micro_f1"] for row in m.curve if "eval_micro_f1" in row]) for s, m in zip(seeds, models, strict=True)}
nb.figure(
    lambda lang: figures.curves(
        {pick(lang, k.replace("seed", "시드"), k): v for k, v in curves.items()},
        lang,
        pick(lang, "학습 중 검증 micro-F1", "Dev micro-F1 while training") + nb.mark(lang),
        "micro-F1",
        line=(
            metrics.micro_f1(parts["dev"]["emotion"].to_numpy(), classifier.majority(parts["train"], len(parts["dev"]))),
            pick(lang, "최빈 감정", "majority"),
        ),
    ),
    "training_f1",
    caption={"ko": "에포크마다 검증 자료의 micro-F1, 최빈 감정 기준선과 함께", "en": "Dev micro-F1 after each epoch, with the majority line"},
)

# %% [markdown]
# ## Scores (점수)
#
# Macro-F1 weighs every emotion the same; micro-F1 is accuracy. Intervals (95 %) are a bootstrap over test sentences and seeds.


# %%
results = {
    f"{name}/{model}": metrics.interval(true, answers[model], function, seed=seed)
    for name, function in (("macro_f1", metrics.macro_f1), ("micro_f1", metrics.micro_f1), ("kappa", metrics.kappa))
    for model in answers
}
pd.DataFrame({m: {k.split("/")[0]: metrics.show(v) for k, v in results.items() if k.endswith(f"/{m}")} for m in answers}).T

# %%
LABELS = {
    "majority": ("최빈 감정", "majority"),
    "shuffled": ("섞은 라벨", "shuffled labels"),
    "lexicon": ("감성어 사전", "lexicon"),
    "tfidf": ("글자 TF-IDF", "character TF-IDF"),
    "e5_frozen": ("E5 (가중치 고정)", "E5 frozen"),
    "e5_finetuned": ("E5 미세조정", "E5 fine-tuned"),
}
GREY = dict.fromkeys(("majority", "shuffled"), figures.BASELINE)
nb.figure(
    lambda lang: figures.score_bars(
        {m: results[f"macro_f1/{m}"] for m in answers},
        LABELS,
        lang,
        pick(lang, "여섯 감정 분류: macro-F1", "Six-way classification: macro-F1") + nb.mark(lang),
        pick(lang, "F1 (2022년 점수는 다른 자료, 가중 F1)", "F1 (2022: other data, weighted F1)"),
        published=datasets.published()["model_f1"],
        colours=GREY,
    ),
    "model_comparison",
    caption={
        "ko": "모델별 macro-F1과 95 % 구간. 빗금은 2022년 발표 값으로, 다른 자료의 가중 F1이라 직접 비교할 수 없다.",
        "en": "Macro-F1 of each model with 95 % intervals. Hatched: as published in 2022, weighted F1 on other data, not comparable one to one.",
    },
)

# %% [markdown]
# ## Verdict (판정)
#
# A paired bootstrap over sentences and seeds: the difference counts only when its interval leaves zero out.

# %%
against = {m: metrics.paired_difference(true, answers["e5_finetuned"], answers[m], seed=seed) for m in answers if m != "e5_finetuned"}
pd.DataFrame([(f"e5_finetuned - {m}", metrics.show(d), metrics.verdict(d)) for m, d in against.items()], columns=["macro-F1", "difference", "e5_finetuned is"])

# %% [markdown]
# **Which emotions are confused?** Rows are the true emotion; one seed is shown.

# %%
nb.figure(
    lambda lang: figures.confusion(true, answers["e5_finetuned"][0], lang, pick(lang, "혼동 행렬", "Confusion matrix") + nb.mark(lang)),
    "confusion",
    caption={
        "ko": "미세조정한 모델의 혼동 행렬(행 비율, 괄호 안은 문장 수)",
        "en": "Confusion matrix of the fine-tuned model (row shares, counts in brackets)",
    },
)

# %% [markdown]
# **What does it get wrong?** Eight sentences that all seeds answer alike, and wrongly.

# %%
same = np.all([a == answers["e5_finetuned"][0] for a in answers["e5_finetuned"]], axis=0) & (answers["e5_finetuned"][0] != true)
wrong = parts["test"][same].assign(answered=[emotions.KO[i] for i in answers["e5_finetuned"][0][same]], meant=[emotions.KO[i] for i in true[same]])
wrong[["text", "label", "meant", "answered"]].sample(min(8, len(wrong)), random_state=seed)

# %% [markdown]
# ## What came from the cache

# %%
nb.provenance()

# %% [markdown]
# ## Headline numbers

# %%
per_class = np.nanmean([metrics.per_class_f1(true, a) for a in answers["e5_finetuned"]], axis=0)
results |= {f"f1_{name}/e5_finetuned": float(v) for name, v in zip(emotions.EN, per_class, strict=True) if np.isfinite(v)}
results |= {f"macro_f1_difference/e5_finetuned-{m}": d for m, d in against.items()}
nb.record(results)
