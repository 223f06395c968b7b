"""Literals of the DAG file: they mean the value, look the same everywhere, and no formatter changes them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from typing import Any

import black
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubenb.export.literal import Call, Raw, inline, quote, wrapped

TEXT = st.text(st.characters(codec=None), max_size=40) | st.text(
    st.sampled_from("'\"\\\n\t{}x ä\u2028\ud800"), max_size=20
)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=15,
)


@given(VALUE)
def test_a_literal_means_its_value(value: Any) -> None:
    assert ast.literal_eval(inline(value)) == value
    assert ast.literal_eval(wrapped(value, 4, 10)) == value


@given(TEXT)
def test_a_text_stays_on_one_line_of_plain_characters(text: str) -> None:
    assert "\n" not in quote(text)
    assert quote(text).encode("utf-8").decode("utf-8") == quote(text)


QUOTED = [
    ("plain", '"plain"'),
    ("it's", '"it\'s"'),
    ('say "a"', "'say \"a\"'"),
    ('it\'s "a"', "'it\\'s \"a\"'"),
    ("Düsseldorf", '"Düsseldorf"'),
    ("日本", '"日本"'),
    ("\u202egnp.exe", '"\\u202egnp.exe"'),
    ("a\u2028b", '"a\\u2028b"'),
    ("\x00\x1b", '"\\x00\\x1b"'),
    ("\U0001f680", '"\\U0001f680"'),
    ("\ud800", '"\\ud800"'),
    ("a\\", '"a\\\\"'),
    ("\xa0", '"\\xa0"'),
]


@pytest.mark.parametrize(("text", "shown"), QUOTED)
def test_how_texts_are_quoted(text: str, shown: str) -> None:
    assert quote(text) == shown


def test_numbers_that_have_no_literal_are_calls() -> None:
    assert inline([float("nan"), float("inf")]) == '[float("nan"), float("inf")]'


def statements() -> str:
    """All shapes that a DAG file has, at all widths."""
    lines = []
    for length in range(1, 90, 7):
        word = "w" * length
        values: list[Any] = [
            [word, "b"],
            {"a": word, "b": [1, {"c": word}]},
            {word: {}},
            [[]],
            [{}, [word]],
            {"a": [word] * 3},
        ]
        lines += [f"x = {wrapped(value, 0, 4, 0)}" for value in values]
        call = Call("f", [("", word), ("a", {"k": word}), ("**", Call("g", [("", 1)])), ("b", Raw("name"))])
        lines.append(f"x = {wrapped(call, 0, 4, 0)}")
    return "\n".join(lines) + "\n"


def test_formatters_change_no_shape() -> None:
    text = statements()
    assert black.format_str(text, mode=black.Mode()) == text
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@settings(max_examples=60)
@given(VALUE)
def test_black_changes_no_value(value: Any) -> None:
    text = f"x = {wrapped(value, 0, 4, 0)}\n"
    json.dumps(value)
    assert black.format_str(text, mode=black.Mode()) == text
