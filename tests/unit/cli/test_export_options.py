"""`restore --sql` and `--csv` restore into no server: what only a restore has is refused."""

from __future__ import annotations

from unittest.mock import Mock, create_autospec

import pytest

from shardvault import app
from tests.unit.cli import samples
from tests.unit.cli.conftest import Run


@pytest.fixture(autouse=True)
def export(monkeypatch: pytest.MonkeyPatch, doubles: dict[str, Mock]) -> Mock:
    found: Mock = create_autospec(app.export, return_value=samples.export_report())
    monkeypatch.setattr(app, "export", found)
    return found


@pytest.mark.parametrize("form", ["--sql", "--csv"])
@pytest.mark.parametrize(
    "words",
    [
        ("--target", "t.yaml"),
        ("--map", "s0=t0"),
        ("--rename", "a=b"),
        ("--dry-run",),
        ("--replace",),
        ("--source-fleet", "shop"),
        ("--with-accounts",),
        ("--events", "off"),
        ("--definer", "keep"),
        ("--skip-damaged",),
        ("--schema-only",),
    ],
    ids=lambda words: words[0],
)
def test_an_option_that_an_export_would_ignore_is_refused(
    run: Run, export: Mock, form: str, words: tuple[str, ...]
) -> None:
    done = run("restore", "latest", form, "out", *words)
    assert done.code == 2
    assert f"{form} and {words[0]} exclude each other" in done.err
    export.assert_not_called()


@pytest.mark.parametrize("form", ["--sql", "--csv"])
def test_an_empty_file_name_starts_no_restore(
    run: Run, doubles: dict[str, Mock], form: str
) -> None:
    done = run("restore", "latest", form, "", "--yes")
    assert done.code == 2
    assert f"{form} needs the name of a file" in done.err
    doubles["restore"].assert_not_called()


def test_both_forms_at_once_are_refused(run: Run) -> None:
    done = run("restore", "latest", "--sql", "a", "--csv", "b")
    assert (done.code, "exclude each other" in done.err) == (2, True)


def test_a_scope_and_a_limit_go_with_an_export(run: Run, export: Mock) -> None:
    words = ("--tables", "shop.orders", "--limit-download", "1MiB")
    assert run("restore", "latest", "--sql", "out", *words).code == 0
    assert export.call_args.kwargs["download_bytes_s"] == 1024 * 1024


def test_what_the_backup_lacks_is_shown(run: Run) -> None:
    assert "shop.log: no rows" in run("restore", "latest", "--sql", "out").out
