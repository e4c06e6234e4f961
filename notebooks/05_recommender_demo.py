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
# # 05 · From a feeling to songs (추천 데모)
#
# | | |
# |---|---|
# | **Question** | Does WYF answer a typed feeling with songs that fit, that differ, and that are others tomorrow? |
# | **Reads** | the classifier of 02, the mel network chosen in 04, the songs of 01; in the open run the 42,839 song vectors published in 2022 |
# | **Writes** | the music database of the run, figures `05_*`, the section `05_recommender_demo` of `results.json` |
# | **Before, after** | 02 and 04 train the models; `wyf feel` and the page answer from the database written here |
# | **Time** | three minutes on 2 CPU cores after 02 and 04 |

# %% tags=["parameters"]
run = "default"
profile = "sample"
seed = 0
max_sentences = 0
encoder = "bundled/multilingual-e5-small"
text_epochs = 1
learning_rate = 2e-4
frozen_layers = 8
max_songs = 0
mel_weight = 0.3
simulated = 500
search_sizes = [1_000, 10_000, 42_839, 200_000, 707_989]

# %%
from dataclasses import replace

import numpy as np
import pandas as pd
from IPython.display import display
from sklearn.metrics.pairwise import cosine_similarity

from wyf_utils.app import feeling, terminal
from wyf_utils.core import emotions, intervals, metrics, vectors
from wyf_utils.data import song_files, text_corpora
from wyf_utils.music import catalogue, database, fusion, score_songs
from wyf_utils.music.recommender import SongQuery, query_vectors, recommend
from wyf_utils.study import (
    explanation_evaluation,
    figures,
    recommender_evaluation,
    safety_evaluation,
)
from wyf_utils.study.notebook import open_notebook
from wyf_utils.text import finetuning, reader, safety

nb = open_notebook(
    "05_recommender_demo", run=run, profile=profile, seed=seed, max_sentences=max_sentences,
    encoder=encoder, text_epochs=text_epochs, learning_rate=learning_rate,
    frozen_layers=frozen_layers, max_songs=max_songs, mel_weight=mel_weight,
    simulated=simulated, search_sizes=search_sizes,
)  # fmt: skip
nb

# %% [markdown]
# ## How it works (구조)

# %%
nb.figure("architecture", figures.architecture())

# %%
nb.figure("architecture_text", figures.architecture_text())

# %%
nb.figure("architecture_mel", figures.architecture_mel())

# %%
nb.figure("architecture_recommender", figures.architecture_recommender())

# %%
nb.figure("design_initial", figures.initial_design())

# %% [markdown]
# ## The catalogue (노래 목록)
#
# Every song has a vector from its lyric and one from its sound. A model that leans to one emotion makes a catalogue that leans: each kind is first divided by
# its own mean over the catalogue and scaled back to sum to one (prior correction, 사전확률 보정; Saerens et al. 2002). The sound's vectors, hardly sure of anything, are then made as sharp
# on average as the lyrics' (one temperature, 확신도 맞추기), else they would hardly count in a mean. The fused vector (결합 벡터) is the mean of the two, with
# one weight an emotion. Where it is known what songs were meant for (the sample), weights are learned on all
# songs but the test artists', each heard by a head that did not learn from its artist (04); else `mel_weight` holds for all: 0 in the open run,
# since the sound vectors of 2022 agree with its lyrics hardly more than chance (04), so that its fused vectors are corrected lyrics.

# %%
recipe = finetuning.Recipe(
    encoder=encoder, epochs=text_epochs, learning_rate=learning_rate, frozen_layers=frozen_layers
)
model = catalogue.text_model(profile, recipe, seed, max_sentences)
made = score_songs.score_catalogue(
    profile,
    recipe,
    seed,
    limit=max_sentences,
    max_songs=max_songs,
    mel_weight=mel_weight,
)
nb.uses(made.database.lyric, made.database.mel)
provenance = {"run": run, "model": model.key, **made.database.provenance}
written = database.build(nb.out / database.NAME, replace(made.database, provenance=provenance))
music = feeling.open_songs(run)
f"{len(music):,} songs, {'written' if written else 'unchanged'}"

