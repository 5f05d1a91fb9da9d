"""Choose the kernel: native where it was compiled, else pure."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING or os.environ.get("SHARDVAULT_KERNEL") == "pure":
    from shardvault.kernel.pure import RowScanner, encode_bulk, encode_text, hash_rows

    KERNEL = "pure"
else:
    try:
        from shardvault.kernel._native import RowScanner, encode_bulk, encode_text, hash_rows

        KERNEL = "native"
    except ImportError:
        from shardvault.kernel.pure import RowScanner, encode_bulk, encode_text, hash_rows

        KERNEL = "pure"

__all__ = ["KERNEL", "RowScanner", "encode_bulk", "encode_text", "hash_rows"]
