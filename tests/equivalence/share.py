"""How many notebooks were equal, refused and different, by code: printed after every search."""

from __future__ import annotations

from collections import Counter


def percent(count: int, of: int) -> str:
    """A count with its share."""
    return f"{count:6d}  {100 * count / max(of, 1):5.1f} %"


def show(counts: Counter[tuple[str, str]]) -> None:
    """Prints the shares; `counts` is by (kind, code)."""
    judged = sum(count for (kind, _), count in counts.items() if kind != "invalid")
    for kind in ("equal", "refused", "different"):
        codes = {code: count for (found, code), count in counts.items() if found == kind}
        print(f"{kind:10} {percent(sum(codes.values()), judged)}")
        for code, count in sorted(codes.items(), key=lambda pair: -pair[1]):
            if code:
                print(f"    {code:34} {percent(count, judged)}")
    print(f"not counted: {sum(counts.values()) - judged} that raise when run top to bottom")
