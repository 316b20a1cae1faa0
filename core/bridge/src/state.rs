//! All that the bridge knows, and accessors to it. No policy.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use longshore_machine::{Ids, Timestamp};
use longshore_replica::{Ask, Instance, Pace, Replica};
use longshore_wire_ecs::Str;

use crate::allocate::Run;
use crate::amounts::Amounts;
use crate::book::{Book, Offered};
use crate::config::Config;
use crate::definition::Definitions;
use crate::framework::Framework;
use crate::launch::Launch;
use crate::limits;
use crate::machine::{Asked, CallId, Output, Page, StreamKey};
use crate::outbox::Outbox;
use crate::ranges::Ranges;
use crate::shares::Shares;
use crate::work::Work;

/// Something that is due at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    Heartbeat(StreamKey),
    Failover(Str),
    Repeat(Str),
    Settle(Str),
    Starting(Str),
    Stop(Str),
    Recover,
    Strays,
    StraysOver,
    /// Of a framework.
    Filters(Str),
    Offer(Str),
    Definitions,
    Unlisten,
    EventDue(Str),
}

/// Why something was asked of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Purpose {
    /// Part of recovery.
    Recover,
    /// A look for launches that recovery did not see yet.
    Strays,
    /// The regular reading of instances; whether it is complete.
    Instances { complete: bool, sequence: u64, asked_at: Timestamp },
    /// The instances of launches that should show in their figures.
    Unseen { sequence: u64 },
    /// The regular reading of tasks.
    Tasks,
    /// A batch of the sweep over all tasks that live.
    Sweep,
    /// A definition, by the key under which launches wait for it.
    Definition(String),
    /// The start of a launch.
    Start(Str),
    /// A look for a launch whose reply was lost.
    Find(Str),
    /// The end of a launch.
    Stop(Str),
}

/// Launches that hold something of one instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OnInstance {
    pub(crate) all: BTreeSet<Str>,
    /// Those whose reservations do not show in the figures of the instance yet.
    pub(crate) unseen: BTreeSet<Str>,
    /// What those reserve together, in CPU units and MiB.
    unseen_cpu: u64,
    unseen_memory: u64,
    /// What all claim of the disk together, in thousandths of a MB.
    disk: u64,
    /// Those that claim ports.
    with_ports: BTreeSet<Str>,
}

impl OnInstance {
    /// Counts a launch where it belongs now; true if it is among all, or is not, only since now. An instance may have a hundred
    /// thousand launches, so what they hold together is kept and not added up again.
    pub(crate) fn count(&mut self, launch: &Launch) -> bool {
        let (id, holds) = (&launch.id, launch.holds());
        if member(&mut self.unseen, id, holds && launch.unseen) {
            let unseen = holds && launch.unseen;
            change(&mut self.unseen_cpu, u64::from(launch.cpu_units), unseen);
            change(&mut self.unseen_memory, u64::from(launch.memory_mib), unseen);
        }
        let has_changed = member(&mut self.all, id, holds);
        if has_changed {
            change(&mut self.disk, launch.claim.scalar("disk"), holds);
            member(&mut self.with_ports, id, holds && !launch.claim.ports.is_empty());
        }
        has_changed
    }
}

/// Puts an id into a set or takes it out; true if that changed the set.
fn member(set: &mut BTreeSet<Str>, id: &Str, belongs: bool) -> bool {
    if belongs { set.insert(id.clone()) } else { set.remove(id) }
}

fn change(sum: &mut u64, by: u64, is_more: bool) {
    *sum = if is_more { sum.saturating_add(by) } else { sum.saturating_sub(by) };
}

/// Counters of what happened, for `/metrics/snapshot`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) by_name: BTreeMap<&'static str, u64>,
    pub(crate) calls: BTreeMap<&'static str, u64>,
    /// Events that were told.
    pub(crate) events: u64,
    /// Events between which versions were missing.
    pub(crate) event_gaps: u64,
    /// Requests that read the cluster, as far as they are known when they are asked for.
    pub(crate) reads: u64,
}

/// How many requests of the ECS API a reading takes, at least.
fn requests(ask: &Ask) -> u64 {
    match ask {
        Ask::ListInstances | Ask::ListTasks { .. } => 2,
        Ask::DescribeInstances(arns) | Ask::DescribeTasks(arns) => arns.len().div_ceil(100) as u64,
        Ask::FindTasks { .. } => 3,
        Ask::DescribeDefinition(_) => 1,
        Ask::RegisterDefinition(_) | Ask::StartTask(_) | Ask::StopTask { .. } => 0,
    }
}

