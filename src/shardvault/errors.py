"""Define every error that shardvault raises, with its exit code and remedy.

The tree (exit code in brackets)::

    ShardvaultError [1]
    ├── UsageError [2]            the command or its arguments are wrong
    │   ├── ConfigError [2]       the configuration file is wrong; names file and line
    │   ├── UnknownBackup [2]     no backup of that id; near ids are in the hint
    │   └── AmbiguousBackup [2]   several ids begin with that word; names them
    ├── FindingsError [3]         finished, but with findings
    ├── RepositoryMissing [10]    no repository at that place
    ├── RepositoryLocked [11]     another operation holds it
    ├── WrongKey [12]             the key does not open this repository
    ├── ConnectError [13]         a server cannot be reached or refuses the login
    ├── PrivilegeError [13]       a privilege is missing; the GRANT is in the hint
    ├── ServerError [1]           a statement failed on a shard
    ├── RefusedError [1]          refused before anything was changed
    │   ├── BackupExists [1]      a backup of that id exists already
    │   ├── UnsupportedObject [1] cannot be kept exact
    │   ├── TargetRefused [1]     target not empty, is the source, or cannot hold the data
    │   └── XaInDoubt [1]         prepared XA transactions at the cut
    ├── BarrierError [1]          the cut could not be taken; no server has changed
    │   ├── BarrierTimeout [1]    a lock was not had in time; names shard and blocker
    │   └── CutRejected [1]       the fencing probe or the positions disproved the cut
    ├── DdlDetected [1]           a definition changed during the dump
    ├── StorageError [1]          the store failed
    │   ├── ObjectMissing [1]     no object of that name
    │   ├── ObjectExists [1]      an object of that name was there before
    │   ├── StorageUnavailable [1] no answer, or "later"; whether it was done is unknown
    │   └── StorageFull [1]       no space left
    ├── IntegrityError [15]       bytes are not what the manifest says
    │   ├── VerificationFailed [15] restored contents differ from the manifest
    │   └── TamperDetected [15]   the repository's history was deleted, rolled back or exchanged
    └── Interrupted [130]         the user stopped the operation
"""

from __future__ import annotations

from typing import Any, ClassVar


class ShardvaultError(Exception):
    """Say what failed, where, and what to do next.

    Args:
        message: what happened; lower case, no full stop.
        shard: name of the shard concerned, put before the message.
        table: ``schema.table`` concerned, put before the message.
        hint: the remedy, printed on a line of its own.
    """

    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        shard: str | None = None,
        table: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.shard = shard
        self.table = table
        self.hint = hint

    def __str__(self) -> str:
        where = ""
        if self.shard is not None:
            where += f"shard {self.shard}: "
        if self.table is not None:
            where += f"table {self.table}: "
        return where + self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.__dict__.copy()))


def _rebuild(cls: type[ShardvaultError], state: dict[str, Any]) -> ShardvaultError:
    error = cls.__new__(cls)
    Exception.__init__(error, state["message"])
    error.__dict__.update(state)
    return error


class UsageError(ShardvaultError):
    """Report a command or argument that makes no sense."""

    exit_code = 2


class ConfigError(UsageError):
    """Report a fault in the configuration file; the message names file and line."""


class AmbiguousBackup(UsageError):
    """Several ids begin with that word; names them."""


class UnknownBackup(UsageError):
    """Report an id that no backup has."""


class FindingsError(ShardvaultError):
    """Report an operation that ended with findings a person must look at."""

    exit_code = 3


class RepositoryMissing(ShardvaultError):
    """Report that there is no repository at the place named."""

    exit_code = 10


class RepositoryLocked(ShardvaultError):
    """Report that another operation holds the repository."""

    exit_code = 11
    retryable = True


class WrongKey(ShardvaultError):
    """Report a key that does not open the repository."""

    exit_code = 12


class ConnectError(ShardvaultError):
    """Report a server that cannot be reached or refuses the login."""

    exit_code = 13
    retryable = True


class PrivilegeError(ShardvaultError):
    """Report a missing privilege; the hint is the GRANT that helps."""

    exit_code = 13


class ServerError(ShardvaultError):
    """Report a statement that a server refused.

    Attributes:
        code: the server's error number, 0 if unknown.
    """

    def __init__(self, message: str, *, code: int = 0, **where: Any) -> None:
        super().__init__(message, **where)
        self.code = code


class RefusedError(ShardvaultError):
    """Report something refused before anything was locked or changed."""


class BackupExists(RefusedError):
    """Report an id that another backup has."""


class UnsupportedObject(RefusedError):
    """Report objects that cannot be kept exact."""


class TargetRefused(RefusedError):
    """Report a target that must not, or cannot, take the restore."""


class XaInDoubt(RefusedError):
    """Report prepared XA transactions at the cut."""


class BarrierError(ShardvaultError):
    """Report that no cut could be taken; every lock was given back."""

    retryable = True


class BarrierTimeout(BarrierError):
    """Report a lock that was not had within its limit."""


class CutRejected(BarrierError):
    """Report a cut that its own proof refuted."""


class DdlDetected(ShardvaultError):
    """Report a definition that changed while it was being dumped."""

    retryable = True


class StorageError(ShardvaultError):
    """Report a failure of the store."""


class ObjectMissing(StorageError):
    """Report an object that is not in the store."""


class ObjectExists(StorageError):
    """Report an object that was already in the store."""


class StorageUnavailable(StorageError):
    """Report a store that did not answer in time, or asked to come back later."""

    retryable = True


class StorageFull(StorageError):
    """Report a store without space."""


class IntegrityError(ShardvaultError):
    """Report bytes that are not what the manifest or their authentication says."""

    exit_code = 15


class VerificationFailed(IntegrityError):
    """Report restored contents that differ from the manifest."""


class TamperDetected(IntegrityError):
    """Report a repository whose history was deleted, rolled back or exchanged."""


class Interrupted(ShardvaultError):
    """Report that the user stopped the operation."""

    exit_code = 130


class AfterwardsWarning(UserWarning):
    """Warn of what failed after, or beside, work that is done and counts."""
