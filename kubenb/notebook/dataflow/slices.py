"""What one task needs, found backwards: ordinary statements to replay, and names to load from earlier tasks.

In: the `Story` and what later tasks want of this one. Out: `Slice`. Tasks are sliced from the last to the first, so that a task
knows what is taken from it. Next room: `plans` writes the steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kubenb.notebook.dataflow.configuring import brings
from kubenb.notebook.dataflow.sharing import Stretch, meetings
from kubenb.notebook.dataflow.story import CHANGE, GONE, KILL, MAYBE, ORDINARY, PARAMETERS, TOUCH, Span, Story
from kubenb.notebook.dataflow.values import STANDARD


@dataclass(slots=True)
class Taken:
    """A name taken from another task: the statement that made it there, and the one that reads it here."""

    made: int
    reader: int
    line: int


@dataclass(slots=True)
class Stuck:
    """Code or set-up inside a task that can't be taken along. `why`: the name, or the `work`, that holds it there.

    `mild`: only messages may differ.
    """

    name: str
    made: int
    reader: int
    why: str
    mild: bool = False
    work: bool = False


@dataclass(slots=True)
class Slice:
    """All that a task takes along. `used`: for each version of a name, the last statement that reads it."""

    span: Span
    units: set[int] = field(default_factory=set)
    loads: dict[int, dict[str, Taken]] = field(default_factory=dict)
    used: dict[tuple[str, int], int] = field(default_factory=dict)
    maybe: list[tuple[str, int]] = field(default_factory=list)
    stuck: list[Stuck] = field(default_factory=list)
    gone: list[tuple[str, int, int]] = field(default_factory=list)
    split: set[tuple[int, tuple[str, ...]]] = field(default_factory=set)


class Slicer:
    """Slices all tasks of one story; `wanted[task]`: names that later tasks take from it."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.wanted: list[dict[str, Taken]] = [{} for _ in story.spans]
        self.movable: dict[int, str] = {}
        self.mapped = any(span.task.options.map is not None for span in story.spans)
        self.touches: dict[str, dict[tuple[int, int, int], Stretch]] = {}

    def all(self) -> list[Slice]:
        """The slices, in the notebook's order."""
        found = [self.one(span) for span in reversed(self.story.spans)]
        return found[::-1]

    def one(self, span: Span) -> Slice:
        """One task's slice; shared versions count only where it needs two names that share."""
        self.touches = {}
        while True:
            found = self._cut(span)
            if not self._met(found):
                break
        for producer, names in found.loads.items():
            for name, taken in names.items():
                self.wanted[producer].setdefault(name, taken)
        return found

    def _met(self, found: Slice) -> bool:
        """Whether two names that this slice needs share data in statements that were not known before."""
        heap = self.story.heap
        needed = [(name, at, until) for (name, at), until in found.used.items() if not self._is_text(name)]
        grown = False
        for groups in (heap.tight, heap.loose):
            apart: dict[int, set[str]] = {}
            for name, stretch in meetings(groups, heap.spells, needed):
                known = self.touches.setdefault(name, {})
                if stretch.key not in known:
                    known[stretch.key] = stretch
                    grown = True
                if self.mapped:
                    for at in stretch.all():
                        if self._is_mapped(at):
                            apart.setdefault(at, set()).add(name)
            for at, names in apart.items():
                self._split(found, at, tuple(sorted(names)))
        return grown

    def _is_text(self, name: str) -> bool:
        """Whether a name stands for code that no task, and nothing after one, changes: what it shares is the same wherever it runs."""
        story, events = self.story, self.story.events[name]
        first = story.spans[0].start
        return all(
            (name, at) in story.codes if kind == KILL else kind == CHANGE and at < first
            for at, kind in zip(events.at, events.kind, strict=True)
        )

    def _before(self, name: str, until: int) -> tuple[int, int]:
        """The last event of a name before a statement, and its kind; (-1, GONE) if there is none."""
        events = self.story.events.get(name)
        position = events.before(until) if events is not None else -1
        if events is None or position < 0:
            return -1, GONE
        at, kind = events.at[position], events.kind[position]
        for stretch in self.touches.get(name, {}).values():
            shared = stretch.last(until)
            while shared > at and self.mapped and self._is_mapped(shared):
                shared = stretch.last(shared)  # each item has its own copies
            if shared > at:
                at, kind = shared, TOUCH
        return at, kind

    def _is_mapped(self, at: int) -> bool:
        owner = self.story.owner[at]
        return owner >= 0 and self.story.spans[owner].task.options.map is not None

    def _split(self, found: Slice, at: int, needed: tuple[str, ...]) -> None:
        """Names of a mapped task that share data with what it was given: copies, once they travel."""
        span = self.story.spans[self.story.owner[at]]
        made = {
            name for name in needed if (events := self.story.events[name]).at[events.before(span.end)] >= span.start
        }
        if made and len(made) < len(needed) and any(self._changed_after(name, span.end) for name in needed):
            found.split.add((at, needed))

    def _changed_after(self, name: str, at: int) -> bool:
        events = self.story.events[name]
        return CHANGE in events.kind[events.before(at) + 1 :]

    def _cut(self, span: Span) -> Slice:
        found = Slice(span)
        stack: list[tuple[str, int, int, int]] = []
        needs = self.story.needs
        for at in range(span.start, span.end):
            stack.extend((name, at, at, line) for name, line in needs[at].items())
        for name, taken in self.wanted[span.index].items():
            stack.append((name, span.end, taken.reader, taken.line))
        stack.extend((name, span.end, span.end - 1, 0) for name in span.task.options.out)
        self._follow(found, stack)
        self._add_setups(found)
        return found

    def _follow(self, found: Slice, stack: list[tuple[str, int, int, int]]) -> None:
        """Each need leads to the statement that made the version, and that to its own needs."""
        story, used = self.story, found.used
        span = found.span
        while stack:
            name, until, reader, line = stack.pop()
            at, kind = self._before(name, until)
            if at < 0:
                continue
            known = used.get((name, at))
            used[name, at] = until if known is None else max(known, until)
            if known is not None:
                continue
            owner = story.owner[at]
            if kind == GONE:
                found.gone.append((name, at, reader))
                continue
            if owner == span.index or owner == PARAMETERS:
                if kind != KILL:
                    self._older(found, stack, name, at, kind, reader, line)
                continue
            if owner != ORDINARY and not self._moves(found, name, at, kind, reader):
                if until in found.units and story.owner[until] == owner and not self._held_by(until):
                    unit = story.units[until]  # taken along as text, to run before anything of its task is loaded
                    found.stuck.append(Stuck(next(iter((*unit.binds, name))), until, reader, name))
                self._fetch(found, stack, owner, name, Taken(at, reader, line))
                continue
            if at not in found.units:
                found.units.add(at)
                stack.extend((need, at, at, where) for need, where in story.needs[at].items())
            if kind != KILL:
                self._older(found, stack, name, at, kind, reader, line)

    def _older(
        self,
        found: Slice,
        stack: list[tuple[str, int, int, int]],
        name: str,
        at: int,
        kind: int,
        reader: int,
        line: int,
    ) -> None:
        """A statement that only may bind a name, or changes it: the version before it is needed as well."""
        _, older = self._before(name, at)
        if kind == MAYBE and older == GONE:
            found.maybe.append((name, at))
            return
        stack.append((name, at, at, self.story.units[at].line))

    def _fetch(self, found: Slice, stack: list[tuple[str, int, int, int]], owner: int, name: str, taken: Taken) -> None:
        """A name is loaded; a mapped producer's fan-out must be known where it is."""
        names = found.loads.setdefault(owner, {})
        if name in names:
            if (taken.reader, taken.line) < (names[name].reader, names[name].line):
                names[name] = Taken(max(taken.made, names[name].made), taken.reader, taken.line)
            return
        names[name] = taken
        stack.extend((kind, taken.made, taken.reader, taken.line) for kind in self._classes(name, taken.made))
        producer = self.story.spans[owner]
        if producer.task.options.map is not None:
            stack.extend(
                (need, producer.start, taken.reader, line) for need, line in self.story.needs[producer.start].items()
            )

    def _classes(self, name: str, made: int) -> set[str]:
        """Classes that a value's parts are instances of, as far as its making and its changes tell."""
        story, found = self.story, set[str]()
        if not story.classes:
            return found
        events = story.events[name]
        for position in range(events.before(made + 1), -1, -1):
            found.update(story.classes.get((name, events.at[position]), ()))
            if events.kind[position] == KILL:
                break
        return found

    # code inside tasks

    def _moves(self, found: Slice, name: str, at: int, kind: int, reader: int) -> bool:
        """Whether another task's statement is code that this one takes as text."""
        story = self.story
        is_code = (name, at) in story.codes or (kind == TOUCH and story.units[at].kind in ("def", "import"))
        if kind == KILL and not is_code:
            return False
        if not is_code:
            events = story.events[name]
            first = next((events.at[i] for i in range(events.before(at), -1, -1) if events.kind[i] == KILL), -1)
            if (name, first) in story.states:
                why = self._held_by(at)
                if why:
                    found.stuck.append(Stuck(name, at, reader, why))
                return True
            if (
                (name, first) not in story.codes
                or story.units[first].kind == "alias"
                or (name, first) not in story.plain
            ):
                return False
            if kind == TOUCH:
                return True
        why = self._held_by(at)
        if why:
            found.stuck.append(Stuck(name, at, reader, why))
        return True

    def _held_by(self, at: int) -> str:
        """The task's own data that a statement needs when it runs: '' if it can stand in another task."""
        known = self.movable.get(at)
        if known is not None:
            return known
        story, why = self.story, ""
        unit, owner = story.units[at], story.owner[at]
        self.movable[at] = ""
        if unit.kind not in ("def", "import", "setup"):
            firm = at in story.firm
            bound = () if firm else (*unit.binds, *unit.maybes)
            why = next((name for name in bound if (name, at) not in story.codes), "")
            if not why and at in story.calls and not (firm and at not in story.changed):
                why = "what it calls"
        reads = story.needs[at] if unit.kind not in ("def", "import") else dict.fromkeys(unit.reads, 0)
        for name in reads:
            events = story.events.get(name)
            position = events.before(at) if events is not None else -1
            if events is None or position < 0 or story.owner[events.at[position]] != owner:
                continue
            made = events.at[position]
            if (name, made) not in story.codes or self._held_by(made):
                why = why or name
        self.movable[at] = why
        return why

    # set-up

    def _add_setups(self, found: Slice) -> None:
        """Statements that bind nothing but configure: of the standard library always, of others if this task imports them."""
        story = self.story
        if not story.setups or story.setups[0][0] >= found.span.start:
            return
        done: set[int] = set()
        roots = dict(story.setups)
        while True:
            packages = self.packages(found) | self._kin(found)
            fresh = [
                at for at in roots
                if at < found.span.start and at not in done and at not in found.units and _concerns(roots[at], packages)
            ]  # fmt: skip
            if not fresh:
                return
            for at in fresh:
                done.add(at)
                if story.owner[at] == PARAMETERS:
                    continue
                why = self._held_by(at) if story.owner[at] != ORDINARY else ""
                work = "" if why else story.works.get(at, "")
                if why or work:
                    if at in story.firm or work:
                        mild = _MESSAGES.issuperset(roots[at])
                        start = found.span.start
                        found.stuck.append(Stuck("what this line sets up", at, start, why or work, mild, bool(work)))
                    continue
                found.units.add(at)
                self._follow(found, [(name, at, at, line) for name, line in story.needs[at].items()])

    def _kin(self, found: Slice) -> set[str]:
        """Packages that the values were made with which the task loads."""
        kin: set[str] = set()
        for names in found.loads.values():
            for name, taken in names.items():
                events = self.story.events[name]
                for position in range(events.before(taken.made + 1), -1, -1):
                    kin |= self.story.kin.get((name, events.at[position]), frozenset())
                    if events.kind[position] == KILL:
                        break
        return kin

    def packages(self, found: Slice) -> set[str]:
        """Top-level packages that the task's code imports."""
        units = self.story.units
        span = found.span
        names = {package for at in found.units for package in units[at].packages}
        for at in range(span.start, span.end):
            names.update(units[at].packages)
        return names


_MESSAGES = frozenset({"logging", "warnings"})


def _concerns(roots: tuple[str, ...], packages: set[str]) -> bool:
    return any(
        root in STANDARD or root in packages or any(brings(each, root) for each in packages - STANDARD)
        for root in roots
    )
