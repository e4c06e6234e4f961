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
# | **Question** | Can a model hear the emotion that the lyrics tell, better than always giving the most frequent answer? And if not, why not? |
# | **Reads** | the songs of 01 with their mels, the lyric vectors of the classifier of 02; in the open run the song vectors published in 2022 |
# | **Writes** | trained mel models (cache), figures `04_*`, the section `04_mel_cnn_vs_embedding` of `results.json` |
# | **Before, after** | 02 trains the classifier; 05 corrects the lyric vectors with the network that is chosen here |
# | **Time** | three minutes on 2 CPU cores with bfloat16 in hardware after 02, about four times as long without, a minute from the cache |
#
# In 2022 a CNN and a ResNet50 on raw mel "did not learn", and SimCLR vectors with a small net "reached 78 %". The presentation suspected three things: noise
# in the mel, wrong labels, features that were not extracted enough. Here both experiments are made again, every number stands beside its baselines, and each
# suspicion becomes an experiment with a verdict.

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
shallow_epochs = 60
resnet_epochs = 1
simclr_epochs = 10
dense_epochs = 50
noise_levels = [20, 0]
third = ["cnn_rnn", "lyric_cnn", "both"]

# %%
import numpy as np
import pandas as pd
from IPython.display import display

from wyf_utils.core import emotions, intervals, metrics
from wyf_utils.data import song_files
from wyf_utils.music import catalogue
from wyf_utils.sound import dataset, heads, mel, mel_files, network_training, networks, simclr
from wyf_utils.study import audio_benchmark, figures
from wyf_utils.study.notebook import committed, listen, open_notebook
from wyf_utils.text import finetuning, lyric_reader

pd.set_option("display.max_colwidth", None)  # questions are sentences
nb = open_notebook(
    "04_mel_cnn_vs_embedding", run=run, profile=profile, seed=seed, seeds=seeds,
    max_sentences=max_sentences, encoder=encoder, text_epochs=text_epochs,
    learning_rate=learning_rate, frozen_layers=frozen_layers, max_songs=max_songs,
    contradiction=contradiction, synthesis=synthesis, mel_epochs=mel_epochs,
    shallow_epochs=shallow_epochs, resnet_epochs=resnet_epochs, simclr_epochs=simclr_epochs,
    dense_epochs=dense_epochs, noise_levels=noise_levels, third=third,
)  # fmt: skip
nb

# %% [markdown]
# ## The measures (측정 방법)
#
# 2022 made four measures beside plain accuracy (Top-1). A tile is coloured where the model's emotion is among the true ones. To them come macro-F1, balanced
# accuracy, Cohen's kappa (카파, agreement beyond chance) and the Brier score, the only one that is the better the smaller.

# %%
nb.figure("measures", figures.measure_tiles())

# %% [markdown]
# ## What the vectors of 2022 agree on (2022년 벡터의 일치도)
#
# The published vectors of 42,839 songs, from lyrics and from mel, are read in the open profile; other runs show the numbers that the open run has recorded. Whatever a
# measure says of the mel vectors, it must be compared with *majority*: the same answer for every song.

# %%
results = {}
if profile == "open":
    lyric_2022, mel_2022 = song_files.vectors_2022()
    nb.uses(lyric_2022, mel_2022)
    results = audio_benchmark.agreement_2022(lyric_2022, mel_2022, seed)
    results |= {"rows/songs": len(lyric_2022)}
recorded = results or committed("open", "04_mel_cnn_vs_embedding")
with_intervals = {name: value for name, value in recorded.items() if isinstance(value, dict)}
audio_benchmark.table(with_intervals, 4)

# %% [markdown]
# **What does the mel network of 2022 answer?** The share of each emotion among its largest, beside the lyrics' own.

# %%
if profile == "open":
    shares = {
        kind: np.bincount(vectors.argmax(1), minlength=emotions.N) / len(vectors)
        for kind, vectors in (("lyric", lyric_2022), ("mel", mel_2022))
    }
    for kind, share in shares.items():
        named = zip(emotions.EN, share, strict=True)
        results |= {f"share_{kind}/{name}": float(value) for name, value in named}
    display(nb.figure("answers_2022", figures.stacked_shares(shares)))

