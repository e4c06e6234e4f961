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
# | **Question** | How far apart are talk, emotion sentences and lyrics, and does reading more of them before fine-tuning help, on sentences or on lyrics? |
# | **Reads** | the sentences of 01, everyday talk, the songs' lyrics, recipes and house rules as a control |
# | **Writes** | pre-trained encoders (cache), figures `03_*`, the section `03_dapt` of `results.json` |
# | **Before, after** | 02 fixes the protocol; nothing depends on this notebook |
# | **Time** | seven to ten minutes on 2 CPU cores that multiply bfloat16 in hardware, up to twice as long on others, seconds from the cache |
#
# In 2022 a gain was claimed for reading lyrics, then conversation, then emotion sentences. The encoder was frozen meanwhile, so that nothing could adapt, ids and labels stood in the
# text, and validation sentences in the corpus. Here the frozen encoder is one condition among others, only texts are read, and none that is scored; how small an effect this run could have
# seen is printed under the results.

# %% tags=["parameters"]
run = "default"
profile = "sample"
seed = 0
seeds = [0, 1, 2]
max_sentences = 0
max_train = 40
max_test = 0
max_lyrics = 60
max_texts = 1500
distance_texts = 0
held_out = 40
conditions = [
    "none",
    "tapt",
    "conversation",
    "lyrics",
    "unrelated",
    "lyrics_conversation_emotion",
    "conversation_lyrics_emotion",
    "frozen_2022",
]
encoder = "bundled/multilingual-e5-small"
pretrain_steps = 16
pretrain_batch = 16
accumulation = 1
pretrain_rate = 1e-4
mask_shares = [0.15, 0.4]
whole_words = False
epochs = 2
batch_size = 32
learning_rate = 2e-4
head_learning_rate = 1e-2
frozen_layers = 6

# %%
import dataclasses

import numpy as np
import pandas as pd
from IPython.display import display

from wyf_utils.core import intervals, metrics
from wyf_utils.core.language import pick
from wyf_utils.data import song_files, text_corpora
from wyf_utils.music import catalogue
from wyf_utils.study import adaptation, comparison, domain_distance, figures
from wyf_utils.study.notebook import committed, open_notebook
from wyf_utils.text import finetuning, linear_models, pretraining

# %%
nb = open_notebook(
    "03_dapt",
    run=run,
    profile=profile,
    seed=seed,
    seeds=seeds,
    max_sentences=max_sentences,
    max_train=max_train,
    max_test=max_test,
    max_lyrics=max_lyrics,
    max_texts=max_texts,
    distance_texts=distance_texts,
    held_out=held_out,
    conditions=conditions,
    encoder=encoder,
    pretrain_steps=pretrain_steps,
    pretrain_batch=pretrain_batch,
    accumulation=accumulation,
    pretrain_rate=pretrain_rate,
    mask_shares=mask_shares,
    whole_words=whole_words,
    epochs=epochs,
    batch_size=batch_size,
    learning_rate=learning_rate,
    head_learning_rate=head_learning_rate,
    frozen_layers=frozen_layers,
)
nb

# %% [markdown]
# ## The texts (말뭉치)
#
# Four domains: everyday talk (일상 대화), the task's own training sentences (감정 문장), lines of lyrics (가사), and procedural Korean that has nothing to do with feelings (조리법과 규정), the
# control: if that helps as much, it is the extra steps that help, not the domain. A third of the lyrics, by other artists, is set aside: the fine-tuned models are scored on them, against
# the emotion that the author had in mind. The `open` profile has no lyrics and takes the sample's.

