"""Any patch, however odd, is judged without a crash; what the checks let through gives the same pod in Airflow as here."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kubenb.export.checks import check
from kubenb.model.problems import errors
from tests.unit.export.pipelines import container, pipeline, task
from tests.unit.export.test_the_dag_makes_our_pods import same_pods

KEYS = [
    "apiVersion",
    "kind",
    "metadata",
    "spec",
    "labels",
    "annotations",
    "containers",
    "initContainers",
    "name",
    "image",
]
KEYS += ["env", "value", "valueFrom", "volumes", "volumeMounts", "mountPath", "emptyDir", "hostPath", "path", "ports"]
KEYS += ["securityContext", "runAsUser", "runAsNonRoot", "resources", "limits", "requests", "memory", "cpu", "command"]
KEYS += ["args", "tolerations", "key", "restartPolicy", "$patch", "imagePullSecrets"]
LEAF = (
    st.none()
    | st.booleans()
    | st.integers(0, 3)
    | st.sampled_from(["base", "a", "", "delete", "1Gi", "x{{ ds }}", "{%", "$(A)", "/tmp", "Never", "v1", "Pod"])
)
VALUE = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=14,
)
NAMED = st.fixed_dictionaries(
    {"name": st.sampled_from(["base", "side", "kubenb-tmp", "A", "HOME", "x"])},
    optional=dict.fromkeys(("image", "env", "value", "emptyDir"), VALUE),
)
SPEC = st.fixed_dictionaries(
    {},
    optional={
        "containers": st.lists(NAMED, max_size=2) | VALUE,
        "volumes": st.lists(NAMED, max_size=2),
        "securityContext": VALUE,
        "nodeSelector": st.dictionaries(st.sampled_from(["a", "b"]), st.just("x")),
        "tolerations": st.lists(st.fixed_dictionaries({"key": st.just("a")}), max_size=2),
        "hostname": LEAF,
        "enableServiceLinks": st.none() | st.booleans(),
    },
)
PATCH = st.fixed_dictionaries(
    {}, optional={"spec": SPEC, "metadata": st.fixed_dictionaries({}, optional={"labels": VALUE, "annotations": VALUE})}
)


@settings(max_examples=100, deadline=None)
@given(PATCH | st.dictionaries(st.sampled_from(KEYS), VALUE, max_size=4))
def test_any_patch_that_check_lets_through_makes_the_same_pod(patch: dict[str, Any]) -> None:
    text = json.dumps(patch)
    for one in (task("one", pod=text), container("one", ("run",), pod=text)):
        made = pipeline(one, task("two"))
        if not errors(check(made)):
            with tempfile.TemporaryDirectory() as folder:
                same_pods(made, Path(folder))
