//! EventBridge and SQS: each operation with its worst body, on a bus with the maximum number of
//! rules and with full queues.
//!
//! The cost of a call before it reaches the bus is reported separately, without a budget: only its
//! caller waits for it.

mod queues;
mod rules;

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use longshore_events::{Answer, Bus, Call, Input, Output, Refusal, Request};
use longshore_machine::{Machine, Timestamp};
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::{eventbridge, sqs};
use serde_json::Value;

use super::{ROUNDS, Sheet, ms};
use crate::report;

/// The results, and the operations that have a case.
struct Cases<'a> {
    sheet: &'a mut Sheet,
    seen: BTreeSet<&'static str>,
}

/// A bus with its own clock.
#[derive(Clone)]
struct World {
    bus: Bus,
    now: Timestamp,
}

fn realm() -> Realm {
    Realm::new("us-east-1", "123456789012")
}

fn url(queue: &str) -> String {
    format!("http://h/123456789012/{queue}")
}

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:us-east-1:123456789012:{queue}")
}

/// A call of SQS, whose operations have names of their own.
fn of_sqs(operation: &str, body: &Value) -> Result<Request> {
    let request = sqs::Request::parse(operation, body.to_string().as_bytes());
    let request = request.map_err(|error| anyhow::anyhow!("{operation}: {error}"))?;
    Ok(Request::Sqs { origin: "http://h".into(), request })
}

fn of_events(operation: &str, body: &Value) -> Result<Request> {
    let request = eventbridge::Request::parse(operation, body.to_string().as_bytes());
    let request = request.map_err(|error| anyhow::anyhow!("{operation}: {error}"))?;
    Ok(Request::EventBridge(request))
}

impl World {
    fn new() -> Self {
        Self { bus: Bus::new(1), now: Timestamp::from_millis(1_800_000_000_000) }
    }

    /// Makes a call that is not measured.
    fn call(&mut self, request: Request) -> Result<Value> {
        let mut out = Vec::new();
        let input = Input::Call { call: Call(1), realm: realm(), request };
        self.bus.step(self.now, input, &mut out);
        for output in out {
            match output {
                Output::Reply(_, Ok(Answer::Sqs(answer))) => {
                    return Ok(serde_json::from_slice(&answer.to_json())?);
                }
                Output::Reply(_, Ok(Answer::EventBridge(answer))) => {
                    return Ok(serde_json::from_slice(&answer.to_json())?);
                }
                Output::Reply(_, Err(refusal)) => bail!("{refusal:?}"),
                _ => {}
            }
        }
        Ok(Value::Null)
    }

    fn sqs(&mut self, operation: &str, body: &Value) -> Result<Value> {
        self.call(of_sqs(operation, body)?)
    }

    fn events(&mut self, operation: &str, body: &Value) -> Result<Value> {
        self.call(of_events(operation, body)?)
    }

    /// Measures a case on the current bus; only once if it changes the bus in a way that prevents a
    /// repetition.
    fn case(
        &self,
        cases: &mut Cases<'_>,
        name: &str,
        refused: bool,
        request: Request,
    ) -> Result<()> {
        let mut world = self.clone();
        let operation = match &request {
            Request::EventBridge(request) => request.operation(),
            Request::Sqs { request, .. } => request.operation(),
            Request::Prepared(_) => "PutEvents",
        };
        cases.seen.insert(operation);
        let reads = ["List", "Describe", "Get"].iter().any(|verb| operation.starts_with(verb));
        let rounds = if reads || refused { ROUNDS } else { 1 };
        let input = Input::Call { call: Call(9), realm: realm(), request };
        let inputs = vec![input; rounds];
        let sheet = &mut *cases.sheet;
        sheet.measure(name, &mut world.bus, &mut world.now, inputs, |out| answered(out, refused))
    }
}

/// Checks that a call was accepted or rejected as expected.
fn answered(out: Vec<Output>, refused: bool) -> Result<()> {
    for output in out {
        let Output::Reply(Call(9), reply) = output else { continue };
        match reply {
            Ok(_) if refused => bail!("it is taken"),
            Err(Refusal::Sqs(error)) if !refused => bail!("it is refused: {error}"),
            Err(Refusal::EventBridge(error)) if !refused => bail!("it is refused: {error}"),
            _ => {}
        }
    }
    Ok(())
}

/// Reports the time of work outside the bus.
fn elsewhere<T>(name: &str, what: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = what();
    report(&format!("events {name}, off the bus"), &ms(began.elapsed()), "");
    done
}

pub(crate) fn run(sheet: &mut Sheet) -> Result<()> {
    let mut cases = Cases { sheet, seen: BTreeSet::new() };
    rules::run(&mut cases)?;
    queues::run(&mut cases)?;
    let all = eventbridge::Request::OPERATIONS.iter().chain(sqs::Request::OPERATIONS);
    let missing: Vec<&str> = all.copied().filter(|name| !cases.seen.contains(name)).collect();
    ensure!(missing.is_empty(), "there is no worst body of {}", missing.join(", "));
    Ok(())
}
