"""Leave out of a grant what our login does not have itself, and so cannot grant; pure."""

from __future__ import annotations

from dataclasses import dataclass

from shardvault.fleet.grants import ALL_PRIVILEGES, EVERYWHERE, GRANT_OPTION, Grants, split_grant
from shardvault.mysql.session import decode, encode

_OF_SCHEMAS = frozenset(
    {
        "ALTER",
        "ALTER ROUTINE",
        "CREATE",
        "CREATE ROUTINE",
        "CREATE TEMPORARY TABLES",
        "CREATE VIEW",
        "DELETE",
        "DELETE HISTORY",
        "DROP",
        "EVENT",
        "EXECUTE",
        "INDEX",
        "INSERT",
        "LOCK TABLES",
        "REFERENCES",
        "SELECT",
        "SHOW CREATE ROUTINE",
        "SHOW VIEW",
        "TRIGGER",
        "UPDATE",
    }
)
"""Privileges that can be granted on one schema."""


@dataclass(frozen=True)
class Narrowed:
    """Hold a grant without what our login does not have.

    Attributes:
        statement: empty if nothing is left of it.
        lost: names of the privileges that are left out.
    """

    statement: bytes
    lost: tuple[str, ...]


def narrow_grant(grant: bytes, own: Grants) -> Narrowed:
    """Leave privileges out of a grant that the server refused.

    Args:
        grant: as SHOW GRANTS printed it.
        own: what our login has on everything.
    """
    names, rest = split_grant(decode(grant))
    kept = [name for name in names if own.allows(name.partition(" (")[0])]
    lost = tuple(name for name in names if name not in kept)
    if ALL_PRIVILEGES in lost:
        kept += sorted(_share_of_all(rest, own))
    statement = f"GRANT {', '.join(kept)}{rest}" if kept and lost else ""
    return Narrowed(encode(statement), lost)


def _share_of_all(rest: str, own: Grants) -> frozenset[str]:
    """Give what our login has of all privileges on everything, or on one schema."""
    mine = own.everywhere - {GRANT_OPTION}
    if rest.startswith(EVERYWHERE):
        return mine
    place = rest.removeprefix(" ON ").partition(" TO ")[0]
    return mine & _OF_SCHEMAS if place.endswith(".*") else frozenset()
