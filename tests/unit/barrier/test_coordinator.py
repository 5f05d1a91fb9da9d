from __future__ import annotations

from collections.abc import Sequence

import pytest

from shardvault import failpoints
from shardvault.barrier import BarrierLimits, Cut
from shardvault.barrier.coordinator import Coordinator
from shardvault.barrier.locks import lock_statements
from shardvault.errors import (
    BarrierTimeout,
    CutRejected,
    PrivilegeError,
    RefusedError,
    ServerError,
    UsageError,
    XaInDoubt,
)
from shardvault.events import BarrierHeld, Event, Noticed, Retrying
from shardvault.model.ids import ShardName
from shardvault.model.position import Family, Position
from tests.unit.barrier.scripted import (
    LOST,
    NEVER,
    ROUND_TRIP_S,
    FakePace,
    Reply,
    ScriptedServer,
    connector,
)

COMMIT_LOCK = "BACKUP STAGE BLOCK_COMMIT"
SNAPSHOT = "START TRANSACTION"
PROBE = "SELECT CONNECTION_ID()"
PREPARED = Reply([(b"1", b"1", b"1", b"ab")])
BUSY = Reply([(b"77", b"app", b"h", b"shop", b"Query", b"12", b"updating", b"UPDATE t SET  a=1")])


class ListSink:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)


class Fleet:
    """Hold scripted servers and a coordinator over them."""

    def __init__(self, count: int = 3, family: Family = Family.MARIADB) -> None:
        version = (10, 11, 19) if family is Family.MARIADB else (9, 7, 0)
        self.pace = FakePace()
        self.sink = ListSink()
        self.servers = [ScriptedServer(f"s{i}", self.pace, family, version) for i in range(count)]

    def take(self, *, attempts: int = 1, snapshots: int = 2) -> Cut:
        coordinator = Coordinator(
            BarrierLimits(attempts=attempts),
            self.sink,
            pace=self.pace,
            connect=connector(self.servers),
        )
        return coordinator.take([server.shard for server in self.servers], snapshots)

    def script(self, server: int, statement: str, *replies: Reply) -> None:
        self.servers[server].script[statement] = list(replies)

    @property
    def holds_nothing(self) -> bool:
        return not any(server.open_sessions for server in self.servers)


def times(servers: Sequence[ScriptedServer], begin: str) -> list[float]:
    return [at for server in servers for at, _, text in server.log if text.startswith(begin)]


def test_every_shard_is_asked_before_any_answer_is_awaited() -> None:
    fleet = Fleet()
    fleet.take()
    for statement in ("BACKUP STAGE START", COMMIT_LOCK, SNAPSHOT, "BACKUP STAGE END"):
        assert len(set(times(fleet.servers, statement))) == 1


def test_each_step_begins_when_the_one_before_has_ended_everywhere() -> None:
    fleet = Fleet()
    fleet.script(1, "BACKUP STAGE START", Reply(after_s=5))
    fleet.script(2, COMMIT_LOCK, Reply(after_s=0.3))
    fleet.script(0, SNAPSHOT, Reply(after_s=0.1))
    fleet.take()
    steps = ["BACKUP STAGE START", "BACKUP STAGE BLOCK_DDL", COMMIT_LOCK, "XA RECOVER", SNAPSHOT]
    order = [times(fleet.servers, step)[0] for step in [*steps, "BACKUP STAGE END"]]
    assert order == sorted(order)
    assert order[2] - order[0] > 5
    assert order[3] - order[2] > 0.3 - 1e-9


def test_the_last_probe_comes_after_the_last_snapshot() -> None:
    fleet = Fleet()
    fleet.take()
    for server in fleet.servers:
        assert server.statements[-2:] == [PROBE, "BACKUP STAGE END"]


def test_the_locker_is_never_a_snapshot_and_the_lease_is_its_own() -> None:
    fleet = Fleet(1)
    fleet.take()
    (server,) = fleet.servers
    lockers = {number for _, number, text in server.log if text.startswith("BACKUP STAGE")}
    snapshots = {number for _, number, text in server.log if text.startswith(SNAPSHOT)}
    leased = {number for _, number, text in server.log if "wait_timeout=3, " in text}
    assert lockers == leased
    assert len(lockers) == 1
    assert len(snapshots) == 2
    assert not lockers & snapshots


def test_only_the_snapshots_stay_open_until_the_cut_is_closed() -> None:
    fleet = Fleet()
    cut = fleet.take(snapshots=2)
    assert [len(server.open_sessions) for server in fleet.servers] == [2, 2, 2]
    cut.close()
    assert fleet.holds_nothing


