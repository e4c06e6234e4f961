"""Models of songs: networks on raw mel and on the lyric's couplets, SimCLR vectors, and shallow heads on any vectors."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from torch import nn
from torch.nn import functional
from transformers import ResNetConfig, ResNetForImageClassification

from ..core import artifacts, emotions
from ..core.errors import BadInput, CorruptData
from ..core.metrics import alignment, macro_f1, uniformity
from ..core.settings import THREADS, device, progress
from ..text.classifier import class_weights
from ..text.training import mixed_precision
from . import mel
from .mel import BANDS, FRAMES, standardise

CROP = 235  # frames that a network reads at once, 3.8 s
DIM = 512
#: Crops, evenly spaced, whose answers are averaged for a song; fewer while training, where only the best epoch is sought.
WINDOWS, DEV_WINDOWS = 4, 2
BATCH = 32


@dataclass(frozen=True)
class Material:
    """What the models read of each song, and which part it belongs to.

    Attributes
    ----------
    mels : ndarray of shape (n, 48, 1876), float32
        Decibels; may be mapped from a file, and is then only ever read in batches.
    parts : ndarray of shape (n,)
        "train", "dev" or "test".
    couplets : ndarray of shape (n, couplets, dim), float32
        Vectors of the lyric's couplets, zeros behind the last; empty where no model reads lyrics.
    snr : float
        Signal-to-noise ratio in decibels of white noise that is added to the mels; infinite for none.
    """

    mels: np.ndarray
    parts: np.ndarray
    couplets: np.ndarray | None = None
    snr: float = math.inf

    def rows(self, part: str) -> np.ndarray:
        """Row numbers of a part."""
        return np.flatnonzero(self.parts == part)

    @cached_property
    def key(self) -> str:
        """Fingerprint of all that is read."""
        return artifacts.fingerprint(mel.fingerprint(self.mels), self.parts, self.couplets, self.snr)

    def noisy(self, snr: float) -> Material:
        """The same songs with white noise at a signal-to-noise ratio in decibels."""
        return replace(self, snr=snr)

    def crops(self, rows: np.ndarray, starts: np.ndarray, seed: int = 0) -> torch.Tensor:
        """Standardised stretches of `CROP` frames from the given first frames on: (batch, 48, CROP)."""
        mels = mel.batch(self.mels, rows, starts, CROP)
        if math.isfinite(self.snr):
            mels = mel.with_noise(mels, self.snr, np.random.default_rng([seed, *rows, *starts]))
        return torch.from_numpy(standardise(mels))

    def statistics(self) -> np.ndarray:
        """`mel.statistics` of every song, read in batches: (n, 144)."""
        found = []
        for rows in mel.batches(len(self.mels)):
            mels = mel.batch(self.mels, rows)
            found.append(mel.statistics(mel.with_noise(mels, self.snr, np.random.default_rng(rows)) if math.isfinite(self.snr) else mels))
        return np.concatenate(found)


# Networks -------------------------------------------------------------------------------------------


def _convolutions(channels: tuple[int, ...]) -> nn.Sequential:
    """3 x 3 convolutions that halve bands and time at each block."""
    blocks = []
    for before, after in itertools.pairwise(channels):
        blocks += [nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*blocks)


class MelEncoder(nn.Module):
    """Four convolution blocks and a mean over time and bands: (batch, 48, frames) -> (batch, 512)."""

    dim = DIM

    def __init__(self):
        super().__init__()
        self.blocks = _convolutions((1, 32, 64, 128, DIM))

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """Vectors of standardised mels."""
        return self.blocks(mels.unsqueeze(1)).mean((2, 3))  # (batch, 1, 48, frames) -> (batch, 512)


class MelRNN(nn.Module):
    """GRU over time, five frames (80 ms) a step, mean of both directions: (batch, 48, frames) -> (batch, 128)."""

    dim = 128

    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool1d(5)
        self.rnn = nn.GRU(BANDS, 64, batch_first=True, bidirectional=True)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """Vectors of standardised mels."""
        steps, _ = self.rnn(self.pool(mels).transpose(1, 2))  # (batch, 48, frames) -> (batch, frames / 5, 128)
        return steps.mean(1)


class MelCNNRNN(nn.Module):
    """Three convolution blocks, then a GRU over what is left of time: (batch, 48, frames) -> (batch, 128)."""

    dim = 128

    def __init__(self):
        super().__init__()
        self.blocks = _convolutions((1, 32, 64, 128))
        self.rnn = nn.GRU(128 * BANDS // 8, 64, batch_first=True, bidirectional=True)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """Vectors of standardised mels."""
        steps, _ = self.rnn(self.blocks(mels.unsqueeze(1)).flatten(1, 2).transpose(1, 2))  # (batch, frames / 8, 128 * 6) -> (batch, frames / 8, 128)
        return steps.mean(1)


class MelStatistics(nn.Module):
    """Mean, deviation and mean absolute difference over time of each band, centred and scaled: (batch, 48, frames) -> (batch, 144)."""

    dim = 3 * BANDS

    def __init__(self):
        super().__init__()
        self.scale = nn.BatchNorm1d(self.dim, affine=False)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """Vectors of standardised mels."""
        found = torch.from_numpy(mel.statistics(mels.cpu().numpy()))  # nothing before this is learned
        return self.scale(found.to(mels.device))


class CoupletCNN(nn.Module):
    """Convolution over neighbouring couplets and the largest answer of each filter: (batch, couplets, dim) -> (batch, 128)."""

    dim = 128

    def __init__(self, width: int):
        super().__init__()
        self.convolution = nn.Conv1d(width, self.dim, 3, padding=1)

    def forward(self, couplets: torch.Tensor) -> torch.Tensor:
        """Vectors of lyrics."""
        heard = self.convolution(couplets.transpose(1, 2)).relu()  # (batch, 128, couplets)
        return heard.masked_fill(_empty(couplets).unsqueeze(1), 0).amax(2)


class CoupletRNN(nn.Module):
    """GRU over the couplets, mean of both directions over those there are: (batch, couplets, dim) -> (batch, 128)."""

    dim = 128

    def __init__(self, width: int):
        super().__init__()
        self.rnn = nn.GRU(width, 64, batch_first=True, bidirectional=True)

    def forward(self, couplets: torch.Tensor) -> torch.Tensor:
        """Vectors of lyrics."""
        lengths = (~_empty(couplets)).sum(1).clamp(min=1)
        packed = nn.utils.rnn.pack_padded_sequence(couplets, lengths.cpu(), batch_first=True, enforce_sorted=False)
        steps, _ = nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)  # (batch, couplets, 128), zeros behind the last
        return steps.sum(1) / lengths.unsqueeze(1)


def _empty(couplets: torch.Tensor) -> torch.Tensor:
    """Mask of the places behind a lyric's last couplet, (batch, couplets)."""
    return (couplets == 0).all(2)


