"""Choose the kernel: native where it was compiled, else pure."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING or os.environ.get("SHARDVAULT_KERNEL") == "pure":
    from shardvault.kernel.pure import (
        RowScanner,
        columns_bound,
        encode_bulk,
        encode_text,
        hash_rows,
        join_columns,
        split_columns,
    )

    KERNEL = "pure"
else:
    try:
        from shardvault.kernel._native import (
            RowScanner,
            columns_bound,
            encode_bulk,
            encode_text,
            hash_rows,
            join_columns,
            split_columns,
        )

        KERNEL = "native"
    except ImportError:
        from shardvault.kernel.pure import (
            RowScanner,
            columns_bound,
            encode_bulk,
            encode_text,
            hash_rows,
            join_columns,
            split_columns,
        )

        KERNEL = "pure"

__all__ = [
    "KERNEL",
    "RowScanner",
    "columns_bound",
    "encode_bulk",
    "encode_text",
    "hash_rows",
    "join_columns",
    "split_columns",
]
