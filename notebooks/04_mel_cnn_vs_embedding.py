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
# # 04 · Can a machine hear the feeling, and what does it need for that? (멜 CNN과 임베딩)
#
# | | |
# |---|---|
# | **Question** | Can a machine hear what people feel in a song? What does it need for that: less noise, better labels, or features that were extracted first? |
# | **Reads** | in the open run 160 real songs with the answers of their listeners (Emotify) and the song vectors published in 2022; elsewhere the composed songs of the sample, whose emotion is known, and the committed numbers of the open run |
# | **Writes** | trained mel models (cache), figures `04_*`, the section `04_mel_cnn_vs_embedding` of `results.json` |
# | **Before, after** | 02 trains the reader; 05 fuses what is read in the lyrics with what is heard here |
# | **Time** | three minutes on 2 CPU cores after 02, a minute from the cache; the open run half an hour |
#
# In 2022 a CNN and a ResNet50 on raw mel "did not learn", and SimCLR vectors with a small net "reached 78 %". The presentation suspected three things: noise
# in the mel, wrong labels, features that were not extracted enough: data that a person can read is not data that a machine understands. It had no way to tell. Here real
# listeners tell, then composed songs, whose truth is known.

# %% tags=["parameters"]
run = "default"
profile = "sample"
seed = 0
seeds = [0, 1]
max_sentences = 0
encoder = "bundled/multilingual-e5-small"
text_epochs = 1
learning_rate = 2e-4
frozen_layers = 8
max_songs = 320
contradiction = 0.25
synthesis = "pretty_midi"
mel_epochs = 12
resnet_epochs = 1
simclr_epochs = 10
dense_epochs = 50
noise_levels = [20, 0]
few_listeners = [1, 2, 4, 8]
third = ["cnn_rnn", "lyric_cnn", "both"]

# %%
import numpy as np
import pandas as pd
from IPython.display import display

from wyf_utils.core import emotions, intervals, metrics
from wyf_utils.data import emotify, song_files
from wyf_utils.music import catalogue
from wyf_utils.sound import dataset, ear, heads, mel, mel_files, simclr
from wyf_utils.study import audio_benchmark, figures, hearing, hearing_adaptor, hearing_networks
from wyf_utils.study.notebook import committed, listen, open_notebook
from wyf_utils.text import finetuning, lyric_reader

pd.set_option("display.max_colwidth", None)  # questions are sentences
STEM = "04_mel_cnn_vs_embedding"
nb = open_notebook(
    STEM, run=run, profile=profile, seed=seed, seeds=seeds,
    max_sentences=max_sentences, encoder=encoder, text_epochs=text_epochs,
    learning_rate=learning_rate, frozen_layers=frozen_layers, max_songs=max_songs,
    contradiction=contradiction, synthesis=synthesis, mel_epochs=mel_epochs,
    resnet_epochs=resnet_epochs, simclr_epochs=simclr_epochs, dense_epochs=dense_epochs,
    noise_levels=noise_levels, few_listeners=few_listeners, third=third,
)  # fmt: skip
results = {}
nb

# %% [markdown]
# ## The measures (측정 방법)
#
# 2022 made four measures beside plain accuracy (Top-1). A tile is coloured where the model's emotion is among the true ones. To them come macro-F1, Cohen's kappa (카파, agreement
# beyond chance) and, where the truth is a share of listeners, Pearson's r of the shares.

# %%
nb.figure("measures", figures.measure_tiles())

# %% [markdown]
# # Real songs and their listeners (실제 노래와 듣는 사람)
#
# Emotify (Aljanaki, Wiering and Veltkamp 2016): listeners marked up to three of nine emotions for a minute of a song. The nine become six by this table; anger and neutral have
# no word among them, so that nothing below says how well these are heard. The target of a song is the share of its listeners who marked an emotion. The 160 songs are read in the
# open run; other runs show the numbers that it has recorded.

# %%
recorded = committed("open", STEM)
if profile == "open":
    answers = emotify.load()
    paths = answers.songs["path"].tolist()
    mels = hearing.song_mels(paths)
    nb.uses(answers.answers, mels)
    cost = answers.cost()
    results |= {"rows/emotify": len(paths), "rows/emotify_answers": len(answers.answers)}
    results |= {f"unmapped/{of_all}": share for of_all, share in cost.items()}
