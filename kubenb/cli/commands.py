"""The commands themselves. Each reads its words, calls its verb in `kubenb.actions`, prints what comes back, and picks
the exit code.

In: parsed words. Out: text, JSON with --json, exit codes. What draws is in `kubenb.show`, what decides below.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from kubenb.cli import COMMANDS, HELP

if TYPE_CHECKING:
    from kubenb.model.problems import KubenbError
    from kubenb.run.events import Progress
    from kubenb.show.results import Results
    from kubenb.show.shown import Shown

PROBLEMS, FAILED, INTERRUPTED = 1, 3, 130  # and click's own 2 for a wrong command line
NOTEBOOK = click.Path(dir_okay=False, path_type=Path)
Command = TypeVar("Command", bound=Callable[..., Any])


class Group(click.Group):
    """The help is the one that `kubenb --help` prints without this module; an unknown command names the near ones."""

    def get_help(self, ctx: click.Context) -> str:
        """The text of `kubenb.cli.HELP`."""
        return HELP.rstrip("\n")

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the help."""
        return list(COMMANDS)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """'Did you mean' for a mistyped command."""
        if args and args[0] not in self.commands:
            from kubenb.model.names import near

            likely = near(args[0], COMMANDS, 1)
            hint = f"Did you mean {likely[0]}?" if likely else f"There are: {', '.join(COMMANDS)}."
            raise click.UsageError(f"There is no command {args[0]}. {hint}")
        return super().resolve_command(ctx, args)


