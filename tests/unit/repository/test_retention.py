from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardvault import failpoints
from shardvault.model.policy import BackupSize, Keep, KeepCandidate, format_keep, parse_keep
from shardvault.repository.retention import choose_kept, find_shrunk

DAY_S = 86400.0
NOW_S = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()


def made(
    days_ago: float,
    *,
    verified: bool = True,
    hold: str | None = None,
    fleet: str = "shop",
    scope: str = "",
    tag: str = "",
) -> KeepCandidate:
    return KeepCandidate(
        f"{fleet}{scope}-{days_ago}",
        fleet,
        NOW_S - days_ago * DAY_S,
        verified,
        hold,
        frozenset(filter(None, [scope])),
        frozenset(filter(None, [tag])),
    )


def kept(candidates: list[KeepCandidate], keep: Keep) -> set[str]:
    return {name for name, why in choose_kept(candidates, keep, now_s=NOW_S).items() if why}


def test_without_a_policy_nothing_goes() -> None:
    assert kept([made(1), made(900)], Keep()) == {"shop-1", "shop-900"}


def test_only_verified_backups_count() -> None:
    """An intruder adds worthless backups; none of them pushes a good one out."""
    good = [made(day) for day in (10, 11, 12)]
    worthless = [made(hour / 24, verified=False) for hour in range(1, 9)]
    assert {one.id for one in good[:2]} <= kept([*good, *worthless], Keep(last=2))


def test_the_last_verified_one_never_goes() -> None:
    candidates = [made(500), *(made(day, verified=False) for day in (1, 2))]
    assert "shop-500" in kept(candidates, Keep(within_s=DAY_S))


def test_nothing_goes_while_none_is_verified() -> None:
    candidates = [made(day, verified=False) for day in (1, 2, 300)]
    assert len(kept(candidates, Keep(last=1))) == 3


def test_an_unverified_one_older_than_a_verified_one_goes() -> None:
    candidates = [made(1), made(2, verified=False)]
    assert kept(candidates, Keep(last=5)) == {"shop-1"}


def test_the_newest_of_each_period_is_kept() -> None:
    candidates = [made(day + part) for day in range(20) for part in (0.0, 0.25)]
    assert kept(candidates, Keep(daily=3)) == {"shop-0.0", "shop-1.0", "shop-2.0"}


def test_a_period_without_a_backup_does_not_count() -> None:
    candidates = [made(0), made(400), made(800), made(1200)]
    assert kept(candidates, Keep(yearly=3)) == {"shop-0", "shop-400", "shop-800"}


def test_a_held_backup_stays_whatever_the_policy_says() -> None:
    reasons = choose_kept([made(0), made(99, hold="audit")], Keep(last=1), now_s=NOW_S)
    assert reasons["shop-99"] == ["held: audit"]


def test_fleets_do_not_take_each_others_places() -> None:
    candidates = [made(1), made(2), made(3, fleet="other")]
    assert kept(candidates, Keep(last=1)) == {"shop-1", "other-3"}


def test_a_partial_backup_takes_the_place_of_no_complete_one() -> None:
    candidates = [made(1, scope="--tables x"), made(2), made(3, scope="--tables x"), made(4)]
    assert kept(candidates, Keep(last=1)) == {"shop--tables x-1", "shop-2"}


def test_without_the_rule_a_partial_backup_pushes_the_complete_one_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Negative control of the test above."""
    monkeypatch.setattr(failpoints, "_points", failpoints._parse("retention.scope=off"))
    assert kept([made(1, scope="--tables x"), made(2)], Keep(last=1)) == {"shop--tables x-1"}


def test_every_backup_with_a_tag_that_the_policy_names_is_kept() -> None:
    candidates = [made(1), made(2), made(300, tag="eoy"), made(400, tag="eoy", verified=False)]
    reasons = choose_kept(candidates, Keep(last=1, tags=("eoy",)), now_s=NOW_S)
    assert {name: why for name, why in reasons.items() if why} == {
        "shop-1": ["last verified", "last 1"],
        "shop-300": ["tag eoy"],
        "shop-400": ["tag eoy"],
    }


backups = st.lists(
    st.builds(
        made,
        st.floats(0, 2000),
        verified=st.booleans(),
        fleet=st.sampled_from(["a", "b"]),
        scope=st.sampled_from(["", "", "--tables x", "--shards s0"]),
        tag=st.sampled_from(["", "", "", "eoy"]),
    ),
    max_size=40,
    unique_by=lambda one: one.id,
)
policies = st.builds(
    Keep,
    *(st.integers(0, 4) for _ in range(6)),
    st.floats(0, 100 * DAY_S),
    st.sampled_from([(), (), ("eoy",)]),
)


@given(backups, policies)
def test_partial_backups_change_nothing_for_complete_ones(
    candidates: list[KeepCandidate], keep: Keep
) -> None:
    complete = [one for one in candidates if not one.scope]
    left = kept(candidates, keep)
    assert kept(complete, keep) == {one.id for one in complete if one.id in left}


@given(backups, policies)
def test_each_fleet_keeps_its_newest_verified_complete_backup(
    candidates: list[KeepCandidate], keep: Keep
) -> None:
    left = kept(candidates, keep)
    for fleet in ("a", "b"):
        found = [
            one for one in candidates if one.fleet == fleet and one.is_verified and not one.scope
        ]
        if found:
            assert max(found, key=lambda one: one.received_s).received_s in {
                one.received_s for one in found if one.id in left
            }


@given(backups, policies)
def test_removing_what_goes_changes_nothing_more(
    candidates: list[KeepCandidate], keep: Keep
) -> None:
    left = kept(candidates, keep)
    assert kept([one for one in candidates if one.id in left], keep) == left


def _size(backup: str, rows: int, size_bytes: int, orders: int) -> BackupSize:
    return BackupSize(backup, rows, size_bytes, {"orders": orders})


@pytest.mark.parametrize(
    ("after", "what"),
    [
        (_size("b", 50, 100, 50), None),
        (_size("b", 49, 100, 50), "rows fell from 100 in a to 49"),
        (_size("b", 50, 49, 50), "bytes fell from 100 in a to 49"),
        (_size("b", 50, 100, 49), "rows of table orders fell from 100 in a to 49"),
        (BackupSize("b", 50, 100, {}), "rows of table orders fell from 100 in a to 0"),
    ],
)
def test_a_backup_of_less_than_half_of_the_one_before_is_found(
    after: BackupSize, what: str | None
) -> None:
    found = list(find_shrunk([_size("a", 100, 100, 100), after]))
    assert found == ([(after, what)] if what else [])


@pytest.mark.parametrize(
    "text",
    ["", "last=3", "last=1,daily=7,yearly=2,within=30d", "within=90min", "daily=1,tag=a.b,tag=c-d"],
)
def test_a_policy_is_read_as_it_is_written(text: str) -> None:
    assert format_keep(parse_keep(text)) == text


def test_an_old_backup_is_not_kept_because_of_a_clock_that_is_behind() -> None:
    one = KeepCandidate("a", "f", 2000.0, is_verified=False)
    two = KeepCandidate("b", "f", 3000.0, is_verified=True)
    assert choose_kept([one, two], Keep(last=1), now_s=1000.0)["a"] == []
