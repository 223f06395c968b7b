"""The commands themselves. Each reads its words, calls its verb in `kubenb.actions`, prints what comes back, and picks
the exit code.

In: parsed words. Out: text, JSON with --json, exit codes. `at_cluster` has those that ask a cluster.
What draws is in `kubenb.show`, what decides below.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from kubenb.cli.words import FAILED, INTERRUPTED, PROBLEMS, Command, command_of, json_too, refusing, text_of

if TYPE_CHECKING:
    from kubenb.run.events import Progress
    from kubenb.show.results import Results

NOTEBOOK = click.Path(dir_okay=False, path_type=Path)


def _notebook(command: Command) -> Command:
    return click.argument("notebook", type=NOTEBOOK)(command)


@command_of("graph")
@_notebook
@click.option("--svg", type=NOTEBOOK, metavar="FILE", help="Write the picture to FILE ('-' for stdout).")
@click.option("--mermaid", is_flag=True, help="Print a Mermaid flowchart.")
@json_too
def graph(notebook: Path, svg: Path | None, mermaid: bool, as_json: bool) -> None:
    """Text unless one of the other forms is asked for."""
    from kubenb import actions

    with refusing(as_json):
        found = actions.graph(notebook)
    if svg is not None:
        write_svg(found.svg(), svg)
    else:
        click.echo(found.mermaid() if mermaid else text_of(found, as_json))
    from kubenb.model.problems import errors

    if errors(found.pipeline.problems):
        if svg is not None or mermaid:
            from kubenb.show.problems import Report

            click.echo(str(Report(str(notebook), found.pipeline.problems)), err=True)
        sys.exit(PROBLEMS)


@command_of("check")
@_notebook
@click.option(
    "--airflow",
    envvar="KUBENB_AIRFLOW",
    metavar="PYTHON",
    help="A Python that has Airflow: imports the DAG there and compares every pod.",
)
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The folder of DAGs: checks the file as an export would leave it there, with your edits.",
)
@click.option(
    "--context", metavar="NAME", help="A kubeconfig's context: asks that cluster about every pod, and makes none."
)
@click.option("--namespace", metavar="NAME", help="With --context: for pods that name none themselves.")
@click.option(
    "--images", is_flag=True, help="With --context: whether images have what tasks import, by a pod of seconds each."
)
@json_too
def check(
    notebook: Path,
    airflow: str | None,
    to: Path | None,
    context: str | None,
    namespace: str | None,
    images: bool,
    as_json: bool,
) -> None:
    """Exit code 1 where there are errors; warnings stop nothing."""
    from kubenb import actions

    if (namespace or images) and not context:
        raise click.UsageError(f"{'--images' if images else '--namespace'} needs a cluster. Write --context NAME too.")
    with refusing(as_json):
        report = actions.check(notebook, airflow=airflow, to=to, context=context, namespace=namespace, images=images)
    click.echo(text_of(report, as_json))
    if not report.ok:
        sys.exit(PROBLEMS)


@command_of("export")
@_notebook
@click.option(
    "--to", type=click.Path(file_okay=False, path_type=Path), required=True, metavar="DIR", help="The folder of DAGs."
)
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@json_too
def export(notebook: Path, to: Path, diff: bool, as_json: bool) -> None:
    """Whole or not at all; hand edits of the DAG file are kept."""
    from kubenb import actions

    with refusing(as_json):
        done = actions.export(notebook, to, diff=diff)
    click.echo(text_of(done, as_json))


@command_of("run")
@_notebook
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Where notebooks, logs and data go.",
)
@click.option(
    "-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of the notebook; repeat for more."
)
@click.option(
    "--task", "tasks", multiple=True, metavar="NAME", help="Only this task, again, and what it needs; repeat for more."
)
@click.option("--from", "from_", multiple=True, metavar="NAME", help="From this task on, again; repeat for more.")
@click.option("--fresh", is_flag=True, help="Run everything, even what did not change.")
@click.option(
    "-e", "--env", "env", multiple=True, metavar="NAME[=VALUE]", help="Hand a variable of this shell to the tasks."
)
@click.option(
    "--parallel", type=click.IntRange(1), metavar="N", help="Most processes at once (this machine's cores unless set)."
)
@click.option("--on", metavar="CONTEXT", help="Run the tasks as pods, on this context of your kubeconfig.")
@click.option("--namespace", metavar="NAME", help="With --on: where pods go that name no namespace themselves.")
@click.option("-v", "--verbose", is_flag=True, help="Show what the tasks print.")
@json_too
def run(notebook: Path, to: Path, params: tuple[str, ...], as_json: bool, verbose: bool, **wish: Any) -> None:
    """Results on stdout, progress on stderr."""
    from kubenb import actions

    given = _pairs(params, "-p")
    env = _env(wish.pop("env"))
    if wish["namespace"] and not wish["on"]:
        raise click.UsageError("--namespace needs a cluster. Write --on CONTEXT too.")
    told = {"task": wish["tasks"], "from_": wish["from_"], "fresh": wish["fresh"], "parallel": wish["parallel"] or 0}
    with refusing(as_json), _stoppable(), _progress(verbose, as_json) as progress:
        results = actions.run(
            notebook, to, given, **told, env=env, on=wish["on"], namespace=wish["namespace"], progress=progress
        )
    _end(results, as_json)


@command_of("rehearse")
@click.argument("source", type=NOTEBOOK, metavar="DAG|NOTEBOOK")
@click.option(
    "--airflow", envvar="KUBENB_AIRFLOW", required=True, metavar="PYTHON", help="A Python that has Airflow 2.11 or 3.x."
)
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where notebooks, logs and data go (rehearsal/NAME unless set).",
)
@click.option(
    "-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of the DAG; repeat for more."
)
@click.option(
    "--date",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]),
    metavar="DATE",
    help="The logical date, 2026-01-31 or 2026-01-31T06:00:00 in UTC (now unless set).",
)
@click.option(
    "-e", "--env", "env", multiple=True, metavar="NAME[=VALUE]", help="Hand a variable of this shell to the tasks."
)
@click.option("-v", "--verbose", is_flag=True, help="Show what the tasks print.")
@json_too
def rehearse(source: Path, params: tuple[str, ...], as_json: bool, verbose: bool, **wish: Any) -> None:
    """Results on stdout, progress on stderr."""
    from datetime import timezone

    from kubenb import actions
    from kubenb.show.rehearsed import BEFORE

    given, env, date = _pairs(params, "-p"), _env(wish["env"]), wish["date"]
    if date is not None and date.tzinfo is None:
        date = date.replace(tzinfo=timezone.utc)
    click.echo(BEFORE, err=True)
    with refusing(as_json), _stoppable(), _progress(verbose, as_json) as progress:
        results = actions.rehearse(source, wish["airflow"], wish["to"], given, date=date, env=env, progress=progress)
    _end(results, as_json)


@command_of("config")
@_notebook
@json_too
def config(notebook: Path, as_json: bool) -> None:
    """Values as they will be, with their origins."""
    from kubenb import actions

    with refusing(as_json):
        click.echo(text_of(actions.config(notebook), as_json))


@command_of("cost")
@_notebook
@click.option(
    "--took",
    "took",
    multiple=True,
    metavar="TASK=TIME",
    help="How long one pod of a task took, like 12m; repeat for more.",
)
@json_too
def cost(notebook: Path, took: tuple[str, ...], as_json: bool) -> None:
    """Measured times are counted; what was not measured has its timeout as an upper bound."""
    from kubenb import actions

    given = {name: str(value) for name, value in _pairs(took, "--took").items()}
    with refusing(as_json):
        click.echo(text_of(actions.cost(notebook, given), as_json))


@command_of("image")
@_notebook
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("image"),
    metavar="DIR",
    help="Into this folder.",
)
@click.option("--base", metavar="IMAGE", help="Build on this image; unless given, python in this version, slim.")
@json_too
def image(notebook: Path, to: Path, base: str | None, as_json: bool) -> None:
    """A Dockerfile and pinned requirements."""
    from kubenb import actions

    with refusing(as_json):
        click.echo(text_of(actions.image(notebook, to, base=base), as_json))


@command_of("plan")
@_notebook
@click.option("--task", metavar="NAME", help="Only this task.")
@json_too
def plan(notebook: Path, task: str | None, as_json: bool) -> None:
    """What export would put into the task notebooks."""
    from kubenb import actions

    with refusing(as_json):
        click.echo(text_of(actions.plan(notebook, task), as_json))


@command_of("options")
@json_too
def options(as_json: bool) -> None:
    """The one table."""
    from kubenb import actions

    click.echo(text_of(actions.options(), as_json))


@command_of("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """For your shell's start-up file."""
    lines = {
        "bash": 'eval "$(_KUBENB_COMPLETE=bash_source kubenb)"',
        "zsh": 'eval "$(_KUBENB_COMPLETE=zsh_source kubenb)"',
        "fish": "_KUBENB_COMPLETE=fish_source kubenb | source",
    }
    click.echo(lines[shell])


