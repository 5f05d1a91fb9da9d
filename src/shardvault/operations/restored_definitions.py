"""Compare definitions and code objects of a target with those of the backup."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from shardvault.errors import ServerError, VerificationFailed
from shardvault.fleet.accounts import read_accounts
from shardvault.fleet.databases import describe_difference
from shardvault.fleet.inventory import TableName, read_inventory, read_schema, strip_auto_increment
from shardvault.fleet.name_rule import NameRule
from shardvault.fleet.objects import read_objects
from shardvault.fleet.occupied import NO_SUCH_TABLE
from shardvault.fleet.table_options import names_row_format
from shardvault.load.events import put_to_sleep
from shardvault.load.name_case import fold_names
from shardvault.load.renaming import Surroundings
from shardvault.load.schema import count_orphans
from shardvault.load.spelling import spell_code, spell_table
from shardvault.model.manifest import ServerIdentity
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Account, CodeObject, ForeignKey, ObjectKind, Table, TableKind
from shardvault.mysql.quoting import quote_table
from shardvault.mysql.session import Session, parse_version
from shardvault.mysql.state import LOAD_MODE, prepare_load
from shardvault.operations.nearest_state import find_nearest
from shardvault.operations.restore_plan import ShardRestore

ObjectKey = tuple[ObjectKind, str, str]
UnfitKeys = Mapping[TableName, Collection[str]]
"""Names of foreign keys that a target did not take, by table."""


def read_tables(shard: ShardRestore, session: Session) -> dict[tuple[str, str], Table]:
    """Read the restored tables' definitions from the target, by the names of the plan."""
    names = frozenset((record.table.schema, record.table.name) for record in shard.tables)
    inventory = read_inventory(session, [schema.name for schema in shard.schemas], names)
    return {(table.schema, table.name): table for table in inventory.tables}


def compare_tables(
    shard: ShardRestore, session: Session, source: ServerIdentity, unfit: UnfitKeys
) -> tuple[Finding, ...]:
    """Compare each table's definition and counter.

    On a server of the same version every byte counts, and a difference is a failure. One of
    another version may print the same definition in other words: there the spelling does not
    count, and a difference that is left is a finding. So is what no server takes again.

    Args:
        shard: what was restored.
        session: to its target, in the read state.
        source: the server that it came from.
        unfit: foreign keys that were left out, by table.

    Raises:
        VerificationFailed: a definition differs although the server's version does not.
    """
    restored = read_tables(shard, session)
    is_same_version = session.version == parse_version(source.version)
    findings: list[Finding] = []
    for record in shard.tables:
        name = (record.table.schema, record.table.name)
        got, place = restored[name], f"{shard.source}: {record.table.qualified}"
        near = find_nearest(session, place, record.table, got, unfit.get(name, ()))
        wanted = near.wanted
        findings += near.findings
        fold = _Fold(shard.rule, Surroundings(source))
        what = _difference(wanted, got, fold, is_same_version=is_same_version)
        if what and is_same_version:
            raise VerificationFailed(
                f"restored {what}",
                shard=shard.source,
                table=wanted.qualified,
                hint="the target stays marked incomplete; was something else changing it? "
                "compare SHOW CREATE TABLE with `shardvault show ID --sql`",
            )
        if what:
            findings.append(
                Finding(
                    Severity.WARNING,
                    place,
                    "definition",
                    f"{what} on {session.version_text}",
                    "compare SHOW CREATE TABLE on both sides",
                )
            )
        findings += _tell_row_format(shard, wanted, got)
    return tuple(findings)


def _tell_row_format(shard: ShardRestore, wanted: Table, got: Table) -> Iterator[Finding]:
    """Tell a format that no definition names, and that so is the target's own choice."""
    what = _row_format_difference(wanted, got)
    if what and not names_row_format(wanted.create_sql):
        yield Finding(
            Severity.WARNING,
            f"{shard.source}: {wanted.qualified}",
            "row format",
            f"{what}: the target's innodb_default_row_format decides",
            f"ALTER TABLE {quote_table(wanted.schema, wanted.name)} ENGINE=InnoDB "
            f"under innodb_default_row_format={wanted.row_format.lower()}",
        )


