"""Write docs/reference/catalogue.md from the judgement of every catalogue table.

Run ``python -m shardvault.cli.catalogue``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from shardvault.fleet.catalogue import GROUPS, Group, Verdict

PAGE = Path("docs/reference/catalogue.md")

_HEAD = """# What a backup holds of a server

Every table of `information_schema` and of the schema `mysql`, on each server under test, and what
becomes of what it tells. This page is made from `fleet/catalogue.py` by
`python -m shardvault.cli.catalogue`; a test fails on a table that stands nowhere on it."""


def render_catalogue() -> str:
    """Write the page."""
    return "\n".join(_write_lines()) + "\n"


def _write_lines() -> Iterator[str]:
    yield _HEAD
    for verdict in Verdict:
        meaning = verdict.meaning[0].upper() + verdict.meaning[1:]
        yield from ("", f"## {verdict.capitalize()}", "", f"{meaning}.", "")
        yield from ("| what | why | tables |", "|---|---|---|")
        yield from (_write_row(group) for group in GROUPS if group.verdict is verdict)


def _write_row(group: Group) -> str:
    names = (*sorted(group.information_schema), *(f"mysql.{one}" for one in sorted(group.mysql)))
    tables = ", ".join(f"`{name}`" for name in names)
    return f"| {group.what} | {group.reason} | {tables} |"


def write_page(path: Path = PAGE) -> None:
    """Write the page to a file."""
    path.write_text(render_catalogue(), encoding="utf-8")


if __name__ == "__main__":
    write_page()
