from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardvault import failpoints
from shardvault.errors import AmbiguousBackup, UnknownBackup
from shardvault.model.ids import BackupId
from shardvault.model.report import BackupSummary
from shardvault.repository.lookup import Latest, find_id, find_latest
from tests.unit.cli import samples

ORDERS = ("--tables shop.orders_1",)
IDS = [
    "20261122T113000Z-full",
    "20261122T113000Z-full-2",
    "20261123T113000Z-full",
    "20261123T113000Z-full-12",
]


def made(
    backup: str, *scope: str, fleet: str = "shop", tags: tuple[str, ...] = ()
) -> BackupSummary:
    return replace(samples.summary(), id=BackupId(backup), fleet=fleet, scope=scope, tags=tags)


def latest(
    *backups: BackupSummary, word: str = "latest", fleet: str = "", scope: tuple[str, ...] = ()
) -> str:
    return find_latest(word, backups, Latest(fleet, scope)).id


def test_the_latest_backup_is_the_newest_complete_one() -> None:
    assert latest(made("a"), made("b"), made("c", *ORDERS)) == "b"


def test_without_the_rule_a_partial_backup_is_taken_for_the_latest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Negative control of the test above."""
    monkeypatch.setattr(failpoints, "_points", failpoints._parse("latest.scope=off"))
    assert latest(made("a"), made("b"), made("c", *ORDERS)) == "c"


def test_a_partial_backup_of_the_very_scope_that_is_named_counts_too() -> None:
    backups = (made("a"), made("b", "--tables x"), made("c", "--tables y"))
    assert latest(*backups, scope=("--tables x",)) == "b"
    assert latest(*backups, made("d"), scope=("--tables x",)) == "d"
    assert latest(*backups, scope=("--shards s0", "--tables x")) == "a"


def test_the_order_of_options_is_no_part_of_the_scope() -> None:
    backups = (made("a"), made("b", "--tables y", "--tables x"))
    assert latest(*backups, scope=("--tables x", "--tables y")) == "b"


def test_where_every_backup_is_partial_the_error_names_the_newest() -> None:
    with pytest.raises(UnknownBackup, match=r"no complete backup.*b \(--tables shop.orders_1\)"):
        latest(made("a", *ORDERS), made("b", *ORDERS))


def test_a_tag_finds_the_newest_backup_that_has_it() -> None:
    backups = (made("a", tags=("eom",)), made("b", *ORDERS, tags=("eom", "x")), made("c"))
    assert latest(*backups, word="latest:eom") == "b"


def test_a_tag_that_no_backup_has_is_refused_with_those_known() -> None:
    with pytest.raises(UnknownBackup) as caught:
        latest(made("a", tags=("eom",)), word="latest:eoy")
    assert (caught.value.message, caught.value.hint) == (
        "no backup has the tag 'eoy'",
        "tags are: eom",
    )


def test_the_latest_backup_is_one_of_the_configured_fleet() -> None:
    backups = (made("a"), made("b", fleet="billing"))
    assert latest(*backups, fleet="shop") == "a"
    with pytest.raises(UnknownBackup, match="fleet 'x'; the repository has backups of billing"):
        latest(*backups, fleet="x")


def test_backups_of_one_other_fleet_serve_a_file_that_names_the_fleet_otherwise() -> None:
    assert latest(made("a"), fleet="spare") == "a"


@pytest.mark.parametrize(
    ("word", "found"),
    [
        (IDS[0], IDS[0]),
        ("20261122T113000Z-full-", IDS[1]),
        (IDS[3], IDS[3]),
        ("20261123T113000Z-full-1", None),
        ("20261124", None),
        ("", None),
        ("full", None),
    ],
)
def test_an_id_is_found_by_its_beginning(word: str, found: str | None) -> None:
    if found is None:
        with pytest.raises(UnknownBackup):
            find_id(word, IDS)
    else:
        assert find_id(word, IDS) == found


def test_the_whole_id_of_a_backup_that_is_gone_never_means_another() -> None:
    with pytest.raises(UnknownBackup) as caught:
        find_id(IDS[0], IDS[1:])
    assert IDS[1] in str(caught.value.hint)


def test_a_beginning_that_several_ids_have_is_refused_and_names_them() -> None:
    with pytest.raises(AmbiguousBackup) as caught:
        find_id("2026", [f"2026112{day}T113000Z-full" for day in range(7)])
    assert caught.value.message == (
        "7 backups have an id that begins with '2026': 20261120T113000Z-full, "
        "20261121T113000Z-full, 20261122T113000Z-full, 20261123T113000Z-full, "
        "20261124T113000Z-full and 2 more"
    )
    assert caught.value.exit_code == 2


@given(st.sets(st.sampled_from([f"{a}{b}-{c}" for a in "12" for b in "12" for c in "12"])))
def test_what_is_found_begins_with_the_word_and_is_the_only_one(known: set[str]) -> None:
    for word in ("1", "12", "12-", "21-1", "22-2"):
        fitting = [one for one in known if one.startswith(word)]
        if len(fitting) == 1:
            assert find_id(word, known) == fitting[0]
        else:
            with pytest.raises((UnknownBackup, AmbiguousBackup)):
                find_id(word, known)
