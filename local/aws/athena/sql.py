"""A Trino SELECT on DuckDB: what it reads, and the same question in DuckDB's SQL. Pure.

sqlglot parses with Trino's grammar and resolves names; the rules here and in trino_functions.py say what DuckDB answers
differently. Whatever has no rule is refused: an error is better than a wrong answer.

Known to differ: a timestamp with time zone is an instant, shown in UTC (Trino shows the zone that it was read
with); a timestamp literal is of milliseconds (Trino's of as many digits as it has); patterns are RE2's, so one with
lookaround fails; names of columns come out in lower case.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ErrorLevel, OptimizeError, SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope, traverse_scope
from sqlglot.parsers.trino import TrinoParser

from local.aws.athena.trino_functions import AGGREGATES, FUNCTIONS, TYPED, Refused, call, text, words


class _Parser(TrinoParser):
    # Calls stay as they are written, for the table of functions to translate: sqlglot's guesses are not tested here.
    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        name: parser
        for name, parser in TrinoParser.FUNCTION_PARSERS.items()
        if name in {"CAST", "TRY_CAST", "EXTRACT", "POSITION", "SUBSTRING", "TRIM"}
    }


class _AsWritten(Trino):
    Parser = _Parser


@dataclass(frozen=True)
class Columns:
    """What a query must know of a table: its columns' names and types (of DuckDB), and which make partitions."""

    columns: Mapping[str, str]
    partition_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """A view: its SELECT in Trino's SQL, and the database of its unqualified names."""

    sql: str
    database: str


# Gives a relation by database and name; Refused when there is none.
Catalog = Callable[[str, str], Columns | View]


@dataclass(frozen=True)
class Scan:
    """One reading of a table: `relation` stands for it in the plan's SQL.

    `conditions` are in DuckDB's SQL, on partition keys and constants only; rows of a partition for which one is
    not true do not matter to the answer.
    """

    relation: str
    database: str
    table: str
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A question for DuckDB, whose session time zone is UTC and which has the macros of local/aws/athena/trino.sql."""

    sql: str
    scans: tuple[Scan, ...] = field(default=())


def plan(sql: str, database: str, catalog: Catalog, now: datetime) -> Plan:
    """Translate one SELECT (or WITH ... SELECT); `database` counts for unqualified names, `now` is what now() gives.

    Raises Refused, whose text says what is wrong with the statement or what the local engine lacks.
    """
    query = _expand_views(_parse(sql), database, catalog)
    tables = {(table.db, table.name): catalog(table.db, table.name) for table in _tables(query)}
    columns = {name: each for name, each in tables.items() if isinstance(each, Columns)}
    schema: dict[str, object] = {
        db: {name: dict(each.columns) for (of, name), each in columns.items() if of == db} for db, _ in columns
    }
    _name_columns(query)
    try:
        qualify(query, dialect=_AsWritten, schema=schema, expand_alias_refs=False)
    except OptimizeError as error:
        raise Refused(f"COLUMN_NOT_FOUND: {error}") from None
    conditions = _pushed_conditions(query, columns)
    scans = []
    for number, table in enumerate(_tables(query)):
        relation = f"scan_{number}"
        pushed = tuple(_condition(each, now) for each in conditions.get(id(table), ()))
        scans.append(Scan(relation, table.db, table.name, pushed))
        table.replace(exp.to_table(relation, alias=table.alias))
    return Plan(_duckdb(translate(query, now)), tuple(scans))


# ---------------------------------------------------------------- statements and names


def _parse(sql: str) -> exp.Query:
    try:
        statements = [each for each in sqlglot.parse(sql, read=_AsWritten) if each is not None]
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
    """Find, by the id of each table's node, the conjuncts that only its partition keys and constants decide."""
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
    # An outer join makes rows of NULLs after the scan, so a condition above it is none on the scan.
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
    if any(join.side for join in select.args.get("joins") or ()) or select.find(exp.Window):
        return
    if any(each.name.lower() in AGGREGATES for each in select.find_all(exp.Anonymous)):
        return
    plain = {each.alias_or_name: each.unalias() for each in select.selects}
    for condition in conditions:
        if all(isinstance(plain.get(column.name), exp.Column) for column in condition.find_all(exp.Column)):
            yield condition.transform(lambda e: plain[e.name].copy() if isinstance(e, exp.Column) else e)


