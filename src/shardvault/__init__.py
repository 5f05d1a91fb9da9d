"""Back up and restore sharded MySQL and MariaDB fleets at one consistent cut.

Every function takes the path of a configuration file (without one, the places where the
command line looks) and returns a typed report; what fails raises a ``ShardvaultError``::

    import shardvault

    report = shardvault.backup("shop.yaml", scope=shardvault.Scope(include=("orders",)))
    print(report.id, report.totals.rows, report.barrier.held_ms)
    assert shardvault.restore(report.id, "shop.yaml", target="spare.yaml").verified

A name is imported when it is used, so ``import shardvault`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shardvault.app import (
        backup,
        backup_database,
        check,
        init,
        list_backups,
        plan_restore,
        restore,
        restore_database,
        show,
        show_definitions,
        verify,
    )
    from shardvault.errors import (
        BarrierError,
        BarrierTimeout,
        ConfigError,
        ConnectError,
        CutRejected,
        DdlDetected,
        FindingsError,
        IntegrityError,
        Interrupted,
        ObjectExists,
        ObjectMissing,
        PrivilegeError,
        RefusedError,
        RepositoryLocked,
        RepositoryMissing,
        ServerError,
        ShardvaultError,
        StorageError,
        StorageFull,
        TamperDetected,
        TargetRefused,
        UnknownBackup,
        UnsupportedObject,
        UsageError,
        VerificationFailed,
        WrongKey,
        XaInDoubt,
    )
    from shardvault.model.report import (
        BackupReport,
        BackupSummary,
        CatalogReport,
        CheckReport,
        Definition,
        DefinitionsReport,
        Finding,
        InitReport,
        PlannedTable,
        RestorePlanReport,
        RestoreReport,
        Severity,
        ShardVolume,
        ShowReport,
        TableVolume,
        VerifyReport,
    )
    from shardvault.model.target import Scope

    __version__: str

__all__ = [
    "BackupReport",
    "BackupSummary",
    "BarrierError",
    "BarrierTimeout",
    "CatalogReport",
    "CheckReport",
    "ConfigError",
    "ConnectError",
    "CutRejected",
    "DdlDetected",
    "Definition",
    "DefinitionsReport",
    "Finding",
    "FindingsError",
    "InitReport",
    "IntegrityError",
    "Interrupted",
    "ObjectExists",
    "ObjectMissing",
    "PlannedTable",
    "PrivilegeError",
    "RefusedError",
    "RepositoryLocked",
    "RepositoryMissing",
    "RestorePlanReport",
    "RestoreReport",
    "Scope",
    "ServerError",
    "Severity",
    "ShardVolume",
    "ShardvaultError",
    "ShowReport",
    "StorageError",
    "StorageFull",
    "TableVolume",
    "TamperDetected",
    "TargetRefused",
    "UnknownBackup",
    "UnsupportedObject",
    "UsageError",
    "VerificationFailed",
    "VerifyReport",
    "WrongKey",
    "XaInDoubt",
    "__version__",
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

_REPORTS = ("Definition", "Finding", "PlannedTable", "Severity", "ShardVolume", "TableVolume")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_find_home(name), "VERSION" if name == "__version__" else name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _find_home(name: str) -> Any:
    if name == "__version__":
        home = "version"
    elif name == "Scope":
        home = "model.target"
    elif name in _REPORTS or name.endswith(("Report", "Summary")):
        home = "model.report"
    else:
        home = "errors" if name[0].isupper() else "app"
    return import_module(f"{__name__}.{home}")