# %% [markdown]
# **Which emotions does the catalogue hold, before and after?** The largest emotion of each song. Half-half is the fusion of 2022; beside each other (concatenated), the
# two vectors lean as their mean does.

# %%
halves = {
    "half": fusion.fuse(music.lyric, music.mel, 0.5),
    "half_corrected": fusion.fuse(made.corrected["lyric"], made.corrected["mel"], 0.5),
}
kinds = {
    "lyric": music.lyric,
    "mel": music.mel,
    "half": halves["half"],
    "lyric_corrected": made.corrected["lyric"],
    "mel_corrected": made.corrected["mel"],
    "half_corrected": halves["half_corrected"],
    "fused": music.fused,
}
shares = {
    kind: np.bincount(vectors.argmax(1), minlength=emotions.N) / len(vectors)
    for kind, vectors in kinds.items()
}
nb.figure("catalogue_emotions", figures.stacked_shares(shares), n=len(music))

# %%
print(f"temperature that makes the sound as sharp as the lyrics: {made.mel_temperature:.2f}")
pd.DataFrame({"weight of the sound": made.mel_weights}, index=list(emotions.KO)).round(2).T

# %% [markdown]
# **Does the sound only repeat the majority?** Agreement of the two vectors, beside always giving the lyrics' most frequent emotion. Only the test artists' songs
# count; which those of 2022 were is not known, and all count.

# %%
unheard = made.held_out
lyric, sound = music.lyric[unheard].argmax(1), music.mel[unheard].argmax(1)
most = metrics.majority(lyric, len(lyric)).argmax(1)
results = {
    f"{name}/{kind}": intervals.interval(lyric, [found], score, seed=seed)
    for name, score in (("top1", metrics.micro_f1), ("kappa", metrics.kappa))
    for kind, found in (("mel", sound), ("majority", most))
} | {f"majority_share/{kind}": float(share.max()) for kind, share in shares.items()}
pd.Series({name: intervals.format_score(value) for name, value in results.items()})

# %% [markdown]
# ## Songs for a feeling (오늘의 기분은 어떤가요?)
#
# A sentence becomes six probabilities; exact cosine search finds the songs that fit nearly as well as the best; of these a seed draws, and the answer takes
# those that differ most (artist, genre, what the lyric is about). Tomorrow's seed brings other songs, as far as the catalogue has others that fit
# (how many come again: see the verdict). The table shows what was read in each sentence; where that is wrong, the songs are wrong with it.

# %%
SENTENCES = [
    "면접에서 또 떨어져서 너무 속상해",
    "드디어 취직했다! 엄마한테 제일 먼저 전화했어",
    "내일 발표인데 손이 떨려서 잠이 안 와",
    "창문 열어 두고 차 한 잔 하니까 참 좋다",
    "약속을 세 번이나 어기고 사과도 안 하네 진짜",
    "오늘 회의는 세 시에 시작한다",
]
answers = [feeling.answer(sentence, run, SongQuery(seed=seed)) for sentence in SENTENCES]
felt = np.stack([answer.emotion_vector for answer in answers])
shown = pd.DataFrame(felt, index=SENTENCES, columns=list(emotions.KO)).round(2)
shown.assign(
    sure=[answer.sure for answer in answers], said=[answer.message["ko"] for answer in answers]
)

# %%
nb.figure("feelings", figures.feelings(SENTENCES, felt))

# %%
COLUMNS = ["title", "artist", "genre", "year", "cosine"]
pd.concat(
    {answer.sentence: answer.songs[COLUMNS].round(3) for answer in answers},
    names=["sentence", "rank"],
)

