"""Restore a backup into a target, and succeed only when every table reads back equal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shardvault.clock import format_time, monotonic_s, utc_now
from shardvault.events import PhaseStarted
from shardvault.failpoints import failpoint
from shardvault.fleet.inventory import TableName
from shardvault.fleet.usability import examine_objects
from shardvault.interfaces import ChunkSource, EventSink
from shardvault.load.accounts import create_accounts, grant_accounts
from shardvault.load.foreign_keys import add_foreign_keys
from shardvault.load.instance_objects import create_instance_objects
from shardvault.load.objects import NOT_CREATED, create_objects
from shardvault.load.roles import leave_roles
from shardvault.load.schema import create_schema
from shardvault.load.statistics import analyze_tables, set_histograms
from shardvault.model.ids import ShardName
from shardvault.model.manifest import ServerIdentity, Totals
from shardvault.model.report import Finding, RestoreReport, Severity, ShardVolume
from shardvault.model.schema import Table
from shardvault.mysql.session import Session
from shardvault.mysql.state import prepare_load, prepare_read
from shardvault.operations.loading import TableLoads, load_and_prove
from shardvault.operations.nearest_state import report_unfit
from shardvault.operations.progress import Meter
from shardvault.operations.replacing import clear_target
from shardvault.operations.restore_end import end_shard
from shardvault.operations.restore_mark import read_loaded
from shardvault.operations.restore_plan import RestorePlan, ShardRestore
from shardvault.operations.restored_definitions import (
    compare_accounts,
    compare_objects,
    compare_schemas,
    compare_tables,
    drop_objects,
    find_orphans,
    read_tables,
)
from shardvault.operations.target_lock import TargetLock
from shardvault.operations.target_sessions import locked_targets, open_target
from shardvault.workers.local import map_parallel

_OPERATION = "restore"
_MOST_THREADS = 32


def run_restore(plan: RestorePlan, store: ChunkSource, sink: EventSink) -> RestoreReport:
    """Carry a plan out.

    From before the first change until everything was verified each target says that it is
    incomplete; run again, an interrupted restore finishes.

    Raises:
        TargetRefused: the plan has blockers, or another restore is at work on a target;
            nothing was changed.
        VerificationFailed: contents differ from the manifest; the target stays marked.
        ServerError: the target refused something, or another restore took it over; the
            target stays marked.
    """
    if not plan.is_verified:
        plan.refuse_blockers()
    with locked_targets(plan) as locks, _opened(plan, locks, sink) as run:
        if plan.is_verified:
            run.phase("finish", run.finish)
            return run.report()
        run.phase("prepare", run.prepare)
        run.phase("load and read back", lambda: run.load(store))
        failpoint("restore.rows_done")
        run.phase("foreign keys", run.add_foreign_keys)
        failpoint("restore.keys_done")
        run.phase("definitions", run.compare)
        failpoint("restore.verified")
        run.phase("statistics", run.analyze)
        run.phase("objects", run.add_objects)
        failpoint("restore.objects_done")
        run.phase("finish", run.finish)
        return run.report()


@contextlib.contextmanager
def _opened(
    plan: RestorePlan, locks: Mapping[ShardName, TargetLock], sink: EventSink
) -> Iterator[_Run]:
    """Open as many sessions on each target as may work there."""
    sessions: dict[ShardName, list[Session]] = {shard.source: [] for shard in plan.shards}
    count = min(plan.options.sessions_per_shard, plan.options.threads)

    def connect(shard: ShardRestore) -> None:
        for _ in range(count):
            sessions[shard.source].append(open_target(shard.target))

    try:
        map_parallel(connect, plan.shards, limit=_MOST_THREADS)
        yield _Run(plan, sink, locks, sessions, findings=list(plan.notes))
    finally:
        for group in sessions.values():
            for session in group:
                session.close()


@dataclass
class _Run:
    """Hold what one restore has open and what it has found."""

    plan: RestorePlan
    sink: EventSink
    locks: Mapping[ShardName, TargetLock]
    sessions: dict[ShardName, list[Session]]
    begin: str = field(default_factory=lambda: format_time(utc_now()))
    begin_s: float = field(default_factory=monotonic_s)
    loads: dict[ShardName, TableLoads] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    made: dict[ShardName, frozenset[str]] = field(default_factory=dict)
    unfit: dict[ShardName, dict[TableName, frozenset[str]]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def phase(self, name: str, run: Callable[[], None]) -> None:
        """Run one phase and take its time, if the targets are still ours."""
        self.sink.emit(PhaseStarted(_OPERATION, name))
        self.each_target(TargetLock.prove)
        begin_s = monotonic_s()
        run()
        self.seconds[name] = round(monotonic_s() - begin_s, 3)

    def each(
        self,
        do: Callable[[ShardRestore, Session], None],
        shards: Sequence[ShardRestore] | None = None,
    ) -> None:
        """Do something for every shard at once, or for some of them."""

        def work(shard: ShardRestore) -> None:
            do(shard, self.sessions[shard.source][0])

        map_parallel(work, self.plan.shards if shards is None else shards, limit=_MOST_THREADS)

    def each_target(self, do: Callable[[TargetLock], None]) -> None:
        """Do something with every target at once."""
        map_parallel(do, list(self.locks.values()), limit=_MOST_THREADS)

    def prepare(self) -> None:
        """Mark the targets, clear what is in the way, create schemas and tables.

        Several shards may go to one target: each step ends everywhere before the next.
        """
        fresh = {shard.target.name for shard in self.plan.shards if not shard.is_resumed}
        map_parallel(self._mark, [self.locks[name] for name in fresh], limit=_MOST_THREADS)
        self.each(self._clear)
        self.each(self._create)

    def _mark(self, target: TargetLock) -> None:
        target.write_mark(self.plan.mark)
        failpoint("restore.marked")

    def _clear(self, shard: ShardRestore, session: Session) -> None:
        """Drop what is in the way; behind the first loaded table that was done before."""
        if self.plan.options.replace and not read_loaded(session):
            clear_target(shard, session)

    def _create(self, shard: ShardRestore, session: Session) -> None:
        self.findings += create_instance_objects(session, shard.instance_objects)
        for schema in shard.schemas:
            create_schema(session, schema)
        self.loads[shard.source] = TableLoads(shard, session, self.locks[shard.target.name])
        self.loads[shard.source].create(session)

    def load(self, store: ChunkSource) -> None:
        """Load all rows, build the keys of each table behind its last range, read it back."""
        totals = {
            shard.source: 2 * sum(record.raw_bytes for record in shard.tables)
            for shard in self.plan.shards
        }
        load_and_prove(
            self.loads,
            dict(self.sessions),
            store,
            Meter(self.sink, "load and read back", totals),
            threads=self.plan.options.threads,
        )
        for loads in self.loads.values():
            self.findings += loads.findings

    def add_foreign_keys(self) -> None:
        """Add foreign keys and look for rows that point nowhere."""

        def add(shard: ShardRestore, session: Session) -> None:
            present = read_tables(shard, session)
            for record in shard.tables:
                self._add_keys(shard, session, record.table, present)
            self.findings += find_orphans(shard, session, self.unfit.get(shard.source, {}))

        self.each(add)

    def _add_keys(
        self,
        shard: ShardRestore,
        session: Session,
        table: Table,
        present: Mapping[TableName, Table],
    ) -> None:
        """Add the foreign keys of a table that it does not have; note those that do not fit."""
        if not table.foreign_keys:
            return
        name = (table.schema, table.name)
        reasons = add_foreign_keys(session, table, {key.name for key in present[name].foreign_keys})
        unfit = self.unfit.setdefault(shard.source, {})
        unfit[name] = frozenset(reasons)
        self.findings += report_unfit(f"{shard.source}: {table.qualified}", table, reasons)

    def compare(self) -> None:
        """Compare the definitions, once every table has its foreign keys."""

        def compare(shard: ShardRestore, session: Session) -> None:
            prepare_read(session)
            self.findings += compare_schemas(shard, session, self._source(shard))
            unfit = self.unfit.get(shard.source, {})
            self.findings += compare_tables(shard, session, self._source(shard), unfit)

        self.each(compare)

    def analyze(self) -> None:
        """Refresh the statistics of every table with rows, and set the histograms there were.

        What fails is a finding.
        """

        def analyze(shard: ShardRestore, session: Session) -> None:
            tables = [
                (record.table.schema, record.table.name) for record in shard.tables if record.rows
            ]
            faults = tuple(analyze_tables(session, tables))
            self.findings += [
                Finding(Severity.INFO, shard.source, "statistics", f"not refreshed: {fault}")
                for fault in faults
            ]
            for table in (record.table for record in shard.tables):
                self.findings += [
                    Finding(Severity.WARNING, shard.source, "statistics", fault)
                    for fault in set_histograms(session, table)
                ]

        self.each(analyze)

    def _source(self, shard: ShardRestore) -> ServerIdentity:
        """Give the server that a shard's contents came from."""
        return next(one.server for one in self.plan.manifest.shards if one.name == shard.source)

    def add_objects(self) -> None:
        """Create accounts, then what names them as definers, then grants, which name that.

        Then definers have what they need, and the objects are tried. Only when all is granted
        does our login leave the roles that it made.

        Several shards may go to one target: each step ends everywhere before the next.
        """
        self.each(self._create_accounts)
        self.each(self._create_objects)
        self.each(self._grant)
        self.each(self._try_objects)
        self.each(self._leave_roles)
        self.each(self._compare_accounts)

    def _create_accounts(self, shard: ShardRestore, session: Session) -> None:
        prepare_load(session)
        self.made[shard.source], findings = create_accounts(session, shard.accounts)
        self.findings += findings

    def _create_objects(self, shard: ShardRestore, session: Session) -> None:
        drop_objects(shard, session)
        told = create_objects(session, shard.objects)
        prepare_read(session)
        self.findings += told
        self.findings += compare_objects(shard, session, self._source(shard), told)

    def _grant(self, shard: ShardRestore, session: Session) -> None:
        prepare_load(session)
        self.findings += grant_accounts(session, shard.accounts)

    def _try_objects(self, shard: ShardRestore, session: Session) -> None:
        """Try what was created; an object that was refused has a finding already."""
        refused = {
            (item.where, item.what)
            for item in self.findings
            if item.message.startswith(NOT_CREATED)
        }
        there = [
            item
            for item in shard.objects
            if (f"{item.schema}.{item.name}", item.kind) not in refused
        ]
        self.findings += examine_objects(session, there)

    def _leave_roles(self, shard: ShardRestore, session: Session) -> None:
        """Several shards may go to one target: what one of them grants our login stays."""
        beside = [one for one in self.plan.shards if one.target.name == shard.target.name]
        if shard is beside[0]:
            accounts = [account for one in beside for account in one.accounts]
            made = frozenset[str]().union(*(self.made[one.source] for one in beside))
            self.findings += leave_roles(session, accounts, made)

    def _compare_accounts(self, shard: ShardRestore, session: Session) -> None:
        prepare_read(session)
        self.findings += compare_accounts(shard, session, self._source(shard))

    def finish(self) -> None:
        """Let events run, and say on every target that it is complete.

        Killed on the way, the next run goes on here.
        """
        if not self.plan.is_verified:
            self.each_target(TargetLock.mark_verified)
        failpoint("restore.marked_verified")
        self.each(self._end)
        for target in self.locks.values():
            target.remove_mark()
            failpoint("restore.mark_removed")

    def _end(self, shard: ShardRestore, session: Session) -> None:
        events_on = self.plan.options.events_on
        self.findings += end_shard(shard, session, self._source(shard), events_on=events_on)

    def report(self) -> RestoreReport:
        """Report what was restored and proven."""
        manifest = self.plan.manifest
        seconds = round(monotonic_s() - self.begin_s, 3)
        volumes = tuple(self._volumes(seconds))
        serious = [item for item in self.findings if item.severity is not Severity.INFO]
        return RestoreReport(
            id=manifest.id,
            status="findings" if serious else "complete",
            verified=True,
            fleet=manifest.fleet,
            begin=self.begin,
            end=format_time(utc_now()),
            consistency=manifest.consistency,
            barrier=manifest.barrier,
            shards=volumes,
            totals=Totals(
                shards=len(volumes),
                tables=sum(volume.tables for volume in volumes),
                rows=sum(volume.rows for volume in volumes),
                bytes_read=sum(volume.bytes_read for volume in volumes),
                bytes_stored=0,
                seconds=seconds,
            ),
            findings=tuple(self.findings),
            seconds_by_phase=self.seconds,
            with_accounts=self.plan.options.with_accounts,
            accounts_left_out=self.plan.accounts_left_out,
            scope=manifest.scope,
        )

    def _volumes(self, seconds: float) -> Iterator[ShardVolume]:
        positions = {shard.name: shard.position for shard in self.plan.manifest.shards}
        for shard in self.plan.shards:
            yield ShardVolume(
                name=shard.source,
                position=positions[shard.source],
                tables=len(shard.tables),
                rows=sum(record.rows for record in shard.tables),
                bytes_read=sum(record.raw_bytes for record in shard.tables),
                bytes_stored=0,
                seconds=seconds,
                target=f"{shard.target.name} ({shard.target.primary})",
            )
