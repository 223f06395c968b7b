"""Each kind of the option table: text to value, value to text, and values from TOML.

In: the text a user typed after an option's name. Out: the value that `TaskOptions` and `DagOptions` hold, or `BadValue`.
For every kind, parse(show(value)) == value. Next room: `notebook.header` and `notebook.settings`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kubenb.model import names, phrases, quantities, schedules
from kubenb.model.names import shown
from kubenb.model.options import Option
from kubenb.model.values import AUTO, BadValue, FanOut


@dataclass(frozen=True)
class Kind:
    """How values of one kind are read and shown. `hint` says in a few words what may be written.

    `lists`: one text may hold several values, separated by commas. `bare`: the option may stand without a value.
    """

    name: str
    parse: Callable[[str], Any]
    show: Callable[[Any], str]
    hint: str
    lists: bool = False
    bare: Any = None


def _text(text: str) -> str:
    if not text.strip():
        raise BadValue("is empty.", "Write a value, or leave the option out.")
    return phrases.check_text(text)


def _line(text: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise BadValue(f"{shown(text)} holds a control character.", "Write it on one line.")
    return _text(text).strip()


def _tag(text: str) -> str:
    tag = _line(text)
    if len(tag) > 100:
        raise BadValue(f"{shown(tag)} has {len(tag)} characters.", "Write at most 100.")
    return tag


def _cpu(text: str) -> str:
    quantities.parse_cpu(text)
    return text


def _bytes(text: str) -> str:
    quantities.parse_bytes(text)
    return text


def _or_auto(check: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: AUTO if text.strip() == AUTO else check(text.strip())


def _duration(text: str) -> str:
    quantities.parse_duration(text)
    return text


def _whole(least: int, most: int = 2**31 - 1) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,19}", text.strip(), re.ASCII):
            raise BadValue(f"{shown(text)} is not a whole number.", f"Write it like {max(least, 3)}.")
        number = int(text)
        if not least <= number <= most:
            bound = f"Write {least} or more." if number < least else f"Write {most} or less."
            raise BadValue(f"{number} is too {'small' if number < least else 'large'}.", bound)
        return number

    return parse


_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def _flag(text: str) -> bool:
    if text.strip().lower() not in _FLAGS:
        raise BadValue(f"{shown(text)} is neither true nor false.", "Write true or false.")
    return _FLAGS[text.strip().lower()]


_IMAGE = re.compile(
    r"(?:(?P<host>[A-Za-z0-9](?:[-A-Za-z0-9.]*[A-Za-z0-9])?(?::[0-9]{1,5})?)/)?"
    r"(?P<path>[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>[a-z0-9]+:[0-9a-f]{32,128}))?"
)


def _image(text: str) -> str:
    word = text.strip()
    if len(word) <= 1000 and _IMAGE.fullmatch(word):
        return word
    example = "Write it like python:3.11-slim or registry/team/image:tag."
    if re.search(r"\s", word):
        raise BadValue(f"{shown(word)} holds a space.", example)
    if "://" in word:
        raise BadValue(
            f"{shown(word)} begins like a web address.", f"Write {word.partition('://')[2] or 'registry/image:tag'}."
        )
    if word != word.lower() and _IMAGE.fullmatch(word.lower()):
        raise BadValue(f"{shown(word)} has capital letters.", f"Write {word.lower()}.")
    raise BadValue(f"{shown(word)} is not an image's name.", example)


_STORE_SCHEMES = ("s3", "gs", "abs")


def _store(text: str) -> str:
    word = _line(text)
    if re.search(r"\$\(|\{\{|\{%", word):
        raise BadValue(f"{shown(word)} holds braces that would be replaced.", "Write a plain address.")
    scheme, separator, rest = word.partition("://")
    if separator:
        if scheme not in _STORE_SCHEMES:
            near = {
                "s3a": "s3",
                "s3n": "s3",
                "gcs": "gs",
                "az": "abs",
                "abfs": "abs",
                "abfss": "abs",
                "wasbs": "abs",
            }.get(scheme)
            also = (
                f"Write {near}://{rest}."
                if near
                else "Write s3://bucket/…, gs://bucket/…, abs://container/…, pvc:NAME, xcom or a folder."
            )
            raise BadValue(f"{shown(word)} is of a kind kubenb does not know.", also)
        if not re.fullmatch(r"[A-Za-z0-9][-A-Za-z0-9._@]*(?:/.*)?", rest) or ".." in rest.split("/"):
            raise BadValue(f"{shown(word)} names no bucket.", f"Write it like {scheme}://bucket/kubenb.")
        return word.rstrip("/")
    kind, colon, rest = word.partition(":")
    if kind == "pvc" and colon:
        name, _, folder = rest.partition("/")
        names.check_subdomain(name, "pvc's name")
        if ".." in folder.split("/"):
            raise BadValue(f"{shown(word)} leaves its volume.", f"Write pvc:{name}/FOLDER.")
        return word.rstrip("/")
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]+", kind) and colon:
        raise BadValue(
            f"{shown(word)} is of a kind kubenb does not know.",
            "Write pvc:NAME, s3://…, gs://…, abs://…, xcom or a folder.",
        )
    return word


def _dotted(text: str) -> str:
    word = text.strip()
    parts = word.split(".")
    if len(parts) > 1 and all(map(names.is_identifier, parts)):
        return word
    raise BadValue(
        f"{shown(text)} is not a function's dotted name.", "Write it like alerts.page: a module, a dot, a function."
    )


def _fan_out(text: str) -> FanOut:
    """`month in [1, 2, 3]`: the name, and an expression whose items are known at export or made by an earlier task."""
    import ast

    match = re.fullmatch(r"\s*(\S+)\s+in\s+(.*\S)\s*", phrases.check_text(text), re.DOTALL)
    if match is None:
        raise BadValue(f"{shown(text)} is not of the form 'NAME in ITEMS'.", "Write it like month in [1, 2, 3].")
    name, source = names.check_variable(match[1]), match[2]
    fix = "Write a list like [1, 2, 3], a range like range(12), or the name of a variable that an earlier task makes."
    if (
        " #" in source
        and source.count("\n") == 0
        and source.split(" #")[0].count("'") % 2 == 0 == source.split(" #")[0].count('"') % 2
    ):
        raise BadValue(f"{shown(source)} holds a comment.", "Leave it out.")
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise BadValue(f"{shown(source)} is not an expression.", fix) from None
    if isinstance(tree, ast.Name):
        return FanOut(name, names.check_variable(source))
    if (
        isinstance(tree, ast.Call)
        and isinstance(tree.func, ast.Name)
        and tree.func.id == "range"
        and not tree.keywords
        and 1 <= len(tree.args) <= 3
    ):
        return FanOut(name, source)
    try:
        items = ast.literal_eval(tree)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise BadValue(f"{shown(source)} is not a list of constants.", fix) from None
    if not isinstance(items, (list, tuple)):
        raise BadValue(f"{shown(source)} is not a list.", fix)
    if not items:
        raise BadValue(f"{shown(source)} has no items.", fix)
    if len(items) > 1024:
        raise BadValue(f"{shown(source)} has {len(items)} items; Airflow takes at most 1024.", "Let each item do more.")
    return FanOut(name, source)


def _show_fan_out(value: FanOut) -> str:
    return f"{value.name} in {value.source}"


def read_item_resources(text: str) -> tuple[dict[str, str], ...]:
    """The resources of each item: `[{"cpu": "1", "memory": "1Gi"}, …]`."""
    import ast

    example = 'Write it like [{"memory": "1Gi"}, {"cpu": "2", "memory": "4Gi"}].'
    try:
        rows = ast.literal_eval(text.strip())
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise BadValue(f"{shown(text)} is not a list of resources.", example) from None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) and row for row in rows):
        raise BadValue(f"{shown(text)} is not a list of resources.", example)
    checks = {"cpu": quantities.parse_cpu, "memory": quantities.parse_bytes}
    for number, row in enumerate(rows, 1):
        for key, value in row.items():
            if key not in checks:
                raise BadValue(f"sets {shown(str(key))} for item {number}; only cpu and memory can differ.", example)
            if not isinstance(value, (str, int, float)) or isinstance(value, bool):
                raise BadValue(f"has a {key} for item {number} that is neither text nor a number.", example)
            try:
                checks[key](str(value))
            except BadValue as bad:
                raise BadValue(f"for item {number}: {key} {bad.what}", bad.fix) from None
    return tuple({key: str(value) for key, value in row.items()} for row in rows)


def _item_resources(text: str) -> str:
    read_item_resources(text)
    return phrases.check_text(text.strip())


def _variable(text: str) -> str:
    return names.check_variable(text.strip())


def _stripped(check: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: check(text.strip())


def _show_flag(value: bool) -> str:
    return "true" if value else "false"


def _rows() -> list[Kind]:
    pair = phrases.show_key_value
    return [
        Kind("cpu", _stripped(_cpu), str, "cores: 500m, 2"),
        Kind("bytes", _stripped(_bytes), str, "an amount: 512Mi, 4Gi"),
        Kind("cpu or auto", _or_auto(_cpu), str, "cores: 500m, 2; or auto"),
        Kind("bytes or auto", _or_auto(_bytes), str, "an amount: 512Mi, 4Gi; or auto"),
        Kind("gpu", phrases.read_gpu, phrases.show_gpu, "a count, and the vendor's resource: 1, 2 amd.com/gpu"),
        Kind("image", _image, str, "an image: python:3.11-slim"),
        Kind("choice", _line, str, "one of the choices"),
        Kind("dns", _stripped(names.check_label), str, "a name: lower case letters, digits, -"),
        Kind("dns-subdomain", _stripped(names.check_subdomain), str, "a name: lower case letters, digits, - and ."),
        Kind("env", phrases.read_env, pair, "NAME=value"),
        Kind("projection", phrases.read_projection, phrases.show_projection, "name/key -> ENV, or name -> /path"),
        Kind("secret-key", phrases.read_secret_key, phrases.show_secret_key, "a secret, or secret/key"),
        Kind("volume", phrases.read_volume, phrases.show_volume, "pvc:name -> /path, with sub=FOLDER and ro"),
        Kind("label", phrases.read_label, pair, "key=value"),
        Kind("annotation", phrases.read_annotation, pair, "key=value"),
        Kind("toleration", phrases.read_toleration, phrases.show_toleration, "key=value:Effect, key, or *"),
        Kind(
            "affinity",
            phrases.read_affinity,
            phrases.show_affinity,
            "node zone in a, b; prefer 50 pod app=cache on ZONE",
        ),
        Kind("count", _whole(0), str, "a whole number"),
        Kind("positive", _whole(1), str, "a whole number from 1"),
        Kind("integer", _whole(-(2**31)), str, "a whole number"),
        Kind("task", _stripped(names.check_task), str, "tasks' names", lists=True),
        Kind("variable", _variable, str, "variables' names", lists=True),
        Kind("tag", _tag, str, "tags", lists=True),
        Kind("store", _store, str, "a folder, pvc:NAME, s3://…, gs://…, abs://… or xcom"),
        Kind("duration", _stripped(_duration), str, "a time: 90s, 5m, 1h30m, 2d"),
        Kind("text", _text, str, "text"),
        Kind("flag", _flag, _show_flag, "true or false", bare=True),
        Kind("fan-out", _fan_out, _show_fan_out, "NAME in [1, 2, 3], or NAME in VARIABLE"),
        Kind("item-resources", _item_resources, str, '[{"memory": "1Gi"}, {"memory": "4Gi"}]'),
        Kind("yaml", _text, str, "YAML of the pod"),
        Kind("dag-id", _stripped(names.check_dag_id), str, "an id: letters, digits, _ - ."),
        Kind("schedule", schedules.check_schedule, str, "@daily, 0 6 * * *, 6h, asset:NAME or none"),
        Kind("date", schedules.check_date, str, "a day: 2026-01-31"),
        Kind("timezone", schedules.check_timezone, str, "a zone: Europe/Berlin"),
        Kind("dotted", _dotted, str, "module.function"),
        Kind("param", phrases.read_param, pair, "name=value, or name={{ ds }}"),
    ]


KINDS: dict[str, Kind] = {kind.name: kind for kind in _rows()}


def parse_option(option: Option, text: str) -> tuple[Any, ...]:
    """All values that one text gives an option (several only for lists), or BadValue.

    >>> from kubenb.model.options import TASK
    >>> parse_option(TASK["memory"], "4Gi"), parse_option(TASK["pickle"], "model, scaler")
    (('4Gi',), ('model', 'scaler'))
    """
    kind = KINDS[option.kind]
    if option.choices:
        return (_choice(option, text.strip()),)
    if kind.lists and option.repeats:
        return tuple(kind.parse(part.strip()) for part in text.split(","))
    return (kind.parse(text),)


def show_option(option: Option, value: Any) -> str:
    """One value's text."""
    return KINDS[option.kind].show(value)


