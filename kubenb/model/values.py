"""The values that options hold: small frozen dataclasses in Kubernetes' and Airflow's own words.

`kinds` parses and prints them, `options` says which option holds which, `export.manifest` and the rooms below it write
them into the pod.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AUTO = "auto"  # in place of an amount: as earlier runs were measured


class BadValue(ValueError):
    """What a kind's parser raises: `what` is wrong with the text and the `fix`; the caller knows which option it was.

    >>> str(BadValue("'4G1' is not a quantity.", "Write 4Gi or 4096Mi."))
    "'4G1' is not a quantity. Write 4Gi or 4096Mi."
    """

    def __init__(self, what: str, fix: str) -> None:
        """Both sentences end in a full stop."""
        super().__init__(f"{what} {fix}".strip())
        self.what, self.fix = what, fix


@dataclass(frozen=True)
class Gpu:
    """`1` or `2 amd.com/gpu`: a count of an extended resource."""

    count: int
    resource: str = "nvidia.com/gpu"


@dataclass(frozen=True)
class KeyValue:
    """`key=value`: a label, an annotation, a node-selector entry, an environment variable or a parameter."""

    key: str
    value: str


@dataclass(frozen=True)
class Projection:
    """`name -> ENV`, `name/key -> ENV` or `name -> /path`: a secret or config map shown to the task.

    `env` is a variable name: with `key`, that key's value; without, `ENV` takes the object's key of the same name.
    `path` is a folder the whole object (or the one `key`) is mounted into, read-only. Exactly one of env and path is set.
    """

    name: str
    key: str | None = None
    env: str | None = None
    path: str | None = None


@dataclass(frozen=True)
class SecretKey:
    """`name` or `name/key`: one key of a secret."""

    name: str
    key: str


@dataclass(frozen=True)
class Volume:
    """`pvc:data -> /data sub=raw ro`. `source` is the object's name, or the size for an emptydir ('' = no limit)."""

    kind: Literal["pvc", "secret", "configmap", "emptydir"]
    source: str
    path: str
    sub_path: str | None = None
    read_only: bool = False


@dataclass(frozen=True)
class Toleration:
    """`dedicated=ml:NoSchedule`; `dedicated` (any value, any effect); `*` tolerates everything; `…:NoExecute 300s`."""

    key: str
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    seconds: int | None = None


@dataclass(frozen=True)
class Affinity:
    """One line of affinity.

    `node zone in a, b` · `node disk exists` · `prefer 50 node zone notin a` · `pod app=cache on kubernetes.io/hostname`
    · `prefer not pod app=train on topology.kubernetes.io/zone`. `weight` None = required; 1-100 = preferred.
    """

    target: Literal["node", "pod"]
    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    values: tuple[str, ...] = ()
    weight: int | None = None
    anti: bool = False
    topology: str | None = None


@dataclass(frozen=True)
class FanOut:
    """`month in [1, 2, 3]` or `airport in airports`: one mapped task an item; `source` is the text after `in`."""

    name: str
    source: str
