//! Command line arguments.

mod dev;
mod dev_schedulers;
pub(crate) mod door;
mod fetch;
mod mesos;
pub(crate) mod scheduler;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(crate) use self::dev::{DevArgs, DurabilityArg, ProvisionArgs, RuntimeArg};
pub(crate) use self::dev_schedulers::{DevSchedulerArgs, ListenAt};
use self::door::{DoorArgs, MesosDoorArgs};
pub(crate) use self::fetch::FetchArgs;
pub(crate) use self::mesos::{
    AgentAction, AgentsArgs, AnyMaster, FrameworkAction, FrameworksArgs, MasterListArgs,
    TaskChecks, first_credential,
};
pub(crate) use crate::chronos::ChronosArgs;
use crate::explain::{ConstraintArg, StrategyArg};
use crate::feed::FeedArgs;
use crate::instance_types::InstanceGroup;
use crate::list::PsArgs;
use crate::logging::LogFormat;
pub(crate) use crate::marathon::MarathonArgs;

/// Apache Mesos frameworks, unmodified, on Amazon ECS.
#[derive(Debug, Parser)]
#[command(name = "longshore", version, propagate_version = true)]
pub(crate) struct Args {
    /// Print machine-readable JSON, one document per line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Log more to standard error. Use `RUST_LOG` for finer control.
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// Format of the log lines on standard error.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch a Mesos framework run tasks on a local ECS, with no setup.
    #[command(after_help = "Example:\n  longshore demo --keep")]
    Demo(DemoArgs),
    /// Run a local ECS with the Mesos master API in front of it, until Ctrl-C.
    #[command(
        after_help = "Example:\n  longshore dev --instances 3xt3.medium,2xg4dn.xlarge --attribute stack=prod"
    )]
    Dev(Box<DevArgs>),
    /// Run the Mesos master API in front of an existing ECS cluster, until Ctrl-C.
    #[command(
        after_help = "Example:\n  AWS_PROFILE=prod AWS_ECS_CLUSTER=batch longshore serve --default-image busybox"
    )]
    Serve(Box<ServeArgs>),
    /// Keep apps running, with Marathon's REST API, until Ctrl-C.
    #[command(
        after_help = "Examples:\n  longshore marathon --master 127.0.0.1:5050\n  AWS_PROFILE=prod longshore marathon --master ecs://web"
    )]
    Marathon(Box<MarathonArgs>),
    /// Run jobs at set times and after one another, with Chronos's REST API, until Ctrl-C.
    #[command(
        after_help = "Examples:\n  longshore chronos --master 127.0.0.1:5050\n  AWS_PROFILE=prod longshore chronos --master ecs://batch"
    )]
    Chronos(Box<ChronosArgs>),
    /// Run tasks from a task definition.
    #[command(after_help = "Example:\n  longshore run hello:1 --count 2 --env NAME=world")]
    Run(RunArgs),
    /// List tasks.
    #[command(
        after_help = "Examples:\n  longshore ps --all\n  longshore stop $(longshore ps -q --family hello)"
    )]
    Ps(PsArgs),
    /// List container instances and their remaining resources, or simulate machine failures and drains.
    #[command(
        after_help = "Examples:\n  longshore instances --json\n  longshore instances add 2xt3.medium\n  longshore instances disconnect 0123456789abcdef0123456789abcdef"
    )]
    Instances(InstancesArgs),
    /// List task definitions.
    #[command(after_help = "Example:\n  longshore task-definitions --family hello")]
    TaskDefinitions(TaskDefinitionsArgs),
    /// List the frameworks of a Mesos master, or remove some.
    #[command(
        after_help = "Examples:\n  longshore frameworks --master http://master.example:5050\n  longshore frameworks teardown 0123abcd-0000"
    )]
    Frameworks(FrameworksArgs),
    /// List the agents of a Mesos master and their unused resources, or take some out of use.
    #[command(
        after_help = "Examples:\n  longshore agents --json\n  longshore agents drain 0123abcd\n  longshore agents activate 0123abcd"
    )]
    Agents(AgentsArgs),
    /// List the offers that frameworks hold.
    #[command(after_help = "Example:\n  longshore offers --master http://master.example:5050")]
    Offers(MasterListArgs),
    /// List roles: the resources that they use or are offered, their weights and their quota.
    #[command(after_help = "Example:\n  longshore roles --json")]
    Roles(MasterListArgs),
    /// Stop tasks.
    #[command(
        after_help = "Example:\n  longshore stop 0123456789abcdef0123456789abcdef --reason 'not needed'"
    )]
    Stop(StopArgs),
    /// Show where tasks would be placed and why other instances are ruled out. Nothing is started.
    #[command(
        after_help = "Examples:\n  longshore explain --task-definition app:3 --count 5 --constraint 'attribute:stack == prod' --strategy binpack:memory\n  longshore explain --service web --aws --cluster prod --picture web.svg"
    )]
    Explain(Box<ExplainArgs>),
    /// Print task, instance and service events, one per line; without --follow, the history that the cluster still has.
    #[command(
        after_help = "Examples:\n  longshore events --follow\n  longshore events --follow --pattern '{\"detail\":{\"lastStatus\":[\"STOPPED\"]}}'\n  longshore events --aws --cluster prod"
    )]
    Events(EventsArgs),
    /// Show the output of a task's container (local ECS only).
    #[command(after_help = "Example:\n  longshore logs 0123456789abcdef0123456789abcdef")]
    Logs(LogsArgs),
    /// Run one task of a definition on each instance: Blox's daemon scheduler, its cluster state service, and the commands of its demo.
    #[command(
        after_help = "Examples:\n  longshore blox serve --endpoint http://127.0.0.1:5080 --region us-east-1 --make-queue\n  longshore blox list-environments"
    )]
    Blox(Box<crate::blox::BloxArgs>),
    /// Print the path of the library that frameworks for the JVM load in place of libmesos, or run a program with it.
    #[command(
        after_help = "Examples:\n  longshore libmesos\n  longshore libmesos -- spark-submit --master mesos://127.0.0.1:5050 job.py"
    )]
    Libmesos(LibmesosArgs),
    /// Generate shell completions.
    #[command(
        after_help = "Example:\n  longshore completions bash > /etc/bash_completion.d/longshore"
    )]
    Completions(CompletionsArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Keep running after the sample framework has finished.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Runtime for containers. Docker needs an image with a shell: see --image.
    #[arg(long, value_enum, default_value_t = RuntimeArg::Process)]
    pub(crate) runtime: RuntimeArg,
    /// Image for the sample tasks when they run on Docker.
    #[arg(long, default_value = "busybox")]
    pub(crate) image: String,
    /// Listen address of the ECS API. Port 0 picks a free port.
    #[arg(long, default_value = "127.0.0.1:5080")]
    pub(crate) ecs_listen: SocketAddr,
    /// Listen address of the Mesos master API. Port 0 picks a free port.
    #[arg(long, default_value = "127.0.0.1:5050")]
    pub(crate) mesos_listen: SocketAddr,
    #[command(flatten)]
    pub(crate) door: DoorArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) cluster: ServedCluster,
    #[command(flatten)]
    pub(crate) feed: FeedArgs,
    #[command(flatten)]
    pub(crate) master: MasterArgs,
    #[command(flatten)]
    pub(crate) mesos_door: MesosDoorArgs,
    #[command(flatten)]
    pub(crate) door: DoorArgs,
}

