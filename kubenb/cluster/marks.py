"""How kubenb knows its own pods: the labels and annotations of one that was started from a notebook or a shell.

In: nothing. Out: names. `run.pod_manifest` writes them, `pods`, `runs` and `%k8s_runs` read them.
"""

from __future__ import annotations

# labels: what is asked for
MANAGED = "app.kubernetes.io/managed-by"  # "kubenb", on every pod of ours, the DAG's too
RUN = "kubenb/run"  # the run's id: only pods started now have it
TASK = "kubenb/task"
ITEM = "kubenb/item"
OWNER = "kubenb/owner"  # who started it: user and machine, as a label may be

# annotations: what is read of a pod that was found
TOKEN = "kubenb/token"  # of this start alone: two that chose one name are told apart
HEARTBEAT = "kubenb/heartbeat"  # RFC 3339: when the starter was last seen
TIME_TO_LIVE = "kubenb/time-to-live"  # seconds without a heartbeat after which `kubenb gc` ends the pod
DETACHED = "kubenb/detached"  # "true": nobody waits for it, so no heartbeat is missed
ABOUT = "kubenb/about"  # JSON: notebook, task as people write it, store, what attaching needs
