"""Airflow's fields (`{{ ds }}`) on a machine without Airflow: the usual ones have today's values, the rest must be
given.

In: a text and the run's values. Out: the text filled in, or the fields nobody can fill in here. Next room: `params`,
`machine`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from kubenb.export.fields import pieces


def airflow_values(dag: str, run: str, task: str, now: datetime, given: Mapping[str, object]) -> dict[str, str]:
    """What a manual Airflow run would have at this moment; `given` are the run's params.

    >>> values = airflow_values("flights", "local", "train", datetime(2026, 1, 2, tzinfo=timezone.utc), {"year": 2013})
    >>> values["ds"], values["params.year"], values["ti.try_number"]
    ('2026-01-02', '2013', '1')
    """
    at = now.astimezone(timezone.utc)
    stamps = {
        "ds": f"{at:%Y-%m-%d}",
        "ds_nodash": f"{at:%Y%m%d}",
        "ts": at.isoformat(),
        "ts_nodash": f"{at:%Y%m%dT%H%M%S}",
    }
    moments = dict.fromkeys(
        ("logical_date", "data_interval_start", "data_interval_end", "dag_run.logical_date"), at.isoformat()
    )
    days = {"yesterday_ds": f"{at - timedelta(days=1):%Y-%m-%d}", "tomorrow_ds": f"{at + timedelta(days=1):%Y-%m-%d}"}
    names = {
        "dag.dag_id": dag,
        "run_id": run,
        "dag_run.run_id": run,
        "task.task_id": task,
        "ti.task_id": task,
        "ti.try_number": "1",
    }
    params = {f"params.{name}": str(value) for name, value in given.items()}
    return {**stamps, **moments, **days, **names, **params}


def fill(text: str, values: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The text with its fields filled in, and the fields that have no value here.

    >>> fill("day={{ ds }} {{ var.value.x }}", {"ds": "2026-01-02"})
    ('day=2026-01-02 {{ var.value.x }}', ('{{ var.value.x }}',))
    """
    done: list[str] = []
    unknown: list[str] = []
    for piece, field in pieces(text):
        name = _name(piece) if field else ""
        if field and name not in values:
            unknown.append(piece)
        done.append(values[name] if field and name in values else piece)
    return "".join(done), tuple(unknown)


def _name(field: str) -> str:
    """'{{ params["year"] }}' as 'params.year'."""
    name = field[2:-2].strip(" -+\n")
    return re.sub(r"""\[\s*['"](\w+)['"]\s*\]""", r".\1", name)
