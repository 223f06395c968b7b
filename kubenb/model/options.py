"""The one table of options: each is declared once, here, as a field of `TaskOptions` or `DagOptions`.

Parser, printer, help, completion, docs and the "no option is lost" test read the table through `TASK` and `DAG`.
A field's metadata is its row; `kind` names the entry of `kinds.KINDS` that parses and prints the value.
To add an option: a field here, and the line that writes it: CONTRIBUTING.md says where.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from kubenb.model.values import Affinity, FanOut, Gpu, KeyValue, Projection, SecretKey, Toleration, Volume


@dataclass(frozen=True)
class Option:
    """One row: `field` is the Python name, `name` what a user types, `kind` how its text is read, `goes` where the value ends.

    For people: `group` in the lists, `help`, an `example` that can be pasted. `repeats`: it may stand more than once, and is a tuple.
    `default`: what holds where nobody sets it, as a user would type it ('' for nothing); `whose` default that is.
    """

    name: str
    field: str
    kind: str
    group: str
    help: str
    example: str
    goes: str
    repeats: bool
    choices: tuple[str, ...] = ()
    default: str = ""
    whose: str = "kubenb"


def _row(
    kind: str, group: str, help: str, example: str, goes: str, *, name: str = "", many: bool = False, choices: str = "",
    default: str = "", airflow: str = "",
) -> Any:  # fmt: skip
    """`airflow`: the default is Airflow's own, and nothing is written for it."""
    row = {"kind": kind, "group": group, "help": help, "example": example, "goes": goes, "name": name}
    row |= {"default": default or airflow, "whose": "Airflow" if airflow else "kubenb"}
    return field(default=() if many else None, metadata={**row, "many": many, "choices": tuple(choices.split())})


TRIGGER_RULES = (
    "all_success all_failed all_done all_done_min_one_success all_skipped one_failed one_success one_done "
    "none_failed none_failed_min_one_success none_skipped always"
)


