"""A policy's file: where it is found, what it may say, and that nothing nearer can take it away."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from kubenb.model.policy import Prices, Rule
from kubenb.model.values import Gpu
from kubenb.notebook import policy as room
from kubenb.notebook.policy import find_policies, parse_policy, read_policy
from kubenb.notebook.settings import find_settings

GOOD = """\
[policy]
contact = "#platform"
[policy.options.memory]
least = "128Mi"
most = "64Gi"
reason = "the largest node has 64 GiB"
[policy.options.image]
only = ["registry.example.com/*"]
never = ["*:latest"]
[policy.options.label]
required = ["team"]
[policy.dag.owner]
required = true
[policy.profiles.large]
about = "for training"
cpu = 4
gpu = 1
[policy.profiles.large.allowed.gpu]
most = 2
[policy.prices]
currency = "EUR"
cpu-hour = 0.04
gib-hour = 0.005
gpus = {"nvidia.com/gpu" = 1.2}
"""


@pytest.fixture(autouse=True)
def _no_site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(room.VARIABLE, raising=False)
    monkeypatch.setattr(room, "SITE", tmp_path / "etc" / "policy.toml")


def test_a_policy_is_read_as_values(tmp_path: Path) -> None:
    path = tmp_path / "kubenb.toml"
    path.write_text(GOOD)
    found = read_policy(path)
    assert found is not None
    assert (found.path, found.contact, found.problems) == (str(path), "#platform", ())
    assert found.rules == (
        Rule("memory", "128Mi", "64Gi", reason="the largest node has 64 GiB"),
        Rule("image", only=("registry.example.com/*",), never=("*:latest",)),
        Rule("label", keys=("team",)),
    )
    assert found.dag_rules == (Rule("owner", required=True),)
    (large,) = found.profiles
    assert (large.name, large.about, large.rules) == ("large", "for training", (Rule("gpu", most="2"),))
    assert large.values == {"cpu": "4", "gpu": Gpu(1)}
    gpus = (("nvidia.com/gpu", Decimal("1.2")),)
    assert found.prices == Prices(Decimal("0.04"), Decimal("0.005"), None, gpus, "EUR")


BAD = [
    ("[policy.options.memroy]\nmost = '1Gi'\n", "[policy.options.memroy] is of no option. Did you mean memory?"),
    ("[policy.options.memory]\nmax = '1Gi'\n", "[policy.options.memory] max is not known."),
    ("[policy.options.memory]\nmost = '4G1'\n", "[policy.options.memory] most '4G1' is not a quantity."),
    ("[policy.options.memory]\nleast = '2Gi'\nmost = '1Gi'\n", "least 2Gi is more than most 1Gi. Exchange them."),
    ("[policy.options.image]\nmost = 'a'\n", "most can't bound image, which is no amount."),
    ("[policy.options.image]\nonly = 'a'\n", "[policy.options.image] only is not a list of texts."),
    ("[policy.options.image]\nmatches = '('\n", "[policy.options.image] matches is no regular expression:"),
    ("[policy.options.pod]\nforbidden = 'yes'\n", "forbidden is neither true nor false. Write forbidden = true."),
    ("[policy.options.gpu]\nmost = 'two'\n", "[policy.options.gpu] most 'two' is not a count."),
    ("[policy.options]\ngpu = 2\n", "policy.options.gpu is not a table. Write [policy.options.gpu]."),
    ("[policy.profiles.a]\ncpus = 2\n", "[policy.profiles.a] cpus is not an option. Did you mean cpu?"),
    ("[policy.profiles.a]\nmemory = 4\n", "[policy.profiles.a] memory '4' is only 4 bytes. Write 4Gi."),
    ("[policy.prices]\ncpu-hour = 'much'\n", "[policy.prices] cpu-hour is not a price. Write a number, like 0.04."),
    ("[policy.prices]\ncpu-hour = -1\n", "[policy.prices] cpu-hour is not a price."),
    ("[policy]\nhub-profiles = 'no.yaml'\n", "it can't be read: No such file or directory. Correct hub-profiles."),
    ("policy = 3\n", "policy is not a table. Write [policy]."),
    ("[policy.optons.gpu]\n", "[policy] optons is not known. Did you mean options?"),
    ("[policy\n", "it is not TOML:"),
]


@pytest.mark.parametrize(("text", "what"), BAD)
def test_what_is_wrong_in_a_policy_is_told_and_is_an_error(text: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    found = read_policy(path)
    assert found is not None
    assert any(what in str(problem) and problem.severity.value == "error" for problem in found.problems), found.problems


def test_every_policy_above_holds_and_the_platforms_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / "team" / "notebooks"
    deep.mkdir(parents=True)
    (tmp_path / "team" / ".git").mkdir()
    (tmp_path / "etc").mkdir()
    places = [tmp_path / "etc/policy.toml", tmp_path / "named.toml", tmp_path / "kubenb.toml"]
    places += [tmp_path / "team" / "pyproject.toml", deep / "kubenb.toml"]
    for path in places:
        head = "[tool.kubenb.policy]" if path.name == "pyproject.toml" else "[policy]"
        path.write_text(f"{head}\ncontact = '{path.stem}'\n")
    (tmp_path / "team" / "kubenb.toml").write_text("[task]\nretries = 1\n")
    monkeypatch.setenv(room.VARIABLE, str(places[1]))
    assert [each.path for each in find_policies(deep)] == [str(path) for path in places]


def test_a_policy_that_is_named_but_not_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(room.VARIABLE, str(tmp_path / "gone.toml"))
    assert [str(each) for each in find_settings(tmp_path).problems] == [
        f"{tmp_path}/gone.toml: it can't be read: No such file or directory. Correct the file."
    ]
    (tmp_path / "gone.toml").write_text("[task]\n")
    assert [each.what for each in find_settings(tmp_path).problems] == ["it has no [policy]."]


def test_a_policys_profile_holds_against_one_of_the_same_name(tmp_path: Path) -> None:
    inner = tmp_path / "notebooks"
    inner.mkdir()
    (tmp_path / "kubenb.toml").write_text(GOOD)
    (inner / "kubenb.toml").write_text("[profiles.large]\ncpu = 64\n[profiles.own]\ncpu = 1\n")
    found = find_settings(inner)
    assert found.profiles == {"large": {"cpu": "4", "gpu": Gpu(1)}, "own": {"cpu": "1"}}
    assert (found.source("large"), found.given) == ("kubenb.toml", {"large": str(tmp_path / "kubenb.toml")})
    (problem,) = found.problems
    assert (problem.code, problem.severity.value) == ("policy.profile", "warning")
    assert problem.what == (
        f"[profiles.large] does not count: the policy of {tmp_path}/kubenb.toml has a profile of that name."
    )


def test_a_policys_problems_are_told_once(tmp_path: Path) -> None:
    (tmp_path / "kubenb.toml").write_text("[policy]\ncontakt = 'x'\n")
    assert [each.code for each in find_settings(tmp_path).problems] == ["policy.file"]
    (tmp_path / "kubenb.toml").write_text("[policy\n")
    assert [each.code for each in find_settings(tmp_path).problems] == ["settings.file"]


def test_a_file_without_a_policy_has_none(tmp_path: Path) -> None:
    (tmp_path / "kubenb.toml").write_text("[task]\ncpu = 1 # policy\n")
    assert find_policies(tmp_path) == ()
    assert parse_policy({}, "p.toml").rules == ()
