"""How far apart domains are, and continued pre-training of an encoder on a domain (DAPT, TAPT).

After Gururangan et al. (2020), Don't Stop Pretraining, ACL. A pre-training is a chain of stages: each reads one domain, starts from
the encoder that the stage before it kept, and is trained once, however many chains go through it.
"""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from scipy.spatial.distance import jensenshannon
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from torch import nn
from torch.nn import functional
from transformers import AutoModelForMaskedLM, BertForMaskedLM, ElectraForPreTraining, PreTrainedModel, PreTrainedTokenizerFast

from ..core import artifacts
from ..core.artifacts import read_json, write_json
from ..core.errors import BadInput
from ..core.settings import device
from ..data import datasets
from ..data.cleaning import couplets, near_duplicates, without_full_stops
from . import classifier, encoders, training
from .encoders import BUNDLED, E5_PREFIX, Encoder
from .words import content_words

#: What is pre-trained on, in order, before the same fine-tuning. `frozen_2022` is the order of 2022 with its fault: the encoder stays frozen.
CONDITIONS: dict[str, tuple[str, ...]] = {
    "none": (),
    "tapt": ("emotion",),
    "conversation": ("conversation",),
    "lyrics": ("lyrics",),
    "unrelated": ("unrelated",),
    "lyrics_conversation_emotion": ("lyrics", "conversation", "emotion"),
    "conversation_lyrics_emotion": ("conversation", "lyrics", "emotion"),
    "frozen_2022": ("lyrics", "conversation", "emotion"),
}
#: Published in 2022: shares of the union of sub-word ids in percent, by the domains that hold them; and micro-F1 before and after DAPT.
VENN_2022 = {
    ("conversation", "emotion", "lyrics"): 54,
    ("conversation", "lyrics"): 17,
    ("conversation",): 10,
    ("conversation", "emotion"): 7,
    ("lyrics",): 7,
    ("emotion", "lyrics"): 3,
    ("emotion",): 2,
}
MICRO_F1_2022 = {"before": 0.726, "after": 0.734}

# How far apart ------------------------------------------------------------------------------------


def word_counts(domains: dict[str, Sequence[str]]) -> dict[str, Counter]:
    """How often each content word stands in the texts of each domain; stop words are excluded."""
    return {name: Counter(word for words in content_words(texts) for word in words) for name, texts in domains.items()}


def shared_words(counts: dict[str, Counter], size: int = 10_000) -> tuple[pd.DataFrame, dict[str, set[str]]]:
    """Share of the most frequent words that two domains have in common (Gururangan et al. 2020, figure 2).

    Parameters
    ----------
    counts
        Of `word_counts`.
    size
        Words of each vocabulary. Every domain is cut to the smallest of them, so that shares compare; ties go by the alphabet.

    Returns
    -------
    shares : DataFrame
        Symmetric, in percent.
    vocabularies : dict
        Words of each domain, of the same number.
    """
    size = min(size, *map(len, counts.values()))
    vocabularies = {name: set(sorted(counted, key=lambda word: (-counted[word], word))[:size]) for name, counted in counts.items()}
    return _pairs(vocabularies, lambda a, b: len(a & b) / size), vocabularies


def shared_pieces(domains: dict[str, Sequence[str]]) -> tuple[pd.DataFrame, dict[str, set[int]]]:
    """Jaccard index of all distinct sub-word ids of two domains, in percent: the way of 2022, which saturates."""
    vocabularies = {name: {i for ids in _pieces(texts) for i in ids} for name, texts in domains.items()}
    return _pairs(vocabularies, lambda a, b: len(a & b) / len(a | b)), vocabularies


def _pieces(texts: Sequence[str]) -> list[list[int]]:
    """Ids of the bundled encoder's full vocabulary for each text, without prefix and special tokens."""
    frame = len(encoders.token_ids([""])[0]) - 1  # <s> and prefix; </s> stands behind the text
    return [ids[frame:-1] for ids in encoders.token_ids(texts)]


def _pairs(vocabularies: dict[str, set], share) -> pd.DataFrame:
    names = list(vocabularies)
    values = [[100 * share(vocabularies[a], vocabularies[b]) for b in names] for a in names]
    return pd.DataFrame(values, index=names, columns=names)


def venn_shares(sets: dict[str, set]) -> dict[tuple[str, ...], float]:
    """Share of the union in percent, by the names of the sets that hold an element."""
    held: Counter = Counter()
    for element in set.union(*sets.values()):
        held[tuple(name for name, members in sets.items() if element in members)] += 1
    return {names: 100 * n / held.total() for names, n in held.items()}


