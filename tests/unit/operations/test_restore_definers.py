"""What becomes of objects whose definer a target cannot take follows from the rules alone."""

from __future__ import annotations

import pytest

from shardvault.fleet.definers import Accounts, find_definer
from shardvault.fleet.privileges import Need
from shardvault.model.definer import Definer, parse_definer_rules
from shardvault.model.report import Severity
from shardvault.model.schema import CodeObject, ObjectKind
from shardvault.operations.restore_definers import DefinerTarget, Settled, settle_definers

OWN, THERE, GONE = Definer("me", "%"), Definer("there", "%"), Definer("gone", "%")


def view_of(definer: Definer, name: str, rights: str = "DEFINER") -> CodeObject:
    text = f"CREATE ALGORITHM=UNDEFINED DEFINER={definer} SQL SECURITY {rights} VIEW x AS select 1"
    return CodeObject(ObjectKind.VIEW, "s", name, text.encode(), "", "", "")


OBJECTS = (view_of(OWN, "a"), view_of(THERE, "b"), view_of(GONE, "c"))


def target_of(*lacking: Need, recorded: Accounts | None = None) -> DefinerTarget:
    """Lack privileges; THERE is a system user."""
    accounts, system = Accounts(frozenset({OWN, THERE})), Accounts(frozenset({THERE}))
    named = {need: (f"PRIVILEGE {need.name}", f"GRANT {need.name}") for need in lacking}
    return DefinerTarget("t0", OWN, accounts, recorded, system, named)


def settle(
    *rules: str, objects: tuple[CodeObject, ...] = OBJECTS, target: DefinerTarget | None = None
) -> Settled:
    return settle_definers(objects, parse_definer_rules(rules), target or target_of())


def definers_of(settled: Settled) -> dict[str, Definer | None]:
    return {item.name: find_definer(item) for item in settled.objects}


def test_definers_that_are_there_stay() -> None:
    settled = settle(objects=OBJECTS[:2])
    assert settled == Settled(OBJECTS[:2])


def test_a_missing_definer_blocks_unless_a_rule_covers_it() -> None:
    (found,) = settle().findings
    assert found.severity is Severity.BLOCKER
    assert "--definer keep" in found.remedy
    assert "--with-accounts" not in found.remedy
    (kept,) = settle("keep").findings
    assert kept.severity is Severity.WARNING
    assert definers_of(settle("keep"))["c"] == GONE


def test_the_backups_own_accounts_are_offered() -> None:
    recorded = Accounts(frozenset({GONE}))
    (found,) = settle(target=target_of(recorded=recorded)).findings
    assert found.remedy.startswith("--with-accounts creates it")


def test_a_star_replaces_what_the_target_cannot_take_and_a_name_whatever_has_it() -> None:
    assert definers_of(settle("*=CURRENT_USER")) == {"a": OWN, "b": THERE, "c": OWN}
    settled = settle("there@%=me@%", "*=there@%")
    assert definers_of(settled) == {"a": OWN, "b": OWN, "c": THERE}
    assert [note.severity for note in settled.notes] == [Severity.INFO] * 2


def test_what_is_left_out_is_a_warning() -> None:
    settled = settle("skip")
    assert list(definers_of(settled)) == ["a", "b"]
    assert [note.severity for note in settled.notes] == [Severity.WARNING]


def test_objects_that_do_not_run_with_their_definers_rights_come_back_as_they_are() -> None:
    free = view_of(GONE, "free", "INVOKER")
    settled = settle(objects=(free,))
    assert settled.objects == (free,)
    assert [item.severity for item in settled.findings] == [Severity.INFO]


@pytest.mark.parametrize(
    ("recorded", "severity"),
    [
        (None, Severity.BLOCKER),
        (Accounts(frozenset({THERE})), Severity.WARNING),
        (Accounts(frozenset({THERE, GONE})), Severity.BLOCKER),
    ],
)
def test_what_was_missing_at_the_source_too_is_no_blocker(
    recorded: Accounts | None, severity: Severity
) -> None:
    (found,) = settle(target=target_of(recorded=recorded)).findings
    assert found.severity is severity


def test_a_login_that_names_no_other_definer_can_only_replace_or_leave_out() -> None:
    target = target_of(Need.OTHER_DEFINER)
    blockers = settle("keep", target=target).findings
    assert [item.severity for item in blockers] == [Severity.BLOCKER] * 2
    assert all("lacks PRIVILEGE OTHER_DEFINER" in item.message for item in blockers)
    assert all(item.remedy.startswith("GRANT OTHER_DEFINER") for item in blockers)
    assert all("keep" not in item.remedy for item in blockers)
    replaced = settle("*=CURRENT_USER", target=target)
    assert set(definers_of(replaced).values()) == {OWN}
    assert replaced.findings == ()
    assert list(definers_of(settle("skip", target=target))) == ["a"]
    blocked = settle("*=there@%", target=target).findings
    assert all("lacks PRIVILEGE OTHER_DEFINER" in item.message for item in blocked)


@pytest.mark.parametrize(
    ("need", "name"), [(Need.MISSING_DEFINER, "c"), (Need.SYSTEM_DEFINER, "b")]
)
def test_one_more_privilege_is_needed_for_missing_definers_and_for_system_users(
    need: Need, name: str
) -> None:
    blockers = [
        item
        for item in settle("keep", target=target_of(need)).findings
        if item.severity is Severity.BLOCKER
    ]
    assert [f"lacks PRIVILEGE {need.name}" in item.message for item in blockers] == [True]
    assert f"s.{name}" in blockers[0].message
