//! Log lines about the Mesos master for operators: frameworks come and go, their tasks are
//! launched, run and end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use longshore_bridge::{Bridge, CallId, Happening, Input, Output, Response};

use super::tell;
use crate::drive::Watch;
use crate::metrics::{Decider, Metrics, OneMachine, Outcome, Service};

/// Watches the bridge.
pub(crate) struct BridgeWatch {
    counted: OneMachine,
    metrics: Metrics,
    /// Unanswered calls: what each is, and when it arrived.
    calls: BTreeMap<CallId, (&'static str, Instant)>,
}

impl BridgeWatch {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let counted = metrics.machine(Decider::Bridge);
        Self { counted, metrics: metrics.clone(), calls: BTreeMap::new() }
    }

    fn answered(&mut self, id: CallId, response: &Response) {
        let Some((operation, came)) = self.calls.remove(&id) else { return };
        let outcome = match response {
            Response::Refused(status, _) if *status >= 500 => Outcome::Failed,
            Response::Refused(..) => Outcome::Refused,
            _ => Outcome::Ok,
        };
        self.metrics.called(Service::Mesos, operation, outcome, came.elapsed());
    }
}

fn happened(happening: &Happening) {
    match happening {
        Happening::Subscribed { framework, name, again } => {
            let what = if *again { "subscribed again" } else { "subscribed" };
            tell!(?framework, ?name, "framework {what}");
        }
        Happening::Away { framework, waits_ms } => {
            let waits_s = waits_ms / 1_000;
            tell!(?framework, waits_s, "framework disconnected, waiting for it to return");
        }
        Happening::Removed { framework, tasks, why } => {
            tell!(
                ?framework,
                tasks,
                reason = why,
                "framework removed, its tasks are being stopped"
            );
        }
        Happening::Launched { framework, task, agent } => {
            tell!(?framework, ?task, ?agent, "framework launched a task");
        }
        Happening::Refused { framework, task, why } => {
            tell!(?framework, ?task, reason = ?why, "framework's task is refused");
        }
        Happening::Dropped { framework, why } => {
            tell!(?framework, reason = why, "framework's operation is dropped");
        }
        Happening::Became { framework, task, state, why } => {
            let state = state.as_str_name();
            match why {
                None => tell!(?framework, ?task, state, "framework's task is {state}"),
                Some(why) => {
                    tell!(?framework, ?task, state, reason = ?why, "framework's task is {state}");
                }
            }
        }
    }
}

impl Watch<Bridge> for BridgeWatch {
    fn taking(&mut self, inputs: usize, waiting: usize) {
        self.counted.taking(inputs, waiting);
    }

    fn input(&mut self, input: &Input) {
        if let Input::Called { id, call, .. } = input {
            self.calls.insert(*id, (call.kind(), Instant::now()));
        }
    }

    fn outputs(&mut self, outputs: &[Output]) {
        for output in outputs {
            match output {
                Output::Respond(id, response) => self.answered(*id, response),
                Output::Happened(happening) => happened(happening),
                _ => {}
            }
        }
    }

    fn stepped(&mut self, took: Duration) {
        self.counted.stepped(took);
    }
}
