"""What is known of libraries: calls by their dotted name, random generators, what differs from run to run.

In: a dotted name as the library has it, after the import's own name is put in. Out: bits of `effects`, or a plain answer.
A call that is not here is taken as one that changes nothing it is given where its result is used.
"""

from __future__ import annotations

import re

from kubenb.notebook.dataflow.effects import (
    ARG0,
    GENERATOR,
    HOLDS,
    HOLDS_DEEP,
    KEEP0,
    KNOWN,
    OF_ARGS,
    PAIRS,
    QUIET,
    SCALAR,
    STREAM,
    rows,
)

CALLS = rows(
    (
        SCALAR,
        "random.random random.randint random.uniform random.randrange random.gauss random.getrandbits"
        " time.time time.perf_counter time.monotonic",
    ),
    (
        ARG0 | KEEP0,
        "heapq.heappush bisect.insort bisect.insort_left bisect.insort_right operator.setitem list.append set.add deque.append",
    ),
    (ARG0 | KEEP0 | OF_ARGS, "heapq.heappushpop heapq.heapreplace"),
    (
        ARG0 | OF_ARGS,
        "heapq.heappop operator.iadd operator.ior operator.iconcat collections.deque.popleft list.pop dict.pop",
    ),
    (
        ARG0,
        "random.shuffle numpy.random.shuffle numpy.put numpy.place numpy.copyto numpy.fill_diagonal numpy.putmask numpy.put_along_axis"
        " numpy.add.at numpy.subtract.at heapq.heapify operator.delitem list.sort list.clear list.reverse dict.clear"
        " torch.nn.init.xavier_uniform_ torch.nn.utils.clip_grad_norm_",
    ),
    (
        OF_ARGS,
        "numpy.asarray numpy.asanyarray numpy.ascontiguousarray numpy.atleast_1d numpy.atleast_2d numpy.ravel numpy.reshape numpy.squeeze"
        " numpy.transpose numpy.broadcast_to numpy.expand_dims numpy.array_split numpy.split torch.as_tensor torch.from_numpy"
        " numpy.nditer numpy.broadcast_arrays numpy.lib.stride_tricks.as_strided numpy.frombuffer numpy.moveaxis functools.reduce"
        " typing.cast operator.getitem copy.replace pandas.DataFrame pandas.Series",
    ),
    (
        HOLDS_DEEP,
        "copy.copy collections.deque collections.OrderedDict collections.defaultdict collections.ChainMap"
        " dataclasses.replace collections.UserDict collections.UserList dataclasses.asdict heapq.nlargest heapq.nsmallest"
        " heapq.merge",
    ),
    (
        HOLDS_DEEP | STREAM | PAIRS,
        "itertools.chain itertools.cycle itertools.islice itertools.zip_longest itertools.product itertools.combinations"
        " itertools.permutations itertools.groupby itertools.accumulate itertools.starmap itertools.takewhile itertools.dropwhile"
        " itertools.tee itertools.repeat itertools.chain.from_iterable itertools.pairwise csv.reader csv.DictReader itertools.count"
        " itertools.filterfalse itertools.compress itertools.batched",
    ),
    (
        KNOWN,
        "copy.deepcopy pickle.dumps pickle.loads json.dumps json.loads gc.collect time.sleep pprint.pprint numpy.copy numpy.array",
    ),
    (KNOWN, "pandas.concat pandas.merge pandas.read_csv pandas.read_parquet pandas.to_datetime pandas.get_dummies"),
    (SCALAR, "enum.auto"),
    (HOLDS, "dict.fromkeys weakref.ref numpy.vectorize numpy.frompyfunc"),
    (
        HOLDS | QUIET,
        "functools.partial functools.partialmethod functools.update_wrapper functools.singledispatch atexit.register",
    ),
    (HOLDS, "sklearn.pipeline.make_pipeline sklearn.compose.make_column_transformer sklearn.pipeline.make_union"),
    (
        GENERATOR,
        "random.Random random.SystemRandom numpy.random.default_rng numpy.random.RandomState numpy.random.Generator",
    ),
)

