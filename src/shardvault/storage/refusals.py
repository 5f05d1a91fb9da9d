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
_BEHIND_END = "Wanted range starting at"  # how the library spells Azure's 416
_NO_BUCKET = {"NoSuchBucket", "ContainerNotFound", "BucketNotFound"}
_FULL = {"QuotaExceeded", "InsufficientCapacity", "EntityTooLarge", "XMinioStorageFull"}
_STALE_LOGIN = {"ExpiredToken", "RequestTimeTooSkewed", "TokenRefreshRequired", "InvalidToken"}
_LATER = {"RequestTimeout", "SlowDown", "OperationAborted", "ServerBusy"}
_LATER_STATUS = {408, 425, 429}
_FULL_STATUS = 507
_NOT_IMPLEMENTED = 501
_LOGIN_HINT = "look at the credentials, what they may do, and the clock of this machine"


@contextlib.contextmanager
def reported(verb: str, place: str) -> Iterator[None]:
    """Turn what the library raises into errors of the store.

    Args:
        verb: what was tried, as ``read``.
        place: URL of the object or bucket; the library's own text is never passed on, for
            an address in it may hold a signature.
    """
    from obstore.exceptions import (
        AlreadyExistsError,
        BaseError,
        PermissionDeniedError,
        UnauthenticatedError,
    )

    what = f"cannot {verb} {place}"
    try:
        yield
    except FileNotFoundError as error:
        raise _judge_absence(what, str(error)) from None
    except AlreadyExistsError:
        raise ObjectExists(f"object {place} is already there") from None
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise _judge_refusal(what, str(error)) from None
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


def _judge_refusal(what: str, text: str) -> StorageError:
    code = _find_code(text)
    if code in _FULL:
        return StorageFull(f"{what}: {code}", hint="free space there, or raise the quota")
    return StorageError(f"{what}: refused ({code or 'no permission'})", hint=_LOGIN_HINT)


def _judge(what: str, text: str) -> StorageError:
    found = _STATUS.search(text)
    if found is None:
        kind = StorageError if _BEHIND_END in text else StorageUnavailable
        return kind(f"{what}: {_describe_failure(text)}")
    status, code = int(found[1]), _find_code(text)
    answer = f"{what}: answer {status} {code}".rstrip()
    if code in _NO_BUCKET:
        return _judge_absence(what, text)
    if status == _FULL_STATUS or code in _FULL:
        return StorageFull(answer, hint="free space there, or raise the quota")
    if code in _STALE_LOGIN:
        return StorageError(answer, hint=_LOGIN_HINT)
    if code in _LATER or status in _LATER_STATUS or (status >= 500 and status != _NOT_IMPLEMENTED):
        return StorageUnavailable(answer)
    return StorageError(answer)


def _find_code(text: str) -> str:
    found = _CODE.search(text)
    return found[1] if found else ""


def _describe_failure(text: str) -> str:
    """Return the last part of the library's first line, which holds no address."""
    return text.split("\n", 1)[0].rpartition(" - ")[2].rpartition(": ")[2]
