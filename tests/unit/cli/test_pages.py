from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shardvault.cli.escape import measure
from shardvault.cli.output import render_page
from shardvault.cli.page import Page, number, text
from shardvault.cli.page_backup import describe_backup, describe_show, format_position
from shardvault.cli.page_catalog import describe_catalog
from shardvault.cli.page_findings import describe_check, describe_probe, describe_verify
from shardvault.cli.page_init import describe_init
from shardvault.cli.page_repo import describe_repo_stats
from shardvault.cli.page_restore import describe_plan, describe_plan_in_short, describe_restore
from shardvault.model.position import Family, Position
from shardvault.model.report import CatalogReport
from tests.unit.cli import samples

GOLDEN = Path(__file__).parents[2] / "golden" / "cli"
Case = tuple[Callable[[Page, Any], None], Any]

ORDINARY: dict[str, Case] = {
    "init": (describe_init, samples.init_report()),
    "check": (describe_check, samples.check_report(samples.BLOCKER, status="blocked")),
    "probe": (describe_probe, samples.probe_report()),
    "backup": (describe_backup, samples.backup_report()),
    "list": (describe_catalog, samples.catalog_report()),
    "show": (describe_show, samples.show_report()),
    "verify": (describe_verify, samples.verify_report()),
    "verify-damaged": (describe_verify, samples.verify_report(samples.FINDINGS[1])),
    "restore": (describe_restore, samples.restore_report()),
    "plan": (describe_plan, samples.plan_report(samples.BLOCKER)),
    "plan-in-short": (describe_plan_in_short, samples.plan_report()),
}
EVIL: dict[str, Case] = {
    "init": (describe_init, samples.init_report(samples.EVIL)),
    "check": (describe_check, samples.check_report(samples.evil_finding())),
    "backup": (describe_backup, samples.backup_report(samples.EVIL, samples.EVIL)),
    "list": (describe_catalog, samples.catalog_report(samples.EVIL)),
    "show": (describe_show, samples.show_report(samples.EVIL, samples.EVIL)),
    "verify": (describe_verify, samples.verify_report(samples.evil_finding())),
    "restore": (describe_restore, samples.restore_report(samples.EVIL)),
    "plan": (describe_plan, samples.plan_report(samples.evil_finding(), name=samples.EVIL)),
}


def draw(case: Case, *, has_color: bool = False) -> str:
    """Describe a report on a page of 80 columns."""
    describe, report = case
    page = Page(80, has_color=has_color)
    describe(page, report)
    return page.text()


@pytest.mark.parametrize("name", ORDINARY)
def test_a_report_looks_as_it_did(name: str) -> None:
    expected = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert draw(ORDINARY[name]) + "\n" == expected


@pytest.mark.parametrize("name", ORDINARY)
def test_a_report_fits_80_columns_but_for_what_is_to_be_copied(name: str) -> None:
    lines = draw(ORDINARY[name]).splitlines()
    assert not [line for line in lines if measure(line) > 80 and "-> GRANT" not in line]


@pytest.mark.parametrize("name", EVIL)
def test_an_evil_name_reaches_no_terminal(name: str) -> None:
    assert draw(EVIL[name]).replace("\n", "").isprintable()


@pytest.mark.parametrize("name", ["list", "show"])
def test_an_evil_name_adds_no_row_to_a_table(name: str) -> None:
    assert draw(EVIL[name]).count(samples.ID) == draw(ORDINARY[name]).count(samples.ID)
    assert draw(EVIL[name]).count("1.6 GiB") == draw(ORDINARY[name]).count("1.6 GiB")


def test_the_escapes_are_what_keeps_names_off_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shardvault.cli.page.escape", lambda text: text)
    assert not draw(EVIL["backup"]).replace("\n", "").isprintable()


def test_colors_change_nothing_but_colors() -> None:
    import click

    colored = draw(ORDINARY["check"], has_color=True)
    assert "\x1b[31mblocked" in colored
    assert click.unstyle(colored) == draw(ORDINARY["check"])


def test_a_backup_that_was_verified_is_shown_so() -> None:
    report = replace(samples.show_report(), is_verified=True)
    assert draw((describe_show, report)).startswith(f"backup {samples.ID}: verified\n")


