from __future__ import annotations

import os

import pytest

from shardvault.errors import RefusedError
from shardvault.interfaces import ChunkKind
from shardvault.repository.format import ObjectType
from shardvault.repository.keys import make_key_ring
from shardvault.repository.objects import open_object, seal_object

REPOSITORY = bytes(range(16))
MASTER = bytes(range(32))


def test_keys_are_not_printed() -> None:
    text = repr(make_key_ring(REPOSITORY, MASTER))
    assert MASTER.hex() not in text
    assert repr(MASTER) not in text
    assert "master" not in text
    assert "signing" not in text


def test_derived_values_never_change() -> None:
    """Vectors: a change here makes every existing repository unreadable."""
    ring = make_key_ring(REPOSITORY, MASTER)
    assert ring.chunk_id(ChunkKind.ROWS, b"data").hex() == ROWS_VECTOR
    assert ring.chunk_id(ChunkKind.META, b"data").hex() == META_VECTOR
    assert ring.hidden_name("20261122T113000Z-full") == NAME_VECTOR
    assert ring.signing.public_key().public_bytes_raw().hex() == SIGNING_VECTOR


ROWS_VECTOR = "fb3d78ef6187318ee8878bf89bfac9745f4661b220222eb5ebabab303d50d335"
META_VECTOR = "4e7b45fda7fcba262584c441c0272ff4e2f855864b40200c80ead946e131c293"
NAME_VECTOR = "c37f50e58e0d9556befcc0d905db9421"
SIGNING_VECTOR = "72306b1e5c9ffe6530c6c4c966b82ba2d5c755ff5c86e418d92af17e4a9a3bc4"


def test_version_1_is_read_with_the_master_key_and_never_written() -> None:
    ring = make_key_ring(REPOSITORY, MASTER, version=1)
    assert ring.epoch(bytes(32)).secret == MASTER
    with pytest.raises(RefusedError, match="version 1"):
        seal_object(ring, ObjectType.INDEX, "index/1", b"", os.urandom)


def test_an_object_of_one_version_is_none_of_another() -> None:
    ring = make_key_ring(REPOSITORY, MASTER)
    stored = seal_object(ring, ObjectType.INDEX, "index/1", b"plain", os.urandom)
    assert open_object(ring, ObjectType.INDEX, "index/1", stored) == b"plain"
    assert ring.bind(ObjectType.INDEX, b"") != make_key_ring(REPOSITORY, MASTER, version=1).bind(
        ObjectType.INDEX, b""
    )
