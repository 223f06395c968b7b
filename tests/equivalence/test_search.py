"""The search, as far as every test run takes it: 2,400 random notebooks in eight parts, none different, few refused.

Each notebook comes from its number, so that a run finds what the last one found; `make equivalence` goes on with other numbers,
and makes a notebook that differs small. A notebook that takes too long to write or to run from top to bottom is not counted,
and too many of those fail the test.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.equivalence.__main__ import one
from tests.equivalence.share import show

PARTS = 8
EXAMPLES = 300
MOST_REFUSED = 0.15


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.filterwarnings("ignore")
def test_no_notebook_differs_from_its_pipeline(part: int, capsys: pytest.CaptureFixture[str]) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for seed in range(part * EXAMPLES, (part + 1) * EXAMPLES):
        _, verdict = one(seed)
        counts[verdict.kind, verdict.code] += 1
        assert verdict.kind != "different", (
            f"python -m tests.equivalence -n 1 --seed {seed}\n{verdict.code}\n{verdict.detail}"
        )
    with capsys.disabled():
        print()
        show(counts)
    judged = sum(count for (kind, _), count in counts.items() if kind != "invalid")
    assert judged >= EXAMPLES * 0.85
    assert sum(count for (kind, _), count in counts.items() if kind == "refused") <= MOST_REFUSED * judged
