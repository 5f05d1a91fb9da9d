"""Prove that the pages lead somewhere and speak the glossary's words."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import CODE_FOLDERS, PROJECT, list_documents

_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+).+?\1", re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+(?:\([^()]*\))?)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_MENTION = re.compile(rf"`((?:{'|'.join(CODE_FOLDERS)}|docs|scripts)/[\w./-]+)`")

FORBIDDEN = {
    r"\bslaves?\b": "replica",
    r"\bmaster (?:server|instance|database|node)\b": "primary",
    r"\b(?:database|sharding) cluster\b": "fleet",
    r"\b(?:recovery point|bookmark)\b": "restore point",
    r"\bvirtual tables?\b": "logical table",
}
"""What the glossary has another word for; names in backticks are the servers' own."""


def find_dead_links(page: Path, text: str) -> Iterator[str]:
    """Give each relative link and each named file of a page that leads nowhere."""
    for target in _LINK.findall(_FENCE.sub("", text)):
        if not re.match(r"[a-z]+:", target) and not _leads_somewhere(page, target):
            yield target
    for path in _MENTION.findall(text):
        if not (PROJECT / path).exists():
            yield path


def find_forbidden_words(text: str) -> list[str]:
    """List the words of a page for which the glossary has another one."""
    prose = _CODE.sub("", _FENCE.sub("", text))
    return [
        f"{match[0]!r}: say {better}"
        for pattern, better in FORBIDDEN.items()
        for match in re.finditer(pattern, prose, re.IGNORECASE)
    ]


def _leads_somewhere(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    goal = page.parent / path if path else page
    if not anchor or goal.suffix != ".md":
        return goal.exists()
    return goal.is_file() and anchor in _list_anchors(goal.read_text("utf-8"))


def _list_anchors(text: str) -> set[str]:
    """Name headings as forges do: lower case, hyphens for blanks, other marks dropped."""
    headings = _HEADING.findall(_FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def _page_id(page: Path) -> str:
    return page.relative_to(PROJECT).as_posix()


@pytest.mark.parametrize("page", list_documents(), ids=_page_id)
def test_every_link_and_named_file_of_a_page_exists(page: Path) -> None:
    assert list(find_dead_links(page, page.read_text("utf-8"))) == []


@pytest.mark.parametrize("page", list_documents(), ids=_page_id)
def test_a_page_uses_the_words_of_the_glossary(page: Path) -> None:
    assert find_forbidden_words(page.read_text("utf-8")) == []


def test_decisions_are_numbered_without_gaps_and_say_their_price() -> None:
    pages = sorted((PROJECT / "docs/adr").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{n:04}" for n in range(1, len(pages) + 1)]
    for page in pages:
        headings = re.findall(r"^## (.+)$", page.read_text("utf-8"), re.MULTILINE)
        assert headings == ["Context", "Decision", "Price"], page.name


@pytest.mark.parametrize("script", ["scripts/setup.sh", ".ci/run", "tests/support/get_server.sh"])
def test_a_shell_script_is_executable_and_can_be_parsed(script: str) -> None:
    assert (PROJECT / script).stat().st_mode & 0o111 == 0o111
    subprocess.run(["bash", "-n", PROJECT / script], check=True)


@pytest.mark.parametrize(
    "text",
    ["[a](no-such.md)", "[a](glossary.md#no-such-heading)", "see `src/shardvault/no_such.py`"],
)
def test_a_dead_link_is_found(text: str) -> None:
    assert list(find_dead_links(PROJECT / "docs/index.md", text))


@pytest.mark.parametrize(
    "text",
    ["[a](glossary.md)", "[a](https://example.org/x)", "```\n[a](no-such.md)\n```", "`make demo`"],
)
def test_a_living_link_is_let_pass(text: str) -> None:
    assert list(find_dead_links(PROJECT / "docs/index.md", text)) == []


def test_a_forbidden_word_is_found_but_not_in_the_servers_own_names() -> None:
    assert find_forbidden_words("the Master server and its slaves") == [
        "'slaves': say replica",
        "'Master server': say primary",
    ]
    assert find_forbidden_words("the master key; `REPLICATION SLAVE`") == []
