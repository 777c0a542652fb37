"""Lives through seeds, and says how to see again what went wrong."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from tests.support.simulation.life import Life, simulated
from tests.support.simulation.world import Violation


class Result(NamedTuple):
    """What seeds counted, and a text for each that broke a promise."""

    totals: Counter[str]
    failures: list[str]


def live_all(seeds: Iterable[int]) -> Result:
    """Live through seeds."""
    result = Result(Counter(), [])
    with simulated():
        for seed in seeds:
            life = Life(seed)
            try:
                life.run()
            except Violation as violation:
                result.failures.append(f"make test-simulation ARGS='--seed {seed}'  # {violation}")
            result.totals.update(life.world.totals)
    return result


def first_violation(seeds: Iterable[int]) -> tuple[int, Violation] | None:
    """Live through seeds until one breaks a promise; the code under test is to be simulated already."""
    for seed in seeds:
        try:
            Life(seed).run()
        except Violation as violation:
            return seed, violation
    return None


def trace(seed: int) -> tuple[list[str], Violation | None]:
    """Live through a seed, and give what happened."""
    with simulated():
        life = Life(seed, traced=True)
        violation = None
        try:
            life.run()
        except Violation as broken:
            violation = broken
    return life.world.trace or [], violation


def told(totals: Counter[str]) -> str:
    """Write totals in one line."""
    return ", ".join(f"{count:,} {what}" for what, count in totals.items())
