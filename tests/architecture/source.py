"""Give the architecture tests the project's files, parsed once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = PROJECT / "src/shardvault"
CODE_FOLDERS = ("src", "tests", "benchmarks", "demo")
_NOT_OURS = {"vendor", "__pycache__"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """Hold one file of Python code.

    Attributes:
        name: path for people, from the package's folder or the project's.
    """

    name: str
    text: str

    @property
    def tree(self) -> ast.Module:
        """Return the syntax tree."""
        return _parse(self.text)


@cache
def read_package() -> tuple[Module, ...]:
    """Return every module of the package, sorted by path."""
    return tuple(_read(path, PACKAGE) for path in _list_code(PACKAGE, "*.py"))


@cache
def read_code() -> tuple[Module, ...]:
    """Return every file of Python or Cython that is ours, tests included."""
    folders = [PROJECT / name for name in CODE_FOLDERS]
    paths = [path for folder in folders for path in _list_code(folder, "*.py*")]
    return tuple(_read(path, PROJECT) for path in paths if path.suffix in {".py", ".pyx", ".pxi"})


@cache
def list_documents() -> tuple[Path, ...]:
    """Return every Markdown page of the project."""
    return (*sorted(PROJECT.glob("*.md")), *sorted((PROJECT / "docs").rglob("*.md")))


def functions(tree: ast.Module) -> Iterator[Function]:
    """Give every function and method."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Give every call with the dotted name that is called, as ``time.time``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def _list_code(folder: Path, pattern: str) -> list[Path]:
    found = folder.rglob(pattern)
    return sorted(path for path in found if not _NOT_OURS & set(path.parts))


def _read(path: Path, root: Path) -> Module:
    return Module(path.relative_to(root).as_posix(), path.read_text("utf-8"))


@cache
def _parse(text: str) -> ast.Module:
    return ast.parse(text)
