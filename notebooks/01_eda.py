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
# | **Time** | one to two minutes on 2 CPU cores |

# %% tags=["parameters"]
run = "default"
profile = "sample"
seed = 0

# %%
import itertools

import numpy as np
import pandas as pd
from IPython.display import display

from wyf_utils.core import emotions, intervals, metrics
from wyf_utils.data import cleaning, lexicons, readings, song_files, splits, text_corpora
from wyf_utils.music import catalogue
from wyf_utils.sound import mel
from wyf_utils.study import figures
from wyf_utils.study.notebook import listen, open_notebook
from wyf_utils.text import bundled_e5, lexicon
from wyf_utils.text.words import frequent_by_emotion

nb = open_notebook("01_eda", run=run, profile=profile, seed=seed)
nb

# %% [markdown]
# ## Sentences (감정 문장)
#
# Each sentence carries a label in its source's own words. A map turns it into one of six emotions: 기쁨 joy,
# 긴장 tension, 평화 peace, 슬픔 sadness, 분노 anger, 중립 neutral. The sample and the sources of 2022 have one collection of sentences; the open
# profile has two, KOTE and GoEmotions-Korean, which every step below shows in turn.

# %%
read = {
    corpus: text_corpora.utterances(profile, corpus) for corpus in text_corpora.corpora(profile)
}
corpora = {corpus: table for corpus, (table, _) in read.items()}
nb.uses(*corpora.values())
for corpus, table in corpora.items():
    print(corpus)
    display(
        table[["text", "label"]]
        .assign(emotion=table["emotion"].map(dict(enumerate(emotions.KO))))
        .sample(8, random_state=seed)
    )

# %% [markdown]
# ## Labels by reading (읽어서 붙인 감정)
#
# A label that a writer was asked to write for is an intention. Two readers saw each sentence of the sample alone, with the six definitions and nothing else; a third decided
# where they differed. Where no two agree, the sentence keeps the readers' shares to learn from and is not scored. Cohen's kappa (합의도) is agreement beyond chance. Writers and
# readers are passes of a language model: kappa says how clear the texts are, not how people feel. Real sources have no readings here, so this part is empty for them.

# %%
has_readings = profile == "sample"
if has_readings:
    pairs = text_corpora.reader_pairs()
    typed = pairs["file"] != "stories"
    kappas = {
        file: readings.agreement(rows["first"], rows["second"])
        for file, rows in pairs.groupby("file")
    }
    kappas["readers"] = readings.agreement(pairs["first"][typed], pairs["second"][typed])
    display(
        pd.DataFrame(kappas)
        .T.rename(index={"readers": "both typed files"})
        .assign(n=[*pairs.groupby("file").size(), typed.sum()])
        .round(3)
    )

# %%
if has_readings:
    of_emotions = {name: kappas["readers"][name] for name in emotions.EN}
    display(nb.figure("reader_agreement", figures.score_bars(of_emotions)))

# %% [markdown]
# **How often do the map of 2022 and the readers differ?** The map sends every 놀람 to 긴장, every 혐오 to 분노, every 걱정스러운 to 슬픔. The bars show what readers found under
# those labels and under the ones that differ most from the map. Profiles without readings (`wyf`) have the map alone.

# %%
if has_readings:
    table = corpora[profile]
    read_as = table.groupby("label")[list(emotions.EN)].mean()
    by_map = table.groupby("label").agg(
        n=("text", "size"), agree=("mapped", lambda m: (m == table.loc[m.index, "emotion"]).mean())
    )
    by_map["map"] = [
        emotions.KO[(emotions.SENTIMENT_DIALOGUE | emotions.SINGLE_TURN)[label]]
        for label in by_map.index
    ]
    named = ["놀람", "혐오", "걱정스러운"]
    worst = [*named, *by_map["agree"].drop(named).nsmallest(7).index]
    agreement_by_file = (table["mapped"] == table["emotion"]).groupby(table["source"]).mean()
    display(by_map.loc[worst].round(3), agreement_by_file.round(3))

