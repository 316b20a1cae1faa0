//! The commands of Blox's demo, and those for what it never had.
//!
//! As the scripts do, everything is printed to standard output, an option that is missing is asked for, and an error ends the
//! command with status 1. With --json only the answer is printed, on one line.

use std::process::ExitCode;

use longshore_wire_blox::query::encode;
use serde_json::{Value, json};

use super::gateway;
use super::http::{self, Answer};
use super::options::{
    DeleteArgs, DeployArgs, DeploymentsArgs, EnvironmentsArgs, InstancesArgs, NewArgs,
    RollbackArgs, SchedulerHost, TasksArgs, UpdateArgs, Way,
};
use super::told::{Told, needed};
use crate::args::AnyCluster;
use crate::cluster::Cluster;
use crate::output::say;

/// Commands to the services of Blox.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum DemoCommand {
    /// List task definitions, whose ARNs environments name.
    #[command(after_help = "Example:\n  longshore blox list-task-definitions --region us-east-1")]
    ListTaskDefinitions(AnyCluster),
    /// Create an environment: a task definition on each instance of a cluster.
    #[command(
        after_help = "Example:\n  longshore blox create-environment --environment WebEnvironment --cluster WebCluster --task-definition nginx:2"
    )]
    CreateEnvironment(NewArgs),
    /// List environments, or show one.
    ListEnvironments(EnvironmentsArgs),
    /// Change the task definition or the group of an environment; deploy it then.
    UpdateEnvironment(UpdateArgs),
    /// Delete an environment. Its tasks keep running unless they are to be stopped.
    DeleteEnvironment(DeleteArgs),
    /// Deploy what an environment says.
    #[command(
        after_help = "Example:\n  longshore blox create-deployment --environment WebEnvironment --deployment-token 17248257-08ec-4438-888f-e0ac28397653"
    )]
    CreateDeployment(DeployArgs),
    /// Deploy what an earlier deployment did, also while one is under way.
    Rollback(RollbackArgs),
    /// List the deployments of an environment, newest first, or show one.
    ListDeployments(DeploymentsArgs),
    /// List the container instances that the cluster state service knows, or show one.
    ListInstances(InstancesArgs),
    /// List the tasks that the cluster state service knows, or show one.
    ListTasks(TasksArgs),
}

/// A request to one of the services.
struct Asking {
    way: Way,
    method: &'static str,
    path: String,
    query: Vec<(&'static str, Option<String>)>,
    body: String,
}

impl Asking {
    fn target(&self) -> String {
        let given = self.query.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let pairs: Vec<String> = given
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encode(value.trim())))
            .collect();
        if pairs.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, pairs.join("&"))
        }
    }
}

fn get(way: Way, path: String, query: Vec<(&'static str, Option<String>)>) -> Asking {
    Asking { way, method: "GET", path, query, body: String::new() }
}

fn environment_path(name: &str, rest: &str) -> String {
    format!("/v1/environments/{}{rest}", encode(name))
}

fn title(command: &DemoCommand) -> &'static str {
    match command {
        DemoCommand::ListTaskDefinitions(_) => "List Task Definitions",
        DemoCommand::CreateEnvironment(_) => "Create Blox Environment",
        DemoCommand::ListEnvironments(_) => "List Blox Environments",
        DemoCommand::UpdateEnvironment(_) => "Update Blox Environment",
        DemoCommand::DeleteEnvironment(_) => "Delete Blox Environment",
        DemoCommand::CreateDeployment(_) => "Create Blox Deployment",
        DemoCommand::Rollback(_) => "Roll Back Blox Environment",
        DemoCommand::ListDeployments(_) => "List Blox Deployments",
        DemoCommand::ListInstances(_) => "List Blox Instances",
        DemoCommand::ListTasks(_) => "List Blox Tasks",
    }
}