# %% [markdown]
# ## Songs, lyric vectors, mels
#
# The lyric vector (가사 벡터) of a song is the mean over its couplets; it is the label here, as in 2022. Artists are kept apart: whoever sings in the training part sings nowhere
# else; parts are even in genre, so that they do not depend on what a model read. The sample's sound is composed for the emotion its author had in mind, and contradicts it in a stated share of the songs (`contradiction`). The open
# profile has vectors but neither lyrics nor sound, so everything from here on is left out there.

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
# **How right is a lyric's label?** A reader of sentences sees a lyric's couplets one by one; a lyric sings around its feeling. The lyric reader adds n-grams taught on whole lyrics, and answers
# each by a model that knows nothing else of its writer. First both beside the emotion on which two blind readers of the lyric agree, over all labelled lyrics; the lyrics are of eleven writers, all
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
    results |= lyric_scores
    by_kind = {
        name: [np.mean(answers.argmax(1)[read == e.id] == e.id) for e in emotions.EMOTIONS]
        for name, answers in held_out.items()
    }
    display(audio_benchmark.table(lyric_scores))
    display(pd.DataFrame(by_kind, index=list(emotions.KO)).T.round(2))

# %% [markdown]
# Then what it reads in the songs of this run beside what they were written for (작사 의도, known in the sample only). Corrected vectors have the training songs' leaning divided out. Where kappa is
# low, all that learns from these labels learns mistakes: keep it in mind for every score below, and for the second hypothesis.

# %%
intent = (
    catalogue.composition_targets(songs.songs, profile, seed, contradiction=0.0) if songs else None
)
if intent is not None:
    readings = {
        "lyric_label": songs.lyric,
        "lyric_label_corrected": songs.corrected,
        "majority": metrics.majority(intent.argmax(1), len(labels)),
    }
    label_scores = {
        f"{score}_intent/{m}": v
        for m, found in readings.items()
        for score, v in intervals.song_scores(intent, [found], seed=seed).items()
    }
    results |= {name: value for name, value in label_scores.items() if "label" in name}
    measures = ("top1_", "macro_f1_", "kappa_")
    shown = {name: v for name, v in label_scores.items() if name.startswith(measures)}
    display(audio_benchmark.table(shown))
    written, read = (
        pd.Series(pd.Categorical.from_codes(v.argmax(1), emotions.KO), name=name)
        for v, name in ((intent, "written for"), (songs.lyric, "read as"))
    )
    display(pd.crosstab(written, read, dropna=False))

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
# **How are the lyrics laid out?** UMAP of the lyric vectors, coloured by the largest emotion.

# %%
if songs:
    lyric_points = figures.umap_plane(songs.lyric, seed)
    display(nb.figure("lyric_embedding", figures.plane(lyric_points, labels)))

# %% [markdown]
# ## First experiment: CNN and ResNet50 on raw mel (첫 번째 실험)
#
# Networks read random crops of 235 frames (3.8 s); an answer is the mean over four crops. Each learns soft labels (the whole lyric vector) and hard ones (its largest emotion).
# ResNet50 has 23 million weights and few epochs on few songs here: it shows what such a network does with so little, not what it could do (the `full` run gives it 60).

# %%
FIRST = {"cnn": mel_epochs, "resnet50": resnet_epochs}
if songs:
    heard = audio_benchmark.AudioBenchmark(songs.mel_dataset, seeds)
    for network, epochs in FIRST.items():
        heard.add_network(network, network, songs.lyric, epochs)
        one_hot = network_training.one_hot_labels(songs.lyric)
        heard.add_network(f"{network}_hard", network, one_hot, epochs)
    majority_line = float(np.mean(labels[dev] == metrics.majority(labels[train], 1).argmax()))


# %%
def mean_curves(*keys):
    """Points (epoch, mean over seeds) of both networks on soft labels."""
    points = {}
    for network in FIRST:
        for key in keys:
            means = np.mean([curve[key] for curve in heard.curves[network]], axis=0)
            points[network, key] = list(enumerate(means, 1))
    return points


if songs:
    accuracies = figures.curves(mean_curves("accuracy", "dev_accuracy"), majority_line)
    display(nb.figure("first_accuracy", accuracies))

# %%
if songs:
    display(nb.figure("first_loss", figures.curves(mean_curves("loss", "dev_loss"))))

