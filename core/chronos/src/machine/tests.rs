//! A scheduler whose rows are kept, and what it says of what happens. Each step is audited.

use std::collections::BTreeMap;

use longshore_driver_machine::{Callback, Command};
use longshore_machine::{Machine as _, Timestamp};
use longshore_wire_chronos::{Defaults, Posted};
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{
    AgentId, FrameworkId, Offer, OfferId, Resource, TaskId, TaskInfo, TaskState, TaskStatus, value,
};
use serde_json::{Value, json};

use super::*;
use crate::audit;

mod calls;
mod dependents;
mod endings;
mod offered;
mod restarts;
mod scheduled;

/// 2026-11-21T11:42:55Z.
const NOON: u64 = 1_795_261_375_000;

/// A scheduler, its rows, and all that it has said.
struct World {
    chronos: Chronos,
    config: Config,
    now: Timestamp,
    ahead_ms: i64,
    rows: BTreeMap<(String, String), String>,
    launched: Vec<TaskInfo>,
    said: Vec<Command>,
    notes: Vec<String>,
    replies: u64,
    offers: u64,
    connects: u64,
}

impl World {
    /// One that is subscribed.
    fn new() -> Self {
        let mut world = Self::with(Config::default());
        world.registers();
        world
    }

    fn with(config: Config) -> Self {
        let chronos = Chronos::restore(config, 0, []).unwrap();
        Self {
            chronos,
            config,
            now: Timestamp::from_millis(NOON),
            ahead_ms: 0,
            rows: BTreeMap::new(),
            launched: Vec::new(),
            said: Vec::new(),
            notes: Vec::new(),
            replies: 0,
            offers: 0,
            connects: 0,
        }
    }

    fn registers(&mut self) {
        let id = FrameworkId { value: "framework-1".to_owned() };
        self.hears(Callback::Registered(id, Box::default()));
    }

    fn hears(&mut self, callback: Callback) {
        let _ = self.step(Input::Heard(callback));
    }

    fn step(&mut self, input: Input) -> Option<Reply> {
        let mut out = Vec::new();
        self.chronos.step(self.now, input, &mut out);
        self.performs(out)
    }

    fn performs(&mut self, out: Vec<Output>) -> Option<Reply> {
        assert_eq!(audit(&self.chronos), []);
        let mut given = None;
        for (place, output) in out.into_iter().enumerate() {
            match output {
                Output::Store(changes) => {
                    assert_eq!(place, 0, "changes come first");
                    for change in changes {
                        self.stores(change);
                    }
                }
                Output::Connect { .. } => self.connects += 1,
                Output::Say(command) => self.hears_of(command),
                Output::Reply { ticket, reply } => {
                    assert_eq!(ticket, Ticket(self.replies));
                    given = Some(reply);
                }
                Output::Note(text) => self.notes.push(text),
                Output::Failed(text) => self.notes.push(text),
            }
        }
        given
    }

    fn stores(&mut self, change: Change) {
        match change {
            Change::Put { kind, id, body } => drop(self.rows.insert((kind.to_owned(), id), body)),
            Change::Delete { kind, id } => drop(self.rows.remove(&(kind.to_owned(), id))),
        }
    }

    fn hears_of(&mut self, command: Command) {
        if let Command::Accept { operations, .. } = &command {
            let launches = operations.iter().filter_map(|one| one.launch.as_ref());
            let tasks = launches.flat_map(|launch| launch.task_infos.clone());
            for task in tasks {
                let key = ("run".to_owned(), task.task_id.value.clone());
                assert!(self.rows[&key].contains("Launched"), "stored before it is launched");
                self.launched.push(task);
            }
        }
        self.said.push(command);
    }

