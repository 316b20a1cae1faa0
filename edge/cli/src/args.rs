//! The command line, as it is typed.

mod dev;
pub(crate) mod door;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(crate) use self::dev::{DevArgs, DurabilityArg, ProvisionArgs, RuntimeArg};
use self::door::{DoorArgs, MesosDoorArgs};
use crate::explain::{ConstraintArg, StrategyArg};
use crate::feed::FeedArgs;
use crate::instance_types::InstanceGroup;
use crate::list::PsArgs;
use crate::logging::LogFormat;

/// Apache Mesos frameworks, unmodified, on Amazon ECS.
#[derive(Debug, Parser)]
#[command(name = "longshore", version, propagate_version = true)]
pub(crate) struct Args {
    /// Print machine-readable JSON, one document a line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say more on standard error. `RUST_LOG` says it in detail.
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// Form of the log lines on standard error.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch a Mesos framework's tasks run on a local ECS, from nothing.
    #[command(after_help = "Example:\n  longshore demo --keep")]
    Demo(DemoArgs),
    /// A local ECS and the Mesos master API in front of it, until Ctrl-C.
    #[command(
        after_help = "Example:\n  longshore dev --instances 3xt3.medium,2xg4dn.xlarge --attribute stack=prod"
    )]
    Dev(Box<DevArgs>),
    /// The Mesos master API in front of an ECS cluster that is already there, until Ctrl-C.
    #[command(
        after_help = "Example:\n  AWS_PROFILE=prod AWS_ECS_CLUSTER=batch longshore serve --default-image busybox"
    )]
    Serve(ServeArgs),
    /// Run tasks of a task definition.
    #[command(after_help = "Example:\n  longshore run hello:1 --count 2 --env NAME=world")]
    Run(RunArgs),
    /// List tasks.
    #[command(
        after_help = "Examples:\n  longshore ps --all\n  longshore stop $(longshore ps -q --family hello)"
    )]
    Ps(PsArgs),
    /// List container instances and what they have left, or rehearse what happens to machines.
    #[command(
        after_help = "Examples:\n  longshore instances --json\n  longshore instances add 2xt3.medium\n  longshore instances disconnect 0123456789abcdef0123456789abcdef"
    )]
    Instances(InstancesArgs),
    /// List task definitions.
    #[command(after_help = "Example:\n  longshore task-definitions --family hello")]
    TaskDefinitions(TaskDefinitionsArgs),
    /// Stop tasks.
    #[command(
        after_help = "Example:\n  longshore stop 0123456789abcdef0123456789abcdef --reason 'not needed'"
    )]
    Stop(StopArgs),
    /// Say where tasks would be placed, and why not elsewhere. Nothing is started.
    #[command(
        after_help = "Examples:\n  longshore explain --task-definition app:3 --count 5 --constraint 'attribute:stack == prod' --strategy binpack:memory\n  longshore explain --service web --aws --cluster prod --picture web.svg"
    )]
    Explain(Box<ExplainArgs>),
    /// Say what happens to tasks, instances and services, line by line; without --follow, what the cluster still knows.
    #[command(
        after_help = "Examples:\n  longshore events --follow\n  longshore events --follow --pattern '{\"detail\":{\"lastStatus\":[\"STOPPED\"]}}'\n  longshore events --aws --cluster prod"
    )]
    Events(EventsArgs),
    /// Show what a task's container wrote (local ECS only).
    #[command(after_help = "Example:\n  longshore logs 0123456789abcdef0123456789abcdef")]
    Logs(LogsArgs),
    /// Print completions for a shell.
    #[command(
        after_help = "Example:\n  longshore completions bash > /etc/bash_completion.d/longshore"
    )]
    Completions(CompletionsArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Stay up after the sample framework has ended.
    #[arg(long)]
    pub(crate) keep: bool,
    /// What runs containers. Docker needs an image with a shell: see --image.
    #[arg(long, value_enum, default_value_t = RuntimeArg::Process)]
    pub(crate) runtime: RuntimeArg,
    /// Image of the sample tasks, for Docker.
    #[arg(long, default_value = "busybox")]
    pub(crate) image: String,
    /// Address of the ECS API. Port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:5080")]
    pub(crate) ecs_listen: SocketAddr,
    /// Address of the Mesos master API. Port 0 takes a free one.
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

/// The cluster to stand in front of. All else is configured as the AWS SDK is: profiles, environment, region.
#[derive(Debug, clap::Args)]
pub(crate) struct ServedCluster {
    /// Name or ARN of the cluster.
    #[arg(long, env = "AWS_ECS_CLUSTER", default_value = "default")]
    pub(crate) cluster: String,
    /// Where the ECS API is, if not where the AWS SDK is configured to look.
    #[arg(long, env = "AWS_ECS_ENDPOINT")]
    pub(crate) endpoint: Option<String>,
    /// The region, if not the one that the AWS SDK is configured with.
    #[arg(long)]
    pub(crate) region: Option<String>,
}

/// The cluster that a command of the daily work is about: the local one, unless told otherwise.
#[derive(Debug, clap::Args)]
pub(crate) struct AnyCluster {
    /// Name or ARN of the cluster.
    #[arg(long, global = true, env = "AWS_ECS_CLUSTER", default_value = "default")]
    pub(crate) cluster: String,
    /// Where the ECS API is.
    #[arg(
        long,
        global = true,
        env = "AWS_ECS_ENDPOINT",
        default_value = "http://127.0.0.1:5080",
        conflicts_with = "aws"
    )]
    pub(crate) endpoint: String,
    /// The region, if not us-east-1 (local) or the one that the AWS SDK is configured with.
    #[arg(long, global = true)]
    pub(crate) region: Option<String>,
    /// The cluster on Amazon ECS that the AWS SDK is configured for, instead of a local one.
    #[arg(long, global = true)]
    pub(crate) aws: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// family, family:revision or ARN.
    pub(crate) task_definition: String,
    /// How many tasks, 1 to 10.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=10))]
    pub(crate) count: i32,
    /// Environment of the first container.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) env: Vec<String>,
    /// Wait until the tasks have stopped, and end with 1 if one of them failed.
    #[arg(long)]
    pub(crate) wait: bool,
    /// Command of the first container, after --.
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

