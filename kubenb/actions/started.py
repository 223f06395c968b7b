"""The verbs about pods that were started, and about the cluster they run on: `kubenb.actions` has them all.

In: a kubeconfig's context, names. Out: values that show themselves. What a cluster says no to comes out as problems. Next
rooms: `kubenb.cluster.runs`, `doctor`, `roles`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kubenb.model.problems import KubenbError, Place, refuse

if TYPE_CHECKING:
    from kubenb.cluster.client import Client
    from kubenb.cluster.runs import Started
    from kubenb.model.pipeline import Pipeline
    from kubenb.run.events import Progress, Run
    from kubenb.run.runner import Wish
    from kubenb.show.cluster import Findings, Text
    from kubenb.show.table import Table


def runs(context: str | None = None, namespace: str | None = None, *, everyone: bool = False) -> Table:
    """The pods that were started from notebooks and shells: this user's, or everyone's. `namespace` '': of all namespaces."""
    from kubenb.run.owner import owner
    from kubenb.show.cluster import runs_table

    with cluster(context) as client:
        found = _everywhere(client, namespace, None if everyone else owner())
    return runs_table(found, f"context {client.context}")


def logs(name: str, context: str | None = None, namespace: str | None = None, *, follow: bool = False) -> Iterator[str]:
    """The log of a started task (by its task's or pod's name), in blocks of lines; with `follow` until it ends."""
    from kubenb.cluster import logs as of

    with cluster(context) as client:
        each = one_started(client, name, namespace)
        if not follow:
            yield of.tail(client, each.namespace, each.name)
            return
        for block in of.follow(client, each.namespace, each.name):
            yield of.without_marks(block).decode("utf-8", "replace")


def attach(
    name: str,
    to: Path,
    context: str | None = None,
    namespace: str | None = None,
    *,
    show: Callable[[str, str], Progress],
) -> Run:
    """Waits for a started task, from its log's beginning; its results come into a folder below `to`. `show` makes the
    progress of a task's name and a context. Ctrl-C lets the pod be: the outcome is 'detached'.
    """
    from kubenb.cluster.runs import named
    from kubenb.run.attached import attach as wait

    with cluster(context) as client:
        newest = one_started(client, name, namespace, own=True)
        if "task" not in newest.about:
            raise refuse(Place(), f"pod {newest.name} was not started from a notebook.", "", "runs.not-ours")
        run = newest.about.get("run")
        found = [each for each in named(_started(client, newest.namespace, None), name) if each.about.get("run") == run]
        folder = to / f"attached-{newest.name}"
        folder.mkdir(parents=True, exist_ok=True)
        return wait(client, found or [newest], folder, show(name, client.context))


def start(pipeline: Pipeline, to: Path, wish: Wish, show: Callable[[str], Progress], *, detach: bool = False) -> Run:
    """Runs a notebook's cell, packaged, in a pod of the current context. `show` makes the progress of a context's name."""
    from kubenb.run.pods import Where, run_pods

    with cluster(None) as client:
        within_policy(pipeline, client.namespace)
        return run_pods(pipeline, to, Where(client, detach=detach, check=False), wish, show(client.context))


def within_policy(pipeline: Pipeline, namespace: str) -> None:
    """Refuses pods that a policy bars; `namespace`: where they go unless they say so themselves."""
    from kubenb.export.check_policy import of_pods

    barred = of_pods(pipeline, namespace)
    if barred:
        raise KubenbError(barred)


def stop(name: str, context: str | None = None, namespace: str | None = None) -> Table:
    """Ends the started pods of that task, pod or run."""
    from kubenb.cluster.runs import end, named
    from kubenb.run.owner import owner
    from kubenb.show.cluster import ended_table

    with cluster(context) as client:
        found = named(_started(client, namespace, owner()), name) or [one_started(client, name, namespace, own=True)]
        ended = [(each, "you asked for it") for each in found if end(client, each)]
    return ended_table(ended, f"context {client.context}")


def gc(context: str | None = None, namespace: str | None = None, *, everyone: bool = False) -> Table:
    """Ends pods that nobody waits for any more: their kernel or shell was killed. `namespace` '': in all namespaces."""
    from kubenb.cluster.runs import sweep
    from kubenb.run.owner import owner
    from kubenb.show.cluster import ended_table

    with cluster(context) as client:
        ended = sweep(client, _started(client, namespace, None if everyone else owner()))
    return ended_table(ended, f"context {client.context}")


def doctor(context: str | None = None, namespace: str | None = None) -> Findings:
    """What stands between this user and a pod: the server, rights, quota, limits."""
    from kubenb.cluster.doctor import examine
    from kubenb.show.cluster import Findings

    with cluster(context) as client:
        where = namespace or client.namespace
        found = tuple(examine(client, where))
    return Findings(f"Context {client.context}, namespace {where}", found)


def rbac(who: str = "user", namespace: str = "default", subject: str = "", *, xcom: bool = False) -> Text:
    """The Role and RoleBinding that a run needs, for a notebook's user or for Airflow's worker ('airflow')."""
    from kubenb.cluster.roles import role
    from kubenb.model.kinds import KINDS
    from kubenb.model.values import BadValue
    from kubenb.show.cluster import Text

    if who not in ("user", "airflow"):
        raise refuse(Place(), f"there is no role for {who}.", "Write user or airflow.", "rbac.who")
    try:
        KINDS["dns"].parse(namespace)
    except BadValue as bad:
        raise refuse(Place(), f"namespace {bad.what}", bad.fix, "rbac.namespace") from None
    return Text(role(who, namespace, subject, xcom))  # type: ignore[arg-type]


@contextmanager
def cluster(context: str | None) -> Iterator[Client]:
    """A client; what the cluster says no to comes out as problems."""
    from kubenb.cluster.client import connect
    from kubenb.cluster.errors import as_problems

    with as_problems():
        yield connect(context)


def _started(client: Client, namespace: str | None, owner: str | None) -> list[Started]:
    from kubenb.cluster.runs import started

    return started(client, namespace, owner)


def _everywhere(client: Client, namespace: str | None, owner: str | None) -> list[Started]:
    """In all namespaces where none is named and this user may look there, as a notebook may name any; else in the context's."""
    from kubenb.cluster.errors import ApiError

    if namespace is None:
        try:
            return _started(client, "", owner)
        except ApiError as error:
            if error.status != 403:
                raise
    return _started(client, namespace, owner)


def one_started(client: Client, name: str, namespace: str | None, own: bool = False) -> Started:
    """The newest of that name; this user's first, as two users may have a task of one name. `own`: another user's only by
    its pod's full name, so that nobody ends or takes it by mistake.
    """
    from kubenb.cluster.runs import named
    from kubenb.run.owner import owner

    everyones = _started(client, namespace, None)
    found = named(everyones, name)
    if not found:
        everyones = _everywhere(client, namespace, None)
        found = named(everyones, name)
    mine = [each for each in found if each.owner == owner()]
    if not found:
        there = ", ".join(dict.fromkeys(each.task for each in everyones))
        fix = f"There are: {there}." if there else "`kubenb runs` lists them."
        raise refuse(Place(), f"there is no started task {name} in context {client.context}.", fix, "runs.unknown")
    if own and not mine and found[-1].name != name:
        what = f"{name} in context {client.context} was started by {found[-1].owner}, not by you."
        raise refuse(Place(), what, f"If you mean it, give its pod's name: {found[-1].name}.", "runs.not-yours")
    return (mine or found)[-1]
