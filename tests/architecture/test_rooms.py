"""Prove that folders and libraries keep to their rooms; import-linter proves the directions."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

import pytest

from tests.architecture.source import PACKAGE, Module, read_package

DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "lib", "core"}
"""Names that say nothing: whatever lies under them has a better one."""

LIBRARY_ROOMS = {
    "click": {"cli"},
    "rich": {"cli"},
    "pydantic": {"config"},
    "pydantic_core": {"config"},
    "ruamel": {"config"},
    "pymysql": {"mysql", "load"},  # a load writes raw packets and meets the driver's errors
    "cryptography": {"repository"},
    "blake3": {"repository"},
    "backports": {"repository"},
    "compression": {"repository"},
    "xxhash": {"kernel"},
    "obstore": {"storage"},
    "paramiko": {"storage"},
}
"""Rooms that may import a library; others are handed what it does."""

PURE = (
    "model/",
    "kernel/pure",
    "mysql/wire",
    "mysql/events",
    "mysql/quoting",
    "mysql/tokens",
    "mysql/charsets",
    "load/references",
    "load/renaming",
    "load/grant_renaming",
)
IO_LIBRARIES = {"socket", "ssl", "subprocess", "os", "shutil", "tempfile", "pathlib", "threading"}


def find_drawers(modules: Iterable[Module]) -> list[str]:
    """List files and folders whose name says nothing."""
    return [item.name for item in modules if DRAWERS & set(_words(item.name))]


def find_strayed_libraries(modules: Iterable[Module]) -> list[str]:
    """List imports of a library outside its rooms."""
    return [
        f"{item.name} imports {library}"
        for item in modules
        for library in _imported(item.tree)
        if item.name.split("/")[0] not in LIBRARY_ROOMS.get(library, {item.name.split("/")[0]})
    ]


def find_io(modules: Iterable[Module]) -> list[str]:
    """List imports of I/O libraries by modules that are to be pure."""
    return [
        f"{item.name} imports {library}"
        for item in modules
        if item.name.startswith(PURE)
        for library in _imported(item.tree)
        if library in IO_LIBRARIES
    ]


def test_no_file_or_folder_is_a_drawer_for_anything() -> None:
    assert find_drawers(read_package()) == []


def test_a_library_is_imported_in_its_own_room_only() -> None:
    assert find_strayed_libraries(read_package()) == []


def test_pure_modules_import_nothing_that_does_io() -> None:
    assert find_io(read_package()) == []


def test_every_room_says_what_it_is_for() -> None:
    folders = sorted(path for path in PACKAGE.iterdir() if any(path.glob("*.py")))
    silent = [path.name for path in folders if not (path / "__init__.py").read_text().strip()]
    assert silent == []


@pytest.mark.parametrize("name", ["utils.py", "mysql/helpers/names.py", "load/common.py"])
def test_a_drawer_is_found(name: str) -> None:
    assert find_drawers([Module(name, "")]) == [name]


def test_a_strayed_library_is_found() -> None:
    strayed = Module("dump/reader.py", "def read():\n    from rich.console import Console")
    assert find_strayed_libraries([strayed]) == ["dump/reader.py imports rich"]


def test_io_in_a_pure_module_is_found() -> None:
    assert find_io([Module("mysql/wire.py", "import socket")]) == ["mysql/wire.py imports socket"]


def _words(name: str) -> list[str]:
    return name.removesuffix(".py").split("/")


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]
