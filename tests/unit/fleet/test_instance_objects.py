"""Statements for what belongs to an instance are written from checked parts, passwords masked."""

from __future__ import annotations

import pytest

from shardvault.fleet.instance_objects import (
    _is_sound,
    choose_used,
    named_servers,
    write_create,
)
from shardvault.model.schema import InstanceKind, InstanceObject, Table, TableKind

SERVER = InstanceObject(
    InstanceKind.SERVER,
    "a`b",
    (("wrapper", "mysql"), ("HOST", "h'\\"), ("PORT", "3"), ("PASSWORD", "secret")),
)
SYSTEM = InstanceObject(
    InstanceKind.SPATIAL_SYSTEM,
    "990001",
    (("name", "it's"), ("definition", "D"), ("organization", "me"), ("organization id", "7")),
)


def _table(engine: str, create_sql: bytes) -> Table:
    return Table("d", "t", TableKind.DEFINITION, engine, True, create_sql, ())


def test_a_server_is_written_with_quoted_parts() -> None:
    assert write_create(SERVER) == (
        "CREATE SERVER `a``b` FOREIGN DATA WRAPPER `mysql` OPTIONS "
        "(HOST 'h''\\\\', PORT 3, PASSWORD 'secret')"
    )


def test_a_password_is_never_shown() -> None:
    assert "secret" not in write_create(SERVER, is_shown=True)
    assert "PASSWORD '***'" in write_create(SERVER, is_shown=True)
    assert "secret" not in repr(SERVER)


def test_a_spatial_reference_system_is_written_with_quoted_parts() -> None:
    assert write_create(SYSTEM) == (
        "CREATE SPATIAL REFERENCE SYSTEM 990001 NAME 'it''s' DEFINITION 'D' "
        "ORGANIZATION 'me' IDENTIFIED BY 7"
    )


@pytest.mark.parametrize(
    ("engine", "text", "names"),
    [
        ("FEDERATED", b"CONNECTION='fs/t'", {"fs"}),
        ("FEDERATED", b"CONNECTION='fs'", {"fs"}),
        ("FEDERATED", b"CONNECTION='mysql://u:p@h/d/t'", set()),
        ("SPIDER", b'COMMENT=\'wrapper "mysql", srv "s1"\'', {"s1"}),
        ("SPIDER", b'REMOTE_SERVER="s1" REMOTE_TABLE="t"', {"s1"}),
        ("InnoDB", b"COMMENT='CONNECTION='fs''", set()),
    ],
)
def test_the_servers_that_a_table_names_are_found(
    engine: str, text: bytes, names: set[str]
) -> None:
    assert named_servers(_table(engine, text)) == names


def test_only_servers_in_use_are_chosen_and_every_spatial_system() -> None:
    other = InstanceObject(InstanceKind.SERVER, "other", (("wrapper", "mysql"),))
    table = _table("FEDERATED", b"CONNECTION='other/t'")
    assert choose_used((SYSTEM, SERVER, other), (table,)) == (SYSTEM, other)


def test_a_server_is_found_whatever_the_case_of_its_name() -> None:
    other = InstanceObject(InstanceKind.SERVER, "Other", (("wrapper", "mysql"),))
    table = _table("FEDERATED", b"CONNECTION='oTHER/t'")
    assert choose_used((other,), (table,)) == (other,)


@pytest.mark.parametrize(
    "forged",
    [
        InstanceObject(InstanceKind.SPATIAL_SYSTEM, "1; DROP", SYSTEM.options),
        InstanceObject(InstanceKind.SPATIAL_SYSTEM, "1", (("name", "x"),)),
        InstanceObject(
            InstanceKind.SPATIAL_SYSTEM,
            "1",
            (*SYSTEM.options[:3], ("organization id", "7 x")),
        ),
        InstanceObject(InstanceKind.SERVER, "a", (("HOST", "h"),)),
        InstanceObject(InstanceKind.SERVER, "", SERVER.options),
    ],
)
def test_what_no_server_could_have_given_is_found(forged: InstanceObject) -> None:
    assert not _is_sound(forged)
    assert _is_sound(SERVER)
    assert _is_sound(SYSTEM)
