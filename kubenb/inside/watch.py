"""The watching process: passes on what is printed, keeps the notebook, and names how the task ended.

In: the child that runs the cells, and its pipes. Out: the executed notebook, `usage.json`, `_SUCCESS` last of all, the last line
and the exit code. On SIGTERM it asks the child, waits a second, and ends it: whatever the child does, the rest gets done.
"""

from __future__ import annotations

import _signal
import json
import os
import select
import time

from . import places
from .exits import NO_SPACE, TABLE, Refused, from_os_error, last_line
from .keeper import Keeper
from .record import Record
from .setting import Setting
from .stores import open_store
from .usage import Meter, killed, sentence, why_killed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .first import Job

GRACE, AFTER_END = 1.0, 30.0


def clear_place() -> None:
    """Takes away what an earlier try of this task left in its place."""
    setting = Setting(os.environ)
    try:
        if setting.store:
            open_store(setting.store).clear(places.place_of(setting))
    except OSError as error:
        raise from_os_error(error, "the store %s can't be written" % setting.store) from error


def end_early(error: BaseException, side: str | None) -> int:
    """The end of a task that could not begin; or (without `side`) of the child, which tells its parent."""
    if side is None:
        return child_failed(error)
    _remove_folder(side)
    if not isinstance(error, Refused):
        what = (
            "no temporary folder can be made (%s)." % error
            if isinstance(error, OSError)
            else "%s: %s." % (type(error).__name__, error)
        )
        error = Refused(
            "setup" if isinstance(error, OSError) else "internal", what, "Set TMPDIR to a folder that can be written."
        )
    return say(os.environ.get("KUBENB_TASK") or "task", error.kind, str(error))


def child_failed(error: BaseException) -> int:
    """In the child: something of ours failed, not a cell."""
    from .hand import report

    if isinstance(error, OSError) and error.errno in (9, 32):  # EBADF, EPIPE
        what = "the user's code closed the pipes through which it is watched (os.closerange or the like)."
        error = Refused("died", what, "Close only what the code has opened.")
    full = isinstance(error, OSError) and error.errno in NO_SPACE
    if isinstance(error, OSError) and full:
        error = from_os_error(error, "the task can't begin")
    if not isinstance(error, Refused):
        import traceback

        traceback.print_exc()
        error = Refused(
            "internal", "%s: %s." % (type(error).__name__, error), "This is a mistake in kubenb: please report it."
        )
    try:
        report({"end": [error.kind, error.what, error.fix]})
    except OSError:  # where nothing can be written, the exit code has to say it
        pass
    return int(TABLE["disk" if full else "internal"][0])


def say(task: str, kind: str, text: str) -> int:
    """The last line, on standard error and where Kubernetes looks for it; the exit code."""
    line = last_line(task, kind, text)
    data = (line + "\n").encode("utf-8", "backslashreplace")
    for act in (lambda: os.write(2, data), lambda: _termination_log(data)):
        try:
            act()
        except OSError:
            continue
    return int(TABLE.get(kind, TABLE["internal"])[0])


def _termination_log(data: bytes) -> None:
    path = "/dev/termination-log"
    if os.path.exists(path) and os.access(path, os.W_OK):
        with open(path, "wb") as file:
            file.write(data[:4000])


def watch(job: Job, child: int, pipes: Any) -> int:
    """To the end of the child, and of the task."""
    for number in (pipes[0][1], pipes[1][1], pipes[2][1], pipes[3][0]):
        os.close(number)
    watcher = (job.hold.watcher() if job.hold else Watcher)(
        job, child, {pipes[0][0]: "stdout", pipes[1][0]: "stderr"}, pipes[2][0], pipes[3][1]
    )
    try:
        if not job.papermill and "://" not in job.store:
            clear_place()
        watcher.run()
    except Refused as refused:
        watcher.kill()
        watcher.outcome = (refused.kind, refused.what, refused.fix)
    return watcher.finish()


