"""Open a store of each kind on private servers, each time in a place of its own."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from shardvault.interfaces import Storage
from shardvault.storage import open_storage
from shardvault.storage.settings import StoreSettings
from tests.support.azurite import Azurite
from tests.support.bucket_server import BucketServer
from tests.support.ceph import ACCESS_KEY, SECRET_KEY, CephGateway
from tests.support.sshd import Sshd

BUCKET = "vault"


def s3_settings(endpoint: str, **more: object) -> StoreSettings:
    """Describe the S3 server of a test."""
    return StoreSettings(
        endpoint=endpoint,
        region="default",
        user=ACCESS_KEY,
        secret=lambda: SECRET_KEY,
        **more,  # type: ignore[arg-type]
    )


def open_s3(gateway: CephGateway | BucketServer) -> Storage:
    """Open an empty place of an S3 bucket."""
    return open_storage(f"s3://{BUCKET}/{_fresh()}", s3_settings(gateway.endpoint))


def open_gcs(server: BucketServer) -> Storage:
    """Open an empty place of a bucket that is reached as Google's are, without a login."""
    account = {
        "gcs_base_url": server.endpoint,
        "disable_oauth": True,
        "client_email": "",
        "private_key": "",
        "private_key_id": "",
    }
    settings = StoreSettings(endpoint=server.endpoint, secret=lambda: json.dumps(account))
    return open_storage(f"gs://{BUCKET}/{_fresh()}", settings)


def open_azure(azurite: Azurite) -> Storage:
    """Open an empty place of an Azure container."""
    settings = StoreSettings(
        endpoint=azurite.endpoint, user=azurite.account, secret=lambda: azurite.key
    )
    return open_storage(f"az://{BUCKET}/{_fresh()}", settings)


def open_sftp(server: Sshd) -> Storage:
    """Open an empty folder of an SFTP server."""
    return open_storage(f"{server.url}/{_fresh()}", sftp_settings(server))


def sftp_settings(server: Sshd, *, known_hosts: Path | None = None) -> StoreSettings:
    """Describe the SFTP server of a test."""
    return StoreSettings(
        key_file=str(server.key_file), known_hosts=str(known_hosts or server.known_hosts)
    )


def _fresh() -> str:
    return secrets.token_hex(8)
