"""Figures: their words in two languages, what they draw, and that everything stays inside."""

import ast
import functools
import string
from unittest.mock import patch

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from wyf_utils.core import emotions, intervals
from wyf_utils.core.errors import BadInput, MissingData
from wyf_utils.core.files import read_json
from wyf_utils.core.language import LANGUAGES
from wyf_utils.core.paths import ROOT
from wyf_utils.data import cleaning
from wyf_utils.study import adaptation, domain_distance, figures, training_experiments
from wyf_utils.study.figures import words as words_module
from wyf_utils.study.notebook import open_notebook

# Synthetic data -----------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
INTERVAL = {"mean": 0.5, "low": 0.4, "high": 0.6, "n": 3}
SHARES = RNG.dirichlet(np.ones(6), 6)
SIXTH = np.full(6, 1 / 6)
TEXT_MODELS = (
    "majority", "shuffled", "lexicon", "tfidf", "tfidf_unweighted", "ngrams", "e5_frozen",
    "e5_finetuned", "reader",
    *(f"reader_{source}" for source in ("sample", "kote", "goemotions", "together")),
)  # fmt: skip
HEARD = ("human", "chosen", "tags_soft", "embedding_soft", "mel_statistics_soft", "simclr_soft",
         "cnn", "resnet50", "tags_soft_shuffled", "majority")  # fmt: skip
HEARD_PAIRS = (
    "tags_soft-cnn", "embedding_soft-cnn", "mel_statistics_soft-cnn", "simclr_soft-cnn",
    "tags_soft-mel_statistics_soft",
)  # fmt: skip
THIRD = ("cnn", "rnn", "cnn_rnn", "lyric_cnn", "lyric_rnn", "both", "majority", "prior", "shuffled")
MEASURES = ("top1", "top2", "top3", "less_strict_top1", "less_strict_top2")
CONDITIONS = (*adaptation.CONDITIONS, "shuffled", "majority")
DOMAINS = ("conversation", "emotion", "emotion@goemotions", "lyrics", "unrelated")
TRIO = ("conversation", "lyrics", "emotion")
KINDS = (
    "lyric", "mel", "half", "lyric_corrected", "mel_corrected", "half_corrected", "fused",
)  # fmt: skip
POINTS = RNG.normal(size=(60, 2))
SOURCES = pd.DataFrame(
    {
        "label": [f"이름 {i}" for i in range(20)],
        "emotion": np.arange(20) % 6,
        "n": [400, *range(1, 20)],
    }
)
RELIABILITY = pd.DataFrame({"confidence": [0.3, 0.8], "accuracy": [0.2, 0.9], "n": [5, 9]})
SECONDS = {"lexicon": 6, "tfidf": 11, "tfidf_unweighted": 12, "e5_frozen": 280, "e5_finetuned": 690}
COSTS = pd.DataFrame(
    {
        "million weights": [np.nan, np.nan, np.nan, np.nan, 24.4],
        "seconds to make": SECONDS.values(),
        "macro-F1": [0.52, 0.92, 0.92, 0.87, 0.88],
    },
    index=SECONDS,
)
TIMES = pd.DataFrame(
    {
        "loop": [9.0, 90],
        "sklearn": [1, 2],
        "expression_2022": [1, 3],
        "faiss": [0.1, 0.2],
        "wyf": [0.01, 0.02],
    },
    index=pd.MultiIndex.from_tuples([(1000, 6), (10_000, 6)], names=["songs", "dim"]),
)
REACHED = {
    "2022": np.array([10, 8, 10, 2180, 6, 10]),
    "cosine_top5": np.arange(1, 7),
    "ours": np.array([1200, 218, 2709, 8447, 825, 294]),
}
HUBS = {name: np.arange(40).reshape(8, 5) % 7 for name in REACHED}
EFFECTS = pd.DataFrame(
    {"word": ["면접에서", "또"], "place": [0, 1], "emotion": 3, "effect": [0.4, -0.05]}
)
BEFORE_AFTER = {measure: (0.2, 0.4, 0.3) for measure in MEASURES}
PUBLISHED = {measure: (0.4, 0.78) for measure in MEASURES if measure != "top2"}
TABLE = {"columns": ["x", "A"], "rows": [["y", 1.0], ["z", 2.0]], "source": "2022"}
DIFFERENCES = {
    name: {"mean": low + 0.02, "low": low, "high": low + 0.04}
    for name, low in zip(CONDITIONS, [0.0004, 0.001, -0.05] * 4, strict=False)
}
LOSSES = {domain: 7.0 + place for place, domain in enumerate(DOMAINS)}
LEARNED = pd.DataFrame(
    [
        (model, test, n, INTERVAL)
        for n in (50, 100)
        for test in ("sample", "stories")
        for model in ("tfidf", "e5_frozen", "tfidf_e5_frozen")
    ],
    columns=["model", "test", "n", "macro_f1"],
)


