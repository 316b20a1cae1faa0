//! Options of the commands of Blox's demo, named as those of its scripts.

use anyhow::bail;
use serde_json::{Value, json};

/// Where the scheduler is.
#[derive(Debug, clap::Args)]
pub(crate) struct SchedulerHost {
    /// Host and port of the daemon scheduler.
    #[arg(long, default_value = "localhost:2000", value_name = "HOST:PORT")]
    pub(super) host: String,
    /// As the scripts take it; it does not count here.
    #[arg(long, hide = true)]
    pub(super) region: Option<String>,
    /// Not served yet: see the refusal.
    #[arg(long, hide = true)]
    pub(super) apigateway: bool,
    /// Not served yet: see the refusal.
    #[arg(long, hide = true)]
    pub(super) stack: Option<String>,
}

impl SchedulerHost {
    pub(super) fn check(&self) -> anyhow::Result<&str> {
        if self.apigateway || self.stack.is_some() {
            bail!(
                "--apigateway and --stack need CloudFormation and API Gateway, which are not served: name the scheduler with --host HOST:PORT"
            );
        }
        Ok(&self.host)
    }
}

/// Where the cluster state service is.
#[derive(Debug, clap::Args)]
pub(crate) struct StateHost {
    /// Host and port of the cluster state service.
    #[arg(long, default_value = "localhost:3000", value_name = "HOST:PORT")]
    pub(super) host: String,
    /// As the scripts take it; it does not count here.
    #[arg(long, hide = true)]
    pub(super) region: Option<String>,
}

/// A new environment.
#[derive(Debug, clap::Args)]
pub(crate) struct NewArgs {
    #[command(flatten)]
    pub(super) to: SchedulerHost,
    /// Name of the environment.
    #[arg(long)]
    pub(super) environment: Option<String>,
    /// Name or ARN of the cluster.
    #[arg(long)]
    pub(super) cluster: Option<String>,
    /// ARN of the task definition, or its family and revision.
    #[arg(long)]
    pub(super) task_definition: Option<String>,
    #[command(flatten)]
    pub(super) group: GroupArgs,
}

/// Which instances, and how fast.
#[derive(Debug, clap::Args)]
pub(crate) struct GroupArgs {
    /// Only instances that have this attribute; may be given more than once.
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub(super) attribute: Vec<String>,
    /// Percentage of the instances, 0 to 99, that keep a healthy task while others are replaced.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=99))]
    pub(super) min_healthy_percent: Option<u8>,
}

impl GroupArgs {
    pub(super) fn attributes(&self) -> Value {
        let one = |text: &String| match text.split_once('=') {
            Some((name, value)) => json!({"name": name, "value": value}),
            None => json!({"name": text}),
        };
        self.attribute.iter().map(one).collect()
    }
}

/// Which environments.
#[derive(Debug, clap::Args)]
pub(crate) struct EnvironmentsArgs {
    #[command(flatten)]
    pub(super) to: SchedulerHost,
    /// Name of the environment.
    #[arg(long)]
    pub(super) environment: Option<String>,
    /// Name or ARN of the cluster.
    #[arg(long)]
    pub(super) cluster: Option<String>,
}

/// What is to change.
#[derive(Debug, clap::Args)]
pub(crate) struct UpdateArgs {
    #[command(flatten)]
    pub(super) to: SchedulerHost,
    /// Name of the environment.
    #[arg(long)]
    pub(super) environment: Option<String>,
    /// ARN of the task definition, or its family and revision.
    #[arg(long)]
    pub(super) task_definition: Option<String>,
    #[command(flatten)]
    pub(super) group: GroupArgs,
}

/// What is to end.
#[derive(Debug, clap::Args)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    pub(super) to: SchedulerHost,
    /// Name of the environment.
    #[arg(long)]
    pub(super) environment: Option<String>,
    /// Stop its tasks first.
    #[arg(long)]
    pub(super) terminate_tasks: bool,
}

/// What is to be deployed.
#[derive(Debug, clap::Args)]
pub(crate) struct DeployArgs {
    #[command(flatten)]
    pub(super) to: SchedulerHost,
    /// Name of the environment.
    #[arg(long)]
    pub(super) environment: Option<String>,
    /// Token of the environment, as it is now.
    #[arg(long)]
    pub(super) deployment_token: Option<String>,
}

/// What is to be brought back.
#[derive(Debug, clap::Args)]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    pub(super) to: SchedulerHost,
    /// Name of the environment.
    #[arg(long)]
    pub(super) environment: Option<String>,
    /// Token of the environment, as it is now.
    #[arg(long)]
    pub(super) deployment_token: Option<String>,
    /// The deployment to go back to [default: the last that completed with another task definition].
    #[arg(long)]
    pub(super) deployment_id: Option<String>,
}

/// Which deployments.
#[derive(Debug, clap::Args)]
pub(crate) struct DeploymentsArgs {
    #[command(flatten)]
    pub(super) to: SchedulerHost,
    /// Name of the environment.
    #[arg(long)]
    pub(super) environment: Option<String>,
    /// Id of the deployment.
    #[arg(long)]
    pub(super) deployment_id: Option<String>,
}

/// Which instances.
#[derive(Debug, clap::Args)]
pub(crate) struct InstancesArgs {
    #[command(flatten)]
    pub(super) to: StateHost,
    /// Name of the cluster.
    #[arg(long)]
    pub(super) cluster: Option<String>,
    /// active or inactive.
    #[arg(long)]
    pub(super) status: Option<String>,
    /// ARN of the instance.
    #[arg(long)]
    pub(super) instance_arn: Option<String>,
}

/// Which tasks.
#[derive(Debug, clap::Args)]
pub(crate) struct TasksArgs {
    #[command(flatten)]
    pub(super) to: StateHost,
    /// Name of the cluster.
    #[arg(long)]
    pub(super) cluster: Option<String>,
    /// pending, running or stopped.
    #[arg(long)]
    pub(super) status: Option<String>,
    /// Who started them; for tasks of an environment, the id of the deployment.
    #[arg(long)]
    pub(super) started_by: Option<String>,
    /// ARN of the task.
    #[arg(long)]
    pub(super) task_arn: Option<String>,
}