# %% [markdown]
# ### Labels that lean, and few songs (쏠린 라벨, 적은 노래)
#
# Two things stand in a network's way before it hears anything. Where most lyrics are read as one or two emotions, answering these is learned first: corrected labels (보정한 라벨)
# are the lyric vectors with the training songs' leaning divided out, as the recommender does with the whole catalogue's. And there are few songs: the shallow network (얕은 신경망) is one linear layer on the
# statistics of a crop (mean, deviation and mean absolute difference from frame to frame of each band). The recommender of 05 corrects all that it reads, so it is served by a network
# that learned corrected labels: the one with the better dev macro-F1 on them.

# %%
if songs:
    corrected = np.bincount(songs.corrected[train].argmax(1), minlength=emotions.N)
    print("training songs by label:", counts["train"], "corrected:", corrected)
    heard.add_network("cnn_corrected", "cnn", songs.corrected, mel_epochs)
    for model, labels_learned in (("shallow", songs.lyric), ("shallow_corrected", songs.corrected)):
        heard.add_network(model, "shallow", labels_learned, shallow_epochs)
    on_dev = {
        network: [max(curve["dev_macro_f1"]) for curve in heard.curves[f"{network}_corrected"]]
        for network in ("cnn", "shallow")
    }
    table = pd.DataFrame(on_dev, index=[f"seed {s}" for s in seeds]).round(2)
    display(table.rename_axis("dev macro-F1, corrected labels"))
    means = {network: np.mean(of_seeds) for network, of_seeds in on_dev.items()}
    print(
        f"better on dev: {max(means, key=means.get)}, "
        f"by {abs(means['cnn'] - means['shallow']):.3f} "
        f"on {counts['dev'].sum()} dev songs, the best epoch of each (of\n"
        f"{mel_epochs} the CNN's, of {shallow_epochs} the shallow network's); "
        f"hears for 05: {networks.CHOSEN}"
    )

# %% [markdown]
# ## Second experiment: vectors first, a shallow head after (두 번째 실험)
#
# SimCLR learns vectors of 512 numbers from mel without labels; a linear head, the 64-unit dense head of 2022, and the heads of the appendix's table read them. Simple statistics
# of each band (mean, deviation, mean absolute difference from frame to frame) with the same heads are the control that any learned vector must beat.

# %%
if songs:
    trained = [
        simclr.trained_simclr(songs.mel_dataset, epochs=simclr_epochs, seed=s) for s in seeds
    ]
    vectors = [simclr.embed(entry, songs.mel_dataset) for entry in trained]
    plain = songs.mel_dataset.statistics()
    heard.add_heads("simclr", vectors, songs.lyric)
    heard.add_heads("statistics", [plain], songs.lyric)
    heard.add_baselines(songs.lyric, plain)

# %% [markdown]
# **Have the vectors collapsed?** Alignment (정렬) is 0 where two views of a song are one point; uniformity (균일성) is 0 where all songs are one point and about -4 where they are spread
# evenly (Wang and Isola 2020). The loss is shown beside that of collapsed vectors.

# %%
if songs:
    spread = [
        simclr.alignment_and_uniformity(entry, songs.mel_dataset, "test", seed) for entry in trained
    ]
    sphere = pd.DataFrame(spread, index=[f"seed {s}" for s in seeds])
    contrast = [network_training.training_curve(entry) for entry in trained]
    sphere["loss"] = [curve["loss"][-1] for curve in contrast]
    sphere["loss if collapsed"] = [curve["chance"][-1] for curve in contrast]
    display(sphere.round(3))

# %%
if songs:
    dense = heads.dense_curve(vectors[0], labels, songs.mel_dataset, epochs=dense_epochs, seed=seed)
    points = {key: list(enumerate(dense[key], 1)) for key in ("accuracy", "dev_accuracy")}
    display(nb.figure("second_training", figures.curves(points, majority_line)))

# %% [markdown]
# **How are the songs laid out by their sound?** UMAP of the SimCLR vectors, coloured by the emotion the sound was composed for, or by the lyrics' where that is not known.

# %%
if songs:
    mel_points = figures.umap_plane(vectors[0], seed)
    colours = labels if songs.composed_for is None else songs.composed_for.argmax(1)
    display(nb.figure("mel_embedding", figures.plane(mel_points, colours)))

