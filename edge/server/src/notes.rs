//! Warnings for operators, rate limited: what others do over and over again does not fill the log.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::limits;

/// Recent warnings, with their times.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    said: Mutex<BTreeMap<String, Instant>>,
}

impl Notes {
    /// Logs a warning, unless it was logged within the last minute, or too many others were.
    pub(crate) fn warn(&self, text: &str) {
        if self.is_new(text, Instant::now()) {
            tracing::warn!("{text}");
        }
    }

    fn is_new(&self, text: &str, now: Instant) -> bool {
        // Each change is one insertion or removal, so a panic elsewhere cannot leave it half done.
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.retain(|_, at| now.saturating_duration_since(*at) < limits::NOTE_PAUSE);
        let is_new = said.len() < limits::NOTES_MAX && !said.contains_key(text);
        if is_new {
            said.insert(text.to_owned(), now);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_is_said_once_a_minute_and_others_in_between() {
        let (notes, now) = (Notes::default(), Instant::now());
        assert!(notes.is_new("one", now));
        assert!(!notes.is_new("one", now + limits::NOTE_PAUSE / 2));
        assert!(notes.is_new("other", now + limits::NOTE_PAUSE / 2));
        assert!(notes.is_new("one", now + limits::NOTE_PAUSE));
        for number in 0..2 * limits::NOTES_MAX {
            notes.is_new(&number.to_string(), now + limits::NOTE_PAUSE);
        }
        assert!(!notes.is_new("one too many", now + limits::NOTE_PAUSE));
    }
}
