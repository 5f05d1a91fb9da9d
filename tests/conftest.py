"""Give tests real servers; one that cannot be had fails the test, with the reason."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.azurite import Azurite
from tests.support.binaries import describe_servers
from tests.support.bucket_server import BucketServer
from tests.support.ceph import CephGateway
from tests.support.fleet import Fleet
from tests.support.memory import use_memory
from tests.support.servers import Flavour, Instance, start_instance
from tests.support.sharing import SharedServers
from tests.support.side_by_side import make_scheduler, order_of, shuffle
from tests.support.sshd import Sshd
from tests.support.stand_in import keep_server_under_test
from tests.support.stores import BUCKET

SHARED = SharedServers()


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Choose the place of temporary files before one is made; let no test fail for being slow."""
    use_memory()
    slow = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
    settings.register_profile("patient", settings(), **slow)
    settings.load_profile("patient")


def pytest_report_header() -> list[str]:
    """Print first which servers are tested."""
    return describe_servers()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the longest groups begin first; test only the server of SERVERS= if one is given.

    SHARDVAULT_ORDER is the seed of a random order.
    """
    keep_server_under_test(config, items)
    items.sort(key=lambda item: order_of(item.nodeid))
    if seed := os.environ.get("SHARDVAULT_ORDER"):
        places = {nodeid: at for at, nodeid in enumerate(shuffle([i.nodeid for i in items], seed))}
        items.sort(key=lambda item: places[item.nodeid])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Callable[..., None]) -> Any:
    """Keep the tests of a group on one worker."""
    return make_scheduler(config, log)


@pytest.fixture(scope="session", autouse=True)
def _private_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let no test remember anything in the folder of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHARDVAULT_STATE", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c() -> Iterator[None]:
    """Let Ctrl-C work here and in every program that a test starts.

    A shell that starts a job in the background makes it ignore Ctrl-C; children inherit that.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module", autouse=True)
def _shared_servers_are_left_clean() -> Iterator[None]:
    """Let no file of tests depend on what another left on a shared server."""
    yield
    SHARED.clean()


@pytest.fixture(scope="session")
def mariadb105(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start MariaDB 10.5; shared by all tests, which keep to schemas of their own."""
    yield from _run_instance(Flavour.MARIADB_105, tmp_path_factory)


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
        SHARED.add(*fleet.instances)
        yield fleet
        SHARED.forget(*fleet.instances)


@pytest.fixture(scope="session")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CephGateway]:
    """Start a Ceph gateway that serves S3; shared by all tests."""
    gateway = CephGateway(tmp_path_factory.mktemp("ceph") / "gateway")
    try:
        gateway.start()
        gateway.make_bucket(BUCKET)
        yield gateway
    finally:
        gateway.stop()


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Start Azurite, which serves Azure's blobs; shared by all tests."""
    server = Azurite(tmp_path_factory.mktemp("azurite") / "server")
    try:
        server.start()
        server.make_container(BUCKET)
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def sshd() -> Iterator[Sshd]:
    """Start OpenSSH, which serves SFTP; shared by all tests."""
    server = Sshd()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def bucket_server() -> Iterator[BucketServer]:
    """Start a bucket that fails on order; speaks S3 and Google's XML."""
    server = BucketServer()
    yield server
    server.close()


def _run_instance(flavour: Flavour, folders: pytest.TempPathFactory) -> Iterator[Instance]:
    folder: Path = folders.mktemp(flavour.value) / "instance"
    instance = start_instance(flavour, folder)
    try:
        SHARED.add(instance)
        yield instance
    finally:
        SHARED.forget(instance)
        instance.destroy()
