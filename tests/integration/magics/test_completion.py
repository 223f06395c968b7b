"""Tab in a header offers options and the values that are known; in a body it is what it always was."""

from __future__ import annotations

import pytest

from tests.integration.magics.kernel import Kernel

CASES = [
    ("%%k8s_task train --mem", ["%%k8s_task train --memory", "%%k8s_task train --memory-request"]),
    (
        "%%k8s_task train --run ",
        ["%%k8s_task train --run here", "%%k8s_task train --run local", "%%k8s_task train --run pod"],
    ),
    ("%%k8s_task train --run=lo", ["%%k8s_task train --run=local"]),
    ("%%k8s_task train --deferrable t", ["%%k8s_task train --deferrable true"]),
    ("%%k8s_task train\n#| mem", ["%%k8s_task train\n#| memory: ", "%%k8s_task train\n#| memory-request: "]),
    ("%%k8s_task train\n#| cpu: 2\n#| run: po", ["%%k8s_task train\n#| cpu: 2\n#| run: pod"]),
    ("%%k8s_task train\n#| trigger-rule: one_f", ["%%k8s_task train\n#| trigger-rule: one_failed"]),
    ("%k8s_dag flights --sched", ["%k8s_dag flights --schedule", "%k8s_dag flights --scheduler"]),
    ("%k8s_notebook x.ipynb --par", ["%k8s_notebook x.ipynb --param"]),
    (
        "%%k8s_task late --p",
        [f"%%k8s_task late --{name}" for name in ("pickle", "pod", "pool", "priority", "priority-class", "profile")],
    ),
    ("%k8s_notebook x.ipynb --a", ["affinity", "after", "annotation", "as"]),
    ("%%k8s_task late --after ex", ["%%k8s_task late --after extract"]),
    ("%%k8s_task late --image reg", ["%%k8s_task late --image registry/base:7"]),
    ("%%k8s_task late --profile la", ["%%k8s_task late --profile large"]),
]


@pytest.fixture(scope="module")
def seen(shared: Kernel) -> Kernel:
    shared.run("%%k8s_task extract --image registry/base:7\nflights = 1")
    return shared


@pytest.mark.parametrize(("text", "offered"), CASES)
def test_tab_offers_what_fits(seen: Kernel, text: str, offered: list[str]) -> None:
    if text.endswith("--a"):
        offered = [text.removesuffix("--a") + f"--{name}" for name in offered]
    assert sorted(seen.complete(text)) == sorted(offered)


def test_a_body_keeps_its_completion(seen: Kernel) -> None:
    assert any(match.endswith("flights") for match in seen.complete("%%k8s_task train\n#| cpu: 2\nx = flig"))
    assert any(match.endswith("flights") for match in seen.complete("flig"))
