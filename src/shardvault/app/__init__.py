"""Build the real objects from a configuration and run one operation.

The command line and the Python API are thin over these functions; each takes the
configuration's path (None = look where `find_config` looks) and returns a typed report.
Each operation is imported where it is run: a backup need not load the restore.
"""

from shardvault.app.backups import (
    backup,
    check,
    list_backups,
    plan_backup,
    plan_restore,
    restore,
    show,
    show_definitions,
    verify,
)
from shardvault.app.comparison import diff, find
from shardvault.app.copies import copy_repository
from shardvault.app.databases import backup_database, restore_database
from shardvault.app.export import export
from shardvault.app.keys import (
    add_key,
    add_source,
    export_key,
    list_keys,
    make_identity,
    recover_key,
    remove_key,
    rotate_key,
)
from shardvault.app.locks import accept_history, examine_history, leases, unlock
from shardvault.app.repositories import init, probe
from shardvault.app.retention import forget, keep, policy, prune, release
from shardvault.app.upkeep import check_repository, repair_repository, repository_stats

__all__ = [
    "accept_history",
    "add_key",
    "add_source",
    "backup",
    "backup_database",
    "check",
    "check_repository",
    "copy_repository",
    "diff",
    "examine_history",
    "export",
    "export_key",
    "find",
    "forget",
    "init",
    "keep",
    "leases",
    "list_backups",
    "list_keys",
    "make_identity",
    "plan_backup",
    "plan_restore",
    "policy",
    "probe",
    "prune",
    "recover_key",
    "release",
    "remove_key",
    "repair_repository",
    "repository_stats",
    "restore",
    "restore_database",
    "rotate_key",
    "show",
    "show_definitions",
    "unlock",
    "verify",
]
