"""The next runs that we tell are those that Airflow's own timetable gives, also where clocks change."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from kubenb.airflow.process import environment
from kubenb.export.calendar import CRON, ticks

LINES = (
    *CRON.values(),
    "30 2 * * *",
    "30 2 * * 0",
    "*/20 * * * *",
    "15 */5 * * *",
    "0 6 * * 1-5",
    "0 12 31 * *",
    "0 0 L * *",
    "5 1,2,3 * * *",
)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
STARTS = ("2026-03-27T12:00:01", "2026-10-24T20:00:01", "2026-02-28T23:59:59")
COUNT = 12
ASK = """
import json, sys
from datetime import datetime, timezone
import pendulum
from airflow.timetables.base import DataInterval, TimeRestriction
from airflow.timetables.trigger import CronTriggerTimetable
found = {}
asked = json.load(sys.stdin)
for line in asked["lines"]:
    for zone in asked["zones"]:
        for start in asked["starts"]:
            table = CronTriggerTimetable(line, timezone=zone)
            last, runs = None, []
            earliest = pendulum.parse(start, tz="UTC")
            for _ in range(asked["count"]):
                info = table.next_dagrun_info(last_automated_data_interval=last, restriction=TimeRestriction(earliest, None, True))
                last = info.data_interval
                runs.append(info.run_after.in_timezone("UTC").isoformat())
            found[f"{line} {zone} {start}"] = runs
json.dump(found, sys.stdout)
"""


def test_the_next_runs_are_airflows(airflow_python: Path, tmp_path: Path) -> None:
    asked = {"lines": LINES, "zones": ZONES, "starts": STARTS, "count": COUNT}
    done = subprocess.run(
        [str(airflow_python), "-c", ASK],
        input=json.dumps(asked), env=environment(tmp_path), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    theirs = json.loads(done.stdout[done.stdout.index("{") :])
    ours = {}
    for line in LINES:
        for zone in ZONES:
            for start in STARTS:
                after = datetime.fromisoformat(start).replace(tzinfo=timezone.utc).astimezone(ZoneInfo(zone))
                runs = islice(ticks(line, after, None), COUNT)
                ours[f"{line} {zone} {start}"] = [run.astimezone(timezone.utc).isoformat() for run in runs]
    assert len(ours) == len(LINES) * len(ZONES) * len(STARTS)
    assert {key: runs for key, runs in ours.items() if runs != theirs[key]} == {}
