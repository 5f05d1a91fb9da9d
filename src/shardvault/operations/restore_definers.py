"""Decide which definers the objects of a restore get, before the target is examined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from shardvault.failpoints import is_off
from shardvault.fleet.accounts import SYSTEM_USERS
from shardvault.fleet.definers import (
    Accounts,
    describe_objects,
    group_by_definer,
    needs_definer,
    parse_account_name,
    read_account_names,
    read_own_account,
    read_system_accounts,
    replace_definer,
)
from shardvault.fleet.privileges import Need, missing_by_need, write_grant
from shardvault.fleet.usability import DEFINERS
from shardvault.model.definer import OWN_LOGIN, Definer, DefinerRules, MissingDefiner
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import CodeObject
from shardvault.mysql.session import Session

_CREATE = "create the account, or choose another definer with --definer OLD=NEW"


@dataclass(frozen=True)
class Settled:
    """Hold what became of the objects.

    Attributes:
        objects: those that are created, with the definers that they get.
        notes: what was changed or left out because the user asked for it.
        findings: definers that the target cannot take, and for which there is no rule.
    """

    objects: tuple[CodeObject, ...]
    notes: tuple[Finding, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """Say why a target cannot take a definer as it is.

    Attributes:
        can_keep: whether the objects can be created with it all the same.
        grant: the statement that gives our login what it lacks; empty if it lacks nothing.
    """

    reason: str
    can_keep: bool = True
    grant: str = ""


@dataclass(frozen=True)
class DefinerTarget:
    """Say which definers a target can take.

    Attributes:
        where: the target's name for people.
        own: account of the restore's login.
        accounts: on the target once the restore has created its own; None if unknown.
        recorded: accounts in the backup; None if the backup has none.
        system: accounts there that only a login with SYSTEM_USER is allowed to name.
        lacking: name and GRANT of the privileges for definers that the login does not have.
    """

    where: str
    own: Definer
    accounts: Accounts | None
    recorded: Accounts | None
    system: Accounts = field(default_factory=Accounts)
    lacking: Mapping[Need, tuple[str, str]] = field(default_factory=dict)

    def refusal(self, definer: Definer) -> Refusal | None:
        """Say why objects cannot have a definer, None if they can."""
        if definer == self.own:
            return None
        if Need.OTHER_DEFINER in self.lacking:
            return self._not_allowed("is not the login of the restore", Need.OTHER_DEFINER)
        if self.accounts is not None and not self.accounts.have(definer):
            if Need.MISSING_DEFINER in self.lacking:
                return self._not_allowed("does not exist there", Need.MISSING_DEFINER)
            return Refusal("does not exist there")
        if Need.SYSTEM_DEFINER in self.lacking and self.system.have(definer):
            return self._not_allowed("is a system user there", Need.SYSTEM_DEFINER)
        return None

    def _not_allowed(self, what: str, need: Need) -> Refusal:
        name, grant = self.lacking[need]
        return Refusal(f"{what}, and this login lacks {name} to name it", False, grant)

    def was_missing(self, definer: Definer) -> bool:
        """Say whether the definer did not exist at the source either."""
        is_system = definer.user in SYSTEM_USERS
        return self.recorded is not None and not is_system and not self.recorded.have(definer)


def read_definer_target(
    session: Session, created: Iterable[str], recorded: Iterable[str]
) -> DefinerTarget:
    """Ask a target for its accounts and for what our login is allowed to do.

    Args:
        session: in any state.
        created: names of the accounts that the restore creates.
        recorded: names of the accounts that the backup has.
    """
    accounts = read_account_names(session)
    if accounts is not None:
        accounts = accounts.with_more(filter(None, map(parse_account_name, created)))
    known = frozenset(filter(None, map(parse_account_name, recorded)))
    missing = missing_by_need(session)
    return DefinerTarget(
        where=session.shard,
        own=read_own_account(session),
        accounts=accounts,
        recorded=Accounts(known) if known else None,
        system=read_system_accounts(session),
        lacking={need: (one.name, write_grant(session, [one])) for need, one in missing.items()},
    )


def settle_definers(
    objects: tuple[CodeObject, ...], rules: DefinerRules, target: DefinerTarget
) -> Settled:
    """Apply the rules; what no rule covers is a blocker.

    An object whose definer did not exist at the source either, or that does not run with its
    definer's rights, is no reason to stop: it comes back as it was.
    """
    if is_off("restore.definers"):
        return Settled(objects)
    work = _Work(rules, target)
    for definer, group in group_by_definer(objects).items():
        work.settle(definer, group)
    kept = (work.changed.get(id(item), item) for item in objects if id(item) not in work.left_out)
    return Settled(tuple(kept), tuple(work.notes), tuple(work.findings))


class _Work:
    """Collect what becomes of each object."""

    def __init__(self, rules: DefinerRules, target: DefinerTarget) -> None:
        self._rules = rules
        self._target = target
        self.changed: dict[int, CodeObject] = {}
        self.left_out: set[int] = set()
        self.notes: list[Finding] = []
        self.findings: list[Finding] = []

    def settle(self, definer: Definer, group: list[CodeObject]) -> None:
        """Decide for all objects of one definer."""
        refusal = self._target.refusal(definer)
        new = self._rules.replaced.get(definer)
        if new is None and refusal is not None:
            new = self._rules.substitute
        if new is not None:
            self._replace(definer, new, group)
        elif refusal is not None:
            self._refuse(definer, refusal, group)

    def _replace(self, old: Definer, new: Definer, group: list[CodeObject]) -> None:
        new = self._target.own if new == OWN_LOGIN else new
        self.changed |= {id(item): replace_definer(item, new) for item in group}
        message = f"{old} becomes {new}, as asked: {describe_objects(group)}"
        self.notes.append(self._finding(Severity.INFO, message))
        if refusal := self._target.refusal(new):
            self._block(new, refusal, group)

    def _refuse(self, definer: Definer, refusal: Refusal, group: list[CodeObject]) -> None:
        needing = [item for item in group if needs_definer(item)]
        if self._rules.missing is MissingDefiner.SKIP:
            self.left_out |= {id(item) for item in group}
            message = f"{definer} {refusal.reason}; left out, as asked: {describe_objects(group)}"
            self.notes.append(self._finding(Severity.WARNING, message, _CREATE))
        elif not refusal.can_keep:
            self._block(definer, refusal, group)
        elif not needing:
            message = f"{definer} {refusal.reason}; these run without it: {describe_objects(group)}"
            self.findings.append(self._finding(Severity.INFO, message))
        elif self._rules.missing is MissingDefiner.KEEP:
            self._tell(definer, refusal.reason, needing)
        elif self._target.was_missing(definer):
            self._tell(definer, f"{refusal.reason}, nor did it at the source", needing)
        else:
            self._block(definer, refusal, needing)

    def _tell(self, definer: Definer, reason: str, group: list[CodeObject]) -> None:
        message = f"{definer} {reason}; these fail with error 1449: {describe_objects(group)}"
        self.findings.append(self._finding(Severity.WARNING, message, _CREATE))

    def _block(self, definer: Definer, refusal: Refusal, group: list[CodeObject]) -> None:
        message = f"{definer} {refusal.reason}; it is the definer of {describe_objects(group)}"
        remedy = "\n".join(self._choices(definer, refusal))
        self.findings.append(self._finding(Severity.BLOCKER, message, remedy))

    def _choices(self, definer: Definer, refusal: Refusal) -> Iterator[str]:
        recorded = self._target.recorded
        if refusal.grant:
            yield refusal.grant
        elif recorded is not None and recorded.have(definer):
            yield "--with-accounts creates it"
        yield f"--definer '{definer}=NEW' or '*=CURRENT_USER' replaces it"
        if refusal.can_keep:
            yield "--definer keep creates the objects all the same"
        yield "--definer skip leaves them out"

    def _finding(self, severity: Severity, message: str, remedy: str = "") -> Finding:
        return Finding(severity, self._target.where, DEFINERS, message, remedy)
