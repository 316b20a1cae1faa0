//! The flags of `longshore dev`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use longshore_agent::process::SANDBOX_KEPT;
use longshore_wire_ecs::shape::shared::Attribute;

use super::door::{DoorArgs, KeyArgs, MesosDoorArgs};
use super::{DevSchedulerArgs, MasterArgs};
use crate::instance_types::InstanceGroup;

/// What runs the containers of the local ECS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuntimeArg {
    /// Docker if a daemon responds, otherwise processes.
    Auto,
    /// The Docker daemon on this machine.
    Docker,
    /// Plain processes on this machine.
    Process,
    /// No runtime: containers are only simulated.
    Simulated,
}

/// What a commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DurabilityArg {
    /// Power loss.
    Full,
    /// A crash of the program, but not power loss.
    Normal,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DevArgs {
    /// Number of container instances, or number of each EC2 instance type, for example 3xt3.medium,2xg4dn.xlarge.
    #[arg(long, default_value = "3", value_name = "N|NxTYPE", value_delimiter = ',')]
    pub(crate) instances: Vec<InstanceGroup>,
    /// Additional instances whose containers are simulated, for example 5000xm5.large.
    #[arg(long, value_name = "N|NxTYPE", value_delimiter = ',')]
    pub(crate) simulate: Vec<InstanceGroup>,
    /// Attribute to set on all instances, or on instance N, counting from 1. May be given more than once.
    #[arg(long, value_name = "[N:]NAME[=VALUE]", value_parser = attribute)]
    pub(crate) attribute: Vec<(Option<u32>, Attribute)>,
    /// Availability zones, assigned to the instances in turn [default: zones a, b and c of the region].
    #[arg(long, value_delimiter = ',')]
    pub(crate) zones: Vec<String>,
    /// Runtime for containers.
    #[arg(long, value_enum, default_value_t = RuntimeArg::Auto)]
    pub(crate) runtime: RuntimeArg,
    /// Runtime for single instances, by number, counting from 1, for example 3=simulated.
    #[arg(long, value_name = "N=RUNTIME", value_delimiter = ',', value_parser = instance_runtime)]
    pub(crate) instance_runtime: Vec<(u32, RuntimeArg)>,
    /// CPU units of instances without a type, 1024 per core.
    #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub(crate) instance_cpu: u32,
    /// Memory of instances without a type, in MiB.
    #[arg(long, default_value_t = 8192, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub(crate) instance_memory: u32,
    /// Name of the cluster that the instances join and that frameworks see.
    #[arg(long, env = "AWS_ECS_CLUSTER", default_value = "default")]
    pub(crate) cluster: String,
    /// Region of the local ECS.
    #[arg(long, default_value = "us-east-1", value_parser = region)]
    pub(crate) region: String,
    /// Account of the local ECS, twelve digits.
    #[arg(long, default_value = "000000000000", value_parser = account)]
    pub(crate) account: String,
    /// Directory for state.
    #[arg(long, default_value = ".longshore")]
    pub(crate) data_dir: PathBuf,
    /// Open a data directory that this user did not create on this machine. The tasks recorded in it will be started.
    #[arg(long)]
    pub(crate) trust_data_dir: bool,
    /// Make the Mesos master poll the cluster instead of following its events.
    #[arg(long)]
    pub(crate) without_events: bool,
    /// Keep no state: everything, including containers, is discarded on exit.
    #[arg(long)]
    pub(crate) in_memory: bool,
    /// Stop when standard input ends, as it does when the program that started this one is gone.
    #[arg(long)]
    pub(crate) until_stdin_ends: bool,
    /// What acknowledged changes survive.
    #[arg(long, value_enum, default_value_t = DurabilityArg::Full)]
    pub(crate) durability: DurabilityArg,
    /// Count tasks that start and then exit as failures of their deployment, unlike AWS: the circuit breaker then fails the
    /// deployment or rolls it back. A task without a health check counts as healthy after 10 s instead of 1 s.
    #[arg(long)]
    pub(crate) breaker_counts_exits: bool,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
    /// Listen address of the ECS API. Port 0 picks a free port.
    #[arg(long, default_value = "127.0.0.1:5080")]
    pub(crate) ecs_listen: SocketAddr,
    #[command(flatten)]
    pub(crate) provisions: ProvisionArgs,
    /// Port at which each instance tells about its tasks as a Mesos agent does, on an address of its own; 0 picks a free one
    /// [default: 5051, or a free one].
    #[arg(long, value_name = "PORT")]
    pub(crate) agent_port: Option<u16>,
    /// Seconds to keep the output and the sandbox of a process after its task has ended.
    #[arg(long, value_name = "SECONDS", default_value_t = SANDBOX_KEPT.as_secs())]
    pub(crate) gc_delay: u64,
    /// MiB of fetched files that an instance keeps for other tasks; 0 keeps none.
    #[arg(long, value_name = "MIB", default_value_t = 2_048)]
    pub(crate) fetch_cache: u64,
    #[command(flatten)]
    pub(crate) master: MasterArgs,
    #[command(flatten)]
    pub(crate) mesos_door: MesosDoorArgs,
    #[command(flatten)]
    pub(crate) schedulers: DevSchedulerArgs,
    /// Serve the Mesos master API and the schedulers without credentials although the ECS API has access keys.
    #[arg(long, conflicts_with = "mesos_credentials")]
    pub(crate) mesos_open: bool,
    #[command(flatten)]
    pub(crate) door: DoorArgs,
    /// Maximum number of 4 KiB pages in the database, to simulate a full disk.
    #[arg(long, hide = true)]
    pub(crate) database_pages: Option<u32>,
    /// Set the wall clock forward by BY seconds after AFTER seconds, to simulate a clock step.
    #[arg(long, hide = true, value_name = "AFTER=BY", value_parser = clock_step)]
    pub(crate) clock_step: Option<(Duration, Duration)>,
}

