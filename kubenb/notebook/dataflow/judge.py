"""What can't be decided, or would not mean what the notebook means: named problems.

In: the `Story`, the slices and the option for shell lines. Out: `Problem`s, in the notebook's order.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubenb.model.problems import Place, Problem, Severity
from kubenb.notebook.dataflow.plans import Planner
from kubenb.notebook.dataflow.slices import Slice, Taken
from kubenb.notebook.dataflow.story import CHANGE, KILL, MAYBE, ORDINARY, PARAMETERS, Missing, Story
from kubenb.notebook.dataflow.travel import first_made, items, kept_code, kept_methods, older_classes, pickles


def judge(story: Story, slices: list[Slice], planner: Planner, shell_lines: str) -> tuple[Problem, ...]:
    """All problems of one notebook's dataflow."""
    found: dict[Problem, None] = {}
    for source in (
        _doubts(story),
        _lines(story, shell_lines),
        _missing(story),
        _parameters(story),
        _branches(story, slices, planner.slicer.wanted),
        _stuck(story, slices),
        _mapped(story, planner),
        _split(story, slices),
        _wandering(story, slices),
        _asking(story),
        _streams(story, slices),
        _caches(story),
        kept_code(story, slices),
        kept_methods(story, slices),
        older_classes(story, slices),
        items(story, slices),
        pickles(story, slices),
    ):
        found.update(dict.fromkeys(source))
    return tuple(sorted(found, key=lambda problem: (problem.where.cell or 0, problem.where.line or 0)))


def _doubts(story: Story) -> Iterator[Problem]:
    for index, record in enumerate(story.records):
        cell = story.cells[index]
        task = cell.task.name if cell.task else None
        if cell.task is not None and cell.task.kind != "cell":
            continue
        for doubt in (*record.doubts, *(doubt for unit in record.units for doubt in unit.doubts)):
            yield Problem(Place(cell.number, doubt.line + cell.line - 1, task), doubt.what, doubt.fix, doubt.code)


def _lines(story: Story, shell_lines: str) -> Iterator[Problem]:
    """Shell lines and magics of ordinary cells."""
    for at, unit in enumerate(story.units):
        if unit.kind == "magic":
            if (
                unit.root in ("run", "store", "load", "macro", "rerun", "recall", "edit", "pylab")
                or story.owner[at] < 0
            ):
                what = f"the magic %{unit.root} can do what can't be seen here."
                yield Problem(
                    story.place(at), what, "Write the Python that you mean, or move it into a task.", "dataflow.magic"
                )
        elif unit.kind == "shell" and story.owner[at] < 0 and shell_lines != "keep":
            what = "a shell line in an ordinary cell: no task would run it."
            fix = "Put it into the task's image or into a task, or set shell-lines: keep on %k8s_dag."
            yield Problem(story.place(at), what, fix, "dataflow.shell-line")


def _missing(story: Story) -> Iterator[Problem]:
    """Names that nothing has bound where they are read."""
    for missing in story.missing:
        name, where = missing.name, story.place(missing.at, missing.line or None)
        reads = f"{name}, which {missing.by} reads," if missing.by else name
        severity = Severity.ERROR if missing.sure else Severity.WARNING
        if missing.gone is not None:
            gone = story.place(missing.gone)
            fix = "Take the del out, or bind the name again."
            yield Problem(where, f"{reads} was deleted in {gone}.", fix, "dataflow.deleted", severity)
            continue
        events = story.events.get(name)
        later = [at for at, kind in zip(events.at, events.kind, strict=True) if kind in (KILL, MAYBE)] if events else []
        if later:
            what = f"{name} is read {f'by {missing.by} ' if missing.by else ''}before {story.place(later[0])} makes it."
            yield Problem(where, what, "Move that cell up.", "dataflow.later", severity)
        elif _is_history(name):
            yield Problem(
                where, f"{name} is IPython's memory of earlier cells.", "Give the value a name.", "dataflow.history"
            )
        else:
            what = f"{reads} is not made anywhere in the notebook."
            yield Problem(where, what, _spelt(story, missing), "dataflow.unknown-name", severity)


def _is_history(name: str) -> bool:
    return name in ("_", "__", "___", "In", "Out") or (name[0] == "_" and name[1:].lstrip("i").isdigit())


def _spelt(story: Story, missing: Missing) -> str:
    from difflib import get_close_matches

    near = get_close_matches(missing.name, list(story.events), 1)
    return f"Did you mean {near[0]}?" if near else "Bind it in a cell above, or correct the name."


def _parameters(story: Story) -> Iterator[Problem]:
    """Ordinary cells above the parameters cell that bind a parameter."""
    numbers = [story.cells[story.cell[at]].number for at, owner in enumerate(story.owner) if owner == PARAMETERS]
    if not numbers:
        return
    ours = {name for name, events in story.events.items() if any(story.owner[at] == PARAMETERS for at in events.at)}
    for name in sorted(ours):
        for at in story.events[name].at:
            if story.owner[at] == ORDINARY and story.cells[story.cell[at]].number < numbers[0]:
                what = f"{name} is bound above the parameters cell, which binds it anew."
                yield Problem(
                    story.place(at),
                    what,
                    "Take it out here, or move the parameters cell above.",
                    "dataflow.parameter-bound",
                )


