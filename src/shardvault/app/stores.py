"""Open the store that the configuration names."""

from __future__ import annotations

from shardvault.config.schema import Config, RepositorySection
from shardvault.config.secrets import Secret, open_secret
from shardvault.interfaces import Storage
from shardvault.repository.format import FORMAT_NAME
from shardvault.storage import local_folder, open_storage
from shardvault.storage.settings import StoreSettings
from shardvault.units import parse_size


def open_store(
    config: Config,
    *,
    section: RepositorySection | None = None,
    url: str | None = None,
    upload_bytes_s: int | None = None,
    download_bytes_s: int | None = None,
    retry_s: float | None = None,
) -> Storage:
    """Open the configured store; a secret is looked up when the first request needs it.

    Args:
        config: a whole configuration file.
        section: one of its repositories; None = the chosen one, or else the first.
        url: another place that is reached in the same way.
        upload_bytes_s: comes before the configuration's bound [bytes/s].
        download_bytes_s: likewise, for what is received [bytes/s].
        retry_s: see ``StoreSettings``; None = the usual [s].
    """
    section = section or config.require_repository()
    settings = StoreSettings(
        endpoint=section.endpoint,
        region=section.region,
        is_path_style=section.path_style,
        user=section.credentials.user,
        secret=_open_secret(config, section),
        key_file=section.credentials.key_file,
        known_hosts=section.known_hosts,
        upload_bytes_s=upload_bytes_s or _read_rate(section.limits.upload),
        download_bytes_s=download_bytes_s or _read_rate(section.limits.download),
        retry_s=retry_s,
    )
    return open_storage(url or section.url, settings)


def describe_absence(url: str) -> str:
    """Name what is missing of a repository's folder, as the beginning of a hint.

    A file system that is not mounted is by far the most usual reason for a repository that
    is gone. Empty for a repository that is there, or that is not in a local folder.
    """
    folder = local_folder(url)
    if folder is None or (folder / FORMAT_NAME).exists():
        return ""
    parent = next(place for place in (folder, *folder.parents) if place.exists())
    if parent == folder:
        return f"{folder} holds no repository: is its file system mounted? Else "
    return f"{folder} does not exist, only {parent}: is its file system mounted? Else "


def _open_secret(config: Config, section: RepositorySection) -> Secret | None:
    secret = section.credentials.secret
    if secret is None:
        return None
    return open_secret(secret, config.locate_repository(section, "credentials", "secret"))


def _read_rate(text: str | None) -> int | None:
    return None if text is None else parse_size(text)
