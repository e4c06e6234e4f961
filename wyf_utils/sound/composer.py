"""Music for the sample catalogue: a seeded composer turns an emotion vector into a 30 s piece.

The cues follow Juslin and Laukka (2003) and Gabrielsson and Lindström (2010): tempo, mode, register,
articulation, loudness, brightness, dissonance, irregularity, percussion, tremolo, crescendo and roughness. A mixed vector blends
them. Key, meter, instruments, form, chords, melody and bass line vary with the seed, so that no two songs are alike.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pretty_midi

from ..core import emotions
from ..core.errors import BadInput, MissingData

SAMPLE_RATE = 16_000  # Hz
SECONDS = 30.0
SYNTHESES = ("pretty_midi", "fluidsynth")


class Cues(NamedTuple):
    """Acoustic cues of one piece. Shares lie between 0 and 1."""

    tempo: float  # beats a minute
    minor: float  # share of minor mode
    register: float  # MIDI pitch around which the melody moves
    articulation: float  # share of a note's slot that it sounds: 1 is legato
    loudness: float  # dB relative to full scale
    brightness: float  # weight of each overtone relative to the one below
    dissonance: float  # chance of a semitone clash in a chord
    irregularity: float  # chance that an onset is moved or left out
    percussion: float  # chance of a stroke on each eighth
    tremolo: float  # depth of an 8 Hz tremble
    crescendo: float  # dB that the level rises in each section
    roughness: float  # noise at each attack, and how far an amplifier is overdriven


#: Cues of each pure emotion, rows in the order of `emotions.EMOTIONS`.
CUES = np.array(
    [
        Cues(
            132, 0.0, 76, 0.50, -12, 0.60, 0.02, 0.05, 0.75, 0.00, 2, 0.10
        ),  # joy: fast, major, high, staccato, bright
        Cues(
            112, 1.0, 68, 0.60, -16, 0.50, 0.60, 0.60, 0.25, 0.80, 14, 0.20
        ),  # tension: irregular, dissonant, tremolo, crescendo
        Cues(
            66, 0.0, 65, 1.00, -24, 0.25, 0.00, 0.00, 0.00, 0.00, 0, 0.00
        ),  # peace: slow, major, soft, legato, even
        Cues(
            58, 1.0, 57, 1.00, -23, 0.15, 0.03, 0.05, 0.00, 0.05, 0, 0.00
        ),  # sadness: slow, minor, low, dark
        Cues(
            152, 1.0, 60, 0.70, -6, 0.85, 0.35, 0.15, 0.95, 0.10, 3, 1.00
        ),  # anger: fast, minor, loud, sharp attacks, noisy
        Cues(
            98, 0.4, 66, 0.80, -17, 0.40, 0.05, 0.10, 0.40, 0.00, 2, 0.10
        ),  # neutral: medium everything
    ]
)

_MAJOR, _MINOR = np.array([0, 2, 4, 5, 7, 9, 11]), np.array([0, 2, 3, 5, 7, 8, 10])
#: Order of the sections: i intro (no melody), v verse, c chorus (higher, louder), b bridge. A section that comes back is the same.
_FORMS = ("ivcvc", "vvcvc", "ivccv", "vcvcb", "ivvcc", "vbvcc", "cvcvb")
#: Timbres: which overtones sound, and the General MIDI programme that FluidSynth plays instead (piano, clarinet, strings, guitar, flute).
_TIMBRES = ((np.ones(8), 0), (np.array([1, 0, 1, 0, 1, 0, 1, 0]), 71), (np.array([1, 1, 1, 0.5, 1, 0.5, 1, 0.5]), 48),
            (np.array([1, 1, 0.3, 1, 0.3, 0.3, 1, 0.3]), 24), (np.array([1, 0.6, 0.2, 0.1, 0, 0, 0, 0]), 73))  # fmt: skip
_PROGRESSIONS = (
    (0, 4, 5, 3),
    (0, 5, 3, 4),
    (5, 3, 0, 4),
    (0, 3, 0, 4),
    (0, 2, 3, 4),
    (0, 6, 5, 4),
    (3, 4, 2, 5),
)


def blend(weights: np.ndarray, rng: np.random.Generator, spread: float = 0.1) -> Cues:
    """Cues of a mixed emotion, with a little of each song's own.

    Parameters
    ----------
    weights
        Emotion vector of shape (6,), not negative; scaled to sum 1.
    rng
        Generator of this song.
    spread
        Standard deviation of a song's deviation, relative to the range of each cue.
    """
    weights = np.asarray(weights, float)
    weights = weights / weights.sum()
    cues = weights @ CUES + rng.normal(0, spread, len(Cues._fields)) * np.ptp(CUES, axis=0)
    return Cues(*np.clip(cues, CUES.min(axis=0), CUES.max(axis=0)))


def compose(weights: np.ndarray, seed: int) -> tuple[pretty_midi.PrettyMIDI, Cues]:
    """Compose a piece of `SECONDS` for an emotion vector.

    Returns
    -------
    midi : PrettyMIDI
        Melody, chords, bass and drums.
    cues : Cues
        What it was composed with; `render` needs its timbre and level.
    """
    rng = np.random.default_rng(seed)
    cues = blend(weights, rng)
    scale = _MINOR if rng.random() < cues.minor else _MAJOR
    key, beats = int(rng.integers(12)), int(rng.choice([3, 4], p=[0.3, 0.7]))
    beat = 60 / cues.tempo
    bars = 4 if cues.tempo > 90 else 2  # of a section, so that slow songs have a form too
    form = _FORMS[rng.integers(len(_FORMS))]
    progressions = {
        letter: _PROGRESSIONS[i]
        for letter, i in zip("ivcb", rng.integers(len(_PROGRESSIONS), size=4), strict=True)
    }
    parts = {
        name: pretty_midi.Instrument(_TIMBRES[rng.integers(len(_TIMBRES))][1], name=name)
        for name in ("melody", "chords", "bass")
    }
    parts["drums"] = pretty_midi.Instrument(0, is_drum=True, name="drums")
    length = bars * beats * beat
    for number in range(int(np.ceil(SECONDS / length))):
        letter = form[number % len(form)]
        _section(
            parts,
            letter,
            number * length,
            bars,
            beats,
            progressions[letter],
            scale,
            key,
            cues,
            np.random.default_rng([seed, ord(letter)]),
        )
    for note in (note for part in parts.values() for note in part.notes):
        risen = cues.crescendo * (note.start % length / length - 1)  # dB below the section's end
        note.velocity = int(np.clip(round(note.velocity * 10 ** (risen / 20)), 1, 127))
    midi = pretty_midi.PrettyMIDI(initial_tempo=cues.tempo)
    midi.instruments.extend(parts.values())
    return midi, cues


def _section(parts, letter, start, bars, beats, progression, scale, key, cues, rng) -> None:
    """One section from its own generator, so that it sounds the same whenever it comes back."""
    bar, chorus = beats * 60 / cues.tempo, letter == "c"
    cues = cues._replace(
        register=cues.register + 4 * chorus,
        percussion=cues.percussion * (0.4 if letter == "i" else 1),
    )
    degree = int(rng.integers(7))
    for number in range(bars):
        at = start + number * bar
        _chord(parts, progression[number % 4], at, bar, scale, key, cues, rng)
        if letter != "i":
            degree = _melody(
                parts["melody"],
                degree,
                at,
                bar / beats,
                beats,
                scale,
                key,
                cues,
                rng,
                louder=10 * chorus,
            )
        _drums(parts["drums"], at, bar / beats, beats, cues, rng)


def _pitch(degree: int, scale: np.ndarray, key: int, around: float) -> int:
    """MIDI pitch of a scale degree (which may leave the octave), in the octave nearest to `around`."""
    octave, step = divmod(degree, 7)
    pitch = key + scale[step] + 12 * octave
    return int(np.clip(pitch + 12 * round((around - key - 6) / 12), 24, 96))


def _add(
    part: pretty_midi.Instrument, pitch: int, start: float, length: float, velocity: int
) -> None:
    end = min(start + length, SECONDS)
    if end - start > 0.02:
        part.notes.append(pretty_midi.Note(velocity, pitch, start, end))


def _chord(parts, root, start, bar, scale, key, cues, rng) -> None:
    """One bar of chord and bass; a clash adds the semitone above the root, or makes the chord diminished."""
    pitches = [_pitch(root + step, scale, key, cues.register - 10) for step in (0, 2, 4)]
    if rng.random() < cues.dissonance:
        pitches = (
            [*pitches, pitches[0] + 1]
            if rng.random() < 0.5
            else [pitches[0], pitches[0] + 3, pitches[0] + 6]
        )
    for pitch in pitches:
        _add(parts["chords"], pitch, start, bar * cues.articulation, 55)
    strokes = 1 if cues.tempo < 90 else 2
    for stroke in range(strokes):
        length = bar / strokes
        _add(
            parts["bass"],
            _pitch(root, scale, key, 40),
            start + stroke * length,
            length * cues.articulation,
            80,
        )


def _melody(part, degree, start, beat, beats, scale, key, cues, rng, louder=0) -> int:
    """One bar of melody as a walk over the scale; returns the degree where it ends."""
    slot = beat if cues.tempo < 90 else beat / 2
    for position in range(round(beats * beat / slot)):
        if rng.random() < 0.15 + 0.3 * cues.irregularity:
            continue  # a rest
        degree = int(np.clip(degree + rng.choice([-2, -1, -1, 0, 1, 1, 2]), -3, 10))
        onset = start + position * slot + slot * cues.irregularity * rng.uniform(-0.35, 0.35)
        velocity = int(np.clip(85 + louder + 10 * (position == 0) + rng.normal(0, 6), 40, 120))
        _add(
            part,
            _pitch(degree, scale, key, cues.register),
            max(onset, 0),
            slot * cues.articulation,
            velocity,
        )
    return degree


def _drums(part, start, beat, beats, cues, rng) -> None:
    """Strokes on eighths: kick (36) on strong beats, hat (42) elsewhere."""
    for eighth in range(2 * beats):
        if rng.random() < cues.percussion:
            _add(part, 36 if eighth % 4 == 0 else 42, start + eighth * beat / 2, 0.12, 100)


def _timbre(brightness: float, programme: int):
    """Periodic wave of a programme of `_TIMBRES`, whose k-th overtone weighs brightness ** k."""
    weights = brightness ** np.arange(8) * next(
        overtones for overtones, number in _TIMBRES if number == programme
    )
    heard = [(k + 1, w) for k, w in enumerate(weights / weights.sum()) if w > 1e-3]
    return lambda phase: sum(w * np.sin(k * phase) for k, w in heard)


def _played(
    midi: pretty_midi.PrettyMIDI, cues: Cues, rng: np.random.Generator, length: int
) -> np.ndarray:
    """Notes and strokes by pretty_midi's own synthesis, (length,)."""
    sound = np.zeros(length + SAMPLE_RATE)  # room for what is struck at the very end
    for part in midi.instruments:
        if part.notes and not part.is_drum:
            played = part.synthesize(SAMPLE_RATE, wave=_timbre(cues.brightness, part.program))
            sound[: len(played)] += played[: len(sound)]
        for note in part.notes if part.is_drum else ():
            at = int(note.start * SAMPLE_RATE)
            sound[at : at + 2400] += 1.5 * note.velocity / 100 * _stroke(note.pitch, rng)
    return sound[:length]


