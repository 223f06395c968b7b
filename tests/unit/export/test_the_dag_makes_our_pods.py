"""The pod that the operator builds from a DAG file is the manifest, for every option: what was tried is what runs."""

from __future__ import annotations

import bz2
from base64 import b64decode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from kubenb.export.files import export_files
from kubenb.export.manifest import manifest
from kubenb.export.task_notebook import task_notebook
from kubenb.model.options import TASK
from kubenb.model.pipeline import Load, Pipeline
from tests.unit.export.pipelines import code, container, dag_options, flights, pipeline, plan, task
from tests.unit.export.stand_in import Dag, ordered, parse, pod_of


def same_pods(made: Pipeline, folder: Path) -> Dag:
    dag = parse(export_files(made), folder)
    assert list(dag.tasks) == [each.task.name for each in made.plans]
    for each in made.plans:
        text = "" if each.task.kind == "container" else task_notebook(made, each)
        wanted = manifest(made, each, text)
        wanted["metadata"].pop("name")
        assert ordered(pod_of(dag.tasks[each.task.name])) == ordered(wanted), each.task.name
    return dag


def test_tasks_in_a_row_make_our_pods_and_run_in_that_order(tmp_path: Path) -> None:
    dag = same_pods(flights(), tmp_path)
    assert [(name, one.downstream) for name, one in dag.tasks.items()] == [
        ("extract", ["train"]),
        ("train", ["report"]),
        ("report", []),
    ]


@pytest.mark.parametrize("labels", [[], ["a=b"]], ids=["in a plain DAG", "beside a task with options"])
def test_a_large_notebook_travels_compressed(tmp_path: Path, labels: list[str]) -> None:
    """1.4 MB of text in one pod, and the small notebook beside it as it is."""
    large = plan(task("large", "rows = [\n" + "'a row of a table, 1, 2, 3',\n" * 56_000 + "]"))
    made = pipeline(large, plan(task("small", "y = 1", label=labels)))
    dag = same_pods(made, tmp_path)
    env = {item["name"]: item["value"] for item in pod_of(dag.tasks["large"])["spec"]["containers"][0]["env"]}
    assert sum(map(len, env.values())) < 100_000
    assert sha256(bz2.decompress(b64decode(env["KUBENB_NOTEBOOK"]))).hexdigest() == env["KUBENB_NOTEBOOK_SHA256"]
    small = {item["name"]: item["value"] for item in pod_of(dag.tasks["small"])["spec"]["containers"][0]["env"]}
    assert b64decode(small["KUBENB_NOTEBOOK"]).startswith(b"{")


def test_the_limit_of_one_string_is_where_the_dag_file_compresses_too(tmp_path: Path) -> None:
    size = 90_000 - len(task_notebook(pipeline(plan(task("t", "#"))), plan(task("t", "#"))).encode())
    for more in (-1, 0, 1, 2):
        same_pods(pipeline(plan(task("t", "#" * (size + more)))), tmp_path / str(more))


SET = [
    (option.name, {option.field.strip("_"): option.example})
    for option in TASK.values()
    if not option.name.startswith(("map", "max-parallel", "item-resources", "after", "memory-request"))
]
HOSTILE: list[tuple[str, dict[str, Any]]] = [
    (
        "fields and braces in a variable",
        {"env": ["A={{ ds }}", "B={% if %}", "C={{ '", "D=\n", "E=\r\n", "F={# #}", "G={{{ ds }}}"]},
    ),
    ("dollars in a variable", {"env": ["A=$(HOME)", "B=$$", "C=$"]}),
    ("braces in an annotation", {"annotation": ["a={{ ds }}", "b={% raw %}", "c=$(X)"]}),
    ("a field in a sub path", {"volume": "pvc:data -> /data sub=raw/{{ds}}"}),
    ("another user", {"run_as_user": "2000", "volume": "pvc:data -> /data"}),
    (
        "all resources",
        {"cpu": "1", "cpu_limit": "2", "memory": "2Gi", "memory_request": "1Gi", "storage": "1Gi", "gpu": "1"},
    ),
    ("memory alone", {"memory": "1Gi"}),
    ("a claim twice", {"volume": ["pvc:a -> /a", "pvc:a -> /b sub=x ro"]}),
    ("a folder of its own at /tmp", {"volume": "emptydir:1Gi -> /tmp"}),
    (
        "a patch that adds",
        {"pod": "{spec: {hostAliases: [{ip: 10.0.0.1, hostnames: [a]}], containers: [{stdin: true}]}}"},
    ),
    ("a patch that takes away", {"pod": "{spec: {securityContext: null, enableServiceLinks: null}}"}),
    (
        "a patch that replaces",
        {
            "pod": "{spec: {containers: [{image: b/c, env: [{name: HOME, value: /x}], resources: {limits: {cpu: '3'}}}]}}"
        },
    ),
    (
        "a patch with a companion",
        {
            "pod": "{spec: {containers: [{name: side, image: x, command: ['{{ ds }}']}], initContainers: [{name: i, image: y}]}}"
        },
    ),
    ("a patch with braces", {"pod": "{metadata: {annotations: {x: '{{ ds }}'}}, spec: {hostname: 'a{{b'}}"}),
    ("a patch of metadata", {"pod": "{metadata: {labels: {a: b}, namespace: other, finalizers: [x/y]}}"}),
]


