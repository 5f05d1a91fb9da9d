from __future__ import annotations

import importlib.util
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from obstore.store import S3Store

from shardvault.errors import UsageError
from shardvault.storage import open_storage
from shardvault.storage.buckets import Bucket
from shardvault.storage.settings import StoreSettings


@pytest.mark.parametrize("form", ["{}", "file://{}", "file://localhost{}"])
def test_a_local_folder_is_named_by_path_or_file_url(tmp_path: Path, form: str) -> None:
    open_storage(form.format(tmp_path / "r")).put_new("a", [b"x"])
    assert (tmp_path / "r" / "a").read_bytes() == b"x"


def test_a_file_url_may_hold_escaped_characters(tmp_path: Path) -> None:
    open_storage(f"file://{tmp_path}/my%20backups").put_new("a", [b"x"])
    assert (tmp_path / "my backups" / "a").exists()


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "relative/path", "file:relative", "", "file://h/x"]
)
def test_any_other_url_is_refused_with_the_forms_that_work(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_storage(url)
    assert "file:///" in str(caught.value.hint)


@pytest.mark.parametrize(
    "url", ["s3://", "s3:///prefix", "gs://b/p?key=1", "az://user:secret@box/p", "s3://b/p#part"]
)
def test_a_url_that_does_not_name_just_a_bucket_and_a_prefix_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="bucket"):
        open_storage(url)


@pytest.mark.parametrize(
    ("url", "module", "extra"),
    [("s3://b/p", "obstore", "objects"), ("sftp://h/p", "paramiko", "sftp")],
)
def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it(
    url: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == module else real(name)
    )
    with pytest.raises(UsageError, match=module) as caught:
        open_storage(url)
    assert caught.value.hint == f"pip install 'shardvault[{extra}]'"


@pytest.mark.parametrize("url", ["az://box/p", "gs://box/p"])
def test_a_secret_that_makes_no_sense_is_no_traceback_and_not_shown(url: str) -> None:
    storage = open_storage(url, StoreSettings(user="me", secret=lambda: "not a key!"))
    with pytest.raises(UsageError) as caught:
        storage.stat("a")
    assert "not a key!" not in str(caught.value)


@pytest.mark.parametrize(
    ("is_path_style", "host"), [(True, "127.0.0.1"), (False, "bucket.127.0.0.1")]
)
def test_the_bucket_stands_in_the_path_or_in_the_host(is_path_style: bool, host: str) -> None:
    endpoint = "http://127.0.0.1:1"
    settings = StoreSettings(
        endpoint, "region", user="u", secret=lambda: "s", is_path_style=is_path_style
    )
    client = Bucket("s3://bucket/p", settings).client(1)
    assert isinstance(client, S3Store)
    assert urlsplit(client.config["endpoint"]).hostname == host
    assert client.prefix == "p"
