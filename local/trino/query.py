"""Runs queries on Trino and gives their results in the form of Athena's."""

import json
import re
import time
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trino.dbapi import connect
from trino.exceptions import TrinoQueryError

from local.trino.catalog import CATALOG
from runbook.clients.athena_values import Value, read_value

_USER = "local"
_TRIES = 100
_PAUSE_S = 0.1
_NOW = re.compile(r"\bnow\(\)", re.IGNORECASE)
_OTHER_CLOCK = re.compile(r"\b(?:current_(?:timestamp|date|time)|localtime(?:stamp)?)\b", re.IGNORECASE)
_COMMENT = re.compile(r"--.*")


class QueryFailed(Exception):
    """A query that failed on Trino; `name` is the name of Trino's error, such as HIVE_CURSOR_ERROR."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name, self.message = name, message


@dataclass(frozen=True)
class Answer:
    """A query's rows, as Python values, and what Trino says about its execution.

    `partitions` are those that the plan reads, each as `app=.../year=.../month=.../day=...`; `read_rows` counts the
    rows that were read from the tables, including those that the conditions excluded.
    """

    columns: list[str]
    values: list[list[Value]]
    seconds: float = 0
    partitions: frozenset[str] = frozenset()
    read_rows: int = 0

    @property
    def rows(self) -> list[dict[str, Value]]:
        """The rows, by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.values]


class Client:
    """Runs queries on one node; safe to use from several threads."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    def ask(self, sql: str, time_zone: str = "UTC") -> Answer:
        """Run a query in a session with that time zone; QueryFailed if it fails."""
        for _ in range(_TRIES):
            try:
                return self._ask(sql, time_zone)
            except QueryFailed as failed:
                # A node reports that it has started before it accepts queries.
                if failed.name != "NO_NODES_AVAILABLE":
                    raise
                time.sleep(_PAUSE_S)
        return self._ask(sql, time_zone)

    def _ask(self, sql: str, time_zone: str) -> Answer:
        connection = connect(  # type: ignore[no-untyped-call]
            host=self._host,
            port=self._port,
            user=_USER,
            catalog=CATALOG,
            timezone=time_zone,
            # Values as text, as Trino writes them: Athena's client then reads them.
            legacy_primitive_types=True,
        )
        try:
            cursor = connection.cursor()
            found = cursor.execute(sql).fetchall()
            described = [(str(name), str(kind)) for name, kind, *_ in cursor.description or ()]
            query = self._query(str(cursor.query_id))
        except TrinoQueryError as error:
            raise QueryFailed(str(error.error_name), str(error.message)) from None
        finally:
            connection.close()
        statistics = query["queryStats"]
        return Answer(
            columns=[name for name, _ in described],
            values=[
                [
                    read_value(value, kind) if isinstance(value, str) else value
                    for value, (_, kind) in zip(row, described, strict=True)
                ]
                for row in found
            ],
            seconds=_seconds(statistics["elapsedTime"]),
            partitions=frozenset(
                partition
                for read in query["inputs"]
                for partition in (read.get("connectorInfo") or {}).get("partitionIds", ())
            ),
            read_rows=statistics["physicalInputPositions"],
        )

    def _query(self, query_id: str) -> Any:
        request = urllib.request.Request(
            f"http://{self._host}:{self._port}/v1/query/{query_id}", headers={"X-Trino-User": _USER}
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310  loopback
            return json.load(answer)


def at_clock(sql: str, now: datetime) -> str:
    """Replace each `now()` in a query by a time, to the millisecond, as Trino has no setting for its clock.

    ValueError for a query that asks for the time in another way, or not at all.
    """
    moment = now.astimezone(UTC)
    written, count = _NOW.subn(f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03} UTC'", sql)
    code = _COMMENT.sub("", written)
    if not count or (other := _OTHER_CLOCK.search(code)):
        asked = other[0] if count and other else "nothing"
        raise ValueError(f"the query must ask for the time by now() alone, but it uses {asked}")
    return written


_UNITS_S = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def _seconds(duration: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", duration).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS_S[unit]
