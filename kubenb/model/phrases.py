"""The one-line forms of compound options: `pvc:data -> /data ro`, `dedicated=ml:NoSchedule`, `prefer 50 node zone in a, b`.

Each pair reads a text into a value of `values` and shows it again; show then read gives the same value.
In: text without its option's name. Out: a value, or `BadValue`. Next room: `kinds`, which puts them into the one table.
"""

from __future__ import annotations

import re

from kubenb.model import names
from kubenb.model.names import shown
from kubenb.model.quantities import parse_bytes, parse_duration
from kubenb.model.values import Affinity, BadValue, Gpu, KeyValue, Projection, SecretKey, Toleration, Volume

_OBJECT_KEY = re.compile(r"[-._A-Za-z0-9]{1,253}")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
DEFAULT_GPU = "nvidia.com/gpu"
DEFAULT_TOPOLOGY = "kubernetes.io/hostname"
DEFAULT_WEIGHT = 100
DEFAULT_KEY_FILE = "key.json"


def check_text(text: str) -> str:
    """Text that can stand in a file: no NUL, no half of a surrogate pair."""
    for char in text:
        if char == "\0" or "\ud800" <= char <= "\udfff":
            raise BadValue(f"{shown(text)} holds the character {char!a}, which no file takes.", "Leave it out.")
    return text


def key_value(text: str, example: str) -> KeyValue:
    """`key=value`, split at the first `=`; the value is kept exactly."""
    key, equals, value = text.partition("=")
    if not equals:
        raise BadValue(f"{shown(text)} has no '='.", f"Write it like {example}.")
    return KeyValue(key.strip(), check_text(value))


def read_env(text: str) -> KeyValue:
    """`NAME=value` for the environment."""
    pair = key_value(text, "LEVEL=info")
    names.check_env(pair.key)
    size = len(pair.value.encode())
    if size > 100_000:
        raise BadValue(
            f"{pair.key} has a value of {size:,} bytes.", "Write at most 100,000; put more into a configmap or volume."
        )
    return pair


def read_label(text: str) -> KeyValue:
    """`key=value` of a label or node selector."""
    pair = key_value(text, "team=pricing")
    value = names.check_label_value(pair.value.strip())
    return KeyValue(names.check_key(pair.key), value)


def read_annotation(text: str) -> KeyValue:
    """`key=value` of an annotation: any text."""
    pair = key_value(text, "contact=ana")
    return KeyValue(names.check_key(pair.key, "annotation key"), pair.value)


def read_param(text: str) -> KeyValue:
    """`name=value` of a parameter."""
    pair = key_value(text, "day={{ ds }}")
    return KeyValue(names.check_parameter(pair.key), pair.value)


def show_key_value(value: KeyValue) -> str:
    """The text again."""
    return f"{value.key}={value.value}"


def read_gpu(text: str) -> Gpu:
    """`1`, `2 amd.com/gpu`."""
    match = re.fullmatch(r"([0-9]{1,4})(?:\s+(\S+))?", text.strip(), re.ASCII)
    if match is None:
        raise BadValue(f"{shown(text)} is not a count of GPUs.", "Write it like 1 or 2 amd.com/gpu.")
    count, resource = int(match[1]), match[2] or DEFAULT_GPU
    if not 1 <= count <= 1000:
        raise BadValue(f"{shown(match[1])} is not a count from 1 to 1000.", "Write 1 or more, or leave the option out.")
    if "/" not in resource:
        raise BadValue(f"{shown(resource)} is not a vendor's resource.", f"Write it like {DEFAULT_GPU} or amd.com/gpu.")
    return Gpu(count, names.check_key(resource, "resource name"))


def show_gpu(value: Gpu) -> str:
    """The text again; the usual vendor is left out."""
    return str(value.count) if value.resource == DEFAULT_GPU else f"{value.count} {value.resource}"


def _arrow(text: str, example: str) -> tuple[str, str]:
    left, arrow, right = text.partition("->")
    if not arrow or not left.strip() or not right.strip():
        raise BadValue(f"{shown(text)} is not of the form '{example}'.", f"Write it like {example}.")
    return left.strip(), right.strip()


def check_object_key(text: str) -> str:
    """A key inside a secret or config map."""
    if _OBJECT_KEY.fullmatch(text) and text not in (".", "..") and not text.startswith(".."):
        return text
    raise BadValue(f"{shown(text)} is not a key of a secret or config map.", "Use letters, digits, '-', '_' and '.'.")


