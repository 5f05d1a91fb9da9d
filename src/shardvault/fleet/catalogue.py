"""Judge every table of a server's own catalogue: what of it a backup carries, and why not.

A table that stands here in no group fails the test that walks the servers: somebody has to
decide what becomes of its contents. docs/reference/catalogue.md is made from this list.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Say what becomes of what a table tells."""

    meaning: str

    def __new__(cls, word: str, meaning: str) -> Verdict:
        """Make a member of its word and its meaning, a sentence without full stop."""
        verdict = str.__new__(cls, word)
        verdict._value_ = word
        verdict.meaning = meaning
        return verdict

    CARRIED = ("carried", "a backup holds it and a restore makes it again")
    DERIVED = ("derived", "the server makes it by itself from what a backup carries")
    NAMED = (
        "named",
        "not in a backup; `check` and `backup` name what there is of it before the lock",
    )
    OWN = ("server's own", "belongs to this one server, not to its databases; not in a backup")


@dataclass(frozen=True)
class Group:
    """Judge the tables that hold one kind of thing.

    Attributes:
        what: the kind of thing.
        reason: why it is so, as a sentence without full stop.
        information_schema: names of tables there, in lower case.
        mysql: the same in the schema mysql.
    """

    verdict: Verdict
    what: str
    reason: str
    information_schema: frozenset[str]
    mysql: frozenset[str]


def _group(verdict: Verdict, what: str, reason: str, *, info: str = "", mysql: str = "") -> Group:
    return Group(verdict, what, reason, frozenset(info.split()), frozenset(mysql.split()))