def test_mysql_keeps_the_session_that_holds_ddl_off() -> None:
    fleet = Fleet(1, Family.MYSQL)
    cut = fleet.take(snapshots=1)
    assert len(fleet.servers[0].open_sessions) == 2
    assert "UNLOCK INSTANCE" not in fleet.servers[0].statements
    cut.close()
    assert fleet.holds_nothing


def test_the_hold_reaches_from_the_first_lock_to_the_release() -> None:
    fleet = Fleet(2)
    fleet.script(1, COMMIT_LOCK, Reply(after_s=0.5))
    cut = fleet.take()
    quick, slow = cut.shards.values()
    assert quick.held_ms == pytest.approx(slow.held_ms)
    assert slow.held_ms > 500
    assert slow.lock_wait_ms == pytest.approx(500 + 1000 * ROUND_TRIP_S)
    assert cut.record.skew_ms == pytest.approx(500 - 1000 * ROUND_TRIP_S)
    assert fleet.sink.events == [BarrierHeld(cut.record.held_ms, cut.record.lock_wait_ms, 1)]


def test_the_position_is_read_in_each_flavours_way() -> None:
    maria, my = Fleet(1), Fleet(1, Family.MYSQL)
    name = ShardName("s0")
    assert maria.take().shards[name].position == Position(
        Family.MARIADB, "0-1-7", "binlog.000001", 500
    )
    assert my.take().shards[name].position == Position(
        Family.MYSQL, "uuid:1-7", "binlog.000001", 500
    )


def test_a_shard_without_binlog_is_named_in_what_is_not_claimed() -> None:
    fleet = Fleet(1)
    fleet.script(0, "SHOW MASTER STATUS", Reply(), Reply())
    fleet.script(0, "SELECT @@global.gtid", Reply([(b"",)]), Reply([(b"",)]))
    assert "without a binlog: s0" in fleet.take().claims_not[-1]


def test_a_pending_lock_is_killed_and_the_blocker_named() -> None:
    fleet = Fleet()
    fleet.script(1, COMMIT_LOCK, NEVER)
    fleet.script(1, "SHOW FULL PROCESSLIST", BUSY)
    begin = fleet.pace.now
    with pytest.raises(BarrierTimeout) as caught:
        fleet.take()
    assert "shard s1: BACKUP STAGE BLOCK_COMMIT was not granted in time" in str(caught.value)
    assert "connection 77 of app, 12 s: UPDATE t SET a=1" in str(caught.value)
    assert "KILL 77" in str(caught.value.hint)
    locker = next(n for _, n, text in fleet.servers[1].log if text == COMMIT_LOCK)
    assert f"KILL {locker}" in fleet.servers[1].statements
    assert not any("KILL" in text for text in fleet.servers[0].statements)
    assert fleet.pace.now - begin < 1.1
    assert fleet.holds_nothing


def test_a_lock_wait_timeout_of_the_server_is_told_the_same_way() -> None:
    fleet = Fleet(1)
    fleet.script(0, COMMIT_LOCK, Reply(error=ServerError("lock wait", code=1205)))
    with pytest.raises(BarrierTimeout, match="no running statement was seen"):
        fleet.take()
    assert fleet.holds_nothing


@pytest.mark.parametrize("statement", [COMMIT_LOCK, "XA RECOVER", SNAPSHOT])
def test_a_lost_connection_rejects_the_cut_and_frees_every_shard(statement: str) -> None:
    fleet = Fleet()
    fleet.script(2, statement, LOST)
    with pytest.raises(CutRejected, match="shard s2"):
        fleet.take()
    assert fleet.holds_nothing


def test_a_shard_that_stops_answering_cannot_extend_the_hold() -> None:
    fleet = Fleet()
    fleet.script(0, "XA RECOVER", NEVER)
    begin = fleet.pace.now
    with pytest.raises(BarrierTimeout, match="shard s0: no answer to XA RECOVER"):
        fleet.take()
    assert fleet.pace.now - begin < BarrierLimits().hold_s + 0.1
    assert fleet.holds_nothing


def test_a_position_that_moved_rejects_the_cut() -> None:
    fleet = Fleet(1)
    moved = Reply([(b"binlog.000001", b"600")])
    fleet.script(0, "SHOW MASTER STATUS", Reply([(b"binlog.000001", b"500")]), moved)
    with pytest.raises(CutRejected, match="moved under the barrier"):
        fleet.take()
    assert fleet.holds_nothing


def replace_locker(fleet: Fleet) -> None:
    fleet.script(1, PROBE, Reply([(b"11",)]), Reply([(b"99",)]))


def test_a_locker_under_another_id_rejects_the_cut() -> None:
    fleet = Fleet()
    replace_locker(fleet)
    with pytest.raises(CutRejected, match="shard s1"):
        fleet.take()
    assert fleet.holds_nothing