def venn_jaccard(shares: dict[tuple[str, ...], float], a: str, b: str) -> float:
    """Jaccard index of two sets in percent, from the shares of a Venn diagram."""
    both = sum(share for names, share in shares.items() if a in names and b in names)
    return 100 * both / sum(share for names, share in shares.items() if a in names or b in names)


def unigram_distance(domains: dict[str, Sequence[str]], seed: int) -> pd.DataFrame:
    """Jensen-Shannon divergence of the sub-words' frequencies, in percent of a bit: 0 for the same text, 100 for nothing in common.

    The divergence of two samples grows as they shrink. So every pair is compared over the same number of sub-words, half of
    the smallest domain's, and on the diagonal stands what two samples of one domain give: the floor, not zero.
    """
    streams = {name: [i for ids in _shuffled(_pieces(texts), seed) for i in ids] for name, texts in domains.items()}
    size = min(map(len, streams.values())) // 2
    table = pd.DataFrame(index=list(domains), columns=list(domains), dtype=float)
    for a, ours in streams.items():
        for b, theirs in streams.items():
            counts = [Counter(ours[:size]), Counter(theirs[-size:] if a == b else theirs[:size])]
            every = sorted(counts[0] | counts[1])
            table.loc[a, b] = 100 * jensenshannon(*([counted[i] for i in every] for counted in counts), base=2) ** 2
    return table


def _shuffled(items: Sequence, seed: int) -> list:
    return [items[i] for i in np.random.default_rng(seed).permutation(len(items))]


def told_apart(domains: dict[str, Sequence[str]], seed: int, most: int = 400) -> pd.DataFrame:
    """Accuracy in percent of a classifier that tells two domains apart, five-fold cross-validated (classifier two-sample test, Lopez-Paz and Oquab 2017).

    Character 1- to 3-grams, TF-IDF and logistic regression, on as many texts of each: half of the smallest domain's, `most` at
    the most. 50 is a guess; on the diagonal two samples of the same domain are to be told apart.
    """
    texts = {name: _shuffled(list(each), seed) for name, each in domains.items()}
    size = min(most, min(map(len, texts.values())) // 2)
    table = pd.DataFrame(index=list(domains), columns=list(domains), dtype=float)
    for row, (a, ours) in enumerate(texts.items()):
        for b, theirs in list(texts.items())[row:]:
            model = make_pipeline(TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3), sublinear_tf=True), LogisticRegression(C=10))
            both = ours[:size] + (theirs[size : 2 * size] if a == b else theirs[:size])
            folds = StratifiedKFold(5, shuffle=True, random_state=seed)
            table.loc[a, b] = table.loc[b, a] = 100 * cross_val_score(model, both, np.repeat([0, 1], size), cv=folds).mean()
    return table


