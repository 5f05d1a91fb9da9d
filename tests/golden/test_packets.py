"""Results as real servers sent them; the files and the hash are never edited.

The hash is what backups carry: if this test fails, old backups cannot be verified.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from shardvault.mysql import wire
from tests.contract.kernels import over_both_kernels
from tests.support.packets import Row, chunk_of, decode_bulk, decode_text

FOLDER = Path(__file__).parent / "packets-v1"
SERVERS = ["mariadb1011", "mariadb118", "mysql97"]
COLUMNS = 6
CONTENT_HASH = 0x20BA8D7C505A8E446648F346A28F837C
ROWS: list[Row] = [
    [b"-4", "é😀".encode(), b"12345678.90", b"", b"3.4028234663852886e38", b"2"],
    [b"1", b"", b"0.00", bytes(range(256)), b"0.10000000149011612", b"1"],
    [b"2", None, None, None, None, None],
    [b"3", b"x" * 300, b"-1.50", b"\xfb", b"16777216", b"2"],
]


def skip_header(stream: bytearray) -> int:
    """Return where the rows begin: behind the count, the definitions and their EOF."""
    position = 0
    for _ in range(1 + COLUMNS + 1):
        behind = wire.packet_end(stream, position, len(stream))
        assert behind is not None
        is_last, position = wire.is_eof(stream, position), behind
    assert is_last
    return position


@over_both_kernels
@pytest.mark.parametrize("server", SERVERS)
def test_the_rows_of_every_server_give_the_same_bytes_and_hash(
    kernel: ModuleType, server: str
) -> None:
    stream = bytearray((FOLDER / f"{server}.bin").read_bytes())
    begin = skip_header(stream)
    scanner = kernel.RowScanner(1 << 20, 4 << 20)
    end = scanner.scan(stream, begin, len(stream), begin)
    assert scanner.status == kernel.END
    assert (scanner.rows, scanner.content_hash) == (len(ROWS), CONTENT_HASH)
    chunk = bytes(stream[begin:end])
    assert chunk == chunk_of(ROWS)
    assert kernel.hash_rows(chunk) == (len(ROWS), CONTENT_HASH)


@over_both_kernels
@pytest.mark.parametrize(("name", "decode"), [("bulk", decode_bulk), ("text", decode_text)])
def test_the_rows_of_a_server_are_reframed(kernel: ModuleType, name: str, decode: object) -> None:
    chunk = chunk_of(ROWS)
    out = bytearray(4096)
    _, end, rows, _ = getattr(kernel, f"encode_{name}")(chunk, 0, COLUMNS, out, 0)
    assert rows == len(ROWS)
    assert callable(decode)
    assert decode(bytes(out[:end]), COLUMNS) == ROWS
