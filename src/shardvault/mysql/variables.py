"""Judge every variable that a session inherits from the server: pinned, checked or irrelevant.

A test walks the session variables of each server under test and fails on one that is not
named here. A pinned variable is set in our sessions and read back, see ``mysql.state``.
"""

from __future__ import annotations

from collections.abc import Mapping

from shardvault.model.position import Family

Values = Mapping[str, str | None]
"""Variables and the values that they must have; None = NULL."""

READ_MODE = ""
LOAD_MODE = "ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION"

_LIMITLESS = "18446744073709551615"
_DAY_S = "86400"

OPENED: Values = {
    "autocommit": "1",
    "completion_type": "NO_CHAIN",
    "transaction_isolation": "REPEATABLE-READ",
    "tx_isolation": "REPEATABLE-READ",
    "transaction_read_only": "0",
    "tx_read_only": "0",
    "wait_timeout": _DAY_S,
    "idle_transaction_timeout": "0",
    "idle_readonly_transaction_timeout": "0",
    "idle_write_transaction_timeout": "0",
}
"""Set once, when a session is opened; a cut gives its own sessions shorter times."""

_BASE: Values = {
    "sql_mode": READ_MODE,
    "character_set_client": "utf8mb4",
    "character_set_connection": "utf8mb4",
    "character_set_results": None,  # results are raw bytes
    "time_zone": "+00:00",
    "foreign_key_checks": "0",
    "unique_checks": "1",
    "sql_quote_show_create": "1",
    "sql_select_limit": _LIMITLESS,
    "max_join_size": _LIMITLESS,
    "sql_big_selects": "1",  # after max_join_size, which changes it
    "sql_safe_updates": "0",
    "sql_auto_is_null": "0",
    "sql_buffer_result": "0",
    "sql_notes": "1",
    "net_write_timeout": "600",
    "net_read_timeout": "600",
    "lock_wait_timeout": "60",
    "innodb_lock_wait_timeout": "50",
    "lc_messages": "en_US",
    "max_sort_length": "1024",
    "group_concat_max_len": "1048576",
    # Computed columns depend on these; both sides must compute alike.
    "block_encryption_mode": "aes-128-ecb",
    "default_week_format": "0",
    "div_precision_increment": "4",
    "lc_time_names": "en_US",
}
_BASE_OF_FAMILY: Mapping[Family, Values] = {
    Family.MARIADB: {
        "collation_connection": "utf8mb4_general_ci",
        # A definition may leave a default collation to the server; it means the compiled-in one.
        "character_set_collations": "",
        "check_constraint_checks": "0",
        "max_statement_time": "0.000000",
        "max_session_mem_used": "9223372036854775807",
        "tmp_disk_table_size": _LIMITLESS,
        "alter_algorithm": "DEFAULT",
        "default_regex_flags": "",
        "new_mode": "",
        "note_verbosity": "basic,explain",
        "query_cache_type": "OFF",
        "sql_if_exists": "0",
        "standard_compliant_cte": "1",
        "system_versioning_asof": "DEFAULT",
    },
    Family.MYSQL: {
        "collation_connection": "utf8mb4_0900_ai_ci",
        "default_collation_for_utf8mb4": "utf8mb4_0900_ai_ci",
        "max_execution_time": "0",
        "information_schema_stats_expiry": "0",
        "print_identified_with_as_hex": "0",
        "range_optimizer_max_mem_size": "8388608",
        "show_create_table_skip_secondary_engine": "0",
        "show_create_table_verbosity": "0",
        "show_gipk_in_create_table_and_information_schema": "1",
        "terminology_use_previous": "NONE",
    },
}
_CUTTING = ("sql_select_limit", "max_join_size", "sql_big_selects")
LIMITS: Mapping[Family, tuple[str, ...]] = {
    Family.MARIADB: (
        *_CUTTING,
        "max_statement_time",
        "max_session_mem_used",
        "tmp_disk_table_size",
    ),
    Family.MYSQL: (*_CUTTING, "max_execution_time"),
}
"""Variables of the base state that can cut an answer short or refuse it.

Every supported server has them, so that they are set before anything is asked.
"""

_UTF8_IS_UTF8MB3 = (10, 6, 1)  # MariaDB: before, no mode says what utf8 means

LOAD: Values = {
    "sql_mode": LOAD_MODE,
    "auto_increment_increment": "1",
    "auto_increment_offset": "1",
    "binlog_format": "ROW",
    "default_storage_engine": "InnoDB",
    "enforce_storage_engine": None,
    "explicit_defaults_for_timestamp": "1",
    "innodb_compression_default": "0",
    "innodb_strict_mode": "0",  # what the source took is taken; row formats are compared
    "max_error_count": "65535",
    "restrict_fk_on_non_standard_key": "0",
    "sql_generate_invisible_primary_key": "0",
    "sql_require_primary_key": "0",
    "system_versioning_alter_history": "KEEP",
    "system_versioning_insert_history": "1",
}
"""What a load needs besides the base state."""

