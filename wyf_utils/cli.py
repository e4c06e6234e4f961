"""The command line `wyf`."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import set_openmp_waiting
from .core.errors import BadInput, WyfError

if TYPE_CHECKING:
    import pandas as pd

    from .text.finetuning import Recipe

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="WYF: from a typed Korean feeling to songs that fit.",
)
data_app = typer.Typer(no_args_is_help=True, help="List, fetch and check the public files.")
feedback_app = typer.Typer(
    no_args_is_help=True, help="Export or delete the likes and skips, which stay on this machine."
)
app.add_typer(data_app, name="data")
app.add_typer(feedback_app, name="feedback")

Run = Annotated[str, typer.Option(help="Run whose songs and models are used.")]
Online = Annotated[bool, typer.Option("--online", help="Ask lrclib.net for missing lyrics.")]


def _table(table: pd.DataFrame) -> str:
    return table.to_string(index=False, max_colwidth=90, na_rep="")


def _lines(names_by_state: pd.Series) -> str:
    """Format the first ten names of each state, one a line."""
    lines = []
    for state, names in names_by_state.items():
        lines += [f"{state}  {name}\n" for name in names[:10]]
        if len(names) > 10:
            lines.append(f"{state}  and {len(names) - 10} more\n")
    return "".join(lines)


@app.command()
def feel(
    sentence: Annotated[str, typer.Argument(help="How you feel, in Korean.")],
    run: Run = "default",
    k: Annotated[int, typer.Option(help="Number of songs.")] = 5,
    mode: Annotated[
        str, typer.Option(help="match (공감), path (전환), opposite (반대) or wide (탐색).")
    ] = "match",
    to: Annotated[str, typer.Option(help="Emotion at the end of a path.")] = "joy",
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the choice of songs; today's by default.")
    ] = None,
    since: Annotated[
        int | None,
        typer.Option(help="Oldest release year; by default 2015; all of music and jamendo."),
    ] = None,
    genre: Annotated[str, typer.Option(help="Only this genre.")] = "",
    why: Annotated[
        bool, typer.Option("--why", help="Show the words behind the emotion, and lyric lines.")
    ] = False,
) -> None:
    """Print the six-emotion vector of a sentence and the songs that fit."""
    from .core import emotions
    from .data import cleaning

    sentence = cleaning.check_sentence(sentence)  # before the slow imports
    from .app import feeling, loading, terminal
    from .music.recommender import SongQuery

    names = {name: e.id for e in emotions.EMOTIONS for name in (e.en, e.ko)}
    if to not in names:
        raise BadInput(f"There is no emotion '{to}'; choose one of: {', '.join(names)}.")
    if since is None:
        since = feeling.default_min_year(loading.open_songs(run))
    query = SongQuery(
        mode=mode,
        target_emotion=names[to],
        k=k,
        seed=feeling.daily_seed() if seed is None else seed,
        min_year=since,
        genre=genre,
    )
    answer = feeling.answer(sentence, run, query)
    reasons = feeling.explain(answer, run) if why else None
    typer.echo(terminal.as_text(answer, run, reasons))


@feedback_app.command()
def export(
    path: Annotated[Path, typer.Argument(help="CSV file to write.")],
    run: Run = "default",
) -> None:
    """Write the likes, skips and songs heard to a CSV file."""
    from .music.feedback import of_run

    typer.echo(f"{of_run(run).export(path):,} rows written to {path.name}")


@feedback_app.command()
def delete(
    run: Run = "default",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete the likes, skips and songs heard."""
    from .music.feedback import of_run

    feedback = of_run(run)
    if not yes:
        count = len(feedback.rows())
        typer.confirm(f"Forget {count:,} likes, skips and songs heard for good?", abort=True)
    typer.echo(f"{feedback.delete():,} rows deleted")


@app.command()
def run(
    name: Annotated[
        str, typer.Argument(help="smoke, default, open, full, or another of notebooks/runs.yaml.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results; runs/NAME by default.")
    ] = None,
    publish: Annotated[
        bool, typer.Option(help="Copy the results to their committed places.")
    ] = False,
) -> None:
    """Run the notebooks of a named run."""
    from .core.paths import relative
    from .study import runner

    folder = runner.run(name, out)
    if publish:
        runner.publish(name, folder)
    place = relative(folder)
    typer.echo(f"notebooks  {place}/notebooks\nfigures    {place}/figures")
    typer.echo(f"results    {place}/results.json")


