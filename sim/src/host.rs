//! A machine that is a container instance: a [`Lifecycle`] with simulated containers.
//!
//! The behaviour of a container is read from its environment (see `definitions`); faults of the
//! machine are decided by the world. The containers survive the agent, but not the machine.

use std::collections::BTreeMap;

use longshore_lifecycle::{
    ContainerRef, Event, Found, FoundState, Input, Lifecycle, Output, audit,
};
use longshore_machine::{Machine, Timestamp};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::{ContainerSpec, Order, TaskReport};

use crate::chance::Chance;

/// The state of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Starting,
    Running,
    Exited(i32),
}

#[derive(Clone, Debug)]
struct Container {
    name: Str,
    spec: ContainerSpec,
    state: State,
}

/// What a machine asks of the world.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Send this to the control plane.
    Report(TaskReport),
    /// Deliver this event after a delay in ms.
    Later(u64, ContainerRef, Event),
}

/// A machine.
#[derive(Debug, Default)]
pub(crate) struct Host {
    agent: Lifecycle,
    containers: BTreeMap<ContainerRef, Container>,
    /// The agent's current connection; messages of earlier ones are lost.
    pub(crate) connection: Option<u64>,
    /// The last connection of any agent before this one started. It has received no orders from
    /// earlier connections.
    pub(crate) began_after: u64,
    /// Increases when the machine restarts; pending events of earlier boots are dropped.
    pub(crate) boot: u64,
    /// Whether the machine is running.
    pub(crate) up: bool,
}

fn setting(spec: &ContainerSpec, name: &str) -> Option<u64> {
    spec.variable(name)?.parse().ok()
}

