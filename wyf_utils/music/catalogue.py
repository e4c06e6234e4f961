"""A profile's songs with what the notebooks and the database need of them: lyric vectors, mels, splits."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold

from ..core import artifacts, emotions, vectors
from ..core.paths import data_folder
from ..data import song_files, splits, text_corpora
from ..data.cleaning import couplets
from ..sound import composed, dataset, mel_files, network_training, networks
from ..text import bundled_e5, classifier, embeddings, encoders, finetuning, onnx_model
from . import fusion
from .database import EMBEDDING, MusicDatabase

COUPLETS = 24  # of a lyric that are read at most
FOLDS = 5  # of `out_of_fold`


@dataclass(frozen=True)
class ScoredCatalogue:
    """A music database before it is stored, and what its making leaves for looking at.

    Attributes
    ----------
    database : MusicDatabase
        Songs and vectors; its provenance holds the key of the mel model (where there is one), and the priors and mel weights as JSON.
    corrected : dict
        Vectors (n, 6) without their prior: lyric, and mel, which is also made as sharp as the lyrics'.
    mel_temperature : float
        Temperature by which the mel vectors are as sure as the lyrics'.
    mel_weights : ndarray of shape (6,)
        How much the mel counts for each emotion.
    parts : ndarray of shape (n,)
        "train", "dev" or "test" by artist: weights are learned on the first two, everything is scored on test.
    intents : ndarray of shape (n, 6) or None
        Emotions that the sample's songs were written for; unknown (None) for real songs.
    """

    database: MusicDatabase
    corrected: dict[str, np.ndarray]
    mel_temperature: float
    mel_weights: np.ndarray
    parts: np.ndarray
    intents: np.ndarray | None

    @property
    def held_out(self) -> np.ndarray:
        """Mask of the songs whose artists no model and no weight has learned from; all songs where that is not known (open)."""
        return self.parts == "test"


@dataclass(frozen=True)
class Catalogue:
    """Songs and what is known of each, row by row.

    Attributes
    ----------
    songs : DataFrame
        Cleaned catalogue.
    lyric : ndarray of shape (n, 6), float32
        Emotion vectors of the lyrics.
    mels : ndarray of shape (n, 48, 1876), float32
        Decibels.
    sung : ndarray of shape (n, 6) or None
        What the sample's sound was composed for; unknown (None) for real songs.
    parts : ndarray of shape (n,)
        "train", "dev" or "test"; an artist stands in one part only.
    dropped : dict
        Songs left out because their mel cannot be used: id to the reason.
    changed : list of str
        What was done to a user's own sound files.
    """

    songs: pd.DataFrame
    lyric: np.ndarray
    mels: np.ndarray
    composed_for: np.ndarray | None
    parts: np.ndarray
    dropped: dict[int, str]
    changed: list[str] = field(default_factory=list)

    def part(self, name: str) -> np.ndarray:
        """Mask of the songs of a part."""
        return self.parts == name

    @cached_property
    def mel_dataset(self) -> dataset.MelDataset:
        """What the mel models read of these songs."""
        return dataset.MelDataset(self.mels, self.parts)

    @cached_property
    def corrected(self) -> np.ndarray:
        """Lyric vectors (n, 6) as labels that lean to no emotion: the prior of the training songs is taken out."""
        return fusion.correct_prior(self.lyric, fusion.class_prior(self.lyric[self.part("train")]))


def sentences(profile: str, seed: int, limit: int = 0, corpus: str = "") -> dict[str, pd.DataFrame]:
    """Train, dev and test sentences of a profile's corpus (its first by default); a `limit` draws so many of all first (0 for all)."""
    table, _ = text_corpora.utterances(profile, corpus)
    if limit and limit < len(table):
        table = table.sample(limit, random_state=seed).reset_index(drop=True)
    parts = splits.split(table, seed)
    if (
        "clear" in table
    ):  # what readers do not agree on has shares to learn from, and no answer to be scored by
        parts |= {
            name: parts[name][parts[name]["clear"]].reset_index(drop=True)
            for name in ("dev", "test")
        }
    for part in parts.values():
        part.attrs = {"profile": profile, "corpus": corpus or text_corpora.corpora(profile)[0]}
    return parts


def text_model(
    profile: str, recipe: finetuning.Recipe, seed: int, limit: int = 0
) -> artifacts.Entry:
    """Text classifier of a profile: the fine-tuned encoder of notebook 02 with the notebook's own seed."""
    parts = sentences(profile, seed, limit)
    return finetuning.trained(parts["train"], parts["dev"], recipe, seed)