def _by_fluidsynth(midi: pretty_midi.PrettyMIDI, length: int) -> np.ndarray:
    """Notes and strokes by FluidSynth with the sound font that pretty_midi brings, (length,)."""
    try:
        played = midi.fluidsynth(fs=SAMPLE_RATE)[:length]
    except ImportError as error:
        raise MissingData(
            "FluidSynth is not installed; install its library and `pip install pyfluidsynth`, or choose the synthesis 'pretty_midi'."
        ) from error
    return np.pad(played, (0, length - len(played)))


def render(
    midi: pretty_midi.PrettyMIDI, cues: Cues, seed: int, synthesis: str = "pretty_midi"
) -> np.ndarray:
    """Render a piece.

    Parameters
    ----------
    midi, cues
        From `compose`.
    seed
        Seed of strokes and noise.
    synthesis
        One of `SYNTHESES`: pretty_midi's own, or FluidSynth where it is installed.

    Returns
    -------
    ndarray of shape (480000,), float32
        Sound at `SAMPLE_RATE`, within -1 and 1, at the level of the cues.

    Raises
    ------
    BadInput
        If there is no such synthesis.
    MissingData
        If FluidSynth is asked for and not installed.
    """
    if synthesis not in SYNTHESES:
        raise BadInput(
            f"There is no synthesis '{synthesis}'; choose one of: {', '.join(SYNTHESES)}."
        )
    rng = np.random.default_rng(seed + 1)
    length = int(SECONDS * SAMPLE_RATE)
    sound = (
        _by_fluidsynth(midi, length)
        if synthesis == "fluidsynth"
        else _played(midi, cues, rng, length)
    )
    time = np.arange(length) / SAMPLE_RATE
    sound *= 1 - cues.tremolo * 0.5 * (1 + np.sin(2 * np.pi * 8 * time))
    sound /= np.sqrt(np.mean(sound**2)) + 1e-9
    if cues.roughness > 0:
        for note in (
            note for part in midi.instruments if part.name == "melody" for note in part.notes
        ):
            burst = sound[int(note.start * SAMPLE_RATE) :][:480]  # 30 ms
            burst += cues.roughness * rng.normal(size=len(burst)) * np.linspace(1, 0, len(burst))
        sound = np.tanh((0.3 + cues.roughness) * sound)  # an amplifier that is overdriven
        sound /= np.sqrt(np.mean(sound**2)) + 1e-9
    sound *= 10 ** (cues.loudness / 20)  # the wished RMS level
    sound += rng.normal(0, 1e-4, length)  # the floor of a recording
    return np.tanh(sound).astype(np.float32)  # soft clipping, as loud masters have


def _stroke(pitch: int, rng: np.random.Generator) -> np.ndarray:
    """0.15 s of a kick (a falling sine) or a hat (noise)."""
    time = np.arange(2400) / SAMPLE_RATE
    if pitch == 36:
        return np.sin(2 * np.pi * (50 * time + 6 * (1 - np.exp(-30 * time)))) * np.exp(-18 * time)
    return 0.5 * rng.normal(size=2400) * np.exp(-45 * time)


def mixture(first: int, second: int, main: float = 0.75) -> np.ndarray:
    """Emotion vector of a main and a second emotion (-1 for none), shape (6,)."""
    weights = np.zeros(emotions.N)
    weights[first] = main if second >= 0 else 1.0
    if second >= 0:
        weights[second] += 1 - main
    return weights
