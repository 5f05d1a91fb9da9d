"""The page on stores says what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from shardvault.storage.patience import ANSWER_S, LOWEST_BYTES_S, Patience, round_up
from shardvault.storage.probe import LIMIT_S, TRIAL_LIMIT_S, TRIALS
from shardvault.storage.retrying import RetryPolicy
from shardvault.storage.ssh import STALL_LIMIT_S

PAGE = " ".join((Path(__file__).parents[3] / "docs/storage.md").read_text().split())


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.what)
def test_each_trial_stands_with_what_follows_from_it(trial) -> None:  # type: ignore[no-untyped-def]
    table = PAGE[PAGE.index("| trial |") : PAGE.index("The trial of a broken upload")]
    (row,) = [row for row in table.split("| |") if trial.consequence in row]
    assert trial.what in row


def test_the_limits_are_those_of_the_code() -> None:
    policy = RetryPolicy()
    pack_s = round_up(Patience().limit_s(16 * 1024 * 1024))
    for words in (
        f"does not end within {TRIAL_LIMIT_S:.0f} s, or all of them within {LIMIT_S:.0f} s",
        f"has {ANSWER_S:.0f} s for the answer",
        f"is cut after {pack_s} s",
        f"down to {LOWEST_BYTES_S // 1024} KiB/s",
        f"cut after {STALL_LIMIT_S:.0f} s without a byte",
        f"up to {policy.attempts} times within {policy.limit_s / 60:.0f} min",
        f"random length up to {policy.longest_pause_s:.0f} s",
    ):
        assert words in PAGE, words
