"""Say in the words of our errors what went wrong with an object store."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from shardvault.errors import (
    ObjectExists,
    ObjectMissing,
    StorageError,
    StorageFull,
    StorageUnavailable,
)

_STATUS = re.compile(r"status code: (\d{3})[^:\n]*")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_BEHIND_END = "Wanted range starting at"  # Azure's 416, as the library spells it
_FOR_GOOD = (
    "non-partial response",  # a part was asked for and the whole was sent
    "builder error",  # no TLS, where it was asked for
)
_NO_BUCKET = {"NoSuchBucket", "ContainerNotFound", "BucketNotFound"}
_FULL = {"QuotaExceeded", "InsufficientCapacity", "EntityTooLarge", "XMinioStorageFull"}
_STALE_LOGIN = {"ExpiredToken", "RequestTimeTooSkewed", "TokenRefreshRequired", "InvalidToken"}
_LATER = {"RequestTimeout", "SlowDown", "OperationAborted", "ServerBusy"}
_LATER_STATUS = {408, 425, 429}
_LOGIN_STATUS = {401, 403}
_FULL_STATUS = 507
_NOT_IMPLEMENTED = 501
_NO_SUCH_RANGE = 416


class RangeRefused(StorageError):
    """Report a part of an object that the store does not give; it may lie behind the end."""


@contextlib.contextmanager
def reported(verb: str, place: str) -> Iterator[None]:
    """Turn what the library raises into errors of the store.

    Args:
        verb: what was tried, as ``read``.
        place: URL of the object or bucket; the library's own text is never passed on, for
            an address in it may hold a signature.
    """
    from obstore.exceptions import AlreadyExistsError, BaseError

    what = f"cannot {verb} {place}"
    try:
        yield
    except FileNotFoundError as error:
        raise _judge_absence(what, str(error)) from None
    except AlreadyExistsError:
        raise ObjectExists(f"object {place} is already there") from None
    except BaseError as error:
        raise _judge(what, str(error)) from None


def _judge_absence(what: str, text: str) -> StorageError:
    code = _find_code(text)
    if code in _NO_BUCKET:
        return StorageError(
            f"{what}: there is no such bucket ({code})",
            hint="make the bucket with the tools of its store; shardvault makes none",
        )
    return ObjectMissing(f"{what}: it is missing")


def _judge(what: str, text: str) -> StorageError:
    found = _STATUS.search(text)
    if found is None:
        return _judge_failure(what, text)
    status, code = int(found[1]), _find_code(text)
    if code in _NO_BUCKET:
        return _judge_absence(what, text)
    kind, hint = _classify(status, code)
    return kind(f"{what}: answer {status} {code}".rstrip(), hint=hint)


def _classify(status: int, code: str) -> tuple[type[StorageError], str | None]:
    """Choose the error of an answer, and the remedy."""
    if status == _FULL_STATUS or code in _FULL:
        return StorageFull, "free space there, or raise the quota"
    if status in _LOGIN_STATUS or code in _STALE_LOGIN:
        return StorageError, "look at the credentials, what they may do, and this machine's clock"
    if status == _NO_SUCH_RANGE:
        return RangeRefused, None
    if code in _LATER or status in _LATER_STATUS or (status >= 500 and status != _NOT_IMPLEMENTED):
        return StorageUnavailable, None
    return StorageError, None


def _judge_failure(what: str, text: str) -> StorageError:
    """Judge what is no answer of the store, but a connection or an answer that makes no sense."""
    # The last part of the library's first line: what comes before may hold an address.
    failure = f"{what}: " + text.split("\n", 1)[0].rpartition(" - ")[2].rpartition(": ")[2]
    if _BEHIND_END in text:
        return RangeRefused(failure)
    if any(word in text for word in _FOR_GOOD):
        return StorageError(failure)
    return StorageUnavailable(failure)


def _find_code(text: str) -> str:
    found = _CODE.search(text)
    return found[1] if found else ""