fn new_environment(args: &NewArgs) -> anyhow::Result<Asking> {
    let way = args.to.way()?;
    let name = needed(args.environment.clone(), "Blox environment name")?;
    let cluster = needed(args.cluster.clone(), "ECS cluster name")?;
    let definition = needed(args.task_definition.clone(), "ECS task definition arn")?;
    let mut body =
        json!({"name": name, "instanceGroup": {"cluster": cluster}, "taskDefinition": definition});
    if !args.group.attribute.is_empty() {
        body["instanceGroup"]["attributes"] = args.group.attributes();
    }
    if let Some(percent) = args.group.min_healthy_percent {
        body["minHealthyPercent"] = percent.into();
    }
    let path = "/v1/environments".to_owned();
    Ok(Asking { way, method: "POST", path, query: Vec::new(), body: body.to_string() })
}

fn update(args: &UpdateArgs) -> anyhow::Result<Asking> {
    let way = args.to.way()?;
    let name = needed(args.environment.clone(), "Blox environment name")?;
    let mut body = json!({});
    if let Some(definition) = &args.task_definition {
        body["taskDefinition"] = definition.as_str().into();
    }
    if !args.group.attribute.is_empty() {
        body["instanceGroup"] = json!({"attributes": args.group.attributes()});
    }
    if let Some(percent) = args.group.min_healthy_percent {
        body["minHealthyPercent"] = percent.into();
    }
    let path = environment_path(&name, "");
    Ok(Asking { way, method: "PUT", path, query: Vec::new(), body: body.to_string() })
}

fn delete(args: &DeleteArgs) -> anyhow::Result<Asking> {
    let way = args.to.way()?;
    let name = needed(args.environment.clone(), "Blox environment name")?;
    let stops = args.terminate_tasks.then(|| "true".to_owned());
    let (path, query) = (environment_path(&name, ""), vec![("terminateTasks", stops)]);
    Ok(Asking { way, method: "DELETE", path, query, body: String::new() })
}

fn deploy(
    to: &SchedulerHost,
    environment: Option<&String>,
    token: Option<&String>,
    rest: &str,
) -> anyhow::Result<Asking> {
    let way = to.way()?;
    let name = needed(environment.cloned(), "Blox environment name")?;
    let token = needed(token.cloned(), "Blox deployment token")?;
    let (path, query) = (environment_path(&name, rest), vec![("deploymentToken", Some(token))]);
    Ok(Asking { way, method: "POST", path, query, body: String::new() })
}

fn deployments(args: &DeploymentsArgs) -> anyhow::Result<Asking> {
    let way = args.to.way()?;
    let name = needed(args.environment.clone(), "Blox environment name")?;
    let rest = match &args.deployment_id {
        Some(id) => format!("/deployments/{}", encode(id)),
        None => "/deployments".to_owned(),
    };
    Ok(get(way, environment_path(&name, &rest), Vec::new()))
}

