"""Plans a Trino SELECT for DuckDB: what it reads, and the same query in DuckDB's SQL. Pure.

sqlglot translates. The rules here cover what the saved queries need and DuckDB answers differently. Other functions may
be missing or differ from Athena's: Trino decides (`make test-trino`).
"""

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope, traverse_scope


class Refused(Exception):
    """A statement that cannot be run; the message is Athena's StateChangeReason."""


@dataclass(frozen=True)
class Columns:
    """What a query needs to know about a table: its columns with DuckDB's types, and its partition keys.

    `SELECT *` does not give `hidden` columns.
    """

    columns: Mapping[str, str]
    partition_keys: tuple[str, ...] = ()
    hidden: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """A view: its SELECT in Trino's SQL, and the database of its unqualified names."""

    sql: str
    database: str


# Gives a relation by database and name; Refused if there is none.
Catalog = Callable[[str, str], Columns | View]


@dataclass(frozen=True)
class Scan:
    """One scan of a table; `relation` is its name in the plan's SQL.

    `conditions` are in DuckDB's SQL, on partition keys and constants only. Partitions for which one is not true do not
    change the result.
    """

    relation: str
    database: str
    table: str
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A query for DuckDB, whose session time zone is UTC."""

    sql: str
    scans: tuple[Scan, ...]


def plan(sql: str, database: str, catalog: Catalog, now: datetime) -> Plan:
    """Translate one SELECT (or WITH ... SELECT); `database` is that of unqualified names, `now` the result of now().

    Refused says what is wrong with the statement or what Athena refuses.
    """
    query = _expand_views(_parse(sql), database, catalog)
    tables = {(table.db, table.name): catalog(table.db, table.name) for table in _tables(query)}
    columns = {name: each for name, each in tables.items() if isinstance(each, Columns)}
    named = {column.name for column in query.find_all(exp.Column)}
    schema: dict[str, object] = {
        db: {name: _visible(each, named) for (of, name), each in columns.items() if of == db} for db, _ in columns
    }
    _name_columns(query)
    for node in reversed(list(query.walk())):  # inner nodes first
        node.replace(_rule(node, now))
    try:
        qualify(query, dialect="trino", schema=schema, expand_alias_refs=False)
    except OptimizeError as error:
        raise Refused(f"COLUMN_NOT_FOUND: {error}") from None
    annotate_types(query, schema=schema, dialect="trino")
    _refuse(query)
    conditions = _pushed_conditions(query, columns)
    scans = []
    for number, table in enumerate(_tables(query)):
        relation = f"scan_{number}"
        pushed = tuple(_condition(each) for each in conditions.get(id(table), ()))
        scans.append(Scan(relation, table.db, table.name, pushed))
        table.replace(exp.to_table(relation, alias=table.alias))
    return Plan(query.sql("duckdb"), tuple(scans))


def _visible(table: Columns, named: Container[str]) -> dict[str, str]:
    return {**table.columns, **{name: kind for name, kind in table.hidden.items() if name in named}}


# ---------------------------------------------------------------- statements and names


def _parse(sql: str) -> exp.Query:
    try:
        statements = [each for each in sqlglot.parse(sql, read="trino") if each is not None]
    except SqlglotError as error:
        raise Refused(f"SYNTAX_ERROR: {str(error).splitlines()[0]}") from None
    if len(statements) != 1:
        raise Refused("SYNTAX_ERROR: Only one sql statement is allowed")
    [statement] = statements
    if not isinstance(statement, exp.Query) or isinstance(statement, exp.Subquery):
        raise Refused("NOT_SUPPORTED: the local engine runs SELECT statements (and WITH ... SELECT) only")
    return statement


def _tables(query: exp.Query) -> list[exp.Table]:
    """List the tables and views that a query names, in a fixed order; not its CTEs."""
    return [
        source
        for scope in traverse_scope(query)
        for _, source in scope.selected_sources.values()
        if isinstance(source, exp.Table)
    ]


# Anything else that a table can carry (TABLESAMPLE, FOR VERSION, PIVOT) would be lost.
_TABLE_PARTS = frozenset({"this", "db", "catalog", "alias", "joins"})


def _expand_views(query: exp.Query, database: str, catalog: Catalog, within: tuple[str, ...] = ()) -> exp.Query:
    for table in _tables(query):
        if (
            not isinstance(table.this, exp.Identifier)
            or {part for part, value in table.args.items() if value} - _TABLE_PARTS
        ):
            raise Refused(f"NOT_SUPPORTED: the local engine cannot read {table.sql('trino')!r} as a table")
        name = table.name.lower()
        db = table.db.lower() or database
        if not db:
            raise Refused("MISSING_SCHEMA_NAME: Schema must be specified when session schema is not set")
        relation = catalog(db, name)
        if isinstance(relation, Columns):
            unqualified = table.alias_or_name
            table.set("db", exp.to_identifier(db))
            table.set("this", exp.to_identifier(name))
            table.set("catalog", None)
            table.set("alias", table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(unqualified)))
        elif f"{db}.{name}" in within:
            raise Refused(f"INVALID_VIEW: view {db}.{name} names itself")
        else:
            inner = _expand_views(_parse(relation.sql), relation.database, catalog, (*within, f"{db}.{name}"))
            alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(name))
            table.replace(exp.Subquery(this=inner, alias=alias, joins=table.args.get("joins")))
    for column in query.find_all(exp.Column):
        # The alias of a table is its name alone.
        column.set("db", None)
        column.set("catalog", None)
    return query


def _name_columns(query: exp.Query) -> None:
    for select in query.find_all(exp.Select):
        for index, projection in enumerate(select.expressions):
            if not isinstance(projection, exp.Alias | exp.Column | exp.Star):
                projection.replace(exp.alias_(projection.copy(), f"_col{index}"))


# ---------------------------------------------------------------- partitions


def _pushed_conditions(query: exp.Query, columns: Mapping[tuple[str, str], Columns]) -> dict[int, list[exp.Expr]]:
    """Find, by the id of each table's node, the conjuncts that depend only on its partition keys and constants."""
    root = build_scope(query)
    if root is None:
        return {}
    scopes = list(root.traverse())
    uses = Counter(id(source) for scope in scopes for _, source in scope.selected_sources.values())
    inherited: dict[int, list[exp.Expr]] = {}
    found: dict[int, list[exp.Expr]] = {}
    for scope in reversed(scopes):  # outer scopes first
        conjuncts = [*_conjuncts(scope.expression), *inherited.get(id(scope), ())]
        for name, (_, source) in scope.selected_sources.items():
            own = [each for each in conjuncts if _is_about(each, name)]
            if isinstance(source, exp.Table):
                keys = columns[source.db, source.name].partition_keys
                found[id(source)] = [e for e in own if all(c.name in keys for c in e.find_all(exp.Column))]
            elif isinstance(source, Scope) and uses[id(source)] == 1:
                inherited[id(source)] = list(_moved_in(own, source.expression))
    return found


