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

from wyf_utils.core import emotions, intervals, language, metrics
from wyf_utils.core.language import pick
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
FILES = {
    "sentiment_dialogue": ("감성 대화", "sentiment dialogue"),
    "single_turn": ("단발성 대화", "single turn"),
    "stories": ("이야기 (어려운 말뭉치)", "stories (hard corpus)"),
}
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
    display(
        nb.figure(
            lambda lang: figures.score_bars(
                {name: kappas["readers"][name] for name in emotions.EN},
                {e.en: (e.ko, e.en) for e in emotions.EMOTIONS},
                lang,
                pick(lang, "두 읽는이의 합의도", "Agreement of two readers") + nb.mark(lang),
                pick(
                    lang, "코헨의 카파 (이 감정인가 아닌가)", "Cohen's kappa (this emotion or not)"
                ),
                colours={e.en: e.colour for e in emotions.EMOTIONS},
            ),
            "reader_agreement",
            caption={
                "ko": "문장만 보고 읽은 두 사람의 감정별 합의도",
                "en": "Agreement of two blind readers on each emotion",
            },
        )
    )

# %% [markdown]
# **How often do the map of 2022 and the readers differ?** The map sends every 놀람 to 긴장, every 혐오 to 분노, every 걱정스러운 to 슬픔. The bars show what readers found under
# those labels and under the ones that differ most from the map. Profiles without readings (`wyf`) have the map alone.

# %%
if has_readings:
    table = corpora["aihub"]
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
    display(
        nb.figure(
            lambda lang: figures.stacked_shares(
                {label: read_as.loc[label].to_numpy() for label in worst},
                {label: (f"{label} → {by_map['map'][label]}",) * 2 for label in worst},
                lang,
                pick(
                    lang,
                    "이름이 가리키는 감정과 읽은 감정",
                    "What the map says, and what readers found",
                )
                + nb.mark(lang),
            ),
            "map_and_reading",
            caption={
                "ko": "2022년 대응표가 정한 감정(화살표 뒤)과 읽는이가 고른 감정의 비율",
                "en": "The emotion by the map of 2022 (after the arrow) and the shares that readers chose",
            },
        )
    )

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
STEPS = {
    "drop_without_words": ("낱말이 없는 글 빼기", "drop texts without words"),
    "remove_full_stops": ("마침표 지우기", "remove full stops"),
    "drop_repeated_texts": ("겹치는 글 빼기", "drop repeated texts"),
    "drop_unmapped": (
        "여섯 감정 중 하나로 정해지지 않는 글 빼기",
        "drop texts without one clear emotion",
    ),
}
TITLES = {
    "kote": (" (KOTE)", " (KOTE)"),
    "goemotions": (" (GoEmotions-Korean)", " (GoEmotions-Korean)"),
    "aihub": ("", ""),
}
first = next(iter(corpora))


def draw(builder, name, caption):
    """Draw a figure for each corpus; the second and later ones carry their name."""
    for corpus in corpora:
        mark = {lang: pick(lang, *TITLES[corpus]) + nb.mark(lang) for lang in language.LANGUAGES}
        full = name if corpus == first else f"{name}_{corpus}"
        display(
            nb.figure(
                lambda lang, c=corpus, m=mark: builder(c, lang, m[lang]),
                full,
                caption={k: v + mark[k] for k, v in caption.items()},
            )
        )


draw(
    lambda corpus, lang, mark: figures.pipeline(
        read[corpus][1],
        STEPS,
        lang,
        pick(lang, "문장이 걸러지는 과정", "How sentences are cleaned") + mark,
    ),
    "text_pipeline",
    {"ko": "정제 단계마다 남은 문장 수", "en": "Sentences left after each cleaning step"},
)

# %% [markdown]
# **How are the six emotions balanced?** The sentences of 2022 (hatched) are the yardstick: 슬픔 leads, 평화 is rare.

# %%
published = song_files.published_2022()["emotion_counts"]
share_2022 = np.array([published[name] for name in emotions.EN]) / sum(published.values())
shares = {
    corpus: np.bincount(table["emotion"], minlength=emotions.N) / len(table)
    for corpus, table in corpora.items()
}
draw(
    lambda corpus, lang, mark: figures.emotion_bars(
        shares[corpus],
        lang,
        pick(lang, "감정 분포", "Emotion distribution") + mark,
        pick(lang, "문장의 비율", "share of sentences"),
        percent=True,
        beside=share_2022,
    ),
    "emotion_distribution",
    {
        "ko": "여섯 감정의 비율, 2022년 자료(빗금)와 나란히",
        "en": "Share of the six emotions, beside the data of 2022 (hatched)",
    },
)

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
draw(
    lambda corpus, lang, mark: figures.flow(
        labels[corpus],
        lang,
        pick(
            lang, "원자료의 감정 이름에서 여섯 감정으로", "From the source's labels to six emotions"
        )
        + mark,
    ),
    "label_flow",
    {
        "ko": "원자료의 감정 이름이 여섯 감정으로 모이는 흐름(숫자는 글 수)",
        "en": "How the source's labels flow into the six emotions (numbers are texts)",
    },
)

