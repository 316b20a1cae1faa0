//! A scheduler in a small world: its rows are kept as committed, time passes as told, and its invariants are recomputed after each step.

use std::collections::BTreeMap;

use longshore_driver_machine::{Callback, Command};
use longshore_wire_marathon::{App, PathId};
use longshore_wire_marathon::{
    Backoff, Container, ContainerKind, KillSelection, Network, PortDefinition, PortMapping,
    Unreachable, UpgradeStrategy,
};
use longshore_wire_mesos::v1::offer::operation::LaunchGroup;
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::value::{Range, Ranges, Scalar, Type};
use longshore_wire_mesos::v1::{
    AgentId, Attribute, FrameworkId, Offer, OfferId, Resource, TaskId, TaskInfo, TaskState,
    TaskStatus, value,
};

use super::*;
use crate::api::{AppView, Mode, TaskView};
use crate::audit;

mod constraints;
mod deployments;
mod health;
mod kills;
mod launches;
mod pods;
mod properties;
mod restarts;
mod speed;
mod updates;

/// 2026-11-21T11:42:55Z.
const NOON: u64 = 1_795_261_375_000;

/// A scheduler, its rows, and all that it has said.
struct World {
    marathon: Marathon,
    now: Timestamp,
    rows: BTreeMap<(String, String), String>,
    launched: Vec<TaskInfo>,
    groups: Vec<LaunchGroup>,
    said: Vec<Command>,
    probes: Vec<Probe>,
    events: Vec<Event>,
    connects: usize,
    replies: u64,
    offers: u64,
}

impl World {
    /// One that is subscribed.
    fn new() -> Self {
        let marathon =
            Marathon::restore(Config::default(), Timestamp::from_millis(NOON), []).unwrap();
        let mut world = Self {
            marathon,
            now: Timestamp::from_millis(NOON),
            rows: BTreeMap::new(),
            launched: Vec::new(),
            groups: Vec::new(),
            said: Vec::new(),
            probes: Vec::new(),
            events: Vec::new(),
            connects: 0,
            replies: 0,
            offers: 0,
        };
        world.registers();
        world
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
        self.marathon.step(self.now, input, &mut out);
        self.performs(out)
    }

    fn performs(&mut self, out: Vec<Output>) -> Option<Reply> {
        assert_eq!(audit(&self.marathon), []);
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
                Output::Reply { reply, .. } => given = Some(reply),
                Output::Probe(probe) => self.probes.push(probe),
                Output::Event(event) => self.events.push(event),
                Output::Failed(text) => panic!("{text}"),
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
            for task in launches.flat_map(|launch| launch.task_infos.clone()) {
                let key = ("instance".to_owned(), task.task_id.value.clone());
                assert!(self.rows.contains_key(&key), "stored before it is launched");
                self.launched.push(task);
            }
            for group in operations.iter().filter_map(|one| one.launch_group.clone()) {
                for task in &group.task_group.tasks {
                    let (instance, _) = crate::task::member_of(&task.task_id.value).unwrap();
                    let key = ("instance".to_owned(), instance.to_owned());
                    assert!(self.rows.contains_key(&key), "stored before it is launched");
                }
                self.groups.push(group);
            }
        }
        self.said.push(command);
    }

    /// Lets time pass.
    fn passes(&mut self, ms: u64) {
        let until = self.now + ms;
        while let Some(wake) = self.marathon.wake_at().filter(|at| *at <= until) {
            self.now = wake.max(self.now);
            let mut out = Vec::new();
            self.marathon.tick(self.now, &mut out);
            self.performs(out);
        }
        self.now = until;
    }

    /// A large offer of an agent of its own.
    fn offer(&mut self) {
        self.offers += 1;
        let offer = an_offer(self.offers, 64.0);
        self.hears(Callback::ResourceOffers(vec![offer]));
    }

    /// Offers until nothing waits for one.
    fn supplies(&mut self) -> Vec<String> {
        for _ in 0..100 {
            if self.marathon.apps.waiting() == 0 {
                break;
            }
            self.offer();
        }
        self.new_tasks()
    }

    fn call(&mut self, call: Call) -> Reply {
        self.replies += 1;
        self.step(Input::Called { ticket: Ticket(self.replies), call }).unwrap()
    }

    fn put_all(&mut self, apps: Vec<App>, force: bool) -> Reply {
        self.call(Call::Put { apps, mode: Mode::Any, force })
    }

    /// Puts an app. Returns the deployment.
    fn put(&mut self, app: App) -> Arc<str> {
        match self.put_all(vec![app], false) {
            Reply::Done { deployment, .. } => deployment,
            other => panic!("{other:?}"),
        }
    }

    /// An app that runs.
    fn runs(&mut self, app: App) -> Vec<String> {
        self.put(app);
        let mut tasks = self.supplies();
        let groups = std::mem::take(&mut self.groups).into_iter();
        let grouped = groups.flat_map(|group| group.task_group.tasks);
        tasks.extend(grouped.map(|task| task.task_id.value));
        self.all_run(&tasks);
        assert_eq!(self.deployments(), 0);
        tasks
    }

    fn all_run(&mut self, tasks: &[String]) {
        for task in tasks {
            self.is(task, TaskState::TaskRunning);
        }
    }

    /// A task changes its state.
    fn is(&mut self, task: &str, state: TaskState) {
        self.is_because(task, state, None);
    }

    fn is_because(&mut self, task: &str, state: TaskState, reason: Option<Reason>) {
        let status = a_status(task, state);
        self.hears(Callback::StatusUpdate(Box::new(TaskStatus {
            reason: reason.map(Into::into),
            ..status
        })));
    }

    /// The ids of the tasks that were launched since this was last asked.
    fn new_tasks(&mut self) -> Vec<String> {
        self.launched.drain(..).map(|task| task.task_id.value).collect()
    }

    /// The tasks that were told to end since this was last asked.
    fn new_kills(&mut self) -> Vec<String> {
        let task = |command| match command {
            Command::Kill(task) => Some(task.value),
            _ => None,
        };
        self.said.drain(..).filter_map(task).collect()
    }

    fn deployments(&self) -> usize {
        self.marathon.deployments.len()
    }

    fn shown(&mut self, id: &str) -> AppView {
        match self.call(Call::App { id: PathId::kept(id) }) {
            Reply::App(view) => *view,
            other => panic!("{other:?}"),
        }
    }

    fn tasks(&mut self, id: &str) -> Vec<TaskView> {
        match self.call(Call::Tasks { within: PathId::kept(id) }) {
            Reply::Tasks(tasks) => tasks,
            other => panic!("{other:?}"),
        }
    }

    /// The scheduler ends, and another one starts from its rows, after a while.
    fn restarts(&mut self, after_ms: u64) {
        self.now = self.now + after_ms;
        let rows = self.rows.clone();
        let rows =
            rows.iter().map(|((kind, id), body)| (kind.as_str(), id.as_str(), body.as_str()));
        let config = Config { seed: u128::from(self.now.millis()), ..Config::default() };
        self.marathon = Marathon::restore(config, self.now, rows).unwrap();
        let mut out = Vec::new();
        self.marathon.tick(self.now, &mut out);
        self.performs(out);
    }
}