told = recorded | results
pd.DataFrame(
    [(", ".join(names), emotions.KO[emotions.EN.index(six)]) for six, names in emotify.SIX.items()]
    + [(", ".join(emotify.UNMAPPED), "-")],
    columns=["marked by listeners", "here"],
)

# %%
if "rows/emotify" in told:
    print(
        f"{told['rows/emotify']} songs, {told['rows/emotify_answers']:,} answers; no place among "
        f"the six have {told['unmapped/marks']:.0%} of all marks, and {told['unmapped/listeners']:.0%}\n"
        "of the answers hold no other."
    )

# %% [markdown]
# **Who hears them?** CNN and ResNet50 read raw mel. SimCLR makes vectors of mel without any answer (it hears the held-out songs too, which flatters it). Statistics of the mel (mean,
# deviation, mean absolute difference of each band) need no learning. MusiCNN (Pons and Serra 2019) has learned from the Million Song Dataset to name fifty tags; its tags and its embedding
# are features that somebody else has extracted, from 200,000 songs. All features get the same head, a logistic regression on shares. *Chosen* is picked among nine candidates inside each
# fold's training songs. Ten folds, once a seed; no artist and no album stands on both sides. The ceiling is one half of a song's listeners against the other.

# %%
FEATURES = ("tags", "embedding", "mel_statistics", "simclr")
if profile == "open":
    heard_songs = hearing.song_features(paths)
    heard_songs["simclr"] = hearing_networks.simclr_features(mels, epochs=simclr_epochs, seed=seed)
    experiment = hearing.HearingExperiment(answers, heard_songs, seeds)
    experiment.add([f"{kind}_soft" for kind in FEATURES])
    for network, epochs in (("cnn", mel_epochs), ("resnet50", resnet_epochs)):
        hearing_networks.add_network(experiment, mels, network, epochs=epochs)
    others = metrics.shuffled(experiment.six, seed)
    experiment.add(["tags_soft"], targets=others, mark="_shuffled")
    experiment.add_majority()
    experiment.choose()

# %%
MODELS = ["chosen", "tags_soft", "embedding_soft", "mel_statistics_soft", "simclr_soft", "cnn"]
MODELS += ["resnet50", "tags_soft_shuffled", "majority"]
if profile == "open":
    results |= experiment.scores(seed)
    told = recorded | results
is_told = "r/human@mean" in told
if is_told:
    by_model = hearing.by_model(told, ["human", *MODELS])
    drawn = figures.hearing(by_model, baselines=["tags_soft_shuffled", "majority"])
    display(nb.figure("hearing", drawn, songs=told["rows/emotify"]))
    display(hearing.table(told, ["human", *MODELS]))

# %%
if is_told:
    human = by_model["human"]
    best = max(MODELS, key=lambda m: by_model[m].get("mean", {"mean": 0})["mean"])
    print(
        f"Best of the models: {best}, r {intervals.format_score(by_model[best]['mean'])}; half of the\n"
        f"listeners with the other half {intervals.format_score(human['mean'])}. "
        f"Raw mel: CNN {by_model['cnn']['mean']['mean']:.2f}, "
        f"ResNet50 {by_model['resnet50']['mean']['mean']:.2f}."
    )

# %% [markdown]
# The measures of 2022 on the emotion that most listeners marked: *majority* is what a model scores that never listens.

# %%
TOP_K = ["top1", "top2", "top3", "less_strict_top1", "less_strict_top2"]
if is_told:
    shown = {f"{m}/{model}": told[f"{m}/{model}"] for model in MODELS for m in TOP_K}
    display(audio_benchmark.table(shown))


# %% [markdown]
# **What stands in their way?** The three suspicions of 2022, on the same folds.
#
# 1. **Noise in the mel**: white noise is added to all songs, at a stated signal-to-noise ratio.
# 2. **Wrong labels**: the heads learn from the answers of one, two, four or eight listeners of each song instead of all; they are scored by all.
# 3. **Features not extracted enough**: raw mel against features, at the same songs and folds.

