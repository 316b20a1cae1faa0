//! Work that is too much for one step goes on a slice a tick, while others are served in between.

use crate::limits;
use crate::machine::StreamKey;

/// How a slice of work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slice {
    /// It is done.
    Done,
    /// It goes on.
    Open,
    /// It goes on when the reader of a stream has read more.
    Stalled(StreamKey),
}

/// What is left to do of a slice, in units of about a microsecond.
#[derive(Debug)]
pub(crate) struct Units(usize);

impl Units {
    pub(crate) fn of_a_slice() -> Self {
        Self(limits::UNITS_PER_SLICE)
    }

    /// Takes units for one more piece of work; false if this slice is to have no more. A slice has one piece at least.
    pub(crate) fn take(&mut self, units: usize) -> bool {
        let goes_on = self.0 > 0;
        self.0 = self.0.saturating_sub(units);
        goes_on
    }
}