# decorators that give back what they decorate (or, called with options, give such a decorator)
SAME = frozenset(
    [
        "dataclasses.dataclass", "functools.total_ordering", "functools.wraps", "typing.final", "typing.overload", "typing.override",
        "typing.runtime_checkable", "abc.abstractmethod", "contextlib.contextmanager", "contextlib.asynccontextmanager", "enum.unique",
        "attr.s", "attrs.define", "attrs.frozen", "attrs.mutable", "pydantic.dataclasses.dataclass", "numba.njit", "numba.jit",
    ]
)  # fmt: skip
MEMO = frozenset({"functools.lru_cache", "functools.cache"})
FACTORIES = frozenset({"dataclasses.field", "attr.ib", "attrs.field", "pydantic.Field"})
SUBPLOTS, AXES = "matplotlib.pyplot.subplots", "matplotlib.pyplot.axes"
ORIGINS = frozenset(
    {"functools.partial", SUBPLOTS, AXES, "matplotlib.pyplot.gca", "matplotlib.pyplot.subplot"}
)  # no store carries it
MODELS = frozenset({"sklearn", "xgboost", "lightgbm", "catboost"})  # their classes neither
DEFAULTS = frozenset({"collections.defaultdict"})

PLOTTING = frozenset(
    {"matplotlib", "seaborn", "plotly", "altair", "bokeh", "IPython", "rich", "tqdm", "tabulate", "logging", "pprint"}
)
PURE_LIBRARIES = PLOTTING | frozenset(
    [
        "numpy",
        "pandas",
        "scipy",
        "sklearn",
        "statsmodels",
        "math",
        "statistics",
        "json",
        "re",
        "os",
        "sys",
        "pathlib",
        "datetime",
        "time",
        "collections",
        "itertools",
        "functools",
        "string",
        "textwrap",
        "warnings",
        "random",
        "polars",
        "pyarrow",
        "requests",
        "urllib",
        "hashlib",
        "base64",
        "uuid",
        "platform",
        "typing",
        "shutil",
        "glob",
    ]
)

# attribute chains that draw from a global generator
SEEDS = {
    "random.seed": "<random>",
    "random.setstate": "<random>",
    "numpy.random.seed": "<numpy.random>",
    "numpy.random.set_state": "<numpy.random>",
}
_OWN_STATE = frozenset(
    [
        "default_rng",
        "RandomState",
        "Generator",
        "SeedSequence",
        "PCG64",
        "MT19937",
        "Philox",
        "SFC64",
        "BitGenerator",
        "seed",
        "set_state",
    ]
)
_RANDOM_OWN = frozenset(["Random", "SystemRandom", "seed", "setstate", "getstate"])
NUMPY_DRAWERS = frozenset(
    [
        "train_test_split",
        "shuffle",
        "resample",
        "cross_val_score",
        "cross_validate",
        "cross_val_predict",
        "make_classification",
        "make_regression",
        "make_blobs",
        "make_moons",
        "make_circles",
        "sample",
        "permutation_importance",
        "rvs",
        "fit",
        "fit_transform",
        "fit_predict",
        "kneighbors_graph",
    ]
)
STEADY = frozenset(
    [
        "LinearRegression",
        "Ridge",
        "Lasso",
        "ElasticNet",
        "LogisticRegression",
        "StandardScaler",
        "MinMaxScaler",
        "RobustScaler",
        "MaxAbsScaler",
        "OneHotEncoder",
        "OrdinalEncoder",
        "LabelEncoder",
        "LabelBinarizer",
        "SimpleImputer",
        "PolynomialFeatures",
        "GaussianNB",
        "MultinomialNB",
        "BernoulliNB",
        "ComplementNB",
        "KNeighborsClassifier",
        "KNeighborsRegressor",
        "NearestNeighbors",
        "DBSCAN",
        "AgglomerativeClustering",
        "Pipeline",
        "ColumnTransformer",
        "CountVectorizer",
        "TfidfVectorizer",
        "TfidfTransformer",
        "FunctionTransformer",
        "Normalizer",
        "Binarizer",
        "KBinsDiscretizer",
        "IsotonicRegression",
        "HuberRegressor",
        "BayesianRidge",
        "ARDRegression",
        "LinearDiscriminantAnalysis",
        "QuadraticDiscriminantAnalysis",
        "GaussianProcessRegressor",
        "DictVectorizer",
        "PowerTransformer",
        "SelectKBest",
        "VarianceThreshold",
        "TargetEncoder",
        "DecisionTreeClassifier_",
    ]
)

