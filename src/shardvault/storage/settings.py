"""Say how a store is reached, beyond its URL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class StoreSettings:
    """Hold what the configuration says about a store; each kind reads what concerns it.

    Attributes:
        endpoint: address of the service, if not the provider's own.
        region: of the bucket.
        is_path_style: the bucket stands in the path of a request, not in the host name.
        user: access key id (S3), account (Azure) or login (SFTP).
        secret: gives the secret key, account key, service account or password.
        key_file: private key of the login (SFTP).
        known_hosts: file of the hosts' public keys (SFTP).
        upload_bytes_s: most bytes sent per second; None = as many as there are.
        download_bytes_s: the same for bytes received.
        retry_s: how long a request that failed for now is repeated; None = the usual [s].
    """

    endpoint: str | None = None
    region: str | None = None
    is_path_style: bool = True
    user: str | None = None
    secret: Callable[[], str] | None = None
    key_file: str | None = None
    known_hosts: str | None = None
    upload_bytes_s: float | None = None
    download_bytes_s: float | None = None
    retry_s: float | None = None