class ResNet50(nn.Module):
    """ResNet50 of one channel (He et al. 2016: bottlenecks 3-4-6-3), from scratch, by transformers; logits of standardised mels."""

    def __init__(self):
        super().__init__()
        config = ResNetConfig(num_channels=1, depths=[3, 4, 6, 3], layer_type="bottleneck", num_labels=emotions.N)
        self.network = ResNetForImageClassification(config).to(memory_format=torch.channels_last)

    def forward(self, mels: torch.Tensor, _) -> torch.Tensor:
        """Logits (batch, 6) of standardised mels (batch, 48, frames)."""
        return self.network(mels.unsqueeze(1)).logits


class EmotionNet(nn.Module):
    """Encoders of sound, of lyrics, or of both side by side, then dropout and a linear layer to six logits."""

    def __init__(self, sound: nn.Module | None = None, lyric: nn.Module | None = None):
        super().__init__()
        self.sound, self.lyric = sound, lyric
        dim = sum(encoder.dim for encoder in (sound, lyric) if encoder is not None)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(dim, emotions.N))

    def forward(self, mels: torch.Tensor | None, couplets: torch.Tensor | None) -> torch.Tensor:
        """Logits (batch, 6)."""
        vectors = [encoder(given) for encoder, given in ((self.sound, mels), (self.lyric, couplets)) if encoder is not None]
        return self.head(torch.cat(vectors, dim=1))