/// The bridge.
#[derive(Debug)]
pub struct Bridge {
    pub(crate) config: Config,
    pub(crate) ids: Ids,
    /// Id of this master, new with every start.
    pub(crate) master_id: String,
    pub(crate) replica: Replica,
    pub(crate) frameworks: BTreeMap<Str, Framework>,
    pub(crate) completed: VecDeque<Framework>,
    pub(crate) frameworks_made: u64,
    /// The framework of each stream.
    pub(crate) streams: BTreeMap<StreamKey, Str>,
    pub(crate) outboxes: BTreeMap<StreamKey, Outbox>,
    pub(crate) streams_made: u64,
    /// A stream that the call at hand opens.
    pub(crate) opening: Option<(StreamKey, String)>,
    pub(crate) offers: Book,
    pub(crate) offers_made: u64,
    /// What launches and offers hold.
    pub(crate) shares: Shares,
    pub(crate) work: Work,
    /// Pages that are being written, and who waits for the next of each.
    pub(crate) pages: BTreeMap<Page, Vec<CallId>>,
    pub(crate) launches: BTreeMap<Str, Launch>,
    /// Launches that hold something, by ARN of their instance.
    pub(crate) by_instance: BTreeMap<Str, OnInstance>,
    /// Instances of which more may be taken than was claimed.
    pub(crate) doubted: BTreeSet<Str>,
    /// Launches that ECS has and that are not over.
    pub(crate) live: BTreeSet<Str>,
    /// Those of them that are about to change.
    pub(crate) hot: BTreeSet<Str>,
    /// Those that ECS has and whose reservations do not show in the figures of their instances yet.
    pub(crate) unseen: BTreeSet<Str>,
    /// Launches that were given up and must not run, and since when.
    pub(crate) given_up: BTreeMap<Str, Timestamp>,
    /// Launch ids by the ARN of their task.
    pub(crate) by_arn: BTreeMap<Str, Str>,
    pub(crate) definitions: Definitions,
    pub(crate) asked: BTreeMap<Asked, Purpose>,
    pub(crate) asked_made: u64,
    pub(crate) timers: BTreeSet<(Timestamp, Timer)>,
    pub(crate) allocate_at: Option<Timestamp>,
    /// The allocation that goes on.
    pub(crate) allocation: Option<Run>,
    pub(crate) instance_pace: Pace,
    pub(crate) task_pace: Pace,
    pub(crate) unseen_pace: Pace,
    pub(crate) seen: crate::seen::Seen,
    pub(crate) listed_at: Timestamp,
    pub(crate) sweep: crate::sweep::Sweep,
    pub(crate) read_to: crate::reading::ReadTo,
    /// Launches whose end the cluster has been asked for and has not answered.
    pub(crate) stops_out: BTreeSet<Str>,
    pub(crate) readings: u64,
    /// When the last reading of instances that came back was asked for.
    pub(crate) fresh_at: Timestamp,
    /// Whether what is known of instances is known to be old.
    pub(crate) needs_reading: bool,
    /// Whether the last reading of instances failed, so that what called for it still waits.
    pub(crate) reading_failed: bool,
    /// Whether instances may have come or gone.
    pub(crate) needs_listing: bool,
    /// When something last happened that what is on offer depends on: offers are made of readings that were asked for
    /// no earlier.
    pub(crate) allocation_since: Timestamp,
    /// Whether an allocation waits for a reading.
    pub(crate) waits_for_reading: bool,
    /// Tasks to read because their instance changed.
    pub(crate) stale_tasks: BTreeSet<Str>,
    pub(crate) recovery: crate::recover::Recovery,
    pub(crate) strays: crate::stray::Strays,
    pub(crate) feed: crate::feed::Feed,
    pub(crate) counters: Counters,
}

