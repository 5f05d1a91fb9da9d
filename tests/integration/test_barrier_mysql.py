from __future__ import annotations

import pytest

from shardvault.barrier import BarrierLimits
from shardvault.errors import (
    BarrierTimeout,
    CutRejected,
    PrivilegeError,
    ServerError,
    XaInDoubt,
)
from shardvault.model.ids import ShardName
from shardvault.model.target import Login, Shard
from shardvault.mysql.session import Session
from tests.integration.barrier_support import (
    ChainWriter,
    ListSink,
    client_ids,
    cut_of,
    make_schema,
    running,
    session_of,
    shard_of,
    wait_until,
)
from tests.support.servers import Instance, grant_backup_user

XID = "X'00ff27',X'5c00',7"
LOCK_WAIT_TIMEOUT = 1205


def test_a_chain_over_both_flavours_has_no_gap_in_the_cut(
    mysql: Instance, mariadb: Instance
) -> None:
    for instance in (mysql, mariadb):
        make_schema(instance, "chain", "CREATE TABLE t (n INT PRIMARY KEY)")
    shards = [shard_of("my", mysql), shard_of("maria", mariadb)]
    with ChainWriter([mysql, mariadb], "chain.t") as writer:
        for _ in range(5):
            before = writer.acknowledged
            with cut_of(shards, BarrierLimits()) as cut:
                seen = sorted(
                    int(row[0] or 0)
                    for part in cut.shards.values()
                    for row in part.snapshots[0].rows("SELECT n FROM chain.t")
                )
                assert seen == list(range(1, len(seen) + 1))
                assert len(seen) >= before


def test_the_position_is_the_servers_own(mysql: Instance) -> None:
    with session_of(mysql) as session, cut_of([shard_of("s", mysql)]) as cut:
        position = cut.shards[ShardName("s")].position
        assert position.gtid_set == session.text("SELECT @@gtid_executed").replace("\n", "") != ""
        assert position.file
        assert position.offset > 0


@pytest.mark.parametrize("kind", ["UPDATE long_one.t SET n = SLEEP(60)", "SELECT SLEEP(60)"])
def test_a_long_statement_is_named_and_stalls_no_writer(mysql: Instance, kind: str) -> None:
    make_schema(
        mysql,
        "long_one",
        "CREATE TABLE t (n INT)",
        "INSERT INTO t VALUES (1)",
        "CREATE TABLE u (n INT)",
    )
    with running(mysql, kind) as blocker, ChainWriter([mysql], "long_one.u") as writer:
        with pytest.raises(BarrierTimeout) as caught, cut_of([shard_of("s", mysql)]):
            pass
        now = writer.acknowledged
        wait_until(lambda: writer.acknowledged > now)
        message = str(caught.value)
        assert "no quiet moment for FLUSH TABLES WITH READ LOCK" in message
        assert f"connection {blocker} of root" in message
        assert kind in message


def test_a_pending_read_lock_is_ended_so_that_writers_go_on(mysql: Instance) -> None:
    make_schema(mysql, "tables", "CREATE TABLE t (n INT)", "CREATE TABLE u (n INT)")
    with session_of(mysql) as holder:
        holder.execute("LOCK TABLES tables.t WRITE")
        with (
            pytest.raises(BarrierTimeout, match="FLUSH TABLES WITH READ LOCK was not granted"),
            cut_of([shard_of("s", mysql)]),
        ):
            pass
        with session_of(mysql) as session:
            session.execute("SET lock_wait_timeout = 1")
            assert session.execute("INSERT INTO tables.u VALUES (1)") == 1


def test_ddl_waits_until_the_cut_is_closed(mysql: Instance) -> None:
    make_schema(mysql, "ddl", "CREATE TABLE t (n INT)")
    with session_of(mysql) as session:
        session.execute("SET lock_wait_timeout = 1")
        with cut_of([shard_of("s", mysql)]) as cut:
            assert session.execute("INSERT INTO ddl.t VALUES (1)") == 1
            with pytest.raises(ServerError) as caught:
                session.execute("ALTER TABLE ddl.t ADD c INT")
            assert caught.value.code == LOCK_WAIT_TIMEOUT
            cut.assert_protected()
        session.execute("ALTER TABLE ddl.t ADD c INT")


def test_a_lost_protection_from_ddl_is_seen(mysql: Instance) -> None:
    wait_until(lambda: not client_ids(mysql))
    with session_of(mysql) as session, cut_of([shard_of("s", mysql)]) as cut:
        snapshot = cut.shards[ShardName("s")].snapshots[0]
        ours = client_ids(mysql) - {session.connection_id, snapshot.connection_id}
        session.execute(f"KILL {ours.pop()}")
        with pytest.raises(CutRejected, match="LOCK INSTANCE FOR BACKUP was lost"):
            cut.assert_protected()


def test_nothing_of_ours_remains_when_the_cut_is_closed(mysql: Instance) -> None:
    wait_until(lambda: not client_ids(mysql))
    with cut_of([shard_of("s", mysql)], snapshots=3):
        wait_until(lambda: len(client_ids(mysql)) == 4)
    wait_until(lambda: not client_ids(mysql))


def test_no_commit_passes_while_the_caller_reads_under_the_barrier(mysql: Instance) -> None:
    make_schema(mysql, "held", "CREATE TABLE t (n INT)")
    codes = []

    def write(shard: ShardName, snapshot: Session) -> None:
        assert snapshot.value("SELECT COUNT(*) FROM held.t") == b"0"
        with session_of(mysql) as session:
            session.execute("SET lock_wait_timeout = 1")
            try:
                session.execute("INSERT INTO held.t VALUES (1)")
            except ServerError as error:
                codes.append(error.code)

    with cut_of([shard_of("s", mysql)], under_barrier=write):
        assert codes == [LOCK_WAIT_TIMEOUT]


def test_a_prepared_transaction_is_named_with_its_bytes(mysql: Instance) -> None:
    make_schema(mysql, "xa", "CREATE TABLE t (n INT)")
    with session_of(mysql) as session:
        for statement in (
            "XA START {}",
            "INSERT INTO xa.t VALUES (1)",
            "XA END {}",
            "XA PREPARE {}",
        ):
            session.execute(statement.format(XID))
        try:
            with pytest.raises(XaInDoubt) as caught, cut_of([shard_of("s", mysql)]):
                pass
            assert f"s: {XID}" in str(caught.value)
        finally:
            session.execute(f"XA ROLLBACK {XID}")


def user_without(mysql: Instance, privilege: str) -> Shard:
    grant_backup_user(mysql, "secret")
    with session_of(mysql) as session:
        session.execute(f"REVOKE {privilege} ON *.* FROM backup@localhost")
    place = shard_of("s", mysql).primary
    return Shard(ShardName("s"), place, Login("backup", lambda: "secret"))


@pytest.mark.parametrize(
    "privilege", ["XA_RECOVER_ADMIN", "BACKUP_ADMIN", "RELOAD", "REPLICATION CLIENT"]
)
def test_a_missing_privilege_is_named_with_its_grant(mysql: Instance, privilege: str) -> None:
    shard = user_without(mysql, privilege)
    with pytest.raises(PrivilegeError) as caught, cut_of([shard], sink=ListSink()):
        pass
    assert f"GRANT {privilege}" in str(caught.value.hint)


def test_the_minimal_privileges_are_enough(mysql: Instance) -> None:
    grant_backup_user(mysql, "secret")
    place = shard_of("s", mysql).primary
    with cut_of([Shard(ShardName("s"), place, Login("backup", lambda: "secret"))]) as cut:
        cut.assert_protected()
