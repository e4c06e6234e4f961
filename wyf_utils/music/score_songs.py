"""Lyric, mel and fused vectors of a profile's songs, ready for the music database."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..core import artifacts, emotions
from ..core.vectors import apply_temperature
from ..data import song_files
from ..sound import ear
from ..text import bundled_e5, embeddings, encoders, finetuning
from . import fusion
from .catalogue import Catalogue, intents, open_catalogue
from .database import EMBEDDING, MusicDatabase


@dataclass(frozen=True)
class ScoredCatalogue:
    """A music database before it is written, with the intermediate results of its scoring.

    Attributes
    ----------
    database : MusicDatabase
        Songs and vectors. Its provenance holds the keys of the lyric reader and the ear, where
        there are any, and the priors, temperature and mel weights as JSON.
    corrected : dict
        Vectors (n, 6) without their class prior: "lyric", and "mel" at `mel_temperature`.
    mel_temperature : float
        Temperature that matches the mel vectors' confidence to that of the lyric vectors.
    mel_weights : ndarray of shape (6,)
        Weight of the mel vector for each emotion.
    parts : ndarray of shape (n,)
        "train", "dev" or "test" by artist. Weights are learned on the first two.
    intents : ndarray of shape (n, 6) or None
        Mask of the emotions that the sample's songs were written for; None for real songs.
    """

    database: MusicDatabase
    corrected: dict[str, np.ndarray]
    mel_temperature: float
    mel_weights: np.ndarray
    parts: np.ndarray
    intents: np.ndarray | None

    @property
    def held_out(self) -> np.ndarray:
        """Mask (n,) of the test songs; all songs of the open profile, whose split is unknown."""
        return self.parts == "test"


@dataclass(frozen=True)
class _Unfused:
    """Songs with uncorrected vectors; `models` is empty where they were published."""

    songs: pd.DataFrame
    lyric: np.ndarray
    mel: np.ndarray
    embedding: np.ndarray
    parts: np.ndarray
    models: dict[str, str] = field(default_factory=dict)


def lyric_embeddings(lyrics: pd.Series, encoder: str = bundled_e5.BUNDLED) -> np.ndarray:
    """Embed lyrics, (n, 384), unit length; nan where there is no lyric."""

    def compute() -> np.ndarray:
        known = lyrics.str.strip() != ""
        vectors = np.full((len(lyrics), EMBEDDING), np.nan, np.float32)
        if known.any():
            texts = lyrics[known].str.replace("\n", " ").tolist()
            model = encoders.load(encoder, texts)
            vectors[known] = embeddings.embed(model, texts, desc="embed lyrics")
        return vectors

    return artifacts.cached_array(
        "lyric_embeddings",
        compute,
        parameters={"encoder": encoder},
        data=artifacts.fingerprint(lyrics),
    )


def _published_vectors() -> _Unfused:
    """Vectors published in 2022; their songs carry no titles, and their split is unknown."""
    lyric, mel = (vectors.astype(np.float32) for vectors in song_files.vectors_2022())
    rows = np.arange(len(lyric))
    names = {"title": [f"#{row}" for row in rows], "artist": "", "album": "", "genre": ""}
    songs = pd.DataFrame({"id": rows, **names, "year": 0})
    embedding = np.empty((len(rows), 0), np.float32)
    return _Unfused(songs, lyric, mel, embedding, np.full(len(rows), "test"))


def _predicted_vectors(songs: Catalogue, seed: int) -> _Unfused:
    """Vectors of a catalogue by its lyric reader and its ear."""
    ear_key = ear.fingerprint(ear.load_head()) if songs.composed_for is None else "composed"
    return _Unfused(
        songs.songs.assign(text=songs.songs["lyric"]),
        songs.lyric,
        songs.sound_vectors(seed),
        lyric_embeddings(songs.songs["lyric"]),
        songs.parts,
        {"lyric_model": songs.lyric_model.key, "ear": ear_key},
    )


def score_catalogue(
    profile: str,
    recipe: finetuning.Recipe,
    seed: int,
    *,
    limit: int,
    max_songs: int,
    mel_weight: float,
) -> ScoredCatalogue:
    """Score the songs of a profile by lyric and mel, and fuse both vectors.

    Both vectors are corrected by their class prior. The mel vectors then take the temperature
    that matches their confidence to that of the lyric vectors (`fusion.matching_temperature`).
    Temperature and mel weights are learned on training and dev songs, whose sound no head has
    learned from either. The open profile takes the vectors published in 2022 without a temperature.

    Parameters
    ----------
    recipe, seed, limit, max_songs
        As for `catalogue.open_catalogue`.
    mel_weight
        Weight of the mel vector, 0 to 1, for songs of unknown intent (all but the sample's).
    """
    songs = open_catalogue(profile, recipe, seed, limit=limit, max_songs=max_songs)
    raw = _predicted_vectors(songs, seed) if songs else _published_vectors()
    lyric_prior, mel_prior = fusion.class_prior(raw.lyric), fusion.class_prior(raw.mel)
    lyric = fusion.correct_prior(raw.lyric, lyric_prior)
    mel = fusion.correct_prior(raw.mel, mel_prior)
    intent = intents(raw.songs["id"], profile) if profile == "sample" else None
    temperature, weights = 1.0, np.full(emotions.N, mel_weight)
    if raw.models:
        known = raw.parts != "test"
        temperature = fusion.matching_temperature(mel[known], lyric[known])
        mel = apply_temperature(mel, temperature)
        if intent is not None:
            weights = fusion.learn_weights(lyric[known], mel[known], intent[known])
    origin = {"profile": profile} | raw.models
    origin |= _as_json(
        prior_lyric=lyric_prior,
        prior_mel=mel_prior,
        mel_temperature=[temperature],
        mel_weights=weights,
    )
    fused = fusion.fuse(lyric, mel, weights)
    database = MusicDatabase(raw.songs, raw.lyric, raw.mel, fused, raw.embedding, origin)
    corrected = {"lyric": lyric, "mel": mel}
    return ScoredCatalogue(database, corrected, temperature, weights, raw.parts, intent)


def _as_json(**numbers: np.ndarray | list[float]) -> dict[str, str]:
    """Round numbers to six digits, as JSON texts."""
    return {
        name: json.dumps([round(float(x), 6) for x in values]) for name, values in numbers.items()
    }