def check_folder(text: str) -> str:
    """An absolute path to mount into."""
    parts = text.split("/")
    clean = re.sub(r"/+", "/", text).rstrip("/")
    if not text.startswith("/") or clean == "" or ".." in parts or "." in parts or re.search(r"[\s:\0$]", text):
        raise BadValue(
            f"{shown(text)} is not a folder to mount into.", "Write an absolute path without spaces, like /data."
        )
    if re.match(r"/(kubenb|proc|sys|dev)(/|$)", clean):
        raise BadValue(f"{shown(text)} belongs to the container itself.", "Choose another folder, like /data.")
    return clean


def read_projection(text: str) -> Projection:
    """`name -> ENV`, `name/key -> ENV`, `name -> /path`, `name/key -> /path`."""
    left, right = _arrow(text, "db/password -> DB_PASSWORD")
    name, slash, key = left.partition("/")
    names.check_subdomain(name)
    if slash:
        check_object_key(key)
    if right.startswith("/"):
        return Projection(name, key if slash else None, path=check_folder(right))
    return Projection(name, key if slash else None, env=names.check_env(right))


def show_projection(value: Projection) -> str:
    """The text again."""
    return f"{value.name}{f'/{value.key}' if value.key is not None else ''} -> {value.path or value.env}"


def read_secret_key(text: str) -> SecretKey:
    """`name` or `name/key`; the key is key.json unless named."""
    name, slash, key = text.strip().partition("/")
    return SecretKey(names.check_subdomain(name), check_object_key(key) if slash else DEFAULT_KEY_FILE)


def show_secret_key(value: SecretKey) -> str:
    """The text again."""
    return value.name if value.key == DEFAULT_KEY_FILE else f"{value.name}/{value.key}"


def read_volume(text: str) -> Volume:
    """`pvc:data -> /data sub=raw ro`, `emptydir:1Gi -> /scratch`, `secret:tls -> /tls`, `configmap:limits -> /etc/limits`."""
    left, right = _arrow(text, "pvc:data -> /data")
    kind, _, source = left.partition(":")
    kind, source = kind.strip().lower(), source.strip()
    if kind not in ("pvc", "secret", "configmap", "emptydir"):
        near = names.near(kind, ("pvc", "secret", "configmap", "emptydir"), 1)
        fix = f"Write {near[0]}:… ." if near else f"Begin with its kind, like pvc:{kind if kind.isalnum() else 'data'}."
        raise BadValue(
            f"{shown(kind)} is not a kind of volume (pvc, secret, configmap, emptydir).", fix.replace("… .", "NAME.")
        )
    if kind == "emptydir":
        if source:
            parse_bytes(source)
    else:
        names.check_subdomain(source, f"{kind}'s name")
    path, *extras = right.split()
    sub, read_only = None, False
    for extra in extras:
        if extra == "ro" and not read_only:
            read_only = True
        elif extra.startswith("sub=") and sub is None:
            sub = _sub_path(extra[4:])
        else:
            raise BadValue(f"{shown(extra)} after the folder is not known.", "Write sub=FOLDER or ro, each once.")
    if kind == "emptydir" and (sub or read_only):
        raise BadValue("of kind emptydir is empty at the start.", "Leave sub= and ro out.")
    return Volume(kind, source, check_folder(path), sub, read_only)  # type: ignore[arg-type]


def _sub_path(text: str) -> str:
    if not text or text.startswith("/") or ".." in text.split("/") or "$" in text:
        raise BadValue(f"{shown(text)} is not a folder inside the volume.", "Write a relative path, like sub=raw.")
    return check_text(text)


def show_volume(value: Volume) -> str:
    """The text again."""
    source = f"{value.kind}:{value.source}" if value.source else value.kind
    extras = (f" sub={value.sub_path}" if value.sub_path else "") + (" ro" if value.read_only else "")
    return f"{source} -> {value.path}{extras}"


def read_toleration(text: str) -> Toleration:
    """`dedicated=ml:NoSchedule`, `dedicated`, `*`, `node.kubernetes.io/not-ready:NoExecute 300s`."""
    first, *rest = text.split() or [""]
    pair, colon, effect = first.partition(":")
    key, equals, value = pair.partition("=")
    if colon and effect not in _EFFECTS:
        raise BadValue(f"{shown(effect)} is not an effect of a taint.", f"Write one of {', '.join(_EFFECTS)}.")
    if key == "*":
        if equals:
            raise BadValue("'*' tolerates every taint, whatever its value.", "Leave the value out.")
    elif not key:
        raise BadValue(f"{shown(text)} names no taint.", "Write it like dedicated=ml:NoSchedule, or * for all.")
    else:
        names.check_key(key, "taint's key")
    if equals:
        names.check_label_value(value)
    if len(rest) > 1 or (rest and effect != "NoExecute"):
        raise BadValue(
            f"{shown(' '.join(rest))} after the taint is not known.",
            "Only :NoExecute takes a time, like :NoExecute 300s.",
        )
    seconds = int(parse_duration(rest[0]).total_seconds()) if rest else None
    return Toleration(key, value if equals else None, effect or None, seconds)  # type: ignore[arg-type]


