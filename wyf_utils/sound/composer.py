"""Music for the sample catalogue: an emotion vector and a seed become a piece of 30 s.

The cues follow Juslin and Laukka (2003) and Gabrielsson and Lindström (2010). Emotion decides
tempo, mode, register, articulation, loudness, brightness, dissonance, irregularity, percussion,
tremolo, crescendo and roughness. The seed decides key, meter, form, chords, melody, bass line
and instruments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pretty_midi

from ..core import emotions
from ..core.errors import BadInput, MissingData
from .mel import SAMPLE_RATE

SECONDS = 30.0
SYNTHESES = ("pretty_midi", "fluidsynth")


class Cues(NamedTuple):
    """Acoustic cues of a piece. Shares and chances lie between 0 and 1."""

    tempo: float  # beats a minute
    minor: float  # chance of minor mode
    register: float  # mean MIDI pitch of the melody
    articulation: float  # share of its slot that a note sounds: 1 is legato
    loudness: float  # RMS level, dB relative to full scale
    brightness: float  # weight of each overtone relative to the one below
    dissonance: float  # chance of a semitone clash in a chord
    irregularity: float  # chance that an onset is moved or left out
    percussion: float  # chance of a stroke on each eighth
    tremolo: float  # depth of an 8 Hz amplitude modulation
    crescendo: float  # dB that the level rises in each section
    roughness: float  # level of noise at each attack, and of overdrive


#: Cues of each pure emotion, rows in the order of `emotions.EMOTIONS`.
CUES = np.array(
    [
        # joy: fast, major, high, staccato, bright
        Cues(132, 0.0, 76, 0.50, -12, 0.60, 0.02, 0.05, 0.75, 0.00, 2, 0.10),
        # tension: irregular, dissonant, tremolo, crescendo
        Cues(112, 1.0, 68, 0.60, -16, 0.50, 0.60, 0.60, 0.25, 0.80, 14, 0.20),
        # peace: slow, major, soft, legato, even
        Cues(66, 0.0, 65, 1.00, -24, 0.25, 0.00, 0.00, 0.00, 0.00, 0, 0.00),
        # sadness: slow, minor, low, dark
        Cues(58, 1.0, 57, 1.00, -23, 0.15, 0.03, 0.05, 0.00, 0.05, 0, 0.00),
        # anger: fast, minor, loud, sharp attacks, noisy
        Cues(152, 1.0, 60, 0.70, -6, 0.85, 0.35, 0.15, 0.95, 0.10, 3, 1.00),
        # neutral: medium
        Cues(98, 0.4, 66, 0.80, -17, 0.40, 0.05, 0.10, 0.40, 0.00, 2, 0.10),
    ]
)

_MAJOR, _MINOR = np.array([0, 2, 4, 5, 7, 9, 11]), np.array([0, 2, 3, 5, 7, 8, 10])
#: Sections: i intro (no melody), v verse, c chorus (higher, louder), b bridge.
_FORMS = ("ivcvc", "vvcvc", "ivccv", "vcvcb", "ivvcc", "vbvcc", "cvcvb")
#: Scale degrees of a section's chords, one a bar.
_PROGRESSIONS = ("0453", "0534", "5304", "0304", "0234", "0654", "3425")
#: Strength of the overtones by General MIDI programme; FluidSynth plays the programme itself.
_OVERTONES = {
    0: np.ones(8),  # piano
    71: np.array([1, 0, 1, 0, 1, 0, 1, 0]),  # clarinet
    48: np.array([1, 1, 1, 0.5, 1, 0.5, 1, 0.5]),  # strings
    24: np.array([1, 1, 0.3, 1, 0.3, 0.3, 1, 0.3]),  # guitar
    73: np.array([1, 0.6, 0.2, 0.1, 0, 0, 0, 0]),  # flute
}
_KICK, _HAT = 36, 42
_STROKE = 2400  # samples, 0.15 s

#: Random streams of a song beside those of its sections, which are numbered by their letters.
_PIECE, _SOUND = 0, 1


def _generator(seed: int | Sequence[int], stream: int) -> np.random.Generator:
    """Return a generator whose numbers no other stream and no other seed shares."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream,)))


