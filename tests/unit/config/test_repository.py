"""What the file says about the store reaches it, and its secret only when it is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from shardvault.app import stores
from shardvault.config.load import load_config
from shardvault.errors import ConfigError
from shardvault.storage.settings import StoreSettings

HEAD = """\
fleet: {name: shop, user: u, shards: [{name: s0, primary: {host: a}}]}
repository:
  key: {file: shop.key}
"""
FULL = """\
  url: s3://backups/shop
  endpoint: https://s3.example:9000
  region: eu-central-1
  path_style: false
  known_hosts: hosts
  credentials: {user: AK, secret: {env: STORE_SECRET}, key_file: id}
  limits: {upload: 20MiB, download: 1 GiB}
"""


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, StoreSettings]]:
    calls: list[tuple[str, StoreSettings]] = []
    monkeypatch.setattr(stores, "open_storage", lambda url, settings: calls.append((url, settings)))
    return calls


def _write(folder: Path, text: str) -> Path:
    path = folder / "shop.yaml"
    path.write_text(HEAD + text)
    return path


def test_every_option_of_the_store_reaches_it(
    tmp_path: Path, opened: list[tuple[str, StoreSettings]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stores.open_store(load_config(_write(tmp_path, FULL)))
    ((url, settings),) = opened
    secret = settings.secret
    assert secret is not None
    monkeypatch.setenv("STORE_SECRET", "s3cret")
    assert secret() == "s3cret"
    assert url == "s3://backups/shop"
    assert settings == StoreSettings(
        endpoint="https://s3.example:9000",
        region="eu-central-1",
        is_path_style=False,
        user="AK",
        secret=secret,
        key_file=str(tmp_path / "id"),
        known_hosts=str(tmp_path / "hosts"),
        upload_bytes_s=20 * 1024**2,
        download_bytes_s=1024**3,
    )
    assert "s3cret" not in repr(settings)


def test_a_bound_that_was_asked_for_comes_before_the_files(
    tmp_path: Path, opened: list[tuple[str, StoreSettings]]
) -> None:
    stores.open_store(load_config(_write(tmp_path, FULL)), upload_bytes_s=7)
    assert opened[0][1].upload_bytes_s == 7
    assert opened[0][1].download_bytes_s == 1024**3


def test_a_folder_needs_nothing_but_its_url(
    tmp_path: Path, opened: list[tuple[str, StoreSettings]]
) -> None:
    stores.open_store(load_config(_write(tmp_path, "  url: file:///var/backups\n")))
    assert opened == [("file:///var/backups", StoreSettings())]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("  url: s3://b\n  limits: {upload: fast}\n", "limits.upload: not a size"),
        ("  url: s3://b\n  limits: {upload: 0}\n", "limits.upload"),
        ("  url: s3://b\n  endpoint: minio\n", "endpoint: not a URL"),
        ("  url: s3://b\n  credentials: {secret: hunter2}\n", "must not stand in this file"),
        ("  url: s3://b\n  credential: {}\n", "unknown key"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(
    tmp_path: Path, text: str, found: str
) -> None:
    with pytest.raises(ConfigError, match=found) as caught:
        load_config(_write(tmp_path, text))
    assert "hunter2" not in str(caught.value)
