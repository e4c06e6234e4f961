"""The command line: `wyf feel`, `feedback`, `build`, `lyrics`, `run`, `train`, `models`, `publish`, `data`, `sync`, `readme`."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from .core.errors import BadInput, WyfError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="WYF: from a typed Korean feeling to songs that fit.",
)
data_app = typer.Typer(
    no_args_is_help=True, help="Public files: what is here, fetch them, check them."
)
app.add_typer(data_app, name="data")
feedback_app = typer.Typer(
    no_args_is_help=True, help="Likes, skips and songs heard: they stay on this machine."
)
app.add_typer(feedback_app, name="feedback")


def _table(table: pd.DataFrame) -> str:
    return table.to_string(index=False, max_colwidth=90, na_rep="")


def _named(which: pd.Series, most: int = 10) -> str:
    """Lines of names by state, `most` of each."""
    shown = {
        state: names[:most] + [f"and {len(names) - most} more"] * (len(names) > most)
        for state, names in which.items()
    }
    return "".join(f"{state}  {name}\n" for state, names in shown.items() for name in names)


@app.command()
def feel(
    sentence: Annotated[str, typer.Argument(help="How you feel, in Korean.")],
    run: Annotated[str, typer.Option(help="Run whose music database is searched.")] = "default",
    k: Annotated[int, typer.Option(help="How many songs.")] = 5,
    mode: Annotated[
        str, typer.Option(help="match (공감), path (전환), opposite (반대) or wide (탐색).")
    ] = "match",
    to: Annotated[str, typer.Option(help="Emotion that a path leads to.")] = "joy",
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Another seed, other songs that fit; that of the day by default."),
    ] = None,
    since: Annotated[
        int | None,
        typer.Option(
            help="Year of the oldest release, 0 for all; by default 2015, and 0 for your own music."
        ),
    ] = None,
    genre: Annotated[str, typer.Option(help="Only this genre.")] = "",
    why: Annotated[
        bool,
        typer.Option(
            "--why", help="Say which words moved the emotion, and show the nearest lyric lines."
        ),
    ] = False,
) -> None:
    """Print the six-emotion vector of a sentence and the songs that fit."""
    from .core import emotions
    from .data import cleaning

    sentence = cleaning.check_sentence(sentence)  # before what is slow to import
    from .app import feeling
    from .music.recommender import SongQuery

    names = {name: e.id for e in emotions.EMOTIONS for name in (e.en, e.ko)}
    if to not in names:
        raise BadInput(f"There is no emotion '{to}'; choose one of: {', '.join(names)}.")
    if since is None:
        since = feeling.default_min_year(feeling.open_songs(run))
    query = SongQuery(
        mode=mode,
        target_emotion=names[to],
        k=k,
        seed=feeling.daily_seed() if seed is None else seed,
        min_year=since,
        genre=genre,
    )
    answer = feeling.answer(sentence, run, query)
    typer.echo(feeling.text(answer, run, feeling.explain(answer, run) if why else None))


@feedback_app.command()
def export(
    path: Annotated[Path, typer.Argument(help="CSV file to write.")],
    run: Annotated[str, typer.Option(help="Run whose likes and skips are meant.")] = "default",
) -> None:
    """Write what was liked, skipped and heard to a CSV file."""
    from .music.feedback import of_run

    typer.echo(f"{of_run(run).export(path):,} rows written to {path.name}")


@feedback_app.command()
def delete(
    run: Annotated[str, typer.Option(help="Run whose likes and skips are meant.")] = "default",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget what was liked, skipped and heard."""
    from .music.feedback import of_run

    kept = of_run(run)
    if not yes:
        typer.confirm(
            f"Forget {len(kept.rows()):,} likes, skips and songs heard for good?", abort=True
        )
    typer.echo(f"{kept.delete():,} rows deleted")


