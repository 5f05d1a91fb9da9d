"""Read which privileges a login really has, roles in use included."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from shardvault.mysql.session import Session, decode

_NAME = r"(?:`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\"|[^.`\"\s]+)"
_PRIVILEGE = rf"[A-Z_]+(?: [A-Z_]+)*(?: ?\({_NAME}(?:, ?{_NAME})*\))?"
_GRANT = re.compile(
    rf"(?P<verb>GRANT|REVOKE) (?P<list>{_PRIVILEGE}(?:, ?{_PRIVILEGE})*) "
    rf"ON (?P<schema>\*|{_NAME})\.\* (?:TO|FROM) ",
    re.DOTALL,
)
_ALL = "ALL PRIVILEGES"
_OPTION = "GRANT OPTION"


@dataclass(frozen=True)
class Rule:
    """Hold the privileges given, or taken away, on the schemas that match a pattern."""

    pattern: str
    privileges: frozenset[str]


@dataclass(frozen=True)
class Grants:
    """Hold what a login may do, as far as whole schemas are concerned.

    Attributes:
        everywhere: privileges on ``*.*``.
        given: privileges on single schemas.
        revoked: exceptions from ``everywhere`` (MySQL's partial revokes).
    """

    everywhere: frozenset[str]
    given: tuple[Rule, ...] = ()
    revoked: tuple[Rule, ...] = ()

    def allows(self, privilege: str, schemas: Collection[str] = ()) -> bool:
        """Say whether a privilege is held on all of the schemas; none named = on ``*.*``."""
        if _holds(self.everywhere, privilege):
            lost = [rule.pattern for rule in self.revoked if _holds(rule.privileges, privilege)]
            return not (lost and not schemas) and not set(lost) & set(schemas)
        return bool(schemas) and all(self._is_given(privilege, name) for name in schemas)

    def _is_given(self, privilege: str, schema: str) -> bool:
        """Look at the most exact pattern only, as the server does: patterns do not add up."""
        matching = [rule for rule in self.given if matches(rule.pattern, schema)]
        best = max(matching, key=lambda rule: _exactness(rule.pattern), default=None)
        return best is not None and _holds(best.privileges, privilege)


def read_grants(session: Session) -> Grants:
    """Read the grants of this login; both families add the roles that are in use."""
    return parse_grants(decode(row[0] or b"") for row in session.rows("SHOW GRANTS"))


def parse_grants(lines: Iterable[str]) -> Grants:
    """Read the answer to SHOW GRANTS.

    Grants on single tables, columns and routines are left out: no operation of ours can
    work with those alone.
    """
    everywhere: set[str] = set()
    rules: dict[str, dict[str, set[str]]] = {"GRANT": {}, "REVOKE": {}}
    for line in lines:
        match = _GRANT.match(line)
        if match is None:
            continue
        privileges = _split(match["list"])
        if line.endswith(f" WITH {_OPTION}"):
            privileges.add(_OPTION)
        if match["schema"] == "*":
            everywhere |= privileges
        else:
            rules[match["verb"]].setdefault(_unquote(match["schema"]), set()).update(privileges)
    given, revoked = (_freeze(rules[verb]) for verb in ("GRANT", "REVOKE"))
    return Grants(frozenset(everywhere), given, revoked)


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
    return privilege in privileges or (_ALL in privileges and privilege != _OPTION)


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
