"""Words of the figures in Korean and English: titles, axes, labels and captions of `words.yaml`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import yaml

from ...core import emotions
from ...core.errors import BadInput, MissingData
from ...core.language import emotion_names


@cache
def all_words() -> dict[str, dict]:
    """Entries of `words.yaml`: one a figure, by its full name, and `shared`."""
    path = Path(__file__).with_name("words.yaml")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def shared_labels(table: str, lang: str) -> dict[str, str]:
    """Labels of a table of `shared` in one language, by name."""
    labels = all_words()["shared"][table]
    return {name: text if isinstance(text, str) else text[lang] for name, text in labels.items()}


class Words:
    """Words of one figure in one language.

    Parameters
    ----------
    figure
        Full name of the figure, a key of `words.yaml`, such as `02_confusion`.
    lang
        "ko" or "en".
    values
        Values of the placeholders, such as {"n": 1200} for `{n:,}`.
    corpus
        Corpus that the figure shows; `{corpus}` becomes its name in brackets.
    names
        Labels that are data, such as a song's title; they are shown as they are.
    is_sample
        Whether the title is marked as sample data.

    Raises
    ------
    MissingData
        If `words.yaml` has no such figure.
    """

    def __init__(
        self,
        figure: str,
        lang: str,
        values: dict | None = None,
        *,
        corpus: str = "",
        names: Iterable[str] = (),
        is_sample: bool = False,
    ):
        self.figure, self.lang, self.names = figure, lang, frozenset(names)
        if figure not in all_words():
            raise MissingData(f"words.yaml has no figure {figure}; add its words there.")
        self._own, self._shared = all_words()[figure], all_words()["shared"]
        self._values = dict(values or {})
        if corpus:
            self._values["corpus"] = self._find(corpus, self._shared["corpora"])
        self._is_marked = is_sample and self._own.get("sample_mark", True)

    @property
    def emotions(self) -> tuple[str, ...]:
        """Names of the six emotions, in order."""
        return emotion_names(self.lang)

    def __call__(self, key: str, **values) -> str:
        """Text of the figure, or a text that several figures share.

        Raises
        ------
        MissingData
            If neither has the key.
        BadInput
            If a placeholder has no value.
        """
        text = self._fill(key, values, self._own, self._shared["texts"])
        return text + self("sample_mark") if key == "title" and self._is_marked else text

    def label(self, name: str | int | tuple, table: str = "", **values) -> str:
        """Name of a series, row, panel or box; the parts of a tuple are joined by blanks.

        A name of `names` stays as it is. Others are looked up in the emotions, in the figure's
        `labels` and in the shared tables that it lists as `shared_labels`; or, if `table` is given,
        in this shared table alone.
        """
        if isinstance(name, tuple):
            return " ".join(self.label(part) for part in name)
        if isinstance(name, int) or name in self.names:
            return str(name)
        if name in emotions.EN:
            return self.emotions[emotions.EN.index(name)]
        if table:
            return self._fill(name, values, self._shared[table])
        shared = (self._shared[table] for table in self._own.get("shared_labels", ()))
        return self._fill(name, values, self._own.get("labels", {}), *shared)

    def alt(self) -> str:
        """Text for readers who do not see the figure; the caption where there is none."""
        return self("alt" if "alt" in self._own else "caption")

    def _fill(self, key: str, values: dict, *tables: dict) -> str:
        """Text of the first table that has the key, with its placeholders filled."""
        try:
            return self._find(key, *tables).format(**self._values | values)
        except KeyError as error:
            raise BadInput(
                f"Figure {self.figure}: '{key}' needs the value {error}; pass it to nb.figure."
            ) from error

    def _find(self, key: str, *tables: dict) -> str:
        """Text of the first table that has the key."""
        for table in tables:
            if key in table:
                text = table[key]
                return text if isinstance(text, str) else text[self.lang]
        raise MissingData(f"Figure {self.figure} has no words for '{key}'; add them to words.yaml.")
