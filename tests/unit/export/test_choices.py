"""What may be chosen: ranges, lists, and for all that is barred the reason, by the same rules as the checks."""

from __future__ import annotations

from typing import Any

import pytest

from kubenb.export.allowed import Barred, Choices, choices
from kubenb.model.policy import Policy
from kubenb.model.problems import KubenbError
from kubenb.model.values import Gpu
from tests.unit.export.test_policy import options, policy

SITE = policy(
    "site.toml",
    options={
        "memory": {"least": "128Mi", "most": "64Gi", "reason": "the largest node has 64 GiB"},
        "image": {"only": ["reg/*", "python:3.11-slim"], "never": ["*:latest"]},
        "gpu": {"forbidden": True, "reason": "GPUs are for profile gpu"},
        "label": {"required": ["team"]},
        "run": {"only": ["here", "local"], "reason": "no pods from laptops"},
        "profile": {"required": True},
    },
    profiles={"gpu": {"gpu": 1, "allowed": {"gpu": {"most": 4}}}},
)


def plain(found: Choices) -> dict[str, Any]:
    """What is said, without what is empty."""
    empty = Choices(found.option)
    return {
        key: value
        for key, value in vars(found).items()
        if key not in ("rules", "option", "dag") and value != getattr(empty, key)
    }


CASES: list[tuple[str, str | None, dict[str, Any]]] = [
    ("cpu", None, {}),
    (
        "memory",
        None,
        {
            "least": "128Mi",
            "most": "64Gi",
            "barred": (
                Barred("", "less than 128Mi: the largest node has 64 GiB (policy of site.toml)."),
                Barred("", "more than 64Gi: the largest node has 64 GiB (policy of site.toml)."),
            ),
        },
    ),
    (
        "image",
        None,
        {
            "listed": ("python:3.11-slim",),
            "patterns": ("reg/*", "python:3.11-slim"),
            "barred": (
                Barred("", "anything of *:latest (policy of site.toml)."),
                Barred("", "anything but reg/*, python:3.11-slim (policy of site.toml)."),
            ),
        },
    ),
    (
        "gpu",
        None,
        {
            "forbidden": True,
            "barred": (Barred("", "gpu is not allowed: GPUs are for profile gpu (policy of site.toml)."),),
        },
    ),
    ("gpu", "gpu", {"most": "4", "barred": (Barred("", "more than 4 (policy of site.toml)."),)}),
    ("label", None, {"required": ("team",)}),
    (
        "run",
        None,
        {
            "listed": ("here", "local"),
            "patterns": ("here", "local"),
            "free": False,
            "barred": (
                Barred(
                    "pod",
                    "run pod is not among what is allowed: no pods from laptops (policy of site.toml). "
                    "Write one of: here, local.",
                ),
                Barred("", "anything but here, local: no pods from laptops (policy of site.toml)."),
            ),
        },
    ),
]


@pytest.mark.parametrize(("option", "profile", "said"), CASES)
def test_a_choice_has_its_range_or_list_and_the_reasons(option: str, profile: str | None, said: dict[str, Any]) -> None:
    assert plain(choices((SITE,), option, profile)) == said


def test_a_profile_that_a_policy_bars_is_shown_with_the_reason() -> None:
    profiles: dict[str, dict[str, Any]] = {
        "gpu": {"gpu": Gpu(1)},
        "huge": {"cpu": "1", "memory": "128Gi"},
        "own": {"gpu": Gpu(1)},
        "fine": {},
    }
    found = choices((SITE,), "profile", None, profiles)
    assert (found.listed, found.free, found.required) == (("gpu", "fine"), False, ("profile",))
    assert [(each.value, each.reason.partition(":")[0]) for each in found.barred] == [
        ("huge", "memory 128Gi is more than the 64Gi allowed"),
        ("own", "gpu is not allowed"),
    ]


def test_of_several_policies_the_narrower_bound_holds_whatever_its_unit() -> None:
    both = options(memory={"least": "1Gi", "most": "2Gi"}), options(memory={"least": "100Mi", "most": "2000Mi"})
    for order in (both, both[::-1]):
        found = choices(order, "memory")
        assert (found.least, found.most) == ("1Gi", "2000Mi")


TYPED = [
    ("memory", None, "64Gi", ""),
    (
        "memory",
        None,
        "65Gi",
        "memory 65Gi is more than the 64Gi allowed: the largest node has 64 GiB (policy of site.toml).",
    ),
    ("memory", None, "4G1", "'4G1' is not a quantity. Write 4Gi or 4096Mi."),
    ("image", None, "reg/x:1", ""),
    ("image", None, "reg/x", "image reg/x is of *:latest, which is not allowed (policy of site.toml). Choose another."),
    ("gpu", None, "1", "gpu is not allowed: GPUs are for profile gpu (policy of site.toml). Leave it out."),
    ("gpu", "gpu", "4", ""),
]


@pytest.mark.parametrize(("option", "profile", "text", "said"), TYPED)
def test_a_typed_value_is_judged_as_the_checks_do(option: str, profile: str | None, text: str, said: str) -> None:
    found = choices((SITE,), option, profile).wrong(text)
    assert found.startswith(said) if said else not found


def test_an_option_of_the_dag_has_choices_of_its_own() -> None:
    rules = policy("site.toml", options={"retries": {"most": 9}}, dag={"retries": {"most": 3, "least": 1}})
    found = choices((rules,), "retries", dag=True)
    assert (found.least, found.most, found.dag) == ("1", "3", True)
    assert found.wrong("4") == "retries 4 is more than the 3 allowed (policy of site.toml). Write at most 3."
    assert choices((rules,), "retries").most == "9"
    assert choices((rules,), "shell-lines", dag=True).listed == ("refuse", "keep")


def test_without_a_policy_everything_goes() -> None:
    none: tuple[Policy, ...] = ()
    assert plain(choices(none, "memory")) == {}
    assert choices(none, "trigger-rule").barred == ()


def test_an_option_that_is_none_is_refused() -> None:
    with pytest.raises(KubenbError, match="memroy is not an option of a task"):
        choices((SITE,), "memroy")
