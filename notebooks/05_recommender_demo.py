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
# | **Question** | What does WYF answer to a typed feeling, and what kind of catalogue does it answer from? |
# | **Reads** | the classifier of 02, the mel CNN of 04, the songs of 01; in the open run the 42,839 song vectors published in 2022 |
# | **Writes** | the music database of the run, figures `05_*`, the section `05_recommender_demo` of `results.json` |
# | **Before, after** | 02 and 04 train the models; `wyf feel` answers from the database written here |
# | **Time** | about one minute on 2 CPU cores after 02 and 04 |

# %% tags=["parameters"]
run = "default"
profile = "sample"
seed = 0
max_sentences = 0
encoder = "bundled/multilingual-e5-small"
text_epochs = 4
learning_rate = 1e-4
frozen_layers = 6
max_songs = 0
mel_epochs = 20
mel_weight = 0.3

# %%
import numpy as np
import pandas as pd

from wyf_utils import catalogue, classifier, database, emotions, figures, inference, metrics, recommender
from wyf_utils.figures import pick
from wyf_utils.notebook import open_notebook

nb = open_notebook(
    "05_recommender_demo",
    run=run,
    profile=profile,
    seed=seed,
    max_sentences=max_sentences,
    encoder=encoder,
    text_epochs=text_epochs,
    learning_rate=learning_rate,
    frozen_layers=frozen_layers,
    max_songs=max_songs,
    mel_epochs=mel_epochs,
    mel_weight=mel_weight,
)
nb

# %% [markdown]
# ## How it works (구조)

# %%
nb.figure(figures.architecture, "architecture", caption={"ko": "문장과 노래에서 추천까지의 구조", "en": "From a sentence and a song to the list"})

# %%
nb.figure(figures.initial_design, "design_initial", caption={"ko": "2022년의 초기 설계", "en": "The initial design of 2022"})

# %% [markdown]
# ## The catalogue (노래 목록)
#
# Every song has a vector from its lyric and one from its sound. The fused vector (결합 벡터) is their weighted mean; `mel_weight` 0.5 is the mean of 2022.

# %%
recipe = classifier.Recipe(encoder=encoder, epochs=text_epochs, learning_rate=learning_rate, frozen_layers=frozen_layers)
model = catalogue.text_model(profile, recipe, seed, max_sentences)
music, unheard = catalogue.music(profile, recipe, seed, limit=max_sentences, max_songs=max_songs, mel_epochs=mel_epochs, mel_weight=mel_weight)
nb.uses(music.lyric, music.mel)
provenance = {"run": run, "profile": profile, "model": model.key, "mel_weight": mel_weight, "data": nb.data}
database.build(nb.out / database.NAME, music.songs, music.lyric, music.mel, music.fused, provenance)
music = database.read(nb.out / database.NAME)
f"{len(music.songs):,} songs"

# %% [markdown]
# **Which emotions does the catalogue hold?** The largest emotion of each song, by lyric, by sound, and fused.

# %%
kinds = {"lyric": music.lyric, "mel": music.mel, "fused": music.fused}
shares = {kind: np.bincount(vectors.argmax(1), minlength=emotions.N) / len(vectors) for kind, vectors in kinds.items()}
KINDS = {"lyric": ("가사", "lyrics"), "mel": ("소리", "sound"), "fused": ("결합", "fused")}
nb.figure(
    lambda lang: figures.stacked_shares(
        shares, KINDS, lang, pick(lang, f"노래 {len(music.songs):,}곡의 감정", f"Emotions of {len(music.songs):,} songs") + nb.mark(lang)
    ),
    "catalogue_emotions",
    caption={"ko": "가사, 소리, 결합 벡터에서 가장 큰 감정의 비율", "en": "Share of the largest emotion by lyric, by sound, and fused"},
)

# %% [markdown]
# **Does the sound only repeat the majority?** Agreement of the two vectors, beside always giving the lyrics' most frequent emotion. Only songs whose artists the mel
# model has not trained on count; for the vectors of 2022 that is not known, and all count.