# %%
KINDS = ("tags", "mel_statistics")
PAIRS = [(m, "cnn") for m in ("tags_soft", "embedding_soft", "mel_statistics_soft", "simclr_soft")]
PAIRS += [("tags_soft", "mel_statistics_soft"), ("tags_soft", "tags_soft_48_bands")]
if profile == "open":
    for snr in noise_levels:
        noisy = hearing.song_features(paths, snr=snr)
        experiment.features |= {f"{kind}_{snr}dB": noisy[kind] for kind in KINDS}
        experiment.add([f"{kind}_{snr}dB_soft" for kind in KINDS])
    for number in few_listeners:
        few = hearing.few_listeners(answers, number, seed)
        marks = [f"{kind}_soft" for kind in KINDS]
        experiment.add(marks, targets=few, mark=f"_{number}_listeners")
    cosines, adapted = hearing_adaptor.adapted(paths, experiment.groups)
    experiment.add(["tags_soft"], heard={"tags": adapted}, mark="_48_bands")
    everything = experiment.scores(seed)
    results |= {name: score for name, score in everything.items() if name.endswith("@mean")}
    results |= experiment.differences(PAIRS, seed) | {"cosine/adaptor": float(cosines.mean())}
    told = recorded | results


# %%
def r_of(model):
    """Mean r over four emotions, with its interval."""
    return told[f"r/{model}@mean"]


if is_told:
    noise = {
        kind: {"clean": r_of(f"{kind}_soft")}
        | {f"{snr} dB": r_of(f"{kind}_{snr}dB_soft") for snr in noise_levels}
        for kind in KINDS
    }
    crowd = {
        kind: {str(n): r_of(f"{kind}_soft_{n}_listeners") for n in few_listeners}
        | {"all": r_of(f"{kind}_soft")}
        for kind in KINDS
    }
    pairs = {
        f"{a}-{b}": told[f"r_difference/{a}-{b}"] for a, b in PAIRS if b != "tags_soft_48_bands"
    }
    drawn = figures.hearing_hypotheses(
        {"noise": noise, "listeners": crowd}, pairs, r_of("human")["mean"]
    )
    steps = [f"{snr} dB" for snr in noise_levels] + [str(n) for n in few_listeners]
    display(nb.figure("hearing_hypotheses", drawn, names=steps, songs=told["rows/emotify"]))

# %%
if is_told:
    for pair, difference in pairs.items():
        one, other = pair.split("-")
        found = intervals.format_score(difference)
        print(f"r of {one} minus {other}: {found}, {intervals.verdict(difference)}")
    lost = told["r_difference/tags_soft-tags_soft_48_bands"]
    print(
        f"through 48 bands, as Kakao Arena publishes them: cosine of embeddings "
        f"{told['cosine/adaptor']:.3f}, r lost {intervals.format_score(lost)}"
    )

# %% [markdown]
# # What the vectors of 2022 agree on (2022년 벡터의 일치도)
#
# The published vectors of 42,839 songs, from lyrics and from mel, are read in the open profile. Whatever a measure says of the mel vectors, it must be compared with *majority*: the same
# answer for every song. Their names end in `2022`.

# %%
if profile == "open":
    lyric_2022, mel_2022 = song_files.vectors_2022()
    nb.uses(lyric_2022, mel_2022)
    results |= audio_benchmark.agreement_2022(lyric_2022, mel_2022, seed)
    results |= {"rows/songs": len(lyric_2022)}
    told = recorded | results
    shares = {
        kind: np.bincount(vectors.argmax(1), minlength=emotions.N) / len(vectors)
        for kind, vectors in (("lyric", lyric_2022), ("mel", mel_2022))
    }
    for kind, share in shares.items():
        named = zip(emotions.EN, share, strict=True)
        results |= {f"share_{kind}/{name}": float(value) for name, value in named}
    display(nb.figure("answers_2022", figures.stacked_shares(shares)))
of_2022 = {name: told[name] for name in told if name.endswith("_2022") and "/" in name}
audio_benchmark.table({k: v for k, v in of_2022.items() if isinstance(v, dict)}, 4)

