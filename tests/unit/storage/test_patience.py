"""A stall is cut soon, and a slow link is learned."""

from __future__ import annotations

import pytest

from shardvault.storage.patience import ANSWER_S, LOWEST_BYTES_S, Patience, round_up

PACK = 16 * 1024 * 1024


def test_a_pack_is_cut_within_a_minute_and_a_small_object_sooner() -> None:
    patience = Patience()
    assert round_up(patience.limit_s(PACK)) <= 60
    assert round_up(patience.limit_s(100)) <= 20


def test_a_link_that_is_slow_is_given_more_time_after_each_cut() -> None:
    patience = Patience()
    limits = []
    for _ in range(3):
        limits.append(patience.limit_s(PACK))
        patience.note(PACK, limits[-1], is_done=False)
    assert limits == [ANSWER_S + 16, ANSWER_S + 32, ANSWER_S + 64]


def test_patience_has_an_end() -> None:
    patience = Patience()
    for _ in range(20):
        patience.note(PACK, patience.limit_s(PACK), is_done=False)
    assert patience.limit_s(PACK) == ANSWER_S + PACK / LOWEST_BYTES_S


def test_a_link_that_is_fast_again_is_cut_soon_again() -> None:
    patience = Patience()
    patience.note(PACK, patience.limit_s(PACK), is_done=False)
    patience.note(PACK, 1.0, is_done=True)
    assert patience.limit_s(PACK) == ANSWER_S + 16


@pytest.mark.parametrize(("size", "seconds"), [(100, 30.0), (PACK, 1.0)])
def test_small_transfers_and_early_failures_say_nothing_of_the_link(
    size: int, seconds: float
) -> None:
    patience = Patience()
    patience.note(size, seconds, is_done=False)
    assert patience.limit_s(PACK) == ANSWER_S + 16
