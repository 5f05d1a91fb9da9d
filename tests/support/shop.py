"""Create and fill a sharded shop: every kind of object, the same rows for the same seed.

An order lies in slot ``order_id mod 16``: slot ``k`` is table ``orders_{k mod 4}`` of shard
``k div 4``. Its items are bound to it. An account lies on shard ``account_id mod 4``. The
table ``country`` is equal on every shard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from random import Random
from typing import Any, TypeVar

from tests.support.fleet import in_parallel
from tests.support.servers import Instance

_T = TypeVar("_T")

SHARDS = 4
TABLES_PER_SHARD = 4
SLOTS = SHARDS * TABLES_PER_SHARD
ORDERS_PER_ACCOUNT = 10
APP_PASSWORD = "for-the-shop-only"
_ROWS_PER_INSERT = 500

_EACH_TABLE = "s${0..3}.shop."
TABLES: tuple[Mapping[str, Any], ...] = (
    {
        "logical": "orders",
        "nodes": _EACH_TABLE + "orders_${0..3}",
        "key": "order_id",
        "rule": {"mod": SLOTS},
    },
    {
        "logical": "order_items",
        "nodes": _EACH_TABLE + "order_items_${0..3}",
        "key": "order_id",
        "rule": {"mod": SLOTS},
    },
    {
        "logical": "accounts",
        "nodes": _EACH_TABLE + "accounts",
        "key": "account_id",
        "rule": {"mod": SHARDS},
    },
    {"logical": "country", "broadcast": True, "nodes": _EACH_TABLE + "country"},
)
"""The section ``tables`` of the fleet file."""

_COUNTRIES = (("DE", "Deutschland"), ("GR", "Ελλάδα"), ("JP", "日本"), ("US", "United States"))
_CUSTOMERS = ("Ana", "O'Brien", 'Zoë "Z"', "山田太郎", "Μαρία", "back\\slash", "🦊 Fox", "李小龍")
_STATUSES = ("new", "paid", "shipped", "returned")

_ORDERS = """CREATE TABLE orders_{i} (
  order_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  account_id BIGINT UNSIGNED NOT NULL,
  country CHAR(2) CHARACTER SET ascii NOT NULL,
  customer VARCHAR(120) NOT NULL,
  status ENUM('new', 'paid', 'shipped', 'returned') NOT NULL DEFAULT 'new',
  amount DECIMAL(12,2) NOT NULL,
  amount_with_tax DECIMAL(14,2) GENERATED ALWAYS AS (ROUND(amount * 1.2, 2)) STORED,
  placed_at DATETIME(6) NOT NULL,
  details JSON,
  note TEXT,
  KEY by_account (account_id, placed_at),
  KEY by_status (status)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"""

_ORDER_ITEMS = """CREATE TABLE order_items_{i} (
  order_id BIGINT UNSIGNED NOT NULL,
  line_no SMALLINT UNSIGNED NOT NULL,
  article VARCHAR(80) NOT NULL,
  quantity INT NOT NULL,
  price DECIMAL(10,2) NOT NULL,
  PRIMARY KEY (order_id, line_no),
  KEY by_article (article),
  CONSTRAINT items_of_order_{i} FOREIGN KEY (order_id) REFERENCES orders_{i} (order_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"""

_OTHER_TABLES = (
    """CREATE TABLE accounts (
  account_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  owner VARCHAR(120) NOT NULL,
  balance DECIMAL(14,2) NOT NULL,
  changed_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4""",
    """CREATE TABLE account_audit (
  audit_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  account_id BIGINT UNSIGNED NOT NULL,
  old_balance DECIMAL(14,2) NOT NULL,
  new_balance DECIMAL(14,2) NOT NULL,
  KEY by_account (account_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4""",
    """CREATE TABLE country (
  code CHAR(2) CHARACTER SET ascii NOT NULL PRIMARY KEY,
  name VARCHAR(80) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4""",
)

_CODE = (
    "CREATE VIEW status_totals AS SELECT status, COUNT(*) AS orders, SUM(amount) AS amount FROM ("
    + " UNION ALL ".join(f"SELECT status, amount FROM orders_{i}" for i in range(TABLES_PER_SHARD))
    + ") AS every_order GROUP BY status",
    "CREATE VIEW open_totals AS SELECT * FROM status_totals WHERE status IN ('new', 'paid')",
    """CREATE TRIGGER audit_balance AFTER UPDATE ON accounts FOR EACH ROW
BEGIN
  IF NEW.balance <> OLD.balance THEN
    INSERT INTO account_audit (account_id, old_balance, new_balance)
    VALUES (NEW.account_id, OLD.balance, NEW.balance);
  END IF;
END""",
    """CREATE TRIGGER stamp_account BEFORE UPDATE ON accounts FOR EACH ROW
SET NEW.changed_at = CURRENT_TIMESTAMP(6)""",
    """CREATE FUNCTION with_tax(amount DECIMAL(12,2)) RETURNS DECIMAL(14,2)
DETERMINISTIC NO SQL RETURN ROUND(amount * 1.2, 2)""",
    """CREATE PROCEDURE deposit(IN account BIGINT UNSIGNED, IN amount DECIMAL(14,2))
BEGIN
  UPDATE accounts SET balance = balance + amount WHERE account_id = account;
END""",
    """CREATE EVENT forget_audit ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 03:00:00'
DO DELETE FROM account_audit LIMIT 1000""",
)

_ACCOUNTS = (
    f"CREATE USER app@'%' IDENTIFIED BY '{APP_PASSWORD}'",
    "GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON shop.* TO app@'%'",
    f"CREATE USER analyst@'10.0.0.%' IDENTIFIED BY '{APP_PASSWORD}'",
    "CREATE ROLE report",
    "GRANT SELECT ON shop.* TO report",
    "GRANT report TO analyst@'10.0.0.%'",
)


def create_shop(instances: Sequence[Instance]) -> None:
    """Create the empty shop on four instances, which must not have a schema ``shop``.

    The first instance is shard s0 and so on. Rows come with ``fill_shop``.
    """
    numbers = range(TABLES_PER_SHARD)
    statements = (
        "CREATE DATABASE shop CHARACTER SET utf8mb4",
        "USE shop",
        *(_ORDERS.format(i=i) for i in numbers),
        *(_ORDER_ITEMS.format(i=i) for i in numbers),
        *_OTHER_TABLES,
        *_CODE,
        *_ACCOUNTS,
    )
    in_parallel(lambda instance: _run_all(instance, statements), instances)


def fill_shop(instances: Sequence[Instance], *, rows: int, seed: int = 1) -> None:
    """Fill an empty shop; the same arguments give the same rows on any flavour.

    Only ``accounts.changed_at`` is the time of the filling.

    Args:
        rows: orders over all shards; each has one to three items [rows].
    """
    if len(instances) != SHARDS:
        raise ValueError(f"the shop has {SHARDS} shards, not {len(instances)}")
    numbers = {instance.socket: number for number, instance in enumerate(instances)}
    in_parallel(lambda i: _fill_shard(i, numbers[i.socket], rows, seed), instances)


def _run_all(instance: Instance, statements: Sequence[str]) -> None:
    with instance.connect() as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _fill_shard(instance: Instance, shard: int, rows: int, seed: int) -> None:
    with instance.connect(database="shop", autocommit=False) as connection:
        cursor = connection.cursor()
        cursor.executemany("INSERT INTO country (code, name) VALUES (%s, %s)", _COUNTRIES)
        accounts = max(1, rows // ORDERS_PER_ACCOUNT)
        _insert(
            cursor, "accounts (account_id, owner, balance)", _account_rows(shard, accounts, seed)
        )
        for table in range(TABLES_PER_SHARD):
            slot = shard * TABLES_PER_SHARD + table
            ids = range(slot, rows, SLOTS)
            _insert(cursor, f"orders_{table} ({_ORDER_COLUMNS})", _order_rows(ids, accounts, seed))
            _insert(cursor, f"order_items_{table}", _item_rows(ids, seed))
            connection.commit()
        cursor.execute("UPDATE accounts SET balance = balance + 1 WHERE account_id < 40")
        connection.commit()


def _insert(cursor: Any, into: str, rows: Iterator[str]) -> None:
    while batch := list(islice(rows, _ROWS_PER_INSERT)):
        cursor.execute(f"INSERT INTO {into} VALUES {','.join(batch)}")


def _account_rows(shard: int, accounts: int, seed: int) -> Iterator[str]:
    random = Random(f"accounts {seed} {shard}")
    for account_id in range(shard, accounts, SHARDS):
        yield f"({account_id},{_quote(_pick(random, _CUSTOMERS))},{_money(random)})"


_ORDER_COLUMNS = "order_id, account_id, country, customer, status, amount, placed_at, details, note"


def _order_rows(ids: range, accounts: int, seed: int) -> Iterator[str]:
    random = Random(f"orders {seed} {ids.start}")
    customers = [_quote(name) for name in _CUSTOMERS]
    for order_id in ids:
        account = int(random.random() * accounts)
        country = _pick(random, _COUNTRIES)[0]
        moment = f"2026-{order_id % 12 + 1:02d}-{order_id % 28 + 1:02d} {order_id % 24:02d}:30:00"
        details = f'\'{{"gift": {"true" if account % 2 else "false"}, "tags": ["a", "é", "🎁"]}}\''
        note = "NULL" if order_id % 3 else f"'order {order_id}\\nof {account} — 注文 📦'"
        yield (
            f"({order_id},{account},'{country}',{_pick(random, customers)},"
            f"'{_pick(random, _STATUSES)}',{_money(random)},'{moment}.{order_id % 1_000_000:06d}',"
            f"{details},{note})"
        )


def _item_rows(ids: range, seed: int) -> Iterator[str]:
    random = Random(f"items {seed} {ids.start}")
    for order_id in ids:
        for line in range(1 + order_id // SLOTS % 3):
            article = int(random.random() * 5000)
            yield f"({order_id},{line},'article {article:05d} ☕',{1 + line},{_money(random)})"


def _pick(random: Random, choices: Sequence[_T]) -> _T:
    return choices[int(random.random() * len(choices))]


def _money(random: Random) -> str:
    cents = int(random.random() * 1_000_000)
    return f"{cents // 100}.{cents % 100:02d}"


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