def _condition(condition: exp.Expr, now: datetime) -> str:
    bare = condition.transform(lambda e: exp.column(e.name, quoted=True) if isinstance(e, exp.Column) else e)
    return _duckdb(translate(exp.Paren(this=bare), now))


# ---------------------------------------------------------------- rules


def _function(node: exp.Anonymous, now: datetime) -> exp.Expr:
    """Trino's functions are those of the table in local/aws/athena/trino_functions.py."""
    name = node.name.lower()
    if name == "now":
        return _clock(exp.CurrentTimestamp(), now)
    if name not in FUNCTIONS:
        raise Refused(f"FUNCTION_NOT_FOUND: the local engine does not know the function {name}()")
    try:
        return FUNCTIONS[name].build([argument.copy() for argument in node.expressions])
    except (IndexError, ValueError):
        raise Refused(f"FUNCTION_NOT_FOUND: {name}() does not take {len(node.expressions)} argument(s)") from None


def _clock(node: exp.Expr, now: datetime) -> exp.Expr:
    """The emulator's clock, so that answers are reproducible; timestamps are of milliseconds."""
    now = now.astimezone(UTC).replace(tzinfo=None)
    if isinstance(node, exp.CurrentDate):
        return exp.cast(exp.Literal.string(f"{now:%Y-%m-%d}"), "date")
    kind = "timestamptz" if isinstance(node, exp.CurrentTimestamp) else "timestamp"
    return exp.cast(exp.Literal.string(now.isoformat(" ", "milliseconds")), kind)


_CASTS = {
    exp.DType.INT: "trino_integer",
    exp.DType.BIGINT: "trino_bigint",
    exp.DType.DOUBLE: "trino_double",
    exp.DType.BOOLEAN: "trino_boolean",
    exp.DType.DATE: "trino_date",
    exp.DType.TIMESTAMP: "trino_timestamp",
    exp.DType.TIMESTAMPTZ: "trino_timestamptz",
    exp.DType.VARCHAR: "trino_varchar",
    exp.DType.TEXT: "trino_varchar",
}


def _cast(node: exp.Cast, _: datetime) -> exp.Expr:
    """Trino casts fewer strings, rounds half up, and writes timestamps with milliseconds."""
    kind, parameters = node.to.this, [int(each.name) for each in node.to.expressions if each.name.isdigit()]
    value = node.this.copy()
    if kind == exp.DType.DECIMAL and len(parameters) == 2:
        rounded = call("round", call("trino_double", value), exp.Literal.number(parameters[1]))
        cast: exp.Expr = exp.cast(rounded, node.to.copy())
    elif kind not in _CASTS:
        raise Refused(f"NOT_SUPPORTED: the local engine does not cast to {node.to.sql('trino').lower()}")
    else:
        cast = call(_CASTS[kind], value)
    if parameters and kind in {exp.DType.VARCHAR, exp.DType.TEXT}:
        cast = call("left", cast, exp.Literal.number(parameters[0]))
    if parameters and kind in {exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ} and parameters[0] not in {0, 3}:
        raise Refused("NOT_SUPPORTED: the local engine has timestamps of milliseconds only")
    return call("try", cast) if isinstance(node, exp.TryCast) else cast


def _extract(node: exp.Extract, _: datetime) -> exp.Expr:
    """The fields that are functions as well: year(x) for EXTRACT(YEAR FROM x)."""
    name = node.name.lower()
    if name not in {"year", "quarter", "month", "day", "hour", "minute", "second"}:
        raise Refused(f"NOT_SUPPORTED: the local engine does not extract {name}")
    return call(name, node.expression.copy())


def _trim(node: exp.Trim, now: datetime) -> exp.Expr:
    """Trino trims all white space where DuckDB trims spaces."""
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position") or "").upper(), "trim")
    return _function(call(name, *filter(None, (node.this, node.expression))), now)


def _substring(node: exp.Substring, _: datetime) -> exp.Expr:
    """A start of 0 gives '' in Trino."""
    return call(
        "trino_substr", *(node.args[each].copy() for each in ("this", "start", "length") if node.args.get(each))
    )