# %% [markdown]
# # Composed songs, whose truth is known (지은 노래)
#
# The sample's sound is composed for the emotion that its lyric's author had in mind, and contradicts it in a stated share of the songs (`contradiction`). So two truths stand side by side: what
# the sound was made for, and what is read in the lyric, the only label that 2022 had. Whoever sings in the training part sings nowhere else; parts are even in genre. The open profile has
# neither lyrics nor sound, so everything from here on is left out there.

# %%
recipe = finetuning.Recipe(
    encoder=encoder, epochs=text_epochs, learning_rate=learning_rate, frozen_layers=frozen_layers
)
songs = catalogue.open_catalogue(
    profile,
    recipe,
    seed,
    limit=max_sentences,
    max_songs=max_songs,
    contradiction=contradiction,
    synthesis=synthesis,
)
if songs:
    nb.uses(songs.lyric, songs.mel_dataset.key)
    labels = songs.lyric.argmax(1)
    train, dev, test = (songs.mel_dataset.rows(name) for name in ("train", "dev", "test"))
    display(mel_files.ledger(songs.dropped, songs.changed, len(labels) + len(songs.dropped)))
    counts = {
        name: np.bincount(labels[rows], minlength=emotions.N)
        for name, rows in (("train", train), ("dev", dev), ("test", test))
    }
    display(pd.DataFrame(counts, index=list(emotions.KO)).T)
else:
    print(f"The profile {profile} has no songs to hear.")

# %% [markdown]
# **How right is a lyric's label?** The lyric reader joins the sentence reader, couplet by couplet, with n-grams taught on whole lyrics, and answers each lyric by a model that knows nothing else of its
# writer. Here beside the emotion on which two blind readers of the lyric agree; then beside what the songs of this run were written for (작사 의도). The lyrics are of eleven writers, all
# passes of one language model, so that an unseen writer flatters.

# %%
if songs:
    lyrics, held_out = lyric_reader.held_out_answers(songs.lyric_model)
    read = lyrics["emotion"].to_numpy()
    lyric_scores = {
        f"kappa/lyrics_read{mark}": intervals.interval(
            read, [held_out[name].argmax(1)], metrics.kappa, seed=seed
        )
        for name, mark in (("couplets", "_by_couplets"), ("ngrams", "_by_ngrams"), ("pooled", ""))
    }
    intent = catalogue.composition_targets(songs.songs, profile, seed, contradiction=0.0)
    if intent is not None:
        as_intended = intervals.song_scores(intent, [songs.lyric], seed=seed)
        lyric_scores["kappa/lyrics_intent"] = as_intended["kappa"]
    results |= lyric_scores
    display(audio_benchmark.table(lyric_scores))

# %% [markdown]
# **What does the sample sound like?** One song for each of three emotions, seconds 0 to 6.

# %%
if songs and songs.composed_for is not None:
    for emotion in (0, 1, 3):
        one = songs.songs.iloc[[int(np.argmax(songs.composed_for[:, emotion]))]]
        sound = catalogue.waveform_of(one, profile, seed, contradiction, synthesis)
        title = f"{emotions.KO[emotion]}: {one['title'].iloc[0]}"
        display(listen(sound, mel.SAMPLE_RATE, title, seconds=6))

# %% [markdown]
# ## Both experiments of 2022, with lyric labels (2022년의 두 실험)
#
# First CNN and ResNet50 on raw mel: they read random crops of 235 frames (3.8 s); an answer is the mean over four crops; labels are soft, the whole lyric vector. ResNet50
# has 23 million weights and few epochs on few songs here: it shows what such a network does with so little, not what it could do (the `full` run gives it 60). Then vectors
# first and a shallow head after: SimCLR, statistics of the mel, and MusiCNN's embedding (of six seconds of each song), with a linear head and the 64 units of 2022.

