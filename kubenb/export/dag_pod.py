"""How the DAG file makes its pods: what they share as JSON beside it, and the few functions that put a task together
at parse.

In: the tasks' manifests. Out: each cut into operator arguments and a rest; `operator.json` (notebook tasks) and
`container.json` (container tasks); the functions' text. What a merge can't say (a raw patch that takes something away)
gets a file of its own, `<task>.operator.json`. Next room: `dag_task` writes the operators.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from kubenb.export.literal import inline, quote
from kubenb.export.manifest import DIGEST, patched, skeleton
from kubenb.export.payload import LARGE
from kubenb.export.split import Part, arguments, over, rest, shared, template
from kubenb.model.pipeline import Pipeline, Plan, Task

NOTEBOOK, CONTAINER = "operator.json", "container.json"
SHARED = (
    "image",
    "namespace",
    "service_account_name",
    "labels",
    "env_vars",
    "node_selector",
    "tolerations",
    "affinity",
    "active_deadline_seconds",
    "execution_timeout",
)

NEEDED = ("image", "active_deadline_seconds", "execution_timeout")  # no pod is made without them


@dataclass
class Cut:
    """One task: the operator's `arguments`, and the `pod` that is left without them, which the JSON `file` and `more` on top of it
    give again.
    """

    plan: Plan
    arguments: Part
    pod: Part
    file: str
    more: Part = field(default_factory=dict)


def cut_all(pipeline: Pipeline) -> tuple[list[Cut], dict[str, Part]]:
    """Every task cut, and the JSON files that they start from."""
    cuts = [_cut(pipeline, plan) for plan in pipeline.plans]
    files: dict[str, Part] = {}
    for file in (NOTEBOOK, CONTAINER):
        pods = [cut.pod for cut in cuts if cut.file == file and not cut.plan.task.options.pod]
        patched_pods = [cut.pod for cut in cuts if cut.file == file and cut.plan.task.options.pod]
        if not pods and not patched_pods:
            continue
        base = shared(pods, patched_pods, plain(pipeline, file == CONTAINER).pod)
        files[file] = base
        for cut in cuts:
            if cut.file == file:
                cut.more = rest(cut.pod, base)
                # without a patch, pods differ only by what they add
                if cut.plan.task.options.pod and not _fits(base, cut):
                    cut.file, cut.more = f"{cut.plan.task.name}.operator.json", {}
                    files[cut.file] = cut.pod
    return cuts, files


def plain(pipeline: Pipeline, container: bool = False) -> Cut:
    """A task that says nothing itself: it has what `%k8s_dag` and the settings give all tasks, and kubenb's defaults."""
    return _cut(pipeline, Plan(Task("", pipeline.defaults, "container" if container else "cell")))


def _cut(pipeline: Pipeline, plan: Plan) -> Cut:
    container = plan.task.kind == "container"
    pod = patched(skeleton(pipeline, plan), plan.task.options)
    pod["metadata"].pop("name", None)
    base = pod["spec"]["containers"][0]
    base["env"] = [item for item in base.get("env", []) if item["name"] != "KUBENB_TASK"]
    found = arguments(pod, plan.task.options, container)
    return Cut(plan, found, template(pod), CONTAINER if container else NOTEBOOK)


def _fits(base: Part, cut: Cut) -> bool:
    """Whether the base and the rest, laid over each other as the DAG file does it, give the pod again."""
    made = json.loads(json.dumps(base))
    metadata, container, spec = layers(cut.more)
    over(made["metadata"], metadata)
    over(made["spec"]["containers"][0], container)
    over(made["spec"], spec)
    return bool(_sorted(made) == _sorted(cut.pod))


def layers(more: Part) -> tuple[Part, Part, Part]:
    """The rest of a pod as the DAG file says it: metadata, the task's container, and all else of the spec."""
    spec = dict(more.get("spec", {}))
    first, *others = spec.pop("containers", [{}])
    return more.get("metadata", {}), first, {**spec, **({"containers": others} if others else {})}


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=_inline)


def _inline(value: object) -> str:
    return inline(value)


def _sorted(value: Any) -> Any:
    """With lists of named things in one order: Kubernetes does not care for it."""
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [_sorted(item) for item in value]
        return (
            sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
            if all(isinstance(item, dict) for item in items)
            else items
        )
    return value


def take_shared(cuts: list[Cut], start: Cut) -> Part:
    """Arguments that all tasks have go to `default_args`, the others keep theirs: the value that all have, else that of
    `start` (a task that says nothing itself), else the one most of them have.
    """
    found: Part = {}
    for name in SHARED if len(cuts) > 1 else NEEDED:
        if not all(name in cut.arguments for cut in cuts):
            continue
        texts = [_text(cut.arguments[name]) for cut in cuts]
        text, count = Counter(texts).most_common(1)[0]
        default = start.arguments.get(name)
        if count < len(cuts) and default is not None and (name in NEEDED or _text(default) in texts):
            found[name], text = default, _text(default)
        elif count > 1 or len(cuts) == 1:
            found[name] = cuts[texts.index(text)].arguments[name]
        for cut, mine in zip(cuts, texts, strict=True):
            if name in found and mine == text:
                del cut.arguments[name]
    return found


