"""Find foreign keys that no server takes again, because parent or child no longer fit them.

With ``foreign_key_checks=0`` MariaDB lets go of an index, a column or a table that a foreign
key needs, and takes a parent of other types; the key stays in the definition. MySQL refuses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shardvault.fleet.inventory import Inventory, TableName
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import ForeignKey, Table
from shardvault.mysql.quoting import quote_text
from shardvault.mysql.session import Session, decode

_Type = tuple[str, bool, str]
_REMEDY = (
    "give both tables an index that begins with the key's columns, of equal types, or drop the key"
)


def find_unfit_keys(session: Session, inventory: Inventory) -> Iterator[Finding]:
    """Report foreign keys that a restore will leave out, or give an index that they lack."""
    tables = [table for table in inventory.tables if table.foreign_keys]
    if session.family is not Family.MARIADB or not tables:
        return
    catalogue = _read_catalogue(session, tables)
    for table in tables:
        for key in table.foreign_keys:
            if what := _describe_fault(catalogue, table, key):
                message = f"{table.qualified}: foreign key {key.name}: {what}"
                yield Finding(
                    Severity.WARNING,
                    session.shard,
                    "foreign keys",
                    message,
                    _REMEDY,
                    table.qualified,
                )


@dataclass(frozen=True)
class _Catalogue:
    """Hold types of columns, and the columns of indexes, by table."""

    types: dict[TableName, dict[str, _Type]]
    indexes: dict[TableName, dict[str, list[str]]]

    def has_index(self, table: TableName, columns: Iterable[str]) -> bool:
        wanted = [name.lower() for name in columns]
        return any(names[: len(wanted)] == wanted for names in self.indexes.get(table, {}).values())


def _describe_fault(catalogue: _Catalogue, table: Table, key: ForeignKey) -> str:
    child, parent = (table.schema, table.name), (key.ref_schema, key.ref_table)
    columns = catalogue.types.get(parent)
    if columns is None:
        return ""  # a parent that is not there is no obstacle
    left_out = "; a restore leaves the key out"
    if any(name.lower() not in columns for name in key.ref_columns):
        return f"its parent lacks a column{left_out}"
    if not catalogue.has_index(parent, key.ref_columns):
        return f"its parent lacks an index{left_out}"
    own = catalogue.types[child]
    pairs = zip(key.columns, key.ref_columns, strict=True)
    if any(own[one.lower()] != columns[other.lower()] for one, other in pairs):
        return f"its columns and those of its parent differ in type{left_out}"
    if not catalogue.has_index(child, key.columns):
        return "its table lacks an index; a restore makes one"
    return ""


def _read_catalogue(session: Session, tables: Iterable[Table]) -> _Catalogue:
    schemas = {table.schema for table in tables}
    schemas |= {key.ref_schema for table in tables for key in table.foreign_keys}
    names = ", ".join(quote_text(name) for name in sorted(schemas))
    among = f"CAST(table_schema AS BINARY) IN ({names})"
    types: dict[TableName, dict[str, _Type]] = defaultdict(dict)
    for row in session.rows(
        "SELECT table_schema, table_name, column_name, data_type, column_type, "
        f"character_set_name FROM information_schema.columns WHERE {among}"
    ):
        schema, name, column, data_type, column_type, charset = (decode(one or b"") for one in row)
        is_unsigned = "unsigned" in column_type.lower()
        types[schema, name][column.lower()] = (_normal(data_type), is_unsigned, charset)
    indexes: dict[TableName, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in session.rows(
        "SELECT table_schema, table_name, index_name, column_name FROM "
        f"information_schema.statistics WHERE {among} ORDER BY 1, 2, 3, seq_in_index"
    ):
        schema, name, index, column = (decode(one or b"") for one in row)
        indexes[schema, name][index].append(column.lower())
    return _Catalogue(dict(types), dict(indexes))


def _normal(data_type: str) -> str:
    """Take types for one that a foreign key takes for one."""
    return "text" if data_type.lower() in {"char", "varchar"} else data_type.lower()
