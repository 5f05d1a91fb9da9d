"""Describe one trap for a backup: how it is laid, how it is read back, and what must hold."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from shardvault.model.position import Family
from tests.exactness.quirks import Quirks
from tests.support.servers import Flavour

EVERYWHERE = frozenset(Flavour)
MARIADB = frozenset(one for one in Flavour if one.family is Family.MARIADB)
MYSQL = EVERYWHERE - MARIADB

Statement = str | bytes


@dataclass(frozen=True)
class Rendering:
    """Name text of a catalogue that must differ, and all else of that object must not.

    Attributes:
        name: of the object.
        view: of information_schema.
        source: what it tells at the source; ``{S}`` is the schema.
        target: what it tells of the restored object.
    """

    name: str
    view: str
    source: bytes
    target: bytes


@dataclass(frozen=True)
class Case:
    """Describe one trap; it has a schema of its own, written ``{S}`` in every statement.

    Attributes:
        trap: number of the trap, as ``D01``.
        name: what is special, in a few words joined by ``_``.
        statements: lay the trap, in one session of the source.
        probes: SQL of the case's own, run on source and target, whose rows must be equal.
            What every case is read back by in any case lies in ``reading.py``.
        holds: probes with the rows that the source must give: columns joined by ``,``, rows
            by ``;``. They prove that the trap is really there.
        mode: sql_mode under which the trap is laid.
        on: servers of the families that know what the case needs.
        needs: abilities that a server shows when it is asked; without one the case is not
            applicable there. What a server refuses when the case is laid needs none.
        adapt: writes the case as one server takes it.
        is_local: what it lays depends on the server, so that it goes to no other one.
        also: further schemas that the statements create.
        accounts: users and roles that the statements create.
        refused: words with which a backup refuses the case before any lock; empty = exact.
        refused_without: ability of a server that takes the case exactly all the same.
        reported: objects that the restore must name as not created, or not equal.
        findings: words of the other findings that a restore must give.
        renderings: what the catalogue writes in other words, and is the same; probes prove that.
    """

    trap: str
    name: str
    statements: tuple[Statement, ...]
    probes: tuple[Statement, ...] = ()
    holds: tuple[tuple[Statement, str], ...] = ()
    mode: str = ""
    on: frozenset[Flavour] = EVERYWHERE
    needs: tuple[str, ...] = ()
    adapt: Callable[[Quirks], Case] | None = None
    is_local: bool = False
    also: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    refused: str = ""
    refused_without: str = ""
    reported: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    renderings: tuple[Rendering, ...] = ()

    @cached_property
    def id(self) -> str:
        """Name the case; its schema is named so too."""
        return f"{self.trap}_{self.name}".lower()

    @cached_property
    def schemas(self) -> tuple[str, ...]:
        """Name every schema of the case."""
        return (self.id, *(name.replace("{S}", self.id) for name in self.also))

    def on_server(self, quirks: Quirks) -> Case:
        """Write the case for one server, as far as that depends on it."""
        written = self.adapt(quirks) if self.adapt else self
        if self.refused_without and quirks.has(self.refused_without):
            return replace(written, refused="")
        return written

    def find_lack(self, quirks: Quirks) -> str:
        """Return why the case is not applicable on a server, in its own words; else nothing."""
        return next((quirks.lacks[one] for one in self.needs if not quirks.has(one)), "")

    def fill(self, statement: Statement, folder: Path | None = None) -> Statement:
        """Write the case's schema, and for ``{D}`` the folder of the instance, into SQL."""
        if isinstance(statement, bytes):
            return statement.replace(b"{S}", self.id.encode())
        return statement.replace("{S}", self.id).replace("{D}", str(folder))


def insert(table: str, rows: Iterable[str]) -> str:
    """Write an INSERT of rows that are numbered from 1 in the first column."""
    values = ", ".join(f"({number}, {row})" for number, row in enumerate(rows, 1))
    return f"INSERT INTO {table} VALUES {values}"


def random_floats(form: str, count: int) -> list[str]:
    """Make numbers of every magnitude out of random bits, the same ones each time.

    Args:
        form: ``f`` for single precision, ``d`` for double.
        count: how many.
    """
    bits = random.Random(form)
    size = struct.calcsize(form)
    numbers: list[str] = []
    while len(numbers) < count:
        (number,) = struct.unpack(f"<{form}", bits.randbytes(size))
        if math.isfinite(number):
            numbers.append(repr(float(number)) + ("" if "e" in repr(number) else "e0"))
    return numbers
