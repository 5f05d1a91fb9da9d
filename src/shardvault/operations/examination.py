"""Ask the rules about servers and their contents, over a whole fleet.

`check` reports the answers; `backup` asks the same and refuses what they block, before
anything is locked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from shardvault.barrier.limits import HOLD_S
from shardvault.barrier.round_trips import DISTANCE_REMEDY, examine_distance
from shardvault.errors import PrivilegeError, RefusedError, ShardvaultError
from shardvault.failpoints import is_off
from shardvault.fleet.preflight import (
    PRIVILEGES,
    Source,
    SourceContents,
    compare_servers,
    examine_contents,
    examine_server,
    failed_rule,
)
from shardvault.fleet.scope import Selection, choose_shards
from shardvault.model.ids import ShardName
from shardvault.model.report import Finding, Severity
from shardvault.model.target import Fleet, Scope, Shard
from shardvault.mysql.session import Session
from shardvault.mysql.state import prepare_read
from shardvault.operations.small_tables import SMALL_BYTES
from shardvault.operations.survey import Sessions, ShardSurvey, choose_scope, survey_shard
from shardvault.workers.local import map_parallel

_FLEET = "fleet"
_MOST_THREADS = 32
_READ_TIMEOUT_S = 300.0


def examine_sources(fleet: Fleet, sessions: Sessions, scope: Scope) -> tuple[Finding, ...]:
    """Ask every rule about the servers, one by one and together.

    Args:
        sessions: as the backup uses them, by shard.

    Raises:
        ConnectError: a connection was lost.
    """
    found = map_parallel(
        lambda shard: examine_server(Source(shard, sessions[shard.name], fleet, scope)),
        [shard for shard in fleet.shards if shard.name in sessions],
        limit=_MOST_THREADS,
    )
    return (*(finding for group in found for finding in group), *compare_servers(sessions))


def refuse_sources(findings: Iterable[Finding]) -> None:
    """Stop a backup here if a rule about servers blocks it; nothing was locked.

    Raises:
        PrivilegeError: a login lacks a privilege.
        RefusedError: another rule blocks.
    """
    blockers = [one for one in findings if one.severity is Severity.BLOCKER]
    if not blockers or is_off("backup.source_rules"):
        return
    is_privilege = any(one.what == PRIVILEGES for one in blockers)
    kind = PrivilegeError if is_privilege else RefusedError
    lines = (f"{_place(one.where)}: {one.message}" for one in blockers)
    remedies = dict.fromkeys(one.remedy for one in blockers if one.remedy)
    raise kind(f"cannot be backed up: {'; '.join(lines)}", hint="\n".join(remedies) or None)


def _place(where: str) -> str:
    return where if where == _FLEET else f"shard {where}"


def examine_survey(
    shard: Shard, session: Session, survey: ShardSurvey, scope: Scope
) -> tuple[Finding, ...]:
    """Ask every rule about what a survey of this scope found on one shard."""
    return examine_contents(
        SourceContents(
            shard,
            session,
            survey.inventory,
            survey.objects,
            SMALL_BYTES,
            is_narrowed=bool(scope.include),
        )
    )


def examine_fleet(fleet: Fleet, scope: Scope, hold_s: float = HOLD_S) -> tuple[Finding, ...]:
    """Examine the shards in scope as a backup does; a shard's fault is never raised.

    What a login is not shown could be taken for absent: the contents of a shard are examined
    only where no privilege is missing.

    Args:
        fleet: whose primaries are asked.
        scope: what is to be backed up.
        hold_s: longest hold of the barrier [s].

    Raises:
        UsageError: the scope names a shard that the fleet does not have.
    """
    return survey_fleet(fleet, scope, hold_s)[0]


def survey_fleet(
    fleet: Fleet, scope: Scope, hold_s: float = HOLD_S
) -> tuple[tuple[Finding, ...], dict[ShardName, ShardSurvey]]:
    """Examine the shards in scope, and return also what each of them holds.

    A shard whose contents could not be examined has no survey, but a finding.

    Raises:
        UsageError: the scope names a shard that the fleet does not have.
    """
    wanted = choose_shards(fleet, scope.shards)
    examination = _Examination(fleet, scope, hold_s)
    try:
        examination.connect([shard for shard in fleet.shards if shard.name in wanted])
        examination.ask_servers()
        examination.ask_contents()
    finally:
        for session in examination.opened:
            session.close()
    surveys = examination.surveys
    ordered = {shard.name: surveys[shard.name] for shard in fleet.shards if shard.name in surveys}
    return tuple(examination.findings), ordered


@dataclass
class _Examination:
    """Hold the sessions of a check and what was found; what fails is a finding.

    Attributes:
        shards: those that can still be asked.
        opened: every session.
        surveys: what the shards hold in scope.
        wanted: how many shards were to be asked.
    """

    fleet: Fleet
    scope: Scope
    hold_s: float
    shards: list[Shard] = field(default_factory=list)
    sessions: dict[ShardName, Session] = field(default_factory=dict)
    opened: list[Session] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    surveys: dict[ShardName, ShardSurvey] = field(default_factory=dict)
    wanted: int = 0

    def connect(self, shards: Sequence[Shard]) -> None:
        """Connect to every shard."""

        def connect(shard: Shard) -> tuple[Finding, ...]:
            session = Session.open(
                shard.primary, shard.login, shard=shard.name, read_timeout_s=_READ_TIMEOUT_S
            )
            self.opened.append(session)
            self.sessions[shard.name] = session
            return ()

        self.shards, self.wanted = list(shards), len(shards)
        self._each("connection", connect)
        # Threads came in any order.
        self.sessions = {one.name: self.sessions[one.name] for one in self.shards}

    def ask_servers(self) -> None:
        """Ask the rules about each server, then those about all together."""

        def examine(shard: Shard) -> tuple[Finding, ...]:
            session = self.sessions[shard.name]
            found = examine_server(Source(shard, session, self.fleet, self.scope))
            return (*found, *_examine_distance(shard, session, self.hold_s))

        self._each("connection", examine)
        sessions = {shard.name: self.sessions[shard.name] for shard in self.shards}
        self.findings += _try(_FLEET, "instances", lambda: compare_servers(sessions))

    def ask_contents(self) -> None:
        """Ask the rules about what is in scope on the servers where no privilege is missing."""
        lacking = {
            one.where
            for one in self.findings
            if (one.what, one.severity) == (PRIVILEGES, Severity.BLOCKER)
        }
        self.shards = [shard for shard in self.shards if shard.name not in lacking]
        self._each("session", self._prepare)
        sessions = {shard.name: self.sessions[shard.name] for shard in self.shards}
        selections: list[Selection] = []

        def choose() -> tuple[Finding, ...]:
            selections.append(choose_scope(self.fleet, sessions, self.scope).selection)
            return ()

        def examine(shard: Shard) -> tuple[Finding, ...]:
            session = sessions[shard.name]
            here = selections[0].on_shard(shard.name)
            survey = self.surveys[shard.name] = survey_shard(shard.name, session, here, self.scope)
            return examine_survey(shard, session, survey, self.scope)

        if sessions:
            found = _try(_FLEET, "scope", choose)
            # What a shard holds that could not be asked is unknown, and reported already.
            self.findings += found if len(sessions) == self.wanted else ()
        if selections:
            self._each("tables", examine)

    def _prepare(self, shard: Shard) -> tuple[Finding, ...]:
        prepare_read(self.sessions[shard.name])
        return ()

    def _each(self, what: str, examine: Callable[[Shard], Iterable[Finding]]) -> None:
        """Do something for every shard at once; a shard that fails is asked no more."""
        failed: set[ShardName] = set()

        def work(shard: Shard) -> list[Finding]:
            found = _try(shard.name, what, lambda: examine(shard), lambda: failed.add(shard.name))
            return list(found)

        found = map_parallel(work, self.shards, limit=_MOST_THREADS)
        self.findings += [finding for group in found for finding in group]
        self.shards = [shard for shard in self.shards if shard.name not in failed]


def _examine_distance(shard: Shard, session: Session, hold_s: float) -> Iterator[Finding]:
    """Block what the barrier itself refuses, see ``barrier.round_trips``."""
    if message := examine_distance(session, hold_s):
        yield Finding(Severity.BLOCKER, shard.name, "round trip", message, DISTANCE_REMEDY)


def _try(
    where: str,
    what: str,
    examine: Callable[[], Iterable[Finding]],
    fail: Callable[[], object] = lambda: None,
) -> Iterable[Finding]:
    try:
        return tuple(examine())
    except ShardvaultError as error:
        fail()
        return (failed_rule(where, what, error),)
