"""What is asked before a run, without a cluster: what a pod names, what its tasks ask for together, what a Role grants."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from kubenb import actions
from kubenb.cluster.named import names
from kubenb.cluster.roles import role
from kubenb.cluster.room import asks, short
from kubenb.model.problems import KubenbError

Part = dict[str, Any]


def pod(container: Part | None = None, **spec: Any) -> Part:
    return {"metadata": {"namespace": "data"}, "spec": {"containers": [{"name": "base", **(container or {})}], **spec}}


def env(kind: str, name: str, key: str, **more: Any) -> Part:
    return {"env": [{"name": "X", "valueFrom": {kind: {"name": name, "key": key, **more}}}]}


NAMED = {
    "a variable of a secret": (pod(env("secretKeyRef", "db", "pw")), [("secrets/db", "secret", ("pw",))]),
    "a variable of a config map": (pod(env("configMapKeyRef", "app", "level")), [("configmaps/app", "configmap", ("level",))]),
    "an optional one": (pod(env("secretKeyRef", "db", "pw", optional=True)), []),
    "all of a secret": (pod({"envFrom": [{"secretRef": {"name": "db"}}]}), [("secrets/db", "secret", ())]),
    "all of a config map": (pod({"envFrom": [{"configMapRef": {"name": "app"}}]}), [("configmaps/app", "configmap", ())]),
    "an init container's": (pod(initContainers=[env("secretKeyRef", "db", "pw")]), [("secrets/db", "secret", ("pw",))]),
    "a folder of a secret": (
        pod(volumes=[{"name": "v", "secret": {"secretName": "db", "items": [{"key": "pw", "path": "x"}]}}]),
        [("secrets/db", "secret", ("pw",))],
    ),
    "a folder of a config map": (pod(volumes=[{"name": "v", "configMap": {"name": "app"}}]), [("configmaps/app", "configmap", ())]),
    "a folder of several": (
        pod(volumes=[{"name": "v", "projected": {"sources": [{"secret": {"name": "db"}}, {"configMap": {"name": "app"}}]}}]),
        [("secrets/db", "secret", ()), ("configmaps/app", "configmap", ())],
    ),
    "an optional folder": (pod(volumes=[{"name": "v", "secret": {"secretName": "db", "optional": True}}]), []),
    "a claim": (
        pod(volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "big"}}]),
        [("persistentvolumeclaims/big", "volume", ())],
    ),
    "a scratch folder": (pod(volumes=[{"name": "v", "emptyDir": {}}]), []),
    "an account": (pod(serviceAccountName="runner"), [("serviceaccounts/runner", "service-account", ())]),
    "a registry's login": (pod(imagePullSecrets=[{"name": "reg"}]), [("secrets/reg", "image-pull-secret", ())]),
    "nothing": (pod(), []),
}  # fmt: skip


@pytest.mark.parametrize("case", NAMED)
def test_all_that_a_pod_names_is_looked_for(case: str) -> None:
    given, expected = NAMED[case]
    found = [(each.path.removeprefix("/api/v1/namespaces/data/"), each.option, each.keys) for each in names(given)]
    assert found == expected


def sized(memory: str, **limits: str) -> Part:
    return pod({"resources": {"requests": {"memory": memory}, "limits": limits}})


def quota(hard: dict[str, str], used: dict[str, str] | None = None, **spec: Any) -> Part:
    return {"metadata": {"name": "team"}, "spec": spec, "status": {"hard": hard, "used": used or {}}}


@pytest.mark.parametrize(
    ("pods", "quotas", "expected"),
    [
        ([sized("1Gi")] * 3, [quota({"requests.memory": "4Gi"})], []),
        ([sized("1Gi")] * 3, [quota({"requests.memory": "4Gi"}, {"requests.memory": "2Gi"})],
         [("team", "requests.memory", "3.0 GiB", "2.0 GiB")]),
        ([sized("1Gi")] * 3, [quota({"memory": "2Gi"})], [("team", "memory", "3.0 GiB", "2.0 GiB")]),
        ([sized("1Gi", cpu="500m")] * 3, [quota({"limits.cpu": "1"})], [("team", "limits.cpu", "1.5", "1")]),
        ([sized("1Gi", cpu="500m")] * 3, [quota({"requests.cpu": "1"})], [("team", "requests.cpu", "1.5", "1")]),
        ([sized("1Gi")] * 3, [quota({"pods": "10"}, {"pods": "8"})], [("team", "pods", "3", "2")]),
        ([sized("1Gi")] * 3, [quota({"pods": "1"}, {"pods": "2"})], [("team", "pods", "3", "0")]),
        ([sized("1Gi")] * 3, [quota({"pods": "1"}, scopes=["BestEffort"])], []),
        ([sized("1Gi")] * 3, [quota({"configmaps": "1"})], []),
    ],
)  # fmt: skip
def test_what_tasks_ask_for_together_is_compared_with_what_is_left(
    pods: list[Part], quotas: list[Part], expected: list[tuple[str, str, str, str]]
) -> None:
    assert short(pods, quotas) == expected


def test_an_init_container_counts_only_where_it_asks_for_more() -> None:
    given = sized("1Gi")
    given["spec"]["initContainers"] = [{"resources": {"requests": {"memory": "3Gi"}}}]
    assert asks(given)["requests.memory"] == 3 * 2**30


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("ana@example.org", {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "ana@example.org"}),
        ("user:ana", {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "ana"}),
        ("group:analysts", {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "analysts"}),
        ("serviceaccount:ops/airflow", {"kind": "ServiceAccount", "name": "airflow", "namespace": "ops"}),
    ],
)
def test_a_role_is_bound_to_whom_it_is_for(subject: str, expected: Part) -> None:
    made, binding = yaml.safe_load_all(role("user", "data", subject))
    assert binding["subjects"] == [expected]
    assert (made["metadata"], binding["roleRef"]["name"]) == ({"name": "kubenb", "namespace": "data"}, "kubenb")


@pytest.mark.parametrize("subject", ['a"b', "a\nb", "x: y", "{", "'"])
def test_no_name_can_add_to_the_role(subject: str) -> None:
    made, binding = yaml.safe_load_all(role("user", "data", subject))
    assert [each["name"] for each in binding["subjects"]] == [subject]
    assert made["rules"] == next(yaml.safe_load_all(role("user", "data", "ana")))["rules"]


@pytest.mark.parametrize("namespace", ["Data", "a b", "x}\n", ""])
def test_a_namespace_that_is_none_is_refused(namespace: str) -> None:
    with pytest.raises(KubenbError, match="namespace"):
        actions.rbac("user", namespace, "ana")
