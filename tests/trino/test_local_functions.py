"""The local engine's rules for Trino's functions and operators, each held against Trino."""

from collections.abc import Mapping

import pytest

from local.aws.athena.trino_functions import FUNCTIONS
from local.trino.query import at_clock
from tests.local.aws.test_sql import ANSWERS, NOW
from tests.trino.world import World

# Those that need more than an expression: a table, or a window.
ROWS = "(VALUES (1, 'b', 2e0), (2, 'a', NULL), (3, NULL, 1e0), (3, 'b', 7e0)) AS t(n, s, d)"
OF_ROWS = [
    *("min(n)", "max(s)", "sum(n)", "avg(d)", "count(s)", "count(DISTINCT s)", "count_if(n > 1)", "every(n > 0)"),
    *("bool_and(n > 1)", "bool_or(n > 2)", "array_join(array_agg(n), ',')", "max_by(s, n)", "min_by(d, n)"),
    *("approx_distinct(n)", "arbitrary(1)", "any_value(1)", "max_by(s, -n)"),
]
OVER_ROWS = [
    *("row_number()", "rank()", "dense_rank()", "percent_rank()", "cume_dist()", "ntile(2)", "lag(n)", "lead(s)"),
    *("first_value(n)", "last_value(n)"),
]
OTHERS = [
    *("lower('AÉ')", "upper('aé')", "length('añ')", "reverse('abc')", "rpad('7', 3, '0')", "rpad('777', 2, '0')"),
    *("concat_ws('-', 'a', NULL, 'b')", "starts_with('abc', 'ab')", "translate('abc', 'ab', 'x')", "abs(-3)"),
    *("ceil(1.2e0)", "ceiling(-1.2e0)", "floor(-1.2e0)", "sqrt(9e0)", "ln(1e0)", "exp(0e0)", "power(2, 3)"),
    *("pow(2e0, 0.5e0)", "mod(-7, 3)", "ltrim('\t a ')", "rtrim(' a \n')", "coalesce(NULL, 'a')"),
    *(f"{part}(TIMESTAMP '2026-11-24 01:02:03')" for part in ("year", "quarter", "month", "day", "hour", "minute")),
    *(f"{part}(TIMESTAMP '2026-11-29 01:02:03')" for part in ("second", "day_of_week", "day_of_year")),
    *("date(TIMESTAMP '2026-11-24 01:02:03')",),
]


# As local/aws/athena/sql.py says: digits of a literal, the zone that is shown. Of Trino only now() can be set.
KNOWN_TO_DIFFER = ("current_", "localtimestamp", "date_trunc('hour',", "CAST(TIMESTAMP ")


def asked() -> Mapping[str, list[str]]:
    """Expressions, by what stands behind them in a SELECT."""
    return {
        "": [each for each in [*ANSWERS, *OTHERS] if not any(text in each for text in KNOWN_TO_DIFFER)],
        f" FROM {ROWS}": OF_ROWS,
        f" FROM {ROWS} ORDER BY 1": [f"{each} OVER (ORDER BY n, s)" for each in OVER_ROWS],
    }


def test_every_function_of_the_local_engine_is_asked() -> None:
    """The percentile alone is approximate: the saved queries hold it to the truth."""
    text = " ".join([*ANSWERS, "approx_percentile()", *(each for group in asked().values() for each in group)]).lower()
    assert not [name for name in FUNCTIONS if f"{name}(" not in text]


@pytest.mark.parametrize("behind", asked())
def test_the_local_engine_has_trinos_values(world: World, behind: str) -> None:
    expressions = asked()[behind]
    sql = f"SELECT {', '.join(expressions)}{behind}"
    judge = world.ask(at_clock(sql, NOW) if "now()" in sql else sql)
    local = world.ask_local(sql, NOW)
    for row, right in zip(local.values, judge.values, strict=True):
        wrong = {e: (v, r) for e, v, r in zip(expressions, row, right, strict=True) if v != r}
        assert not wrong
