//! What is kept over restarts: rows, and changes to them. Tasks are not: they are found again in ECS.

/// A row as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is about.
    pub kind: String,
    /// Which one of those.
    pub id: String,
    /// JSON.
    pub body: String,
}

/// A change to the rows. All changes of a step are committed together, before anything else of the step is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// This row is there from now on, in place of one of its kind and id.
    Put {
        /// What it is about.
        kind: &'static str,
        /// Which one of those.
        id: String,
        /// JSON.
        body: String,
    },
    /// This row is not there any more.
    Delete {
        /// What it is about.
        kind: &'static str,
        /// Which one of those.
        id: String,
    },
}

/// Kind of the rows of environments; the id is the name.
pub(crate) const ENVIRONMENT: &str = "environment";
/// Kind of the rows of deployments; the id is theirs.
pub(crate) const DEPLOYMENT: &str = "deployment";
/// Kind of the row that says which entity versions may have been given out.
pub(crate) const VERSIONS: &str = "versions";
/// Its id.
pub(crate) const RESERVED: &str = "reserved";
