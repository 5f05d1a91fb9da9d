"""Name things with distinct types, so that one id is never taken for another."""

from __future__ import annotations

from typing import NewType

ShardName = NewType("ShardName", str)
BackupId = NewType("BackupId", str)
ChunkId = NewType("ChunkId", bytes)
"""32 bytes, keyed hash of the chunk's plain contents."""

LATEST = BackupId("latest")
"""What users write for the newest complete backup."""
