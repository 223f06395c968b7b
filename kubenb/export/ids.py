"""What the DAG and its tasks are called in the DAG file. In: the pipeline. Out: the DAG id, and a Python variable for
each task."""

from __future__ import annotations

import re

from kubenb.model.names import LONGEST_DAG, variable
from kubenb.model.pipeline import Pipeline

LONGEST = 30  # so that `first >> second` always fits on a line


def dag_id(pipeline: Pipeline) -> str:
    """As set at `%k8s_dag`, else the notebook's file name with what Airflow does not take replaced.

    >>> from kubenb.model.options import DagOptions
    >>> from kubenb.model.pipeline import Notebook
    >>> dag_id(Pipeline(Notebook("notebooks/My flights.ipynb", ()), DagOptions(), (), (), ()))
    'My_flights'
    """
    if pipeline.dag.id:
        return pipeline.dag.id
    return re.sub(r"[^A-Za-z0-9_-]+", "_", pipeline.notebook.stem)[:LONGEST_DAG].strip("_-") or "notebook"


def variables(names: list[str], taken: frozenset[str]) -> dict[str, str]:
    """Task -> variable, all different and none of `taken`.

    >>> variables(["train", "json", "a-b", "a_b"], frozenset({"json"}))
    {'train': 'train', 'json': 'json_', 'a-b': 'a_b', 'a_b': 'a_b_2'}
    """
    found: dict[str, str] = {}
    used = set(taken)
    for name in names:
        word = variable(name)[:LONGEST].rstrip("_") or "task"
        word = variable(word) if word not in taken else f"{word}_"
        fresh, number = word, 2
        while fresh in used:
            fresh, number = f"{word}_{number}", number + 1
        used.add(fresh)
        found[name] = fresh
    return found