# %%
splits = {
    corpus: catalogue.sentences(profile, seed, max_sentences, corpus)
    for corpus in text_corpora.corpora(profile)
}
first = next(iter(splits))
suffixes = {corpus: "" if corpus == first else f"@{corpus}" for corpus in splits}
lines, scored = adaptation.lyrics(profile, seed, max_lyrics)
domains = {
    "conversation": text_corpora.conversation(profile)["text"].tolist(),
    **{
        f"emotion{suffixes[corpus]}": parts["train"]["text"].tolist()
        for corpus, parts in splits.items()
    },
    "lyrics": lines,
    "unrelated": text_corpora.unrelated(profile)["text"].tolist(),
}
nb.uses(
    *map(list, domains.values()), *(part for parts in splits.values() for part in parts.values())
)
NAMES = {
    "conversation": ("일상 대화", "talk"),
    "lyrics": ("가사", "lyrics"),
    "unrelated": ("조리법·규정", "recipes"),
}
NAMES |= {
    f"emotion{s}": (f"감정 문장{s.replace('@', chr(10))}", f"emotion{s.replace('@', chr(10))}")
    for s in suffixes.values()
}
pd.DataFrame(
    {
        name: {"texts": len(texts), "characters a text": np.mean([len(t) for t in texts])}
        for name, texts in domains.items()
    }
).T.round(1)

# %% [markdown]
# ## How far apart are the domains? (도메인 사이의 거리)
#
# First a look: each point is a text, as the encoder sees it before any training here.

# %%
measured = {
    name: texts if not distance_texts else nb.rng.permutation(texts)[:distance_texts].tolist()
    for name, texts in domains.items()
}
points, of = domain_distance.pca_plane(measured, seed)
nb.figure(
    lambda lang: figures.domain_plane(
        points,
        of,
        "emotion",
        NAMES,
        lang,
        pick(lang, "사전학습 도메인과 과제 도메인", "Pre-training domains and the task's domain")
        + nb.mark(lang),
        pick(lang, "인코더 벡터의 두 주성분", "two principal components of the encoder's vectors"),
    ),
    "domains",
    caption={
        "ko": "도메인마다 글 120개의 인코더 벡터. 타원은 글의 3분의 2쯤을 담고, 실선이 과제 도메인이다.",
        "en": "Encoder vectors of 120 texts a domain; an ellipse holds about two thirds of them, the task's is solid.",
    },
)

# %% [markdown]
# **Vocabulary in two ways.** Left, after Gururangan et al. (2020): the share of the most frequent content words (kiwipiepy, stop words excluded). The paper takes 10,000; the smallest
# corpus here has fewer, so that every domain is cut to its number. Right, the way of 2022: Jaccard over all distinct sub-word ids, which grows with the corpus and saturates.

# %%
trio = ("conversation", "lyrics", "emotion")
counts = domain_distance.word_counts(measured)
words, frequent = domain_distance.shared_words(counts)
three, vocabularies = domain_distance.shared_words({name: counts[name] for name in trio})
pieces, piece_sets = domain_distance.shared_pieces(measured)
size, size_three = len(frequent["unrelated"]), len(vocabularies["lyrics"])
print(
    f"{size:,} words of each of the {len(domains)} domains, {size_three:,} of each of the three without the control (10,000 in the paper)"
)
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
    caption={
        "ko": "두 도메인이 함께 쓰는 어휘의 비율, 두 가지 방식",
        "en": "Vocabulary that two domains share, counted in two ways",
    },
)

# %%
ours = {
    "words": domain_distance.venn_shares(vocabularies),
    "pieces": domain_distance.venn_shares({name: piece_sets[name] for name in trio}),
}
nb.figure(
    lambda lang: figures.venns(
        {
            pick(lang, f"자주 쓰는 낱말 {size_three:,}개", f"{size_three:,} most frequent words"): (
                ours["words"],
                False,
            ),
            pick(lang, "서브워드 전체 (2022년 방식)", "all sub-words (as in 2022)"): (
                ours["pieces"],
                False,
            ),
            pick(lang, "2022년 발표 (서브워드)", "as published in 2022 (sub-words)"): (
                domain_distance.VENN_2022,
                True,
            ),
        },
        trio,
        NAMES,
        lang,
        pick(lang, "세 도메인의 어휘", "Vocabulary of the three domains") + nb.mark(lang),
    ),
    "vocabulary_venn",
    caption={
        "ko": "세 도메인 어휘의 벤 다이어그램(합집합에 대한 %). 빗금은 2022년 발표 값.",
        "en": "Venn diagrams of the three vocabularies (% of the union). Hatched: as published in 2022.",
    },
)