#: Networks by name, made for couplet vectors of a width. `both` joins the two as the 2017 table of the appendix does.
NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "cnn": lambda _: EmotionNet(sound=MelEncoder()),
    "resnet50": lambda _: ResNet50(),
    "shallow": lambda _: EmotionNet(sound=MelStatistics()),
    "rnn": lambda _: EmotionNet(sound=MelRNN()),
    "cnn_rnn": lambda _: EmotionNet(sound=MelCNNRNN()),
    "lyric_cnn": lambda width: EmotionNet(lyric=CoupletCNN(width)),
    "lyric_rnn": lambda width: EmotionNet(lyric=CoupletRNN(width)),
    "both": lambda width: EmotionNet(sound=MelCNNRNN(), lyric=CoupletCNN(width)),
}

#: The network that hears songs for the recommender: of those taught corrected labels in notebook 04, the best on dev songs of the sample.
CHOSEN = "shallow"


def network(name: str, material: Material) -> nn.Module:
    """Return a network of `NETWORKS` with fresh weights, on the device in use."""
    if name not in NETWORKS:
        raise BadInput(f"There is no network '{name}'; choose one of: {', '.join(NETWORKS)}.")
    return NETWORKS[name](0 if material.couplets is None else material.couplets.shape[2]).to(device())


def _logits(model: nn.Module, material: Material, rows: np.ndarray, starts: np.ndarray, seed: int = 0) -> torch.Tensor:
    """Logits (batch, 6), float32, of one crop of each song and of its lyric."""
    where = next(model.parameters()).device
    listens = not (isinstance(model, EmotionNet) and model.sound is None)
    mels = material.crops(rows, starts, seed).to(where) if listens else None
    couplets = None if material.couplets is None else torch.from_numpy(material.couplets[rows]).to(where)
    with torch.autocast(where.type, torch.bfloat16, enabled=mixed_precision()):
        return model(mels, couplets).float()


