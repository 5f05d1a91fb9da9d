"""Turn YAML text into plain values, and remember the line of each.

Only what a configuration needs is accepted: one document, text keys, no key
twice, no tags, bounded size. Aliases are expanded, so they count each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from shardvault.config.problems import Places, Problem, Where, refuse
from shardvault.errors import ConfigError

if TYPE_CHECKING:
    from ruamel.yaml import YAML
    from ruamel.yaml.nodes import Node

MAX_BYTES = 4 * 1024 * 1024
MAX_VALUES = 200_000
MAX_DEPTH = 50
_CORE = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(
    _CORE + name for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp")
)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


class _TooLarge(Exception):
    """Stop a walk that aliases or nesting would make endless."""


def parse_document(data: bytes, file: str) -> tuple[Any, Places, list[Problem]]:
    """Read a YAML 1.2 document as dicts, tuples and scalars.

    Returns:
        the value, the line of each part of it, and what is wrong but did not stop the reading.

    Raises:
        ConfigError: the text is not YAML, or beyond the limits.
    """
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    root = _compose(yaml, data, file)
    walk = _Walk(yaml)
    if root is None:
        return None, Places(file), []
    try:
        value = walk.convert(root, ())
    except _TooLarge as error:
        raise ConfigError(f"{file}:1: {error}") from None
    return value, Places(file, walk.lines), walk.problems


def _compose(yaml: YAML, data: bytes, file: str) -> Node | None:
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(data) > MAX_BYTES:
        raise ConfigError(f"{file}:1: larger than {MAX_BYTES} bytes")
    try:
        root: Node | None = yaml.compose(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _refuse_at(file, data[: error.start].count(b"\n"), "not UTF-8 text") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        raise _refuse_at(file, line, f"not YAML: {_censor(error.problem or '')}") from None
    except YAMLError:
        raise _refuse_at(file, 0, "not YAML: holds a control character") from None
    except RecursionError:
        raise _refuse_at(file, 0, f"nested deeper than {MAX_DEPTH}") from None
    return root


def _refuse_at(file: str, line: int, what: str) -> ConfigError:
    return refuse(Places(file, {(): line + 1}), [Problem((), what)])


def _censor(text: str) -> str:
    """Hide words that the parser quotes from the file: one may be a mistyped password."""
    return _QUOTED.sub(_hide_word, text)


def _hide_word(quoted: re.Match[str]) -> str:
    """Keep what cannot be a secret: single marks, and the parser's own terms in ``<>``."""
    word = quoted[0][1:-1]
    return quoted[0] if len(word) <= 2 or word.startswith("<") else "'…'"


class _Walk:
    """Convert nodes to plain values, depth first, within the limits."""

    def __init__(self, yaml: YAML) -> None:
        self.lines: dict[Where, int] = {}
        self.problems: list[Problem] = []
        self._yaml = yaml
        self._values = 0

    def convert(self, node: Node, where: Where) -> Any:
        """Convert one node and everything below it."""
        self._count(where)
        self.lines.setdefault(where, node.start_mark.line + 1)
        if node.tag not in _PLAIN_TAGS:
            return self._report(
                where, "tags (!) are not allowed", "put text that begins so in quotes"
            )
        if node.tag == _CORE + "map":
            return self._convert_map(node, where)
        if node.tag == _CORE + "seq":
            return tuple(self.convert(item, (*where, i)) for i, item in enumerate(node.value))
        return self._convert_scalar(node, where)

    def _count(self, where: Where) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise _TooLarge(f"more than {MAX_VALUES} values, aliases expanded")
        if len(where) > MAX_DEPTH:
            raise _TooLarge(f"nested deeper than {MAX_DEPTH}")

    def _convert_map(self, node: Node, where: Where) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in self._text_keys(node, where):
            place = (*where, key.value)
            first = self.lines.get(place)
            self.lines[place] = key.start_mark.line + 1
            if first is not None:
                self._report(place, f"stands twice, first in line {first}")
                continue
            result[key.value] = self.convert(value, place)
        return result

    def _text_keys(self, node: Node, where: Where) -> Iterable[tuple[Node, Node]]:
        for key, value in node.value:
            if key.tag == _CORE + "str":
                yield key, value
            elif key.tag == _CORE + "merge":
                self._report(where, "merge keys (<<) are not supported")
            else:
                self._report(where, "a key is not text", "put it in quotes")

    def _convert_scalar(self, node: Node, where: Where) -> Any:
        if "\0" in node.value:
            return self._report(where, "holds a NUL character")
        try:
            return self._yaml.constructor.construct_object(node)
        except ValueError:
            return self._report(where, "cannot be read", "put it in quotes")

    def _report(self, where: Where, what: str, hint: str | None = None) -> None:
        self.problems.append(Problem(where, what, hint))