def _position(node: exp.StrPosition, _: datetime) -> exp.Expr:
    """POSITION(a IN b) is strpos(b, a)."""
    return call("strpos", node.this.copy(), node.args["substr"].copy())


def _divide(node: exp.Div, _: datetime) -> exp.Expr:
    """Integers divide to integers; DuckDB's / gives a double."""
    return call("trino_divide", node.left.copy(), node.right.copy())


def _is_interval(node: exp.Expr | None) -> bool:
    if isinstance(node, exp.Mul):
        return _is_interval(node.left) or _is_interval(node.right)
    if isinstance(node, exp.Paren | exp.Neg):
        return _is_interval(node.this)
    return isinstance(node, exp.Interval)


def _add(node: exp.Add, _: datetime) -> exp.Expr:
    """A date moved by an interval stays a date."""
    moment, interval = (node.right, node.left) if _is_interval(node.left) else (node.left, node.right)
    return call("trino_shift", moment.copy(), interval.copy()) if _is_interval(interval) else node


def _subtract(node: exp.Sub, _: datetime) -> exp.Expr:
    """A date moved by an interval stays a date, and the difference of dates is no number."""
    if _is_interval(node.right):
        return call("trino_shift", node.left.copy(), exp.Neg(this=exp.Paren(this=node.right.copy())))
    return call("trino_minus", node.left.copy(), node.right.copy())


def _interval(node: exp.Interval, _: datetime) -> exp.Expr:
    """Only single units: DuckDB reads intervals of several units otherwise."""
    if str(node.args.get("unit")).lower() not in {"year", "month", "day", "hour", "minute", "second"}:
        raise Refused("NOT_SUPPORTED: the local engine has intervals of one unit, as in INTERVAL '6' DAY")
    return node


def _at_time_zone(node: exp.AtTimeZone, _: datetime) -> exp.Expr:
    """DuckDB's gives a timestamp without time zone; in UTC nothing changes but the type."""
    if text(node.args["zone"], "a time zone").upper() not in {"UTC", "Z", "+00:00"}:
        raise Refused("NOT_SUPPORTED: the local engine knows no time zone but UTC")
    return call("trino_timestamptz", node.this.copy())


def _compare(node: exp.Expr, _: datetime) -> exp.Expr:
    """DuckDB casts a string to compare it with a number; Trino calls it a type mismatch."""
    sides = [
        node.this,
        *(node.expressions or (node.args[k] for k in ("expression", "low", "high") if node.args.get(k))),
    ]
    literals = [each.this if isinstance(each, exp.Neg) else each for each in sides]
    kinds = {each.is_string for each in literals if isinstance(each, exp.Literal)}
    if len(kinds) > 1:
        raise Refused("TYPE_MISMATCH: a varchar cannot be compared with a number")
    if kinds:
        guard = "trino_text" if kinds == {True} else "trino_number"
        for side, literal in zip(sides, literals, strict=True):
            if not isinstance(literal, exp.Literal | exp.Null | exp.Query) and not _holds_computed(side):
                side.replace(call(guard, side.copy()))
    return node


Rule = Callable[..., exp.Expr]
RULES: dict[type[exp.Expr], Rule] = {
    exp.Anonymous: _function,
    exp.CurrentTimestamp: _clock,
    exp.Localtimestamp: _clock,
    exp.CurrentDate: _clock,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Extract: _extract,
    exp.Trim: _trim,
    exp.Substring: _substring,
    exp.StrPosition: _position,
    exp.Div: _divide,
    exp.Add: _add,
    exp.Sub: _subtract,
    exp.Interval: _interval,
    exp.AtTimeZone: _at_time_zone,
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In), _compare),
}

# What both engines read the same way.
_PLAIN = words(
    "Select Union Intersect Except Subquery From Where Group Having Order Ordered Limit Offset Fetch Distinct With "
    "CTE Join Table TableAlias Alias Column Identifier Star Literal Boolean Null Paren Tuple Values Array Unnest "
    "Var DataType DataTypeParam And Or Not Is IsNull NullSafeEQ NullSafeNEQ Like Escape Exists Case If Mul Mod Neg "
    "DPipe Window WindowSpec Filter Cube Rollup GroupingSets"
)