LEFT_AS_THEY_ARE = {
    "innodb_strict_mode": "a table that InnoDB takes only without it stops the restore before its "
    "rows are loaded",
    "max_error_count": "a load with more harmless warnings than that stops the restore",
}
"""Variables that a load can do without, and what their own value may lead to.

Managed servers give nobody the privilege to set them.
"""

RESTRICTED = frozenset(
    {
        "binlog_format",
        "enforce_storage_engine",
        "sql_generate_invisible_primary_key",
        "sql_require_primary_key",
        *LEFT_AS_THEY_ARE,
    }
)
"""Set only where they differ: setting them needs privileges that a restore does not need."""

_SET_AS_KEYWORD = frozenset({"system_versioning_asof"})
"""Variables whose value is a keyword, not a text."""


def base_state(family: Family, version: tuple[int, int, int]) -> Values:
    """Give the state in which definitions and rows are read."""
    state = {**_BASE, **_BASE_OF_FAMILY[family]}
    if family is Family.MARIADB:
        state["old_mode"] = "UTF8_IS_UTF8MB3" if version >= _UTF8_IS_UTF8MB3 else ""
    return state


def load_state(family: Family, version: tuple[int, int, int]) -> Values:
    """Give the state in which definitions and rows are written, and rows read back."""
    return {**base_state(family, version), **LOAD}


def write_value(name: str, value: str | None) -> str:
    """Write a value as SET takes it."""
    if value is None:
        return "NULL"
    if name in _SET_AS_KEYWORD or value.replace(".", "", 1).isdigit():
        return value
    return f"'{value}'"


CHECKED: Mapping[str, str] = {
    "max_allowed_packet": "fleet.target_settings: the longest row must fit",
    "sql_log_bin": "barrier.links: off in snapshots; no global value is inherited",
}
"""Variables that are judged elsewhere, and where."""

_NO_GLOBAL_VALUE = "only a session has it, and a session with an init_connect is reset"
_PLAN = "chooses how a statement runs, not what it gives"
_MEMORY = "buffers and speed only"
_LOGS = "what a server writes into its own logs"
_BINLOG = "how the owner's binlog records changes; row format is enough for us"
_UNUSED = "no statement of ours uses it"
_OWNER = "a choice of the server's owner that a restore follows"
_NOT_ANNOUNCED = "our driver does not announce that it takes this"

