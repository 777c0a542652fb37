"""The demo: every line accounted for and every answer right, whatever the day is."""

from dataclasses import replace
from datetime import UTC, datetime

from local import demo
from local.stack import LocalStack, Options


def test_queries_know_what_the_traffic_holds() -> None:
    """Lines sent are lines found, and each saved query's answer is what the generator's own records say.

    Half a minute after New Year; tests/trino has more days.
    """
    now = datetime(2027, 1, 1, 0, 0, 30, tzinfo=UTC)
    with LocalStack(Options(clock=now)) as stack:
        result = demo.run(stack, 1500, now)
    assert result.problems == []
    assert result.lines_found > 1500
    assert all(asked.result.rows for asked in result.queries)
    # The demo's check must be able to fail.
    wrong = replace(result.queries[0], differences=["a row too few"])
    assert replace(result, queries=[wrong]).problems == [f"{wrong.query.name}: a row too few"]
    assert replace(result, lines_found=result.lines_found - 1).problems
