"""Write the master key so that it survives on paper, and read it back from what was typed."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

from shardvault.errors import UsageError
from shardvault.repository.format import KEY_BYTES, REPOSITORY_ID_BYTES

_LINE_BYTES = 8
_LINES = (REPOSITORY_ID_BYTES + KEY_BYTES) // _LINE_BYTES
_NUMBERED = re.compile(r"\s*(\d)[.:)]?\s+([A-Za-z0-9 ]+?)\s*")
_MISREAD = str.maketrans("018", "OIB")


@dataclass(frozen=True)
class PaperKey:
    """Hold what stands on the paper."""

    repository: bytes
    master: bytes = field(repr=False)


def write_paper(key: PaperKey) -> tuple[str, ...]:
    """Return the numbered lines; each carries a checksum of its own."""
    data = key.repository + key.master
    starts = range(0, len(data), _LINE_BYTES)
    return tuple(
        _write_line(number, data[at : at + _LINE_BYTES]) for number, at in enumerate(starts, 1)
    )


def read_paper(text: str) -> PaperKey:
    """Read the numbered lines among whatever else was typed.

    Capitals and blanks do not matter; 0, 1 and 8, which never occur, count as O, I and B.

    Raises:
        UsageError: names every line that is missing or wrong.
    """
    matches = filter(None, map(_NUMBERED.fullmatch, text.splitlines()))
    typed = {int(match[1]): match[2] for match in matches}
    found = {number: _read_line(number, typed.get(number, "")) for number in range(1, _LINES + 1)}
    if wrong := [str(number) for number, data in found.items() if data is None]:
        raise UsageError(
            f"wrong or missing on the paper: line {', '.join(wrong)}",
            hint="compare those lines with the paper, letter by letter",
        )
    data = b"".join(filter(None, found.values()))
    return PaperKey(data[:REPOSITORY_ID_BYTES], data[REPOSITORY_ID_BYTES:])


def _write_line(number: int, data: bytes) -> str:
    text = base64.b32encode(data + _checksum(number, data)).decode()
    return f"{number}  {' '.join(text[at : at + 4] for at in range(0, len(text), 4))}"


def _read_line(number: int, typed: str) -> bytes | None:
    """Return the bytes of a line, None if it is wrong."""
    try:
        line = base64.b32decode(typed.upper().translate(_MISREAD).replace(" ", ""))
    except binascii.Error:
        return None
    data, checksum = line[:_LINE_BYTES], line[_LINE_BYTES:]
    return data if len(data) == _LINE_BYTES and checksum == _checksum(number, data) else None


def _checksum(number: int, data: bytes) -> bytes:
    """A CRC finds every wrong letter and every two exchanged neighbours; a hash would miss some."""
    return binascii.crc_hqx(data, number).to_bytes(2, "big")