@dataclass(frozen=True)
class TaskOptions:
    """All options of a task. None or () = not set."""

    # fmt: off
    cpu: str | None = _row("cpu or auto", "resources", "CPU request, in cores; auto: as measured", "500m", "pod: requests.cpu")
    cpu_limit: str | None = _row("cpu", "resources", "CPU limit (none unless set)", "2", "pod: limits.cpu")
    memory: str | None = _row("bytes or auto", "resources", "memory, request and limit; auto: as measured", "4Gi", "pod: requests.memory, limits.memory")
    memory_request: str | None = _row("bytes", "resources", "memory request, where it is to be below the limit", "2Gi", "pod: requests.memory")
    storage: str | None = _row("bytes", "resources", "ephemeral storage, request and limit", "10Gi", "pod: ephemeral-storage")
    gpu: Gpu | None = _row("gpu", "resources", "GPUs: a count, and the vendor's resource name", "2 amd.com/gpu", "pod: limits")  # noqa: RUF009
    image: str | None = _row("image", "image", "container image; any that has Python", "ghcr.io/team/notebook:1", "pod: image", default="python:3.11-slim")
    image_pull_policy: str | None = _row("choice", "image", "when to pull the image", "Always", "pod: imagePullPolicy", choices="Always IfNotPresent Never", default="IfNotPresent")
    image_pull_secret: tuple[str, ...] = _row("dns-subdomain", "image", "secret with the registry's login", "regcred", "pod: imagePullSecrets", many=True)
    env: tuple[KeyValue, ...] = _row("env", "environment", "environment variable", "LEVEL=info", "pod: env", many=True)
    secret: tuple[Projection, ...] = _row("projection", "environment", "secret into a variable or a folder", "db/password -> DB_PASSWORD", "pod: env or volume", many=True)
    configmap: tuple[Projection, ...] = _row("projection", "environment", "config map into a variable or a folder", "limits -> /etc/limits", "pod: env or volume", many=True)
    google_key: SecretKey | None = _row("secret-key", "environment", "secret with a Google service-account key file (key.json unless named)", "gcp-sa/key.json", "pod: volume and GOOGLE_APPLICATION_CREDENTIALS")  # noqa: RUF009
    volume: tuple[Volume, ...] = _row("volume", "environment", "volume into a folder", "pvc:data -> /data sub=raw ro", "pod: volumes, volumeMounts", many=True)
    node_selector: tuple[KeyValue, ...] = _row("label", "placement", "label that the node must have", "pool=batch", "pod: nodeSelector", many=True)
    toleration: tuple[Toleration, ...] = _row("toleration", "placement", "taint that the task tolerates", "dedicated=ml:NoSchedule", "pod: tolerations", many=True)
    affinity: tuple[Affinity, ...] = _row("affinity", "placement", "node or pod affinity, required or preferred", "prefer 50 node zone in a, b", "pod: affinity", many=True)
    priority_class: str | None = _row("dns-subdomain", "placement", "priority class", "batch-low", "pod: priorityClassName")
    scheduler: str | None = _row("dns-subdomain", "placement", "scheduler", "volcano", "pod: schedulerName")
    runtime_class: str | None = _row("dns-subdomain", "placement", "runtime class", "gvisor", "pod: runtimeClassName")
    namespace: str | None = _row("dns", "identity", "namespace of the pod", "analytics", "pod: metadata.namespace")
    service_account: str | None = _row("dns-subdomain", "identity", "service account (its token is then mounted)", "notebook-runner", "pod: serviceAccountName")
    label: tuple[KeyValue, ...] = _row("label", "identity", "label of the pod", "team=pricing", "pod: labels", many=True)
    annotation: tuple[KeyValue, ...] = _row("annotation", "identity", "annotation of the pod", "contact=ana", "pod: annotations", many=True)
    run_as_user: int | None = _row("positive", "identity", "user id of the container (0 is refused)", "1001", "pod: securityContext.runAsUser", default="1000")
    after: tuple[str, ...] = _row("task", "task", "tasks to wait for, beside those that the data names", "load", "DAG: edges", many=True)
    in_: tuple[str, ...] = _row("variable", "task", "variable read in a way analysis can't see", "rates", "task notebook: load", name="in", many=True)
    out: tuple[str, ...] = _row("variable", "task", "variable made or changed in a way analysis can't see, or to be kept", "model", "task notebook: save", many=True)
    pickle: tuple[str, ...] = _row("variable", "task", "variable that may travel as pickle", "model", "task notebook: save", many=True)
    store: str | None = _row("store", "task", "where data between tasks lies", "gs://bucket/kubenb", "pod: KUBENB_STORE")
    retries: int | None = _row("count", "task", "how often Airflow tries again", "3", "DAG: retries", default="2")
    retry_delay: str | None = _row("duration", "task", "wait between tries", "5m", "DAG: retry_delay", airflow="5m")
    timeout: str | None = _row("duration", "task", "longest run", "2h", "DAG: execution_timeout; pod: activeDeadlineSeconds", default="1d")
    trigger_rule: str | None = _row("choice", "task", "when the task may start", "all_done", "DAG: trigger_rule", choices=TRIGGER_RULES, airflow="all_success")
    pool: str | None = _row("text", "task", "Airflow pool", "warehouse", "DAG: pool", airflow="default_pool")
    queue: str | None = _row("text", "task", "Airflow queue", "kubernetes", "DAG: queue", airflow="default")
    priority: int | None = _row("integer", "task", "Airflow priority weight", "10", "DAG: priority_weight", airflow="1")
    deferrable: bool | None = _row("flag", "task", "wait in the triggerer, not in a worker", "true", "DAG: deferrable", airflow="false")
    on_finish: str | None = _row("choice", "task", "what becomes of the pod", "keep_pod", "DAG: on_finish_action", choices="delete_pod delete_succeeded_pod delete_active_pod keep_pod", airflow="delete_pod")
    map: FanOut | None = _row("fan-out", "task", "one run of the task an item", "month in [1, 2, 3]", "DAG: expand; pod: KUBENB_ITEM")  # noqa: RUF009
    max_parallel: int | None = _row("positive", "task", "most items at once", "4", "DAG: max_active_tis_per_dagrun")
    item_resources: str | None = _row("item-resources", "task", "resources of each item: a literal list of {cpu, memory}, in the items' order", '[{"memory": "1Gi"}, {"memory": "4Gi"}]', "DAG: expand container_resources")
    xcom: tuple[str, ...] = _row("variable", "task", "variable pushed to Airflow as XCom (small, JSON)", "score", "DAG: do_xcom_push; pod: /airflow/xcom", many=True)
    pod: str | None = _row("yaml", "task", "raw patch of the pod, merged last", "{spec: {hostNetwork: false}}", "pod")
    param: tuple[KeyValue, ...] = _row("param", "task", "parameter of the other notebook, for %k8s_notebook alone", "history=6", "task notebook: parameters", many=True)
    profile: str | None = _row("text", "task", "named set of options from kubenb.toml", "large", "the options it names")
    run: str | None = _row("choice", "task", "where the magic runs the cell", "pod", "the magic only", choices="here local pod", default="here")
    detach: bool | None = _row("flag", "task", "with --run pod: leave the pod to itself; %k8s_attach brings its results", "true", "the magic only", default="false")
    engine: str | None = _row("choice", "task", "what runs the notebook in the pod", "papermill", "pod: KUBENB_ENGINE", choices="auto papermill kubenb", default="auto")
    description: str | None = _row("text", "task", "what the task is for", "Train the delay model", "DAG: doc_md")
    # fmt: on


