from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from shardvault.errors import ConfigError
from shardvault.fleet.topology import expand_nodes, split_name
from shardvault.model.ids import ShardName
from shardvault.model.target import Node

words = st.text("abcdefghijk_0123456789", min_size=1, max_size=5)
names = st.text(st.characters(codec="utf-8", exclude_characters="$"), min_size=1, max_size=10)
ranges = st.tuples(st.integers(0, 30), st.integers(0, 30))
lists = st.lists(words, min_size=1, max_size=4)


def write_range(bounds: tuple[int, int]) -> tuple[str, list[str]]:
    first, last = bounds
    step = 1 if first <= last else -1
    return f"${{{first}..{last}}}", [str(n) for n in range(first, last + step, step)]


def write_list(items: list[str]) -> tuple[str, list[str]]:
    return f"$->{{[{', '.join(repr(item) for item in items)}]}}", items


def quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


pieces = st.one_of(
    words.map(lambda word: (word, [word])), ranges.map(write_range), lists.map(write_list)
)


@given(st.tuples(pieces, pieces, pieces))
def test_an_expression_gives_all_combinations_the_rightmost_changing_fastest(
    parts: tuple[tuple[str, list[str]], ...],
) -> None:
    texts, alternatives = zip(*parts, strict=True)
    nodes = expand_nodes(".".join(texts))
    assert len(nodes) == math.prod(map(len, alternatives))
    assert [str(node) for node in nodes] == [
        ".".join(names) for names in itertools.product(*alternatives)
    ]


@given(st.lists(st.tuples(pieces, pieces, pieces), min_size=1, max_size=3))
def test_a_list_gives_what_its_items_give_one_after_the_other(
    items: list[tuple[tuple[str, list[str]], ...]],
) -> None:
    texts = [".".join(text for text, _ in item) for item in items]
    one_by_one = [node for text in texts for node in expand_nodes(text)]
    assert list(expand_nodes(" , ".join(texts))) == one_by_one


@given(names, names, names)
def test_names_in_backticks_come_back_as_they_were(shard: str, schema: str, table: str) -> None:
    text = ".".join(map(quote, (shard, schema, table)))
    assert split_name(text) == (shard, schema, table)
    assert expand_nodes(text) == (Node(ShardName(shard), schema, table),)


@given(st.text(st.sampled_from("ab.`,${}[]'\"->0 \n")))
def test_no_text_whatever_causes_anything_but_nodes_or_a_configuration_error(text: str) -> None:
    try:
        nodes = expand_nodes(text)
    except ConfigError:
        return
    assert all(node.shard and node.schema and node.table for node in nodes)
