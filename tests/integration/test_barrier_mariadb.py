from __future__ import annotations

import pytest

from shardvault import failpoints
from shardvault.barrier import BarrierLimits, Cut, take_cut
from shardvault.errors import (
    BarrierTimeout,
    CutRejected,
    PrivilegeError,
    ServerError,
    XaInDoubt,
)
from shardvault.events import BarrierHeld, Event, Retrying
from shardvault.model.ids import ShardName
from shardvault.model.manifest import Consistency
from shardvault.model.target import Login, Shard
from shardvault.mysql.session import Session, decode
from tests.integration.barrier_support import (
    ONCE,
    ChainWriter,
    ListSink,
    client_ids,
    cut_of,
    end_statements,
    make_schema,
    running,
    session_of,
    shard_of,
    shards_of,
    wait_until,
)
from tests.support.fleet import Fleet
from tests.support.servers import Instance, grant_backup_user

XID = "X'00ff27',X'5c00',7"


def seen_numbers(cut: Cut, nth: int) -> list[int]:
    """Read the chain over all shards, each through its n-th snapshot."""
    return sorted(
        int(row[0] or 0)
        for part in cut.shards.values()
        for row in part.snapshots[nth].rows("SELECT n FROM chain.t")
    )


def test_a_chain_of_writes_over_all_shards_has_no_gap_in_the_cut(mariadb_fleet: Fleet) -> None:
    for instance in mariadb_fleet.instances:
        make_schema(instance, "chain", "CREATE TABLE t (n INT PRIMARY KEY)")
    shards = shards_of(mariadb_fleet.shards)
    with ChainWriter(mariadb_fleet.instances, "chain.t") as writer:
        for _ in range(5):
            before = writer.acknowledged
            with cut_of(shards, BarrierLimits(), snapshots=2) as cut:
                wait_until(lambda now=writer.acknowledged: writer.acknowledged > now + 5)  # type: ignore[misc]
                for nth in (0, 1):
                    seen = seen_numbers(cut, nth)
                    assert seen == list(range(1, len(seen) + 1))
                    assert len(seen) >= before
                assert cut.consistency is Consistency.BARRIER_XA


