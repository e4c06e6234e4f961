"""Songs and sentences of a profile, opened with lyric vectors, mels and splits."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from ..core import artifacts, emotions
from ..core.paths import data_folder
from ..data import song_files, splits, text_corpora
from ..data.cleaning import couplets
from ..sound import adaptor, composed, dataset, ear, heads, mel_files, musicnn
from ..text import bundled_e5, embeddings, encoders, finetuning, lyric_reader, reader

#: Longest lyric in couplets; the rest is cut off.
COUPLETS = 24


@dataclass(frozen=True)
class Catalogue:
    """Songs of a profile, row by row.

    Attributes
    ----------
    songs : DataFrame
        Cleaned catalogue.
    lyric : ndarray of shape (n, 6), float32
        Emotion vectors of the lyrics.
    lyric_model : artifacts.Entry
        Lyric reader that predicted them.
    mels : ndarray of shape (n, 48, 1876), float32
        Mel spectrograms in decibels.
    heard : musicnn.SongFeatures
        What MusiCNN hears: in the sample's sound itself, elsewhere in the mels.
    composed_for : ndarray of shape (n, 6) or None
        Emotion vectors that the sample's sound was composed for; None for real songs.
    parts : ndarray of shape (n,)
        "train", "dev" or "test"; an artist is in one part only.
    dropped : dict
        Songs without a usable mel: id to the reason.
    changed : list of str
        Conversions of a user's own sound files.
    """

    songs: pd.DataFrame
    lyric: np.ndarray
    lyric_model: artifacts.Entry
    mels: np.ndarray
    heard: musicnn.SongFeatures
    composed_for: np.ndarray | None
    parts: np.ndarray
    dropped: dict[int, str]
    changed: list[str] = field(default_factory=list)

    def part(self, name: str) -> np.ndarray:
        """Mask (n,) of the songs of a part."""
        return self.parts == name

    @cached_property
    def mel_dataset(self) -> dataset.MelDataset:
        """Input of the mel models."""
        return dataset.MelDataset(self.mels, self.parts)

    def sound_vectors(self, seed: int) -> np.ndarray:
        """Emotion vectors (n, 6) of the sound, by heads that have not learned from the song.

        Composed songs are heard by heads taught by what other artists' songs were composed for,
        real ones by the ear that has learned from listeners (`ear.load_head`).
        """
        if self.composed_for is None:
            return ear.load_head().emotion_vectors(self.heard.tag_odds)
        labels, artists = self.composed_for.argmax(1), self.songs["artist"].to_numpy()
        return heads.out_of_fold("linear", self.heard.embedding, labels, artists, seed)


def sentences(profile: str, seed: int, limit: int = 0, corpus: str = "") -> dict[str, pd.DataFrame]:
    """Split the sentences of a profile's corpus into train, dev and test.

    Parameters
    ----------
    limit
        Draw this many sentences before the split; 0 for all.
    corpus
        Corpus of the profile; its first one by default.
    """
    table, _ = text_corpora.utterances(profile, corpus)
    if limit and limit < len(table):
        table = table.sample(limit, random_state=seed).reset_index(drop=True)
    parts = splits.split(table, seed)
    if "clear" in table:  # readers who disagree give soft targets, but no label to score by
        for name in ("dev", "test"):
            parts[name] = parts[name][parts[name]["clear"]].reset_index(drop=True)
    for part in parts.values():
        part.attrs = {"profile": profile, "corpus": corpus or text_corpora.corpora(profile)[0]}
    return parts


def text_model(
    profile: str, recipe: finetuning.Recipe, seed: int, limit: int = 0
) -> artifacts.Entry:
    """Return the reader of a profile: a fine-tuned encoder pooled with n-grams."""
    parts = sentences(profile, seed, limit)
    neural = finetuning.trained(parts["train"], parts["dev"], recipe, seed)
    return reader.fitted(parts["train"], parts["dev"], neural)


def lyric_vectors(model: artifacts.Entry, lyrics: pd.Series) -> np.ndarray:
    """Predict emotion vectors (n, 6) of lyrics by a lyric reader (`lyric_reader.fitted`)."""

    def compute() -> np.ndarray:
        loaded = lyric_reader.load(model.path)
        return loaded.predict(lyrics.tolist(), desc="lyrics to emotions")

    return artifacts.cached_array(
        "lyric_vectors",
        compute,
        parameters={"model": model.key},
        data=artifacts.fingerprint(lyrics),
    )


def couplet_vectors(encoder: str, lyrics: pd.Series, known: np.ndarray) -> np.ndarray:
    """Embed each lyric's couplets by an untrained encoder, (n, `COUPLETS`, dim).

    Each dimension is standardised over the couplets of `known` lyrics, because E5 vectors lie
    in a narrow cone. Rows after a lyric's last couplet are zero.

    Parameters
    ----------
    encoder
        Name for `encoders.load`.
    known
        Mask (n,) of the lyrics that give means and deviations.
    """
    songs = [couplets(lyric)[:COUPLETS] for lyric in lyrics]
    texts = [couplet for song in songs for couplet in song]

    def compute() -> np.ndarray:
        model = encoders.load(encoder, texts=texts)
        return embeddings.embed(model, texts, max_length=64, desc="embed couplets")

    vectors = artifacts.cached_array(
        "couplets",
        compute,
        parameters={"encoder": encoder, "content": encoders.content(encoder)},
        data=artifacts.fingerprint(texts),
    )
    counts = [len(song) for song in songs]
    learned = vectors[np.repeat(known, counts)]
    vectors = (vectors - learned.mean(axis=0)) / (learned.std(axis=0) + 1e-6)
    padded = np.zeros((len(songs), COUPLETS, vectors.shape[1]), np.float32)
    for row, part in enumerate(np.split(vectors, np.cumsum(counts)[:-1])):
        padded[row, : len(part)] = part
    return padded


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
    """Open the songs of a profile with lyric vectors and mels.

    Parameters
    ----------
    profile
        sample (its sound is composed) or wyf (its mels are in `data/raw/wyf`, in the folder
        arena_mel or the archives). The open profile has neither lyrics nor sound.
    recipe, seed, limit
        As for `text_model`.
    max_songs
        Draw this many songs; 0 for all.
    contradiction
        Share of sample songs, 0 to 1, composed for another emotion than the lyric's.
    synthesis
        One of `composer.SYNTHESES`, for the sample's sound.

    Returns
    -------
    Catalogue or None
        None for the open profile.
    """
    if profile == "open":
        return None
    songs, _ = song_files.songs(profile, bundled_e5.count_tokens)
    if max_songs and max_songs < len(songs):
        songs = songs.sample(max_songs, random_state=seed).sort_values("id").reset_index(drop=True)
    reads_lyrics = lyric_reader.fitted(text_model(profile, recipe, seed, limit))
    lyric = lyric_vectors(reads_lyrics, songs["lyric"])
    targets = composition_targets(songs, profile, seed, contradiction)
    folder = _mel_folder(songs, profile, seed, targets, synthesis)
    mels, dropped, changed = mel_files.read_mels(folder, songs["id"].tolist())
    usable = ~songs["id"].isin(dropped).to_numpy()
    songs = songs[usable].reset_index(drop=True)
    if targets is None:
        heard = adaptor.hear_mels(mels)
    else:
        heard, targets = composed.heard_songs(folder, songs["id"]), targets[usable]
    parts = artist_parts(songs, profile, seed)
    return Catalogue(
        songs, lyric[usable], reads_lyrics, mels, heard, targets, parts, dropped, changed
    )


def composition_targets(
    songs: pd.DataFrame, profile: str, seed: int, contradiction: float = 0.25
) -> np.ndarray | None:
    """Draw the emotion vectors (n, 6) that the sample's sound is composed for.

    Returns None for the real songs of other profiles.
    """
    if profile != "sample":
        return None
    intent = song_files.lyric_intent(profile).set_index("id").loc[songs["id"]]
    first, second = intent["first"].to_numpy(), intent["second"].to_numpy()
    ids = songs["id"].to_numpy()
    return composed.composition_targets(first, second, ids, contradiction, seed)


def intents(ids: pd.Series, profile: str) -> np.ndarray:
    """Mask (n, 6) of the one or two emotions that each lyric's author intended."""
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
    targets: np.ndarray | None,
    synthesis: str = "pretty_midi",
) -> Path:
    """Folder with the mels of songs; the sample's are composed first."""
    if targets is None:
        return data_folder() / "raw" / profile
    return composed.composed_songs(songs["id"].to_numpy(), targets, seed, synthesis).path


