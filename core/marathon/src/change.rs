//! What a step changes of what must not be forgotten.

/// A change of a row. Rows have a kind, an id and a body of JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The row is this from now on.
    Put {
        /// `app`, `version`, `instance`, `deployment` or `framework`.
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
        /// Its key.
        id: String,
    },
}
