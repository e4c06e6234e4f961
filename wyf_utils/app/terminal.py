"""An answer as text for a terminal, and the box of a live notebook."""

from __future__ import annotations

import itertools

from ..core import emotions
from ..core.context import context
from ..core.errors import WyfError
from ..music import recommender
from ..music.recommender import SongQuery
from ..text.explanation import Explanation
from . import feeling
from .credits import CREDITS, song_address

#: Note on a song by what it was scored by.
BASIS = {
    "both": "",
    "lyric": "  가사만으로 (by its lyric alone)",
    "sound": "  소리만으로 (by its sound alone)",
    "tags": "  사람들이 붙인 태그 (tags that people gave)",
}


def as_text(given: feeling.Answer, run: str = "default", why: Explanation | None = None) -> str:
    """Write an answer as text for a terminal, the helpline first."""
    lines = [given.helpline["ko"], f"({given.helpline['en']})", ""] if given.helpline else []
    lines += [f"“{given.sentence}”", ""]
    for emotion, p in zip(emotions.EMOTIONS, given.emotion_vector, strict=True):
        lines.append(f"  {emotion.ko} {emotion.en:<8} {p:5.2f}  {'█' * round(24 * p)}")
    if given.message["ko"]:
        lines += ["", f"  {given.message['ko']}", f"  ({given.message['en']})"]
    if why is not None and len(why.words):
        moved = why.words.head(3).itertuples()
        lines += ["", "  " + ", ".join(_effect(row) for row in moved)]
    mode = " ".join(recommender.MODES[given.query.mode])
    origin = f"{given.profile} profile, run {run}, {mode}, seed {given.query.seed}"
    lines += ["", f"  {len(given.songs)} songs ({origin})"]
    for number, song in enumerate(given.songs.itertuples(), start=1):
        details = ", ".join(str(x) for x in (song.artist, song.genre, song.year or "") if x)
        name = song.title + (f" ({details})" if details else "")
        tags = f": {song.tags}" if song.tags else ""
        lines.append(f"  {number}. {name}  cosine {song.cosine:.3f}{BASIS[song.basis]}{tags}")
        if song.told >= 0:
            told, heard = (emotions.EMOTIONS[emotion] for emotion in (song.told, song.heard))
            lines.append(
                f"     가사는 {told.ko}, 소리는 {heard.ko} (words {told.en}, sound {heard.en})"
            )
        if address := song_address(given.profile, song.id):
            lines.append(f"     {address}")
        if why is not None and why.lines[number - 1]:
            lines.append(f"     “{why.lines[number - 1]}”")
    if given.profile in CREDITS:
        ko, en = CREDITS[given.profile]
        lines += ["", f"  {ko}", f"  ({en})"]
    return "\n".join(lines)


def input_box(run: str = "default"):
    """Show a box to type a feeling into, in a live notebook; a note in an executed one."""
    from IPython.display import Markdown

    if context().in_run:
        return Markdown("*Here stands a box to type into when this notebook runs live.*")
    import ipywidgets

    typed = ipywidgets.Text(placeholder="오늘의 기분은 어떤가요?", layout={"width": "60%"})
    modes = [(" ".join(names), mode) for mode, names in recommender.MODES.items()]
    mode = ipywidgets.Dropdown(options=modes)
    press, shown = ipywidgets.Button(description="노래 찾기"), ipywidgets.Output()
    seeds = map(feeling.daily_seed, itertools.count())

    def respond(_) -> None:
        shown.clear_output(wait=True)
        with shown:
            try:
                min_year = feeling.default_min_year(feeling.open_songs(run))
                query = SongQuery(mode=mode.value, seed=next(seeds), min_year=min_year)
                print(as_text(feeling.answer(typed.value, run, query), run))
            except WyfError as error:
                print(error)

    press.on_click(respond)
    return ipywidgets.VBox([ipywidgets.HBox([typed, mode, press]), shown])


def _effect(row) -> str:
    return f"'{row.word}' → {emotions.KO[row.emotion]} {row.effect:+.1f}"