def show_toleration(value: Toleration) -> str:
    """The text again."""
    text = value.key + (f"={value.value}" if value.value is not None else "")
    text += f":{value.effect}" if value.effect else ""
    return f"{text} {value.seconds}s" if value.seconds is not None else text


_WORDS = {"in": "In", "notin": "NotIn", "exists": "Exists", "absent": "DoesNotExist", ">": "Gt", "<": "Lt"}
_SHOWN_WORDS = {operator: word for word, operator in _WORDS.items()}
_AFFINITY = (
    "Write it like 'node zone in a, b', 'prefer 50 node pool=gpu' or 'not pod app=train on kubernetes.io/hostname'."
)


def read_affinity(text: str) -> Affinity:
    """`[prefer [1-100]] node|[not] pod KEY=VALUE | KEY in|notin A, B | KEY exists|absent | KEY >|< N [on TOPOLOGY]`."""
    words = text.split()
    weight: int | None = None
    if words[:1] == ["prefer"]:
        weight = DEFAULT_WEIGHT
        words.pop(0)
        if words and re.fullmatch(r"-?[0-9]+", words[0], re.ASCII):
            weight = int(words.pop(0)[:9])
    if weight is not None and not 1 <= weight <= 100:
        raise BadValue(f"weight {weight} is not from 1 to 100.", "Write 1 to 100 after 'prefer'.")
    anti = words[:1] == ["not"]
    target = words[anti] if len(words) > anti else ""
    if target not in ("node", "pod"):
        raise BadValue(f"{shown(text)} does not say whether it means nodes or pods.", _AFFINITY)
    if anti and target == "node":
        raise BadValue("'not node' is not known.", "Write 'node KEY notin VALUE' or 'node KEY absent'.")
    rest = words[anti + 1 :]
    topology = None
    if target == "pod":
        topology = DEFAULT_TOPOLOGY
        if len(rest) > 2 and rest[-2] == "on":
            topology = names.check_key(rest[-1], "topology key")
            rest = rest[:-2]
    key, operator, values = _term(rest, text)
    if target == "pod" and operator in ("Gt", "Lt"):
        raise BadValue("can't compare pods by > and <.", "Use in, notin, exists or absent.")
    return Affinity(target, key, operator, values, weight, anti, topology)  # type: ignore[arg-type]


def _term(words: list[str], text: str) -> tuple[str, str, tuple[str, ...]]:
    """The condition: key, operator and values."""
    if len(words) == 1 and "=" in words[0]:
        key, _, value = words[0].partition("=")
        return names.check_key(key), "In", (names.check_label_value(value),)
    if len(words) < 2 or words[1] not in _WORDS:
        raise BadValue(f"{shown(text)} has no condition that is known.", _AFFINITY)
    key, operator = names.check_key(words[0]), _WORDS[words[1]]
    rest = " ".join(words[2:])
    if operator in ("Exists", "DoesNotExist"):
        if rest:
            raise BadValue(f"{shown(rest)} after {words[1]} is not known.", "Leave it out.")
        return key, operator, ()
    if operator in ("Gt", "Lt"):
        if not re.fullmatch(r"-?[0-9]{1,18}", rest, re.ASCII):
            raise BadValue(f"{shown(rest)} is not a whole number.", f"Write it like node {words[0]} {words[1]} 4.")
        return key, operator, (rest,)
    values = tuple(value.strip() for value in rest.split(","))
    if not all(values):
        raise BadValue(f"{shown(text)} has an empty value.", f"Write it like {words[0]} {words[1]} a, b.")
    return key, operator, tuple(map(names.check_label_value, values))


def show_affinity(value: Affinity) -> str:
    """The text again."""
    parts = []
    if value.weight is not None:
        parts.append("prefer" if value.weight == DEFAULT_WEIGHT else f"prefer {value.weight}")
    parts.append(f"not {value.target}" if value.anti else value.target)
    if value.operator == "In" and len(value.values) == 1:
        parts.append(f"{value.key}={value.values[0]}")
    else:
        parts += [value.key, _SHOWN_WORDS[value.operator]]
        parts += [", ".join(value.values)] if value.values else []
    if value.topology is not None:
        parts.append(f"on {value.topology}")
    return " ".join(parts)
