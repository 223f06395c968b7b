"""What a cluster says before a pod is made: `kubenb check --context`, `kubenb doctor`, and the Role of `kubenb rbac`."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from kubenb import actions
from kubenb.cli.start import kubenb as command_line
from kubenb.cluster.rights import NEEDED
from kubenb.model.problems import Severity

pytestmark = pytest.mark.cluster
IMAGE = "kubenb.test/python:3.11"


def pipeline(folder: Path, *headers: str, dag: str = "") -> Path:
    """A script with a task for each header; none needs another."""
    path = folder / "tried.py"
    cells = [f"# %%\n# %k8s_dag tried --image {IMAGE} --memory 64Mi {dag}"]
    for number, header in enumerate(headers):
        first, *more = header.split("\n")
        options = "".join(f"#| {line}\n" for line in more)
        cells.append(f"# %%\n# %%k8s_task task{number} {first}\n{options}value{number} = {number}")
    path.write_text("\n\n".join(cells) + "\n")
    return path


@pytest.fixture
def asked(here: Path, monkeypatch: pytest.MonkeyPatch, context: str) -> str:
    """The context, found as a user's."""
    monkeypatch.setenv("KUBECONFIG", str(here))
    return context


@pytest.fixture
def bounds(oracle: Any, namespace: str) -> Callable[..., None]:
    """Puts a quota or limits into the namespace, and waits until they hold."""

    def put(hard: dict[str, str] | None = None, limits: dict[str, Any] | None = None) -> None:
        if limits:
            oracle.create_namespaced_limit_range(
                namespace, {"metadata": {"name": "bounds"}, "spec": {"limits": [limits]}}
            )
        if hard:
            oracle.create_namespaced_resource_quota(namespace, {"metadata": {"name": "team"}, "spec": {"hard": hard}})
            while not oracle.read_namespaced_resource_quota("team", namespace).status.hard:
                time.sleep(0.05)

    return put


LACKING = [
    ("secret: absent/key -> KEY", "there is no secret absent in the namespace.", "secret"),
    ("secret: there/pasword -> KEY", "the secret there has no key pasword; it has password.", "secret"),
    ("secret: absent -> /etc/key", "there is no secret absent in the namespace.", "secret"),
    ("configmap: absent -> /etc/limits", "there is no config map absent in the namespace.", "configmap"),
    ("configmap: there/lvl -> LEVEL", "the config map there has no key lvl; it has level.", "configmap"),
    ("volume: pvc:absent -> /data", "there is no volume claim absent in the namespace.", "volume:` or `#| store"),
    ("image-pull-secret: absent", "there is no secret absent in the namespace.", "image-pull-secret"),
    ("service-account: absent", "there is no service account absent in the namespace.", "service-account"),
    ("priority-class: absent", "there is no priority class absent in the cluster.", "priority-class"),
    ("runtime-class: absent", "there is no runtime class absent in the cluster.", "runtime-class"),
]


@pytest.fixture
def there(oracle: Any, namespace: str) -> None:
    """A secret and a config map."""
    oracle.create_namespaced_secret(namespace, {"metadata": {"name": "there"}, "stringData": {"password": "x"}})
    oracle.create_namespaced_config_map(namespace, {"metadata": {"name": "there"}, "data": {"level": "x"}})


@pytest.mark.usefixtures("there")
def test_every_name_that_is_not_there_is_named_with_its_task(
    asked: str, tmp_path: Path, oracle: Any, namespace: str
) -> None:
    report = actions.check(pipeline(tmp_path, *(f"\n{header}" for header, *_ in LACKING)), context=asked)
    found = {(problem.where.task, problem.what, problem.fix) for problem in report.problems}
    assert found == {
        (f"task{number}", what, f"Make it, or mend the name in `#| {option}:`.")
        for number, (_, what, option) in enumerate(LACKING)
    }
    assert not report.ok
    assert oracle.list_namespaced_pod(namespace).items == []


@pytest.mark.usefixtures("there")
def test_a_pipeline_that_the_cluster_takes_has_no_problems_and_nothing_is_made(
    asked: str, tmp_path: Path, oracle: Any, namespace: str
) -> None:
    oracle.patch_namespace(namespace, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})
    headers = ("\nsecret: there/password -> KEY\nconfigmap: there -> /etc/limits", "--cpu 100m")
    report = actions.check(pipeline(tmp_path, *headers), context=asked)
    assert str(report).startswith(f"{tmp_path / 'tried.py'}: no problems (2 tasks, asked the cluster of context")
    assert oracle.list_namespaced_pod(namespace).items == []