@dataclass(frozen=True)
class _Fold:
    """Write definitions so that names which the target takes for one are equal."""

    rule: NameRule
    around: Surroundings

    def table(self, table: Table) -> bytes:
        sql = strip_auto_increment(table.create_sql)
        return fold_names(sql, self.around.dialect(), self.rule)

    def code(self, item: CodeObject) -> CodeObject:
        dialect = self.around.dialect(item.sql_mode, item.charset)
        return replace(item, create_sql=fold_names(item.create_sql, dialect, self.rule))

    def grant(self, text: bytes) -> bytes:
        return fold_names(text, self.around.dialect(), self.rule)

    def key(self, item: CodeObject) -> ObjectKey:
        return item.kind, self.rule.fold(item.schema), self.rule.fold(item.name)


def _difference(wanted: Table, got: Table, fold: _Fold, *, is_same_version: bool) -> str:
    if not _reads_equal(wanted, got, fold, is_same_version=is_same_version):
        return "definition reads differently"
    if wanted.sequence_next != got.sequence_next:
        return f"sequence goes on at {got.sequence_next}, not at {wanted.sequence_next}"
    if wanted.sequence_cycles != got.sequence_cycles:
        return f"sequence is in round {got.sequence_cycles}, not {wanted.sequence_cycles}"
    if names_row_format(wanted.create_sql) and (what := _row_format_difference(wanted, got)):
        return what
    if (wanted.auto_increment or 1) != (got.auto_increment or 1):
        return f"AUTO_INCREMENT is {got.auto_increment}, not {wanted.auto_increment}"
    return ""


def _reads_equal(wanted: Table, got: Table, fold: _Fold, *, is_same_version: bool) -> bool:
    """Compare two definitions; where names are folded, those of columns still count in full."""
    if fold.rule.is_case_blind and _column_names(wanted) != _column_names(got):
        return False
    texts = [fold.table(table) for table in (wanted, got)]
    if texts[0] == texts[1] or is_same_version or wanted.kind is TableKind.SEQUENCE:
        return texts[0] == texts[1]
    one, other = (
        replace(table, create_sql=text) for table, text in zip((wanted, got), texts, strict=True)
    )
    return spell_table(one) == spell_table(other)


