"""Generated columns are never stored, but what a target computes in them is compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shardvault import app
from shardvault.app.building import load, open_configured
from shardvault.model.manifest import TableRecord
from shardvault.model.report import Finding
from shardvault.model.target import Scope
from shardvault.repository.parts import get_part
from tests.integration.operations_support import Lone, Vault, query, run_all
from tests.support.servers import Instance

SCHEMA = "computed"
ONLY = Scope(include=(SCHEMA,))

# What CHAR gives depends on the mode under which a row is written, or a virtual column read.
PADDED = (
    "CREATE TABLE t (id INT PRIMARY KEY, a CHAR(5), g VARCHAR(20) AS (CONCAT(a, '|')) STORED)",
    "SET SESSION sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'",
    "INSERT INTO t (id, a) VALUES (1, 'x')",
)
# A date that is read back as one only where such dates are allowed: not in a dump.
VIRTUAL = (
    "SET SESSION sql_mode = ''",
    "CREATE TABLE t (d DATE AS (CAST(s AS DATE)) VIRTUAL, id INT PRIMARY KEY, s VARCHAR(20),"
    " f FLOAT AS (id / 3) STORED, j JSON AS (JSON_ARRAY(id)) VIRTUAL)",
    "INSERT INTO t (id, s) VALUES (1, '2023-02-31'), (2, '2024-02-29'), (3, NULL)",
)
SMALL = (
    "CREATE TABLE t (id INT PRIMARY KEY, g INT AS (id * 2) STORED) ENGINE=MyISAM",
    "INSERT INTO t (id) VALUES (4), (5)",
)
UNCOMPUTABLE = (
    "CREATE TABLE t (id INT PRIMARY KEY, s TEXT)",
    "INSERT INTO t VALUES (1, 'nonsense')",
    "ALTER TABLE t ADD COLUMN g JSON AS (JSON_EXTRACT(s, '$.a')) VIRTUAL",
)


@pytest.fixture(params=["mariadb", "mariadb118", "mysql"])
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    yield from _empty(request.getfixturevalue(request.param))


@pytest.fixture
def server(mysql: Instance) -> Iterator[Instance]:
    yield from _empty(mysql)


def _empty(found: Instance) -> Iterator[Instance]:
    run_all(found, f"DROP DATABASE IF EXISTS {SCHEMA}", f"CREATE DATABASE {SCHEMA}")
    yield found
    run_all(found, f"DROP DATABASE {SCHEMA}")


def _back_up(instance: Instance, folder: Path, *statements: str) -> Vault:
    run_all(instance, f"USE {SCHEMA}", *statements)
    vault = Vault(folder, Lone({"main": instance}))
    vault.backup(scope=ONLY)
    return vault


def _restore(vault: Vault, instance: Instance) -> list[Finding]:
    """Restore onto the source itself; return what was found of generated columns."""
    target = vault.target(Lone({"main": instance}))
    report = vault.restore(target, scope=ONLY, replace=True, confirm_source="shop")
    assert report.verified
    found = [item for item in report.findings if item.what == "generated columns"]
    assert (report.status == "findings") is bool(found)
    return found


def _record(vault: Vault) -> TableRecord:
    repository = open_configured(load(vault.config))
    (shard,) = repository.load(repository.list()[-1].id).shards
    (record,) = get_part(repository.reader(), shard.part).tables
    return record


@pytest.mark.parametrize("statements", [VIRTUAL, SMALL], ids=["virtual", "small"])
def test_what_is_computed_alike_is_no_finding(
    instance: Instance, tmp_path: Path, statements: tuple[str, ...]
) -> None:
    vault = _back_up(instance, tmp_path, *statements)
    before = query(instance, f"SELECT * FROM {SCHEMA}.t")
    assert len(_record(vault).generated_hash) == 32
    assert _restore(vault, instance) == []
    assert query(instance, f"SELECT * FROM {SCHEMA}.t") == before
    assert vault.verify().status == "ok"


def test_what_a_target_computes_otherwise_is_a_finding_that_names_the_columns(
    server: Instance, tmp_path: Path
) -> None:
    (finding,) = _restore(_back_up(server, tmp_path, *PADDED), server)
    assert finding.where == "main: computed.t"
    assert "other values in g" in finding.message
    assert finding.remedy


def test_without_the_second_hash_nobody_would_tell(
    server: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: the rows are equal, only the hash over computed columns differs."""
    monkeypatch.setattr("shardvault.dump.plan.computed_columns", lambda _: ())
    assert _restore(_back_up(server, tmp_path, *PADDED), server) == []


def test_the_content_hash_is_that_of_the_stored_columns_alone(
    instance: Instance, tmp_path: Path
) -> None:
    (tmp_path / "with").mkdir()
    with_computed = _record(_back_up(instance, tmp_path / "with", *VIRTUAL))
    run_all(instance, f"ALTER TABLE {SCHEMA}.t DROP COLUMN d, DROP COLUMN f, DROP COLUMN j")
    (tmp_path / "without").mkdir()
    without = _record(_back_up(instance, tmp_path / "without"))
    assert without.generated_hash == ""
    assert (with_computed.content_hash, with_computed.raw_bytes, with_computed.select_columns) == (
        without.content_hash,
        without.raw_bytes,
        without.select_columns,
    )


def test_a_column_that_the_source_cannot_compute_is_a_notice_and_its_rows_are_stored(
    server: Instance, tmp_path: Path
) -> None:
    vault = _back_up(server, tmp_path, *UNCOMPUTABLE)
    notices = app.show(vault.newest(), vault.config).backup.notices
    assert any("cannot compute generated columns of computed.t" in notice for notice in notices)
    record = _record(vault)
    assert (record.rows, record.generated_hash) == (1, "")
    assert vault.verify().status == "ok"
