"""Prove that what is public says what it does, in one line that can be read alone."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

import pytest

from tests.architecture.source import Function, Module, read_package

Documented = ast.Module | ast.ClassDef | Function


def find_bad_docstrings(modules: Iterable[Module]) -> list[str]:
    """List what is public and has no docstring whose first line is one whole sentence."""
    return [
        f"{item.name}: {name}"
        for item in modules
        for name, node in _public(item.tree, "")
        if not _is_good(ast.get_docstring(node))
    ]


def _public(node: Documented, name: str) -> Iterator[tuple[str, Documented]]:
    yield name or "the module", node
    for child in node.body:
        if isinstance(child, ast.ClassDef | Function) and not child.name.startswith("_"):
            if isinstance(node, Function):
                continue  # a function inside a function is nobody else's
            yield from _public(child, f"{name}.{child.name}".lstrip("."))


def _is_good(docstring: str | None) -> bool:
    first, *rest = (docstring or "").split("\n")
    return first.endswith(".") and (not rest or rest[0] == "")


def test_everything_public_says_what_it_does_in_its_first_line() -> None:
    assert find_bad_docstrings(read_package()) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        '"""No full stop"""',
        '"""A sentence that does not fit\ninto one line."""',
        '"""Good."""\ndef run() -> None: ...',
        '"""Good."""\nclass Runner:\n    """Good."""\n    def run(self) -> None: ...',
    ],
)
def test_a_missing_or_broken_first_line_is_found(text: str) -> None:
    assert len(find_bad_docstrings([Module("x.py", text)])) == 1


def test_what_is_private_need_not_say_anything() -> None:
    text = '"""Good."""\ndef _run() -> None: ...\nclass _Runner:\n    def run(self) -> None: ...'
    assert find_bad_docstrings([Module("x.py", text)]) == []
