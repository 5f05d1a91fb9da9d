"""Describe a new repository for people."""

from __future__ import annotations

import shlex

from shardvault.cli.page import Page
from shardvault.cli.page_findings import describe_findings
from shardvault.model.report import InitReport


def describe_init(page: Page, report: InitReport) -> None:
    """Say what was made and what was there, and press for a copy of each new key."""
    page.heading("repository created" if report.is_new else "repository is there already")
    page.facts([("repository", report.url), ("id", report.repository_id)])
    if report.key_file:
        page.facts([("key file", report.key_file)])
    if report.probe:
        page.section("the store")
        describe_findings(page, report.probe)
    if report.is_new and report.key_file:
        _press_for_a_copy(page, report.key_file)
    for other in report.further:
        page.blank()
        describe_init(page, other)


def _press_for_a_copy(page: Page, key_file: str) -> None:
    page.section("keep a copy of the key somewhere else, now")
    page.prose(
        "Without the key nothing can be restored, by anyone: there is no other way into the "
        "repository. Keep the copy away from this machine and from the repository, for whoever "
        "holds both can read every backup. The key file is one line of text, so paper will do:"
    )
    key = shlex.quote(key_file)
    page.verbatim(f"cp -p {key} /media/safe/", indent=2)
    page.verbatim(f"cat {key}    # print it, or put it into a password manager", indent=2)
