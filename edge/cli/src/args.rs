//! The command line, as it is typed.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

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
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch a Mesos framework's tasks run on a local ECS, from nothing.
    #[command(after_help = "Example:\n  longshore demo --keep")]
    Demo(DemoArgs),
    /// A local ECS and the Mesos master API in front of it, until Ctrl-C.
    #[command(after_help = "Example:\n  longshore dev --instances 3 --runtime process")]
    Dev(DevArgs),
    /// The Mesos master API in front of an ECS cluster that is already there, until Ctrl-C.
    #[command(
        after_help = "Example:\n  AWS_PROFILE=prod AWS_ECS_CLUSTER=batch longshore serve --default-image busybox"
    )]
    Serve(ServeArgs),
    /// Run tasks of a task definition.
    #[command(after_help = "Example:\n  longshore run hello:1 --count 2 --env NAME=world")]
    Run(RunArgs),
    /// List tasks.
    #[command(after_help = "Example:\n  longshore ps --all")]
    Ps(PsArgs),
    /// List container instances and what they have left.
    #[command(after_help = "Example:\n  longshore instances --json")]
    Instances(InstancesArgs),
    /// List task definitions.
    #[command(after_help = "Example:\n  longshore task-definitions --family hello")]
    TaskDefinitions(TaskDefinitionsArgs),
    /// Stop tasks.
    #[command(
        after_help = "Example:\n  longshore stop 0123456789abcdef0123456789abcdef --reason 'not needed'"
    )]
    Stop(StopArgs),
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
}

#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) cluster: ServedCluster,
    #[command(flatten)]
    pub(crate) master: MasterArgs,
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
    #[arg(long, env = "AWS_ECS_CLUSTER", default_value = "default")]
    pub(crate) cluster: String,
    /// Where the ECS API is.
    #[arg(
        long,
        env = "AWS_ECS_ENDPOINT",
        default_value = "http://127.0.0.1:5080",
        conflicts_with = "aws"
    )]
    pub(crate) endpoint: String,
    /// The region, if not us-east-1 (local) or the one that the AWS SDK is configured with.
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// The cluster on Amazon ECS that the AWS SDK is configured for, instead of a local one.
    #[arg(long)]
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
pub(crate) struct PsArgs {
    /// Tasks that have stopped, too.
    #[arg(long, short)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) cluster: AnyCluster,
}

#[derive(Debug, clap::Args)]
pub(crate) struct InstancesArgs {
    #[command(flatten)]
    pub(crate) cluster: AnyCluster,
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
    /// Ids or ARNs.
    #[arg(required = true)]
    pub(crate) tasks: Vec<String>,
    /// Shown as the task's stoppedReason.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) cluster: AnyCluster,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LogsArgs {
    /// Id or ARN.
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

/// What runs the containers of the local ECS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuntimeArg {
    /// Docker if a daemon answers, else processes.
    Auto,
    /// The Docker daemon of this machine.
    Docker,
    /// Plain processes of this machine.
    Process,
    /// Nothing: containers are simulated.
    Simulated,
}

/// What a commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DurabilityArg {
    /// Power loss.
    Full,
    /// The end of the program.
    Normal,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DevArgs {
    /// How many container instances.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=5000))]
    pub(crate) instances: u32,
    /// Availability zones, given to the instances in turn [default: a, b and c of the region].
    #[arg(long, value_delimiter = ',')]
    pub(crate) zones: Vec<String>,
    /// What runs containers.
    #[arg(long, value_enum, default_value_t = RuntimeArg::Auto)]
    pub(crate) runtime: RuntimeArg,
    /// The instances, by number from 1, that run containers in another way, for example 3=simulated.
    #[arg(long, value_name = "N=RUNTIME", value_delimiter = ',', value_parser = instance_runtime)]
    pub(crate) instance_runtime: Vec<(u32, RuntimeArg)>,
    /// CPU units of each instance, 1024 to a core.
    #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub(crate) instance_cpu: u32,
    /// Memory of each instance in MiB.
    #[arg(long, default_value_t = 8192, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub(crate) instance_memory: u32,
    /// Cluster that the instances join and that frameworks see.
    #[arg(long, env = "AWS_ECS_CLUSTER", default_value = "default")]
    pub(crate) cluster: String,
    /// Region of the local ECS.
    #[arg(long, default_value = "us-east-1")]
    pub(crate) region: String,
    /// Account of the local ECS, twelve digits.
    #[arg(long, default_value = "000000000000", value_parser = account)]
    pub(crate) account: String,
    /// Where state is kept.
    #[arg(long, default_value = ".longshore")]
    pub(crate) data_dir: PathBuf,
    /// Keep nothing: all is gone when it ends, containers too.
    #[arg(long)]
    pub(crate) in_memory: bool,
    /// What an acknowledged change survives.
    #[arg(long, value_enum, default_value_t = DurabilityArg::Full)]
    pub(crate) durability: DurabilityArg,
    /// Check signatures: an access key and its secret. May be given more than once.
    #[arg(long, value_name = "KEY:SECRET", value_parser = key)]
    pub(crate) access_key: Vec<(String, String)>,
    /// Address of the ECS API. Port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:5080")]
    pub(crate) ecs_listen: SocketAddr,
    #[command(flatten)]
    pub(crate) master: MasterArgs,
    /// Most pages of 4 KiB in the database, to rehearse a full disk.
    #[arg(long, hide = true)]
    pub(crate) database_pages: Option<u32>,
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

fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("an account is twelve digits".to_owned())
    }
}

fn key(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((key, secret)) if !key.is_empty() && !secret.is_empty() => {
            Ok((key.to_owned(), secret.to_owned()))
        }
        _ => Err("write KEY:SECRET".to_owned()),
    }
}

fn instance_runtime(text: &str) -> Result<(u32, RuntimeArg), String> {
    let (number, runtime) =
        text.split_once('=').ok_or("write N=RUNTIME, for example 3=simulated")?;
    let number =
        number.parse().ok().filter(|number| *number > 0).ok_or("instances are numbered from 1")?;
    Ok((number, RuntimeArg::from_str(runtime, true)?))
}
