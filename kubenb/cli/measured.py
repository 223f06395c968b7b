"""The commands of what was measured: `kubenb usage` and `kubenb advise`.

In: parsed words. Out: text, JSON with --json, exit codes; as in `commands`, whose group they join.
"""

from __future__ import annotations

from pathlib import Path

import click

from kubenb.cli.commands import NOTEBOOK, write_svg
from kubenb.cli.words import command_of, json_too, refusing, text_of


@command_of("usage")
@click.argument("notebook", type=NOTEBOOK)
@click.option("--task", metavar="NAME", help="Every run of this task.")
@click.option(
    "--from", "store", metavar="STORE", help="First read Airflow's runs back from this store (folder or URL)."
)
@click.option(
    "--svg", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="With --task: its picture."
)
@json_too
def usage(notebook: Path, task: str | None, store: str | None, svg: Path | None, as_json: bool) -> None:
    """From the records of this machine."""
    from kubenb import actions

    if svg is not None and task is None:
        raise click.UsageError("--svg draws one task. Write --task NAME too.")
    with refusing(as_json):
        found = actions.usage(notebook, task, store=store)
    if svg is None:
        click.echo(text_of(found, as_json))
    elif found.svg():
        write_svg(found.svg(), svg)
    else:
        raise click.UsageError(f"{task} has no run on record that could be drawn.")


@command_of("advise")
@click.argument("notebook", type=NOTEBOOK)
@click.option("--task", metavar="NAME", help="Only this task.")
@click.option(
    "--input",
    "size",
    metavar="AMOUNT",
    help="What it will read from earlier tasks, like 4Gi; unless given, the most it has read.",
)
@click.option("--write", is_flag=True, help="Show the lines that change, ask, and write them into the notebook.")
@click.option("-y", "--yes", is_flag=True, help="With --write: don't ask.")
@json_too
def advise(notebook: Path, task: str | None, size: str | None, write: bool, yes: bool, as_json: bool) -> None:
    """By the records of this machine."""
    from kubenb import actions

    if yes and not write:
        raise click.UsageError("--yes answers for --write. Write --write too.")
    with refusing(as_json):
        found = actions.advise(notebook, task, size=size)
        click.echo(text_of(found, as_json))
        if not write:
            return
        if not found.changes:
            click.echo("There is nothing to write.", err=True)
            return
        click.echo(found.diff(), err=True)
        if yes or click.confirm(f"Write this into {notebook}?", default=False, err=True):
            click.echo(str(actions.write_advice(found)), err=True)
        else:
            click.echo("Nothing was written.", err=True)
