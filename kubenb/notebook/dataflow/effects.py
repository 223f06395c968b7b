"""What calls do to their receiver and arguments, as far as a name alone tells: the tables of methods, built-ins and libraries.

In: a method's or function's name. Out: bits that `forward` applies. A method that is not here is taken as pure where its
result is used, and as changing its receiver where the result is dropped. To teach kubenb a call: one word in a table here.
"""

from __future__ import annotations

RECV = 1  # changes the receiver itself
RECV_DEEP = 2  # changes anything the receiver holds
KEEP = 4  # arguments become part of the receiver
KEEP_DEEP = 8  # what the arguments hold becomes part of the receiver
OF_RECV = 16  # gives something the receiver holds
HOLDS = 32  # gives something new that holds the arguments
HOLDS_DEEP = 64  # gives something new that holds what the arguments hold
OF_ARGS = 128  # gives an argument, or something it holds
ARG0 = 256  # changes its first argument
ARGS = 512  # changes all its arguments
KEEP0 = 1024  # the other arguments become part of the first
HOLDS_RECV = 2048  # gives something new that holds what the receiver holds
STREAM = 4096  # gives something that is used up by reading it
SCALAR = 8192  # gives a number, text or the like
KNOWN = 16384  # nothing of the above: known to change nothing
GENERATOR = 32768  # gives a random generator: every later use changes it
SEEDED = 65536  # has a random state of its own
PART = 131072  # gives something that an argument holds
PAIRS = 262144  # what it gives holds tuples of those


def _rows(*rows: tuple[int, str]) -> dict[str, int]:
    table: dict[str, int] = {}
    for effect, words in rows:
        for word in words.split():
            table[word] = effect
    return table


METHODS = _rows(
    (RECV | KEEP, "append add insert appendleft put put_nowait push __setitem__ __setattr__ register"),
    (RECV | KEEP_DEEP, "extend extendleft update __iadd__ __ior__"),
    (RECV | HOLDS_RECV | OF_RECV, "popitem"),
    (RECV | OF_RECV, "pop popleft get_nowait __next__"),
    (RECV | KEEP | OF_RECV, "setdefault"),
    (
        RECV,
        "clear remove discard sort reverse rotate difference_update intersection_update symmetric_difference_update"
        " move_to_end subtract write writelines writerow writerows seek truncate close flush read readline readlines"
        " __delitem__ __delattr__ fill itemset partition setflags put resize byteswap"
        " seed shuffle permutation normal uniform randint integers standard_normal randrange randbytes getrandbits"
        " normalvariate gauss betavariate expovariate lognormal poisson binomial exponential multivariate_normal",
    ),
    (
        RECV_DEEP,
        "fit_transform fit_predict fit_resample fine_tune train_on_batch step zero_grad backward load_state_dict",
    ),
    (RECV_DEEP | OF_RECV, "fit partial_fit set_params compile requires_grad_ eval train to_ cuda_ build warm_start"),
    (
        OF_RECV,
        "get view reshape ravel swapaxes transpose squeeze __getitem__ to_numpy diagonal iter_rows getfield",
    ),
    (OF_RECV | STREAM, "__iter__"),
    (HOLDS_RECV | PAIRS, "items most_common"),
    (HOLDS_RECV, "copy values keys elements fromkeys union intersection difference symmetric_difference"),
    (HOLDS_RECV | STREAM | PAIRS, "iterrows itertuples iteritems"),
    (
        KNOWN,
        "head tail describe info sample groupby agg aggregate mean sum min max count nunique value_counts plot hist boxplot show"
        " to_csv to_parquet to_json to_excel to_html to_markdown to_string to_dict to_sql to_pickle to_latex savefig print"
        " display predict predict_proba score transform isna isnull notna dtypes corr cov median std var quantile unique any all"
        " sort_values reset_index set_index merge join pivot pivot_table melt query eval_ assign round astype apply map"
        " drop drop_duplicates dropna fillna rename replace filter pipe where index find startswith endswith lower upper strip"
        " split format encode decode is_integer hex tolist tobytes tofile cumsum cumprod argmax argmin argsort nonzero dot"
        " debug info warning error critical exception log item memory_usage nlargest nsmallest shift diff rolling resample"
        " isin between clip interpolate first last ffill bfill explode stack unstack get_params isdisjoint issubset issuperset"
        " exists is_file is_dir glob iterdir read_text read_bytes write_text write_bytes mkdir unlink touch",
    ),
)

