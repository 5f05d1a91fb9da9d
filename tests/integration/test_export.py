"""`restore --sql` and `--csv`: the script makes the same tables, the CSV has the same values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymysql.constants import CLIENT

from shardvault import app
from shardvault.errors import IntegrityError, UsageError
from shardvault.model.export import ExportForm
from shardvault.model.target import Scope
from shardvault.storage.local import LocalStorage
from tests.integration.operations_support import Lone, Vault, run_all
from tests.support.servers import Instance

SCOPE = Scope(include=("export.*",))
TABLES = (
    "DROP DATABASE IF EXISTS export",
    "CREATE DATABASE export",
    "USE export",
    "SET sql_mode='ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'",
    "CREATE TABLE numbers (id BIGINT UNSIGNED PRIMARY KEY, d DECIMAL(40,20), f FLOAT, g DOUBLE,"
    " b BIT(64), e ENUM('x','it''s'), s SET('p','q','r'), y YEAR)",
    "INSERT INTO numbers VALUES (18446744073709551615, -12345678901234567890.00000000000000000001,"
    " 3.4028235e38, 5e-324, 0xFFFFFFFFFFFFFFFF, 'it''s', 'p,r', 1901),"
    " (0, 0, 0.1, 0.1, 0, NULL, '', 0), (1, 1, 1, 1, 1, 0, 'q', NULL)",
    "CREATE TABLE texts (id INT PRIMARY KEY, u TEXT CHARACTER SET utf8mb4,"
    " l VARCHAR(20) CHARACTER SET latin1, j CHAR(9) CHARACTER SET utf16, v VARBINARY(300),"
    " w BLOB)",
    r"INSERT INTO texts VALUES (1, 'it''s \\ \n \t \0 €', 'é', 'ü', '', X'00FF27'),"
    " (2, '', NULL, '', X'5C4E', NULL), (3, REPEAT('😀', 3000), 'plain', NULL, 0x5c, ';')",
    "CREATE TABLE times (id INT PRIMARY KEY, d DATE, t TIME(6), dt DATETIME(3),"
    " ts TIMESTAMP(6) NULL, g POINT, made INT AS (id * 2) STORED)",
    "INSERT INTO times (id, d, t, dt, ts, g) VALUES (1, '2023-02-31', '-838:59:59.000000',"
    " '0000-00-00', '2001-09-09 01:46:40.123456', ST_GeomFromText('POINT(1 2)'))",
)


@pytest.fixture(scope="module", params=["mariadb", "mysql"])
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    found: Instance = request.getfixturevalue(request.param)
    run_all(found, *TABLES)
    yield found
    run_all(found, "DROP DATABASE IF EXISTS export")


@pytest.fixture(scope="module")
def vault(instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> Vault:
    vault = Vault(tmp_path_factory.mktemp("vault"), Lone({"s0": instance}))
    vault.backup(scope=SCOPE)
    return vault


def run_script(instance: Instance, script: bytes) -> None:
    with (
        instance.connect(client_flag=CLIENT.MULTI_STATEMENTS) as connection,
        connection.cursor() as cursor,
    ):
        connection._execute_command(3, script)
        connection._read_query_result()
        while connection.next_result():
            pass
        cursor.close()


def hashes(vault: Vault) -> dict[str, str]:
    shown = app.show(vault.newest(), vault.config)
    return {table.name: table.content_hash for table in shown.tables}


def test_a_script_makes_tables_with_the_same_hashes(
    vault: Vault, instance: Instance, tmp_path: Path
) -> None:
    wanted = hashes(vault)
    file = tmp_path / "export.sql"
    report = app.export(vault.newest(), ExportForm.SQL, str(file), vault.config, scope=SCOPE)
    assert (report.tables, report.rows) == (3, 7)
    assert report.bytes_written == file.stat().st_size
    assert file.stat().st_mode & 0o777 == 0o600
    run_all(instance, "DROP DATABASE export")
    run_script(instance, file.read_bytes())
    (tmp_path / "again").mkdir()
    again = Vault(tmp_path / "again", Lone({"s0": instance}))
    again.backup(scope=SCOPE)
    assert hashes(again) == wanted


def test_csv_has_the_values_for_people(vault: Vault, tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    scope = Scope(include=("export.numbers",))
    app.export(vault.newest(), ExportForm.CSV, str(file), vault.config, scope=scope)
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(file.read_text("utf-8")))}
    assert rows["18446744073709551615"]["d"] == "-12345678901234567890.00000000000000000001"
    assert rows["18446744073709551615"]["e"] == "it's"
    assert rows["18446744073709551615"]["s"] == "p,r"
    assert (rows["1"]["e"], rows["0"]["e"]) == ("", "")
    assert b'"0",' in file.read_bytes()


def test_csv_tells_null_from_empty_and_converts_text(vault: Vault, tmp_path: Path) -> None:
    file = tmp_path / "texts.csv"
    scope = Scope(include=("export.texts",))
    app.export(vault.newest(), ExportForm.CSV, str(file), vault.config, scope=scope)
    data = file.read_bytes()
    assert b'"2","",,"","0x5c4e",\r\n' in data
    assert '"é","ü","0x","0x00ff27"'.encode() in data


@pytest.mark.parametrize("form", list(ExportForm))
def test_an_output_that_cannot_be_right_is_refused(
    vault: Vault, tmp_path: Path, form: ExportForm
) -> None:
    file = tmp_path / "there"
    file.write_text("mine")
    with pytest.raises(UsageError, match="exists"):
        app.export(vault.newest(), form, str(file), vault.config, scope=SCOPE)
    assert file.read_text() == "mine"
    if form is ExportForm.CSV:
        with pytest.raises(UsageError, match="other columns"):
            app.export(vault.newest(), form, str(tmp_path / "new"), vault.config, scope=SCOPE)
    assert [found.name for found in tmp_path.iterdir()] == ["there"]


def test_standard_output_takes_the_script_alone(vault: Vault) -> None:
    words = ("restore", vault.newest(), "--tables", "export.times", "--sql", "-")
    result = vault.run(*words)
    assert result.code == 0, result.err
    assert result.out.startswith("-- backup ")
    assert "INSERT INTO `export`.`times`" in result.out


def test_damaged_rows_leave_no_file(vault: Vault, tmp_path: Path) -> None:
    store = LocalStorage(vault.repository)
    packs = sorted(store.list("packs/"), key=lambda found: found.size_bytes)
    path = vault.repository / packs[-1].name
    saved = path.read_bytes()
    middle = len(saved) // 2
    try:
        path.chmod(0o600)
        path.write_bytes(saved[:middle] + bytes([saved[middle] ^ 1]) + saved[middle + 1 :])
        with pytest.raises(IntegrityError):
            app.export(
                vault.newest(), ExportForm.SQL, str(tmp_path / "x"), vault.config, scope=SCOPE
            )
    finally:
        path.write_bytes(saved)
    assert list(tmp_path.iterdir()) == []
