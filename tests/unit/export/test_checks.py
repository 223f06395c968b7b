"""Every rule, as a table: what is wrong, what is said of it, and that what is right is let through."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from kubenb.export.checks import check
from kubenb.model.options import TaskOptions
from kubenb.model.pipeline import Load, Parameter, Pipeline, Plan, Task
from kubenb.model.problems import Place, Problem, Severity, errors
from kubenb.model.values import KeyValue, Projection
from tests.unit.export.pipelines import code, container, dag_options, flights, pipeline, plan, task


def two(first: dict[str, Any], second: dict[str, Any]) -> Pipeline:
    return pipeline(plan(task("one", **first), outputs=["x"]), plan(task("two", **second), Load("one", ("x",))))


def alone(**typed: Any) -> Pipeline:
    return pipeline(task("one", **typed))


def body(source: str, **typed: Any) -> Pipeline:
    return pipeline(task("one", source, **typed), cells=["", "", source])


def raw(**fields: Any) -> Pipeline:
    """Values that the parsers would have refused."""
    return pipeline(Task("one", TaskOptions(image="x", **fields), where=Place(3, 2, "one")))


def scheduled(**typed: Any) -> Pipeline:
    return pipeline(task("one"), dag=dag_options(**typed))


def mapped(source: str, *steps: Any, **typed: Any) -> Pipeline:
    return pipeline(plan(task("one", map=f"x in {source}", **typed), *steps))


def lists(**typed: Any) -> Pipeline:
    first = plan(task("make", store="pvc:s", **typed), outputs=["a", "b"])
    one = plan(task("one", store="pvc:s", map="x in a"), Load("make", ("a",)))
    return pipeline(first, one, plan(task("two", store="pvc:s", map="x in b"), Load("make", ("b",))))


RULES: list[tuple[str, Pipeline, str, str]] = [
    ("data without a store", two({}, {}), "store.missing", "x travels from one to two, but no store is set."),
    (
        "two stores",
        two({"store": "pvc:a"}, {"store": "pvc:b"}),
        "store.differs",
        "x comes from one, which stores in pvc:a",
    ),
    (
        "a folder as store",
        two({"store": "/data/s"}, {"store": "/data/s"}),
        "store.folder",
        "store /data/s is a folder on no volume",
    ),
    (
        "a read-only volume as store",
        alone(store="/d/s", volume="pvc:a -> /d ro"),
        "store.folder",
        "folder on no volume",
    ),
    ("xcom of a container", pipeline(container("one", xcom="x")), "xcom.container", "xcom means nothing"),
    ("xcom of nothing", alone(xcom="score"), "xcom.unknown", "xcom names score, which the task does not make."),
    ("pickle of nothing", alone(pickle="modle"), "pickle.unknown", "pickle names modle, which no task makes."),
    ("two lists of one task", lists(), "map.two-lists", "mapped over a and over b"),
    ("a list and xcom", lists(xcom="a"), "map.xcom", "can't hold more"),
    ("items nobody knows", mapped("names"), "map.unknown", "names is not bound once"),
    ("items bound twice", mapped("names", code("names = [1]\nnames = [2]")), "map.unknown", "not bound once"),
    (
        "items computed",
        mapped("names", code("names = sorted(load())")),
        "map.unknown",
        "is neither a list of constants nor a range",
    ),
    ("no items", mapped("names", code("names = []")), "map.empty", "names has no items"),
    (
        "items of a parameter",
        pipeline(task("one", map="x in names"), parameters=[Parameter("names", [1, 2])]),
        "map.parameter",
        "the 2 items, which Airflow maps over, come from the parameter names",
    ),
    (
        "items by way of a parameter",
        pipeline(
            plan(task("one", map="x in names"), code("names = list(range(1, n + 1))")), parameters=[Parameter("n", 3)]
        ),
        "map.parameter",
        "the 3 items, which Airflow maps over, come from the parameter n",
    ),
    ("a range with no end in sight", mapped("range(len(names))"), "map.unknown", "not a whole number written out"),
    (
        "out of nothing",
        body("rows = [1]", out="rosw"),
        "out.unknown",
        "out names rosw, which does not stand in the cell",
    ),
    (
        "parameters too large",
        pipeline(task("one"), parameters=[Parameter("a", "x" * 140_000)]),
        "size.params",
        "travel in one variable",
    ),
    ("an endless range", mapped("range(2000)"), "map.many", "2000 items; Airflow takes at most 1024"),
    (
        "resources of too many",
        mapped("n", code("n = [1, 2, 3]"), item_resources='[{"cpu": "1"}]'),
        "options.item-resources",
        "has 1 items, map has 3",
    ),
    (
        "items of a mapped task",
        pipeline(
            plan(task("one", store="pvc:s", map="x in [1, 2]"), outputs=["y"]),
            plan(task("two", store="pvc:s", map="z in y"), Load("one", ("y",), (), "[1, 2]")),
        ),
        "map.nested",
        "is itself what the mapped task one left",
    ),
    (
        "a mapped task's data by xcom",
        pipeline(
            plan(task("one", store="xcom", map="x in [1, 2]"), outputs=["y"]),
            plan(task("two", store="xcom"), Load("one", ("y",), (), "[1, 2]")),
        ),
        "store.xcom-map",
        "XCom can't gather it",
    ),
    ("catchup without start", scheduled(schedule="@daily", catchup="true"), "schedule.catchup", "there is no start"),
    (
        "catchup of nothing",
        scheduled(start="2026-01-01", catchup="true"),
        "schedule.catchup",
        "means nothing with schedule none",
    ),
    ("continuous", scheduled(schedule="@continuous"), "schedule.continuous", "one run at a time"),
    ("the 31st of February", scheduled(schedule="0 0 31 2 *"), "schedule.never", "never comes"),
    (
        "a field that is gone",
        alone(env="A={{ execution_date }}"),
        "field.gone",
        "Airflow 3 has no {{ execution_date }}",
    ),
    ("a field nobody has", alone(env="A={{ sd }}"), "field.unknown", "Airflow has no field sd"),
    (
        "a field of a run without a date",
        pipeline(task("one", env="A={{ ds }}")),
        "field.undated",
        "has no value in Airflow 3 when a run has no date",
    ),
    (
        "a field in a param",
        pipeline(task("one"), parameters=[Parameter("a", None, "{{ conf }}")]),
        "field.gone",
        "{{ conf }}",
    ),
    ("a field in a command", pipeline(container("one", ("x", "{{ next_ds }}"))), "field.gone", "{{ next_ds }}"),
    ("failed tasks before none", alone(trigger_rule="one_failed"), "task.trigger", "this one has none before it"),
    (
        "data of a task that may have failed",
        two({"store": "xcom"}, {"store": "xcom", "trigger_rule": "all_done"}),
        "task.trigger-data",
        "takes data from there",
    ),
    (
        "a wait between no tries",
        alone(retries="0", retry_delay="5m"),
        "task.retry-delay",
        "means nothing with retries 0",
    ),
    ("pods that stay", alone(on_finish="keep_pod"), "task.keep-pod", "until somebody deletes them"),
    (
        "a container without an image",
        pipeline(Plan(Task("one", kind="container", command=("x",)))),
        "image.container",
        "needs an image",
    ),
    (
        "no image for what is imported",
        pipeline(Plan(Task("one"), modules=("pandas", "os"))),
        "image.bare",
        "has no pandas",
    ),
    ("a variable of kubenb's", alone(env="HOME=/x"), "env.sealed", "variable HOME is set by kubenb itself"),
    (
        "a hidden variable of kubenb's",
        raw(secret=(Projection("a", "b", env="KUBENB_TASK"),)),
        "env.sealed",
        "KUBENB_TASK",
    ),
    ("a label of Airflow's", alone(label="dag_id=x"), "label.sealed", "set by Airflow itself"),
    ("a label of kubenb's", alone(label="kubenb/dag=x"), "label.sealed", "set by kubenb itself"),
    ("a label twice", alone(label=["a=1", "a=2"]), "label.twice", "set twice"),
    ("root", raw(run_as_user=0), "pod.root", "is root"),
    ("a patch that is no YAML", raw(pod="{"), "pod.patch", "is not YAML"),
    ("a patch beside the pod", alone(pod="{hostNetwork: true}"), "pod.patch", "beside metadata and spec"),
    ("a patch of another kind", alone(pod="{kind: Job}"), "pod.patch", "something else of the pod"),
    ("a patch without a spec", alone(pod="{spec: 3}"), "pod.patch", "something else of the pod"),
    (
        "a patch that takes the container away",
        alone(pod="{spec: {containers: null}}"),
        "pod.base",
        "takes away the task's container",
    ),
    (
        "a patch that deletes the container",
        alone(pod="{spec: {containers: [{name: base, $patch: delete}, {name: x}]}}"),
        "pod.base",
        "takes away",
    ),
    ("a patch with a list that is none", alone(pod="{spec: {containers: 3}}"), "pod.base", "takes away"),
    ("a patch with an entry that is none", alone(pod="{spec: {containers: [3]}}"), "pod.patch", "is not a mapping"),
    (
        "a patch that sets the command",
        alone(pod="{spec: {containers: [{command: [sh]}]}}"),
        "pod.command",
        "sets the command",
    ),
    (
        "a patch of kubenb's variables",
        alone(pod="{spec: {containers: [{env: [{name: KUBENB_DAG, value: x}]}]}}"),
        "env.sealed",
        "KUBENB_DAG",
    ),
    (
        "a patch that YAML reads as no text",
        alone(pod="{spec: {containers: [{env: [{name: A, value: false}]}]}}"),
        "pod.env",
        "reads as no text",
    ),
    ("a patch of a number as annotation", alone(pod="{metadata: {annotations: {a: 1}}}"), "pod.text", "is no text"),
    (
        "a patch of a node's label that is no text",
        alone(pod="{spec: {nodeSelector: {a: 1}}}"),
        "pod.text",
        "is no text",
    ),
    (
        "a patch of a host's name that is no text",
        alone(pod="{spec: {hostname: 5}}"),
        "pod.type",
        "something else than text",
    ),
    ("a patch of a flag that is text", alone(pod="{spec: {hostNetwork: 'no'}}"), "pod.type", "true or false"),
    ("a patch that restarts", alone(pod="{spec: {restartPolicy: Always}}"), "pod.restart", "counts the tries itself"),
    (
        "a patch over the limit",
        alone(memory="1Gi", pod="{spec: {containers: [{resources: {requests: {memory: 2Gi}}}]}}"),
        "pod.limit",
        "more than the limit 1Gi",
    ),
    (
        "a patch with a slip",
        alone(pod="{spec: {containers: [{resources: {requests: {cpu: x}, limits: {cpu: 1}}}]}}"),
        "pod.quantity",
        "not a quantity",
    ),
    ("a patch with the host's network", alone(pod="{spec: {hostNetwork: true}}"), "pod.restricted", "hostNetwork"),
    (
        "a patch with a folder of the host",
        alone(pod="{spec: {volumes: [{name: a, hostPath: {path: /}}]}}"),
        "pod.restricted",
        "hostPath",
    ),
    (
        "a privileged patch",
        alone(pod="{spec: {containers: [{securityContext: {privileged: true}}]}}"),
        "pod.restricted",
        "privileged",
    ),
    ("a root patch", alone(pod="{spec: {securityContext: {runAsUser: 0}}}"), "pod.restricted", "root"),
    (
        "a notebook too large",
        body(f"x = '{random.Random(0).randbytes(800_000).hex()}'"),
        "size.notebook",
        "KiB as a pod carries it, compressed and in base64; at most 900 KiB fit.",
    ),
    ("a variable too large", raw(env=(KeyValue("A", "x" * 140_000),)), "size.value", "the kernel takes"),
    ("an argument too large", pipeline(container("one", ("x", "y" * 140_000))), "size.value", "the kernel takes"),
    (
        "annotations too large",
        raw(annotation=(KeyValue("a", "x" * 300_000),)),
        "size.annotation",
        "Kubernetes takes 256",
    ),
    (
        "variables too large together",
        raw(env=tuple(KeyValue(f"A{n}", "x" * 100_000) for n in range(15))),
        "size.pod",
        "etcd takes",
    ),
    ("a secret in clear", body("x = 1\npassword = 'hunter2'"), "secret.clear", "looks like a password, in clear"),
    ("a prompt", body("name = input('who? ')"), "code.prompt", "input() asks somebody"),
    ("a password prompt", body("import getpass\np = getpass.getpass()"), "code.prompt", "getpass() asks somebody"),
    ("a breakpoint", body("breakpoint()"), "code.prompt", "breakpoint()"),
    (
        "a file of this machine",
        body("df = pd.read_csv('data/x.csv')"),
        "code.file",
        "data/x.csv is a file of this machine",
    ),
    ("a file by open", body("with open('x.txt') as f: pass"), "code.file", "x.txt is a file of this machine"),
    ("a file by Path", body("t = Path('~/x.txt').read_text()"), "code.file", "~/x.txt"),
    (
        "a file of another task",
        pipeline(task("one", "df.to_csv('out.csv')"), task("two", "pd.read_csv('out.csv')")),
        "code.file",
        "is written by task one",
    ),
    ("a magic", body("%matplotlib inline\nx = 1"), "code.ipython", "the image must have IPython"),
    ("a command", body("!ls\nx = 1"), "code.ipython", "the image must have IPython"),
]


@pytest.mark.parametrize(("what", "made", "code_", "text"), RULES, ids=[rule[0] for rule in RULES])
def test_each_rule_finds_what_it_is_for(what: str, made: Pipeline, code_: str, text: str) -> None:
    found = check(made)
    mine = [problem for problem in found if problem.code == code_]
    assert mine, [str(problem) for problem in found]
    assert any(text in problem.what for problem in mine), [problem.what for problem in mine]
    assert all(problem.fix.endswith((".", ")")) and problem.what.rstrip().endswith((".", ")")) for problem in mine)
    assert len(found) == len(set(found))


RIGHT: list[tuple[str, Pipeline]] = [
    ("three tasks", flights()),
    ("a claim as store", two({"store": "pvc:a"}, {"store": "pvc:a"})),
    ("a folder on a volume as store", two(*[{"store": "/d/s", "volume": "pvc:a -> /d"}] * 2)),
    (
        "fields that Airflow has",
        pipeline(
            task(
                "one",
                env=[
                    "A={{ ds }}",
                    "B={{ params.x }}",
                    "C={{ macros.ds_add(ds, 1) }}",
                    "D={{ ti.try_number if params.x is defined else 1 }}",
                ],
            ),
            dag=dag_options(schedule="@daily"),
        ),
    ),
    ("texts in a field", alone(env="A={{ params['sd'] ~ \"execution_date\" }}")),
    (
        "attributes in a field",
        alone(env="A={{ dag_run.conf }}{{ data.x if false else run_id | upper }}".replace("data.x", "params.data")),
    ),
    ("a file that the task wrote", body("df.to_csv('out.csv')\npd.read_csv('out.csv')")),
    ("a file on a volume", body("pd.read_csv('/data/x.csv')", volume="pvc:a -> /data")),
    ("a file of a bucket", body("pd.read_csv('gs://b/x.csv')\npd.read_parquet(f'{x}.parquet')\npd.read_json('[1]')")),
    ("words that only look like magics", body("x = '%time'\ny = 5 % 3\nz = a != b\n# %time")),
    (
        "a patch that names things",
        alone(pod="{spec: {terminationGracePeriodSeconds: 60, hostAliases: [{ip: 10.0.0.1, hostnames: [a]}]}}"),
    ),
    ("a service account", alone(service_account="runner")),
    ("items of a range", mapped("range(12)")),
    ("items by name", mapped("airports", code('airports = ["EWR", "JFK"]'))),
    ("a secret's name", body("import os\npassword = os.environ['PW']", secret="db/password -> PW")),
    ("a yearly day", scheduled(schedule="0 0 29 2 *")),
]


@pytest.mark.parametrize(("what", "made"), RIGHT, ids=[row[0] for row in RIGHT])
def test_what_is_right_is_let_through(what: str, made: Pipeline) -> None:
    assert [str(problem) for problem in check(made) if problem.severity is not Severity.NOTE] == []


def test_the_pipelines_own_problems_are_among_them_and_all_stand_in_order() -> None:

    own = Problem(Place(2, 1), "it is wrong.", "Correct it.", "x.y")
    made = replace(pipeline(task("one", "input()", cell=5), task("two", "input()", cell=4)), problems=(own,))
    assert [problem.where.cell for problem in check(made)] == [2, 4, 5]
    assert own in check(made)


def test_a_run_on_this_machine_needs_no_store_and_may_hold_a_secret() -> None:
    made = pipeline(*two({}, {}).plans, cells=["password = 'hunter2'"])
    assert {problem.code for problem in errors(check(made))} == {"store.missing", "secret.clear"}
    assert errors(check(made, run=True)) == ()


def test_places_are_those_of_the_notebook() -> None:
    source = "x = 1\nname = input()\npd.read_csv('a.csv')"
    found = {problem.code: problem.where for problem in check(pipeline(task("one", source, cell=7)))}
    assert (found["code.prompt"].cell, found["code.prompt"].line, found["code.file"].line) == (7, 3, 4)