def plane(domains: dict[str, Sequence[str]], seed: int, each: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Texts of each domain as points: their vectors by the bundled encoder, on the first two principal components.

    Returns
    -------
    points : ndarray of shape (domains x each, 2)
    names : ndarray of shape (domains x each,)
        Domain of each point.
    """
    texts = {name: _shuffled(list(some), seed)[:each] for name, some in domains.items()}
    flat = [text for some in texts.values() for text in some]

    def make(folder: Path) -> None:
        np.save(folder / "vectors.npy", encoders.embed(encoders.load(BUNDLED, flat), flat, max_length=64), allow_pickle=False)

    entry = artifacts.folder("vectors", make, parameters={"encoder": BUNDLED}, data=artifacts.fingerprint(flat), code=[encoders])
    points = PCA(2, svd_solver="full").fit_transform(np.load(entry.path / "vectors.npy", allow_pickle=False))
    return points, np.repeat(list(texts), [len(some) for some in texts.values()])


# Corpora and guards -------------------------------------------------------------------------------


def without_held_out(texts: Sequence[str], held_out: Sequence[str], threshold: float = 0.8) -> tuple[list[str], int]:
    """Texts that may enter pre-training, and how many were removed as (near) duplicates of held-out texts."""
    mask = near_duplicates(texts, held_out, threshold)
    return [t for t, removed in zip(texts, mask, strict=True) if not removed], int(mask.sum())


@dataclass(frozen=True)
class Corpora:
    """What is read, and what never is.

    Attributes
    ----------
    train, held_out : dict
        Texts of each domain: for pre-training, and for the loss before and after it.
    kept_out : list
        Texts that must not enter: of every held-out part, of the lyrics that are scored, and all of `held_out`.
    ledger : DataFrame
        One row a domain: texts, drawn, removed, read, held out.
    """

    train: dict[str, list[str]]
    held_out: dict[str, list[str]]
    kept_out: list[str]
    ledger: pd.DataFrame

    def leaks(self) -> dict[str, int]:
        """Texts of each domain that are, exactly or nearly, among those kept out: none, if `corpora` did its work."""
        return {name: without_held_out(texts, self.kept_out)[1] for name, texts in self.train.items()}


def corpora(domains: dict[str, Sequence[str]], apart: dict[str, Sequence[str]], kept_out: Sequence[str], *, limit: int, held_out: int, seed: int) -> Corpora:
    """Draw the texts of each domain, and keep out everything that is scored later.

    Parameters
    ----------
    domains
        Texts that may be read, each domain's: the text alone, without labels and ids.
    apart
        Other texts of a domain, from which its held-out texts are drawn; a domain without gives up some of its own.
    kept_out
        Sentences of every validation and test part, and lines of the lyrics that are scored.
    limit
        Texts drawn of each domain; 0 for all.
    held_out
        Texts of each domain for the loss before and after.
    seed
        Seed of the draws.
    """
    mine = {name: list(dict.fromkeys(map(without_full_stops, texts))) for name, texts in domains.items()}
    held = {}
    for name, texts in mine.items():
        other = list(dict.fromkeys(map(without_full_stops, apart.get(name, []))))
        held[name] = _shuffled(other or texts, seed)[: min(held_out, len(other) or len(texts) // 5)]
        if not other:
            mine[name] = [text for text in texts if text not in set(held[name])]
    kept_out = [*map(without_full_stops, kept_out), *(text for texts in held.values() for text in texts)]
    train, rows = {}, {}
    for name, texts in mine.items():
        chosen = np.sort(np.random.default_rng(seed).permutation(len(texts))[: limit or None])  # in their own order: lines of a song stay neighbours
        train[name], removed = without_held_out([texts[i] for i in chosen], kept_out)
        rows[name] = {"texts": len(domains[name]), "drawn": len(chosen), "removed": removed, "read": len(train[name]), "held out": len(held[name])}
    return Corpora(train, held, kept_out, pd.DataFrame(rows).T)


def lyrics(profile: str, seed: int, limit: int = 0) -> tuple[list[str], pd.DataFrame]:
    """Lines of lyrics to read, and lyrics of other artists to be scored.

    The sample's lyrics alone have an emotion that their author had in mind, so that they are scored whatever the profile;
    the open profile, which has none, also reads the sample's. Songs of an artist, and of a lyric's writer, are read or scored, never both.

    Parameters
    ----------
    limit
        Lyrics that are scored; 0 for all, a third of those whose writers are known.

    Returns
    -------
    lines : list
        Different lines of the lyrics to read.
    scored : DataFrame
        Columns id, lyric, emotion (the author's first intent), couplets (list of texts of two lines).
    """
    songs, _ = datasets.songs("sample", encoders.count_tokens)
    songs = songs.merge(datasets.lyric_intent("sample").rename(columns={"first": "emotion"}), on="id")
    parts = datasets.split_songs(songs, "sample", seed, parts=3, by="emotion")
    scored = parts["test"]
    scored = scored.sample(limit, random_state=seed) if 0 < limit < len(scored) else scored
    read = datasets.songs(profile, encoders.count_tokens)[0] if profile == "wyf" else pd.concat([parts["train"], parts["dev"]])
    lines = list(dict.fromkeys(line for lyric in read["lyric"] for line in lyric.splitlines()))
    return lines, scored.assign(couplets=scored["lyric"].map(couplets))[["id", "lyric", "emotion", "couplets"]]


# Rows and masks -----------------------------------------------------------------------------------


def rows(encoder: Encoder, texts: Sequence[str], max_length: int, *, pack: bool = False) -> list[dict]:
    """Rows for the language model. Nothing is cut off: a text that is longer than a row goes on in the next.

    Parameters
    ----------
    texts
        One of fewer than two tokens is left out: there is nothing to guess it from.
    max_length
        Tokens of a row at the most, prefix and special tokens included.
    pack
        Whether short texts share a row, each closed by the separator, as many as find room.

    Returns
    -------
    list of dict
        input_ids, attention_mask, length, and `words`: the number of the word that a token belongs to, -1 for what is never masked.
    """
    tokenizer = encoder.tokenizer
    start = [tokenizer.cls_token_id, *(tokenizer(encoder.prefix, add_special_tokens=False)["input_ids"] if encoder.prefix else [])]
    encoded = tokenizer([*texts, ""], add_special_tokens=False)  # of no text at all it makes no table
    room = min(max_length, tokenizer.model_max_length) - len(start) - 1
    if room < 2:
        raise BadInput(f"A row of {max_length} tokens has no room for text; take at least {len(start) + 3}.")
    made: list[tuple[list[int], list[int]]] = []
    for number, ids in enumerate(encoded["input_ids"]):
        words = encoded.word_ids(number)
        for at in range(0, len(ids) if len(ids) > 1 else 0, room):
            piece, of = ids[at : at + room], words[at : at + room]
            if pack and made and len(made[-1][0]) + 1 + len(piece) <= room:
                before, numbers = made[-1]
                offset = max(numbers) + 1
                made[-1] = ([*before, tokenizer.sep_token_id, *piece], [*numbers, -1, *(offset + w for w in of)])
            elif len(piece) > 1:
                made.append((list(piece), list(of)))
    return [
        {
            "input_ids": [*start, *ids, tokenizer.sep_token_id],
            "attention_mask": [1] * (len(start) + len(ids) + 1),
            "words": [*[-1] * len(start), *words, -1],
            "length": len(start) + len(ids) + 1,
        }
        for ids, words in made
    ]


@dataclass
class Masker:
    """Collator that hides tokens anew every time a row is seen (dynamic masking, Liu et al. 2019).

    Of what is chosen, 80 % become the mask, 10 % a random piece, 10 % stay (Devlin et al. 2019). Prefix and special tokens are
    never chosen; at least one token of a row is.

    Attributes
    ----------
    share : float
        Share of the tokens, or words, that are chosen: 0.15 in BERT, 0.4 in Wettig et al. (2023).
    whole_words : bool
        Whether all pieces of a word are chosen together.
    """

    tokenizer: PreTrainedTokenizerFast
    share: float = 0.15
    whole_words: bool = False

    def __post_init__(self):
        if self.tokenizer.mask_token_id is None:
            raise BadInput("The tokenizer has no mask token, so that nothing can be hidden from its model; take an encoder that has one.")
        special = set(self.tokenizer.all_special_ids)
        self.ordinary = torch.tensor([i for i in range(len(self.tokenizer)) if i not in special])

    def chosen(self, words: torch.Tensor) -> torch.Tensor:
        """Mask (rows, tokens) of the tokens to be guessed, from the word numbers (rows, tokens)."""
        chances = torch.rand(words.shape)
        mask = torch.zeros(words.shape, dtype=torch.bool)
        for row, (numbers, chance) in enumerate(zip(words, chances, strict=True)):
            units = numbers if self.whole_words else torch.where(numbers >= 0, torch.arange(len(numbers)), -1)
            distinct = units[units >= 0].unique()
            wanted = max(1, int(self.share * len(distinct) + chance[-1]))  # rounded up or down at random, so that the share holds on average
            picked = distinct[chance[: len(distinct)].argsort()[:wanted]]
            mask[row] = torch.isin(units, picked)
        return mask

    def hide(self, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids with chosen tokens hidden, and labels: the true id where one was chosen, else -100."""
        fate = torch.rand(ids.shape)
        random = self.ordinary[torch.randint(len(self.ordinary), ids.shape)]
        hidden = torch.where(mask & (fate < 0.8), self.tokenizer.mask_token_id, ids)
        return torch.where(mask & (fate >= 0.9), random, hidden), torch.where(mask, ids, -100)

    def __call__(self, batch: list[dict]) -> dict[str, torch.Tensor]:
        """Padded input_ids, attention_mask and labels, each (rows, tokens)."""
        width = max(len(row["input_ids"]) for row in batch)
        fill = {"input_ids": self.tokenizer.pad_token_id, "attention_mask": 0, "words": -1}
        padded = {name: torch.tensor([row[name] + [blank] * (width - len(row[name])) for row in batch]) for name, blank in fill.items()}
        ids, labels = self.hide(padded["input_ids"], self.chosen(padded["words"]))
        return {"input_ids": ids, "attention_mask": padded["attention_mask"], "labels": labels}


@dataclass
class Replacer(Masker):
    """Collator for ELECTRA's discriminator: chosen tokens are replaced by draws from how frequent pieces are.

    That is the unigram generator of Clark et al. (2020, section 3.2): published Korean discriminators come without their generator.
    """

    frequencies: torch.Tensor | None = None

    def hide(self, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids with chosen tokens replaced, and labels: 1 where a token is not the true one, 0 where it is, -100 for special tokens."""
        weights = torch.ones(len(self.ordinary)) if self.frequencies is None else self.frequencies[self.ordinary]
        drawn = self.ordinary[torch.multinomial(weights, ids.numel(), replacement=True)].view(ids.shape)
        replaced = torch.where(mask, drawn, ids)
        return replaced, torch.where(torch.isin(ids, self.ordinary), (replaced != ids).long(), -100)


def frequencies(rows: list[dict], size: int) -> torch.Tensor:
    """How often each id of a vocabulary of `size` stands in rows where it may be masked, (size,)."""
    ids = [i for row in rows for i, word in zip(row["input_ids"], row["words"], strict=True) if word >= 0]
    return torch.bincount(torch.tensor(ids), minlength=size).float()


# Language models ----------------------------------------------------------------------------------


class Objective(nn.Module):
    """A checkpoint with its own head, and the loss over the tokens that are asked for.

    The head reads only those (about one in seven), which spares most of the softmax over the vocabulary. Its decoder is the input embeddings
    themselves, as its family ties them. A discriminator is asked of every token whether it was replaced.
    """

    _keys_to_ignore_on_save = None  # Trainer looks for it where a checkpoint holds fewer weights than the model

    def __init__(self, model: PreTrainedModel):
        super().__init__()
        self.model = model
        self.detects = hasattr(model, "discriminator_predictions")

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor) -> dict:
        """Mean loss in nats over the tokens whose label is not -100; all arguments (rows, tokens)."""
        hidden = self.model.base_model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state  # (rows, tokens, dim)
        asked = labels != -100
        if self.detects:
            logits = self.model.discriminator_predictions(hidden)[asked]  # (asked,)
            return {"loss": functional.binary_cross_entropy_with_logits(logits.float(), labels[asked].float())}
        return {"loss": functional.cross_entropy(self._head(hidden[asked]).float(), labels[asked])}

    def _head(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits (asked, vocabulary) of vectors (asked, dim), by the head of the checkpoint's family."""
        for name in ("cls", "lm_head"):  # BERT; RoBERTa
            if hasattr(self.model, name):
                return getattr(self.model, name)(hidden)
        if hasattr(self.model, "generator_predictions"):  # ELECTRA's generator
            return self.model.generator_lm_head(self.model.generator_predictions(hidden))
        return self.model.decoder(self.model.head(hidden))  # ModernBERT

    def state_dict(self, *args, **kwargs) -> dict[str, torch.Tensor]:
        """Weights, each once: safetensors refuses the decoder beside the embeddings that it is."""
        kept, places = {}, set()
        for name, tensor in super().state_dict(*args, **kwargs).items():
            if tensor.data_ptr() not in places or not tensor.numel():
                kept[name] = tensor
            places.add(tensor.data_ptr())
        return kept


def language_model(name: str, texts: Sequence[str] | None = None) -> tuple[Encoder, Objective]:
    """Load an encoder together with a head for continued pre-training.

    The bundled encoder brings no head: it gets a new one, which must be warmed up (`base`). Every other checkpoint keeps its own: that of
    a masked language model, or, for an ELECTRA that was published as a discriminator, the one that detects replaced tokens.

    Parameters
    ----------
    name, texts
        As for `encoders.load`.

    Raises
    ------
    BadInput
        If a checkpoint has no such head, or one of a family that is not known here.
    """
    encoder = encoders.load(name, texts)
    config = encoder.model.config
    if name == BUNDLED:
        model = BertForMaskedLM(config)
        model.bert.load_state_dict(encoder.model.state_dict(), strict=True)
        model.tie_weights()
        return encoder, Objective(model)
    kind = ElectraForPreTraining if "ElectraForPreTraining" in (config.architectures or ()) else AutoModelForMaskedLM
    try:
        model, report = kind.from_pretrained(encoder.model.name_or_path, config=config, use_safetensors=True, dtype=torch.float32, output_loading_info=True)
    except ValueError as error:  # a family without a masked language model
        raise BadInput(f"The encoder '{name}' ({config.model_type}) is of a family without a language-model head; take another, or {BUNDLED}.") from error
    if missing := sorted(report["missing_keys"]):
        raise BadInput(
            f"The checkpoint '{name}' has no language-model head ({missing[0]} is missing), so that it would guess at random; "
            f"take one that was saved with its head, or {BUNDLED}, whose head is trained here first."
        )
    return encoder, Objective(model)


def lost_symbols(encoder: Encoder, texts: Sequence[str]) -> list[str]:
    """Signs that the whole vocabulary of the bundled encoder knows, and the cut one does not."""
    if encoder.prefix != E5_PREFIX:
        return []  # only the bundled encoder's vocabulary is ever cut
    encoded = encoder.tokenizer(list(texts), add_special_tokens=False, return_offsets_mapping=True)
    unknown = set()
    for text, ids, places in zip(texts, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        unknown.update(*(text[a:b] for i, (a, b) in zip(ids, places, strict=True) if i == encoder.tokenizer.unk_token_id))
    known = zip(sorted(unknown), encoders.token_ids(sorted(unknown)), strict=True) if unknown else ()
    return [sign for sign, ids in known if encoder.tokenizer.convert_tokens_to_ids("<unk>") not in ids and not sign.isspace()]


@torch.inference_mode()
def mlm_loss(objective: Objective, masker: Masker, rows: list[dict], seed: int = 0) -> float:
    """Mean loss (nats a token asked for) of rows, whose masks the seed fixes; nan where there is no row."""
    objective.eval()
    total, tokens = 0.0, 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for batch in encoders.by_length([row["length"] for row in rows], 32):
            inputs = masker([rows[i] for i in batch])
            asked = int((inputs["labels"] != -100).sum())
            where = objective.model.device
            total += objective(**{name: tensor.to(where) for name, tensor in inputs.items()})["loss"].item() * asked
            tokens += asked
    return total / tokens if tokens else math.nan


# Stages -------------------------------------------------------------------------------------------

#: In a stage's folder, beside the weights: what was read, and the loss on held-out texts of every domain before and after.
CARD = "stage.json"
#: Share of the tokens that are hidden where losses are compared, whatever the training hides.
ASKED = 0.15


@dataclass(frozen=True)
class Pretraining:
    """How a stage is trained.

    Attributes
    ----------
    steps : int
        Of each stage, whatever the size of its corpus: every condition spends the same on a domain.
    head_steps, head_share
        Steps of the new head of the bundled encoder, which is frozen meanwhile, and the share of tokens that are hidden from it: more than
        later, since a step costs the same however many are asked for.
    batch_size, accumulation, learning_rate, head_learning_rate
        Rows of a batch, batches whose gradients are added up before a step, and the rates of the encoder and of a head that is new.
    share, whole_words
        As for `Masker`.
    max_length, pack
        As for `rows`.
    save_steps : int
        Steps between checkpoints, from which a stage that was stopped goes on.
    """

    steps: int = 24
    head_steps: int = 40
    head_share: float = 0.4
    batch_size: int = 16
    accumulation: int = 1
    learning_rate: float = 1e-4
    head_learning_rate: float = 1e-3
    share: float = 0.15
    whole_words: bool = False
    max_length: int = 64
    pack: bool = True
    save_steps: int = 100


def base(texts: Corpora, recipe: Pretraining, seed: int, encoder: str = BUNDLED) -> artifacts.Entry:
    """Return the encoder that every stage starts from, from the cache: its head is ready, itself untouched.

    The bundled encoder's vocabulary is cut to all corpora together, so that stages can be chained, and its new head is warmed up on all of them while
    the encoder is frozen; otherwise the head's noise would damage what the encoder knows. The head starts from what the pieces' frequencies alone
    foretell: they are its bias, and its other logits begin small.

    Parameters
    ----------
    encoder
        Name for `language_model`.
    """
    everything = [text for each in (*texts.train.values(), *texts.held_out.values()) for text in each]

    def make(folder: Path, work: Path) -> None:
        torch.manual_seed(seed)
        loaded, objective = language_model(encoder, everything)
        counts = {}
        if encoder == BUNDLED:
            read = rows(loaded, [text for each in texts.train.values() for text in each], recipe.max_length, pack=recipe.pack)
            often = frequencies(read, len(loaded.tokenizer))
            with torch.no_grad():
                head = objective.model.cls.predictions
                head.bias.copy_(((often + 0.1) / (often + 0.1).sum()).log())
                head.transform.LayerNorm.weight.mul_(0.2)
            objective.model.config.new_head = True  # kept with the weights
            warm = replace(recipe, steps=recipe.head_steps, share=recipe.head_share)
            counts = _train(objective, loaded, read, warm, seed, work, "warm up the LM head", frozen=True)
        _keep(objective, loaded, folder, {"after": _losses(objective, loaded, texts.held_out, recipe)} | counts)

    return artifacts.folder(
        "dapt",
        make,
        parameters={**asdict(recipe), "encoder": encoder, "content": encoders.content(encoder), "seed": seed, "bfloat16": training.mixed_precision()},
        data=artifacts.fingerprint(texts.train, texts.held_out),
        code=[base, *_CODE],
        resumable=True,
    )


def stage(before: artifacts.Entry, domain: str, texts: Corpora, recipe: Pretraining, seed: int, *, frozen: bool = False) -> artifacts.Entry:
    """Return the encoder of an earlier stage after reading a domain, from the cache; its name for `encoders.load` is `dapt/<key>`.

    One that was stopped goes on from its last good checkpoint; the masks that follow are others than in one go, since the next batch is drawn ahead.

    Parameters
    ----------
    before
        Entry of `base` or `stage`.
    domain
        Which of the corpora to read.
    frozen
        Whether the encoder, embeddings included, stays as it is and only the head learns: the fault of 2022.

    Raises
    ------
    BadInput
        If the corpus does not fill a batch, or holds signs that the vocabulary lost.
    """

    def make(folder: Path, work: Path) -> None:
        torch.manual_seed(seed)
        encoder, objective = language_model(f"dapt/{before.key}")
        lost = lost_symbols(encoder, [*texts.train[domain], *(t for each in texts.held_out.values() for t in each)])
        if lost:
            raise BadInput(
                f"The vocabulary was cut to other texts and lost {len(lost)} signs of the corpora (such as '{lost[0]}'); "
                f"make the base from all corpora that are read later."
            )
        read = rows(encoder, texts.train[domain], recipe.max_length, pack=recipe.pack)
        counts = _train(objective, encoder, read, recipe, seed, work, f"pre-train on {domain}", frozen=frozen)
        counts |= {"domain": domain, "texts": len(texts.train[domain]), "before": card(before)["after"]}
        _keep(objective, encoder, folder, counts | {"after": _losses(objective, encoder, texts.held_out, recipe)})

    return artifacts.folder(
        "dapt",
        make,
        parameters={**asdict(recipe), "before": before.key, "seed": seed, "frozen": frozen, "bfloat16": training.mixed_precision()},
        data=artifacts.fingerprint(texts.train[domain], texts.held_out),
        code=[stage, *_CODE],
        resumable=True,
    )


def _train(objective: Objective, encoder: Encoder, read: list[dict], recipe: Pretraining, seed: int, work: Path, desc: str, *, frozen: bool) -> dict:
    """Train a language model, from the last good checkpoint where there is one; what it read."""
    if len(read) < recipe.batch_size:
        raise BadInput(f"The corpus fills {len(read)} rows of {recipe.max_length} tokens, fewer than one batch of {recipe.batch_size}; take a larger one.")
    objective.model.base_model.requires_grad_(not frozen)  # the decoder is the embeddings, and stands still with them
    inside = list(objective.model.base_model.parameters())
    known = set(map(id, inside))
    groups = [
        {"params": [p for p in inside if p.requires_grad], "lr": recipe.learning_rate},
        {
            "params": [p for p in objective.parameters() if id(p) not in known],
            "lr": recipe.head_learning_rate if _head_is_new(objective) else recipe.learning_rate,
        },
    ]
    _drop_broken(work)
    training.fit(
        objective.to(device()),
        read,
        collator=_masker(objective, encoder, read, recipe.share, recipe.whole_words),
        folder=work,
        desc=desc,
        seed=seed,
        epochs=1,
        max_steps=recipe.steps,
        batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.accumulation,
        optimizer=torch.optim.AdamW([group for group in groups if group["params"]], weight_decay=0.01, fused=True),
        warmup_steps=0.1,
        eval_steps=recipe.save_steps,
        remove_unused_columns=False,
    )
    seen = recipe.steps * recipe.batch_size * recipe.accumulation
    return {"rows": len(read), "passes": seen / len(read), "tokens": sum(row["length"] for row in read) / len(read) * seen}


def _head_is_new(objective: Objective) -> bool:
    """Whether the head was made here: it then learns at a rate of its own, so that the encoder can move slowly."""
    return getattr(objective.model.config, "new_head", False)


def _masker(objective: Objective, encoder: Encoder, read: list[dict], share: float, whole_words: bool) -> Masker:
    if objective.detects:
        return Replacer(encoder.tokenizer, share, whole_words, frequencies(read, len(encoder.tokenizer)))
    return Masker(encoder.tokenizer, share, whole_words)


def _drop_broken(work: Path) -> None:
    """Remove checkpoints that were being written when the training was stopped, so that it goes on from the last good one."""
    for path in work.glob("checkpoint-*"):
        try:
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))  # written last
            with safe_open(path / "model.safetensors", "pt") as file:
                file.keys()
            torch.load(path / "optimizer.pt", mmap=True, weights_only=True)
        except (OSError, ValueError, RuntimeError, SafetensorError):
            shutil.rmtree(path)


def _losses(objective: Objective, encoder: Encoder, held_out: dict[str, list[str]], recipe: Pretraining) -> dict[str, float]:
    """Loss on held-out texts of each domain; each text stands alone, as the classifier will read it."""
    found = {}
    for name, texts in held_out.items():
        read = rows(encoder, texts, recipe.max_length)
        with torch.autocast(device(), torch.bfloat16, enabled=training.mixed_precision()):  # as it was trained
            found[name] = mlm_loss(objective, _masker(objective, encoder, read, ASKED, False), read)
    if any(map(math.isnan, found.values())):
        raise BadInput("A loss is not a number: the training ran away, or a domain has no held-out text; lower the learning rate, or hold texts out.")
    return found


def _keep(objective: Objective, encoder: Encoder, folder: Path, found: dict) -> None:
    objective.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    write_json(folder / CARD, found)


_CODE = [rows, Masker, Replacer, frequencies, Objective, language_model, mlm_loss, _train, _losses, _head_is_new, training, encoders]


def card(entry: artifacts.Entry) -> dict:
    """What a stage read, and its losses on held-out texts of every domain before and after."""
    return read_json(entry.path / CARD)


# The experiment -----------------------------------------------------------------------------------


def plan(names: Sequence[str] = tuple(CONDITIONS), suffixes: Sequence[str] = ("",)) -> dict[str, tuple[str, ...]]:
    """Domains of each condition, for one or more task corpora: each has its own task sentences (the domain `emotion` with its suffix), the rest is shared.

    Raises
    ------
    BadInput
        If there is no such condition, or `none`, which the others are compared with, is not the first.
    """
    unknown = [name for name in names if name not in CONDITIONS]
    if unknown or list(names)[:1] != ["none"]:
        raise BadInput(f"The conditions are {', '.join(names)}; begin with none, and choose the others from: {', '.join(list(CONDITIONS)[1:])}.")
    return {
        f"{name}{suffix}": tuple(f"{domain}{suffix}" if domain == "emotion" else domain for domain in CONDITIONS[name]) for suffix in suffixes for name in names
    }


def adapted(start: artifacts.Entry, conditions: dict[str, tuple[str, ...]], texts: Corpora, recipe: Pretraining, seed: int) -> dict[str, list[artifacts.Entry]]:
    """Entries of every condition's chain, `start` first; a stage that two conditions share is one entry."""
    known: dict[tuple, artifacts.Entry] = {}
    chains = {}
    for name, path in conditions.items():
        frozen, chain = name.startswith("frozen"), [start]
        for length, domain in enumerate(path, start=1):
            place = (frozen, *path[:length])
            if place not in known:
                known[place] = stage(chain[-1], domain, texts, recipe, seed, frozen=frozen)
            chain.append(known[place])
        chains[name] = chain
    return chains


def encoder_weights(entry: artifacts.Entry) -> dict[str, torch.Tensor]:
    """Weights of a stage's encoder, without its head."""
    return encoders.load(f"dapt/{entry.key}").model.state_dict()


def moved(start: artifacts.Entry, end: artifacts.Entry) -> float:
    """Share of the encoder's tensors that differ in any bit between two stages."""
    before, after = encoder_weights(start), encoder_weights(end)
    return float(np.mean([not torch.equal(before[name], after[name]) for name in before]))


@dataclass(frozen=True)
class Answers:
    """What the fine-tuned models of a condition answer, one array a seed.

    Attributes
    ----------
    entries : list
        The trained models.
    sentences, lyrics : list
        Emotion ids (n,) of the test sentences, and of the scored lyrics.
    """

    entries: list[artifacts.Entry]
    sentences: list[np.ndarray]
    lyrics: list[np.ndarray]


def fine_tuned(
    encoder: artifacts.Entry, train: pd.DataFrame, dev: pd.DataFrame, texts: pd.Series, scored: pd.DataFrame, recipe: classifier.Recipe, seeds: Sequence[int]
) -> Answers:
    """Fine-tune the encoder of a stage once a seed, in the same way for every condition, and let it answer.

    Parameters
    ----------
    train, dev
        Tables for `classifier.trained`.
    texts
        Test sentences.
    scored
        Lyrics of `lyrics`.
    """
    recipe = replace(recipe, encoder=f"dapt/{encoder.key}")
    entries = [classifier.trained(train, dev, recipe, seed) for seed in seeds]
    found = [_answered(entry, texts, scored) for entry in entries]
    return Answers(entries, [sentences for sentences, _ in found], [lyric for _, lyric in found])


def _answered(model: artifacts.Entry, texts: pd.Series, scored: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Emotion ids of sentences, and of lyrics by the mean over their couplets, from the cache."""

    def make(folder: Path) -> None:
        with torch.autocast(device(), torch.bfloat16, enabled=training.mixed_precision()):  # as it was trained
            reader = classifier.load(model.path)
            sentences = reader.predict(texts.tolist(), desc="read the test part")
            songs = classifier.read_lyrics(reader, scored["couplets"], desc="read lyrics")
        np.savez(folder / "answers.npz", sentences=sentences.argmax(1), lyrics=songs.argmax(1))

    entry = artifacts.folder(
        "dapt_answers",
        make,
        parameters={"model": model.key, "bfloat16": training.mixed_precision()},
        data=artifacts.fingerprint(texts, scored["couplets"].tolist()),
        code=[_answered, *classifier.READING],
    )
    with np.load(entry.path / "answers.npz", allow_pickle=False) as kept:
        return kept["sentences"], kept["lyrics"]


def minutes(chain: Sequence[artifacts.Entry], answers: Answers) -> dict[str, float]:
    """Minutes that a condition took to make: its stages (those it shares included) and its fine-tunings."""
    return {
        "pre-training": sum(entry.seconds for entry in chain[1:]) / 60,
        "fine-tuning": sum(entry.seconds for entry in answers.entries) / 60,
    }