def ledger(rules):
    """What cleaning did: some rules drop rows, others correct them."""
    names = [getattr(rule, "func", rule).__name__ for rule in rules]
    drops = [2 * name.startswith("drop") for name in names]
    return pd.DataFrame(
        {
            "step": names,
            "rows_in": 1000,
            "rows_out": [1000 - drop for drop in drops],
            "dropped": drops,
            "changed": [0 if drop else 5 for drop in drops],
        }
    )


def scores(names):
    return dict.fromkeys(names, INTERVAL)


def square(names=DOMAINS):
    return pd.DataFrame(np.eye(len(names)) * 100, index=names, columns=names)


def rising(*names):
    return {name: [(1, 0.1 + place), (2, 0.2 + place)] for place, name in enumerate(names)}


#: Drawing of every figure of the notebooks, from synthetic data.
EXAMPLES = {
    "01_reader_agreement": lambda: figures.score_bars(dict.fromkeys(emotions.EN, 0.6)),
    "01_map_and_reading": lambda: figures.stacked_shares({"놀람 → 긴장": SIXTH}),
    "01_text_pipeline": lambda: figures.pipeline(ledger(cleaning.UTTERANCE_RULES)),
    "01_emotion_distribution": lambda: figures.emotion_bars(SIXTH, SHARES[0]),
    "01_label_flow": lambda: figures.flow(SOURCES),
    "01_wordcloud": lambda: figures.word_cloud(SOURCES, 0),
    "01_frequent_words": lambda: figures.word_bars({0: pd.Series({"바람": 3, "커피": 1})}),
    "01_length": lambda: figures.histograms(
        dict.fromkeys(("sample", "aihub", "kote", "goemotions", "conversation"), np.arange(9)),
        np.arange(9),
        dict.fromkeys(("sample", "aihub", "kote", "goemotions", "conversation"), 4.5),
    ),
    "01_lexicon_norms": lambda: figures.scatters(
        dict.fromkeys(("valence", "arousal"), (np.arange(3), np.arange(3), "r = 1"))
    ),
    "01_song_pipeline": lambda: figures.pipeline(ledger(cleaning.song_rules(len))),
    "01_mel": lambda: figures.mel_picture(
        RNG.normal(size=(48, 20)), np.arange(20), np.linspace(60, 7000, 48)
    ),
    "01_mel_band": lambda: figures.over_time(np.arange(5), np.arange(5)),
    "01_mel_band_difference": lambda: figures.over_time(np.arange(5), np.arange(5)),
    "01_mel_levels": lambda: figures.histograms(
        dict.fromkeys(("values", "means"), np.arange(9)), np.arange(9)
    ),
    "02_literature": lambda: figures.table(TABLE),
    "02_training_f1": lambda: figures.curves(rising(("seed", 0), ("seed", 1)), majority=0.2),
    "02_tuning_f1": lambda: figures.curves(rising(*training_experiments.SWEEP_2022), majority=0.2),
    "02_tuning_loss": lambda: figures.curves(rising(*training_experiments.SWEEP_2022)),
    "02_learning_curve": lambda: figures.learning_curves(LEARNED),
    "02_model_comparison": lambda: figures.grouped_scores(
        dict.fromkeys(TEXT_MODELS, (0.5, 0.6, 0.4)), {"KoBERT": (0.6, 0.6, 0.6)}
    ),
    "02_macro_f1": lambda: figures.score_bars(scores((*TEXT_MODELS, "my model"))),
    "02_per_class_f1": lambda: figures.score_bars(
        scores(emotions.EN), counts=dict.fromkeys(emotions.EN, 1)
    ),
    "02_confusion": lambda: figures.confusion(np.array([0, 1, 2]), np.array([0, 1, 1])),
    "02_reliability": lambda: figures.reliability(
        dict.fromkeys(("raw", "calibrated", "reader"), (RELIABILITY, "0.1"))
    ),
    "02_cost": lambda: figures.cost(COSTS),
    "03_domains": lambda: figures.domain_plane(POINTS, np.repeat(DOMAINS, 12), "emotion"),
    "03_vocabulary_overlap": lambda: figures.heatmaps({"words": square(), "pieces": square()}),
    "03_vocabulary_venn": lambda: figures.venns(
        {
            panel: (domain_distance.VENN_2022, panel == "published")
            for panel in ("words", "pieces", "published")
        },
        TRIO,
    ),
    "03_distances": lambda: figures.heatmaps({"divergence": square(), "accuracy": square()}),
    "03_mlm_loss": lambda: figures.losses(LOSSES, dict.fromkeys(CONDITIONS, LOSSES)),
    "03_dapt": lambda: figures.scores_beside(
        dict.fromkeys(("macro_f1", "macro_f1_lyrics"), scores(CONDITIONS))
    ),
    "03_differences": lambda: figures.differences(
        dict.fromkeys(("macro_f1", "macro_f1_lyrics"), DIFFERENCES), published=0.008
    ),
    "04_measures": figures.measure_tiles,
    "04_answers_2022": lambda: figures.stacked_shares({"lyric": SIXTH, "mel": SIXTH}),
    "04_hearing": lambda: figures.hearing(
        {
            model: {"kappa": INTERVAL}
            | ({} if model == "majority" else dict.fromkeys(("mean", "joy", "peace"), INTERVAL))
            for model in HEARD
        },
        ["majority"],
    ),
    "04_hearing_hypotheses": lambda: figures.hearing_hypotheses(
        {
            panel: dict.fromkeys(("tags", "mel_statistics"), dict.fromkeys(steps, INTERVAL))
            for panel, steps in (("noise", ("clean", "0 dB")), ("listeners", ("1", "all")))
        },
        dict.fromkeys(HEARD_PAIRS, DIFFERENCES["none"]),
        0.6,
    ),
    "04_training": lambda: figures.training(
        {
            panel: rising(*((n, k) for n in ("cnn", "resnet50") for k in ("train", "dev")))
            for panel in ("first_loss", "first_accuracy")
        }
        | {"second_accuracy": rising(("simclr_dense", "train"), ("simclr_dense", "dev"))},
        {"first_accuracy": 0.2},
    ),
    "04_embeddings": lambda: figures.planes(
        dict.fromkeys(("lyric", "simclr", "musicnn"), (POINTS, np.arange(60) % 6))
    ),
    "04_before_after": lambda: figures.before_after(BEFORE_AFTER, PUBLISHED, {"top1": 0.784}),
    "04_audio_lyrics": lambda: figures.score_bars(scores(THIRD)),
    "05_architecture": figures.architecture,
    "05_architecture_text": figures.architecture_text,
    "05_architecture_mel": figures.architecture_mel,
    "05_architecture_recommender": figures.architecture_recommender,
    "05_design_initial": figures.initial_design,
    "05_catalogue_emotions": lambda: figures.stacked_shares(dict.fromkeys(KINDS, SIXTH)),
    "05_feelings": lambda: figures.feelings(["가", "나"], np.eye(6)[:2]),
    "05_path": lambda: figures.emotion_path(["아주 긴 노래 제목이 있다"] * 6, SHARES, np.eye(6)),
    "05_why": lambda: figures.why(EFFECTS, np.eye(6)[3], "노래", SIXTH),
    "05_coverage_hubs": lambda: figures.reach_and_hubs(REACHED, HUBS),
    "05_search_time": lambda: figures.search_time(TIMES),
}
#: Values that the notebooks pass, and labels that are data.
VALUES = {
    "01_lexicon_norms": {"n": 812},
    "01_mel_band": {"hertz": 512.3},
    "01_mel_levels": {"n": 40},
    "02_tuning_f1": {"factor": 100.0},
    "02_tuning_loss": {"factor": 100.0},
    "03_vocabulary_overlap": {"size": 1234},
    "03_vocabulary_venn": {"size": 1234},
    "04_hearing": {"songs": 160},
    "04_hearing_hypotheses": {"songs": 160},
    "05_catalogue_emotions": {"n": 42_839},
    "05_why": {"sentence": "면접에서 또 떨어졌어"},
}
NAMES = {
    "01_map_and_reading": ["놀람 → 긴장"],
    "02_macro_f1": ["my model"],
    "04_hearing_hypotheses": ["0 dB", "1"],
}
#: Values that builders fill in.
FILLED_IN = {"02_cost": {"millions", "ten_thousands"}, "05_why": {"emotion"}}
CORPORA = ("sample", "aihub", "kote", "goemotions")