impl Bridge {
    /// A bridge that knows nothing yet and reads the cluster first.
    pub fn new(config: Config, seed: u128) -> Self {
        let mut ids = Ids::new(seed);
        let master_id = ids.uuid("master");
        Self {
            config,
            ids,
            master_id,
            replica: Replica::default(),
            frameworks: BTreeMap::new(),
            completed: VecDeque::new(),
            frameworks_made: 0,
            streams: BTreeMap::new(),
            outboxes: BTreeMap::new(),
            streams_made: 0,
            opening: None,
            offers: Book::default(),
            offers_made: 0,
            shares: Shares::default(),
            work: Work::default(),
            pages: BTreeMap::new(),
            launches: BTreeMap::new(),
            by_instance: BTreeMap::new(),
            doubted: BTreeSet::new(),
            live: BTreeSet::new(),
            hot: BTreeSet::new(),
            unseen: BTreeSet::new(),
            given_up: BTreeMap::new(),
            by_arn: BTreeMap::new(),
            definitions: Definitions::default(),
            asked: BTreeMap::new(),
            asked_made: 0,
            timers: [(Timestamp::default(), Timer::Recover)].into(),
            allocate_at: None,
            allocation: None,
            instance_pace: Pace::default(),
            task_pace: Pace::default(),
            unseen_pace: Pace::default(),
            seen: crate::seen::Seen::default(),
            listed_at: Timestamp::default(),
            sweep: crate::sweep::Sweep::default(),
            read_to: crate::reading::ReadTo::default(),
            stops_out: BTreeSet::new(),
            readings: 0,
            fresh_at: Timestamp::default(),
            needs_reading: false,
            reading_failed: false,
            needs_listing: false,
            allocation_since: Timestamp::default(),
            waits_for_reading: false,
            stale_tasks: BTreeSet::new(),
            recovery: crate::recover::Recovery::default(),
            strays: crate::stray::Strays::default(),
            feed: crate::feed::Feed::default(),
            counters: Counters::default(),
        }
    }

    /// Whether the cluster has been read since the start.
    pub fn is_recovered(&self) -> bool {
        self.recovery.is_done()
    }

    pub(crate) fn ask(&mut self, purpose: Purpose, ask: Ask, out: &mut Vec<Output>) {
        self.asked_made += 1;
        let asked = Asked(self.asked_made);
        self.counters.reads += requests(&ask);
        self.asked.insert(asked, purpose);
        out.push(Output::Ask(asked, ask));
    }

    pub(crate) fn at(&mut self, at: Timestamp, timer: Timer) {
        self.timers.insert((at, timer));
    }

    /// Something changed that may lead to offers; several changes are allocated together.
    pub(crate) fn wants_allocation(&mut self, now: Timestamp) {
        self.allocation_since = now;
        self.allocates_soon(now);
    }

    /// A reading told what can be allocated.
    pub(crate) fn allocates_soon(&mut self, now: Timestamp) {
        self.allocate_at.get_or_insert(now + limits::ALLOCATION_DELAY_MS);
    }

    pub(crate) fn count(&mut self, name: &'static str) {
        *self.counters.by_name.entry(name).or_insert(0) += 1;
    }

    /// The instance that a framework knows under an agent id, which is the id inside its ARN.
    pub(crate) fn instance_of(&self, agent: &str) -> Option<&Instance> {
        // ARNs of one cluster differ in their last part only.
        let any = self.replica.instances().keys().next()?;
        let (prefix, _) = any.rsplit_once('/')?;
        self.replica.instances().get(&*format!("{prefix}/{agent}"))
    }

    /// The live launch of a framework's task.
    pub(crate) fn launch_of(&self, framework: &str, task: &str) -> Option<&Launch> {
        let id = self.frameworks.get(framework)?.tasks.get(task)?;
        self.launches.get(id)
    }

    /// A launch is there.
    pub(crate) fn add_launch(&mut self, launch: Launch) {
        let id = launch.id.clone();
        if let Some(framework) = self.frameworks.get_mut(&launch.framework) {
            framework.tasks.insert(launch.task.clone(), id.clone());
        }
        self.launches.insert(id.clone(), launch);
        self.reindex(&id);
    }

    /// Puts a launch where its phase and state say that it belongs. To be called after every change of either.
    pub(crate) fn reindex(&mut self, id: &Str) {
        let Some(launch) = self.launches.get(id) else { return };
        let is_known = launch.phase == crate::launch::Phase::Known;
        member(&mut self.live, id, is_known);
        member(&mut self.hot, id, launch.is_hot());
        member(&mut self.unseen, id, is_known && launch.unseen);
        let on = self.by_instance.entry(launch.instance.clone()).or_default();
        if on.count(launch) {
            if launch.holds() {
                self.shares.add(&launch.role, &launch.framework, &launch.claim);
            } else {
                self.shares.remove(&launch.role, &launch.framework, &launch.claim);
            }
        }
        if on.all.is_empty() {
            self.by_instance.remove(&launch.instance);
        }
    }

