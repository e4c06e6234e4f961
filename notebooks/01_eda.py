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
# # 01 · What the data is and how it was cleaned (자료 살펴보기)
#
# | | |
# |---|---|
# | **Question** | What do the sentences and songs look like, what did cleaning remove, and where is the data thin? |
# | **Reads** | labelled sentences, everyday talk, the song catalogue with lyrics, mel spectrograms |
# | **Writes** | figures `01_*`, the section `01_eda` of `results.json` |
# | **Before, after** | nothing before; 02 trains on these sentences, 04 and 05 use these songs |
# | **Time** | about one minute on 2 CPU cores |

# %% tags=["parameters"]
run = "default"
profile = "sample"
seed = 0

# %%
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from wordcloud import WordCloud

from wyf_utils import catalogue, cleaning, datasets, emotions, encoders, figures, mel
from wyf_utils.figures import pick
from wyf_utils.notebook import open_notebook

nb = open_notebook("01_eda", run=run, profile=profile, seed=seed)
nb

# %% [markdown]
# ## Sentences (감정 문장)
#
# Each sentence carries a label in its source's own words. A map turns it into one of six emotions: 기쁨 joy,
# 긴장 tension, 평화 peace, 슬픔 sadness, 분노 anger, 중립 neutral.

# %%
sentences, ledger = datasets.utterances(profile)
nb.uses(sentences)
sentences[["text", "label", "emotion"]].assign(emotion=sentences["emotion"].map(dict(enumerate(emotions.KO)))).sample(8, random_state=seed)

# %% [markdown]
# **What did cleaning remove?** The ledger (장부) names every rule, in order.

# %%
ledger

# %%
STEPS = {
    "drop_without_words": ("낱말이 없는 글 빼기", "drop texts without words"),
    "remove_full_stops": ("마침표 지우기", "remove full stops"),
    "drop_repeated_texts": ("겹치는 글 빼기", "drop repeated texts"),
    "drop_unmapped": ("여섯 감정 중 하나로 정해지지 않는 글 빼기", "drop texts without one clear emotion"),
}
nb.figure(
    lambda lang: figures.pipeline(ledger, STEPS, lang, pick(lang, "문장이 걸러지는 과정", "How sentences are cleaned") + nb.mark(lang)),
    "text_pipeline",
    caption={"ko": "정제 단계마다 남은 문장 수", "en": "Sentences left after each cleaning step"},
)

# %% [markdown]
# **How are the six emotions balanced?** The sentences of 2022 (hatched) are the yardstick: 슬픔 leads, 평화 is rare.

# %%
counts = np.bincount(sentences["emotion"], minlength=emotions.N)
published = datasets.published()["emotion_counts"]
share_2022 = np.array([published[name] for name in emotions.EN]) / sum(published.values())
nb.figure(
    lambda lang: figures.emotion_bars(
        counts / counts.sum(),
        lang,
        pick(lang, "감정 분포", "Emotion distribution") + nb.mark(lang),
        pick(lang, "문장의 비율", "share of sentences"),
        percent=True,
        beside=share_2022,
    ),
    "emotion_distribution",
    caption={
        "ko": "여섯 감정의 비율, 2022년 자료(빗금)와 나란히",
        "en": "Share of the six emotions, beside the data of 2022 (hatched)",
    },
)

# %% [markdown]
# **Which labels stand behind the six?** Each word is a label of the source, as large as it is frequent, in the colour of its emotion.

# %%
labels = sentences.groupby("label").agg(n=("text", "size"), emotion=("emotion", lambda e: e.mode()[0]))


def cloud(lang):
    colour = {label: emotions.COLOURS[e] for label, e in labels["emotion"].items()}
    words = WordCloud(
        font_path=str(figures.font_path("Bold")),
        width=1400,
        height=760,
        background_color="white",
        random_state=seed,
        relative_scaling=0.4,
        color_func=lambda word, **_: colour[word],
    ).generate_from_frequencies(labels["n"].to_dict())
    figure, axes = plt.subplots()
    axes.imshow(words, interpolation="bilinear")
    axes.set_title(pick(lang, "원자료의 감정 이름", "Emotion labels of the source") + nb.mark(lang))
    axes.axis("off")
    handles = [plt.Line2D([], [], marker="s", ls="", color=e.colour, label=figures.names(lang)[e.id]) for e in emotions.EMOTIONS]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=6, columnspacing=1, handletextpad=0.2)
    return figure


nb.figure(cloud, "wordcloud", caption={"ko": "세부 감정 이름의 빈도", "en": "How often each source label occurs"})

# %% [markdown]
# **How long are they, beside everyday talk?** The means of 2022 are shown below the figure.

# %%
talk = datasets.conversation(profile)
lengths = {"emotion": sentences["text"].str.len(), "conversation": talk["text"].str.len()}


CORPORA = {"emotion": ("감정 문장", "emotion sentences"), "conversation": ("일상 대화", "conversation")}


def length_figure(lang):
    figure, axes = plt.subplots()
    for name, values in lengths.items():
        axes.hist(values.clip(upper=120), bins=40, alpha=0.6, density=True, label=f"{pick(lang, *CORPORA[name])} ({values.mean():.0f})")
    axes.set(
        title=pick(lang, "글의 길이", "Length of texts") + nb.mark(lang),
        xlabel=pick(lang, "글자 수 (120자 이상은 120으로)", "characters (cut at 120)"),
        ylabel=pick(lang, "밀도", "density"),
    )
    axes.legend(title=pick(lang, "자료 (평균)", "corpus (mean)"))
    return figure


nb.figure(length_figure, "length", caption={"ko": "감정 문장과 일상 대화의 글자 수 분포", "en": "Characters of emotion sentences and of conversation"})