def _conjuncts(select: exp.Expr) -> Iterator[exp.Expr]:
    where = select.args.get("where")
    # An outer join adds rows of NULLs after the scan, so a condition above it is not a condition on the scan.
    if where and not any(join.side for join in select.args.get("joins") or ()):
        condition = where.this.unnest()
        yield from (each.unnest() for each in condition.flatten()) if isinstance(condition, exp.And) else [condition]


def _is_about(condition: exp.Expr, name: str) -> bool:
    tables = {column.table for column in condition.find_all(exp.Column)}
    return tables == {name} and not condition.find(exp.Query)


def _moved_in(conditions: list[exp.Expr], select: exp.Expr) -> Iterator[exp.Expr]:
    """Rewrite conditions on a subquery's columns as conditions on what it selects them from."""
    if not isinstance(select, exp.Select) or any(
        select.args.get(clause) for clause in ("group", "having", "limit", "offset", "distinct")
    ):
        return
    if any(join.side for join in select.args.get("joins") or ()) or select.find(exp.Window, exp.AggFunc):
        return
    plain = {each.alias_or_name: each.unalias() for each in select.selects}
    for condition in conditions:
        if all(isinstance(plain.get(column.name), exp.Column) for column in condition.find_all(exp.Column)):
            yield condition.transform(lambda e: plain[e.name].copy() if isinstance(e, exp.Column) else e)


def _condition(condition: exp.Expr) -> str:
    bare = condition.transform(lambda e: exp.column(e.name, quoted=True) if isinstance(e, exp.Column) else e)
    return exp.Paren(this=bare).sql("duckdb")


# ---------------------------------------------------------------- refusals and rules

_TEXTS, _NUMBERS = exp.DataType.TEXT_TYPES, exp.DataType.NUMERIC_TYPES


def _refuse(query: exp.Query) -> None:
    """Refuse what DuckDB accepts and Athena does not."""
    for cast in query.find_all(exp.Cast):
        # "Athena engine version 3", limitations. Trino casts.
        source = cast.this.this if isinstance(cast.this, exp.Try) else cast.this
        if cast.is_type(exp.DType.TIMESTAMP) and source.is_type(exp.DType.TIMESTAMPTZ):
            raise Refused("NOT_SUPPORTED: Casting a Timestamp with Time Zone to Timestamp is not supported.")
    for compared in query.find_all(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In):
        kinds = {side.type.this for side in compared.iter_expressions() if side.type}
        if kinds & _TEXTS and kinds & _NUMBERS:
            raise Refused(
                f"TYPE_MISMATCH: {compared.sql('trino')}: a varchar cannot be compared with a number: quote the "
                "number, or cast the varchar"
            )


def _rule(node: exp.Expr, now: datetime) -> exp.Expr:
    match node:
        case exp.CurrentTimestamp():
            return _moment(now, "timestamptz")
        case exp.Localtimestamp():
            return _moment(now, "timestamp")
        case exp.CurrentDate():
            return exp.cast(_moment(now, "timestamp"), "date")
        # Trino's times have milliseconds.
        case exp.FromISO8601Timestamp():
            time = exp.TimestampTrunc(this=exp.cast(node.this, "timestamptz"), unit=exp.var("millisecond"))
            return exp.cast(time, "timestamptz")
        # NULL without a match; DuckDB gives ''.
        case exp.RegexpExtract():
            matches = exp.RegexpLike(this=node.this.copy(), expression=node.expression.copy())
            return exp.case().when(matches, node.copy())
        # Exact, so that results can be reproduced.
        case exp.ApproxQuantile():
            return exp.PercentileDisc(this=node.this, expression=node.args["quantile"])
    return node


def _moment(now: datetime, kind: str) -> exp.Expr:
    """The emulator's time, so that results can be reproduced, in milliseconds like Trino's."""
    return exp.cast(exp.Literal.string(now.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "milliseconds")), kind)
