"""Help for each magic, with examples from the table of options: for `%%k8s_task?` and `%%k8s_task --help`.

In: a magic's name. Out: text. Nothing here is typed twice: options, examples and choices come from `model.options`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubenb.magics.words import ABOUT, MAGICS
from kubenb.model.options import DAG, TASK, Option
from kubenb.show.options import default

TASK_HEAD = """%%k8s_task NAME [--option value …]

This cell is a task: it runs here, measured (--run here, the default), in its own process exactly as
packaged (--run local), in a pod of the current cluster (--run pod), and as a pod in the DAG that %k8s_export writes.

    %%k8s_task train --cpu 2 --memory 4Gi
    #| secret: db/password -> DB_PASSWORD
    #| toleration: dedicated=ml:NoSchedule
    model = fit(flights)

Options stand on the line (`--name value`) or below it, one a line (`#| name: value`). Braces are kept as they
are: {{ ds }} is Airflow's. What the cell reads and makes is found by itself; so is what it runs after."""

DAG_HEAD = """%k8s_dag [ID] [--option value …]

One line a notebook, and optional: the DAG's own options, and defaults for every task.

    %k8s_dag flights --schedule @daily --start 2026-01-01 --owner analytics
    #| image: python:3.11-slim
    #| tags: delays"""

HEADS = {
    "k8s_task": TASK_HEAD,
    "k8s_dag": DAG_HEAD,
    "k8s_notebook": (
        "%k8s_notebook FILE --as NAME [--option value …]\n\nA whole other notebook is a task, with the same options as"
        " %%k8s_task.\n\n    %k8s_notebook other.ipynb --as train --memory 4Gi\n    #| param: month=2\n"
        "    #| in: flights\n    #| out: model"
    ),
    "k8s_container": (
        "%k8s_container NAME --image IMAGE [--option value …] -- COMMAND\n\nAn image's own command is a task, in any language.\n\n"
        "    %k8s_container load --image registry/process:1.2 -- python /app/process.py --input-file gs://bucket/in.csv"
    ),
    "k8s_graph": "%k8s_graph [FILE]\n\nThe tasks, and for each edge the variable, the line that made it and the line that reads it.",
    "k8s_check": (
        "%k8s_check [FILE] [--to DIR] [--airflow PYTHON]\n\nEvery rule over the notebook; values in this kernel that can't travel"
        " between tasks are named, with\n"
        "the line to paste. With --airflow, a real Airflow imports the DAG too; with --to,\n"
        "the DAG file as an export would leave it in DIR, with your edits."
    ),
    "k8s_export": (
        "%k8s_export DIR [FILE] [--diff]\n\nWrites the Airflow DAG of this notebook's file into DIR. --diff writes nothing and shows"
        " what would change.\n\n"
        "    %k8s_export dags/"
    ),
    "k8s_runs": "%k8s_runs [--everyone] [--context NAME] [--namespace NAME]\n\n"
    "The pods that were started from notebooks and shells, and how they do.",
    "k8s_logs": "%k8s_logs NAME [--follow] [--context NAME] [--namespace NAME]\n\n"
    "The log of a started task, by the task's or the pod's name.",
    "k8s_stop": "%k8s_stop NAME [--context NAME] [--namespace NAME]\n\nEnds the started pods of that task, pod or run.",
    "k8s_attach": (
        "%k8s_attach NAME [--context NAME] [--namespace NAME]\n\nThe log of a started task from its beginning, and its variables once it"
        " is done: after --detach, or after a\nrestart of the kernel. Interrupting the cell lets the pod run on."
    ),
    "k8s_cost": (
        "%k8s_cost [FILE] [--took TASK=TIME,…]\n\nTime and cost of what is requested: of each task, of a run and of a day"
        " by its schedule, at the policy's prices.\nA time that is not given is not known; the timeout is then only an upper bound.\n\n"
        "    %k8s_cost --took extract=2m,train=1h30m"
    ),
    "k8s_config": "%k8s_config [FILE]\n\nEvery option in force, its value, and where it comes from: a cell, a file, or a default.",
}


def manual(name: str) -> str:
    """The help of one magic; of `%k8s` the list of all."""
    if name == "k8s":
        return "\n".join(ABOUT[each] for each in MAGICS)
    return "\n".join([HEADS[name], *_options(name)])


def _options(name: str) -> Iterator[str]:
    if name not in ("k8s_task", "k8s_dag"):
        if name in ("k8s_notebook", "k8s_container"):
            yield "\nThe options are those of a task: %%k8s_task --help lists them."
        return
    table = TASK if name == "k8s_task" else DAG
    for group in dict.fromkeys(option.group for option in table.values()):
        yield f"\n{group}:"
        yield from _rows(option for option in table.values() if option.group == group)
    if name == "k8s_dag":
        yield "\nBeside these, every option of a task is a default for all tasks: %%k8s_task --help lists them."


def _rows(options: Iterable[Option]) -> Iterator[str]:
    for option in options:
        more = " (repeat for more)" if option.repeats else ""
        choices = f": {', '.join(option.choices)}" if option.choices else ""
        yield f"  --{option.name} {option.example}"
        held = f"; {default(option)} unless set" if option.default else ""
        yield f"        {option.help}{choices}{more}{held}"
