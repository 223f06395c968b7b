"""Slices become plans: steps in the notebook's order, outputs, and what the run must watch.

In: the `Story` and the tasks' slices. Out: `Plan`s and `Edge`s. Last room of dataflow; `kubenb.notebook.pipeline` puts them together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kubenb.model.pipeline import Apart, Code, Edge, Load, Plan, Reason, Step
from kubenb.model.problems import Place
from kubenb.notebook.dataflow.objects import Objects
from kubenb.notebook.dataflow.slices import Slice, Slicer
from kubenb.notebook.dataflow.story import CHANGE, GONE, KILL, MAYBE, ORDINARY, TOUCH, Story


@dataclass(slots=True)
class Planned:
    """Plans and edges of one notebook, in its order."""

    plans: tuple[Plan, ...]
    edges: tuple[Edge, ...]
    taken: set[int]


class Planner:
    """Writes all plans of one story."""

    def __init__(self, story: Story, slicer: Slicer, slices: list[Slice]) -> None:
        self.story, self.slicer, self.slices = story, slicer, slices
        self.texts: dict[tuple[int, int], Code] = {}
        self.later = self._uses()
        self.reach: dict[Objects, set[int]] = {}
        self._versions: tuple[Slice, dict[str, list[int]]] | None = None
        self._names: list[list[str]] = [[] for _ in story.units]
        for name, events in story.events.items():
            for at in events.at:
                self._names[at].append(name)

    def all(self) -> Planned:
        """Every plan and edge."""
        plans = tuple(self._plan(found) for found in self.slices)
        edges = tuple(edge for found in self.slices for edge in self._edges(found))
        taken = {at for found in self.slices for at in found.units}
        return Planned(plans, edges, taken)

    def _plan(self, found: Slice) -> Plan:
        span = found.span
        task = span.task
        outputs = dict.fromkeys([*self.slicer.wanted[span.index], *task.options.out])
        binds, changes = self._body_names(found)
        changed = self._changed(found)
        steps = self._steps(found, changed)
        return Plan(
            task,
            steps,
            tuple(sorted(outputs)),
            tuple(sorted(binds)),
            tuple(sorted(changes)),
            self._live(found, outputs, changes),
            tuple(sorted(self.slicer.packages(found))),
            tuple(sorted(outputs.keys() & {name for name, _ in found.maybe})),
        )

    # names

    def _body_names(self, found: Slice) -> tuple[set[str], set[str]]:
        """Data names that the body binds or changes, and those of its inputs that it changes in place."""
        story, span = self.story, found.span
        binds: set[str] = set()
        changes: set[str] = set()
        bound: set[str] = set()
        for at in range(span.start, span.end):
            for name in self.names_at(at):
                kind = self._kind(name, at)
                if name in ("<random>", "<numpy.random>"):
                    binds.add(name)  # its state goes where the values of a run that keeps all go
                if name[0] == "<" or (name, at) in story.codes:
                    continue
                if kind == GONE:
                    binds.discard(name)
                    continue
                if kind == CHANGE and self._is_code(name, at):
                    continue
                if kind in (CHANGE, MAYBE) and name not in bound and not self._here(found, name, at):
                    continue
                binds.add(name)
                if name not in bound and name in story.changed.get(at, ()):
                    changes.add(name)
                if kind == KILL:
                    bound.add(name)
        fan_out = span.task.options.map
        if fan_out is not None:
            binds.discard(fan_out.name)
        return binds, changes

    def _here(self, found: Slice, name: str, at: int) -> bool:
        """Whether the version that a statement of the body meets is in this task's process."""
        events = self.story.events[name]
        used = self._used_versions(found).get(name, ())
        newer = at
        for position in range(events.before(at), -1, -1):
            before, kind = events.at[position], events.kind[position]
            if any(before <= version < newer for version in used):
                return True
            if self.story.owner[before] != found.span.index:
                return False
            if kind == KILL:
                return True
            newer = before
        return events.before(at) < 0

    def _used_versions(self, found: Slice) -> dict[str, list[int]]:
        if self._versions is None or self._versions[0] is not found:
            versions: dict[str, list[int]] = {}
            for name, at in found.used:
                versions.setdefault(name, []).append(at)
            self._versions = (found, versions)
        return self._versions[1]

    def names_at(self, at: int) -> list[str]:
        """Names with an event in a statement."""
        return self._names[at]

    def _kind(self, name: str, at: int) -> int:
        return self.story.events[name].kind_at(at)

    def _is_code(self, name: str, at: int) -> bool:
        """Whether the name stands for code where it is changed."""
        events = self.story.events[name]
        for position in range(events.before(at), -1, -1):
            if events.kind[position] == KILL:
                return (name, events.at[position]) in self.story.codes
        return False

    def _changed(self, found: Slice) -> list[tuple[int, set[int]]]:
        """Changes in place that happen in this task's process: statement, objects."""
        things = self.story.things
        return [(at, things[at]) for at in (*found.units, *range(found.span.start, found.span.end)) if at in things]

    def _touches(self, name: str, made: int, changed: list[tuple[int, set[int]]], start: int) -> bool:
        """Whether the objects that a name brings along are changed after it is loaded, under whichever name."""
        story = self.story
        if not any(at >= start for at, _ in changed):
            return False
        events = story.events[name]
        position = events.before(made + 1)
        while position >= 0 and (name, events.at[position]) not in story.objects:
            if events.kind[position] == KILL:
                break
            position -= 1
        objects = story.objects.get((name, events.at[position]), ()) if position >= 0 else ()
        if not objects:
            return any(name in story.changed[at] for at, _ in changed if at >= start)
        reach = self.reach.get(objects)
        if reach is None:
            reach = self.reach[objects] = story.heap.reach(objects)
        return any(not reach.isdisjoint(things) for at, things in changed if at >= start)

    # steps

    def _steps(self, found: Slice, changed: list[tuple[int, set[int]]]) -> tuple[Step, ...]:
        story = self.story
        pieces: list[tuple[float, int, Step]] = []
        for first, last in self._runs(sorted(found.units)):
            pieces.append((first, 0, self._code(first, last)))
        for producer, names in found.loads.items():
            span = story.spans[producer]
            touched = {name for name in names if self._touches(name, names[name].made, changed, span.end)}
            fan_out = span.task.options.map
            listed = tuple(sorted(names))
            readonly = tuple(name for name in listed if name not in touched and name[0] != "<")
            load = Load(span.task.name, listed, readonly, fan_out.source if fan_out else None)
            pieces.append((span.end - 0.5, 1, load))
        pieces += [(at - 0.5, 0, apart) for at, apart in self._aparts(found)]
        return tuple(step for _, _, step in sorted(pieces, key=lambda piece: piece[:2]))

    def _runs(self, units: list[int]) -> Iterable[tuple[int, int]]:
        """Neighbouring statements of one cell, as one piece."""
        story = self.story
        index = 0
        while index < len(units):
            first = last = units[index]
            index += 1
            while index < len(units) and units[index] == last + 1 and story.cell[units[index]] == story.cell[first]:
                last = units[index]
                index += 1
            yield first, last

    def _code(self, first: int, last: int) -> Code:
        known = self.texts.get((first, last))
        if known is None:
            story = self.story
            one, two = story.units[first], story.units[last]
            lines = story.records[story.cell[first]].lines
            place = story.place(first, one.first)
            known = self.texts[first, last] = Code("\n".join(lines[one.first - 1 : two.end]), place)
        return known

    def _aparts(self, found: Slice) -> Iterable[tuple[int, Apart]]:
        """Old versions of names that something outside this slice changes in place later on."""
        story = self.story
        if not found.units:
            return
        for (name, at), until in sorted(found.used.items()):
            events = story.events[name]
            if name[0] == "<" or until > found.span.start or ((name, at) in story.plain and events.kind_at(at) == KILL):
                continue
            after = events.before(at + 1) + 1
            if after >= len(events.at) or events.kind[after] != CHANGE:
                continue
            change = events.at[after]
            if change >= found.span.start or change in found.units or (name, at) in story.codes:
                continue
            others = self._made_from(found, name, at, change)
            if others:
                owner = story.owner[change]
                by = story.spans[owner].task.name if owner >= 0 else f"cell {story.place(change).cell}"
                yield change, Apart(name, others, by)

    def _made_from(self, found: Slice, name: str, at: int, change: int) -> tuple[str, ...]:
        """Names computed here from that version and needed after the change."""
        story = self.story
        tainted = {name}
        made = set()
        met: dict[int, list[str]] = {}
        for each, version in found.used:
            met.setdefault(version, []).append(each)
        for unit in sorted(each for each in found.units if at < each < change):
            if tainted.isdisjoint(story.needs[unit]):
                continue
            for other in dict.fromkeys((*self.names_at(unit), *met.get(unit, ()))):
                tainted.add(other)
                if (
                    other != name
                    and other[0] != "<"
                    and (other, unit) not in story.codes
                    and (other, unit) not in story.plain
                    and found.used.get((other, unit), -1) > change
                ):
                    made.add(other)
        return tuple(sorted(made))

    # what later tasks take

    def _uses(self) -> dict[str, list[tuple[int, int, int]]]:
        """For each name: (task, version, producer or -1) of all tasks that need a version made before them."""
        uses: dict[str, list[tuple[int, int, int]]] = {}
        for found in self.slices:
            for name, at in found.used:
                owner = self.story.owner[at]
                if owner != found.span.index and name[0] != "<" and (name, at) not in self.story.codes:
                    uses.setdefault(name, []).append((found.span.index, at, owner))
        return uses

    def _live(self, found: Slice, outputs: Iterable[str], changes: set[str]) -> tuple[tuple[str, str], ...]:
        """Names that later tasks take from elsewhere and that must not share data with what is left here."""
        story, span = self.story, found.span
        held = [name for name in outputs if name[0] != "<"]
        if not held and not changes:
            return ()
        moving = bool(changes) or any(self._changes_later(name, span.end) for name in held)
        live = []
        for name, at in found.used:
            if name in outputs or name[0] == "<" or story.owner[at] == span.index:
                continue
            if (name, at) in story.codes or (name, at) in story.plain or self._version(name, span.end) != at:
                continue
            if not any(task > span.index and version == at for task, version, _ in self.later.get(name, ())):
                continue
            if moving or self._changes_later(name, span.end):
                owner = story.owner[at]
                live.append((name, story.spans[owner].task.name if owner >= 0 else f"cell {story.place(at).cell}"))
        return tuple(sorted(set(live)))

    def _version(self, name: str, until: int) -> int:
        events = self.story.events[name]
        return events.at[events.before(until)]

    def _changes_later(self, name: str, start: int) -> bool:
        events = self.story.events.get(name)
        if events is None:
            return False
        for position in range(events.before(start) + 1, len(events.at)):
            if events.kind[position] == CHANGE:
                return True
            if events.kind[position] in (KILL, GONE):
                return False
        return False

    # edges

    def _edges(self, found: Slice) -> list[Edge]:
        story = self.story
        edges = []
        for producer, names in sorted(found.loads.items()):
            reasons = []
            for name, taken in sorted(names.items()):
                kind = self._kind(name, taken.made)
                what = (
                    "changed in place"
                    if kind == CHANGE
                    else "shared"
                    if kind == TOUCH
                    else "bound on some ways"
                    if kind == MAYBE
                    else ""
                )
                reasons.append(
                    Reason(name, self._made(name, taken.made), story.place(taken.reader, taken.line or None), what)
                )
            edges.append(Edge(story.spans[producer].task.name, found.span.task.name, tuple(reasons)))
        return edges

    def _made(self, name: str, at: int) -> Place:
        unit = self.story.units[at]
        return self.story.place(at, unit.binds.get(name) or unit.maybes.get(name) or None)


def left_out(story: Story, taken: set[int], planner: Planner) -> tuple[Code, ...]:
    """Ordinary code that no task takes."""
    rest = [
        at
        for at, owner in enumerate(story.owner)
        if owner == ORDINARY
        and at not in taken
        and not (story.units[at].kind == "nothing" and story.units[at].root == "kubenb")
    ]
    return tuple(planner._code(first, last) for first, last in planner._runs(rest))
