"""What would go from task to task and can't, as far as the text tells: functions, bound methods, a fan-out's item, values to pickle.

In: the `Story` and the slices. Out: `Problem`s for `judge`, so that nobody hears of it only when a task has run.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubenb.model.problems import Problem, Severity
from kubenb.notebook.dataflow import libraries as lib
from kubenb.notebook.dataflow.objects import MEMO, Objects
from kubenb.notebook.dataflow.slices import Slice, Taken
from kubenb.notebook.dataflow.story import KILL, Story


def first_made(story: Story, name: str, made: int) -> int:
    """The statement that bound the name whose version `made` is."""
    events = story.events[name]
    for position in range(events.before(made + 1), -1, -1):
        if events.kind[position] == KILL:
            return events.at[position]
    return made


def _taken(story: Story, slices: list[Slice]) -> Iterator[tuple[Slice, int, str, Taken, int, Objects]]:
    """All that a task loads: its slice, the producer, the name, where it was bound, and its objects."""
    for found in slices:
        for producer, names in found.loads.items():
            for name, taken in names.items():
                first = first_made(story, name, taken.made)
                yield found, producer, name, taken, first, story.objects.get((name, first), ())


def kept_code(story: Story, slices: list[Slice]) -> Iterator[Problem]:
    """Functions and classes travel as their text: what is put into them does not."""
    heap = story.heap
    for found, _, name, taken, first, objects in _taken(story, slices):
        if not objects or not all(thing in heap.coded for thing in objects):
            continue
        where, reader = story.place(taken.made), story.place(taken.reader, taken.line or None)
        who = f"{found.span.task.name} ({reader})" if reader.task != found.span.task.name else str(reader)
        if all(thing in heap.bounds for thing in objects):
            what = f"{name} is a method of a value that changes, and {who} needs it with that value."
            yield Problem(
                where, what, "Call the method where it is needed, by the value's own name.", "dataflow.method"
            )
        elif any(thing in heap.code or heap.flags.get(thing, 0) & MEMO for thing in objects):
            if (name, first) in story.codes:
                what = f"{name} is changed in place here, and {who} needs it so: functions and classes travel as their text alone."
                fix = "Keep what changes in a variable of its own, such as a dict, and not in an attribute, a default value or a cache."
                yield Problem(where, what, fix, "dataflow.code-changed")
            else:
                what = f"{name} is a function or a class here, and {who} needs it: they travel as their text alone."
                yield Problem(where, what, "Define it in an ordinary cell.", "dataflow.code")


def kept_methods(story: Story, slices: list[Slice]) -> Iterator[Problem]:
    """A value that keeps a method of another: both would be copied, and the tie between them lost."""
    heap = story.heap
    if not heap.bounds:
        return
    for found, _, name, taken, _, objects in _taken(story, slices):
        reach = heap.reach(objects)
        for thing in sorted(reach & heap.bounds.keys() - set(objects)):
            receiver, word = heap.bounds[thing]
            for other, at in sorted(found.used):
                held = story.objects.get((other, first_made(story, other, at)), ())
                if other != name and (other, at) not in story.codes and receiver in heap.reach(held):
                    what = f"{name} keeps a method of {other} ({word}), and {found.span.task.name} needs both: that tie does not travel."
                    fix = f"Keep {other} itself, and call its method."
                    yield Problem(story.place(taken.made), what, fix, "dataflow.method")
                    break


def older_classes(story: Story, slices: list[Slice]) -> Iterator[Problem]:
    """An instance whose class has been defined anew before it travels: it would come back as the new one, or not at all."""
    heap = story.heap
    for _, producer, name, taken, _, objects in _taken(story, slices):
        if not heap.is_coded(objects):
            continue
        for kind in sorted({kind for thing in heap.reach(objects) for kind in heap.kinds.get(thing, ())}):
            title = heap.code[kind].name
            events = story.events.get(title)
            position = events.before(story.spans[producer].end) if events is not None else -1
            if events is None or position < 0:
                continue
            now = first_made(story, title, events.at[position])
            if kind not in story.objects.get((title, now), (kind,)):
                what = f"{name} may hold an instance of an older {title}: {story.place(now)} defines that class anew."
                yield Problem(
                    story.place(taken.made), what, "Give the new class a name of its own.", "dataflow.older-class"
                )


def items(story: Story, slices: list[Slice]) -> Iterator[Problem]:
    """The name of a fan-out's item, read by a later task."""
    for _, producer, name, taken, _, _ in _taken(story, slices):
        span = story.spans[producer]
        fan_out = span.task.options.map
        if fan_out is not None and name == fan_out.name and taken.made == span.start:
            what = f"{name} is the item of {span.task.name}, which runs once for each: afterwards it is none of them."
            where = story.place(taken.reader, taken.line or None)
            yield Problem(
                where,
                what,
                f"Bind another name in {span.task.name}: later it is the list over all items.",
                "dataflow.item",
            )


def pickles(story: Story, slices: list[Slice]) -> Iterator[Problem]:
    """Values that surely need a pickle, which nobody has allowed."""
    seen = set()
    for found, producer, name, taken, first, objects in _taken(story, slices):
        span = story.spans[producer]
        if name in span.task.options.pickle or (name, producer) in seen or not objects:
            continue
        kinds = [_kind(story, thing) for thing in objects]
        if all(kinds):
            seen.add((name, producer))
            what = f"{name} is {kinds[0]}, which goes to {found.span.task.name} by pickle only."
            fix = f"Write `#| pickle: {name}` under the first line of {span.task.name}."
            at = first if story.owner[first] == producer else taken.made
            yield Problem(story.place(at), what, fix, "dataflow.pickle", Severity.WARNING)


def _kind(story: Story, thing: int) -> str:
    """What an object surely is that no store carries as it stands; '' if that is not sure."""
    heap = story.heap
    origin = heap.origins.get(thing)
    if origin is not None:
        if origin.partition(".")[0] in lib.MODELS:
            return f"{origin.partition('.')[0]}'s {origin.rpartition('.')[2]}"
        return (
            "a functools.partial" if origin == "functools.partial" else "matplotlib's axes" if origin[-1] == "s" else ""
        )
    kinds = heap.kinds.get(thing, ()) if thing not in heap.code else ()
    for kind in kinds:
        record = heap.code.get(kind)
        if record is None or record.bases or record.sort:
            return ""
    return f"a {heap.code[kinds[0]].name}" if kinds else ""
