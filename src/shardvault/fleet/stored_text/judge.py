"""Find what in a shard's contents is not the definition that it claims to be; no I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from shardvault.fleet.definitions import Contents
from shardvault.fleet.occupied import MARK_SCHEMA
from shardvault.fleet.stored_text.accounts import judge_account
from shardvault.fleet.stored_text.code import choose_dialect, judge_code
from shardvault.fleet.stored_text.cursor import Fold, Forged
from shardvault.fleet.stored_text.tables import judge_schema, judge_table
from shardvault.fleet.stored_text.values import judge_instance_object, judge_record, judge_state
from shardvault.fleet.table_options import has_unknown_options, revive_unknown_options
from shardvault.fleet.topology import SYSTEM_SCHEMAS
from shardvault.model.manifest import TableRecord
from shardvault.model.position import Family
from shardvault.model.schema import Account, CodeObject, Schema
from shardvault.mysql.tokens import Dialect

ObjectId = tuple[str, str, str]


@dataclass(frozen=True)
class Server:
    """Say how the server that is to run the texts reads them.

    Attributes:
        version: as three numbers.
        fold: writes names of tables so that they are equal if they are one.
    """

    family: Family
    version: tuple[int, int, int]
    fold: Fold = str

    @property
    def version_id(self) -> int:
        """Return the version as comments name it, 101119 for 10.11.19."""
        major, minor, patch = self.version
        return major * 10000 + minor * 100 + patch

    @property
    def dialect(self) -> Dialect:
        """Return the dialect of statements in the load state."""
        return Dialect(self.version_id, is_mysql=self.family is Family.MYSQL)


@dataclass(frozen=True)
class Forgery:
    """Name a thing whose text is not its definition, and say why.

    Attributes:
        what: kind of thing, in the words of a finding.
        name: its name, ``schema.table`` for a table.
        table: ``schema.table`` if it is one, else empty.
    """

    what: str
    name: str
    reason: str
    table: str = ""

    @property
    def message(self) -> str:
        """Say in a line what is wrong."""
        return f"the text of {self.what} {self.name} is not its definition: it {self.reason}"


def find_forgeries(
    contents: Contents, server: Server, texts: Mapping[ObjectId, bytes] | None = None
) -> Iterator[Forgery]:
    """Give everything that must not be run.

    Args:
        contents: definitions and rows, under the names and in the words that are to be run.
        server: reads them.
        texts: what is run instead of the stored text of some code objects.
    """
    judge = _Judge(contents, server, texts or {})
    for schema in contents.schemas:
        yield from _try("database", schema.name, partial(judge.schema, schema))
    for record in contents.tables:
        name = record.table.qualified
        yield from _try("table", name, partial(judge.table, record), table=name)
    for item in contents.objects:
        if item.fault is None:
            yield from _try(item.kind, f"{item.schema}.{item.name}", partial(judge.code, item))
    for thing in contents.instance_objects:
        yield from _try(thing.kind, thing.name, partial(judge_instance_object, thing))
    for account in contents.accounts:
        yield from _try("account", account.name, partial(judge.account, account))


def _try(what: str, name: str, judge: Callable[[], None], *, table: str = "") -> Iterator[Forgery]:
    try:
        judge()
    except Forged as error:
        yield Forgery(what, name, str(error), table)


class _Judge:
    """Judge one thing after another; each raises ``Forged``."""

    def __init__(self, contents: Contents, server: Server, texts: Mapping[ObjectId, bytes]) -> None:
        self._server = server
        self._texts = texts
        self._schemas = frozenset(schema.name for schema in contents.schemas)
        names = (account.name for account in contents.accounts if account.is_role)
        self._roles = frozenset(name[1:-1].replace("``", "`") for name in names)

    def schema(self, schema: Schema) -> None:
        if schema.name.casefold() in {*SYSTEM_SCHEMAS, MARK_SCHEMA}:
            raise Forged("is one of the server's own")
        judge_schema(schema, self._server.dialect, (self._server.fold,))

    def table(self, record: TableRecord) -> None:
        table = record.table
        self._judge_place(table.schema)
        judge_record(record)
        if self._server.family is Family.MARIADB and has_unknown_options(table.create_sql):
            table = replace(table, create_sql=revive_unknown_options(table.create_sql))
        judge_table(table, self._server.dialect, (self._server.fold,))

    def code(self, item: CodeObject) -> None:
        self._judge_place(item.schema)
        judge_state(item)
        is_mysql = self._server.family is Family.MYSQL
        dialect = choose_dialect(item, self._server.version_id, is_mysql=is_mysql)
        text = self._texts.get((item.kind, item.schema, item.name), item.create_sql)
        judge_code(item, text, dialect, (self._server.fold, str.casefold))

    def account(self, account: Account) -> None:
        judge_account(account, self._roles, self._server.dialect)

    def _judge_place(self, schema: str) -> None:
        if schema not in self._schemas:
            raise Forged(f"lies in {schema}, which is not in the backup")
