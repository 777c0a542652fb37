"""`python -m tests.support.simulation`: many seeds and their totals, or one seed and all that happened in it."""

import argparse
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.support.simulation.seeds import live_all, told, trace


def main() -> int:
    """Give 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="make test-simulation ARGS=…", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20_000, help="seeds to live through (default: 20000)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (default: 0)")
    parser.add_argument("--seed", type=int, help="live through this one, and print what happens")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        return _one(arguments.seed)
    processes = os.cpu_count() or 1
    parts = [
        range(arguments.first + number, arguments.first + arguments.seeds, processes) for number in range(processes)
    ]
    with ProcessPoolExecutor(processes) as pool:
        results = list(pool.map(live_all, parts))
    totals = sum((result.totals for result in results), Counter())
    failures = [failure for result in results for failure in result.failures]
    print(f"{arguments.seeds:,} seeds: {told(totals)}")
    print("\n".join(failures) or "0 lost, 0 twice")
    return bool(failures)


def _one(seed: int) -> int:
    lines, violation = trace(seed)
    print("\n".join(lines))
    print(violation or "all promises are kept")
    return violation is not None


if __name__ == "__main__":
    sys.exit(main())
