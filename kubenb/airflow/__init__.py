"""A real Airflow, in a process of its own: what it says of an exported DAG file. It is never imported on this side.

In: the DAG file, a Python that has Airflow, and our manifests. Out: problems. Rooms: `process` asks it (with `probe`, the text
that runs inside), `pods` compares each pod that it would create with the manifest of ours; `playing` has it run a DAG once (with `player`
inside, in a home of `homes`). Next rooms: `kubenb.actions`, `kubenb.run.rehearsal`.
"""

from kubenb.airflow.check import check_with_airflow
from kubenb.airflow.process import ask

__all__ = ["ask", "check_with_airflow"]
