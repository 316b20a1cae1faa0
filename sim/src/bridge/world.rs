//! All that takes part, and a clock that jumps to whatever is due next.

use std::collections::BTreeMap;

use longshore_bridge::{Response, StreamKey};
use longshore_machine::Timestamp;
use longshore_replica::{Answered, Definition, News};
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::MachineId;
use longshore_wire_mesos::v1::scheduler::Call;

use super::bucket::Buckets;
use super::cloud::Cloud;
use super::describe::Description;
use super::driven::{Driven, Ticket};
use super::faulty::Fault;
use super::ledger::Ledger;
use super::local::Local;
use super::master::{Master, Sent};
use super::probes::{Probing, Underway};
use super::run::Cluster;
use super::scheduler::{Link, Scheduler};
use super::streams::About;
use crate::chance::Chance;
use crate::tally::Tally;

/// When runs begin, in ms since the epoch.
const BEGINNING_MS: u64 = 1_700_000_000_000;
/// Where instances are, as an attribute says.
pub(super) const RACKS: [&str; 3] = ["a", "b", "c"];
/// How often a bridge may be woken within one millisecond.
const TICKS_PER_MS_MAX: u32 = 10_000;

/// What becomes of a task by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Run,
    FailToStart,
    Exit(i32),
    Stop,
    Judge(bool),
    /// Its checks fail from now on, or pass again.
    Sicken(bool),
}

/// Something that happens at a time.
#[derive(Debug)]
pub(super) enum Happens {
    /// A question reaches the cluster; whether its answer finds the way back.
    Asked {
        sent: Sent,
        answers: bool,
    },
    Answered {
        master: usize,
        epoch: u64,
        answered: Answered,
    },
    /// Something comes of a probe.
    Probed(Underway),
    Told {
        master: usize,
        epoch: u64,
        news: News,
    },
    Feed {
        master: usize,
        epoch: u64,
        up: bool,
    },
    /// A call reaches the bridge.
    Called {
        scheduler: usize,
        epoch: u64,
        call: Box<Call>,
        link: Option<Link>,
        /// What the framework says of itself, if it does.
        description: Option<Description>,
        /// What a driver is told of it.
        ticket: Option<Ticket>,
    },
    /// Its answer reaches the framework.
    Responded {
        scheduler: usize,
        epoch: u64,
        response: Response,
        ticket: Option<Ticket>,
    },
    /// Something happens to a driver.
    Driver {
        scheduler: usize,
        input: longshore_driver_machine::Input,
    },
    /// A framework may read a stream.
    Read {
        master: usize,
        epoch: u64,
        stream: StreamKey,
    },
    /// A bridge notices that nobody is at the other end.
    StreamEnded {
        master: usize,
        epoch: u64,
        stream: StreamKey,
    },
    /// A framework looks at its offers.
    Decides {
        scheduler: usize,
        offers: Vec<String>,
    },
    Reconnects {
        scheduler: usize,
    },
    /// A framework that stayed away comes back.
    Returns {
        scheduler: usize,
    },
    Task {
        arn: Str,
        turn: Turn,
    },
    /// A bridge is started again.
    Starts {
        master: usize,
    },
}

/// All that takes part.
#[derive(Debug)]
pub(super) struct World {
    /// What was reached.
    pub(super) tally: Tally,
    pub(super) now: Timestamp,
    pub(super) chance: Chance,
    /// The cluster: a model of Amazon's, or a mirror of the local one.
    pub(super) cloud: Cloud,
    pub(super) local: Option<Local>,
    pub(super) buckets: Buckets,
    pub(super) masters: Vec<Master>,
    pub(super) schedulers: Vec<Scheduler>,
    pub(super) ledger: Ledger,
    pub(super) probing: Probing,
    /// Whether to print what happens.
    pub(super) trace: bool,
    /// What is broken on purpose.
    pub(super) fault: Fault,
    /// Whether things go wrong.
    pub(super) storm: bool,
    /// Whether frameworks launch tasks of one small size.
    pub(super) is_modest: bool,
    /// The machines whose maintenance an operator planned last.
    pub(super) planned: Option<Vec<MachineId>>,
    /// Until when the cluster cannot be reached.
    pub(super) outage_until: Timestamp,
    /// The bridge that crashes while its next outputs are performed, and how many it performs before.
    pub(super) doomed: Option<(usize, usize)>,
    /// Since when more of an agent is promised than it has, by bridge.
    pub(super) over: BTreeMap<(usize, String), Timestamp>,
    /// Whether a bridge crashed that may not have stopped all tasks of a framework that is gone.
    pub(super) has_orphans: bool,
    /// How often outputs of bridges were performed.
    pub(super) performed: u64,
    seed: u64,
    queue: BTreeMap<(Timestamp, u64), Happens>,
    queued: u64,
    ticks: u32,
}