# %% [markdown]
# ## Scores against the lyric vectors (점수)
#
# All models on the same test songs, with 95 % intervals over songs and seeds. Majority gives the shares of the training labels for every song; prior draws a training song's vector;
# shuffled is the linear head on statistics after its training labels were put in random order.

# %%
if songs:
    scores = heard.scores(songs.lyric, heard.answers, seed)
    results |= scores
    display(audio_benchmark.table(scores))

# %%
BASELINES = ("majority", "prior", "shuffled")
if songs:
    macro_f1 = {model: scores[f"macro_f1/{model}"] for model in heard.answers}
    display(nb.figure("macro_f1", figures.score_bars(macro_f1, baselines=BASELINES)))

# %% [markdown]
# **Before and after embedding**, beside 2022. Red lines are the majority, solid on our songs, dashed among the labels of 2022, which did not draw it: what it published
# "after" embedding lies within a point of it.

# %%
MEASURES = ("top1", "top2", "top3", "less_strict_top1", "less_strict_top2")
if songs:
    models = ("cnn", "simclr_dense", "majority")
    ours = {m: tuple(scores[f"{m}/{model}"]["mean"] for model in models) for m in MEASURES}
    published = song_files.published_2022()["mel_before_after"]
    majority_2022 = {
        m: recorded[f"{m}/majority"]["mean"] for m in MEASURES if f"{m}/majority" in recorded
    }
    display(nb.figure("before_after", figures.before_after(ours, published, majority_2022)))

# %% [markdown]
# **Better than the majority?** Paired bootstrap on the same test songs. In macro-F1 prior sampling and shuffled labels, which never listen, are harder rivals than the majority, and may
# beat it themselves: some models stand beside them too.

# %%
if songs:
    OWN = (
        "cnn", "cnn_corrected", "shallow", "shallow_corrected", "simclr_linear",
        "statistics_linear",
    )  # fmt: skip
    pairs = [(m, "majority") for m in heard.answers if m != "majority"]
    pairs += [(m, rival) for rival in ("prior", "shuffled") for m in OWN]
    against = heard.differences(songs.lyric, pairs, seed)
    results |= against
    rows = [
        (name.split("/")[1], intervals.format_score(d), intervals.verdict(d))
        for name, d in against.items()
        if name.startswith("macro_f1")
    ]
    display(pd.DataFrame(rows, columns=["comparison", "macro-F1", "it is"]))

# %% [markdown]
# ## The heads of the appendix (부록의 표)
#
# The literature table of 2022 and the same heads on our songs. Its accuracies are of acted speech with even classes; ours stand beside their majority above.

# %%
literature = song_files.published_2022()["literature"]
nb.figure("literature", figures.table(literature["heads"]))

# %%
if songs:
    accuracy = {
        family: [intervals.format_score(scores[f"top1/{family}_{head}"]) for head in heads.HEADS]
        for family in ("simclr", "statistics")
    }
    display(pd.DataFrame(accuracy, index=list(heads.HEADS)))

# %% [markdown]
# ## Third experiment: sound, lyrics, both (소리, 가사, 둘 다)
#
# The 2017 table of the appendix on our songs. A label that comes from the lyrics alone would give the game away, so the label here is the emotion that the author of the song had in
# mind (known in the sample only; other profiles fall back on the lyric vectors). Lyrics are read as sequences of couplet vectors of the encoder, which is not trained; both joins
# CNN + RNN on sound with CNN on lyrics.

# %%
nb.figure("literature_audio_lyrics", figures.table(literature["audio_lyrics"]))

# %%
if songs:
    couplets = catalogue.couplet_vectors(encoder, songs.songs["lyric"], songs.parts == "train")
    meant = songs.lyric if intent is None else intent
    joint = audio_benchmark.AudioBenchmark(
        dataset.MelDataset(songs.mels, songs.parts, couplets), seeds
    )
    for network in third:
        joint.add_network(network, network, meant, mel_epochs)
    joint.add_baselines(meant, plain)
    intent_scores = joint.scores(meant, joint.answers, seed, "_intent")
    pairs = [("both", "lyric_cnn"), ("both", "cnn_rnn"), ("lyric_cnn", "cnn_rnn")]
    intent_scores |= joint.differences(meant, pairs, seed, "_intent")
    results |= intent_scores

