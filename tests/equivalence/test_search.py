"""The search, as far as every test run takes it: 2,400 random notebooks in eight parts, none different, few refused.

Each part has a fixed seed, so that a run finds what the last one found; `make equivalence` goes on with other notebooks. A notebook
that takes too long to write or to run from top to bottom is not counted, and too many of those fail the test.
"""

from __future__ import annotations

import warnings
from collections import Counter
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.equivalence.author import CellRecipe, Recipe, write
from tests.equivalence.forks import DiedError, in_fork
from tests.equivalence.judge import Verdict, judge
from tests.equivalence.share import show

PARTS = 8
EXAMPLES = 300
MOST_REFUSED = 0.15

phrases = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=6).map(tuple)
cells = st.builds(CellRecipe, st.sampled_from([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2]), phrases)
flavours = st.sets(
    st.sampled_from(["functions", "functions", "objects", "chance", "arrays", "frames", "hard"]), max_size=3
)
recipes = st.builds(
    Recipe,
    st.lists(cells, min_size=3, max_size=10).map(tuple),
    flavours.map(lambda found: tuple(sorted(found))),
    st.booleans(),
)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_notebook_differs_from_its_pipeline(part: int, capsys: pytest.CaptureFixture[str]) -> None:
    counts: Counter[tuple[str, str]] = Counter()

    @seed(part)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(recipes)
    def search(recipe: Recipe) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                draft = in_fork(partial(write, recipe))
            except DiedError:
                counts["invalid", "not written"] += 1
                return
            verdict: Verdict = judge(draft)
        counts[verdict.kind, verdict.code] += 1
        assert verdict.kind != "different", f"{verdict.code}\n{draft}\n{verdict.detail}"

    search()
    with capsys.disabled():
        print()
        show(counts)
    judged = sum(count for (kind, _), count in counts.items() if kind != "invalid")
    assert judged >= EXAMPLES * 0.85
    assert sum(count for (kind, _), count in counts.items() if kind == "refused") <= MOST_REFUSED * judged
