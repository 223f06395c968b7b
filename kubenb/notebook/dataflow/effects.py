"""What calls do to their receiver and arguments, as far as a name alone tells: the tables of methods and built-ins.

In: a method's or function's name. Out: bits that `replay` applies. A method that is not here is taken as pure where its
result is used, and as changing its receiver where the result is dropped. To teach kubenb a call: one word in
a table here, or in `libraries`.
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
QUIET = 524288  # does not call the functions that are handed over
DECORATES = 1048576  # the call that a decorator line makes


def rows(*rows: tuple[int, str]) -> dict[str, int]:
    """A table of words with their bits."""
    table: dict[str, int] = {}
    for effect, words in rows:
        for word in words.split():
            table[word] = effect
    return table


METHODS = rows(
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
        " exists is_file is_dir glob iterdir read_text read_bytes write_text write_bytes mkdir unlink touch"
        " run_until_complete run_forever",
    ),
)

BUILTINS = rows(
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

PLAIN = frozenset(
    [
        "count",
        "index",
        "isdisjoint",
        "issubset",
        "issuperset",
        "upper",
        "lower",
        "strip",
        "title",
        "startswith",
        "endswith",
    ]
)
"""Methods that give a number or a text where a list, a dict or a text has them."""

SCALARS = frozenset(name for name, effect in BUILTINS.items() if effect & SCALAR)

RANDOM_STATES = frozenset({"random_state", "seed", "rng", "random_seed", "generator"})