/// What is done to container instances.
#[derive(Debug, Subcommand)]
pub(crate) enum InstanceAction {
    /// Add instances to a local ECS, until it ends.
    #[command(
        after_help = "Example:\n  longshore instances add 2xt3.medium --attribute stack=test"
    )]
    Add {
        /// How many, or how many of which EC2 types.
        #[arg(required = true, value_name = "N|NxTYPE", value_delimiter = ',')]
        groups: Vec<InstanceGroup>,
        /// What runs their containers [default: as the others].
        #[arg(long, value_enum)]
        runtime: Option<RuntimeArg>,
        /// An attribute of them. May be given more than once.
        #[arg(long, value_name = "NAME[=VALUE]")]
        attribute: Vec<String>,
    },
    /// Set instances to DRAINING: they keep their tasks and take no new ones; services move away.
    Drain {
        /// ARNs, ids or the beginnings of some, or EC2 ids.
        #[arg(required = true, value_name = "INSTANCE")]
        instances: Vec<String>,
    },
    /// Set instances back to ACTIVE.
    Activate {
        /// ARNs, ids or the beginnings of some, or EC2 ids.
        #[arg(required = true, value_name = "INSTANCE")]
        instances: Vec<String>,
    },
    /// Cut instances of a local ECS off: their agents are away, their containers run on.
    Disconnect {
        /// ARNs, ids or the beginnings of some, or EC2 ids.
        #[arg(required = true, value_name = "INSTANCE")]
        instances: Vec<String>,
    },
    /// Bring the agents of instances back.
    Connect {
        /// ARNs, ids or the beginnings of some, or EC2 ids.
        #[arg(required = true, value_name = "INSTANCE")]
        instances: Vec<String>,
    },
    /// Let instances of a local ECS die, with all that runs on them.
    Remove {
        /// ARNs, ids or the beginnings of some, or EC2 ids.
        #[arg(required = true, value_name = "INSTANCE")]
        instances: Vec<String>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct TaskDefinitionsArgs {
    /// Only those of this family.
    #[arg(long)]
    pub(crate) family: Option<String>,
    #[command(flatten)]
    pub(crate) cluster: AnyCluster,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StopArgs {
    /// ARNs, ids or the beginnings of some, or ids of Mesos tasks.
    #[arg(required = true, value_name = "TASK")]
    pub(crate) tasks: Vec<String>,
    /// Shown as the task's stoppedReason.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) cluster: AnyCluster,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// family, family:revision or ARN.
    #[arg(long, required_unless_present_any = ["service", "cluster_file"])]
    pub(crate) task_definition: Option<String>,
    /// A service: its task definition, constraints and strategies, and as many tasks as it lacks.
    #[arg(long, conflicts_with = "cluster_file")]
    pub(crate) service: Option<String>,
    /// How many tasks [default: 1, or as many as the service lacks].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) count: Option<u32>,
    /// A constraint: distinctInstance, or an expression of the cluster query language. May be given more than once.
    #[arg(long)]
    pub(crate) constraint: Vec<ConstraintArg>,
    /// A strategy: random, spread:instanceId, spread:attribute:NAME, binpack:cpu or binpack:memory. May be given more than
    /// once; each decides between what those before it left equal.
    #[arg(long)]
    pub(crate) strategy: Vec<StrategyArg>,
    /// The group whose tasks are spread and kept apart [default: family:FAMILY, or service:NAME].
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// What random choices are made from.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Draw it, too: an SVG file.
    #[arg(long, value_name = "FILE")]
    pub(crate) picture: Option<PathBuf>,
    /// A described cluster instead of a running one: JSON with containerInstances, tasks and taskDefinition, as the ECS API
    /// gives them.
    #[arg(long, value_name = "FILE", conflicts_with = "task_definition")]
    pub(crate) cluster_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) cluster: AnyCluster,
}

#[derive(Debug, clap::Args)]
pub(crate) struct EventsArgs {
    /// Say what happens from now on, until Ctrl-C (local ECS only).
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only events that match an event pattern of EventBridge.
    #[arg(long, value_name = "JSON", requires = "follow")]
    pub(crate) pattern: Option<String>,
    /// Events of all clusters of the account and region, and those that programs put on the bus.
    #[arg(long, requires = "follow")]
    pub(crate) all_clusters: bool,
    #[command(flatten)]
    pub(crate) cluster: AnyCluster,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LogsArgs {
    /// An ARN, an id or the beginning of one, or the id of a Mesos task.
    pub(crate) task: String,
    /// The container, if the task has more than one.
    #[arg(long)]
    pub(crate) container: Option<String>,
    #[command(flatten)]
    pub(crate) cluster: AnyCluster,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}

/// How the Mesos master presents the cluster.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct MasterArgs {
    /// Address of the Mesos master API. Port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:5050")]
    pub(crate) mesos_listen: SocketAddr,
    /// Host name that frameworks reach the master at [default: the address that is listened on].
    #[arg(long)]
    pub(crate) mesos_hostname: Option<String>,
    /// Ports that are offered on each instance, minus those in use.
    #[arg(long, default_value = "80, 443, 1024-32767", value_parser = longshore_bridge::parse_ranges)]
    pub(crate) offer_ports: longshore_bridge::Ranges,
    /// Disk in MB that is offered on each instance.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) offer_disk: u64,
    /// Attribute of an instance that holds the host name that frameworks are told. Without it they get the EC2 id.
    #[arg(long, default_value = "longshore.hostname")]
    pub(crate) hostname_attribute: String,
    /// Seconds that a framework may hold an offer before it is taken back; 0 for ever.
    #[arg(long, default_value_t = 600)]
    pub(crate) offer_timeout: u64,
    /// Image of tasks that name none.
    #[arg(long)]
    pub(crate) default_image: Option<String>,
}
