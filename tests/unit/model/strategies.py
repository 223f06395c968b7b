"""Hypothesis strategies for the values of every kind: made from Kubernetes' and Airflow's rules, not from our parsers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from kubenb.model.options import Option
from kubenb.model.values import Affinity, BadValue, FanOut, Gpu, KeyValue, Projection, SecretKey, Toleration, Volume

# A busy machine draws its first values slowly; that is no fault of the code under test.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

LABEL = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
SUBDOMAIN = st.lists(LABEL, min_size=1, max_size=3).map(".".join)
ENV = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True).filter(
    lambda name: not name.upper().startswith("KUBENB_")
)
QUALIFIED = st.from_regex(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,20}[A-Za-z0-9])?", fullmatch=True)
KEY = st.one_of(QUALIFIED, st.builds("{}/{}".format, SUBDOMAIN, QUALIFIED))
LABEL_VALUE = st.one_of(st.just(""), QUALIFIED)
FOLDER = st.lists(st.sampled_from(["data", "a", "run-1", "x.y", "Ünï"]), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)
OBJECT_KEY = st.from_regex(r"[A-Za-z0-9][-._A-Za-z0-9]{0,12}", fullmatch=True)
NAME = st.sampled_from(["model", "rates", "df", "x1", "größe", "_hidden", "match", "list"])
ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
TEXT = ANY.filter(lambda text: text.strip() != "")
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).filter(
    lambda text: text == text.strip() != ""
)
DURATION = st.sampled_from(["90s", "5m", "1h30m", "2d", "1d2h3m4s", "10h"])


def _affinities() -> st.SearchStrategy[Affinity]:
    weight = st.one_of(st.none(), st.integers(1, 100))
    values = st.lists(QUALIFIED, min_size=1, max_size=3).map(tuple)
    listed = st.tuples(st.sampled_from(["In", "NotIn"]), values)
    bare = st.tuples(st.sampled_from(["Exists", "DoesNotExist"]), st.just(()))
    compared = st.tuples(st.sampled_from(["Gt", "Lt"]), st.integers(-9, 99).map(lambda number: (str(number),)))
    node = st.builds(
        lambda key, term, heavy: Affinity("node", key, term[0], term[1], heavy),
        KEY,
        st.one_of(listed, bare, compared),
        weight,
    )
    pod = st.builds(
        lambda key, term, heavy, anti, topology: Affinity("pod", key, term[0], term[1], heavy, anti, topology),
        KEY, st.one_of(listed, bare), weight, st.booleans(), KEY,
    )  # fmt: skip
    return st.one_of(node, pod)


def _volumes() -> st.SearchStrategy[Volume]:
    sub = st.one_of(st.none(), st.sampled_from(["raw", "a/b", "x=1"]))
    named = st.builds(Volume, st.sampled_from(["pvc", "secret", "configmap"]), SUBDOMAIN, FOLDER, sub, st.booleans())
    return st.one_of(named, st.builds(Volume, st.just("emptydir"), st.sampled_from(["", "1Gi", "512Mi"]), FOLDER))


def _tolerations() -> st.SearchStrategy[Toleration]:
    effect: Any = st.one_of(st.none(), st.sampled_from(["NoSchedule", "PreferNoSchedule"]))
    value = st.one_of(st.none(), LABEL_VALUE)
    timed: Any = st.builds(Toleration, KEY, value, st.just("NoExecute"), st.one_of(st.none(), st.integers(0, 9999)))
    found: Any = st.one_of(
        st.builds(Toleration, KEY, value, effect), timed, st.builds(Toleration, st.just("*"), st.none(), effect)
    )
    return found  # type: ignore[no-any-return]


CORES = st.one_of(
    st.integers(1, 999_000).map("{}m".format), st.integers(1, 999).map(str), st.just("1.5"), st.just("2e1")
)
BYTES = st.builds("{}{}".format, st.integers(1, 999), st.sampled_from(["Mi", "Gi", "Ti", "G", "e9"]))

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "cpu": CORES,
    "bytes": BYTES,
    "cpu or auto": st.one_of(CORES, st.just("auto")),
    "bytes or auto": st.one_of(BYTES, st.just("auto")),
    "gpu": st.builds(Gpu, st.integers(1, 8), st.sampled_from(["nvidia.com/gpu", "amd.com/gpu"])),
    "image": st.sampled_from(
        ["python:3.11-slim", "a", "reg.io:5000/team/x_y:1", "a/b@sha256:" + "0" * 64, "localhost/a:V1.2"]
    ),
    "dns": LABEL,
    "dns-subdomain": SUBDOMAIN,
    "env": st.builds(KeyValue, ENV, ANY),
    "annotation": st.builds(KeyValue, KEY, ANY),
    "label": st.builds(KeyValue, KEY, LABEL_VALUE),
    "param": st.builds(KeyValue, st.sampled_from(["day", "year", "größe"]), ANY),
    "projection": st.one_of(
        st.builds(Projection, SUBDOMAIN, st.one_of(st.none(), OBJECT_KEY), ENV),
        st.builds(Projection, SUBDOMAIN, st.one_of(st.none(), OBJECT_KEY), st.none(), FOLDER),
    ),
    "secret-key": st.builds(SecretKey, SUBDOMAIN, OBJECT_KEY),
    "volume": _volumes(),
    "toleration": _tolerations(),
    "affinity": _affinities(),
    "count": st.integers(0, 10_000),
    "positive": st.integers(1, 10_000),
    "integer": st.integers(-10_000, 10_000),
    "task": st.sampled_from(["train", "load_1", "Extract-all", "a"]),
    "variable": NAME,
    "tag": LINE.filter(lambda text: "," not in text),
    "store": st.sampled_from(
        ["xcom", "gs://bucket/kubenb", "s3://b", "pvc:data/sub", "/mnt/store", "out dir", "abs://c/x"]
    ),
    "duration": DURATION,
    "text": TEXT,
    "yaml": st.one_of(TEXT, st.just("spec:\n  hostNetwork: false\n\n  x: 1")),
    "flag": st.booleans(),
    "fan-out": st.builds(
        FanOut, NAME, st.sampled_from(["[1, 2, 3]", "range(12)", "airports", "['a # b', \"c\"]", "(1,\n 2)"])
    ),
    "item-resources": st.just('[{"memory": "1Gi"}, {"cpu": "2"}]'),
    "dag-id": st.sampled_from(["flights", "team.flights-2", "Delay_Model"]),
    "schedule": st.sampled_from(["@daily", "0 6 * * 1-5", "6h", "none", "asset:prices", "s3://b/x, asset:y"]),
    "date": st.sampled_from(["2026-01-31", "2026-01-31T06:00:00"]),
    "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
    "dotted": st.sampled_from(["alerts.page", "a.b.c"]),
}


def values(option: Option) -> st.SearchStrategy[Any]:
    """One value of an option (not yet a tuple where it repeats)."""
    return st.sampled_from(option.choices) if option.choices else VALUES[option.kind]


def outcome(parse: Callable[..., Any], *arguments: Any) -> Any:
    """What a parser gives, or the BadValue that it raises."""
    try:
        return parse(*arguments)
    except BadValue as bad:
        return bad