def test_without_fencing_a_replaced_locker_goes_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failpoints, "_points", failpoints._parse("cut.fencing=off"))
    fleet = Fleet()
    replace_locker(fleet)
    assert len(fleet.take().shards) == 3


def test_a_release_without_answer_is_forced_and_the_cut_stands() -> None:
    fleet = Fleet()
    fleet.script(1, "BACKUP STAGE END", NEVER)
    cut = fleet.take(snapshots=1)
    assert [len(server.open_sessions) for server in fleet.servers] == [1, 1, 1]
    assert cut.shards[ShardName("s1")].held_ms > cut.shards[ShardName("s0")].held_ms


def test_a_failed_try_is_repeated_with_growing_pauses() -> None:
    fleet = Fleet()
    fleet.script(0, SNAPSHOT, LOST)
    fleet.script(1, COMMIT_LOCK, NEVER)
    cut = fleet.take(attempts=5)
    assert cut.record.attempts == 3
    assert fleet.pace.slept == [0.2, 0.4]
    retries = [event for event in fleet.sink.events if isinstance(event, Retrying)]
    assert [event.attempt for event in retries] == [1, 2]


def test_the_number_of_tries_has_an_end() -> None:
    fleet = Fleet()
    fleet.script(0, COMMIT_LOCK, *[NEVER] * 9)
    with pytest.raises(BarrierTimeout, match="attempt 3 of 3"):
        fleet.take(attempts=3)
    assert len(times(fleet.servers[:1], COMMIT_LOCK)) == 3
    assert fleet.holds_nothing


def test_prepared_transactions_are_given_time_and_then_named() -> None:
    fleet = Fleet()
    fleet.script(1, "XA RECOVER", PREPARED, PREPARED)
    with pytest.raises(XaInDoubt, match="s1: X'61',X'62',1"):
        fleet.take(attempts=2)
    assert fleet.pace.slept == [0.05]
    assert fleet.holds_nothing


def test_a_refused_xa_recover_is_never_taken_for_none() -> None:
    fleet = Fleet(1, Family.MYSQL)
    fleet.script(0, "XA RECOVER", Reply(error=ServerError("XAER_RMERR", code=1401)))
    with pytest.raises(PrivilegeError) as caught:
        fleet.take(attempts=5)
    assert "XA_RECOVER_ADMIN" in str(caught.value.hint)
    assert fleet.holds_nothing


@pytest.mark.parametrize(
    ("family", "version"), [(Family.MARIADB, (10, 3, 39)), (Family.MYSQL, (5, 7, 44))]
)
def test_an_old_server_is_refused_before_any_lock(
    family: Family, version: tuple[int, int, int]
) -> None:
    fleet = Fleet(2)
    fleet.servers[1].family, fleet.servers[1].version = family, version
    with pytest.raises(RefusedError, match="shard s1"):
        fleet.take(attempts=5)
    assert not times(fleet.servers, "BACKUP") + times(fleet.servers, "LOCK")
    assert fleet.holds_nothing


def test_galera_is_refused_before_any_lock() -> None:
    fleet = Fleet(2)
    fleet.script(1, "SHOW GLOBAL VARIABLES", Reply([(b"wsrep_on", b"ON")]))
    with pytest.raises(RefusedError, match="wsrep_on"):
        fleet.take(attempts=5)
    assert not times(fleet.servers, "BACKUP")
    assert fleet.holds_nothing


def test_the_hold_stays_below_what_applications_wait_for_a_lock() -> None:
    fleet = Fleet(1)
    fleet.script(
        0, "SHOW GLOBAL VARIABLES", Reply([(b"log_bin", b"ON"), (b"lock_wait_timeout", b"1")])
    )
    fleet.script(0, "XA RECOVER", NEVER)
    begin = fleet.pace.now
    with pytest.raises(BarrierTimeout):
        fleet.take()
    assert fleet.pace.now - begin < 1


@pytest.mark.parametrize(
    "statement", ["BACKUP STAGE START", COMMIT_LOCK, "XA RECOVER", SNAPSHOT, "BACKUP STAGE END"]
)
def test_an_interrupt_at_any_moment_leaves_nothing_open(statement: str) -> None:
    fleet = Fleet()
    fleet.pace.interrupt_at = statement
    with pytest.raises(KeyboardInterrupt):
        fleet.take(attempts=5)
    assert fleet.holds_nothing


