"""What becomes of each file of an export that meets an earlier one: written, kept, merged, taken away, or in the way.

In: the new files, the ones that stand there, and the record of the last export among them. Out: `Outcome`, or the
problems that forbid it. Pure: `kubenb.delivery` reads and writes. A file counts as ours when the last export's record
has its digest, the DAG file when it has our line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kubenb.export.dag import NO_DIGEST, digest
from kubenb.export.edited import Flaw, flaw, lost
from kubenb.export.files import RECORD, base_name
from kubenb.export.merge import Conflict, diff, meeting, merge
from kubenb.export.payload import sha256
from kubenb.model.problems import Place, Problem

_SOURCE = re.compile(r'"""DAG \S+, written by kubenb from (\S+): ')
_MARK = re.compile(r"^kubenb: (\S+) ([0-9a-f]{16})$", re.MULTILINE)


@dataclass
class Outcome:
    """File by file. `there`: the texts that were found; `texts`: all files of ours as they are to stand.

    `merged` names those whose hand edits stay, `written` those that are new or changed otherwise, `removed` those of an earlier
    export that are no longer made. `diffs`: what changes in each; `problems`: what forbids to write any of it.
    """

    there: Mapping[str, str]
    texts: dict[str, str] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    diffs: list[str] = field(default_factory=list)


def reconcile(dag: str, new: Mapping[str, str], there: Mapping[str, str]) -> Outcome:
    """Every file. `there` holds the present text of all paths in `new` and in the record, as far as they exist."""
    outcome = Outcome(there)
    record = recorded(dag, there)
    for name, text in new.items():
        present = there.get(name)
        if present is None or present == text or name.startswith(f"{dag}/.kubenb/"):
            _put(outcome, name, text, present)
        elif name == f"{dag}.py":
            _dag_file(outcome, dag, name, text, present, there)
        else:
            _beside(outcome, dag, name, text, present, there, record)
    for name in sorted(set(record) - set(new)):
        present = there.get(name)
        if present is not None and sha256(present) == record[name]:
            outcome.removed.append(name)
            if "/kubenb_runtime/" not in name:
                outcome.diffs.append(diff(name, present, None))
    return outcome


def recorded(dag: str, there: Mapping[str, str]) -> dict[str, str]:
    """Path -> digest of what the last export wrote."""
    try:
        files = json.loads(there.get(f"{dag}/{RECORD}", "{}")).get("files", {})
        return {
            f"{dag}/{name}": str(value)
            for name, value in files.items()
            if not name.startswith("/") and ".." not in name.split("/")
        }
    except (ValueError, AttributeError):
        return {}


def ours(dag: str, text: str) -> bool:
    """Whether the DAG file was written by kubenb for this DAG."""
    found = _MARK.search(text[:4000])
    return found is not None and found[1] == dag


def _source(text: str) -> str:
    """The notebook that a DAG file says it comes from."""
    found = _SOURCE.match(text)
    return found[1] if found else ""


def unedited(text: str) -> bool:
    """Whether the DAG file is as kubenb wrote it: its own digest still fits."""
    found = _MARK.search(text[:4000])
    return found is not None and digest(text[: found.start(2)] + NO_DIGEST + text[found.end(2) :]) == found[2]


def _put(outcome: Outcome, name: str, text: str, present: str | None) -> None:
    outcome.texts[name] = text
    if present == text:
        outcome.unchanged.append(name)
    elif "/.kubenb/" not in name:
        outcome.written.append(name)
        if "/kubenb_runtime/" not in name:  # nobody's to read: counted, not shown
            outcome.diffs.append(diff(name, present, text))