impl Host {
    pub(crate) fn new() -> Self {
        Self { up: true, ..Self::default() }
    }

    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        self.agent.wake_at().filter(|_| self.up)
    }

    pub(crate) fn tick(&mut self, now: Timestamp, chance: &mut Chance) -> Vec<Asked> {
        let mut out = Vec::new();
        self.agent.tick(now, &mut out);
        self.perform(out, chance)
    }

    pub(crate) fn ordered(
        &mut self,
        now: Timestamp,
        order: Order,
        chance: &mut Chance,
    ) -> Vec<Asked> {
        self.tell(now, Input::Ordered(order), chance)
    }

    /// Handles an event of a container. A removed container has no events.
    pub(crate) fn happened(
        &mut self,
        now: Timestamp,
        of: ContainerRef,
        event: Event,
        chance: &mut Chance,
    ) -> Vec<Asked> {
        let Some(container) = self.containers.get_mut(&of) else { return Vec::new() };
        let mut more = Vec::new();
        match &event {
            Event::Started { .. } => {
                container.state = State::Running;
                if let Some(ms) = setting(&container.spec, "RUN_MS") {
                    let code =
                        setting(&container.spec, "CODE").and_then(|code| i32::try_from(code).ok());
                    more.push(Asked::Later(ms, of, Event::Exited { code, reason: None }));
                }
            }
            Event::StartFailed(_) | Event::TaskFailed(_) => drop(self.containers.remove(&of)),
            Event::Exited { code, .. } => {
                if matches!(container.state, State::Exited(_)) {
                    return Vec::new();
                }
                container.state = State::Exited(code.unwrap_or(0));
            }
            Event::Probed { .. } if container.state != State::Running => return Vec::new(),
            Event::Probed { .. } | Event::PullStarted | Event::PullStopped => {}
        }
        more.extend(self.tell(now, Input::Happened(of, event), chance));
        more
    }

    /// Restarts the agent without the containers noticing.
    pub(crate) fn restart_agent(&mut self, now: Timestamp, chance: &mut Chance) {
        // Containers that were starting may or may not have started.
        self.containers.retain(|_, one| one.state != State::Starting || chance.one_in(2));
        let found = self.containers.iter_mut().map(|(of, one)| {
            let state = match one.state {
                State::Starting | State::Running => FoundState::Running,
                State::Exited(code) => FoundState::Exited(Some(code)),
            };
            if one.state == State::Starting {
                one.state = State::Running;
            }
            let runtime_id = format!("{}-{}", of.task, of.index).into();
            Found {
                task: of.task,
                container: one.name.clone(),
                runtime_id,
                bindings: Vec::new(),
                state,
            }
        });
        let found: Vec<Found> = found.collect();
        self.agent = Lifecycle::default();
        self.agent.step(now, Input::Inventory(found), &mut Vec::new());
    }

    /// Crashes the machine with everything running on it.
    pub(crate) fn crash(&mut self) {
        self.up = false;
        self.boot += 1;
        self.connection = None;
        self.containers.clear();
        self.agent = Lifecycle::default();
    }

    /// Tasks with a running container.
    pub(crate) fn running(&self) -> impl Iterator<Item = ResourceId> {
        let running = self.containers.iter().filter(|(_, one)| one.state == State::Running);
        running.map(|(of, _)| of.task)
    }

    /// Whether no container of any task is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.containers.is_empty()
    }

    fn tell(&mut self, now: Timestamp, input: Input, chance: &mut Chance) -> Vec<Asked> {
        let mut out = Vec::new();
        self.agent.step(now, input, &mut out);
        self.perform(out, chance)
    }

    fn perform(&mut self, out: Vec<Output>, chance: &mut Chance) -> Vec<Asked> {
        let violations = audit(&self.agent);
        assert!(violations.is_empty(), "{violations:?}");
        let mut asked = Vec::new();
        for output in out {
            match output {
                Output::Start(of, spec) => {
                    let spec = &spec.containers[of.index];
                    self.start(of, spec, chance, &mut asked);
                }
                Output::Stop(of) => asked.extend(self.stop(of, chance)),
                Output::Kill(of) => {
                    let killed = Event::Exited { code: Some(137), reason: None };
                    asked.push(Asked::Later(chance.below(50), of, killed));
                }
                Output::Probe(of) => {
                    let health =
                        self.containers.get(&of).and_then(|one| one.spec.variable("HEALTH"));
                    let passed = match health {
                        Some("never") => false,
                        Some("flaky") => !chance.one_in(3),
                        _ => true,
                    };
                    asked.push(Asked::Later(chance.below(200), of, Event::Probed { passed }));
                }
                Output::Remove(task) => self.containers.retain(|of, _| of.task != task),
                Output::Report(report) => asked.push(Asked::Report(report)),
            }
        }
        asked
    }

    fn start(
        &mut self,
        of: ContainerRef,
        spec: &ContainerSpec,
        chance: &mut Chance,
        asked: &mut Vec<Asked>,
    ) {
        let name: Str = spec.name().into();
        let new = Container { name, spec: spec.clone(), state: State::Starting };
        assert!(self.containers.insert(of, new).is_none(), "{of:?} is started twice");
        let start_ms = setting(spec, "START_MS").unwrap_or(0) + chance.below(5);
        if chance.one_in(3) {
            asked.push(Asked::Later(0, of, Event::PullStarted));
            asked.push(Asked::Later(start_ms / 2, of, Event::PullStopped));
        }
        let event = match spec.variable("START_ERROR") {
            Some(error) => Event::StartFailed(format!("CannotStartContainerError: {error}").into()),
            None => Event::Started {
                runtime_id: format!("{}-{}", of.task, of.index).into(),
                image_digest: None,
                bindings: Vec::new(),
            },
        };
        asked.push(Asked::Later(start_ms, of, event));
    }

    fn stop(&self, of: ContainerRef, chance: &mut Chance) -> Option<Asked> {
        let spec = &self.containers.get(&of)?.spec;
        // Some ignore everything but SIGKILL.
        if spec.variable("DEAF").is_some() {
            return None;
        }
        let ms = setting(spec, "STOP_MS").unwrap_or(0) + chance.below(20);
        Some(Asked::Later(ms, of, Event::Exited { code: Some(143), reason: None }))
    }
}