def test_without_the_barrier_the_chain_breaks(
    mariadb_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = failpoints._parse("cut.barrier=off;cut.some_locked=sleep:0.02")
    monkeypatch.setattr(failpoints, "_points", points)
    for instance in mariadb_fleet.instances:
        make_schema(instance, "chain", "CREATE TABLE t (n INT PRIMARY KEY)")
    broken = 0
    with ChainWriter(mariadb_fleet.instances, "chain.t"):
        for _ in range(5):
            with cut_of(shards_of(mariadb_fleet.shards), BarrierLimits()) as cut:
                seen = seen_numbers(cut, 0)
                broken += seen != list(range(1, len(seen) + 1))
    assert broken >= 4


def test_the_hold_is_measured_and_reported(mariadb_fleet: Fleet) -> None:
    sink = ListSink()
    with cut_of(shards_of(mariadb_fleet.shards), sink=sink) as cut:
        assert cut.record.held_ms == max(part.held_ms for part in cut.shards.values()) > 0
        assert sink.events == [BarrierHeld(cut.record.held_ms, cut.record.lock_wait_ms, 1)]
        assert "without XA" in cut.claims_not[0]


def test_the_position_is_the_servers_own(mariadb: Instance) -> None:
    make_schema(mariadb, "place", "CREATE TABLE t (n INT)")
    with session_of(mariadb) as session, cut_of([shard_of("s", mariadb)]) as cut:
        position = cut.shards[ShardName("s")].position
        assert position.gtid_set == session.text("SELECT @@gtid_binlog_pos") != ""
        file, offset, *_ = session.rows("SHOW MASTER STATUS")[0]
        assert (position.file, position.offset) == (decode(file or b""), int(offset or 0))


def test_nothing_of_ours_remains_when_the_cut_is_closed(mariadb: Instance) -> None:
    wait_until(lambda: not client_ids(mariadb))
    with cut_of([shard_of("s", mariadb)], snapshots=3):
        wait_until(lambda: len(client_ids(mariadb)) == 3)
    wait_until(lambda: not client_ids(mariadb))


def test_a_long_update_and_a_long_select_do_not_stand_in_the_way(mariadb: Instance) -> None:
    make_schema(mariadb, "busy", "CREATE TABLE t (n INT)", "INSERT INTO t VALUES (1)")
    with (
        running(mariadb, "UPDATE busy.t SET n = n + SLEEP(60)"),
        running(mariadb, "SELECT SLEEP(60) FROM busy.t"),
        cut_of([shard_of("s", mariadb)]) as cut,
    ):
        assert cut.record.attempts == 1


def test_create_select_in_the_way_is_named_and_writers_go_on(mariadb: Instance) -> None:
    make_schema(mariadb, "ctas", "CREATE TABLE t (n INT)")
    with running(mariadb, "CREATE TABLE ctas.u SELECT SLEEP(60) AS n") as blocker:
        with pytest.raises(BarrierTimeout) as caught, cut_of([shard_of("s", mariadb)]):
            pass
        assert "BACKUP STAGE START" in str(caught.value)
        assert f"connection {blocker} of root" in str(caught.value)
        assert "CREATE TABLE ctas.u SELECT" in str(caught.value)
        with session_of(mariadb) as session:
            session.execute("SET lock_wait_timeout = 1")
            assert session.execute("INSERT INTO ctas.t VALUES (1)") == 1


def test_a_write_to_a_non_transactional_table_in_the_way_is_named(mariadb: Instance) -> None:
    make_schema(
        mariadb, "plain", "CREATE TABLE t (n INT) ENGINE=MyISAM", "INSERT INTO t VALUES (1)"
    )
    with running(mariadb, "UPDATE plain.t SET n = SLEEP(60)") as blocker:
        with pytest.raises(BarrierTimeout) as caught, cut_of([shard_of("s", mariadb)]):
            pass
        assert "BACKUP STAGE BLOCK_DDL" in str(caught.value)
        assert f"connection {blocker} " in str(caught.value)
        assert f"KILL {blocker}" in str(caught.value.hint)


def test_no_commit_passes_while_the_caller_reads_under_the_barrier(mariadb: Instance) -> None:
    make_schema(mariadb, "held", "CREATE TABLE t (n INT)")
    codes = []

    def write(shard: ShardName, snapshot: Session) -> None:
        assert snapshot.value("SELECT COUNT(*) FROM held.t") == b"0"
        with session_of(mariadb) as session:
            session.execute("SET lock_wait_timeout = 0")
            try:
                session.execute("INSERT INTO held.t VALUES (1)")
            except ServerError as error:
                codes.append(error.code)

    with cut_of([shard_of("s", mariadb)], under_barrier=write):
        assert codes == [1205]


def test_reading_too_long_under_the_barrier_is_ended(mariadb: Instance) -> None:
    def read(shard: ShardName, snapshot: Session) -> None:
        snapshot.value("SELECT SLEEP(60)")

    make_schema(mariadb, "slow", "CREATE TABLE t (n INT)")
    limits = BarrierLimits(attempts=1, hold_s=0.5)
    with (
        pytest.raises(BarrierTimeout, match="shard s: reading under the barrier"),
        cut_of([shard_of("s", mariadb)], limits, under_barrier=read),
    ):
        pass
    with session_of(mariadb) as session:
        session.execute("SET lock_wait_timeout = 1")
        assert session.execute("INSERT INTO slow.t VALUES (1)") == 1
    end_statements(mariadb)


def test_an_interrupt_under_the_barrier_leaves_no_lock(mariadb_fleet: Fleet) -> None:
    def interrupt(shard: ShardName, snapshot: Session) -> None:
        raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        cut_of(shards_of(mariadb_fleet.shards), under_barrier=interrupt),
    ):
        pass
    for instance in mariadb_fleet.instances:
        make_schema(instance, "interrupted", "CREATE TABLE t (n INT)")


