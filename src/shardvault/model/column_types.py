"""List every column type that is kept exact, and the servers that have it.

The one list of types. The dump says for each group how its types are read, the load how
they are written; a type that is not here is refused before any lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shardvault.errors import UnsupportedObject
from shardvault.model.position import Family

Version = tuple[int, int, int]

_OLDEST: Version = (0, 0, 0)
_BOTH = {Family.MARIADB: _OLDEST, Family.MYSQL: _OLDEST}


class TypeGroup(StrEnum):
    """Name the groups of types that are read, written and compared alike."""

    INTEGER = "integers"
    DECIMAL = "decimals"
    FLOAT = "single precision"
    DOUBLE = "double precision"
    BIT = "bit strings"
    MEMBER = "members of a list"
    TIME = "dates and times"
    INSTANT = "instants"
    TEXT = "text"
    BYTES = "bytes"
    JSON = "JSON"
    SHAPE = "shapes"
    VECTOR = "vectors"
    ADDRESS = "identifiers and addresses"


@dataclass(frozen=True)
class ColumnType:
    """Describe one type.

    Attributes:
        since: first version of each family that takes it in a definition; a family that
            never does is missing.
    """

    group: TypeGroup
    since: Mapping[Family, Version]

    def is_known(self, family: Family, version: Version) -> bool:
        """Say whether a server takes the type in a definition."""
        return family in self.since and version >= self.since[family]


_NAMES = {
    TypeGroup.INTEGER: ("tinyint", "smallint", "mediumint", "int", "bigint"),
    TypeGroup.DECIMAL: ("decimal",),
    TypeGroup.FLOAT: ("float",),
    TypeGroup.DOUBLE: ("double",),
    TypeGroup.BIT: ("bit",),
    TypeGroup.MEMBER: ("enum", "set"),
    TypeGroup.TIME: ("date", "datetime", "time", "year"),
    TypeGroup.INSTANT: ("timestamp",),
    TypeGroup.TEXT: ("char", "varchar", "tinytext", "text", "mediumtext", "longtext"),
    TypeGroup.BYTES: ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"),
    TypeGroup.JSON: ("json",),
    TypeGroup.SHAPE: (
        *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring"),
        *("multipolygon", "geometrycollection", "geomcollection"),
    ),
    TypeGroup.VECTOR: ("vector",),
    TypeGroup.ADDRESS: ("uuid", "inet4", "inet6"),
}
_SINCE: Mapping[str, Mapping[Family, Version]] = {
    "inet6": {Family.MARIADB: (10, 5, 0)},
    "uuid": {Family.MARIADB: (10, 7, 0)},
    "inet4": {Family.MARIADB: (10, 10, 0)},
    "vector": {Family.MARIADB: (11, 7, 0), Family.MYSQL: (9, 0, 0)},
    "geomcollection": {Family.MYSQL: (8, 0, 11)},
}

COLUMN_TYPES: Mapping[str, ColumnType] = {
    name: ColumnType(group, _SINCE.get(name, _BOTH))
    for group, names in _NAMES.items()
    for name in names
}
"""Types by the name that ``information_schema.columns.data_type`` gives them in lower case.

Synonyms (BOOL, NUMERIC, VARCHAR2, on MariaDB JSON …) have no entry: the catalogue gives the
type that they stand for. Source: MariaDB and MySQL manuals, "Data Types".
"""


def find_group(data_type: str) -> TypeGroup:
    """Return the group of a type.

    Raises:
        UnsupportedObject: the type is not in the list.
    """
    if (known := COLUMN_TYPES.get(data_type)) is None:
        raise UnsupportedObject(
            f"columns of type {data_type} are not known to come back exactly",
            hint="leave the table out with --exclude",
        )
    return known.group
