//! From a request to a typed call.
//!
//! Blox's routers match verb and path together: a wrong verb is a 404, as is a path that fails the pattern of a variable.
//! A path with a trailing or a double slash is redirected.
//!
//! Source: blox.md 1.2, 1.3, 2.2 and 2.3.

use crate::arn::{self, ClusterRef};
use crate::query::{Query, decode};
use crate::scheduler::{EnvironmentChange, NewEnvironment};
use crate::{Fault, scheduler};

/// A request, as far as it decides what is called.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// In upper case.
    pub method: &'a str,
    /// As it was sent.
    pub path: &'a str,
    /// What follows the question mark, as it was sent.
    pub query: &'a str,
    /// The body. Its content type does not count: old scripts send JSON as a form.
    pub body: &'a [u8],
}

/// What a request comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Routed<C> {
    /// A call.
    Call(C),
    /// Ask at this path instead: 301.
    Moved(String),
}

/// A call to the cluster state service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateCall {
    /// Some tasks.
    Tasks(TaskFilter),
    /// A task.
    Task {
        /// Name of its cluster.
        cluster: String,
        /// Its ARN.
        arn: String,
    },
    /// Changes of tasks, from this version on; 0 for those to come.
    TaskStream(u64),
    /// Some instances.
    Instances(InstanceFilter),
    /// An instance.
    Instance {
        /// Name of its cluster.
        cluster: String,
        /// Its ARN.
        arn: String,
    },
    /// Changes of instances, from this version on; 0 for those to come.
    InstanceStream(u64),
}

/// Which tasks. All that is given must be so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Their last status, in upper case.
    pub status: Option<&'static str>,
    /// The name of their cluster.
    pub cluster: Option<String>,
    /// Who started them.
    pub started_by: Option<String>,
}

/// Which instances. All that is given must be so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceFilter {
    /// Their status, in upper case.
    pub status: Option<&'static str>,
    /// The name of their cluster.
    pub cluster: Option<String>,
}

/// A call to the daemon scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchedulerCall {
    /// Whether it is there.
    Ping,
    /// Makes an environment.
    CreateEnvironment(Box<NewEnvironment>),
    /// The environments, of one cluster if it is given.
    ListEnvironments(Option<ClusterRef>),
    /// An environment.
    GetEnvironment(String),
    /// Changes an environment. Beyond v0.3.
    UpdateEnvironment {
        /// Its name.
        name: String,
        /// What about it.
        change: Box<EnvironmentChange>,
    },
    /// Ends an environment.
    DeleteEnvironment {
        /// Its name.
        name: String,
        /// Whether its tasks are stopped. Beyond v0.3, which leaves them.
        stops_tasks: bool,
    },
    /// Deploys what the environment says.
    CreateDeployment {
        /// The environment.
        name: String,
        /// The token of it.
        token: String,
    },
    /// Deploys what an earlier deployment did. Beyond v0.3.
    Rollback {
        /// The environment.
        name: String,
        /// The token of it.
        token: String,
        /// The id of that deployment, unless it is the last one before the present one.
        to: Option<String>,
    },
    /// The deployments, newest first.
    ListDeployments(String),
    /// A deployment.
    GetDeployment {
        /// The environment.
        name: String,
        /// Its id.
        id: String,
    },
}

/// The path with its escapes decoded; or where it should be asked for.
fn cleaned(path: &str) -> Result<String, String> {
    let decoded = decode(path, false);
    let parts: Vec<&str> =
        decoded.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let clean = format!("/{}", parts.join("/"));
    if clean == decoded { Ok(decoded) } else { Err(clean) }
}

/// Where a request with an unclean path is sent, with its query.
fn moved<C>(clean: String, query: &str) -> Routed<C> {
    let location = if query.is_empty() { clean } else { format!("{clean}?{query}") };
    // What cannot be in a header cannot be in a path of Blox either.
    let is_plain = |one: char| one.is_ascii_graphic();
    Routed::Moved(location.chars().map(|one| if is_plain(one) { one } else { '_' }).collect())
}

