"""Measuring while a task runs: CPU seconds that sampling takes in a second, in a pod or process and in the kernel."""

from __future__ import annotations

import statistics

from bench.magic import asked
from bench.measure import Row, Rows

SECONDS = 4

# What the runtime does beside a task: here a process that holds memory, and its forks, which share it.
BESIDE = """
import json, os, sys, time
from kubenb.inside.usage import Meter
forks, child = int(sys.argv[1]), os.fork()
if not child:
    held = bytearray(100 << 20)
    for _ in range(forks):
        if not os.fork():
            break
    time.sleep(60)
    os._exit(0)
time.sleep(0.5)
meter, until, start = Meter(child), time.monotonic() + SECONDS, time.process_time()
while time.monotonic() < until:
    time.sleep(meter.pause)
    meter.sample()
spent = time.process_time() - start
from kubenb.inside.usage import tree
for process in tree(child):
    os.kill(process, 9)
print(json.dumps([spent / SECONDS, len(meter.curve.points)]))
""".replace("SECONDS", str(SECONDS))

KERNEL = """
import json, time
from kubenb.run.here import Meter
held, meter = bytearray(100 << 20), Meter()
meter.start()
start = time.process_time()
time.sleep(SECONDS)
spent = time.process_time() - start
print(json.dumps([spent / SECONDS, len(meter.stop().curve.points)]))
""".replace("SECONDS", str(SECONDS))


def rows(slow: bool) -> Rows:
    cases = [("a task", BESIDE, "0"), ("a task with 8 forks", BESIDE, "8"), ("a cell in the kernel", KERNEL, "0")]
    for name, script, forks in cases:
        found = [asked(script, forks) for _ in range(3)]
        cost, points = (statistics.median(column) for column in zip(*found, strict=True))
        yield Row(f"sampling {name}, a second", cost, 1.0, "one core", 0.01, note=f"{points / SECONDS:.1f} samples/s")
