"""Find out, by asking live, whether a target is a server of the source fleet, or bound to one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shardvault.errors import PrivilegeError, ShardvaultError
from shardvault.failpoints import is_off
from shardvault.fleet.instance_identity import group_instances
from shardvault.fleet.replication import Channel, read_channels, read_replication_identity
from shardvault.model.ids import ShardName
from shardvault.model.report import Finding, Severity
from shardvault.model.target import Fleet, Shard
from shardvault.mysql.session import Session
from shardvault.workers.local import map_parallel

_CONNECT_LIMIT_S = 5.0
_READ_LIMIT_S = 15.0
_MOST_THREADS = 32


@dataclass(frozen=True)
class TargetIdentity:
    """Say what one target is.

    Attributes:
        hits: sentences that say how a restore into it would change the live source.
        findings: what else was found, and what could not be asked.
    """

    hits: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass
class _Found:
    """Collect what is found about one target."""

    name: ShardName
    hits: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, severity: Severity, what: str, message: str, remedy: str = "") -> None:
        self.findings.append(Finding(severity, self.name, what, message, remedy))


@dataclass
class _Sources:
    """Hold a session to each server of the source fleet that answers, by its description."""

    sessions: dict[str, Session] = field(default_factory=dict)
    unasked: dict[str, str] = field(default_factory=dict)


def identify_targets(
    targets: Sequence[Shard], source: Fleet | None
) -> dict[ShardName, TargetIdentity]:
    """Ask every target and every server of the source fleet who it is.

    Args:
        targets: where a restore would write, each once.
        source: the configured fleet; None = there is none to ask.

    Raises:
        ConnectError: a target cannot be reached.
    """
    if is_off("restore.identity"):
        return {target.name: TargetIdentity() for target in targets}
    sessions: dict[ShardName, Session] = {}
    with contextlib.ExitStack() as stack:

        def connect(target: Shard) -> None:
            sessions[target.name] = stack.enter_context(_open(target))

        map_parallel(connect, list(targets), limit=_MOST_THREADS)
        sources = _open_sources(source, stack) if source is not None else _Sources()
        found = {name: _Found(name) for name in sessions}
        _compare_instances(sessions, sources, found)
        for name, session in sessions.items():
            _examine_replication(session, sources.sessions, found[name])
    _note_unasked(sources, found)
    return {
        name: TargetIdentity(tuple(one.hits), tuple(one.findings)) for name, one in found.items()
    }


def _open(shard: Shard) -> Session:
    return Session.open(shard.primary, shard.login, shard=shard.name, read_timeout_s=_READ_LIMIT_S)


def _open_sources(fleet: Fleet, stack: contextlib.ExitStack) -> _Sources:
    """Connect to primaries and replicas; one that does not answer is noted."""
    sources = _Sources()

    def connect(place: tuple[str, Shard, int]) -> None:
        label, shard, number = place
        endpoint = shard.primary if number < 0 else shard.replicas[number]
        try:
            session = Session.open(
                endpoint,
                shard.login,
                shard=shard.name,
                timeout_s=_CONNECT_LIMIT_S,
                read_timeout_s=_READ_LIMIT_S,
            )
            sources.sessions[label] = stack.enter_context(session)
        except ShardvaultError as error:
            sources.unasked[label] = error.message

    map_parallel(connect, list(_list_servers(fleet)), limit=_MOST_THREADS)
    return sources


def _list_servers(fleet: Fleet) -> Iterator[tuple[str, Shard, int]]:
    """Describe every server of a fleet; -1 stands for a primary."""
    for shard in fleet.shards:
        yield f"shard {shard.name} of the fleet {fleet.name}", shard, -1
        for number, endpoint in enumerate(shard.replicas):
            label = f"the replica {endpoint} of shard {shard.name} of the fleet {fleet.name}"
            yield label, shard, number


def _compare_instances(
    targets: Mapping[ShardName, Session], sources: _Sources, found: Mapping[ShardName, _Found]
) -> None:
    """Note which targets are one server, and which are a server of the source fleet."""
    try:
        groups = group_instances({**targets, **sources.sessions})
    except ShardvaultError as error:
        sources.unasked.update(dict.fromkeys(sources.sessions, error.message))
        return
    for group in groups:
        names = [name for name in targets if name in group]
        labels = [label for label in sources.sessions if label in group]
        for name in names:
            found[name].hits += [f"this is {label}" for label in labels]
            others = [other for other in names if other != name]
            if others:
                message = f"it is the same server instance as {', '.join(others)}"
                remedy = "name it once in the target's file, and send both shards there with --map"
                found[name].add(Severity.BLOCKER, "instances", message, remedy)


def _examine_replication(target: Session, sources: Mapping[str, Session], found: _Found) -> None:
    """Look at replication between a target and the live source, in both directions."""
    unseen = []
    identities = {label: read_replication_identity(session) for label, session in sources.items()}
    try:
        for channel in read_channels(target):
            _judge_channel(channel, identities, target, sources, found)
    except PrivilegeError:
        unseen.append("it")
    own = read_replication_identity(target)
    for label, session in sources.items():
        try:
            channels = read_channels(session)
        except PrivilegeError:
            unseen.append(label)
            continue
        if session.family is target.family and any(one.source == own for one in channels):
            found.hits.append(f"{label} replicates from this server")
    if unseen:
        message = f"not allowed to see whether these replicate from others: {', '.join(unseen)}"
        found.add(Severity.INFO, "replication", message)


def _judge_channel(
    channel: Channel,
    identities: Mapping[str, str],
    target: Session,
    sources: Mapping[str, Session],
    found: _Found,
) -> None:
    """Report one server from which a target replicates."""
    live = [
        label
        for label, identity in identities.items()
        if identity == channel.source and sources[label].family is target.family
    ]
    what = f"{live[0]} ({channel.place})" if live else channel.place
    if not channel.is_applying:
        message = f"it is a stopped replica of {what}: once started, changes arrive again"
        found.add(Severity.WARNING, "replication", message, "remove it with RESET REPLICA ALL")
        return
    message = f"it replicates from {what}: changes arrive while the restore works"
    severity = Severity.BLOCKER if live else Severity.WARNING
    found.add(severity, "replication", message, "stop it first: STOP REPLICA, RESET REPLICA ALL")


def _note_unasked(sources: _Sources, found: Mapping[ShardName, _Found]) -> None:
    """Say which servers did not answer; for these counts what the backup remembers."""
    for label, reason in sources.unasked.items():
        message = (
            f"{label} cannot be asked whether this is it ({reason}); "
            "only what the backup remembers of it is compared"
        )
        remedy = "make sure that this target is not a live server of the source fleet"
        for one in found.values():
            one.add(Severity.WARNING, "source", message, remedy)
