//! Bounds, and times to wait.

/// Environments. Source: chosen by us: more than clusters of an account have reason for.
pub const ENVIRONMENTS_MAX: usize = 1_000;
/// Revisions that are kept of an environment. Source: chosen by us, as for deployments.
pub const REVISIONS_MAX: usize = 100;
/// Deployments that are kept of an environment. Source: chosen by us: what people look back on.
pub const DEPLOYMENTS_MAX: usize = 100;
/// Environments that wait for an answer of ECS before they are made or changed. Source: chosen by us: each is a request of a
/// client that waits.
pub const PENDING_MAX: usize = 256;
/// Clusters that are watched. Source: chosen by us: ECS allows 10,000 in an account, most of which are empty.
pub const CLUSTERS_MAX: usize = 1_000;
/// Changes that can be replayed. Source: chosen by us: 5 s at the fastest that is promised, hours on a common day.
pub const LOG_CHANGES_MAX: usize = 50_000;
/// Entity versions that are set aside with one write. Source: chosen by us: one write for so many changes.
pub const VERSIONS_RESERVED: u64 = 100_000;
/// ARNs of what is gone that are remembered, so that a late event does not bring it back. Source: chosen by us.
pub const GONE_MAX: usize = 50_000;
/// What was told so shortly before a reading was asked for is not believed to be gone for that the reading did not show it, in
/// ms. Source: chosen by us: lists of ECS are eventually consistent, within seconds.
pub const FRESH_MS: u64 = 10_000;
/// How long a task that has stopped is shown, in ms. Source: ECS developer guide: stopped tasks appear for at least one hour.
pub const STOPPED_KEPT_MS: u64 = 60 * 60 * 1_000;

/// Between readings of a cluster whose changes no event tells, in ms. Source: chosen by us.
pub const READ_MS: u64 = 2_000;
/// Between readings of a cluster whose events were just missed, in ms; it doubles while none are. Source: chosen by us.
pub const CHECK_MIN_MS: u64 = 5_000;
/// Between readings of a cluster all of whose changes events tell, in ms. Source: chosen by us; Blox read every 20 minutes.
pub const CHECK_MAX_MS: u64 = 60_000;
/// Between a reading that failed and the next, in ms. Source: chosen by us.
pub const READ_RETRY_MS: u64 = 2_000;
/// Share of the request budget that readings use: ms for each request. Source: ECS developer guide, *Request throttling*: 20
/// per second; half of them.
pub const REQUEST_MS: u64 = 100;
/// Between looks at tasks that are about to change, in ms. Source: chosen by us: events are faster, this is for lost ones.
pub const HOT_MS: u64 = 1_000;
/// Tasks that such a look reads. Source: ECS API reference, *`DescribeTasks`*.
pub const HOT_MAX: usize = 100;
/// Between readings of the list of clusters, in ms. Source: chosen by us.
pub const CLUSTERS_MS: u64 = 60_000;
/// The same while it cannot be read, in ms. Source: chosen by us.
pub const CLUSTERS_RETRY_MS: u64 = 5_000;

/// Between looks for a task whose start was not answered, in ms. Source: chosen by us.
pub const SETTLE_MS: u64 = 1_000;
/// Looks that must not have found it before it is believed not to be. Source: chosen by us: ECS is eventually consistent
/// within seconds; Blox waited a minute, with one look.
pub const SETTLE_LOOKS: u32 = 15;
/// Until what was not done is tried again, in ms. Source: chosen by us.
pub const RETRY_MS: u64 = 1_000;
/// Until a task that an instance did not take, or that ended by itself, is tried again, in ms; it doubles each time.
/// Source: chosen by us.
pub const TROUBLE_MIN_MS: u64 = 2_000;
/// The most of that, in ms. Source: chosen by us; Blox tried about once a minute.
pub const TROUBLE_MAX_MS: u64 = 120_000;
/// A task that ran for so long before it ended begins anew at once, in ms. Source: chosen by us.
pub const STEADY_MS: u64 = 60_000;
/// After the last start of a deployment until it is written down that none is under way, in ms. Source: chosen by us: instances
/// come in groups.
pub const CLOSE_MS: u64 = 3_000;
