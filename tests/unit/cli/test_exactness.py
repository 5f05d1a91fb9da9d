from __future__ import annotations

from pathlib import Path

import pytest

from shardvault.cli.exactness import render_exactness, write_page
from shardvault.model.column_types import COLUMN_TYPES
from shardvault.model.loss import LossKind
from shardvault.model.schema import ObjectKind

PAGE = Path(__file__).parents[3] / "docs" / "exactness.md"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.replace("\\|", "").strip("| \n").split("|")]


def test_the_page_in_the_docs_is_the_one_that_the_rules_give() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_exactness(), (
        "run: python -m shardvault.cli.exactness"
    )


def test_every_type_every_loss_and_every_kind_of_object_is_on_the_page() -> None:
    rows = [_cells(line) for line in render_exactness().splitlines() if line.startswith("| ")]
    assert rows
    assert not [row for row in rows if not all(row)]
    first = " ".join(row[0] for row in rows)
    wanted = {f"`{name}`" for name in (*COLUMN_TYPES, *LossKind)}
    assert [name for name in sorted(wanted) if name not in first] == []
    assert {str(kind) for kind in ObjectKind} <= {row[0] for row in rows}


def test_the_page_is_written_where_it_is_read(tmp_path: Path) -> None:
    write_page(tmp_path / "exactness.md")
    assert (tmp_path / "exactness.md").read_text(encoding="utf-8") == render_exactness()
    with pytest.raises(FileNotFoundError):
        write_page(tmp_path / "missing" / "exactness.md")
