"""Project settings: where they are found, what they may say, and which place wins."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenb.model.options import TaskOptions
from kubenb.model.problems import Place
from kubenb.model.values import KeyValue
from kubenb.notebook.effective import Layer, dag_options, task_options
from kubenb.notebook.settings import EMPTY, Settings, find_settings, parse_settings, read_settings
from tests.unit.model.strategies import PATIENT

GOOD = """\
[task]
image = "base:1"
label = {team = "x"}
[tasks.train]
memory = "8Gi"
[profiles.large]
cpu = 4
memory = "16Gi"
[dag]
owner = "analytics"
tags = ["a", "b"]
start = 2026-01-01
"""


def test_values_of_a_settings_file_are_typed(tmp_path: Path) -> None:
    (tmp_path / "kubenb.toml").write_text(GOOD)
    found = find_settings(tmp_path)
    assert found.problems == ()
    assert found.path == str(tmp_path / "kubenb.toml")
    assert found.task_defaults == {"image": "base:1", "label": (KeyValue("team", "x"),)}
    assert found.tasks == {"train": {"memory": "8Gi"}}
    assert found.profiles == {"large": {"cpu": "4", "memory": "16Gi"}}
    assert found.dag_defaults == {"owner": "analytics", "tags": ("a", "b"), "start": "2026-01-01"}


def test_settings_are_found_upward_and_the_nearest_win(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    (tmp_path / "kubenb.toml").write_text('[dag]\nowner = "top"\n')
    assert find_settings(deep).dag_defaults == {"owner": "top"}
    (tmp_path / "a" / "pyproject.toml").write_text('[tool.kubenb.dag]\nowner = "project"\n')
    assert find_settings(deep).dag_defaults == {"owner": "project"}
    (tmp_path / "a" / "b" / "pyproject.toml").write_text('[project]\nname = "other"\n[tool.kubenbx]\n')
    assert find_settings(deep).dag_defaults == {"owner": "project"}
    (tmp_path / "a" / "kubenb.toml").write_text('[dag]\nowner = "own"\n')
    assert find_settings(deep).dag_defaults == {"owner": "own"}
    assert find_settings(deep / "notebook.ipynb").dag_defaults == {"owner": "own"}


def test_the_search_ends_at_the_repository(tmp_path: Path) -> None:
    inner = tmp_path / "repository" / "notebooks"
    inner.mkdir(parents=True)
    (tmp_path / "kubenb.toml").write_text('[dag]\nowner = "someone else"\n')
    (tmp_path / "repository" / ".git").mkdir()
    assert find_settings(inner) == EMPTY


@pytest.mark.parametrize("start", ["/nonexistent/folder/n.ipynb", "a\0b", ""])
def test_a_folder_that_is_not_there_has_no_settings_of_its_own(start: str) -> None:
    assert isinstance(find_settings(start), Settings)


BAD = [
    ("[task]\ncpus = 2\n", "[task] cpus is not an option. Did you mean cpu?"),
    ("[task]\nmemory_request = '1Gi'\n", "[task] memory_request is not an option. Did you mean memory-request?"),
    ("[task]\nmemory = 4\n", "[task] memory '4' is only 4 bytes. Write 4Gi."),
    ("[task]\nmemory = ['1Gi']\n", '[task] memory takes one value, not a list of 1. Write it like memory = "4Gi".'),
    ("[task]\nschedule = '@daily'\n", "[task] schedule is not an option. Write it under [dag]."),
    ("[task]\nafter = ['a']\n", "[task] after belongs to one task, not to all. Write it in the notebook."),
    ("[dag]\nid = 'x'\n", "[dag] id belongs to the notebook, not to all. Write it in the notebook."),
    ("[dag]\nimage = 'a:1'\n", "[dag] image is not an option. Write it under [task]."),
    ("[dag]\nxyz = 1\n", "[dag] xyz is not an option. See all options: kubenb options."),
    (
        "[profiles.large]\nprofile = 'x'\n",
        "[profiles.large] profile belongs to one task, not to all. Write it in the notebook.",
    ),
    ("[profile.large]\ncpu = 1\n", "profile is not known. Did you mean [profiles]?"),
    ("memory = '4Gi'\n", "memory is not known. Write it under [task]."),
    ("[zzz]\n", "zzz is not known. The tables are [task], [tasks.NAME], [profiles.NAME], [dag]."),
    ("task = 3\n", "task is not a table. Write [task]."),
    ("profiles = 3\n", "profiles is not a table. Write [profiles.NAME]."),
    ("[profiles]\nlarge = 3\n", "profiles.large is not a table. Write [profiles.large]."),
    (
        "[tasks.'a b']\n",
        "[tasks.a b]: task name 'a b' can't be used. Use letters, digits, - and _, beginning with a letter: a_b.",
    ),
    (
        "[task\n",
        "it is not TOML: Expected ']' at the end of a table declaration (at line 1, column 6). Correct the file.",
    ),
    ("[task]\ncpu = 1\ncpu = 2\n", "it is not TOML: Cannot overwrite a value (at line 3, column 8). Correct the file."),
]


@pytest.mark.parametrize(("text", "message"), BAD, ids=[text for text, _ in BAD])
def test_what_is_wrong_is_said_with_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "kubenb.toml"
    path.write_text(text)
    assert [str(problem) for problem in read_settings(path).problems] == [f"{path}: {message}"]


def test_a_pyproject_names_its_tables_in_full(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[tool.kubenb.task]\ncpus = 2\n[tool.kubenb.zzz]\n")
    assert [problem.what for problem in read_settings(path).problems] == [
        "tool.kubenb.zzz is not known.", "[tool.kubenb.task] cpus is not an option.",
    ]  # fmt: skip


def test_good_options_beside_bad_ones_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "kubenb.toml"
    path.write_text("[task]\ncpus = 2\nmemory = '4Gi'\n")
    assert read_settings(path).task_defaults == {"memory": "4Gi"}


@PATIENT
@given(st.one_of(st.binary(max_size=80), st.text("[]task.cpu= \n'\"12{},profiles", max_size=60).map(str.encode)))
def test_any_file_gives_settings_or_problems(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"  # not above the folders of other tests, which would find it
    folder.mkdir(exist_ok=True)
    path = folder / "kubenb.toml"
    path.write_bytes(data)
    for problem in read_settings(path).problems:
        assert problem.what.endswith(".")
        assert problem.fix


SETTINGS = parse_settings(
    {
        "task": {
            "memory": "1Gi",
            "image": "base:1",
            "retries": 1,
            "env": {"A": "task", "T": "task"},
            "profile": "small",
        },
        "tasks": {"train": {"memory": "2Gi", "env": {"A": "tasks"}}},
        "profiles": {
            "often": {"retries": 9},
            "small": {"cpu": 1, "memory": "512Mi"},
            "large": {"cpu": 8, "memory": "64Gi", "env": {"A": "large", "L": "1"}},
        },
    },
    "/project/kubenb.toml",
)


def effective(
    own: dict[str, object], dag: dict[str, object], name: str = "train"
) -> tuple[TaskOptions, dict[str, str]]:
    options, origins, problems = task_options(
        name, Layer("cell 4", own), Layer("%k8s_dag, cell 1", dag), SETTINGS, Place(4, 1, name)
    )
    assert problems == ()
    return options, origins


def test_the_nearest_place_wins_and_is_named() -> None:
    options, origins = effective({"cpu": "2"}, {"image": "dag:1"})
    assert (options.cpu, options.memory, options.image, options.retries) == ("2", "2Gi", "dag:1", 1)
    assert {name: origins[name] for name in ("cpu", "memory", "image", "retries")} == {
        "cpu": "cell 4",
        "memory": "kubenb.toml [tasks.train]",
        "image": "%k8s_dag, cell 1",
        "retries": "kubenb.toml [task]",
    }


def test_a_profile_ranks_right_below_the_place_that_names_it() -> None:
    named_in_cell, origins = effective({"profile": "large", "cpu": "2"}, {"memory": "3Gi"})
    assert (named_in_cell.cpu, named_in_cell.memory) == ("2", "64Gi")
    assert origins["memory"] == "kubenb.toml [profiles.large]"
    named_for_all, origins = effective({}, {}, "other")
    assert (named_for_all.cpu, named_for_all.memory) == ("1", "1Gi")
    assert origins["cpu"] == "kubenb.toml [profiles.small]"


def test_repeated_options_add_up_and_the_nearest_value_of_each_name_wins() -> None:
    options, origins = effective({"env": (KeyValue("C", "cell"),), "profile": "large"}, {})
    assert [f"{pair.key}={pair.value}" for pair in options.env] == ["T=task", "A=large", "L=1", "C=cell"]
    assert origins["env"] == "cell 4, kubenb.toml [profiles.large], kubenb.toml [task]"


def test_what_the_dag_says_for_all_beats_the_project() -> None:
    """Retries of the DAG reach the tasks through Airflow's default_args, so the task itself then has none."""
    assert effective({}, {"retries": 3}, "other")[0].retries is None
    assert effective({}, {"retries": 3, "profile": "often"}, "other")[0].retries is None
    assert effective({"profile": "often"}, {"retries": 3}, "other")[0].retries == 9
    assert effective({"retries": 5}, {"retries": 3}, "other")[0].retries == 5


def test_an_unknown_profile_is_named_with_those_there_are() -> None:
    _, _, problems = task_options("a", Layer("cell 4", {"profile": "lage"}), Layer("", {}), SETTINGS, Place(4, 1, "a"))
    assert [str(problem) for problem in problems] == [
        "cell 4, line 1 (a): profile 'lage' is not known. Did you mean large?"
    ]
    _, _, problems = task_options("a", Layer("cell 4", {"profile": "x"}), Layer("", {}), EMPTY, Place(4, 1, "a"))
    assert [problem.fix for problem in problems] == ["Write it as [profiles.x] in kubenb.toml."]


def test_the_dags_own_options_come_from_its_line_then_from_the_project() -> None:
    settings = parse_settings({"dag": {"owner": "project", "tags": ["p"], "retries": 1}}, "kubenb.toml")
    options, origins = dag_options(
        "flights", Layer("cell 1", {"owner": "me", "tags": ("m",), "memory": "1Gi"}), settings
    )
    assert (options.id, options.owner, options.tags, options.retries) == ("flights", "me", ("p", "m"), 1)
    assert origins["tags"] == "cell 1, kubenb.toml [dag]"