impl World {
    /// A cluster with one or two bridges and a few frameworks, all drawn from a seed.
    pub(super) fn new(seed: u64, cluster: Cluster, fault: Fault) -> Self {
        let mut chance = Chance::new(seed ^ 0xb41d_6e00);
        let now = Timestamp::from_millis(BEGINNING_MS);
        let bridges = 1 + usize::from(chance.one_in(3));
        let timeout_ms = *chance.pick(&[None, None, Some(3_000), Some(30_000)]);
        let seeds = (1..=bridges as u64).map(|number| seed.wrapping_mul(64).wrapping_add(number));
        let masters: Vec<Master> = seeds.map(|seed| Master::new(seed, timeout_ms, fault)).collect();
        let mut world = Self {
            tally: Tally::default(),
            now,
            chance,
            cloud: Cloud::default(),
            local: (cluster == Cluster::Local).then(|| Local::new(seed, now)),
            buckets: Buckets::new(),
            masters,
            schedulers: Vec::new(),
            ledger: Ledger::default(),
            probing: Probing::new(seed),
            trace: false,
            fault,
            storm: true,
            is_modest: false,
            planned: None,
            outage_until: Timestamp::default(),
            doomed: None,
            over: BTreeMap::new(),
            has_orphans: false,
            performed: 0,
            seed,
            queue: BTreeMap::new(),
            queued: 0,
            ticks: 0,
        };
        for _ in 0..2 + world.chance.below(3) {
            world.add_instance();
        }
        world.define();
        for master in 0..world.masters.len() {
            world.watch(master);
        }
        for number in 0..2 + world.chance.below(3) {
            world.add_scheduler(number);
        }
        world
    }

    /// Definitions that somebody registered.
    fn define(&mut self) {
        let named = |cpu, memory_mib, ports| Definition {
            containers: vec!["app".into()],
            images: vec!["web:1".into()],
            cpu,
            memory_mib,
            ports,
            ..Definition::default()
        };
        self.cloud.define("web", named(128, 128, Vec::new()));
        self.cloud.define("large", named(700, 900, Vec::new()));
        self.cloud.define("port", named(64, 64, vec![31_005]));
    }

    pub(super) fn add_instance(&mut self) {
        let rack = *self.chance.pick(&RACKS);
        self.add_instance_in(rack);
    }

    pub(super) fn add_instance_in(&mut self, rack: &str) {
        let cores = 1 + u32::try_from(self.chance.below(4)).unwrap_or(0);
        let (cpu, memory_mib) = (cores * 1024, cores * 2048);
        if self.local.is_some() {
            return self.join_local(cpu, memory_mib, rack);
        }
        self.cloud.add_instance(self.now, cpu, memory_mib, rack);
        self.tell();
    }

    pub(super) fn add_scheduler(&mut self, number: u64) {
        let master = self.chance.index(self.masters.len()).unwrap_or(0);
        let failover_s = *self.chance.pick(&[0.0, 5.0, 60.0, 604_800.0, 604_800.0]);
        let able = self.chance.one_in(2);
        let description = Description::drawn(&mut self.chance, number);
        let drawn = Scheduler::new(format!("f{number}"), master, failover_s, able);
        let mut drawn = Scheduler { description, ..drawn };
        if (self.seed + number).is_multiple_of(3) {
            drawn.driven = Some(Box::new(Driven::new(&drawn, self.seed ^ (number << 32))));
        }
        self.schedulers.push(drawn);
        let scheduler = self.schedulers.len() - 1;
        self.later(0, Happens::Reconnects { scheduler });
    }

    /// Whether everything agreed so far.
    pub(super) fn is_sound(&self) -> bool {
        self.ledger.violations.is_empty()
    }

    pub(super) fn later(&mut self, ms: u64, happens: Happens) {
        self.queued += 1;
        self.queue.insert((self.now + ms, self.queued), happens);
    }

    /// Says what happens, for whoever looks into a run that failed.
    pub(super) fn trace(&self, what: impl FnOnce() -> String) {
        if self.trace {
            eprintln!("{:>9} {}", self.now.millis() - BEGINNING_MS, what());
        }
    }