/// The cluster to serve. Everything else is configured as for the AWS SDK: profiles, environment, region.
#[derive(Debug, clap::Args)]
pub(crate) struct ServedCluster {
    /// Name or ARN of the cluster.
    #[arg(long, env = "AWS_ECS_CLUSTER", default_value = "default")]
    pub(crate) cluster: String,
    /// URL of the ECS API [default: the endpoint that the AWS SDK is configured with].
    #[arg(long, env = "AWS_ECS_ENDPOINT")]
    pub(crate) endpoint: Option<String>,
    /// Region [default: the one that the AWS SDK is configured with].
    #[arg(long)]
    pub(crate) region: Option<String>,
}

/// The cluster that an everyday command works on: the local one by default.
#[derive(Debug, clap::Args)]
pub(crate) struct AnyCluster {
    /// Name or ARN of the cluster.
    #[arg(long, global = true, env = "AWS_ECS_CLUSTER", default_value = "default")]
    pub(crate) cluster: String,
    /// URL of the ECS API.
    #[arg(
        long,
        global = true,
        env = "AWS_ECS_ENDPOINT",
        default_value = "http://127.0.0.1:5080",
        conflicts_with = "aws"
    )]
    pub(crate) endpoint: String,
    /// Region [default: us-east-1 for a local ECS; with --aws, the one that the AWS SDK is configured with].
    #[arg(long, global = true)]
    pub(crate) region: Option<String>,
    /// Use the cluster on Amazon ECS that your AWS SDK is configured for instead of a local one.
    #[arg(long, global = true)]
    pub(crate) aws: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// Task definition: family, family:revision or ARN.
    pub(crate) task_definition: String,
    /// Number of tasks to run, 1 to 10.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=10))]
    pub(crate) count: i32,
    /// Environment variable for the first container. May be given more than once.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) env: Vec<(String, String)>,
    /// Wait until the tasks have stopped, and exit with status 1 if any of them failed.
    #[arg(long)]
    pub(crate) wait: bool,
    /// Command for the first container, after --.
    #[arg(last = true)]
    pub(crate) command: Vec<String>,
    #[command(flatten)]
    pub(crate) cluster: AnyCluster,
}

