"""Everything an export is made of, as relative path -> text. Pure; the same bytes everywhere.

`<dag>.py` the DAG file · `<dag>/<task>.ipynb` the task notebooks · `<dag>/operator.json` what the pods share ·
`<dag>/kubenb_runtime/` the runtime · `<dag>/.airflowignore` so that Airflow takes none of it for DAGs ·
`<dag>/.kubenb/` what was written last, for the next export to merge with. Next room: `kubenb.delivery`.
"""

from __future__ import annotations

import json

from kubenb.export.dag import dag_file
from kubenb.export.fan_out import runtime_lists
from kubenb.export.ids import dag_id
from kubenb.export.payload import runtime_text, sha256
from kubenb.export.task_notebook import task_notebook
from kubenb.inside.bundle import files as runtime_files
from kubenb.model.pipeline import Pipeline
from kubenb.model.problems import NOWHERE, refuse

RECORD = ".kubenb/export.json"
BASES = ".kubenb/base"


def base_name(name: str) -> str:
    """Where the text of a file is kept as it was written. Never a `.py`: Airflow would read it as one more DAG."""
    return f"{BASES}/{name}.txt"


def export_files(pipeline: Pipeline) -> dict[str, str]:
    """All files of an export."""
    dag = dag_id(pipeline)
    made = dag_file(pipeline)
    _compiles(dag, made.text)
    lists = runtime_lists(pipeline)
    inner = {".airflowignore": "kubenb_runtime\n", **made.beside}
    for plan in pipeline.plans:
        if plan.task.kind != "container":
            inner[f"{plan.task.name}.ipynb"] = task_notebook(pipeline, plan, dag, lists)
    if any(name.endswith(".ipynb") for name in inner):
        inner |= {f"kubenb_runtime/{name}": text for name, text in runtime_files().items()}
        inner["kubenb_runtime/bundle.txt"] = runtime_text()  # the same, in the form that travels in a pod
    record = {"dag": dag, "files": {name: sha256(text) for name, text in sorted(inner.items())}}
    inner |= {base_name(name): text for name, text in {f"{dag}.py": made.text, **made.beside}.items()}
    inner[RECORD] = json.dumps(record, indent=1, sort_keys=True) + "\n"
    return {f"{dag}.py": made.text, **{f"{dag}/{name}": text for name, text in sorted(inner.items())}}


def _compiles(dag: str, text: str) -> None:
    """The last net: what is written is Python."""
    try:
        compile(text, f"{dag}.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise refuse(
            NOWHERE,
            f"the DAG file of {dag} would not be Python ({error}).",
            "This is a mistake in kubenb: please report it.",
            "export.not-python",
        ) from error
