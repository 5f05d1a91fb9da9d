"""Add foreign keys after the rows; one that no server takes is left out and reported."""

from __future__ import annotations

from collections.abc import Collection

from shardvault.errors import ServerError
from shardvault.load.ddl import first_name, is_foreign_key, parse_table
from shardvault.load.warnings import run_clean
from shardvault.model.schema import Table
from shardvault.mysql.quoting import quote_table
from shardvault.mysql.session import Session, decode, encode

_UNFIT = frozenset({1005, 1215, 1821, 1822, 3734, 3780, 6125})
"""Errors for a foreign key that does not fit its parent or its own table.

With ``foreign_key_checks=0`` a server lets an index or a column go that a foreign key needs;
such a key stays in the definition, but no server takes it again.
"""


def add_foreign_keys(
    session: Session, table: Table, present: Collection[str] = ()
) -> dict[str, str]:
    """Add the foreign keys of a table, all at once if the server takes them all.

    Args:
        session: in the load state, where rows are not compared with their parents.
        table: is there, with its rows and its other keys; so are all other tables.
        present: names of the keys that are there.

    Returns:
        the keys that cannot be made, with the server's reason.

    Raises:
        ServerError: refused for another reason.
    """
    parts = {
        decode(first_name(part)): part.strip()
        for part in parse_table(table.create_sql).parts
        if is_foreign_key(part)
    }
    missing = {name: part for name, part in parts.items() if name not in present}
    if not missing or not (reason := _add(session, table, *missing.values())):
        return {}
    if len(missing) == 1:
        return dict.fromkeys(missing, reason)
    reasons = {name: _add(session, table, part) for name, part in missing.items()}
    return {name: why for name, why in reasons.items() if why}


def _add(session: Session, table: Table, *parts: bytes) -> str:
    """Add some foreign keys; give the server's reason if they do not fit."""
    place = encode(quote_table(table.schema, table.name))
    try:
        run_clean(session, b"ALTER TABLE " + place + b" ADD " + b", ADD ".join(parts))
    except ServerError as error:
        if error.code not in _UNFIT:
            raise
        return error.message
    return ""