def mels_of(songs: pd.DataFrame, profile: str, seed: int) -> np.ndarray:
    """Read or compose the mels of songs in decibels, (n, 48, 1876)."""
    targets = composition_targets(songs, profile, seed)
    folder = _mel_folder(songs, profile, seed, targets)
    return mel_files.read_mels(folder, songs["id"].tolist())[0]


def waveform_of(
    song: pd.DataFrame,
    profile: str,
    seed: int,
    contradiction: float = 0.25,
    synthesis: str = "pretty_midi",
) -> np.ndarray | None:
    """Compose the waveform (480000,) at 16 kHz of one song, a table of one row.

    Returns None for real songs, of which only mels are available.
    """
    targets = composition_targets(song, profile, seed, contradiction)
    if targets is None:
        return None
    return composed.composed_waveform(int(song["id"].iloc[0]), targets[0], seed, synthesis)


def artist_parts(songs: pd.DataFrame, profile: str, seed: int) -> np.ndarray:
    """Split songs into "train", "dev" and "test", (n,), by artist and writer, stratified by genre.

    Predicted emotions do not stratify: another text model would then change the test part.
    """
    table = songs[["id", "artist", "genre"]].reset_index(drop=True)
    table = table.assign(row=np.arange(len(songs)))
    parts = np.empty(len(songs), dtype="<U5")
    for name, part in song_files.split_songs(table, profile, seed, parts=4, by="genre").items():
        parts[part["row"].to_numpy()] = name
    return parts