def lyric_vectors(model: artifacts.Entry, lyrics: pd.Series) -> np.ndarray:
    """Emotion vectors of lyrics: the mean over their couplets, (n, 6).

    A classifier of sentences sees no more than a few lines at once, so that a whole lyric would be cut off.
    """

    def make(folder) -> None:
        vectors = classifier.read_lyrics(
            onnx_model.load(model.path),
            [couplets(lyric) for lyric in lyrics],
            desc="lyrics to emotions",
        )
        np.save(folder / "vectors.npy", vectors.astype(np.float32), allow_pickle=False)

    entry = artifacts.folder(
        "lyric_vectors",
        make,
        parameters={"model": model.key},
        data=artifacts.fingerprint(lyrics),
        code=[couplets, lyric_vectors, onnx_model, *classifier.READING],
    )
    return np.load(entry.path / "vectors.npy", allow_pickle=False)


def open_catalogue(
    profile: str,
    recipe: finetuning.Recipe,
    seed: int,
    *,
    limit: int = 0,
    max_songs: int = 0,
    contradiction: float = 0.25,
    synthesis: str = "pretty_midi",
) -> Catalogue | None:
    """Open the songs of a profile with their lyric vectors and mels; None for the open profile, which has neither lyrics nor sound.

    Parameters
    ----------
    profile
        sample (its sound is composed) or wyf (its mels lie under `data/raw/wyf`, in the folder arena_mel or the archives as they come).
    recipe, seed, limit
        Of the text classifier, as for `text_model`.
    max_songs
        Take this many songs only; 0 for all.
    contradiction
        Share of sample songs whose sound says something else than the lyric.
    synthesis
        One of `composer.SYNTHESES`, for the sample's sound.
    """
    if profile == "open":
        return None
    songs, _ = song_files.songs(profile, bundled_e5.count_tokens)
    if max_songs and max_songs < len(songs):
        songs = songs.sample(max_songs, random_state=seed).sort_values("id").reset_index(drop=True)
    lyric = lyric_vectors(text_model(profile, recipe, seed, limit), songs["lyric"])
    sung = composition_targets(songs, profile, seed, contradiction)
    mels, dropped, changed = mel_files.read_many(
        _mel_folder(songs, profile, seed, sung, synthesis), songs["id"].tolist()
    )
    kept = ~songs["id"].isin(dropped).to_numpy()
    songs = songs[kept].reset_index(drop=True)
    parts = artist_parts(songs, profile, seed)
    return Catalogue(
        songs, lyric[kept], mels, None if sung is None else sung[kept], parts, dropped, changed
    )


def composition_targets(
    songs: pd.DataFrame, profile: str, seed: int, contradiction: float = 0.25
) -> np.ndarray | None:
    """Emotion vectors (n, 6) that the sample's sound is composed for; None for real songs."""
    if profile != "sample":
        return None
    intent = song_files.lyric_intent(profile).set_index("id").loc[songs["id"]]
    return composed.composition_targets(
        intent["first"].to_numpy(),
        intent["second"].to_numpy(),
        songs["id"].to_numpy(),
        contradiction,
        seed,
    )


def intents(ids: pd.Series, profile: str) -> np.ndarray:
    """Mask (n, 6) of the emotions, one or two, that the author of each lyric had in mind: for scores, and for the weights of the mel."""
    table = song_files.lyric_intent(profile).set_index("id").loc[ids]
    mask = np.zeros((len(table), emotions.N), bool)
    for column in ("first", "second"):
        rows = np.flatnonzero(table[column] >= 0)
        mask[rows, table[column].to_numpy()[rows]] = True
    return mask


def _mel_folder(
    songs: pd.DataFrame,
    profile: str,
    seed: int,
    sung: np.ndarray | None,
    synthesis: str = "pretty_midi",
) -> Path:
    """Folder with the mels of songs; the sample's are composed first."""
    if sung is not None:
        return composed.composed_mels(songs["id"].to_numpy(), sung, seed, synthesis).path
    return data_folder() / "raw" / profile


def mels_of(songs: pd.DataFrame, profile: str, seed: int) -> np.ndarray:
    """Mels of songs in decibels, (n, 48, 1876)."""
    return mel_files.read_many(
        _mel_folder(songs, profile, seed, composition_targets(songs, profile, seed)),
        songs["id"].tolist(),
    )[0]


