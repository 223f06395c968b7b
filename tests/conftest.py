"""What every test may use, and what none may see: a user's settings."""

from __future__ import annotations

import os
import tempfile

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says nothing on a machine that does other things too; where everybody's work is judged, by the same examples.
settings.register_profile(
    "kubenb",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
    print_blob=True,
)
settings.load_profile("kubenb")

# No test asks a cluster that it does not name itself; tests/cluster knows where the user's own kubeconfig was.
os.environ.setdefault("KUBENB_TEST_OWN_KUBECONFIG", os.environ.get("KUBECONFIG", "~/.kube/config"))
os.environ["KUBECONFIG"] = "nowhere"


# Records of runs are kept for their user: those of tests go with the tests.
_RECORDS = tempfile.TemporaryDirectory(prefix="kubenb-records-", ignore_cleanup_errors=True)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test's result must not depend on who runs it: variables that steer kubenb are unset."""
    for name in list(os.environ):
        if name.startswith("KUBENB_") and name not in ("KUBENB_GOLDEN",):
            monkeypatch.delenv(name)
    monkeypatch.setenv("KUBENB_DATA", _RECORDS.name)
