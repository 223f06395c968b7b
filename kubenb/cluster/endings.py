"""How a container ended, when not well: killed for want of memory, by a signal, by its own code, or never started.

In: a `Reading`. Out: (what, fix, code), None where it is not so. Each is a row of the table in `diagnosis`. Next room:
`readings`, for what they ask.
"""

from __future__ import annotations

import re
import signal
from typing import Any

from kubenb.cluster.readings import Reading, Said, last_line, more, one_line, show
from kubenb.cluster.shortening import cut

Part = dict[str, Any]
KILLED, STOPPED, CRASHED = 137, 143, 139
NEAR = 0.9  # of its limit: who was killed there was killed for memory, where nothing else tells
NEVER_STARTED = ("StartError", "ContainerCannotRun")
TOO_LITTLE = re.compile(
    r"memory limit too low|unable to set memory limit|set memory limit \d+ too low|minimum memory limit allowed is",
    re.IGNORECASE,
)


def init_failed(reading: Reading) -> Said | None:
    """The first init container that failed. One that restarts (a sidecar) does not end the pod."""
    for status in reading.init_statuses:
        ended = (status.get("state") or {}).get("terminated")
        if not ended or not (ended.get("exitCode") or ended.get("reason") == "OOMKilled") or reading.restarts(status):
            continue
        name = str(status["name"])
        if ended.get("reason") == "OOMKilled":
            limit = reading.memory_limit_of(name)
            numbers = f" (limit {show(limit)})" if limit else ""
            fix = f"Give it more in `#| pod:`{', like ' + more(limit) if limit else ''}."
            return f"the init container {name} was killed for want of memory{numbers}.", fix, "init-oom"
        if ended.get("reason") in NEVER_STARTED:
            return not_started(
                str(ended.get("message", "")), f"the init container {name}", reading.memory_limit_of(name)
            )
        said = last_line(str(ended.get("message") or ""))
        what = f"the init container {name} failed with exit code {ended['exitCode']}{': ' + said if said else ''}"
        return f"{what}.", f"Its log: kubectl logs -n {reading.namespace} {reading.name} -c {name}.", "init-failed"
    return None


def out_of_memory(reading: Reading) -> Said | None:
    """By the kubelet's word, or by the runtime's, which sees it when only its kernel was killed."""
    if (reading.terminated or {}).get("reason") != "OOMKilled" and not _for_memory(reading):
        return None
    peak, limit = _peak_and_limit(reading)
    at = reading.told.get("line")
    where = f" in line {at} of the cell" if at else ""
    parts = [f"limit {show(limit)}" if limit else "", f"peak {show(peak)}{where}" if peak else where.strip()]
    numbers = ", ".join(part for part in parts if part)
    fix = f"Try --memory {more(max(limit or 0, peak or 0))}." if limit or peak else "Give the task more --memory."
    code = reading.exit_code
    if code not in (None, 0, KILLED):
        numbers = (
            f"{numbers}; a process that the task started was killed, and the task then ended with exit code {code}"
        )
    return f"OOMKilled{': ' + numbers.removeprefix('; ') if numbers else ''}.", fix, "oom"


def _peak_and_limit(reading: Reading) -> tuple[int | None, int | None]:
    peak, limit = reading.told.get("peak"), reading.memory_limit or reading.told.get("limit")
    if peak and limit:
        peak = min(peak, limit)  # processes share pages, and their sum counts those twice
    return peak, limit


def _for_memory(reading: Reading) -> bool:
    """Of a task that SIGKILL ended, and nobody who deleted it: what the kernel counted, else how near to its limit it was."""
    told = reading.told
    if reading.exit_code != KILLED or reading.deleting or told.get("kind", "killed") != "killed":
        return False
    if told.get("oom") is not None:
        return int(told["oom"]) > 0
    peak, limit = _peak_and_limit(reading)
    return bool(peak and limit and peak >= NEAR * limit)


def killed(reading: Reading) -> Said | None:
    """The process that ran the cells was killed, and all that is known speaks against its memory."""
    if reading.told.get("kind") != "killed":
        return None
    peak, limit = _peak_and_limit(reading)
    at = reading.told.get("line")
    where = f" in line {at} of the cell" if at else ""
    what = f"killed (SIGKILL, exit code {KILLED})"
    if peak and (limit or reading.told.get("oom") == 0):
        what += f", and not for its memory: peak {show(peak)}{f' of {show(limit)}' if limit else ''}"
    what += where
    look = f"look at line {at}" if at else "look for os.kill, subprocesses and libraries that end processes"
    return (
        f"{what}.",
        f"Its own code, or something outside the pod, sent that signal: {look}, or run it again.",
        "killed",
    )