def _column_names(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def _row_format_difference(wanted: Table, got: Table) -> str:
    if wanted.row_format in ("", got.row_format):
        return ""
    return f"rows are stored as {got.row_format}, not as {wanted.row_format}"


def find_orphans(shard: ShardRestore, session: Session, unfit: UnfitKeys) -> tuple[Finding, ...]:
    """Find rows whose foreign key points nowhere: the source had them, or not all came.

    Args:
        shard: what was restored.
        session: to its target.
        unfit: foreign keys that were left out, by table.
    """
    return tuple(
        Finding(
            Severity.WARNING,
            f"{shard.source}: {record.table.qualified}",
            "foreign key",
            fault,
            "look for the missing parents before the application writes",
        )
        for record in shard.tables
        for key in record.table.foreign_keys
        if key.name not in unfit.get((record.table.schema, record.table.name), ())
        and (fault := _find_fault(session, record.table, key))
    )


def _find_fault(session: Session, table: Table, key: ForeignKey) -> str:
    """Say what is wrong with a foreign key; a parent that was not chosen may be missing."""
    try:
        has_orphans = count_orphans(session, table, key) > 0
    except ServerError as error:
        if error.code not in NO_SUCH_TABLE:
            raise
        return f"{key.name} refers to {key.ref_schema}.{key.ref_table}, which is not there"
    return f"rows violate {key.name}, as they did at the source" if has_orphans else ""


def drop_objects(shard: ShardRestore, session: Session) -> None:
    """Drop what an interrupted run, or --replace, left of the objects to create."""
    for item in reversed(shard.objects):
        if item.kind is ObjectKind.PACKAGE_BODY:
            continue  # goes with its package
        # MariaDB 10.11 knows packages in this mode only, and drops everything else in it too.
        mode = "ORACLE" if item.kind is ObjectKind.PACKAGE else LOAD_MODE
        session.execute(f"SET SESSION sql_mode = '{mode}'")
        session.execute(f"DROP {item.kind.upper()} IF EXISTS {quote_table(item.schema, item.name)}")
    prepare_load(session)


def compare_objects(
    shard: ShardRestore, session: Session, source: ServerIdentity, told: Sequence[Finding]
) -> tuple[Finding, ...]:
    """Compare every code object with what it is before the end: events are still disabled.

    Args:
        shard: what was restored.
        session: to its target, in the read state.
        source: the server that it came from.
        told: what the creation reported already.
    """
    tables = frozenset((record.table.schema, record.table.name) for record in shard.tables)
    restored = read_objects(session, sorted(shard.whole), tables)
    fold = _Fold(shard.rule, Surroundings(source))
    wanted = [_asleep(item) for item in shard.objects if item.fault is None]
    present = {fold.key(item) for item in restored}
    known = {(finding.where, finding.what) for finding in told}
    missing = tuple(
        _object_finding(shard, item, "is not there, although the server took it")
        for item in wanted
        if fold.key(item) not in present and (f"{item.schema}.{item.name}", item.kind) not in known
    )
    return (*missing, *compare_code(shard, wanted, restored, session, source))


def _asleep(item: CodeObject) -> CodeObject:
    return put_to_sleep(item) if item.kind is ObjectKind.EVENT else item


def compare_code(
    shard: ShardRestore,
    wanted: Sequence[CodeObject],
    restored: Sequence[CodeObject],
    session: Session,
    source: ServerIdentity,
) -> tuple[Finding, ...]:
    """Compare the code objects that are there; on another version spelling does not count."""
    is_same_version = session.version == parse_version(source.version)
    read = _text if is_same_version else spell_code
    fold = _Fold(shard.rule, Surroundings(source))
    present = {fold.key(item): item for item in restored}
    pairs = [(item, present[fold.key(item)]) for item in wanted if fold.key(item) in present]
    different = [
        (item, "reads back differently")
        for item, got in pairs
        if read(fold.code(item)) != read(fold.code(got))
    ]
    renamed = [
        (item, f"has columns {', '.join(got.columns)}; they were {', '.join(item.columns)}")
        for item, got in pairs
        if item.columns and item.columns != got.columns
    ]
    return tuple(_object_finding(shard, item, what) for item, what in (*different, *renamed))


def _object_finding(shard: ShardRestore, item: CodeObject, message: str) -> Finding:
    return Finding(
        Severity.WARNING,
        f"{shard.source}: {item.schema}.{item.name}",
        item.kind,
        message,
        f"compare SHOW CREATE {item.kind.upper()} on both sides",
    )


def _text(item: CodeObject) -> tuple[bytes, str, str, str, str, str]:
    made_under = item.charset, item.collation, item.database_collation, item.time_zone
    return item.create_sql, item.sql_mode, *made_under


def compare_schemas(
    shard: ShardRestore, session: Session, source: ServerIdentity
) -> tuple[Finding, ...]:
    """Compare each database but for being read only, which comes last.

    Raises:
        VerificationFailed: a database that is restored whole differs although the server's
            version does not.
    """
    is_same_version = session.version == parse_version(source.version)
    is_same_family = session.family is Family(source.family)
    findings = []
    for schema in shard.schemas:
        got = read_schema(session, schema.name)
        what = describe_difference(schema, got, is_same_family=is_same_family)
        if what and is_same_version and schema.name in shard.whole:
            raise VerificationFailed(
                f"database {schema.name} {what}",
                shard=shard.source,
                hint="the target stays marked incomplete; was something else changing it? "
                "give the database back what it had, then run the same restore again",
            )
        if what:
            where = f"{shard.source}: {schema.name}"
            findings.append(Finding(Severity.WARNING, where, "database", what))
    return tuple(findings)


def compare_accounts(
    shard: ShardRestore, session: Session, source: ServerIdentity
) -> tuple[Finding, ...]:
    """Compare each account that was to be restored; one that was there may have kept its own.

    Servers of two families have no statement in common that tells of an account.
    """
    if not shard.accounts or session.family is not Family(source.family):
        return ()
    restored = {account.name: account for account in read_accounts(session)}
    return tuple(
        Finding(
            Severity.WARNING,
            account.name,
            "account",
            "reads back differently; was it there before?",
            "compare SHOW CREATE USER and SHOW GRANTS on both sides",
        )
        for account in shard.accounts
        if account.name in restored
        and not _is_equal(account, restored[account.name], _Fold(shard.rule, Surroundings(source)))
    )


def _is_equal(wanted: Account, got: Account, fold: _Fold) -> bool:
    """Compare two accounts; servers list grants in the order in which they came."""
    is_same_way_in = (wanted.create_sql, wanted.second_password) == (
        got.create_sql,
        got.second_password,
    )
    grants = ({fold.grant(text) for text in account.grants} for account in (wanted, got))
    return is_same_way_in and next(grants) == next(grants)
