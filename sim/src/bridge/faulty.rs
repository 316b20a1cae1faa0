//! A bridge with one invariant broken on purpose, to show that the simulation would notice.

use std::collections::BTreeSet;

use longshore_bridge::{Bridge, Config, Input, Output, audit};
use longshore_machine::{Machine, Timestamp};
use longshore_replica::{Question, Task};
use longshore_wire_mesos::v1::scheduler::Event;
use longshore_wire_mesos::v1::scheduler::event::Type;
use longshore_wire_mesos::v1::{TaskState, TaskStatus};

use super::api;
use super::forms::is_terminal;

/// What is broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Some launches are started twice, under two launch ids.
    StartsTwice,
    /// Some launches are started again although the reply was lost.
    StartsAgain,
    /// Ends of some tasks are not told.
    SwallowsEnds,
    /// Some tasks are not seen.
    HidesTasks,
    /// What is offered is offered a second time.
    OffersTwice,
    /// A task that starts is said to run.
    RunsTooEarly,
    /// A task that runs is said to have ended.
    EndsTooEarly,
    /// Updates are sent once.
    NeverRepeats,
    /// Nobody is offered anything.
    Starves,
    /// The cluster is read far more often than planned.
    ReadsTooFast,
    /// Whatever was launched is kept.
    Leaks,
}

/// A bridge, and what is broken about it.
#[derive(Debug)]
pub(super) struct Faulty {
    bridge: Bridge,
    fault: Fault,
    sent: BTreeSet<Vec<u8>>,
    leaked: usize,
    made: u64,
}

impl Faulty {
    pub(super) fn new(config: Config, seed: u128, fault: Fault) -> Self {
        let bridge = Bridge::new(config, seed);
        Self { bridge, fault, sent: BTreeSet::new(), leaked: 0, made: 0 }
    }

    pub(super) fn is_recovered(&self) -> bool {
        self.bridge.is_recovered()
    }

    /// What the bridge finds wrong with itself.
    pub(super) fn audit(&self) -> Vec<String> {
        audit(&self.bridge).into_iter().map(|violation| violation.0).collect()
    }

    pub(super) fn sizes(&self) -> Vec<(&'static str, usize)> {
        let mut sizes = self.bridge.sizes();
        sizes.push(("leaks", self.leaked));
        sizes
    }

    /// The number of a question of our own, of which the bridge knows nothing.
    fn own(&mut self) -> u64 {
        self.made += 1;
        u64::MAX - self.made
    }

    fn spoil_input(&self, input: Input) -> Input {
        let is_hidden = |task: &Task| task.arn.ends_with(['1', '4', '7', 'a', 'd']);
        match input {
            Input::Answered(mut answered) if self.fault == Fault::HidesTasks => {
                api::hide(&mut answered, is_hidden);
                Input::Answered(answered)
            }
            other => other,
        }
    }

    fn spoil(&mut self, outputs: Vec<Output>, out: &mut Vec<Output>) {
        for output in outputs {
            match output {
                Output::Ask(question) => self.spoil_question(question, out),
                Output::Send(stream, event) => {
                    let twice = self.fault == Fault::OffersTwice && event.offers.is_some();
                    let again = twice.then(|| offered_again(&event));
                    if let Some(event) = self.spoil_event(*event) {
                        out.push(Output::Send(stream, Box::new(event)));
                    }
                    out.extend(again.map(|event| Output::Send(stream, Box::new(event))));
                }
                other => out.push(other),
            }
        }
    }

    fn spoil_question(&mut self, question: Question, out: &mut Vec<Output>) {
        let start = api::start_of(&question).map(|(_, start)| start);
        self.leaked += usize::from(self.fault == Fault::Leaks && start.is_some());
        let mut again = Vec::new();
        match (self.fault, start) {
            (Fault::StartsTwice, Some(start)) => {
                let launch = format!("{}x", &start.started_by[..35]).into();
                again.push(api::start_again(start, launch, self.own()));
            }
            (Fault::StartsAgain, Some(_)) => again.push(api::renamed(&question, self.own())),
            (Fault::ReadsTooFast, None) if api::paced(&question).is_some() => {
                again.extend((0..9).map(|_| api::renamed(&question, self.own())));
            }
            _ => {}
        }
        out.push(Output::Ask(question));
        out.extend(again.into_iter().map(Output::Ask));
    }

    fn spoil_event(&mut self, mut event: Event) -> Option<Event> {
        if self.fault == Fault::Starves && event.r#type() == Type::Offers {
            return None;
        }
        let Some(update) = &mut event.update else { return Some(event) };
        let status: &mut TaskStatus = &mut update.status;
        let Some(uuid) = status.uuid.clone() else { return Some(event) };
        let state = status.state();
        match self.fault {
            Fault::SwallowsEnds if is_terminal(state) && status.task_id.value.ends_with('3') => {
                return None;
            }
            Fault::NeverRepeats if !self.sent.insert(uuid) => return None,
            Fault::RunsTooEarly if state == TaskState::TaskStarting => {
                status.state = TaskState::TaskRunning.into();
            }
            Fault::EndsTooEarly if state == TaskState::TaskRunning => {
                status.state = TaskState::TaskFinished.into();
            }
            _ => {}
        }
        Some(event)
    }
}

fn offered_again(event: &Event) -> Event {
    let mut again = event.clone();
    for offer in again.offers.iter_mut().flat_map(|offers| &mut offers.offers) {
        offer.id.value.push('b');
    }
    again
}

impl Machine for Faulty {
    type Input = Input;
    type Output = Output;

    fn step(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        let mut outputs = Vec::new();
        let input = self.spoil_input(input);
        self.bridge.step(now, input, &mut outputs);
        self.spoil(outputs, out);
    }

    fn tick(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let mut outputs = Vec::new();
        self.bridge.tick(now, &mut outputs);
        self.spoil(outputs, out);
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.bridge.wake_at()
    }
}