# %%
if has_readings:
    shown = {f"{label} → {by_map['map'][label]}": read_as.loc[label].to_numpy() for label in worst}
    display(nb.figure("map_and_reading", figures.stacked_shares(shown), names=shown))

# %% [markdown]
# **Lyrics, couplets, words of danger.** Lyrics were read whole (first and second emotion), 2,000 couplets alone, and sentences of people at risk among harmless look-alikes.

# %%
if has_readings:
    lyric_read, lines_read, care = (
        song_files.lyric_readings(),
        song_files.lyric_lines(),
        text_corpora.care_sentences(),
    )
    kappas["lyrics_readers"] = readings.agreement(
        lyric_read["reader_1_first"], lyric_read["reader_2_first"]
    )
    kappas["lines_readers"] = readings.agreement(lines_read["reader_1"], lines_read["reader_2"])
    kappas["care_readers"] = readings.agreement(
        care["reader_1"], care["reader_2"], ["harmless", "at_risk"]
    )
    sizes_read = {
        "lyrics_readers": len(lyric_read),
        "lines_readers": len(lines_read),
        "care_readers": len(care),
    }
    display(
        pd.DataFrame({name: kappas[name] for name in sizes_read})
        .T.assign(n=sizes_read)
        .round(3)
        .astype(object)
        .fillna("")
    )
    display(care.groupby(["part", "kind"], sort=False).size().unstack("part"))

# %% [markdown]
# **What did cleaning remove?** The ledger (장부) names every rule, in order.

# %%
for corpus, (_, ledger) in read.items():
    print(corpus)
    display(ledger)

# %%
for corpus, (_, ledger) in read.items():
    display(nb.figure("text_pipeline", figures.pipeline(ledger), corpus=corpus))

# %% [markdown]
# **How are the six emotions balanced?** The sentences of 2022 (hatched) are the yardstick: 슬픔 leads, 평화 is rare.

# %%
published = song_files.published_2022()["emotion_counts"]
share_2022 = np.array([published[name] for name in emotions.EN]) / sum(published.values())
shares = {
    corpus: np.bincount(table["emotion"], minlength=emotions.N) / len(table)
    for corpus, table in corpora.items()
}
for corpus, share in shares.items():
    drawing = figures.emotion_bars(share, share_2022)
    display(nb.figure("emotion_distribution", drawing, corpus=corpus))

# %% [markdown]
# **Which labels become which emotion?** Without readings the map of 2022 decides, whose line can be argued with: 걱정스러운 (worried) is 슬픔 there, while 불안 (anxious) is 긴장.
# In the sample a label is drawn to the emotion that readers found most often under it. Where a text of the source has several labels, the first that says its emotion is shown.

# %%
labels = {
    corpus: table.groupby("label")
    .agg(n=("text", "size"), emotion=("emotion", lambda e: e.mode()[0]))
    .reset_index()
    for corpus, table in corpora.items()
}
for corpus, of_corpus in labels.items():
    display(nb.figure("label_flow", figures.flow(of_corpus), corpus=corpus))

# %%
for corpus, of_corpus in labels.items():
    display(nb.figure("wordcloud", figures.word_cloud(of_corpus, seed), corpus=corpus))

# %% [markdown]
# **Which words carry an emotion?** Content words (nouns, verbs, adjectives; kiwipiepy) that stand in more texts of an emotion than in
# texts at large; of a rare emotion two texts are enough, from which little follows.

# %%
frequent = {
    corpus: frequent_by_emotion(table["text"], table["emotion"], 12)
    for corpus, table in corpora.items()
}
for corpus, counts in frequent.items():
    display(nb.figure("frequent_words", figures.word_bars(counts), corpus=corpus))

# %% [markdown]
# **How long are they, beside everyday talk?** The means of 2022 stand in the table.