# %% [markdown]
# **Two readings of 2022.** The Jaccard indices were published twice, and the versions disagree: the slide's axes are in another order than its notebook's. The Venn diagram of the same
# year tells which is right, since the indices follow from its shares: the last column agrees with the notebook.

# %%
published = song_files.published_2022()["vocabulary_jaccard"]
PAIRS = (("conversation", "emotion"), ("conversation", "lyrics"), ("emotion", "lyrics"))
pd.DataFrame(
    {
        "words, ours": {f"{a}-{b}": three.loc[a, b] for a, b in PAIRS},
        "sub-words, ours": {f"{a}-{b}": pieces.loc[a, b] for a, b in PAIRS},
        "2022, slide": published["slide"],
        "2022, notebook": published["notebook"],
        "2022, from its Venn": {
            f"{a}-{b}": domain_distance.venn_jaccard(domain_distance.VENN_2022, a, b)
            for a, b in PAIRS
        },
    }
).round(1)

# %% [markdown]
# **Two distances that do not saturate**, each over samples of the same size. Left, the Jensen-Shannon divergence of sub-word frequencies (0 the same text, 100 nothing in common). Right, how
# often a classifier tells texts of two domains apart (50 is a guess). On the diagonals stand two samples of one domain: that much comes from sampling alone.

# %%
divergence, accuracy = (
    domain_distance.unigram_distance(measured, seed),
    domain_distance.two_sample_accuracy(measured, seed),
)
nb.figure(
    lambda lang: figures.heatmaps(
        {
            pick(
                lang, "젠슨-섀넌 발산 (1비트의 %)", "Jensen-Shannon divergence (% of a bit)"
            ): divergence,
            pick(lang, "분류기가 구별한 비율 (%)", "told apart by a classifier (%)"): accuracy,
        },
        NAMES,
        lang,
        pick(lang, "도메인이 얼마나 다른가", "How different the domains are") + nb.mark(lang),
    ),
    "distances",
    caption={
        "ko": "도메인 쌍의 젠슨-섀넌 발산과 이표본 분류 정확도. 대각선은 한 도메인의 두 표본이다.",
        "en": "Jensen-Shannon divergence and two-sample accuracy of pairs of domains; the diagonals are two samples of one domain.",
    },
)

# %% [markdown]
# ## What may be read (사전학습에 쓸 글)
#
# Three guards. Only the column with the text is read, never a line of the file. No sentence of any dev or test part enters, no line of a lyric that is scored, and no text kept for the losses
# below; nor a near duplicate of one (trigram Jaccard of 0.8). And the assertion looks again at what is left.

# %%
kept_out = [
    text for parts in splits.values() for name in ("dev", "test") for text in parts[name]["text"]
]
kept_out += [line for lyric in scored["lyric"] for line in lyric.splitlines()]
apart = {f"emotion{suffixes[corpus]}": parts["dev"]["text"] for corpus, parts in splits.items()}
apart |= {"lyrics": [line for lyric in scored["lyric"] for line in lyric.splitlines()]}
corpora = pretraining.corpora(
    domains, apart, kept_out, limit=max_texts, held_out=held_out, seed=seed
)
leaks = corpora.leaks()
assert not any(leaks.values()), leaks
print(
    f"{len(corpora.kept_out):,} texts are kept out; {sum(leaks.values())} of them, or of their near duplicates, are left in the corpora"
)
corpora.ledger