# %%
if songs:
    macro_f1 = {model: intent_scores[f"macro_f1_intent/{model}"] for model in joint.answers}
    display(nb.figure("audio_lyrics", figures.score_bars(macro_f1, baselines=BASELINES)))
    display(
        pd.Series(
            {
                n.split("/")[1]: f"{intervals.format_score(d)} {intervals.verdict(d)}"
                for n, d in intent_scores.items()
                if n.startswith("kappa_intent_diff")
            }
        )
    )

# %% [markdown]
# ## Three hypotheses (세 가지 가설)
#
# 2022 named three reasons why nothing was learned. For the sample it is known what each piece was composed for, so each can be tested. All scores below are against the composer's own
# emotion (작곡한 감정) of the test songs; for real songs it is not known, and this section is left out.
#
# 1. **Noise in the mel**: white noise is added in training and test, at a stated signal-to-noise ratio.
# 2. **Wrong labels**: the same models learn the composer's own labels instead of the lyrics', and networks the corrected instead of the leaning ones.
# 3. **Features not extracted enough**: raw mel, statistics and SimCLR on the same labels. SimCLR reads two crops of a song at a time, so that a lead,
#    if it has one, may come from reading more (counted under the scores).
#
# What the second can show is narrow: these labels are what the sound was made from, so that models taught them had to win. It shows that this sound can be read, and how far the lyrics'
# labels stand from it, not that labels failed in 2022.

# %%
composed = songs.composed_for if songs else None
if composed is not None:
    heard.add_network("cnn@composer", "cnn", composed, mel_epochs)
    heard.add_heads("simclr", vectors, composed, ["linear", "dense"], "@composer")
    heard.add_heads("statistics", [plain], composed, ["linear", "dense"], "@composer")
    heard.add_baselines(composed, plain, mark="@composer")
    for snr in noise_levels:
        noisy = [songs.mel_dataset.noisy(snr).statistics()]
        heard.add_heads("statistics", noisy, composed, ["linear"], f"@composer_{snr}dB")
    snr = noise_levels[-1]
    heard.add_network(f"cnn@composer_{snr}dB", "cnn", composed, mel_epochs, snr)
    composer_scores = heard.scores(composed, heard.answers, seed, "_composer")
    measures = ("top1_composer/", "macro_f1_composer/", "kappa_composer/")
    chosen = {name: v for name, v in composer_scores.items() if name.startswith(measures)}
    results |= chosen
    print(
        f"crops read by the CNN: {mel_epochs * len(train):,}, "
        f"by SimCLR: {2 * simclr_epochs * len(train):,}"
    )
    display(audio_benchmark.table(chosen))

# %%
if composed is not None:
    NOISY = [("statistics_linear", snr) for snr in noise_levels] + [("cnn", noise_levels[-1])]
    CLEAN = [(f"{m}@composer_{snr}dB", f"{m}@composer") for m, snr in NOISY]
    LABELS = [(f"{m}@composer", m) for m in ("cnn", "simclr_linear", "statistics_linear")]
    CORRECTED = [(f"{m}_corrected", m) for m in ("cnn", "shallow")]
    FEATURES = [(f"{m}@composer", "cnn@composer") for m in ("statistics_linear", "simclr_linear")]
    FEATURES += [("simclr_linear@composer", "statistics_linear@composer")]
    tested = heard.differences(composed, CLEAN + LABELS + CORRECTED + FEATURES, seed, "_composer")
    results |= tested

# %%
if composed is not None:
    noise = {
        "worse": "noise of this level harms",
        "better": "noise of this level helps",
        "no difference": "not shown that noise of this level matters",
    }
    wrong = {
        "better": "the first labels teach more",
        "worse": "the second labels teach more",
        "no difference": "not shown that the labels matter",
    }
    depth = {
        "better": "the first features say more",
        "worse": "the second features say more",
        "no difference": "no difference shown between the features",
    }
    questions = [(f"1 noise: {a} against {b}", (a, b), noise) for a, b in CLEAN]
    questions += [(f"2 labels: {a} against {b}", (a, b), wrong) for a, b in LABELS + CORRECTED]
    questions += [(f"3 features: {a} against {b}", (a, b), depth) for a, b in FEATURES]
    asked = {f"kappa_composer_difference/{a}-{b}": (q, words) for q, (a, b), words in questions}
    display(audio_benchmark.verdicts(tested, asked))

