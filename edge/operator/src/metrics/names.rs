//! Names of numbers that are always there.

/// Below `master/`: 0 until something is counted, and for ever where it never happens here.
pub(super) const MASTER: [&str; 85] = [
    "cpus_revocable_percent",
    "cpus_revocable_total",
    "cpus_revocable_used",
    "disk_revocable_percent",
    "disk_revocable_total",
    "disk_revocable_used",
    "gpus_revocable_percent",
    "gpus_revocable_total",
    "gpus_revocable_used",
    "mem_revocable_percent",
    "mem_revocable_total",
    "mem_revocable_used",
    "dropped_messages",
    "event_queue_dispatches",
    "event_queue_http_requests",
    "event_queue_messages",
    "http_cache_hits",
    "invalid_executor_to_framework_messages",
    "invalid_framework_to_executor_messages",
    "invalid_operation_status_update_acknowledgements",
    "invalid_operation_status_updates",
    "invalid_status_update_acknowledgements",
    "invalid_status_updates",
    "messages_authenticate",
    "messages_deactivate_framework",
    "messages_decline_offers",
    "messages_executor_to_framework",
    "messages_exited_executor",
    "messages_framework_to_executor",
    "messages_kill_task",
    "messages_launch_tasks",
    "messages_operation_status_update",
    "messages_operation_status_update_acknowledgement",
    "messages_reconcile_operations",
    "messages_reconcile_tasks",
    "messages_register_framework",
    "messages_register_slave",
    "messages_reregister_framework",
    "messages_reregister_slave",
    "messages_resource_request",
    "messages_revive_offers",
    "messages_status_update",
    "messages_status_update_acknowledgement",
    "messages_suppress_offers",
    "messages_unregister_framework",
    "messages_unregister_slave",
    "messages_update_slave",
    "operations/dropped",
    "operations/error",
    "operations/failed",
    "operations/finished",
    "operations/gone_by_operator",
    "operations/pending",
    "operations/recovering",
    "operations/total",
    "operations/unreachable",
    "operator_event_stream_subscribers",
    "recovery_slave_removals",
    "slave_registrations",
    "slave_removals",
    "slave_removals/reason_registered",
    "slave_removals/reason_unhealthy",
    "slave_removals/reason_unregistered",
    "slave_reregistrations",
    "slave_shutdowns_canceled",
    "slave_shutdowns_completed",
    "slave_shutdowns_scheduled",
    "slave_unreachable_canceled",
    "slave_unreachable_completed",
    "slave_unreachable_scheduled",
    "slaves_unreachable",
    "tasks_dropped",
    "tasks_error",
    "tasks_failed",
    "tasks_finished",
    "tasks_gone",
    "tasks_gone_by_operator",
    "tasks_killed",
    "tasks_lost",
    "valid_executor_to_framework_messages",
    "valid_framework_to_executor_messages",
    "valid_operation_status_update_acknowledgements",
    "valid_operation_status_updates",
    "valid_status_update_acknowledgements",
    "valid_status_updates",
];

/// Operations that Mesos counts apart, below `master/operations/`; none of them is ever done here.
pub(super) const OPERATIONS: [&str; 8] = [
    "create",
    "create_disk",
    "destroy",
    "destroy_disk",
    "grow_volume",
    "reserve",
    "shrink_volume",
    "unreserve",
];

/// What becomes of operations.
pub(super) const OUTCOMES: [&str; 9] = [
    "dropped",
    "error",
    "failed",
    "finished",
    "gone_by_operator",
    "pending",
    "recovering",
    "total",
    "unreachable",
];

/// Full names with the value that says that nothing is wrong: there is no registrar and no queue that could be late.
pub(super) const FIXED: [(&str, f64); 7] = [
    ("allocator/event_queue_dispatches", 0.0),
    ("allocator/mesos/event_queue_dispatches", 0.0),
    ("allocator/mesos/allocation_runs", 0.0),
    ("registrar/log/ensemble_size", 1.0),
    ("registrar/log/recovered", 1.0),
    ("registrar/queued_operations", 0.0),
    ("registrar/registry_size_bytes", 0.0),
];

/// Where numbers of the machine have full names, rather than names below `master/`.
pub(super) const FULL: [&str; 4] = ["allocator/", "frameworks/", "longshore/", "registrar/"];

/// Calls of a framework.
pub(super) const CALLS: [&str; 17] = [
    "accept",
    "accept_inverse_offers",
    "acknowledge",
    "acknowledge_operation_status",
    "decline",
    "decline_inverse_offers",
    "kill",
    "message",
    "reconcile",
    "reconcile_operations",
    "request",
    "revive",
    "shutdown",
    "subscribe",
    "suppress",
    "teardown",
    "update_framework",
];

/// Events that a framework is sent.
pub(super) const EVENTS: [&str; 11] = [
    "error",
    "failure",
    "heartbeat",
    "inverse_offers",
    "message",
    "offers",
    "rescind",
    "rescind_inverse_offer",
    "subscribed",
    "update",
    "update_operation_status",
];

/// What becomes of offers to a framework.
pub(super) const OFFERS: [&str; 4] = ["accepted", "declined", "rescinded", "sent"];

/// Operations of a framework.
pub(super) const FRAMEWORK_OPERATIONS: [&str; 10] = [
    "create",
    "create_disk",
    "destroy",
    "destroy_disk",
    "grow_volume",
    "launch",
    "launch_group",
    "reserve",
    "shrink_volume",
    "unreserve",
];

/// States of tasks of a framework that are not their end.
pub(super) const ACTIVE: [&str; 6] = [
    "task_killing",
    "task_running",
    "task_staging",
    "task_starting",
    "task_unknown",
    "task_unreachable",
];

/// States of tasks of a framework that are.
pub(super) const TERMINAL: [&str; 8] = [
    "task_dropped",
    "task_error",
    "task_failed",
    "task_finished",
    "task_gone",
    "task_gone_by_operator",
    "task_killed",
    "task_lost",
];
