"""What another server cannot hold is a blocker, what it leaves out or narrows a warning."""

from __future__ import annotations

import pytest

from shardvault.fleet.definitions import Contents
from shardvault.fleet.narrower import Server
from shardvault.fleet.otherness import examine_otherness
from shardvault.model.manifest import TableRecord
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Account, Column, Schema, Table, TableKind

OLD: Server = (Family.MARIADB, (10, 11, 19))
NEW: Server = (Family.MARIADB, (11, 8, 6))
MYSQL: Server = (Family.MYSQL, (9, 7, 4))


def _contents(column: Column, name: str = "t", create_schema: bytes = b"") -> Contents:
    table = Table("s", name, TableKind.ROWS, "InnoDB", True, b"", (column,))
    record = TableRecord(table, ("c",), 0, "0" * 32, 0, ())
    return Contents((Schema("s", create_schema),), tables=(record,))


def _examine(contents: Contents, source: Server, target: Server) -> list[Finding]:
    return list(examine_otherness("t0", contents, source, target))


JSON = Column("c", "json", "json", None, None, True, False)
TIMESTAMP = Column("c", "timestamp", "timestamp", None, None, True, False)


@pytest.mark.parametrize("name", ["t", "{0}", "{}", "%s"])
def test_what_cannot_be_kept_is_a_blocker_with_its_place_and_a_remedy(name: str) -> None:
    (found,) = _examine(_contents(JSON, name), MYSQL, NEW)
    assert found.severity is Severity.BLOCKER
    assert found.message == f"binary JSON cannot be kept: s.{name}"
    assert "LONGTEXT" in found.remedy
    assert _examine(_contents(JSON, name), MYSQL, MYSQL) == []


def test_what_is_left_out_is_a_warning() -> None:
    contents = _contents(TIMESTAMP, create_schema=b"CREATE DATABASE `s` COMMENT 'x'")
    (found,) = _examine(contents, OLD, MYSQL)
    assert (found.severity, found.what) == (Severity.WARNING, "definitions")
    assert _examine(contents, OLD, NEW) == []


def test_a_narrower_type_is_a_warning_between_versions_too() -> None:
    (found,) = _examine(_contents(TIMESTAMP), NEW, OLD)
    assert (found.severity, found.what) == (Severity.WARNING, "ranges")
    assert "s.t column c" in found.message


def test_accounts_are_refused_by_another_family_only() -> None:
    contents = Contents(accounts=(Account("`a`@`%`", False, b"", ()),))
    (found,) = _examine(contents, OLD, MYSQL)
    assert (found.severity, "`a`@`%`" in found.message) == (Severity.BLOCKER, True)
    assert _examine(contents, OLD, NEW) == []
