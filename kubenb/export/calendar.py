"""When a DAG will run: its schedule in words, and the next runs in its own zone.

In: the DAG's options and the time that is now. Out: `Upcoming`. Cron is read by cronsim and told by cron-descriptor; what the
presets mean is Airflow's (airflow.timetables: `cron_presets`). Pure. Next rooms: the picker, costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice
from zoneinfo import ZoneInfo

from kubenb.model.options import DAG, DagOptions
from kubenb.model.schedules import Schedule, read_date, read_schedule

CRON = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
}
MOST = 10_000  # past runs that are counted; more are "more than"
WORDS = {
    "none": "only when somebody starts it",
    "@once": "once, as soon as the DAG is switched on",
    "@continuous": "again and again: a run begins when the one before has ended",
}


@dataclass(frozen=True)
class Upcoming:
    """`words`: the schedule as people say it; `runs`: the next ones, in the DAG's zone (empty where no clock decides);
    `past`: with catchup, how many runs begin as soon as the DAG is switched on, None without; at most `MOST`.
    """

    words: str
    runs: tuple[datetime, ...] = ()
    past: int | None = None


def upcoming(dag: DagOptions, now: datetime, count: int = 5) -> Upcoming:
    """The next `count` runs after `now` (with a zone). Raises BadValue for a schedule, date or zone that is none.

    >>> from datetime import timezone
    >>> found = upcoming(DagOptions(schedule="0 6 * * 1-5", timezone="Europe/Berlin"), datetime(2026, 3, 27, 12, tzinfo=timezone.utc), 2)
    >>> found.words, [f"{run:%a %d %b %H:%M %z}" for run in found.runs]
    ('at 06:00, Monday through Friday (Europe/Berlin)', ['Mon 30 Mar 06:00 +0200', 'Tue 31 Mar 06:00 +0200'])
    """
    zone = ZoneInfo(dag.timezone or DAG["timezone"].default)
    schedule = read_schedule(dag.schedule or DAG["schedule"].default)
    start = read_date(dag.start or DAG["start"].default).replace(tzinfo=zone)
    end = read_date(dag.end).replace(tzinfo=zone) if dag.end else None
    line = cron(schedule)
    words = _words(schedule, line, zone)
    if line is None:
        return Upcoming(words)
    first = max(start - timedelta(seconds=1), now.astimezone(zone))
    runs = tuple(islice(ticks(line, first, end), count))
    past = None
    if dag.catchup and start < now:
        past = sum(1 for _ in islice(ticks(line, start - timedelta(seconds=1), min(now, end or now)), MOST))
    return Upcoming(words, runs, past)


def cron(schedule: Schedule) -> str | None:
    """The cron line that a schedule is, or None where no clock decides."""
    return schedule.text if schedule.kind == "cron" else CRON.get(schedule.text)


def ticks(line: str, after: datetime, until: datetime | None) -> Iterator[datetime]:
    """The times of a cron line after one moment, up to another, in the first one's zone.

    As Airflow counts where clocks change (airflow.timetables: CronMixin): a time of day stays that of the wall, and is moved on
    where the clocks leave it out; what comes every hour keeps its distance.
    """
    from cronsim import CronSim

    zone, now = after.tzinfo, after
    of_the_wall = line.split()[1] not in ("*", "*/1", "0-23")
    while True:
        wall = now.replace(tzinfo=None)
        found = next(CronSim(line, wall), None)
        if found is None:
            return
        first, second = (found.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc) for fold in (0, 1))
        aware = max(first, second)  # the later of two; the moved one where there is none
        now = (aware if of_the_wall else now.astimezone(timezone.utc) + (found - wall)).astimezone(zone)
        if until is not None and now > until:
            return
        yield now


def _words(schedule: Schedule, line: str | None, zone: ZoneInfo) -> str:
    if line is not None:
        from cron_descriptor import Options, get_description  # type: ignore[import-untyped, unused-ignore]

        options = Options()
        options.use_24hour_time_format = True
        text = get_description(line, options)
        daily = ", every day" if line.split()[2:] == ["*", "*", "*"] and text.startswith("At ") else ""
        return f"{text[0].lower()}{text[1:]}{daily} ({zone.key})"
    if schedule.kind == "every":
        return f"every {schedule.text}, counted from when the DAG is switched on"
    if schedule.kind == "assets":
        return f"whenever {' and '.join(schedule.assets)} {'has' if len(schedule.assets) == 1 else 'have'} been updated"
    return WORDS[schedule.text if schedule.kind == "preset" else "none"]
