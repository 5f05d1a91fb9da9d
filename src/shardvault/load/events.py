"""Create events asleep, and wake them when all else is done.

An event that a server knows may run at any moment, and it may delete what was just restored.
"""

from __future__ import annotations

import re
from dataclasses import replace

from shardvault.errors import IntegrityError
from shardvault.failpoints import is_off
from shardvault.model.schema import CodeObject
from shardvault.mysql.quoting import quote_table
from shardvault.mysql.session import decode

# Nothing of the head is in the event's own character set: names and numbers only.
_HEAD = re.compile(
    rb"""CREATE\ (DEFINER=`(?:[^`]|``)*`(?:@`(?:[^`]|``)*`)?)
    \ EVENT\ `(?:[^`]|``)*`\ ON\ SCHEDULE\ (?:[^'`]|'[^']*')*?
    \ ON\ COMPLETION\ (?:NOT\ )?PRESERVE\ (ENABLE|DISABLE)\b""",
    re.VERBOSE,
)


def put_to_sleep(event: CodeObject) -> CodeObject:
    """Return the event as it is created: disabled, whatever it was at the source.

    Raises:
        IntegrityError: the stored text is not an event's.
    """
    if is_off("restore.events_asleep"):
        return event
    begin, end = _head(event).span(2)
    create = event.create_sql[:begin] + b"DISABLE" + event.create_sql[end:]
    return replace(event, create_sql=create, is_enabled=False)


def write_waking(event: CodeObject) -> str:
    """Write the statement that switches an event on and leaves its definer alone."""
    definer = decode(_head(event)[1])
    return f"ALTER {definer} EVENT {quote_table(event.schema, event.name)} ENABLE"


def write_waking_by_hand(event: CodeObject) -> str:
    """Write what a person runs to the same end; an ALTER notes its session's character set."""
    names = f"SET NAMES {event.charset} COLLATE {event.collation}"
    return f"{names}; {write_waking(event)};"


def _head(event: CodeObject) -> re.Match[bytes]:
    match = _HEAD.match(event.create_sql)
    if match is None:
        raise IntegrityError(f"stored text of event {event.schema}.{event.name} cannot be read")
    return match