def words_of(name, lang="en", **options):
    options = {"names": NAMES.get(name, ()), "corpus": "kote"} | options
    return figures.Words(name, lang, VALUES.get(name), **options)


def draw(name, lang="en", drawing=None):
    return (drawing or EXAMPLES[name]())(words_of(name, lang))


# Words --------------------------------------------------------------------------------------------


def is_text(value):
    return isinstance(value, str) or (isinstance(value, dict) and set(value) == set(LANGUAGES))


def texts(content, path=()):
    """Yield the place and the words of every text below a section of words.yaml."""
    for key, value in content.items():
        if is_text(value):
            yield (*path, key), value
        elif isinstance(value, dict):
            yield from texts(value, (*path, key))


class Recorded(dict):
    """Section of words.yaml that notes which of its texts were used."""

    def __init__(self, content, used, path=()):
        super().__init__(content)
        self.used, self.path = used, path

    def __getitem__(self, key):
        value, path = super().__getitem__(key), (*self.path, key)
        if isinstance(value, dict) and not is_text(value):
            return Recorded(value, self.used, path)
        self.used.add(path)
        return value

    def get(self, key, default=None):
        try:
            return self[key]
        except KeyError:
            return default


@functools.cache
def drawn(name):
    """Draw an example in both languages: what reaches outside, and the texts that it used."""
    figures.set_style()
    used, outside = set(), {}
    recorded = Recorded(words_module.all_words(), used)
    corpus = CORPORA[sorted(EXAMPLES).index(name) % len(CORPORA)]
    with patch.object(words_module, "all_words", lambda: recorded):
        for lang in LANGUAGES:
            words = words_of(name, lang, corpus=corpus, is_sample=corpus == "sample")
            figure = EXAMPLES[name]()(words)
            assert words("caption") and words.alt()
            outside[lang] = reaches_outside(figure)
            plt.close(figure)
    return outside, used