/// The word among these, whatever its case.
fn status(given: Option<&str>, known: &[&'static str]) -> Result<Option<&'static str>, Fault> {
    let Some(given) = given else { return Ok(None) };
    let found = known.iter().find(|word| word.eq_ignore_ascii_case(given));
    found.map(|word| Some(*word)).ok_or(Fault::Status)
}

fn cluster(query: &Query) -> Result<Option<ClusterRef>, Fault> {
    let given = query.get("cluster");
    given.map(|text| ClusterRef::parse(text).ok_or(Fault::Cluster)).transpose()
}

fn checked(query: &Query, known: &[&str], unknown: Fault) -> Result<(), Fault> {
    if !query.knows_only(known) {
        return Err(unknown);
    }
    if query.repeats() { Err(Fault::RepeatedFilter) } else { Ok(()) }
}

fn task_filter(query: &Query) -> Result<TaskFilter, Fault> {
    checked(query, &["status", "cluster", "startedBy"], Fault::UnsupportedFilter)?;
    Ok(TaskFilter {
        status: status(query.get("status"), &["PENDING", "RUNNING", "STOPPED"])?,
        cluster: cluster(query)?.map(|cluster| cluster.name().to_owned()),
        started_by: query.get("startedBy").map(str::to_owned),
    })
}

fn instance_filter(query: &Query) -> Result<InstanceFilter, Fault> {
    checked(query, &["status", "cluster"], Fault::UnsupportedFilter)?;
    Ok(InstanceFilter {
        status: status(query.get("status"), &["ACTIVE", "INACTIVE"])?,
        cluster: cluster(query)?.map(|cluster| cluster.name().to_owned()),
    })
}

/// Etcd counts in 64 bits with a sign.
fn version(query: &Query) -> Result<u64, Fault> {
    let Some(given) = query.get("entityVersion") else { return Ok(0) };
    let number: i64 = given.parse().map_err(|_| Fault::EntityVersion)?;
    u64::try_from(number).map_err(|_| Fault::EntityVersion)
}

/// Cluster and ARN of a path that ends in both.
fn named(rest: &str, is_arn: fn(&str) -> bool) -> Result<(String, String), Fault> {
    let (cluster, arn) = rest.split_once('/').ok_or(Fault::NoRoute)?;
    if arn::is_cluster_name(cluster) && is_arn(arn) {
        Ok((cluster.to_owned(), arn.to_owned()))
    } else {
        Err(Fault::NoRoute)
    }
}

/// Reads a request to the cluster state service.
///
/// # Errors
/// What the client is told.
pub fn state(request: Request<'_>) -> Result<Routed<StateCall>, Fault> {
    let path = match cleaned(request.path) {
        Ok(path) => path,
        Err(clean) => return Ok(moved(clean, request.query)),
    };
    if request.method != "GET" {
        return Err(Fault::NoRoute);
    }
    let query = Query::parse(request.query);
    let call = match path.as_str() {
        "/v1/tasks" => StateCall::Tasks(task_filter(&query)?),
        "/v1/instances" => StateCall::Instances(instance_filter(&query)?),
        "/v1/stream/tasks" => StateCall::TaskStream(version(&query)?),
        "/v1/stream/instances" => StateCall::InstanceStream(version(&query)?),
        other => {
            if let Some(rest) = other.strip_prefix("/v1/tasks/") {
                let (cluster, arn) = named(rest, arn::is_task_arn)?;
                StateCall::Task { cluster, arn }
            } else if let Some(rest) = other.strip_prefix("/v1/instances/") {
                let (cluster, arn) = named(rest, arn::is_instance_arn)?;
                StateCall::Instance { cluster, arn }
            } else {
                return Err(Fault::NoRoute);
            }
        }
    };
    Ok(Routed::Call(call))
}

fn token(query: &Query) -> Result<String, Fault> {
    let token = query.get("deploymentToken").filter(|token| arn::is_token(token));
    token.map(str::to_owned).ok_or(Fault::NoRoute)
}

fn environments(query: &Query) -> Result<SchedulerCall, Fault> {
    checked(query, &["cluster"], Fault::FilterNotSupported)?;
    Ok(SchedulerCall::ListEnvironments(cluster(query)?))
}

fn environment(request: Request<'_>, query: &Query, name: String) -> Result<SchedulerCall, Fault> {
    match request.method {
        "GET" => Ok(SchedulerCall::GetEnvironment(name)),
        "DELETE" => {
            let stops_tasks = match query.get("terminateTasks") {
                None | Some("false") => false,
                Some("true") => true,
                // Beyond v0.3, where no DELETE has a query: whoever means something else must not lose an environment.
                Some(_) => {
                    return Err(Fault::Invalid(vec![
                        "terminateTasks should be true or false".to_owned(),
                    ]));
                }
            };
            Ok(SchedulerCall::DeleteEnvironment { name, stops_tasks })
        }
        "PUT" => {
            let change = Box::new(scheduler::environment_change(request.body)?);
            Ok(SchedulerCall::UpdateEnvironment { name, change })
        }
        _ => Err(Fault::NoRoute),
    }
}

/// Reads a request to the daemon scheduler.
///
/// # Errors
/// What the client is told.
pub fn scheduler(request: Request<'_>) -> Result<Routed<SchedulerCall>, Fault> {
    let path = match cleaned(request.path) {
        Ok(path) => path,
        Err(clean) => return Ok(moved(clean, request.query)),
    };
    let query = Query::parse(request.query);
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let call = match (request.method, parts.as_slice()) {
        ("GET", ["v1", "ping"]) => SchedulerCall::Ping,
        ("GET", ["v1", "environments"]) => environments(&query)?,
        ("POST", ["v1", "environments"]) => {
            let new = scheduler::new_environment(request.body)?;
            SchedulerCall::CreateEnvironment(Box::new(new))
        }
        (_, ["v1", "environments", name]) => environment(request, &query, (*name).to_owned())?,
        ("GET", ["v1", "environments", name, "deployments"]) => {
            SchedulerCall::ListDeployments((*name).to_owned())
        }
        ("POST", ["v1", "environments", name, "deployments"]) => {
            SchedulerCall::CreateDeployment { name: (*name).to_owned(), token: token(&query)? }
        }
        ("POST", ["v1", "environments", name, "rollback"]) => SchedulerCall::Rollback {
            name: (*name).to_owned(),
            token: token(&query)?,
            to: query.get("deploymentId").map(str::to_owned),
        },
        ("GET", ["v1", "environments", name, "deployments", id]) => {
            SchedulerCall::GetDeployment { name: (*name).to_owned(), id: (*id).to_owned() }
        }
        _ => return Err(Fault::NoRoute),
    };
    Ok(Routed::Call(call))
}

#[cfg(test)]
mod tests;