# %%
FIRST = {"cnn": mel_epochs, "resnet50": resnet_epochs}
if songs:
    heard = audio_benchmark.AudioBenchmark(songs.mel_dataset, seeds)
    for network, epochs in FIRST.items():
        heard.add_network(network, network, songs.lyric, epochs)
    trained = [
        simclr.trained_simclr(songs.mel_dataset, epochs=simclr_epochs, seed=s) for s in seeds
    ]
    vectors = [simclr.embed(entry, songs.mel_dataset) for entry in trained]
    features = {"simclr": vectors, "statistics": [songs.mel_dataset.statistics()]}
    features["musicnn"] = [songs.heard.embedding]
    for family, of_seeds in features.items():
        heard.add_heads(family, of_seeds, songs.lyric, ["linear", "dense"])
    heard.add_baselines(songs.lyric, features["statistics"][0])

# %%
PARTS = {"accuracy": "train", "dev_accuracy": "dev", "loss": "train", "dev_loss": "dev"}


def mean_curves(*keys):
    """Points (epoch, mean over seeds) of both networks."""
    return {
        (network, PARTS[key]): list(
            enumerate(np.mean([curve[key] for curve in heard.curves[network]], axis=0), 1)
        )
        for network in FIRST
        for key in keys
    }


if songs:
    dense = heads.dense_curve(vectors[0], labels, songs.mel_dataset, epochs=dense_epochs, seed=seed)
    panels = {
        "first_loss": mean_curves("loss", "dev_loss"),
        "first_accuracy": mean_curves("accuracy", "dev_accuracy"),
        "second_accuracy": {
            ("simclr_dense", PARTS[key]): list(enumerate(dense[key], 1))
            for key in ("accuracy", "dev_accuracy")
        },
    }
    line = float(np.mean(labels[dev] == metrics.majority(labels[train], 1).argmax()))
    lines = {"first_accuracy": line, "second_accuracy": line}
    display(nb.figure("training", figures.training(panels, lines)))

# %% [markdown]
# **Have the SimCLR vectors collapsed?** Alignment (정렬) is 0 where two views of a song are one point; uniformity (균일성) is 0 where all songs are one point and about -4 where they are spread
# evenly (Wang and Isola 2020).

# %%
if songs:
    spread = [
        simclr.alignment_and_uniformity(entry, songs.mel_dataset, "test", seed) for entry in trained
    ]
    sphere = pd.DataFrame(spread, index=[f"seed {s}" for s in seeds])
    display(sphere.round(3))
    colours = labels if songs.composed_for is None else songs.composed_for.argmax(1)
    panels = {
        "lyric": (figures.umap_plane(songs.lyric, seed), labels),
        "simclr": (figures.umap_plane(vectors[0], seed), colours),
        "musicnn": (figures.umap_plane(songs.heard.embedding, seed), colours),
    }
    display(nb.figure("embeddings", figures.planes(panels)))

# %%
if songs:
    lyric_scores = heard.scores(songs.lyric, heard.answers, seed)
    results |= lyric_scores
    shown = ("top1/", "macro_f1/", "kappa/")
    display(audio_benchmark.table({k: v for k, v in lyric_scores.items() if k.startswith(shown)}))

# %% [markdown]
# **Before and after embedding**, beside 2022. Red lines are the majority, solid on our songs, dashed among the labels of 2022, which did not draw it: what it published
# "after" embedding lies within a point of it.

# %%
if songs:
    models = ("cnn", "simclr_dense", "majority")
    ours = {m: tuple(lyric_scores[f"{m}/{model}"]["mean"] for model in models) for m in TOP_K}
    published = song_files.published_2022()
    majority_2022 = {
        m: told[f"{m}/majority_2022"]["mean"] for m in TOP_K if f"{m}/majority_2022" in told
    }
    drawn = figures.before_after(ours, published["mel_before_after"], majority_2022)
    display(nb.figure("before_after", drawn))

# %% [markdown]
# ## The three suspicions where the truth is known (세 가지 가설)
#
# The same models learn the composer's own emotion instead of the lyric's, with and without noise, and are scored on it. What the second can show is narrow: these labels are what the sound
# was made from, so that models taught them had to win. It shows that this sound can be read, and how far the lyrics' labels stand from it.

