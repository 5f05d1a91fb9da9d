"""Define the bank's tables, and how every part of the workload connects."""

from __future__ import annotations

from collections.abc import Sequence

import pymysql

from shardvault.model.target import Endpoint

SCHEMA = "bank"
ACCOUNTS_PER_SHARD = 50
OPENING_BALANCE = 1_000_000
STATEMENT_LIMIT_S = 60
_ACCOUNT_STRIDE = 1000  # account ids are unique over the fleet: shard number × stride + n

_STATEMENTS = (
    f"CREATE DATABASE {SCHEMA}",
    f"CREATE TABLE {SCHEMA}.tickets (n BIGINT NOT NULL PRIMARY KEY) ENGINE=InnoDB",
    f"""CREATE TABLE {SCHEMA}.accounts (
  account INT NOT NULL PRIMARY KEY,
  balance BIGINT NOT NULL
) ENGINE=InnoDB""",
    f"""CREATE TABLE {SCHEMA}.journal (
  transfer BIGINT NOT NULL,
  side ENUM('debit', 'credit') NOT NULL,
  from_account INT NOT NULL,
  to_account INT NOT NULL,
  amount INT NOT NULL,
  PRIMARY KEY (transfer, side)
) ENGINE=InnoDB""",
    f"""CREATE TABLE {SCHEMA}.counters (
  client INT NOT NULL,
  k BIGINT NOT NULL,
  PRIMARY KEY (client, k)
) ENGINE=InnoDB""",
)


def parse_endpoint(text: str) -> Endpoint:
    """Read ``/path/of/socket`` or ``host:port``; raises ValueError."""
    if text.startswith("/"):
        return Endpoint(socket=text)
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal():
        raise ValueError(f"neither a socket path nor host:port: {text!r}")
    return Endpoint(host=host, port=int(port))


def connect(endpoint: Endpoint, user: str, password: str) -> pymysql.Connection:
    """Connect to an instance; every statement has a limit and commits by itself."""
    return pymysql.connect(
        host=endpoint.host,
        port=endpoint.port,
        unix_socket=endpoint.socket,
        user=user,
        password=password,
        autocommit=True,
        connect_timeout=10,
        read_timeout=STATEMENT_LIMIT_S,
        write_timeout=STATEMENT_LIMIT_S,
    )


def create_bank(connections: Sequence[pymysql.Connection]) -> None:
    """Create the tables and accounts on every shard; the schema must not exist.

    Args:
        connections: one per shard, in the order in which ``run`` is given the instances.
    """
    for shard, connection in enumerate(connections):
        accounts = ",".join(f"({account},{OPENING_BALANCE})" for account in accounts_of(shard))
        with connection.cursor() as cursor:
            for statement in _STATEMENTS:
                cursor.execute(statement)
            cursor.execute(f"INSERT INTO {SCHEMA}.accounts VALUES {accounts}")


def accounts_of(shard: int) -> range:
    """Return the account ids of a shard, given its number."""
    first = shard * _ACCOUNT_STRIDE
    return range(first, first + ACCOUNTS_PER_SHARD)