def _dag_file(outcome: Outcome, dag: str, name: str, text: str, present: str, there: Mapping[str, str]) -> None:
    if not ours(dag, present):
        what = f"{name} is there already, and kubenb did not write it."
        outcome.problems.append(
            Problem(
                Place(file=name), what, "Move it away, or choose another DAG id (%k8s_dag NAME).", "delivery.not-ours"
            )
        )
        return
    before, now = _source(present), _source(text)
    if before and now and before != now:
        what = f"{name} was exported from {before}, and this is {now}."
        fix = f"Choose another DAG id (%k8s_dag NAME). If the notebook was renamed, write {now} into the first line of {name}."
        outcome.problems.append(Problem(Place(file=name), what, fix, "delivery.other-notebook"))
        return
    base = present if unedited(present) else there.get(f"{dag}/{base_name(name)}")
    _three_way(outcome, name, base, present, text)


def _beside(
    outcome: Outcome, dag: str, name: str, text: str, present: str, there: Mapping[str, str], record: Mapping[str, str]
) -> None:
    if name not in record:
        what = f"{name} is there already, and kubenb did not write it."
        outcome.problems.append(
            Problem(
                Place(file=name), what, "Move it away, or choose another DAG id (%k8s_dag NAME).", "delivery.not-ours"
            )
        )
    elif sha256(present) == record[name]:
        _put(outcome, name, text, present)
    elif sha256(text) == record[name]:
        _keep(outcome, name, present)
    else:
        _three_way(outcome, name, there.get(f"{dag}/{base_name(name[len(dag) + 1 :])}"), present, text)


def _keep(outcome: Outcome, name: str, present: str) -> None:
    outcome.texts[name] = present
    outcome.merged.append(name)


def _three_way(outcome: Outcome, name: str, base: str | None, mine: str, theirs: str) -> None:
    """Merged where the texts allow it and the result is what it should be; else a problem that shows where not."""
    merged = merge(base, mine, theirs) if base is not None else None
    broken = flaw(name, mine) if mine != base else None
    if broken is not None:
        outcome.problems.append(_broken_edit(name, broken))
        return
    if merged is None or merged.conflicts:
        outcome.problems.append(_conflict(name, mine, theirs, merged.conflicts if merged else ()))
        return
    broken = flaw(name, merged.text) or _lost(name, merged.text, theirs) if mine != base else None
    if broken is not None and merged.text == mine:
        outcome.problems.append(_broken_edit(name, broken))
        return
    if broken is not None:
        # the line is one of the merged text, which nobody has seen: the sentence names it, not the place
        what = f"your edits of {name} don't fit the notebook's changes: together it {broken.what}; nothing was written."
        fix = f"The new text:\n{diff(name, mine, merged.text)}Change your edits to fit it, or delete {name} to have it written anew."
        outcome.problems.append(Problem(Place(file=name), what, fix, "delivery.broken-merge"))
        return
    outcome.texts[name] = merged.text
    if merged.text == mine:
        outcome.merged.append(name)
        return
    (outcome.merged if mine != base else outcome.written).append(name)
    outcome.diffs.append(diff(name, mine, merged.text))


def _lost(name: str, text: str, theirs: str) -> Flaw | None:
    return lost(text, theirs) if name.endswith(".py") else None


def _broken_edit(name: str, broken: Flaw) -> Problem:
    what = f"with your edits {name} {broken.what}; nothing was written."
    fix = f"{broken.fix}, or delete {name} to have it written anew without your edits."
    return Problem(Place(file=name, line=broken.line), what, fix, "delivery.broken-edit")


def _conflict(name: str, mine: str, theirs: str, conflicts: Sequence[Conflict]) -> Problem:
    """Where nothing is known of the text that both came from, all differences are shown."""
    shown = meeting(name, conflicts) or diff(name, mine, theirs)
    what = f"your edits of {name} and the notebook's changes meet in the same lines; nothing was written.\n{shown}"
    fix = (
        "There, write the + lines and take the - lines out (other lines of yours may stay), export again, and put back "
        "after that what you want otherwise."
        if conflicts
        else "Make it the new text (- is yours, + is new)."
    )
    fix += f" Or delete {name} to have it written anew without your edits."
    line = conflicts[0].line if conflicts else None
    return Problem(Place(file=name, line=line), what, fix, "delivery.conflict")