def test_mysql_waits_for_a_quiet_moment_before_it_blocks() -> None:
    fleet = Fleet(1, Family.MYSQL)
    fleet.script(0, "SHOW FULL PROCESSLIST", BUSY, BUSY)
    fleet.take()
    statements = fleet.servers[0].statements
    assert statements.count("SHOW FULL PROCESSLIST") == 3
    assert statements.index("FLUSH TABLES WITH READ LOCK") > statements.index(
        "LOCK INSTANCE FOR BACKUP"
    )


def test_mysql_without_a_quiet_moment_never_asks_for_the_read_lock() -> None:
    fleet = Fleet(1, Family.MYSQL)
    fleet.script(0, "SHOW FULL PROCESSLIST", *[BUSY] * 999)
    with pytest.raises(BarrierTimeout, match=r"no quiet moment .* connection 77 of app"):
        fleet.take()
    assert "FLUSH TABLES WITH READ LOCK" not in fleet.servers[0].statements
    assert fleet.holds_nothing


def test_a_cut_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError):
        Fleet(0).take()
    with pytest.raises(UsageError):
        Fleet(1).take(snapshots=0)


@pytest.mark.parametrize("limits", [{"lease_s": 0}, {"lease_s": 6}, {"hold_s": 0}, {"attempts": 0}])
def test_limits_that_make_no_sense_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        BarrierLimits(**limits)


@pytest.mark.parametrize("family", list(Family))
def test_the_round_trips_under_the_barrier_are_counted_right(family: Family) -> None:
    fleet = Fleet(1, family)
    fleet.take(snapshots=2)
    (server,) = fleet.servers
    locks = lock_statements(server.family, server.version)
    first = next(at for at, _, text in server.log if text == locks.blocking[0])
    release = next(at for at, _, text in server.log if text == locks.release)
    assert round((release - first) / ROUND_TRIP_S) == locks.round_trips


def far_fleet(count: int = 2) -> Fleet:
    """One shard answers after 0.4 s; nine answers do not fit into two seconds."""
    fleet = Fleet(count)
    fleet.servers[1].round_trip_s = 0.4
    return fleet


def test_a_shard_too_far_away_is_refused_before_any_lock() -> None:
    fleet = far_fleet()
    with pytest.raises(RefusedError, match="shard s1: a round trip takes 400 ms") as caught:
        fleet.take(attempts=5)
    assert "9 of them: 3.6 s, but the barrier may last 2.0 s" in caught.value.message
    assert not times(fleet.servers, "BACKUP")
    assert fleet.holds_nothing


def test_one_delayed_answer_refuses_nobody() -> None:
    fleet = Fleet()
    fleet.script(1, "DO 0", Reply(after_s=1.5))
    assert len(fleet.take().shards) == 3


def test_without_the_measurement_every_attempt_stalls_the_writers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(failpoints, "_points", failpoints._parse("cut.round_trips=off"))
    fleet = far_fleet()
    with pytest.raises(BarrierTimeout, match="attempt 3 of 3"):
        fleet.take(attempts=3)
    assert len(times(fleet.servers[:1], COMMIT_LOCK)) == 3


def test_all_attempts_together_wait_no_longer_than_the_limit_for_the_first_phase() -> None:
    fleet = Fleet()
    fleet.script(1, "BACKUP STAGE START", *[NEVER] * 9)
    fleet.script(1, "SHOW FULL PROCESSLIST", *[BUSY] * 9)
    begin = fleet.pace.now
    with pytest.raises(BarrierTimeout, match="connection 77 of app") as caught:
        fleet.take(attempts=5)
    assert "(attempt 1 of 5)" in caught.value.message
    assert fleet.pace.now - begin < BarrierLimits().gentle_s + 1
    assert fleet.holds_nothing


@pytest.mark.parametrize("family", list(Family))
def test_who_is_waited_for_is_reported_while_waiting(family: Family) -> None:
    fleet = Fleet(2, family)
    if family is Family.MARIADB:
        fleet.script(1, "BACKUP STAGE START", Reply(after_s=5))
    fleet.script(1, "SHOW FULL PROCESSLIST", *[BUSY] * 20)
    fleet.take()
    (notice,) = [event for event in fleet.sink.events if isinstance(event, Noticed)]
    assert notice.shard == "s1"
    assert "waits for connection 77 of app, 12 s: UPDATE t SET a=1; gives up in 2" in notice.message


def test_mysql_asks_for_no_read_lock_while_a_session_holds_lock_tables() -> None:
    fleet = Fleet(1, Family.MYSQL)
    holder = Reply([(b"78", b"etl", b"40", None)])
    fleet.script(0, "SELECT t.processlist_id", *[holder] * 999)
    with pytest.raises(BarrierTimeout, match=r"connection 78 of etl, 40 s: idle, but holding"):
        fleet.take()
    assert "FLUSH TABLES WITH READ LOCK" not in fleet.servers[0].statements
