//! The HTTP front's handle to the event bus.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_control::Input;
use longshore_events::{Answer, Call, Refusal, Request};
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::{ApiError, ErrorCode};
use tokio::sync::{mpsc, oneshot};

use super::prepare::{Looked, RuleBook};

/// The result of a call.
pub(crate) type BusAnswer = Result<Answer, Refusal>;
/// Sends the result.
pub(crate) type BusSender = oneshot::Sender<BusAnswer>;

/// Calls waiting for the bus.
#[derive(Clone, Debug, Default)]
pub(crate) struct BusCalls {
    inner: Arc<Mutex<Calls>>,
}

#[derive(Debug, Default)]
struct Calls {
    last: u64,
    waiting: BTreeMap<Call, BusSender>,
}

impl BusCalls {
    fn lock(&self) -> MutexGuard<'_, Calls> {
        // Each change is one insertion or removal, so a panic elsewhere cannot leave it half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, to: BusSender) -> Call {
        let mut calls = self.lock();
        calls.last += 1;
        let call = Call(calls.last);
        calls.waiting.insert(call, to);
        call
    }

    /// Takes the sender of a waiting call.
    pub(crate) fn take(&self, call: Call) -> Option<BusSender> {
        self.lock().waiting.remove(&call)
    }
}

/// A handle to the event bus.
#[derive(Clone, Debug)]
pub(crate) struct BusHandle {
    inputs: mpsc::Sender<Input>,
    calls: BusCalls,
    rules: RuleBook,
}

/// A call in progress. Dropped before its answer, it notifies the bus that nobody is waiting any
/// more.
struct UnderWay<'a> {
    handle: &'a BusHandle,
    call: Call,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if self.handle.calls.take(self.call).is_some() {
            // If the mailbox is full, the bus is not notified: a message for this call is then
            // hidden for its visibility timeout, as if its receiver had died.
            let abandoned = Input::Bus(longshore_events::Input::Abandoned(self.call));
            drop(self.handle.inputs.try_send(abandoned));
        }
    }
}

impl BusHandle {
    pub(crate) fn new(inputs: mpsc::Sender<Input>, calls: BusCalls, rules: RuleBook) -> Self {
        Self { inputs, calls, rules }
    }

    /// Calls an operation and waits for its answer; a receive may wait long. `None` if the bus ends
    /// in the meantime.
    pub(crate) async fn call(&self, realm: Realm, request: Request) -> Option<BusAnswer> {
        let request = match self.rules.look(&realm, request).await {
            Looked::Answered(answer) => return Some(answer),
            Looked::Ready(request) => request,
        };
        let (to, answer) = oneshot::channel();
        let call = self.calls.add(to);
        let _under_way = UnderWay { handle: self, call };
        let input = longshore_events::Input::Call { call, realm, request };
        self.inputs.send(Input::Bus(input)).await.ok()?;
        answer.await.ok()
    }
}

/// An error in the format of the service that gave this answer.
pub(crate) fn refusal_like(answer: &BusAnswer, error: ApiError) -> Refusal {
    match answer {
        Ok(Answer::EventBridge(_)) | Err(Refusal::EventBridge(_)) => {
            Refusal::EventBridge(error.into())
        }
        Ok(Answer::Sqs(_)) | Err(Refusal::Sqs(_)) => Refusal::Sqs(error.into()),
    }
}

/// The bus is ending.
pub(super) fn gone() -> ApiError {
    ApiError::new(ErrorCode::Server, "The event bus is shutting down.")
}