def _branches(story: Story, slices: list[Slice], wanted: list[dict[str, Taken]]) -> Iterator[Problem]:
    """Names bound on some way only that another task takes from this one."""
    for found in slices:
        for name, at in found.maybe:
            if story.owner[at] != found.span.index and name not in wanted[found.span.index]:
                continue
            unit = story.units[at]
            looped = name in unit.looped
            what = (
                f"{name} is bound only in one branch here"
                if not looped
                else f"{name} is bound only if the loop runs at least once"
            )
            yield Problem(
                story.place(at, unit.maybes.get(name)),
                f"{what}, and a later task reads it.",
                f"Bind {name} before, as by {name} = None.",
                "dataflow.branch",
                Severity.WARNING if looped else Severity.ERROR,
            )


def _stuck(story: Story, slices: list[Slice]) -> Iterator[Problem]:
    """Code of a task that later tasks need and can't take along."""
    known = {(missing.name, missing.gone) for missing in story.missing}
    told: set[tuple[int, str]] = set()
    for found in slices:
        for stuck in found.stuck:
            if (stuck.made, stuck.name) in told and not story.units[stuck.made].binds:
                continue
            told.add((stuck.made, stuck.name))
            made, reader = story.place(stuck.made), story.place(stuck.reader)
            what = f"{stuck.name} is needed in {reader}, but here it depends on {stuck.why}, which only this task has at this point."
            fix = "Move it into an ordinary cell."
            if stuck.work:
                what = f"{stuck.name} is needed in {reader}, but {stuck.why} stands in the same statement, and that is done once, here."
                fix = "Write what sets up on a line of its own."
            severity = Severity.WARNING if stuck.mild else Severity.ERROR
            yield Problem(made, what, fix, "dataflow.stuck", severity)
        for name, at, last in found.gone:
            if (name, at) in known:
                continue
            what = f"{name} is read after {story.place(at)} deleted it."
            yield Problem(story.place(last), what, "Take the del out, or bind the name again.", "dataflow.deleted")


def _split(story: Story, slices: list[Slice]) -> Iterator[Problem]:
    """What a mapped task makes of its inputs without copying, where the inputs are needed later as well."""
    for found in slices:
        for at, names in sorted(found.split):
            what = f"{' and '.join(names)} share data here, but each item of a mapped task works on copies."
            yield Problem(story.place(at), what, "Make a copy, as by copy.deepcopy().", "dataflow.mapped-shared")


def _mapped(story: Story, planner: Planner) -> Iterator[Problem]:
    """A mapped body may not change its inputs, and its variable is nothing afterwards."""
    for span in story.spans:
        fan_out = span.task.options.map
        if fan_out is None:
            continue
        bound = {fan_out.name}
        for at in range(span.start, span.end):
            unit = story.units[at]
            for name in planner.names_at(at):
                events = story.events[name]
                kind = events.kind[events.before(at + 1)]
                own = name in unit.binds or name in unit.maybes or name[0] == "<"
                if kind in (KILL, MAYBE) and not own and name not in bound:
                    what = f"a function that the mapped task calls binds {name} anew: every item would bind its own."
                    yield Problem(
                        story.place(at),
                        what,
                        f"Return the value, and bind {name} in the task.",
                        "dataflow.mapped-change",
                    )
                if kind == KILL:
                    bound.add(name)
                elif kind == CHANGE and name not in bound:
                    shown = name.strip("<>")
                    what = f"the mapped task changes {shown} in place: every item would change its own copy."
                    fix = (
                        f"Work on a copy of {shown}."
                        if name[0] != "<"
                        else f"Seed {shown} in the task, as by the item."
                    )
                    yield Problem(story.place(at), what, fix, "dataflow.mapped-change")


def _wandering(story: Story, slices: list[Slice]) -> Iterator[Problem]:
    """Ordinary statements that give another value in each task."""
    for at, what in sorted(story.wanders.items()):
        if story.owner[at] != ORDINARY:
            continue
        users = [found.span.task.name for found in slices if at in found.units]
        if len(users) > 1:
            text = f"{', '.join(users)} each run this line, and what it takes from {what} differs from run to run."
            yield Problem(story.place(at), text, "Make the value in a task, or a parameter.", "dataflow.varies")


def _asking(story: Story) -> Iterator[Problem]:
    for at in story.asks:
        yield Problem(
            story.place(at),
            "input() waits for a person, and a task has none.",
            "Make it a parameter.",
            "dataflow.input",
        )


def _caches(story: Story) -> Iterator[Problem]:
    """Functions that keep their results, where tasks with caches of their own would show it."""
    for at in story.counts:
        if story.owner[at] >= 0:
            what = "cache_info() tells of the calls of other tasks too, and each task has a cache of its own."
            yield Problem(story.place(at), what, "Count the calls in a variable.", "dataflow.cache")

    for at, function, name in story.stale:
        what = f"{function} keeps its results, and {name}, which it reads, has changed since an earlier call."
        yield Problem(story.place(at), what, f"Hand {name} over as an argument.", "dataflow.cache")


def _streams(story: Story, slices: list[Slice]) -> Iterator[Problem]:
    """Iterators and open files that would have to go from task to task."""
    for found in slices:
        for producer, names in found.loads.items():
            for name, taken in names.items():
                if (name, first_made(story, name, taken.made)) in story.streams:
                    span = story.spans[producer]
                    what = f"{name} is an iterator or an open file of {span.task.name}, and {found.span.task.name} reads it."
                    yield Problem(
                        story.place(taken.made), what, f"Keep its content, as by list({name}).", "dataflow.stream"
                    )
