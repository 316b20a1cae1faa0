//! Calls on their way to the master.
//!
//! Calls are sent one after the other, each when the one before is answered, so that they arrive in their order. Acknowledgements
//! have a way of their own, on which several are out at a time: the next update of a task comes only after the last was acknowledged,
//! so their order does not matter.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_mesos::encoded_bytes;
use longshore_wire_mesos::v1::scheduler::Call;
use longshore_wire_mesos::v1::scheduler::call::Type;

use crate::limits;

/// Names a call that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallNumber(pub u64);

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The master has it.
    Done,
    /// It did nothing, and says why.
    Refused {
        /// The status of HTTP.
        status: u16,
        /// What it said.
        text: String,
    },
    /// It did nothing, and may do it later: 429 and 503.
    Busy(String),
    /// Nobody knows: the connection broke before the answer.
    Unsure(String),
}

/// A call that waits, or is out.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) call: Arc<Call>,
    bytes: usize,
    /// How often the master was too busy.
    tries: u32,
}

/// What was on its way when the subscription ended. Acknowledgements are left out: their updates come again.
#[derive(Debug)]
pub(crate) struct Broken {
    /// Was not sent, in its order.
    pub(crate) unsent: Vec<Arc<Call>>,
    /// May have arrived.
    pub(crate) unsure: Option<Arc<Call>>,
}

/// Calls on their way.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    last: u64,
    waiting: VecDeque<Pending>,
    out: Option<(CallNumber, Pending)>,
    paused_until: Option<Timestamp>,
    acknowledgements: VecDeque<Pending>,
    acknowledgements_out: BTreeMap<CallNumber, Pending>,
    /// What waits.
    bytes: usize,
}

impl Lane {
    pub(crate) fn push(&mut self, call: Call) {
        let bytes = encoded_bytes(&call) + size_of::<Call>();
        self.bytes += bytes;
        let is_acknowledgement = call.r#type() == Type::Acknowledge;
        let pending = Pending { call: Arc::new(call), bytes, tries: 0 };
        let queue = if is_acknowledgement { &mut self.acknowledgements } else { &mut self.waiting };
        queue.push_back(pending);
    }

    /// The next call that may be sent now.
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<(CallNumber, Arc<Call>)> {
        if self.paused_until.is_some_and(|until| until > now) {
            return None;
        }
        self.paused_until = None;
        if self.acknowledgements_out.len() < limits::ACKNOWLEDGEMENTS_OUT_MAX
            && let Some(pending) = self.acknowledgements.pop_front()
        {
            self.bytes -= pending.bytes;
            let number = self.number();
            let call = pending.call.clone();
            self.acknowledgements_out.insert(number, pending);
            return Some((number, call));
        }
        if self.out.is_some() {
            return None;
        }
        let pending = self.waiting.pop_front()?;
        self.bytes -= pending.bytes;
        let number = self.number();
        let call = pending.call.clone();
        self.out = Some((number, pending));
        Some((number, call))
    }

    fn number(&mut self) -> CallNumber {
        self.last += 1;
        CallNumber(self.last)
    }

    /// The call of that number, which is not out any more.
    pub(crate) fn take(&mut self, number: CallNumber) -> Option<Pending> {
        if let Some(pending) = self.acknowledgements_out.remove(&number) {
            return Some(pending);
        }
        let (_, pending) = self.out.take_if(|(out, _)| *out == number)?;
        Some(pending)
    }

    /// The master was too busy for it: it is sent again, before those that wait, after a pause that grows.
    pub(crate) fn again(&mut self, now: Timestamp, mut pending: Pending) {
        let pause =
            limits::BUSY_MS.saturating_mul(1 << pending.tries.min(16)).min(limits::BUSY_MS_MAX);
        pending.tries = pending.tries.saturating_add(1);
        self.paused_until = Some(now + pause);
        self.bytes += pending.bytes;
        let is_acknowledgement = pending.call.r#type() == Type::Acknowledge;
        let queue = if is_acknowledgement { &mut self.acknowledgements } else { &mut self.waiting };
        queue.push_front(pending);
    }

    /// What waits is not sent any more; what is out is.
    pub(crate) fn forgets(&mut self) {
        self.waiting.clear();
        self.acknowledgements.clear();
        (self.bytes, self.paused_until) = (0, None);
    }

    /// There is no subscription any more, and nothing waits or is out. What nobody will answer for is told by what it was.
    pub(crate) fn breaks(&mut self) -> Broken {
        self.acknowledgements.clear();
        self.acknowledgements_out.clear();
        (self.bytes, self.paused_until) = (0, None);
        Broken {
            unsent: self.waiting.drain(..).map(|pending| pending.call).collect(),
            unsure: self.out.take().map(|(_, pending)| pending.call),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
            && self.acknowledgements.is_empty()
            && self.out.is_none()
            && self.acknowledgements_out.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() + self.acknowledgements.len() >= limits::CALLS_MAX
            || self.bytes >= limits::CALL_BYTES_MAX
    }

    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        self.paused_until
    }

    pub(crate) fn audit(&self, is_open: bool) -> Option<String> {
        let all = self.waiting.iter().chain(&self.acknowledgements);
        let bytes: usize = all.map(|pending| pending.bytes).sum();
        if bytes != self.bytes {
            return Some(format!("{} bytes of calls wait, not {bytes}", self.bytes));
        }
        let waits = self.waiting.len() + self.acknowledgements.len();
        (waits > 0 && !is_open).then(|| format!("{waits} calls wait for no subscription"))
    }
}
