"""Find the definers of code objects, and say which of them a server has."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from shardvault.errors import PrivilegeError, ServerError
from shardvault.fleet.definitions import shorten
from shardvault.fleet.grants import Grants, has_patterns, matches, parse_grants
from shardvault.model.definer import Definer
from shardvault.model.position import Family
from shardvault.model.schema import CodeObject, ObjectKind
from shardvault.mysql.session import Session, decode, encode

_NAME = rb'(?:`(?:[^`]|``)*`|"(?:[^"]|"")*")'
# ANSI_QUOTES at the object's creation decides about the quotes.
_DEFINER = re.compile(
    rb"CREATE (?:OR REPLACE )?(?:ALGORITHM=\w+ )?DEFINER=(?P<account>(?P<user>" + _NAME + rb")"
    rb"(?:@(?P<host>" + _NAME + rb"))?)(?P<invoker> SQL SECURITY INVOKER)?"
)
_INVOKER = b"\n    SQL SECURITY INVOKER\n"
_ALWAYS = frozenset({ObjectKind.TRIGGER, ObjectKind.EVENT})
_MOST_NAMED = 20
_ROLE_GRANT = re.compile(r"GRANT [`\"']|GRANT \w+ TO ")
_SYSTEM_USER = (8, 0, 16)


@dataclass(frozen=True)
class Accounts:
    """Hold the accounts and roles of a server."""

    names: frozenset[Definer] = frozenset()

    def have(self, definer: Definer) -> bool:
        """Say whether the server finds an account for a definer."""
        return self.find(definer) is not None

    def find(self, definer: Definer) -> Definer | None:
        """Give the account that the server takes for a definer, None if there is none.

        Source: measured on MariaDB 10.11, 11.8 and MySQL 9.7: the user must be equal, the host
        is compared with the account's pattern; an account without a name serves nobody.
        """
        if definer in self.names:
            return definer
        fitting = (
            known
            for known in self.names
            if known.user == definer.user and matches(known.host.lower(), definer.host.lower())
        )
        return max(fitting, key=lambda known: len(known.host), default=None)

    def with_more(self, names: Iterable[Definer]) -> Accounts:
        """Return these accounts and others."""
        return Accounts(self.names | frozenset(names))


def read_account_names(session: Session) -> Accounts | None:
    """Read the names of all accounts and roles; None if the login is not allowed to."""
    try:
        rows = session.rows("SELECT user, host FROM mysql.user")
    except PrivilegeError:
        return None
    return Accounts(
        frozenset(Definer(decode(row[0] or b""), decode(row[1] or b"")) for row in rows)
    )


def read_account_grants(session: Session, account: Definer) -> Grants | None:
    """Read the grants of an account; None if they cannot be read, or come through roles too."""
    try:
        rows = session.rows(f"SHOW GRANTS FOR {account}")
    except (PrivilegeError, ServerError):
        return None
    lines = [decode(row[0] or b"") for row in rows]
    if any(_ROLE_GRANT.match(line) for line in lines):
        return None
    return replace(parse_grants(lines), has_patterns=has_patterns(session))


def read_system_accounts(session: Session) -> Accounts:
    """Read the accounts that MySQL protects from logins without SYSTEM_USER."""
    if session.family is not Family.MYSQL or session.version < _SYSTEM_USER:
        return Accounts()
    try:
        rows = session.rows("SELECT user, host FROM mysql.global_grants WHERE priv = 'SYSTEM_USER'")
    except PrivilegeError:
        return Accounts()
    return Accounts(
        frozenset(Definer(decode(row[0] or b""), decode(row[1] or b"")) for row in rows)
    )


def read_own_account(session: Session) -> Definer:
    """Read the account of this login."""
    user, _, host = session.text("SELECT CURRENT_USER()").rpartition("@")
    return Definer(user, host)


def find_definer(item: CodeObject) -> Definer | None:
    """Read an object's definer from its text; None if it has none."""
    match = _DEFINER.match(item.create_sql)
    if match is None:
        return None
    definer = Definer(_unquote(match["user"]), _unquote(match["host"] or b""))
    return definer if definer.user else None


def parse_account_name(name: str) -> Definer | None:
    """Read the name of a recorded account."""
    return find_definer(_object_of(name))


def _object_of(name: str) -> CodeObject:
    text = encode(f"CREATE DEFINER={name}")
    return CodeObject(ObjectKind.PROCEDURE, "", "", text, "", "", "")


def needs_definer(item: CodeObject) -> bool:
    """Say whether an object runs with its definer's rights, so that it fails without."""
    if item.kind in _ALWAYS:
        return True
    match = _DEFINER.match(item.create_sql)
    if item.kind is ObjectKind.VIEW:
        return match is not None and match["invoker"] is None
    return _INVOKER not in item.create_sql


def replace_definer(item: CodeObject, definer: Definer) -> CodeObject:
    """Give an object another definer; nothing else of its text changes."""
    match = _DEFINER.match(item.create_sql)
    if match is None:
        return item
    begin, end = match.span("account")
    text = str(definer)
    if match["user"].startswith(b'"'):
        text = _in_double_quotes(definer)
    return replace(item, create_sql=item.create_sql[:begin] + encode(text) + item.create_sql[end:])


def _in_double_quotes(definer: Definer) -> str:
    parts = (definer.user, definer.host) if definer.host else (definer.user,)
    return "@".join('"' + part.replace('"', '""') + '"' for part in parts)


def group_by_definer(objects: Iterable[CodeObject]) -> dict[Definer, list[CodeObject]]:
    """Group objects that can be created by their definers."""
    groups: defaultdict[Definer, list[CodeObject]] = defaultdict(list)
    for item in objects:
        definer = find_definer(item) if item.fault is None else None
        if definer is not None:
            groups[definer].append(item)
    return dict(sorted(groups.items()))


def describe_objects(objects: Collection[CodeObject]) -> str:
    """Count objects by kind and name the first of them."""
    counts = Counter(str(item.kind) for item in objects)
    counted = ", ".join(f"{count} {kind}{'s' * (count > 1)}" for kind, count in counts.items())
    names = [f"{item.schema}.{item.name}" for item in objects]
    return f"{counted}: {shorten(names, most=_MOST_NAMED)}"


def _unquote(name: bytes) -> str:
    if not name:
        return ""
    quote = name[:1]
    return decode(name[1:-1].replace(quote * 2, quote))
