//! What the Mesos master does that concerns an operator: frameworks come and go, their tasks are launched, run and end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use longshore_bridge::{Bridge, CallId, Input, Output, Response};

use crate::drive::Watch;
use crate::metrics::{Decider, Metrics, OneMachine, Outcome, Service};

/// Sees the bridge.
pub(crate) struct BridgeWatch {
    counted: OneMachine,
    metrics: Metrics,
    /// Calls that are not answered yet: what each is, and when it came.
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
            if let Output::Respond(id, response) = output {
                self.answered(*id, response);
            }
        }
    }

    fn stepped(&mut self, took: Duration) {
        self.counted.stepped(took);
    }
}