#[derive(Debug, clap::Args)]
pub(crate) struct InstancesArgs {
    #[command(subcommand)]
    pub(crate) action: Option<InstanceAction>,
    #[command(flatten)]
    pub(crate) cluster: AnyCluster,
}

/// What to do with container instances.
#[derive(Debug, Subcommand)]
pub(crate) enum InstanceAction {
    /// Add instances to a local ECS for as long as it runs.
    #[command(
        after_help = "Example:\n  longshore instances add 2xt3.medium --attribute stack=test"
    )]
    Add {
        /// Number of instances, or number of each EC2 instance type.
        #[arg(required = true, value_name = "N|NxTYPE", value_delimiter = ',')]
        groups: Vec<InstanceGroup>,
        /// Runtime for their containers [default: the same as for the other instances].
        #[arg(long, value_enum)]
        runtime: Option<RuntimeArg>,
        /// Attribute to set on them. May be given more than once.
        #[arg(long, value_name = "NAME[=VALUE]")]
        attribute: Vec<String>,
    },
    /// Set instances to DRAINING: they take no new tasks, and services move their tasks elsewhere.
    Drain {
        /// Instances: ARN, id, unique id prefix or EC2 instance id.
        #[arg(required = true, value_name = "INSTANCE")]
        instances: Vec<String>,
    },
    /// Set instances back to ACTIVE.
    Activate {
        /// Instances: ARN, id, unique id prefix or EC2 instance id.
        #[arg(required = true, value_name = "INSTANCE")]
        instances: Vec<String>,
    },
    /// Disconnect the agents of instances of a local ECS. Their containers keep running.
    Disconnect {
        /// Instances: ARN, id, unique id prefix or EC2 instance id.
        #[arg(required = true, value_name = "INSTANCE")]
        instances: Vec<String>,
    },
    /// Reconnect the agents of instances.
    Connect {
        /// Instances: ARN, id, unique id prefix or EC2 instance id.
        #[arg(required = true, value_name = "INSTANCE")]
        instances: Vec<String>,
    },
    /// Terminate instances of a local ECS, with everything that runs on them.
    Remove {
        /// Instances: ARN, id, unique id prefix or EC2 instance id.
        #[arg(required = true, value_name = "INSTANCE")]
        instances: Vec<String>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct TaskDefinitionsArgs {
    /// Only task definitions of this family.
    #[arg(long)]
    pub(crate) family: Option<String>,
    #[command(flatten)]
    pub(crate) cluster: AnyCluster,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StopArgs {
    /// Tasks: ARN, id, unique id prefix or Mesos task id.
    #[arg(required = true, value_name = "TASK")]
    pub(crate) tasks: Vec<String>,
    /// Reason to record as the task's stoppedReason.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) cluster: AnyCluster,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// Task definition: family, family:revision or ARN.
    #[arg(long, required_unless_present_any = ["service", "cluster_file"])]
    pub(crate) task_definition: Option<String>,
    /// Service whose task definition, constraints, strategies and number of missing tasks to use.
    #[arg(long, conflicts_with = "cluster_file")]
    pub(crate) service: Option<String>,
    /// Number of tasks [default: 1, or as many as the service is missing].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) count: Option<u32>,
    /// Placement constraint: distinctInstance, or a cluster query language expression. May be given more than once.
    #[arg(long)]
    pub(crate) constraint: Vec<ConstraintArg>,
    /// Placement strategy: random, spread:instanceId, spread:attribute:NAME, binpack:cpu or binpack:memory. May be given more
    /// than once; each breaks the ties that the ones before it leave.
    #[arg(long)]
    pub(crate) strategy: Vec<StrategyArg>,
    /// Task group, for spread and distinctInstance [default: family:FAMILY, or service:NAME].
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// Seed for random choices.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Also write a picture of the result, as an SVG file.
    #[arg(long, value_name = "FILE")]
    pub(crate) picture: Option<PathBuf>,
    /// Read the cluster from a file instead of from the ECS API: JSON with containerInstances, tasks and taskDefinition, as
    /// the ECS API returns them.
    #[arg(long, value_name = "FILE", conflicts_with = "task_definition")]
    pub(crate) cluster_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) cluster: AnyCluster,
}

#[derive(Debug, clap::Args)]
pub(crate) struct EventsArgs {
    /// Print new events as they happen, until Ctrl-C (local ECS only).
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only events that match this EventBridge event pattern.
    #[arg(long, value_name = "JSON", requires = "follow")]
    pub(crate) pattern: Option<String>,
    /// Include events of all clusters in the account and region, and events that programs put on the bus.
    #[arg(long, requires = "follow")]
    pub(crate) all_clusters: bool,
    #[command(flatten)]
    pub(crate) cluster: AnyCluster,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LogsArgs {
    /// Task: ARN, id, unique id prefix or Mesos task id.
    pub(crate) task: String,
    /// Container name, if the task has more than one.
    #[arg(long)]
    pub(crate) container: Option<String>,
    #[command(flatten)]
    pub(crate) cluster: AnyCluster,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LibmesosArgs {
    /// Program to run with the library, and its arguments.
    #[arg(last = true, value_name = "PROGRAM")]
    pub(crate) command: Vec<std::ffi::OsString>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// Shell to generate completions for.
    pub(crate) shell: clap_complete::Shell,
}

/// How the Mesos master presents the cluster.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct MasterArgs {
    /// Listen address of the Mesos master API. Port 0 picks a free port.
    #[arg(long, default_value = "127.0.0.1:5050")]
    pub(crate) mesos_listen: SocketAddr,
    /// Host name at which frameworks reach the master [default: the listen address].
    #[arg(long)]
    pub(crate) mesos_hostname: Option<String>,
    /// Ports to offer on each instance, less those in use.
    #[arg(long, default_value = longshore_bridge::OFFER_PORTS, value_parser = longshore_bridge::parse_ranges)]
    pub(crate) offer_ports: longshore_bridge::Ranges,
    /// Disk space to offer on each instance, in MB.
    #[arg(long, default_value_t = longshore_bridge::OFFER_DISK_MB)]
    pub(crate) offer_disk: u64,
    /// Instance attribute with the host name that frameworks see. An instance without it appears under its EC2 instance id.
    #[arg(long, default_value = longshore_bridge::HOSTNAME_ATTRIBUTE)]
    pub(crate) hostname_attribute: String,
    /// Seconds that a framework may hold an offer before it is rescinded; 0 means no limit.
    #[arg(long, default_value_t = longshore_bridge::OFFER_TIMEOUT_S)]
    pub(crate) offer_timeout: u64,
    /// Seconds that the agent of an instance may be disconnected before it counts as unreachable, and its tasks with it.
    #[arg(long, default_value_t = longshore_bridge::limits::AGENT_AWAY_MS / 1000, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) agent_away_timeout: u64,
    /// Seconds between SIGTERM and SIGKILL for tasks without a kill policy.
    #[arg(long, default_value_t = longshore_bridge::limits::KILL_GRACE_S, value_parser = clap::value_parser!(u32).range(1..=120))]
    pub(crate) executor_shutdown_grace: u32,
    /// How to make HTTP and TCP checks of tasks: `auto` dials the task where its instance has the attribute with a host name
    /// and the port is the task's own, and otherwise runs a command in the container; `dial` and `container` do only that.
    #[arg(long, value_enum, default_value_t = TaskChecks::Auto)]
    pub(crate) task_checks: TaskChecks,
    /// Image for tasks that do not specify one.
    #[arg(long, env = "LONGSHORE_DEFAULT_IMAGE")]
    pub(crate) default_image: Option<String>,
    /// ARN of the role by which Amazon ECS reads secrets that tasks refer to in their environment.
    #[arg(long, value_name = "ARN", env = "LONGSHORE_EXECUTION_ROLE")]
    pub(crate) execution_role: Option<String>,
    /// Pass secrets that tasks bring along as plain environment variables, which whoever may describe the tasks can read. Without it such
    /// tasks are refused.
    #[arg(long, env = "LONGSHORE_PLAIN_SECRETS")]
    pub(crate) plain_secrets: bool,
    #[command(flatten)]
    pub(crate) fetch: FetchArgs,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
