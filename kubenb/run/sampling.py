"""A thread beside a cell that runs in the kernel: ten times a second, memory and CPU of the kernel and all its children.

A cell that is over in a tenth of a second is never looked at: it costs a few assignments. The thread ends by itself when no
cell has run for a while. In: the moments when a cell begins and ends. Out: a `Curve`. Next room: `here`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from kubenb.inside.curve import Curve
from kubenb.inside.gpu import Gpus, gpus
from kubenb.inside.usage import EVERY, SHARE, Tree

IDLE = 30.0  # seconds without a cell after which the thread ends


class Sampler:
    """Looks at this process while `curve` is set. `spent` says how many CPU seconds the cell has used in the kernel itself."""

    def __init__(self, spent: Callable[[], float]) -> None:
        self.spent = spent
        self.curve: Curve | None = None
        self.tree, self.began, self.base = Tree(0), 0.0, 0.0
        self.gpus: Gpus | None = None
        self._lock, self._thread, self._pid = threading.Lock(), False, 0

    def start(self, began: float) -> None:
        """A cell begins; `began` is of the performance counter."""
        with self._lock:
            self.gpus = None
            self.curve, self.tree, self.began = Curve(), Tree(os.getpid()), began
            if self._thread and self._pid == os.getpid():
                return
            self._thread, self._pid = True, os.getpid()
        threading.Thread(target=self._look, name="kubenb-sampler", daemon=True).start()

    def stop(self) -> Curve:
        """The cell has ended."""
        curve, self.curve = self.curve, None
        return curve or Curve()

    def _look(self) -> None:
        pause, last = EVERY, time.monotonic()
        while True:
            time.sleep(pause)
            curve, pause = self.curve, EVERY
            if curve is not None:
                pause = max(EVERY, SHARE * self._sample(curve))
                last = time.monotonic()
            with self._lock:
                if self.curve is None and time.monotonic() - last > IDLE:
                    self._thread = False
                    return

    def _sample(self, curve: Curve) -> float:
        """A point; the CPU seconds that it took."""
        memory, cpu, cost = self.tree.look()
        if not curve.points:  # what children used before the cell began is not the cell's
            self.base = cpu - self.spent()
            self.gpus = gpus(alone=True)  # the kernel's own frames stay on the GPU from cell to cell
        if self.gpus is not None:
            self.gpus.look()
        if self.curve is curve:  # still the same cell
            curve.add(time.perf_counter() - self.began, memory, max(0.0, cpu - self.base))
        return cost
