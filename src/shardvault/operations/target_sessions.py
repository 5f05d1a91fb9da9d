"""Open sessions that load into a target."""

from __future__ import annotations

from shardvault.model.position import Family
from shardvault.model.target import Shard
from shardvault.mysql.session import Session
from shardvault.mysql.state import prepare_load

# Building an index or validating a foreign key answers only when it is done.
_READ_TIMEOUT_S = 24 * 3600.0


def open_target(shard: Shard) -> Session:
    """Open a session in the load state; LOAD DATA LOCAL is announced to MySQL only."""
    session = _open(shard, local_infile=False)
    if session.family is Family.MYSQL:
        session.close()
        session = _open(shard, local_infile=True)
    prepare_load(session)
    return session


def _open(shard: Shard, *, local_infile: bool) -> Session:
    return Session.open(
        shard.primary,
        shard.login,
        shard=shard.name,
        read_timeout_s=_READ_TIMEOUT_S,
        local_infile=local_infile,
    )
