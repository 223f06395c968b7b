"""The notebook replayed once, statement by statement: when each name is bound, changed or taken away, and what each statement needs.

In: `FlowCell`s. Out: `Story`: statements with their owner, their needs, and for each name its events in order.
`replay` says what a statement does; `slices` asks the story who made a name. Data that names share makes their versions one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubenb.model.pipeline import Task
from kubenb.notebook.dataflow.cells import read_cell
from kubenb.notebook.dataflow.kin import Kin
from kubenb.notebook.dataflow.objects import CONTAINER, MEMO, STREAM, Heap, Objects
from kubenb.notebook.dataflow.records import CellRecord, Function, Unit
from kubenb.notebook.dataflow.replay import BUILTIN, Replay
from kubenb.notebook.dataflow.story import (
    CHANGE,
    GONE,
    KILL,
    MAYBE,
    ORDINARY,
    PARAMETERS,
    Events,
    FlowCell,
    Missing,
    Span,
    Story,
)
from kubenb.notebook.dataflow.values import Effects, Local


class Forward:
    """Writes the story."""

    def __init__(self, cells: Sequence[FlowCell]) -> None:
        self.story = Story(cells)
        self.heap = Heap()
        self.replay = Replay(self.heap)
        self.replay.listed = any("__subclasses__" in cell.source for cell in cells)
        self.home: dict[int, str] = {}
        self.gone: dict[str, int] = {}
        self.known: dict[Objects, tuple[int, tuple[dict[str, int], tuple[str, ...]]]] = {}
        self.seeded: set[str] = set()
        self.caches: dict[int, dict[str, int]] = {}
        self.kin = Kin(self.story)

    def tell(self) -> Story:
        """All cells, in order."""
        for index, cell in enumerate(self.story.cells):
            record = read_cell(cell.source)
            self.story.records.append(record)
            if cell.role == "task" and cell.task is not None:
                self._task(index, cell.task, record)
            else:
                owner = PARAMETERS if cell.role == "parameters" else ORDINARY
                for unit in record.units:
                    self.step(unit, index, owner)
        self.heap.settle()
        self.story.heap = self.heap
        return self.story

    def _task(self, index: int, task: Task, record: CellRecord) -> None:
        story = self.story
        owner = len(story.spans)
        span = Span(task, len(story.units), 0, index, owner)
        story.spans.append(span)
        fan_out, options = task.options.map, task.options
        if options.in_:
            self.step(_synthetic(reads=options.in_), index, owner)
        if fan_out is not None:
            head = read_cell(f"({fan_out.name},) = ({fan_out.source}\n)")
            for unit in head.units:
                self.step(_moved(unit), index, owner)
        for unit in record.units if task.kind == "cell" else ():
            self.step(unit, index, owner)
        wanted = [name for name in options.xcom if not self._inside(name, span.start)]
        if wanted:
            self.step(_synthetic(reads=wanted), index, owner)
        self._declared(span, index, owner)
        span.end = len(story.units)
        if fan_out is not None:
            self._gathered(span)

    def _inside(self, name: str, start: int) -> bool:
        events = self.story.events.get(name)
        return events is not None and bool(events.at) and events.at[-1] >= start

    def _declared(self, span: Span, index: int, owner: int) -> None:
        """`out`: names bound or changed in ways that can't be seen."""
        options = span.task.options
        changed = [name for name in options.out if not self._inside(name, span.start) and name in self.heap.names]
        made = [name for name in options.out if name not in self.heap.names]
        if span.task.kind != "cell":
            made, changed = [*made, *changed], []
        if made or changed:
            unit = _synthetic(reads=changed, binds=made)
            self.step(unit, index, owner, changed)

    def _gathered(self, span: Span) -> None:
        """After a mapped task each name it bound is the list over all items."""
        self.heap.at(span.end)
        for name, events in self.story.events.items():
            if events.at and events.at[-1] >= span.start and self.heap.names.get(name) is not None:
                objects = self.heap.names[name]
                if not any(thing in self.heap.code for thing in objects) and name not in self.replay.modules:
                    made = self.heap.new(CONTAINER)
                    self.heap.link(made, objects)
                    self.heap.bind(name, made)
                    self.story.objects[name, events.at[-1]] = made

    # one statement

    def step(self, unit: Unit, cell: int, owner: int, changed: Sequence[str] = ()) -> None:
        """One statement: needs first, then what it does, then what it binds."""
        story, heap, replay = self.story, self.heap, self.replay
        at = len(story.units)
        heap.at(at)
        story.units.append(unit)
        story.cell.append(cell)
        story.owner.append(owner)
        names = heap.names
        needs = unit.reads
        coded: list[Objects] = []
        streams: list[int] = []
        for name in unit.reads:
            objects = names.get(name)
            if objects is None:
                if name not in BUILTIN:
                    story.missing.append(Missing(name, at, unit.reads[name], self.gone.get(name)))
            elif objects:
                self._look(objects, coded, streams)
        if unit.soft:
            more = {name: unit.line for name in unit.soft if name in names and name not in needs}
            needs = {**needs, **more}
            for name in more:
                self._look(names[name], coded, streams)
        if coded:
            needs = self._deferred(unit, coded, needs)
        story.needs.append(needs)
        replay.begin()
        said = replay.effects
        local = Local({}, unit.made)
        if streams:
            replay.use_up(streams)
        if heap.defaults and (unit.keyed or coded):
            replay.look_up([names[name] for name in needs if name in names])
        for objects in coded:
            replay.unasked(objects)
        for name in unit.imports:
            replay.modules[name] = unit.imports[name]
        if unit.ops:
            replay.run(unit.ops, local)
        if changed:
            for name in changed:
                replay.change(heap.reach(names[name]))
                said.changed.add(name)
        self._bind_all(unit, at, local)
        self._after(unit, at, said)
        self.kin.note(unit, at, needs, said, replay.modules)

    def _look(self, objects: Objects, coded: list[Objects], streams: list[int]) -> None:
        """Notes values that reach code, and those that reading uses up."""
        heap = self.heap
        if heap.coded and heap.is_coded(objects):
            coded.append(objects)
        streams += [thing for thing in objects if heap.flags.get(thing, 0) & STREAM]

    def _deferred(self, unit: Unit, coded: list[Objects], needs: dict[str, int]) -> dict[str, int]:
        """Names that the functions in reach read when they are called."""
        found = dict(needs)
        for objects in coded:
            hard, soft = self._code_reads(objects)
            for name in (*hard, *soft):
                if name not in found and name in self.heap.names:
                    found[name] = unit.line
        return found

    def _code_reads(self, objects: Objects) -> tuple[dict[str, int], tuple[str, ...]]:
        heap = self.heap
        known = self.known.get(objects)
        if known is not None and known[0] == heap.epoch:
            return known[1]
        hard: dict[str, int] = {}
        soft: list[str] = []
        stack, seen = heap.codes(objects), set[int]()
        while stack:
            thing = stack.pop()
            if thing in seen:
                continue
            seen.add(thing)
            home = self.home.get(thing)
            if home is not None and thing in heap.names.get(home, ()):
                hard.setdefault(home, 0)
            record = heap.code[thing]
            for each in (record, *record.methods.values()):
                for name in each.reads:
                    if name not in hard:
                        hard[name] = 0
                    held = heap.names.get(name)
                    if held and heap.is_coded(held):
                        stack.extend(heap.codes(held))
                soft.extend(each.soft)
            stack.extend(heap.kinds.get(thing, ()))
        found = (hard, tuple(dict.fromkeys(soft)))
        self.known[objects] = (heap.epoch, found)
        return found

    def _bind_all(self, unit: Unit, at: int, local: Local) -> None:
        heap, replay = self.heap, self.replay
        values = unit.values
        held = {name: replay.objects(values[name], local) for name in values} if values else {}
        for name in unit.binds:
            objects = held.get(name, ())
            if name in unit.imports and not objects:
                objects = replay.imported(unit.imports[name])
            self._event(name, at, KILL)
            if name not in unit.imports:
                replay.modules.pop(name, None)
            heap.bind(name, objects)
            if objects and any(heap.flags.get(thing, 0) & STREAM for thing in objects):
                self.story.streams.add((name, at))
            self._note(name, at, unit, objects)
        for name in unit.maybes:
            objects = held.get(name, ())
            before = heap.names.get(name, ())
            self._event(name, at, MAYBE)
            heap.bind(name, tuple(dict.fromkeys((*before, *objects))))
            self._note(name, at, unit, objects)
        for name in unit.deletes:
            self._event(name, at, GONE)
            heap.bind(name, ())
            heap.names.pop(name, None)
            replay.modules.pop(name, None)
            self.gone[name] = at

    def _note(self, name: str, at: int, unit: Unit, objects: Objects) -> None:
        """Whether the name now stands for code, and where that code is at home."""
        if objects:
            self.story.objects[name, at] = objects
            self._classes(name, at, objects)
        code = self.heap.code
        if name in unit.imports or unit.kind == "def":
            self.story.codes.add((name, at))
        if objects:
            if self.heap.state and all(thing in self.heap.state and thing not in self.heap.inner for thing in objects):
                self.story.codes.add((name, at))
                self.story.states.add((name, at))
            if any(thing in code or self.heap.flags.get(thing, 0) & MEMO for thing in objects):
                for thing in objects:
                    if thing in code or self.heap.flags.get(thing, 0) & MEMO:
                        self.home.setdefault(thing, name)
                if unit.kind in ("def", "alias") and all(
                    thing in code or thing in self.heap.coded for thing in objects
                ):
                    self.story.codes.add((name, at))
            return
        self.story.plain.add((name, at))
        if (
            unit.kind == "alias"
            and len(unit.reads) == 1
            and not unit.ops
            and next(iter(unit.reads)) in self.replay.modules
        ):
            self.story.codes.add((name, at))

    def _classes(self, name: str, at: int, objects: Objects) -> None:
        """The notebook's own classes whose instances a value holds: whoever loads it needs their definitions."""
        heap = self.heap
        if heap.coded and heap.is_coded(objects):
            codes = heap.codes(objects)
            homes = {self.home[kind] for kind in codes if kind in self.home and heap.code[kind].kind == "class"}
            if homes - {name}:
                self.story.classes[name, at] = tuple(sorted(homes - {name}))

    def _after(self, unit: Unit, at: int, said: Effects) -> None:
        story = self.story
        for name, sure in said.binds.items():
            self._event(name, at, KILL if sure else MAYBE)
            self._note(name, at, unit, self.heap.names.get(name, ()))
        if said.changed:
            story.changed[at] = tuple(sorted(said.changed))
            story.things[at] = said.things
            for name in story.changed[at]:
                self._event(name, at, CHANGE)
                self._classes(name, at, self.heap.names.get(name, ()))
        if said.draws or said.seeds:
            self._random(at, said)
        if said.entered:
            story.calls.add(at)
            self._free(unit, at, said)
        if said.counts:
            story.counts.append(at)
        for thing, functions in said.cached:
            self._cached(thing, functions, at)
        if said.wanders:
            story.wanders[at] = said.wanders
        if said.input:
            story.asks.append(at)
        if unit.kind == "setup":
            said.setups.add(unit.root or "sys")
        elif unit.imports and unit.imports.get("annotations") == "__future__.annotations":
            said.setups.add("sys")
        self.kin.set_up(unit, at, said, story.owner[at] >= 0)
        self._share(unit, said)

    def _cached(self, thing: int, functions: Iterable[Function], at: int) -> None:
        """A cache gives old results where what its function reads has changed since an earlier call."""
        events, names = self.story.events, self.heap.names
        reads = {name for function in functions for name in function.reads if name in events and name in names}
        data = {name: events[name].at[-1] for name in reads if not self.heap.codes(names[name])}
        before = self.caches.setdefault(thing, data)
        for name in sorted(data):
            if before.get(name, data[name]) != data[name]:
                self.story.stale.append((at, self.home.get(thing, "the function"), name))
                break

    def _free(self, unit: Unit, at: int, said: Effects) -> None:
        """Globals of called functions that nothing has bound by now."""
        names, seen = self.heap.names, set[str]()
        for function, sure in said.entered:
            for name in function.reads:
                if name not in names and name not in BUILTIN and name != "__class__" and name not in seen:
                    seen.add(name)
                    certain = sure and name in function.certain
                    by, gone = function.name, self.gone.get(name)
                    self.story.missing.append(Missing(name, at, unit.line, gone, by, certain))

    def _random(self, at: int, said: Effects) -> None:
        """The state of a seeded global generator is a variable like any other."""
        for name in sorted(said.seeds):
            self.seeded.add(name)
            self._event(name, at, KILL)
            self.heap.names.setdefault(name, ())
        for draw in sorted(said.draws - said.seeds):
            name = draw.rstrip("?")
            if name in self.seeded:
                self.story.needs[at] = {name: self.story.units[at].line, **self.story.needs[at]}
                self._event(name, at, CHANGE)
            elif draw == name or self.story.units[at].binds:
                self.story.wanders.setdefault(at, "random numbers without a seed" if draw == name else "")
                if draw != name and not self.story.wanders[at]:
                    del self.story.wanders[at]

    def _event(self, name: str, at: int, kind: int) -> None:
        events = self.story.events.get(name)
        if events is None:
            events = self.story.events[name] = Events()
        events.add(at, kind)

    # shared data

    def _share(self, unit: Unit, said: Effects) -> None:
        """Names that now share data: their versions become one if anything in the group is changed later."""
        heap, replay = self.heap, self.replay
        loose = {heap.root(thing) for thing in said.grown}
        tight = {heap.close(thing) for thing in said.grown}
        for name in (*unit.binds, *unit.maybes, *said.binds):
            for thing in heap.names.get(name, ()):
                if thing not in heap.code or thing in heap.holds:
                    loose.add(heap.root(thing))
                    tight.add(heap.close(thing))
        if replay.touched:
            touched = {heap.root(thing) for thing in replay.touched}
            for root in touched:
                heap.loose.count(root)
            loose |= touched
            tight.update(heap.close(thing) for thing in replay.tied)
            replay.touched.clear()
            replay.tied.clear()
        for root in loose:
            heap.loose.wait(root)
        for root in tight:
            heap.tight.share(root)


def _synthetic(reads: Iterable[str] = (), binds: Iterable[str] = ()) -> Unit:
    """A statement that a task's options stand for."""
    return Unit(
        0, 0, 0, "plain", dict.fromkeys(reads, 0), (), dict.fromkeys(binds, 0), {}, {}, {name: (f"~{number}",) for number, name in
        enumerate(binds)}, {}, (), [], {}, (), frozenset(),
    )  # fmt: skip


def _moved(unit: Unit) -> Unit:
    """A statement made from a fan-out: it stands nowhere in the body."""
    return Unit(
        0, 0, 0, "plain", unit.reads, unit.soft, unit.binds, unit.maybes, unit.deletes, unit.values, unit.imports, unit.packages,
        unit.ops, unit.made, unit.doubts, unit.looped,
    )  # fmt: skip
