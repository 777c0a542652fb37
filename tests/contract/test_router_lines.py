"""The row pattern against a second reader of the router's lines, and both against the truth.

`make test-differential` runs it on 100,000 lines.
"""

import re
from collections import Counter
from collections.abc import Callable

import pytest

from contract import glue_table
from tests.support import router_grammar
from tests.support.router_lines import RouterLines

SHARDS = 20
# As Hive's SerDe compiles it.
ROW = re.compile(glue_table.ROW_PATTERN, re.DOTALL | re.ASCII)
HEADER = "<158>1 2026-11-24T12:00:00.123456+00:00 host heroku router - "
# What a client can change by copying all that the router writes after one of its fields: its own fields, and no other.
OF_THE_CLIENT = {"path", "request_id", "fwd"}


def row(message: str, structured_data: str) -> dict[str, str]:
    match = ROW.fullmatch(f"{HEADER}{structured_data} {message}")
    assert match
    columns = list(zip(glue_table.COLUMNS, match.groups(), strict=True))
    assert columns[-1] == ("message", message)
    return {name: value for name, value in columns[columns.index(("msgid", "-")) + 1 : -1] if value is not None}


@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_pattern_reads_what_the_router_wrote(
    shard: int, bodies: int, record_property: Callable[[str, object], None]
) -> None:
    lines = RouterLines(shard)
    totals: Counter[str] = Counter()
    for number in range(bodies // SHARDS):
        line = lines.line()
        found = row(line.message, '[meta sequenceId="2"]' if number % 2 else "-")
        assert found == router_grammar.read(line.message), line.message
        # Only in lines of H31 does a client write behind the addresses, too.
        hidden = OF_THE_CLIENT | ({"fwd_ip"} if found["status"] == "421" else set()) if line.copied else set()
        differs = {name for name, _ in found.items() ^ line.columns.items()}
        assert differs <= hidden, line.message
        totals.update(lines=1, copies=line.copied)
    record_property("totals of the router's lines", dict(totals))
