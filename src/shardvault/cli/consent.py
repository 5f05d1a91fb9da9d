"""Ask before a restore destroys anything."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import click

from shardvault.cli.asking import is_terminal
from shardvault.cli.escape import escape
from shardvault.cli.output import render_page, use_color
from shardvault.cli.page_restore import describe_plan_in_short
from shardvault.cli.render import open_sink
from shardvault.cli.settings import Settings
from shardvault.errors import RefusedError, TargetRefused, UsageError
from shardvault.events import PhaseStarted
from shardvault.interfaces import EventSink
from shardvault.model.report import Finding, RestorePlanReport, RestoreReport, Severity
from shardvault.model.target import Scope

_OWN_PLACE = {"backup_id", "download_bytes_s"}


@dataclass(frozen=True)
class Request:
    """Hold what the user asked of a restore; see ``app.restore`` for the fields."""

    backup_id: str
    target: str | None
    mapping: Mapping[str, str]
    rename: Mapping[str, str]
    scope: Scope
    replace: bool
    confirm_source: str | None
    with_accounts: bool
    events_on: bool
    definers: tuple[str, ...] = ()
    skip_damaged: bool = False
    schema_only: bool = False
    download_bytes_s: int | None = None
    repository: str | None = None

    def plan(self, settings: Settings) -> RestorePlanReport:
        """Say what the restore would do."""
        from shardvault import app

        return app.plan_restore(self.backup_id, settings.config, **self._details())

    def run(self, settings: Settings, sink: EventSink) -> RestoreReport:
        """Restore."""
        from shardvault import app

        return app.restore(
            self.backup_id,
            settings.config,
            threads=settings.threads,
            download_bytes_s=self.download_bytes_s,
            sink=sink,
            **self._details(),
        )

    def _details(self) -> dict[str, Any]:
        """Return what a plan takes too, by name."""
        return {key: value for key, value in vars(self).items() if key not in _OWN_PLACE}


def obtain_consent(request: Request, settings: Settings) -> Request:
    """Have the user agree to what cannot be undone; the request comes back with the answer.

    Asks nothing if nothing can be lost: without ``--replace`` a target must be empty.

    Raises:
        UsageError: there is nobody to ask.
        RefusedError: the user did not agree, or the plan is blocked anyway.
    """
    needs_yes = request.replace and not settings.yes
    if not is_terminal():
        if needs_yes:
            raise UsageError("--replace drops data and nobody is there to ask", hint="add --yes")
        return request
    may_hit_source = request.confirm_source is None and (request.replace or not request.target)
    return _ask(request, settings, needs_yes) if needs_yes or may_hit_source else request


def _ask(request: Request, settings: Settings, needs_yes: bool) -> Request:
    plan = _show_plan(request, settings)
    request = replace(request, backup_id=plan.id)  # `latest` can be another one by then
    blockers = [finding for finding in plan.findings if finding.severity is Severity.BLOCKER]
    is_source = any(map(_names_source, blockers))
    if not all(map(_names_source, blockers)):
        raise TargetRefused("the plan is blocked; nothing was changed", hint="see above")
    if is_source:
        return replace(request, confirm_source=_ask_name(plan.fleet))
    if needs_yes and not click.confirm("replace this?", err=True):
        raise RefusedError("not confirmed; nothing was changed")
    return request


def _show_plan(request: Request, settings: Settings) -> RestorePlanReport:
    with open_sink(settings) as sink:
        sink.emit(PhaseStarted("restore", "plan"))
        plan = request.plan(settings)
    has_color = use_color(settings, sys.stderr)
    click.echo(render_page(plan, describe_plan_in_short, has_color=has_color), err=True, color=True)
    return plan


def _names_source(finding: Finding) -> bool:
    """Tell the one blocker that a typed name takes away: the target is the source itself."""
    return finding.what == "identity"


def _ask_name(fleet: str) -> str:
    question = f"this restores onto the source itself; type the fleet's name, {escape(fleet)}"
    if click.prompt(question, err=True) != fleet:
        raise RefusedError("that is not the fleet's name; nothing was changed")
    return fleet