def test_a_quota_that_one_task_exceeds_is_an_error(asked: str, tmp_path: Path, bounds: Callable[..., None]) -> None:
    bounds({"requests.memory": "100Mi"})
    report = actions.check(pipeline(tmp_path, "--memory 64Mi", "--memory 200Mi"), context=asked)
    wrong = [problem for problem in report.problems if problem.severity is Severity.ERROR]
    assert [problem.where.task for problem in wrong] == ["task1"]
    assert wrong[0].what == (
        "the quota team of the namespace does not leave room: "
        "the task asked for 200Mi of requests.memory, and 0 of 100Mi are taken."
    )


def test_tasks_that_fit_one_by_one_but_not_at_once_are_told_before(
    asked: str, tmp_path: Path, bounds: Callable[..., None]
) -> None:
    bounds({"requests.memory": "150Mi", "pods": "10"})
    report = actions.check(pipeline(tmp_path, "", "", ""), context=asked)
    assert report.ok
    assert [str(problem) for problem in report.problems] == [
        "task0, task1 and task2 can run at once and ask for 192 MiB of requests.memory together, but the quota team of the "
        "namespace has 150 MiB left. Run with a --parallel below 3, or ask for less."
    ]


def test_a_run_says_them_too_unless_fewer_run_at_once(asked: str, tmp_path: Path, bounds: Callable[..., None]) -> None:
    bounds({"requests.memory": "150Mi", "pods": "10"})
    words = ["run", str(pipeline(tmp_path, "", "", "")), "--on", asked, "--to", str(tmp_path / "out")]
    done = CliRunner().invoke(command_line, words)
    assert done.exit_code == 0, done.output
    assert (
        "warning: task0, task1 and task2 can run at once and ask for 192 MiB of requests.memory together" in done.output
    )
    # the third waits until there is room again
    assert (
        "waiting for room: the quota team of the namespace does not leave room: the task asked for 64Mi" in done.output
    )
    done = CliRunner().invoke(command_line, [*words, "--fresh", "--parallel", "1"])
    assert done.exit_code == 0, done.output
    assert "can run at once" not in done.output


def test_a_pipeline_without_a_store_is_asked_about_as_it_can_be_run(asked: str, tmp_path: Path) -> None:
    path = tmp_path / "tried.py"
    path.write_text(
        f"# %%\n# %k8s_dag tried --image {IMAGE} --memory 64Mi\n\n# %%\n# %%k8s_task a\nx = 1\n\n"
        "# %%\n# %%k8s_task b --service-account nobody\ny = x\n"
    )
    report = actions.check(path, context=asked)
    assert {problem.code for problem in report.problems} >= {"store.missing", "cluster.forbidden"}


def test_limits_are_named_and_a_default_limit_is_no_surprise(
    asked: str, tmp_path: Path, bounds: Callable[..., None]
) -> None:
    bounds(limits={"type": "Container", "max": {"memory": "100Mi"}, "default": {"memory": "80Mi"}})
    path = pipeline(tmp_path, "--memory 200Mi", "")
    path.write_text(path.read_text().replace("--memory 64Mi", ""))
    report = actions.check(path, context=asked)
    assert [(problem.where.task, problem.severity.value, problem.what) for problem in report.problems] == [
        ("task0", "error", "the limits of the namespace allow at most 100Mi of memory for a container, but the limit is 200Mi."),
        ("task1", "note", "the namespace gives this task a memory limit of 80Mi, as it says none itself."),
    ]  # fmt: skip


def test_pod_security_names_what_it_forbids(asked: str, tmp_path: Path, oracle: Any, namespace: str) -> None:
    oracle.patch_namespace(namespace, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})
    report = actions.check(pipeline(tmp_path, "\npod: {spec: {hostNetwork: true}}"), context=asked)
    assert [each.where.task for each in report.problems if each.code == "cluster.forbidden"] == ["task0"]
    assert "Pod Security level restricted forbids this pod: host namespaces (hostNetwork=true)" in str(report)


def test_a_namespace_that_is_not_there_is_the_one_thing_said(asked: str, tmp_path: Path) -> None:
    report = actions.check(pipeline(tmp_path, "\nsecret: x/y -> KEY", ""), context=asked, namespace="kubenb-absent")
    assert [problem.what for problem in report.problems] == ["there is no namespace kubenb-absent in the cluster."]


# --- rights