    /// Keeps of what is to come what should be kept.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Happens) -> bool) {
        self.queue.retain(|_, happens| keep(happens));
    }

    /// A delay in ms: as a network's when all is well, and worse in a storm.
    pub(super) fn delay(&mut self) -> u64 {
        if self.storm { self.chance.delay_ms() } else { 1 + self.chance.below(10) }
    }

    /// The same for what keeps its order, which would hold up everything behind it.
    pub(super) fn short_delay(&mut self) -> u64 {
        self.chance.below(if self.storm { 60 } else { 5 })
    }

    /// Lets time pass, until something does not agree.
    pub(super) fn pass(&mut self, ms: u64) {
        let end = self.now + ms;
        while self.is_sound() {
            let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
            let woken = self.masters.iter().enumerate();
            let woken = woken.filter_map(|(index, master)| Some((master.wake_at()?, index))).min();
            let local = self.local.as_ref().and_then(Local::next_at);
            let driver = self.next_driver();
            let [of_master, of_driver] = [woken, driver].map(|one| one.map(|(at, _)| at));
            let first = [queued, of_master, of_driver, local].into_iter().flatten().min();
            let Some(at) = first.filter(|at| *at <= end) else { break };
            self.ticks = if at > self.now { 0 } else { self.ticks + 1 };
            if self.ticks > TICKS_PER_MS_MAX {
                self.ledger.fail("a bridge is woken again and again and does nothing".to_owned());
            }
            self.now = self.now.max(at);
            if let Some((_, master)) = woken.filter(|(due, _)| *due == at) {
                let out = self.masters[master].tick(self.now);
                self.perform(master, out);
            } else if let Some((_, scheduler)) = driver.filter(|(due, _)| *due == at) {
                self.tick_driver(scheduler);
            } else if local == Some(at) {
                self.step_local();
            } else if let Some((_, happens)) = self.queue.pop_first() {
                self.happen(happens);
            }
        }
        self.now = self.now.max(end);
    }

    /// The driver that is woken next.
    fn next_driver(&self) -> Option<(Timestamp, usize)> {
        let drivers = self.schedulers.iter().enumerate();
        let woken =
            drivers.filter_map(|(index, one)| Some((one.driven.as_deref()?.wake_at()?, index)));
        woken.min()
    }

    /// Whether a start of a bridge is still running.
    pub(super) fn is_running(&self, master: usize, epoch: u64) -> bool {
        self.masters[master].up && self.masters[master].epoch == epoch
    }

    fn happen(&mut self, happens: Happens) {
        match happens {
            Happens::Asked { sent, answers } => self.asked(&sent, answers),
            Happens::Answered { master, epoch, answered } => {
                if self.is_running(master, epoch) {
                    self.answered(master, answered);
                }
            }
            Happens::Probed(underway) => self.probed(&underway),
            Happens::Told { master, epoch, news } => {
                if self.is_running(master, epoch) && self.masters[master].feed_up {
                    let out = self.masters[master].told(self.now, news);
                    self.perform(master, out);
                }
            }
            Happens::Feed { master, epoch, up } => {
                if self.is_running(master, epoch) && self.masters[master].listens {
                    self.tally
                        .count("inputs", if up { "the feed is up" } else { "the feed is down" });
                    let out = self.masters[master].feed(self.now, up);
                    self.perform(master, out);
                }
            }
            Happens::Called { scheduler, epoch, call, link, description, ticket } => {
                let about = About { scheduler, description, ticket };
                self.called(about, epoch, *call, link);
            }
            Happens::Responded { scheduler, epoch, response, ticket } => {
                self.responded(scheduler, epoch, response, ticket);
            }
            Happens::Driver { scheduler, input } => self.tell_driver(scheduler, input),
            Happens::Read { master, epoch, stream } => self.read(master, epoch, stream),
            Happens::StreamEnded { master, epoch, stream } => {
                if self.is_running(master, epoch) {
                    let out = self.masters[master].stream_ended(self.now, stream);
                    self.perform(master, out);
                }
            }
            Happens::Decides { scheduler, offers } => self.decide(scheduler, &offers),
            Happens::Reconnects { scheduler } => self.connect(scheduler),
            Happens::Returns { scheduler } => {
                self.schedulers[scheduler].away = false;
                self.connect(scheduler);
            }
            Happens::Task { arn, turn } => self.turn(arn, turn),
            Happens::Starts { master } => {
                self.masters[master].up = true;
                self.masters[master].started_at = self.now;
                self.tally.count("reached", "a bridge started again");
                self.watch(master);
            }
        }
    }
}
