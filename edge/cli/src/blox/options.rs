//! Options of the commands of Blox's demo, named as those of its scripts.

use serde_json::{Value, json};

use super::told::needed;

/// Where the scheduler is.
#[derive(Debug, clap::Args)]
pub(crate) struct SchedulerHost {
    /// Host and port of the daemon scheduler [default: localhost:2000].
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["apigateway", "stack"])]
    pub(super) host: Option<String>,
    /// Region of the stack; otherwise it does not count.
    #[arg(long)]
    pub(super) region: Option<String>,
    /// Call the scheduler through API Gateway, as a stack of CloudFormation has it.
    #[arg(long)]
    pub(super) apigateway: bool,
    /// Name of the stack.
    #[arg(long, requires = "apigateway")]
    pub(super) stack: Option<String>,
    /// URL of a local ECS, for the stack [default: `AWS_ENDPOINT_URL`, or Amazon's, as the AWS SDK is configured].
    #[arg(long, env = "AWS_ECS_ENDPOINT", value_name = "URL")]
    pub(super) endpoint: Option<String>,
}

/// How the scheduler is reached.
#[derive(Debug)]
pub(super) enum Way {
    /// Straight.
    Host(String),
    /// Through API Gateway.
    Stack(Gateway),
}

/// Where API Gateway is, and what stack tells which API is meant.
#[derive(Clone, Debug)]
pub(super) struct Gateway {
    pub(super) stack: String,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
}

impl SchedulerHost {
    /// How it is reached; the name of the stack is asked for if it is missing.
    pub(super) fn way(&self) -> anyhow::Result<Way> {
        if !self.apigateway {
            let host = self.host.clone().unwrap_or_else(|| "localhost:2000".to_owned());
            return Ok(Way::Host(host));
        }
        let stack = needed(self.stack.clone(), "CloudFormation stack name")?;
        let (region, endpoint) = (self.region.clone(), self.endpoint.clone());
        Ok(Way::Stack(Gateway { stack, region, endpoint }))
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
