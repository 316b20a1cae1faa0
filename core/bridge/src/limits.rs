//! The bounds and intervals that the bridge keeps to.

/// Between heartbeats of a stream, in ms. Source: chosen by us: Mesos's 15 s starve clients that read by lines and end
/// those that give up after 10 s of silence.
pub const HEARTBEAT_MS: u64 = 5_000;
/// First repeat of an unacknowledged update, in ms; it doubles. Source: Mesos, `STATUS_UPDATE_RETRY_INTERVAL_MIN`.
pub const UPDATE_RETRY_MS_MIN: u64 = 10_000;
/// Longest time between repeats, in ms. Source: Mesos, `STATUS_UPDATE_RETRY_INTERVAL_MAX`.
pub const UPDATE_RETRY_MS_MAX: u64 = 600_000;
/// How long declined resources are not offered again, in ms. Source: Mesos, `Filters.refuse_seconds`.
pub const REFUSE_MS: u64 = 5_000;
/// Shortest filter but none, in ms, so that it outlives the next allocation. Source: Mesos, `--allocation_interval`.
pub const REFUSE_MS_MIN: u64 = 1_000;
/// Longest filter, in ms. Source: Mesos: 365 days.
pub const REFUSE_MS_MAX: u64 = 365 * 24 * 3_600_000;
/// How long an allocation waits for more to allocate, in ms. Source: chosen by us.
pub const ALLOCATION_DELAY_MS: u64 = 2;
/// Least CPU of an offer, in thousandths. Source: Mesos, `min_allocatable_resources`.
pub const OFFER_CPUS_MILLI_MIN: u64 = 10;
/// Least memory of an offer, in thousandths of a MB. Source: Mesos, `min_allocatable_resources`.
pub const OFFER_MEM_MILLI_MIN: u64 = 32_000;
/// Completed tasks kept of a framework. Source: Mesos, `max_completed_tasks_per_framework`.
pub const COMPLETED_TASKS_MAX: usize = 1_000;
/// Completed frameworks kept. Source: Mesos, `max_completed_frameworks`.
pub const COMPLETED_FRAMEWORKS_MAX: usize = 50;
/// Frameworks that may be known at a time. Source: chosen by us.
pub const FRAMEWORKS_MAX: usize = 10_000;
/// Roles that one framework may name. Source: chosen by us: more than anyone uses; Mesos has no bound.
pub const ROLES_PER_FRAMEWORK_MAX: usize = 10_000;
/// Roles that all frameworks together may name. Source: chosen by us: an allocation looks at each.
pub const ROLES_MAX: usize = 50_000;
/// Bytes of one `FrameworkInfo`. Source: chosen by us: more than so many roles take.
pub const FRAMEWORK_INFO_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of the `FrameworkInfo` of all frameworks. Source: chosen by us, since they are kept.
pub const FRAMEWORK_INFOS_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes of one `TaskInfo`. Source: chosen by us; a task definition of ECS has at most 64 KiB.
pub const TASK_BYTES_MAX: usize = 256 * 1024;
/// Filters that a framework may have for one role on one agent. Source: chosen by us; the one that ends first gives way.
pub const FILTERS_PER_OFFER_MAX: usize = 16;
/// Filters that a framework may have. Source: chosen by us; beyond it what is declined may be offered again at once.
pub const FILTERS_PER_FRAMEWORK_MAX: usize = 200_000;
/// Filters that all frameworks together may have. Source: chosen by us: about 600 MB.
pub const FILTERS_MAX: usize = 2_000_000;
/// Names of scalars that filters share. Source: chosen by us: far more than agents have.
pub const FILTER_NAMES_MAX: usize = 1_000;
/// Alternative minimal resources of one role. Source: chosen by us, since each look at an agent tests them.
pub const MINIMUMS_PER_ROLE_MAX: usize = 16;
/// Attribute constraints of one framework. Source: chosen by us, since each look at an agent may test them.
pub const CONSTRAINTS_PER_FRAMEWORK_MAX: usize = 1_000;
/// Bytes of a regular expression of an offer constraint. Source: Mesos: its compiled form has at most 100 instructions, of
/// which each byte of text takes one.
pub const PATTERN_BYTES_MAX: usize = 1_024;
/// Bytes of its compiled form. Source: Mesos allows RE2 4,096, whose form is denser.
pub const PATTERN_COMPILED_BYTES_MAX: usize = 64 * 1024;
/// How deep its groups may be nested. Source: chosen by us.
pub const PATTERN_NESTING_MAX: u32 = 64;
/// Levels of roles that compete by themselves; deeper ones compete as one. Source: chosen by us.
pub const ROLE_DEPTH_MAX: usize = 32;
/// Filters of a framework that are ended together. Source: chosen by us: a millisecond of work.
pub const ENDS_TOGETHER_MAX: usize = 1_000;
/// Timers that go off in one step. Source: chosen by us: a few milliseconds of work.
pub const TIMERS_PER_TICK_MAX: usize = 1_000;
/// What one slice of work that goes on may cost, in units of about a microsecond. Source: chosen by us.
pub const UNITS_PER_SLICE: usize = 5_000;
/// Events of a stream from one mark to the next. Source: chosen by us: enough for the next batch to be there before the last is
/// read.
pub const EVENTS_PER_MARK: u32 = 512;
/// Answers, or questions to be answered one by one, that may wait for a stream. Source: chosen by us.
pub const ANSWERS_WAITING_MAX: usize = 1_024;
/// Bytes of questions of one stream that wait to be answered. Source: chosen by us: two of the largest calls.
pub const QUESTIONS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of questions of all streams that wait to be answered. Source: chosen by us.
pub const QUESTIONS_BYTES_MAX_ALL: usize = 256 * 1024 * 1024;
/// Bytes of a question that is taken however many others wait. Source: chosen by us: times the number of connections they are
/// as much as all others.
pub const QUESTION_BYTES_SMALL: usize = 64 * 1024;
/// Tasks of a question that are left unanswered in a row, right after a start. Source: chosen by us: a few milliseconds of work.
pub const UNANSWERED_MAX: usize = 10_000;
/// Live tasks of one framework. Source: chosen by us, so that one framework cannot use up all memory.
pub const TASKS_PER_FRAMEWORK_MAX: usize = 100_000;
/// Tasks of one group. Source: ECS: a task definition has at most 10 containers, of which one is the executor.
pub const TASKS_PER_GROUP_MAX: usize = 9;
/// Updates of one task that may wait for acknowledgement. Source: chosen by us; older ones give way, the last stays.
pub const UPDATES_PER_TASK_MAX: usize = 16;
/// How long a task may be on its way before `TASK_STARTING` is sent, in ms. Source: chosen by us: frameworks give up on a
/// task that they hear nothing of, and some forget one that they hear `TASK_STARTING` of.
pub const STARTING_AFTER_MS: u64 = 2_000;
/// Between looks for a launch whose reply was lost, in ms. Source: chosen by us.
pub const SETTLE_MS: u64 = 1_000;
/// How often a lost launch is looked for in vain before it counts as never made. Source: chosen by us: together longer
/// than an attempt of the client may take.
pub const SETTLE_LOOKS: u32 = 15;
/// Between attempts at stopping a task, in ms. Source: chosen by us.
pub const STOP_RETRY_MS: u64 = 5_000;
/// How long a task definition that was found is not looked up again, in ms. Source: chosen by us.
pub const DEFINITION_FRESH_MS: u64 = 10_000;
/// Task definitions that are remembered, by name and by content. Source: chosen by us; the oldest gives way and is looked up again.
pub const DEFINITIONS_MAX: usize = 4_096;
/// How long after ECS accepted a task reads may say that there is none, in ms. Source: chosen by us; ECS's documentation asks clients to
/// describe a task that was just started again and again, up to 5 minutes.
pub const MISSING_MS: u64 = 60_000;
/// How long reserved resources may go unseen in the cluster's own figures, in ms. Source: chosen by us; ECS is eventually
/// consistent within a second or so.
pub const UNSEEN_MS_MAX: u64 = 10_000;
/// Launches whose instances are asked about together, since nothing has shown them. Source: chosen by us: a few milliseconds of work.
pub const UNSEEN_ASKED_MAX: usize = 10_000;
/// Characters of an id that a framework chooses. Source: Mesos, `validateID`.
pub const ID_BYTES_MAX: usize = 255;
/// Between repeats of a reading that failed, in ms. Source: chosen by us.
pub const READ_RETRY_MS: u64 = 1_000;
/// From the end of a sweep over all tasks to the begin of the next, in ms. Source: chosen by us.
pub const SWEEP_MS: u64 = 30_000;
/// Tasks of one batch of a sweep. Source: chosen by us: ten requests, half a second of the documented budget.
pub const SWEEP_TASKS_MAX: usize = 1_000;
/// How long events are still asked for when nobody is there to be told, in ms. Source: chosen by us: a framework that
/// fails over is back before.
pub const FEED_LINGER_MS: u64 = 60_000;
/// How late the event of a change may be that has been read, in ms. Source: chosen by us; EventBridge delivers in
/// well under a second.
pub const EVENT_LATE_MS: u64 = 10_000;
/// Changes whose events are waited for at a time. Source: chosen by us.
pub const OWED_MAX: usize = 1_000;
/// How long a change that events should tell goes without being asked about, in ms. Source: chosen by us.
pub const TRUST_MS: u64 = 1_000;
/// Between looks for a launch that was given up, in ms. Source: chosen by us.
pub const GIVEN_UP_LOOK_MS: u64 = 30_000;
/// When, after recovery, launches of the last master are looked for that it did not show yet, in ms. Source: chosen by us:
/// a request that was on its way takes effect, and shows, within seconds.
pub const STRAY_LOOKS_MS: [u64; 5] = [2_000, 5_000, 15_000, 30_000, 60_000];
/// When those looks are over, in ms after recovery. Source: chosen by us: the last one has been answered or has failed.
pub const STRAY_LOOKS_END_MS: u64 = 75_000;
/// Bytes of questions of a framework that wait until those looks are over. Source: chosen by us: some 20,000; it may ask about more again.
pub const DEFERRED_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The same of all frameworks together. Source: chosen by us.
pub const DEFERRED_BYTES_MAX_ALL: usize = 64 * 1024 * 1024;
/// How long a launch that was given up is looked for, in ms. Source: chosen by us: far longer than a request lives.
pub const GIVEN_UP_MS: u64 = 600_000;
/// How long an agent may be away before it is unreachable, in ms, unless an operator says otherwise. Source: \[T32\], Mesos:
/// `agent_ping_timeout` times `max_agent_ping_timeouts`.
pub const AGENT_AWAY_MS: u64 = 75_000;
/// Agents that are remembered as gone. Source: \[R8\], Mesos, `registry_max_agent_count`; the oldest gives way.
pub const GONE_AGENTS_MAX: usize = 102_400;
/// Machines of a maintenance schedule, and of one call about them. Source: chosen by us: several times the instances of the largest cluster
/// of ECS.
pub const MACHINES_MAX: usize = 20_000;
/// Decisions about agents that ECS is being told of at a time. Source: chosen by us: operators wait for each.
pub const DECISIONS_MAX: usize = 1_000;
/// How often ECS is told of a decision that somebody waits for. Source: chosen by us.
pub const DECISION_ATTEMPTS: u32 = 10;
/// Between attempts at that, in ms. Source: chosen by us.
pub const DECISION_RETRY_MS: u64 = 1_000;
/// How far the clock of another master may be ahead, in ms. Source: chosen by us: a day.
pub const CLOCKS_DIFFER_MS_MAX: u64 = 24 * 3_600_000;
/// How long ECS may show something older than the last decision about an agent before it is told again, in ms. Source: chosen by us: reads
/// and events lag by less, mostly.
pub const DECISION_DOUBT_MS: u64 = 30_000;
/// Seconds from SIGTERM to SIGKILL for a task without a kill policy. Source: \[A12\], Mesos's command and default executors;
/// its Docker executor takes the 5 s of the agent's setting.
pub const KILL_GRACE_S: u32 = 3;
/// Least seconds of `stopTimeout`. Source: amazon-ecs-agent, `stopContainer`: it takes zero for its own default of 30.
pub const STOP_TIMEOUT_S_MIN: u32 = 1;
/// Characters of the overrides of one container as JSON besides its name, command and environment. Source: chosen by us:
/// brackets, names of members and two numbers of ten digits, with some to spare.
pub const OVERRIDES_FRAME_CHARS: usize = 128;
/// Longest delay, interval or grace period of a check, in ms. Source: chosen by us: 365 days, as for filters.
pub const CHECK_MS_MAX: u64 = 365 * 24 * 3_600_000;
/// Least time from the end of one probe of a task to the next, in ms. Source: chosen by us: Mesos takes 0, where each agent probes only
/// its own tasks.
pub const PROBE_INTERVAL_MS_MIN: u64 = 1_000;
/// How long a probe may take at most, in ms, and how long one without a limit. Source: chosen by us: three times Mesos's default, so that
/// what never answers does not hold a place for ever.
pub const PROBE_TIMEOUT_MS_MAX: u64 = 60_000;
/// Longest time over which the first probes of tasks are spread that were taken over at a start, in ms. Source: chosen by us.
pub const PROBE_SPREAD_MS_MAX: u64 = 60_000;
/// Bytes of the path of an HTTP check, escaped. Source: chosen by us: it travels in the overrides of a task.
pub const CHECK_PATH_BYTES_MAX: usize = 2_048;
