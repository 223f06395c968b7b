"""Runs a command line: the room that knows every command.

In: words. Out: an exit code of `kubenb.cli.EXIT_CODES`. Next rooms: `commands`, `at_cluster`, `measured`, which join the group of `words`.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from kubenb.cli import at_cluster, commands, measured
from kubenb.cli.words import INTERRUPTED, PROBLEMS, kubenb

__all__ = ["at_cluster", "commands", "kubenb", "measured", "start"]


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
