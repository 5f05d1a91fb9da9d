"""The probe passes every kind of store that is supported, and finds the real one that lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shardvault.model.report import Severity
from shardvault.storage import open_storage
from shardvault.storage.probe import probe_storage
from tests.support.azurite import Azurite
from tests.support.ceph import CephGateway
from tests.support.rclone import RcloneServer
from tests.support.sshd import Sshd
from tests.support.stores import BUCKET, open_azure, open_s3, open_sftp, s3_settings


@pytest.fixture
def rclone(tmp_path: Path) -> Iterator[RcloneServer]:
    server = RcloneServer(tmp_path / "rclone")
    try:
        server.start(BUCKET)
        yield server
    finally:
        server.stop()


def test_ceph_keeps_every_promise(ceph: CephGateway) -> None:
    assert {finding.severity for finding in probe_storage(open_s3(ceph))} == {Severity.OK}


def test_openssh_keeps_every_promise(sshd: Sshd) -> None:
    assert {finding.severity for finding in probe_storage(open_sftp(sshd))} == {Severity.OK}


def test_azurite_keeps_the_promises_that_are_tried_often(azurite: Azurite) -> None:
    findings = probe_storage(open_azure(azurite), is_brief=True)
    assert {finding.severity for finding in findings} == {Severity.OK}


@pytest.mark.long(part="stores")
def test_azurite_keeps_every_promise(azurite: Azurite) -> None:
    assert {finding.severity for finding in probe_storage(open_azure(azurite))} == {Severity.OK}


def test_a_real_store_that_ignores_conditions_is_found(rclone: RcloneServer) -> None:
    storage = open_storage(f"s3://{BUCKET}/place", s3_settings(rclone.endpoint))
    findings = probe_storage(storage)
    broken = {found.what for found in findings if found.severity is Severity.BLOCKER}
    assert {"exclusive create", "race of 16 writers"} <= broken
