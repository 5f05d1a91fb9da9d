"""Read which privileges a login really has, roles in use included."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from shardvault.mysql.session import Session, decode

_NAME = r"(?:`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\"|[^.`\"\s]+)"
_PRIVILEGE = rf"[A-Z_]+(?: [A-Z_]+)*(?: ?\({_NAME}(?:, ?{_NAME})*\))?"
_GRANT = re.compile(
    rf"(?P<verb>GRANT|REVOKE) (?P<list>{_PRIVILEGE}(?:, ?{_PRIVILEGE})*) "
    rf"ON (?:TABLE )?(?P<schema>\*|{_NAME})\.(?P<table>\*|{_NAME}) (?:TO|FROM) ",
    re.DOTALL,
)
_LIST = re.compile(rf"GRANT (?P<list>{_PRIVILEGE}(?:, ?{_PRIVILEGE})*) ON ", re.DOTALL)
_ITEM = re.compile(_PRIVILEGE, re.DOTALL)
EVERYWHERE = " ON *.* "
"""What follows the privileges in a grant on everything."""
ALL_PRIVILEGES = "ALL PRIVILEGES"
GRANT_OPTION = "GRANT OPTION"


@dataclass(frozen=True)
class Rule:
    """Hold the privileges given, or taken away, on the schemas that match a pattern."""

    pattern: str
    privileges: frozenset[str]


@dataclass(frozen=True)
class Grants:
    """Hold what a login is allowed to do with everything, schemas and tables.

    Attributes:
        everywhere: privileges on ``*.*``.
        given: privileges on single schemas.
        revoked: exceptions from ``everywhere`` (MySQL's partial revokes); names, no patterns.
        on_tables: privileges on single tables, by schema and table.
        has_patterns: ``%`` and ``_`` in names of schemas are wild; not under MySQL's
            ``partial_revokes``.
    """

    everywhere: frozenset[str]
    given: tuple[Rule, ...] = ()
    revoked: tuple[Rule, ...] = ()
    on_tables: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    has_patterns: bool = True

    def allows(self, privilege: str, schemas: Collection[str] = ()) -> bool:
        """Say whether a privilege is held on all of the schemas; none named = on ``*.*``."""
        if _holds(self.everywhere, privilege):
            lost = self.revoked_on(privilege)
            return not (lost and not schemas) and not set(lost) & set(schemas)
        return bool(schemas) and all(self._is_given(privilege, name) for name in schemas)

    def allows_on_table(self, privilege: str, schema: str, table: str) -> bool:
        """Say whether a privilege is held on one table, by whatever grant."""
        own = self.on_tables.get((schema, table), frozenset())
        return _holds(own, privilege) or self.allows(privilege, (schema,))

    def revoked_on(self, privilege: str) -> tuple[str, ...]:
        """Name the schemas that are taken out of a privilege on ``*.*``."""
        return tuple(rule.pattern for rule in self.revoked if _holds(rule.privileges, privilege))

    def _is_given(self, privilege: str, schema: str) -> bool:
        """Look at the most exact pattern only, as the server does: patterns do not add up."""
        matching = [rule for rule in self.given if self._matches(rule.pattern, schema)]
        best = max(matching, key=lambda rule: _exactness(rule.pattern), default=None)
        return best is not None and _holds(best.privileges, privilege)

    def _matches(self, pattern: str, schema: str) -> bool:
        return matches(pattern, schema) if self.has_patterns else pattern == schema


def read_grants(session: Session) -> Grants:
    """Read the grants of this login; both families add the roles that are in use."""
    lines = [decode(row[0] or b"") for row in session.rows("SHOW GRANTS")]
    return replace(parse_grants(lines), has_patterns=has_patterns(session))


def has_patterns(session: Session) -> bool:
    """Say whether names of schemas in grants may be patterns; a switch of MySQL's decides.

    Source: MySQL manual, "Privilege Restriction Using Partial Revokes".
    """
    rows = session.rows("SHOW GLOBAL VARIABLES LIKE 'partial\\_revokes'")
    return not rows or rows[0][1] != b"ON"


def parse_grants(lines: Iterable[str]) -> Grants:
    """Read the answer to SHOW GRANTS.

    Grants on single columns and routines are left out: no operation of ours can work with
    those alone.
    """
    everywhere: set[str] = set()
    rules: dict[str, dict[str, set[str]]] = {"GRANT": {}, "REVOKE": {}}
    tables: dict[tuple[str, str], set[str]] = defaultdict(set)
    for line in lines:
        match = _GRANT.match(line)
        if match is None:
            continue
        privileges = _split(match["list"])
        if line.endswith(f" WITH {GRANT_OPTION}"):
            privileges.add(GRANT_OPTION)
        if match["table"] != "*":
            tables[_unquote(match["schema"]), _unquote(match["table"])] |= privileges
        elif match["schema"] == "*":
            everywhere |= privileges
        else:
            rules[match["verb"]].setdefault(_unquote(match["schema"]), set()).update(privileges)
    given, revoked = (_freeze(rules[verb]) for verb in ("GRANT", "REVOKE"))
    on_tables = {name: frozenset(found) for name, found in tables.items()}
    return Grants(frozenset(everywhere), given, revoked, on_tables)


def split_grant(text: str) -> tuple[tuple[str, ...], str]:
    """Split a grant into its privileges and all that follows them; no privileges for others.

    Grants of roles and of PROXY name no privileges.
    """
    match = _LIST.match(text)
    if match is None:
        return (), ""
    privileges = (found[0] for found in _ITEM.finditer(match["list"]))
    return tuple(privileges), text[match.end("list") :]


def find_lost(grant: str, own: Grants) -> tuple[str, ...]:
    """Name the privileges of a grant on everything that a login does not have itself."""
    names, rest = split_grant(grant)
    if not rest.startswith(EVERYWHERE):
        return ()
    return tuple(name for name in names if not own.allows(name))


def _freeze(rules: dict[str, set[str]]) -> tuple[Rule, ...]:
    return tuple(Rule(pattern, frozenset(names)) for pattern, names in rules.items())


def _split(text: str) -> set[str]:
    """Name the privileges of a list; those on single columns are dropped."""
    found = re.findall(rf"({_PRIVILEGE})(?:, ?|$)", text, re.DOTALL)
    return {name for name in found if "(" not in name}


def _unquote(name: str) -> str:
    quote = name[0]
    return name[1:-1].replace(quote * 2, quote) if quote in '`"' else name


def _holds(privileges: Collection[str], privilege: str) -> bool:
    return privilege in privileges or (ALL_PRIVILEGES in privileges and privilege != GRANT_OPTION)


def matches(pattern: str, schema: str) -> bool:
    """Match as the server does: ``%`` and ``_`` are wild unless a backslash precedes them."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    text = "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(text, schema, re.DOTALL) is not None


def _exactness(pattern: str) -> tuple[bool, int]:
    """Rank a name without wildcards first, then by the characters before the first one."""
    match = re.match(r"(?:\\.|[^%_\\])*", pattern, re.DOTALL)
    length = match.end() if match else 0
    return length == len(pattern), length