# %%
talk = text_corpora.conversation(profile)
nb.uses(talk)
texts = {corpus: table["text"] for corpus, table in corpora.items()} | {
    "conversation": talk["text"]
}
lengths = {corpus: column.str.len() for corpus, column in texts.items()}
cut = {corpus: column.clip(upper=120) for corpus, column in lengths.items()}
means = {corpus: column.mean() for corpus, column in lengths.items()}
nb.figure("length", figures.histograms(cut, np.arange(0, 124, 4), means))

# %%
means_2022 = pd.Series(song_files.published_2022()["mean_characters"], name="mean in 2022")
means_2022 = means_2022.rename({"emotion": next(iter(corpora))})
medians = {corpus: column.median() for corpus, column in lengths.items()}
columns = pd.DataFrame({"mean characters": means, "median": medians})
columns.join(means_2022).round(1).astype(object).fillna("")

# %% [markdown]
# ## Duplicates (겹침)
#
# A text that stands in training and in test is learned by heart. Same: the same letters. Near: character trigrams with a Jaccard index of 0.8 or more.

# %%
splits = {corpus: splits.split(table, seed) for corpus, table in corpora.items()}
pairs = [
    (f"{corpus}: train", parts["train"]["text"], f"{corpus}: {other}", parts[other]["text"])
    for corpus, parts in splits.items()
    for other in ("dev", "test")
]
pairs += [(a, texts[a], b, texts[b]) for a, b in itertools.combinations(texts, 2)]
duplicates = pd.DataFrame(
    [
        (
            a,
            b,
            len(y),
            cleaning.count_shared_texts(x, y),
            int(cleaning.near_duplicates(y.tolist(), x.tolist()).sum()),
        )
        for a, x, b, y in pairs
    ],
    columns=["one", "other", "texts of the other", "same", "near"],
)
duplicates

# %% [markdown]
# ## The lexicon against human norms (감성어 사전)
#
# The lexicon's weights imply a valence (쾌·불쾌) and an arousal (각성) for each term. VA-KOR holds people's ratings from four studies; it is read in the open profile.
# One of the four, 이윤형 (2016), contradicts the others in that file (성취감 is rated most unpleasant there, 신경질 most pleasant): its words and ratings seem to be shifted against
# each other. It is shown, and left out of the summary.

# %%
if profile == "open":
    norms = lexicons.valence_arousal_norms().merge(
        lexicon.valence_arousal(lexicons.read_lexicon()),
        left_on="term",
        right_index=True,
        suffixes=("", "_ours"),
    )
    nb.uses(norms)
    AFFECT = ("valence", "arousal")
    agree = lambda rows: {
        name: metrics.correlation(rows[name].to_numpy(), rows[f"{name}_ours"].to_numpy())
        for name in AFFECT
    }
    studies = {study: agree(rows) for study, rows in norms.groupby("study")}
    sound_norms = norms[norms["study"] != "이윤형"]
    agreement = agree(sound_norms)
    correlations = {**studies, "three studies": agreement, "all four": agree(norms)}
    display(
        pd.DataFrame(
            {
                name: {
                    "terms": r["valence"]["n"],
                    **{k: intervals.format_score(v) for k, v in r.items()},
                }
                for name, r in correlations.items()
            }
        ).T
    )

# %%
if profile == "open":
    pairs = {
        name: (sound_norms[name], sound_norms[f"{name}_ours"], f"r = {intervals.format_score(r)}")
        for name, r in agreement.items()
    }
    display(nb.figure("lexicon_norms", figures.scatters(pairs), n=len(sound_norms)))

# %% [markdown]
# ## Songs (노래)
#
# The catalogue goes through the rules of 2022, one function each. The open profile has song vectors but no songs, so this part
# and the next are empty there.

# %%
has_songs = profile != "open"
if has_songs:
    songs, song_ledger = song_files.songs(profile, bundled_e5.count_tokens)
    nb.uses(songs[["id", "lyric"]])
    display(song_ledger)

