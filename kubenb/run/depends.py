"""What a task's result depends on, part by part and by name: so an earlier result is taken again where no part changed,
and where one did, the run says which.

In: a plan, its task notebook, its environment here, the digests of its inputs. Out: parts (name -> digest), the
fingerprint of them all, and the words for a difference. Next room: `units`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from kubenb.model.pipeline import Code, Load, Plan

# Told to every task, or another one in each run; the notebook and the parameters are parts of their own.
ELSEWHERE = re.compile(r"KUBENB_(RUN|TRY|STORE|PARAMS|ITEM|KEEP|HOLD|XCOM_\w+|NOTEBOOK\w*|RUNTIME\w*)|HOME|TMPDIR|PATH")
TOLD = 3  # changed parts that are named

Parts = dict[str, str]


def parts(
    plan: Plan, text: str, command: Iterable[str], environment: Mapping[str, str], values: Mapping[str, object]
) -> Parts:
    """Without the inputs. `text`: the task notebook with the notebook's own parameter values; `values`: the run's."""
    runtime = [environment[name] for name in sorted(environment) if name.startswith("KUBENB_RUNTIME")]
    found: dict[str, object] = {"its code": text, "its item": environment.get("KUBENB_ITEM", "")}
    found["Python or kubenb"] = [*command, *runtime]
    found |= {f"parameter {name}": values[name] for name in used(plan, values)}
    found |= {f"variable {name}": value for name, value in environment.items() if not ELSEWHERE.fullmatch(name)}
    return {name: _digest(value) for name, value in found.items()}


def used(plan: Plan, names: Iterable[str]) -> list[str]:
    """The parameters that a task may read: those whose names its code holds, if only in a text; all, of a whole notebook."""
    if plan.task.kind != "cell":
        return list(names)
    pieces = [plan.task.body, *(step.source for step in plan.steps if isinstance(step, Code))]
    if plan.task.options.map:
        pieces.append(plan.task.options.map.source)
    pieces += [step.items for step in plan.steps if isinstance(step, Load) and step.items]
    words = set(re.findall(r"\w+", "\n".join(pieces)))
    return [name for name in names if name in words]


def fingerprint(found: Parts) -> str:
    """Of all parts."""
    return _digest(found)


def difference(now: Parts, before: Iterable[Parts]) -> str:
    """Why the nearest of the earlier results will not do: 'parameter days changed'; '' where there is none."""
    nearest = max(before, key=lambda old: sum(old.get(name) == value for name, value in now.items()), default=None)
    if nearest is None:
        return ""
    names = [name for name in dict.fromkeys([*now, *nearest]) if now.get(name) != nearest.get(name)]
    shown = ", ".join(names[:TOLD]) + (f" and {len(names) - TOLD} more" if len(names) > TOLD else "")
    return f"{shown} changed" if names else ""


def _digest(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
