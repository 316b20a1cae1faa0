//! A bridge with one invariant broken on purpose, to show that the simulation would notice.

use std::collections::BTreeSet;

use longshore_bridge::operator::{Change, Command, View};
use longshore_bridge::{Bridge, Config, Input, Output, Probed, Response, audit};
use longshore_machine::{Machine, Timestamp};
use longshore_replica::{Question, Task};
use longshore_wire_mesos::is_terminal;
use longshore_wire_mesos::v1::scheduler::{Call, Event};
use longshore_wire_mesos::v1::{Filters, FrameworkInfo, TaskState, TaskStatus};

use super::api;

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
    /// Nobody is offered anything: as if all had suppressed all roles.
    Starves,
    /// The cluster is read far more often than planned.
    ReadsTooFast,
    /// Tasks that pass their checks are said to fail them.
    Slanders,
    /// Whatever was launched is kept.
    Leaks,
    /// SUPPRESS has no effect.
    OffersSuppressed,
    /// What is declined is offered again at once.
    OffersDeclined,
    /// What frameworks say of agents that they want has no effect.
    OffersUnwanted,
    /// What frameworks want at least has no effect.
    OffersTooLittle,
    /// `UPDATE_FRAMEWORK` has no effect.
    KeepsRoles,
    /// Limits of roles have no effect.
    IgnoresLimits,
    /// Guarantees of roles have no effect.
    IgnoresGuarantees,
    /// Offers stay out for ever.
    KeepsOffers,
    /// Those who watch are not told of new tasks.
    HidesChanges,
    /// Operators see what there was at first.
    ShowsThePast,
    /// Tasks of frameworks that never subscribed here are stopped.
    StopsStrangers,
    /// A driver sends each ACCEPT twice.
    DriverRepeats,
    /// A driver keeps updates from its scheduler, and acknowledges them.
    DriverSwallows,
}

/// A bridge, and what is broken about it.
#[derive(Debug)]
pub(super) struct Faulty {
    bridge: Bridge,
    fault: Fault,
    sent: BTreeSet<Vec<u8>>,
    /// Frameworks that have subscribed.
    subscribed: BTreeSet<String>,
    /// What operators saw first.
    past: Option<Box<View>>,
    leaked: usize,
    made: u64,
}

impl Faulty {
    pub(super) fn new(config: Config, seed: u128, fault: Fault) -> Self {
        let mut config = config;
        if fault == Fault::KeepsOffers {
            config.offer_timeout_ms = None;
        }
        let bridge = Bridge::new(config, seed);
        let (sent, subscribed) = (BTreeSet::new(), BTreeSet::new());
        Self { bridge, fault, sent, subscribed, past: None, leaked: 0, made: 0 }
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

    /// A call as the bridge is to understand it.
    pub(super) fn spoil_call(&self, mut call: Call) -> Call {
        let subscribe = call.subscribe.as_mut();
        match self.fault {
            Fault::OffersDeclined => {
                if let Some(decline) = &mut call.decline {
                    decline.filters = Some(Filters { refuse_seconds: Some(0.0) });
                }
            }
            Fault::OffersUnwanted => {
                if let Some(part) = subscribe {
                    part.offer_constraints = None;
                }
                if let Some(part) = &mut call.update_framework {
                    part.offer_constraints = None;
                }
            }
            Fault::Starves => {
                let info = |info: &FrameworkInfo| -> Vec<String> {
                    info.roles.iter().chain(&info.role).cloned().collect()
                };
                if let Some(part) = subscribe {
                    part.suppressed_roles = info(&part.framework_info);
                }
                if let Some(part) = &mut call.update_framework {
                    part.suppressed_roles = info(&part.framework_info);
                }
            }
            Fault::OffersTooLittle => {
                if let Some(part) = subscribe {
                    part.framework_info.offer_filters.clear();
                }
                if let Some(part) = &mut call.update_framework {
                    part.framework_info.offer_filters.clear();
                }
            }
            _ => {}
        }
        call
    }

    /// What a call is answered that has no effect.
    fn swallowed(&self, input: &Input) -> Option<Output> {
        let Input::Called { id, call, .. } = input else { return None };
        let response = match (self.fault, call.kind()) {
            (Fault::OffersSuppressed, "SUPPRESS") | (Fault::Starves, "REVIVE") => {
                Response::Accepted
            }
            (Fault::KeepsRoles, "UPDATE_FRAMEWORK") => Response::Done,
            _ => return None,
        };
        Some(Output::Respond(*id, response))
    }

    fn spoil_command(&self, command: Command) -> Command {
        let Command::Quota { force, mut quota } = command else { return command };
        for (_, view) in &mut quota {
            match self.fault {
                Fault::IgnoresLimits => view.limits.clear(),
                Fault::IgnoresGuarantees => view.guarantees.clear(),
                _ => {}
            }
        }
        Command::Quota { force, quota }
    }

    /// Whatever runs of frameworks that are not known is stopped.
    fn stop_strangers(&mut self, input: &Input, out: &mut Vec<Output>) {
        let Input::Answered(answered) = input else { return };
        for (framework, task) in api::running(answered) {
            if self.fault == Fault::StopsStrangers && !self.subscribed.contains(&framework) {
                out.push(Output::Ask(api::stop_it(task, self.own())));
            }
        }
    }

    fn spoil_input(&self, input: Input) -> Input {
        let is_hidden = |task: &Task| task.arn.ends_with(['1', '4', '7', 'a', 'd']);
        match input {
            Input::Answered(mut answered) if self.fault == Fault::HidesTasks => {
                api::hide(&mut answered, is_hidden);
                Input::Answered(answered)
            }
            Input::Commanded(id, command) => Input::Commanded(id, self.spoil_command(command)),
            Input::Probed(id, Probed::Status(200)) if self.fault == Fault::Slanders => {
                Input::Probed(id, Probed::Status(500))
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
                Output::Changed(mut changes) if self.fault == Fault::HidesChanges => {
                    changes.retain(|change| !matches!(change, Change::TaskAdded(_)));
                    out.push(Output::Changed(changes));
                }
                Output::Respond(id, Response::View(view)) if self.fault == Fault::ShowsThePast => {
                    let past = self.past.get_or_insert(view).clone();
                    out.push(Output::Respond(id, Response::View(past)));
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
        let subscribed = event.subscribed.as_ref();
        self.subscribed.extend(subscribed.map(|part| part.framework_id.value.clone()));
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
        if let Some(answer) = self.swallowed(&input) {
            return out.push(answer);
        }
        self.stop_strangers(&input, out);
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
