//! What the scheduler is called with, one after the other.

use std::collections::VecDeque;

use longshore_wire_mesos::encoded_bytes;
use longshore_wire_mesos::v1::{
    AgentId, ExecutorId, FrameworkId, InverseOffer, MasterInfo, Offer, OfferId, TaskStatus,
};

use crate::limits;

/// A callback of the scheduler.
#[derive(Clone, Debug, PartialEq)]
pub enum Callback {
    /// The master has accepted the framework, for the first time since this driver started.
    Registered(FrameworkId, Box<MasterInfo>),
    /// It has again, or another master has.
    Reregistered(Box<MasterInfo>),
    /// There is no subscription any more. The driver looks for another one by itself.
    Disconnected,
    /// Offers, which are valid until they are used, declined or rescinded.
    ResourceOffers(Vec<Offer>),
    /// An offer is not valid any more.
    OfferRescinded(OfferId),
    /// The master asks for agents to be left.
    InverseOffers(Vec<InverseOffer>),
    /// It asks for this no more.
    InverseOfferRescinded(OfferId),
    /// A task has another state, or is reconciled.
    StatusUpdate(Box<TaskStatus>),
    /// An executor says something.
    FrameworkMessage(ExecutorId, AgentId, Vec<u8>),
    /// An agent is gone.
    AgentLost(AgentId),
    /// An executor has ended, with its status.
    ExecutorLost(ExecutorId, AgentId, i32),
    /// The driver has given up, and says why. It is aborted already.
    Error(String),
}

impl Callback {
    /// How much room it takes, about.
    fn bytes(&self) -> usize {
        let of_message = match self {
            Self::ResourceOffers(offers) => offers.iter().map(encoded_bytes).sum(),
            Self::InverseOffers(offers) => offers.iter().map(encoded_bytes).sum(),
            Self::StatusUpdate(status) => encoded_bytes(&**status),
            Self::FrameworkMessage(_, _, data) => data.len(),
            Self::Error(text) => text.len(),
            _ => 0,
        };
        of_message + size_of::<Self>()
    }
}

/// A callback that runs.
#[derive(Debug)]
pub(crate) struct Running {
    /// The update that is acknowledged if it returns.
    pub(crate) update: Option<Box<TaskStatus>>,
}

/// The callbacks that wait, and the one that runs.
#[derive(Debug, Default)]
pub(crate) struct Callbacks {
    waiting: VecDeque<Callback>,
    bytes: usize,
    running: Option<Running>,
}

impl Callbacks {
    pub(crate) fn push(&mut self, callback: Callback) {
        self.bytes += callback.bytes();
        self.waiting.push_back(callback);
    }

    /// The next one, if none runs.
    pub(crate) fn next(&mut self) -> Option<Callback> {
        if self.running.is_some() {
            return None;
        }
        let next = self.waiting.pop_front()?;
        self.bytes -= next.bytes();
        let update = match &next {
            Callback::StatusUpdate(status) if status.uuid.is_some() => Some(status.clone()),
            _ => None,
        };
        self.running = Some(Running { update });
        Some(next)
    }

    /// The one that runs has returned.
    pub(crate) fn returned(&mut self) -> Option<Running> {
        self.running.take()
    }

    /// None of those that wait comes any more.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        self.bytes = 0;
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running.is_none()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= limits::CALLBACKS_MAX || self.bytes >= limits::CALLBACK_BYTES_MAX
    }

    pub(crate) fn audit(&self, is_running: bool) -> Option<String> {
        let bytes: usize = self.waiting.iter().map(Callback::bytes).sum();
        if bytes != self.bytes {
            return Some(format!("{} bytes of callbacks wait, not {bytes}", self.bytes));
        }
        let is_error = |one: &Callback| matches!(one, Callback::Error(_));
        let stray = self.waiting.iter().find(|one| !is_running && !is_error(one))?;
        Some(format!("a driver that does not run would call {stray:?}"))
    }
}
