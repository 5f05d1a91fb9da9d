"""The page about a server's catalogue is made from the list that the code uses."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from shardvault.cli.catalogue import render_catalogue, write_page
from shardvault.fleet.catalogue import GROUPS, Verdict, known_tables

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "catalogue.md"


def test_the_page_in_the_docs_is_the_one_that_the_list_gives() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_catalogue(), (
        "run: python -m shardvault.cli.catalogue"
    )


def test_the_page_is_written_where_it_is_read(tmp_path: Path) -> None:
    write_page(tmp_path / "catalogue.md")
    assert (tmp_path / "catalogue.md").read_text(encoding="utf-8") == render_catalogue()


def test_no_table_is_judged_twice_and_each_group_has_a_reason() -> None:
    for names in (
        [name for group in GROUPS for name in group.information_schema],
        [name for group in GROUPS for name in group.mysql],
    ):
        assert [name for name, count in Counter(names).items() if count > 1] == []
    assert all(group.reason and group.what for group in GROUPS)
    assert {group.verdict for group in GROUPS} == set(Verdict)
    assert "servers" in known_tables("mysql")
    assert "servers" not in known_tables("information_schema")
