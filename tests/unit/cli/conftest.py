from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest.mock import Mock, create_autospec

import pytest

from shardvault import app
from shardvault.cli.program import run_program
from tests.unit.cli import samples


@dataclass(frozen=True)
class Outcome:
    """Hold what a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Read the last line of standard output."""
        return json.loads(self.out.splitlines()[-1])


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "FORMAT", "QUIET", "VERBOSE", "COLOR", "NO_PROGRESS", "THREADS", "YES"):
        monkeypatch.delenv(f"SHARDVAULT_{name}", raising=False)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process."""

    def run_in_process(*arguments: str) -> Outcome:
        code = run_program(arguments)
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err)

    return run_in_process


@pytest.fixture
def doubles(monkeypatch: pytest.MonkeyPatch) -> dict[str, Mock]:
    """Put doubles of the same signatures in the place of all operations."""
    reports: dict[str, Any] = {
        "init": samples.init_report(),
        "check": samples.check_report(),
        "probe": samples.probe_report(),
        "backup": samples.backup_report(),
        "list_backups": samples.catalog_report(),
        "show": samples.show_report(),
        "verify": samples.verify_report(),
        "plan_restore": samples.plan_report(),
        "restore": samples.restore_report(),
    }
    made = {}
    for name, report in reports.items():
        made[name] = create_autospec(getattr(app, name), return_value=report)
        monkeypatch.setattr(app, name, made[name])
    return made