def translate(tree: exp.Expr, now: datetime) -> exp.Expr:
    """Apply the rules to a tree whose root no rule replaces; Refused for what has no rule."""
    for node in reversed(list(tree.walk())):  # inner nodes first
        rule = RULES.get(type(node))
        if rule:
            new = rule(node, now)
            if new is not node:
                node.replace(new)
        elif type(node).__name__ not in _PLAIN:
            raise Refused(f"NOT_SUPPORTED: the local engine has no rule for {node.sql('trino')!r} ({node.key})")
    for select in list(tree.find_all(exp.Select)):
        _compute_within(select, _aggregate_of)
        _compute_within(select, _window_of)
    for literal in list(tree.find_all(exp.Literal)):
        # A bare string of DuckDB takes any type, one of Trino is a varchar.
        if literal.is_string and not isinstance(literal.parent, exp.Interval | exp.Escape | exp.Cast):
            literal.replace(exp.cast(literal.copy(), "text"))
    return tree


def _duckdb(tree: exp.Expr) -> str:
    return tree.sql("duckdb", unsupported_level=ErrorLevel.RAISE)


# ---------------------------------------------------------------- aggregates under typed macros


def _own(tree: exp.Expr) -> Iterator[exp.Expr]:
    """Walk an expression without its subqueries."""
    return tree.walk(prune=lambda node: isinstance(node, exp.Query) and node is not tree)


def _aggregate_of(node: exp.Expr) -> bool:
    if isinstance(node, exp.Filter):
        return not isinstance(node.parent, exp.Window)
    is_aggregate = isinstance(node, exp.Anonymous) and node.name.lower() in AGGREGATES
    return is_aggregate and not isinstance(node.parent, exp.Window | exp.Filter)


def _window_of(node: exp.Expr) -> bool:
    return isinstance(node, exp.Window)


def _holds_computed(tree: exp.Expr) -> bool:
    return any(_aggregate_of(node) or _window_of(node) or node.name.lower() in AGGREGATES for node in _own(tree))


def _compute_within(select: exp.Select, computed: Callable[[exp.Expr], bool]) -> None:
    """Move what a SELECT computes, if a typed macro takes it, into a subquery, where its type becomes known."""
    typed = [each for each in _own(select) if isinstance(each, exp.Anonymous) and each.name in TYPED]
    if not any(computed(node) for macro in typed for node in _own(macro)):
        return
    of_window, group = computed is _window_of, select.args.get("group")
    if group and group.find(exp.Rollup, exp.Cube, exp.GroupingSets):
        raise Refused("NOT_SUPPORTED: the local engine computes on grouping sets only in an outer query")
    kept = (
        "with_",
        "expressions",
        "order",
        "limit",
        "offset",
        "distinct",
        *(() if of_window else ("having", "windows")),
    )
    shown = [node for clause in kept if clause != "with_" for node in _parts(select, clause)]
    atoms = [] if of_window or not group else list(group.expressions)
    atoms += [node for part in shown for node in _own(part) if computed(node)]
    if of_window:
        windows = {id(inner) for atom in atoms for inner in atom.walk()}
        columns = (c for part in shown for c in _own(part) if isinstance(c, exp.Column) and c.table)
        atoms += [column for column in columns if id(column) not in windows]
    names = {atom: f"computed_{number}" for number, atom in enumerate(dict.fromkeys(atoms))}
    inner = exp.Select(**{clause: value for clause, value in select.args.items() if clause not in kept and value})
    inner.set("expressions", [exp.alias_(atom.copy(), name) for atom, name in names.items()])
    for part in shown:
        for node in list(_own(part)):
            if node in names:
                node.replace(exp.column(names[node], table="computed"))
    having = select.args.get("having") if not of_window else None
    for clause in [each for each in select.args if each not in kept]:
        select.set(clause, None)
    select.set(
        "from_", exp.From(this=exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier("computed"))))
    )
    if having:
        select.set("having", None)
        select.set("where", exp.Where(this=having.this))


def _parts(select: exp.Select, clause: str) -> Iterable[exp.Expr]:
    value = select.args.get(clause)
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, exp.Expr) else []
