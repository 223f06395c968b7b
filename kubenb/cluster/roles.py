"""The Role that a run needs, as YAML to apply: nothing beyond it.

In: who (a notebook's user, or Airflow's worker), a namespace, a subject. Out: text. Pure. The verbs are those that `rights`
asks for; a test applies it and takes each away in turn. Next room: `kubenb rbac` prints it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Literal

from kubenb.cluster.rights import HELPFUL, NEEDED, Right

Who = Literal["user", "airflow"]
# What a preflight may look at, so that a missing name is said before a run; of secrets nothing.
WHY = "to say what is missing before a run"
LOOKED_AT = (
    *(Right("get", kind, WHY) for kind in ("configmaps", "persistentvolumeclaims", "serviceaccounts")),
    *(Right("list", kind, WHY) for kind in ("resourcequotas", "limitranges")),
)
# KubernetesPodOperator's own: https://airflow.apache.org/docs/apache-airflow-providers-cncf-kubernetes/
AIRFLOW = (
    *(Right(verb, "pods", "") for verb in ("create", "get", "list", "watch", "patch", "delete")),
    Right("get", "pods/log", ""),
    Right("list", "events", ""),
    Right("watch", "events", ""),
)
XCOM = (Right("create", "pods/exec", ""), Right("get", "pods/exec", ""))


def role(who: Who = "user", namespace: str = "default", subject: str = "", xcom: bool = False) -> str:
    """A Role and its RoleBinding. `subject`: 'ana@example.org', 'group:analysts' or 'serviceaccount:NAMESPACE/NAME'."""
    rights = (*NEEDED, *HELPFUL, *LOOKED_AT) if who == "user" else (*AIRFLOW, *(XCOM if xcom else ()))
    name = "kubenb" if who == "user" else "kubenb-airflow"
    subject = subject or ("group:analysts" if who == "user" else f"serviceaccount:{namespace}/airflow-worker")
    rules = "\n".join(
        f'  - {{apiGroups: [""], resources: [{resource}], verbs: [{", ".join(verbs)}]}}'
        for resource, verbs in _rules(rights)
    )
    return f"""apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: {name}, namespace: {namespace}}}
rules:
{rules}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: {name}, namespace: {namespace}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {name}}}
subjects:
  - {_subject(subject)}
"""


def _rules(rights: Iterable[Right]) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for right in rights:
        verbs = found.setdefault(right.resource, [])
        if right.verb not in verbs:
            verbs.append(right.verb)
    return list(found.items())


def _subject(text: str) -> str:
    """A subject as a RoleBinding names it.

    >>> _subject("serviceaccount:airflow/worker")
    '{kind: ServiceAccount, name: "worker", namespace: "airflow"}'
    """
    kind, colon, name = text.partition(":")
    if colon and kind == "serviceaccount":
        namespace, _, account = name.rpartition("/")
        return f"{{kind: ServiceAccount, name: {json.dumps(account)}, namespace: {json.dumps(namespace or 'default')}}}"
    if colon and kind == "group":
        return f"{{kind: Group, apiGroup: rbac.authorization.k8s.io, name: {json.dumps(name)}}}"
    return f"{{kind: User, apiGroup: rbac.authorization.k8s.io, name: {json.dumps(text.removeprefix('user:'))}}}"
