"""A platform team's policy over a pipeline: what it bars, in which words; and that what is right is let through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubenb.export.check_policy import of_pods
from kubenb.export.checks import check, for_a_run
from kubenb.model.pipeline import Pipeline
from kubenb.model.policy import Policy
from kubenb.model.problems import Place
from kubenb.notebook.policy import parse_policy
from tests.unit.export.pipelines import dag_options, pipeline, task


def policy(path: str = "p.toml", **tables: Any) -> Policy:
    """As a file would say it."""
    found = parse_policy(tables, path)
    assert found.problems == ()
    return found


def options(**rules: Any) -> Policy:
    return policy(options={name.replace("_", "-"): rule for name, rule in rules.items()})


def held(one: Pipeline, *policies: Policy) -> Pipeline:
    return replace(one, policies=policies)


def said(one: Pipeline, *policies: Policy) -> list[str]:
    return [f"{each.what} {each.fix}" for each in check(held(one, *policies)) if each.code.startswith("policy.")]


def alone(**typed: Any) -> Pipeline:
    return pipeline(task("one", **typed))


BARRED = [
    (
        "too much, with the reason",
        alone(memory="128Gi"),
        options(memory={"most": "64Gi", "reason": "the largest node has 64 GiB."}),
        "memory 128Gi is more than the 64Gi allowed: the largest node has 64 GiB (policy of p.toml). Write at most 64Gi.",
    ),
    (
        "amounts are compared, not texts",
        alone(memory="65537Mi"),
        options(memory={"most": "64Gi"}),
        "memory 65537Mi is more than the 64Gi allowed (policy of p.toml). Write at most 64Gi.",
    ),
    (
        "no memory is no bound",
        alone(),
        options(memory={"most": "64Gi"}),
        "memory is not set, so it has no bound; at most 64Gi is allowed (policy of p.toml). Write memory: 64Gi.",
    ),
    (
        "too little",
        alone(cpu="100m"),
        options(cpu={"least": "250m"}),
        "cpu 100m is less than the 250m that is the least allowed (policy of p.toml). Write at least 250m.",
    ),
    (
        "no request at all",
        alone(),
        options(cpu={"least": "250m"}),
        "cpu is not set; at least 250m is asked for (policy of p.toml). Write cpu: 250m.",
    ),
    (
        "Kubernetes takes a limit for the request",
        alone(cpu_limit="16"),
        options(cpu={"most": 8}),
        "cpu 16 is more than the 8 allowed (policy of p.toml). Write at most 8.",
    ),
    (
        "one item's resources",
        alone(map="x in [1, 2]", memory="1Gi", item_resources='[{"memory": "1Gi"}, {"memory": "80Gi"}]'),
        options(memory={"most": "64Gi"}),
        "memory 80Gi is more than the 64Gi allowed (policy of p.toml). Write at most 64Gi.",
    ),
    (
        "one item's request",
        alone(map="x in [1]", memory="9Gi", memory_request="1Gi", item_resources='[{"memory": "8Gi"}]'),
        options(memory_request={"most": "4Gi"}),
        "memory-request 8Gi is more than the 4Gi allowed (policy of p.toml). Write at most 4Gi.",
    ),
    (
        "an image of another registry",
        alone(image="docker.io/me/x:1"),
        options(image={"only": ["registry.example.com/*", "python:3.11-slim"]}),
        "image docker.io/me/x:1 is not among what is allowed (policy of p.toml). "
        "Write one of: registry.example.com/*, python:3.11-slim.",
    ),
    (
        "an image without a tag is latest",
        alone(image="registry.example.com/x"),
        options(image={"never": ["*:latest"]}),
        "image registry.example.com/x is of *:latest, which is not allowed (policy of p.toml). Choose another.",
    ),
    (
        "a default counts too",
        alone(),
        options(retries={"most": 1}),
        "retries 2 is more than the 1 allowed (the default) (policy of p.toml). Write at most 1.",
    ),
    (
        "what the DAG says for every task",
        pipeline(task("one"), dag=dag_options(task_timeout="3d")),
        options(timeout={"most": "2d"}),
        "timeout 3d is more than the 2d allowed (policy of p.toml). Write at most 2d.",
    ),
    (
        "forbidden",
        alone(service_account="admin"),
        options(service_account={"forbidden": True, "reason": "tokens are for platform jobs"}),
        "service-account is not allowed: tokens are for platform jobs (policy of p.toml). Leave it out.",
    ),
    (
        "another namespace",
        alone(namespace="kube-system"),
        options(namespace={"only": ["team-*"]}),
        "namespace kube-system is not among what is allowed (policy of p.toml). Write one of: team-*.",
    ),
    (
        "whatever namespace comes",
        alone(),
        options(namespace={"only": ["team-*", "analytics"]}),
        "namespace is not set; it must be one of: team-*, analytics (policy of p.toml). Write namespace: analytics.",
    ),
    (
        "a label that must be there",
        alone(label="team=a"),
        options(label={"required": ["team", "cost-center=[0-9]*"]}),
        "label cost-center is not set, and must be (policy of p.toml). Write label: cost-center=….",
    ),
    (
        "a label of another form",
        alone(label="cost-center=x1"),
        options(label={"required": ["cost-center=[0-9]*"]}),
        "label cost-center=x1 is not of the form cost-center=[0-9]* (policy of p.toml). Write label: cost-center=….",
    ),
    (
        "required",
        alone(),
        options(profile={"required": True, "only": ["small"]}),
        "profile is not set, and must be (policy of p.toml). Write profile: small.",
    ),
    (
        "a GPU of another maker",
        alone(gpu="1 amd.com/gpu"),
        options(gpu={"only": ["nvidia.com/gpu"], "most": 2}),
        "gpu 1 amd.com/gpu is not among what is allowed (policy of p.toml). Write one of: nvidia.com/gpu.",
    ),
    (
        "too many GPUs",
        alone(gpu="4"),
        options(gpu={"most": 2}),
        "gpu 4 is more than the 2 allowed (policy of p.toml). Write at most 2.",
    ),
    (
        "of the DAG",
        pipeline(task("one"), dag=dag_options(max_active_runs="9")),
        policy(dag={"max-active-runs": {"most": 4}}),
        "max-active-runs 9 is more than the 4 allowed (policy of p.toml). Write at most 4.",
    ),
    (
        "a DAG without an owner",
        pipeline(task("one")),
        policy(dag={"owner": {"required": True}}, contact="#platform"),
        "owner is not set, and must be (policy of p.toml). Write owner: analytics, or ask #platform.",
    ),
]


@pytest.mark.parametrize(("one", "rules", "text"), [row[1:] for row in BARRED], ids=[row[0] for row in BARRED])
def test_what_a_policy_bars_is_told_with_its_reason_and_the_fix(one: Pipeline, rules: Policy, text: str) -> None:
    assert said(one, rules) == [text]


LET_THROUGH = [
    ("the most itself", alone(memory="64Gi"), options(memory={"most": "65536Mi"})),
    ("an image by pattern", alone(image="reg/a/b:1"), options(image={"only": ["reg/*"], "never": ["*:latest"]})),
    ("a digest is not latest", alone(image="reg/a@sha256:" + "0" * 64), options(image={"never": ["*:latest"]})),
    ("by a regular expression", alone(image="reg/x:2"), options(image={"only": ["reg/a:1"], "matches": "^reg/.+:.+$"})),
    ("no GPU is no GPU", alone(), options(gpu={"most": 1, "forbidden": True})),
    ("a forbidden option that is not set", alone(), options(pod={"forbidden": True}, retries={"forbidden": True})),
    (
        "required labels",
        alone(label=["team=a", "cost-center=42"]),
        options(label={"required": ["team", "cost-center=4*"]}),
    ),
    (
        "every item says its own memory",
        alone(map="x in [1]", memory="99Gi", item_resources='[{"memory": "1Gi"}]'),
        options(memory={"most": "64Gi"}),
    ),
    (
        "a DAG within its bounds",
        pipeline(task("one"), dag=dag_options(owner="a")),
        policy(dag={"owner": {"required": True}}),
    ),
]


@pytest.mark.parametrize(("one", "rules"), [row[1:] for row in LET_THROUGH], ids=[row[0] for row in LET_THROUGH])
def test_what_a_policy_allows_is_let_through(one: Pipeline, rules: Policy) -> None:
    assert said(one, rules) == []


def test_a_problem_stands_at_its_task_and_names_its_option() -> None:
    one = held(pipeline(task("one", cell=3), task("two", cell=4, gpu="1")), options(gpu={"forbidden": True}))
    assert [(each.where, each.code) for each in check(one)] == [(Place(4, 1, "two"), "policy.gpu")]


def test_a_value_from_a_file_is_told_with_the_file() -> None:
    one = pipeline(replace(task("one", gpu="1"), origins={"gpu": "kubenb.toml [task]"}))
    assert said(one, options(gpu={"forbidden": True})) == [
        "gpu is not allowed (from kubenb.toml [task]) (policy of p.toml). Leave it out."
    ]


PATCHES = [
    ("{spec: {nodeName: big}}", "node-selector", {"only": ["pool=*"]}),
    ("{spec: {nodeName: big}}", "toleration", {"forbidden": True}),
    ("{spec: {serviceAccountName: admin}}", "service-account", {"forbidden": True}),
    ("{spec: {containers: [{image: 'x:1'}]}}", "image", {"never": ["*:latest"]}),
    ("{spec: {containers: [{name: side}]}}", "image", {"never": ["*:latest"]}),
    ("{spec: {initContainers: [{name: first}]}}", "gpu", {"most": 2}),
    ("{spec: {containers: [{resources: {limits: {memory: 1Ti}}}]}}", "gpu", {"most": 2}),
    ("{spec: {resourceClaims: [{name: g, resourceClaimName: g}]}}", "gpu", {"most": 2}),
    ("{metadata: {namespace: kube-system}}", "namespace", {"never": ["kube-*"]}),
    ("{metadata: {labels: null}}", "label", {"never": ["x=*"]}),
    ("{spec: {activeDeadlineSeconds: 9999999}}", "timeout", {"most": "1d"}),
    ("{spec: {volumes: [{name: a, hostPath: {path: /}}]}}", "volume", {"only": ["pvc:*"]}),
]


@pytest.mark.parametrize(("patch", "option", "rule"), PATCHES)
def test_the_raw_patch_is_no_way_around_a_rule(patch: str, option: str, rule: dict[str, Any]) -> None:
    text = f"the pod patch touches what the policy says of {option} (policy of p.toml). Write {option} itself."
    assert said(alone(pod=patch), policy(options={option: rule})) == [text]
    assert said(alone(pod="{spec: {hostNetwork: false}}"), policy(options={option: rule})) == []


def test_a_profile_has_its_own_range_for_what_it_names() -> None:
    rules = policy(
        options={"gpu": {"forbidden": True}, "memory": {"most": "8Gi"}},
        profiles={"gpu": {"gpu": 1, "allowed": {"gpu": {"most": 4}}}},
    )
    assert said(alone(gpu="1", memory="8Gi"), rules) == ["gpu is not allowed (policy of p.toml). Leave it out."]
    assert said(alone(gpu="4", memory="8Gi", profile="gpu"), rules) == []
    assert said(alone(gpu="5", memory="9Gi", profile="gpu"), rules) == [
        "memory 9Gi is more than the 8Gi allowed (policy of p.toml). Write at most 8Gi.",
        "gpu 5 is more than the 4 allowed (policy of p.toml). Write at most 4.",
    ]


def test_all_policies_hold_and_none_weakens_another() -> None:
    strict = policy("site.toml", options={"memory": {"most": "8Gi"}, "gpu": {"forbidden": True}})
    loose = policy("own.toml", options={"memory": {"most": "999Gi"}}, profiles={"x": {"allowed": {"gpu": {"most": 9}}}})
    for order in ((strict, loose), (loose, strict)):
        assert sorted(said(alone(memory="16Gi", gpu="1", profile="x"), *order)) == [
            "gpu is not allowed (policy of site.toml). Leave it out.",
            "memory 16Gi is more than the 8Gi allowed (policy of site.toml). Write at most 8Gi.",
        ]


def test_a_run_on_this_machine_asks_for_nothing_that_a_policy_guards() -> None:
    one = held(alone(gpu="1"), options(gpu={"forbidden": True}))
    assert for_a_run(check(one)) == () == check(one, run=True)


def test_a_pod_is_judged_by_the_namespace_that_it_would_land_in() -> None:
    one = held(alone(), options(namespace={"only": ["team-*"]}))
    assert of_pods(one, "team-a") == ()
    assert [str(each) for each in of_pods(one, "default")] == [
        "cell 3, line 1 (one): namespace default is not among what is allowed (policy of p.toml). Write one of: team-*."
    ]


def test_a_policy_that_cannot_be_read_lets_no_pod_through() -> None:
    broken = parse_policy({"options": {"memroy": {}}}, "p.toml")
    assert [each.code for each in of_pods(held(alone(), broken), "a")] == ["policy.file"]