# %% [markdown]
# **How much of the lyric labels can sound know at all?** The composer's emotion against the lyric labels: a model that hears perfectly, and answers what it hears, agrees with the lyrics
# as much as that. A model taught by the lyrics also learns how their labels lean, and may agree more. The next line has the best model that learned what sounds were composed for, scored on the
# same lyric labels; the last, the best on the composer's own. Each best is the best of many on few test songs, so that it may exceed even perfect hearing: the interval says how far to trust it.

# %%
if composed is not None:
    perfect = intervals.song_scores(songs.lyric[test], [composed[test]], seed=seed)
    results |= {f"{score}/composer": v for score, v in perfect.items()}
    taught = heard.scores(songs.lyric, [m for m in heard.answers if m.endswith("@composer")], seed)
    results |= {name: value for name, value in taught.items() if name.startswith("kappa/")}
    agreement = intervals.format_score(perfect["kappa"])
    print(f"kappa of the composer's emotion with the lyric labels: {agreement}")
    for found, teacher in ((scores, "them"), (taught, "the composer's emotion")):
        best = max((m for m in found if m.startswith("kappa/")), key=lambda m: found[m]["mean"])
        print(
            f"best kappa with the lyric labels of a model taught by {teacher}: "
            f"{intervals.format_score(found[best])} ({best.removeprefix('kappa/')})"
        )
    best_composer = max(
        (m for m in composer_scores if m.startswith("kappa_composer/") and not m.endswith("dB")),
        key=lambda m: composer_scores[m]["mean"],
    )
    print(
        f"best kappa with the composer's emotion: {intervals.format_score(composer_scores[best_composer])} "
        f"({best_composer.removeprefix('kappa_composer/')})"
    )

# %% [markdown]
# ## Failures to listen to (틀린 노래 들어 보기)
#
# Test songs that the network of 05 (shallow, taught by corrected lyric labels) is most sure of and wrong about. *composed* is what the sound was made for: where it equals the answer, the model heard right and the label is
# the lyric's.

# %%
if songs:
    failures = heard.failures("shallow_corrected", songs.lyric, 6)
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
#
# Macro-F1 is a mean over the emotions that occur among the test songs; the counts below say how many songs stand behind each. Kappa says more where some are hardly there.


# %%
def tally(pairs):
    """How often the first is better, worse or no different in kappa with the composer's emotion."""
    differences = [tested[f"kappa_composer_difference/{first}-{second}"] for first, second in pairs]
    words = [intervals.verdict(difference) for difference in differences]
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))


if songs:
    deaf = ["prior", "shuffled"]  # what never listens, and may beat the majority nevertheless
    tried = {"majority": [*OWN, *deaf], "prior": OWN, "shuffled": OWN}
    by_emotion = zip(emotions.KO, counts["test"], strict=True)
    print("test songs by the lyrics' emotion:", ", ".join(f"{ko} {n}" for ko, n in by_emotion))
    for rival, models in tried.items():
        found = {m: intervals.verdict(against[f"macro_f1_difference/{m}-{rival}"]) for m in models}
        better = [m for m in models if found[m] == "better"]
        print(
            f"better than {rival} at the lyrics' emotion (macro-F1): {', '.join(better) or 'none'}"
        )
    sure = [m for m in OWN if scores[f"kappa/{m}"]["low"] > 0]
    print(
        "agrees with the lyrics' emotion beyond chance (kappa leaves zero out): "
        f"{', '.join(sure) or 'none'}"
    )

# %%
if composed is not None:
    print(f"1 noise, with it against without: {tally(CLEAN)}")
    written = intervals.format_score(label_scores["kappa_intent/lyric_label"])
    print(f"2 wrong labels: kappa of the lyrics' labels with what was written {written}")
    print(
        "2 wrong labels, the composer's, of which the sound was made, against the lyrics': "
        f"{tally(LABELS)}; corrected against leaning ones: {tally(CORRECTED)}"
    )
    print(
        "3 features, extracted first against learned from raw mel, and SimCLR against statistics: "
        f"{tally(FEATURES)}"
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
