"""List the statements that hold and release each flavour, and the privileges they need."""

from __future__ import annotations

from dataclasses import dataclass

from shardvault.model.position import Family

XA_RECOVER = "XA RECOVER"
SNAPSHOT = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
PROBE = "SELECT CONNECTION_ID()"
PROCESSES = "SHOW FULL PROCESSLIST"
NOTHING = "DO 0"
_FURTHER_ROUND_TRIPS = len((XA_RECOVER, SNAPSHOT, PROBE))

_SHOW_BINARY_LOG_STATUS = (8, 2, 0)  # MySQL took the old spelling away in 8.4


@dataclass(frozen=True)
class LockStatements:
    """Hold the statements of one flavour.

    Attributes:
        gentle: first phase; may wait long, stops DDL, never a row change.
        blocking: second phase, in order; after the last no commit happens.
        release: ends the second phase (on MariaDB both).
        position: statements whose answers make up a position.
        snapshot_state: session state of a snapshot session.
        queues_writers: a pending blocking lock stalls writers, so start in a quiet moment.
    """

    gentle: str
    blocking: tuple[str, ...]
    release: str
    position: tuple[str, ...]
    snapshot_state: str
    queues_writers: bool

    @property
    def round_trips(self) -> int:
        """Count the round trips from asking for the first blocking lock to the last probe."""
        return len(self.blocking) + 2 * len(self.position) + _FURTHER_ROUND_TRIPS


def _mariadb() -> LockStatements:
    """Use backup stages.

    Source: MariaDB manual, BACKUP STAGE. BLOCK_DDL waits for statements that write
    non-transactional tables, BLOCK_COMMIT for commits in flight; neither waits for a
    running UPDATE or SELECT of a transactional table.
    """
    return LockStatements(
        gentle="BACKUP STAGE START",
        blocking=("BACKUP STAGE BLOCK_DDL", "BACKUP STAGE BLOCK_COMMIT"),
        release="BACKUP STAGE END",
        position=("SELECT @@global.gtid_binlog_pos", "SHOW MASTER STATUS"),
        snapshot_state="max_statement_time=0, SESSION idle_transaction_timeout=0, "
        "SESSION idle_readonly_transaction_timeout=0",
        queues_writers=False,
    )


def _mysql(version: tuple[int, int, int]) -> LockStatements:
    """Use the instance's backup lock against DDL and the global read lock against commits.

    Source: MySQL manual, "LOCK INSTANCE FOR BACKUP" and "FLUSH Statement". A pending
    global read lock waits for every running statement and stalls all new writes meanwhile.
    """
    has_new_spelling = version >= _SHOW_BINARY_LOG_STATUS
    return LockStatements(
        gentle="LOCK INSTANCE FOR BACKUP",
        blocking=("FLUSH TABLES WITH READ LOCK",),
        release="UNLOCK TABLES",
        position=("SHOW BINARY LOG STATUS" if has_new_spelling else "SHOW MASTER STATUS",),
        snapshot_state="max_execution_time=0",
        queues_writers=True,
    )


def lock_statements(family: Family, version: tuple[int, int, int]) -> LockStatements:
    """Choose the statements for a flavour."""
    return _mariadb() if family is Family.MARIADB else _mysql(version)


_PRIVILEGES = {
    "BACKUP STAGE": "RELOAD",
    "FLUSH TABLES": "RELOAD",
    "LOCK INSTANCE": "BACKUP_ADMIN",
    "XA RECOVER": "XA_RECOVER_ADMIN",
    "SHOW BINARY LOG STATUS": "REPLICATION CLIENT",
    "SHOW MASTER STATUS": "REPLICATION CLIENT",
    "SHOW FULL PROCESSLIST": "PROCESS",
}
"""What a statement that begins so needs; REPLICATION CLIENT is BINLOG MONITOR's older name."""


def privilege_for(statement: str) -> str | None:
    """Name the privilege that a statement of ours needs, None if it needs none."""
    return next((name for begin, name in _PRIVILEGES.items() if statement.startswith(begin)), None)
