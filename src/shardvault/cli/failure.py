"""Turn whatever went wrong into one message and one exit code."""

from __future__ import annotations

import sys
import traceback
from contextlib import suppress
from dataclasses import asdict, dataclass

import click

from shardvault.cli.escape import escape
from shardvault.cli.output import write_json
from shardvault.cli.settings import Settings
from shardvault.errors import Interrupted, ShardvaultError, UsageError


class InternalError(ShardvaultError):
    """Report a fault of shardvault itself."""


@dataclass(frozen=True)
class Failure:
    """Describe an error as programs read it; ``kind`` is the name of its class."""

    kind: str
    message: str
    shard: str | None
    table: str | None
    hint: str | None
    exit_code: int


def report_failure(error: BaseException, settings: Settings) -> int:
    """Tell a person, and with ``--format json`` a program, what failed.

    Returns:
        The exit code.
    """
    known = _explain(error)
    if isinstance(known, InternalError) and settings.verbose:
        _write_error("".join(traceback.format_exception(error)).splitlines())
    _write_error(_describe(known))
    if settings.wants_json:
        # An output that is gone must not hide the first error.
        with suppress(ShardvaultError):
            write_json({"error": asdict(_summarize(known))})
    return known.exit_code


def _summarize(error: ShardvaultError) -> Failure:
    return Failure(
        kind=type(error).__name__,
        message=error.message,
        shard=error.shard,
        table=error.table,
        hint=error.hint,
        exit_code=error.exit_code,
    )


def _explain(error: BaseException) -> ShardvaultError:
    """Give the error its place in our tree."""
    match error:
        case ShardvaultError():
            return error
        case KeyboardInterrupt() | click.Abort():
            return Interrupted("interrupted")
        case click.UsageError():
            return _explain_usage(error)
        case OSError():
            reason = error.strerror or str(error)
            return ShardvaultError(f"{error.filename}: {reason}" if error.filename else reason)
    return InternalError(
        f"internal error: {type(error).__name__}: {error}",
        hint="this is a fault of shardvault; run it again with -v and report what it prints",
    )


def _explain_usage(error: click.UsageError) -> UsageError:
    path = error.ctx.command_path if error.ctx else "shardvault"
    if isinstance(error, click.NoSuchOption):
        near = f"did you mean {error.possibilities[0]}?" if error.possibilities else None
        return UsageError(
            f"unknown option {error.option_name}", hint=near or f"{path} --help lists the options"
        )
    words = error.format_message().rstrip(".")
    return UsageError(words[:1].lower() + words[1:], hint=f"see {path} --help")


def _describe(error: ShardvaultError) -> list[str]:
    """Write an error for people; only the first line begins at the margin."""
    sort = "" if error.exit_code == Interrupted.exit_code else "error: "
    first, *more = str(error).split("\n")
    hint = error.hint.split("\n") if error.hint else []
    return [f"shardvault: {sort}{first}", *(f"  {line}" for line in (*more, *hint))]


def _write_error(lines: list[str]) -> None:
    with suppress(OSError):
        sys.stderr.write("".join(f"{escape(line)}\n" for line in lines))
        sys.stderr.flush()
