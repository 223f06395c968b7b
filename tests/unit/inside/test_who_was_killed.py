"""A process that SIGKILL ended: for want of memory, as the kernel counts, or not; over what its control groups say."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from kubenb.inside import usage

V1 = "oom_kill_disable 0\nunder_oom 0\noom_kill %s\n"
V2 = "low 0\nhigh 0\nmax 31\noom 3\noom_kill %s\noom_group_kill 9\n"


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A container's first process, whose control group says so much."""

    def told(text: str | None, limit: int | None = 256 << 20) -> None:
        (tmp_path / "limit").write_text("max" if limit is None else str(limit))
        if text is not None:
            (tmp_path / "kills").write_text(text)
        monkeypatch.setattr(usage, "_KILLS", (str(tmp_path / "absent"), str(tmp_path / "kills")))
        monkeypatch.setattr(usage, "_LIMITS", (str(tmp_path / "limit"),))
        monkeypatch.setattr(os, "getpid", lambda: 1)

    return told


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (V1 % 0, 0),
        (V1 % 2, 2),
        (V2 % 0, 0),
        (V2 % 1, 1),
        ("oom_kill_disable 0\nunder_oom 0\n", None),
        ("oom_kill x\n", None),
        (None, None),
    ],
    ids=["v1, none", "v1, two", "v2, none", "v2, one", "a kernel before 4.13", "nonsense", "no control groups"],
)
def test_what_the_kernel_counts_is_read_from_both_versions_of_control_groups(
    container: Any, text: str | None, count: int | None
) -> None:
    container(text)
    assert usage.killed() == count


def test_a_process_that_is_not_the_containers_first_takes_no_others_count(
    container: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    container(V2 % 4)
    monkeypatch.setattr(os, "getpid", lambda: 7)
    assert usage.killed() is None


@pytest.mark.parametrize(
    ("lost", "limit", "what", "fix"),
    [
        (0, 256 << 20, "it was killed, and not for its memory: its peak was 26 MiB of 256 MiB.", "os.kill"),
        (0, None, "it was killed, and not for its memory: its peak was 26 MiB.", "os.kill"),
        (1, 256 << 20, "it was killed, for want of memory: its peak was 26 MiB of 256 MiB.", "more `memory`"),
        (None, 256 << 20, "it was killed, most often for memory: its peak was 26 MiB of 256 MiB.", "more `memory`"),
    ],
)
def test_a_kill_is_laid_on_memory_only_where_the_kernel_counted_it(
    container: Any, lost: int | None, limit: int | None, what: str, fix: str
) -> None:
    container(V2 % 0, limit)
    said, help = usage.why_killed("it was killed", 26 << 20, lost)
    assert said == what
    assert fix in help


def test_a_task_that_went_well_says_which_processes_it_lost(container: Any) -> None:
    container(V2 % 2, 128 << 20)
    used = {"seconds": 3.2, "peak": 100 << 20, "cpu": 1.0, "in": 0, "out": 0, "killed": 2}
    assert usage.sentence(used).endswith("; warning: 2 of its processes were killed for want of memory (limit 128 MiB)")
    assert "killed" not in usage.sentence({**used, "killed": 0})
