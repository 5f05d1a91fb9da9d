"""Check that the bank on a fleet is one that a causal cut can leave behind."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pymysql

from tests.support.workload.schema import ACCOUNTS_PER_SHARD, OPENING_BALANCE, SCHEMA

_EXAMPLES = 5


@dataclass(frozen=True)
class CheckResult:
    """Say what the fleet holds and what is wrong with it.

    Attributes:
        tickets: the highest ticket; without violations the chain is 1..tickets.
        transfers: transfers whose debit is there.
        in_flight_transfers: those of them whose credit is not.
        in_flight_amount: money debited and not yet credited.
        counters: last row of each shard's counter.
        violations: one sentence per broken rule.
    """

    tickets: int
    transfers: int
    in_flight_transfers: int
    in_flight_amount: int
    counters: dict[int, int]
    violations: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Say whether no rule is broken."""
        return not self.violations

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain values."""
        return {**asdict(self), "sound": self.is_sound}


@dataclass(frozen=True)
class _Entry:
    transfer: int
    from_account: int
    to_account: int
    amount: int


@dataclass(frozen=True)
class _ShardRows:
    tickets: list[int]
    counters: list[tuple[int, int]]
    balances: dict[int, int]
    debits: list[_Entry]
    credits: list[_Entry]


def check_fleet(connections: Sequence[pymysql.Connection]) -> CheckResult:
    """Read the bank from every shard and judge it; nobody may be writing.

    Args:
        connections: one per shard, all shards of the fleet, in any order.
    """
    shards = [_read_shard(connection) for connection in connections]
    tickets = [n for shard in shards for n in shard.tickets]
    debits = [entry for shard in shards for entry in shard.debits]
    credits = [entry for shard in shards for entry in shard.credits]
    rows_by_client = _rows_by_client(shards)
    violations = [
        *_judge_sequence("ticket", tickets, first=1),
        *_judge_counters(rows_by_client),
        *_judge_journal(debits, credits),
        *(text for shard in shards for text in _judge_balances(shard)),
        *_judge_total(shards, debits, credits),
    ]
    return CheckResult(
        tickets=max(tickets, default=0),
        transfers=len(debits),
        in_flight_transfers=len(debits) - len(credits),
        in_flight_amount=_sum(debits) - _sum(credits),
        counters={client: max(rows) for client, rows in sorted(rows_by_client.items())},
        violations=tuple(violations),
    )


def _read_shard(connection: pymysql.Connection) -> _ShardRows:
    with connection.cursor() as cursor:

        def read(query: str) -> Iterable[tuple[Any, ...]]:
            cursor.execute(query)
            rows: Iterable[tuple[Any, ...]] = cursor.fetchall()
            return rows

        columns = "transfer, from_account, to_account, amount"
        journal = f"SELECT {columns} FROM {SCHEMA}.journal WHERE side ="
        return _ShardRows(
            tickets=[n for (n,) in read(f"SELECT n FROM {SCHEMA}.tickets")],
            counters=[(c, k) for c, k in read(f"SELECT client, k FROM {SCHEMA}.counters")],
            balances=dict(read(f"SELECT account, balance FROM {SCHEMA}.accounts")),
            debits=[_Entry(*row) for row in read(f"{journal} 'debit'")],
            credits=[_Entry(*row) for row in read(f"{journal} 'credit'")],
        )


def _rows_by_client(shards: Sequence[_ShardRows]) -> dict[int, list[int]]:
    rows: dict[int, list[int]] = defaultdict(list)
    for shard in shards:
        for client, k in shard.counters:
            rows[client].append(k)
    return rows


def _judge_counters(rows_by_client: dict[int, list[int]]) -> Iterator[str]:
    for client, rows in rows_by_client.items():
        yield from _judge_sequence(f"row of counter {client}", rows, first=0)


def _judge_sequence(what: str, numbers: Sequence[int], *, first: int) -> Iterator[str]:
    """Find what keeps numbers from being first, first + 1 … each once."""
    missing = set(range(first, max(numbers, default=first - 1) + 1)).difference(numbers)
    yield from _complain(f"{what} missing", missing)
    yield from _complain(f"{what} there twice", _doubles(numbers))
    yield from _complain(f"{what} below {first}", {n for n in numbers if n < first})


def _judge_journal(debits: Sequence[_Entry], credits: Sequence[_Entry]) -> Iterator[str]:
    debit_of = {entry.transfer: entry for entry in debits}
    orphans = {entry.transfer for entry in credits if entry.transfer not in debit_of}
    unequal = {e.transfer for e in credits if debit_of.get(e.transfer, e) != e}
    yield from _complain("credit without its debit, transfer", orphans)
    yield from _complain("credit unlike its debit, transfer", unequal)
    yield from _complain("debit there twice, transfer", _doubles(e.transfer for e in debits))
    yield from _complain("credit there twice, transfer", _doubles(e.transfer for e in credits))


def _judge_balances(shard: _ShardRows) -> Iterator[str]:
    """Find accounts whose balance is not what the journal of the same shard says."""
    if len(shard.balances) != ACCOUNTS_PER_SHARD:
        yield f"a shard has {len(shard.balances)} accounts, not {ACCOUNTS_PER_SHARD}"
    expected = dict.fromkeys(shard.balances, OPENING_BALANCE)
    for entry in shard.debits:
        expected[entry.from_account] = expected.get(entry.from_account, 0) - entry.amount
    for entry in shard.credits:
        expected[entry.to_account] = expected.get(entry.to_account, 0) + entry.amount
    wrong = {account for account, sum_ in expected.items() if shard.balances.get(account) != sum_}
    yield from _complain("balance unlike the journal, account", wrong)


def _judge_total(
    shards: Sequence[_ShardRows], debits: Sequence[_Entry], credits: Sequence[_Entry]
) -> Iterator[str]:
    initial = len(shards) * ACCOUNTS_PER_SHARD * OPENING_BALANCE
    in_flight = _sum(debits) - _sum(credits)
    total = sum(balance for shard in shards for balance in shard.balances.values()) + in_flight
    if total != initial:
        yield f"money is not conserved: {total} with {in_flight} in flight, at first {initial}"
    if in_flight < 0:
        yield f"money was created: {-in_flight} more credited than debited"


def _sum(entries: Iterable[_Entry]) -> int:
    return sum(entry.amount for entry in entries)


def _doubles(numbers: Iterable[int]) -> set[int]:
    return {number for number, times in Counter(numbers).items() if times > 1}


def _complain(what: str, numbers: set[int]) -> Iterator[str]:
    if numbers:
        examples = ", ".join(map(str, sorted(numbers)[:_EXAMPLES]))
        yield f"{what}: {examples} ({len(numbers)} in all)"