IRRELEVANT: Mapping[str, tuple[str, ...]] = {
    _NO_GLOBAL_VALUE: (
        *("default_master_connection", "error_count", "external_user", "gtid_next", "gtid_owned"),
        *("gtid_seq_no", "identity", "immediate_server_version", "in_transaction", "insert_id"),
        *("last_gtid", "last_insert_id", "original_commit_timestamp", "original_server_version"),
        *("proxy_user", "pseudo_replica_mode", "pseudo_slave_mode", "pseudo_thread_id"),
        *("rand_seed1", "rand_seed2", "require_row_format", "resultset_metadata"),
        *("skip_parallel_replication", "skip_replication", "statement_id", "timestamp"),
        *("transaction_allow_batching", "use_secondary_engine", "warning_count"),
    ),
    _PLAN: (
        *("eq_range_index_dive_limit", "expensive_subquery_limit", "histogram_size"),
        *("in_predicate_conversion_threshold", "join_cache_level", "max_length_for_sort_data"),
        *("max_seeks_for_key", "optimizer_adjust_secondary_key_costs"),
        *("optimizer_extra_pruning_depth", "optimizer_join_limit_pref_ratio"),
        *("optimizer_max_sel_arg_weight", "optimizer_max_sel_args", "optimizer_max_subgraph_pairs"),
        *("optimizer_prune_level", "optimizer_scan_setup_cost", "optimizer_search_depth"),
        *("optimizer_selectivity_sampling_limit", "optimizer_switch", "optimizer_where_cost"),
        *("optimizer_use_condition_selectivity", "secondary_engine_cost_threshold"),
        *("use_stat_tables", "enable_secondary_engine_statistics", "old_alter_table"),
        *("low_priority_updates", "innodb_table_locks", "big_tables"),
    ),
    _MEMORY: (
        *("aria_repair_threads", "aria_sort_buffer_size", "bulk_insert_buffer_size"),
        *("connection_memory_chunk_size", "innodb_ddl_buffer_size", "innodb_ddl_threads"),
        *("innodb_parallel_read_threads", "internal_tmp_mem_storage_engine", "join_buffer_size"),
        *("join_buffer_space_limit", "max_delayed_threads", "max_heap_table_size"),
        *("max_insert_delayed_threads", "max_rowid_filter_size", "mrr_buffer_size"),
        *("myisam_repair_threads", "myisam_sort_buffer_size", "net_buffer_length"),
        *("net_retry_count", "preload_buffer_size", "query_alloc_block_size"),
        *("query_cache_strip_comments", "query_cache_wlock_invalidate", "query_prealloc_size"),
        *("range_alloc_block_size", "read_buffer_size", "read_rnd_buffer_size"),
        *("rowid_merge_buff_size", "select_into_buffer_size", "select_into_disk_sync"),
        *("select_into_disk_sync_delay", "set_operations_buffer_size", "sort_buffer_size"),
        *("tcp_nodelay", "thread_pool_priority", "tmp_memory_table_size", "tmp_table_size"),
        *("transaction_alloc_block_size", "transaction_prealloc_size", "max_tmp_tables"),
        *("default_tmp_storage_engine",),
    ),
    _LOGS: (
        *("log_disabled_statements", "log_queries_not_using_indexes", "log_slow_admin_statements"),
        *("log_slow_always_query_time", "log_slow_disabled_statements", "log_slow_filter"),
        *("log_slow_max_warnings", "log_slow_min_examined_row_limit", "log_slow_query"),
        *("log_slow_query_time", "log_slow_rate_limit", "log_slow_slave_statements"),
        *("log_slow_verbosity", "log_warnings", "long_query_time", "min_examined_row_limit"),
        *("profiling", "profiling_history_size", "slow_query_log", "sql_log_off", "sql_warnings"),
    ),
    _BINLOG: (
        *("binlog_alter_two_phase", "binlog_annotate_row_events", "binlog_row_image"),
        *("binlog_direct_non_transactional_updates", "binlog_row_value_options"),
        *("binlog_rows_query_log_events", "binlog_transaction_compression"),
        *("binlog_transaction_compression_level_zstd", "gtid_domain_id", "max_relay_log_size"),
        *("rbr_exec_mode", "server_id", "sql_slave_skip_counter"),
        *("group_replication_consistency", "xa_detach_on_prepare"),
    ),
    _UNUSED: (
        *("analyze_max_length", "analyze_sample_percentage", "aria_stats_method"),
        *("character_set_database", "character_set_filesystem", "character_set_server"),
        *("collation_database", "collation_server", "cte_max_recursion_depth"),
        *("deadlock_search_depth_long", "deadlock_search_depth_short", "deadlock_timeout_long"),
        *("deadlock_timeout_short", "enable_cascade_triggers", "end_markers_in_json"),
        *("explain_format", "explain_json_format_version", "external_table_storage_engine"),
        *("external_table_secondary_storage_engine", "generated_random_password_length"),
        *("histogram_generation_max_mem_size", "histogram_type", "innodb_snapshot_isolation"),
        *("interactive_timeout", "keep_files_on_create", "max_points_in_geometry"),
        *("max_recursive_iterations", "max_sp_recursion_depth", "mhnsw_default_distance"),
        *("mhnsw_default_m", "mhnsw_ef_search", "myisam_stats_method", "old", "old_passwords"),
        *("optimizer_trace", "optimizer_trace_features", "optimizer_trace_limit"),
        *("optimizer_trace_max_mem_size", "optimizer_trace_offset", "storage_engine"),
        *("updatable_views_with_limit", "windowing_use_high_precision"),
    ),
    _OWNER: (
        *("column_compression_threshold", "column_compression_zlib_level"),
        *("column_compression_zlib_strategy", "column_compression_zlib_wrap"),
        *(
            "connection_memory_limit",
            "default_table_encryption",
            "global_connection_memory_tracking",
        ),
        *("innodb_default_encryption_key_id", "innodb_ft_enable_stopword"),
        *("innodb_ft_user_stopword_table", "innodb_tmpdir", "max_tmp_session_space_usage"),
        *("max_user_connections", "parser_max_mem_size"),
        *("wsrep_causal_reads", "wsrep_dirty_reads", "wsrep_gtid_seq_no", "wsrep_on"),
        *("wsrep_osu_method", "wsrep_retry_autocommit", "wsrep_sync_wait"),
        *("wsrep_trx_fragment_size", "wsrep_trx_fragment_unit"),
    ),
    _NOT_ANNOUNCED: (
        *("progress_report_time", "redirect_url", "session_track_gtids", "session_track_schema"),
        *("session_track_state_change", "session_track_system_variables"),
        *("session_track_transaction_info",),
    ),
}
"""Reasons, and the variables that they hold for."""


def judgements(family: Family) -> dict[str, str]:
    """Give for each judged variable of a family what was decided, in a few words."""
    pinned = {**_BASE, **_BASE_OF_FAMILY[family], "old_mode": ""}
    return {
        **{name: reason for reason, names in IRRELEVANT.items() for name in names},
        **CHECKED,
        **dict.fromkeys(pinned, "pinned"),
        **dict.fromkeys(OPENED, "pinned"),
        **dict.fromkeys(LOAD, "pinned for a load"),
    }
