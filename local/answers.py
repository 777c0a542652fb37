"""Asks Athena as an operator's tool does, and compares its answers with what they must be."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from local.child import LocalError
from local.traffic.truth import Percentile

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

_POLL_S = 0.02
# approx_percentile is what its name says, in Athena too: two answers may differ, and each must be near the truth.
_APPROXIMATE = {"p95_service_ms"}


@dataclass(frozen=True)
class Answer:
    """A query's result: its columns, and its rows of texts as Athena gives them, None for NULL."""

    columns: list[str]
    values: list[list[str | None]]
    scanned_bytes: int
    seconds: float

    @property
    def rows(self) -> list[dict[str, str | None]]:
        """The rows, by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.values]


class Athena:
    """One workgroup of Athena."""

    def __init__(self, client: "AthenaClient", workgroup: str) -> None:
        self._client, self._workgroup = client, workgroup

    def ask_saved(self, name: str) -> Answer:
        """Run a saved query as it stands; LocalError when the workgroup has none of that name."""
        for page in self._client.get_paginator("list_named_queries").paginate(WorkGroup=self._workgroup):
            for id_ in page["NamedQueryIds"]:
                query = self._client.get_named_query(NamedQueryId=id_)["NamedQuery"]
                if query["Name"] == name:
                    return self.ask(query["QueryString"])
        raise LocalError(f"the workgroup {self._workgroup} has no saved query {name}")

    def ask(self, sql: str) -> Answer:
        """Run a query to its end; LocalError with Athena's reason when it fails."""
        began = time.monotonic()
        id_ = self._client.start_query_execution(QueryString=sql, WorkGroup=self._workgroup)["QueryExecutionId"]
        while (execution := self._client.get_query_execution(QueryExecutionId=id_)["QueryExecution"])["Status"][
            "State"
        ] in ("QUEUED", "RUNNING"):
            time.sleep(_POLL_S)
        if execution["Status"]["State"] != "SUCCEEDED":
            raise LocalError(f"a query {execution['Status']['State']}: {execution['Status'].get('StateChangeReason')}")
        rows = [
            [datum.get("VarCharValue") for datum in row["Data"]]
            for page in self._client.get_paginator("get_query_results").paginate(QueryExecutionId=id_)
            for row in page["ResultSet"]["Rows"]
        ]
        return Answer(
            columns=[str(name) for name in rows[0]],
            values=rows[1:],
            scanned_bytes=execution["Statistics"]["DataScannedInBytes"],
            seconds=time.monotonic() - began,
        )


def differences(answer: Answer, expected: Sequence[Mapping[str, object]]) -> list[str]:
    """Where an answer is not what it must be, each in one line; none when it is right."""
    if len(answer.rows) != len(expected):
        return [f"{len(answer.rows)} rows in place of {len(expected)}"]
    return [
        f"row {number}: {column} is {row.get(column)!r} in place of {value!r}"
        for number, (row, right) in enumerate(zip(answer.rows, expected, strict=True), start=1)
        for column, value in right.items()
        if not _same(column, row.get(column), value)
    ]


def _same(column: str, text: str | None, value: object) -> bool:
    if text is None or value is None:
        return text is value
    if isinstance(value, Percentile):
        return value.least <= int(text) <= value.most
    if column in _APPROXIMATE:
        return True
    if isinstance(value, float):
        return float(text) == value
    if isinstance(value, datetime):
        return text == f"{value:%Y-%m-%d %H:%M:%S}.000"
    return text == str(value)