FEW = 6  # choices that fit on a line


def _choice(option: Option, text: str) -> str:
    if text in option.choices:
        return text
    same = [
        choice
        for choice in option.choices
        if choice.lower().replace("_", "") == text.lower().replace("-", "").replace("_", "")
    ]
    likely = same or list(names.near(text, option.choices))
    fix = f"Write {' or '.join(likely)}." if likely else f"Write one of {', '.join(option.choices)}."
    if likely and not same and len(option.choices) <= FEW:  # near is a guess: what else there is stands beside it
        fix = f"Write {' or '.join(likely)} (the choices: {', '.join(option.choices)})."
    raise BadValue(f"{shown(text)} is not one of its choices.", fix)


def from_toml(option: Option, value: Any) -> tuple[Any, ...]:
    """All values that a TOML value gives an option, or BadValue: strings as in a header, and numbers, booleans, dates, lists, tables."""
    if isinstance(value, list) and option.kind not in ("fan-out", "item-resources"):
        if not option.repeats:
            raise BadValue(f"takes one value, not a list of {len(value)}.", f"Write it like {_toml_example(option)}.")
        return tuple(found for item in value for found in from_toml(option, item))
    if isinstance(value, dict) and option.kind in ("env", "label", "annotation", "param"):
        return tuple(KINDS[option.kind].parse(f"{key}={_scalar(option, item)}") for key, item in value.items())
    if isinstance(value, (dict, list)) and option.kind in ("yaml", "item-resources"):
        import json

        try:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)
        except ValueError:
            raise BadValue("holds a number that JSON does not have.", "Write it as text.") from None
        return (KINDS[option.kind].parse(text),)
    return parse_option(option, _scalar(option, value))


def _scalar(option: Option, value: Any) -> str:
    if isinstance(value, bool):
        if option.kind not in ("flag", "env", "param", "annotation", "label"):
            raise BadValue(f"can't be {str(value).lower()}.", f"Write it like {_toml_example(option)}.")
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and option.kind in (
        "cpu",
        "bytes",
        "cpu or auto",
        "bytes or auto",
        "gpu",
        "count",
        "positive",
        "integer",
        "env",
        "param",
        "annotation",
        "label",
    ):
        return repr(value)
    if hasattr(value, "isoformat") and option.kind in ("date", "env", "param", "annotation"):
        return str(value.isoformat())
    raise BadValue(
        f"can't be a {_TOML_WORDS.get(type(value), 'value of this type')}.", f"Write it like {_toml_example(option)}."
    )


_TOML_WORDS: dict[type, str] = {int: "number", float: "number", dict: "table", list: "list"}


def _toml_example(option: Option) -> str:
    import json

    text = option.example if option.kind in ("flag", "count", "positive", "integer") else json.dumps(option.example)
    return f"{option.name} = {f'[{text}]' if option.repeats else text}"