# %% [markdown]
# ## Continued pre-training (추가 사전학습)
#
# Masked language modelling: a share of the tokens is hidden, anew at every pass, and guessed. Every layer trains; the decoder is the input embeddings. Short lines are packed into rows of
# 64 tokens. Each stage has the same number of steps, whatever its corpus holds, at the rate of the paper's TAPT, and one that two conditions share is trained once. The vocabulary is cut to all corpora together, so that stages
# can follow each other. The bundled encoder has no language-model head: a new one is warmed up first, with the encoder frozen. It goes on learning in every stage, so a falling loss is not the
# encoder's doing alone; the condition of 2022, whose encoder stays frozen, shows how much is the head's.

# %%
recipe = pretraining.Pretraining(
    steps=pretrain_steps,
    head_steps=2 * pretrain_steps,
    batch_size=pretrain_batch,
    accumulation=accumulation,
    learning_rate=pretrain_rate,
    share=mask_shares[0],
    whole_words=whole_words,
)
start = pretraining.base(corpora, recipe, seed, encoder)
chains = adaptation.adapted(
    start, adaptation.plan(conditions, list(suffixes.values())), corpora, recipe, seed
)
before = pretraining.card(start)["after"]
paths = {
    " > ".join(pretraining.card(entry)["domain"] for entry in chain[1 : i + 1])
    + (", frozen" if name.startswith("frozen") else ""): chain[i]
    for name, chain in chains.items()
    for i in range(1, len(chain))
}
cards = {
    path: pretraining.card(entry) | {"minutes": entry.seconds / 60} for path, entry in paths.items()
}
print(start, f"{len(paths)} stages for {len(chains)} conditions", sep="\n")
display(
    pd.DataFrame(
        {
            path: {k: card[k] for k in ("texts", "passes", "tokens", "minutes")}
            for path, card in cards.items()
        }
    ).T.round(2)
)
pd.DataFrame(
    {
        path: {d: f"{card['before'][d]:.2f} to {card['after'][d]:.2f}" for d in before}
        for path, card in cards.items()
    }
).T

# %%
CONDITIONS = {
    "none": ("추가 사전학습 없음", "none"),
    "tapt": ("과제 문장 (TAPT)", "task sentences (TAPT)"),
    "conversation": ("일상 대화", "talk"),
    "lyrics": ("가사", "lyrics"),
    "unrelated": ("조리법·규정 (대조군)", "recipes (control)"),
    "lyrics_conversation_emotion": ("가사, 대화, 감정 순 (2022)", "lyrics, talk, emotion (2022)"),
    "conversation_lyrics_emotion": ("대화, 가사, 감정 순", "talk, lyrics, emotion"),
    "frozen_2022": ("2022년 방식 (인코더 고정)", "2022 recipe (frozen)"),
    "shuffled": ("섞은 라벨", "shuffled labels"),
    "majority": ("최빈 감정", "majority"),
}
losses = {name: pretraining.card(chain[-1])["after"] for name, chain in chains.items()}
nb.figure(
    lambda lang: figures.losses(
        before,
        {name: losses[name] for name in conditions if name != "none"},
        CONDITIONS,
        NAMES,
        lang,
        pick(
            lang,
            "추가 사전학습 전후의 언어 모델 손실",
            "Masked-LM loss before and after continued pre-training",
        )
        + nb.mark(lang),
    ),
    "mlm_loss",
    caption={
        "ko": "따로 둔 글에서 가린 토큰을 알아맞히는 손실, 도메인별로 추가 사전학습 전(세로선)과 후(화살표 끝)",
        "en": "Loss of guessing hidden tokens of held-out texts, by domain, before (line) and after (arrow head) continued pre-training",
    },
)

# %% [markdown]
# **How much to hide?** BERT hides 15 % of the tokens; Wettig et al. (2023) find 40 % better. The same stage, the task's sentences, with each share; both are asked for 15 % of the held-out tokens.

# %%
shares = {mask_shares[0]: chains["tapt"][-1]}
for share in mask_shares[1:]:
    shares[share] = pretraining.stage(
        start, "emotion", corpora, dataclasses.replace(recipe, share=share), seed
    )