class Person:
    """A service account that may do what a Role says, and its kubeconfig."""

    def __init__(self, oracle: Any, namespace: str, here: Path) -> None:
        from kubernetes import client

        self.rbac: Any = client.RbacAuthorizationV1Api(oracle.api_client)
        self.namespace = namespace
        oracle.create_namespaced_service_account(namespace, {"metadata": {"name": "ana"}})
        token = oracle.create_namespaced_service_account_token("ana", namespace, {"spec": {}}).status.token
        config = yaml.safe_load(here.read_text())
        config["users"] = [{"name": each["name"], "user": {"token": token}} for each in config["users"]]
        self.config = here.with_name("ana")
        self.config.write_text(json.dumps(config))

    def may(self, text: str) -> None:
        """Applies what `kubenb rbac` printed."""
        role, binding = yaml.safe_load_all(text)
        self.rbac.create_namespaced_role(self.namespace, role)
        self.rbac.create_namespaced_role_binding(self.namespace, binding)
        self.name, self.rules = role["metadata"]["name"], role["rules"]

    def may_only(self, rules: list[dict[str, Any]]) -> None:
        """Takes rights away."""
        role = self.rbac.read_namespaced_role(self.name, self.namespace)
        role.rules = rules
        self.rbac.replace_namespaced_role(self.name, self.namespace, role)


def without(rules: list[dict[str, Any]], verb: str, resource: str) -> list[dict[str, Any]]:
    """The rules, less one verb on one resource."""
    left = [
        {**rule, "verbs": [v for v in rule["verbs"] if v != verb or resource not in rule["resources"]]}
        for rule in rules
    ]
    return [rule for rule in left if rule["verbs"]]


