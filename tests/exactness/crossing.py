"""Restore what was laid on one server into a server of another version or family."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from shardvault import app
from shardvault.errors import ShardvaultError
from shardvault.model.report import Finding, Severity
from shardvault.model.target import Scope
from tests.exactness.across import (
    COLLATION,
    IN_OWN_WORDS,
    MAY_BE_TOLD,
    Pair,
    find_fault,
    list_findings,
    list_refusals,
)
from tests.exactness.case import Case
from tests.exactness.meaning import read_meaning, spell_rows
from tests.exactness.round_trip import (
    SOURCE_GLOBALS,
    TARGET_GLOBALS,
    Outcome,
    Sighting,
    clear,
    concerns,
    lay,
    list_differences,
    look,
    read_hashes,
)
from tests.integration.operations_support import Lone, Vault, run_all
from tests.support.servers import Instance

OPTIONS = (f"--collation-server={COLLATION}",)
"""Start servers with a collation that all of them know: cases leave it to the server."""


class Origin:
    """Hold one backup of all cases of a server, and what they are there."""

    def __init__(self, instance: Instance, folder: Path, cases: Sequence[Case]) -> None:
        folder.mkdir()
        self.flavour = instance.flavour
        run_all(instance, *SOURCE_GLOBALS)
        clear(instance)
        self.unlaid = {case.id: why for case in cases if (why := lay(instance, case, COLLATION))}
        self.cases = tuple(case for case in cases if case.id not in self.unlaid)
        self.vault = Vault(folder, Lone({"main": instance}))
        self.vault.backup()
        self.hashes = read_hashes(self.vault)
        self.seen = look(instance, self.cases, read_meaning)


class Crossing:
    """Restore the cases of an origin into one other server."""

    def __init__(self, origin: Origin, target: Instance, folder: Path) -> None:
        folder.mkdir()
        self._origin, self._target, self._folder = origin, target, folder
        self._file = origin.vault.target(Lone({"main": target}), f"to-{target.flavour.value}")
        self._is_near = origin.flavour.family is target.flavour.family
        run_all(target, *TARGET_GLOBALS)

    def run(self) -> dict[str, Outcome]:
        """Plan each case, and restore together all that nothing stands in the way of.

        Those that must be refused are planned alone, and restored alone if they are not.
        """
        clear(self._target)
        pair = self._origin.flavour, self._target.flavour
        refused = [case for case in self._origin.cases if list_refusals(case, pair)]
        faulty = [case for case in self._origin.cases if find_fault(case, pair)]
        rest = [case for case in self._origin.cases if case not in (*refused, *faulty)]
        outcomes = {name: Outcome(unlaid=why) for name, why in self._origin.unlaid.items()}
        outcomes |= self._plan_together(rest)
        for case in (*refused, *faulty):
            outcomes |= self._plan_together([case])
        taken = [case for case in rest if not outcomes[case.id].blockers]
        for group in (taken, *([case] for case in faulty)):
            outcomes |= self._restore_together(group)
        return outcomes

    def _plan_together(self, cases: Sequence[Case]) -> dict[str, Outcome]:
        """If any of the cases is refused, find out which one it was."""
        if not cases:
            return {}
        report = app.plan_restore(
            "latest",
            self._origin.vault.config,
            target=self._file,
            scope=_scope(cases),
            with_accounts=self._is_near or (len(cases) == 1 and bool(cases[0].accounts)),
        )
        blockers = [item for item in report.findings if item.severity is Severity.BLOCKER]
        if blockers and len(cases) > 1:
            half = len(cases) // 2
            return self._plan_together(cases[:half]) | self._plan_together(cases[half:])
        seen = self._origin.seen
        return {case.id: Outcome(source=seen[case.id], blockers=blockers) for case in cases}

    def _restore_together(self, cases: Sequence[Case]) -> dict[str, Outcome]:
        """If cases fail together, take out the one that the error names, else try halves."""
        if not cases:
            return {}
        clear(self._target)
        try:
            return self._restore(cases)
        except ShardvaultError as error:
            if len(cases) == 1:
                return {cases[0].id: Outcome(error=str(error))}
            named = [case for case in cases if any(name in str(error) for name in case.schemas)]
            first = named if 0 < len(named) < len(cases) else cases[: len(cases) // 2]
            rest = [case for case in cases if case not in first]
            return self._restore_together(first) | self._restore_together(rest)

    def _restore(self, cases: Sequence[Case]) -> dict[str, Outcome]:
        report = app.restore(
            "latest",
            self._origin.vault.config,
            target=self._file,
            scope=_scope(cases),
            with_accounts=self._is_near,
        )
        hashes = self._read_hashes()
        seen = look(self._target, cases, read_meaning)
        return {
            case.id: Outcome(
                source=_spell(case, self._origin.seen[case.id]),
                target=_spell(case, seen[case.id]),
                findings=_pick(report.findings, case),
                hashes=(_of(self._origin.hashes, case), _of(hashes, case)),
            )
            for case in cases
        }

    def _read_hashes(self) -> dict[str, tuple[int, str]]:
        folder = self._folder / secrets.token_hex(4)
        folder.mkdir()
        again = Vault(folder, Lone({"main": self._target}))
        again.backup()
        return read_hashes(again)


def list_crossing_differences(case: Case, pair: Pair, outcome: Outcome) -> list[str]:
    """Name all that is not as it must be; empty for a case that is exact, or well refused."""
    wanted = list_refusals(case, pair)
    if not wanted and not outcome.blockers:
        told = (*case.findings, *list_findings(case, pair))
        outcome = outcome if pair[0].family is pair[1].family else _leave_out(outcome)
        return list_differences(replace(case, findings=told), outcome)
    given = [item.message for item in outcome.blockers]
    missing = [words for words in wanted if not any(re.search(words, one) for one in given)]
    surprising = [one for one in given if not any(re.search(words, one) for words in wanted)]
    return [
        *(f"nothing refuses it because of {words!r}" for words in missing),
        *(f"refused: {one}" for one in surprising),
    ]


def _leave_out(outcome: Outcome) -> Outcome:
    """Leave out what another family answers in words of its own."""
    sides = [
        replace(
            side,
            probes={
                probe: rows for probe, rows in side.probes.items() if not IN_OWN_WORDS.search(probe)
            },
        )
        for side in (outcome.source, outcome.target)
    ]
    findings = [item for item in outcome.findings if not MAY_BE_TOLD.search(item.message)]
    return replace(outcome, source=sides[0], target=sides[1], findings=findings)


def _scope(cases: Iterable[Case]) -> Scope:
    names = [name for case in cases for name in case.schemas]
    return Scope(include=tuple(f"`{name.replace('`', '``')}`.*" for name in names))


def _spell(case: Case, seen: Sighting) -> Sighting:
    """Write what probes gave in common words; what the case holds stays as it is."""
    held = {str(probe) for probe, _ in case.holds}
    probes = {
        probe: rows if probe in held else spell_rows(rows) for probe, rows in seen.probes.items()
    }
    return replace(seen, probes=probes)


def _pick(findings: Iterable[Finding], case: Case) -> list[Finding]:
    return [item for item in findings if concerns(item, case)]


def _of(hashes: dict[str, tuple[int, str]], case: Case) -> dict[str, tuple[int, str]]:
    return {name: one for name, one in hashes.items() if name.split("\0")[0] in case.schemas}
