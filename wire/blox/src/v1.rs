//! The API that Blox v1.0 was to have, `/v1/{cluster}/environments`, beside that of v0.3 on the same port.
//!
//! The two are told apart by the element after `/v1`: `environments` and the other words of v0.3 are v0.3's, anything else is a
//! cluster. A cluster of such a name is reached by its ARN. Names are those of a cluster's, JSON is without v0.3's oddities, and
//! errors are JSON objects.
//!
//! Source: blox.md 4.1 and 7.1, read from the unfinished `dev` branch of Blox, which left lists, deployments and paging as stubs.

mod answer;
mod body;
mod fault;

use crate::arn::{ClusterRef, is_environment_name};
use crate::limits;
use crate::query::{Query, decode};
use crate::route::Request;

pub use answer::{
    Answer, Counts, DeploymentConfiguration, Environment, EnvironmentDeployment,
    EnvironmentRevision, InstanceGroup,
};
pub use body::NewEnvironment;
pub use fault::{Fault, Kind};

/// What can follow `/v1/` in v0.3, and so is no cluster's name here.
const WORDS_OF_V03: [&str; 5] = ["environments", "tasks", "instances", "stream", "ping"];

/// An environment: unique in its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentRef {
    /// Its cluster.
    pub cluster: ClusterRef,
    /// Its name.
    pub name: String,
}

/// Which part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many entries at most, 1 to 100.
    pub most: usize,
    /// The entry that the part before ended with.
    pub after: Option<String>,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Names of the environments of a cluster.
    Environments {
        /// Whose.
        cluster: ClusterRef,
        /// What they begin with.
        prefix: String,
        /// Which of them.
        page: Page,
    },
    /// Makes an environment, with its first revision.
    Create {
        /// Which.
        environment: EnvironmentRef,
        /// What it is to be.
        new: Box<NewEnvironment>,
    },
    /// An environment.
    Describe(EnvironmentRef),
    /// Makes another revision, which is not deployed yet.
    Update {
        /// Of which.
        environment: EnvironmentRef,
        /// Whatever `DescribeTaskDefinition` takes.
        task_definition: String,
    },
    /// Ends an environment.
    Delete {
        /// Which.
        environment: EnvironmentRef,
        /// Whether its tasks are stopped first. Beyond v1.0, which leaves them.
        stops_tasks: bool,
    },
    /// Ids of revisions, newest first.
    Revisions(EnvironmentRef, Page),
    /// A revision, by its id.
    Revision(EnvironmentRef, String),
    /// Ids of deployments, newest first.
    Deployments(EnvironmentRef, Page),
    /// Deploys a revision, by its id.
    Deploy(EnvironmentRef, String),
    /// A deployment, by its id.
    Deployment(EnvironmentRef, String),
}

/// The elements of a path after the first slash. A slash inside an ARN may be escaped or not.
fn elements(path: &str) -> Vec<String> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut all: Vec<String> = path.split('/').skip(1).map(|one| decode(one, false)).collect();
    if all.get(1).is_some_and(|one| one.starts_with("arn:") && one.ends_with(":cluster"))
        && all.len() > 2
    {
        let name = all.remove(2);
        all[1] = format!("{}/{name}", all[1]);
    }
    all
}

fn checked(query: &Query, known: &[&str]) -> Result<(), Fault> {
    if !query.knows_only(known) {
        let names = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Fault::Invalid(format!("unknown query parameter: this call takes {names}")));
    }
    if query.repeats() {
        return Err(Fault::Invalid("a query parameter is given more than once".to_owned()));
    }
    Ok(())
}

fn page(query: &Query) -> Result<Page, Fault> {
    let most = match query.get("maxResults") {
        None => limits::PAGE_ENTRIES_MAX,
        Some(text) => {
            let number =
                text.parse().ok().filter(|most| (1..=limits::PAGE_ENTRIES_MAX).contains(most));
            number.ok_or_else(|| {
                let max = limits::PAGE_ENTRIES_MAX;
                Fault::Invalid(format!("maxResults should be an integer from 1 to {max}"))
            })?
        }
    };
    Ok(Page { most, after: query.get("nextToken").map(str::to_owned) })
}

fn flag(query: &Query, name: &str) -> Result<bool, Fault> {
    match query.get(name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Fault::Invalid(format!("{name} should be true or false"))),
    }
}