def reaches_outside(figure):
    """Box of all that a figure draws, in inches, where it is larger than the figure."""
    figure.canvas.draw()
    width, height = figure.get_size_inches()
    box = figure.get_tightbbox()
    inside = box.x0 > -0.05 and box.y0 > -0.05 and box.x1 < width + 0.05 and box.y1 < height + 0.05
    return None if inside else box


def calls_of_the_notebooks():
    """Yield the full name of every figure that a notebook draws, and the call's keywords."""
    for path in sorted((ROOT / "notebooks").glob("0*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "nb.figure":
                name = ast.literal_eval(node.args[0])
                yield f"{path.name[:2]}_{name}", {keyword.arg for keyword in node.keywords}


def placeholders(text):
    return {field for _, field, *_ in string.Formatter().parse(text) if field}


@pytest.fixture(autouse=True)
def style():
    figures.set_style()
    yield
    plt.close("all")


def test_every_figure_of_the_notebooks_has_words_and_an_example():
    names = [name for name, _ in calls_of_the_notebooks()]
    assert len(names) == len(set(names)), "a figure is drawn twice"
    assert set(names) == set(words_module.all_words()) - {"shared"} == set(EXAMPLES)


def test_the_notebooks_pass_the_values_that_words_need():
    for name, keywords in calls_of_the_notebooks():
        needed = set()
        for _, text in texts(words_module.all_words()[name]):
            for words in (text,) if isinstance(text, str) else text.values():
                needed |= placeholders(words)
        assert keywords - {"names"} == needed - FILLED_IN.get(name, set()), name
        assert set(VALUES.get(name, ())) == keywords - {"names", "corpus"}, name


def test_every_text_stands_in_both_languages():
    for path, text in texts(words_module.all_words()):
        if isinstance(text, dict):
            assert all(isinstance(words, str) and words.strip() for words in text.values()), path
            if path[0] != "02_cost":
                assert placeholders(text["ko"]) == placeholders(text["en"]), path
        else:
            assert not any("가" <= letter <= "힣" for letter in text), f"{path} has no English"


def test_words_yaml_has_no_key_twice():
    def keys_of(node):
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            assert len(keys) == len(set(keys)), keys
            for _, value in node.value:
                keys_of(value)

    path = ROOT / "wyf_utils/study/figures/words.yaml"
    keys_of(yaml.compose(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", EXAMPLES)
def test_everything_drawn_stays_inside_and_every_text_is_used(name):
    outside, used = drawn(name)
    assert outside == dict.fromkeys(LANGUAGES), name
    own = {path for path, _ in texts(words_module.all_words()[name], (name,))}
    assert not own - used, "texts that the figure does not show"


def test_every_shared_text_is_used():
    used = set().union(*(drawn(name)[1] for name in EXAMPLES))
    shared = {path for path, _ in texts(words_module.all_words()["shared"], ("shared",))}
    assert not shared - used


def test_a_missing_text_names_figure_and_key():
    words = words_of("02_confusion")
    with pytest.raises(MissingData, match="Figure 02_confusion has no words for 'legend'; add"):
        words("legend")
    with pytest.raises(MissingData, match="Figure 02_confusion has no words for 'tfidf'; add"):
        words.label("tfidf")
    with pytest.raises(MissingData, match=r"words.yaml has no figure 02_nothing; add its words"):
        figures.Words("02_nothing", "en")
    with pytest.raises(MissingData, match="Figure 02_confusion has no words for 'nsmc'; add"):
        figures.Words("02_confusion", "en", corpus="nsmc")
    with pytest.raises(BadInput, match="Figure 02_tuning_f1: 'title' needs the value 'factor'; p"):
        figures.Words("02_tuning_f1", "en", corpus="kote")("title")
    with pytest.raises(MissingData, match="Figure 02_macro_f1 has no words for 'new'"):
        draw("02_macro_f1", drawing=figures.score_bars({"new": 0.5}))


def test_marks_of_corpus_and_sample_stand_in_the_title_alone():
    words = words_of("02_confusion", "ko", corpus="goemotions", is_sample=True)
    assert words("title") == "혼동 행렬 (GoEmotions-Korean) (예시 자료)"
    assert "예시" not in words("caption") and words.alt() == words("caption")
    assert words_of("02_confusion", corpus="sample")("title") == "Confusion matrix"
    published = words_of("02_literature", is_sample=True)
    assert not published("title").endswith("(sample data)"), "it shows no data of the profile"


def test_labels_are_emotions_words_of_the_figure_or_of_a_shared_table():
    words = words_of("04_audio_lyrics", "ko", names=["my model"])
    assert words.label("joy") == "기쁨" and words.label("my model") == "my model"
    assert words.label("cnn") == "소리: CNN", "the figure's own label goes before the shared one"
    assert words.label("prior") == "비율대로 뽑기"
    assert words.label("unrelated", "conditions") == "조리법·규정 (대조군)"
    assert words_of("04_training", "ko").label(("cnn", "dev")) == "CNN 검증"
    assert words_of("02_training_f1", "ko").label(("seed", 2)) == "시드 2"


@pytest.mark.parametrize("name", training_experiments.SWEEP_2022)
def test_names_of_the_configurations_of_2022_say_their_settings(name):
    setting = training_experiments.SWEEP_2022[name]
    optimizer = {"adafactor": "Adafactor", "adamw_torch": "AdamW"}[setting["optimizer"]]
    rate = f"{setting['learning_rate']:.0e}".replace("e-0", "e-")
    expected = f"{optimizer} {rate}, patience {setting['patience']}"
    assert words_of("02_tuning_f1").label(name) == expected
    assert words_of("02_tuning_f1", "ko").label(name).replace("조기 종료 ", "") == expected


# Saving -------------------------------------------------------------------------------------------


def titled(text):
    def build(words):
        figure, axes = plt.subplots()
        axes.set_title(text)
        axes.plot([-1, 1])
        return figure

    return build


def save(drawing, folder, name, figure="01_emotion_distribution"):
    words = {lang: words_of(figure, lang) for lang in LANGUAGES}
    return figures.save(drawing, words, folder, name)


def test_a_figure_is_saved_in_two_languages_and_two_forms(tmp_path):
    save(EXAMPLES["01_emotion_distribution"](), tmp_path, "01_x")
    names = [f"01_x.{lang}.{ending}" for lang in ("en", "ko") for ending in ("png", "svg")]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    korean, english = (
        np.asarray(Image.open(tmp_path / f"01_x.{lang}.png").convert("L")) for lang in LANGUAGES
    )
    assert korean.std() > 10 and (korean.shape != english.shape or (korean != english).any())


def test_a_missing_glyph_is_an_error_and_negative_numbers_are_not(tmp_path):
    save(titled("음수 -1"), tmp_path, "01_fine")
    message = "Figure 01_broken: Glyph .* use a character that NanumGothic has"
    with pytest.raises(MissingData, match=message):
        save(titled("𓀀"), tmp_path, "01_broken")


def test_svg_is_the_same_twice(tmp_path):
    for name in ("a", "b"):
        save(titled("같다"), tmp_path, name)
    assert (tmp_path / "a.ko.svg").read_bytes() == (tmp_path / "b.ko.svg").read_bytes()


def test_slide_text_is_large_and_sizes_are_named():
    figures.set_style("slide")
    assert plt.rcParams["font.size"] >= 18 and tuple(plt.rcParams["figure.figsize"]) == (13.33, 7.5)
    with pytest.raises(BadInput, match="no figure size 'poster'; choose one of: page"):
        figures.set_style("poster")


def test_a_notebook_keeps_figures_manifest_and_results(tmp_path, monkeypatch):
    monkeypatch.setenv("WYF_OUT", str(tmp_path))
    nb = open_notebook("02_model_comparison", run="trial", profile="sample", seed=3, extra=1)
    nb.uses(np.arange(3))
    for corpus in ("sample", "kote"):
        shown = nb.figure("confusion", EXAMPLES["02_confusion"](), corpus=corpus)
    assert shown.axes[0].get_title(loc="left") == "혼동 행렬 (KOTE) (예시 자료)"
    nb.figure("tuning_loss", EXAMPLES["02_tuning_loss"](), corpus="sample", factor=10)
    nb.record({"macro_f1/tfidf": np.float64(0.5), "macro_f1/e5": INTERVAL, "rows/x": np.int64(3)})
    manifest = read_json(tmp_path / "figures" / "manifest.json")
    assert list(manifest) == ["02_confusion", "02_confusion_kote", "02_tuning_loss"], (
        "the profile's first corpus is not named"
    )
    row = manifest["02_tuning_loss"]
    assert row["notebook"] == "02_model_comparison" and row["run"] == "trial"
    assert row["parameters"] == {"run": "trial", "profile": "sample", "seed": 3, "extra": 1}
    assert row["caption"] == row["alt"] and row["caption"]["ko"].endswith("학습률은 10배")
    assert len(row["data"]) == 16
    assert len(list((tmp_path / "figures").glob("02_confusion.*"))) == 4
    assert read_json(tmp_path / "results.json") == {
        "trial": {
            "02_model_comparison": {"macro_f1/tfidf": 0.5, "macro_f1/e5": INTERVAL, "rows/x": 3}
        }
    }
    assert "Sample data" in nb._repr_markdown_()


# What the figures draw ----------------------------------------------------------------------------


def test_rows_of_a_confusion_matrix_are_the_true_emotions():
    true, predicted = np.array([0, 0, 0, 3]), np.array([1, 1, 0, 3])
    axes = draw("02_confusion", drawing=figures.confusion(true, predicted)).axes[0]
    cells = np.reshape([text.get_text() for text in axes.texts], (6, 6))
    assert cells[0, 1] == "67%\n(2)" and cells[1, 0] == "0%\n(0)" and cells[3, 3] == "100%\n(1)"
    assert axes.get_ylabel() == "true emotion" and axes.get_xlabel() == "predicted"
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [label.get_text() for label in labels] == list(emotions.EN)
    assert "figures.confusion(each.true, answered)" in (
        ROOT / "notebooks" / "02_model_comparison.py"
    ).read_text(encoding="utf-8")


def test_bars_of_emotions_are_in_their_order_and_the_hatched_ones_are_of_2022():
    shares = np.arange(1, 7) / 21
    drawing = figures.emotion_bars(shares, shares[::-1])
    axes = draw("01_emotion_distribution", "ko", drawing).axes[0]
    ours, of_2022 = axes.containers
    assert [bar.get_width() for bar in ours] == pytest.approx(shares)
    assert [bar.get_width() for bar in of_2022] == pytest.approx(shares[::-1])
    colours = [mpl.colors.to_hex(bar.get_facecolor()).upper() for bar in ours]
    assert colours == list(emotions.COLOURS)
    assert all(bar.get_hatch() for bar in of_2022) and of_2022.get_label() == "2022"
    assert [label.get_text() for label in axes.get_yticklabels()] == list(emotions.KO)


def test_scores_of_emotions_have_their_names_colours_and_counts():
    of_emotions = {"anger": INTERVAL, "joy": INTERVAL | {"mean": 0.45}}
    drawing = figures.score_bars(of_emotions, baselines=("joy",), counts={"joy": 7, "anger": 9})
    axes = draw("02_per_class_f1", drawing=drawing).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["anger (9)", "joy (7)"]
    assert [text.get_text() for text in axes.texts] == ["0.500", "0.450"]
    anger, joy = (mpl.colors.to_hex(bar.patches[0].get_facecolor()) for bar in axes.containers)
    assert anger == emotions.COLOURS[4].lower() and joy == "#b5b5b5", "baselines are grey"


def test_stacked_shares_lie_beside_each_other_in_the_order_of_the_emotions():
    shares = {"lyric": np.arange(1, 7) / 21, "mel": np.arange(6, 0, -1) / 21}
    axes = draw("04_answers_2022", drawing=figures.stacked_shares(shares)).axes[0]
    widths = np.array([[bar.get_width() for bar in bars] for bars in axes.containers])
    assert pytest.approx(np.array(list(shares.values()))) == widths.T
    assert [bars.get_label() for bars in axes.containers] == list(emotions.EN)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["lyrics", "mel"]


def test_grouped_bars_are_f1_precision_and_recall():
    drawing = figures.grouped_scores({"tfidf": (0.1, 0.2, 0.3)}, {"KoBERT": (0.4, 0.5, 0.6)})
    axes = draw("02_model_comparison", drawing=drawing).axes[0]
    bars = [bar.patches[0] for bar in axes.containers]
    assert [bar.get_width() for bar in bars] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert [bool(bar.get_hatch()) for bar in bars] == [False] * 3 + [True] * 3
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["F1", "precision", "recall"]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["character TF-IDF", "KoBERT (2022)"]


def test_a_scatter_has_the_ratings_on_x_and_the_lexicon_on_y():
    drawing = figures.scatters({"arousal": (np.array([1, 2]), np.array([30, 40]), "r = 1")})
    axes = draw("01_lexicon_norms", drawing=drawing).axes[0]
    assert axes.collections[0].get_offsets().tolist() == [[1, 30], [2, 40]]
    assert axes.get_xlabel().startswith("rating") and axes.get_ylabel() == "our lexicon"
    assert axes.get_title(loc="left") == "arousal: r = 1"


def test_an_arrow_of_a_loss_points_from_before_to_after():
    drawing = figures.losses({"emotion": 7.0}, {"tapt": {"emotion": 6.5}, "lyrics": {"emotion": 8}})
    axes = draw("03_mlm_loss", drawing=drawing).axes[0]
    arrows = [text for text in axes.texts if text.get_text() == ""]
    assert [arrow.xy for arrow in arrows] == [(6.5, 0), (8, 1)]
    assert [arrow.xyann for arrow in arrows] == [(7.0, 0), (7.0, 1)]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["task sentences (TAPT)", "lyrics"]


def test_before_and_after_stand_at_their_own_bars():
    figure = draw(
        "04_before_after",
        drawing=figures.before_after({"top1": (0.2, 0.4, 0.3)}, {"top1": (0.5, 0.6)}),
    )
    heights = {bars.get_label(): bars.patches[0].get_height() for bars in figure.axes[0].containers}
    assert heights == {
        "CNN on mel": 0.2,
        "SimCLR + 64 units": 0.4,
        "published 2022, before": 0.5,
        "published 2022, after": 0.6,
    }


def test_the_majority_of_2022_is_drawn_over_its_bars_alone():
    ours = {"top1": (0.2, 0.4, 0.3), "top2": (0.2, 0.3, 0.3)}

    def lines(*majority):
        drawing = figures.before_after(ours, {"top1": (0.4, 0.78)}, *majority)
        axes = draw("04_before_after", drawing=drawing).axes[0]
        notes = [text.get_text() for text in axes.texts]
        assert notes.count("2022: not published") == 1, "2022 has no Top-2"
        return [line.get_ydata()[0] for line in axes.lines]

    assert lines() == [0.3, 0.3]
    assert lines({"top1": 0.784, "top2": 0.19}) == [0.3, 0.3, 0.784]


def test_a_difference_has_the_colour_of_its_verdict():
    drawing = figures.differences({"macro_f1": DIFFERENCES})
    axes = draw("03_differences", drawing=drawing).axes[0]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    colours = [figures.VERDICT_COLOURS[intervals.verdict(d)] for d in DIFFERENCES.values()]
    assert [dot.get_color() for dot in dots] == colours
    assert [dot.get_xdata()[0] for dot in dots] == [d["mean"] for d in DIFFERENCES.values()]
    assert len(set(colours)) == 3, "0.0004 is shown as 0.000, which does not leave zero out"


def test_weights_that_are_not_counted_are_hollow_dots():
    hollow, filled = draw("02_cost").axes[0].collections
    assert len(hollow.get_offsets()) == 4 and (hollow.get_facecolor() == 1).all()
    assert len(filled.get_offsets()) == 1 and "24 million" in filled.get_label()
    assert filled.get_sizes()[0] > hollow.get_sizes()[0]
    assert draw("02_cost", "ko").axes[0].collections[1].get_label().endswith("2,440만 개)")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_names_of_models_do_not_cover_each_other(lang):
    figure = draw("02_cost", lang)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == len(COSTS)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_counts_lie_off_the_diagonal_and_inside_bars_that_have_room():
    table = pd.DataFrame(
        {"confidence": [0.2, 0.35, 0.8], "accuracy": [0.0, 0.3, 0.9], "n": [1, 186, 9]}
    )
    for counts in (table, table.assign(n=table["n"] * 10)):
        panels = dict.fromkeys(("raw", "calibrated"), (counts, "0.1"))
        figure = draw("02_reliability", drawing=figures.reliability(panels))
        figure.canvas.draw()
        axes = figure.axes[0]
        for text, row in zip(axes.texts, counts.itertuples(), strict=True):
            box = text.get_window_extent().transformed(axes.transData.inverted())
            assert box.y1 < box.x0, "under the line of x = y"
            assert text.get_color() != "white" or (box.y1 < row.accuracy and box.width < 0.07)


def test_recommenders_look_the_same_in_both_panels():
    figure = draw("05_coverage_hubs")
    left, right = figure.axes
    dots, lines = left.collections[1:], right.lines
    coloured = [
        mpl.colors.to_hex((d.get_edgecolor() if d.get_hatch() else d.get_facecolor())[0])
        for d in dots
    ]
    assert coloured == [mpl.colors.to_hex(line.get_color()) for line in lines]
    assert len(set(coloured)) == 3
    hatched = [bool(d.get_hatch()) for d in dots]
    assert hatched == [line.get_linestyle() == "--" for line in lines] == [True, False, False]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["2022 (half-half, top 5)", "fused, top 5", "WYF"]


def test_a_venn_says_the_share_of_every_region():
    shares = domain_distance.VENN_2022
    for axes in draw("03_vocabulary_venn").axes:
        percents = [t.get_text() for t in axes.texts if t.get_text().endswith("%")]
        assert sorted(percents) == sorted(f"{share}%" for share in shares.values())


def test_arrows_of_a_diagram_join_the_boxes_that_they_name():
    axes = draw("05_design_initial").axes[0]
    boxes = {t.get_text(): t.get_position() for t in axes.texts if t.get_text()}
    arrows = [(t.xyann, t.xy) for t in axes.texts if not t.get_text()]
    assert (boxes["sentence"], boxes["KoBERT"]) in arrows
    assert (boxes["filter"], boxes["songs"]) in arrows and len(arrows) == 6
