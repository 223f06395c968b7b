"""The verb about room: what a cluster has, and where a notebook's tasks fit. `kubenb.actions` has them all.

In: a notebook or none, a kubeconfig's context. Out: a value that shows itself. Nothing is made in the cluster, not even by a dry run.
Next rooms: `kubenb.cluster.capacity` looks, `kubenb.export.fit` reckons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubenb.model.names import did_you_mean
from kubenb.model.problems import KubenbError, Place, errors, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubenb.cluster.client import Client
    from kubenb.model.pipeline import Pipeline
    from kubenb.show.capacity import Room, Sized


def room(pipeline: Pipeline | None, task: str | None, context: str | None, namespace: str | None) -> Room:
    """`pipeline` None: only what the cluster has."""
    from kubenb.actions.started import cluster
    from kubenb.cluster.capacity import look
    from kubenb.show.capacity import Room

    if pipeline is not None:
        _right(pipeline, task)
    with cluster(context) as client:
        own = namespace or client.namespace
        sized = tuple(_sized(pipeline, task, client, own)) if pipeline is not None else ()
        return Room(look(client, own), sized, of_cluster=pipeline is None)


def _sized(pipeline: Pipeline, task: str | None, client: Client, namespace: str) -> Iterator[Sized]:
    from kubenb.cluster.capacity import look
    from kubenb.export.fit import fit
    from kubenb.export.manifest import patched, skeleton
    from kubenb.export.requests import pod_amounts
    from kubenb.show.capacity import Sized

    for plan in pipeline.plans:
        if task in (None, plan.task.name):
            made = patched(skeleton(pipeline, plan), plan.task.options)
            own = made["metadata"].get("namespace") or namespace
            yield Sized(plan.task.name, own, pod_amounts(made["spec"]), fit(made, look(client, own)))


def _right(pipeline: Pipeline, task: str | None) -> None:
    """A task is there, and its options are what they seem."""
    from kubenb.export.checks import check, for_a_run

    problems = errors(for_a_run(check(pipeline)))
    if problems:
        raise KubenbError(problems)
    if task is None:
        return
    names = [each.task.name for each in pipeline.plans]
    if task not in names:
        fix = did_you_mean(task, names) or f"There are: {', '.join(names)}."
        raise refuse(Place(file=pipeline.notebook.path or None), f"there is no task {task}.", fix, "plan.unknown-task")