# %% [markdown]
# **How much is such a cosine?** Vectors of probabilities are all in one corner, so that even a song that says nothing (all six alike) is near. Beside the answer: that song, and the
# catalogue's median song, each against what was searched for (where no emotion was read, a plain, calm mood). Where the song that says nothing is nearer than the answer, the
# feeling was read so evenly that variety costs more than the songs' emotion gains.

# %%
aims = np.stack([answer.query_vectors[0] for answer in answers])
answered = [answer.songs["cosine"].mean() for answer in answers]
median, flat = (
    np.median(cosine_similarity(aims, music.fused), axis=1),
    cosine_similarity(aims, np.ones((1, emotions.N)))[:, 0],
)
pd.DataFrame(
    {"answer": answered, "median song": median, "song that says nothing": flat}, index=SENTENCES
).round(3)

# %% [markdown]
# **Tomorrow, the opposite, and wide (내일, 반대, 탐색).** The first sentence again.

# %%
others = {
    "tomorrow": SongQuery(seed=seed + 1),
    "opposite (반대)": SongQuery(mode="opposite", seed=seed),
    "wide (탐색)": SongQuery(mode="wide", seed=seed),
}
pd.concat(
    {
        name: feeling.answer(SENTENCES[0], run, query).songs[COLUMNS].round(3)
        for name, query in others.items()
    },
    names=["query", "rank"],
)

# %% [markdown]
# **Type your own (직접 써 보기).**

# %%
terminal.input_box(run)

# %% [markdown]
# ## A path from sadness to joy (전환)
#
# Music therapy meets a mood before it changes it (iso principle, 동질성의 원리). The thin bars are what is searched for at each step, at even angles; the wide ones are the
# songs chosen. Each step takes a song not yet taken that is nearly as near as the best, so that the path goes only as far as the catalogue has clear songs: the last may
# hold less joy than the one before.

# %%
query = SongQuery(mode="path", target_emotion=emotions.EN.index("joy"), k=6, seed=seed)
sad = 0.88 * np.eye(emotions.N)[emotions.EN.index("sadness")] + 0.02
path = recommend(sad, music, query)
aims, of_songs = query_vectors(sad, query), music.fused[path["row"]]
nb.figure("path", figures.emotion_path(path["title"].tolist(), of_songs, aims))

# %% [markdown]
# ## Why these songs? (추천한 까닭)
#
# Songs are chosen by their vectors, artists, genres and themes. Beside that stand two things that had no part in the choice. Which words moved the emotion: the sentence is read again
# without each word (occlusion), one word at a time, so that a word like 너무 can seem to do more than the word that names the feeling. Which line of each song is nearest to the
# sentence: by text embedding, often by its subject alone.

# %%
reasons = feeling.explain(answers[0], run)
best = int(answers[0].songs["cosine"].argmax())
song, vector = answers[0].songs["title"][best], answers[0].vectors[best]
why = figures.why(reasons.words, felt[0], song, vector)
nb.figure("why", why, sentence=SENTENCES[0])

# %%
answers[0].songs[["title", "artist"]].assign(nearest_line=reasons.lines)

# %% [markdown]
# ## How many songs are ever answered? (얼마나 많은 노래가 나오나)
#
# Confident feelings are simulated, as many for each emotion. Compared: the half-half vectors and top five of 2022, the top five by cosine in the vectors that we search,
# our answers, which draw with another seed each time, and five songs at random, which reach most and fit nothing. Drops are against the exact top five in the vectors that each searches.