@app.command()
def train(
    profile: Annotated[str, typer.Option(help="sample, open or wyf.")] = "sample",
    corpus: Annotated[str, typer.Option(help="Corpus of the profile; its first by default.")] = "",
    encoder: Annotated[
        str,
        typer.Option(
            help="Key of encoders.CANDIDATES, name on the hub, or folder; bundled by default."
        ),
    ] = "",
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the training; the split is the notebooks'.")
    ] = 0,
    epochs: Annotated[
        float | None,
        typer.Option(min=0.01, help="Epochs; this and the next three as in the recipe."),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=2, help="Sentences a batch.")] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0, help="Peak learning rate.")] = None,
    frozen_layers: Annotated[int | None, typer.Option(min=0, help="Lowest layers frozen.")] = None,
    tracker: Annotated[str, typer.Option(help="none, tensorboard or wandb.")] = "none",
) -> None:
    """Fine-tune one classifier, or take it from the cache, and print its scores on dev."""
    from .core.runtime import processes, set_threads
    from .music import catalogue
    from .study import trained_models
    from .text import finetuning

    set_threads()
    group = processes()  # several under `accelerate launch`
    if not group.is_main_process:
        os.environ["WYF_PROGRESS"] = os.devnull  # one bar is enough
    recipe = _recipe(
        encoder,
        epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        frozen_layers=frozen_layers,
    )
    parts = catalogue.sentences(profile, seed=0, corpus=corpus)
    entry = finetuning.trained(parts["train"], parts["dev"], recipe, seed, tracker)
    group.destroy_process_group()
    if not group.is_main_process:
        return
    scores = trained_models.dev_scores(entry.path)
    macro, micro = scores["eval_macro_f1"], scores["eval_micro_f1"]
    typer.echo(
        f"{entry}\ndev  macro-F1 {macro:.3f}, micro-F1 {micro:.3f}, epoch {scores['epoch']:g}"
    )


def _recipe(encoder: str, epochs: float | None, **options: float | None) -> Recipe:
    """Build the recipe of an encoder; what is None is as in the default recipe."""
    from .text import bundled_e5, encoders, finetuning

    if candidate := encoders.CANDIDATES.get(encoder):
        start = {"encoder": candidate.name, "revision": candidate.revision}
    else:
        start = {"encoder": encoder or bundled_e5.BUNDLED}
    if epochs and epochs.is_integer():
        epochs = int(epochs)  # as the notebooks write it, for the same key
    options = {"epochs": epochs} | options
    chosen = {name: value for name, value in options.items() if value is not None}
    return finetuning.Recipe(**start, **chosen)


@app.command()
def models() -> None:
    """List the trained classifiers in the cache."""
    from .study import trained_models

    typer.echo(_table(trained_models.models()))


@app.command()
def publish(
    model: Annotated[
        str, typer.Argument(help="Folder of a model, or the beginning of a key of `wyf models`.")
    ],
    repo: Annotated[str, typer.Option(help="OWNER/NAME on the Hugging Face hub.")],
    revision: Annotated[str, typer.Option(help="Tag of this version.")] = "",
    public: Annotated[bool, typer.Option("--public", help="Let everyone see it.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list the files and print the card.")
    ] = False,
) -> None:
    """Publish a trained classifier with its model card on the Hugging Face hub."""
    from .study import hub, trained_models

    folder = trained_models.find(model)
    typer.echo(hub.publish(folder, repo, revision=revision, private=not public, dry_run=dry_run))


