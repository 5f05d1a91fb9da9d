"""Rename the schemas of what is restored; report what cannot follow, and leave it out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from shardvault.fleet.definitions import Contents
from shardvault.load.grant_renaming import rename_account
from shardvault.load.references import CannotRename
from shardvault.load.renaming import (
    Renaming,
    Surroundings,
    describe_kept_texts,
    rename_object,
    rename_schema,
    rename_table,
)
from shardvault.model.ids import ShardName
from shardvault.model.manifest import ServerIdentity, TableRecord
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Account, CodeObject, ObjectKind

_SHOW = "`shardvault show ID --sql` prints its text"


def rename_contents(
    contents: Contents, source: ShardName, renaming: Renaming, server: ServerIdentity
) -> tuple[Contents, tuple[Finding, ...]]:
    """Rename everything that one target gets; what cannot follow is missing in the result.

    Args:
        contents: as the backup has it.
        source: shard of the backup, for the findings.
        renaming: which of its schemas get other names.
        server: the server that gave the definitions.

    Returns:
        the renamed contents, a warning for everything left out, and a note for everything
        that holds an old name where none can be renamed.
    """
    if not renaming.names:
        return contents, ()
    packages = (item.name for item in contents.objects if item.kind is ObjectKind.PACKAGE)
    work = _Work(source, renaming, Surroundings(server, frozenset(packages)))
    renamed = Contents(
        schemas=tuple(rename_schema(one, renaming, work.around) for one in contents.schemas),
        whole=frozenset(map(renaming.new_name, contents.whole)),
        tables=tuple(work.rename_tables(contents)),
        objects=tuple(work.rename_objects(contents)),
        accounts=tuple(map(work.rename_account, contents.accounts)),
    )
    return renamed, tuple(work.findings)


@dataclass(frozen=True)
class _Work:
    """Rename the definitions of one shard and note what is to be said about them."""

    source: ShardName
    renaming: Renaming
    around: Surroundings
    findings: list[Finding] = field(default_factory=list)

    def rename_tables(self, contents: Contents) -> Iterator[TableRecord]:
        for record in contents.tables:
            try:
                table = rename_table(record.table, self.renaming, self.around)
            except CannotRename as error:
                self._leave_out(record.table.qualified, "table", str(error))
                continue
            kept = describe_kept_texts(
                table.create_sql, self.renaming, self.around.dialect(), is_code=False
            )
            self._note(table.qualified, "table", kept)
            yield replace(record, table=table)

    def rename_objects(self, contents: Contents) -> Iterator[CodeObject]:
        for item in contents.objects:
            try:
                renamed = rename_object(item, self.renaming, self.around)
            except CannotRename as error:
                self._leave_out(f"{item.schema}.{item.name}", item.kind, str(error))
                continue
            dialect = self.around.dialect(item.sql_mode, item.charset)
            kept = describe_kept_texts(renamed.create_sql, self.renaming, dialect, is_code=True)
            self._note(f"{renamed.schema}.{renamed.name}", item.kind, kept)
            yield renamed

    def rename_account(self, account: Account) -> Account:
        renamed, left_out = rename_account(account, self.renaming, self.around.dialect())
        for reason in left_out:
            message = f"not granted: {reason}"
            self._add(Severity.WARNING, account.name, "account", message, "grant it by hand")
        return renamed

    def _leave_out(self, name: str, what: str, reason: str) -> None:
        message = f"left out, because it cannot follow to the new names: {reason}"
        self._add(Severity.WARNING, name, what, message, f"create it by hand; {_SHOW}")

    def _note(self, name: str, what: str, message: str) -> None:
        if message:
            self._add(Severity.INFO, name, what, message)

    def _add(
        self, severity: Severity, name: str, what: str, message: str, remedy: str = ""
    ) -> None:
        where = f"{self.source}: {name}"
        self.findings.append(Finding(severity, where, what, message, remedy))