@pytest.mark.parametrize(("what", "typed"), [*SET, *HOSTILE], ids=[name for name, _ in [*SET, *HOSTILE]])
@pytest.mark.parametrize("among", ["alone", "others"])
def test_every_option(what: str, typed: dict[str, Any], among: str, tmp_path: Path) -> None:
    typed = {key.rstrip("_") if key != "in_" else key: value for key, value in typed.items()}
    one = task("one", **typed)
    same_pods(
        pipeline(*([one] if among == "alone" else [task("first"), one, task("last", **typed), container("tool")])),
        tmp_path,
    )


@pytest.mark.parametrize(
    ("what", "typed"), [each for each in [*SET, *HOSTILE] if each[0] not in ("pickle", "engine", "xcom")]
)
def test_every_option_of_a_container_task(what: str, typed: dict[str, Any], tmp_path: Path) -> None:
    typed = {key.rstrip("_") if key != "in_" else key: value for key, value in typed.items()}
    words = ("run", "--day", "{{ ds }}", "{% x", "$(HOME)", "a b", "'", "\n", "")
    same_pods(pipeline(container("tool", words, **typed), container("image-s-own", ()), task("last")), tmp_path)


def test_mapped_tasks_keep_their_own_variables(tmp_path: Path) -> None:
    dag = same_pods(
        pipeline(task("one", map="x in [1, 2, 3]", max_parallel="2", env="A={{ ds }}", memory="1Gi"), task("two")),
        tmp_path,
    )
    assert dag.tasks["one"].mapped == {"env_vars": [{"KUBENB_ITEM": "0"}, {"KUBENB_ITEM": "1"}, {"KUBENB_ITEM": "2"}]}
    assert dag.tasks["one"].arguments["max_active_tis_per_dagrun"] == 2
    assert "env_vars" not in dag.tasks["one"].arguments