_OVER = '''
def over(base, more):
    """Lays `more` over `base`: mappings merge, lists grow, other values replace."""
    for key, value in dict(more).items():
        if isinstance(value, dict) and key in base:
            over(base[key], value)
        else:
            base[key] = base.get(key, []) + value if isinstance(value, list) else value
'''
_TASK = '''
def task(task_id, file, env, cpu=None, memory=None, metadata=(), spec=(), container=()):
    """A task's arguments: a file of the folder, and what is said on top of its pod."""
    made = json.loads((HERE / file).read_bytes())
    pod = made["pod_template_dict"]
    base = pod["spec"]["containers"][0]
    env = {"KUBENB_TASK": task_id, **env}
    over(base, {"env": [{"name": name, "value": env[name]} for name in env]})
    over(base, container)
    over(pod["metadata"], metadata)
    over(pod["spec"], spec)
    limits = {"memory": memory} if memory else {}
    requests = {"cpu": cpu, **limits} if cpu else limits
    if requests:
        made["container_resources"] = {"requests": requests, "limits": limits}
    return {"task_id": task_id, **made}
'''
_NOTEBOOK = '''
def notebook(task_id, file="operator.json", **more):
    """A notebook task's arguments: the notebook and the runtime travel as data."""
    text = (HERE / f"{task_id}.ipynb").read_bytes()
    digest = sha256(text).hexdigest()
    env = {"KUBENB_NOTEBOOK_SHA256": digest}
    carried = b64encode(text).decode()
    for name, data in (("KUBENB_NOTEBOOK", carried), ("KUBENB_RUNTIME", RUNTIME)):
        for n, at in enumerate(range(0, len(data), 120_000)):
            env[f"{name}_{n}" if n else name] = data[at : at + 120_000]
    made = task(task_id, file, env, **more)
    return {"annotations": {"kubenb/notebook-sha256": digest}, **made}
'''
_PLAIN = '''
def notebook(task_id, cpu=None, memory=None):
    """A task's arguments: operator.json, with the notebook and the runtime as data."""
    text = (HERE / f"{task_id}.ipynb").read_bytes()
    digest = sha256(text).hexdigest()
    env = {"KUBENB_TASK": task_id, "KUBENB_NOTEBOOK_SHA256": digest}
    carried = b64encode(text).decode()
    for name, data in (("KUBENB_NOTEBOOK", carried), ("KUBENB_RUNTIME", RUNTIME)):
        for n, at in enumerate(range(0, len(data), 120_000)):
            env[f"{name}_{n}" if n else name] = data[at : at + 120_000]
    made = json.loads((HERE / "operator.json").read_bytes())
    base = made["pod_template_dict"]["spec"]["containers"][0]
    base["env"] += [{"name": name, "value": env[name]} for name in env]
    limits = {"memory": memory} if memory else {}
    requests = {"cpu": cpu, **limits} if cpu else limits
    if requests:
        made["container_resources"] = {"requests": requests, "limits": limits}
    made["annotations"] = {"kubenb/notebook-sha256": digest}
    return {"task_id": task_id, **made}
'''
assert DIGEST in _PLAIN
assert DIGEST in _NOTEBOOK
_RUNTIME = 'RUNTIME = b64encode((HERE / "kubenb_runtime" / "bundle.txt").read_bytes()).decode()\n'


_ENCODE = "b64encode(text).decode()"
_COMPRESS = f"b64encode(bz2.compress(text) if len(text) > {LARGE:_} else text).decode()"


def functions(dag: str, cuts: list[Cut], large: bool = False) -> tuple[str, set[str]]:
    """The lines between the imports and the DAG, and the names that they need imported. `large`: a notebook is compressed."""
    head = f"HERE = Path(__file__).parent / {quote(dag)}\n"
    carries = any(cut.plan.task.kind != "container" for cut in cuts)
    alike = all(cut.file == NOTEBOOK and not cut.more for cut in cuts)
    made = [_PLAIN] if alike else [_OVER, _TASK, *([_NOTEBOOK] if carries else [])]
    needs = {"json", "Path", *(("b64encode", "sha256") if carries else ()), *(("bz2",) if large else ())}
    if large:
        made = [function.replace(_ENCODE, _COMPRESS) for function in made]
    return head + (_RUNTIME if carries else "") + "".join(f"\n{function}" for function in made), needs
