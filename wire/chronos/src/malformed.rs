//! What is wrong with a body, for the person who wrote it.

use std::fmt;

/// A member that cannot be what it is, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The path of the member, for example `container.volumes[1].mode`; empty for the whole body.
    pub field: String,
    /// What would be right, and what was found.
    pub wanted: String,
}

impl Malformed {
    /// A member and what would be right.
    pub fn new(field: impl Into<String>, wanted: impl Into<String>) -> Self {
        Self { field: field.into(), wanted: wanted.into() }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            return f.write_str(&self.wanted);
        }
        write!(f, "{}: {}", self.field, self.wanted)
    }
}

impl std::error::Error for Malformed {}

/// A value as it is quoted in a text: not longer than a line.
pub(crate) fn quoted(text: &str) -> String {
    const CHARS: usize = 80;
    let mut short: String = text.chars().take(CHARS).collect();
    if text.chars().nth(CHARS).is_some() {
        short.push('…');
    }
    format!("\"{short}\"")
}