# %%
draw(
    lambda corpus, lang, mark: figures.word_cloud(
        labels[corpus],
        lang,
        pick(lang, "원자료의 감정 이름", "Emotion labels of the source") + mark,
        seed,
    ),
    "wordcloud",
    {"ko": "세부 감정 이름의 빈도", "en": "How often each source label occurs"},
)

# %% [markdown]
# **Which words carry an emotion?** Content words (nouns, verbs, adjectives; kiwipiepy) that stand in more texts of an emotion than in
# texts at large; of a rare emotion two texts are enough, from which little follows.

# %%
frequent = {
    corpus: frequent_by_emotion(table["text"], table["emotion"], 12)
    for corpus, table in corpora.items()
}
draw(
    lambda corpus, lang, mark: figures.word_bars(
        frequent[corpus],
        lang,
        pick(lang, "감정을 드러내는 낱말", "Words that mark each emotion") + mark,
    ),
    "frequent_words",
    {
        "ko": "감정을 드러내는 낱말과 그 낱말이 나온 글의 수",
        "en": "Words that mark an emotion, and the texts that hold them",
    },
)

# %% [markdown]
# **How long are they, beside everyday talk?** The means of 2022 stand in the table.

# %%
talk = text_corpora.conversation(profile)
nb.uses(talk)
NAMES = {
    "aihub": ("감정 문장", "emotion sentences"),
    "kote": ("KOTE 댓글", "KOTE comments"),
    "goemotions": ("GoEmotions-Korean", "GoEmotions-Korean"),
    "conversation": ("일상 대화", "conversation"),
}
texts = {corpus: table["text"] for corpus, table in corpora.items()} | {
    "conversation": talk["text"]
}
lengths = {corpus: column.str.len() for corpus, column in texts.items()}
nb.figure(
    lambda lang: figures.histograms(
        {
            f"{pick(lang, *NAMES[k])} ({v.mean():.0f})": v.clip(upper=120)
            for k, v in lengths.items()
        },
        lang,
        pick(lang, "글의 길이", "Length of texts") + nb.mark(lang),
        pick(lang, "글자 수 (120자 이상은 120으로)", "characters (cut at 120)"),
        bins=np.arange(0, 124, 4),
        legend=pick(lang, "자료 (평균)", "corpus (mean)"),
    ),
    "length",
    caption={
        "ko": "감정 문장과 일상 대화의 글자 수 분포",
        "en": "Characters of emotion sentences and of conversation",
    },
)

# %%
means = pd.DataFrame(
    {
        "mean characters": {k: v.mean() for k, v in lengths.items()},
        "median": {k: v.median() for k, v in lengths.items()},
    }
)
means.join(
    pd.Series(song_files.published_2022()["mean_characters"], name="mean in 2022").rename(
        {"emotion": first}
    )
).round(1).astype(object).fillna("")

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
            cleaning.same_texts(x, y),
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
    norms = lexicons.va_kor().merge(
        lexicon.affect(lexicons.read_lexicon()),
        left_on="term",
        right_index=True,
        suffixes=("", "_ours"),
    )
    nb.uses(norms)
    AFFECT = {"valence": ("쾌·불쾌", "valence"), "arousal": ("각성", "arousal")}
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
                name: {"terms": r["valence"]["n"], **{k: intervals.show(v) for k, v in r.items()}}
                for name, r in correlations.items()
            }
        ).T
    )

# %%
if profile == "open":
    display(
        nb.figure(
            lambda lang: figures.scatters(
                {
                    pick(lang, *AFFECT[k]): (
                        sound_norms[k],
                        sound_norms[f"{k}_ours"],
                        f"r = {intervals.show(r)}",
                    )
                    for k, r in agreement.items()
                },
                pick(
                    lang,
                    f"우리 사전과 사람의 평정 ({len(sound_norms)}개 낱말)",
                    f"Our lexicon against people's ratings ({len(sound_norms)} terms)",
                ),
                (
                    pick(lang, "VA-KOR 평정 (세 연구)", "rating in VA-KOR (three studies)"),
                    pick(lang, "우리 사전", "our lexicon"),
                ),
            ),
            "lexicon_norms",
            caption={
                "ko": "감성어 사전이 뜻하는 쾌·각성과 VA-KOR 세 연구의 평정",
                "en": "Valence and arousal implied by the lexicon against the ratings of three studies in VA-KOR",
            },
        )
    )

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
        lambda lang: figures.pipeline(
            song_ledger,
            SONG_STEPS,
            lang,
            pick(lang, "노래가 걸러지는 과정", "How songs are cleaned") + nb.mark(lang),
        ),
        "song_pipeline",
        caption={"ko": "정제 단계마다 남은 곡 수", "en": "Songs left after each cleaning step"},
    )
    display(figure)

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
    display(
        nb.figure(
            lambda lang: figures.mel_picture(
                picture,
                seconds,
                hertz,
                lang,
                pick(lang, "멜 스펙트로그램", "Mel spectrogram") + nb.mark(lang),
            ),
            "mel",
            caption={"ko": "한 곡의 멜 스펙트로그램", "en": "Mel spectrogram of one song"},
        )
    )