def test_what_a_prune_may_free_later_is_told() -> None:
    report = samples.stats_report(unneeded_bytes=3 << 10)
    lines = draw((describe_repo_stats, report)).splitlines()
    assert "  unneeded      3.0 KiB; a prune frees it where more than half of a pack is" in lines


def test_a_plan_shows_the_old_and_the_new_name_of_a_table_in_full() -> None:
    plan = samples.plan_report(old_schema="a_shop_of_old")
    lines = draw((describe_plan, plan)).splitlines()
    place = next(n for n, line in enumerate(lines) if "  a_shop_of_old.orders_0  " in line)
    assert lines[place + 1].split() == ["→", "shop.orders_0"]


@pytest.mark.parametrize(
    ("describe", "report"),
    [
        (describe_restore, samples.restore_report()),
        (describe_plan, samples.plan_report()),
        (describe_plan_in_short, samples.plan_report()),
    ],
)
def test_every_page_of_a_restore_without_accounts_says_so(
    describe: Callable[[Page, Any], None], report: Any
) -> None:
    line = "  accounts      not restored: 3; --with-accounts does it"
    without = replace(report, with_accounts=False, accounts_left_out=3)
    assert line in draw((describe, without)).splitlines()
    assert "accounts" not in draw((describe, report))
    none = draw((describe, replace(report, with_accounts=False)))
    assert "  accounts      none: the backup has none of these shards" in none.splitlines()


@pytest.mark.parametrize(
    ("describe", "report"),
    [
        (describe_restore, samples.restore_report()),
        (describe_plan, samples.plan_report()),
        (describe_plan_in_short, samples.plan_report()),
    ],
)
def test_every_page_of_a_restore_of_a_partial_backup_says_so(
    describe: Callable[[Page, Any], None], report: Any
) -> None:
    partial = replace(report, scope=("--shards s0", "--tables shop.orders_1"))
    line = "  backup        partial: --shards s0 --tables shop.orders_1"
    assert line in draw((describe, partial)).splitlines()
    assert "partial" not in draw((describe, report))


def test_an_id_is_never_shortened() -> None:
    long = replace(samples.summary(), scope=("--tables x",), tags=("t" * 40,))
    lines = draw((describe_catalog, CatalogReport((long,)))).splitlines()
    assert lines[1].startswith(samples.ID)
    assert f"{samples.ID}: partial, --tables x" in lines


def test_a_table_shortens_names_and_never_figures() -> None:
    page = Page(40)
    page.table(
        (text("name"), text("other"), number("rows")),
        [("n" * 60, "o" * 50, "123,456,789,012"), ("short", "b", "7")],
    )
    lines = page.text().splitlines()
    assert {measure(line) for line in lines} == {40}
    assert lines[1].endswith("123,456,789,012")
    assert "…" in lines[1]


def test_a_table_that_cannot_fit_keeps_names_readable() -> None:
    page = Page(20)
    page.table((text("name"), number("rows")), [("n" * 60, "123,456,789,012")])
    assert page.text().splitlines()[1] == "nnnn…nnn  123,456,789,012"


def test_a_table_without_rows_has_its_titles() -> None:
    page = Page(80)
    page.table((text("name"), number("rows")), [])
    assert page.text() == "name  rows"


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        (Position(Family.MARIADB, "0-1-5", "b.01", 7), "0-1-5  b.01:7"),
        (Position(Family.MYSQL, "", "b.01", 7), "b.01:7"),
        (Position(Family.MARIADB, "", "", 0), "none, the binlog is off"),
    ],
)
def test_a_position_is_written_with_what_it_has(position: Position, expected: str) -> None:
    assert format_position(position) == expected


def test_without_a_terminal_no_name_is_shortened() -> None:
    page = Page(20, is_shortened=False)
    page.table([text("table"), number("rows")], [("n" * 90, "1")])
    assert page.text().splitlines()[1] == "n" * 90 + "     1"


def test_a_report_for_a_file_has_whole_names(capsys: pytest.CaptureFixture[str]) -> None:
    def describe(page: Page, name: str) -> None:
        page.table([text("table")], [(name,)])

    assert "n" * 200 in render_page("n" * 200, describe, has_color=False)
