"""`python -m bench [part …] [--slow]`: measures, prints the table, and ends with 1 if a bar is missed."""

from __future__ import annotations

import argparse
from importlib import import_module

from bench.measure import Row, Rows

PARTS = ("magic", "measuring", "writing", "reading", "inside", "data", "dags", "asking", "pods", "size")


def rows(part: str, slow: bool) -> Rows:
    """The rows of one part, each measured when it is asked for."""
    found: Rows = import_module(f"bench.{part}").rows(slow)
    return found


def amount(value: float, unit: str) -> str:
    """A value with its unit, in the size that reads best."""
    if unit != "s":
        return f"{value:.0f} {unit}"
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.1f} ms" if value >= 1e-3 else f"{value * 1e6:.0f} us"


def line(row: Row) -> str:
    """A row as a line of the table."""
    mark = {True: "met", False: "MISSED", None: ""}[row.met]
    bar = "" if row.bar is None else f"<= {row.bar:.3g}x"
    ours, floor = amount(row.ours, row.unit), amount(row.floor, row.unit)
    note = f"  ({row.note})" if row.note else ""
    return f"{row.path:52} {ours:>9} {row.ratio:8.3g}x {bar:>9} {mark:7} {floor:>9} {row.floor_name}{note}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"some of: {', '.join(PARTS)} (all unless named)")
    parser.add_argument("--slow", action="store_true", help="also what takes minutes: plain papermill over 1,000 cells")
    options = parser.parse_args()
    print(f"{'CPU, medians':52} {'ours':>9} {'ratio':>9} {'bar':>9} {'':7} {'floor':>9}")
    missed = 0
    for part in options.parts or PARTS:
        for row in rows(part, options.slow):
            print(line(row), flush=True)
            missed += row.met is False
    print(f"{missed} missed" if missed else "all bars met")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
