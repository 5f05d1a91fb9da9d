from __future__ import annotations

from dataclasses import replace

import pytest

from shardvault.errors import TargetRefused, UsageError
from shardvault.load.renaming import Renaming
from shardvault.model.ids import BackupId, ShardName
from shardvault.model.manifest import TableRecord
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Account, CodeObject, ObjectKind, Schema, Table, TableKind
from shardvault.model.target import Endpoint, Fleet, Login, Shard
from shardvault.operations.restore_mark import RestoreMark
from shardvault.operations.restore_plan import (
    RestoreOptions,
    RestorePlan,
    ShardRestore,
    _digest,
    _map_targets,
    _refuse_collisions,
)
from shardvault.operations.restore_preview import report_plan
from tests.support.repositories import make_manifest

BACKUP = BackupId("b")


def shard_of(name: str, port: int = 1) -> Shard:
    return Shard(ShardName(name), Endpoint("h", port), Login("u"))


def table_of(name: str) -> TableRecord:
    table = Table("d", name, TableKind.ROWS, "InnoDB", True, b"", ())
    return TableRecord(table, (), 0, "0" * 32, 0, ())


def restore_of(source: str, target: str, *tables: str, views: tuple[str, ...] = ()) -> ShardRestore:
    return ShardRestore(
        source=ShardName(source),
        target=shard_of(target),
        schemas=(Schema("d", b""),),
        whole=frozenset({"d"}),
        tables=tuple(map(table_of, tables)),
        objects=tuple(CodeObject(ObjectKind.VIEW, "d", view, b"", "", "", "") for view in views),
        accounts=(),
    )


def test_tables_of_one_name_may_not_meet_on_a_target() -> None:
    with pytest.raises(UsageError, match=r"t0: d\.a$"):
        _refuse_collisions([restore_of("s0", "t0", "a", "b"), restore_of("s1", "t0", "a", "c")])


def test_a_view_and_a_table_of_one_name_may_not_meet_on_a_target() -> None:
    with pytest.raises(UsageError, match=r"t0: d\.a"):
        _refuse_collisions([restore_of("s0", "t0", "a"), restore_of("s1", "t0", views=("a",))])


def test_what_goes_to_different_targets_or_has_different_names_never_collides() -> None:
    _refuse_collisions([restore_of("s0", "t0", "a", views=("a",)), restore_of("s1", "t1", "a")])
    _refuse_collisions([restore_of("s0", "t0", "a"), restore_of("s1", "t0", "b")])


def digest_of(*shards: ShardRestore, replace: bool = False, backup: str = "b") -> str:
    return _digest(BackupId(backup), shards, RestoreOptions(1, replace=replace))


def test_the_same_plan_has_the_same_digest() -> None:
    assert digest_of(restore_of("s0", "t0", "a")) == digest_of(restore_of("s0", "t0", "a"))


@pytest.mark.parametrize(
    "other",
    [
        digest_of(restore_of("s0", "t0", "a"), backup="c"),
        digest_of(restore_of("s0", "t0", "a"), replace=True),
        digest_of(restore_of("s0", "t0", "a", "b")),
        digest_of(restore_of("s0", "t1", "a")),
        digest_of(restore_of("s1", "t0", "a")),
        digest_of(restore_of("s0", "t0", "a"), restore_of("s1", "t1", "a")),
        digest_of(replace(restore_of("s0", "t0", "a"), renaming=Renaming({"old": "d"}))),
    ],
    ids=["backup", "replace", "table", "target", "source", "shard", "renaming"],
)
def test_another_plan_has_another_digest(other: str) -> None:
    assert digest_of(restore_of("s0", "t0", "a")) != other


def test_a_shard_keeps_its_name_unless_it_is_mapped() -> None:
    targets = [shard_of("s0", 1), shard_of("t1", 2)]
    names = [ShardName("s0"), ShardName("s1")]
    found = _map_targets(names, _fleet(targets), {"s1": "t1"})
    assert {source: target.name for source, target in found.items()} == {"s0": "s0", "s1": "t1"}


@pytest.mark.parametrize(
    ("mapping", "message", "hint"),
    [
        ({}, "no shard 's1'", "--map s1=NAME"),
        ({"s1": "t9"}, "no shard 't9'", "t1"),
        ({"s7": "t1"}, "no shard 's7'", "s1"),
    ],
)
def test_a_mapping_that_does_not_fit_is_explained(
    mapping: dict[str, str], message: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        _map_targets([ShardName("s1")], _fleet([shard_of("t1")]), mapping)
    assert hint in str(caught.value.hint)


def _fleet(shards: list[Shard]) -> Fleet:
    return Fleet("f", tuple(shards))


def plan_with(*findings: Finding) -> RestorePlan:
    manifest = make_manifest("b", ())
    shard = replace(restore_of("s0", "t0", "a"), findings=findings)
    return RestorePlan(manifest, (shard,), RestoreMark(BACKUP, "f", ""), RestoreOptions(1))


def test_every_blocker_and_each_remedy_once_are_in_the_refusal() -> None:
    first = Finding(Severity.BLOCKER, "t0", "x", "full", "make room")
    second = Finding(Severity.BLOCKER, "t0", "y", "no room", "make room")
    third = Finding(Severity.BLOCKER, "t0", "z", "read only")
    assert refuse(first) == (["t0: full"], "make room")
    assert refuse(first, second) == (["t0: full", "t0: no room"], "make room")
    assert refuse(first, second, third) == (
        ["t0: full", "t0: no room", "  -> make room", "t0: read only"],
        None,
    )
    assert refuse(third) == (["t0: read only"], None)


def refuse(*findings: Finding) -> tuple[list[str], str | None]:
    """Return the lines of a refusal but for the first, and its hint."""
    with pytest.raises(TargetRefused, match="cannot take this restore") as caught:
        plan_with(*findings).refuse_blockers()
    return caught.value.message.split("\n")[1:], caught.value.hint


def test_a_plan_tells_how_many_accounts_come_back() -> None:
    plan = plan_with()
    account = Account("a", is_role=False, create_sql=b"", grants=())
    shards = (replace(plan.shards[0], accounts=(account, account)),)
    assert report_plan(replace(plan, shards=shards)).objects == {"account": 2}
    assert report_plan(plan).objects == {}


def test_warnings_do_not_stop_a_restore() -> None:
    plan_with(Finding(Severity.WARNING, "t0", "x", "old", "upgrade")).refuse_blockers()
