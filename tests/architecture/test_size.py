"""Keep files and functions small enough to be read at one sitting."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from tests.architecture.source import Function, Module, functions, read_code, read_package

FILE_LINES = 600
FUNCTION_LINES = 40
"""Behind the docstring; most functions need under 15."""


def find_long_files(modules: Iterable[Module]) -> list[str]:
    """List files with more lines than allowed."""
    sizes = ((item.name, len(item.text.splitlines())) for item in modules)
    return [f"{name} has {lines} lines" for name, lines in sizes if lines > FILE_LINES]


def find_long_functions(modules: Iterable[Module]) -> list[str]:
    """List functions with more lines than allowed."""
    return [
        f"{item.name}: {function.name} has {count_lines(function)} lines"
        for item in modules
        for function in functions(item.tree)
        if count_lines(function) > FUNCTION_LINES
    ]


def count_lines(function: Function) -> int:
    """Count the lines of a function behind its docstring."""
    statements = function.body
    if ast.get_docstring(function) is not None:
        statements = statements[1:]
    if not statements:
        return 0
    return (statements[-1].end_lineno or 0) - statements[0].lineno + 1


def test_no_file_is_too_long() -> None:
    assert find_long_files(read_code()) == []


def test_no_function_of_the_package_is_too_long() -> None:
    assert find_long_functions(read_package()) == []


def test_a_long_file_is_found() -> None:
    assert find_long_files([Module("x.py", "pass\n" * (FILE_LINES + 1))])
    assert not find_long_files([Module("x.py", "pass\n" * FILE_LINES)])


def test_a_long_function_is_found_and_its_docstring_is_not_counted() -> None:
    docstring = '    """Do.\n\n' + "    more\n" * FUNCTION_LINES + '    """\n'
    body = "    pass\n" * FUNCTION_LINES
    assert not find_long_functions([Module("x.py", "def run():\n" + docstring + body)])
    assert find_long_functions([Module("x.py", "def run():\n" + docstring + body + "    pass\n")])
