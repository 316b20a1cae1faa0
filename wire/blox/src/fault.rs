//! What a client is told instead of an answer: a status, and plain text that ends in a newline.
//!
//! Generated clients of Blox choose a decoder by the content type and know errors as bare strings, so a JSON object would
//! break them. Source: blox.md 1.4 and 2.3, which have the texts.

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No route matches: a wrong path, a wrong verb, or a deployment token that is none.
    #[error("404 page not found")]
    NoRoute,
    /// A list of the cluster state service has a parameter that it does not know.
    #[error("At least one of the filters provided is unsupported")]
    UnsupportedFilter,
    /// A list of the scheduler has a parameter that it does not know.
    #[error("At least one of the filters provided is not supported")]
    FilterNotSupported,
    /// A parameter was given twice.
    #[error("At least one of the filters provided is specified multiple times")]
    RepeatedFilter,
    /// A status that a list does not know.
    #[error("Invalid status")]
    Status,
    /// Neither a name nor an ARN of a cluster.
    #[error("Invalid cluster ARN or name")]
    Cluster,
    /// Not an integer that is 0 or more.
    #[error("Invalid entity version")]
    EntityVersion,
    /// Changes since then are not kept any more, or have not been yet.
    #[error("Entity version is out of range")]
    OutOfRange,
    /// No such task.
    #[error("Task not found")]
    TaskNotFound,
    /// No such container instance.
    #[error("Instance not found")]
    InstanceNotFound,
    /// What a request body lacks, or holds that it cannot.
    #[error("validation failure list:\n{}", .0.join("\n"))]
    Invalid(Vec<String>),
    /// A body that is larger than any that makes sense.
    #[error("the request body has more than {0} bytes")]
    TooLarge(usize),
    /// ECS does not know the cluster or the task definition of a new environment, or both are not in use any more.
    #[error("{0}")]
    NotInEcs(String),
    /// The name of a new environment is taken.
    #[error("Error saving environment {0} to store: An environment with name {0} already exists")]
    EnvironmentExists(String),
    /// No such environment.
    #[error("Environment {0} does not exist")]
    NoEnvironment(String),
    /// No such environment to deploy to.
    #[error("Environment with name '{0}' does not exist")]
    NothingToDeployTo(String),
    /// The token is not the environment's, or not any more.
    #[error("Token '{given}' is outdated and does not match the environment token '{current}'")]
    OldToken {
        /// As the client gave it.
        given: String,
        /// The environment's.
        current: String,
    },
    /// A deployment was made with this token already.
    #[error("Deployment with token '{0}' already exists")]
    UsedToken(String),
    /// A deployment is under way; its id.
    #[error("There is already a deployment in progress: {0}")]
    InProgress(String),
    /// No such deployment.
    #[error("Deployment {id} does not exist for environment {environment}")]
    NoDeployment {
        /// Its id.
        id: String,
        /// The environment's name.
        environment: String,
    },
    /// There is nothing to go back to.
    #[error("Environment {0} has no earlier deployment to roll back to")]
    NothingBefore(String),
    /// More than can be kept.
    #[error("{0}")]
    Full(String),
    /// It cannot be said now; a retry may help.
    #[error("{0}")]
    Unavailable(String),
    /// Anything else that went wrong.
    #[error("Server Error")]
    Server,
}

impl Fault {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::NoRoute
            | Self::TaskNotFound
            | Self::InstanceNotFound
            | Self::NotInEcs(_)
            | Self::NoEnvironment(_)
            | Self::NothingToDeployTo(_)
            | Self::NoDeployment { .. } => 404,
            Self::TooLarge(_) => 413,
            Self::Unavailable(_) => 503,
            Self::Server => 500,
            _ => 400,
        }
    }

    /// The body of the response.
    pub fn body(&self) -> String {
        format!("{self}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_text_that_ends_in_a_newline() {
        let told = |fault: Fault| (fault.status(), fault.body());
        let texts = [
            (Fault::NoRoute, 404, "404 page not found\n"),
            (Fault::Status, 400, "Invalid status\n"),
            (Fault::TaskNotFound, 404, "Task not found\n"),
            (Fault::Server, 500, "Server Error\n"),
            (
                Fault::EnvironmentExists("N".to_owned()),
                400,
                "Error saving environment N to store: An environment with name N already exists\n",
            ),
            (
                Fault::OldToken { given: "T".to_owned(), current: "E".to_owned() },
                400,
                "Token 'T' is outdated and does not match the environment token 'E'\n",
            ),
            (
                Fault::NoDeployment { id: "1".to_owned(), environment: "N".to_owned() },
                404,
                "Deployment 1 does not exist for environment N\n",
            ),
        ];
        for (fault, status, text) in texts {
            assert_eq!(told(fault), (status, text.to_owned()));
        }
    }
}
