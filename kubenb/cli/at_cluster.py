"""The commands that ask a cluster: which pods run, what they print, and what is in the way.

In: parsed words. Out: text, JSON with --json, exit codes; as in `commands`, whose group they join.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kubenb.cli.words import PROBLEMS, Command, command_of, json_too, refusing, text_of


def _at_cluster(command: Command) -> Command:
    """Where to ask: the same two words for every command that asks a cluster."""
    named = click.option("-n", "--namespace", metavar="NAME", help="The context's own unless given.")(command)
    return click.option(
        "--context", metavar="NAME", help="A context of your kubeconfig; the current one unless given."
    )(named)


def _all(command: Command) -> Command:
    spaces = click.option("-A", "--all-namespaces", is_flag=True, help="Look in all namespaces.")(command)
    return click.option("--everyone", is_flag=True, help="Other users' too.")(spaces)


@command_of("capacity")
@click.argument("notebook", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("--task", metavar="NAME", help="Only this task of the notebook.")
@_at_cluster
@json_too
def capacity(
    notebook: Path | None, task: str | None, context: str | None, namespace: str | None, as_json: bool
) -> None:
    """Exit code 1 where a task fits nowhere, however long it waits."""
    from kubenb import actions

    if task and notebook is None:
        raise click.UsageError("--task needs a notebook. Write its file too.")
    with refusing(as_json):
        found = actions.capacity(notebook, task, context=context, namespace=namespace)
    click.echo(text_of(found, as_json))
    if not found.ok:
        sys.exit(PROBLEMS)


@command_of("runs")
@_at_cluster
@_all
@json_too
def runs(context: str | None, namespace: str | None, everyone: bool, all_namespaces: bool, as_json: bool) -> None:
    """From the pods' own labels."""
    from kubenb import actions

    with refusing(as_json):
        click.echo(text_of(actions.runs(context, "" if all_namespaces else namespace, everyone=everyone), as_json))


@command_of("logs")
@click.argument("name")
@_at_cluster
@click.option("-f", "--follow", is_flag=True, help="Until the task ends.")
def logs(name: str, context: str | None, namespace: str | None, follow: bool) -> None:
    """Of the newest of that name."""
    from kubenb import actions

    with refusing(False):
        for block in actions.logs(name, context, namespace, follow=follow):
            click.echo(block, nl=False)


@command_of("stop")
@click.argument("name")
@_at_cluster
@json_too
def stop(name: str, context: str | None, namespace: str | None, as_json: bool) -> None:
    """By task, pod or run."""
    from kubenb import actions

    with refusing(as_json):
        click.echo(text_of(actions.stop(name, context, namespace), as_json))


@command_of("gc")
@_at_cluster
@_all
@json_too
def gc(context: str | None, namespace: str | None, everyone: bool, all_namespaces: bool, as_json: bool) -> None:
    """Those whose kernel or shell was last seen long ago."""
    from kubenb import actions

    with refusing(as_json):
        click.echo(text_of(actions.gc(context, "" if all_namespaces else namespace, everyone=everyone), as_json))


@command_of("doctor")
@_at_cluster
@json_too
def doctor(context: str | None, namespace: str | None, as_json: bool) -> None:
    """Exit code 1 where something is missing."""
    from kubenb import actions

    with refusing(as_json):
        found = actions.doctor(context, namespace)
    click.echo(text_of(found, as_json))
    if not found.ok:
        sys.exit(PROBLEMS)


@command_of("rbac")
@click.option(
    "--for",
    "who",
    type=click.Choice(["user", "airflow"]),
    default="user",
    help="A notebook's user, or Airflow's worker.",
)
@click.option("-n", "--namespace", default="default", metavar="NAME", help="Where pods run.")
@click.option(
    "--subject", default="", metavar="WHO", help="A user's name, group:NAME or serviceaccount:NAMESPACE/NAME."
)
@click.option("--xcom", is_flag=True, help="With --for airflow: also what XComs need.")
def rbac(who: str, namespace: str, subject: str, xcom: bool) -> None:
    """YAML for kubectl apply -f -."""
    from kubenb import actions

    click.echo(str(actions.rbac(who, namespace, subject, xcom=xcom)))