# library calls that draw from numpy's own generator for certain, and the estimators that do so when they are fitted
_ROLLS = frozenset(
    [
        "train_test_split", "shuffle", "resample", "make_classification", "make_regression", "make_blobs", "make_moons", "make_circles",
        "permutation_importance", "make_low_rank_matrix", "make_friedman1", "make_sparse_uncorrelated",
    ]
)  # fmt: skip
_ROLLING = re.compile(
    r"(MiniBatch|Bisecting)?KMeans|RandomForest|ExtraTree|DecisionTree|GradientBoosting|MLP|SGD|Perceptron|PassiveAggressive|TSNE|Spectral"
    r"|GaussianMixture|BayesianGaussianMixture|IsolationForest|AdaBoost|Bagging|RandomizedSearchCV|LatentDirichlet|TruncatedSVD|FastICA"
    r"|RBFSampler|Nystroem|RandomTrees|GaussianRandomProjection|SparseRandomProjection|LinearSVC|MDS$|UMAP$|ShuffleSplit|Dummy"
)


def rolls(dotted: str) -> bool:
    """Whether a call without a random state draws random numbers for certain.

    >>> rolls("sklearn.model_selection.train_test_split"), rolls("sklearn.model_selection.cross_val_score")
    (True, False)
    """
    top, last = dotted.partition(".")[0], dotted.rpartition(".")[2]
    return (top == "sklearn" and last in _ROLLS) or (top == "scipy" and last in ("rvs", "resample"))


def rolling(dotted: str) -> bool:
    """Whether an estimator draws random numbers when it is fitted, unless it has a state of its own."""
    return dotted.partition(".")[0] in ("sklearn", "umap") and _ROLLING.match(dotted.rpartition(".")[2]) is not None


_MOMENTS = frozenset(
    ["time.localtime", "time.gmtime", "time.ctime", "time.asctime"]
)  # of now, if they are not told when
_TIMELESS = frozenset(
    ["time.sleep", "time.strptime", "time.mktime", "time.struct_time", "time.tzset", *_MOMENTS, "time.strftime"]
)
_ONCE = frozenset(
    [
        "uuid.uuid1", "uuid.uuid4", "os.urandom", "os.getpid", "os.getppid", "os.times", "os.getloadavg", "threading.get_ident",
        "threading.get_native_id", "random.SystemRandom", "os.getrandom",
    ]
)  # fmt: skip
_GENERATORS = frozenset(
    [
        "random.Random",
        "numpy.random.default_rng",
        "numpy.random.RandomState",
        "numpy.random.SeedSequence",
        "numpy.random.PCG64",
    ]
)


def varies(dotted: str, given: int) -> bool:
    """Whether a call gives another value each time; `given`: how many arguments it has.

    >>> varies("datetime.datetime.now", 0), varies("time.gmtime", 1), varies("random.Random", 0)
    (True, False, True)
    """
    top, last = dotted.partition(".")[0], dotted.rpartition(".")[2]
    if dotted in _ONCE or last in ("now", "utcnow", "today"):
        return True
    if top == "time":
        return dotted not in _TIMELESS or (dotted in _MOMENTS and not given) or (last == "strftime" and given < 2)
    if top == "tempfile":
        return last.startswith("mk") or "Temporary" in last
    return (top == "secrets" and last != "compare_digest") or (dotted in _GENERATORS and not given)


CLASS_MAKERS = frozenset(
    [
        "collections.namedtuple",
        "typing.NamedTuple",
        "typing.TypeVar",
        "typing.NewType",
        "typing.TypedDict",
        "dataclasses.make_dataclass",
        "enum.Enum",
        "enum.IntEnum",
        "enum.Flag",
        "enum.IntFlag",
        "typing.ParamSpec",
    ]
)


def draws_from(dotted: str) -> str:
    """The hidden variable that a library call draws from: '<random>', '<numpy.random>' or ''.

    >>> draws_from("numpy.random.normal"), draws_from("random.Random")
    ('<numpy.random>', '')
    """
    if dotted.startswith("numpy.random.") and dotted[13:].partition(".")[0] not in _OWN_STATE:
        return "<numpy.random>"
    if dotted.startswith("random.") and dotted[7:].partition(".")[0] not in _RANDOM_OWN:
        return "<random>"
    return ""