def mixture(first: int, second: int) -> np.ndarray:
    """Mix an emotion vector (6,) of 3/4 `first` and 1/4 `second`; -1 stands for no second."""
    vector = np.zeros(emotions.N)
    vector[first] = 0.75 if second >= 0 else 1.0
    if second >= 0:
        vector[second] += 0.25
    return vector


def blend(emotion_vector: np.ndarray, rng: np.random.Generator, spread: float = 0.1) -> Cues:
    """Average the cues of the emotions, weighted by a vector, and vary them at random.

    Parameters
    ----------
    emotion_vector
        Weights (6,), not negative; scaled to sum 1.
    spread
        Standard deviation of the variation, relative to the range of each cue.
    """
    weights = np.asarray(emotion_vector, float)
    weights = weights / weights.sum()
    cues = weights @ CUES + rng.normal(0, spread, len(Cues._fields)) * np.ptp(CUES, axis=0)
    return Cues(*np.clip(cues, CUES.min(axis=0), CUES.max(axis=0)))


class _Section(NamedTuple):
    """A section of a piece, whose generator makes it the same whenever it returns."""

    parts: dict[str, pretty_midi.Instrument]
    letter: str  # of a form
    cues: Cues
    scale: np.ndarray  # semitones of the seven degrees above the key
    key: int  # semitones above C
    beats: int  # a bar
    rng: np.random.Generator

    def write(self, start: float, progression: str) -> None:
        """Write a bar for each scale degree of the progression, from `start` seconds on."""
        bar = self.beats * 60 / self.cues.tempo
        degree = int(self.rng.integers(7))
        for number, root in enumerate(map(int, progression)):
            self._chord(root, start + number * bar, bar)
            if self.letter != "i":
                degree = self._melody(degree, start + number * bar, bar)
            self._drums(start + number * bar, bar)

    def _chord(self, root: int, start: float, bar: float) -> None:
        """Write a bar of chord and bass; a dissonant chord has a clash or is diminished."""
        cues, rng = self.cues, self.rng
        pitches = [self._pitch(root + step, cues.register - 10) for step in (0, 2, 4)]
        if rng.random() < cues.dissonance:
            low = pitches[0]
            pitches = [*pitches, low + 1] if rng.random() < 0.5 else [low, low + 3, low + 6]
        for pitch in pitches:
            self._note("chords", pitch, start, bar * cues.articulation, 55)
        strokes = 1 if cues.tempo < 90 else 2
        for stroke in range(strokes):
            onset, length = start + stroke * bar / strokes, bar / strokes * cues.articulation
            self._note("bass", self._pitch(root, 40), onset, length, 80)

    def _melody(self, degree: int, start: float, bar: float) -> int:
        """Write a bar of melody, a random walk over the scale, and return its last degree."""
        cues, rng = self.cues, self.rng
        slots = self.beats if cues.tempo < 90 else 2 * self.beats
        slot = bar / slots
        for position in range(slots):
            if rng.random() < 0.15 + 0.3 * cues.irregularity:
                continue  # a rest
            degree = int(np.clip(degree + rng.choice([-2, -1, -1, 0, 1, 1, 2]), -3, 10))
            onset = start + position * slot + slot * cues.irregularity * rng.uniform(-0.35, 0.35)
            mean = 85 + 10 * (self.letter == "c") + 10 * (position == 0)
            velocity = int(np.clip(mean + rng.normal(0, 6), 40, 120))
            pitch = self._pitch(degree, cues.register)
            self._note("melody", pitch, max(onset, 0), slot * cues.articulation, velocity)
        return degree

    def _drums(self, start: float, bar: float) -> None:
        """Write a bar of strokes on eighths: kick on strong beats, hat elsewhere."""
        eighths = 2 * self.beats
        for eighth in range(eighths):
            if self.rng.random() < self.cues.percussion:
                drum = _KICK if eighth % 4 == 0 else _HAT
                self._note("drums", drum, start + eighth * bar / eighths, 0.12, 100)

    def _pitch(self, degree: int, around: float) -> int:
        """MIDI pitch of a scale degree, of any octave, in the octave nearest to `around`."""
        octave, step = divmod(degree, 7)
        pitch = self.key + self.scale[step] + 12 * octave
        return int(np.clip(pitch + 12 * round((around - self.key - 6) / 12), 24, 96))

    def _note(self, part: str, pitch: int, start: float, length: float, velocity: int) -> None:
        """Write a note, cut at the end of the piece."""
        end = min(start + length, SECONDS)
        if end - start > 0.02:
            self.parts[part].notes.append(pretty_midi.Note(velocity, pitch, start, end))