class Watcher:
    """The parent's side."""

    def __init__(self, job: Job, child: int, streams: dict[int, str], talk: int, answer: int) -> None:
        """Nothing has been heard yet."""
        self.job, self.child, self.streams, self.talk, self.answer = job, child, streams, talk, answer
        self.setting = job.setting = Setting(os.environ)
        about = {"dag": job.setting.dag, "task": job.setting.task, "run": job.setting.run, "try": job.setting.attempt}
        self.record = Record(job.notebook, about)
        if not (job.papermill or job.parameters or "://" in job.store):
            self.record.start_first()
        self.keeper = Keeper(job, self.record)
        self.meter = Meter(child)
        self.inbox, self.awaited = bytearray(), 1
        self.outcome: tuple[str, str, str] | None = None
        self.ended, self.asked, self.deadline = False, 0, 0.0
        self.status: int | None = None
        self.used: Any = None

    def run(self) -> None:
        """Until the child has ended and all it said is read."""
        woken, wake = os.pipe()
        for number in (woken, wake, self.talk, *self.streams):
            os.set_blocking(number, False)
        _signal.set_wakeup_fd(wake)
        _signal.signal(_signal.SIGCHLD, lambda number, frame: None)
        poller = select.poll()
        for number in (woken, self.talk, *self.streams):
            poller.register(number, select.POLLIN)
        sampled = time.monotonic()
        while self._reap():
            events = poller.poll(self._timeout(self.meter.pause))
            numbers = {number for number, _ in events}
            for number, event in events:
                if number == woken:
                    self._drained(number)
                elif number != self.talk and not self._pass_on(number) and not event & select.POLLIN:
                    poller.unregister(number)
            if self.talk in numbers and not self._listen():
                poller.unregister(self.talk)
            now = time.monotonic()
            self._stop_if_asked(now)
            self.keeper.save_if_due(now)
            self.tell(now)
            if now - sampled >= self.meter.pause:
                self.meter.sample()
                sampled = now
        self._listen()
        self._pass_on_all()

    def write(self, number: int, data: bytes) -> None:
        """Passes on what was printed."""
        write_all(number, data)

    def tell(self, now: float) -> None:
        """Nobody waits for news: see `held`."""

    def _timeout(self, pause: float) -> int:
        return int(1000 * (0.05 if self.deadline else pause)) + 1

    def _reap(self) -> bool:
        process, status, used = os.wait4(self.child, os.WNOHANG)
        if process:
            self.status, self.used = status, used
        return not process

    # ---- what the child says

    def _drained(self, number: int) -> bytes:
        try:
            return os.read(number, 1 << 16)
        except OSError:
            return b""

    def _pass_on(self, number: int) -> bytes:
        """Reads what was printed, passes it on and notes it."""
        data = self._drained(number)
        if data:
            name = self.streams[number]
            self.write(1 if name == "stdout" else 2, data)
            self.record.printed(name, data)
        return data

    def _pass_on_all(self) -> None:
        """All that is in the pipes now. A pipe holds 64 KiB: who prints without end does not keep us here."""
        for number in self.streams:
            for _ in range(4):
                if not self._pass_on(number):
                    break

    def _listen(self) -> bool:
        """Messages of the engine; each is answered once all that was printed before it has been read."""
        data = self._drained(self.talk)
        self.inbox += data
        while len(self.inbox) >= self.awaited:
            end = self.inbox.find(b"\n")
            if end < 0:
                break
            kind, number, length = self.inbox[:end].split()
            self.awaited = end + 1 + int(length)
            if len(self.inbox) < self.awaited:
                break
            payload = bytes(self.inbox[end + 1 : self.awaited])
            del self.inbox[: self.awaited]
            self.awaited = 1
            self._pass_on_all()
            self._heard(kind.decode(), int(number), payload)
            os.write(self.answer, b".")
        return bool(data)

    def _heard(self, kind: str, number: int, payload: bytes) -> None:
        if kind == "cell":
            self.record.start(number)
        elif kind == "show":
            made = json.loads(payload)
            self.record.show(made)
            text = made.get("data", {}).get("text/plain")
            if text and made.get("output_type") != "update_display_data":
                self.write(1, (str(text) + "\n").encode("utf-8", "backslashreplace"))
        elif kind == "add":
            self.record.add(number, payload.decode("utf-8"))
        elif kind == "error":
            self._error(json.loads(payload))
        elif kind == "end":
            self.ended, self.deadline = True, time.monotonic() + AFTER_END

    def _error(self, found: dict[str, Any]) -> None:
        self.outcome = (found["kind"], found["what"], found["fix"])
        self.record.show({"output_type": "error", **{name: found[name] for name in ("ename", "evalue", "traceback")}})
        if found["kind"] in ("user", "interrupted"):
            self.write(2, ("\n".join(found["traceback"]) + "\n").encode("utf-8", "backslashreplace"))
        self.deadline = time.monotonic() + AFTER_END

    # ---- the end

    def _stop_if_asked(self, now: float) -> None:
        if self.job.signals and not self.asked:
            self.asked = self.job.signals[0]
            self.deadline = now + GRACE
            _kill(self.child, self.asked)
        if self.deadline and now >= self.deadline:
            self.kill()

    def kill(self) -> None:
        """Ends the child at once."""
        self.deadline = 0.0
        _kill(self.child, _signal.SIGKILL)
        if self.status is None and self.asked == 0 and not self.ended:
            _, self.status, self.used = os.wait4(self.child, 0)

    def finish(self) -> int:
        """Judges, saves what is left to save, and says the last line."""
        notes = self._notes()
        kind, what, fix = self._judged(notes)
        seconds = time.monotonic() - self.job.began
        used = {"seconds": round(seconds, 3), **self.meter.end(self.used, seconds)}
        used.update({"in": notes["in"], "out": notes["out"]})
        peak = used["peak"]
        lost = killed()
        if lost:
            used["killed"] = lost
        if kind == "killed":
            what, fix = why_killed(what or "the process was killed (SIGKILL)", peak, lost)
        try:
            self.keeper.finish(kind, used, notes["digest"], self.meter.curve.rounded())
        except Refused as refused:
            if kind == "done":
                kind, what, fix = refused.kind, refused.what, refused.fix
            else:
                what += " And the executed notebook could not be saved: %s" % refused.what
        _remove_folder(self.job.side)
        self.said, self.peak, self.lost = (kind, what), peak, lost
        return say(self.job.setting.task, kind, sentence(used) if kind == "done" else "%s %s" % (what, fix))

    def _judged(self, notes: dict[str, Any]) -> tuple[str, str, str]:
        """The kind of end, what happened, and what to do."""
        if self.asked:
            if self.asked == _signal.SIGINT:
                return "interrupted", "interrupted (SIGINT).", ""
            return "stopped", "stopped from outside (SIGTERM).", "What ran until then is in the executed notebook."
        # A refusal of load or save, unless the user's code caught it and went on.
        found = self.outcome or notes["end"]
        if found:
            kind, what, fix = notes["stop"] if notes["stop"] and found[1].startswith("Refused") else found
            return kind, what, fix
        if self.ended or (self.job.papermill and self.status == 0):
            return "done", "", ""
        return self._died()

    def _died(self) -> tuple[str, str, str]:
        status, where = (
            self.status or 0,
            "cell %d"
            % max(1, self.record.cells.index(self.record.cell) + 1 if self.record.cell in self.record.cells else 1),
        )
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if number == _signal.SIGKILL:
                return "killed", "", ""
            return (
                "died",
                "the process crashed in %s (%s)." % (where, _signal_name(number)),
                "A compiled library most likely did it: run the cell alone with `python -X faulthandler`.",
            )
        if os.WEXITSTATUS(status) == TABLE["disk"][0] and not _room(self.job.side):
            full = from_os_error(OSError(NO_SPACE[0], os.strerror(NO_SPACE[0])), "%s could write nothing" % where)
            return full.kind, full.what, full.fix
        return (
            "died",
            "%s ended the process with exit code %d (os._exit or the like), before the outputs were saved."
            % (where, os.WEXITSTATUS(status)),
            "Let the cell run to its end, or raise an error.",
        )

    def _notes(self) -> dict[str, Any]:
        """What load and save told, from whichever process they ran in."""
        notes: dict[str, Any] = {"in": 0, "out": 0, "digest": None, "stop": None, "end": None}
        try:
            with open(self.job.side + "/report", encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
        except (OSError, ValueError):
            return notes
        for line in lines:
            for name, value in line.items():
                notes[name] = notes[name] + value if name in ("in", "out") else value
        return notes


def _room(folder: str) -> bool:
    """Whether anything can still be written there."""
    try:
        with open(folder + "/room", "wb", buffering=0) as file:
            return file.write(b" " * 4096) == 4096
    except OSError:
        return False


def _signal_name(number: int) -> str:
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number


def _kill(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        pass


def write_all(number: int, data: bytes) -> None:
    """To a stream of this process; where nobody reads it any more, to nobody."""
    try:
        while data:
            data = data[os.write(number, data) :]
    except OSError:
        pass


def _remove_folder(path: str) -> None:
    try:
        for name in os.listdir(path):
            full = path + "/" + name
            if os.path.isdir(full) and not os.path.islink(full):
                _remove_folder(full)
            else:
                os.unlink(full)
        os.rmdir(path)
    except OSError:
        pass