def shuffled_batches(rows: np.ndarray, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Rows in random order in batches; a last one too small for batch statistics is joined to the one before."""
    order = rng.permutation(rows)
    batches = [order[i : i + size] for i in range(0, len(order), size)]
    if len(batches) > 1 and len(batches[-1]) < size // 2:
        batches[-2:] = [np.concatenate(batches[-2:])]
    return batches


def train(name: str, material: Material, targets: np.ndarray, *, epochs: int, seed: int, folder: Path) -> None:
    """Train a network on random crops of the training songs and keep the weights with the best dev macro-F1.

    Parameters
    ----------
    name
        One of `NETWORKS`.
    targets
        Emotion vectors of all songs, (n, 6), rows sum to 1: soft labels, or hard ones from `hard_labels`.
    epochs, seed
        How long, and from which weights and crops.
    folder
        Receives model.safetensors and curve.npz (loss, accuracy, dev_loss, dev_accuracy, dev_macro_f1 of each epoch).
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    rows, dev = material.rows("train"), material.rows("dev")
    model = network(name, material)
    where = next(model.parameters()).device
    weights = class_weights(targets[rows], 0.5).to(where)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    steps = epochs * len(shuffled_batches(rows, BATCH, np.random.default_rng(0)))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    best, curve = -1.0, []
    for epoch in progress(range(epochs), desc=f"train {name}, seed {seed}"):
        model.train()
        losses, hits = [], []
        for batch in shuffled_batches(rows, BATCH, rng):
            logits = _logits(model, material, batch, rng.integers(0, FRAMES - CROP + 1, len(batch)), seed + epoch)
            y = torch.from_numpy(targets[batch].astype(np.float32)).to(where)
            loss = -(y * weights * logits.log_softmax(-1)).sum(-1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            hits += (logits.argmax(1) == y.argmax(1)).tolist()
        probabilities = predict(model, material, dev, DEV_WINDOWS)
        true = targets[dev].argmax(1)
        score = macro_f1(true, probabilities.argmax(1))
        dev_loss = -(targets[dev] * np.log(probabilities + 1e-9)).sum(1).mean()
        curve.append((np.mean(losses), np.mean(hits), dev_loss, np.mean(true == probabilities.argmax(1)), score))
        if score > best:
            best = score
            state = {k: v.detach().cpu().clone().contiguous() for k, v in model.state_dict().items()}
    save_file(state, folder / "model.safetensors")
    columns = np.array(curve, np.float32).T
    np.savez(folder / "curve.npz", **dict(zip(("loss", "accuracy", "dev_loss", "dev_accuracy", "dev_macro_f1"), columns, strict=True)))


def _windows(count: int) -> np.ndarray:
    """Starts of evenly spaced crops: the middles of equal parts of what can be a start."""
    return np.linspace(0, FRAMES - CROP, 2 * count + 1).astype(int)[1::2]


@torch.inference_mode()
def predict(model: nn.Module, material: Material, rows: np.ndarray, windows: int = WINDOWS) -> np.ndarray:
    """Probabilities (len(rows), 6): the mean over evenly spaced crops of each song."""
    model.eval()
    found = np.zeros((len(rows), emotions.N), np.float32)
    for places in mel.batches(len(rows)):
        for start in _windows(windows):
            found[places] += _logits(model, material, rows[places], np.full(len(places), start)).softmax(-1).cpu().numpy() / windows
    return found


def hard_labels(vectors: np.ndarray) -> np.ndarray:
    """Vectors that give all to the largest emotion, (n, 6)."""
    return np.eye(emotions.N, dtype=np.float32)[vectors.argmax(1)]


#: All that makes the weights and answers of a network, so that a change of any is another cache entry.
_NETWORK_CODE = [
    Material, _convolutions, MelEncoder, MelRNN, MelCNNRNN, MelStatistics, CoupletCNN, CoupletRNN, _empty, ResNet50, EmotionNet, network, _logits,
    shuffled_batches, train, _windows, predict, class_weights, macro_f1, standardise, mel.batch, mel.with_noise, mel.batches, mel.statistics,
]  # fmt: skip


def trained(name: str, material: Material, targets: np.ndarray, *, epochs: int, seed: int) -> artifacts.Entry:
    """`train` through the cache."""
    return artifacts.folder(
        f"mel_{name}",
        lambda folder: train(name, material, targets, epochs=epochs, seed=seed, folder=folder),
        parameters={"epochs": epochs, "seed": seed, "crop": CROP, "batch": BATCH, "windows": DEV_WINDOWS, "bfloat16": mixed_precision()},
        data=artifacts.fingerprint(material.key, targets),
        code=_NETWORK_CODE,
    )


def load(name: str, entry: artifacts.Entry, material: Material) -> nn.Module:
    """Load a network kept by `train`.

    Raises
    ------
    CorruptData
        If its weights are damaged.
    """
    return _with_weights(network(name, material), entry.path).eval()


def _with_weights(model: nn.Module, folder: Path) -> nn.Module:
    try:
        model.load_state_dict(load_file(folder / "model.safetensors"))
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise CorruptData(f"The weights in {folder.parent.name}/{folder.name} are damaged; delete that folder and run again.") from error
    return model


def answers(name: str, material: Material, targets: np.ndarray, *, epochs: int, seeds: list[int]) -> tuple[list[np.ndarray], list[dict]]:
    """Answers of a network to the test songs, one array (n, 6) a seed, and the curves of its trainings."""
    found = [trained(name, material, targets, epochs=epochs, seed=seed) for seed in seeds]
    return [predict(load(name, entry, material), material, material.rows("test")) for entry in found], [curve(entry) for entry in found]


def curve(entry: artifacts.Entry) -> dict[str, np.ndarray]:
    """What a model's training kept of each epoch, by name."""
    with np.load(entry.path / "curve.npz", allow_pickle=False) as kept:
        return dict(kept)


# SimCLR ---------------------------------------------------------------------------------------------


def augment(views: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Views for SimCLR out of standardised crops (batch, 48, frames): gain, pitch shift, a frequency and a time mask, noise.

    The gain is small (2 dB either way), since loudness tells emotions apart. The pitch shift moves up to two bands; the bands that
    come in at the edge repeat the outermost one, so that no high sound turns up as a low one. Masks hold the mean of the view.
    """
    n, _, frames = views.shape
    draw = torch.rand((7, n, 1), generator=generator)
    bands, times = torch.arange(BANDS), torch.arange(frames)
    views = views + 0.08 * (draw[0] - 0.5).unsqueeze(2)
    source = (bands + (5 * draw[1]).long() - 2).clamp(0, BANDS - 1)  # (n, 48)
    views = views.gather(1, source.unsqueeze(2).expand(-1, -1, frames))
    width, start = 8 * draw[2], (BANDS - 8) * draw[3]
    length, begin = frames / 8 * draw[4], frames * 7 / 8 * draw[5]
    masked = ((bands >= start) & (bands < start + width)).unsqueeze(2) | ((times >= begin) & (times < begin + length)).unsqueeze(1)
    views = torch.where(masked, views.mean((1, 2), keepdim=True), views)
    return views + 0.05 * draw[6].unsqueeze(2) * torch.randn(views.shape, generator=generator)  # up to 2.5 dB


def _view(material: Material, rows: np.ndarray, rng: np.random.Generator, generator: torch.Generator) -> torch.Tensor:
    """One augmented random crop of each song."""
    return augment(material.crops(rows, rng.integers(0, FRAMES - CROP + 1, len(rows))), generator)


def nt_xent(first: torch.Tensor, second: torch.Tensor, temperature: float = 0.2) -> torch.Tensor:
    """NT-Xent loss of SimCLR (Chen et al. 2020, eq. 1) of two views, each (batch, dim)."""
    vectors = functional.normalize(torch.cat([first, second]), dim=1)  # (2 batch, dim)
    similarity = vectors @ vectors.T / temperature
    similarity.fill_diagonal_(-math.inf)
    partner = torch.arange(len(vectors), device=vectors.device).roll(len(first))
    return functional.cross_entropy(similarity, partner)


def simclr_encoder() -> nn.Sequential:
    """`MelEncoder` whose vectors are centred and scaled, with fresh weights: all its numbers are positive, so that uncentred vectors would point one way."""
    return nn.Sequential(MelEncoder(), nn.BatchNorm1d(DIM, affine=False)).to(device())


def train_simclr(material: Material, *, epochs: int, seed: int, folder: Path) -> None:
    """Train a `simclr_encoder` without labels: two augmented views of a song shall be neighbours (Chen et al. 2020).

    Parameters
    ----------
    folder
        Receives model.safetensors and curve.npz (loss of each epoch, and chance: the loss of vectors that are all one point).
    """
    torch.manual_seed(seed)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    where = device()
    encoder = simclr_encoder()
    projector = nn.Sequential(nn.Linear(DIM, 128), nn.ReLU(), nn.Linear(128, 64)).to(where)
    optimizer = torch.optim.AdamW([*encoder.parameters(), *projector.parameters()], lr=1e-3, weight_decay=1e-4)
    rows, curve = material.rows("train"), []
    for _ in progress(range(epochs), desc=f"train SimCLR, seed {seed}"):
        encoder.train()
        losses = []
        for batch in shuffled_batches(rows, BATCH, rng):
            with torch.autocast(where, torch.bfloat16, enabled=mixed_precision()):
                views = [projector(encoder(_view(material, batch, rng, generator).to(where))).float() for _ in range(2)]
            loss = nt_xent(*views)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append((loss.item(), math.log(max(2 * len(batch) - 1, 1))))
        curve.append(np.mean(losses, axis=0))
    save_file({k: v.cpu().contiguous() for k, v in encoder.state_dict().items()}, folder / "model.safetensors")
    np.savez(folder / "curve.npz", **dict(zip(("loss", "chance"), np.array(curve, np.float32).T, strict=True)))


def trained_simclr(material: Material, *, epochs: int, seed: int) -> artifacts.Entry:
    """`train_simclr` through the cache."""
    return artifacts.folder(
        "simclr",
        lambda folder: train_simclr(material, epochs=epochs, seed=seed, folder=folder),
        parameters={"epochs": epochs, "seed": seed, "crop": CROP, "batch": BATCH, "bfloat16": mixed_precision()},
        data=material.key,
        code=[
            Material,
            train_simclr,
            simclr_encoder,
            _convolutions,
            MelEncoder,
            augment,
            _view,
            nt_xent,
            shuffled_batches,
            standardise,
            mel.batch,
            mel.with_noise,
        ],
    )


def load_simclr(entry: artifacts.Entry) -> nn.Sequential:
    """Load an encoder kept by `train_simclr`; raises CorruptData if its weights are damaged."""
    return _with_weights(simclr_encoder(), entry.path).eval()


@torch.inference_mode()
def embed(entry: artifacts.Entry, material: Material) -> np.ndarray:
    """SimCLR vectors (n, 512) of all songs: the mean over evenly spaced crops."""
    encoder = load_simclr(entry)
    found = np.zeros((len(material.mels), DIM), np.float32)
    for rows in mel.batches(len(found)):
        for start in _windows(WINDOWS):
            found[rows] += encoder(material.crops(rows, np.full(len(rows), start)).to(device())).cpu().numpy() / WINDOWS
    return found


@torch.inference_mode()
def on_the_sphere(entry: artifacts.Entry, material: Material, part: str, seed: int) -> dict[str, float]:
    """Alignment and uniformity (Wang and Isola 2020) of a part's SimCLR vectors, over two augmented views of each song."""
    encoder, rows = load_simclr(entry), material.rows(part)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    one, two = (
        np.concatenate([encoder(_view(material, rows[places], rng, generator).to(device())).cpu().numpy() for places in mel.batches(len(rows))])
        for _ in range(2)
    )
    return {"alignment": alignment(one, two), "uniformity": uniformity(one)}


# Shallow heads --------------------------------------------------------------------------------------


def _members(seed: int) -> dict[str, ClassifierMixin]:
    """Heads of the appendix's table that vote in max voting."""
    return {
        "knn": KNeighborsClassifier(7),
        "svm": SVC(C=3, class_weight="balanced"),
        "mlp": MLPClassifier((128, 64), alpha=0.1, learning_rate_init=0.003, tol=1e-3, max_iter=500, random_state=seed),
        "tree": DecisionTreeClassifier(max_depth=6, class_weight="balanced", random_state=seed),
        "forest": RandomForestClassifier(200, class_weight="balanced_subsample", n_jobs=THREADS, random_state=seed),
    }


def _xgboost(seed: int) -> ClassifierMixin:
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=60, max_depth=3, learning_rate=0.2, colsample_bytree=0.3, n_jobs=THREADS, random_state=seed)


#: Heads by name: linear, the 64 units of 2022, and the table of the appendix.
HEADS: dict[str, Callable[[int], ClassifierMixin]] = {
    "linear": lambda _: LogisticRegression(C=0.1, max_iter=2000, class_weight="balanced"),
    "dense": lambda seed: MLPClassifier((64,), alpha=0.1, learning_rate_init=0.003, tol=1e-3, max_iter=1000, random_state=seed),
    **{name: lambda seed, name=name: _members(seed)[name] for name in _members(0)},
    "voting": lambda seed: VotingClassifier(list(_members(seed).items()), voting="hard"),
    "xgboost": _xgboost,
}


@dataclass(frozen=True)
class Head:
    """A fitted shallow classifier.

    Attributes
    ----------
    pipeline : Pipeline
        Standardises vectors and classifies them into places of `seen`.
    seen : ndarray
        Emotion ids that occurred in training.
    """

    pipeline: Pipeline
    seen: np.ndarray

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Probabilities (n, 6); emotions that the head has never seen get 0.

        A support vector machine gives the softmax of its margins, voting the shares of its votes.
        """
        last = self.pipeline[-1]
        if isinstance(last, VotingClassifier):
            votes = self.pipeline.transform(vectors)  # (n, members), places of `seen`
            given = (votes[:, :, None] == np.arange(len(self.seen))).mean(1)
        elif isinstance(last, SVC):
            margins = self.pipeline.decision_function(vectors)
            given = softmax(margins if margins.ndim == 2 else np.stack([-margins, margins], axis=1), axis=1)
        else:
            given = self.pipeline.predict_proba(vectors)
        found = np.zeros((len(vectors), emotions.N))
        found[:, self.seen] = given
        return found


def head(name: str, vectors: np.ndarray, labels: np.ndarray, seed: int) -> Head:
    """Fit a shallow classifier of `HEADS` on vectors.

    Parameters
    ----------
    name
        One of `HEADS`.
    vectors, labels
        (n, dim) and emotion ids (n,).
    seed
        Seed of what is random in it.
    """
    if name not in HEADS:
        raise BadInput(f"There is no head '{name}'; choose one of: {', '.join(HEADS)}.")
    seen, places = np.unique(labels, return_inverse=True)
    classifier = HEADS[name](seed) if len(seen) > 1 else DummyClassifier()  # with one emotion there is nothing to tell apart
    if isinstance(classifier, KNeighborsClassifier | VotingClassifier) and len(vectors) < 7:
        raise BadInput(f"{len(vectors)} songs are too few for the seven neighbours of '{name}'; take another head.")
    return Head(make_pipeline(StandardScaler(), classifier).fit(vectors, places), seen)


def head_answers(name: str, vectors: list[np.ndarray], labels: np.ndarray, material: Material, seeds: list[int]) -> list[np.ndarray]:
    """Answers (n, 6) to the test part by a head fitted on the training part, one a seed; `vectors` of all songs, one array a seed."""
    rows, test = material.rows("train"), material.rows("test")
    return [head(name, x[rows], labels[rows], seed).probabilities(x[test]) for x, seed in zip(vectors, seeds, strict=True)]


def dense_curve(vectors: np.ndarray, labels: np.ndarray, material: Material, *, epochs: int, seed: int) -> dict[str, list[float]]:
    """Loss and accuracy of the 64-unit dense head on training and dev part, epoch by epoch: the curves of the second experiment of 2022."""
    rows, dev = material.rows("train"), material.rows("dev")
    scaled = StandardScaler().fit(vectors[rows]).transform(vectors)
    dense = HEADS["dense"](seed)
    curve: dict[str, list[float]] = {"loss": [], "accuracy": [], "dev_accuracy": []}
    for _ in range(epochs):
        dense.partial_fit(scaled[rows], labels[rows], classes=np.unique(labels[rows]))
        curve["loss"].append(float(dense.loss_))
        curve["accuracy"].append(float(dense.score(scaled[rows], labels[rows])))
        curve["dev_accuracy"].append(float(np.mean(dense.predict(scaled[dev]) == labels[dev])))
    return curve