    /// Lets time pass, and gives an offer whenever offers are wanted.
    fn passes(&mut self, ms: u64) {
        let until = self.now + ms;
        loop {
            let wake = self.chronos.wake_at().map_or(until, |at| at.max(self.now)).min(until);
            self.now = wake;
            let mut out = Vec::new();
            self.chronos.tick(self.now, &mut out);
            self.performs(out);
            if self.chronos.runs().ready() > 0 && self.chronos.session.is_open() {
                self.offer(8.0);
            }
            if self.chronos.wake_at().is_none_or(|at| at > until) {
                self.now = until;
                return;
            }
        }
    }

    fn offer(&mut self, cpus: f64) {
        self.offers += 1;
        let offer = an_offer(&format!("offer-{}", self.offers), cpus);
        self.hears(Callback::ResourceOffers(vec![offer]));
    }

    fn call(&mut self, call: Call) -> Reply {
        self.replies += 1;
        self.step(Input::Called { ticket: Ticket(self.replies), call }).unwrap()
    }

    fn try_post(&mut self, job: Value) -> Result<(), String> {
        let posted = Posted::read(job, &Defaults::default()).unwrap();
        match self.call(Call::Post(Box::new(posted))) {
            Reply::Done => Ok(()),
            Reply::Refused(why) => Err(why.0),
            other => panic!("{other:?}"),
        }
    }

    fn post(&mut self, job: Value) {
        self.try_post(job).unwrap();
    }

    /// A job with these members besides its name.
    fn job(&mut self, name: &str, members: Value) {
        let mut job = json!({"name": name, "command": "run"});
        job.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.post(job);
    }

    /// A task changes its state.
    fn is(&mut self, task: &str, state: TaskState) {
        self.is_because(task, state, None);
    }

    fn is_because(&mut self, task: &str, state: TaskState, reason: Option<Reason>) {
        let status = TaskStatus {
            task_id: TaskId { value: task.to_owned() },
            agent_id: Some(AgentId { value: "agent".to_owned() }),
            state: state.into(),
            reason: reason.map(Into::into),
            uuid: Some(vec![1]),
            ..TaskStatus::default()
        };
        self.hears(Callback::StatusUpdate(Box::new(status)));
    }

    /// The ids of the tasks that were launched since this was last asked.
    fn new_tasks(&mut self) -> Vec<String> {
        self.launched.drain(..).map(|task| task.task_id.value).collect()
    }

    /// The one task that was launched.
    fn task(&mut self) -> String {
        let [task] = <[String; 1]>::try_from(self.new_tasks()).unwrap();
        task
    }

    fn shown(&mut self, name: &str) -> Shown {
        match self.call(Call::Job { name: name.to_owned() }) {
            Reply::Job(job) => job,
            other => panic!("{other:?}"),
        }
    }

    fn kills(&self) -> Vec<&str> {
        let mut kills = Vec::new();
        for command in &self.said {
            if let Command::Kill(task) = command {
                kills.push(task.value.as_str());
            }
        }
        kills
    }

    /// The scheduler ends, and another one starts from its rows, after a while.
    fn restarts(&mut self, after_ms: u64) {
        self.now = self.now + after_ms;
        let rows: Vec<_> = self.rows.clone().into_iter().collect();
        let rows =
            rows.iter().map(|((kind, id), body)| (kind.as_str(), id.as_str(), body.as_str()));
        self.chronos = Chronos::restore(self.config, self.ahead_ms, rows).unwrap();
        assert_eq!(audit(&self.chronos), []);
        let mut out = Vec::new();
        self.chronos.tick(self.now, &mut out);
        self.performs(out);
    }
}

fn an_offer(id: &str, cpus: f64) -> Offer {
    let scalar = |name: &str, value: f64| Resource {
        name: name.to_owned(),
        r#type: value::Type::Scalar.into(),
        scalar: Some(value::Scalar { value }),
        ..Resource::default()
    };
    Offer {
        id: OfferId { value: id.to_owned() },
        agent_id: AgentId { value: "agent".to_owned() },
        hostname: "host".to_owned(),
        resources: vec![scalar("cpus", cpus), scalar("mem", 65_536.0), scalar("disk", 65_536.0)],
        ..Offer::default()
    }
}
