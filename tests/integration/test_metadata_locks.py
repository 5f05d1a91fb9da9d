"""A cut's snapshots let go of a table behind each range, if the login may leave the binlog."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shardvault.dump.reader import RangeReader
from shardvault.errors import ServerError
from shardvault.model.ids import ShardName
from shardvault.model.target import Endpoint, Login, Shard
from shardvault.mysql.session import Session
from tests.integration.barrier_support import cut_of, make_schema, session_of, shard_of
from tests.support.servers import Instance, grant_backup_user

SCHEMA = "metadata_locks"
PASSWORD = "metadata"
READ = f"SELECT id FROM {SCHEMA}.t"


@pytest.fixture(params=["mariadb", "mariadb118", "mysql"])
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    found: Instance = request.getfixturevalue(request.param)
    make_schema(found, SCHEMA, "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    yield found
    with session_of(found) as session:
        session.execute(f"DROP DATABASE {SCHEMA}")


def _alter(session: Session) -> None:
    session.execute("SET SESSION lock_wait_timeout = 1")
    session.execute(f"ALTER TABLE {SCHEMA}.t COMMENT 'changed'")


def _read(shard: Shard, instance: Instance) -> None:
    with cut_of([shard]) as cut, session_of(instance) as other:
        if instance.flavour.family.value == "mysql":
            # There the cut holds DDL off as a whole; without that lock, the table is free.
            cut._links[0].guard.execute("UNLOCK INSTANCE")
        snapshot = cut.shards[shard.name].snapshots[0]
        RangeReader(snapshot).read_released(READ, 1, lambda _: None)
        _alter(other)


def test_a_table_that_was_read_can_be_altered_while_the_cut_is_open(instance: Instance) -> None:
    _read(shard_of("s0", instance), instance)


@pytest.mark.parametrize("instance", ["mariadb"], indirect=True)
def test_without_the_privilege_an_alter_waits_for_the_cut(instance: Instance) -> None:
    grant_backup_user(instance, PASSWORD)
    login = Login("backup", lambda: PASSWORD)
    shard = Shard(ShardName("s0"), Endpoint(socket=instance.socket), login)
    with pytest.raises(ServerError, match=r"[Ll]ock wait timeout"):
        _read(shard, instance)