GROUPS = (
    _group(
        Verdict.CARRIED,
        "databases",
        "SHOW CREATE DATABASE",
        info="schemata schemata_extensions",
    ),
    _group(
        Verdict.CARRIED,
        "tables and sequences",
        "SHOW CREATE TABLE with columns, keys, constraints, partitions, periods and counters",
        info="tables tables_extensions columns columns_extensions statistics key_column_usage "
        "table_constraints table_constraints_extensions referential_constraints check_constraints "
        "partitions periods key_period_usage sequences",
    ),
    _group(
        Verdict.CARRIED,
        "views, libraries, routines, triggers and events",
        "SHOW CREATE of each, with the state that it was made in",
        info="views json_duality_views libraries routines routine_libraries triggers events",
        mysql="proc event",
    ),
    _group(
        Verdict.CARRIED,
        "accounts, roles and grants",
        "SHOW CREATE USER and SHOW GRANTS; a restore makes them with --with-accounts",
        info="user_privileges schema_privileges table_privileges column_privileges "
        "applicable_roles enabled_roles administrable_role_authorizations role_column_grants "
        "role_routine_grants role_table_grants user_attributes",
        mysql="user host db tables_priv columns_priv procs_priv proxies_priv global_priv "
        "roles_mapping role_edges default_roles global_grants",
    ),
    _group(
        Verdict.CARRIED,
        "foreign servers",
        "FEDERATED and Spider tables refer to them; a server that a target has otherwise is kept",
        mysql="servers",
    ),
    _group(
        Verdict.CARRIED,
        "spatial reference systems",
        "those that users made; the others each server has by itself",
        info="st_spatial_reference_systems",
    ),
    _group(
        Verdict.CARRIED,
        "histograms",
        "MySQL's statistics of values, set again after the rows",
        info="column_statistics",
    ),
    _group(
        Verdict.NAMED,
        "statistics of values",
        "MariaDB's; ANALYZE TABLE … PERSISTENT collects them again",
        mysql="column_stats index_stats table_stats",
    ),
    _group(
        Verdict.NAMED,
        "loadable functions",
        "they need a file in the plugin folder of the target",
        mysql="func",
    ),
    _group(
        Verdict.NAMED,
        "plugins and components",
        "they need a file in the plugin folder of the target; engines that tables need are "
        "looked for before a restore",
        mysql="plugin component",
    ),
    _group(
        Verdict.NAMED,
        "resource groups",
        "they name processors of this machine",
        info="resource_groups",
    ),
    _group(
        Verdict.NAMED,
        "passwords that accounts had before",
        "an account comes back with its rule about them, not with the old passwords",
        mysql="password_history",
    ),
    _group(
        Verdict.DERIVED,
        "what definitions imply",
        "each row follows from the definition of a table, view or routine",
        info="parameters view_routine_usage view_table_usage json_duality_view_columns "
        "json_duality_view_links json_duality_view_tables geometry_columns st_geometry_columns "
        "spatial_ref_sys",
    ),
    _group(
        Verdict.DERIVED,
        "InnoDB's dictionary and statistics",
        "InnoDB writes it as tables are created and filled",
        info="innodb_columns innodb_fields innodb_foreign innodb_foreign_cols innodb_indexes "
        "innodb_tables innodb_tablestats innodb_virtual innodb_datafiles innodb_tablespaces "
        "innodb_tablespaces_brief innodb_tablespaces_encryption innodb_tablespaces_scrubbing "
        "innodb_sys_columns innodb_sys_datafiles innodb_sys_fields innodb_sys_foreign "
        "innodb_sys_foreign_cols innodb_sys_indexes innodb_sys_tables innodb_sys_tablespaces "
        "innodb_sys_tablestats innodb_sys_virtual innodb_ft_being_deleted innodb_ft_config "
        "innodb_ft_default_stopword innodb_ft_deleted innodb_ft_index_cache innodb_ft_index_table",
        mysql="innodb_index_stats innodb_table_stats",
    ),
    _group(
        Verdict.DERIVED,
        "times of transactions",
        "MariaDB's tables with history by transaction ids, which a backup refuses or strips; "
        "see --allow-loss history",
        mysql="transaction_registry",
    ),
    _group(
        Verdict.OWN,
        "what the version brings",
        "each server of the version has the same; a restore compares what contents need of it",
        info="character_sets collations collation_character_set_applicability engines keywords "
        "sql_functions st_units_of_measure system_variables all_plugins plugins",
        mysql="help_category help_keyword help_relation help_topic",
    ),
    _group(
        Verdict.OWN,
        "time zones",
        "loaded by the administrator of each server",
        mysql="time_zone time_zone_leap_second time_zone_name time_zone_transition "
        "time_zone_transition_type",
    ),
    _group(
        Verdict.OWN,
        "settings",
        "set by the administrator of each server; a restore names those that stand in its way",
        info="global_variables session_variables optimizer_costs",
        mysql="engine_cost server_cost",
    ),
    _group(
        Verdict.OWN,
        "status and running work",
        "says what the server does now",
        info="processlist profiling optimizer_trace global_status session_status user_variables "
        "client_statistics index_statistics table_statistics user_statistics users key_caches "
        "thread_pool_groups thread_pool_queues thread_pool_stats thread_pool_waits "
        "innodb_buffer_page innodb_buffer_page_lru innodb_buffer_pool_stats innodb_cached_indexes "
        "innodb_cmp innodb_cmp_per_index innodb_cmp_per_index_reset innodb_cmp_reset "
        "innodb_cmpmem innodb_cmpmem_reset innodb_lock_waits innodb_locks innodb_metrics "
        "innodb_mutexes innodb_sys_semaphore_waits innodb_session_temp_tablespaces "
        "innodb_temp_table_info innodb_trx",
    ),
    _group(
        Verdict.OWN,
        "files",
        "where this server keeps its data; tables in a place of their own are refused, see "
        "--allow-loss data-directory",
        info="files tablespaces tablespaces_extensions",
    ),
    _group(
        Verdict.OWN,
        "logs",
        "written as the server works",
        mysql="general_log slow_log",
    ),
    _group(
        Verdict.OWN,
        "replication and clusters",
        "the place of this server among others; a backup records the position of its cut",
        info="slave_status wsrep_membership wsrep_status",
        mysql="gtid_executed gtid_slave_pos ndb_binlog_index "
        "replication_asynchronous_connection_failover "
        "replication_asynchronous_connection_failover_managed "
        "replication_group_configuration_version replication_group_member_actions "
        "slave_master_info slave_relay_log_info slave_worker_info wsrep_allowlist wsrep_cluster "
        "wsrep_cluster_members wsrep_streaming_log",
    ),
    _group(
        Verdict.OWN,
        "Spider's bookkeeping",
        "made and filled by the engine",
        info="spider_alloc_mem spider_wrapper_protocols",
        mysql="spider_link_failed_log spider_link_mon_servers spider_table_crd "
        "spider_table_position_for_recovery spider_table_sts spider_tables spider_xa "
        "spider_xa_failed_log spider_xa_member",
    ),
)

SYS_TABLES = frozenset({"sys_config"})
"""Base tables that each server has in its schema sys, in lower case."""

MYSQL_ROUTINES = frozenset({"addgeometrycolumn", "dropgeometrycolumn"})
"""Routines that MariaDB has in its schema mysql, in lower case."""

SYSTEM_DEFINERS = frozenset({"mysql.sys@localhost", "mariadb.sys@localhost"})
"""Accounts that own the views and routines of a server's own schemas."""


def known_tables(schema: str) -> frozenset[str]:
    """Name every table of ``information_schema`` or ``mysql`` that was judged, in lower case."""
    return frozenset(
        name
        for group in GROUPS
        for name in (group.mysql if schema == "mysql" else group.information_schema)
    )
