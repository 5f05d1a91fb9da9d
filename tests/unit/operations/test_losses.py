"""What cannot be kept exact is refused, unless just its kind of loss is allowed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shardvault import app
from shardvault.errors import UnsupportedObject, UsageError
from shardvault.model.ids import ShardName
from shardvault.model.loss import AllowedLoss, LossKind, parse_losses
from shardvault.model.report import Finding, Severity
from shardvault.operations.losses import allow_losses, tell_losses

SHARD = ShardName("s0")
OLD = Finding(
    Severity.BLOCKER,
    SHARD,
    "tables",
    "shop.old: no history",
    LossKind.HISTORY.remedies,
    "shop.old",
    LossKind.HISTORY,
)
FAR = replace(
    OLD,
    where="s1",
    message="shop.far: elsewhere",
    remedy=LossKind.DATA_DIRECTORY.remedies,
    table="shop.far",
    loss=LossKind.DATA_DIRECTORY,
)
BIG = replace(OLD, message="shop.big: MyISAM", remedy="--exclude it", table="shop.big", loss=None)
SLOW = replace(OLD, severity=Severity.WARNING, message="shop.slow: JSON", loss=LossKind.JSON_TYPES)
FINE = Finding(Severity.INFO, SHARD, "tables", "shop.view: definition only")


def test_everything_refused_on_any_shard_is_named_with_every_remedy() -> None:
    with pytest.raises(UnsupportedObject) as caught:
        allow_losses([OLD, FINE, FAR, BIG], ())
    text, hint = str(caught.value), caught.value.hint or ""
    assert "shard s0: shop.old" in text
    assert "shard s1: shop.far" in text
    assert "shop.view" not in text
    assert hint.split("\n") == [OLD.remedy, FAR.remedy, BIG.remedy]


def test_an_allowed_loss_is_recorded_with_its_table_and_others_are_still_refused() -> None:
    losses = allow_losses([OLD, FINE], {LossKind.HISTORY, LossKind.DATA_DIRECTORY})
    assert losses.allowed == (AllowedLoss("history", SHARD, "shop.old", OLD.message),)
    assert losses.is_allowed(LossKind.HISTORY, SHARD, "shop.old")
    assert not losses.is_allowed(LossKind.HISTORY, SHARD, "shop.far")
    with pytest.raises(UnsupportedObject, match=r"shop\.far"):
        allow_losses([OLD, FAR], {LossKind.HISTORY})


def test_a_blocker_without_a_kind_cannot_be_allowed() -> None:
    with pytest.raises(UnsupportedObject, match=r"shop\.big"):
        allow_losses([BIG], frozenset(LossKind))


def test_what_could_not_be_looked_into_is_a_notice_or_an_allowed_loss() -> None:
    assert allow_losses([SLOW], ()).notices == ("shard s0: shop.slow: JSON",)
    allowed = allow_losses([SLOW], {LossKind.JSON_TYPES})
    assert [loss.detail for loss in allowed.allowed] == [SLOW.message]
    assert allowed.notices == ()


def test_a_restore_warns_of_every_table_that_is_not_exact() -> None:
    (finding,) = tell_losses([AllowedLoss("history", SHARD, "shop.old", "no history")])
    assert finding.severity is Severity.WARNING
    assert finding.where == "s0: shop.old"
    assert "--allow-loss history" in finding.message


def test_an_unknown_kind_of_loss_is_a_usage_error_that_offers_the_nearest_one() -> None:
    assert parse_losses(["history", "json-types"]) == {LossKind.HISTORY, LossKind.JSON_TYPES}
    with pytest.raises(UsageError, match="json_type") as near:
        parse_losses(["json_type"])
    assert near.value.hint == "did you mean 'json-types'?"
    with pytest.raises(UsageError) as far:
        parse_losses(["everything"])
    assert all(kind in (far.value.hint or "") for kind in LossKind)


def test_an_unknown_kind_is_told_before_anything_is_looked_at() -> None:
    with pytest.raises(UsageError, match="unknown kind of loss 'histroy'"):
        app.backup("/no/such/file.yaml", allow_loss=["histroy"])


@pytest.mark.parametrize("kind", list(LossKind))
def test_every_kind_says_in_one_sentence_what_is_lost_and_what_to_do(kind: LossKind) -> None:
    assert kind.meaning
    assert not kind.meaning.endswith(".")
    assert kind.remedies.endswith(f"--allow-loss {kind}")
