"""The graph as text, Mermaid, JSON and picture."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenb.model.options import DagOptions
from kubenb.model.pipeline import Edge, Notebook, Pipeline, Plan, Task, ranks
from kubenb.model.problems import Place, Problem
from kubenb.notebook.pipeline import read_pipeline
from kubenb.notebook.scripts import parse_script
from kubenb.show.graph import Graph
from kubenb.show.layout import HEIGHT, lay_out
from tests.unit.faces.drawn import PIPELINE
from tests.unit.faces.golden import check

GRAPH = Graph(PIPELINE)
BARE = Graph(Pipeline(Notebook("", ()), DagOptions(), (), (Plan(Task("main")),), ()))


def test_text_names_for_each_edge_the_variable_and_both_lines() -> None:
    check("graph.txt", str(GRAPH))


def test_a_flowchart_has_each_task_and_on_each_edge_what_travels() -> None:
    check("graph.mmd", GRAPH.mermaid())


def test_json_has_everything_that_the_text_has() -> None:
    check("graph.json", json.dumps(GRAPH.json(), indent=2))


def test_a_picture_has_each_task_and_each_edge() -> None:
    check("graph.svg", GRAPH.svg())


def test_a_graph_is_called_as_its_dag_will_be_and_a_picture_names_no_folder() -> None:
    found = Graph(read_pipeline(parse_script("x = 1\n", "/home/ana/none.py")))
    assert found.title() == "none: 1 task, 0 edges (/home/ana/none.py)"
    assert "Graph of none: 1 task, 0 edges" in found.svg()
    assert "/home/ana" not in found.svg()


def test_a_notebook_without_edges_still_has_a_graph() -> None:
    assert str(BARE) == "notebook: 1 task, 0 edges\n\nmain"
    assert BARE.mermaid() == 'flowchart LR\n    t1["main"]'
    ET.fromstring(BARE.svg())


def test_notebooks_get_the_picture_and_pull_requests_the_flowchart() -> None:
    assert GRAPH._repr_html_().startswith("<svg")
    assert GRAPH._repr_markdown_().startswith("```mermaid\nflowchart LR")
    assert repr(GRAPH) == str(GRAPH)


def test_a_picture_loads_nothing_and_knows_no_theme() -> None:
    svg = GRAPH.svg()
    assert re.findall(r"https?://[^\"']+", svg) == ["http://www.w3.org/2000/svg"]
    assert "<style" not in svg
    assert 'role="img" aria-label="Graph of flights: 4 tasks, 4 edges' in svg


@pytest.mark.parametrize("name", ['<b>&"x"', "]]>", "a" * 300, "ünïcode", "quote'"])
def test_names_never_break_the_picture_or_the_flowchart(name: str) -> None:
    graph = Graph(replace(PIPELINE, plans=(Plan(Task(name)),), edges=()))
    ET.fromstring(graph.svg())
    label = graph.mermaid().splitlines()[1]
    assert label.count('"') == 2
    assert "<" not in label


def test_a_task_with_problems_is_marked_in_words_too() -> None:
    problem = Problem(Place(3, 1, "extract"), "bad", "fix")
    svg = Graph(replace(PIPELINE, problems=(problem,))).svg()
    assert "extract: cell 3, line 1 (extract) has problems" in svg


NAMES = [f"t{number}" for number in range(12)]
EDGES = st.lists(
    st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda pair: pair[0] < pair[1]), max_size=30, unique=True
)


@given(EDGES)
def test_boxes_never_overlap_and_edges_go_to_the_right(pairs: list[tuple[int, int]]) -> None:
    edges = [(NAMES[one], NAMES[other]) for one, other in pairs]
    layout = lay_out(dict.fromkeys(NAMES, 80.0), edges, {})
    rank = ranks(NAMES, edges)
    assert all(rank[one] < rank[other] for one, other in edges)
    for one in NAMES:
        box = layout.boxes[one]
        assert -0.01 <= box.x <= layout.width - box.width + 0.01
        assert -0.01 <= box.y <= layout.height - HEIGHT + 0.01
        for other in NAMES:
            if one < other and rank[one] == rank[other]:
                assert abs(box.y - layout.boxes[other].y) >= HEIGHT
    for edge in edges:
        points = layout.paths[edge]
        assert [x for x, _ in points] == sorted(x for x, _ in points)


def test_a_graph_of_a_thousand_tasks_is_laid_out() -> None:
    plans = tuple(Plan(Task(f"t{number}")) for number in range(1000))
    edges = tuple(Edge(f"t{number}", f"t{number + step}", ()) for number in range(990) for step in (1, 7))
    ET.fromstring(Graph(replace(PIPELINE, plans=plans, edges=edges)).svg())