# %%
if has_songs:
    display(
        nb.figure(
            lambda lang: figures.over_time(
                seconds,
                picture[band],
                lang,
                pick(
                    lang,
                    f"한 대역({hertz[band]:,.0f} Hz)의 흐름",
                    f"One band ({hertz[band]:,.0f} Hz) over time",
                )
                + nb.mark(lang),
                "dB",
            ),
            "mel_band",
            caption={"ko": "한 대역의 세기 변화", "en": "Level of one band over time"},
        ),
        nb.figure(
            lambda lang: figures.over_time(
                seconds[1:],
                np.diff(picture[band]),
                lang,
                pick(lang, "같은 대역의 차분", "The same band as differences") + nb.mark(lang),
                pick(lang, "앞 프레임과의 차이 (dB)", "difference to the frame before (dB)"),
            ),
            "mel_band_difference",
            caption={"ko": "한 대역의 차분", "en": "Differences of one band from frame to frame"},
        ),
    )

# %% [markdown]
# **How loud are songs?** 2022 added 100 dB to every value, so that silence becomes zero. The peak on the left is the noise floor between notes.

# %%
if has_songs:
    display(
        nb.figure(
            lambda lang: figures.histograms(
                {
                    pick(
                        lang, f"{len(mels)}곡의 모든 값", f"all values of {len(mels)} songs"
                    ): mels.ravel()[::7],
                    pick(lang, "곡마다 평균", "mean of each song"): mels.mean((1, 2)),
                },
                lang,
                pick(lang, "멜의 세기 분포", "Level distribution of mels") + nb.mark(lang),
                "dB",
                bins=np.arange(-100, 31, 2.5),
            ),
            "mel_levels",
            caption={
                "ko": "멜 값과 곡 평균의 세기 분포",
                "en": "Distribution of levels, over all values and over the means of songs",
            },
        )
    )

# %% [markdown]
# ## What came from the cache

# %%
nb.provenance()

# %% [markdown]
# ## Headline numbers

# %%
results = {
    f"rows/{name}": int(n)
    for table in corpora.values()
    for name, n in table["source"].value_counts().items()
}
results |= {"rows/conversation": len(talk)}
if has_readings:
    results |= {
        f"rows/{name}": n
        for name, n in (
            ("stories", len(text_corpora.stories())),
            ("lyric_lines", len(lines_read)),
            ("care", len(care)),
        )
    }
    results |= {
        "rows/undecided": int((~table["clear"]).sum()),
        "rows/hard_forms": int((table["form"] != "").sum()),
    }
    results |= {f"kappa/{name}": row["all"] for name, row in kappas.items()} | {
        f"kappa/readers_{name}": kappas["readers"][name] for name in emotions.EN
    }
    results |= {f"map_agreement/{file}": share for file, share in agreement_by_file.items()}
    results |= {
        f"map_agreement/{english}": by_map["agree"][label]
        for label, english in zip(named, ("surprise", "disgust", "worried"), strict=True)
    }
results |= {
    f"dropped/{row.step}@{corpus}": row.dropped
    for corpus, (_, ledger) in read.items()
    for row in ledger.itertuples()
}
results |= {
    f"share/{name}@{corpus}": float(n)
    for corpus, share in shares.items()
    for name, n in zip(emotions.EN, share, strict=True)
}
results |= {f"mean_length/{corpus}": float(v.mean()) for corpus, v in lengths.items()}
results |= {
    f"{kind}/{row.one}-{row.other}".replace(": ", "_"): row[kind]
    for _, row in duplicates.iterrows()
    for kind in ("same", "near")
}
if has_songs:
    results |= {
        "rows/songs": len(songs),
        "rows/songs_collected": int(song_ledger["rows_in"].iloc[0]),
    }
    results |= {f"dropped/{row.step}@songs": row.dropped for row in song_ledger.itertuples()}
if profile == "open":
    results |= {
        f"pearson/lexicon_{name}{suffix}": r
        for suffix, rows in (("", "three studies"), ("_all", "all four"))
        for name, r in correlations[rows].items()
    }
nb.record(results)