def waveform_of(
    song: pd.DataFrame,
    profile: str,
    seed: int,
    contradiction: float = 0.25,
    synthesis: str = "pretty_midi",
) -> np.ndarray | None:
    """Sound of one song (a table of one row), mono at 16 kHz; None for real songs, of which only mels are known."""
    sung = composition_targets(song, profile, seed, contradiction)
    return (
        None
        if sung is None
        else composed.composed_waveform(int(song["id"].iloc[0]), sung[0], seed, synthesis)
    )


def artist_parts(songs: pd.DataFrame, profile: str, seed: int) -> np.ndarray:
    """Part of each song ("train", "dev", "test"), stratified by genre, artists and writers of lyrics kept apart.

    Not by the emotion that is read in the lyric: a text model trained on another machine would then put other songs into the test part.
    """
    table = (
        songs[["id", "artist", "genre"]].reset_index(drop=True).assign(row=np.arange(len(songs)))
    )
    parts = np.empty(len(songs), dtype="<U5")
    for name, part in song_files.split_songs(table, profile, seed, parts=4, by="genre").items():
        parts[part["row"].to_numpy()] = name
    return parts


def mel_model(songs: Catalogue, *, epochs: int, seed: int) -> artifacts.Entry:
    """Network that learned the lyrics' emotions, none more common than another, from the training artists' sound."""
    return network_training.trained(
        networks.CHOSEN, songs.mel_dataset, songs.corrected, epochs=epochs, seed=seed
    )


def mel_vectors(songs: Catalogue, model: artifacts.Entry) -> np.ndarray:
    """Emotion vectors (n, 6) of all songs by a model from `mel_model`."""
    return network_training.predict(
        network_training.load(networks.CHOSEN, model, songs.mel_dataset),
        songs.mel_dataset,
        np.arange(len(songs.songs)),
    )


def out_of_fold(songs: Catalogue, sound: np.ndarray, *, epochs: int, seed: int) -> np.ndarray:
    """Emotion vectors (n, 6) as `sound`, but each training song heard by a network that did not learn from its artist (stacking, Wolpert 1992).

    A network is surer of songs that it learned from than it will be of others: a weight learned there would count on too much.
    """
    found, train = sound.copy(), np.flatnonzero(songs.part("train"))
    artists = songs.songs["artist"].to_numpy()[train]
    for _, held in GroupKFold(min(FOLDS, len(set(artists)))).split(train, groups=artists):
        parts = songs.parts.copy()
        parts[train[held]] = "test"
        material = replace(songs.mel_dataset, parts=parts)
        model = network_training.trained(
            networks.CHOSEN, material, songs.corrected, epochs=epochs, seed=seed
        )
        found[train[held]] = network_training.predict(
            network_training.load(networks.CHOSEN, model, material), material, train[held]
        )
    return found


def couplet_vectors(encoder: str, lyrics: pd.Series, known: np.ndarray) -> np.ndarray:
    """Vectors of each lyric's couplets by an encoder that is not trained, (n, `COUPLETS`, dim), zeros behind the last.

    Each dimension is standardised over the couplets of known lyrics: vectors of E5 lie in a narrow cone, in which nothing is learned.

    Parameters
    ----------
    encoder
        Name for `encoders.load`.
    known
        Mask of the lyrics (n,) that may be learned from.
    """
    pairs = [couplets(lyric)[:COUPLETS] for lyric in lyrics]
    flat = [couplet for song in pairs for couplet in song]

    def make(folder: Path) -> None:
        vectors = embeddings.embed(
            encoders.load(encoder, texts=flat), flat, max_length=64, desc="embed couplets"
        )
        np.save(folder / "vectors.npy", vectors, allow_pickle=False)

    key = {"encoder": encoder, "content": encoders.content(encoder)}
    entry = artifacts.folder(
        "couplets",
        make,
        parameters=key,
        data=artifacts.fingerprint(flat),
        code=[couplet_vectors, encoders],
    )
    vectors = np.load(entry.path / "vectors.npy", allow_pickle=False)
    counts = [len(song) for song in pairs]
    learned = vectors[np.repeat(known, counts)]
    vectors = (vectors - learned.mean(axis=0)) / (learned.std(axis=0) + 1e-6)
    found = np.zeros((len(pairs), COUPLETS, vectors.shape[1]), np.float32)
    ends = np.cumsum(counts)
    for row, part in enumerate(np.split(vectors, ends[:-1])):
        found[row, : len(part)] = part
    return found