def test_items_have_their_own_resources(tmp_path: Path) -> None:
    rows = '[{"memory": "1Gi"}, {"memory": "4Gi", "cpu": "2"}]'
    made = pipeline(task("one", map='x in ["a", "b"]', item_resources=rows, cpu="1"))
    dag = parse(export_files(made), tmp_path)
    assert dag.tasks["one"].mapped == [
        {
            "env_vars": {"KUBENB_ITEM": "0"},
            "container_resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        },
        {
            "env_vars": {"KUBENB_ITEM": "1"},
            "container_resources": {"requests": {"cpu": "2", "memory": "4Gi"}, "limits": {"memory": "4Gi"}},
        },
    ]


def test_a_list_made_at_run_time_is_mapped_over(tmp_path: Path) -> None:
    made = pipeline(
        plan(task("months", store="pvc:s"), outputs=["found"]),
        plan(task("each", store="pvc:s", map="m in found"), Load("months", ("found",), ("found",)), outputs=["score"]),
        plan(task("sum", store="pvc:s"), Load("each", ("score",), (), "found"), Load("months", ("found",))),
    )
    dag = same_pods(made, tmp_path)
    assert dag.tasks["each"].mapped == {"env_vars": ("output of", "months")}
    assert dag.tasks["months"].arguments["do_xcom_push"] is True
    assert dag.tasks["sum"].arguments["trigger_rule"] == "none_failed", (
        "no items: the mapped task is skipped, and [] goes on"
    )
    assert "trigger_rule" not in dag.tasks["each"].arguments


COUNTS = [
    ("[1, 2]", 2),
    ("range(3)", 3),
    ("range(2, 10, 3)", 3),
    ("names", 2),
    ("numbers", 4),
    ("tuple_", 2),
    ("again", 2),
]


@pytest.mark.parametrize(("source", "count"), COUNTS)
def test_items_known_at_export(source: str, count: int, tmp_path: Path) -> None:
    constants = code('names = ["a", "b"]\nlast = 5\nnumbers = list(range(1, last))\ntuple_ = (1, 2)\nagain = names')
    made = pipeline(plan(task("one", map=f"x in {source}"), constants))
    dag = parse(export_files(made), tmp_path)
    assert len(dag.tasks["one"].mapped["env_vars"]) == count


def test_data_by_xcom_is_pulled_into_the_follower(tmp_path: Path) -> None:
    made = pipeline(
        plan(task("make-it", store="xcom"), outputs=["x"]),
        plan(task("use", store="xcom"), Load("make-it", ("x",), ("x",))),
    )
    dag = same_pods(made, tmp_path)
    assert dag.tasks["make-it"].arguments["do_xcom_push"] is True
    assert "do_xcom_push" not in dag.tasks["use"].arguments
    env = {item["name"]: item.get("value") for item in pod_of(dag.tasks["use"])["spec"]["containers"][0]["env"]}
    assert env["KUBENB_XCOM_MAKE_IT"] == '{{ ti.xcom_pull("make-it")["kubenb"] }}'


def test_settings_of_the_dag(tmp_path: Path) -> None:
    options = dag_options(
        schedule="0 6 * * 1-5",
        start="2026-01-01",
        end="2026-12-31",
        timezone="Europe/Berlin",
        catchup="true",
        owner="ana",
        tags=["a", "b"],
        description="Delays",
        max_active_runs="1",
        max_active_tasks="4",
        retries="5",
        retry_delay="10m",
        timeout="6h",
        task_timeout="2h",
        on_failure="alerts.page",
        on_success="alerts.cheer",
        connection="k8s",
        in_cluster="false",
    )
    dag = parse(export_files(pipeline(task("one"), task("two", timeout="90s"), dag=options)), tmp_path)
    shown = {
        name: str(value)
        for name, value in dag.arguments.items()
        if name not in ("default_args", "on_failure_callback", "on_success_callback")
    }
    assert shown == {
        "description": "Delays",
        "schedule": "0 6 * * 1-5",
        "start_date": "2026-01-01 00:00:00+01:00",
        "end_date": "2026-12-31 00:00:00+01:00",
        "catchup": "True",
        "max_active_runs": "1",
        "max_active_tasks": "4",
        "dagrun_timeout": "6:00:00",
        "tags": "['a', 'b']",
    }
    one, two = (dag.tasks[name].arguments for name in ("one", "two"))
    names = (
        "owner",
        "retries",
        "retry_delay",
        "kubernetes_conn_id",
        "in_cluster",
        "execution_timeout",
        "active_deadline_seconds",
    )
    assert [str(one[name]) for name in names] == ["ana", "5", "0:10:00", "k8s", "False", "2:00:00", "7500"]
    assert (str(two["execution_timeout"]), two["active_deadline_seconds"]) == ("0:01:30", 390)


ODD_FIRST: list[tuple[str, dict[str, Any]]] = [
    ("user", {"run_as_user": "1001"}),
    ("pull policy", {"image_pull_policy": "Always"}),
    ("account", {"service_account": "runner"}),
    ("image", {"image": "team/odd:1"}),
    ("timeout", {"timeout": "5m"}),
    ("engine", {"engine": "papermill"}),
    ("node", {"node_selector": "pool=batch"}),
    ("label", {"label": "a=b"}),
]


@pytest.mark.parametrize("odd", [1, 2])
@pytest.mark.parametrize(("what", "typed"), ODD_FIRST, ids=[name for name, _ in ODD_FIRST])
def test_a_task_added_by_hand_starts_as_the_defaults_say(
    what: str, typed: dict[str, Any], odd: int, tmp_path: Path
) -> None:
    """Not as the first task, nor as most: what only some tasks say stands with them."""
    mine = plan(task("mine", store="pvc:s"))
    tasks = [*(task(f"odd-{number}", store="pvc:s", **typed) for number in range(odd)), task("plain", store="pvc:s")]
    made = replace(pipeline(*tasks), defaults=mine.task.options)
    same_pods(made, tmp_path / "as-exported")
    files = export_files(made)
    assert '**notebook("plain"))' in files["flights.py"], "the task that says nothing says nothing in the file"
    files["flights.py"] += '    mine = KubernetesPodOperator(**notebook("mine"))\n'
    files["flights/mine.ipynb"] = task_notebook(made, mine)
    wanted = manifest(made, mine, files["flights/mine.ipynb"])
    wanted["metadata"].pop("name")
    assert ordered(pod_of(parse(files, tmp_path / "edited").tasks["mine"])) == ordered(wanted)


def test_callbacks_are_imported_when_they_are_called(tmp_path: Path) -> None:
    dag = parse(export_files(pipeline(task("one"), dag=dag_options(on_failure="not_installed.page"))), tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_installed"):
        dag.arguments["on_failure_callback"]({})


SCHEDULES = [
    ("@daily", "@daily"),
    ("none", None),
    ("90m", "1:30:00"),
    ("asset:prices", ["prices"]),
    ("s3://b/x, asset:y", ["s3://b/x", "y"]),
]


@pytest.mark.parametrize(("typed", "value"), SCHEDULES)
def test_a_schedule_reaches_airflow_as_it_is_meant(typed: str, value: object, tmp_path: Path) -> None:
    found = parse(export_files(pipeline(task("one"), dag=dag_options(schedule=typed))), tmp_path).arguments["schedule"]
    found = [each.name for each in found] if isinstance(found, list) else found
    assert (str(found) if typed == "90m" else found) == value
