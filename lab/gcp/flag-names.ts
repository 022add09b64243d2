/** The flags of Cloud SQL for PostgreSQL that these binaries have. Source: "Configure database flags", list of supported flags; left out
 *  are those of extensions that these binaries lack, and `password_encryption`, since logins here are SCRAM alone. */
const FAMILIES: Readonly<Record<string, string>> = {
  autovacuum:
    'analyze_scale_factor analyze_threshold freeze_max_age max_workers multixact_freeze_max_age naptime vacuum_cost_delay vacuum_cost_limit vacuum_insert_scale_factor vacuum_insert_threshold vacuum_scale_factor vacuum_threshold work_mem',
  bgwriter: 'delay flush_after lru_maxpages lru_multiplier',
  checkpoint: 'completion_target flush_after timeout warning',
  cpu: 'index_tuple_cost operator_cost tuple_cost',
  default: 'statistics_target transaction_deferrable transaction_isolation transaction_read_only toast_compression',
  enable:
    'async_append bitmapscan gathermerge hashagg hashjoin incremental_sort indexonlyscan indexscan material memoize mergejoin nestloop parallel_append parallel_hash partition_pruning partitionwise_aggregate partitionwise_join presorted_aggregate seqscan sort tidscan group_by_reordering',
  geqo: 'effort generations pool_size seed selection_bias threshold',
  jit: 'above_cost inline_above_cost optimize_above_cost',
  log: 'autovacuum_min_duration checkpoints connections disconnections duration error_verbosity executor_stats hostname line_prefix lock_waits min_duration_sample min_duration_statement min_error_statement min_messages parameter_max_length parameter_max_length_on_error parser_stats planner_stats recovery_conflict_waits replication_commands statement statement_sample_rate statement_stats temp_files transaction_sample_rate',
  max: 'connections locks_per_transaction logical_replication_workers parallel_maintenance_workers parallel_workers parallel_workers_per_gather pred_locks_per_page pred_locks_per_relation pred_locks_per_transaction prepared_transactions replication_slots slot_wal_keep_size standby_archive_delay standby_streaming_delay sync_workers_per_subscription wal_senders wal_size worker_processes',
  min: 'parallel_index_scan_size parallel_table_scan_size wal_size',
  parallel: 'leader_participation setup_cost tuple_cost',
  tcp: 'keepalives_count keepalives_idle keepalives_interval',
  track: 'activities activity_query_size commit_timestamp counts functions io_timing wal_io_timing',
  vacuum:
    'cost_delay cost_limit cost_page_dirty cost_page_hit cost_page_miss failsafe_age freeze_min_age freeze_table_age multixact_failsafe_age multixact_freeze_min_age multixact_freeze_table_age',
  wal: 'compression receiver_timeout sender_timeout',
}

const SINGLE =
  'autovacuum backend_flush_after client_connection_check_interval commit_delay commit_siblings constraint_exclusion cursor_tuple_fraction deadlock_timeout effective_cache_size effective_io_concurrency from_collapse_limit geqo gin_fuzzy_search_limit gin_pending_list_limit hash_mem_multiplier hot_standby_feedback idle_in_transaction_session_timeout idle_session_timeout jit join_collapse_limit lock_timeout logical_decoding_work_mem maintenance_io_concurrency maintenance_work_mem old_snapshot_threshold plan_cache_mode random_page_cost seq_page_cost shared_buffers standard_conforming_strings statement_timeout synchronize_seqscans synchronous_commit temp_buffers temp_file_limit TimeZone work_mem'

export const FLAG_NAMES: ReadonlySet<string> = new Set([
  ...Object.entries(FAMILIES).flatMap(([family, names]) => names.split(' ').map((name) => `${family}_${name}`)),
  ...SINGLE.split(' '),
])