BUILTINS = _rows(
    (
        KNOWN | SCALAR,
        "print len str int float bool complex bytes repr format ascii abs round pow divmod hash id isinstance issubclass callable ord"
        " chr hex bin oct any all range input hasattr type display help dir exit quit",
    ),
    (PART, "max min"),
    (OF_ARGS, "getattr vars"),
    (ARG0 | PART, "next"),
    (ARG0 | KEEP0, "setattr"),
    (ARG0, "delattr"),
    (KNOWN, "sum"),
    (HOLDS_DEEP, "list tuple set frozenset dict sorted slice bytearray memoryview"),
    (HOLDS_DEEP | STREAM, "iter reversed map filter"),
    (HOLDS_DEEP | STREAM | PAIRS, "zip enumerate"),
    (HOLDS, "property staticmethod classmethod super object"),
    (STREAM, "open"),
)

SCALARS = frozenset(name for name, effect in BUILTINS.items() if effect & SCALAR)

# dotted names as the libraries have them, after the import's own name is put in
LIBRARY = _rows(
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
        " typing.cast operator.getitem copy.replace pandas.DataFrame pandas.Series numpy.moveaxis",
    ),
    (
        HOLDS_DEEP,
        "copy.copy functools.reduce collections.deque collections.OrderedDict collections.defaultdict collections.ChainMap"
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
    (HOLDS, "dict.fromkeys functools.partial functools.lru_cache functools.cache functools.wraps weakref.ref"),
    (HOLDS, "sklearn.pipeline.make_pipeline sklearn.compose.make_column_transformer sklearn.pipeline.make_union"),
    (
        GENERATOR,
        "random.Random random.SystemRandom numpy.random.default_rng numpy.random.RandomState numpy.random.Generator",
    ),
)

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
RANDOM_STATES = frozenset({"random_state", "seed", "rng", "random_seed", "generator"})
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

NOT_REPEATABLE = frozenset(
    [
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        "datetime.date.today",
        "time.time",
        "time.time_ns",
        "time.perf_counter",
        "time.monotonic",
        "time.localtime",
        "time.gmtime",
        "time.strftime",
        "time.ctime",
        "uuid.uuid1",
        "uuid.uuid4",
        "os.urandom",
        "os.getpid",
        "secrets.token_hex",
        "secrets.token_bytes",
        "secrets.token_urlsafe",
        "secrets.choice",
        "secrets.randbelow",
        "secrets.randbits",
        "tempfile.mkdtemp",
        "tempfile.mkstemp",
        "tempfile.NamedTemporaryFile",
        "pandas.Timestamp.now",
        "pandas.Timestamp.today",
        "pandas.Timestamp.utcnow",
        "time.process_time",
    ]
)

SETUP_WORDS = (
    "set", "use", "seed", "config", "basicConfig", "register", "enable", "disable", "filter", "simplefilter", "init", "install",
    "manual_seed", "rc", "add", "insert", "append", "extend", "update", "reset", "unset", "put", "make", "option", "login", "monkey",
    "patch", "activate", "tight", "capture", "chdir", "mkdir", "freeze",
)  # fmt: skip
NOT_SETUP = frozenset({"set_title", "set_xlabel", "set_ylabel", "tight_layout", "make_blobs", "make_classification"})
SHOWN_ONLY = frozenset(
    [
        "time.sleep",
        "gc.collect",
        "pprint.pprint",
        "os.listdir",
        "os.getcwd",
        "logging.info",
        "logging.debug",
        "logging.warning",
        "logging.error",
        "time.time",
        "logging.exception",
        "logging.critical",
        "json.dumps",
        "sys.getsizeof",
        "os.path.exists",
        "help",
        "calendar.prmonth",
        "random.random",
        "random.randint",
    ]
)
FAMILIES = {"seaborn": "matplotlib", "pandas": "matplotlib", "mpl_toolkits": "matplotlib", "pylab": "matplotlib"}

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


CONFIGURE = frozenset(
    [
        "asyncio", "csv", "decimal", "faulthandler", "gc", "locale", "logging", "mimetypes", "multiprocessing", "random",
        "resource", "signal", "socket", "sys", "time", "warnings",
    ]
)  # fmt: skip


def is_firm(dotted: str) -> bool:
    """Whether a dropped call configures for certain: such a line of a task's body holds for later tasks as well."""
    package, last = dotted.partition(".")[0], dotted.rpartition(".")[2]
    known = package in CONFIGURE or dotted.startswith(
        ("os.environ.", "os.chdir", "os.umask", "os.putenv", "os.unsetenv")
    )
    return known or last.startswith(SETUP_WORDS)


def is_setup(dotted: str, standard: bool) -> bool:
    """Whether a dropped library call configures something (taken along) rather than shows or draws (left out)."""
    if dotted in SHOWN_ONLY:
        return False
    last = dotted.rpartition(".")[2]
    if standard:
        return not last.startswith(("print", "get", "list", "show"))
    return last.startswith(SETUP_WORDS) and last not in NOT_SETUP
