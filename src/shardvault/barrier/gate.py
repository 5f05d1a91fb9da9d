"""Refuse servers on which a cut could not be trusted, before any lock.

The rules are those of ``fleet.settings``, which `check` asks too; here they are asked once
more, on the very connections of the cut.
"""

from __future__ import annotations

from collections.abc import Mapping

from shardvault.errors import RefusedError
from shardvault.fleet.servers import ask_variables
from shardvault.fleet.settings import EXAMINED, examine_settings, examine_version
from shardvault.model.ids import ShardName
from shardvault.model.report import Severity
from shardvault.mysql.session import Session

VARIABLES = ask_variables(*EXAMINED)

_SHARE_OF_LOCK_WAIT = 0.8


def refuse_source(session: Session, variables: Mapping[str, str]) -> None:
    """Raise RefusedError for a server that a rule blocks; names each blocker."""
    shard, family = ShardName(session.shard), session.family
    findings = (
        *examine_version(shard, family, session.version, ".".join(map(str, session.version))),
        *examine_settings(shard, family, variables),
    )
    blockers = [one for one in findings if one.severity is Severity.BLOCKER]
    if blockers:
        raise RefusedError(
            "; ".join(one.message for one in blockers),
            shard=shard,
            hint="\n".join(one.remedy for one in blockers),
        )


def longest_hold_s(variables: Mapping[str, str], limit_s: float) -> float:
    """Return a hold that stays below the server's lock_wait_timeout [s].

    An application whose commit waits longer than that for our lock gets error 1205.
    """
    return min(limit_s, float(variables.get("lock_wait_timeout", "86400")) * _SHARE_OF_LOCK_WAIT)