def start(words: list[str]) -> NoReturn:
    """Runs a command line and ends the process with one of the documented exit codes."""
    try:
        kubenb.main(words, prog_name="kubenb", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("kubenb: interrupted.", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader has what it wanted (`kubenb options | head`); Python would complain once more when it closes stdout.
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(PROBLEMS)
    sys.exit(0)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kubenb", message="kubenb %(version)s")
def kubenb() -> None:
    """A notebook cell becomes a Kubernetes task, a notebook an Airflow DAG."""


def _command(name: str) -> Callable[[Command], click.Command]:
    return kubenb.command(name, short_help=COMMANDS[name], help=COMMANDS[name])


def _notebook(command: Command) -> Command:
    return click.argument("notebook", type=NOTEBOOK)(command)


def _json(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")(command)


@_command("graph")
@_notebook
@click.option("--svg", type=NOTEBOOK, metavar="FILE", help="Write the picture to FILE ('-' for stdout).")
@click.option("--mermaid", is_flag=True, help="Print a Mermaid flowchart.")
@_json
def graph(notebook: Path, svg: Path | None, mermaid: bool, as_json: bool) -> None:
    """Text unless one of the other forms is asked for."""
    from kubenb import actions

    with _refusing(as_json):
        found = actions.graph(notebook)
    if svg is not None:
        _write_svg(found.svg(), svg)
    else:
        click.echo(found.mermaid() if mermaid else _text(found, as_json))
    from kubenb.model.problems import errors

    if errors(found.pipeline.problems):
        if svg is not None or mermaid:
            from kubenb.show.problems import Report

            click.echo(str(Report(str(notebook), found.pipeline.problems)), err=True)
        sys.exit(PROBLEMS)


@_command("check")
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
@_json
def check(notebook: Path, airflow: str | None, to: Path | None, as_json: bool) -> None:
    """Exit code 1 where there are errors; warnings stop nothing."""
    from kubenb import actions

    with _refusing(as_json):
        report = actions.check(notebook, airflow=airflow, to=to)
    click.echo(_text(report, as_json))
    if not report.ok:
        sys.exit(PROBLEMS)


@_command("export")
@_notebook
@click.option(
    "--to", type=click.Path(file_okay=False, path_type=Path), required=True, metavar="DIR", help="The folder of DAGs."
)
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@_json
def export(notebook: Path, to: Path, diff: bool, as_json: bool) -> None:
    """Whole or not at all; hand edits of the DAG file are kept."""
    from kubenb import actions

    with _refusing(as_json):
        done = actions.export(notebook, to, diff=diff)
    click.echo(_text(done, as_json))


@_command("run")
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
@click.option("-v", "--verbose", is_flag=True, help="Show what the tasks print.")
@_json
def run(notebook: Path, to: Path, params: tuple[str, ...], as_json: bool, verbose: bool, **wish: Any) -> None:
    """Results on stdout, progress on stderr."""
    from kubenb import actions

    given = _pairs(params, "-p")
    env = _env(wish.pop("env"))
    task, from_, fresh, parallel = wish["tasks"], wish["from_"], wish["fresh"], wish["parallel"] or 0
    with _refusing(as_json), _stoppable(), _progress(verbose, as_json) as progress:
        results = actions.run(
            notebook, to, given, task=task, from_=from_, fresh=fresh, env=env, parallel=parallel, progress=progress
        )
    _end(results, as_json)


@_command("rehearse")
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
@_json
def rehearse(source: Path, params: tuple[str, ...], as_json: bool, verbose: bool, **wish: Any) -> None:
    """Results on stdout, progress on stderr."""
    from datetime import timezone

    from kubenb import actions
    from kubenb.show.rehearsed import BEFORE

    given, env, date = _pairs(params, "-p"), _env(wish["env"]), wish["date"]
    if date is not None and date.tzinfo is None:
        date = date.replace(tzinfo=timezone.utc)
    click.echo(BEFORE, err=True)
    with _refusing(as_json), _stoppable(), _progress(verbose, as_json) as progress:
        results = actions.rehearse(source, wish["airflow"], wish["to"], given, date=date, env=env, progress=progress)
    _end(results, as_json)


@_command("config")
@_notebook
@_json
def config(notebook: Path, as_json: bool) -> None:
    """Values as they will be, with their origins."""
    from kubenb import actions

    with _refusing(as_json):
        click.echo(_text(actions.config(notebook), as_json))


@_command("plan")
@_notebook
@click.option("--task", metavar="NAME", help="Only this task.")
@_json
def plan(notebook: Path, task: str | None, as_json: bool) -> None:
    """What export would put into the task notebooks."""
    from kubenb import actions

    with _refusing(as_json):
        click.echo(_text(actions.plan(notebook, task), as_json))


@_command("options")
@_json
def options(as_json: bool) -> None:
    """The one table."""
    from kubenb import actions

    click.echo(_text(actions.options(), as_json))


@_command("completion")
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
    seen = _one_screen() and not as_json  # the progress has shown each task's end
    click.echo("\n".join([*results.tails(), results.ending()]) if seen else _text(results, as_json))
    if results.run.interrupted:
        sys.exit(INTERRUPTED)
    if not results.ok:
        sys.exit(FAILED)


def _text(shown: Shown, as_json: bool) -> str:
    return json.dumps(shown.json(), indent=2) if as_json else str(shown)


def _write_svg(text: str, path: Path) -> None:
    if str(path) == "-":
        click.echo(text)
        return
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{path} can't be written: {error.strerror}.") from error


@contextmanager
def _refusing(as_json: bool) -> Iterator[None]:
    """Problems of the notebook end the command with exit code 1: on stderr for people, on stdout as JSON for scripts."""
    from kubenb.model.problems import KubenbError

    try:
        yield
    except KubenbError as error:
        _refuse(error, as_json)


def _refuse(error: KubenbError, as_json: bool) -> NoReturn:
    if as_json:
        from kubenb.show.problems import problem_json

        click.echo(
            json.dumps({"ok": False, "problems": [problem_json(problem) for problem in error.problems]}, indent=2)
        )
    else:
        for problem in error.problems:
            click.echo(f"{problem.severity.value}: {problem}", err=True)
    sys.exit(PROBLEMS)


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