@pytest.fixture
def ana(oracle: Any, namespace: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    """One who may do what `kubenb rbac` grants, and nothing else."""
    person = Person(oracle, namespace, here)
    person.may(str(actions.rbac("user", namespace, f"serviceaccount:{namespace}/ana")))
    monkeypatch.setenv("KUBECONFIG", str(person.config))
    return person


@pytest.mark.usefixtures("ana")
def test_who_has_the_printed_role_can_check_and_run(context: str, tmp_path: Path) -> None:
    path = pipeline(tmp_path, "")
    assert actions.check(path, context=context).problems == ()
    results = actions.run(path, tmp_path / "out", on=context)
    assert results.ok, str(results)


def test_each_verb_that_is_taken_away_is_named_before_a_run(ana: Person, context: str, tmp_path: Path) -> None:
    path = pipeline(tmp_path, "")
    for right in NEEDED:
        ana.may_only(without(ana.rules, right.verb, right.resource))
        said = ""
        until = time.monotonic() + 10
        while f": {right} (" not in said and time.monotonic() < until:
            report = actions.check(path, context=context)
            said = str(report)
        assert f"this user may not do all that a run needs in namespace {ana.namespace}: {right} ({right.why})." in said
        assert [problem.code for problem in report.problems if problem.severity is Severity.ERROR] == ["cluster.rights"]


def test_the_printed_role_grants_no_more_than_is_asked_for(ana: Person) -> None:
    granted = {(verb, kind) for rule in ana.rules for kind in rule["resources"] for verb in rule["verbs"]}
    looked_at = {("get", kind) for kind in ("configmaps", "persistentvolumeclaims", "serviceaccounts")}
    looked_at |= {("list", "resourcequotas"), ("list", "limitranges")}
    assert granted == {(right.verb, right.resource) for right in NEEDED} | {("list", "events")} | looked_at


@pytest.mark.usefixtures("ana", "there")
def test_what_may_not_be_looked_at_is_said_so_and_not_guessed(context: str, tmp_path: Path) -> None:
    headers = ("\nsecret: there/password -> KEY", "\nsecret: absent/password -> KEY")
    report = actions.check(pipeline(tmp_path, *headers), context=context)
    assert report.ok
    unsure = "can't be told: this user may not look. Make sure of it, or ask for the right to look."
    assert [str(problem) for problem in report.problems] == [
        f"cell 2, line 1 (task0): whether there is a secret there {unsure}",
        f"cell 3, line 1 (task1): whether there is a secret absent {unsure}",
    ]


def test_airflows_role_is_the_operators_own_and_exec_only_for_xcoms(namespace: str) -> None:
    def granted(text: str) -> set[tuple[str, str]]:
        rules = next(iter(yaml.safe_load_all(text)))["rules"]
        return {(verb, kind) for rule in rules for kind in rule["resources"] for verb in rule["verbs"]}

    plain = granted(str(actions.rbac("airflow", namespace)))
    assert {kind for _, kind in plain} == {"pods", "pods/log", "events"}
    xcom = granted(str(actions.rbac("airflow", namespace, xcom=True)))
    assert xcom - plain == {("create", "pods/exec"), ("get", "pods/exec")}


# --- the doctor


def test_the_doctor_says_what_is_there(asked: str, namespace: str, bounds: Callable[..., None]) -> None:
    bounds({"requests.memory": "1Gi"}, {"type": "Container", "max": {"memory": "512Mi"}})
    found = actions.doctor(asked)
    text = str(found)
    assert found.ok, text
    for said in (
        r"server +ok +https://\S+ answers in \d+ ms: Kubernetes v1\.",
        r"user +ok +\S+",
        rf"namespace +ok +{namespace}, Pod Security not enforced",
        rf"rights +ok +all that a run needs in namespace {namespace}",
        r"quota +ok +requests\.memory 0 of 1Gi",
        r"limits +ok +max memory 512Mi",
        r"a pod +ok +the cluster would take one",
    ):
        assert re.search(said, text), text


def test_the_doctor_says_what_is_missing_and_how_to_get_it(ana: Person, context: str) -> None:
    ana.may_only(without(ana.rules, "create", "pods/exec"))
    until = time.monotonic() + 10
    found = actions.doctor(context)
    while found.ok and time.monotonic() < until:
        found = actions.doctor(context)
    text = str(found)
    assert re.search(
        r"rights +missing +may not create pods/exec, needed to hand values over to them and back. `kubenb rbac`", text
    )
    assert re.search(r"namespace +not known +this user may not look at it", text)
    assert re.search(rf"user +ok +system:serviceaccount:{ana.namespace}:ana", text)


def test_the_doctor_stops_at_a_namespace_that_is_not_there(asked: str) -> None:
    found = actions.doctor(asked, "kubenb-absent")
    assert not found.ok
    assert str(found).splitlines()[-1].endswith("there is no namespace kubenb-absent. Name another with --namespace.")


# --- the command line


def invoke(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(command_line, [str(word) for word in words], prog_name="kubenb")
    return done.exit_code, done.output


def test_the_commands_say_it_with_their_exit_code(asked: str, tmp_path: Path, namespace: str) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.mkdir()
    bad.mkdir()
    assert invoke("check", pipeline(good, ""), "--context", asked)[0] == 0
    code, text = invoke("check", pipeline(bad, "\nsecret: absent/key -> KEY"), "--context", asked)
    assert (code, "there is no secret absent in the namespace." in text) == (1, True)
    code, text = invoke("check", pipeline(bad, "\nsecret: absent/key -> KEY"), "--context", asked, "--json")
    assert [each["code"] for each in json.loads(text)["problems"]] == ["cluster.missing"]
    code, text = invoke("doctor", "--context", asked)
    assert (code, f"Context {asked}, namespace {namespace}" in text) == (0, True)
    assert invoke("doctor", "--context", asked, "-n", "kubenb-absent")[0] == 1
    assert json.loads(invoke("doctor", "--context", asked, "--json")[1])["ok"]
    code, text = invoke("rbac", "--namespace", namespace, "--subject", "group:analysts")
    assert (code, [each["kind"] for each in yaml.safe_load_all(text)]) == (0, ["Role", "RoleBinding"])


def test_a_context_that_is_not_there_is_named(asked: str, tmp_path: Path) -> None:
    code, text = invoke("check", pipeline(tmp_path, ""), "--context", asked + "x")
    assert (code, f"the kubeconfig has no context {asked}x. Did you mean {asked}?" in text) == (1, True)


def test_a_module_that_an_image_lacks_is_named_with_its_task(
    asked: str, tmp_path: Path, oracle: Any, namespace: str
) -> None:
    path = tmp_path / "two.py"
    plain = "# %%\n# %%k8s_task plain\nimport json\nimport pandas\nrows = len(json.dumps([pandas.__name__]))"
    full = "# %%\n# %%k8s_task full --image kubenb.test/papermill:1\nimport pandas\nname = pandas.__name__"
    path.write_text(f"# %%\n# %k8s_dag two --image {IMAGE} --memory 64Mi\n\n{plain}\n\n{full}\n")
    code, text = invoke("check", path, "--context", asked, "--images")
    assert code == 1, text
    assert f"cell 2, line 1 (plain): image {IMAGE} has no module pandas (task plain imports it)." in text
    assert ("json" in text, "(full)" in text) == (False, False)
    assert [pod.metadata.deletion_timestamp is None for pod in oracle.list_namespaced_pod(namespace).items] == []
