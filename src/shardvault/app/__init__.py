"""Build the real objects from a configuration and run one operation.

The command line and the Python API are thin over these functions; each takes the
configuration's path (None = look where `find_config` looks) and returns a typed report.
Each operation is imported where it is run: a backup need not load the restore.
"""

from shardvault.app.backups import (
    backup,
    check,
    list_backups,
    plan_restore,
    restore,
    show,
    show_definitions,
    verify,
)
from shardvault.app.databases import backup_database, restore_database
from shardvault.app.repositories import init

__all__ = [
    "backup",
    "backup_database",
    "check",
    "init",
    "list_backups",
    "plan_restore",
    "restore",
    "restore_database",
    "show",
    "show_definitions",
    "verify",
]
