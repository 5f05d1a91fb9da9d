from __future__ import annotations

import re
from pathlib import Path

import pytest

from shardvault.cli.exactness import SEEN_WITH, render_exactness, write_page
from shardvault.model.column_types import COLUMN_TYPES
from shardvault.model.loss import LossKind
from shardvault.model.schema import ObjectKind
from tests.support.binaries import SERIES, Flavour

PAGE = Path(__file__).parents[3] / "docs" / "exactness.md"


KNOWN = PAGE.with_name("known-differences.md")
README = PAGE.parents[1] / "README.md"


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


def test_both_pages_name_the_versions_that_they_were_seen_with() -> None:
    assert f"last seen with {SEEN_WITH}" in PAGE.read_text(encoding="utf-8")
    assert f"last seen with {SEEN_WITH}" in KNOWN.read_text(encoding="utf-8")


@pytest.mark.parametrize("flavour", Flavour, ids=lambda flavour: flavour.value)
def test_every_server_under_test_is_named_with_its_patch_version(flavour: Flavour) -> None:
    series = ".".join(map(str, SERIES[flavour]))
    assert re.search(rf"\b{re.escape(series)}\.\d+", SEEN_WITH)
    assert series in README.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["MySQL 8.0 and 8.4", "Percona Server"])
def test_the_readme_names_what_is_untested(name: str) -> None:
    (line,) = [
        line for line in README.read_text(encoding="utf-8").splitlines() if "Untested" in line
    ]
    assert name in line