fn a_status(task: &str, state: TaskState) -> TaskStatus {
    TaskStatus {
        task_id: TaskId { value: task.to_owned() },
        agent_id: Some(AgentId { value: "agent".to_owned() }),
        state: state.into(),
        uuid: Some(vec![1]),
        ..TaskStatus::default()
    }
}

fn scalar(name: &str, value: f64) -> Resource {
    Resource {
        name: name.to_owned(),
        r#type: Type::Scalar.into(),
        scalar: Some(Scalar { value }),
        ..Resource::default()
    }
}

fn an_offer(number: u64, cpus: f64) -> Offer {
    let range = vec![Range { begin: 80, end: 81 }, Range { begin: 31_000, end: 32_000 }];
    let ports = Resource {
        name: "ports".to_owned(),
        r#type: Type::Ranges.into(),
        ranges: Some(Ranges { range }),
        ..Resource::default()
    };
    let rack = Attribute {
        name: "rack".to_owned(),
        r#type: Type::Text.into(),
        text: Some(value::Text { value: format!("rack-{}", number % 2) }),
        ..Attribute::default()
    };
    Offer {
        id: OfferId { value: format!("offer-{number}") },
        agent_id: AgentId { value: format!("agent-{number}") },
        hostname: format!("host-{number}"),
        resources: vec![
            scalar("cpus", cpus),
            scalar("mem", 65_536.0),
            scalar("disk", 65_536.0),
            ports,
        ],
        attributes: vec![rack],
        ..Offer::default()
    }
}

/// An app with Marathon's defaults. Source: frameworks.md 3.1.
fn an_app(id: &str, instances: u32) -> App {
    App {
        id: PathId::kept(id),
        cmd: Some("run".to_owned()),
        args: None,
        cpus_milli: 100,
        mem_milli: 100_000,
        disk_milli: 0,
        gpus: 0,
        instances,
        resource_limits: None,
        user: None,
        container: None,
        networks: vec![Network::Host],
        port_mappings: Vec::new(),
        port_definitions: vec![PortDefinition {
            port: 0,
            protocol: "tcp".to_owned(),
            name: Some("http-api".to_owned()),
            labels: BTreeMap::new(),
        }],
        require_ports: false,
        env: BTreeMap::new(),
        secrets: BTreeMap::new(),
        labels: BTreeMap::new(),
        fetch: Vec::new(),
        constraints: Vec::new(),
        health_checks: Vec::new(),
        readiness_checks: Vec::new(),
        upgrade_strategy: UpgradeStrategy {
            minimum_health_capacity_milli: 1_000,
            maximum_over_capacity_milli: 1_000,
        },
        unreachable_strategy: Unreachable::After { inactive_s: 0, expunge_s: 0 },
        kill_selection: KillSelection::YoungestFirst,
        kill_grace_s: None,
        backoff: Backoff { first_ms: 1_000, factor_milli: 1_150, most_ms: 300_000 },
        dependencies: Vec::new(),
        accepted_resource_roles: None,
        role: None,
        tty: false,
        pod: None,
        version_ms: 0,
        config_version_ms: 0,
        scaling_version_ms: 0,
    }
}

/// The README's nginx. Source: frameworks.md 5.
fn nginx() -> App {
    App {
        cmd: Some("nginx:2".to_owned()),
        container: Some(Container {
            kind: ContainerKind::Docker,
            image: Some("ignore".to_owned()),
            force_pull_image: false,
            privileged: false,
            parameters: Vec::new(),
            volumes: Vec::new(),
        }),
        networks: vec![Network::Bridge],
        port_definitions: Vec::new(),
        port_mappings: vec![PortMapping {
            container_port: 80,
            host_port: Some(80),
            service_port: 0,
            protocol: "tcp".to_owned(),
            name: None,
            labels: BTreeMap::new(),
        }],
        ..an_app("/nginx", 1)
    }
}
