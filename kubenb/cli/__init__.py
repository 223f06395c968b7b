"""The command line: `kubenb graph|plan|check|run|rehearse|export|config NOTEBOOK`, the verbs of `kubenb.actions`.

In: words of a shell. Out: text on stdout, problems on stderr, an exit code of the table below. `kubenb --help` is
printed from here, before the command-line library is imported; `start` has the rest.
"""

from __future__ import annotations

import os
import sys

COMMANDS = {
    "graph": "Show the tasks and why each runs after which.",
    "plan": "Show the code and the values that each task takes along.",
    "check": "Check the notebook; with --airflow a real Airflow, with --context a cluster.",
    "run": "Run the tasks as processes here, or with --on CONTEXT as pods of a cluster.",
    "rehearse": "Play the DAG once in a real Airflow on this machine, without a cluster.",
    "export": "Write the Airflow DAG, or with --diff show what would change.",
    "config": "Show every option in force, its value, and where it comes from.",
    "cost": "Show time and cost of the tasks, of a run and of a day, by the policy's prices.",
    "usage": "Show what the tasks used: memory and CPU of every run on record.",
    "advise": "Show what the tasks should ask for by what they used; --write asks and writes it.",
    "image": "Write a Dockerfile and pinned requirements from what the tasks import.",
    "capacity": "Show what a cluster has free, or with NOTEBOOK where its tasks fit.",
    "runs": "List the pods that were started from notebooks and shells.",
    "logs": "Show the log of a started task; with --follow until it ends.",
    "stop": "End a started task.",
    "gc": "End pods that nobody waits for any more.",
    "doctor": "Show what stands between you and a pod: server, rights, quota, limits.",
    "rbac": "Print the Role that a run needs, to be applied.",
    "options": "List all options of the magics, with their defaults.",
    "completion": "Print the line that makes your shell complete kubenb.",
}

MAGICS = (
    "%%k8s_task NAME …                         this cell is a task",
    "%k8s_dag ID …                             the DAG, and defaults for all tasks",
    "%k8s_notebook FILE --as NAME …            a whole other notebook is a task",
    "%k8s_container NAME --image IMAGE … -- …  an image's own command is a task",
)

EXIT_CODES = {
    0: "done",
    1: "problems: nothing was started or written",
    2: "the command line is wrong",
    3: "a task failed",
    130: "interrupted",
}

HELP = (
    "Usage: kubenb COMMAND [OPTIONS] [NOTEBOOK]\n\n"
    "  A notebook cell becomes a Kubernetes task, a notebook an Airflow DAG.\n\n"
    "Commands:\n"
    + "".join(f"  {name:<11} {text}\n" for name, text in COMMANDS.items())
    + "\nOptions:\n  --help      Show this, or with a command its options.\n  --version   Show the version.\n"
    + "\nMagics of a notebook (`kubenb options` lists what they take):\n"
    + "".join(f"  {line}\n" for line in MAGICS)
    + "\nExit codes:\n"
    + "".join(f"  {code:<11} {text}\n" for code, text in EXIT_CODES.items())
    + "\nExamples:\n"
    "  kubenb run notebooks/flights.ipynb --to build/flights -p month=2\n"
    "  kubenb export notebooks/flights.ipynb --to dags/\n"
)


def main(arguments: list[str] | None = None) -> None:
    """The console script. Ends the process with an exit code of `EXIT_CODES`."""
    words = sys.argv[1:] if arguments is None else arguments
    completing = "_KUBENB_COMPLETE" in os.environ
    if not completing and words in ([], ["--help"], ["-h"], ["help"]):
        sys.stdout.write(HELP)
        sys.exit(0)
    if words == ["--version"]:
        from kubenb import __version__

        sys.stdout.write(f"kubenb {__version__}\n")
        sys.exit(0)
    from kubenb.cli.start import start

    start(words)
