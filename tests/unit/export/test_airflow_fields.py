"""Braces: Airflow fields are filled where they are meant, and every other text reaches the pod letter for letter."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from kubenb.export.fields import for_jinja, for_kubelet, pieces

AIRFLOW = SandboxedEnvironment(undefined=StrictUndefined, extensions=["jinja2.ext.do"], cache_size=0)


def rendered(text: str) -> str:
    return AIRFLOW.from_string(text).render(ds="2026-01-02", params={"year": 2013}, x="X")


def expanded(text: str) -> str:
    """What the kubelet makes of a value, with no variable of that name set: `$$` is `$`, an unknown `$(NAME)` stays."""
    return re.sub(r"\$\$|\$\([^)]*\)", lambda match: "$" if match[0] == "$$" else "EXPANDED", text)


HOSTILE = [
    "{{ x }}",
    "{{ var.value.secret }}",
    "{% if x %}",
    "{# gone #}",
    "{% raw %}{{ x }}{% endraw %}",
    "{% endraw %}",
    "ends in a line\n",
    "two\n\n",
    "\r\n",
    "a\rb\r",
    "{",
    "{{",
    "{{{",
    "{{{{ x }}}}",
    "}}",
    "%}",
    "{%",
    "{#",
    "{{ '",
    "{'a': {'b': 1}}",
    "{\r{",
    "{\n",
    "'{{ \"{{\" }}'",
    "f'{{{x}}}'",
    "{-{- x -}-}",
    "{{- x -}}",
    "{{ x }}\n",
    "",
    "\n",
    "\u2028{{ x }}\u2029",
    "\u202e{{",
    "{{}}",
    "{{ }}",
    "\\{{ x }}",
    "#}",
    "{{ x }",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_that_is_no_field_survives_jinja(text: str) -> None:
    assert rendered(for_jinja(text)) == text


@given(st.text(st.sampled_from("{}%#-'\"\\ x\n\r$()ä\u2028"), max_size=30))
def test_any_text_survives_jinja(text: str) -> None:
    assert rendered(for_jinja(text)) == text


@given(st.text(st.sampled_from("{}%#-x \n\r"), max_size=20), st.text(st.sampled_from("{}%#-x \n\r"), max_size=20))
def test_text_around_a_field_survives_jinja(before: str, after: str) -> None:
    text = f"{before}|{{{{ ds }}}}|{after}"
    if [piece for piece, field in pieces(text) if field] == ["{{ ds }}"]:
        assert rendered(for_jinja(text, fields=True)) == text.replace("{{ ds }}", "2026-01-02")


FIELDS = [
    ("{{ ds }}", "2026-01-02"),
    ("day={{ ds }}!", "day=2026-01-02!"),
    ("{{ params.year }}-{{ ds }}\n", "2013-2026-01-02\n"),
    ("{% raw %}{{ ds }}", "{% raw %}2026-01-02"),
    ("{{{ ds }}}", "{2026-01-02}"),
    ("{{ {'a': ds}['a'] }}", "2026-01-02"),
    ("{{ '}}' ~ ds }}", "}}2026-01-02"),
    ('{"a": {{ ds }}}', '{"a": 2026-01-02}'),
    ("{{ ds", "{{ ds"),
]


@pytest.mark.parametrize(("text", "value"), FIELDS)
def test_fields_are_filled_where_they_are_meant(text: str, value: str) -> None:
    assert rendered(for_jinja(text, fields=True)) == value


@pytest.mark.parametrize("text", ["$(HOME)", "$$", "$$(HOME)", "a$b", "$", "$(", "$$$(X)$", "cost: $5", "$(A)$(B)"])
def test_the_kubelet_expands_nothing_of_the_users(text: str) -> None:
    assert expanded(for_kubelet(text)) == text


@given(st.text(st.sampled_from("$()Ax"), max_size=12))
def test_any_text_survives_the_kubelet(text: str) -> None:
    assert expanded(for_kubelet(text)) == text


def test_dollars_inside_a_field_are_airflows() -> None:
    assert for_kubelet("$(A) {{ params['$$'] }}") == "$$(A) {{ params['$$'] }}"


def test_empty_braces_are_no_field() -> None:
    assert list(pieces("{{ }}")) == [("{{ }}", False)]
    assert list(pieces("{{ ds }}")) == [("{{ ds }}", True)]
