//! `longshore chronos`: jobs at set times and after one another, with Chronos's REST API.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use longshore_chronos::Config;
use longshore_driver::Credential;
use longshore_schedulers::chronos::{ChronosApi, ChronosOptions};
use longshore_schedulers::framework::Cluster;
use longshore_server::{Place, Port, Rules, bind};
use longshore_wire_chronos::{Amount, Defaults};

use crate::args::door::{DoorArgs, SchedulerDoorArgs};
use crate::args::first_credential;
use crate::dev::interrupted;

/// The rules of jobs. The names are those of Chronos's own flags.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ChronosRules {
    /// For how many seconds after it was due a run may still start, for jobs that do not say it.
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=315_360_000))]
    task_epsilon: u64,
    /// Milliseconds from a failure to the next attempt.
    #[arg(long, default_value_t = 60_000, value_name = "MS", value_parser = clap::value_parser!(u64).range(0..=86_400_000))]
    failure_retry: u64,
    /// Disable a job after so many failures without a success; 0 means never.
    #[arg(long, default_value_t = 0, value_name = "N")]
    disable_after_failures: u64,
    /// CPUs of jobs that do not say it.
    #[arg(long, default_value = "0.1", value_name = "CPUS", value_parser = amount)]
    mesos_task_cpu: Amount,
    /// MiB of memory of jobs that do not say it.
    #[arg(long, default_value = "128", value_name = "MIB", value_parser = amount)]
    mesos_task_mem: Amount,
    /// MiB of disk of jobs that do not say it.
    #[arg(long, default_value = "256", value_name = "MIB", value_parser = amount)]
    mesos_task_disk: Amount,
}

impl ChronosRules {
    fn config(&self) -> Config {
        Config {
            defaults: Defaults {
                cpus: self.mesos_task_cpu,
                mem: self.mesos_task_mem,
                disk: self.mesos_task_disk,
                epsilon_ms: self.task_epsilon * 1_000,
            },
            retry_ms: self.failure_retry,
            disable_after_failures: self.disable_after_failures,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ChronosArgs {
    /// Where tasks run: HOST:PORT or `zk://HOST/PATH` of a Mesos master, or `ecs://CLUSTER` for Amazon ECS itself.
    #[arg(long, default_value = "127.0.0.1:5050")]
    master: String,
    /// File with the principal and secret for a Mesos master that asks for one: Mesos's JSON format, or both on one line.
    #[arg(long, value_name = "FILE")]
    master_credentials: Option<PathBuf>,
    /// Listen address of Chronos's API. Port 0 picks a free port.
    #[arg(long, default_value = "127.0.0.1:4400")]
    chronos_listen: SocketAddr,
    /// Directory for jobs and their runs.
    #[arg(long, default_value = ".longshore")]
    data_dir: PathBuf,
    /// Open a data directory that this user did not create on this machine. The jobs in it will be run.
    #[arg(long)]
    trust_data_dir: bool,
    /// Keep jobs in memory only: they are lost at the end.
    #[arg(long, conflicts_with = "data_dir")]
    in_memory: bool,
    /// Name of the framework.
    #[arg(long, default_value = "chronos", value_name = "NAME")]
    mesos_framework_name: String,
    /// Role whose resources are used.
    #[arg(long, default_value = "*", value_name = "ROLE")]
    mesos_role: String,
    /// User that the framework says its tasks run as.
    #[arg(long, default_value = "root")]
    user: String,
    #[command(flatten)]
    rules: ChronosRules,
    #[command(flatten)]
    callers: SchedulerDoorArgs,
    #[command(flatten)]
    door: DoorArgs,
}

/// Runs until Ctrl-C or SIGTERM, or until it cannot go on.
pub(crate) async fn run(args: ChronosArgs, json: bool) -> anyhow::Result<ExitCode> {
    let place = if args.in_memory {
        Place::Memory
    } else {
        Place::Directory(crate::data_dir::trusted(&args.data_dir, args.trust_data_dir)?)
    };
    let credential = match &args.master_credentials {
        None => None,
        Some(path) => {
            let (principal, secret) = first_credential(path, "--master-credentials")?;
            Some(Credential { principal, secret })
        }
    };
    let cluster = Cluster::Named { master: args.master.clone(), credential };
    let options = ChronosOptions {
        config: args.rules.config(),
        name: args.mesos_framework_name.clone(),
        user: args.user.clone(),
        role: args.mesos_role.clone(),
        credentials: args.callers.credentials()?,
        ..ChronosOptions::new(cluster)
    };
    let (mut api, url) =
        start(options, &place, args.chronos_listen, &args.door.rules(None)).await?;
    if json {
        let ready = serde_json::json!({"ready": true, "chronos": url, "master": args.master});
        crate::output::say!("{ready}");
    } else {
        crate::output::say!("Chronos's API  {url}   (tasks run on {})", args.master);
        crate::output::say!(
            "Ctrl-C stops it; tasks keep running, and are found again at the next start."
        );
    }
    tokio::select! {
        () = interrupted() => {
            api.stop().await;
            Ok(ExitCode::SUCCESS)
        }
        why = api.failure() => {
            let why = anyhow::anyhow!("{why}");
            api.stop().await;
            Err(why)
        }
    }
}

/// Starts it on an address, and gives its URL.
pub(crate) async fn start(
    options: ChronosOptions,
    place: &Place,
    address: SocketAddr,
    rules: &Rules,
) -> anyhow::Result<(ChronosApi, String)> {
    let listener = bind(Port::Chronos, address, options.credentials.callers(), rules).await?;
    let url = format!("http://{}", listener.address());
    Ok((ChronosApi::start(options, place, listener)?, url))
}

/// A number above 0, to three decimals.
fn amount(text: &str) -> Result<Amount, String> {
    let wanted = || format!("a number of 0.001 to 1000000 is needed, not {text:?}");
    let number: f64 = text.parse().map_err(|_| wanted())?;
    if !(0.001..=1_000_000.0).contains(&number) {
        return Err(wanted());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was compared")]
    let thousandths = (number * 1000.0).round() as u64;
    Ok(Amount(thousandths))
}
