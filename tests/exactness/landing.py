"""Restore cases of an origin into a server; one that fails does not stop the others."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from shardvault import app
from shardvault.errors import ShardvaultError
from tests.exactness.case import Case
from tests.exactness.origin import Origin, pick_named, scope_of
from tests.exactness.reading import read_state
from tests.exactness.round_trip import (
    TARGET_GLOBALS,
    Hashes,
    Outcome,
    Read,
    clear,
    concerns,
    look,
    pick_hashes,
    read_hashes,
)
from tests.integration.operations_support import Lone, Vault, run_all
from tests.support.servers import Instance


class Landing:
    """Restore into one target, which is emptied before."""

    def __init__(
        self, origin: Origin, target: Instance, folder: Path, read: Read, *, with_accounts: bool
    ) -> None:
        """Prepare the target.

        Args:
            folder: for repositories; it must not exist.
            read: one of the ways in which the origin was read.
        """
        folder.mkdir()
        self._origin, self._target, self._folder, self._read = origin, target, folder, read
        self._with_accounts = with_accounts
        self.file = origin.vault.target(Lone({"main": target}), secrets.token_hex(4))
        run_all(target, *TARGET_GLOBALS)

    def restore(self, cases: Sequence[Case]) -> dict[str, Outcome]:
        """Restore cases together; if that fails, without those that the error names, or halves."""
        if not cases:
            return {}
        clear(self._target)
        try:
            return self._restore(cases)
        except ShardvaultError as error:
            if len(cases) == 1:
                return {cases[0].id: Outcome(error=str(error))}
            first = pick_named(cases, error) or cases[: len(cases) // 2]
            rest = [case for case in cases if case not in first]
            return self.restore(first) | self.restore(rest)

    def _restore(self, cases: Sequence[Case]) -> dict[str, Outcome]:
        is_all = len(cases) == len(self._origin.cases)
        report = app.restore(
            self._origin.backup,
            self._origin.vault.config,
            target=self.file,
            scope=None if is_all else scope_of(cases),
            with_accounts=self._with_accounts,
        )
        hashes = self._read_hashes()
        before = self._origin.seen[self._read]
        (after,) = look(self._target, cases, self._read)
        return {
            case.id: Outcome(
                source=before[case.id],
                target=after[case.id],
                findings=[item for item in report.findings if concerns(item, case)],
                hashes=(pick_hashes(self._origin.hashes, case), pick_hashes(hashes, case)),
            )
            for case in cases
        }

    def _read_hashes(self) -> dict[str, Hashes]:
        """Back the target up, and read what its tables hold."""
        folder = self._folder / secrets.token_hex(4)
        folder.mkdir()
        again = Vault(folder, Lone({"main": self._target}))
        return read_hashes(again, str(again.backup().id))


def restore_at_home(origin: Origin, target: Instance, folder: Path) -> dict[str, Outcome]:
    """Restore all that an origin holds into another server of its flavour."""
    landing = Landing(origin, target, folder, read_state, with_accounts=True)
    return origin.judged | landing.restore(origin.cases)
