"""Quote names and values for SQL; every statement of ours goes through here."""

from __future__ import annotations


def quote_name(name: str) -> str:
    """Write an identifier with backticks; safe for every name a server accepts."""
    return "`" + name.replace("`", "``") + "`"


def quote_table(schema: str, name: str) -> str:
    """Write ``schema.name`` with backticks."""
    return f"{quote_name(schema)}.{quote_name(name)}"


def quote_text(text: str) -> str:
    """Write text as a hex literal: no byte of it can end the literal in any sql_mode."""
    return f"_utf8mb4 X'{text.encode('utf-8', 'surrogateescape').hex()}'"


def quote_literal(text: str) -> str:
    """Write text in quotes, for the few places whose grammar takes no hex literal.

    Only for sessions of ours: in utf8mb4, and without NO_BACKSLASH_ESCAPES.
    """
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0")
    return f"'{escaped}'"


def quote_bytes(data: bytes) -> str:
    """Write bytes as a hex literal without a character set."""
    return f"X'{data.hex()}'"