@app.command()
def lyrics(
    catalogue: Annotated[Path, typer.Argument(help="Folder with song_meta.json.")],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", help="Folder of .txt and .lrc files, or a table with title, artist, lyric."
        ),
    ] = None,
    online: Online = False,
    out: Annotated[
        Path | None, typer.Option(help="File for the lyrics; lyrics.tsv in CATALOGUE by default.")
    ] = None,
) -> None:
    """Fill in the lyrics that a catalogue lacks."""
    from .core.paths import relative
    from .music import lyric_sources, lyric_table

    if (source is None) != online:
        raise BadInput("Say where the lyrics come from: --from a folder or table, or --online.")
    provider = lyric_sources.Lrclib() if online else lyric_sources.LocalLyrics(source)
    path, counts = lyric_table.fill(catalogue, provider, out)
    typer.echo(counts[["songs"]].T.to_string(index=False))
    typer.echo(_lines(counts.loc[["failed", "unasked"], "which"]), nl=False)
    typer.echo(f"lyrics  {relative(path) if path.is_file() else 'none yet'}")
    if counts.loc["failed", "songs"]:
        raise typer.Exit(1)


@app.command()
def build(
    music: Annotated[
        Path, typer.Option(help="Folder of mp3, m4a, flac, ogg, wma, wav; it is only read.")
    ],
    online: Online = False,
    run: Run = "default",
) -> None:
    """Build a music database of your own files, for `wyf feel --run music`."""
    from .core.paths import OWN_MUSIC, relative
    from .core.runtime import set_threads
    from .music import library, lyric_sources

    set_threads()
    provider = lyric_sources.Lrclib() if online else None
    path, account = library.build(music, run, provider=provider)
    typer.echo(account[["files"]].T.to_string(index=False))
    typer.echo(_lines(account.drop(["found", "songs"])["which"]), nl=False)
    typer.echo(f"music   {relative(path)}; ask it by `wyf feel --run {OWN_MUSIC} SENTENCE`")


@app.command()
def catalogue(
    name: Annotated[str, typer.Argument(help="jamendo: real songs with tags that people gave.")],
) -> None:
    """Build a catalogue of real songs, for `wyf feel --run jamendo`."""
    from .core.paths import JAMENDO, relative
    from .music import jamendo

    if name != JAMENDO:
        raise BadInput(
            f"There is no catalogue '{name}'; choose one of: {JAMENDO}.",
            f"'{name}'(이)라는 노래 목록이 없어요. 이 가운데서 골라 주세요: {JAMENDO}.",
        )
    path, account = jamendo.build()
    typer.echo(account[["songs"]].T.to_string(index=False))
    typer.echo(_lines(account.loc[["doubled", "unknown tags", "unnamed"], "which"]), nl=False)
    typer.echo(f"music   {relative(path)}; ask it by `wyf feel --run {JAMENDO} SENTENCE`")


@app.command()
def sync() -> None:
    """Bring each notebook and its percent script together."""
    from .study import runner

    typer.echo("\n".join(runner.sync()))


@app.command()
def readme(
    check: Annotated[bool, typer.Option(help="Only check whether the tables are current.")] = False,
) -> None:
    """Fill the results tables of the README files from figures/results.json."""
    from .study import report

    typer.echo(report.fill(check=check))


@data_app.command()
def status() -> None:
    """List the public files and whether they are here."""
    from .data import registry

    typer.echo(_table(registry.status()))


@data_app.command()
def fetch(
    names: Annotated[
        list[str] | None, typer.Argument(help="Files of the registry; all by default.")
    ] = None,
) -> None:
    """Fetch public files that are not here yet."""
    from .data import registry

    typer.echo(_table(registry.fetch(names)))


@data_app.command()
def validate(profile: Annotated[str, typer.Argument(help="open, sample or wyf.")] = "open") -> None:
    """Check every file of a profile."""
    from .data import validation

    table = validation.validate(profile)
    typer.echo(_table(table))
    if not table["ok"].all():
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; a `WyfError` becomes one sentence and exit code 1."""
    set_openmp_waiting()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    try:
        from .core import runtime

        runtime.print_plain_signs()
        os.environ.update(runtime.numba_cache())
        code = app(standalone_mode=False)  # the exit code where a command ends early, else nothing
    except WyfError as error:
        print(f"wyf: {error}", file=sys.stderr)
        sys.exit(1)
    except typer.Abort:
        sys.exit(130)
    except Exception as error:
        shown = getattr(error, "show", None)  # usage errors of typer know how to show themselves
        if shown is None:
            raise
        with contextlib.suppress(Exception):
            shown()
        sys.exit(getattr(error, "exit_code", 2))
    sys.exit(code or 0)