# %%
feelings = recommender_evaluation.confident_feelings(simulated, seed)
half = sum(song_files.vectors_2022()) / 2 if profile == "open" else halves["half"]
searched = {"2022": half, "cosine_top5": music.fused, "ours": music.fused}
rows = {
    name: recommender_evaluation.top_cosine(feelings, searched[name], 5)
    for name in ("2022", "cosine_top5")
} | {"ours": recommender_evaluation.recommended_rows(feelings, music)}
few = feelings[:: max(1, len(feelings) // 600)]
again = {name: rows[name][:: max(1, len(feelings) // 600)] for name in ("2022", "cosine_top5")}
again["ours"] = recommender_evaluation.recommended_rows(few, music, first_seed=len(feelings))
drawn = [
    recommender_evaluation.random_rows(len(music), len(wishes), 5, seed + i)
    for i, wishes in enumerate((feelings, few))
]
compared = {name: (searched[name], rows[name], again[name]) for name in rows}
compared["random"] = (music.fused, *drawn)
table = recommender_evaluation.compare(feelings, music, compared)
results |= {
    f"{measure}/{name}": float(value) for name in table for measure, value in table[name].items()
}
table.round(4)

# %% [markdown]
# **And over feelings as they are read?** Few are so confident. The same over what the model reads in the sentences of the test part.

# %%
test = catalogue.sentences(profile, seed, max_sentences)["test"]
read = reader.load(model.path).predict(test["text"].tolist())
found = {
    name: recommender_evaluation.top_cosine(read, searched[name], 5)
    for name in ("2022", "cosine_top5")
}
found |= {
    "ours": recommender_evaluation.recommended_rows(read, music),
    "random": recommender_evaluation.random_rows(len(music), len(read), 5, seed),
}
results |= {
    f"coverage_read/{name}": recommender_evaluation.coverage(songs, len(music))
    for name, songs in found.items()
}
confident = (read.max(1) >= 0.8).mean()
print(f"{len(read):,} sentences, the largest probability is at least 0.8 in {confident:.1%}")
reach = {name: f"{results[f'coverage_read/{name}']:.1%}" for name in found}
pd.Series(reach, name="share of the catalogue")

# %%
reached = {
    name: recommender_evaluation.songs_per_emotion(feelings, found) for name, found in rows.items()
}
nb.figure("coverage_hubs", figures.reach_and_hubs(reached, rows))

# %% [markdown]
# **Do the answers fit?** On the sample it is known what each lyric was written for: the share of answers whose song was meant for the feeling's main emotion. Only songs whose
# artists no model and no weight has learned from are searched. Intervals draw these songs, with the answers as they are. `half_flat` is half-half corrected without sharpening; WYF also varies artists and genres. Most sounds were composed for that same intent (all but the share `contradiction` of 04), so what sound adds here is what it could
# add if real sound followed the lyric as often.

# %%
if made.intents is not None:
    # as it was before sharpening
    flat = vectors.apply_temperature(made.corrected["mel"], 1 / made.mel_temperature)
    kinds["half_flat"] = fusion.fuse(made.corrected["lyric"], flat, 0.5)
    meant = made.intents[unheard]
    both = np.concatenate([made.corrected["lyric"], made.corrected["mel"]], axis=1)
    fits = {kind: (feelings, of_kind[unheard]) for kind, of_kind in kinds.items()}
    fits["concatenated"] = (np.tile(feelings, 2), both[unheard])
    found = {kind: recommender_evaluation.top_cosine(*fit, 5) for kind, fit in fits.items()}
    found["ours"] = recommender_evaluation.recommended_rows(feelings, music.part(unheard))
    found["random"] = np.tile(np.arange(len(meant)), (len(feelings), 1))
    tallies = {
        kind: recommender_evaluation.hit_counts(feelings, meant, songs)
        for kind, songs in found.items()
    }

# %%
if made.intents is not None:
    rate, mean_cosine = recommender_evaluation.hit_rate, recommender_evaluation.mean_cosine
    for kind, tally in tallies.items():
        results[f"fit/{kind}"] = intervals.interval(meant, [tally], rate, seed=seed)
    pairs = [("ours", other) for other in ("half", "half_corrected", "fused")]
    pairs += [("fused", other) for other in ("half", "half_corrected", "lyric_corrected")]
    for one, other in pairs:
        pair = (meant, [tallies[one]], [tallies[other]])
        difference = intervals.paired_difference(*pair, rate, seed=seed)
        results[f"fit_difference/{one}-{other}"] = difference
    for other in ("half", "half_flat", "half_corrected", "lyric_corrected"):
        pair = (meant, [music.fused[unheard]], [kinds[other][unheard]])
        difference = intervals.paired_difference(*pair, mean_cosine, seed=seed)
        results[f"intent_cosine_difference/fused-{other}"] = difference
    shown = {
        k: intervals.format_score(v) for k, v in results.items() if k.startswith(("fit", "intent"))
    }
    display(pd.Series(shown, name="share or cosine"))

# %% [markdown]
# ## How long does a search take? (검색 시간)
#
# Exact cosine over random catalogues, one thread, milliseconds: medians of calls taken in turn, but `loop` is timed once on a few hundred songs and extrapolated; all others find the
# same songs. 2022 first called scikit-learn once per song (`loop`), then
# computed the whole expression and sorted all. WYF and faiss keep vectors at unit length.

# %%
shapes = [(songs, emotions.N) for songs in search_sizes]
times = recommender_evaluation.time_search(shapes, seed=seed)
nb.figure("search_time", figures.search_time(times))

# %%
results["search_speedup/2022"] = float(times["expression_2022"].iloc[-1] / times["wyf"].iloc[-1])
times.round(3)

# %% [markdown]
# ## Do the reasons name the feeling? (까닭은 맞는 말인가)
#
# Two readers, who saw the sentence alone, underlined the word that names the feeling. Is it the word whose removal lowers the emotion most, and does its removal lower
# it at all? Sentences of writers that the model has not learned from; a random word as the baseline.

# %%
attributed = explanation_evaluation.attribute(
    text_corpora.underlined_words(), feeling.open_reader(music, run)
)
results |= explanation_evaluation.results(attributed)
for name in ("random", "top_word", "lowers"):
    print(f"{name:10} {intervals.format_score(results[f'reasons/{name}'])}")
attributed.loc[~attributed["agrees"], ["text", "reader_1", "top"]].head(8)

# %% [markdown]
# ## Danger first (위험 신호 먼저)
#
# Before any song, each sentence is judged: direct words of a wish to die or of self-harm are rules, all others go to three small linear models, on characters, letters and
# morphemes, taught on the training writers of `care.csv` and on ordinary sentences. There are two answers: the helpline above everything (risk), or one quiet line
# (distress). Below, the four writers of the test half, whom no rule and no threshold was made for. Found is either answer.

# %%
detector = safety.load(safety.trained().path)
care = text_corpora.care_sentences()
judged = safety_evaluation.judge(detector, care[care["part"] == "test"])
ordinary = catalogue.sentences("sample", seed)["test"]["text"].tolist()
results |= safety_evaluation.results(judged, detector, ordinary)
safety_evaluation.by_kind(judged).round(2)

# %% [markdown]
# What it misses, and the harmless sentences that it answers as risk.

# %%
missed = judged[judged["at_risk"] & ~judged["found"]]
alarmed = judged[~judged["at_risk"] & judged["risk"]]
display(missed[["kind", "text"]], alarmed[["kind", "text"]])

# %% [markdown]
# ## What it gets wrong (틀리는 것)
#
# The sentences of the test part that the model is most sure of and wrong about. An answer can only be as good as what was read.

# %%
wrong = np.flatnonzero(read.argmax(1) != test["emotion"].to_numpy())
worst = wrong[np.argsort(-read[wrong].max(1))[:6]]
pd.DataFrame(
    {
        "sentence": test["text"].iloc[worst],
        "true": [emotions.KO[e] for e in test["emotion"].iloc[worst]],
        "read": [emotions.KO[e] for e in read[worst].argmax(1)],
        "probability": read[worst].max(1).round(2),
    }
)

# %% [markdown]
# Songs of unheard artists that are furthest from what they were written for (sample only).

# %%
if made.intents is not None:
    missed = (music.fused * made.intents)[unheard].max(1) - music.fused[unheard].max(1)
    lost = np.flatnonzero(unheard)[np.argsort(missed)[:6]]
    meant_for = [", ".join(np.array(emotions.KO)[mask]) for mask in made.intents[lost]]
    read_as = [emotions.KO[e] for e in music.fused[lost].argmax(1)]
    columns = music.songs.iloc[lost][["title", "artist", "genre"]]
    display(columns.assign(read=read_as, meant=meant_for))

# %% [markdown]
# ## Verdict (결론)

# %%
verdicts = {
    "reach against 2022": (
        f"{results['coverage/ours']:.1%} of the catalogue instead of "
        f"{results['coverage/2022']:.1%}, {results['coverage/random']:.1%} at random; "
        f"over feelings as they are read {results['coverage_read/ours']:.1%} instead of "
        f"{results['coverage_read/2022']:.1%}"
    )
}
if "diversity/ours" in results:
    differ = f"{results['diversity/ours']:.3f}, in 2022 {results['diversity/2022']:.3f}"
    verdicts["songs of an answer that differ"] = differ
fewest = [results[f"songs_per_emotion_min/{name}"] for name in ("ours", "2022")]
verdicts["fewest songs of an emotion"] = "{:.0f} instead of {:.0f}".format(*fewest)
verdicts["what it costs"] = (
    f"a mean cosine {results['cosine_drop/ours']:.3f} below the exact top five, "
    f"{results['cosine_drop_max/ours']:.3f} for the worst emotion"
)

# %%
if "fit/ours" in results:
    fit = {kind: intervals.format_score(results[f"fit/{kind}"]) for kind in tallies}
    by_cosine = ", ".join(f"{kind} {fit[kind]}" for kind in ("concatenated", *kinds))
    verdicts["answers meant for the feeling"] = (
        f"{fit['ours']}, {fit['random']} at random; "
        f"top five by cosine, without variety: {by_cosine}"
    )
    for name, difference in results.items():
        if name.startswith("fit_difference"):
            pair = name.split("/")[1].replace("-", " against ")
            verdicts[f"fit, {pair}"] = intervals.verdict(difference)

# %%
verdicts["the word that moved the reading is the one that readers underlined"] = (
    f"{intervals.format_score(results['reasons/top_word'])}, "
    f"{intervals.format_score(results['reasons/random'])} at random"
)
verdicts["people at risk found, on writers not learned from"] = (
    f"{intervals.format_score(results['recall/care'])}, direct words "
    f"{intervals.format_score(results['recall/care_direct'])}; harmless look-alikes alarmed "
    f"{intervals.format_score(results['false_alarm/care_harmless'])}, ordinary sentences "
    f"{intervals.format_score(results['false_alarm/ordinary'])}"
)
weights = zip(emotions.KO, made.mel_weights, strict=True)
verdicts["what the sounds weigh"] = ", ".join(f"{name} {weight:.2f}" for name, weight in weights)
verdicts["how often a song comes again"] = (
    f"{results['repeats/ours']:.1%} of the next answer, {results['repeats/2022']:.0%} in 2022"
)
verdicts["the largest emotion of the catalogue"] = (
    f"{results['majority_share/fused']:.0%} of songs, "
    f"{results['majority_share/half']:.0%} half-half as in 2022"
)
for name, difference in results.items():
    if name.startswith("intent_cosine"):
        rival = name.split("-")[1]
        verdicts[f"fused against {rival}, nearness to intent"] = intervals.verdict(difference)
print("\n".join(f"{question}: {verdict}" for question, verdict in verdicts.items()))

# %% [markdown]
# ## What came from the cache

# %%
nb.provenance()

# %% [markdown]
# ## Headline numbers

# %%
of_emotions = zip(emotions.EN, shares["fused"], made.mel_weights, strict=True)
for name, share, weight in of_emotions:
    results |= {f"share_fused/{name}": float(share), f"mel_weight/{name}": float(weight)}
results |= {"rows/songs": len(music)}
nb.record(results)