@app.command()
def run(
    name: Annotated[
        str,
        typer.Argument(help="smoke, default, open, full, or another run of notebooks/runs.yaml."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results; runs/NAME by default.")
    ] = None,
    publish: Annotated[
        bool, typer.Option(help="Put the results in their committed places.")
    ] = False,
) -> None:
    """Run the notebooks of a named run."""
    from .core.paths import relative
    from .study import runner

    folder = runner.run(name, out)
    if publish:
        runner.publish(name, folder)
    typer.echo(
        f"notebooks  {relative(folder)}/notebooks\nfigures    {relative(folder)}/figures\nresults    {relative(folder)}/results.json"
    )


@app.command()
def train(
    profile: Annotated[str, typer.Option(help="sample, open or wyf.")] = "sample",
    corpus: Annotated[str, typer.Option(help="Corpus of the profile; its first by default.")] = "",
    encoder: Annotated[
        str,
        typer.Option(
            help="Key of encoders.CANDIDATES, name on the hub, or folder; the bundled one by default."
        ),
    ] = "",
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the training; the split is that of the notebooks.")
    ] = 0,
    epochs: Annotated[
        float | None,
        typer.Option(min=0.01, help="This and what follows: as in the recipe by default."),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=2)] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0)] = None,
    frozen_layers: Annotated[int | None, typer.Option(min=0)] = None,
    tracker: Annotated[str, typer.Option(help="none, tensorboard or wandb.")] = "none",
) -> None:
    """Fine-tune one classifier, or find it in the cache, and print its scores on dev; `accelerate launch` does it in several processes."""
    from .core.runtime import processes, set_threads
    from .music import catalogue
    from .study import publishing
    from .text import bundled_e5, encoders, finetuning

    set_threads()
    group = processes()
    if not group.is_main_process:
        os.environ["WYF_PROGRESS"] = os.devnull  # one bar is enough
    candidate = encoders.CANDIDATES.get(encoder)
    start = (
        {"encoder": candidate.name, "revision": candidate.revision}
        if candidate
        else {"encoder": encoder or bundled_e5.BUNDLED}
    )
    if epochs and epochs.is_integer():
        epochs = int(epochs)  # as the notebooks write it, for the same key
    asked = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "frozen_layers": frozen_layers,
    }
    recipe = finetuning.Recipe(
        **start, **{name: value for name, value in asked.items() if value is not None}
    )
    parts = catalogue.sentences(profile, seed=0, corpus=corpus)
    entry = finetuning.trained(parts["train"], parts["dev"], recipe, seed, tracker)
    group.destroy_process_group()
    if not group.is_main_process:
        return
    scores = publishing.dev_scores(entry.path)
    typer.echo(
        f"{entry}\ndev  macro-F1 {scores['eval_macro_f1']:.3f}, micro-F1 {scores['eval_micro_f1']:.3f}, epoch {scores['epoch']:g}"
    )


@app.command()
def models() -> None:
    """List the trained classifiers in the cache."""
    from .study import publishing

    typer.echo(_table(publishing.models()))


@app.command()
def publish(
    model: Annotated[
        str,
        typer.Argument(
            help="Folder of a trained classifier, or the beginning of a key that `wyf models` lists."
        ),
    ],
    repo: Annotated[str, typer.Option(help="OWNER/NAME on the Hugging Face hub.")],
    revision: Annotated[str, typer.Option(help="Tag of this version.")] = "",
    public: Annotated[bool, typer.Option("--public", help="Let everyone see it.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be sent, and print the card.")
    ] = False,
) -> None:
    """Publish a trained classifier with its model card; the token is HF_TOKEN or that of `hf auth login`."""
    from .study import publishing

    typer.echo(
        publishing.publish(
            publishing.find(model), repo, revision=revision, private=not public, dry_run=dry_run
        )
    )


@app.command()
def lyrics(
    catalogue: Annotated[Path, typer.Argument(help="Folder with song_meta.json.")],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", help="Folder of .txt and .lrc files, or a table with title, artist, lyric."
        ),
    ] = None,
    online: Annotated[
        bool,
        typer.Option("--online", help="Ask lrclib.net, song by song; what it answers is kept."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="File for the lyrics; lyrics.tsv in CATALOGUE by default.")
    ] = None,
) -> None:
    """Fill in the lyrics that a catalogue lacks; those it has are kept."""
    from .core.paths import relative
    from .music import lyric_sources as finder

    if (source is None) != online:
        raise BadInput("Say where the lyrics come from: --from a folder or table, or --online.")
    path, counts = finder.fill(
        catalogue, finder.Lrclib() if online else finder.LocalLyrics(source), out
    )
    typer.echo(counts[["songs"]].T.to_string(index=False))
    typer.echo(_named(counts.loc[["failed", "unasked"], "which"]), nl=False)
    typer.echo(f"lyrics  {relative(path) if path.is_file() else 'none yet'}")
    if counts.loc["failed", "songs"]:
        raise typer.Exit(1)


@app.command()
def build(
    music: Annotated[
        Path, typer.Option(help="Folder of your music: mp3, flac, ogg, wav; it is only read.")
    ],
    online: Annotated[
        bool,
        typer.Option(
            "--online",
            help="Ask lrclib.net for lyrics that neither a tag nor a text beside the file gives.",
        ),
    ] = False,
    run: Annotated[str, typer.Option(help="Run whose models score the songs.")] = "default",
) -> None:
    """Make a music database of your own files; `wyf feel --run music` answers from it."""
    from .core.paths import OWN_MUSIC, relative
    from .core.runtime import set_threads
    from .music import library
    from .music import lyric_sources as finder

    set_threads()
    path, account = library.build(music, run, provider=finder.Lrclib() if online else None)
    typer.echo(account[["files"]].T.to_string(index=False))
    typer.echo(_named(account.drop(["found", "songs"])["which"]), nl=False)
    typer.echo(f"music   {relative(path)}; ask it by `wyf feel --run {OWN_MUSIC} SENTENCE`")


@app.command()
def sync() -> None:
    """Bring each notebook and its percent script together."""
    from .study import runner

    typer.echo("\n".join(runner.sync()))


@app.command()
def readme(
    check: Annotated[bool, typer.Option(help="Only say whether the table is up to date.")] = False,
) -> None:
    """Fill the results table of README.md from figures/results.json."""
    from .study import report as filler

    typer.echo(filler.fill(check=check))


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
    """Run the command line; an error of the project's own is one sentence and exit code 1."""
    logging.getLogger("transformers").setLevel(logging.ERROR)
    try:
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
