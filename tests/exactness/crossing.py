"""Restore what was laid on one server into a server of another version or family."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from shardvault import app
from shardvault.fleet import definitions
from shardvault.model.report import Finding, Severity
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
from tests.exactness.landing import Landing
from tests.exactness.meaning import read_meaning, spell_rows
from tests.exactness.origin import Origin, own_names, scope_of
from tests.exactness.quirks import Quirks
from tests.exactness.round_trip import Outcome, Sighting, clear, concerns, list_differences
from tests.support.servers import Instance

OPTIONS = (f"--collation-server={COLLATION}",)
"""Start servers with a collation that all of them know: cases leave it to the server."""


class Crossing:
    """Restore the cases of an origin into one other server."""

    def __init__(self, origin: Origin, target: Instance, quirks: Quirks, folder: Path) -> None:
        """Prepare the target.

        Args:
            quirks: of the target.
            folder: for repositories; it must not exist.
        """
        self._origin = origin
        self.pair = Pair(origin.flavour, target.flavour, origin.quirks, quirks)
        is_near = origin.flavour.family is target.flavour.family
        self._landing = Landing(origin, target, folder, read_meaning, with_accounts=is_near)
        self._is_near = is_near
        self._target = target

    def run(self) -> dict[str, Outcome]:
        """Plan all cases, and restore together all that nothing stands in the way of.

        Those that are known to fail are restored alone.
        """
        clear(self._target)
        cases = [case for case in self._origin.cases if crosses(case)]
        strange = {case.id: why for case in cases if (why := self._find_strange_names(case))}
        outcomes = {name: Outcome(unlaid=why) for name, why in strange.items()}
        cases = [case for case in cases if case.id not in strange]
        outcomes |= self._plan(cases)
        taken = [case for case in cases if not outcomes[case.id].blockers]
        faulty = [case for case in taken if find_fault(case, self.pair)]
        for group in (*([case] for case in faulty), [one for one in taken if one not in faulty]):
            outcomes |= self._restore(group)
        return self._origin.judged | outcomes

    def _find_strange_names(self, case: Case) -> str:
        """Return why the target itself does not take the evil name of a case, else nothing."""
        refused = self.pair.target_quirks.refused
        reasons = (
            why
            for (name, place), why in refused.items()
            if case.name == f"named_{name}" and self._origin.quirks.takes(name, place)
        )
        return next(reasons, "")

    def _plan(self, cases: Sequence[Case]) -> dict[str, Outcome]:
        """Plan cases together, and those with accounts of another family alone too."""
        outcomes = self._plan_together(cases, with_accounts=self._is_near)
        if not self._is_near:
            for case in cases:
                if case.accounts:
                    outcomes |= self._plan_together([case], with_accounts=True)
        return outcomes

    def _plan_together(self, cases: Sequence[Case], *, with_accounts: bool) -> dict[str, Outcome]:
        """Share out the blockers among the cases that they name; what names none is everybody's.

        Here findings name every place, not the first few: one plan serves for all cases.
        """
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(definitions.shorten, "__defaults__", (len(cases) * 1000,))
            report = app.plan_restore(
                self._origin.backup,
                self._origin.vault.config,
                target=self._landing.file,
                scope=scope_of(cases),
                with_accounts=with_accounts,
            )
        blockers = [item for item in report.findings if item.severity is Severity.BLOCKER]
        owned = {case.id: [item for item in blockers if _names(item, case)] for case in cases}
        others = [item for item in blockers if not any(item in one for one in owned.values())]
        seen = self._origin.seen[read_meaning]
        return {
            case.id: Outcome(source=seen[case.id], blockers=[*owned[case.id], *others])
            for case in cases
        }

    def _restore(self, cases: Sequence[Case]) -> dict[str, Outcome]:
        outcomes = self._landing.restore(cases)
        for case in cases:
            outcome = outcomes[case.id]
            outcome.source = _spell(case, outcome.source)
            outcome.target = _spell(case, outcome.target)
        return outcomes


def _names(finding: Finding, case: Case) -> bool:
    words = set(re.findall(r"\w+", finding.message))
    return concerns(finding, case) or bool(words.intersection(own_names(case)))


def crosses(case: Case) -> bool:
    """Say whether a case goes to other servers: its backup holds it exactly, in common words."""
    is_refused = bool(case.refused) and not case.refused_without
    return not case.is_local and not case.renderings and not is_refused


def list_crossing_differences(case: Case, pair: Pair, outcome: Outcome) -> list[str]:
    """Name all that is not as it must be; empty for a case that is exact, or well refused."""
    wanted = list_refusals(case, pair)
    if not wanted and not outcome.blockers:
        told = (*case.findings, *list_findings(case, pair))
        outcome = outcome if pair.is_near else _leave_out(outcome)
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


def _spell(case: Case, seen: Sighting) -> Sighting:
    """Write what probes gave in common words; what the case holds stays as it is."""
    held = {str(probe) for probe, _ in case.holds}
    probes = {
        probe: rows if probe in held else spell_rows(rows) for probe, rows in seen.probes.items()
    }
    return replace(seen, probes=probes)
