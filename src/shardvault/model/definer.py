"""Name the accounts with whose rights code objects run, and say what becomes of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shardvault.errors import UsageError

_PART = r"`(?:[^`]|``)*`|'(?:[^']|'')*'|[^@='`]+"
_ACCOUNT = re.compile(rf"(?P<user>{_PART})(?:@(?P<host>{_PART}))?", re.DOTALL)
_RULE = re.compile(rf"(?P<old>(?:{_PART}|@)+)=(?P<new>(?:{_PART}|@)+)", re.DOTALL)
_HINT = "write keep, skip, app@localhost=dba@localhost, or '*=CURRENT_USER'"
_OWN = "CURRENT_USER"
_ALL = "*"


@dataclass(frozen=True, order=True)
class Definer:
    """Name an account, or a role of MariaDB, which has no host."""

    user: str
    host: str = ""

    def __str__(self) -> str:
        parts = (self.user, self.host) if self.host else (self.user,)
        return "@".join("`" + part.replace("`", "``") + "`" for part in parts)


OWN_LOGIN = Definer(_OWN)
"""Stands for the login of the restore, whatever its account is."""


class MissingDefiner(StrEnum):
    """Say what a restore does with objects whose definer the target cannot take."""

    REFUSE = "refuse"
    KEEP = "keep"
    SKIP = "skip"


@dataclass(frozen=True)
class DefinerRules:
    """Say which definers objects get on the target; without rules they keep theirs.

    Attributes:
        missing: what is done with objects whose definer the target cannot take, and for which
            there is no other rule.
        replaced: definer to the one that takes its place.
        substitute: takes the place of every definer that the target cannot take.
    """

    missing: MissingDefiner = MissingDefiner.REFUSE
    replaced: Mapping[Definer, Definer] = field(default_factory=dict)
    substitute: Definer | None = None

    def describe(self) -> list[str]:
        """Write the rules so that equal ones give equal texts; nothing for none."""
        pairs = [f"{old}={new}" for old, new in sorted(self.replaced.items())]
        star = [f"*={self.substitute}"] if self.substitute else []
        word = [] if self.missing is MissingDefiner.REFUSE else [str(self.missing)]
        return [*word, *pairs, *star]


def parse_definer_rules(words: Iterable[str]) -> DefinerRules:
    """Read rules as a user writes them: ``keep``, ``skip``, ``OLD=NEW``, ``*=NEW``.

    Raises:
        UsageError: a word that is no rule, or one that contradicts another.
    """
    missing: set[MissingDefiner] = set()
    replaced: dict[Definer, Definer] = {}
    for word in map(str.strip, words):
        if word in (MissingDefiner.KEEP, MissingDefiner.SKIP):
            missing.add(MissingDefiner(word))
            continue
        old, new = _parse_pair(word)
        if replaced.setdefault(old, new) != new:
            raise UsageError(f"--definer names {old} twice")
    if len(missing) > 1:
        raise UsageError("--definer keep and --definer skip exclude each other")
    substitute = replaced.pop(Definer(_ALL), None)
    return DefinerRules(missing.pop() if missing else MissingDefiner.REFUSE, replaced, substitute)


def _parse_pair(word: str) -> tuple[Definer, Definer]:
    match = _RULE.fullmatch(word)
    if match is None:
        raise UsageError(f"--definer {word!r} is no rule", hint=_HINT)
    old, new = (_parse_account(match[name], word) for name in ("old", "new"))
    return old, OWN_LOGIN if match["new"].strip().upper() == _OWN else new


def _parse_account(text: str, word: str) -> Definer:
    match = _ACCOUNT.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--definer {word!r}: {text!r} is no account", hint=_HINT)
    return Definer(_unquote(match["user"]), _unquote(match["host"] or ""))


def _unquote(part: str) -> str:
    quote = part[:1]
    return part[1:-1].replace(quote * 2, quote) if quote in ("`", "'") and part else part