def prepare_xa(instance: Instance) -> None:
    make_schema(instance, "xa", "CREATE TABLE t (n INT)")
    with session_of(instance) as session:
        for statement in (
            "XA START {}",
            "INSERT INTO xa.t VALUES (1)",
            "XA END {}",
            "XA PREPARE {}",
        ):
            session.execute(statement.format(XID))


def finish_xa(instance: Instance) -> None:
    with session_of(instance) as session:
        wait_until(lambda: was_finished(session))


def was_finished(session: Session) -> bool:
    """Finish the branch; right after a disconnect it may still belong to the old session."""
    try:
        session.execute(f"XA COMMIT {XID}")
    except ServerError:
        return False
    return True


def test_a_prepared_transaction_is_named_with_its_bytes(mariadb_fleet: Fleet) -> None:
    instance = mariadb_fleet.shards["s2"]
    prepare_xa(instance)
    try:
        with (
            pytest.raises(XaInDoubt) as caught,
            cut_of(shards_of(mariadb_fleet.shards), BarrierLimits(attempts=2)),
        ):
            pass
        assert f"s2: {XID}" in str(caught.value)
        assert "s1" not in str(caught.value)
    finally:
        finish_xa(instance)


def test_a_transaction_finished_between_two_tries_is_whole_inside(mariadb: Instance) -> None:
    def react(event: Event) -> None:
        if isinstance(event, Retrying):
            finish_xa(mariadb)

    prepare_xa(mariadb)
    with cut_of([shard_of("s", mariadb)], BarrierLimits(), sink=ListSink(react)) as cut:
        assert cut.record.attempts == 2
        snapshot = cut.shards[ShardName("s")].snapshots[0]
        assert snapshot.value("SELECT COUNT(*) FROM xa.t") == b"1"


def test_a_lost_locker_rejects_the_cut(mariadb: Instance) -> None:
    def kill_locker(shard: ShardName, snapshot: Session) -> None:
        with session_of(mariadb) as session:
            lockers = session.rows(
                "SELECT id FROM information_schema.processlist WHERE id BETWEEN"
                f" {snapshot.connection_id - 2} AND {snapshot.connection_id - 1} ORDER BY id DESC"
            )
            session.execute(f"KILL {decode(lockers[0][0] or b'')}")

    with (
        pytest.raises(CutRejected, match="session was lost"),
        cut_of([shard_of("s", mariadb)], under_barrier=kill_locker),
    ):
        pass


def test_the_minimal_privileges_are_enough(mariadb: Instance) -> None:
    grant_backup_user(mariadb, "secret")
    place = shard_of("s", mariadb).primary
    with cut_of([Shard(ShardName("s"), place, Login("backup", lambda: "secret"))]) as cut:
        assert cut.record.attempts == 1


def test_a_missing_privilege_is_named_with_its_grant(mariadb: Instance) -> None:
    with session_of(mariadb) as session:
        session.execute("CREATE OR REPLACE USER poor@localhost IDENTIFIED BY 'x'")
    shard = Shard(ShardName("s"), shard_of("s", mariadb).primary, Login("poor", lambda: "x"))
    with pytest.raises(PrivilegeError) as caught:
        take_cut([shard], snapshots_per_shard=1, limits=ONCE, sink=ListSink())
    assert "GRANT RELOAD" in str(caught.value.hint)


def test_a_shard_that_cannot_be_locked_frees_the_others(mariadb_fleet: Fleet) -> None:
    stuck = mariadb_fleet.shards["s3"]
    for instance in mariadb_fleet.instances:
        make_schema(instance, "freed", "CREATE TABLE t (n INT)")
    with running(stuck, "CREATE TABLE freed.u SELECT SLEEP(60) AS n"):
        with (
            pytest.raises(BarrierTimeout, match="shard s3"),
            cut_of(shards_of(mariadb_fleet.shards)),
        ):
            pass
        for instance in mariadb_fleet.instances[:3]:
            with session_of(instance) as session:
                session.execute("SET lock_wait_timeout = 1")
                session.execute("ALTER TABLE freed.t ADD c INT")