pd.DataFrame(
    {"before": before}
    | {f"{share:.0%} hidden": pretraining.card(entry)["after"] for share, entry in shares.items()}
).round(3)

# %% [markdown]
# **Did the encoder move?** The share of its tensors that differ in any bit from where they started. `none` and the recipe of 2022 leave every bit in place; the other conditions move all.

# %%
moved = {name: adaptation.changed_share(start, chain[-1]) for name, chain in chains.items()}
assert all(share == 0 for name, share in moved.items() if name.startswith(("none", "frozen")))
assert all(share > 0 for name, share in moved.items() if not name.startswith(("none", "frozen")))
pd.Series(moved, name="share of tensors that moved").to_frame()

# %% [markdown]
# ## Fine-tuning (미세조정)
#
# Every condition is fine-tuned in the same way, on the same sentences, with the same seeds, and scored on the same test sentences and lyrics. Few labelled sentences are used, at most `max_train` of every
# emotion: that is where pre-training should matter most, and what fits the time. The lower layers and the embeddings stay as pre-training left them. An encoder without a moved bit is
# the one of `none`, and so are its fine-tuned models: they are not trained again.

# %%
tuning = finetuning.Recipe(
    epochs=epochs,
    batch_size=batch_size,
    learning_rate=learning_rate,
    head_learning_rate=head_learning_rate,
    frozen_layers=frozen_layers,
)
answers, true = {}, {}
for corpus, parts in splits.items():
    few, dev = (
        comparison.fewer(parts["train"], max_train, seed),
        comparison.fewer(parts["dev"], max(max_train // 4, 3 if max_train else 0), seed),
    )
    test = (
        parts["test"].sample(max_test, random_state=seed)
        if 0 < max_test < len(parts["test"])
        else parts["test"]
    )
    true[corpus] = test["emotion"].to_numpy()
    print(
        f"{corpus}: {len(few)} sentences to fine-tune on, {len(dev)} to choose by, {len(test)} and {len(scored)} lyrics to score, seeds {seeds}"
    )
    for name in conditions:
        place = f"{name}{suffixes[corpus]}"
        same = name != "none" and not moved[place]
        answers[corpus, name] = (
            answers[corpus, "none"]
            if same
            else adaptation.fine_tuned(
                chains[place][-1], few, dev, test["text"], scored, tuning, seeds
            )
        )

# %%
intent = scored["emotion"].to_numpy()
scores = {}
for corpus, parts in splits.items():
    given = {
        name: (answers[corpus, name].sentences, answers[corpus, name].lyrics) for name in conditions
    }
    given["shuffled"] = tuple(
        [linear_models.shuffled(parts["train"], n, s) for s in seeds]
        for n in (len(true[corpus]), len(intent))
    )
    given["majority"] = tuple(
        [linear_models.majority(parts["train"], n)] for n in (len(true[corpus]), len(intent))
    )
    for name, (sentences, lyrics) in given.items():
        scores[corpus, "macro_f1", name] = intervals.interval(
            true[corpus], sentences, metrics.macro_f1, seed=seed
        )
        scores[corpus, "micro_f1", name] = intervals.interval(
            true[corpus], sentences, metrics.micro_f1, seed=seed
        )
        scores[corpus, "macro_f1_lyrics", name] = intervals.interval(
            intent, lyrics, metrics.macro_f1, seed=seed
        )
nb.figure(
    lambda lang: figures.scores_beside(
        {
            pick(lang, "감정 문장", "emotion sentences"): {
                name: scores[first, "macro_f1", name] for name in given
            },
            pick(lang, "가사", "lyrics"): {
                name: scores[first, "macro_f1_lyrics", name] for name in given
            },
        },
        CONDITIONS,
        lang,
        pick(lang, "추가 사전학습한 뒤의 macro-F1", "Macro-F1 after continued pre-training")
        + nb.mark(lang),
        "macro-F1",
        baselines=("shuffled", "majority"),
    ),
    "dapt",
    caption={
        "ko": "조건별 macro-F1과 95 % 구간, 감정 문장과 가사에서",
        "en": "Macro-F1 of each condition with 95 % intervals, on emotion sentences and on lyrics",
    },
)

# %% [markdown]
# ## Result (결과)
#
# A bootstrap over rows, the same for both, and over fine-tuning seeds, drawn for each: a condition is better or worse than `none` only where the interval of the difference leaves zero out.
# Six conditions can differ in two columns, so up to one such table in two shows a difference where there is none, that of the open run as well. Where a rare emotion drops out of the
# drawn rows, macro-F1 is a mean over fewer emotions, so that its intervals reach far up. Pre-training itself has one seed. A loss that falls need not be a score that rises: the sentence vectors of the bundled encoder come
# from contrastive training, which a few steps of guessing words can pull apart before they teach it anything.

# %%
gain = adaptation.MICRO_F1_2022["after"] - adaptation.MICRO_F1_2022["before"]
against = {
    (corpus, measure, name): intervals.paired_difference(
        rows_, ours_, theirs, metrics.macro_f1, seed=seed
    )
    for corpus in splits
    for name in conditions[1:]
    for measure, rows_, ours_, theirs in (
        (
            "macro_f1",
            true[corpus],
            answers[corpus, name].sentences,
            answers[corpus, "none"].sentences,
        ),
        ("macro_f1_lyrics", intent, answers[corpus, name].lyrics, answers[corpus, "none"].lyrics),
    )
}
minutes = {
    (c, name): adaptation.minutes(chains[f"{name}{suffixes[c]}"], answers[c, name])
    for c, name in answers
}
for corpus in splits:
    table = {}
    for name in given:
        row = {
            wording: intervals.show(scores[corpus, m, name])
            for m, wording in (
                ("macro_f1", "macro-F1"),
                ("micro_f1", "micro-F1"),
                ("macro_f1_lyrics", "lyrics"),
            )
        }
        for measure, wording in (("macro_f1", "sentences"), ("macro_f1_lyrics", "lyrics")):
            if found := against.get((corpus, measure, name)):
                row |= {
                    f"against none, {wording}": intervals.show(found),
                    f"on {wording} it is": intervals.verdict(found),
                }
        table[name] = row | {k: f"{v:.1f}" for k, v in minutes.get((corpus, name), {}).items()}
    print(corpus)
    display(pd.DataFrame(table).T.fillna(""))

# %%
nb.figure(
    lambda lang: figures.differences(
        {
            pick(lang, w, m): {name: against[first, k, name] for name in conditions[1:]}
            for k, w, m in (
                ("macro_f1", "감정 문장", "emotion sentences"),
                ("macro_f1_lyrics", "가사", "lyrics"),
            )
        },
        CONDITIONS,
        lang,
        pick(lang, "추가 사전학습이 없을 때와의 차이", "Difference to no continued pre-training")
        + nb.mark(lang),
        pick(lang, "macro-F1의 차이", "difference in macro-F1"),
        marked=(
            gain,
            pick(lang, "2022년에 발표된 차이 (micro-F1)", "as published in 2022 (micro-F1)"),
        ),
    ),
    "differences",
    caption={
        "ko": "조건별 macro-F1에서 사전학습을 하지 않은 조건을 뺀 값과 95 % 구간",
        "en": "Macro-F1 of each condition less that of no continued pre-training, with 95 % intervals",
    },
)

# %%
for corpus in splits:
    for measure, wording in (("macro_f1", "emotion sentences"), ("macro_f1_lyrics", "lyrics")):
        verdicts = {
            name: intervals.verdict(against[corpus, measure, name]) for name in conditions[1:]
        }
        told = [
            f"{v}: {', '.join(n for n in verdicts if verdicts[n] == v)}"
            for v in ("better", "worse", "no difference")
            if v in verdicts.values()
        ]
        print(f"{corpus}, {wording}, against none. {'; '.join(told)}.")

# %% [markdown]
# **Could this run have seen an effect?** Three things decide: whether the models learned anything (better than 최빈 감정, the majority, and than 섞은 라벨, shuffled labels), how much was read in
# pre-training, and how small a difference leaves zero out: about half the width of the interval. The baselines know the proportions of the whole training part; the models learned at most
# `max_train` sentences of each emotion. Where models do not beat the baselines, corpora were read for a part of a pass, or 2022's
# difference is smaller than what shows, there was too little training or too little data to decide: "no difference" then means not seen, and is not evidence of no effect.

# %%
for corpus, parts in splits.items():
    for texts, truth, of in (
        ("emotion sentences", true[corpus], "sentences"),
        ("lyrics", intent, "lyrics"),
    ):
        rivals = {"majority": [linear_models.majority(parts["train"], len(truth))]}
        rivals["shuffled"] = [linear_models.shuffled(parts["train"], len(truth), s) for s in seeds]
        for rival, theirs in rivals.items():
            for score in (metrics.macro_f1, metrics.micro_f1):
                beside = {
                    n: intervals.paired_difference(
                        truth, getattr(answers[corpus, n], of), theirs, score, seed=seed
                    )
                    for n in conditions
                }
                told = [
                    f"{v} than {rival}: {', '.join(n for n, d in beside.items() if intervals.verdict(d) == v) or 'no condition'}"
                    for v in ("better", "worse")
                ]
                print(
                    f"{corpus}, {texts}, {score.__name__}, of {len(beside)} conditions: {'; '.join(told)}"
                )

# %%
passes = ", ".join(
    f"{domain} {p:.2f}"
    for domain, p in {card["domain"]: card["passes"] for card in cards.values()}.items()
)
print(
    f"{pretrain_steps:,} steps a stage, {pretrain_batch * accumulation} rows a step; passes over each corpus: {passes}"
)
for corpus in splits:
    changed = [
        n for n in conditions[1:] if moved[f"{n}{suffixes[corpus]}"]
    ]  # an encoder that did not move differs by nothing
    pairs = [
        (true[corpus], answers[corpus, n].sentences, answers[corpus, "none"].sentences)
        for n in changed
    ]
    micro = [intervals.paired_difference(*pair, metrics.micro_f1, seed=seed) for pair in pairs]
    for name, apart_by in {
        "macro_f1": [against[corpus, "macro_f1", n] for n in changed],
        "micro_f1": micro,
    }.items():
        if not changed:
            continue
        halves = [(d["high"] - d["low"]) / 2 for d in apart_by]
        told = (
            "could show"
            if gain > max(halves)
            else "could show for some conditions only"
            if gain > min(halves)
            else "could not show"
        )
        print(
            f"{corpus}, {name}: differences from {min(halves):.3f} to {max(halves):.3f} would show; 2022's {gain:+.3f} (micro-F1) {told}"
        )

# %% [markdown]
# **On real data.** A reader of the sample run sees here what the same code found on KOTE and GoEmotions-Korean, from the committed results of the `open` run.

# %%
elsewhere = committed("open", nb.stem)
pd.DataFrame(
    {
        f"{wording}{suffix or ' (KOTE)'}": {
            name: intervals.show(elsewhere[key])
            + (f" {intervals.verdict(elsewhere[key])}" if "difference" in key else "")
            for name in CONDITIONS
            if (key := f"{measure}/{name}{'-none' if 'difference' in measure else ''}{suffix}")
            in elsewhere
        }
        for measure, wording in (("macro_f1", "macro-F1"), ("macro_f1_difference", "against none"))
        for suffix in ("", "@goemotions")
    }
).fillna("")

# %%
for corpus, suffix in (("KOTE", ""), ("GoEmotions-Korean", "@goemotions")):
    keys = [
        key
        for name in CONDITIONS
        if name != "frozen_2022"
        and (key := f"macro_f1_difference/{name}-none{suffix}") in elsewhere
    ]
    halves = [(elsewhere[key]["high"] - elsewhere[key]["low"]) / 2 for key in keys]
    if halves:
        print(
            f"open run, {corpus}: differences in macro-F1 from {min(halves):.3f} to {max(halves):.3f} would show; 2022's {gain:+.3f} (micro-F1)"
        )

# %% [markdown]
# ## What 2022 did, and what the same data says (2022년의 방법)
#
# 2022 read its files line by line, so that ids and labels stood in the text, with the validation sentences among them, and trained with the encoder frozen. Left, what its model would have read of
# our sentences; right, what ours reads.

# %%
every = pd.concat(splits[first].values(), ignore_index=True)
shown = every.sample(3, random_state=seed)
print(
    f"of {len(every):,} sentences, {len(splits[first]['dev']) + len(splits[first]['test']):,} are held out: in 2022 they were read too"
)
pd.DataFrame(
    {
        "as in 2022": [f"{row.Index},{row.label},{row.text}" for row in shown.itertuples()],
        "here": shown["text"].to_numpy(),
    }
)

# %% [markdown]
# The frozen recipe, beside the same order with the whole encoder. Where its loss falls (the table above shows in which domains), that is
# the new head's learning, and looks like adaptation; but every bit of the encoder is where it was,
# so the fine-tuned models are those of `none` and the difference is zero by construction. Its interval tells what chance alone gives between fine-tuning seeds, and so does the range of `none`. The
# gain published in 2022 was measured on one seed, and on another split than the score before it.

# %%
table = {}
for name in [
    name for name in ("none", "lyrics_conversation_emotion", "frozen_2022") if name in conditions
]:
    each = [metrics.macro_f1(true[first], a) for a in answers[first, name].sentences]
    table[name] = {
        "tensors moved": f"{moved[name]:.0%}",
        "loss on emotion sentences": f"{before['emotion']:.2f} to {losses[name]['emotion']:.2f}",
        "macro-F1 of each seed": ", ".join(f"{f:.3f}" for f in each),
        "range over seeds": f"{max(each) - min(each):.3f}",
        "against none": intervals.show(against[first, "macro_f1", name]) if name != "none" else "",
    }
print(
    f"published in 2022: micro-F1 {adaptation.MICRO_F1_2022['before']} to {adaptation.MICRO_F1_2022['after']}, {gain:+.3f}"
)
pd.DataFrame(table).T

# %% [markdown]
# ## What came from the cache

# %%
nb.provenance()

# %% [markdown]
# ## Headline numbers

# %%
results = {
    f"{measure}/{name}{suffixes[corpus]}": value
    for (corpus, measure, name), value in scores.items()
}
results |= {
    f"{measure}_difference/{name}-none{suffixes[corpus]}": d
    for (corpus, measure, name), d in against.items()
}
results |= {
    f"mlm_loss/{name}/{domain}": loss
    for name, each in losses.items()
    for domain, loss in each.items()
}
results |= {
    f"mlm_loss/tapt_hiding_{round(100 * share)}/{domain}": loss
    for share, entry in shares.items()
    for domain, loss in pretraining.card(entry)["after"].items()
}
results |= {
    f"minutes/{name}{suffixes[corpus]}": sum(spent.values())
    for (corpus, name), spent in minutes.items()
}
results |= {f"tensors_moved/{name}": share for name, share in moved.items()}
for measure, table in (
    ("shared_words", words),
    ("shared_pieces", pieces),
    ("divergence", divergence),
    ("told_apart", accuracy),
):
    results |= {
        f"{measure}/{a}-{b}": float(table.loc[a, b])
        for i, a in enumerate(domains)
        for b in list(domains)[i + 1 :]
    }
results |= {f"rows/{name}": n for name, n in corpora.ledger["read"].items()} | {
    "rows/kept_out": len(corpora.kept_out),
    "rows/leaked": sum(leaks.values()),
}
nb.record(results)
