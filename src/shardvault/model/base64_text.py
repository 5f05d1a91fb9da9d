"""Read base64 in its one canonical spelling, so that every changed character is found."""

from __future__ import annotations

import base64


def decode_base64(text: bytes) -> bytes:
    """Decode base64 that is spelled as an encoder spells it.

    A plain decoder ignores the spare bits of the last character, and some ignore characters
    outside the alphabet. A damaged text would then pass for the original.

    Raises:
        ValueError: another spelling, or no base64 at all.
    """
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data) != text:
        raise ValueError("not the canonical spelling in base64")
    return data
