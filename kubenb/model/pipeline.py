"""What a notebook turns into: cells in, tasks and edges out.

`notebook.cells` makes `Notebook`, `notebook.dataflow` plans and edges, `notebook.pipeline` the whole `Pipeline`;
everything above reads them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from kubenb.model.options import DagOptions, TaskOptions
from kubenb.model.policy import Policy
from kubenb.model.problems import Place, Problem


@dataclass(frozen=True)
class Cell:
    """A cell as read. `number` counts all cells from 1; `id` is nbformat's (may be '').

    `output` is the text of its outputs: it is never exported, only looked through for secrets.
    """

    number: int
    kind: Literal["code", "markdown", "raw"]
    source: str
    tags: tuple[str, ...] = ()
    id: str = ""
    output: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True)
class Notebook:
    """A notebook or percent script as read; `path` as the user named it ('' when it has none).

    `beside`: Python modules and packages that lie in its folder, by the names that `import` knows.
    """

    path: str
    cells: tuple[Cell, ...]
    kernel: str = "python3"
    beside: frozenset[str] = frozenset()

    @property
    def file_name(self) -> str:
        r"""The path without its folders, on every system.

        >>> Notebook(r"C:\notebooks\flights.ipynb", ()).file_name
        'flights.ipynb'
        """
        return self.path.replace("\\", "/").rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The file's name without its ending: what the DAG is called unless it has an id."""
        return re.sub(r"\.(ipynb|py)\Z", "", self.file_name)


@dataclass(frozen=True)
class Parameter:
    """One assignment of the cell tagged `parameters`, or a `param` of `%k8s_dag`.

    `default` is a JSON value. `template` is an Airflow field ('{{ ds }}') that fills it in Airflow, else None.
    """

    name: str
    default: object
    template: str | None = None
    where: Place = Place()


@dataclass(frozen=True)
class Task:
    """A task as its header says it, with every default applied.

    `kind`: a cell of this notebook, another notebook as a whole, or an image's own command (`command`).
    `body` is the code below the header; `where.line` is the line of `body`'s first line in the cell.
    `notebook`: the path of the other notebook. `origins` names for each set option (by its typed name) where the value came from:
    'cell 4', 'kubenb.toml [profiles.large]', '%k8s_dag, cell 1', …
    """

    name: str
    options: TaskOptions = TaskOptions()
    kind: Literal["cell", "notebook", "container"] = "cell"
    body: str = ""
    command: tuple[str, ...] = ()
    notebook: str | None = None
    where: Place = Place()
    origins: dict[str, str] = field(default_factory=dict, compare=False, hash=False)

    @property
    def header(self) -> Place:
        """Where its header stands, for problems of the task as a whole: the cell's first line is what a user looks for."""
        return Place(self.where.cell, 1 if self.where.cell else None, self.name, self.where.file)


@dataclass(frozen=True)
class Code:
    """A piece of an ordinary cell (or a definition from an earlier task cell) that a task takes along: whole lines, verbatim."""

    source: str
    where: Place


@dataclass(frozen=True)
class Load:
    """Names taken together from one earlier task, at its place in the notebook's order.

    `readonly`: of `names`, those this task is not known to change; they are fingerprinted at run time.
    `items`: for a mapped producer its fan-out's source text; each name is then the list over all items, in order.
    """

    producer: str
    names: tuple[str, ...]
    readonly: tuple[str, ...] = ()
    items: str | None = None


@dataclass(frozen=True)
class Apart:
    """A check at run time: `name`, an older version than the notebook has here (`by` changed it in place), shares no data
    with `others`.
    """

    name: str
    others: tuple[str, ...]
    by: str


Step = Code | Load | Apart


@dataclass(frozen=True)
class Reason:
    """Why an edge is there. `variable` is None for an `after`; the lines are places in the notebook."""

    variable: str | None
    made: Place
    read: Place
    what: str = ""


@dataclass(frozen=True)
class Edge:
    """`downstream` runs after `upstream`, for these reasons."""

    upstream: str
    downstream: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Plan:
    """A task with all it takes along, in the notebook's order, and what it leaves.

    `outputs`: saved for later tasks (and `out`). `binds`: every data name the body binds or changes, for runs that keep all.
    `changes`: loaded names that it changes in place.
    `live`: (name, producer) pairs that later tasks still take from earlier tasks: what must not share data with a changed name.
    `modules`: top-level packages that its code imports. `unsure`: outputs that are bound only if a loop of its runs at least once.
    """

    task: Task
    steps: tuple[Step, ...] = ()
    outputs: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    live: tuple[tuple[str, str], ...] = ()
    modules: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pipeline:
    """Tasks and edges of a notebook. `plans` in the notebook's order; `left_out`: ordinary code that no task takes.

    `dag_where`: the `%k8s_dag` line; `dag_origins`: as a task's `origins`. `defaults`: the options of a task that says nothing itself.
    `policies`: what the platform team allows; all of them hold.
    """

    notebook: Notebook
    dag: DagOptions
    parameters: tuple[Parameter, ...]
    plans: tuple[Plan, ...]
    edges: tuple[Edge, ...]
    problems: tuple[Problem, ...] = ()
    left_out: tuple[Code, ...] = ()
    dag_where: Place = Place()
    dag_origins: dict[str, str] = field(default_factory=dict, compare=False, hash=False)
    defaults: TaskOptions = TaskOptions()
    policies: tuple[Policy, ...] = ()

    @property
    def stages(self) -> dict[str, int]:
        """A number for each task, above those of all tasks that it runs after: equal ones may run at the same time."""
        edges = [(edge.upstream, edge.downstream) for edge in self.edges]
        return ranks([plan.task.name for plan in self.plans], edges)


def auto_options(plan: Plan) -> tuple[str, ...]:
    """The options of a task whose values came from what was measured, and not from the notebook."""
    return tuple(name for name, origin in plan.task.origins.items() if origin.startswith("auto, "))


def ranks(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The layer of each name: one after its last predecessor. `names` is a topological order (the notebook's)."""
    rank = dict.fromkeys(names, 0)
    order = {name: index for index, name in enumerate(names)}
    for left, right in sorted(edges, key=lambda edge: (order[edge[1]], order[edge[0]])):
        rank[right] = max(rank[right], rank[left] + 1)
    return rank
