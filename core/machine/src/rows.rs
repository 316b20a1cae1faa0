//! What a machine must not forget: rows of JSON, each with a kind and an id. Who hosts the machine keeps them.
//!
//! A machine gives the changes of a step before anything else that the step asks for, and its host commits them first.

use std::fmt;

/// A row, as it was last put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is about.
    pub kind: String,
    /// Its key among rows of this kind.
    pub id: String,
    /// What it says, in JSON.
    pub body: String,
}

/// A change of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The row is this from now on.
    Put {
        /// What it is about.
        kind: &'static str,
        /// Its key among rows of this kind.
        id: String,
        /// What it says, in JSON.
        body: String,
    },
    /// There is no such row any more.
    Delete {
        /// What it was about.
        kind: &'static str,
        /// Its key among rows of this kind.
        id: String,
    },
}

/// A row that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its kind.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} {} cannot be read: {}", self.kind, self.id, self.why)
    }
}

impl std::error::Error for Unreadable {}
