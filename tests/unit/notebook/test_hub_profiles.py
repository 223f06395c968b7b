"""JupyterHub's profile_list in each of its forms: the same profiles, and nothing lost in silence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubenb.model.policy import Profile, Rule
from kubenb.model.values import Gpu, KeyValue, Toleration
from kubenb.notebook.hub_profiles import read_hub_profiles

LIST: list[dict[str, Any]] = [
    {
        "display_name": "Small, CPU",
        "default": True,
        "kubespawner_override": {"cpu_guarantee": 0.5, "mem_limit": "4G", "mem_guarantee": "2G", "default_url": "/lab"},
    },
    {
        "display_name": "GPU box",
        "slug": "gpu",
        "description": "for training",
        "kubespawner_override": {
            "cpu_limit": 4,
            "mem_limit": 17179869184,
            "extra_resource_limits": {"nvidia.com/gpu": "1"},
            "node_selector": {"pool": "gpu"},
            "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "ml", "effect": "NoSchedule"}],
            "environment": {"LEVEL": "info"},
        },
        "profile_options": {
            "image": {
                "choices": {
                    "a": {"display_name": "A", "kubespawner_override": {"image": "reg/a:1"}},
                    "b": {"display_name": "B", "default": True, "kubespawner_override": {"image": "reg/b:1"}},
                },
                "unlisted_choice": {
                    "enabled": True,
                    "validation_regex": "^reg/.+:.+$",
                    "validation_message": "an image of reg",
                    "kubespawner_override": {"image": "{value}"},
                },
            }
        },
    },
]
SMALL = Profile("small-cpu", {"cpu": "0.5", "memory": "4Gi", "memory-request": "2Gi"}, (), "Small, CPU")
LARGE = {
    "cpu-limit": "4",
    "memory": "16Gi",
    "gpu": Gpu(1),
    "node-selector": (KeyValue("pool", "gpu"),),
    "toleration": (Toleration("dedicated", "ml", "NoSchedule"),),
    "env": (KeyValue("LEVEL", "info"),),
    "image": "reg/b:1",
}
IMAGES = Rule("image", only=("reg/a:1", "reg/b:1"), matches="^reg/.+:.+$", reason="an image of reg")
FORMS = {
    "list.json": json.dumps(LIST),
    "list.yaml": json.dumps(LIST, indent=1),
    "values.yaml": json.dumps({"singleuser": {"profileList": LIST}}),
    "umbrella.yaml": json.dumps({"jupyterhub": {"singleuser": {"profileList": LIST}}}),
    "literal.py": repr(LIST),
    "jupyterhub_config.py": f"import os\nc.KubeSpawner.profile_list = {LIST!r}\nos.abort()\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_profiles(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(FORMS[name])
    profiles, problems = read_hub_profiles(tmp_path / name)
    assert problems == []
    small, large = profiles
    assert (small, small.values) == (SMALL, SMALL.values)
    assert (large.name, large.about, large.rules, large.values) == ("gpu", "for training", (IMAGES,), LARGE)


def one(override: dict[str, Any], **more: Any) -> str:
    return json.dumps([{"slug": "p", "kubespawner_override": override, **more}])


TREES = {"a": {"kubespawner_override": {"node_selector": {"a": "b"}}}}
LEFT = [
    (one({"lifecycle_hooks": {}}), "profile p: 'lifecycle_hooks', which no option is for, is left out."),
    (
        one({"service_account": "{username}"}),
        "profile p: service-account ('{username}' is filled in by the hub) is left out.",
    ),
    (one({"mem_limit": "lots"}), "profile p: memory ('lots' is not a quantity) is left out."),
    (one({}, profile_options={"n": {"choices": TREES}}), "the choice between values of node-selector"),
    ('{"hub": {}}', "it holds no profile_list: it has neither singleuser.profileList nor a list."),
    ("a: [", "it holds no profile_list: it is not YAML"),
    ("3", "it holds no profile_list: it is not a list."),
]


@pytest.mark.parametrize(("text", "what"), LEFT)
def test_what_cannot_be_taken_over_is_told(text: str, what: str, tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text(text)
    _, problems = read_hub_profiles(tmp_path / "list.yaml")
    assert [what in str(each) for each in problems] == [True], problems


def test_a_list_that_python_computes_is_refused_and_not_run(tmp_path: Path) -> None:
    (tmp_path / "c.py").write_text("c.KubeSpawner.profile_list = open('made', 'w')\n")
    _, (problem,) = read_hub_profiles(tmp_path / "c.py")
    assert problem.what == "it holds no profile_list: its profile_list is computed, not written out."
    assert not (tmp_path / "made").exists()
