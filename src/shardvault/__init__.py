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
        accept_history,
        add_key,
        add_source,
        backup,
        backup_database,
        check,
        check_repository,
        copy_repository,
        diff,
        examine_history,
        export,
        export_key,
        find,
        forget,
        init,
        keep,
        leases,
        list_backups,
        list_keys,
        make_identity,
        plan_backup,
        plan_restore,
        policy,
        probe,
        prune,
        recover_key,
        release,
        remove_key,
        repair_repository,
        repository_stats,
        restore,
        restore_database,
        rotate_key,
        show,
        show_definitions,
        unlock,
        verify,
    )
    from shardvault.errors import (
        AfterwardsWarning,
        AmbiguousBackup,
        BackupExists,
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
        StorageUnavailable,
        TamperDetected,
        TargetRefused,
        UnknownBackup,
        UnsupportedObject,
        UsageError,
        VerificationFailed,
        WrongKey,
        XaInDoubt,
    )
    from shardvault.model.backup_plan import BackupPlanReport, ShardToBackUp, TableToBackUp
    from shardvault.model.comparison import (
        Change,
        DiffReport,
        FindReport,
        FoundName,
        ObjectDifference,
        TableDifference,
    )
    from shardvault.model.export import ExportForm, ExportReport
    from shardvault.model.loss import AllowedLoss, LossKind
    from shardvault.model.report import (
        BackupReport,
        BackupSummary,
        CatalogReport,
        CheckReport,
        CopyReport,
        Definition,
        DefinitionsReport,
        Finding,
        ForgetReport,
        HistoryReport,
        HoldReport,
        IdentityReport,
        InitReport,
        KeyChangeReport,
        KeyEntry,
        KeysReport,
        LeaseEntry,
        LeasesReport,
        PaperReport,
        PlannedTable,
        PolicyReport,
        ProbeReport,
        PrunedBackup,
        PruneReport,
        RepositoryCopy,
        RestorePlanReport,
        RestoreReport,
        Severity,
        ShardVolume,
        ShowReport,
        TableVolume,
        VerifyReport,
    )
    from shardvault.model.target import Scope
    from shardvault.model.upkeep import (
        BackupStats,
        DamagedRange,
        DamagedTable,
        RepoCheckReport,
        RepoRepairReport,
        RepoStatsReport,
        StoredShare,
    )

    __version__: str

__all__ = [
    "AfterwardsWarning",
    "AllowedLoss",
    "AmbiguousBackup",
    "BackupExists",
    "BackupPlanReport",
    "BackupReport",
    "BackupStats",
    "BackupSummary",
    "BarrierError",
    "BarrierTimeout",
    "CatalogReport",
    "Change",
    "CheckReport",
    "ConfigError",
    "ConnectError",
    "CopyReport",
    "CutRejected",
    "DamagedRange",
    "DamagedTable",
    "DdlDetected",
    "Definition",
    "DefinitionsReport",
    "DiffReport",
    "ExportForm",
    "ExportReport",
    "FindReport",
    "Finding",
    "FindingsError",
    "ForgetReport",
    "FoundName",
    "HistoryReport",
    "HoldReport",
    "IdentityReport",
    "InitReport",
    "IntegrityError",
    "Interrupted",
    "KeyChangeReport",
    "KeyEntry",
    "KeysReport",
    "LeaseEntry",
    "LeasesReport",
    "LossKind",
    "ObjectDifference",
    "ObjectExists",
    "ObjectMissing",
    "PaperReport",
    "PlannedTable",
    "PolicyReport",
    "PrivilegeError",
    "ProbeReport",
    "PruneReport",
    "PrunedBackup",
    "RefusedError",
    "RepoCheckReport",
    "RepoRepairReport",
    "RepoStatsReport",
    "RepositoryCopy",
    "RepositoryLocked",
    "RepositoryMissing",
    "RestorePlanReport",
    "RestoreReport",
    "Scope",
    "ServerError",
    "Severity",
    "ShardToBackUp",
    "ShardVolume",
    "ShardvaultError",
    "ShowReport",
    "StorageError",
    "StorageFull",
    "StorageUnavailable",
    "StoredShare",
    "TableDifference",
    "TableToBackUp",
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

_REPORTS = (
    "Definition",
    "Finding",
    "KeyEntry",
    "LeaseEntry",
    "PlannedTable",
    "PrunedBackup",
    "RepositoryCopy",
    "Severity",
    "ShardVolume",
    "TableVolume",
)

_COMPARISONS = (
    "Change",
    "DiffReport",
    "FindReport",
    "FoundName",
    "ObjectDifference",
    "TableDifference",
)
_UPKEEP = (
    "BackupStats",
    "DamagedRange",
    "DamagedTable",
    "RepoCheckReport",
    "RepoRepairReport",
    "RepoStatsReport",
    "StoredShare",
)


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
    elif name in {"AllowedLoss", "LossKind"}:
        home = "model.loss"
    elif name in _UPKEEP:
        home = "model.upkeep"
    elif name in {"BackupPlanReport", "ShardToBackUp", "TableToBackUp"}:
        home = "model.backup_plan"
    elif name in {"ExportForm", "ExportReport"}:
        home = "model.export"
    elif name in _COMPARISONS:
        home = "model.comparison"
    elif name in _REPORTS or name.endswith(("Report", "Summary")):
        home = "model.report"
    else:
        home = "errors" if name[0].isupper() else "app"
    return import_module(f"{__name__}.{home}")