# %%
composed = songs.composed_for if songs else None
if composed is not None:
    heard.add_network("cnn@composer", "cnn", composed, mel_epochs)
    for family, of_seeds in features.items():
        heard.add_heads(family, of_seeds, composed, ["linear"], "@composer")
    heard.add_baselines(composed, features["statistics"][0], mark="@composer")
    snr = noise_levels[-1]
    noisy = [songs.mel_dataset.noisy(snr).statistics()]
    heard.add_heads("statistics", noisy, composed, ["linear"], f"@composer_{snr}dB")
    heard.add_network(f"cnn@composer_{snr}dB", "cnn", composed, mel_epochs, snr)
    taught = [m for m in heard.answers if "@composer" in m] + ["cnn", "statistics_linear"]
    composer_scores = heard.scores(composed, taught, seed, "_composer")
    measures = ("top1_composer/", "macro_f1_composer/", "kappa_composer/")
    chosen = {name: v for name, v in composer_scores.items() if name.startswith(measures)}
    results |= chosen
    display(audio_benchmark.table(chosen))

# %%
if composed is not None:
    CLEAN = [(f"{m}@composer_{snr}dB", f"{m}@composer") for m in ("statistics_linear", "cnn")]
    LABELS = [(f"{m}@composer", m) for m in ("cnn", "statistics_linear")]
    FEATURE_PAIRS = [(f"{f}_linear@composer", "cnn@composer") for f in features]
    tested = heard.differences(composed, CLEAN + LABELS + FEATURE_PAIRS, seed, "_composer")
    results |= tested
    harms = {"worse": "it harms", "better": "it helps", "no difference": "not shown to matter"}
    first = {
        "better": "the first is better",
        "worse": "the second is better",
        "no difference": "no difference shown",
    }
    questions = [(f"1 noise: {a} against {b}", (a, b), harms) for a, b in CLEAN]
    questions += [(f"2 labels: {a} against {b}", (a, b), first) for a, b in LABELS]
    questions += [(f"3 features: {a} against {b}", (a, b), first) for a, b in FEATURE_PAIRS]
    asked = {f"kappa_composer_difference/{a}-{b}": (q, words) for q, (a, b), words in questions}
    display(audio_benchmark.verdicts(tested, asked))

# %% [markdown]
# **How much of the lyric labels can sound know at all?** A model that hears perfectly, and answers what it hears, agrees with the lyrics as much as the composer's own emotion does.

# %%
if composed is not None:
    perfect = intervals.song_scores(songs.lyric[test], [composed[test]], seed=seed)
    results |= {f"{score}/composer": v for score, v in perfect.items()}
    print(
        "kappa of the composer's emotion with the lyric labels: "
        f"{intervals.format_score(perfect['kappa'])}"
    )

# %% [markdown]
# ## The ears that 05 uses (05가 쓰는 귀)
#
# Two heads on what MusiCNN hears. The one for people's own files and for Kakao Arena's mels has learned from Emotify's listeners (`data/reference/ear.json`). The one for the sample has learned
# composed sound from what it was composed for, out of fold: five folds of artists, each heard by a head that has heard none of its own. The first on the second's songs is a test of how far composed sound
# is from real music.

# %%
if composed is not None:
    own = songs.sound_vectors(seed)
    real = ear.load_head().emotion_vectors(songs.heard.tag_odds)
    for name, vectors_of in (("composed_ear", own), ("real_ear", real)):
        found = intervals.song_scores(composed, [vectors_of], seed=seed)
        results |= {f"{score}_composer/{name}": found[score] for score in ("kappa", "macro_f1")}
        print(f"{name}: kappa with the composer {intervals.format_score(found['kappa'])}")
    answered = {
        name: np.bincount(v.argmax(1), minlength=emotions.N)
        for name, v in (("composed for", composed), ("composed ear", own), ("real ear", real))
    }
    display(pd.DataFrame(answered, index=list(emotions.KO)).T)

# %% [markdown]
# ## Sound, lyrics, both (소리, 가사, 둘 다)
#
# The 2017 table of the appendix, and its networks on our songs. A label that comes from the lyrics alone would give the game away, so the label here is the emotion that the author of the song had in
# mind (known in the sample only; other profiles fall back on the lyric vectors). Lyrics are read as sequences of couplet vectors of the encoder, which is not trained; both joins
# CNN + RNN on sound with CNN on lyrics.

