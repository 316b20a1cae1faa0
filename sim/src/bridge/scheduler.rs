//! A model framework: what it knows, and what it makes of events. What it does with that is up to the storm.

use std::collections::BTreeMap;

use longshore_bridge::StreamKey;
use longshore_wire_mesos::is_terminal;
use longshore_wire_mesos::v1::scheduler::Event;
use longshore_wire_mesos::v1::scheduler::event::Type;
use longshore_wire_mesos::v1::{FrameworkInfo, Offer, TaskState, TaskStatus};

use super::describe::Description;
use super::driven::Driven;
use super::forms;
use super::promises::milli;

/// A stream that it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) stream: StreamKey,
    pub(super) stream_id: String,
    /// Which start of the bridge it belongs to.
    pub(super) epoch: u64,
}

/// An offer that it holds.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) agent: String,
    pub(super) cpus_milli: u64,
    pub(super) mem_milli: u64,
    pub(super) ports: Vec<u16>,
}

/// A task that it launched and believes to be there.
#[derive(Clone, Debug)]
pub(super) struct Launched {
    pub(super) agent: String,
    /// What it heard last; `None` if nothing.
    pub(super) state: Option<TaskState>,
    pub(super) healthy: Option<bool>,
}

/// What it does at once when an event arrives.
#[derive(Clone, Debug)]
pub(super) enum Reaction {
    Acknowledge(Box<TaskStatus>),
    Offered(Vec<String>),
    /// It is asked to leave an agent.
    Asked(String),
    Subscribed,
    /// The bridge says that this stream is over.
    Ended,
}

/// A model framework.
#[derive(Debug)]
pub(super) struct Scheduler {
    pub(super) name: String,
    /// The bridge that it belongs to.
    pub(super) master: usize,
    /// Its id, once it has one.
    pub(super) id: Option<String>,
    pub(super) failover_s: f64,
    /// Whether it knows `TASK_GONE` and `TASK_KILLING`.
    pub(super) able: bool,
    /// What it says of itself now.
    pub(super) description: Description,
    pub(super) link: Option<Link>,
    /// What stands between it and the bridge, if something does.
    pub(super) driven: Option<Box<Driven>>,
    /// A SUBSCRIBE is on its way.
    pub(super) subscribing: bool,
    pub(super) reads: bool,
    pub(super) acknowledges: bool,
    /// It tore itself down, or was told that it was removed.
    pub(super) gone: bool,
    /// Whether it keeps away from the bridge.
    pub(super) away: bool,
    /// How many tasks it wants.
    pub(super) wants: usize,
    pub(super) offers: BTreeMap<String, Held>,
    pub(super) tasks: BTreeMap<String, Launched>,
    /// Ids of tasks that ended, which may be used again.
    pub(super) ended: Vec<String>,
    pub(super) made: u64,
}

impl Scheduler {
    pub(super) fn new(name: String, master: usize, failover_s: f64, able: bool) -> Self {
        Self {
            name,
            master,
            id: None,
            failover_s,
            able,
            description: Description::default(),
            link: None,
            driven: None,
            subscribing: false,
            reads: true,
            acknowledges: true,
            gone: false,
            away: false,
            wants: 3,
            offers: BTreeMap::new(),
            tasks: BTreeMap::new(),
            ended: Vec::new(),
            made: 0,
        }
    }

    /// Its stream is over.
    pub(super) fn disconnected(&mut self) {
        self.link = None;
        self.offers.clear();
        self.reads = true;
    }

    /// Takes in an event of its stream.
    pub(super) fn hear(&mut self, event: &Event) -> Vec<Reaction> {
        match event.r#type() {
            Type::Subscribed => {
                if let Some(subscribed) = &event.subscribed {
                    self.id = Some(subscribed.framework_id.value.clone());
                }
                vec![Reaction::Subscribed]
            }
            Type::Offers => {
                let offers = event.offers.iter().flat_map(|part| &part.offers);
                let ids: Vec<String> = offers.map(|offer| self.offered(offer)).collect();
                vec![Reaction::Offered(ids)]
            }
            Type::Rescind => {
                let rescinded = event.rescind.as_ref().map(|part| &part.offer_id.value);
                rescinded.map(|id| self.offers.remove(id));
                Vec::new()
            }
            Type::InverseOffers => {
                let asked = event.inverse_offers.iter().flat_map(|part| &part.inverse_offers);
                asked.map(|one| Reaction::Asked(one.id.value.clone())).collect()
            }
            Type::Update => {
                let Some(update) = &event.update else { return Vec::new() };
                self.updated(&update.status);
                let acknowledged = update.status.uuid.is_some() && self.acknowledges;
                let status = acknowledged.then(|| Box::new(update.status.clone()));
                status.map(Reaction::Acknowledge).into_iter().collect()
            }
            Type::Error => {
                let message = event.error.as_ref().map(|part| part.message.as_str());
                self.gone |= message == Some("Framework has been removed");
                vec![Reaction::Ended]
            }
            _ => Vec::new(),
        }
    }

    fn offered(&mut self, offer: &Offer) -> String {
        let ranges = offer.resources.iter().filter_map(|one| one.ranges.as_ref());
        let ports = ranges.flat_map(|ranges| &ranges.range).flat_map(|one| one.begin..=one.end);
        let held = Held {
            agent: offer.agent_id.value.clone(),
            cpus_milli: milli(offer, "cpus"),
            mem_milli: milli(offer, "mem"),
            ports: ports.filter_map(|port| u16::try_from(port).ok()).collect(),
        };
        self.offers.insert(offer.id.value.clone(), held);
        offer.id.value.clone()
    }

    fn updated(&mut self, status: &TaskStatus) {
        let (id, state) = (&status.task_id.value, status.state());
        // An answer about an ACCEPT that named a task twice is not about the task that is there.
        let is_duplicate = status.message.as_deref().is_some_and(|text| {
            text.contains("duplicate ID") || text.contains("ID of an unreachable task")
        });
        if is_duplicate {
            return;
        }
        if is_terminal(state) || state == TaskState::TaskUnknown {
            if self.tasks.remove(id).is_some() {
                self.ended.push(id.clone());
            }
            return;
        }
        let agent = status.agent_id.as_ref().map(|agent| agent.value.clone()).unwrap_or_default();
        let known = self.tasks.entry(id.clone());
        let unheard = || Launched { agent: agent.clone(), state: None, healthy: None };
        let known = known.or_insert_with(unheard);
        if status.agent_id.is_some() {
            // It may have been launched twice under one id, in vain the second time.
            known.agent = agent;
        }
        known.state = Some(state);
        known.healthy = status.healthy.or(known.healthy);
    }

    /// What it says of itself besides.
    pub(super) fn info(&self) -> FrameworkInfo {
        forms::info(&self.name, self.id.as_deref(), self.failover_s, self.able)
    }

    /// The id of its next task.
    pub(super) fn next_task(&mut self) -> String {
        self.made += 1;
        format!("{}-t{}", self.name, self.made)
    }
}
