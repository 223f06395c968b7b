"""Public fakes for tests, ours and yours: no cluster, no Jupyter server.

`PodApi` is a stand-in of the Kubernetes pod API on loopback that starts each pod's command as a process of this machine;
`notebook(...)` writes a notebook in a line or two; `run_cell` runs a cell in an IPython of its own.
"""

from kubenb.standin import PodApi
from kubenb.testing.notebooks import Outcome, code, notebook, run_cell, save

__all__ = ["Outcome", "PodApi", "code", "notebook", "run_cell", "save"]