def child_killed(reading: Reading) -> Said | None:
    """The task went well, but a process that it had started was killed for want of memory."""
    if (reading.terminated or {}).get("reason") != "OOMKilled" and not reading.told.get("oom"):
        return None
    _, limit = _peak_and_limit(reading)
    numbers = f" (limit {show(limit)})" if limit else ""
    return (
        f"it ended well, but a process that it started was killed for want of memory{numbers}: its results may lack a part.",
        f"Look at its log; try --memory {more(limit)}." if limit else "Look at its log; give it more --memory.",
        "child-oom",
    )


def deleted(reading: Reading) -> Said | None:
    """Somebody deleted the pod, and its container ended by the signal that this sends."""
    if not reading.deleting or reading.exit_code not in (KILLED, STOPPED):
        return None
    kept = f" The cluster shows it until {', '.join(reading.finalizers)} lets it go." if reading.finalizers else ""
    return f"the pod was deleted by someone while it ran.{kept}", "Run it again.", "deleted"


def _lacking(what: str, image: str) -> str:
    """What to do about a module that the image does not have; '' for all else."""
    found = re.search(r"No module named '?([\w.]+)", what)
    if found is None:
        return ""
    return f"The image {image} has no {found[1]}: name another with --image; `kubenb image` writes a Dockerfile for the tasks."


def ended_badly(reading: Reading) -> Said | None:
    """Its exit code, and what it said last."""
    code = reading.exit_code
    if not code:
        return None
    if reading.told.get("what"):
        what = str(reading.told["what"])
        if reading.told.get("oom"):
            _, limit = _peak_and_limit(reading)
            lost = f"a process that it had started was killed for want of memory{f' (limit {show(limit)})' if limit else ''}"
            return (
                f"{what.rstrip('.')}; {lost}.",
                f"Try --memory {more(limit)}." if limit else "Give it more --memory.",
                "failed",
            )
        return what, _lacking(what, str(reading.container.get("image", ""))), "failed"
    terminated = reading.terminated or {}
    if terminated.get("reason") in NEVER_STARTED:
        return not_started(str(terminated.get("message", "")), limit=reading.memory_limit)
    said = last_line(str(terminated.get("message") or ""))
    if said.startswith("kubenb: "):
        return said.partition(" failed: ")[2] or said, "", "failed"
    if code in _CODES:
        what, fix = _CODES[code]
        return f"exit code {code}: {what}.", fix, "failed"
    if 128 < code < 128 + 65:
        return f"exit code {code}: the process ended by {_signal(code)}.", "Its log may say why.", "failed"
    return f"it ended with exit code {code}{': ' + said if said else ''}.", "Its log says why.", "failed"


_CODES = {
    KILLED: (
        "the container was killed (SIGKILL), and not for its memory limit",
        "Something outside ended it, or the node ran out of memory: run it again.",
    ),
    STOPPED: ("the container was stopped from outside (SIGTERM)", "Someone or something ended it: run it again."),
    CRASHED: ("the process crashed (SIGSEGV)", "A compiled library most likely did it: look at the last lines of its log."),
    127: ("the command is not in the image", "Check --image and the command."),
    126: ("the command can't be executed", "Check --image and the command."),
}  # fmt: skip


def _signal(code: int) -> str:
    try:
        return signal.Signals(code - 128).name
    except ValueError:
        return f"signal {code - 128}"


def too_little(message: str, limit: int | None, what: str = "the container") -> Said:
    """A memory limit with which not even the first process can be made; some runtimes say what they want at least."""
    least = re.search(r"should be at least (\d+)", message)
    needs = f"at least {show(int(least[1]))}" if least else "16Mi or more"
    amount = show(limit) if limit else "its memory limit"
    own = what == "the container"
    fix = f"It needs {needs}: try --memory 64Mi." if own else f"Give it {needs} in `#| pod:`."
    return f"{amount} is too little to start {what}.", fix, "too-little-memory"


def not_started(message: str, what: str = "the container", limit: int | None = None) -> Said:
    """What a container runtime says when the command can't be run, in short.

    >>> not_started('… unable to start container process: exec: "python": executable file not found in $PATH: unknown')[0]
    'the container can\\'t be started: the image has no program "python".'
    """
    if TOO_LITTLE.search(message):
        return too_little(message, limit, what)
    text = one_line(message, 2000).removesuffix(": unknown")
    program = re.search(r'exec: ("[^"]*"):? (.*)', text)
    fix = "Check --image and the command."
    if program and re.search("no such file or directory|not found", program[2]):
        why = f"the image has no program {program[1]}"
        fix = "Take an --image that has Python." if "python" in program[1] else fix
    elif program and "permission denied" in program[2]:
        why = f"{program[1]} is in the image, but can't be executed"
    else:
        why = (
            text.rpartition("unable to start container process: ")[2].rpartition("container init: ")[2]
            or "no reason given"
        )
        why = cut(why, 240)
    return f"{what} can't be started: {why}.", fix, "cannot-start"
