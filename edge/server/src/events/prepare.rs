//! The part of a call that can be done before the bus gets it.
//!
//! Matching large events against many rules takes long, and the bus has one thread. So it is done
//! here, with the rules of a moment ago, on threads for which only the caller waits. The bus
//! repeats it if a rule has changed in between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_events::{Answer, Bus, Prepared, Refusal, Request, Rules, answer_alone};
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::eventbridge;
use tokio::sync::Semaphore;

use super::handle::BusAnswer;
use crate::clock::wall;
use crate::drive::seed;
use crate::limits;

/// The rules of all realms, as last reported by the bus.
#[derive(Clone, Debug)]
pub(crate) struct RuleBook {
    rules: Arc<Mutex<BTreeMap<Realm, Arc<Rules>>>>,
    /// Limits the number of calls being prepared.
    turns: Arc<Semaphore>,
}

impl Default for RuleBook {
    fn default() -> Self {
        let turns = Arc::new(Semaphore::new(limits::PREPARED_TOGETHER_MAX));
        Self { rules: Arc::default(), turns }
    }
}

/// The result of preparing a call.
pub(crate) enum Looked {
    /// Answered without the bus.
    Answered(BusAnswer),
    /// To be sent to the bus.
    Ready(Request),
}

impl RuleBook {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Realm, Arc<Rules>>> {
        // Each change is one insertion, so a panic elsewhere cannot leave it half done.
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the rules of a restored bus.
    pub(crate) fn fill(&self, bus: &Bus) {
        let mut rules = self.lock();
        rules.extend(bus.rules().map(|(realm, known)| (realm.clone(), known.clone())));
    }

    /// Replaces the rules of a realm.
    pub(crate) fn put(&self, realm: Realm, rules: Arc<Rules>) {
        self.lock().insert(realm, rules);
    }

    fn of(&self, realm: &Realm) -> Arc<Rules> {
        self.lock().get(realm).cloned().unwrap_or_default()
    }

    /// Prepares a call as far as possible.
    pub(crate) async fn look(&self, realm: &Realm, request: Request) -> Looked {
        let Request::EventBridge(request) = request else { return Looked::Ready(request) };
        let (request, bytes) = match request {
            eventbridge::Request::PutEvents(ask) => {
                let details =
                    ask.entries.iter().flatten().filter_map(|entry| entry.detail.as_ref());
                let bytes = details.map(|detail| detail.len()).sum();
                (eventbridge::Request::PutEvents(ask), bytes)
            }
            test @ eventbridge::Request::TestEventPattern(_) => (test, usize::MAX),
            other => return Looked::Ready(Request::EventBridge(other)),
        };
        let (rules, realm) = (self.of(realm), realm.clone());
        if bytes < limits::PREPARED_AT_ONCE_BYTES_MAX
            && rules.work(bytes) < limits::PREPARED_AT_ONCE_WORK_MAX
        {
            return prepare(&rules, &realm, request);
        }
        // The semaphore is never closed.
        let _turn = self.turns.acquire().await;
        let prepared = tokio::task::spawn_blocking(move || prepare(&rules, &realm, request)).await;
        prepared.unwrap_or_else(|_| {
            let error = eventbridge::ErrorCode::Internal;
            let error = eventbridge::Error::new(error, "The events could not be matched.");
            Looked::Answered(Err(Refusal::EventBridge(error)))
        })
    }
}

fn prepare(rules: &Rules, realm: &Realm, request: eventbridge::Request) -> Looked {
    if let Some(answer) = answer_alone(&request) {
        return Looked::Answered(answer.map(Answer::EventBridge).map_err(Refusal::EventBridge));
    }
    match request {
        eventbridge::Request::PutEvents(ask) => {
            match Prepared::new(rules, wall(), realm, seed(), *ask) {
                Ok(prepared) => Looked::Ready(Request::Prepared(Box::new(prepared))),
                Err(error) => Looked::Answered(Err(Refusal::EventBridge(error))),
            }
        }
        other => Looked::Ready(Request::EventBridge(other)),
    }
}
