//! All that the bridge knows, and accessors to it. No policy.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use longshore_machine::{Ids, Timestamp};
use longshore_replica::{Ask, Instance, Pace, Replica};
use longshore_wire_ecs::Str;

use crate::amounts::Amounts;
use crate::config::Config;
use crate::definition::Definitions;
use crate::framework::Framework;
use crate::launch::Launch;
use crate::limits;
use crate::machine::{Asked, Output, StreamKey};

/// Something that is due at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    Heartbeat(StreamKey),
    Failover(String),
    Repeat(Str),
    Settle(Str),
    Starting(Str),
    Stop(Str),
    Recover,
    Strays,
    StraysOver,
    Filters,
    Offer(String),
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
    /// The sweep over all running tasks.
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

/// An offer that a framework has and has not answered.
#[derive(Clone, Debug)]
pub(crate) struct Offered {
    pub(crate) framework: String,
    pub(crate) role: String,
    /// ARN of the instance.
    pub(crate) instance: Str,
    pub(crate) amounts: Amounts,
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
    pub(crate) frameworks: BTreeMap<String, Framework>,
    pub(crate) completed: VecDeque<Framework>,
    pub(crate) frameworks_made: u64,
    pub(crate) streams: BTreeMap<StreamKey, String>,
    pub(crate) streams_made: u64,
    /// A stream that the call at hand opens.
    pub(crate) opening: Option<(StreamKey, String)>,
    pub(crate) offers: BTreeMap<String, Offered>,
    pub(crate) offers_made: u64,
    pub(crate) launches: BTreeMap<Str, Launch>,
    /// Launches that hold something, by ARN of their instance.
    pub(crate) by_instance: BTreeMap<Str, BTreeSet<Str>>,
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
    /// When the first filter ends.
    pub(crate) filters_at: Option<Timestamp>,
    pub(crate) instance_pace: Pace,
    pub(crate) task_pace: Pace,
    pub(crate) unseen_pace: Pace,
    pub(crate) listed_at: Timestamp,
    pub(crate) swept_at: Timestamp,
    pub(crate) readings: u64,
    /// When the last reading of instances that came back was asked for.
    pub(crate) fresh_at: Timestamp,
    /// Whether what is known of instances is known to be old.
    pub(crate) needs_reading: bool,
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
            streams_made: 0,
            opening: None,
            offers: BTreeMap::new(),
            offers_made: 0,
            launches: BTreeMap::new(),
            by_instance: BTreeMap::new(),
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
            filters_at: None,
            instance_pace: Pace::default(),
            task_pace: Pace::default(),
            unseen_pace: Pace::default(),
            listed_at: Timestamp::default(),
            swept_at: Timestamp::default(),
            readings: 0,
            fresh_at: Timestamp::default(),
            needs_reading: false,
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

    /// Puts a launch where its phase and state say that it belongs. To be called after every change of either.
    pub(crate) fn reindex(&mut self, id: &Str) {
        let Some(launch) = self.launches.get(id) else { return };
        let member = |set: &mut BTreeSet<Str>, belongs: bool| {
            if belongs {
                set.insert(id.clone())
            } else {
                set.remove(id)
            };
        };
        member(&mut self.live, launch.phase == crate::launch::Phase::Known);
        member(&mut self.hot, launch.is_hot());
        let is_known = launch.phase == crate::launch::Phase::Known;
        member(&mut self.unseen, is_known && launch.unseen);
        let on = self.by_instance.entry(launch.instance.clone()).or_default();
        member(on, launch.holds());
        if on.is_empty() {
            self.by_instance.remove(&launch.instance);
        }
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

    /// A reading of instances came back: what ECS accepted before it was asked for shows in it.
    pub(crate) fn seen(&mut self, now: Timestamp, sequence: u64) {
        let shows = |launch: &Launch| {
            let instance = self.replica.instances().get(&launch.instance);
            let version = instance.map_or(0, |instance| instance.version);
            let shows = version > launch.version_before && sequence >= launch.seen_after;
            shows || now.since(launch.began_at) > limits::UNSEEN_MS_MAX
        };
        let launches = self.unseen.iter().filter_map(|id| self.launches.get(id));
        let seen: Vec<Str> =
            launches.filter(|launch| shows(launch)).map(|launch| launch.id.clone()).collect();
        for id in seen {
            self.is_seen(now, &id);
        }
    }

    /// The instances of launches that wait to show in their figures, by ARN; events have had time to tell of those.
    pub(crate) fn with_unseen(&self, now: Timestamp) -> Vec<Str> {
        let launches = self.unseen.iter().filter_map(|id| self.launches.get(id));
        let launches = launches.filter(|launch| now.since(launch.began_at) >= limits::TRUST_MS);
        let on: BTreeSet<Str> = launches.map(|launch| launch.instance.clone()).collect();
        on.into_iter().collect()
    }

    /// What a launch reserves shows in the figures of its instance.
    pub(crate) fn is_seen(&mut self, now: Timestamp, id: &Str) {
        if let Some(launch) = self.launches.get_mut(id) {
            launch.unseen = false;
        }
        if self.unseen.remove(id) && self.feed.is_live() {
            self.allocates_soon(now);
        }
    }

    /// Whether what is on offer of an instance is still there.
    pub(crate) fn still_backed(&self, arn: &str) -> bool {
        let Some(instance) = self.replica.instances().get(arn) else { return false };
        let offered = self.offers.values().filter(|offered| *offered.instance == *arn);
        let offered = offered.fold(Amounts::default(), |sum, offered| sum.plus(&offered.amounts));
        self.unclaimed(instance).contains(&offered)
    }

    /// What nobody has of an instance: neither others on the cluster, nor launches on their way, nor offers.
    pub(crate) fn free(&self, instance: &Instance) -> Amounts {
        let offers = self.offers.values().filter(|offered| offered.instance == instance.arn);
        offers.fold(self.unclaimed(instance), |free, offered| free.minus(&offered.amounts))
    }

    /// What neither others on the cluster nor launches have of an instance.
    fn unclaimed(&self, instance: &Instance) -> Amounts {
        let mut cpu = u64::from(instance.cpu_remaining);
        let mut memory = u64::from(instance.memory_mib_remaining);
        let mut taken = Amounts::default();
        let used =
            crate::ranges::Ranges::of(instance.ports_used.iter().map(|port| u64::from(*port)));
        let on = self.by_instance.get(&instance.arn).into_iter().flatten();
        for launch in on.filter_map(|id| self.launches.get(id)) {
            if launch.unseen {
                cpu = cpu.saturating_sub(u64::from(launch.cpu_units));
                memory = memory.saturating_sub(u64::from(launch.memory_mib));
            }
            taken.ports = taken.ports.union(&launch.claim.ports);
            *taken.scalars.entry("disk".to_owned()).or_insert(0) += launch.claim.scalar("disk");
        }
        let ports = self.config.ports.minus(&used);
        let disk = self.config.disk_mb * crate::amounts::MILLI;
        Amounts::of(cpu * 1000 / 1024, memory * 1000, disk, ports).minus(&taken)
    }
}
