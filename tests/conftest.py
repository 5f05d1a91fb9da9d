"""Give tests real servers; one that cannot be had fails the test, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fleet import Fleet
from tests.support.servers import Flavour, Instance, start_instance


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start MariaDB 10.11; shared by all tests, which keep to schemas of their own."""
    yield from _run_instance(Flavour.MARIADB_1011, tmp_path_factory)


@pytest.fixture(scope="session")
def mariadb118(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start MariaDB 11.8; shared by all tests, which keep to schemas of their own."""
    yield from _run_instance(Flavour.MARIADB_118, tmp_path_factory)


@pytest.fixture(scope="session")
def mysql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start MySQL 9.7; shared by all tests, which keep to schemas of their own."""
    yield from _run_instance(Flavour.MYSQL_97, tmp_path_factory)


@pytest.fixture(scope="session")
def mariadb_fleet() -> Iterator[Fleet]:
    """Start four MariaDB 10.11 as shards s0 to s3; shared by all tests."""
    with Fleet([Flavour.MARIADB_1011] * 4) as fleet:
        yield fleet


def _run_instance(flavour: Flavour, folders: pytest.TempPathFactory) -> Iterator[Instance]:
    folder: Path = folders.mktemp(flavour.value) / "instance"
    instance = start_instance(flavour, folder)
    try:
        yield instance
    finally:
        instance.destroy()