def _section_cues(cues: Cues, letter: str) -> Cues:
    """Raise the register of a chorus and thin the percussion of an intro."""
    if letter == "c":
        return cues._replace(register=cues.register + 4)
    return cues._replace(percussion=cues.percussion * 0.4) if letter == "i" else cues


def compose(
    emotion_vector: np.ndarray, seed: int | Sequence[int]
) -> tuple[pretty_midi.PrettyMIDI, Cues]:
    """Compose a piece of `SECONDS` for an emotion vector.

    Parameters
    ----------
    emotion_vector
        Weights (6,), not negative.
    seed
        One integer or several, as for `numpy.random.SeedSequence`.

    Returns
    -------
    midi : PrettyMIDI
        Melody, chords, bass and drums.
    cues : Cues
        Cues of the piece; `render` needs its timbre and level.
    """
    rng = _generator(seed, _PIECE)
    cues = blend(emotion_vector, rng)
    scale = _MINOR if rng.random() < cues.minor else _MAJOR
    key, beats = int(rng.integers(12)), int(rng.choice([3, 4], p=[0.3, 0.7]))
    form = _FORMS[rng.integers(len(_FORMS))]
    progressions = dict(zip("ivcb", rng.integers(len(_PROGRESSIONS), size=4), strict=True))
    programmes = list(_OVERTONES)
    parts = {
        name: pretty_midi.Instrument(programmes[rng.integers(len(programmes))], name=name)
        for name in ("melody", "chords", "bass")
    }
    parts["drums"] = pretty_midi.Instrument(0, is_drum=True, name="drums")
    bars = 4 if cues.tempo > 90 else 2  # a section, so that slow songs have several as well
    length = bars * beats * 60 / cues.tempo
    for number in range(int(np.ceil(SECONDS / length))):
        letter = form[number % len(form)]
        progression = _PROGRESSIONS[progressions[letter]][:bars]
        own = _section_cues(cues, letter), scale, key, beats, _generator(seed, ord(letter))
        _Section(parts, letter, *own).write(number * length, progression)
    _apply_crescendo(parts.values(), cues.crescendo, length)
    midi = pretty_midi.PrettyMIDI(initial_tempo=cues.tempo)
    midi.instruments.extend(parts.values())
    return midi, cues


def _apply_crescendo(parts: Iterable[pretty_midi.Instrument], crescendo: float, length: float):
    """Raise the velocities by `crescendo` dB over each section of `length` seconds."""
    for part in parts:
        for note in part.notes:
            position = (note.start + 1e-9) % length / length  # rounding must not end a section
            decibels = crescendo * (position - 1)
            velocity = round(note.velocity * 10 ** (decibels / 20))
            note.velocity = int(np.clip(velocity, 1, 127))


