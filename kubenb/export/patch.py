"""The raw `pod` patch: YAML that is merged into the finished pod, last of all.

As `kubectl patch` does it: mappings merge, `null` takes away, lists of named things merge by their name (containers and
init containers, env, volumes, image pull secrets by `name`; mounts by `mountPath`; ports by `containerPort`; host
aliases by `ip`), other lists are replaced. A container without a name is the task's own. In comes the option's text,
out goes a new pod. Next room: `manifest`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

Part = dict[str, Any]
BASE = "base"
KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "imagePullSecrets": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
}
LIMIT = 256 * 1024
DEEPEST = 50


def _starts(yaml: Any) -> tuple[type, ...]:
    return (
        yaml.FlowSequenceStartToken,
        yaml.FlowMappingStartToken,
        yaml.BlockSequenceStartToken,
        yaml.BlockMappingStartToken,
    )


def _ends(yaml: Any) -> tuple[type, ...]:
    return (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)


@lru_cache(maxsize=1)
def _strict(loader: Any) -> Any:
    """The safe loader, which also refuses what YAML would change in silence: a key that stands twice (it keeps the last),
    and plain words that it reads as something else than they look like.
    """

    class Strict(loader):  # type: ignore[misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            keys = [key.value for key, _ in node.value if isinstance(key.value, str)]
            for key, _ in node.value:
                if isinstance(key.value, str) and keys.count(key.value) > 1:
                    raise ValueError(f"the key {key.value} stands twice. Keep one.")
                if key.tag == "tag:yaml.org,2002:merge":
                    raise ValueError("it merges with <<. Write the entries out.")
                if key.tag != "tag:yaml.org,2002:str":
                    raise ValueError(f"the key {key.value} is no text to YAML. Put it in quotes.")
            return super().construct_mapping(node, deep)

        def construct_object(self, node: Any, deep: bool = False) -> Any:
            if node.id != "scalar" or node.style is not None:
                return super().construct_object(node, deep)
            try:
                found = super().construct_object(node, deep)
            except ValueError:  # 2026-02-30
                raise ValueError(f"YAML can't read {node.value}. Put it in quotes.") from None
            _as_it_looks(node.value, found)
            return found

    return Strict


_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|0[xo][0-9a-fA-F]+")


def _as_it_looks(word: str, value: Any) -> None:
    """ValueError for a word without quotes that YAML 1.1 and a reader, or YAML 1.2, take for different things."""
    if isinstance(value, bool):
        if word.lower() not in ("true", "false"):
            raise ValueError(f"YAML reads {word} as {str(value).lower()}. Write that, or put {word} in quotes.")
    elif isinstance(value, (int, float)):
        if not _NUMBER.fullmatch(word):
            raise ValueError(f"YAML reads {word} as the number {value}. Write a plain number, or put {word} in quotes.")
    elif isinstance(value, str):
        if _NUMBER.fullmatch(word):
            raise ValueError(
                f"{word} is a number to some readers of YAML and text to others. Write it out, or in quotes."
            )
    elif value is not None:
        raise ValueError(f"YAML reads {word} as a {type(value).__name__}. Put it in quotes.")


@lru_cache(maxsize=256)
def _parsed(text: str) -> Any:
    import yaml

    if len(text) > LIMIT:
        raise ValueError(f"it is longer than {LIMIT // 1024} KiB. Take out what an option can say.")
    try:
        depth = 0
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, yaml.AliasToken):
                raise ValueError("it uses a YAML alias (*name). Write the value out.")
            if isinstance(token, yaml.TagToken):
                raise ValueError(f"it uses a YAML tag ({''.join(filter(None, token.value))}). Write a plain value.")
            depth += isinstance(token, _starts(yaml)) - isinstance(token, _ends(yaml))
            if depth > DEEPEST:
                raise ValueError("it is nested too deeply. Write it flatter.")
        return yaml.load(text, Loader=_strict(yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(
            f"it is not YAML{place}: {getattr(error, 'problem', None) or error}. Write for example {{spec: {{hostNetwork: false}}}}."
        ) from None


def parse_patch(text: str) -> Part:
    """The patch as a mapping; ValueError, ending in the fix, if it is none.

    >>> parse_patch("{spec: {hostNetwork: false}}")
    {'spec': {'hostNetwork': False}}
    """
    value = _parsed(text)
    if not isinstance(value, dict):
        raise ValueError("it is not a mapping. Write for example {spec: {hostNetwork: false}}.")
    return value


def merge(base: Part, patch: Part) -> Part:
    """`patch` over `base`, in a new mapping.

    >>> merge({"spec": {"a": 1, "b": 2}}, {"spec": {"b": None, "c": 3}})
    {'spec': {'a': 1, 'c': 3}}
    """
    merged = dict(base)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = merge(merged[key] if isinstance(merged.get(key), dict) else {}, value)
        elif key in KEYS and isinstance(value, list) and isinstance(merged.get(key, []), list):
            merged[key] = _by_name(merged.get(key, []), value, key)
        else:
            merged[key] = value
    return merged


def _by_name(base: list[Any], patch: list[Any], key: str) -> list[Any]:
    name = KEYS[key]
    merged = {item.get(name): item for item in base}
    for number, item in enumerate(patch):
        if not isinstance(item, dict):
            raise ValueError(f"an entry of {key} is not a mapping. Write - {name}: NAME.")
        item = {"name": BASE, **item} if key == "containers" and "name" not in item else item
        if item.get("$patch") == "delete":
            merged.pop(item.get(name), None)
            continue
        place = item.get(name, f"\0{number}")
        merged[place] = merge(merged.get(place, {}), item)
    return list(merged.values())
