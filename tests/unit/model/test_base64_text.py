from __future__ import annotations

import base64
import string

import pytest

from shardvault.model.base64_text import decode_base64

ALPHABET = (string.ascii_letters + string.digits + "+/=").encode()


@pytest.mark.parametrize("size", range(7))
def test_what_an_encoder_writes_is_read(size: int) -> None:
    data = bytes(range(250 - size, 250))
    assert decode_base64(base64.b64encode(data)) == data


@pytest.mark.parametrize("size", [1, 2, 3, 32])
def test_no_other_spelling_gives_the_same_bytes(size: int) -> None:
    data = bytes(range(size))
    text = base64.b64encode(data)
    for at in range(len(text)):
        for letter in set(ALPHABET) - {text[at]}:
            changed = text[:at] + bytes([letter]) + text[at + 1 :]
            try:
                assert decode_base64(changed) != data
            except ValueError:
                continue


@pytest.mark.parametrize(
    "text", [b"AB==", b"AAB=", b"A A=", b"AA", b"AA==\n", b"A-A=", b"AA==AA==", b"\xff\xff=="]
)
def test_what_no_encoder_writes_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"base64|padding|[Dd]ata"):
        decode_base64(text)


def test_a_plain_decoder_reads_other_spellings_as_the_same_bytes() -> None:
    """Negative control: without the canonical check a damaged character is not found."""
    assert base64.b64decode(b"AB==", validate=True) == base64.b64decode(b"AA==", validate=True)