def _end(results: Results, as_json: bool) -> None:
    """What a run came to, and its exit code."""
    if results.run.interrupted:
        import signal

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # one more Ctrl-C must not cut what is said
    seen = _one_screen() and not as_json  # the progress has shown each task's end
    click.echo("\n".join([*results.tails(), results.ending()]) if seen else text_of(results, as_json))
    if results.run.interrupted:
        sys.exit(INTERRUPTED)
    if not results.ok:
        sys.exit(FAILED)


def write_svg(text: str, path: Path) -> None:
    """A picture into a file, or to stdout."""
    if str(path) == "-":
        click.echo(text)
        return
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{path} can't be written: {error.strerror}.") from error


@contextmanager
def _progress(verbose: bool, as_json: bool) -> Iterator[Progress]:
    if sys.stderr.isatty() and not as_json:
        from kubenb.show.progress import terminal

        with terminal(verbose) as progress:
            yield progress
        return
    from kubenb.show.progress import Lines

    yield Lines(every=verbose)


def _one_screen() -> bool:
    """stdout and stderr go to the same place: a terminal, or one log."""
    import os

    try:
        return os.path.samestat(os.fstat(sys.stdout.fileno()), os.fstat(sys.stderr.fileno()))
    except (OSError, ValueError):
        return False


@contextmanager
def _stoppable() -> Iterator[None]:
    """A terminal that closes and a polite `kill` end the tasks just as Ctrl-C does."""
    import signal

    def stop(number: int, frame: object) -> NoReturn:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pairs(texts: tuple[str, ...], option: str) -> dict[str, object]:
    pairs: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{option} {text!r} is not NAME=VALUE. Write {option} {name or 'month'}=2.")
        if name in pairs and pairs[name] != value:
            raise click.UsageError(f"{option} {name} is given twice: {pairs[name]} and {value}. Give it once.")
        pairs[name] = value
    return pairs


def _env(texts: tuple[str, ...]) -> dict[str, str]:
    import os

    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals and name not in os.environ:
            raise click.UsageError(f"-e {name}: the variable is not set here. Write -e {name}=VALUE.")
        found[name] = value if equals else os.environ[name]
    return found
