"""Memory of the GPUs that a task has, by the driver's own library (NVML, through ctypes): nothing has to be installed.

In: the machine. Out: bytes in use on all GPUs that can be seen; None where there is none, or the library is not there. A container
sees the GPUs that it was given, and they are its own; elsewhere what was in use before is not counted. Next room: `usage`.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEVICE, LIBRARY = "/dev/nvidiactl", "libnvidia-ml.so.1"


def gpus(alone: bool) -> Gpus | None:
    """The GPUs, where there are some. `alone`: nobody else uses them."""
    if not os.path.exists(DEVICE):
        return None
    try:
        return Gpus(alone)
    except (ImportError, OSError, AttributeError):
        return None


class Gpus:
    """Asks the driver."""

    def __init__(self, alone: bool) -> None:
        """Opens the library; raises OSError where there is no driver."""
        import ctypes

        class Memory(ctypes.Structure):
            _fields_ = [(name, ctypes.c_ulonglong) for name in ("total", "free", "used")]

        self.library, self.made, self.by = ctypes.CDLL(LIBRARY), Memory, ctypes.byref
        count = ctypes.c_uint()
        if self.library.nvmlInit_v2() or self.library.nvmlDeviceGetCount_v2(ctypes.byref(count)):
            raise OSError("the driver gives no answer")
        self.devices: list[Any] = []
        for index in range(count.value):
            handle = ctypes.c_void_p()
            if not self.library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)):
                self.devices.append(handle)
        self.peak, self.before = 0, 0 if alone else self._used()

    def look(self) -> None:
        """Now; the peak is kept."""
        self.peak = max(self.peak, self._used() - self.before)

    def _used(self) -> int:
        used = 0
        for device in self.devices:
            memory = self.made()
            if not self.library.nvmlDeviceGetMemoryInfo(device, self.by(memory)):
                used += memory.used
        return used
