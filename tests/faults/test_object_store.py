"""An object store that errs, stalls, lies or answers too late does no harm, and is reported."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from shardvault.errors import (
    ObjectExists,
    ObjectMissing,
    StorageError,
    StorageFull,
    StorageUnavailable,
)
from shardvault.interfaces import Storage
from shardvault.model.report import Severity
from shardvault.storage.objects import ObjectStorage
from shardvault.storage.probe import probe_storage
from shardvault.storage.retrying import RetryingStorage, RetryPolicy
from tests.support.bucket_server import BucketServer, Fault, Refusal
from tests.support.stores import open_s3

DATA = bytes(range(256)) * 64
SLOW_DOWN = Refusal(503, "SlowDown")


@pytest.fixture
def storage(bucket_server: BucketServer) -> Storage:
    """Open the bucket with retries that do not wait."""
    policy = RetryPolicy(attempts=5, first_pause_s=0.0, limit_s=60.0)
    return RetryingStorage(bare(open_s3(bucket_server)), policy)


def bare(storage: Storage) -> ObjectStorage:
    assert isinstance(storage, RetryingStorage)
    assert isinstance(storage.inner, ObjectStorage)
    return storage.inner


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shardvault.storage.patience.ANSWER_S", 0.3)


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(500, "InternalError"),
        SLOW_DOWN,
        Refusal(429, "TooManyRequests"),
        Refusal(400, "RequestTimeout"),
    ],
)
def test_a_store_that_says_later_is_asked_again(
    bucket_server: BucketServer, storage: Storage, refusal: Refusal
) -> None:
    bucket_server.fail(refusal, refusal)
    storage.put_new("a", [DATA])
    assert storage.get("a") == DATA
    assert len([one for one in bucket_server.requests if one.startswith("PUT")]) == 3


def test_a_store_that_always_says_later_is_given_up(
    bucket_server: BucketServer, storage: Storage
) -> None:
    bucket_server.script = lambda method, name: SLOW_DOWN
    with pytest.raises(StorageUnavailable, match="503 SlowDown; gave up after 5 attempts"):
        storage.put_new("a", [DATA])
    assert not bucket_server.objects


def test_without_retries_one_later_is_an_error(bucket_server: BucketServer) -> None:
    bucket_server.fail(SLOW_DOWN)
    with pytest.raises(StorageUnavailable):
        bare(open_s3(bucket_server)).put_new("a", [DATA])


@pytest.mark.usefixtures("impatient")
def test_an_upload_that_stalls_is_cut_and_repeated(
    bucket_server: BucketServer, storage: Storage
) -> None:
    bucket_server.fail(Fault.STALL)
    storage.put_new("a", [DATA])
    assert storage.get("a") == DATA


@pytest.mark.usefixtures("impatient")
def test_a_download_that_stalls_is_cut_and_repeated(
    bucket_server: BucketServer, storage: Storage
) -> None:
    storage.put_new("a", [DATA])
    bucket_server.fail(Fault.STALL, method="GET")
    assert storage.get("a", 0, len(DATA)) == DATA


def test_a_write_whose_answer_was_lost_is_a_success(
    bucket_server: BucketServer, storage: Storage
) -> None:
    bucket_server.fail(Fault.LOSE_ANSWER)
    storage.put_new("a", [DATA[:99], DATA[99:]])
    assert storage.get("a") == DATA


def test_a_lost_answer_does_not_hide_that_another_writer_won(
    bucket_server: BucketServer, storage: Storage
) -> None:
    open_name = next(iter(_store_and_forget(bucket_server, storage)))

    def script(method: str, name: str) -> Fault | None:
        if method == "PUT" and name not in bucket_server.objects:
            bucket_server.objects[open_name] = b"of the other"
            return Fault.LOSE_ANSWER
        return None

    bucket_server.script = script
    with pytest.raises(ObjectExists):
        storage.put_new("a", [DATA])
    assert bucket_server.objects[open_name] == b"of the other"


def _store_and_forget(bucket_server: BucketServer, storage: Storage) -> list[str]:
    """Return the full name under which the bucket knows object ``a``."""
    storage.put_new("a", [b""])
    names = list(bucket_server.objects)
    bucket_server.objects.clear()
    return names


def test_a_body_that_breaks_off_is_read_again(
    bucket_server: BucketServer, storage: Storage
) -> None:
    storage.put_new("a", [DATA])
    bucket_server.fail(Fault.CUT_BODY, method="GET")
    assert storage.get("a") == DATA


def test_an_object_that_was_stored_cut_is_found_by_its_size(
    bucket_server: BucketServer, storage: Storage
) -> None:
    bucket_server.fail(Fault.STORE_HALF)
    storage.put_new("a", [DATA])
    assert storage.stat("a").size_bytes == len(DATA) // 2


def test_a_page_for_people_is_not_taken_for_an_empty_list(
    bucket_server: BucketServer, storage: Storage
) -> None:
    storage.put_new("format", [DATA])
    storage.get("format")
    bucket_server.script = lambda method, name: None if name else Fault.EMPTY_PAGE
    with pytest.raises(StorageUnavailable, match="a list is empty"):
        list(storage.list("packs/"))


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(400, "ExpiredToken"),
        Refusal(401, "Unauthorized"),
        Refusal(403, "AccessDenied"),
        Refusal(403, "RequestTimeTooSkewed"),
    ],
)
def test_a_login_that_ended_is_reported_at_once(
    bucket_server: BucketServer, storage: Storage, refusal: Refusal
) -> None:
    bucket_server.script = lambda method, name: refusal
    with pytest.raises(StorageError, match=refusal.code) as caught:
        storage.put_new("a", [DATA])
    assert len(bucket_server.requests) == 1
    assert "credentials" in str(caught.value.hint)


@pytest.mark.parametrize("refusal", [Refusal(507, "Full"), Refusal(403, "QuotaExceeded")])
def test_a_store_without_space_says_so(
    bucket_server: BucketServer, storage: Storage, refusal: Refusal
) -> None:
    bucket_server.script = lambda method, name: refusal
    with pytest.raises(StorageFull):
        storage.put_new("a", [DATA])


def test_a_bucket_that_is_not_there_is_no_missing_object(
    bucket_server: BucketServer, storage: Storage
) -> None:
    bucket_server.script = lambda method, name: Refusal(404, "NoSuchBucket")
    for use in (lambda: storage.get("a", 0, 9), lambda: list(storage.list(""))):
        with pytest.raises(StorageError, match="no such bucket") as caught:
            use()
        assert not isinstance(caught.value, ObjectMissing)


def test_a_conflict_without_an_object_is_tried_again(
    bucket_server: BucketServer, storage: Storage
) -> None:
    bucket_server.fail(Refusal(409, "ConditionalRequestConflict"))
    storage.put_new("a", [DATA])
    assert storage.get("a") == DATA


def test_a_server_that_is_gone_is_unavailable(
    storage: Storage, bucket_server: BucketServer
) -> None:
    bucket_server.close()
    with pytest.raises(StorageUnavailable):
        storage.get("a", 0, 9)


def test_no_secret_of_the_login_is_in_an_error(
    bucket_server: BucketServer, storage: Storage
) -> None:
    bucket_server.script = lambda method, name: Refusal(403, "SignatureDoesNotMatch")
    with pytest.raises(StorageError) as caught:
        storage.put_new("a", [DATA])
    assert "shardvaulttestsecret" not in f"{caught.value} {caught.value.hint}"


def test_a_store_that_ignores_conditions_is_found_by_the_probe_and_by_a_race(
    bucket_server: BucketServer, storage: Storage
) -> None:
    bucket_server.honours_conditions = False
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: storage.put_new("a", [b"%d" % number]), range(4)))
    findings = probe_storage(storage, is_brief=True)
    broken = [found.what for found in findings if found.severity is Severity.BLOCKER]
    assert broken == ["exclusive create"]
