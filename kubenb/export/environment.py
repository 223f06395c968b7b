"""The container's environment: what the runtime reads (KUBENB_…), what the user set, and what comes from secrets and
config maps.

User text reaches the process letter for letter: `$(` is escaped, Airflow fields are the only thing that is ever filled
in. Next room: `manifest`.
"""

from __future__ import annotations

import re
from typing import Any

from kubenb.export.fields import for_kubelet, pieces
from kubenb.export.literal import quote
from kubenb.export.volumes import GOOGLE_FILE, HOME, STORE, by_xcom, store_claim
from kubenb.inside.stores import xcom_name
from kubenb.model.options import TaskOptions
from kubenb.model.pipeline import Load, Parameter, Pipeline, Plan

Part = dict[str, Any]
RUN, TRY = "{{ run_id }}", "{{ ti.try_number }}"
SEALED = ("HOME", "TMPDIR", "USER", "PYTHONUNBUFFERED")  # and all that begin with KUBENB_

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_OF_MAPPINGS = frozenset(dir(dict)) | {"dump", "validate"}  # `params.items` would be the method
_TEXT_FIELDS = frozenset(
    ["ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz", "run_id", "dag_run.run_id", "task_instance_key_str"]
)


def variables(pairs: dict[str, str]) -> list[Part]:
    """Plain values as a container's `env`."""
    return [{"name": name, "value": value} for name, value in pairs.items()]


def of_kubenb(pipeline: Pipeline, plan: Plan, dag_id: str) -> dict[str, str]:
    """What every task has. A container task reads the same names, if it likes."""
    task = plan.task
    own = {
        "KUBENB_DAG": dag_id,
        "KUBENB_TASK": task.name,
        "KUBENB_RUN": RUN,
        "KUBENB_TRY": TRY,
        "KUBENB_PARAMS": params(pipeline.parameters),
    }
    if task.options.store:
        own["KUBENB_STORE"] = STORE if store_claim(task.options.store) else for_kubelet(task.options.store)
    if by_xcom(task.options.store):
        own |= {xcom_name(step.producer): _pulled(step.producer) for step in plan.steps if isinstance(step, Load)}
    if task.kind != "container" and task.options.engine:
        own["KUBENB_ENGINE"] = task.options.engine
    own |= {"HOME": HOME, "TMPDIR": "/tmp", "USER": "kubenb", "PYTHONUNBUFFERED": "1"}
    if task.options.google_key:
        own["GOOGLE_APPLICATION_CREDENTIALS"] = GOOGLE_FILE
    return own


def _pulled(producer: str) -> str:
    """What an earlier task pushed for its followers, beside what it pushed for Airflow's users."""
    return "{{ ti.xcom_pull(%s)[%s] }}" % (quote(producer), quote("kubenb"))


def of_user(options: TaskOptions) -> dict[str, str]:
    """`env` as the user set it, as the kubelet wants it."""
    return {pair.key: for_kubelet(pair.value) for pair in options.env}


def projected(options: TaskOptions) -> list[Part]:
    """Variables that take their value from a secret or a config map: the value itself is never in the pod's text."""
    both = (("secretKeyRef", options.secret), ("configMapKeyRef", options.configmap))
    return [
        {"name": value.env, "valueFrom": {source: {"name": value.name, "key": value.key or value.env}}}
        for source, values in both
        for value in values
        if value.env
    ]


def params(parameters: tuple[Parameter, ...]) -> str:
    r"""One Airflow field that makes the JSON of all parameters. `$` is written as JSON's \u0024, so that the kubelet sees none to expand.

    >>> print(params((Parameter("year", 2013), Parameter("day", "2026-01-01", "{{ ds }}"))))
    {{ {"year": params.year, "day": ds} | tojson | replace("$", "\\u0024") }}
    """
    if not parameters:
        return "{}"
    items = ", ".join(f'"{item.name}": {_filled(item)}' for item in parameters)
    return '{{ {%s} | tojson | replace("$", "\\\\u0024") }}' % items


def _filled(parameter: Parameter) -> str:
    """The Jinja expression of one parameter: Airflow's params, or its own field."""
    if parameter.template is None:
        return f"params.{parameter.name}" if parameter.name not in _OF_MAPPINGS else f'params["{parameter.name}"]'
    parts = [
        _operand(piece[2:-2].strip(" -+\n") if field else piece, field) for piece, field in pieces(parameter.template)
    ]
    if len(parts) != 1:
        return f"({' ~ '.join(parts)})"
    if parameter.default is None or isinstance(parameter.default, str):
        return parts[0] if parts[0] in _TEXT_FIELDS else f"({parts[0]} | string)"
    number = {int: "int", float: "float"}.get(type(parameter.default))
    return f"({parts[0]} | {number})" if number else parts[0]


def _operand(text: str, field: bool) -> str:
    if field:
        return text if _PLAIN.match(text.replace(".", "_")) else f"({text})"
    return quote(text)
