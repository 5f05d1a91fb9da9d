from __future__ import annotations

import pytest

from shardvault.errors import IntegrityError
from shardvault.load.events import put_to_sleep, write_waking, write_waking_by_hand
from shardvault.model.schema import CodeObject, ObjectKind

HEAD = b"CREATE DEFINER=`o``w`@`%` EVENT `ON COMPLETION PRESERVE ENABLE` ON SCHEDULE "
TAIL = b" COMMENT 'ENABLE' DO BEGIN /* ON COMPLETION PRESERVE ENABLE */ SELECT 1; END"


def event(create_sql: bytes) -> CodeObject:
    return CodeObject(ObjectKind.EVENT, "s", "e`v", create_sql, "", "latin1", "latin1_german1_ci")


@pytest.mark.parametrize(
    "schedule",
    [
        b"EVERY 1 DAY STARTS '2030-01-01 00:00:00' ENDS '2031-01-01 00:00:00'",
        b"EVERY '1:30' HOUR_MINUTE",
        b"AT '2030-01-01 00:00:00'",
    ],
)
@pytest.mark.parametrize("kept", [b"NOT PRESERVE", b"PRESERVE"])
def test_only_the_word_that_switches_it_on_is_changed(schedule: bytes, kept: bytes) -> None:
    begin = HEAD + schedule + b" ON COMPLETION " + kept
    asleep = put_to_sleep(event(begin + b" ENABLE" + TAIL))
    assert asleep.create_sql == begin + b" DISABLE" + TAIL
    assert not asleep.is_enabled


@pytest.mark.parametrize("state", [b"DISABLE", b"DISABLE ON SLAVE", b"DISABLE ON REPLICA"])
def test_an_event_that_was_off_stays_as_it_is(state: bytes) -> None:
    text = HEAD + b"EVERY 1 DAY ON COMPLETION PRESERVE " + state + TAIL
    assert put_to_sleep(event(text)).create_sql == text


def test_a_role_without_a_host_may_be_the_definer() -> None:
    text = b"CREATE DEFINER=`r` EVENT `e` ON SCHEDULE EVERY 1 DAY ON COMPLETION PRESERVE %s DO DO 1"
    assert put_to_sleep(event(text % b"ENABLE")).create_sql == text % b"DISABLE"
    assert write_waking(event(text % b"ENABLE")) == "ALTER DEFINER=`r` EVENT `s`.`e``v` ENABLE"


def test_the_statement_by_hand_keeps_definer_and_character_set() -> None:
    text = HEAD + b"EVERY 1 DAY ON COMPLETION PRESERVE ENABLE" + TAIL
    assert write_waking_by_hand(event(text)) == (
        "SET NAMES latin1 COLLATE latin1_german1_ci; "
        "ALTER DEFINER=`o``w`@`%` EVENT `s`.`e``v` ENABLE;"
    )


def test_text_that_is_no_event_is_never_created() -> None:
    with pytest.raises(IntegrityError, match="cannot be read"):
        put_to_sleep(event(b"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1"))
