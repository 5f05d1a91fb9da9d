from __future__ import annotations

from pathlib import Path

import pytest

from shardvault import errors
from shardvault.cli.reference import (
    MEANINGS,
    render_commands,
    render_exit_codes,
    write_references,
)
from shardvault.errors import ShardvaultError

FOLDER = Path(__file__).parents[3] / "docs" / "reference"
MAKE = "run: python -m shardvault.cli.reference"


def test_the_commands_in_the_docs_are_those_of_the_program() -> None:
    assert (FOLDER / "commands.md").read_text(encoding="utf-8") == render_commands(), MAKE


def test_the_exit_codes_in_the_docs_are_those_of_the_errors() -> None:
    assert (FOLDER / "exit-codes.md").read_text(encoding="utf-8") == render_exit_codes(), MAKE


def test_every_exit_code_has_a_meaning() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, ShardvaultError)}
    assert codes | {0} == set(MEANINGS)


def test_every_option_has_a_meaning() -> None:
    rows = [line for line in render_commands().splitlines() if line.startswith("| `-")]
    assert rows
    assert not [row for row in rows if "None" in row or row.endswith("|  |")]


def test_the_files_are_written_where_they_are_read(tmp_path: Path) -> None:
    write_references(tmp_path)
    assert (tmp_path / "commands.md").read_text(encoding="utf-8") == render_commands()
    with pytest.raises(FileNotFoundError):
        write_references(tmp_path / "missing")
