"""Choose the tests of one server that the user names: ``make test SERVERS=PATH``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.binaries import Flavour, find_stand_in

FIXTURES = {
    "mariadb105": Flavour.MARIADB_105,
    "mariadb": Flavour.MARIADB_1011,
    "mariadb_fleet": Flavour.MARIADB_1011,
    "mariadb118": Flavour.MARIADB_118,
    "mysql": Flavour.MYSQL_97,
}
"""The shared servers of ``tests/conftest.py``."""


def keep_server_under_test(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests that name servers, but not the one that a user wants to try."""
    stand_in = find_stand_in()
    if stand_in is None:
        return
    kept = [item for item in items if concerns(item, stand_in[0])]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def concerns(item: pytest.Item, flavour: Flavour) -> bool:
    """Say whether a test names a flavour, or none at all and so starts what it needs."""
    params = getattr(item, "callspec", None)
    values = list(params.params.values()) if params else []
    named = set(_find_flavours([*values, *getattr(item, "fixturenames", ())]))
    return not named or flavour in named


def _find_flavours(value: object) -> Iterator[Flavour]:
    if isinstance(value, Flavour):
        yield value
    elif isinstance(value, str) and value in FIXTURES:
        yield FIXTURES[value]
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _find_flavours(part)
