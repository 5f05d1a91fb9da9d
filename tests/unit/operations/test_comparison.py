"""Compare backups and search them, over real repositories in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from shardvault.cli.page import Page
from shardvault.cli.page_comparison import describe_diff, describe_find
from shardvault.errors import UsageError
from shardvault.events import Event
from shardvault.model.comparison import Change, DiffReport, FindReport
from shardvault.model.ids import BackupId
from shardvault.model.manifest import ShardPart, TableRecord
from shardvault.model.schema import Account, CodeObject, ObjectKind, Schema
from shardvault.operations.diff import Side, run_diff
from shardvault.operations.find import run_find
from shardvault.repository.parts import put_part
from shardvault.storage.memory import MemoryStorage
from tests.support.repositories import make_manifest, make_part, make_repository

Edit = Callable[[ShardPart], ShardPart]
VIEW = CodeObject(ObjectKind.VIEW, "shop", "v", b"CREATE VIEW v AS SELECT 1", "", "utf8mb4", "")


class Silent:
    def emit(self, event: Event) -> None:
        pass


CREATE = b"CREATE TABLE `t` (\n  `a` int\n)"
OTHER = b"CREATE TABLE `t` (\n  `b` int\n)"


def record(name: str, *, rows: int = 3, create: bytes = CREATE) -> TableRecord:
    (plain,) = make_part(()).tables
    table = replace(plain.table, schema="shop", name=name, create_sql=create)
    return replace(plain, table=table, rows=rows, content_hash=f"{rows:032x}")


def part_of(*tables: TableRecord, **more: tuple[object, ...]) -> ShardPart:
    part = make_part(())
    schemas = (Schema("shop", b"CREATE DATABASE `shop`"),)
    return replace(part, schemas=schemas, tables=tables, **more)  # type: ignore[arg-type]


class Backups:
    def __init__(self, folder: Path) -> None:
        self.storage = MemoryStorage()
        self.repository = make_repository(self.storage, folder)

    def add(self, name: str, part: ShardPart, begin: str, *scope: str) -> None:
        with self.repository.writer("backup") as writer:
            manifest = replace(make_manifest(name, put_part(writer, part), begin), scope=scope)
            writer.flush()
            self.repository.commit(manifest)

    def diff(self, first: str, second: str) -> DiffReport:
        sides = [
            Side(self.repository.load(BackupId(name)), self.repository.reader())
            for name in (first, second)
        ]
        return run_diff(*sides)

    def find(self, pattern: str) -> FindReport:
        return run_find(pattern, self.repository, Silent())


@pytest.fixture
def backups(tmp_path: Path) -> Backups:
    return Backups(tmp_path)


def two(backups: Backups, before: ShardPart, after: ShardPart) -> DiffReport:
    backups.add("one", before, "2026-11-22T11:00:00Z")
    backups.add("two", after, "2026-11-22T12:00:00Z")
    return backups.diff("one", "two")


def test_what_a_partial_backup_lacks_is_not_taken_for_removed(backups: Backups) -> None:
    backups.add("one", part_of(record("a"), record("b")), "2026-11-22T11:00:00Z")
    backups.add("two", part_of(record("a")), "2026-11-22T12:00:00Z", "--tables shop.a")
    report = backups.diff("one", "two")
    assert (report.first_scope, report.second_scope) == ((), ("--tables shop.a",))
    page = Page(100)
    describe_diff(page, report)
    assert "two is partial: --tables shop.a; what it leaves out counts as removed" in page.text()
    page = Page(100)
    describe_diff(page, backups.diff("two", "one"))
    assert "two is partial: --tables shop.a; what it leaves out counts as added" in page.text()


def test_equal_backups_have_no_difference(backups: Backups) -> None:
    report = two(backups, part_of(record("a"), record("b")), part_of(record("b"), record("a")))
    assert (report.status, report.tables, report.objects) == ("equal", (), ())
    assert report.equal_tables == 2


@pytest.mark.parametrize(
    ("new", "change", "aspects", "rows"),
    [
        (None, Change.REMOVED, (), (3, 0)),
        (record("a", rows=4), Change.CHANGED, ("rows",), (3, 4)),
        (
            record("a", create=OTHER),
            Change.CHANGED,
            ("definition",),
            (3, 3),
        ),
    ],
)
def test_a_table_that_is_not_the_same_is_named_with_what_differs(
    backups: Backups,
    new: TableRecord | None,
    change: Change,
    aspects: tuple[str, ...],
    rows: tuple[int, int],
) -> None:
    tables = [record("same"), *([new] if new else [])]
    report = two(backups, part_of(record("a"), record("same")), part_of(*tables))
    (found,) = report.tables
    assert (found.name, found.change, found.aspects, found.rows) == ("a", change, aspects, rows)
    assert (report.status, report.equal_tables) == ("different", 1)


def test_a_counter_alone_is_no_difference(backups: Backups) -> None:
    counted = b"CREATE TABLE `t` (\n  `a` int\n) ENGINE=InnoDB AUTO_INCREMENT=%d"
    parts = [part_of(record("a", create=counted % number)) for number in (7, 8)]
    assert two(backups, *parts).status == "equal"


def test_rows_of_equal_number_and_other_contents_differ(backups: Backups) -> None:
    other = replace(record("a"), content_hash="ab" * 16)
    (found,) = two(backups, part_of(record("a")), part_of(other)).tables
    assert found.aspects == ("rows",)


def test_objects_and_accounts_that_differ_are_named(backups: Backups) -> None:
    account = Account("`app`@`%`", False, b"CREATE USER", (b"GRANT SELECT",))
    before = part_of(objects=(VIEW,), accounts=(account,))
    after = part_of(
        objects=(replace(VIEW, create_sql=b"CREATE VIEW v AS SELECT 2"), replace(VIEW, name="w")),
    )
    report = two(backups, before, after)
    assert {(one.kind, one.name, one.change) for one in report.objects} == {
        ("view", "v", Change.CHANGED),
        ("view", "w", Change.ADDED),
        ("account", "`app`@`%`", Change.REMOVED),
    }


def test_a_name_is_found_in_every_backup_and_changes_are_marked(backups: Backups) -> None:
    for number, rows in enumerate((1, 1, 2)):
        part = part_of(record("orders_1", rows=rows), record("other"), objects=(VIEW,))
        backups.add(f"backup{number}", part, f"2026-11-2{number}T11:00:00Z")
    report = backups.find("orders_?")
    assert [(one.backup, one.rows, one.is_changed) for one in report.found] == [
        ("backup0", 1, True),
        ("backup1", 1, False),
        ("backup2", 2, True),
    ]
    assert report.searched == 3
    assert {one.kind for one in backups.find("shop.v").found} == {"view"}
    assert {one.name for one in backups.find("canary_shard.shop.o*").found} == {"orders_1", "other"}
    assert backups.find("other_schema.*").found == ()


def test_a_backup_that_cannot_be_read_is_named_and_the_others_are_searched(
    backups: Backups,
) -> None:
    backups.add("one", part_of(record("a", create=b"x" * 5000)), "2026-11-22T11:00:00Z")
    packs = {found.name for found in backups.storage.list("packs/")}
    backups.add("two", part_of(record("a", rows=9)), "2026-11-22T12:00:00Z")
    for name in packs:
        backups.storage.delete(name)
    report = backups.find("a")
    assert [one.backup for one in report.found] == ["two"]
    assert list(report.unreadable) == ["one"]


def test_a_backup_whose_manifest_is_gone_is_not_passed_over_in_silence(backups: Backups) -> None:
    backups.add("one", part_of(record("a")), "2026-11-22T11:00:00Z")
    (manifest,) = backups.storage.list("manifests/")
    backups.add("two", part_of(record("b")), "2026-11-22T12:00:00Z")
    backups.storage.delete(manifest.name)
    report = backups.find("a")
    assert (report.found, report.searched, report.unreadable) == ((), 1, {})
    (reason,) = report.damaged
    assert f"object {manifest.name} is missing" in reason
    page = Page(100)
    describe_find(page, report)
    assert "damaged" in page.text()


@pytest.mark.parametrize("pattern", ["", "a.b.c.d", "a b", "."])
def test_a_pattern_that_cannot_be_read_is_refused(backups: Backups, pattern: str) -> None:
    with pytest.raises(UsageError):
        backups.find(pattern)
