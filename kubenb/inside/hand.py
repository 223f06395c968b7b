"""The hand-over: what a task notebook calls to take its inputs and to leave its outputs.

In: names. Out: values, with the nets that static analysis needs: a missing or damaged input, an input changed in place that was
taken as read-only, and data that two names share but that would be split are refused by name, never passed on. Next room: `documents`.
"""

from __future__ import annotations

import json
import os
import sys
import weakref

from . import documents, places, prints, sharing
from .exits import Refused, from_os_error
from .setting import Setting
from .stores import open_store, pack_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Sequence


class Input:
    """A loaded value that must not change: found again without being kept alive, where its type allows that."""

    def __init__(self, producer: str, name: str, value: Any) -> None:
        """Takes the fingerprint at once."""
        self.producer, self.name = producer, name
        self.print = prints.fingerprint(value)
        self.find: Callable[[], Any]
        try:
            self.find = weakref.ref(value)
        except TypeError:
            self.find = lambda: value


class Hand:
    """One process's hand-over: its setting, its store and what it loaded."""

    def __init__(self) -> None:
        """Reads the environment; a plain Jupyter, where nothing is set, keeps its results beside the notebook."""
        self.setting = Setting(os.environ)
        self.alone = "KUBENB_TASK" not in os.environ
        if self.alone:
            self.setting.dag, self.setting.run = "notebooks", "jupyter"
            self.setting.task = _notebook_name()
        self.store = open_store(self.setting.store or ("kubenb-store" if self.alone else ""))
        self.inputs: list[Input] = []
        self.outputs: dict[tuple[str, str | None], documents.Outputs] = {}

    def opened(self, producer: str, item: str | None) -> documents.Outputs:
        """The finished outputs of another task; refuses where they are not there or not whole."""
        key = (producer, item)
        if key not in self.outputs:
            self.outputs[key] = self._open(producer, item)
        return self.outputs[key]

    def _open(self, producer: str, item: str | None) -> documents.Outputs:
        place = places.place(self.setting.dag, self.setting.run, producer, item)
        who = producer if item is None else "%s, item %s," % (producer, item)
        try:
            marker = json.loads(self.store.read(place + "/" + places.SUCCESS))
        except FileNotFoundError:
            what = "%s has not finished in run %s: there is no %s in %s/%s." % (
                who,
                self.setting.run,
                places.SUCCESS,
                self.store,
                place,
            )
            raise Refused("missing", what, "Run %s first, with the same store." % producer) from None
        except ValueError:
            raise Refused("digest", "the success marker of %s is damaged." % who, "Run %s again." % producer) from None
        if not marker.get("digest"):
            raise Refused("missing", "%s finished without outputs." % who, "Export the DAG again.")
        try:
            text = self.store.read(place + "/" + places.OUTPUTS)
        except FileNotFoundError:
            raise Refused(
                "missing",
                "the outputs of %s are gone from %s/%s." % (who, self.store, place),
                "Run %s again." % producer,
            ) from None
        import hashlib

        if hashlib.sha256(text).hexdigest() != marker["digest"]:
            raise Refused(
                "digest",
                "the outputs of %s are not what it saved: their SHA-256 differs." % who,
                "Run %s again." % producer,
            )
        report({"in": len(text)})
        return documents.Outputs(self.store, place, text)

    def take(self, producer: str, names: Sequence[str], item: str | None) -> list[Any]:
        """The values of some names."""
        outputs = self.opened(producer, item)
        missing = [name for name in names if name not in outputs.names]
        if missing:
            what = "%s did not save %s; it saved %s." % (
                producer,
                ", ".join(missing),
                ", ".join(outputs.names) or "nothing",
            )
            raise Refused("missing", what, "Run %s again as it was exported." % producer)
        before = outputs.reader.bytes
        values = [outputs.value(name) for name in names]
        report({"in": outputs.reader.bytes - before})
        return values

    def watch(self, producer: str, names: Sequence[str], values: Sequence[Any], readonly: bool | Iterable[str]) -> None:
        """Fingerprints what must not change."""
        wanted = set(names) if readonly is True else set(readonly or ())
        for name, value in zip(names, values):
            if name in wanted and type(value) not in sharing.ATOMS:
                self.inputs.append(Input(producer, name, value))

    def check_inputs(self) -> None:
        """Refuses if a read-only input is not what was loaded."""
        for held in self.inputs:
            value = held.find()
            if value is not None and prints.fingerprint(value) != held.print:
                what = "%s, which came from %s, was changed in place, but this task was read as only reading it." % (
                    held.name,
                    held.producer,
                )
                raise Refused(
                    "changed",
                    what,
                    "Write `#| out: %s` under the task's first line, so that later tasks get the changed value."
                    % held.name,
                )
        self.inputs.clear()


