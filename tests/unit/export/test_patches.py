"""The raw patch: merged as Kubernetes merges, read as plain data, refused where it is none."""

from __future__ import annotations

from typing import Any

import pytest

from kubenb.export.patch import merge, parse_patch

POD: dict[str, Any] = {
    "spec": {
        "a": 1,
        "containers": [
            {
                "name": "base",
                "image": "x",
                "env": [{"name": "A", "value": "1"}],
                "volumeMounts": [{"name": "v", "mountPath": "/v"}],
            }
        ],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "tolerations": [{"key": "a"}],
    }
}
CASES: list[tuple[str, str, tuple[Any, ...], Any]] = [
    ("a new value", "{spec: {hostname: h}}", ("spec", "hostname"), "h"),
    (
        "a value taken away",
        "{spec: {a: null}}",
        ("spec",),
        {key: value for key, value in POD["spec"].items() if key != "a"},
    ),
    ("the task's container, by no name", "{spec: {containers: [{image: y}]}}", ("spec", "containers", 0, "image"), "y"),
    (
        "the task's container, by name",
        "{spec: {containers: [{name: base, tty: true}]}}",
        ("spec", "containers", 0, "image"),
        "x",
    ),
    (
        "a second container",
        "{spec: {containers: [{name: side, image: z}]}}",
        ("spec", "containers", 1),
        {"name": "side", "image": "z"},
    ),
    (
        "a variable by its name",
        "{spec: {containers: [{env: [{name: A, value: '2'}, {name: B, value: '3'}]}]}}",
        ("spec", "containers", 0, "env"),
        [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}],
    ),
    (
        "a mount by its folder",
        "{spec: {containers: [{volumeMounts: [{mountPath: /v, readOnly: true}]}]}}",
        ("spec", "containers", 0, "volumeMounts"),
        [{"name": "v", "mountPath": "/v", "readOnly": True}],
    ),
    ("a volume by its name", "{spec: {volumes: [{name: w, emptyDir: {}}]}}", ("spec", "volumes", 1, "name"), "w"),
    ("an entry taken away", "{spec: {volumes: [{name: v, $patch: delete}]}}", ("spec", "volumes"), []),
    ("a list without names is replaced", "{spec: {tolerations: [{key: b}]}}", ("spec", "tolerations"), [{"key": "b"}]),
]


@pytest.mark.parametrize(("what", "text", "path", "value"), CASES)
def test_it_is_merged_as_kubernetes_does(what: str, text: str, path: tuple[Any, ...], value: Any) -> None:
    before = repr(POD)
    found: Any = merge(POD, parse_patch(text))
    for key in path:
        found = found[key]
    assert found == value
    assert repr(POD) == before, "the pod that was patched is left as it was"


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]"
BAD = [
    ("!!python/object/apply:os.system [id]", "uses a YAML tag"),
    (BOMB, "alias"),
    ("{spec: {a: 1, a: 2}}", "stands twice"),
    ("[1, 2]", "not a mapping"),
    ("text", "not a mapping"),
    ("{", "not YAML"),
    ("a:\n\t- b", "not YAML"),
    ("[" * 200_000, "nested too deeply"),
    ("- " * 50_000, "nested too deeply"),
    ("{a: " * 50_000, "nested too deeply"),
    ("a: " + "x" * 300_000, "longer than"),
    ("a: no", "YAML reads no as false. Write that, or put no in quotes."),
    ("a: [On]", "YAML reads On as true"),
    ("a: 1:30", "YAML reads 1:30 as the number 90"),
    ("a: 1_000", "YAML reads 1_000 as the number 1000"),
    ("a: 0b11", "YAML reads 0b11 as the number 3"),
    ("a: .nan", "YAML reads .nan as the number nan"),
    ("a: 1e3", "1e3 is a number to some readers"),
    ("a: 0o17", "0o17 is a number to some readers"),
    ("a: 09", "09 is a number to some readers"),
    ("a: 2026-01-31", "YAML reads 2026-01-31 as a date."),
    ("a: 2026-01-31 10:00:00", "as a datetime."),
    ("a: 2026-02-30", "YAML can't read 2026-02-30. Put it in quotes."),
    ("1: a", "the key 1 is no text to YAML"),
    ("on: a", "the key on is no text to YAML"),
    ("{1: a, 1: b}", "stands twice"),
    ("<<: {a: b}", "merges with <<"),
    ("a: !!set {b, c}", r"uses a YAML tag \(!!set\)"),
    ("a: !!binary aGk=", "uses a YAML tag"),
    ("a: 1\n---\nb: 2", "not YAML"),
    ("? [a]\n: b", "is no text to YAML"),
]


@pytest.mark.parametrize(("text", "what"), BAD)
def test_what_is_no_patch_is_refused(text: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        parse_patch(text)


PLAIN = [
    ("a: true", True),
    ("a: False", False),
    ("a: null", None),
    ("a: ~", None),
    ("a:", None),
    ("a: 12", 12),
    ("a: -1.5", -1.5),
    ("a: 0755", 493),
    ("a: 0x1f", 31),
    ("a: 1Gi", "1Gi"),
    ("a: 'no'", "no"),
    ('a: "1:30"', "1:30"),
    ("a: '2026-01-31'", "2026-01-31"),
    ("a: &x b", "b"),
    ("a: |\n  no\n", "no\n"),
    ("a: v1.2.3", "v1.2.3"),
    ("a: 10.0.0.1", "10.0.0.1"),
]


@pytest.mark.parametrize(("text", "value"), PLAIN)
def test_a_word_is_what_it_looks_like(text: str, value: object) -> None:
    found = parse_patch(text)["a"]
    assert (found, type(found)) == (value, type(value))
