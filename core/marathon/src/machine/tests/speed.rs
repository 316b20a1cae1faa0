//! What many apps cost: `cargo test --release -p longshore-marathon speed -- --ignored --nocapture`.
//!
//! The master is a list of agents, each of which is offered again as soon as its offer was used; every task is STARTING and then RUNNING.
//! Only the machine counts here, and not what carries its inputs and outputs: HTTP, the store, the master and the cluster, which
//! `cargo xtask bench marathon` has. A small number of apps is deployed with every run of the tests.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "it measures, and tells what it measured"
)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use longshore_wire_marathon::form;
use serde_json::json;

use super::super::*;
use super::*;

/// What is deployed, and on how many agents.
#[derive(Clone, Copy)]
struct Size {
    agents: usize,
    apps: usize,
    instances: usize,
}

fn scalar_of(name: &str, value: f64) -> Resource {
    let scalar = Some(Scalar { value });
    Resource { name: name.to_owned(), r#type: Type::Scalar.into(), scalar, ..Resource::default() }
}

/// All that an agent has: more than is needed of it.
fn whole_offer(agent: usize, number: u64) -> Offer {
    let range = vec![Range { begin: 31_000, end: 32_000 }];
    let ranges = Some(Ranges { range });
    let (name, kind) = ("ports".to_owned(), Type::Ranges.into());
    let ports = Resource { name, r#type: kind, ranges, ..Resource::default() };
    Offer {
        id: OfferId { value: format!("{agent}-{number}") },
        agent_id: AgentId { value: format!("agent-{agent}") },
        hostname: format!("host-{agent}"),
        resources: vec![scalar_of("cpus", 64.0), scalar_of("mem", 65_536.0), ports],
        ..Offer::default()
    }
}

/// A scheduler, and what its master has not told it yet.
struct Many {
    size: Size,
    marathon: Marathon,
    waiting: VecDeque<Callback>,
    offers: Vec<Offer>,
    made: u64,
    running: usize,
    took: Duration,
    longest: Duration,
}

impl Many {
    fn new(size: Size) -> Self {
        let now = Timestamp::from_millis(NOON);
        Self {
            size,
            marathon: Marathon::restore(Config::default(), now, []).unwrap(),
            waiting: VecDeque::new(),
            offers: (0..size.agents).map(|agent| whole_offer(agent, 0)).collect(),
            made: 0,
            running: 0,
            took: Duration::ZERO,
            longest: Duration::ZERO,
        }
    }

    /// One step; returns the reply, if there is one.
    fn step(&mut self, now: Timestamp, input: Option<Input>) -> Option<Reply> {
        let (mut out, began) = (Vec::new(), Instant::now());
        match input {
            Some(input) => self.marathon.step(now, input, &mut out),
            None => self.marathon.tick(now, &mut out),
        }
        let took = began.elapsed();
        (self.took, self.longest) = (self.took + took, self.longest.max(took));
        let mut given = None;
        for output in out {
            match output {
                Output::Say(command) => self.hears(command),
                Output::Reply { reply, .. } => given = Some(reply),
                _ => {}
            }
        }
        given
    }

    fn hears(&mut self, command: Command) {
        let Command::Accept { offers, operations, .. } = command else { return };
        for task in
            operations.into_iter().filter_map(|one| one.launch).flat_map(|one| one.task_infos)
        {
            for state in [TaskState::TaskStarting, TaskState::TaskRunning] {
                self.waiting.push_back(update(&task.task_id, state));
            }
        }
        for id in offers {
            let agent = id.value.split_once('-').and_then(|(agent, _)| agent.parse().ok());
            self.made += 1;
            self.offers.push(whole_offer(agent.unwrap_or_default(), self.made));
        }
    }
}

fn update(task: &TaskId, state: TaskState) -> Callback {
    let (task_id, uuid) = (task.clone(), Some(vec![0; 16]));
    let status = TaskStatus { task_id, uuid, state: state.into(), ..TaskStatus::default() };
    Callback::StatusUpdate(Box::new(status))
}

fn app_of(number: usize, instances: usize) -> App {
    let id = format!("/app-{number}");
    let members = json!({"id": id, "cmd": "sleep", "cpus": 0.01, "mem": 1, "instances": instances});
    App::of(form::read(members.as_object().cloned().unwrap()).unwrap())
}

/// Until every task has been told to run.
fn converges(world: &mut Many, now: &mut Timestamp) {
    let all = world.size.apps * world.size.instances;
    while !world.waiting.is_empty() || world.running < all {
        *now = *now + 10;
        assert!(*now < Timestamp::from_millis(NOON) + 600_000, "{} tasks run", world.running);
        let offers = std::mem::take(&mut world.offers);
        if !offers.is_empty() {
            world.step(*now, Some(Input::Heard(Callback::ResourceOffers(offers))));
        }
        // As many as a driver hands over before it waits.
        for _ in 0..1_024 {
            let Some(callback) = world.waiting.pop_front() else { break };
            let is_up = |one: &TaskStatus| one.state() == TaskState::TaskRunning;
            let runs = matches!(&callback, Callback::StatusUpdate(status) if is_up(status));
            world.running += usize::from(runs);
            world.step(*now, Some(Input::Heard(callback)));
        }
        world.step(*now, None);
    }
}

/// Deploys all apps with one call; afterwards each is as it is wanted. Returns what it cost, and how long it takes to list them.
fn deploys(size: Size) -> (Many, Duration) {
    let mut now = Timestamp::from_millis(NOON);
    let mut world = Many::new(size);
    let id = FrameworkId { value: "framework".to_owned() };
    world.step(now, Some(Input::Heard(Callback::Registered(id, Box::default()))));
    let apps = (0..size.apps).map(|number| app_of(number, size.instances)).collect();
    let call = Call::Put { apps, mode: Mode::Any, force: false };
    let reply = world.step(now, Some(Input::Called { ticket: Ticket(1), call }));
    assert!(matches!(reply, Some(Reply::Done { .. })), "the apps are deployed: {reply:?}");
    converges(&mut world, &mut now);
    let began = Instant::now();
    let call = Call::Apps { within: PathId::root() };
    let listed = world.step(now, Some(Input::Called { ticket: Ticket(2), call }));
    let took = began.elapsed();
    let Some(Reply::Apps(apps)) = listed else { panic!("apps are listed: {listed:?}") };
    let is_done = |one: &AppView| {
        usize::try_from(one.counts.running) == Ok(size.instances) && one.deployment.is_none()
    };
    assert!(apps.len() == size.apps && apps.iter().all(is_done), "an app is not as it is wanted");
    (world, took)
}

#[test]
fn many_apps_that_come_with_one_call_all_get_their_instances() {
    let (world, _) = deploys(Size { agents: 50, apps: 40, instances: 30 });
    assert_eq!(world.marathon.instances.len(), 1_200);
}

#[test]
#[ignore = "takes most of a minute: it measures S28 of SPEC.md"]
fn speed() {
    let (world, listed) = deploys(Size { agents: 5_000, apps: 1_000, instances: 100 });
    println!("1,000 apps of 100: {:?}, the longest step {:?}", world.took, world.longest);
    println!("listed: {listed:?}");
}
