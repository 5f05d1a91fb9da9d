"""Build the benchmark's shard: ``lineitem`` and ``sbtest``, the same bytes every time."""

from __future__ import annotations

from shardvault.mysql.session import Session

LINEITEM_ROWS = 1_500_000
SBTEST_ROWS = 800_000
_BATCH = 100_000

_LINEITEM = """CREATE TABLE bench.lineitem (
  l_orderkey INT NOT NULL, l_partkey INT NOT NULL, l_suppkey INT NOT NULL,
  l_linenumber INT NOT NULL, l_quantity DECIMAL(15,2) NOT NULL,
  l_extendedprice DECIMAL(15,2) NOT NULL, l_discount DECIMAL(15,2) NOT NULL,
  l_tax DECIMAL(15,2) NOT NULL, l_returnflag CHAR(1) NOT NULL, l_linestatus CHAR(1) NOT NULL,
  l_shipdate DATE NOT NULL, l_commitdate DATE NOT NULL, l_receiptdate DATE NOT NULL,
  l_shipinstruct CHAR(25) NOT NULL, l_shipmode CHAR(10) NOT NULL, l_comment VARCHAR(44) NOT NULL,
  PRIMARY KEY (l_orderkey, l_linenumber), KEY l_part (l_partkey, l_suppkey)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"""

_SBTEST = """CREATE TABLE bench.sbtest (
  id INT NOT NULL AUTO_INCREMENT, k INT NOT NULL DEFAULT 0,
  c CHAR(120) NOT NULL DEFAULT '', pad CHAR(60) NOT NULL DEFAULT '',
  PRIMARY KEY (id), KEY k_1 (k)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"""

# Hashes of the row number stand in for randomness: the data is the same in every run.
_LINEITEM_ROWS = """INSERT INTO bench.lineitem SELECT
  1 + seq DIV 4, 1 + CRC32(CONCAT('p', seq)) % 200000, 1 + CRC32(CONCAT('s', seq)) % 10000,
  1 + seq % 4, 1 + CRC32(CONCAT('q', seq)) % 50, 900 + (CRC32(CONCAT('e', seq)) % 10000000) / 100,
  (CRC32(CONCAT('d', seq)) % 11) / 100, (CRC32(CONCAT('t', seq)) % 9) / 100,
  ELT(1 + CRC32(CONCAT('r', seq)) % 3, 'A', 'N', 'R'), ELT(1 + seq % 2, 'O', 'F'),
  '1992-01-02' + INTERVAL CRC32(CONCAT('a', seq)) % 2500 DAY,
  '1992-01-31' + INTERVAL CRC32(CONCAT('b', seq)) % 2500 DAY,
  '1992-01-03' + INTERVAL CRC32(CONCAT('c', seq)) % 2530 DAY,
  ELT(1 + CRC32(CONCAT('i', seq)) % 4, 'DELIVER IN PERSON', 'COLLECT COD', 'NONE',
      'TAKE BACK RETURN'),
  ELT(1 + CRC32(CONCAT('m', seq)) % 7, 'REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB'),
  LEFT(CONCAT_WS(' ', ELT(1 + CRC32(CONCAT('v', seq)) % 8, 'carefully', 'quickly', 'furiously',
      'slyly', 'blithely', 'ironic', 'express', 'final'),
    ELT(1 + CRC32(CONCAT('w', seq)) % 6, 'deposits', 'requests', 'accounts', 'packages', 'ideas',
      'theodolites'),
    ELT(1 + CRC32(CONCAT('x', seq)) % 5, 'sleep', 'haggle', 'nag', 'wake', 'cajole'),
    SHA1(seq)), 15 + CRC32(CONCAT('y', seq)) % 30)
  FROM bench.seq_{first}_to_{last}"""

_SBTEST_ROWS = """INSERT INTO bench.sbtest SELECT
  seq, 1 + CRC32(CONCAT('k', seq)) % 800000,
  CONCAT_WS('-', LPAD(CRC32(CONCAT(1, seq)), 10, 1), LPAD(CRC32(CONCAT(2, seq)), 10, 2),
    LPAD(CRC32(CONCAT(3, seq)), 10, 3), LPAD(CRC32(CONCAT(4, seq)), 10, 4),
    LPAD(CRC32(CONCAT(5, seq)), 10, 5), LPAD(CRC32(CONCAT(6, seq)), 10, 6),
    LPAD(CRC32(CONCAT(7, seq)), 10, 7), LPAD(CRC32(CONCAT(8, seq)), 10, 8),
    LPAD(CRC32(CONCAT(9, seq)), 10, 9), LPAD(CRC32(CONCAT('a', seq)), 10, 0)),
  CONCAT_WS('-', LPAD(CRC32(CONCAT('b', seq)), 10, 1), LPAD(CRC32(CONCAT('c', seq)), 10, 2),
    LPAD(CRC32(CONCAT('d', seq)), 10, 3), LPAD(CRC32(CONCAT('e', seq)), 10, 4),
    LPAD(CRC32(CONCAT('f', seq)), 10, 5))
  FROM bench.seq_{first}_to_{last}"""


def build_shard(session: Session, *, scale: float) -> None:
    """Fill the schema ``bench``; scale 1 is 414 MB of row packets."""
    session.execute("CREATE DATABASE bench DEFAULT CHARACTER SET utf8mb4")
    for create, insert, rows in (
        (_LINEITEM, _LINEITEM_ROWS, LINEITEM_ROWS),
        (_SBTEST, _SBTEST_ROWS, SBTEST_ROWS),
    ):
        session.execute(create)
        wanted = int(rows * scale)
        for first in range(1, wanted + 1, _BATCH):
            last = min(first + _BATCH - 1, wanted)
            session.execute(insert.format(first=first, last=last))
    session.rows("ANALYZE TABLE bench.lineitem, bench.sbtest")