/// A list, or one record by cluster and ARN.
fn state(
    host: &str,
    (kind, option): (&str, &str),
    cluster: Option<&String>,
    arn: Option<&String>,
    filters: Vec<(&'static str, Option<String>)>,
) -> anyhow::Result<Asking> {
    let way = Way::Host(host.to_owned());
    match (cluster, arn) {
        (Some(cluster), Some(arn)) => {
            Ok(get(way, format!("/v1/{kind}/{}/{arn}", encode(cluster)), Vec::new()))
        }
        (None, Some(_)) => {
            let why = format!("Error: {option} must be accompanied with the cluster parameter.");
            Err(Told(why).into())
        }
        _ => Ok(get(way, format!("/v1/{kind}"), filters)),
    }
}

fn asking(command: &DemoCommand) -> anyhow::Result<Option<Asking>> {
    let asking = match command {
        DemoCommand::ListTaskDefinitions(_) => return Ok(None),
        DemoCommand::CreateEnvironment(args) => new_environment(args)?,
        DemoCommand::UpdateEnvironment(args) => update(args)?,
        DemoCommand::DeleteEnvironment(args) => delete(args)?,
        DemoCommand::ListEnvironments(args) => {
            let way = args.to.way()?;
            if let Some(name) = &args.environment {
                get(way, environment_path(name, ""), Vec::new())
            } else {
                let cluster = vec![("cluster", args.cluster.clone())];
                get(way, "/v1/environments".to_owned(), cluster)
            }
        }
        DemoCommand::CreateDeployment(args) => deploy(
            &args.to,
            args.environment.as_ref(),
            args.deployment_token.as_ref(),
            "/deployments",
        )?,
        DemoCommand::Rollback(args) => {
            let mut asking = deploy(
                &args.to,
                args.environment.as_ref(),
                args.deployment_token.as_ref(),
                "/rollback",
            )?;
            asking.query.push(("deploymentId", args.deployment_id.clone()));
            asking
        }
        DemoCommand::ListDeployments(args) => deployments(args)?,
        DemoCommand::ListInstances(args) => {
            let filters = vec![("cluster", args.cluster.clone()), ("status", args.status.clone())];
            let (cluster, arn) = (args.cluster.as_ref(), args.instance_arn.as_ref());
            state(&args.to.host, ("instances", "instance-arn"), cluster, arn, filters)?
        }
        DemoCommand::ListTasks(args) => {
            let filters = vec![
                ("cluster", args.cluster.clone()),
                ("status", args.status.clone()),
                ("startedBy", args.started_by.clone()),
            ];
            let (cluster, arn) = (args.cluster.as_ref(), args.task_arn.as_ref());
            state(&args.to.host, ("tasks", "task-arn"), cluster, arn, filters)?
        }
    };
    Ok(Some(asking))
}

/// Prints an answer as the scripts do; whether it was a good one.
fn show(host: &str, asking: &Asking, answer: &Answer, json: bool) -> anyhow::Result<ExitCode> {
    let body = answer.body.trim_end();
    if answer.status.is_client_error() || answer.status.is_server_error() {
        let url = format!("http://{host}{}", asking.target());
        let status = answer.status;
        let reason = status.canonical_reason().unwrap_or_default();
        say!(
            "Error: Invalid response on '{} {url}' - HTTP Error {}: {reason}",
            asking.method,
            status.as_u16()
        );
        say!("{body}");
        return Ok(ExitCode::FAILURE);
    }
    if !json {
        say!("HTTP Response Code: {}", answer.status.as_u16());
    }
    if body.is_empty() && asking.method == "DELETE" {
        return Ok(ExitCode::SUCCESS);
    }
    match serde_json::from_str::<Value>(body) {
        Ok(value) if json => say!("{value}"),
        Ok(value) => say!("{}", serde_json::to_string_pretty(&value)?),
        Err(error) => {
            say!("Error: Could not parse response - {error}");
            say!("{body}");
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn definitions(args: &AnyCluster, json: bool) -> anyhow::Result<ExitCode> {
    let cluster = Cluster::of(args).await?;
    let mut pages = cluster.sdk().list_task_definitions().into_paginator().items().send();
    let mut arns = Vec::new();
    while let Some(arn) = pages.next().await {
        arns.push(arn.map_err(|error| cluster.explain(error))?);
    }
    let value = json!({"taskDefinitionArns": arns});
    if json {
        say!("{value}");
    } else {
        say!("{}", serde_json::to_string_pretty(&value)?);
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs one.
pub(super) async fn run(command: DemoCommand, json: bool) -> anyhow::Result<ExitCode> {
    if !json {
        say!("== Blox Demo CLI - {} ==\n", title(&command));
    }
    if let DemoCommand::ListTaskDefinitions(args) = &command {
        if !json {
            say!("\n");
        }
        return definitions(args, json).await;
    }
    let asking = match asking(&command) {
        Ok(Some(asking)) => asking,
        Ok(None) => return Ok(ExitCode::SUCCESS),
        Err(error) => {
            return match error.downcast::<Told>() {
                Ok(told) => {
                    say!("{told}");
                    Ok(ExitCode::FAILURE)
                }
                Err(error) => Err(error),
            };
        }
    };
    if !json {
        say!("\n");
    }
    let host = match &asking.way {
        Way::Host(host) => host,
        Way::Stack(stack) => {
            let asked = (asking.method, asking.target(), asking.body.as_str());
            return gateway::call(stack, asked, json).await;
        }
    };
    match http::call(host, asking.method, &asking.target(), &asking.body).await {
        Ok(answer) => show(host, &asking, &answer, json),
        Err(error) => {
            let url = format!("http://{host}{}", asking.target());
            let why = crate::output::message(&error);
            say!("Error: Could not call '{} {url}' - {why}", asking.method);
            Ok(ExitCode::FAILURE)
        }
    }
}
