"""The conditions of a saved query, and which partitions they choose."""

from collections.abc import Iterator

import sqlglot
from sqlglot import exp

from contract.saved_queries import SavedQuery


def parsed(query: SavedQuery) -> exp.Select:
    tree = sqlglot.parse_one(query.sql, read="trino")
    assert isinstance(tree, exp.Select)
    return tree


def table_of(query: SavedQuery) -> exp.Table:
    """The one table or view of the catalog that the query names."""
    [table] = (table for table in parsed(query).find_all(exp.Table) if table.db)
    return table


def conditions(query: SavedQuery) -> list[exp.Expr]:
    """What is joined by AND in the WHERE where the table is read."""
    select = table_of(query).find_ancestor(exp.Select)
    assert select
    where = select.args["where"]
    return list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]


def columns_of(tree: exp.Expr) -> set[str]:
    return {column.name for column in tree.find_all(exp.Column)}


def chosen(condition: exp.Expr, values: dict[str, str]) -> bool:
    """Say whether a condition on partition keys alone holds for a partition."""

    def text(tree: exp.Expr) -> str:
        match tree:
            case exp.Literal():
                return str(tree.this)
            case exp.Column():
                return values[tree.name]
            case exp.Concat():
                return "".join(text(part) for part in tree.expressions)
        raise AssertionError(f"no constant or partition key: {tree!r}")

    match condition:
        case exp.In():
            return text(condition.this) in {text(value) for value in condition.expressions}
        case exp.Between():
            return text(condition.args["low"]) <= text(condition.this) <= text(condition.args["high"])
    raise AssertionError(f"no condition that Athena pushes down: {condition!r}")


def partition_conditions(query: SavedQuery) -> Iterator[exp.Expr]:
    keys = {"year", "month", "day"}
    return (condition for condition in conditions(query) if columns_of(condition) and columns_of(condition) <= keys)
