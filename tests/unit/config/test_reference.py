from __future__ import annotations

from pathlib import Path

from shardvault.config.reference import render_reference

DOCUMENT = Path(__file__).parents[3] / "docs" / "reference" / "configuration.md"


def test_the_reference_in_the_docs_is_the_one_the_schema_gives() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == render_reference(), (
        "run: python -m shardvault.config.reference > docs/reference/configuration.md"
    )


def test_every_option_of_the_reference_has_a_meaning() -> None:
    rows = [line for line in render_reference().splitlines() if line.startswith("| `")]
    assert rows
    assert not [row for row in rows if row.endswith("|  |")]
