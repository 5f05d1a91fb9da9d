"""Draw column types of every kind, each with the values at its edges."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from shardvault.model.position import Family
from tests.exactness.generator_values import (
    binaries,
    dates,
    datetimes,
    decimals,
    doubles,
    floats,
    integers,
    json_texts,
    shapes,
    texts,
    times,
    timestamps,
)
from tests.exactness.quirks import NO_QUIRKS, Quirks
from tests.support.servers import Flavour

Literals = SearchStrategy[str]
Draw = st.DrawFn


@dataclass(frozen=True)
class Server:
    """Say for which server tables are drawn.

    Attributes:
        collations: all it knows, each with its character set.
        quirks: what it cannot do.
    """

    flavour: Flavour
    collations: tuple[tuple[str, str], ...]
    quirks: Quirks = NO_QUIRKS

    @property
    def is_mysql(self) -> bool:
        """Say whether this is MySQL, else it is MariaDB."""
        return self.flavour.family is Family.MYSQL


@dataclass(frozen=True)
class Kind:
    """Describe a column's type as it was drawn.

    Attributes:
        sql: the type as DDL says it.
        literals: values for rows, as SQL.
        default: a value for DEFAULT; empty if the type takes none.
        key: how an index names the column, with ``{c}``; empty if no ordinary index can.
        derived: expressions with ``{c}`` for generated columns and checks, if it takes any.
        charset: of texts.
    """

    sql: str
    literals: Literals
    default: str = ""
    key: str = "{c}"
    derived: tuple[str, ...] = ("{c} IS NULL", "LEFT(HEX({c}), 20)")
    charset: str = ""
    is_shape: bool = False


_INTEGERS = {"TINYINT": 8, "SMALLINT": 16, "MEDIUMINT": 24, "INT": 32, "BIGINT": 64}
_SIGNS = ("", " UNSIGNED", " ZEROFILL", " UNSIGNED ZEROFILL")
_TEXTS = {"TINYTEXT": 60, "TEXT": 200, "MEDIUMTEXT": 200, "LONGTEXT": 200}
_BLOBS = {"TINYBLOB": 255, "BLOB": 300, "MEDIUMBLOB": 300, "LONGBLOB": 300}
# No server searches texts of these sets.
WIDE = frozenset({"ucs2", "utf16", "utf16le", "utf32"})
_MEMBERS = ("a", "", "B", "it''s", "x y", "1", "0", "NULL", "%s", '"', "z/..", "-", "\\\\")


@st.composite
def _integer(draw: Draw) -> Kind:
    name = draw(st.sampled_from(list(_INTEGERS)))
    sign = draw(st.sampled_from(_SIGNS))
    width = draw(st.sampled_from(("", "(1)", "(7)")))
    literals = integers(_INTEGERS[name], is_signed=not sign)
    return Kind(
        f"{name}{width}{sign}",
        literals,
        draw(literals),
        derived=("{c} IS NULL", "{c} DIV 2", "CONCAT({c})"),
    )


@st.composite
def _decimal(draw: Draw, server: Server) -> Kind:
    digits = draw(st.integers(1, 65))
    scale = draw(st.integers(0, min(digits, 30 if server.is_mysql else 38)))
    sign = draw(st.sampled_from(_SIGNS))
    literals = decimals(digits, scale, is_signed=not sign)
    return Kind(f"DECIMAL({digits},{scale}){sign}", literals, draw(literals))


@st.composite
def _real(draw: Draw) -> Kind:
    name, literals = draw(st.sampled_from((("FLOAT", floats()), ("DOUBLE", doubles()))))
    form = draw(st.sampled_from(("", "", "(7,3)", "(20,0)", "(30,10)")))
    sign = draw(st.sampled_from(("", "", " UNSIGNED", " ZEROFILL")))
    return Kind(f"{name}{form}{sign}", literals, draw(st.sampled_from(("0", "1.5", "2e3"))))


@st.composite
def _bits(draw: Draw) -> Kind:
    size = draw(st.sampled_from((1, 7, 8, 17, 63, 64)))
    literals = st.integers(0, 2**size - 1).map(lambda number: f"b'{number:b}'")
    return Kind(f"BIT({size})", literals, draw(literals))


@st.composite
def _moment(draw: Draw) -> Kind:
    fraction = draw(st.sampled_from(("", "(1)", "(3)", "(6)")))
    name, literals = draw(st.sampled_from((("DATETIME", datetimes()), ("TIMESTAMP", timestamps()))))
    default = f"CURRENT_TIMESTAMP{fraction}"
    default = draw(
        st.sampled_from((default, f"{default} ON UPDATE {default}", "'2020-02-02 02:02:02'"))
    )
    return Kind(f"{name}{fraction}", literals, default, derived=("DATE({c})", "{c} IS NULL"))


@st.composite
def _clock(draw: Draw) -> Kind:
    fraction = draw(st.sampled_from(("", "(2)", "(6)")))
    return Kind(f"TIME{fraction}", times(), "'-01:02:03'")


def _calendar() -> SearchStrategy[Kind]:
    years = st.sampled_from(("0", "1901", "2155", "1970", "2069"))
    return st.sampled_from((Kind("DATE", dates(), "'0000-00-00'"), Kind("YEAR", years, "1999")))


@st.composite
def _collation(draw: Draw, server: Server) -> tuple[str, str]:
    """Draw a character set and how DDL names it, or none of its own."""
    if draw(st.booleans()):
        return "", ""
    charset, collation = draw(st.sampled_from(server.collations))
    return charset, f" CHARACTER SET {charset} COLLATE {collation}"


@st.composite
def _text(draw: Draw, server: Server) -> Kind:
    charset, words = draw(_collation(server))
    if draw(st.booleans()):
        name = draw(st.sampled_from(list(_TEXTS)))
        return Kind(
            name + words,
            texts(charset, _TEXTS[name]),
            "" if server.is_mysql else "'d'",
            "{c}(9)",
            ("LENGTH({c})", "{c} IS NULL"),
            charset or "inherited",
        )
    size = draw(st.sampled_from((1, 0, 3, 20, 60)))
    name = draw(st.sampled_from(("VARCHAR", "CHAR")))
    keys = ("{c}", "{c}(2)") if size > 2 else ("{c}",)
    return Kind(
        f"{name}({size}){words}",
        texts(charset, size),
        draw(st.sampled_from(("''", "'d'", "'''\\\\'"))) if size > 2 else "''",
        draw(st.sampled_from(keys)) if size else "",
        ("CONCAT({c}, {c})", "UPPER({c})", "LENGTH({c})"),
        charset or "inherited",
    )


@st.composite
def _binary(draw: Draw) -> Kind:
    if draw(st.booleans()):
        name = draw(st.sampled_from(list(_BLOBS)))
        return Kind(name, binaries(_BLOBS[name]), key="{c}(5)")
    size = draw(st.sampled_from((1, 0, 4, 60)))
    name = draw(st.sampled_from(("VARBINARY", "BINARY")))
    default = draw(st.sampled_from(("''", "'\\0'", "'a '"))) if size > 2 else "''"
    return Kind(f"{name}({size})", binaries(size), default, "{c}" if size else "")


@st.composite
def _choice(draw: Draw, server: Server) -> Kind:
    name = draw(st.sampled_from(("ENUM", "SET")))
    members = draw(st.lists(st.sampled_from(_MEMBERS), min_size=1, max_size=9, unique=True))
    _, words = draw(_collation(server))
    most = len(members) if name == "ENUM" else 2 ** len(members) - 1
    written = ", ".join(f"'{member}'" for member in members)
    return Kind(
        f"{name}({written}){words}",
        st.integers(0, most).map(str),
        f"'{members[0]}'",
        derived=("{c} + 0", "{c} IS NULL"),
    )


def _json() -> SearchStrategy[Kind]:
    return st.just(Kind("JSON", json_texts(), key="", derived=("{c} IS NULL",)))


@st.composite
def _shape(draw: Draw, server: Server) -> Kind:
    name = draw(st.sampled_from(list(shapes())))
    srid = draw(st.sampled_from((0, 4326, 3857)))
    written = f" SRID {srid}" if server.is_mysql else f" REF_SYSTEM_ID={srid}"
    literals = st.sampled_from([f"ST_GeomFromText('{text}', {srid})" for text in shapes()[name]])
    sql = name + (written if draw(st.booleans()) else "")
    return Kind(sql, literals, key="", derived=("{c} IS NULL",), is_shape=True)


def _of_one_family(server: Server) -> SearchStrategy[Kind]:
    """Draw types that only some servers have."""
    kinds = []
    if not server.is_mysql:
        addresses = ("'0.0.0.0'", "'255.255.255.255'", "'10.1.2.3'")
        networks = ("'::'", "'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'", "'::ffff:10.1.2.3'")
        identities = (
            "'00000000-0000-0000-0000-000000000000'",
            "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
            "'6ccd780c-baba-1026-9564-5b8c656024db'",
        )
        types = {
            "INET4": Kind("INET4", st.sampled_from(addresses), addresses[2]),
            "INET6": Kind("INET6", st.sampled_from(networks), networks[0]),
            "UUID": Kind("UUID", st.sampled_from(identities), identities[2]),
        }
        kinds += [kind for name, kind in types.items() if server.quirks.has(name.lower())]
    if server.quirks.has("vector"):
        function = "TO_VECTOR" if server.is_mysql else "VEC_FromText"
        vectors = ("[1,2.5,-3e-38]", "[0,0,0]", "[3.4e38,1.2e-38,-0]")
        literals = st.sampled_from([f"{function}('{vector}')" for vector in vectors])
        kinds.append(Kind("VECTOR(3)", literals, key="", derived=()))
    return st.sampled_from(kinds)


def kinds(server: Server) -> SearchStrategy[Kind]:
    """Draw any type that a server knows."""
    return st.one_of(
        _integer(),
        _text(server),
        _binary(),
        _moment(),
        _decimal(server),
        _real(),
        _choice(server),
        _clock(),
        _calendar(),
        _bits(),
        _json(),
        _shape(server),
        _of_one_family(server),
    )