# %%
if has_songs:
    display(nb.figure("song_pipeline", figures.pipeline(song_ledger)))

# %% [markdown]
# ## Sound (소리): the mel spectrogram
#
# 30 seconds become 48 bands by 1,876 frames, in decibels. The sample's sound is composed for each song; the
# real files of Kakao Arena have the same form, but no sound to play.

# %%
if has_songs:
    few = songs.iloc[:40]
    mels = catalogue.mels_of(few, profile, seed)  # (n, 48, 1876)
    picture = mels[0]
    nb.uses(mels)
    seconds = np.arange(mel.FRAMES) * mel.HOP / mel.SAMPLE_RATE
    band, hertz = 12, mel.band_centres()
    sound = catalogue.waveform_of(few.iloc[[0]], profile, seed)
    if sound is not None:
        display(listen(sound, mel.SAMPLE_RATE, f"{few['title'].iloc[0]} ({few['artist'].iloc[0]})"))

# %%
if has_songs:
    display(nb.figure("mel", figures.mel_picture(picture, seconds, hertz)))

# %%
if has_songs:
    level = figures.over_time(seconds, picture[band])
    change = figures.over_time(seconds[1:], np.diff(picture[band]))
    display(
        nb.figure("mel_band", level, hertz=hertz[band]),
        nb.figure("mel_band_difference", change),
    )

# %% [markdown]
# **How loud are songs?** 2022 added 100 dB to every value, so that silence becomes zero. The peak on the left is the noise floor between notes.

# %%
if has_songs:
    samples = {"values": mels.ravel()[::7], "means": mels.mean((1, 2))}
    drawing = figures.histograms(samples, np.arange(-100, 31, 2.5))
    display(nb.figure("mel_levels", drawing, n=len(mels)))

# %% [markdown]
# ## What came from the cache

# %%
nb.provenance()

# %% [markdown]
# ## Headline numbers

# %%
results = {
    f"rows/{source}": int(n)
    for each in corpora.values()
    for source, n in each["source"].value_counts().items()
}
results |= {"rows/conversation": len(talk)}
if has_readings:
    results |= {
        "rows/stories": len(text_corpora.stories()),
        "rows/lyric_lines": len(lines_read),
        "rows/care": len(care),
        "rows/undecided": int((~corpora[profile]["clear"]).sum()),
        "rows/hard_forms": int((corpora[profile]["form"] != "").sum()),
    }
    results |= {f"kappa/{name}": row["all"] for name, row in kappas.items()}
    results |= {f"kappa/readers_{name}": kappas["readers"][name] for name in emotions.EN}
    results |= {f"map_agreement/{file}": share for file, share in agreement_by_file.items()}
    english = dict(zip(named, ("surprise", "disgust", "worried"), strict=True))
    results |= {f"map_agreement/{english[label]}": by_map["agree"][label] for label in named}

# %%
for corpus, (_, ledger) in read.items():
    results |= {f"dropped/{row.step}@{corpus}": row.dropped for row in ledger.itertuples()}
for corpus, share in shares.items():
    named_shares = zip(emotions.EN, share, strict=True)
    results |= {f"share/{name}@{corpus}": float(n) for name, n in named_shares}
results |= {f"mean_length/{corpus}": float(v.mean()) for corpus, v in lengths.items()}
for _, row in duplicates.iterrows():
    pair = f"{row.one}-{row.other}".replace(": ", "_")
    results |= {f"{kind}/{pair}": row[kind] for kind in ("same", "near")}
if has_songs:
    collected = int(song_ledger["rows_in"].iloc[0])
    results |= {"rows/songs": len(songs), "rows/songs_collected": collected}
    results |= {f"dropped/{row.step}@songs": row.dropped for row in song_ledger.itertuples()}
if profile == "open":
    for suffix, rows in (("", "three studies"), ("_all", "all four")):
        of_rows = correlations[rows].items()
        results |= {f"pearson/lexicon_{name}{suffix}": r for name, r in of_rows}
nb.record(results)