def render(
    midi: pretty_midi.PrettyMIDI,
    cues: Cues,
    seed: int | Sequence[int],
    synthesis: str = "pretty_midi",
) -> np.ndarray:
    """Render a piece to a waveform at the level of its cues.

    Parameters
    ----------
    midi, cues
        From `compose`.
    seed
        Seed of drums and noise.
    synthesis
        One of `SYNTHESES`.

    Returns
    -------
    ndarray of shape (480000,), float32
        Waveform at 16 kHz, between -1 and 1.

    Raises
    ------
    BadInput
        If `synthesis` is unknown.
    MissingData
        If FluidSynth is chosen and not installed.
    """
    if synthesis not in SYNTHESES:
        raise BadInput(
            f"There is no synthesis '{synthesis}'; choose one of: {', '.join(SYNTHESES)}."
        )
    rng = _generator(seed, _SOUND)
    length = int(SECONDS * SAMPLE_RATE)
    if synthesis == "fluidsynth":
        waveform = _by_fluidsynth(midi, length)
    else:
        waveform = _by_pretty_midi(midi, cues.brightness, rng, length)
    time = np.arange(length) / SAMPLE_RATE
    waveform *= 1 - cues.tremolo * 0.5 * (1 + np.sin(2 * np.pi * 8 * time))
    waveform /= _rms(waveform)
    if cues.roughness > 0:
        for note in (n for part in midi.instruments if part.name == "melody" for n in part.notes):
            burst = waveform[int(note.start * SAMPLE_RATE) :][:480]  # 30 ms
            burst += cues.roughness * rng.normal(size=len(burst)) * np.linspace(1, 0, len(burst))
        waveform = np.tanh((0.3 + cues.roughness) * waveform)  # overdrive
        waveform /= _rms(waveform)
    waveform *= 10 ** (cues.loudness / 20)
    waveform += rng.normal(0, 1e-4, length)  # noise floor of a recording
    return np.tanh(waveform).astype(np.float32)  # soft clipping, as in loud masters


def _rms(waveform: np.ndarray) -> float:
    return np.sqrt(np.mean(waveform**2)) + 1e-9


def _by_pretty_midi(
    midi: pretty_midi.PrettyMIDI, brightness: float, rng: np.random.Generator, length: int
) -> np.ndarray:
    """Synthesise notes as sums of sines and drums as sines and noise: (length,)."""
    waveform = np.zeros(length + SAMPLE_RATE)  # room for strokes at the very end
    for part in midi.instruments:
        if part.is_drum:
            for note in part.notes:
                start = int(note.start * SAMPLE_RATE)
                stroke = 1.5 * note.velocity / 100 * _drum_stroke(note.pitch, rng)
                waveform[start : start + _STROKE] += stroke
        elif part.notes:
            notes = part.synthesize(SAMPLE_RATE, wave=_timbre(brightness, part.program))
            waveform[: len(notes)] += notes[: len(waveform)]
    return waveform[:length]


def _timbre(brightness: float, programme: int):
    """Return the periodic wave of a programme; overtone k weighs brightness ** k."""
    weights = brightness ** np.arange(8) * _OVERTONES[programme]
    partials = [(k + 1, w) for k, w in enumerate(weights / weights.sum()) if w > 1e-3]
    return lambda phase: sum(w * np.sin(k * phase) for k, w in partials)


def _drum_stroke(pitch: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise 0.15 s of a kick (a falling sine) or a hat (noise)."""
    time = np.arange(_STROKE) / SAMPLE_RATE
    if pitch == _KICK:
        return np.sin(2 * np.pi * (50 * time + 6 * (1 - np.exp(-30 * time)))) * np.exp(-18 * time)
    return 0.5 * rng.normal(size=_STROKE) * np.exp(-45 * time)


def _by_fluidsynth(midi: pretty_midi.PrettyMIDI, length: int) -> np.ndarray:
    """Synthesise with FluidSynth and the sound font of pretty_midi: (length,)."""
    try:
        waveform = midi.fluidsynth(fs=SAMPLE_RATE)[:length]
    except ImportError as error:
        raise MissingData(
            "FluidSynth is not installed; install its library and `pip install pyfluidsynth`, "
            "or choose the synthesis 'pretty_midi'."
        ) from error
    return np.pad(waveform, (0, length - len(waveform)))