# %%
literature = song_files.published_2022()["literature"]
for table in ("heads", "audio_lyrics"):
    content = literature[table]
    published = pd.DataFrame(content["rows"], columns=content["columns"])
    display(published.style.hide(axis="index").set_caption(f"2022, {content['source']}"))

# %%
if songs:
    couplets = catalogue.couplet_vectors(encoder, songs.songs["lyric"], songs.parts == "train")
    meant = songs.lyric if intent is None else intent
    joint = audio_benchmark.AudioBenchmark(
        dataset.MelDataset(songs.mels, songs.parts, couplets), seeds
    )
    for network in third:
        joint.add_network(network, network, meant, mel_epochs)
    joint.add_baselines(meant, features["statistics"][0])
    intent_scores = joint.scores(meant, joint.answers, seed, "_intent")
    pairs = [("both", "lyric_cnn"), ("both", "cnn_rnn"), ("lyric_cnn", "cnn_rnn")]
    of_pairs = joint.differences(meant, pairs, seed, "_intent")
    results |= intent_scores | of_pairs
    macro_f1 = {model: intent_scores[f"macro_f1_intent/{model}"] for model in joint.answers}
    drawn = figures.score_bars(macro_f1, baselines=("majority", "prior", "shuffled"))
    display(nb.figure("audio_lyrics", drawn))

# %% [markdown]
# ## Failures to listen to (틀린 노래 들어 보기)
#
# Test songs that the linear head on MusiCNN, taught by lyric labels, is most sure of and wrong about. *composed* is what the sound was made for: where it equals the answer, the model heard right and the label is
# the lyric's.

# %%
if songs:
    failures = heard.failures("musicnn_linear", songs.lyric, 6)
    failures["title"] = songs.songs["title"].iloc[failures["row"]].to_numpy()
    if songs.composed_for is not None:
        composed_ids = songs.composed_for[failures["row"]].argmax(1)
        failures["composed"] = [emotions.KO[i] for i in composed_ids]
    display(failures.drop(columns="row"))
    for row in failures["row"].iloc[:3] if songs.composed_for is not None else ():
        one = songs.songs.iloc[[row]]
        sound = catalogue.waveform_of(one, profile, seed, contradiction, synthesis)
        display(listen(sound, mel.SAMPLE_RATE, one["title"].iloc[0], seconds=6))

# %% [markdown]
# ## Verdict (결론)


# %%
def verdict_of(pair):
    """Difference in r of two models on real songs, and its verdict."""
    difference = told[f"r_difference/{pair}"]
    return f"{intervals.format_score(difference)}, {intervals.verdict(difference)}"


if is_told:
    print("On real songs, mean r with the shares of listeners:")
    print(
        f"1 noise: tags at {noise_levels[-1]} dB {noise['tags'][f'{noise_levels[-1]} dB']['mean']:.2f}, "
        f"clean {noise['tags']['clean']['mean']:.2f}"
    )
    one, everyone = (crowd["tags"][n]["mean"] for n in (str(few_listeners[0]), "all"))
    print(f"2 labels: of {few_listeners[0]} listener a song {one:.2f}, of all {everyone:.2f}")
    print(f"3 features: MusiCNN's tags against a CNN on raw mel {verdict_of('tags_soft-cnn')}")
if composed is not None:
    cnn, extracted = (
        composer_scores[f"kappa_composer/{m}@composer"] for m in ("cnn", "musicnn_linear")
    )
    print("On composed songs, kappa with the composer:")
    print(
        f"CNN on raw mel {intervals.format_score(cnn)}, MusiCNN {intervals.format_score(extracted)}, "
        f"CNN taught by lyrics {intervals.format_score(composer_scores['kappa_composer/cnn'])}"
    )

# %% [markdown]
# ## What came from the cache

# %%
nb.provenance()

# %% [markdown]
# ## Headline numbers

# %%
if songs:
    for name in ("alignment", "uniformity"):
        results[f"{name}/simclr"] = float(sphere[name].mean())
    results |= {"rows/songs": len(labels), "rows/test": len(test)}
nb.record(results)
