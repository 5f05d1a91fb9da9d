"""The documented way to read a chunk of rows, run as the document prints it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from shardvault.kernel.select import columns_bound, split_columns

DOCUMENT = Path(__file__).parents[2] / "docs" / "repository-format.md"
LONG = bytes(range(256)) * 300


def _documented_rows(chunk: bytes) -> Any:
    (code,) = re.findall(r"```python\n(def rows.*?)```", DOCUMENT.read_text(), re.DOTALL)
    scope: dict[str, Any] = {}
    exec(code, scope)
    return scope["rows"](chunk)


def _row(*values: bytes | None) -> bytes:
    payload = b""
    for value in values:
        if value is None:
            payload += b"\xfb"
        elif len(value) < 251:
            payload += bytes((len(value),)) + value
        else:
            payload += b"\xfd" + len(value).to_bytes(3, "little") + value
    return len(payload).to_bytes(3, "little") + b"\0" + payload


def test_the_documented_lines_read_what_the_kernel_wrote() -> None:
    rows = [(b"1", None, b""), (b"22", LONG, b"\xfb"), (None, b"x", LONG)]
    packets = b"".join(_row(*row) for row in rows)
    out = bytearray(columns_bound(len(packets), 3))
    chunk = bytes(out[: split_columns(packets, 3, out)])
    assert _documented_rows(chunk) == rows
