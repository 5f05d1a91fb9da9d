from __future__ import annotations

from shardvault.errors import ServerError
from shardvault.load.attempts import try_all

NEEDS = {"c": "b", "b": "a", "x": "nothing"}


def test_what_needs_another_is_made_behind_it_whatever_the_order() -> None:
    made: list[str] = []

    def make(name: str) -> None:
        if name in NEEDS and NEEDS[name] not in made:
            raise ServerError(f"{name} needs {NEEDS[name]}")
        made.append(name)

    refused = try_all(["c", "x", "b", "a"], make)
    assert made == ["a", "b", "c"]
    assert [(name, error.message) for name, error in refused] == [("x", "x needs nothing")]


def test_nothing_is_tried_for_ever() -> None:
    tries: list[str] = []

    def refuse(name: str) -> None:
        tries.append(name)
        raise ServerError("no")

    assert [name for name, _ in try_all(["a", "b"], refuse)] == ["a", "b"]
    assert tries == ["a", "b"]
