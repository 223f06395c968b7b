"""Results, problems, tables and the usage line: plain text complete, HTML and Markdown saying the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubenb import actions
from kubenb.cluster.doctor import Finding
from kubenb.model.problems import Place, Problem, Severity
from kubenb.run.events import Event, Outcome, Run
from kubenb.show.cluster import Findings, Text
from kubenb.show.config import config_table
from kubenb.show.plans import Plans
from kubenb.show.problems import Report
from kubenb.show.progress import Board, Lines, Notebook
from kubenb.show.results import Results, measures, result_names, show_data, show_memory, show_seconds
from kubenb.show.shown import Shown
from kubenb.show.table import Table
from tests.unit.faces.drawn import PIPELINE
from tests.unit.faces.golden import check
from tests.unit.faces.rooms import ROOM, SENTENCES, TASKS

PROBLEMS = (
    Problem(Place(5, 1, "train"), "memory '4G1' is not a quantity.", "Write 4Gi or 4096Mi.", "header.value"),
    Problem(Place(), "The notebook was not saved.", "Save it.", "x", Severity.WARNING),
    Problem(Place(4, 1, "extract"), "<b> is unknown.", "Leave it out.", "header.x"),
)
RUN = Run(
    "flights",
    "local-1",
    Path("build/flights"),
    (
        Outcome("extract", "reused", "its code and its inputs did not change", peak=2**20),
        Outcome("score", "done", item=0, seconds=1.25, cpu=1.0, peak=200 * 2**20, bytes_in=1234, bytes_out=5_000_000),
        Outcome(
            "score", "failed", "ValueError: no | data in cell 3.", item=1, seconds=75.0, exit_code=1,
            log=Path("build/flights/score.1.log"), tail=("Traceback …", "ValueError: no | data"),
        ),
        Outcome("report", "not run", "score failed"),
    ),
    80.4,
)  # fmt: skip
FAILED = Results(RUN, "kubenb run flights.ipynb --to build/flights")
GOOD = Results(Run("flights", "local-2", Path("out"), (Outcome("extract", "done", seconds=0.5),), 0.6))

FOUND = (
    Finding("server", "good", "https://k8s.example.com answers in 12 ms: Kubernetes v1.34.4"),
    Finding("rights", "bad", "may not create pods, needed to start tasks", "`kubenb rbac` prints the Role to ask for."),
    Finding("quota", "unknown", "this user may not look at it"),
)

SHOWN: dict[str, Shown] = {
    "report": Report("flights.ipynb", PROBLEMS, "3 tasks"),
    "report-ok": Report("flights.ipynb", (), "3 tasks"),
    "results-failed": FAILED,
    "results-good": GOOD,
    "table": Table("Title", ("a", "b"), (("1", "<x> | y"), ("22", "")), "a note"),
    "plans": Plans(PIPELINE),
    "plans-one": Plans(PIPELINE, "report"),
    "config": config_table(PIPELINE),
    "doctor": Findings("Context prod, namespace data", FOUND),
    "rbac": Text("kind: Role\n"),
    "capacity": ROOM,
    "capacity-tasks": TASKS,
}


@pytest.mark.parametrize("name", SHOWN)
def test_each_form_of_what_is_shown_says_the_same(name: str) -> None:
    shown = SHOWN[name]
    forms = (
        ("text", str(shown)),
        ("html", shown.html()),
        ("markdown", shown.markdown()),
        ("json", json.dumps(shown.json(), indent=1)),
    )
    check(f"{name}.txt", "\n".join(f"--- {form}\n{text}" for form, text in forms))


@pytest.mark.parametrize("shown", SHOWN.values())
def test_html_holds_no_text_as_markup(shown: Shown) -> None:
    assert "<b> is unknown" not in shown.html()
    assert "<x>" not in shown.html()


def test_where_a_pod_fits_is_one_sentence() -> None:
    check("fits.txt", "\n".join(f"{name}: {found.words}" for name, found in SENTENCES.items()))


def test_the_document_shows_such_a_sentence() -> None:
    document = Path(__file__).parents[3] / "docs" / "capacity.md"
    assert SENTENCES["the usual"].words in document.read_text(encoding="utf-8")


def test_a_task_that_fits_nowhere_is_not_ok() -> None:
    assert (ROOM.ok, TASKS.ok) == (True, False)


def test_the_table_of_options_has_every_option_with_its_example() -> None:
    check("options.txt", str(actions.options()))
    check("options.md", actions.options().markdown())


def test_a_report_is_ok_without_errors() -> None:
    assert Report("x", PROBLEMS[1:2]).ok
    assert not Report("x", PROBLEMS).ok


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0004, "0 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (3599.6, "1 h 0 min"),
        (90000, "25 h 0 min"),
    ],
)
def test_seconds_are_shown_for_people(seconds: float, text: str) -> None:
    assert show_seconds(seconds) == text


def test_sizes_and_measures() -> None:
    assert [show_memory(size) for size in (0, 2**20, 1023 * 2**20, 3 * 2**30)] == [
        "0 MiB",
        "1 MiB",
        "1.0 GiB",
        "3.0 GiB",
    ]
    assert [show_data(size) for size in (0, 999, 1000, 2_500_000, 10**10)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "2.5 MB",
        "10.0 GB",
    ]
    assert measures() == ""
    assert measures(1.0, None, 0.0) == "in 1.0 s, cpu 0 ms"
    assert result_names([]) == ""
    assert result_names(list("abcdefgh")) == " -> a, b, c, d, e, f and 2 more"


EVENTS = [
    Event("start", "extract"),
    Event("lines", "extract", "reading …"),
    Event("end", "extract", outcome=RUN.outcomes[0]),
    Event("stop"),
]


@pytest.mark.parametrize(
    ("every", "lines"),
    [
        (
            False,
            [
                "extract: started",
                "extract: reused: its code and its inputs did not change",
                "interrupted: ending all tasks …",
            ],
        ),
        (
            True,
            [
                "extract: started",
                "extract | reading …",
                "extract: reused: its code and its inputs did not change",
                "interrupted: ending all tasks …",
            ],
        ),
    ],
)
def test_progress_as_lines(every: bool, lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for event in EVENTS:
        Lines(every=every)(event)
    assert capsys.readouterr().err.splitlines() == lines


def test_the_board_shows_what_each_task_does_now_and_how_it_ended() -> None:
    board = Board()
    for event in EVENTS[:2]:
        board.take(event)
    ((name, mark, words),) = board.rows()
    assert (name, mark) == ("extract", "…")
    assert words.startswith("running, ")
    assert words.endswith("reading …")
    board.take(EVENTS[2])
    assert list(board.rows()) == [("extract", "=", "reused: its code and its inputs did not change")]
    shown = Notebook(board)
    assert shown.plain() == "= extract  reused: its code and its inputs did not change"
    assert '<table role="status">' in shown.html()