/// What containers get from outside.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ProvisionArgs {
    /// Port of the task metadata endpoint [default: the port used last time, or else a free port].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) metadata_port: Option<u16>,
    /// Pass the AWS credentials of this machine to tasks that have a task role.
    #[arg(long)]
    pub(crate) pass_credentials: bool,
    /// Directory that stands in for S3 when environment files and s3:// URIs are read, laid out as DIR/bucket/key.
    #[arg(long, value_name = "DIR")]
    pub(crate) s3_dir: Option<PathBuf>,
    /// Values of secrets: a JSON file with names and values, or a directory with one file per secret.
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) secrets: Option<PathBuf>,
}

fn region(text: &str) -> Result<String, String> {
    if longshore_wire_ecs::arn::is_region(text) {
        Ok(text.to_owned())
    } else {
        Err("a region looks like us-east-1".to_owned())
    }
}

fn account(text: &str) -> Result<String, String> {
    if longshore_wire_ecs::arn::is_account(text) {
        Ok(text.to_owned())
    } else {
        Err("an account id has twelve digits".to_owned())
    }
}

fn attribute(text: &str) -> Result<(Option<u32>, Attribute), String> {
    let (number, text) = match text.split_once(':') {
        Some((number, rest)) if number.parse::<u32>().is_ok() => (number.parse().ok(), rest),
        _ => (None, text),
    };
    let (name, value) =
        text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
    if name.is_empty() {
        return Err("write NAME=VALUE, or 2:NAME=VALUE for the second instance".to_owned());
    }
    let (name, value) = (Some(name.into()), value.map(Into::into));
    Ok((number, Attribute { name, value, ..Default::default() }))
}

fn clock_step(text: &str) -> Result<(Duration, Duration), String> {
    let seconds = |text: &str| text.parse().map(Duration::from_secs).ok();
    let (after, by) = text.split_once('=').ok_or("write AFTER=BY, in seconds")?;
    seconds(after).zip(seconds(by)).ok_or_else(|| "write AFTER=BY, in seconds".to_owned())
}

fn instance_runtime(text: &str) -> Result<(u32, RuntimeArg), String> {
    let (number, runtime) =
        text.split_once('=').ok_or("write N=RUNTIME, for example 3=simulated")?;
    let number =
        number.parse().ok().filter(|number| *number > 0).ok_or("instances are numbered from 1")?;
    Ok((number, RuntimeArg::from_str(runtime, true)?))
}
