"""Make one backup of all cases of a server; what cannot be in it only affects itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from shardvault import app
from shardvault.errors import ShardvaultError
from shardvault.model.report import Severity
from shardvault.model.target import Scope
from tests.exactness.case import Case
from tests.exactness.quirks import Quirks
from tests.exactness.round_trip import (
    SOURCE_GLOBALS,
    Hashes,
    Outcome,
    Read,
    Sighting,
    clear,
    concerns,
    lay,
    look,
    read_hashes,
    remove,
)
from tests.integration.operations_support import Lone, Steps, Vault, run_all
from tests.support.servers import Flavour, Instance


@dataclass(frozen=True)
class Origin:
    """Hold a backup of cases, and what they are on their server.

    Attributes:
        cases: what the backup holds, as written for this server.
        judged: what became of all other cases.
        seen: what was read of each case, by the way of reading.
        hashes: rows and content hash of each table, by schema.
    """

    flavour: Flavour
    quirks: Quirks
    vault: Vault
    backup: str
    cases: tuple[Case, ...]
    judged: dict[str, Outcome]
    seen: dict[Read, dict[str, Sighting]]
    hashes: dict[str, Hashes]


class Builder:
    """Lay cases on an instance and back them up together."""

    def __init__(
        self, instance: Instance, folder: Path, quirks: Quirks, collation: str = ""
    ) -> None:
        """Prepare the instance, which must not be in use.

        Args:
            folder: for repositories; it must not exist.
            collation: of the sessions that lay cases; empty = the server's own.
        """
        self._instance, self._quirks, self._collation = instance, quirks, collation
        self._vault = self._make_vault(folder)
        self._vault_of_refused = self._make_vault(folder / "refused")
        self._judged: dict[str, Outcome] = {}
        run_all(instance, *SOURCE_GLOBALS)
        clear(instance)

    def build(self, cases: Iterable[Case], *reads: Read) -> Origin:
        """Judge alone what a backup must refuse; back up all other cases together.

        A case that is refused by surprise is judged alone too.

        Args:
            reads: ways to read what is laid.
        """
        written = [case.on_server(self._quirks) for case in cases]
        for case in written:
            if case.refused:
                self._judge_alone(case)
        common = [case for case in written if not case.refused and self._lay(case)]
        refused = self._find_refused(common)
        remove(self._instance, *refused)
        backup, taken = self._back_up([case for case in common if case not in refused])
        seen = look(self._instance, taken, *reads)
        hashes = read_hashes(self._vault, backup) if taken else {}
        if refused:
            clear(self._instance)
        for case in refused:
            self._judge_alone(case)
        return Origin(
            self._instance.flavour,
            self._quirks,
            self._vault,
            backup,
            tuple(taken),
            self._judged,
            dict(zip(reads, seen, strict=True)),
            hashes,
        )

    def _make_vault(self, folder: Path) -> Vault:
        folder.mkdir()
        return Vault(folder, Lone({"main": self._instance}))

    def _lay(self, case: Case) -> bool:
        """Lay a case, and note it if it is not applicable on this server."""
        why = case.find_lack(self._quirks) or lay(self._instance, case, self._collation)
        if why:
            self._judged[case.id] = Outcome(unlaid=why)
        return not why

    def _judge_alone(self, case: Case) -> None:
        """Try to back up one case that is the only one on its server."""
        if not self._lay(case):
            return
        steps = Steps()
        error = ""
        try:
            self._vault_of_refused.backup(steps)
        except ShardvaultError as caught:
            error = str(caught)
        phases = [getattr(event, "phase", "") for event in steps.events]
        self._judged[case.id] = Outcome(error=error, locked="barrier" in phases)
        remove(self._instance, case)

    def _find_refused(self, cases: Sequence[Case]) -> list[Case]:
        """Find the cases that ``check`` says cannot be backed up."""
        findings = app.check(self._vault.config).findings
        blockers = [item for item in findings if item.severity is Severity.BLOCKER]
        return [case for case in cases if any(concerns(item, case) for item in blockers)]

    def _back_up(self, cases: Sequence[Case]) -> tuple[str, Sequence[Case]]:
        """Back up all cases; leave out what stops it, and say why it did."""
        if not cases:
            return "", ()
        try:
            return str(self._vault.backup().id), cases
        except ShardvaultError as error:
            culprits = pick_named(cases, error) or self._search(cases)
            if not culprits:
                raise
            self._judged |= {case.id: Outcome(error=str(error)) for case in culprits}
            remove(self._instance, *culprits)
            return self._back_up([case for case in cases if case not in culprits])

    def _search(self, cases: Sequence[Case]) -> list[Case]:
        """Find by halves the cases that stop a backup whose error names none."""
        try:
            self._vault_of_refused.backup(scope=scope_of(cases))
        except ShardvaultError:
            half = len(cases) // 2
            parts = (cases[:half], cases[half:])
            return (
                list(cases) if not half else [one for part in parts for one in self._search(part)]
            )
        return []


def pick_named(cases: Sequence[Case], error: ShardvaultError) -> list[Case]:
    """Pick the cases that an error names, if it does not name all."""
    words = set(re.findall(r"\w+", str(error)))
    named = [case for case in cases if words.intersection(own_names(case))]
    return named if len(named) < len(cases) else []


def own_names(case: Case) -> list[str]:
    """Give the schemas that only this case can mean; some are called ``*`` or ``a``."""
    return [name for name in case.schemas if case.id in name]


def scope_of(cases: Iterable[Case]) -> Scope:
    """Name exactly the schemas of cases."""
    names = [name for case in cases for name in case.schemas]
    return Scope(include=tuple(f"`{name.replace('`', '``')}`.*" for name in names))
