"""The commands of what was measured: `kubenb usage`.

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
