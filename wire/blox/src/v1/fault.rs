//! Errors of v1.0: an object with a message, and what is meant where something is.
//!
//! v1.0 mapped one of its errors, 404, and answered everything else with a bare 500. Here each has a status of its own.
//! Source: blox.md 4.1 and 4.2, which have the forms of the messages.

use serde_json::json;

use crate::limits;

/// What something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An environment.
    Environment,
    /// A revision of one.
    EnvironmentRevision,
    /// A deployment of one.
    Deployment,
}

impl Kind {
    /// As `resourceType`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::EnvironmentRevision => "environmentRevision",
            Self::Deployment => "deployment",
        }
    }
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Something in the request cannot be; what, and what would be right.
    #[error("{0}")]
    Invalid(String),
    /// There is no such thing.
    #[error("{kind} with id {id} could not be found", kind = .0.word(), id = .1)]
    NotFound(Kind, String),
    /// The name of a new environment is taken.
    #[error("environment with id {0} already exists")]
    Exists(String),
    /// More than can be kept.
    #[error("{0}")]
    Full(String),
    /// The path has other methods, which are named.
    #[error("this path takes {0}")]
    Method(&'static str),
    /// A body that is larger than any that makes sense.
    #[error("the request body has more than {} bytes", limits::BODY_BYTES_MAX)]
    TooLarge,
    /// It cannot be said now; a retry may help.
    #[error("{0}")]
    Unavailable(String),
    /// Anything else that went wrong.
    #[error("internal service error")]
    Server,
}

impl Fault {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Invalid(_) | Self::Full(_) => 400,
            Self::NotFound(..) => 404,
            Self::Method(_) => 405,
            Self::Exists(_) => 409,
            Self::TooLarge => 413,
            Self::Server => 500,
            Self::Unavailable(_) => 503,
        }
    }

    /// The body of the response.
    pub fn body(&self) -> String {
        let about = match self {
            Self::NotFound(kind, id) => Some((kind.word(), id)),
            Self::Exists(id) => Some((Kind::Environment.word(), id)),
            _ => None,
        };
        match about {
            Some((kind, id)) => {
                json!({"message": self.to_string(), "resourceType": kind, "resourceId": id})
            }
            None => json!({"message": self.to_string()}),
        }
        .to_string()
    }

    /// What v0.3 says, in the words of v1.0. `name` is that of the environment.
    pub fn of_v03(fault: crate::Fault, name: &str) -> Self {
        use crate::Fault as V03;
        match fault {
            V03::EnvironmentExists(_) => Self::Exists(name.to_owned()),
            V03::NoEnvironment(_) | V03::NothingToDeployTo(_) => {
                Self::NotFound(Kind::Environment, name.to_owned())
            }
            V03::NoDeployment { id, .. } => Self::NotFound(Kind::Deployment, id),
            V03::NotInEcs(why) => Self::Invalid(why),
            V03::Full(why) => Self::Full(why),
            V03::Unavailable(why) => Self::Unavailable(why),
            V03::TooLarge(_) => Self::TooLarge,
            _ => Self::Server,
        }
    }
}
