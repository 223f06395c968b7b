"""Keeps the executed notebook and the reports of a task in its place: while it runs, and at its end.

In: the notebook from `record` (or, under papermill, the file it writes), and what the task used. Out: files in the store, the marker last.
A remote store is written in a process of its own: its libraries start threads, and the watching process stays free of them.
"""

from __future__ import annotations

import json
import os
import time

from . import places
from .exits import TABLE, Refused, from_os_error
from .stores import Folder, open_store, write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .first import Job
    from .record import Record

EVERY, EVERY_REMOTE = 1.0, 60.0


class Keeper:
    """Saves; knows when the next save is due."""

    def __init__(self, job: Job, record: Record) -> None:
        """The first save is due a second from now."""
        self.job, self.record = job, record
        self.remote = "://" in job.setting.store
        self.place = places.place_of(job.setting)
        self.due = time.monotonic() + EVERY
        self.uploads = time.monotonic() + EVERY_REMOTE
        self.uploader = 0

    def text(self) -> bytes:
        """The executed notebook as it is now."""
        if self.job.papermill:
            try:
                with open(self.job.side + "/executed.ipynb", "rb") as file:
                    return file.read()
            except OSError:
                pass
        return self.record.text()

    def save_if_due(self, now: float) -> None:
        """At most once a second, and no more than a twentieth of the time."""
        if now < self.due or not (self.record.changed or self.job.papermill):
            return
        self.record.changed = False
        try:
            text = self.text()
            self._here(text, sync=False)
            if self.remote and now >= self.uploads:
                self._upload({places.NOTEBOOK: text}, wait=False)
        except (OSError, Refused):
            pass  # The last save is the one that counts, and it complains.
        spent = time.monotonic() - now
        self.due = time.monotonic() + max(EVERY, 20 * spent)

    def _here(self, text: bytes, sync: bool) -> None:
        if self.job.setting.copy:
            write_file(self.job.setting.copy, [text], sync)
        store = None if self.remote or not self.job.setting.store else open_store(self.job.setting.store)
        if isinstance(store, Folder):
            store.write(self.place + "/" + places.NOTEBOOK, [text], sync)

    def finish(self, kind: str, used: dict[str, Any], digest: str | None, curve: Any) -> None:
        """The notebook, the usage report (which has the curve too) and, for a task that is done, the marker."""
        about = self.record.notebook["metadata"]["kubenb_run"]
        about.update(state=kind, **used)
        began = round(time.time() - used["seconds"], 1)
        report = {**used, "exit": TABLE[kind][0], "state": kind, "began": began, "curve": curve}
        files = {places.USAGE: json.dumps(report, sort_keys=True).encode()}
        marker = {
            "digest": digest,
            "task": self.job.setting.task,
            "run": self.job.setting.run,
            "seconds": used["seconds"],
        }
        try:
            text = self.text()
            self._here(text, sync=True)
            if self.remote:
                files[places.NOTEBOOK] = text
            if kind == "done":
                files[places.SUCCESS] = json.dumps(marker, sort_keys=True).encode()
            if self.remote:
                self._upload(files, wait=True)
            elif self.job.setting.store and self.job.setting.store != "xcom":
                store = open_store(self.job.setting.store)
                for name, data in files.items():
                    store.write(self.place + "/" + name, [data])
        except OSError as error:
            raise from_os_error(
                error, "the results can't be saved in %s" % (self.job.setting.store or "the task's folder")
            ) from error

    def _upload(self, files: dict[str, bytes], wait: bool) -> None:
        """In a fork: fsspec's threads must not come into this process."""
        if self.uploader:
            done, _ = os.waitpid(self.uploader, 0 if wait else os.WNOHANG)
            if not done:
                return
        path = self.job.side + "/upload"
        self.uploads = time.monotonic() + EVERY_REMOTE
        self.uploader = os.fork()
        if not self.uploader:
            code = 1
            try:
                store = open_store(self.job.setting.store)
                for name, data in files.items():
                    store.write(self.place + "/" + name, [data])
                code = 0
            except BaseException as error:
                with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
                    file.write(str(error))
            finally:
                os._exit(code)
        if wait:
            _, status = os.waitpid(self.uploader, 0)
            self.uploader = 0
            if status:
                raise Refused("store", _read(path) or "the results can't be saved in %s." % self.job.setting.store, "")


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""