def lyric_embeddings(lyrics: pd.Series, encoder: str = bundled_e5.BUNDLED) -> np.ndarray:
    """Text embeddings of lyrics, what they are about: (n, 384), unit length; nan where there is no lyric."""

    def make(folder: Path) -> None:
        known = lyrics.str.strip() != ""
        vectors = np.full((len(lyrics), EMBEDDING), np.nan, np.float32)
        if known.any():
            texts = lyrics[known].str.replace("\n", " ").tolist()
            vectors[known] = embeddings.embed(
                encoders.load(encoder, texts), texts, desc="embed lyrics"
            )
        np.save(folder / "vectors.npy", vectors, allow_pickle=False)

    entry = artifacts.folder(
        "lyric_embeddings",
        make,
        parameters={"encoder": encoder},
        data=artifacts.fingerprint(lyrics),
        code=[lyric_embeddings, encoders],
    )
    return np.load(entry.path / "vectors.npy", allow_pickle=False)


def score_catalogue(
    profile: str,
    recipe: finetuning.Recipe,
    seed: int,
    *,
    limit: int,
    max_songs: int,
    mel_epochs: int,
    mel_weight: float,
) -> ScoredCatalogue:
    """Songs of a profile with lyric, mel and fused vectors, ready for `database.build`.

    Both kinds of vectors are corrected by their own prior, and the mel vectors are made as sharp as the lyrics' (`fusion.temperature`; not
    those of 2022). How much the mel counts is learned for each emotion where it is known what songs were meant for (sample), else it is
    `mel_weight` for all. Both are learned on training and dev songs, heard `out_of_fold`. The open profile has no songs of its own: it
    takes the vectors published in 2022, whose rows carry no titles. Other arguments are those of `open_catalogue`.
    """
    origin, temperature = {"profile": profile}, 1.0
    if profile == "open":
        lyric, sound = (vectors.astype(np.float32) for vectors in song_files.vectors_2022())
        rows = np.arange(len(lyric))
        songs = pd.DataFrame(
            {
                "id": rows,
                "title": [f"#{row}" for row in rows],
                "artist": "",
                "album": "",
                "genre": "",
                "year": 0,
            }
        )
        parts = np.full(len(rows), "test")  # which songs the model of 2022 trained on is not known
        embedding = np.empty((len(rows), 0), np.float32)
    else:
        opened = open_catalogue(profile, recipe, seed, limit=limit, max_songs=max_songs)
        hearing = mel_model(opened, epochs=mel_epochs, seed=seed)
        songs, lyric, sound = opened.songs, opened.lyric, mel_vectors(opened, hearing)
        unlearned = out_of_fold(opened, sound, epochs=mel_epochs, seed=seed)
        origin["mel_model"] = hearing.key
        parts, embedding = opened.parts, lyric_embeddings(opened.songs["lyric"])
        songs = songs.assign(text=songs["lyric"])
    leaning = {"lyric": fusion.class_prior(lyric), "mel": fusion.class_prior(sound)}
    corrected = {
        "lyric": fusion.correct_prior(lyric, leaning["lyric"]),
        "mel": fusion.correct_prior(sound, leaning["mel"]),
    }
    weights = np.full(emotions.N, mel_weight)
    meant = intents(songs["id"], profile) if profile == "sample" else None
    if profile != "open":
        known = parts != "test"
        told, heard = (
            corrected["lyric"][known],
            fusion.correct_prior(unlearned[known], leaning["mel"]),
        )
        temperature = fusion.matching_temperature(heard, told)
        corrected["mel"] = vectors.apply_temperature(corrected["mel"], temperature)
        if meant is not None:
            weights = fusion.learn_weights(
                told, vectors.apply_temperature(heard, temperature), meant[known]
            )
    fused = fusion.fuse(corrected["lyric"], corrected["mel"], weights)
    made = {
        "prior_lyric": leaning["lyric"],
        "prior_mel": leaning["mel"],
        "mel_temperature": [temperature],
        "mel_weights": weights,
    }
    origin |= {
        name: json.dumps([round(float(x), 6) for x in values]) for name, values in made.items()
    }
    return ScoredCatalogue(
        MusicDatabase(songs, lyric, sound, fused, embedding, origin),
        corrected,
        temperature,
        weights,
        parts,
        meant,
    )
