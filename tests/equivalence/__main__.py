"""`python -m tests.equivalence -n 20000 [--seed 0] [--jobs 2]`: a long search, with small counterexamples."""

from __future__ import annotations

import argparse
import multiprocessing
import time
import warnings
from collections import Counter
from functools import partial

from tests.equivalence.author import random_recipe, write
from tests.equivalence.forks import DiedError, in_fork
from tests.equivalence.judge import Verdict, judge
from tests.equivalence.share import show
from tests.equivalence.shrink import shrink


def one(seed: int) -> tuple[int, Verdict]:
    """The verdict on the notebook of a seed."""
    warnings.simplefilter("ignore")
    try:
        return seed, judge(in_fork(partial(write, random_recipe(seed))))
    except DiedError as died:
        return seed, Verdict("invalid", "not written", str(died))


def main() -> int:
    """Runs the search; 1 if anything differed."""
    parser = argparse.ArgumentParser(prog="python -m tests.equivalence", description=__doc__)
    parser.add_argument("-n", type=int, default=2000, help="how many notebooks")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--show", type=int, default=3, help="how many counterexamples to make small and print")
    parser.add_argument("--refused", metavar="CODE", help="make small and print refusals with this code instead")
    options = parser.parse_args()
    counts: Counter[tuple[str, str]] = Counter()
    found: list[tuple[int, Verdict]] = []
    start = time.monotonic()
    with multiprocessing.Pool(options.jobs) as pool:
        for seed, verdict in pool.imap_unordered(one, range(options.seed, options.seed + options.n), chunksize=8):
            counts[verdict.kind, verdict.code] += 1
            wanted = verdict.code == options.refused if options.refused else verdict.kind == "different"
            if wanted:
                found.append((seed, verdict))
    print(f"{options.n} notebooks in {time.monotonic() - start:.0f} s")
    show(counts)
    for seed, verdict in sorted(found)[: options.show]:
        small = shrink(in_fork(partial(write, random_recipe(seed))), verdict)
        print(f"\n{'=' * 20} seed {seed}: {verdict.kind}, {verdict.code}\n{small}\n{'-' * 20}\n{judge(small).detail}")
    if found:
        for seed, verdict in sorted(found)[: options.show * 4]:
            print(f"seed {seed}: {verdict.code}: {verdict.detail.splitlines()[-1] if verdict.detail else ''}")
        print("seeds:", *(seed for seed, _ in sorted(found)[:60]))
    return any(kind == "different" for kind, _ in counts)


if __name__ == "__main__":
    raise SystemExit(main())
