"""What all commands share: their group, the words that several of them take, and how problems end them.

In: nothing. Out: decorators, `text_of`, `refusing`. Next rooms: `commands`, `at_cluster`; `start` runs them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from kubenb.cli import COMMANDS, HELP

if TYPE_CHECKING:
    from kubenb.model.problems import KubenbError
    from kubenb.show.shown import Shown

PROBLEMS, FAILED, INTERRUPTED = 1, 3, 130  # and click's own 2 for a wrong command line
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


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kubenb", message="kubenb %(version)s")
def kubenb() -> None:
    """A notebook cell becomes a Kubernetes task, a notebook an Airflow DAG."""


def command_of(name: str) -> Callable[[Command], click.Command]:
    """A command of the group, with its help from the one list."""
    return kubenb.command(name, short_help=COMMANDS[name], help=COMMANDS[name])


def json_too(command: Command) -> Command:
    """With --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")(command)


def text_of(shown: Shown, as_json: bool) -> str:
    """What a command prints of what its verb gave back."""
    return json.dumps(shown.json(), indent=2) if as_json else str(shown)


@contextmanager
def refusing(as_json: bool) -> Iterator[None]:
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
