"""Report tables that were written into a file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shardvault.model.ids import BackupId


class ExportForm(StrEnum):
    """Name the forms in which tables are written."""

    SQL = "sql"
    CSV = "csv"


@dataclass(frozen=True)
class ExportReport:
    """Report what was written; every row was compared with its hash in the backup.

    Attributes:
        place: the file, or ``-`` for standard output.
        rows: of all tables [rows].
        bytes_written: size of the output [bytes].
        notices: tables that are not exact, because a loss was allowed for the backup.
    """

    id: BackupId
    form: ExportForm
    place: str
    tables: int
    rows: int
    bytes_written: int
    seconds: float
    notices: tuple[str, ...] = ()
