"""Build a fleet from its description: expand nodes, and refuse what contradicts itself.

Nodes are written as ShardingSphere's inline expressions: ``s${0..1}.shop.orders_${0..3}``.
``${0..3}`` is a range, ``${['a', 'b']}`` a list, ``$->{…}`` the same as ``${…}``; several of
them give all combinations, the rightmost changing fastest; a comma separates nodes.

Source: ShardingSphere manual, "Row Value Expressions".
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from shardvault.errors import ConfigError
from shardvault.model.ids import ShardName
from shardvault.model.target import Endpoint, Fleet, LogicalTable, Node, Shard

Locate = Callable[[tuple[str | int, ...]], str]
"""Writes where an option stands, given its path, as ``("fleet", "tables", 0, "nodes")``."""

MAX_NODES = 1_000_000
SYSTEM_SCHEMAS = frozenset(
    {"mysql", "information_schema", "performance_schema", "sys", "_shardvault"}
)
"""Schemas that no backup holds, in lower case; the last one is our own."""

_MOST_COMPARED = 10_000  # names; comparing takes about a second for these
_SYMBOL = re.compile(
    r"\$(?:->)?\{(?P<expression>(?:'[^']*'|\"[^\"]*\"|[^}'\"])*)\}|[^$`,]+|.", re.DOTALL
)
_NUMBER = r"0|[1-9]\d{0,17}"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*", re.ASCII)
_ITEM = rf"\s*(?:'[^']*'|\"[^\"]*\"|{_NUMBER})\s*"
_LIST = re.compile(rf"\s*\[{_ITEM}(?:,{_ITEM})*\]\s*", re.ASCII)
_LIST_ITEM = re.compile(rf"'([^']*)'|\"([^\"]*)\"|({_NUMBER})", re.ASCII)
_PART = r"(?:`(?:[^`]|``)+`|[^.`\s]+)"
_NAME = re.compile(rf"{_PART}(?:\.{_PART})*")


@dataclass(frozen=True)
class TableSpec:
    """Describe a logical table as configured, its nodes not yet expanded."""

    logical: str
    nodes: str
    key: str | None = None
    rule: str | None = None
    broadcast: bool = False
    has_rows: bool = True


def build_fleet(
    name: str, shards: Sequence[Shard], tables: Sequence[TableSpec], *, locate: Locate
) -> Fleet:
    """Describe a fleet whose parts fit together.

    Whether its nodes exist is seen only on the servers; see ``find_dangling``.

    Args:
        locate: says where a part was configured; stands before every message.

    Raises:
        ConfigError: no shards, doubled names or instances, unknown shards, unreadable nodes,
            or nodes that belong to two tables.
    """
    _check_shards(shards, locate)
    _check_instances(shards, locate)
    names = dict.fromkeys(shard.name for shard in shards)
    logical_tables = tuple(
        _expand_table(spec, names, f"{locate(('fleet', 'tables', index, 'nodes'))}: ")
        for index, spec in enumerate(tables)
    )
    _check_tables(logical_tables, locate)
    return Fleet(name, tuple(shards), logical_tables)


def find_dangling(fleet: Fleet, existing: Iterable[Node]) -> tuple[Node, ...]:
    """List the nodes of logical tables for which there is no physical table."""
    found = frozenset(existing)
    return tuple(node for table in fleet.tables for node in table.nodes if node not in found)


def expand_nodes(text: str) -> tuple[Node, ...]:
    """List the nodes that an expression stands for, in order.

    A part of a name that holds a dot, comma or blank goes in backticks; expressions are
    replaced inside them too.

    Raises:
        ConfigError: not an expression, or more than ``MAX_NODES`` nodes; names no place.
    """
    items = list(_read_items(text))
    total = sum(math.prod(len(piece) for piece in item) for item in items)
    if total > MAX_NODES:
        raise ConfigError(f"{total} nodes, more than {MAX_NODES}")
    return tuple(
        _read_node("".join(map(str, pieces)).strip())
        for item in items
        for pieces in itertools.product(*item)
    )


def split_name(text: str) -> tuple[str, ...]:
    """Split a dotted name into its parts and take their backticks off; empty if unreadable."""
    if not _NAME.fullmatch(text):
        return ()
    return tuple(
        part[1:-1].replace("``", "`") if part[0] == "`" else part
        for part in re.findall(_PART, text)
    )


def suggest(word: str, known: Iterable[str]) -> str | None:
    """Offer the known words that may have been meant."""
    near = get_close_matches(word, list(itertools.islice(known, _MOST_COMPARED)), n=3)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else None


def _read_items(text: str) -> Iterator[list[Sequence[str | int]]]:
    """Split at commas; give each item as pieces, each piece as its alternatives."""
    item: list[Sequence[str | int]] = []
    is_quoted = False
    for match in _SYMBOL.finditer(text):
        symbol, expression = match[0], match["expression"]
        if expression is not None:
            item.append(_read_expression(expression))
        elif symbol == "," and not is_quoted:
            yield item
            item = []
        elif symbol == "$" and text.startswith(("{", "->{"), match.end()):
            raise ConfigError("${ without its }", hint="quotes inside ${…} must be closed, too")
        else:
            is_quoted ^= symbol == "`"
            item.append((symbol,))
    yield item


def _read_expression(text: str) -> Sequence[str | int]:
    if match := _RANGE.fullmatch(text):
        first, last = int(match[1]), int(match[2])
        return range(first, last + 1) if first <= last else range(first, last - 1, -1)
    if _LIST.fullmatch(text):
        return [one or two or number for one, two, number in _LIST_ITEM.findall(text)]
    raise ConfigError(
        f"cannot read ${{{text}}}", hint="write a range as ${0..3} or a list as ${['a','b']}"
    )


def _read_node(text: str) -> Node:
    parts = split_name(text)
    if len(parts) != 3:
        raise ConfigError(
            f"{text!r} is not a node",
            hint="write shard.schema.table; a part with a dot, comma or blank goes in backticks",
        )
    return Node(ShardName(parts[0]), parts[1], parts[2])


def _expand_table(spec: TableSpec, shards: Collection[str], place: str) -> LogicalTable:
    try:
        nodes = expand_nodes(spec.nodes)
    except ConfigError as error:
        raise ConfigError(place + error.message, hint=error.hint) from None
    for node in nodes:
        if node.shard not in shards:
            hint = suggest(node.shard, shards) or f"shards are: {', '.join(shards)}"
            raise ConfigError(f"{place}{node}: no shard {node.shard!r}", hint=hint)
        if node.schema.lower() in SYSTEM_SCHEMAS:
            raise ConfigError(f"{place}{node}: lies in a system schema")
    return LogicalTable(spec.logical, nodes, spec.broadcast, spec.key, spec.rule, spec.has_rows)


def _check_shards(shards: Sequence[Shard], locate: Locate) -> None:
    if not shards:
        place = locate(("fleet", "shards"))
        raise ConfigError(f"{place}: no shards", hint="list every shard of the fleet there")
    seen: set[str] = set()
    for index, shard in enumerate(shards):
        if shard.name in seen:
            place = locate(("fleet", "shards", index, "name"))
            raise ConfigError(
                f"{place}: a second shard is named {shard.name!r}",
                hint="give each shard a name of its own",
            )
        seen.add(shard.name)


def _check_instances(shards: Sequence[Shard], locate: Locate) -> None:
    """Refuse an address that stands twice; equal servers of two addresses show only later."""
    owners: dict[str, ShardName] = {}
    for index, shard in enumerate(shards):
        for step, endpoint in _list_instances(shard):
            address = endpoint.socket or str(endpoint).lower()
            if address in owners:
                place = locate(("fleet", "shards", index, *step))
                owner = owners[address]
                raise ConfigError(
                    f"{place}: {endpoint} is already an instance of shard {owner!r}",
                    hint="name each instance once, or its rows would be taken twice",
                )
            owners[address] = shard.name


def _list_instances(shard: Shard) -> Iterator[tuple[tuple[str | int, ...], Endpoint]]:
    yield ("primary",), shard.primary
    for number, replica in enumerate(shard.replicas):
        yield ("replicas", number), replica


def _check_tables(tables: Sequence[LogicalTable], locate: Locate) -> None:
    names: set[str] = set()
    owners: dict[Node, str] = {}
    for index, table in enumerate(tables):
        where = ("fleet", "tables", index)
        if table.name in names:
            place = locate((*where, "logical"))
            raise ConfigError(f"{place}: a second table is named {table.name!r}")
        names.add(table.name)
        _claim_nodes(table, owners, locate((*where, "nodes")))


def _claim_nodes(table: LogicalTable, owners: dict[Node, str], place: str) -> None:
    for node in table.nodes:
        if node in owners:
            raise ConfigError(f"{place}: {node} is already a node of table {owners[node]!r}")
        owners[node] = table.name
