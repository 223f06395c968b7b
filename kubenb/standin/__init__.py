"""A stand-in of the Kubernetes pod API on loopback: pods are processes of this machine, and no cluster takes part.

In: the requests of a real client. Out: what an API server and a kubelet would answer. The rooms: `api` (the pods there are),
`requests` (HTTP), `selectors` and `websocket` (the API's own forms), `pod`, `container`, `volumes` and `logs` (what a kubelet does).
`kubenb rehearse` runs a DAG against it; `kubenb.testing` has it for tests, ours and yours.
"""

from kubenb.standin.api import PodApi
from kubenb.standin.container import Image

__all__ = ["Image", "PodApi"]
