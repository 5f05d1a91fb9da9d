"""Draw names and columns."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.exactness.generator_types import Draw, Kind, Server, kinds
from tests.exactness.names import Place
from tests.integration.operations_support import quote

ODD_TEXTS = ("it''s", "*/ -- ;", "VIEW", "é漢", "a\\\\b", "COLLATE=x", " AUTO_INCREMENT=7 ", "`)")
"""Comments that may be taken for something else, as DDL writes them."""
_MOST_COLUMNS = 6


@dataclass(frozen=True)
class Column:
    """Hold a column as it was drawn.

    Attributes:
        sql: all that DDL says of it.
        is_generated: it has no literals to insert.
    """

    name: str
    kind: Kind
    sql: str
    is_nullable: bool = True
    is_generated: bool = False

    @property
    def own(self) -> str:
        """Write the name."""
        return quote(self.name)

    @property
    def part(self) -> str:
        """Write the column as part of a key; empty if it can be none."""
        return self.kind.key.format(c=self.own)


@st.composite
def odd_names(draw: Draw, server: Server, place: Place, count: int, plain: str) -> list[str]:
    """Draw different names; every second time only plain ones."""
    usual = [f"{plain}{number}" for number in range(count)]
    if draw(st.booleans()):
        return usual
    odd = st.sampled_from((*server.quirks.names_of(place), *usual))
    return draw(st.lists(odd, min_size=count, max_size=count, unique_by=str.casefold))


@st.composite
def columns_of_a_table(draw: Draw, server: Server) -> list[Column]:
    """Draw columns; the last may be computed from one before it, and the first is visible."""
    count = draw(st.integers(1, _MOST_COLUMNS))
    names = draw(odd_names(server, Place.COLUMN, count + 1, "c"))
    columns = [
        draw(_column(server, name, can_hide=number > 0))
        for number, name in enumerate(names[:count])
    ]
    able = [one for one in columns if one.kind.derived]
    if able and draw(st.integers(0, 3)) == 3:
        columns.append(draw(_generated(names[count], draw(st.sampled_from(able)))))
    return columns


@st.composite
def _column(draw: Draw, server: Server, name: str, *, can_hide: bool) -> Column:
    kind = draw(kinds(server))
    is_nullable = draw(st.booleans())
    default = draw(st.sampled_from(("", kind.default, "NULL" if is_nullable else "")))
    is_hidden = can_hide and bool(default) and draw(st.integers(0, 4)) == 4
    comment = draw(st.sampled_from(("", "", *ODD_TEXTS)))
    words = (
        quote(name),
        kind.sql,
        "NULL" if is_nullable else "NOT NULL",
        f"DEFAULT {default}" if default else "",
        "INVISIBLE" if is_hidden else "",
        f"COMMENT '{comment}'" if comment else "",
    )
    return Column(name, kind, " ".join(filter(None, words)), is_nullable)


@st.composite
def _generated(draw: Draw, name: str, base: Column) -> Column:
    expression = draw(st.sampled_from(base.kind.derived)).format(c=base.own)
    form = draw(st.sampled_from(("VIRTUAL", "STORED")))
    type_sql = draw(st.sampled_from(("VARCHAR(200)", "TEXT")))
    sql = f"{quote(name)} {type_sql} GENERATED ALWAYS AS ({expression}) {form}"
    return Column(name, Kind(type_sql, st.nothing(), key="{c}(20)"), sql, is_generated=True)
