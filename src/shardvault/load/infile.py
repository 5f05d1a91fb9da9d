"""Load rows by LOAD DATA LOCAL, for servers without bulk execute (MySQL).

The server asks the client for a file; the answer is the chunk in memory, and only if the
server asks for the very name that our statement made up. No file is ever opened.

Source: MySQL manual, "LOAD DATA", protocol "LOCAL INFILE Request".
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Sequence

from shardvault.errors import IntegrityError
from shardvault.interfaces import Buffer
from shardvault.kernel.select import encode_text
from shardvault.load.columns import WriteRule, write_rule
from shardvault.load.taken import check_taken, read_answer
from shardvault.model.position import Family
from shardvault.model.schema import Column
from shardvault.mysql import wire
from shardvault.mysql.errors import translate
from shardvault.mysql.quoting import quote_name, quote_table
from shardvault.mysql.session import Session

_BATCH_BYTES = 9 << 20  # one chunk with every byte escaped
_PACKET_BYTES = wire.FULL_PAYLOAD - 1


class InfileLoader:
    """Send each chunk as the file of one LOAD DATA LOCAL statement."""

    def __init__(
        self, session: Session, schema: str, table: str, columns: Sequence[Column]
    ) -> None:
        self._session = session
        self._columns = tuple(columns)
        self._tail = _statement_tail(schema, table, columns)
        self._out = bytearray(_BATCH_BYTES)

    def load(self, chunk: Buffer) -> int:
        """Store every row of a chunk; see ``RowLoader.load``."""
        position = total = 0
        while position < len(chunk):
            try:
                position, end, rows, wanted = encode_text(
                    chunk, position, len(self._columns), self._out, 0
                )
            except ValueError as error:
                raise IntegrityError(f"stored rows cannot be read: {error}") from error
            if rows:
                self._send(memoryview(self._out)[:end], rows)
                total += rows
            else:
                self._out = bytearray(wanted)
        return total

    def close(self) -> None:
        """Hold nothing on the server between statements."""

    def _send(self, text: memoryview, rows: int) -> None:
        name = secrets.token_hex(16)
        self._session.send(f"LOAD DATA LOCAL INFILE '{name}' {self._tail}")
        self._expect_request(name)
        packets = [text[at : at + _PACKET_BYTES] for at in range(0, len(text), _PACKET_BYTES)]
        sequence = 2
        try:
            for packet in [*packets, memoryview(b"")]:
                head = struct.pack("<I", len(packet))[:3] + bytes((sequence & 0xFF,))
                self._session.socket.sendall(head)
                self._session.socket.sendall(packet)
                sequence += 1
        except OSError as error:
            self._session.abort()
            raise translate(error, shard=self._session.shard, statement="LOAD DATA") from error
        self._session.connection._next_seq_id = sequence & 0xFF
        check_taken(self._session, rows, self._read_answer(), self._columns)

    def _expect_request(self, name: str) -> None:
        """Make sure that the server asks for our own data and nothing else."""
        answer = self._read_answer()
        if answer[:1] != bytes((wire.LOCAL_FILE,)) or answer[1:] != name.encode():
            raise self._session.distrust(
                f"server asked for {answer[1:64]!r} instead of our data; nothing was sent"
            )

    def _read_answer(self) -> bytes:
        return read_answer(self._session, "LOAD DATA")


def _statement_tail(schema: str, table: str, columns: Sequence[Column]) -> str:
    rules = [write_rule(column, Family.MYSQL) for column in columns]
    targets, settings = [], []
    for at, (column, rule) in enumerate(zip(columns, rules, strict=True)):
        if _is_direct(rule):
            targets.append(quote_name(column.name))
        else:
            targets.append(f"@v{at}")
            settings.append(f"{quote_name(column.name)} = {rule.expression.format(v=f'@v{at}')}")
    return (
        f"INTO TABLE {quote_table(schema, table)} CHARACTER SET binary "
        r"FIELDS TERMINATED BY X'09' ESCAPED BY X'5c' LINES TERMINATED BY X'0a' "
        f"({', '.join(targets)})" + (f" SET {', '.join(settings)}" if settings else "")
    )


def _is_direct(rule: WriteRule) -> bool:
    return rule.expression == "{v}"