_HANDS: list[Hand] = []


def _hand() -> Hand:
    if not _HANDS:
        _HANDS.append(Hand())
    return _HANDS[0]


def _notebook_name() -> str:
    path = os.environ.get("JPY_SESSION_NAME") or os.environ.get("KUBENB_NAME") or "task"
    return os.path.splitext(os.path.basename(path))[0]


def report(line: dict[str, Any]) -> None:
    """Tells the watching process: bytes, digests, refusals. Without one (a plain Jupyter) nobody asks."""
    folder = os.environ.get("KUBENB_SIDE")
    if folder:
        with open(folder + "/report", "ab", buffering=0) as file:
            file.write(json.dumps(line).encode() + b"\n")


def _told(refused: Refused) -> Refused:
    report({"stop": [refused.kind, refused.what, refused.fix]})
    return refused


def _safely(act: Callable[[], Any], what: str) -> Any:
    """What `act` gives; every refusal is reported, and a failing disk becomes one."""
    __tracebackhide__ = True
    try:
        return act()
    except Refused as refused:
        raise _told(refused) from None
    except OSError as error:
        raise _told(from_os_error(error, what)) from error


def load(producer: str, *names: str, readonly: bool | Iterable[str] = ()) -> Any:
    """The values that `producer` saved, one for each name: `a, b = load("extract", "a", "b")`."""

    def act() -> Any:
        hand = _hand()
        values = hand.take(producer, names, None)
        hand.watch(producer, names, values, readonly)
        return values[0] if len(names) == 1 else tuple(values)

    return _safely(act, "%s of %s can't be read" % (", ".join(names), producer))


def gather(producer: str, *names: str, count: int, readonly: bool | Iterable[str] = ()) -> Any:
    """For each name the list of what every item of a mapped task saved, in the items' order."""

    def act() -> Any:
        hand = _hand()
        rows = [hand.take(producer, names, str(item)) for item in range(count)]
        lists = [[row[at] for row in rows] for at in range(len(names))]
        hand.watch(producer, names, lists, readonly)
        return lists[0] if len(names) == 1 else tuple(lists)

    return _safely(act, "%s of %s can't be read" % (", ".join(names), producer))


def item(source: Iterable[Any]) -> Any:
    """This task's own item of what it is mapped over."""

    def act() -> Any:
        values = source if isinstance(source, (list, tuple, range)) else list(source)
        text = _hand().setting.item
        if text is None:
            print("kubenb: KUBENB_ITEM is not set, so this is item 0 of %d." % len(values))
            text = "0"
        if int(text) >= len(values):
            raise Refused(
                "setup",
                "there is no item %s: the task is mapped over %d." % (text, len(values)),
                "Export the DAG again.",
            )
        return values[int(text)]

    return _safely(act, "the item can't be taken")


def apart(name: str, value: Any, others: dict[str, Any], by: str) -> None:
    """Refuses if `value`, as it was before `by` changed it, shares data with one of `others`."""

    def act() -> None:
        for other, held in others.items():
            if sharing.meets(value, held):
                what = "%s and %s share data, and %s changed %s in between: one of them would be too old here." % (
                    name,
                    other,
                    by,
                    name,
                )
                raise Refused("shared", what, "Give %s its own copy where it is made." % other)

    _safely(act, "%s can't be compared" % name)


def load_random(producer: str, which: str) -> None:
    """Puts the global generator (`random` or `numpy.random`) where `producer` left it."""

    def act() -> None:
        _set_random_state(which, _hand().take(producer, ["<%s>" % which], None)[0])

    _safely(act, "the state of %s can't be read" % which)


def _set_random_state(which: str, state: Any) -> None:
    if which == "random":
        import random

        random.setstate(state)
    else:
        import numpy

        numpy.random.set_state(state)


def _random_state(which: str) -> Any:
    if which == "random":
        import random

        return random.getstate()
    import numpy

    return numpy.random.get_state(legacy=False)


def save(
    values: dict[str, Any],
    pickle: Sequence[str] = (),
    live: Sequence[Sequence[str]] = (),
    changes: Sequence[str] = (),
    random: Sequence[str] = (),
    xcom: Sequence[str] = (),
    items: Sequence[str] = (),
    keep: Sequence[str] = (),
    unsure: Sequence[str] = (),
) -> None:
    """Leaves the outputs for later tasks; the last thing a task notebook does.

    `live` and `changes`: names that later tasks take from elsewhere, and names changed here; what they share would be split.
    `random`: global generators whose state goes on. `xcom`: small values for Airflow. `items`: the list later tasks are mapped over.
    `keep`: all names that a local run may want back. `unsure`: outputs that only a loop binds.
    """
    names = sys._getframe(1).f_globals
    _safely(
        lambda: _save({**values, **_looped(unsure, names)}, pickle, live, changes, random, xcom, items, keep, names),
        "the outputs can't be saved",
    )