fn cluster(text: &str) -> Result<ClusterRef, Fault> {
    ClusterRef::parse(text).ok_or_else(|| {
        Fault::Invalid(
            "the cluster in the path should be the name or the ARN of a cluster".to_owned(),
        )
    })
}

const PAGING: [&str; 2] = ["maxResults", "nextToken"];

/// A call on all environments of a cluster.
fn of_cluster(request: &Request<'_>, cluster: ClusterRef, query: &Query) -> Result<Call, Fault> {
    match request.method {
        "GET" => {
            checked(query, &["environmentNamePrefix", PAGING[0], PAGING[1]])?;
            let prefix = query.get("environmentNamePrefix").unwrap_or_default().to_owned();
            Ok(Call::Environments { cluster, prefix, page: page(query)? })
        }
        "POST" => {
            checked(query, &[])?;
            let (name, new) = body::new_environment(request.body)?;
            let environment = EnvironmentRef { cluster, name };
            Ok(Call::Create { environment, new: Box::new(new) })
        }
        _ => Err(Fault::Method("GET, POST")),
    }
}

/// A call on one environment; `rest` is what follows its name.
fn of_environment(
    request: &Request<'_>,
    environment: EnvironmentRef,
    rest: &[&str],
    query: &Query,
) -> Result<Call, Fault> {
    match (rest, request.method) {
        ([], "DELETE") => {
            checked(query, &["forceDelete", "terminateTasks"])?;
            flag(query, "forceDelete")?;
            let stops_tasks = flag(query, "terminateTasks")?;
            Ok(Call::Delete { environment, stops_tasks })
        }
        (["revisions" | "deployments"], "GET") => {
            checked(query, &PAGING)?;
            let page = page(query)?;
            Ok(match rest {
                ["revisions"] => Call::Revisions(environment, page),
                _ => Call::Deployments(environment, page),
            })
        }
        (["deployments"], "POST") => {
            checked(query, &["revisionId"])?;
            let needed = || Fault::Invalid("the query parameter revisionId is required".to_owned());
            let revision = query.get("revisionId").ok_or_else(needed)?.to_owned();
            Ok(Call::Deploy(environment, revision))
        }
        (_, "GET" | "PUT") => {
            checked(query, &[])?;
            match (rest, request.method) {
                ([], "GET") => Ok(Call::Describe(environment)),
                ([], _) => {
                    let task_definition = body::task_definition(request.body)?;
                    Ok(Call::Update { environment, task_definition })
                }
                (["revisions", id], "GET") => Ok(Call::Revision(environment, (*id).to_owned())),
                (["deployments", id], "GET") => Ok(Call::Deployment(environment, (*id).to_owned())),
                _ => Err(Fault::Method(allowed(rest))),
            }
        }
        _ => Err(Fault::Method(allowed(rest))),
    }
}

fn allowed(rest: &[&str]) -> &'static str {
    match rest {
        [] => "GET, PUT, DELETE",
        ["deployments"] => "GET, POST",
        _ => "GET",
    }
}

/// Reads a request to the scheduler's port, if its path is one of v1.0's.
///
/// # Errors
/// What the client is told.
pub fn route(request: &Request<'_>) -> Option<Result<Call, Fault>> {
    let elements = elements(request.path);
    let elements: Vec<&str> = elements.iter().map(String::as_str).collect();
    let ["v1", of, "environments", rest @ ..] = elements.as_slice() else { return None };
    // What v0.3 takes for a slash too many is its own.
    let is_v03s = of.is_empty() || *of == "." || (of.contains('/') && !of.starts_with("arn:"));
    if is_v03s || WORDS_OF_V03.contains(of) {
        return None;
    }
    let below = rest.get(1..).unwrap_or_default();
    if !matches!(below, [] | ["revisions" | "deployments"] | ["revisions" | "deployments", _]) {
        return None;
    }
    let query = Query::parse(request.query);
    Some(cluster(of).and_then(|cluster| match rest.first() {
        None => of_cluster(request, cluster, &query),
        // A name that no environment can have is one that is not there.
        Some(name) if !is_environment_name(name) => {
            Err(Fault::NotFound(Kind::Environment, (*name).to_owned()))
        }
        Some(name) => {
            let environment = EnvironmentRef { cluster, name: (*name).to_owned() };
            of_environment(request, environment, below, &query)
        }
    }))
}

#[cfg(test)]
mod tests;
