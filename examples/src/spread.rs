//! A scheduler of one's own: copies of a task, evenly over zones. One that ends is replaced where fewest are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use longshore_driver::resources::{amount, attribute, claim};
use longshore_driver::v1::{
    CommandInfo, Filters, FrameworkInfo, MasterInfo, Offer, TaskId, TaskInfo, TaskState, TaskStatus,
};
use longshore_driver::{Scheduler, SchedulerDriver};

/// The attribute that tells the zone of an instance.
const ZONE: &str = "ecs.availability-zone";
const CPUS: f64 = 0.1;
const MEM_MIB: f64 = 32.0;
/// How long to wait after a copy has ended: the next one may fare no better.
const PAUSE: Duration = Duration::from_secs(2);

/// The copies that run, by zone.
pub type Zones = BTreeMap<String, usize>;

/// The scheduler.
#[expect(missing_debug_implementations, reason = "a function that is called has none")]
pub struct Spread {
    command: String,
    copies: usize,
    /// The zone of each copy.
    zones: BTreeMap<String, String>,
    /// All zones that were ever offered.
    known: Vec<String>,
    made: u64,
    /// The copies that run.
    running: BTreeSet<String>,
    not_before: Instant,
    tell: Box<dyn FnMut(&Zones) + Send>,
}

impl Spread {
    /// Keeps `copies` of a command running, and tells how many run in each zone whenever that changes.
    pub fn new(command: &str, copies: usize, tell: impl FnMut(&Zones) + Send + 'static) -> Self {
        Self {
            command: command.to_owned(),
            copies,
            zones: BTreeMap::new(),
            known: Vec::new(),
            made: 0,
            running: BTreeSet::new(),
            not_before: Instant::now(),
            tell: Box::new(tell),
        }
    }

    /// What it says of itself.
    pub fn info() -> FrameworkInfo {
        FrameworkInfo { name: "spread".to_owned(), ..FrameworkInfo::default() }
    }

    fn in_zone(&self, zone: &str) -> usize {
        self.zones.values().filter(|of| *of == zone).count()
    }

    /// A copy is wanted where fewest are, of the zones that are known.
    fn is_wanted_in(&self, zone: &str) -> bool {
        let fewest = self.known.iter().map(|zone| self.in_zone(zone)).min();
        self.zones.len() < self.copies && Some(self.in_zone(zone)) == fewest
    }

    fn task(&mut self, offer: &Offer, zone: &str) -> TaskInfo {
        self.made += 1;
        let id = format!("copy-{}", self.made);
        self.zones.insert(id.clone(), zone.to_owned());
        let command = CommandInfo { value: Some(self.command.clone()), ..CommandInfo::default() };
        TaskInfo {
            name: "copy".to_owned(),
            task_id: TaskId { value: id },
            agent_id: offer.agent_id.clone(),
            resources: claim(CPUS, MEM_MIB),
            command: Some(command),
            ..TaskInfo::default()
        }
    }

    /// Tells how many copies run in each zone.
    fn tells(&mut self) {
        let mut zones: Zones = self.known.iter().map(|zone| (zone.clone(), 0)).collect();
        for zone in self.running.iter().filter_map(|id| self.zones.get(id)) {
            *zones.entry(zone.clone()).or_default() += 1;
        }
        (self.tell)(&zones);
    }
}

impl Scheduler for Spread {
    fn reregistered(&mut self, driver: &dyn SchedulerDriver, _: &MasterInfo) {
        // Updates may have been missed: ask about all.
        let ask = |id: &String| TaskStatus {
            task_id: TaskId { value: id.clone() },
            ..TaskStatus::default()
        };
        driver.reconcile_tasks(self.zones.keys().map(ask).collect());
    }

    fn resource_offers(&mut self, driver: &dyn SchedulerDriver, offers: Vec<Offer>) {
        for offer in &offers {
            let zone = attribute(offer, ZONE).unwrap_or_default().to_owned();
            if !self.known.contains(&zone) {
                self.known.push(zone);
            }
        }
        for offer in offers {
            let zone = attribute(&offer, ZONE).unwrap_or_default().to_owned();
            let has_room = amount(&offer, "cpus") >= CPUS && amount(&offer, "mem") >= MEM_MIB;
            let is_wanted =
                has_room && Instant::now() > self.not_before && self.is_wanted_in(&zone);
            let tasks = if is_wanted { vec![self.task(&offer, &zone)] } else { Vec::new() };
            // What is not of use now may be in a moment.
            driver.launch_tasks_on(offer.id, tasks, Some(Filters { refuse_seconds: Some(0.5) }));
        }
    }

    fn status_update(&mut self, driver: &dyn SchedulerDriver, status: &TaskStatus) {
        let id = &status.task_id.value;
        match status.state() {
            // The next one would fare no better.
            TaskState::TaskError => {
                eprintln!("{}", status.message());
                driver.abort();
            }
            // An update comes again until it is acknowledged.
            TaskState::TaskRunning => {
                if self.zones.contains_key(id) && self.running.insert(id.clone()) {
                    self.tells();
                }
            }
            TaskState::TaskStaging | TaskState::TaskStarting | TaskState::TaskKilling => {}
            _ => {
                self.zones.remove(id);
                if self.running.remove(id) {
                    self.tells();
                }
                self.not_before = Instant::now() + PAUSE;
            }
        }
    }

    fn error(&mut self, _: &dyn SchedulerDriver, message: &str) {
        eprintln!("{message}");
    }
}
