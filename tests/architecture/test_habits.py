"""Prove that the wall clock, the terminal and the failpoints have one place each."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

import pytest

from shardvault import failpoints
from tests.architecture.source import Module, calls, read_package

WALL_CLOCKS = {
    "time.time",
    "time.time_ns",
    "time.gmtime",
    "time.localtime",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "datetime.datetime.now",
    "date.today",
}
PRINTERS = ("cli/", "config/reference.py")  # the second writes a page of the manual
FAILPOINT_CALLS = {"failpoint", "is_off", "failpoints.failpoint", "failpoints.is_off"}


def find_wall_clocks(modules: Iterable[Module]) -> list[str]:
    """List readings of the wall clock outside of ``clock.py``."""
    return [
        f"{item.name}:{call.lineno}: {name}"
        for item in modules
        if item.name != "clock.py"
        for name, call in calls(item.tree)
        if name in WALL_CLOCKS
    ]


def find_prints(modules: Iterable[Module]) -> list[str]:
    """List what prints although only the command line talks to people."""
    return [
        f"{item.name}:{call.lineno}"
        for item in modules
        if not item.name.startswith(PRINTERS)
        for name, call in calls(item.tree)
        if name in {"print", "sys.stdout.write", "sys.stderr.write"}
    ]


def list_failpoints(modules: Iterable[Module]) -> Iterator[str]:
    """Give the name of every failpoint that the code passes or asks for."""
    for item in modules:
        for name, call in calls(item.tree):
            if name in FAILPOINT_CALLS and item.name != "failpoints.py":
                (argument,) = call.args
                yield str(ast.literal_eval(argument))


def test_only_the_clock_reads_the_wall_clock() -> None:
    assert find_wall_clocks(read_package()) == []


def test_only_the_command_line_prints() -> None:
    assert find_prints(read_package()) == []


def test_every_failpoint_in_the_code_is_named_in_the_list() -> None:
    assert set(list_failpoints(read_package())) - failpoints.NAMES == set()


def test_every_failpoint_in_the_list_is_in_the_code() -> None:
    assert failpoints.NAMES - set(list_failpoints(read_package())) == set()


@pytest.mark.parametrize("call", ["time.time()", "datetime.now(UTC)", "date.today()"])
def test_a_wall_clock_elsewhere_is_found(call: str) -> None:
    assert find_wall_clocks([Module("dump/reader.py", call)])
    assert not find_wall_clocks([Module("clock.py", call)])


def test_a_print_elsewhere_is_found() -> None:
    assert find_prints([Module("app.py", "print('x')")])
    assert not find_prints([Module("cli/main.py", "print('x')")])


def test_failpoints_are_found_in_the_code() -> None:
    code = Module("x.py", "failpoint('a')\nif failpoints.is_off('b'): self._is_off('c')")
    assert sorted(list_failpoints([code])) == ["a", "b"]


def find_connections(modules: Iterable[Module]) -> list[str]:
    """List what connects to a server past the one door that sets the state of a session."""
    return [
        f"{item.name}:{call.lineno}"
        for item in modules
        if item.name != "mysql/session.py"
        for name, call in calls(item.tree)
        if name in {"DriverConnection", "pymysql.connect", "Connection", "Session"}
        and item.name.split("/")[0] != "storage"
    ]


def test_every_session_is_opened_by_the_one_door_that_sets_its_state() -> None:
    assert find_connections(read_package()) == []


def test_a_connection_past_the_door_is_found() -> None:
    code = "import pymysql\nsession = Session(pymysql.connect())\n"
    assert len(find_connections([Module("fleet/x.py", code)])) == 2