# %%
pd.DataFrame({"ours": {k: v.mean() for k, v in lengths.items()}, "2022": datasets.published()["mean_characters"]}).round(1)

# %% [markdown]
# ## Songs (노래)
#
# The catalogue goes through the rules of 2022, one function each. The open profile has song vectors but no songs, so this part
# and the next are empty there.

# %%
has_songs = profile != "open"
if has_songs:
    songs, song_ledger = datasets.songs(profile, encoders.count_tokens)
    nb.uses(songs[["id", "lyric"]])
    display(song_ledger)  # noqa: F821, IPython's

# %%
SONG_STEPS = {
    "unescape_html": ("HTML 기호 되돌리기", "unescape HTML in names"),
    "drop_genres_without_lyrics": ("가사 없는 장르 빼기", "drop genres without lyrics"),
    "drop_instrumental": ("연주곡 빼기", "drop instrumental versions"),
    "drop_spoken": ("대사 빼기", "drop spoken tracks"),
    "drop_without_lyric": ("가사를 모르는 곡 빼기", "drop songs without a lyric"),
    "remove_section_words": ("구간 표시(후렴 등) 지우기", "remove section words"),
    "drop_long": ("512토큰 넘는 가사 빼기", "drop lyrics over 512 tokens"),
    "drop_repeated_songs": ("겹치는 곡 빼기", "drop repeated songs"),
    "drop_unnamed_artists": ("가수를 모르는 곡 빼기", "drop unnamed artists"),
    "drop_calendar_series": ("날짜별 생일 노래 빼기", "drop calendar series"),
    "keep_recent": ("2015년부터만 남기기", "keep releases from 2015"),
}
if has_songs:
    figure = nb.figure(
        lambda lang: figures.pipeline(song_ledger, SONG_STEPS, lang, pick(lang, "노래가 걸러지는 과정", "How songs are cleaned") + nb.mark(lang)),
        "song_pipeline",
        caption={"ko": "정제 단계마다 남은 곡 수", "en": "Songs left after each cleaning step"},
    )
    display(figure)  # noqa: F821, IPython's

# %% [markdown]
# ## Sound (소리): the mel spectrogram
#
# 30 seconds become 48 bands by 1,876 frames, in decibels. The sample's sound is composed for each song; the
# real files of Kakao Arena have the same form.

# %%
if has_songs:
    song = songs.iloc[[0]]
    picture = catalogue.mels_of(song, profile, seed)[0]  # (48, 1876)
    seconds = np.arange(mel.FRAMES) * mel.HOP / mel.SAMPLE_RATE
    band = 12
    hertz = mel.band_centres()
    nb.uses(picture)


# %%
def band_figure(lang, values, ylabel, title):
    figure, axes = plt.subplots()
    axes.plot(seconds[: len(values)], values, lw=0.7, color=figures.ACCENT)
    axes.set(title=title + nb.mark(lang), xlabel=pick(lang, "초", "seconds"), ylabel=ylabel)
    return figure


def mel_figure(lang):
    figure, axes = plt.subplots()
    image = axes.pcolormesh(seconds, np.arange(mel.BANDS), picture, cmap="magma", shading="nearest", rasterized=True)
    ticks = range(0, mel.BANDS, 8)
    axes.set(
        title=pick(lang, "멜 스펙트로그램", "Mel spectrogram") + nb.mark(lang),
        xlabel=pick(lang, "초", "seconds"),
        ylabel=pick(lang, "헤르츠", "hertz"),
        yticks=ticks,
        yticklabels=[f"{hertz[i]:,.0f}" for i in ticks],
    )
    figure.colorbar(image, label="dB")
    return figure


# %%
if has_songs:
    display(nb.figure(mel_figure, "mel", caption={"ko": "한 곡의 멜 스펙트로그램", "en": "Mel spectrogram of one song"}))  # noqa: F821
    display(  # noqa: F821
        nb.figure(
            lambda lang: band_figure(
                lang, picture[band], "dB", pick(lang, f"한 대역({hertz[band]:,.0f} Hz)의 흐름", f"One band ({hertz[band]:,.0f} Hz) over time")
            ),
            "mel_band",
            caption={"ko": "한 대역의 세기 변화", "en": "Level of one band over time"},
        )
    )
    display(  # noqa: F821
        nb.figure(
            lambda lang: band_figure(
                lang,
                np.diff(picture[band]),
                pick(lang, "앞 프레임과의 차이 (dB)", "difference to the frame before (dB)"),
                pick(lang, "같은 대역의 차분", "The same band as differences"),
            ),
            "mel_band_difference",
            caption={"ko": "한 대역의 차분", "en": "Differences of one band from frame to frame"},
        )
    )

# %% [markdown]
# ## What came from the cache

# %%
nb.provenance()

# %% [markdown]
# ## Headline numbers

# %%
results = {f"rows/{name}": int(n) for name, n in sentences["source"].value_counts().items()}
results |= {f"share/{name}": float(n) for name, n in zip(emotions.EN, counts / counts.sum(), strict=True)}
results |= {
    "rows/conversation": len(talk),
    "mean_length/emotion": float(lengths["emotion"].mean()),
    "mean_length/conversation": float(lengths["conversation"].mean()),
}
parts = datasets.split(sentences, seed)
results["duplicates/train_test"] = datasets.shared_texts(parts["train"], parts["test"])
results["near_duplicates/train_test"] = int(cleaning.near_duplicates(parts["test"]["text"].tolist(), parts["train"]["text"].tolist()).sum())
if has_songs:
    results |= {"rows/songs": len(songs), "rows/songs_collected": int(song_ledger["rows_in"].iloc[0])}
nb.record(results)