@dataclass(frozen=True)
class DagOptions:
    """All options of `%k8s_dag`; beside them it takes every task option as a default for all tasks."""

    # fmt: off
    id: str | None = _row("dag-id", "dag", "DAG id (the notebook's name unless set)", "flights", "DAG: dag_id")
    schedule: str | None = _row("schedule", "dag", "cron, preset, timedelta or asset", "@daily", "DAG: schedule", default="none")
    start: str | None = _row("date", "dag", "first day", "2026-01-01", "DAG: start_date", default="2024-01-01")
    end: str | None = _row("date", "dag", "last day", "2026-12-31", "DAG: end_date")
    timezone: str | None = _row("timezone", "dag", "time zone of schedule, start and end", "Europe/Berlin", "DAG: start_date's zone", default="UTC")
    catchup: bool | None = _row("flag", "dag", "run the past since start", "true", "DAG: catchup", default="false")
    owner: str | None = _row("text", "dag", "owner", "analytics", "DAG: default_args.owner")
    tags: tuple[str, ...] = _row("tag", "dag", "tag in Airflow's list", "pricing", "DAG: tags", many=True)
    description: str | None = _row("text", "dag", "what the DAG is for", "Delays of flights", "DAG: description")
    max_active_runs: int | None = _row("positive", "dag", "most runs at once", "1", "DAG: max_active_runs", airflow="16")
    max_active_tasks: int | None = _row("positive", "dag", "most tasks at once", "8", "DAG: max_active_tasks", airflow="16")
    retries: int | None = _row("count", "dag", "retries of every task", "3", "DAG: default_args.retries", default="2")
    retry_delay: str | None = _row("duration", "dag", "wait between tries of every task", "5m", "DAG: default_args.retry_delay", airflow="5m")
    timeout: str | None = _row("duration", "dag", "longest DAG run", "6h", "DAG: dagrun_timeout")
    task_timeout: str | None = _row("duration", "dag", "longest run of every task", "2h", "every task's timeout", default="1d")
    on_failure: str | None = _row("dotted", "dag", "callback when a run fails", "alerts.page", "DAG: on_failure_callback")
    on_success: str | None = _row("dotted", "dag", "callback when a run succeeds", "alerts.cheer", "DAG: on_success_callback")
    param: tuple[KeyValue, ...] = _row("param", "dag", "parameter beside the parameters cell, or one filled from an Airflow field", "day={{ ds }}", "DAG: params; pod: KUBENB_PARAMS", many=True)
    in_cluster: bool | None = _row("flag", "dag", "Airflow uses its own pod's credentials", "true", "DAG: in_cluster")
    context: str | None = _row("text", "dag", "kubeconfig context that Airflow uses", "prod", "DAG: cluster_context")
    connection: str | None = _row("text", "dag", "Airflow's Kubernetes connection", "kubernetes_prod", "DAG: kubernetes_conn_id", airflow="kubernetes_default")
    shell_lines: str | None = _row("choice", "dag", "what becomes of pip and shell lines of ordinary cells", "keep", "task notebooks", choices="refuse keep", default="refuse")
    # fmt: on


def _table(owner: type) -> dict[str, Option]:
    rows = {}
    for item in fields(owner):
        meta = item.metadata
        name = meta["name"] or item.name.replace("_", "-")
        rows[name] = Option(
            name,
            item.name,
            meta["kind"],
            meta["group"],
            meta["help"],
            meta["example"],
            meta["goes"],
            meta["many"],
            meta["choices"],
            meta["default"],
            meta["whose"],
        )
        assert item.default is not MISSING
    return rows


TASK: dict[str, Option] = _table(TaskOptions)
DAG: dict[str, Option] = _table(DagOptions)

# What only makes sense for one task: refused as a default for all, on `%k8s_dag` and in the project's settings.
ONE_TASK = frozenset({"after", "in", "out", "map", "item-resources", "xcom", "param"})
