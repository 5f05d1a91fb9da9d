"""Add objects to a store and delete none."""

from __future__ import annotations

from dataclasses import replace

from shardvault.errors import RefusedError
from shardvault.interfaces import Storage
from shardvault.storage.wrapper import Wrapper


class AppendOnlyStorage(Wrapper):
    """Refuse to delete, as credentials do that may only add."""

    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self.features = replace(inner.features, may_delete=False)

    def delete(self, name: str) -> None:
        """Raise RefusedError."""
        raise refuse_deletion(f"delete {name}")


def refuse_deletion(what: str) -> RefusedError:
    """Make the error that says why nothing is deleted here."""
    return RefusedError(
        f"cannot {what}: this computer may only add to the repository",
        hint="run it where repository.append_only is not set, with credentials that may delete",
    )