def _looped(unsure: Sequence[str], names: Any) -> dict[str, Any]:
    for name in unsure:
        if name not in names:
            what = (
                "a later task reads %s, which is bound only if a loop of this task runs at least once, and none did."
                % name
            )
            raise Refused("carry", what, "Bind it before the loop, as by %s = None." % name)
    return {name: names[name] for name in unsure}


def _save(
    values: Any, pickle: Any, live: Any, changes: Any, random: Any, xcom: Any, items: Any, keep: Any, names: Any
) -> None:
    hand = _hand()
    hand.check_inputs()
    _refuse_split(values, live, changes, names)
    place = places.place_of(hand.setting)
    if hand.alone or not os.environ.get("KUBENB_SIDE"):
        hand.store.clear(place)
    held = {**values, **{"<%s>" % which: _random_state(which) for which in random}}
    digest, count = documents.write(hand.store, place, held, pickle)
    if hand.setting.keep:
        kept = {name: names[name] for name in keep if name in names and name not in values}
        documents.write(hand.store, place + "/" + places.KEPT, {**held, **kept}, pickle, skip=True)
    if not os.environ.get("KUBENB_SIDE") or str(hand.store) == "xcom":
        marker = {"digest": digest, "task": hand.setting.task}
        hand.store.write(place + "/" + places.SUCCESS, [json.dumps(marker, sort_keys=True).encode()])
    _push(hand, place, values, xcom, items)
    report({"out": count, "digest": digest})


def finish() -> None:
    """The last look at read-only inputs, for a task that saved nothing."""
    if _HANDS:
        _safely(_HANDS[0].check_inputs, "the inputs can't be compared")


def _refuse_split(values: dict[str, Any], live: Any, changes: Any, names: dict[str, Any]) -> None:
    """Later tasks take `live` names from their own producers: nothing saved or changed here may share data with them."""
    elsewhere = {name: producer for name, producer in live if name in names and name not in values}
    if not elsewhere:
        return
    here = {**{name: names[name] for name in changes if name in names}, **values}
    reaches = {name: sharing.Reach(names[name]) for name in elsewhere}
    for name, value in here.items():
        if name in elsewhere:
            continue
        reach = sharing.Reach(value)
        for other, held in reaches.items():
            if sharing.pairs({name: reach, other: held}):
                what = "%s shares data with %s, which later tasks take from %s: it would be split in two." % (
                    name,
                    other,
                    elsewhere[other],
                )
                raise Refused(
                    "shared",
                    what,
                    "Write `#| out: %s` under the task's first line, or give %s its own copy." % (other, name),
                )


def _push(hand: Hand, place: str, values: dict[str, Any], xcom: Any, items: Any) -> None:
    """What Airflow gets: `return.json` where its sidecar reads it, and beside the outputs."""
    pushed: Any = None
    if items:
        listed = values[items[0]]
        pushed = [{"KUBENB_ITEM": str(number)} for number in range(len(listed))]
    elif xcom or str(hand.store) == "xcom":
        pushed = {name: _json_value(name, values[name]) for name in xcom}
        if str(hand.store) == "xcom":
            pushed["kubenb"] = pack_text({path.rpartition("/")[2]: data for path, data in hand.store.files.items()})
    if pushed is None:
        return
    data = json.dumps(pushed, allow_nan=False).encode()
    folder = os.environ.get("KUBENB_XCOM_FOLDER") or os.environ.get("KUBENB_AIRFLOW_XCOM") or "/airflow/xcom"
    if folder != "/airflow/xcom" or os.path.isdir(folder):
        from .stores import write_file

        write_file(folder + "/return.json", [data])
    if str(hand.store) != "xcom":
        hand.store.write(place + "/xcom.json", [data])


def _json_value(name: str, value: Any) -> Any:
    """A value as JSON has it; numpy's scalars as the numbers they are."""
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        value = value.item()
    try:
        if json.loads(json.dumps(value, allow_nan=False)) == value:
            return value
        reason = "JSON would change it"
    except (TypeError, ValueError, RecursionError) as error:
        reason = str(error)
    raise Refused(
        "carry",
        "%s (%s) can't be pushed as XCom: %s." % (name, type(value).__name__, reason),
        "Push plain numbers, texts, lists and dicts with text keys.",
    )


def kept(folder: str) -> dict[str, Any]:
    """All names that a run with KUBENB_KEEP left in a task's place; {} where it kept nothing."""
    from .stores import Folder

    store = Folder(folder)
    try:
        outputs = documents.Outputs(store, places.KEPT, store.read(places.KEPT + "/" + places.OUTPUTS))
    except FileNotFoundError:
        return {}
    return {name: outputs.value(name) for name in outputs.names}
