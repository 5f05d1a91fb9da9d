"""What the tests of renaming share: definitions, servers and renamings made of little."""

from __future__ import annotations

from shardvault.load.renaming import Renaming, Surroundings, rename_object
from shardvault.model.manifest import ServerIdentity
from shardvault.model.schema import CodeObject, ObjectKind

MARIADB = ServerIdentity("10.11.19-MariaDB", "mariadb", "i", 0, "utf8mb4", "", "", "UTC")
MYSQL = ServerIdentity("9.7.0", "mysql", "i", 0, "utf8mb4", "", "", "UTC")
AROUND = Surroundings(MARIADB)
SHOP = Renaming({"shop": "new"})


def make_object(
    sql: bytes,
    kind: ObjectKind = ObjectKind.PROCEDURE,
    *,
    schema: str = "shop",
    sql_mode: str = "",
    charset: str = "utf8mb4",
) -> CodeObject:
    """Make a code object of its text."""
    return CodeObject(kind, schema, "o", sql, sql_mode, charset, "", table="t")


def rename_text(
    sql: str,
    kind: ObjectKind = ObjectKind.PROCEDURE,
    renaming: Renaming = SHOP,
    *,
    around: Surroundings = AROUND,
    sql_mode: str = "",
) -> str:
    """Rename in the text of a code object."""
    item = make_object(sql.encode(), kind, sql_mode=sql_mode)
    return rename_object(item, renaming, around).create_sql.decode()
