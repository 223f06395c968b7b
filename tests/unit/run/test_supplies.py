"""What stands for secrets and config maps in a rehearsal: the pod, what is set here, and what the pod then has or lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kubenb.run.supplies import supplies


def pod(volumes: list[Any] | None = None, **container: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "base", **container}], "volumes": volumes or []}}


def value(name: str, secret: str, key: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key, **more}}}


MOUNT = [{"name": "v", "mountPath": "/etc/kubenb-test/db"}]
SECRET = [{"name": "v", "secret": {"secretName": "db-files", "items": [{"key": "tls.crt", "path": "ca.pem"}]}}]
MAP = [{"name": "v", "configMap": {"name": "rules"}}]
POINTING = [{"name": "CA", "value": "/etc/kubenb-test/db/ca.pem"}]
FROM = [{"configMapRef": {"name": "rules"}}]

# what, pod, variables here ('@' is a folder that holds ca.pem), secrets and config maps, what is missing
CASES: list[tuple[str, dict[str, Any], dict[str, str], dict[str, Any], str]] = [
    ("a variable of the same name", pod(env=[value("PW", "db", "pw")]), {"PW": "x"}, {"db": {"pw": "x"}}, ""),
    ("none", pod(env=[value("PW", "db", "pw")]), {}, {}, "PW comes from the secret db"),
    ("none, and none is needed", pod(env=[value("PW", "db", "pw", optional=True)]), {}, {}, ""),
    (
        "the same key under another name",
        pod(env=[value("A", "db", "pw"), value("B", "db", "pw")]),
        {"B": "x"},
        {"db": {"pw": "x"}},
        "",
    ),
    (
        "a folder",
        pod(SECRET, volumeMounts=MOUNT),
        {"KUBENB_SECRET_DB_FILES": "@"},
        {"db-files": {"tls.crt": "root"}},
        "",
    ),
    (
        "a file that a variable names",
        pod(SECRET, volumeMounts=MOUNT, env=POINTING),
        {"CA": "@/ca.pem"},
        {"db-files": {"tls.crt": "root"}},
        "",
    ),
    (
        "no file, where a variable could name one",
        pod(SECRET, volumeMounts=MOUNT, env=POINTING),
        {},
        {},
        "/etc/kubenb-test/db is the secret db-files, and no cluster takes part here. Set CA to a file here",
    ),
    ("no folder", pod(MAP, volumeMounts=MOUNT), {}, {}, "Set KUBENB_CONFIGMAP_RULES to a folder with its files"),
    ("a config map", pod(MAP, volumeMounts=MOUNT), {"KUBENB_CONFIGMAP_RULES": "@"}, {"rules": {"ca.pem": "root"}}, ""),
    ("all of its keys", pod(envFrom=FROM), {"KUBENB_CONFIGMAP_RULES": "@"}, {"rules": {"ca.pem": "root"}}, ""),
    ("all of its keys, none here", pod(envFrom=FROM), {}, {}, "Set KUBENB_CONFIGMAP_RULES to a folder with a file"),
    (
        "a volume of a cluster",
        pod([{"name": "v", "nfs": {"server": "x", "path": "/"}}], volumeMounts=MOUNT),
        {},
        {},
        "its volume v is of the kind nfs, which only a cluster has",
    ),
]


@pytest.mark.parametrize(("what", "made", "here", "found", "missing"), CASES, ids=[case[0] for case in CASES])
def test_what_this_machine_has_is_taken_and_the_rest_named(
    what: str, made: dict[str, Any], here: dict[str, str], found: dict[str, Any], missing: str, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_text("root")
    around = {name: text.replace("@", str(tmp_path)) for name, text in here.items()}
    have = supplies({"train": made}, around, "dag.py")
    assert have.of("secret") | have.of("configMap") == found
    said = [str(problem) for problem in have.problems]
    assert len(said) == bool(missing)
    assert all(missing in text and "(train)" in text for text in said), said