    /// A launch reserves what its task definition says, and not what it was thought to.
    pub(crate) fn resize(&mut self, id: &Str, cpu_units: u32, memory_mib: u32) {
        let Some(launch) = self.launches.get_mut(id) else { return };
        let on = self.by_instance.get_mut(&launch.instance).filter(|on| on.unseen.contains(id));
        if let Some(on) = on {
            on.unseen_cpu = on.unseen_cpu + u64::from(cpu_units) - u64::from(launch.cpu_units);
            let memory = on.unseen_memory + u64::from(memory_mib);
            on.unseen_memory = memory - u64::from(launch.memory_mib);
        }
        (launch.cpu_units, launch.memory_mib) = (cpu_units, memory_mib);
    }

    /// An offer is made.
    pub(crate) fn put_offer(&mut self, id: Str, offered: Offered) {
        self.shares.add(&offered.role, &offered.framework, &offered.amounts);
        self.offers.insert(id, offered);
    }

    /// An offer is answered or taken back.
    pub(crate) fn take_offer(&mut self, id: &str) -> Option<Offered> {
        let offered = self.offers.remove(id)?;
        self.shares.remove(&offered.role, &offered.framework, &offered.amounts);
        Some(offered)
    }

    /// Forgets a launch that is over and has nothing left to say.
    pub(crate) fn forget(&mut self, id: &Str) {
        let Some(launch) = self.launches.remove(id) else { return };
        self.live.remove(id);
        self.hot.remove(id);
        self.unseen.remove(id);
        if let Some(arn) = launch.arn {
            self.by_arn.remove(&arn);
            self.stale_tasks.remove(&arn);
            self.replica.forget_task(&arn);
        }
    }

    /// What a launch reserves shows in the figures of its instance.
    pub(crate) fn is_seen(&mut self, now: Timestamp, id: &Str) {
        if let Some(launch) = self.launches.get_mut(id) {
            launch.unseen = false;
        }
        let was_unseen = self.unseen.contains(id);
        self.reindex(id);
        if was_unseen && self.feed.is_live() {
            self.allocates_soon(now);
        }
    }

    /// Whether what is on offer of an instance is still there.
    pub(crate) fn still_backed(&self, arn: &str) -> bool {
        let offered = self.offers.offered(arn);
        if offered.is_empty() {
            return true;
        }
        let instance = self.replica.instances().get(arn);
        instance.is_some_and(|instance| self.unclaimed(instance).contains(&offered))
    }

    /// What nobody has of an instance: neither others on the cluster, nor launches on their way, nor offers.
    pub(crate) fn free(&self, instance: &Instance) -> Amounts {
        let mut free = self.unclaimed(instance);
        free.take(&self.offers.offered(&instance.arn));
        free.take(&self.offers.held(&instance.arn));
        free
    }

    /// How many launches hold ports of an instance.
    pub(crate) fn port_holders(&self, arn: &str) -> usize {
        self.by_instance.get(arn).map_or(0, |on| on.with_ports.len())
    }

    /// What neither others on the cluster nor launches have of an instance.
    fn unclaimed(&self, instance: &Instance) -> Amounts {
        let on = self.by_instance.get(&instance.arn);
        let held = |what: fn(&OnInstance) -> u64| on.map_or(0, what);
        let cpu = u64::from(instance.cpu_remaining).saturating_sub(held(|on| on.unseen_cpu));
        let memory =
            u64::from(instance.memory_mib_remaining).saturating_sub(held(|on| on.unseen_memory));
        let disk = (self.config.disk_mb * crate::amounts::MILLI).saturating_sub(held(|on| on.disk));
        let used = Ranges::of(instance.ports_used.iter().map(|port| u64::from(*port)));
        let claim = on.into_iter().flat_map(|on| &on.with_ports);
        let claimed = claim.filter_map(|id| Some(&self.launches.get(id)?.claim.ports));
        let taken = Ranges::union_of(claimed.chain([&used]));
        Amounts::of(cpu * 1000 / 1024, memory * 1000, disk, self.config.ports.minus(&taken))
    }
}
