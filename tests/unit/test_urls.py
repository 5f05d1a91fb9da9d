"""URLs of stores are checked as a whole, and shown without what may be secret in them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardvault.errors import UsageError
from shardvault.storage import open_storage
from shardvault.storage.buckets import Bucket
from shardvault.storage.settings import StoreSettings
from shardvault.urls import (
    BadUrl,
    check_endpoint_url,
    check_store_url,
    display_url,
    display_urls,
)

CANARY = "canary-of-a-url"
WITH_SECRETS = (
    f"sftp://user:{CANARY}@host/path",
    f"sftp://user:a/{CANARY}@host/path",
    f"sftp://user:a?{CANARY}@host/path",
    f"sftp://user:a#{CANARY}@host/path",
    f"sftp://user:a@{CANARY}@host/path",
    f"sftp://user%3A{CANARY}%40host/path",
    f"sftp://user:{CANARY}",
    f"sftp://host:{CANARY}/path",
    f"s3://AKIA:{CANARY}@bucket/prefix",
    f"s3://{CANARY}@bucket/prefix",
    f"s3://bucket/prefix?X-Amz-Signature={CANARY}",
    f"s3://bucket/prefix?a=b@{CANARY}",
    f"s3://bucket/prefix#{CANARY}",
    f"s3://[x?{CANARY}",
    f"gs://bucket/prefix?access_key={CANARY}",
    f"az://container/prefix?sv=2024&sig={CANARY}",
    f"az://container?{CANARY}",
    f"https://account.blob.core.windows.net/c?sig={CANARY}",
    f"http://user:{CANARY}@host/x",
    f"ftp://user:{CANARY}@host/x",
    f"file://host:{CANARY}@x/p",
    f"file:///var/backups?sig={CANARY}",
    f"s3:/bucket?sig={CANARY}",
    f"user:{CANARY}@host:/path",
)
ODD = (
    "s3://[x",
    "s3://",
    "s3:///x",
    "s3://b\0/x",
    "s3://b/\0",
    "s3://b/%00",
    "s3://b/\x1b[0m",
    "s3://b/\udcff",
    "s3://b/%ff",
    "s3://b\xff/x",
    "s3://bucket:99/x",
    "s3://bu cket/x",
    "s3://b%2Fc/x",
    "sftp://[::1/p",
    "sftp://h:99999/p",
    "sftp://h:0/p",
    "sftp://h:x/p",
    "sftp://h",
    "sftp:///p",
    "sftp://h%40x/p",
    "file://",
    "file:relative",
    "file://elsewhere/p",
    "\ud800://x",
    "",
    "x",
    "://",
)
EVERY_SECRET = pytest.mark.parametrize("url", WITH_SECRETS)


@EVERY_SECRET
def test_no_secret_of_a_url_is_shown(url: str) -> None:
    assert CANARY not in display_url(url)
    assert CANARY not in display_urls(f"cannot reach '{url}': no") or "://" not in url


@EVERY_SECRET
def test_a_url_with_a_secret_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadUrl) as refused:
        check_store_url(url)
    assert CANARY not in repr(refused.value) + refused.value.hint
    with pytest.raises(UsageError) as told:
        open_storage(url)
    assert CANARY not in str(told.value) + str(told.value.hint)


@pytest.mark.parametrize("url", ODD)
def test_an_odd_url_is_refused_before_a_library_sees_it(url: str) -> None:
    with pytest.raises(BadUrl):
        check_store_url(url)
    with pytest.raises(UsageError):
        open_storage(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sftp://user:x@host:22/path", "sftp://user:***@host:22/path"),
        ("sftp://user@host/path", "sftp://user@host/path"),
        ("s3://key@bucket/p", "s3://***@bucket/p"),
        ("s3://bucket/p?a=b", "s3://bucket/p?***"),
        ("s3://bucket/a@b", "s3://bucket/a@b"),
        ("file:///var/backups/shop", "file:///var/backups/shop"),
        ("/var/backups/a@b:c?d", "/var/backups/a@b:c?d"),
        ("sftp://[::1]:2222/p", "sftp://[::1]:2222/p"),
        ("sftp://[::1]/p", "sftp://[::1]/p"),
        ("copy", "copy"),
    ],
)
def test_what_is_no_secret_stays_readable(url: str, shown: str) -> None:
    assert display_url(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "file:///var/backups/my shop",
        "file://localhost/b",
        "file:///b%C3%BCro",
        "s3://my-bucket_1.x/a b/c",
        "s3://bucket",
        "gs://bucket/",
        "az://container/p",
        "sftp://user@host/path",
        "sftp://[fe80::1%25eth0]:2222/path",
    ],
)
def test_what_names_a_store_is_taken(url: str) -> None:
    check_store_url(url)


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{CANARY}@host",
        f"https://host?sig={CANARY}",
        f"https://host:{CANARY}",
        "ftp://h",
        "http://",
        "http://[x",
        "http://h:99999",
        "http://h\0",
        "https://a b",
    ],
)
def test_an_address_of_a_service_that_makes_no_sense_is_refused(url: str) -> None:
    with pytest.raises(BadUrl) as refused:
        check_endpoint_url(url)
    assert CANARY not in str(refused.value)


def test_addresses_of_services_are_taken() -> None:
    for url in ("https://minio.example:9000", "http://127.0.0.1:10000/account", "http://[::1]:9"):
        check_endpoint_url(url)


@given(st.text(st.characters(codec=None), max_size=60))
def test_any_text_is_shown_and_checked_without_a_fault_of_ours(text: str) -> None:
    for url in (text, f"s3://{text}", f"sftp://{text}", f"https://{text}"):
        display_url(url)
        for check in (check_store_url, check_endpoint_url):
            with contextlib.suppress(BadUrl):
                check(url)


class PanicException(BaseException):
    """Stand for what a library in Rust raises when it gives up."""


def test_a_library_that_gives_up_is_an_error_of_the_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def panic(*_: object, **__: object) -> None:
        raise PanicException("byte index 3 is not a char boundary")

    monkeypatch.setattr("shardvault.storage.buckets._make_s3", panic)
    with pytest.raises(UsageError, match="cannot work with its settings"):
        Bucket("s3://bucket/p", StoreSettings()).client(1.0)
