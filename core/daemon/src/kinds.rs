//! Kinds of what is kept over restarts. Tasks are not: they are found again in ECS.

/// Kind of the rows of environments; the id is the name.
pub(crate) const ENVIRONMENT: &str = "environment";
/// Kind of the rows of deployments; the id is theirs.
pub(crate) const DEPLOYMENT: &str = "deployment";
/// Kind of the row that says which entity versions may have been given out.
pub(crate) const VERSIONS: &str = "versions";
/// Its id.
pub(crate) const RESERVED: &str = "reserved";