# %%
lyric, sound = music.lyric[unheard].argmax(1), music.mel[unheard].argmax(1)
most = metrics.majority(lyric, len(lyric)).argmax(1)
results = {
    "top1/mel": metrics.micro_f1(lyric, sound),
    "top1/majority": metrics.micro_f1(lyric, most),
    "kappa/mel": metrics.kappa(lyric, sound),
    "kappa/majority": metrics.kappa(lyric, most),
    "majority_share/lyric": float(shares["lyric"].max()),
    "majority_share/mel": float(shares["mel"].max()),
    "majority_share/fused": float(shares["fused"].max()),
}
pd.Series(results).round(4)

# %% [markdown]
# ## Songs for a feeling (감정에 맞는 노래)
#
# A sentence becomes six probabilities; exact cosine search finds the songs whose fused vector points the same way.

# %%
SENTENCES = [
    "면접에서 또 떨어져서 너무 속상해",
    "드디어 취직했다! 엄마한테 제일 먼저 전화했어",
    "내일 발표인데 손이 떨려서 잠이 안 와",
    "창문 열어 두고 차 한 잔 하니까 참 좋다",
    "약속을 세 번이나 어기고 사과도 안 하네 진짜",
    "오늘 회의는 세 시에 시작한다",
]
reader = inference.load(model.path)
felt = reader.predict(SENTENCES)
pd.DataFrame(felt, index=SENTENCES, columns=list(emotions.KO)).round(2)

# %%
answers = {sentence: recommender.recommend(vector, music, 5) for sentence, vector in zip(SENTENCES, felt, strict=True)}
pd.concat(answers, names=["sentence", "rank"])[["title", "artist", "genre", "year", "cosine"]]

# %%
nb.figure(
    lambda lang: figures.feelings(SENTENCES, felt, lang, pick(lang, "문장에서 읽은 감정", "Feelings read from sentences") + nb.mark(lang)),
    "feelings",
    caption={"ko": "여섯 문장의 감정 확률", "en": "Emotion probabilities of six sentences"},
)

# %% [markdown]
# ## How long does a search take? (검색 시간)
#
# Exact cosine over growing catalogues drawn from this one, one thread, median of repeated calls. 2022 called scikit-learn once per song. WYF keeps the songs' vectors at
# unit length, the others scale them at every search.

# %%
times = recommender.time_search(music.fused, felt[0], seed=seed)
nb.figure(
    lambda lang: figures.search_time(times, lang, pick(lang, "노래 수와 검색 시간", "Search time and catalogue size")),
    "search_time",
    caption={"ko": "곡 수에 따른 검색 시간: 한 곡씩 부르기와 한 번에 계산하기", "en": "Search time by catalogue size: one call a song, and one call in all"},
)

# %% [markdown]
# ## How many songs are ever answered? (얼마나 많은 노래가 나오나)
#
# Confident feelings are simulated, 500 an emotion. Plain cosine search answers few songs again and again; that is the weakness of this recommender.

# %%
wishes = recommender.confident_feelings(500, seed)
reached = recommender.coverage(wishes, music.fused, 5)
results |= {
    "coverage/cosine_top5": reached["share"],
    **{f"songs_{name}/cosine_top5": n for name, n in zip(emotions.EN, reached["songs_per_emotion"], strict=True)},
}
pd.Series(reached["songs_per_emotion"], index=list(emotions.KO), name="different songs answered")

# %% [markdown]
# **Do the answers fit?** On the sample the author's intent of every lyric is known: the share of answers whose song was meant for the feeling's main emotion,
# by fused vectors, by lyrics alone, and for songs drawn at random. Only songs whose artists the mel model has not trained on are searched. Three quarters of the sounds
# were composed for that same intent, so what sound adds here is what it could add if real sound followed the lyric as often.

# %%
if profile == "sample":
    intents = catalogue.intents(music.songs["id"], profile)[unheard]
    for kind, searched in (("fused", music.fused[unheard]), ("lyric", music.lyric[unheard])):
        results[f"fit/{kind}"] = recommender.fit(wishes, searched, intents, 5)
    results["fit/random"] = float(intents[:, wishes.argmax(1)].mean())
    display(pd.Series({k: v for k, v in results.items() if k.startswith("fit/")}).round(3))  # noqa: F821, IPython's

# %% [markdown]
# ## What came from the cache

# %%
nb.provenance()

# %% [markdown]
# ## Headline numbers

# %%
results |= {f"share_fused/{name}": float(v) for name, v in zip(emotions.EN, shares["fused"], strict=True)}
results |= {"rows/songs": len(music.songs)}
nb.record(results)
