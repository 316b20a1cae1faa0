//! The commands of Blox's demo, and those for what it never had.
//!
//! As the scripts do, everything is printed to standard output, an option that is missing is asked for, and an error ends the
//! command with status 1. With --json only the answer is printed, on one line.

use std::io::{BufRead, Write};
use std::process::ExitCode;

use longshore_wire_blox::query::encode;
use serde_json::{Value, json};

use super::http::{self, Answer};
use super::options::{
    DeleteArgs, DeployArgs, DeploymentsArgs, EnvironmentsArgs, InstancesArgs, NewArgs,
    RollbackArgs, SchedulerHost, TasksArgs, UpdateArgs,
};
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

/// An error in the words of the scripts, which print it to standard output.
#[derive(Debug)]
struct Told(String);

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Told {}

/// A request to one of the services.
struct Asking<'a> {
    host: &'a str,
    method: &'static str,
    path: String,
    query: Vec<(&'static str, Option<String>)>,
    body: String,
}

impl Asking<'_> {
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

/// What was given, or is typed now.
fn needed(given: Option<String>, help: &str) -> anyhow::Result<String> {
    let typed = if let Some(given) = given {
        given
    } else {
        let mut output = std::io::stdout();
        write!(output, "- Enter {help}: ")?;
        output.flush()?;
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        line.trim().to_owned()
    };
    if typed.is_empty() {
        return Err(Told(format!("Error: {help} is required.")).into());
    }
    Ok(typed)
}

fn get<'a>(host: &'a str, path: String, query: Vec<(&'static str, Option<String>)>) -> Asking<'a> {
    Asking { host, method: "GET", path, query, body: String::new() }
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

fn new_environment(args: &NewArgs) -> anyhow::Result<Asking<'_>> {
    let host = args.to.check()?;
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
    Ok(Asking { host, method: "POST", path, query: Vec::new(), body: body.to_string() })
}

fn update(args: &UpdateArgs) -> anyhow::Result<Asking<'_>> {
    let host = args.to.check()?;
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
    Ok(Asking { host, method: "PUT", path, query: Vec::new(), body: body.to_string() })
}

fn delete(args: &DeleteArgs) -> anyhow::Result<Asking<'_>> {
    let host = args.to.check()?;
    let name = needed(args.environment.clone(), "Blox environment name")?;
    let stops = args.terminate_tasks.then(|| "true".to_owned());
    let (path, query) = (environment_path(&name, ""), vec![("terminateTasks", stops)]);
    Ok(Asking { host, method: "DELETE", path, query, body: String::new() })
}

fn deploy<'a>(
    to: &'a SchedulerHost,
    environment: Option<&String>,
    token: Option<&String>,
    rest: &str,
) -> anyhow::Result<Asking<'a>> {
    let host = to.check()?;
    let name = needed(environment.cloned(), "Blox environment name")?;
    let token = needed(token.cloned(), "Blox deployment token")?;
    let (path, query) = (environment_path(&name, rest), vec![("deploymentToken", Some(token))]);
    Ok(Asking { host, method: "POST", path, query, body: String::new() })
}

fn deployments(args: &DeploymentsArgs) -> anyhow::Result<Asking<'_>> {
    let host = args.to.check()?;
    let name = needed(args.environment.clone(), "Blox environment name")?;
    let rest = match &args.deployment_id {
        Some(id) => format!("/deployments/{}", encode(id)),
        None => "/deployments".to_owned(),
    };
    Ok(get(host, environment_path(&name, &rest), Vec::new()))
}

/// A list, or one record by cluster and ARN.
fn state<'a>(
    host: &'a str,
    (kind, option): (&str, &str),
    cluster: Option<&String>,
    arn: Option<&String>,
    filters: Vec<(&'static str, Option<String>)>,
) -> anyhow::Result<Asking<'a>> {
    match (cluster, arn) {
        (Some(cluster), Some(arn)) => {
            Ok(get(host, format!("/v1/{kind}/{}/{arn}", encode(cluster)), Vec::new()))
        }
        (None, Some(_)) => {
            let why = format!("Error: {option} must be accompanied with the cluster parameter.");
            Err(Told(why).into())
        }
        _ => Ok(get(host, format!("/v1/{kind}"), filters)),
    }
}

fn asking(command: &DemoCommand) -> anyhow::Result<Option<Asking<'_>>> {
    let asking = match command {
        DemoCommand::ListTaskDefinitions(_) => return Ok(None),
        DemoCommand::CreateEnvironment(args) => new_environment(args)?,
        DemoCommand::UpdateEnvironment(args) => update(args)?,
        DemoCommand::DeleteEnvironment(args) => delete(args)?,
        DemoCommand::ListEnvironments(args) => {
            let host = args.to.check()?;
            if let Some(name) = &args.environment {
                get(host, environment_path(name, ""), Vec::new())
            } else {
                let cluster = vec![("cluster", args.cluster.clone())];
                get(host, "/v1/environments".to_owned(), cluster)
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
fn show(asking: &Asking<'_>, answer: &Answer, json: bool) -> anyhow::Result<ExitCode> {
    let body = answer.body.trim_end();
    if answer.status.is_client_error() || answer.status.is_server_error() {
        let url = format!("http://{}{}", asking.host, asking.target());
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
    match http::call(asking.host, asking.method, &asking.target(), &asking.body).await {
        Ok(answer) => show(&asking, &answer, json),
        Err(error) => {
            let url = format!("http://{}{}", asking.host, asking.target());
            let why = crate::output::message(&error);
            say!("Error: Could not call '{} {url}' - {why}", asking.method);
            Ok(ExitCode::FAILURE)
        }
    }
}
