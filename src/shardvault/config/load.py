"""Find the configuration file, read it, and explain all that is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shardvault.config.document import parse_document
from shardvault.config.problems import Problem, Where, refuse, suggest
from shardvault.errors import ConfigError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from shardvault.config.schema import Config

DEFAULT_PATHS = (Path("shardvault.yaml"), Path("/etc/shardvault/shardvault.yaml"))
_QUOTE_IT = "put it in quotes"
_EXPLANATIONS = {
    "missing": "is missing",
    "string_type": "expected text",
    "string_unicode": "not UTF-8 text",
    "string_too_short": "must not be empty",
    "int_type": "expected a whole number",
    "float_type": "expected a number",
    "finite_number": "expected a finite number",
    "bool_type": "expected true or false",
    "tuple_type": "expected a list",
    "dict_type": "expected a map",
    "model_type": "expected a map",
    "too_short": "must not be empty",
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be below {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "fault": "{what}",
}


def find_config(path: str | None) -> Path:
    """Choose the configuration file: the one given, else the first default that exists.

    Raises:
        ConfigError: there is no such file.
    """
    candidates = DEFAULT_PATHS if path is None else (Path(path),)
    for candidate in candidates:
        if os.path.isfile(candidate):  # unlike Path.is_file, never raises
            return candidate
    tried = ", ".join(str(candidate) for candidate in candidates)
    raise ConfigError(
        f"no configuration file: {tried}",
        hint="name one with --config FILE, or write one; docs/reference/configuration.md lists "
        "every option",
    )


def load_config(path: Path) -> Config:
    """Read and check a configuration file; no secret is looked up.

    Relative paths in the file are taken from the file's own folder.

    Raises:
        ConfigError: names every problem with file, line and option.
    """
    value, places, problems = parse_document(_read(path), str(path))
    config, faults = _validate(value, path.absolute().parent)
    if config is None or problems:
        raise refuse(places, [*problems, *_outside(problems, faults)])
    config._places = places
    return config


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None


def _validate(value: Any, folder: Path) -> tuple[Config | None, list[Problem]]:
    from pydantic import ValidationError

    from shardvault.config.schema import Config

    try:
        return Config.model_validate(value, context={"folder": folder}), []
    except ValidationError as error:
        return None, [_explain(detail) for detail in error.errors(include_url=False)]


def _outside(problems: list[Problem], faults: list[Problem]) -> list[Problem]:
    """Drop faults of values that could not be read: they only follow from that."""
    unread = {problem.where for problem in problems}
    return [fault for fault in faults if fault.where not in unread]


def _explain(detail: ErrorDetails) -> Problem:
    """Say in our words what pydantic found; never repeat the value, it may be a secret."""
    where = detail["loc"]
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return Problem(where, "unknown key", _suggest_key(where))
    what = _EXPLANATIONS.get(kind, "is not valid").format_map(context)
    return Problem(where, what, context.get("hint") or _remedy(kind, detail["input"]))


def _remedy(kind: str, value: Any) -> str | None:
    is_scalar = value is not None and not isinstance(value, dict | tuple)
    return _QUOTE_IT if kind == "string_type" and is_scalar else None


def _suggest_key(where: Where) -> str:
    from shardvault.config.schema import section_at

    known = section_at(where[:-1]).model_fields
    return suggest(str(where[-1]), known) or f"known here: {', '.join(known)}"
